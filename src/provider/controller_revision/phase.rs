//! The phase of a `StatefulSet` or `DaemonSet`, by the checks of `kubectl rollout status` in their order, with what that leaves out:
//! a partition that holds, pods that nobody exchanges, and a workload of which no pod is left.
//!
//! Source: `StatefulSetStatusViewer` and `DaemonSetStatusViewer` of kubectl (`polymorphichelpers/rollout_status.go`).

use super::api::{Counts, Exchange, Workload};
use crate::domain::rollout::Phase;

/// The phase and the message that goes with it; the message may be empty. `moving` says whether a version is on its way.
pub fn phase(object: &impl Workload, moving: bool) -> (Phase, String) {
    if !object.is_taken_up() {
        return (Phase::Unknown, "no controller has taken it up: nothing that is asked of it happens".to_owned());
    }
    if !object.is_observed() {
        return (Phase::Progressing, "waiting for its spec update to be observed".to_owned());
    }
    let Counts { wanted, all, updated, ready, available } = object.counts();
    if wanted > 0 && available == 0 && updated >= wanted {
        return (Phase::Degraded, format!("0 of {wanted} pods are available"));
    }
    if let Some(said) = held(object, moving) {
        return (Phase::Paused, said);
    }
    match object.exchange() {
        Exchange::Unknown => return (Phase::Unknown, "its update strategy is none that is known here".to_owned()),
        Exchange::OnDelete if updated < wanted && ready >= wanted => {
            let said =
                format!("{updated} of {wanted} pods are of it: the others take it on when they are deleted (OnDelete)");
            return (Phase::Paused, said);
        }
        Exchange::Rolling | Exchange::OnDelete => {}
    }
    let goal = goal(object, moving);
    if updated < goal {
        (Phase::Progressing, format!("{updated} of {goal} new pods have been updated"))
    } else if ready < wanted {
        (
            Phase::Progressing,
            match wanted - ready {
                1 => "1 pod is not ready".to_owned(),
                more => format!("{more} pods are not ready"),
            },
        )
    } else if available < wanted {
        (Phase::Progressing, format!("{available} of {wanted} pods are available"))
    } else if all > wanted {
        (
            Phase::Progressing,
            match all - wanted {
                1 => "1 pod too many is still there".to_owned(),
                more => format!("{more} pods too many are still there"),
            },
        )
    } else {
        (Phase::Healthy, String::new())
    }
}

/// How many pods are to be of the version that the spec holds, the partition considered.
pub(super) fn goal(object: &impl Workload, moving: bool) -> u32 {
    let wanted = object.counts().wanted;
    wanted.saturating_sub(if moving { object.partition() } else { 0 })
}

/// That a partition holds it where it is now, in a sentence; nothing while it is still on its way there.
pub(super) fn held(object: &impl Workload, moving: bool) -> Option<String> {
    let Counts { wanted, updated, .. } = object.counts();
    let partition = object.partition();
    if !moving {
        let next = || format!("paused: the next version would stop at 0 of {wanted} pods, by partition {partition}");
        return object.before().map(|_| next());
    }
    let arrived = object.is_observed() && updated >= wanted.saturating_sub(partition);
    let ours = object.before().is_some();
    (partition > 0 && (arrived || ours))
        .then(|| format!("stays at {updated} of {wanted} pods, by partition {partition}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::provider::controller_revision::api::{DaemonSet, StatefulSet};

    fn stateful(spec: &Value, status: &Value, moving: bool) -> (Phase, String) {
        let object = json!({"metadata": {"name": "db", "generation": 2}, "spec": spec, "status": status});
        phase(&serde_json::from_value::<StatefulSet>(object).unwrap(), moving)
    }

    fn counts(updated: u32, all: u32, ready: u32) -> Value {
        json!({"observedGeneration": 2, "updatedReplicas": updated, "replicas": all, "readyReplicas": ready,
            "availableReplicas": ready})
    }

    fn told(phase: Phase, message: &str) -> (Phase, String) {
        (phase, message.to_owned())
    }

    #[test]
    fn each_check_of_kubectl_comes_in_its_order() {
        let five = json!({"replicas": 5});
        let mut unseen = counts(5, 5, 5);
        unseen["observedGeneration"] = 1.into();
        let table = [
            (unseen, Phase::Progressing, "waiting for its spec update to be observed"),
            (counts(2, 5, 4), Phase::Progressing, "2 of 5 new pods have been updated"),
            (counts(5, 5, 4), Phase::Progressing, "1 pod is not ready"),
            (counts(5, 6, 5), Phase::Progressing, "1 pod too many is still there"),
            (counts(5, 5, 0), Phase::Degraded, "0 of 5 pods are available"),
            (counts(5, 5, 5), Phase::Healthy, ""),
        ];
        for (status, phase, message) in table {
            assert_eq!(stateful(&five, &status, true), told(phase, message), "{status}");
        }
        let nobody = told(Phase::Unknown, "no controller has taken it up: nothing that is asked of it happens");
        assert_eq!(stateful(&five, &json!({}), false), nobody);
    }

    #[test]
    fn where_a_server_does_not_tell_what_is_available_what_is_ready_counts_unless_it_has_to_be_so_for_a_while() {
        // Recorded from kube-controller-manager 1.20.2.
        let old = json!({"collisionCount": 0, "currentReplicas": 3, "currentRevision": "ledger-96899c7db",
            "observedGeneration": 2, "readyReplicas": 3, "replicas": 3, "updateRevision": "ledger-96899c7db", "updatedReplicas": 3});
        assert_eq!(stateful(&json!({"replicas": 3}), &old, false), told(Phase::Healthy, ""));
        let waits = json!({"replicas": 3, "minReadySeconds": 30});
        assert_eq!(stateful(&waits, &old, false), told(Phase::Degraded, "0 of 3 pods are available"));
    }

    #[test]
    fn a_partition_holds_only_once_it_is_reached() {
        let spec =
            json!({"replicas": 5, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 3}}});
        let table = [
            (1, Phase::Progressing, "1 of 2 new pods have been updated"),
            (2, Phase::Paused, "stays at 2 of 5 pods, by partition 3"),
        ];
        for (updated, phase, message) in table {
            assert_eq!(stateful(&spec, &counts(updated, 5, 5), true), told(phase, message));
        }
        assert_eq!(stateful(&spec, &counts(5, 5, 5), false), told(Phase::Healthy, ""));
    }

    #[test]
    fn with_on_delete_nothing_moves_by_itself_and_that_is_said() {
        let spec = json!({"replicas": 3, "updateStrategy": {"type": "OnDelete"}});
        let said = "1 of 3 pods are of it: the others take it on when they are deleted (OnDelete)";
        assert_eq!(stateful(&spec, &counts(1, 3, 3), true), told(Phase::Paused, said));
        let spec = json!({"replicas": 3, "updateStrategy": {"type": "Someday"}});
        let said = "its update strategy is none that is known here";
        assert_eq!(stateful(&spec, &counts(1, 3, 3), true), told(Phase::Unknown, said));
    }

    #[test]
    fn a_daemon_set_asks_for_as_many_pods_as_nodes_fit() {
        let of = |updated: u32, available: u32| {
            let status = json!({"observedGeneration": 2, "desiredNumberScheduled": 4, "currentNumberScheduled": 4,
                "updatedNumberScheduled": updated, "numberReady": available, "numberAvailable": available});
            let object = json!({"metadata": {"name": "agent", "generation": 2}, "spec": {}, "status": status});
            phase(&serde_json::from_value::<DaemonSet>(object).unwrap(), true)
        };
        assert_eq!(of(1, 4), told(Phase::Progressing, "1 of 4 new pods have been updated"));
        assert_eq!(of(4, 3), told(Phase::Progressing, "1 pod is not ready"));
        assert_eq!(of(4, 4), told(Phase::Healthy, ""));
    }
}
