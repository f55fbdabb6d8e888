//! What a scenario says about Argo CD: its table of `[[systems]]`, and the actions of its script.
//!
//! Only data and its reading live here. How Applications move is in `app`.

use std::time::Duration;

use serde::Deserialize;

use crate::demo::time::{Offset, span};

/// What there is.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Who holds the token.
    pub user: String,
    /// Its version.
    #[serde(default = "newest")]
    pub version: String,
    /// The rights that the token lacks: `update, shop/*`, `sync, shop/till`.
    #[serde(default)]
    pub denied: Vec<String>,
    /// What it deploys.
    #[serde(default)]
    pub applications: Vec<ApplicationSpec>,
    /// When nothing may be synced.
    #[serde(default)]
    pub windows: Vec<WindowSpec>,
}

/// An Application.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApplicationSpec {
    /// Its name.
    pub name: String,
    /// Its project.
    pub project: String,
    /// The namespace that it is in; the control plane's is `argocd`.
    #[serde(default = "argocd")]
    pub namespace: String,
    /// Whose releases it deploys: for the configuration that looks at this world.
    pub service: Option<String>,
    /// Where it goes: for the same.
    pub environment: Option<String>,
    /// The cluster that it goes to, by its name.
    pub cluster: String,
    /// The namespace there.
    pub into: String,
    /// What it follows.
    #[serde(default = "main")]
    pub target: String,
    /// The image that it deploys, without its tag.
    pub image: String,
    /// How it syncs by itself; without it it does not.
    pub auto_sync: Option<AutoSpec>,
    /// The `ApplicationSet` that made it.
    pub set: Option<String>,
    /// The Application that made it.
    pub part_of: Option<String>,
    /// What was deployed, oldest first.
    pub history: Vec<DeployedSpec>,
    /// What git has and was not deployed yet.
    pub pushed: Option<PushedSpec>,
    /// Tags that do not become healthy.
    pub bad: Vec<String>,
    /// Tags whose sync waits for a hook that does not end.
    pub hangs: Vec<String>,
    /// How long a sync takes.
    #[serde(default = "twenty", deserialize_with = "span")]
    pub takes: Duration,
    /// And until what it brought is healthy, or is not.
    #[serde(default = "fifteen", deserialize_with = "span")]
    pub settles: Duration,
    /// How long until it sees that git has moved.
    #[serde(default = "two_minutes", deserialize_with = "span")]
    pub notices: Duration,
    /// What it keeps as git says: `Deployment/shop/payments`.
    pub resources: Vec<String>,
}

/// How it syncs by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AutoSpec {
    /// Whether it deletes what git does not have any more.
    pub prune: Option<bool>,
    /// Whether it undoes what somebody changed.
    pub self_heal: Option<bool>,
    /// Whether it may delete everything.
    pub allow_empty: Option<bool>,
    /// Whether it does at all.
    pub enabled: Option<bool>,
}

/// An entry of the history.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeployedSpec {
    /// The commit.
    pub revision: String,
    /// The tag of the image that it names.
    pub tag: String,
    /// How long ago.
    #[serde(deserialize_with = "span")]
    pub ago: Duration,
    /// By whom; without it by auto-sync.
    #[serde(default)]
    pub by: Option<String>,
}

/// What git has.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushedSpec {
    /// The commit.
    pub revision: String,
    /// The tag of the image that it names.
    pub tag: String,
}

/// A time in which nothing is synced.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowSpec {
    /// In which project.
    pub project: String,
    /// From when on.
    pub from: Offset,
    /// Until when.
    pub until: Offset,
    /// Whether a sync by hand is allowed all the same.
    #[serde(default)]
    pub manual: bool,
}

/// Something that a script makes happen.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Somebody pushes to git.
    Push {
        /// The Application that follows it.
        application: String,
        /// The commit.
        revision: String,
        /// The tag of the image that it names.
        tag: String,
    },
    /// Somebody syncs, past holdshort.
    Sync {
        /// The Application.
        application: String,
        /// Who.
        by: String,
    },
    /// Somebody ends the operation that runs.
    Terminate {
        /// The Application.
        application: String,
    },
    /// Somebody switches auto-sync on or off.
    SetAutoSync {
        /// The Application.
        application: String,
        /// Which of the two.
        on: bool,
    },
    /// Somebody deletes it.
    Delete {
        /// The Application.
        application: String,
    },
    /// The token loses a right: `sync, shop/*`.
    Deny {
        /// Which.
        right: String,
    },
}

fn newest() -> String {
    "v3.1.4+5a3b2c1".to_owned()
}

fn argocd() -> String {
    "argocd".to_owned()
}

fn main() -> String {
    "main".to_owned()
}

fn twenty() -> Duration {
    Duration::from_secs(20)
}

fn fifteen() -> Duration {
    Duration::from_secs(15)
}

fn two_minutes() -> Duration {
    Duration::from_mins(2)
}
