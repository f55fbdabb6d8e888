//! May this verb run now? Pure: facts in, a decision with its reasons out. Reads nothing and does nothing.
//!
//! Going back is fast, going forward is careful: abort and roll back are exempt from everything but rights and identity.
//! What is not known is never taken for "nothing speaks against it": each input that guards must be there and say so.

use crate::domain::{
    evidence::Verdict,
    observed::Freshness,
    rollout::Unknown,
    verb::{Direction, Verb},
};

/// A source that the decision rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// How much it can be trusted.
    pub freshness: Freshness,
    /// Its age and state in words: `4 s old`, `failing for 12 s: no answer within 4 s`.
    pub words: String,
}

/// What is known when somebody presses a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// The verb.
    pub verb: Verb,
    /// Why this verb goes back here although it goes forward elsewhere: a full promotion of the version that ran before.
    pub back: Option<String>,
    /// This session may only look.
    pub read_only: bool,
    /// Why the journal cannot be written, when it cannot.
    pub journal_broken: Option<String>,
    /// What is thought of the version that would move, or why nothing is.
    pub judged: Assessment,
    /// What of the target could not be read.
    pub unknown: Vec<Unknown>,
    /// The sources that show the target and its signals. None at all is nothing known.
    pub sources: Vec<Source>,
}

/// What is thought of the version that would move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assessment {
    /// There is a verdict.
    Judged(Judged),
    /// There is none.
    NotJudgedBecause(Unjudged),
}

/// Why there is no verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unjudged {
    /// Nothing ran before it: there is nothing to compare with.
    FirstVersion,
    /// One version runs, and no other is on its way.
    OneVersion,
    /// It has no traffic yet: a gate before a deployment, a run.
    BeforeTraffic,
    /// There ought to be one. What is not known, as a sentence.
    Missing(String),
}

/// What is thought of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The word.
    pub verdict: Verdict,
    /// The arithmetic in a sentence, without what is missing.
    pub why: String,
    /// What is missing, a sentence each: `latency p99 (canary) has no series`.
    pub missing: Vec<String>,
    /// When a decision is due, in words: `01:27`; `None` where that cannot be said.
    pub due: Option<String>,
    /// The age of what it rests on in words, where that is too old to count: `its newest counts are 3 min old`.
    pub old: Option<String>,
}

impl Judged {
    /// What of it speaks against going forward, each as a sentence. An undecided verdict alone does not: a person may know
    /// more. Something missing does, and so does what is old: missing data is never healthy.
    pub fn against(&self) -> Vec<String> {
        let word = self.verdict.words();
        let mut all = match self.verdict {
            Verdict::NoGo | Verdict::NoData => vec![format!("verdict {word}: {}", self.said())],
            Verdict::Wait if !self.missing.is_empty() => {
                let undecided = format!("verdict {word}, undecided: {}", self.why);
                vec![undecided, format!("NO DATA: {}", self.missing.join(", "))]
            }
            Verdict::Go if !self.missing.is_empty() => vec![format!("NO DATA: {}", self.missing.join(", "))],
            Verdict::Wait | Verdict::Go => Vec::new(),
        };
        all.extend(self.old.iter().map(|old| format!("NO DATA: {old}")));
        all
    }

    fn said(&self) -> String {
        let parts = std::iter::once(&self.why).chain(&self.missing).filter(|part| !part.is_empty());
        parts.cloned().collect::<Vec<_>>().join(", ")
    }

    /// Ways on from what speaks against it.
    fn ways(&self, verb: Verb) -> Vec<String> {
        if verb == Verb::Retry && self.verdict == Verdict::NoGo {
            // It was aborted for this, and no data will come while it has no traffic.
            return vec!["release a mended version: it is judged anew".to_owned(), TAKE_IT_OUT.to_owned()];
        }
        let missing = if self.missing.is_empty() {
            "wait until it was measured: no evidence is no evidence".to_owned()
        } else {
            "bring the missing series back; missing data is never healthy".to_owned()
        };
        let back = WAY_BACK.to_owned();
        let hold = "hold it until somebody can look".to_owned();
        let mut ways = match self.verdict {
            Verdict::NoGo => vec![back, "hold it where it is and find the cause".to_owned()],
            Verdict::NoData => vec![missing, hold, back],
            Verdict::Wait if !self.missing.is_empty() => {
                let wait = match &self.due {
                    Some(due) => format!("wait, about until {due} at this traffic; GO needs the missing series too"),
                    None => "wait; GO needs the missing series too".to_owned(),
                };
                vec![wait, hold, back]
            }
            Verdict::Wait | Verdict::Go => vec![hold, back],
        };
        if self.old.is_some() {
            ways.insert(0, "wait until it is measured again".to_owned());
        }
        ways
    }
}

/// The way that is left out where nothing is on its way.
pub const WAY_BACK: &str = "roll back or abort";
const TAKE_IT_OUT: &str = "roll back: that takes it out of the spec";

/// What policy says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Why not; empty when it may run.
    pub refusals: Vec<String>,
    /// The word that the refusals come down to: NO-GO where there is evidence of harm, NO DATA where nothing but that stands
    /// in the way.
    pub verdict: Option<Verdict>,
    /// What is not known and does not refuse it: it needs a reason.
    pub risks: Vec<String>,
    /// What was checked and holds, each in a few words.
    pub checks: Vec<String>,
    /// Honest ways on, where it may not run.
    pub ways: Vec<String>,
}

/// Decides.
pub fn decide(facts: &Circumstances) -> Decision {
    let mut decision = Decision::default();
    if facts.read_only {
        decision.refusals.push("this session is read-only".to_owned());
        decision.ways.push("start holdshort without --read-only".to_owned());
        return decision;
    }
    if facts.verb.direction() != Direction::Forward || facts.back.is_some() {
        decision.checks.extend(facts.back.clone());
        if facts.journal_broken.is_some() {
            decision.checks.push("journal cannot be written: the record is kept aside and reconciled later".to_owned());
        }
        return decision;
    }
    weigh_evidence(facts, &mut decision);
    weigh_unknown(facts, &mut decision);
    let harm = matches!(&facts.judged, Assessment::Judged(judged) if judged.verdict == Verdict::NoGo);
    let blind = (!decision.refusals.is_empty()).then_some(Verdict::NoData);
    weigh_freshness(facts, &mut decision);
    let mut journal = Vec::new();
    if let Some(why) = &facts.journal_broken {
        journal.push(format!("the journal cannot be written: {why}"));
        decision.ways.insert(0, "mend the journal; abort and roll back work without it".to_owned());
    }
    let other = !journal.is_empty() || facts.sources.iter().any(|source| source.freshness != Freshness::Live);
    decision.verdict = if harm { Some(Verdict::NoGo) } else { blind.filter(|_| !other) };
    decision.refusals.splice(0..0, journal);
    decision
}

fn weigh_evidence(facts: &Circumstances, decision: &mut Decision) {
    let judged = match &facts.judged {
        Assessment::Judged(judged) => judged,
        Assessment::NotJudgedBecause(why) => return weigh_absence(why, decision),
    };
    let against = judged.against();
    if !against.is_empty() {
        decision.refusals.extend(against);
        decision.ways.extend(judged.ways(facts.verb));
    } else if judged.verdict == Verdict::Wait {
        let due = judged.due.as_ref().map(|due| format!("; a decision is due about {due}"));
        let due = due.unwrap_or_default();
        decision.risks.push(format!("verdict WAIT, not known yet whether it does harm: {}{due}", judged.why));
    } else {
        decision.checks.push(format!("verdict {}: {}", judged.verdict.words(), judged.why));
    }
}

fn weigh_absence(why: &Unjudged, decision: &mut Decision) {
    let holds = match why {
        Unjudged::FirstVersion => "first version, nothing ran before it",
        Unjudged::OneVersion => "no other version is on its way",
        Unjudged::BeforeTraffic => "it has no traffic yet",
        Unjudged::Missing(what) => {
            decision.refusals.push(format!("NO DATA: {what}"));
            decision.ways.extend(["hold it until somebody can look".to_owned(), WAY_BACK.to_owned()]);
            return;
        }
    };
    decision.checks.push(format!("nothing is judged: {holds}"));
}

fn weigh_unknown(facts: &Circumstances, decision: &mut Decision) {
    for unknown in &facts.unknown {
        decision.refusals.push(format!("NO DATA: {}", unknown.what));
        if !unknown.way.is_empty() && !decision.ways.contains(&unknown.way) {
            decision.ways.push(unknown.way.clone());
        }
    }
    if facts.sources.is_empty() {
        decision.refusals.push("NO DATA: no connection shows it".to_owned());
        decision.ways.push("look at `holdshort status`: which connections are there, and what they say".to_owned());
    }
    if !facts.unknown.is_empty() && decision.ways.is_empty() {
        decision.ways.extend(["hold it until somebody can look".to_owned(), WAY_BACK.to_owned()]);
    }
}

fn weigh_freshness(facts: &Circumstances, decision: &mut Decision) {
    for source in &facts.sources {
        if source.freshness == Freshness::Live {
            decision.checks.push(format!("{} live", source.name));
        } else {
            decision.refusals.push(format!("{} is {}: {}", source.name, source.freshness, source.words));
        }
    }
    if facts.sources.iter().any(|source| source.freshness != Freshness::Live) {
        decision.ways.push("wait until every source is live; abort and roll back work now".to_owned());
    }
}

#[cfg(test)]
mod tests;
