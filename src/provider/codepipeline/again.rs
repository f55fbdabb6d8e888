//! What ends an execution or begins one, and what these verbs ask for: stop it, waiting for what runs or not; try a stage again; start the
//! pipeline with its variables; put back in a stage what succeeded there before.

use std::time::Duration;

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::{
    domain::{
        form::{Field, Kind, TO},
        object::ObjectId,
        offer::{Offer, Risk},
        pipeline::{Run, RunStatus},
        text::{clean, hex},
        verb::Verb,
        version::Version,
    },
    port::{
        fill::{Answered, Give},
        plan::{Ask, Blocked, Draft, Expect, Expectation, Facts, WireCall, fact},
        shape::Shape,
        step::{Step, Watch},
    },
    provider::codepipeline::{
        address::Address,
        api::{Execution, StageState, State},
        draft::{Ground, JSON, POST, call, ended},
        fact as own, gate,
        hold::STAGE,
        memory::Memory,
        normalize::{number, retries, version_of},
        request::operation,
        watched::{Watched, may},
    },
};

const STOP: &str = "StopPipelineExecution";
const RETRY: &str = "RetryStageExecution";
const START: &str = "StartPipelineExecution";
const BACK: &str = "RollbackStage";
/// How an execution is stopped.
const HOW: &str = "how";
const WAIT: &str = "wait";
const ABANDON: &str = "abandon";
/// What of a stage is tried again.
const ACTIONS: &str = "actions";
const FAILED: &str = "failed";
const ALL: &str = "all";
/// What stands before the name of a variable, so that none is taken for something else.
const VARIABLE: &str = "var.";
/// Under which name the answer gives the execution that was made.
const MADE: &str = "execution";
/// The longest reason to stop.
const LONGEST: usize = 200;
/// How long what runs may take to end where it is waited for; to be given up; to be tried again; to show.
const WAITED: Duration = Duration::from_mins(30);
const ABANDONED: Duration = Duration::from_mins(2);
const SHOWN: Duration = Duration::from_mins(2);
/// How long a roll back of a stage may take.
const ROLLED_BACK: Duration = Duration::from_mins(30);
/// As many versions are named that went well.
const NAMED: usize = 6;

/// What ends or begins something that is offered on an execution.
pub(super) fn offers(watched: &Watched<'_>, memory: &Memory, execution: &Execution) -> Vec<Offer> {
    let risk = watched.risk();
    let id = execution.id();
    let open = |verb, right: &str, form| Offer { unsure: Some(may(right)), ..Offer::open(verb, risk) }.asking(form);
    let cancel = match execution.status.as_deref() {
        Some("InProgress") => open(Verb::Cancel, STOP, stopping(WAIT)),
        // It is being stopped, and waits: only giving up what runs goes further.
        Some("Stopping") => open(Verb::Cancel, STOP, stopping(ABANDON)),
        _ => Offer::blocked(Verb::Cancel, risk, "the execution has ended"),
    };
    let failed: Vec<String> = retryable(&memory.state, id).map(|stage| stage.stage_name.clone()).collect();
    let rerun = match (failed.first(), execution.is_live()) {
        (Some(first), _) => {
            let stage = Field::new(STAGE, "stage", Kind::Choice(failed.clone())).required().default(first);
            let actions = [FAILED, ALL].map(str::to_owned).to_vec();
            let actions = Field::new(ACTIONS, "actions", Kind::Choice(actions)).required().default(FAILED);
            open(Verb::Rerun, RETRY, vec![stage, actions])
        }
        (None, true) => {
            Offer::blocked(Verb::Rerun, risk, "the execution has not ended, and none of its stages has failed")
        }
        (None, false) => {
            let why = "CodePipeline tries again only a stage that failed and that nothing newer has entered: start the pipeline (dispatch)";
            Offer::blocked(Verb::Rerun, risk, why)
        }
    };
    vec![cancel, rerun, open(Verb::Dispatch, START, variables(watched)), back_offer(watched, memory, id, risk)]
}

fn stopping(first: &str) -> Vec<Field> {
    let options = if first == ABANDON { vec![ABANDON.to_owned()] } else { [WAIT, ABANDON].map(str::to_owned).to_vec() };
    let hint = "abandon gives up what runs where it is: a deployment goes on by itself, unwatched";
    vec![Field::new(HOW, "how", Kind::Choice(options)).required().default(first).hint(hint)]
}

/// The stages of an execution that can be tried again: failed, with nothing newer in them.
fn retryable<'a>(state: &'a State, execution: &str) -> impl Iterator<Item = &'a StageState> {
    let execution = execution.to_owned();
    state
        .stage_states
        .iter()
        .filter(move |stage| stage.has(&execution) && matches!(stage.status(), "Failed" | "Stopped"))
}

/// What starting the pipeline asks for.
fn variables(watched: &Watched<'_>) -> Vec<Field> {
    let all = watched.definition.map(|definition| definition.variables.as_slice()).unwrap_or_default();
    let field = |variable: &crate::provider::codepipeline::api::Variable| {
        let field = Field::new(format!("{VARIABLE}{}", variable.name), clean(&variable.name), Kind::Text);
        let field = match &variable.default_value {
            Some(default) => field.default(clean(default)),
            None => field.required(),
        };
        match &variable.description {
            Some(words) => field.hint(clean(words)),
            None => field,
        }
    };
    all.iter().map(field).collect()
}

/// The stages that an execution was the last in, and what succeeded there before it.
fn backs<'a>(
    watched: &Watched<'a>,
    memory: &'a Memory,
    execution: &str,
) -> Vec<(&'a str, Result<Vec<&'a Execution>, &'a str>)> {
    let stages = watched.deploying().into_iter().filter(|name| {
        let state = memory.state.stage_states.iter().find(|one| one.stage_name == *name);
        state.is_some_and(|state| state.has(execution) && !matches!(state.status(), "InProgress" | "Stopping"))
    });
    let earlier = |stage: &'a str| match memory.earlier.get(stage).map(|(_, earlier)| earlier) {
        // It goes back to neither itself nor to a roll back, and to what it had already by a roll back not either.
        Some(Ok(all)) => {
            let own = memory.execution(execution).map(|own| version_of(watched, own));
            let fits = |one: &&Execution| {
                let same = own.as_ref().is_some_and(|own| own.is_same(&version_of(watched, one)));
                one.id() != execution && !one.is_rollback() && !same
            };
            Ok(all.iter().filter(fits).collect())
        }
        Some(Err(why)) => Err(why.as_str()),
        None => Ok(Vec::new()),
    };
    stages.map(|stage| (stage, earlier(stage))).collect()
}

fn back_offer(watched: &Watched<'_>, memory: &Memory, id: &str, risk: Risk) -> Offer {
    let all = backs(watched, memory, id);
    if all.is_empty() {
        return Offer::blocked(Verb::Rollback, risk, not_there(watched, memory));
    }
    if let Some(why) = all.iter().find_map(|(_, earlier)| earlier.as_ref().err()) {
        return Offer::blocked(Verb::Rollback, risk, format!("what succeeded there before is not known: {why}"));
    }
    let stages: Vec<&(&str, Result<Vec<&Execution>, &str>)> =
        all.iter().filter(|(_, earlier)| earlier.as_ref().is_ok_and(|earlier| !earlier.is_empty())).collect();
    let Some((last, Ok(earlier))) = stages.last() else {
        let why = "nothing else succeeded there since the pipeline was changed, or since February 2024: CodePipeline goes back to nothing \
                   older";
        return Offer::blocked(Verb::Rollback, risk, why);
    };
    let of_stages: Vec<String> = stages.iter().map(|(stage, _)| (*stage).to_owned()).collect();
    let mut form = Vec::new();
    if of_stages.len() > 1 {
        form.push(Field::new(STAGE, "stage", Kind::Choice(of_stages)).required().default(*last));
    }
    let named = earlier
        .iter()
        .take(NAMED)
        .filter_map(|one| Some(format!("#{} {}", number(one.start_time?), version_of(watched, one))));
    let hint = format!("succeeded in {last} before: {}", named.collect::<Vec<_>>().join(", "));
    let field = Field::new(TO, "version", Kind::Text).hint(hint);
    // What was itself put back has nothing that is meant by "before": whoever goes on from there says where to.
    let put_back = memory.execution(id).is_some_and(Execution::is_rollback);
    form.push(if put_back { field.required() } else { field });
    Offer { unsure: Some(may(BACK)), ..Offer::open(Verb::Rollback, risk) }.asking(form)
}

/// Why an execution is in no stage that could be taken back. An approval that waits in one keeps it running, and is the way on.
fn not_there(watched: &Watched<'_>, memory: &Memory) -> String {
    let deploying = watched.deploying();
    let states = memory.state.stage_states.iter().filter(|state| deploying.contains(&state.stage_name.as_str()));
    let mut waits = states.filter_map(|state| {
        let action = state.action_states.iter().find(|action| gate::waits(watched, state, action))?;
        Some((clean(&action.action_name), clean(&state.stage_name)))
    });
    match waits.next_back() {
        Some((approval, stage)) => format!(
            "CodePipeline takes no stage back that runs, and the approval {approval} waits in {stage}: reject it first, then roll back"
        ),
        None => "it is not what is in any stage that deploys, or that stage still runs: there is nothing to take back"
            .to_owned(),
    }
}

/// Everything that a verb can send for an execution; a roll back, for a stage of it.
pub(super) fn shapes(at: &Address, verb: Verb) -> Vec<Shape> {
    let name = ("/pipelineName", at.pipeline.clone());
    let execution = ("/pipelineExecutionId", at.execution.clone());
    let shape = |operation_name: &str, writes, holds| {
        vec![Shape {
            method: POST,
            path: operation(operation_name),
            content_type: JSON,
            writes,
            holds,
            ..Shape::default()
        }]
    };
    match verb {
        Verb::Cancel => {
            shape(STOP, &["/pipelineName", "/pipelineExecutionId", "/abandon", "/reason"], vec![name, execution])
        }
        Verb::Rerun => {
            shape(RETRY, &["/pipelineName", "/stageName", "/pipelineExecutionId", "/retryMode"], vec![name, execution])
        }
        Verb::Rollback => {
            let stage = at.stage.clone().map(|stage| ("/stageName", stage));
            let holds = std::iter::once(name).chain(stage).collect();
            shape(BACK, &["/pipelineName", "/stageName", "/targetPipelineExecutionId"], holds)
        }
        Verb::Dispatch => {
            shape(START, &["/name", "/variables", "/clientRequestToken"], vec![("/name", at.pipeline.clone())])
        }
        _ => Vec::new(),
    }
}

/// An execution that something is drafted for.
pub(super) struct About<'a> {
    pub(super) run: &'a Run,
    pub(super) at: &'a Address,
    /// `payments #260310101205`
    pub(super) name: String,
    pub(super) ground: Ground<'a>,
}

impl About<'_> {
    fn bound(&self) -> Facts {
        Facts::from([(own::EXECUTION.to_owned(), self.at.execution.clone())])
    }

    /// Bound to no state but that it has not ended: it may go from one to the next meanwhile, and is stopped all the same.
    pub(super) fn stop(&self, ask: &Ask) -> Result<Draft, Blocked> {
        let abandons = match ask.args.text(HOW) {
            Some(ABANDON) => true,
            Some(WAIT) | None => false,
            Some(odd) => return Err(Blocked(format!("'{}' is no way to stop it: {WAIT} or {ABANDON}", clean(odd)))),
        };
        let (pipeline, execution) = (&self.at.pipeline, &self.at.execution);
        let mut body = json!({"pipelineName": pipeline, "pipelineExecutionId": execution, "abandon": abandons});
        if let (Some(fields), Some(reason)) = (body.as_object_mut(), ask.comment()) {
            fields.insert("reason".to_owned(), reason.chars().take(LONGEST).collect::<String>().into());
        }
        let how = if abandons { "stop and abandon" } else { "stop" };
        let call = call(self.ground, format!("{how} {}", self.name), STOP, &body.to_string());
        let mut bound = self.bound();
        bound.insert(own::ENDED.to_owned(), false.to_string());
        let within = if abandons { ABANDONED } else { WAITED };
        let expect = Expectation {
            all: vec![Expect::is(fact::STATUS, RunStatus::Cancelled)],
            fails_if: ended(RunStatus::Cancelled),
            within,
            ..Expectation::default()
        };
        let (effect, note) = if abandons {
            (
                "ends now: what runs in it is given up where it is",
                "a deployment that was begun goes on by itself, and nobody watches it: look at its own system",
            )
        } else {
            (
                "ends once what runs in it has ended, and begins nothing more",
                "where that takes too long, cancel it again with how = abandon",
            )
        };
        let effect = format!("{} {effect}; what it has deployed stays", self.name);
        Ok(Draft {
            from: Some(self.run.version.clone()),
            undo: "rerun the stage that was stopped, or start the pipeline".to_owned(),
            notes: vec![note.to_owned()],
            ..Draft::of(&self.run.id, call, effect, bound, expect)
        })
    }

    /// Tries a stage of it again, in the same execution.
    pub(super) fn retry(&self, ask: &Ask) -> Result<Draft, Blocked> {
        let now = &self.ground.memory.state;
        let named = ask.args.text(STAGE);
        let stage =
            retryable(now, &self.at.execution).find(|stage| named.is_none_or(|named| named == stage.stage_name));
        let stage = stage.ok_or_else(|| Blocked("no stage of it can be tried again now".to_owned()))?;
        let all = ask.args.text(ACTIONS) == Some(ALL);
        let (mode, what) = if all { ("ALL_ACTIONS", "all actions") } else { ("FAILED_ACTIONS", "the failed actions") };
        let name = &stage.stage_name;
        let body = json!({
            "pipelineName": self.at.pipeline, "stageName": name, "pipelineExecutionId": self.at.execution, "retryMode": mode,
        });
        let call = call(self.ground, format!("try {what} of {name} in {} again", self.name), RETRY, &body.to_string());
        let before = retries(stage);
        let mut bound = self.bound();
        bound.insert(own::retries(name), before.to_string());
        bound.insert(own::at(name), self.at.execution.clone());
        let expect = Expectation {
            all: vec![Expect::is_not(&own::retries(name), before)],
            words: Some(format!("{name} is tried again")),
            within: SHOWN,
            ..Expectation::default()
        };
        let effect = format!("{what} of {name} run again with the same revision, and {} goes on from there", self.name);
        let note = if all {
            "approvals in the stage are asked for anew"
        } else {
            "what succeeded in the stage stays as it is"
        };
        Ok(Draft {
            to: Some(self.run.version.clone()),
            undo: "cancel the execution".to_owned(),
            notes: vec![note.to_owned()],
            ..Draft::of(&self.run.id, call, effect, bound, expect)
        })
    }

    /// What the answer names is watched.
    fn made(&self, plain: WireCall) -> Step {
        let gives = vec![Give { name: MADE.to_owned(), from: Answered::Json("/pipelineExecutionId".to_owned()) }];
        let made = Address::run_id(&self.run.id.source, &self.at.pipeline, &format!("{{{MADE}}}"));
        let made = ObjectId { path: made.path, ..self.run.id.clone() };
        Step::new(&self.run.id, WireCall { gives, ..plain }).watching(Watch::Made(made))
    }

    /// Starts the pipeline, with the newest revisions of its sources.
    pub(super) fn start(&self, ask: &Ask) -> Draft {
        let value = |arg: &crate::domain::form::Arg| {
            let name = arg.name.strip_prefix(VARIABLE)?;
            let text = ask.args.text(&arg.name).filter(|text| !text.is_empty())?;
            Some(json!({"name": name, "value": text}))
        };
        let variables: Vec<Value> = ask.args.iter().filter_map(value).collect();
        let moment = ask.takes_over.as_ref().and_then(|takeover| takeover.moment).unwrap_or(self.ground.now);
        // The same for the same act, however often it is sent: CodePipeline starts nothing for one that it has seen.
        let told = format!("{} {} {}", self.at.pipeline, moment.timestamp_millis(), json!(variables));
        let hash = digest(&SHA256, told.as_bytes());
        let token = hex(hash.as_ref().get(..16).unwrap_or_default());
        let mut body = json!({"name": self.at.pipeline, "clientRequestToken": format!("holdshort-{token}")});
        if let (Some(fields), false) = (body.as_object_mut(), variables.is_empty()) {
            fields.insert("variables".to_owned(), variables.into());
        }
        let pipeline = &self.run.pipeline;
        let step = self.made(call(self.ground, format!("start {pipeline}"), START, &body.to_string()));
        let expect = Expectation {
            all: vec![Expect::is_not(own::EXECUTION, &self.at.execution)],
            words: Some("a new execution is there".to_owned()),
            within: SHOWN,
            ..Expectation::default()
        };
        let effect = format!("a new execution of {pipeline} begins with the newest revisions of its sources");
        let plain = Draft::of(&self.run.id, WireCall::default(), effect, self.bound(), expect);
        Draft {
            steps: vec![step],
            undo: "cancel the new execution".to_owned(),
            notes: vec!["its approvals wait to be answered again, and holds before its stages hold it".to_owned()],
            moment: Some(moment),
            ..plain
        }
    }

    /// Puts back in a stage what succeeded there before: an execution of its own, of that stage alone.
    pub(super) fn back(&self, ask: &Ask) -> Result<Draft, Blocked> {
        let (watched, memory) = (&self.ground.watched, self.ground.memory);
        let (stage, earlier) = self.place(ask)?;
        let called = |one: &&&Execution| ask.to().is_none_or(|name| is_called(watched, one, name));
        let to = earlier.iter().find(called).ok_or_else(|| {
            let known = earlier.iter().map(|one| version_of(watched, one).to_string()).collect::<Vec<_>>().join(", ");
            Blocked(match ask.to() {
                Some(name) => {
                    format!("no '{}' succeeded in {stage} that can be gone back to: there are {known}", clean(name))
                }
                None => format!("nothing succeeded in {stage} that can be gone back to"),
            })
        })?;
        let version = version_of(watched, to);
        let body = json!({"pipelineName": self.at.pipeline, "stageName": stage, "targetPipelineExecutionId": to.id()});
        let from = to.start_time.map(|at| format!(" (#{})", number(at))).unwrap_or_default();
        let words = format!("roll {stage} of {} back to {version}{from}", self.run.pipeline);
        // Of the stage, so that nobody takes another way back that landed meanwhile for this one.
        let place = Address::gate_id(&self.run.id, stage, None);
        let bound = Facts::from([(own::at(stage), self.at.execution.clone())]);
        let step = Step { target: place, bound, ..self.made(call(self.ground, words, BACK, &body.to_string())) };
        let expect = Expectation {
            all: vec![
                Expect::is(fact::STATUS, RunStatus::Succeeded),
                Expect::is_not(own::EXECUTION, &self.at.execution),
            ],
            fails_if: ended(RunStatus::Succeeded),
            frees: None,
            rests: vec![
                Expect::is(fact::STATUS, RunStatus::Waiting),
                Expect::is_not(own::EXECUTION, &self.at.execution),
            ],
            words: Some(format!("{version} has succeeded in {stage} again")),
            within: ROLLED_BACK,
            progress: Some((fact::STATUS.to_owned(), String::new())),
        };
        let unsaid = memory.execution(&self.at.execution).is_some_and(Execution::is_rollback) && ask.to().is_none();
        let effect = if unsaid {
            format!("{stage} holds what was itself put back: say which version it goes to")
        } else {
            format!("{stage} goes back to {version}: its actions run again with the artifacts and variables of then")
        };
        let plain = Draft::of(&self.run.id, WireCall::default(), effect, self.bound(), expect);
        let only = memory.state.stage_states.iter().skip_while(|one| one.stage_name != stage).nth(1);
        let later = only.map(|_| format!("only {stage} goes back: what is in the stages behind it stays"));
        Ok(Draft {
            from: Some(self.run.version.clone()),
            to: Some(version),
            steps: vec![step],
            undo: format!("start the pipeline, or rerun {stage}: {} comes again", self.run.version),
            notes: [
                Some("where the artifacts of then are gone from their bucket, it fails and changes nothing".to_owned()),
                Some("an approval in the stage is asked for again".to_owned()),
                later,
            ]
            .into_iter()
            .flatten()
            .collect(),
            ..plain
        })
    }

    /// The stage that goes back, and what it can go back to.
    fn place(&self, ask: &Ask) -> Result<(&str, Vec<&Execution>), Blocked> {
        let all = backs(&self.ground.watched, self.ground.memory, &self.at.execution);
        let mut known = all
            .into_iter()
            .filter_map(|(stage, earlier)| Some((stage, earlier.ok()?)))
            .filter(|(_, all)| !all.is_empty());
        let named = ask.args.text(STAGE);
        let found = known.rfind(|(stage, _)| named.is_none_or(|named| named == *stage));
        found.ok_or_else(|| Blocked("it is what is in no stage that can go back".to_owned()))
    }
}

/// Is an execution what somebody named: its version, its number or its id?
fn is_called(watched: &Watched<'_>, execution: &Execution, name: &str) -> bool {
    let name = name.trim().trim_start_matches('#');
    let numbered = execution.start_time.is_some_and(|at| number(at).to_string() == name);
    let by_id = name.len() >= 8 && execution.id().starts_with(name);
    let version: Version = version_of(watched, execution);
    numbered || by_id || version.is_called(name)
}
