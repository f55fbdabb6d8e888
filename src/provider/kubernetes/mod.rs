//! What every engine on Kubernetes shares: lists, watches with resync, guarded patches, access reviews, the sentences for
//! its errors, pods by version, and one facade ([`facade::Facade`]) that an engine completes with a [`facade::Kind`].
//!
//! Requests carry only a path and go through `port::wire::Transport`. On a real cluster the leaf of that transport is
//! kube's client, which keeps authentication and TLS ([`connect::way`]); credential plugins are run by us (`credential`). The
//! built-in world is another leaf.
//!
//! Here must not live: anything one engine has and another has not.

pub mod api;
mod around;
mod change;
mod claims;
mod client;
pub mod cluster;
pub mod connect;
mod credential;
mod error;
pub mod examine;
pub mod facade;
mod follow;
pub mod gitops;
pub mod hands;
mod keepers;
pub mod kind;
pub mod kubectl;
pub mod logs;
mod loose;
mod measures;
pub mod patch;
pub mod pods;
pub mod preflight;
mod proxy;
mod refusal;
pub mod request;
mod rights;
pub mod room;
pub mod scope;
mod seal;
mod served;
pub mod settings;
mod sought;
mod store;
pub mod template;
pub mod verbs;
mod watch;
pub mod workload;

pub use cluster::Cluster;
pub use scope::Scope;
