//! Kayenta's `NetflixACAJudge`: a judgement of two fixed samples a metric, for comparison and for teams that bring its
//! configuration.
//!
//! Here lives what that judge does, its root finder's tolerance included, so that the same samples get the same answer. Here
//! must not live: our own judge, which may be looked at after every interval (this one may not: looked at eleven times on
//! correlated points it raises a false alarm in up to 70 of 100 healthy canaries), and any reading of files.
//!
//! The source of every rule: spinnaker/kayenta at `a69573b`, `kayenta-judge` and `kayenta-mannwhitney` (Apache-2.0), written
//! anew from what they compute. The one deliberate difference is in [`mod@classify`]: where upstream adds random noise, the noise
//! here is the same every time.

pub mod classify;
pub mod location;
pub mod normal;
pub mod pairing;
pub mod rank;
pub mod root;
pub mod sample;
pub mod score;

use std::collections::BTreeMap;

use self::{
    classify::{Classification, Classified, Rule, classify},
    sample::{NanStrategy, Summary, iqr_outliers, without},
    score::{Grade, Score, Scored, Thresholds, score},
};

/// Settings of a whole judgement. The defaults are Kayenta's, which has the first two as constants.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How far from zero the interval of the shift must lie, as a fraction of the estimated shift; 0 or more.
    pub tolerance: f64,
    /// Confidence of that interval, between 0 and 1.
    pub confidence: f64,
    /// From which score on it passes, and from which it is marginal.
    pub thresholds: Thresholds,
    /// What each group counts, of 100; groups without a weight share what is left.
    pub group_weights: BTreeMap<String, f64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tolerance: 0.25,
            confidence: 0.98,
            thresholds: Thresholds::default(),
            group_weights: BTreeMap::default(),
        }
    }
}

/// One metric of both arms.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its name, where it has one.
    pub name: Option<String>,
    /// The groups that it counts in.
    pub groups: Vec<String>,
    /// Left out of the score, still classified.
    pub muted: bool,
    /// What is known of it.
    pub evidence: Evidence,
}

/// What is known of a metric.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// The points of both arms, and how to compare them.
    Points(Points),
    /// Somebody else has classified it: it is only scored.
    Given {
        /// As what.
        classification: Classification,
        /// Whether anything but a pass fails the whole canary.
        critical: bool,
    },
}

/// The points of both arms; NaN is a point that is missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    /// The baseline.
    pub control: Vec<f64>,
    /// The canary.
    pub experiment: Vec<f64>,
    /// The factor of the interquartile range beyond which points are left out; `None` keeps them all.
    pub outlier_factor: Option<f64>,
    /// How to compare them.
    pub rule: Rule,
}

/// What became of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricResult {
    /// Its name, where it has one.
    pub name: Option<String>,
    /// Left out of the score.
    pub muted: bool,
    /// The class and its arithmetic.
    pub classified: Classified,
    /// The baseline after cleaning; `None` where the classification was given.
    pub control: Option<Summary>,
    /// The canary after cleaning.
    pub experiment: Option<Summary>,
}

/// What became of the canary.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Pass, marginal or fail.
    pub grade: Grade,
    /// The score, and how it came about.
    pub score: Score,
    /// Every metric, in the order given.
    pub metrics: Vec<MetricResult>,
}

/// Judges a canary as Kayenta does: classify each metric, score the groups, compare with the thresholds.
pub fn judge(settings: &Settings, metrics: &[Metric]) -> Judgement {
    let results: Vec<MetricResult> = metrics.iter().map(|metric| result(settings, metric)).collect();
    let counted: Vec<Scored<'_>> = metrics
        .iter()
        .zip(&results)
        .filter(|(metric, _)| !metric.muted)
        .map(|(metric, result)| Scored {
            groups: &metric.groups,
            classification: result.classified.classification,
            critical: result.classified.critical,
            reason: result.classified.reason.as_deref(),
        })
        .collect();
    let score = score(&counted, &settings.group_weights);
    Judgement { grade: settings.thresholds.grade(score.summary), score, metrics: results }
}

fn result(settings: &Settings, metric: &Metric) -> MetricResult {
    let (classified, control, experiment) = match &metric.evidence {
        Evidence::Given { classification, critical } => (Classified::given(*classification, *critical), None, None),
        Evidence::Points(points) => {
            let control = cleaned(&finite(&points.control, &points.experiment), points);
            let experiment = cleaned(&finite(&points.experiment, &points.control), points);
            let classified = classify(&control, &experiment, &points.rule, settings.tolerance, settings.confidence);
            (classified, Some(Summary::of(&control)), Some(Summary::of(&experiment)))
        }
    };
    MetricResult { name: metric.name.clone(), muted: metric.muted, classified, control, experiment }
}

/// The points of an arm, an infinite one right beyond the furthest of its arm, and far beyond the other's. It keeps its rank,
/// which is what is compared; an interval of shifts that reached to infinity would hold for nothing.
fn finite(values: &[f64], others: &[f64]) -> Vec<f64> {
    const BEYOND: f64 = 1.01;
    const FAR: f64 = 10.0;
    let most =
        |values: &[f64]| values.iter().filter(|value| value.is_finite()).fold(0.0, |most, it| it.abs().max(most));
    let own: f64 = most(values);
    let furthest = match own.max(FAR * most(others)) {
        nothing if nothing <= 0.0 => 1.0,
        most => most * BEYOND,
    };
    values.iter().map(|value| if value.is_infinite() { furthest.copysign(*value) } else { *value }).collect()
}

/// Each side is cleaned by itself: points of one arm do not leave because their partners do.
fn cleaned(values: &[f64], points: &Points) -> Vec<f64> {
    let present = match points.rule.nan_strategy {
        NanStrategy::Remove => sample::without_nan(values),
        NanStrategy::Replace => sample::nan_as_zero(values),
    };
    match points.outlier_factor {
        Some(factor) => without(&present, &iqr_outliers(&present, factor, true)),
        None => present,
    }
}
