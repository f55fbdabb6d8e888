//! Published models through our client: whole runs, gates and trees.

use std::collections::BTreeMap;

use holdshort::{
    domain::{
        gate::{Behind, Eligibility, Gate},
        object::ObjectId,
        offer::{Offer, Risk, offer_for},
        pipeline::{NodeKind, Run, RunStatus},
        verb::Verb,
        version::Version,
    },
    port::facet::Connection,
};
use serde_json::{Value, json};

use crate::{
    inventory::Listing,
    lookup::Asking,
    scene::{Diary, HandClock, Said, connect, fixture, pipeline, saying, token},
};

/// Of the pipeline of the fixtures, whose newest run is this.
fn connection(run: &Value, more: Vec<(&'static str, Said)>) -> Connection {
    let ok = |body: Value| (200, vec![("content-type", "application/json")], body);
    let mut listed = fixture("pipeline_runs_list")[0].clone();
    listed["pipelineRunId"] = run["pipelineRunId"].clone();
    let mut answers = more;
    answers.extend([
        ("/runs/latestPipelineRun", ok(run.clone())),
        ("/runs/1", ok(run.clone())),
        ("/runs", ok(json!([listed]))),
        ("/listTasksByCategory/DEPLOY", ok(json!([]))),
        ("/pipelines", ok(fixture("pipelines_list"))),
    ]);
    connect(saying(&Diary::default(), answers), token(), vec![pipeline("checkout-prod")], &HandClock::new())
}

fn millis(at: i64) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp_millis(at).unwrap()
}

fn id(text: &str) -> ObjectId {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_published_run_is_a_run_that_waits_at_its_validation() {
    let connection = connection(&fixture("pipeline_run"), Vec::new());
    let (items, unread) = connection.inventories[0].look().await;
    assert_eq!(unread, [""; 0]);
    let run: Run = items.iter().find_map(|item| item.run()).unwrap().clone();
    let open = |verb| offer_for(&run.offers, verb).unwrap().blocked.is_none();
    assert_eq!([Verb::Cancel, Verb::Rollback, Verb::Rerun, Verb::Dispatch].map(open), [false, false, false, true]);
    let expected = Run {
        id: id("flow/run/123/1"),
        service: "checkout-prod".into(),
        pipeline: "checkout-prod".into(),
        number: 1,
        attempt: 1,
        title: "begun by hand".into(),
        branch: Some("master".into()),
        version: Version::of_ref("master"),
        status: RunStatus::Waiting,
        raw: Some("RUNNING".into()),
        queued: None,
        started: millis(1_590_730_400_000),
        updated: millis(1_590_730_500_000),
        actor: Some("1222222222".into()),
        url: None,
        offers: run.offers.clone(),
    };
    assert_eq!(run, expected);
    let gate: Gate = items.iter().find_map(|item| item.gate()).unwrap().clone();
    let identity = [("run", "1"), ("job", "111"), ("job is", "waiting"), ("job began", "1590730450000")];
    let expected = Gate {
        id: id("flow/gate/123/1/job-111"),
        service: "checkout-prod".into(),
        environment: "人工卡点".into(),
        system: "Flow gate".into(),
        title: "checkout-prod #1 人工卡点".into(),
        version: Some(Version::of_ref("master")),
        since: millis(1_590_730_450_000),
        eligible: Eligibility::Can,
        approvals: None,
        behind: Behind::Run(id("flow/run/123/1")),
        newer_behind: 0,
        live: None,
        url: None,
        identity: identity.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        offers: vec![Offer::open(Verb::Approve, Risk::High), Offer::open(Verb::Reject, Risk::Medium)],
    };
    assert_eq!(gate, expected);
}

#[tokio::test]
async fn a_published_deploy_order_is_a_tree_of_batches_and_a_gate_between_them() {
    let mut run = fixture("pipeline_run");
    let job = run.pointer_mut("/stages/0/stageInfo/jobs/0").unwrap();
    job["name"] = "主机部署".into();
    job["status"] = "RUNNING".into();
    job["actions"] = json!([]);
    job["result"] = "{\"deployOrderId\":1}".into();
    let order = (200, vec![], fixture("vm_deploy_order_waiting"));
    let connection = connection(&run, vec![("/deploy/1", order)]);
    let gate = connection.inventories[0].gates().await.unwrap().remove(0);
    assert_eq!(
        (gate.id.to_string().as_str(), gate.title.as_str(), gate.environment.as_str(), &gate.eligible),
        (
            "flow/gate/123/1/order-1",
            "checkout-prod #1 batch 1/2 done: 主机部署, 1 of 2 machines",
            "prod/eu",
            &Eligibility::Can
        )
    );
    let identity: BTreeMap<&str, &str> =
        gate.identity.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let bound = [("batch", "1"), ("deploy order", "1"), ("deploy order is", "paused"), ("run", "1")];
    assert_eq!(identity, BTreeMap::from(bound));
    assert_eq!(connection.inventories[0].runs().await.unwrap()[0].status, RunStatus::Waiting);
    let tree = connection.lookups[0].jobs(&id("flow/run/123/1")).await.unwrap();
    let deploy = &tree[0].nodes[0];
    let said: Vec<(NodeKind, &str, RunStatus)> = deploy
        .nodes
        .iter()
        .flat_map(|batch| {
            [(batch.kind, batch.name.as_str(), batch.status.state)]
                .into_iter()
                .chain(batch.nodes.iter().map(|it| (it.kind, it.name.as_str(), it.status.state)))
        })
        .collect();
    let expected = [
        (NodeKind::Stage, "batch 1 of 2", RunStatus::Succeeded),
        (NodeKind::Step, "10.0.0.1 (sn1)", RunStatus::Succeeded),
        (NodeKind::Stage, "batch 2 of 2", RunStatus::Queued),
        (NodeKind::Step, "10.0.0.2 (sn2)", RunStatus::Queued),
    ];
    assert_eq!((said.as_slice(), deploy.status.state), (&expected[..], RunStatus::Waiting));
}

#[tokio::test]
async fn a_state_that_nobody_knows_stays_readable_and_offers_nothing_by_itself() {
    let mut run = fixture("pipeline_run");
    run["status"] = "半途".into();
    let job = run.pointer_mut("/stages/0/stageInfo/jobs/0").unwrap();
    job["status"] = "半途".into();
    job["actions"] = json!([{"type": "某操作", "disable": false}]);
    let connection = connection(&run, Vec::new());
    let (items, _) = connection.inventories[0].look().await;
    assert_eq!(items.iter().filter(|item| item.gate().is_some()).count(), 0);
    let run = items.iter().find_map(|item| item.run()).unwrap();
    assert_eq!((run.status, run.status_words().as_str()), (RunStatus::Unknown, "半途 (unknown)"));
    let tree = connection.lookups[0].jobs(&run.id).await.unwrap();
    assert_eq!(tree[0].nodes[0].status.words(), "半途 (unknown)");
}

#[tokio::test]
async fn what_cannot_be_read_in_a_run_is_said_and_sinks_nothing_else() {
    let mut run = fixture("pipeline_run");
    run.pointer_mut("/stages/0/stageInfo/jobs").unwrap().as_array_mut().unwrap().push(json!({"id": [1], "name": 7}));
    let (items, unread) = connection(&run, Vec::new()).inventories[0].look().await;
    assert_eq!(items.iter().filter(|item| item.gate().is_some()).count(), 1);
    assert_eq!(unread, ["Flow, checkout-prod: 1 parts of run 1 cannot be read"]);
}

#[tokio::test]
async fn a_published_log_is_read_to_its_end() {
    let log = (200, vec![], fixture("job_log"));
    let mut run = fixture("pipeline_run");
    let job = run.pointer_mut("/stages/0/stageInfo/jobs/0").unwrap();
    (job["status"], job["actions"]) = ("SUCCESS".into(), json!([]));
    let connection = connection(&run, vec![("/job/111/log", log)]);
    let place = holdshort::domain::pipeline::LogRef::new("111");
    let lines = connection.lookups[0].log(&id("flow/run/123/1"), &place, 9).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["line1", "line2"]);
}
