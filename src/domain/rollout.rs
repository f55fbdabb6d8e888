//! A rollout: a version on its way in, whichever engine moves it.
//!
//! Engines keep their own words beside ours (`message`, step labels); the rules that are ours (which version is on its way,
//! what the way back is) live here.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

use crate::domain::{
    analysis::Metric,
    hand::Hand,
    ids::{EnvironmentName, ServiceName},
    object::ObjectId,
    offer::{Offer, offer_for},
    place::Place,
    time::Timestamp,
    verb::Verb,
    version::Version,
};

/// How versions are exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Strategy {
    /// A share of the traffic, growing by steps: *stable* and *canary*.
    Canary,
    /// All at once, after a preview: *active* and *preview*.
    BlueGreen,
    /// Pod by pod.
    Rolling,
    /// What a source says is brought about: Git, a chart. It exchanges no versions itself; what it changes does.
    Declared,
}

/// Where the rollout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Phase {
    /// Moving.
    Progressing,
    /// Held by a step, by an analysis, or by a person.
    Paused,
    /// Something is wrong with it and it has not been aborted.
    Degraded,
    /// Taken back; the spec may still hold the bad version (F24).
    Aborted,
    /// One version, all of it running.
    Healthy,
    /// The engine says something that we do not know; see the message.
    Unknown,
}

/// What a step does, as far as the cockpit must know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepKind {
    /// The canary's share becomes this.
    SetWeight(u32),
    /// Waits this long, or for a human when `None`.
    Pause(Option<Duration>),
    /// Measures, and goes on when it is content.
    Analysis,
    /// Anything else; the label says what.
    Other,
}

/// One step of the strategy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The engine's own words: `setWeight: 20`.
    pub label: String,
    /// What it does.
    pub kind: StepKind,
}

/// A share of the traffic that was reached, and how it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// Whoever splits the traffic says so.
    Told(u32),
    /// Nobody splits it: it follows from the number of pods.
    ByPods(u32),
    /// Nothing that was read says it. Not everything, and not nothing.
    Unknown,
}

impl Share {
    /// The share, where it is known.
    pub fn known(self) -> Option<u32> {
        match self {
            Self::Told(share) | Self::ByPods(share) => Some(share),
            Self::Unknown => None,
        }
    }
}

/// The share of traffic, in units of `max` (100 unless the engine's traffic router counts otherwise).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weight {
    /// What the steps ask for.
    pub declared: u32,
    /// What was reached.
    pub actual: Share,
    /// What "everything" is.
    pub max: u32,
}

impl Weight {
    /// The share that was reached, in percent; `None` where nobody knows.
    pub fn reached(self) -> Option<u32> {
        self.actual.known().map(|share| self.percent(share))
    }

    /// A share in percent, rounded; but a little is never nothing, and almost everything never all.
    pub fn percent(self, share: u32) -> u32 {
        let max = u64::from(self.max.max(1));
        let share = u64::from(share).min(max);
        let (least, most) = (u64::from(share > 0), if share < max { 99 } else { 100 });
        u32::try_from(((share * 100 + max / 2) / max).min(most).max(least)).unwrap_or(u32::MAX)
    }
}

/// Why it is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// A pause step.
    Step,
    /// An analysis that came to no conclusion.
    Inconclusive,
    /// A person (or script) set `paused`.
    Person,
    /// Something the engine calls by this name and we do not know.
    Other,
}

/// A pause that is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Why.
    pub reason: PauseReason,
    /// Since when, where the engine tells.
    pub since: Option<Timestamp>,
    /// When it ends by itself; `None` when a human must end it.
    pub until: Option<Timestamp>,
}

/// Which side of the exchange a set of pods is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Role {
    /// The last fully promoted version.
    Stable,
    /// The version on its way in.
    Canary,
    /// Neither: an earlier revision.
    Old,
}

/// How many pods a version has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pods {
    /// Pods asked for.
    pub desired: u32,
    /// Pods that exist.
    pub current: u32,
    /// Pods that are ready.
    pub ready: u32,
    /// Pods that are available.
    pub available: u32,
}

/// One version of a rollout, and what is known of it. An arm that the engine names and that was not seen is here too, with
/// its version and its pods unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arm {
    /// Which side it is on.
    pub role: Role,
    /// What runs in it; `None` where that is not known.
    pub version: Option<Version>,
    /// By what the engine, its pods and what is measured tell it apart: the pod template hash.
    pub hash: String,
    /// The name of the object that holds its pods; empty where none was seen.
    pub name: String,
    /// The engine's revision number; `None` where it gave none.
    pub revision: Option<u64>,
    /// The revision numbers that it had before: each time it was put back it got a new one.
    pub earlier_revisions: Vec<u64>,
    /// Its pods; `None` where they could not be read.
    pub pods: Option<Pods>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When it is scaled down, where a delay is running.
    pub scale_down_at: Option<Timestamp>,
}

impl Arm {
    /// Its version, or by what it is known: `1.42.0 (a1b2c3d)`, `unknown (5d5c777b9d)`.
    pub fn called(&self) -> String {
        self.version.as_ref().map_or_else(|| self.unknown(), ToString::to_string)
    }

    /// As [`Self::called`], without the commit: `1.42.0`.
    pub fn tag(&self) -> String {
        self.version.as_ref().map_or_else(|| self.unknown(), |version| version.tag.clone())
    }

    fn unknown(&self) -> String {
        format!("unknown ({})", self.hash)
    }

    /// Does it have pods, as far as is known? Unknown counts as yes.
    pub fn may_run(&self) -> bool {
        self.pods.is_none_or(|pods| pods.current > 0)
    }
}

/// Something that could not be read or does not fit together. As long as there is one, nothing goes forward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// What is not known, as a sentence: `the pods could not be read: …`.
    pub what: String,
    /// What can be done about it.
    pub way: String,
}

/// The engine has not taken up the last change of what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lag {
    /// Since when, where the object tells.
    pub since: Option<Timestamp>,
}

/// Who wrote last what is to run, as the system notes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// When.
    pub at: Timestamp,
    /// The program that did, by the name that it gives itself: `helm`. Not a person: systems note none.
    pub by: String,
}

/// That the version which the spec holds was there before, and was put back in the place of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PutBack<'a> {
    /// The version that was put back.
    pub to: &'a Arm,
    /// The version that was left.
    pub left: &'a Arm,
}

/// A verdict that the engine's own analysis came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Analysis {
    /// The run's name.
    pub name: String,
    /// The engine's own phase word: `Running`, `Failed`.
    pub phase: String,
    /// Its message, where it has one.
    pub message: Option<String>,
    /// It was told to end before it was over.
    #[serde(default)]
    pub terminated: bool,
    /// What it measured, metric by metric; empty where only its phase is known.
    #[serde(default)]
    pub metrics: Vec<Metric>,
}

/// Something that happened to the object, as the engine recorded it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When it happened last.
    pub at: Timestamp,
    /// The engine's reason word.
    pub reason: String,
    /// Its message.
    pub message: String,
    /// Is it a warning?
    pub warning: bool,
    /// How often it happened.
    pub count: u32,
}

/// What tells this object, in this state, from every other: plans are bound to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The object's UID: a deleted and re-made object is another one.
    pub uid: String,
    /// The generation of the spec.
    pub generation: i64,
    /// The object's revision (`resourceVersion`), opaque.
    pub revision: String,
    /// Hash of the version that the spec asks for.
    pub canary_hash: String,
    /// Hash of the last fully promoted version; empty when there was none.
    pub stable_hash: String,
}

/// A version on its way in, or one that has arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// Its full id.
    pub id: ObjectId,
    /// Whose rollout it is.
    pub service: ServiceName,
    /// Where it runs.
    pub environment: EnvironmentName,
    /// What moves it, as the field writes it: `Deployment`.
    #[serde(default)]
    pub system: String,
    /// How versions are exchanged.
    pub strategy: Strategy,
    /// What ran before and still serves; `None` on a first deployment, and where it is not known which (then
    /// [`Self::has_stable`] says that there is one).
    pub stable: Option<Version>,
    /// What the spec asks for, `None` where that is not known. Equal to `stable` when nothing is on its way.
    pub canary: Option<Version>,
    /// Where it is.
    pub phase: Phase,
    /// The engine's own words about that.
    pub message: Option<String>,
    /// The steps, in order; empty where the strategy has none.
    pub steps: Vec<Step>,
    /// Index of the step that runs now, from 0; equal to `steps.len()` after the last.
    pub step: Option<usize>,
    /// Share of the traffic.
    pub weight: Weight,
    /// The pause in force.
    pub pause: Option<Pause>,
    /// A person set `paused` on the spec, on top of whatever the steps ask for.
    pub held: bool,
    /// The spec still holds a version that was aborted: any edit brings it back (F24).
    pub aborted_in_spec: bool,
    /// Each version with its pods, newest revision first.
    pub arms: Vec<Arm>,
    /// Pods that the spec asks for.
    pub replicas: u32,
    /// When this version began to move, where the engine tells.
    pub started: Option<Timestamp>,
    /// When each step began, by its index from 0, as far as the engine tells. Most engines keep no step history, so gaps are
    /// normal.
    pub step_times: BTreeMap<usize, Timestamp>,
    /// When what serves was there for all, where the engine tells: everybody who looks is told the same.
    #[serde(default)]
    pub settled: Option<Timestamp>,
    /// The engine's own analyses of this version.
    pub analyses: Vec<Analysis>,
    /// What happened to it, newest first.
    pub events: Vec<Event>,
    /// What is wrong with its pods, in words, the worst first: `2 of 4 pods of 1.42.0: ImagePullBackOff, …`.
    pub troubles: Vec<String>,
    /// What could not be read. Nothing of it may be taken for absent.
    pub unknown: Vec<Unknown>,
    /// The engine is behind the spec.
    pub lag: Option<Lag>,
    /// Who wrote last what is to run, where the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Written>,
    /// What its system notes of who did what to it, whoever that was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hands: Vec<Hand>,
    /// What plans are bound to.
    pub identity: Identity,
    /// What can be done with it, from the engine's point of view.
    pub offers: Vec<Offer>,
}

impl Rollout {
    /// What it is about.
    pub fn place(&self) -> Place {
        Place::of(&self.service, &self.environment)
    }

    /// Is a version on its way, in trouble, or taken back but still in the spec? The board lists those one by one.
    pub fn in_flight(&self) -> bool {
        self.identity.canary_hash != self.identity.stable_hash || self.phase != Phase::Healthy || self.held
    }

    /// Is what is on its way to be judged by what it answers? What a source declares has no traffic of its own: that is judged
    /// where it runs.
    pub fn is_judged(&self) -> bool {
        self.in_flight() && !self.is_declared()
    }

    /// Does it bring about what a source says, in place of exchanging versions itself?
    pub fn is_declared(&self) -> bool {
        self.strategy == Strategy::Declared
    }

    /// The step that runs now.
    pub fn current_step(&self) -> Option<&Step> {
        self.step.and_then(|index| self.steps.get(index))
    }

    /// The version on one side, with its pods.
    pub fn side(&self, role: Role) -> Option<&Arm> {
        self.arms.iter().find(|arm| arm.role == role)
    }

    /// The step that runs now as the engine's own tools count it, how many are done of how many: `1/4`.
    pub fn step_words(&self) -> Option<String> {
        self.step.map(|step| format!("{step}/{}", self.steps.len()))
    }

    /// Is there a version that was fully promoted once, known or not?
    pub fn has_stable(&self) -> bool {
        !self.identity.stable_hash.is_empty()
    }

    /// Is this the first version there ever was? Only where that is seen: nothing else runs, and nothing is unknown.
    pub fn is_first(&self) -> bool {
        let alone = || self.arms.iter().all(|arm| arm.hash == self.identity.canary_hash || !arm.may_run());
        !self.has_stable() && self.canary.is_some() && self.unknown.is_empty() && alone()
    }

    /// The last version known good that is not the current one: `stable` while a rollout is in flight; after full promotion
    /// the newest earlier revision that was not taken back. Never simply "the previous number": right after a roll back that
    /// is the bad version.
    pub fn way_back(&self) -> Option<&Arm> {
        if self.goes_back_elsewhere().is_some() {
            return None;
        }
        if self.identity.canary_hash != self.identity.stable_hash {
            return self.side(Role::Stable);
        }
        let old = self.arms.iter().filter(|arm| arm.role == Role::Old);
        old.filter(|arm| !self.was_taken_back(arm)).max_by_key(|arm| arm.revision)
    }

    /// Why what only brings about what a source says does not go back itself, where that is so: its source must.
    pub fn goes_back_elsewhere(&self) -> Option<&str> {
        let offer = offer_for(&self.offers, Verb::Rollback).filter(|_| self.is_declared())?;
        offer.blocked.as_deref()
    }

    /// Are there earlier versions, and was each of them taken back once, so that none is the way back by itself?
    pub fn is_all_taken_back(&self) -> bool {
        let mut old = self.arms.iter().filter(|arm| arm.role == Role::Old).peekable();
        let rests = self.identity.canary_hash == self.identity.stable_hash;
        rests && old.peek().is_some() && old.all(|arm| self.was_taken_back(arm))
    }

    /// The version that is named, by version, hash or revision number. The one that the spec holds only where no other one is
    /// called so.
    pub fn arm_called(&self, name: &str) -> Option<&Arm> {
        let revision = name.trim().parse::<u64>().ok();
        let is_called = |arm: &Arm| arm.version.as_ref().is_some_and(|version| version.is_called(name));
        // A version's name may be a bare number too; it is what people mean more often.
        let by_version = self.arms.iter().find(|arm| is_called(arm) && arm.hash != self.identity.canary_hash);
        let named = |arm: &&Arm| is_called(arm) || arm.hash == name || (revision.is_some() && arm.revision == revision);
        by_version.or_else(|| self.arms.iter().find(named))
    }

    /// Every version that was seen, in a sentence: `1.42.0 (revision 3), 1.41.3 (revision 2)`.
    pub fn history(&self) -> String {
        let name = |arm: &Arm| match arm.revision {
            Some(revision) => format!("{} (revision {revision})", arm.called()),
            None => format!("{} ({})", arm.called(), arm.hash),
        };
        let seen: Vec<_> = self.arms.iter().filter(|arm| !arm.name.is_empty()).map(name).collect();
        if seen.is_empty() { "there is none".to_owned() } else { seen.join(", ") }
    }

    /// Why no version is the way back by itself, as a sentence.
    pub fn no_way_back(&self) -> String {
        if let Some(why) = self.goes_back_elsewhere() {
            why.to_owned()
        } else if self.is_all_taken_back() {
            let old: Vec<String> = self.arms.iter().filter(|arm| arm.role == Role::Old).map(Arm::tag).collect();
            let named = format!("`holdshort rollback {} --to VERSION` puts one back", self.id);
            format!("every earlier version in its history ({}) was taken back once: {named}", old.join(", "))
        } else {
            "no earlier version is left in its history".to_owned()
        }
    }

    /// Was another version put back in its place? Then that one has a revision from before it ever came, and one from after
    /// it. One that was there before the other has only been left by it, however often the two took turns.
    pub fn was_taken_back(&self, arm: &Arm) -> bool {
        self.arms.iter().any(|other| returned(other, arm))
    }

    /// Was the version that the spec holds put back, as the engine's own history tells? Whoever did it, and with whatever: its
    /// revisions say so, or that it is an older one than the newest of them, which the engine has not numbered anew yet. Once it
    /// rests, its release number does as well: a template that was written anew for it has no history of its own.
    pub fn put_back(&self) -> Option<PutBack<'_>> {
        let to = self.arms.iter().find(|arm| arm.hash == self.identity.canary_hash && arm.revision.is_some())?;
        let is_other = |arm: &&Arm| {
            let same = arm.version.as_ref().zip(to.version.as_ref()).is_some_and(|(one, other)| one == other);
            arm.hash != to.hash && arm.revision.is_some() && !same
        };
        let newest = self.arms.iter().filter(is_other).max_by_key(|arm| arm.revision)?;
        let rests = self.identity.canary_hash == self.identity.stable_hash;
        if self.is_declared() && !rests {
            // What a source wants and what was deployed last are two things: the newer number is not what was left.
            return None;
        }
        let numbers = |arm: &Arm| arm.version.as_ref().and_then(Version::numbers);
        let is_older = || numbers(to).zip(numbers(newest)).is_some_and(|(to, left)| to < left);
        if newest.revision > to.revision || (rests && is_older()) {
            return Some(PutBack { to, left: newest });
        }
        let left = self.arms.iter().filter(is_other).filter(|arm| returned(to, arm));
        left.max_by_key(|arm| arm.revision).map(|left| PutBack { to, left })
    }
}

/// Was the one there before the other ever came, and again after it?
fn returned(one: &Arm, other: &Arm) -> bool {
    let first = other.earlier_revisions.iter().copied().chain(other.revision).min();
    let before = one.earlier_revisions.iter().any(|earlier| Some(*earlier) < first);
    one.hash != other.hash && before && other.revision < one.revision
}

#[cfg(test)]
mod tests;
