//! AnalysisRuns: what they measure decides, and what they do to the Rollout follows.

use holdshort::{
    judge::analysis::recompute,
    provider::argo_rollouts::run::{self, AnalysisRun},
};
use serde_json::{Value, json};

use crate::bench::Bench;

const PAY: &str = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/payments";
const RUNS: &str = "/apis/argoproj.io/v1alpha1/namespaces/shop/analysisruns";

/// A Rollout that is analysed in the background while it waits, by the values of version 2.
fn analysed(values: &str, more: &str) -> Bench {
    let mut bench = Bench::new(&format!(
        r#"
        [[rollouts]]
        namespace = "shop"
        name = "payments"
        image = "registry.test/payments"
        steps = [{{ setWeight = 30 }}, {{ pause = {{}} }}]
        background_analysis = ["success-rate"]
        history = [{{ tag = "1", commit = "a" }}]

        [[analysis]]
        template = "success-rate"
        query = "sum(rate(ok[1m])) / sum(rate(all[1m]))"
        interval = "20s"
        count = 100
        at_least = 0.95
        values = [1.0]
        of = {{ "2" = {values} }}
        {more}
        "#
    ));
    bench.act("set_image = { namespace = \"shop\", name = \"payments\", tag = \"2\", commit = \"b\" }");
    bench.run(180);
    bench
}

fn run(bench: &mut Bench) -> Value {
    bench.get(RUNS)["items"][0]["status"].clone()
}

#[test]
fn a_failed_background_run_aborts_the_update() {
    let mut bench = analysed("[0.99, 0.98, 0.6]", "");
    let status = run(&mut bench);
    let message = "Metric \"success-rate\" assessed Failed due to failed (1) > failureLimit (0)";
    assert_eq!((&status["phase"], &status["message"]), (&json!("Failed"), &json!(message)));
    let rollout = bench.get(PAY);
    let said = format!(
        "RolloutAborted: Rollout aborted update to revision 2: Background analysis phase error/failed: {message}"
    );
    assert_eq!((&rollout["status"]["phase"], &rollout["status"]["message"]), (&json!("Degraded"), &json!(said)));
}

#[test]
fn a_run_without_data_errs_and_is_tried_again_before_it_gives_up() {
    let mut bench = analysed("[nan]", "");
    let status = run(&mut bench);
    let result = &status["metricResults"][0];
    assert_eq!((&status["phase"], &result["error"], &result["count"]), (&json!("Error"), &json!(5), &Value::Null));
    let message = "Metric \"success-rate\" assessed Error due to consecutiveErrors (5) > consecutiveErrorLimit (4): \
                   \"Error Message: reflect: slice index out of range\"";
    assert_eq!(status["message"], message);
    assert_eq!(bench.get(PAY)["status"]["phase"], "Degraded");
}

#[test]
fn an_inconclusive_run_waits_for_a_human() {
    let mut bench = analysed("[0.99, 0.92]", "fails_below = 0.9");
    let status = bench.get(PAY)["status"].clone();
    let reasons: Vec<&str> =
        status["pauseConditions"].as_array().unwrap().iter().map(|pause| pause["reason"].as_str().unwrap()).collect();
    assert_eq!((&status["phase"], reasons), (&json!("Paused"), vec!["CanaryPauseStep", "InconclusiveAnalysisRun"]));
}

#[test]
fn only_the_last_ten_measurements_are_kept() {
    let mut bench = analysed("[1.0]", "");
    bench.run(600);
    let result = run(&mut bench)["metricResults"][0].clone();
    assert_eq!(result["measurements"].as_array().unwrap().len(), 10);
    assert!(result["count"].as_i64().unwrap() > 30, "{result}");
}

#[test]
fn a_run_that_nobody_needs_any_more_is_ended() {
    let mut bench = analysed("[1.0]", "");
    bench.act("abort = { namespace = \"shop\", name = \"payments\" }");
    bench.run(30);
    let status = run(&mut bench);
    assert_eq!((&status["phase"], &status["message"]), (&json!("Successful"), &json!("Run Terminated")));
    assert_eq!(bench.get(PAY)["status"]["canary"], json!({}));
}

#[test]
fn runs_of_the_world_say_what_their_measurements_give() {
    let table = [
        ("[1.0]", "", "Running"),
        ("[0.99, 0.98, 0.6]", "", "Failed"),
        ("[nan]", "", "Error"),
        ("[0.99, 0.92]", "fails_below = 0.9", "Inconclusive"),
        ("[0.99, 0.92, 0.99]", "fails_below = 0.9\ninconclusive_limit = 1", "Running"),
        ("[0.99, 0.5, 0.99]", "failure_limit = 1", "Running"),
    ];
    for (values, more, phase) in table {
        let mut bench = analysed(values, more);
        let wire: AnalysisRun = serde_json::from_value(bench.get(RUNS)["items"][0].clone()).unwrap();
        let run = run::analysis(&wire);
        let again = recompute(&run);
        assert_eq!(run.phase, phase, "{values}");
        assert_eq!(again.phase.map(|phase| phase.to_string()), Some(phase.to_owned()), "{values}");
        assert_eq!((again.disagreements, again.unknown), (vec![], vec![]), "{values}");
    }
}
