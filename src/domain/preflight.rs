//! What is known of a version before traffic is sent to it: whether its pods, its image and what they are given are there, what speaks
//! against it, how long it takes. What could not be looked at is unknown, never good.
//!
//! Here must not live: who is asked, or what a screen makes of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strum::Display;

/// Which way somebody would go to the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Heading {
    /// Back to one that ran before.
    Back,
    /// On with the one that is on its way in.
    On,
}

/// How one thing stands; the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Grade {
    /// It was looked at, and nothing speaks against going.
    Good,
    /// It could not be looked at.
    Unknown,
    /// It works, slower or with less to spare; or something may undo it.
    Amber,
    /// It does not work, or does harm: that is known.
    Red,
}

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum About {
    /// What the version's data would be: a change that cannot be taken back.
    Data,
    /// Whether what it is made of is still kept.
    Revision,
    /// Its pods.
    Pods,
    /// Whether its image can be pulled.
    Image,
    /// What its pods are given.
    Configuration,
    /// What is kept ready for it where it has no pods.
    Capacity,
    /// What the namespace may take.
    Quota,
    /// How many pods the autoscaler lets it have.
    Autoscaler,
    /// How many pods may be missing.
    Disruption,
    /// Room on nodes.
    Nodes,
    /// Who else writes what is to run.
    Automation,
}

impl About {
    /// As it stands before a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Revision => "revision",
            Self::Pods => "pods",
            Self::Image => "image",
            Self::Configuration => "settings",
            Self::Capacity => "capacity",
            Self::Quota => "quota",
            Self::Autoscaler => "autoscaler",
            Self::Disruption => "budget",
            Self::Nodes => "nodes",
            Self::Automation => "automation",
        }
    }
}

/// One thing that was looked at, or could not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What.
    pub about: About,
    /// How it stands.
    pub grade: Grade,
    /// A sentence.
    pub words: String,
    /// The way out, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<String>,
}

impl Check {
    /// A check without a way out.
    pub fn new(about: About, grade: Grade, words: impl Into<String>) -> Self {
        Self { about, grade, words: words.into(), way: None }
    }

    /// The same, with one.
    #[must_use]
    pub fn mended_by(self, way: impl Into<String>) -> Self {
        Self { way: Some(way.into()), ..self }
    }
}

/// How long it takes until the version serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Takes {
    /// All that is needed runs.
    AtOnce,
    /// As long as its last pods took to be ready, one batch after the other.
    About {
        /// So long.
        span: Duration,
        /// Pods come in so many batches.
        batches: u32,
    },
    /// No pod tells how long one takes.
    Unknown,
}

impl Takes {
    /// `at once`, `about 8 s`; nothing where nobody can say.
    pub fn words(self) -> Option<String> {
        match self {
            Self::AtOnce => Some("at once".to_owned()),
            Self::About { span, batches } => {
                let seconds = span.as_secs().max(1);
                let said = if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) };
                let batches = if batches > 1 { format!(" in {batches} batches") } else { String::new() };
                Some(format!("about {said}{batches}"))
            }
            Self::Unknown => None,
        }
    }
}

/// An image that pods of the version are made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Image {
    /// As the template names it: `registry.test:5000/shop/pay:1.41.3`.
    pub name: String,
    /// What pods of the version run now: `sha256:…`; `None` where none tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<String>,
}

/// What was looked at where a version would run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preflight {
    /// Everything that was looked at, or could not be.
    pub checks: Vec<Check>,
    /// How long it takes.
    pub takes: Takes,
    /// Pods of the version that must start first.
    pub to_start: u32,
    /// What its pods are made of.
    pub images: Vec<Image>,
    /// What going there interrupts, a sentence each.
    pub interrupts: Vec<String>,
}

/// What a registry says of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// It is there.
    There {
        /// What its name stands for now: `sha256:…`; `None` where the registry does not tell.
        digest: Option<String>,
        /// How many tags of the repository are kept, or why that is not known.
        tags: Result<usize, String>,
    },
    /// It is gone: the registry says that it has no such image.
    Gone,
    /// It is kept by another registry.
    Elsewhere,
}

/// The worst of several; nothing of nothing.
pub fn worst<'a>(checks: impl IntoIterator<Item = &'a Check>) -> Option<&'a Check> {
    // The first of those that are equally bad.
    let mut checks: Vec<&Check> = checks.into_iter().collect();
    checks.reverse();
    checks.into_iter().max_by_key(|check| check.grade)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_worse_than_good_and_better_than_what_is_known_to_be_bad() {
        let checks =
            [Grade::Good, Grade::Unknown, Grade::Amber, Grade::Red].map(|grade| Check::new(About::Pods, grade, "x"));
        let worst_of = |many: usize| worst(checks.iter().take(many)).map(|check| check.grade);
        let expected = [None, Some(Grade::Good), Some(Grade::Unknown), Some(Grade::Amber), Some(Grade::Red)];
        assert_eq!([0, 1, 2, 3, 4].map(worst_of), expected);
        let two = [Check::new(About::Data, Grade::Red, "first"), Check::new(About::Image, Grade::Red, "second")];
        assert_eq!(worst(&two).map(|check| check.words.as_str()), Some("first"));
    }

    #[test]
    fn how_long_it_takes_is_said_in_seconds_and_minutes_or_not_at_all() {
        let about = |seconds: u64, batches: u32| Takes::About { span: Duration::from_secs(seconds), batches }.words();
        assert_eq!(Takes::AtOnce.words().as_deref(), Some("at once"));
        assert_eq!(about(8, 1).as_deref(), Some("about 8 s"));
        assert_eq!(about(24, 3).as_deref(), Some("about 24 s in 3 batches"));
        assert_eq!(about(150, 1).as_deref(), Some("about 3 min"));
        assert_eq!(about(0, 1).as_deref(), Some("about 1 s"));
        assert_eq!(Takes::Unknown.words(), None);
    }
}
