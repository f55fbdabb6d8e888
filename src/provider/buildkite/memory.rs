//! What is known of an organisation's builds between two looks. Lists are cut at their newest entries: a build that was not over
//! and is in no list any more is kept until a direct read says what became of it. Pure: no requests here.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    domain::time::{Timestamp, age},
    provider::buildkite::{api::Build, normalize::over, request::OF_ONE},
};

/// A look that comes this much early is in time.
const EARLY: Duration = Duration::from_secs(2);
/// A pipeline that is named and of which no build is known is asked for this often.
const AGAIN: Duration = Duration::from_mins(30);

/// Which build: its pipeline and number.
pub(super) type Key = (String, u64);

/// The builds of one organisation, and which of its pipelines were asked for by themselves.
#[derive(Debug, Default)]
pub(super) struct Memory {
    builds: BTreeMap<Key, Build>,
    asked: BTreeMap<String, (Timestamp, Option<String>)>,
    /// When the newest builds were read last, and what of them could not be.
    newest: Option<(Timestamp, Vec<String>)>,
}

/// Which build it is; `None` where it does not say.
pub(super) fn key(build: &Build) -> Option<Key> {
    Some((build.slug()?.to_owned(), build.number?))
}

impl Memory {
    /// Takes what was just read of a build. One without its jobs keeps those that were known: they were left out.
    pub(super) fn take(&mut self, build: Build) {
        let Some(key) = key(&build) else { return };
        let known = self.builds.remove(&key).filter(|known| known.state == build.state && build.jobs.is_none());
        let jobs = build.jobs.or(known.and_then(|known| known.jobs));
        self.builds.insert(key, Build { jobs, ..build });
    }

    /// A build, as it was read last.
    pub(super) fn get(&self, key: &Key) -> Option<&Build> {
        self.builds.get(key)
    }

    /// The newest builds were read, but for these.
    pub(super) fn read_newest(&mut self, now: Timestamp, gaps: Vec<String>) {
        self.newest = Some((now, gaps));
    }

    /// Something happened: the newest builds are to be read at the next look.
    pub(super) fn stir(&mut self) {
        self.newest = None;
    }

    /// What could not be read of the newest builds, where it is not time yet to read them again.
    pub(super) fn rests(&self, now: Timestamp, interval: Duration) -> Option<Vec<String>> {
        let (at, gaps) = self.newest.as_ref()?;
        (age(now, *at) + EARLY < interval).then(|| gaps.clone())
    }

    /// A direct read said that it is not there any more.
    pub(super) fn forget(&mut self, key: &Key) {
        self.builds.remove(key);
    }

    /// Builds that are not over and are not in this list of all that are not.
    pub(super) fn absent(&self, listed: &BTreeSet<Key>) -> Vec<Key> {
        let absent = self.builds.iter().filter(|(key, build)| !over(build) && !listed.contains(key));
        absent.map(|(key, _)| key.clone()).collect()
    }

    /// Is nothing known of this pipeline, and was it not asked for lately?
    pub(super) fn lacks(&self, pipeline: &str, now: Timestamp) -> bool {
        let known = self.builds.keys().any(|(slug, _)| slug == pipeline);
        !known && self.asked.get(pipeline).is_none_or(|(at, _)| age(now, *at) >= AGAIN)
    }

    /// A pipeline was asked for by itself; where it could not be read, why.
    pub(super) fn asked(&mut self, pipeline: &str, now: Timestamp, failed: Option<String>) {
        self.asked.insert(pipeline.to_owned(), (now, failed));
    }

    /// Why pipelines could not be read, of which still nothing is known.
    pub(super) fn unread(&self) -> Vec<String> {
        let unknown = |pipeline: &str| !self.builds.keys().any(|(slug, _)| slug == pipeline);
        let asked = self.asked.iter().filter(|(pipeline, _)| unknown(pipeline));
        asked.filter_map(|(_, (_, failed))| failed.clone()).collect()
    }

    /// Everything known, newest first. Of the builds that are over only the newest of each pipeline are kept.
    pub(super) fn newest_first(&mut self) -> Vec<Build> {
        let mut all: Vec<(Key, Build)> = self.builds.iter().map(|(key, build)| (key.clone(), build.clone())).collect();
        all.sort_by_key(|((slug, number), build)| Reverse((build.created_at, slug.clone(), *number)));
        let mut ended = BTreeMap::<String, usize>::new();
        all.retain(|((slug, _), build)| {
            let count = ended.entry(slug.clone()).or_default();
            *count += usize::from(over(build));
            !over(build) || *count <= OF_ONE
        });
        let kept: BTreeSet<&Key> = all.iter().map(|(key, _)| key).collect();
        self.builds.retain(|key, _| kept.contains(key));
        all.into_iter().map(|(_, build)| build).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{
        buildkite::api::{Job, Pipeline},
        http::listed::Listed,
    };

    fn build(slug: &str, number: u64, state: &str) -> Build {
        Build {
            number: Some(number),
            state: Some(state.to_owned()),
            created_at: Timestamp::from_timestamp(i64::try_from(number).unwrap(), 0),
            pipeline: Some(Pipeline { slug: Some(slug.to_owned()) }),
            ..Build::default()
        }
    }

    fn of(slug: &str, number: u64) -> Key {
        (slug.to_owned(), number)
    }

    #[test]
    fn a_build_that_a_list_leaves_out_stays_until_it_is_known_to_be_over() {
        let mut memory = Memory::default();
        for one in [build("a", 1, "running"), build("a", 2, "passed"), build("b", 1, "scheduled")] {
            memory.take(one);
        }
        assert_eq!(memory.absent(&BTreeSet::from([of("b", 1)])), [of("a", 1)]);
        memory.take(build("a", 1, "failed"));
        assert_eq!(memory.absent(&BTreeSet::from([of("b", 1)])), []);
        memory.forget(&of("b", 1));
        let numbers: Vec<_> = memory.newest_first().iter().map(|build| build.number).collect();
        assert_eq!(numbers, [Some(2), Some(1)]);
    }

    #[test]
    fn the_newest_builds_are_read_once_in_an_interval_and_after_something_happened() {
        let (mut memory, interval) = (Memory::default(), Duration::from_secs(30));
        let at = |second| Timestamp::from_timestamp(second, 0).unwrap();
        assert_eq!(memory.rests(at(0), interval), None);
        memory.read_newest(at(0), vec!["one".into()]);
        assert_eq!((memory.rests(at(27), interval), memory.rests(at(28), interval)), (Some(vec!["one".into()]), None));
        memory.stir();
        assert_eq!(memory.rests(at(1), interval), None);
    }

    #[test]
    fn jobs_that_a_list_leaves_out_are_kept_while_the_build_stays_where_it_is() {
        let mut memory = Memory::default();
        let jobs = Some(Listed { read: vec![Job { id: Some("j".into()), ..Job::default() }], unread: 0 });
        memory.take(Build { jobs: jobs.clone(), ..build("a", 1, "running") });
        memory.take(build("a", 1, "running"));
        assert_eq!(memory.newest_first()[0].jobs, jobs);
        memory.take(build("a", 1, "passed"));
        assert_eq!(memory.newest_first()[0].jobs, None);
    }

    #[test]
    fn builds_that_are_over_do_not_pile_up_and_one_busy_pipeline_does_not_push_out_another() {
        let mut memory = Memory::default();
        memory.take(build("quiet", 1, "passed"));
        memory.take(build("busy", 2, "running"));
        (3..=100).for_each(|number| memory.take(build("busy", number, "passed")));
        let kept = memory.newest_first();
        assert_eq!((kept.len(), memory.newest_first().len()), (OF_ONE + 2, OF_ONE + 2));
        assert!(kept.iter().any(|build| build.slug() == Some("quiet")));
    }

    #[test]
    fn a_pipeline_of_which_nothing_is_known_is_asked_for_by_itself_and_not_at_every_look() {
        let (mut memory, at) = (Memory::default(), |minute: i64| Timestamp::from_timestamp(minute * 60, 0).unwrap());
        assert!(memory.lacks("a", at(0)));
        memory.asked("a", at(0), Some("no pipeline found".into()));
        assert!(!memory.lacks("a", at(29)) && memory.lacks("a", at(30)));
        assert_eq!(memory.unread(), ["no pipeline found"]);
        memory.take(build("a", 1, "passed"));
        assert!(!memory.lacks("a", at(60)) && memory.unread().is_empty());
    }
}
