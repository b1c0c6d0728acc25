//! Bad input ends with status 2, its place, and what would be right.

use super::{BOOKSHOP, Shop};
use crate::binary::{repository, run};

#[test]
fn wrong_proposals_are_refused_with_what_would_be_right() {
    let shop = Shop::new();
    for (arguments, message) in [
        (&["--grant", "order"][..], "the contract has no scope `order`: it has `orders`, `orders:readonly`, `books`"),
        (&["--scopes", "order"], "`--scopes`: the contract has no scope `order`"),
        (&["--grant", "books", "--withdraw", "books"], "`books` is granted and withdrawn"),
        (&["--client", "Reader", "--withdraw", "orders"], "`orders` is not granted to the app: granted are `books`"),
        (&["--grant", "books", "--scopes", "books"], "cannot be used with"),
        (&["--state", "expired"], "`authorized`, `denied`, `revoked` and `requested` are known"),
        (&["--enforcement", "on"], "`off`, `report` and `enforce` are known"),
        (&["--role", "Bookseller"], "`--add-permission` or `--remove-permission` says how"),
        (&["--add-permission", "a:b:c"], "--role <NAME>"),
        (&["--role", "Seller", "--add-permission", "books:book:add"], "its roles are `Bookseller`, `Refund desk`"),
        (&["--role", "Bookseller", "--add-permission", "books:book:burn"], "it has `books:book:add`"),
        (&["--role", "Bookseller", "--add-permission", "*:*:*"], "is not a permission policy"),
        (&["--role", "Bookseller", "--remove-permission", "books:book:add"], "it holds `orders:order:*`"),
        (
            &["--role", "Bookseller", "--add-permission", "orders:order:add", "--remove-permission", "orders:*:add"],
            "which have permissions in common",
        ),
        (&["--user", "mary@acme.test", "--give-role", "Seller"], "`Seller` is not a role of `acme`"),
        (&["--user", "alan@acme.test", "--take-role", "Bookseller"], "does not have role `Bookseller`: it has none"),
        (&["--give-role", "Bookseller", "--take-role", "Bookseller"], "`Bookseller` is given and taken"),
        (&["--client", "elsewhere", "--give-role", "Bookseller"], "can have no role here"),
        (&["--proposed", "/nowhere.yaml"], "/nowhere.yaml: cannot be read"),
        (&["--proposed", "x", "--grant", "books"], "cannot be used with"),
        (&["--user", "mary@acme"], "is not a user of `acme`: its users are `mary@acme.test`"),
        (&["--client", "Tills"], "is not an app of the world file: `acme` registered `Till`"),
        (&["--base", "gateway"], "a path such as `/gateway`"),
        (&["--format", "xml"], "[possible values: auto, calls, decisions, combined, json, har]"),
    ] {
        let stderr = shop.refused(arguments, "");
        assert!(stderr.contains(message), "{arguments:?}: {stderr}");
    }
    let (contract, world) = (repository(BOOKSHOP), shop.0.path("world.yaml"));
    let unknown = ["replay", "--contract", &contract, "--world", &world, "--organization", "acm", "--client", "Till"];
    let run = run(&unknown, "");
    assert!(run.status == 2 && run.stderr.contains("its organizations are `acme`, `globex`"), "{run:?}");
}

#[test]
fn bad_lines_are_named_with_file_and_line() {
    let shop = Shop::new();
    let combined = "h - - [t] \"GET / HTTP/1.1\" 200 0\n";
    for (format, log, message) in [
        ("auto", format!("{combined}hello\n"), ":2: there is no quoted request: a line of the combined format is"),
        ("auto", format!("{combined}\n\nh - - [t] \"GET /\n"), ":4: the quoted request does not end"),
        ("calls", "{\"method\":\"GET\"}\n".to_owned(), ":1: missing field `path`: a call is one JSON object such as"),
        ("calls", "{\"method\":\"GET\",\"path\":\"/\",\"usr\":1}\n".to_owned(), ":1: unknown field `usr`"),
        ("json", "{\"method\":\"GET\",\"path\":\"/\"}\n{\"method\":\n".to_owned(), ":2: EOF while parsing a value"),
        ("json", "{\"a\":1}\n{\"b\":2}\n".to_owned(), ":1: no line tells of a request"),
        ("auto", "[{\"method\":\"GET\"}]\n".to_owned(), ":1: not an object"),
        ("har", "{\"log\":{\n\"entries\":[{}]}}".to_owned(), ":2: missing field `request`"),
        ("har", "{\"log\":{\"entries\":[\n".to_owned(), ":2: EOF while parsing"),
        ("har", String::new(), ":1: EOF while parsing"),
        ("combined", format!("{}\n", "x".repeat(1_100_000)), ":1: the line is longer than 1048576 bytes"),
        ("auto", "\0\0\0\n".to_owned(), ":1: there is no quoted request"),
    ] {
        let file = shop.0.file("bad.log", &log);
        let stderr = shop.refused(&["--user", "mary@acme.test", "--format", format, &file], "");
        assert!(stderr.contains(&format!("error: {file}{message}")), "{stderr}");
    }
    let compressed = shop.0.file("access.log.gz", b"\x1f\x8b\x08\x00");
    assert!(shop.refused(&[&compressed], "").contains("the log is compressed: `zcat LOG | countersign replay"));
    let missing = shop.0.path("missing.log");
    assert!(shop.refused(&[&missing], "").contains(&format!("error: {missing}: cannot be read")));
    assert!(shop.refused(&[], "what\n").contains("error: standard input, line 1: "));
}
