//! What an engine on Kubernetes says of its objects: where they are, what they mean in the domain's words, what its verbs write.

use super::{
    api::{Object, ReplicaSet},
    cluster::Cluster,
    pods::Trouble,
    request::Resource,
    scope::Scope,
    store::Key,
    template::Template,
};
use crate::{
    domain::{
        offer::Offer,
        rollout::{Analysis, Event, Rollout},
        time::Timestamp,
        verb::Verb,
    },
    port::{
        facet::Answer,
        plan::{Ask, Blocked, Draft, Facts},
        shape::Shape,
    },
};

/// What explains an object; asked for only while it is in flight.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extras {
    /// Its events, those of its ReplicaSets and pods among them, newest first.
    pub events: Vec<Event>,
    /// Its engine's own analyses.
    pub analyses: Vec<Analysis>,
    /// What is wrong with its pods.
    pub troubles: Vec<Trouble>,
    /// The template of the object that defines its pods, where that is another one.
    pub workload: Option<Template>,
    /// What of this we may not read, a sentence each: then none is not none.
    pub unread: Vec<String>,
}

/// An object with everything that is known around it.
#[derive(Debug)]
pub struct View<'a, O> {
    /// What is looked at.
    pub scope: &'a Scope,
    /// The object.
    pub object: &'a O,
    /// The ReplicaSets it owns.
    pub sets: Vec<&'a ReplicaSet>,
    /// Why those could not be read, where they could not: then none is not none.
    pub unread: Option<&'a str>,
    /// What explains it.
    pub extras: &'a Extras,
    /// Why a resource may not be patched, one entry for each of [`Kind::SUBRESOURCES`], and one for the object that defines
    /// its pods, where there is one.
    pub denied: Vec<Option<String>>,
    /// Why it is not known whether a resource may be patched, one entry for each of [`Kind::SUBRESOURCES`].
    pub unsure: Vec<Option<String>>,
}

impl<O> View<'_, O> {
    /// Lays what is not known about our rights on the offers; `needs` is what a verb patches, as an index of
    /// [`Kind::SUBRESOURCES`].
    pub fn with_rights(&self, mut offers: Vec<Offer>, needs: impl Fn(Verb) -> Option<usize>) -> Vec<Offer> {
        for offer in offers.iter_mut().filter(|offer| offer.blocked.is_none()) {
            offer.unsure = needs(offer.verb).and_then(|index| self.unsure.get(index).cloned().flatten());
        }
        offers
    }
}

/// Nothing is known around it.
pub(super) static NOTHING: Extras =
    Extras { events: Vec::new(), analyses: Vec::new(), troubles: Vec::new(), workload: None, unread: Vec::new() };

impl<'a, O> View<'a, O> {
    /// An object with nothing around it.
    pub fn of(scope: &'a Scope, object: &'a O) -> Self {
        Self { scope, object, sets: Vec::new(), unread: None, extras: &NOTHING, denied: Vec::new(), unsure: Vec::new() }
    }
}

/// Where an engine's verbs can write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The object itself.
    pub object: (Resource, Key),
    /// The object that defines its pods, where that is another one.
    pub defined_by: Option<(Resource, Key)>,
}

/// What one engine adds.
pub trait Kind: Send + Sync + 'static {
    /// Its object.
    type Object: Object;
    /// The family of its rollouts.
    const FAMILY: &'static str;
    /// As the field writes it.
    const WORDS: &'static str;
    /// Where its objects are.
    const RESOURCE: Resource;
    /// The label that all its ReplicaSets carry.
    const HASH_LABEL: &'static str;
    /// What its verbs patch: `""` for the object itself, `"status"`.
    const SUBRESOURCES: &'static [&'static str];

    /// The label selector of an object's ReplicaSets.
    fn selector(object: &Self::Object) -> Option<String>;

    /// What its pods are to run; empty where another object defines them.
    fn template(object: &Self::Object) -> &Template;

    /// The analyses of the version on its way, where the engine has such things.
    fn analyses<'a>(cluster: &'a Cluster, object: &'a Self::Object) -> Answer<'a, Vec<Analysis>>;

    /// The object that defines its pods, where that is another one. That one is no rollout of its own.
    fn defined_by(object: &Self::Object) -> Option<(Resource, Key)> {
        let _ = object;
        None
    }

    /// Can its objects be defined by others at all?
    const CLAIMS: bool = false;

    /// The object in the domain's words, offers included.
    fn rollout(view: &View<'_, Self::Object>) -> Rollout;

    /// What plans are bound to and expect.
    fn facts(view: &View<'_, Self::Object>) -> Facts;

    /// Everything that a verb can send to these places.
    fn shapes(verb: Verb, at: &Places) -> Vec<Shape>;

    /// What it would do. `rollout` is what was on screen; the view may be newer.
    fn draft(rollout: &Rollout, view: &View<'_, Self::Object>, ask: &Ask, now: Timestamp) -> Result<Draft, Blocked>;
}
