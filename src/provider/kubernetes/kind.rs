//! What an engine on Kubernetes says of its objects: where they are, what they mean in the domain's words, what its verbs write.

use std::{collections::BTreeMap, future::ready};

use futures::{FutureExt, future::BoxFuture};
use serde_json::Value;

use super::{
    api::{Meta, Object, ReplicaSet},
    cluster::Cluster,
    pods::{Counted, Trouble},
    preflight::Turnover,
    request::{Query, Resource},
    scope::Scope,
    settings::Use,
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

/// What was asked about one object beside the objects of the cluster, by name: an answer, or why there is none. What is not among it
/// was not asked.
pub type Told = BTreeMap<String, Result<String, String>>;

/// What explains an object; asked for only while it is in flight.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extras {
    /// Its events, those of its ReplicaSets and pods among them, newest first.
    pub events: Vec<Event>,
    /// Its engine's own analyses.
    pub analyses: Vec<Analysis>,
    /// What is wrong with its pods.
    pub troubles: Vec<Trouble>,
    /// Its pods by version, where no ReplicaSet counts them; empty where they were not looked at.
    pub counted: Vec<Counted>,
    /// The template of the object that defines its pods, where that is another one.
    pub workload: Option<Template>,
    /// What its engine asks beside ([`Kind::ask`]).
    pub told: Told,
    /// What of this we may not read, a sentence each: then none is not none.
    pub unread: Vec<String>,
}

/// An object that is looked at beside those of an engine: what they are made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Beside {
    /// Of which kind.
    pub resource: Resource,
    /// Its metadata.
    pub metadata: Meta,
    /// The rest of it, as it came.
    pub body: Value,
}

/// An object with everything that is known around it.
#[derive(Debug)]
pub struct View<'a, O> {
    /// What is looked at.
    pub scope: &'a Scope,
    /// The object.
    pub object: &'a O,
    /// The ReplicaSets that it, or what is beside it, owns.
    pub sets: Vec<&'a ReplicaSet>,
    /// Why those could not be read, where they could not: then none is not none.
    pub unread: Option<&'a str>,
    /// What it is made of beside ReplicaSets, as [`Kind::is_beside`] says.
    pub beside: Vec<&'a Beside>,
    /// Which of [`Kind::BESIDE`] could not be read, and why: then none is not none.
    pub unread_beside: Vec<(Resource, &'a str)>,
    /// What explains it.
    pub extras: &'a Extras,
    /// Why a resource may not be patched, one entry for each of [`Kind::SUBRESOURCES`], and one for each object that is a part of
    /// it ([`Kind::claims_in`]), the one that defines its pods among them.
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
pub(super) static NOTHING: Extras = Extras {
    events: Vec::new(),
    analyses: Vec::new(),
    troubles: Vec::new(),
    counted: Vec::new(),
    workload: None,
    told: Told::new(),
    unread: Vec::new(),
};

impl<'a, O> View<'a, O> {
    /// An object with nothing around it.
    pub fn of(scope: &'a Scope, object: &'a O) -> Self {
        Self {
            scope,
            object,
            sets: Vec::new(),
            unread: None,
            beside: Vec::new(),
            unread_beside: Vec::new(),
            extras: &NOTHING,
            denied: Vec::new(),
            unsure: Vec::new(),
        }
    }
}

/// Where an engine's verbs can write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The object itself.
    pub object: (Resource, Key),
    /// The object that defines its pods, where that is another one.
    pub defined_by: Option<(Resource, Key)>,
    /// What is seen beside it ([`Kind::is_beside`]).
    pub beside: Vec<(Resource, Key)>,
    /// The objects that are a part of it, as [`Kind::claims_in`] says.
    pub parts: Vec<(Resource, Key)>,
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
    /// The label that all its ReplicaSets carry, and that tells versions of pods apart.
    const HASH_LABEL: &'static str;
    /// Are its versions ReplicaSets? Else none are looked at.
    const SETS: bool = true;
    /// Where its versions are no ReplicaSets: are its pods its own? Then they are looked at while it is in flight, because nothing else
    /// tells how many there are of each version.
    const PODS: bool = false;
    /// What else its objects are made of, listed and watched beside them. Where a cluster does not have such a kind there is
    /// none of it; what may not be read is said ([`View::unread_beside`]).
    const BESIDE: &'static [Resource] = &[];
    /// Is what is beside an object in other namespaces, too?
    const ELSEWHERE: bool = false;
    /// The versions of before, newest first, of those of its kinds that have had several.
    const OLDER: &'static [(Resource, &'static [&'static str])] = &[];
    /// May a cluster have the engine without this kind? Then there is none of it, though the configuration names the engine.
    const OPTIONAL: bool = false;
    /// Is it looked for only where it may be listed, as long as nobody names it? Whoever may see Deployments alone asked for no more.
    const WHERE_ALLOWED: bool = false;
    /// The group of the labels by which what its objects manage names them: `GROUP/name` and `GROUP/namespace`.
    const KEEPS: Option<&'static str> = None;
    /// What an object, read as it is, gives what it installs, beside a template: nothing of most kinds.
    const GIVES: Option<fn(&Value, &Key) -> Vec<Use>> = None;
    /// What its verbs patch: `""` for the object itself, `"status"`.
    const SUBRESOURCES: &'static [&'static str];

    /// The label selector of an object's ReplicaSets.
    fn selector(object: &Self::Object) -> Option<String>;

    /// What its pods are to run; empty where another object defines them.
    fn template(object: &Self::Object) -> &Template;

    /// How its pods are exchanged.
    fn turnover(object: &Self::Object) -> Turnover {
        let _ = object;
        Turnover::beside()
    }

    /// The analyses of the version on its way, where the engine has such things.
    fn analyses<'a>(cluster: &'a Cluster, object: &'a Self::Object) -> Answer<'a, Vec<Analysis>>;

    /// The object that defines its pods, where that is another one. That one is no rollout of its own.
    fn defined_by(object: &Self::Object) -> Option<(Resource, Key)> {
        let _ = object;
        None
    }

    /// Which of what is looked at beside all objects belongs to this one; `scope` is where both are.
    fn is_beside(scope: &Scope, object: &Self::Object, beside: &Beside) -> bool {
        let _ = (scope, object, beside);
        false
    }

    /// What an object does with a change that somebody makes to what it manages, as a sentence.
    fn keeps(scope: &Scope, object: &Self::Object) -> String {
        let _ = (scope, object);
        String::new()
    }

    /// What of one kind is read again beside an object before something is sent and while it is watched: all of its namespace,
    /// where an engine cannot say it more closely.
    fn again(object: &Self::Object, resource: Resource) -> Vec<Query> {
        vec![Query::all(resource, Some(object.meta().namespace.clone()))]
    }

    /// What else is asked about one object that no object of the cluster tells for sure. Asked while it is in flight, and each time
    /// it is read again before something is sent.
    fn ask<'a>(cluster: &'a Cluster, object: &'a Self::Object) -> BoxFuture<'a, Told> {
        let _ = (cluster, object);
        ready(Told::new()).boxed()
    }

    /// Is that asked now and then though nothing is in flight?
    fn asks_at_rest(object: &Self::Object) -> bool {
        let _ = object;
        false
    }

    /// The label selector of all its pods, where what is beside it has to say that.
    fn pods(object: &Self::Object, beside: &[&Beside]) -> Option<String> {
        let _ = beside;
        Self::selector(object)
    }

    /// Does it claim objects of other engines: those that define its pods, or that it is made of?
    const CLAIMS: bool = false;

    /// The objects that are no rollouts of their own, for they are a part of this one.
    fn claims(object: &Self::Object, beside: &[&Beside]) -> Vec<(Resource, Key)> {
        let _ = beside;
        Self::defined_by(object).into_iter().collect()
    }

    /// The same, where what is looked at says which those are.
    fn claims_in(scope: &Scope, object: &Self::Object, beside: &[&Beside]) -> Vec<(Resource, Key)> {
        let _ = scope;
        Self::claims(object, beside)
    }

    /// Is it a rollout at all? Else nothing is told of it.
    fn is_rollout(scope: &Scope, object: &Self::Object, beside: &[&Beside]) -> bool {
        let _ = (scope, object, beside);
        true
    }

    /// The object in the domain's words, offers included.
    fn rollout(view: &View<'_, Self::Object>) -> Rollout;

    /// What plans are bound to and expect.
    fn facts(view: &View<'_, Self::Object>) -> Facts;

    /// Everything that a verb can send to these places.
    fn shapes(verb: Verb, at: &Places) -> Vec<Shape>;

    /// What a verb can send besides, to places that the object itself names.
    fn shapes_elsewhere(verb: Verb, object: &Self::Object) -> Vec<Shape> {
        let _ = (verb, object);
        Vec::new()
    }

    /// What it would do. `rollout` is what was on screen; the view may be newer.
    fn draft(rollout: &Rollout, view: &View<'_, Self::Object>, ask: &Ask, now: Timestamp) -> Result<Draft, Blocked>;
}
