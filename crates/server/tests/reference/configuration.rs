//! The keys of the configuration, as `docs/reference/configuration.md` lists them: each with the words that stand above its
//! field, and the value that `config show` prints where nothing is configured.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use countersign_server::config::Config;

/// A struct of the configuration.
#[derive(Default)]
struct Table {
    words: String,
    has_defaults: bool,
    fields: Vec<Field>,
}

/// One of its fields.
struct Field {
    name: String,
    kind: String,
    words: String,
    has_default: bool,
}

/// An option of `serve` with its environment variable.
struct Flag {
    option: String,
    variable: String,
}

/// Every table as the page shows it; `serve_help` is what `countersign serve --help` says.
pub(crate) fn page(serve_help: &str) -> String {
    let (tables, mut flags) = (tables(), flags(serve_help));
    let shown = shown("");
    let upstream = shown_upstream();
    let mut page = String::new();
    for section in &tables["Config"].fields {
        let (table, heading, values) = match section.kind.strip_prefix("Vec<").and_then(|kind| kind.strip_suffix('>')) {
            Some(kind) => (&tables[kind], format!("[[{}]]", section.name), &upstream),
            None => (&tables[&section.kind], format!("[{}]", section.name), &shown[&section.name]),
        };
        let words = table.words.split_once(": ").expect("`[section]`: what it is").1;
        write!(page, "\n### `{heading}`\n\n{}\n\n| key | default | |\n|---|---|---|\n", sentence(words)).unwrap();
        for field in &table.fields {
            row(&mut page, &tables, table, field, values, &mut flags);
        }
    }
    assert!(flags.is_empty(), "options that set no key: {:?}", flags.keys());
    for (section, values) in &shown {
        for name in values.as_table().into_iter().flatten().map(|(name, _)| name) {
            let field = tables["Config"].fields.iter().find(|field| field.name == *section).expect("a section");
            assert!(tables[&field.kind].fields.iter().any(|field| field.name == *name), "{section}.{name}");
        }
    }
    page
}

fn row(
    page: &mut String,
    tables: &BTreeMap<String, Table>,
    table: &Table,
    field: &Field,
    values: &toml::Value,
    flags: &mut BTreeMap<String, Flag>,
) {
    let kind = field.kind.strip_prefix("Option<").and_then(|kind| kind.strip_suffix('>')).unwrap_or(&field.kind);
    if let Some(below) = tables.get(kind) {
        let names: Vec<_> = below.fields.iter().map(|below| format!("`{}.{}`", field.name, below.name)).collect();
        let words: Vec<_> = below.fields.iter().map(|below| below.words.as_str()).collect();
        writeln!(page, "| {} | – | {} {} |", names.join(", "), field.words, words.join(" ")).unwrap();
        return;
    }
    let default = match values.get(&field.name) {
        _ if !table.has_defaults && !field.has_default && kind == field.kind => "needed".to_owned(),
        Some(toml::Value::Table(empty)) if empty.is_empty() => "–".to_owned(),
        Some(value) => format!("`{value}`"),
        None => "–".to_owned(),
    };
    let is_of_server = table.words.starts_with("`[server]`") || table.words.starts_with("`[limits]`");
    let flag = if is_of_server { flags.remove(&field.name) } else { None };
    let flag = flag.map(|Flag { option, variable }| format!(" `{option}`, `{variable}`")).unwrap_or_default();
    writeln!(page, "| `{}` | {default} | {}{flag} |", field.name, field.words).unwrap();
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// What `config show` prints for a configuration.
fn shown(config: &str) -> BTreeMap<String, toml::Value> {
    toml::from_str(&Config::from_toml(config).unwrap().to_toml()).unwrap()
}

/// The same of an upstream that has nothing but its name.
fn shown_upstream() -> toml::Value {
    shown("[[upstream]]\nname = \"name\"\n")["upstream"][0].clone()
}

/// Where the structs stand: `config.rs` and the files below it.
fn sources() -> impl Iterator<Item = String> {
    let source = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let below = std::fs::read_dir(source.join("config")).unwrap().map(|entry| entry.unwrap().path());
    [source.join("config.rs")].into_iter().chain(below).map(|file| std::fs::read_to_string(file).unwrap())
}

fn tables() -> BTreeMap<String, Table> {
    let mut tables = BTreeMap::new();
    for source in sources() {
        let (mut words, mut attributes, mut open) = (String::new(), String::new(), None::<(String, Table)>);
        for line in source.lines() {
            let text = line.trim();
            if let Some(more) = text.strip_prefix("/// ") {
                words = [words.as_str(), more].join(if words.is_empty() { "" } else { " " });
            } else if text.starts_with("#[") {
                attributes += text;
            } else if let Some(name) = table_name(&attributes, line) {
                let has_defaults = attributes.contains("default)]");
                open =
                    Some((name.to_owned(), Table { words: std::mem::take(&mut words), has_defaults, fields: vec![] }));
                attributes.clear();
            } else if let (Some((_, table)), Some((name, kind))) =
                (&mut open, text.strip_prefix("pub ").and_then(|rest| rest.strip_suffix(',')?.split_once(": ")))
            {
                let (name, kind, has_default) = (name.to_owned(), kind.to_owned(), attributes.contains("default"));
                table.fields.push(Field { name, kind, words: std::mem::take(&mut words), has_default });
                attributes.clear();
            } else if line == "}" {
                tables.extend(open.take());
            } else {
                words.clear();
                attributes.clear();
            }
        }
    }
    tables
}

/// The name of a struct that opens here and is a table; others are written as one text.
fn table_name<'l>(attributes: &str, line: &'l str) -> Option<&'l str> {
    let name = line.strip_prefix("pub struct ")?.strip_suffix(" {")?;
    (!attributes.contains("try_from")).then_some(name)
}

/// By the name of the key: `--public-origin` sets `public_origin`.
fn flags(help: &str) -> BTreeMap<String, Flag> {
    let mut flags = BTreeMap::new();
    let (mut option, mut is_variable) = ("", false);
    for word in help.split_whitespace() {
        if word.starts_with("--") {
            option = word;
        } else if is_variable {
            let variable = word.split(['=', ']']).next().unwrap_or(word).to_owned();
            let flag = Flag { option: option.to_owned(), variable };
            flags.insert(option.trim_start_matches('-').replace('-', "_"), flag);
        }
        is_variable = word == "[env:";
    }
    flags.remove("config");
    flags
}
