//! AnalysisRuns: what is read of them, and what they come to when they are computed again.

use holdshort::{
    domain::{
        analysis::{Form, Limits, Measurement, Metric, Tallies},
        rollout::Analysis,
    },
    judge::analysis::{MetricAgain, Phase, Recomputed, recompute},
    provider::argo_rollouts::run::{self, AnalysisRun},
};

use crate::server::{at, recorded_json};

fn one(name: &str) -> Analysis {
    let run: AnalysisRun = serde_json::from_value(recorded_json(name)).unwrap();
    run::analysis(&run)
}

fn recorded(name: &str) -> Vec<Analysis> {
    let runs: Vec<AnalysisRun> = serde_json::from_value(recorded_json(name)["items"].take()).unwrap();
    runs.iter().map(run::analysis).collect()
}

#[test]
fn a_recorded_run_is_read_whole() {
    let runs = recorded("analysisruns-list-failed");
    let failed = |second| Measurement {
        phase: "Failed".into(),
        value: Some("[0.61]".into()),
        started: Some(at(&format!("2026-11-21T06:21:{second}Z"))),
        finished: Some(at(&format!("2026-11-21T06:21:{second}Z"))),
        message: None,
    };
    let expected = Analysis {
        name: "checkout-5bdbc96c79-3-4".into(),
        phase: "Failed".into(),
        message: Some("Metric \"success-rate\" assessed Failed due to failed (2) > failureLimit (1)".into()),
        terminated: false,
        metrics: vec![Metric {
            name: "success-rate".into(),
            provider: "prometheus".into(),
            form: Form::Numbers,
            query: Some("bad(sum(rate(http_requests_total[1m])))".into()),
            success: Some("result[0] >= 0.95".into()),
            interval: Some("3s".into()),
            limits: Some(Limits { count: Some(5), failure: 1, ..Limits::default() }),
            phase: "Failed".into(),
            tallies: Tallies { count: 2, failed: 2, ..Tallies::default() },
            measurements: vec![failed(31), failed(34)],
            ..Metric::default()
        }],
    };
    assert_eq!(runs[0], expected);
}

#[test]
fn recorded_runs_of_every_phase_are_what_their_measurements_give() {
    let runs = recorded("analysisruns-list-all-phases");
    let phases: Vec<_> = runs.iter().map(|run| run.phase.as_str()).collect();
    assert_eq!(phases, ["Error", "Successful", "Failed", "Successful", "Successful", "Inconclusive"]);
    for run in &runs {
        let again = recompute(run);
        assert_eq!(again.phase.map(|phase| phase.to_string()).as_ref(), Some(&run.phase), "{}", run.name);
        for (again, metric) in again.metrics.iter().zip(&run.metrics) {
            assert_eq!(again.phase.map(|phase| phase.to_string()).as_ref(), Some(&metric.phase), "{}", run.name);
            let said: Vec<_> = metric.measurements.iter().map(|it| it.phase.parse::<Phase>().ok()).collect();
            assert_eq!(again.measurements, said, "{}", run.name);
        }
        assert_eq!((again.disagreements, again.unknown), (vec![], vec![]), "{}", run.name);
    }
}

/// argo-rollouts#4479.
#[test]
fn a_metric_without_one_success_that_says_successful_is_told() {
    let expected = Recomputed {
        phase: Some(Phase::Failed),
        metrics: vec![
            MetricAgain {
                name: "limits-by-container".into(),
                phase: Some(Phase::Successful),
                measurements: [Phase::Error, Phase::Failed, Phase::Failed, Phase::Error].map(Some).to_vec(),
                hidden: 0,
            },
            MetricAgain {
                name: "restarts".into(),
                phase: Some(Phase::Failed),
                measurements: [Phase::Successful, Phase::Successful, Phase::Failed].map(Some).to_vec(),
                hidden: 0,
            },
        ],
        disagreements: vec![
            "limits-by-container says Successful without one success (2 failed, 2 errors): \
             it was ended before a limit was exceeded"
                .into(),
        ],
        unknown: vec![],
    };
    assert_eq!(recompute(&one("analysisrun-ended-without-success")), expected);
}

/// argo-rollouts#1329.
#[test]
fn a_terminated_job_that_counts_as_a_success_is_told() {
    let again = recompute(&one("analysisrun-terminated-job"));
    assert_eq!(again.phase, Some(Phase::Successful));
    assert_eq!(
        again.disagreements,
        ["my-metric: measurement 1 was ended before it measured anything and counts as Successful"]
    );
}
