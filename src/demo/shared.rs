//! A world that several adapters share, and what wakes the readers of its streams.
//!
//! The lock is held for one request or one look, never across an await. Whenever the world's revision has grown by the end
//! of a look, every reader is woken ([`SharedWorld::changes`]); a reader also sleeps on the clock until the moment that
//! [`crate::demo::world::World::due`] names, which is never later than the world's own next event. So somebody always moves
//! the world on while anything reads it, and nobody polls.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use futures::{
    Stream,
    future::{self, Either},
    stream,
};
use http::Request;
use tokio::sync::watch;

use crate::{
    demo::{
        system::Cursor,
        world::{Exchange, Flow, World},
    },
    domain::time::{Timestamp, until},
    port::{clock::SharedClock, wire::WireError},
};

/// A handle on a world; clones are the same world.
#[derive(Clone, Debug)]
pub struct SharedWorld(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    world: Mutex<State>,
    revision: watch::Sender<u64>,
}

/// A world that is made when somebody first looks.
struct State {
    make: Box<dyn Fn() -> World + Send>,
    made: Option<Box<World>>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("State").field(&self.made).finish()
    }
}

impl State {
    fn awake(&mut self) -> &mut World {
        self.made.get_or_insert_with(|| Box::new((self.make)()))
    }
}

impl SharedWorld {
    /// Shares a world.
    pub fn new(world: World) -> Self {
        let revision = watch::Sender::new(world.revision());
        Self(Arc::new(Inner {
            world: Mutex::new(State { make: Box::new(World::empty), made: Some(Box::new(world)) }),
            revision,
        }))
    }

    /// Shares a world that is made when somebody first looks: whoever paints a screen before that need not wait for it.
    pub fn asleep(make: impl Fn() -> World + Send + 'static) -> Self {
        let state = State { make: Box::new(make), made: None };
        Self(Arc::new(Inner { world: Mutex::new(state), revision: watch::Sender::new(0) }))
    }

    /// Does something with the world, and wakes the readers if it changed. Must be quick: everybody waits.
    pub fn look<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        // A panic of another holder is a test that fails already; the world itself is still whole enough to be read.
        let mut state = self.0.world.lock().unwrap_or_else(PoisonError::into_inner);
        let world = state.awake();
        let result = act(world);
        let revision = world.revision();
        drop(state);
        self.0.revision.send_if_modified(|seen| std::mem::replace(seen, revision) != revision);
        result
    }

    /// Answers a request.
    pub fn respond(&self, now: Timestamp, request: &Request<Bytes>) -> Exchange {
        self.look(|world| world.respond(now, request))
    }

    /// Tells of every change of the revision.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.revision.subscribe()
    }
}

/// The chunks of a stream as they come due. Dropping it hangs up.
pub(crate) fn chunks(
    world: SharedWorld,
    clock: SharedClock,
    cursor: Cursor,
) -> impl Stream<Item = Result<Bytes, WireError>> + Send + 'static {
    let reader = Reader { changes: world.changes(), world, clock, cursor, ready: VecDeque::new(), ended: false };
    stream::unfold(reader, |mut reader| async move { Some((reader.next().await?, reader)) })
}

/// Who reads a stream.
struct Reader {
    world: SharedWorld,
    clock: SharedClock,
    changes: watch::Receiver<u64>,
    cursor: Cursor,
    ready: VecDeque<Bytes>,
    ended: bool,
}

impl Reader {
    async fn next(&mut self) -> Option<Result<Bytes, WireError>> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Some(Ok(chunk));
            }
            if self.ended {
                return None;
            }
            // Before the look: a change that comes after it must wake.
            self.changes.mark_unchanged();
            let (cursor, now) = (self.cursor, self.clock.now());
            let wake = match self.world.look(|world| world.due(cursor, now)) {
                Flow::Lost => {
                    self.ended = true;
                    return Some(Err(WireError::Lost("the connection was reset".to_owned())));
                }
                Flow::Due(due) => {
                    self.ended = due.ended;
                    self.ready.extend(due.chunks);
                    due.wake
                }
            };
            if self.ready.is_empty() && !self.ended {
                self.wait(now, wake).await;
            }
        }
    }

    /// Until the world changes or the moment comes.
    async fn wait(&mut self, now: Timestamp, wake: Option<Timestamp>) {
        let alarm = match wake {
            Some(at) => Either::Left(self.clock.sleep(until(now, at))),
            None => Either::Right(future::pending()),
        };
        // The sender lives in `self.world`, so the channel cannot close.
        let changed = std::pin::pin!(self.changes.changed());
        future::select(changed, alarm).await;
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.world.look(|world| world.hang_up(self.cursor));
    }
}
