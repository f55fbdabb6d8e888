//! What waits on CodePipeline, from its wire to our gates: approvals, and executions before a transition that somebody holds.

use std::time::Duration;

use crate::{
    domain::{
        gate::{Approvals, Behind, Eligibility, Gate, Rule},
        ids::SourceName,
        offer::Risk,
        text::{clean, one_line},
        time::{Timestamp, after},
        verb::Verb,
    },
    port::plan::{Facts, fact},
    provider::codepipeline::{
        address::Address,
        api::{self, ActionExecution, Execution, StageState},
        fact as own,
        memory::Memory,
        normalize::{called, commit, number, version_of},
        watched::{Watched, may},
    },
};

/// Where an approval is.
pub(super) const WAITS: &str = "waiting";
pub(super) const APPROVED: &str = "approved";
pub(super) const REJECTED: &str = "rejected";
pub(super) const EXPIRED: &str = "expired";
pub(super) const SUPERSEDED: &str = "superseded";
/// How long an approval waits where nobody says: a week.
const USUALLY: u64 = 7 * 24 * 60;
/// Whose word counts.
const ANYBODY: &str = "whoever IAM lets";

/// Where the words for an action say that an approval is; `problem` is what it says of its end.
pub(super) fn answered(word: &str, problem: Option<&str>) -> Option<&'static str> {
    let timed_out =
        problem.map(str::to_ascii_lowercase).is_some_and(|said| said.contains("expired") || said.contains("timed out"));
    match word {
        "InProgress" => Some(WAITS),
        "Succeeded" => Some(APPROVED),
        "Failed" if timed_out => Some(EXPIRED),
        "Failed" => Some(REJECTED),
        "Abandoned" => Some(SUPERSEDED),
        _ => None,
    }
}

/// An approval that waits.
struct Waiting<'a> {
    stage: &'a str,
    action: &'a str,
    since: Option<Timestamp>,
    asked: Option<&'a str>,
}

/// All that waits on a pipeline.
pub(super) fn gates(source: &SourceName, watched: &Watched<'_>, memory: &Memory, now: Timestamp) -> Vec<Gate> {
    let of = |id: &str| memory.execution(id);
    let about = |stage: &StageState| stage.latest().and_then(of).filter(|_| !memory.is_parallel()).cloned();
    let mut all = Vec::new();
    for stage in &memory.state.stage_states {
        if let Some(execution) = about(stage) {
            let waiting = stage.action_states.iter().filter_map(|action| waiting(watched, stage, action));
            all.extend(waiting.filter_map(|waiting| approval(source, watched, (&execution, &waiting), memory, now)));
        }
        if !stage.is_open() {
            let inbound = stage.inbound().filter_map(|one| of(one.pipeline_execution_id.as_deref()?));
            all.extend(inbound.filter_map(|execution| held(source, watched, (execution, stage), memory, now)));
        }
    }
    for (execution, actions) in &memory.actions {
        let Some(execution) = of(execution) else { continue };
        let waiting = actions.iter().filter(|one| one.is_approval() && one.status.as_deref() == Some("InProgress"));
        let waiting = waiting.map(|one| Waiting {
            stage: &one.stage_name,
            action: &one.action_name,
            since: one.start_time,
            asked: one.output.execution_result.external_execution_summary.as_deref(),
        });
        all.extend(waiting.filter_map(|waiting| approval(source, watched, (execution, &waiting), memory, now)));
    }
    all
}

/// Does this action of a stage wait for somebody to approve it?
pub(super) fn waits(watched: &Watched<'_>, stage: &StageState, action: &api::ActionState) -> bool {
    waiting(watched, stage, action).is_some()
}

fn waiting<'a>(watched: &Watched<'_>, stage: &'a StageState, action: &'a api::ActionState) -> Option<Waiting<'a>> {
    let latest = action.latest_execution.as_ref()?;
    let waits = latest.status.as_deref() == Some("InProgress") && watched.is_approval(&stage.stage_name, action);
    waits.then_some(Waiting {
        stage: &stage.stage_name,
        action: &action.action_name,
        since: latest.last_status_change,
        asked: latest.summary.as_deref(),
    })
}

fn approval(
    source: &SourceName,
    watched: &Watched<'_>,
    (execution, waiting): (&Execution, &Waiting<'_>),
    memory: &Memory,
    now: Timestamp,
) -> Option<Gate> {
    let Waiting { stage, action, since, asked } = *waiting;
    let environment = watched.environment(stage, Some(action));
    let since = since.or(execution.last_update_time).or(execution.start_time).unwrap_or(now);
    let minutes = watched.waits(stage, action).unwrap_or(USUALLY);
    let eligible = Eligibility::Unknown { why: may("PutApprovalResult") };
    let asked =
        asked.map(one_line).filter(|asked| !asked.is_empty()).map(|asked| format!(": {asked}")).unwrap_or_default();
    let mut identity = identity(execution);
    identity.insert(own::APPROVAL.to_owned(), WAITS.to_owned());
    let rule = Rule { who: ANYBODY.to_owned(), needed: 1, given: Vec::new() };
    Some(Gate {
        system: "CodePipeline approval".to_owned(),
        title: clean(&format!("{} #{} {action}{asked}", watched.pipeline, number(execution.start_time?))),
        offers: [Verb::Approve, Verb::Reject].map(|verb| eligible.offer(verb, risk(verb, environment.risk))).to_vec(),
        // Who may, IAM knows and tells nobody; one is enough.
        approvals: Some(Approvals { rules: vec![rule], expires: Some(after(since, Duration::from_mins(minutes))) }),
        eligible,
        identity,
        ..plain(source, watched, (execution, stage, Some(action)), memory, since)?
    })
}

fn risk(verb: Verb, there: Risk) -> Risk {
    if verb == Verb::Reject { Risk::Medium } else { there }
}

/// An execution before a transition that somebody holds.
fn held(
    source: &SourceName,
    watched: &Watched<'_>,
    (execution, stage): (&Execution, &StageState),
    memory: &Memory,
    now: Timestamp,
) -> Option<Gate> {
    let name = stage.stage_name.as_str();
    let transition = stage.inbound_transition_state.clone().unwrap_or_default();
    let by = transition.last_changed_by.as_deref().map(|arn| format!(" by {}", called(arn))).unwrap_or_default();
    let why = transition.disabled_reason.as_deref().map(one_line).filter(|why| !why.is_empty());
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    let since = [transition.last_changed_at, execution.last_update_time.or(execution.start_time)];
    let since = since.into_iter().flatten().max().unwrap_or(now);
    let eligible = Eligibility::Unknown { why: may("EnableStageTransition") };
    let mut identity = identity(execution);
    identity.insert(own::into(name), "disabled".to_owned());
    Some(Gate {
        system: "CodePipeline hold".to_owned(),
        title: clean(&format!("{} #{} before {name}, held{by}{why}", watched.pipeline, number(execution.start_time?))),
        offers: vec![eligible.offer(Verb::Resume, watched.environment(name, None).risk)],
        eligible,
        identity,
        ..plain(source, watched, (execution, name, None), memory, since)?
    })
}

/// What a plan is bound to: the execution, which never carries another revision, and that by its commit for people.
fn identity(execution: &Execution) -> Facts {
    let mut identity = Facts::from([(own::EXECUTION.to_owned(), execution.id().to_owned())]);
    identity.extend(commit(&execution.source_revisions).map(|commit| (fact::COMMIT.to_owned(), clean(commit))));
    identity
}

/// What every gate of an execution has.
fn plain(
    source: &SourceName,
    watched: &Watched<'_>,
    (execution, stage, action): (&Execution, &str, Option<&str>),
    memory: &Memory,
    since: Timestamp,
) -> Option<Gate> {
    let run = Address::run_id(source, watched.pipeline, execution.pipeline_execution_id.as_deref()?);
    let newer = memory.live().filter(|other| other.start_time > execution.start_time).count();
    let live = memory.earlier.get(stage).and_then(|(_, earlier)| earlier.as_ref().ok()?.first());
    Some(Gate {
        id: Address::gate_id(&run, stage, action),
        service: watched.service(),
        environment: watched.environment(stage, action).name,
        system: String::new(),
        title: String::new(),
        version: Some(version_of(watched, execution)),
        since,
        eligible: Eligibility::Unknown { why: String::new() },
        approvals: None,
        behind: Behind::Run(run),
        newer_behind: u32::try_from(newer).unwrap_or(u32::MAX),
        live: live.map(|live| version_of(watched, live)),
        url: None,
        identity: Facts::new(),
        offers: Vec::new(),
    })
}

/// Where an approval of an execution is, by what its actions did: the newest that is it.
pub(super) fn of_actions<'a>(actions: &'a [ActionExecution], stage: &str, action: &str) -> Option<&'a ActionExecution> {
    actions.iter().find(|one| one.stage_name == stage && one.action_name == action)
}
