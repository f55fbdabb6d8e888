//! What we may patch, by asking the cluster (`SelfSubjectAccessReview`) and keeping the answers for a while.
//!
//! A right is first asked for all objects of a namespace. Only where that is denied is it asked again with the object's
//! name, because rights may be given by name. A review that fails denies nothing: the cluster itself will say.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::Deserialize;
use serde_json::Value;
use tokio::sync::watch;

use super::{
    cluster::Cluster,
    request::{self, Resource},
    store::Key,
};
use crate::domain::time::{Timestamp, age};

/// How long an answer counts.
const KEPT: Duration = Duration::from_mins(10);

/// Namespace, `rollouts` or `rollouts/status`, and the name where it was asked by name.
type Right = (String, String, Option<String>);

/// An object of an engine.
pub(super) type LookedAt = (&'static str, Key);

/// The answers so far, and of which objects at rest something was learnt because somebody looked at them.
#[derive(Debug, Default)]
pub(super) struct Rights {
    answers: Mutex<BTreeMap<Right, (Timestamp, bool)>>,
    looked_at: watch::Sender<BTreeSet<LookedAt>>,
}

#[derive(Deserialize)]
struct Reviewed {
    status: Verdict,
}

#[derive(Deserialize)]
struct Verdict {
    allowed: bool,
}

impl Cluster {
    /// Asks what is not known yet about one object.
    pub(super) async fn learn_rights(&self, resource: Resource, subresources: &[&str], namespace: &str, name: &str) {
        for subresource in subresources {
            if self.may(resource, subresource, namespace, None).await == Some(false) {
                self.may(resource, subresource, namespace, Some(name)).await;
            }
        }
    }

    /// Why we may not patch an object, where the cluster said so; a sentence.
    pub(super) fn denied(&self, resource: Resource, subresource: &str, namespace: &str, name: &str) -> Option<String> {
        let now = self.clock.now();
        let known = |name: Option<&str>| self.rights.known(&right(resource, subresource, namespace, name), now);
        (known(None) == Some(false) && known(Some(name)) == Some(false)).then(|| {
            let (what, cluster) = (path(resource, subresource), &self.scope.cluster);
            format!("you may not patch {what} in {namespace} on {cluster}: ask who administers it for that right")
        })
    }

    /// Why it is not known whether we may patch an object; a sentence. An old no is not known either: it may have been mended.
    pub(super) fn unsure(&self, resource: Resource, subresource: &str, namespace: &str, name: &str) -> Option<String> {
        let now = self.clock.now();
        let last = |name: Option<&str>| self.rights.last(&right(resource, subresource, namespace, name), now);
        let unsure = match (last(None), last(Some(name))) {
            (Some((_, true)), _) | (_, Some((_, true))) => false,
            (Some((fresh, false)), Some((by_name, false))) => !(fresh && by_name),
            _ => true,
        };
        unsure.then(|| format!("not known whether you may: {} has not said yet", self.scope.cluster))
    }

    async fn may(&self, resource: Resource, subresource: &str, namespace: &str, name: Option<&str>) -> Option<bool> {
        let (right, now) = (right(resource, subresource, namespace, name), self.clock.now());
        if let Some(known) = self.rights.known(&right, now) {
            return Some(known);
        }
        let review: Value = request::review(resource, subresource, namespace, name);
        let request = request::ask_review(&review).ok()?;
        match self.ask::<Reviewed>(request, None).await {
            Ok(reviewed) => {
                self.rights.keep(right, now, reviewed.status.allowed);
                Some(reviewed.status.allowed)
            }
            Err(error) => {
                tracing::debug!(%error, "the access review failed; what we may do is not known");
                None
            }
        }
    }
}

impl Rights {
    /// Wakes whenever somebody has looked at an object.
    pub(super) fn changes(&self) -> watch::Receiver<BTreeSet<LookedAt>> {
        self.looked_at.subscribe()
    }

    /// Somebody looked at an object, of which what we may do is known by now; told each time, for a no may have grown old since.
    pub(super) fn looked_at(&self, object: LookedAt) {
        self.looked_at.send_modify(|all| {
            all.insert(object);
        });
    }

    /// The objects of an engine that somebody looked at.
    pub(super) fn of(&self, engine: &'static str) -> Vec<Key> {
        self.looked_at.borrow().iter().filter(|(of, _)| *of == engine).map(|(_, key)| key.clone()).collect()
    }

    fn known(&self, right: &Right, now: Timestamp) -> Option<bool> {
        let known = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(right).filter(|(at, _)| age(now, *at) < KEPT).map(|(_, allowed)| *allowed)
    }

    /// The last answer, and whether it still counts.
    fn last(&self, right: &Right, now: Timestamp) -> Option<(bool, bool)> {
        let known = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(right).map(|(at, allowed)| (age(now, *at) < KEPT, *allowed))
    }

    fn keep(&self, right: Right, at: Timestamp, allowed: bool) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(right, (at, allowed));
    }
}

fn right(resource: Resource, subresource: &str, namespace: &str, name: Option<&str>) -> Right {
    (namespace.to_owned(), path(resource, subresource), name.map(str::to_owned))
}

fn path(resource: Resource, subresource: &str) -> String {
    if subresource.is_empty() { resource.plural.to_owned() } else { format!("{}/{subresource}", resource.plural) }
}
