//! The pretended Buildkite against published examples, and its manners.

use std::collections::BTreeSet;

use bytes::Bytes;
use holdshort::{
    demo::{
        buildkite::{Buildkite, spec::Spec},
        system::{Reply, System},
    },
    domain::time::{Timestamp, after},
};
use http::{Request, Response, header};
use serde_json::{Value, json};

use crate::scene::{SCENARIO, fixture, start};

const LEDGER: &str = "/v2/organizations/acme/pipelines/ledger/builds";

fn organization(more: &str) -> Buildkite {
    let spec: Spec = toml::from_str(&SCENARIO.replace("user =", &format!("{more}\nuser ="))).unwrap();
    Buildkite::new(&spec, start())
}

fn send(world: &mut Buildkite, now: Timestamp, request: &Request<Bytes>) -> Response<Bytes> {
    while let Some(at) = world.next().filter(|at| *at <= now) {
        world.advance(at);
    }
    match world.respond(now, request) {
        Reply::Whole(response) => response,
        Reply::Stream { .. } => panic!("Buildkite has no streams"),
    }
}

fn ask(world: &mut Buildkite, now: Timestamp, line: &str, body: &str) -> (u16, Value) {
    let (method, path) = line.split_once(' ').unwrap();
    let request = Request::builder().method(method).uri(path).body(Bytes::from(body.to_owned())).unwrap();
    let response = send(world, now, &request);
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default())
}

fn get(world: &mut Buildkite, path: &str) -> Value {
    let (status, body) = ask(world, start(), &format!("GET {path}"), "");
    assert_eq!(status, 200, "{path}: {body}");
    body
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Where one object has other keys than another, or values of another type where both have one.
fn differences(ours: &Value, theirs: &Value) -> Vec<String> {
    let kind = |value: &Value| std::mem::discriminant(value);
    let odd =
        keys(ours).symmetric_difference(&keys(theirs)).map(|key| format!("{key} is in one only")).collect::<Vec<_>>();
    let both = keys(ours).into_iter().filter(|key| theirs.get(key).is_some());
    let other =
        both.filter(|key| !ours[*key].is_null() && !theirs[*key].is_null() && kind(&ours[*key]) != kind(&theirs[*key]));
    odd.into_iter().chain(other.map(|key| format!("{key} is of another type"))).collect()
}

#[test]
fn every_answer_has_the_keys_and_types_of_a_published_one() {
    let mut world = organization("");
    let build = get(&mut world, &format!("{LEDGER}/812"));
    let job = build["jobs"][1]["id"].as_str().unwrap().to_owned();
    let list = get(&mut world, LEDGER)[1].clone();
    let (_, unblocked) =
        ask(&mut world, start(), &format!("PUT {LEDGER}/812/jobs/{job}/unblock"), r#"{"fields":{"a":"b"}}"#);
    let (_, again) = ask(&mut world, start(), &format!("PUT {LEDGER}/812/rebuild"), "");
    let token = get(&mut world, "/v2/access-token");
    let example = fixture("ex_build");
    for (ours, theirs) in [
        (&build, &example),
        (&list, &example),
        (&again, &example),
        (&build["pipeline"], &example["pipeline"]),
        (&build["creator"], &example["creator"]),
        (&build["jobs"][0], &fixture("ex_job")),
        (&build["jobs"][1], &fixture("ex_unblocked")),
        (&unblocked, &fixture("ex_unblocked")),
        (&unblocked["unblocked_by"], &example["creator"]),
        (&token, &fixture("ex_token")),
    ] {
        assert_eq!(differences(ours, theirs), [""; 0], "{ours:#}");
    }
    let kept = get(&mut world, &format!("{LEDGER}/812"))["meta_data"].clone();
    assert_eq!(
        (kept, &again["number"], &again["rebuilt_from"]["number"]),
        (json!({"a": "b"}), &json!(814), &json!(812))
    );
}

#[test]
fn a_blocked_build_says_passed_and_blocked_and_is_found_by_the_filter_for_blocked_ones() {
    let mut world = organization("");
    let build = get(&mut world, &format!("{LEDGER}/812"));
    assert_eq!((&build["state"], &build["blocked"]), (&json!("passed"), &json!(true)));
    let numbers = |world: &mut Buildkite, query: &str| -> Vec<u64> {
        let list = get(world, &format!("/v2/organizations/acme/builds?{query}"));
        list.as_array().unwrap().iter().map(|build| build["number"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(&mut world, "state%5B%5D=blocked&state%5B%5D=running"), [8, 813, 812]);
    assert_eq!(numbers(&mut world, "state=passed"), [0; 0]);
    assert_eq!(numbers(&mut world, "state=failed"), [7]);
    assert_eq!(numbers(&mut world, "per_page=1&page=2"), [813]);
    let bare = get(&mut world, "/v2/organizations/acme/builds?exclude_jobs=true&exclude_pipeline=true");
    assert!(bare[0].get("jobs").is_none() && bare[0].get("pipeline").is_none(), "{bare:#}");
}

#[test]
fn the_next_page_is_named_as_long_as_there_is_one() {
    let mut world = organization("");
    let mut links = |page: u32| {
        let request = Request::get(format!("{LEDGER}?per_page=1&page={page}")).body(Bytes::new()).unwrap();
        let answer = send(&mut world, start(), &request);
        answer.headers()[header::LINK].to_str().unwrap().contains("rel=\"next\"")
    };
    assert_eq!([links(1), links(2)], [true, false]);
}

#[test]
fn who_may_not_is_refused_and_nothing_is_done() {
    let mut world = organization("scopes = ['read_builds']");
    let job = get(&mut world, &format!("{LEDGER}/812"))["jobs"][1]["id"].as_str().unwrap().to_owned();
    let unblock = format!("PUT {LEDGER}/812/jobs/{job}/unblock");
    assert_eq!(ask(&mut world, start(), &unblock, "{}"), (403, json!({"message": "Forbidden"})));
    let log = format!("GET {LEDGER}/812/jobs/{job}/log");
    assert_eq!(ask(&mut world, start(), &log, "").0, 403);
    let request = Request::get("/v2/access-token").header("authorization", "Bearer other").body(Bytes::new()).unwrap();
    assert_eq!(send(&mut world, start(), &request).status(), 401);
    assert_eq!(get(&mut world, &format!("{LEDGER}/812"))["blocked"], json!(true));
    for path in ["/v2/organizations/other/builds", "/v2/organizations/acme/pipelines/x/builds", "/v3"] {
        assert_eq!(ask(&mut world, start(), &format!("GET {path}"), "").0, 404, "{path}");
    }
}

#[test]
fn more_requests_in_a_minute_than_the_limit_allows_are_answered_with_when_it_is_over() {
    let mut world = organization("rate_limit = 2");
    let mut status = |second: u64| {
        let now = after(start(), std::time::Duration::from_secs(second));
        ask(&mut world, now, "GET /v2/access-token", "")
    };
    assert_eq!([status(0).0, status(1).0], [200, 200]);
    let (code, body) = status(20);
    assert_eq!((code, keys(&body)), (429, keys(&fixture("ex_limit"))));
    assert_eq!((&body["reset"], status(60).0), (&json!(40), 200));
}
