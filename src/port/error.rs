//! Why a system could not be read or written, in one form for all systems.

use std::time::Duration;

use crate::domain::{
    observed::{Fault, FaultKind},
    text,
    time::Timestamp,
};

/// Characters of a sentence: a system may answer with megabytes of words.
const LONGEST: usize = 2_000;

/// A request that did not give what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct ProviderError {
    /// What kind of failure.
    pub kind: FaultKind,
    /// A sentence that names the thing and, where there is one, the way out. Printable text only.
    pub text: String,
    /// How long the system asks us to leave it alone.
    pub retry_after: Option<Duration>,
    /// Could the request have taken effect? True when it was sent and no answer, or half an answer, came back.
    /// A write with this set has an unknown outcome until the target is read again.
    pub maybe_done: bool,
    /// Did nothing leave this machine, because what is configured on it is wrong? Then the sentence itself names the way out, and the
    /// system need not be looked at.
    pub at_home: bool,
}

impl ProviderError {
    /// An error that certainly changed nothing; the text is cleaned, no address in it says by whose name it is asked, and it is
    /// cut where it is no sentence any more.
    pub fn new(kind: FaultKind, text: impl AsRef<str>) -> Self {
        let mut text = text::without_userinfo(&text::clean(text.as_ref()));
        if let Some((end, _)) = text.char_indices().nth(LONGEST) {
            text.truncate(end);
            text.push_str(" …");
        }
        Self { kind, text, retry_after: None, maybe_done: false, at_home: false }
    }

    /// Does it leave a gap in what is read piece by piece, and say nothing of the other pieces? One was refused, is not there, or cannot
    /// be read.
    pub fn leaves_a_gap(&self) -> bool {
        matches!(self.kind, FaultKind::Forbidden | FaultKind::Missing | FaultKind::Unreadable)
    }

    /// The same error, of a request that may have taken effect.
    #[must_use]
    pub fn maybe_done(mut self) -> Self {
        self.maybe_done = true;
        self
    }

    /// The same error as a fault of an observation.
    pub fn at(&self, at: Timestamp) -> Fault {
        Fault::new(at, self.kind, &self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_sentence_any_more_is_cut() {
        let error = ProviderError::new(FaultKind::Server, "ö".repeat(3_000));
        assert_eq!(error.text, format!("{} …", "ö".repeat(LONGEST)));
    }
}
