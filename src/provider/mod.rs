//! One folder per system, all alike: `request.rs` (pure builders), `api.rs` (wire structs), `normalize.rs` (wire to domain)
//! and a thin facade. `http` is the transport and the layers that all of them share.
//!
//! Providers never meet the screen, the model or one another; only what `port` names crosses this border.

pub mod argo_rollouts;
pub mod aws;
pub mod buildkite;
pub mod circleci;
pub mod codepipeline;
pub mod deployment;
pub mod flow;
pub mod github;
pub mod gitlab;
pub mod http;
pub mod jenkins;
pub mod kubernetes;
pub mod loki;
pub mod prometheus;
