//! What a scenario says about traffic. Only data; `shape` makes it come true.

use std::time::Duration;

use serde::Deserialize;

use crate::demo::time::span;

/// The traffic of one service in one cell.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrafficSpec {
    /// The cell.
    pub cell: String,
    /// The namespace.
    pub namespace: String,
    /// The workload's name.
    pub service: String,
    /// Requests a second over all pods, at the scenario's start.
    pub rps: f64,
    /// How far the rate swings around its mean over a day, as a share of it; the peak is at 14:00 UTC.
    #[serde(default = "gentle")]
    pub daily: f64,
    /// What its pods write for the requests that they serve, whatever their version. Without any, failures and a few of the others.
    #[serde(default)]
    pub lines: Vec<LineSpec>,
    /// How versions behave. The last row that applies to a version at a moment is the one that holds.
    pub behaviour: Vec<Behaviour>,
}

/// How a version behaves while it gets traffic.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// The image tag; every version if absent.
    pub version: Option<String>,
    /// Applies from this share of the service's traffic on, 0 to 1.
    #[serde(default)]
    pub share: f64,
    /// Applies once the version has had that share for this long.
    #[serde(default, deserialize_with = "span")]
    pub after: Duration,
    /// Failed share of its requests.
    pub error_ratio: f64,
    /// Median response time.
    #[serde(deserialize_with = "span")]
    pub median: Duration,
    /// 99th percentile of the response time.
    #[serde(deserialize_with = "span")]
    pub p99: Duration,
    /// Signals that are not measured.
    #[serde(default)]
    pub absent: Vec<Signal>,
    /// Where its requests come from; without any, series carry no `region`.
    #[serde(default)]
    pub regions: Vec<Region>,
    /// Failed share of the requests on its first pod by name, instead of the one of all pods.
    pub first_pod_error_ratio: Option<f64>,
    /// Moments at which it fails more.
    pub bursts: Option<Bursts>,
    /// Requests that take longer than the distribution says.
    pub tail: Option<Tail>,
    /// What it writes beside that.
    #[serde(default)]
    pub lines: Vec<LineSpec>,
    /// How much of its share really arrives, 0 to 1: a router may say one thing and do another. The other versions get the
    /// rest.
    #[serde(default = "whole")]
    pub reaches: f64,
}

/// A part of a version's requests, by the label `region`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// The label's value.
    pub name: String,
    /// Its part of the version's requests; the parts of all regions add up to 1.
    pub share: f64,
    /// Failed share of its requests; without it the version's.
    pub error_ratio: Option<f64>,
}

/// Failures that come together: every pod of the version fails for one scrape. Versions have bursts of their own.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bursts {
    /// The mean time between two.
    #[serde(deserialize_with = "span")]
    pub every: Duration,
    /// Failed share of the requests while one lasts.
    pub error_ratio: f64,
}

/// A share of the requests that take this much longer than the others.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tail {
    /// Which share, 0 to 1.
    pub share: f64,
    /// How much longer.
    #[serde(deserialize_with = "span")]
    pub longer: Duration,
}

/// A line that is written for requests.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineSpec {
    /// For which.
    pub on: Occasion,
    /// For which share of them; all of them where it is absent.
    #[serde(default = "whole")]
    pub share: f64,
    /// How bad it says it is.
    pub level: String,
    /// What it says. `{ms}` is how long the request took, `{id}` a hexadecimal id, `{n}` a number.
    pub text: String,
    /// Between what `{ms}` lies, where it is not the request's own time.
    pub ms: Option<[u32; 2]>,
}

/// Which requests a line is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// Those that ended well.
    Success,
    /// Those that did not.
    Failure,
    /// Any.
    Request,
}

/// A signal that may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// `…_bucket` and `…_sum`.
    Latency,
    /// Everything: the pod is not scraped.
    All,
}

/// The labels that split a version's requests further, beside the pod.
pub fn strata(traffic: &[TrafficSpec]) -> Vec<&'static str> {
    let split = traffic.iter().flat_map(|traffic| &traffic.behaviour).any(|row| !row.regions.is_empty());
    split.then_some("region").into_iter().collect()
}

fn gentle() -> f64 {
    0.1
}

fn whole() -> f64 {
    1.0
}
