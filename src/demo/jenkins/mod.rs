//! A pretended Jenkins: jobs in folders and multibranch projects, their builds with stages, inputs and logs, and its queue, over its
//! remote access API and that of its usual plugins.
//!
//! It is a fake, so it is checked against recorded answers and a client of others, not against our own. `spec` is the scenario's
//! side, `build` how builds move, `wire` the JSON, `tree` what of it is wanted, `route` the endpoints.

mod blueprint;
mod build;
mod route;
pub mod spec;
mod tree;
mod wire;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;

pub(crate) use self::blueprint::KIND;
use self::{
    build::{Build, Item, Job, QUIET, Why},
    spec::{Action, BuildSpec, Spec},
};
use crate::{
    demo::{
        system::{Reply, System},
        time::Offset,
    },
    domain::time::{Timestamp, after},
};

/// The number of the first queue item.
const FIRST_ITEM: u64 = 600;

/// Jenkins.
#[derive(Debug)]
pub struct Jenkins {
    spec: Spec,
    jobs: Vec<Job>,
    /// Builds that are yet to begin, by when: the job's place, and what the scenario says.
    coming: BTreeMap<Timestamp, Vec<(usize, BuildSpec)>>,
    /// What waits to become a build, and what left the queue lately, by its number.
    queue: BTreeMap<u64, Item>,
    revision: u64,
}

impl Jenkins {
    /// As it is at `start`: builds that began before have moved on to where they are then.
    pub fn new(spec: &Spec, start: Timestamp) -> Self {
        let mut coming = BTreeMap::<_, Vec<_>>::new();
        for (place, job) in spec.jobs.iter().enumerate() {
            for build in &job.builds {
                coming.entry(build.started.from(start)).or_default().push((place, build.clone()));
            }
        }
        let jobs = spec.jobs.iter().map(|spec| Job { spec: spec.clone(), builds: Vec::new() }).collect();
        let mut all = Self { spec: spec.clone(), jobs, coming, queue: BTreeMap::new(), revision: 0 };
        while let Some(at) = all.next().filter(|at| *at <= start) {
            all.advance(at);
        }
        all
    }

    /// Makes something happen that a script asks for.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn act(&mut self, now: Timestamp, action: &Action) -> Result<(), String> {
        self.revision += 1;
        match action {
            Action::Push { job, commit, by } => {
                let place = self.place(job)?;
                let last = self.jobs.get(place).and_then(|job| job.builds.last()).map(|build| build.spec.clone());
                let number = self.jobs.get(place).map_or(1, Job::next_number);
                let (commit, by, started) = (Some(commit.clone()), by.clone(), Offset::default());
                let spec = BuildSpec {
                    number,
                    commit,
                    by,
                    started,
                    name: None,
                    about: None,
                    answered: None,
                    ..last.unwrap_or_default()
                };
                self.begin(place, spec, Why::User, 0, now);
            }
            Action::Answer { job, build, proceed } => {
                let one = self.build(job, *build)?;
                let id = one.input().map(|input| build::capitalized(&input.id));
                if !id.is_some_and(|id| one.answer(now, &id, *proceed)) {
                    return Err(format!("jenkins: build {build} of {job} waits for nobody"));
                }
            }
            Action::Stop { job, build } => {
                if !self.build(job, *build)?.stop(now, "term") {
                    return Err(format!("jenkins: build {build} of {job} has ended"));
                }
            }
            Action::Rerun { job, build } => {
                let spec = self.build(job, *build)?.spec.clone();
                let place = self.place(job)?;
                self.enqueue(place, spec, Why::Replay(*build), now);
            }
        }
        Ok(())
    }

    fn place(&self, name: &str) -> Result<usize, String> {
        let found = self.jobs.iter().position(|job| job.spec.name == name);
        found.ok_or_else(|| format!("jenkins: there is no job '{name}'"))
    }

    fn build(&mut self, job: &str, number: u64) -> Result<&mut Build, String> {
        let place = self.place(job)?;
        let found = self.jobs.get_mut(place).and_then(|job| job.build(number));
        found.ok_or_else(|| format!("jenkins: {job} has no build {number}"))
    }

    fn begin(&mut self, place: usize, spec: BuildSpec, why: Why, queue: u64, now: Timestamp) {
        if let Some(job) = self.jobs.get_mut(place) {
            let build = Build::new(&job.spec, spec, why, queue, now);
            job.builds.push(build);
            job.builds.sort_by_key(|build| build.spec.number);
        }
    }

    /// Puts a build into the queue; its number there.
    fn enqueue(&mut self, job: usize, spec: BuildSpec, why: Why, now: Timestamp) -> u64 {
        let id = self.queue.last_key_value().map_or(FIRST_ITEM, |(id, _)| id + 1);
        self.queue.insert(id, Item { job, since: now, due: after(now, QUIET), spec, why, made: None });
        id
    }
}

impl System for Jenkins {
    fn respond(&mut self, now: Timestamp, request: &Request<Bytes>) -> Reply {
        Reply::Whole(self.answer(now, request))
    }

    fn next(&self) -> Option<Timestamp> {
        let moving = self.jobs.iter().flat_map(|job| &job.builds).filter_map(Build::next);
        let queued = self.queue.values().filter(|item| item.made.is_none()).map(|item| item.due);
        moving.chain(self.coming.keys().next().copied()).chain(queued).min()
    }

    fn advance(&mut self, now: Timestamp) {
        let mut moved = false;
        while let Some(due) = self.coming.first_entry().filter(|due| *due.key() <= now) {
            let at = *due.key();
            for (place, spec) in due.remove() {
                self.begin(place, spec, Why::User, 0, at);
                moved = true;
            }
        }
        let due: Vec<u64> =
            self.queue.iter().filter(|(_, item)| item.made.is_none() && item.due <= now).map(|(id, _)| *id).collect();
        for id in due {
            let Some(item) = self.queue.get(&id).cloned() else { continue };
            let number = self.jobs.get(item.job).map_or(1, Job::next_number);
            let by = self.spec.user.clone();
            let spec = BuildSpec { number, by, started: Offset::default(), answered: None, ..item.spec };
            self.begin(item.job, spec, item.why, id, item.due);
            if let Some(item) = self.queue.get_mut(&id) {
                item.made = Some(number);
            }
            moved = true;
        }
        for build in self.jobs.iter_mut().flat_map(|job| &mut job.builds) {
            moved |= build.advance(now);
        }
        self.revision += u64::from(moved);
    }

    fn revision(&self) -> u64 {
        self.revision
    }
}
