//! One ask on several targets: who is named when it is refused, what is confirmed, and how keys come to it.

use super::*;
use crate::{
    app::{
        card::Card,
        drawn::Drawn,
        effect::Effect,
        guard::{self, Refusal},
        intent::Intent,
        model::Overlay,
        msg::Msg,
        sample::{draft, now, payments, see, seeing},
        update::update,
    },
    domain::rollout::Rollout,
    port::{
        step::{Due, Obligation},
        takeover::Takeover,
    },
};

/// A rollout like payments, of another service.
fn like(service: &str) -> Rollout {
    let mut rollout = payments();
    rollout.id.path = format!("shop/{service}");
    rollout.service = service.into();
    rollout
}

fn three() -> [Rollout; 3] {
    [payments(), like("search"), like("cart")]
}

fn on_all(verb: Verb) -> Ask {
    let [first, second, third] = three();
    Ask::new(verb, first.id).and_then([second.id, third.id])
}

fn drafts(verb: Verb) -> Vec<Result<Draft, Blocked>> {
    three().iter().map(|rollout| Ok(draft(rollout, verb))).collect()
}

fn refused(model: &Model, ask: Ask) -> Refusal {
    guard::ask(model, ask).unwrap_err()
}

#[test]
fn several_make_one_plan_in_the_order_that_was_given() {
    let model = seeing(three().to_vec());
    let asked = guard::ask(&model, on_all(Verb::Rollback)).unwrap();
    let plan = guard::plan_of(&model, &asked, drafts(Verb::Rollback)).unwrap();
    let services: Vec<&str> = plan.each().map(|one| one.service.as_str()).collect();
    assert_eq!((services, plan.count(), plan.calls()), (vec!["payments", "search", "cart"], 3, 3));
    assert_eq!(plan.friction, Friction::Reason);
    let place = "payments in prod/eu-west-1, search in prod/eu-west-1, cart in prod/eu-west-1";
    assert_eq!(plan.places(), place);
    let mut card = Card::new(asked.clone(), plan);
    card.typed('1');
    card.asked = card.ask.clone();
    let confirmed = guard::confirm(&model, &card).unwrap();
    assert_eq!((&confirmed.record().then, confirmed.record().plan.count()), (&asked.then, 3));
}

#[test]
fn one_that_is_refused_refuses_all_and_is_named_with_the_others_to_ask_for() {
    let mut others = three().to_vec();
    others.pop();
    others[1].offers.retain(|offer| offer.verb != Verb::Rollback);
    let model = seeing(others);
    let refusal = refused(&model, on_all(Verb::Rollback));
    let reasons = [
        "search in prod/eu-west-1: Argo Rollouts has no roll back",
        "kubernetes-eu/argo_rollouts/shop/cart: it is no longer there",
    ];
    assert_eq!((refusal.what.as_str(), &refusal.reasons[..]), ("2 of 3 objects", &reasons.map(str::to_owned)[..]));
    assert_eq!(refusal.ways, ["without what is refused: kubernetes-eu/argo_rollouts/shop/payments"]);
    let model = seeing(three().to_vec());
    let asked = guard::ask(&model, on_all(Verb::Rollback)).unwrap();
    let mut drafted = drafts(Verb::Rollback);
    drafted[2] = Err(Blocked("its image is gone".to_owned()));
    let refusal = guard::plan_of(&model, &asked, drafted).unwrap_err();
    assert_eq!(refusal.reasons, ["cart in prod/eu-west-1: its image is gone"]);
    let short = guard::plan_of(&model, &asked, drafts(Verb::Rollback).into_iter().take(2).collect()).unwrap_err();
    assert_eq!(short.reasons, ["not all of it was drawn up"]);
}

#[test]
fn more_than_one_act_may_touch_and_one_that_is_named_twice_are_refused() {
    let mut model = seeing(three().to_vec());
    let twice = Ask::new(Verb::Rollback, payments().id).and_then([like("search").id, payments().id]);
    assert_eq!(refused(&model, twice).reasons, ["kubernetes-eu/argo_rollouts/shop/payments is named twice"]);
    model.session.most_targets = 2;
    let refusal = refused(&model, on_all(Verb::Rollback));
    assert_eq!(refusal.reasons, ["3 objects in one act, and no more than 2 may be: policy.most_targets says so"]);
    assert_eq!(refusal.ways, ["do it in acts of at most 2"]);
}

#[test]
fn what_is_read_back_is_of_every_target_and_what_holds_something_goes_by_itself() {
    let reads = |texts: &[&str], reason: bool| {
        let one = |text: &&str| {
            let model = seeing(three().to_vec());
            let mut plan =
                guard::plan(&model, &crate::app::sample::ask(Verb::Rollback), Ok(draft(&payments(), Verb::Rollback)))
                    .unwrap();
            plan.friction = match (text.is_empty(), reason) {
                (true, _) => Friction::Enter,
                (false, true) => Friction::ReadBackAndReason((*text).to_owned()),
                (false, false) => Friction::ReadBack((*text).to_owned()),
            };
            plan
        };
        let plans: Vec<Plan> = texts.iter().map(one).collect();
        joined(&plans.iter().collect::<Vec<_>>())
    };
    assert_eq!(reads(&["a1b2", "c3d4"], false), Friction::ReadBack("a1b2 c3d4".to_owned()));
    assert_eq!(reads(&["a1b2", ""], true), Friction::ReadBackAndReason("a1b2".to_owned()));
    assert_eq!(reads(&["", ""], false), Friction::Enter);

    let model = seeing(three().to_vec());
    let mut drafted = drafts(Verb::Rollback);
    let mut holds = draft(&payments(), Verb::Rollback);
    let step = holds.steps[0].clone();
    holds.obligations =
        vec![Obligation { after: 0, due: Due::AtEnd, owner: None, words: "auto-sync is off".into(), step }];
    drafted[0] = Ok(holds);
    let refusal = guard::plan_of(&model, &on_all(Verb::Rollback), drafted).unwrap_err();
    let why = "payments in prod/eu-west-1: it holds something meanwhile (auto-sync is off): do it by itself";
    assert_eq!(refusal.reasons, [why]);
}

/// Presses a key after a frame that showed everything.
fn press(model: &mut Model, intent: Intent) -> Vec<Effect> {
    let drawn = Drawn::whole(model);
    update(model, Msg::Drawn(drawn));
    update(model, Msg::Intent(intent))
}

/// The only ask that is to be drafted.
fn asked_by(effects: &[Effect]) -> Ask {
    match effects {
        [Effect::Draft(ask)] => ask.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_verb_acts_on_what_is_marked_in_the_order_of_the_marks_and_then_nothing_is_marked() {
    let mut model = seeing(three().to_vec());
    // By name: cart, payments, search.
    for intent in [Intent::Bottom, Intent::Mark, Intent::Top, Intent::Mark] {
        press(&mut model, intent);
    }
    let ask = asked_by(&press(&mut model, Intent::Do(Verb::Rollback)));
    let targets: Vec<&str> = ask.targets().map(|target| target.path.as_str()).collect();
    assert_eq!(targets, ["shop/search", "shop/cart"]);
    let both = [like("search"), like("cart")].map(|rollout| Ok(draft(&rollout, Verb::Rollback)));
    let [first, second] = both;
    update(&mut model, Msg::Drafted { ask, draft: Box::new(first), then: vec![second] });
    assert_eq!(model.card().map(|card| card.plan.count()), Some(2));
    // Something moves under the second one: the card is void, and says whose.
    let mut moved = model.clone();
    let Some(Overlay::Card(card)) = moved.nav.overlay.clone() else { panic!() };
    let mut another = draft(&like("cart"), Verb::Rollback);
    another.bound.insert("generation".into(), "4".into());
    let draft_again = Box::new(Ok(draft(&like("search"), Verb::Rollback)));
    update(&mut moved, Msg::Drafted { ask: card.ask.clone(), draft: draft_again, then: vec![Ok(another)] });
    let why = "the generation of cart in prod/eu-west-1 changed since this card was drawn, approval void";
    assert_eq!(moved.card().and_then(|card| card.moved.as_deref()), Some(why));

    press(&mut model, Intent::Back);
    assert_eq!(model.nav.marked.len(), 2, "leaving the card leaves the marks");
    press(&mut model, Intent::Back);
    assert_eq!(model.nav.marked, []);
    let said = model.notice.as_ref().map(|notice| notice.text.as_str());
    assert_eq!(said, Some("2 marks are taken back: a verb acts on the row you are on"));
}

#[test]
fn on_the_screen_of_one_release_a_verb_is_about_that_one_whatever_is_marked() {
    let mut model = seeing(three().to_vec());
    for intent in [Intent::Mark, Intent::Down, Intent::Open] {
        press(&mut model, intent);
    }
    let ask = asked_by(&press(&mut model, Intent::Do(Verb::Rollback)));
    assert_eq!((ask.target, ask.then), (payments().id, Vec::new()));
    see(&mut model, now(), Vec::new());
}

#[test]
fn what_was_sent_to_one_is_drawn_up_no_more_when_all_of_it_is_taken_over() {
    use crate::port::record::{Entry, Record, RecordId, Stage};
    let mut model = seeing(three().to_vec());
    let asked = guard::ask(&model, on_all(Verb::Rollback)).unwrap();
    let plan = guard::plan_of(&model, &asked, drafts(Verb::Rollback)).unwrap();
    let mut card = Card::new(asked, plan);
    card.typed('1');
    card.asked = card.ask.clone();
    let intent = guard::confirm(&model, &card).unwrap().record().clone();
    let stages = [
        Stage::Recorded,
        Stage::Sending { call: 0, revision: None },
        Stage::Accepted { call: 0, said: "200 OK".into(), given: [].into() },
        Stage::Verified { target: 0, said: "all back".into() },
    ];
    let entries = stages.into_iter().map(|stage| Entry { at: now(), stage }).collect();
    let record = Record { id: RecordId(1), intent, entries };
    assert_eq!(Takeover::of(&record).unwrap().on(0).sent, 1);
    update(&mut model, Msg::Recorded(Box::new(record)));
    update(&mut model, Msg::Lost(RecordId(1), crate::app::action::Lost::Died(now())));
    // The second key: payments is gone by now, and stands in nobody's way.
    see(&mut model, now(), three()[1..].to_vec());
    let ask = crate::app::takeover::ask(&model, &like("search").id).unwrap();
    let asked = guard::ask(&model, ask).unwrap();
    let kept: Vec<bool> = (0..3).map(|index| takeover::kept(&model, &asked, index).is_some()).collect();
    assert_eq!(kept, [true, false, false]);
    let mut drafted = drafts(Verb::Rollback);
    drafted[0] = Err(Blocked("nobody drafts this".to_owned()));
    let plan = guard::plan_of(&model, &asked, drafted).unwrap();
    let notes: Vec<&str> = plan.each().flat_map(|one| one.draft.notes.iter().map(String::as_str)).collect();
    let first =
        ["takes over record 1 (dana, 02:07:30), whose executor is gone", "it is done there, and nothing more is sent"];
    assert_eq!(notes[..2], first);
    assert!(notes.contains(&"call 1 is sent now: change it"), "{notes:?}");
}
