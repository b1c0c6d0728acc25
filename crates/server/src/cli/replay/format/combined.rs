//! The common and combined log formats of Apache (`mod_log_config`) and nginx: `host ident user [time] "request"
//! status bytes …`, whatever follows. Both write `\"`, `\\` and `\xHH` for bytes that cannot stand in a quoted field.

use super::Line;
use crate::cli::replay::entry::{Entry, request_line, status};

const EXPECTED: &str =
    r#"a line of the combined format is `127.0.0.1 - - [01/Aug/2026:10:00:00 +0000] "GET /path HTTP/1.1" 200 512`"#;

pub(super) fn parse(line: &[u8]) -> Result<Line, String> {
    let expected = |what: &str| format!("{what}: {EXPECTED}");
    let quote = line.iter().position(|byte| *byte == b'"').ok_or_else(|| expected("there is no quoted request"))?;
    let before = line[..quote].trim_ascii();
    if !before.ends_with(b"]") || !before.contains(&b'[') {
        return Err(expected("there is no time in brackets before the request"));
    }
    let (request, rest) = quoted(&line[quote + 1..]).ok_or_else(|| expected("the quoted request does not end"))?;
    let answered = rest.split(|byte| *byte == b' ').find(|field| !field.is_empty()).unwrap_or_default();
    let answered = str::from_utf8(answered.trim_ascii_end()).unwrap_or_default();
    let is_status = answered == "-" || (answered.len() <= 3 && answered.parse::<u16>().is_ok());
    if !is_status {
        return Err(expected("there is no status after the request"));
    }
    let entry = request_line(&request).and_then(|(method, target)| Entry::new(&method, target, status(answered)));
    Ok(entry.map_or(Line::NoRequest, Line::Call))
}

/// The field up to its closing quote, without escapes, and what follows.
fn quoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut field = Vec::with_capacity(text.len().min(256));
    let mut rest = text;
    loop {
        match rest {
            [] => return None,
            [b'"', after @ ..] => return Some((field, after)),
            [b'\\', b'x' | b'X', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                field.push(digit(*high) << 4 | digit(*low));
                rest = after;
            }
            [b'\\', escaped, after @ ..] => {
                field.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'v' => 0x0B,
                    b'f' => 0x0C,
                    b'a' => 0x07,
                    other => *other,
                });
                rest = after;
            }
            [byte, after @ ..] => {
                field.push(*byte);
                rest = after;
            }
        }
    }
}

fn digit(hexadecimal: u8) -> u8 {
    match hexadecimal {
        b'0'..=b'9' => hexadecimal - b'0',
        b'a'..=b'f' => hexadecimal - b'a' + 10,
        _ => hexadecimal.saturating_sub(b'A') + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(request: &str, after: &str) -> Option<(String, String, Option<u16>)> {
        let line = format!("10.0.0.1 - ada [01/Aug/2026:10:00:00 +0000] \"{request}\"{after}");
        match parse(line.as_bytes()).expect(&line) {
            Line::Call(entry) => {
                Some((entry.method, String::from_utf8_lossy(&entry.target).into_owned(), entry.status))
            }
            Line::NoRequest | Line::OfNoApp => None,
        }
    }

    #[test]
    fn common_and_combined_lines_are_read() {
        let got = |target: &str, status| Some(("GET".to_owned(), target.to_owned(), status));
        assert_eq!(call("GET /a?b=1 HTTP/1.1", " 200 5"), got("/a?b=1", Some(200)));
        assert_eq!(call("GET /a HTTP/1.1", " 304 - \"-\" \"curl \\\"8\\\"\" 0.01"), got("/a", Some(304)));
        assert_eq!(call("GET /a HTTP/1.1", " - -"), got("/a", None));
        assert_eq!(call("GET /a HTTP/1.1", " 000 0"), got("/a", None));
        assert_eq!(call(r#"GET /a\"b\x20\\c HTTP/1.1"#, " 404 0"), got(r#"/a"b \c"#, Some(404)));
    }

    #[test]
    fn what_is_no_request_is_said_to_be_none() {
        for junk in ["-", "", r"\x16\x03\x01\x02", r"\n", "HELLO"] {
            assert_eq!(call(junk, " 400 150"), None, "{junk}");
        }
    }

    #[test]
    fn a_line_of_another_form_is_refused() {
        for line in [
            "",
            "hello",
            "GET / HTTP/1.1",
            "h - - [t] \"GET / HTTP/1.1",
            "h - - [t] \"GET / HTTP/1.1\" ok",
            "h - - \"GET /\" 200 5",
            "h - - [t] \"GET / HTTP/1.1\"",
            "h - - [t] \"GET /\\",
        ] {
            let message = parse(line.as_bytes()).expect_err(line);
            assert!(message.contains("a line of the combined format is"), "{message}");
        }
    }
}
