//! Signals as exporters really write them: a served world whose rollout is judged by a real Prometheus with a history of the
//! world's time, seen by processes of their own.

#[path = "support/program.rs"]
mod program;
#[path = "support/served.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod served;
#[cfg(test)]
#[path = "support/prometheus.rs"]
mod support;

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fmt::Write, process::Output};

    use serde_json::Value;
    use tempfile::TempDir;

    use super::{served::Served, support::RealPrometheus};

    const OLD: &str = "1.41.3";
    const NEW: &str = "1.42.0";
    const SCRAPE: i64 = 15;
    /// Requests of a pod between two scrapes.
    const REQUESTS: u64 = 120;

    /// How an exporter writes a request: its metric, the labels of whose it is, and that of how it ended.
    struct Exporter {
        count: &'static str,
        bucket: &'static str,
        whose: fn(version: &str) -> String,
        ended: fn(version: &str, failed: bool) -> String,
        /// Bounds are in so many parts of a second.
        unit: f64,
    }

    const OTEL: Exporter = Exporter {
        count: "http_server_request_duration_seconds_count",
        bucket: "http_server_request_duration_seconds_bucket",
        whose: |version| format!("job=\"payments\",service_name=\"payments\",service_version=\"{version}\""),
        ended: |_, failed| format!("http_response_status_code=\"{}\"", if failed { 503 } else { 200 }),
        unit: 1.0,
    };

    fn moment(text: &str) -> i64 {
        text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp()
    }

    /// Three pods of the old version fail twice in a thousand, one of the new one three times in ten.
    fn history(exporter: &Exporter) -> String {
        let mut series: BTreeMap<(&str, String), String> = BTreeMap::new();
        for (pod, version, begin, per_mille) in [
            ("s0", OLD, "2026-03-10T00:50:00Z", 2),
            ("s1", OLD, "2026-03-10T00:50:00Z", 2),
            ("s2", OLD, "2026-03-10T00:50:00Z", 2),
            ("c0", NEW, "2026-03-10T01:26:00Z", 300),
        ] {
            let whose = format!("{},pod=\"{pod}\",instance=\"{pod}\"", (exporter.whose)(version));
            for (scrape, at) in (1_u64..).zip((moment(begin)..moment("2026-03-10T02:30:00Z")).step_by(15)) {
                let requests = scrape * REQUESTS;
                let failed = requests * per_mille / 1000;
                let mut by_end: BTreeMap<String, u64> = BTreeMap::new();
                *by_end.entry((exporter.ended)(version, false)).or_default() += requests - failed;
                *by_end.entry((exporter.ended)(version, true)).or_default() += failed;
                let mut write = |metric, labels: String, value: u64| {
                    let labels = labels.trim_matches(',').replace(",,", ",");
                    let line = series.entry((metric, labels.clone())).or_default();
                    writeln!(line, "{metric}{{{labels}}} {value} {at}").unwrap();
                };
                for (ended, count) in by_end {
                    write(exporter.count, format!("{whose},{ended}"), count);
                }
                for bound in [0.1 * exporter.unit, exporter.unit] {
                    write(exporter.bucket, format!("{whose},le=\"{bound}\""), requests);
                }
                write(exporter.bucket, format!("{whose},le=\"+Inf\""), requests);
            }
        }
        let mut text = String::new();
        let mut last = "";
        for ((metric, _), lines) in &series {
            if *metric != last {
                writeln!(text, "# TYPE {metric} unknown").unwrap();
                last = metric;
            }
            text += lines;
        }
        assert_eq!(SCRAPE, 15);
        text + "# EOF\n"
    }

    /// A world, and a configuration that has its own state and asks a Prometheus of the test's.
    struct Flown {
        world: Served,
        _prometheus: Option<RealPrometheus>,
        folder: TempDir,
    }

    impl Flown {
        /// None where Prometheus is not installed.
        fn start(exporter: &Exporter, preset: &str) -> Option<Self> {
            let prometheus = RealPrometheus::start(&history(exporter), &[])?;
            let url = prometheus.url().to_owned();
            Some(Self::with(Some(prometheus), |line| match line.split_once(" = ") {
                Some(("preset", _)) => format!("preset = \"{preset}\""),
                Some(("url", old)) if old.contains("/prometheus") => format!("url = \"{url}\""),
                _ => line.to_owned(),
            }))
        }

        fn with(prometheus: Option<RealPrometheus>, edit: impl Fn(&str) -> String) -> Self {
            let world = Served::start("bad-canary", &["--at", "+21m30s"]);
            let flown = Self { folder: tempfile::tempdir().unwrap(), _prometheus: prometheus, world };
            let config = std::fs::read_to_string(flown.world.address("config")).unwrap();
            flown.write(&config, edit);
            flown
        }

        fn write(&self, config: &str, edit: impl Fn(&str) -> String) {
            let state = format!("path = \"{}\"", self.folder.path().join("state").display());
            let line = |line: &str| if line.starts_with("path = ") { state.clone() } else { edit(line) };
            let text = config.lines().map(line).collect::<Vec<_>>().join("\n");
            std::fs::write(self.folder.path().join("config.toml"), text).unwrap();
        }

        fn said(&self, args: &[&str]) -> Output {
            let mut command = crate::program::holdshort();
            command.arg("--config").arg(self.folder.path().join("config.toml")).args(args).output().unwrap()
        }

        fn status(&self) -> Value {
            let output = self.said(&["status", "--json"]);
            serde_json::from_slice(&output.stdout).unwrap_or_else(|why| panic!("{why}: {output:?}"))
        }

        /// The verdict on payments and what is missing.
        fn verdict(&self) -> (String, Vec<String>) {
            let status = self.status();
            let rollout = status["rollouts"].as_array().unwrap().iter().find(|it| it["service"] == "payments").unwrap();
            let missing = rollout["missing"].as_array().unwrap().iter();
            (
                rollout["verdict"].as_str().unwrap().to_owned(),
                missing.map(|it| it.as_str().unwrap().to_owned()).collect(),
            )
        }
    }

    #[test]
    fn errors_under_the_label_that_is_asked_for_are_judged() {
        let Some(flown) = Flown::start(&OTEL, "otel-http") else { return };
        assert_eq!(flown.verdict(), ("no_go".to_owned(), vec![]));
    }

    #[test]
    fn errors_of_a_canary_whose_label_was_renamed_are_missing_and_the_labels_are_named() {
        let ended = |version: &str, failed: bool| {
            let label = if version == NEW { "http_status_code" } else { "http_response_status_code" };
            format!("{label}=\"{}\"", if failed { 503 } else { 200 })
        };
        let Some(flown) = Flown::start(&Exporter { ended, ..OTEL }, "otel-http") else { return };
        let missing = "errors (canary) cannot be counted: the canary's requests carry no http_response_status_code; they \
                       carry http_status_code, instance, job, pod";
        assert_eq!(flown.verdict(), ("no_data".to_owned(), vec![missing.to_owned()]));
        let refused = flown.said(&["promote", "payments", "--dry-run", "--reason", "x"]);
        assert!(!refused.status.success(), "{refused:?}");
    }

    #[test]
    fn errors_without_any_code_are_missing_on_both_sides() {
        let Some(flown) = Flown::start(&Exporter { ended: |_, _| String::new(), ..OTEL }, "otel-http") else { return };
        let missing = |arm: &str, whose: &str| {
            format!(
                "errors ({arm}) cannot be counted: {whose} requests carry no http_response_status_code; they carry \
                 instance, job, pod"
            )
        };
        let missing = vec![missing("canary", "the canary's"), missing("stable", "stable's")];
        assert_eq!(flown.verdict(), ("no_data".to_owned(), missing));
    }

    #[test]
    fn errors_of_grpc_calls_stand_beside_an_http_status_of_200_and_are_missing() {
        let istio = Exporter {
            count: "istio_requests_total",
            bucket: "istio_request_duration_milliseconds_bucket",
            whose: |version| {
                format!("reporter=\"destination\",destination_workload=\"payments\",destination_version=\"{version}\"")
            },
            ended: |_, failed| {
                let status = if failed { 14 } else { 0 };
                format!("request_protocol=\"grpc\",response_code=\"200\",grpc_response_status=\"{status}\"")
            },
            unit: 1000.0,
        };
        let Some(flown) = Flown::start(&istio, "istio") else { return };
        let (verdict, missing) = flown.verdict();
        assert_eq!(verdict, "no_data");
        let said = "the canary's requests are gRPC: it stands in grpc_response_status which of them failed, and the query \
                    asks for response_code";
        assert!(missing[0].ends_with(said), "{missing:?}");
    }

    #[test]
    fn versions_are_found_with_a_v_before_them() {
        let whose =
            |version: &str| format!("job=\"payments\",service_name=\"payments\",service_version=\"v{version}\"");
        let Some(flown) = Flown::start(&Exporter { whose, ..OTEL }, "otel-http") else { return };
        assert_eq!(flown.verdict(), ("no_go".to_owned(), vec![]));
    }

    #[test]
    fn versions_that_are_called_otherwise_are_named() {
        let whose = |version: &str| {
            let short = version.rsplit_once('.').unwrap().0;
            format!("job=\"payments\",service_name=\"payments\",service_version=\"{short}\"")
        };
        let Some(flown) = Flown::start(&Exporter { whose, ..OTEL }, "otel-http") else { return };
        let missing = "payments has series of the versions 1.41, 1.42; none is called 1.42.0 or 1.41.3";
        assert_eq!(flown.verdict(), ("no_data".to_owned(), vec![missing.to_owned()]));
    }

    #[test]
    fn ingress_nginx_tells_the_canary_by_its_backend() {
        let nginx = Exporter {
            count: "nginx_ingress_controller_requests",
            bucket: "nginx_ingress_controller_response_duration_seconds_bucket",
            whose: |version| {
                let canary = if version == NEW { ",canary=\"shop-payments-canary-80\"" } else { "" };
                format!("job=\"ingress\",ingress=\"payments\",exported_service=\"payments\"{canary}")
            },
            ended: |_, failed| format!("status=\"{}\"", if failed { 503 } else { 200 }),
            unit: 1.0,
        };
        let Some(flown) = Flown::start(&nginx, "nginx-ingress") else { return };
        assert_eq!(flown.verdict(), ("no_go".to_owned(), vec![]));
    }

    fn source(status: &Value) -> Value {
        status["sources"].as_array().unwrap().iter().find(|it| it["name"] == "prometheus").unwrap().clone()
    }

    #[test]
    fn a_process_beside_another_asks_for_itself_and_what_was_kept_is_no_answer() {
        let flown = Flown::with(None, str::to_owned);
        for _ in 0..3 {
            assert_eq!(source(&flown.status())["freshness"], "live");
            assert_eq!(flown.verdict(), ("no_go".to_owned(), vec![]));
        }
        // The same journal, and a Prometheus that is gone.
        let config = std::fs::read_to_string(flown.folder.path().join("config.toml")).unwrap();
        flown.write(&config, |line| match line.split_once(" = ") {
            Some(("url", old)) if old.contains("/prometheus") => "url = \"http://127.0.0.1:9\"".to_owned(),
            _ => line.to_owned(),
        });
        let status = flown.status();
        assert_eq!(source(&status)["freshness"], "failing");
        let (verdict, missing) = flown.verdict();
        assert_ne!(verdict, "go", "what was kept is no answer");
        assert!(missing[0].starts_with("prometheus has not answered: "), "{missing:?}");
    }
}
