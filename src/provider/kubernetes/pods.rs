//! Pods: what is wrong with one, in the words of the kubelet and the scheduler. A ReplicaSet only counts; a pod says why.

use serde::Deserialize;

use super::api::{Condition, Meta, Object, ReplicaSet, lenient, readable};
use crate::domain::{
    rollout::{Arm, Role},
    text::clean,
};

/// A pod.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Pod {
    /// Its metadata.
    pub metadata: Meta,
    /// How it is.
    #[serde(default, deserialize_with = "lenient")]
    pub status: Status,
}

impl Object for Pod {
    fn meta(&self) -> &Meta {
        &self.metadata
    }
}

/// `status`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// `Pending`, `Running`, `Failed`.
    #[serde(default, deserialize_with = "lenient")]
    pub phase: String,
    /// `Evicted`.
    #[serde(default, deserialize_with = "lenient")]
    pub reason: String,
    /// Why.
    #[serde(default, deserialize_with = "lenient")]
    pub message: String,
    /// `PodScheduled`, `Ready`.
    #[serde(default, deserialize_with = "readable")]
    pub conditions: Vec<Condition>,
    /// The containers that prepare.
    #[serde(default, deserialize_with = "readable")]
    pub init_container_statuses: Vec<Container>,
    /// The containers that serve.
    #[serde(default, deserialize_with = "readable")]
    pub container_statuses: Vec<Container>,
}

/// One container of a pod.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// How it is now.
    #[serde(default, deserialize_with = "lenient")]
    pub state: State,
    /// How it ended before.
    #[serde(default, deserialize_with = "lenient")]
    pub last_state: State,
}

/// The state of a container: one of the two, or running.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct State {
    /// It does not run yet, or not again.
    #[serde(default, deserialize_with = "lenient")]
    pub waiting: Option<Reason>,
    /// It has ended.
    #[serde(default, deserialize_with = "lenient")]
    pub terminated: Option<Reason>,
}

/// Why a container is not running.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// `ImagePullBackOff`.
    #[serde(default, deserialize_with = "lenient")]
    pub reason: String,
    /// In words.
    #[serde(default, deserialize_with = "lenient")]
    pub message: String,
    /// With what it ended.
    #[serde(default, deserialize_with = "lenient")]
    pub exit_code: i64,
}

/// What is wrong with one pod: a reason word, and a sentence to it that may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The ReplicaSet that owns it, by UID.
    pub set: String,
    /// The UID of the pod.
    pub uid: String,
    /// The reason word.
    pub reason: String,
    /// The sentence.
    pub message: String,
}

/// What is wrong with a pod, where something is. One that is going away has no trouble any more.
pub fn trouble(pod: &Pod) -> Option<Trouble> {
    let set = pod.metadata.controller()?.to_owned();
    if pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let (reason, message) = failed(&pod.status).or_else(|| unscheduled(&pod.status)).or_else(|| {
        let mut containers = pod.status.init_container_statuses.iter().chain(&pod.status.container_statuses);
        containers.find_map(stuck)
    })?;
    Some(Trouble { set, uid: pod.metadata.uid.clone(), reason: clean(&reason), message: clean(&message) })
}

fn failed(status: &Status) -> Option<(String, String)> {
    let reason = if status.reason.is_empty() { "Failed" } else { &status.reason };
    (status.phase == "Failed").then(|| (reason.to_owned(), status.message.clone()))
}

fn unscheduled(status: &Status) -> Option<(String, String)> {
    let told = status.conditions.iter().find(|told| told.kind == "PodScheduled" && told.status == "False")?;
    let reason = if told.reason.is_empty() { "Unschedulable" } else { &told.reason };
    Some((reason.to_owned(), told.message.clone()))
}

fn stuck(container: &Container) -> Option<(String, String)> {
    if let Some(waiting) = &container.state.waiting {
        // These two are how every pod begins.
        if ["", "ContainerCreating", "PodInitializing"].contains(&waiting.reason.as_str()) {
            return None;
        }
        let before = container.last_state.terminated.as_ref().map(ended);
        return Some((waiting.reason.clone(), before.unwrap_or_else(|| waiting.message.clone())));
    }
    let over = container.state.terminated.as_ref().filter(|over| over.exit_code != 0)?;
    let reason = if over.reason.is_empty() { "Error" } else { &over.reason };
    Some((reason.to_owned(), ended(over)))
}

/// `it ended with OOMKilled (exit code 137)`.
fn ended(over: &Reason) -> String {
    let reason = if over.reason.is_empty() { "Error" } else { &over.reason };
    let message = if over.message.is_empty() { String::new() } else { format!(": {}", over.message) };
    format!("it ended with {reason} (exit code {}){message}", over.exit_code)
}

/// What is wrong with the pods of each version, in sentences: what cannot be made, and then what does not run, the version
/// on its way first.
pub fn sentences(arms: &[Arm], sets: &[&ReplicaSet], troubles: &[Trouble]) -> Vec<String> {
    let order = |arm: &&Arm| match arm.role {
        Role::Canary => 0,
        Role::Stable => 1,
        Role::Old => 2,
    };
    let mut arms: Vec<&Arm> = arms.iter().collect();
    arms.sort_by_key(order);
    let mut all = Vec::new();
    for arm in arms {
        let Some(set) = sets.iter().find(|set| clean(&set.metadata.name) == arm.name) else { continue };
        let refused = set.status.conditions.iter().find(|told| told.kind == "ReplicaFailure" && told.status == "True");
        if let Some(told) = refused {
            let why = said(&clean(&told.reason), &clean(&told.message));
            all.push(format!("pods of {} cannot be made: {why}", arm.called()));
        }
        all.extend(of_set(arm, set, troubles));
    }
    all
}

fn of_set(arm: &Arm, set: &ReplicaSet, troubles: &[Trouble]) -> Vec<String> {
    if set.status.ready_replicas >= set.spec.replicas.unwrap_or(1).max(set.status.replicas) {
        // Whatever was wrong is over.
        return Vec::new();
    }
    let mut reasons: Vec<(&str, &str, usize)> = Vec::new();
    for one in troubles.iter().filter(|one| one.set == set.metadata.uid) {
        match reasons.iter_mut().find(|(reason, ..)| *reason == one.reason) {
            Some((.., count)) => *count += 1,
            None => reasons.push((&one.reason, &one.message, 1)),
        }
    }
    reasons.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
    let all = set.status.replicas;
    let each = |(reason, message, count): (&str, &str, usize)| {
        format!("{count} of {all} pods of {}: {}", arm.called(), said(reason, message))
    };
    reasons.into_iter().map(each).collect()
}

fn said(reason: &str, message: &str) -> String {
    if message.is_empty() { reason.to_owned() } else { format!("{reason}: {message}") }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn told(status: &Value) -> Option<(String, String)> {
        let metadata = json!({"name": "p", "ownerReferences": [{"uid": "s", "controller": true}]});
        let pod: Pod = serde_json::from_value(json!({"metadata": metadata, "status": status})).unwrap();
        trouble(&pod).map(|trouble| (trouble.reason, trouble.message))
    }

    #[test]
    fn a_pod_says_why_it_does_not_run() {
        let container =
            |state: &Value, last: &Value| json!({"containerStatuses": [{"state": state, "lastState": last}]});
        let waiting = |reason: &str, message: &str| json!({"waiting": {"reason": reason, "message": message}});
        let text = |reason: &str, message: &str| Some((reason.to_owned(), message.to_owned()));
        let none = json!({});
        let ended = json!({"terminated": {"reason": "OOMKilled", "exitCode": 137}});
        let unscheduled = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
            "reason": "Unschedulable", "message": "0/3 nodes are available"}]});
        let evicted = json!({"phase": "Failed", "reason": "Evicted", "message": "low on memory"});
        let table = [
            (
                container(&waiting("ImagePullBackOff", "no such image"), &none),
                text("ImagePullBackOff", "no such image"),
            ),
            (
                container(&waiting("CrashLoopBackOff", "back-off 5m0s"), &ended),
                text("CrashLoopBackOff", "it ended with OOMKilled (exit code 137)"),
            ),
            (container(&waiting("ContainerCreating", ""), &none), None),
            (container(&ended, &none), text("OOMKilled", "it ended with OOMKilled (exit code 137)")),
            (container(&json!({"running": {}}), &ended), None),
            (unscheduled, text("Unschedulable", "0/3 nodes are available")),
            (evicted, text("Evicted", "low on memory")),
        ];
        for (status, expected) in table {
            assert_eq!(told(&status), expected, "{status}");
        }
    }
}
