//! Where a rollout is, as upstream's clients work it out (`GetRolloutPhase`, `CalculateRolloutPhase`): the controller's own
//! verdict lags behind a change of the spec, and controllers before 1.0 gave none.

use strum::{Display, EnumString};

use super::api::Rollout;

/// Argo's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString)]
pub enum Word {
    /// One version, all of it running.
    Healthy,
    /// Something is wrong, or it was aborted.
    Degraded,
    /// Moving.
    Progressing,
    /// Held.
    Paused,
    /// Anything else.
    Unknown,
}

/// The phase and the message that goes with it; the message may be empty.
pub fn phase(rollout: &Rollout) -> (Word, String) {
    let waiting = |why: &str| (Word::Progressing, why.to_owned());
    if !is_observed(rollout) {
        waiting("waiting for rollout spec update to be observed")
    } else if rollout.is_unpausing() {
        waiting("waiting for rollout to unpause")
    } else if rollout.spec.template_resolved_from_ref && !is_workload_observed(rollout) {
        waiting("waiting for rollout spec update to be observed for the reference workload")
    } else if rollout.status.phase.is_empty() {
        calculated(rollout)
    } else {
        (rollout.status.phase.parse().unwrap_or(Word::Unknown), rollout.status.message.clone())
    }
}

/// Has the controller taken up the last change of the spec? Before 0.10 it wrote a hash, which can be all digits; a number
/// above the generation is one.
pub fn is_observed(rollout: &Rollout) -> bool {
    let observed = rollout.status.observed_generation.parse::<i64>();
    !observed.is_ok_and(|observed| observed < rollout.metadata.generation)
}

fn is_workload_observed(rollout: &Rollout) -> bool {
    let wanted = rollout.metadata.annotations.get("rollout.argoproj.io/workload-generation");
    let number = |text: &str| text.parse::<i64>().ok();
    match (wanted.and_then(|text| number(text)), number(&rollout.status.workload_observed_generation)) {
        (Some(wanted), Some(observed)) => wanted == observed,
        _ => true,
    }
}

fn calculated(rollout: &Rollout) -> (Word, String) {
    if let Some(message) = failure(rollout) {
        return (Word::Degraded, message);
    }
    if rollout.spec.paused {
        return (Word::Paused, "manually paused".to_owned());
    }
    if let Some(condition) = rollout.status.pause_conditions.first() {
        return (Word::Paused, condition.reason.clone());
    }
    match unfinished(rollout) {
        Some(what) => (Word::Progressing, what.to_owned()),
        None => (Word::Healthy, String::new()),
    }
}

/// That it has made no progress for too long, in the controller's words.
pub(super) fn late(rollout: &Rollout) -> Option<String> {
    let late =
        |condition: &&crate::provider::kubernetes::api::Condition| condition.reason == "ProgressDeadlineExceeded";
    let told = rollout.status.conditions.iter().find(late)?;
    Some(format!("{}: {}", told.reason, told.message))
}

fn failure(rollout: &Rollout) -> Option<String> {
    rollout.status.conditions.iter().find_map(|condition| match condition.reason.as_str() {
        _ if condition.kind == "InvalidSpec" => Some(format!("InvalidSpec: {}", condition.message)),
        reason @ ("RolloutAborted" | "ProgressDeadlineExceeded") => Some(format!("{reason}: {}", condition.message)),
        _ => None,
    })
}

/// What is still to be done, in upstream's words and order.
fn unfinished(rollout: &Rollout) -> Option<&'static str> {
    let (spec, status) = (&rollout.spec, &rollout.status);
    let promoted = !status.stable_rs.is_empty() && !rollout.is_moving();
    if spec.restart_at.is_some() && spec.restart_at != status.restarted_at {
        Some("rollout is restarting")
    } else if status.updated_replicas < spec.replicas.unwrap_or(1) {
        Some("more replicas need to be updated")
    } else if status.available_replicas < status.updated_replicas {
        Some("updated replicas are still becoming available")
    } else if spec.strategy.blue_green.is_some() {
        let active = &status.blue_green.active_selector;
        if active.is_empty() || *active != status.current_pod_hash {
            Some("active service cutover pending")
        } else if promoted {
            None
        } else if is_being_verified(rollout) {
            Some("waiting for analysis to complete")
        } else {
            Some("waiting for post-promotion verification to complete")
        }
    } else if spec.strategy.canary.is_none() {
        None
    } else if rollout.traffic_routing().is_none() && status.replicas > status.updated_replicas {
        Some("old replicas are pending termination")
    } else {
        (!promoted).then_some("waiting for all steps to complete")
    }
}

fn is_being_verified(rollout: &Rollout) -> bool {
    let wanted = rollout.spec.strategy.blue_green.as_ref().is_some_and(|bg| bg.post_promotion_analysis.is_some());
    let run = rollout.status.blue_green.post_promotion_analysis_run_status.as_ref();
    let over = |word: &str| matches!(word, "Successful" | "Failed" | "Error" | "Inconclusive");
    wanted && !run.is_some_and(|run| over(&run.status))
}
