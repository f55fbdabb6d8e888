//! The ACA judge against the inputs and asserted outputs of Kayenta's own test suites (`fixtures/kayenta`), every family, and
//! against what holds of any samples.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may fail")]

use std::{collections::BTreeMap, fs, slice};

use holdshort::judge::aca::{
    Evidence, Metric, Points, Settings,
    classify::{
        Classification, Classified, Direction, EffectSize, Measure, Rule, classify, classify_by_mean, mean_ratio,
    },
    judge,
    location::{distance, shift},
    normal::quantile,
    pairing::{Series, Tags, Unpaired, pair_all, pair_one},
    rank::cles,
    root::{At, brent},
    sample::{
        NanStrategy, Summary, iqr_outliers, k_sigma_outliers, nan_as_zero, percentile, sorted, without, without_nan,
    },
    score::{Grade, Scored, Thresholds, ends_well, score},
};
use proptest::prelude::*;
use serde_json::Value;

fn vectors(family: &str) -> Vec<Value> {
    let text = fs::read_to_string("tests/fixtures/kayenta/kayenta.json").unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let found = all[family].as_array().unwrap_or_else(|| panic!("no family {family}")).clone();
    assert!(!found.is_empty(), "{family}");
    found
}

fn number(value: &Value) -> f64 {
    match value {
        Value::String(text) if text == "NaN" => f64::NAN,
        other => other.as_f64().unwrap_or_else(|| panic!("{other} is no number")),
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn close(found: f64, expected: f64, tolerance: f64) -> bool {
    (found.is_nan() && expected.is_nan()) || (found - expected).abs() <= tolerance
}

fn word<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

fn class(value: &Value) -> Classification {
    Classification::read(value.as_str().unwrap()).unwrap()
}

fn rule(vector: &Value) -> Rule {
    let params = &vector["params"];
    let mut effect_size = EffectSize::default();
    if params["effect_size_measure"].is_string() {
        effect_size.measure = word(&params["effect_size_measure"]);
        let (allowed, critical) = (&params["allowed_decrease_increase"], &params["critical_decrease_increase"]);
        (effect_size.allowed_decrease, effect_size.allowed_increase) = (number(&allowed[0]), number(&allowed[1]));
        (effect_size.critical_decrease, effect_size.critical_increase) = (number(&critical[0]), number(&critical[1]));
    }
    Rule {
        direction: word(&vector["direction"]),
        nan_strategy: vector.get("nan_strategy").map(word).unwrap_or_default(),
        critical: vector["is_critical"].as_bool().unwrap_or_default(),
        must_have_data: vector["must_have_data"].as_bool().unwrap_or_default(),
        effect_size,
    }
}

fn classified(vector: &Value) -> Classified {
    let params = &vector["params"];
    let (control, experiment) = (numbers(&vector["control"]), numbers(&vector["experiment"]));
    classify(&control, &experiment, &rule(vector), number(&params["tolerance"]), number(&params["conf_level"]))
}

fn check_classified(id: &Value, found: &Classified, expected: &Value) {
    if expected["classification"].is_string() {
        assert_eq!(found.classification, class(&expected["classification"]), "{id}: {found:?}");
    }
    if let Some(critical) = expected["critical"].as_bool() {
        assert_eq!(found.critical, critical, "{id}: {found:?}");
    }
    if !expected["deviation"].is_null() {
        assert!(close(found.deviation, number(&expected["deviation"]), 1e-9), "{id}: {found:?}");
    }
    if expected["reason_non_empty"] == true {
        assert_ne!(found.reason.as_deref().unwrap_or_default(), "", "{id}: {found:?}");
    }
}

#[test]
fn every_metric_is_classified_as_kayenta_classifies_it() {
    for vector in vectors("classifier") {
        check_classified(&vector["id"], &classified(&vector), &vector["expected"]);
        // What an independent implementation found: the deviation too, but where noise is added.
        let derived = &vector["derived_check"]["reimplementation"];
        let found = classified(&vector);
        assert_eq!(found.classification, class(&derived["classification"]), "{}", vector["id"]);
        assert!(close(found.deviation, number(&derived["deviation"]), 1e-5), "{}: {found:?}", vector["id"]);
    }
}

#[test]
fn means_alone_classify_as_kayentas_yardstick_does() {
    for vector in vectors("mean_inequality_classifier") {
        let (control, experiment) = (numbers(&vector["control"]), numbers(&vector["experiment"]));
        check_classified(&vector["id"], &classify_by_mean(&control, &experiment, &rule(&vector)), &vector["expected"]);
    }
}

#[test]
fn what_users_reported_gets_kayentas_answer_and_not_the_one_they_wanted() {
    for vector in vectors("user_reported") {
        let found = classified(&vector).classification;
        assert_eq!(found, class(&vector["kayenta_result"]), "{}", vector["id"]);
        assert_ne!(Some(found), Classification::read(vector["reporter_wants"].as_str().unwrap()));
    }
}

#[test]
fn quantiles_of_the_normal_distribution_are_right() {
    for vector in vectors("normal_quantile") {
        let (found, expected) = (quantile(number(&vector["p"])), number(&vector["expected"]));
        assert!(close(found, expected, number(&vector["abs_tol"])), "{found} is not {expected}");
    }
    // Each of the three approximations, and both tails.
    let table = [
        (0.5, 0.0),
        (0.4, -0.253_347_103_135_799_8),
        (0.975, 1.959_963_984_540_054),
        (1e-6, -4.753_424_308_822_899),
        (1e-12, -7.034_483_825_301_131),
        (1e-300, -37.047_096_299_361_2),
        (0.0, f64::NEG_INFINITY),
        (1.0, f64::INFINITY),
    ];
    for (p, z) in table {
        let found = quantile(p);
        assert!(found.to_bits() == f64::to_bits(z) || close(found, z, 1e-14 * z.abs()), "{p}: {found} is not {z}");
    }
    assert!(quantile(1.5).is_nan() && quantile(f64::NAN).is_nan());
}

#[test]
fn the_shift_and_its_interval_are_kayentas() {
    for vector in vectors("mann_whitney") {
        let (x, y) = (sorted(&numbers(&vector["experiment_x"])), sorted(&numbers(&vector["control_y"])));
        let (expected, tolerance, confidence) =
            (&vector["expected"], &vector["abs_tol"], number(&vector["confidence_level"]));
        let found = if vector["id"] == "mw-intermediate" {
            intermediate(&x, &y, expected, number(&tolerance["all"]))
        } else {
            let shift = shift(&x, &y, confidence).unwrap();
            (shift.low, shift.high, shift.estimate)
        };
        let within = |name: &str| number(tolerance.get(name).unwrap_or(&tolerance["all"]));
        for (found, field, tolerance) in [
            (found.0, "ci_low", within("ci")),
            (found.1, "ci_high", within("ci")),
            (found.2, "estimate", within("estimate")),
        ] {
            assert!(close(found, number(&expected[field]), tolerance), "{}: {field} is {found}", vector["id"]);
        }
    }
}

/// The steps of the computation, each of which upstream asserts; the ends of the bracket are not looked at.
fn intermediate(x: &[f64], y: &[f64], expected: &Value, tolerance: f64) -> (f64, f64, f64) {
    let (low, high) = (x[0] - y[y.len() - 1], x[x.len() - 1] - y[0]);
    let z = quantile(0.025);
    let f = |mu: f64, z: f64| distance(mu, z, x, y).unwrap();
    let found = [
        ("mu_min", low),
        ("mu_max", high),
        ("z_lower", -z),
        ("z_upper", z),
        ("f_at_mu_min_z_lower", f(low, -z)),
        ("f_at_mu_max_z_lower", f(high, -z)),
        ("f_at_mu_min_z_upper", f(low, z)),
        ("f_at_mu_max_z_upper", f(high, z)),
    ];
    for (field, found) in found {
        assert!(close(found, number(&expected[field]), tolerance), "{field} is {found}");
    }
    let root =
        |z: f64| brent(At { x: low, f: f(low, z) }, At { x: high, f: f(high, z) }, |mu| distance(mu, z, x, y)).unwrap();
    (root(-z), root(z), root(0.0))
}

#[test]
fn the_rank_statistic_is_kayentas() {
    for vector in vectors("wilcoxon_diff") {
        let (x, y) = (sorted(&numbers(&vector["x"])), sorted(&numbers(&vector["y"])));
        let found = distance(number(&vector["mu"]), number(&vector["quantile"]), &x, &y).unwrap();
        assert!(close(found, number(&vector["expected"]), number(&vector["abs_tol"])), "{found}");
    }
}

#[test]
fn outliers_are_marked_as_kayenta_marks_them() {
    for vector in vectors("outlier_detector") {
        let data = numbers(&vector["data"]);
        let found = match vector["detector"].as_str().unwrap() {
            "ksigma" => k_sigma_outliers(&data, number(&vector["k"])),
            _ => iqr_outliers(
                &data,
                number(&vector["factor"]),
                vector["reduce_sensitivity"].as_bool().unwrap_or_default(),
            ),
        };
        assert_eq!(found, word::<Vec<bool>>(&vector["expected_outlier_mask"]), "{}", vector["id"]);
    }
}

#[test]
fn the_fences_never_lie_inside_the_first_and_last_percentile_when_they_are_less_sensitive() {
    // Half of it is one value: the quartiles have no range, and every other value would be an outlier.
    let data: Vec<f64> = (0..400).map(|i| if i < 396 { 5.0 } else { f64::from(i) }).collect();
    let marked = |reduced| iqr_outliers(&data, 3.0, reduced).iter().filter(|marked| **marked).count();
    assert_eq!((marked(false), marked(true)), (4, 4));
    let data: Vec<f64> = (0..100).map(|i| if i < 98 { 5.0 } else { f64::from(i) }).collect();
    let marked = |reduced| iqr_outliers(&data, 3.0, reduced).iter().filter(|marked| **marked).count();
    assert_eq!((marked(false), marked(true)), (2, 1));
}

#[test]
fn points_are_cleaned_as_kayenta_cleans_them() {
    for vector in vectors("transform") {
        let data = numbers(&vector["data"]);
        let found = match vector["op"].as_str().unwrap() {
            "remove_nan" => without_nan(&data),
            "replace_nan_with_0" => nan_as_zero(&data),
            "remove_outliers_ksigma" => without(&data, &k_sigma_outliers(&data, number(&vector["k"]))),
            "remove_outliers_iqr" => without(&data, &iqr_outliers(&data, number(&vector["factor"]), false)),
            other => panic!("{}: unknown operation {other}", vector["id"]),
        };
        assert_eq!(found, numbers(&vector["expected"]), "{}", vector["id"]);
    }
}

#[test]
fn samples_are_summarised_as_kayenta_summarises_them() {
    for vector in vectors("summary_statistics") {
        let found = Summary::of(&numbers(&vector["data"]));
        let expected = &vector["expected"];
        assert_eq!(found.count as u64, expected["count"].as_u64().unwrap());
        let fields = [("min", found.min), ("max", found.max), ("mean", found.mean), ("std", found.std)];
        for (field, found) in fields {
            assert!(close(found, number(&expected[field]), 1e-4), "{field} is {found}");
        }
    }
    for vector in vectors("percentile") {
        let found = percentile(&numbers(&vector["data"]), number(&vector["p"]));
        assert!(close(found, number(&vector["expected"]), number(&vector["abs_tol"])), "{vector}: {found}");
    }
    assert!(percentile(&[], 50.0).is_nan());
}

#[test]
fn effects_are_as_large_as_kayenta_has_them() {
    for vector in vectors("effect_size") {
        let (control, experiment) = (numbers(&vector["control"]), numbers(&vector["experiment"]));
        let found = match word::<Measure>(&vector["measure"]) {
            Measure::MeanRatio => mean_ratio(&control, &experiment),
            Measure::Cles => cles(&sorted(&control), &sorted(&experiment)),
        };
        assert!(close(found, number(&vector["expected"]), vector["abs_tol"].as_f64().unwrap_or(0.0)), "{vector}");
    }
}

#[test]
fn scores_are_kayentas() {
    for vector in vectors("scorer") {
        let groups: Vec<Vec<String>> =
            vector["metrics"].as_array().unwrap().iter().map(|metric| word(&metric["groups"])).collect();
        let metrics: Vec<Scored<'_>> = vector["metrics"]
            .as_array()
            .unwrap()
            .iter()
            .zip(&groups)
            .map(|(metric, groups)| Scored {
                groups,
                classification: class(&metric["classification"]),
                critical: metric["critical"] == true,
                reason: None,
            })
            .collect();
        let found = score(&metrics, &word::<BTreeMap<String, f64>>(&vector["group_weights"]));
        let expected = &vector["expected"];
        assert!(close(found.summary, number(&expected["summary_score"]), 0.0), "{}: {found:?}", vector["id"]);
        if expected["group_scores_sorted"].is_array() {
            let scores: Vec<f64> = found.groups.iter().map(|group| group.score).collect();
            assert_eq!(sorted(&scores), numbers(&expected["group_scores_sorted"]), "{}", vector["id"]);
        }
    }
}

#[test]
fn a_series_of_judgements_ends_as_the_standalone_canary_ends_it() {
    for vector in vectors("final_threshold_judgement") {
        let found = ends_well(number(&vector["final_score"]), vector["marginal"].as_f64(), vector["pass"].as_f64());
        assert_eq!(Some(found), vector["expected_did_pass"].as_bool(), "{vector}");
    }
}

fn series(value: &Value) -> Series {
    Series {
        name: word(&value["name"]),
        tags: word::<Tags>(&value["tags"]),
        values: numbers(&value["values"]),
        ..Series::default()
    }
}

#[test]
fn series_are_paired_as_kayenta_pairs_them() {
    let all = vectors("metric_pairing");
    let filled = &all[0];
    let empty = |side: &str| Series {
        name: "cpu".into(),
        values: numbers(&filled[side]),
        start_ms: filled["start_ms"].as_i64().unwrap(),
        end_ms: filled["end_ms"].as_i64().unwrap(),
        step_ms: filled["step_ms"].as_i64().unwrap(),
        ..Series::default()
    };
    let pair = pair_one(&empty("control"), &empty("experiment")).unwrap();
    let missing = |points: &[f64]| points.iter().filter(|point| point.is_nan()).count();
    assert_eq!((pair.control.len(), missing(&pair.control)), (4, 4));
    assert_eq!((pair.experiment.len(), missing(&pair.experiment)), (4, 4));

    for case in all[1]["cases"].as_array().unwrap() {
        let side = |name: &str| -> Vec<Series> { case[name].as_array().unwrap().iter().map(series).collect() };
        let (control, experiment) = (side("control"), side("experiment"));
        let order: Vec<String> =
            case.get("config_order").map_or_else(|| vec![control[0].name.clone()], word::<Vec<String>>);
        let pairs = pair_all(&order, &control, &experiment).unwrap();
        let found: Vec<_> = pairs.into_iter().map(|pair| (pair.name, pair.control, pair.experiment)).collect();
        let expected = case["expected"].as_array().unwrap().iter();
        let expected: Vec<_> = expected
            .map(|pair| (word::<String>(&pair["name"]), numbers(&pair["control"]), numbers(&pair["experiment"])))
            .collect();
        assert_eq!(found, expected);
    }
}

fn tagged(name: &str, tags: &[(&str, &str)], values: &[f64]) -> Series {
    let tags = tags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Series { name: name.into(), tags, values: values.to_vec(), end_ms: 3000, step_ms: 1000, ..Series::default() }
}

#[test]
fn a_series_without_partner_faces_missing_points_and_its_short_side_is_filled_up() {
    let control = [tagged("cpu", &[("zone", "a")], &[1.0, 2.0, 3.0]), tagged("cpu", &[("zone", "b")], &[4.0])];
    let experiment =
        [tagged("cpu", &[("zone", "a")], &[5.0, 6.0, 7.0]), tagged("cpu", &[("zone", "c")], &[8.0, 9.0, 1.0])];
    let pairs = pair_all(&["cpu".into()], &control, &experiment).unwrap();
    let shown: Vec<String> = pairs.iter().map(|p| format!("{:?} {:?} {:?}", p.tags, p.control, p.experiment)).collect();
    assert_eq!(
        shown,
        [
            r#"{"zone": "a"} [1.0, 2.0, 3.0] [5.0, 6.0, 7.0]"#,
            r#"{"zone": "b"} [4.0, NaN, NaN] [NaN, NaN, NaN]"#,
            r#"{"zone": "c"} [NaN, NaN, NaN] [8.0, 9.0, 1.0]"#,
        ]
    );
}

#[test]
fn what_cannot_be_paired_says_why() {
    let cpu = tagged("cpu", &[], &[1.0]);
    let nameless = tagged("", &[], &[1.0]);
    let (zoned, hosted) = (tagged("cpu", &[("zone", "a")], &[1.0]), tagged("cpu", &[("host", "a")], &[1.0]));
    let endless = Series { end_ms: i64::MAX, step_ms: 1, ..cpu.clone() };
    let said = |result: Result<(), Unpaired>| result.unwrap_err().to_string();
    let all = |control: &Series, experiment: &Series| {
        said(pair_all(&["cpu".into()], slice::from_ref(control), slice::from_ref(experiment)).map(|_| ()))
    };
    let one = |control: &Series, experiment: &Series| said(pair_one(control, experiment).map(|_| ()));
    assert_eq!(one(&nameless, &cpu), "a series of the control has no name");
    assert_eq!(one(&cpu, &nameless), "a series of the experiment has no name");
    assert_eq!(
        one(&cpu, &tagged("ram", &[], &[])),
        "the control's series is `cpu`, the experiment's `ram`: they are not the same metric"
    );
    assert_eq!(one(&cpu, &zoned), r#"`cpu`: the control has tags {}, the experiment {"zone": "a"}"#);
    assert_eq!(all(&cpu, &tagged("ram", &[], &[])), "`cpu`: the experiment has no series");
    assert_eq!(
        all(&zoned, &hosted),
        r#"`cpu`: the control is told apart by tags {"zone"}, the experiment by {"host"}"#
    );
    assert_eq!(
        one(&endless, &cpu),
        "`cpu`: start, end and step ask for 9223372036854775807 points; the most is 1,000,000"
    );
}

fn points(control: Vec<f64>, experiment: Vec<f64>, direction: Direction, critical: bool) -> Evidence {
    let rule = Rule { direction, critical, ..Rule::default() };
    Evidence::Points(Points { control, experiment, outlier_factor: None, rule })
}

fn metric(name: &str, muted: bool, evidence: Evidence) -> Metric {
    Metric { name: Some(name.into()), groups: vec!["pods".into()], muted, evidence }
}

/// Evenly spread over a range, in an order that mixes small and large.
fn spread(from: f64, to: f64) -> Vec<f64> {
    (0..60_u32).map(|i| from + (to - from) * f64::from((i * 37) % 60) / 59.0).collect()
}

#[test]
fn ranges_like_those_of_the_integration_tests_are_judged_alike() {
    let thresholds = Thresholds { pass: 75.0, marginal: 50.0 };
    let settings = Settings { thresholds, ..Settings::default() };
    let [passing, muting] = &vectors("end_to_end_ranges")[..] else { panic!("two ranges") };
    let range = |side: &str| spread(number(&passing[side][0]), number(&passing[side][1]));
    let same = points(range("control_range"), range("experiment_range"), Direction::Increase, true);
    let found = judge(&settings, &[metric("cpu", false, same)]);
    assert_eq!(found.metrics[0].classified.classification, class(&passing["expected"]["classification"]));
    assert_eq!((found.grade, found.score.summary), (Grade::Pass, number(&passing["expected"]["score"])));

    let failing = points(spread(40.0, 45.0), vec![1000.0; 60], Direction::Increase, true);
    let steady = points(spread(40.0, 45.0), spread(40.1, 45.0), Direction::Increase, true);
    let found = judge(&settings, &[metric("failing", true, failing.clone()), metric("steady", false, steady.clone())]);
    let classes: Vec<_> = found.metrics.iter().map(|one| one.classified.classification).collect();
    let expected = &muting["expected"];
    assert_eq!(classes, [class(&expected["failing_metric"]), class(&expected["successful_metric"])]);
    assert_eq!(found.grade == Grade::Pass, expected["did_pass"] == true);
    // Not muted it fails the canary.
    let found = judge(&settings, &[metric("failing", false, failing), metric("steady", false, steady)]);
    assert_eq!(
        (found.grade, found.score.summary, found.score.reason.as_deref()),
        (Grade::Fail, 0.0, Some("a critical metric is high: the canary lies above the baseline, and is critical"))
    );
}

#[test]
fn two_constants_that_differ_are_told_apart_and_always_alike() {
    let judged = |low: f64, high: f64, n: usize| classify(&vec![low; n], &vec![high; n], &Rule::default(), 0.25, 0.98);
    for (low, high) in [(1.0, 10.0), (0.0, 10.0), (1000.0, 1001.0)] {
        let found = judged(low, high, 5);
        assert_eq!(found.classification, Classification::High, "{low} {high}: {found:?}");
        assert_eq!(format!("{found:?}"), format!("{:?}", judged(low, high, 5)));
        assert_eq!(judged(high, low, 5).classification, Classification::Low);
    }
    assert_eq!(judged(1.0, 10.0, 5).deviation.to_bits(), f64::to_bits(10.0));
}

#[test]
fn one_point_a_side_cannot_be_classified() {
    // Both are all there is; shifted onto each other they are tied.
    let found = classify(&[0.0], &[10.0], &Rule { critical: true, ..Rule::default() }, 0.25, 0.98);
    assert_eq!(
        (found.classification, found.critical, found.reason.as_deref()),
        (Classification::Error, false, Some("all observations are tied: no interval can be computed"))
    );
}

/// How near a root is found.
const ROOT: f64 = 1e-4;

fn sample() -> impl Strategy<Value = Vec<f64>> {
    // Few distinct values make ties, which is where rank statistics go wrong.
    prop::collection::vec(prop_oneof![(0..5_i32).prop_map(f64::from), -1e3..1e3, Just(0.0), Just(f64::NAN)], 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_samples_are_judged_and_the_order_of_points_and_metrics_makes_no_difference(
        samples in prop::collection::vec((sample(), sample()), 1..4),
        replace in any::<bool>(), remove in any::<bool>(), critical in any::<bool>(),
    ) {
        let rule = Rule {
            nan_strategy: if replace { NanStrategy::Replace } else { NanStrategy::Remove },
            critical,
            ..Rule::default()
        };
        let metrics: Vec<Metric> = samples.iter().enumerate().map(|(i, (control, experiment))| Metric {
            name: None,
            groups: vec![format!("g{}", i % 2)],
            muted: false,
            evidence: Evidence::Points(Points {
                control: control.clone(),
                experiment: experiment.clone(),
                outlier_factor: remove.then_some(3.0),
                rule,
            }),
        }).collect();
        let turned: Vec<Metric> = metrics.iter().rev().cloned().map(|mut metric| {
            if let Evidence::Points(points) = &mut metric.evidence {
                points.control.reverse();
                points.experiment.reverse();
            }
            metric
        }).collect();
        let (found, mirrored) = (judge(&Settings::default(), &metrics), judge(&Settings::default(), &turned));
        prop_assert!((0.0..=100.0).contains(&found.score.summary));
        prop_assert_eq!((found.grade, &found.score.groups), (mirrored.grade, &mirrored.score.groups));
        prop_assert_eq!(found.score.summary.to_bits(), mirrored.score.summary.to_bits());
        for (one, other) in found.metrics.iter().zip(mirrored.metrics.iter().rev()) {
            prop_assert_eq!(one.classified.classification, other.classified.classification);
        }
    }

    #[test]
    fn the_interval_holds_the_estimate_and_swapping_the_arms_turns_the_shift_around(
        x in prop::collection::vec(-1e3..1e3, 5..40), y in prop::collection::vec(-1e3..1e3, 5..40),
    ) {
        let (x, y) = (sorted(&x), sorted(&y));
        let (there, back) = (shift(&x, &y, 0.98).unwrap(), shift(&y, &x, 0.98).unwrap());
        prop_assert!(there.low <= there.estimate + ROOT && there.estimate <= there.high + ROOT, "{there:?}");
        // A root lies on a step of the statistic, and ends of steps differ by the direction from which they are reached.
        for mu in [there.low, there.high, -back.low, -back.high] {
            prop_assert!(x[0] - y[y.len() - 1] <= mu + ROOT && mu <= x[x.len() - 1] - y[0] + ROOT, "{mu}");
        }
        prop_assert!((there.low + back.high).abs() <= 2.0 * ROOT, "{there:?} {back:?}");
    }

    #[test]
    fn a_class_is_read_back_whatever_its_case_and_underscores(pick in 0..6_usize, upper in any::<bool>(), plain in any::<bool>()) {
        let class = Classification::ALL[pick];
        let word = if plain { class.word().replace('_', "") } else { class.word().to_owned() };
        prop_assert_eq!(Classification::read(&if upper { word.to_uppercase() } else { word }), Some(class));
    }
}
