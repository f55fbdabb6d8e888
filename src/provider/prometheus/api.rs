//! The answers: Prometheus' envelope, its vectors and matrices, and everything else that may come instead (plain text,
//! pages of proxies). What the numbers mean is not known here.
//!
//! Unknown fields are skipped, an item that cannot be read is left out. Warnings mean that data is missing (a lost store, a
//! truncated result): such an answer is refused, because nothing tells which part of it is whole. So are annotations of
//! `PromQL` where native histograms are asked for: elements are left out. Of plain counters they say nothing. Infos are hints
//! for authors of queries and no trouble.

use std::{collections::BTreeMap, fmt, time::Duration};

use chrono::DateTime;
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    domain::{observed::FaultKind, time::Timestamp},
    port::error::ProviderError,
    provider::{
        http::{
            client::{Answer, Said, code_and_words, no_data},
            items::{Items, LONGEST, grouped},
        },
        prometheus::{
            native::{Between, Native},
            presets::Preset,
            request::{BOUND, Kind},
        },
    },
};

/// Series of one kind that are kept.
pub(super) const MOST_SERIES: usize = 100_000;
/// Samples of one kind that are kept.
pub(super) const MOST_SAMPLES: usize = 4_000_000;
/// Labels of one answer that are kept.
const MOST_LABELS: usize = 2_000_000;
/// Warnings that are read.
const MOST_WARNINGS: usize = 100;

/// One series of an answer. Values that are not a number are left out: they say that there is nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Samples {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) points: Vec<(Timestamp, f64)>,
    /// Native histograms, where the series has these.
    pub(super) histograms: Vec<(Timestamp, Native)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    status: String,
    #[serde(borrow)]
    data: Option<Data<'a>>,
    error: Option<String>,
    /// Some write `null` for none.
    #[serde(borrow)]
    warnings: Option<Items<'a, MOST_WARNINGS>>,
    /// `VictoriaMetrics`: a storage node did not answer.
    is_partial: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    result_type: String,
    #[serde(borrow)]
    result: &'a RawValue,
}

/// A series with one value or with many, each of them a number or a native histogram.
#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    value: Option<(f64, Number)>,
    #[serde(default)]
    values: Vec<(f64, Number)>,
    histogram: Option<(f64, Histogram)>,
    #[serde(default)]
    histograms: Vec<(f64, Histogram)>,
}

/// A native histogram as the HTTP API prints it: numbers as text; each bucket with the rule of which of its bounds are
/// inclusive, its bounds and its count. Without an observation there are no buckets.
#[derive(Deserialize)]
struct Histogram {
    count: Number,
    #[serde(default)]
    buckets: Vec<(u8, Number, Number, Number)>,
}

/// A number as text, as Prometheus writes it, or plain, as some write it that speak its API. `None`: it is none, as `NaN`.
#[derive(Clone, Copy)]
struct Number(Option<f64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Form;

        impl Visitor<'_> for Form {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                Ok(Number(text.parse().ok().filter(|number: &f64| !number.is_nan())))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Number, E> {
                Ok(Number(Some(number)))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(Some(number as f64)))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number(Some(number as f64)))
            }
        }

        from.deserialize_any(Form)
    }
}

/// What was asked for, as far as it makes a difference to what warnings mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Counters that are plain numbers.
    Counters,
    /// Native histograms, perhaps.
    Histograms,
}

impl Asked {
    /// What a preset's query of this kind asks for, as far as its text shows.
    pub(super) fn of(kind: Kind, preset: &Preset) -> Self {
        let Some(template) = kind.template(preset) else { return Self::Counters };
        let mut words = template.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let classic = words.any(|word| word == BOUND);
        let native = kind == Kind::Histograms || (kind == Kind::LatencyBuckets && !classic);
        if native || template.contains("histogram_") { Self::Histograms } else { Self::Counters }
    }
}

/// Did somebody on the way drop the body of a POST, so that no query arrived?
pub(super) fn lost_its_query(answer: &Answer) -> bool {
    let said = |text: &str| String::from_utf8_lossy(answer.body()).contains(text);
    matches!(answer.status().as_u16(), 400 | 422)
        && (said("no expression found in input") || (said("missing") && said("query")))
}

/// The series of a success, or why there are none.
pub(super) fn series(answer: &Answer, asked: Asked) -> Result<Vec<Samples>, ProviderError> {
    let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(answer.body()) else {
        return Err(no_data("it", answer, "Prometheus' JSON"));
    };
    if envelope.status != "success" {
        let why = envelope.error.as_deref().unwrap_or("without a reason");
        return Err(ProviderError::new(FaultKind::Rejected, refused(why)));
    }
    if let Some(why) = incomplete(&envelope, asked) {
        return Err(ProviderError::new(FaultKind::Unreadable, format!("incomplete: {why}")));
    }
    let Some(Data { result_type, result }) = envelope.data else {
        return Err(ProviderError::new(FaultKind::Unreadable, "the answer has no data"));
    };
    let items = Some(result).filter(|_| matches!(result_type.as_str(), "vector" | "matrix")).and_then(Items::of);
    let items: Items<'_, MOST_SERIES> = items.ok_or_else(|| {
        let text = format!("the query gives a {result_type}; it must give one series for each service and version");
        ProviderError::new(FaultKind::Unreadable, text)
    })?;
    if !items.is_whole() {
        return Err(too_many(&format!("{} series", grouped(items.count))));
    }
    all_of(&items)
}

/// The series, one by one: of text that is short, much may have to be kept.
fn all_of(items: &Items<'_, MOST_SERIES>) -> Result<Vec<Samples>, ProviderError> {
    let (mut all, mut labels, mut counted) = (Vec::new(), 0, 0);
    for item in &items.kept {
        if item.get().len() > LONGEST {
            return Err(too_many(&format!("a series of more than {} MiB", LONGEST >> 20)));
        }
        let Some(series) = serde_json::from_str(item.get()).ok().map(samples) else { continue };
        labels += series.labels.len();
        counted += series.points.len() + series.histograms.len();
        if labels > MOST_LABELS {
            return Err(too_many(&format!("more than {} labels", grouped(MOST_LABELS))));
        }
        if counted > MOST_SAMPLES {
            return Err(too_many(&format!("more than {} samples", grouped(MOST_SAMPLES))));
        }
        all.push(series);
    }
    // Series that nobody can read are not none.
    if all.is_empty() && items.count > 0 {
        let text = format!("none of the {} series of the answer can be read", grouped(items.count));
        return Err(ProviderError::new(FaultKind::Unreadable, text));
    }
    Ok(all)
}

/// Why an answer is not the whole answer, where it is not.
fn incomplete(envelope: &Envelope<'_>, asked: Asked) -> Option<String> {
    let warnings = envelope.warnings.as_ref();
    let texts = warnings
        .into_iter()
        .flat_map(|warnings| &warnings.kept)
        .map(|text| serde_json::from_str(text.get()).unwrap_or_default());
    let tells = |text: &String| asked != Asked::Counters || !text.starts_with("PromQL warning:");
    let texts: Vec<String> = texts.filter(tells).collect();
    if !texts.is_empty() {
        return Some(texts.join("; "));
    }
    if let Some(warnings) = warnings.filter(|warnings| !warnings.is_whole()) {
        return Some(format!("it has {} warnings", grouped(warnings.count)));
    }
    envelope.is_partial.unwrap_or_default().then(|| "a storage node did not answer".to_owned())
}

/// More than is kept of one kind of series.
pub(super) fn too_many(what: &str) -> ProviderError {
    let text = format!("the answer has {what}, more than are kept; watch fewer services, or fewer `strata`");
    ProviderError::new(FaultKind::Unreadable, text)
}

fn samples(item: Item) -> Samples {
    let point = |(seconds, Number(value)): (f64, Number)| Some((moment(seconds)?, value?));
    let histogram = |(seconds, histogram): (f64, Histogram)| Some((moment(seconds)?, native(&histogram)?));
    Samples {
        labels: item.metric,
        points: item.value.into_iter().chain(item.values).filter_map(point).collect(),
        histograms: item.histogram.into_iter().chain(item.histograms).filter_map(histogram).collect(),
    }
}

/// A histogram of which every number can be read.
fn native(histogram: &Histogram) -> Option<Native> {
    let between = |(_, low, high, count): &(u8, Number, Number, Number)| {
        Some(Between { low: low.0?, high: high.0?, count: count.0? })
    };
    let buckets = histogram.buckets.iter().map(between).collect::<Option<_>>()?;
    Some(Native { count: histogram.count.0?, buckets })
}

/// Prometheus counts in milliseconds and prints seconds.
fn moment(seconds: f64) -> Option<Timestamp> {
    const HALF_A_MILLISECOND: f64 = 0.0005;
    let since_epoch = Duration::try_from_secs_f64(seconds + HALF_A_MILLISECOND).ok()?;
    DateTime::from_timestamp_millis(since_epoch.as_millis().try_into().ok()?)
}

/// What Prometheus says itself of why it does not answer: in its own form, or by a status that means more here than
/// elsewhere. `VictoriaMetrics` answers 422 where Prometheus answers 400.
pub(super) fn refusal(answer: &Answer, _: Timestamp) -> Option<Said> {
    let code = answer.status().as_u16();
    let envelope = serde_json::from_slice::<Envelope<'_>>(answer.body()).ok();
    if let Some(envelope) = envelope {
        let why = envelope.error.as_deref().unwrap_or("without a reason");
        let kind = match code {
            400 | 406 | 422 => Some(FaultKind::Rejected),
            404 => Some(FaultKind::Missing),
            503 if why.contains("timed out") => Some(FaultKind::TimedOut),
            _ => None,
        };
        if let Some(kind) = kind {
            return Some((kind, refused(why)).into());
        }
    }
    let (kind, sentence) = match code {
        403 => (FaultKind::Forbidden, "it does not let us query; ask for read access"),
        404 => (FaultKind::Missing, "no Prometheus API at this address; check its path (the route prefix)"),
        405 => (FaultKind::Rejected, "it accepts neither POST nor GET for queries; is this a Prometheus?"),
        408 | 504 => (FaultKind::TimedOut, "the query took too long"),
        429 => (FaultKind::RateLimited, "it asks us to query less often"),
        _ => return None,
    };
    Some((kind, format!("{sentence} ({})", code_and_words(answer))).into())
}

fn refused(why: &str) -> String {
    format!("Prometheus refused the query: {why}")
}

#[cfg(test)]
mod tests;
