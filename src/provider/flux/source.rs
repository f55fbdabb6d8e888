//! Where what is declared comes from: repositories of git, of OCI artifacts and of charts, and buckets, as they are seen beside the
//! objects that take from them.

use crate::{
    domain::{rollout::Unknown, text::clean},
    provider::kubernetes::{
        api::Meta,
        facade::{Beside, View},
        request::Resource,
    },
};

use super::{
    api::{ImageUpdateAutomation, Source},
    declared::Declared,
    phase::{self, Outcome},
};

/// What all of it needs.
const PRODUCT: &str = "Flux";
/// The group of all sources.
const GROUP: &str = "source.toolkit.fluxcd.io";

const fn source(plural: &'static str) -> Resource {
    Resource { group: GROUP, version: "v1", plural, product: PRODUCT }
}

/// Repositories of git.
pub const GIT: Resource = source("gitrepositories");
/// Repositories of OCI artifacts.
pub const OCI: Resource = source("ocirepositories");
/// Repositories of charts.
pub const HELM: Resource = source("helmrepositories");
/// Charts, each from one of the others.
pub const CHARTS: Resource = source("helmcharts");
/// Buckets.
pub const BUCKETS: Resource = source("buckets");
/// The versions of before, newest first.
pub const OLDER: &[&str] = &["v1beta2", "v1beta1"];

/// Each kind of source, and what one of them is called.
const KINDS: &[(&str, Resource)] = &[
    ("GitRepository", GIT),
    ("OCIRepository", OCI),
    ("HelmRepository", HELM),
    ("HelmChart", CHARTS),
    ("Bucket", BUCKETS),
];

/// What sources of this kind are.
pub fn of_kind(kind: &str) -> Option<Resource> {
    KINDS.iter().find(|(name, _)| *name == kind).map(|(_, resource)| *resource)
}

/// What one of these is called.
fn noun(resource: Resource) -> &'static str {
    KINDS.iter().find(|(_, known)| known.plural == resource.plural).map_or("source", |(name, _)| name)
}

/// A source that an object names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sought {
    /// Of which kind.
    pub resource: Resource,
    /// Where, and what it is called.
    pub at: (String, String),
}

impl Sought {
    /// `GitRepository flux-system/shop`.
    pub fn words(&self) -> String {
        format!("{} {}/{}", noun(self.resource), clean(&self.at.0), clean(&self.at.1))
    }

    /// Is this it?
    pub fn is(&self, beside: &Beside) -> bool {
        let Meta { namespace, name, .. } = &beside.metadata;
        beside.resource.plural == self.resource.plural && (namespace, name) == (&self.at.0, &self.at.1)
    }
}

/// A source that is seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Which one.
    pub sought: Sought,
    /// As it is.
    pub wire: Source,
}

impl Seen {
    /// What it is, in the version that it came in.
    pub fn resource(&self) -> Resource {
        let version = self.wire.api_version.rsplit('/').next().unwrap_or_default();
        let older = OLDER.iter().find(|older| **older == version);
        Resource { version: older.copied().unwrap_or(self.sought.resource.version), ..self.sought.resource }
    }

    /// Does a controller look at it? One of OCI charts is only an address.
    pub fn is_followed(&self) -> bool {
        self.wire.spec.form != "oci"
    }

    /// How its last look ended.
    pub fn outcome(&self) -> Outcome {
        phase::outcome(&self.wire.metadata, &self.wire.status.progress)
    }
}

/// The sources of an object that are seen, in the order in which they are fetched.
pub fn seen<O: Declared>(view: &View<'_, O>) -> Vec<Seen> {
    let found = |sought: Sought| {
        let beside = view.beside.iter().find(|beside| sought.is(beside))?;
        Some(Seen { wire: Source::of(beside), sought })
    };
    view.object.sources().into_iter().filter_map(found).collect()
}

/// What its newest source holds; `None` where that is not seen.
pub fn held<O: Declared>(view: &View<'_, O>) -> Option<String> {
    let revision = seen(view).pop()?.wire.status.artifact.revision;
    (!revision.is_empty()).then_some(revision)
}

/// What is wrong with its sources, a sentence each.
pub fn troubles<O: Declared>(view: &View<'_, O>) -> Vec<String> {
    let trouble = |seen: Seen| {
        let words = seen.sought.words();
        if seen.wire.spec.suspend {
            return Some(format!("{words} is suspended: nothing new is fetched"));
        }
        let failed = seen.is_followed() && seen.outcome() == Outcome::Failed;
        failed.then(|| format!("{words} cannot be fetched: {}", phase::why(&seen.wire.status.progress)))
    };
    seen(view).into_iter().filter_map(trouble).chain(absent(view)).collect()
}

/// What fetches nothing though it should: whatever is declared there since is not known.
pub fn stuck<O: Declared>(view: &View<'_, O>) -> bool {
    seen(view).iter().any(|seen| !seen.wire.spec.suspend && seen.is_followed() && seen.outcome() == Outcome::Failed)
}

/// Is one of its sources suspended?
pub fn is_held<O: Declared>(view: &View<'_, O>) -> bool {
    seen(view).iter().any(|seen| seen.wire.spec.suspend)
}

/// A source that is not seen: it may not be read, is not looked at, or is not there.
enum Unseen {
    Forbidden(String),
    Elsewhere,
    Absent,
}

fn unseen<O: Declared>(view: &View<'_, O>) -> Vec<(Sought, Unseen)> {
    let mut all = view.object.sources();
    all.retain(|sought| !view.beside.iter().any(|beside| sought.is(beside)));
    let namespaces = &view.scope.namespaces;
    let why = |sought: &Sought| {
        let refused = view.unread_beside.iter().find(|(resource, _)| resource.plural == sought.resource.plural);
        match refused {
            Some((_, why)) => Unseen::Forbidden((*why).to_owned()),
            None if !namespaces.is_empty() && !namespaces.contains(&sought.at.0) => Unseen::Elsewhere,
            None => Unseen::Absent,
        }
    };
    let with_why = |sought: Sought| {
        let why = why(&sought);
        (sought, why)
    };
    all.into_iter().map(with_why).collect()
}

fn absent<O: Declared>(view: &View<'_, O>) -> Vec<String> {
    let absent = |(sought, why): (Sought, Unseen)| {
        matches!(why, Unseen::Absent).then(|| format!("{} is not there", sought.words()))
    };
    unseen(view).into_iter().filter_map(absent).collect()
}

/// What of its sources is not known.
pub fn unknown<O: Declared>(view: &View<'_, O>) -> Vec<Unknown> {
    let unknown = |(sought, why): (Sought, Unseen)| {
        let words = sought.words();
        match why {
            Unseen::Forbidden(why) => Some(Unknown {
                what: format!("what {words} holds is not known: {why}"),
                way: format!("get the right to list {}", sought.resource.full_name()),
            }),
            Unseen::Elsewhere => Some(Unknown {
                what: format!("what {words} holds is not known: that namespace is not looked at"),
                way: format!("add \"{}\" to namespaces in [connections.{}]", clean(&sought.at.0), view.scope.source),
            }),
            Unseen::Absent => None,
        }
    };
    unseen(view).into_iter().filter_map(unknown).collect()
}

/// What writes new image tags into a source of this object and is not suspended, in words: it writes the same tag again after a
/// revert.
pub fn writers<O: Declared>(view: &View<'_, O>) -> Vec<String> {
    let sources = view.object.sources();
    let writes = |beside: &&&Beside| sources.iter().any(|sought| writes_to(beside, sought));
    let live = |beside: &&Beside| {
        let wire = ImageUpdateAutomation::of(beside);
        let Meta { namespace, name, .. } = &beside.metadata;
        (!wire.spec.suspend).then(|| format!("{}/{}", clean(namespace), clean(name)))
    };
    view.beside.iter().filter(writes).filter_map(live).collect()
}

/// Is this what writes into that source?
pub fn writes_to(beside: &Beside, sought: &Sought) -> bool {
    if beside.resource.plural != super::AUTOMATIONS.plural {
        return false;
    }
    let wire = ImageUpdateAutomation::of(beside);
    let target = super::declared::sought(&wire.spec.source_ref, &beside.metadata);
    target.is_some_and(|target| target == *sought)
}
