//! A Prometheus, or whatever speaks its query API, as a connection of the configuration.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    config::{
        access::Access,
        check::Known,
        kind::{
            Connection, Kind, Settings,
            label::{Places, is_label, no_label},
        },
        note::Notes,
        span, tree,
    },
    domain::ids::EnvironmentName,
};

pub(super) static KIND: Kind = Kind {
    name: "prometheus",
    read: |node, under, problems| tree::read(node, under, problems).map(Connection::Prometheus),
    open: &[
        "buckets",
        "buckets_total",
        "covers",
        "error_ratio",
        "errors_total",
        "histogram_total",
        "interval",
        "latency_unit",
        "matchers",
        "place_label",
        "pod_label",
        "preset",
        "rate",
        "requests_total",
        "service_label",
        "service_matcher",
        "step",
        "strata",
        "version_label",
    ],
    addresses: &["url"],
    tables: &["queries"],
    objects: None,
};

/// A Prometheus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prometheus {
    /// Its base, without `/api/v1`.
    pub url: String,
    /// How it is reached, and who we are to it.
    #[serde(flatten, skip_deserializing)]
    pub access: Access,
    /// Whose series the services write: `istio`, `linkerd`, `otel-http` …
    pub preset: Option<String>,
    /// Queries of your own, instead of a preset.
    pub queries: Option<Queries>,
    /// Further matchers for every query: `namespace="shop"`.
    #[serde(default)]
    pub matchers: Vec<String>,
    /// Labels whose values are judged apart, because their mix may differ between the versions: `region`, `tenant`.
    #[serde(default)]
    pub strata: Vec<String>,
    /// The environments that its series are of: `prod/eu-west-1`, or `prod/*` for all below `prod`.
    #[serde(default)]
    pub covers: Vec<String>,
    /// The label that tells the environments of its series apart: `region`.
    pub place_label: Option<String>,
    /// What that label's values are called by us: `us = "prod/us-east-1"`. One that is not listed is the environment's name, or
    /// its last part.
    #[serde(default)]
    pub environments: BTreeMap<String, EnvironmentName>,
    /// Length of the intervals that are judged: at least two scrapes.
    #[serde(default = "thirty_seconds", with = "span")]
    pub step: Duration,
    /// How often it is read.
    #[serde(default = "fifteen_seconds", with = "span")]
    pub interval: Duration,
}

fn thirty_seconds() -> Duration {
    Duration::from_secs(30)
}

fn fifteen_seconds() -> Duration {
    Duration::from_secs(15)
}

/// The unit in which a source counts response times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LatencyUnit {
    /// Milliseconds.
    #[serde(rename = "ms")]
    Milliseconds,
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
}

/// PromQL templates of your own: `$W` is the range of `rate()`, `$SEL` further matchers that begin with a comma.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queries {
    /// The label that names the service.
    pub service_label: String,
    /// The label that names the version.
    pub version_label: String,
    /// The unit of the bucket bounds: `s` or `ms`.
    pub latency_unit: LatencyUnit,
    /// Requests a second, by service and version.
    pub rate: String,
    /// Failed share of the requests, 0 to 1, by service and version.
    pub error_ratio: String,
    /// Requests a second in each cumulative bucket, by service, version and `le`; or the rate of a native histogram, by
    /// service and version.
    pub buckets: String,
    /// The cumulative counter of requests, without `rate()` and `sum`; goes with `errors_total`. Counts are exact then.
    pub requests_total: Option<String>,
    /// The same of the failed requests only.
    pub errors_total: Option<String>,
    /// The cumulative counters of the buckets: response times are counted then.
    pub buckets_total: Option<String>,
    /// A plain selector of the native histogram of response times, in place of `buckets_total`.
    pub histogram_total: Option<String>,
    /// The label that names the pod that served.
    pub pod_label: Option<String>,
    /// The matcher that keeps a query to the watched services, with `$SERVICES` for the alternatives.
    pub service_matcher: Option<String>,
}

impl Settings for Prometheus {
    fn address(&self) -> Option<(&'static str, &str)> {
        Some(("url", &self.url))
    }

    fn environments(&self) -> Vec<&str> {
        self.covers.iter().map(String::as_str).chain(self.environments.values().map(EnvironmentName::as_str)).collect()
    }

    fn check(&self, notes: &mut Notes<'_, '_>, known: &Known<'_>, _: &[&str]) {
        match (&self.preset, &self.queries) {
            (Some(preset), None) => notes.one_of(&["preset"], "metrics preset", preset, known.presets),
            (None, Some(_)) => {}
            (Some(_), Some(_)) => notes.add(&["preset"], "`queries` stand instead of a `preset`: keep one"),
            (None, None) => {
                let message =
                    format!("{} needs `preset` or `queries`; presets: {}", notes.name(), known.presets.join(", "));
                notes.add(&[], message);
            }
        }
        for (index, label) in self.strata.iter().enumerate().filter(|(_, label)| !is_label(label)) {
            notes.add(&["strata", &index.to_string()], no_label(label));
        }
        notes.once(&["strata"]);
        notes.once(&["matchers"]);
        Places { covers: &self.covers, label: self.place_label.as_ref(), environments: &self.environments }
            .check(notes);
        for (index, matcher) in self.matchers.iter().enumerate() {
            if let Some(why) = no_matcher(matcher) {
                notes.add(&["matchers", &index.to_string()], why);
            }
        }
        if let Some(queries) = &self.queries {
            queries.check(&mut notes.under(&["queries"]));
        }
    }

    fn step(&self) -> Option<Duration> {
        Some(self.step)
    }
}

impl Queries {
    /// Counts need both of requests and errors; response times are counted beside them.
    fn check(&self, notes: &mut Notes<'_, '_>) {
        let times = self.buckets_total.as_ref().map(|_| "buckets_total");
        let times = times.or(self.histogram_total.as_ref().map(|_| "histogram_total"));
        let missing = match (&self.requests_total, &self.errors_total, times) {
            (None, None, None) | (Some(_), Some(_), _) => None,
            (Some(_), None, _) => Some(("requests_total", "`errors_total`")),
            (None, Some(_), _) => Some(("errors_total", "`requests_total`")),
            (None, None, Some(times)) => Some((times, "`requests_total` and `errors_total`")),
        };
        if self.buckets_total.is_some() && self.histogram_total.is_some() {
            let message = "`histogram_total` and `buckets_total` both count response times: leave one of them out";
            notes.add(&["histogram_total"], message);
        }
        if let Some((written, missing)) = missing {
            notes.add(&[written], format!("`{written}` counts nothing without {missing}: add it"));
        }
        if let Some(label) = self.pod_label.as_ref().filter(|label| !is_label(label)) {
            notes.add(&["pod_label"], no_label(label));
        }
    }
}

/// Why this is no matcher that stands in every query: it is read as the server reads it.
fn no_matcher(text: &str) -> Option<String> {
    use promql_parser::parser::{Expr, parse};
    match parse(&format!("x{{{text}}}")) {
        Ok(Expr::VectorSelector(selector))
            if !selector.matchers.matchers.is_empty() && selector.matchers.or_matchers.is_empty() =>
        {
            None
        }
        _ => Some(format!("'{text}' is not a matcher: write e.g. namespace=\"shop\" or region=~\"eu-.*\"")),
    }
}
