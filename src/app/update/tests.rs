//! What changes the model and how, message by message: keys, observations, the ends of acts.

use std::{collections::BTreeMap, time::Duration};

use super::*;
use crate::{
    app::{
        card::Card,
        model::{Overlay, Screen},
        sample::{acted, ask, blind, draft, go, hears, measures, now, payments, see, seeing, source, types},
        store::SourceInfo,
        wants::wants,
    },
    domain::{
        ids::ServiceName,
        object::{Family, ObjectId},
        objective::{Objective, Slo},
        observed::{Fault, FaultKind},
        rollout::{Phase, Role, Rollout},
        signal::{Counts, ServiceSignals, VersionSignals},
        standard::Standard,
        verb::Verb,
    },
    port::{
        facet::Window,
        inventory::{Part, Scope},
        lookup::{Question, Told, Topic},
        plan::{Ask, Friction, Plan},
        record::{ActionNews, Entry, Record, RecordId, Stage},
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

fn drafted(model: &mut Model, rollout: &Rollout, verb: Verb) {
    update(model, Msg::Drafted { ask: ask(verb), draft: Box::new(Ok(draft(rollout, verb))), then: Vec::new() });
}

fn for_errors() -> Ask {
    Ask { reason: Some("errors".to_owned()), ..ask(Verb::Rollback) }
}

fn card(model: &Model) -> &Card {
    match &model.nav.overlay {
        Some(Overlay::Card(card)) => card,
        other => panic!("no card is open but {other:?}"),
    }
}

fn refusal(model: &Model) -> Vec<String> {
    match &model.nav.overlay {
        Some(Overlay::Refused(refusal)) => refusal.reasons.clone(),
        other => panic!("nothing was refused: {other:?}"),
    }
}

#[test]
fn rolling_back_takes_three_keys_and_makes_exactly_one_execute() {
    let mut model = seeing(vec![payments()]);
    assert_eq!(press(&mut model, &[Intent::Do(Verb::Rollback)]), [Effect::Draft(ask(Verb::Rollback))]);
    drafted(&mut model, &payments(), Verb::Rollback);
    assert_eq!(card(&model).plan.friction, Friction::Reason);
    types(&mut model, "1");
    let effects = press(&mut model, &[Intent::Send]);
    let [Effect::Execute(confirmed)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(confirmed.record().reason.as_deref(), Some("errors"));
    assert_eq!(confirmed.record().who, "dana".into());
    assert_eq!(model.nav.overlay, None);
    assert_eq!(press(&mut model, &[Intent::Send]), [], "Enter again sends nothing");
}

#[test]
fn a_reason_that_is_picked_is_drafted_so_that_it_reaches_the_system() {
    let mut model = seeing(vec![payments()]);
    press(&mut model, &[Intent::Do(Verb::Rollback)]);
    drafted(&mut model, &payments(), Verb::Rollback);
    assert_eq!(update(&mut model, Msg::Typed('1')), [Effect::Draft(for_errors())]);
    assert_eq!(press(&mut model, &[Intent::Send]), [], "nothing was drawn up for it yet");
    assert_eq!(model.notice.as_ref().unwrap().text, "it is drawn up anew for what was changed");
    let mut commented = draft(&payments(), Verb::Rollback);
    commented.undo = "with a comment".to_owned();
    update(&mut model, Msg::Drafted { ask: for_errors(), draft: Box::new(Ok(commented)), then: Vec::new() });
    let effects = press(&mut model, &[Intent::Send]);
    let [Effect::Execute(confirmed)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(confirmed.record().plan.draft.undo, "with a comment; only with --force, for it is left by then");
}

#[test]
fn a_plan_for_what_was_asked_before_is_not_sent() {
    let mut model = seeing(vec![payments()]);
    press(&mut model, &[Intent::Do(Verb::Rollback)]);
    drafted(&mut model, &payments(), Verb::Rollback);
    types(&mut model, "1");
    let mut stale = card(&model).clone();
    stale.ask.reason = Some("latency".to_owned());
    let refusal = crate::app::guard::confirm(&model, &stale).unwrap_err();
    assert!(refusal.changed);
    assert_eq!(refusal.reasons, ["it was drawn up for something else than is asked now: ask for it again"]);
}

#[test]
fn what_services_are_held_to_is_known_once_it_was_told() {
    let mut model = seeing(vec![payments()]);
    assert_eq!(model.standards, BTreeMap::new());
    let requests = Objective::new(0.999, Duration::from_hours(720)).unwrap();
    let standard = Standard { slo: Some(Slo { requests, latency: None }), rules: Vec::new() };
    let standards = BTreeMap::from([("payments".into(), standard)]);
    let told = Msg::Standards(standards.clone());
    let recorded = serde_json::to_string(&told).unwrap();
    assert_eq!(update(&mut model, serde_json::from_str(&recorded).unwrap()), []);
    assert_eq!(model.standards, standards);
}

#[test]
fn what_is_typed_after_the_key_that_filters_is_text_wherever_that_key_is_pressed() {
    for before in [vec![], vec![Intent::Open], vec![Intent::Help], vec![Intent::Open, Intent::Why]] {
        let mut model = seeing(vec![payments()]);
        press(&mut model, &before);
        press(&mut model, &[Intent::Filter]);
        let seen = (model.nav.screen(), &model.nav.overlay, model.nav.filtering);
        assert_eq!(seen, (&Screen::Board, &None, true), "{before:?}");
        update(&mut model, Msg::Typed('r'));
        assert_eq!((model.nav.filter.as_str(), &model.nav.overlay), ("r", &None));
    }
}

#[test]
fn the_next_key_does_nothing_where_the_row_that_was_acted_on_is_gone() {
    let other = |name: &str| {
        let id = ObjectId::new(&payments().id.source, "argo_rollouts", format!("shop/{name}"));
        Rollout { id, service: name.into(), ..payments() }
    };
    let mut model = seeing(vec![payments(), other("search")]);
    press(&mut model, &[Intent::Do(Verb::Rollback)]);
    drafted(&mut model, &payments(), Verb::Rollback);
    press(&mut model, &[Intent::Back]);
    see(&mut model, now(), vec![other("search")]);
    assert_eq!(press(&mut model, &[Intent::Do(Verb::Rollback)]), []);
    assert_eq!(
        model.notice.as_ref().unwrap().text,
        "the row you were on is gone: j or k chooses another; nothing to roll back here"
    );
    let chosen = press(&mut model, &[Intent::Down, Intent::Do(Verb::Rollback)]);
    assert!(matches!(chosen.as_slice(), [Effect::Draft(ask)] if ask.target == other("search").id), "{chosen:?}");
}

#[test]
fn enter_without_a_reason_says_what_is_missing_and_sends_nothing() {
    let mut model = seeing(vec![payments()]);
    press(&mut model, &[Intent::Do(Verb::Rollback)]);
    drafted(&mut model, &payments(), Verb::Rollback);
    assert_eq!(press(&mut model, &[Intent::Send]), []);
    assert_eq!(model.notice.as_ref().unwrap().text, "choose a reason, 1 to 5");
    assert_eq!(card(&model).reason, None);
}

#[test]
fn going_forward_needs_the_commit_read_back() {
    let mut model = seeing(vec![payments()]);
    // Nothing is measured in this model, which policy would refuse: this test is about the card alone.
    go(&mut model);
    press(&mut model, &[Intent::Do(Verb::Promote)]);
    drafted(&mut model, &payments(), Verb::Promote);
    assert_eq!(card(&model).plan.friction, Friction::ReadBack("a1b2".to_owned()));
    types(&mut model, "a1b3");
    assert_eq!(press(&mut model, &[Intent::Send]), []);
    press(&mut model, &[Intent::Erase]);
    types(&mut model, "2");
    assert_eq!(press(&mut model, &[Intent::Send]).len(), 1);
}

#[test]
fn a_version_that_moves_under_an_open_card_voids_it_and_names_both() {
    let mut model = seeing(vec![payments()]);
    press(&mut model, &[Intent::Do(Verb::Rollback)]);
    drafted(&mut model, &payments(), Verb::Rollback);
    types(&mut model, "1");
    let mut moved = payments();
    moved.identity.canary_hash = "d00d".to_owned();
    moved.canary = moved.canary.map(|version| version.at_commit("c3d4e5f60718293a4b5c6d7e8f901234567890ab"));
    assert_eq!(see(&mut model, now(), vec![moved.clone()]), [Effect::Draft(for_errors())]);
    update(
        &mut model,
        Msg::Drafted { ask: for_errors(), draft: Box::new(Ok(draft(&moved, Verb::Rollback))), then: Vec::new() },
    );
    let words = "moved 1.42.0 (a1b2c3d) → 1.42.0 (c3d4e5f), approval void";
    assert_eq!(card(&model).moved.as_deref(), Some(words));
    assert_eq!(press(&mut model, &[Intent::Send]), []);
    assert_eq!(refusal(&model), [words]);
}

#[test]
fn a_second_verb_on_a_running_action_is_refused_by_name_and_time() {
    let mut model = seeing(vec![payments()]);
    press(&mut model, &[Intent::Do(Verb::Rollback)]);
    drafted(&mut model, &payments(), Verb::Rollback);
    types(&mut model, "1");
    let effects = press(&mut model, &[Intent::Send]);
    let [Effect::Execute(confirmed)] = effects.as_slice() else { panic!("{effects:?}") };
    let record = Record { id: RecordId(7), intent: confirmed.record().clone(), entries: Vec::new() };
    update(&mut model, Msg::Recorded(Box::new(record)));
    assert_eq!(press(&mut model, &[Intent::Do(Verb::Rollback)]), []);
    assert_eq!(refusal(&model), ["already under way: roll back (dana, 02:07:30)"]);
    let done = Entry { at: now(), stage: Stage::Done { said: "12 of 12 pods, verified".to_owned() } };
    let ended = update(&mut model, Msg::Action(ActionNews { record: RecordId(7), entry: done }));
    assert_eq!(ended, [Effect::Hurry("kubernetes-eu".into())]);
    assert_eq!(press(&mut model, &[Intent::Back, Intent::Do(Verb::Rollback)]), [Effect::Draft(ask(Verb::Rollback))]);
}

#[test]
fn a_hung_cluster_refuses_forward_verbs_and_keeps_the_way_back_open() {
    let mut model = seeing(vec![payments()]);
    go(&mut model);
    let fault = Fault::new(now() + Duration::from_secs(9), FaultKind::TimedOut, "no answer within 4 s");
    update(&mut model, Msg::Tick(fault.at));
    hears(&mut model, ("kubernetes-eu", "argo_rollouts"), fault.at, Err(fault.clone()));
    press(&mut model, &[Intent::Do(Verb::Promote)]);
    let said = [
        "NO DATA: verdict GO is 9 s old: kubernetes-eu has told nothing since 02:07:30",
        "kubernetes-eu is failing: last good answer 9 s ago; no answer within 4 s",
    ];
    assert_eq!(refusal(&model), said);
    assert_eq!(press(&mut model, &[Intent::Back, Intent::Do(Verb::Rollback)]), [Effect::Draft(ask(Verb::Rollback))]);
}

#[test]
fn a_canary_that_nobody_measures_is_not_promoted() {
    let mut model = seeing(vec![payments()]);
    assert_eq!(press(&mut model, &[Intent::Do(Verb::Promote)]), []);
    assert!(refusal(&model)[0].starts_with("verdict NO DATA"), "{:?}", refusal(&model));
}

#[test]
fn signals_of_services_in_flight_are_asked_for_once_an_interval_and_again_after_a_failure() {
    let at = |text: &str| text.parse::<crate::domain::time::Timestamp>().unwrap();
    let mut model = blind();
    assert_eq!(update(&mut model, Msg::Tick(now())), []);
    see(&mut model, now(), vec![payments()]);
    let window = |from: &str, to: &str| Window { from: at(from), to: at(to), step: Duration::from_secs(30) };
    let asked_at = |model: &mut Model, seconds| {
        update(model, Msg::Tick(now() + Duration::from_secs(seconds)));
        wants(model).questions.into_iter().collect::<Vec<_>>()
    };
    let question = |window| {
        ("prometheus".into(), Question::Signals { services: vec!["payments".into()], window, environment: None })
    };
    let answer = || ServiceSignals {
        service: "payments".into(),
        environment: "".into(),
        step: Duration::from_secs(30),
        versions: Vec::new(),
    };
    let backfill = window("2026-03-10T01:32:00Z", "2026-03-10T02:07:00Z");
    assert_eq!(asked_at(&mut model, 1), [question(backfill)]);
    assert_eq!(asked_at(&mut model, 40), [question(backfill)], "it has not been answered");
    update(&mut model, measures("prometheus", now(), backfill, Ok(vec![answer()])));
    assert_eq!(wants(&model).questions, [].into());
    let next = window("2026-03-10T02:07:00Z", "2026-03-10T02:08:00Z");
    assert_eq!(asked_at(&mut model, 41), [question(next)]);
    let fault = Fault::new(now(), FaultKind::Unreachable, "connection refused");
    let (source, question_then) = question(next);
    update(&mut model, Msg::Told { source, at: now(), question: question_then, told: Err(fault) });
    assert_eq!(wants(&model).questions, [].into());
    let both = window("2026-03-10T02:07:00Z", "2026-03-10T02:08:30Z");
    assert_eq!(asked_at(&mut model, 70), [question(both)]);
}

#[test]
fn a_source_of_signals_that_fails_is_asked_again_and_none_of_the_others_is() {
    let mut session = blind().session;
    session.sources.push(SourceInfo { answers: vec![Topic::Signals], ..source("thanos", &[], 5) });
    let mut model = Model::new(session, now(), (120, 36));
    see(&mut model, now(), vec![payments()]);
    let open = |model: &Model| wants(model).questions.into_iter().collect::<Vec<_>>();
    update(&mut model, Msg::Tick(now() + Duration::from_secs(1)));
    let [(one, question), (other, _)] = open(&model).try_into().unwrap();
    assert_eq!((one.as_str(), other.as_str()), ("prometheus", "thanos"));
    let Question::Signals { services, window, .. } = question.clone() else { panic!("{question:?}") };
    let signals = |service: &ServiceName| ServiceSignals {
        service: service.clone(),
        environment: "".into(),
        step: window.step,
        versions: Vec::new(),
    };
    let told = Ok(Told::Signals(services.iter().map(signals).collect()));
    update(&mut model, Msg::Told { source: one, at: now(), question: question.clone(), told });
    let fault = Fault::new(now(), FaultKind::Unreachable, "connection refused");
    update(&mut model, Msg::Told { source: other.clone(), at: now(), question: question.clone(), told: Err(fault) });
    update(&mut model, Msg::Tick(now() + Duration::from_secs(2)));
    assert_eq!(open(&model), [(other, question)]);
}

#[test]
fn a_version_that_a_newer_answer_leaves_out_loses_only_that_window() {
    let mut model = seeing(vec![payments()]);
    let from = now() - Duration::from_mins(2);
    let counts = |i: u32| Counts {
        from: from + Duration::from_secs(30) * i,
        to: from + Duration::from_secs(30) * (i + 1),
        requests: 100,
        errors: 1,
    };
    let signals = |i: std::ops::Range<u32>| ServiceSignals {
        service: "payments".into(),
        environment: "".into(),
        step: Duration::from_secs(30),
        versions: vec![VersionSignals {
            label: "1.42.0".to_owned(),
            counts: i.map(counts).collect(),
            ..Default::default()
        }],
    };
    let window = |a: u32, b: u32| Window {
        from: from + Duration::from_secs(30) * a,
        to: from + Duration::from_secs(30) * b,
        step: Duration::from_secs(30),
    };
    let take = |model: &mut Model, window, signals| {
        update(model, measures("prometheus", now(), window, Ok(vec![signals])));
    };
    take(&mut model, window(0, 4), signals(0..4));
    take(&mut model, window(3, 4), signals(0..0));
    let (_, kept) = model.store.signals(&payments()).unwrap();
    assert_eq!(kept.versions[0].counts, signals(0..3).versions[0].counts);
}

#[test]
fn a_canary_that_was_judged_keeps_its_curve_after_it_was_taken_back_until_another_is_judged() {
    let mut model = seeing(vec![payments()]);
    let version = |tag: &str| VersionSignals { label: tag.to_owned(), ..Default::default() };
    let window = Window { from: now() - Duration::from_mins(2), to: now(), step: Duration::from_secs(30) };
    let signals = ServiceSignals {
        service: "payments".into(),
        environment: "".into(),
        step: window.step,
        versions: ["1.41.3", "1.42.0"].map(version).into(),
    };
    update(&mut model, measures("prometheus", now(), window, Ok(vec![signals])));
    let curve = |model: &Model, rollout: &Rollout, side| model.curve(rollout, side).map(|arm| arm.label.clone());
    let both = (Some("1.42.0".to_owned()), Some("1.41.3".to_owned()));
    let curves =
        |model: &Model, rollout: &Rollout| (curve(model, rollout, Role::Canary), curve(model, rollout, Role::Stable));
    assert_eq!((curves(&model, &payments()), model.taken_back(&payments())), (both.clone(), None));

    let mut back = payments();
    back.canary.clone_from(&back.stable);
    back.identity.canary_hash.clone_from(&back.identity.stable_hash);
    back.arms[0].role = Role::Old;
    see(&mut model, now(), vec![back.clone()]);
    assert_eq!(model.judgements.get(&back.id), None);
    assert_eq!((curves(&model, &back), model.arm(&back, Role::Canary)), (both, None));
    assert_eq!(model.taken_back(&back).map(|set| set.hash.as_str()), Some("c0ffee"));

    // The judged version serves now: it was promoted, not taken back.
    let mut promoted = back.clone();
    promoted.arms.remove(1);
    promoted.arms[0].role = Role::Stable;
    assert_eq!((curves(&model, &promoted), model.taken_back(&promoted)), ((None, Some("1.42.0".to_owned())), None));
    see(&mut model, now(), Vec::new());
    assert_eq!(model.taken_back(&back), None);
}

#[test]
fn who_opens_the_cockpit_after_a_version_was_taken_back_is_shown_it_for_as_long_as_that_is_watched() {
    let mut back = payments();
    back.canary.clone_from(&back.stable);
    back.identity.canary_hash.clone_from(&back.identity.stable_hash);
    (back.arms[0].role, back.phase, back.pause, back.settled) = (Role::Old, Phase::Healthy, None, Some(now()));
    let mut model = seeing(vec![back.clone()]);
    let done = Stage::Done { said: "verified".to_owned() };
    model.actions.recorded(acted((1, now()), ("dana", "errors"), Verb::Rollback, ("c0ffee", Some("ba5e")), done));
    assert_eq!(
        (model.judged.get(&back.id), model.taken_back(&back).map(|arm| arm.hash.as_str())),
        (None, Some("c0ffee"))
    );
    model.now += Duration::from_hours(2);
    assert_eq!(model.taken_back(&back), None);
}

#[test]
fn escape_leaves_one_thing_at_a_time_and_the_board_last() {
    let mut model = seeing(vec![payments()]);
    press(&mut model, &[Intent::Open, Intent::Help]);
    assert!(matches!(model.nav.screen(), Screen::Release(_)) && model.nav.overlay.is_some());
    press(&mut model, &[Intent::Back]);
    assert!(matches!(model.nav.screen(), Screen::Release(_)) && model.nav.overlay.is_none());
    press(&mut model, &[Intent::Back, Intent::Back, Intent::Back]);
    assert_eq!(*model.nav.screen(), Screen::Board);
}

#[test]
fn a_recording_of_messages_rebuilds_the_same_model() {
    let argo = || Family::new("argo_rollouts");
    let script = vec![
        Msg::Discovered { source: "kubernetes-eu".into(), inventory: argo(), scopes: Ok(vec![Scope::all(&argo())]) },
        Msg::Heard {
            source: "kubernetes-eu".into(),
            scope: Scope::all(&argo()),
            at: now(),
            due: now() + Duration::from_secs(5),
            parts: Ok(vec![Part::whole(argo(), [payments()])]),
        },
        Msg::Intent(Intent::Do(Verb::Rollback)),
        Msg::Drafted {
            ask: ask(Verb::Rollback),
            draft: Box::new(Ok(draft(&payments(), Verb::Rollback))),
            then: Vec::new(),
        },
        Msg::Typed('2'),
    ];
    let (mut live, mut replayed) = (blind(), blind());
    for msg in script {
        let text = serde_json::to_string(&msg).unwrap();
        update(&mut live, msg);
        update(&mut replayed, serde_json::from_str(&text).unwrap());
    }
    assert_eq!(live, replayed);
}

#[test]
fn what_a_script_expected_is_compared_with_what_the_verb_acts_on() {
    let model = seeing(vec![payments()]);
    let made = |verb| crate::app::guard::plan(&model, &ask(verb), Ok(draft(&payments(), verb))).unwrap();
    let plan: Plan = made(Verb::Rollback);
    assert_eq!(crate::app::guard::expect(&plan, "a1b2"), Ok(()));
    let refusal = crate::app::guard::expect(&plan, "1.41.3").unwrap_err();
    assert!(refusal.changed);
    assert_eq!(refusal.reasons, ["it would act on 1.42.0 (a1b2c3d), not on 1.41.3"]);
}
