//! Everything that can happen to the model, in one ordered stream. Serialisable: a recording of it rebuilds any screen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    app::{
        action::Lost,
        drawn::{Drawn, Press},
        intent::Intent,
    },
    domain::{
        ids::{ServiceName, SourceName},
        object::Family,
        observed::Fault,
        standard::Standard,
        time::Timestamp,
    },
    port::{
        cached::CachedScope,
        inventory::{Part, Scope},
        kept::KeptSignals,
        lookup::{Question, Told},
        plan::{Ask, Blocked, Draft},
        record::{ActionNews, Record, RecordId},
    },
};

/// One thing that happened. Holds domain values and keys only, never a secret or a wire form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Msg {
    /// It is now this late. Ages and countdowns follow.
    Tick(Timestamp),
    /// The terminal has this many columns and rows.
    Resized(u16, u16),
    /// A frame is on screen that shows more or less, or another card, than the one before.
    Drawn(Drawn),
    /// The keys that follow came in another way than those before.
    Press(Press),
    /// Somebody wants something.
    Intent(Intent),
    /// A character was typed into the card or prompt that takes text.
    Typed(char),
    /// An inventory said which scopes it has, or could not.
    Discovered {
        /// Through which connection.
        source: SourceName,
        /// Which of its inventories.
        inventory: Family,
        /// Its scopes.
        scopes: Result<Vec<Scope>, Fault>,
    },
    /// Something was told of a scope, or it could not be read.
    Heard {
        /// Through which connection.
        source: SourceName,
        /// Of which scope.
        scope: Scope,
        /// When it was received.
        at: Timestamp,
        /// By when something is to be heard of it again.
        due: Timestamp,
        /// What it has; nothing where it is alive and nothing changed.
        parts: Result<Vec<Part>, Fault>,
    },
    /// A question was answered, or could not be.
    Told {
        /// Through which connection.
        source: SourceName,
        /// When.
        at: Timestamp,
        /// The question.
        question: Question,
        /// The answer.
        told: Result<Told, Fault>,
    },
    /// Signals that an earlier process read and kept; told before anything is read.
    Kept(Vec<KeptSignals>),
    /// What an earlier process saw last: shown until it is read, and never gone by.
    Cached(Vec<CachedScope>),
    /// Nothing else is to be done: one of the verdicts that are owed can be worked out.
    Judge,
    /// What is left of a source's request budget, 0 to 1.
    Budget {
        /// Which connection.
        source: SourceName,
        /// Share that is left.
        left: f64,
    },
    /// A provider drafted what it would do for an ask, or said why not.
    Drafted {
        /// The ask.
        ask: Ask,
        /// The draft.
        draft: Box<Result<Draft, Blocked>>,
        /// What it drafted for each further target of the ask, in order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        then: Vec<Result<Draft, Blocked>>,
    },
    /// A record was begun, here or by another session.
    Recorded(Box<Record>),
    /// A record moved on.
    Action(ActionNews),
    /// Nobody carries a record out any more, and why.
    Lost(RecordId, Lost),
    /// What had ended before this session began, oldest first; told once.
    Past(Vec<Record>),
    /// The journal cannot be written; `None` when it can again. Forward verbs refuse meanwhile.
    JournalBroken(Option<String>),
    /// What services are held to, as configured; told once, at the start.
    Standards(BTreeMap<ServiceName, Standard>),
    /// The runtime has something to say once, in the footer.
    Said(String),
}
