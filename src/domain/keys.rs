//! The names of the settings that a patch of a configuration file changes. Names only: a value may be a secret, and is shown nowhere.

use std::{collections::BTreeSet, path::Path};

/// Kinds of files that have a setting on a line, by the end of their names.
const ENDS: [&str; 9] = ["cfg", "conf", "env", "ini", "json", "properties", "toml", "yaml", "yml"];
/// The name of a setting is shorter: a longer word may be a piece of a key or a token.
const LONGEST: usize = 40;
/// So many of one file at most.
const MOST: usize = 50;

/// Does a file of this name have settings that can be told line by line?
fn has_settings(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file).to_ascii_lowercase();
    let end = Path::new(&name).extension().and_then(|end| end.to_str()).unwrap_or_default();
    name.starts_with(".env") || ENDS.contains(&end)
}

/// The settings that a unified diff of a file adds, changes or takes away, in the order of their names; a table of TOML or INI stands
/// before those in it, as far as the patch shows it. `None` where the file is of no kind that has such.
pub fn changed(file: &str, patch: &str) -> Option<Vec<String>> {
    if !has_settings(file) {
        return None;
    }
    let (mut table, mut keys) = (String::new(), BTreeSet::new());
    for line in patch.lines() {
        if let Some(hunk) = line.strip_prefix("@@") {
            // What stands behind the numbers is the line that the hunk lies under.
            table = hunk.split_once("@@").and_then(|(_, under)| named_table(under)).unwrap_or_default();
            continue;
        }
        let (sign, text) = line.split_at_checked(1).unwrap_or((line, ""));
        if let Some(named) = named_table(text) {
            table = named;
        } else if let Some(key) = setting(text).filter(|_| matches!(sign, "+" | "-")) {
            keys.insert(if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") });
        }
    }
    Some(keys.into_iter().take(MOST).collect())
}

/// `[server]`, `[[server.hosts]]`.
fn named_table(text: &str) -> Option<String> {
    let inner = text.trim().strip_prefix('[')?.strip_suffix(']')?;
    let name = inner.trim_start_matches('[').trim_end_matches(']').trim();
    is_name(name).then(|| name.to_owned())
}

/// What is set on a line: `key = …`, `key: …`, `"key": …`, `export KEY=…`.
fn setting(text: &str) -> Option<&str> {
    let text = text.trim_start().trim_start_matches("- ").trim_start_matches("export ");
    let at = text.find(['=', ':'])?;
    let (name, sign) = text.split_at_checked(at)?;
    let rest = sign.get(1..)?;
    let name = name.trim().trim_matches(['"', '\'']);
    // The end of a word in base64 looks like a name, and an address like a key with a value.
    let is_padding = sign.starts_with('=') && matches!(rest.trim(), "" | "=");
    (is_name(name) && !is_padding && !rest.starts_with('/')).then_some(name)
}

fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.len() <= LONGEST && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(file: &str, patch: &str) -> Vec<String> {
        changed(file, patch).unwrap()
    }

    #[test]
    fn each_setting_on_a_changed_line_is_named_with_the_table_that_it_is_in_and_never_its_value() {
        let toml = "@@ -1,6 +1,7 @@ [limits]\n # per pod\n-rps = 100\n+rps = 250\n burst = 5\n\n [pool]\n+\"max-idle\" = 7\n-old.name=3";
        assert_eq!(of("config/prod.toml", toml), ["limits.rps", "pool.max-idle", "pool.old.name"]);
        let yaml = "@@ -1 +1 @@\n+- name: web\n+  image: http://secret\n+  - http://not.a.key\n+  # comment: no\n-  'replicas': 3\n+plain words";
        assert_eq!(of("chart/values.yaml", yaml), ["image", "name", "replicas"]);
        assert_eq!(of("a.json", "+  \"retries\": 3,\n+  \"x y\": 1"), ["retries"]);
        assert_eq!(of(".env.prod", "+export TOKEN=hunter2\n-EMPTY=\n+A_B=1"), ["A_B", "TOKEN"]);
    }

    #[test]
    fn what_may_be_a_piece_of_a_secret_is_no_name() {
        let pem = "+MIIEpAIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo\n+Kl0ZQ0hK2aJf=\n+lw==\n+eyJhbGciOiJSUzI1NiIsImtpZCI6IjEyMzQ1Njc4OTAifQ=x";
        assert_eq!(of("config/key.conf", pem), Vec::<String>::new());
    }

    #[test]
    fn code_has_no_settings() {
        assert_eq!(changed("src/main.rs", "+let a = 1;"), None);
        assert_eq!(changed("db/0042.sql", "+a = 1"), None);
    }
}
