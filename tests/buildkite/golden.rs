//! Our client against written answers: what each of them means.

use holdshort::{
    domain::{
        gate::{Behind, Eligibility, Gate},
        ids::Person,
        offer::{Offer, Risk},
        pipeline::{Flag, LogRef, Node, NodeKind, RunStatus, Status},
        time::Timestamp,
        verb::Verb,
    },
    port::facet::Connection,
};
use serde_json::{Value, json};

use crate::{
    inventory::Listing,
    lookup::Asking,
    scene::{Diary, HandClock, connect, fixture, pipeline, saying},
};

const WHO: &str = "Buildkite does not say whether you may: it takes the right to build, or one of the step's teams";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Our client where these are all builds there are.
fn over(builds: &Value, scopes: &[&str]) -> Connection {
    let token = json!({"scopes": scopes, "user": {"name": "Dana Ray"}});
    let answers = vec![
        ("/access-token", (200, Vec::new(), token)),
        ("/builds", (200, Vec::new(), builds.clone())),
        ("/builds/812", (200, Vec::new(), builds[1].clone())),
    ];
    connect(saying(&Diary::default(), answers), vec![pipeline("acme/*")], &HandClock::new())
}

fn known() -> Connection {
    over(&fixture("builds"), &["read_builds", "write_builds"])
}

#[tokio::test]
async fn a_build_is_a_run_and_one_that_is_blocked_waits_although_its_state_says_passed() {
    let runs = known().inventories[0].runs().await.unwrap();
    let told: Vec<_> = runs
        .iter()
        .map(|run| (run.id.path.as_str(), run.status, run.title.as_str(), run.version.to_string()))
        .collect();
    assert_eq!(
        told,
        [
            ("acme/ledger/813", RunStatus::Waiting, "Ledger 4.3.0", "4.3.0 (d00df00)".to_owned()),
            ("acme/ledger/812", RunStatus::Running, "Ledger 4.2.0", "4.2.0 (c0ffee1)".to_owned()),
            ("acme/ledger/811", RunStatus::Unknown, "", "main".to_owned()),
        ]
    );
    let people: Vec<_> = runs.iter().map(|run| run.actor.as_ref().map(Person::as_str)).collect();
    assert_eq!(people, [Some("Kim Lo"), None, Some("lee@example.com")]);
    let first = &runs[0];
    assert_eq!((first.service.as_str(), first.pipeline.as_str(), first.number), ("ledger", "ledger", 813));
    assert_eq!(
        (first.started, first.updated),
        (at("2026-03-10T09:00:00Z"), at("2026-03-10T09:02:00Z")),
        "when it was begun, and when it last moved"
    );
    assert_eq!(first.url.as_deref(), Some("https://buildkite.com/acme/ledger/builds/813"));
}

#[tokio::test]
async fn what_can_be_done_with_a_build_depends_on_where_it_is_and_what_is_not_promised_is_said() {
    let runs = known().inventories[0].runs().await.unwrap();
    let promised = "Buildkite promises it for builds that are scheduled, running or failing only";
    let rerun = Offer::blocked(Verb::Rerun, Risk::Medium, "the build has not ended; cancel it first");
    let unsure = Offer { unsure: Some(promised.into()), ..Offer::open(Verb::Cancel, Risk::Medium) };
    let running = Offer::open(Verb::Cancel, Risk::Medium);
    let offers: Vec<_> = runs.iter().map(|run| run.offers[..2].to_vec()).collect();
    let others: Vec<_> =
        runs.iter().flat_map(|run| &run.offers[2..]).map(|offer| (offer.verb, &offer.blocked)).collect();
    assert_eq!(others, [(Verb::Dispatch, &None); 3]);
    let each = |cancel: &Offer| vec![cancel.clone(), rerun.clone()];
    assert_eq!(offers, [each(&unsure), each(&running), each(&unsure)]);
}

#[tokio::test]
async fn each_step_that_waits_now_is_a_gate_bound_to_its_build_and_job_and_no_other_is() {
    let gates = known().inventories[0].gates().await.unwrap();
    let [newer, older] = gates.as_slice() else { panic!("{gates:#?}") };
    let approve = newer.offers[0].clone();
    assert_eq!(approve.form.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(), ["code-name", "stream"]);
    let run = "buildkite/run/acme/ledger/813".parse().unwrap();
    let expected = Gate {
        id: "buildkite/gate/acme/ledger/813/j-813-3".parse().unwrap(),
        service: "ledger".into(),
        environment: "prod/eu".into(),
        system: "Buildkite block step".into(),
        title: "ledger #813: Release".into(),
        version: newer.version.clone(),
        since: at("2026-03-10T09:02:00Z"),
        eligible: Eligibility::Unknown { why: WHO.into() },
        approvals: None,
        behind: Behind::Run(run),
        newer_behind: 0,
        live: None,
        url: Some("https://buildkite.com/acme/ledger/builds/813".into()),
        identity: [
            ("build", "813"),
            ("build id", "b-813"),
            ("commit", "d00df00dd00df00dd00df00dd00df00dd00df00d"),
            ("block step", "j-813-3"),
            ("block step is", "blocked"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        offers: vec![
            Offer { unsure: Some(WHO.into()), ..Offer::open(Verb::Approve, Risk::Medium) }.asking(approve.form),
            Offer::blocked(
                Verb::Reject,
                Risk::Medium,
                "Buildkite knows no 'no' to a block step: leave it, or cancel its build",
            ),
        ],
    };
    assert_eq!(*newer, expected);
    assert_eq!((older.title.as_str(), older.newer_behind), ("ledger #812: Release", 1));
    let why = "Buildkite does not say whether it can be unblocked yet, nor by whom";
    assert_eq!(older.eligible, Eligibility::Unknown { why: why.into() });
}

#[tokio::test]
async fn what_cannot_be_read_is_said_beside_what_can() {
    let (_, unread) = known().inventories[0].look().await;
    assert_eq!(
        unread,
        [
            "Buildkite, acme: 1 of the builds that are not over cannot be read",
            "Buildkite, acme: 1 of its newest builds cannot be read"
        ]
    );
    let mut builds = fixture("builds");
    builds.as_array_mut().unwrap().truncate(1);
    builds[0]["jobs"] = json!([]);
    let (_, unread) = over(&builds, &[]).inventories[0].look().await;
    let silent = "Buildkite, acme: ledger build 813 is blocked, and names no step that could be unblocked";
    assert_eq!(unread, [silent]);
    builds[0]["jobs"] = json!([{"id": 7}]);
    let (_, unread) = over(&builds, &[]).inventories[0].look().await;
    assert_eq!(unread, ["Buildkite, acme: 1 jobs of ledger build 813 cannot be read"]);
}

#[tokio::test]
async fn a_token_that_may_not_act_says_so_on_every_verb_and_still_sees() {
    let connection = over(&fixture("builds"), &["read_builds"]);
    let gates = connection.inventories[0].gates().await.unwrap();
    let why = "your token lacks the scope write_builds";
    assert_eq!(gates[0].eligible, Eligibility::Cannot { why: why.into(), ask: vec![] });
    let approve = &gates[0].offers[0];
    assert_eq!((approve.verb, approve.blocked.as_deref()), (Verb::Approve, Some(why)));
    let runs = connection.inventories[0].runs().await.unwrap();
    let cancels: Vec<_> = runs.iter().map(|run| run.offers[0].blocked.as_deref()).collect();
    assert_eq!(cancels, [Some(why); 3]);
}

#[tokio::test]
async fn the_jobs_of_a_build_are_those_that_people_know() {
    let connection = known();
    let run = "buildkite/run/acme/ledger/812".parse().unwrap();
    let jobs = connection.lookups[0].jobs(&run).await.unwrap();
    let status = |state, raw: &str| Status::said(state, raw);
    let log = |id: &str| Some(LogRef::new(id));
    let job = |name: &str, status| Node::new(NodeKind::Job, name, status);
    let child = Node {
        run: Some("buildkite/run/acme/deploy/41".parse().unwrap()),
        ..Node::new(NodeKind::Child, "deploy build 41", status(RunStatus::Queued, ""))
    };
    let expected = [
        Node {
            started: Some(at("2026-03-09T20:00:00Z")),
            ended: Some(at("2026-03-09T20:01:00Z")),
            log: log("j-812-1"),
            ..job("Lint 2/4", status(RunStatus::Failed, "failed").with(Flag::SoftFailed, true))
        },
        Node {
            started: Some(at("2026-03-09T20:01:00Z")),
            log: log("j-812-2"),
            ..job("Soak", status(RunStatus::Running, "running"))
        },
        Node { kind: NodeKind::Stage, ..job("Release", status(RunStatus::Waiting, "blocked")) },
        Node { nodes: vec![child], ..job("job", status(RunStatus::Queued, "scheduled")) },
    ];
    assert_eq!(jobs, expected);
}

#[tokio::test]
async fn text_that_a_terminal_obeys_reaches_no_run_gate_job_or_log() {
    const HOSTILE: &str = "a\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}b";
    let mut builds = fixture("builds");
    builds.as_array_mut().unwrap().truncate(1);
    for key in ["message", "branch", "commit", "id", "web_url"] {
        builds[0][key] = HOSTILE.into();
    }
    builds[0]["creator"]["name"] = HOSTILE.into();
    builds[0]["jobs"] =
        json!([{"id": HOSTILE, "type": "manual", "label": HOSTILE, "state": "blocked", "unblockable": true}]);
    let answers = vec![
        ("/builds", (200, Vec::new(), builds.clone())),
        ("/builds/813", (200, Vec::new(), builds[0].clone())),
        ("/log", (200, Vec::new(), HOSTILE.into())),
    ];
    let connection = connect(saying(&Diary::default(), answers), vec![pipeline("acme/*")], &HandClock::new());
    let (items, unread) = connection.inventories[0].look().await;
    let run = "buildkite/run/acme/ledger/813".parse().unwrap();
    let jobs = connection.lookups[0].jobs(&run).await.unwrap();
    let log = connection.lookups[0].log(&run, &LogRef::new("x"), 5).await.unwrap();
    assert_eq!(items.len(), 2);
    let shown = format!("{items:?}{unread:?}{jobs:?}{log:?}");
    assert!(!shown.contains("owned") && !shown.contains("\\u{1b}") && !shown.contains("\\u{202e}"), "{shown}");
}
