//! What splits the traffic: a route of the Gateway API, as `pkg/router/gateway_api.go` writes it. Of other providers nothing is
//! kept here, and without one nothing is split.

use serde_json::{Value, json};

use super::super::super::fields::{self, Author};
use super::super::super::json;
use super::super::super::kind::Kind;
use super::super::super::store::Key;
use super::super::{Plane, owner_reference};
use super::{Tick, WHOLE};

const AUTHOR: Author<'_> = Author { manager: "flagger", subresource: None };

/// The canary's share, where a route has it.
pub(super) fn weight(plane: &Plane, canary: &Key) -> Option<i64> {
    let canary = plane.store.get(canary)?;
    let route = plane.store.get(&key_of(canary))?;
    json::number(route, "/spec/rules/0/backendRefs/1/weight")
}

fn key_of(canary: &Value) -> Key {
    let named = json::text(canary, "/spec/service/name");
    let apex = if named.is_empty() { json::text(canary, "/spec/targetRef/name") } else { named };
    Key::new(Kind::HttpRoute, json::text(canary, "/metadata/namespace"), apex)
}

impl Tick<'_> {
    fn is_routed(&self) -> bool {
        self.provider().starts_with("gatewayapi")
    }

    /// The canary's share.
    pub(super) fn weight(&self) -> i64 {
        weight(self.plane, &self.key).unwrap_or(0)
    }

    pub(super) fn make_route(&mut self) {
        let key = key_of(&self.canary);
        if !self.is_routed() || self.plane.store.get(&key).is_some() {
            return;
        }
        let port = json::number(&self.canary, "/spec/service/port").unwrap_or(80);
        let backend = |side: &str, weight: i64| {
            let name = format!("{}-{side}", key.name);
            json!({"group": "", "kind": "Service", "name": name, "port": port, "weight": weight})
        };
        let gateways = self.canary.pointer("/spec/service/gatewayRefs").cloned().unwrap_or_else(|| json!([]));
        let mut route = json!({
            "apiVersion": Kind::HttpRoute.api_version(), "kind": Kind::HttpRoute.meta().kind,
            "metadata": {
                "name": key.name, "namespace": key.namespace, "generation": 1, "creationTimestamp": json::stamp(self.now),
                "uid": self.plane.seed.uid(&["httproute", &key.namespace, &key.name]),
                "ownerReferences": owner_reference(&self.canary),
            },
            "spec": {
                "parentRefs": gateways,
                "rules": [{
                    "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                    "backendRefs": [backend("primary", WHOLE), backend("canary", 0)],
                }],
            },
        });
        fields::enter(&json!({}), &mut route, AUTHOR, self.now);
        self.plane.put(self.now, &key, route);
    }

    /// Sends this share to the canary, and the rest to the primary.
    pub(super) fn set_route(&mut self, canary: i64) {
        let key = key_of(&self.canary);
        let Some(before) = self.plane.store.get(&key).cloned() else { return };
        let mut after = (*before).clone();
        for (at, weight) in [(0, WHOLE - canary), (1, canary)] {
            if let Some(slot) = after.pointer_mut(&format!("/spec/rules/0/backendRefs/{at}/weight")) {
                *slot = weight.into();
            }
        }
        json::count_change(&before, &mut after);
        fields::enter(&before, &mut after, AUTHOR, self.now);
        self.plane.put(self.now, &key, after);
    }
}
