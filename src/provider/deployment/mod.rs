//! Plain Kubernetes Deployments: their objects to `domain::rollout`, their verbs to guarded patches.
//!
//! A Deployment has no steps and no canary; what it has of both is read from its ReplicaSets: the version on its way is the
//! set of the template that the spec holds, the stable one is the set that served before and still has pods. Sources:
//! kubectl (`polymorphichelpers`), `pkg/controller/deployment` of Kubernetes, and a recorded controller.

use std::sync::Arc;

use futures::FutureExt;

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
        Cluster, api as kubernetes,
        examine::{Engine, Need},
        facade::{Facade, Kind, Places, View},
        preflight::Turnover,
        request::Resource,
        template::Template,
    },
};

pub mod api;
mod draft;
mod facts;
pub mod normalize;
pub mod phase;
mod refusal;
pub mod request;
mod sides;

/// Deployments.
pub const DEPLOYMENTS: Resource =
    Resource { group: "apps", version: "v1", plural: "deployments", product: "Kubernetes apps/v1" };

/// As it is examined.
pub const ENGINE: Engine = Engine {
    name: "deployment",
    resource: DEPLOYMENTS,
    needs: &[
        Need::to_see(DEPLOYMENTS, &["get", "list", "watch"]),
        Need::to_act(DEPLOYMENTS, "", "pause, resume, roll back, restart"),
    ],
};

/// Plain Deployments on this cluster; nothing is asked yet.
pub fn facet(cluster: Arc<Cluster>) -> Arc<dyn Inventory> {
    Arc::new(Facade::<Plain>::new(cluster))
}

/// The same, for whoever reads their pods, too.
pub fn engine(cluster: Arc<Cluster>) -> Arc<Facade<Plain>> {
    Arc::new(Facade::new(cluster))
}

/// What plain Deployments add to the shared facade.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

/// The family of its rollouts.
pub const FAMILY: &str = "deployment";
/// As the field writes it.
pub const WORDS: &str = "Deployment";

impl Kind for Plain {
    type Object = api::Deployment;
    const FAMILY: &'static str = FAMILY;
    const WORDS: &'static str = WORDS;
    const RESOURCE: Resource = DEPLOYMENTS;
    const HASH_LABEL: &'static str = api::HASH_LABEL;
    const SUBRESOURCES: &'static [&'static str] = refusal::SUBRESOURCES;

    fn selector(object: &api::Deployment) -> Option<String> {
        kubernetes::selector(&object.spec.selector)
    }

    fn template(object: &api::Deployment) -> &Template {
        &object.spec.template
    }

    fn turnover(object: &api::Deployment) -> Turnover {
        let strategy = &object.spec.strategy;
        let update = &strategy.rolling_update;
        let rolling = Turnover::rolling(object.replicas(), update.max_surge.as_ref(), update.max_unavailable.as_ref());
        Turnover { recreates: strategy.kind == "Recreate", ..rolling }
    }

    fn analyses<'a>(_: &'a Cluster, _: &'a api::Deployment) -> Answer<'a, Vec<Analysis>> {
        // A Deployment measures nothing.
        async { Ok(Vec::new()) }.boxed()
    }

    fn rollout(view: &View<'_, api::Deployment>) -> Rollout {
        normalize::rollout(view)
    }

    fn facts(view: &View<'_, api::Deployment>) -> Facts {
        facts::facts(view)
    }

    fn shapes(verb: Verb, at: &Places) -> Vec<Shape> {
        request::shapes(verb, at)
    }

    fn draft(rollout: &Rollout, view: &View<'_, api::Deployment>, ask: &Ask, now: Timestamp) -> Result<Draft, Blocked> {
        draft::draft(rollout, view, ask, now)
    }
}
