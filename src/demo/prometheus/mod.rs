//! Prometheus as the world speaks it: a small store of scraped samples and `PromQL` evaluated honestly over it.
//!
//! `target` makes the samples from who serves and `traffic`, `store` keeps them, `promql` evaluates, `api` speaks HTTP.
//! A cluster is never asked from here: the world hands over who serves at each scrape.

mod answer;
mod api;
mod exposition;
mod noise;
mod params;
mod promql;
mod rules;
pub mod spec;
mod store;
mod target;
mod traffic;

use bytes::Bytes;
use chrono::DateTime;
use http::Request;

use crate::{
    demo::{
        prometheus::{
            rules::Rule,
            spec::{RuleSpec, TrafficSpec},
            store::{Store, TICK, millis},
            target::Targets,
        },
        system::{Cursor, Due, Reply, Serving, System},
    },
    domain::time::Timestamp,
};

/// How many scrapes pass between two looks for samples that are too old.
const TIDY: i64 = 240;

/// What is wrong with a scenario's rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("alert {alert}: {text}")]
pub struct BadRule {
    alert: String,
    text: String,
}

/// The server.
#[derive(Clone, Debug)]
pub struct Prometheus {
    store: Store,
    targets: Targets,
    rules: Vec<Rule>,
    revision: u64,
}

impl Prometheus {
    /// A server without samples. `rps` of the traffic is the rate at `start`.
    pub fn new(seed: u64, traffic: Vec<TrafficSpec>, rules: Vec<RuleSpec>, start: Timestamp) -> Result<Self, BadRule> {
        let rules = rules.into_iter().map(Rule::new).collect::<Result<_, _>>()?;
        Ok(Self { store: Store::default(), targets: Targets::new(seed, traffic, start), rules, revision: 0 })
    }

    /// The first moment after `now` at which targets are scraped: every 15 s on the clock's quarter minutes.
    pub fn next_scrape(now: Timestamp) -> Timestamp {
        let tick = millis(now).div_euclid(TICK) + 1;
        DateTime::from_timestamp_millis(tick * TICK).unwrap_or(Timestamp::MAX_UTC)
    }

    /// Scrapes everything that serves. Times only grow, one call a tick.
    pub fn scrape(&mut self, now: Timestamp, serving: &[Serving]) {
        self.targets.scrape(&mut self.store, now, serving);
        let tick = millis(now).div_euclid(TICK);
        if tick % TIDY == 0 {
            self.store.forget(tick);
        }
        self.revision += 1;
    }

    /// Every sample as `OpenMetrics` text with times, as `promtool tsdb create-blocks-from openmetrics` reads it.
    pub fn openmetrics(&self) -> String {
        exposition::openmetrics(&self.store)
    }
}

impl System for Prometheus {
    fn respond(&mut self, now: Timestamp, request: &Request<Bytes>) -> Reply {
        Reply::Whole(api::respond(&self.store, &self.rules, millis(now), request))
    }

    fn due(&mut self, _cursor: Cursor, _now: Timestamp) -> Due {
        Due { ended: true, ..Due::default() }
    }

    fn hang_up(&mut self, _cursor: Cursor) {}

    /// Never by itself: the world scrapes.
    fn next(&self) -> Option<Timestamp> {
        None
    }

    fn advance(&mut self, _now: Timestamp) {}

    fn revision(&self) -> u64 {
        self.revision
    }
}
