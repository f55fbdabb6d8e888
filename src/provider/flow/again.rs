//! What a run's verbs ask for, and what each sends: stop it, run a job again or leave one out, the same of a machine of a deployment,
//! start a job by hand, stop a deployment, begin a new run.

use serde_json::{Map, Value, json};

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
        step::{Step, Watch},
    },
    provider::flow::{
        address::Address,
        api::{self, Does, may},
        back::{self, Way},
        call::{self, Act},
        draft::{ANSWERED, STOPPED, UNDO_STOP, after_a_stop, order_stops, stopped},
        fact as own,
        normalize::{job_state, state},
        request::Door,
        tree::{Place, called},
    },
};

/// The field in which a job is named. In paths, what stands for what fills them.
const JOB: &str = "job";
pub(super) const THE_JOB: &str = "{job}";
pub(super) const THE_RUN: &str = "{run}";
pub(super) const THE_ORDER: &str = "{order}";
pub(super) const THE_MACHINE: &str = "{machine}";
/// Of a new run.
const BRANCH: &str = "branch";
const VARIABLES: &str = "variables";
const COMMENT: &str = "comment";
/// Under which name an answer gives the id of the run that was made.
const MADE: &str = "made";
/// Why a run is not stopped where nothing of it runs.
pub(super) const NOTHING_RUNS: &str =
    "nothing of it runs: with a token Flow stops jobs and no whole run; refuse what it waits for, or leave it";

/// A live deploy order of a run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Deploying {
    pub(super) order: api::Order,
    /// What its job is called.
    pub(super) job: String,
}

/// A run that something is drafted for.
pub(super) struct About<'a> {
    pub(super) run: &'a Run,
    pub(super) at: &'a Address,
    /// What is in it, where that was read.
    pub(super) wire: Option<&'a api::Run>,
    pub(super) orders: &'a [Deploying],
    pub(super) door: &'a Door,
    /// `checkout-prod #41`.
    pub(super) name: String,
    /// What every draft is bound to.
    pub(super) bound: Facts,
    pub(super) base: &'a str,
}

/// The field in which a job or a machine is named.
pub(super) fn naming() -> Vec<Field> {
    let hint = "its id, or that of a machine: as it is chosen on screen";
    vec![Field::new(JOB, "job", Kind::Text).required().hint(hint)]
}

/// What running again asks for: the only job that failed stands there at first.
pub(super) fn rerunning(failed: Option<u64>) -> Vec<Field> {
    let mut all = naming();
    if let (Some(field), Some(id)) = (all.first_mut(), failed) {
        field.default = Some(id.to_string());
    }
    all
}

/// What a new run asks for.
pub(super) fn dispatching(branch: Option<&str>) -> Vec<Field> {
    let named = Field::new(BRANCH, "branch or tag", Kind::Text).hint("without it, as the pipeline is set up");
    let named = match branch.map(clean).filter(|branch| !branch.is_empty()) {
        Some(branch) => named.default(branch),
        None => named,
    };
    let variables = Field::new(VARIABLES, "variables", Kind::Text).hint("NAME=VALUE, NAME=VALUE");
    vec![named, variables, Field::new(COMMENT, "comment", Kind::Text).hint("Flow shows it beside the run")]
}

/// Can this job run once more? One that failed, and one that has deployed.
pub(super) fn can_run_again(job: &api::Job) -> bool {
    match job_state(job) {
        RunStatus::Failed | RunStatus::Cancelled => true,
        RunStatus::Succeeded => may(&job.actions, Does::Rerun) == Some(true) || job.order().is_some(),
        _ => false,
    }
}

/// The job that failed, where there is one only.
pub(super) fn one_that_failed(run: &api::Run) -> Option<&api::Job> {
    let mut failed = run.jobs().map(|(_, job)| job).filter(|job| job_state(job) == RunStatus::Failed);
    failed.next().filter(|_| failed.next().is_none())
}

/// The draft for a run; `ways` are the ways back from it.
pub(super) fn run(about: &About<'_>, ask: &Ask, ways: &[Way]) -> Result<Draft, Blocked> {
    open_for(&about.run.offers, ask.verb, "a run of Flow").map_err(Blocked)?;
    match ask.verb {
        Verb::Cancel if about.door.is_older() => Ok(about.cancel_whole()),
        Verb::Cancel => Ok(about.cancel_jobs()),
        Verb::Dispatch => about.dispatch(ask),
        Verb::Rollback => back::draft(about, ask, ways),
        Verb::Stop => about.stop_order(),
        verb => match named(ask)? {
            Place::Machine(order, sn) => about.machine(verb, order, &sn),
            Place::Job(job) | Place::Step(job, ..) => about.job(verb, job),
        },
    }
}

/// What was named.
fn named(ask: &Ask) -> Result<Place, Blocked> {
    let said = ask.args.text(JOB).unwrap_or_default().trim();
    if said.is_empty() {
        return Err(Blocked("say which job: its id, or choose it in the run's tree".to_owned()));
    }
    let odd = || Blocked(format!("'{}' is the id of no job and of no machine", clean(said)));
    Place::parse(said).ok_or_else(odd)
}

/// A call with what stands for its parts filled in when it is sent.
fn filled(call: WireCall, parts: &[(&str, &str)]) -> WireCall {
    let command =
        parts.iter().fold(call.command.clone(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value));
    let fill = |(name, value): &(&str, &str)| Fill {
        from: Supply::Said((*value).to_owned()),
        into: Slot::Path((*name).to_owned()),
    };
    WireCall { fills: parts.iter().map(fill).collect(), command, ..call }
}

impl About<'_> {
    fn number(&self) -> u64 {
        self.run.number
    }

    fn on_job(&self, act: Act, words: String, job: u64) -> WireCall {
        let path = self.door.on_job(act, (&self.at.pipeline.to_string(), &self.number().to_string()), THE_JOB);
        filled(self.door.call(act, words, path, self.base), &[("job", &job.to_string())])
    }

    fn job_id(&self, job: u64) -> ObjectId {
        Address::job_id(&self.run.id.source, self.at.pipeline, self.number(), job)
    }

    /// The job of this id, and what it is called.
    fn known(&self, job: u64) -> (Option<&api::Job>, String) {
        let found = self.wire.and_then(|wire| wire.job(job)).map(|(_, job)| job);
        let name = found.map_or_else(|| format!("job {job}"), called);
        (found, format!("{name} of {}", self.name))
    }

    /// The older API stops a whole run.
    fn cancel_whole(&self) -> Draft {
        let path = self.door.on_run(call::STOP_RUN, self.at.pipeline, self.number());
        let call = self.door.call(call::STOP_RUN, format!("cancel {}", self.name), path, self.base);
        self.stops(vec![Step::new(&self.run.id, call)], Vec::new())
    }

    /// With a token each job that runs is stopped by itself.
    fn cancel_jobs(&self) -> Draft {
        let running = self.wire.into_iter().flat_map(api::Run::jobs).map(|(_, job)| job);
        let running = running.filter(|job| job_state(job) == RunStatus::Running);
        let step = |job: &api::Job| {
            let id = job.id?;
            let call = self.on_job(call::STOP_JOB, format!("stop {} of {}", called(job), self.name), id);
            // What has ended meanwhile is not asked to stop.
            Some(Step::new(&self.job_id(id), call).when(vec![Expect::is(own::JOB_IS, RunStatus::Running)]))
        };
        let notes = vec!["with a token Flow stops jobs and no whole run: each that runs is stopped".to_owned()];
        self.stops(running.filter_map(step).collect(), notes)
    }

    /// Bound to no state: it may go from one to the next meanwhile, and is stopped all the same.
    fn stops(&self, steps: Vec<Step>, notes: Vec<String>) -> Draft {
        let expect = Expectation {
            all: vec![Expect::is(own::STOPPED, true)],
            fails_if: [RunStatus::Succeeded, RunStatus::Skipped].map(|state| Expect::is(fact::STATUS, state)).to_vec(),
            words: Some("the run has stopped".to_owned()),
            within: STOPPED,
            ..Expectation::default()
        };
        let effect = format!("{} stops; what it has deployed stays", self.name);
        let plain = Draft::of(&self.run.id, WireCall::default(), effect, self.bound.clone(), expect);
        Draft { from: Some(self.run.version.clone()), steps, undo: "begin a new run".to_owned(), notes, ..plain }
    }

    /// A verb on one job.
    fn job(&self, verb: Verb, job: u64) -> Result<Draft, Blocked> {
        let (found, name) = self.known(job);
        let lost = found
            .is_none()
            .then(|| format!("{} had no job {job} when it was read last: nothing is sent then", self.name));
        let succeeded = found.is_some_and(|job| job_state(job) == RunStatus::Succeeded);
        let (act, does, effect) = match verb {
            Verb::Play => (call::START, "start", format!("{name} starts now")),
            Verb::Skip => (call::SKIP_JOB, "skip", format!("{name} is left out, and what is behind it goes on")),
            _ if succeeded => (call::RERUN_JOB, "run again", format!("{name} deploys again what its run built then")),
            _ => (call::RETRY_JOB, "try again", format!("{name} is tried again, and what is behind it goes on")),
        };
        if !self.door.has(act) {
            return Err(Blocked(format!("the older API of Flow cannot {does} a job: use a token")));
        }
        let began = found.and_then(|job| job.start_time).map_or(0, |at| at.timestamp_millis());
        let now = found.map_or(RunStatus::Unknown, job_state);
        let bound = Facts::from([
            (own::JOB.to_owned(), job.to_string()),
            (own::JOB_IS.to_owned(), now.to_string()),
            (own::JOB_BEGAN.to_owned(), began.to_string()),
        ]);
        let all = match verb {
            Verb::Skip => vec![Expect::is(own::JOB_IS, RunStatus::Skipped)],
            Verb::Play => vec![Expect::is(own::BEGUN, true)],
            _ => vec![Expect::is_not(own::JOB_BEGAN, began)],
        };
        let expect = Expectation { all, within: ANSWERED, ..Expectation::default() };
        let call = self.on_job(act, format!("{does} {name}"), job);
        let step = Step { bound, ..Step::new(&self.job_id(job), call) };
        let plain = Draft::of(&self.run.id, WireCall::default(), effect, self.bound.clone(), expect);
        let undo = if verb == Verb::Skip {
            "a job that was left out is not brought back: begin a new run"
        } else {
            "cancel the run"
        };
        let (to, notes) = (Some(self.run.version.clone()), lost.into_iter().collect());
        Ok(Draft { to, steps: vec![step], undo: undo.to_owned(), notes, ..plain })
    }

    /// A verb on one machine of a deployment.
    fn machine(&self, verb: Verb, order: u64, sn: &str) -> Result<Draft, Blocked> {
        let deploying = self.orders.iter().find(|one| one.order.deploy_order_id == Some(order));
        let deploying =
            deploying.ok_or_else(|| Blocked(format!("{} has no deployment {order} under way", self.name)))?;
        let title = format!("{} of {}", deploying.job, self.name);
        let id = Address::order_id(&self.run.id.source, self.at.pipeline, self.number(), order);
        let (act, does) = of_machine(verb)?;
        let path = self.door.on_order(act, self.at.pipeline, THE_ORDER, Some(THE_MACHINE));
        let words = format!("{does} machine {sn} of {title}");
        let call =
            filled(self.door.call(act, words, path, self.base), &[("order", &order.to_string()), ("machine", sn)]);
        let (bound, expect, effect) = machine_expects(&deploying.order, verb, sn)?;
        let step = Step { bound, ..Step::new(&id, call) };
        let plain = Draft::of(&self.run.id, WireCall::default(), effect, self.bound.clone(), expect);
        let (to, undo) = (Some(self.run.version.clone()), "stop the deployment, and roll back".to_owned());
        Ok(Draft { to, steps: vec![step], undo, ..plain })
    }

    /// A deployment that goes on with nothing.
    fn stop_order(&self) -> Result<Draft, Blocked> {
        let deploying = self.orders.first().ok_or_else(|| Blocked(format!("{} deploys to no hosts now", self.name)))?;
        let order = deploying.order.deploy_order_id.unwrap_or_default();
        let title = format!("{} of {}", deploying.job, self.name);
        let id = Address::order_id(&self.run.id.source, self.at.pipeline, self.number(), order);
        let path = self.door.on_order(call::STOP_ORDER, self.at.pipeline, THE_ORDER, None);
        let plain = self.door.call(call::STOP_ORDER, format!("stop {title}"), path, self.base);
        // What is over already is not asked to stop.
        let moves = [RunStatus::Cancelled, RunStatus::Succeeded].map(|state| Expect::is_not(own::ORDER_IS, state));
        let step = Step::new(&id, filled(plain, &[("order", &order.to_string())])).when(moves.to_vec());
        let bound = Facts::from([(own::ORDER.to_owned(), order.to_string())]);
        let draft = Draft::of(&self.run.id, WireCall::default(), stopped(&title), self.bound.clone(), order_stops());
        Ok(Draft {
            from: Some(self.run.version.clone()),
            steps: vec![Step { bound, ..step }],
            undo: UNDO_STOP.to_owned(),
            notes: after_a_stop(),
            ..draft
        })
    }

    /// A new run, which the answer names: that one is watched.
    fn dispatch(&self, ask: &Ask) -> Result<Draft, Blocked> {
        let said = |name: &str| ask.args.text(name).unwrap_or_default().trim().to_owned();
        let (branch, comment) = (said(BRANCH), said(COMMENT));
        let mut params = Map::new();
        if !branch.is_empty() {
            let repository = self.wire.and_then(|wire| wire.source()).and_then(api::Source::repository);
            let repository = repository
                .ok_or_else(|| Blocked("which repository that branch is of was not read: leave it empty".to_owned()))?;
            params.insert("runningBranchs".to_owned(), json!({ repository: branch.clone() }));
        }
        let variables = variables(&said(VARIABLES)).map_err(Blocked)?;
        if !variables.is_empty() {
            params.insert("envs".to_owned(), Value::Object(variables));
        }
        if !comment.is_empty() {
            params.insert("comment".to_owned(), Value::from(comment));
        }
        let words = format!("begin a run of {}", self.run.pipeline);
        // What Flow wants is JSON in a text.
        let plain = self.door.begin(words, self.at.pipeline, &Value::Object(params).to_string(), self.base);
        let from = if self.door.is_older() { "/pipelineRunId" } else { "" };
        let call =
            WireCall { gives: vec![Give { name: MADE.to_owned(), from: Answered::Json(from.to_owned()) }], ..plain };
        let made = ObjectId::new(&self.run.id.source, Family::run(), format!("{}/{{{MADE}}}", self.at.pipeline));
        let step = Step::new(&self.run.id, call).watching(Watch::Made(made));
        let expect = Expectation {
            all: vec![Expect { fact: own::RUN.to_owned(), condition: Condition::IsNot(self.number().to_string()) }],
            words: Some("a new run is there".to_owned()),
            within: ANSWERED,
            ..Expectation::default()
        };
        let bound = Facts::from([(own::RUN.to_owned(), self.number().to_string())]);
        let at = if branch.is_empty() { String::new() } else { format!(" at {branch}") };
        let effect = format!("a new run of {} begins{at}", self.run.pipeline);
        let plain = Draft::of(&self.run.id, WireCall::default(), effect, bound, expect);
        let notes = vec!["its validations wait to be passed".to_owned()];
        Ok(Draft { steps: vec![step], undo: "cancel the new run".to_owned(), notes, ..plain })
    }
}

/// What a verb does to a machine.
fn of_machine(verb: Verb) -> Result<(Act, &'static str), Blocked> {
    match verb {
        Verb::Rerun => Ok((call::RETRY_MACHINE, "try again")),
        Verb::Skip => Ok((call::SKIP_MACHINE, "skip")),
        other => Err(Blocked(format!("a machine knows no '{}': it knows rerun and skip", other.words()))),
    }
}

/// What a verb on a machine is bound to and expects, and its effect.
fn machine_expects(order: &api::Order, verb: Verb, sn: &str) -> Result<(Facts, Expectation, String), Blocked> {
    let machine = order.machines().iter().find(|machine| machine.sn.as_deref() == Some(sn));
    let machine = machine.ok_or_else(|| Blocked(format!("the deployment has no machine {sn}")))?;
    let does = if verb == Verb::Skip { Does::Skip } else { Does::Retry };
    if may(&machine.actions, does) != Some(true) {
        return Err(Blocked(format!("Flow does not offer to {} machine {sn} now", verb.words())));
    }
    let now = state(machine.status.as_deref());
    let name = own::machine(sn);
    let all = match verb {
        Verb::Skip => vec![Expect::is(&name, RunStatus::Skipped)],
        _ => vec![Expect::is_not(&name, now)],
    };
    let bound = Facts::from([(name, now.to_string())]);
    let at = machine.ip.as_deref().map_or_else(|| sn.to_owned(), |ip| format!("{} ({sn})", clean(ip)));
    let effect = match verb {
        Verb::Skip => format!("machine {at} is left out: it keeps what runs on it"),
        _ => format!("machine {at} is deployed to again"),
    };
    Ok((bound, Expectation { all, within: ANSWERED, ..Expectation::default() }, effect))
}

/// `NAME=VALUE, NAME=VALUE`.
fn variables(said: &str) -> Result<Map<String, Value>, String> {
    let each = said.split(',').map(str::trim).filter(|one| !one.is_empty());
    each.map(|one| {
        let named = one.split_once('=').filter(|(name, _)| !name.trim().is_empty());
        let (name, value) = named.ok_or_else(|| format!("'{}' is no variable: write NAME=VALUE", clean(one)))?;
        Ok((name.trim().to_owned(), Value::from(value.trim())))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_named_values_with_commas_between() {
        let read = |said: &str| variables(said).map(|all| Value::Object(all).to_string());
        assert_eq!(read(""), Ok("{}".to_owned()));
        assert_eq!(read("LEVEL=warn, TO = a=b ,"), Ok(r#"{"LEVEL":"warn","TO":"a=b"}"#.to_owned()));
        assert_eq!(read("LEVEL"), Err("'LEVEL' is no variable: write NAME=VALUE".to_owned()));
    }
}
