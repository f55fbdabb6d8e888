//! The controller's rules: from measurements to a metric's phase, from metrics to the run's.
//!
//! Source: argo-rollouts 1.9, `analysis/analysis.go` (`assessMetricStatus`, `assessMetricFailureInconclusiveOrError`,
//! `assessRunStatus`) and `utils/analysis/helpers.go` (`IsTerminating`, `IsWorse`).

use strum::{Display, EnumString};

use crate::domain::analysis::{Limits, Tallies};

/// Where a measurement, a metric or a run is, in upstream's order from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumString)]
pub enum Phase {
    /// All is well.
    Successful,
    /// Not over.
    Running,
    /// Not begun.
    Pending,
    /// Neither good nor bad.
    Inconclusive,
    /// Could not be measured.
    Error,
    /// Bad.
    Failed,
}

impl Phase {
    /// It is over.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Running | Self::Pending)
    }

    /// It ends the run.
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Error | Self::Inconclusive)
    }
}

/// What exceeded a limit, as upstream says it: `failed (3) > failureLimit (2)`, with the phase that follows. Later limits
/// override earlier ones, as upstream.
pub(super) fn exceeded(limits: &Limits, tallies: &Tallies) -> Option<(Phase, String)> {
    let over = |phase, what: &str, count: i64, name: &str, limit: i64| {
        (count > limit).then(|| (phase, format!("{what} ({count}) > {name} ({limit})")))
    };
    let failed = over(Phase::Failed, "failed", tallies.failed, "failureLimit", limits.failure);
    let inconclusive =
        over(Phase::Inconclusive, "inconclusive", tallies.inconclusive, "inconclusiveLimit", limits.inconclusive);
    let (errors, limit) = (tallies.consecutive_error, limits.consecutive_error);
    let errors = over(Phase::Error, "consecutiveErrors", errors, "consecutiveErrorLimit", limit);
    errors.or(inconclusive).or(failed.filter(|_| limits.failure >= 0))
}

/// A metric's phase by its limits. `last`: the phase of its last measurement, `None` before the first. `terminating`: the run
/// is to end, because somebody said so or another metric is bad.
pub(super) fn of_metric(limits: &Limits, tallies: &Tallies, last: Option<Phase>, terminating: bool) -> Phase {
    let ended = if terminating { Phase::Successful } else { Phase::Running };
    match last {
        None => return if terminating { Phase::Successful } else { Phase::Pending },
        Some(last) if !last.is_over() => return Phase::Running,
        Some(_) => {}
    }
    if let Some((phase, _)) = exceeded(limits, tallies) {
        return phase;
    }
    let streak = limits.consecutive_success > 0;
    if streak && tallies.consecutive_success >= limits.consecutive_success {
        return Phase::Successful;
    }
    match limits.count {
        Some(count) if tallies.count >= count => match (streak, limits.failure >= 0) {
            (true, true) => Phase::Inconclusive,
            (true, false) => Phase::Failed,
            (false, _) => Phase::Successful,
        },
        _ => ended,
    }
}

/// The run's phase from those of its metrics, each with whether it is a dry run.
pub(super) fn of_run(metrics: &[(Phase, bool)], terminated: bool) -> Phase {
    let deciding = || metrics.iter().filter(|(_, dry)| !dry).map(|(phase, _)| *phase);
    let over = metrics.iter().any(|(phase, _)| phase.is_over());
    let worst = deciding().filter(|phase| phase.is_over()).max();
    let terminating = terminated || deciding().any(Phase::is_bad);
    if terminating {
        return worst.unwrap_or(Phase::Successful);
    }
    if !over || metrics.iter().any(|(phase, _)| !phase.is_over()) {
        return Phase::Running;
    }
    worst.unwrap_or(Phase::Successful)
}

#[cfg(test)]
mod tests {
    use super::*;

    use Phase::{Error, Failed, Inconclusive, Pending, Running, Successful};

    #[test]
    fn the_run_is_as_its_worst_metric_that_is_no_dry_run_and_a_bad_one_ends_it() {
        let table = [
            (vec![], false, Running),
            (vec![], true, Successful),
            (vec![(Successful, false), (Running, false)], false, Running),
            (vec![(Successful, false), (Running, false)], true, Successful),
            (vec![(Failed, false), (Running, false)], false, Failed),
            (vec![(Failed, false), (Error, false), (Inconclusive, false)], false, Failed),
            (vec![(Inconclusive, false), (Error, false)], false, Error),
            (vec![(Failed, true), (Successful, false)], false, Successful),
            (vec![(Failed, true), (Running, false)], false, Running),
            (vec![(Failed, true)], false, Successful),
            (vec![(Pending, false)], false, Running),
        ];
        for (metrics, terminated, expected) in table {
            assert_eq!(of_run(&metrics, terminated), expected, "{metrics:?}, {terminated}");
        }
    }

    /// Upstream's own tests, from `tests/fixtures/vectors/argo-rollouts.json`.
    #[test]
    fn metrics_are_judged_as_upstream_s_tests_say() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/vectors/argo-rollouts.json");
        let all: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let vectors = all["assess_metric_status"]["vectors"].as_array().unwrap();
        assert_eq!(vectors.len(), 14);
        for vector in vectors {
            let number = |part: &str, name: &str| vector[part][name].as_i64();
            let default = Limits::default();
            let once = vector["metric"]["interval"].is_null().then_some(1);
            let limits = Limits {
                count: number("metric", "count").or(once),
                failure: number("metric", "failureLimit").unwrap_or(default.failure),
                inconclusive: number("metric", "inconclusiveLimit").unwrap_or(default.inconclusive),
                consecutive_success: number("metric", "consecutiveSuccessLimit").unwrap_or_default(),
                ..default
            };
            let tally = |name| number("result", name).unwrap_or_default();
            let tallies = Tallies {
                count: tally("count"),
                successful: tally("successful"),
                failed: tally("failed"),
                inconclusive: tally("inconclusive"),
                error: tally("error"),
                consecutive_error: tally("consecutiveError"),
                consecutive_success: tally("consecutiveSuccess"),
            };
            let last = match vector["last_measurement"].as_str().unwrap() {
                "none" => None,
                "completed" => Some(Successful),
                _ => Some(Running),
            };
            for (when, expected) in vector["expected"].as_object().unwrap() {
                let phase = of_metric(&limits, &tallies, last, when == "terminating=true");
                assert_eq!(phase.to_string(), expected.as_str().unwrap(), "{when}: {vector}");
            }
        }
    }
}
