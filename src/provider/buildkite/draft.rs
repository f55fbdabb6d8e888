//! What a verb would do: the call, what it is bound to, what must be seen afterwards. Pure, from the last observed object.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    domain::{
        gate::Gate,
        object::{Family, ObjectId},
        offer::open_for,
        pipeline::{Run, RunStatus},
        text::shell_word,
        verb::Verb,
    },
    port::{
        fill::{Answered, Give, is_part},
        plan::{Ask, Blocked, Condition, Draft, Expect, Expectation, Facts, WireCall, fact},
        shape::Shape,
        step::{Step, Watch},
    },
    provider::buildkite::{
        address::Address,
        again, fact as own,
        form::{Input, answers},
        request::{build_path, builds_of},
    },
};

const PUT: &str = "PUT";
/// The content type of whatever has a body.
pub(super) const JSON: &str = "application/json";
/// How long an answer may take to show.
pub(super) const ANSWERED: Duration = Duration::from_mins(1);
/// How long a cancelled build may take to end: a job that cleans up is waited for.
const CANCELLED: Duration = Duration::from_mins(5);
/// Under which name the answer gives the number of the build that was made.
pub(super) const MADE: &str = "build";

/// Everything that a verb can send for a target.
pub(super) fn shapes(target: &ObjectId, verb: Verb) -> Vec<Shape> {
    let Some(at) = Address::parse(target).filter(|at| is_part(&at.organization) && is_part(&at.pipeline)) else {
        return Vec::new();
    };
    let shape = |end: String, content_type, writes| Shape {
        method: PUT,
        path: format!("{}/{end}", build_path(&at)),
        content_type,
        writes,
        ..Shape::default()
    };
    match (verb, at.step.as_deref()) {
        (Verb::Approve, Some(step)) if is_part(step) => {
            vec![shape(format!("jobs/{step}/unblock"), JSON, &["/fields"])]
        }
        (Verb::Rerun, None) => {
            vec![shape("rebuild".to_owned(), "", &[]), shape(format!("jobs/{{{}}}/retry", again::JOB), "", &[])]
        }
        (Verb::Dispatch, None) => vec![Shape {
            method: "POST",
            path: builds_of(&at.organization, &at.pipeline),
            content_type: JSON,
            writes: &["/branch", "/commit", "/message"],
            ..Shape::default()
        }],
        (Verb::Cancel, None) => vec![shape("cancel".to_owned(), "", &[])],
        _ => Vec::new(),
    }
}

/// The call, and the command that does the same by hand.
fn put(base: &str, words: String, path: String, body: &str) -> WireCall {
    call((PUT, base), words, path, body)
}

/// The same with any method.
pub(super) fn call((method, base): (&str, &str), words: String, path: String, body: &str) -> WireCall {
    let said =
        if body.is_empty() { String::new() } else { format!(" -H 'Content-Type: {JSON}' -d {}", shell_word(body)) };
    let content_type = if body.is_empty() { String::new() } else { JSON.to_owned() };
    let address = shell_word(&format!("{}{path}", base.trim_end_matches('/')));
    let command =
        format!("curl --fail-with-body -X {method} -H \"Authorization: Bearer $BUILDKITE_API_TOKEN\"{said} {address}");
    let (method, body) = (method.to_owned(), body.into());
    WireCall { words, method, path, content_type, body, command, ..WireCall::default() }
}

/// The draft for a block step; `inputs` is what it asks for, where that is known.
pub(super) fn gate(gate: &Gate, ask: &Ask, inputs: Option<&[Input]>, base: &str) -> Result<Draft, Blocked> {
    open_for(&gate.offers, ask.verb, "a block step of Buildkite").map_err(Blocked)?;
    let at = Address::of(&gate.id).map_err(|e| Blocked(e.text))?;
    let step = at.step.clone().unwrap_or_default();
    let fields = answers(inputs.unwrap_or_default(), &ask.args).map_err(Blocked)?;
    let mut notes = Vec::new();
    if inputs.is_none() {
        notes.push(
            "Buildkite does not tell what this step asks for: say it under `blocks` if it asks for anything".to_owned(),
        );
    }
    if gate.newer_behind > 0 {
        let (builds, wait) = if gate.newer_behind == 1 { ("build", "waits") } else { ("builds", "wait") };
        notes.push(format!("{} newer {builds} {wait} for the same step", gate.newer_behind));
    }
    let path = format!("{}/jobs/{step}/unblock", build_path(&at));
    let body = json!({ "fields": Value::Object(fields) }).to_string();
    let call = put(base, format!("unblock {}", gate.title), path, &body);
    let to = gate.version.as_ref().map_or_else(String::new, |version| format!(": {version}"));
    let ended = ["canceled", "blocked_failed", "broken", "skipped"].map(|state| Expect::is(own::STEP_STATE, state));
    let expect = Expectation {
        all: vec![Expect::is(own::STEP_STATE, "unblocked")],
        fails_if: ended.into_iter().chain([Expect::is(fact::STATUS, RunStatus::Cancelled)]).collect(),
        within: ANSWERED,
        ..Expectation::default()
    };
    let effect = format!("{} goes on{to}", gate.title);
    Ok(Draft {
        to: gate.version.clone(),
        undo: "a step that was unblocked cannot be blocked again: cancel the build, or release the earlier version"
            .to_owned(),
        notes,
        ..Draft::of(&gate.id, call, effect, gate.identity.clone(), expect)
    })
}

/// The draft for a build.
pub(super) fn run(run: &Run, ask: &Ask, base: &str) -> Result<Draft, Blocked> {
    open_for(&run.offers, ask.verb, "a build of Buildkite").map_err(Blocked)?;
    let at = Address::of(&run.id).map_err(|e| Blocked(e.text))?;
    let name = format!("{} #{}", run.pipeline, run.number);
    let mut bound = Facts::from([(own::BUILD.to_owned(), run.number.to_string())]);
    bound.extend(run.version.commit.clone().map(|commit| (fact::COMMIT.to_owned(), commit)));
    let job = again::job(ask)?;
    Ok(match (ask.verb, job) {
        (Verb::Cancel, _) => cancel(run, &at, &name, bound, base),
        (Verb::Dispatch, _) => again::dispatch(run, &at, ask, base),
        (_, Some(job)) => again::retry(run, (&at, job), bound, base),
        _ => rebuild(run, &at, &name, bound, base),
    })
}

/// Bound to no state: it may go from one to the next meanwhile, and is stopped all the same.
fn cancel(run: &Run, at: &Address, name: &str, bound: Facts, base: &str) -> Draft {
    let call = put(base, format!("cancel {name}"), format!("{}/cancel", build_path(at)), "");
    let ended = [RunStatus::Succeeded, RunStatus::Failed, RunStatus::Skipped];
    let expect = Expectation {
        all: vec![Expect::is(fact::STATUS, RunStatus::Cancelled)],
        fails_if: ended.map(|status| Expect::is(fact::STATUS, status)).to_vec(),
        within: CANCELLED,
        ..Expectation::default()
    };
    Draft {
        from: Some(run.version.clone()),
        undo: "build it again".to_owned(),
        ..Draft::of(&run.id, call, format!("{name} stops; what it has deployed stays"), bound, expect)
    }
}

/// Buildkite begins a build anew as another one, which its answer names: that one is watched.
fn rebuild(run: &Run, at: &Address, name: &str, mut bound: Facts, base: &str) -> Draft {
    // A build that has ended moves again only when somebody tries its jobs again.
    bound.insert(fact::STATUS.to_owned(), run.status.to_string());
    let mut call = put(base, format!("rebuild {name}"), format!("{}/rebuild", build_path(at)), "");
    call.gives = vec![Give { name: MADE.to_owned(), from: Answered::Json("/number".to_owned()) }];
    let made = format!("{}/{}/{{{MADE}}}", at.organization, at.pipeline);
    let step = Step::new(&run.id, call).watching(Watch::Made(ObjectId::new(&run.id.source, Family::run(), made)));
    let another = Condition::IsNot(at.build.to_string());
    let same = bound.get(fact::COMMIT).map(|commit| Expect::is(fact::COMMIT, commit));
    let expect = Expectation {
        all: [Expect { fact: own::BUILD.to_owned(), condition: another }].into_iter().chain(same).collect(),
        words: Some("a new build of the same commit is there".to_owned()),
        within: ANSWERED,
        ..Expectation::default()
    };
    let effect = format!("a new build does all that {name} did, of the same commit");
    let notes = vec![
        "the new build has a number of its own; its block steps wait to be unblocked again".to_owned(),
        "it takes the pipeline's settings as they were captured then: labels and the base branch are not read again"
            .to_owned(),
    ];
    let plain = Draft::of(&run.id, WireCall::default(), effect, bound, expect);
    Draft { to: Some(run.version.clone()), steps: vec![step], undo: "cancel the new build".to_owned(), notes, ..plain }
}
