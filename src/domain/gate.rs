//! A gate: a place where a system waits for a human.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{
    ids::{EnvironmentName, Person, ServiceName},
    object::ObjectId,
    offer::{Offer, Risk},
    place::Place,
    time::Timestamp,
    verb::Verb,
    version::Version,
};

/// May the one who looks open it?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Eligibility {
    /// Yes.
    Can,
    /// No, why, and whom to ask.
    Cannot {
        /// A sentence: "you started this run".
        why: String,
        /// Who can.
        ask: Vec<Person>,
    },
    /// Nobody can, as it is set up: it waits until somebody sets it up otherwise.
    Nobody {
        /// A sentence: "its only reviewer is kim, who started this run".
        why: String,
    },
    /// The system does not say; trying is the only way to know.
    Unknown {
        /// A sentence.
        why: String,
    },
}

/// That nobody can open a gate, as it is said everywhere: `nobody can satisfy this gate: …`.
pub fn nobody_can(why: &str) -> String {
    format!("nobody can satisfy this gate: {why}")
}

/// How many must say yes, and who has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Whose word counts, in the system's own words: `the release team`, `anybody`.
    pub who: String,
    /// How many of them.
    pub needed: u32,
    /// Who has.
    pub given: Vec<Person>,
}

impl Rule {
    /// How many have.
    pub fn has(&self) -> u32 {
        u32::try_from(self.given.len()).unwrap_or(u32::MAX)
    }

    /// Is it met?
    pub fn is_met(&self) -> bool {
        self.has() >= self.needed
    }
}

/// The approvals that a gate wants, where the system counts them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvals {
    /// Every rule must be met.
    pub rules: Vec<Rule>,
    /// When what was given, or the gate itself, ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl Eligibility {
    /// A verb of a gate as it is offered to whoever is eligible so.
    pub fn offer(&self, verb: Verb, risk: Risk) -> Offer {
        match self {
            Self::Can => Offer::open(verb, risk),
            Self::Unknown { why } => Offer { unsure: Some(why.clone()), ..Offer::open(verb, risk) },
            Self::Nobody { why } => Offer::blocked(verb, risk, nobody_can(why)),
            Self::Cannot { why, ask } if ask.is_empty() => Offer::blocked(verb, risk, why),
            Self::Cannot { why, ask } => {
                let names: Vec<_> = ask.iter().map(Person::as_str).collect();
                Offer::blocked(verb, risk, format!("{why}; ask {}", names.join(", ")))
            }
        }
    }
}

/// What waits behind the gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Behind {
    /// A run of a pipeline.
    Run(ObjectId),
    /// A rollout in a pause that only a human ends.
    Rollout(ObjectId),
}

impl Gate {
    /// Why nobody can open it as it is set up, where that is known.
    pub fn nobody(&self) -> Option<String> {
        if let Eligibility::Nobody { why } = &self.eligible { Some(nobody_can(why)) } else { None }
    }

    /// Where it leads.
    pub fn place(&self) -> Place {
        Place::of(&self.service, &self.environment)
    }

    /// Is it the run itself that waits to be let in, and not a place that it goes to?
    pub fn is_the_run(&self) -> bool {
        matches!(&self.behind, Behind::Run(run) if run.path == self.id.path)
    }
}

/// A place where a system waits for a human.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// Its full id.
    pub id: ObjectId,
    /// Whose release waits.
    pub service: ServiceName,
    /// Where it would go; empty where it is a run that waits to be let in.
    pub environment: EnvironmentName,
    /// The kind of gate in the system's own words: `environment`, `pause`.
    pub system: String,
    /// What is asked: `deploy #812`, `promote past step 5`.
    pub title: String,
    /// What would be let through.
    pub version: Option<Version>,
    /// Since when it waits.
    pub since: Timestamp,
    /// May I?
    pub eligible: Eligibility,
    /// How many must say yes, and who has; `None` where one is enough or the system does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Approvals>,
    /// What waits behind it.
    pub behind: Behind,
    /// Newer runs of the same pipeline that wait behind this one (F20).
    pub newer_behind: u32,
    /// What is there now where it would go, where the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Version>,
    /// Where a browser shows it.
    pub url: Option<String>,
    /// What plans are bound to, by name: run, attempt, commit, environment id. Opaque outside the provider.
    pub identity: BTreeMap<String, String>,
    /// What can be done with it.
    pub offers: Vec<Offer>,
}

impl Approvals {
    /// How many were given, as far as they count: more than a rule needs do not help another one.
    pub fn given(&self) -> u32 {
        self.rules.iter().map(|rule| rule.has().min(rule.needed)).sum()
    }

    /// How many are needed.
    pub fn needed(&self) -> u32 {
        self.rules.iter().map(|rule| rule.needed).sum()
    }

    /// Has this person said yes?
    pub fn is_given_by(&self, who: &Person) -> bool {
        self.rules.iter().any(|rule| rule.given.contains(who))
    }

    /// `1 of 2 of the release team: lee; 0 of 1 of security`.
    pub fn said(&self) -> String {
        let one = |rule: &Rule| {
            let given: Vec<&str> = rule.given.iter().map(Person::as_str).collect();
            let given = if given.is_empty() { String::new() } else { format!(": {}", given.join(", ")) };
            format!("{} of {} of {}{given}", rule.has(), rule.needed, rule.who)
        };
        self.rules.iter().map(one).collect::<Vec<_>>().join("; ")
    }
}
