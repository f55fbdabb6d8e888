//! The pretended Flow against published models, and its manners.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use holdshort::{
    demo::{
        flow::{Flow, spec::Spec},
        system::{Reply, System},
    },
    domain::time::Timestamp,
    provider::flow::signed,
};
use http::{Request, Response};
use serde_json::{Value, json};

use crate::{
    inventory::Listing,
    scene::{Diary, HandClock, ORGANIZATION, SCENARIO, all, connect, fixture, key, start, transport},
};

fn world(more: &str) -> Flow {
    let spec: Spec = toml::from_str(&format!("{more}\n{SCENARIO}")).unwrap();
    Flow::new(&spec, start())
}

fn send(world: &mut Flow, now: Timestamp, request: &Request<Bytes>) -> Response<Bytes> {
    while let Some(at) = world.next().filter(|at| *at <= now) {
        world.advance(at);
    }
    match world.respond(now, request) {
        Reply::Whole(response) => response,
        Reply::Stream { .. } => panic!("it has no streams"),
    }
}

fn of_token(path: &str) -> String {
    format!("/oapi/v1/flow/organizations/{ORGANIZATION}/pipelines{path}")
}

fn ask(world: &mut Flow, method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
    let request =
        headers.iter().fold(Request::builder().method(method).uri(path), |it, (name, value)| it.header(*name, *value));
    let response = send(world, start(), &request.body(Bytes::new()).unwrap());
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
}

fn get(world: &mut Flow, path: &str) -> Value {
    let (status, body) = ask(world, "GET", path, &[]);
    assert_eq!(status, 200, "{path}: {body}");
    body
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// What a published thing has and ours has not.
fn lacking<'a>(published: &'a Value, ours: &Value) -> Vec<&'a str> {
    let ours = keys(ours);
    keys(published).into_iter().filter(|key| !ours.contains(key)).collect()
}

#[test]
fn every_answer_has_the_keys_of_the_published_models() {
    let mut world = world("");
    let (run, ours) = (fixture("pipeline_run"), get(&mut world, &of_token("/102/runs/72")));
    let job = "/stages/0/stageInfo/jobs/0";
    for at in
        ["", "/sources/0", "/sources/0/data", "/stages/0", "/stages/0/stageInfo", job, &format!("{job}/actions/0")]
    {
        assert_eq!(lacking(run.pointer(at).unwrap(), ours.pointer(at).unwrap()), [""; 0], "{at}");
    }
    let runs = get(&mut world, &of_token("/102/runs"));
    assert_eq!(lacking(&fixture("pipeline_runs_list")[0], &runs[0]), [""; 0]);
    assert_eq!(lacking(&fixture("pipelines_list")[0], &get(&mut world, &of_token(""))[0]), [""; 0]);
    let order =
        get(&mut world, &of_token("/103/runs/13")).pointer("/stages/0/stageInfo/jobs/0/result").cloned().unwrap();
    let id: Value = serde_json::from_str(order.as_str().unwrap()).unwrap();
    let ours = get(&mut world, &of_token(&format!("/103/deploy/{}", id["deployOrderId"])));
    let order = fixture("vm_deploy_order_waiting");
    for at in ["", "/actions/0", "/deployMachineInfo", "/deployMachineInfo/deployMachines/0"] {
        assert_eq!(lacking(order.pointer(at).unwrap(), ours.pointer(at).unwrap()), [""; 0], "{at}");
    }
    assert_eq!((&ours["status"], &ours["currentBatch"]), (&order["status"], &order["currentBatch"]));
}

#[test]
fn lists_say_no_state_and_are_of_pages_that_say_whether_there_is_another() {
    let mut world = world("");
    let path = of_token("?statusList=WAITING,RUNNING&perPage=2&page=1");
    let response = send(&mut world, start(), &Request::get(&path).body(Bytes::new()).unwrap());
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!((header("x-total"), header("x-next-page")), (Some("4".into()), Some("2".into())));
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    assert!(body[0].get("status").is_none() && body.as_array().unwrap().len() == 2, "{body}");
}

#[test]
fn a_refusal_has_the_keys_of_the_published_one_and_the_older_api_refuses_with_a_success() {
    let mut all = world("");
    let (status, body) = ask(&mut all, "GET", &of_token("/9"), &[]);
    assert_eq!((status, lacking(&fixture("error_oapi"), &body)), (404, vec![]));
    let (status, _) = ask(&mut all, "GET", &of_token(""), &[("x-yunxiao-token", "another")]);
    assert_eq!(status, 401);
    let older = format!("/organization/{ORGANIZATION}/pipelines");
    let run = get(&mut all, &format!("{older}/102/pipelineRuns/72"));
    let job = run.pointer("/pipelineRun/stages/0/stageInfo/jobs/0/id").unwrap().clone();
    let refuse = format!("{older}/102/pipelineRuns/72/jobs/{job}/refuse");
    let (status, body) = ask(&mut all, "POST", &refuse, &[]);
    let published = fixture("pop_refuse_response");
    assert_eq!((status, keys(&body), &body["success"]), (200, keys(&published), &published["success"]));
    let (status, body) = ask(&mut all, "POST", &refuse, &[]);
    assert_eq!((status, &body["success"], &body["errorCode"]), (200, &json!(false), &json!("InvalidParam.Status")));
}

#[test]
fn a_signature_that_does_not_fit_and_one_of_another_key_are_refused() {
    let mut world = world("");
    let path = format!("/organization/{ORGANIZATION}/pipelines");
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    for (id, code) in [("LTAIother", "InvalidAccessKeyId.NotFound"), ("LTAIdemo", "SignatureDoesNotMatch")] {
        let signature = format!("ACS3-HMAC-SHA256 Credential={id},SignedHeaders=host,Signature=00");
        let headers =
            [("authorization", &*signature), ("x-acs-content-sha256", empty), ("x-acs-version", "2021-06-25")];
        let (status, body) = ask(&mut world, "GET", &path, &headers);
        assert_eq!((status, &body["Code"]), (400, &json!(code)));
    }
}

#[test]
fn a_region_of_ones_own_leaves_the_organisation_out_of_its_paths() {
    let mut world = world("region = true");
    assert_eq!(get(&mut world, "/oapi/v1/flow/pipelines").as_array().unwrap().len(), 5);
    assert_eq!(ask(&mut world, "GET", &of_token(""), &[]).0, 404);
}

#[tokio::test]
async fn what_our_client_signs_is_let_in_and_with_another_secret_it_is_not() {
    for (secret, let_in) in [("demo", true), ("another", false)] {
        let world = Arc::new(Mutex::new(world("")));
        let leaf = transport(&Diary::default(), move |request| {
            let mut request = request.clone();
            request.headers_mut().insert("host", "flow.test".parse().unwrap());
            Ok(send(&mut world.lock().unwrap(), start(), &request))
        });
        let (clock, address) = (HandClock::new(), "https://flow.test".parse().unwrap());
        let over = signed(leaf, ("LTAIdemo".into(), secret.into()), &address, Arc::new(clock.clone()));
        let (items, unread) = connect(over, key(), vec![all()], &clock).inventories[0].look().await;
        assert_eq!((items.is_empty(), unread.is_empty()), (!let_in, let_in), "{unread:?}");
        assert!(let_in || unread[0].contains("SignatureDoesNotMatch"), "{unread:?}");
    }
}
