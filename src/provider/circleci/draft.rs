//! What a verb would do: the calls, what they are bound to, what must be seen afterwards. Pure, from the last observed object. Here is
//! what is done to a hold.

use std::time::Duration;

use crate::{
    domain::{gate::Gate, object::ObjectId, offer::open_for, pipeline::RunStatus, text::shell_word, verb::Verb},
    port::{
        fill::{Fill, Slot, Supply, is_part},
        plan::{Ask, Blocked, Draft, Expect, Expectation, WireCall, fact},
        shape::Shape,
    },
    provider::circleci::{
        address::{Address, What},
        again, back, fact as own,
        request::{JSON, workflow_path},
        tree::UNAUTHORIZED,
    },
};

pub(super) const POST: &str = "POST";
/// How long an answer may take to show: CircleCI says yes first, and does it some seconds later.
pub(super) const ANSWERED: Duration = Duration::from_mins(2);
/// In a path, what stands for the id that an approval names.
const REQUEST: &str = "request";
/// The words of a hold that nobody can approve any more.
const ENDED: [&str; 3] = ["canceled", "not_run", "failed"];

/// Everything that a verb can send for a target; `project` is the id of the project that it is in, where that is known.
pub(super) fn shapes(target: &ObjectId, verb: Verb, project: Option<&str>) -> Vec<Shape> {
    let Some(at) = Address::parse(target) else { return Vec::new() };
    let shape = |path: String| Shape { method: POST, path, ..Shape::default() };
    match (&at.what, verb) {
        (What::Hold(workflow, _), Verb::Approve) => {
            vec![shape(format!("{}/approve/{{{REQUEST}}}", workflow_path(workflow)))]
        }
        (What::Hold(_, job), Verb::Reject) => vec![shape(format!("/api/v2/jobs/{job}/cancel"))],
        (What::Workflow(_) | What::Pipeline(_), verb) => again::shapes(&at, verb, project),
        (What::Live(_, None), Verb::Rollback) => project.map(back::shape).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// A call, and the command that does the same by hand.
pub(super) fn post(base: &str, words: String, path: String, body: &str) -> WireCall {
    let said =
        if body.is_empty() { String::new() } else { format!(" -H 'Content-Type: {JSON}' -d {}", shell_word(body)) };
    let content_type = if body.is_empty() { String::new() } else { JSON.to_owned() };
    let address = shell_word(&format!("{}{path}", base.trim_end_matches('/')));
    let command = format!("curl --fail-with-body -X {POST} -H \"Circle-Token: $CIRCLE_TOKEN\"{said} {address}");
    WireCall { words, method: POST.to_owned(), path, content_type, body: body.into(), command, ..WireCall::default() }
}

/// The draft for a job that holds.
pub(super) fn gate(gate: &Gate, ask: &Ask, base: &str) -> Result<Draft, Blocked> {
    let at = Address::of(&gate.id).map_err(|error| Blocked(error.text))?;
    open_for(&gate.offers, ask.verb, "a hold of CircleCI").map_err(Blocked)?;
    match (&at.what, ask.verb) {
        (What::Hold(workflow, _), Verb::Approve) => approve(gate, workflow, base),
        (What::Hold(_, job), _) => Ok(reject(gate, job, base)),
        _ => Err(Blocked(format!("'{}' is no hold of CircleCI", gate.id))),
    }
}

fn approve(gate: &Gate, workflow: &str, base: &str) -> Result<Draft, Blocked> {
    let request = gate.identity.get(own::REQUEST).filter(|request| is_part(request));
    let request = request.ok_or_else(|| Blocked("CircleCI gave no id that an approval could name".to_owned()))?;
    let path = format!("{}/approve/{{{REQUEST}}}", workflow_path(workflow));
    let plain = post(base, format!("approve {}", gate.title), path, "");
    let call = WireCall {
        fills: vec![Fill { from: Supply::Said(request.clone()), into: Slot::Path(REQUEST.to_owned()) }],
        command: plain.command.replace(&format!("{{{REQUEST}}}"), request),
        ..plain
    };
    let ended = ENDED.map(|word| Expect::is(own::HOLD_IS, word));
    let expect = Expectation {
        all: vec![
            Expect::is(own::HOLD_IS, "success"),
            Expect::is_not(own::BEHIND, "waits"),
            Expect::is_not(own::BEHIND, UNAUTHORIZED),
        ],
        fails_if: ended.into_iter().chain([Expect::is(own::BEHIND, UNAUTHORIZED)]).collect(),
        words: Some("the hold is approved, and what is behind it goes on".to_owned()),
        within: ANSWERED,
        ..Expectation::default()
    };
    let to = gate.version.as_ref().map_or_else(String::new, |version| format!(": {version}"));
    let mut notes = vec![
        "it takes no comment: your reason is kept in the record here alone".to_owned(),
        "a job behind it that ends as unauthorized ends this act as failed".to_owned(),
    ];
    if gate.newer_behind > 0 {
        let (are, wait) = if gate.newer_behind == 1 { ("workflow", "waits") } else { ("workflows", "wait") };
        notes.push(format!("{} newer {are} {wait} at the same hold", gate.newer_behind));
    }
    Ok(Draft {
        from: gate.live.clone(),
        to: gate.version.clone(),
        undo: "an approval cannot be taken back: cancel the workflow, or put the earlier version back".to_owned(),
        notes,
        ..Draft::of(&gate.id, call, format!("{} is let through{to}", gate.title), gate.identity.clone(), expect)
    })
}

/// CircleCI has no "no": the job that holds is cancelled, and with it what is behind it.
fn reject(gate: &Gate, job: &str, base: &str) -> Draft {
    let call = post(base, format!("cancel the hold of {}", gate.title), format!("/api/v2/jobs/{job}/cancel"), "");
    let expect = Expectation {
        all: vec![Expect::is(own::HOLD_IS, "canceled")],
        fails_if: vec![Expect::is(own::HOLD_IS, "success"), Expect::is(fact::STATUS, RunStatus::Succeeded)],
        words: Some("the hold is cancelled".to_owned()),
        within: ANSWERED,
        ..Expectation::default()
    };
    Draft {
        from: gate.version.clone(),
        undo: "run the workflow again: it holds again".to_owned(),
        notes: vec![
            "CircleCI knows no 'no' to a hold: its job is cancelled, what is behind it is not run, and the workflow ends as cancelled"
                .to_owned(),
            "it takes no comment: your reason is kept in the record here alone".to_owned(),
        ],
        ..Draft::of(&gate.id, call, format!("{} is cancelled", gate.title), gate.identity.clone(), expect)
    }
}
