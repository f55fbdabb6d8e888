//! The guard over models: what an ask becomes, and, over all states that can be made up, that nothing unknown goes forward and
//! that the way back stays open. Over 500 lines: the guard is one thing, and so is what it is held to.

mod gates;
mod undone;

use std::time::Duration;

use proptest::prelude::*;
use strum::IntoEnumIterator;

use super::*;
use crate::{
    app::{
        msg::Msg,
        sample::{
            acted, ask as ask_for, blind, draft, gated, go, hears, now, payments, run, see, seeing, ship, source,
            with_an_older_one,
        },
        update::update,
    },
    domain::{
        form::{Args, Kind},
        gate::Gate,
        item::Noun,
        object::Family,
        observed::{Fault, FaultKind},
        pipeline::Run,
        rollout::{Phase, Pods, Role, Unknown, Written},
    },
    judge::{
        forecast::Progress,
        gaps::{Arm as Side, Gap, Missing, Signal},
    },
    port::{
        fill::Given,
        inventory::Part,
        record::{Entry, Record, RecordId, Stage},
    },
};

fn reasons(model: &Model, verb: Verb) -> Vec<String> {
    ask(model, ask_for(verb)).err().map(|refusal| refusal.reasons).unwrap_or_default()
}

#[test]
fn the_other_way_back_is_named_where_one_is_under_way_and_stays_there() {
    let mut model = seeing(vec![open(payments())]);
    let record = acted((3, now()), ("lee", "latency"), Verb::Rollback, ("c0ffee", None), Stage::Recorded);
    update(&mut model, Msg::Recorded(Box::new(record)));
    let refused = ask(&model, ask_for(Verb::Rollback)).unwrap_err();
    assert_eq!(refused.ways, ["abort goes ahead of it, and ends it"]);
    assert!(ask(&model, ask_for(Verb::Abort)).is_ok());
}

#[test]
fn going_back_beside_a_way_back_that_is_under_way_in_the_same_place_is_a_risk_and_stays_open() {
    let other =
        Rollout { id: ObjectId::new(&payments().id.source, "argo_rollouts", "shop/payments-2"), ..open(payments()) };
    let mut model = seeing(vec![open(payments()), other.clone()]);
    let ask = |verb| Ask::new(verb, other.id.clone());
    let risks = |model: &Model, verb| plan(model, &ask(verb), Ok(draft(&other, verb))).unwrap().risks;
    assert_eq!(risks(&model, Verb::Rollback), Vec::<String>::new());
    let record = acted((3, now()), ("lee", "latency"), Verb::Rollback, ("c0ffee", None), Stage::Recorded);
    update(&mut model, Msg::Recorded(Box::new(record)));
    let at = now().format("%H:%M:%S");
    let said = format!(
        "roll back to 1.41.3 (9f8e7d6) is under way there by kubernetes-eu/argo_rollouts/shop/payments (lee, {at}): this would come over it"
    );
    assert_eq!(risks(&model, Verb::Rollback), [said.as_str()]);
    assert_eq!(risks(&model, Verb::Abort), [said.as_str()]);
    assert_eq!(risks(&model, Verb::Pause), Vec::<String>::new());
}

/// Every verb is offered by the engine.
fn open(mut rollout: Rollout) -> Rollout {
    rollout.offers = Verb::iter().map(|verb| Offer::open(verb, Risk::High)).collect();
    rollout
}

fn checks(model: &Model, verb: Verb) -> Vec<String> {
    plan(model, &ask_for(verb), Ok(draft(&payments(), verb))).unwrap().checks
}

/// `verb` was carried out on payments, about the version with this hash.
fn did(model: &mut Model, verb: Verb, about: &str, put_back: Option<&str>) {
    let end = Stage::Done { said: "verified".to_owned() };
    let record = acted((3, now()), ("lee", "latency"), verb, (about, put_back), end);
    update(model, Msg::Recorded(Box::new(record)));
}

/// 1.42.0 was promoted to everything and rolled back from: it still counts as stable, 1.41.3 is on its way.
fn on_its_way_back() -> Rollout {
    let mut rollout = open(payments());
    std::mem::swap(&mut rollout.stable, &mut rollout.canary);
    std::mem::swap(&mut rollout.identity.canary_hash, &mut rollout.identity.stable_hash);
    (rollout.arms[0].role, rollout.arms[1].role) = (Role::Stable, Role::Canary);
    (rollout.arms[1].revision, rollout.arms[1].earlier_revisions) = (Some(4), vec![2]);
    rollout
}

#[test]
fn a_stable_version_that_is_named_and_not_seen_is_not_a_first_deployment() {
    let mut rollout = open(payments());
    rollout.arms.retain(|set| set.role != Role::Stable);
    rollout.stable = None;
    let model = seeing(vec![rollout]);
    let said = "NO DATA: Argo Rollouts names ba5e as the stable version, and its pods were not seen";
    assert_eq!(reasons(&model, Verb::PromoteFull), [said]);
    let refusal = ask(&model, ask_for(Verb::PromoteFull)).unwrap_err();
    assert_eq!(refusal.verdict, Some(Verdict::NoData));
    assert_eq!((reasons(&model, Verb::Abort), reasons(&model, Verb::Rollback)), (Vec::new(), Vec::new()));
}

#[test]
fn what_a_provider_could_not_read_refuses_every_forward_verb_with_its_way_on() {
    let mut rollout = open(payments());
    rollout.unknown =
        vec![Unknown { what: "the pods could not be read: 403".into(), way: "ask for list on pods".into() }];
    let mut model = seeing(vec![rollout]);
    go(&mut model);
    for verb in Verb::iter().filter(|verb| verb.direction() == Direction::Forward) {
        let refusal = ask(&model, ask_for(verb)).unwrap_err();
        assert_eq!(refusal.reasons, ["NO DATA: the pods could not be read: 403"], "{verb}");
        assert!(refusal.ways.contains(&"ask for list on pods".to_owned()), "{refusal:?}");
    }
}

#[test]
fn a_first_version_can_go_on_and_the_card_says_that_nothing_is_judged() {
    let mut rollout = open(payments());
    rollout.arms.retain(|set| set.role == Role::Canary);
    (rollout.stable, rollout.identity.stable_hash) = (None, String::new());
    let model = seeing(vec![rollout.clone()]);
    let said = ["nothing is judged: first version, nothing ran before it", "kubernetes-eu live"];
    assert_eq!(checks(&model, Verb::Promote), said);
    // With pods of another version beside it, it is none.
    let mut other = payments().arms[1].clone();
    other.role = Role::Old;
    rollout.arms.push(other);
    let said = ["NO DATA: other versions run beside it, and which of them is stable is not known"];
    assert_eq!(reasons(&seeing(vec![rollout]), Verb::Promote), said);
}

#[test]
fn one_version_that_is_held_can_be_resumed_and_one_whose_pods_are_not_seen_cannot() {
    let mut rollout = open(payments());
    (rollout.canary, rollout.held) = (rollout.stable.clone(), true);
    rollout.identity.canary_hash = "ba5e".to_owned();
    rollout.arms.retain(|set| set.role == Role::Stable);
    let said = ["nothing is judged: no other version is on its way", "kubernetes-eu live"];
    assert_eq!(checks(&seeing(vec![rollout.clone()]), Verb::Resume), said);
    rollout.arms.clear();
    let said = ["NO DATA: Argo Rollouts names ba5e as the new version, and its pods were not seen"];
    assert_eq!(reasons(&seeing(vec![rollout]), Verb::Resume), said);
}

#[test]
fn a_verdict_stops_counting_when_nothing_new_was_measured_for_a_while() {
    use crate::{
        app::sample::measures,
        domain::signal::{Counts, ServiceSignals, VersionSignals},
        port::facet::Window,
    };
    let mut model = seeing(vec![open(payments())]);
    let window = Window { from: now() - Duration::from_secs(30), to: now(), step: Duration::from_secs(30) };
    let counts = vec![Counts { from: window.from, to: window.to, requests: 100, errors: 0 }];
    let versions = ["1.41.3", "1.42.0"].map(|tag| VersionSignals {
        label: tag.to_owned(),
        counts: counts.clone(),
        ..VersionSignals::default()
    });
    let signals = ServiceSignals {
        service: "payments".into(),
        environment: "".into(),
        step: window.step,
        versions: versions.into(),
    };
    update(&mut model, measures("prometheus", now(), window, Ok(vec![signals])));
    let later = now() + Duration::from_secs(91);
    // The cluster answers, and somebody says that the metrics do too: only the numbers stand still.
    see(&mut model, later, vec![open(payments())]);
    let empty = Window { from: now(), to: now() + Duration::from_secs(90), step: Duration::from_secs(30) };
    update(&mut model, measures("prometheus", later, empty, Ok(Vec::new())));
    go(&mut model);
    assert_eq!(
        reasons(&model, Verb::Promote),
        ["NO DATA: verdict GO is 91 s old: prometheus has told nothing since 02:07:30"]
    );
    assert_eq!(reasons(&model, Verb::Rollback), Vec::<String>::new());
}

#[test]
fn going_forward_on_wait_is_a_risk_that_wants_the_version_and_a_reason() {
    let mut model = seeing(vec![payments()]);
    go(&mut model);
    for judgement in model.judgements.values_mut() {
        judgement.verdict = Verdict::Wait;
        judgement.requests = Progress { seen: 174, needed: Some(4066) };
    }
    let made = plan(&model, &ask_for(Verb::Promote), Ok(draft(&payments(), Verb::Promote))).unwrap();
    let why = "174 requests of about 4,066 needed, no whole interval of both arms yet";
    assert_eq!(made.risks, [format!("verdict WAIT, not known yet whether it does harm: {why}")]);
    assert_eq!(made.friction, Friction::ReadBackAndReason("a1b2".to_owned()));
    let mut card = Card::new(ask_for(Verb::Promote), made);
    "a1b2".chars().for_each(|c| card.typed(c));
    assert_eq!(card.missing().as_deref(), Some("choose a reason, 1 to 5"));
    assert!(confirm(&model, &card).is_err());
    card.typed('4');
    assert!(confirm(&model, &card).unwrap_err().changed, "the plan is not the one for that reason yet");
    card.asked = card.ask.clone();
    assert_eq!((card.missing(), card.typed.as_str()), (None, "a1b2"));
    assert_eq!(confirm(&model, &card).unwrap().record().reason.as_deref(), Some("precaution"));
}

#[test]
fn a_roll_back_that_names_nothing_goes_nowhere_from_what_was_put_back() {
    let mut model = seeing(vec![on_its_way_back()]);
    did(&mut model, Verb::Rollback, "c0ffee", Some("ba5e"));
    let refusal = ask(&model, ask_for(Verb::Rollback)).unwrap_err();
    let why = "1.41.3 (9f8e7d6) was put back on 2026-03-10 at 02:07 by lee; 1.42.0 (a1b2c3d) is what was left: there is \
               nothing to go back from";
    let ways = ["promote full: that finishes the way back to 1.41.3 (9f8e7d6)"];
    assert_eq!((refusal.reasons, refusal.ways), (vec![why.to_owned()], ways.map(str::to_owned).to_vec()));
    // With an older one in its history, the same key once more leads there no sooner, however long ago that was; by name it does.
    let rollout = with_an_older_one(on_its_way_back());
    see(&mut model, now() + Duration::from_mins(16), vec![rollout]);
    let refusal = ask(&model, ask_for(Verb::Rollback)).unwrap_err();
    assert_eq!(refusal.reasons, [why]);
    let further = "`holdshort rollback kubernetes-eu/argo_rollouts/shop/payments --to 1.40.0` goes further back";
    assert!(refusal.ways.contains(&further.to_owned()), "{:?}", refusal.ways);
    let named = Ask { args: Args::back_to(Some("1.40.0")), ..ask_for(Verb::Rollback) };
    assert!(ask(&model, named).is_ok());
}

#[test]
fn what_another_journal_or_another_tool_put_back_is_learnt_from_the_engine() {
    let mut rollout = with_an_older_one(on_its_way_back());
    // It has arrived: nothing is on its way any more.
    (rollout.stable, rollout.identity.stable_hash) = (rollout.canary.clone(), rollout.identity.canary_hash.clone());
    (rollout.arms[0].role, rollout.arms[1].role) = (Role::Old, Role::Stable);
    rollout.written = Some(Written { at: now(), by: "kubectl-rollout".to_owned() });
    let model = seeing(vec![rollout.clone()]);
    let why =
        "1.41.3 (9f8e7d6) was put back on 2026-03-10 at 02:07 with kubectl-rollout; 1.42.0 (a1b2c3d) is what was left";
    assert_eq!(reasons(&model, Verb::Rollback), [format!("{why}: there is nothing to go back from")]);
    let named = Ask { args: Args::back_to(Some("1.40.0")), ..ask_for(Verb::Rollback) };
    let made = plan(&model, &named, Ok(draft(&rollout, Verb::Rollback))).unwrap();
    assert_eq!(made.risks, [why]);
    // Who wrote it the system need not tell.
    let unsaid = seeing(vec![Rollout { written: None, ..rollout.clone() }]);
    let why = "1.41.3 (9f8e7d6) was put back; 1.42.0 (a1b2c3d) is what was left: there is nothing to go back from";
    assert_eq!(reasons(&unsaid, Verb::Rollback), [why]);
    // What stands in the way of every version is said beside it, and no way is shown that is none.
    rollout.offers = vec![Offer::blocked(Verb::Rollback, Risk::Medium, "you may not patch rollouts in shop")];
    let refusal = ask(&seeing(vec![rollout]), ask_for(Verb::Rollback)).unwrap_err();
    assert_eq!(
        (refusal.reasons.len(), refusal.reasons.last().unwrap().as_str()),
        (2, "you may not patch rollouts in shop")
    );
    assert_eq!(refusal.ways, Vec::<String>::new());
}

#[test]
fn a_version_that_was_left_comes_again_only_by_force_as_something_that_goes_forward_and_the_card_says_who_left_it() {
    let mut model = seeing(vec![on_its_way_back()]);
    did(&mut model, Verb::Rollback, "c0ffee", Some("ba5e"));
    let risks = [
        "1.41.3 (9f8e7d6) was put back on 2026-03-10 at 02:07 by lee; 1.42.0 (a1b2c3d) is what was left",
        "it goes to 1.42.0 (a1b2c3d), and lee left it on 2026-03-10 at 02:07 (latency)",
    ];
    let named = Ask { args: Args::back_to(Some("1.42.0")), ..ask_for(Verb::Rollback) };
    let refusal = plan(&model, &named, Ok(draft(&on_its_way_back(), Verb::Rollback))).unwrap_err();
    let why = "it is no way back, it brings 1.42.0 (a1b2c3d) again: lee left it on 2026-03-10 at 02:07 (latency)";
    assert_eq!(refusal.reasons, [why]);
    let forced = *refusal.forces.unwrap();
    let made = plan(&model, &forced, Ok(draft(&on_its_way_back(), Verb::Rollback))).unwrap();
    assert_eq!((made.direction(), made.brings_again), (Direction::Forward, true));
    let typed = Friction::ReadBackAndReason("payments".to_owned());
    assert_eq!((made.risks, made.friction), (risks.map(str::to_owned).to_vec(), typed));
    let aborted = plan(&model, &ask_for(Verb::Abort), Ok(draft(&on_its_way_back(), Verb::Abort))).unwrap();
    assert_eq!(aborted.risks, risks);
}

#[test]
fn a_version_that_was_left_and_is_back_is_let_go_on_by_nobody_who_was_not_told_that_first() {
    // 1.42.0 is in flight; it was rolled back from, and somebody brought it again past us.
    let mut model = seeing(vec![payments()]);
    did(&mut model, Verb::Rollback, "c0ffee", Some("ba5e"));
    see(&mut model, now() + Duration::from_mins(10), vec![payments()]);
    update(&mut model, Msg::Tick(now() + Duration::from_mins(10)));
    go(&mut model);
    let made = plan(&model, &ask_for(Verb::Promote), Ok(draft(&payments(), Verb::Promote))).unwrap();
    assert_eq!(made.risks[0], "1.42.0 is back; lee left it on 2026-03-10 at 02:07 (latency)");
    let back = plan(&model, &ask_for(Verb::Abort), Ok(draft(&payments(), Verb::Abort))).unwrap();
    assert!(!back.risks.iter().any(|risk| risk.contains("is back")), "{:?}", back.risks);
}

#[test]
fn a_version_that_is_named_is_for_the_draft_to_find_whatever_the_engine_would_take_itself() {
    let mut rollout = payments();
    rollout.offers = vec![Offer::blocked(Verb::Rollback, Risk::Medium, "no earlier version is left in its history")];
    let model = seeing(vec![rollout]);
    assert_eq!(reasons(&model, Verb::Rollback), ["no earlier version is left in its history"]);
    let named = Ask { args: Args::back_to(Some("1.40.0")), ..ask_for(Verb::Rollback) };
    assert_eq!(ask(&model, named.clone()), Ok(named));
}

#[test]
fn a_full_promotion_of_what_was_put_back_is_a_way_back_and_no_verdict_stands_in_it() {
    let mut model = seeing(vec![on_its_way_back()]);
    go(&mut model);
    for judgement in model.judgements.values_mut() {
        judgement.verdict = Verdict::NoData;
        judgement.missing = vec![Missing { signal: Signal::Requests, arm: Side::Canary, gap: Gap::NoSeries }];
    }
    assert_eq!(reasons(&model, Verb::PromoteFull), ["verdict NO DATA: requests (canary) has no series"]);
    did(&mut model, Verb::Rollback, "c0ffee", Some("ba5e"));
    let made = plan(&model, &ask_for(Verb::PromoteFull), Ok(draft(&on_its_way_back(), Verb::PromoteFull))).unwrap();
    assert_eq!((made.goes_back, made.direction(), &made.friction), (true, Direction::Back, &Friction::Reason));
    let said = "goes back to 1.41.3 (9f8e7d6): 1.42.0 (a1b2c3d) still counts as stable, and lee left it on 2026-03-10 at \
                02:07 (latency)";
    assert_eq!(made.checks, [said]);
    // Going on with it a step further is the same way back.
    assert_eq!(reasons(&model, Verb::Promote), Vec::<String>::new());
    let further = plan(&model, &ask_for(Verb::Promote), Ok(draft(&on_its_way_back(), Verb::Promote))).unwrap();
    assert_eq!((further.goes_back, &further.friction), (true, &Friction::Reason));
}

#[test]
fn what_is_put_back_can_be_finished_at_once_while_the_roll_back_still_goes_through_the_steps() {
    let mut model = seeing(vec![on_its_way_back()]);
    did(&mut model, Verb::Rollback, "c0ffee", Some("ba5e"));
    let mut record = Record { id: RecordId(4), ..record_of(&model) };
    record.entries =
        vec![Entry { at: now(), stage: Stage::Accepted { call: 0, said: "200 OK".to_owned(), given: Given::new() } }];
    update(&mut model, Msg::Recorded(Box::new(record)));
    assert_eq!(reasons(&model, Verb::PromoteFull), Vec::<String>::new());
    assert_eq!(reasons(&model, Verb::Promote), ["already under way: roll back (lee, 02:07:30)"]);
}

/// The newest thing that was done, as a record.
fn record_of(model: &Model) -> Record {
    let action = model.actions.iter().next_back().unwrap();
    let intent = NewRecord::confirmed(action.since, action.who.clone(), action.reason.clone(), action.plan.clone());
    Record { id: action.record, intent, entries: action.entries.clone() }
}

#[test]
fn a_rollout_of_which_nothing_is_available_is_not_good_whatever_its_phase_says() {
    let mut rollout = open(payments());
    (rollout.canary, rollout.phase) = (rollout.stable.clone(), Phase::Progressing);
    rollout.identity.canary_hash = "ba5e".to_owned();
    rollout.arms.retain(|arm| arm.role == Role::Stable);
    let model = seeing(vec![rollout.clone()]);
    assert_eq!(standing(&model, &rollout), None);
    rollout.arms[0].pods = rollout.arms[0].pods.map(|pods| Pods { available: 0, ..pods });
    assert_eq!(standing(&model, &rollout), Some(Verdict::NoData));
}

#[test]
fn plans_that_were_recorded_before_there_were_risks_are_still_read() {
    let mut model = seeing(vec![payments()]);
    go(&mut model);
    let made = plan(&model, &ask_for(Verb::Promote), Ok(draft(&payments(), Verb::Promote))).unwrap();
    let mut old = serde_json::to_value(&made).unwrap();
    for field in ["risks", "goes_back"] {
        old.as_object_mut().unwrap().remove(field).unwrap();
    }
    assert_eq!(serde_json::from_value::<Plan>(old).unwrap(), made);
}

#[test]
fn to_reject_wants_a_reason() {
    let made = friction(Verb::Reject, Risk::Medium, &draft(&payments(), Verb::Reject), false, false);
    assert_eq!(made, Friction::Reason);
}

#[test]
fn rights_that_are_not_known_stand_on_the_card_and_not_among_what_was_checked() {
    let mut rollout = payments();
    rollout
        .offers
        .iter_mut()
        .for_each(|offer| offer.unsure = Some("not known whether you may: eu has not said".into()));
    let model = seeing(vec![rollout]);
    let plan = plan(&model, &ask_for(Verb::Rollback), Ok(draft(&payments(), Verb::Rollback))).unwrap();
    let said = |texts: &[String]| texts.iter().any(|text| text == "not known whether you may: eu has not said");
    assert_eq!((said(&plan.draft.notes), said(&plan.checks)), (true, false));
}

/// What is wrong with a made-up state.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that can be wrong")]
struct Wrong {
    stable_unseen: bool,
    canary_unseen: bool,
    nothing_named: bool,
    unread: bool,
    cluster_fails: bool,
    metrics_fail: bool,
    stale: bool,
    verdict: Option<(Verdict, bool)>,
    journal: bool,
    phase: Phase,
    held: bool,
    left: bool,
}

prop_compose! {
    fn any_wrong()(
        bits in prop::collection::vec(prop::bool::weighted(0.12), 8),
        verdict in prop::option::weighted(0.8, (
            prop::sample::select(vec![Verdict::Go, Verdict::Go, Verdict::Wait, Verdict::NoGo, Verdict::NoData]),
            prop::bool::weighted(0.2),
        )),
        phase in prop::sample::select(vec![
            Phase::Progressing, Phase::Paused, Phase::Degraded, Phase::Aborted, Phase::Healthy, Phase::Unknown,
        ]),
        held in any::<bool>(),
        left in any::<bool>(),
    ) -> Wrong {
        Wrong {
            stable_unseen: bits[0], canary_unseen: bits[1], nothing_named: bits[2], unread: bits[3],
            cluster_fails: bits[4], metrics_fail: bits[5], stale: bits[6], journal: bits[7],
            verdict, phase, held, left,
        }
    }
}

/// A model in that state. The verdict is laid on only where there is one: both sides seen.
fn made_up(wrong: Wrong) -> Model {
    let mut rollout = open(payments());
    (rollout.phase, rollout.held) = (wrong.phase, wrong.held);
    rollout.arms.retain(|set| match set.role {
        Role::Stable => !wrong.stable_unseen,
        Role::Canary => !wrong.canary_unseen,
        Role::Old => true,
    });
    if wrong.nothing_named {
        (rollout.identity.canary_hash, rollout.identity.stable_hash) = (String::new(), String::new());
        rollout.arms.iter_mut().for_each(|set| set.role = Role::Old);
    }
    if wrong.unread {
        rollout.unknown = vec![Unknown { what: "its steps could not be read".into(), way: String::new() }];
    }
    let mut model = blind();
    see(&mut model, now(), vec![rollout]);
    match wrong.verdict {
        Some((verdict, missing)) => {
            go(&mut model);
            for judgement in model.judgements.values_mut() {
                judgement.verdict = verdict;
                if missing {
                    let gap = Missing { signal: Signal::LatencyP99, arm: Side::Canary, gap: Gap::NoSeries };
                    judgement.missing = vec![gap];
                }
            }
        }
        None => model.judgements.clear(),
    }
    if wrong.cluster_fails {
        let fault = Fault::new(now(), FaultKind::TimedOut, "no answer within 4 s");
        hears(&mut model, ("kubernetes-eu", "argo_rollouts"), now(), Err(fault));
    }
    if wrong.metrics_fail {
        model.store.take_signals(
            &"prometheus".into(),
            now(),
            crate::port::facet::Window {
                from: now() - Duration::from_secs(30),
                to: now(),
                step: Duration::from_secs(30),
            },
            Ok(vec![crate::domain::signal::ServiceSignals {
                service: "payments".into(),
                environment: "".into(),
                step: Duration::from_secs(30),
                versions: Vec::new(),
            }]),
        );
        let fault = Fault::new(now(), FaultKind::Unreachable, "connection refused");
        let window = crate::port::facet::Window {
            from: now(),
            to: now() + Duration::from_secs(30),
            step: Duration::from_secs(30),
        };
        model.store.take_signals(&"prometheus".into(), now(), window, Err(fault));
    }
    if wrong.stale {
        model.now = now() + Duration::from_mins(1);
    }
    model.journal_broken = wrong.journal.then(|| "disk full".to_owned());
    if wrong.left {
        did(&mut model, Verb::Abort, "c0ffee", None);
    }
    model
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn no_observation_with_a_part_unknown_lets_a_forward_verb_through(wrong in any_wrong()) {
        let model = made_up(wrong);
        let seen = !(wrong.stable_unseen || wrong.canary_unseen || wrong.nothing_named);
        let thought = matches!(wrong.verdict, Some((Verdict::Go | Verdict::Wait, false)));
        let read = !(wrong.unread || wrong.cluster_fails || wrong.metrics_fail || wrong.stale || wrong.journal);
        for verb in Verb::iter().filter(|verb| verb.direction() == Direction::Forward) {
            let passed = ask(&model, ask_for(verb)).is_ok();
            // That nothing is measured of an aborted attempt speaks against nothing: a retry is judged anew. Harm does.
            let tries_again = verb == Verb::Retry && wrong.phase == Phase::Aborted;
            let no_harm = wrong.verdict.is_some_and(|(verdict, _)| verdict != Verdict::NoGo);
            let thought = if tries_again { no_harm } else { thought };
            prop_assert_eq!(passed, seen && thought && read, "{}: {:?}", verb, reasons(&model, verb));
        }
    }

    #[test]
    fn abort_and_roll_back_are_offered_wherever_the_engine_would_take_them(wrong in any_wrong()) {
        let model = made_up(wrong);
        prop_assert_eq!(reasons(&model, Verb::Abort), Vec::<String>::new());
        let rollout = model.store.rollout(&payments().id).unwrap();
        let quarantine = Quarantine::of(&model.actions, rollout);
        if matches!(quarantine.way_back(rollout), WayBack::OnlyLeft(..)) {
            // Never by default to what was left for cause; by name it goes there too.
            let refusal = ask(&model, ask_for(Verb::Rollback)).unwrap_err();
            prop_assert!(refusal.ways.iter().any(|way| way.contains("--to 1.42.0")), "{:?}", refusal);
        } else {
            prop_assert_eq!(reasons(&model, Verb::Rollback), Vec::<String>::new());
        }
        let named = Ask { args: Args::back_to(Some("1.42.0")), ..ask_for(Verb::Rollback) };
        prop_assert!(ask(&model, named).is_ok());
    }
}

#[test]
fn a_refusal_names_no_way_on_that_the_object_does_not_have() {
    let mut plain = ship();
    plain.offers = vec![Offer::open(Verb::Approve, Risk::Medium)];
    let mut model = gated(plain);
    model.journal_broken = Some("the disk is full".to_owned());
    let refusal = super::ask(&model, Ask::new(Verb::Approve, ship().id)).unwrap_err();
    assert_eq!(refusal.ways, ["mend the journal"], "a gate knows no abort and no roll back");
}

#[test]
fn fewer_pods_of_what_is_on_its_way_need_no_verdict_and_more_do() {
    let mut rollout = payments();
    let field = Field::new("pods", "pods of the canary", Kind::Number).required().exposes(3);
    rollout.offers.push(Offer::open(Verb::Set, Risk::High).asking(vec![field]));
    let mut model = seeing(vec![rollout]);
    for judgement in model.judgements.values_mut() {
        judgement.verdict = Verdict::NoGo;
        judgement.canary.requests = 4_000;
    }
    let set =
        |pods: &str| Ask { args: Args::default().with("pods", Value::Text(pods.to_owned())), ..ask_for(Verb::Set) };
    let refused = |pods: &str| ask(&model, set(pods)).is_err();
    assert_eq!(["1", "2", "3", "4", "many", ""].map(refused), [false, false, true, true, true, true]);
    let made = plan(&model, &set("1"), Ok(draft(&payments(), Verb::Set))).unwrap();
    assert_eq!((made.goes_back, &made.friction), (true, &Friction::Reason));
    assert_eq!(made.checks, ["less of 1.42.0 (a1b2c3d) is exposed: pods of the canary 3 → 1"]);
}
