//! What somebody did to a release past us (F23): paused, resumed, aborted or scaled it with another client, or on a page of its system.
//!
//! Here live what was done, by whom as far as the system tells, and the comparison of what was seen before with what is seen now. A
//! client is not a person: a name that a program gives itself is told as that, and who sat before it is not guessed. Here must not live
//! where a system notes it (the provider reads that), nor what of it is told (`app::past_us`).

use std::fmt;

use serde::{Deserialize, Serialize};
use strum::Display;

use crate::domain::{
    ids::Person,
    rollout::{PauseReason, Phase, Rollout, StepKind},
    time::Timestamp,
};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Did {
    /// Held where it was.
    Paused,
    /// That was ended.
    Resumed,
    /// Let go on past a pause that only a human ends.
    Promoted,
    /// Told to take all traffic without its steps.
    PromotedFull,
    /// Told to take its traffic back.
    Aborted,
    /// Told to try again what was aborted.
    Retried,
    /// Another version was asked for.
    Put,
    /// Another number of pods was asked for.
    Scaled,
    /// Its pods were told to be made anew.
    Restarted,
    /// Its steps, or how its versions are exchanged, were written anew.
    Steered,
}

impl Did {
    /// `resumed`, `another version asked for`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Promoted => "let go on past its pause",
            Self::PromotedFull => "promoted in full",
            Self::Aborted => "aborted",
            Self::Retried => "let go on after its abort",
            Self::Put => "its version written",
            Self::Scaled => "scaled",
            Self::Restarted => "restarted",
            Self::Steered => "its steps written",
        }
    }

    /// Does it stay true for as long as it is in force, whoever else writes beside it?
    fn is_a_state(self) -> bool {
        matches!(self, Self::Paused | Self::Aborted | Self::PromotedFull)
    }
}

/// By whom, as far as the system tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A person that the system names.
    Person(Person),
    /// The program that did, by the name that it gives itself: `an-editor`. Who used it is not told.
    Client(String),
    /// A holdshort: its record tells more.
    Us,
    /// The system notes nobody.
    NotTold,
}

impl fmt::Display for By {
    /// `by lee`, `with an-editor`; nothing where nobody is noted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(person) => write!(f, "by {person}"),
            Self::Client(client) => write!(f, "with {client}"),
            Self::Us => f.write_str("with holdshort"),
            Self::NotTold => Ok(()),
        }
    }
}

/// What is said where a system names nobody.
const UNTOLD: &str = ", its system does not note by whom";

/// Somebody's act on a rollout, as its system notes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hand {
    /// What was done.
    pub did: Did,
    /// By whom.
    pub by: By,
    /// When, as the system notes it; `None` where it does not.
    pub at: Option<Timestamp>,
    /// Whoever did writes more of the object: then `at` is when anything of it was written, and this may be as it was before.
    #[serde(default)]
    pub whole: bool,
}

impl Hand {
    /// Does it say by itself that this was done? A manifest that is applied as a whole names every field, and changes few of them.
    pub fn stands_alone(&self) -> bool {
        self.did == Did::Put || self.did.is_a_state() || !self.whole
    }

    /// `resumed with an-editor at 02:14:05`; `resumed at 02:14:05, its system does not note by whom`. With the day where it is another.
    pub fn said(&self, now: Timestamp) -> String {
        format!("{}{}", self.what(now), if self.by == By::NotTold { UNTOLD } else { "" })
    }

    /// The same as it stands beside an answer: `resumed with an-editor at 02:14:05, not with holdshort`.
    pub fn said_of(&self, now: Timestamp) -> String {
        format!("{}, not with holdshort{}", self.what(now), if self.by == By::NotTold { UNTOLD } else { "" })
    }

    fn what(&self, now: Timestamp) -> String {
        let day = |at: Timestamp| if at.date_naive() == now.date_naive() { "" } else { "%Y-%m-%d " };
        let at = self.at.map(|at| at.format(&format!("{}%H:%M:%S", day(at))).to_string());
        let at = match (at, self.whole) {
            (Some(at), false) => format!(" at {at}"),
            (Some(at), true) => format!(", which wrote last at {at}"),
            (None, _) => String::new(),
        };
        let by = if self.by == By::NotTold { String::new() } else { format!(" {}", self.by) };
        format!("{}{by}{at}", self.did.words())
    }
}

/// What was done between two looks at the same object, each with whoever the newer look names for it.
///
/// What a controller does by itself as well (it aborts, it is scaled by load) is told only where somebody else is named for it.
pub fn between(before: &Rollout, now: &Rollout) -> Vec<Hand> {
    if before.identity.uid != now.identity.uid {
        return Vec::new();
    }
    let named = |did: Did| now.hands.iter().find(|hand| hand.did == did && !before.hands.contains(hand));
    let certain = |did: Did| {
        let untold = || Hand { did, by: By::NotTold, at: None, whole: false };
        named(did).cloned().unwrap_or_else(untold)
    };
    let mut all = Vec::new();
    match (before.held, now.held) {
        (false, true) => all.push(certain(Did::Paused)),
        (true, false) => all.push(certain(Did::Resumed)),
        _ => {}
    }
    // What a source declares changes with it, and is tried again by whoever applies it: only a name tells of somebody.
    let declared = now.is_declared();
    if declared || is_other(before, now) {
        all.extend(named(Did::Put).cloned());
    }
    let aborted = |rollout: &Rollout| rollout.phase == Phase::Aborted;
    match (aborted(before), aborted(now)) {
        (false, true) => all.extend(named(Did::Aborted).cloned()),
        (true, false) if declared => all.extend(named(Did::Retried).cloned()),
        (true, false) if is_same_attempt(before, now) => all.push(certain(Did::Retried)),
        _ => {}
    }
    if !declared && goes_on_unasked(before, now) && named(Did::PromotedFull).is_none() {
        all.push(certain(Did::Promoted));
    }
    // Whoever did this before writes something else under the same name now.
    let again = |hand: &&Hand| before.hands.iter().any(|known| known.did == hand.did && known.by == hand.by);
    let once = [Did::PromotedFull, Did::Restarted].into_iter().filter_map(named).filter(|hand| !again(hand));
    all.extend(once.cloned());
    if before.replicas != now.replicas {
        all.extend(named(Did::Scaled).cloned());
    }
    if before.steps != now.steps {
        all.push(certain(Did::Steered));
    }
    all
}

/// Does the spec ask for another version than before, beyond doubt? What is not known before or now is not another one.
fn is_other(before: &Rollout, now: &Rollout) -> bool {
    let versions = before.canary.as_ref().zip(now.canary.as_ref());
    !is_same_attempt(before, now) && versions.is_some_and(|(before, now)| before != now)
}

/// Does the spec hold what it held?
fn is_same_attempt(before: &Rollout, now: &Rollout) -> bool {
    before.identity.canary_hash == now.identity.canary_hash
}

/// Did it go on past a pause that only a human ends? Of a pause with an end nobody can tell who ended it.
fn goes_on_unasked(before: &Rollout, now: &Rollout) -> bool {
    let waits = before.pause.is_some_and(|pause| pause.reason == PauseReason::Step && pause.until.is_none())
        && before.current_step().is_none_or(|step| step.kind == StepKind::Pause(None));
    let same = is_same_attempt(before, now) && before.steps == now.steps && before.phase == Phase::Paused;
    let freed = now.step > before.step || (now.step == before.step && now.pause.is_none());
    waits && same && freed && now.phase != Phase::Aborted && now.phase != Phase::Unknown
}
