//! Prometheus as the world speaks it: a small store of scraped samples and `PromQL` evaluated honestly over it.
//!
//! `target` makes the samples from what was served, `store` keeps them, `promql` evaluates, `api` speaks HTTP. Nobody is asked
//! from here: the world tells what was served at each scrape.

mod answer;
mod api;
mod blueprint;
mod exposition;
mod params;
mod promql;
mod rules;
pub mod spec;
mod store;
mod target;

use bytes::Bytes;
use http::{Request, StatusCode};

pub(crate) use self::blueprint::KIND;
use crate::{
    demo::{
        prometheus::{
            rules::Rule,
            spec::RuleSpec,
            store::{Store, TICK, millis},
            target::Targets,
        },
        system::{Reply, System, has_another_token},
        traffic::Served,
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
    /// A server without samples.
    pub fn new(rules: Vec<RuleSpec>) -> Result<Self, BadRule> {
        let rules = rules.into_iter().map(Rule::new).collect::<Result<_, _>>()?;
        Ok(Self { store: Store::default(), targets: Targets::default(), rules, revision: 0 })
    }

    /// Every sample as `OpenMetrics` text with times, as `promtool tsdb create-blocks-from openmetrics` reads it.
    pub fn openmetrics(&self) -> String {
        exposition::openmetrics(&self.store)
    }
}

impl System for Prometheus {
    fn respond(&mut self, now: Timestamp, request: &Request<Bytes>) -> Reply {
        if has_another_token(request) {
            return Reply::Whole(answer::plain(StatusCode::UNAUTHORIZED, "Unauthorized\n"));
        }
        Reply::Whole(api::respond(&self.store, &self.rules, millis(now), request))
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    /// Scrapes everything that serves.
    fn told(&mut self, now: Timestamp, served: &[Served<'_>]) {
        self.targets.scrape(&mut self.store, now, served);
        let tick = millis(now).div_euclid(TICK);
        if tick % TIDY == 0 {
            self.store.forget(tick);
        }
        self.revision += 1;
    }

    fn export(&self) -> Option<String> {
        Some(self.openmetrics())
    }
}
