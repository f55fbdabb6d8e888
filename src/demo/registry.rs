//! The kinds of systems that the world can play. A new one has its folder beside this file, and a line here.

use crate::demo::{
    argocd, blueprint::Kind, buildkite, circleci, codepipeline, flow, github, gitlab, jenkins, kubernetes, lambda,
    loki, oci, prometheus,
};

/// In the order in which they are listed.
pub(crate) static KINDS: [Kind; 13] = [
    kubernetes::KIND,
    prometheus::KIND,
    github::KIND,
    buildkite::KIND,
    loki::KIND,
    jenkins::KIND,
    gitlab::KIND,
    circleci::KIND,
    flow::KIND,
    codepipeline::KIND,
    lambda::KIND,
    argocd::KIND,
    oci::KIND,
];
