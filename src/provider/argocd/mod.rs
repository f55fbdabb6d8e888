//! Argo CD: Applications, what git wants of them and what is deployed, syncs, roll backs to an entry of the history, and automation that
//! is switched off for as long as an act needs it.
//!
//! `request` builds, `api` reads the wire, `client` goes there, `words` are Argo CD's own for a refusal, `address` is where an Application
//! is. `version` tells versions apart, `phase` and `normalize` translate, `facts` are what plans are bound to; `draft` says what a verb
//! would do (`automation`: how auto-sync is switched off and on again, `offers`: what stands against a verb), `rights` what the token may.
//! `follow` lists a project and listens to its stream, `read` is one reading of all of it.
//!
//! The list of Applications has a projection (`fields`) of its own that knows no history, no uid and no conditions: so it is asked for
//! whole, once for each time that a stream is opened, and the stream, whose projection takes any field, tells of everything after that.
//! Nothing here asks for a refresh: that has the repository compared.
//!
//! Sources: argoproj/argo-cd of 2026-08 (`server/application`, `pkg/apiclient/application/forwarder_overwrite.go`,
//! `controller/appcontroller.go`), argoproj/pkg (`grpc/http`).

mod address;
mod api;
mod automation;
mod client;
mod draft;
mod examine;
mod facade;
mod facts;
mod follow;
mod normalize;
mod offers;
mod phase;
mod read;
mod request;
mod rights;
mod version;
mod words;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    domain::{
        ids::{ServiceName, SourceName},
        service::Environment,
    },
    port::{clock::SharedClock, facet::Connection, wire::Transport},
    provider::{
        argocd::{client::Client, facade::ArgoCd},
        http::client::Client as Http,
    },
};

/// What sentences call it.
const CALLED: &str = "Argo CD";
/// The family of its Applications.
pub const FAMILY: &str = "application";
/// How often the target of an act is read: each time are two requests.
const PACE: Duration = Duration::from_secs(2);

/// The names of facts that Argo CD has besides those in [`crate::port::plan::fact`].
pub mod fact {
    /// `on` or `off`.
    pub const AUTO_SYNC: &str = "auto-sync";
    /// `none`, `asked`, `running`, `terminating`, `succeeded`, `failed`, or `unknown`.
    pub const OPERATION: &str = "operation";
    /// When the operation began that failed last; not there where the last one did not.
    pub const FAILED: &str = "failed operation of";
    /// When the operation began that is the last one.
    pub const BEGAN: &str = "operation of";
    /// `true` where what runs was compared with git since the last operation ended: before that, health is of before.
    pub const SETTLED: &str = "looked at since its operation ended";
    /// `yes` where a sync window is known to forbid a sync by hand now.
    pub const CLOSED: &str = "known to be closed by a sync window";
    /// `true` while an operation does nothing because of a sync window.
    pub const BLOCKED: &str = "the operation waits for a sync window to open";
    /// `Synced`, `OutOfSync`, `Unknown`.
    pub const SYNC: &str = "sync status";
    /// `Healthy`, `Degraded`, …
    pub const HEALTH: &str = "health";

    /// The newest entry of the history that has this version, by what tells versions apart.
    pub fn entry(key: &str) -> String {
        format!("newest history id of {key}")
    }
}

/// Applications that are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Their project; `None` for whichever has one of this name.
    pub project: Option<String>,
    /// Its namespace, where that is not the control plane's.
    pub namespace: Option<String>,
    /// Its name; `None` for all of the project, or all there are.
    pub name: Option<String>,
    /// Whose releases it deploys; without it the service is called as the Application is.
    pub service: Option<ServiceName>,
    /// Our environments: by the name of an Application, by where it goes (`CLUSTER/NAMESPACE`), by the namespace there, or by the cluster
    /// (its name or its address). One that is missing goes by its cluster, and counts as of the highest risk.
    pub environments: BTreeMap<String, Environment>,
}

/// A connection to Argo CD.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name.
    pub name: SourceName,
    /// Its address, for the commands that do the same by hand.
    pub address: String,
    /// What is looked at; nothing for all that the token may see.
    pub applications: Vec<Chosen>,
    /// How often it must prove that it answers.
    pub interval: Duration,
}

/// A connection over a transport that puts the address before each path, and the token on.
pub fn over(transport: Transport, settings: Settings, clock: SharedClock) -> Connection {
    let mut connection = Connection::new(settings.name.clone(), "argocd", settings.interval);
    connection.pace = PACE;
    let client = Client(Http::new(CALLED, transport, Arc::clone(&clock), |_, _| None));
    let facade = Arc::new(ArgoCd::new(client, settings, clock));
    connection.examiner = Some(facade.clone());
    connection.inventories.push(facade);
    connection
}
