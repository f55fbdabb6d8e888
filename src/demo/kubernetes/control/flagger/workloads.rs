//! The two Deployments of a Canary: the primary is made of the target, and gets what the target holds when that is promoted.
//! Follows `pkg/canary/deployment_controller.go` and `deployment_ready.go`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::super::fields::{self, Author};
use super::super::super::json;
use super::super::super::kind::Kind;
use super::super::super::store::Key;
use super::super::owner_reference;
use super::Tick;

const AUTHOR: Author<'_> = Author { manager: "flagger", subresource: None };

/// Why a Deployment is not ready.
#[derive(Debug)]
pub(super) struct Unready {
    /// May it still become so?
    pub(super) retriable: bool,
    pub(super) why: String,
}

impl Tick<'_> {
    pub(super) fn workload(&self, name: &str) -> Option<Arc<Value>> {
        self.plane.store.get(&Key::new(Kind::Deployment, &self.key.namespace, name)).cloned()
    }

    fn change(&mut self, name: &str, with: impl FnOnce(&mut Value)) {
        let Some(before) = self.workload(name) else { return };
        let mut after = (*before).clone();
        with(&mut after);
        json::count_change(&before, &mut after);
        fields::enter(&before, &mut after, AUTHOR, self.now);
        self.plane.put(self.now, &Key::new(Kind::Deployment, &self.key.namespace, name), after);
    }

    pub(super) fn scale(&mut self, name: &str, replicas: i64) {
        self.change(name, |object| {
            json::child(object, "spec").insert("replicas".to_owned(), replicas.into());
        });
    }

    /// The target gets as many pods as the primary has, where it has none.
    pub(super) fn scale_from_zero(&mut self) {
        let target = self.target();
        let of =
            |name: &str| self.workload(name).and_then(|it| json::number(&it, "/spec/replicas")).filter(|it| *it > 0);
        let replicas = of(&target).or_else(|| of(&format!("{target}-primary"))).unwrap_or(1);
        self.scale(&target, replicas);
    }

    pub(super) fn make_primary(&mut self) {
        let target = self.target();
        let name = format!("{target}-primary");
        let Some(object) = self.workload(&target).filter(|_| self.workload(&name).is_none()) else { return };
        let replicas = json::number(&object, "/spec/replicas").filter(|replicas| *replicas > 0).unwrap_or(1);
        let mut spec = object.get("spec").cloned().unwrap_or_default();
        let fields = json::object(&mut spec);
        fields.insert("replicas".to_owned(), replicas.into());
        fields.insert("selector".to_owned(), json!({"matchLabels": {"app": name}}));
        fields.insert("template".to_owned(), self.template_of_primary(&object, &name));
        let key = Key::new(Kind::Deployment, &self.key.namespace, &name);
        let mut primary = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "name": name, "namespace": key.namespace, "generation": 1, "creationTimestamp": json::stamp(self.now),
                "uid": self.plane.seed.uid(&["deployments", &key.namespace, &name]), "labels": {"app": name},
                "ownerReferences": owner_reference(&self.canary),
            },
            "spec": spec,
        });
        fields::enter(&json!({}), &mut primary, AUTHOR, self.now);
        self.plane.put(self.now, &key, primary);
    }

    /// The target's template with the label of the primary, and an annotation that is new each time.
    fn template_of_primary(&self, target: &Value, name: &str) -> Value {
        let mut template = target.pointer("/spec/template").cloned().unwrap_or_default();
        let version = self.plane.store.version().to_string();
        let id = self.plane.seed.uid(&["flagger-id", &self.key.namespace, name, &version]);
        json::annotate(&mut template, "flagger-id", &id);
        let metadata = json::child(&mut template, "metadata");
        let labels = metadata.entry("labels").or_insert_with(|| json!({}));
        json::object(labels).insert("app".to_owned(), name.into());
        template
    }

    /// The primary gets what the target holds.
    pub(super) fn promote(&mut self) {
        let target = self.target();
        let name = format!("{target}-primary");
        let Some(object) = self.workload(&target) else { return };
        let (of, to) = (self.dotted(&target), self.dotted(&name));
        self.say(false, &format!("Copying {of} template spec to {to}"));
        let template = self.template_of_primary(&object, &name);
        let replicas = object.pointer("/spec/replicas").cloned();
        self.change(&name, |primary| {
            let spec = json::child(primary, "spec");
            spec.insert("template".to_owned(), template);
            spec.extend(replicas.map(|replicas| ("replicas".to_owned(), replicas)));
        });
    }

    /// Is a Deployment through with what it was asked for?
    pub(super) fn ready(&self, name: &str) -> Result<(), Unready> {
        let waits =
            |why: String| Err(Unready { retriable: true, why: format!("waiting for rollout to finish: {why}") });
        let Some(object) = self.workload(name) else {
            return Err(Unready { retriable: true, why: format!("deployments.apps \"{name}\" not found") });
        };
        let count = |pointer: &str| json::number(&object, pointer).unwrap_or_default();
        if count("/status/observedGeneration") < count("/metadata/generation") {
            return waits("observed deployment generation less than desired generation".to_owned());
        }
        let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
        let late = |condition: &Value| json::text(condition, "/reason") == "ProgressDeadlineExceeded";
        if conditions.is_some_and(|conditions| conditions.iter().any(late)) {
            return Err(Unready {
                retriable: false,
                why: format!("deployment \"{name}\" exceeded its progress deadline"),
            });
        }
        let (wanted, all) = (count("/spec/replicas"), count("/status/replicas"));
        let (updated, available) = (count("/status/updatedReplicas"), count("/status/availableReplicas"));
        if updated < wanted {
            waits(format!("{updated} out of {wanted} new replicas have been updated"))
        } else if all > updated {
            waits(format!("{} old replicas are pending termination", all - updated))
        } else if available < updated {
            waits(format!("{available} of {updated} (readyThreshold 100%) updated replicas are available"))
        } else {
            Ok(())
        }
    }
}
