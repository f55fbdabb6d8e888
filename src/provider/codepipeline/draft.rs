//! What a verb would do: the call, what it is bound to, what must be seen afterwards. Pure, from the last observed object.

use std::time::Duration;

use serde_json::json;

use crate::{
    domain::{
        gate::Gate,
        offer::open_for,
        pipeline::{Run, RunStatus},
        text::shell_word,
        time::Timestamp,
        verb::Verb,
    },
    port::{
        fill::{Fill, Slot, Supply},
        plan::{Ask, Blocked, Draft, Expect, Expectation, WireCall, fact},
        shape::Shape,
    },
    provider::codepipeline::{
        address::Address,
        again, fact as own,
        gate::{APPROVED, EXPIRED, REJECTED, SUPERSEDED},
        hold,
        memory::Memory,
        request::operation,
        watched::Watched,
    },
};

pub(super) const POST: &str = "POST";
/// The content type of everything.
pub(super) const JSON: &str = "application/x-amz-json-1.1";
/// How long an answer may take to show.
const ANSWERED: Duration = Duration::from_mins(1);
/// The longest summary of an answer.
const LONGEST: usize = 512;
/// What is said where nobody gives a reason.
const NO_REASON: &str = "answered with holdshort";

const ANSWER: &str = "PutApprovalResult";

/// What drafts rest on beside their object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground<'a> {
    pub(super) watched: Watched<'a>,
    pub(super) memory: &'a Memory,
    /// How AWS's own command is begun: `aws --region eu-west-1`.
    pub(super) aws: &'a str,
    pub(super) now: Timestamp,
}

/// Everything that a verb can send for a target.
pub(super) fn shapes(at: &Address, verb: Verb) -> Vec<Shape> {
    match (verb, &at.stage, &at.action) {
        (Verb::Approve | Verb::Reject, Some(stage), Some(action)) => {
            let said = if verb == Verb::Approve { "Approved" } else { "Rejected" };
            vec![Shape {
                method: POST,
                path: operation(ANSWER),
                content_type: JSON,
                writes: &["/pipelineName", "/stageName", "/actionName", "/result/status", "/result/summary"],
                fills: &["/token"],
                holds: vec![
                    ("/pipelineName", at.pipeline.clone()),
                    ("/stageName", stage.clone()),
                    ("/actionName", action.clone()),
                    ("/result/status", said.to_owned()),
                ],
                ..Shape::default()
            }]
        }
        (Verb::Resume, Some(_), None) | (Verb::Pause | Verb::Resume, None, None) => hold::shapes(at, verb),
        (Verb::Rollback, _, None) | (_, None, None) => again::shapes(at, verb),
        _ => Vec::new(),
    }
}

/// The call, and the command of AWS's own tool that does the same by hand.
pub(super) fn call(ground: Ground<'_>, words: String, name: &str, body: &str) -> WireCall {
    let command = format!("{} codepipeline {} --cli-input-json {}", ground.aws, kebab(name), shell_word(body));
    WireCall {
        words,
        method: POST.to_owned(),
        path: operation(name),
        content_type: JSON.to_owned(),
        body: body.into(),
        command,
        ..WireCall::default()
    }
}

/// `PutApprovalResult` as a command has it: `put-approval-result`.
fn kebab(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

/// The draft for what waits.
pub(super) fn gate(gate: &Gate, ask: &Ask, ground: Ground<'_>) -> Result<Draft, Blocked> {
    let at = Address::of(&gate.id).map_err(|error| Blocked(error.text))?;
    let what = if at.action.is_some() { "an approval of CodePipeline" } else { "a hold of CodePipeline" };
    open_for(&gate.offers, ask.verb, what).map_err(Blocked)?;
    let draft = match &at.action {
        Some(action) => answer(gate, (&at, action), ask, ground),
        None => hold::gate(gate, &at, ask, ground),
    };
    let mut notes = draft.notes;
    if gate.newer_behind > 0 {
        let (executions, are) = if gate.newer_behind == 1 { ("execution", "is") } else { ("executions", "are") };
        notes.push(format!("{} newer {executions} of this pipeline {are} under way", gate.newer_behind));
    }
    // What is refused goes nowhere, and replaces nothing.
    let (from, to) = if ask.verb == Verb::Reject { (&gate.version, &None) } else { (&gate.live, &gate.version) };
    Ok(Draft { to: to.clone(), from: from.clone(), notes, ..draft })
}

fn answer(gate: &Gate, (at, action): (&Address, &String), ask: &Ask, ground: Ground<'_>) -> Draft {
    let stage = at.stage.as_deref().unwrap_or_default();
    let approves = ask.verb == Verb::Approve;
    let (said, verb, wanted, other) =
        if approves { ("Approved", "approve", APPROVED, REJECTED) } else { ("Rejected", "reject", REJECTED, APPROVED) };
    let summary: String = ask.comment().unwrap_or(NO_REASON).chars().take(LONGEST).collect();
    let body = json!({
        "pipelineName": at.pipeline, "stageName": stage, "actionName": action,
        "result": {"status": said, "summary": summary},
    });
    let plain = call(ground, format!("{verb} {}", gate.title), ANSWER, &body.to_string());
    // What proves that this approval is meant is another one for each that waits: it is read right before, by whoever sends.
    let token = format!(
        "stageStates[?stageName=='{stage}' && latestExecution.pipelineExecutionId=='{}'].actionStates[] | [?actionName=='{action}'].latestExecution.token | [0]",
        at.execution
    );
    let read = format!(
        "$({} codepipeline get-pipeline-state --name {} --output text --query {})",
        ground.aws,
        shell_word(&at.pipeline),
        shell_word(&token)
    );
    let call = WireCall {
        command: format!("{} --token \"{read}\"", plain.command),
        fills: vec![Fill { from: Supply::Fact(own::TOKEN.to_owned()), into: Slot::Json("/token".to_owned()) }],
        ..plain
    };
    let expect = Expectation {
        all: vec![Expect::is(own::APPROVAL, wanted)],
        fails_if: [other, EXPIRED, SUPERSEDED].map(|state| Expect::is(own::APPROVAL, state)).to_vec(),
        within: ANSWERED,
        ..Expectation::default()
    };
    let to = gate.version.as_ref().map_or_else(String::new, |version| format!(": {version}"));
    let (effect, undo) = if approves {
        (
            format!("{} goes on{to}", gate.title),
            "an approval that was given cannot be taken back: stop the execution, or roll the stage back",
        )
    } else {
        (
            format!("{} is refused, and its execution fails there", gate.title),
            "rerun the stage: it asks for approval anew",
        )
    };
    let notes = vec!["your reason stands beside the answer in CodePipeline, up to 512 characters".to_owned()];
    Draft { undo: undo.to_owned(), notes, ..Draft::of(&gate.id, call, effect, gate.identity.clone(), expect) }
}

/// The draft for an execution.
pub(super) fn run(run: &Run, ask: &Ask, ground: Ground<'_>) -> Result<Draft, Blocked> {
    open_for(&run.offers, ask.verb, "an execution of CodePipeline").map_err(Blocked)?;
    let at = Address::of(&run.id).map_err(|error| Blocked(error.text))?;
    let about = again::About { run, at: &at, name: format!("{} #{}", run.pipeline, run.number), ground };
    match ask.verb {
        Verb::Pause | Verb::Resume => hold::run(run, &at, ask, ground),
        Verb::Cancel => about.stop(ask),
        Verb::Dispatch => Ok(about.start(ask)),
        Verb::Rollback => about.back(ask),
        _ => about.retry(ask),
    }
}

/// That it is where an execution goes no further by itself.
pub(super) fn ended(but: RunStatus) -> Vec<Expect> {
    let all = [RunStatus::Succeeded, RunStatus::Failed, RunStatus::Cancelled, RunStatus::Skipped];
    all.into_iter().filter(|status| *status != but).map(|status| Expect::is(fact::STATUS, status)).collect()
}
