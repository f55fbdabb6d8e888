//! Flux: what git, a bucket or a repository of charts declares is applied by its controllers. Kustomizations, HelmReleases and image
//! automations to `domain::rollout`, suspending, resuming and reconciling to the patches that the `flux` command sends.
//!
//! There is no server of Flux: everything is in its objects. What all engines on Kubernetes share is in `provider::kubernetes`.
//! Sources: kustomize-controller 1.9, helm-controller 1.6, source-controller, image-automation-controller 1.2 (`api/`,
//! `internal/controller`, `docs/spec`), and `cmd/flux` of flux2 2.9.

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
        Cluster,
        examine::{Engine, Need},
        facade::{Beside, Facade, Kind, Places, View},
        request::{Query, Resource},
        scope::Scope,
        settings::Configured,
        template::Template,
    },
};

pub mod api;
pub mod declared;
mod draft;
mod facts;
pub mod helm_release;
pub mod image_automation;
pub mod kustomization;
pub mod normalize;
pub mod phase;
mod refusal;
mod request;
pub mod source;
mod values;

use self::{
    api::{HelmRelease, ImageUpdateAutomation, Kustomization},
    declared::Declared,
};

/// Kustomizations.
pub const KUSTOMIZATIONS: Resource =
    Resource { group: "kustomize.toolkit.fluxcd.io", version: "v1", plural: "kustomizations", product: "Flux" };
/// HelmReleases.
pub const HELM_RELEASES: Resource =
    Resource { group: "helm.toolkit.fluxcd.io", version: "v2", plural: "helmreleases", product: "Flux" };
/// Image automations.
pub const AUTOMATIONS: Resource =
    Resource { group: "image.toolkit.fluxcd.io", version: "v1", plural: "imageupdateautomations", product: "Flux" };

/// The versions that each has had before, newest first.
const VERSIONS: &[(Resource, &[&str])] = &[
    (KUSTOMIZATIONS, <Kustomization as Declared>::OLDER),
    (HELM_RELEASES, <HelmRelease as Declared>::OLDER),
    (AUTOMATIONS, <ImageUpdateAutomation as Declared>::OLDER),
    (source::GIT, source::OLDER),
    (source::OCI, source::OLDER),
    (source::HELM, source::OLDER),
    (source::CHARTS, source::OLDER),
    (source::BUCKETS, source::OLDER),
];

/// As the field writes it.
pub const WORDS: &str = "Flux";

/// What is looked at, and followed.
const FOLLOWED: &[&str] = &["get", "list", "watch"];
/// What a source is for.
const FETCH: &str = "reconcile with its source first";
/// What is done to an object itself.
const ACTS: &str = "pause, resume, reconcile";

/// As it is examined.
pub const ENGINE: Engine = Engine {
    name: "flux",
    resource: KUSTOMIZATIONS,
    needs: &[
        Need::to_see(KUSTOMIZATIONS, FOLLOWED),
        Need::to_see(HELM_RELEASES, FOLLOWED),
        Need::to_see(AUTOMATIONS, FOLLOWED),
        Need::to_explain(source::GIT, "", FOLLOWED, "what a source holds"),
        Need::to_explain(source::OCI, "", FOLLOWED, "what a source holds"),
        Need::to_explain(source::BUCKETS, "", FOLLOWED, "what a source holds"),
        Need::to_explain(source::HELM, "", FOLLOWED, "what a source holds"),
        Need::to_explain(source::CHARTS, "", FOLLOWED, "what a source holds"),
        Need::to_act(KUSTOMIZATIONS, "", ACTS),
        Need::to_act(HELM_RELEASES, "", ACTS),
        Need::to_act(AUTOMATIONS, "", ACTS),
        Need::to_act(source::GIT, "", FETCH),
        Need::to_act(source::OCI, "", FETCH),
        Need::to_act(source::BUCKETS, "", FETCH),
        Need::to_act(source::HELM, "", FETCH),
        Need::to_act(source::CHARTS, "", FETCH),
    ],
};

/// Everything of Flux on this cluster, a facet for each kind, and what of it gives something what it installs; nothing is asked yet.
pub fn facets(cluster: &Arc<Cluster>) -> (Vec<Arc<dyn Inventory>>, Arc<dyn Configured>) {
    let releases = Arc::new(Facade::<Of<HelmRelease>>::new(Arc::clone(cluster)));
    let all: Vec<Arc<dyn Inventory>> =
        vec![kustomizations(Arc::clone(cluster)), releases.clone(), automations(Arc::clone(cluster))];
    (all, releases)
}

/// Kustomizations on this cluster.
pub fn kustomizations(cluster: Arc<Cluster>) -> Arc<dyn Inventory> {
    Arc::new(Facade::<Of<Kustomization>>::new(cluster))
}

/// HelmReleases on this cluster.
pub fn helm_releases(cluster: Arc<Cluster>) -> Arc<dyn Inventory> {
    Arc::new(Facade::<Of<HelmRelease>>::new(cluster))
}

/// Image automations on this cluster.
pub fn automations(cluster: Arc<Cluster>) -> Arc<dyn Inventory> {
    Arc::new(Facade::<Of<ImageUpdateAutomation>>::new(cluster))
}

/// What a kind of Flux's objects adds to the shared facade.
#[derive(Debug)]
pub struct Of<O>(PhantomData<O>);

/// The pods of what is declared are those of other objects.
static NO_TEMPLATE: Template = Template(serde_json::Value::Null);

impl<O: Declared> Kind for Of<O> {
    type Object = O;
    const FAMILY: &'static str = O::FAMILY;
    const WORDS: &'static str = O::WORDS;
    const RESOURCE: Resource = O::RESOURCE;
    const OLDER: &'static [(Resource, &'static [&'static str])] = VERSIONS;
    const OPTIONAL: bool = O::OPTIONAL;
    const KEEPS: Option<&'static str> = O::KEEPS;
    const GIVES: Option<declared::Gives> = O::GIVES;
    const ELSEWHERE: bool = true;
    const HASH_LABEL: &'static str = "";
    const SUBRESOURCES: &'static [&'static str] = refusal::SUBRESOURCES;
    const SETS: bool = false;
    const BESIDE: &'static [Resource] = O::BESIDE;

    fn is_beside(_: &Scope, object: &O, beside: &Beside) -> bool {
        object.sources().iter().any(|sought| sought.is(beside) || source::writes_to(beside, sought))
    }

    fn again(object: &O, resource: Resource) -> Vec<Query> {
        let named = object.sources().into_iter().filter(|sought| sought.resource == resource);
        let query = |(namespace, name): (String, String)| {
            Query::all(resource, Some(namespace)).fields(format!("metadata.name={name}"))
        };
        named.map(|sought| query(sought.at)).collect()
    }

    fn keeps(scope: &Scope, object: &O) -> String {
        object.keeps(&declared::id::<O>(&scope.source, object.meta()).to_string())
    }

    fn selector(_: &O) -> Option<String> {
        None
    }

    fn template(_: &O) -> &Template {
        &NO_TEMPLATE
    }

    fn analyses<'a>(_: &'a Cluster, _: &'a O) -> Answer<'a, Vec<Analysis>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn rollout(view: &View<'_, O>) -> Rollout {
        normalize::rollout(view)
    }

    fn facts(view: &View<'_, O>) -> Facts {
        facts::facts(view)
    }

    fn shapes(verb: Verb, at: &Places) -> Vec<Shape> {
        request::shapes(verb, at)
    }

    fn draft(rollout: &Rollout, view: &View<'_, O>, ask: &Ask, now: Timestamp) -> Result<Draft, Blocked> {
        draft::draft(rollout, view, ask, now)
    }
}
