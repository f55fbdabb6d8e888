//! One line of the audit journal: who did what, with what evidence, and how it ended. There is no silent end.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    domain::{ids::Person, observed::FaultKind, time::Timestamp},
    port::plan::Plan,
};

/// The number of a record, as people say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordId(pub u64);

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How far an action has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The intent is on disk; nothing was sent.
    Recorded,
    /// A call (from 0) is about to be sent: from here on it may have taken effect.
    Sending {
        /// Which call of the plan.
        call: usize,
        /// The object's revision that guards it, where the system has one: while the object still has it, the call has
        /// not taken effect.
        revision: Option<String>,
    },
    /// The system took the call.
    Accepted {
        /// Which call of the plan.
        call: usize,
        /// What it answered.
        said: String,
    },
    /// The target moves: `25 % → 10 %`.
    Moving {
        /// From where to where, so far.
        said: String,
    },
    /// Nothing moved for a while: said aloud, never silence (F14).
    NotMoving {
        /// For how many seconds.
        seconds: u64,
    },
    /// Everything expected was observed.
    Done {
        /// What was observed: `12 of 12 pods, verified`.
        said: String,
    },
    /// Nothing was sent, and why.
    Refused {
        /// A sentence.
        why: String,
        /// Was it because the world is not as it was on screen?
        changed: bool,
    },
    /// It was tried and did not work.
    Failed {
        /// A sentence.
        why: String,
        /// What kind of fault it was, where the system's answer or silence is the reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<FaultKind>,
    },
    /// It was sent and could not be confirmed.
    Unknown {
        /// What to check, as a sentence.
        check: String,
    },
}

impl Stage {
    /// Nothing more will be written after it.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Refused { .. } | Self::Failed { .. } | Self::Unknown { .. })
    }
}

/// A stage, and when it was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub stage: Stage,
}

/// What is written before the first call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRecord {
    /// When it was confirmed.
    pub at: Timestamp,
    /// Who confirmed it.
    pub who: Person,
    /// Why, in their words.
    pub reason: Option<String>,
    /// What will be done.
    pub plan: Plan,
}

/// An action, from its intent to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its number.
    pub id: RecordId,
    /// What was intended.
    pub intent: NewRecord,
    /// What happened since, in order.
    pub entries: Vec<Entry>,
}

impl Record {
    /// How it ended, if it has.
    pub fn end(&self) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| entry.stage.is_end())
    }
}

/// A stage of a record, as it reaches the screens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionNews {
    /// Which record.
    pub record: RecordId,
    /// What was reached, and when.
    pub entry: Entry,
}
