//! The world: all systems under one clock that only goes forward, and one door for requests.
//!
//! What moves by itself (controllers, scripts, scrapes) moves in the order of time, whoever asks and however often: the same
//! scenario and the same requests at the same times give the same bytes. Nothing here waits: adapters do.

mod door;
mod log;
mod place;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use chrono::TimeDelta;
use http::{HeaderValue, Request, Response, header::DATE};

pub use self::log::Call;
use self::{door::Door, log::Log, place::Place};
use crate::{
    demo::{
        fault::Faults,
        github::{self, Forge, spec::BadSpec},
        kubernetes::{self, Cluster},
        prometheus::{BadRule, Prometheus},
        scenario::Scenario,
        system::{Cursor, Due, Reply, System},
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

/// Why a scenario cannot become a world.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorldError {
    /// Its `[github]` does not fit together.
    #[error(transparent)]
    GitHub(#[from] BadSpec),
    /// One of its alert rules is wrong.
    #[error(transparent)]
    Rule(#[from] BadRule),
}

/// Something that a script makes happen.
#[derive(Clone, Debug)]
enum Deed {
    Cluster(String, kubernetes::Action),
    GitHub(github::spec::Action),
}

/// An open stream.
#[derive(Clone, Debug)]
struct Stream {
    place: Place,
    cursor: Cursor,
    path: String,
    opened: Timestamp,
}

/// All systems of a scenario.
#[derive(Debug)]
pub struct World {
    now: Timestamp,
    clusters: BTreeMap<String, Cluster>,
    prometheus: Prometheus,
    github: Option<Forge>,
    /// In the order of time.
    script: VecDeque<(Timestamp, Deed)>,
    failures: Vec<String>,
    next_scrape: Timestamp,
    faults: Faults,
    door: Door,
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
        let (start, begins) = (scenario.start, scenario.begins());
        let (traffic, rules) = (scenario.traffic.clone(), scenario.rules.clone());
        let mut script = Vec::new();
        let mut clusters = BTreeMap::new();
        for cell in &scenario.cells {
            clusters.insert(cell.name.clone(), Cluster::new(&cell.name, &cell.cluster, scenario.seed, begins));
            let deed = |act: &kubernetes::Action| Deed::Cluster(cell.name.clone(), act.clone());
            script.extend(cell.script.iter().map(|event| (event.at.from(start), deed(&event.act))));
        }
        let github = scenario.github.as_ref().map(|spec| Forge::new(spec, scenario.seed, start)).transpose()?;
        let events = scenario.github_script.iter();
        script.extend(events.map(|event| (event.at.from(start), Deed::GitHub(event.act.clone()))));
        script.sort_by_key(|(at, _)| *at);
        Ok(Self {
            now: begins,
            clusters,
            prometheus: Prometheus::new(scenario.seed, traffic, rules, start)?,
            github,
            script: script.into(),
            failures: Vec::new(),
            next_scrape: Prometheus::next_scrape(begins),
            faults: Faults::new(&scenario.faults, start),
            door: Door::new(scenario),
            streams: BTreeMap::new(),
            opened: 0,
            log: Log::default(),
        })
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
        let clusters = self.clusters.values().map(System::revision).sum::<u64>();
        clusters + self.prometheus.revision() + self.github.as_ref().map_or(0, System::revision)
    }

    /// Every request so far, but for the oldest where there were very many.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.log.calls()
    }

    /// What of the script could not be done, and why. A scenario that is right has none.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// Everything that was measured, as `OpenMetrics` text ([`Prometheus::openmetrics`]).
    pub fn openmetrics(&self) -> String {
        self.prometheus.openmetrics()
    }

    /// Who serves what now, in all clusters.
    pub fn serving(&self) -> Vec<crate::demo::system::Serving> {
        self.clusters.values().flat_map(Cluster::serving).collect()
    }

    /// Answers a request. The path begins with the system's prefix: `/kubernetes/CELL`, `/prometheus` or `/github`.
    pub fn respond(&mut self, now: Timestamp, request: &Request<Bytes>) -> Exchange {
        self.advance(now);
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let fate = self.faults.fate(self.now, &path);
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
            due = self.system(&stream.place).map(|system| system.due(stream.cursor, at)).unwrap_or_default();
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
            && let Some(system) = self.system(&stream.place)
        {
            system.hang_up(stream.cursor);
        }
    }

    fn reply(&mut self, request: &Request<Bytes>, path: &str) -> Reply {
        let Some((place, rest)) = Place::of(path) else {
            return Reply::Whole(door::nowhere(self.clusters.keys(), self.github.is_some()));
        };
        if let Some(refusal) = self.door.refuses(&place, request) {
            return Reply::Whole(refusal);
        }
        let (now, mut request) = (self.now, place::inside(request, rest));
        if place == Place::GitHub {
            self.door.let_in(&mut request);
        }
        let Some(system) = self.system(&place) else {
            return Reply::Whole(door::nowhere(self.clusters.keys(), self.github.is_some()));
        };
        match system.respond(now, &request) {
            Reply::Stream { head, cursor } => {
                self.opened += 1;
                self.streams.insert(self.opened, Stream { place, cursor, path: path.to_owned(), opened: now });
                Reply::Stream { head, cursor: Cursor(self.opened) }
            }
            whole @ Reply::Whole(_) => whole,
        }
    }

    fn system(&mut self, place: &Place) -> Option<&mut dyn System> {
        match place {
            Place::Cluster(cell) => self.clusters.get_mut(cell).map(|cluster| cluster as &mut dyn System),
            Place::Prometheus => Some(&mut self.prometheus),
            Place::GitHub => self.github.as_mut().map(|forge| forge as &mut dyn System),
        }
    }

    fn next_move(&self) -> Option<Timestamp> {
        let systems = self.clusters.values().filter_map(System::next);
        let forge = self.github.as_ref().and_then(System::next);
        let script = self.script.front().map(|(at, _)| *at);
        systems.chain(forge).chain(script).chain([self.next_scrape]).min()
    }

    /// Everything that happens at the world's time: first what people do, then what controllers do, then the scrape sees it.
    fn step(&mut self) {
        let now = self.now;
        while let Some((_, deed)) = self.script.pop_front_if(|(at, _)| *at <= now) {
            self.act(&deed);
        }
        for cluster in self.clusters.values_mut().filter(|cluster| cluster.next().is_some_and(|at| at <= now)) {
            cluster.advance(now);
        }
        if let Some(forge) = self.github.as_mut().filter(|forge| forge.next().is_some_and(|at| at <= now)) {
            forge.advance(now);
        }
        if self.next_scrape <= now {
            self.prometheus.scrape(now, &self.serving());
            self.next_scrape = Prometheus::next_scrape(now);
        }
    }

    fn act(&mut self, deed: &Deed) {
        let now = self.now;
        let done = match deed {
            Deed::Cluster(cell, action) => match self.clusters.get_mut(cell) {
                Some(cluster) => cluster.act(now, action).map_err(|error| error.to_string()),
                None => Err(format!("there is no cell {cell}")),
            },
            Deed::GitHub(action) => match &mut self.github {
                Some(forge) => forge.act(now, action).map_err(|error| error.to_string()),
                None => Err("there is no GitHub".to_owned()),
            },
        };
        if let Err(why) = done {
            self.failures.push(format!("{now}: {why}"));
        }
    }

    fn stamp(&self, headers: &mut http::HeaderMap, skew: TimeDelta) {
        let date = (self.now + skew).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        if let Ok(date) = HeaderValue::from_str(&date) {
            headers.insert(DATE, date);
        }
    }
}
