//! One metric: did the experiment move against the control, in a direction that matters, and by enough?

use serde::Deserialize;

use crate::judge::aca::{
    location::{Shift, shift},
    normal::Noise,
    rank::cles,
    sample::{NanStrategy, mean, sorted},
};

/// Noise of this share of the value is added where both sides are constant and differ.
const NOISE: f64 = 1e-5;
/// Any seed will do; it must only stay the same.
const SEED: u64 = 0x4b61_7965_6e74_6131;

/// Which change matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Only a rise.
    Increase,
    /// Only a fall.
    Decrease,
    /// Both.
    #[default]
    Either,
}

/// How the size of a change is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The experiment's mean over the control's; not known where either is zero.
    #[default]
    #[serde(alias = "meanRatio")]
    MeanRatio,
    /// The probability that a value of the experiment exceeds one of the control.
    Cles,
}

/// From which size on a change counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EffectSize {
    /// How the size is measured.
    pub measure: Measure,
    /// A rise counts from here.
    pub allowed_increase: f64,
    /// A fall counts down from here.
    pub allowed_decrease: f64,
    /// A rise of a critical metric fails the whole canary from here.
    pub critical_increase: f64,
    /// A fall of a critical metric fails the whole canary down from here.
    pub critical_decrease: f64,
}

impl EffectSize {
    /// Kayenta's defaults: every change counts.
    pub fn of(measure: Measure) -> Self {
        let none = match measure {
            Measure::MeanRatio => 1.0,
            Measure::Cles => 0.5,
        };
        Self {
            measure,
            allowed_increase: none,
            allowed_decrease: none,
            critical_increase: none,
            critical_decrease: none,
        }
    }
}

impl Default for EffectSize {
    fn default() -> Self {
        Self::of(Measure::default())
    }
}

/// How a metric is compared. The defaults are Kayenta's.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rule {
    /// Which change matters.
    pub direction: Direction,
    /// What a missing point means; decides too what an empty side means.
    pub nan_strategy: NanStrategy,
    /// A change that counts fails the whole canary.
    pub critical: bool,
    /// An empty side fails the metric.
    pub must_have_data: bool,
    /// From which size on a change counts.
    pub effect_size: EffectSize,
}

/// What a metric is found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Classification {
    /// No change that counts.
    Pass,
    /// Too high.
    High,
    /// Too low.
    Low,
    /// A side is empty: counts for nothing.
    Nodata,
    /// A side is empty that must not be: counts as a failure.
    NodataFailMetric,
    /// It could not be computed: counts for nothing.
    Error,
}

impl Classification {
    /// As the answer has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::High => "high",
            Self::Low => "low",
            Self::Nodata => "nodata",
            Self::NodataFailMetric => "nodata_fail_metric",
            Self::Error => "error",
        }
    }

    /// Reads any case, with and without underscores: `Pass`, `NodataFailMetric`, `nodata_fail_metric`.
    pub fn read(text: &str) -> Option<Self> {
        let plain = text.replace('_', "").to_lowercase();
        Self::ALL.into_iter().find(|one| one.word().replace('_', "") == plain)
    }

    /// Every one.
    pub const ALL: [Self; 6] = [Self::Pass, Self::High, Self::Low, Self::Nodata, Self::NodataFailMetric, Self::Error];
}

/// A metric's class, and its arithmetic.
#[derive(Clone, Debug, PartialEq)]
pub struct Classified {
    /// The class.
    pub classification: Classification,
    /// It fails the whole canary.
    pub critical: bool,
    /// The mean ratio, whatever the effect size is measured by; 1 where nothing was compared, NaN where a mean is zero.
    pub deviation: f64,
    /// The shift, where it was computed.
    pub shift: Option<Shift>,
    /// Why, where there is something to say.
    pub reason: Option<String>,
}

impl Classified {
    /// As somebody else found it: a critical metric fails the canary unless it passes.
    pub fn given(classification: Classification, critical: bool) -> Self {
        let critical = critical && classification != Classification::Pass;
        Self { classification, critical, deviation: f64::NAN, shift: None, reason: None }
    }

    fn uncompared(classification: Classification, critical: bool, reason: Option<&str>) -> Self {
        Self { classification, critical, deviation: 1.0, shift: None, reason: reason.map(str::to_owned) }
    }
}

/// Classifies a metric by the Mann–Whitney interval of the shift and by the size of the effect. No NaN in either side.
pub fn classify(control: &[f64], experiment: &[f64], rule: &Rule, tolerance: f64, confidence: f64) -> Classified {
    if let Some(empty) = without_data(control, experiment, rule) {
        return empty;
    }
    let deviation = mean_ratio(control, experiment);
    let (mut control, mut experiment) = (sorted(control), sorted(experiment));
    if control == experiment {
        return Classified::uncompared(Classification::Pass, false, Some("canary and baseline are identical"));
    }
    let effect = match rule.effect_size.measure {
        Measure::MeanRatio => deviation,
        Measure::Cles => cles(&control, &experiment),
    };
    if let (Some(of_control), Some(of_experiment)) = (constant(&control), constant(&experiment)) {
        #[expect(clippy::float_cmp, reason = "one distinct value over both sides")]
        let are_one = of_control == of_experiment;
        if are_one {
            return Classified::uncompared(Classification::Pass, false, None);
        }
        // Upstream draws this noise anew each time, for ranks without spread cannot be inverted, and measures the effect on it;
        // here it is the same every time, and the effect is that of the values themselves, which is what upstream's scatters
        // around.
        let mut noise = Noise::seeded(SEED);
        (experiment, control) =
            (noisy(&experiment, of_experiment, &mut noise), noisy(&control, of_control, &mut noise));
    }
    match shift(&experiment, &control, confidence) {
        Ok(shift) => compared(shift, effect, deviation, rule, tolerance),
        Err(tied) => Classified {
            classification: Classification::Error,
            critical: false,
            deviation: f64::NAN,
            shift: None,
            reason: Some(tied.to_string()),
        },
    }
}

fn without_data(control: &[f64], experiment: &[f64], rule: &Rule) -> Option<Classified> {
    let missing = match (control.is_empty(), experiment.is_empty()) {
        (false, false) => return None,
        (true, false) => "the baseline has no data",
        (false, true) => "the canary has no data",
        (true, true) => "neither side has data",
    };
    Some(match rule.nan_strategy {
        NanStrategy::Replace => Classified::uncompared(Classification::Pass, false, None),
        NanStrategy::Remove if rule.must_have_data && !rule.critical => {
            Classified::uncompared(Classification::NodataFailMetric, false, Some(missing))
        }
        NanStrategy::Remove => Classified::uncompared(Classification::Nodata, rule.critical, Some(missing)),
    })
}

fn compared(shift: Shift, effect: f64, deviation: f64, rule: &Rule, tolerance: f64) -> Classified {
    let bound = tolerance * shift.estimate.abs();
    let size = rule.effect_size;
    let rises = rule.direction != Direction::Decrease && shift.low > bound;
    let falls = rule.direction != Direction::Increase && shift.high < -bound;
    // An effect that cannot be measured is not held against any limit.
    let at_least = |limit: f64| effect.is_nan() || effect >= limit;
    let at_most = |limit: f64| effect.is_nan() || effect <= limit;
    let (classification, is_critical) = if rises && at_least(size.allowed_increase) {
        (Classification::High, at_least(size.critical_increase))
    } else if falls && at_most(size.allowed_decrease) {
        (Classification::Low, at_most(size.critical_decrease))
    } else {
        (Classification::Pass, false)
    };
    let critical = rule.critical && is_critical;
    let reason = (classification != Classification::Pass).then(|| {
        let place = if classification == Classification::High { "above" } else { "below" };
        let end = if critical { ", and is critical" } else { "" };
        format!("the canary lies {place} the baseline{end}")
    });
    Classified { classification, critical, deviation, shift: Some(shift), reason }
}

/// The experiment's mean over the control's; NaN where either is zero.
pub fn mean_ratio(control: &[f64], experiment: &[f64]) -> f64 {
    let (control, experiment) = (mean(control), mean(experiment));
    if control == 0.0 || experiment == 0.0 { f64::NAN } else { experiment / control }
}

/// The value of every point, where they all are the same.
fn constant(values: &[f64]) -> Option<f64> {
    let first = *values.first()?;
    #[expect(clippy::float_cmp, reason = "one distinct value")]
    let all = values.iter().all(|value| *value == first);
    all.then_some(first)
}

fn noisy(values: &[f64], value: f64, noise: &mut Noise) -> Vec<f64> {
    let scattered: Vec<f64> = values.iter().map(|one| one + noise.draw() * value * NOISE).collect();
    sorted(&scattered)
}

/// Classifies by which mean is greater, without any test: Kayenta's yardstick for judges, not a judge.
pub fn classify_by_mean(control: &[f64], experiment: &[f64], rule: &Rule) -> Classified {
    if let Some(empty) = without_data(control, experiment, rule) {
        let unknown = empty.classification == Classification::Nodata;
        return Classified { deviation: if unknown { 0.0 } else { empty.deviation }, reason: None, ..empty };
    }
    let (of_control, of_experiment) = (mean(control), mean(experiment));
    let moved = |classification, reason: &str| Classified {
        deviation: of_experiment / of_control,
        ..Classified::uncompared(classification, rule.critical, Some(reason))
    };
    if rule.direction != Direction::Decrease && of_experiment > of_control {
        moved(Classification::High, "the canary's mean is greater than the baseline's")
    } else if rule.direction != Direction::Increase && of_experiment < of_control {
        moved(Classification::Low, "the canary's mean is less than the baseline's")
    } else {
        Classified::uncompared(Classification::Pass, false, None)
    }
}
