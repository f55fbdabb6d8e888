//! The status of a Canary, as `pkg/canary/status.go` writes it: most phases forget the share and the iterations.

use serde_json::{Value, json};

use super::super::super::fields::{self, Author};
use super::super::super::json;
use super::super::template;
use super::Tick;

impl Tick<'_> {
    /// Writes the status by a function.
    fn write(&mut self, with: impl FnOnce(&mut serde_json::Map<String, Value>)) {
        let before = std::sync::Arc::clone(&self.canary);
        let mut after = (*before).clone();
        let status = json::child(&mut after, "status");
        with(status);
        status.insert("lastTransitionTime".to_owned(), json::stamp(self.now).into());
        let author = Author { manager: "flagger", subresource: Some("status") };
        fields::enter(&before, &mut after, author, self.now);
        let key = self.key.clone();
        self.plane.put(self.now, &key, after);
        if let Some(canary) = self.plane.store.get(&key) {
            self.canary = std::sync::Arc::clone(canary);
        }
    }

    /// Writes one number.
    pub(super) fn set_status(&mut self, name: &str, number: i64) {
        self.write(|status| {
            status.insert(name.to_owned(), number.into());
        });
    }

    /// The hash of what the target holds.
    pub(super) fn target_hash(&self) -> String {
        let target = self.workload(&self.target());
        let template = target.and_then(|target| target.pointer("/spec/template").cloned()).unwrap_or_default();
        template::hash(&template, template::DEPLOYMENT_HASH)
    }

    /// Is what the target holds another version than was taken up last? What was promoted last is none: somebody put it back.
    pub(super) fn has_target_changed(&self) -> bool {
        let hash = self.target_hash();
        let told = |pointer: &str| json::text(&self.canary, pointer).to_owned();
        let (applied, promoted) = (told("/status/lastAppliedSpec"), told("/status/lastPromotedSpec"));
        applied.is_empty() || (promoted != hash && applied != hash)
    }

    /// Begins anew in this phase with what the target holds.
    pub(super) fn sync_status(&mut self, phase: &str, weight: i64) {
        let (hash, condition) = (self.target_hash(), self.condition(phase));
        self.write(|status| {
            for (name, number) in [("canaryWeight", weight), ("failedChecks", 0), ("iterations", 0)] {
                status.insert(name.to_owned(), number.into());
            }
            status.insert("phase".to_owned(), phase.into());
            status.insert("lastAppliedSpec".to_owned(), hash.clone().into());
            if phase == "Initialized" {
                status.insert("lastPromotedSpec".to_owned(), hash.into());
            }
            status.extend(condition.map(|condition| ("conditions".to_owned(), json!([condition]))));
        });
    }

    /// Goes into a phase. In all but three the share and the iterations are forgotten, whatever the router does.
    pub(super) fn set_phase(&mut self, phase: &str) {
        let condition = self.condition(phase);
        let iterations = self.number("/spec/analysis/iterations");
        self.write(|status| {
            status.insert("phase".to_owned(), phase.into());
            if !matches!(phase, "Progressing" | "Waiting" | "Promoting") {
                let left = if phase == "WaitingPromotion" { iterations - 1 } else { 0 };
                status.insert("canaryWeight".to_owned(), 0.into());
                status.insert("iterations".to_owned(), left.into());
            }
            status.entry("failedChecks").or_insert_with(|| 0.into());
            if phase == "Succeeded" {
                let applied = status.get("lastAppliedSpec").cloned().unwrap_or_default();
                status.insert("lastPromotedSpec".to_owned(), applied);
            }
            status.extend(condition.map(|condition| ("conditions".to_owned(), json!([condition]))));
        });
    }

    /// The one condition, where it is another than before.
    fn condition(&self, phase: &str) -> Option<Value> {
        let (status, message) = match phase {
            "Initializing" => ("Unknown", "New Deployment detected, starting initialization."),
            "Initialized" => ("True", "Deployment initialization completed."),
            "Waiting" | "WaitingPromotion" => ("Unknown", "Waiting for approval."),
            "Progressing" => ("Unknown", "New revision detected, progressing canary analysis."),
            "Promoting" => ("Unknown", "Canary analysis completed, starting primary rolling update."),
            "Finalising" => ("Unknown", "Canary analysis completed, routing all traffic to primary."),
            "Succeeded" => ("True", "Canary analysis completed successfully, promotion finished."),
            _ => ("False", "Canary analysis failed, Deployment scaled to zero."),
        };
        let known = |field: &str| json::text(&self.canary, &format!("/status/conditions/0/{field}")).to_owned();
        if (known("status").as_str(), known("reason").as_str()) == (status, phase) {
            return None;
        }
        let at = json::stamp(self.now);
        let since = if known("status") == status { known("lastTransitionTime") } else { at.clone() };
        Some(json!({
            "type": "Promoted", "status": status, "reason": phase, "message": message,
            "lastUpdateTime": at, "lastTransitionTime": since,
        }))
    }
}
