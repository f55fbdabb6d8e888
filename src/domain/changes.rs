//! What lies between two commits: who changed what, in which part of the code. A forge tells it; nothing here guesses what it means.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{files::PathPattern, ids::Person, time::Timestamp};

/// One commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its 40 hex digits.
    pub commit: String,
    /// The first line of its message.
    pub title: String,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Person>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// What one commit has and another one has not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// The commits, oldest first, as far as they were told.
    pub commits: Vec<Change>,
    /// How many there are.
    pub count: usize,
    /// How many the other one has that this one has not: it would be taken back.
    pub behind: usize,
    /// The files that differ, as far as they were told.
    pub files: Vec<String>,
    /// Is that all of them?
    pub all_files: bool,
    /// The settings that differ in those of them that have some, by file, as far as it was told what differs there; never what they are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, Vec<String>>,
}

impl Changes {
    /// The parts of the code that differ, by the folder at the top, with how many files of each; the most first.
    pub fn areas(&self) -> Vec<(&str, usize)> {
        let mut areas: BTreeMap<&str, usize> = BTreeMap::new();
        for file in &self.files {
            let area = file.split_once('/').map_or("top", |(area, _)| area);
            *areas.entry(area).or_default() += 1;
        }
        let mut areas: Vec<(&str, usize)> = areas.into_iter().collect();
        areas.sort_by_key(|(area, count)| (std::cmp::Reverse(*count), *area));
        areas
    }

    /// The files among them that one of these patterns takes.
    pub fn those(&self, patterns: &[PathPattern]) -> Vec<&str> {
        let is_one = |file: &&String| patterns.iter().any(|pattern| pattern.takes(file));
        self.files.iter().filter(is_one).map(String::as_str).collect()
    }

    /// Who made the commits, in the order in which they first did.
    pub fn people(&self) -> Vec<&Person> {
        let mut people: Vec<&Person> = Vec::new();
        for by in self.commits.iter().filter_map(|change| change.by.as_ref()) {
            if !people.contains(&by) {
                people.push(by);
            }
        }
        people
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::files::Kinds;

    #[test]
    fn areas_are_folders_at_the_top_and_migrations_are_where_the_usual_tools_have_them() {
        let files = ["api/a.rs", "api/b/c.rs", "db/migrate/0042_drop.sql", "README.md", "docs/migrations.md"];
        let changes = Changes { files: files.map(str::to_owned).to_vec(), ..Changes::default() };
        assert_eq!(changes.areas(), [("api", 2), ("db", 1), ("docs", 1), ("top", 1)]);
        assert_eq!(changes.those(&Kinds::default().migrations), ["db/migrate/0042_drop.sql"]);
    }

    #[test]
    fn people_are_named_once_in_the_order_of_their_commits() {
        let by = |who: Option<&str>| Change {
            commit: String::new(),
            title: String::new(),
            by: who.map(Person::new),
            at: None,
        };
        let commits = vec![by(Some("lee")), by(None), by(Some("kim")), by(Some("lee"))];
        let changes = Changes { commits, ..Changes::default() };
        assert_eq!(changes.people(), [&Person::new("lee"), &Person::new("kim")]);
    }
}
