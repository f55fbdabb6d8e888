//! How an earlier version comes back. With deploy markers CircleCI does it itself: it is told which version is live and which is to be,
//! and refuses where another one is live by then; a pipeline of the project's own for that, or a release agent, carries it out. Without
//! markers the workflow that deployed the earlier version runs again, as a whole.
//!
//! Source: circleci.com/docs/guides/deploy/rollback-a-deployment.

use std::time::Duration;

use serde_json::json;

use crate::{
    domain::{
        form::{Field, Kind},
        object::ObjectId,
        offer::{Offer, Risk},
        pipeline::RunStatus,
        verb::Verb,
        version::Version,
    },
    port::{
        fill::{Answered, Give},
        plan::{Ask, Blocked, Draft, Expect, Expectation, WireCall, fact},
        shape::Shape,
        step::{Step, Watch},
    },
    provider::circleci::{
        Project,
        address::Address,
        again::{About, MADE, made_workflow, rerun_call},
        draft::{POST, post},
        fact as own,
        live::Back,
        request::JSON,
    },
};

/// The field that says where, of a workflow that is live in several places.
const PLACE: &str = "place";
/// How long a pipeline may take that puts a version back.
const DEPLOYED: Duration = Duration::from_mins(30);

/// A workflow that deployed an earlier version, as far as that is known without markers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Earlier {
    pub(super) workflow: String,
    pub(super) number: u64,
    pub(super) version: Version,
}

/// The ways back from what a workflow deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ways {
    /// None is known, and why.
    None(String),
    /// By deploy markers: of every place where what it deployed is live.
    Marked(Vec<Back>),
    /// By running an earlier workflow again, newest first.
    Again(Vec<Earlier>),
}

/// What of a roll back is offered on a workflow.
pub(super) fn offer(project: &Project, ways: &Ways) -> Offer {
    let none = |risk, why: &str| Offer::blocked(Verb::Rollback, risk, why);
    match ways {
        Ways::None(why) => none(project.risk(), why),
        Ways::Marked(all) => {
            let worst = all.iter().map(|back| project.environment(&back.environment).risk).max().unwrap_or(Risk::High);
            if all.is_empty() {
                none(worst, "what it deployed is live nowhere, so there is nothing to take back")
            } else if all.iter().all(|back| back.earlier.is_empty()) {
                none(worst, "CircleCI knows no earlier version that was deployed there")
            } else {
                // Where there is one place only, nobody has to say which.
                let names: Vec<String> = all.iter().map(place).collect();
                let choice = (names.len() > 1).then(|| Field::new(PLACE, "where", Kind::Choice(names)).required());
                Offer::open(Verb::Rollback, worst).asking(choice.into_iter().collect())
            }
        }
        Ways::Again(all) if all.is_empty() => {
            none(project.risk(), "no earlier workflow of this name that deployed another version is known")
        }
        Ways::Again(_) => {
            let unsure = "without deploy markers nothing tells what is live: the newest workflow of this name that succeeded is taken for it";
            Offer { unsure: Some(unsure.to_owned()), ..Offer::open(Verb::Rollback, project.risk()) }
        }
    }
}

/// `web-frontend in production`.
fn place(back: &Back) -> String {
    let namespace = &back.place.namespace;
    let within = if namespace == "default" { String::new() } else { format!(", {namespace}") };
    format!("{} in {}{within}", back.component, back.environment)
}

/// What a roll back by markers can send, of a project by its id.
pub(super) fn shape(project: &str) -> Shape {
    Shape {
        method: POST,
        path: format!("/api/v2/projects/{project}/rollback"),
        content_type: JSON,
        writes: &[
            "/component_name",
            "/environment_name",
            "/namespace",
            "/current_version",
            "/target_version",
            "/reason",
        ],
        ..Shape::default()
    }
}

/// The draft.
pub(super) fn draft(about: &About<'_>, ask: &Ask, ways: &Ways) -> Result<Draft, Blocked> {
    match ways {
        Ways::None(why) => Err(Blocked(why.clone())),
        Ways::Again(all) => again(about, ask, all),
        Ways::Marked(all) => marked(about, ask, all),
    }
}

/// Which of the earlier ones is meant: the newest, or the one that was named.
fn chosen<'a, T>(
    ask: &Ask,
    all: &'a [T],
    version: impl Fn(&T) -> &Version,
    had: impl Fn() -> String,
) -> Result<&'a T, Blocked> {
    let Some(name) = ask.to() else {
        return all.first().ok_or_else(|| Blocked(format!("{} no earlier version", had())));
    };
    let known = || all.iter().map(|one| version(one).to_string()).collect::<Vec<_>>().join(", ");
    let found = all.iter().find(|one| version(one).is_called(name));
    found.ok_or_else(|| Blocked(format!("{} no {name}: it had {}", had(), known())))
}

fn marked(about: &About<'_>, ask: &Ask, all: &[Back]) -> Result<Draft, Blocked> {
    let named = ask.args.text(PLACE);
    let back = all.iter().find(|back| named.is_none_or(|name| name == place(back)));
    let back = back.ok_or_else(|| Blocked(format!("what {} deployed is live nowhere there", about.name)))?;
    let (live, here) = (&back.live, place(back));
    let to = chosen(ask, &back.earlier, |one| &one.version, || format!("{here} had"))?;
    let project = about.id.ok_or_else(|| Blocked("the id of its project is not known yet".to_owned()))?;
    let mut body = json!({
        "component_name": back.component,
        "environment_name": back.environment,
        "namespace": back.place.namespace,
        "current_version": live.name,
        "target_version": to.name,
    });
    let reason = ask.comment().map(str::trim).filter(|reason| !reason.is_empty());
    if let (Some(body), Some(reason)) = (body.as_object_mut(), reason) {
        body.insert("reason".to_owned(), reason.into());
    }
    let words = format!("put {} back to {} in {}", back.component, to.name, back.environment);
    let gives = vec![Give { name: MADE.to_owned(), from: Answered::Json("/id".to_owned()) }];
    let call = WireCall { gives, ..post(about.base, words, shape(project).path, &body.to_string()) };
    let at = Address::live_id(&about.run.id.source, &about.project.slug, &back.place);
    let made = ObjectId::new(&at.source, at.family.clone(), format!("{}/{{{MADE}}}", at.path));
    let bound = [(own::LIVE.to_owned(), live.name.clone())].into();
    let step = Step { bound, ..Step::new(&at, call).watching(Watch::Made(made)) };
    let expect = Expectation {
        all: vec![Expect::is(own::LIVE, &to.name)],
        fails_if: ended_badly(),
        // The pipeline that does it may hold.
        rests: vec![Expect::is(fact::STATUS, RunStatus::Waiting)],
        words: Some(format!("{} is live in {}", to.name, back.environment)),
        within: DEPLOYED,
        ..Expectation::default()
    };
    let effect = format!("{here} goes back from {} to {}", live.version, to.version);
    let plain = Draft::of(&about.run.id, WireCall::default(), effect, about.bound.clone(), expect);
    Ok(Draft {
        from: Some(live.version.clone()),
        to: Some(to.version.clone()),
        steps: vec![step],
        undo: format!("roll back again: to {}", live.version),
        notes: vec![
            format!("CircleCI refuses it itself where another version than {} is live by then", live.name),
            "the project's rollback pipeline carries it out, or a release agent: without either CircleCI refuses"
                .to_owned(),
        ],
        ..plain
    })
}

fn ended_badly() -> Vec<Expect> {
    let bad = [RunStatus::Failed, RunStatus::Cancelled, RunStatus::Skipped];
    bad.map(|status| Expect::is(fact::STATUS, status)).to_vec()
}

fn again(about: &About<'_>, ask: &Ask, all: &[Earlier]) -> Result<Draft, Blocked> {
    let (run, slug) = (about.run, &about.project.slug);
    let to = chosen(ask, all, |one| &one.version, || format!("{} of {slug} knows", run.pipeline))?;
    let name = format!("{} #{}", run.pipeline, to.number);
    let body = json!({"from_failed": false});
    let call = rerun_call(format!("run {name} again, which deployed {}", to.version), &to.workflow, &body, about.base);
    let target = Address::run_id(&run.id.source, slug, &to.workflow);
    let mut bound =
        [(own::WORKFLOW.to_owned(), to.workflow.clone())].into_iter().collect::<std::collections::BTreeMap<_, _>>();
    bound.insert(fact::STATUS.to_owned(), RunStatus::Succeeded.to_string());
    bound.extend(to.version.commit.clone().map(|commit| (fact::COMMIT.to_owned(), commit)));
    let step = Step { bound, ..Step::new(&target, call).watching(made_workflow(&run.id, slug)) };
    let expect = Expectation {
        all: vec![Expect::is(fact::STATUS, RunStatus::Succeeded)],
        fails_if: ended_badly(),
        rests: vec![Expect::is(fact::STATUS, RunStatus::Waiting)],
        words: Some(format!("{name} has run again to its end")),
        within: DEPLOYED,
        ..Expectation::default()
    };
    let effect = format!("{name} runs again as a whole, and deploys {}", to.version);
    Ok(Draft {
        from: Some(run.version.clone()),
        to: Some(to.version.clone()),
        steps: vec![step],
        undo: format!("run {} again", about.name),
        notes: vec![
            "without deploy markers nothing tells what is live: the newest workflow of this name that succeeded is taken for it"
                .to_owned(),
            "all of it runs: it builds and tests that commit anew, and its holds wait to be approved again".to_owned(),
            "what it takes from elsewhere (caches, images, settings, contexts) is as it is today, not as it was then".to_owned(),
        ],
        ..Draft::of(&run.id, WireCall::default(), effect, about.bound.clone(), expect)
    })
}
