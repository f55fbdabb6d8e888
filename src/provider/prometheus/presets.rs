//! Which series a team's proxies and libraries write: PromQL templates by the name of the thing that exports them.
//!
//! Here live the templates and the text that goes into their holes. Times, forms and answers live elsewhere.
//!
//! A template has two holes: `$W` is the range of `rate()`, `$SEL` further matchers, beginning with a comma. Templates of
//! raw counters have the second one only.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The presets that come with the program, as run against Prometheus 2.42 and 3.5.
const BUILT_IN: &str = include_str!("presets.json");

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

impl LatencyUnit {
    /// How many of it make a second.
    pub fn per_second(self) -> f64 {
        match self {
            Self::Milliseconds => 1000.0,
            Self::Seconds => 1.0,
        }
    }
}

/// The queries for one kind of exporter. A custom preset of the configuration is the same struct.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preset {
    /// The label that names the service.
    pub service_label: String,
    /// The label that names the version. Where a series lacks it, the version is the empty text.
    pub version_label: String,
    /// The unit of the bucket bounds.
    pub latency_unit: LatencyUnit,
    /// Requests a second, by service and version.
    pub rate: String,
    /// Failed share of the requests, 0 to 1, by service and version; zero where nothing failed, absent without traffic.
    pub error_ratio: String,
    /// Requests a second in each cumulative bucket, by service, version and `le`; or the rate of a native histogram, by
    /// service and version.
    pub buckets: String,
    /// The cumulative counter of requests, without `rate()`, `sum` and `$W`: counts are differences of it. Counts need this
    /// and `errors_total`; without them they are derived from the rates.
    #[serde(default)]
    pub requests_total: Option<String>,
    /// The same of the failed requests only.
    #[serde(default)]
    pub errors_total: Option<String>,
    /// The cumulative counters of the buckets, with their `le`; without them response times are not counted.
    #[serde(default)]
    pub buckets_total: Option<String>,
    /// A plain selector of the native histogram (Prometheus 2.40 and later) of response times, in place of `buckets_total`. It is
    /// read at two bounds an octave from about a millisecond to about a minute, or at those of them that its schema has.
    #[serde(default)]
    pub histogram_total: Option<String>,
    /// The label that names the pod that served; `instance` stands in where a series lacks it. None where whoever counts
    /// is not the pod that serves (a gateway, a generator of metrics from spans).
    #[serde(default)]
    pub pod_label: Option<String>,
    /// The matcher that keeps a query to the watched services, with `$SERVICES` for the alternatives. It is needed where
    /// the counters do not carry the service label themselves; otherwise the service label is matched.
    #[serde(default)]
    pub service_matcher: Option<String>,
    /// What a team must know to use it.
    #[serde(default)]
    pub notes: String,
}

/// A preset that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no metrics preset '{name}'; there are: {}", known.join(", "))]
pub struct UnknownPreset {
    /// What was asked for.
    pub name: String,
    /// What there is.
    pub known: Vec<String>,
}

/// All presets that come with the program, by name.
pub fn built_in() -> BTreeMap<String, Preset> {
    #[derive(Default, Deserialize)]
    struct File {
        red: BTreeMap<String, Preset>,
    }
    // The file is compiled in, and a test reads it: there is nobody to tell of an error.
    serde_json::from_str::<File>(BUILT_IN).unwrap_or_default().red
}

/// The preset of this name.
pub fn named(name: &str) -> Result<Preset, UnknownPreset> {
    let mut all = built_in();
    all.remove(name).ok_or_else(|| UnknownPreset { name: name.to_owned(), known: all.into_keys().collect() })
}

impl Preset {
    /// What goes into `$SEL`: the watched services, by their label values, and matchers of the configuration
    /// (`namespace="shop"`).
    pub(super) fn selector(&self, services: &[String], matchers: &[String]) -> String {
        let services: Vec<&str> = services.iter().map(String::as_str).collect();
        let alternatives = any_of(&services);
        let of_service = match &self.service_matcher {
            Some(matcher) => matcher.replace("$SERVICES", &alternatives),
            None => format!("{}=~\"{alternatives}\"", self.service_label),
        };
        std::iter::once(of_service).chain(matchers.iter().cloned()).fold(String::new(), |all, one| all + "," + &one)
    }
}

/// A regular expression that matches exactly these texts, as it stands between the double quotes of a PromQL string.
pub(super) fn any_of(values: &[&str]) -> String {
    values.iter().map(|value| quoted(&literal(value))).collect::<Vec<_>>().join("|")
}

/// Fills the holes of a template.
pub(super) fn fill(template: &str, range: &str, selector: &str) -> String {
    // The selector goes in last: a service may be called `$W`.
    template.replace("$W", range).replace("$SEL", selector)
}

/// A regular expression (RE2) that matches exactly this text.
fn literal(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
        out
    })
}

/// The text as it stands between the double quotes of a PromQL string.
fn quoted(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_preset_parses_as_promql_with_its_holes_filled() {
        let all = built_in();
        assert_eq!(all.len(), 11);
        for (name, preset) in all {
            let selector = preset.selector(&["a".into(), "b.c".into()], &["namespace=\"shop\"".into()]);
            for template in [&preset.rate, &preset.error_ratio, &preset.buckets] {
                let query = fill(template, "74999ms", &selector);
                assert!(!query.contains("$SEL") && !query.contains("$W"), "{name}: {query}");
                promql_parser::parser::parse(&query).unwrap_or_else(|error| panic!("{name}: {error}\n{query}"));
            }
        }
    }

    #[test]
    fn the_quantile_of_every_preset_is_that_of_its_buckets_so_it_can_be_computed_here() {
        let file: serde_json::Value = serde_json::from_str(BUILT_IN).unwrap();
        for (name, preset) in built_in() {
            let p95 = file["red"][&name]["p95"].as_str().unwrap();
            assert_eq!(p95, format!("histogram_quantile(0.95, {})", preset.buckets), "{name}");
        }
    }

    #[test]
    fn the_counters_of_every_preset_are_those_whose_rates_it_reads() {
        let as_rate = |counter: &str| {
            // A join stands behind the counter, outside of `rate()`.
            let (selector, join) = counter.split_at(counter.find("$SEL}").unwrap() + "$SEL}".len());
            format!("(rate({selector}[$W]){join})")
        };
        for (name, preset) in built_in() {
            let by =
                [("rate", &preset.rate, &preset.requests_total), ("buckets", &preset.buckets, &preset.buckets_total)];
            for (what, rate, counter) in by {
                let counter = as_rate(counter.as_deref().unwrap());
                assert!(rate.starts_with("sum by (") && rate.ends_with(&counter), "{name} {what}: {counter}");
            }
            let errors = as_rate(preset.errors_total.as_deref().unwrap());
            assert!(preset.error_ratio.contains(&errors) && !preset.rate.contains(&errors), "{name}: {errors}");
            for counter in [&preset.requests_total, &preset.errors_total, &preset.buckets_total] {
                let query = fill(counter.as_deref().unwrap(), "1m", &preset.selector(&["a".into()], &[]));
                promql_parser::parser::parse(&query).unwrap_or_else(|error| panic!("{name}: {error}\n{query}"));
            }
        }
    }

    #[test]
    fn an_unknown_preset_is_told_which_ones_there_are() {
        let text = named("istoi").unwrap_err().to_string();
        assert!(text.starts_with("there is no metrics preset 'istoi'; there are: envoy, istio,"), "{text}");
        assert!(text.ends_with("tempo-spanmetrics, traefik"), "{text}");
    }

    #[test]
    fn a_service_name_is_matched_as_text_and_cannot_leave_its_quotes() {
        let preset = named("otel-http").unwrap();
        let selector = preset.selector(&["pay.ments".into(), "a\"b\\|$W".into()], &["cluster=~\"eu-.*\"".into()]);
        assert_eq!(selector, r#",service_name=~"pay\\.ments|a\"b\\\\\\|\\$W",cluster=~"eu-.*""#);
        let query = fill(&preset.rate, "5m", &selector);
        assert!(query.contains(r"\\$W") && query.contains("[5m]"), "{query}");
        promql_parser::parser::parse(&query).unwrap();
    }

    #[test]
    fn counters_without_the_service_label_are_kept_to_the_services_by_another_one() {
        let preset = named("otel-http-target-info").unwrap();
        assert_eq!(preset.selector(&["a".into(), "b".into()], &[]), r#",job=~"(.+/)?(a|b)""#);
    }
}
