//! What policy decided, and what is not known of a rollout without a verdict.

use super::{Outdated, arithmetic, missing, outdated, wave};
use crate::{
    domain::{evidence::Verdict, ids::EnvironmentName, observed::Freshness, time::Timestamp, verb::Verb},
    judge::verdict::Judgement,
    policy::{Against, Blind, Check, Decision, Risk, Source, Unjudged, Way},
};

/// What a decision was about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// What is thought of the version that would move.
    pub judgement: Option<&'a Judgement>,
    /// The same, where it is too old to say what is.
    pub outdated: Option<&'a Outdated>,
    /// Where it goes back to, where it does.
    pub back: Option<&'a str>,
    /// What the engine is called.
    pub engine: &'a str,
    /// The verbs that go back and are open.
    pub ways_back: &'a [Verb],
    /// Now: another day's times are said with their day.
    pub now: Timestamp,
}

/// A decision in sentences, each list in the order of the decision's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Why not.
    pub refusals: Vec<String>,
    /// What is not known and does not refuse it.
    pub risks: Vec<String>,
    /// What was checked and holds.
    pub checks: Vec<String>,
    /// Ways on.
    pub ways: Vec<String>,
}

/// A decision in sentences.
pub fn decision(decision: &Decision, about: About<'_>) -> Said {
    Said {
        refusals: decision.refusals.iter().map(|one| about.against(one)).collect(),
        risks: decision.risks.iter().map(|one| about.risk(one)).collect(),
        checks: decision.checks.iter().map(|one| about.check(one)).collect(),
        ways: decision.ways.iter().map(|one| about.way(one)).collect(),
    }
}

/// What is not known of a rollout of this engine, which ought to have a verdict.
pub fn blind(blind: &Blind, engine: &str) -> String {
    let unseen = |side, hash| format!("{engine} names {hash} as the {side} version, and its pods were not seen");
    match blind {
        Blind::WhichVersion => format!("{engine} does not say yet which version this is"),
        Blind::New(hash) => unseen("new", hash),
        Blind::Stable(hash) => unseen("stable", hash),
        Blind::WhichIsStable => "other versions run beside it, and which of them is stable is not known".to_owned(),
        Blind::Verdict => "it has no verdict".to_owned(),
        Blind::NotTakenUp => format!("{engine} has not taken up the version that the spec asks for"),
    }
}

/// A source that cannot be trusted now.
fn source(source: &Source) -> String {
    let Source { name, freshness, words } = source;
    match freshness {
        Freshness::Never if words.starts_with("never ") => format!("{name} has {words}"),
        Freshness::Never => format!("{name}: {words}"),
        _ => format!("{name} is {freshness}: {words}"),
    }
}

impl About<'_> {
    fn against(&self, against: &Against) -> String {
        match against {
            Against::ReadOnly => "this session is read-only".to_owned(),
            Against::Journal(why) => format!("the journal cannot be written: {why}"),
            Against::Verdict(word) => format!("verdict {}: {}", word.words(), joined(self.thought(*word))),
            Against::Undecided => format!("verdict {}, undecided: {}", Verdict::Wait.words(), self.why(Verdict::Wait)),
            Against::Missing => format!("NO DATA: {}", joined(self.missing())),
            Against::Old => format!("NO DATA: {}", self.outdated.map(outdated).unwrap_or_default()),
            Against::Unjudged(what) => format!("NO DATA: {}", blind(what, self.engine)),
            Against::Unknown(what) => format!("NO DATA: {what}"),
            Against::NobodyShowsIt => "NO DATA: no connection shows it".to_owned(),
            Against::Source(source) => self::source(source),
            Against::Wave(ahead) => wave::ahead(ahead, |at| self.moment(at)),
        }
    }

    fn risk(&self, risk: &Risk) -> String {
        let unknown = format!("verdict {}, not known yet whether it does harm", Verdict::Wait.words());
        match risk {
            Risk::Undecided { due } => {
                let due = due.map(|at| format!("; a decision is due about {}", self.moment(at))).unwrap_or_default();
                format!("{unknown}: {}{due}", self.why(Verdict::Wait))
            }
            Risk::TriedAgain(word) => {
                let ended = format!("the attempt that was aborted ended as {}", word.words());
                let all = joined(std::iter::once(ended).chain(self.thought(*word)));
                format!("{unknown}: {all}; a retry is judged anew")
            }
            Risk::Wave(ahead) => wave::ahead(ahead, |at| self.moment(at)),
        }
    }

    fn check(&self, check: &Check) -> String {
        match check {
            Check::GoesBack => self.back.unwrap_or("goes back").to_owned(),
            Check::JournalAside => {
                "journal cannot be written: the record is kept aside and reconciled later".to_owned()
            }
            Check::Verdict(word) => format!("verdict {}: {}", word.words(), self.why(*word)),
            Check::NothingToJudge(why) => {
                let holds = match why {
                    Unjudged::FirstVersion => "first version, nothing ran before it".to_owned(),
                    Unjudged::OneVersion => "no other version is on its way".to_owned(),
                    Unjudged::BeforeTraffic => {
                        "no traffic is its own; what it lets through is judged where it runs".to_owned()
                    }
                    Unjudged::Declared => {
                        "no traffic is its own; what it brings about is judged where it runs".to_owned()
                    }
                    Unjudged::Missing(what) => blind(what, self.engine),
                };
                format!("nothing is judged: {holds}")
            }
            Check::Live(source) => format!("{source} live"),
            Check::Wave(passed) => format!("what comes before it (policy.waves) is done: {}", names(passed)),
            Check::NothingThere(absent) => format!("nothing of it runs in {} (policy.waves)", names(absent)),
        }
    }

    fn way(&self, way: &Way) -> String {
        let words = match way {
            Way::MayAct => "start holdshort without --read-only",
            Way::MendJournal => return format!("mend the journal{}", self.works("without it")),
            Way::Mended => "release a mended version: it is judged anew",
            Way::TakeOut => "roll back: that takes it out of the spec",
            Way::Measure => "wait until it was measured: no evidence is no evidence",
            Way::MeasureAgain => "wait until it is measured again",
            Way::BringBack => "bring the missing series back; missing data is never healthy",
            Way::Wait { due: Some(at) } => {
                let due = self.moment(*at);
                return format!("wait, about until {due} at this traffic; GO needs the missing series too");
            }
            Way::Wave(ahead) => return wave::way(ahead, |at| self.moment(at)),
            Way::Wait { due: None } => "wait; GO needs the missing series too",
            Way::Hold => "hold it until somebody can look",
            Way::FindTheCause => "hold it where it is and find the cause",
            Way::Back => return self.ways_back.iter().map(|verb| verb.words()).collect::<Vec<_>>().join(" or "),
            Way::AsItSays(words) => words,
            Way::LookAtConnections => "look at `holdshort status`: which connections are there, and what they say",
            Way::WaitForSources => return format!("wait until every source is live{}", self.works("now")),
        };
        words.to_owned()
    }

    /// `; abort and roll back work now`, of what there is to go back.
    fn works(&self, when: &str) -> String {
        let words: Vec<&str> = self.ways_back.iter().rev().map(|verb| verb.words()).collect();
        match words.as_slice() {
            [] => String::new(),
            [one] => format!("; {one} works {when}"),
            several => format!("; {} work {when}", several.join(" and ")),
        }
    }

    /// Why it is this word, without what is missing.
    fn why(&self, word: Verdict) -> String {
        match self.judgement {
            // It waits for its first request, which is no evidence of anything.
            Some(judgement) if word == Verdict::NoData && judgement.verdict == Verdict::Wait => {
                "not one request of the canary was measured yet".to_owned()
            }
            judgement => judgement.map(arithmetic).unwrap_or_default(),
        }
    }

    /// What is missing, a sentence each.
    fn missing(&self) -> Vec<String> {
        self.judgement.iter().flat_map(|judgement| &judgement.missing).map(missing).collect()
    }

    /// Why it is this word, and what is missing.
    fn thought(&self, word: Verdict) -> Vec<String> {
        std::iter::once(self.why(word)).chain(self.missing()).collect()
    }

    fn moment(&self, at: Timestamp) -> String {
        let form = if at.date_naive() == self.now.date_naive() { "%H:%M" } else { "%m-%d %H:%M" };
        at.format(form).to_string()
    }
}

fn names(all: &[EnvironmentName]) -> String {
    all.iter().map(EnvironmentName::as_str).collect::<Vec<_>>().join(", ")
}

fn joined(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::verdict::{Case, judge, sample::*};

    /// Six minutes of little traffic, and no response times of the canary.
    fn waiting() -> Judgement {
        let mut canary = version(&[(30, 0); 6]);
        canary.latency.p99.clear();
        judge(&Case::new(Some(&canary), Some(&version(&[(570, 1); 6])), minute(0), minute(6)))
    }

    fn about(judgement: &Judgement) -> About<'_> {
        About {
            judgement: Some(judgement),
            outdated: None,
            back: None,
            engine: "Argo Rollouts",
            ways_back: &[],
            now: minute(6),
        }
    }

    #[test]
    fn what_is_missing_stands_beside_the_arithmetic_and_with_how_it_is_missing() {
        let judgement = waiting();
        let about = about(&judgement);
        let why = arithmetic(&judgement);
        let lacks = "latency p99 (canary) has no series";
        assert_eq!(about.against(&Against::Undecided), format!("verdict WAIT, undecided: {why}"));
        assert_eq!(about.against(&Against::Missing), format!("NO DATA: {lacks}"));
        let none = "verdict NO DATA: not one request of the canary was measured yet";
        assert_eq!(about.against(&Against::Verdict(Verdict::NoData)), format!("{none}, {lacks}"));
        let again = "the attempt that was aborted ended as WAIT";
        assert_eq!(
            about.risk(&Risk::TriedAgain(Verdict::Wait)),
            format!(
                "verdict WAIT, not known yet whether it does harm: {again}, {why}, {lacks}; a retry is judged anew"
            )
        );
    }

    #[test]
    fn a_source_that_never_answered_is_said_to_have_never_answered_and_not_to_be_never() {
        let of = |freshness, words: &str| source(&Source { name: "eu".into(), freshness, words: words.into() });
        assert_eq!(of(Freshness::Never, "never answered; refused"), "eu has never answered; refused");
        assert_eq!(
            of(Freshness::Never, "no such connection in this session"),
            "eu: no such connection in this session"
        );
        assert_eq!(
            of(Freshness::Failing, "last good answer 9 s ago; reset"),
            "eu is failing: last good answer 9 s ago; reset"
        );
        assert_eq!(of(Freshness::Stale, "last answer 90 s ago"), "eu is stale: last answer 90 s ago");
    }

    #[test]
    fn a_time_of_another_day_is_said_with_its_day() {
        let judgement = waiting();
        let way = |due| about(&judgement).way(&Way::Wait { due: Some(due) });
        let ending = "at this traffic; GO needs the missing series too";
        assert_eq!(way(minute(20)), format!("wait, about until 02:06 {ending}"));
        assert_eq!(way(minute(20 + 1440)), format!("wait, about until 03-11 02:06 {ending}"));
        let risk = about(&judgement).risk(&Risk::Undecided { due: Some(minute(20)) });
        assert!(risk.ends_with("; a decision is due about 02:06"), "{risk}");
    }

    #[test]
    fn what_speaks_against_it_is_said_in_the_order_of_the_decision() {
        let judgement = judged(&[(1000, 31); 5], &[(3000, 6); 5]);
        let source = Source { name: "eu".into(), freshness: Freshness::Failing, words: "no answer within 4 s".into() };
        let refusals = vec![
            Against::Journal("disk full".into()),
            Against::Verdict(Verdict::NoGo),
            Against::Unknown("its pods could not be read".into()),
            Against::Unjudged(Blind::Stable("c0ffee".into())),
            Against::Source(source),
        ];
        let said = decision(&Decision { refusals, ..Decision::default() }, about(&judgement));
        let expected = [
            "the journal cannot be written: disk full".to_owned(),
            format!("verdict NO-GO: {}", arithmetic(&judgement)),
            "NO DATA: its pods could not be read".to_owned(),
            "NO DATA: Argo Rollouts names c0ffee as the stable version, and its pods were not seen".to_owned(),
            "eu is failing: no answer within 4 s".to_owned(),
        ];
        assert_eq!(said, Said { refusals: expected.to_vec(), ..Said::default() });
    }
}
