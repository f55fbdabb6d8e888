//! `docs/configuration.md`: every setting with its type, its default and an example, made of the schema's source and of
//! `examples/config/full.toml`, which `config check` reads.

use std::{fmt::Write as _, fs};

use toml::Value;

use crate::{
    hold,
    source::{Field, Source, Struct},
};

const PAGE: &str = "docs/configuration.md";
/// Characters of an example; a longer one stands in `full.toml`, and in parts in the section of its table.
const LONGEST: usize = 120;
const BEGIN: &str = "# Configuration

Every setting there is, made of the source: what it means, its type, its default and an example. `examples/config/full.toml` has the
examples in their places, `examples/config/minimal.toml` is the least that is useful, `holdshort init` writes one that fits this machine.

```sh
holdshort init            # writes ~/.config/holdshort/config.toml from what it finds
holdshort config check    # points at file, line and column where something is wrong
holdshort config show     # what is in force, from all layers, without secrets
holdshort doctor          # whether what is configured is reached, and what mends it
```

Layers, later wins: `/etc/holdshort/config.toml`, `$XDG_CONFIG_HOME/holdshort/config.toml` (`~/.config`), each `--config FILE`, the profile
(`--profile NAME` lays `[profiles.NAME]` over everything), the environment (`HOLDSHORT_STATE__PATH=/srv/x` is `state.path`). A later layer
may tighten what holds back (`read_only`, `policy`, `risk`, `slo`, `rules`) and never loosen it; only a profile may loosen what its own file
says. A file that somebody else could have written is not obeyed: it must be yours or root's, and writable by nobody else.

A **span** is `\"30s\"`, `\"5m\"`, `\"1h 30m\"`. A **secret** never stands in the file; it says where it is read from: `{ env = \"NAME\" }`,
`{ file = \"/path\" }` (its first line) or `{ command = [\"gh\", \"auth\", \"token\"] }` (no shell).
";

#[test]
fn the_page_of_the_configuration_is_what_the_schema_says() {
    hold(PAGE, &page());
}

/// A struct's settings under a heading, and the examples of them.
struct Section<'a> {
    heading: String,
    about: &'a str,
    /// Where the struct stands.
    source: &'a Source,
    fields: Vec<&'a Field>,
    /// Tables of `full.toml` that have them, the likeliest first.
    examples: Vec<&'a toml::Table>,
}

fn page() -> String {
    let full: toml::Table = fs::read_to_string("examples/config/full.toml").unwrap().parse().unwrap();
    let (schema, access) = (Source::read("src/config/schema.rs"), Source::read("src/config/access.rs"));
    let (object, standard) = (Source::read("src/config/object.rs"), Source::read("src/config/standard.rs"));
    let mut text = BEGIN.to_owned();
    let structs = schema.structs();
    let all = |name: &str| -> Vec<&toml::Table> { all_tables(&full, name) };
    let connections: Vec<&toml::Table> = all("connections");
    for (name, heading, examples) in [
        ("Config", "At the top".to_owned(), vec![&full]),
        ("State", "`[state]`".to_owned(), table(&full, "state")),
        ("Policy", "`[policy]`".to_owned(), table(&full, "policy")),
        ("Waves", "`[[policy.waves]]`".to_owned(), inside(&table(&full, "policy"), "waves")),
        ("Environment", "`[environments.NAME]`".to_owned(), all("environments")),
        ("Service", "`[services.NAME]`".to_owned(), all("services")),
    ] {
        let one = structs.iter().find(|one| one.name == name).unwrap();
        section(&mut text, &of(one, heading, &schema, examples));
        if name == "Service" {
            objects(&mut text);
        }
    }
    for (name, key, heading) in [
        ("Slo", "slo", "`slo = { … }` of a service"),
        ("Latency", "slo.latency", "`latency = { … }` of an `slo`"),
        ("Rule", "rules", "`rules = [{ … }]` of a service"),
    ] {
        let structs = standard.structs();
        let one = structs.iter().find(|one| one.name == name).unwrap();
        section(&mut text, &of(one, heading.to_owned(), &standard, inside(&all("services"), key)));
    }
    text += "\n# Connections\n\nThe systems that are looked at: `[connections.NAME]`, where the name is yours and the status bar shows it. `kind` says \
             which system it is, and with it which settings there are.\n";
    let structs = access.structs();
    let one = structs.iter().find(|one| one.name == "Access").unwrap();
    let heading = "How any of them is reached";
    section(&mut text, &of(one, heading.to_owned(), &access, connections.clone()));
    let basic = structs.iter().find(|one| one.name == "Basic").unwrap();
    section(&mut text, &of(basic, "`basic_auth = { … }`".to_owned(), &access, inside(&connections, "basic_auth")));
    for (kind, source) in kinds() {
        let own: Vec<&toml::Table> =
            connections.iter().copied().filter(|one| one.get("kind").and_then(Value::as_str) == Some(&kind)).collect();
        kind_of(&mut text, &kind, &source, &own);
    }
    let structs = object.structs();
    let one = structs.iter().find(|one| one.name == "Object").unwrap();
    let lists = ["repos", "pipelines", "projects", "jobs"];
    let examples = lists.iter().flat_map(|key| inside(&connections, key)).collect();
    section(&mut text, &of(one, "What a connection lists".to_owned(), &object, examples));
    text
}

/// The settings of one kind of connection, then those of the tables within it.
fn kind_of(text: &mut String, kind: &str, source: &Source, own: &[&toml::Table]) {
    let structs = source.structs();
    let Some((first, rest)) = structs.split_first() else { return };
    section(text, &of(first, format!("`kind = \"{kind}\"`"), source, own.to_vec()));
    for one in rest {
        let holder = structs.iter().flat_map(|holder| holder.fields.iter().map(move |field| (holder, field)));
        let Some((holder, field)) =
            holder.into_iter().find(|(_, field)| words(&field.kind).contains(&one.name.as_str()))
        else {
            continue;
        };
        let outer = if holder.name == first.name { own.to_vec() } else { Vec::new() };
        let mut examples = inside(&outer, &field.name);
        if examples.is_empty() {
            // One table deeper.
            let outer = first.fields.iter().flat_map(|outer| inside(own, &outer.name)).collect::<Vec<_>>();
            examples = inside(&outer, &field.name);
        }
        section(text, &of(one, format!("`{}` of `{kind}`", field.name), source, examples));
    }
}

/// Every kind of connection: its name and its file.
fn kinds() -> Vec<(String, Source)> {
    let files = fs::read_dir("src/config/kind").unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<(String, Source)> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| Source::read(&path.display().to_string()))
        .filter(|source| source.contains("static KIND: Kind"))
        .map(|source| (source.quoted("    name:").unwrap().to_owned(), source))
        .collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

/// What services name of their own in each kind of system.
fn objects(text: &mut String) {
    *text += "\nWhat is a service's own in a system is named as `CONNECTION/PATH`:\n\n| key | in | written | |\n|---|---|---|---|\n";
    for (kind, source) in kinds() {
        let (Some(key), Some(form)) = (source.quoted("key:"), source.quoted("form:")) else { continue };
        let several = if source.contains("several: true") { "a list" } else { "one" };
        let _ = writeln!(text, "| `{key}` | `{kind}` | `CONNECTION/{form}` | {several} |");
    }
}

fn of<'a>(one: &'a Struct, heading: String, source: &'a Source, examples: Vec<&'a toml::Table>) -> Section<'a> {
    Section { heading, about: &one.about, source, fields: one.fields.iter().collect(), examples }
}

fn section(text: &mut String, one: &Section<'_>) {
    let level = if one.heading.starts_with('`') && !one.heading.starts_with("`kind") && !one.heading.starts_with("`[") {
        "###"
    } else {
        "##"
    };
    let _ = write!(
        text,
        "\n{level} {}\n\n{}\n\n| setting | type | default | meaning | example |\n|---|---|---|---|---|\n",
        one.heading, one.about
    );
    for field in one.fields.iter().filter(|field| !field.serde.contains("flatten")) {
        let example = one.examples.iter().find_map(|table| table.get(&field.name)).and_then(example);
        let cells = [
            format!("`{}`", field.name),
            kind(&field.kind, one.source),
            default(field, one.source),
            field.about.clone(),
            example.map(|example| format!("`{example}`")).unwrap_or_default(),
        ];
        let _ = writeln!(text, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    }
}

/// A value as it is written; a table of tables stands in the whole example instead.
fn example(value: &Value) -> Option<String> {
    match value {
        Value::Table(table) if table.values().any(Value::is_table) => None,
        Value::Array(all) if all.iter().any(Value::is_table) => None,
        Value::String(text) if text.contains('\n') || text.contains('`') => None,
        value => Some(inline(value)).filter(|text| !text.contains('\n') && text.chars().count() <= LONGEST),
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::Table(table) => {
            let each = table.iter().map(|(key, value)| {
                let plain = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
                let key = if plain { key.clone() } else { format!("\"{key}\"") };
                format!("{key} = {}", inline(value))
            });
            format!("{{ {} }}", each.collect::<Vec<_>>().join(", "))
        }
        Value::Array(all) => format!("[{}]", all.iter().map(inline).collect::<Vec<_>>().join(", ")),
        value => value.to_string(),
    }
}

/// A type in words.
fn kind(written: &str, source: &Source) -> String {
    let inner = |of: &str| written.strip_prefix(of).and_then(|rest| rest.strip_suffix('>'));
    if let Some(one) = inner("Option<") {
        return kind(one, source);
    }
    if let Some(one) = inner("Vec<") {
        return format!("list of {}", several(&kind(one, source)));
    }
    if let Some((_, one)) = inner("BTreeMap<").and_then(|pair| pair.split_once(", ")) {
        return format!("table of {}", several(&kind(one, source)));
    }
    if let Some(all) = source.choices(written.rsplit("::").next().unwrap_or(written)) {
        return all.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ");
    }
    match written.rsplit("::").next().unwrap_or(written) {
        "String" | "Person" => "text",
        "EnvironmentName" => "environment",
        "ServiceName" => "service",
        "bool" => "`true` or `false`",
        "Duration" => "span",
        "PathBuf" => "path",
        "PathPattern" => "pattern of a path",
        "NamePattern" => "pattern of a name",
        "VersionPattern" => "pattern, see the example",
        "f64" => "number",
        "u16" | "u32" | "u64" | "NonZeroU8" | "NonZeroU32" | "usize" => "whole number",
        "Risk" => "`low`, `medium` or `high`",
        "Importance" => "`critical`, `required` or `advisory`",
        "IfBroken" => "`wait` or `no_go`",
        "TokenSource" => "secret",
        "Text" => "text, or a secret",
        "Chosen" => "text, or a list of them",
        _ => "table",
    }
    .to_owned()
}

/// `text` of which there are several.
fn several(one: &str) -> String {
    match one {
        "text" => "texts".to_owned(),
        "environment" => "environments".to_owned(),
        "table" => "tables".to_owned(),
        "pattern of a path" => "patterns of paths".to_owned(),
        "pattern of a name" => "patterns of names".to_owned(),
        "list of environments" => "lists of environments".to_owned(),
        one => one.to_owned(),
    }
}

/// What is taken where it is not written.
fn default(field: &Field, source: &Source) -> String {
    let named = field.serde.split("default = \"").nth(1).and_then(|rest| rest.split('"').next());
    if let Some(function) = named {
        let given = source.given(function);
        return format!("`{}`", given.unwrap_or_else(|| panic!("{function}: what it gives cannot be read here")));
    }
    let optional = field.kind.starts_with("Option<") || field.serde.contains("default");
    match field.kind.as_str() {
        "bool" if optional => "`false`".to_owned(),
        _ if optional || field.kind.starts_with("Vec<") || field.kind.starts_with("BTreeMap<") => "none".to_owned(),
        _ => "**needed**".to_owned(),
    }
}

/// The names within a type.
fn words(kind: &str) -> Vec<&str> {
    kind.split(|c: char| !c.is_alphanumeric()).collect()
}

fn table<'a>(full: &'a toml::Table, name: &str) -> Vec<&'a toml::Table> {
    full.get(name).and_then(Value::as_table).into_iter().collect()
}

/// The tables below one: `[services.a]`, `[services.b]`.
fn all_tables<'a>(full: &'a toml::Table, name: &str) -> Vec<&'a toml::Table> {
    table(full, name).into_iter().flat_map(|table| table.values().filter_map(Value::as_table)).collect()
}

/// The tables that these hold under a key, which may lead deeper by points.
fn inside<'a>(tables: &[&'a toml::Table], key: &str) -> Vec<&'a toml::Table> {
    key.split('.').fold(tables.to_vec(), |tables, key| {
        let held = tables.into_iter().filter_map(|table| table.get(key));
        held.flat_map(|value| match value {
            Value::Array(all) => all.iter().filter_map(Value::as_table).collect(),
            value => value.as_table().into_iter().collect::<Vec<_>>(),
        })
        .collect()
    })
}
