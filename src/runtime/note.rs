//! What tasks tell the loop: a message for the model, and what it means for somebody who waits.

use crate::{
    app::msg::Msg,
    domain::{ids::SourceName, object::Family},
    port::{inventory::Scope, lookup::Question, plan::Ask, record::RecordId},
};

/// What somebody may wait for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// Which scopes an inventory has.
    Scopes(SourceName, Family),
    /// One scope.
    Scope(SourceName, Scope),
    /// One question.
    Question(SourceName, Question),
    /// Can the journal be written?
    Journal,
}

impl Key {
    /// Who answers.
    pub(super) fn source(&self) -> Option<&SourceName> {
        match self {
            Self::Scopes(source, _) | Self::Scope(source, _) | Self::Question(source, _) => Some(source),
            Self::Journal => None,
        }
    }
}

/// One thing a task tells.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Note {
    /// A message.
    Msg(Msg),
    /// A message that answers a question.
    Answered(Msg, Key),
    /// Whether the journal vouches for what this ask takes over; why not, as a sentence.
    Vouched(Box<Ask>, Result<(), String>),
    /// The intent with this ticket was written, or why it was not.
    Begun(u64, Result<RecordId, String>),
}
