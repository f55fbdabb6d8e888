//! A way to a system that is made when it is first asked: its token is read then, its certificates, its credential plugin is run.
//! What cannot be made answers each request with why, and is tried again by a later one; so one connection that cannot be made
//! stops neither the others nor the screen. A way is made anew when what it was made of ends, changes on the disk, or is refused: nobody
//! has to start us again.
//!
//! No task is started: whoever asks drives the making on.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures::{
    FutureExt,
    future::{BoxFuture, Either, Shared, select},
};
use http::{Request, Response, StatusCode};
use tower::service_fn;

use super::{
    backoff,
    changed::{Files, Looks},
    class_of, send,
};
use crate::{
    domain::{
        observed::FaultKind,
        time::{Timestamp, after, age},
    },
    port::{
        clock::SharedClock,
        error::ProviderError,
        facet,
        wire::{Class, Transport, WireBody, WireError},
    },
};

/// How long requests wait for a way that is being made, from when that began: whoever reads lists gives them 8 s, and must be
/// told something before.
const PATIENCE: Duration = Duration::from_secs(7);
/// The pause after a first attempt that failed; later ones are longer.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause where only files are read: what was not there is looked for again soon.
const SOON: Duration = Duration::from_secs(4);
/// A way that the system does not know us by (401) is made anew, but not more often than this.
const RENEWED: Duration = Duration::from_secs(10);

/// A way that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// The leaf of a transport.
    pub leaf: Transport,
    /// The proxy in between, as it may be shown.
    pub proxy: Option<String>,
    /// How long it can be used; `None` for as long as one likes.
    pub life: Option<Duration>,
}

impl Made {
    /// A way that lasts.
    pub fn lasting(leaf: Transport, proxy: Option<String>) -> Self {
        Self { leaf, proxy, life: None }
    }
}

type Making = Shared<BoxFuture<'static, Result<(Made, Files), ProviderError>>>;

/// How a way is made.
#[derive(Clone)]
pub struct Maker {
    make: Arc<dyn Fn() -> BoxFuture<'static, Result<Made, ProviderError>> + Send + Sync>,
    files: Option<Arc<dyn Fn() -> Vec<PathBuf> + Send + Sync>>,
    longest: Duration,
    patience: Duration,
}

impl Maker {
    /// One that only reads files.
    pub fn new<F>(make: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Made, ProviderError>> + Send + 'static,
    {
        Self { make: Arc::new(move || make().boxed()), files: None, longest: SOON, patience: PATIENCE }
    }

    /// The same, made anew when one of these files changes. They are named before each making, and that may ask the disk.
    #[must_use]
    pub fn watching(self, files: impl Fn() -> Vec<PathBuf> + Send + Sync + 'static) -> Self {
        Self { files: Some(Arc::new(files)), ..self }
    }

    /// The same for requests that nobody gives up: they wait until it is made, or is not.
    #[must_use]
    pub fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The same, running a program of the user's: where that gives no credential it may cost something to ask it often, or lock an
    /// account.
    #[must_use]
    pub fn sparing(self) -> Self {
        Self { longest: backoff::LONGEST, ..self }
    }

    /// The same, telling whoever wants to know that it is being made.
    #[must_use]
    pub fn noted(self, making: facet::Making) -> Self {
        let make = self.make;
        let noted = move || {
            let (begun, coming) = (making.begin(), make());
            async move {
                let done = coming.await;
                drop(begun);
                done
            }
            .boxed()
        };
        Self { make: Arc::new(noted), ..self }
    }

    /// The same, with layers around what it makes.
    #[must_use]
    pub(super) fn within(self, layers: impl Fn(Made) -> Transport + Send + Sync + 'static) -> Self {
        let Self { make, files, longest, patience } = self;
        let layers = Arc::new(layers);
        let make = Arc::new(move || {
            let layers = layers.clone();
            let made = make();
            async move {
                let made = made.await?;
                let (proxy, life) = (made.proxy.clone(), made.life);
                Ok(Made { leaf: layers(made), proxy, life })
            }
            .boxed()
        });
        Self { make, files, longest, patience }
    }

    /// Looks at its files, and makes it: what changes meanwhile has changed.
    fn making(&self) -> Making {
        let (make, files) = (Arc::clone(&self.make), self.files.clone());
        let making = async move {
            let seen = match files {
                Some(files) => tokio::task::spawn_blocking(move || Files::of(files())).await.unwrap_or_default(),
                None => Files::default(),
            };
            make().await.map(|made| (made, seen))
        };
        making.boxed().shared()
    }
}

impl fmt::Debug for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Maker").field("longest", &self.longest).finish_non_exhaustive()
    }
}

/// How far it is.
enum State {
    /// Nobody has asked, or what there was is over.
    Not,
    Making {
        since: Timestamp,
        making: Making,
    },
    Made {
        since: Timestamp,
        until: Option<Timestamp>,
        leaf: Transport,
        looks: Looks,
    },
    /// It is not tried again before a moment.
    Failed {
        why: ProviderError,
        again: Timestamp,
    },
}

struct Lazy {
    maker: Maker,
    clock: SharedClock,
    state: Mutex<(State, u32)>,
}

/// What a request finds.
enum Way {
    There(Transport),
    Wait(Making, Timestamp),
    Not(ProviderError),
}

/// A transport over a way that is made when the first request comes.
pub(super) fn made_when_asked(maker: Maker, clock: SharedClock) -> Transport {
    let lazy = Arc::new(Lazy { maker, clock, state: Mutex::new((State::Not, 0)) });
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let lazy = Arc::clone(&lazy);
        async move { lazy.ask(request).await }
    }))
}

impl Lazy {
    async fn ask(&self, request: Request<Bytes>) -> Result<Response<WireBody>, WireError> {
        let unready = |why| WireError::Unready(Box::new(why));
        let leaf = self.leaf().await.map_err(unready)?;
        // Of a write nobody knows here whether it may be sent twice.
        let again = (class_of(&request) == Class::Read).then(|| request.clone());
        let answer = send(&leaf, request).await?;
        if answer.status() != StatusCode::UNAUTHORIZED || !self.renew() {
            return Ok(answer);
        }
        let Some(request) = again else { return Ok(answer) };
        send(&self.leaf().await.map_err(unready)?, request).await
    }

    async fn leaf(&self) -> Result<Transport, ProviderError> {
        let (making, since) = match self.way() {
            Way::There(leaf) => return Ok(leaf),
            Way::Not(why) => return Err(why),
            Way::Wait(making, since) => (making, since),
        };
        let left = self.maker.patience.saturating_sub(age(self.clock.now(), since));
        match select(making.clone(), self.clock.sleep(left)).await {
            Either::Left((made, _)) => self.take(&making, made),
            Either::Right(_) => Err(still_made(age(self.clock.now(), since))),
        }
    }

    fn way(&self) -> Way {
        let now = self.clock.now();
        let mut state = self.state();
        if let State::Made { leaf, until, looks, .. } = &mut state.0 {
            let lasts = until.is_none_or(|until| now < until);
            if lasts && !looks.found_changed(now) {
                return Way::There(leaf.clone());
            }
        }
        match &state.0 {
            State::Making { making, since } => return Way::Wait(making.clone(), *since),
            State::Failed { why, again } if now < *again => return Way::Not(why.clone()),
            State::Made { .. } | State::Failed { .. } | State::Not => {}
        }
        let making = self.maker.making();
        state.0 = State::Making { since: now, making: making.clone() };
        Way::Wait(making, now)
    }

    /// Takes what came of the making; the first of those that waited for it writes it down.
    fn take(&self, making: &Making, made: Result<(Made, Files), ProviderError>) -> Result<Transport, ProviderError> {
        let now = self.clock.now();
        let mut state = self.state();
        let ours = matches!(&state.0, State::Making { making: current, .. } if current.ptr_eq(making));
        match made {
            Ok((made, files)) => {
                if ours {
                    let until = made.life.map(|life| after(now, life));
                    let looks = Looks::at(files, now);
                    *state = (State::Made { since: now, until, leaf: made.leaf.clone(), looks }, 0);
                }
                Ok(made.leaf)
            }
            Err(why) => {
                if ours {
                    let failures = state.1 + 1;
                    let refused = why.kind == FaultKind::Unauthenticated;
                    let longest = if refused { self.maker.longest } else { SOON };
                    let pause = backoff::pause(FIRST, failures, &why.text, now).min(longest);
                    *state = (State::Failed { why: why.clone(), again: after(now, pause) }, failures);
                }
                Err(why)
            }
        }
    }

    /// What it is asked with is not taken any more: it may have been changed where it is read from. False where that was read just now.
    fn renew(&self) -> bool {
        let mut state = self.state();
        match &state.0 {
            State::Made { since, .. } if age(self.clock.now(), *since) < RENEWED => false,
            State::Failed { .. } => false,
            State::Made { .. } => {
                state.0 = State::Not;
                true
            }
            // Another request has begun it.
            State::Making { .. } | State::Not => true,
        }
    }

    fn state(&self) -> MutexGuard<'_, (State, u32)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn still_made(since: Duration) -> ProviderError {
    let text = format!("its credentials are still waited for, since {} s", since.as_secs());
    ProviderError::new(FaultKind::TimedOut, text)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::pending;

    use super::*;
    use crate::{
        port::{clock::Clock, wire::Class},
        provider::http::{
            changed,
            testing::{Jumping, answering, get, reply, scripted},
        },
    };

    /// A maker that fails until it was asked so often, and how often it was asked.
    fn made_from(attempt: usize, life: Option<Duration>, statuses: &'static [u16]) -> (Maker, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let maker = Maker::new(move || {
            let attempts = counted.fetch_add(1, Ordering::Relaxed) + 1;
            async move {
                if attempts < attempt {
                    return Err(ProviderError::new(FaultKind::Unauthenticated, "the token's file is not there"));
                }
                let (leaf, _) = scripted(statuses.iter().map(|status| reply(*status, &[], "")));
                Ok(Made { leaf, proxy: None, life })
            }
        });
        (maker, asked)
    }

    #[tokio::test]
    async fn a_way_is_made_once_by_the_first_request() {
        let (maker, asked) = made_from(1, None, &[200, 200]);
        let transport = made_when_asked(maker, Jumping::shared());
        assert_eq!(asked.load(Ordering::Relaxed), 0);
        for _ in 0..2 {
            assert_eq!(send(&transport, get(Class::Read)).await.unwrap().status(), 200);
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn what_cannot_be_made_says_why_and_is_tried_again_after_a_pause() {
        let (maker, asked) = made_from(2, None, &[200]);
        let clock = Jumping::shared();
        let transport = made_when_asked(maker, clock.clone());
        for _ in 0..2 {
            let error = send(&transport, get(Class::Write)).await.unwrap_err();
            assert!(matches!(&error, WireError::Unready(why) if why.kind == FaultKind::Unauthenticated), "{error:?}");
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        clock.sleep(Duration::from_secs(2)).await;
        assert_eq!(send(&transport, get(Class::Read)).await.unwrap().status(), 200);
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_way_whose_credentials_have_ended_or_are_refused_is_made_anew() {
        let clock = Jumping::shared();
        let (maker, asked) = made_from(1, Some(Duration::from_mins(1)), &[200, 401, 401]);
        let transport = made_when_asked(maker, clock.clone());
        send(&transport, get(Class::Read)).await.unwrap();
        clock.sleep(Duration::from_secs(61)).await;
        send(&transport, get(Class::Read)).await.unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), 2);
        // Refused at once: it is as new as can be. Refused later, it is made anew.
        assert_eq!(send(&transport, get(Class::Read)).await.unwrap().status(), 401);
        assert_eq!(asked.load(Ordering::Relaxed), 2);
        clock.sleep(RENEWED).await;
        assert_eq!(send(&transport, get(Class::Read)).await.unwrap().status(), 200, "asked again by the new way");
        assert_eq!(asked.load(Ordering::Relaxed), 3);
        assert_eq!(send(&transport, get(Class::Read)).await.unwrap().status(), 401);
        clock.sleep(RENEWED).await;
        assert_eq!(send(&transport, get(Class::Write)).await.unwrap().status(), 401, "a write is not sent twice");
        assert_eq!(asked.load(Ordering::Relaxed), 3);
        send(&transport, get(Class::Write)).await.unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), 4);
    }

    /// Time that goes on only when a test says so: the disk takes real time.
    #[derive(Debug)]
    struct Hand(Mutex<Timestamp>);

    impl Hand {
        fn go(&self, span: Duration) {
            let mut now = self.0.lock().unwrap();
            *now = after(*now, span);
        }
    }

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            pending().boxed()
        }
    }

    #[tokio::test]
    async fn a_way_is_made_anew_when_a_file_changes_that_it_was_made_of() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        std::fs::write(&file, "one").unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let (counted, watched) = (Arc::clone(&asked), file.clone());
        let maker = Maker::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            let (leaf, _) = answering(|_| reply(200, &[], ""));
            async move { Ok(Made::lasting(leaf, None)) }
        });
        let clock = Arc::new(Hand(Mutex::new(Jumping::shared().now())));
        let transport = made_when_asked(maker.watching(move || vec![watched.clone()]), clock.clone());
        for _ in 0..3 {
            send(&transport, get(Class::Read)).await.unwrap();
            clock.go(changed::LOOKED);
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        std::fs::write(&file, "another").unwrap();
        // One request has it looked at, and a later one takes what was found.
        while asked.load(Ordering::Relaxed) == 1 {
            assert_eq!(send(&transport, get(Class::Read)).await.unwrap().status(), 200);
            clock.go(changed::LOOKED);
            tokio::task::yield_now().await;
        }
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_request_does_not_wait_for_ever_for_a_way_to_be_made() {
        let clock = Jumping::shared();
        let transport = made_when_asked(Maker::new(pending), clock.clone());
        let begun = clock.now();
        let error = send(&transport, get(Class::Read)).await.unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), age(clock.now(), begun)),
            ("its credentials are still waited for, since 7 s", PATIENCE)
        );
    }
}
