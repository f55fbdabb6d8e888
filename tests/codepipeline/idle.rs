//! What a board of many pipelines costs: what does not move is asked about seldom, and what waits behind thousands of newer executions is found.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use futures::StreamExt;
use holdshort::{domain::time::Timestamp, port::inventory::Scope};
use http::Response;
use serde_json::{Value, json};

use crate::{
    inventory::Listing,
    scene::{Diary, HandClock, Scene, connect, noted, pipeline, signed, start, transport},
};

/// Pipelines on the board.
const MANY: usize = 50;

#[tokio::test]
async fn fifty_pipelines_at_rest_take_at_most_twenty_requests_a_minute() {
    let one = |n: usize| {
        format!(
            "{{ name = 'service-{n}', stages = [{{ name = 'Source', actions = [{{ name = 'Code', kind = 'Source', takes = '4s' }}] }}, \
             {{ name = 'Prod', actions = [{{ name = 'Deploy', kind = 'Deploy', takes = '1m' }}] }}], \
             executions = [{{ commit = 'c0ffee', title = 'one', started = '-30h' }}] }}"
        )
    };
    let text = format!("pipelines = [{}]", (0..MANY).map(one).collect::<Vec<_>>().join(", "));
    let scene = Scene::of(&text, vec![pipeline("*")]);
    let inventory = scene.inventory();
    let mut due: BTreeMap<Scope, Timestamp> =
        inventory.discover().await.unwrap().into_iter().map(|scope| (scope, start())).collect();
    let mut minutes = Vec::new();
    for _ in 0..14 {
        let before = scene.diary.all().len();
        for _ in 0..12 {
            let now = holdshort::port::clock::Clock::now(&scene.clock);
            let scopes: Vec<Scope> = due.iter().filter(|(_, at)| **at <= now).map(|(scope, _)| scope.clone()).collect();
            let told: Vec<_> = inventory.list(scopes).collect().await;
            for heard in told {
                assert!(heard.parts.is_ok());
                due.insert(heard.scope, heard.next_due.unwrap());
            }
            scene.clock.pass(Duration::from_secs(5));
        }
        minutes.push(scene.diary.all().len() - before);
    }
    // The first looks learn everything, at once; after that it goes evenly.
    assert!(minutes[0] <= 5 * MANY && minutes[1..].iter().all(|many| (1..=20).contains(many)), "{minutes:?}");
}

/// A page of executions that have ended; the one that waits is the last of ten thousand.
fn page(from: usize) -> Value {
    let one = |place: usize| {
        json!({"pipelineExecutionId": format!("00000000-0000-4000-8000-{place:012}"), "status": "Failed",
            "startTime": 1_773_000_000.0 - f64::from(u32::try_from(place).unwrap())})
    };
    let all: Vec<Value> = (from..from + 25).map(one).collect();
    json!({"pipelineExecutionSummaries": all, "nextToken": (from + 25).to_string()})
}

#[tokio::test]
async fn an_approval_that_waits_behind_ten_thousand_newer_executions_is_found_and_the_reading_is_bounded() {
    const OLD: &str = "3137f7cb-7cf7-439f-9458-d7ee30000000";
    let (diary, clock) = (Diary::default(), HandClock::new());
    let plain = transport(|request| {
        let target = request.headers()["x-amz-target"].to_str().unwrap().to_owned();
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let from = body["nextToken"].as_str().map_or(0, |token| token.parse().unwrap());
        let answer = match target.rsplit('.').next().unwrap() {
            "GetPipelineState" => json!({"stageStates": [{"stageName": "Prod",
                "latestExecution": {"pipelineExecutionId": OLD, "status": "InProgress"},
                "actionStates": [{"actionName": "Approve", "latestExecution": {"status": "InProgress", "token": "t"}}]}]}),
            "ListPipelineExecutions" => page(from),
            "GetPipelineExecution" => json!({"pipelineExecution": {"status": "InProgress"}}),
            "ListActionExecutions" => json!({"actionExecutionDetails": [{"startTime": 1_700_000_000.0}]}),
            _ => json!({"pipeline": {"stages": []}}),
        };
        Ok(Response::new(Bytes::from(answer.to_string())))
    });
    let connection = connect(noted(&diary, signed(plain, &clock)), vec![pipeline("till")], &clock);
    for look in 0..2 {
        let before = diary.all().len();
        let (items, unread) = connection.inventories[0].look().await;
        let gates: Vec<_> = items.iter().filter_map(|item| item.gate()).map(|gate| gate.title.as_str()).collect();
        assert_eq!((gates, unread), (vec!["till #231114221320 Approve"], vec![]), "look {look}");
        assert!(items.len() == 27 && diary.all().len() - before <= 5, "look {look}: {:#?}", diary.all());
        clock.pass(Duration::from_secs(10));
    }
}
