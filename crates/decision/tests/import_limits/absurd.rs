//! Contract files that are absurd, with what has to be said about each: `tests/import_limits.rs` asks for it,
//! `examples/absurd.rs` measures it.

use std::fmt::Write as _;

/// A file, and what its first error says; nothing: it is read.
pub(crate) struct Absurd {
    pub(crate) name: &'static str,
    pub(crate) text: fn() -> String,
    pub(crate) says: Option<&'static str>,
}

/// All of them are refused, or read within the limits that the importer states.
pub(crate) const ALL: &[Absurd] = &[
    absurd("a million operations", million_operations, Some("f:800000: more than 4000000 nodes, aliases expanded")),
    absurd(
        "fifty thousand operations and one",
        || rows(50_001, |number| format!("/{number}")),
        Some("at most 50000 are read"),
    ),
    absurd("one hundred segments", || one_path(100, ""), None),
    absurd("two hundred segments", || one_path(200, ""), Some("200 segments, a request has at most 128")),
    absurd(
        "a permission list of a megabyte",
        permission_list,
        Some("f:4: too many `permissions`: at most 1000 are read"),
    ),
    absurd("ten thousand tags", tags, Some("f:4: too many `tags`: at most 1000 are read")),
    absurd(
        "nesting of a million lists in what is not read",
        || nested(1_000_000, "x-other: "),
        Some("f:2: column 265: recursion limit exceeded"),
    ),
    absurd(
        "nesting of a hundred lists in what is read",
        || nested(100, "security: "),
        Some("f:2: nested more than 64 deep"),
    ),
    absurd(
        "nesting of ten thousand lists in what is read",
        || nested(10_000, "security: "),
        Some("f:2: column 266: recursion limit exceeded"),
    ),
    absurd(
        "an alias inside of what it stands for",
        || "openapi: 3.0.0\npaths: &p\n  /a: *p\n".into(),
        Some("f:3: an alias stands inside"),
    ),
    absurd("a reference to itself", || reference_cycle(1), Some("f:3: more than 8 `$ref` lead from one to the next")),
    absurd("references in a circle", || reference_cycle(3), Some("more than 8 `$ref` lead from one to the next")),
    absurd("a billion laughs", || laughs("paths"), Some("more than 4000000 nodes, aliases expanded")),
    absurd(
        "a billion laughs in what is not read",
        || laughs("x-other"),
        Some("more than 4000000 nodes, aliases expanded"),
    ),
    absurd(
        "a key of ten megabytes",
        || format!("openapi: 3.0.0\npaths:\n  ? \"/{}\"\n  : get: {{security: []}}\n", "a".repeat(10 << 20)),
        Some("f:4: a path of 10485761 bytes is too long: at most 8192 are read"),
    ),
    absurd(
        "a version of a million digits",
        || format!("openapi: {}\npaths: {{}}\n", "3".repeat(1_000_000)),
        Some("f:1: a version of 1000000 bytes is too long: at most 8192 are read"),
    ),
    absurd(
        "numbers beyond all measure",
        || {
            "openapi: 3.0.0\npaths: {/a: {get: {deprecated: 1e999999999, operationId: 9999999999999, security: []}}}\n"
                .into()
        },
        None,
    ),
    absurd(
        "a NUL in a key",
        || "openapi: 3.0.0\npaths: {/a\0b: {get: {security: []}}}\n".into(),
        Some("f:2: column 11: unexpected character"),
    ),
    absurd(
        "a NUL in a JSON text",
        || "{\"openapi\":\"3.0.0\",\n\"paths\":{\"/a\\u0000\":{\"get\":{\"security\":[]}}}}".into(),
        Some("f:2: path `/a\0`: segment `a\0` can stand in no request: a control or invisible character"),
    ),
    absurd("a byte order mark", || format!("\u{feff}{}", one_path(2, "")), None),
    absurd(
        "a byte order mark in the middle",
        || "openapi: 3.0.0\n\u{feff}paths: {/a: {get: {security: []}}}\n".into(),
        Some("f:2: column 1: a BOM must not appear"),
    ),
    absurd(
        "a path twice",
        || "openapi: 3.0.0\npaths:\n  /a: {get: {security: []}}\n  /a: {put: {security: []}}\n".into(),
        Some("f:4: `/a` stands twice in one mapping, first on line 3"),
    ),
    absurd(
        "a path twice in JSON",
        || "{\"openapi\":\"3.0.0\",\"paths\":{\n\"/a\":{},\n\"/a\":{}}}".into(),
        Some("f:3: `/a` stands twice in one mapping, first on line 2"),
    ),
    absurd(
        "one operation twice",
        || rows(2, |_| "/a".into()),
        Some("f:3: GET /a stands at f:2 too, with another id: one request cannot mean both"),
    ),
    absurd(
        "parameters of two names",
        || rows(2, |number| format!("/a/{{p{number}}}")),
        Some("f:3: GET /a/{p1} stands at f:2 too, with another id"),
    ),
    absurd("warnings without end", || warnings(500_000), None),
    absurd(
        "templates that could cross at every step",
        never_crossing,
        Some("the path templates overlap in more than 1000000 ways"),
    ),
    absurd("templates of which a request fits all but the last segment", || all_but_the_last(11), None),
    absurd(
        "a thousand scopes that all operations inherit",
        || inherited(20_000, 1_000),
        Some("f:1005: the operations ask for more than 1000000 scopes and permissions together"),
    ),
    absurd(
        "a text of a megabyte that aliases repeat",
        repeated_text,
        Some("f:3: aliases repeat more than 67108864 bytes of text"),
    ),
    absurd(
        "a base path of a megabyte",
        || base_path(1 << 20, 2_000),
        Some("f:2: `basePath` of 1048577 bytes is too long: at most 8192 are read"),
    ),
    absurd(
        "a scheme with a name of a megabyte that all operations inherit",
        || scheme_name(1 << 20, 2_000),
        Some("f:3: the name of a security scheme of 1048576 bytes is too long: at most 8192 are read"),
    ),
    absurd(
        "one operation in two hundred rows with a thousand tags each",
        || many_tags(200),
        Some("f:3: `o` has more than 1000 tags in all its places"),
    ),
];

const fn absurd(name: &'static str, text: fn() -> String, says: Option<&'static str>) -> Absurd {
    Absurd { name, text, says }
}

fn rows(count: usize, path: impl Fn(usize) -> String) -> String {
    let mut text = String::from("{\"columns\":[\"id\",\"method\",\"path\",\"scopes\"],\"operations\":[");
    for number in 0..count {
        let comma = if number > 0 { "," } else { "" };
        write!(text, "{comma}\n[\"o{number}\",\"GET\",\"{}\",[]]", path(number)).expect("a text");
    }
    text + "]}"
}

fn million_operations() -> String {
    rows(1_000_000, |number| format!("/{number}"))
}

fn one_path(segments: usize, lines: &str) -> String {
    format!("openapi: 3.0.0\npaths: {{'{}': {{get: {{security: []{lines}}}}}}}\n", "/a".repeat(segments))
}

fn permission_list() -> String {
    let list: Vec<_> = (0..60_000).map(|number| format!("'d:e:a{number}'")).collect();
    one_path(1, &format!(",\n  x-inin-requires-permissions: {{type: ANY, permissions: [{}]}}", list.join(",")))
        .replacen("[]", "\n  []", 1)
}

fn tags() -> String {
    let list: Vec<_> = (0..10_000).map(|number| format!("t{number}")).collect();
    one_path(1, &format!(",\n  tags: [{}]", list.join(","))).replacen("[]", "\n  []", 1)
}

fn nested(depth: usize, key: &str) -> String {
    format!("openapi: 3.0.0\n{key}{}{}\npaths: {{}}\n", "[".repeat(depth), "]".repeat(depth))
}

fn reference_cycle(length: usize) -> String {
    let items = (0..length).map(|number| format!("  /a{number}: {{$ref: '#/paths/~1a{}'}}\n", (number + 1) % length));
    format!("openapi: 3.0.0\npaths:\n{}", items.collect::<String>())
}

fn laughs(key: &str) -> String {
    let mut text = format!("openapi: 3.0.0\n{key}:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..15 {
        writeln!(text, "  a{level}: &a{level} [{}]", vec![format!("*a{}", level - 1); 10].join(", ")).expect("a text");
    }
    text
}

fn inherited(operations: usize, scopes: usize) -> String {
    let list: Vec<_> = (0..scopes).map(|number| format!("'scope:{number}'")).collect();
    let paths: String = (0..operations).map(|number| format!("  /{number}: {{get: {{}}}}\n")).collect();
    let schemes = "components: {securitySchemes: {O: {type: oauth2}}}";
    format!("openapi: 3.0.0\nsecurity: [{{O: [{}]}}]\n{schemes}\npaths:\n{paths}", list.join(","))
}

fn repeated_text() -> String {
    let aliases = vec!["*t"; 3_000].join(", ");
    format!("openapi: 3.0.0\nx-text: &t {}\nsecurity: [{aliases}]\npaths: {{/a: {{get: {{}}}}}}\n", "a".repeat(1 << 20))
}

fn base_path(length: usize, operations: usize) -> String {
    let paths: String = (0..operations).map(|number| format!("  /{number}: {{get: {{security: []}}}}\n")).collect();
    format!("swagger: '2.0'\nbasePath: /{}\npaths:\n{paths}", "a".repeat(length))
}

fn scheme_name(length: usize, operations: usize) -> String {
    let paths: String = (0..operations).map(|number| format!("  /{number}: {{get: {{}}}}\n")).collect();
    let name = "a".repeat(length);
    format!("openapi: 3.0.0\nsecurity:\n  - ? {name}\n    : []\npaths:\n{paths}")
}

fn many_tags(rows: usize) -> String {
    let mut text = String::from("{\"columns\":[\"id\",\"method\",\"path\",\"scopes\",\"tag\"],\"operations\":[");
    for row in 0..rows {
        let tags: Vec<_> = (0..1_000).map(|tag| format!("\"t{row}-{tag}\"")).collect();
        let comma = if row > 0 { "," } else { "" };
        write!(text, "{comma}\n[\"o\",\"GET\",\"/a\",[],[{}]]", tags.join(",")).expect("a text");
    }
    text + "]}"
}

fn warnings(count: usize) -> String {
    let keys: String = (0..count).map(|number| format!("    k{number}: 1\n")).collect();
    format!("openapi: 3.0.0\npaths:\n  /a:\n    get: {{security: []}}\n{keys}")
}

/// Two kinds of templates that could cross until their last segment, where none does.
fn never_crossing() -> String {
    rows(20_000, |number| match number % 2 {
        0 => format!("/l{number}/{{a}}/{{b}}/{{c}}/x"),
        _ => format!("/{{a}}/k{number}/l/m/y"),
    })
}

/// A request of `a` and one more segment walks through all of these before it means none.
fn all_but_the_last(depth: usize) -> String {
    let part = |number: usize, bit: usize| if number >> bit & 1 == 1 { "/a" } else { "/{p}" };
    rows(1 << depth, |number| {
        let prefix: String = (0..depth).map(|bit| part(number, bit)).collect();
        format!("{prefix}/x{number}")
    })
}
