//! The one table of intents. It feeds keymap defaults, footer, help, `holdshort keys` and the README; tests compare them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use strum::Display;

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
    (
        first { $($first:ident $id1:literal $title1:literal $doc1:literal [$($chord1:literal),*] $scope1:ident $danger1:ident;)+ }
        verbs { $($verb:ident $id2:literal $title2:literal $doc2:literal [$($chord2:literal),*];)+ }
        last { $($last:ident $id3:literal $title3:literal $doc3:literal [$($chord3:literal),*] $scope3:ident $danger3:ident;)+ }
    ) => {
        /// What somebody wants, whichever key, palette entry or recording it comes from.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Intent {
            $(#[doc = $doc1] $first,)+
            /// Ask for a verb on the selected row.
            Do(Verb),
            $(#[doc = $doc3] $last,)+
        }

        /// The table, in the order in which help shows it. A verb without a chord is reached by the menu.
        pub const INTENTS: &[Row] = &[
            $(Row {
                intent: Intent::$first,
                id: $id1,
                title: $title1,
                doc: $doc1,
                chords: &[$($chord1),*],
                scope: Scope::$scope1,
                danger: Danger::$danger1,
            },)+
            $(Row {
                intent: Intent::Do(Verb::$verb),
                id: $id2,
                title: $title2,
                doc: $doc2,
                chords: &[$($chord2),*],
                scope: Scope::Screen,
                danger: Danger::Acts,
            },)+
            $(Row {
                intent: Intent::$last,
                id: $id3,
                title: $title3,
                doc: $doc3,
                chords: &[$($chord3),*],
                scope: Scope::$scope3,
                danger: Danger::$danger3,
            },)+
        ];
    };
}

intents! {
    first {
        Open "open" "open" "Open what is selected; in a card, send it." ["Enter"] Screen None;
        Back "back" "back" "Leave this card or screen; nothing is sent." ["Esc"] Anywhere None;
        Down "down" "down" "Move to the next row." ["j", "Down"] Screen None;
        Up "up" "up" "Move to the row before." ["k", "Up"] Screen None;
        Top "top" "top" "Move to the first row." ["g", "Home"] Screen None;
        Bottom "bottom" "bottom" "Move to the last row." ["G", "End"] Screen None;
        PageDown "page_down" "page down" "Move by a page; in a card or a help too long for the screen, to its rest." ["PageDown"] Anywhere None;
        PageUp "page_up" "page up" "Move a page back." ["PageUp"] Anywhere None;
        HalfDown "half_down" "half down" "Move by half a page." ["Ctrl-d"] Anywhere None;
        HalfUp "half_up" "half up" "Move half a page back; where something is typed, delete all of it." ["Ctrl-u"] Anywhere None;
        Section "section" "section" "Go to the next section or pane, and behind the last to the first." ["Tab"] Screen None;
        Board "board" "board" "Show what is in flight, what waits and what is steady." ["1"] Screen None;
        Pipelines "pipelines" "pipelines" "Show the runs of all pipelines: failed and waiting ones first." ["2"] Screen None;
        Inbox "inbox" "inbox" "Show everything that waits for a human." ["3", "i"] Screen None;
        Signals "signals" "signals" "Show what is measured of every service, by version." ["4"] Screen None;
        Logs "logs" "logs" "Show what the versions of the selected release wrote." ["l"] Screen None;
        Drift "drift" "settings" "Show which settings differ where the selected row goes from where it comes from: names, never values." ["D"] Screen None;
        Browser "browser" "browser" "Show the address of what is selected, and copy it where the terminal can." ["o"] Screen None;
        Palette "palette" "palette" "Find every key, screen and object by a few letters; a verb acts on the selected row." [":"] Screen None;
        Mark "mark" "mark" "Mark the row, once more takes it back: verbs act on what is marked, in that order." ["m"] Screen None;
        Menu "menu" "more" "Show all that can be done with the selected row, and where it is refused, why." ["Space"] Screen None;
    }
    verbs {
        Rollback "rollback" "roll back" "Put the last version known good back; the card shows which." ["r"];
        Abort "abort" "abort" "Send all traffic back to stable, now; the spec keeps the new version." ["a"];
        Promote "promote" "promote" "Continue past this pause, no further." ["p"];
        Skip "skip" "skip step" "Leave out the running step, which the card names." ["s"];
        PromoteFull "promote_full" "promote full" "Skip every pause, step and analysis that is left." ["P"];
        Pause "pause" "hold" "Pause the rollout where it is; traffic stays as it is." ["h"];
        Resume "resume" "resume" "Undo a person's pause; does not continue past a pause of the steps." ["u"];
        Retry "retry" "retry" "Try the aborted version again, from its first step." ["R"];
        Restart "restart" "restart" "Replace the pods, no more at once than may be missing." ["T"];
        Approve "approve" "approve" "Let the selected gate pass." ["y"];
        Reject "reject" "reject" "Close the selected gate for good." ["x"];
        Rerun "rerun" "rerun" "Run the pipeline behind the gate again." ["e"];
        Cancel "cancel" "cancel" "Stop the run behind the gate." ["c"];
        Sync "sync" "sync" "Bring what runs to what its source says." [];
        Reconcile "reconcile" "reconcile" "Look at the source now, and bring what runs to it." [];
        On "on" "switch on" "Switch it on." [];
        Off "off" "switch off" "Switch it off, so that it is as before it was on." [];
        Set "set" "set" "Give it another value; the card asks which." [];
        Silence "silence" "silence" "Keep the alert from being told for a while." [];
        Next "next" "next batch" "Go on with the next batch, no further." [];
        Stop "stop" "stop" "Go on with nothing of it; what is done stays." [];
        Play "play" "play" "Start what waits to be started by hand." [];
        Dispatch "dispatch" "dispatch" "Start the pipeline; the card asks for its inputs." [];
        Release "release" "release" "Let go of what somebody holds." [];
    }
    last {
        TakeOver "take_over" "take over" "Carry on an act whose executor died; the card shows what was sent and what will be." ["t"] Screen Acts;
        Why "why" "why" "Show the arithmetic of the verdict." ["w"] Screen None;
        Filter "filter" "filter" "Show only rows that contain a text; in a log, look for it." ["/"] Screen None;
        FindNext "find_next" "next error" "In a log, go to the next line that holds what is looked for, or else to the next that reads like an error." ["n"] Screen None;
        FindBefore "find_before" "error before" "The same, backwards." ["N"] Screen None;
        Follow "follow" "follow" "In a log, show its end and what is added to it; once more stays." ["f"] Screen None;
        Level "level" "level" "Of what a release or a job writes, show what is at least a warning, at least an error, everything." ["L"] Screen None;
        Side "side" "version" "Of what a release writes, show both versions, the canary's lines, those of stable." ["V"] Screen None;
        Help "help" "help" "Show every key that works here." ["?"] Screen None;
        Quit "quit" "quit" "Leave; actions go on without the screen." ["q"] Screen None;
        Send "send" "send" "Send what the card says." ["Enter"] Typing Acts;
        Erase "erase" "erase" "Delete the last character." ["Backspace"] Typing None;
        EraseWord "erase_word" "erase word" "Delete the last word." ["Ctrl-w"] Typing None;
        NextField "next_field" "next field" "Go to the next field of the card." ["Tab", "Down"] Typing None;
        PreviousField "previous_field" "field before" "Go to the field before." ["Up"] Typing None;
        NextOption "next_option" "next option" "Take the next option of the field, or switch it." ["Right"] Typing None;
        PreviousOption "previous_option" "option before" "Take the option before." ["Left"] Typing None;
        Interrupt "interrupt" "quit" "Leave at once; actions go on without the screen." ["Ctrl-c"] Anywhere None;
        Suspend "suspend" "suspend" "Put holdshort into the background; `fg` brings it back." ["Ctrl-z"] Anywhere None;
    }
}

impl Intent {
    /// The row of the table.
    pub fn row(self) -> &'static Row {
        // Every variant is declared together with its row, and a test holds that every verb has one, so the search cannot
        // miss; the first row only satisfies the type.
        INTENTS.iter().find(|row| row.intent == self).unwrap_or(&FIRST)
    }

    /// The verb it asks for, if it is a verb.
    pub fn verb(self) -> Option<Verb> {
        match self {
            Self::Do(verb) => Some(verb),
            _ => None,
        }
    }
}

impl Row {
    /// Is there a key for it, unless somebody gives it one?
    pub fn is_keyed(&self) -> bool {
        !self.chords.is_empty()
    }
}

impl fmt::Display for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.row().id)
    }
}

/// A name that is no intent's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such intent")]
pub struct NoIntent;

impl FromStr for Intent {
    type Err = NoIntent;

    fn from_str(id: &str) -> Result<Self, NoIntent> {
        INTENTS.iter().find(|row| row.id == id).map(|row| row.intent).ok_or(NoIntent)
    }
}

// Written as its name: recordings know a verb's key by it, from when each verb was an intent of its own.
impl Serialize for Intent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.row().id)
    }
}

impl<'de> Deserialize<'de> for Intent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = String::deserialize(deserializer)?;
        id.parse().map_err(|_| D::Error::custom(format!("there is no intent '{id}'")))
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
    fn every_verb_has_exactly_one_row_and_is_called_as_it_is_written_down() {
        let rows: Vec<Verb> = INTENTS.iter().filter_map(|row| row.intent.verb()).collect();
        let distinct: BTreeSet<Verb> = rows.iter().copied().collect();
        assert_eq!(rows.len(), distinct.len());
        assert_eq!(distinct, Verb::iter().collect());
        for verb in Verb::iter() {
            assert_eq!(Intent::Do(verb).to_string(), verb.to_string());
        }
    }

    #[test]
    fn an_intent_is_called_the_same_in_the_table_in_json_and_in_configuration() {
        for row in INTENTS {
            assert_eq!(row.intent.to_string(), row.id);
            assert_eq!(serde_json::to_value(row.intent).unwrap(), row.id);
            assert_eq!(row.id.parse(), Ok(row.intent));
            assert_eq!(serde_json::from_value::<Intent>(row.id.into()).unwrap(), row.intent);
            assert_eq!(row.intent.row(), row);
        }
    }
}
