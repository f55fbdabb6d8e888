//! Our client against recorded replies: what becomes of them, and what is said of those that refuse.

use crate::{inventory::Listing, lookup::Asking};
use std::{collections::BTreeMap, time::Duration};

use chrono::TimeZone;
use holdshort::{
    domain::{
        form::{Field, Kind},
        gate::{Behind, Eligibility, Gate},
        object::ObjectId,
        observed::FaultKind,
        offer::{Offer, Risk},
        pipeline::{LogRef, Node, NodeKind, Run, RunStatus, Status},
        time::Timestamp,
        verb::Verb,
        version::Version,
    },
    port::{
        error::ProviderError,
        plan::{Facts, WireCall},
    },
};
use serde_json::{Value, json};

use crate::scene::{Diary, HandClock, Said, connect, fixture, saying, send};

const RUNS: &str = "GET /repos/PyGithub/PyGithub/actions/runs?per_page=30&exclude_pull_requests=true";
const WAITING: &str =
    "GET /repos/PyGithub/PyGithub/actions/runs?status=waiting&per_page=100&exclude_pull_requests=true";

fn at(year: i32, month: u32, day: u32, time: (u32, u32, u32)) -> Timestamp {
    chrono::Utc.with_ymd_and_hms(year, month, day, time.0, time.1, time.2).single().unwrap()
}

fn ok(body: Value) -> Said {
    (200, &[], body)
}

/// What our client reads where GitHub says this.
fn said(answers: impl IntoIterator<Item = (&'static str, Said)>) -> holdshort::port::facet::Connection {
    connect(saying(&Diary::default(), answers.into_iter().collect()), "PyGithub/PyGithub", &HandClock::new())
}

fn pygithub(run: u64) -> ObjectId {
    ObjectId::new(&"github".into(), "run", format!("PyGithub/PyGithub/{run}"))
}

#[tokio::test]
async fn a_recorded_list_without_names_attempts_and_actors_is_read_whole() {
    let runs = said([(RUNS, ok(fixture("rec_list_runs")))]).inventories[0].runs().await.unwrap();
    let numbers: Vec<_> = runs.iter().map(|run| (run.number, run.status)).collect();
    assert_eq!(
        numbers,
        [
            (122, RunStatus::Succeeded),
            (121, RunStatus::Succeeded),
            (120, RunStatus::Succeeded),
            (119, RunStatus::Succeeded)
        ]
    );
    let first = Run {
        id: pygithub(110_932_306),
        service: "PyGithub".into(),
        pipeline: "workflow 1026390".into(),
        number: 122,
        attempt: 1,
        title: "Remove RateLimit.rate (#1529)".into(),
        branch: Some("master".into()),
        version: Version::tagged("master").at_commit("7abf600480089550b4224aa97004367c2fa25b38"),
        status: RunStatus::Succeeded,
        raw: Some("success".into()),
        queued: None,
        started: at(2020, 5, 20, (23, 59, 37)),
        updated: at(2020, 5, 21, (0, 2, 14)),
        actor: None,
        url: Some("https://github.com/PyGithub/PyGithub/actions/runs/110932306".into()),
        offers: vec![
            Offer::blocked(Verb::Cancel, Risk::Medium, "the run has ended"),
            Offer::blocked(Verb::Rerun, Risk::High, "GitHub starts a run again for 30 days only; start a new one"),
            Offer {
                unsure: Some("GitHub does not say whether this workflow can be started by hand".into()),
                ..Offer::open(Verb::Dispatch, Risk::High).asking(vec![
                    Field::new("ref", "branch or tag", Kind::Text).required().default("master"),
                    Field::new("inputs", "inputs", Kind::Text).hint(
                        "NAME=VALUE, NAME=VALUE: which it asks for is not known: GitHub does not say in which file it is",
                    ),
                ])
            },
        ],
    };
    assert_eq!(runs[0], first);
}

#[tokio::test]
async fn null_names_and_branches_and_a_broken_neighbour_leave_the_others_standing() {
    let mut run = fixture("rec_run_attempt");
    for key in ["name", "head_branch", "head_commit", "actor", "triggering_actor", "conclusion"] {
        run[key] = Value::Null;
    }
    let list = json!({ "total_count": 3, "workflow_runs": [{ "id": "broken" }, run, "no run at all"] });
    let runs = said([(RUNS, ok(list))]).inventories[0].runs().await.unwrap();
    let seen: Vec<_> =
        runs.iter().map(|run| (run.pipeline.as_str(), run.attempt, run.status, run.branch.clone())).collect();
    assert_eq!(seen, [("codeql", 2, RunStatus::Unknown, None)]);
    assert_eq!(runs[0].version, Version::tagged("no branch").at_commit("3a17ecf4a5a4dc873f2632470a712497b38eea88"));
}

#[tokio::test]
async fn recorded_jobs_keep_their_steps() {
    let path = "GET /repos/PyGithub/PyGithub/actions/runs/3881497935/jobs?filter=latest&per_page=100";
    let mut body = fixture("rec_jobs");
    body["jobs"].as_array_mut().unwrap().push(fixture("wh_workflow_job_waiting"));
    let jobs = said([(path, ok(body))]).lookups[0].jobs(&pygithub(3_881_497_935)).await.unwrap();
    let success = || Status::said(RunStatus::Succeeded, "success");
    let started = jobs[0].nodes[0].started;
    assert_eq!(started, Some(at(2023, 1, 10, (8, 24, 27))));
    let untimed = |node: &Node| Node { started: None, ended: None, ..node.clone() };
    let steps: Vec<Node> = jobs[0].nodes.iter().map(untimed).collect();
    let expected: Vec<Node> = [
        "Set up job",
        "Run actions/checkout@v2",
        "Set up Python",
        "Install tox",
        "Run tests",
        "Upload coverage to Codecov",
        "Post Set up Python",
        "Post Run actions/checkout@v2",
        "Complete job",
    ]
    .map(|name| Node::new(NodeKind::Step, name, success()))
    .to_vec();
    assert_eq!(steps, expected);
    let first = Node {
        queued: Some(at(2023, 1, 10, (8, 24, 21))),
        started: Some(at(2023, 1, 10, (8, 24, 28))),
        ended: Some(at(2023, 1, 10, (8, 25, 28))),
        attempt: Some(1),
        runner: jobs[0].runner.clone(),
        log: Some(LogRef::new("10545727758")),
        nodes: jobs[0].nodes.clone(),
        ..Node::new(NodeKind::Job, "test (Python 3.7)", success())
    };
    assert_eq!(jobs[0], first);
    let waiting =
        Node { attempt: Some(1), ..Node::new(NodeKind::Job, "test", Status::said(RunStatus::Waiting, "waiting")) };
    assert_eq!(jobs.last(), Some(&waiting));
}

/// The recorded run that is in progress, as one that waits for the environment of the example.
fn waiting() -> Vec<(&'static str, Said)> {
    let mut run = fixture("rec_get_run_in_progress");
    run["status"] = "waiting".into();
    let me = json!({ "login": "nuang-ee" });
    vec![
        ("GET /user", ok(me)),
        ("GET /repos/PyGithub/PyGithub/actions/runs/3911660493?exclude_pull_requests=true", ok(run.clone())),
        (WAITING, ok(json!({ "total_count": 1, "workflow_runs": [run] }))),
        (
            "GET /repos/PyGithub/PyGithub/actions/runs/3911660493/pending_deployments",
            ok(fixture("ex_pending_deployments")),
        ),
    ]
}

#[tokio::test]
async fn a_pending_environment_is_a_gate() {
    let gates = said(waiting()).inventories[0].gates().await.unwrap();
    let commit = "f8de1574818fccb40aa2a4d89a5c423a44753258";
    let gate = Gate {
        id: ObjectId::new(&"github".into(), "gate", "PyGithub/PyGithub/3911660493/staging"),
        service: "PyGithub".into(),
        environment: "staging".into(),
        system: "GitHub environment".into(),
        title: "CI #934 to staging".into(),
        version: Some(Version::tagged("feat/workflow-run").at_commit(commit)),
        since: at(2023, 1, 13, (13, 19, 37)),
        eligible: Eligibility::Can,
        approvals: None,
        behind: Behind::Run(pygithub(3_911_660_493)),
        newer_behind: 0,
        live: None,
        url: Some("https://github.com/PyGithub/PyGithub/actions/runs/3911660493".into()),
        identity: [
            ("run", "3911660493"),
            ("attempt", "1"),
            ("commit", commit),
            ("environment waiting for review", "161088068"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        offers: vec![Offer::open(Verb::Approve, Risk::High), Offer::open(Verb::Reject, Risk::Medium)],
    };
    assert_eq!(gates, [gate]);
}

#[tokio::test]
async fn who_may_not_approve_reads_why_and_whom_to_ask() {
    let table = [
        // Who started it may be barred for that, or be no reviewer: only the environment's rule tells.
        ("nuang-ee", Some(true), "you started this run; ask octocat, PyGithub/justice-league"),
        ("nuang-ee", Some(false), "you are not a reviewer of staging; ask octocat, PyGithub/justice-league"),
        ("nuang-ee", None, "GitHub does not say why you may not; ask octocat, PyGithub/justice-league"),
        ("octocat", Some(false), "GitHub does not say why you may not; ask PyGithub/justice-league"),
        ("someone-else", Some(true), "you are not a reviewer of staging; ask octocat, PyGithub/justice-league"),
    ];
    for (me, barred, why) in table {
        let mut answers: BTreeMap<_, _> = waiting().into_iter().collect();
        answers.insert("GET /user", ok(json!({ "login": me })));
        if let Some(barred) = barred {
            let rules = json!({ "nodes": [{ "preventSelfReview": null }, { "preventSelfReview": barred }] });
            let nodes = json!([{ "name": "staging", "protectionRules": rules }]);
            let live = json!({ "data": { "repository": { "environments": { "nodes": nodes } } } });
            answers.insert("POST /graphql", ok(live));
        }
        let pending = "GET /repos/PyGithub/PyGithub/actions/runs/3911660493/pending_deployments";
        let mut body = fixture("ex_pending_deployments");
        body[0]["current_user_can_approve"] = json!(false);
        answers.insert(pending, ok(body));
        let gates = said(answers).inventories[0].gates().await.unwrap();
        let blocked: Vec<_> = gates[0].offers.iter().map(|offer| offer.blocked.as_deref()).collect();
        assert_eq!(blocked, [Some(why), Some(why)]);
    }
}

#[tokio::test]
async fn a_timer_and_an_unknown_right_are_not_taken_for_a_no() {
    let pending = "GET /repos/PyGithub/PyGithub/actions/runs/3911660493/pending_deployments";
    let mut timer = fixture("ex_pending_deployments");
    timer[0]["reviewers"] = json!([]);
    let mut answers: BTreeMap<_, _> = waiting().into_iter().collect();
    answers.insert(pending, ok(timer));
    let gates = said(answers.clone()).inventories[0].gates().await.unwrap();
    let timer =
        Eligibility::Cannot { why: "waits for a rule that GitHub does not name, no human".into(), ask: Vec::new() };
    assert_eq!(gates[0].eligible, timer);
    let mut silent = fixture("ex_pending_deployments");
    silent[0].as_object_mut().unwrap().remove("current_user_can_approve");
    answers.insert(pending, ok(silent));
    let gates = said(answers).inventories[0].gates().await.unwrap();
    assert_eq!(gates[0].eligible, Eligibility::Unknown { why: "GitHub does not say whether you may".into() });
    let unsure = Some("GitHub does not say whether you may".into());
    assert_eq!(gates[0].offers[0], Offer { unsure, ..Offer::open(Verb::Approve, Risk::High) });
}

#[tokio::test]
async fn a_gate_that_is_read_again_tells_the_facts_that_plans_are_bound_to() {
    let connection = said(waiting());
    let id = ObjectId::new(&"github".into(), "gate", "PyGithub/PyGithub/3911660493/staging");
    let gates = &connection.inventories[0];
    let facts = |pairs: &[(&str, &str)]| -> Facts {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let run = [
        ("run", "3911660493"),
        ("attempt", "1"),
        ("commit", "f8de1574818fccb40aa2a4d89a5c423a44753258"),
        ("status", "waiting"),
    ];
    let pending = ("environment waiting for review", "161088068");
    assert_eq!(gates.read(&id).await.unwrap().facts, facts(&[&run[..], &[pending]].concat()));
    let other = ObjectId::new(&"github".into(), "gate", "PyGithub/PyGithub/3911660493/prod");
    assert_eq!(gates.read(&other).await.unwrap().facts, facts(&run));
    let of_run = facts(&[&run[..], &[("workflow", "1903133")]].concat());
    assert_eq!(gates.read(&pygithub(3_911_660_493)).await.unwrap().facts, of_run);
}

fn cancel() -> WireCall {
    WireCall {
        words: "cancel CI #934".into(),
        method: "POST".into(),
        path: "/repos/PyGithub/PyGithub/actions/runs/3911660493/cancel".into(),
        content_type: String::new(),
        body: "".into(),
        ..WireCall::default()
    }
}

/// What our client says of a write that gets this.
async fn refused(answer: Said) -> ProviderError {
    let connection = said([("POST /repos/PyGithub/PyGithub/actions/runs/3911660493/cancel", answer)]);
    send(&*connection.inventories[0], &cancel()).await.unwrap_err()
}

#[tokio::test]
async fn a_refusal_is_a_sentence_with_the_way_out() {
    let error = |kind, text: &str| ProviderError::new(kind, format!("GitHub, cancel CI #934: {text}"));
    let message = |text: &str| json!({ "message": text, "documentation_url": "https://docs.github.com/rest" });
    let table: [(Said, ProviderError); 8] = [
        (
            (403, &[("x-ratelimit-remaining", "33")], fixture("rec_cancel_403")),
            error(FaultKind::Forbidden, "Must have admin rights to Repository."),
        ),
        (
            (
                403,
                &[("x-accepted-github-permissions", "actions=write")],
                message("Resource not accessible by personal access token."),
            ),
            error(
                FaultKind::Forbidden,
                "Resource not accessible by personal access token. The token would need: actions=write",
            ),
        ),
        (
            (
                403,
                &[("x-github-sso", "required; url=https://github.com/orgs/acme/sso?x=1")],
                message("Resource protected"),
            ),
            error(FaultKind::Forbidden, "the token needs single sign-on: open https://github.com/orgs/acme/sso?x=1"),
        ),
        (
            (403, &[("x-github-sso", "required")], message("Resource protected by organization SAML enforcement.")),
            error(FaultKind::Forbidden, "the token needs single sign-on: authorize it for the organisation"),
        ),
        (
            (404, &[], message("Not Found")),
            error(FaultKind::Missing, "not found or no permission; check the name and what the token may do"),
        ),
        (
            (401, &[], message("Bad credentials")),
            error(
                FaultKind::Unauthenticated,
                "the token is not accepted (Bad credentials); put a valid one into the configuration",
            ),
        ),
        (
            (409, &[], message("Cannot cancel a workflow run that is completed.")),
            error(FaultKind::Conflict, "Cannot cancel a workflow run that is completed."),
        ),
        (
            (
                422,
                &[],
                json!({ "message": "Validation Failed", "errors": [{ "field": "color", "code": "invalid" }, 7] }),
            ),
            error(FaultKind::Rejected, "Validation Failed: color invalid"),
        ),
    ];
    for (answer, wanted) in table {
        assert_eq!(refused(answer).await, wanted);
    }
}

#[tokio::test]
async fn a_rate_limit_says_for_how_long() {
    // The scene's clock stands at 10:12:00, which is second 1773137520.
    let message = json!({ "message": "API rate limit exceeded for dana." });
    let reset: Said = (403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1773137610")], message.clone());
    let error = refused(reset).await;
    assert_eq!((error.kind, error.retry_after), (FaultKind::RateLimited, Some(Duration::from_secs(90))));
    assert_eq!(
        error.text,
        "GitHub, cancel CI #934: request limit reached, free again at 10:13:30 UTC (API rate limit exceeded for dana.)"
    );
    let retry: Said = (429, &[("retry-after", "7"), ("x-ratelimit-remaining", "0")], message);
    assert_eq!(refused(retry).await.retry_after, Some(Duration::from_secs(7)));
    let secondary: Said = (403, &[], json!({ "message": "You have exceeded a secondary rate limit." }));
    let error = refused(secondary).await;
    assert_eq!((error.kind, error.retry_after), (FaultKind::RateLimited, Some(Duration::from_mins(1))));
    assert_eq!(
        error.text,
        "GitHub, cancel CI #934: asked too much at once (GitHub's secondary limit), free again at 10:13:00 UTC \
         (You have exceeded a secondary rate limit.)"
    );
}

#[tokio::test]
async fn text_from_github_cannot_move_the_cursor() {
    let mut run = fixture("rec_run_attempt");
    run["display_title"] = "\u{1b}[2Jgone\u{7}".into();
    run["name"] = "de\u{202e}ploy".into();
    let runs = said([(RUNS, ok(json!({ "workflow_runs": [run] })))]).inventories[0].runs().await.unwrap();
    assert_eq!((runs[0].title.as_str(), runs[0].pipeline.as_str()), ("gone", "deploy"));
}
