//! From classes to one number, and from the number to a word.

use std::collections::BTreeMap;

use crate::judge::aca::classify::Classification;

/// Without data for this many of 100 metrics there is no score.
const TOO_MANY_WITHOUT_DATA: f64 = 50.0;

/// A metric as the score sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored<'a> {
    /// The groups that it counts in.
    pub groups: &'a [String],
    /// Its class.
    pub classification: Classification,
    /// Anything but a pass fails the whole canary.
    pub critical: bool,
    /// Why it has that class.
    pub reason: Option<&'a str>,
}

/// A group's score.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupScore {
    /// The group.
    pub name: String,
    /// Of 100 metrics with data, how many pass; 0 without data.
    pub score: f64,
    /// No metric of it has data: it counts as 100.
    pub no_data: bool,
}

/// The score, and how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Every group by name.
    pub groups: Vec<GroupScore>,
    /// 0 to 100 where the weights add up to 100; two decimals.
    pub summary: f64,
    /// Why it is 0 whatever the groups say.
    pub reason: Option<String>,
}

/// Scores metrics that are not muted: the groups' scores by their weights, or 0 for a critical failure or too little data.
pub fn score(metrics: &[Scored<'_>], weights: &BTreeMap<String, f64>) -> Score {
    let groups = groups(metrics);
    let failed = metrics.iter().find(|metric| metric.critical && metric.classification != Classification::Pass);
    let without_data = metrics.iter().filter(|metric| metric.classification == Classification::Nodata).count();
    let reason = if let Some(failed) = failed {
        let why = failed.reason.map(|why| format!(": {why}")).unwrap_or_default();
        Some(format!("a critical metric is {}{why}", failed.classification.word()))
    } else if without_data as f64 / metrics.len() as f64 * 100.0 >= TOO_MANY_WITHOUT_DATA {
        Some(format!("{without_data} of {} metrics have no data", metrics.len()))
    } else if groups.is_empty() {
        Some("no metric counts in any group".to_owned())
    } else {
        None
    };
    let summary = if reason.is_some() { 0.0 } else { weighed(&groups, weights) };
    Score { groups, summary, reason }
}

fn groups(metrics: &[Scored<'_>]) -> Vec<GroupScore> {
    let mut counts: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for (metric, group) in metrics.iter().flat_map(|metric| metric.groups.iter().map(move |group| (metric, group))) {
        let (passed, counted) = counts.entry(group).or_default();
        match metric.classification {
            Classification::Pass => (*passed, *counted) = (*passed + 1, *counted + 1),
            Classification::High | Classification::Low | Classification::NodataFailMetric => *counted += 1,
            Classification::Nodata | Classification::Error => {}
        }
    }
    let group = |(name, (passed, counted)): (&str, (u32, u32))| GroupScore {
        name: name.to_owned(),
        score: if counted == 0 { 0.0 } else { f64::from(passed) / f64::from(counted) * 100.0 },
        no_data: counted == 0,
    };
    counts.into_iter().map(group).collect()
}

/// Weights of groups that are not there are lost, as upstream loses them.
fn weighed(groups: &[GroupScore], weights: &BTreeMap<String, f64>) -> f64 {
    let unweighed = groups.iter().filter(|group| !weights.contains_key(&group.name)).count();
    let share = (100.0 - weights.values().sum::<f64>()) / unweighed.max(1) as f64;
    let sum: f64 = groups
        .iter()
        .map(|group| {
            let score = if group.no_data { 100.0 } else { group.score };
            score * (weights.get(&group.name).unwrap_or(&share) / 100.0)
        })
        .sum();
    two_decimals(sum)
}

/// Rounds the number as it is written, half away from zero: 0.125 is 0.13, and so is 0.125 that is a hair less in binary but
/// written so.
fn two_decimals(number: f64) -> f64 {
    let text = number.abs().to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digit = |place: usize| fraction.chars().nth(place).and_then(|c| c.to_digit(10)).map_or(0.0, f64::from);
    let up = if digit(2) >= 5.0 { 1.0 } else { 0.0 };
    let hundredths = whole.parse().unwrap_or(f64::INFINITY) * 100.0 + digit(0) * 10.0 + digit(1) + up;
    (hundredths / 100.0).copysign(number)
}

/// The word for a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// Good enough.
    Pass,
    /// Between the thresholds.
    Marginal,
    /// Not good enough.
    Fail,
}

impl Grade {
    /// As the answer has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Marginal => "marginal",
            Self::Fail => "fail",
        }
    }
}

/// From which score on it passes, and from which it is marginal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// It passes from here.
    pub pass: f64,
    /// It is marginal from here.
    pub marginal: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { pass: 95.0, marginal: 75.0 }
    }
}

impl Thresholds {
    /// The word for a score, as the judge has it: a score on a threshold has reached it.
    pub fn grade(&self, score: f64) -> Grade {
        if score >= self.pass {
            Grade::Pass
        } else if score >= self.marginal {
            Grade::Marginal
        } else {
            Grade::Fail
        }
    }
}

/// Whether a series of judgements ends well, by its last score, as Kayenta's standalone canary has it: here a score **on** the
/// marginal threshold has not reached it, which contradicts [`Thresholds::grade`]; upstream has it both ways. A threshold that
/// is not set is not held against it.
pub fn ends_well(last_score: f64, marginal: Option<f64>, pass: Option<f64>) -> bool {
    let above_marginal = marginal.is_none_or(|marginal| last_score > marginal);
    above_marginal && pass.is_none_or(|pass| last_score >= pass)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_rounded_as_it_is_written() {
        let table = [
            (33.333_333_333_333_336, 33.33),
            (66.666_666_666_666_67, 66.67),
            (1.005, 1.01),
            (0.0, 0.0),
            (99.995, 100.0),
            (-1.005, -1.01),
            (5.0, 5.0),
        ];
        for (number, rounded) in table {
            assert_eq!(two_decimals(number).to_bits(), f64::to_bits(rounded), "{number}");
        }
    }

    #[test]
    fn nothing_to_score_is_no_success() {
        let score = score(&[], &BTreeMap::new());
        assert_eq!((score.summary, score.reason.as_deref()), (0.0, Some("no metric counts in any group")));
    }

    #[test]
    fn the_judge_and_the_standalone_canary_disagree_on_the_marginal_threshold_itself() {
        assert_eq!(Thresholds { pass: 75.0, marginal: 75.0 }.grade(75.0), Grade::Pass);
        assert_eq!(Thresholds::default().grade(75.0), Grade::Marginal);
        assert!(!ends_well(75.0, Some(75.0), None));
    }
}
