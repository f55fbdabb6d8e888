//! Intents for tests: a whole plan with one guarded call.

use std::time::Duration;

use chrono::TimeZone;

use crate::{
    domain::{evidence::Evidence, object::ObjectId, offer::Risk, time::Timestamp, verb::Verb, version::Version},
    port::{
        fill::Fill,
        plan::{Draft, Expect, Expectation, Facts, Friction, Plan, WireCall, fact},
        record::{Entry, NewRecord, Stage},
        shape::Shape,
        step::Step,
    },
};

/// A second of the night on which everything happens.
pub(crate) fn at(second: i64) -> Timestamp {
    chrono::Utc.timestamp_opt(1_773_107_160 + second, 0).unwrap()
}

/// An entry at a second.
pub(crate) fn entry(second: i64, stage: Stage) -> Entry {
    Entry { at: at(second), stage }
}

/// The rollout that everything acts on.
pub(crate) fn payments() -> ObjectId {
    ObjectId::new(&"eu".into(), "argo_rollouts", "shop/payments")
}

/// One guarded call.
pub(crate) fn call(words: &str) -> WireCall {
    WireCall {
        words: words.to_owned(),
        method: "PATCH".to_owned(),
        path: "rollouts/payments/status".to_owned(),
        content_type: "application/merge-patch+json".to_owned(),
        body: format!("{{\"{words}\":true}}").into(),
        fills: vec![Fill::revision("/metadata/resourceVersion")],
        command: format!("kubectl argo rollouts {words} payments"),
        ..WireCall::default()
    }
}

/// The shapes of all calls here.
pub(crate) fn shapes() -> Vec<Shape> {
    let words = &["/abort", "/promote", "/rollback", "/pause", "/undo", "/resume", "/one", "/two"];
    let shape = Shape {
        method: "PATCH",
        path: call("").path,
        content_type: "application/merge-patch+json",
        writes: words,
        fills: &["/metadata/resourceVersion", "/password"],
        ..Shape::default()
    };
    vec![Shape { path: "builds/{build}/unblock".to_owned(), ..shape.clone() }, shape]
}

/// A draft of these calls, bound to the canary hash, that expects the traffic to be back within a minute.
pub(crate) fn draft(calls: &[&str]) -> Draft {
    Draft {
        from: Some(Version::tagged("1.42.0")),
        to: Some(Version::tagged("1.41.3")),
        effect: "25 % → 0 % of traffic".to_owned(),
        steps: calls.iter().map(|words| Step::new(&payments(), call(words))).collect(),
        obligations: Vec::new(),
        moment: None,
        bound: Facts::from([(fact::UID.to_owned(), "u1".to_owned()), (fact::CANARY.to_owned(), "7d".to_owned())]),
        expect: Expectation {
            all: vec![Expect::is(fact::ABORTED, true), Expect::is(fact::WEIGHT, 0)],
            fails_if: vec![Expect::is(fact::PHASE, "degraded")],
            rests: Vec::new(),
            frees: None,
            words: None,
            within: Duration::from_mins(1),
            progress: Some((fact::WEIGHT.to_owned(), "%".to_owned())),
        },
        undo: "retry".to_owned(),
        notes: Vec::new(),
    }
}

/// An intent on a rollout.
pub(crate) fn intent_on(target: &ObjectId, verb: Verb, calls: &[&str]) -> NewRecord {
    let mut draft = draft(calls);
    draft.steps.iter_mut().for_each(|step| step.target.clone_from(target));
    let plan = Plan {
        verb,
        target: target.clone(),
        service: "payments".into(),
        environment: "prod/eu".into(),
        risk: Risk::High,
        friction: Friction::Reason,
        draft,
        goes_back: false,
        brings_again: false,
        checks: Vec::new(),
        risks: Vec::new(),
        evidence: Evidence { at: at(0), verdict: None, said: String::new(), sources: Vec::new() },
        then: Vec::new(),
    };
    NewRecord::confirmed(at(0), "dana".into(), Some("errors".to_owned()), plan)
}

/// An intent on [`payments`].
pub(crate) fn intent(verb: Verb) -> NewRecord {
    intent_on(&payments(), verb, &["abort"])
}
