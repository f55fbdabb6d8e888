//! The data of a dangerous action: what is asked, the calls that would do it, what they are bound to, and what must be
//! observed afterwards.
//!
//! A provider makes a [`Draft`] from the last observed object, without I/O. `app::guard` makes a plan of it. The executor
//! compares [`Facts`] and sends [`WireCall`]s, and knows nothing of what they mean.

mod expect;

use serde::{Deserialize, Serialize};

pub use self::expect::{Condition, Expect, Expectation, Facts, fact};
use crate::{
    domain::{
        evidence::Evidence,
        form::{Args, TO},
        ids::{EnvironmentName, ServiceName},
        object::ObjectId,
        offer::Risk,
        place::Place,
        time::Timestamp,
        verb::{Direction, Verb},
        version::Version,
    },
    port::{
        body::Body,
        fill::{self, Fill, Give, Given, Supply},
        step::{Obligation, Step},
        takeover::Takeover,
    },
};

/// What an operator asks for, before anything is known about whether it may be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The verb.
    pub verb: Verb,
    /// On what.
    pub target: ObjectId,
    /// What was said to it, by name.
    #[serde(flatten)]
    pub args: Args,
    /// Why: goes into the record, and to the system where it takes a comment.
    pub reason: Option<String>,
    /// The act that it carries on, where it takes one over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes_over: Option<Box<Takeover>>,
    /// The same on these, in this order, each once the one before it is verified.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<Further>,
    /// Go back although it is known what stands in the way.
    #[serde(default, skip_serializing_if = "is_not")]
    pub force: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_not(flag: &bool) -> bool {
    !*flag
}

/// A further target of the same act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Further {
    /// On what.
    pub target: ObjectId,
    /// What was said to it there, by name.
    #[serde(flatten)]
    pub args: Args,
}

impl Ask {
    /// A verb on a target, with nothing else said.
    pub fn new(verb: Verb, target: ObjectId) -> Self {
        Self { verb, target, args: Args::none(), reason: None, takes_over: None, then: Vec::new(), force: false }
    }

    /// The same, on these too, with the same said to each.
    #[must_use]
    pub fn and_then(self, targets: impl IntoIterator<Item = ObjectId>) -> Self {
        let further = |target| Further { target, args: self.args.clone() };
        let then = targets.into_iter().map(further).collect();
        Self { then, ..self }
    }

    /// All that it is on, in order.
    pub fn targets(&self) -> impl Iterator<Item = &ObjectId> {
        std::iter::once(&self.target).chain(self.then.iter().map(|further| &further.target))
    }

    /// What is asked of each target by itself, in order.
    pub fn each(&self) -> Vec<Self> {
        let takes_over = |index| self.takes_over.as_ref().map(|takeover| Box::new(takeover.on(index)));
        let first = Self { then: Vec::new(), takes_over: takes_over(0), ..self.clone() };
        let further = self.then.iter().enumerate().map(|(index, further)| {
            let Further { target, args } = further.clone();
            Self { target, args, takes_over: takes_over(index + 1), ..first.clone() }
        });
        std::iter::once(first.clone()).chain(further).collect()
    }

    /// The same on some of its targets only, by their place from 0; nothing where none of them is left, or where it carries on an act that
    /// goes on as a whole.
    pub fn only(&self, places: &[usize]) -> Option<Self> {
        let takes_over = match &self.takes_over {
            None => None,
            Some(takeover) => Some(Box::new(takeover.only(places)?)),
        };
        let each = self.each().into_iter().enumerate().filter(|(place, _)| places.contains(place));
        Self::joined(each.map(|(_, one)| one).collect(), takes_over)
    }

    /// What is asked of all of them, put together from what is asked of each; nothing of nothing.
    pub fn joined(each: Vec<Self>, takes_over: Option<Box<Takeover>>) -> Option<Self> {
        let mut each = each.into_iter();
        let first = each.next()?;
        let then = each.map(|one| Further { target: one.target, args: one.args }).collect();
        Some(Self { takes_over, then, ..first })
    }

    /// Roll back only: the version to put back, by any of its names; `None` is the last version known good that is not the
    /// current one.
    pub fn to(&self) -> Option<&str> {
        self.args.text(TO)
    }

    /// The reason that a system gets which takes a comment: that of the act which is carried on, where one is.
    pub fn comment(&self) -> Option<&str> {
        self.takes_over.as_ref().map_or(&self.reason, |takeover| &takeover.reason).as_deref()
    }

    /// How many calls of the act were taken before: what they have changed does not stand against it.
    pub fn sent_before(&self) -> usize {
        self.takes_over.as_ref().map_or(0, |takeover| takeover.sent)
    }
}

/// One mutation, in words and on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireCall {
    /// In words: `clear the pause condition`.
    pub words: String,
    /// `PATCH`.
    pub method: String,
    /// Path and query, below the connection's base.
    pub path: String,
    /// The body's content type.
    pub content_type: String,
    /// Headers beside those that every call of its provider has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body, without what fills it.
    pub body: Body,
    /// What goes into it when it is sent: a revision that guards it, what an earlier call gave, a secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fills: Vec<Fill>,
    /// What its answer gives to later steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gives: Vec<Give>,
    /// The plain command that does the same by hand.
    pub command: String,
}

impl WireCall {
    /// As it stands in the dialog and the record: `PATCH rollouts/payments/status {"status":…}`.
    pub fn line(&self) -> String {
        format!("{} {} {}", self.method, fill::shown_path(self), self.body)
    }

    /// Does a revision guard it, so that an object that moved answers with a conflict?
    pub fn is_guarded(&self) -> bool {
        self.fills.iter().any(|fill| fill.from == Supply::Revision)
    }
}

/// What a provider would do for an ask, made without I/O from the last observed object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// What runs before.
    pub from: Option<Version>,
    /// What runs, or moves on, afterwards.
    pub to: Option<Version>,
    /// The effect in a sentence: `25 % → 0 % of traffic`.
    pub effect: String,
    /// The mutations, in order.
    pub steps: Vec<Step>,
    /// What is owed once they were sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obligations: Vec<Obligation>,
    /// The moment that the calls name, where they name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moment: Option<Timestamp>,
    /// Must be the same when the target is read again, else nothing is sent.
    pub bound: Facts,
    /// What must be observed afterwards.
    pub expect: Expectation,
    /// How to undo it, in a sentence.
    pub undo: String,
    /// What to know before pressing: "the spec still holds 1.42.0 afterwards".
    pub notes: Vec<String>,
}

/// How an effect says that a share goes from one value to another: `25 % → 0 % of traffic`. Where it stays, it says that, and goes on
/// after a comma: `0 % of traffic, as now,`.
pub fn moves(now: &str, then: &str, of: &str) -> String {
    if now == then { format!("{now}{of}, as now,") } else { format!("{now} → {then}{of}") }
}

impl Draft {
    /// Of one call on one object, with nothing else said.
    pub fn of(target: &ObjectId, call: WireCall, effect: String, bound: Facts, expect: Expectation) -> Self {
        let (steps, undo) = (vec![Step::new(target, call)], String::new());
        let (from, to, moment) = Default::default();
        Self { from, to, effect, steps, obligations: Vec::new(), moment, bound, expect, undo, notes: Vec::new() }
    }

    /// Without any call, with nothing bound and nothing to be seen.
    pub fn of_nothing(effect: String) -> Self {
        let (from, to, moment, steps, obligations) = Default::default();
        let (bound, expect, undo, notes) = Default::default();
        Self { from, to, effect, steps, obligations, moment, bound, expect, undo, notes }
    }

    /// Its calls, in order, without those that end what is owed.
    pub fn calls(&self) -> impl Iterator<Item = &WireCall> {
        self.steps.iter().map(|step| &step.call)
    }

    /// What it sends by itself: its steps; of what only ends a hold, that.
    pub fn sends(&self) -> impl Iterator<Item = &Step> {
        let owed = self.obligations.iter().map(|owed| &owed.step).filter(|_| self.steps.is_empty());
        self.steps.iter().chain(owed)
    }

    /// Everything that it can send: its steps, and behind them those that end what is owed.
    pub fn all_steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().chain(self.obligations.iter().map(|owed| &owed.step))
    }
}

/// How the operator confirms; friction grows with risk and looks different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Friction {
    /// A reason as one digit, then Enter: going back is fast.
    Reason,
    /// Enter on a card that names target and environment.
    Enter,
    /// This text must be typed first: the start of the commit, or the tag.
    ReadBack(String),
    /// This text, and then a reason as one digit: something is not known, and going forward is a risk that somebody takes.
    ReadBackAndReason(String),
}

impl Friction {
    /// What must be typed first.
    pub fn read_back(&self) -> Option<&str> {
        match self {
            Self::ReadBack(text) | Self::ReadBackAndReason(text) => Some(text),
            Self::Reason | Self::Enter => None,
        }
    }

    /// Must there be a reason?
    pub fn needs_reason(&self) -> bool {
        matches!(self, Self::Reason | Self::ReadBackAndReason(_))
    }
}

/// What a verb will do: printed as it stands in the dialog and in the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The verb.
    pub verb: Verb,
    /// On what.
    pub target: ObjectId,
    /// Whose release.
    pub service: ServiceName,
    /// Where.
    pub environment: EnvironmentName,
    /// What a mistake costs.
    pub risk: Risk,
    /// How it must be confirmed.
    pub friction: Friction,
    /// The calls, the binding, the expectation.
    pub draft: Draft,
    /// It goes back here, although its verb goes forward elsewhere: a full promotion of the version that ran before.
    #[serde(default)]
    pub goes_back: bool,
    /// It goes forward here, although its verb goes back elsewhere: it brings a version again that somebody left for cause.
    #[serde(default, skip_serializing_if = "is_not")]
    pub brings_again: bool,
    /// What policy checked, each as a sentence: `verdict GO, 4 min`.
    pub checks: Vec<String>,
    /// What is not known or speaks against it, each as a sentence: whoever sends it takes that upon them.
    #[serde(default)]
    pub risks: Vec<String>,
    /// What was on screen.
    pub evidence: Evidence,
    /// What is done to further targets, in this order, each once the one before it is verified. Each is a plan of one target;
    /// how all of it must be confirmed stands in the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<Plan>,
}

impl Plan {
    /// What its first target is about. A run is in no environment.
    pub fn place(&self) -> Place {
        Place::of(&self.service, &self.environment)
    }

    /// Which way it moves production.
    pub fn direction(&self) -> Direction {
        match (self.goes_back, self.brings_again) {
            (true, _) => Direction::Back,
            (false, true) => Direction::Forward,
            (false, false) => self.verb.direction(),
        }
    }

    /// What is done to each target, in order. The first one still holds the others.
    pub fn each(&self) -> impl Iterator<Item = &Self> + Clone {
        std::iter::once(self).chain(&self.then)
    }

    /// How many targets it has.
    pub fn count(&self) -> usize {
        self.then.len() + 1
    }

    /// All that it acts on, in order.
    pub fn targets(&self) -> impl Iterator<Item = &ObjectId> {
        self.each().map(|one| &one.target)
    }

    /// Does it act on this?
    pub fn acts_on(&self, target: &ObjectId) -> bool {
        self.targets().any(|one| one == target)
    }

    /// What it does to this target.
    pub fn of(&self, target: &ObjectId) -> Option<&Self> {
        self.each().find(|one| one.target == *target)
    }

    /// What it does to one target, by itself.
    pub fn on(&self, index: usize) -> Option<Self> {
        let one = self.each().nth(index)?;
        Some(Self { then: Vec::new(), ..one.clone() })
    }

    /// Every call that it can send: the steps on each target, in order, and behind them those that end what is owed.
    pub fn all_steps(&self) -> impl Iterator<Item = &Step> {
        let steps = self.each().flat_map(|one| &one.draft.steps);
        steps.chain(self.each().flat_map(|one| one.draft.obligations.iter().map(|owed| &owed.step)))
    }

    /// How many calls it has, without those that end what is owed.
    pub fn calls(&self) -> usize {
        self.each().map(|one| one.draft.steps.len()).sum()
    }

    /// What all its targets are called: `payments in prod/eu-west-1, search in prod/eu-west-1`.
    pub fn places(&self) -> String {
        self.each().map(|one| one.place().to_string()).collect::<Vec<_>>().join(", ")
    }
}

/// Why a provider will not draft it, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{0}")]
pub struct Blocked(pub String);

/// The target as it was read just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Everything a plan may be bound to or expect.
    pub facts: Facts,
    /// Its revision, where the system has one.
    pub revision: Option<String>,
}

/// What the system answered to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The revision it returned, for a second call.
    pub revision: Option<String>,
    /// What it said, in a few words: `200 OK`.
    pub said: String,
    /// What of it the call gives to later ones.
    pub given: Given,
}
