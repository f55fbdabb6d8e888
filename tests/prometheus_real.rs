//! The Prometheus provider against a real Prometheus: what it reads is what `promtool query` prints for the same PromQL,
//! and what it counts is what the exporters counted.

#[cfg(test)]
#[path = "support/lookup.rs"]
mod lookup;
#[cfg(test)]
#[path = "support/metrics.rs"]
mod metrics;
#[cfg(test)]
#[path = "support/prometheus.rs"]
mod support;

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fmt::Write, process::Command, sync::Arc, time::Duration};

    use chrono::{TimeDelta, TimeZone};
    use holdshort::{
        domain::{
            signal::{BucketCounts, Counts, Point, ServiceSignals},
            time::Timestamp,
        },
        port::{facet::Window, lookup::Lookup},
        provider::prometheus::{Settings, presets},
    };

    use super::{lookup::Asking, metrics, support::RealPrometheus};

    const SCRAPE: i64 = 15;
    const STEP: i64 = 60;
    const BOUNDS: [&str; 5] = ["0.05", "0.1", "0.25", "1", "+Inf"];

    /// One pod of the history.
    struct Pod {
        service: &'static str,
        version: &'static str,
        /// Seconds after the full quarter of a minute at which it is scraped.
        offset: i64,
        /// Its `pod` label, where it has one.
        named: Option<&'static str>,
        /// New requests in each bucket (not cumulative) at each scrape, of status 200 and of status 500.
        ok: [u64; 5],
        failed: [u64; 5],
        /// The scrape at which it has just been restarted.
        restart: Option<i64>,
    }

    /// Two services with two versions each; the canary of checkout fails and is slow, one pod of cart restarts.
    const PODS: [Pod; 5] = [
        Pod {
            service: "cart",
            version: "1.4.2",
            offset: 0,
            named: Some("cart-0"),
            ok: [40, 7, 2, 1, 0],
            failed: [0; 5],
            restart: Some(49),
        },
        Pod {
            service: "cart",
            version: "1.5.0",
            offset: 7,
            named: Some("cart-1"),
            ok: [5, 1, 1, 0, 0],
            failed: [0; 5],
            restart: None,
        },
        Pod {
            service: "checkout",
            version: "1.4.2",
            offset: 7,
            named: None,
            ok: [20, 20, 9, 2, 0],
            failed: [1, 0, 0, 0, 0],
            restart: None,
        },
        Pod {
            service: "checkout",
            version: "1.4.2",
            offset: 3,
            named: None,
            ok: [22, 19, 8, 1, 0],
            failed: [0; 5],
            restart: None,
        },
        Pod {
            service: "checkout",
            version: "1.5.0",
            offset: 0,
            named: Some("checkout-4"),
            ok: [2, 5, 6, 9, 1],
            failed: [1, 1, 0, 0, 0],
            restart: None,
        },
    ];
    const SCRAPES: i64 = 120;

    fn begin() -> Timestamp {
        chrono::Utc.with_ymd_and_hms(2026, 3, 10, 1, 40, 0).unwrap()
    }

    impl Pod {
        fn scraped_at(&self, scrape: i64) -> Timestamp {
            begin() + TimeDelta::seconds(scrape * SCRAPE + self.offset)
        }
    }

    /// New requests at a scrape: a pattern that is not the same in any two neighbouring intervals.
    fn fresh(per_bucket: &[u64; 5], scrape: i64) -> [u64; 5] {
        per_bucket.map(|n| n * (3 + u64::try_from(scrape).unwrap() * 7 % 5))
    }

    /// The exporters' counters, as `OpenMetrics` text.
    fn history() -> String {
        let mut samples = String::new();
        let mut write = |suffix: &str, labels: &str, value: u64, at: Timestamp| {
            let name = "http_server_request_duration_seconds";
            writeln!(samples, "{name}_{suffix}{{{labels}}} {value} {}", at.timestamp()).unwrap();
        };
        for (number, pod) in PODS.iter().enumerate() {
            for (code, per_bucket) in [("200", &pod.ok), ("500", &pod.failed)] {
                if per_bucket == &[0; 5] {
                    continue;
                }
                // A pod that has been up for long.
                let mut total = [200_u64; 5];
                for scrape in 0..SCRAPES {
                    if pod.restart == Some(scrape) {
                        total = [0; 5];
                    }
                    for (total, new) in total.iter_mut().zip(fresh(per_bucket, scrape)) {
                        *total += new;
                    }
                    let (service, version) = (pod.service, pod.version);
                    let labels = format!(
                        "job=\"shop/{service}\",instance=\"{number}\",service_name=\"{service}\",\
                         service_version=\"{version}\",http_response_status_code=\"{code}\"{}",
                        pod.named.map(|name| format!(",pod=\"{name}\"")).unwrap_or_default()
                    );
                    let at = pod.scraped_at(scrape);
                    let mut cumulative = 0;
                    for (bound, new) in BOUNDS.iter().zip(total) {
                        cumulative += new;
                        write("bucket", &format!("{labels},le=\"{bound}\""), cumulative, at);
                    }
                    write("count", &labels, cumulative, at);
                }
            }
        }
        format!("# TYPE http_server_request_duration_seconds histogram\n{samples}# EOF\n")
    }

    /// The scrapes after the first moment and not after the second.
    fn scrapes_in(pod: &Pod, from: Timestamp, to: Timestamp) -> impl Iterator<Item = i64> {
        (0..SCRAPES).filter(move |scrape| (from..to).contains(&(pod.scraped_at(*scrape) - one_second())))
    }

    /// What a pod counted between two moments: everything scraped after the first and not after the second.
    fn counted(pod: &Pod, from: Timestamp, to: Timestamp) -> Counts {
        let mut counts = Counts { from, to, requests: 0, errors: 0 };
        for scrape in scrapes_in(pod, from, to) {
            let failed: u64 = fresh(&pod.failed, scrape).iter().sum();
            counts.errors += failed;
            counts.requests += failed + fresh(&pod.ok, scrape).iter().sum::<u64>();
        }
        counts
    }

    /// How long the requests took that the pods counted between two moments.
    fn timed(pods: &[&Pod], from: Timestamp, to: Timestamp) -> BucketCounts {
        let mut new = [0; 5];
        for pod in pods {
            for scrape in scrapes_in(pod, from, to) {
                let both = fresh(&pod.ok, scrape).into_iter().zip(fresh(&pod.failed, scrape));
                new.iter_mut().zip(both).for_each(|(new, (ok, failed))| *new += ok + failed);
            }
        }
        let mut requests = 0;
        let cumulative = new.map(|new| {
            requests += new;
            requests
        });
        BucketCounts { from, to, requests, within: cumulative[..4].to_vec() }
    }

    fn one_second() -> TimeDelta {
        TimeDelta::seconds(1)
    }

    fn window(minutes: i64) -> Window {
        let from = begin() + TimeDelta::minutes(5);
        Window { from, to: from + TimeDelta::minutes(minutes), step: Duration::from_mins(1) }
    }

    fn connect(url: &str, scrape: Duration) -> Arc<dyn Lookup> {
        metrics::connect(url, Settings { scrape, ..Settings::new(presets::named("otel-http").unwrap()) })
    }

    /// A printed number for each service, version and moment.
    type Table = BTreeMap<(String, String, i64), f64>;

    fn promtool(server: &RealPrometheus, kind: &str, flags: &[String], promql: &str) -> Table {
        let output = Command::new("promtool")
            .args(["query", kind, "--format=json"])
            .args(flags)
            .args([server.url(), promql])
            .output()
            .unwrap();
        assert!(output.status.success(), "{promql}: {}", String::from_utf8_lossy(&output.stderr));
        let series: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
        let mut table = Table::new();
        for one in &series {
            let label = |name: &str| one["metric"][name].as_str().unwrap().to_owned();
            let instant = one.get("value").cloned().into_iter();
            for point in instant.chain(one["values"].as_array().cloned().unwrap_or_default()) {
                let key = (label("service_name"), label("service_version"), point[0].as_i64().unwrap());
                table.insert(key, point[1].as_str().unwrap().parse().unwrap());
            }
        }
        table
    }

    fn read(signals: &[ServiceSignals], series: impl Fn(&ServiceSignals, usize) -> Vec<Point>) -> Table {
        let mut table = Table::new();
        for service in signals {
            for (index, version) in service.versions.iter().enumerate() {
                for point in series(service, index) {
                    let key = (service.service.to_string(), version.label.clone(), point.at.timestamp());
                    table.insert(key, point.value);
                }
            }
        }
        table
    }

    fn assert_same(what: &str, ours: &Table, printed: &Table) {
        assert_eq!(ours.keys().collect::<Vec<_>>(), printed.keys().collect::<Vec<_>>(), "{what}");
        for (key, value) in ours {
            let (printed, tolerance) = (printed[key], 1e-9 * value.abs());
            assert!((value - printed).abs() <= tolerance, "{what} of {key:?}: {value}, promtool prints {printed}");
        }
    }

    /// Compares everything that the provider reads in the window with what promtool prints.
    async fn compare(scrape: Duration, range: &str, window: Window, kind: &str, flags: &[String]) {
        let Some(server) = RealPrometheus::start(&history(), &[]) else { return };
        let metrics = connect(server.url(), scrape);
        let signals = metrics.signals(&["cart".into(), "checkout".into()], window).await.unwrap();
        let preset = presets::named("otel-http").unwrap();
        let print = |template: &str| {
            let promql = template.replace("$W", range).replace("$SEL", ",service_name=~\"cart|checkout\"");
            promtool(&server, kind, flags, &promql)
        };
        let ratio = read(&signals, |s, i| s.versions[i].error_ratio.clone());
        assert!(ratio.values().any(|ratio| *ratio > 0.0) && ratio.values().any(|ratio| *ratio == 0.0));
        assert_same("error ratio", &ratio, &print(&preset.error_ratio));
        assert_same("rate", &read(&signals, |s, i| s.versions[i].request_rate.clone()), &print(&preset.rate));
        let quantile = |q: &str| print(&format!("histogram_quantile({q}, {})", preset.buckets));
        assert_same("p50", &read(&signals, |s, i| s.versions[i].latency.p50.clone()), &quantile("0.5"));
        assert_same("p95", &read(&signals, |s, i| s.versions[i].latency.p95.clone()), &quantile("0.95"));
        assert_same("p99", &read(&signals, |s, i| s.versions[i].latency.p99.clone()), &quantile("0.99"));
        assert!(signals.iter().all(|s| s.versions.iter().all(|v| v.latency.highest_bound == Some(1.0))));
    }

    #[tokio::test]
    async fn ratios_and_quantiles_of_a_range_are_those_that_promtool_prints() {
        let window = window(20);
        let flags = [
            format!("--start={}", window.from.timestamp() + STEP),
            format!("--end={}", window.to.timestamp()),
            format!("--step={STEP}s"),
        ];
        compare(Duration::from_secs(15), "74999ms", window, "range", &flags).await;
    }

    #[tokio::test]
    async fn ratios_and_quantiles_of_a_moment_are_those_that_promtool_prints() {
        let window = window(1);
        compare(Duration::ZERO, "1m", window, "instant", &[format!("--time={}", window.to.timestamp())]).await;
    }

    #[tokio::test]
    async fn counts_are_the_differences_of_each_pods_counters_even_across_a_restart() {
        let Some(server) = RealPrometheus::start(&history(), &[]) else { return };
        let metrics = connect(server.url(), Duration::from_secs(15));
        let window = window(20);
        let services = ["cart".into(), "checkout".into()];
        let signals = metrics.signals(&services, window).await.unwrap();
        let minutes: Vec<_> = (0..20)
            .map(|minute| (window.from + TimeDelta::minutes(minute), window.from + TimeDelta::minutes(minute + 1)))
            .collect();
        let mut seen = Vec::new();
        for service in &signals {
            for version in &service.versions {
                let ours =
                    |pod: &&(usize, &Pod)| (pod.1.service, pod.1.version) == (service.service.as_str(), &version.label);
                let numbered: Vec<_> = PODS.iter().enumerate().collect();
                let pods: Vec<_> = numbered.iter().filter(ours).collect();
                let mut sums: Vec<_> =
                    minutes.iter().map(|&(from, to)| Counts { from, to, requests: 0, errors: 0 }).collect();
                for (part, (number, pod)) in version.parts.iter().zip(&pods) {
                    let expected: Vec<_> = minutes.iter().map(|&(from, to)| counted(pod, from, to)).collect();
                    assert_eq!(part.counts, expected, "{} {}", service.service, version.label);
                    assert_eq!(part.pod, pod.named.map_or_else(|| number.to_string(), str::to_owned));
                    for (sum, one) in sums.iter_mut().zip(expected) {
                        (sum.requests, sum.errors) = (sum.requests + one.requests, sum.errors + one.errors);
                    }
                }
                assert_eq!(version.counts, sums, "{} {}", service.service, version.label);
                let [latency] = version.latency_counts.as_slice() else { panic!("{:?}", version.latency_counts) };
                let pods: Vec<_> = pods.iter().map(|(_, pod)| *pod).collect();
                let expected: Vec<_> = minutes.iter().map(|&(from, to)| timed(&pods, from, to)).collect();
                assert_eq!((&latency.bounds, &latency.intervals), (&vec![0.05, 0.1, 0.25, 1.0], &expected));
                seen.push((service.service.as_str(), version.label.as_str(), version.parts.len()));
            }
        }
        assert_eq!(
            seen,
            [("cart", "1.4.2", 1), ("cart", "1.5.0", 1), ("checkout", "1.4.2", 2), ("checkout", "1.5.0", 1)]
        );
    }
}
