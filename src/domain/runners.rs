//! Runners that could take a job that waits for one: what it asks for, and how many there are, as far as its system tells.
//!
//! Here must not live: how a system is asked, and where this is shown.

use serde::{Deserialize, Serialize};

use crate::domain::text::clean;

/// Names that a sentence names.
const NAMED: usize = 5;

/// The runners that fit a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runners {
    /// What the job asks for, in its system's words: labels, tags, rules of a query. Printable.
    pub wants: Vec<String>,
    /// How many of those that fit take jobs.
    pub online: u32,
    /// How many of them have nothing to do; `None` where the system does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free: Option<u32>,
    /// How many of those that fit are away or paused.
    pub offline: u32,
    /// What could not be counted, a sentence each: there may be more of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
}

/// One runner, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runner {
    /// Does it take jobs?
    pub online: bool,
    /// Does it do one now? `None` where that is not told.
    pub busy: Option<bool>,
}

impl Runners {
    /// Those that fit what a job asks for.
    pub fn fitting<'a>(wants: impl IntoIterator<Item = &'a String>, all: impl IntoIterator<Item = Runner>) -> Self {
        let mut found = Self { wants: wants.into_iter().map(|want| clean(want)).collect(), ..Self::default() };
        let mut free = Some(0_u32);
        for one in all {
            if one.online {
                found.online += 1;
                free = free.zip(one.busy).map(|(free, busy)| free + u32::from(!busy));
            } else {
                found.offline += 1;
            }
        }
        found.free = free;
        found
    }

    /// The same, where that could not be counted.
    #[must_use]
    pub fn without(mut self, unread: impl IntoIterator<Item = String>) -> Self {
        self.unread.extend(unread);
        self
    }

    /// Is there none that could take it, as long as nobody does something?
    pub fn is_none(&self) -> bool {
        self.online == 0 && self.unread.is_empty()
    }

    /// `all 2 runners with gpu, linux are busy`.
    pub fn words(&self) -> String {
        let with = match self.wants.len() {
            0 => String::new(),
            many if many <= NAMED => format!(" with {}", self.wants.join(", ")),
            many => {
                format!(" with {} and {} more", self.wants.get(..NAMED).unwrap_or_default().join(", "), many - NAMED)
            }
        };
        let some = |many: u32| if many == 1 { format!("1 runner{with}") } else { format!("{many} runners{with}") };
        let is = |many: u32| if many == 1 { "is" } else { "are" };
        let counted = match (self.online, self.free, self.offline) {
            (0, _, 0) if self.unread.is_empty() => Some(format!("there is no runner{with}")),
            (0, _, 0) => None,
            (0, _, 1) => Some(format!("the only runner{with} is away or paused")),
            (0, _, away) => Some(format!("none of {} takes jobs", some(away))),
            (1, Some(0), _) => Some(format!("the only runner{with} that takes jobs is busy")),
            (online, Some(0), _) => Some(format!("all {} are busy", some(online))),
            (online, Some(free), _) => Some(format!("{free} of {} {} free", some(online), is(free))),
            (online, None, _) => Some(format!("{} {} online", some(online), is(online))),
        };
        let counted = counted.into_iter().chain(self.unread.iter().cloned());
        let said = counted.collect::<Vec<_>>().join("; ");
        if self.online == 0 && self.offline == 0 && !self.unread.is_empty() {
            return format!("whether a runner{with} is free is not known: {said}");
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_for_a_job_is_said_as_far_as_it_is_known() {
        let gpu = ["gpu".to_owned(), "linux".to_owned()];
        let runner = |online, busy| Runner { online, busy };
        let (idle, busy, away) = (runner(true, Some(false)), runner(true, Some(true)), runner(false, Some(false)));
        let silent = runner(true, None);
        let refused = "of the organisation's: it needs a right";
        let table: [(&[Runner], Option<&str>, &str); 10] = [
            (&[], None, "there is no runner with gpu, linux"),
            (&[away], None, "the only runner with gpu, linux is away or paused"),
            (&[away, away], None, "none of 2 runners with gpu, linux takes jobs"),
            (&[busy, away], None, "the only runner with gpu, linux that takes jobs is busy"),
            (&[busy, busy], None, "all 2 runners with gpu, linux are busy"),
            (&[idle, busy], None, "1 of 2 runners with gpu, linux is free"),
            (&[silent, busy], None, "2 runners with gpu, linux are online"),
            (&[silent], None, "1 runner with gpu, linux is online"),
            (
                &[busy, busy],
                Some(refused),
                "all 2 runners with gpu, linux are busy; of the organisation's: it needs a right",
            ),
            (
                &[],
                Some(refused),
                "whether a runner with gpu, linux is free is not known: of the organisation's: it needs a right",
            ),
        ];
        for (all, unread, words) in table {
            let found = Runners::fitting(&gpu, all.iter().copied()).without(unread.map(str::to_owned));
            assert_eq!(found.words(), words);
            assert_eq!(found.is_none(), unread.is_none() && !all.iter().any(|one| one.online), "{words}");
        }
        let wants: Vec<String> = (1..=7).map(|n| format!("l{n}")).collect();
        let many = Runners::fitting(&wants, [busy]);
        assert_eq!(many.words(), "the only runner with l1, l2, l3, l4, l5 and 2 more that takes jobs is busy");
        assert_eq!(Runners::fitting(&[], [idle, idle]).words(), "2 of 2 runners are free");
    }
}
