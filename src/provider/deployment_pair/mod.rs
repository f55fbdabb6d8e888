//! Two Deployments behind one Service: a canary by label, which takes as much of the traffic as it has ready pods, or blue and green,
//! between which the Service's selector is switched.
//!
//! The object is the Service: it is one release, and its Deployments are no rows of their own. Which two they are a configuration
//! declares; of a canary their names and one label tell it, too.

use std::sync::{Arc, LazyLock};

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
    provider::{
        deployment::{DEPLOYMENTS, api::HASH_LABEL},
        kubernetes::{
            Cluster, Scope,
            examine::{Engine, Need},
            facade::{Beside, Facade, Kind, Places, View},
            request::Resource,
            template::Template,
        },
    },
};

pub mod api;
mod draft;
mod facts;
pub mod normalize;
mod pair;
mod refusal;
mod request;

/// Services.
pub const SERVICES: Resource = Resource { group: "", version: "v1", plural: "services", product: "Kubernetes v1" };

/// As it is examined.
pub const ENGINE: Engine = Engine {
    name: "deployment_pair",
    resource: SERVICES,
    needs: &[
        Need::to_see(SERVICES, &["get", "list", "watch"]),
        Need::to_see(DEPLOYMENTS, &["get", "list", "watch"]),
        Need::to_act(SERVICES, "", "promote full and roll back of a switch"),
        Need::to_act(DEPLOYMENTS, "", "promote full, abort, roll back and set of a canary by label"),
    ],
};

/// Pairs on this cluster; nothing is asked yet.
pub fn facet(cluster: Arc<Cluster>) -> Arc<dyn Inventory> {
    engine(cluster)
}

/// The same, for whoever reads their pods, too.
pub fn engine(cluster: Arc<Cluster>) -> Arc<Facade<Pairs>> {
    Arc::new(Facade::new(cluster))
}

/// What pairs add to the shared facade.
#[derive(Clone, Copy, Debug)]
pub struct Pairs;

/// The family of its rollouts.
pub const FAMILY: &str = "deployment_pair";
/// As the field writes it.
pub const WORDS: &str = "pair of Deployments";

/// A Service has no template.
static NO_TEMPLATE: LazyLock<Template> = LazyLock::new(Template::default);

impl Kind for Pairs {
    type Object = api::Service;
    const FAMILY: &'static str = FAMILY;
    const WORDS: &'static str = WORDS;
    const RESOURCE: Resource = SERVICES;
    const HASH_LABEL: &'static str = HASH_LABEL;
    const BESIDE: &'static [Resource] = &[DEPLOYMENTS];
    const SUBRESOURCES: &'static [&'static str] = refusal::SUBRESOURCES;
    const CLAIMS: bool = true;

    fn selector(_: &api::Service) -> Option<String> {
        // Of a switch the Service selects one side, and the sets of both are looked at.
        None
    }

    fn template(_: &api::Service) -> &Template {
        &NO_TEMPLATE
    }

    fn analyses<'a>(_: &'a Cluster, _: &'a api::Service) -> Answer<'a, Vec<Analysis>> {
        // It measures nothing.
        async { Ok(Vec::new()) }.boxed()
    }

    fn is_beside(scope: &Scope, service: &api::Service, beside: &Beside) -> bool {
        pair::candidates(scope, service).contains(&beside.metadata.name)
    }

    fn is_rollout(scope: &Scope, service: &api::Service, beside: &[&Beside]) -> bool {
        pair::names(scope, service, beside).is_some()
    }

    fn claims_in(scope: &Scope, service: &api::Service, beside: &[&Beside]) -> Vec<(Resource, (String, String))> {
        let Some(names) = pair::names(scope, service, beside) else { return Vec::new() };
        let namespace = &service.metadata.namespace;
        [names.first, names.second].into_iter().map(|name| (DEPLOYMENTS, (namespace.clone(), name))).collect()
    }

    fn rollout(view: &View<'_, api::Service>) -> Rollout {
        normalize::rollout(view)
    }

    fn facts(view: &View<'_, api::Service>) -> Facts {
        facts::facts(view)
    }

    fn shapes(verb: Verb, at: &Places) -> Vec<Shape> {
        request::shapes(verb, at)
    }

    fn draft(rollout: &Rollout, view: &View<'_, api::Service>, ask: &Ask, _: Timestamp) -> Result<Draft, Blocked> {
        draft::draft(rollout, view, ask)
    }
}
