//! The built-in world as its users see it: every scenario reaches the state that it describes, by what its controllers do.

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chrono::{DateTime, TimeDelta, Utc};
    use holdshort::{
        demo::{
            scenario::Scenario,
            world::{Answer, World},
        },
        port::wire::Class,
    };
    use http::Request;
    use serde_json::{Value, json};

    fn world(name: &str) -> (World, Scenario) {
        let scenario = Scenario::load(name).unwrap();
        (World::new(&scenario).unwrap(), scenario)
    }

    fn send(world: &mut World, now: DateTime<Utc>, request: &Request<Bytes>) -> (u16, Value) {
        match world.respond(now, request).answer {
            Answer::Whole(response) => {
                (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or(Value::Null))
            }
            other => panic!("{other:?}"),
        }
    }

    fn get(world: &mut World, now: DateTime<Utc>, path: &str) -> Value {
        let (status, body) = send(
            world,
            now,
            &Request::get(path)
                .header("user-agent", "test")
                .header("authorization", "Bearer demo")
                .body(Bytes::new())
                .unwrap(),
        );
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    fn patch(path: &str, kind: &str, body: &Value) -> Request<Bytes> {
        Request::patch(path).header("content-type", kind).body(Bytes::from(body.to_string())).unwrap()
    }

    fn rollout(cell: &str, name: &str) -> String {
        format!("/kubernetes/{cell}/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/{name}")
    }

    /// The value of a query at a moment, by the label `service_version`.
    fn by_version(world: &mut World, now: DateTime<Utc>, query: &str) -> Vec<(String, f64)> {
        let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("query", query).finish();
        let answer = get(world, now, &format!("/prometheus/api/v1/query?{form}"));
        let rows = answer["data"]["result"].as_array().unwrap().iter();
        let row = |row: &Value| {
            let version = row["metric"]["service_version"].as_str().unwrap().to_owned();
            (version, row["value"][1].as_str().unwrap().parse().unwrap())
        };
        let mut rows: Vec<(String, f64)> = rows.map(row).collect();
        rows.sort_by(|one, two| one.0.cmp(&two.0));
        rows
    }

    const ERRORS: &str = r#"(sum by (service_version) (rate(http_server_request_duration_seconds_count{http_response_status_code=~"5.."}[5m])) or 0 * sum by (service_version) (rate(http_server_request_duration_seconds_count[5m]))) / sum by (service_version) (rate(http_server_request_duration_seconds_count[5m]))"#;
    const RATE: &str = "sum by (service_version) (rate(http_server_request_duration_seconds_count[5m]))";
    const P99: &str = "histogram_quantile(0.99, sum by (service_version, le) (rate(http_server_request_duration_seconds_bucket[5m])))";

    #[test]
    fn no_scenario_has_a_script_that_cannot_be_done() {
        for (name, _) in Scenario::list() {
            let (mut world, scenario) = world(name);
            world.advance(scenario.opens() + TimeDelta::minutes(5));
            assert_eq!(world.failures(), &[] as &[String], "{name}");
        }
    }

    #[test]
    fn the_bad_canary_stands_at_a_quarter_in_its_timed_pause_and_burns() {
        let (mut world, scenario) = world("bad-canary");
        let open = scenario.opens();
        let seen = get(&mut world, open, &rollout("eu", "payments"));
        let status = &seen["status"];
        assert_eq!((&status["phase"], &status["currentStepIndex"]), (&json!("Paused"), &json!(5)), "{status}");
        assert_eq!(status["updatedReplicas"], json!(3), "{status}");
        let serving = world.serving();
        let arms: Vec<(&str, f64, usize)> =
            serving[0].arms.iter().map(|arm| (arm.version.as_str(), arm.share, arm.pods.len())).collect();
        assert_eq!(arms, [("1.41.3", 0.75, 9), ("1.42.0", 0.25, 3)]);
        let within = |values: Vec<(String, f64)>, stable: (f64, f64), canary: (f64, f64)| {
            let [(_, old), (_, new)] = values.as_slice() else { panic!("{values:?}") };
            assert!((stable.0..=stable.1).contains(old) && (canary.0..=canary.1).contains(new), "{values:?}");
        };
        within(by_version(&mut world, open, ERRORS), (0.001, 0.003), (0.028, 0.034));
        within(by_version(&mut world, open, RATE), (69.0, 75.0), (22.5, 25.5));
        within(by_version(&mut world, open, P99), (0.26, 0.4), (1.0, 1.5));
        let before = scenario.start + TimeDelta::seconds(170);
        let (mut early, _) = self::world("bad-canary");
        within(by_version(&mut early, before, ERRORS), (0.001, 0.003), (0.0, 0.006));
    }

    #[test]
    fn an_alert_is_inactive_then_pending_then_fires_with_the_time_of_its_begin() {
        let (mut world, scenario) = world("bad-canary");
        let mut at = |minute: i64| {
            let now = scenario.start + TimeDelta::minutes(minute);
            let rules = get(&mut world, now, "/prometheus/api/v1/rules?type=alert");
            let rule = rules["data"]["groups"][0]["rules"][0].clone();
            let alerts = get(&mut world, now, "/prometheus/api/v1/alerts")["data"]["alerts"].clone();
            assert_eq!(rule["alerts"], alerts);
            (rule["state"].as_str().unwrap().to_owned(), alerts[0]["activeAt"].clone(), alerts[0]["labels"].clone())
        };
        assert_eq!(at(2), ("inactive".to_owned(), Value::Null, Value::Null));
        let states: Vec<_> = (3..12).map(&mut at).collect();
        let (_, since, labels) = states.iter().find(|(state, ..)| state == "pending").unwrap().clone();
        assert_eq!(
            labels,
            json!({
                "alertname": "PaymentsErrorRatioHigh", "service_name": "payments", "service_version": "1.42.0",
                "severity": "page", "team": "payments",
            })
        );
        let fires = ("firing".to_owned(), since, labels);
        assert_eq!(states.last(), Some(&fires));
        assert_eq!(at(21), fires);
        let recorded = get(&mut world, scenario.opens(), "/prometheus/api/v1/rules?type=record");
        assert_eq!(recorded["data"], json!({"groups": []}));
    }

    #[test]
    fn an_answer_that_is_cut_has_taken_effect() {
        let mut scenario = Scenario::load("steady").unwrap();
        let faults = "name = 'x'\nabout = 'x'\nstart = '2026-03-10T09:00:00Z'\n\
                      [[faults]]\non = '/kubernetes'\ntimes = 1\nwhat = { cut_body = 7 }\n";
        scenario.faults = Scenario::parse("faults", faults).unwrap().faults;
        let mut world = World::new(&scenario).unwrap();
        let path = rollout("eu", "payments");
        let pause = patch(&path, "application/merge-patch+json", &json!({"spec": {"paused": true}}));
        let Answer::Cut(response) = world.respond(scenario.start, &pause).answer else { panic!("not cut") };
        assert_eq!((response.status().as_u16(), response.body().len()), (200, 7));
        assert_eq!(world.calls().last().map(|call| call.class), Some(Class::Write));
        assert_eq!(get(&mut world, scenario.start, &path)["spec"]["paused"], json!(true));
    }

    #[test]
    fn a_patch_that_changes_something_is_the_only_write() {
        let (mut world, scenario) = world("bad-canary");
        let now = scenario.opens();
        let path = rollout("eu", "payments");
        get(&mut world, now, &path);
        by_version(&mut world, now, RATE);
        let abort =
            patch(&format!("{path}/status"), "application/merge-patch+json", &json!({"status": {"abort": true}}));
        assert_eq!(send(&mut world, now, &abort).0, 200);
        let stale = json!({"metadata": {"resourceVersion": "1"}, "spec": {"paused": true}});
        assert_eq!(send(&mut world, now, &patch(&path, "application/merge-patch+json", &stale)).0, 409);
        let classes: Vec<Class> = world.calls().map(|call| call.class).collect();
        assert_eq!(classes, [Class::Read, Class::Read, Class::Write, Class::Read]);
        let later = now + TimeDelta::minutes(1);
        world.advance(later);
        let arms: Vec<String> = world.serving()[0].arms.iter().map(|arm| arm.version.clone()).collect();
        assert_eq!(arms, ["1.41.3"]);
    }

    #[test]
    fn the_low_traffic_canary_has_requests_and_no_latency() {
        let (mut world, scenario) = world("low-traffic");
        let now = scenario.opens();
        let requests =
            by_version(&mut world, now, "sum by (service_version) (http_server_request_duration_seconds_count)");
        let canary = requests.iter().find(|(version, _)| version == "5.7.0").map(|(_, count)| *count).unwrap();
        assert!((150.0..=215.0).contains(&canary), "{canary}");
        let versions = |values: Vec<(String, f64)>| values.into_iter().map(|(version, _)| version).collect::<Vec<_>>();
        assert_eq!(versions(by_version(&mut world, now, P99)), ["5.6.0"]);
        assert_eq!(by_version(&mut world, now, ERRORS).iter().find(|(v, _)| v == "5.7.0").map(|(_, e)| *e), Some(0.0));
    }

    #[test]
    fn the_hung_api_answers_nobody_from_its_moment_on_and_the_other_cell_does() {
        let (mut world, scenario) = world("hung-api");
        get(&mut world, scenario.opens(), &rollout("eu", "payments"));
        let later = scenario.start + TimeDelta::minutes(2);
        let request = Request::get(rollout("eu", "payments")).body(Bytes::new()).unwrap();
        assert!(matches!(world.respond(later, &request).answer, Answer::Never));
        assert_eq!(world.calls().last().map(|call| call.status), Some(None));
        get(&mut world, later, &rollout("us", "payments"));
    }

    #[test]
    fn the_moved_rollout_holds_another_commit_ten_seconds_after_opening() {
        let (mut world, scenario) = world("moved-sha");
        let path = rollout("eu", "checkout");
        let image =
            |seen: &Value| seen["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned();
        let seen = get(&mut world, scenario.opens(), &path);
        assert_eq!(
            (image(&seen).as_str(), &seen["status"]["phase"]),
            ("registry.shop.example/checkout:2.9.0", &json!("Paused"))
        );
        let runs =
            |world: &mut World, now| get(world, now, "/github/repos/acme/checkout/actions/runs")["total_count"].clone();
        assert_eq!(runs(&mut world, scenario.opens()), json!(1));
        let later = scenario.opens() + TimeDelta::seconds(11);
        assert_eq!(image(&get(&mut world, later, &path)), "registry.shop.example/checkout:2.9.1");
        assert_eq!(runs(&mut world, later), json!(2));
    }

    #[test]
    fn three_gates_wait_for_approval() {
        let (mut world, scenario) = world("waiting-approval");
        let now = scenario.opens();
        let search = get(&mut world, now, &rollout("us", "search"));
        assert_eq!((&search["status"]["phase"], &search["status"]["currentStepIndex"]), (&json!("Paused"), &json!(3)));
        for (repo, waiting) in [("ledger", 2), ("gateway", 1)] {
            let runs = get(&mut world, now, &format!("/github/repos/acme/{repo}/actions/runs?status=waiting"));
            assert_eq!(runs["total_count"], json!(waiting), "{repo}");
        }
    }

    #[test]
    fn a_wrong_token_is_refused_and_an_unknown_path_says_what_there_is() {
        let (mut world, scenario) = world("steady");
        let mut ask = |path: &str, token: &str| {
            let request = Request::get(path).header("authorization", token).body(Bytes::new()).unwrap();
            match world.respond(scenario.start, &request).answer {
                Answer::Whole(response) => (response.status().as_u16(), response.into_body()),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(ask("/prometheus/api/v1/query?query=up", "Bearer demo").0, 200);
        assert_eq!(ask("/prometheus/api/v1/query?query=up", "Bearer other").0, 401);
        assert_eq!(ask("/kubernetes/eu/version", "Bearer other").0, 401);
        let (status, text) = ask("/kubernetes/mars/version", "Bearer demo");
        assert_eq!(status, 404);
        assert_eq!(&*text, b"nothing is here; there are /kubernetes/eu, /kubernetes/us, /prometheus\n");
    }

    #[test]
    fn every_answer_carries_the_date_of_the_world() {
        let (mut world, scenario) = world("steady");
        let request = Request::get("/kubernetes/eu/version").body(Bytes::new()).unwrap();
        let Answer::Whole(response) = world.respond(scenario.opens(), &request).answer else { panic!() };
        assert_eq!(response.headers()["date"], "Tue, 10 Mar 2026 09:01:00 GMT");
    }

    #[test]
    fn how_often_the_world_is_looked_at_changes_nothing() {
        let (mut once, scenario) = world("bad-canary");
        let (mut often, _) = world("bad-canary");
        once.advance(scenario.opens());
        for second in 0..=1290 {
            often.advance(scenario.start + TimeDelta::seconds(second));
        }
        let seen = |world: &World| (world.revision(), world.export("/prometheus").unwrap());
        assert_eq!(seen(&once), seen(&often));
    }
}
