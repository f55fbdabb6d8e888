//! The world: all systems under one clock that only goes forward, and one door for requests.
//!
//! What moves by itself (controllers, scripts, scrapes) moves in the order of time, whoever asks and however often: the same
//! scenario and the same requests at the same times give the same bytes. Nothing here waits: adapters do.

mod log;

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use chrono::TimeDelta;
use http::{
    HeaderValue, Request, Response, StatusCode, Uri,
    header::{CONTENT_TYPE, DATE},
};

pub use self::log::Call;
use self::log::Log;
use crate::{
    demo::{
        blueprint::Mount,
        fault::Faults,
        scenario::Scenario,
        system::{Cursor, Due, Reply, System},
        traffic::{Serving, Traffic},
    },
    domain::time::Timestamp,
};

/// What a request gets, and how late.
#[derive(Debug)]
pub struct Exchange {
    /// Wait so long before passing it on; its effects are there already.
    pub delay: Duration,
    /// What comes then.
    pub answer: Answer,
}

/// What a request gets.
#[derive(Debug)]
pub enum Answer {
    /// Nothing, ever.
    Never,
    /// The whole answer.
    Whole(Response<Bytes>),
    /// An answer whose connection breaks after the body that is here.
    Cut(Response<Bytes>),
    /// A head, and then chunks as they come due ([`World::due`]).
    Stream {
        /// Status and headers.
        head: Response<()>,
        /// The reader's place; hang up when the reader goes.
        cursor: Cursor,
    },
}

/// What a stream has for its reader.
#[derive(Debug, PartialEq, Eq)]
pub enum Flow {
    /// These chunks. `wake` is always set while the stream is open.
    Due(Due),
    /// The connection broke.
    Lost,
}

/// Why a scenario cannot become a world: what one of its systems says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WorldError(String);

/// An open stream.
#[derive(Clone, Debug)]
struct Stream {
    mount: Mount,
    cursor: Cursor,
    path: String,
    opened: Timestamp,
}

/// All systems of a scenario.
#[derive(Debug)]
pub struct World {
    now: Timestamp,
    systems: BTreeMap<Mount, Box<dyn System>>,
    traffic: Traffic,
    /// When it is told next what was served.
    next_told: Timestamp,
    faults: Faults,
    streams: BTreeMap<u64, Stream>,
    opened: u64,
    log: Log,
}

impl World {
    /// The world of a scenario, at its start: its history has run.
    pub fn new(scenario: &Scenario) -> Result<Self, WorldError> {
        let mut world = Self::at_rest(scenario)?;
        world.advance(scenario.start);
        Ok(world)
    }

    /// The same before its history: that runs with the first request. Whoever paints a screen meanwhile need not wait for it.
    pub fn at_rest(scenario: &Scenario) -> Result<Self, WorldError> {
        let ground = scenario.ground();
        let mut systems = BTreeMap::new();
        for part in &scenario.systems {
            systems.insert(part.system.mount(), part.system.build(&ground).map_err(WorldError)?);
        }
        Ok(Self {
            now: ground.begins,
            systems,
            traffic: Traffic::new(ground.seed, ground.traffic, ground.start),
            next_told: Traffic::next(ground.begins),
            faults: Faults::new(&scenario.faults, ground.start),
            streams: BTreeMap::new(),
            opened: 0,
            log: Log::default(),
        })
    }

    /// A world in which nothing is.
    pub fn empty() -> Self {
        let start = Timestamp::UNIX_EPOCH;
        Self {
            now: start,
            systems: BTreeMap::new(),
            traffic: Traffic::new(0, &[], start),
            next_told: Timestamp::MAX_UTC,
            faults: Faults::new(&[], start),
            streams: BTreeMap::new(),
            opened: 0,
            log: Log::default(),
        }
    }

    /// The world's time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Moves everything to `now`, one event after the other. A time that has passed changes nothing.
    pub fn advance(&mut self, now: Timestamp) {
        while let Some(at) = self.next_move().filter(|at| *at <= now) {
            // An event that a system has overslept happens now, not in the past.
            self.now = self.now.max(at);
            self.step();
        }
        self.now = self.now.max(now);
    }

    /// When something next changes by itself, seen from the world's time.
    pub fn next(&self) -> Option<Timestamp> {
        self.next_move().into_iter().chain(self.faults.next(self.now)).min()
    }

    /// Grows with every change that a reader could see.
    pub fn revision(&self) -> u64 {
        self.systems.values().map(|system| system.revision()).sum()
    }

    /// Every request so far, but for the oldest where there were very many.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.log.calls()
    }

    /// What of the scripts could not be done, and why. A scenario that is right has none.
    pub fn failures(&self) -> Vec<String> {
        self.systems.values().flat_map(|system| system.failures()).cloned().collect()
    }

    /// Everything that the system at this mount keeps, as the real one takes it in, where there is such a form.
    pub fn export(&self, mount: &str) -> Option<String> {
        self.systems.iter().find(|(known, _)| known.as_str() == mount)?.1.export()
    }

    /// Who serves what now, in all systems that run services.
    pub fn serving(&self) -> Vec<Serving> {
        self.systems.values().flat_map(|system| system.serving()).collect()
    }

    /// Answers a request. The path begins with where the system is served.
    pub fn respond(&mut self, now: Timestamp, request: &Request<Bytes>) -> Exchange {
        self.advance(now);
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let fate = self.faults.fate(self.now, &path, request.body());
        let skew = self.faults.skew(self.now, &path);
        let call = self.log.begin(self.now, request.method(), &path);
        if fate.hang {
            return Exchange { delay: fate.delay, answer: Answer::Never };
        }
        let before = self.revision();
        let reply = fate.refusal.map_or_else(|| self.reply(request, &path), Reply::Whole);
        let changed = self.revision() != before;
        let answer = match reply {
            Reply::Whole(mut response) => {
                self.log.end(call, response.status(), changed, false);
                self.stamp(response.headers_mut(), skew);
                match fate.cut {
                    Some(kept) => {
                        let body = response.body();
                        let kept = body.slice(..kept.min(body.len()));
                        Answer::Cut(response.map(|_| kept))
                    }
                    None => Answer::Whole(response),
                }
            }
            Reply::Stream { mut head, cursor } => {
                self.log.end(call, head.status(), changed, true);
                self.stamp(head.headers_mut(), skew);
                Answer::Stream { head, cursor }
            }
        };
        Exchange { delay: fate.delay, answer }
    }

    /// What a stream has for its reader since it was last asked.
    pub fn due(&mut self, cursor: Cursor, now: Timestamp) -> Flow {
        self.advance(now);
        let Some(stream) = self.streams.get(&cursor.0).cloned() else {
            return Flow::Due(Due { ended: true, ..Due::default() });
        };
        if self.faults.has_dropped(stream.opened, self.now, &stream.path) {
            self.hang_up(cursor);
            return Flow::Lost;
        }
        let mut due = Due::default();
        if !self.faults.is_silent(self.now, &stream.path) {
            let at = self.now;
            due = self.systems.get_mut(&stream.mount).map(|system| system.due(stream.cursor, at)).unwrap_or_default();
        }
        due.wake = due.wake.into_iter().chain(self.next()).min();
        if due.ended {
            self.streams.remove(&cursor.0);
        }
        Flow::Due(due)
    }

    /// The reader of a stream went away.
    pub fn hang_up(&mut self, cursor: Cursor) {
        if let Some(stream) = self.streams.remove(&cursor.0)
            && let Some(system) = self.systems.get_mut(&stream.mount)
        {
            system.hang_up(stream.cursor);
        }
    }

    fn reply(&mut self, request: &Request<Bytes>, path: &str) -> Reply {
        let now = self.now;
        let served = self.systems.iter_mut().filter_map(|(mount, system)| Some((mount, mount.below(path)?, system)));
        // One that is served below another one is the nearer.
        let Some((mount, rest, system)) = served.max_by_key(|(mount, ..)| mount.as_str().len()) else {
            return Reply::Whole(self.nowhere());
        };
        match system.respond(now, &inside(request, rest)) {
            Reply::Stream { head, cursor } => {
                self.opened += 1;
                let stream = Stream { mount: mount.clone(), cursor, path: path.to_owned(), opened: now };
                self.streams.insert(self.opened, stream);
                Reply::Stream { head, cursor: Cursor(self.opened) }
            }
            whole @ Reply::Whole(_) => whole,
        }
    }

    /// The answer where there is no system; it says what there is. Whoever wants to know the time gets it here, too.
    fn nowhere(&self) -> Response<Bytes> {
        let there: Vec<&str> = self.systems.keys().map(Mount::as_str).collect();
        let mut response = Response::new(Bytes::from(format!("nothing is here; there are {}\n", there.join(", "))));
        *response.status_mut() = StatusCode::NOT_FOUND;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response
    }

    fn next_move(&self) -> Option<Timestamp> {
        self.systems.values().filter_map(|system| system.next()).chain([self.next_told]).min()
    }

    /// Everything that happens at the world's time: first what people and controllers do, then what was served is told.
    fn step(&mut self) {
        let now = self.now;
        for system in self.systems.values_mut().filter(|system| system.next().is_some_and(|at| at <= now)) {
            system.advance(now);
        }
        if self.next_told <= now {
            let serving = self.serving();
            let Self { traffic, systems, .. } = self;
            traffic.tell(now, &serving, |served| systems.values_mut().for_each(|system| system.told(now, served)));
            self.next_told = Traffic::next(now);
        }
    }

    fn stamp(&self, headers: &mut http::HeaderMap, skew: TimeDelta) {
        let date = (self.now + skew).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        if let Ok(date) = HeaderValue::from_str(&date) {
            headers.insert(DATE, date);
        }
    }
}

/// The request as the system sees it: without the prefix, and without a host.
fn inside(request: &Request<Bytes>, rest: &str) -> Request<Bytes> {
    let path = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
    let mut inside = Request::new(request.body().clone());
    *inside.method_mut() = request.method().clone();
    *inside.headers_mut() = request.headers().clone();
    // What was a part of a valid address is one.
    *inside.uri_mut() = path.parse().unwrap_or_else(|_| Uri::from_static("/"));
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_names_the_system_and_is_not_seen_by_it() {
        let mount = Mount::new("/pay/eu");
        let table = [
            ("/pay/eu/version", Some("/version")),
            ("/pay/eu?x=1", Some("?x=1")),
            ("/pay/eu", Some("")),
            ("/pay/eur/x", None),
            ("/pay", None),
            ("/", None),
        ];
        for (path, rest) in table {
            assert_eq!(mount.below(path), rest, "{path}");
        }
        let request = Request::patch("http://h:1/pay/eu?query=up").body(Bytes::from("x")).unwrap();
        let inside = inside(&request, "?query=up");
        assert_eq!((inside.method().as_str(), inside.uri().to_string().as_str()), ("PATCH", "/?query=up"));
    }
}
