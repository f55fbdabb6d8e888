//! Following one query: list, then watch from the list's revision, and over again when the server has forgotten it.
//!
//! kube-runtime's watcher does the same and keeps bookmarks to itself; here they are the proof that a silent watch is alive.
//! A watch that ends or breaks is opened again from where it was; only when that fails is it an error.

use std::{pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{
    StreamExt,
    future::{Either, select},
    stream::{self, BoxStream},
};
use http::{HeaderMap, header};

use super::{
    api::{Line, Object, Status},
    cluster::{Cluster, known},
    error,
    request::{self, Query},
    room::Room,
};
use crate::{
    domain::{
        observed::FaultKind,
        time::{Timestamp, age},
    },
    port::error::ProviderError,
    provider::http::{backoff, body::Lines},
};

/// The pause after the first failure.
const FIRST: Duration = Duration::from_secs(1);

/// After so long a kind that the cluster did not have is looked for again.
const INSTALLED: Duration = Duration::from_mins(5);

/// A watch that goes on for so long was no refusal, whether it told anything or not.
const LASTING: Duration = Duration::from_secs(30);

/// What a watch tells of one kind of object.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Seen<T> {
    /// Everything there is.
    All(Vec<T>),
    /// There is none of it: the cluster does not know the kind, and need not.
    None,
    /// New or changed.
    One(T),
    /// Gone, as it was last.
    Gone(T),
    /// Nothing changed, and the watch is alive.
    Alive,
}

impl<T> Seen<T> {
    /// The same of something that is made of each object.
    pub(super) fn map<U>(self, made: impl Fn(T) -> U) -> Seen<U> {
        match self {
            Self::All(all) => Seen::All(all.into_iter().map(made).collect()),
            Self::None => Seen::None,
            Self::One(one) => Seen::One(made(one)),
            Self::Gone(one) => Seen::Gone(made(one)),
            Self::Alive => Seen::Alive,
        }
    }
}

/// What to do next.
enum Step {
    /// Begin anew.
    List,
    /// Open a watch from this revision.
    Open(String),
    /// Read on.
    Read(String, Box<Lines>),
}

/// Does an answer go on for ever, in JSON? A web page does neither, and is no sign of life.
fn is_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    !headers.contains_key(header::CONTENT_LENGTH) && kind.is_none_or(|kind| kind.contains("json"))
}

struct Follower {
    cluster: Arc<Cluster>,
    query: Query,
    /// What is kept of it.
    room: Room,
    step: Step,
    /// Failures since the last sign of life; each makes the next pause longer.
    failures: u32,
    /// How often in a row the server had forgotten the revision that it had just given: listing at once again would go on
    /// for ever.
    forgotten: u32,
    /// How often in a row a watch was refused, or ended at once without a word, though the list before it was answered: that
    /// proves nothing about the next watch.
    closed: u32,
    /// When the open watch was opened.
    opened: Timestamp,
    /// Has the open watch told anything yet?
    told: bool,
    /// Was the last failure one of the way there, which an answer to somebody else's probe disproves?
    unreachable: bool,
    /// How long the server asked to be left alone.
    asked_to_wait: Option<Duration>,
    /// Is there none of it where the cluster does not know the kind, as long as it never did?
    optional: bool,
}

/// Follows a query for ever. What is `optional` need not be known to the cluster: then there is none of it.
pub(super) fn follow<T: Object>(
    cluster: Arc<Cluster>,
    query: Query,
    optional: bool,
) -> BoxStream<'static, Result<Seen<T>, ProviderError>> {
    let follower = Follower {
        opened: cluster.clock.now(),
        closed: 0,
        cluster,
        query,
        room: Room::default(),
        step: Step::List,
        failures: 0,
        forgotten: 0,
        told: false,
        unreachable: false,
        asked_to_wait: None,
        optional,
    };
    stream::unfold(follower, |mut follower| async move {
        loop {
            if let Some(item) = follower.advance().await {
                return Some((item, follower));
            }
        }
    })
    .boxed()
}

impl Follower {
    /// One step; `None` when it has nothing to tell.
    async fn advance<T: Object>(&mut self) -> Option<Result<Seen<T>, ProviderError>> {
        match std::mem::replace(&mut self.step, Step::List) {
            Step::List => {
                self.rest().await;
                match self.cluster.listed(&self.query).await {
                    Ok(listed) => {
                        self.failures = 0;
                        self.step = Step::Open(listed.revision);
                        self.room = listed.room;
                        self.optional = false;
                        Some(Ok(Seen::All(listed.items)))
                    }
                    Err(error) if error.kind == FaultKind::Missing && self.optional => {
                        (self.failures, self.unreachable) = (1, false);
                        self.asked_to_wait = Some(INSTALLED);
                        Some(Ok(Seen::None))
                    }
                    Err(error) => self.failed(error),
                }
            }
            Step::Open(revision) => {
                self.rest().await;
                self.open(revision).await
            }
            Step::Read(revision, lines) => self.read(revision, lines).await,
        }
    }

    async fn open<T>(&mut self, revision: String) -> Option<Result<Seen<T>, ProviderError>> {
        // It was listed before, so that its version is known.
        let served = Query { resource: self.cluster.served.as_known(self.query.resource), ..self.query.clone() };
        let opened = match request::watch(&served, &revision) {
            Ok(request) => self.cluster.open(request, Some(self.query.resource)).await,
            Err(error) => Err(error),
        };
        match opened {
            Ok(response) => {
                let streams = is_stream(response.headers());
                self.told = false;
                self.opened = self.cluster.clock.now();
                self.step = Step::Read(revision, Box::new(Lines::new(response.into_body())));
                // After what it forgot, only what it tells is a sign that this one holds.
                (streams && self.forgotten == 0).then_some(Ok(Seen::Alive))
            }
            // Nothing wrong with the revision: go on from it, so that nothing is missed and nothing listed again.
            Err(error)
                if matches!(error.kind, FaultKind::Unreachable | FaultKind::TimedOut | FaultKind::RateLimited) =>
            {
                self.step = Step::Open(revision);
                self.failed(error)
            }
            Err(error) => {
                self.closed += 1;
                self.failed(error)
            }
        }
    }

    async fn read<T: Object>(
        &mut self,
        revision: String,
        mut lines: Box<Lines>,
    ) -> Option<Result<Seen<T>, ProviderError>> {
        let next = {
            let renewed = pin!(self.cluster.renewed.notified());
            match select(pin!(lines.next()), renewed).await {
                Either::Left((next, _)) => next,
                Either::Right(_) => {
                    self.step = Step::Open(revision);
                    return None;
                }
            }
        };
        match next {
            Ok(Some(line)) if line.iter().all(u8::is_ascii_whitespace) => {
                self.step = Step::Read(revision, lines);
                None
            }
            Ok(Some(line)) => self.take(revision, lines, &line),
            // The server ended it, as asked, or it broke. A watch that told nothing counts as a failure, so that one
            // which ends at once is not opened in a hot loop.
            Ok(None) | Err(_) => {
                self.failures += 1;
                self.unreachable = false;
                let lasted = age(self.cluster.clock.now(), self.opened) >= LASTING;
                self.closed = if self.told || lasted { 0 } else { self.closed + 1 };
                // Whoever ends a watch without a word may not be the API server at all: only a list can tell.
                self.step = if self.told { Step::Open(revision) } else { Step::List };
                None
            }
        }
    }

    fn take<T: Object>(
        &mut self,
        revision: String,
        lines: Box<Lines>,
        line: &Bytes,
    ) -> Option<Result<Seen<T>, ProviderError>> {
        let Ok(Line { kind, object }) = serde_json::from_slice::<Line<'_>>(line) else {
            // A line that cannot be read may have been a change: begin anew rather than miss it.
            return self.failed(error::unreadable(self.asked(), "a line of the watch is not an event"));
        };
        if kind == "ERROR" {
            return self.refused(&error::told(object.get().as_bytes()).unwrap_or_default());
        }
        (self.failures, self.forgotten, self.closed, self.told) = (0, 0, 0, true);
        let which = known(object);
        let revision = which.resource_version.unwrap_or(revision);
        self.step = Step::Read(revision, lines);
        let tell: fn(T) -> Seen<T> = match kind.as_str() {
            "BOOKMARK" => return Some(Ok(Seen::Alive)),
            "ADDED" | "MODIFIED" => Seen::One,
            "DELETED" => Seen::Gone,
            _ => return None,
        };
        match self.cluster.item(&self.query, object, &mut self.room) {
            Ok(object) => {
                if kind == "DELETED" {
                    self.room.forget(&which.namespace, &which.name);
                }
                Some(Ok(tell(object)))
            }
            Err(error) => {
                self.step = Step::List;
                self.failed(error)
            }
        }
    }

    /// An `ERROR` line. 410 is how a server says that it has forgotten the revision: no failure, but a new list. One that has
    /// forgotten what it has just told cannot be watched: it is listed again with growing pauses, and is not live in between.
    fn refused<T>(&mut self, status: &Status) -> Option<Result<Seen<T>, ProviderError>> {
        if status.code == 410 {
            self.forgotten += 1;
            let what = self.query.resource.full_name();
            let text = format!(
                "{} forgets at once what it tells of {what} (410), so that it cannot be watched: it is only listed, now and then",
                self.cluster.scope.cluster
            );
            return (self.forgotten > 1).then(|| Err(ProviderError::new(FaultKind::Server, text)));
        }
        let error = error::of_status(self.asked(), status, self.cluster.clock.now());
        self.failed(error)
    }

    fn asked(&self) -> error::Asked<'_> {
        let class = crate::port::wire::Class::Stream;
        error::Asked { cluster: &self.cluster.scope.cluster, resource: Some(self.query.resource), class }
    }

    #[expect(clippy::unnecessary_wraps, reason = "the shape of every step's answer")]
    fn failed<T>(&mut self, error: ProviderError) -> Option<Result<Seen<T>, ProviderError>> {
        self.failures += 1;
        self.asked_to_wait = error.retry_after;
        self.unreachable = matches!(error.kind, FaultKind::Unreachable | FaultKind::TimedOut | FaultKind::Server);
        Some(Err(error))
    }

    /// Pauses after failures; a probe that is answered meanwhile ends the pause, where the way there was the failure.
    async fn rest(&mut self) {
        let times = self.failures.max(self.forgotten.saturating_sub(1)).max(self.closed.saturating_sub(1));
        if times == 0 {
            return;
        }
        let salt = self.query.resource.path(self.query.namespace.as_deref());
        let clock = &self.cluster.clock;
        let asked = self.asked_to_wait.take();
        let pause = clock.sleep(backoff::pause(FIRST, times, &salt, clock.now()).max(asked.unwrap_or_default()));
        if self.unreachable && asked.is_none() {
            select(pause, pin!(self.cluster.proven.notified())).await;
        } else {
            pause.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Response;

    use super::*;
    use crate::{
        domain::offer::Risk,
        port::wire::whole,
        provider::{
            http::testing::{Jumping, answering},
            kubernetes::{Scope, api::ReplicaSet, request::REPLICA_SETS, room::MOST_OBJECTS},
        },
    };

    #[tokio::test]
    async fn a_watch_that_adds_more_than_can_be_kept_is_a_fault_too() {
        let (transport, _) = answering(|request| {
            let body = if request.uri().query().is_some_and(|query| query.contains("watch=true")) {
                let line =
                    |number| format!("{{\"type\":\"ADDED\",\"object\":{{\"metadata\":{{\"name\":\"x{number}\"}}}}}}\n");
                (0..=MOST_OBJECTS).map(line).collect()
            } else {
                "{\"kind\":\"ReplicaSetList\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[]}".to_owned()
            };
            Ok(Response::new(whole(body)))
        });
        let scope = Scope::new("eu".into(), "prod/eu".into(), Risk::High, Vec::new());
        let cluster = Cluster::new(transport, scope, Jumping::shared());
        let mut seen = follow::<ReplicaSet>(cluster, Query::all(REPLICA_SETS, None), false);
        let mut added = 0;
        let error = loop {
            match seen.next().await.unwrap() {
                Ok(Seen::One(_)) => added += 1,
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(added, MOST_OBJECTS);
        assert!(error.text.starts_with("eu lists more than 50,000 replicasets.apps"), "{error}");
    }
}
