//! What a verb would do: the call, what it is bound to, what must be seen afterwards. Pure, from the last observed object.

use std::time::Duration;

use crate::{
    domain::{
        gate::Gate,
        object::ObjectId,
        offer::open_for,
        pipeline::{Run, RunStatus},
        text::shell_word,
        verb::Verb,
    },
    port::{
        body::Body,
        plan::{Ask, Blocked, Draft, Expect, Expectation, Facts, WireCall, fact},
        shape::Shape,
    },
    provider::jenkins::{
        Rollback,
        address::{Address, job_path},
        again::{self, From, How},
        api::Parameter,
        fact as own,
        form::{self, FORM},
        normalize::{ANSWERED, WAITS},
    },
};

const POST: &str = "POST";
/// How long an answer may take to show.
const SHOWN: Duration = Duration::from_mins(1);
/// How long a build that is stopped may take to end: what cleans up is waited for.
const STOPPED: Duration = Duration::from_mins(5);
/// The places that a form with answers writes.
const ANSWERS: &[&str] = &["/json"];

/// What of the configuration and of the job a draft rests on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground<'a> {
    /// The address, for the commands that do the same by hand.
    pub(super) base: &'a str,
    /// What a build, or the input of a gate, asks for.
    pub(super) parameters: &'a [Parameter],
    /// The job that rolls back.
    pub(super) rollback: Option<&'a Rollback>,
    /// The newest build that runs this one again.
    pub(super) again: Option<u64>,
}

/// Everything that a verb can send for a target.
pub(super) fn shapes(target: &ObjectId, verb: Verb, rollback: Option<&Rollback>) -> Vec<Shape> {
    let Some(at) = Address::parse(target) else { return Vec::new() };
    let plain = |path: String| Shape { method: POST, path, ..Shape::default() };
    let form = |path: String, writes| Shape { content_type: FORM, writes, ..plain(path) };
    let run = at.path();
    match (verb, at.input.as_deref()) {
        (Verb::Approve, Some(input)) => {
            let input = format!("{run}/input/{input}");
            vec![plain(format!("{input}/proceedEmpty")), form(format!("{input}/proceed"), ANSWERS)]
        }
        (Verb::Reject, Some(input)) => vec![plain(format!("{run}/input/{input}/abort"))],
        (Verb::Cancel, None) => How::ALL.map(|how| plain(format!("{run}/{}", how.end()))).to_vec(),
        (Verb::Rerun, None) => {
            vec![plain(format!("{run}/{REBUILD}")), form(format!("{run}/{RESTART}"), &["/stageName"])]
        }
        (Verb::Dispatch, None) => {
            let build = format!("{}/build", job_path(&at.job));
            vec![plain(build.clone()), form(build, ANSWERS)]
        }
        (Verb::Rollback, None) => rollback.map(|rollback| plain(again::rollback_path(rollback))).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// What runs a build again as it was, and from one of its stages on.
pub(super) const REBUILD: &str = "replay/rebuild";
pub(super) const RESTART: &str = "restart/restartPipeline";

/// The call, and the command that does the same by hand.
pub(super) fn call(base: &str, words: String, path: String, body: &str) -> WireCall {
    // As people read it; what goes out is the same in the form's own writing.
    let fields = form::decoded(body);
    let shown = fields.join("&");
    let said = fields.iter().fold(String::new(), |all, field| all + " --data-urlencode " + &shell_word(field));
    let address = shell_word(&format!("{}{path}", base.trim_end_matches('/')));
    let command = format!("curl --fail-with-body -X {POST} -u \"$JENKINS_USER:$JENKINS_API_TOKEN\"{said} {address}");
    let content_type = if body.is_empty() { String::new() } else { FORM.to_owned() };
    WireCall {
        words,
        method: POST.to_owned(),
        path,
        content_type,
        body: Body::sealed(body.to_owned(), shown),
        command,
        ..WireCall::default()
    }
}

/// The draft for an input.
pub(super) fn gate(gate: &Gate, ask: &Ask, ground: Ground<'_>) -> Result<Draft, Blocked> {
    open_for(&gate.offers, ask.verb, "an input of Jenkins").map_err(Blocked)?;
    let at = Address::of(&gate.id).map_err(|e| Blocked(e.text))?;
    let input = format!("{}/input/{}", at.path(), at.input.as_deref().unwrap_or_default());
    let draft =
        if ask.verb == Verb::Reject { reject(gate, &input, ground) } else { approve(gate, ask, &input, ground) };
    let mut notes = vec!["Jenkins takes no comment: your reason stays in the record".to_owned()];
    if gate.newer_behind > 0 {
        let (builds, wait) = if gate.newer_behind == 1 { ("build", "waits") } else { ("builds", "wait") };
        notes.push(format!("{} newer {builds} of this job {wait}, too", gate.newer_behind));
    }
    Ok(Draft { to: gate.version.clone(), notes: draft.notes.into_iter().chain(notes).collect(), ..draft })
}

fn approve(gate: &Gate, ask: &Ask, input: &str, ground: Ground<'_>) -> Draft {
    let words = format!("proceed with {}", gate.title);
    let (call, notes) = if ground.parameters.is_empty() {
        (call(ground.base, words, format!("{input}/proceedEmpty"), ""), Vec::new())
    } else {
        let (body, fills) = form::body(ground.parameters, &ask.args);
        let plain = call(ground.base, words, format!("{input}/proceed"), &body);
        (WireCall { fills, ..plain }, form::said(ground.parameters, &ask.args))
    };
    let expect = Expectation {
        all: vec![Expect::is(own::INPUT, ANSWERED)],
        fails_if: [RunStatus::Cancelled, RunStatus::Failed].map(|status| Expect::is(fact::STATUS, status)).to_vec(),
        within: SHOWN,
        ..Expectation::default()
    };
    let to = gate.version.as_ref().map_or_else(String::new, |version| format!(": {version}"));
    let undo = "an input that was answered cannot be taken back: cancel the build, or release the earlier version";
    let effect = format!("{} goes on{to}", gate.title);
    Draft { undo: undo.to_owned(), notes, ..Draft::of(&gate.id, call, effect, gate.identity.clone(), expect) }
}

fn reject(gate: &Gate, input: &str, ground: Ground<'_>) -> Draft {
    let call = call(ground.base, format!("abort {}", gate.title), format!("{input}/abort"), "");
    let other = [RunStatus::Succeeded, RunStatus::Failed, RunStatus::Skipped];
    let expect = Expectation {
        all: vec![Expect::is(fact::STATUS, RunStatus::Cancelled), Expect::is_not(own::INPUT, WAITS)],
        fails_if: other.map(|status| Expect::is(fact::STATUS, status)).to_vec(),
        within: SHOWN,
        ..Expectation::default()
    };
    let effect = format!("{} is refused, and its build ends as aborted", gate.title);
    let notes = vec!["a pipeline that catches this goes on all the same".to_owned()];
    let undo = "run the build again".to_owned();
    Draft { undo, notes, ..Draft::of(&gate.id, call, effect, gate.identity.clone(), expect) }
}

/// The draft for a build.
pub(super) fn run(run: &Run, ask: &Ask, ground: Ground<'_>) -> Result<Draft, Blocked> {
    open_for(&run.offers, ask.verb, "a build of Jenkins").map_err(Blocked)?;
    let at = Address::of(&run.id).map_err(|e| Blocked(e.text))?;
    match ask.verb {
        Verb::Cancel => Ok(cancel(run, &at, How::asked(ask, run.number)?, ground.base)),
        Verb::Dispatch => Ok(again::dispatch(run, &at, ask, ground)),
        Verb::Rollback => again::rollback(run, ask, ground),
        _ => Ok(again::rerun(run, &at, &From::asked(ask), ground)),
    }
}

/// What a plan for a build is bound to, whatever it does.
pub(super) fn bound(run: &Run) -> Facts {
    let mut bound = Facts::from([(own::BUILD.to_owned(), run.number.to_string())]);
    bound.insert(own::BEGAN.to_owned(), run.started.timestamp_millis().to_string());
    bound
}

/// Bound to no state but that it has not ended: it may go from one to the next meanwhile, and is stopped all the same.
fn cancel(run: &Run, at: &Address, how: How, base: &str) -> Draft {
    let name = format!("{} #{}", run.pipeline, run.number);
    let call = call(base, format!("{} {name}", how.end()), format!("{}/{}", at.path(), how.end()), "");
    let mut bound = bound(run);
    bound.insert(own::ENDED.to_owned(), false.to_string());
    let ended = [RunStatus::Succeeded, RunStatus::Failed, RunStatus::Skipped];
    let expect = Expectation {
        all: vec![Expect::is(fact::STATUS, RunStatus::Cancelled)],
        fails_if: ended.map(|status| Expect::is(fact::STATUS, status)).to_vec(),
        within: STOPPED,
        ..Expectation::default()
    };
    let effect = format!("{name} {}; what it has deployed stays", how.effect());
    Draft {
        from: Some(run.version.clone()),
        undo: "run it again".to_owned(),
        notes: how.notes(),
        ..Draft::of(&run.id, call, effect, bound, expect)
    }
}
