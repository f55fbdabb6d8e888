//! Which two Deployments one Service has, and which of them is what: declared in the configuration, or recognised by their names and by
//! the one label in which they differ.

use std::collections::BTreeMap;

use super::api::{Service, deployment, selects};
use crate::{
    domain::text::clean,
    provider::{
        deployment::{
            DEPLOYMENTS,
            api::{Deployment, MARKS},
        },
        kubernetes::{
            Scope,
            api::ReplicaSet,
            facade::{Beside, View},
            scope::Pairing,
            template::Template,
        },
    },
};

/// The values of the label by which the two sides of a canary are told where nobody declares them.
const STABLE: &str = "stable";
const CANARY: &str = "canary";

/// How traffic gets from one to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The Service selects both, and each takes as much of it as it has ready pods.
    ByPods,
    /// The Service selects one of them, by this label.
    BySwitch(String),
}

/// One of the two.
#[derive(Debug)]
pub(super) struct Side<'a> {
    pub deployment: Deployment,
    /// Its ReplicaSets.
    pub sets: Vec<&'a ReplicaSet>,
}

/// Two Deployments behind one Service: what serves, and what is on its way in or was left.
#[derive(Debug)]
pub(super) struct Pair<'a> {
    pub way: Way,
    /// The stable one, or the one that the Service selects now.
    pub stable: Side<'a>,
    /// The other one.
    pub other: Side<'a>,
}

/// What is declared or recognised, before it is known whether all of it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    pub first: String,
    pub second: String,
    pub way: Way,
    pub declared: bool,
}

/// Which Deployments a Service may have, by name.
pub(super) fn candidates(scope: &Scope, service: &Service) -> Vec<String> {
    let name = &service.metadata.name;
    match declared(scope, service) {
        Some(pairing) => pairing.deployments.to_vec(),
        None => vec![name.clone(), format!("{name}-{STABLE}"), format!("{name}-{CANARY}")],
    }
}

fn declared<'s>(scope: &'s Scope, service: &Service) -> Option<&'s Pairing> {
    scope.pairs.get(&service.metadata.path())
}

/// The two that a Service has, by name; none where it is no such Service.
pub(super) fn names(scope: &Scope, service: &Service, beside: &[&Beside]) -> Option<Names> {
    if let Some(Pairing { deployments: [first, second], switch }) = declared(scope, service) {
        let way = switch.clone().map_or(Way::ByPods, Way::BySwitch);
        return Some(Names { first: first.clone(), second: second.clone(), way, declared: true });
    }
    let name = &service.metadata.name;
    let find = |name: &str| beside.iter().find(|one| one.resource == DEPLOYMENTS && one.metadata.name == name);
    let canary = find(&format!("{name}-{CANARY}"))?;
    let stable = find(&format!("{name}-{STABLE}")).or_else(|| find(name))?;
    let selector = &service.spec.selector;
    let (one, other) = (selects(&deployment(stable)), selects(&deployment(canary)));
    let selected = |labels: &BTreeMap<String, String>| {
        !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
    };
    let differ: Vec<_> = other.iter().filter(|(key, value)| one.get(*key) != Some(*value)).collect();
    let by_label =
        matches!(differ.as_slice(), [(key, value)] if *value == CANARY && one.get(*key).is_some_and(|it| it == STABLE));
    let (first, second) = (stable.metadata.name.clone(), canary.metadata.name.clone());
    let is_pair = by_label && one.len() == other.len() && selected(&one) && selected(&other);
    is_pair.then_some(Names { first, second, way: Way::ByPods, declared: false })
}

impl<'a> Pair<'a> {
    /// The pair of a Service as far as it is seen.
    ///
    /// # Errors
    /// What is missing, as a sentence.
    pub(super) fn of(view: &View<'a, Service>) -> Result<Self, String> {
        let service = view.object;
        let not_one = || "nothing says any more which two Deployments it has".to_owned();
        let names = names(view.scope, service, &view.beside).ok_or_else(not_one)?;
        let side = |name: &str| {
            let found = view.beside.iter().find(|one| one.resource == DEPLOYMENTS && one.metadata.name == name);
            let found = found.ok_or_else(|| match view.unread_beside.first() {
                Some((_, why)) => format!("its Deployments could not be read: {why}"),
                None => format!("there is no Deployment {name}, which is one of the two that it is to have"),
            })?;
            let deployment = deployment(found);
            let owned = |set: &&&ReplicaSet| set.metadata.controller() == Some(deployment.metadata.uid.as_str());
            let sets = view.sets.iter().filter(owned).copied().collect();
            Ok::<_, String>(Side { deployment, sets })
        };
        let (first, second) = (side(&names.first)?, side(&names.second)?);
        let way = names.way;
        let selected = |side: &Side<'_>| {
            service.spec.selector.iter().all(|(key, value)| side.deployment.spec.template.label(key) == Some(value))
        };
        let chosen = match (&way, selected(&first), selected(&second)) {
            (Way::ByPods, true, true) | (Way::BySwitch(_), true, false) => Some((first, second)),
            (Way::BySwitch(_), false, true) => Some((second, first)),
            _ => None,
        };
        let (stable, other) = chosen.ok_or_else(|| astray(&way, &names.first, &names.second))?;
        Ok(Self { way, stable, other })
    }

    /// Is a version of the other side on its way in? Of a switch the newer one of the two is, of which nobody has pods yet otherwise.
    pub(super) fn is_moving(&self) -> bool {
        let differs = !self.other.template().runs_the_same(self.stable.template());
        let newer = match self.way {
            Way::ByPods => true,
            Way::BySwitch(_) => self.other.made() > self.stable.made(),
        };
        differs && newer && self.other.runs()
    }
}

fn astray(way: &Way, first: &str, second: &str) -> String {
    match way {
        Way::ByPods => format!("the Service does not select the pods of both {first} and {second}"),
        Way::BySwitch(label) => {
            format!(
                "the Service selects neither or both of {first} and {second}, so that its label {label} tells nothing"
            )
        }
    }
}

impl<'a> Side<'a> {
    pub(super) fn name(&self) -> &str {
        &self.deployment.metadata.name
    }

    pub(super) fn template(&self) -> &Template {
        &self.deployment.spec.template
    }

    /// The set of the template that the spec holds.
    pub(super) fn set(&self) -> Option<&'a ReplicaSet> {
        let plain = |template: &Template| template.without([MARKS.hash], []);
        let wanted = plain(self.template());
        let same = self.sets.iter().copied().filter(|set| plain(&set.spec.template).is_same(&wanted));
        same.min_by_key(|set| (set.metadata.creation_timestamp, &set.metadata.name))
    }

    /// By what its version is known.
    pub(super) fn hash(&self) -> String {
        let plain = || self.template().without([MARKS.hash], []).fingerprint();
        self.set().map_or_else(plain, |set| clean(MARKS.hash_of(set)))
    }

    pub(super) fn ready(&self) -> u32 {
        self.sets.iter().map(|set| set.status.ready_replicas).sum()
    }

    /// Are pods of it asked for, or still there?
    pub(super) fn runs(&self) -> bool {
        self.deployment.replicas() > 0 || self.deployment.status.replicas > 0
    }

    /// When its version was made.
    fn made(&self) -> Option<crate::domain::time::Timestamp> {
        self.set().and_then(|set| set.metadata.creation_timestamp)
    }
}
