//! The pretended Jenkins against recorded answers, and its manners.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use holdshort::{
    demo::{
        jenkins::{Jenkins, spec::Spec},
        system::{Reply, System},
    },
    domain::time::{Timestamp, after},
};
use http::{Request, Response};
use serde_json::{Value, json};

use crate::scene::{SCENARIO, fixture, start};

const GATEWAY: &str = "/job/shop/job/gateway";

fn world(more: &str) -> Jenkins {
    let spec: Spec = toml::from_str(&format!("{more}\n{SCENARIO}")).unwrap();
    Jenkins::new(&spec, start())
}

fn send(world: &mut Jenkins, now: Timestamp, request: &Request<Bytes>) -> Response<Bytes> {
    while let Some(at) = world.next().filter(|at| *at <= now) {
        world.advance(at);
    }
    match world.respond(now, request) {
        Reply::Whole(response) => response,
        Reply::Stream { .. } => panic!("it has no streams"),
    }
}

fn get(world: &mut Jenkins, path: &str) -> Value {
    let response = send(world, start(), &Request::get(path).body(Bytes::new()).unwrap());
    assert_eq!(response.status(), 200, "{path}");
    serde_json::from_slice(response.body()).unwrap()
}

/// Who signs in with these, and writes.
fn post(world: &mut Jenkins, path: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
    let request = headers.iter().fold(Request::post(path), |request, (name, value)| request.header(*name, *value));
    send(world, start(), &request.body(Bytes::new()).unwrap())
}

/// `dana:demo`.
const TOKEN: (&str, &str) = ("authorization", "Basic ZGFuYTpkZW1v");

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn every_answer_has_the_keys_of_a_recorded_one() {
    let mut world = world("");
    let build = get(&mut world, &format!("{GATEWAY}/811/api/json"));
    let recorded = fixture("api_run_workflowrun");
    let only_newer = ["inProgress"];
    let lacking: Vec<_> = keys(&recorded).difference(&keys(&build)).copied().collect();
    let extra: Vec<_> =
        keys(&build).difference(&keys(&recorded)).filter(|key| !only_newer.contains(key)).copied().collect();
    assert_eq!((lacking, extra), (vec![], vec![]));
    let job = get(&mut world, &format!("{GATEWAY}/api/json"));
    let recorded = fixture("api_job_pipeline");
    assert_eq!(keys(&recorded).difference(&keys(&job)).collect::<Vec<_>>(), Vec::<&&str>::new());
    let queued = post(&mut world, &format!("{GATEWAY}/build"), &[TOKEN]);
    let place = queued.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!((queued.status().as_u16(), place.ends_with("/queue/item/600/")), (201, true), "{place}");
    let waits = get(&mut world, "/queue/item/600/api/json");
    assert_eq!(keys(&waits), keys(&fixture("api_queue_waitingitem")));
    let later = after(start(), Duration::from_secs(6));
    let left = send(&mut world, later, &Request::get("/queue/item/600/api/json").body(Bytes::new()).unwrap());
    let left: Value = serde_json::from_slice(left.body()).unwrap();
    assert_eq!(keys(&left), keys(&fixture("api_queue_leftitem")));
    let stages = get(&mut world, &format!("{GATEWAY}/811/wfapi/describe"));
    let recorded = fixture("wfapi_runs_failed")[0]["stages"][0].clone();
    assert_eq!(keys(&stages["stages"][0]), keys(&recorded));
    let log = get(&mut world, &format!("{GATEWAY}/811/execution/node/7/wfapi/log"));
    assert_eq!(keys(&log), keys(&fixture("readme_wfapi_node_log")));
}

#[test]
fn only_the_fields_that_are_wanted_are_told() {
    let mut world = world("");
    let told = get(&mut world, "/job/shop/api/json?tree=jobs%5Bname,builds%5Bnumber%5D%7B0,1%7D,jobs%5Bname%5D%5D");
    let names: Vec<_> = told["jobs"].as_array().unwrap().iter().map(|job| job["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["cart", "gateway", "rollback"]);
    let class = "org.jenkinsci.plugins.workflow.job.WorkflowRun";
    assert_eq!(told["jobs"][1]["builds"], json!([{"_class": class, "number": 812}]));
    assert_eq!(told["jobs"][0]["jobs"][0]["name"], "main");
}

#[test]
fn whoever_writes_without_a_token_brings_a_crumb_of_its_session_and_a_wrong_token_is_refused() {
    let mut world = world("");
    let stop = "/job/shop/job/cart/job/main/41/stop";
    let refused = post(&mut world, stop, &[]);
    let text = String::from_utf8(refused.body().to_vec()).unwrap();
    assert!(refused.status() == 403 && text.contains("No valid crumb was included in the request"), "{text}");
    assert_eq!(post(&mut world, stop, &[("jenkins-crumb", "c0ffee")]).status(), 403, "a crumb is of a session");
    let crumb = [("jenkins-crumb", "c0ffee"), ("cookie", "JSESSIONID.demo=s1")];
    assert_eq!(post(&mut world, stop, &crumb).status(), 302);
    assert_eq!(post(&mut world, stop, &[TOKEN]).status(), 302);
    let wrong = Request::get("/api/json").header("authorization", "Basic ZGFuYTp4").body(Bytes::new()).unwrap();
    assert_eq!(send(&mut world, start(), &wrong).status(), 401);
    for path in [
        "/job/other/api/json",
        "/job/shop/job/x/api/json",
        "/job/shop/job/gateway/1/api/json",
        "/queue/item/1/api/json",
    ] {
        assert_eq!(send(&mut world, start(), &Request::get(path).body(Bytes::new()).unwrap()).status(), 404, "{path}");
    }
}

#[test]
fn an_input_that_is_for_others_says_so_in_a_header_and_one_that_is_gone_is_not_there() {
    let mut world = world("");
    let live = "/job/shop/job/cart/job/main/40/input/Live/proceedEmpty";
    let refused = post(&mut world, live, &[TOKEN]);
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["x-error"]),
        (400, &"You need to be lee,kim to submit this.".parse().unwrap())
    );
    let ship = format!("{GATEWAY}/812/input/Ship/abort");
    assert_eq!([post(&mut world, &ship, &[TOKEN]).status(), post(&mut world, &ship, &[TOKEN]).status()], [200, 404]);
}
