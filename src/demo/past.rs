//! What pipelines did before a scenario starts: runs that are like a team's, drawn from the pipeline's name, so that a scenario says
//! in a few lines what many pipelines did in weeks. They take longer and shorter, one fails now and then, and a test is flaky: it
//! fails, and passes on the same commit.
//!
//! Here is only what was run, when and of which commit; how a run moves is for the system that has it.

use std::time::Duration;

use serde::Deserialize;

use crate::demo::{rest::fnv, time::span};

/// The past of each of several pipelines.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PastSpec {
    /// How many runs.
    pub runs: u64,
    /// The mean time between two.
    #[serde(deserialize_with = "span")]
    pub every: Duration,
    /// How long before the start the newest began at the latest.
    #[serde(default, deserialize_with = "span")]
    pub until: Duration,
    /// The branch; `{number}` in it is the run's, for those of tags.
    #[serde(default = "main")]
    pub branch: String,
    /// What runs are about, in turn; `{name}` is the pipeline's.
    pub titles: Vec<String>,
    /// Who starts them.
    pub by: Vec<String>,
    /// What fails now and then, and passes when it is tried again.
    #[serde(default)]
    pub flaky: Option<Trouble>,
    /// What fails now and then for a reason.
    #[serde(default)]
    pub broken: Option<Trouble>,
}

/// What fails.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trouble {
    /// The job or step.
    pub job: String,
    /// One run in so many.
    pub one_in: u64,
    /// The lines that its log ends with then.
    #[serde(default)]
    pub log: Vec<String>,
    /// Those of its tests that fail then.
    #[serde(default)]
    pub tests: Vec<String>,
}

/// One run of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PastRun<'s> {
    /// Its number.
    pub(crate) number: u64,
    /// How long before the start it began.
    pub(crate) before: Duration,
    /// Branch or tag.
    pub(crate) branch: String,
    /// The commit.
    pub(crate) commit: String,
    /// What it is about.
    pub(crate) title: String,
    /// Who started it.
    pub(crate) by: String,
    /// How long everything in it takes, in percent of what it usually does.
    pub(crate) pace: u32,
    /// What failed in it, and whether it passed when it was tried again.
    pub(crate) trouble: Option<(&'s Trouble, bool)>,
}

impl PastSpec {
    /// The runs of the pipeline of this name, oldest first.
    pub(crate) fn of(&self, name: &str) -> Vec<PastRun<'_>> {
        let first = 40 + draw(name, 0, "first") % 700;
        (0..self.runs).map(|place| self.run(name, first + place, self.runs - 1 - place)).collect()
    }

    /// The run with this number, `back` runs before the newest.
    fn run(&self, name: &str, number: u64, back: u64) -> PastRun<'_> {
        let of = |what: &str, many: usize| usize::try_from(draw(name, number, what)).unwrap_or(0) % many.max(1);
        let one_of = |what: &str, all: &[String]| all.get(of(what, all.len())).cloned().unwrap_or_default();
        // Each somewhere in its own stretch of time, so that none overtakes another.
        let seconds = self.every.as_secs() * back + draw(name, number, "begin") % self.every.as_secs().max(1);
        let fails = |trouble: &&Trouble, what: &str| draw(name, number, what).is_multiple_of(trouble.one_in.max(1));
        let flaky = self.flaky.as_ref().filter(|it| fails(it, "flaky")).map(|it| (it, true));
        let broken = self.broken.as_ref().filter(|it| fails(it, "broken")).map(|it| (it, false));
        PastRun {
            number,
            before: self.until + Duration::from_secs(seconds),
            branch: self.branch.replace("{number}", &number.to_string()),
            commit: commit(name, number),
            title: one_of("title", &self.titles).replace("{name}", name),
            by: one_of("by", &self.by),
            pace: u32::try_from(85 + of("pace", 40)).unwrap_or(100),
            trouble: broken.or(flaky),
        }
    }
}

/// A time that is so many percent of another.
pub(crate) fn paced(takes: Duration, pace: u32) -> Duration {
    Duration::from_secs((takes * pace / 100).as_secs())
}

fn draw(name: &str, number: u64, what: &str) -> u64 {
    // The low bits of neighbours are alike.
    fnv(number, [name, what]) >> 17
}

/// A commit that follows from these.
fn commit(name: &str, number: u64) -> String {
    let part = |what: &str| fnv(number, [name, what]);
    let hex = format!("{:016x}{:016x}{:016x}", part("commit"), part("tree"), part("parent"));
    hex.chars().take(40).collect()
}

fn main() -> String {
    "main".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(runs: u64) -> PastSpec {
        let trouble =
            |job: &str, one_in| Some(Trouble { job: job.to_owned(), one_in, log: Vec::new(), tests: Vec::new() });
        PastSpec {
            runs,
            every: Duration::from_hours(3),
            until: Duration::from_mins(20),
            branch: "v1.{number}.0".to_owned(),
            titles: ["tidy {name}", "faster"].map(str::to_owned).to_vec(),
            by: ["kim", "lee"].map(str::to_owned).to_vec(),
            flaky: trouble("unit", 6),
            broken: trouble("lint", 9),
        }
    }

    #[test]
    fn runs_follow_each_other_in_time_and_number_and_are_the_same_each_time() {
        let past = past(200);
        let runs = past.of("web");
        assert_eq!(runs, past.of("web"));
        assert!(runs.iter().map(|run| &run.commit).ne(past.of("cart").iter().map(|run| &run.commit)));
        for pair in runs.windows(2) {
            assert!(pair[0].number + 1 == pair[1].number && pair[0].before > pair[1].before, "{pair:?}");
        }
        let newest = runs.last().unwrap();
        assert!(newest.before >= past.until && newest.before < past.until + past.every, "{newest:?}");
        assert_eq!(newest.branch, format!("v1.{}.0", newest.number));
        assert!(runs.iter().all(|run| run.commit.len() == 40 && run.commit.chars().all(|c| c.is_ascii_hexdigit())));
    }

    #[test]
    fn about_as_many_fail_as_it_says_and_they_take_longer_and_shorter() {
        let past = past(900);
        let runs = past.of("web");
        let count = |flaky| runs.iter().filter(|run| run.trouble.is_some_and(|it| it.1 == flaky)).count();
        assert!((70..130).contains(&count(false)), "{} of about 100", count(false));
        assert!((95..175).contains(&count(true)), "{} of about 133", count(true));
        let paces: Vec<u32> = runs.iter().map(|run| run.pace).collect();
        assert_eq!((paces.iter().min(), paces.iter().max()), (Some(&85), Some(&124)));
        assert_eq!(paced(Duration::from_secs(200), 85), Duration::from_secs(170));
    }
}
