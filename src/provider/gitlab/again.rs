//! What a pipeline's verbs ask for, and what each sends: stop it, also a job that hangs; try again what failed, or one job; start a job
//! by hand; begin a new pipeline.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    domain::{
        form::{Field, Kind},
        object::{Family, ObjectId},
        offer::open_for,
        pipeline::{Run, RunStatus},
        text::clean,
        verb::Verb,
    },
    port::{
        fill::{Answered, Fill, Give, Slot, Supply},
        plan::{Ask, Blocked, Condition, Draft, Expect, Expectation, Facts, WireCall, fact},
        shape::Shape,
        step::{Step, Watch},
    },
    provider::gitlab::{
        address::Address,
        back::{self, Back},
        draft::{ANSWERED, POST, begins, post},
        fact as own,
        request::{JSON, job_path, pipeline_path, project_path},
    },
};

/// Which jobs are tried again.
const JOBS: &str = "jobs";
const FAILED: &str = "failed";
const ONE: &str = "one";
/// Which one, where it is one: its id. In a path, what stands for it.
const JOB: &str = "job";
pub(super) const THE_JOB: &str = "{job}";
/// Whether the job is ended that does not end by itself.
const FORCE: &str = "force";
/// Of a new pipeline.
const REF: &str = "ref";
const VARIABLES: &str = "variables";
/// Under which name an answer gives the id of what was made.
pub(super) const MADE: &str = "made";
/// How long a cancelled pipeline may take to end: a job that cleans up is waited for.
const CANCELLED: Duration = Duration::from_mins(5);

/// The field in which a job is named.
fn job_field() -> Field {
    Field::new(JOB, "job", Kind::Text).hint("its id, where it is one: that of the job chosen on screen")
}

/// What trying it again asks for.
pub(super) fn rerunning(status: RunStatus) -> Vec<Field> {
    let failed = matches!(status, RunStatus::Failed | RunStatus::Cancelled);
    let (options, first): (&[&str], &str) = if failed { (&[FAILED, ONE], FAILED) } else { (&[ONE], ONE) };
    let options = options.iter().map(|option| (*option).to_owned()).collect();
    let job = if failed { job_field() } else { job_field().required() };
    vec![Field::new(JOBS, "jobs", Kind::Choice(options)).required().default(first), job]
}

/// What stopping it asks for.
pub(super) fn cancelling() -> Vec<Field> {
    let hint = "ends one job at once, where it was cancelled and does not stop; it takes the role Maintainer";
    vec![Field::new(FORCE, "by force", Kind::Flag).hint(hint), job_field()]
}

/// What starting a job of it asks for.
pub(super) fn playing() -> Vec<Field> {
    vec![job_field().required()]
}

/// What a new pipeline asks for.
pub(super) fn dispatching(reference: Option<&str>) -> Vec<Field> {
    let named = Field::new(REF, "branch or tag", Kind::Text).required();
    let named = match reference.filter(|reference| !reference.trim().is_empty()) {
        Some(reference) => named.default(clean(reference)),
        None => named,
    };
    vec![named, Field::new(VARIABLES, "variables", Kind::Text).hint("NAME=VALUE, NAME=VALUE")]
}

/// Everything that a verb can send for a pipeline, or for a job that it names.
pub(super) fn shapes(project: &str, pipeline: u64, verb: Verb) -> Vec<Shape> {
    let shape = |path: String| Shape { method: POST, path, ..Shape::default() };
    let of_job = |end: &str| shape(format!("{}/{end}", job_path(project, THE_JOB)));
    let of_pipeline = |end: &str| shape(format!("{}/{end}", pipeline_path(project, pipeline)));
    match verb {
        Verb::Cancel => vec![of_pipeline("cancel"), of_job("cancel?force=true")],
        Verb::Rerun => vec![of_pipeline("retry"), of_job("retry")],
        Verb::Play => vec![of_job("play")],
        Verb::Dispatch => vec![Shape {
            content_type: JSON,
            writes: &["/ref", "/variables"],
            ..shape(format!("{}/pipeline", project_path(project)))
        }],
        Verb::Rollback => back::shapes(project),
        _ => Vec::new(),
    }
}

/// A call on a job that is named by its id.
pub(super) fn of_job(project: &str, job: &str, end: &str, words: String, base: &str) -> WireCall {
    let plain = post(base, words, format!("{}/{end}", job_path(project, THE_JOB)), "");
    let fills = vec![Fill { from: Supply::Said(job.to_owned()), into: Slot::Path(JOB.to_owned()) }];
    WireCall { fills, command: plain.command.replace(THE_JOB, job), ..plain }
}

/// The job that was named: its id.
fn job(ask: &Ask) -> Result<&str, Blocked> {
    match ask.args.text(JOB).unwrap_or_default().trim() {
        "" => Err(Blocked("say which job: its id, or choose it in the pipeline's tree".to_owned())),
        id if id.parse::<u64>().is_ok_and(|number| number.to_string() == id) => Ok(id),
        odd => Err(Blocked(format!("'{}' is no id of a job: it is a number", clean(odd)))),
    }
}

/// The draft for a pipeline; `backs` are the ways back from what it has deployed.
pub(super) fn run(run: &Run, ask: &Ask, backs: &[Back], base: &str) -> Result<Draft, Blocked> {
    open_for(&run.offers, ask.verb, "a pipeline of GitLab").map_err(Blocked)?;
    let at = Address::of(&run.id).map_err(|error| Blocked(error.text))?;
    let mut bound = Facts::from([(own::PIPELINE.to_owned(), run.number.to_string())]);
    bound.extend(run.version.commit.clone().map(|commit| (fact::COMMIT.to_owned(), commit)));
    let about = About { run, at: &at, name: format!("{} #{}", run.pipeline, run.number), bound, base };
    match (ask.verb, ask.args.text(JOBS)) {
        (Verb::Cancel, _) if ask.args.is_set(FORCE) => Ok(about.force(job(ask)?)),
        (Verb::Cancel, _) => Ok(about.all_of_it(ask, about.cancel())),
        (Verb::Dispatch, _) => about.dispatch(ask),
        (Verb::Play, _) => Ok(about.play(job(ask)?)),
        (Verb::Rollback, _) => back::draft(&about, ask, backs),
        (_, Some(ONE)) => Ok(about.retry_job(job(ask)?)),
        _ => Ok(about.all_of_it(ask, about.retry())),
    }
}

/// A pipeline that something is drafted for.
pub(super) struct About<'a> {
    pub(super) run: &'a Run,
    pub(super) at: &'a Address,
    /// `payments #47`.
    pub(super) name: String,
    /// What every draft is bound to.
    pub(super) bound: Facts,
    pub(super) base: &'a str,
}

impl About<'_> {
    /// A call on the pipeline.
    fn call(&self, what: &str, end: &str) -> WireCall {
        let path = format!("{}/{end}", pipeline_path(&self.at.project, self.run.number));
        post(self.base, format!("{what} {}", self.name), path, "")
    }

    /// What a draft of all of it says where one job was named: that one alone is not meant.
    fn all_of_it(&self, ask: &Ask, draft: Draft) -> Draft {
        let job = ask.args.text(JOB).map(str::trim).filter(|job| !job.is_empty());
        let note = job.map(|job| format!("this is of all of {}, not of job {} alone", self.name, clean(job)));
        Draft { notes: note.into_iter().chain(draft.notes).collect(), ..draft }
    }

    /// The job of this id, as an object of its own.
    fn job(&self, id: &str) -> ObjectId {
        Address::job_id(&self.run.id.source, &self.at.project, self.run.number, id)
    }

    /// On a job of this pipeline only: an id of another one's would start what nobody looked at.
    fn of_its_own(&self, step: Step) -> Step {
        let pipeline = (own::PIPELINE.to_owned(), self.run.number.to_string());
        Step { bound: [pipeline].into(), ..step }
    }

    /// Bound to no state: it may go from one to the next meanwhile, and is stopped all the same.
    fn cancel(&self) -> Draft {
        let ended = [RunStatus::Succeeded, RunStatus::Failed, RunStatus::Skipped];
        let expect = Expectation {
            all: vec![Expect::is(fact::STATUS, RunStatus::Cancelled)],
            fails_if: ended.map(|status| Expect::is(fact::STATUS, status)).to_vec(),
            within: CANCELLED,
            ..Expectation::default()
        };
        let effect = format!("{} stops; what it has deployed stays", self.name);
        let notes = vec!["GitLab answers well whatever the pipeline does: whether it stopped is looked for".to_owned()];
        // So it is not asked either where there is nothing to stop.
        let moves = ended.into_iter().chain([RunStatus::Cancelled]).map(|status| Expect::is_not(fact::STATUS, status));
        let step = Step::new(&self.run.id, self.call("cancel", "cancel")).when(moves.collect());
        let plain = Draft::of(&self.run.id, WireCall::default(), effect, self.bound.clone(), expect);
        let from = Some(self.run.version.clone());
        Draft { from, steps: vec![step], undo: "try its jobs again".to_owned(), notes, ..plain }
    }

    fn force(&self, job: &str) -> Draft {
        let words = format!("cancel job {job} of {} by force", self.name);
        let call = of_job(&self.at.project, job, "cancel?force=true", words, self.base);
        let expect = Expectation {
            all: vec![Expect::is(fact::STATUS, RunStatus::Cancelled)],
            fails_if: [RunStatus::Succeeded, RunStatus::Failed].map(|status| Expect::is(fact::STATUS, status)).to_vec(),
            within: CANCELLED,
            ..Expectation::default()
        };
        let effect = format!("job {job} of {} ends at once, without what it would clean up", self.name);
        let notes = vec!["only a job that was cancelled and does not stop can be ended so".to_owned()];
        let from = Some(self.run.version.clone());
        let plain = Draft::of(&self.run.id, call, effect, self.bound.clone(), expect);
        Draft { from, undo: "try its jobs again".to_owned(), notes, ..plain }
    }

    /// What it was when it was drawn up, too: a pipeline that has ended moves again only when somebody has its jobs tried again.
    fn bound_to_status(&self) -> Facts {
        let status = (fact::STATUS.to_owned(), self.run.status.to_string());
        self.bound.clone().into_iter().chain([status]).collect()
    }

    fn retry(&self) -> Draft {
        let expect = Expectation {
            all: vec![Expect::is_not(fact::STATUS, self.run.status)],
            words: Some("the pipeline goes on".to_owned()),
            within: ANSWERED,
            ..Expectation::default()
        };
        let effect = format!("the jobs of {} that failed or were cancelled run again, and those after them", self.name);
        let notes = vec!["protected environments ask for approval again".to_owned()];
        Draft {
            to: Some(self.run.version.clone()),
            undo: "cancel the pipeline".to_owned(),
            notes,
            ..Draft::of(&self.run.id, self.call("try again", "retry"), effect, self.bound_to_status(), expect)
        }
    }

    /// GitLab tries a job again as another one, which its answer names: that one is watched.
    fn retry_job(&self, job: &str) -> Draft {
        let words = format!("try job {job} of {} again", self.name);
        let call = WireCall { gives: made(), ..of_job(&self.at.project, job, "retry", words, self.base) };
        let made = Watch::Made(self.job(&format!("{{{MADE}}}")));
        let step = self.of_its_own(Step::new(&self.job(job), call)).watching(made);
        let effect = format!("job {job} of {} runs again, and what is behind it goes on", self.name);
        let plain = Draft::of(&self.run.id, WireCall::default(), effect, self.bound_to_status(), begins());
        let notes = vec![
            "it is another job with an id of its own, of the same commit; one that deploys, deploys that commit again"
                .to_owned(),
        ];
        Draft {
            to: Some(self.run.version.clone()),
            steps: vec![step],
            undo: "cancel the pipeline".to_owned(),
            notes,
            ..plain
        }
    }

    fn play(&self, job: &str) -> Draft {
        let call = of_job(&self.at.project, job, "play", format!("start job {job} of {}", self.name), self.base);
        let step = self.of_its_own(Step::new(&self.job(job), call));
        let effect = format!("job {job} of {} starts now", self.name);
        let plain = Draft::of(&self.run.id, WireCall::default(), effect, self.bound.clone(), begins());
        let notes = vec!["only a job that is started by hand, or that waits for its time, can be started".to_owned()];
        Draft {
            to: Some(self.run.version.clone()),
            steps: vec![step],
            undo: "cancel the pipeline".to_owned(),
            notes,
            ..plain
        }
    }

    /// A new pipeline, which the answer names: that one is watched.
    fn dispatch(&self, ask: &Ask) -> Result<Draft, Blocked> {
        let reference = ask.args.text(REF).unwrap_or_default().trim().to_owned();
        let variables = variables(ask.args.text(VARIABLES).unwrap_or_default()).map_err(Blocked)?;
        let mut body = json!({ REF: reference });
        if let (Some(body), false) = (body.as_object_mut(), variables.is_empty()) {
            body.insert(VARIABLES.to_owned(), Value::Array(variables));
        }
        let path = format!("{}/pipeline", project_path(&self.at.project));
        let plain =
            post(self.base, format!("begin a pipeline of {} at {reference}", self.at.project), path, &body.to_string());
        let call = WireCall { gives: made(), ..plain };
        let watched = ObjectId::new(&self.run.id.source, Family::run(), format!("{}/{{{MADE}}}", self.at.project));
        let step = Step::new(&self.run.id, call).watching(Watch::Made(watched));
        let another = Condition::IsNot(self.run.number.to_string());
        let expect = Expectation {
            all: vec![Expect { fact: own::PIPELINE.to_owned(), condition: another }],
            words: Some("a new pipeline is there".to_owned()),
            within: ANSWERED,
            ..Expectation::default()
        };
        let bound = Facts::from([(own::PIPELINE.to_owned(), self.run.number.to_string())]);
        let effect = format!("a new pipeline of {} begins at {reference}", self.run.pipeline);
        let plain = Draft::of(&self.run.id, WireCall::default(), effect, bound, expect);
        let notes = vec!["its protected environments ask for approval".to_owned()];
        Ok(Draft { steps: vec![step], undo: "cancel the new pipeline".to_owned(), notes, ..plain })
    }
}

/// That an answer names what was made.
pub(super) fn made() -> Vec<Give> {
    vec![Give { name: MADE.to_owned(), from: Answered::Json("/id".to_owned()) }]
}

/// `NAME=VALUE, NAME=VALUE`.
fn variables(said: &str) -> Result<Vec<Value>, String> {
    let each = said.split(',').map(str::trim).filter(|one| !one.is_empty());
    each.map(|one| {
        let named = one.split_once('=').filter(|(name, _)| !name.trim().is_empty());
        let (name, value) = named.ok_or_else(|| format!("'{}' is no variable: write NAME=VALUE", clean(one)))?;
        Ok(json!({ "key": name.trim(), "value": value.trim() }))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_named_values_with_commas_between() {
        let read = |said: &str| variables(said).map(|all| Value::Array(all).to_string());
        assert_eq!(read(""), Ok("[]".to_owned()));
        let wanted = r#"[{"key":"LEVEL","value":"warn"},{"key":"TO","value":"a=b"}]"#;
        assert_eq!(read("LEVEL=warn, TO = a=b ,"), Ok(wanted.to_owned()));
        assert_eq!(read("LEVEL"), Err("'LEVEL' is no variable: write NAME=VALUE".to_owned()));
    }

    #[test]
    fn what_failed_is_tried_again_at_first_and_of_what_passed_only_a_job() {
        let first = |status| rerunning(status).remove(0).default;
        assert_eq!(first(RunStatus::Failed).as_deref(), Some(FAILED));
        assert_eq!(first(RunStatus::Cancelled).as_deref(), Some(FAILED));
        assert_eq!(first(RunStatus::Succeeded).as_deref(), Some(ONE));
    }
}
