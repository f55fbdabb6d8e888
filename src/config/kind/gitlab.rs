//! GitLab, on gitlab.com or one's own, as a connection of the configuration.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{
    access::Access,
    kind::{Connection, Kind, Settings},
    object::{Object, Objects, no_slug},
    span, tree,
};

/// Groups lie in groups, twenty deep at most.
const PARTS: std::ops::RangeInclusive<usize> = 2..=21;

pub(super) static KIND: Kind = Kind {
    name: "gitlab",
    read: |node, under, problems| tree::read(node, under, problems).map(Connection::Gitlab),
    open: &["interval"],
    addresses: &["url"],
    tables: &["projects"],
    objects: Some(Objects {
        key: "project",
        several: false,
        form: "GROUP/…/PROJECT",
        parts: PARTS,
        list: Some("projects"),
        patterns: true,
        odd: no_slug,
    }),
};

/// GitLab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gitlab {
    /// Its address, without `/api/v4`.
    #[serde(default = "gitlab_com")]
    pub url: String,
    /// How it is reached; little is told without a token.
    #[serde(flatten, skip_deserializing)]
    pub access: Access,
    /// The projects that are looked at, beside those that services name. `GROUP/*` is all of a group and of the groups below it. A
    /// manual job of which GitLab names no environment is looked for among the environments by its own name.
    #[serde(default)]
    pub projects: Vec<Object>,
    /// How often they are read: one question for fifty of them.
    #[serde(default = "thirty_seconds", with = "span")]
    pub interval: Duration,
}

fn gitlab_com() -> String {
    "https://gitlab.com".to_owned()
}

fn thirty_seconds() -> Duration {
    Duration::from_secs(30)
}

impl Settings for Gitlab {
    fn address(&self) -> Option<(&'static str, &str)> {
        Some(("url", &self.url))
    }

    fn lists(&self) -> &[Object] {
        &self.projects
    }

    fn names_its_own(&self) -> bool {
        true
    }
}
