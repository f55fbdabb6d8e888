//! How a version is read from what people write: a pattern that somebody chose for it, never a guess.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

/// The group of the pattern that is the version.
const GROUP: &str = "version";
/// What a pattern may take when it is made ready, in bytes.
const LARGEST: usize = 1 << 20;

/// Where the version of a run is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Written {
    /// In the name of the tag that it ran for.
    #[default]
    Tag,
    /// In the name of the branch. Systems that have one field for both read the same for either.
    Branch,
    /// In its title.
    Title,
}

/// A pattern, and where it is looked for. In a configuration `'release-(?P<version>\S+)'`, which is looked for in the tag or
/// branch, or `{ from = "title", pattern = '…' }`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "Spelled", into = "Spelled")]
pub struct VersionPattern {
    from: Written,
    pattern: Regex,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged, expecting = "expected a pattern, or { from = \"tag\", \"branch\" or \"title\", pattern = '…' }")]
enum Spelled {
    Short(String),
    Long(Spelling),
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Spelling {
    from: Written,
    pattern: String,
}

impl PartialEq for VersionPattern {
    fn eq(&self, other: &Self) -> bool {
        (self.from, self.pattern.as_str()) == (other.from, other.pattern.as_str())
    }
}

impl Eq for VersionPattern {}

impl From<VersionPattern> for Spelled {
    fn from(pattern: VersionPattern) -> Self {
        Self::Long(Spelling { from: pattern.from, pattern: pattern.pattern.as_str().to_owned() })
    }
}

impl TryFrom<Spelled> for VersionPattern {
    type Error = String;

    fn try_from(spelled: Spelled) -> Result<Self, String> {
        match spelled {
            Spelled::Short(pattern) => Self::new(Written::default(), &pattern),
            Spelled::Long(Spelling { from, pattern }) => Self::new(from, &pattern),
        }
    }
}

impl VersionPattern {
    /// A pattern and where it is looked for.
    ///
    /// # Errors
    /// When it is none, or does not say which part of it is the version; a sentence.
    pub fn new(from: Written, pattern: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("'{pattern}' is no pattern for a version: {why}");
        let built = RegexBuilder::new(pattern).size_limit(LARGEST).build();
        // Over several lines it draws a picture of the place; the last one says what is wrong.
        let why = |error: regex::Error| error.to_string().lines().last().unwrap_or_default().trim().to_owned();
        let pattern = built.map_err(|error| wrong(why(error).trim_start_matches("error: ")))?;
        if pattern.capture_names().flatten().any(|name| name == GROUP) {
            Ok(Self { from, pattern })
        } else {
            Err(wrong("it needs a group of that name, such as 'release-(?P<version>\\S+)'"))
        }
    }

    /// The version in what a run is called: the name of its tag or branch, and its title. `None` where it does not match.
    pub fn version<'t>(&self, reference: Option<&'t str>, title: Option<&'t str>) -> Option<&'t str> {
        let text = match self.from {
            Written::Tag | Written::Branch => reference,
            Written::Title => title,
        };
        let found = self.pattern.captures(text?)?.name(GROUP)?.as_str();
        (!found.trim().is_empty()).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_what_the_pattern_says_where_it_says_and_else_none() {
        let of = |from, pattern: &str| VersionPattern::new(from, pattern).unwrap();
        let (reference, title) = (Some("release-4.2.0"), Some("Deploy ledger 4.3.0 to prod"));
        for (pattern, version) in [
            (of(Written::Branch, r"^release-(?P<version>\S+)$"), Some("4.2.0")),
            (of(Written::Tag, r"^v(?P<version>\S+)$"), None),
            (of(Written::Title, r"ledger (?P<version>\d+\.\d+\.\d+)"), Some("4.3.0")),
            (of(Written::Title, r"release-(?<version>\S+)"), None),
            (of(Written::Tag, r"release-(?P<version>x?)"), None),
        ] {
            assert_eq!(pattern.version(reference, title), version, "{pattern:?}");
        }
        assert_eq!(of(Written::Title, "(?P<version>.+)").version(reference, None), None);
    }

    #[test]
    fn a_bad_pattern_is_refused_in_a_sentence() {
        for (pattern, why) in [
            ("release-(", "'release-(' is no pattern for a version: unclosed group"),
            (
                r"release-(\S+)",
                r"'release-(\S+)' is no pattern for a version: it needs a group of that name, such as 'release-(?P<version>\S+)'",
            ),
        ] {
            assert_eq!(VersionPattern::new(Written::Tag, pattern).unwrap_err(), why);
        }
        assert!(VersionPattern::new(Written::Tag, r"(?P<version>\w{5000}){5000}").unwrap_err().contains("size limit"));
    }

    #[test]
    fn it_is_written_as_a_text_or_with_where_it_stands() {
        let read = |text: &str| {
            toml::from_str::<std::collections::BTreeMap<String, VersionPattern>>(text).map(|mut all| all.remove("v"))
        };
        let short = VersionPattern::new(Written::Tag, r"r(?P<version>\d+)").unwrap();
        assert_eq!(read(r"v = 'r(?P<version>\d+)'").unwrap(), Some(short));
        let long = VersionPattern::new(Written::Title, r"r(?P<version>\d+)").unwrap();
        assert_eq!(read(r#"v = { from = "title", pattern = 'r(?P<version>\d+)' }"#).unwrap(), Some(long));
        assert!(read("v = 'r('").unwrap_err().to_string().contains("unclosed group"));
    }
}
