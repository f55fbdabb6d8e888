//! Pipelines and workflows from CircleCI's wire to our runs, and their facts.

use crate::{
    domain::{
        ids::{Person, SourceName},
        offer::Offer,
        pipeline::{Run, RunStatus},
        text::clean,
        time::Timestamp,
        version::Version,
    },
    port::plan::{Facts, fact},
    provider::circleci::{Project, address::Address, api, fact as own},
};

/// A commit cut shorter than this names nothing.
const LEAST_COMMIT: usize = 7;
/// What the row of a pipeline is called that has no workflow, because its configuration is wrong.
pub(super) const NO_WORKFLOW: &str = "configuration";

/// A pipeline, whichever interface told of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pipeline {
    pub(super) id: String,
    /// Its number; `/api/v3` does not tell it, its workflows do.
    pub(super) number: Option<u64>,
    pub(super) branch: Option<String>,
    pub(super) tag: Option<String>,
    pub(super) commit: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) actor: Option<String>,
    pub(super) created: Option<Timestamp>,
    /// What is another once it has moved, as far as the interface tells.
    pub(super) mark: String,
    /// Has it ended? `/api/v2` does not say so.
    pub(super) over: Option<bool>,
    /// What is wrong with its configuration.
    pub(super) wrong: Option<String>,
}

impl Pipeline {
    /// As `/api/v2` tells it. `None` where it does not say which it is.
    pub(super) fn of(wire: api::Pipeline) -> Option<Self> {
        let git = wire.trigger_parameters.and_then(|parameters| parameters.git).unwrap_or_default();
        let vcs = wire.vcs.unwrap_or_default();
        let title = |text: String| text.lines().next().map(str::to_owned);
        let state = wire.state.unwrap_or_default();
        Some(Self {
            id: wire.id?,
            number: wire.number,
            branch: vcs.branch.or(git.branch),
            tag: vcs.tag.or(git.tag),
            commit: vcs.revision.or(git.checkout_sha),
            subject: vcs.commit.and_then(|commit| commit.subject).or(git.commit_message.and_then(title)),
            actor: wire.trigger.and_then(|trigger| trigger.actor).and_then(|actor| actor.login),
            created: wire.created_at,
            mark: format!("{state} {}", wire.updated_at.unwrap_or_default()),
            over: (state == "errored").then_some(true),
            wrong: wrong(&wire.errors),
        })
    }

    /// As `/api/v3` tells it, and the id of its project. `None` where it does not say which they are.
    pub(super) fn of_run(wire: api::Run) -> Option<(String, Self)> {
        let vcs = wire.references.event.attributes.vcs.unwrap_or_default();
        let phase = wire.attributes.phase.unwrap_or_default();
        let outcome = wire.attributes.current_outcome.unwrap_or_default();
        let pipeline = Self {
            id: wire.id?,
            branch: vcs.branch.filter(|name| !name.is_empty()),
            tag: vcs.tag.filter(|name| !name.is_empty()),
            commit: vcs.revision,
            subject: vcs.commit.and_then(|commit| commit.subject),
            created: wire.attributes.created_at,
            over: Some(phase == "ended"),
            wrong: wrong(&wire.attributes.errors),
            mark: format!("{phase} {outcome}"),
            ..Self::default()
        };
        Some((wire.references.project.id?, pipeline))
    }

    /// What it holds: its tag or branch, and the commit; or what a pattern of the project's reads of it.
    pub(super) fn version(&self, project: &Project) -> Version {
        let named = self.tag.as_deref().or(self.branch.as_deref()).map(str::trim).filter(|name| !name.is_empty());
        let chosen = project.version.as_ref().and_then(|pattern| pattern.version(named, self.subject.as_deref()));
        let version = chosen.map_or_else(|| Version::of_ref(named.unwrap_or("no branch")), Version::tagged);
        let is_commit = |text: &&str| text.len() >= LEAST_COMMIT && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match self.commit.as_deref().filter(is_commit) {
            Some(commit) => version.at_commit(commit),
            None => version,
        }
    }
}

fn wrong(errors: &[api::Wrong]) -> Option<String> {
    errors.iter().filter_map(|error| error.message.as_deref()).map(clean).find(|text| !text.is_empty())
}

/// Where a workflow is.
pub(super) fn status(workflow: &api::Workflow) -> RunStatus {
    match workflow.status.as_deref().unwrap_or_default() {
        "success" => RunStatus::Succeeded,
        "running" | "failing" => RunStatus::Running,
        "queued" => RunStatus::Queued,
        "on_hold" => RunStatus::Waiting,
        "failed" | "error" | "unauthorized" => RunStatus::Failed,
        "canceled" => RunStatus::Cancelled,
        "not_run" => RunStatus::Skipped,
        _ => RunStatus::Unknown,
    }
}

/// Where the workflows of a pipeline are as one: what needs somebody first, then what moves, then what ended badly.
pub(super) fn together(workflows: &[api::Workflow]) -> RunStatus {
    const ORDER: [RunStatus; 8] = [
        RunStatus::Unknown,
        RunStatus::Waiting,
        RunStatus::Running,
        RunStatus::Queued,
        RunStatus::Failed,
        RunStatus::Cancelled,
        RunStatus::Succeeded,
        RunStatus::Skipped,
    ];
    let found = ORDER.into_iter().find(|wanted| workflows.iter().any(|one| status(one) == *wanted));
    // One without any has not begun.
    found.unwrap_or(RunStatus::Queued)
}

/// The facts of a workflow, and of the pipeline that it is of.
pub(super) fn workflow_facts(workflow: &api::Workflow, pipeline: &Pipeline) -> Facts {
    let mut facts = pipeline_facts(pipeline);
    if let Some(id) = &workflow.id {
        facts.insert(own::WORKFLOW.to_owned(), clean(id));
    }
    facts.insert(fact::STATUS.to_owned(), status(workflow).to_string());
    facts
}

/// The facts of a pipeline.
pub(super) fn pipeline_facts(pipeline: &Pipeline) -> Facts {
    let commit = pipeline.commit.iter().map(|commit| (fact::COMMIT.to_owned(), clean(commit)));
    [(own::PIPELINE.to_owned(), clean(&pipeline.id))].into_iter().chain(commit).collect()
}

/// Of which project things are told, by whom, and where CircleCI's pages are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site<'a> {
    pub(super) source: &'a SourceName,
    pub(super) project: &'a Project,
    pub(super) web: Option<&'a str>,
}

/// A workflow as a run; `attempt` is which of its name in its pipeline it is, from 1. `None` where it says neither which it is nor when
/// it began.
pub(super) fn run(
    site: Site<'_>,
    (pipeline, workflow): (&Pipeline, &api::Workflow),
    attempt: u32,
    offers: Vec<Offer>,
) -> Option<Run> {
    let id = clean(workflow.id.as_deref()?);
    let started = workflow.created_at.or(pipeline.created)?;
    let number = workflow.pipeline_number.or(pipeline.number)?;
    Some(Run {
        id: Address::run_id(site.source, &site.project.slug, &id),
        pipeline: clean(workflow.name.as_deref().unwrap_or("workflow")),
        number,
        attempt,
        status: status(workflow),
        raw: workflow.status.as_deref().map(clean).filter(|word| !word.is_empty()),
        started,
        updated: workflow.stopped_at.unwrap_or(started).max(started),
        url: page(site.web, "workflow", &id),
        ..of_pipeline(site, pipeline, started, offers)
    })
}

/// A pipeline that has no workflow, for its configuration is wrong.
pub(super) fn without_workflow(site: Site<'_>, pipeline: &Pipeline, offers: Vec<Offer>) -> Option<Run> {
    let wrong = pipeline.wrong.clone()?;
    let run = of_pipeline(site, pipeline, pipeline.created?, offers);
    Some(Run { title: wrong, status: RunStatus::Failed, raw: Some("errored".to_owned()), ..run })
}

fn of_pipeline(site: Site<'_>, pipeline: &Pipeline, started: Timestamp, offers: Vec<Offer>) -> Run {
    let Site { source, project, web } = site;
    Run {
        id: Address::pipeline_id(source, &project.slug, &pipeline.id),
        service: project.service(),
        pipeline: NO_WORKFLOW.to_owned(),
        number: pipeline.number.unwrap_or_default(),
        attempt: 1,
        title: clean(pipeline.subject.as_deref().unwrap_or_default()),
        branch: pipeline.tag.as_deref().or(pipeline.branch.as_deref()).map(clean),
        version: pipeline.version(project),
        status: RunStatus::Unknown,
        raw: None,
        queued: None,
        started,
        updated: started,
        actor: pipeline.actor.as_deref().map(Person::new),
        url: page(web, "pipeline", &pipeline.id),
        offers,
    }
}

/// Where CircleCI's pages are, as its own command line has it: behind `app.` before its host. None behind a bare address.
pub(super) fn pages(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let host = rest.split('/').next().filter(|host| host.starts_with(|c: char| c.is_ascii_alphabetic()))?;
    (host.contains('.') && !host.contains('@')).then(|| format!("{scheme}://app.{host}"))
}

/// The page of a workflow or a pipeline.
pub(super) fn page(web: Option<&str>, what: &str, id: &str) -> Option<String> {
    Some(format!("{}/{what}/{}", web?, clean(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_for_a_workflow_has_one_meaning_and_an_unknown_one_is_unknown() {
        let table = [
            ("success", RunStatus::Succeeded),
            ("running", RunStatus::Running),
            ("failing", RunStatus::Running),
            ("on_hold", RunStatus::Waiting),
            ("failed", RunStatus::Failed),
            ("error", RunStatus::Failed),
            ("unauthorized", RunStatus::Failed),
            ("canceled", RunStatus::Cancelled),
            ("not_run", RunStatus::Skipped),
            ("a new word", RunStatus::Unknown),
            ("", RunStatus::Unknown),
        ];
        for (word, wanted) in table {
            let workflow = api::Workflow { status: Some(word.to_owned()), ..api::Workflow::default() };
            assert_eq!(status(&workflow), wanted, "{word}");
        }
        assert_eq!(together(&[]), RunStatus::Queued);
    }

    #[test]
    fn its_pages_are_beside_its_address_where_that_has_a_name() {
        assert_eq!(pages("https://circleci.com").as_deref(), Some("https://app.circleci.com"));
        assert_eq!(pages("https://ci.acme.test/").as_deref(), Some("https://app.ci.acme.test"));
        assert_eq!(
            (pages("http://127.0.0.1:8100/circleci"), pages("http://localhost"), pages("x")),
            (None, None, None)
        );
    }
}
