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
    /// The verdict on the version that would move, and its reason; `None` where nothing is judged.
    pub verdict: Option<(Verdict, String)>,
    /// The sources that show the target and its signals.
    pub sources: Vec<Source>,
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
    match &facts.verdict {
        None => {}
        Some((Verdict::NoGo, why)) => {
            decision.refusals.push(format!("verdict NO-GO: {why}"));
            decision.ways.push("roll back or abort".to_owned());
            decision.ways.push("hold it where it is and find the cause".to_owned());
        }
        Some((Verdict::NoData, why)) => {
            decision.refusals.push(format!("verdict NO DATA: {why}"));
            decision.ways.push("bring the missing series back; missing data is never healthy".to_owned());
            decision.ways.push("hold it until somebody can look".to_owned());
        }
        Some((Verdict::Wait, why)) => decision.checks.push(format!("verdict WAIT, undecided: {why}")),
        Some((Verdict::Go, why)) => decision.checks.push(format!("verdict GO: {why}")),
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

    fn facts(verb: Verb) -> Circumstances {
        let source = Source { name: "eu".into(), freshness: Freshness::Failing, words: "no answer within 4 s".into() };
        Circumstances {
            verb,
            read_only: false,
            journal_broken: Some("disk full".into()),
            verdict: Some((Verdict::NoGo, "3.1 % against 0.2 %".into())),
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
        let mut facts = facts(Verb::PromoteFull);
        facts.verdict = Some((Verdict::NoData, "errors (canary) has no series".into()));
        assert!(decide(&facts).refusals.iter().any(|why| why.starts_with("verdict NO DATA")));
    }

    #[test]
    fn a_read_only_session_refuses_every_verb() {
        for verb in Verb::iter() {
            let decision = decide(&Circumstances { read_only: true, ..facts(verb) });
            assert_eq!(decision.refusals, ["this session is read-only"], "{verb}");
        }
    }
}
