//! What is known of a folder's builds between two looks. A look reads the newest builds of each job: one that was not over and is not
//! among them any more is kept until a direct read says what became of it. Pure: no requests here.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    domain::time::{Timestamp, age},
    provider::jenkins::{
        again::is_again,
        api::{Build, Input, Parameter},
        normalize::{causes, over},
        request::MANY,
    },
};

/// More than the newest builds are read this often.
const ALL_AGAIN: Duration = Duration::from_mins(10);

/// Which build: its job's full name, and its number.
pub(super) type Key = (String, u64);

/// What is known of a job beside its builds.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// The full name of what is released.
    pub(super) project: String,
    /// What it asks for where somebody builds it.
    pub(super) parameters: Vec<Parameter>,
}

/// The builds of one folder.
#[derive(Debug, Default)]
pub(super) struct Memory {
    jobs: BTreeMap<String, Known>,
    builds: BTreeMap<Key, Build>,
    /// Inputs that a build does not tell itself.
    hidden: BTreeMap<Key, Vec<Input>>,
    /// Since when an input waits.
    since: BTreeMap<(Key, String), Timestamp>,
    /// When a build was last asked for by itself.
    asked: BTreeMap<Key, Timestamp>,
    /// Something was sent there: what was asked for lately is asked for again.
    stirred: bool,
    /// When more than the newest builds were read last.
    all: Option<Timestamp>,
}

impl Memory {
    /// Is it time to read more than the newest builds?
    pub(super) fn wants_all(&self, now: Timestamp) -> bool {
        self.all.is_none_or(|at| age(now, at) >= ALL_AGAIN)
    }

    /// Everything was read.
    pub(super) fn read_all(&mut self, now: Timestamp) {
        self.all = Some(now);
    }

    /// Takes what was just read of a job; what is read of all its newest builds replaces those that are over.
    pub(super) fn take_job(&mut self, job: &str, known: Known, builds: Vec<Build>, all: bool) {
        self.jobs.insert(job.to_owned(), known);
        if all {
            let listed: BTreeSet<u64> = builds.iter().filter_map(|build| build.number).collect();
            self.builds.retain(|(of, number), build| of != job || listed.contains(number) || !over(build));
        }
        for build in builds {
            self.take(job, build);
        }
    }

    /// Takes one build.
    pub(super) fn take(&mut self, job: &str, build: Build) {
        if let Some(number) = build.number {
            self.builds.insert((job.to_owned(), number), build);
        }
    }

    /// A job of before is not there any more.
    pub(super) fn keep_jobs(&mut self, there: &BTreeSet<String>) {
        self.jobs.retain(|job, _| there.contains(job));
        self.builds.retain(|(job, _), _| there.contains(job));
    }

    /// What is known of a job.
    pub(super) fn job(&self, job: &str) -> Option<&Known> {
        self.jobs.get(job)
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Build> {
        self.builds.get(key)
    }

    /// A direct read said that it is not there any more.
    pub(super) fn forget(&mut self, key: &Key) {
        self.builds.remove(key);
    }

    /// Builds that are not over and were not read just now; first those that were asked for longest ago.
    pub(super) fn absent(&self, read: &BTreeSet<Key>) -> Vec<Key> {
        let absent = self.builds.iter().filter(|(key, build)| !over(build) && !read.contains(*key));
        let mut absent: Vec<Key> = absent.map(|(key, _)| key.clone()).collect();
        absent.sort_by_key(|key| self.asked.get(key).copied());
        absent
    }

    /// Something was sent there.
    pub(super) fn stir(&mut self) {
        self.stirred = true;
    }

    /// Was something sent there since this was asked last?
    pub(super) fn was_stirred(&mut self) -> bool {
        std::mem::take(&mut self.stirred)
    }

    /// When a build was last asked for by itself.
    pub(super) fn asked_at(&self, key: &Key) -> Option<Timestamp> {
        self.asked.get(key).copied()
    }

    /// A build was asked for by itself.
    pub(super) fn asked(&mut self, key: &Key, now: Timestamp) {
        self.asked.insert(key.clone(), now);
    }

    /// The inputs that a build waits for, whoever told them.
    pub(super) fn inputs(&self, key: &Key) -> Vec<Input> {
        let Some(build) = self.builds.get(key).filter(|build| !over(build)) else { return Vec::new() };
        let hidden = self.hidden.get(key).filter(|_| build.hides_inputs());
        build.inputs().chain(hidden.into_iter().flatten()).cloned().collect()
    }

    /// Builds that may wait for inputs which they do not tell.
    pub(super) fn hiding(&self) -> Vec<Key> {
        let hides = |build: &Build| !over(build) && build.hides_inputs();
        self.builds.iter().filter(|(_, build)| hides(build)).map(|(key, _)| key.clone()).collect()
    }

    /// What was told elsewhere of the inputs of a build.
    pub(super) fn take_hidden(&mut self, key: Key, inputs: Vec<Input>) {
        self.hidden.insert(key, inputs);
    }

    /// Since when an input waits, where that was found out.
    pub(super) fn since(&self, key: &Key, input: &str) -> Option<Timestamp> {
        self.since.get(&(key.clone(), input.to_owned())).copied()
    }

    /// Builds with inputs of which that is not known.
    pub(super) fn timeless(&self) -> Vec<Key> {
        let timeless = |key: &&Key| {
            let inputs = self.inputs(key);
            inputs.iter().filter_map(|input| input.id.as_deref()).any(|id| self.since(key, id).is_none())
        };
        self.builds.keys().filter(timeless).cloned().collect()
    }

    /// Its inputs wait since then, as far as that was not known.
    pub(super) fn wait_since(&mut self, key: &Key, at: Timestamp) {
        for input in self.inputs(key) {
            self.since.entry((key.clone(), input.id.unwrap_or_default())).or_insert(at);
        }
    }

    /// The newest build that runs this one again.
    pub(super) fn again(&self, (job, number): &Key) -> Option<u64> {
        let of = self.builds.iter().filter(|((other, _), _)| other == job);
        again(of.map(|(_, build)| build), *number)
    }

    /// Everything known, newest first. Of the builds that are over only the newest of each job are kept.
    pub(super) fn newest_first(&mut self) -> Vec<(Key, Build)> {
        let mut all: Vec<(Key, Build)> = self.builds.iter().map(|(key, build)| (key.clone(), build.clone())).collect();
        all.sort_by_key(|(key, build)| Reverse((build.timestamp, key.1, key.0.clone())));
        let mut ended = BTreeMap::<String, usize>::new();
        all.retain(|((job, _), build)| {
            let count = ended.entry(job.clone()).or_default();
            *count += usize::from(over(build));
            !over(build) || *count <= MANY
        });
        let kept: BTreeSet<&Key> = all.iter().map(|(key, _)| key).collect();
        self.builds.retain(|key, _| kept.contains(key));
        self.hidden.retain(|key, _| kept.contains(key));
        self.asked.retain(|key, _| kept.contains(key));
        self.since.retain(|(key, _), _| kept.contains(key));
        all
    }
}

/// The newest of these builds that says to run the one with this number again.
pub(super) fn again<'a>(builds: impl Iterator<Item = &'a Build>, number: u64) -> Option<u64> {
    let says_so = |build: &&Build| {
        causes(build).any(|cause| {
            let (class, words) = (cause.class.as_deref(), cause.short_description.as_deref());
            is_again(class.unwrap_or_default(), words.unwrap_or_default(), number)
        })
    };
    builds.filter(says_so).filter_map(|build| build.number).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(number: u64, result: Option<&str>) -> Build {
        Build {
            number: Some(number),
            result: result.map(str::to_owned),
            building: Some(result.is_none()),
            timestamp: Timestamp::from_timestamp(i64::try_from(number).unwrap(), 0),
            ..Build::default()
        }
    }

    fn key(number: u64) -> Key {
        ("shop/gateway".to_owned(), number)
    }

    fn take(memory: &mut Memory, builds: Vec<Build>, all: bool) {
        memory.take_job("shop/gateway", Known::default(), builds, all);
    }

    #[test]
    fn a_build_that_is_read_no_more_stays_until_it_is_known_to_be_over() {
        let mut memory = Memory::default();
        take(&mut memory, vec![build(1, None), build(2, Some("SUCCESS"))], true);
        take(&mut memory, vec![build(9, Some("SUCCESS"))], true);
        assert_eq!(memory.absent(&BTreeSet::from([key(9)])), [key(1)]);
        take(&mut memory, vec![build(3, None)], false);
        memory.asked(&key(1), Timestamp::UNIX_EPOCH);
        assert_eq!(memory.absent(&BTreeSet::new()), [key(3), key(1)], "each has its turn");
        memory.take("shop/gateway", build(3, Some("SUCCESS")));
        assert!(memory.get(&key(2)).is_none(), "what is over and not among the newest is forgotten");
        memory.take("shop/gateway", build(1, Some("ABORTED")));
        assert_eq!(memory.absent(&BTreeSet::new()), []);
    }

    #[test]
    fn builds_that_are_over_do_not_pile_up() {
        let mut memory = Memory::default();
        take(&mut memory, vec![build(1, None)], false);
        (2..=100).for_each(|number| take(&mut memory, vec![build(number, Some("SUCCESS"))], false));
        assert_eq!((memory.newest_first().len(), memory.newest_first().len()), (MANY + 1, MANY + 1));
    }

    #[test]
    fn all_is_read_again_after_a_while() {
        let (mut memory, at) = (Memory::default(), |minute: i64| Timestamp::from_timestamp(minute * 60, 0).unwrap());
        assert!(memory.wants_all(at(0)));
        memory.read_all(at(0));
        assert!(!memory.wants_all(at(9)) && memory.wants_all(at(10)));
    }

    #[test]
    fn an_input_waits_since_it_was_first_known_to_whatever_is_read_later() {
        let mut memory = Memory::default();
        let input = r#"{"number": 5, "building": true, "actions": [{"executions": [{"input": {"id": "Ship"}}]}]}"#;
        take(&mut memory, vec![serde_json::from_str(input).unwrap()], false);
        let at = |second| Timestamp::from_timestamp(second, 0).unwrap();
        assert_eq!(memory.timeless(), [key(5)]);
        memory.wait_since(&key(5), at(7));
        memory.wait_since(&key(5), at(9));
        assert_eq!((memory.timeless(), memory.since(&key(5), "Ship")), (vec![], Some(at(7))));
    }
}
