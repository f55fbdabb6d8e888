//! The phase of a Deployment, by the checks of `kubectl rollout status` in their order (`DeploymentStatusViewer`), with two
//! that kubectl leaves out: pods that cannot be made, and a pause.

use super::api::Deployment;
use crate::{
    domain::rollout::Phase,
    provider::kubernetes::{facade::View, workload},
};

/// The phase by everything that is seen, and the message that goes with it: what its ReplicaSets count outweighs its status.
pub(super) fn seen(view: &View<'_, Deployment>) -> (Phase, String) {
    let (phase, message) = phase(view.object);
    let (wanted, told) = (view.object.replicas(), view.object.status.available_replicas);
    match workload::contradicted(&view.sets, wanted, told) {
        Some(why) if phase != Phase::Degraded => (Phase::Degraded, why),
        _ => (phase, message),
    }
}

/// The phase by its status and the message that goes with it; the message may be empty.
pub fn phase(deployment: &Deployment) -> (Phase, String) {
    if !deployment.is_observed() {
        return (Phase::Progressing, "waiting for deployment spec update to be observed".to_owned());
    }
    if let Some(why) = failure(deployment).or_else(|| down(deployment)) {
        return (Phase::Degraded, why);
    }
    match unfinished(deployment) {
        _ if deployment.spec.paused => (Phase::Paused, "manually paused".to_owned()),
        Some(what) => (Phase::Progressing, what),
        None => (Phase::Healthy, String::new()),
    }
}

/// What is wrong, where something is. A pause does not make it right: it only keeps it from growing.
fn failure(deployment: &Deployment) -> Option<String> {
    let late = deployment.condition("Progressing").filter(|told| told.reason == "ProgressDeadlineExceeded");
    let refused = || deployment.condition("ReplicaFailure").filter(|told| told.status == "True");
    let told = late.or_else(refused)?;
    Some(format!("{}: {}", told.reason, told.message))
}

/// That it had arrived and has not one pod left. While a first version comes up its deadline says when that is too long.
fn down(deployment: &Deployment) -> Option<String> {
    let (status, wanted) = (&deployment.status, deployment.replicas());
    let coming = deployment.condition("Progressing").is_some_and(|told| {
        ["NewReplicaSetCreated", "FoundNewReplicaSet", "ReplicaSetUpdated", "DeploymentResumed"]
            .contains(&told.reason.as_str())
    });
    let none = wanted > 0 && status.available_replicas == 0 && status.updated_replicas >= wanted;
    let why = deployment.condition("Available").filter(|told| told.status == "False");
    let why = why.map(|told| format!(": {}: {}", told.reason, told.message)).unwrap_or_default();
    (none && !coming).then(|| format!("0 of {wanted} pods are available{why}"))
}

/// What is still to be done.
fn unfinished(deployment: &Deployment) -> Option<String> {
    let (status, wanted) = (&deployment.status, deployment.replicas());
    let updated = status.updated_replicas;
    if updated < wanted {
        Some(format!("{updated} of {wanted} new replicas have been updated"))
    } else if status.replicas > updated {
        Some(format!("{} old replicas are pending termination", status.replicas - updated))
    } else if status.available_replicas < updated {
        Some(format!("{} of {updated} updated replicas are available", status.available_replicas))
    } else {
        None
    }
}

/// Are pods still being exchanged, or is the spec not yet what runs?
pub(super) fn is_unfinished(deployment: &Deployment) -> bool {
    !deployment.is_observed() || unfinished(deployment).is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(spec: &Value, status: &Value) -> (Phase, String) {
        let object = json!({"metadata": {"name": "web", "generation": 2}, "spec": spec, "status": status});
        phase(&serde_json::from_value(object).unwrap())
    }

    fn counts(updated: u32, all: u32, available: u32) -> Value {
        json!({"observedGeneration": 2, "updatedReplicas": updated, "replicas": all, "availableReplicas": available})
    }

    #[test]
    fn each_check_of_kubectl_comes_in_its_order() {
        let told = |phase, message: &str| (phase, message.to_owned());
        let three = json!({"replicas": 3});
        let mut unseen = counts(3, 3, 3);
        unseen["observedGeneration"] = 1.into();
        let waiting = "waiting for deployment spec update to be observed";
        assert_eq!(of(&three, &unseen), told(Phase::Progressing, waiting));
        let table = [
            (counts(1, 4, 3), "1 of 3 new replicas have been updated"),
            (counts(3, 4, 3), "1 old replicas are pending termination"),
            (counts(3, 3, 2), "2 of 3 updated replicas are available"),
        ];
        for (status, message) in table {
            assert_eq!(of(&three, &status), told(Phase::Progressing, message));
        }
        assert_eq!(of(&three, &counts(3, 3, 3)), told(Phase::Healthy, ""));
        assert_eq!(of(&json!({}), &counts(1, 1, 1)), told(Phase::Healthy, ""));
    }

    #[test]
    fn what_is_stuck_is_degraded_even_while_it_is_paused() {
        let mut status = counts(1, 4, 3);
        status["conditions"] = json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
            "message": "it has timed out"}, {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}]);
        let expected = (Phase::Degraded, "ProgressDeadlineExceeded: it has timed out".to_owned());
        assert_eq!(of(&json!({"replicas": 3, "paused": true}), &status), expected);
        status["conditions"] = json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
            "message": "exceeded quota"}]);
        assert_eq!(of(&json!({"replicas": 3}), &status).1, "FailedCreate: exceeded quota");
        let paused = (Phase::Paused, "manually paused".to_owned());
        assert_eq!(of(&json!({"replicas": 3, "paused": true}), &counts(1, 4, 3)), paused);
    }
}
