//! Confirm cards at every size: what must be seen is seen, and the way back is never locked.

use super::*;
use crate::{
    app::{drawn::Extent, model::Overlay},
    domain::{verb::Verb, version::Version},
    port::plan::Friction,
    view::{
        View,
        sample::{self, under},
        view,
    },
};

fn shown(card: Card, columns: u16, rows: u16) -> View {
    view(&under(sample::board(columns, rows), Overlay::Card(Box::new(card))), &sample::keymap())
}

fn back() -> Card {
    Card::new(sample::ask(Verb::Rollback), sample::plan(Verb::Rollback))
}

/// Typed by somebody, and drawn up anew for it.
fn typed(card: &mut Card, text: &str) {
    text.chars().for_each(|c| card.typed(c));
    card.asked = card.ask.clone();
}

fn text(view: &View) -> String {
    let sheet = view.sheet.as_ref().unwrap();
    let lines: Vec<String> = sheet.lines.iter().map(Line::plain).collect();
    format!("{}\n{}\n{}", sheet.title, lines.join("\n"), sheet.keys.plain())
}

#[test]
fn what_must_be_seen_is_on_every_card_that_can_be_sent_at_every_size() {
    let must = [
        "PROD/EU",
        "roll back payments",
        "1.42.0 (a1b2c3d)",
        "1.41.3 (9f8e7d6)",
        "25 % → 0 %",
        "autosync is on",
        "1 errors",
        "5 other",
        "choose a reason",
    ];
    for columns in 60..130 {
        for rows in 12..40 {
            let view = shown(back(), columns, rows);
            let text = text(&view);
            for words in must {
                assert!(text.contains(words), "{words} at {columns}x{rows}:\n{text}");
            }
            assert!(is_seen(view.extent), "{columns}x{rows}");
        }
    }
}

#[test]
fn a_card_that_does_not_fit_says_which_lines_are_there_and_shows_every_one_in_turn() {
    let mut long = Card::new(sample::ask(Verb::Promote), sample::plan(Verb::Promote));
    long.plan.draft.notes = (1..15).map(|index| format!("warning {index} of a cluster that has many")).collect();
    let mut model = under(sample::board(60, 12), Overlay::Card(Box::new(long)));
    let mut seen = String::new();
    for page in 0..30 {
        let view = view(&model, &sample::keymap());
        let Extent::Part { from, to, of } = view.extent else { panic!("{:?}", view.extent) };
        let text = text(&view);
        assert!(text.contains(&format!("lines {} to {to} of {of}", from + 1)), "{text}");
        assert!(text.contains("Read back a1b2 to send it"), "what confirms it stands still: {text}");
        seen.push_str(&text);
        if to == of {
            assert!(page > 0);
            break;
        }
        model.nav.scroll = to;
    }
    assert!((1..15).all(|index| seen.contains(&format!("warning {index} of a cluster"))), "{seen}");
}

/// Is all on screen that must be seen before it is sent?
fn is_seen(extent: Extent) -> bool {
    matches!(extent, Extent::Whole | Extent::Rest { .. })
}

#[test]
fn what_a_low_screen_folds_away_is_read_by_pages_and_need_not_be_before_it_is_sent() {
    let mut model = under(sample::board(60, 12), Overlay::Card(Box::new(back())));
    let first = view(&model, &sample::keymap());
    let Extent::Rest { from: 0, to, of } = first.extent else { panic!("{:?}", first.extent) };
    let mut seen = String::new();
    let mut next = to - 1;
    while next < of {
        model.nav.scroll = next;
        let page = view(&model, &sample::keymap());
        let Extent::Rest { to, of: still, .. } = page.extent else { panic!("{:?}", page.extent) };
        assert!(still == of && to > next, "{:?}", page.extent);
        assert!(text(&page).contains("errors"), "what confirms it stands still: {}", text(&page));
        seen.push_str(&text(&page));
        next = to;
    }
    for words in ["call", "PATCH", "done when"] {
        assert!(seen.contains(words), "{words}: {seen}");
    }
}

#[test]
fn no_note_and_no_name_locks_the_way_back_at_the_least_size() {
    let notes = (1..=6).map(|index| format!("note {index} of a cluster that has very many of them to tell"));
    for verb in [Verb::Rollback, Verb::Abort] {
        let mut card = back();
        card.plan.verb = verb;
        card.plan.draft.notes = notes.clone().collect();
        card.plan.risks = vec!["the version that it goes back to was left for cause by somebody".into()];
        let short = shown(card.clone(), 60, 12);
        assert!(is_seen(short.extent), "{}", text(&short));
        assert!(text(&short).contains("1 risk, 6 notes: PageDown shows them"), "{}", text(&short));
        assert!(text(&short).contains("25 % → 0 %") && text(&short).contains("1 errors"), "{}", text(&short));
        assert!(text(&shown(card.clone(), 120, 40)).contains("note 6 of a cluster"));

        card.plan.service = "a-service-with-a-name-".repeat(5).as_str().into();
        card.plan.environment = "prod/a-region-with-a-name-".repeat(5).as_str().into();
        card.plan.draft.from = Some(Version::tagged("2026.11.28-nightly.".repeat(6)));
        card.plan.draft.to = Some(Version::tagged("2026.11.27-nightly.".repeat(6)));
        card.plan.draft.effect = "25 % → 0 % of traffic, ".repeat(5);
        for reason in ["1", "5the vault hangs and nobody knows why that is so, as far as anybody can tell"] {
            let mut card = card.clone();
            typed(&mut card, reason);
            let long = shown(card, 60, 12);
            assert!(is_seen(long.extent), "{}", text(&long));
            let must = ["a-service-with", "in prod/a-region", "2026.11.28", " → 2026.11.27", "25 % → 0 %", "5 other"];
            for words in must {
                assert!(text(&long).contains(words), "{words}:\n{}", text(&long));
            }
            assert!(text(&long).contains("sends it"), "{}", text(&long));
        }
    }
}

#[test]
fn no_letter_of_a_long_target_version_or_read_back_is_lost() {
    let mut card = Card::new(sample::ask(Verb::Promote), sample::plan(Verb::Promote));
    let (service, tag) = ("a-service-with-a-name-".repeat(4), "2026.11.28-nightly.".repeat(6));
    card.plan.service = service.as_str().into();
    card.plan.draft.to = Some(Version::tagged(tag.as_str()));
    card.plan.friction = Friction::ReadBack(tag.clone());
    let view = shown(card, 60, 40);
    let run: String = text(&view).split_whitespace().collect();
    assert!(run.contains(&service) && run.matches(&tag).count() == 2, "{}", text(&view));
    assert_eq!(view.extent, Extent::Whole);
    assert!(view.sheet.unwrap().lines.iter().all(|line| !line.plain().contains('…')));
}

#[test]
fn going_forward_on_an_open_verdict_looks_unsure_and_wants_read_back_and_reason() {
    let mut plan = sample::plan(Verb::Promote);
    plan.risks = vec!["verdict WAIT, undecided: 133 of 1,978 requests".into()];
    plan.friction = Friction::ReadBackAndReason("a1b2".into());
    let mut card = Card::new(sample::ask(Verb::Promote), plan);
    typed(&mut card, "a1b22");
    let view = shown(card, 120, 36);
    assert_eq!(view.sheet.as_ref().unwrap().tone, Tone::Unsure);
    let text = text(&view);
    assert!(text.contains(" risk      ▲ verdict WAIT, undecided: 133 of 1,978 requests"), "{text}");
    assert!(text.contains("Read back a1b2 to send it: a1b2  ✔"), "{text}");
    assert!(text.contains("1 errors ●2 latency") && text.contains("Enter sends it"), "{text}");
}

#[test]
fn another_reason_is_said_in_words_below_the_choice() {
    let mut card = back();
    typed(&mut card, "5vault hangs");
    let text = text(&shown(card, 80, 24));
    assert!(text.contains("Reason  1 errors  2 latency  3 wrong behaviour  4 precaution ●5 other"), "{text}");
    assert!(text.contains("in words  vault hangs▏") && text.contains("Enter sends it"), "{text}");
}
