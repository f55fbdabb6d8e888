//! What a workflow's verbs do beside putting an earlier version back: it stops, runs again, all of it or from what failed, or a new
//! pipeline begins. Always by `/api/v2`, where `from_failed` means that.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::{
    domain::{
        form::{Field, Kind},
        object::ObjectId,
        offer::{Offer, Risk, open_for},
        pipeline::{Run, RunStatus},
        text::clean,
        verb::Verb,
    },
    port::{
        fill::{Answered, Give, is_part},
        plan::{Ask, Blocked, Condition, Draft, Expect, Expectation, Facts, WireCall, fact},
        shape::Shape,
        step::{Step, Watch},
    },
    provider::circleci::{
        Project,
        address::{Address, What},
        back::{self, Ways},
        draft::{ANSWERED, POST, post},
        fact as own,
        normalize::Pipeline,
        request::{JSON, project_path, workflow_path},
    },
};

/// What of it runs again.
const JOBS: &str = "jobs";
const FAILED: &str = "failed";
const ALL: &str = "all";
const ONE: &str = "one";
/// Which job, where it is one: its id.
const JOB: &str = "job";
/// Of a new pipeline: branch or tag, its name, and parameters.
const AT: &str = "at";
const BRANCH: &str = "branch";
const TAG: &str = "tag";
const NAME: &str = "name";
const PARAMETERS: &str = "parameters";
/// Under which name an answer gives the id of what was made.
pub(super) const MADE: &str = "made";
/// How long a cancelled workflow may take to end.
const CANCELLED: Duration = Duration::from_mins(5);

/// What can be done with a workflow, but for putting an earlier version back.
pub(super) fn offers(project: &Project, status: RunStatus, pipeline: &Pipeline) -> Vec<Offer> {
    let risk = project.risk();
    let (cancel, rerun) = if status.ended() {
        let rerun = Offer::open(Verb::Rerun, risk).asking(rerunning(status));
        (Offer::blocked(Verb::Cancel, Risk::Medium, "the workflow has ended"), rerun)
    } else {
        let why = "the workflow has not ended; cancel it first";
        (Offer::open(Verb::Cancel, Risk::Medium), Offer::blocked(Verb::Rerun, risk, why))
    };
    vec![cancel, rerun, dispatch_offer(project, pipeline)]
}

/// The same of a pipeline that has no workflow.
pub(super) fn offers_without_workflow(project: &Project, pipeline: &Pipeline) -> Vec<Offer> {
    let why = "its configuration is wrong: it has no workflow";
    let none = |verb, risk| Offer::blocked(verb, risk, why);
    vec![
        none(Verb::Cancel, Risk::Medium),
        none(Verb::Rerun, project.risk()),
        dispatch_offer(project, pipeline),
        none(Verb::Rollback, project.risk()),
    ]
}

fn dispatch_offer(project: &Project, pipeline: &Pipeline) -> Offer {
    if project.definition.is_none() && project.slug.starts_with("circleci/") {
        let why = "say under `definitions` by which pipeline definition a new pipeline of it begins";
        return Offer::blocked(Verb::Dispatch, project.risk(), why);
    }
    Offer::open(Verb::Dispatch, project.risk()).asking(dispatching(pipeline))
}

fn rerunning(status: RunStatus) -> Vec<Field> {
    let options: &[&str] = if status == RunStatus::Failed { &[FAILED, ALL, ONE] } else { &[ALL, ONE] };
    let first = options.first().copied().unwrap_or(ALL);
    let options = options.iter().map(|option| (*option).to_owned()).collect();
    let job = Field::new(JOB, "job", Kind::Text).hint("its id, where it is one: that of the job chosen on screen");
    vec![Field::new(JOBS, "jobs", Kind::Choice(options)).required().default(first), job]
}

/// What a new pipeline asks for: at first that it is of the same branch or tag.
fn dispatching(pipeline: &Pipeline) -> Vec<Field> {
    let (first, name) = match (&pipeline.tag, &pipeline.branch) {
        (Some(tag), _) => (TAG, Some(tag)),
        (None, branch) => (BRANCH, branch.as_ref()),
    };
    let named = Field::new(NAME, "its name", Kind::Text).required();
    let named = match name.filter(|name| !name.trim().is_empty()) {
        Some(name) => named.default(clean(name)),
        None => named,
    };
    let at = Field::new(AT, "at a", Kind::Choice([BRANCH, TAG].map(str::to_owned).to_vec()));
    let hint = "NAME=VALUE, NAME=VALUE: true, false and whole numbers are sent as such";
    vec![at.required().default(first), named, Field::new(PARAMETERS, "parameters", Kind::Text).hint(hint)]
}

/// Everything that a verb can send for a workflow or a pipeline; `id` is that of its project, where it is known.
pub(super) fn shapes(at: &Address, verb: Verb, id: Option<&str>) -> Vec<Shape> {
    let shape = |path: String| Shape { method: POST, path, ..Shape::default() };
    let project = project_path(&at.slug);
    match (&at.what, verb) {
        (What::Workflow(id), Verb::Cancel) => vec![shape(format!("{}/cancel", workflow_path(id)))],
        (What::Workflow(id), Verb::Rerun) => {
            vec![Shape { content_type: JSON, writes: &["/from_failed", "/jobs"], ..shape(again(id)) }]
        }
        (What::Workflow(workflow), Verb::Rollback) => {
            let rerun = Shape { content_type: JSON, writes: &["/from_failed"], ..shape(again(workflow)) };
            id.map(back::shape).into_iter().chain([rerun]).collect()
        }
        (What::Workflow(_) | What::Pipeline(_), Verb::Dispatch) => vec![
            Shape {
                content_type: JSON,
                writes: &["/definition_id", "/config", "/checkout", "/parameters"],
                ..shape(format!("{project}/pipeline/run"))
            },
            Shape {
                content_type: JSON,
                writes: &["/branch", "/tag", "/parameters"],
                ..shape(format!("{project}/pipeline"))
            },
        ],
        _ => Vec::new(),
    }
}

fn again(workflow: &str) -> String {
    format!("{}/rerun", workflow_path(workflow))
}

/// The call that runs a workflow again, and gives the id of the new one.
pub(super) fn rerun_call(words: String, workflow: &str, body: &Value, base: &str) -> WireCall {
    let gives = vec![Give { name: MADE.to_owned(), from: Answered::Json("/workflow_id".to_owned()) }];
    WireCall { gives, ..post(base, words, again(workflow), &body.to_string()) }
}

/// What a workflow is that was begun by this step.
pub(super) fn made_workflow(run: &ObjectId, slug: &str) -> Watch {
    Watch::Made(Address::run_id(&run.source, slug, &format!("{{{MADE}}}")))
}

/// A workflow that something is drafted for.
pub(super) struct About<'a> {
    pub(super) run: &'a Run,
    pub(super) project: &'a Project,
    /// Its id; none of a pipeline without one.
    pub(super) workflow: &'a str,
    /// `deploy #812`.
    pub(super) name: String,
    /// What every draft is bound to.
    pub(super) bound: Facts,
    /// The id of its project, where that is known.
    pub(super) id: Option<&'a str>,
    pub(super) base: &'a str,
}

/// The draft for a workflow; `ways` are the ways back from what it has deployed.
pub(super) fn run(
    run: &Run,
    ask: &Ask,
    (project, id): (&Project, Option<&str>),
    ways: &Ways,
    base: &str,
) -> Result<Draft, Blocked> {
    open_for(&run.offers, ask.verb, "a workflow of CircleCI").map_err(Blocked)?;
    let at = Address::of(&run.id).map_err(|error| Blocked(error.text))?;
    let commit = run.version.commit.clone().map(|commit| (fact::COMMIT.to_owned(), commit));
    let (workflow, own) = match &at.what {
        What::Workflow(id) => (id.as_str(), (own::WORKFLOW.to_owned(), id.clone())),
        What::Pipeline(id) => ("", (own::PIPELINE.to_owned(), id.clone())),
        _ => return Err(Blocked(format!("'{}' is no workflow of CircleCI", run.id))),
    };
    let bound = std::iter::once(own).chain(commit).collect();
    let name = format!("{} #{}", run.pipeline, run.number);
    let about = About { run, project, workflow, name, bound, id, base };
    match ask.verb {
        Verb::Cancel => Ok(about.cancel()),
        Verb::Dispatch => about.dispatch(ask),
        Verb::Rollback => back::draft(&about, ask, ways),
        _ => about.rerun(ask),
    }
}

impl About<'_> {
    /// Bound to no state: it may go from one to the next meanwhile, and is stopped all the same.
    fn cancel(&self) -> Draft {
        let path = format!("{}/cancel", workflow_path(self.workflow));
        let call = post(self.base, format!("cancel {}", self.name), path, "");
        let ended = [RunStatus::Succeeded, RunStatus::Failed, RunStatus::Skipped];
        let expect = Expectation {
            all: vec![Expect::is(fact::STATUS, RunStatus::Cancelled)],
            fails_if: ended.map(|status| Expect::is(fact::STATUS, status)).to_vec(),
            within: CANCELLED,
            ..Expectation::default()
        };
        let effect = format!("{} stops; what it has deployed stays", self.name);
        Draft {
            from: Some(self.run.version.clone()),
            undo: "run it again".to_owned(),
            ..Draft::of(&self.run.id, call, effect, self.bound.clone(), expect)
        }
    }

    /// CircleCI runs a workflow again as another one of the same pipeline, which its answer names: that one is watched.
    fn rerun(&self, ask: &Ask) -> Result<Draft, Blocked> {
        let (body, what) = match ask.args.text(JOBS) {
            Some(FAILED) => (json!({"from_failed": true}), "runs again from what failed".to_owned()),
            Some(ONE) => {
                let job = job(ask)?;
                (json!({ JOBS: [job] }), format!("runs job {job} again, and what is behind it"))
            }
            _ => (json!({"from_failed": false}), "runs again, all of it".to_owned()),
        };
        let call = rerun_call(format!("run {} again", self.name), self.workflow, &body, self.base);
        let step = Step::new(&self.run.id, call).watching(made_workflow(&self.run.id, &self.project.slug));
        let mut bound = self.bound.clone();
        // One that has ended never moves again by itself; whoever runs it again makes another one.
        bound.insert(fact::STATUS.to_owned(), self.run.status.to_string());
        let expect =
            Expectation { words: Some("a new workflow of the same commit is there".to_owned()), ..self.another() };
        let plain = Draft::of(&self.run.id, WireCall::default(), format!("{} {what}", self.name), bound, expect);
        Ok(Draft {
            to: Some(self.run.version.clone()),
            steps: vec![step],
            undo: "cancel the new workflow".to_owned(),
            notes: vec!["it is a new workflow of the same pipeline; its holds wait to be approved again".to_owned()],
            ..plain
        })
    }

    /// That another workflow is there, of the same commit.
    fn another(&self) -> Expectation {
        let other = Expect { fact: own::WORKFLOW.to_owned(), condition: Condition::IsNot(self.workflow.to_owned()) };
        let same = self.bound.get(fact::COMMIT).map(|commit| Expect::is(fact::COMMIT, commit));
        Expectation { all: std::iter::once(other).chain(same).collect(), within: ANSWERED, ..Expectation::default() }
    }

    /// A new pipeline, which the answer names: that one is watched.
    fn dispatch(&self, ask: &Ask) -> Result<Draft, Blocked> {
        let at = if ask.args.text(AT) == Some(TAG) { TAG } else { BRANCH };
        let name = ask.args.text(NAME).unwrap_or_default().trim().to_owned();
        let parameters = parameters(ask.args.text(PARAMETERS).unwrap_or_default()).map_err(Blocked)?;
        let project = project_path(&self.project.slug);
        let (path, mut body) = match &self.project.definition {
            Some(id) => {
                let body = json!({"definition_id": id, "config": {at: name}, "checkout": {at: name}});
                (format!("{project}/pipeline/run"), body)
            }
            None => (format!("{project}/pipeline"), json!({ at: name })),
        };
        if let (Some(body), false) = (body.as_object_mut(), parameters.is_empty()) {
            body.insert(PARAMETERS.to_owned(), Value::Object(parameters));
        }
        let gives = vec![Give { name: MADE.to_owned(), from: Answered::Json("/id".to_owned()) }];
        let plain =
            post(self.base, format!("begin a pipeline of {} at {name}", self.project.slug), path, &body.to_string());
        let call = WireCall { gives, ..plain };
        let made = Address::pipeline_id(&self.run.id.source, &self.project.slug, &format!("{{{MADE}}}"));
        let step = Step::new(&self.run.id, call).watching(Watch::Made(made));
        let another = Condition::IsNot(String::new());
        let expect = Expectation {
            all: vec![Expect { fact: own::PIPELINE.to_owned(), condition: another }],
            words: Some("a new pipeline is there".to_owned()),
            within: ANSWERED,
            ..Expectation::default()
        };
        let effect = format!("a new pipeline of {} begins at the {at} {name}", self.project.name());
        let plain = Draft::of(&self.run.id, WireCall::default(), effect, self.bound.clone(), expect);
        let notes = vec![
            "its holds wait to be approved; a commit that says [skip ci] begins none, and that is said".to_owned(),
        ];
        Ok(Draft { steps: vec![step], undo: "cancel the new workflows".to_owned(), notes, ..plain })
    }
}

/// The job that was named: its id.
fn job(ask: &Ask) -> Result<&str, Blocked> {
    match ask.args.text(JOB).unwrap_or_default().trim() {
        "" => Err(Blocked("say which job: its id, or choose it in the workflow's tree".to_owned())),
        id if is_part(id) => Ok(id),
        odd => Err(Blocked(format!("'{}' is no id of a job", clean(odd)))),
    }
}

/// `NAME=VALUE, NAME=VALUE`: a pipeline's parameters have types.
fn parameters(said: &str) -> Result<Map<String, Value>, String> {
    let each = said.split(',').map(str::trim).filter(|one| !one.is_empty());
    each.map(|one| {
        let named = one.split_once('=').filter(|(name, _)| !name.trim().is_empty());
        let (name, value) = named.ok_or_else(|| format!("'{}' is no parameter: write NAME=VALUE", clean(one)))?;
        let value = value.trim();
        let typed = match value {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => value.parse::<i64>().map_or_else(|_| Value::from(value), Value::from),
        };
        Ok((name.trim().to_owned(), typed))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_named_values_of_their_types() {
        let read = |said: &str| parameters(said).map(|all| Value::Object(all).to_string());
        assert_eq!(read(""), Ok("{}".to_owned()));
        let wanted = r#"{"dry_run":true,"image":"a=b","replicas":3}"#;
        assert_eq!(read("replicas=3, dry_run = true, image=a=b ,"), Ok(wanted.to_owned()));
        assert_eq!(read("replicas"), Err("'replicas' is no parameter: write NAME=VALUE".to_owned()));
    }

    #[test]
    fn what_failed_runs_again_from_there_at_first_and_what_passed_as_a_whole() {
        let first = |status| rerunning(status).remove(0).default;
        assert_eq!(first(RunStatus::Failed).as_deref(), Some(FAILED));
        assert_eq!(first(RunStatus::Cancelled).as_deref(), Some(ALL));
        assert_eq!(first(RunStatus::Succeeded).as_deref(), Some(ALL));
    }
}
