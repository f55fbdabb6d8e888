//! The one transport seam: a tower service over `http::Request<Bytes>`.
//!
//! Whatever client a system has and the built-in world all meet here, so the layers of `provider::http` wrap all of them alike.

use std::fmt;

use bytes::Bytes;
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};

use crate::port::error::ProviderError;

/// What a request does to the far side. It travels in the request's extensions; the HTTP method decides nothing, because
/// queries and access reviews are POST reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Changes nothing; may be retried.
    Read,
    /// Changes something; is sent exactly once.
    Write,
    /// Changes nothing and never ends by itself: head and idle time-outs, never a total.
    Stream,
}

tokio::task_local! {
    /// Set while a task reads for a verb that was confirmed.
    static FOR_A_VERB: ();
}

/// Does something for a verb that was confirmed: what it has to read before and after its calls may use what is kept for verbs, for
/// without that nothing could be sent.
pub async fn for_a_verb<T>(act: impl Future<Output = T>) -> T {
    FOR_A_VERB.scope((), act).await
}

/// Is what runs now done for a verb that was confirmed?
pub fn is_for_a_verb() -> bool {
    FOR_A_VERB.try_with(|()| ()).is_ok()
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
    #[error("no answer within {0}")]
    TimedOut(Limit),
    /// The system asked for a pause, and it is not over: nothing was sent.
    #[error("it asks to slow down for {} s more", whole_seconds(*.0))]
    AskedToWait(std::time::Duration),
    /// The answer only points elsewhere, and nobody was asked there.
    #[error("it {0}")]
    Moved(Moved),
    /// No connection could be made, and trying again at once would not help: nothing was sent. The sentence names the way out.
    #[error("cannot connect: {0}")]
    Barred(String),
    /// The request went out towards this proxy and the time for an answer is over.
    #[error("no answer within {} through the proxy {proxy}{}", .limit.span(), .limit.setting())]
    ProxySilent {
        /// How long we waited.
        limit: Limit,
        /// The proxy, without what one says to it.
        proxy: String,
    },
    /// There is no way to the system yet: what it is asked with could not be read, or is still being fetched. Nothing was sent.
    #[error("{0}")]
    Unready(Box<ProviderError>),
    /// Our own budget for this system is used up: nothing was sent.
    #[error("our request budget for this system is used up for {} s more", whole_seconds(*.0))]
    NoBudget(std::time::Duration),
    /// What changes something was answered with a web page: somebody else answered, or it was done and is not told so.
    #[error("it answers with {0}")]
    Page(String),
}

/// How long was waited for an answer, and by which setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// So long.
    pub after: std::time::Duration,
    /// The connection whose `timeout` it is; `None` where it is none that can be set.
    pub of: Option<String>,
}

impl Limit {
    /// Whole seconds, or milliseconds below one.
    pub fn span(&self) -> String {
        let below = self.after < std::time::Duration::from_secs(1);
        if below { format!("{} ms", self.after.as_millis()) } else { format!("{} s", self.after.as_secs()) }
    }

    /// Where it is set, in brackets; nothing where it is not.
    pub fn setting(&self) -> String {
        self.of.as_ref().map_or_else(String::new, |name| format!(" (`timeout` of connections.{name})"))
    }
}

impl From<std::time::Duration> for Limit {
    fn from(after: std::time::Duration) -> Self {
        Self { after, of: None }
    }
}

/// `30 s (`timeout` of connections.metrics)`.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.span(), self.setting())
    }
}

/// An answer that points elsewhere. It holds where to, as far as that may be shown: an origin, or a path of the same system;
/// never a query or what stands before an `@`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The status that said so; `None` where a whole address was refused before it was asked.
    pub status: Option<u16>,
    /// `https://other.test`, `/elsewhere of its own`.
    pub to: String,
}

impl Moved {
    /// The status that a system answers once it has done what it was asked, with where the outcome can be seen.
    pub const SEE_OTHER: u16 = 303;
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sends us to {}", self.to)?;
        self.status.map_or(Ok(()), |status| write!(f, " ({status})"))
    }
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
