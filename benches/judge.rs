//! What the judge costs: one round of verdicts for everything that is watched, a thousand cases from the begin, and what is
//! worked out for display only.

use divan::{Bencher, black_box};
use holdshort::judge::{
    counts::{Arms, Tally},
    sequential::{Arm, Interval, Sequential, Settings},
    stream::Stream,
};

fn main() {
    divan::main();
}

/// Counts that look like real ones and are the same every time.
fn arms(number: u64) -> Arms {
    let noise = |salt: u64| (number.wrapping_mul(0x9e37_79b9).wrapping_add(salt * 7919) >> 3) % 5;
    let tally = |requests, errors| Tally { requests, errors };
    Arms { canary: tally(300, noise(1) / 3), stable: tally(2700, 4 + noise(2)) }
}

fn stream(intervals: u64) -> Stream {
    let mut stream = Stream::new(1.1, 1.5);
    (0..intervals).for_each(|number| stream.fold("", &arms(number)));
    stream
}

/// 500 services with 5 metrics each: every stream takes one interval and says what it thinks.
#[divan::bench]
fn one_update_of_500_services_with_5_metrics(bencher: Bencher<'_, '_>) {
    let streams = vec![stream(60); 2500];
    bencher.with_inputs(|| streams.clone()).bench_local_refs(|streams| {
        let mut undecided = 0_usize;
        for (number, stream) in (0..).zip(streams.iter_mut()) {
            stream.fold("", &arms(number));
            undecided += usize::from(stream.harm() < 4.6 && stream.safety() < 3.0);
        }
        undecided
    });
}

/// Everything but reading and writing of what `holdshort judge` does for a thousand streams of 120 intervals.
#[divan::bench]
fn a_thousand_cases_of_120_intervals(bencher: Bencher<'_, '_>) {
    let arm = |tally: Tally| Some(Arm { requests: tally.requests, errors: Some(tally.errors), buckets: None });
    let interval = |number| {
        let Arms { canary, stable } = arms(number);
        Interval { canary: arm(canary), baseline: arm(stable), ..Interval::default() }
    };
    let intervals: Vec<Interval> = (0..120).map(interval).collect();
    bencher.bench_local(|| {
        let cases = (0..1000).filter_map(|_| {
            let mut case = Sequential::new(Settings::default()).ok()?;
            intervals.iter().try_for_each(|interval| case.fold(interval)).ok()?;
            Some(case.answer().doubts.len())
        });
        cases.sum::<usize>()
    });
}

/// The ratio and its bounds: for display, not for the verdict.
#[divan::bench]
fn the_ratio_of_a_stream_of_120_intervals(bencher: Bencher<'_, '_>) {
    let stream = stream(120);
    bencher.bench_local(|| black_box(&stream).ratio());
}
