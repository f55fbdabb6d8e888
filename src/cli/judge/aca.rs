//! Cases of the method `aca`, and their answers. The judge itself is `judge::aca`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    cli::judge::{
        SCHEMA,
        wire::{Malformed, Point, numbers, object},
        words::number,
    },
    domain::text::clean,
    judge::aca::{
        Evidence, Judgement, Metric, MetricResult, Points, Settings,
        classify::{Classification, Direction, EffectSize, Measure, Rule},
        judge,
        sample::{NanStrategy, Summary},
        score::{Grade, Thresholds},
    },
};

/// The factor of the interquartile range where none is given.
pub(super) const OUTLIER_FACTOR: f64 = 3.0;

object!(
    /// From which score on it passes and is marginal.
    ThresholdsIn { pass: f64, marginal: f64 }
);

object!(
    /// A metric.
    MetricIn {
        name: String,
        groups: Vec<String>,
        muted: bool,
        control: Vec<Point>,
        experiment: Vec<Point>,
        direction: Direction,
        nan_strategy: NanStrategy,
        outliers: OutliersIn,
        critical: bool,
        must_have_data: bool,
        effect_size: EffectSizeIn,
        classification: String,
    }
);

object!(
    /// What to do with outliers.
    OutliersIn { strategy: OutlierStrategy, factor: f64 }
);

object!(
    /// From which size on a change counts.
    EffectSizeIn {
        measure: Measure,
        allowed_increase: f64,
        allowed_decrease: f64,
        critical_increase: f64,
        critical_decrease: f64,
    }
);

/// What to do with outliers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OutlierStrategy {
    Keep,
    Remove,
}

impl EffectSizeIn {
    pub(super) fn read(self) -> EffectSize {
        let default = EffectSize::of(self.measure.unwrap_or_default());
        EffectSize {
            measure: default.measure,
            allowed_increase: self.allowed_increase.unwrap_or(default.allowed_increase),
            allowed_decrease: self.allowed_decrease.unwrap_or(default.allowed_decrease),
            critical_increase: self.critical_increase.unwrap_or(default.critical_increase),
            critical_decrease: self.critical_decrease.unwrap_or(default.critical_decrease),
        }
    }
}

impl MetricIn {
    fn read(self, at: usize) -> Result<Metric, Malformed> {
        let wrong = |field: &str, why: String| Err(Malformed::at(format!("metrics[{at}].{field}"), why));
        let critical = self.critical.unwrap_or_default();
        let has_points = self.control.is_some() || self.experiment.is_some();
        let evidence = if let Some(word) = &self.classification {
            if has_points {
                return wrong("classification", "give the points or their classification, not both".into());
            }
            let Some(classification) = Classification::read(word) else {
                let words = Classification::ALL.map(Classification::word).join(", ");
                return wrong("classification", format!("`{word}` is none of {words}"));
            };
            Evidence::Given { classification, critical }
        } else {
            let outliers = self.outliers.unwrap_or_default();
            let factor = outliers.factor.unwrap_or(OUTLIER_FACTOR);
            if factor <= 0.0 {
                return wrong("outliers.factor", format!("must be more than 0, not {factor}"));
            }
            let removes = outliers.strategy == Some(OutlierStrategy::Remove);
            Evidence::Points(Points {
                control: numbers(self.control),
                experiment: numbers(self.experiment),
                outlier_factor: removes.then_some(factor),
                rule: Rule {
                    direction: self.direction.unwrap_or_default(),
                    nan_strategy: self.nan_strategy.unwrap_or_default(),
                    critical,
                    must_have_data: self.must_have_data.unwrap_or_default(),
                    effect_size: self.effect_size.unwrap_or_default().read(),
                },
            })
        };
        let groups = self.groups.unwrap_or_default();
        Ok(Metric { name: self.name, groups, muted: self.muted.unwrap_or_default(), evidence })
    }
}

/// What a case of this method says of itself.
#[derive(Debug, Default)]
pub(super) struct CaseIn {
    pub(super) tolerance: Option<f64>,
    pub(super) confidence: Option<f64>,
    pub(super) thresholds: Option<ThresholdsIn>,
    pub(super) group_weights: Option<BTreeMap<String, f64>>,
    pub(super) metrics: Option<Vec<MetricIn>>,
}

impl CaseIn {
    /// Judges the case.
    pub(super) fn answer(self, name: Option<String>) -> Result<Answer, Malformed> {
        let Some(metrics) = self.metrics else {
            return Err(Malformed::at("metrics", "missing; a case of the method aca is judged by its metrics"));
        };
        let default = Settings::default();
        let thresholds = self.thresholds.unwrap_or_default();
        let settings = Settings {
            tolerance: self.tolerance.unwrap_or(default.tolerance),
            confidence: self.confidence.unwrap_or(default.confidence),
            thresholds: Thresholds {
                pass: thresholds.pass.unwrap_or(default.thresholds.pass),
                marginal: thresholds.marginal.unwrap_or(default.thresholds.marginal),
            },
            group_weights: self.group_weights.unwrap_or_default(),
        };
        check(&settings, "group_weights")?;
        let metrics =
            metrics.into_iter().enumerate().map(|(at, metric)| metric.read(at)).collect::<Result<Vec<_>, _>>()?;
        Ok(Answer::of(name, &settings, judge(&settings, &metrics)))
    }
}

/// What no judgement can be made with. `weights` is where the weights stand.
pub(super) fn check(settings: &Settings, weights: &str) -> Result<(), Malformed> {
    if settings.tolerance < 0.0 {
        return Err(Malformed::at("tolerance", format!("must be 0 or more, not {}", settings.tolerance)));
    }
    if settings.confidence <= 0.0 || settings.confidence >= 1.0 {
        return Err(Malformed::at("confidence", format!("must lie between 0 and 1, not {}", settings.confidence)));
    }
    match settings.group_weights.iter().find(|(_, weight)| **weight < 0.0) {
        Some((group, weight)) => {
            Err(Malformed::at(format!("{weights}.{group}"), format!("must be 0 or more, not {weight}")))
        }
        None => Ok(()),
    }
}

/// `holdshort/judge/v1` of this method.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Answer {
    schema: &'static str,
    name: Option<String>,
    method: &'static str,
    score: f64,
    verdict: &'static str,
    reason: Option<String>,
    groups: Vec<GroupOut>,
    pub(super) metrics: Vec<MetricOut>,
    #[serde(skip)]
    thresholds: (f64, f64),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct GroupOut {
    name: String,
    score: f64,
    no_data: bool,
}

/// One metric of the answer. What is not known is `null`: serde writes NaN so.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct MetricOut {
    name: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) tags: BTreeMap<String, String>,
    classification: &'static str,
    critical_failure: bool,
    muted: bool,
    reason: Option<String>,
    deviation: f64,
    estimate: Option<f64>,
    ci_low: Option<f64>,
    ci_high: Option<f64>,
    control: Option<SummaryOut>,
    experiment: Option<SummaryOut>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct SummaryOut {
    count: usize,
    mean: f64,
    std: f64,
    min: f64,
    max: f64,
}

impl Answer {
    /// Of a judgement.
    pub(super) fn of(name: Option<String>, settings: &Settings, judgement: Judgement) -> Self {
        let group = |group: crate::judge::aca::score::GroupScore| GroupOut {
            name: group.name,
            score: group.score,
            no_data: group.no_data,
        };
        Self {
            schema: SCHEMA,
            name,
            method: "aca",
            score: judgement.score.summary,
            verdict: judgement.grade.word(),
            reason: judgement.score.reason,
            groups: judgement.score.groups.into_iter().map(group).collect(),
            metrics: judgement.metrics.into_iter().map(MetricOut::of).collect(),
            thresholds: (settings.thresholds.pass, settings.thresholds.marginal),
        }
    }

    /// For people: the word first, then its arithmetic. `place` names a case that has no name.
    pub(super) fn words(&self, place: &str) -> String {
        let word = match self.verdict {
            pass if pass == Grade::Pass.word() => "GO",
            fail if fail == Grade::Fail.word() => "NO-GO",
            _ => "MARGINAL",
        };
        let name = self.name.as_deref().unwrap_or(place);
        let (pass, marginal) = self.thresholds;
        let why = self.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let thresholds = format!("pass from {}, marginal from {}", number(pass), number(marginal));
        let head = format!("{word}  {name}: score {}{why} ({thresholds})", number(self.score));
        let metrics = self.metrics.iter().enumerate().map(|(at, metric)| metric.words(at));
        clean(&std::iter::once(head).chain(metrics).collect::<Vec<_>>().join("; "))
    }
}

impl MetricOut {
    fn of(result: MetricResult) -> Self {
        let summary =
            |of: Summary| SummaryOut { count: of.count, mean: of.mean, std: of.std, min: of.min, max: of.max };
        let shift = result.classified.shift;
        Self {
            name: result.name,
            tags: BTreeMap::new(),
            classification: result.classified.classification.word(),
            critical_failure: result.classified.critical,
            muted: result.muted,
            reason: result.classified.reason,
            deviation: result.classified.deviation,
            estimate: shift.map(|shift| shift.estimate),
            ci_low: shift.map(|shift| shift.low),
            ci_high: shift.map(|shift| shift.high),
            control: result.control.map(summary),
            experiment: result.experiment.map(summary),
        }
    }

    fn words(&self, at: usize) -> String {
        let name = self.name.clone().unwrap_or_else(|| format!("metrics[{at}]"));
        let tags: Vec<String> = self.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let tags = if tags.is_empty() { String::new() } else { format!("{{{}}}", tags.join(",")) };
        let mut words = vec![format!("{name}{tags} {}", self.classification.replace('_', " "))];
        if self.critical_failure {
            words.push(" (critical)".to_owned());
        }
        if self.muted {
            words.push(" (muted)".to_owned());
        }
        if let (Some(control), Some(experiment)) = (self.control, self.experiment) {
            words.push(format!(" ratio {}", number(self.deviation)));
            if let (Some(estimate), Some(low), Some(high)) = (self.estimate, self.ci_low, self.ci_high) {
                words.push(format!(", shift {} ({} to {})", number(estimate), number(low), number(high)));
            }
            words.push(format!(", {} against {} points", experiment.count, control.count));
        }
        words.concat()
    }
}
