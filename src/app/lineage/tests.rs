//! What belongs to one release, and what is older than what is live.

use super::*;
use crate::{
    app::{
        model::Model,
        sample::{self, hears, now, payments, seeing, ship, source},
    },
    domain::{item::Noun, object::Family, time::Timestamp},
    port::inventory::Part,
};

const A: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678";
const B: &str = "b1b2c3d4e5f60718293a4b5c6d7e8f9012345678";

fn at(minutes: i64) -> Timestamp {
    now() + chrono::TimeDelta::minutes(minutes)
}

fn run(number: u64, version: Version, status: RunStatus) -> Run {
    let minutes = i64::try_from(number).unwrap() - 1_000;
    Run {
        id: ObjectId::new(&"forge".into(), "run", format!("acme/payments/{number}")),
        service: "payments".into(),
        number,
        version,
        status,
        started: at(minutes),
        updated: at(minutes + 1),
        ..sample::run()
    }
}

fn gate(behind: &Run, environment: &str) -> Gate {
    Gate {
        id: ObjectId::new(&"forge".into(), "gate", format!("{}/{environment}", behind.id.path)),
        service: "payments".into(),
        environment: environment.into(),
        version: Some(behind.version.clone()),
        behind: Behind::Run(behind.id.clone()),
        ..ship()
    }
}

/// Payments in flight from 1.41.3 to 1.42.0 in `prod/eu-west-1`, and a forge with these runs and gates.
fn model(runs: Vec<Run>, gates: Vec<Gate>) -> Model {
    let mut session = seeing(Vec::new()).session;
    session.sources.push(source("forge", &[("run", Noun::Run), ("gate", Noun::Gate)], 30));
    let mut model = Model::new(session, now(), (120, 36));
    sample::see(&mut model, now(), vec![payments()]);
    let parts = vec![Part::whole(Family::run(), runs), Part::whole(Family::gate(), gates)];
    hears(&mut model, ("forge", "run"), now(), Ok(parts));
    model
}

fn shown(model: &Model) -> Vec<String> {
    let one = |release: &Release| {
        let runs: Vec<_> = release.runs.iter().map(|id| id.path.rsplit('/').next().unwrap()).collect();
        let spots: Vec<_> = release.spots.iter().map(|spot| format!("{:?}", spot.standing)).collect();
        format!("{} runs {} gates {} {}", release.version, runs.join(","), release.gates.len(), spots.join(","))
    };
    model.lineage.of(&"payments".into()).iter().map(one).collect()
}

#[test]
fn a_branch_a_tag_and_an_image_of_one_commit_are_one_release() {
    let main = run(811, Version::tagged("main").at_commit(A), RunStatus::Succeeded);
    let tag = run(812, Version::tagged("1.42.0").at_commit("a1b2c3d"), RunStatus::Waiting);
    let other = run(810, Version::tagged("main").at_commit(B), RunStatus::Succeeded);
    let gate = gate(&tag, "prod");
    let model = model(vec![main, tag, other], vec![gate.clone()]);
    let stable = payments().stable.unwrap();
    let expected = [
        "1.42.0 (a1b2c3d) runs 811,812 gates 1 Arrives".to_owned(),
        "main (b1b2c3d) runs 810 gates 0 ".to_owned(),
        format!("{stable} runs  gates 0 Yields"),
    ];
    assert_eq!(shown(&model), expected);
    let release = model.lineage.release(&model.store, &gate.id).unwrap();
    assert_eq!(model.lineage.release(&model.store, &payments().id), Some(release));
    let path: Vec<u64> = stations(&model.store, release).iter().map(|run| run.number).collect();
    assert_eq!(path, [812], "the newest of each pipeline");
}

#[test]
fn what_waits_is_older_than_live_by_the_run_that_built_that_later_or_by_its_number() {
    let stable = payments().stable.unwrap();
    let old = run(700, Version::tagged("1.40.0").at_commit(B), RunStatus::Waiting);
    let built = run(800, stable.clone(), RunStatus::Succeeded);
    let waits = gate(&old, "prod");
    let older = |runs: Vec<Run>, gate: &Gate| {
        let model = model(runs, vec![gate.clone()]);
        model.lineage.older_than_live(&model.store, &gate.id).map(|older| (older.live, older.by))
    };
    assert_eq!(older(vec![old.clone(), built.clone()], &waits), Some((stable.clone(), Evidence::Run(800))));
    assert_eq!(older(vec![old.clone()], &waits), Some((stable.clone(), Evidence::Number)));
    let elsewhere = Gate { environment: "staging".into(), ..waits.clone() };
    assert_eq!(older(vec![old, built], &elsewhere), None);
    // A branch has no number, and without a run of the same pipeline nobody knows.
    let unknown = run(700, Version::tagged("main").at_commit(B), RunStatus::Waiting);
    assert_eq!(older(vec![unknown.clone()], &gate(&unknown, "prod")), None);
    let newer = run(900, Version::tagged("1.43.0").at_commit(B), RunStatus::Waiting);
    assert_eq!(older(vec![newer.clone()], &gate(&newer, "prod")), None);
}

#[test]
fn a_gate_has_to_do_with_what_flies_where_it_leads_and_with_what_it_lets_through_anywhere() {
    let flying = |version: Version, environment: &str| -> Vec<String> {
        let run = run(812, version, RunStatus::Waiting);
        let gate = gate(&run, environment);
        let model = model(vec![run], vec![gate.clone()]);
        Lineage::flying(&model.store, &gate).map(|rollout| rollout.id.to_string()).collect()
    };
    let payments = payments();
    let (canary, id) = (payments.canary.unwrap(), payments.id.to_string());
    assert_eq!(flying(Version::tagged("2.0.0").at_commit(B), "prod"), std::slice::from_ref(&id));
    assert_eq!(flying(canary, "staging"), [id]);
    assert_eq!(flying(Version::tagged("2.0.0").at_commit(B), "staging"), [""; 0]);
}

#[test]
fn a_card_says_that_it_would_replace_something_newer_or_of_another_major_version() {
    let notes = |tag: &str| {
        let run = run(700, Version::tagged(tag).at_commit(B), RunStatus::Waiting);
        let gate = gate(&run, "prod");
        let model = model(vec![run], vec![gate.clone()]);
        let older = model.lineage.older_than_live(&model.store, &gate.id).map(|older| older.words());
        (older, model.lineage.major_step(&model.store, &gate).map(|(_, step)| step))
    };
    let stable = payments().stable.unwrap();
    let words = format!("older than {stable}, which is live in prod/eu-west-1 (by its number)");
    assert_eq!(notes("1.40.0"), (Some(words.clone()), None));
    assert_eq!(notes("0.9.0"), (Some(words), Some((1, 0))));
    assert_eq!(notes("2.0.0"), (None, Some((1, 2))));
    assert_eq!(notes("1.43.0"), (None, None));
}

#[test]
fn where_no_rollout_tells_what_is_live_the_system_that_asks_may() {
    let old = run(700, Version::tagged("1.40.0").at_commit(B), RunStatus::Waiting);
    let later = run(800, Version::tagged("main").at_commit(A), RunStatus::Succeeded);
    let older = |live: Version| {
        let gate = Gate { live: Some(live), ..gate(&old, "staging") };
        let model = model(vec![old.clone(), later.clone()], vec![gate.clone()]);
        model.lineage.older_than_live(&model.store, &gate.id).map(|older| older.by)
    };
    assert_eq!(older(Version::tagged("1.41.0")), Some(Evidence::Number));
    assert_eq!(older(Version::tagged("main").at_commit(A)), Some(Evidence::Run(800)));
    assert_eq!(older(Version::tagged("1.39.0")), None);
    assert_eq!(older(old.version.clone()), None);
}

#[test]
fn a_version_that_was_put_back_later_makes_none_with_a_higher_number_older() {
    let stable = payments().stable.unwrap();
    let waiting = run(700, Version::tagged("1.43.0").at_commit(B), RunStatus::Waiting);
    let put_back = run(800, stable, RunStatus::Succeeded);
    let gate = gate(&waiting, "prod");
    let model = model(vec![waiting, put_back], vec![gate.clone()]);
    assert_eq!(model.lineage.older_than_live(&model.store, &gate.id), None);
}

#[test]
fn an_unfinished_run_that_was_overtaken_says_so_and_one_that_has_ended_does_not() {
    let overtaken = |status| {
        let old = run(700, Version::tagged("1.40.0").at_commit(B), status);
        let model = model(vec![old.clone()], Vec::new());
        model.lineage.overtaken(&model.store, &old.id).is_some()
    };
    assert!(overtaken(RunStatus::Running) && !overtaken(RunStatus::Succeeded));
}

#[test]
fn what_is_gone_leaves_the_index_and_a_service_without_anything_has_none() {
    let mut model = model(vec![run(812, Version::tagged("1.42.0").at_commit(A), RunStatus::Running)], Vec::new());
    assert_eq!(shown(&model).len(), 2);
    hears(&mut model, ("forge", "run"), now(), Ok(vec![Part::whole(Family::run(), Vec::<Run>::new())]));
    sample::see(&mut model, now(), Vec::new());
    assert_eq!(model.lineage.all().count(), 0);
}
