//! Following a project: a list, then the stream from its revision on. A stream has no place that one could go on from: once it ends, breaks
//! or is silent, everything is listed again, for what happened meanwhile is told by nothing else.

use std::{pin::pin, time::Duration};

use bytes::Bytes;
use futures::{
    StreamExt,
    future::{Either, select},
    stream::{self, BoxStream},
};
use http::header::CONTENT_TYPE;

use crate::{
    domain::{
        observed::FaultKind,
        time::{Timestamp, age},
    },
    port::{
        error::ProviderError,
        inventory::{Heard, Part},
    },
    provider::{
        argocd::{
            CALLED,
            address::Address,
            api::{Event, Frame, StreamError},
            facade::ArgoCd,
            request,
        },
        http::{backoff, body::Lines},
    },
};

/// It says every 15 s that it is alive; after so long without a byte it is not.
const SILENT: Duration = Duration::from_secs(40);
/// The pause after the first failure.
const FIRST: Duration = Duration::from_secs(1);
/// A stream that lasted so long was no failure, however it ended.
const LASTING: Duration = Duration::from_secs(30);

enum Step {
    List,
    /// Open the stream from this revision on.
    Open(String),
    Read(Box<Lines>),
}

struct Follower<'a> {
    argo: &'a ArgoCd,
    project: Option<String>,
    step: Step,
    /// Failures in a row; each makes the next pause longer.
    failures: u32,
    opened: Timestamp,
    asked_to_wait: Option<Duration>,
}

/// Follows a project for ever.
pub(super) fn follow(argo: &ArgoCd, project: Option<String>) -> BoxStream<'_, Heard> {
    let (step, failures, opened, asked_to_wait) = (Step::List, 0, argo.clock.now(), None);
    let follower = Follower { argo, project, step, failures, opened, asked_to_wait };
    stream::unfold(follower, |mut follower| async move {
        loop {
            if let Some(parts) = follower.advance().await {
                let heard = Heard::of(ArgoCd::scope(follower.project.as_deref()), parts);
                return Some((heard, follower));
            }
        }
    })
    .boxed()
}

/// What there is to tell; no part where it is alive and nothing changed.
type Told = Option<Result<Vec<Part>, ProviderError>>;

impl Follower<'_> {
    async fn advance(&mut self) -> Told {
        match std::mem::replace(&mut self.step, Step::List) {
            Step::List => {
                self.rest().await;
                match self.argo.look(self.project.as_deref()).await {
                    Ok(looked) => {
                        self.step = Step::Open(looked.revision);
                        Some(Ok(vec![looked.part]))
                    }
                    Err(error) => self.failed(error),
                }
            }
            Step::Open(revision) => self.open(&revision).await,
            Step::Read(lines) => self.read(lines).await,
        }
    }

    fn what(&self) -> String {
        self.project.clone().unwrap_or_else(|| "its Applications".to_owned())
    }

    async fn open(&mut self, revision: &str) -> Told {
        let wanted = request::stream(self.project.as_deref(), revision);
        match self.argo.client.open(&wanted, &self.what()).await {
            Ok(response) => {
                let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
                if !kind.is_empty() && !kind.contains("event-stream") && !kind.contains("json") {
                    let text = format!(
                        "{CALLED}, {}: what was to be a stream is something else ({}): is there a proxy or a login page before it?",
                        self.what(),
                        crate::domain::text::clean(kind)
                    );
                    return self.failed(ProviderError::new(FaultKind::Unreadable, text));
                }
                self.opened = self.argo.clock.now();
                self.step = Step::Read(Box::new(Lines::new(response.into_body())));
                None
            }
            Err(error) => self.failed(error),
        }
    }

    async fn read(&mut self, mut lines: Box<Lines>) -> Told {
        let clock = &self.argo.clock;
        let next = match select(pin!(lines.next()), clock.sleep(SILENT)).await {
            Either::Left((next, _)) => next,
            Either::Right(_) => Ok(None),
        };
        if let Ok(Some(line)) = next {
            self.step = Step::Read(lines);
            return self.take(&line).await;
        }
        // It ended, broke, or is silent: whatever it was, what happened since is only in a list. That tells whether it is a fault.
        let lasted = age(clock.now(), self.opened) >= LASTING;
        self.failures = if lasted { 0 } else { self.failures + 1 };
        None
    }

    async fn take(&mut self, line: &Bytes) -> Told {
        let line = line.trim_ascii();
        if line.is_empty() {
            return None;
        }
        if line.starts_with(b":") {
            self.failures = 0;
            return self.alive().await;
        }
        // Without server-sent events each line is a frame by itself.
        let frame = line.strip_prefix(b"data:").unwrap_or(line);
        match serde_json::from_slice::<Frame>(frame) {
            Ok(Frame { error: Some(error), .. }) => {
                self.step = Step::List;
                self.failed(self.ended(&error))
            }
            Ok(Frame { result: Some(event), .. }) => {
                self.failures = 0;
                self.happened(event)
            }
            // It may have been a change: begin anew rather than miss it.
            Ok(_) | Err(_) => {
                self.step = Step::List;
                let text = format!("{CALLED}, {}: a frame of its stream cannot be read", self.what());
                self.failed(ProviderError::new(FaultKind::Unreadable, text))
            }
        }
    }

    /// Alive; what the token may is asked again by and by, and told where it changed.
    async fn alive(&mut self) -> Told {
        if !self.argo.learn_rights_again(self.project.as_deref()).await {
            return Some(Ok(Vec::new()));
        }
        let project = self.project.as_deref();
        let part = self.argo.whole(project, self.argo.missing(project));
        Some(Ok(vec![part]))
    }

    fn happened(&self, event: Event) -> Told {
        let Event { kind, application } = event;
        let at = Address::of(&application);
        if kind == "DELETED" {
            let known = self.argo.memory().apps.remove(&at.path());
            let gone = known.map(|_| Part::gone(at.id(&self.argo.source)));
            return gone.map(|part| Ok(vec![part.without(self.argo.missing(self.project.as_deref()))]));
        }
        let rollout = self.argo.take(application)?;
        let (upkeep, missing) = (self.argo.upkeep([&rollout]), self.argo.missing(self.project.as_deref()));
        Some(Ok(vec![Part::changed(rollout).without(missing).keeping(upkeep)]))
    }

    /// Why the server ended it.
    fn ended(&self, error: &StreamError) -> ProviderError {
        let kind = match (error.http_code, error.code) {
            (Some(401), _) | (_, 16) => FaultKind::Unauthenticated,
            (Some(403), _) | (_, 7) => FaultKind::Forbidden,
            (Some(429), _) | (_, 8) => FaultKind::RateLimited,
            _ => FaultKind::Server,
        };
        ProviderError::new(kind, format!("{CALLED}, {}: it ended its stream ({})", self.what(), error.message))
    }

    #[expect(clippy::unnecessary_wraps, reason = "the shape of every step's answer")]
    fn failed(&mut self, error: ProviderError) -> Told {
        self.failures += 1;
        self.asked_to_wait = error.retry_after;
        Some(Err(error))
    }

    /// Pauses after failures.
    async fn rest(&mut self) {
        if self.failures == 0 {
            return;
        }
        let clock = &self.argo.clock;
        let pause = backoff::pause(FIRST, self.failures, &self.what(), clock.now());
        clock.sleep(pause.max(self.asked_to_wait.take().unwrap_or_default())).await;
    }
}
