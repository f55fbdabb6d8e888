//! Runs that agree, and runs that do not.

use super::*;
use crate::domain::analysis::Form;

/// A metric of Prometheus with `result[0] >= 0.95`, five measurements, of which two may fail.
fn metric(phase: &str, values: &[(&str, &str)]) -> Metric {
    let measurement = |(phase, value): &(&str, &str)| Measurement {
        phase: (*phase).to_owned(),
        value: Some((*value).to_owned()).filter(|value| !value.is_empty()),
        ..Measurement::default()
    };
    let mut metric = Metric {
        name: "success-rate".to_owned(),
        provider: "prometheus".to_owned(),
        form: Form::Numbers,
        success: Some("result[0] >= 0.95".to_owned()),
        interval: Some("30s".to_owned()),
        limits: Some(Limits { count: Some(5), failure: 2, ..Limits::default() }),
        phase: phase.to_owned(),
        measurements: values.iter().map(measurement).collect(),
        ..Metric::default()
    };
    metric.tallies = told_tallies(&metric);
    metric
}

/// What the engine counts of its own phases.
fn told_tallies(metric: &Metric) -> Tallies {
    let looks: Vec<_> = metric
        .measurements
        .iter()
        .map(|it| Look { said: word(&it.phase), again: word(&it.phase), value: None, unknown: None })
        .collect();
    tallies(metric, &looks, 0)
}

fn run(phase: &str, metrics: Vec<Metric>) -> Analysis {
    Analysis { name: "run".to_owned(), phase: phase.to_owned(), metrics, ..Analysis::default() }
}

fn disagreements(run: &Analysis) -> Vec<String> {
    recompute(run).disagreements
}

const GOOD: (&str, &str) = ("Successful", "[0.99]");
const BAD: (&str, &str) = ("Failed", "[0.5]");
const EMPTY: (&str, &str) = ("Error", "");

#[test]
fn a_run_that_says_what_its_measurements_say_agrees() {
    let table = [
        run("Successful", vec![metric("Successful", &[GOOD, BAD, GOOD, BAD, GOOD])]),
        run("Failed", vec![metric("Failed", &[GOOD, BAD, BAD, BAD])]),
        run("Running", vec![metric("Running", &[GOOD, EMPTY, EMPTY])]),
        run("Error", vec![metric("Error", &[GOOD, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY])]),
        run("Running", vec![metric("Pending", &[])]),
    ];
    for run in table {
        let again = recompute(&run);
        assert_eq!(again.phase.unwrap().to_string(), run.phase, "{again:?}");
        assert_eq!((again.disagreements, again.unknown), (vec![], vec![]));
    }
}

#[test]
fn a_success_that_the_limits_do_not_give_is_told_with_the_limit() {
    let three_of_five = run("Successful", vec![metric("Successful", &[GOOD, BAD, BAD, BAD, GOOD])]);
    let again = recompute(&three_of_five);
    assert_eq!(again.phase, Some(Phase::Failed));
    assert_eq!(
        again.disagreements,
        [
            "success-rate says Successful, its measurements give Failed: failed (3) > failureLimit (2)",
            "the run says Successful, its measurements give Failed",
        ]
    );
    let too_early = run("Successful", vec![metric("Successful", &[GOOD, GOOD])]);
    assert_eq!(
        disagreements(&too_early),
        [
            "success-rate says Successful, its measurements give Running: 2 of 5 measurements, 2 successful",
            "the run says Successful, its measurements give Running",
        ]
    );
}

#[test]
fn a_measurement_that_its_value_contradicts_is_told_by_its_number() {
    let lying = ("Successful", "[0.5]");
    let run = run("Successful", vec![metric("Successful", &[GOOD, lying, lying, GOOD, lying])]);
    assert_eq!(
        disagreements(&run),
        [
            "success-rate: each of measurements 2, 3, 5 says Successful, its value [0.5] gives Failed",
            "success-rate says Successful, its measurements give Failed: failed (3) > failureLimit (2)",
            "the run says Successful, its measurements give Failed",
        ]
    );
}

/// argo-rollouts#4479: a sibling failed, the run was ended, and what had only failed and erred so far is "Successful".
#[test]
fn a_success_without_one_successful_measurement_is_told_although_the_rules_give_it() {
    let hollow = metric("Successful", &[EMPTY, BAD, EMPTY, BAD]);
    let sibling = Metric { name: "latency".to_owned(), ..metric("Failed", &[BAD, BAD, BAD]) };
    let again = recompute(&run("Failed", vec![hollow.clone(), sibling]));
    assert_eq!(again.phase, Some(Phase::Failed));
    let why = "success-rate says Successful without one success (2 failed, 2 errors): \
               it was ended before a limit was exceeded";
    assert_eq!(again.disagreements, [why]);
    let alone = Analysis { terminated: true, ..run("Successful", vec![hollow]) };
    assert_eq!(disagreements(&alone), [why]);
    let lenient = metric("Successful", &[BAD, BAD]);
    let lenient = Metric { limits: Some(Limits { count: Some(2), failure: 2, ..Limits::default() }), ..lenient };
    assert_eq!(
        disagreements(&run("Successful", vec![lenient])),
        ["success-rate says Successful without one success (2 failed): its limits allow that"]
    );
    let never = Analysis { terminated: true, ..run("Successful", vec![metric("Successful", &[])]) };
    assert_eq!(
        disagreements(&never),
        ["success-rate says Successful without one success (nothing was measured): \
             it was ended before a limit was exceeded"]
    );
}

/// argo-rollouts#1329: a job that was ended counts as a success.
#[test]
fn a_measurement_that_was_ended_before_it_measured_is_no_success() {
    let mut job = metric("Successful", &[("Successful", "")]);
    job.provider = "job".to_owned();
    job.form = Form::Unknown;
    job.success = None;
    job.limits = Some(Limits::default());
    let plain = run("Successful", vec![job.clone()]);
    assert_eq!(disagreements(&plain), Vec::<String>::new(), "a job has no value");
    for message in ["metric terminated", "Metric Terminated"] {
        job.measurements[0].message = Some(message.to_owned());
        assert_eq!(
            disagreements(&run("Successful", vec![job.clone()])),
            ["success-rate: measurement 1 was ended before it measured anything and counts as Successful"]
        );
    }
}

#[test]
fn nan_and_no_value_at_all_are_no_success() {
    let mut nan = metric("Successful", &[("Successful", "[NaN]"), ("Successful", ""), GOOD]);
    (nan.success, nan.failure) = (None, Some("result[0] < 0.95".to_owned()));
    nan.limits = Some(Limits { count: Some(3), ..Limits::default() });
    assert_eq!(
        disagreements(&run("Successful", vec![nan])),
        [
            "success-rate: measurement 1 is NaN, which is no data, and counts as Successful",
            "success-rate: measurement 2 has no value and counts as Successful",
        ]
    );
}

#[test]
fn what_is_not_kept_any_more_is_taken_from_the_counts_and_said() {
    let mut long = metric("Failed", &[GOOD; 10]);
    long.limits = Some(Limits { count: None, failure: 2, ..Limits::default() });
    long.tallies = Tallies { count: 15, successful: 12, failed: 3, consecutive_success: 10, ..Tallies::default() };
    let again = recompute(&run("Failed", vec![long]));
    assert_eq!((again.phase, again.metrics[0].hidden), (Some(Phase::Failed), 5));
    assert_eq!(again.disagreements, Vec::<String>::new());
    assert_eq!(again.unknown, ["success-rate: 5 of 15 measurements are not kept any more"]);
}

#[test]
fn measurements_of_a_long_run_keep_their_own_numbers() {
    let mut long = metric("Running", &[GOOD; 10]);
    long.limits = Some(Limits { count: None, failure: 2, ..Limits::default() });
    long.measurements[9].value = Some("[0.1]".to_owned());
    long.tallies = Tallies { count: 15, successful: 15, consecutive_success: 15, ..Tallies::default() };
    assert_eq!(
        disagreements(&run("Running", vec![long])),
        ["success-rate: measurement 15 says Successful, its value [0.1] gives Failed"]
    );
}

#[test]
fn counts_that_are_not_those_of_the_measurements_are_told() {
    let mut miscounted = metric("Successful", &[GOOD, GOOD, GOOD, GOOD, BAD]);
    miscounted.tallies = Tallies { count: 5, successful: 5, consecutive_success: 5, ..Tallies::default() };
    assert_eq!(
        disagreements(&run("Successful", vec![miscounted])),
        ["success-rate counts 5 successful, its measurements are 4 successful, 1 failed"]
    );
}

#[test]
fn a_controller_that_does_not_count_rows_of_successes_is_not_held_against() {
    let mut old = metric("Successful", &[GOOD; 5]);
    old.tallies.consecutive_success = 0;
    assert_eq!(disagreements(&run("Successful", vec![old])), Vec::<String>::new());
}

#[test]
fn what_cannot_be_recomputed_is_said_and_is_no_agreement() {
    let ninety = metric("Successful", &[("Successful", "90"); 5]);
    let kayenta = Metric { provider: "kayenta".to_owned(), form: Form::Unknown, ..ninety };
    let argument =
        Metric { success: Some("result[0] >= {{args.secret}}".to_owned()), ..metric("Successful", &[GOOD; 5]) };
    let limit = Metric { limits: None, ..metric("Successful", &[GOOD; 5]) };
    let table = [
        (kayenta, "success-rate: cannot recompute: `90` of kayenta does not tell what its conditions saw"),
        (argument, "success-rate: cannot recompute: `result[0] >= {{args.secret}}`: an argument in it is not known"),
        (limit, "success-rate: cannot recompute: a limit of it cannot be read"),
    ];
    for (metric, why) in table {
        let again = recompute(&run("Successful", vec![metric]));
        assert_eq!((again.disagreements, again.unknown), (vec![], vec![why.to_owned()]));
    }
    let bare = recompute(&run("Failed", Vec::new()));
    assert_eq!((bare.phase, bare.unknown), (None, vec!["its measurements are not known".to_owned()]));
    let invalid =
        Analysis { message: Some("Analysis spec invalid: x".to_owned()), ..run("Error", vec![metric("", &[])]) };
    assert_eq!(
        recompute(&invalid).unknown,
        ["the run ended with an error that no metric has: Analysis spec invalid: x"]
    );
}

#[test]
fn a_dry_run_decides_nothing() {
    let dry = Metric { name: "dry".to_owned(), dry_run: true, ..metric("Failed", &[BAD, BAD, BAD]) };
    let again = recompute(&run("Successful", vec![dry, metric("Successful", &[GOOD; 5])]));
    assert_eq!((again.phase, again.disagreements), (Some(Phase::Successful), vec![]));
}
