//! One case: which method it asks for, and what that makes of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    cli::judge::{
        SCHEMA,
        aca::{self, MetricIn, ThresholdsIn},
        wire::{Malformed, object, read},
    },
    domain::text::clean,
};

/// The methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Method {
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
    }
);

/// What a case is answered with.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Answer {
    Aca(Box<aca::Answer>),
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
        let judged = read::<CaseIn>(text, line).and_then(CaseIn::answer);
        judged.unwrap_or_else(|wrong| Self::malformed(name(text), line, &wrong))
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
            Self::Malformed(case) => clean(&format!("ERROR  {}", case.error)),
        }
    }
}

impl CaseIn {
    fn answer(self) -> Result<Answer, Malformed> {
        if self.method.is_none() {
            return Err(Malformed::at("method", "missing; the method is \"aca\""));
        }
        let case = aca::CaseIn {
            tolerance: self.tolerance,
            confidence: self.confidence,
            thresholds: self.thresholds,
            group_weights: self.group_weights,
            metrics: self.metrics,
        };
        case.answer(self.name).map(|answer| Answer::Aca(Box::new(answer)))
    }
}

/// The name of a case that is wrong in some other place.
fn name(text: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    serde_json::from_slice::<Named>(text).ok().map(|named| named.name)
}
