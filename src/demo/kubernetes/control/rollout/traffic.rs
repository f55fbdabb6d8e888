//! The weights that a traffic router is given (`rollout/trafficrouting.go`). The router itself always obeys.

use super::Sync;
use super::scale;
use super::state::{Weight, Weights};

impl Sync<'_> {
    /// Sets the weights to what pods and steps allow now; leaves them when the stable version could not take its part.
    pub(super) fn route_traffic(&mut self) {
        if !self.canary.is_routed() {
            self.weights = None;
            return;
        }
        let max = self.canary.max_weight();
        let weight = self.desired_weight();
        let needed = (max - weight) * self.spec.replicas() / max;
        let Some(stable) = self.stable_set.as_ref().filter(|set| set.available >= needed) else { return };
        let canary_hash = self.new_set.as_ref().map(|set| set.hash.clone()).unwrap_or_default();
        let arm = |part, service: &Option<String>, hash: &str| Weight {
            part,
            service_name: service.clone().unwrap_or_default(),
            pod_template_hash: hash.to_owned(),
        };
        let weights = Weights {
            canary: arm(weight, &self.canary.service, &canary_hash),
            stable: arm(max - weight, &self.canary.stable_service, &stable.hash),
        };
        if self.weights.as_ref() != Some(&weights) {
            let before = self.weights.as_ref().map(|weights| weights.canary.part);
            let change = match before {
                None => format!("to {weight}"),
                Some(before) if before != weight => format!("from {before} to {weight}"),
                Some(_) => String::new(),
            };
            self.say(false, "TrafficWeightUpdated", &format!("Traffic weight updated {change}"));
            self.weights = Some(weights);
        }
    }

    fn desired_weight(&self) -> i64 {
        let unavailable = self.new_set.as_ref().is_none_or(|set| set.available == 0);
        if self.old.is_promoted() || self.is_aborted() || unavailable {
            return 0;
        }
        if self.old.promote_full {
            return self.old.canary.weights.as_ref().map_or(0, |weights| weights.canary.part);
        }
        let Some(index) = self.old.current_step_index else { return 0 };
        if !scale::is_reached(&self.spec, &self.canary, &self.old, &self.parts()) {
            return (0..index).rev().find_map(|at| self.canary.step(at)?.set_weight).unwrap_or_default();
        }
        scale::current_weight(&self.canary, &self.old)
    }
}
