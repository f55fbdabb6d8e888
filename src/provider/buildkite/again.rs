//! What a build's verbs ask for beside it: all of it again or one job, and a new build of the same pipeline.

use serde_json::{Value, json};

use crate::{
    domain::{
        form::{Field, Kind},
        object::{Family, ObjectId},
        pipeline::Run,
        text::clean,
    },
    port::{
        fill::{Answered, Fill, Give, Slot, Supply, is_part},
        plan::{Ask, Blocked, Condition, Draft, Expect, Expectation, Facts, WireCall, fact},
        step::{Step, Watch},
    },
    provider::buildkite::{
        address::Address,
        draft::{ANSWERED, MADE, call},
        fact as own,
        request::{build_path, builds_of},
    },
};

/// What of it runs again.
const JOBS: &str = "jobs";
const ALL: &str = "all";
const ONE: &str = "one";
/// Which job, where it is one: its id.
pub(super) const JOB: &str = "job";
/// Of a new build.
const BRANCH: &str = "branch";
const COMMIT: &str = "commit";
const MESSAGE: &str = "message";

/// What building it again asks for.
pub(super) fn rerunning() -> Vec<Field> {
    let options = [ALL, ONE].map(str::to_owned).to_vec();
    let job = Field::new(JOB, "job", Kind::Text).hint("its id, where it is one: that of the job chosen on screen");
    vec![Field::new(JOBS, "jobs", Kind::Choice(options)).required().default(ALL), job]
}

/// What a new build of its pipeline asks for.
pub(super) fn dispatching(branch: Option<&str>) -> Vec<Field> {
    let named = Field::new(BRANCH, "branch", Kind::Text).required();
    let named = match branch.filter(|branch| !branch.trim().is_empty()) {
        Some(branch) => named.default(clean(branch)),
        None => named,
    };
    let commit = Field::new(COMMIT, "commit", Kind::Text).required().default("HEAD");
    vec![named, commit, Field::new(MESSAGE, "message", Kind::Text).hint("what people will call it")]
}

/// The job that is tried again by itself; `None` where all of the build is.
///
/// # Errors
/// Why what was said is no job, as a sentence.
pub(super) fn job(ask: &Ask) -> Result<Option<&str>, Blocked> {
    if ask.args.text(JOBS) != Some(ONE) {
        return Ok(None);
    }
    match ask.args.text(JOB).unwrap_or_default().trim() {
        "" => Err(Blocked("say which job: its id, or choose it in the build's tree".to_owned())),
        job if is_part(job) => Ok(Some(job)),
        odd => Err(Blocked(format!("'{}' is no id of a job", clean(odd)))),
    }
}

/// The draft for one job of a build that has ended. Buildkite tries it as another job of the same build.
pub(super) fn retry(run: &Run, (at, job): (&Address, &str), mut bound: Facts, base: &str) -> Draft {
    bound.insert(fact::STATUS.to_owned(), run.status.to_string());
    let name = format!("{} #{}", run.pipeline, run.number);
    let path = format!("{}/jobs/{{{JOB}}}/retry", build_path(at));
    let plain = call(("PUT", base), format!("retry job {job} of {name}"), path, "");
    let call = WireCall {
        fills: vec![Fill { from: Supply::Said(job.to_owned()), into: Slot::Path(JOB.to_owned()) }],
        command: plain.command.replace(&format!("{{{JOB}}}"), job),
        ..plain
    };
    let expect = Expectation {
        all: vec![Expect::is_not(fact::STATUS, run.status)],
        words: Some("the build goes on".to_owned()),
        within: ANSWERED,
        ..Expectation::default()
    };
    let effect = format!("job {job} of {name} is tried again, and what is behind it goes on");
    Draft {
        to: Some(run.version.clone()),
        undo: "cancel the build".to_owned(),
        notes: vec![
            "it is another job with an id of its own; only one that failed or was stopped can be tried again"
                .to_owned(),
        ],
        ..Draft::of(&run.id, call, effect, bound, expect)
    }
}

/// The draft for a new build, which the answer names: that one is watched.
pub(super) fn dispatch(run: &Run, at: &Address, ask: &Ask, base: &str) -> Draft {
    let said = |name: &str| ask.args.text(name).unwrap_or_default().trim().to_owned();
    let (branch, commit, message) = (said(BRANCH), said(COMMIT), said(MESSAGE));
    let mut body = json!({ BRANCH: branch, COMMIT: commit });
    if let (Some(body), false) = (body.as_object_mut(), message.is_empty()) {
        body.insert(MESSAGE.to_owned(), Value::from(message));
    }
    let path = builds_of(&at.organization, &at.pipeline);
    let plain = call(("POST", base), format!("build {} at {branch}", run.pipeline), path, &body.to_string());
    let call =
        WireCall { gives: vec![Give { name: MADE.to_owned(), from: Answered::Json("/number".to_owned()) }], ..plain };
    let made = format!("{}/{}/{{{MADE}}}", at.organization, at.pipeline);
    let step = Step::new(&run.id, call).watching(Watch::Made(ObjectId::new(&run.id.source, Family::run(), made)));
    let another = Condition::IsNot(at.build.to_string());
    let expect = Expectation {
        all: vec![Expect { fact: own::BUILD.to_owned(), condition: another }],
        words: Some("a new build is there".to_owned()),
        within: ANSWERED,
        ..Expectation::default()
    };
    let bound = Facts::from([(own::BUILD.to_owned(), run.number.to_string())]);
    let effect = format!("a new build of {} begins at {branch}, {commit}", run.pipeline);
    let plain = Draft::of(&run.id, WireCall::default(), effect, bound, expect);
    let notes = vec!["its block steps wait to be unblocked".to_owned()];
    Draft { steps: vec![step], undo: "cancel the new build".to_owned(), notes, ..plain }
}
