//! What each pretended system of the world is: something that answers requests, streams, and moves by itself in time.

use bytes::Bytes;
use http::{Request, Response};

use crate::domain::time::Timestamp;

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
pub trait System: Send {
    /// Answers a request. The path is without the prefix under which the world serves this system.
    fn respond(&mut self, now: Timestamp, request: &Request<Bytes>) -> Reply;

    /// What a stream has for its reader since it was last asked.
    fn due(&mut self, cursor: Cursor, now: Timestamp) -> Due;

    /// The reader went away.
    fn hang_up(&mut self, cursor: Cursor);

    /// When it next changes by itself, if nobody touches it.
    fn next(&self) -> Option<Timestamp>;

    /// Moves itself to `now`; called at every `next` in order, so never past one.
    fn advance(&mut self, now: Timestamp);

    /// Grows whenever something changed that a reader could see: adapters wake their streams on it.
    fn revision(&self) -> u64;
}

/// One version's part in serving a service, at one moment. The cluster tells it, the measurements are made from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// Image tag.
    pub version: String,
    /// Pod template hash.
    pub hash: String,
    /// Share of the service's traffic, 0 to 1; shares of all arms add up to 1 while any pod is ready.
    pub share: f64,
    /// Names of the ready pods.
    pub pods: Vec<String>,
}

/// Who serves a service, at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Serving {
    /// The cell (cluster) it runs in.
    pub cell: String,
    /// Its namespace.
    pub namespace: String,
    /// The workload's name, which is the service's.
    pub service: String,
    /// The versions that serve it; those without a ready pod are left out.
    pub arms: Vec<Arm>,
}
