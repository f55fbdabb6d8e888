//! Every screen and overlay as a frame, for the tests of what draws them.

use std::collections::BTreeMap;

use crate::{
    app::{
        card::Card,
        drawn::Drawn,
        guard::Refusal,
        intent::Intent,
        model::{Model, Overlay, Screen},
        msg::Msg,
        sample::{hears, source},
        store::SourceInfo,
        update::update,
    },
    domain::{
        line::{Level, LogLine, Pattern, Span},
        rollout::{Phase, Pods, Role, Rollout, Share, Strategy, Weight},
        verb::Verb,
        wave::{Order, Waves},
    },
    port::{
        fill::Given,
        inventory::Part,
        lookup::{Mined, Question, Told, Topic},
        record::Stage,
    },
    view::{
        View,
        sample::{ask, at, board, crowded, hung, keymap, now, payments, plan, record, under, unseen},
        view,
    },
};

fn opened(mut model: Model, screen: Screen) -> Model {
    model.nav.open(screen);
    model
}

fn refusal() -> Refusal {
    Refusal {
        verb: Verb::Promote,
        what: "payments in prod/eu".into(),
        reasons: vec![
            "verdict NO-GO: 3.1 % against 0.2 % on stable, n 29,800, ratio 15 (13–18)".into(),
            "kubernetes-eu is failing: last good answer 12 s ago; no answer within 4 s".into(),
        ],
        ways: vec!["roll back or abort".into(), "hold it where it is and find the cause".into()],
        changed: false,
        verdict: Some(crate::domain::evidence::Verdict::NoGo),
        forces: None,
        without: None,
    }
}

fn forward() -> Card {
    let mut card = Card::new(ask(Verb::Promote), plan(Verb::Promote));
    "a1b".chars().for_each(|c| card.typed(c));
    card
}

fn back() -> Card {
    let mut card = Card::new(ask(Verb::Rollback), plan(Verb::Rollback));
    card.typed('1');
    card.asked = card.ask.clone();
    card
}

fn moved() -> Card {
    let mut card = forward();
    card.moved = Some("moved 1.42.0 (a1b2c3d) → 1.42.1 (c3d4e5f), approval void".into());
    card
}

fn rolled_back(mut model: Model) -> Model {
    let stages = vec![
        Stage::Recorded,
        Stage::Accepted { call: 0, said: "200 OK".into(), given: Given::new() },
        Stage::Moving { said: "25 % → 0 %".into() },
        Stage::Done { said: "12 of 12 pods, verified".into() },
    ];
    update(&mut model, Msg::Recorded(Box::new(record(stages))));
    model
}

fn filtering(mut model: Model) -> Model {
    model.nav.filtering = true;
    model.nav.filter = "pay".into();
    model
}

/// The model, where the cluster tells of one object anew.
fn with(mut model: Model, rollout: Rollout) -> Model {
    hears(&mut model, ("kubernetes-eu", "argo_rollouts"), now(), Ok(vec![Part::changed(rollout)]));
    model
}

/// Payments taken back: the spec still holds it.
fn aborted() -> Rollout {
    let mut rollout = payments();
    (rollout.phase, rollout.aborted_in_spec, rollout.pause) = (Phase::Aborted, true, None);
    rollout.step = Some(0);
    rollout.weight = Weight { declared: 0, actual: Share::Told(0), max: 100 };
    rollout.message = Some("RolloutAborted: Rollout aborted update to revision 12".into());
    rollout
}

/// Payments put back: its canary is an old replica set, and nothing is on its way.
fn put_back() -> Rollout {
    let mut rollout = payments();
    rollout.canary = rollout.stable.clone();
    rollout.identity.canary_hash = rollout.identity.stable_hash.clone();
    let (canary, stable) = (0, 1);
    let gone = &mut rollout.arms[canary];
    (gone.role, gone.pods) = (Role::Old, Some(Pods::default()));
    let back = &mut rollout.arms[stable];
    (back.revision, back.earlier_revisions) = (Some(13), vec![11]);
    rollout.weight = Weight { declared: 100, actual: Share::Told(100), max: 100 };
    (rollout.phase, rollout.pause, rollout.step) = (Phase::Healthy, None, Some(8));
    rollout
}

/// Payments pod by pod, as a plain Deployment does it, held by a person.
fn rolling() -> Rollout {
    let mut rollout = payments();
    (rollout.strategy, rollout.steps, rollout.step, rollout.pause) = (Strategy::Rolling, Vec::new(), None, None);
    (rollout.phase, rollout.held, rollout.step_times) = (Phase::Paused, true, BTreeMap::new());
    // Another object: nobody took the steps of the one before away.
    rollout.identity.uid = "rolling".into();
    rollout
}

/// Payments in three cells and two waves: on its way in eu, with 1.41.3 in us, and in one of which nothing is known, for its
/// cluster was not read.
fn in_cells(mut model: Model) -> Model {
    let mut steady = put_back();
    steady.id.source = "kubernetes-us".into();
    steady.environment = "prod/us".into();
    steady.arms[1].created = Some(now() - chrono::TimeDelta::days(2));
    (steady.step_times, steady.started) = (BTreeMap::new(), None);
    let waves = vec![vec!["prod/ap".into()], vec!["prod/eu".into(), "prod/us".into()]];
    model.session.waves = Waves(vec![Order { waves, ..Order::default() }]);
    let unread = Part { unread: Some(vec!["namespace shop-ap: forbidden".to_owned()]), ..Part::changed(steady) };
    hears(&mut model, ("kubernetes-us", "argo_rollouts"), now(), Ok(vec![unread]));
    model
}

/// Somebody keeps what payments writes, and it was read: a new pattern, one that both versions write, and lines that a terminal
/// would obey.
fn written(mut model: Model) -> Model {
    model.session.sources.push(SourceInfo { answers: vec![Topic::Lines], ..source("logs", &[], 2) });
    update(&mut model, Msg::Tick(now()));
    let asked = model.logs[&payments().id].asked.clone();
    let end = at(2, 7, 0);
    let pattern = |number, text: &str, level, canary, stable| {
        let of = |version: &str, count| (version.to_owned(), BTreeMap::from([(end, count)]));
        let counts = BTreeMap::from([of("1.42.0", canary), of("1.41.3", stable)]);
        let (text, example) = (text.to_owned(), text.to_owned());
        Pattern { number, text, level: Some(level), example, first: at(1, 49, 7), last: end, counts }
    };
    let line = |second, version: &str, text: &str| LogLine {
        version: version.to_owned(),
        pod: "payments-7cc75-x2".to_owned(),
        ..LogLine::new(at(2, 7, second), text)
    };
    let mined = Mined {
        begins: true,
        lines: vec![
            line(1, "1.41.3", "WARN slow query 231 ms on ledger"),
            line(2, "1.42.0", "ERROR card vault timeout after 3002 ms"),
            line(3, "", "\u{1b}[2J\u{202e}no level, no version"),
        ],
        patterns: vec![
            pattern(0, "ERROR card vault timeout after <*> ms", Level::Error, 412, 0),
            pattern(1, "WARN slow query <*> ms on ledger", Level::Warn, 31, 90),
        ],
        read: 533,
        dropped: 7,
        whole: vec![Span { from: asked.window.from, to: now() }],
        ..Mined::default()
    };
    let question = Question::Lines(asked);
    update(&mut model, Msg::Told { source: "logs".into(), at: now(), question, told: Ok(Told::Mined(mined)) });
    model
}

/// Presses keys on the screen of logs, each after a frame that showed everything.
fn press(model: &mut Model, intents: &[Intent]) {
    for intent in intents {
        let drawn = Drawn::whole(model);
        update(model, Msg::Drawn(drawn));
        update(model, Msg::Intent(*intent));
    }
}

/// The screen of logs with everything filtered that can be.
pub(crate) fn filtered(columns: u16, rows: u16) -> View {
    let mut model = written(opened(board(columns, rows), Screen::Logs { rollout: payments().id }));
    press(&mut model, &[Intent::Level, Intent::Side, Intent::Filter]);
    for c in "Vault".chars() {
        update(&mut model, Msg::Typed(c));
    }
    press(&mut model, &[Intent::Send]);
    view(&model, &keymap())
}

/// A release where no connection measures anything.
pub(crate) fn unmeasured(columns: u16, rows: u16) -> View {
    let mut model = opened(board(columns, rows), Screen::Release(payments().id));
    model.session.sources.retain(|source| !source.measures());
    view(&model, &keymap())
}

/// The lines of a pod around one that is long.
pub(crate) fn around(columns: u16, rows: u16) -> View {
    let mut model = written(opened(board(columns, rows), Screen::Logs { rollout: payments().id }));
    press(&mut model, &[Intent::FindNext, Intent::Open]);
    let asked = model.look.around.as_ref().map(|around| around.logs.asked.clone());
    let asked = asked.unwrap_or_else(|| panic!("nothing is asked"));
    let line = |second, text: &str| LogLine {
        version: "1.42.0".to_owned(),
        pod: "payments-7cc75-x2".to_owned(),
        ..LogLine::new(at(2, 7, second), text)
    };
    let lines = vec![
        line(0, "INFO charging order 8206"),
        line(2, "ERROR card vault timeout after 3002 ms"),
        line(2, "INFO order 8206 is given back to its basket"),
    ];
    let mined = Mined { begins: true, lines, read: 3, ..Mined::default() };
    let question = Question::Lines(asked);
    update(&mut model, Msg::Told { source: "logs".into(), at: now(), question, told: Ok(Told::Mined(mined)) });
    view(&model, &keymap())
}

/// Every screen and overlay, by name.
pub(crate) fn frames(columns: u16, rows: u16) -> Vec<(&'static str, View)> {
    let start = || board(columns, rows);
    let release = || opened(start(), Screen::Release(payments().id));
    let models = vec![
        ("board", start()),
        ("board-unseen", unseen(columns, rows)),
        ("board-hung", hung(columns, rows)),
        ("board-crowded", crowded(columns, rows, 500)),
        ("board-after", rolled_back(start())),
        ("board-filtering", filtering(start())),
        ("release", release()),
        ("release-hung", opened(hung(columns, rows), Screen::Release(payments().id))),
        ("release-aborted", opened(with(start(), aborted()), Screen::Release(payments().id))),
        ("release-put-back", opened(with(start(), put_back()), Screen::Release(payments().id))),
        ("release-rolling", opened(with(start(), rolling()), Screen::Release(payments().id))),
        ("board-cells", in_cells(start())),
        ("release-cells", in_cells(release())),
        ("inbox", opened(start(), Screen::Inbox)),
        ("inbox-empty", opened(unseen(columns, rows), Screen::Inbox)),
        ("card-forward", under(release(), Overlay::Card(Box::new(forward())))),
        ("card-back", under(start(), Overlay::Card(Box::new(back())))),
        ("card-moved", under(release(), Overlay::Card(Box::new(moved())))),
        ("refused", under(start(), Overlay::Refused(refusal()))),
        ("why", under(start(), Overlay::Why(payments().id))),
        ("help", under(start(), Overlay::Help)),
        ("release-logs", written(release())),
        ("logs", written(opened(start(), Screen::Logs { rollout: payments().id }))),
    ];
    models.into_iter().map(|(name, model)| (name, view(&model, &keymap()))).collect()
}

/// Why of a release that nothing is compared with: a sheet of a sentence.
pub(crate) fn unjudged(columns: u16, rows: u16) -> View {
    let mut model = board(columns, rows);
    model.judgements.clear();
    view(&under(model, Overlay::Why(payments().id)), &keymap())
}

/// A service whose name is two hundred columns of CJK, and an event with no end.
pub(crate) fn endless(columns: u16, rows: u16) -> View {
    let mut rollout = payments();
    rollout.service = "支付".repeat(50).as_str().into();
    rollout.events[0].message = "very ".repeat(200);
    rollout.steps = (0..60).map(|_| rollout.steps[0].clone()).collect();
    view(&with(board(columns, rows), rollout), &keymap())
}
