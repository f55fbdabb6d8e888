//! Loki: our client against recorded replies of a real one and against one that is harder to read than any, and the world's against
//! both.

#![cfg(test)]

mod golden;
mod hostile;
mod paging;
mod world;

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::StreamExt;
use holdshort::{
    domain::time::Timestamp,
    port::{
        clock::SharedClock,
        error::ProviderError,
        facet::Window,
        lookup::{Lines, Lookup, Question, Told, Written},
        wire::{Transport, WireBody, WireError, whole},
    },
    provider::loki::{self, Settings},
    runtime::clock::VirtualClock,
};
use http::{Request, Response};
use serde_json::Value;
use tower::service_fn;

/// What a recorded reply says.
fn body(name: &str) -> Vec<u8> {
    fs::read(folder().join(format!("{name}.json"))).unwrap()
}

/// The request that it answers, and its status.
fn meta(name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder().join(format!("{name}.meta.json"))).unwrap()).unwrap()
}

fn status(name: &str) -> u16 {
    meta(name)["response"]["status"].as_u64().unwrap().try_into().unwrap()
}

fn folder() -> PathBuf {
    PathBuf::from("tests/fixtures/loki")
}

fn at(nanoseconds: i64) -> Timestamp {
    Timestamp::from_timestamp_nanos(nanoseconds)
}

/// Everything of a service from one moment to another.
fn asked(from: i64, to: i64) -> Lines {
    let window = Window { from: at(from), to: at(to), step: Duration::from_secs(30) };
    Lines::newest("checkout".into(), window, 100_000)
}

/// A transport that answers each request by a function of it.
fn answering(answer: impl Fn(&Request<Bytes>) -> (u16, Vec<u8>) + Send + Sync + 'static) -> Transport {
    let answer = Arc::new(answer);
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let (status, body) = answer(&request);
        let response: Result<Response<WireBody>, WireError> =
            Ok(Response::builder().status(status).body(whole(body)).unwrap());
        async move { response }
    }))
}

fn over(transport: Transport, settings: Settings, now: i64) -> (Arc<dyn Lookup>, SharedClock) {
    let clock: SharedClock = Arc::new(VirtualClock::starting_at(at(now)));
    (loki::over("logs".into(), transport, settings, Arc::clone(&clock)).lookups.remove(0), clock)
}

fn settings() -> Settings {
    Settings::new(Duration::from_secs(2))
}

/// All that is answered.
async fn all(loki: &dyn Lookup, asked: Lines) -> Result<Vec<Written>, ProviderError> {
    let told: Vec<_> = loki.ask(Question::Lines(asked)).collect().await;
    told.into_iter()
        .map(|told| match told {
            Ok(Told::Lines(written)) => Ok(written),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error),
        })
        .collect()
}
