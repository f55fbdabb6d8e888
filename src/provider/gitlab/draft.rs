//! What a verb would do: the calls, what they are bound to, what must be seen afterwards. Pure, from the last observed object.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    domain::{gate::Gate, object::ObjectId, offer::open_for, text::shell_word, verb::Verb},
    port::{
        fill::is_part,
        plan::{Ask, Blocked, Condition, Draft, Expect, Expectation, WireCall},
        shape::Shape,
        step::Step,
    },
    provider::gitlab::{
        address::{Address, What, Within},
        again, back, fact as own,
        request::{JSON, job_path, project_path},
    },
};

pub(super) const POST: &str = "POST";
/// How long an answer may take to show.
pub(super) const ANSWERED: Duration = Duration::from_mins(1);
/// What means that a job will not do what is wanted any more.
pub(super) const LOST: [&str; 3] = ["failed", "canceled", "skipped"];

/// Everything that a verb can send for a target.
pub(super) fn shapes(target: &ObjectId, verb: Verb) -> Vec<Shape> {
    let Some(at) = Address::parse(target).filter(|at| at.project.split('/').all(is_part)) else { return Vec::new() };
    let shape = |path: String| Shape { method: POST, path, ..Shape::default() };
    let play = |job: &str| shape(format!("{}/play", job_path(&at.project, job)));
    match (&at.what, verb) {
        (What::Pipeline(_, Some(Within::Deployment(id))), Verb::Approve | Verb::Reject) => {
            let approval = Shape {
                content_type: JSON,
                writes: &["/status", "/comment"],
                ..shape(format!("{}/deployments/{id}/approval", project_path(&at.project)))
            };
            let start = (verb == Verb::Approve).then(|| play(again::THE_JOB));
            std::iter::once(approval).chain(start).collect()
        }
        (What::Pipeline(_, Some(Within::Job(id))), Verb::Approve) => vec![play(&id.to_string())],
        (What::Pipeline(pipeline, None), verb) => again::shapes(&at.project, *pipeline, verb),
        (What::Environment(_), Verb::Rollback) => back::shapes(&at.project),
        // A job that a verb of its pipeline names.
        (What::Pipeline(pipeline, Some(Within::Job(_))), Verb::Play | Verb::Rerun) => {
            again::shapes(&at.project, *pipeline, verb)
        }
        _ => Vec::new(),
    }
}

/// A call, and the command that does the same by hand.
pub(super) fn post(base: &str, words: String, path: String, body: &str) -> WireCall {
    let said =
        if body.is_empty() { String::new() } else { format!(" -H 'Content-Type: {JSON}' -d {}", shell_word(body)) };
    let content_type = if body.is_empty() { String::new() } else { JSON.to_owned() };
    let address = shell_word(&format!("{}{path}", base.trim_end_matches('/')));
    let command = format!("curl --fail-with-body -X {POST} -H \"Authorization: Bearer $GITLAB_TOKEN\"{said} {address}");
    WireCall { words, method: POST.to_owned(), path, content_type, body: body.into(), command, ..WireCall::default() }
}

/// What must be seen of a job that was started.
pub(super) fn begins() -> Expectation {
    Expectation {
        all: vec![Expect::is(own::BEGUN, true)],
        fails_if: LOST.map(|word| Expect::is(own::JOB_IS, word)).to_vec(),
        within: ANSWERED,
        ..Expectation::default()
    }
}

/// The draft for a gate.
pub(super) fn gate(gate: &Gate, ask: &Ask, base: &str) -> Result<Draft, Blocked> {
    let at = Address::of(&gate.id).map_err(|error| Blocked(error.text))?;
    let what = if gate.approvals.is_some() { "a deployment of GitLab" } else { "a manual job of GitLab" };
    open_for(&gate.offers, ask.verb, what).map_err(Blocked)?;
    match (at.what.clone(), ask.verb) {
        (What::Pipeline(_, Some(Within::Deployment(id))), Verb::Approve) => approve(gate, ask, &at.project, id, base),
        (What::Pipeline(_, Some(Within::Deployment(id))), _) => Ok(reject(gate, ask, &at.project, id, base)),
        (What::Pipeline(_, Some(Within::Job(id))), _) => Ok(start(gate, &at.project, id, base)),
        _ => Err(Blocked(format!("'{}' is no gate of GitLab", gate.id))),
    }
}

/// What a comment says, where there is one: GitLab takes it and does not want it.
fn answer(ask: &Ask, status: &str) -> String {
    let comment = ask.comment().map(str::trim).filter(|reason| !reason.is_empty());
    let mut body = json!({ "status": status });
    if let (Some(body), Some(comment)) = (body.as_object_mut(), comment) {
        body.insert("comment".to_owned(), Value::from(comment));
    }
    body.to_string()
}

fn approval(gate: &Gate, (project, id): (&str, u64), ask: &Ask, status: &str, base: &str) -> WireCall {
    let path = format!("{}/deployments/{id}/approval", project_path(project));
    post(base, format!("{} {}", ask.verb.words(), gate.title), path, &answer(ask, status))
}

/// GitLab counts an approval and starts nothing by it: who is the last to approve starts the job, too. A job that GitLab starts
/// itself, as with a plain number of approvals, is left alone.
fn approve(gate: &Gate, ask: &Ask, project: &str, id: u64, base: &str) -> Result<Draft, Blocked> {
    let job = gate.identity.get(own::JOB).filter(|job| is_part(job));
    let job = job.ok_or_else(|| Blocked("GitLab gave no id for the job that deploys".to_owned()))?;
    let approvals = gate.approvals.as_ref();
    let (given, needed) = approvals.map_or((0, 1), |approvals| (approvals.given(), approvals.needed()));
    let counted = gate.identity.get(own::MINE).map_or_else(
        || Expect { fact: own::APPROVALS.to_owned(), condition: Condition::AtLeast(i64::from(given) + 1) },
        |_| Expect::is(own::MINE, "approved"),
    );
    let said = Expectation {
        all: vec![counted],
        fails_if: LOST.map(|word| Expect::is(own::JOB_IS, word)).to_vec(),
        words: Some("your approval is counted".to_owned()),
        within: ANSWERED,
        ..Expectation::default()
    };
    let play = again::of_job(project, job, "play", format!("start {}", gate.title), base);
    let enough = Expect { fact: own::APPROVALS.to_owned(), condition: Condition::AtLeast(i64::from(needed)) };
    let steps = vec![
        Step::new(&gate.id, approval(gate, (project, id), ask, "approved", base)).then(said),
        Step::new(&gate.id, play).when(vec![enough, Expect::is(own::JOB_IS, "manual")]),
    ];
    let to = gate.version.as_ref().map_or_else(String::new, |version| format!(": {version}"));
    let effect = if given + 1 < needed {
        format!("{} of {needed} have approved {}; it starts once all have", given + 1, gate.title)
    } else {
        format!("{} is approved and starts{to}", gate.title)
    };
    let mut notes =
        vec!["GitLab starts nothing by an approval: its job is started where no more are missing".to_owned()];
    if gate.newer_behind > 0 {
        let (are, wait) = if gate.newer_behind == 1 { ("deployment", "waits") } else { ("deployments", "wait") };
        notes.push(format!(
            "{} newer {are} {wait} for {}: once one of them is out, GitLab holds this one back",
            gate.newer_behind, gate.environment
        ));
    }
    Ok(Draft {
        from: gate.live.clone(),
        to: gate.version.clone(),
        steps,
        undo: "reject it before it starts; after that put the earlier version back".to_owned(),
        notes,
        ..Draft::of(&gate.id, WireCall::default(), effect, gate.identity.clone(), begins())
    })
}

/// GitLab lets the job of a deployment fail that somebody rejects.
fn reject(gate: &Gate, ask: &Ask, project: &str, id: u64, base: &str) -> Draft {
    let call = approval(gate, (project, id), ask, "rejected", base);
    let expect = Expectation {
        all: vec![Expect::is(own::JOB_IS, "failed")],
        fails_if: vec![Expect::is(own::BEGUN, true)],
        words: Some("its job has failed, as rejected".to_owned()),
        within: ANSWERED,
        ..Expectation::default()
    };
    let effect = format!("{} ends as failed", gate.title);
    Draft {
        from: gate.version.clone(),
        undo: "try the job again: it asks for approval again".to_owned(),
        notes: vec!["rejecting lets the job of this deployment fail, and with it its pipeline".to_owned()],
        ..Draft::of(&gate.id, call, effect, gate.identity.clone(), expect)
    }
}

/// A job that is started by hand.
fn start(gate: &Gate, project: &str, id: u64, base: &str) -> Draft {
    let path = format!("{}/play", job_path(project, &id.to_string()));
    let call = post(base, format!("start {}", gate.title), path, "");
    let to = gate.version.as_ref().map_or_else(String::new, |version| format!(": {version}"));
    let mut notes = Vec::new();
    if gate.newer_behind > 0 {
        let (are, wait) = if gate.newer_behind == 1 { ("pipeline", "waits") } else { ("pipelines", "wait") };
        notes.push(format!("{} newer {are} {wait} for the same job", gate.newer_behind));
    }
    Draft {
        from: gate.live.clone(),
        to: gate.version.clone(),
        undo: "cancel the pipeline; what it has deployed stays".to_owned(),
        notes,
        ..Draft::of(&gate.id, call, format!("{} starts{to}", gate.title), gate.identity.clone(), begins())
    }
}
