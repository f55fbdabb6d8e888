//! How the patterns of a release stand now: whose lines they are, what is proven of them. Nothing is read or counted here.

use std::collections::BTreeMap;

use super::Logs;
use crate::{
    app::model::Model,
    domain::{
        line::Pattern,
        naming::{self, Label},
        rollout::{Arm, Role, Rollout},
    },
    judge::{
        counts::Tally,
        pattern::{Finding, Proven, Rate},
        ratio::Ratio,
    },
};

/// A pattern as it stands now.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing<'a> {
    /// The pattern.
    pub pattern: &'a Pattern,
    /// Its lines of the canary, of stable, and of neither.
    pub lines: (u64, u64, u64),
    /// Its lines for each 1,000 requests, of the canary and of stable, in the intervals of which both are known.
    pub per_thousand: Option<(f64, f64)>,
    /// What is proven.
    pub finding: Finding,
    rate: &'a Rate,
}

impl Standing<'_> {
    /// The canary's rate over stable's. Worked out when it is wanted: there may be hundreds of patterns, and few are shown.
    pub fn ratio(&self) -> Ratio {
        self.rate.ratio()
    }
}

/// The canary and stable of a release: those that its panels are about.
fn arms<'m>(model: &'m Model, rollout: &'m Rollout) -> [Option<&'m Arm>; 2] {
    let canary = rollout.side(Role::Canary).or_else(|| model.taken_back(rollout));
    [canary, rollout.side(Role::Stable)]
}

/// Which of the versions that write are the two sides of a release.
pub(super) fn places(model: &Model, rollout: &Rollout, labels: &[Label<'_>]) -> [Option<usize>; 2] {
    arms(model, rollout).map(|side| {
        let arm = side?;
        let others = rollout.arms.iter().filter(|other| other.hash != arm.hash);
        let all: Vec<&Arm> = others.chain([arm]).collect();
        naming::label_of(labels, &all, arm)
    })
}

pub(super) fn labels(versions: &[String]) -> Vec<Label<'_>> {
    versions.iter().map(|text| Label { text, role: None }).collect()
}

/// Whose lines these are, by the version that wrote them: the side of the release; `None` for what is neither.
pub fn sides<'v>(
    model: &Model,
    rollout: &Rollout,
    versions: impl IntoIterator<Item = &'v str>,
) -> BTreeMap<&'v str, Option<Role>> {
    let mut known: BTreeMap<&str, Option<Role>> = versions.into_iter().map(|version| (version, None)).collect();
    for (version, side) in &mut known {
        let one = [(*version).to_owned()];
        let [canary, stable] = places(model, rollout, &labels(&one));
        *side = canary.map(|_| Role::Canary).or(stable.map(|_| Role::Stable));
    }
    known
}

/// The patterns of these lines of a release: what is proven first, then by how bad they say they are and how many the canary wrote.
pub fn standing<'l>(model: &Model, rollout: &Rollout, logs: &'l Logs) -> Vec<Standing<'l>> {
    let versions: Vec<String> = logs.versions().into_iter().map(str::to_owned).collect();
    let places = places(model, rollout, &labels(&versions));
    let mut all: Vec<Standing<'l>> = logs
        .patterns
        .values()
        .map(|known| {
            let of = |place: Option<usize>| {
                place.and_then(|at| known.total.get(versions.get(at)?)).copied().unwrap_or_default()
            };
            let [canary, stable] = places.map(of);
            let rest = known.total.values().sum::<u64>().saturating_sub(canary + stable);
            let tested = known.rate.counted();
            let rate = |lines: u64, requests: u64| Rate::per_thousand(Tally { requests, errors: lines });
            let canary_rate = rate(tested.canary.errors, logs.requests.canary.requests);
            let stable_rate = rate(tested.stable.errors, logs.requests.stable.requests);
            Standing {
                pattern: &known.pattern,
                lines: (canary, stable, rest),
                per_thousand: canary_rate.zip(stable_rate),
                rate: &known.rate,
                finding: known.rate.finding(known.pattern.number),
            }
        })
        .collect();
    let rank = |one: &Standing<'_>| {
        let proven = match one.finding {
            Finding::New => 2,
            Finding::More => 1,
            Finding::Nothing => 0,
        };
        (proven, one.pattern.level, one.lines.0, one.lines.1, std::cmp::Reverse(one.pattern.number))
    };
    all.sort_by_key(|one| std::cmp::Reverse(rank(one)));
    all
}

/// What is proven of the patterns of a release, as far as its lines were read: those that everybody is asked for, whatever somebody
/// looks at besides.
pub fn proven(model: &Model, rollout: &Rollout) -> Vec<Proven> {
    // Another version's are no evidence against this one.
    let Some(logs) = model.logs.get(&rollout.id).filter(|logs| logs.canary == rollout.identity.canary_hash) else {
        return Vec::new();
    };
    let version = arms(model, rollout).into_iter().next().flatten().map_or_else(String::new, Arm::tag);
    let standing = standing(model, rollout, logs).into_iter();
    let found = standing.filter(|one| one.finding != Finding::Nothing);
    let of = |one: Standing<'_>| Proven {
        version: version.clone(),
        pattern: one.pattern.text.clone(),
        only: one.finding == Finding::New,
        counted: one.rate.counted(),
        per_thousand: one.per_thousand,
        ratio: one.ratio(),
        first: one.pattern.first,
    };
    found.map(of).collect()
}
