//! May this verb run now? Pure: facts in, a decision with its reasons out. Reads nothing and does nothing.
//!
//! Going back is fast, going forward is careful: abort and roll back are exempt from everything but rights and identity.

use crate::domain::{
    evidence::Verdict,
    observed::Freshness,
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
    /// This session may only look.
    pub read_only: bool,
    /// Why the journal cannot be written, when it cannot.
    pub journal_broken: Option<String>,
    /// What is thought of the version that would move; `None` where nothing is judged.
    pub judged: Option<Judged>,
    /// The sources that show the target and its signals.
    pub sources: Vec<Source>,
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
}

impl Judged {
    /// What of it speaks against going forward, each as a sentence. An undecided verdict alone does not: a person may know
    /// more. Something missing does: missing data is never healthy.
    pub fn against(&self) -> Vec<String> {
        let word = self.verdict.words();
        match self.verdict {
            Verdict::NoGo | Verdict::NoData => vec![format!("verdict {word}: {}", self.said())],
            Verdict::Wait if !self.missing.is_empty() => {
                let undecided = format!("verdict {word}, undecided: {}", self.why);
                vec![undecided, format!("NO DATA: {}", self.missing.join(", "))]
            }
            Verdict::Wait | Verdict::Go => Vec::new(),
        }
    }

    fn said(&self) -> String {
        let parts = std::iter::once(&self.why).chain(&self.missing).filter(|part| !part.is_empty());
        parts.cloned().collect::<Vec<_>>().join(", ")
    }

    fn ways(&self) -> Vec<String> {
        let missing = if self.missing.is_empty() {
            "wait until it was measured: no evidence is no evidence".to_owned()
        } else {
            "bring the missing series back; missing data is never healthy".to_owned()
        };
        let back = "roll back or abort".to_owned();
        match self.verdict {
            Verdict::NoGo => vec![back, "hold it where it is and find the cause".to_owned()],
            Verdict::NoData => vec![missing, "hold it until somebody can look".to_owned(), back],
            Verdict::Wait => {
                let wait = match &self.due {
                    Some(due) => format!("wait, about until {due} at this traffic; GO needs the missing series too"),
                    None => "wait; GO needs the missing series too".to_owned(),
                };
                vec![wait, "hold it until somebody can look".to_owned(), back]
            }
            Verdict::Go => Vec::new(),
        }
    }
}

/// What policy says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Why not; empty when it may run.
    pub refusals: Vec<String>,
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
    if facts.verb.direction() != Direction::Forward {
        if facts.journal_broken.is_some() {
            decision.checks.push("journal cannot be written: the record is kept aside and reconciled later".to_owned());
        }
        return decision;
    }
    if let Some(why) = &facts.journal_broken {
        decision.refusals.push(format!("the journal cannot be written: {why}"));
        decision.ways.push("mend the journal; abort and roll back work without it".to_owned());
    }
    judge_evidence(facts, &mut decision);
    judge_freshness(facts, &mut decision);
    decision
}

fn judge_evidence(facts: &Circumstances, decision: &mut Decision) {
    let Some(judged) = &facts.judged else { return };
    let against = judged.against();
    if against.is_empty() {
        let undecided = if judged.verdict == Verdict::Wait { ", undecided" } else { "" };
        decision.checks.push(format!("verdict {}{undecided}: {}", judged.verdict.words(), judged.why));
    } else {
        decision.refusals.extend(against);
        decision.ways.extend(judged.ways());
    }
}

fn judge_freshness(facts: &Circumstances, decision: &mut Decision) {
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
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    fn judged(verdict: Verdict, why: &str, missing: &[&str]) -> Judged {
        let missing = missing.iter().map(|one| (*one).to_owned()).collect();
        Judged { verdict, why: why.to_owned(), missing, due: Some("01:27".to_owned()) }
    }

    fn facts(verb: Verb) -> Circumstances {
        let source = Source { name: "eu".into(), freshness: Freshness::Failing, words: "no answer within 4 s".into() };
        Circumstances {
            verb,
            read_only: false,
            journal_broken: Some("disk full".into()),
            judged: Some(judged(Verdict::NoGo, "3.1 % against 0.2 %", &[])),
            sources: vec![source],
        }
    }

    #[test]
    fn going_back_is_exempt_from_verdict_freshness_and_journal() {
        for verb in Verb::iter().filter(|verb| verb.direction() == Direction::Back) {
            assert_eq!(decide(&facts(verb)).refusals, Vec::<String>::new(), "{verb}");
        }
    }

    #[test]
    fn going_forward_names_every_reason_at_once_and_ways_on() {
        let decision = decide(&facts(Verb::Promote));
        assert_eq!(
            decision.refusals,
            [
                "the journal cannot be written: disk full",
                "verdict NO-GO: 3.1 % against 0.2 %",
                "eu is failing: no answer within 4 s"
            ]
        );
        assert!(!decision.ways.is_empty());
    }

    #[test]
    fn missing_data_is_never_healthy() {
        let judged = judged(Verdict::NoData, "", &["errors (canary) has no series", "requests (canary) has ended"]);
        let facts = Circumstances { judged: Some(judged), journal_broken: None, ..facts(Verb::PromoteFull) };
        let decision = decide(&Circumstances { sources: Vec::new(), ..facts });
        assert_eq!(decision.refusals, ["verdict NO DATA: errors (canary) has no series, requests (canary) has ended"]);
    }

    #[test]
    fn an_undecided_verdict_is_a_check_and_one_with_something_missing_is_two_reasons_and_three_ways_on() {
        let of = |missing: &[&str]| {
            let judged = Some(judged(Verdict::Wait, "174 of 4,066 requests", missing));
            decide(&Circumstances { judged, journal_broken: None, sources: Vec::new(), ..facts(Verb::Promote) })
        };
        let checks = vec!["verdict WAIT, undecided: 174 of 4,066 requests".to_owned()];
        assert_eq!(of(&[]), Decision { checks, ..Decision::default() });
        let refusals =
            ["verdict WAIT, undecided: 174 of 4,066 requests", "NO DATA: latency p99 (canary) has no series"];
        let ways = [
            "wait, about until 01:27 at this traffic; GO needs the missing series too",
            "hold it until somebody can look",
            "roll back or abort",
        ];
        let missing = of(&["latency p99 (canary) has no series"]);
        let decision = Decision {
            refusals: refusals.map(str::to_owned).to_vec(),
            checks: Vec::new(),
            ways: ways.map(str::to_owned).to_vec(),
        };
        assert_eq!(missing, decision);
    }

    #[test]
    fn a_read_only_session_refuses_every_verb() {
        for verb in Verb::iter() {
            let decision = decide(&Circumstances { read_only: true, ..facts(verb) });
            assert_eq!(decision.refusals, ["this session is read-only"], "{verb}");
        }
    }
}
