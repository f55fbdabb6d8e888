//! Cards that ask for something: filled in by keys, drafted again with every change, and sent only as they stand.

use super::*;
use crate::{
    app::{
        card::Focus,
        drawn::Drawn,
        intent::Intent,
        msg::Msg,
        sample::{answer, gated, ship, types},
        update::update,
    },
    domain::{
        form::{Args, Value},
        gate::{Approvals, Rule},
    },
};

/// Presses a key after a frame that showed everything; the provider answers at once. What else is to be done comes back.
fn press(model: &mut Model, intent: Intent) -> Vec<Effect> {
    let drawn = Drawn::whole(model);
    update(model, Msg::Drawn(drawn));
    let effects = update(model, Msg::Intent(intent));
    answer(model, effects)
}

fn card(model: &Model) -> &Card {
    model.card().unwrap()
}

fn said(model: &Model) -> &str {
    model.notice.as_ref().map(|notice| notice.text.as_str()).unwrap_or_default()
}

/// A card to approve the gate with the form.
fn asking() -> Model {
    let mut model = gated(ship());
    assert_eq!(press(&mut model, Intent::Do(Verb::Approve)), []);
    model
}

#[test]
fn keys_go_where_something_is_missing_first_and_to_the_next_field_and_around() {
    let mut model = asking();
    let mut names = Vec::new();
    for _ in 0..5 {
        names.push(match card(&model).focus() {
            Focus::Field(field) => field.name.clone(),
            _ => "confirms".to_owned(),
        });
        press(&mut model, Intent::NextField);
    }
    assert_eq!(names, ["note", "place", "drain", "pin", "confirms"]);
    press(&mut model, Intent::PreviousField);
    assert_eq!(card(&model).focus(), Focus::Reason, "the field before the first one is what confirms");
}

#[test]
fn what_must_be_filled_in_says_so_and_what_is_filled_in_is_drafted_and_sent() {
    let mut model = asking();
    assert_eq!((press(&mut model, Intent::Send), said(&model)), (Vec::new(), "Release note is missing"));
    types(&mut model, "fixes 3 x");
    press(&mut model, Intent::Erase);
    press(&mut model, Intent::NextField);
    press(&mut model, Intent::NextOption);
    press(&mut model, Intent::NextField);
    types(&mut model, " ");
    press(&mut model, Intent::NextField);
    assert_eq!((press(&mut model, Intent::Send), said(&model)), (Vec::new(), "PIN is missing"));
    types(&mut model, "1234");
    let expected = Args::none()
        .with("note", Value::Text("fixes 3 ".to_owned()))
        .with("place", Value::OneOf("green".to_owned()))
        .with("drain", Value::Flag(true))
        .with("pin", Value::Secret);
    assert_eq!(card(&model).ask.args, expected);
    let effects = press(&mut model, Intent::Send);
    let [Effect::Execute(confirmed)] = effects.as_slice() else { panic!("{effects:?}") };
    let record = confirmed.record();
    assert_eq!(record.plan.draft.effect, "ships with note=fixes 3 , place=green, drain=true, pin=(set, not shown)");
    assert_eq!(record.args, expected);
    assert!(!serde_json::to_string(record).unwrap().contains("1234"));
}

#[test]
fn a_choice_that_does_not_work_is_said_and_another_one_can_be_made() {
    let mut model = asking();
    types(&mut model, "note");
    press(&mut model, Intent::NextField);
    press(&mut model, Intent::NextOption);
    assert_eq!(card(&model).against.as_deref(), Some("green takes only what was drained"));
    assert_eq!(card(&model).moved, None);
    assert_eq!(press(&mut model, Intent::Send), []);
    press(&mut model, Intent::PreviousOption);
    assert_eq!((card(&model).against.as_deref(), card(&model).is_drawn_up()), (None, true));
}

#[test]
fn a_secret_is_forgotten_as_a_whole_and_shows_in_nothing() {
    let mut model = asking();
    types(&mut model, "note");
    press(&mut model, Intent::PreviousField);
    press(&mut model, Intent::PreviousField);
    types(&mut model, "hunter2");
    assert_eq!(card(&model).secrets.get("pin"), Some("hunter2"));
    assert!(!format!("{model:?}").contains("hunter2"));
    press(&mut model, Intent::Erase);
    assert_eq!((card(&model).secrets.get("pin"), card(&model).ask.args.get("pin")), (None, None));
}

#[test]
fn a_form_that_changes_under_an_open_card_voids_it() {
    let mut model = asking();
    let mut other = ship();
    other.offers[0].form.pop();
    let parts = vec![crate::port::inventory::Part::whole(crate::domain::object::Family::gate(), [other])];
    let effects = crate::app::sample::hears(&mut model, ("shipper", "gate"), crate::app::sample::now(), Ok(parts));
    answer(&mut model, effects);
    assert_eq!(card(&model).moved.as_deref(), Some(ASKS_OTHERWISE));
}

#[test]
fn the_menu_lists_what_a_row_offers_and_asks_for_what_is_chosen() {
    let mut model = gated(ship());
    press(&mut model, Intent::Menu);
    let Some(Overlay::Menu(menu)) = &model.nav.overlay else { panic!("{:?}", model.nav.overlay) };
    let offers = menu::offers(&model, &menu.target);
    let listed: Vec<_> = offers.iter().map(|offer| (offer.verb, offer.blocked.as_deref())).collect();
    assert_eq!(listed, [(Verb::Approve, None), (Verb::Play, Some("it runs already"))]);
    press(&mut model, Intent::Down);
    press(&mut model, Intent::Open);
    let Some(Overlay::Refused(refusal)) = &model.nav.overlay else { panic!("{:?}", model.nav.overlay) };
    assert_eq!(refusal.reasons, ["it runs already"]);
    press(&mut model, Intent::Back);
    press(&mut model, Intent::Menu);
    press(&mut model, Intent::Open);
    assert_eq!(card(&model).plan.verb, Verb::Approve);
}

#[test]
fn an_approval_that_is_not_the_last_one_says_so() {
    let with = |given: &[&str]| {
        let given = given.iter().map(|who| (*who).into()).collect();
        let rules = vec![Rule { who: "the release team".to_owned(), needed: 2, given }];
        let mut gate = ship();
        gate.approvals = Some(Approvals { rules, expires: None });
        let mut model = gated(gate);
        press(&mut model, Intent::Do(Verb::Approve));
        let plan = card(&model).plan.clone();
        let so_far = plan.checks.into_iter().find(|check| check.starts_with("approvals")).unwrap();
        (plan.draft.notes, so_far)
    };
    let none = "approvals so far: 0 of 2 of the release team".to_owned();
    assert_eq!(with(&[]), (vec!["1 of 2 after yours; does not open it yet".to_owned()], none));
    assert_eq!(with(&["lee"]), (Vec::new(), "approvals so far: 1 of 2 of the release team: lee".to_owned()));
    let again = "approvals so far: 1 of 2 of the release team: dana".to_owned();
    assert_eq!(with(&["dana"]), (vec!["you have said yes already".to_owned()], again));
}

#[test]
fn enter_in_a_field_of_a_form_that_is_not_whole_goes_on_to_the_next_one() {
    let mut model = asking();
    let first = card(&model).form[0].name.clone();
    let place = |model: &Model| match card(model).focus() {
        Focus::Field(field) => Some(field.name.clone()),
        Focus::Reason | Focus::Words | Focus::ReadBack => None,
    };
    assert_eq!(place(&model).as_ref(), Some(&first));
    let lacks = card(&model).lacks(&card(&model).form[0]);
    press(&mut model, Intent::Open);
    // One that must be answered is not left behind, and an answered one is.
    assert_eq!(place(&model).as_ref() == Some(&first), lacks);
}
