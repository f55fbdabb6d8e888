//! What a run's verbs ask for, and what each sends: run all of it again, what failed, or one job; stop it, also by force; start its
//! workflow anew, with inputs.

use serde_json::{Map, Value, json};

use crate::{
    domain::{
        form::{Args, Field, Kind},
        object::{Family, ObjectId},
        offer::offer_for,
        pipeline::{Run, RunStatus},
        text::{clean, shell_word},
        verb::Verb,
    },
    port::{
        fill::{Answered, Fill, Give, Slot, Supply, is_part},
        plan::{Ask, Blocked, WireCall},
        shape::Shape,
        step::{Step, Watch},
    },
    provider::github::{
        address::Address,
        fact as own,
        request::{actions, run_path},
        workflow::{self, Asks},
    },
};

/// Which jobs run again.
const JOBS: &str = "jobs";
const ALL: &str = "all";
const FAILED: &str = "failed";
const ONE: &str = "one";
/// Which one, where it is one: its id.
const JOB: &str = "job";
/// Whether it is ended without waiting for its jobs.
const FORCE: &str = "force";
/// The branch or tag of a new run.
const REF: &str = "ref";
/// What its workflow asks for, where that is not known: `NAME=VALUE, NAME=VALUE`.
const INPUTS: &str = "inputs";
/// The fields of a dispatch that are no inputs of a workflow.
pub(super) const OURS: [&str; 2] = [REF, INPUTS];
/// Under which name the answer gives the id of the run that was made.
const MADE: &str = "made";
/// The content type of whatever has a body.
pub(super) const JSON: &str = "application/json";

/// What running it again asks for.
pub(super) fn rerunning(status: RunStatus) -> Vec<Field> {
    let failed = matches!(status, RunStatus::Failed | RunStatus::Cancelled);
    let (options, first): (&[&str], &str) = if failed { (&[FAILED, ALL, ONE], FAILED) } else { (&[ALL, ONE], ALL) };
    let options = options.iter().map(|option| (*option).to_owned()).collect();
    let job = Field::new(JOB, "job", Kind::Text).hint("its id, where it is one: that of the job chosen on screen");
    vec![Field::new(JOBS, "jobs", Kind::Choice(options)).required().default(first), job]
}

/// What stopping it asks for.
pub(super) fn cancelling() -> Vec<Field> {
    let hint = "ends it without waiting for its jobs: where it does not stop otherwise";
    vec![Field::new(FORCE, "by force", Kind::Flag).hint(hint)]
}

/// What starting its workflow anew asks for: a field for each input, or one for all of them and why that is all.
pub(super) fn dispatching(branch: Option<&str>, asks: Result<&Asks, &str>) -> Vec<Field> {
    let reference = Field::new(REF, "branch or tag", Kind::Text).required();
    let reference = match branch.filter(|branch| !branch.is_empty()) {
        Some(branch) => reference.default(clean(branch)),
        None => reference,
    };
    let inputs = match asks {
        Ok(asks) => asks.inputs.clone(),
        Err(why) => {
            let hint = format!("NAME=VALUE, NAME=VALUE: which it asks for is not known: {why}");
            vec![Field::new(INPUTS, "inputs", Kind::Text).hint(hint)]
        }
    };
    [vec![reference], inputs].concat()
}

/// Everything that a verb can send for a run.
pub(super) fn shapes(at: &Address, verb: Verb) -> Vec<Shape> {
    let below = actions(&at.owner, &at.repo);
    let shape = |path: String| Shape { method: "POST", path, ..Shape::default() };
    let of_run = |end: &str| shape(format!("{}/{end}", run_path(&at.owner, &at.repo, at.run)));
    match verb {
        Verb::Rerun => {
            vec![of_run("rerun"), of_run("rerun-failed-jobs"), shape(format!("{below}/jobs/{{{JOB}}}/rerun"))]
        }
        Verb::Cancel => vec![of_run("cancel"), of_run("force-cancel")],
        Verb::Dispatch => vec![Shape {
            content_type: JSON,
            writes: &["/ref", "/inputs", "/return_run_details"],
            ..shape(format!("{below}/workflows/{{{}}}/dispatches", own::WORKFLOW))
        }],
        _ => Vec::new(),
    }
}

/// What is sent, and what it comes to.
pub(super) struct Sent {
    pub(super) step: Step,
    pub(super) effect: String,
    pub(super) undo: &'static str,
}

/// A call that says all by where it goes.
pub(super) fn post(words: String, path: String) -> WireCall {
    let command = format!("gh api --method POST {}", path.trim_start_matches('/'));
    WireCall { words, command, method: "POST".to_owned(), path, body: "".into(), ..WireCall::default() }
}

/// The call for a run and what it comes to.
///
/// # Errors
/// What was said that cannot be, or is missing for what was chosen, as a sentence.
pub(super) fn sent(run: &Run, at: &Address, ask: &Ask) -> Result<Sent, Blocked> {
    let name = format!("{} #{}", run.pipeline, run.number);
    let words = |what: &str| format!("{} {what}", ask.verb.words());
    let of_run = |end: &str| post(words(&name), format!("{}/{end}", run_path(&at.owner, &at.repo, at.run)));
    let whole = |call: WireCall, effect: String, undo| Sent { step: Step::new(&run.id, call), effect, undo };
    let chosen = ask.args.text(JOBS);
    let failed = matches!(run.status, RunStatus::Failed | RunStatus::Cancelled);
    Ok(match (ask.verb, chosen) {
        (Verb::Cancel, _) if ask.args.is_set(FORCE) => whole(
            of_run("force-cancel"),
            format!("{name} ends at once; what it has deployed stays"),
            "start the run again",
        ),
        (Verb::Cancel, _) => {
            whole(of_run("cancel"), format!("{name} stops; what it has deployed stays"), "start the run again")
        }
        (Verb::Dispatch, _) => return dispatch(run, at, &ask.args),
        (_, Some(ONE)) => {
            let job = ask.args.text(JOB).unwrap_or_default().trim();
            if job.is_empty() {
                return Err(Blocked("say which job: its id, or choose it in the run's tree".to_owned()));
            }
            if !is_part(job) || job.parse::<u64>().is_err() {
                return Err(Blocked(format!("'{}' is no id of a job: it is a number", clean(job))));
            }
            let path = format!("{}/jobs/{{{JOB}}}/rerun", actions(&at.owner, &at.repo));
            let call = post(words(&format!("job {job} of {name}")), path);
            let fills = vec![Fill { from: Supply::Said(job.to_owned()), into: Slot::Path(JOB.to_owned()) }];
            let command = call.command.replace(&format!("{{{JOB}}}"), job);
            let call = WireCall { fills, command, ..call };
            whole(call, format!("job {job} of {name} runs again, and those after it"), "cancel the run")
        }
        (_, None | Some(FAILED)) if failed => whole(
            of_run("rerun-failed-jobs"),
            format!("the failed jobs of {name} run again, and those after them"),
            "cancel the run",
        ),
        _ => whole(of_run("rerun"), format!("all jobs of {name} run again"), "cancel the run"),
    })
}

/// GitHub tells the run that it makes where it is asked to: that one is watched.
fn dispatch(run: &Run, at: &Address, args: &Args) -> Result<Sent, Blocked> {
    let reference = args.text(REF).unwrap_or_default().trim().to_owned();
    let form = offer_for(&run.offers, Verb::Dispatch).map(|offer| offer.form.as_slice()).unwrap_or_default();
    let mut inputs = inputs(args.text(INPUTS).unwrap_or_default()).map_err(Blocked)?;
    inputs.extend(workflow::answered(form, args).into_iter().map(|(name, value)| (name, Value::from(value))));
    let path = format!("{}/workflows/{{{}}}/dispatches", actions(&at.owner, &at.repo), own::WORKFLOW);
    let (given, mut body) = (inputs.clone(), json!({ "ref": reference, "return_run_details": true }));
    if let (Some(body), false) = (body.as_object_mut(), inputs.is_empty()) {
        body.insert("inputs".to_owned(), Value::Object(inputs));
    }
    let repo = format!("{}/{}", at.owner, at.repo);
    let [workflow, repo, at_ref] = [&run.pipeline, &repo, &reference].map(|word| shell_word(word));
    let begin = format!("gh workflow run {workflow} --repo {repo} --ref {at_ref}");
    let command = given.iter().fold(begin, |command, (name, value)| {
        format!("{command} -f {}", shell_word(&format!("{name}={}", value.as_str().unwrap_or_default())))
    });
    let call = WireCall {
        content_type: JSON.to_owned(),
        body: body.to_string().into(),
        fills: vec![Fill { from: Supply::Fact(own::WORKFLOW.to_owned()), into: Slot::Path(own::WORKFLOW.to_owned()) }],
        gives: vec![Give { name: MADE.to_owned(), from: Answered::Json("/workflow_run_id".to_owned()) }],
        command,
        ..post(format!("start {} at {reference}", run.pipeline), path)
    };
    let made = ObjectId::new(&run.id.source, Family::run(), format!("{}/{}/{{{MADE}}}", at.owner, at.repo));
    let step = Step::new(&run.id, call).watching(Watch::Made(made));
    let effect = format!("{} runs anew, at {reference}", run.pipeline);
    Ok(Sent { step, effect, undo: "cancel the new run" })
}

/// `NAME=VALUE, NAME=VALUE`.
fn inputs(said: &str) -> Result<Map<String, Value>, String> {
    let each = said.split(',').map(str::trim).filter(|one| !one.is_empty());
    each.map(|one| {
        let named = one.split_once('=').filter(|(name, _)| !name.trim().is_empty());
        let (name, value) = named.ok_or_else(|| format!("'{}' is no input: write NAME=VALUE", clean(one)))?;
        Ok((name.trim().to_owned(), Value::from(value.trim())))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_named_values_with_commas_between() {
        let read = |said: &str| inputs(said).map(|inputs| Value::Object(inputs).to_string());
        assert_eq!(read(""), Ok("{}".to_owned()));
        assert_eq!(read("level=warn, to = prod=eu ,"), Ok(r#"{"level":"warn","to":"prod=eu"}"#.to_owned()));
        assert_eq!(read("level"), Err("'level' is no input: write NAME=VALUE".to_owned()));
    }

    #[test]
    fn what_failed_runs_again_by_itself_at_first_and_what_passed_as_a_whole() {
        let first = |status| rerunning(status).remove(0).default;
        assert_eq!(first(RunStatus::Failed).as_deref(), Some(FAILED));
        assert_eq!(first(RunStatus::Cancelled).as_deref(), Some(FAILED));
        assert_eq!(first(RunStatus::Succeeded).as_deref(), Some(ALL));
    }
}
