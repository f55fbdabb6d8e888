//! What policy says, case by case; and that nothing unknown ever lets a forward verb through.

use chrono::TimeZone;
use proptest::prelude::*;
use strum::IntoEnumIterator;

use super::*;

fn at(minute: u32) -> Timestamp {
    chrono::Utc.with_ymd_and_hms(2026, 3, 10, 1, minute, 0).unwrap()
}

fn judged(verdict: Verdict, lacks: bool) -> Judged {
    Judged { verdict, measured: true, lacks, due: Some(at(27)), old: false }
}

fn source(freshness: Freshness) -> Source {
    Source { name: "eu".into(), freshness, words: "no answer within 4 s".into() }
}

/// Everything speaks against it.
fn facts(verb: Verb) -> Circumstances {
    Circumstances {
        verb,
        back: false,
        read_only: false,
        journal_broken: Some("disk full".into()),
        judged: Assessment::Judged(judged(Verdict::NoGo, false)),
        unknown: vec![Unknown { what: "its pods could not be read".into(), way: "ask for the right".into() }],
        sources: vec![source(Freshness::Failing)],
        cost: offer::Risk::High,
        turn: Turn::default(),
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

fn thought(judged: Judged) -> Decision {
    decide(&only(Verb::Promote, Assessment::Judged(judged)))
}

#[test]
fn going_back_is_exempt_from_verdict_freshness_and_journal() {
    for verb in Verb::iter().filter(|verb| verb.direction() == Direction::Back) {
        assert_eq!(decide(&facts(verb)).refusals, Vec::<Against>::new(), "{verb}");
    }
}

#[test]
fn a_full_promotion_of_what_ran_before_goes_back_and_says_so() {
    let decision = decide(&Circumstances { back: true, ..facts(Verb::PromoteFull) });
    assert_eq!(decision.refusals, Vec::<Against>::new());
    assert_eq!(decision.checks, [Check::GoesBack, Check::JournalAside]);
}

#[test]
fn going_forward_names_every_reason_at_once_and_ways_on() {
    let decision = decide(&facts(Verb::Promote));
    assert_eq!(
        decision.refusals,
        [
            Against::Journal("disk full".into()),
            Against::Verdict(Verdict::NoGo),
            Against::Unknown("its pods could not be read".into()),
            Against::Source(source(Freshness::Failing)),
        ]
    );
    assert_eq!(decision.verdict, Some(Verdict::NoGo));
    assert!(decision.ways.contains(&Way::AsItSays("ask for the right".into())), "{decision:?}");
}

#[test]
fn what_comes_before_it_holds_it_back_where_a_mistake_costs_much_and_is_a_risk_elsewhere_and_never_holds_up_going_back()
{
    let ahead = ahead_of(Behind::Stands(cell::Standing::Arrives { percent: Some(25) }));
    let turn = Turn { ahead: vec![ahead.clone()], ..Turn::default() };
    let clear = |verb, cost| {
        let judged = Assessment::Judged(judged(Verdict::Go, false));
        decide(&Circumstances { cost, turn: turn.clone(), ..only(verb, judged) })
    };
    let high = clear(Verb::PromoteFull, offer::Risk::High);
    assert_eq!(
        (high.refusals, high.ways, high.verdict),
        (vec![Against::Wave(ahead.clone())], vec![Way::Wave(ahead.clone())], None)
    );
    let medium = clear(Verb::PromoteFull, offer::Risk::Medium);
    assert_eq!((medium.refusals, medium.risks), (Vec::new(), vec![Risk::Wave(ahead)]));
    for verb in [Verb::Abort, Verb::Rollback] {
        assert_eq!(clear(verb, offer::Risk::High), Decision::default(), "{verb}");
    }
}

#[test]
fn missing_data_is_never_healthy() {
    let decision = thought(judged(Verdict::NoData, true));
    assert_eq!(decision.refusals, [Against::Verdict(Verdict::NoData)]);
    assert_eq!((decision.verdict, decision.ways), (Some(Verdict::NoData), vec![Way::BringBack, Way::Hold, Way::Back]));
    assert_eq!(thought(judged(Verdict::Go, true)).refusals, [Against::Missing]);
    let unmeasured = thought(Judged { measured: false, ..judged(Verdict::Wait, false) });
    assert_eq!(unmeasured.refusals, [Against::Verdict(Verdict::NoData)], "no evidence is no evidence");
    assert_eq!(unmeasured.ways, [Way::Measure, Way::Hold, Way::Back]);
}

#[test]
fn an_undecided_verdict_is_a_risk_and_one_with_something_missing_is_two_reasons_and_three_ways_on() {
    let due = Some(at(27));
    let checks = vec![Check::Live("eu".to_owned())];
    let risks = vec![Risk::Undecided { due }];
    let undecided = Decision { risks, checks: checks.clone(), ..Decision::default() };
    assert_eq!(thought(judged(Verdict::Wait, false)), undecided);
    let decision = Decision {
        refusals: vec![Against::Undecided, Against::Missing],
        verdict: Some(Verdict::NoData),
        checks,
        ways: vec![Way::Wait { due }, Way::Hold, Way::Back],
        ..Decision::default()
    };
    assert_eq!(thought(judged(Verdict::Wait, true)), decision);
}

#[test]
fn a_verdict_that_rests_on_old_counts_is_none() {
    for verdict in [Verdict::Go, Verdict::Wait] {
        let decision = thought(Judged { old: true, ..judged(verdict, false) });
        assert_eq!((decision.refusals, decision.verdict), (vec![Against::Old], Some(Verdict::NoData)));
        assert_eq!(decision.ways.first(), Some(&Way::MeasureAgain));
    }
}

#[test]
fn where_nothing_can_be_judged_yet_that_is_said_and_where_something_should_be_it_is_refused() {
    let of = |why| decide(&only(Verb::Promote, Assessment::NotJudgedBecause(why)));
    for why in [Unjudged::FirstVersion, Unjudged::OneVersion, Unjudged::BeforeTraffic, Unjudged::Declared] {
        let checks = vec![Check::NothingToJudge(why.clone()), Check::Live("eu".to_owned())];
        assert_eq!(of(why), Decision { checks, ..Decision::default() });
    }
    let missing = of(Unjudged::Missing(Blind::Stable("c0ffee".into())));
    assert_eq!(missing.refusals, [Against::Unjudged(Blind::Stable("c0ffee".into()))]);
    assert_eq!(missing.verdict, Some(Verdict::NoData));
}

#[test]
fn without_any_connection_that_shows_it_nothing_goes_forward() {
    let go = Assessment::Judged(judged(Verdict::Go, false));
    let decision = decide(&Circumstances { sources: Vec::new(), ..only(Verb::Resume, go) });
    assert_eq!(decision.refusals, [Against::NobodyShowsIt]);
}

#[test]
fn what_was_aborted_for_harm_is_not_advised_to_wait_or_to_be_aborted_when_it_is_tried_again() {
    let bad = Assessment::Judged(judged(Verdict::NoGo, false));
    assert_eq!(decide(&only(Verb::Retry, bad)).ways, [Way::Mended, Way::TakeOut]);
}

#[test]
fn what_is_tried_again_is_judged_anew_and_only_harm_that_it_did_speaks_against_it() {
    let of = |verdict| {
        let judged = Judged { old: true, measured: false, ..judged(verdict, true) };
        let decision = decide(&only(Verb::Retry, Assessment::Over(judged)));
        (decision.refusals, decision.risks)
    };
    let again = |verdict| (Vec::new(), vec![Risk::TriedAgain(verdict)]);
    assert_eq!(of(Verdict::Go), again(Verdict::Go));
    assert_eq!(of(Verdict::Wait), again(Verdict::NoData), "nothing was measured of it");
    assert_eq!(of(Verdict::NoData), again(Verdict::NoData));
    assert_eq!(of(Verdict::NoGo), (vec![Against::Verdict(Verdict::NoGo), Against::Old], Vec::new()));
}

#[test]
fn a_read_only_session_refuses_every_verb() {
    for verb in Verb::iter() {
        let decision = decide(&Circumstances { read_only: true, ..facts(verb) });
        assert_eq!(decision.refusals, [Against::ReadOnly], "{verb}");
    }
}

fn any_assessment() -> impl Strategy<Value = Assessment> {
    let verdict = prop::sample::select(vec![Verdict::Go, Verdict::NoGo, Verdict::Wait, Verdict::NoData]);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let judged = (verdict, flags).prop_map(|(verdict, (measured, lacks, due, old))| {
        Assessment::Judged(Judged { verdict, measured, lacks, due: due.then(|| at(27)), old })
    });
    let absent = vec![
        Unjudged::FirstVersion,
        Unjudged::OneVersion,
        Unjudged::BeforeTraffic,
        Unjudged::Declared,
        Unjudged::Missing(Blind::Verdict),
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
        cost in prop::sample::select(vec![offer::Risk::Low, offer::Risk::Medium, offer::Risk::High]),
        ahead in prop::collection::vec(prop::sample::select(all_behind()), 0..2),
    ) -> Circumstances {
        Circumstances {
            verb,
            back: false,
            read_only,
            journal_broken: broken.then(|| "disk full".to_owned()),
            judged,
            unknown: vec![Unknown { what: "its pods".into(), way: String::new() }; unknown],
            sources: sources.into_iter().map(source).collect(),
            cost,
            turn: Turn { ahead: ahead.into_iter().map(ahead_of).collect(), ..Turn::default() },
        }
    }
}

fn ahead_of(why: Behind) -> Ahead {
    Ahead { environment: "prod/eu-north-1".into(), version: Some(Version::tagged("1.42.0")), why }
}

fn all_behind() -> Vec<Behind> {
    vec![
        Behind::Stands(cell::Standing::Unknown("not read".into())),
        Behind::Stands(cell::Standing::Arrives { percent: Some(25) }),
        Behind::Verdict(Verdict::NoData),
        Behind::Verdict(Verdict::Wait),
        Behind::Soaks { until: at(30) },
        Behind::SinceWhen,
        Behind::AtOnce,
    ]
}

/// Does nothing that comes before it hold it back?
fn is_its_turn(facts: &Circumstances) -> bool {
    facts.cost != offer::Risk::High
        || facts.turn.ahead.iter().all(|one| matches!(one.why, Behind::Verdict(Verdict::Wait) | Behind::AtOnce))
}

/// Is everything that guards there, and does none of it speak against going forward?
fn is_known_and_clear(facts: &Circumstances) -> bool {
    let thought = match &facts.judged {
        Assessment::Judged(judged) => {
            matches!(judged.word(), Verdict::Go | Verdict::Wait) && !judged.lacks && !judged.old
        }
        Assessment::Over(_) => panic!("none is made up"),
        Assessment::NotJudgedBecause(why) => !matches!(why, Unjudged::Missing(_)),
    };
    thought
        && is_its_turn(facts)
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
            // What goes nowhere can wait for its record; what goes back is recorded aside.
            Direction::Still => facts.journal_broken.is_none(),
            Direction::Back => true,
        };
        prop_assert_eq!(passes, may, "{:?}", decision);
        prop_assert!(passes || !decision.ways.is_empty(), "a refusal without a way on: {:?}", decision);
    }

    #[test]
    fn what_is_undecided_and_passes_is_a_risk(facts in any_circumstances()) {
        let decision = decide(&facts);
        let undecided = matches!(&facts.judged, Assessment::Judged(judged) if judged.word() == Verdict::Wait);
        if facts.verb.direction() == Direction::Forward && decision.refusals.is_empty() {
            prop_assert_eq!(!decision.risks.is_empty(), undecided || !facts.turn.ahead.is_empty());
        }
    }
}
