//! Pods: what is wrong with one, in the words of the kubelet and the scheduler. A ReplicaSet only counts; a pod says why.

use serde::Deserialize;

use chrono::TimeDelta;

use super::api::{Condition, Meta, Object, ReplicaSet, lenient, readable};
use crate::domain::{
    rollout::{Arm, Role},
    text::clean,
    time::Timestamp,
};

/// The label by which pods of a workload without ReplicaSets tell which version they are of.
pub const REVISION_LABEL: &str = "controller-revision-hash";
/// How long a pod may run without being ready before that is trouble: until then it starts.
const STARTING: TimeDelta = TimeDelta::seconds(30);

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

impl Pod {
    /// What it carries to tell its version, where it has no ReplicaSet.
    fn hash(&self) -> String {
        self.metadata.labels.get(REVISION_LABEL).map(|hash| clean(hash)).unwrap_or_default()
    }

    /// Does it take traffic?
    pub fn is_ready(&self) -> bool {
        self.ready().is_some_and(|told| told.status == "True")
    }

    fn ready(&self) -> Option<&Condition> {
        self.status.conditions.iter().find(|told| told.kind == "Ready")
    }
}

/// One container of a pod.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// Its name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: String,
    /// How often it was started again.
    #[serde(default, deserialize_with = "lenient")]
    pub restart_count: u32,
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
    /// What owns it, by UID: its ReplicaSet, or the workload itself.
    pub set: String,
    /// What it carries to tell its version, where it has no ReplicaSet: [`REVISION_LABEL`].
    pub hash: String,
    /// The UID of the pod.
    pub uid: String,
    /// The reason word.
    pub reason: String,
    /// The sentence.
    pub message: String,
}

/// How many pods of one version there are, of a workload whose pods are its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// What they carry to tell their version.
    pub hash: String,
    /// Those that exist and are not on their way out.
    pub current: u32,
    /// Those of them that are ready.
    pub ready: u32,
    /// The names of the others.
    pub unready: Vec<String>,
}

/// Counts the pods that a workload owns, by its UID, without those that go.
pub fn counted(pods: &[Pod], owner: &str) -> Vec<Counted> {
    let mut all: Vec<Counted> = Vec::new();
    let stays = |pod: &&Pod| pod.metadata.controller() == Some(owner) && pod.metadata.deletion_timestamp.is_none();
    for pod in pods.iter().filter(stays) {
        let hash = pod.hash();
        let at = all.iter().position(|one| one.hash == hash).unwrap_or_else(|| {
            all.push(Counted { hash, ..Counted::default() });
            all.len() - 1
        });
        let Some(one) = all.get_mut(at) else { continue };
        one.current += 1;
        if pod.is_ready() {
            one.ready += 1;
        } else {
            one.unready.push(clean(&pod.metadata.name));
        }
    }
    all
}

/// What is wrong with a pod, where something is. One that is going away has no trouble any more, and one that has just been
/// started has none yet.
pub fn trouble(pod: &Pod, now: Timestamp) -> Option<Trouble> {
    let set = pod.metadata.controller()?.to_owned();
    if pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let several = pod.status.container_statuses.len() > 1;
    let (reason, message) = failed(&pod.status)
        .or_else(|| unscheduled(&pod.status))
        .or_else(|| {
            let mut containers = pod.status.init_container_statuses.iter().chain(&pod.status.container_statuses);
            containers.find_map(|one| stuck(one, several))
        })
        .or_else(|| unready(pod, now))?;
    let uid = pod.metadata.uid.clone();
    Some(Trouble { set, hash: pod.hash(), uid, reason: clean(&reason), message: clean(&message) })
}

/// One that runs and takes no traffic: what it is asked whether it is ready does not answer.
fn unready(pod: &Pod, now: Timestamp) -> Option<(String, String)> {
    let told = pod.ready().filter(|told| told.status != "True" && pod.status.phase == "Running")?;
    let since = told.last_transition_time?;
    let why = if told.message.is_empty() { String::new() } else { format!(": {}", told.message) };
    (now - since > STARTING)
        .then(|| ("NotReady".to_owned(), format!("it runs, and its readiness probe does not pass{why}")))
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

/// Why a container does not run, in words; `several` says that the pod has others, so that it must be named.
fn stuck(container: &Container, several: bool) -> Option<(String, String)> {
    let whose = if several { format!("container {}: ", container.name) } else { String::new() };
    if let Some(waiting) = &container.state.waiting {
        // These two are how every pod begins.
        if ["", "ContainerCreating", "PodInitializing"].contains(&waiting.reason.as_str()) {
            return None;
        }
        let before = container.last_state.terminated.as_ref().map(ended);
        let why = before.unwrap_or_else(|| waiting.message.clone());
        let again = match container.restart_count {
            0 => String::new(),
            1 => "; started again once".to_owned(),
            times => format!("; started again {times} times"),
        };
        return Some((waiting.reason.clone(), format!("{whose}{why}{again}")));
    }
    let over = container.state.terminated.as_ref().filter(|over| over.exit_code != 0)?;
    let reason = if over.reason.is_empty() { "Error" } else { &over.reason };
    Some((reason.to_owned(), format!("{whose}{}", ended(over))))
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
    let mut arms: Vec<&Arm> = arms.iter().collect();
    arms.sort_by_key(|arm| order(arm));
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
    let own: Vec<&Trouble> = troubles.iter().filter(|one| one.set == set.metadata.uid).collect();
    said_of(arm, set.status.replicas, &own)
}

/// The same of a workload whose pods are its own: they tell their version themselves.
pub fn of_hashes(arms: &[Arm], troubles: &[Trouble]) -> Vec<String> {
    let of = |arm: &Arm| {
        let own: Vec<&Trouble> = troubles.iter().filter(|one| one.hash == arm.hash).collect();
        let all = arm.pods.map_or(0, |pods| pods.current).max(u32::try_from(own.len()).unwrap_or(u32::MAX));
        said_of(arm, all, &own)
    };
    let mut arms: Vec<&Arm> = arms.iter().collect();
    arms.sort_by_key(|arm| order(arm));
    arms.into_iter().flat_map(of).collect()
}

/// The version on its way first.
fn order(arm: &Arm) -> u8 {
    match arm.role {
        Role::Canary => 0,
        Role::Stable => 1,
        Role::Old => 2,
    }
}

fn said_of(arm: &Arm, all: u32, troubles: &[&Trouble]) -> Vec<String> {
    let mut reasons: Vec<(&str, &str, usize)> = Vec::new();
    for one in troubles {
        match reasons.iter_mut().find(|(reason, ..)| *reason == one.reason) {
            Some((.., count)) => *count += 1,
            None => reasons.push((&one.reason, &one.message, 1)),
        }
    }
    reasons.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
    let each = |(reason, message, count): (&str, &str, usize)| {
        let which = if all == 1 { "the only pod".to_owned() } else { format!("{count} of {all} pods") };
        format!("{which} of {}: {}", arm.called(), said(reason, message))
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
        trouble(&pod, "2026-11-21T06:11:30Z".parse().unwrap()).map(|trouble| (trouble.reason, trouble.message))
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
    #[test]
    fn a_pod_that_runs_and_is_not_ready_is_trouble_once_it_had_time_to_start() {
        let since = |at: &str| {
            told(&json!({"phase": "Running", "containerStatuses": [{"name": "app", "state": {"running": {}}}],
                "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": at,
                    "reason": "ContainersNotReady", "message": "containers with unready status: [app]"}]}))
        };
        let said = "it runs, and its readiness probe does not pass: containers with unready status: [app]";
        assert_eq!(since("2026-11-21T06:10:30Z"), Some(("NotReady".to_owned(), said.to_owned())));
        assert_eq!(since("2026-11-21T06:11:10Z"), None);
    }

    #[test]
    fn of_several_containers_the_one_in_trouble_is_named_with_how_often_it_was_started_again() {
        let ended = json!({"terminated": {"reason": "Error", "exitCode": 2, "message": "no such table: orders"}});
        let status = json!({"containerStatuses": [{"name": "proxy", "state": {"running": {}}},
            {"name": "app", "restartCount": 7, "lastState": ended,
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}}}]});
        let said = "container app: it ended with Error (exit code 2): no such table: orders; started again 7 times";
        assert_eq!(told(&status), Some(("CrashLoopBackOff".to_owned(), said.to_owned())));
    }

    #[test]
    fn pods_without_a_set_are_counted_by_the_version_that_they_tell() {
        let pod = |name: &str, hash: &str, ready: bool, leaving: Option<&str>| {
            let owner = json!([{"uid": "u", "controller": true}]);
            let metadata = json!({"name": name, "ownerReferences": owner, "deletionTimestamp": leaving,
                "labels": {"controller-revision-hash": hash}});
            let ready = if ready { "True" } else { "False" };
            let status = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]});
            serde_json::from_value::<Pod>(json!({"metadata": metadata, "status": status})).unwrap()
        };
        let pods = [
            pod("db-0", "db-1", true, None),
            pod("db-1", "db-1", true, None),
            pod("db-2", "db-2", false, None),
            pod("db-3", "db-2", true, Some("2026-11-21T06:11:00Z")),
        ];
        let one = Counted { hash: "db-1".into(), current: 2, ready: 2, unready: Vec::new() };
        let other = Counted { hash: "db-2".into(), current: 1, ready: 0, unready: vec!["db-2".into()] };
        assert_eq!(counted(&pods, "u"), [one, other]);
        assert_eq!(counted(&pods, "somebody else"), []);
    }
}
