//! One case: which method it asks for, and what that makes of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    cli::judge::{
        SCHEMA,
        aca::{self, MetricIn, ThresholdsIn},
        sequential::{self, IntervalIn},
        wire::{Malformed, object, read},
    },
    domain::text::clean,
};

/// The methods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Method {
    #[default]
    Sequential,
    Aca,
}

object!(
    /// A case of any method.
    CaseIn {
        method: Method,
        name: String,
        tolerance: f64,
        confidence: f64,
        thresholds: ThresholdsIn,
        group_weights: BTreeMap<String, f64>,
        metrics: Vec<MetricIn>,
        alpha_harm: f64,
        tolerate: f64,
        alpha_safe: f64,
        reject: f64,
        slo_le: f64,
        weight: f64,
        intervals: Vec<IntervalIn>,
    }
);

/// What a case is answered with.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Answer {
    Aca(Box<aca::Answer>),
    Sequential(Box<sequential::Answer>),
    Malformed(MalformedCase),
}

/// A case that cannot be judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct MalformedCase {
    schema: &'static str,
    name: Option<String>,
    line: u64,
    error: String,
}

impl Answer {
    /// Judges a case that begins on this line.
    pub(super) fn to(text: &[u8], line: u64) -> Self {
        match read::<CaseIn>(text, line).and_then(CaseIn::answer) {
            Ok(answer) => answer,
            // Python writes NaN and Infinity bare. As text they are read where they may stand, and named where not.
            Err(wrong) => match quoted(text) {
                Some(text) => Self::to(&text, line),
                None => Self::malformed(name(text), line, &wrong),
            },
        }
    }

    /// Of a case that cannot be judged.
    pub(super) fn malformed(name: Option<String>, line: u64, wrong: &Malformed) -> Self {
        let of = name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        let error = format!("line {line}{of}: {wrong}");
        Self::Malformed(MalformedCase { schema: SCHEMA, name, line, error })
    }

    pub(super) fn is_malformed(&self) -> bool {
        matches!(self, Self::Malformed(_))
    }

    /// For people: the word first, then its arithmetic.
    pub(super) fn words(&self, line: u64) -> String {
        match self {
            Self::Aca(answer) => answer.words(&format!("line {line}")),
            Self::Sequential(answer) => answer.words(&format!("line {line}")),
            Self::Malformed(case) => clean(&format!("ERROR  {}", case.error)),
        }
    }
}

impl CaseIn {
    fn answer(self) -> Result<Answer, Malformed> {
        let method = self.method.unwrap_or_default();
        self.check(method)?;
        match method {
            Method::Aca => {
                let case = aca::CaseIn {
                    tolerance: self.tolerance,
                    confidence: self.confidence,
                    thresholds: self.thresholds,
                    group_weights: self.group_weights,
                    metrics: self.metrics,
                };
                case.answer(self.name).map(|answer| Answer::Aca(Box::new(answer)))
            }
            Method::Sequential => {
                let case = sequential::CaseIn {
                    alpha_harm: self.alpha_harm,
                    tolerate: self.tolerate,
                    alpha_safe: self.alpha_safe,
                    reject: self.reject,
                    slo_le: self.slo_le,
                    weight: self.weight,
                    intervals: self.intervals,
                };
                case.answer(self.name).map(|answer| Answer::Sequential(Box::new(answer)))
            }
        }
    }

    /// Nothing of the other method: it would be left out in silence.
    fn check(&self, method: Method) -> Result<(), Malformed> {
        let of_aca = [
            ("tolerance", self.tolerance.is_some()),
            ("confidence", self.confidence.is_some()),
            ("thresholds", self.thresholds.is_some()),
            ("group_weights", self.group_weights.is_some()),
            ("metrics", self.metrics.is_some()),
        ];
        let of_sequential = [
            ("alpha_harm", self.alpha_harm.is_some()),
            ("tolerate", self.tolerate.is_some()),
            ("alpha_safe", self.alpha_safe.is_some()),
            ("reject", self.reject.is_some()),
            ("slo_le", self.slo_le.is_some()),
            ("weight", self.weight.is_some()),
            ("intervals", self.intervals.is_some()),
        ];
        let (foreign, this, other) = match method {
            Method::Sequential => (&of_aca[..], "sequential", "aca"),
            Method::Aca => (&of_sequential[..], "aca", "sequential"),
        };
        match foreign.iter().find(|(_, is_there)| *is_there) {
            Some((field, _)) => Err(Malformed::at(
                *field,
                format!("belongs to the method {other}, and this case is of the method {this}: set `method`"),
            )),
            None => Ok(()),
        }
    }
}

/// The text with every bare NaN and Infinity in quotes; `None` where there is none.
fn quoted(text: &[u8]) -> Option<Vec<u8>> {
    const BARE: [&[u8]; 3] = [b"NaN", b"-Infinity", b"Infinity"];
    let mut out = Vec::with_capacity(text.len());
    let (mut rest, mut in_string, mut found) = (text, false, false);
    while let Some((&byte, behind)) = rest.split_first() {
        let bare = BARE.iter().find(|bare| !in_string && rest.starts_with(bare));
        if let Some(bare) = bare {
            found = true;
            out.extend([b"\"", *bare, b"\""].concat());
            rest = rest.get(bare.len()..).unwrap_or_default();
            continue;
        }
        out.push(byte);
        rest = behind;
        if byte == b'"' {
            in_string = !in_string;
        } else if byte == b'\\' && in_string {
            out.extend(rest.first());
            rest = rest.get(1..).unwrap_or_default();
        }
    }
    found.then_some(out)
}

/// The name of a case that is wrong in some other place.
fn name(text: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    serde_json::from_slice::<Named>(text).ok().map(|named| named.name)
}
