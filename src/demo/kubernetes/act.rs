//! What a scenario can make happen in a cluster. Each action is what somebody would do with kubectl or a pipeline, or what fails
//! by itself; the controllers do the rest.

use serde::Deserialize;
use serde_json::{Value, json};

use super::control::{Note, Plane, PodsOf};
use super::fields::{self, Author};
use super::json;
use super::kind::Kind;
use super::setup::flux;
use super::spec::{Commit, Right};
use super::store::Key;
use crate::domain::time::Timestamp;

/// One action. `by` is the field manager that is entered; left out, it is `kubectl-argo-rollouts` (`ci` for images).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// A pipeline sets a new image on a Rollout or Deployment.
    SetImage {
        /// Namespace.
        namespace: String,
        /// Workload.
        name: String,
        /// Image tag.
        tag: String,
        /// Commit it was built from.
        commit: String,
        /// Why nobody can go back from it, where its template declares that.
        #[serde(default)]
        irreversible: Option<String>,
        /// Field manager.
        #[serde(default)]
        by: Option<String>,
    },
    /// Continues past the pause that a Rollout stands at.
    Promote {
        /// Namespace.
        namespace: String,
        /// Rollout.
        name: String,
        /// Field manager.
        #[serde(default)]
        by: Option<String>,
    },
    /// Skips all that is left of a Rollout's steps.
    PromoteFull {
        /// Namespace.
        namespace: String,
        /// Rollout.
        name: String,
        /// Field manager.
        #[serde(default)]
        by: Option<String>,
    },
    /// Aborts a Rollout's update.
    Abort {
        /// Namespace.
        namespace: String,
        /// Rollout.
        name: String,
        /// Field manager.
        #[serde(default)]
        by: Option<String>,
    },
    /// Starts an aborted update again at its first step.
    Retry {
        /// Namespace.
        namespace: String,
        /// Rollout.
        name: String,
        /// Field manager.
        #[serde(default)]
        by: Option<String>,
    },
    /// Sets or takes back `spec.paused` of a Rollout or Deployment.
    SetPaused {
        /// Namespace.
        namespace: String,
        /// Workload.
        name: String,
        /// What it is set to.
        paused: bool,
        /// Field manager.
        #[serde(default)]
        by: Option<String>,
    },
    /// Sets the wanted pods of a Rollout or Deployment.
    Scale {
        /// Namespace.
        namespace: String,
        /// Workload.
        name: String,
        /// Wanted pods.
        replicas: i64,
        /// Field manager.
        #[serde(default)]
        by: Option<String>,
    },
    /// Ready pods of a workload crash, and stay so.
    PodsUnready {
        /// Namespace.
        namespace: String,
        /// Workload.
        name: String,
        /// Only those with this image tag.
        #[serde(default)]
        tag: Option<String>,
        /// At most so many; all if left out.
        #[serde(default)]
        count: Option<usize>,
    },
    /// Crashed pods of a workload are well again.
    PodsReady {
        /// Namespace.
        namespace: String,
        /// Workload.
        name: String,
        /// Only those with this image tag.
        #[serde(default)]
        tag: Option<String>,
        /// At most so many; all if left out.
        #[serde(default)]
        count: Option<usize>,
    },
    /// From now on pods with this image tag crash as soon as they start, or no longer do.
    SetCrashing {
        /// Image tag.
        tag: String,
        /// Crash, or not.
        crashing: bool,
    },
    /// Somebody deletes a pod.
    DeletePod {
        /// Namespace.
        namespace: String,
        /// Pod.
        name: String,
    },
    /// Somebody records an event about a Rollout or Deployment.
    Event {
        /// Namespace.
        namespace: String,
        /// Workload.
        name: String,
        /// A warning, or a normal event.
        #[serde(default)]
        warning: bool,
        /// Reason, in one word.
        reason: String,
        /// Message.
        message: String,
    },
    /// Something is pushed to a repository of git that Flux fetches.
    Push {
        /// Namespace of the `GitRepository`.
        namespace: String,
        /// Its name.
        name: String,
        /// What is pushed.
        commit: Commit,
    },
    /// Sets or takes back `spec.suspend` of a Kustomization, HelmRelease or image automation.
    SetSuspended {
        /// Namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// What it is set to.
        suspended: bool,
        /// Field manager.
        #[serde(default)]
        by: Option<String>,
    },
    /// Declares another version of the chart of a HelmRelease.
    SetChart {
        /// Namespace.
        namespace: String,
        /// HelmRelease.
        name: String,
        /// The chart's version.
        version: String,
    },
    /// Sets or takes back `spec.suspend` of a Canary.
    Suspend {
        /// Namespace.
        namespace: String,
        /// Canary.
        name: String,
        /// What it is set to.
        suspend: bool,
        /// Field manager; `kubectl-edit` if left out.
        #[serde(default)]
        by: Option<String>,
    },
    /// Somebody opens or closes a gate of a load tester, and leaves it so.
    SetGate {
        /// Namespace of the Canary.
        namespace: String,
        /// Canary.
        name: String,
        /// Open, or closed.
        open: bool,
        /// The gate that takes a version back, and not the one that lets it through.
        #[serde(default)]
        rollback: bool,
    },
    /// Replaces what the caller may do.
    SetRights {
        /// The rules from now on.
        rights: Vec<Right>,
    },
}

/// An action that cannot be done. The world goes on without it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// There is no such workload.
    #[error("no {what} \"{name}\" in namespace \"{namespace}\"; name one that the cell declares")]
    NoWorkload {
        /// `rollout` or `rollout or deployment`.
        what: &'static str,
        /// Namespace that was looked in.
        namespace: String,
        /// Name that was looked for.
        name: String,
    },
    /// No pod is in the state that was to be changed.
    #[error("no pod of \"{name}\" in namespace \"{namespace}\" can be changed so")]
    NoPods {
        /// Namespace that was looked in.
        namespace: String,
        /// Workload whose pods were looked for.
        name: String,
    },
}

const PLUGIN: &str = "kubectl-argo-rollouts";

pub(super) fn act(plane: &mut Plane, now: Timestamp, action: &Action) -> Result<(), ActError> {
    match action {
        Action::SetImage { namespace, name, tag, commit, irreversible, by } => {
            let key = workload(plane, namespace, name)?;
            let by = by.as_deref().unwrap_or("ci");
            write(plane, now, &key, Author { manager: by, subresource: None }, |object| {
                set_image(object, tag, commit, irreversible.as_deref());
            });
        }
        Action::Promote { namespace, name, by } => {
            let key = rollout(plane, namespace, name)?;
            status(plane, now, &key, by.as_deref(), |status| {
                status.remove("pauseConditions");
            });
        }
        Action::PromoteFull { namespace, name, by } => {
            set_flag(plane, now, (namespace, name), by.as_deref(), "promoteFull", true)?;
        }
        Action::Abort { namespace, name, by } => {
            set_flag(plane, now, (namespace, name), by.as_deref(), "abort", true)?;
        }
        Action::Retry { namespace, name, by } => {
            set_flag(plane, now, (namespace, name), by.as_deref(), "abort", false)?;
        }
        Action::SetPaused { namespace, name, paused, by } => {
            set_spec(plane, now, (namespace, name), by.as_deref(), "paused", (*paused).into())?;
        }
        Action::Scale { namespace, name, replicas, by } => {
            set_spec(plane, now, (namespace, name), by.as_deref(), "replicas", (*replicas).into())?;
        }
        Action::PodsUnready { namespace, name, tag, count } => {
            set_ready(plane, now, (namespace, name), tag.as_deref(), *count, false)?;
        }
        Action::PodsReady { namespace, name, tag, count } => {
            set_ready(plane, now, (namespace, name), tag.as_deref(), *count, true)?;
        }
        Action::DeletePod { namespace, name } => {
            if !plane.delete_pod(now, namespace, name) {
                return Err(ActError::NoPods { namespace: namespace.clone(), name: name.clone() });
            }
        }
        Action::SetCrashing { tag, crashing } => plane.set_crashing(tag, *crashing),
        Action::Event { namespace, name, warning, reason, message } => {
            let key = workload(plane, namespace, name)?;
            if let Some(about) = plane.store.get(&key).cloned() {
                let component = "kubelet";
                plane.record(now, &Note { about: &about, component, warning: *warning, reason, message });
            }
        }
        Action::Push { namespace, name, commit } => {
            find(plane, &[Kind::GitRepository], "git repository", namespace, name)?;
            flux::push(plane, now, namespace, name, commit.clone());
        }
        Action::SetSuspended { namespace, name, suspended, by } => {
            let kinds = [Kind::Kustomization, Kind::HelmRelease, Kind::ImageUpdateAutomation];
            let key = find(plane, &kinds, "kustomization, helm release or image automation", namespace, name)?;
            flux::suspend(plane, now, &key, by.as_deref().unwrap_or("flux-client-side-apply"), *suspended);
        }
        Action::SetChart { namespace, name, version } => {
            let key = find(plane, &[Kind::HelmRelease], "helm release", namespace, name)?;
            flux::set_chart(plane, now, &key, "kustomize-controller", version);
        }
        Action::Suspend { namespace, name, suspend, by } => {
            let key = find(plane, &[Kind::Canary], "canary", namespace, name)?;
            let author = Author { manager: by.as_deref().unwrap_or("kubectl-edit"), subresource: None };
            write(plane, now, &key, author, |object| {
                json::child(object, "spec").insert("suspend".to_owned(), (*suspend).into());
            });
        }
        Action::SetGate { namespace, name, open, rollback } => {
            let gate = format!("{}{name}.{namespace}", if *rollback { "rollback." } else { "" });
            plane.turn(gate, *open);
        }
        // What the caller may do is the business of the API, not of what is stored.
        Action::SetRights { .. } => {}
    }
    Ok(())
}

fn rollout(plane: &Plane, namespace: &str, name: &str) -> Result<Key, ActError> {
    find(plane, &[Kind::Rollout], "rollout", namespace, name)
}

fn workload(plane: &Plane, namespace: &str, name: &str) -> Result<Key, ActError> {
    let kinds = [Kind::Rollout, Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];
    find(plane, &kinds, "rollout or deployment", namespace, name)
}

fn find(plane: &Plane, kinds: &[Kind], what: &'static str, namespace: &str, name: &str) -> Result<Key, ActError> {
    let keys = kinds.iter().map(|kind| Key::new(*kind, namespace, name));
    let missing = || ActError::NoWorkload { what, namespace: namespace.to_owned(), name: name.to_owned() };
    keys.into_iter().find(|key| plane.store.get(key).is_some()).ok_or_else(missing)
}

/// Changes an object as the API would for `author`.
fn write(plane: &mut Plane, now: Timestamp, key: &Key, author: Author<'_>, with: impl FnOnce(&mut Value)) {
    let Some(before) = plane.store.get(key).cloned() else { return };
    let mut after = (*before).clone();
    with(&mut after);
    json::count_change(&before, &mut after);
    fields::enter(&before, &mut after, author, now);
    plane.put(now, key, after);
}

fn status(
    plane: &mut Plane,
    now: Timestamp,
    key: &Key,
    by: Option<&str>,
    with: impl FnOnce(&mut serde_json::Map<String, Value>),
) {
    let author = Author { manager: by.unwrap_or(PLUGIN), subresource: Some("status") };
    write(plane, now, key, author, |object| with(json::child(object, "status")));
}

fn set_flag(
    plane: &mut Plane,
    now: Timestamp,
    (namespace, name): (&str, &str),
    by: Option<&str>,
    flag: &str,
    value: bool,
) -> Result<(), ActError> {
    let key = rollout(plane, namespace, name)?;
    status(plane, now, &key, by, |status| {
        status.insert(flag.to_owned(), value.into());
    });
    Ok(())
}

fn set_spec(
    plane: &mut Plane,
    now: Timestamp,
    (namespace, name): (&str, &str),
    by: Option<&str>,
    field: &str,
    value: Value,
) -> Result<(), ActError> {
    let key = workload(plane, namespace, name)?;
    let author = Author { manager: by.unwrap_or(PLUGIN), subresource: None };
    write(plane, now, &key, author, |object| {
        json::child(object, "spec").insert(field.to_owned(), value);
    });
    Ok(())
}

fn set_ready(
    plane: &mut Plane,
    now: Timestamp,
    (namespace, name): (&str, &str),
    tag: Option<&str>,
    count: Option<usize>,
    ready: bool,
) -> Result<(), ActError> {
    workload(plane, namespace, name)?;
    let pods = PodsOf { namespace, workload: name, tag, count };
    if plane.set_ready(now, &pods, ready) == 0 {
        return Err(ActError::NoPods { namespace: namespace.to_owned(), name: name.to_owned() });
    }
    Ok(())
}

/// Sets the image tag that git declares, where it is another one. Which commit it was built from, git does not say.
pub(super) fn declare(object: &mut Value, tag: &str) {
    let image = json::text(object, "/spec/template/spec/containers/0/image");
    if image.rsplit_once(':').is_some_and(|(_, known)| known == tag) {
        return;
    }
    set_image(object, tag, "", None);
    if let Some(template) = object.pointer_mut("/spec/template") {
        json::unannotate(template, "holdshort.dev/commit");
        let metadata = json::child(template, "metadata");
        if metadata.get("annotations").and_then(Value::as_object).is_some_and(serde_json::Map::is_empty) {
            metadata.remove("annotations");
        }
    }
}

fn set_image(object: &mut Value, tag: &str, commit: &str, irreversible: Option<&str>) {
    if let Some(Value::String(image)) = object.pointer_mut("/spec/template/spec/containers/0/image") {
        let repository = image.rsplit_once(':').map_or(image.as_str(), |(repository, _)| repository);
        *image = format!("{repository}:{tag}");
    }
    if let Some(template) = object.pointer_mut("/spec/template") {
        json::annotate(template, "holdshort.dev/commit", commit);
        match irreversible {
            Some(why) => json::annotate(template, "holdshort.dev/irreversible", why),
            None => json::unannotate(template, "holdshort.dev/irreversible"),
        }
        let metadata = json::child(template, "metadata");
        let labels = metadata.entry("labels").or_insert_with(|| json!({}));
        json::object(labels).insert("app.kubernetes.io/version".to_owned(), tag.into());
    }
}
