//! Forward by waves: what comes first is done first, or the act is refused with what to do; going back waits for nothing.

use std::time::Duration;

use super::*;
use crate::{
    app::{
        guard::{self, Refusal},
        sample::{draft, gated, go, hears, in_cell, now, payments, seeing, settled, ship},
        watch::Arrival,
    },
    domain::{
        observed::{Fault, FaultKind},
        offer::{Offer, Risk},
        time::Timestamp,
        wave::Waves,
    },
};

fn ago(minutes: u64) -> Timestamp {
    now() - Duration::from_mins(minutes)
}

/// On its way, and could be promoted in full.
fn flying(environment: &str) -> Rollout {
    let mut rollout = in_cell(environment, payments());
    rollout.offers.push(Offer::open(Verb::PromoteFull, Risk::High));
    rollout
}

const NORTH: &str = "prod/eu-north-1";
const WEST: &str = "prod/eu-west-1";
const EAST: &str = "prod/us-east-1";

/// What these see, judged well, with north in the first wave and the others in the second one.
fn model(all: Vec<Rollout>, soak: Option<u64>) -> Model {
    let mut model = seeing(all);
    go(&mut model);
    let waves = vec![vec![NORTH.into()], vec![WEST.into(), EAST.into()]];
    let soak = soak.map(Duration::from_mins);
    model.session.waves = Waves(vec![Order { services: Vec::new(), waves, soak }]);
    model
}

fn done(minutes: u64) -> Rollout {
    in_cell(NORTH, settled(payments(), true, ago(minutes)))
}

fn asked(model: &Model, verb: Verb, rollout: &Rollout) -> Result<Ask, Refusal> {
    guard::ask(model, Ask::new(verb, rollout.id.clone()))
}

/// What of the order stands against it, and what to do.
fn against(model: &Model, verb: Verb) -> (Vec<String>, Vec<String>) {
    let refusal = asked(model, verb, &flying(WEST)).err();
    let own =
        |all: Vec<String>| all.into_iter().filter(|one| one.contains("eu-north-1") || one.contains("until")).collect();
    refusal.map_or_else(Default::default, |one| (own(one.reasons), own(one.ways)))
}

#[test]
fn what_comes_first_and_does_not_have_it_yet_refuses_the_next_wave_with_what_to_do() {
    let model = model(vec![flying(NORTH), flying(WEST)], None);
    for verb in [Verb::Promote, Verb::PromoteFull] {
        let (reasons, ways) = against(&model, verb);
        assert_eq!(reasons, ["prod/eu-north-1 comes before it (policy.waves), and 1.42.0 is at 25 % there"]);
        assert_eq!(ways, ["bring 1.42.0 to prod/eu-north-1 first"]);
        assert!(!asked(&model, verb, &flying(NORTH)).is_err_and(|one| one.to_string().contains("policy.waves")));
    }
    let old = in_cell(NORTH, settled(payments(), false, ago(99)));
    let model = self::model(vec![old, flying(WEST)], None);
    let why = "prod/eu-north-1 comes before it (policy.waves), and does not have 1.42.0: old (1.41.3)";
    assert_eq!(against(&model, Verb::Promote).0, [why]);
}

#[test]
fn a_wave_that_is_done_lets_the_next_one_go_and_the_card_says_so() {
    let model = model(vec![done(5), flying(WEST), flying(EAST)], None);
    let ask = asked(&model, Verb::PromoteFull, &flying(WEST)).unwrap();
    let plan = guard::plan(&model, &ask, Ok(draft(&flying(WEST), Verb::PromoteFull))).unwrap();
    let check = "what comes before it (policy.waves) is done: prod/eu-north-1";
    assert!(plan.checks.iter().any(|one| one == check), "{:?}", plan.checks);
}

#[test]
fn it_soaks_until_its_time_is_over_and_since_when_must_be_known() {
    let until = |minutes| against(&model(vec![done(minutes), flying(WEST)], Some(30)), Verb::Promote);
    let soaks = "prod/eu-north-1 comes before it (policy.waves), and 1.42.0 soaks there until 02:32";
    assert_eq!(until(5), (vec![soaks.to_owned()], vec!["wait until 02:32".to_owned()]));
    assert_eq!(until(31), (Vec::new(), Vec::new()));
    let mut undated = done(31);
    undated.step_times.clear();
    let why = "NO DATA: prod/eu-north-1 comes before it (policy.waves), and since when 1.42.0 is there is not known";
    assert_eq!(against(&model(vec![undated, flying(WEST)], Some(30)), Verb::Promote).0, [why]);
}

#[test]
fn what_came_through_badly_or_is_ill_or_cannot_be_read_is_not_done() {
    let came_through = |verdict| {
        let mut model = model(vec![done(5), flying(WEST)], None);
        model.arrivals.insert(done(5).id, Arrival { at: ago(5), verdict: Some(verdict) });
        against(&model, Verb::Promote).0
    };
    let bad = "prod/eu-north-1 comes before it (policy.waves), and 1.42.0 came through there as NO-GO";
    assert_eq!(came_through(Verdict::NoGo), [bad]);
    assert_eq!(came_through(Verdict::Go), [""; 0]);
    assert_eq!(came_through(Verdict::Wait), [""; 0], "little traffic decides nothing: it is a risk");
    let mut down = done(5);
    down.arms[0].pods = Some(crate::domain::rollout::Pods { desired: 12, ..Default::default() });
    let ill = "prod/eu-north-1 comes before it (policy.waves), and whether 1.42.0 is well there is not known: NO DATA";
    assert_eq!(against(&model(vec![down, flying(WEST)], None), Verb::Promote).0, [ill]);
    let mut unread = model(vec![done(5), flying(WEST)], None);
    let fault = Fault::new(now(), FaultKind::TimedOut, "no answer within 4 s");
    hears(&mut unread, ("kubernetes-eu", "argo_rollouts"), now(), Err(fault));
    let (reasons, _) = against(&unread, Verb::Promote);
    assert!(reasons[0].starts_with("NO DATA: prod/eu-north-1 comes before it"), "{reasons:?}");
}

#[test]
fn going_back_waits_for_no_wave() {
    let model = model(vec![flying(NORTH), flying(WEST)], Some(30));
    for verb in [Verb::Abort, Verb::Rollback] {
        assert!(asked(&model, verb, &flying(WEST)).is_ok(), "{verb}");
    }
}

#[test]
fn where_a_mistake_costs_little_it_is_a_risk_which_wants_a_reason() {
    let mut cheap = flying(WEST);
    cheap.offers.iter_mut().for_each(|offer| offer.risk = Risk::Medium);
    let model = model(vec![flying(NORTH), cheap.clone()], None);
    let ask = asked(&model, Verb::PromoteFull, &cheap).unwrap();
    let plan = guard::plan(&model, &ask, Ok(draft(&cheap, Verb::PromoteFull))).unwrap();
    let why = "prod/eu-north-1 comes before it (policy.waves), and 1.42.0 is at 25 % there";
    assert!(plan.risks.iter().any(|one| one == why) && plan.friction.needs_reason(), "{:?}", plan.risks);
}

#[test]
fn one_act_on_several_cells_goes_in_the_order_of_waves_and_the_next_rests_on_the_one_before() {
    let all = || vec![flying(NORTH), flying(WEST), flying(EAST)];
    let on = |verb| Ask::new(verb, flying(EAST).id).and_then([flying(NORTH).id, flying(WEST).id]);
    let places = |ask: &Ask| ask.targets().map(|id| id.path.clone()).collect::<Vec<_>>();
    let model = self::model(all(), None);
    let ask = guard::ask(&model, on(Verb::PromoteFull)).unwrap();
    assert_eq!(places(&ask), ["eu-north-1/payments", "us-east-1/payments", "eu-west-1/payments"]);
    assert_eq!(guard::ask(&model, ask.clone()), Ok(ask), "asked again it is the same");
    let refusal = guard::ask(&model, on(Verb::Promote)).unwrap_err();
    assert_eq!(refusal.what, "2 of 3 objects", "a step is no end: {refusal}");
    let soaking = self::model(all(), Some(30));
    assert!(guard::ask(&soaking, on(Verb::PromoteFull)).is_err(), "it cannot soak within one act");
    let back = guard::ask(&model, on(Verb::Rollback)).unwrap();
    assert_eq!(places(&back)[0], "us-east-1/payments", "going back keeps the order that was given");
}

#[test]
fn a_service_that_does_not_run_in_an_earlier_wave_goes_on_and_that_is_said() {
    let model = model(vec![flying(WEST)], None);
    let ask = asked(&model, Verb::PromoteFull, &flying(WEST)).unwrap();
    let plan = guard::plan(&model, &ask, Ok(draft(&flying(WEST), Verb::PromoteFull))).unwrap();
    let check = "nothing of it runs in prod/eu-north-1 (policy.waves)";
    assert!(plan.checks.iter().any(|one| one == check), "{:?}", plan.checks);
}

#[test]
fn a_gate_that_leads_to_several_waves_at_once_is_a_risk_and_one_to_a_later_wave_waits_for_the_earlier_ones() {
    let ahead = |environment: &str, waves: &[&str]| {
        let gate = Gate { environment: environment.into(), version: payments().canary, ..ship() };
        let mut model = gated(gate.clone());
        let waves = waves.iter().map(|name| vec![EnvironmentName::new(*name)]).collect();
        model.session.waves = Waves(vec![Order { waves, ..Order::default() }]);
        let turn = turn(&model, &Ask::new(Verb::Approve, gate.id), None, &[]);
        (turn.ahead.into_iter().map(|one| one.why).collect::<Vec<_>>(), turn.absent)
    };
    for waves in [[NORTH, WEST], [NORTH, "prod"]] {
        assert_eq!(ahead("prod", &waves), (vec![Behind::AtOnce], Vec::new()), "{waves:?}");
    }
    let (why, _) = ahead(WEST, &[NORTH, WEST]);
    assert!(matches!(&why[..], [Behind::Stands(Standing::Unknown(_))]), "no connection tells what runs there: {why:?}");
    assert_eq!(ahead(NORTH, &[NORTH, WEST]), (Vec::new(), Vec::new()));
}
