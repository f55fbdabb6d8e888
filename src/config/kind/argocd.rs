//! Argo CD as a connection of the configuration: where its API is, and which Applications are looked at.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{
    access::Access,
    kind::{Connection, Kind, Settings},
    object::{Object, Objects, no_slug},
    span, tree,
};

pub(super) static KIND: Kind = Kind {
    name: "argocd",
    read: |node, under, problems| tree::read(node, under, problems).map(Connection::Argocd),
    open: &[],
    addresses: &["url"],
    tables: &["applications"],
    objects: Some(Objects {
        key: "applications",
        several: true,
        form: "PROJECT/APPLICATION",
        // One that is in a namespace of its own has that between them; an application alone is in whichever project.
        parts: 1..=3,
        list: Some("applications"),
        patterns: true,
        odd: no_slug,
    }),
};

/// Argo CD.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argocd {
    /// Its address, with the path that it is served under, where it has one.
    pub url: String,
    /// How it is reached; nothing is told without a token: of a project's role, or of a local account.
    #[serde(flatten, skip_deserializing)]
    pub access: Access,
    /// The Applications that are looked at, beside those that services name; `PROJECT/*` is all of a project, and without any all that
    /// the token may see. Their environments are told by the name of an Application, or by where it goes: `CLUSTER/NAMESPACE`, the
    /// namespace, or the cluster by its name or address.
    #[serde(default)]
    pub applications: Vec<Object>,
    /// How often it must prove that it answers, beside what its stream tells.
    #[serde(default = "thirty_seconds", with = "span")]
    pub interval: Duration,
}

fn thirty_seconds() -> Duration {
    Duration::from_secs(30)
}

impl Settings for Argocd {
    fn address(&self) -> Option<(&'static str, &str)> {
        Some(("url", &self.url))
    }

    fn lists(&self) -> &[Object] {
        &self.applications
    }

    fn names_its_own(&self) -> bool {
        true
    }
}
