//! Reading signals: which questions are open, what their answers change, and what of them outlives this process.
//!
//! Which windows are asked for is in `app::measuring`.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    act, lines,
    observe::{age_verdicts, judge_all, judge_services},
};
use crate::{
    app::{
        effect::Effect,
        logs,
        measuring::{Span, aligned},
        model::{Model, Screen},
        store::KEPT,
        watch,
    },
    domain::{
        changes::Changes,
        ids::{ServiceName, SourceName},
        observed::{Fault, FaultKind},
        place::Place,
        rollout::Rollout,
        setting::Settings,
        signal::ServiceSignals,
        time::Timestamp,
    },
    port::{
        facet::Window,
        kept::{KeptSignals, Outlived},
        lookup::{LogPiece, Question, Told},
    },
};

/// How much history a panel shows before the release began.
const BEFORE: Duration = Duration::from_mins(10);
/// How much of it lists show of what only stands there, and of how many services at most: a look must not become a load.
const LOOKED: Duration = Duration::from_mins(30);
const MOST_LOOKED: usize = 60;
/// How long after the end of an interval it is asked for: scrapes and ingestion take a while.
const LAG: Duration = Duration::from_secs(5);

/// Takes an answer, or why there is none.
pub(super) fn told(
    model: &mut Model,
    source: &SourceName,
    at: Timestamp,
    question: &Question,
    told: Result<Told, Fault>,
) -> Vec<Effect> {
    match (question, told) {
        (Question::Signals { window, .. }, told) => {
            let signals = told.map(|told| match told {
                Told::Signals(signals) => signals,
                _ => Vec::new(),
            });
            let told = signals.is_ok();
            let measuring = model.measuring.entry(source.clone()).or_default();
            let newest = measuring.proven.is_none_or(|proven| proven <= window.to);
            let asked = measuring.answered(question, told.then_some(*window));
            let more = told && asked && measuring.is_behind();
            let judged = match question {
                _ if newest || !told => Judged::All,
                // While more of what was before is to come, a verdict on a part of it is in nobody's interest.
                question if asked && measuring.lacks_history_of(question) => Judged::Nothing,
                Question::Signals { services, .. } => Judged::Services(services),
                _ => Judged::Nothing,
            };
            let effects = signals_told(model, source, at, (*window, judged), signals);
            if let Question::Signals { services, .. } = question {
                watch::judge_watched(model, Some(services));
            }
            if more {
                // What is further back is asked for at once. What failed is open again with the next tick.
                due(model);
            }
            effects
        }
        (Question::Jobs { run }, told) => {
            let told = told.map(|told| match told {
                Told::Jobs(nodes) => nodes,
                _ => Vec::new(),
            });
            model.store.inside.take_tree(run, at, told);
            Vec::new()
        }
        (Question::Tests { run, named }, told) => {
            let told = told.and_then(|told| match told {
                Told::Tests(report) => Ok(report),
                _ => Err(Fault::new(at, FaultKind::Unreadable, "it answered something else")),
            });
            model.store.inside.take_tests(run, named, at, told);
            Vec::new()
        }
        (Question::Changes { base, head, .. }, told) => {
            let told = told.map(|told| match told {
                Told::Changes(changes) => changes,
                _ => Changes::default(),
            });
            model.store.inside.take_changes(base, head, told);
            Vec::new()
        }
        (Question::Settings { service, environment }, told) => {
            let told = told.map(|told| match told {
                Told::Settings(settings) => settings,
                _ => Settings::default(),
            });
            model.store.inside.take_settings(source, Place::of(service, environment), at, told);
            Vec::new()
        }
        (Question::Preflight { rollout, hash, heading }, told) => {
            let told = told.and_then(|told| match told {
                Told::Preflight(preflight) => Ok(preflight),
                _ => Err(Fault::new(at, FaultKind::Unreadable, "it answered something else")),
            });
            model.store.preflights.take((rollout.clone(), hash.clone(), *heading), at, told);
            act::recheck_on(model, rollout)
        }
        (Question::Image { name }, told) => {
            let told = told.and_then(|told| match told {
                Told::Image(kept) => Ok(kept),
                _ => Err(Fault::new(at, FaultKind::Unreadable, "it answered something else")),
            });
            // That one image may not be read says nothing of the others.
            let ill =
                told.as_ref().err().filter(|fault| !matches!(fault.kind, FaultKind::Forbidden | FaultKind::Missing));
            model.store.take_lines(source, at, ill.cloned().map_or(Ok(()), Err));
            if name.is_empty() {
                return Vec::new();
            }
            model.store.preflights.take_image(source, name, at, told);
            act::recheck(model)
        }
        (Question::Log { run, log, .. }, told) => {
            let told = told.map(|told| match told {
                Told::Log(piece) => piece,
                _ => LogPiece::default(),
            });
            let left = model.store.inside.take_log((run, log), at, told, model.reading.level);
            model.reading.pane.dropped(left);
            Vec::new()
        }
        (Question::Lines(asked), told) => lines::told(model, source, at, asked, told),
    }
}

/// What is judged again for an answer.
enum Judged<'a> {
    All,
    Services(&'a [ServiceName]),
    Nothing,
}

fn signals_told(
    model: &mut Model,
    source: &SourceName,
    at: Timestamp,
    (window, judged): (Window, Judged<'_>),
    signals: Result<Vec<ServiceSignals>, Fault>,
) -> Vec<Effect> {
    let kept = match signals {
        Ok(signals) => Some(take(model, source, at, window, signals)),
        Err(fault) => {
            model.store.take_signals(source, at, window, Err(fault));
            None
        }
    };
    logs::test(model);
    match judged {
        Judged::All => judge_all(model),
        Judged::Services(services) => judge_services(model, services),
        Judged::Nothing => {}
    }
    kept.and_then(|kept| keep(model, kept, window)).into_iter().collect()
}

/// Takes what a source told, and says what of it is to be kept. Of what an earlier process read already, the first answer only
/// proves that the source is there: it may have lost what it knew then.
fn take(
    model: &mut Model,
    source: &SourceName,
    at: Timestamp,
    window: Window,
    signals: Vec<ServiceSignals>,
) -> Vec<KeptSignals> {
    let mut kept = Vec::new();
    for signals in signals {
        let until = model.kept_until.remove(&(source.clone(), signals.place()));
        let (window, signals) = match until.filter(|until| window.from < *until) {
            Some(until) => (Window { from: until.min(window.to), ..window }, signals.after(until)),
            None => (window, signals),
        };
        if window.from < window.to {
            kept.push(KeptSignals { source: source.clone(), window, signals: signals.clone() });
        }
        model.store.take_signals(source, at, window, Ok(vec![signals]));
    }
    model.store.take_signals(source, at, window, Ok(Vec::new()));
    kept
}

/// Keeps what was read. What is no longer in flight is forgotten, but only once every source of rollouts has told what is.
fn keep(model: &Model, mut kept: Vec<KeptSignals>, window: Window) -> Option<Effect> {
    let is_kept = |source: &SourceName, place: &Place| {
        model.measuring.get(source).is_some_and(|measuring| measuring.kept.contains(place))
    };
    kept.retain(|one| is_kept(&one.source, &one.signals.place()));
    let flies = |service: &&ServiceName| {
        model.store.rollouts().any(|rollout| watch::is_followed(model, rollout) && rollout.service == **service)
    };
    let mut services = BTreeSet::new();
    if model.store.knows_all_rollouts() {
        let read = model.measuring.values().flat_map(|measuring| &measuring.kept).map(|place| &place.service);
        services = read.filter(|service| !flies(service)).cloned().collect();
    }
    let outlived = Outlived { before: window.to - KEPT, services: services.into_iter().collect() };
    (!kept.is_empty() || !outlived.services.is_empty()).then_some(Effect::KeepSignals { kept, outlived })
}

/// Takes what an earlier process kept. Reading goes on where each source of a service stopped.
pub(super) fn kept(model: &mut Model, kept: Vec<KeptSignals>) {
    let mut spans: BTreeMap<(SourceName, Place), (Timestamp, Timestamp)> = BTreeMap::new();
    for KeptSignals { source, window, signals } in kept {
        if window.step != model.session.signal_step {
            continue;
        }
        let place = signals.place();
        if model.store.restore_signals(&source, window, signals) {
            let (since, until) = spans.entry((source, place)).or_insert((window.from, window.to));
            (*since, *until) = ((*since).min(window.from), (*until).max(window.to));
        }
    }
    // What was kept is history and no answer: however new it is, its newest interval is asked for again at once.
    for ((source, place), (since, end)) in spans {
        let before = end - model.session.signal_step;
        let measuring = model.measuring.entry(source.clone()).or_default();
        measuring.kept.insert(place.clone());
        let span = measuring.told.entry(place.clone()).or_insert(Span::kept(since.min(before), before));
        span.until = span.until.min(before);
        model.kept_until.insert((source, place), end);
    }
    judge_all(model);
}

/// Opens questions for the signals of every place in flight, once for each interval that ended; one that is new in flight is asked
/// for from before its release began. While a list shows them, what only stands there is asked for too, as far as its row shows it.
/// Services with the same gap share a question.
pub(super) fn due(model: &mut Model) {
    let step = model.session.signal_step;
    let Some(end) = aligned(model.now - LAG, step) else { return };
    age_verdicts(model, end);
    let sources = model.store.signal_sources().map(|(source, _)| (source.clone(), BTreeMap::new()));
    let mut began: BTreeMap<SourceName, BTreeMap<Place, Timestamp>> = sources.collect();
    let is_followed = |rollout: &&Rollout| watch::is_followed(model, rollout);
    for rollout in model.store.rollouts().filter(is_followed) {
        // What has arrived is held against what was before it.
        let start = watch::before_it(model, rollout)
            .map_or_else(|| rollout.started.unwrap_or(model.now) - BEFORE, |(from, _)| from);
        for (source, place) in model.store.asked_of(&rollout.place()) {
            let Some(began) = began.get_mut(source) else { continue };
            let began = began.entry(place).or_insert(start);
            *began = (*began).min(start);
        }
    }
    let kept = began.clone();
    // First what is judged: until all of that was told, nobody is asked for what is only looked at.
    let told = |source: &SourceName, place: &Place| {
        model.measuring.get(source).is_some_and(|measuring| measuring.told.contains_key(place))
    };
    let mut ready = began.clone();
    ready.retain(|source, places| places.keys().all(|place| told(source, place)));
    let looked_at = model.store.rollouts().filter(|rollout| !is_followed(rollout));
    for rollout in looked_at.take(if shows_all(model) { MOST_LOOKED } else { 0 }) {
        for (source, place) in model.store.asked_of(&rollout.place()).filter(|(source, _)| ready.contains_key(*source))
        {
            began.entry(source.clone()).or_default().entry(place).or_insert(model.now - LOOKED);
        }
    }
    let looked = model.store.has_looked_for_rollouts();
    for (source, began) in began {
        model.measuring.entry(source).or_default().ask(&began, looked, end, step);
    }
    for (source, places) in kept {
        model.measuring.entry(source).or_default().kept.extend(places.into_keys());
    }
}

/// Is a list on screen that shows what is measured of services of which nothing is on its way?
fn shows_all(model: &Model) -> bool {
    matches!(model.nav.screen(), Screen::Board | Screen::Signals)
}
