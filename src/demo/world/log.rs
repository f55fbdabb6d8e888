//! What was asked of the world, as the world saw it: a write is what changed something, whatever its method.

use std::collections::VecDeque;

use http::{Method, StatusCode};

use crate::{domain::time::Timestamp, port::wire::Class};

/// How many calls are kept.
const MOST: usize = 10_000;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When it came, in the world's time.
    pub at: Timestamp,
    /// Its method.
    pub method: Method,
    /// Its path and query, with the system's prefix.
    pub path: String,
    /// What it did.
    pub class: Class,
    /// The status of its answer; none where it was left without one.
    pub status: Option<StatusCode>,
}

/// The newest calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    calls: VecDeque<Call>,
    /// How many were dropped from the front.
    dropped: usize,
}

/// Which call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket(usize);

impl Log {
    pub(super) fn begin(&mut self, at: Timestamp, method: &Method, path: &str) -> Ticket {
        if self.calls.len() == MOST {
            self.calls.pop_front();
            self.dropped += 1;
        }
        let (method, path) = (method.clone(), path.to_owned());
        self.calls.push_back(Call { at, method, path, class: Class::Read, status: None });
        Ticket(self.dropped + self.calls.len() - 1)
    }

    pub(super) fn end(&mut self, ticket: Ticket, status: StatusCode, changed: bool, streams: bool) {
        let index = ticket.0.checked_sub(self.dropped);
        let Some(call) = index.and_then(|index| self.calls.get_mut(index)) else { return };
        call.status = Some(status);
        call.class = match (changed, streams) {
            (true, _) => Class::Write,
            (false, true) => Class::Stream,
            (false, false) => Class::Read,
        };
    }

    pub(super) fn calls(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter()
    }
}
