//! What a full board costs: one frame at 200x60 with 500 rollouts in flight, and each kind of message on it; and what a window
//! of signals costs that comes behind a day of them.
//! `cargo bench --bench cockpit`

#![expect(clippy::expect_used, reason = "a bench may fail")]

use std::{hint::black_box, time::Duration};

use divan::{Bencher, counter::ItemsCount};
use holdshort::{
    app::{model::Model, msg::Msg, update::update},
    domain::{
        ids::{ServiceName, SourceName},
        object::ObjectId,
        rollout::Rollout,
        signal::{BucketCounts, Counts, LatencyCounts, PartCounts, ServiceSignals, VersionSignals},
        time::{Timestamp, after},
        version::Version,
    },
    keymap::Keymap,
    port::{
        facet::Window,
        inventory::{Part, Scope},
        lookup::{Question, Told},
    },
    run::demo_cockpit,
    theme::{Depth, Glyphs, Theme},
    ui, view,
};
use ratatui::{buffer::Buffer, layout::Rect};

/// Rollouts in flight.
const ROWS: usize = 500;
const SIZE: (u16, u16) = (200, 60);

fn main() {
    divan::main();
}

/// A board of [`ROWS`] bad canaries, each with the signals of its own service, as messages brought it about.
struct Crowd {
    model: Model,
    keymap: Keymap,
    rollouts: Vec<Rollout>,
    signals: Msg,
}

/// What a cluster tells of its rollouts.
fn heard(of: &ObjectId, at: Timestamp, part: Part) -> Msg {
    Msg::Heard {
        source: of.source.clone(),
        scope: Scope::all(&of.family),
        at,
        due: after(at, Duration::from_secs(5)),
        parts: Ok(vec![part]),
    }
}

/// What a source of signals answers for a window.
fn measured_in(window: Window, source: &SourceName, at: Timestamp, signals: Vec<ServiceSignals>) -> Msg {
    let services = signals.iter().map(|one| one.service.clone()).collect();
    let question = Question::Signals { services, window, environment: None };
    Msg::Told { source: source.clone(), at, question, told: Ok(Told::Signals(signals)) }
}

fn crowd() -> Crowd {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let demo = runtime.expect("a runtime").block_on(demo_cockpit("bad-canary", SIZE)).expect("the demo");
    let mut model = demo.cockpit.model().clone();
    let seen = model.store.rollouts().next().expect("a rollout").clone();
    let (metrics, measured) = model.store.signals(&seen).expect("its signals");
    let name = |index: usize| ServiceName::new(format!("{}-{index:03}", seen.service));
    let rollouts: Vec<Rollout> = (0..ROWS)
        .map(|index| {
            let id = ObjectId::new(&seen.id.source, seen.id.family.clone(), format!("shop/{}", name(index)));
            Rollout { id, service: name(index), ..seen.clone() }
        })
        .collect();
    let points = measured.versions.iter().flat_map(|version| &version.counts);
    let (from, to) = points.fold((model.now, seen.started.unwrap_or(model.now)), |(from, to), counts| {
        (from.min(counts.from), to.max(counts.to))
    });
    let window = Window { from, to, step: measured.step };
    let signals = (0..ROWS).map(|index| ServiceSignals { service: name(index), ..measured.clone() }).collect();
    let signals = measured_in(window, metrics, model.now, signals);
    let all = heard(&seen.id, model.now, Part::whole(seen.id.family.clone(), rollouts.clone()));
    let now = model.now;
    for msg in [all, signals.clone(), Msg::Tick(now)] {
        update(&mut model, msg);
    }
    Crowd { model, keymap: demo.cockpit.keymap().clone(), rollouts, signals }
}

#[divan::bench]
fn frame_of_the_board(bencher: Bencher<'_, '_>) {
    let crowd = crowd();
    frame(bencher, &crowd);
}

#[divan::bench]
fn frame_of_a_release(bencher: Bencher<'_, '_>) {
    use holdshort::app::intent::Intent;
    let mut crowd = crowd();
    update(&mut crowd.model, Msg::Intent(Intent::Open));
    frame(bencher, &crowd);
}

fn frame(bencher: Bencher<'_, '_>, crowd: &Crowd) {
    let theme = Theme::named("dark", Depth::True, Glyphs::Unicode).expect("the theme");
    let area = Rect::new(0, 0, SIZE.0, SIZE.1);
    bencher.bench_local(|| {
        let mut buffer = Buffer::empty(area);
        ui::draw(&view::view(&crowd.model, &crowd.keymap), &theme, area, &mut buffer);
        buffer
    });
}

#[divan::bench]
fn update_with_a_tick(bencher: Bencher<'_, '_>) {
    let mut model = crowd().model;
    let (now, mut second) = (model.now, 0);
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        // Not ever further: what is measured must not grow old meanwhile.
        second = (second + 1) % 5;
        update(&mut model, Msg::Tick(after(now, Duration::from_secs(second))))
    });
}

#[divan::bench]
fn update_with_a_change(bencher: Bencher<'_, '_>) {
    let Crowd { mut model, rollouts, .. } = crowd();
    let mut next = rollouts.iter().cycle();
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        let one = next.next().expect("a circle").clone();
        let msg = heard(&one.id.clone(), model.now, Part::changed(one));
        update(&mut model, msg)
    });
}

/// One answer with the signals of all services.
#[divan::bench(sample_count = 20)]
fn update_with_signals(bencher: Bencher<'_, '_>) {
    let Crowd { mut model, signals, .. } = crowd();
    bencher
        .counter(ItemsCount::new(1_usize))
        .with_inputs(|| signals.clone())
        .bench_local_values(|signals| black_box(update(&mut model, signals)));
}

/// Canaries that have flown for a day, with everything that a source can tell of them.
const LONG: i64 = 20;
const STRATA: [&str; 2] = ["eu", "us"];
const PODS: i64 = 6;
const BOUNDS: u64 = 14;
const STEP: Duration = Duration::from_secs(30);
const A_DAY: i64 = 24 * 60 * 2;

/// Intervals of a day: from the one with the first number to before the one with the second, counted from the begin of it.
struct Day {
    begin: Timestamp,
    from: i64,
    to: i64,
}

impl Day {
    fn at(&self, number: i64) -> Timestamp {
        self.begin + STEP * u32::try_from(number).expect("a number of an interval")
    }

    fn window(&self) -> Window {
        Window { from: self.at(self.from), to: self.at(self.to), step: STEP }
    }

    fn counts(&self, requests: u64) -> Vec<Counts> {
        let errors = |number: i64| u64::from(number % 7 == 0);
        let one = |n: i64| Counts { from: self.at(n), to: self.at(n + 1), requests, errors: errors(n) };
        (self.from..self.to).map(one).collect()
    }

    fn times(&self, requests: u64) -> Vec<BucketCounts> {
        let within = |bound: u64| requests * (bound + 4) / (BOUNDS + 4);
        let one = |n: i64| BucketCounts {
            from: self.at(n),
            to: self.at(n + 1),
            requests,
            within: (1..=BOUNDS).map(within).collect(),
        };
        (self.from..self.to).map(one).collect()
    }

    fn version(&self, label: &str, requests: u64) -> VersionSignals {
        let pod = |stratum: &str, pod: i64| PartCounts {
            stratum: stratum.to_owned(),
            pod: format!("{label}-{pod}"),
            counts: self.counts(requests),
        };
        let timed = |stratum: &str| LatencyCounts {
            stratum: stratum.to_owned(),
            bounds: (1..=BOUNDS).map(|bound| bound as f64 / 10.0).collect(),
            intervals: self.times(6 * requests),
        };
        VersionSignals {
            label: label.to_owned(),
            counts: self.counts(12 * requests),
            parts: STRATA.iter().flat_map(|stratum| (0..PODS).map(move |number| pod(stratum, number))).collect(),
            latency_counts: STRATA.iter().map(|stratum| timed(stratum)).collect(),
            ..VersionSignals::default()
        }
    }

    fn signals(&self, source: &SourceName, rollouts: &[Rollout]) -> Msg {
        let tag = |version: &Option<Version>| version.as_ref().expect("a version").tag.clone();
        let of = |rollout: &Rollout| ServiceSignals {
            service: rollout.service.clone(),
            environment: "".into(),
            step: STEP,
            versions: vec![self.version(&tag(&rollout.stable), 300), self.version(&tag(&rollout.canary), 100)],
        };
        measured_in(self.window(), source, self.at(self.to), rollouts.iter().map(of).collect())
    }
}

/// One window of 30 s behind a day of them, for 20 canaries.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn update_with_a_window_after_a_day(bencher: Bencher<'_, '_>) {
    let Crowd { mut model, rollouts, signals, .. } = crowd();
    let Msg::Told { source, .. } = signals else { return };
    let begin = model.now;
    let long: Vec<Rollout> = rollouts
        .into_iter()
        .zip(0..LONG)
        .map(|(rollout, number)| Rollout {
            service: ServiceName::new(format!("long-{number}")),
            started: Some(begin),
            ..rollout
        })
        .collect();
    let id = long.first().expect("a rollout").id.clone();
    let all = heard(&id, begin, Part::whole(id.family.clone(), long.clone()));
    let mut day = Day { begin, from: 0, to: A_DAY };
    for msg in [Msg::Tick(day.at(A_DAY)), all, day.signals(&source, &long)] {
        update(&mut model, msg);
    }
    bencher
        .with_inputs(|| {
            day = Day { from: day.to, to: day.to + 1, ..day };
            day.signals(&source, &long)
        })
        .bench_local_values(|signals| black_box(update(&mut model, signals)));
}
