//! What a board of many jobs costs: one answer tells of a folder; and what waits behind many newer builds is found.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use crate::{
    inventory::Listing,
    scene::{Diary, HandClock, Scene, connect, dana, job, start, transport},
};

/// Jobs on the board.
const MANY: usize = 50;

/// So many jobs, each with a build that ended long ago.
fn scenario() -> String {
    let job = |n: usize| {
        format!(
            "[[jobs]]\nname = 'shop/service-{n}'\nstages = [{{ name = 'Test', takes = '1m' }}]\n\
             builds = [{{ number = 1, branch = 'main', commit = 'c0ffee01', by = 'lee', started = '-800h' }}]\n"
        )
    };
    let jobs: String = (0..MANY).map(job).collect();
    format!("user = 'dana'\n{jobs}")
}

#[tokio::test]
async fn fifty_jobs_at_rest_take_at_most_twenty_requests_a_minute_named_or_not() {
    let named: Vec<_> = (0..MANY).map(|n| job(&format!("shop/service-{n}"))).collect();
    for jobs in [vec![job("shop/*")], named] {
        let scene = Scene::of(&scenario(), jobs);
        let mut minutes = Vec::new();
        // Looked at as often as somebody looks who has it in focus.
        for _ in 0..12 {
            let before = scene.diary.all().len();
            for _ in 0..12 {
                let (items, unread) = scene.inventory().look().await;
                assert_eq!((items.len(), unread), (MANY, vec![]));
                scene.clock.pass(Duration::from_secs(5));
            }
            minutes.push(scene.diary.all().len() - before);
        }
        assert!(minutes.iter().all(|many| *many <= 20), "{minutes:?}");
    }
}

/// The builds of a job that has ten thousand: the first waits, all others have failed.
fn ten_thousand(from: u64, to: u64) -> Value {
    let failed = |place| json!({"number": 10_000 - place, "building": false, "result": "FAILURE", "timestamp": start().timestamp_millis()});
    (from..to.min(9_999)).map(failed).collect()
}

/// The part of a list that is asked for: `builds[…]{0,25}`.
fn part(uri: &str) -> (u64, u64) {
    let text = uri.rsplit("%7B").next().and_then(|rest| rest.split("%7D").next()).unwrap_or_default();
    let (from, to) = text.split_once(',').unwrap_or(("0", "0"));
    (from.parse().unwrap(), to.parse().unwrap())
}

#[tokio::test]
async fn a_build_that_waits_behind_ten_thousand_newer_ones_is_found_and_the_reading_is_bounded() {
    let diary = Diary::default();
    let over = transport(&diary, |request| {
        let (path, uri) = (request.uri().path(), request.uri().to_string());
        let body = match path {
            "/whoAmI/api/json" => dana().1.2,
            "/job/shop/api/json" => {
                let (from, to) = part(&uri);
                json!({"jobs": [{"name": "busy", "builds": ten_thousand(from, to)}]})
            }
            "/computer/api/json" => {
                let url = "https://ci.test/job/shop/job/busy/1/";
                json!({"computer": [{"oneOffExecutors": [{"currentExecutable": {"url": url}}, {}]}]})
            }
            "/job/shop/job/busy/1/api/json" => {
                let input = json!({"id": "Ship", "input": {"id": "Ship", "message": "Ship?"}});
                json!({"number": 1, "building": true, "timestamp": 1, "actions": [{"executions": [input]}]})
            }
            _ => return Ok(Response::builder().status(404).body(Bytes::new()).unwrap()),
        };
        Ok(Response::new(Bytes::from(body.to_string())))
    });
    let clock = HandClock::new();
    let connection = connect(over, vec![job("shop/*")], &clock);
    for (look, most) in [(1, 6), (2, 1)] {
        let before = diary.all().len();
        let (items, unread) = connection.inventories[0].look().await;
        let gates: Vec<_> = items.iter().filter_map(|item| item.gate()).map(|gate| gate.title.as_str()).collect();
        assert_eq!((gates, unread), (vec!["busy #1: Ship?"], vec![]), "look {look}");
        assert!(items.len() <= 27 && diary.all().len() - before <= most, "look {look}: {:#?}", diary.all());
        clock.pass(Duration::from_secs(10));
    }
}
