//! One arm's points before they are compared: missing ones, outliers, and what describes the rest.

use serde::Deserialize;

/// What to do with a point that is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NanStrategy {
    /// Leave it out.
    #[default]
    Remove,
    /// It was zero: for counters that report nothing where nothing happened.
    Replace,
}

/// Without the points that are missing.
pub fn without_nan(values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|value| !value.is_nan()).collect()
}

/// With zero for each point that is missing.
pub fn nan_as_zero(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| if value.is_nan() { 0.0 } else { *value }).collect()
}

/// Without the points that are marked.
pub fn without(values: &[f64], marked: &[bool]) -> Vec<f64> {
    values.iter().zip(marked).filter(|(_, marked)| !**marked).map(|(value, _)| *value).collect()
}

/// Marks what lies beyond `factor` interquartile ranges from the quartiles; with `reduce_sensitivity`, which is what the judge
/// uses, only if it also lies beyond the 1st or 99th percentile.
pub fn iqr_outliers(values: &[f64], factor: f64, reduce_sensitivity: bool) -> Vec<bool> {
    let sorted = sorted(values);
    let at = |p| percentile_of_sorted(&sorted, p);
    let range = at(75.0) - at(25.0);
    let (mut low, mut high) = (at(25.0) - factor * range, at(75.0) + factor * range);
    if reduce_sensitivity {
        (low, high) = (low.min(at(1.0)), high.max(at(99.0)));
    }
    values.iter().map(|value| *value > high || *value < low).collect()
}

/// Marks what lies more than `k` standard deviations (of the population) from the mean.
pub fn k_sigma_outliers(values: &[f64], k: f64) -> Vec<bool> {
    let centre = mean(values);
    let deviation = (squares_around(values, centre) / values.len() as f64).sqrt();
    values.iter().map(|value| (value - centre).abs() > deviation * k).collect()
}

/// The percentile, `p` from 0 to 100, interpolated as R's type 7 does; NaN of nothing.
pub fn percentile(values: &[f64], p: f64) -> f64 {
    percentile_of_sorted(&sorted(values), p)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a slice, 0 or more")]
fn percentile_of_sorted(sorted: &[f64], p: f64) -> f64 {
    // Places count from 1, as in Hyndman and Fan, "Sample quantiles in statistical packages" (1996).
    let place = 1.0 + (sorted.len() as f64 - 1.0) * (p / 100.0);
    let below = place.floor().max(1.0);
    let at = |place: f64| sorted.get(place as usize - 1);
    match (at(below), at(below + 1.0)) {
        (Some(low), Some(high)) => low + (place - below) * (high - low),
        (Some(last), None) => *last,
        _ => f64::NAN,
    }
}

/// Ascending, with the order of IEEE 754 for what compares equal.
pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// What describes an arm; all zero where it is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// How many points.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation (n − 1); 0 of one point.
    pub std: f64,
    /// The least of them.
    pub min: f64,
    /// The greatest of them.
    pub max: f64,
}

impl Summary {
    /// Of an arm.
    pub fn of(values: &[f64]) -> Self {
        if values.is_empty() {
            return Self::default();
        }
        let centre = mean(values);
        let variance = if values.len() < 2 { 0.0 } else { sample_variance(values, centre) };
        Self {
            count: values.len(),
            mean: centre,
            std: variance.sqrt(),
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        }
    }
}

/// The mean in two passes: the second takes back what the first rounded. NaN of nothing.
pub fn mean(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let first = values.iter().sum::<f64>() / count;
    first + values.iter().map(|value| value - first).sum::<f64>() / count
}

fn sample_variance(values: &[f64], centre: f64) -> f64 {
    squares_around(values, centre) / (values.len() as f64 - 1.0)
}

/// Sum of squared deviations, corrected for a centre that is not quite the mean.
fn squares_around(values: &[f64], centre: f64) -> f64 {
    let (squares, rest) = values.iter().fold((0.0, 0.0), |(squares, rest), value| {
        let away = value - centre;
        (squares + away * away, rest + away)
    });
    squares - rest * rest / values.len() as f64
}
