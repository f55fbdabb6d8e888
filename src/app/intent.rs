//! The one table of intents. It feeds keymap defaults, footer, help, `holdshort keys` and the README; tests compare them.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

use crate::domain::verb::Verb;

/// Where an intent can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Scope {
    /// Everywhere, but for a card that takes text.
    Anywhere,
    /// On every screen with no overlay on it.
    Screen,
    /// While a card or prompt takes text: all printable keys are typed, so only others are intents here.
    Typing,
}

/// What an intent can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Danger {
    /// Nothing outside this screen.
    None,
    /// It leads to a card, and from there to a call.
    Acts,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The intent.
    pub intent: Intent,
    /// Its name in configuration and in `--json`.
    pub id: &'static str,
    /// Two or three words for the footer.
    pub title: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// Default chords; the first is the one shown.
    pub chords: &'static [&'static str],
    /// Where it can be used.
    pub scope: Scope,
    /// What it can break.
    pub danger: Danger,
}

/// Declares the intents and the table at once, so that they cannot drift.
macro_rules! intents {
    ($($intent:ident $id:literal $title:literal $doc:literal [$($chord:literal),+] $scope:ident $danger:ident;)+) => {
        /// What somebody wants, whichever key, palette entry or recording it comes from.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display, EnumString)]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        pub enum Intent {
            $(#[doc = $doc] $intent,)+
        }

        /// The table, in the order in which help shows it.
        pub const INTENTS: &[Row] = &[$(Row {
            intent: Intent::$intent,
            id: $id,
            title: $title,
            doc: $doc,
            chords: &[$($chord),+],
            scope: Scope::$scope,
            danger: Danger::$danger,
        },)+];
    };
}

intents! {
    Open "open" "open" "Open what is selected; in a card, send it." ["Enter"] Screen None;
    Back "back" "back" "Leave this card or screen; nothing is sent." ["Esc"] Anywhere None;
    Down "down" "down" "Move to the next row." ["j", "Down"] Screen None;
    Up "up" "up" "Move to the row before." ["k", "Up"] Screen None;
    Top "top" "top" "Move to the first row." ["g", "Home"] Screen None;
    Bottom "bottom" "bottom" "Move to the last row." ["G", "End"] Screen None;
    Inbox "inbox" "inbox" "Show everything that waits for a human." ["i"] Screen None;
    Rollback "rollback" "roll back" "Put the last version known good back; the card shows which." ["r"] Screen Acts;
    Abort "abort" "abort" "Send all traffic back to stable, now; the spec keeps the new version." ["a"] Screen Acts;
    Promote "promote" "promote" "Continue past this pause, no further." ["p"] Screen Acts;
    Skip "skip" "skip step" "Leave out the running step, which the card names." ["s"] Screen Acts;
    PromoteFull "promote_full" "promote full" "Skip every pause, step and analysis that is left." ["P"] Screen Acts;
    Pause "pause" "hold" "Pause the rollout where it is; traffic stays as it is." ["h"] Screen Acts;
    Resume "resume" "resume" "Undo a person's pause; does not continue past a pause of the steps." ["u"] Screen Acts;
    Retry "retry" "retry" "Try the aborted version again, from its first step." ["R"] Screen Acts;
    Restart "restart" "restart" "Replace the pods of the running version, one after the other." ["T"] Screen Acts;
    Approve "approve" "approve" "Let the selected gate pass." ["y"] Screen Acts;
    Reject "reject" "reject" "Close the selected gate for good." ["x"] Screen Acts;
    Rerun "rerun" "rerun" "Run the pipeline behind the gate again." ["e"] Screen Acts;
    Cancel "cancel" "cancel" "Stop the run behind the gate." ["c"] Screen Acts;
    TakeOver "take_over" "take over" "Carry on an act whose executor died; the card shows what was sent and what will be." ["t"] Screen Acts;
    Why "why" "why" "Show the arithmetic of the verdict." ["w"] Screen None;
    Filter "filter" "filter" "Show only rows that contain a text." ["/"] Screen None;
    Help "help" "help" "Show every key that works here." ["?"] Screen None;
    Quit "quit" "quit" "Leave; actions go on without the screen." ["q"] Screen None;
    Send "send" "send" "Send what the card says." ["Enter"] Typing Acts;
    Erase "erase" "erase" "Delete the last character." ["Backspace"] Typing None;
    Interrupt "interrupt" "quit" "Leave at once; actions go on without the screen." ["Ctrl-c"] Anywhere None;
    Suspend "suspend" "suspend" "Put holdshort into the background; `fg` brings it back." ["Ctrl-z"] Anywhere None;
}

impl Intent {
    /// The row of the table.
    pub fn row(self) -> &'static Row {
        // Every variant is declared together with its row, so the search cannot miss; the first row only satisfies the type.
        INTENTS.iter().find(|row| row.intent == self).unwrap_or(&FIRST)
    }

    /// The verb it asks for, if it is a verb.
    pub fn verb(self) -> Option<Verb> {
        Some(match self {
            Self::Rollback => Verb::Rollback,
            Self::Abort => Verb::Abort,
            Self::Promote => Verb::Promote,
            Self::Skip => Verb::Skip,
            Self::PromoteFull => Verb::PromoteFull,
            Self::Pause => Verb::Pause,
            Self::Resume => Verb::Resume,
            Self::Retry => Verb::Retry,
            Self::Restart => Verb::Restart,
            Self::Approve => Verb::Approve,
            Self::Reject => Verb::Reject,
            Self::Rerun => Verb::Rerun,
            Self::Cancel => Verb::Cancel,
            _ => return None,
        })
    }
}

/// See [`Intent::row`].
const FIRST: Row = Row {
    intent: Intent::Open,
    id: "open",
    title: "open",
    doc: "",
    chords: &["Enter"],
    scope: Scope::Screen,
    danger: Danger::None,
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use strum::IntoEnumIterator;

    use super::*;

    #[test]
    fn every_verb_has_exactly_one_key() {
        let keyed: Vec<Verb> = INTENTS.iter().filter_map(|row| row.intent.verb()).collect();
        let distinct: BTreeSet<Verb> = keyed.iter().copied().collect();
        assert_eq!(keyed.len(), distinct.len());
        assert_eq!(distinct, Verb::iter().collect());
    }

    #[test]
    fn an_intent_is_called_the_same_in_the_table_in_json_and_in_configuration() {
        for row in INTENTS {
            assert_eq!(row.intent.to_string(), row.id);
            assert_eq!(serde_json::to_value(row.intent).unwrap(), row.id);
            assert_eq!(row.id.parse(), Ok(row.intent));
            assert_eq!(row.intent.row(), row);
        }
    }
}
