//! Stylesheet, icons and typefaces, embedded in the binary and served under `/static`.
//!
//! Pages link an asset with its digest in the query: that address may be kept for ever. Without the digest (typefaces and
//! images named by the stylesheet) it is kept for a day and then compared by ETag (RFC 9110 §8.8.3).

use std::fmt::Write;

use axum::body::Body;
use axum::extract::{Path, RawQuery};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{Embed, EmbeddedFile};

#[derive(Embed)]
#[folder = "static/"]
struct Files;

/// The address of an asset of this build: `/static/countersign.css?v=0123456789abcdef`.
pub fn url(name: &str) -> String {
    let file = Files::get(name).expect("templates name only files of `static/`; a test renders every page");
    format!("/static/{name}?v={}", version(&file))
}

/// `GET /static/{*name}`
pub async fn serve(Path(name): Path<String>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let Some(file) = Files::get(&name) else { return StatusCode::NOT_FOUND.into_response() };

    let version = version(&file);
    let etag = format!("\"{version}\"");
    let is_pinned = query.is_some_and(|query| query == format!("v={version}"));
    let cache = if is_pinned { "public, max-age=31536000, immutable" } else { "public, max-age=86400" };
    let about = [
        (header::CONTENT_TYPE, content_type(&name)),
        (header::CACHE_CONTROL, cache),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::ETAG, &etag),
    ];

    let is_known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    if is_known {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    (about, Body::from(file.data)).into_response()
}

/// 64 bits of the content's SHA-256: enough to tell our own builds apart.
fn version(file: &EmbeddedFile) -> String {
    file.metadata.sha256_hash()[..8].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        Some((_, "woff2")) => "font/woff2",
        Some((_, "txt")) => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn get(name: &str, query: Option<&str>, known: Option<&str>) -> Response {
        let mut headers = HeaderMap::new();
        if let Some(known) = known {
            headers.insert(header::IF_NONE_MATCH, known.parse().unwrap());
        }
        serve(Path(name.to_owned()), RawQuery(query.map(str::to_owned)), headers).await
    }

    #[tokio::test]
    async fn an_asset_with_its_digest_is_kept_for_ever_and_without_it_for_a_day() {
        let address = url("countersign.css");
        let (_, query) = address.split_once('?').unwrap();
        let pinned = get("countersign.css", Some(query), None).await;
        assert_eq!(pinned.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(pinned.headers()[header::CONTENT_TYPE], "text/css; charset=utf-8");

        let plain = get("countersign.css", None, None).await;
        assert_eq!(plain.headers()[header::CACHE_CONTROL], "public, max-age=86400");
        let stale = get("countersign.css", Some("v=0000000000000000"), None).await;
        assert_eq!(stale.headers()[header::CACHE_CONTROL], "public, max-age=86400");
    }

    #[tokio::test]
    async fn a_known_etag_is_answered_without_the_content() {
        let first = get("mark.svg", None, None).await;
        let etag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        let again = get("mark.svg", None, Some(&etag)).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert!(again.into_body().collect().await.unwrap().to_bytes().is_empty());
    }

    #[tokio::test]
    async fn names_outside_the_folder_are_unknown() {
        for name in ["", "missing.css", "../Cargo.toml", "/etc/passwd", "fonts", "fonts/../../Cargo.toml"] {
            assert_eq!(get(name, None, None).await.status(), StatusCode::NOT_FOUND, "{name}");
        }
    }

    #[tokio::test]
    async fn every_file_has_a_content_type() {
        for name in Files::iter() {
            assert_ne!(content_type(&name), "application/octet-stream", "{name}");
        }
    }
}
