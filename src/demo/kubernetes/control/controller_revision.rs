//! `ControllerRevisions`: what `StatefulSets` and `DaemonSets` keep of each version. Follows `pkg/controller/history` of Kubernetes.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::json;
use super::super::kind::Kind;
use super::super::store::Key;
use super::{Plane, is_owned_by, owner_reference, template};
use crate::domain::time::Timestamp;

/// The label by which their pods tell the version.
pub(super) const POD_LABEL: &str = "controller-revision-hash";

/// A version that is kept.
#[derive(Clone, Debug)]
pub(super) struct Revision {
    pub(super) name: String,
    /// The hash at the end of its name.
    pub(super) hash: String,
    /// Pods of it are made of this.
    pub(super) template: Value,
    number: i64,
}

/// The versions of a workload, the newest number last.
pub(super) fn owned(plane: &Plane, of: &Key, uid: &str, label: &str) -> Vec<Revision> {
    let candidates = plane.store.starting(Kind::ControllerRevision, &of.namespace, &format!("{}-", of.name));
    let read = |(key, object): (Key, Arc<Value>)| {
        let mut template = object.pointer("/data/spec/template").cloned().unwrap_or_default();
        json::object(&mut template).remove("$patch");
        Revision {
            name: key.name,
            hash: json::label(&object, label).unwrap_or_default().to_owned(),
            template,
            number: json::number(&object, "/revision").unwrap_or_default(),
        }
    };
    let mut all: Vec<_> = candidates.into_iter().filter(|(_, object)| is_owned_by(object, uid)).map(read).collect();
    all.sort_by_key(|one| one.number);
    all
}

/// The version of the template that a workload's spec holds: a new one, or one of before, which gets the highest number then.
/// `label` is the one that its controller gives what it keeps.
pub(super) fn current(plane: &mut Plane, now: Timestamp, owner: &Value, of: &Key, label: &str) -> Revision {
    let uid = json::text(owner, "/metadata/uid");
    let all = owned(plane, of, uid, label);
    let wanted = template::complete(&owner.pointer("/spec/template").cloned().unwrap_or_default());
    let newest = all.last().map_or(0, |one| one.number);
    if let Some(mut known) = all.into_iter().find(|one| one.template == wanted) {
        if known.number < newest {
            known.number = newest + 1;
            let key = Key::new(Kind::ControllerRevision, &of.namespace, &known.name);
            if let Some(object) = plane.store.get(&key).cloned() {
                let mut object = (*object).clone();
                json::object(&mut object).insert("revision".to_owned(), known.number.into());
                plane.put(now, &key, object);
            }
        }
        return known;
    }
    let hash = template::hash(&wanted, POD_LABEL);
    let name = format!("{}-{hash}", of.name);
    let revision = Revision { name, hash, template: wanted, number: newest + 1 };
    keep(plane, now, owner, of, label, &revision);
    revision
}

fn keep(plane: &mut Plane, now: Timestamp, owner: &Value, of: &Key, label: &str, revision: &Revision) {
    let Revision { name, hash, template, number } = revision;
    let mut kept = template.clone();
    json::object(&mut kept).insert("$patch".to_owned(), "replace".into());
    let mut labels = template.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({}));
    json::object(&mut labels).insert(label.to_owned(), hash.clone().into());
    let object = json!({
        "apiVersion": "apps/v1", "kind": "ControllerRevision",
        "metadata": {
            "name": name, "namespace": of.namespace, "uid": plane.seed.uid(&["revision", &of.namespace, name]),
            "creationTimestamp": json::stamp(now), "labels": labels, "ownerReferences": owner_reference(owner),
        },
        "data": {"spec": {"template": kept}},
        "revision": number,
    });
    plane.put(now, &Key::new(Kind::ControllerRevision, &of.namespace, name), object);
}

/// Writes a workload's status, as its controller does.
pub(super) fn write_status(plane: &mut Plane, now: Timestamp, key: &Key, status: Value) {
    let Some(before) = plane.store.get(key).cloned() else { return };
    let mut after = (*before).clone();
    json::object(&mut after).insert("status".to_owned(), status);
    let author = super::super::fields::Author { manager: "kube-controller-manager", subresource: Some("status") };
    super::super::fields::enter(&before, &mut after, author, now);
    plane.put(now, key, after);
}
