//! Where keys lead: rows, sections, screens, the palette, addresses.

use super::*;
use crate::{
    app::{
        drawn::{Drawn, Extent},
        model::Address,
        msg::Msg,
        sample::{ask, blind, gated, payments, see, seeing, ship, types},
        update::update,
    },
    domain::{
        gate::Gate,
        rollout::{Phase, Rollout},
        verb::Verb,
    },
};

/// Presses keys, each after a frame that showed everything.
fn press(model: &mut Model, intents: &[Intent]) -> Vec<Effect> {
    let one = |intent: &Intent| {
        let drawn = Drawn::whole(model);
        update(model, Msg::Drawn(drawn));
        update(model, Msg::Intent(*intent))
    };
    intents.iter().flat_map(one).collect()
}

/// Another rollout like it, nothing on its way.
fn steady(service: &str) -> Rollout {
    let mut rollout = payments();
    rollout.id = ObjectId::new(&"kubernetes-eu".into(), "argo_rollouts", format!("shop/{service}"));
    rollout.service = service.into();
    rollout.canary.clone_from(&rollout.stable);
    rollout.identity.canary_hash.clone_from(&rollout.identity.stable_hash);
    (rollout.phase, rollout.pause) = (Phase::Healthy, None);
    rollout.arms.remove(0);
    rollout
}

fn selected(model: &Model) -> Option<ObjectId> {
    rows::target(model)
}

fn said(model: &Model) -> &str {
    model.notice.as_ref().map(|notice| notice.text.as_str()).unwrap_or_default()
}

#[test]
fn tab_goes_to_the_first_row_of_the_next_section_and_behind_the_last_to_the_first() {
    let mut model = seeing(vec![payments(), steady("cart"), steady("tax")]);
    press(&mut model, &[Intent::Section]);
    assert_eq!(selected(&model), Some(steady("cart").id));
    press(&mut model, &[Intent::Section]);
    assert_eq!(selected(&model), Some(payments().id));
    let mut alone = seeing(vec![payments()]);
    press(&mut alone, &[Intent::Section]);
    assert_eq!(said(&alone), "there is no other section here");
}

#[test]
fn who_goes_back_to_a_screen_finds_the_row_that_they_were_on() {
    let mut model = seeing(vec![payments(), steady("cart"), steady("tax")]);
    press(&mut model, &[Intent::Bottom, Intent::Pipelines]);
    assert_eq!((model.nav.screen(), selected(&model)), (&Screen::Pipelines, None));
    press(&mut model, &[Intent::Signals, Intent::Top]);
    assert_eq!(selected(&model), Some(payments().id));
    press(&mut model, &[Intent::Back, Intent::Back]);
    assert_eq!((model.nav.screen(), selected(&model)), (&Screen::Board, Some(steady("tax").id)));
}

#[test]
fn a_screen_that_is_open_below_is_gone_back_to_and_never_opened_twice() {
    let mut model = seeing(vec![payments()]);
    press(&mut model, &[Intent::Inbox, Intent::Signals, Intent::Open, Intent::Signals]);
    assert_eq!(*model.nav.screen(), Screen::Signals);
    press(&mut model, &[Intent::Back]);
    assert_eq!(*model.nav.screen(), Screen::Inbox);
    press(&mut model, &[Intent::Signals, Intent::Open, Intent::Board]);
    assert_eq!(*model.nav.screen(), Screen::Board);
    assert!(!model.nav.back(), "nothing lies over the board");
}

#[test]
fn a_pause_that_waits_for_a_human_is_one_row_of_the_board_and_stands_in_the_inbox_too() {
    let mut waits = payments();
    waits.pause = waits.pause.map(|pause| crate::domain::rollout::Pause { until: None, ..pause });
    let mut model = seeing(vec![waits]);
    assert_eq!(rows::rows(&model), [RowKey::Rollout(payments().id)]);
    press(&mut model, &[Intent::Inbox]);
    assert_eq!(rows::rows(&model), [RowKey::Waits(payments().id)]);
}

#[test]
fn a_verb_from_the_palette_acts_on_the_selected_row_and_passes_the_same_guard() {
    let mut model = seeing(vec![payments()]);
    press(&mut model, &[Intent::Palette]);
    assert!(model.is_typing());
    types(&mut model, "roll back");
    assert_eq!(press(&mut model, &[Intent::Send]), [Effect::Draft(ask(Verb::Rollback))]);
    assert_eq!(model.nav.overlay, None);
    press(&mut model, &[Intent::Palette]);
    types(&mut model, "promote");
    assert_eq!(press(&mut model, &[Intent::Send]), []);
    assert!(matches!(model.nav.overlay, Some(Overlay::Refused(_))), "{:?}", model.nav.overlay);
}

#[test]
fn the_palette_opens_screens_and_objects_and_says_where_it_finds_nothing() {
    let mut model = seeing(vec![payments()]);
    press(&mut model, &[Intent::Palette]);
    types(&mut model, "shop payments");
    press(&mut model, &[Intent::Erase, Intent::Send]);
    assert_eq!(said(&model), "nothing is called so");
    press(&mut model, &[Intent::Back, Intent::Palette]);
    types(&mut model, "payments");
    press(&mut model, &[Intent::Send]);
    assert_eq!(*model.nav.screen(), Screen::Release(payments().id));
    press(&mut model, &[Intent::Palette]);
    types(&mut model, "signals");
    press(&mut model, &[Intent::Send]);
    assert_eq!(*model.nav.screen(), Screen::Signals);
}

#[test]
fn arrows_choose_in_the_palette_and_what_is_typed_chooses_the_best_again() {
    let mut model = seeing(vec![payments()]);
    press(&mut model, &[Intent::Palette, Intent::NextField]);
    let chosen = |model: &Model| match &model.nav.overlay {
        Some(Overlay::Palette(palette)) => palette.chosen.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(chosen(&model), Some(Choice::Intent(Intent::Back)));
    types(&mut model, "b");
    assert_eq!(chosen(&model), None);
}

#[test]
fn the_address_of_a_gate_is_shown_and_copied_and_that_there_is_none_is_said() {
    let url = "https://ci.example/ship/1";
    let mut model = gated(crate::domain::gate::Gate { url: Some(url.to_owned()), ..ship() });
    assert_eq!(press(&mut model, &[Intent::Browser]), [Effect::Copy(url.to_owned())]);
    let Some(Overlay::Address(Address { url: shown, .. })) = &model.nav.overlay else {
        panic!("{:?}", model.nav.overlay)
    };
    assert_eq!(shown, url);
    let mut model = gated(crate::domain::gate::Gate { url: Some("https://a/\u{1b}]8;;".to_owned()), ..ship() });
    assert_eq!(press(&mut model, &[Intent::Browser]), []);
    assert!(said(&model).contains("is none"), "{}", said(&model));
    let mut model = seeing(vec![payments()]);
    assert_eq!(press(&mut model, &[Intent::Browser]), []);
    assert!(said(&model).starts_with("no browser shows"), "{}", said(&model));
}

#[test]
fn text_of_a_screen_moves_by_pages_and_never_beyond_its_end() {
    let mut model = seeing(vec![payments()]);
    press(&mut model, &[Intent::Open]);
    let frame = |model: &mut Model| {
        let from = model.nav.below;
        let extent = Extent::Part { from, to: from + 4, of: 10 };
        let drawn = Drawn::of(model, extent);
        update(model, Msg::Drawn(drawn));
    };
    let mut places = Vec::new();
    for intent in [Intent::PageDown, Intent::HalfDown, Intent::Down, Intent::Down, Intent::HalfUp, Intent::PageUp] {
        frame(&mut model);
        update(&mut model, Msg::Intent(intent));
        places.push(model.nav.below);
    }
    assert_eq!(places, [3, 5, 6, 6, 4, 1]);
    update(&mut model, Msg::Intent(Intent::Back));
    assert_eq!(model.nav.below, 0);
}

#[test]
fn half_a_page_moves_the_selection_of_a_list_less_than_a_page() {
    let names: Vec<String> = (0..60).map(|index| format!("service-{index:02}")).collect();
    let mut model = blind();
    let all: Vec<Rollout> = names.iter().map(|name| steady(name)).collect();
    see(&mut model, crate::app::sample::now(), all);
    let at = |model: &Model| rows::rows(model).iter().position(|row| Some(row.target()) == selected(model));
    press(&mut model, &[Intent::HalfDown]);
    let half = at(&model);
    press(&mut model, &[Intent::Top, Intent::PageDown]);
    let whole = at(&model);
    assert!(half > Some(0) && half < whole && whole < Some(59), "{half:?} {whole:?}");
    press(&mut model, &[Intent::PageUp]);
    assert_eq!(at(&model), Some(0));
}

#[test]
fn a_filter_stays_on_the_list_that_it_thins_out_and_is_there_again_when_somebody_comes_back() {
    let mut model = seeing(vec![payments(), steady("cart"), steady("tax")]);
    press(&mut model, &[Intent::Filter]);
    types(&mut model, "cart");
    press(&mut model, &[Intent::Send, Intent::Inbox]);
    assert_eq!((model.nav.filter.as_str(), model.nav.filtering), ("", false));
    press(&mut model, &[Intent::Filter]);
    types(&mut model, "zzz");
    press(&mut model, &[Intent::Send, Intent::Board]);
    assert_eq!(model.nav.filter, "cart");
    assert_eq!(rows::rows(&model), [RowKey::Rollout(steady("cart").id)]);
    press(&mut model, &[Intent::Open]);
    assert_eq!((model.nav.screen().object().cloned(), model.nav.filter.as_str()), (Some(steady("cart").id), ""));
    press(&mut model, &[Intent::Back]);
    assert_eq!(model.nav.filter, "cart");
}

#[test]
fn that_a_terminal_is_too_small_is_said_no_longer_once_it_has_another_size() {
    let mut model = seeing(vec![payments()]);
    update(&mut model, Msg::Resized(40, 10));
    press(&mut model, &[Intent::Down]);
    assert!(said(&model).contains("the terminal is too small"), "{}", said(&model));
    update(&mut model, Msg::Resized(120, 36));
    assert_eq!(said(&model), "");
    // What was said of anything else stays.
    press(&mut model, &[Intent::Section]);
    update(&mut model, Msg::Resized(100, 36));
    assert_eq!(said(&model), "there is no other section here");
}

#[test]
fn enter_on_a_gate_names_its_keys_only_where_they_would_work() {
    let of = |eligible: Eligibility| {
        let mut model = gated(Gate { eligible, ..ship() });
        press(&mut model, &[Intent::Inbox, Intent::Open]);
        said(&model).to_owned()
    };
    assert!(of(Eligibility::Can).starts_with("press y to approve"), "{}", of(Eligibility::Can));
    let why = || "you started this run".to_owned();
    let cannot = Eligibility::Cannot { why: why(), ask: Vec::new() };
    assert_eq!(of(cannot), "you cannot open this gate: you started this run");
}
