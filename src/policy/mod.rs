//! May this verb run now? Pure: facts in, a decision with its reasons out, all of it data. Reads nothing, does nothing, and says
//! nothing: the sentences are made in `words`.
//!
//! Going back is fast, going forward is careful: abort and roll back are exempt from everything but rights and identity.
//! What is not known is never taken for "nothing speaks against it": each input that guards must be there and say so.

use crate::domain::{
    cell,
    evidence::Verdict,
    ids::EnvironmentName,
    observed::Freshness,
    offer,
    rollout::Unknown,
    time::Timestamp,
    verb::{Direction, Verb},
    version::Version,
};

/// A source that the decision rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// How much it can be trusted.
    pub freshness: Freshness,
    /// Its age and fault in words: `last answer 4 s ago`, `never answered; no answer within 4 s`.
    pub words: String,
}

/// What is known when somebody presses a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// The verb.
    pub verb: Verb,
    /// This verb goes back here although it goes forward elsewhere: a full promotion of the version that ran before.
    pub back: bool,
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
    /// What a mistake costs there.
    pub cost: offer::Risk,
    /// Where it stands in an order of waves; nothing where there is none.
    pub turn: Turn,
}

/// Where something stands in an order of waves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// What comes before it and is not done.
    pub ahead: Vec<Ahead>,
    /// What comes before it and is done.
    pub passed: Vec<EnvironmentName>,
    /// What comes before it by the order, and the service was seen not to run there.
    pub absent: Vec<EnvironmentName>,
}

/// Something that comes before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// Where.
    pub environment: EnvironmentName,
    /// Of which version; `None` where nobody says which one would go forward.
    pub version: Option<Version>,
    /// Why it is not done.
    pub why: Behind,
}

/// Why a wave is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behind {
    /// Not all of it runs the version.
    Stands(cell::Standing),
    /// It runs the version, and is not known to be well, or came through with this word.
    Verdict(Verdict),
    /// It has not run it for long enough.
    Soaks {
        /// Until when it must.
        until: Timestamp,
    },
    /// It must have run it for a while, and nobody knows since when it does.
    SinceWhen,
    /// Where it leads is several waves at once. Nobody can let them through one by one there.
    AtOnce,
}

impl Ahead {
    /// May it be gone past by whoever takes that upon them, whatever a mistake costs? Little traffic decides nothing, and what a
    /// system has only as a whole it can only let through as a whole.
    fn is_a_risk(&self) -> bool {
        matches!(self.why, Behind::Verdict(Verdict::Wait) | Behind::AtOnce)
    }
}

/// What is thought of the version that would move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assessment {
    /// There is a verdict.
    Judged(Judged),
    /// There is one on an attempt that was aborted, and what is asked begins another one.
    Over(Judged),
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
    /// It brings about what a source declares; the traffic is that of what it changes.
    Declared,
    /// There ought to be one.
    Missing(Blind),
}

/// What is not known of a rollout that ought to have a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blind {
    /// Which version is on its way.
    WhichVersion,
    /// The pods of the version on its way, which the engine names by this hash.
    New(String),
    /// The pods of the stable version, which the engine names by this hash.
    Stable(String),
    /// Which of the versions that run beside it is stable.
    WhichIsStable,
    /// Why it has no verdict.
    Verdict,
    /// What the version would do that the spec asks for: the engine has not taken it up.
    NotTakenUp,
}

/// What is thought of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The word of the statistics.
    pub verdict: Verdict,
    /// At least one request of it was measured.
    pub measured: bool,
    /// Something that the verdict needs is missing.
    pub lacks: bool,
    /// When a decision is due; `None` where that cannot be said.
    pub due: Option<Timestamp>,
    /// What it rests on is too old to count.
    pub old: bool,
}

impl Judged {
    /// The word that counts: no evidence is no evidence.
    pub fn word(self) -> Verdict {
        if self.verdict == Verdict::Wait && !self.measured { Verdict::NoData } else { self.verdict }
    }

    /// What of it speaks against going forward. An undecided verdict alone does not: a person may know more. Something missing
    /// does, and so does what is old: missing data is never healthy.
    pub fn against(self) -> Vec<Against> {
        let word = self.word();
        let mut all = match word {
            Verdict::NoGo | Verdict::NoData => vec![Against::Verdict(word)],
            Verdict::Wait if self.lacks => vec![Against::Undecided, Against::Missing],
            Verdict::Go if self.lacks => vec![Against::Missing],
            Verdict::Wait | Verdict::Go => Vec::new(),
        };
        all.extend(self.old.then_some(Against::Old));
        all
    }

    /// Ways on from what speaks against it.
    fn ways(self, verb: Verb) -> Vec<Way> {
        if verb == Verb::Retry && self.verdict == Verdict::NoGo {
            // It was aborted for this, and no data will come while it has no traffic.
            return vec![Way::Mended, Way::TakeOut];
        }
        let missing = if self.lacks { Way::BringBack } else { Way::Measure };
        let mut ways = match self.word() {
            Verdict::NoGo => vec![Way::Back, Way::FindTheCause],
            Verdict::NoData => vec![missing, Way::Hold, Way::Back],
            Verdict::Wait if self.lacks => vec![Way::Wait { due: self.due }, Way::Hold, Way::Back],
            Verdict::Wait | Verdict::Go => vec![Way::Hold, Way::Back],
        };
        if self.old {
            ways.insert(0, Way::MeasureAgain);
        }
        ways
    }
}

/// What speaks against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Against {
    /// Nobody may act in this session.
    ReadOnly,
    /// The journal cannot be written; why.
    Journal(String),
    /// The verdict.
    Verdict(Verdict),
    /// The verdict is undecided, and something is missing.
    Undecided,
    /// Something that the verdict needs.
    Missing,
    /// What the verdict rests on is too old.
    Old,
    /// There ought to be a verdict.
    Unjudged(Blind),
    /// What of the target could not be read, as its system says it.
    Unknown(String),
    /// No connection shows the target.
    NobodyShowsIt,
    /// A source that does not answer as it should.
    Source(Source),
    /// What comes before it in an order of waves.
    Wave(Ahead),
}

/// What is not known and does not refuse it: whoever sends it takes that upon them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Risk {
    /// Nobody knows yet whether it does harm.
    Undecided {
        /// When a decision is due, where that can be said.
        due: Option<Timestamp>,
    },
    /// It is tried again; the attempt that was aborted ended with this word.
    TriedAgain(Verdict),
    /// What comes before it in an order of waves.
    Wave(Ahead),
}

/// What was checked and holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// It goes back here.
    GoesBack,
    /// The journal cannot be written, which does not hold up going back.
    JournalAside,
    /// The verdict.
    Verdict(Verdict),
    /// There is nothing to judge.
    NothingToJudge(Unjudged),
    /// A source answers.
    Live(String),
    /// These come before it in an order of waves and are done.
    Wave(Vec<EnvironmentName>),
    /// These come before it by an order of waves, and nothing of the service runs there.
    NothingThere(Vec<EnvironmentName>),
}

/// An honest way on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Act in a session that may.
    MayAct,
    /// Mend the journal.
    MendJournal,
    /// Release a version that mends it.
    Mended,
    /// Take it out of the spec.
    TakeOut,
    /// Wait until it was measured.
    Measure,
    /// Wait until it is measured again.
    MeasureAgain,
    /// Bring back what is missing.
    BringBack,
    /// Wait until it is decided.
    Wait {
        /// About when that is.
        due: Option<Timestamp>,
    },
    /// Hold it until somebody can look.
    Hold,
    /// Hold it and find the cause.
    FindTheCause,
    /// Roll back or abort: left out where nothing is on its way.
    Back,
    /// What the system says that helps.
    AsItSays(String),
    /// Look at which connections there are.
    LookAtConnections,
    /// Wait until every source is live.
    WaitForSources,
    /// See to what comes before it in an order of waves.
    Wave(Ahead),
}

/// What policy says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Why not; empty when it may run.
    pub refusals: Vec<Against>,
    /// The word that the refusals come down to: NO-GO where there is evidence of harm, NO DATA where nothing but that stands
    /// in the way.
    pub verdict: Option<Verdict>,
    /// What is not known and does not refuse it: it needs a reason.
    pub risks: Vec<Risk>,
    /// What was checked and holds.
    pub checks: Vec<Check>,
    /// Honest ways on, where it may not run.
    pub ways: Vec<Way>,
}

/// Decides.
pub fn decide(facts: &Circumstances) -> Decision {
    let mut decision = Decision::default();
    if facts.read_only {
        decision.refusals.push(Against::ReadOnly);
        decision.ways.push(Way::MayAct);
        return decision;
    }
    if facts.verb.direction() != Direction::Forward || facts.back {
        decision.checks.extend(facts.back.then_some(Check::GoesBack));
        let goes_back = facts.back || facts.verb.direction() == Direction::Back;
        match &facts.journal_broken {
            Some(_) if goes_back => decision.checks.push(Check::JournalAside),
            // What goes nowhere can wait for its record.
            Some(why) => {
                decision.refusals.push(Against::Journal(why.clone()));
                decision.ways.push(Way::MendJournal);
            }
            None => {}
        }
        return decision;
    }
    weigh_evidence(facts, &mut decision);
    weigh_unknown(facts, &mut decision);
    let harm = match &facts.judged {
        Assessment::Judged(judged) | Assessment::Over(judged) => judged.verdict == Verdict::NoGo,
        Assessment::NotJudgedBecause(_) => false,
    };
    let blind = (!decision.refusals.is_empty()).then_some(Verdict::NoData);
    weigh_freshness(facts, &mut decision);
    let waves = decision.refusals.len();
    weigh_waves(facts, &mut decision);
    let waves = decision.refusals.len() > waves;
    let journal = facts.journal_broken.clone().map(Against::Journal);
    if journal.is_some() {
        decision.ways.insert(0, Way::MendJournal);
    }
    let other = journal.is_some() || waves || facts.sources.iter().any(|source| source.freshness != Freshness::Live);
    decision.verdict = if harm { Some(Verdict::NoGo) } else { blind.filter(|_| !other) };
    decision.refusals.splice(0..0, journal);
    decision
}

fn weigh_evidence(facts: &Circumstances, decision: &mut Decision) {
    let judged = match &facts.judged {
        // That nothing is measured of an attempt that is over is no wonder and speaks against nothing; harm that it did does.
        Assessment::Over(judged) if judged.verdict != Verdict::NoGo => {
            decision.risks.push(Risk::TriedAgain(judged.word()));
            return;
        }
        Assessment::Judged(judged) | Assessment::Over(judged) => *judged,
        Assessment::NotJudgedBecause(why) => return weigh_absence(why, decision),
    };
    let against = judged.against();
    if !against.is_empty() {
        decision.refusals.extend(against);
        decision.ways.extend(judged.ways(facts.verb));
    } else if judged.word() == Verdict::Wait {
        decision.risks.push(Risk::Undecided { due: judged.due });
    } else {
        decision.checks.push(Check::Verdict(judged.word()));
    }
}

fn weigh_absence(why: &Unjudged, decision: &mut Decision) {
    if let Unjudged::Missing(blind) = why {
        decision.refusals.push(Against::Unjudged(blind.clone()));
        decision.ways.extend([Way::Hold, Way::Back]);
    } else {
        decision.checks.push(Check::NothingToJudge(why.clone()));
    }
}

fn weigh_unknown(facts: &Circumstances, decision: &mut Decision) {
    for unknown in &facts.unknown {
        decision.refusals.push(Against::Unknown(unknown.what.clone()));
        let way = Way::AsItSays(unknown.way.clone());
        if !unknown.way.is_empty() && !decision.ways.contains(&way) {
            decision.ways.push(way);
        }
    }
    if facts.sources.is_empty() {
        decision.refusals.push(Against::NobodyShowsIt);
        decision.ways.push(Way::LookAtConnections);
    }
    if !facts.unknown.is_empty() && decision.ways.is_empty() {
        decision.ways.extend([Way::Hold, Way::Back]);
    }
}

fn weigh_freshness(facts: &Circumstances, decision: &mut Decision) {
    for source in &facts.sources {
        if source.freshness == Freshness::Live {
            decision.checks.push(Check::Live(source.name.clone()));
        } else {
            decision.refusals.push(Against::Source(source.clone()));
        }
    }
    if facts.sources.iter().any(|source| source.freshness != Freshness::Live) {
        decision.ways.push(Way::WaitForSources);
    }
}

/// What comes before it holds it back where a mistake costs much; elsewhere whoever sends it takes that upon them.
fn weigh_waves(facts: &Circumstances, decision: &mut Decision) {
    let Turn { ahead, passed, absent } = &facts.turn;
    for one in ahead {
        if facts.cost == offer::Risk::High && !one.is_a_risk() {
            decision.refusals.push(Against::Wave(one.clone()));
            decision.ways.push(Way::Wave(one.clone()));
        } else {
            decision.risks.push(Risk::Wave(one.clone()));
        }
    }
    if !passed.is_empty() {
        decision.checks.push(Check::Wave(passed.clone()));
    }
    if !absent.is_empty() {
        decision.checks.push(Check::NothingThere(absent.clone()));
    }
}

#[cfg(test)]
mod tests;
