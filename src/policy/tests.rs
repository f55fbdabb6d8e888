//! What policy says, case by case; and that nothing unknown ever lets a forward verb through.

use proptest::prelude::*;
use strum::IntoEnumIterator;

use super::*;

fn judged(verdict: Verdict, why: &str, missing: &[&str]) -> Judged {
    let missing = missing.iter().map(|one| (*one).to_owned()).collect();
    Judged { verdict, why: why.to_owned(), missing, due: Some("01:27".to_owned()), old: None }
}

fn source(freshness: Freshness) -> Source {
    Source { name: "eu".into(), freshness, words: "no answer within 4 s".into() }
}

/// Everything speaks against it.
fn facts(verb: Verb) -> Circumstances {
    Circumstances {
        verb,
        back: None,
        read_only: false,
        journal_broken: Some("disk full".into()),
        judged: Assessment::Judged(judged(Verdict::NoGo, "3.1 % against 0.2 %", &[])),
        unknown: vec![Unknown { what: "its pods could not be read".into(), way: "ask for the right".into() }],
        sources: vec![source(Freshness::Failing)],
    }
}

/// Nothing speaks against it but what is thought of the version.
fn only(verb: Verb, judged: Assessment) -> Circumstances {
    Circumstances {
        judged,
        journal_broken: None,
        unknown: Vec::new(),
        sources: vec![source(Freshness::Live)],
        ..facts(verb)
    }
}

fn thought(verdict: Verdict, why: &str, missing: &[&str]) -> Decision {
    decide(&only(Verb::Promote, Assessment::Judged(judged(verdict, why, missing))))
}

#[test]
fn going_back_is_exempt_from_verdict_freshness_and_journal() {
    for verb in Verb::iter().filter(|verb| verb.direction() == Direction::Back) {
        assert_eq!(decide(&facts(verb)).refusals, Vec::<String>::new(), "{verb}");
    }
}

#[test]
fn a_full_promotion_of_what_ran_before_goes_back_and_says_so() {
    let back = Some("goes back: 1.41.3 ran before".to_owned());
    let decision = decide(&Circumstances { back, ..facts(Verb::PromoteFull) });
    assert_eq!(decision.refusals, Vec::<String>::new());
    assert_eq!(decision.checks.first().map(String::as_str), Some("goes back: 1.41.3 ran before"));
}

#[test]
fn going_forward_names_every_reason_at_once_and_ways_on() {
    let decision = decide(&facts(Verb::Promote));
    assert_eq!(
        decision.refusals,
        [
            "the journal cannot be written: disk full",
            "verdict NO-GO: 3.1 % against 0.2 %",
            "NO DATA: its pods could not be read",
            "eu is failing: no answer within 4 s"
        ]
    );
    assert_eq!(decision.verdict, Some(Verdict::NoGo));
    assert!(decision.ways.contains(&"ask for the right".to_owned()), "{decision:?}");
}

#[test]
fn missing_data_is_never_healthy() {
    let decision = thought(Verdict::NoData, "", &["errors (canary) has no series", "requests (canary) has ended"]);
    assert_eq!(decision.refusals, ["verdict NO DATA: errors (canary) has no series, requests (canary) has ended"]);
    assert_eq!(decision.verdict, Some(Verdict::NoData));
    let go = thought(Verdict::Go, "as good", &["errors (canary) has no series"]);
    assert_eq!(go.refusals, ["NO DATA: errors (canary) has no series"]);
}

#[test]
fn an_undecided_verdict_is_a_risk_and_one_with_something_missing_is_two_reasons_and_three_ways_on() {
    let risk = "verdict WAIT, not known yet whether it does harm: 174 of 4,066 requests; a decision is due about 01:27";
    let risks = vec![risk.to_owned()];
    let checks = vec!["eu live".to_owned()];
    assert_eq!(thought(Verdict::Wait, "174 of 4,066 requests", &[]), Decision { risks, checks, ..Decision::default() });
    let refusals = ["verdict WAIT, undecided: 174 of 4,066 requests", "NO DATA: latency p99 (canary) has no series"];
    let ways = [
        "wait, about until 01:27 at this traffic; GO needs the missing series too",
        "hold it until somebody can look",
        "roll back or abort",
    ];
    let decision = Decision {
        refusals: refusals.map(str::to_owned).to_vec(),
        verdict: Some(Verdict::NoData),
        checks: vec!["eu live".to_owned()],
        ways: ways.map(str::to_owned).to_vec(),
        ..Decision::default()
    };
    let missing = thought(Verdict::Wait, "174 of 4,066 requests", &["latency p99 (canary) has no series"]);
    assert_eq!(missing, decision);
}

#[test]
fn a_verdict_that_rests_on_old_counts_is_none() {
    for verdict in [Verdict::Go, Verdict::Wait] {
        let old = Some(format!("verdict {} is 3 min old", verdict.words()));
        let judged = Judged { old, ..judged(verdict, "as good as stable", &[]) };
        let decision = decide(&only(Verb::Promote, Assessment::Judged(judged)));
        let said = format!("NO DATA: verdict {} is 3 min old", verdict.words());
        assert_eq!((decision.refusals, decision.verdict), (vec![said], Some(Verdict::NoData)));
    }
}

#[test]
fn where_nothing_can_be_judged_yet_that_is_said_and_where_something_should_be_it_is_refused() {
    let of = |why| decide(&only(Verb::Promote, Assessment::NotJudgedBecause(why)));
    let table = [
        (Unjudged::FirstVersion, "nothing is judged: first version, nothing ran before it"),
        (Unjudged::OneVersion, "nothing is judged: no other version is on its way"),
        (Unjudged::BeforeTraffic, "nothing is judged: it has no traffic yet"),
    ];
    for (why, said) in table {
        assert_eq!(
            (of(why.clone()).refusals, of(why).checks),
            (Vec::new(), vec![said.to_owned(), "eu live".to_owned()])
        );
    }
    let missing = of(Unjudged::Missing("the stable version is named and not seen".into()));
    assert_eq!(missing.refusals, ["NO DATA: the stable version is named and not seen"]);
    assert_eq!(missing.verdict, Some(Verdict::NoData));
}

#[test]
fn without_any_connection_that_shows_it_nothing_goes_forward() {
    let go = Assessment::Judged(judged(Verdict::Go, "as good as stable", &[]));
    let decision = decide(&Circumstances { sources: Vec::new(), ..only(Verb::Resume, go) });
    assert_eq!(decision.refusals, ["NO DATA: no connection shows it"]);
}

#[test]
fn what_was_aborted_for_harm_is_not_advised_to_wait_or_to_be_aborted_when_it_is_tried_again() {
    let bad = Assessment::Judged(judged(Verdict::NoGo, "3.1 % against 0.2 %", &[]));
    let ways = ["release a mended version: it is judged anew", "roll back: that takes it out of the spec"];
    assert_eq!(decide(&only(Verb::Retry, bad)).ways, ways);
}

#[test]
fn a_read_only_session_refuses_every_verb() {
    for verb in Verb::iter() {
        let decision = decide(&Circumstances { read_only: true, ..facts(verb) });
        assert_eq!(decision.refusals, ["this session is read-only"], "{verb}");
    }
}

fn any_assessment() -> impl Strategy<Value = Assessment> {
    let verdict = prop::sample::select(vec![Verdict::Go, Verdict::NoGo, Verdict::Wait, Verdict::NoData]);
    let judged = (verdict, 0_usize..3, any::<bool>(), any::<bool>()).prop_map(|(verdict, missing, due, old)| {
        Assessment::Judged(Judged {
            verdict,
            why: "why".to_owned(),
            missing: vec!["a series".to_owned(); missing],
            due: due.then(|| "01:27".to_owned()),
            old: old.then(|| "its newest counts are old".to_owned()),
        })
    });
    let absent = vec![
        Unjudged::FirstVersion,
        Unjudged::OneVersion,
        Unjudged::BeforeTraffic,
        Unjudged::Missing("no verdict".to_owned()),
    ];
    prop_oneof![judged, prop::sample::select(absent).prop_map(Assessment::NotJudgedBecause)]
}

prop_compose! {
    fn any_circumstances()(
        verb in prop::sample::select(Verb::iter().collect::<Vec<_>>()),
        read_only in prop::bool::weighted(0.1),
        broken in prop::bool::weighted(0.2),
        judged in any_assessment(),
        unknown in 0_usize..3,
        sources in prop::collection::vec(
            prop::sample::select(vec![Freshness::Live, Freshness::Live, Freshness::Live, Freshness::Stale,
                                      Freshness::Failing, Freshness::Never]), 0..4),
    ) -> Circumstances {
        Circumstances {
            verb,
            back: None,
            read_only,
            journal_broken: broken.then(|| "disk full".to_owned()),
            judged,
            unknown: vec![Unknown { what: "its pods".into(), way: String::new() }; unknown],
            sources: sources.into_iter().map(source).collect(),
        }
    }
}

/// Is everything that guards there, and does none of it speak against going forward?
fn is_known_and_clear(facts: &Circumstances) -> bool {
    let thought = match &facts.judged {
        Assessment::Judged(judged) => {
            matches!(judged.verdict, Verdict::Go | Verdict::Wait) && judged.missing.is_empty() && judged.old.is_none()
        }
        Assessment::NotJudgedBecause(why) => !matches!(why, Unjudged::Missing(_)),
    };
    thought
        && facts.unknown.is_empty()
        && facts.journal_broken.is_none()
        && !facts.sources.is_empty()
        && facts.sources.iter().all(|source| source.freshness == Freshness::Live)
}

proptest! {
    #[test]
    fn a_forward_verb_passes_exactly_when_nothing_is_unknown_and_nothing_speaks_against_it(facts in any_circumstances()) {
        let decision = decide(&facts);
        let passes = decision.refusals.is_empty();
        let may = match facts.verb.direction() {
            _ if facts.read_only => false,
            Direction::Forward => is_known_and_clear(&facts),
            Direction::Back | Direction::Still => true,
        };
        prop_assert_eq!(passes, may, "{:?}", decision);
        prop_assert!(passes || !decision.ways.is_empty(), "a refusal without a way on: {:?}", decision);
    }

    #[test]
    fn what_is_undecided_and_passes_is_a_risk(facts in any_circumstances()) {
        let decision = decide(&facts);
        let undecided = matches!(&facts.judged, Assessment::Judged(judged) if judged.verdict == Verdict::Wait);
        if facts.verb.direction() == Direction::Forward && decision.refusals.is_empty() {
            prop_assert_eq!(!decision.risks.is_empty(), undecided);
        }
    }
}
