//! A configuration that is yet to be written: what was found of each connection, with a comment for every line that somebody may want
//! to change, and in the place of what was not found what to write for it. Only the text is made here.

use std::fmt::Write as _;

use toml::Value;

/// A connection that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Drafted {
    /// What it is to be called.
    pub name: String,
    /// How it was found, a sentence.
    pub about: String,
    /// Its settings, `kind` first, each with what is to be said of it; empty where nothing is.
    pub settings: Vec<(String, Value, String)>,
    /// Why it stands there as a comment only, a sentence: it could not be reached, or something is missing.
    pub off: Option<String>,
    /// What else was found there or not, a sentence each.
    pub notes: Vec<String>,
}

impl Drafted {
    /// A connection of a kind.
    pub fn new(name: &str, kind: &str, about: impl Into<String>) -> Self {
        let settings = vec![("kind".to_owned(), kind.into(), String::new())];
        Self { name: name.to_owned(), about: about.into(), settings, off: None, notes: Vec::new() }
    }

    /// With a setting, in the place of an earlier one of that name.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>, why: impl Into<String>) -> Self {
        self.set(key, value.into(), why.into());
        self
    }

    /// Sets a setting.
    pub fn set(&mut self, key: &str, value: Value, why: String) {
        match self.settings.iter_mut().find(|(known, ..)| known == key) {
            Some(known) => *known = (key.to_owned(), value, why),
            None => self.settings.push((key.to_owned(), value, why)),
        }
    }

    fn setting(&self, key: &str) -> Option<&str> {
        self.settings.iter().find(|(known, ..)| known == key).and_then(|(_, value, _)| value.as_str())
    }

    fn text(&self) -> String {
        let mut lines = vec![format!("[connections.{}]", bare(&self.name))];
        for (key, value, why) in &self.settings {
            let why = if why.is_empty() { String::new() } else { format!("  # {}", one_line(why)) };
            lines.push(format!("{key} = {value}{why}"));
        }
        let mut text = comment(&self.about);
        let off = self.off.as_ref().map(|why| comment(&format!("Not in force: {why}"))).unwrap_or_default();
        text += &off;
        for line in lines {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}{line}", if self.off.is_some() { "# " } else { "" });
        }
        self.notes.iter().for_each(|note| text += &comment(note));
        text
    }
}

/// All that was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// The connections.
    pub connections: Vec<Drafted>,
    /// What was not found, each with what to write for it; several lines where that takes some.
    pub missing: Vec<String>,
}

impl Draft {
    /// The environments that its connections in force name.
    pub fn environments(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for name in self.connections.iter().filter(|one| one.off.is_none()).filter_map(|one| one.setting("environment"))
        {
            if !all.iter().any(|known| known == name) {
                all.push(name.to_owned());
            }
        }
        all
    }

    /// Is any connection in force?
    pub fn connects(&self) -> bool {
        self.connections.iter().any(|one| one.off.is_none())
    }

    /// The file.
    pub fn text(&self) -> String {
        let mut text = comment(
            "Written by `holdshort init` from what it found. `holdshort config check` reads it, `holdshort doctor` says what is missing, \
             and `holdshort config schema` has every setting.",
        );
        for name in self.environments() {
            let _ = write!(
                text,
                "\n[environments.{}]\nrisk = \"high\"  # what a mistake costs there: low, medium or high\n",
                quoted(&name)
            );
        }
        for one in &self.connections {
            text.push('\n');
            text += &one.text();
        }
        if !self.missing.is_empty() {
            text += "\n# What was not found:\n";
            self.missing.iter().for_each(|missing| text += &comment(missing));
        }
        text
    }
}

/// Lines of a comment. Nothing of what was found begins a line of its own.
fn comment(text: &str) -> String {
    text.lines().fold(String::new(), |all, line| all + "# " + &one_line(line) + "\n")
}

fn one_line(text: &str) -> String {
    crate::domain::text::one_line(text)
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn bare(name: &str) -> String {
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if plain { name.to_owned() } else { quoted(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_stands_there_with_its_comments_and_what_cannot_be_reached_as_a_comment() {
        let eu = Drafted::new("eu", "cluster", "The context eu").with("environment", "prod/\"eu\"", "its name");
        let mut us =
            Drafted::new("us east", "cluster", "The context us\nkind = \"evil\"").with("environment", "us", "");
        us.off = Some("connection refused".into());
        let draft = Draft { connections: vec![eu, us], missing: vec!["a forge:\n[connections.forge]".into()] };
        let text = draft.text();
        let read: toml::Table = text.parse().unwrap_or_else(|why| panic!("{why}\n{text}"));
        assert_eq!(read["connections"].as_table().unwrap().keys().collect::<Vec<_>>(), ["eu"]);
        assert_eq!(read["connections"]["eu"]["environment"].as_str(), Some("prod/\"eu\""));
        assert_eq!(read["environments"].as_table().unwrap().len(), 1, "{text}");
        for line in ["# Not in force: connection refused", "# [connections.\"us east\"]", "# [connections.forge]"] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}
