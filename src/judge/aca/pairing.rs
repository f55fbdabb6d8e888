//! Which series of the experiment is compared with which of the control. A side that is missing becomes points that are
//! missing, never no pair at all.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

/// More points than this are not filled in: the step is wrong.
const MOST_POINTS: u64 = 1_000_000;

/// Name and value of each tag.
pub type Tags = BTreeMap<String, String>;

/// One series of one arm.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// The metric.
    pub name: String,
    /// What tells it from other series of that metric.
    pub tags: Tags,
    /// Where it begins, in milliseconds since 1970.
    pub start_ms: i64,
    /// Where it ends.
    pub end_ms: i64,
    /// From one point to the next, in milliseconds; 0 where it is not known.
    pub step_ms: i64,
    /// The points; NaN is missing.
    pub values: Vec<f64>,
}

/// Two series that are compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Paired {
    /// The metric.
    pub name: String,
    /// The tags of both.
    pub tags: Tags,
    /// The baseline's points.
    pub control: Vec<f64>,
    /// The canary's points.
    pub experiment: Vec<f64>,
}

/// Why series cannot be paired.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unpaired {
    /// A series has no name.
    #[error("a series of the {0} has no name")]
    Nameless(&'static str),
    /// The two are not the same metric.
    #[error("the control's series is `{control}`, the experiment's `{experiment}`: they are not the same metric")]
    Names {
        /// The control's name.
        control: String,
        /// The experiment's name.
        experiment: String,
    },
    /// The two are not the same series of the metric.
    #[error("`{name}`: the control has tags {control:?}, the experiment {experiment:?}")]
    Tags {
        /// The metric.
        name: String,
        /// The control's tags.
        control: Tags,
        /// The experiment's tags.
        experiment: Tags,
    },
    /// One arm has no series of the metric at all, not even one without points.
    #[error("`{name}`: the {arm} has no series")]
    Missing {
        /// The metric.
        name: String,
        /// Which arm.
        arm: &'static str,
    },
    /// The arms are told apart by different tags.
    #[error("`{name}`: the control is told apart by tags {control:?}, the experiment by {experiment:?}")]
    TagKeys {
        /// The metric.
        name: String,
        /// The control's tag names.
        control: BTreeSet<String>,
        /// The experiment's tag names.
        experiment: BTreeSet<String>,
    },
    /// So many points are expected that start, end or step must be wrong.
    #[error("`{name}`: start, end and step ask for {points} points; the most is 1,000,000")]
    TooLong {
        /// The metric.
        name: String,
        /// How many points.
        points: u64,
    },
}

impl Series {
    /// How many points there should be; 0 where the step is not known.
    pub fn expected_points(&self) -> u64 {
        let span = self.end_ms.saturating_sub(self.start_ms);
        span.checked_div(self.step_ms).and_then(|points| u64::try_from(points).ok()).unwrap_or_default()
    }

    /// The points, and NaN for those that are expected and missing at the end.
    fn filled(&self) -> Result<Vec<f64>, Unpaired> {
        let points = self.expected_points();
        if points > MOST_POINTS {
            return Err(Unpaired::TooLong { name: self.name.clone(), points });
        }
        let mut values = self.values.clone();
        values.resize(values.len().max(usize::try_from(points).unwrap_or_default()), f64::NAN);
        Ok(values)
    }

    /// As long as this one and with no points, under other tags.
    fn placeholder(&self, tags: &Tags) -> Self {
        Self { tags: tags.clone(), values: Vec::new(), ..self.clone() }
    }
}

/// Pairs two series of the same name and tags.
pub fn pair_one(control: &Series, experiment: &Series) -> Result<Paired, Unpaired> {
    for (series, arm) in [(control, "control"), (experiment, "experiment")] {
        if series.name.is_empty() {
            return Err(Unpaired::Nameless(arm));
        }
    }
    if control.name != experiment.name {
        return Err(Unpaired::Names { control: control.name.clone(), experiment: experiment.name.clone() });
    }
    if control.tags != experiment.tags {
        return Err(Unpaired::Tags {
            name: control.name.clone(),
            control: control.tags.clone(),
            experiment: experiment.tags.clone(),
        });
    }
    Ok(Paired {
        name: control.name.clone(),
        tags: control.tags.clone(),
        control: control.filled()?,
        experiment: experiment.filled()?,
    })
}

/// Pairs the series of each named metric, in the order of the names. A side without tags that faces one with tags is a
/// placeholder: its points are ignored.
pub fn pair_all(metrics: &[String], control: &[Series], experiment: &[Series]) -> Result<Vec<Paired>, Unpaired> {
    let mut pairs = Vec::new();
    for name in metrics {
        let control = of(name, control, "control")?;
        let experiment = of(name, experiment, "experiment")?;
        let (of_control, of_experiment) = (tag_names(&control), tag_names(&experiment));
        if !of_control.is_empty() && !of_experiment.is_empty() && of_control != of_experiment {
            return Err(Unpaired::TagKeys { name: name.clone(), control: of_control, experiment: of_experiment });
        }
        pairs.extend(pair_metric(&control, &experiment)?);
    }
    Ok(pairs)
}

fn of<'a>(name: &str, series: &'a [Series], arm: &'static str) -> Result<Vec<&'a Series>, Unpaired> {
    let found: Vec<&Series> = series.iter().filter(|series| series.name == name).collect();
    if found.is_empty() { Err(Unpaired::Missing { name: name.to_owned(), arm }) } else { Ok(found) }
}

fn tag_names(series: &[&Series]) -> BTreeSet<String> {
    series.iter().flat_map(|series| series.tags.keys().cloned()).collect()
}

fn pair_metric(control: &[&Series], experiment: &[&Series]) -> Result<Vec<Paired>, Unpaired> {
    let untagged = |series: &[&Series]| series.iter().any(|series| series.tags.is_empty());
    let sides: Vec<&Series> = match (untagged(control), untagged(experiment)) {
        (true, false) => experiment.to_vec(),
        (false, true) => control.to_vec(),
        _ => control.iter().chain(experiment).copied().collect(),
    };
    let mut seen = BTreeSet::new();
    let mut pairs = Vec::new();
    for tags in sides.iter().map(|series| &series.tags).filter(|tags| seen.insert(*tags)) {
        pairs.push(pair_one(&tagged(control, tags)?, &tagged(experiment, tags)?)?);
    }
    Ok(pairs)
}

/// The series with these tags, or a placeholder like the first of them.
fn tagged(series: &[&Series], tags: &Tags) -> Result<Series, Unpaired> {
    let with_tags = series.iter().find(|series| series.tags == *tags).map(|series| (*series).clone());
    let placeholder = || series.first().map(|first| first.placeholder(tags));
    with_tags.or_else(placeholder).ok_or(Unpaired::Nameless("control"))
}
