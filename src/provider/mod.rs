//! One folder per system, all alike: `request.rs` (pure builders), `api.rs` (wire structs), `normalize.rs` (wire to domain)
//! and a thin facade. `http` is the transport and the layers that all of them share.
//!
//! Providers never meet the screen, the model or one another; only what `port` names crosses this border.

pub mod argo_rollouts;
pub mod argocd;
pub mod aws;
pub mod buildkite;
pub mod circleci;
pub mod codepipeline;
pub mod controller_revision;
pub mod deployment;
pub mod deployment_pair;
pub mod flagger;
pub mod flow;
pub mod flux;
pub mod github;
pub mod gitlab;
pub mod http;
pub mod jenkins;
pub mod kubernetes;
pub mod lambda;
pub mod loki;
pub mod oci;
pub mod prometheus;
