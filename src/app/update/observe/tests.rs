//! However signals come, the verdicts in the model are those that all signals in the store give from scratch.

use proptest::prelude::*;

use super::*;
use crate::{
    app::{
        msg::Msg,
        sample::{hears, measures, now, payments, see, seeing},
        update::update,
        wants::wants,
    },
    domain::signal::{BucketCounts, Counts, Latency, LatencyCounts, PartCounts, Point, ServiceSignals, VersionSignals},
    port::{facet::Window, kept::KeptSignals, lookup::Question},
    words,
};

const STEP: Duration = Duration::from_secs(30);
const PODS: [(&str, &str); 3] = [("eu", "a"), ("eu", "b"), ("us", "c")];

/// An answer: the intervals that it covers, as numbers from where the last one ended, what it tells of the versions in each,
/// and which of the pods it knows.
#[derive(Clone, Debug)]
struct Told {
    back: i64,
    intervals: Vec<(u64, u64, u64)>,
    pods: usize,
    knows: (bool, bool),
}

fn answers() -> impl Strategy<Value = Vec<Told>> {
    let back = prop_oneof![5 => Just(0_i64), 1 => 1_i64..6];
    let errors = prop_oneof![4 => 0_u64..3, 1 => 0_u64..40];
    let intervals = proptest::collection::vec((1_u64..300, errors, 0_u64..9), 1..5);
    let pods = prop_oneof![5 => Just(3_usize), 1 => 1_usize..3];
    let knows = (proptest::bool::weighted(0.95), proptest::bool::weighted(0.95));
    let told =
        (back, intervals, pods, knows).prop_map(|(back, intervals, pods, knows)| Told { back, intervals, pods, knows });
    proptest::collection::vec(told, 1..12)
}

fn at(number: i64) -> Timestamp {
    now() + chrono::TimeDelta::seconds(30 * number)
}

/// What a version did from the interval with this number on.
fn version(label: &str, from: i64, told: &Told) -> VersionSignals {
    let counts = |share: u64| -> Vec<Counts> {
        let one = |(number, &(requests, errors, _)): (i64, &(u64, u64, u64))| Counts {
            from: at(number),
            to: at(number + 1),
            requests: requests * share,
            errors: errors.min(requests) * share,
        };
        (from..).zip(&told.intervals).map(one).collect()
    };
    let timed = |(number, &(requests, _, slow)): (i64, &(u64, u64, u64))| BucketCounts {
        from: at(number),
        to: at(number + 1),
        requests,
        within: vec![requests.saturating_sub(slow), requests.saturating_sub(slow / 3)],
    };
    let part = |&(stratum, pod): &(&str, &str)| PartCounts {
        stratum: stratum.to_owned(),
        pod: format!("{label}-{pod}"),
        counts: counts(1),
    };
    let intervals = (from..).zip(&told.intervals).map(timed).collect();
    VersionSignals {
        label: label.to_owned(),
        counts: counts(told.pods as u64),
        parts: PODS.iter().take(told.pods).map(part).collect(),
        latency_counts: vec![LatencyCounts { stratum: "eu".to_owned(), bounds: vec![0.1, 1.0], intervals }],
        ..VersionSignals::default()
    }
}

fn from_scratch(model: &Model) -> BTreeMap<ObjectId, Judgement> {
    let mut fresh = model.clone();
    fresh.folded.clear();
    judge_all(&mut fresh);
    fresh.judgements
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn verdicts_that_go_on_are_verdicts_from_scratch(answers in answers()) {
        let mut model = seeing(vec![payments()]);
        let mut end = -20;
        for told in answers {
            let from = end - told.back;
            let to = from + i64::try_from(told.intervals.len()).unwrap();
            end = end.max(to);
            let versions = [("1.42.0", told.knows.0), ("1.41.3", told.knows.1)].into_iter();
            let versions = versions.filter(|(_, knows)| *knows).map(|(label, _)| version(label, from, &told)).collect();
            let window = Window { from: at(from), to: at(to), step: STEP };
            let signals = Ok(vec![ServiceSignals { service: "payments".into(), environment: "".into(), step: STEP, versions }]);
            model.now = model.now.max(at(to));
            update(&mut model, measures("prometheus", at(to), window, signals));
            prop_assert_eq!(&model.judgements, &from_scratch(&model));
        }
        see(&mut model, at(end + 1), vec![payments()]);
        prop_assert_eq!(&model.judgements, &from_scratch(&model));
        prop_assert_eq!(model.judgements.len(), 1);
    }
}

/// What an old canary did in the interval with this number: bad on one of its pods for a while in its second hour, which is packed in its
/// fourth.
fn long(label: &str, number: i64) -> VersionSignals {
    let told = Told { back: 0, intervals: vec![(200, 1, number.unsigned_abs() % 7)], pods: 3, knows: (true, true) };
    let mut version = version(label, number, &told);
    if label == "1.42.0" && (150..240).contains(&number) {
        version.parts[1].counts[0].errors = 25;
        version.counts[0].errors += 24;
    }
    if number > 420 {
        // It is replaced: what it did is older than what is at hand.
        version.parts.remove(0);
    }
    version
}

#[test]
fn verdicts_on_what_is_packed_are_verdicts_from_scratch_on_all_of_it() {
    let started = at(0);
    let old = Rollout { started: Some(started), ..payments() };
    let mut model = seeing(vec![old]);
    let mut packed = 0;
    for number in 0..560 {
        // A pause of the source, longer than what is at hand.
        if (311..430).contains(&number) {
            continue;
        }
        let versions = ["1.42.0", "1.41.3"].map(|label| long(label, number)).into();
        let window = Window { from: at(number), to: at(number + 1), step: STEP };
        let signals = ServiceSignals { service: "payments".into(), environment: "".into(), step: STEP, versions };
        model.now = at(number + 1);
        update(&mut model, measures("prometheus", at(number + 1), window, Ok(vec![signals])));
        pay(&mut model);
        if number % 20 == 0 || number > 550 {
            assert_eq!(model.judgements, from_scratch(&model), "{number}");
        }
        let rollout = model.store.rollouts().next().unwrap();
        packed += usize::from(model.whole_arms(rollout).is_some());
    }
    assert!(packed > 200, "it was packed {packed} times");
}

/// Works out every verdict that is owed.
fn pay(model: &mut Model) {
    while !model.unjudged.is_empty() {
        update(model, Msg::Judge);
    }
}

#[test]
fn history_that_is_read_backwards_gives_the_same_verdict_and_nothing_goes_forward_before_it_is_worked_out() {
    let old = Rollout { started: Some(at(0)), ..payments() };
    let mut model = seeing(vec![old]);
    let id = payments().id;
    let hour = |from: i64| {
        let window = Window { from: at(from), to: at(from + 120), step: STEP };
        let mut all: Vec<VersionSignals> = ["1.42.0", "1.41.3"].map(|label| long(label, from)).into();
        for number in from + 1..from + 120 {
            for (all, new) in all.iter_mut().zip(["1.42.0", "1.41.3"].map(|label| long(label, number))) {
                all.counts.extend(new.counts);
                for part in new.parts {
                    match all.parts.iter_mut().find(|known| known.pod == part.pod) {
                        Some(known) => known.counts.extend(part.counts),
                        None => all.parts.push(part),
                    }
                }
            }
        }
        (window, ServiceSignals { service: "payments".into(), environment: "".into(), step: STEP, versions: all })
    };
    update(&mut model, Msg::Tick(at(480)));
    for from in [360, 240, 120, 0] {
        let (window, signals) = hour(from);
        update(&mut model, measures("prometheus", at(480), window, Ok(vec![signals])));
        let owed = from < 360;
        assert_eq!(model.unjudged.contains(&id), owed, "{from}");
        let promote = crate::app::sample::ask(crate::domain::verb::Verb::Promote);
        let against = crate::app::guard::ask(&model, promote).err().map(|refusal| refusal.reasons).unwrap_or_default();
        let said = "NO DATA: its verdict is being worked out anew, from hours of numbers".to_owned();
        assert_eq!(against.contains(&said), owed, "{against:?}");
        pay(&mut model);
        assert_eq!(model.judgements, from_scratch(&model), "{from}");
    }
    let rollout = model.store.rollouts().next().unwrap();
    let whole = model.whole_arms(rollout).unwrap().0.unwrap();
    let ends: Vec<_> = whole.counts.iter().map(|one| one.to).collect();
    assert_eq!(ends, (1..=480).map(at).collect::<Vec<_>>());
    assert_eq!(verdict(&model).0, Some(Verdict::NoGo));
}

/// Signals of both versions in half minutes from the first number to before the last: requests and errors in each.
fn told(
    from: i64,
    to: i64,
    canary: impl Fn(i64) -> (u64, u64),
    stable: impl Fn(i64) -> (u64, u64),
) -> (Window, ServiceSignals) {
    let version = |label: &str, counts: &dyn Fn(i64) -> (u64, u64)| {
        let one = |number| {
            let (requests, errors) = counts(number);
            Counts { from: at(number), to: at(number + 1), requests, errors }
        };
        let point = |number| Point { at: at(number + 1), value: 0.1 };
        VersionSignals {
            label: label.to_owned(),
            counts: (from..to).map(one).collect(),
            request_rate: (from..to).map(point).collect(),
            latency: Latency { p99: (from..to).map(point).collect(), ..Latency::default() },
            ..VersionSignals::default()
        }
    };
    let versions = vec![version("1.41.3", &stable), version("1.42.0", &canary)];
    (
        Window { from: at(from), to: at(to), step: STEP },
        ServiceSignals { service: "payments".into(), environment: "".into(), step: STEP, versions },
    )
}

fn tell(model: &mut Model, (window, signals): (Window, ServiceSignals)) {
    let at = window.to;
    update(model, Msg::Tick(at));
    update(model, measures("prometheus", at, window, Ok(vec![signals])));
}

fn alike(_: i64) -> (u64, u64) {
    (4000, 20)
}

fn verdict(model: &Model) -> (Option<Verdict>, Vec<String>) {
    let id = payments().id;
    let missing = model.judgements.get(&id).map(|it| it.missing.iter().map(words::missing).collect());
    (model.verdict(&id), missing.unwrap_or_default())
}

#[test]
fn a_verdict_that_nothing_new_is_told_of_becomes_old_in_words_and_no_evidence() {
    let mut model = seeing(vec![payments()]);
    tell(&mut model, told(-40, 0, alike, alike));
    assert_eq!(verdict(&model), (Some(Verdict::Go), vec![]));
    assert_eq!(model.judgements.values().next().and_then(|it| it.at), Some(at(0)));
    let id = payments().id;
    // The cluster goes on telling of its release; only what measures falls silent.
    let alive = |model: &mut Model, after: Duration| {
        update(model, Msg::Tick(at(2) + after));
        hears(model, ("kubernetes-eu", "argo_rollouts"), at(2) + after, Ok(Vec::new()));
    };
    alive(&mut model, Duration::from_secs(5));
    assert_eq!((model.verdict(&id), model.outdated(&id)), (Some(Verdict::Go), None));
    alive(&mut model, Duration::from_secs(15));
    let said = "verdict GO is 75 s old: prometheus has told nothing since 02:07:30";
    assert_eq!(
        (model.verdict(&id), model.outdated(&id).as_ref().map(words::outdated).as_deref()),
        (Some(Verdict::NoData), Some(said))
    );
    let against = crate::app::guard::against(&model, &id);
    assert_eq!(against, ["NO DATA: verdict GO is 75 s old: prometheus has told nothing since 02:07:30"]);
    // Nobody has to tell anything for it to be missing.
    update(&mut model, Msg::Tick(at(5)));
    let (word, missing) = verdict(&model);
    assert_eq!((word, missing[0].as_str()), (Some(Verdict::NoData), "requests (canary) has ended"));
}

#[test]
fn what_an_earlier_process_kept_is_history_until_the_source_has_answered_this_one() {
    let (window, signals) = told(-80, 0, alike, alike);
    let mut model = seeing(vec![payments()]);
    model.measuring.clear();
    update(&mut model, Msg::Kept(vec![KeptSignals { source: "prometheus".into(), window, signals }]));
    assert_eq!(verdict(&model), (Some(Verdict::NoData), vec!["prometheus has not answered yet".to_owned()]));
    // It is asked at once, although what was kept ends now.
    update(&mut model, Msg::Tick(now() + Duration::from_secs(5)));
    let newest = Window { from: at(-1), to: at(0), step: STEP };
    let question = Question::Signals { services: vec!["payments".into()], window: newest, environment: None };
    assert_eq!(wants(&model).questions, [("prometheus".into(), question)].into());
    let fault = Fault::new(now(), crate::domain::observed::FaultKind::Unreachable, "connection refused");
    update(&mut model, measures("prometheus", now(), newest, Err(fault)));
    let said = "prometheus has not answered: connection refused".to_owned();
    assert_eq!(verdict(&model), (Some(Verdict::NoData), vec![said]));
    tell(&mut model, told(-1, 0, alike, alike));
    assert_eq!(verdict(&model), (Some(Verdict::Go), vec![]));
}

#[test]
fn what_is_kept_for_a_restart_is_trimmed_to_a_day_and_forgotten_once_its_release_is_gone() {
    let mut model = seeing(vec![payments()]);
    let (earlier, kept) = told(-80, -40, alike, alike);
    update(&mut model, Msg::Kept(vec![KeptSignals { source: "prometheus".into(), window: earlier, signals: kept }]));
    let (window, signals) = told(-40, 0, alike, alike);
    let forgotten = |model: &mut Model| {
        let effects = update(model, measures("prometheus", now(), window, Ok(vec![signals.clone()])));
        let outlived = |effect| match effect {
            Effect::KeepSignals { outlived, .. } => Some((outlived.before, outlived.services)),
            _ => None,
        };
        effects.into_iter().find_map(outlived)
    };
    let a_day_before = window.to - Duration::from_hours(24);
    assert_eq!(forgotten(&mut model), Some((a_day_before, vec![])));
    see(&mut model, now(), Vec::new());
    assert_eq!(forgotten(&mut model), Some((a_day_before, vec!["payments".into()])));
}

#[test]
fn without_anything_that_measures_it_is_said_once_what_to_add() {
    let mut session = crate::app::sample::blind().session;
    session.sources.retain(|source| !source.measures());
    let mut model = Model::new(session, now(), (120, 36));
    see(&mut model, now(), vec![payments()]);
    let said = "no metrics are connected, so nothing can be judged: add a connection that measures (`holdshort \
                config schema` shows how)";
    assert_eq!(verdict(&model), (Some(Verdict::NoData), vec![said.to_owned()]));
}

#[test]
fn a_version_that_is_called_otherwise_is_told_by_the_names_that_are_there() {
    let mut model = seeing(vec![payments()]);
    let (window, mut signals) = told(-40, 0, alike, alike);
    signals.versions[1].label = "1.42".to_owned();
    tell(&mut model, (window, signals.clone()));
    let said = "payments has series of the versions 1.41.3, 1.42; none is called 1.42.0";
    assert_eq!(verdict(&model), (Some(Verdict::NoData), vec![said.to_owned()]));
    let mut model = seeing(vec![payments()]);
    signals.versions[1].label = "v1.42.0+b7".to_owned();
    tell(&mut model, (window, signals.clone()));
    assert_eq!(verdict(&model), (Some(Verdict::Go), vec![]));
    // Where all that there is belongs to another version, this one has no series.
    let mut model = seeing(vec![payments()]);
    signals.versions.pop();
    tell(&mut model, (window, signals));
    assert_eq!(verdict(&model).1[0], "requests (canary) has no series");
}

#[test]
fn a_version_that_is_tried_again_is_judged_by_what_it_does_now_and_its_harm_is_history() {
    let mut model = seeing(vec![payments()]);
    let bad = |_| (4000, 400);
    tell(&mut model, told(-30, 0, bad, alike));
    assert_eq!(verdict(&model).0, Some(Verdict::NoGo));
    let with = |phase| Rollout { phase, ..payments() };
    see(&mut model, at(0), vec![with(Phase::Aborted)]);
    assert_eq!(verdict(&model).0, Some(Verdict::NoGo), "what was taken back was bad");
    let refused = retry(&model, Phase::Aborted).unwrap_err();
    assert!(refused.reasons[0].starts_with("verdict NO-GO: errors 10 % against 0.5 %"), "{refused:?}");
    let ways = [
        "deploy a version that mends it: that is judged by what it does itself",
        "roll back, so that the spec no longer holds 1.42.0",
    ];
    assert_eq!(refused.ways, ways);
    tell(&mut model, told(0, 10, |_| (0, 0), alike));
    see(&mut model, at(10), vec![with(Phase::Progressing)]);
    let id = payments().id;
    assert_ne!(verdict(&model).0, Some(Verdict::NoGo));
    let against = crate::app::guard::against(&model, &id);
    assert_eq!(against, ["verdict NO DATA: not one request of the canary was measured yet"]);
    // It stands before what says only how sure the verdict is.
    tell(&mut model, told(10, 12, alike, alike));
    let doubts: Vec<String> = model.judgements[&id].doubts.iter().map(words::doubt).collect();
    assert!(doubts.len() > 1 && doubts[0].starts_with("an earlier attempt"), "{doubts:?}");
    tell(&mut model, told(12, 50, alike, alike));
    let judgement = &model.judgements[&id];
    assert_eq!((judgement.verdict, judgement.covers_from), (Verdict::Go, Some(at(10))));
    let history = judgement.doubts.iter().map(words::doubt).collect::<Vec<_>>().join(", ");
    assert!(
        history.starts_with("an earlier attempt of this version was NO-GO: errors 10 % against 0.5 %"),
        "{history}"
    );
    assert_eq!(model.judgements, from_scratch(&model));
}

/// May payments be tried again, by an engine that would?
fn retry(model: &Model, phase: Phase) -> Result<crate::port::plan::Ask, crate::app::guard::Refusal> {
    let offer = crate::domain::offer::Offer::open(crate::domain::verb::Verb::Retry, crate::domain::offer::Risk::High);
    let mut model = model.clone();
    let now = model.now;
    see(&mut model, now, vec![Rollout { phase, offers: vec![offer], ..payments() }]);
    crate::app::guard::ask(&model, crate::app::sample::ask(crate::domain::verb::Verb::Retry))
}

#[test]
fn a_good_version_that_was_taken_back_may_be_tried_again_although_nothing_is_measured_of_it_now() {
    let mut model = seeing(vec![payments()]);
    tell(&mut model, told(-40, 0, alike, alike));
    see(&mut model, at(0), vec![Rollout { phase: Phase::Aborted, ..payments() }]);
    let (window, mut signals) = told(0, 10, alike, alike);
    signals.versions.pop();
    tell(&mut model, (window, signals));
    assert_eq!(verdict(&model).0, Some(Verdict::NoData));
    assert!(retry(&model, Phase::Aborted).is_ok());
}

/// A rollout of which each step was seen to begin at these moments.
fn stepped(model: &mut Model, step: usize, number: i64) {
    see(model, at(number), vec![Rollout { step: Some(step), step_times: BTreeMap::new(), ..payments() }]);
}

#[test]
fn a_step_in_which_we_found_it_began_before_we_looked_however_often_we_look() {
    let mut model = seeing(vec![Rollout { step: Some(3), step_times: BTreeMap::new(), ..payments() }]);
    stepped(&mut model, 3, 10);
    stepped(&mut model, 3, 20);
    let id = model.store.rollouts().next().unwrap().id.clone();
    assert_eq!(model.step_times[&id], BTreeMap::new());
    stepped(&mut model, 4, 30);
    stepped(&mut model, 4, 40);
    assert_eq!(model.step_times[&id], BTreeMap::from([(4, at(30))]));
}

#[test]
fn each_share_of_the_traffic_is_held_against_its_own_step_from_when_that_was_done() {
    let mut model = seeing(vec![Rollout { step: Some(3), step_times: BTreeMap::new(), ..payments() }]);
    // 10 % until step 4 begins, which takes two minutes to bring 25 %; then 50 % at once.
    stepped(&mut model, 4, 20);
    stepped(&mut model, 5, 24);
    stepped(&mut model, 7, 60);
    let rollout = model.store.rollouts().next().unwrap().clone();
    let since = rollout.started.unwrap();
    assert_eq!(declared(&model, &rollout, since), [(at(20), 0.0), (at(24), 0.25), (at(60), 0.5)]);
    let share = |number: i64| match number {
        ..20 => 10,
        20..24 => 10 + (number - 20).unsigned_abs() * 4,
        24..60 => 25,
        _ => 50,
    };
    let canary = |number| (share(number) * 40, share(number) / 5);
    let stable = |number| ((100 - share(number)) * 40, (100 - share(number)) / 5);
    for end in [25, 40, 61, 62, 63, 70, 80] {
        tell(&mut model, told(-20, end, canary, stable));
        assert_eq!(model.judgements[&rollout.id].doubts, [], "until {end}");
    }
}

#[test]
fn the_steps_of_an_earlier_attempt_declare_nothing() {
    let mut model = seeing(vec![Rollout { step: Some(5), step_times: BTreeMap::new(), ..payments() }]);
    stepped(&mut model, 6, 10);
    stepped(&mut model, 7, 11);
    see(&mut model, at(20), vec![Rollout { phase: Phase::Aborted, ..payments() }]);
    let aborted = model.store.rollouts().next().unwrap().clone();
    assert_eq!(declared(&model, &aborted, at(-20)), []);
    stepped(&mut model, 0, 30);
    stepped(&mut model, 1, 31);
    let rollout = model.store.rollouts().next().unwrap().clone();
    assert_eq!(model.attempts[&rollout.id].began, Some(at(30)));
    assert_eq!(declared(&model, &rollout, at(30)), [(at(30), 0.0), (at(31), 0.05)]);
}

#[test]
fn a_source_that_has_answered_of_another_place_first_has_not_answered_of_this_one() {
    let mut model = seeing(vec![payments()]);
    model.measuring.clear();
    let window = Window { from: at(-1), to: at(0), step: STEP };
    let nothing_of = |service: &str| {
        let question = Question::Signals { services: vec![service.into()], window, environment: None };
        let told = Ok(crate::port::lookup::Told::Signals(Vec::new()));
        Msg::Told { source: "prometheus".into(), at: at(0), question, told }
    };
    update(&mut model, nothing_of("ledger"));
    assert_eq!(verdict(&model), (Some(Verdict::NoData), vec!["prometheus has not answered yet".to_owned()]));
    update(&mut model, nothing_of("payments"));
    assert_eq!(verdict(&model).1[0], "requests (canary) has no series");
}
