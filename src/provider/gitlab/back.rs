//! How an earlier version comes back: the job that deployed it last is tried again (GitLab's own pages call that a roll back). What is
//! live in an environment, and what was before, its deployments tell; a roll back is bound to what is live.
//!
//! Source: docs.gitlab.com/ci/environments/deployments/#retry-or-roll-back-a-deployment.

use std::time::Duration;

use crate::{
    domain::{
        form::{Field, Kind},
        offer::{Offer, Risk},
        verb::Verb,
        version::Version,
    },
    port::{
        plan::{Ask, Blocked, Draft, Expect, Expectation, Facts, WireCall, fact},
        shape::Shape,
        step::{Step, Watch},
    },
    provider::gitlab::{
        Project,
        address::Address,
        again::{About, MADE, THE_JOB, made, of_job},
        api,
        draft::{LOST, POST},
        fact as own,
        normalize::version,
        request::job_path,
    },
};

/// The field that says where, of a pipeline that is live in several environments.
const ENVIRONMENT: &str = "environment";
/// How long the job that deploys may take.
const DEPLOYED: Duration = Duration::from_mins(30);

/// A deployment that ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Deployed {
    pub(super) id: u64,
    pub(super) pipeline: u64,
    /// The job that deployed it.
    pub(super) job: u64,
    /// GitLab's name of the environment.
    pub(super) environment: String,
    pub(super) version: Version,
}

/// What is live in an environment, and what was before, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Back {
    pub(super) live: Deployed,
    pub(super) earlier: Vec<Deployed>,
}

/// A deployment that can be gone back to. `None` where it does not say what deployed it.
pub(super) fn deployed(project: &Project, wire: &api::Deployment) -> Option<Deployed> {
    let job = wire.deployable.as_ref()?;
    let title = job.commit.as_ref().and_then(|commit| commit.title.as_deref());
    Some(Deployed {
        id: wire.id?,
        pipeline: job.pipeline.as_ref()?.id?,
        job: job.id?,
        environment: wire.environment.clone()?,
        version: version(project, wire.reference.as_deref(), title, wire.sha.as_deref()),
    })
}

/// By environment what is live and what was before. `all` are those that ended well, newest first.
pub(super) fn backs(all: &[Deployed]) -> Vec<Back> {
    let mut found: Vec<Back> = Vec::new();
    for one in all {
        match found.iter_mut().find(|back| back.live.environment == one.environment) {
            None => found.push(Back { live: one.clone(), earlier: Vec::new() }),
            Some(back) => {
                let mut known = std::iter::once(&back.live).chain(&back.earlier);
                if !known.any(|known| known.version.is_same(&one.version)) {
                    back.earlier.push(one.clone());
                }
            }
        }
    }
    found
}

/// The ways back from what a pipeline has deployed and what is still live.
pub(super) fn of(all: &[Back], pipeline: u64) -> Vec<Back> {
    all.iter().filter(|back| back.live.pipeline == pipeline).cloned().collect()
}

/// What of a roll back is offered on a pipeline.
pub(super) fn offer(project: &Project, backs: &[Back], rules: Option<&api::Rules>) -> Offer {
    let risk = |back: &Back| project.environment(&back.live.environment).risk;
    let worst = backs.iter().map(risk).max().unwrap_or(Risk::High);
    if backs.is_empty() {
        return Offer::blocked(
            Verb::Rollback,
            worst,
            "what it built is live nowhere, so there is nothing to take back",
        );
    }
    if backs.iter().all(|back| back.earlier.is_empty()) {
        return Offer::blocked(Verb::Rollback, worst, "GitLab knows no earlier version that was deployed there");
    }
    if rules.and_then(|rules| rules.ci_forward_deployment_rollback_allowed) == Some(false) {
        let why = "the project does not allow that the job of an earlier deployment is tried again (its CI/CD settings: \
                   \"Allow job retries for rollback deployments\")";
        return Offer::blocked(Verb::Rollback, worst, why);
    }
    let unsure = rules.is_none().then(|| "whether the project allows it is not known".to_owned());
    let names: Vec<String> = backs.iter().map(|back| back.live.environment.clone()).collect();
    // Where there is one place only, nobody has to say which.
    let choice = (names.len() > 1).then(|| Field::new(ENVIRONMENT, "environment", Kind::Choice(names)).required());
    let form = choice.into_iter().collect();
    Offer { unsure, ..Offer::open(Verb::Rollback, worst).asking(form) }
}

/// Everything that a roll back can send.
pub(super) fn shapes(project: &str) -> Vec<Shape> {
    vec![Shape { method: POST, path: format!("{}/retry", job_path(project, THE_JOB)), ..Shape::default() }]
}

/// The draft: the job of an earlier deployment is tried again, as long as what is live is what was seen.
pub(super) fn draft(about: &About<'_>, ask: &Ask, backs: &[Back]) -> Result<Draft, Blocked> {
    let chosen = ask.args.text(ENVIRONMENT);
    let back = backs.iter().find(|back| chosen.is_none_or(|name| name == back.live.environment));
    let back = back.ok_or_else(|| Blocked(format!("what {} built is live nowhere there", about.name)))?;
    let Back { live, earlier } = back;
    let to = match ask.to() {
        None => earlier.first(),
        Some(name) => earlier.iter().find(|one| one.version.is_called(name)),
    };
    let known = || earlier.iter().map(|one| one.version.to_string()).collect::<Vec<_>>().join(", ");
    let to = to.ok_or_else(|| match ask.to() {
        Some(name) => Blocked(format!("{} had no {name}: it had {}", live.environment, known())),
        None => Blocked(format!("GitLab knows no earlier version that was deployed to {}", live.environment)),
    })?;
    let (source, project) = (&about.run.id.source, &about.at.project);
    let words = format!("try job {} again, which deployed {} to {}", to.job, to.version, live.environment);
    let call = WireCall { gives: made(), ..of_job(project, &to.job.to_string(), "retry", words, about.base) };
    let watched = Address::job_id(source, project, to.pipeline, &format!("{{{MADE}}}"));
    let bound = [(own::DEPLOYMENT.to_owned(), live.id.to_string())].into();
    let place = Address::environment_id(source, project, &live.environment);
    let step = Step { bound, ..Step::new(&place, call).watching(Watch::Made(watched)) };
    let expect = Expectation {
        all: vec![Expect::is(own::JOB_IS, "success")],
        fails_if: LOST.map(|word| Expect::is(own::JOB_IS, word)).to_vec(),
        // A protected environment may ask for approval again.
        rests: vec![Expect::is(own::JOB_IS, "manual")],
        words: Some(format!("{} is deployed to {}", to.version, live.environment)),
        within: DEPLOYED,
        ..Expectation::default()
    };
    let effect = format!("{} goes back to {} by the job that deployed it before", live.environment, to.version);
    let plain = Draft::of(&about.run.id, WireCall::default(), effect, about.bound.clone(), expect);
    Ok(Draft {
        from: Some(live.version.clone()),
        to: Some(to.version.clone()),
        steps: vec![step],
        undo: format!("roll back again: to {}", live.version),
        notes: vec![
            format!(
                "it takes what pipeline {} built then: where its artifacts have expired, the job fails",
                to.pipeline
            ),
            "a protected environment asks for approval again, and who is not allowed to deploy there is refused"
                .to_owned(),
        ],
        ..plain
    })
}

/// The facts of what is live in an environment.
pub(super) fn live_facts(live: Option<&api::Deployment>) -> Facts {
    let one = |name: &str, value: Option<String>| Some((name.to_owned(), value?));
    let live = live.into_iter().flat_map(|live| {
        let pipeline = live.deployable.as_ref().and_then(|job| job.pipeline.as_ref()).and_then(|pipeline| pipeline.id);
        [
            one(own::DEPLOYMENT, live.id.map(|id| id.to_string())),
            one(own::PIPELINE, pipeline.map(|id| id.to_string())),
            one(fact::COMMIT, live.sha.clone()),
        ]
    });
    live.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployed(id: u64, environment: &str, tag: &str) -> Deployed {
        Deployed {
            id,
            pipeline: id + 100,
            job: id + 200,
            environment: environment.into(),
            version: Version::of_ref(tag).at_commit(format!("{tag:a<7}").replace(['v', '.'], "0")),
        }
    }

    #[test]
    fn what_is_live_is_the_newest_of_an_environment_and_each_version_before_stands_once() {
        let all = [
            deployed(9, "prod", "v1.0.0"),
            deployed(8, "staging", "v1.2.0"),
            deployed(7, "prod", "v1.1.0"),
            deployed(6, "prod", "v1.0.0"),
            deployed(5, "prod", "v0.9.0"),
        ];
        let found = backs(&all);
        let said: Vec<(u64, Vec<u64>)> =
            found.iter().map(|back| (back.live.id, back.earlier.iter().map(|one| one.id).collect())).collect();
        assert_eq!(said, [(9, vec![7, 5]), (8, vec![])]);
        assert_eq!(of(&found, 109).len(), 1);
        assert_eq!(of(&found, 107), []);
    }
}
