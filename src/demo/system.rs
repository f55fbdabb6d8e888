//! What each pretended system of the world is: something that answers requests, streams, and moves by itself in time.

use std::{collections::VecDeque, fmt};

use bytes::Bytes;
use http::{Request, Response, header::AUTHORIZATION};

use crate::{
    demo::traffic::{Served, Serving},
    domain::time::Timestamp,
};

/// The token that every system knows.
const TOKEN: &str = "demo";

/// Does the caller bring a token, and it is not the world's? One who brings none may come in.
pub(crate) fn has_another_token(request: &Request<Bytes>) -> bool {
    let given = request.headers().get(AUTHORIZATION);
    given.is_some_and(|given| given.as_bytes() != format!("Bearer {TOKEN}").as_bytes())
}

/// What a request gets.
#[derive(Debug)]
pub enum Reply {
    /// The whole answer.
    Whole(Response<Bytes>),
    /// A head, and then chunks as they come due ([`System::due`]).
    Stream {
        /// Status and headers.
        head: Response<()>,
        /// Where in the stream the reader is.
        cursor: Cursor,
    },
}

/// A reader's place in a stream. Opaque to all but the system that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor(pub u64);

/// What a stream has for its reader now.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Chunks, in order.
    pub chunks: Vec<Bytes>,
    /// Nothing more will come.
    pub ended: bool,
    /// When to ask again even if the world does not change before (bookmarks, time-outs).
    pub wake: Option<Timestamp>,
}

/// One pretended system. All times are the world's; calls come in order of time.
///
/// A system never sees another one: those that run services tell who serves, and all are told what was served.
pub trait System: fmt::Debug + Send {
    /// Answers a request. The path is without the prefix under which the world serves this system.
    fn respond(&mut self, now: Timestamp, request: &Request<Bytes>) -> Reply;

    /// What a stream has for its reader since it was last asked. Systems that have no streams never are.
    fn due(&mut self, _cursor: Cursor, _now: Timestamp) -> Due {
        Due { ended: true, ..Due::default() }
    }

    /// The reader went away.
    fn hang_up(&mut self, _cursor: Cursor) {}

    /// When it next changes by itself, if nobody touches it.
    fn next(&self) -> Option<Timestamp> {
        None
    }

    /// Moves itself to `now`; called at every `next` in order, so never past one.
    fn advance(&mut self, _now: Timestamp) {}

    /// Grows whenever something changed that a reader could see: adapters wake their streams on it.
    fn revision(&self) -> u64;

    /// Who serves what in it now.
    fn serving(&self) -> Vec<Serving> {
        Vec::new()
    }

    /// Is told what was served, everywhere, in the interval that ends now.
    fn told(&mut self, _now: Timestamp, _served: &[Served<'_>]) {}

    /// What of its script could not be done, and why. A scenario that is right has none.
    fn failures(&self) -> &[String] {
        &[]
    }

    /// Everything that it keeps, as the real system takes it in, where there is such a form.
    fn export(&self) -> Option<String> {
        None
    }
}

/// A system that a script can move.
pub(crate) trait Acting: System {
    /// What can be made to happen.
    type Action: fmt::Debug + Send;

    /// Makes it happen.
    fn act(&mut self, now: Timestamp, action: &Self::Action) -> Result<(), String>;
}

/// A system, and what will happen in it.
#[derive(Debug)]
pub(crate) struct Scripted<S: Acting> {
    system: S,
    /// In the order of time.
    script: VecDeque<(Timestamp, S::Action)>,
    failures: Vec<String>,
}

impl<S: Acting> Scripted<S> {
    /// What happens at one moment happens in the order of the script.
    pub(crate) fn new(system: S, mut script: Vec<(Timestamp, S::Action)>) -> Self {
        script.sort_by_key(|(at, _)| *at);
        Self { system, script: script.into(), failures: Vec::new() }
    }
}

impl<S: Acting> System for Scripted<S> {
    fn respond(&mut self, now: Timestamp, request: &Request<Bytes>) -> Reply {
        self.system.respond(now, request)
    }

    fn due(&mut self, cursor: Cursor, now: Timestamp) -> Due {
        self.system.due(cursor, now)
    }

    fn hang_up(&mut self, cursor: Cursor) {
        self.system.hang_up(cursor);
    }

    fn next(&self) -> Option<Timestamp> {
        self.script.front().map(|(at, _)| *at).into_iter().chain(self.system.next()).min()
    }

    /// First what people do, then what moves by itself.
    fn advance(&mut self, now: Timestamp) {
        while let Some((_, action)) = self.script.pop_front_if(|(at, _)| *at <= now) {
            if let Err(why) = self.system.act(now, &action) {
                self.failures.push(format!("{now}: {why}"));
            }
        }
        if self.system.next().is_some_and(|at| at <= now) {
            self.system.advance(now);
        }
    }

    fn revision(&self) -> u64 {
        self.system.revision()
    }

    fn serving(&self) -> Vec<Serving> {
        self.system.serving()
    }

    fn told(&mut self, now: Timestamp, served: &[Served<'_>]) {
        self.system.told(now, served);
    }

    fn failures(&self) -> &[String] {
        &self.failures
    }

    fn export(&self) -> Option<String> {
        self.system.export()
    }
}
