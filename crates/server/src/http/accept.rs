//! What a client would rather read (RFC 9110 §12.5.1): a page, as browsers do, or JSON, as everybody else does.

use axum::http::{HeaderMap, header};

/// How much a client wants a media type: by the most specific of its ranges that the type is in.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
struct Wish {
    /// 2: named, 1: by its first half, 0: anything, or not at all.
    specificity: u8,
    /// From 0 to 1.
    quality: f32,
}

/// Whether HTML is wanted more than JSON. Whoever wants both alike, or says nothing, gets JSON.
pub fn prefers_html(headers: &HeaderMap) -> bool {
    let (mut html, mut json) = (Wish::default(), Wish::default());
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    for (range, quality) in values.flat_map(|value| value.split(',')).filter_map(weighed) {
        for (wish, kind, name) in [(&mut html, "text/*", "text/html"), (&mut json, "application/*", "application/json")]
        {
            let specificity = match range {
                "*/*" => 0,
                range if range.eq_ignore_ascii_case(kind) => 1,
                range if range.eq_ignore_ascii_case(name) => 2,
                _ => continue,
            };
            let said = Wish { specificity, quality };
            if said > *wish {
                *wish = said;
            }
        }
    }
    html.quality > json.quality
}

/// A media range with its weight; nothing where the weight is none.
fn weighed(range: &str) -> Option<(&str, f32)> {
    let mut parts = range.split(';').map(str::trim);
    let range = parts.next()?;
    let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let quality = quality.map_or(Some(1.0), |text| text.parse().ok())?;
    (0.0..=1.0).contains(&quality).then_some((range, quality))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_prefer_pages_and_programs_do_not() {
        for (accept, is_page) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", true),
            ("text/html", true),
            ("text/*", true),
            ("TEXT/HTML;q=0.9, application/json;q=0.8", true),
            ("*/*;q=0.1, text/html;level=1;q=0.2", true),
            ("", false),
            ("*/*", false),
            ("application/json", false),
            ("application/json, text/plain, */*", false),
            ("application/json, text/html", false),
            ("text/html;q=0.5, application/json", false),
            ("text/html;q=0, */*", false),
            ("text/html;q=2", false),
            ("text/html;q=NaN", false),
            ("text/html;q=html", false),
            ("text/html;q=0.5, application/*", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(prefers_html(&headers), is_page, "{accept}");
        }
        assert!(!prefers_html(&HeaderMap::new()));
    }

    #[test]
    fn ranges_may_stand_in_several_fields() {
        let mut headers = HeaderMap::new();
        headers.append(header::ACCEPT, "application/json;q=0.5".parse().unwrap());
        headers.append(header::ACCEPT, "text/html".parse().unwrap());
        assert!(prefers_html(&headers));
    }
}
