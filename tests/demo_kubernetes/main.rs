//! The built-in cluster against what real ones were recorded to answer and to do.

mod bench;
mod deployment;
mod recorded;
mod rollout;
mod watch;
