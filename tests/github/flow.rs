//! Our client over the pretended GitHub: gates, verbs, logs; and what it does when the wire is bad.

use crate::{inventory::Listing, lookup::Asking};
use holdshort::port::inventory::Inventory;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use holdshort::{
    demo::github::spec::Action,
    domain::{
        form::{Field, Kind, Value},
        gate::{Eligibility, Gate},
        log::Mark,
        object::ObjectId,
        observed::FaultKind,
        offer::offer_for,
        pipeline::{LogRef, Run, RunStatus},
        verb::Verb,
    },
    port::{
        facet::Connection,
        fill::Supplies,
        lookup::Lookup,
        plan::{Ask, Condition, Draft, Expect, Expectation, WireCall},
        shape::{Checked, check},
        step::{Step, Watch},
        wire::{Class, Moved, WireError, whole},
    },
};
use http::Response;
use serde_json::json;

use crate::scene::{Diary, HandClock, Seen, connect, forge, over_forge, send, start, transport};

/// A forge, its clock, and what was asked.
pub(crate) fn world() -> (Arc<Mutex<holdshort::demo::github::Forge>>, HandClock, Diary) {
    (Arc::new(Mutex::new(forge())), HandClock::new(), Diary::default())
}

/// Our client at work on the forge.
struct Scene {
    forge: Arc<Mutex<holdshort::demo::github::Forge>>,
    clock: HandClock,
    diary: Diary,
    connection: Connection,
}

impl Scene {
    fn at(repo: &str) -> Self {
        let (forge, clock, diary) = world();
        let connection = connect(over_forge(&diary, &forge, &clock), repo, &clock);
        Self { forge, clock, diary, connection }
    }

    fn gates(&self) -> &dyn Inventory {
        &*self.connection.inventories[0]
    }

    fn insides(&self) -> &dyn Lookup {
        &*self.connection.lookups[0]
    }

    async fn gate(&self, title: &str) -> Gate {
        self.gates().gates().await.unwrap().into_iter().find(|gate| gate.title == title).unwrap()
    }

    async fn run(&self, pipeline: &str, number: u64) -> Run {
        let mut runs = self.gates().runs().await.unwrap().into_iter();
        runs.find(|run| run.pipeline == pipeline && run.number == number).unwrap()
    }

    fn happens(&self, action: &str) {
        let action: Action = toml::from_str(action).unwrap();
        self.forge.lock().unwrap().act(start(), &action).unwrap();
    }
}

fn ask(verb: Verb, target: ObjectId, reason: Option<&str>) -> Ask {
    Ask { reason: reason.map(str::to_owned), ..Ask::new(verb, target) }
}

fn ask_gate(gate: &Gate, verb: Verb, reason: Option<&str>) -> Ask {
    ask(verb, gate.id.clone(), reason)
}

fn ask_run(run: &Run, verb: Verb) -> Ask {
    ask(verb, run.id.clone(), None)
}

#[tokio::test]
async fn an_approval_without_a_reason_says_by_whom_and_goes_out_as_a_write_with_the_token() {
    let scene = Scene::at("acme/ledger");
    let gate = scene.gate("deploy #812 to prod").await;
    assert_eq!((&gate.eligible, gate.newer_behind), (&Eligibility::Can, 1));
    assert_eq!(gate.version.as_ref().unwrap().to_string(), "4.2.0 (c0ffee1)");
    let draft = scene.gates().draft_for(&gate, &ask_gate(&gate, Verb::Approve, None)).unwrap();
    assert_eq!(send(scene.gates(), &draft.steps[0].call).await.unwrap().said, "200 OK");
    let environment = &draft.bound["environment waiting for review"];
    let path = "/repos/acme/ledger/actions/runs/26412000812/pending_deployments";
    let write = Seen {
        line: format!("POST {path}"),
        class: Some(Class::Write),
        token: true,
        body: format!(
            r#"{{"comment":"approved in holdshort by dana","environment_ids":[{environment}],"state":"approved"}}"#
        ),
    };
    assert_eq!(scene.diary.writes(), [write]);
}

#[tokio::test]
async fn the_draft_of_an_approval_is_whole() {
    let scene = Scene::at("acme/ledger");
    let gate = scene.gate("deploy #812 to prod").await;
    let draft = scene.gates().draft_for(&gate, &ask_gate(&gate, Verb::Approve, Some("it's time"))).unwrap();
    let environment = gate.identity["environment waiting for review"].clone();
    let expected = Draft {
        from: None,
        to: gate.version.clone(),
        effect: "deploy #812 to prod goes on to prod: 4.2.0 (c0ffee1)".into(),
        steps: vec![Step::new(
            &gate.id,
            WireCall {
                words: "approve deploy #812 to prod".into(),
                method: "POST".into(),
                path: "/repos/acme/ledger/actions/runs/26412000812/pending_deployments".into(),
                content_type: "application/json".into(),
                body: format!(r#"{{"comment":"it's time","environment_ids":[{environment}],"state":"approved"}}"#)
                    .into(),
                command: format!(
                    "gh api --method POST repos/acme/ledger/actions/runs/26412000812/pending_deployments \
                 -F 'environment_ids[]={environment}' -f state=approved -f comment='it'\\''s time'"
                ),
                ..WireCall::default()
            },
        )],
        obligations: Vec::new(),
        moment: None,
        bound: [
            ("run", "26412000812"),
            ("attempt", "1"),
            ("commit", "c0ffee11c0ffee11c0ffee11c0ffee11c0ffee11"),
            ("environment waiting for review", environment.as_str()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        expect: Expectation {
            all: vec![Expect { fact: "environment waiting for review".into(), condition: Condition::Gone }],
            fails_if: vec![Expect::is("status", "failed"), Expect::is("status", "cancelled")],
            frees: None,
            rests: vec![],
            words: None,
            within: Duration::from_mins(1),
            progress: None,
        },
        undo: "an approval cannot be taken back: cancel the run, or put the earlier version back".into(),
        notes: vec!["1 newer run waits for prod behind this one".into()],
    };
    assert_eq!(draft, expected);
}

#[tokio::test]
async fn what_is_turned_away_or_stopped_is_the_version_that_the_card_names() {
    let scene = Scene::at("acme/ledger");
    let (gate, run) = (scene.gate("deploy #812 to prod").await, scene.run("deploy", 812).await);
    let rejected = scene.gates().draft_for(&gate, &ask_gate(&gate, Verb::Reject, None)).unwrap();
    let cancelled = scene.gates().draft_for(&run, &ask_run(&run, Verb::Cancel)).unwrap();
    for draft in [rejected, cancelled] {
        let version = draft.from.clone().map(|version| version.to_string());
        assert_eq!((version.as_deref(), draft.to), (Some("4.2.0 (c0ffee1)"), None), "{}", draft.effect);
    }
}

fn cancel() -> WireCall {
    WireCall {
        words: "cancel deploy #812".into(),
        method: "POST".into(),
        path: "/repos/acme/ledger/actions/runs/5/cancel".into(),
        content_type: String::new(),
        body: "".into(),
        ..WireCall::default()
    }
}

#[tokio::test]
async fn a_repository_that_was_renamed_says_so_and_nothing_is_sent_to_its_new_place() {
    let (diary, clock) = (Diary::default(), HandClock::new());
    let to = "/repositories/7/actions/runs/5/cancel of its own".to_owned();
    let moved = Moved { status: Some(307), to };
    let connection = connect(transport(&diary, move |_| Err(WireError::Moved(moved.clone()))), "acme/ledger", &clock);
    let call = cancel();
    let error = send(&*connection.inventories[0], &call).await.unwrap_err();
    assert_eq!(
        error.text,
        "GitHub, cancel deploy #812: it was renamed or moved: GitHub sends us to /repositories/7/actions/runs/5/cancel of its \
         own (307), and nothing was sent there; put its new name into the configuration"
    );
    assert!(!error.maybe_done);
}

#[tokio::test]
async fn a_card_shows_what_runs_there_now_as_far_as_that_is_known() {
    let scene = Scene::at("acme/ledger");
    let from = async |number: u64| {
        let gate = scene.gate(&format!("deploy #{number} to prod")).await;
        let draft = scene.gates().draft_for(&gate, &ask_gate(&gate, Verb::Approve, None)).unwrap();
        draft.from.map(|version| version.to_string())
    };
    assert_eq!(from(812).await, None);
    scene.happens("review = { repo = 'acme/ledger', run = 811, environment = 'prod', by = 'lee', approve = true }");
    scene.clock.pass(Duration::from_mins(2));
    assert_eq!(from(812).await.as_deref(), Some("4.1.0 (aaaa111)"));
}

#[tokio::test]
async fn who_started_a_run_is_told_so_and_sends_nothing() {
    let scene = Scene::at("acme/ledger");
    let gate = scene.gate("deploy #813 to prod").await;
    let ask_them = ["lee".into(), "acme/release".into()].to_vec();
    assert_eq!(gate.eligible, Eligibility::Cannot { why: "you started this run".into(), ask: ask_them });
    for verb in [Verb::Approve, Verb::Reject] {
        let blocked = scene.gates().draft_for(&gate, &ask_gate(&gate, verb, None)).unwrap_err();
        assert_eq!(blocked.to_string(), "you started this run; ask lee, acme/release");
    }
    let blocked = scene.gates().draft_for(&gate, &ask_gate(&gate, Verb::Promote, None)).unwrap_err();
    assert_eq!(blocked.to_string(), "a GitHub environment knows no 'promote': it knows approve and reject");
    assert_eq!(scene.diary.writes(), []);
}

#[tokio::test]
async fn a_rejected_run_fails_as_the_card_said() {
    let scene = Scene::at("acme/ledger");
    let gate = scene.gate("deploy #812 to prod").await;
    let ask = ask_gate(&gate, Verb::Reject, Some("bad"));
    let draft = scene.gates().draft_for(&gate, &ask).unwrap();
    assert_eq!(draft.notes, ["rejecting fails the run: its jobs that need this environment never start"]);
    send(scene.gates(), &draft.steps[0].call).await.unwrap();
    assert_eq!(scene.gates().read(&ask.target).await.unwrap().facts["status"], "failed");
}

#[tokio::test]
async fn an_approval_that_somebody_else_gave_first_is_refused_in_a_sentence() {
    let scene = Scene::at("acme/ledger");
    let gate = scene.gate("deploy #812 to prod").await;
    let draft = scene.gates().draft_for(&gate, &ask_gate(&gate, Verb::Approve, None)).unwrap();
    scene.happens("review = { repo = 'acme/ledger', run = 812, environment = 'prod', by = 'lee', approve = true }");
    let error = send(scene.gates(), &draft.steps[0].call).await.unwrap_err();
    assert_eq!(
        (error.kind, error.text.as_str(), error.maybe_done),
        (
            FaultKind::Rejected,
            "GitHub, approve deploy #812 to prod: No pending deployment requests to approve or reject",
            false
        )
    );
}

#[tokio::test]
async fn a_superseded_run_leaves_the_inbox() {
    let scene = Scene::at("acme/ledger");
    let titles =
        async || -> Vec<String> { scene.gates().gates().await.unwrap().into_iter().map(|gate| gate.title).collect() };
    assert_eq!(titles().await, ["deploy #813 to prod", "deploy #812 to prod", "deploy #811 to prod"]);
    scene.happens("push = { repo = 'acme/ledger', commit = 'c3d4', title = 'ledger 4.4.0', supersedes = true }");
    scene.clock.pass(Duration::from_mins(5));
    assert_eq!(titles().await, ["deploy #814 to prod"]);
}

#[tokio::test]
async fn a_failed_run_reruns_its_failed_jobs_only() {
    let scene = Scene::at("acme/ledger");
    let run = scene.run("soak", 7).await;
    assert_eq!((run.status, run.attempt), (RunStatus::Failed, 1));
    let draft = scene.gates().draft_for(&run, &ask_run(&run, Verb::Rerun)).unwrap();
    assert!(draft.steps[0].call.path.ends_with("/rerun-failed-jobs"), "{}", draft.steps[0].call.path);
    send(scene.gates(), &draft.steps[0].call).await.unwrap();
    scene.clock.pass(Duration::from_mins(1));
    let again = scene.run("soak", 7).await;
    assert_eq!((again.status, again.attempt, &again.id), (RunStatus::Succeeded, 2, &run.id));
    let blocked = scene.gates().draft_for(&scene.run("deploy", 812).await, &ask_run(&run, Verb::Rerun)).unwrap_err();
    assert_eq!(blocked.to_string(), "the run has not ended; cancel it first");
}

#[tokio::test]
async fn all_of_a_run_what_failed_or_one_job_runs_again_as_it_is_asked() {
    let scene = Scene::at("acme/ledger");
    let run = scene.run("soak", 7).await;
    let jobs = scene.insides().jobs(&run.id).await.unwrap();
    let job = jobs[0].log.clone().unwrap();
    let asked = |jobs: &str, job: &str| {
        let plain = ask_run(&run, Verb::Rerun);
        let args = plain.args.clone().with("jobs", Value::OneOf(jobs.into())).with("job", Value::Text(job.into()));
        Ask { args, ..plain }
    };
    let path = |ask: &Ask| scene.gates().draft_for(&run, ask).map(|draft| draft.steps[0].call.path.clone());
    assert!(path(&asked("all", "")).unwrap().ends_with("/rerun"));
    assert!(path(&asked("failed", "")).unwrap().ends_with("/rerun-failed-jobs"));
    let refusals = [path(&asked("one", "")), path(&asked("one", "../x")), path(&asked("one", "seven"))];
    let expected = [
        "say which job: its id, or choose it in the run's tree",
        "'../x' is no id of a job: it is a number",
        "'seven' is no id of a job: it is a number",
    ];
    assert_eq!(refusals.map(|refused| refused.unwrap_err().to_string()), expected);
    let ask = asked("one", job.as_str());
    let draft = scene.gates().draft_for(&run, &ask).unwrap();
    let shapes = scene.gates().shapes(&run.id, Verb::Rerun);
    assert_eq!(check(&draft.steps[0], Verb::Rerun, &shapes), Ok(()));
    assert!(draft.steps[0].call.command.ends_with(&format!("/jobs/{}/rerun", job.as_str())), "{:?}", draft.steps[0]);
    let checked = Checked::of(&draft.steps[0], Verb::Rerun, scene.gates(), &Supplies::default()).unwrap();
    scene.gates().send(checked).await.unwrap();
    let sent = scene.diary.all().pop().unwrap();
    assert_eq!(sent.line, format!("POST /repos/acme/ledger/actions/jobs/{}/rerun", job.as_str()));
    let facts = scene.gates().read(&run.id).await.unwrap().facts;
    assert!(draft.expect.all.iter().all(|one| one.holds(&facts)), "{facts:?}");
}

#[tokio::test]
async fn a_run_that_does_not_stop_is_ended_by_force_where_that_is_asked() {
    let scene = Scene::at("acme/ledger");
    let run = scene.run("deploy", 812).await;
    let plain = ask_run(&run, Verb::Cancel);
    let ask = Ask { args: plain.args.clone().with("force", Value::Flag(true)), ..plain };
    let draft = scene.gates().draft_for(&run, &ask).unwrap();
    assert!(draft.steps[0].call.path.ends_with("/force-cancel"), "{}", draft.steps[0].call.path);
    assert_eq!(draft.effect, "deploy #812 ends at once; what it has deployed stays");
    let checked = Checked::of(&draft.steps[0], Verb::Cancel, scene.gates(), &Supplies::default()).unwrap();
    scene.gates().send(checked).await.unwrap();
}

#[tokio::test]
async fn a_workflow_starts_anew_at_a_branch_with_inputs_and_the_run_that_makes_is_watched() {
    let scene = Scene::at("acme/ledger");
    let run = scene.run("deploy", 812).await;
    let form = offer_for(&run.offers, Verb::Dispatch).unwrap().form.clone();
    let branch = run.branch.clone().unwrap();
    let options = ["info", "warn"].map(str::to_owned).to_vec();
    let expected = [
        Field::new("ref", "branch or tag", Kind::Text).required().default(&branch),
        Field::new("level", "level", Kind::Choice(options)).required().default("warn"),
        Field::new("dry_run", "dry_run", Kind::Flag).hint("Build only"),
        Field::new("batch", "batch", Kind::Number).default("500").hint("a number"),
        Field::new("inputs.ref", "ref", Kind::Text).hint("Another one"),
        Field::new("ticket", "ticket", Kind::Text).required(),
    ];
    assert_eq!(form, expected);
    let asked = |reference: &str, ticket: &str| {
        let plain = ask_run(&run, Verb::Dispatch);
        let args = plain.args.clone().with("ref", Value::Text(reference.into()));
        let args = args.with("batch", Value::Text(String::new())).with("ticket", Value::Text(ticket.into()));
        Ask { args: args.over(&form), ..plain }
    };
    let ask = asked(&branch, "OPS-7");
    let draft = scene.gates().draft_for(&run, &ask).unwrap();
    let step = &draft.steps[0];
    let inputs = json!({"level": "warn", "dry_run": "false", "batch": "", "ticket": "OPS-7"});
    let body = json!({"ref": branch, "return_run_details": true, "inputs": inputs});
    assert_eq!(serde_json::from_str::<serde_json::Value>(step.call.body.shown()).unwrap(), body);
    let facts = scene.gates().read(&run.id).await.unwrap().facts;
    let supplies = Supplies { facts: Some(&facts), ..Supplies::default() };
    let sent = scene.gates().send(Checked::of(step, Verb::Dispatch, scene.gates(), &supplies).unwrap()).await.unwrap();
    let made = sent.given.get("made").unwrap();
    assert_eq!(step.watch, Watch::Made("github/run/acme/ledger/{made}".parse().unwrap()));
    let facts = scene.gates().read(&format!("github/run/acme/ledger/{made}").parse().unwrap()).await.unwrap().facts;
    assert!(draft.expect.all.iter().all(|one| one.holds(&facts)), "{facts:?}");
    let without = scene.gates().draft_for(&run, &asked(&branch, "")).unwrap();
    let facts = scene.gates().read(&run.id).await.unwrap().facts;
    let supplies = Supplies { facts: Some(&facts), ..Supplies::default() };
    let checked = Checked::of(&without.steps[0], Verb::Dispatch, scene.gates(), &supplies).unwrap();
    let error = scene.gates().send(checked).await.unwrap_err();
    assert!(error.text.ends_with("Required input 'ticket' not provided"), "{error}");
    let unknown = scene.gates().draft_for(&run, &asked("nowhere", "OPS-7")).unwrap();
    let facts = scene.gates().read(&run.id).await.unwrap().facts;
    let supplies = Supplies { facts: Some(&facts), ..Supplies::default() };
    let checked = Checked::of(&unknown.steps[0], Verb::Dispatch, scene.gates(), &supplies).unwrap();
    let error = scene.gates().send(checked).await.unwrap_err();
    assert_eq!(error.kind, FaultKind::Rejected);
    assert!(error.text.ends_with("No ref found for: nowhere"), "{error}");
}

#[tokio::test]
async fn a_log_is_fetched_past_the_token_and_cleaned() {
    let scene = Scene::at("acme/ledger");
    let run = scene.run("deploy", 812).await;
    let jobs = scene.insides().jobs(&run.id).await.unwrap();
    let shown: Vec<_> = jobs.iter().map(|job| (job.name.as_str(), job.status.state)).collect();
    assert_eq!(shown, [("build", RunStatus::Succeeded), ("to-prod", RunStatus::Waiting)]);
    assert_eq!(jobs[1].log, None);
    let none = LogRef::new((jobs[0].log.as_ref().unwrap().as_str().parse::<u64>().unwrap() + 1).to_string());
    let error = scene.insides().log(&run.id, &none, 5).await.unwrap_err();
    assert!(error.text.ends_with("no log; there is one once the job has ended, and until it expires"), "{error}");
    let lines = scene.insides().log(&run.id, jobs[0].log.as_ref().unwrap(), 3).await.unwrap();
    let said: Vec<_> = lines.iter().map(|line| (line.mark, line.grouped, line.text.as_str())).collect();
    let shell = "shell: /usr/bin/bash -e {0}  # build";
    assert_eq!(said, [(Mark::Group, false, "Complete job"), (Mark::Plain, true, shell)]);
    assert!(lines.iter().all(|line| line.at.is_some()), "{lines:?}");
    let last = scene.diary.all().pop().unwrap();
    assert!(last.line.starts_with("GET /_logs/") && !last.token, "{last:?}");

    let gate = scene.gate("deploy #812 to prod").await;
    let draft = scene.gates().draft_for(&gate, &ask_gate(&gate, Verb::Approve, None)).unwrap();
    send(scene.gates(), &draft.steps[0].call).await.unwrap();
    scene.clock.pass(Duration::from_mins(2));
    let second = scene.insides().jobs(&run.id).await.unwrap()[1].log.clone().unwrap();
    let lines = scene.insides().log(&run.id, &second, 100).await.unwrap();
    assert!(lines.iter().any(|line| line.text == "rolled out ledger"), "{lines:?}");
}

#[tokio::test]
async fn a_token_never_goes_to_another_host() {
    let (diary, clock) = (Diary::default(), HandClock::new());
    let answer = |request: &http::Request<bytes::Bytes>| {
        let response = Response::builder();
        Ok(if request.uri().host().is_some() {
            response.body(whole("2026-03-10T10:00:00.0Z done\n")).unwrap()
        } else {
            response.status(302).header("location", "https://blob.test/log?sig=1").body(whole("")).unwrap()
        })
    };
    let connection = connect(transport(&diary, answer), "acme/ledger", &clock);
    let run = ObjectId::new(&"github".into(), "run", "acme/ledger/5");
    let lines = connection.lookups[0].log(&run, &LogRef::new("6"), 10).await.unwrap();
    assert_eq!((lines.len(), lines[0].text.as_str()), (1, "done"));
    let seen: Vec<_> = diary.all().into_iter().map(|seen| (seen.line, seen.token)).collect();
    let wanted = [("GET /repos/acme/ledger/actions/jobs/6/logs", true), ("GET https://blob.test/log?sig=1", false)];
    assert_eq!(seen, wanted.map(|(line, token)| (line.to_owned(), token)));
}

#[tokio::test]
async fn a_write_is_sent_once_whatever_happens_to_it() {
    type Outcome = fn() -> Result<Response<holdshort::port::wire::WireBody>, WireError>;
    let table: [(Outcome, FaultKind, bool); 5] = [
        (|| Ok(Response::builder().status(502).body(whole("bad gateway")).unwrap()), FaultKind::Server, true),
        (|| Err(WireError::Lost("reset".into())), FaultKind::Unreachable, true),
        (|| Err(WireError::TimedOut(Duration::from_secs(10).into())), FaultKind::TimedOut, true),
        (|| Err(WireError::NotConnected("refused".into())), FaultKind::Unreachable, false),
        (|| Err(WireError::NoBudget(Duration::from_secs(9))), FaultKind::RateLimited, false),
    ];
    for (outcome, kind, maybe_done) in table {
        let (diary, clock) = (Diary::default(), HandClock::new());
        let connection = connect(transport(&diary, move |_| outcome()), "acme/ledger", &clock);
        let call = cancel();
        let error = send(&*connection.inventories[0], &call).await.unwrap_err();
        assert_eq!((error.kind, error.maybe_done, diary.writes().len()), (kind, maybe_done, 1), "{error}");
    }
}

#[tokio::test]
async fn a_list_that_forgets_a_run_does_not_take_it_from_the_screen() {
    let (diary, clock) = (Diary::default(), HandClock::new());
    let seen = Arc::new(Mutex::new(0));
    let answer = move |request: &http::Request<bytes::Bytes>| {
        let run = |status: &str, second: u8| {
            let at = format!("2026-03-10T10:00:{second:02}Z");
            json!({ "id": 5, "run_number": 1, "status": status, "created_at": at, "updated_at": at })
        };
        let body = if request.uri().query().is_some_and(|query| query.contains("status=")) {
            json!({ "workflow_runs": [] })
        } else if request.uri().path().ends_with("/runs") {
            let mut seen = seen.lock().unwrap();
            *seen += 1;
            // First the run, then nothing, then the run as it was long ago.
            match *seen {
                1 => json!({ "workflow_runs": [run("in_progress", 10)] }),
                2 => json!({ "workflow_runs": [] }),
                _ => json!({ "workflow_runs": [run("queued", 1)] }),
            }
        } else {
            run("waiting", 20)
        };
        Ok(Response::builder().body(whole(body.to_string())).unwrap())
    };
    let connection = connect(transport(&diary, answer), "acme/ledger", &clock);
    let pipelines = &connection.inventories[0];
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.extend(pipelines.runs().await.unwrap().into_iter().map(|run| run.status));
    }
    assert_eq!(statuses, [RunStatus::Running, RunStatus::Waiting, RunStatus::Waiting]);
    let direct = "GET /repos/acme/ledger/actions/runs/5?exclude_pull_requests=true";
    // Once for it was not among the newest, and once for it was not among those that wait.
    assert_eq!(diary.lines().iter().filter(|line| *line == direct).count(), 2);
}

#[tokio::test]
async fn a_repository_without_the_right_to_write_says_so() {
    let scene = Scene::at("acme/gateway");
    let run = scene.run("build", 1).await;
    let draft = scene.gates().draft_for(&run, &ask_run(&run, Verb::Cancel)).unwrap();
    let error = send(scene.gates(), &draft.steps[0].call).await.unwrap_err();
    assert_eq!((error.kind, error.maybe_done), (FaultKind::Forbidden, false));
    let nowhere = Scene::at("acme/nowhere");
    let error = nowhere.gates().gates().await.unwrap_err();
    assert_eq!(
        error.text,
        "GitHub, acme/nowhere: not found or no permission; check the name and what the token may do"
    );
}

#[tokio::test]
async fn every_request_of_a_poll_is_a_read_with_the_token() {
    let scene = Scene::at("acme/ledger");
    scene.gates().look().await;
    let all = scene.diary.all();
    assert!(all.iter().all(|seen| seen.class == Some(Class::Read) && seen.token), "{all:?}");
    // Who I am, what moved, the waiting runs and those to be let in, what each waits for, those held behind them, what is live,
    // the newest, and the files of their workflows.
    assert_eq!(all.len(), 1 + 1 + 2 + 3 + 1 + 1 + 1 + 2, "{all:?}");
}
