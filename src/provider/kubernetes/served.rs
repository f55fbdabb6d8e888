//! In which version a cluster serves a kind that has had several: found by discovery, and kept. Kinds that have one are not asked for.
//!
//! Sources: `APIGroupList` (`/apis`) and `APIResourceList` (`/apis/GROUP/VERSION`), which everybody may read who may read anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use serde::Deserialize;
use tokio::sync::Mutex as Turn;

use super::{
    api::readable,
    cluster::Cluster,
    error,
    request::{Query, Resource},
};
use crate::{
    domain::{
        observed::FaultKind,
        time::{Timestamp, age},
    },
    port::{error::ProviderError, wire::Class},
};

/// How long an answer counts by which a kind is not there: it may be installed.
const KEPT: Duration = Duration::from_mins(4);

/// What is known of one cluster.
#[derive(Debug, Default)]
pub(super) struct Served {
    known: Mutex<Known>,
    /// One asks, the others wait for what it hears.
    turn: Turn<()>,
}

#[derive(Debug, Default)]
struct Known {
    /// The versions of before, newest first, of the kinds that have had several: by group and plural.
    older: BTreeMap<(&'static str, &'static str), &'static [&'static str]>,
    /// The versions in which kinds are served.
    found: BTreeMap<(&'static str, &'static str), &'static str>,
    /// The versions of each group, and when they were read.
    groups: Option<(Timestamp, BTreeMap<String, BTreeSet<String>>)>,
}

#[derive(Default, Deserialize)]
struct Groups {
    #[serde(default, deserialize_with = "readable")]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    name: String,
    #[serde(default, deserialize_with = "readable")]
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

#[derive(Default, Deserialize)]
struct Resources {
    #[serde(default, deserialize_with = "readable")]
    resources: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

impl Served {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This kind has had these versions before, newest first.
    pub(super) fn expect(&self, resource: Resource, older: &'static [&'static str]) {
        self.known().older.insert((resource.group, resource.plural), older);
    }

    /// The kind in the version in which it is served, as far as that is known.
    pub(super) fn as_known(&self, resource: Resource) -> Resource {
        let found = self.known().found.get(&(resource.group, resource.plural)).copied();
        Resource { version: found.unwrap_or(resource.version), ..resource }
    }

    /// The versions to look for, newest first; `None` where nothing is to be found out.
    fn sought(&self, resource: Resource) -> Option<Vec<&'static str>> {
        let known = self.known();
        let at = (resource.group, resource.plural);
        let older = known.older.get(&at).filter(|_| !known.found.contains_key(&at))?;
        Some(std::iter::once(resource.version).chain(older.iter().copied()).collect())
    }

    /// The versions of a group, where they were read a short while ago; empty of a group that is not there.
    fn versions(&self, group: &str, now: Timestamp) -> Option<BTreeSet<String>> {
        let known = self.known();
        let (_, groups) = known.groups.as_ref().filter(|(at, _)| age(now, *at) < KEPT)?;
        Some(groups.get(group).cloned().unwrap_or_default())
    }
}

impl Cluster {
    /// The kind in the version in which it is served.
    ///
    /// # Errors
    /// When it is not there, or that cannot be found out.
    pub(super) async fn serving(&self, resource: Resource) -> Result<Resource, ProviderError> {
        if self.served.sought(resource).is_none() {
            return Ok(self.served.as_known(resource));
        }
        let _turn = self.served.turn.lock().await;
        let Some(sought) = self.served.sought(resource) else { return Ok(self.served.as_known(resource)) };
        let there = match self.versions(resource.group).await {
            // Who has no discovery is asked for what we know.
            Err(error) if matches!(error.kind, FaultKind::Missing | FaultKind::Forbidden) => return Ok(resource),
            there => there?,
        };
        let mut versions: Vec<&'static str> = sought;
        versions.retain(|version| there.contains(*version));
        for (index, version) in versions.iter().copied().enumerate() {
            // The last one need not be asked for: what is not in it is nowhere.
            let last = index + 1 == versions.len();
            if last || self.has(Resource { version, ..resource }).await? {
                self.served.known().found.insert((resource.group, resource.plural), version);
                return Ok(Resource { version, ..resource });
            }
        }
        let asked = error::Asked { cluster: &self.scope.cluster, resource: Some(resource), class: Class::Read };
        Err(error::missing(asked))
    }

    /// Is the kind served in one of the versions that it has had?
    ///
    /// # Errors
    /// When discovery does not tell.
    pub(super) async fn is_served(&self, resource: Resource) -> Result<bool, ProviderError> {
        let there = self.versions(resource.group).await?;
        let older = self.served.known().older.get(&(resource.group, resource.plural)).copied().unwrap_or_default();
        for version in std::iter::once(resource.version).chain(older.iter().copied()) {
            // A version that is listed and has no document is one of which nothing is told.
            if there.contains(version) && self.lists(Resource { version, ..resource }).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The same query, of the kind in the version in which it is served.
    pub(super) async fn served_query(&self, query: &Query) -> Result<Query, ProviderError> {
        Ok(Query { resource: self.serving(query.resource).await?, ..query.clone() })
    }

    async fn versions(&self, group: &str) -> Result<BTreeSet<String>, ProviderError> {
        if let Some(known) = self.served.versions(group, self.clock.now()) {
            return Ok(known);
        }
        let read: Groups = self.discover("/apis").await?;
        let of = |group: Group| (group.name, group.versions.into_iter().map(|one| one.version).collect());
        let groups: BTreeMap<String, BTreeSet<String>> = read.groups.into_iter().map(of).collect();
        let found = groups.get(group).cloned().unwrap_or_default();
        self.served.known().groups = Some((self.clock.now(), groups));
        Ok(found)
    }

    /// Is the kind one of those in its version? Of a version without a document, none is.
    async fn has(&self, resource: Resource) -> Result<bool, ProviderError> {
        match self.lists(resource).await {
            Err(error) if error.kind == FaultKind::Missing => Ok(false),
            told => told,
        }
    }

    /// Does the document of its version list the kind?
    async fn lists(&self, resource: Resource) -> Result<bool, ProviderError> {
        let read: Resources = self.discover(&format!("/apis/{}/{}", resource.group, resource.version)).await?;
        Ok(read.resources.iter().any(|one| one.name == resource.plural))
    }

    async fn discover<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, ProviderError> {
        let request = Request::get(path).header(http::header::ACCEPT, "application/json").body(Bytes::new());
        let mut request = request
            .map_err(|why| ProviderError::new(FaultKind::Rejected, format!("no such request can be made: {why}")))?;
        request.extensions_mut().insert(Class::Read);
        self.ask(request, None).await
    }
}
