//! What is looked for in an object: its facts, and which of them must hold once an act is done. Compares texts and numbers, and knows
//! nothing of what they mean.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// Facts about an object, by name ([`fact`]). Equal facts mean: the world is still as it was on screen.
pub type Facts = BTreeMap<String, String>;

/// The names of facts that more than one provider uses.
pub mod fact {
    /// The object's UID.
    pub const UID: &str = "uid";
    /// Generation of the spec.
    pub const GENERATION: &str = "generation";
    /// Hash of the version the spec asks for.
    pub const CANARY: &str = "canary hash";
    /// Hash of the last fully promoted version.
    pub const STABLE: &str = "stable hash";
    /// Index of the running step.
    pub const STEP: &str = "step";
    /// Our word for the phase.
    pub const PHASE: &str = "phase";
    /// Share of traffic on the canary, in the engine's units.
    pub const WEIGHT: &str = "weight";
    /// `true` while a step's or an analysis' pause is in force.
    pub const PAUSED: &str = "paused by a step";
    /// `true` while a person's pause is in force.
    pub const HELD: &str = "paused by a person";
    /// `true` while the rollout counts as aborted.
    pub const ABORTED: &str = "aborted";
    /// Pods that are ready and hold the version the spec asks for.
    pub const UPDATED_READY: &str = "updated pods ready";
    /// Pods of any version but the one that must serve.
    pub const OTHER_PODS: &str = "pods of another version";
    /// The commit of a run.
    pub const COMMIT: &str = "commit";
    /// The attempt of a run.
    pub const ATTEMPT: &str = "attempt";
    /// Status of a run.
    pub const STATUS: &str = "status";

    /// Those that say which object it is, and which version it holds.
    pub const IDENTITY: [&str; 5] = [UID, CANARY, STABLE, COMMIT, ATTEMPT];
}

/// A comparison of one fact with what is expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// Is exactly this.
    Is(String),
    /// Is there and is something else.
    IsNot(String),
    /// Is a number of at least this.
    AtLeast(i64),
    /// Is a number of at most this.
    AtMost(i64),
    /// Is not there any more.
    Gone,
}

/// One fact that must come true.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expect {
    /// Which fact.
    pub fact: String,
    /// What it must be.
    pub condition: Condition,
}

impl Expect {
    /// The fact must be this.
    pub fn is(fact: &str, value: impl fmt::Display) -> Self {
        Self { fact: fact.to_owned(), condition: Condition::Is(value.to_string()) }
    }

    /// The fact must be anything but this.
    pub fn is_not(fact: &str, value: impl fmt::Display) -> Self {
        Self { fact: fact.to_owned(), condition: Condition::IsNot(value.to_string()) }
    }

    /// Does it hold?
    pub fn holds(&self, facts: &Facts) -> bool {
        let value = facts.get(&self.fact);
        let number = || value.and_then(|v| v.parse::<i64>().ok());
        match &self.condition {
            Condition::Is(wanted) => value == Some(wanted),
            Condition::IsNot(other) => value.is_some_and(|v| v != other),
            Condition::AtLeast(least) => number().is_some_and(|n| n >= *least),
            Condition::AtMost(most) => number().is_some_and(|n| n <= *most),
            Condition::Gone => value.is_none(),
        }
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.fact;
        match &self.condition {
            // The names of such facts are whole words for what is so.
            Condition::Is(v) if v == "true" => write!(f, "{name}"),
            Condition::Is(v) if v == "false" => write!(f, "not {name}"),
            Condition::Is(v) => write!(f, "{name} {v}"),
            Condition::IsNot(v) => write!(f, "{name} no longer {v}"),
            Condition::AtLeast(n) => write!(f, "{name} at least {n}"),
            Condition::AtMost(n) => write!(f, "{name} at most {n}"),
            Condition::Gone => write!(f, "{name} gone"),
        }
    }
}

/// What must be observed after the calls, and by when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// All of these.
    pub all: Vec<Expect>,
    /// One of these means that it failed.
    pub fails_if: Vec<Expect>,
    /// All of these mean that it is under way and waits for a human: not done, and nothing more comes by itself. Empty where
    /// it does not stop on its way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rests: Vec<Expect>,
    /// What lets it go on from there, where promote does not: a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frees: Option<String>,
    /// What all of it means in a few words: `12 of 12 pods on 1.41.3`. Without them the facts are listed.
    pub words: Option<String>,
    /// By when all must hold, counted from the last call.
    pub within: Duration,
    /// The fact whose movement is shown meanwhile (`MOVING 25 % → 0 %`), and its unit.
    pub progress: Option<(String, String)>,
}

impl Expectation {
    /// What must be observed, in words.
    pub fn said(&self) -> String {
        let listed = || self.all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        self.words.clone().unwrap_or_else(listed)
    }

    /// The same, and by when: a span in the words of whoever shows it. What a human takes on its way nobody can say.
    pub fn promised(&self, within: &str) -> String {
        let human = if self.rests.is_empty() { "" } else { " and however long it waits for a human" };
        format!("{}, within {within}{human}", self.said())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expectation_never_holds_for_a_fact_that_is_absent_unless_it_expects_that() {
        let none = Facts::new();
        for condition in
            [Condition::Is("0".into()), Condition::IsNot("1".into()), Condition::AtLeast(0), Condition::AtMost(9)]
        {
            assert!(!Expect { fact: fact::WEIGHT.into(), condition }.holds(&none));
        }
        assert!(Expect { fact: fact::WEIGHT.into(), condition: Condition::Gone }.holds(&none));
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        let facts = Facts::from([(fact::STEP.to_owned(), "10".to_owned())]);
        assert!(Expect { fact: fact::STEP.into(), condition: Condition::AtLeast(9) }.holds(&facts));
        assert!(!Expect { fact: fact::STEP.into(), condition: Condition::AtMost(9) }.holds(&facts));
    }
}
