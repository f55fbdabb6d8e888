//! Native histograms that a real Prometheus scraped, through the Prometheus provider.

#[cfg(test)]
#[path = "support/exposition.rs"]
mod exposition;
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
    use std::{sync::Arc, time::Duration};

    use chrono::TimeDelta;
    use holdshort::{
        domain::{
            signal::{BucketCounts, Counts, LatencyCounts, PartCounts},
            time::Timestamp,
        },
        port::{facet::Window, lookup::Lookup},
        provider::prometheus::{
            Settings,
            presets::{LatencyUnit, Preset},
        },
    };

    use super::{
        exposition::{Exporter, Histogram},
        lookup::Asking,
        metrics,
        support::RealPrometheus,
    };

    /// A service of which only a native histogram is known.
    fn preset() -> Preset {
        let by = |query: &str| format!("sum by (app, version) ({query})");
        Preset {
            service_label: "app".to_owned(),
            version_label: "version".to_owned(),
            latency_unit: LatencyUnit::Seconds,
            rate: by("histogram_count(rate(request_seconds{job!=\"\"$SEL}[$W]))"),
            error_ratio: by("0 * histogram_count(rate(request_seconds{job!=\"\"$SEL}[$W]))"),
            buckets: by("rate(request_seconds{job!=\"\"$SEL}[$W])"),
            requests_total: Some("histogram_count(request_seconds{job!=\"\"$SEL})".to_owned()),
            errors_total: Some("histogram_count(request_seconds{code=\"500\"$SEL})".to_owned()),
            buckets_total: None,
            histogram_total: Some("request_seconds{job!=\"\"$SEL}".to_owned()),
            pod_label: Some("pod".to_owned()),
            service_matcher: None,
            notes: String::new(),
        }
    }

    fn connect(url: &str) -> Arc<dyn Lookup> {
        metrics::connect(url, Settings { scrape: Duration::from_secs(1), ..Settings::new(preset()) })
    }

    #[expect(clippy::disallowed_methods, reason = "a real server scrapes by the system's clock")]
    fn now() -> Timestamp {
        chrono::Utc::now()
    }

    #[tokio::test]
    async fn pods_of_two_resolutions_are_counted_at_the_bounds_of_the_coarser() {
        let pod = |pod, schema, first| Histogram {
            labels: vec![("app", "cart"), ("version", "2"), ("pod", pod), ("code", "200")],
            schema,
            first,
            growth: vec![3, 7, 5],
        };
        // Eight bounds an octave: all below 0.6 s, of which three below half a second. One bound an octave: up to 0.5, 1, 2 s.
        let exporter = Exporter::start("request_seconds", vec![pod("fine", 3, -8), pod("coarse", 0, -1)]);
        let Some(server) = RealPrometheus::start("# EOF\n", &[exporter.address]) else { return };
        for _ in 0..5 {
            exporter.answered.recv().unwrap();
        }
        let to = Timestamp::from_timestamp(now().timestamp(), 0).unwrap();
        // A scrape is stored before the next one is made: all there will ever be up to that moment is there now.
        exporter.answered.recv().unwrap();
        let from = to - TimeDelta::seconds(2);
        let window = Window { from, to, step: Duration::from_secs(2) };
        let mut signals = connect(server.url()).signals(&["cart".into()], window).await.unwrap();
        let version = signals.remove(0).versions.remove(0);
        let requests = version.counts[0].requests;
        let scrapes = requests / 30;
        assert!(scrapes > 0, "{version:?}");
        let bounds: Vec<f64> = (-10..=6).map(|octave| 2.0_f64.powi(octave)).collect();
        let within = bounds.iter().map(|bound| match *bound {
            bound if bound < 0.5 => 0,
            bound if bound < 1.0 => 6 * scrapes,
            bound if bound < 2.0 => 25 * scrapes,
            _ => 30 * scrapes,
        });
        let interval = BucketCounts { from, to, requests: 30 * scrapes, within: within.collect() };
        let expected = LatencyCounts { stratum: String::new(), bounds, intervals: vec![interval] };
        assert_eq!(version.latency_counts, [expected]);
        let part = |pod: &str| PartCounts {
            stratum: String::new(),
            pod: pod.to_owned(),
            counts: vec![Counts { from, to, requests: 15 * scrapes, errors: 0 }],
        };
        assert_eq!(version.parts, [part("coarse"), part("fine")]);
        let median = version.latency.p50[0].value;
        assert!((0.5..=1.0).contains(&median), "25 of 30 are at most a second, 6 at most half of one: {median}");
    }
}
