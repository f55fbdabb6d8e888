//! One line of the audit journal: who did what, with what evidence, and how it ended. There is no silent end.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        form::{Args, TO},
        ids::Person,
        observed::FaultKind,
        time::Timestamp,
    },
    port::{
        fill::Given,
        plan::{Ask, Further, Plan},
        takeover::{self, Takeover},
    },
};

/// The number of a record, as people say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordId(pub u64);

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How far an action has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The intent is on disk; nothing was sent.
    Recorded,
    /// A call (from 0) is about to be sent: from here on it may have taken effect.
    Sending {
        /// Which call of the plan.
        call: usize,
        /// The object's revision that guards it, where the system has one: while the object still has it, the call has
        /// not taken effect.
        revision: Option<String>,
    },
    /// The system took the call.
    Accepted {
        /// Which call of the plan.
        call: usize,
        /// What it answered.
        said: String,
        /// What of it the call gives to later ones.
        #[serde(default, skip_serializing_if = "Given::is_empty")]
        given: Given,
    },
    /// A step's conditions did not hold: its call was left out.
    Skipped {
        /// Which call of the plan.
        call: usize,
        /// Which conditions: `1 of 2 approvals`.
        why: String,
    },
    /// Something that was owed is ended.
    Released {
        /// Which obligation of the plan.
        obligation: usize,
        /// By what.
        said: String,
    },
    /// Another record is there to end what this one still owes. It stands behind the end.
    HandedOver {
        /// That record.
        by: RecordId,
        /// Whose it is.
        said: String,
    },
    /// The target moves: `25 % → 10 %`.
    Moving {
        /// From where to where, so far.
        said: String,
    },
    /// Nothing moved for a while: said aloud, never silence (F14).
    NotMoving {
        /// For how many seconds.
        seconds: u64,
    },
    /// Of an act on several targets: everything expected of this one was observed, and the next one's turn has come.
    Verified {
        /// Which target of the plan, from 0.
        target: usize,
        /// What was observed.
        said: String,
    },
    /// Of an act on several targets of which none waits for another: this came of one of them, whatever comes of the rest.
    Apart {
        /// Which target of the plan, from 0.
        target: usize,
        /// What: where it is an end, this is how the act ended there.
        stage: Box<Stage>,
    },
    /// Everything expected was observed.
    Done {
        /// What was observed: `12 of 12 pods, verified`.
        said: String,
    },
    /// Nothing was sent, and why.
    Refused {
        /// A sentence.
        why: String,
        /// Was it because the world is not as it was on screen?
        changed: bool,
    },
    /// It was tried and did not work.
    Failed {
        /// A sentence.
        why: String,
        /// What kind of fault it was, where the system's answer or silence is the reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<FaultKind>,
    },
    /// It was sent and could not be confirmed.
    Unknown {
        /// What to check, as a sentence.
        check: String,
    },
    /// It went as far as it goes by itself, and waits for a human now: what was named is not reached yet.
    Rests {
        /// Where, and what ends the wait.
        said: String,
    },
    /// Somebody goes back on the same target: nothing more of this is sent. A call that was on its way may still land; who
    /// goes back watches for it.
    Preempted {
        /// The record that goes back.
        by: RecordId,
        /// What it does and whose it is: `roll back (dana)`.
        said: String,
        /// It carries this one on, after its executor died.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        taken_over: bool,
    },
}

impl Stage {
    /// Nothing more will be written after it.
    pub fn is_end(&self) -> bool {
        match self {
            Self::Recorded
            | Self::Sending { .. }
            | Self::Accepted { .. }
            | Self::Skipped { .. }
            | Self::Released { .. }
            | Self::HandedOver { .. }
            | Self::Moving { .. }
            | Self::NotMoving { .. }
            | Self::Verified { .. }
            | Self::Apart { .. } => false,
            Self::Done { .. }
            | Self::Refused { .. }
            | Self::Failed { .. }
            | Self::Unknown { .. }
            | Self::Rests { .. }
            | Self::Preempted { .. } => true,
        }
    }

    /// What it says in words of its own; nothing where all is in its kind.
    pub fn said(&self) -> &str {
        match self {
            Self::Recorded | Self::Sending { .. } | Self::NotMoving { .. } => "",
            Self::Accepted { said, .. }
            | Self::Released { said, .. }
            | Self::HandedOver { said, .. }
            | Self::Moving { said }
            | Self::Verified { said, .. }
            | Self::Done { said }
            | Self::Rests { said }
            | Self::Preempted { said, .. } => said,
            Self::Skipped { why, .. } | Self::Refused { why, .. } | Self::Failed { why, .. } => why,
            Self::Unknown { check } => check,
            Self::Apart { stage, .. } => stage.said(),
        }
    }

    /// The same with its words changed.
    #[must_use]
    pub fn saying(mut self, change: impl FnOnce(&str) -> String) -> Self {
        match &mut self {
            Self::Recorded | Self::Sending { .. } | Self::NotMoving { .. } => {}
            Self::Accepted { said, .. }
            | Self::Released { said, .. }
            | Self::HandedOver { said, .. }
            | Self::Moving { said }
            | Self::Verified { said, .. }
            | Self::Done { said }
            | Self::Rests { said }
            | Self::Preempted { said, .. } => *said = change(said),
            Self::Skipped { why, .. } | Self::Refused { why, .. } | Self::Failed { why, .. } => *why = change(why),
            Self::Unknown { check } => *check = change(check),
            Self::Apart { stage, .. } => **stage = stage.as_ref().clone().saying(change),
        }
        self
    }
}

/// A stage, and when it was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub stage: Stage,
}

/// Where a record was written from: what the system says, beside whoever the operator claims to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The real user id of the process.
    pub uid: u32,
    /// The name that goes with it, where the system has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// The machine.
    pub host: String,
    /// The address at the other end of the SSH connection, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Whoever became this user by sudo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sudo: Option<String>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.login {
            Some(login) => write!(f, "{login} (uid {})", self.uid)?,
            None => write!(f, "uid {}", self.uid)?,
        }
        write!(f, " on {}", self.host)?;
        if let Some(from) = &self.from {
            write!(f, ", from {from}")?;
        }
        if let Some(sudo) = &self.sudo {
            write!(f, ", by sudo from {sudo}")?;
        }
        Ok(())
    }
}

/// What is written before the first call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRecord {
    /// When it was confirmed.
    pub at: Timestamp,
    /// Who confirmed it.
    pub who: Person,
    /// Why, in their words.
    pub reason: Option<String>,
    /// What will be done.
    pub plan: Plan,
    /// What was said to it: the version that was asked for, where one was.
    #[serde(flatten)]
    pub args: Args,
    /// The further targets, in order, and what was said to each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<Further>,
    /// The act that it carries on, whose executor died.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes_over: Option<Box<Takeover>>,
    /// Where it was written from; the journal fills it in. Records of before have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The records on the same target that it ended by going back; the journal fills it in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preempts: Vec<RecordId>,
    /// The record before it on the same target, the first one; the journal fills it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<RecordId>,
}

impl NewRecord {
    /// What somebody confirmed, before the journal has seen it.
    pub fn confirmed(at: Timestamp, who: Person, reason: Option<String>, plan: Plan) -> Self {
        let (args, then, takes_over) = Default::default();
        Self { at, who, reason, plan, args, then, takes_over, origin: None, preempts: Vec::new(), follows: None }
    }

    /// The same, as an answer to this ask.
    #[must_use]
    pub fn asked(self, ask: &Ask) -> Self {
        Self { args: ask.args.clone(), then: ask.then.clone(), takes_over: ask.takes_over.clone(), ..self }
    }

    /// Is everything of it a part of that other act: a second press of the same key?
    pub fn is_part_of(&self, other: &Self) -> bool {
        // Whether a version was named or found does not make it another act.
        let said = |new: &Self, index: usize| {
            let further = index.checked_sub(1).and_then(|index| new.then.get(index)).map(|further| &further.args);
            further.unwrap_or(&new.args).clone().without(TO)
        };
        let acts = |new: &Self| -> Vec<_> {
            let each = new.plan.each().enumerate();
            each.map(|(index, one)| (one.verb, one.target.clone(), one.draft.to.clone(), said(new, index))).collect()
        };
        let there = acts(other);
        acts(self).iter().all(|act| there.contains(act))
    }
}

/// An action, from its intent to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its number.
    pub id: RecordId,
    /// What was intended.
    pub intent: NewRecord,
    /// What happened since, in order.
    pub entries: Vec<Entry>,
}

impl Record {
    /// Is it the same confirmed intent? What the journal fills in does not count.
    pub fn holds(&self, confirmed: &NewRecord) -> bool {
        let NewRecord { at, who, reason, plan, args, then, takes_over, .. } = &self.intent;
        let asked = (&confirmed.args, &confirmed.then, &confirmed.takes_over);
        (at, who, reason, plan) == (&confirmed.at, &confirmed.who, &confirmed.reason, &confirmed.plan)
            && (args, then, takes_over) == asked
    }

    /// How it ended, if it has.
    pub fn end(&self) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| entry.stage.is_end())
    }

    /// The newest of those records since which it rests no more: something was sent on each of its targets after it. Nothing where it
    /// does not rest.
    pub fn rests_until(&self, all: &[Self]) -> Option<RecordId> {
        let later = all.iter().filter(|other| other.id > self.id && was_sent(&other.entries));
        rests_until(&self.intent.plan, &self.entries, later.map(|other| (other.id, &other.intent.plan)))
    }

    /// The targets, by their place from 0, on which it was not begun although it goes back and has ended.
    pub fn not_begun(&self) -> Vec<usize> {
        takeover::not_begun(&self.intent.plan, self.intent.takes_over.as_deref(), &self.entries)
    }

    /// The obligations of its plan that are owed, and that no other record is there to end.
    pub fn owed(&self) -> Vec<usize> {
        takeover::owed(&self.intent.plan, self.intent.takes_over.as_deref(), &self.entries)
    }
}

/// Did anything of an act reach the system, as far as is known?
pub fn was_sent(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| matches!(entry.stage, Stage::Sending { .. }))
}

/// Did it come as far as it goes by itself, to wait for a human there?
pub fn rests(entries: &[Entry]) -> bool {
    let end = entries.iter().rfind(|entry| entry.stage.is_end());
    matches!(end, Some(Entry { stage: Stage::Rests { .. }, .. }))
}

/// Of acts that came later and of which something was sent: the newest of those that ended the wait of one that rests. On each of its
/// targets there must be one: where nobody did anything since, it waits still.
pub fn rests_until<'a>(
    plan: &Plan,
    entries: &[Entry],
    later: impl Iterator<Item = (RecordId, &'a Plan)>,
) -> Option<RecordId> {
    // Asked of every act in every frame: most of them do not rest.
    if !rests(entries) {
        return None;
    }
    let later: Vec<(RecordId, &Plan)> = later.collect();
    let on = |target| later.iter().filter(|(_, other)| other.acts_on(target)).map(|(id, _)| *id).max();
    let each: Option<Vec<RecordId>> = plan.targets().map(on).collect();
    each?.into_iter().max()
}

/// A stage of a record, as it reaches the screens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionNews {
    /// Which record.
    pub record: RecordId,
    /// What was reached, and when.
    pub entry: Entry,
}
