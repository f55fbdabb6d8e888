//! The steps of an act: one call each, on one object, sent where its conditions are met, and watched where it says what must
//! come of it. What is owed afterwards is a step too.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    domain::{ids::Person, object::ObjectId, time::Timestamp},
    port::plan::{Expect, Expectation, Facts, WireCall},
};

/// One call of an act, and what belongs to it alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What it changes.
    pub target: ObjectId,
    /// All of these must hold of the target right before, else the step is left out, and said to be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Expect>,
    /// The call.
    pub call: WireCall,
    /// Must be the same of the target right before, beside what the whole act is bound to.
    #[serde(default, skip_serializing_if = "Facts::is_empty")]
    pub bound: Facts,
    /// What must be observed before the next step goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expectation>,
    /// Of what that is observed; of the last step also what the whole act expects.
    #[serde(default, skip_serializing_if = "Watch::is_target")]
    pub watch: Watch,
}

impl Step {
    /// A call that goes in any case, with nothing to wait for.
    pub fn new(target: &ObjectId, call: WireCall) -> Self {
        let (when, bound, watch) = Default::default();
        Self { target: target.clone(), when, call, bound, expect: None, watch }
    }

    /// The same, only where these hold.
    #[must_use]
    pub fn when(self, when: Vec<Expect>) -> Self {
        Self { when, ..self }
    }

    /// The same, of which this must be observed before the next one goes.
    #[must_use]
    pub fn then(self, expect: Expectation) -> Self {
        Self { expect: Some(expect), ..self }
    }

    /// The same, of which something else is watched.
    #[must_use]
    pub fn watching(self, watch: Watch) -> Self {
        Self { watch, ..self }
    }
}

impl fmt::Display for Step {
    /// Its call in words, and where it is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.call.words)?;
        let when: Vec<String> = self.when.iter().map(ToString::to_string).collect();
        if when.is_empty() { Ok(()) } else { write!(f, ", only where {}", when.join(", ")) }
    }
}

/// What is watched after a step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watch {
    /// Its target.
    #[default]
    Target,
    /// What its call made: an id in which `{name}` stands for what the answer gave under that name.
    Made(ObjectId),
}

impl Watch {
    fn is_target(&self) -> bool {
        *self == Self::Target
    }
}

/// What somebody owes once a step was sent: automation that was switched off for the time of an act, a gate that was opened
/// for it. It is owed until it is done, whatever becomes of the act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obligation {
    /// It is owed from the moment on in which this step, from 0, is about to be sent.
    pub after: usize,
    /// When it is to be done.
    pub due: Due,
    /// By whom: whoever confirms the act, where its provider names nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Person>,
    /// What is held meanwhile, in a few words: `auto-sync of shop is off`.
    pub words: String,
    /// What ends it.
    pub step: Step,
}

impl Obligation {
    /// Whose it is, and what is held: `auto-sync of shop is off (dana)`.
    pub fn held(&self) -> String {
        match &self.owner {
            Some(owner) => format!("{} ({owner})", self.words),
            None => self.words.clone(),
        }
    }

    /// What is owed, before anything is sent.
    pub fn note(&self) -> String {
        let (after, words, ends) = (self.after + 1, &self.words, &self.step.call.words);
        match self.due {
            Due::AtEnd => format!("from call {after} on: {words}; when it ends, however it does: {ends}"),
            Due::At(at) => {
                format!("from call {after} on: {words}; you owe its end from {} on: {ends}", at.format("%H:%M:%S"))
            }
            Due::OnRelease => format!("from call {after} on: {words}, until somebody ends it: {ends}"),
        }
    }
}

/// When an obligation is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Due {
    /// When the act ends, however it does: its executor does it.
    AtEnd,
    /// From this moment on a person does it.
    At(Timestamp),
    /// When a person says so.
    OnRelease,
}
