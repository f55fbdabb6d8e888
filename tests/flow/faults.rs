//! What Flow says when it does not answer, in words; and what stays known meanwhile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::StreamExt;
use holdshort::{
    domain::{gate::Eligibility, observed::FaultKind, verb::Verb},
    port::{
        examine::{Grade, LookedAt},
        facet::Connection,
        fill::Supplies,
        inventory::Heard,
        shape::Checked,
        wire::WireError,
    },
    provider::flow::Door,
};
use http::Response;
use serde_json::{Value, json};

use crate::{
    inventory::Listing,
    scene::{Diary, HandClock, SCENARIO, Said, Scene, ask, connect, fixture, key, pipeline, saying, token, transport},
};

const JSON: (&str, &str) = ("content-type", "application/json");

/// Everything that cannot be read, of the pipeline of the fixtures.
async fn said(door: Door, answers: Vec<(&'static str, Said)>) -> Vec<String> {
    let connection =
        connect(saying(&Diary::default(), answers), door, vec![pipeline("checkout-prod")], &HandClock::new());
    connection.inventories[0].look().await.1
}

fn of_runs(run: Said) -> Vec<(&'static str, Said)> {
    let ok = |body: Value| (200, vec![JSON], body);
    vec![("/latestPipelineRun", run), ("/DEPLOY", ok(json!([]))), ("/pipelines", ok(fixture("pipelines_list")))]
}

#[tokio::test]
async fn every_refusal_is_a_sentence_with_the_way_out() {
    let page = Value::from("<html><title>Sign in</title>");
    let error = |code: &str, text: &str| json!({"errorCode": code, "errorMessage": text, "requestId": "x"});
    let table: Vec<(Said, &str)> = vec![
        (
            (401, vec![JSON], error("InvalidToken", "令牌无效")),
            "the token is not accepted (令牌无效 [InvalidToken]); put a valid one into the configuration",
        ),
        (
            (401, vec![JSON], json!({"message": "token expired"})),
            "the token has expired (token expired); put a valid one into the configuration",
        ),
        (
            (403, vec![JSON], error("Forbidden.NoPermission", "没有权限")),
            "it does not let us (没有权限 [Forbidden.NoPermission]); it takes a token with runs of pipelines, read (流水线运行实例 只读)",
        ),
        ((409, vec![JSON], error("Conflict", "busy")), "it refuses: busy [Conflict]"),
        ((422, vec![JSON], json!({"errorDescription": "odd"})), "it refuses: odd"),
        (
            (400, vec![JSON], fixture("error_oapi")),
            "it refuses: The parameter is invalid. [InvalidParam.ParamNotPresent]",
        ),
        ((502, vec![], page.clone()), "it failed (502: a web page ('Sign in'))"),
        ((200, vec![], page), "it answers with a web page ('Sign in'): is there a proxy or a login page before it?"),
        ((200, vec![JSON], Value::from("{\"pipelineRunId\": 1,")), "cannot read the answer"),
    ];
    for (answer, text) in table {
        let all = said(token(), of_runs(answer)).await;
        let begin = format!("Flow, checkout-prod, newest run: {text}");
        assert!(all.iter().any(|one| one.starts_with(&begin)), "{all:?}, not {begin}");
    }
}

#[tokio::test]
async fn a_list_that_is_not_there_names_the_organisation_and_a_pipeline_that_is_not_in_it_is_said() {
    let all =
        said(token(), vec![("/pipelines", (404, vec![JSON], json!({"errorMessage": "organization 不存在"})))]).await;
    let text = "Flow, pipelines: it has nothing there that the token may see (organization 不存在); check the name and the organisation";
    assert_eq!(all, [text]);
    let all = said(token(), vec![("/pipelines", (200, vec![JSON], json!([])))]).await;
    assert_eq!(
        all,
        ["Flow: it lists no pipeline 'checkout-prod' that we may see; check the name, or name it by its id"]
    );
}

#[tokio::test]
async fn a_limit_is_kept_for_as_long_as_it_says_or_a_minute_also_where_it_comes_as_a_success() {
    let over = json!({"errorMessage": "too many"});
    for (headers, seconds) in [(vec![JSON, ("retry-after", "30")], 30), (vec![JSON], 60)] {
        let transport = saying(&Diary::default(), vec![("/pipelines", (429, headers, over.clone()))]);
        let connection = connect(transport, token(), vec![pipeline("checkout-prod")], &HandClock::new());
        let inventory = &connection.inventories[0];
        let scopes = inventory.discover().await.unwrap();
        let told: Vec<Heard> = inventory.list(scopes).collect().await;
        let error = told[0].parts.clone().unwrap_err();
        assert_eq!((error.kind, error.retry_after), (FaultKind::RateLimited, Some(Duration::from_secs(seconds))));
    }
    let older = json!({"success": false, "errorCode": "Throttling.User", "errorMessage": "流控"});
    let all = said(key(), vec![("/pipelines", (200, vec![JSON], older))]).await;
    assert!(all[0].starts_with("Flow, pipelines: "), "{all:?}");
}

#[tokio::test]
async fn what_the_older_api_refuses_with_a_success_and_what_its_gateway_refuses_is_no_answer() {
    let table = [
        (
            200,
            json!({"success": false, "errorCode": "Forbidden", "errorMessage": "没有权限"}),
            "Flow, pipelines: it does not let us (没有权限 [Forbidden]); whoever it is needs a role in the pipeline that may",
        ),
        (
            400,
            json!({"Code": "SignatureDoesNotMatch", "Message": "Specified signature is not matched with our calculation."}),
            "Flow, pipelines: the access key is not accepted (Specified signature is not matched with our calculation. \
             [SignatureDoesNotMatch]); put a valid one into the configuration",
        ),
        (
            400,
            json!({"Code": "InvalidTimeStamp.Expired", "Message": "Specified time stamp or date value is expired."}),
            "Flow, pipelines: the signature counts no more (Specified time stamp or date value is expired. [InvalidTimeStamp.Expired]): \
             this machine's clock may be off",
        ),
    ];
    for (status, body, text) in table {
        assert_eq!(said(key(), vec![("/pipelines", (status, vec![JSON], body))]).await, [text]);
    }
}

#[tokio::test]
async fn a_write_without_an_answer_may_be_done_and_one_that_answers_false_is_not() {
    for lost in [true, false] {
        let world = Scene::new();
        let breaks = Arc::new(AtomicBool::new(false));
        let (system, time, broken) = (Arc::clone(&world.system), world.clock.clone(), Arc::clone(&breaks));
        let over = transport(&Diary::default(), move |request| {
            use holdshort::demo::system::{Reply, System};
            if broken.load(Ordering::SeqCst) && request.method() == "POST" {
                return if lost {
                    Err(WireError::Lost("reset".into()))
                } else {
                    Ok(Response::new(Bytes::from("false")))
                };
            }
            let Reply::Whole(response) =
                system.lock().unwrap().respond(holdshort::port::clock::Clock::now(&time), request)
            else {
                panic!("it has no streams")
            };
            Ok(response)
        });
        let connection = connect(over, token(), vec![crate::scene::all()], &world.clock);
        let inventory = &*connection.inventories[0];
        let gates = inventory.gates().await.unwrap();
        let gate = gates.iter().find(|gate| gate.title.ends_with("#72 上线审批")).unwrap();
        let asked = ask(Verb::Approve, &gate.id);
        let draft = inventory.draft_for(gate, &asked).unwrap();
        breaks.store(true, Ordering::SeqCst);
        let checked = Checked::of(&draft.steps[0], asked.verb, inventory, &Supplies::default()).unwrap();
        let error = inventory.send(checked).await.unwrap_err();
        assert_eq!(error.maybe_done, lost, "{error}");
        if !lost {
            assert!(error.text.ends_with("it did not do it, and does not say why"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_gate_of_which_flow_says_nothing_now_stays_and_says_so() {
    let world = Scene::new();
    let breaks = Arc::new(AtomicBool::new(false));
    let (system, time, broken) = (Arc::clone(&world.system), world.clock.clone(), Arc::clone(&breaks));
    let over = transport(&Diary::default(), move |request| {
        use holdshort::demo::system::{Reply, System};
        if broken.load(Ordering::SeqCst) && request.uri().path().ends_with("/102/runs/72") {
            return Ok(Response::builder().status(500).body(Bytes::from("{\"message\": \"oh no\"}")).unwrap());
        }
        let Reply::Whole(response) = system.lock().unwrap().respond(holdshort::port::clock::Clock::now(&time), request)
        else {
            panic!("it has no streams")
        };
        Ok(response)
    });
    let connection = connect(over, token(), vec![crate::scene::all()], &world.clock);
    connection.inventories[0].look().await;
    breaks.store(true, Ordering::SeqCst);
    let (items, unread) = connection.inventories[0].look().await;
    let text = "Flow, 下单服务-发布, run 72: it failed (500: oh no)";
    assert!(unread.iter().all(|one| one == text) && !unread.is_empty(), "{unread:?}");
    let gate = items.iter().filter_map(|item| item.gate()).find(|gate| gate.title.contains("#72")).unwrap();
    assert_eq!(gate.eligible, Eligibility::Unknown { why: format!("it is as it was: {text}") });
}

#[tokio::test]
async fn ten_thousand_runs_are_read_as_far_as_something_moves() {
    let run = |id: u64| json!({"pipelineId": 123, "pipelineRunId": id, "status": "SUCCESS", "startTime": 1_729_178_040_000_i64 + id.cast_signed()});
    let runs: Vec<Value> = (9_970..10_000).rev().map(run).collect();
    let diary = Diary::default();
    let ok = |body: Value| (200, vec![JSON, ("x-total-pages", "334"), ("x-next-page", "2")], body);
    let answers = vec![
        ("/latestPipelineRun", ok(runs[0].clone())),
        ("/runs", ok(runs.clone().into())),
        ("/DEPLOY", ok(json!([]))),
        ("/pipelines", (200, vec![JSON], fixture("pipelines_list"))),
    ];
    let connection = connect(saying(&diary, answers), token(), vec![pipeline("checkout-prod")], &HandClock::new());
    let (_, unread) = connection.inventories[0].look().await;
    assert_eq!((unread, diary.all().len()), (vec![], 8), "{:?}", diary.all());
}

/// What doctor says.
async fn examined(connection: &Connection) -> Vec<(String, Grade, String)> {
    let found = connection.examiner.as_ref().unwrap().examine(&LookedAt::default()).await;
    found.into_iter().map(|one| (one.about, one.grade, one.said)).collect()
}

#[tokio::test]
async fn doctor_says_whose_token_it_is_which_right_is_missing_and_what_the_least_are() {
    let scene = Scene::new();
    let said = examined(&scene.connection).await;
    assert!(said.contains(&("as whom".into(), Grade::Good, "dana".into())), "{said:?}");
    assert!(said.iter().any(|(about, grade, _)| about == "rights" && *grade == Grade::Good), "{said:?}");
    let elsewhere = Door::Token { prefix: "/oapi/v1".into(), organization: Some("other".into()) };
    let said = examined(&Scene::of(SCENARIO, elsewhere).connection).await;
    assert_eq!((said.last().unwrap().0.as_str(), said.last().unwrap().1), ("organisation", Grade::Broken));
    let grants = |acting| scene.connection.examiner.as_ref().unwrap().grants(acting).unwrap();
    assert!(grants(false).contains("流水线运行实例 只读") && grants(true).contains("流水线运行实例 读写"));
    let older = Scene::of(SCENARIO, key());
    let said = examined(&older.connection).await;
    assert!(said.iter().any(|(about, grade, _)| about == "as whom" && *grade == Grade::Unknown), "{said:?}");
    assert!(said.iter().any(|(about, grade, _)| about == "rights" && *grade == Grade::Good), "{said:?}");
}
