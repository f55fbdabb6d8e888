//! Executions from CodePipeline's wire to our runs.

use serde_json::Value;

use crate::{
    domain::{
        ids::{Person, SourceName},
        pattern::VersionPattern,
        pipeline::{Run, RunStatus},
        text::{clean, one_line},
        time::Timestamp,
        version::Version,
    },
    port::plan::{Facts, fact},
    provider::codepipeline::{
        address::Address,
        api::{self, Execution, State},
        fact as own,
        watched::Watched,
    },
};

/// How much of a revision that is no commit stands for it.
const SHORT: usize = 12;

/// Where an execution is, by CodePipeline's word for it; `waits` where it waits for somebody.
pub(super) fn status(word: &str, waits: bool) -> RunStatus {
    match word {
        "InProgress" if waits => RunStatus::Waiting,
        "InProgress" | "Stopping" => RunStatus::Running,
        "Succeeded" => RunStatus::Succeeded,
        "Failed" => RunStatus::Failed,
        "Stopped" | "Cancelled" | "Superseded" => RunStatus::Cancelled,
        _ => RunStatus::Unknown,
    }
}

/// Does an execution wait for somebody: at an approval, or before a transition that is held while nothing else of it runs?
pub(super) fn waits(state: &State, watched: &Watched<'_>, execution: &str) -> bool {
    let approval = |stage: &api::StageState| {
        let waiting = |action: &&api::ActionState| {
            let status = action.latest_execution.as_ref().and_then(|latest| latest.status.as_deref());
            status == Some("InProgress") && watched.is_approval(&stage.stage_name, action)
        };
        stage.has(execution) && stage.action_states.iter().any(|action| waiting(&action))
    };
    let held = |stage: &api::StageState| {
        !stage.is_open() && stage.inbound().any(|one| one.pipeline_execution_id.as_deref() == Some(execution))
    };
    let runs = |stage: &api::StageState| stage.has(execution) && stage.status() == "InProgress";
    let stages = || state.stage_states.iter();
    stages().any(approval) || (stages().any(held) && !stages().any(runs))
}

/// When it began as a number that people can say, which grows from one to the next: CodePipeline counts nothing. `260310101205`.
pub(super) fn number(began: Timestamp) -> u64 {
    began.format("%y%m%d%H%M%S").to_string().parse().unwrap_or_default()
}

/// The commit among revisions, where there is one and only one.
pub(super) fn commit(revisions: &[api::Revision]) -> Option<&str> {
    let is_commit = |id: &&str| id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut all: Vec<&str> = revisions.iter().filter_map(|one| one.revision_id.as_deref()).filter(is_commit).collect();
    all.sort_unstable();
    all.dedup();
    if let [only] = all.as_slice() { Some(only) } else { None }
}

/// What it is about, in one line: what its source says of the revision. Connections to forges say it as JSON.
fn title(execution: &Execution) -> Option<String> {
    let said = execution.source_revisions.iter().find_map(|one| one.revision_summary.as_deref())?;
    let json: Option<Value> = serde_json::from_str(said).ok();
    let message = json.as_ref().and_then(|json| json.get("CommitMessage")).and_then(Value::as_str);
    let line = message.unwrap_or(said).lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(one_line(line)).filter(|line| !line.is_empty())
}

/// What an execution carries: a pattern that somebody chose finds it in its branch or title; else it goes by its branch, or by its revision.
fn version(pattern: Option<&VersionPattern>, execution: &Execution, branch: Option<&str>) -> Version {
    let title = title(execution);
    let chosen = pattern.and_then(|pattern| pattern.version(branch, title.as_deref())).map(Version::tagged);
    let revisions = &execution.source_revisions;
    let revision = revisions.iter().find_map(|one| one.revision_id.as_deref());
    let digest = revision.filter(|id| id.starts_with("sha256:"));
    let named = chosen.or_else(|| branch.map(Version::of_ref)).unwrap_or_else(|| match (commit(revisions), revision) {
        (Some(commit), _) => Version::tagged(commit.get(..7).unwrap_or(commit)),
        (None, Some(id)) => Version::tagged(id.chars().take(SHORT).collect::<String>()),
        (None, None) => Version::tagged("unknown"),
    });
    let named = Version { digest: digest.map(clean), ..named };
    match commit(revisions) {
        Some(commit) => named.at_commit(commit),
        None => named,
    }
}

/// The version of an execution of this pipeline.
pub(super) fn version_of(watched: &Watched<'_>, execution: &Execution) -> Version {
    version(watched.settings.version.as_ref(), execution, watched.branch())
}

/// Who began it: the last part of an ARN.
fn actor(execution: &Execution) -> Option<Person> {
    let trigger = execution.trigger.as_ref()?;
    let detail = trigger.trigger_detail.as_deref().filter(|detail| detail.starts_with("arn:") && by_hand(trigger))?;
    Some(Person::new(called(detail)))
}

fn by_hand(trigger: &api::Trigger) -> bool {
    matches!(trigger.trigger_type.as_deref(), Some("StartPipelineExecution" | "ManualRollback" | "CreatePipeline"))
}

/// Who an ARN is of: `arn:aws:sts::123456789012:assumed-role/release/dana` is dana.
pub(super) fn called(arn: &str) -> String {
    clean(arn.rsplit(['/', ':']).next().unwrap_or(arn))
}

/// An execution as a run, without what can be done with it. `None` when it has no id or time: nothing could be said of it.
pub(super) fn run(
    source: &SourceName,
    watched: &Watched<'_>,
    execution: &Execution,
    state: &State,
    waiting: bool,
) -> Option<Run> {
    let (id, started) = (execution.pipeline_execution_id.as_deref()?, execution.start_time?);
    let word = execution.status.as_deref().unwrap_or_default();
    let waits = waiting || waits(state, watched, id);
    let back = execution.is_rollback().then(|| "roll back".to_owned());
    let title = [back, title(execution)].into_iter().flatten().collect::<Vec<_>>().join(": ");
    Some(Run {
        id: Address::run_id(source, watched.pipeline, id),
        service: watched.service(),
        pipeline: clean(watched.pipeline),
        number: number(started),
        attempt: 1,
        title,
        branch: watched.branch().map(clean),
        version: version_of(watched, execution),
        status: status(word, waits),
        raw: Some(clean(word)).filter(|word| !word.is_empty()),
        queued: None,
        started,
        updated: execution.last_update_time.unwrap_or(started),
        actor: actor(execution),
        url: execution.source_revisions.iter().find_map(|one| one.revision_url.as_deref()).map(clean),
        offers: Vec::new(),
    })
}

/// The facts of an execution, and of all stages of its pipeline.
pub(super) fn facts(id: &str, execution: &api::SingleExecution, state: &State, waiting: bool) -> Facts {
    let word = execution.status.as_deref().unwrap_or_default();
    let is = status(word, waiting);
    let mut facts = Facts::from([
        (own::EXECUTION.to_owned(), id.to_owned()),
        (fact::STATUS.to_owned(), is.to_string()),
        (own::ENDED.to_owned(), is.ended().to_string()),
    ]);
    facts.extend(commit(&execution.artifact_revisions).map(|commit| (fact::COMMIT.to_owned(), clean(commit))));
    for stage in &state.stage_states {
        let name = stage.stage_name.as_str();
        let open = if stage.is_open() { "enabled" } else { "disabled" };
        facts.insert(own::into(name), open.to_owned());
        facts.extend(stage.latest().map(|latest| (own::at(name), clean(latest))));
        facts.insert(own::retries(name), retries(stage).to_string());
    }
    facts
}

/// How often somebody has tried a stage again.
pub(super) fn retries(stage: &api::StageState) -> u64 {
    let all = stage.retry_stage_metadata.as_ref();
    all.map_or(0, |all| all.manual_stage_retry_attempt.unwrap_or(0) + all.auto_stage_retry_attempt.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_for_an_execution_has_one_meaning() {
        let table = [
            ("InProgress Stopping", RunStatus::Running),
            ("Succeeded", RunStatus::Succeeded),
            ("Failed", RunStatus::Failed),
            ("Stopped Cancelled Superseded", RunStatus::Cancelled),
            ("Resting", RunStatus::Unknown),
        ];
        for (words, wanted) in table {
            assert!(words.split(' ').all(|word| status(word, false) == wanted), "{words}");
        }
        assert_eq!((status("InProgress", true), status("Failed", true)), (RunStatus::Waiting, RunStatus::Failed));
    }

    #[test]
    fn a_number_is_the_moment_at_which_it_began() {
        assert_eq!(number("2026-03-10T10:12:05.4Z".parse().unwrap()), 260_310_101_205);
    }
}
