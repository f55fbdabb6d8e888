//! The one transport seam: a tower service over `http::Request<Bytes>`.
//!
//! reqwest, octocrab, kube and the built-in world all meet here, so the layers of `provider::http` wrap all of them alike.

use std::fmt;

use bytes::Bytes;
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};

/// What a request does to the far side. It travels in the request's extensions; the HTTP method decides nothing, because
/// PromQL queries and access reviews are POST reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Changes nothing; may be retried.
    Read,
    /// Changes something; is sent exactly once.
    Write,
    /// Changes nothing and never ends by itself: head and idle time-outs, never a total.
    Stream,
}

/// Why no answer, or no whole answer, came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// No connection could be made: nothing was sent.
    #[error("cannot connect: {0}")]
    NotConnected(String),
    /// The request went out and no (whole) answer came back.
    #[error("connection lost: {0}")]
    Lost(String),
    /// The request went out and the time for an answer is over.
    #[error("no answer within {} s", .0.as_secs_f32())]
    TimedOut(std::time::Duration),
    /// The system asked for a pause, and it is not over: nothing was sent.
    #[error("it asks to slow down; again in {} s", whole_seconds(*.0))]
    AskedToWait(std::time::Duration),
    /// Our own budget for this system is used up: nothing was sent.
    #[error("our request budget for this system is used up; free again in {} s", whole_seconds(*.0))]
    NoBudget(std::time::Duration),
}

/// A wait in whole seconds, rounded up: who asks again then does not come too early.
pub fn whole_seconds(wait: std::time::Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// A response body: chunks as they come.
pub type WireBody = UnsyncBoxBody<Bytes, WireError>;

/// Anything that answers requests.
pub type Transport = tower::util::BoxCloneSyncService<http::Request<Bytes>, http::Response<WireBody>, WireError>;

/// A body that is already here.
pub fn whole(bytes: impl Into<Bytes>) -> WireBody {
    http_body_util::Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Stream => "stream",
        })
    }
}
