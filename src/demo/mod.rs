//! The built-in world: seeded, steppable, speaking the vendors' real wire formats.
//!
//! Real providers run on it and cannot tell. Here lives everything that pretends; nothing in `app`, `ui` or `provider` knows.
//! It must not read a real clock, a socket (but for the loopback server) or a user's file (but for a named scenario).

pub mod argocd;
pub mod aws;
pub mod blueprint;
pub mod buildkite;
pub mod circleci;
pub mod codepipeline;
pub mod fault;
pub mod flow;
pub mod github;
pub mod gitlab;
pub mod jenkins;
pub mod kubernetes;
pub mod lambda;
pub mod loki;
pub mod oci;
pub mod past;
pub mod prometheus;
mod query;
mod registry;
mod rest;
pub mod scenario;
pub mod serve;
pub mod shared;
pub mod system;
pub mod time;
pub mod traffic;
pub mod transport;
mod visitor;
pub mod world;
