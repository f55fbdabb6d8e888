//! The world's `PromQL` against a real Prometheus that holds the same samples: every query must give the same.

#[cfg(test)]
#[path = "support/prometheus.rs"]
mod support;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use chrono::{DateTime, TimeDelta, Utc};
    use holdshort::demo::{
        prometheus::Prometheus,
        system::{Reply, System},
        traffic::{
            Arm, Serving, Traffic,
            spec::{Behaviour, TrafficSpec},
        },
    };
    use serde_json::{Value, json};

    use super::support::RealPrometheus;

    /// Every query that is shipped for these metrics, with `$W` for the range.
    const PRESETS: [&str; 4] = [
        r#"sum by (service_name, service_version) (rate(http_server_request_duration_seconds_count{job!="",namespace="shop"}[$W]))"#,
        r#"(sum by (service_name, service_version) (rate(http_server_request_duration_seconds_count{http_response_status_code=~"5.."}[$W])) or 0 * sum by (service_name, service_version) (rate(http_server_request_duration_seconds_count{job!=""}[$W]))) / (sum by (service_name, service_version) (rate(http_server_request_duration_seconds_count{job!=""}[$W])) > 0)"#,
        r#"sum by (service_name, service_version, le) (rate(http_server_request_duration_seconds_bucket{job!=""}[$W]))"#,
        r#"histogram_quantile(0.95, sum by (service_name, service_version, le) (rate(http_server_request_duration_seconds_bucket{job!=""}[$W])))"#,
    ];

    /// Everything else that the evaluator claims to know.
    const OTHERS: &[&str] = &[
        "up",
        "http_server_request_duration_seconds_count",
        r#"http_server_request_duration_seconds_bucket{le="0.1",pod=~"payments-new-.*"}"#,
        r#"{__name__=~"http_server_request_duration_seconds_(count|sum)",http_response_status_code!="500"}"#,
        r#"{service_version!~"1.*|"}"#,
        "does_not_exist",
        "http_server_request_duration_seconds_count offset 4m",
        "increase(http_server_request_duration_seconds_count[3m])",
        "increase(http_server_request_duration_seconds_count[20s])",
        "irate(http_server_request_duration_seconds_count[2m])",
        "delta(http_server_request_duration_seconds_sum[2m])",
        "idelta(http_server_request_duration_seconds_count[2m])",
        "changes(http_server_request_duration_seconds_count[5m])",
        "resets(http_server_request_duration_seconds_count[5m])",
        "avg_over_time(http_server_request_duration_seconds_count[2m])",
        "max_over_time(up[2m]) + min_over_time(up[2m]) + sum_over_time(up[2m]) + count_over_time(up[2m])",
        "last_over_time(http_server_request_duration_seconds_count[2m])",
        "sum(up)",
        "count by (namespace) (up)",
        "avg without (pod, instance) (http_server_request_duration_seconds_count)",
        "min by (service_version) (http_server_request_duration_seconds_count)",
        "max by (service_version, absent_label) (http_server_request_duration_seconds_count)",
        "group by (service_name) (http_server_request_duration_seconds_count)",
        "topk(2, http_server_request_duration_seconds_count)",
        "bottomk by (service_version) (1, http_server_request_duration_seconds_count)",
        "-up",
        "2 * 3 + 4 ^ 0.5 % 3",
        "1 / 0",
        "0 / 0",
        "3 > bool 2",
        "http_server_request_duration_seconds_count > 1000",
        "http_server_request_duration_seconds_count > bool 1000",
        "1000 < http_server_request_duration_seconds_count",
        "http_server_request_duration_seconds_count / http_server_request_duration_seconds_count",
        "rate(http_server_request_duration_seconds_sum[2m]) / rate(http_server_request_duration_seconds_count[2m])",
        r#"http_server_request_duration_seconds_count{http_response_status_code="200"} == http_server_request_duration_seconds_count"#,
        r#"http_server_request_duration_seconds_count{http_response_status_code="500"} / ignoring (http_response_status_code) http_server_request_duration_seconds_count{http_response_status_code="200"}"#,
        "http_server_request_duration_seconds_count / on (pod) group_left sum by (pod) (http_server_request_duration_seconds_count)",
        "up * on (pod, instance) group_left (service_version, pod_template_hash) target_info",
        "target_info * on (pod, instance) group_right (service_version) http_server_request_duration_seconds_count",
        r#"up and on (pod) http_server_request_duration_seconds_count{http_response_status_code="500"}"#,
        r#"up unless on (pod) http_server_request_duration_seconds_count{service_version="1.42.0"}"#,
        r#"http_server_request_duration_seconds_count{service_version="1.42.0"} or http_server_request_duration_seconds_count"#,
        r#"label_replace(up, "set", "$1-$2", "pod", "(.*)-(.*)")"#,
        r#"label_replace(up, "pod", "", "pod", ".*-a")"#,
        r#"label_replace(vector(1), "stat", "p95", "", "")"#,
        "clamp_min(http_server_request_duration_seconds_count, 800)",
        "clamp_max(http_server_request_duration_seconds_count, 800)",
        "clamp(http_server_request_duration_seconds_count, 100, 800)",
        "timestamp(up)",
        "timestamp(sum(up))",
        "time()",
        "vector(time())",
        "scalar(sum(up))",
        "scalar(up)",
        "absent(up)",
        r#"absent(up{pod="nope",job=~"x"})"#,
        "ceil(rate(http_server_request_duration_seconds_count[1m])) - floor(sqrt(abs(-up)))",
        "ln(up) + exp(up) + log2(up) + log10(up)",
        "histogram_quantile(0.5, rate(http_server_request_duration_seconds_bucket[5m]))",
        "histogram_quantile(1.5, rate(http_server_request_duration_seconds_bucket[5m]))",
        "histogram_quantile(-1, rate(http_server_request_duration_seconds_bucket[5m]))",
        r#"histogram_quantile(0.5, sum by (le) (rate(http_server_request_duration_seconds_bucket{le!="+Inf"}[5m])))"#,
        "histogram_quantile(0.95, sum by (service_name) (rate(http_server_request_duration_seconds_bucket[5m])))",
    ];

    /// Queries that both must refuse.
    const WRONG: &[&str] = &[
        "sum by (",
        "",
        "rate(up)",
        "up[5m] + 1",
        "up * on (namespace) up",
        r#"{service_version!~"1.*"}"#,
        "http_server_request_duration_seconds_count * on (pod) up",
        "nonsense(up)",
        r#"up{pod=~"("}"#,
    ];

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_773_104_400 + second, 0).unwrap()
    }

    fn behaviour(version: Option<&str>, after: u64, error_ratio: f64, p99: u64) -> Behaviour {
        Behaviour {
            version: version.map(str::to_owned),
            share: 0.0,
            after: Duration::from_secs(after),
            error_ratio,
            median: Duration::from_millis(80),
            p99: Duration::from_millis(p99),
            absent: Vec::new(),
            regions: Vec::new(),
            first_pod_error_ratio: None,
            bursts: None,
            tail: None,
            reaches: 1.0,
            lines: Vec::new(),
        }
    }

    fn arm(version: &str, share: f64, pods: &[&str]) -> Arm {
        let pods = pods.iter().map(|pod| (*pod).to_owned()).collect();
        Arm { version: version.into(), hash: format!("hash-{version}"), share, pods }
    }

    /// An hour with a canary from its half on; one stable pod leaves early.
    fn samples() -> Prometheus {
        let traffic = TrafficSpec {
            cell: "eu".into(),
            namespace: "shop".into(),
            service: "payments".into(),
            rps: 20.0,
            daily: 0.1,
            lines: Vec::new(),
            behaviour: vec![behaviour(None, 0, 0.002, 270), behaviour(Some("1.42.0"), 300, 0.05, 1200)],
        };
        let mut traffic = Traffic::new(7, &[traffic], at(0));
        let mut world = Prometheus::new(Vec::new()).unwrap();
        for tick in 0..240 {
            let arms = match tick {
                0..60 => vec![arm("1.41.3", 1.0, &["payments-old-a", "payments-old-b", "payments-old-c"])],
                60..120 => vec![arm("1.41.3", 1.0, &["payments-old-a", "payments-old-b"])],
                _ => vec![
                    arm("1.41.3", 0.75, &["payments-old-a", "payments-old-b"]),
                    arm("1.42.0", 0.25, &["payments-new-a"]),
                ],
            };
            let serving = Serving { cell: "eu".into(), namespace: "shop".into(), service: "payments".into(), arms };
            let now = at(tick * 15);
            traffic.tell(now, &[serving], |served| world.told(now, served));
        }
        world
    }

    fn form(pairs: &[(&str, &str)]) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    fn ask_world(world: &mut Prometheus, path: &str, form: &str) -> (u16, Value) {
        let request = http::Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(form.to_owned()))
            .unwrap();
        let Reply::Whole(response) = world.respond(at(3600), &request) else { panic!("{path} streams") };
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    async fn ask_real(client: &reqwest::Client, real: &RealPrometheus, path: &str, form: &str) -> (u16, Value) {
        let request = client.post(format!("{}{path}", real.url()));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned());
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
    }

    /// Vectors have no order; sort them by their labels.
    fn sorted(mut answer: Value) -> Value {
        if let Some(rows) = answer.pointer_mut("/data/result").and_then(Value::as_array_mut) {
            rows.sort_by_key(|row| row.get("metric").map(Value::to_string));
        }
        answer
    }

    /// Equal but for the last digits of numbers: sums may be added up in another order.
    fn same(one: &Value, two: &Value) -> bool {
        match (one, two) {
            (Value::Array(one), Value::Array(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| same(one, two))
            }
            (Value::Object(one), Value::Object(two)) => {
                one.len() == two.len()
                    && one.iter().all(|(key, value)| two.get(key).is_some_and(|two| same(value, two)))
            }
            (Value::String(one), Value::String(two)) => {
                one == two
                    || matches!((one.parse::<f64>(), two.parse::<f64>()), (Ok(a), Ok(b)) if (a - b).abs() <= 1e-9 * a.abs().max(b.abs()))
            }
            _ => one == two,
        }
    }

    #[tokio::test]
    async fn every_query_gives_what_a_real_prometheus_gives() {
        let mut world = samples();
        let Some(real) = RealPrometheus::start(&world.openmetrics(), &[]) else { return };
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let presets =
            PRESETS.iter().flat_map(|query| ["1m", "2m", "74999ms", "10m"].map(|range| query.replace("$W", range)));
        let queries: Vec<String> = presets.chain(OTHERS.iter().map(|query| (*query).to_owned())).collect();
        let mut differ = Vec::new();
        for query in &queries {
            let mut requests = Vec::new();
            for second in ["1773106800", "1773106507.5", "1773107900", "1773110000"] {
                requests.push(("/api/v1/query", form(&[("query", query.as_str()), ("time", second)])));
            }
            let range = [("query", query.as_str()), ("start", "1773106000"), ("end", "1773108600"), ("step", "40s")];
            requests.push(("/api/v1/query_range", form(&range)));
            for (path, form) in requests {
                let ours = ask_world(&mut world, path, &form);
                let theirs = ask_real(&client, &real, path, &form).await;
                if ours.0 != theirs.0 || !same(&sorted(ours.1.clone()), &sorted(theirs.1.clone())) {
                    differ.push(format!("{query}\n  {form}\n  ours   {}\n  theirs {}", ours.1, theirs.1));
                }
            }
        }
        assert!(differ.is_empty(), "{} of {} differ:\n{}", differ.len(), queries.len() * 5, differ.join("\n"));
    }

    #[tokio::test]
    async fn what_a_real_prometheus_refuses_is_refused_with_the_same_status_and_type() {
        let mut world = samples();
        let Some(real) = RealPrometheus::start(&world.openmetrics(), &[]) else { return };
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut requests: Vec<(&str, String)> =
            WRONG.iter().map(|query| ("/api/v1/query", form(&[("query", query), ("time", "1773107900")]))).collect();
        let range = |query, start, end, step| {
            ("/api/v1/query_range", form(&[("query", query), ("start", start), ("end", end), ("step", step)]))
        };
        requests.extend([
            ("/api/v1/query", form(&[("query", "up"), ("time", "notatime")])),
            range("up", "1773107900", "1773107890", "1"),
            range("up", "1773000000", "1773107890", "1"),
            range("up", "1773107890", "1773107900", "0"),
            range("up", "1773107890", "1773107900", "soon"),
            range("up[5m]", "1773107890", "1773107900", "5"),
            range("'text'", "1773107890", "1773107900", "5"),
            ("/api/v1/series", String::new()),
        ]);
        for (path, form) in requests {
            let ours = ask_world(&mut world, path, &form);
            let theirs = ask_real(&client, &real, path, &form).await;
            let kind = |answer: &(u16, Value)| (answer.0, answer.1["status"].clone(), answer.1["errorType"].clone());
            assert_eq!(kind(&ours), kind(&theirs), "{path} {form}: {} against {}", ours.1, theirs.1);
        }
    }

    #[tokio::test]
    async fn series_and_labels_are_listed_as_a_real_prometheus_lists_them() {
        let mut world = samples();
        let Some(real) = RealPrometheus::start(&world.openmetrics(), &[]) else { return };
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let span = "start=1773105000&end=1773108000";
        let paths = [
            format!("/api/v1/series?match[]=up&match[]=target_info&{span}"),
            format!("/api/v1/series?match[]=up{{pod=~%22payments-old-.%22}}&{span}"),
            format!("/api/v1/labels?{span}"),
            format!("/api/v1/labels?match[]=up&{span}"),
            format!("/api/v1/label/service_version/values?{span}"),
            format!("/api/v1/label/pod/values?match[]=http_server_request_duration_seconds_count&{span}"),
            format!("/api/v1/label/nothing/values?{span}"),
        ];
        for path in paths {
            let encoded = path.replace('[', "%5B").replace(']', "%5D").replace('{', "%7B").replace('}', "%7D");
            let request = http::Request::get(&encoded).body(Bytes::new()).unwrap();
            let Reply::Whole(ours) = world.respond(at(3600), &request) else { panic!("{path} streams") };
            let ours: Value = serde_json::from_slice(ours.body()).unwrap();
            let theirs = client.get(format!("{}{encoded}", real.url())).send().await.unwrap().bytes().await.unwrap();
            let theirs: Value = serde_json::from_slice(&theirs).unwrap();
            let list = |answer: &Value| {
                let mut list = answer["data"].as_array().cloned().unwrap_or_default();
                list.sort_by_key(Value::to_string);
                json!(list)
            };
            assert_eq!((&ours["status"], list(&ours)), (&theirs["status"], list(&theirs)), "{path}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_samples_to_the_last_digit() {
        assert_eq!(samples().openmetrics(), samples().openmetrics());
        let first = TimeDelta::seconds(15);
        assert_eq!(Traffic::next(at(0)), at(0) + first);
    }
}
