//! The tree of an execution: its stages in the order of the pipeline, and in each what its actions did.

use crate::{
    domain::{
        log::shown,
        pipeline::{LogRef, Node, NodeKind, RunStatus, Status},
        text::{clean, one_line},
    },
    provider::codepipeline::{
        api::{ActionExecution, Definition, State},
        normalize::called,
    },
};

/// What the log of a build is called by, and one that an action writes itself.
pub(super) const BUILD: &str = "build ";
pub(super) const STREAM: &str = "stream ";

/// Where an action is.
pub(super) fn state(action: &ActionExecution) -> RunStatus {
    match action.status.as_deref().unwrap_or_default() {
        "InProgress" if action.is_approval() => RunStatus::Waiting,
        "InProgress" => RunStatus::Running,
        "Succeeded" => RunStatus::Succeeded,
        "Failed" => RunStatus::Failed,
        "Abandoned" => RunStatus::Cancelled,
        _ => RunStatus::Unknown,
    }
}

/// The log that an action has.
pub(super) fn log(action: &ActionExecution) -> Option<LogRef> {
    let is_built = action.input.action_type_id.provider.as_deref() == Some("CodeBuild");
    let build = action.external().filter(|_| is_built).map(|id| LogRef::new(format!("{BUILD}{id}")));
    let outcome = &action.output.execution_result;
    build.or_else(|| outcome.log_stream_arn.as_deref().map(|arn| LogRef::new(format!("{STREAM}{arn}"))))
}

/// The tree. Actions come newest first; what was tried again is told by its last attempt. Without the pipeline's making only what began is
/// there.
pub(super) fn tree(definition: Option<&Definition>, now: &State, actions: &[ActionExecution], over: bool) -> Vec<Node> {
    let mut order: Vec<(&str, Vec<&str>)> = Vec::new();
    for stage in definition.map(|definition| definition.stages.as_slice()).unwrap_or_default() {
        order.push((&stage.name, stage.actions.iter().map(|action| action.name.as_str()).collect()));
    }
    for action in actions.iter().rev() {
        let place = order.iter().position(|(stage, _)| *stage == action.stage_name).unwrap_or_else(|| {
            order.push((&action.stage_name, Vec::new()));
            order.len() - 1
        });
        if let Some((_, names)) =
            order.get_mut(place).filter(|(_, names)| !names.contains(&action.action_name.as_str()))
        {
            names.push(&action.action_name);
        }
    }
    order.iter().map(|(stage, names)| stage_node(stage, names, now, actions, over)).collect()
}

fn stage_node(stage: &str, names: &[&str], now: &State, actions: &[ActionExecution], over: bool) -> Node {
    let nodes: Vec<Node> = names.iter().map(|name| action_node(stage, name, actions, over)).collect();
    let held = now.stage_states.iter().find(|one| one.stage_name == stage && !one.is_open());
    let name = match held.and_then(|held| held.inbound_transition_state.as_ref()) {
        Some(transition) => {
            let by =
                transition.last_changed_by.as_deref().map(|arn| format!(" by {}", called(arn))).unwrap_or_default();
            let why =
                transition.disabled_reason.as_deref().map(|why| format!(": {}", one_line(why))).unwrap_or_default();
            format!("{} (held{by}{why})", clean(stage))
        }
        None => clean(stage),
    };
    Node::stage(name, nodes)
}

fn action_node(stage: &str, name: &str, actions: &[ActionExecution], over: bool) -> Node {
    let mut all = actions.iter().filter(|one| one.stage_name == stage && one.action_name == name);
    let Some(action) = all.next() else {
        let status = if over { RunStatus::Skipped } else { RunStatus::Queued };
        return Node::new(NodeKind::Job, clean(name), Status::said(status, ""));
    };
    let (status, outcome) = (state(action), &action.output.execution_result);
    let problem = outcome.error_details.as_ref().and_then(|problem| problem.message.as_deref());
    let said = problem.filter(|_| status == RunStatus::Failed).or(outcome.external_execution_summary.as_deref());
    let said = said.map(|said| one_line(&shown(said))).filter(|said| !said.is_empty());
    let name = said.map_or_else(|| clean(name), |said| format!("{}: {said}", clean(name)));
    let attempts = u32::try_from(all.count() + 1).unwrap_or(u32::MAX);
    Node {
        started: action.start_time,
        ended: action.last_update_time.filter(|_| status.ended()),
        attempt: Some(attempts),
        log: log(action),
        ..Node::new(NodeKind::Job, name, Status::said(status, action.status.as_deref().unwrap_or_default()))
    }
}
