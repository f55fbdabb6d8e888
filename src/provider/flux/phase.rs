//! Where an object of Flux is, by the rules of kstatus: what it says counts only for the generation that it is about, and a suspended
//! object says nothing of now.

use crate::{
    domain::{rollout::Phase, text::clean},
    provider::kubernetes::api::Meta,
};

use super::{
    api::{Condition, Progress},
    declared::{Declared, held_by},
};

/// How a reconciliation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What is declared is there.
    Ready,
    /// It is not, and why stands in the conditions.
    Failed,
    /// It has not come to an end.
    Running,
}

impl Outcome {
    /// As facts have it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Running => "running",
        }
    }
}

/// What a failure waits for that goes on by itself.
const WAITS: &[&str] = &["DependencyNotReady", "HealthCheckCanceled"];

/// Is a condition about the generation that the spec has now? A failure leaves `status.observedGeneration` where it was.
fn is_fresh(meta: &Meta, progress: &Progress, condition: &Condition) -> bool {
    condition.observed_generation.unwrap_or(progress.observed_generation) >= meta.generation
}

/// How the last reconciliation of what the spec has now ended.
pub fn outcome(meta: &Meta, progress: &Progress) -> Outcome {
    let fresh = |condition: &&Condition| is_fresh(meta, progress, condition);
    if progress.is("Stalled").as_ref().is_some_and(fresh) {
        return Outcome::Failed;
    }
    match progress.condition("Ready") {
        Some(ready) if ready.status == "False" && fresh(&ready) => Outcome::Failed,
        Some(ready)
            if ready.status == "True"
                && progress.observed_generation >= meta.generation
                && progress.is("Reconciling").is_none() =>
        {
            Outcome::Ready
        }
        _ => Outcome::Running,
    }
}

/// What a failed object says of why.
pub fn why(progress: &Progress) -> String {
    let ready = progress.condition("Ready").filter(|ready| ready.status == "False");
    ready.or_else(|| progress.is("Stalled")).map_or_else(|| "it does not say why".to_owned(), said)
}

fn said(condition: &Condition) -> String {
    match (condition.reason.as_str(), condition.message.as_str()) {
        (reason, "") => clean(reason),
        ("", message) => clean(message),
        (reason, message) => format!("{}: {}", clean(reason), clean(message)),
    }
}

/// The phase of an object and the message that goes with it, without its sources.
pub fn phase<O: Declared>(object: &O) -> (Phase, String) {
    let (meta, progress) = (object.meta(), object.progress());
    if object.is_suspended() {
        return (Phase::Paused, suspended(object));
    }
    if !is_taken_up(progress) {
        return (Phase::Unknown, "no controller has taken it up: nothing that is asked of it happens".to_owned());
    }
    let (phase, said) = object.own_phase().unwrap_or_else(|| of_conditions(meta, progress));
    let sides = object.sides();
    // A look at its interval is no release: what is there was found good, and is what is declared.
    let settled = !sides.stable_hash.is_empty()
        && sides.stable_hash == sides.canary_hash
        && progress.observed_generation >= meta.generation
        && progress.condition("Ready").is_some_and(|ready| ready.status != "False");
    if settled && phase == Phase::Progressing { (Phase::Healthy, said) } else { (phase, said) }
}

fn suspended<O: Declared>(object: &O) -> String {
    let progress = object.progress();
    let by = held_by(object);
    let before = match progress.condition("Ready") {
        Some(ready) if ready.status == "True" => String::new(),
        Some(ready) => format!("; before that: {}", said(ready)),
        None => "; it was never ready".to_owned(),
    };
    format!("suspended{by}{before}")
}

/// Has any controller ever looked at it?
pub fn is_taken_up(progress: &Progress) -> bool {
    progress.observed_generation > 0 || !progress.conditions.is_empty()
}

/// Does nothing that is said concern the spec as it is now?
pub fn is_behind(meta: &Meta, progress: &Progress) -> bool {
    progress.observed_generation < meta.generation
        && !progress.conditions.iter().any(|condition| condition.observed_generation == Some(meta.generation))
}

/// The phase by conditions alone.
pub fn of_conditions(meta: &Meta, progress: &Progress) -> (Phase, String) {
    let behind = || (Phase::Progressing, "the controller has not taken up the last change of the spec".to_owned());
    let fresh = |condition: &&Condition| is_fresh(meta, progress, condition);
    if let Some(stalled) = progress.is("Stalled").filter(fresh) {
        return (Phase::Degraded, said(stalled));
    }
    let Some(ready) = progress.condition("Ready") else {
        let working = progress.is("Reconciling");
        return working.map_or_else(
            || (Phase::Unknown, "it does not say whether it is ready".to_owned()),
            |working| (Phase::Progressing, said(working)),
        );
    };
    let working = progress.is("Reconciling").filter(|working| working.reason != "ProgressingWithRetry");
    match ready.status.as_str() {
        "False" if !fresh(&ready) => behind(),
        "False" if WAITS.contains(&ready.reason.as_str()) => (Phase::Progressing, said(ready)),
        "False" if working.is_none() => (Phase::Degraded, said(ready)),
        "True" if progress.observed_generation < meta.generation => behind(),
        "True" | "False" | "Unknown" if working.is_some() => {
            (Phase::Progressing, working.map(said).unwrap_or_default())
        }
        "True" => (Phase::Healthy, clean(&ready.message)),
        "Unknown" => (Phase::Progressing, said(ready)),
        other => {
            (Phase::Unknown, format!("it says Ready {}, which means nothing to us: {}", clean(other), said(ready)))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::provider::flux::api::Kustomization;

    fn of(conditions: &Value, observed: i64) -> (Phase, String) {
        let wire: Kustomization = serde_json::from_value(json!({
            "metadata": {"name": "shop", "generation": 3},
            "status": {"observedGeneration": observed, "conditions": conditions},
        }))
        .unwrap();
        phase(&wire)
    }

    fn ready(status: &str, reason: &str, generation: i64) -> Value {
        json!({"type": "Ready", "status": status, "reason": reason, "message": "m", "observedGeneration": generation})
    }

    fn working(reason: &str) -> Value {
        json!({"type": "Reconciling", "status": "True", "reason": reason, "message": "w", "observedGeneration": 3})
    }

    #[test]
    fn what_is_said_counts_for_the_generation_that_it_is_about() {
        let behind = "the controller has not taken up the last change of the spec";
        let table = [
            (json!([ready("True", "ReconciliationSucceeded", 3)]), 3, Phase::Healthy, "m"),
            (json!([ready("True", "ReconciliationSucceeded", 2)]), 2, Phase::Progressing, behind),
            // A failure does not move the observed generation of the object, only that of the condition.
            (json!([ready("False", "HealthCheckFailed", 3)]), 2, Phase::Degraded, "HealthCheckFailed: m"),
            (json!([ready("False", "HealthCheckFailed", 2)]), 2, Phase::Progressing, behind),
            (json!([ready("False", "DependencyNotReady", 3)]), 2, Phase::Progressing, "DependencyNotReady: m"),
            (
                json!([ready("Unknown", "Progressing", 3), working("Progressing")]),
                2,
                Phase::Progressing,
                "Progressing: w",
            ),
            (
                json!([ready("False", "BuildFailed", 3), working("ProgressingWithRetry")]),
                2,
                Phase::Degraded,
                "BuildFailed: m",
            ),
            (json!([working("Progressing")]), 2, Phase::Progressing, "Progressing: w"),
            (
                json!([ready("False", "x", 3), {"type": "Stalled", "status": "True", "reason": "InvalidPath", "message": "s"}]),
                3,
                Phase::Degraded,
                "InvalidPath: s",
            ),
            (
                json!([ready("Perhaps", "x", 3)]),
                3,
                Phase::Unknown,
                "it says Ready Perhaps, which means nothing to us: x: m",
            ),
            (json!([{"type": "Healthy", "status": "True"}]), 3, Phase::Unknown, "it does not say whether it is ready"),
            (json!([]), -1, Phase::Unknown, "no controller has taken it up: nothing that is asked of it happens"),
        ];
        for (conditions, observed, expected, message) in table {
            assert_eq!(of(&conditions, observed), (expected, message.to_owned()), "{conditions}");
        }
    }
}
