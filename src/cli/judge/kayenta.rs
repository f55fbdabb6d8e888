//! Kayenta's own two files: the canary configuration (or the request that it comes in) and the metric set pairs, as spinnaker/kayenta writes them (`CanaryConfig`,
//! `CanaryMetricConfig`, `CanaryClassifierConfig`, `MetricSetPair`). They hold much that a judge does not read, so that unknown
//! fields are no errors here; words that Kayenta does not know mean to it its default, which is told.

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};

use crate::{
    cli::judge::{
        aca::{Answer, OUTLIER_FACTOR, check},
        wire::{Malformed, Point, numbers, read},
    },
    judge::aca::{
        Evidence, Metric, Points, Settings,
        classify::{Direction, EffectSize, Measure, Rule},
        judge,
        sample::NanStrategy,
        score::Thresholds,
    },
};

/// The judge whose rules these are.
const JUDGE: &str = "NetflixACAJudge-v1.0";

/// What is sent to Kayenta to have a canary judged that has no stored configuration (`CanaryAdhocExecutionRequest`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    canary_config: CanaryConfig,
    execution_request: Option<ExecutionRequest>,
}

#[derive(Debug, Deserialize)]
struct ExecutionRequest {
    thresholds: Option<ScoreThresholds>,
}

/// Is it such a request?
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Form {
    canary_config: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct CanaryConfig {
    name: Option<String>,
    judge: Option<JudgeConfig>,
    metrics: Vec<MetricConfig>,
    classifier: Option<Classifier>,
}

#[derive(Debug, Deserialize)]
struct JudgeConfig {
    name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Classifier {
    group_weights: Option<BTreeMap<String, f64>>,
    score_thresholds: Option<ScoreThresholds>,
}

#[derive(Debug, Deserialize)]
struct ScoreThresholds {
    pass: Option<f64>,
    marginal: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetricConfig {
    name: String,
    groups: Option<Vec<String>>,
    analysis_configurations: Option<AnalysisConfigurations>,
}

#[derive(Debug, Deserialize)]
struct AnalysisConfigurations {
    canary: Option<Canary>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Canary {
    direction: Option<String>,
    nan_strategy: Option<String>,
    outliers: Option<Outliers>,
    critical: Option<bool>,
    must_have_data: Option<bool>,
    muted: Option<bool>,
    effect_size: Option<EffectSizeConfig>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outliers {
    strategy: Option<String>,
    outlier_factor: Option<f64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EffectSizeConfig {
    measure: Option<String>,
    allowed_increase: Option<f64>,
    allowed_decrease: Option<f64>,
    critical_increase: Option<f64>,
    critical_decrease: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct MetricSetPair {
    name: String,
    tags: Option<BTreeMap<String, String>>,
    values: Values,
}

#[derive(Debug, Deserialize)]
struct Values {
    control: Vec<Point>,
    experiment: Vec<Point>,
}

/// What was found, and what the reader should know about how it was read.
pub(super) struct Judged {
    pub(super) answer: Answer,
    pub(super) warnings: Vec<String>,
}

/// A file's name and its text.
pub(super) type File<'a> = (&'a str, &'a [u8]);

/// Judges the pairs by the configuration. An error's field begins with the file's name.
pub(super) fn judged((config_name, config): File<'_>, (pairs_name, pairs): File<'_>) -> Result<Judged, Malformed> {
    let in_config = |wrong: Malformed| Malformed::at(config_name, wrong.to_string());
    let in_pairs = |wrong: Malformed| Malformed::at(pairs_name, wrong.to_string());
    let config = configured(config).map_err(in_config)?;
    let pairs: Vec<MetricSetPair> = read(pairs, 1).map_err(in_pairs)?;
    let mut warnings = Warnings { file: config_name, found: Vec::new() };
    if let Some(other) = config.judge.and_then(|judge| judge.name).filter(|name| name != JUDGE) {
        warnings.add("judge.name", &format!("asks for `{other}`; the rules used are those of {JUDGE}"));
    }
    let settings = config.classifier.unwrap_or_default().settings();
    check(&settings, "classifier.groupWeights").map_err(in_config)?;
    let mut metrics: BTreeMap<String, Metric> = BTreeMap::new();
    for (at, metric) in config.metrics.into_iter().enumerate() {
        let metric = metric.read(at, &mut warnings).map_err(in_config)?;
        // Of two with the same name Kayenta takes the first.
        metrics.entry(metric.name.clone().unwrap_or_default()).or_insert(metric);
    }
    let (mut compared, mut tags) = (Vec::new(), Vec::new());
    for (at, pair) in pairs.into_iter().enumerate() {
        let Some(metric) = metrics.get(&pair.name) else {
            let why = format!("`{}` is no metric of {config_name}", pair.name);
            return Err(in_pairs(Malformed::at(format!("[{at}].name"), why)));
        };
        let mut metric = metric.clone();
        if let Evidence::Points(points) = &mut metric.evidence {
            (points.control, points.experiment) =
                (numbers(Some(pair.values.control)), numbers(Some(pair.values.experiment)));
        }
        compared.push(metric);
        tags.push(pair.tags.unwrap_or_default());
    }
    let mut answer = Answer::of(config.name, &settings, judge(&settings, &compared));
    for (metric, tags) in answer.metrics.iter_mut().zip(tags) {
        metric.tags = tags;
    }
    Ok(Judged { answer, warnings: warnings.found })
}

/// The configuration of a file: its own, or that of the request which the file is. The request's thresholds go before its configuration's.
fn configured(text: &[u8]) -> Result<CanaryConfig, Malformed> {
    if !read::<Form>(text, 1).is_ok_and(|form| form.canary_config.is_some()) {
        return read(text, 1);
    }
    let Request { canary_config: mut config, execution_request } = read(text, 1)?;
    if let Some(thresholds) = execution_request.and_then(|request| request.thresholds) {
        config.classifier.get_or_insert_default().score_thresholds = Some(thresholds);
    }
    Ok(config)
}

struct Warnings<'a> {
    file: &'a str,
    found: Vec<String>,
}

impl Warnings<'_> {
    fn add(&mut self, field: &str, what: &str) {
        self.found.push(format!("{}: {field}: {what}", self.file));
    }

    /// The value of a word that Kayenta reads exactly as it is written, case included.
    fn word<T: Copy>(&mut self, field: &str, word: Option<&str>, known: &[(&str, T)], default: T) -> T {
        let Some(word) = word else { return default };
        if let Some((_, value)) = known.iter().find(|(name, _)| *name == word) {
            return *value;
        }
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        self.add(
            field,
            &format!("`{word}` is none of {}: Kayenta takes its default, and so does this", names.join(", ")),
        );
        default
    }
}

impl Classifier {
    fn settings(self) -> Settings {
        let default = Settings::default();
        let given = self.score_thresholds;
        let thresholds = Thresholds {
            pass: given.as_ref().and_then(|given| given.pass).unwrap_or(default.thresholds.pass),
            marginal: given.as_ref().and_then(|given| given.marginal).unwrap_or(default.thresholds.marginal),
        };
        Settings { thresholds, group_weights: self.group_weights.unwrap_or_default(), ..default }
    }
}

impl MetricConfig {
    /// The metric without its points.
    fn read(self, at: usize, warnings: &mut Warnings<'_>) -> Result<Metric, Malformed> {
        let path = |field: &str| format!("metrics[{at}].analysisConfigurations.canary.{field}");
        let canary = self.analysis_configurations.and_then(|all| all.canary).unwrap_or_default();
        let outliers = canary.outliers.unwrap_or_default();
        let factor = outliers.outlier_factor.unwrap_or(OUTLIER_FACTOR);
        let strategies = [("keep", false), ("remove", true)];
        let removes = warnings.word(&path("outliers.strategy"), outliers.strategy.as_deref(), &strategies, false);
        if removes && factor <= 0.0 {
            return Err(Malformed::at(path("outliers.outlierFactor"), format!("must be more than 0, not {factor}")));
        }
        let directions =
            [("increase", Direction::Increase), ("decrease", Direction::Decrease), ("either", Direction::Either)];
        let strategies = [("remove", NanStrategy::Remove), ("replace", NanStrategy::Replace)];
        let effect = canary.effect_size.unwrap_or_default();
        let measures = [("meanRatio", Measure::MeanRatio), ("cles", Measure::Cles)];
        let measure =
            warnings.word(&path("effectSize.measure"), effect.measure.as_deref(), &measures, Measure::default());
        let default = EffectSize::of(measure);
        let rule = Rule {
            direction: warnings.word(
                &path("direction"),
                canary.direction.as_deref(),
                &directions,
                Direction::default(),
            ),
            nan_strategy: warnings.word(
                &path("nanStrategy"),
                canary.nan_strategy.as_deref(),
                &strategies,
                NanStrategy::default(),
            ),
            critical: canary.critical.unwrap_or_default(),
            must_have_data: canary.must_have_data.unwrap_or_default(),
            effect_size: EffectSize {
                measure,
                allowed_increase: effect.allowed_increase.unwrap_or(default.allowed_increase),
                allowed_decrease: effect.allowed_decrease.unwrap_or(default.allowed_decrease),
                critical_increase: effect.critical_increase.unwrap_or(default.critical_increase),
                critical_decrease: effect.critical_decrease.unwrap_or(default.critical_decrease),
            },
        };
        let outlier_factor = removes.then_some(factor);
        let evidence = Evidence::Points(Points { control: Vec::new(), experiment: Vec::new(), outlier_factor, rule });
        let muted = canary.muted.unwrap_or_default();
        Ok(Metric { name: Some(self.name), groups: self.groups.unwrap_or_default(), muted, evidence })
    }
}
