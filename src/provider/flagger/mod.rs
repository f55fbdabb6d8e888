//! Flagger: its Canaries to `domain::rollout`, its verbs to guarded patches and to the gates of its load tester.
//!
//! A Canary moves two Deployments: its target is the canary, which has no pods at rest, and the one that is called after it serves
//! users. Everything waits for the controller's next look, so each verb says within how long it takes effect. Sources:
//! fluxcd/flagger 1.4x (`pkg/apis/flagger/v1beta1`, `pkg/controller`, `pkg/canary`, `pkg/router`, `pkg/loadtester`).

use std::sync::Arc;

use futures::{FutureExt, future::BoxFuture};

use crate::{
    domain::{
        rollout::{Analysis, Rollout},
        time::Timestamp,
        verb::Verb,
    },
    port::{
        facet::Answer,
        inventory::Inventory,
        plan::{Ask, Blocked, Draft, Facts},
        shape::Shape,
    },
    provider::kubernetes::{
        Cluster,
        examine::{Engine, Need},
        facade::{Beside, Facade, Kind, Places, Told, View},
        request::Resource,
        scope::Scope,
        template::Template,
    },
};

pub mod api;
mod ask;
mod back;
mod draft;
mod facts;
mod gate;
pub mod normalize;
mod phase;
mod refusal;
pub mod request;
pub mod router;
mod sides;
mod strategy;
mod weight;

/// Canaries.
pub const CANARIES: Resource =
    Resource { group: "flagger.app", version: "v1beta1", plural: "canaries", product: "Flagger" };
/// What a Canary releases, and what serves. Other kinds are said by name and not written to.
pub const DEPLOYMENTS: Resource =
    Resource { group: "apps", version: "v1", plural: "deployments", product: "Kubernetes apps/v1" };
/// The services through whose proxy load testers are reached.
const SERVICES: Resource = Resource { group: "", version: "v1", plural: "services", product: "Kubernetes v1" };

/// As it is examined: a Canary is suspended and promoted fully by its spec, taken back by its status, rolled back by its target;
/// its gates are reached through the API server.
pub const ENGINE: Engine = Engine {
    name: "flagger",
    resource: CANARIES,
    needs: &[
        Need::to_see(CANARIES, &["get", "list", "watch"]),
        Need::to_see(DEPLOYMENTS, &["get", "list", "watch"]),
        Need::to_explain(router::HTTP_ROUTES, "", &["get"], "share of traffic of what the Gateway API routes"),
        Need::to_explain(router::VIRTUAL_SERVICES, "", &["get"], "share of traffic of what Istio routes"),
        Need::to_explain(router::TRAFFIC_SPLITS, "", &["get"], "share of traffic of what a mesh splits"),
        Need::to_explain(router::INGRESSES, "", &["get"], "share of traffic of what nginx splits"),
        // Whoever may ask a service may turn its gates as well: it is no right to look.
        Need {
            resource: SERVICES,
            subresource: "proxy",
            verbs: &["create"],
            serves: "word of the gates, and no promote of what waits there",
            acts: true,
        },
        Need::to_act(CANARIES, "", "pause, resume, promote full"),
        Need::to_act(CANARIES, "status", "abort"),
        Need::to_act(DEPLOYMENTS, "", "roll back, retry, restart"),
    ],
};

/// Flagger on this cluster; nothing is asked yet.
pub fn facet(cluster: Arc<Cluster>) -> Arc<dyn Inventory> {
    Arc::new(Facade::<Flagger>::new(cluster))
}

/// The same, for whoever reads its pods, too.
pub fn engine(cluster: Arc<Cluster>) -> Arc<Facade<Flagger>> {
    Arc::new(Facade::new(cluster))
}

/// What Flagger adds to the shared facade.
#[derive(Clone, Copy, Debug)]
pub struct Flagger;

/// The family of its rollouts.
pub const FAMILY: &str = "flagger";
/// As the field writes it.
pub const WORDS: &str = "Flagger";

impl Kind for Flagger {
    type Object = api::Canary;
    const FAMILY: &'static str = FAMILY;
    const WORDS: &'static str = WORDS;
    const RESOURCE: Resource = CANARIES;
    const HASH_LABEL: &'static str = api::HASH_LABEL;
    const BESIDE: &'static [Resource] = &[DEPLOYMENTS];
    const SUBRESOURCES: &'static [&'static str] = refusal::SUBRESOURCES;
    const CLAIMS: bool = true;

    fn selector(_: &api::Canary) -> Option<String> {
        // Which label its target's pods are selected by stands in the target; their owner tells the sets apart.
        Some(api::HASH_LABEL.to_owned())
    }

    fn template(object: &api::Canary) -> &Template {
        &object.template
    }

    fn analyses<'a>(_: &'a Cluster, _: &'a api::Canary) -> Answer<'a, Vec<Analysis>> {
        // It keeps a count and no values; the count is in its status.
        async { Ok(Vec::new()) }.boxed()
    }

    fn defined_by(object: &api::Canary) -> Option<(Resource, (String, String))> {
        let target = (object.metadata.namespace.clone(), object.spec.target_ref.name.clone());
        object.has_deployment().then_some((DEPLOYMENTS, target))
    }

    fn is_beside(_: &Scope, object: &api::Canary, beside: &Beside) -> bool {
        let name = &beside.metadata.name;
        let is_one = *name == object.spec.target_ref.name || *name == object.primary();
        object.has_deployment() && is_one && beside.metadata.namespace == object.metadata.namespace
    }

    fn pods(object: &api::Canary, beside: &[&Beside]) -> Option<String> {
        let selected = |name: &str| {
            let one = beside.iter().find(|one| one.metadata.name == name)?;
            one.body.pointer("/spec/selector/matchLabels")?.as_object()
        };
        // The primary's are selected by one label, whose value is the target's and an ending.
        let (label, primary) = selected(&object.primary())?.iter().next()?;
        let target = selected(&object.spec.target_ref.name)?.get(label)?;
        Some(format!("{label} in ({},{})", target.as_str()?, primary.as_str()?))
    }

    fn claims(object: &api::Canary, _: &[&Beside]) -> Vec<(Resource, (String, String))> {
        let both = [object.spec.target_ref.name.clone(), object.primary()];
        let claimed = both.map(|name| (DEPLOYMENTS, (object.metadata.namespace.clone(), name)));
        if object.has_deployment() { claimed.to_vec() } else { Vec::new() }
    }

    fn ask<'a>(cluster: &'a Cluster, object: &'a api::Canary) -> BoxFuture<'a, Told> {
        ask::ask(cluster, object).boxed()
    }

    fn asks_at_rest(object: &api::Canary) -> bool {
        [gate::Gate::Confirm, gate::Gate::Rollback].into_iter().any(|gate| gate::of(object, gate).is_some())
    }

    fn rollout(view: &View<'_, api::Canary>) -> Rollout {
        normalize::rollout(view)
    }

    fn facts(view: &View<'_, api::Canary>) -> Facts {
        facts::facts(view)
    }

    fn shapes(verb: Verb, at: &Places) -> Vec<Shape> {
        request::shapes(verb, at)
    }

    fn shapes_elsewhere(verb: Verb, object: &api::Canary) -> Vec<Shape> {
        request::shapes_elsewhere(verb, object)
    }

    fn draft(rollout: &Rollout, view: &View<'_, api::Canary>, ask: &Ask, now: Timestamp) -> Result<Draft, Blocked> {
        draft::draft(rollout, view, ask, now)
    }
}
