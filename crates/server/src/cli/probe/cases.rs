//! What is sent: one unusual thing in each request, from the rules that Countersign's doors hold requests to.

/// A request that the upstream answers, and what is sent around it.
pub(super) struct Known {
    pub(super) path: String,
    pub(super) host: String,
    pub(super) headers: Vec<String>,
}

/// Which answer a case should get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expects {
    /// A refusal, or any other answer than that of the plain request.
    Another,
    /// That of a path which is not there.
    Absent,
    /// That of the plain request, or a refusal: what was added must not count.
    Same,
}

/// One request.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) sent: String,
    pub(super) bytes: Vec<u8>,
    pub(super) expects: Expects,
    pub(super) why: &'static str,
}

/// A method that changes nothing and is answered otherwise than GET.
const OTHER_METHOD: &str = "OPTIONS";

impl Known {
    /// A plain request.
    pub(super) fn plain(&self, method: &str, target: &str) -> Vec<u8> {
        self.with(method, target, &[])
    }

    /// A path that nobody serves.
    pub(super) fn absent(&self) -> String {
        format!("{}-countersign-probe-finds-nothing", self.path)
    }

    fn with(&self, method: &str, target: &str, more: &[&str]) -> Vec<u8> {
        let host = format!("Host: {}", self.host);
        let lines: Vec<&str> = [host.as_str()].into_iter().chain(more.iter().copied()).collect();
        self.head(&format!("{method} {target} HTTP/1.1"), &lines)
    }

    fn head(&self, line: &str, lines: &[&str]) -> Vec<u8> {
        let own = self.headers.iter().map(String::as_str);
        let all = [line].into_iter().chain(lines.iter().copied()).chain(own).chain(["Connection: close"]);
        let mut head: String = all.map(|line| format!("{line}\r\n")).collect();
        head += "\r\n";
        head.into_bytes()
    }
}

/// All of them.
pub(super) fn all(known: &Known) -> Vec<Case> {
    let mut cases = targets(known);
    cases.extend(methods(known));
    cases.extend(overrides(known));
    cases.extend(framing(known));
    cases
}

fn targets(known: &Known) -> Vec<Case> {
    const SEPARATOR: &str = "it decodes what separates segments: a rule about one path serves another";
    const DOTS: &str = "it resolves dot segments: `/open/../closed` is decided as one path and served as another";
    const MERGED: &str = "it leaves out empty segments: `//closed` is another path to whoever decides";
    const PARAMETER: &str = "it drops path parameters: `/closed;x` is another path to whoever decides";
    const FOLDED: &str = "it takes one character for another: a rule about one path serves another";
    const CUT: &str = "it cuts the path: what stands behind is decided and not served";
    let path = known.path.as_str();
    let (start, last) = path.rsplit_once('/').unwrap_or(("", path));
    let inside = &path[1..];
    let at = inside.bytes().position(|byte| byte.is_ascii_alphabetic()).map_or(1, |at| at + 1);
    let (before, letter, after) = (&path[..at], path[at..].chars().next().unwrap_or('a'), &path[at + 1..]);
    let wide = char::from_u32(u32::from(letter) + 0xFEE0).unwrap_or(letter);
    let wide: String = wide.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("%{byte:02X}")).collect();
    let folded = if path.bytes().any(|byte| byte.is_ascii_lowercase()) {
        path.to_ascii_uppercase()
    } else {
        path.to_ascii_lowercase()
    };
    let joined = |separator: &str| format!("/x{separator}..{separator}{inside}");
    let variants: Vec<(&'static str, String, &'static str)> = vec![
        ("encoded-slash", between(start, last, "%2F"), SEPARATOR),
        ("encoded-slash-lower", between(start, last, "%2f"), SEPARATOR),
        ("double-encoded-slash", between(start, last, "%252F"), SEPARATOR),
        ("backslash", between(start, last, "\\"), SEPARATOR),
        ("encoded-backslash", between(start, last, "%5C"), SEPARATOR),
        ("overlong-slash", between(start, last, "%C0%AF"), SEPARATOR),
        ("overlong-slash-3", between(start, last, "%E0%80%AF"), SEPARATOR),
        ("wide-slash", between(start, last, "%EF%BC%8F"), SEPARATOR),
        ("double-encoded-letter", format!("{before}%25{:02X}{after}", u32::from(letter)), SEPARATOR),
        ("dot-segment", format!("/.{path}"), DOTS),
        ("dot-segment-inside", format!("{start}/./{last}"), DOTS),
        ("dot-dot-segment", joined("/"), DOTS),
        ("encoded-dot-dot", format!("/x/%2e%2e{path}"), DOTS),
        ("half-encoded-dot-dot", format!("/x/.%2E{path}"), DOTS),
        ("dot-dot-encoded-slash", format!("/x/..%2F{inside}"), DOTS),
        ("dot-dot-all-encoded", format!("/x%2f%2e%2e%2f{inside}"), DOTS),
        ("dot-dot-backslash", joined("\\"), DOTS),
        ("dot-dot-parameter", format!("/x/..;{path}"), DOTS),
        ("dot-dot-double-encoded", format!("/x/%252e%252e{path}"), DOTS),
        ("dot-at-the-end", format!("{path}/."), DOTS),
        ("dot-dot-at-the-end", format!("{path}/x/.."), DOTS),
        ("merged-slashes", format!("/{path}"), MERGED),
        ("merged-slashes-inside", format!("{start}//{last}"), MERGED),
        ("merged-slashes-at-the-end", format!("{path}//"), MERGED),
        ("trailing-slash", format!("{path}/"), MERGED),
        ("matrix-parameter", format!("{path};x=y"), PARAMETER),
        ("empty-parameter", format!("{path};"), PARAMETER),
        ("parameter-inside", format!("{start};x=y/{last}"), PARAMETER),
        ("encoded-parameter", format!("{path}%3Bx=y"), PARAMETER),
        ("case-folded", folded, FOLDED),
        ("wide-letter", format!("{before}{wide}{after}"), FOLDED),
        ("invisible-character", format!("{path}%E2%80%8B"), FOLDED),
        ("encoded-null", format!("{path}%00"), CUT),
        ("encoded-null-and-more", format!("{path}%00.txt"), CUT),
        ("encoded-line-feed", format!("{path}%0A"), CUT),
        ("encoded-space", format!("{path}%20"), CUT),
        ("encoded-question-mark", format!("{path}%3Fx"), CUT),
        ("encoded-hash", format!("{path}%23x"), CUT),
        ("fragment", format!("{path}#x"), CUT),
        ("bad-triplet", format!("{path}%zz"), CUT),
        ("half-triplet", format!("{path}%"), CUT),
        ("extension", format!("{path}.json"), CUT),
        ("without-its-slash", inside.to_owned(), FOLDED),
        (
            "other-authority",
            format!("http://other.invalid{path}"),
            "it does not compare the host in the target with `Host`",
        ),
    ];
    let is_other = |(_, target, _): &(&str, String, &str)| target != path;
    let case = |(name, target, why): (&'static str, String, &'static str)| Case {
        name,
        bytes: known.plain("GET", &target),
        sent: target,
        expects: Expects::Another,
        why,
    };
    variants.into_iter().filter(is_other).map(case).collect()
}

/// The last two segments with something between them that is no slash. A path of one segment gets one before it.
fn between(start: &str, last: &str, separator: &str) -> String {
    if start.is_empty() { format!("/x/..{separator}{last}") } else { format!("{start}{separator}{last}") }
}

fn methods(known: &Known) -> Vec<Case> {
    const CASE: &str = "it folds the case of methods: `get` is no method that anybody decided (RFC 9110 §9.1)";
    let case = |method: &str, name| Case {
        name,
        sent: format!("{method} {}", known.path),
        bytes: known.plain(method, &known.path),
        expects: Expects::Another,
        why: CASE,
    };
    vec![case("get", "small-method"), case("Get", "mixed-method")]
}

fn overrides(known: &Known) -> Vec<Case> {
    const METHOD: &str = "it serves another method than that of the request line: GET is decided and DELETE served";
    const PATH: &str = "it serves another path than that of the request line";
    let method = [
        ("X-HTTP-Method-Override", "method-override"),
        ("X-HTTP-Method", "method-header"),
        ("X-Method-Override", "method-override-short"),
        ("X_HTTP_Method_Override", "method-override-low-line"),
    ]
    .map(|(header, name)| {
        let sent = format!("{header}: {OTHER_METHOD}");
        let bytes = known.with("GET", &known.path, &[&sent]);
        Case { name, sent, bytes, expects: Expects::Same, why: METHOD }
    });
    let query = format!("{}?_method={OTHER_METHOD}", known.path);
    let query = Case {
        name: "method-in-the-query",
        bytes: known.plain("GET", &query),
        sent: query,
        expects: Expects::Same,
        why: METHOD,
    };
    let path = [
        ("X-Original-URL", "original-url"),
        ("X-Rewrite-URL", "rewrite-url"),
        ("X_Original_URL", "original-url-low-line"),
        ("X-Original-URI", "original-uri"),
        ("X-Forwarded-Uri", "forwarded-uri"),
        ("X-Forwarded-Path", "forwarded-path"),
    ]
    .map(|(header, name)| {
        let sent = format!("{header}: {}", known.path);
        let bytes = known.with("GET", &known.absent(), &[&sent]);
        Case { name, sent, bytes, expects: Expects::Absent, why: PATH }
    });
    method.into_iter().chain([query]).chain(path).collect()
}

fn framing(known: &Known) -> Vec<Case> {
    const LENGTH: &str = "it reads a length that another program reads otherwise: a second request can hide in the first (RFC 9112 §6.3)";
    const FIELD: &str = "it reads a line that is no field (RFC 9112 §5): another program sees another header";
    const HOST: &str = "it does not insist on one Host (RFC 9112 §3.2): another program sees another one";
    const LINES: &str = "it takes a bare line feed for a line's end: another program sees another line";
    let host = format!("Host: {}", known.host);
    let line = format!("GET {} HTTP/1.1", known.path);
    let case = |name, sent: &str, bytes: Vec<u8>, why| Case {
        name,
        sent: sent.escape_default().to_string(),
        bytes,
        expects: Expects::Another,
        why,
    };
    let fields = |name, lines: &[&str], body: &str, why| {
        let all: Vec<&str> = [host.as_str()].into_iter().chain(lines.iter().copied()).collect();
        let mut bytes = known.head(&line, &all);
        bytes.extend_from_slice(body.as_bytes());
        case(name, &lines.join(", "), bytes, why)
    };
    let bare = String::from_utf8_lossy(&known.plain("GET", &known.path)).replace("\r\n", "\n").into_bytes();
    let chunked = "Transfer-Encoding: chunked";
    vec![
        fields("length-and-chunks", &["Content-Length: 5", chunked], "0\r\n\r\n", LENGTH),
        fields("two-lengths", &["Content-Length: 0", "Content-Length: 5"], "hello", LENGTH),
        fields("length-with-a-sign", &["Content-Length: +0"], "", LENGTH),
        fields("length-in-a-list", &["Content-Length: 0, 0"], "", LENGTH),
        fields("length-that-is-none", &["Content-Length: 0x0"], "", LENGTH),
        fields("unknown-coding", &["Transfer-Encoding: xchunked"], "0\r\n\r\n", LENGTH),
        fields("coding-behind-chunks", &["Transfer-Encoding: chunked, identity"], "0\r\n\r\n", LENGTH),
        fields("two-codings", &[chunked, "Transfer-Encoding: identity"], "0\r\n\r\n", LENGTH),
        fields("bad-chunk-size", &[chunked], "0x0\r\n\r\n", LENGTH),
        case(
            "chunks-in-http-1.0",
            chunked,
            [&known.head(&format!("GET {} HTTP/1.0", known.path), &[&host, chunked])[..], b"0\r\n\r\n"].concat(),
            LENGTH,
        ),
        fields("space-before-colon", &["X-Probe : a"], "", FIELD),
        fields("folded-line", &["X-Probe: a\r\n b"], "", FIELD),
        fields("line-without-colon", &["X-Probe"], "", FIELD),
        fields("null-in-a-value", &["X-Probe: a\0b"], "", FIELD),
        fields("bare-carriage-return", &["X-Probe: a\rX-Other: b"], "", FIELD),
        fields("two-hosts", &["Host: other.invalid"], "", HOST),
        case("no-host", "", known.head(&line, &[]), HOST),
        case("bare-line-feeds", "\n", bare, LINES),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_case_has_a_name_of_its_own_and_differs_from_the_plain_request() {
        for path in ["/books/1984", "/books", "/A/b/c"] {
            let known = Known { path: path.to_owned(), host: "api.test".to_owned(), headers: vec!["A: b".to_owned()] };
            let cases = all(&known);
            assert!(cases.len() > 70, "{}", cases.len());
            let names: BTreeSet<_> = cases.iter().map(|case| case.name).collect();
            assert_eq!(names.len(), cases.len());
            let plain = known.plain("GET", path);
            assert!(cases.iter().all(|case| case.bytes != plain), "{path}");
            // the upstream's own header is in every request
            assert!(cases.iter().all(|case| case.bytes.windows(4).any(|four| four == b"A: b")));
        }
    }

    #[test]
    fn a_path_of_one_segment_has_its_slash_elsewhere() {
        assert_eq!(between("", "books", "%2F"), "/x/..%2Fbooks");
        assert_eq!(between("/books", "1984", "%2F"), "/books%2F1984");
    }
}
