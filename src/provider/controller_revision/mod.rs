//! `StatefulSets` and `DaemonSets`: the two workloads whose versions are `ControllerRevisions`, and whose pods are their own, without sets
//! between.
//!
//! They are alike but for two things: a `StatefulSet` names the version that served before, and a partition can hold it at a part of its
//! pods. Sources: kubectl (`polymorphichelpers`: history, rollback, status), `pkg/controller/statefulset` and
//! `pkg/controller/daemon` of Kubernetes.

use std::{marker::PhantomData, sync::Arc};

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
        Cluster, Scope, api as kubernetes,
        examine::{Engine, Need},
        facade::{Beside, Facade, Kind, Places, View},
        request::{Query, Resource},
        template::Template,
    },
};

use self::api::{CONTROLLER_REVISIONS, DAEMON_SETS, DaemonSet, HASH_LABEL, STATEFUL_SETS, StatefulSet, Workload};

pub mod api;
mod draft;
mod facts;
pub mod normalize;
pub mod phase;
mod refusal;
mod request;
mod revision;
mod sides;

/// `StatefulSets`, as they are examined.
pub const STATEFUL_SET: Engine = Engine {
    name: "stateful_set",
    resource: STATEFUL_SETS,
    needs: &[
        Need::to_explain(STATEFUL_SETS, "", &["get", "list", "watch"], "StatefulSets"),
        Need::to_explain(
            CONTROLLER_REVISIONS,
            "",
            &["get", "list", "watch"],
            "versions of StatefulSets and DaemonSets",
        ),
        Need::to_act(STATEFUL_SETS, "", "pause, resume, promote, roll back, restart"),
    ],
};
/// `DaemonSets`, as they are examined.
pub const DAEMON_SET: Engine = Engine {
    name: "daemon_set",
    resource: DAEMON_SETS,
    needs: &[
        Need::to_explain(DAEMON_SETS, "", &["get", "list", "watch"], "DaemonSets"),
        Need::to_explain(
            CONTROLLER_REVISIONS,
            "",
            &["get", "list", "watch"],
            "versions of StatefulSets and DaemonSets",
        ),
        Need::to_act(DAEMON_SETS, "", "roll back, restart"),
    ],
};

/// `StatefulSets` on this cluster; nothing is asked yet.
pub fn stateful_sets(cluster: Arc<Cluster>) -> Arc<dyn Inventory> {
    engine::<StatefulSet>(cluster)
}

/// `DaemonSets` on this cluster; nothing is asked yet.
pub fn daemon_sets(cluster: Arc<Cluster>) -> Arc<dyn Inventory> {
    engine::<DaemonSet>(cluster)
}

/// The same, for whoever reads their pods, too.
pub fn engine<W: Workload>(cluster: Arc<Cluster>) -> Arc<Facade<Revisioned<W>>> {
    Arc::new(Facade::new(cluster))
}

/// What such a workload adds to the shared facade.
#[derive(Clone, Copy, Debug)]
pub struct Revisioned<W>(PhantomData<W>);

impl<W: Workload> Kind for Revisioned<W> {
    type Object = W;
    const FAMILY: &'static str = W::FAMILY;
    const WORDS: &'static str = W::WORDS;
    const RESOURCE: Resource = W::RESOURCE;
    const HASH_LABEL: &'static str = HASH_LABEL;
    const WHERE_ALLOWED: bool = true;
    const SETS: bool = false;
    const PODS: bool = true;
    const BESIDE: &'static [Resource] = &[CONTROLLER_REVISIONS];
    const SUBRESOURCES: &'static [&'static str] = refusal::SUBRESOURCES;

    fn selector(object: &W) -> Option<String> {
        kubernetes::selector(object.selector())
    }

    fn template(object: &W) -> &Template {
        object.template()
    }

    fn analyses<'a>(_: &'a Cluster, _: &'a W) -> Answer<'a, Vec<Analysis>> {
        // They measure nothing.
        async { Ok(Vec::new()) }.boxed()
    }

    fn is_beside(_: &Scope, object: &W, beside: &Beside) -> bool {
        beside.metadata.controller() == Some(object.meta().uid.as_str())
    }

    fn again(object: &W, resource: Resource) -> Vec<Query> {
        // The controller labels what it keeps as its pods are.
        vec![Query::all(resource, Some(object.meta().namespace.clone())).labelled(Self::selector(object))]
    }

    fn rollout(view: &View<'_, W>) -> Rollout {
        normalize::rollout(view)
    }

    fn facts(view: &View<'_, W>) -> Facts {
        facts::facts(view)
    }

    fn shapes(verb: Verb, at: &Places) -> Vec<Shape> {
        request::shapes(verb, at)
    }

    fn draft(rollout: &Rollout, view: &View<'_, W>, ask: &Ask, now: Timestamp) -> Result<Draft, Blocked> {
        draft::draft(rollout, view, ask, now)
    }
}
