//! The pretended GitLab against published examples, and its manners.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use holdshort::{
    demo::{
        gitlab::{Gitlab, spec::Spec},
        system::{Reply, System},
    },
    domain::time::{Timestamp, after},
};
use http::{Request, Response};
use serde_json::{Value, json};

use crate::scene::{SCENARIO, fixture, start};

const SITE: &str = "/api/v4/projects/acme%2Fshop%2Fsite";

fn gitlab(more: &str) -> Gitlab {
    let spec: Spec = toml::from_str(&format!("{more}\n{SCENARIO}")).unwrap();
    Gitlab::new(&spec, start())
}

fn send(world: &mut Gitlab, now: Timestamp, request: &Request<Bytes>) -> Response<Bytes> {
    while let Some(at) = world.next().filter(|at| *at <= now) {
        world.advance(at);
    }
    match world.respond(now, request) {
        Reply::Whole(response) => response,
        Reply::Stream { .. } => panic!("GitLab has no streams"),
    }
}

fn ask(world: &mut Gitlab, now: Timestamp, line: &str, body: &str) -> (u16, Value) {
    let (method, path) = line.split_once(' ').unwrap();
    let request = Request::builder().method(method).uri(path).body(Bytes::from(body.to_owned())).unwrap();
    let response = send(world, now, &request);
    let text = String::from_utf8_lossy(response.body()).into_owned();
    (response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn get(world: &mut Gitlab, path: &str) -> Value {
    let (status, body) = ask(world, start(), &format!("GET {path}"), "");
    assert_eq!(status, 200, "{path}: {body}");
    body
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Which keys of a published object ours lacks, or has with values of another type. GitLab adds keys with every release.
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

#[test]
fn every_answer_has_the_keys_and_types_of_a_published_one() {
    let mut world = gitlab("");
    let blocked = get(&mut world, &format!("{SITE}/deployments?status=blocked"))[1].clone();
    let id = blocked["id"].as_u64().unwrap();
    let one = get(&mut world, &format!("{SITE}/deployments/{id}"));
    let list = get(&mut world, &format!("{SITE}/pipelines"));
    let whole = get(&mut world, &format!("{SITE}/pipelines/805"));
    let jobs = get(&mut world, &format!("{SITE}/pipelines/805/jobs"));
    let failed = jobs.as_array().unwrap().iter().find(|job| job["status"] == "failed").unwrap().clone();
    let environments = get(&mut world, &format!("{SITE}/environments"));
    let approval = format!("POST {SITE}/deployments/{id}/approval");
    let (_, said) = ask(&mut world, start(), &approval, r#"{"status":"approved","comment":"good"}"#);
    let token = get(&mut world, "/api/v4/personal_access_tokens/self");
    let theirs = fixture("deployment_blocked");
    let mut token_example = fixture("get_project_access_token");
    // Only a project's token has a role of its own.
    token_example.as_object_mut().unwrap().remove("access_level");
    let mut environment = fixture("environments_list")[0].clone();
    environment.as_object_mut().unwrap().retain(|key, _| environments[0].get(key).is_some());
    for (ours, theirs) in [
        (&list[0], &fixture("pipelines_list")[0]),
        (&whole, &fixture("pipeline_single")),
        (&failed, &fixture("pipeline_jobs")[0]),
        (&blocked, &fixture("deployment_single")),
        (&one, &theirs),
        (&one["deployable"], &theirs["deployable"]),
        (&one["approval_summary"]["rules"][0], &theirs["approval_summary"]["rules"][1]),
        (&one["approvals"][0], &theirs["approvals"][0]),
        (&said, &fixture("deployment_approval_response")),
        (&said["user"], &fixture("deployment_approval_response")["user"]),
        (&environments[0], &environment),
        (&token, &token_example),
    ] {
        assert_eq!(lacks(ours, theirs), [""; 0], "{ours:#}");
    }
}

#[test]
fn an_approval_is_counted_and_starts_nothing_until_somebody_plays_the_job() {
    let mut world = gitlab("");
    let one = get(&mut world, &format!("{SITE}/deployments?status=blocked"))[1].clone();
    let (deployment, job) = (one["id"].clone(), one["deployable"]["id"].clone());
    let (approve, play) =
        (format!("POST {SITE}/deployments/{deployment}/approval"), format!("POST {SITE}/jobs/{job}/play"));
    let early = ask(&mut world, start(), &play, "");
    assert_eq!(early, (400, json!({"message": "400 Bad request - Unplayable Job"})));
    assert_eq!(ask(&mut world, start(), &approve, r#"{"status":"approved"}"#).0, 201);
    let states = |world: &mut Gitlab| {
        let one = get(world, &format!("{SITE}/deployments/{deployment}"));
        (one["status"].clone(), one["deployable"]["status"].clone())
    };
    assert_eq!(states(&mut world), (json!("created"), json!("manual")));
    assert_eq!(ask(&mut world, start(), &play, "").0, 200);
    assert_eq!(states(&mut world), (json!("running"), json!("running")));
    ask(&mut world, after(start(), Duration::from_mins(2)), &format!("GET {SITE}/jobs/{job}"), "");
    assert_eq!(states(&mut world), (json!("success"), json!("success")));
}

#[test]
fn what_is_refused_is_refused_in_gitlabs_words_and_nothing_is_done() {
    let mut world = gitlab("");
    let blocked = get(&mut world, &format!("{SITE}/deployments?status=blocked"));
    let own = format!("POST {SITE}/deployments/{}/approval", blocked[0]["id"]);
    let errors = fixture("errors");
    let (status, said) = ask(&mut world, start(), &own, r#"{"status":"approved"}"#);
    assert_eq!((json!(status), &said), (errors[4]["status"].clone(), &errors[4]["body"]));
    let live = get(&mut world, &format!("{SITE}/deployments?status=success"))[0]["id"].clone();
    let (status, said) =
        ask(&mut world, start(), &format!("POST {SITE}/deployments/{live}/approval"), r#"{"status":"approved"}"#);
    assert_eq!((json!(status), &said), (errors[5]["status"].clone(), &errors[5]["body"]));
    assert_eq!(ask(&mut world, start(), "GET /api/v4/projects/acme%2Fnothing", ""), (404, errors[3]["body"].clone()));
    let mut reader = gitlab("scopes = ['read_api']");
    assert_eq!(ask(&mut reader, start(), &own, r#"{"status":"approved"}"#), (403, errors[2]["body"].clone()));
    let request = Request::get("/api/v4/user").header("authorization", "Bearer other").body(Bytes::new()).unwrap();
    let response = send(&mut world, start(), &request);
    assert_eq!((response.status().as_u16(), response.body().as_ref()), (401, errors[0]["body"].to_string().as_bytes()));
}

#[test]
fn a_limit_is_answered_in_plain_text_with_when_it_is_over() {
    let mut world = gitlab("rate_limit = 1");
    let mut at = |second| {
        let request = Request::get("/api/v4/user").body(Bytes::new()).unwrap();
        send(&mut world, after(start(), Duration::from_secs(second)), &request)
    };
    assert_eq!(at(0).status(), 200);
    let limited = at(20);
    let header = |name: &str| limited.headers()[name].to_str().unwrap().to_owned();
    assert_eq!((limited.status().as_u16(), limited.body().as_ref()), (429, &b"Retry later\n"[..]));
    assert_eq!((header("retry-after"), header("ratelimit-remaining")), ("40".to_owned(), "0".to_owned()));
    assert_eq!(at(60).status(), 200);
}

#[test]
fn a_question_that_asks_for_too_much_is_refused_with_how_much_it_is() {
    let mut world = gitlab("complexity = 3");
    let body =
        json!({"query": "{ project(fullPath: \"acme/gateway\") { fullPath webUrl maxAccessLevel { integerValue } } }"});
    let (status, said) = ask(&mut world, start(), "POST /api/graphql", &body.to_string());
    let message = "Query has complexity of 5, which exceeds max complexity of 3";
    assert_eq!((status, said), (200, json!({"errors": [{"message": message}]})));
}
