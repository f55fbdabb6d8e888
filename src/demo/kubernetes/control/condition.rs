//! Status conditions, as both workload controllers keep them.

use serde::{Deserialize, Serialize};

use super::super::json;
use crate::domain::time::Timestamp;

/// One condition. Field names and order of meaning are Kubernetes'.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Condition {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) status: String,
    pub(crate) last_update_time: String,
    pub(crate) last_transition_time: String,
    pub(crate) reason: String,
    pub(crate) message: String,
}

impl Condition {
    pub(crate) fn new(now: Timestamp, kind: &str, status: &str, reason: &str, message: &str) -> Self {
        let at = json::stamp(now);
        Self {
            kind: kind.to_owned(),
            status: status.to_owned(),
            last_update_time: at.clone(),
            last_transition_time: at,
            reason: reason.to_owned(),
            message: message.to_owned(),
        }
    }
}

pub(super) fn find<'c>(conditions: &'c [Condition], kind: &str) -> Option<&'c Condition> {
    conditions.iter().find(|condition| condition.kind == kind)
}

/// Sets a condition. One with the same status and reason stays as it is, even with another message: that is how the real ones
/// keep their times. A set condition moves to the end. Whether anything was set.
pub(super) fn set(conditions: &mut Vec<Condition>, mut condition: Condition) -> bool {
    if let Some(known) = find(conditions, &condition.kind) {
        if known.status == condition.status && known.reason == condition.reason {
            return false;
        }
        if known.status == condition.status {
            condition.last_transition_time.clone_from(&known.last_transition_time);
        }
    }
    remove(conditions, &condition.kind);
    conditions.push(condition);
    true
}

/// Sets a condition even if only its time of update differs: progress was seen.
pub(super) fn renew(conditions: &mut Vec<Condition>, mut condition: Condition) {
    if let Some(known) = find(conditions, &condition.kind)
        && known.status == condition.status
    {
        condition.last_transition_time.clone_from(&known.last_transition_time);
    }
    remove(conditions, &condition.kind);
    conditions.push(condition);
}

pub(super) fn remove(conditions: &mut Vec<Condition>, kind: &str) {
    conditions.retain(|condition| condition.kind != kind);
}
