//! What a verb would do: the calls, what they are bound to, what must be seen afterwards. Pure, from the last observed object.

use std::time::Duration;

use serde_json::json;

use crate::{
    domain::{
        gate::Gate,
        ids::Person,
        object::{Family, ObjectId},
        offer::open_for,
        pipeline::{Run, RunStatus},
        text::shell_word,
        verb::Verb,
        version::Version,
    },
    port::{
        plan::{Ask, Blocked, Condition, Draft, Expect, Expectation, Facts, WireCall, fact},
        shape::{Shape, is_part},
        step::Step,
    },
    provider::github::{
        address::Address,
        again::{self, JSON, post},
        fact as own,
        request::run_path,
    },
};

/// How long an answer may take to show.
const ANSWERED: Duration = Duration::from_mins(1);
/// How long a cancelled run may take to end: a job that cleans up is waited for.
const CANCELLED: Duration = Duration::from_mins(3);

/// Everything that a verb can send for a target.
pub(super) fn shapes(target: &ObjectId, verb: Verb) -> Vec<Shape> {
    let Ok(at) = Address::of(target) else { return Vec::new() };
    if !is_part(&at.owner) || !is_part(&at.repo) {
        return Vec::new();
    }
    let shape = |end: &str, content_type, writes| Shape {
        method: "POST",
        path: format!("{}/{end}", run_path(&at.owner, &at.repo, at.run)),
        content_type,
        writes,
        ..Shape::default()
    };
    let is_gate = target.family == Family::gate();
    match verb {
        Verb::Approve if is_gate && at.environment.is_none() => vec![shape("approve", "", &[])],
        Verb::Approve | Verb::Reject if is_gate && at.environment.is_some() => {
            vec![shape("pending_deployments", JSON, &["/environment_ids", "/state", "/comment"])]
        }
        _ if !is_gate => again::shapes(&at, verb),
        _ => Vec::new(),
    }
}

/// The draft for a gate; `me` signs the comment, `live` is what runs there now.
pub(super) fn gate(gate: &Gate, ask: &Ask, me: Option<&Person>, live: Option<Version>) -> Result<Draft, Blocked> {
    open_for(&gate.offers, ask.verb, "a GitHub environment").map_err(Blocked)?;
    let address = address(&gate.id)?;
    if address.environment.is_none() {
        return Ok(unapproved(gate, &address));
    }
    let environment = gate.identity.get(own::PENDING).and_then(|id| id.parse::<u64>().ok());
    let environment = environment.ok_or_else(|| Blocked("GitHub gave no id for the environment".to_owned()))?;
    let (state, effect, undo) = if ask.verb == Verb::Approve {
        let to = gate.version.as_ref().map_or_else(String::new, |version| format!(": {version}"));
        let effect = format!("{} goes on to {}{to}", gate.title, gate.environment);
        ("approved", effect, "an approval cannot be taken back: cancel the run, or put the earlier version back")
    } else {
        ("rejected", format!("{} ends as failed", gate.title), "start the run again; it asks for approval again")
    };
    let comment = comment(ask, state, me);
    let mut notes = Vec::new();
    if ask.verb == Verb::Reject {
        notes.push("rejecting fails the run: its jobs that need this environment never start".to_owned());
    } else if gate.newer_behind > 0 {
        let (runs, wait) = if gate.newer_behind == 1 { ("run", "waits") } else { ("runs", "wait") };
        notes.push(format!("{} newer {runs} {wait} for {} behind this one", gate.newer_behind, gate.environment));
    }
    let path = format!("{}/pending_deployments", run_path(&address.owner, &address.repo, address.run));
    let body = json!({ "environment_ids": [environment], "state": state, "comment": comment });
    let fields = format!("-F 'environment_ids[]={environment}' -f state={state} -f comment={}", shell_word(&comment));
    let mut fails_if = Vec::new();
    if ask.verb == Verb::Approve {
        fails_if.push(Expect::is(fact::STATUS, RunStatus::Failed));
        fails_if.push(Expect::is(fact::STATUS, RunStatus::Cancelled));
    }
    // What a verb moves stands in its card: what goes on, or what is turned away.
    let (from, to) = match ask.verb {
        Verb::Approve => (live, gate.version.clone()),
        _ => (gate.version.clone(), None),
    };
    Ok(Draft {
        from,
        to,
        effect,
        steps: vec![Step::new(
            &gate.id,
            WireCall {
                words: format!("{} {}", ask.verb.words(), gate.title),
                command: format!("gh api --method POST {} {fields}", path.trim_start_matches('/')),
                method: "POST".to_owned(),
                path,
                content_type: JSON.to_owned(),
                body: body.to_string().into(),
                ..WireCall::default()
            },
        )],
        obligations: Vec::new(),
        moment: None,
        bound: gate.identity.clone(),
        expect: Expectation {
            all: vec![Expect { fact: own::PENDING.to_owned(), condition: Condition::Gone }],
            fails_if,
            frees: None,
            rests: Vec::new(),
            words: None,
            within: ANSWERED,
            progress: None,
        },
        undo: undo.to_owned(),
        notes,
    })
}

/// The draft for a run that begins only once somebody lets it.
fn unapproved(gate: &Gate, at: &Address) -> Draft {
    let path = format!("{}/approve", run_path(&at.owner, &at.repo, at.run));
    Draft {
        from: None,
        to: gate.version.clone(),
        effect: "the run begins, with what its pull request changes in the workflow".to_owned(),
        steps: vec![Step::new(&gate.id, post(gate.title.clone(), path))],
        obligations: Vec::new(),
        moment: None,
        bound: gate.identity.clone(),
        expect: Expectation {
            all: vec![Expect { fact: own::UNAPPROVED.to_owned(), condition: Condition::Gone }],
            fails_if: vec![Expect::is(fact::STATUS, RunStatus::Cancelled)],
            frees: None,
            rests: Vec::new(),
            words: None,
            within: ANSWERED,
            progress: None,
        },
        undo: "cancel the run".to_owned(),
        notes: vec!["read the pull request first: its code runs with what the workflow gives it".to_owned()],
    }
}

/// The draft for a run.
pub(super) fn run(run: &Run, ask: &Ask) -> Result<Draft, Blocked> {
    open_for(&run.offers, ask.verb, "a GitHub run").map_err(Blocked)?;
    let at = address(&run.id)?;
    let again::Sent { step, effect, undo } = again::sent(run, &at, ask)?;
    let mut bound =
        Facts::from([(own::RUN.to_owned(), at.run.to_string()), (fact::ATTEMPT.to_owned(), run.attempt.to_string())]);
    bound.extend(run.version.commit.clone().map(|commit| (fact::COMMIT.to_owned(), commit)));
    let cancel = ask.verb == Verb::Cancel;
    let (expect, notes) = if ask.verb == Verb::Dispatch {
        // Another run is made: this one is left as it is, whatever it does meanwhile.
        bound.remove(fact::ATTEMPT);
        let another = Condition::IsNot(at.run.to_string());
        let expect = Expectation {
            all: vec![Expect { fact: own::RUN.to_owned(), condition: another }],
            words: Some("a new run is there".to_owned()),
            within: ANSWERED,
            ..Expectation::default()
        };
        let reads = "it takes the workflow as it is on that branch, and not as it was in this run";
        (expect, vec![reads.to_owned(), "its environments ask for approval".to_owned()])
    } else if cancel {
        let ended = [RunStatus::Succeeded, RunStatus::Failed];
        let expect = Expectation {
            all: vec![Expect::is(fact::STATUS, RunStatus::Cancelled)],
            fails_if: ended.map(|status| Expect::is(fact::STATUS, status)).to_vec(),
            frees: None,
            rests: Vec::new(),
            words: None,
            within: CANCELLED,
            progress: None,
        };
        (expect, Vec::new())
    } else {
        // A run that has ended moves again only when somebody starts it: bound to that, too.
        bound.insert(fact::STATUS.to_owned(), run.status.to_string());
        let next = Condition::AtLeast(i64::from(run.attempt) + 1);
        let expect = Expectation {
            all: vec![Expect { fact: fact::ATTEMPT.to_owned(), condition: next }],
            fails_if: Vec::new(),
            frees: None,
            rests: Vec::new(),
            words: None,
            within: ANSWERED,
            progress: None,
        };
        (expect, vec!["its environments ask for approval again".to_owned()])
    };
    Ok(Draft {
        from: Some(run.version.clone()).filter(|_| cancel),
        to: Some(run.version.clone()).filter(|_| ask.verb == Verb::Rerun),
        effect,
        steps: vec![step],
        obligations: Vec::new(),
        moment: None,
        bound,
        expect,
        undo: undo.to_owned(),
        notes,
    })
}

fn address(target: &ObjectId) -> Result<Address, Blocked> {
    Address::of(target).map_err(|e| Blocked(e.text))
}

/// GitHub wants a comment with every answer.
fn comment(ask: &Ask, state: &str, me: Option<&Person>) -> String {
    let by = me.map_or_else(String::new, |me| format!(" by {me}"));
    let reason = ask.comment().filter(|reason| !reason.trim().is_empty());
    reason.map_or_else(|| format!("{state} in holdshort{by}"), str::to_owned)
}
