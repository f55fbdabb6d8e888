//! Argo Rollouts: its objects to `domain::rollout`, its verbs to guarded patches.
//!
//! Each verb does one thing, unlike the plugin's `promote`, which resumes, continues or skips depending on state. What all
//! engines on Kubernetes share is in `provider::kubernetes`. Sources: argo-rollouts v1.9 (`utils/rollout`,
//! `pkg/kubectl-argo-rollouts`) and a recorded controller.

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
        request::{Query, Resource},
        template::Template,
    },
};

pub mod api;
mod asked;
mod back;
mod draft;
mod facts;
pub mod normalize;
pub mod phase;
mod refusal;
pub mod request;
pub mod run;
pub mod steps;
mod weight;

/// Rollouts.
pub const ROLLOUTS: Resource =
    Resource { group: "argoproj.io", version: "v1alpha1", plural: "rollouts", product: "Argo Rollouts" };
/// What a `workloadRef` may name. Other kinds are said by name and not written to.
pub const WORKLOADS: Resource =
    Resource { group: "apps", version: "v1", plural: "deployments", product: "Kubernetes apps/v1" };
/// AnalysisRuns.
pub const ANALYSIS_RUNS: Resource =
    Resource { group: "argoproj.io", version: "v1alpha1", plural: "analysisruns", product: "Argo Rollouts" };

/// As it is examined: a Rollout is promoted, paused and rolled back by its spec, aborted and retried by its status.
pub const ENGINE: Engine = Engine {
    name: "argo_rollouts",
    resource: ROLLOUTS,
    needs: &[
        Need::to_see(ROLLOUTS, &["get", "list", "watch"]),
        Need::to_explain(ANALYSIS_RUNS, "", &["list"], "what its own analyses came to"),
        Need::to_explain(WORKLOADS, "", &["get"], "version of what a workloadRef names"),
        Need::to_act(ROLLOUTS, "", "pause, resume, roll back, restart"),
        Need::to_act(ROLLOUTS, "status", "promote, skip, abort, retry"),
        Need::to_act(WORKLOADS, "", "roll back of what a workloadRef names"),
    ],
};

/// Argo Rollouts on this cluster; nothing is asked yet.
pub fn facet(cluster: Arc<Cluster>) -> Arc<dyn Inventory> {
    Arc::new(Facade::<Argo>::new(cluster))
}

/// The same, for whoever reads its pods, too.
pub fn engine(cluster: Arc<Cluster>) -> Arc<Facade<Argo>> {
    Arc::new(Facade::new(cluster))
}

/// What Argo Rollouts adds to the shared facade.
#[derive(Clone, Copy, Debug)]
pub struct Argo;

/// The family of its rollouts.
pub const FAMILY: &str = "argo_rollouts";
/// As the field writes it.
pub const WORDS: &str = "Argo Rollouts";

impl Kind for Argo {
    type Object = api::Rollout;
    const FAMILY: &'static str = FAMILY;
    const WORDS: &'static str = WORDS;
    const RESOURCE: Resource = ROLLOUTS;
    const HASH_LABEL: &'static str = api::HASH_LABEL;
    const SUBRESOURCES: &'static [&'static str] = refusal::SUBRESOURCES;
    const CLAIMS: bool = true;

    fn defined_by(object: &api::Rollout) -> Option<(Resource, (String, String))> {
        let reference = object.spec.workload_ref.as_ref().filter(|reference| reference.kind == "Deployment")?;
        Some((WORKLOADS, (object.metadata.namespace.clone(), reference.name.clone())))
    }

    fn selector(object: &api::Rollout) -> Option<String> {
        // With a workloadRef the selector is the workload's: all sets of the engine come then, and their owner tells them
        // apart.
        kubernetes::selector(&object.spec.selector).or_else(|| Some(api::HASH_LABEL.to_owned()))
    }

    fn template(object: &api::Rollout) -> &Template {
        &object.spec.template
    }

    fn turnover(object: &api::Rollout) -> Turnover {
        match &object.spec.strategy.canary {
            // Where somebody splits the traffic, the stable version is scaled up by itself.
            Some(canary) if canary.traffic_routing.is_none() => Turnover::rolling(
                object.spec.replicas.unwrap_or(1),
                canary.max_surge.as_ref(),
                canary.max_unavailable.as_ref(),
            ),
            _ => Turnover::beside(),
        }
    }

    fn analyses<'a>(cluster: &'a Cluster, object: &'a api::Rollout) -> Answer<'a, Vec<Analysis>> {
        let labels = format!("{}={}", api::HASH_LABEL, object.status.current_pod_hash);
        let query = Query::all(ANALYSIS_RUNS, Some(object.metadata.namespace.clone())).labelled(Some(labels));
        async move { Ok(normalize::analyses(object, cluster.list(&query).await?)) }.boxed()
    }

    fn rollout(view: &View<'_, api::Rollout>) -> Rollout {
        normalize::rollout(view)
    }

    fn facts(view: &View<'_, api::Rollout>) -> Facts {
        facts::facts(view)
    }

    fn shapes(verb: Verb, at: &Places) -> Vec<Shape> {
        request::shapes(verb, at)
    }

    fn draft(rollout: &Rollout, view: &View<'_, api::Rollout>, ask: &Ask, now: Timestamp) -> Result<Draft, Blocked> {
        draft::draft(rollout, view, ask, now)
    }
}
