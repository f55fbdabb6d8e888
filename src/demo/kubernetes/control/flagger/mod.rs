//! A small model of Flagger: one look at a Canary each interval, in the order of `pkg/controller/scheduler.go`.
//!
//! Between looks nothing happens, and where nothing is on its way no look is taken either: it would find nothing. Looks stand on a
//! grid that begins when the Canary was made, as its ticker's do.

mod hooks;
mod route;
mod status;
mod workloads;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;

use super::super::json;
use super::super::kind::Kind;
use super::super::store::Key;
use super::event::Note;
use super::{Plane, tag_of};
use crate::domain::time::Timestamp;

/// Everybody.
const WHOLE: i64 = 100;
/// Looks are taken no more often.
const LEAST: Duration = Duration::from_secs(10);

/// Has it looked at when the next interval is over, whatever changed.
pub(super) fn wake(plane: &mut Plane, now: Timestamp, key: &Key) {
    if let Some(canary) = plane.store.get(key) {
        let at = next_look(canary, now);
        plane.wake_at(at, key);
    }
}

/// The canaries that a Deployment belongs to. A Canary of this world is called as its target.
pub(super) fn of_workload(plane: &Plane, workload: &Key) -> Vec<Key> {
    let names = [Some(workload.name.as_str()), workload.name.strip_suffix("-primary")];
    let keys = names.into_iter().flatten().map(|name| Key::new(Kind::Canary, &workload.namespace, name));
    keys.filter(|key| plane.store.get(key).is_some()).collect()
}

/// The Deployment that serves users: it belongs to a Canary.
pub(crate) fn is_primary(workload: &Value) -> bool {
    let owners = workload.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.is_some_and(|owners| owners.iter().any(|owner| json::text(owner, "/kind") == "Canary"))
}

/// The share of the traffic that goes to the canary's pods.
pub(crate) fn routed(plane: &Plane, namespace: &str, target: &str) -> Option<i64> {
    let key = Key::new(Kind::Canary, namespace, target);
    plane.store.get(&key).map(|_| route::weight(plane, &key).unwrap_or(0))
}

fn interval(canary: &Value) -> TimeDelta {
    let text = json::text(canary, "/spec/analysis/interval");
    let told = humantime::parse_duration(text).unwrap_or(Duration::from_mins(1)).max(LEAST);
    TimeDelta::from_std(told).unwrap_or(TimeDelta::minutes(1))
}

fn next_look(canary: &Value, now: Timestamp) -> Timestamp {
    let made = json::moment(json::text(canary, "/metadata/creationTimestamp")).unwrap_or(now);
    let interval = interval(canary);
    let passed = (now - made).num_milliseconds().max(0) / interval.num_milliseconds().max(1);
    made + interval * i32::try_from(passed + 1).unwrap_or(i32::MAX)
}

/// One look at a Canary.
pub(super) fn reconcile(plane: &mut Plane, now: Timestamp, key: &Key) {
    let Some(canary) = plane.store.get(key).map(Arc::clone) else { return };
    let mut tick = Tick { plane, now, key: key.clone(), canary };
    tick.run();
    let moves = matches!(
        tick.phase(),
        "" | "Initializing" | "Waiting" | "Progressing" | "WaitingPromotion" | "Promoting" | "Finalising"
    );
    if moves && !tick.is("/spec/suspend") {
        let next = next_look(&tick.canary, now);
        plane.wake_at(next, key);
    }
}

#[derive(Debug)]
struct Tick<'p> {
    plane: &'p mut Plane,
    now: Timestamp,
    key: Key,
    canary: Arc<Value>,
}

impl Tick<'_> {
    fn phase(&self) -> &str {
        json::text(&self.canary, "/status/phase")
    }

    fn is(&self, pointer: &str) -> bool {
        self.canary.pointer(pointer) == Some(&Value::Bool(true))
    }

    fn number(&self, pointer: &str) -> i64 {
        json::number(&self.canary, pointer).unwrap_or_default()
    }

    fn provider(&self) -> &str {
        json::text(&self.canary, "/spec/provider")
    }

    fn target(&self) -> String {
        json::text(&self.canary, "/spec/targetRef/name").to_owned()
    }

    /// `podinfo.test`, as Flagger's events name things.
    fn dotted(&self, name: &str) -> String {
        format!("{name}.{}", self.key.namespace)
    }

    /// Is a new version promoted unmeasured?
    fn skips(&self) -> bool {
        self.is("/spec/skipAnalysis") || self.canary.pointer("/spec/analysis").is_none()
    }

    fn iterations(&self) -> i64 {
        let told = self.number("/spec/analysis/iterations");
        if told < 1 && self.provider() == "kubernetes" { 10 } else { told }
    }

    fn threshold(&self) -> i64 {
        self.number("/spec/analysis/threshold").max(1)
    }

    fn say(&mut self, warning: bool, message: &str) {
        let about = Arc::clone(&self.canary);
        let note = Note { about: &about, component: "flagger", warning, reason: "Synced", message };
        self.plane.record(self.now, &note);
    }

    fn run(&mut self) {
        if self.is("/spec/suspend") {
            return self.say(false, "skipping canary run as object is suspended");
        }
        let (name, target) = (self.key.name.clone(), self.target());
        if self.workload(&target).is_none() {
            let missing =
                format!("deployment {} get query error: deployments.apps \"{target}\" not found", self.dotted(&target));
            return self.say(true, &missing);
        }
        if !self.initialise() || !self.should_advance() {
            return;
        }
        let primary = format!("{target}-primary");
        if !self.skips()
            && let Err(unready) = self.ready(&primary)
        {
            self.say(true, &format!("{} not ready: {}", self.dotted(&primary), unready.why));
            return match self.phase() {
                _ if unready.retriable => {}
                "Promoting" | "Finalising" => self.fail_promotion(&unready.why),
                _ => self.roll_back(),
            };
        }
        if !matches!(self.phase(), "Progressing" | "WaitingPromotion" | "Promoting" | "Finalising") {
            return self.begin();
        }
        if matches!(self.phase(), "Progressing" | "WaitingPromotion") && self.has_target_changed() {
            self.say(false, &format!("New revision detected! Restarting analysis for {}", self.dotted(&target)));
            self.set_route(0);
            return self.sync_status("Progressing", 0);
        }
        if let Err(unready) = self.ready(&target) {
            self.say(true, &format!("canary deployment {} not ready: {}", self.dotted(&target), unready.why));
            if !unready.retriable {
                self.roll_back();
            }
            return;
        }
        if self.skips() {
            return self.promote_unmeasured();
        }
        if matches!(self.phase(), "Progressing" | "WaitingPromotion") && self.passes_any("rollback") {
            self.say(true, &format!("Rolling back {} manual webhook invoked", self.dotted(&name)));
            return self.roll_back();
        }
        match self.phase() {
            "Promoting" => self.shift_back(),
            "Finalising" => self.finish(),
            _ if self.number("/status/failedChecks") >= self.threshold() => self.roll_back(),
            _ => self.advance(),
        }
    }

    /// Makes what a Canary needs. False while it is not there yet.
    fn initialise(&mut self) -> bool {
        let target = self.target();
        let first = matches!(self.phase(), "" | "Initializing");
        self.make_primary();
        if self.phase().is_empty() {
            self.set_phase("Initializing");
        }
        if first
            && !self.skips()
            && let Err(unready) = self.ready(&format!("{target}-primary"))
        {
            self.say(true, &format!("{} not ready: {}", self.dotted(&format!("{target}-primary")), unready.why));
            return false;
        }
        self.make_route();
        if first {
            self.scale(&target, 0);
            self.sync_status("Initialized", 0);
            self.say(false, &format!("Initialization done! {}", self.dotted(&self.key.name.clone())));
        }
        true
    }

    fn should_advance(&self) -> bool {
        let moves = ["Progressing", "Waiting", "WaitingPromotion", "Promoting", "Finalising"];
        moves.contains(&self.phase()) || self.has_target_changed()
    }

    /// A new version is let in, once its start is confirmed.
    fn begin(&mut self) {
        if let Some(hook) = self.refuses("confirm-rollout") {
            if self.phase() != "Waiting" {
                self.set_phase("Waiting");
                let name = self.dotted(&self.key.name.clone());
                self.say(true, &format!("Halt {name} advancement waiting for approval {hook}"));
            }
            return;
        }
        let target = self.target();
        self.say(false, &format!("New revision detected! Scaling up {}", self.dotted(&target)));
        self.scale_from_zero();
        self.sync_status("Progressing", 0);
    }

    /// Measures, and takes the next step where the measurements are good.
    fn advance(&mut self) {
        let name = self.dotted(&self.key.name.clone());
        let weight = self.weight();
        if weight == 0 && self.number("/status/iterations") == 0 {
            self.say(false, &format!("Starting canary analysis for {}", self.dotted(&self.target())));
        } else if let Some(why) = self.fails(weight) {
            self.say(true, &format!("Halt {name} advancement {why}"));
            let failed = self.number("/status/failedChecks") + 1;
            return self.set_status("failedChecks", failed);
        }
        if self.iterations() > 0 {
            return self.iterate();
        }
        if self.phase() != "WaitingPromotion"
            && let Some(hook) = self.refuses("confirm-traffic-increase")
        {
            let why = format!("Halt {name} advancement waiting for traffic increase approval {hook}");
            return self.say(true, &why);
        }
        let (next, most) = self.next_weight(weight);
        if weight >= most {
            return self.promote_once_confirmed();
        }
        if next > weight {
            self.set_route(next);
            self.set_status("canaryWeight", next);
            self.say(false, &format!("Advance {name} canary weight {next}"));
        }
    }

    /// The next share, and the one after which it is promoted.
    fn next_weight(&self, weight: i64) -> (i64, i64) {
        let step = self.number("/spec/analysis/stepWeight");
        let list = self.canary.pointer("/spec/analysis/stepWeights").and_then(Value::as_array);
        let steps: Vec<i64> = list.into_iter().flatten().filter_map(Value::as_i64).collect();
        let told = self.number("/spec/analysis/maxWeight");
        let most = steps.last().copied().unwrap_or(if told > 0 { told } else { WHOLE }).min(WHOLE);
        let next = if step > 0 { weight + step } else { steps.into_iter().find(|it| *it > weight).unwrap_or(weight) };
        (next.min(WHOLE), most)
    }

    /// A/B and blue-green: so many measurements, and then the promotion.
    fn iterate(&mut self) {
        let (done, all) = (self.number("/status/iterations"), self.iterations());
        let matched = self
            .canary
            .pointer("/spec/analysis/match")
            .is_some_and(|it| it.as_array().is_some_and(|it| !it.is_empty()));
        let routed = self.provider() != "kubernetes";
        let name = self.dotted(&self.key.name.clone());
        if done < all {
            if matched && routed {
                self.set_route(WHOLE);
            }
            self.set_status("iterations", done + 1);
            return self.say(false, &format!("Advance {name} canary iteration {}/{all}", done + 1));
        }
        if !matched && done == all {
            if !self.is_promotion_confirmed() {
                return;
            }
            if routed {
                self.say(false, "Routing all traffic to canary");
                self.set_route(WHOLE);
            }
            return self.set_status("iterations", done + 1);
        }
        self.promote_once_confirmed();
    }

    fn is_promotion_confirmed(&mut self) -> bool {
        let Some(hook) = self.refuses("confirm-promotion") else { return true };
        if self.phase() == "WaitingPromotion" {
            self.set_status("iterations", self.number("/spec/analysis/iterations") - 1);
        } else {
            self.set_phase("WaitingPromotion");
            let name = self.dotted(&self.key.name.clone());
            self.say(true, &format!("Halt {name} advancement waiting for promotion approval {hook}"));
        }
        false
    }

    fn promote_once_confirmed(&mut self) {
        if self.is_promotion_confirmed() {
            self.promote();
            self.set_phase("Promoting");
        }
    }

    /// While the primary runs the new version: the traffic goes back to it.
    fn shift_back(&mut self) {
        let step = self.number("/spec/analysis/stepWeightPromotion");
        if self.provider() == "kubernetes" {
            return self.set_phase("Finalising");
        }
        if step == 0 {
            self.say(false, "Routing all traffic to primary");
            self.set_route(0);
            return self.set_phase("Finalising");
        }
        let left = (self.weight() - step).max(0);
        self.set_route(left);
        let name = self.dotted(&self.key.name.clone());
        self.say(false, &format!("Advance {name} primary weight {}", WHOLE - left));
        if left == 0 {
            self.set_phase("Finalising");
        } else {
            self.set_status("canaryWeight", left);
        }
    }

    fn finish(&mut self) {
        let target = self.target();
        self.scale(&target, 0);
        self.set_phase("Succeeded");
        self.say(false, &format!("Promotion completed! Scaling down {}", self.dotted(&target)));
    }

    fn promote_unmeasured(&mut self) {
        let target = self.target();
        self.set_route(0);
        self.promote();
        self.scale(&target, 0);
        self.set_phase("Succeeded");
        self.say(false, &format!("Promotion completed! Canary analysis was skipped for {}", self.dotted(&target)));
    }

    fn roll_back(&mut self) {
        let (name, target) = (self.dotted(&self.key.name.clone()), self.target());
        let failed = self.number("/status/failedChecks");
        if failed >= self.threshold() {
            self.say(true, &format!("Rolling back {name} failed checks threshold reached {failed}"));
        }
        self.set_route(0);
        self.say(true, &format!("Canary failed! Scaling down {name}"));
        self.scale(&target, 0);
        self.sync_status("Failed", 0);
    }

    /// The primary did not come up: users stay with the canary's pods.
    fn fail_promotion(&mut self, why: &str) {
        let target = self.target();
        self.say(true, &format!("Promotion of {} failed, primary not ready: {why}", self.dotted(&target)));
        self.set_route(WHOLE);
        self.sync_status("Failed", WHOLE);
    }

    /// Why a check fails, where one does: a version of which the scenario says so, from a share on.
    fn fails(&self, weight: i64) -> Option<String> {
        let target = self.workload(&self.target())?;
        let tag = tag_of(target.pointer("/spec/template")?);
        let from = self.plane.failing.get(&(self.key.clone(), tag.to_owned()))?;
        (weight >= *from).then(|| "success rate 96.90% < 99%".to_owned())
    }
}
