//! Pipelines and jobs from GitLab's wire to our runs: where they are, what they carry, and the facts that plans are bound to.

use crate::{
    domain::{
        changes::{Change, Changes},
        ids::{Person, SourceName},
        keys,
        offer::Offer,
        pipeline::{Run, RunStatus},
        text::clean,
        version::Version,
    },
    port::plan::{Facts, fact},
    provider::gitlab::{Project, address::Address, api, fact as own},
};

/// Where a pipeline is. `manual` is one in which a job that it needs waits to be started by hand.
pub(super) fn status(pipeline: &api::Pipeline) -> RunStatus {
    match pipeline.status.as_deref().unwrap_or_default() {
        "manual" | "scheduled" => RunStatus::Waiting,
        word => moving(word),
    }
}

/// Where a job is. One that is started by hand and not needed holds nothing up.
pub(super) fn job_status(job: &api::Job) -> RunStatus {
    match job.status.as_deref().unwrap_or_default() {
        "manual" if job.allow_failure == Some(true) => RunStatus::Skipped,
        "manual" | "scheduled" => RunStatus::Waiting,
        word => moving(word),
    }
}

fn moving(word: &str) -> RunStatus {
    match word {
        "created" | "preparing" | "pending" | "waiting_for_resource" | "waiting_for_callback" => RunStatus::Queued,
        "running" | "canceling" => RunStatus::Running,
        "success" => RunStatus::Succeeded,
        "failed" => RunStatus::Failed,
        "canceled" => RunStatus::Cancelled,
        "skipped" => RunStatus::Skipped,
        _ => RunStatus::Unknown,
    }
}

/// Has a job begun, or does it at least wait for no human?
fn begun(job: &api::Job) -> bool {
    let begun = ["preparing", "pending", "waiting_for_resource", "waiting_for_callback", "running", "success"];
    job.status.as_deref().is_some_and(|word| begun.contains(&word))
}

/// Will it move no more by itself, and waits for nobody?
pub(super) fn over(pipeline: &api::Pipeline) -> bool {
    status(pipeline).ended()
}

fn say(facts: &mut Facts, name: &str, value: Option<impl ToString>) {
    if let Some(value) = value {
        facts.insert(name.to_owned(), clean(&value.to_string()));
    }
}

/// The facts of a pipeline.
pub(super) fn pipeline_facts(pipeline: &api::Pipeline) -> Facts {
    let mut facts = Facts::new();
    say(&mut facts, own::PIPELINE, pipeline.id);
    say(&mut facts, fact::COMMIT, pipeline.sha.as_ref());
    say(&mut facts, fact::STATUS, Some(status(pipeline)));
    facts
}

/// The facts of a job.
pub(super) fn job_facts(job: &api::Job) -> Facts {
    let mut facts = Facts::new();
    say(&mut facts, own::JOB, job.id);
    say(&mut facts, own::JOB_IS, job.status.as_ref());
    say(&mut facts, own::BEGUN, Some(begun(job)));
    let pipeline = job.pipeline.as_ref();
    let commit = pipeline.and_then(|pipeline| pipeline.sha.as_ref());
    say(&mut facts, fact::COMMIT, commit.or(job.commit.as_ref().and_then(|commit| commit.id.as_ref())));
    facts
}

/// The facts of a job that is looked at by itself, and whose it is.
pub(super) fn lone_job_facts(job: &api::Job) -> Facts {
    let mut facts = job_facts(job);
    say(&mut facts, own::PIPELINE, job.pipeline.as_ref().and_then(|pipeline| pipeline.id));
    facts
}

/// The facts of a deployment, and of the job that deploys; `me` is who asks.
pub(super) fn deployment_facts(deployment: &api::Deployment, me: Option<&Person>) -> Facts {
    let mut facts = deployment.deployable.as_ref().map(job_facts).unwrap_or_default();
    say(&mut facts, own::DEPLOYMENT, deployment.id);
    say(&mut facts, own::DEPLOYMENT_IS, deployment.status.as_ref());
    say(&mut facts, fact::COMMIT, deployment.sha.as_ref());
    let given = approvals(deployment);
    say(&mut facts, own::APPROVALS, Some(given.iter().filter(|(_, said)| said == "approved").count()));
    if let Some(me) = me {
        let mine = given.iter().find(|(who, _)| who == me).map_or("not given", |(_, said)| said.as_str());
        say(&mut facts, own::MINE, Some(mine));
    }
    facts
}

/// Who has said what to a deployment, each once.
pub(super) fn approvals(deployment: &api::Deployment) -> Vec<(Person, String)> {
    let rules = deployment.approval_summary.iter().flat_map(|summary| &summary.rules.read);
    let by_rule = rules.flat_map(|rule| &rule.deployment_approvals.read);
    let plain = deployment.approvals.iter().flat_map(|listed| &listed.read);
    let mut all: Vec<(Person, String)> = Vec::new();
    for approval in plain.chain(by_rule) {
        let (Some(who), Some(said)) = (person(approval.user.as_ref()), approval.status.clone()) else { continue };
        if !all.iter().any(|(known, _)| *known == who) {
            all.push((who, clean(&said)));
        }
    }
    all
}

/// Somebody, by the name that GitLab mentions them by.
pub(super) fn person(user: Option<&api::User>) -> Option<Person> {
    let name = user?.username.as_deref()?.trim();
    (!name.is_empty()).then(|| Person::new(name))
}

/// What a pipeline carries: the tag or branch that it ran for, and the commit. A number in a commit's title may be a dependency's:
/// none is looked for there, but by a pattern that somebody chose for the project.
pub(super) fn version(project: &Project, reference: Option<&str>, title: Option<&str>, sha: Option<&str>) -> Version {
    let named = reference.map(str::trim).filter(|name| !name.is_empty());
    // A pipeline of a merge request runs for no branch of its own.
    let chosen = project.version.as_ref().and_then(|pattern| pattern.version(named, title));
    let version = chosen.map_or_else(|| Version::of_ref(named.unwrap_or("no branch")), Version::tagged);
    match sha {
        Some(commit) if !commit.is_empty() => version.at_commit(commit),
        _ => version,
    }
}

/// The version of a pipeline.
pub(super) fn version_of(project: &Project, pipeline: &api::Pipeline) -> Version {
    let (reference, sha) = (pipeline.reference.as_deref(), pipeline.sha.as_deref());
    version(project, reference, title(pipeline), sha)
}

fn title(pipeline: &api::Pipeline) -> Option<&str> {
    let commit = pipeline.commit.as_ref().and_then(|commit| commit.title.as_deref());
    pipeline.name.as_deref().or(commit)
}

/// Where a pipeline is shown. GraphQL tells only the way from GitLab's own address on, which the project's has before its path.
pub(super) fn url(project: &Project, web: Option<&str>, pipeline: &api::Pipeline) -> Option<String> {
    let below = || {
        let base = web?.strip_suffix(&project.path)?;
        let path = pipeline.path.as_deref()?;
        let inside = path.find(&project.path).and_then(|at| path.get(at..))?;
        Some(format!("{base}{inside}"))
    };
    pipeline.web_url.clone().or_else(below).as_deref().map(clean)
}

/// A pipeline as a run. `None` when it has no id or time: nothing could be said of it.
pub(super) fn run(
    source: &SourceName,
    project: &Project,
    web: Option<&str>,
    pipeline: &api::Pipeline,
    offers: Vec<Offer>,
) -> Option<Run> {
    let (id, started) = (pipeline.id?, pipeline.started_at.or(pipeline.created_at)?);
    Some(Run {
        id: Address::run_id(source, &project.path, id),
        service: project.service(),
        pipeline: clean(project.name()),
        number: id,
        attempt: 1,
        title: clean(title(pipeline).unwrap_or_default()),
        branch: pipeline.reference.as_deref().map(clean),
        version: version_of(project, pipeline),
        status: status(pipeline),
        raw: pipeline.status.as_deref().map(clean).filter(|word| !word.is_empty()),
        queued: pipeline.created_at.filter(|_| pipeline.started_at.is_some()),
        started,
        updated: pipeline.finished_at.or(pipeline.updated_at).unwrap_or(started).max(started),
        actor: person(pipeline.user.as_ref()),
        url: url(project, web, pipeline),
        offers,
    })
}

/// What one commit has that another one has not; `behind` is the same the other way round.
pub(super) fn changes(ahead: &api::Compared, behind: &api::Compared) -> Changes {
    let one = |commit: &api::Commit| {
        Some(Change {
            commit: clean(commit.id.as_deref()?),
            title: clean(commit.title.as_deref().unwrap_or_default()),
            by: commit.author_name.as_deref().map(Person::new),
            at: commit.created_at,
        })
    };
    let settings = |diff: &api::Diff| {
        let (name, text) = (diff.new_path.as_deref()?, diff.diff.as_deref()?);
        Some((clean(name), keys::changed(name, text)?))
    };
    Changes {
        commits: ahead.commits.iter().filter_map(one).collect(),
        count: ahead.commits.len(),
        behind: behind.commits.len(),
        files: ahead.diffs.iter().filter_map(|diff| diff.new_path.as_deref()).map(clean).collect(),
        all_files: !ahead.compare_timeout,
        keys: ahead.diffs.iter().filter_map(settings).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipeline(status: &str) -> api::Pipeline {
        api::Pipeline { status: Some(status.to_owned()), ..api::Pipeline::default() }
    }

    #[test]
    fn each_word_for_a_pipeline_or_a_job_has_one_meaning() {
        let table = [
            ("created preparing pending waiting_for_resource waiting_for_callback", RunStatus::Queued),
            ("running canceling", RunStatus::Running),
            ("manual scheduled", RunStatus::Waiting),
            ("success", RunStatus::Succeeded),
            ("failed", RunStatus::Failed),
            ("canceled", RunStatus::Cancelled),
            ("skipped", RunStatus::Skipped),
            ("half_done", RunStatus::Unknown),
        ];
        for (words, wanted) in table {
            for word in words.split(' ') {
                let job = api::Job { status: Some(word.to_owned()), ..api::Job::default() };
                assert_eq!((status(&pipeline(word)), job_status(&job)), (wanted, wanted), "{word}");
            }
        }
        assert_eq!(status(&api::Pipeline::default()), RunStatus::Unknown);
        let optional = api::Job { allow_failure: Some(true), status: Some("manual".into()), ..api::Job::default() };
        assert_eq!(job_status(&optional), RunStatus::Skipped);
    }

    #[test]
    fn a_job_has_begun_only_in_states_that_are_no_failure_and_no_wait_for_a_human() {
        let begun = |word: &str| begun(&api::Job { status: Some(word.to_owned()), ..api::Job::default() });
        assert!(["pending", "running", "success", "waiting_for_resource"].iter().all(|word| begun(word)));
        assert!(!["manual", "scheduled", "failed", "canceled", "skipped", "new"].iter().any(|word| begun(word)));
    }

    #[test]
    fn the_page_of_a_pipeline_is_found_behind_a_root_of_its_own() {
        let project = Project {
            path: "acme/web".into(),
            service: None,
            environments: std::collections::BTreeMap::new(),
            version: None,
        };
        let of = |path: &str| {
            url(
                &project,
                Some("https://ci.test/gitlab/acme/web"),
                &api::Pipeline { path: Some(path.to_owned()), ..api::Pipeline::default() },
            )
        };
        let wanted = Some("https://ci.test/gitlab/acme/web/-/pipelines/47".to_owned());
        assert_eq!((of("/gitlab/acme/web/-/pipelines/47"), of("/elsewhere")), (wanted, None));
    }
}
