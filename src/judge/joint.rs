//! Errors and response times as one answer: either may show harm, and both must be safe.
//!
//! Here lives how their evidence is put together, for a case that is handed in and for a canary alike. The tests themselves
//! live in `stream` and `latency`.

use crate::judge::{eprocess::log_mean_exp, latency::Latency, stream::Stream};

/// Natural logarithms of the evidence now: of harm, and of safety.
pub(super) type Evidence = (f64, f64);

/// The evidence of what there is of both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Joint {
    /// That of errors, where they were counted.
    pub(super) errors: Option<Evidence>,
    /// That of response times, where there are histograms.
    pub(super) latency: Option<Evidence>,
}

impl Joint {
    /// As it is now. This is the costly part: look once, ask often.
    pub(super) fn of(errors: Option<&Stream>, latency: Option<&Latency>) -> Self {
        Self {
            errors: errors.map(|errors| (errors.harm(), errors.safety())),
            latency: latency.map(|latency| (latency.harm(), latency.safety())),
        }
    }

    /// Natural logarithm of the evidence of harm: that of the average of both e-values, which is an e-process too. 0 of nothing.
    pub(super) fn harm(&self) -> f64 {
        match (self.errors, self.latency) {
            (Some(errors), Some(latency)) => log_mean_exp([errors.0, latency.0].into_iter()),
            (Some(one), None) | (None, Some(one)) => one.0,
            (None, None) => 0.0,
        }
    }

    /// Natural logarithm of the evidence of safety: the smaller of both, because both must hold. 0 of nothing.
    pub(super) fn safe(&self) -> f64 {
        match (self.errors, self.latency) {
            (Some(errors), Some(latency)) => errors.1.min(latency.1),
            (Some(one), None) | (None, Some(one)) => one.1,
            (None, None) => 0.0,
        }
    }
}
