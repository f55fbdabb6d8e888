//! Cells: the places of one service that are parts of one environment, `prod/eu-west-1` beside `prod/us-east-1`. What each of them runs, and
//! how far one version has come among them. Pure; who tells of cells is elsewhere.
//!
//! A cell that could not be read is unknown: it counts as no cell that has the version, and as none that has not.

use crate::domain::{
    ids::{EnvironmentName, ServiceName},
    object::ObjectId,
    time::Timestamp,
    version::Version,
};

/// One of the things that run a service in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// What moves it.
    pub rollout: ObjectId,
    /// What serves; `None` where nobody says which version that is, and where there was none before.
    pub serves: Option<Version>,
    /// Since when that has all traffic, where it is known.
    pub since: Option<Timestamp>,
    /// What is on its way in.
    pub arrives: Option<Arrives>,
    /// Versions that were taken back here: aborted, or left for another one that was put back.
    pub left: Vec<Version>,
    /// Why what it says cannot be relied on now, as a sentence.
    pub unknown: Option<String>,
}

/// A version on its way into a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrives {
    /// Which; `None` where nobody says.
    pub version: Option<Version>,
    /// Its share of the traffic, percent; `None` where nobody knows.
    pub percent: Option<u32>,
    /// It was taken back, and may still be in the spec.
    pub taken_back: bool,
}

/// A service in one environment that has siblings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Where.
    pub environment: EnvironmentName,
    /// Its wave, from 0, where the configuration declares one.
    pub wave: Option<usize>,
    /// Everything that runs the service there.
    pub shares: Vec<Share>,
    /// Why nothing is known of it, as a sentence; beside it, what was last known of it.
    pub unread: Option<String>,
}

/// How a version stands in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Everything there runs it, and nothing else is on its way in.
    Has {
        /// Since when the last of it does, where it is known.
        since: Option<Timestamp>,
    },
    /// It is on its way in.
    Arrives {
        /// Its share of the traffic, percent; `None` where nobody knows.
        percent: Option<u32>,
    },
    /// It serves, and another one is on its way in.
    Yields {
        /// Which; `None` where nobody says.
        to: Option<Version>,
    },
    /// It was taken back there.
    TakenBack {
        /// What serves.
        runs: Option<Version>,
    },
    /// Another version serves.
    Other {
        /// Which.
        runs: Version,
        /// Since when, where it is known.
        since: Option<Timestamp>,
    },
    /// Nobody knows, for this reason.
    Unknown(String),
}

impl Standing {
    /// The worse, the higher: of several things in one cell the worst counts.
    fn rank(&self) -> u8 {
        match self {
            Self::Has { .. } => 0,
            Self::Arrives { .. } => 1,
            Self::Yields { .. } => 2,
            Self::Other { .. } => 3,
            Self::TakenBack { .. } => 4,
            Self::Unknown(_) => 5,
        }
    }
}

impl Share {
    fn standing(&self, version: &Version) -> Standing {
        if let Some(why) = &self.unknown {
            return Standing::Unknown(why.clone());
        }
        let is_it = |other: &Option<Version>| other.as_ref().is_some_and(|other| other.is_same(version));
        match &self.arrives {
            Some(arrives) if is_it(&arrives.version) && arrives.taken_back => {
                return Standing::TakenBack { runs: self.serves.clone() };
            }
            Some(arrives) if is_it(&arrives.version) => return Standing::Arrives { percent: arrives.percent },
            Some(Arrives { version: None, .. }) => {
                return Standing::Unknown("which version is on its way there is not known".to_owned());
            }
            // What was taken back takes no traffic from what serves.
            Some(Arrives { version: to, taken_back: false, .. }) if is_it(&self.serves) => {
                return Standing::Yields { to: to.clone() };
            }
            _ => {}
        }
        match &self.serves {
            Some(_) if is_it(&self.serves) => Standing::Has { since: self.since },
            runs if self.left.iter().any(|left| left.is_same(version)) => Standing::TakenBack { runs: runs.clone() },
            Some(runs) => Standing::Other { runs: runs.clone(), since: self.since },
            None => Standing::Unknown("which version serves there is not known".to_owned()),
        }
    }
}

impl Cell {
    /// How a version stands here: the worst of everything that runs the service here.
    pub fn standing(&self, version: &Version) -> Standing {
        if let Some(why) = &self.unread {
            return Standing::Unknown(why.clone());
        }
        let mut all: Vec<Standing> = self.shares.iter().map(|share| share.standing(version)).collect();
        all.sort_by_key(Standing::rank);
        let since = |standing: &Standing| if let Standing::Has { since } = standing { Some(*since) } else { None };
        match all.pop() {
            None => Standing::Unknown("nothing is known of it".to_owned()),
            // All of them have it, and the last one decides since when; one that is not known makes all of it not known.
            Some(Standing::Has { since: last }) => {
                let whole = all
                    .iter()
                    .filter_map(since)
                    .try_fold(last, |one, other| Some(one.zip(other).map(|(a, b)| a.max(b))));
                Standing::Has { since: whole.flatten() }
            }
            Some(worst) => worst,
        }
    }

    /// What serves here, where it is one version and known.
    pub fn serves(&self) -> Option<&Version> {
        let mut all = self.shares.iter().map(|share| share.serves.as_ref());
        let first = all.next()??;
        all.all(|other| other.is_some_and(|other| other.is_same(first))).then_some(first)
    }

    /// Since when, where that is known of all of it.
    pub fn since(&self) -> Option<Timestamp> {
        let all: Option<Vec<Timestamp>> = self.shares.iter().map(|share| share.since).collect();
        all?.into_iter().max()
    }

    /// What is on its way in and was not taken back; the first of several.
    pub fn arrives(&self) -> Option<&Arrives> {
        self.shares.iter().filter_map(|share| share.arrives.as_ref()).find(|arrives| !arrives.taken_back)
    }
}

/// The cells of a service that belong together; two at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cells {
    /// Of which service.
    pub service: ServiceName,
    /// By wave, then by name.
    pub all: Vec<Cell>,
}

/// How far a version has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// In so many cells all of it is there.
    pub has: usize,
    /// Of so many.
    pub of: usize,
}

impl Count {
    /// Is it everywhere?
    pub fn is_all(self) -> bool {
        self.has == self.of
    }
}

impl Cells {
    /// How far a version has come.
    pub fn count(&self, version: &Version) -> Count {
        let has = |cell: &&Cell| matches!(cell.standing(version), Standing::Has { .. });
        Count { has: self.all.iter().filter(has).count(), of: self.all.len() }
    }

    /// The version that these cells are about: the one that is on its way in, where there is one; else the newest of those that serve, by
    /// its number, where all are numbered, or by when it came. `None` where that cannot be told.
    pub fn release(&self) -> Option<&Version> {
        let arriving = distinct(self.all.iter().filter_map(|cell| cell.arrives()?.version.as_ref()));
        if let Some(newest) = newest_by_number(&arriving) {
            return Some(newest);
        }
        if !arriving.is_empty() {
            return None;
        }
        let shares = || self.all.iter().flat_map(|cell| &cell.shares);
        let serving = distinct(shares().filter_map(|share| share.serves.as_ref()));
        newest_by_number(&serving).or_else(|| {
            let all: Option<Vec<_>> = shares().map(|share| Some((share.since?, share.serves.as_ref()?))).collect();
            all?.into_iter().max_by_key(|(since, _)| *since).map(|(_, version)| version)
        })
    }

    /// Does any of them run something else than the others, or is it unknown whether it does?
    pub fn differ(&self) -> bool {
        self.release().is_none_or(|version| !self.count(version).is_all())
    }

    /// The cell of an environment.
    pub fn cell(&self, environment: &EnvironmentName) -> Option<&Cell> {
        self.all.iter().find(|cell| cell.environment == *environment)
    }

    /// What a cell is called beside its siblings: without what all of them begin with, `eu-west-1` of `prod/eu-west-1`.
    pub fn name<'c>(&self, cell: &'c Cell) -> &'c str {
        let name = cell.environment.as_str();
        let Some((stage, rest)) = name.split_once('/') else { return name };
        let same = |other: &Cell| other.environment.as_str().split_once('/').is_some_and(|(it, _)| it == stage);
        if self.all.iter().all(same) { rest } else { name }
    }
}

/// Each artifact once.
fn distinct<'v>(all: impl Iterator<Item = &'v Version>) -> Vec<&'v Version> {
    let mut found: Vec<&Version> = Vec::new();
    for version in all {
        if !found.iter().any(|known| known.is_same(version)) {
            found.push(version);
        }
    }
    found
}

/// The only one, or the one with the highest number where all are numbered and one is the highest.
fn newest_by_number<'v>(all: &[&'v Version]) -> Option<&'v Version> {
    if let [one] = all {
        return Some(one);
    }
    let mut numbered: Vec<(Vec<u64>, &Version)> =
        all.iter().map(|one| Some((one.numbers()?, *one))).collect::<Option<_>>()?;
    numbered.sort_by(|one, other| one.0.cmp(&other.0));
    let (newest, version) = numbered.pop()?;
    numbered.last().is_none_or(|(before, _)| *before < newest).then_some(version)
}

#[cfg(test)]
mod tests;
