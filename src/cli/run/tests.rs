//! What is printed of a run and its logs.

use futures::{FutureExt, stream};

use super::*;
use crate::{
    cli::sample,
    domain::{log::Mark, observed::FaultKind, pipeline::Status, runners::Runner},
    port::lookup::{Answers, Topic},
};

/// Says what it was told to say.
struct Said(Vec<Node>, Vec<Result<LogPiece, ProviderError>>);

impl Lookup for Said {
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Jobs, Topic::Log]
    }

    fn ask(&self, question: Question) -> Answers<'_> {
        match question {
            Question::Jobs { .. } => stream::iter([Ok(Told::Jobs(self.0.clone()))]).boxed(),
            _ => stream::iter(self.1.iter().cloned().map(|piece| piece.map(Told::Log))).boxed(),
        }
    }
}

fn node(kind: NodeKind, name: &str, state: RunStatus) -> Node {
    Node::new(kind, name, Status::said(state, ""))
}

fn tree() -> Vec<Node> {
    let job = |name: &str, state| Node {
        log: Some(LogRef::new(name)),
        queued: Some(sample::at(-100)),
        started: Some(sample::at(-90)),
        ended: Some(sample::at(-50)),
        ..node(NodeKind::Job, name, state)
    };
    vec![
        Node {
            nodes: vec![node(NodeKind::Step, "compile", RunStatus::Succeeded)],
            ..job("build", RunStatus::Succeeded)
        },
        Node::stage("test", vec![job("unit", RunStatus::Failed), job("build", RunStatus::Succeeded)]),
        node(NodeKind::Job, "deploy", RunStatus::Unknown),
    ]
}

fn piece(words: &[&str], over: bool) -> LogPiece {
    let lines = words.iter().map(|text| Line::plain(text)).collect();
    LogPiece { lines, goes_on: false, cut: false, over }
}

fn args(line: &str) -> RunArgs {
    let words = ["holdshort", "run", "ledger#812"].into_iter().chain(line.split_whitespace());
    match crate::cli::parse(words).unwrap().command {
        Some(crate::cli::Command::Run(args)) => args,
        other => panic!("{other:?}"),
    }
}

/// What it prints, what it says beside that, and how it ends.
fn printed(lookup: &Said, args: &RunArgs) -> (String, String, Result<Exit, CliError>) {
    printed_as(Layout::Columns, lookup, args)
}

fn printed_as(layout: Layout, lookup: &Said, args: &RunArgs) -> (String, String, Result<Exit, CliError>) {
    let model = sample::model();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let run = resolve(&model, &args.id).unwrap();
    let look = Look { model: &model, lookup, layout, out: &mut out, err: &mut err };
    let ended = print(look, run, args).now_or_never().unwrap();
    (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap(), ended)
}

#[test]
fn a_run_is_a_tree_of_its_jobs_with_what_each_took_and_waited() {
    let (out, _, ended) = printed(&Said(tree(), Vec::new()), &args(""));
    let expected = "\
ledger deploy #812  waiting  main by dana  -
release
github/run/acme/ledger/812

STATUS     JOB        TOOK  WAITED  RUNNER
succeeded  build      40 s  10 s
succeeded    compile  -     -
failed     test       40 s  -
failed       unit     40 s  10 s
succeeded    build    40 s  10 s
unknown    deploy     -     -
";
    assert_eq!((out.as_str(), ended.unwrap()), (expected, Exit::Done));
}

#[test]
fn what_there_is_for_a_job_that_waits_is_said_below_and_in_json() {
    let busy = Runner { online: true, busy: Some(true) };
    let runners = Runners::fitting(&["gpu".to_owned()], [busy, Runner { online: false, busy: None }]);
    let status = Status::said(RunStatus::Queued, "queued");
    let waits = Node { runners: Some(runners), ..Node::new(NodeKind::Job, "train", status) };
    let (out, ..) = printed(&Said(vec![waits.clone()], Vec::new()), &args(""));
    assert!(out.ends_with("\ntrain waits: the only runner with gpu that takes jobs is busy\n"), "{out}");
    let (out, ..) = printed(&Said(vec![waits], Vec::new()), &args("--json"));
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    let expected = serde_json::json!({
        "wants": ["gpu"], "online": 1, "free": 0, "offline": 1, "unread": [],
        "said": "the only runner with gpu that takes jobs is busy",
    });
    assert_eq!(told["nodes"][0]["runners"], expected, "{told}");
}

#[test]
fn a_run_that_is_heard_names_of_each_job_what_it_is_a_part_of() {
    let (out, ..) = printed_as(Layout::Lines, &Said(tree(), Vec::new()), &args(""));
    let (_, tree) = out.split_once("\n\n").unwrap();
    let expected = "\
status: succeeded; job: build; took: 40 s; waited: 10 s
status: succeeded; job: build / compile
status: failed; job: test; took: 40 s
status: failed; job: test / unit; took: 40 s; waited: 10 s
status: succeeded; job: test / build; took: 40 s; waited: 10 s
status: unknown; job: deploy
";
    assert_eq!(tree, expected);
}

#[test]
fn a_name_that_two_jobs_have_is_refused_and_the_path_tells_them_apart() {
    let lookup = Said(tree(), vec![Ok(piece(&["one"], true))]);
    let (_, _, ended) = printed(&lookup, &RunArgs { log: Some("build".into()), ..args("") });
    let error = ended.unwrap_err();
    assert_eq!(error.exit, Exit::Usage);
    assert!(
        error.text().starts_with("there is more than one job 'build'; the jobs are:\n  build  succeeded\n"),
        "{error}"
    );
    let (out, _, _) = printed(&lookup, &RunArgs { log: Some("test / build".into()), ..args("") });
    assert_eq!(out, "one\n");
    let (_, _, ended) = printed(&lookup, &RunArgs { log: Some("deploy".into()), ..args("") });
    assert_eq!(ended.unwrap_err().text(), "job 'deploy' has no log: it is unknown");
}

#[test]
fn a_log_that_goes_on_is_printed_until_it_is_over_only_where_it_is_followed() {
    let lookup = Said(tree(), vec![Ok(piece(&["one", "two"], false)), Ok(piece(&["three"], true))]);
    let (out, err, ended) = printed(&lookup, &args("--log unit"));
    assert_eq!((out.as_str(), ended.unwrap()), ("one\ntwo\n", Exit::Done));
    assert_eq!(err, "holdshort: the job has not ended: --follow goes on\n");
    let (out, err, _) = printed(&lookup, &args("--log unit --follow"));
    assert_eq!((out.as_str(), err.as_str()), ("one\ntwo\nthree\n", ""));
}

#[test]
fn what_cannot_be_read_ends_with_8_and_says_why() {
    let gone = || Err(ProviderError::new(FaultKind::Missing, "no log; there is one once the job has ended"));
    let lookup = Said(tree(), vec![gone()]);
    let (_, _, ended) = printed(&lookup, &args("--log unit"));
    let error = ended.unwrap_err();
    assert_eq!((error.exit, error.text()), (Exit::Unreachable, "no log; there is one once the job has ended"));
    let (out, _, ended) = printed(&lookup, &args("--log unit --json"));
    let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (ended.unwrap(), &shown["complete"], &shown["log"]),
        (Exit::Unreachable, &false.into(), &serde_json::Value::Null)
    );
}

#[test]
fn lines_carry_their_time_and_what_they_are() {
    let line = |mark, grouped, text: &str| Line { at: Some(sample::at(1)), mark, grouped, text: text.into() };
    let said: Vec<String> =
        [line(Mark::Group, false, "Run tests"), line(Mark::Plain, true, "ok"), line(Mark::Error, false, "exit code 1")]
            .iter()
            .map(said)
            .collect();
    assert_eq!(said, ["02:07:01 == Run tests", "02:07:01   ok", "02:07:01 error: exit code 1"]);
}

#[test]
fn a_run_is_named_by_its_id_its_gate_or_its_service_and_number() {
    let model = sample::model();
    let run: ObjectId = "github/run/acme/ledger/812".parse().unwrap();
    for name in ["ledger#812", "github/run/acme/ledger/812", "github/gate/acme/ledger/812/prod"] {
        assert_eq!(resolve(&model, name).unwrap(), run, "{name}");
    }
    assert_eq!(
        resolve(&model, "github/run/acme/ledger/7").unwrap().path,
        "acme/ledger/7",
        "it may be too old to be listed"
    );
    for name in ["ledger", "ledger#1", "eu/argo_rollouts/shop/payments"] {
        let error = resolve(&model, name).unwrap_err();
        assert_eq!(error.exit, Exit::Usage);
        assert!(error.text().contains("ledger#812  github/run/acme/ledger/812"), "{error}");
    }
}
