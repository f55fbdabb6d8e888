//! Loki as the world speaks it: the lines that the world's pods wrote, and as much of LogQL as selects and filters lines, evaluated
//! honestly over them.
//!
//! `store` keeps the lines, `logql` parses and filters, `route` speaks HTTP. Nobody is asked from here: the world tells what was
//! served, and what was written for it.

mod blueprint;
mod logql;
mod route;
mod store;

use bytes::Bytes;
use http::{Request, StatusCode};

pub(crate) use self::blueprint::KIND;
use self::store::Store;
use crate::{
    demo::{
        rest::plain,
        system::{Reply, System, has_another_token},
        traffic::Served,
    },
    domain::time::Timestamp,
};

/// The server.
#[derive(Debug, Default)]
struct Loki {
    /// Keeps the lines of this cell only; of all where none is named.
    cell: Option<String>,
    store: Store,
    revision: u64,
}

impl System for Loki {
    fn respond(&mut self, now: Timestamp, request: &Request<Bytes>) -> Reply {
        if has_another_token(request) {
            return Reply::Whole(plain(StatusCode::UNAUTHORIZED, "Unauthorized\n"));
        }
        Reply::Whole(route::respond(&self.store, now, request))
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    /// Takes what was written.
    fn told(&mut self, now: Timestamp, served: &[Served<'_>]) {
        for pod in served.iter().filter(|pod| self.cell.as_ref().is_none_or(|cell| *cell == pod.service.cell)) {
            self.store.take(pod);
        }
        self.store.forget(now);
        self.revision += 1;
    }
}
