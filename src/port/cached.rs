//! What an earlier process saw last, to be shown at once while nothing has been read yet. It is old news, whatever its age: nothing may
//! act, judge or decide on it.

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        ids::SourceName,
        item::Item,
        object::ObjectId,
        preflight::{About, Check, Grade, worst},
        time::Timestamp,
        verb::Verb,
    },
    port::inventory::Scope,
};

/// Objects of one scope, as they were when they were last confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedScope {
    /// Through which connection.
    pub source: SourceName,
    /// Of which of its scopes.
    pub scope: Scope,
    /// When what it has was last confirmed.
    pub at: Timestamp,
    /// What it had.
    pub items: Vec<Item>,
    /// How each of them would be gone back from by hand, drawn up from what it was then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<Way>,
}

/// How somebody goes back by hand: for the night when nothing but the systems' own tools work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// From what.
    pub target: ObjectId,
    /// The verb whose calls these are.
    pub verb: Verb,
    /// The version that is left, where it is known.
    pub from: Option<String>,
    /// The version that takes its place, where it is known.
    pub to: Option<String>,
    /// The effect in a sentence; why there are no commands, where there are none.
    pub said: String,
    /// The plain commands, lines for a shell in their order. Empty where nothing can be done this way.
    pub commands: Vec<String>,
    /// How it stood with it then.
    #[serde(default = "Standing::unread")]
    pub standing: Standing,
}

/// How it stands with a way back, so that whoever goes it by hand is not led where the verb would not go. All of it empty where
/// nothing speaks against it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// What was looked at and is not good, or could not be looked at; the worst first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// What else speaks against it, a sentence each: that it leads to what was left for cause.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub against: Vec<String>,
    /// What is safe instead, where something forbids it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instead: Vec<String>,
}

impl Standing {
    /// Of what nobody looked into, as an earlier holdshort wrote it: that is not known to be good.
    pub fn unread() -> Self {
        let words = "what stands in the way was not looked into";
        Self { checks: vec![Check::new(About::Revision, Grade::Unknown, words)], ..Self::default() }
    }

    /// How it stands, all in all: a way to what was left for cause is as bad as one that cannot serve.
    pub fn grade(&self) -> Grade {
        if self.against.is_empty() { worst(&self.checks).map_or(Grade::Good, |check| check.grade) } else { Grade::Red }
    }
}
