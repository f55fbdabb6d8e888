//! GitHub, or a GitHub Enterprise server, as a connection of the configuration.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{
    access::Access,
    kind::{Connection, Kind, Settings},
    object::{Object, Objects, no_slug},
    span, tree,
};

pub(super) static KIND: Kind = Kind {
    name: "github",
    read: |node, under, problems| tree::read(node, under, problems).map(Connection::Github),
    open: &["interval"],
    addresses: &["base_url"],
    tables: &["repos"],
    objects: Some(Objects {
        key: "repository",
        several: false,
        form: "OWNER/NAME",
        parts: 2..=2,
        list: Some("repos"),
        patterns: true,
        odd: no_slug,
    }),
};

/// GitHub, or a GitHub Enterprise server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Github {
    /// The REST API's base.
    #[serde(default = "github_api")]
    pub base_url: String,
    /// How it is reached; without a token only what everybody may see, at a small request budget.
    #[serde(flatten, skip_deserializing)]
    pub access: Access,
    /// The repositories that are looked at, beside those that services name.
    #[serde(default)]
    pub repos: Vec<Object>,
    /// How often it is asked what moved. Runs and gates are read as often where something does, else in turn: newest runs within
    /// six minutes, what waits within thirty.
    #[serde(default = "thirty_seconds", with = "span")]
    pub interval: Duration,
}

fn github_api() -> String {
    "https://api.github.com".to_owned()
}

fn thirty_seconds() -> Duration {
    Duration::from_secs(30)
}

impl Settings for Github {
    fn address(&self) -> Option<(&'static str, &str)> {
        Some(("base_url", &self.base_url))
    }

    fn lists(&self) -> &[Object] {
        &self.repos
    }

    fn names_its_own(&self) -> bool {
        true
    }
}
