//! What a setting is to look like, where what was written is of another form: serde's words for that in ours, with an example. What
//! a value says is quoted only where the message that comes in still has it.

use crate::config::kind;

/// `invalid type: string "shop", expected a sequence` as a sentence about the setting at this path; `None` for any other message.
pub(super) fn sentence(message: &str, path: &[String]) -> Option<String> {
    let said = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "))?;
    let (found, wanted) = said.split_once(", expected ")?;
    let index = path.last().filter(|_| path.len() > 1).and_then(|last| last.parse::<usize>().ok());
    let keys = if index.is_some() { path.split_last().map(|(_, keys)| keys).unwrap_or_default() } else { path };
    let key = keys.last().map(String::as_str).unwrap_or_default();
    let whose =
        if !keys.is_empty() && keys.iter().all(|part| is_plain(part)) { keys.join(".") } else { "this".to_owned() };
    let whose = index.map_or_else(|| whose.clone(), |index| format!("item {} of {whose}", index + 1));
    let Shape { what, example } = shape(wanted, key);
    let is_value = index.is_none() && !key.is_empty() && is_plain(key) && !example.starts_with("[services");
    let example = match example.as_str() {
        "" => String::new(),
        example if is_value => format!(": write {key} = {example}"),
        example => format!(": write {example}"),
    };
    Some(format!("{whose} must be {what}, not {}{example}", found_words(found)))
}

/// May a key stand in a message? What is long or holds anything else may have been meant for a value.
fn is_plain(key: &str) -> bool {
    const LONGEST: usize = 32;
    key.len() <= LONGEST && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// Keys whose text is a span of time.
const SPANS: [&str; 6] = ["interval", "period", "soak", "step", "timeout", "window"];

struct Shape {
    what: String,
    example: String,
}

/// What serde expects, in words, and what that looks like.
fn shape(wanted: &str, key: &str) -> Shape {
    let of = |what: &str, example: &str| Shape { what: what.to_owned(), example: example.to_owned() };
    match wanted {
        "a string" if SPANS.contains(&key) => of("a text in quotes", "\"15s\""),
        "a string" | "path string" => of("a text in quotes", "\"…\""),
        "a boolean" => of("true or false", "true"),
        "a sequence" => of("a list", "[\"…\", \"…\"]"),
        "a map" => of("a table", "{ NAME = \"…\" }"),
        "f64" | "f32" => of("a number", "1.5"),
        "a nonzero u8" => of("a whole number from 1 to 255", "5"),
        "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" => of("a whole number", "5"),
        _ => match wanted.strip_prefix("struct ") {
            Some(name) => Shape { what: "a table".to_owned(), example: table(name, key) },
            None => Shape { what: wanted.to_owned(), example: String::new() },
        },
    }
}

/// What a table of ours looks like, by the name of its struct; of what a connection lists, as its kind has it.
fn table(name: &str, key: &str) -> String {
    let listed = || kind::objects().find(|(_, objects)| objects.list == Some(key)).map(|(_, objects)| objects.form);
    match name {
        "Object" => format!("{{ name = \"{}\" }}", listed().unwrap_or("NAME")),
        "Environment" => "{ risk = \"high\" }".to_owned(),
        "Service" if is_plain(key) => format!("[services.{key}], and its settings below it"),
        "Service" => "[services.NAME], and its settings below it".to_owned(),
        "Slo" => "{ objective = 0.999, period = \"30d\" }".to_owned(),
        "Back" => "{ irreversible = [\"migrations/**drop*\"] }".to_owned(),
        "Drift" => "{ expected = [\"*_HOST\"] }".to_owned(),
        "Latency" => "{ le = 0.5, objective = 0.99 }".to_owned(),
        "Waves" => "{ order = [[\"prod/eu-north-1\"], [\"prod\"]] }".to_owned(),
        "Rule" => "{ signal = \"error_ratio\", max = 0.01 }".to_owned(),
        _ => "{ SETTING = … }, as examples/config/full.toml shows it".to_owned(),
    }
}

/// What was written, in words: `the text "shop"`.
fn found_words(found: &str) -> String {
    let bare = |text: &str| text.trim_matches('`').to_owned();
    match found.split_once(' ') {
        Some(("string", text)) => format!("the text {text}"),
        Some(("integer", number)) => format!("the number {}", bare(number)),
        Some(("floating", rest)) => format!("the number {}", bare(rest.trim_start_matches("point").trim())),
        Some(("boolean", value)) => bare(value),
        None if found == "string" => "a text".to_owned(),
        None if found == "sequence" => "a list".to_owned(),
        None if found == "map" => "a table".to_owned(),
        _ => found.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_another_form_is_told_by_field_shape_and_example() {
        let of = |message: &str, path: &str| {
            let path: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
            sentence(message, &path)
        };
        let table = [
            (
                r#"invalid type: string "shop", expected a sequence"#,
                "connections/k/namespaces",
                r#"connections.k.namespaces must be a list, not the text "shop": write namespaces = ["…", "…"]"#,
            ),
            (
                r#"invalid type: string "high", expected struct Environment"#,
                "environments/prod",
                r#"environments.prod must be a table, not the text "high": write prod = { risk = "high" }"#,
            ),
            (
                "invalid type: string, expected struct Object",
                "connections/gh/repos/0",
                r#"item 1 of connections.gh.repos must be a table, not a text: write { name = "OWNER/NAME" }"#,
            ),
            (
                "invalid type: string, expected struct Service",
                "services/pay",
                "services.pay must be a table, not a text: write [services.pay], and its settings below it",
            ),
            (
                "invalid value: integer `0`, expected a nonzero u8",
                "policy/most_targets",
                "policy.most_targets must be a whole number from 1 to 255, not the number 0: write most_targets = 5",
            ),
            (
                "invalid type: boolean `true`, expected a string",
                "connections/k/headers/X-Key: secret",
                r#"this must be a text in quotes, not true: write "…""#,
            ),
            (
                "invalid type: sequence, expected struct Policy",
                "",
                "this must be a table, not a list: write { SETTING = … }, as examples/config/full.toml shows it",
            ),
        ];
        for (message, path, expected) in table {
            assert_eq!(of(message, path).as_deref(), Some(expected), "{message}");
        }
        assert_eq!(of("missing field `environment`", "connections/k"), None);
        assert_eq!(of("'15' is not a span of time: write e.g. 15s", "interval"), None);
    }
}
