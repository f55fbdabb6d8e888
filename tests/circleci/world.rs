//! The pretended CircleCI against answers of others, and its manners.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use holdshort::{
    demo::{
        circleci::{Circleci, spec::Spec},
        system::{Reply, System},
    },
    domain::time::{Timestamp, after},
};
use http::{Request, Response};
use serde_json::{Value, json};

use crate::scene::{SCENARIO, fixture, start};

fn world(more: &str) -> Circleci {
    let spec: Spec = toml::from_str(&format!("{more}\n{SCENARIO}")).unwrap();
    Circleci::new(&spec, start())
}

fn send(world: &mut Circleci, now: Timestamp, request: &Request<Bytes>) -> Response<Bytes> {
    while let Some(at) = world.next().filter(|at| *at <= now) {
        world.advance(at);
    }
    match world.respond(now, request) {
        Reply::Whole(response) => response,
        Reply::Stream { .. } => panic!("it has no streams"),
    }
}

fn asked(world: &mut Circleci, now: Timestamp, line: &str, body: &Value) -> (u16, Value) {
    let (method, path) = line.split_once(' ').unwrap();
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let request = Request::builder().method(method).uri(path).body(body).unwrap();
    let response = send(world, now, &request);
    let text = String::from_utf8_lossy(response.body()).into_owned();
    (response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn get(world: &mut Circleci, path: &str) -> Value {
    let (status, body) = asked(world, start(), &format!("GET {path}"), &Value::Null);
    assert_eq!(status, 200, "{path}: {body}");
    body
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Which keys of an object of others ours lacks, or has with values of another type.
fn lacks(ours: &Value, theirs: &Value) -> Vec<String> {
    let kind = |value: &Value| std::mem::discriminant(value);
    let missing = keys(theirs).into_iter().filter(|key| ours.get(key).is_none()).map(|key| format!("no {key}"));
    let both = keys(ours).into_iter().filter(|key| theirs.get(key).is_some());
    let other = both.filter(|key| {
        let (one, two) = (&ours[*key], &theirs[*key]);
        !one.is_null() && !two.is_null() && kind(one) != kind(two)
    });
    missing.chain(other.map(|key| format!("{key} is of another type"))).collect()
}

/// A project's id, and its newest pipeline.
fn newest(world: &mut Circleci, slug: &str) -> (Value, Value) {
    let project = get(world, &format!("/api/v2/project/{slug}"));
    let list = get(world, &format!("/api/v2/project/{slug}/pipeline"));
    (project["id"].clone(), list["items"][0].clone())
}

fn search(world: &mut Circleci, project: &Value, filter: &str, limit: u64) -> (u16, Value) {
    let body = json!({"scope": {"project_ids": [project]}, "filter": filter, "page": {"limit": limit, "cursor": ""}});
    asked(world, start(), "POST /api/v3/runs/search", &body)
}

#[test]
fn every_answer_has_the_keys_and_types_of_one_of_others() {
    let mut world = world("");
    let (project, pipeline) = newest(&mut world, "gh/acme/site");
    let whole = get(&mut world, "/api/v2/project/gh/acme/site");
    let workflows = get(&mut world, &format!("/api/v2/pipeline/{}/workflow", pipeline["id"].as_str().unwrap()));
    let workflow = workflows["items"][0].clone();
    let jobs = get(&mut world, &format!("/api/v2/workflow/{}/job", workflow["id"].as_str().unwrap()));
    let (_, runs) = search(&mut world, &project, "", 20);
    let detail = get(&mut world, &format!("/api/v3/jobs/{}", jobs["items"][0]["id"].as_str().unwrap()));
    let org = whole["organization_id"].as_str().unwrap();
    let components =
        get(&mut world, &format!("/api/v2/deploy/components?org-id={org}&project-id={}", project.as_str().unwrap()));
    let component = &components["items"][0];
    let versions =
        get(&mut world, &format!("/api/v2/deploy/components/{}/versions", component["id"].as_str().unwrap()));
    let held = fixture("v2_workflow_jobs_on_hold");
    let mut job = fixture("v3_job_detail_cli_shape");
    // What the command prints is flat, and calls two things otherwise.
    for gone in ["executions", "stopped_at", "project_id", "pipeline_id", "workflow_id"] {
        job.as_object_mut().unwrap().remove(gone);
    }
    let mut attributes = detail["data"]["attributes"].clone();
    attributes["id"] = detail["data"]["id"].clone();
    let mut documented = fixture("doc_api_developers_guide_3")["items"][0].clone();
    documented["vcs"].as_object_mut().unwrap().remove("branch");
    let theirs = fixture("v3_run")["data"].clone();
    for (ours, theirs) in [
        (&whole, &fixture("doc_api_developers_guide_5")),
        (&pipeline, &documented),
        (&pipeline["vcs"], &documented["vcs"]),
        (&workflow, &fixture("v2_workflow_on_hold")),
        (&jobs["items"][0], &held["items"][0]),
        (&jobs["items"][1], &held["items"][1]),
        (&runs["data"][0], &theirs),
        (&runs["data"][0]["attributes"], &theirs["attributes"]),
        (
            &runs["data"][0]["references"]["event"]["attributes"]["vcs"],
            &theirs["references"]["event"]["attributes"]["vcs"],
        ),
        (&attributes, &job),
        (component, &fixture("deploy_components_cli_shape")[0]),
        (&versions["items"][0], &fixture("deploy_versions")["items"][0]),
    ] {
        assert_eq!(lacks(ours, theirs), [""; 0], "{ours:#}");
    }
}

#[test]
fn a_yes_is_said_first_and_done_some_seconds_later() {
    let mut world = world("");
    let (_, pipeline) = newest(&mut world, "gh/acme/site");
    let workflow = get(&mut world, &format!("/api/v2/pipeline/{}/workflow", pipeline["id"].as_str().unwrap()));
    let workflow = workflow["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v2/workflow/{workflow}/job");
    let hold = get(&mut world, &path)["items"][1]["approval_request_id"].as_str().unwrap().to_owned();
    let approve = format!("POST /api/v2/workflow/{workflow}/approve/{hold}");
    assert_eq!(asked(&mut world, start(), &approve, &Value::Null), (202, fixture("v2_approve_202")));
    let states = |world: &mut Circleci, second| {
        let jobs = asked(world, after(start(), Duration::from_secs(second)), &format!("GET {path}"), &Value::Null).1;
        jobs["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|job| job["status"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(states(&mut world, 1), ["success", "on_hold", "blocked"]);
    assert_eq!(states(&mut world, 4), ["success", "success", "running"]);
    assert_eq!(states(&mut world, 90), ["success", "success", "success"]);
    let late = asked(&mut world, after(start(), Duration::from_secs(90)), &approve, &Value::Null);
    assert_eq!(late.0, 400, "it does not hold any more");
}

#[test]
fn the_name_of_the_other_interface_is_left_aside_as_circleci_does() {
    let mut world = world("");
    let (_, pipeline) = newest(&mut world, "gh/acme/gateway");
    let id = pipeline["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v2/pipeline/{id}/workflow");
    let workflow = get(&mut world, &path)["items"][0]["id"].as_str().unwrap().to_owned();
    let mut first = |body: Value| {
        let (status, said) = asked(&mut world, start(), &format!("POST /api/v2/workflow/{workflow}/rerun"), &body);
        assert_eq!(status, 202, "{said}");
        let made = said["workflow_id"].as_str().unwrap();
        get(&mut world, &format!("/api/v2/workflow/{made}/job"))["items"][0]["status"].clone()
    };
    assert_eq!(first(json!({"from_failed": true})), "success", "what had passed stays");
    assert_eq!(first(json!({"is_from_failed": true})), "running", "all of it runs again");
}

#[test]
fn who_is_not_known_asks_for_too_much_or_too_often_is_refused_in_the_form_of_the_interface() {
    let mut open = world("");
    let (project, _) = newest(&mut open, "gh/acme/site");
    let (status, said) = search(&mut open, &project, "", 21);
    assert_eq!((status, &said["error"]["title"]), (400, &fixture("v3_error")["error"]["title"]));
    let request = Request::get("/api/v2/me").header("circle-token", "other").body(Bytes::new()).unwrap();
    let response = send(&mut open, start(), &request);
    assert_eq!((response.status().as_u16(), response.body().as_ref()), (401, &br#"{"message":"Unauthorized"}"#[..]));
    let mut limited = world("rate_limit = 1");
    get(&mut limited, "/api/v2/me");
    let request = Request::get("/api/v2/me").body(Bytes::new()).unwrap();
    let response = send(&mut limited, after(start(), Duration::from_secs(20)), &request);
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        (response.status().as_u16(), header("retry-after"), header("ratelimit-remaining")),
        (429, "40".into(), "0".into())
    );
    let mut server = world("v3 = false");
    assert_eq!(asked(&mut server, start(), "GET /api/v3/users", &Value::Null).0, 404);
}

#[test]
fn a_filter_tells_what_holds_and_what_runs() {
    let mut world = world("");
    let (project, newest_one) = newest(&mut world, "gh/acme/site");
    let mut of = |status: &str| {
        let (_, said) = search(&mut world, &project, &format!("pipeline.status == \"{status}\""), 20);
        said["data"].as_array().unwrap().iter().map(|run| run["id"].clone()).collect::<Vec<_>>()
    };
    let holds = of("on_hold");
    assert_eq!((holds.len(), &holds[0], of("running").len(), of("success").len()), (2, &newest_one["id"], 0, 2));
}
