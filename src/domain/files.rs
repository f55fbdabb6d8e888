//! Which files of a repository are of a kind, by patterns that somebody chose: migrations of a database, configuration.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::domain::ids::ServiceName;

/// A pattern of paths, as `.gitignore` has them: `*` and `?` stay within a part, `**` stands for any number of parts. It is held
/// against the whole path, whatever the case of its letters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern(String);

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPattern {
    /// It would match nothing.
    #[error("a pattern of paths is not empty: write e.g. db/migrate/**")]
    Empty,
    /// Paths of a repository begin at its top.
    #[error("'{0}' begins at no top of a repository: write it without the / at its begin, or with **/ there")]
    Rooted(String),
}

impl TryFrom<String> for PathPattern {
    type Error = NoPattern;

    fn try_from(text: String) -> Result<Self, NoPattern> {
        match text.trim() {
            "" => Err(NoPattern::Empty),
            rooted if rooted.starts_with('/') => Err(NoPattern::Rooted(rooted.to_owned())),
            text => Ok(Self(text.to_owned())),
        }
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PathPattern {
    /// Is this path one of them?
    pub fn takes(&self, path: &str) -> bool {
        let (pattern, path) = (self.0.to_lowercase(), path.to_lowercase());
        let pattern: Vec<Vec<char>> = pattern.split('/').map(|part| part.chars().collect()).collect();
        let path: Vec<Vec<char>> = path.split('/').map(|part| part.chars().collect()).collect();
        fits(
            &pattern,
            &path,
            |part| part.as_slice() == ['*', '*'],
            |one, other| fits(one, other, |c| *c == '*', |c, other| *c == '?' || c == other),
        )
    }
}

/// Do the items fit a pattern in which some stand for any number of them? In steps that grow with the product of both lengths only:
/// patterns come from a file, and paths from a forge.
pub(in crate::domain) fn fits<T>(
    pattern: &[T],
    items: &[T],
    is_any: impl Fn(&T) -> bool,
    is: impl Fn(&T, &T) -> bool,
) -> bool {
    // Which begins of the items the pattern so far fits.
    let mut reached: Vec<bool> = (0..=items.len()).map(|place| place == 0).collect();
    for one in pattern {
        let mut next = vec![false; items.len() + 1];
        let mut any = false;
        for (place, before) in reached.iter().copied().enumerate() {
            any = is_any(one) && (any || before);
            let fit = before && !is_any(one) && items.get(place).is_some_and(|item| is(one, item));
            if let Some(after) = next.get_mut(place + 1).filter(|_| fit) {
                *after = true;
            }
            if let Some(here) = next.get_mut(place).filter(|_| any) {
                *here = true;
            }
        }
        reached = next;
    }
    reached.last().copied().unwrap_or_default()
}

/// What somebody wants to know about beside the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kinds {
    /// Migrations of a database.
    pub migrations: Vec<PathPattern>,
    /// Configuration.
    pub configuration: Vec<PathPattern>,
}

/// As the usual tools have them: Rails, Django, Flyway, Prisma and sqlx; Rails, Spring, Helm and dotenv.
impl Default for Kinds {
    fn default() -> Self {
        let patterns = |all: &[&str]| all.iter().map(|text| PathPattern((*text).to_owned())).collect();
        Self {
            migrations: patterns(&["**/migrate/**", "**/migrations/**", "**/migration/**"]),
            configuration: patterns(&["**/config/**", "**/application*.y*ml", "**/values*.yaml", "**/.env*"]),
        }
    }
}

/// The kinds of files of every service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    /// Where a service has none of its own.
    pub usual: Kinds,
    /// Of these services.
    pub services: BTreeMap<ServiceName, Kinds>,
    /// What of these services cannot be taken back once it was let through: `migrations/**drop*`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub irreversible: BTreeMap<ServiceName, Vec<PathPattern>>,
}

impl Files {
    /// Of a service.
    pub fn of(&self, service: &ServiceName) -> &Kinds {
        self.services.get(service).unwrap_or(&self.usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> PathPattern {
        PathPattern::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn a_star_stays_within_a_part_and_two_of_them_stand_for_any_number_of_parts() {
        let table = [
            ("db/migrate/**", "db/migrate/0042_drop.sql", true),
            ("db/migrate/**", "db/migrate/2026/0042.sql", true),
            ("db/migrate/**", "api/db/migrate/0042.sql", false),
            ("**/migrate/**", "migrate/0042.sql", true),
            ("**/migrate/**", "a/b/Migrate/c/0042.sql", true),
            ("**/migrate/**", "docs/migrate.md", false),
            ("config/*.toml", "config/prod.toml", true),
            ("config/*.toml", "config/eu/prod.toml", false),
            ("**/values*.yaml", "deploy/chart/values-prod.yaml", true),
            ("**/values*.yaml", "values.yaml", true),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("*", "README.md", true),
            ("**", "a/b/c", true),
            ("a", "a/b", false),
        ];
        for (text, path, takes) in table {
            assert_eq!(pattern(text).takes(path), takes, "{text} {path}");
        }
        let slow = "**/a*".repeat(40);
        assert!(!pattern(&slow).takes(&"a/".repeat(400)));
    }

    #[test]
    fn a_text_that_could_match_nothing_is_no_pattern() {
        assert_eq!(PathPattern::try_from(" ".to_owned()), Err(NoPattern::Empty));
        assert_eq!(PathPattern::try_from("/db/**".to_owned()), Err(NoPattern::Rooted("/db/**".to_owned())));
    }

    #[test]
    fn what_a_service_has_of_its_own_stands_in_the_place_of_the_usual() {
        let own = Kinds { migrations: vec![pattern("sql/**")], ..Kinds::default() };
        let files = Files { services: BTreeMap::from([("ledger".into(), own.clone())]), ..Files::default() };
        assert_eq!((files.of(&"ledger".into()), files.of(&"web".into())), (&own, &Kinds::default()));
    }
}
