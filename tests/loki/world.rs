//! The world's Loki against what a real one answered to the same requests, and against the world's metrics: both tell one story.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::StreamExt;
use holdshort::{
    demo::{
        scenario::Scenario,
        shared::SharedWorld,
        transport::transport,
        world::{Answer, World},
    },
    domain::{line::Level, time::after},
    port::{
        clock::SharedClock,
        facet::Window,
        lookup::{Lines, Question, Told},
    },
    provider::{
        loki::{self, Settings},
        prometheus::{self, presets},
    },
    runtime::clock::VirtualClock,
};
use http::Request;
use serde_json::Value;

use crate::{body, meta, status};

fn world() -> World {
    World::new(&Scenario::load("bad-canary").unwrap()).unwrap()
}

/// What the world's Loki answers to a request that was sent to a real one.
fn ask(world: &mut World, path: &str, headers: &Value) -> (u16, Vec<u8>) {
    let mut request = Request::get(format!("/loki{path}"));
    for (name, value) in headers.as_object().into_iter().flatten() {
        request = request.header(name, value.as_str().unwrap());
    }
    let now = world.now();
    match world.respond(now, &request.body(Bytes::new()).unwrap()).answer {
        Answer::Whole(response) => (response.status().as_u16(), response.body().to_vec()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_refuses_what_a_real_one_refuses_with_the_same_words() {
    let mut world = world();
    for reply in [
        "400-parse-error",
        "400-no-query",
        "400-range-too-long",
        "400-end-before-start",
        "400-bad-time",
        "400-empty-matcher",
        "400-limit-too-high",
        "404-no-such-endpoint",
        "query-instant-log-query-400",
        "tail-without-upgrade",
    ] {
        let request = &meta(reply)["request"];
        let (told, said) = ask(&mut world, request["path"].as_str().unwrap(), &request["headers"]);
        let said = String::from_utf8(said).unwrap();
        assert_eq!((told, said), (status(reply), String::from_utf8(body(reply)).unwrap()), "{reply}");
    }
}

/// The names of what an answer is made of; of lists the first item's, of labels nothing.
fn form(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let named = fields.iter().filter(|(name, _)| *name != "stats");
            let is_labels = |name: &str| ["stream", "structuredMetadata", "metric"].contains(&name);
            let of = |(name, value): (&String, &Value)| {
                (name.clone(), if is_labels(name) { Value::Null } else { form(value) })
            };
            Value::Object(named.map(of).filter(|(name, _)| name != "parsed").collect())
        }
        Value::Array(items) if items.first().is_some_and(Value::is_array) => {
            Value::Array(items.iter().take(1).map(form).collect())
        }
        Value::Array(items) => Value::Array(items.iter().take(3).map(form).collect::<Vec<_>>()),
        Value::String(_) => Value::String("text".to_owned()),
        other => other.clone(),
    }
}

fn first_of_each(mut answer: Value) -> Value {
    if let Some(result) = answer["data"]["result"].as_array_mut() {
        result.truncate(1);
        for stream in result {
            if let Some(values) = stream["values"].as_array_mut() {
                values.truncate(1);
            }
        }
    }
    form(&answer)
}

#[test]
fn its_answers_have_the_form_of_a_real_one_s() {
    let mut world = world();
    let now = world.now().timestamp_nanos_opt().unwrap();
    let range = |more: &str| {
        format!(
            "/loki/api/v1/query_range?query=%7Bservice_name%3D%22payments%22%7D&start={}&end={now}{more}",
            now - 600_000_000_000
        )
    };
    for (reply, path) in [
        ("query_range-streams-backward", range("&limit=20")),
        ("query_range-streams-forward", range("&limit=10&direction=forward")),
        ("query_range-streams-categorize-labels", range("&limit=10")),
        ("query_range-empty", range("&limit=10").replace("payments", "nobody")),
    ] {
        let (status, told) = ask(&mut world, &path, &meta(reply)["request"]["headers"]);
        let real: Value = serde_json::from_slice(&body(reply)).unwrap();
        let told: Value = serde_json::from_slice(&told).unwrap();
        assert_eq!((status, first_of_each(told)), (200, first_of_each(real)), "{reply}");
    }
    let (_, labels) = ask(&mut world, "/loki/api/v1/labels", &Value::Null);
    let labels: Value = serde_json::from_slice(&labels).unwrap();
    assert_eq!(labels["data"], serde_json::json!(["cluster", "namespace", "pod", "service_name", "version"]));
}

#[tokio::test(start_paused = true)]
async fn every_failure_that_is_measured_of_the_canary_has_its_line_and_no_other_is_there() {
    let scenario = Scenario::load("bad-canary").unwrap();
    let clock: SharedClock = Arc::new(VirtualClock::starting_at(scenario.start));
    let world = SharedWorld::new(World::new(&scenario).unwrap());
    clock.sleep(Duration::from_secs(21 * 60 + 30)).await;
    let leaf = |mount| transport(world.clone(), clock.clone(), mount);
    let metrics = prometheus::Settings::new(presets::named("otel-http").unwrap());
    let metrics = prometheus::over("metrics".into(), leaf("/prometheus"), metrics, clock.clone()).lookups.remove(0);
    let logs = loki::over("logs".into(), leaf("/loki"), Settings::new(Duration::from_secs(2)), clock.clone());
    let step = Duration::from_secs(30);
    let window = Window {
        from: after(scenario.start, Duration::from_mins(4)),
        to: after(scenario.start, Duration::from_mins(20)),
        step,
    };
    let failures = {
        let question = Question::Signals { services: vec!["payments".into()], window, environment: None };
        let Some(Ok(Told::Signals(signals))) = metrics.ask(question).next().await else { panic!("no signals") };
        let canary = signals[0].of(&["1.42.0"]).unwrap().counts.clone();
        canary.iter().map(|counts| (counts.to, counts.errors)).collect::<Vec<_>>()
    };
    assert!(failures.iter().map(|(_, errors)| errors).sum::<u64>() > 300, "{failures:?}");
    let versions = BTreeSet::from(["1.42.0".to_owned()]);
    let asked = Lines { versions, level: Some(Level::Error), ..Lines::newest("payments".into(), window, 100_000) };
    let written: Vec<_> = logs.lookups[0].ask(Question::Lines(asked)).collect().await;
    let lines: Vec<_> = written
        .into_iter()
        .flat_map(|told| match told {
            Ok(Told::Lines(written)) => written.lines,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(lines.iter().all(|line| line.version == "1.42.0" && line.level == Some(Level::Error)));
    for (end, errors) in failures {
        let begin = end - step;
        let count = lines.iter().filter(|line| begin < line.at && line.at <= end).count();
        assert_eq!(count as u64, errors, "until {end}");
    }
    let vault = lines.iter().filter(|line| line.text.contains("card vault timeout after 30")).count();
    assert!(vault * 10 > lines.len() * 9, "{vault} of {}", lines.len());
}
