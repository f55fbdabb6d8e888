//! What of a configuration's text an error may quote. A line is quoted only where nothing in it can be a secret; else its place
//! is told, and the key.

use crate::{
    config::{
        kind::{self, KINDS},
        source::Place,
    },
    domain::text::without_userinfo,
};

/// Keys whose value is no secret: names, choices, numbers and spans of time; each kind of connection has further ones of its own.
/// What is not listed, a misspelt key too, is a secret.
const OPEN: [&str; 36] = [
    "certificate_authority",
    "client_certificate",
    "configuration",
    "consecutive",
    "drift",
    "environment",
    "expected",
    "from",
    "if_broken",
    "importance",
    "interval",
    "irreversible",
    "kind",
    "le",
    "max",
    "metrics",
    "migrations",
    "min",
    "most_targets",
    "name",
    "objective",
    "operator",
    "order",
    "owner",
    "path",
    "period",
    "read_only",
    "risk",
    "server_name",
    "service",
    "signal",
    "soak",
    "speed",
    "theme",
    "timeout",
    "window",
];
/// Addresses: no secret where nobody's name, no query and no fragment is in them.
const ADDRESSES: [&str; 3] = ["clock", "proxy", "runbook"];
/// Keys of tables, whose own keys say what is in them.
const TABLES: [&str; 12] = [
    "back",
    "connections",
    "environments",
    "keys",
    "latency",
    "policy",
    "profiles",
    "rules",
    "services",
    "slo",
    "state",
    "waves",
];
/// Tables whose keys are names of ours, each with an open value.
const NAMED: [&str; 2] = ["environments", "keys"];

/// The place as an error shows it. The path is what the problem belongs to; a syntax error belongs to nothing yet.
pub(super) fn quoted(mut place: Place, path: &[String]) -> Place {
    let (keys, ends) = code(&place.text);
    place.text = place.text.chars().take(ends).collect();
    let line = place.text.clone();
    let value = place.marked();
    let ours = |key: &str| is_named(path) && path.iter().any(|part| part == key);
    let harmless = |key: &String| is_open(key, &line) || is_table(key) || ours(key);
    let alone = keys.iter().all(harmless);
    let before: String = line.chars().take(place.column - 1).collect();
    let keys_before = code(&before).0;
    if place.is_key() {
        // Nobody knows it, or its value would be marked: what it has may be meant for another key.
        let plain = keys_before.is_empty() && !before.contains(['"', '\'']);
        return place.only(if plain { &before } else { "" }, &value, " = …");
    }
    let is_header = keys.is_empty() && line.trim_start().starts_with('[');
    let follows = before.trim_end().ends_with('=');
    let open = match keys_before.last().filter(|_| follows).map(String::as_str).or(name_of(path)) {
        Some(_) if is_named(path) => true,
        Some(name) if is_table(name) => !value.starts_with(['"', '\'']),
        Some(name) => is_open(name, &value),
        // Whatever begins a syntax error is the value of the key before it.
        None => keys.last().is_some_and(|key| is_open(key, &line)),
    };
    match (is_header || open, alone) {
        (true, true) => place,
        (true, false) if code(&value).0.iter().all(harmless) => place.only("", &value, ""),
        _ => {
            place.length = 1;
            let key = keys_before.last().filter(|key| follows && is_name(key));
            let key = key.map_or_else(String::new, |key| only_key(&before, key));
            place.only(&key, "…", "")
        }
    }
}

/// Is a key surely a name? A header that was written whole where its name belongs is none, and what is long may be a token.
fn is_name(key: &str) -> bool {
    const LONGEST: usize = 32;
    key.len() <= LONGEST && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// Of what stands before a value only its own key, where it stands: `token = `. What is before that may be a secret.
fn only_key(before: &str, key: &str) -> String {
    let Some((head, _)) = before.rsplit_once('=') else { return String::new() };
    let bare = head.trim_end().trim_end_matches(['"', '\'']);
    let Some(ahead) = bare.strip_suffix(key) else { return String::new() };
    let quote = ahead.chars().last().filter(|c| matches!(c, '"' | '\''));
    let begin = ahead.chars().count() - usize::from(quote.is_some());
    " ".repeat(begin) + &before.chars().skip(begin).collect::<String>()
}

/// May the message of a problem quote a value? serde's own words do.
pub(super) fn message(message: &str, path: &[String]) -> String {
    if is_named(path) || name_of(path).is_none_or(|name| is_open(name, message)) {
        return without_userinfo(message);
    }
    // `invalid type: string "…", expected a sequence`: what stands between the first and the last quotation mark.
    match (message.find('"'), message.rfind('"')) {
        (Some(first), Some(last)) if first < last && message.starts_with("invalid ") => {
            let (before, after) = (message.get(..first), message.get(last + 1..));
            format!("{}{}", before.unwrap_or_default().trim_end(), after.unwrap_or_default())
        }
        _ => without_userinfo(message),
    }
}

/// The key that a problem belongs to, not the place in its list.
fn name_of(path: &[String]) -> Option<&str> {
    path.iter().rev().map(String::as_str).find(|part| part.parse::<usize>().is_err())
}

fn is_named(path: &[String]) -> bool {
    path.iter().rev().skip(1).any(|part| NAMED.contains(&part.as_str()))
}

fn is_open(key: &str, text: &str) -> bool {
    let plain = !text.contains(['@', '?', '#']);
    let name = OPEN.contains(&key)
        || KINDS.iter().any(|kind| kind.open.contains(&key))
        || kind::objects().any(|(_, objects)| objects.key == key);
    let address = ADDRESSES.contains(&key) || KINDS.iter().any(|kind| kind.addresses.contains(&key));
    name && (plain || !text.contains("://")) || address && plain
}

fn is_table(key: &str) -> bool {
    TABLES.contains(&key) || KINDS.iter().any(|kind| kind.tables.contains(&key))
}

/// Of a line: the keys that have a value in it, and where its code ends and a comment begins.
fn code(line: &str) -> (Vec<String>, usize) {
    let (mut quote, mut escaped) = (None, false);
    let (mut keys, mut word, mut ends) = (Vec::new(), String::new(), 0);
    for (index, c) in line.chars().enumerate() {
        match (quote, c) {
            (None, '#') => return (keys, index),
            (None, '=') => keys.push(std::mem::take(&mut word).trim().to_owned()),
            (None, '.' | '{' | '}' | ',' | '[' | ']') => word.clear(),
            (None, '"' | '\'') => quote = Some(c),
            (Some(begun), c) if c == begun && !escaped => quote = None,
            _ => word.push(c),
        }
        escaped = quote == Some('"') && c == '\\' && !escaped;
        ends = index + 1;
    }
    (keys, ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::{Diagnostic, Source, Sources, Weight};

    /// The line that an error shows of a text, where this is marked.
    fn shown(text: &str, marked: &str, path: &[&str]) -> String {
        let mut sources = Sources::default();
        sources.push(Source { name: "f".into(), text: text.into() });
        let at = text.find(marked).unwrap();
        let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        let place = quoted(sources.place(&(at..at + marked.len())).unwrap(), &path);
        let said = Diagnostic { weight: Weight::Error, message: "no".into(), place: Some(place) }.to_string();
        assert!(!said.contains("sec"), "{said}");
        said.lines().nth(3).unwrap_or_default().trim_start_matches("1 | ").to_owned()
    }

    #[test]
    fn only_a_line_in_which_nothing_can_be_a_secret_is_quoted() {
        let table: [(&str, &str, &[&str], &str); 14] = [
            ("theme = 'dork'", "'dork'", &["theme"], "theme = 'dork'"),
            ("theme = 'dork' # not sec1", "'dork'", &["theme"], "theme = 'dork'"),
            ("api_key = 'sec1'", "api_key", &["connections", "a", "api_key"], "api_key = …"),
            ("url = 'https://u:sec1@h'", "'https://u:sec1@h'", &["connections", "a", "url"], "url = …"),
            ("url = 'prometheus:9090'", "'prometheus:9090'", &["connections", "a", "url"], "url = 'prometheus:9090'"),
            (
                "a = { token = 'sec1', kind = 'x' }",
                "'x'",
                &["connections", "a", "kind"],
                "                             'x'",
            ),
            (
                "a = { token = ['sec1'], url = 'http://u:sec2@h' }",
                "'http://u:sec2@h'",
                &["connections", "a", "token"],
                "                        url = …",
            ),
            (
                "headers = { A = 'sec1', \"X-Key\" = 'sec2' }",
                "'sec2'",
                &["connections", "a", "headers", "X-Key"],
                "                        \"X-Key\" = …",
            ),
            (
                "headers = { 'X-Key: sec1' = 'a' }",
                "'a'",
                &["connections", "a", "headers", "X-Key: sec1"],
                "                            …",
            ),
            (
                "token = { command = 'sec1' }",
                "'sec1'",
                &["connections", "a", "token", "command"],
                "          command = …",
            ),
            (
                "rules = [{ signal = 'x', max = 1 }]",
                "'x'",
                &["services", "a", "rules", "0", "signal"],
                "rules = [{ signal = 'x', max = 1 }]",
            ),
            (
                "repos = [{ name = 'b', token = 'sec1' }]",
                "{ name = 'b', token = 'sec1' }",
                &["a", "repos", "0"],
                "         …",
            ),
            ("password = 'sec1", "'sec1", &[], "password = …"),
            ("sec1, 'b'", "sec1", &[], "…"),
        ];
        for (text, marked, path, expected) in table {
            assert_eq!(shown(text, marked, path), expected, "{text}");
        }
    }

    #[test]
    fn a_message_quotes_only_what_is_open() {
        let path = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
        let said = r#"invalid type: string "gh auth sec1", expected a sequence"#;
        let closed = "invalid type: string, expected a sequence";
        assert_eq!(message(said, &path(&["connections", "a", "token", "command"])), closed);
        assert_eq!(message(said, &path(&["engines"])), said);
    }
}
