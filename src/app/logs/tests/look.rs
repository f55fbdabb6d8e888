//! What somebody wants to see of the lines of a release, and where among them they stay.

use super::*;
use crate::app::{
    drawn::{Drawn, Extent},
    logs::look::{self, Shown},
    model::{Overlay, Screen},
};

fn line(second: i64, version: &str, text: &str) -> LogLine {
    LogLine { version: version.to_owned(), pod: format!("pod-of-{version}"), ..LogLine::new(at(second), text) }
}

/// The lines of a release on screen: errors and warnings of both versions, and one that does not say how bad it is.
fn reading() -> Model {
    let (mut model, asked) = looking();
    press(&mut model, &[Intent::Logs]);
    let lines = vec![
        line(1, "1.41.3", "WARN slow query 231 ms on ledger"),
        line(2, "1.42.0", "ERROR card vault timeout after 3002 ms"),
        line(3, "1.42.0", "no level at all"),
        line(4, "1.41.3", "ERROR disk"),
    ];
    let patterns = vec![
        pattern(0, "ERROR card vault timeout after <*> ms", &[(30, 20, 0)]),
        Pattern { level: Some(Level::Warn), ..pattern(1, "WARN slow query <*> ms on ledger", &[(30, 1, 3)]) },
    ];
    tell(&mut model, &asked, Ok(Mined { lines, ..mined(patterns, (0, 30)) }));
    model
}

/// Presses keys, each after a frame that showed the last lines of so many.
fn press_seeing(model: &mut Model, rows: usize, intents: &[Intent]) {
    for intent in intents {
        let of = shown(model).lines.len();
        let window = model.look.pane.window(of, rows);
        let extent = if of > rows { Extent::Part { from: window.start, to: window.end, of } } else { Extent::Whole };
        let drawn = Drawn::of(model, extent);
        update(model, Msg::Drawn(drawn));
        update(model, Msg::Intent(*intent));
    }
}

fn press(model: &mut Model, intents: &[Intent]) {
    press_seeing(model, usize::MAX, intents);
}

fn types(model: &mut Model, text: &str) {
    press(model, &[Intent::Filter]);
    assert!(model.is_typing());
    for c in text.chars() {
        update(model, Msg::Typed(c));
    }
}

fn shown(model: &Model) -> Shown<'_> {
    look::shown(model, &payments()).unwrap_or_else(|| panic!("no lines"))
}

fn texts(model: &Model) -> Vec<&str> {
    shown(model).lines.iter().map(|line| line.text.as_str()).collect()
}

/// What is asked besides what everybody is.
fn own(model: &Model) -> Vec<Lines> {
    let base = &model.logs[&payments().id].asked;
    let all = wants(model).questions.into_iter().filter_map(|(_, question)| match question {
        Question::Lines(asked) => Some(asked),
        _ => None,
    });
    let all: Vec<Lines> = all.collect();
    assert!(model.nav.screen() == &Screen::Board || all.contains(base), "what everybody is asked for goes on");
    all.into_iter().filter(|asked| asked != base).collect()
}

#[test]
fn the_level_goes_round_and_a_line_that_does_not_say_how_bad_it_is_is_never_hidden() {
    let mut model = reading();
    assert_eq!((model.look.level, own(&model)), (Some(Level::Warn), vec![]));
    press(&mut model, &[Intent::Level]);
    assert_eq!(texts(&model), ["ERROR card vault timeout after 3002 ms", "no level at all", "ERROR disk"]);
    let [asked] = own(&model).try_into().unwrap();
    assert_eq!(
        (asked.level, asked.follow, asked.window),
        (Some(Level::Error), true, model.logs[&payments().id].asked.window)
    );
    press(&mut model, &[Intent::Level]);
    let [asked] = own(&model).try_into().unwrap();
    assert_eq!((asked.level, texts(&model).len(), shown(&model).waits), (None, 4, true));
    let info = Mined { begins: true, lines: vec![line(5, "1.42.0", "INFO started")], ..Mined::default() };
    tell(&mut model, &asked, Ok(info));
    assert_eq!((texts(&model), shown(&model).waits), (vec!["INFO started"], false));
    press(&mut model, &[Intent::Level]);
    assert_eq!((texts(&model).len(), own(&model)), (4, vec![]), "round once");
}

#[test]
fn one_version_is_asked_for_as_its_source_calls_it_and_shown_by_itself() {
    let mut model = reading();
    press(&mut model, &[Intent::Side]);
    assert_eq!(texts(&model), ["ERROR card vault timeout after 3002 ms", "no level at all"]);
    let versions = |model: &Model| own(model).into_iter().flat_map(|asked| asked.versions).collect::<Vec<_>>();
    assert_eq!(versions(&model), ["1.42.0"]);
    let patterns = look::patterns(&model, &payments(), &shown(&model));
    assert_eq!(patterns.iter().map(|one| one.pattern.number).collect::<Vec<_>>(), [0, 1], "it writes both");
    press(&mut model, &[Intent::Side]);
    assert_eq!((texts(&model).len(), versions(&model)), (2, vec!["1.41.3".to_owned()]));
    let patterns = look::patterns(&model, &payments(), &shown(&model));
    assert_eq!(patterns.iter().map(|one| one.pattern.number).collect::<Vec<_>>(), [1]);
    press(&mut model, &[Intent::Side]);
    assert_eq!((texts(&model).len(), own(&model)), (4, vec![]));
}

#[test]
fn what_is_looked_for_is_asked_for_once_it_is_typed_and_until_then_found_in_what_is_here() {
    let mut model = reading();
    types(&mut model, "VAULTS");
    assert_eq!((texts(&model).len(), own(&model)), (4, vec![]), "nothing is asked for while it is typed");
    press(&mut model, &[Intent::Erase, Intent::Send]);
    let [asked] = own(&model).try_into().unwrap();
    assert_eq!((asked.text.as_str(), asked.level), ("VAULT", Some(Level::Warn)));
    assert_eq!(texts(&model), ["ERROR card vault timeout after 3002 ms"]);
    let patterns = look::patterns(&model, &payments(), &shown(&model));
    assert_eq!(patterns.iter().map(|one| one.pattern.number).collect::<Vec<_>>(), [0]);
    let lines = vec![line(-900, "1.42.0", "ERROR vault"), line(-800, "1.42.0", "ERROR vault again")];
    tell(&mut model, &asked, Ok(Mined { begins: true, lines, ..Mined::default() }));
    assert_eq!(texts(&model), ["ERROR vault", "ERROR vault again"], "they were no longer here");
    press(&mut model, &[Intent::Back]);
    assert_eq!((texts(&model).len(), own(&model), model.look.text()), (4, vec![], ""));
    assert!(matches!(model.nav.screen(), Screen::Logs { .. }));
}

#[test]
fn the_next_error_is_found_forwards_and_backwards_and_with_a_text_the_next_line_that_holds_it() {
    let mut model = reading();
    let found = |model: &Model| model.look.pane.found();
    press(&mut model, &[Intent::FindNext]);
    assert_eq!(found(&model), Some(1));
    press(&mut model, &[Intent::FindNext]);
    assert_eq!(found(&model), Some(3));
    press(&mut model, &[Intent::FindBefore]);
    assert_eq!(found(&model), Some(1));
    types(&mut model, "nothing says this");
    press(&mut model, &[Intent::Send, Intent::FindNext]);
    assert_eq!(model.notice.as_ref().unwrap().text, "there are no lines here");
    press(&mut model, &[Intent::Back]);
    types(&mut model, "ms");
    press(&mut model, &[Intent::Send]);
    assert_eq!((texts(&model).len(), found(&model)), (2, Some(1)), "the newest of them");
    press(&mut model, &[Intent::FindBefore]);
    assert_eq!(found(&model), Some(0));
}

#[test]
fn a_pattern_opens_its_own_lines_by_what_they_have_in_common() {
    let mut model = reading();
    press(&mut model, &[Intent::Down, Intent::Open]);
    assert_eq!((model.look.text(), texts(&model)), ("WARN slow query", vec!["WARN slow query 231 ms on ledger"]));
    press(&mut model, &[Intent::Back, Intent::Section, Intent::Up, Intent::Open]);
    assert_eq!(model.look.text(), "ERROR card vault timeout after");
    // Where there is more than a blank between its words, by the longest of them.
    let spaced = Pattern { example: "card  vault".to_owned(), ..pattern(7, "card vault", &[(30, 1, 0)]) };
    let mut logs = Logs::new("logs".into(), own(&model).remove(0), "c0ffee".to_owned());
    logs.take(at(0), mined(vec![spaced], (0, 30)));
    assert_eq!(look::in_common(&standing(&model, &payments(), &logs)[0]), "vault");
}

#[test]
fn a_line_opens_those_of_its_pod_around_it_which_are_read_once_and_closes_them_again() {
    let mut model = reading();
    press(&mut model, &[Intent::Section, Intent::Open]);
    assert_eq!(model.notice.as_ref().unwrap().text, "no line is marked: j or k marks one");
    press(&mut model, &[Intent::FindNext, Intent::Open]);
    let [asked] = own(&model).try_into().unwrap();
    let around = (asked.pod.as_deref(), asked.level, asked.window.from, asked.window.to, asked.follow);
    assert_eq!(around, (Some("pod-of-1.42.0"), None, at(2 - 60), at(4), false));
    let lines: Vec<_> = (0..40).map(|n| line(2 - n, "1.42.0", "INFO step")).rev().collect();
    let lines =
        [lines, vec![line(2, "1.42.0", "ERROR card vault timeout after 3002 ms"), line(3, "1.42.0", "INFO next")]];
    tell(&mut model, &asked, Ok(Mined { begins: true, lines: lines.concat(), ..Mined::default() }));
    let around = model.look.around.as_ref().unwrap();
    assert_eq!((around.pane.found(), around.logs.lines.len(), own(&model)), (Some(40), 42, vec![]));
    press(&mut model, &[Intent::Level]);
    assert_eq!(model.look.level, Some(Level::Warn), "they are all of them, whatever is filtered");
    press(&mut model, &[Intent::Back]);
    assert_eq!((&model.look.around, texts(&model).len(), model.look.pane.found()), (&None, 4, Some(1)));
}

#[test]
fn whoever_reads_lines_stays_at_them_whatever_comes_in_before_or_after() {
    let mut model = reading();
    let asked = model.logs[&payments().id].asked.clone();
    let many = |from: i64, to: i64| (from..to).map(|n| line(n, "1.42.0", &format!("line {n}"))).collect::<Vec<_>>();
    tell(&mut model, &asked, Ok(Mined { lines: many(100, 200), ..Mined::default() }));
    press_seeing(&mut model, 10, &[Intent::Section, Intent::Up, Intent::PageUp, Intent::PageUp]);
    let marked = |model: &Model| {
        let lines = shown(model).lines;
        let place = model.look.pane.found().unwrap();
        (lines[place].text.clone(), lines[model.look.pane.window(lines.len(), 10).start].text.clone())
    };
    let before = marked(&model);
    assert_eq!(before, ("line 181".to_owned(), "line 181".to_owned()));
    tell(&mut model, &asked, Ok(Mined { lines: many(10, 60), ..Mined::default() }));
    tell(&mut model, &asked, Ok(Mined { lines: many(200, 900), ..Mined::default() }));
    assert_eq!((marked(&model), model.look.pane.follows()), (before, false));
    press_seeing(&mut model, 10, &[Intent::Follow]);
    assert!(model.look.pane.follows());
    // What is gone is gone: they stand at the oldest that there is.
    press_seeing(&mut model, 10, &[Intent::Top, Intent::Down]);
    tell(&mut model, &asked, Ok(Mined { lines: many(900, 3_000), ..Mined::default() }));
    assert_eq!((model.look.pane.stands(), texts(&model)[0]), ((Some(0), None), "line 2000"));
}

#[test]
fn another_release_is_looked_at_from_the_start_and_lines_are_asked_for_before_a_card_is_sent() {
    let mut model = reading();
    press(&mut model, &[Intent::Level, Intent::Back, Intent::Back]);
    assert_eq!((model.nav.screen(), own(&model).len()), (&Screen::Board, 0));
    assert_eq!(asked(&model), None);
    model.nav.overlay = Some(Overlay::Why(payments().id));
    assert!(asked(&model).is_some(), "whoever asks why sees what its version writes");
}

#[test]
fn what_only_one_version_was_asked_for_is_never_called_that_versions_alone() {
    let mut model = reading();
    press(&mut model, &[Intent::Side]);
    let [asked] = own(&model).try_into().unwrap();
    let slow = Pattern { level: Some(Level::Warn), ..pattern(0, "WARN slow query <*> ms on ledger", &[(30, 1, 0)]) };
    tell(&mut model, &asked, Ok(mined(vec![slow], (0, 30))));
    assert!(!shown(&model).waits);
    let patterns = look::patterns(&model, &payments(), &shown(&model));
    let lines = patterns.iter().map(|one| (one.pattern.text.as_str(), one.lines.0, one.lines.1)).collect::<Vec<_>>();
    assert_eq!(lines, [("ERROR card vault timeout after <*> ms", 20, 0), ("WARN slow query <*> ms on ledger", 1, 3)]);
}
