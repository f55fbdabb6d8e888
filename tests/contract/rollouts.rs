//! The contract of `port::`.

use crate::inventory::{Change, Listing};
use std::time::Duration;

use futures::StreamExt;
use holdshort::{
    domain::{
        observed::FaultKind,
        offer::offer_for,
        rollout::{Arm, Rollout},
        time::Timestamp,
        verb::Verb,
    },
    port::{
        plan::{Ask, Draft, WireCall, fact},
        record::RecordId,
        takeover::Takeover,
    },
};

use crate::stage::{Case, Stage, patched, tag};

const ARGO: Case = Case {
    family: "argo_rollouts",
    facet: holdshort::provider::argo_rollouts::facet,
    name: "payments",
    good: "1.41.3",
    bad: "1.42.0",
};
const DEPLOYMENT: Case = Case {
    family: "deployment",
    facet: holdshort::provider::deployment::facet,
    name: "checkout",
    good: "1.41.3",
    bad: "1.42.0-crash",
};

const STATEFUL_SET: Case = Case {
    family: "stateful_set",
    facet: holdshort::provider::controller_revision::stateful_sets,
    name: "ledger",
    good: "1.41.3",
    bad: "1.42.0-crash",
};

/// Runs each test for each engine.
macro_rules! engines {
    ($($test:ident)*) => {
        engines!(@of argo_rollouts ARGO: $($test)*);
        engines!(@of deployment DEPLOYMENT: $($test)*);
        engines!(@of stateful_set STATEFUL_SET: $($test)*);
    };
    (@of $engine:ident $case:ident: $($test:ident)*) => {
        mod $engine {
            $(#[tokio::test(start_paused = true)]
            async fn $test() {
                super::$test(super::$case).await;
            })*
        }
    };
}

engines! {
    a_list_tells_what_is_there_and_reading_again_tells_the_same
    a_watch_begins_with_everything_and_tells_what_happens
    a_draft_is_bound_to_the_object_and_its_version
    a_restart_that_is_carried_on_is_drawn_up_for_its_own_moment
    what_is_left_of_an_abort_is_drawn_up_the_same_once_its_first_call_was_taken
    an_object_that_moved_is_not_patched
    a_release_that_a_person_paused_goes_back_without_going_on_first
    an_abort_of_what_a_person_paused_comes_to_its_end
    pausing_and_resuming_leave_the_versions_alone
    a_right_that_was_taken_away_is_an_error_and_then_a_blocked_verb
    a_silent_cluster_is_given_up
    a_watch_that_breaks_goes_on
}

async fn a_list_tells_what_is_there_and_reading_again_tells_the_same(case: Case) {
    let stage = Stage::new(case, "");
    assert_eq!(stage.facet.tells()[0].0.as_str(), case.family);
    let rollout = stage.rollout().await;
    assert_eq!((rollout.id.family.as_str(), rollout.in_flight(), rollout.replicas), (case.family, false, 4));
    assert_eq!([tag(rollout.stable.as_ref()), tag(rollout.canary.as_ref())], [case.good; 2]);
    assert_eq!(rollout.way_back().map(Arm::tag).as_deref(), Some("1.41.2"));
    let reading = stage.read(&rollout).await;
    let identity = &rollout.identity;
    assert_eq!(reading.revision.as_ref(), Some(&identity.revision));
    let facts = [fact::UID, fact::CANARY, fact::STABLE].map(|name| reading.facts[name].as_str());
    assert_eq!(facts, [&identity.uid, &identity.canary_hash, &identity.stable_hash]);
    assert!(facts.iter().all(|fact| !fact.is_empty()), "{identity:?}");
}

async fn a_watch_begins_with_everything_and_tells_what_happens(case: Case) {
    let stage = Stage::new(case, "");
    let first = stage.facet.changes().next().await;
    let Some(Ok(Change::All(all))) = first else { panic!("not everything, but {first:?}") };
    assert_eq!(
        all.iter().map(|rollout| (stage.is_mine(rollout), rollout.in_flight())).collect::<Vec<_>>(),
        [(true, false)]
    );
    let moved = stage
        .until(|rollout| tag(rollout.canary.as_ref()) == case.bad && rollout.weight.actual.known() < Some(100))
        .await;
    let moved = moved.expect("the release was never told");
    assert_eq!((moved.in_flight(), tag(moved.stable.as_ref())), (true, case.good));
}

/// The drafts of the verbs that are open.
fn open(stage: &Stage, rollout: &Rollout) -> Vec<(Verb, Draft)> {
    let open = rollout.offers.iter().filter(|offer| offer.blocked.is_none());
    open.map(|offer| (offer.verb, stage.draft(rollout, offer.verb).unwrap())).collect()
}

async fn a_draft_is_bound_to_the_object_and_its_version(case: Case) {
    for in_flight in [false, true] {
        let (stage, rollout) = Stage::when(case, in_flight).await;
        let identity = &rollout.identity;
        for (verb, draft) in open(&stage, &rollout) {
            assert_eq!(draft.bound.get(fact::UID), Some(&identity.uid), "{verb}");
            assert_eq!(draft.bound.get(fact::CANARY), Some(&identity.canary_hash), "{verb}");
        }
    }
}

/// The ask that carries an act on of which so many calls were taken.
fn carried_on(rollout: &Rollout, verb: Verb, sent: usize, moment: Option<Timestamp>) -> Ask {
    let takeover = Takeover {
        record: RecordId(1),
        who: "dana".into(),
        at: chrono::DateTime::UNIX_EPOCH,
        origin: None,
        reason: None,
        sent,
        unanswered: None,
        moment,
        given: [].into(),
        skipped: [].into(),
        owed: Vec::new(),
        releases: false,
        holds: Vec::new(),
        each: Vec::new(),
        verified: false,
        places: Vec::new(),
    };
    Ask { takes_over: Some(Box::new(takeover)), ..Ask::new(verb, rollout.id.clone()) }
}

async fn a_restart_that_is_carried_on_is_drawn_up_for_its_own_moment(case: Case) {
    let stage = Stage::new(case, "");
    let rollout = stage.rollout().await;
    let first = stage.draft(&rollout, Verb::Restart).unwrap();
    stage.pass(Duration::from_mins(1)).await;
    let again = |moment| stage.facet.draft_for(&rollout, &carried_on(&rollout, Verb::Restart, 0, moment)).unwrap();
    assert_eq!(again(first.moment), first);
    let anew = stage.draft(&rollout, Verb::Restart).unwrap();
    assert_ne!(anew.steps, first.steps);
    let yet_to_come = first.moment.map(|at| at + Duration::from_hours(1));
    assert_eq!(again(yet_to_come).steps, anew.steps, "nobody confirmed that");
    let none_left = stage.facet.draft_for(&rollout, &carried_on(&rollout, Verb::Restart, 1, None)).unwrap_err();
    assert_eq!(none_left.to_string(), "it is one call, and that was sent");
}

async fn what_is_left_of_an_abort_is_drawn_up_the_same_once_its_first_call_was_taken(case: Case) {
    let (stage, rollout) = Stage::in_flight(case, "").await;
    let pause = stage.draft(&rollout, Verb::Pause).unwrap();
    stage.carry_out(&rollout, &pause).await;
    let held = stage.rollout().await;
    let abort = stage.draft(&held, Verb::Abort).unwrap();
    if abort.steps.len() == 1 {
        // Of one call nothing is left.
        assert!(stage.facet.draft_for(&held, &carried_on(&held, Verb::Abort, 1, None)).is_err());
        return;
    }
    assert!(stage.facet.draft_for(&held, &carried_on(&held, Verb::Abort, 1, None)).is_err(), "it is not aborted");
    let first = Draft { steps: abort.steps[..1].to_vec(), ..abort.clone() };
    stage.carry_out(&held, &first).await;
    let begun = stage.rollout().await;
    assert_eq!(stage.draft(&begun, Verb::Abort).unwrap_err().to_string(), "it was aborted already");
    let rest = stage.facet.draft_for(&begun, &carried_on(&begun, Verb::Abort, 1, None)).unwrap();
    assert_eq!((&rest.steps, &rest.to, &rest.bound), (&abort.steps, &abort.to, &abort.bound));
    stage.carry_out(&begun, &Draft { steps: rest.steps[1..].to_vec(), ..rest.clone() }).await;
    assert_eq!(stage.misses(&begun, &rest).await, Vec::<String>::new());
    let over = stage.rollout().await;
    let nothing = stage.facet.draft_for(&over, &carried_on(&over, Verb::Abort, 1, None)).unwrap_err();
    assert_eq!(nothing.to_string(), "nothing of it is left to send");
}

async fn an_object_that_moved_is_not_patched(case: Case) {
    for in_flight in [false, true] {
        let (stage, rollout) = Stage::when(case, in_flight).await;
        let seen = stage.read(&rollout).await.revision;
        let drafts = open(&stage, &rollout);
        let calls: Vec<WireCall> = drafts.iter().flat_map(|(_, draft)| draft.calls().cloned()).collect();
        let pause = stage.draft(&rollout, Verb::Pause).unwrap();
        stage.carry_out(&rollout, &pause).await;
        let (written, refused) = stage.writes();
        for (number, call) in calls.iter().enumerate() {
            let error = stage.send(&rollout, call, seen.as_deref()).await.unwrap_err();
            assert_eq!((error.kind, error.maybe_done), (FaultKind::Conflict, false), "{}", call.words);
            assert_eq!(stage.writes(), (written, refused + number + 1), "{}", call.words);
            let unguarded = stage.send(&rollout, call, None).await.unwrap_err();
            assert_eq!((unguarded.kind, unguarded.maybe_done), (FaultKind::Rejected, false), "{}", call.words);
        }
        assert_eq!(stage.patches(), 1 + calls.len(), "what has no revision is not even sent");
    }
}

/// How many pods the version with this hash is to have.
fn desired(rollout: &Rollout, hash: &str) -> u32 {
    let arm = rollout.arms.iter().find(|arm| arm.hash == hash);
    arm.and_then(|arm| arm.pods).map_or(0, |pods| pods.desired)
}

/// The rollout once a person has paused it.
async fn paused_by_a_person(stage: &Stage, rollout: &Rollout) -> Rollout {
    let pause = stage.draft(rollout, Verb::Pause).unwrap();
    stage.carry_out(rollout, &pause).await;
    assert_eq!(stage.misses(rollout, &pause).await, Vec::<String>::new());
    stage.rollout().await
}

async fn a_release_that_a_person_paused_goes_back_without_going_on_first(case: Case) {
    let (stage, rollout) = Stage::in_flight(case, "").await;
    let bad = rollout.identity.canary_hash.clone();
    let pods = |rollout: &Rollout| desired(rollout, &bad);
    let held = paused_by_a_person(&stage, &rollout).await;
    let back = stage.draft(&held, Verb::Rollback).unwrap();
    assert_eq!((tag(back.to.as_ref()), back.steps.len()), (case.good, 1));
    let (before, most) = (stage.writes(), pods(&held));
    stage.carry_out(&held, &back).await;
    let grew = stage.until(|rollout| pods(rollout) > most || !rollout.in_flight()).await.unwrap();
    assert_eq!((grew.in_flight(), grew.held, pods(&grew) > most), (false, false, false));
    assert_eq!(stage.misses(&held, &back).await, Vec::<String>::new());
    assert_eq!(stage.writes(), (before.0 + 1, before.1));
    assert_eq!(tag(grew.canary.as_ref()), case.good);
}

async fn an_abort_of_what_a_person_paused_comes_to_its_end(case: Case) {
    let (stage, rollout) = Stage::in_flight(case, "").await;
    let bad = rollout.identity.canary_hash.clone();
    let pods = |rollout: &Rollout| desired(rollout, &bad);
    let held = paused_by_a_person(&stage, &rollout).await;
    let abort = stage.draft(&held, Verb::Abort).unwrap();
    let (before, most) = (stage.writes(), pods(&held));
    stage.carry_out(&held, &abort).await;
    let grew = stage.until(|rollout| pods(rollout) > most || !rollout.held).await.unwrap();
    assert!(pods(&grew) <= most, "it went on first");
    assert_eq!(stage.misses(&held, &abort).await, Vec::<String>::new());
    let end = stage.rollout().await;
    assert_eq!((end.held, tag(end.stable.as_ref())), (false, case.good));
    assert_eq!(stage.writes(), (before.0 + abort.steps.len(), before.1));
    if case.family == "argo_rollouts" {
        assert_eq!((end.aborted_in_spec, end.weight.actual.known()), (true, Some(0)));
    }
}

async fn pausing_and_resuming_leave_the_versions_alone(case: Case) {
    let (stage, before) = Stage::in_flight(case, "").await;
    let mut last = before.clone();
    for (verb, held) in [(Verb::Pause, true), (Verb::Resume, false)] {
        let draft = stage.draft(&last, verb).unwrap();
        stage.carry_out(&last, &draft).await;
        assert_eq!(stage.misses(&last, &draft).await, Vec::<String>::new(), "{verb}");
        last = stage.rollout().await;
        assert_eq!(last.held, held);
        let versions = |rollout: &Rollout| {
            let Rollout { stable, canary, weight, step, identity, .. } = rollout.clone();
            (stable, canary, weight, step, identity.canary_hash, identity.stable_hash)
        };
        assert_eq!(versions(&last), versions(&before), "{verb}");
    }
}

const READ_ONLY: &str = r#"
    [[systems.script]]
    at = "3m"
    act = { set_rights = { rights = [{ verbs = ["get", "list", "watch"], groups = ["*"], resources = ["*"] }] } }
"#;

async fn a_right_that_was_taken_away_is_an_error_and_then_a_blocked_verb(case: Case) {
    let (stage, rollout) = Stage::in_flight(case, READ_ONLY).await;
    let calls: Vec<WireCall> = open(&stage, &rollout).iter().flat_map(|(_, draft)| draft.calls().cloned()).collect();
    stage.pass(Duration::from_mins(2)).await;
    let revision = stage.read(&rollout).await.revision;
    for call in &calls {
        let error = stage.send(&rollout, call, revision.as_deref()).await.unwrap_err();
        assert_eq!((error.kind, error.maybe_done), (FaultKind::Forbidden, false), "{}", call.words);
        let plural = patched(call).split('/').nth(6).unwrap();
        assert!(error.text.starts_with(&format!("dana may not patch {plural}")), "{}", error.text);
    }
    assert_eq!(stage.writes(), (0, 0));
    // What was allowed is asked again after a while.
    stage.pass(Duration::from_mins(15)).await;
    stage.facet.rollouts().await.unwrap();
    let rollout = stage.rollout().await;
    let back = offer_for(&rollout.offers, Verb::Rollback).unwrap();
    let why = back.blocked.clone().unwrap();
    assert!(why.starts_with("you may not patch ") && why.contains(" in shop on kubernetes-eu: ask "), "{why}");
    assert_eq!(stage.draft(&rollout, Verb::Rollback).unwrap_err().0, why);
}

async fn a_silent_cluster_is_given_up(case: Case) {
    let stage = Stage::new(case, "[[faults]]\non = '/kubernetes/eu'\nfrom = '1m'\nwhat = 'hang'\n");
    assert_eq!(stage.facet.probe().await, Ok(()));
    stage.pass(Duration::from_mins(1)).await;
    let error = stage.facet.probe().await.unwrap_err();
    assert_eq!((error.kind, error.maybe_done), (FaultKind::TimedOut, false));
    assert!(error.text.contains("kubernetes-eu"), "{}", error.text);
}

async fn a_watch_that_breaks_goes_on(case: Case) {
    let name = case.name;
    if case.family == "stateful_set" {
        // Nobody pauses one by a word of its spec.
        return;
    }
    let extra = format!(
        "[[systems.script]]\nat = '2m'\nact = {{ set_paused = {{ namespace = 'shop', name = '{name}', paused = true }} }}\n\
         [[faults]]\non = '/kubernetes/eu'\nfrom = '1m'\nwhat = 'drop_watch'\n"
    );
    let stage = Stage::new(case, &extra);
    let held = stage.until(|rollout| rollout.held).await.expect("the pause was never told");
    assert_eq!(tag(held.canary.as_ref()), case.bad);
    assert_eq!(stage.streams(), 4, "one of objects and one of their sets, each opened twice");
}

#[tokio::test(start_paused = true)]
async fn without_its_custom_kinds_an_engine_says_what_is_missing_and_the_others_go_on() {
    let argo = Stage::without_crds(ARGO);
    let sentence = "Argo Rollouts is not installed on kubernetes-eu (no rollouts.argoproj.io): \
                    install it, or take it out of `engines`";
    for error in [argo.facet.rollouts().await.unwrap_err(), argo.facet.probe().await.unwrap_err()] {
        assert_eq!((error.kind, error.text.as_str()), (FaultKind::Missing, sentence));
    }
    let deployments = Stage::without_crds(DEPLOYMENT);
    assert_eq!(tag(deployments.rollout().await.canary.as_ref()), DEPLOYMENT.good);
}
