//! What ends a build or begins another one, and what these verbs ask for: stop it, harder and harder; run it again, from its begin or
//! from a stage on; build its job; have the team's own job put an earlier version back.

use std::time::Duration;

use url::form_urlencoded;

use crate::{
    domain::{
        form::{Field, Kind, TO},
        object::ObjectId,
        pipeline::{Run, RunStatus},
        text::clean,
        version::Version,
    },
    port::{
        fill::{Answered, Fill, Give, Slot, Supply, is_part},
        plan::{Ask, Blocked, Condition, Draft, Expect, Expectation, WireCall, fact},
        step::{Step, Watch},
    },
    provider::{
        http::client::part,
        jenkins::{
            Rollback,
            address::{Address, QUEUE, job_path},
            api::{Build, Parameter},
            draft::{Ground, REBUILD, RESTART, bound, call},
            fact as own, form,
        },
    },
};

/// How a build is stopped.
const HOW: &str = "how";
/// For the harder ways: the number of the build, once more.
const NUMBER: &str = "number";
/// From where on it runs again.
const FROM: &str = "from";
/// From its begin.
const BEGIN: &str = "the begin";
/// Under which name the answer gives the queue item that was made.
const ITEM: &str = "item";
/// The placeholder for a version in a path.
const VERSION: &str = "version";
/// How long another build may take to leave the queue.
const QUEUED: Duration = Duration::from_mins(5);
/// How long a roll back may take.
const ROLLED_BACK: Duration = Duration::from_mins(30);
/// As many versions are named that went well.
const NAMED: usize = 6;

/// How hard a build is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// It is interrupted, and cleans up.
    Stop,
    /// Every step of it is told that it failed: nothing is waited for.
    Term,
    /// It is given up where it is: nothing in it runs any more, and locks that it held may stay.
    Kill,
}

impl How {
    pub(super) const ALL: [Self; 3] = [Self::Stop, Self::Term, Self::Kill];

    /// As Jenkins calls it, in an address and on a card.
    pub(super) fn end(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Term => "term",
            Self::Kill => "kill",
        }
    }

    pub(super) fn effect(self) -> &'static str {
        match self {
            Self::Stop => "is interrupted and cleans up",
            Self::Term => "ends now: what cleans up in it may not run",
            Self::Kill => "is given up where it is: nothing in it runs any more",
        }
    }

    pub(super) fn notes(self) -> Vec<String> {
        let all: &[&str] = match self {
            Self::Stop => &["where that does not end it, cancel it again with how = term, and then kill"],
            Self::Term => &["for a build that does not end when it is stopped: stop it first"],
            Self::Kill => &[
                "for a build that nothing else ends: term it first",
                "locks and agents that it holds may stay taken until somebody frees them",
            ],
        };
        all.iter().map(|note| (*note).to_owned()).collect()
    }

    /// How it was asked for. What cannot be undone wants the build named once more.
    ///
    /// # Errors
    /// That it was not, as a sentence.
    pub(super) fn asked(ask: &Ask, number: u64) -> Result<Self, Blocked> {
        let said = ask.args.text(HOW);
        let how = Self::ALL.into_iter().find(|how| said == Some(how.end())).unwrap_or(Self::Stop);
        let named = ask.args.text(NUMBER).unwrap_or_default().trim().trim_start_matches('#') == number.to_string();
        if how == Self::Stop || named {
            return Ok(how);
        }
        Err(Blocked(format!("to {} it, give its number once more: number = {number}", how.end())))
    }
}

/// What stopping it asks for.
pub(super) fn stopping() -> Vec<Field> {
    let options = How::ALL.map(|how| how.end().to_owned()).to_vec();
    let number = Field::new(NUMBER, "number", Kind::Text).hint("of the build, for term and kill only");
    vec![Field::new(HOW, "how", Kind::Choice(options)).required().default(How::Stop.end()), number]
}

/// From where on a build runs again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum From {
    Begin,
    Stage(String),
}

impl From {
    pub(super) fn asked(ask: &Ask) -> Self {
        match ask.args.text(FROM) {
            None | Some(BEGIN) => Self::Begin,
            Some(stage) => Self::Stage(stage.to_owned()),
        }
    }
}

/// What running it again asks for: the stages of a declarative pipeline that can be begun with.
pub(super) fn rerunning(build: &Build) -> Vec<Field> {
    let can = build.actions().iter().filter(|action| action.restart_enabled == Some(true));
    let stages = can.flat_map(|action| action.restartable_stages.iter().flatten()).map(|stage| clean(stage));
    let options: Vec<String> = std::iter::once(BEGIN.to_owned()).chain(stages.filter(|stage| stage != BEGIN)).collect();
    vec![Field::new(FROM, "from", Kind::Choice(options)).required().default(BEGIN)]
}

/// Why its job cannot be built from here, as a sentence.
pub(super) fn undispatchable(parameters: &[Parameter]) -> Option<String> {
    form::unanswerable(parameters)
}

/// What building its job asks for.
pub(super) fn dispatching(parameters: &[Parameter]) -> Vec<Field> {
    form::fields(parameters)
}

/// What rolling back asks for: never guessed.
pub(super) fn back(earlier: &[&Version]) -> Vec<Field> {
    let field = Field::new(TO, "version", Kind::Text).required();
    let names: Vec<String> = earlier.iter().take(NAMED).map(|version| version.short_tag()).collect();
    vec![if names.is_empty() { field } else { field.hint(format!("went well before: {}", names.join(", "))) }]
}

/// Does this cause say that another build runs the one with this number again?
pub(super) fn is_again(class: &str, words: &str, number: u64) -> bool {
    let again = ["ReplayCause", "RestartDeclarativePipelineCause", "RebuildCause"];
    let named = words.split('#').skip(1).any(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits == number.to_string()
    });
    again.iter().any(|end| class.ends_with(end)) && named
}

/// Run it again. Jenkins does not say which build that becomes: it is the one that says so itself.
pub(super) fn rerun(run: &Run, at: &Address, from: &From, ground: Ground<'_>) -> Draft {
    let name = format!("{} #{}", run.pipeline, run.number);
    let (words, path, body, effect, mut notes) = match from {
        From::Begin => (
            format!("run {name} again"),
            format!("{}/{REBUILD}", at.path()),
            String::new(),
            format!("another build does all that {name} did, with its parameters, script and revision"),
            vec!["Jenkins refuses it where a parameter is a password".to_owned()],
        ),
        From::Stage(stage) => (
            format!("run {name} again from {stage}"),
            format!("{}/{RESTART}", at.path()),
            form_urlencoded::Serializer::new(String::new()).append_pair("stageName", stage).finish(),
            format!("another build begins with the stage {stage} of {name}, with its parameters and revision"),
            vec!["what earlier stages stashed is there only where the pipeline preserves its stashes".to_owned()],
        ),
    };
    notes.push("it has a number of its own, and its inputs wait to be answered again".to_owned());
    let mut bound = bound(run);
    bound.insert(fact::STATUS.to_owned(), run.status.to_string());
    let before = ground.again.map_or_else(|| own::NEVER.to_owned(), |number| number.to_string());
    bound.insert(own::AGAIN.to_owned(), before.clone());
    let expect = Expectation {
        all: vec![Expect::is_not(own::AGAIN, before)],
        words: Some("another build runs it again".to_owned()),
        within: QUEUED,
        ..Expectation::default()
    };
    let undo = "cancel the new build".to_owned();
    let call = call(ground.base, words, path, &body);
    Draft { to: Some(run.version.clone()), undo, notes, ..Draft::of(&run.id, call, effect, bound, expect) }
}

/// The queue item that an answer names: what becomes of it is watched.
fn queued(run: &Run, plain: WireCall) -> Step {
    let call = WireCall { gives: vec![Give { name: ITEM.to_owned(), from: Answered::Location }], ..plain };
    let made = ObjectId::new(&run.id.source, QUEUE, format!("{{{ITEM}}}"));
    Step::new(&run.id, call).watching(Watch::Made(made))
}

/// What is seen of an item that ended without a build.
fn dropped() -> Expect {
    Expect::is(own::QUEUE, "cancelled")
}

/// Build its job.
pub(super) fn dispatch(run: &Run, at: &Address, ask: &Ask, ground: Ground<'_>) -> Draft {
    let words = format!("build {}", run.pipeline);
    let path = format!("{}/build", job_path(&at.job));
    let (plain, notes) = if ground.parameters.is_empty() {
        (call(ground.base, words, path, ""), Vec::new())
    } else {
        let (body, fills) = form::body(ground.parameters, &ask.args);
        let plain = call(ground.base, words, path, &body);
        (WireCall { fills, ..plain }, form::said(ground.parameters, &ask.args))
    };
    let expect = Expectation {
        all: vec![Expect { fact: own::BUILD.to_owned(), condition: Condition::IsNot("0".to_owned()) }],
        fails_if: vec![dropped()],
        words: Some("a new build is there".to_owned()),
        within: QUEUED,
        ..Expectation::default()
    };
    let of = run.branch.as_ref().map_or_else(String::new, |branch| format!(" at {branch}"));
    let effect = format!("a new build of {} begins{of}", run.pipeline);
    let step = queued(run, plain);
    let draft = Draft::of(&run.id, WireCall::default(), effect, bound(run), expect);
    Draft { steps: vec![step], undo: "cancel the new build".to_owned(), notes, ..draft }
}

/// Where a roll back is sent. Parameters of the job that are not named are as they are when nobody says anything.
pub(super) fn rollback_path(rollback: &Rollback) -> String {
    let parameter = part(&rollback.version_parameter);
    format!("{}/buildWithParameters?{parameter}={{{VERSION}}}", job_path(&rollback.job))
}

/// Have the team's own job put a version back: the one that was named, and no other.
///
/// # Errors
/// Why it cannot be named so, as a sentence.
pub(super) fn rollback(run: &Run, ask: &Ask, ground: Ground<'_>) -> Result<Draft, Blocked> {
    let no_job = || Blocked("no job that rolls back is configured: `rollback` of the job says which".to_owned());
    let rollback = ground.rollback.ok_or_else(no_job)?;
    let to = ask.to().map(str::trim).filter(|to| !to.is_empty());
    if let Some(odd) = to.filter(|to| !is_part(to)) {
        let why = "letters, digits, '.', '-' and '_' can be sent in an address";
        return Err(Blocked(format!("'{}' is no version that can be named to the job: {why}", clean(odd))));
    }
    let (parameter, job) = (&rollback.version_parameter, &rollback.job);
    let path = rollback_path(rollback);
    let plain = call(ground.base, format!("build {job} with {parameter} = {}", to.unwrap_or("…")), path, "");
    let fills = to.map(|to| Fill { from: Supply::Said(to.to_owned()), into: Slot::Path(VERSION.to_owned()) });
    let command = to.map_or_else(|| plain.command.clone(), |to| plain.command.replace(&format!("{{{VERSION}}}"), to));
    let step = queued(run, WireCall { fills: fills.into_iter().collect(), command, ..plain });
    let ended = [RunStatus::Failed, RunStatus::Cancelled, RunStatus::Skipped];
    let expect = Expectation {
        all: vec![Expect::is(fact::STATUS, RunStatus::Succeeded)],
        fails_if: ended.map(|status| Expect::is(fact::STATUS, status)).into_iter().chain([dropped()]).collect(),
        frees: None,
        rests: vec![Expect::is(fact::STATUS, RunStatus::Waiting)],
        words: Some(format!("{job} ended well")),
        within: ROLLED_BACK,
        progress: Some((fact::STATUS.to_owned(), String::new())),
    };
    let effect =
        format!("{job} runs with {parameter} = {}: your own job, which says itself what that does", to.unwrap_or("…"));
    let draft = Draft::of(&run.id, WireCall::default(), effect, bound(run), expect);
    Ok(Draft {
        from: Some(run.version.clone()),
        to: to.map(Version::tagged),
        steps: vec![step],
        undo: format!("run {job} with the version that is there now"),
        notes: vec!["its other parameters are as they are where nobody says anything".to_owned()],
        ..draft
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        form::{Args, Value},
        verb::Verb,
    };

    fn asked(verb: Verb, said: &[(&str, &str)]) -> Ask {
        let target = ObjectId::new(&"ci".into(), "run", "shop/gateway/812");
        let args =
            said.iter().fold(Args::none(), |args, (name, text)| args.with(name, Value::Text((*text).to_owned())));
        Ask { args, ..Ask::new(verb, target) }
    }

    #[test]
    fn a_build_is_stopped_softly_where_nobody_says_how_and_harder_only_by_its_number() {
        let of = |said: &[(&str, &str)]| How::asked(&asked(Verb::Cancel, said), 812);
        assert_eq!(of(&[]), Ok(How::Stop));
        assert_eq!(of(&[("how", "term"), ("number", "#812")]), Ok(How::Term));
        assert_eq!(of(&[("how", "kill"), ("number", "812")]), Ok(How::Kill));
        for number in ["", "81", "813"] {
            let why = of(&[("how", "kill"), ("number", number)]).unwrap_err();
            assert_eq!(why.0, "to kill it, give its number once more: number = 812");
        }
    }

    #[test]
    fn a_build_that_runs_another_again_says_so_by_its_number() {
        let replay = "org.jenkinsci.plugins.workflow.cps.replay.ReplayCause";
        let restart = "org.jenkinsci.plugins.pipeline.modeldefinition.causes.RestartDeclarativePipelineCause";
        assert!(is_again(replay, "Replayed #81", 81));
        assert!(is_again(restart, "Restarted from build #81, stage Deploy", 81));
        assert!(!is_again(replay, "Replayed #812", 81) && !is_again("hudson.model.Cause$UserIdCause", "x #81", 81));
    }

    #[test]
    fn a_pipeline_that_cannot_be_begun_in_the_middle_offers_its_begin_only() {
        let of = |text: &str| match &rerunning(&serde_json::from_str::<Build>(text).unwrap())[0].kind {
            Kind::Choice(options) => options.clone(),
            other => panic!("{other:?}"),
        };
        let stages = r#"{"actions": [{"restartEnabled": true, "restartableStages": ["Build", "Deploy"]}]}"#;
        assert_eq!(of(stages), ["the begin", "Build", "Deploy"]);
        assert_eq!(of(r#"{"actions": [{"restartEnabled": false, "restartableStages": ["Build"]}]}"#), ["the begin"]);
    }
}
