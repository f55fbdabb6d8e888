//! Holding a pipeline before a stage, and letting it go on: a transition that is disabled and enabled. Whoever disables one says why, and
//! the console shows that to everybody.

use std::time::Duration;

use serde_json::json;

use crate::{
    domain::{
        form::{Field, Kind},
        gate::Gate,
        object::ObjectId,
        offer::Offer,
        pipeline::Run,
        verb::Verb,
    },
    port::{
        plan::{Ask, Blocked, Draft, Expect, Expectation, Facts},
        shape::Shape,
    },
    provider::codepipeline::{
        address::Address,
        api::State,
        draft::{Ground, JSON, POST, call},
        fact as own,
        request::operation,
        watched::{Watched, may},
    },
};

/// Which stage.
pub(super) const STAGE: &str = "stage";
/// How long it may take to show.
const SHOWN: Duration = Duration::from_mins(1);
/// The longest reason that a transition takes.
const LONGEST: usize = 300;
/// What is said where nobody gives a reason that it takes.
const NO_REASON: &str = "held with holdshort";

const DISABLE: &str = "DisableStageTransition";
const ENABLE: &str = "EnableStageTransition";

/// What of holding is offered on an execution: the stages behind the first, by whether they are open.
pub(super) fn offers(watched: &Watched<'_>, state: &State) -> Vec<Offer> {
    let stages = |open: bool| -> Vec<String> {
        let behind = state.stage_states.iter().skip(1).filter(|stage| stage.is_open() == open);
        behind.map(|stage| stage.stage_name.clone()).collect()
    };
    let all: Vec<String> = state.stage_states.iter().skip(1).map(|stage| stage.stage_name.clone()).collect();
    let offer = |verb, right: &str, names: Vec<String>| {
        let field = Field::new(STAGE, "stage", Kind::Choice(names.clone())).required();
        // Of several to hold the last one is where people mean to stop a release, unless that is held already: another one is held by
        // whoever says which. Of those that are held, the first is in the way.
        let last = all.last().filter(|last| names.last() == Some(last)).cloned();
        let first = if verb == Verb::Pause { last } else { names.first().cloned() };
        let field = first.map_or_else(|| field.clone(), |name| field.clone().default(name));
        (!names.is_empty())
            .then(|| Offer { unsure: Some(may(right)), ..Offer::open(verb, watched.risk()) }.asking(vec![field]))
    };
    [offer(Verb::Pause, DISABLE, stages(true)), offer(Verb::Resume, ENABLE, stages(false))]
        .into_iter()
        .flatten()
        .collect()
}

/// Everything that holding and letting go can send; a gate is about one stage.
pub(super) fn shapes(at: &Address, verb: Verb) -> Vec<Shape> {
    let mut holds = vec![("/pipelineName", at.pipeline.clone()), ("/transitionType", "Inbound".to_owned())];
    holds.extend(at.stage.clone().map(|stage| ("/stageName", stage)));
    let shape = |name: &str, writes| Shape {
        method: POST,
        path: operation(name),
        content_type: JSON,
        writes,
        holds: holds.clone(),
        ..Shape::default()
    };
    match verb {
        Verb::Pause => vec![shape(DISABLE, &["/pipelineName", "/stageName", "/transitionType", "/reason"])],
        _ => vec![shape(ENABLE, &["/pipelineName", "/stageName", "/transitionType"])],
    }
}

/// A reason as a transition takes it: letters, digits, blanks and a few signs, three hundred at most.
fn reason(said: Option<&str>) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || "!@ ().*?-".contains(c) { c } else { ' ' };
    let text: String = said.unwrap_or_default().chars().map(fits).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text: String = text.chars().take(LONGEST).collect();
    if text.trim().is_empty() { NO_REASON.to_owned() } else { text }
}

/// The stage that was chosen, or the only one that is offered.
fn chosen<'a>(offers: &'a [Offer], ask: &'a Ask) -> Result<&'a str, Blocked> {
    let default = || {
        let offer = offers.iter().find(|offer| offer.verb == ask.verb)?;
        offer.form.iter().find(|field| field.name == STAGE)?.default.as_deref()
    };
    ask.args.text(STAGE).or_else(default).ok_or_else(|| Blocked("say which stage".to_owned()))
}

/// The draft for an execution.
pub(super) fn run(run: &Run, at: &Address, ask: &Ask, ground: Ground<'_>) -> Result<Draft, Blocked> {
    let stage = chosen(&run.offers, ask)?;
    let bound = Facts::from([(own::EXECUTION.to_owned(), at.execution.clone())]);
    Ok(draft(&run.id, (at, stage), bound, ask, ground))
}

/// The draft for an execution that waits before a stage.
pub(super) fn gate(gate: &Gate, at: &Address, ask: &Ask, ground: Ground<'_>) -> Draft {
    let stage = at.stage.as_deref().unwrap_or_default();
    let to = gate.version.clone();
    Draft { to, ..draft(&gate.id, (at, stage), gate.identity.clone(), ask, ground) }
}

fn draft(target: &ObjectId, (at, stage): (&Address, &str), mut bound: Facts, ask: &Ask, ground: Ground<'_>) -> Draft {
    let holding = ask.verb == Verb::Pause;
    let pipeline = &at.pipeline;
    let mut body = json!({"pipelineName": pipeline, "stageName": stage, "transitionType": "Inbound"});
    let (name, before, after) =
        if holding { (DISABLE, "enabled", "disabled") } else { (ENABLE, "disabled", "enabled") };
    if let (true, Some(fields)) = (holding, body.as_object_mut()) {
        fields.insert("reason".to_owned(), reason(ask.comment()).into());
    }
    bound.insert(own::into(stage), before.to_owned());
    let expect =
        Expectation { all: vec![Expect::is(&own::into(stage), after)], within: SHOWN, ..Expectation::default() };
    let (verb, effect, undo, note) = if holding {
        (
            "disable",
            format!("no execution of {pipeline} enters {stage} until somebody resumes it; what is in it goes on"),
            format!("resume: enable the transition into {stage}"),
            "it stays held for everybody, whoever is signed in: the console shows your reason and your name",
        )
    } else {
        (
            "enable",
            format!(
                "the execution of {pipeline} that waits before {stage}, if any, enters it now, and every later one"
            ),
            format!("pause: disable the transition into {stage} again; what has entered goes on"),
            "of several that wait the newest enters, unless the pipeline queues them",
        )
    };
    let call = call(ground, format!("{verb} the transition into {stage} of {pipeline}"), name, &body.to_string());
    Draft { undo, notes: vec![note.to_owned()], ..Draft::of(target, call, effect, bound, expect) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_only_what_a_transition_takes_and_is_never_empty() {
        let table = [
            (Some("p99 high: see #812, ask lee/kim"), "p99 high see 812 ask lee kim"),
            (Some("größer"), "gr er"),
            (Some(":,/"), NO_REASON),
            (None, NO_REASON),
        ];
        for (said, wanted) in table {
            assert_eq!(reason(said), wanted);
        }
        assert_eq!(reason(Some(&"x".repeat(400))).len(), LONGEST);
    }
}
