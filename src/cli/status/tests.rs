//! What `status` prints, and how it ends, over models made by hand.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::{
    cli::sample,
    domain::rollout::PauseReason,
    judge::{
        doubt::Doubt,
        gaps::{Arm, Gap, Missing, Signal},
    },
};

fn printed(model: &Model, service: Option<&str>) -> Result<(Exit, Value), CliError> {
    let mut out = Vec::new();
    let exit = print(
        model,
        service,
        Manner { as_json: true, ..Manner::default() },
        |_| "payments, likely".to_owned(),
        &mut out,
    )?;
    Ok((exit, serde_json::from_slice(&out).unwrap()))
}

const NO_GO: &str =
    "verdict NO-GO: errors 3.1 % against 0.2 % on stable in 20 min, n 1,000, latency p99 (canary) has no series";

/// The canary in both of its cells.
fn both_cells() -> Value {
    let cell = |region: &str| {
        json!({
            "environment": format!("prod/{region}"), "wave": null, "standing": "arrives", "serves": "1.41.3", "since": null,
            "arrives": "1.42.0", "weight": 25, "rollouts": [format!("{region}/argo_rollouts/shop/payments")], "reason": null,
        })
    };
    json!([{
        "service": "payments", "version": "1.42.0", "done": 0, "of": 2, "cells": [cell("eu"), cell("us")],
        "said": "1.42.0 is in 0 of 2 cells: eu at 25 %, us at 25 %",
    }])
}

#[test]
fn the_json_is_what_scripts_rely_on() {
    let mut model = sample::judged(Verdict::NoGo);
    for judgement in model.judgements.values_mut() {
        judgement.doubts = vec![Doubt::Bursts(3.24), Doubt::WarmUp(Duration::from_secs(130))];
        judgement.missing = vec![Missing { signal: Signal::LatencyP99, arm: Arm::Canary, gap: Gap::NoSeries }];
        judgement.decided_at = Some("2026-03-10T02:05:00Z".parse().unwrap());
        judgement.eta = None;
    }
    let (exit, mut value) = printed(&model, Some("payments")).unwrap();
    assert_eq!(exit, Exit::Done);
    // The second region has the same shape.
    assert_eq!(value["rollouts"].as_array().unwrap().len(), 2);
    value["rollouts"].as_array_mut().unwrap().truncate(1);
    // Apart, for the macro nests only so deep.
    let offers = json!([
        {"verb": "promote", "risk": "high", "blocked": NO_GO},
        {"verb": "retry", "risk": "high", "blocked": format!("it is not aborted; {NO_GO}")},
        {"verb": "abort", "risk": "medium", "blocked": null},
        {"verb": "rollback", "risk": "medium", "blocked": null},
        {"verb": "pause", "risk": "low", "blocked": null},
    ]);
    let expected = json!({
        "schema": "holdshort/status/v1",
        "now": "2026-03-10T02:07:00Z",
        "headline": {"text": "payments, likely", "service": "payments", "cause": "release", "blame": "release"},
        "rollouts": [{
            "id": "eu/argo_rollouts/shop/payments",
            "service": "payments",
            "environment": "prod/eu",
            "engine": "argo_rollouts",
            "stable": "1.41.3",
            "canary": "1.42.0",
            "phase": "paused",
            "message": null,
            "behind_since": null,
            "step": 1,
            "steps": 2,
            "pause": {"reason": "step", "since": "2026-03-10T02:06:00Z", "until": null},
            "analyses": [],
            "weight": 25,
            "verdict": "no_go",
            "verdict_at": "2026-03-10T02:06:30Z",
            "verdict_age_seconds": 30,
            "reason": "errors 3.1 % against 0.2 % on stable in 20 min, n 1,000, NO DATA latency p99 (canary)",
            "doubts": ["errors come in bursts, evidence is divided by 3.2", "the canary has run for 2 min, it may still warm up"],
            "missing": ["latency p99 (canary) has no series"],
            "unknown": [],
            "troubles": [],
            "decided_at": "2026-03-10T02:05:00Z",
            "ready_at": null,
            "observed_at": "2026-03-10T02:06:56Z",
            "freshness": "live",
            "offers": offers,
        }],
        "gates": [{
            "id": "eu/argo_rollouts/shop/payments",
            "service": "payments",
            "system": "Argo Rollouts pause",
            "version": "1.42.0",
            "age_seconds": 60,
            "eligible": false,
            "reason": NO_GO,
            "approvals": null,
        }],
    });
    let sources = json!([
        {"name": "eu", "freshness": "live", "age_seconds": 4, "every_seconds": 30, "error": null, "unread": []},
        {"name": "github", "freshness": "live", "age_seconds": 10, "every_seconds": 30, "error": null, "unread": []},
        {"name": "us", "freshness": "live", "age_seconds": 4, "every_seconds": 30, "error": null, "unread": []},
    ]);
    let release = |version: &str, standing: &str| {
        let place = |region: &str| {
            let rollout = format!("{region}/argo_rollouts/shop/payments");
            json!({"environment": format!("prod/{region}"), "rollout": rollout, "standing": standing})
        };
        json!({
            "service": "payments", "version": version, "commit": null, "digest": null, "runs": [], "gates": [],
            "places": [place("eu"), place("us")], "older_than_live": [],
        })
    };
    let releases = json!([release("1.42.0", "arrives"), release("1.41.3", "yields")]);
    let rollout = value["rollouts"][0].as_object_mut().unwrap();
    // It flies, and nobody left it.
    let none = Some(serde_json::Value::Null);
    assert_eq!((rollout.remove("watching"), rollout.remove("returned")), (none.clone(), none));
    assert_eq!(rollout.remove("past_us"), Some(json!([])));
    let mut apart = |name: &str| value.as_object_mut().unwrap().remove(name).unwrap();
    assert_eq!((apart("sources"), apart("complete")), (sources, json!(true)));
    assert_eq!(apart("releases"), releases);
    assert_eq!(apart("cells"), both_cells());
    let back = value["rollouts"][0].as_object_mut().unwrap().remove("way_back").unwrap();
    let ready = "all 4 pods ready";
    let expected_back = json!({
        "version": "1.41.3", "grade": "good", "words": ready, "seconds": null, "interrupts": [], "reading": false, "read_at": null,
        "checks": [{"about": "pods", "grade": "good", "words": ready}],
    });
    assert_eq!(back, expected_back);
    assert_eq!(value, expected);
}

#[test]
fn a_verdict_that_waits_says_when_a_decision_is_due() {
    let mut model = sample::judged(Verdict::Wait);
    for judgement in model.judgements.values_mut() {
        judgement.eta = Some("2026-03-10T03:27:00Z".parse().unwrap());
        judgement.missing = Vec::new();
    }
    let (_, value) = printed(&model, Some("payments")).unwrap();
    let row = &value["rollouts"][0];
    assert_eq!((&row["verdict"], &row["ready_at"]), (&json!("wait"), &json!("2026-03-10T03:27:00Z")));
    assert_eq!((&row["doubts"], &row["missing"], &row["decided_at"]), (&json!([]), &json!([]), &Value::Null));
}

#[test]
fn one_environment_of_a_service_is_shown_by_its_name_or_its_id() {
    let ids = |name: &str| {
        let value = printed(&sample::model(), Some(name)).unwrap().1;
        let of = |key: &str| value[key].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned());
        of("rollouts").chain(of("gates")).collect::<Vec<_>>()
    };
    let (eu, us) = ("eu/argo_rollouts/shop/payments", "us/argo_rollouts/shop/payments");
    assert_eq!(ids("payments@prod/us"), [us]);
    assert_eq!(ids("payments@prod/eu"), [eu, eu], "a rollout, and the pause that it waits in");
    assert_eq!(ids("payments@prod"), [eu, us, eu]);
    assert_eq!(ids(us), [us]);
    let gate = "github/gate/acme/ledger/812/prod";
    assert_eq!((ids("ledger@prod/eu"), ids(gate)), (vec![gate.to_owned()], vec![gate.to_owned()]));
    let error = printed(&sample::model(), Some("payments@staging")).unwrap_err();
    let said = "there is no 'payments@staging'; there are: payments@prod/eu, payments@prod/us";
    assert_eq!(error, CliError::usage(said));
}

#[test]
fn an_unknown_service_lists_those_there_are() {
    let error = printed(&sample::model(), Some("paymnts")).unwrap_err();
    assert_eq!(error, CliError::usage("there is no service 'paymnts'; there are: ledger, payments"));
}

#[test]
fn when_nobody_answered_the_exit_code_says_so() {
    let (exit, value) = printed(&sample::silent(), None).unwrap();
    assert_eq!((exit, &value["rollouts"]), (Exit::Unreachable, &json!([])));
}

/// As `--exit-code` ends.
fn judged(model: &Model) -> Exit {
    let manner = Manner { judging: true, ..Manner::default() };
    print(model, None, manner, |_| String::new(), &mut Vec::new()).unwrap()
}

#[test]
fn with_exit_code_the_worst_verdict_decides_and_without_it_a_look_that_worked_is_good() {
    let table = [
        (Verdict::Go, Exit::Done),
        (Verdict::Wait, Exit::Wait),
        (Verdict::NoData, Exit::NoData),
        (Verdict::NoGo, Exit::NoGo),
    ];
    for (verdict, exit) in table {
        // The other region does well.
        let mut model = sample::going_well();
        let judgement = model.judgements.get_mut(&sample::payments("eu")).unwrap();
        judgement.verdict = verdict;
        assert_eq!(judged(&model), exit, "{verdict}");
        assert_eq!(printed(&model, None).unwrap().0, Exit::Done, "{verdict}");
    }
}

#[test]
fn where_nothing_tells_of_rollouts_none_is_called_good() {
    let model = sample::no_cluster();
    assert_eq!(judged(&model), Exit::NoData);
    let mut out = Vec::new();
    assert_eq!(print(&model, None, Manner::default(), |_| String::new(), &mut out), Ok(Exit::Done), "all was read");
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("what is in flight is not known: no connection tells of rollouts\n"), "{text}");
}

#[test]
fn a_reader_who_leaves_early_does_not_turn_harm_into_good() {
    let model = sample::judged(Verdict::NoGo);
    for as_json in [true, false] {
        let manner = Manner { as_json, judging: true, ..Manner::default() };
        assert_eq!(print(&model, None, manner, |_| String::new(), &mut sample::Closed), Ok(Exit::NoGo));
    }
    assert_eq!(crate::cli::inbox::print(&sample::silent(), false, &mut sample::Closed), Ok(Exit::Unreachable));
}

#[test]
fn what_could_not_be_read_is_never_good_and_hides_no_harm() {
    let mut model = sample::going_well();
    sample::fails(&mut model, "us");
    assert_eq!(judged(&model), Exit::Unreachable);
    let verdicts = ["eu", "us"].map(|source| model.verdict(&sample::payments(source)));
    assert_eq!(verdicts, [Some(Verdict::Go), Some(Verdict::NoData)], "nobody sees the canary that goes well there");
    model.judgements.get_mut(&sample::payments("eu")).unwrap().verdict = Verdict::NoGo;
    assert_eq!(judged(&model), Exit::NoGo);
    let (exit, value) = printed(&model, None).unwrap();
    assert_eq!((exit, &value["complete"]), (Exit::Unreachable, &json!(false)), "something is shown, and it is not all");
}

#[test]
fn a_part_that_cannot_be_read_is_named_beside_the_rest_and_what_is_shown_is_not_all() {
    let mut model = sample::going_well();
    assert_eq!(printed(&model, None).unwrap().0, Exit::Done);
    let refused = "viewer may not list rollouts.argoproj.io in other on eu: ask who administers it for that right";
    sample::cannot_read(&mut model, "eu", refused);
    let mut out = Vec::new();
    let exit = print(&model, None, Manner::default(), |_| String::new(), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!((exit, judged(&model)), (Exit::Unreachable, Exit::Unreachable));
    assert!(
        text.contains(&format!("incomplete, more may be in flight or wait: eu was not read whole: {refused}\n")),
        "{text}"
    );
    assert!(text.contains(&format!("eu      incomplete  0 s   {refused}\n")), "{text}");
    let value = serde_json::to_value(status(&model, None, |_| String::new())).unwrap();
    assert_eq!((&value["complete"], &value["sources"][0]["unread"]), (&json!(false), &json!([refused])));
    let inbox = crate::cli::inbox::inbox(&model);
    assert!(!inbox.complete);
    assert_eq!(crate::cli::inbox::print(&model, true, &mut Vec::new()), Ok(Exit::Unreachable));
    // What was refused is given: nothing is missing any more.
    sample::can_read(&mut model, "eu");
    assert_eq!(printed(&model, None).unwrap().0, Exit::Done);
}

#[test]
fn a_rollout_that_ought_to_have_a_verdict_and_has_none_cannot_be_judged() {
    let mut model = sample::going_well();
    model.judgements.clear();
    assert_eq!(judged(&model), Exit::NoData);
}

#[test]
fn where_only_metrics_answer_nothing_is_known() {
    let model = sample::only_metrics();
    assert_eq!(printed(&model, None).unwrap().0, Exit::Unreachable);
    assert_eq!(judged(&model), Exit::Unreachable);
}

#[test]
fn a_version_that_is_not_known_is_no_first_deployment() {
    let said = |first: bool| {
        let mut model = sample::model();
        let mut rollout = model.store.rollout(&sample::payments("eu")).unwrap().clone();
        rollout.stable = None;
        rollout.identity.stable_hash.clear();
        if first {
            rollout.arms.truncate(1);
        } else {
            rollout.canary = None;
        }
        sample::sees(&mut model, "eu", rollout);
        let mut out = Vec::new();
        print(&model, None, Manner::default(), |_| String::new(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    assert!(said(true).contains(" none -> 1.42.0 "), "{}", said(true));
    assert!(said(false).contains(" ? -> ? "), "{}", said(false));
}

#[test]
fn what_holds_a_rollout_is_said_and_what_lets_it_go_on() {
    let end = Some("2026-03-10T02:15:00Z".parse().unwrap());
    let table = [
        (PauseReason::Step, None, false, "pause, waits for a human"),
        (PauseReason::Step, end, false, "pause, 8 min left"),
        (PauseReason::Inconclusive, None, false, "inconclusive, waits for a human"),
        (PauseReason::Inconclusive, end, false, "inconclusive, 8 min left"),
        (PauseReason::Step, end, true, "paused by a person"),
        (
            PauseReason::Inconclusive,
            Some("2026-03-10T02:06:59Z".parse().unwrap()),
            false,
            "inconclusive, its time is up",
        ),
    ];
    for (reason, until, held, expected) in table {
        let mut model = sample::model();
        let rollout = model.store.rollout(&sample::payments("eu")).unwrap().clone();
        let doubt = Analysis { name: "payments-7".into(), phase: "Inconclusive".into(), ..Analysis::default() };
        let pause = Some(Pause { reason, since: None, until });
        sample::sees(&mut model, "eu", Rollout { pause, held, analyses: vec![doubt], ..rollout });
        let mut out = Vec::new();
        print(&model, Some("payments"), Manner::default(), |_| String::new(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains(&format!("1/2   {expected} ")), "{expected}: {text}");
        let row = &printed(&model, Some("payments")).unwrap().1["rollouts"][0];
        assert_eq!((&row["pause"]["reason"], &row["pause"]["until"]), (&json!(reason), &json!(until)));
        assert_eq!(row["analyses"], json!([{"name": "payments-7", "phase": "Inconclusive", "message": null}]));
    }
}

#[test]
fn the_table_shows_what_is_in_flight_what_waits_and_each_source() {
    let mut out = Vec::new();
    print(&sample::model(), Some("ledger"), Manner::default(), |_| "no release in flight".to_owned(), &mut out)
        .unwrap();
    let text = String::from_utf8(out).unwrap();
    let expected = "\
no release in flight

nothing in flight; 0 steady

WAITS  SERVICE  ENVIRONMENT  SYSTEM              ASKS         VERSION         YOU
5 min  ledger   prod/eu      GitHub environment  deploy #812  main (a1b2c3d)  cannot: you started this run; ask lee

SOURCE  STATE  AGE   ERROR
eu      live   4 s
github  live   10 s
us      live   4 s
";
    assert_eq!(text, expected);
}
