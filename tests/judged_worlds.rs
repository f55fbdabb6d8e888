//! The worlds that show what a judge must see: their Prometheus, read as the cockpit reads it, counts what the first line of
//! each scenario says.

#[cfg(test)]
#[path = "support/lookup.rs"]
mod lookup;

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        sync::{Arc, Mutex},
        time::Duration,
    };

    use bytes::Bytes;
    use chrono::{DateTime, TimeDelta};
    use holdshort::{
        demo::{
            scenario::Scenario,
            traffic::{Serving, spec::strata},
            world::{Answer, World},
        },
        domain::{
            signal::{Counts, Latency, Series, ServiceSignals, VersionSignals},
            time::Timestamp,
        },
        journal::{Journal, sqlite::SqliteJournal},
        port::{
            facet::Window,
            kept::{KeptSignals, Outlived},
            wire::{Transport, whole},
        },
        provider::prometheus::{self, Settings, presets},
    };
    use http::{Request, Response};
    use tower::service_fn;

    use super::lookup::Asking;

    const STEP: i64 = 30;
    const OLD: &str = "3.8.0";
    const NEW: &str = "3.9.0";

    /// What was measured until the world opens, from the begin of the release on.
    struct Measured {
        scenario: Scenario,
        serving: Serving,
        signals: ServiceSignals,
    }

    async fn measured(name: &str) -> Measured {
        measured_for(name, None).await
    }

    /// The same until so long after the world's start.
    async fn measured_for(name: &str, span: Option<TimeDelta>) -> Measured {
        let path = format!("{}/examples/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let scenario = Scenario::load(&path).unwrap();
        let mut world = World::new(&scenario).unwrap();
        let open = span.map_or_else(|| scenario.opens(), |span| scenario.start + span);
        world.advance(open);
        assert_eq!(world.failures(), &[] as &[String]);
        let serving = world.serving().remove(0);
        let world = Arc::new(Mutex::new(world));
        let transport = Transport::new(service_fn(move |request: Request<Bytes>| {
            let (mut head, body) = request.into_parts();
            head.uri = format!("/prometheus{}", head.uri).parse().unwrap();
            let answer = world.lock().unwrap().respond(open, &Request::from_parts(head, body)).answer;
            let Answer::Whole(response) = answer else { panic!("{answer:?}") };
            std::future::ready(Ok(Response::new(whole(response.into_body()))))
        }));
        let preset = presets::named("otel-http").unwrap();
        let strata = strata(&scenario.traffic).into_iter().map(str::to_owned).collect();
        let settings = Settings { strata, ..Settings::new(preset) };
        let clock = Arc::new(holdshort::runtime::clock::SystemClock);
        let metrics = prometheus::over("metrics".into(), transport, settings, clock).lookups.remove(0);
        let aligned = |at: Timestamp| DateTime::from_timestamp(at.timestamp().div_euclid(STEP) * STEP, 0).unwrap();
        let (from, to) = (aligned(scenario.start - TimeDelta::minutes(10)), aligned(open));
        let window = Window { from, to, step: Duration::from_secs(30) };
        let service = serving.service.as_str().into();
        let signals = metrics.signals(&[service], window).await.unwrap().remove(0);
        Measured { scenario, serving, signals }
    }

    impl Measured {
        fn version(&self, label: &str) -> &VersionSignals {
            self.signals.of(&[label]).unwrap_or_else(|| panic!("nothing of {label}"))
        }

        /// Requests and errors of a version since the release began.
        fn total(&self, label: &str) -> (u64, u64) {
            total(&self.version(label).counts, self.scenario.start)
        }

        /// The same by a part's name: its stratum or its pod.
        fn by(
            &self,
            label: &str,
            name: fn(&holdshort::domain::signal::PartCounts) -> &String,
        ) -> BTreeMap<String, (u64, u64)> {
            let mut all = BTreeMap::new();
            for part in &self.version(label).parts {
                let (requests, errors) = total(&part.counts, self.scenario.start);
                let sum = all.entry(name(part).clone()).or_insert((0, 0));
                *sum = (sum.0 + requests, sum.1 + errors);
            }
            all
        }

        /// Share and number of pods of a version, as the cluster routes.
        fn arm(&self, label: &str) -> (f64, usize) {
            let arm = self.serving.arms.iter().find(|arm| arm.version == label).unwrap();
            (arm.share, arm.pods.len())
        }
    }

    fn total(counts: &[Counts], since: Timestamp) -> (u64, u64) {
        let later = counts.iter().filter(|counts| counts.from >= since);
        later.fold((0, 0), |sum, counts| (sum.0 + counts.requests, sum.1 + counts.errors))
    }

    fn ratio((requests, errors): (u64, u64)) -> f64 {
        errors as f64 / requests as f64
    }

    fn near(value: f64, expected: f64, tolerance: f64) {
        assert!((value - expected).abs() <= tolerance, "{value} is not {expected}");
    }

    #[tokio::test]
    async fn simpson_looks_better_in_total_and_is_worse_in_each_region() {
        let seen = measured("simpson").await;
        let (old, new) = (seen.by(OLD, |part| &part.stratum), seen.by(NEW, |part| &part.stratum));
        assert_eq!(old.keys().collect::<Vec<_>>(), ["eu", "us"]);
        for region in ["eu", "us"] {
            near(ratio(new[region]) / ratio(old[region]), 2.0, 0.6);
        }
        near(ratio(seen.total(NEW)) / ratio(seen.total(OLD)), 0.42, 0.1);
        let in_us =
            |parts: &BTreeMap<String, (u64, u64)>| parts["us"].0 as f64 / (parts["us"].0 + parts["eu"].0) as f64;
        near(in_us(&old), 0.1, 0.005);
        near(in_us(&new), 0.9, 0.005);
        assert_eq!(seen.arm(NEW), (0.2, 2));
    }

    #[tokio::test]
    async fn no_data_ends_eight_minutes_after_the_canary_began_while_its_pods_serve_on() {
        let seen = measured("no-data").await;
        let last = |label| seen.version(label).counts.last().unwrap().to - seen.scenario.start;
        near(last(NEW).num_seconds() as f64, 8.0 * 60.0, 45.0);
        assert_eq!(last(OLD), TimeDelta::minutes(15));
        assert_eq!(
            seen.version(NEW).counts.iter().filter(|counts| counts.requests == 0).count(),
            0,
            "a gap is no zero"
        );
        assert_eq!(seen.arm(NEW), (0.25, 3));
    }

    #[tokio::test]
    async fn no_canary_traffic_is_a_declared_weight_of_20_and_not_one_request() {
        let seen = measured("no-canary-traffic").await;
        assert_eq!(seen.arm(NEW), (0.2, 2));
        let since = seen.scenario.start + TimeDelta::minutes(6);
        let later: Vec<_> = seen.version(NEW).counts.iter().filter(|counts| counts.from >= since).collect();
        assert_eq!(later.len(), 28, "every half minute was measured");
        assert_eq!(later.iter().map(|counts| counts.requests).sum::<u64>(), 0);
        assert!(seen.total(NEW).0 > 500, "it had its 5 % before");
        let (requests, _) = total(&seen.version(OLD).counts, since);
        near(requests as f64 / (14.0 * 60.0), 60.0, 1.5);
    }

    #[tokio::test]
    async fn bad_pod_has_41_of_the_57_errors_of_the_canary() {
        let seen = measured("bad-pod").await;
        let errors: Vec<u64> = seen.by(NEW, |part| &part.pod).into_values().map(|(_, errors)| errors).collect();
        assert_eq!((errors.len(), errors.iter().max(), errors.iter().sum()), (3, Some(&41), 57_u64), "{errors:?}");
        near(ratio(seen.total(OLD)), 0.002, 0.0006);
    }

    #[tokio::test]
    async fn burst_spreads_errors_far_more_than_chance_and_not_more_on_one_version() {
        let seen = measured("burst").await;
        for label in [OLD, NEW] {
            let counts = seen.version(label).counts.iter().filter(|counts| counts.from >= seen.scenario.start);
            let errors: Vec<f64> = counts.map(|counts| counts.errors as f64).collect();
            let mean = errors.iter().sum::<f64>() / errors.len() as f64;
            let variance = errors.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / (errors.len() - 1) as f64;
            assert!(variance / mean > 4.0, "{label}: {}", variance / mean);
        }
        near(ratio(seen.total(NEW)) / ratio(seen.total(OLD)), 1.0, 0.15);
    }

    #[tokio::test]
    async fn slow_canary_fails_alike_and_takes_a_second_longer_for_one_in_a_hundred() {
        let seen = measured("slow-canary").await;
        near(ratio(seen.total(NEW)) / ratio(seen.total(OLD)), 1.0, 0.35);
        let beyond = |label: &str, bound: f64| {
            let [latency] = seen.version(label).latency_counts.as_slice() else { panic!("one stratum") };
            let index = latency.bounds.iter().position(|known| known.to_bits() == bound.to_bits()).unwrap();
            let (mut slow, mut all) = (0, 0);
            for interval in latency.intervals.iter().filter(|interval| interval.from >= seen.scenario.start) {
                (slow, all) = (slow + interval.requests - interval.within[index], all + interval.requests);
            }
            slow as f64 / all as f64
        };
        near(beyond(OLD, 1.0), 0.0, 0.0002);
        near(beyond(NEW, 1.0), 0.01, 0.002);
        near(beyond(NEW, 0.075), beyond(OLD, 0.075), 0.02);
    }

    /// What of them ended in a window, and how many counts and points that is.
    fn within(signals: &ServiceSignals, window: Window) -> (KeptSignals, usize) {
        fn only<T>(all: &mut Vec<T>, at: fn(&T) -> Timestamp, window: Window) -> usize {
            all.retain(|one| window.from < at(one) && at(one) <= window.to);
            all.len()
        }
        let (mut signals, mut numbers) = (signals.clone(), 0);
        for version in &mut signals.versions {
            let VersionSignals { error_ratio, request_rate, latency: Latency { p50, p95, p99, .. }, .. } = version;
            let series: [&mut Series; 5] = [error_ratio, request_rate, p50, p95, p99];
            numbers += series.into_iter().map(|points| only(points, |point| point.at, window)).sum::<usize>();
            numbers += only(&mut version.counts, |counts| counts.to, window);
            numbers +=
                version.parts.iter_mut().map(|part| only(&mut part.counts, |counts| counts.to, window)).sum::<usize>();
            let intervals = version.latency_counts.iter_mut();
            numbers += intervals.map(|one| only(&mut one.intervals, |interval| interval.to, window)).sum::<usize>();
        }
        (KeptSignals { source: "metrics".into(), window, signals }, numbers)
    }

    #[tokio::test]
    async fn two_hours_of_a_canary_that_were_kept_interval_by_interval_take_few_bytes_and_read_back_as_they_were() {
        let seen = measured_for("slow-canary", Some(TimeDelta::hours(2))).await;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        let journal = SqliteJournal::open(&path).unwrap();
        let empty = std::fs::metadata(&path).unwrap().len();
        let (step, nothing) = (Duration::from_secs(30), Outlived { before: seen.scenario.start, services: Vec::new() });
        let (mut whole, mut numbers) = (Vec::new(), 0);
        for number in 0..240 {
            let from = seen.scenario.start + TimeDelta::seconds(STEP * number);
            let (one, more) = within(&seen.signals, Window { from, to: from + step, step });
            journal.keep_signals(std::slice::from_ref(&one), &nothing).unwrap();
            whole.push(one);
            numbers += more;
        }
        let took = usize::try_from(std::fs::metadata(&path).unwrap().len() - empty).unwrap();
        assert!(took < 20 * numbers, "{took} bytes for {numbers} counts and points");
        let of = ("metrics".into(), seen.serving.service.as_str().into());
        let kept = journal.kept_signals(&of, seen.scenario.start).unwrap();
        let span = |kept: &[KeptSignals]| (kept.first().unwrap().window.from, kept.last().unwrap().window.to);
        assert_eq!(span(&kept), span(&whole));
        assert!(kept.len() < whole.len() / 10, "{} rows", kept.len());
        let counts = |kept: &[KeptSignals]| {
            let mut all: BTreeMap<(String, String, Timestamp), (u64, u64)> = BTreeMap::new();
            for version in kept.iter().flat_map(|one| &one.signals.versions) {
                for (part, counts) in
                    version.parts.iter().flat_map(|part| part.counts.iter().map(move |one| (part, one)))
                {
                    let key = (version.label.clone(), part.pod.clone(), counts.to);
                    assert_eq!(all.insert(key, (counts.requests, counts.errors)), None, "twice");
                }
            }
            all
        };
        assert_eq!(counts(&kept), counts(&whole));
    }
}
