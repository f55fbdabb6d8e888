//! What becomes of the lines of a release: which question is open, what is counted, tested and kept.

mod look;
mod proven;

use std::time::Duration;

use super::*;
use crate::{
    app::{
        intent::Intent,
        msg::Msg,
        sample::{measures, now, payments, seeing},
        store::SourceInfo,
        update::update,
        wants::wants,
    },
    domain::{
        line::Level,
        observed::FaultKind,
        signal::{Counts, ServiceSignals},
    },
    judge::pattern::Finding,
    port::{
        facet::Window,
        lookup::{Question, Told},
    },
};

const STEP: Duration = Duration::from_secs(30);

fn at(seconds: i64) -> Timestamp {
    now() - Duration::from_mins(10) + chrono::TimeDelta::seconds(seconds)
}

/// A release on screen, of a service whose lines somebody keeps.
fn looking() -> (Model, Lines) {
    let mut model = seeing(vec![payments()]);
    model.session.sources.push(SourceInfo {
        name: "logs".into(),
        inventories: Vec::new(),
        answers: vec![Topic::Lines],
        interval: Duration::from_secs(2),
        coverage: crate::domain::place::Coverage::default(),
    });
    model.session.signal_step = STEP;
    update(&mut model, Msg::Intent(Intent::Open));
    let asked = asked(&model).expect("a question is open");
    (model, asked)
}

fn asked(model: &Model) -> Option<Lines> {
    wants(model).questions.into_iter().find_map(|(_, question)| match question {
        Question::Lines(asked) => Some(asked),
        _ => None,
    })
}

fn tell(model: &mut Model, asked: &Lines, told: Result<Mined, Fault>) {
    let (source, question) = ("logs".into(), Question::Lines(asked.clone()));
    update(model, Msg::Told { source, at: model.now, question, told: told.map(Told::Mined) });
}

/// Lines of a pattern: how many the canary and stable wrote in each interval that ends so many seconds later.
fn pattern(number: u32, text: &str, lines: &[(i64, u64, u64)]) -> Pattern {
    let of = |side: fn(&(i64, u64, u64)) -> u64| {
        lines.iter().filter(|one| side(one) > 0).map(|one| (at(one.0), side(one))).collect::<BTreeMap<_, _>>()
    };
    let counts = [("1.42.0", of(|one| one.1)), ("1.41.3", of(|one| one.2))];
    Pattern {
        number,
        text: text.to_owned(),
        level: Some(Level::Error),
        example: text.to_owned(),
        first: at(1),
        last: at(2),
        counts: counts.into_iter().map(|(version, by_end)| (version.to_owned(), by_end)).collect(),
    }
}

fn mined(patterns: Vec<Pattern>, whole: (i64, i64)) -> Mined {
    let whole = vec![Span { from: at(whole.0), to: at(whole.1) }];
    Mined { begins: true, patterns, read: 100, whole, ..Mined::default() }
}

/// The requests of both versions in these intervals.
fn serve(model: &mut Model, ends: &[i64]) {
    let counts = |requests: u64| {
        let of = |end: &i64| Counts { from: at(end - 30), to: at(*end), requests, errors: 0 };
        ends.iter().map(of).collect()
    };
    let version = |label: &str, requests| VersionSignals {
        label: label.to_owned(),
        counts: counts(requests),
        ..VersionSignals::default()
    };
    let versions = vec![version("1.42.0", 720), version("1.41.3", 2160)];
    let signals = ServiceSignals { service: "payments".into(), environment: "".into(), step: STEP, versions };
    let window = Window { from: at(0), to: at(600), step: STEP };
    let told = measures("prometheus", model.now, window, Ok(vec![signals]));
    update(model, told);
}

/// So many lines of each version for each 1,000 requests of so many intervals.
fn rates(canary: u64, stable: u64, intervals: u64) -> Option<(f64, f64)> {
    let of = |errors, requests| Rate::per_thousand(Tally { requests: requests * intervals, errors });
    of(canary, 720).zip(of(stable, 2160))
}

fn standing_of(model: &Model) -> Vec<(String, (u64, u64, u64), Finding)> {
    let rollout = model.store.rollouts().next().unwrap();
    let logs = &model.logs[&rollout.id];
    standing(model, rollout, logs).into_iter().map(|one| (one.pattern.text.clone(), one.lines, one.finding)).collect()
}

#[test]
fn lines_are_asked_for_while_their_release_is_on_screen_and_the_question_stays_the_same() {
    let (mut model, first) = looking();
    assert_eq!((first.level, first.follow, first.service.as_str()), (Some(Level::Warn), true, "payments"));
    assert_eq!(first.window.to - first.window.from, chrono::TimeDelta::minutes(30));
    model.now += Duration::from_mins(1);
    update(&mut model, Msg::Tick(now() + Duration::from_mins(1)));
    assert_eq!(asked(&model), Some(first));
    update(&mut model, Msg::Intent(Intent::Back));
    assert_eq!(asked(&model), None);
}

#[test]
fn a_pattern_is_tested_against_the_requests_of_the_same_intervals_and_only_those_that_were_read_whole() {
    let (mut model, asked) = looking();
    let vault = pattern(0, "card vault timeout after <*> ms", &[(30, 20, 0), (60, 25, 0), (90, 30, 0)]);
    let slow = pattern(1, "slow query <*> ms", &[(30, 1, 3), (60, 1, 3)]);
    tell(&mut model, &asked, Ok(mined(vec![vault, slow], (0, 60))));
    let none = [
        ("card vault timeout after <*> ms".to_owned(), (75, 0, 0), Finding::Nothing),
        ("slow query <*> ms".to_owned(), (2, 6, 0), Finding::Nothing),
    ];
    assert_eq!(standing_of(&model), none, "nothing is known of the requests");
    serve(&mut model, &[30, 60, 90]);
    let rollout = payments();
    let all = standing(&model, &rollout, &model.logs[&rollout.id]);
    assert_eq!((all[0].finding, all[0].lines), (Finding::New, (75, 0, 0)));
    assert_eq!(all[0].per_thousand, rates(45, 0, 2), "the third interval was not read whole");
    assert_eq!((all[1].finding, all[1].per_thousand), (Finding::Nothing, rates(2, 6, 2)));
    // The rest of the third interval comes, and it is tested then.
    let more = pattern(0, "card vault timeout after <*> ms", &[(90, 5, 0)]);
    tell(&mut model, &asked, Ok(Mined { begins: false, ..mined(vec![more], (60, 90)) }));
    let all = standing(&model, &rollout, &model.logs[&rollout.id]);
    assert_eq!((all[0].lines, all[0].per_thousand), ((80, 0, 0), rates(80, 0, 3)));
}

#[test]
fn an_answer_that_begins_anew_replaces_what_was_counted_and_a_fault_leaves_it() {
    let (mut model, asked) = looking();
    let line = |count| mined(vec![pattern(0, "x", &[(30, count, 0)])], (0, 60));
    tell(&mut model, &asked, Ok(line(3)));
    let fault = Fault::new(now(), FaultKind::TimedOut, "too late");
    tell(&mut model, &asked, Err(fault.clone()));
    assert_eq!(standing_of(&model), [("x".to_owned(), (3, 0, 0), Finding::Nothing)]);
    assert_eq!(model.logs.values().next().unwrap().fault, Some(fault));
    tell(&mut model, &asked, Ok(line(2)));
    assert_eq!(standing_of(&model), [("x".to_owned(), (2, 0, 0), Finding::Nothing)]);
    let forgotten = Mined { forgotten: vec![0], ..Mined::default() };
    tell(&mut model, &asked, Ok(forgotten));
    assert_eq!(standing_of(&model), []);
}

#[test]
fn the_newest_lines_are_kept_in_order_whatever_order_they_come_in() {
    let (mut model, asked) = looking();
    let lines = |from: i64, to: i64| (from..to).map(|second| LogLine::new(at(second), "x")).collect::<Vec<_>>();
    for (from, to) in [(600, 1_200), (0, 600), (1_200, 1_400)] {
        tell(&mut model, &asked, Ok(Mined { lines: lines(from, to), ..Mined::default() }));
    }
    let kept: Vec<_> = model.logs.values().next().unwrap().lines.iter().map(|line| line.at).collect();
    assert_eq!((kept.len(), kept[0], *kept.last().unwrap()), (KEPT, at(400), at(1_399)));
    assert!(kept.is_sorted());
}
