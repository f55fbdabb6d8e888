//! The engine's own analysis, recomputed from its raw measurements: does the run say what its measurements say?
//!
//! Here lives the second opinion: each measurement's phase from its value and conditions, each metric's by its limits, the run's
//! from its metrics, and every disagreement as a sentence. Here must not live: our own verdict.
//!
//! Two kinds of disagreement are told. The status is not what the controller's rules make of the measurements; or it is, and
//! still says more than was measured: a metric "Successful" without one success because its run was ended early, a terminated
//! measurement that counts as a success, NaN that passes a condition.
//!
//! Sources: those three are argo-rollouts#4479, #1329 and #180.

use crate::domain::{
    analysis::{Limits, Measurement, Metric, Tallies},
    rollout::Analysis,
};

pub use self::phase::Phase;
use self::value::Value;

mod evaluate;
mod parse;
mod phase;
mod value;

/// What a run comes to when it is computed again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recomputed {
    /// The run's phase by the controller's rules; `None` where it cannot be recomputed.
    pub phase: Option<Phase>,
    /// Each metric's, in the run's order.
    pub metrics: Vec<MetricAgain>,
    /// Where the run says something else, or more, than its measurements do. Empty: they agree.
    pub disagreements: Vec<String>,
    /// What could not be looked at, and why. Not a disagreement, and no agreement either.
    pub unknown: Vec<String>,
}

/// What a metric comes to when it is computed again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricAgain {
    /// Its name.
    pub name: String,
    /// Its phase; `None` where it cannot be recomputed.
    pub phase: Option<Phase>,
    /// The phase of each measurement that was kept, oldest first; as the engine has it where it cannot be recomputed.
    pub measurements: Vec<Option<Phase>>,
    /// So many measurements are counted and not kept any more.
    pub hidden: i64,
}

/// Computes a run again.
///
/// Measurements: the metric's conditions on the value that was kept (see `evaluate`). Metrics: what the measurements tally to,
/// by the controller's limits; of measurements that are not kept any more (upstream keeps ten) the engine's own tallies are
/// taken, and that is said. Run: the worst of its metrics, dry runs left out.
///
/// Assumes that conditions did not change during the run. What breaks it: a provider whose kept text is not what its conditions
/// saw, which is then among `unknown`. Source: see `analysis::phase` and `analysis::evaluate`.
pub fn recompute(run: &Analysis) -> Recomputed {
    let mut told = Told::default();
    let mut metrics = Vec::new();
    for metric in &run.metrics {
        let others = run.metrics.iter().filter(|other| other.name != metric.name && !other.dry_run);
        let ended = run.terminated || others.filter_map(|other| word(&other.phase)).any(Phase::is_bad);
        metrics.push(again(metric, ended, &mut told));
    }
    let phases: Option<Vec<_>> =
        metrics.iter().zip(&run.metrics).map(|(again, metric)| Some((again.phase?, metric.dry_run))).collect();
    let phase = phases.filter(|phases| !phases.is_empty()).map(|phases| phase::of_run(&phases, run.terminated));
    let said = word(&run.phase);
    match (said, phase) {
        (_, None) if run.metrics.is_empty() => told.unknown.push("its measurements are not known".to_owned()),
        (Some(Phase::Error), Some(again)) if !again.is_bad() => {
            // A specification that is invalid, an argument that does not resolve: no metric is to blame.
            told.unknown
                .push(format!("the run ended with an error that no metric has{}", because(run.message.as_deref())));
        }
        (Some(said), Some(again)) if said.is_over() && said != again => {
            told.disagreements.push(format!("the run says {said}, its measurements give {again}"));
        }
        _ => {}
    }
    Recomputed { phase, metrics, disagreements: told.disagreements, unknown: told.unknown }
}

#[derive(Default)]
struct Told {
    disagreements: Vec<String>,
    unknown: Vec<String>,
}

fn word(phase: &str) -> Option<Phase> {
    phase.parse().ok()
}

fn because(message: Option<&str>) -> String {
    message.map(|message| format!(": {message}")).unwrap_or_default()
}

/// One measurement, looked at again.
struct Look {
    said: Option<Phase>,
    again: Option<Phase>,
    value: Option<Value>,
    /// Why it could not be recomputed.
    unknown: Option<String>,
}

fn look(metric: &Metric, measurement: &Measurement) -> Look {
    let said = word(&measurement.phase);
    let mut look = Look { said, again: said, value: None, unknown: None };
    let conditions = metric.success.is_some() || metric.failure.is_some();
    let (Some(text), true) = (&measurement.value, conditions && said.is_some_and(Phase::is_over)) else { return look };
    look.value = value::seen(metric.form, text);
    match &look.value {
        None => look.unknown = Some(format!("`{text}` of {} does not tell what its conditions saw", metric.provider)),
        Some(value) => match evaluate::phase(value, metric.success.as_deref(), metric.failure.as_deref()) {
            Ok(phase) => look.again = Some(phase),
            Err(why) => look.unknown = Some(why),
        },
    }
    look
}

fn again(metric: &Metric, ended: bool, told: &mut Told) -> MetricAgain {
    let name = &metric.name;
    let looks: Vec<Look> = metric.measurements.iter().map(|measurement| look(metric, measurement)).collect();
    let over = i64::try_from(looks.iter().filter(|look| look.said.is_some_and(Phase::is_over)).count());
    let counted = metric.tallies.count.saturating_add(metric.tallies.error);
    let hidden = counted.saturating_sub(over.unwrap_or(i64::MAX)).max(0);
    if hidden > 0 {
        told.unknown.push(format!("{name}: {hidden} of {counted} measurements are not kept any more"));
    }
    if let Some(why) = looks.iter().find_map(|look| look.unknown.as_ref()) {
        told.unknown.push(format!("{name}: cannot recompute: {why}"));
    }
    measurements_told(metric, &looks, hidden, told);
    let tallies = tallies(metric, &looks, hidden);
    // Rows of successes are not held against it: controllers before 1.8 do not count them.
    let as_counted = counts(&tallies) == counts(&metric.tallies);
    if hidden == 0 && !as_counted && looks.iter().all(|look| look.said == look.again) {
        told.disagreements.push(format!(
            "{name} counts {}, its measurements are {}",
            counts(&metric.tallies),
            counts(&tallies)
        ));
    }
    let last = looks.last().map(|look| look.again);
    let phase = match (metric.limits, last) {
        (Some(limits), None) => Some(phase::of_metric(&limits, &tallies, None, ended)),
        (Some(limits), Some(Some(last))) => Some(phase::of_metric(&limits, &tallies, Some(last), ended)),
        _ => None,
    };
    if metric.limits.is_none() {
        told.unknown.push(format!("{name}: cannot recompute: a limit of it cannot be read"));
    }
    metric_told(metric, phase, &tallies, hidden, ended, told);
    MetricAgain { name: name.clone(), phase, measurements: looks.iter().map(|look| look.again).collect(), hidden }
}

/// What the measurements tally to; where some are not kept any more, what the engine counted, mended by what was recomputed.
fn tallies(metric: &Metric, looks: &[Look], hidden: i64) -> Tallies {
    let base = if hidden > 0 { metric.tallies } else { Tallies::default() };
    let mut all = Tallies { consecutive_error: 0, consecutive_success: 0, ..base };
    let mut add = |phase: Option<Phase>, one: i64| match phase {
        Some(Phase::Successful) => (all.count, all.successful) = (all.count + one, all.successful + one),
        Some(Phase::Failed) => (all.count, all.failed) = (all.count + one, all.failed + one),
        Some(Phase::Inconclusive) => (all.count, all.inconclusive) = (all.count + one, all.inconclusive + one),
        Some(Phase::Error) => all.error += one,
        _ => {}
    };
    for look in looks {
        if hidden > 0 {
            add(look.said, -1);
        }
        add(look.again, 1);
    }
    let row = |of: Phase, counted: i64| {
        let over: Vec<_> = looks.iter().filter_map(|look| look.again).filter(|phase| phase.is_over()).collect();
        let row = over.iter().rev().take_while(|phase| **phase == of).count();
        let kept = i64::try_from(row).unwrap_or(i64::MAX);
        // A row that fills what is kept may have begun before it.
        if hidden > 0 && row == over.len() { kept.max(counted) } else { kept }
    };
    all.consecutive_error = row(Phase::Error, metric.tallies.consecutive_error);
    all.consecutive_success = row(Phase::Successful, metric.tallies.consecutive_success);
    all
}

fn counts(of: &Tallies) -> String {
    let all = [
        (of.successful, "successful"),
        (of.failed, "failed"),
        (of.inconclusive, "inconclusive"),
        (of.error, if of.error == 1 { "error" } else { "errors" }),
    ];
    let some: Vec<_> =
        all.iter().filter(|(count, _)| *count != 0).map(|(count, what)| format!("{count} {what}")).collect();
    if some.is_empty() { "nothing".to_owned() } else { some.join(", ") }
}

/// Where single measurements are not what they count as. Each kind once, with the numbers of the measurements.
fn measurements_told(metric: &Metric, looks: &[Look], hidden: i64, told: &mut Told) {
    let conditions = metric.success.is_some() || metric.failure.is_some();
    let ended = |m: &Measurement| m.message.as_deref().is_some_and(|it| it.eq_ignore_ascii_case("metric terminated"));
    let mut kinds: Vec<(String, Vec<i64>)> = Vec::new();
    for ((look, measurement), number) in looks.iter().zip(&metric.measurements).zip(hidden + 1..) {
        let (Some(said), Some(again)) = (look.said, look.again) else { continue };
        let kind = if said != Phase::Successful && said == again {
            continue;
        } else if ended(measurement) && measurement.value.is_none() && said == Phase::Successful {
            "was ended before it measured anything and counts as Successful".to_owned()
        } else if said != again {
            let value = measurement.value.as_deref().unwrap_or_default();
            format!("says {said}, its value {value} gives {again}")
        } else if look.value.as_ref().is_some_and(Value::has_nan) {
            "is NaN, which is no data, and counts as Successful".to_owned()
        } else if measurement.value.is_none() && conditions {
            "has no value and counts as Successful".to_owned()
        } else {
            continue;
        };
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, numbers)) => numbers.push(number),
            None => kinds.push((kind, vec![number])),
        }
    }
    for (kind, numbers) in kinds {
        told.disagreements.push(format!("{}: {} {kind}", metric.name, numbered(&numbers)));
    }
}

/// `measurement 3`, or `each of measurements 3, 4, 7`.
fn numbered(numbers: &[i64]) -> String {
    let list: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    let each = if numbers.len() > 1 { "each of measurements" } else { "measurement" };
    format!("{each} {}", list.join(", "))
}

/// Where a metric is not what it says, or says more than was measured.
fn metric_told(metric: &Metric, again: Option<Phase>, tallies: &Tallies, hidden: i64, ended: bool, told: &mut Told) {
    let name = &metric.name;
    let (Some(said), Some(again), Some(limits)) = (word(&metric.phase), again, metric.limits) else { return };
    if said != again && (said.is_over() || again.is_bad()) {
        let why = reason(&limits, tallies, again);
        told.disagreements.push(format!("{name} says {said}, its measurements give {again}: {why}"));
    } else if said == Phase::Successful && tallies.successful == 0 && hidden == 0 {
        let why = match (ended && tallies.count < limits.count.unwrap_or(i64::MAX), limits.failure) {
            (true, _) => "it was ended before a limit was exceeded",
            (false, failure) if failure < 0 => "no number of failures fails it",
            (false, _) => "its limits allow that",
        };
        let measured = if metric.measurements.is_empty() { "nothing was measured".to_owned() } else { counts(tallies) };
        told.disagreements.push(format!("{name} says Successful without one success ({measured}): {why}"));
    }
}

/// What makes it this phase.
fn reason(limits: &Limits, tallies: &Tallies, phase: Phase) -> String {
    match phase::exceeded(limits, tallies) {
        Some((exceeds, why)) if exceeds == phase => why,
        _ => match limits.count {
            Some(count) => format!("{} of {count} measurements, {}", tallies.count, counts(tallies)),
            None => format!("{} measurements, {}", tallies.count, counts(tallies)),
        },
    }
}

#[cfg(test)]
mod tests;
