//! `StatefulSets` and `DaemonSets` over the built-in world, from a verb to what came of it: what the engines' common contract does not ask.

use std::time::Duration;

use holdshort::{
    domain::{
        rollout::{Phase, Rollout},
        verb::Verb,
    },
    port::plan::Draft,
};

use crate::stage::{Case, Stage, tag};

const ORDERED: Case = Case {
    family: "stateful_set",
    facet: holdshort::provider::controller_revision::stateful_sets,
    name: "orders",
    good: "2.0.0",
    bad: "2.1.0",
};
const DAEMON_SET: Case = Case {
    family: "daemon_set",
    facet: holdshort::provider::controller_revision::daemon_sets,
    name: "agent",
    good: "2.0.0",
    bad: "2.1.0",
};

/// Five pods in order, whose next version comes after ten seconds; `more` goes into the `StatefulSet`, `cluster` into the cluster.
fn orders(more: &str, script: &str) -> String {
    format!(
        "[[systems.cluster.stateful_sets]]\nnamespace = 'shop'\nname = 'orders'\nreplicas = 5\nimage = 'r/orders'\n{more}\n\
         history = [{{ tag = '1.9.0', commit = 'a' }}, {{ tag = '2.0.0', commit = 'b' }}]\n{}\n{script}",
        release("orders")
    )
}

fn release(name: &str) -> String {
    format!(
        "[[systems.script]]\nat = '10s'\n\
         act = {{ set_image = {{ namespace = 'shop', name = '{name}', tag = '2.1.0', commit = 'c' }} }}\n"
    )
}

const CRASHES: &str = "[[systems.script]]\nat = '5s'\nact = { set_crashing = { tag = '2.1.0', crashing = true } }\n";

fn agent(script: &str) -> String {
    format!(
        "[[systems.cluster.daemon_sets]]\nnamespace = 'shop'\nname = 'agent'\nimage = 'r/agent'\n\
         history = [{{ tag = '1.9.0', commit = 'a' }}, {{ tag = '2.0.0', commit = 'b' }}]\n{}\n{script}",
        release("agent")
    )
}

async fn carried_out(stage: &Stage, rollout: &Rollout, draft: &Draft) -> Rollout {
    stage.carry_out(rollout, draft).await;
    assert_eq!(stage.misses(rollout, draft).await, Vec::<String>::new());
    stage.rollout().await
}

fn told(rollout: &Rollout) -> (Phase, Option<&str>, Option<u32>) {
    (rollout.phase, rollout.message.as_deref(), rollout.weight.actual.known())
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_a_stateful_set_where_it_is_and_a_resume_lets_it_go_on() {
    let stage = Stage::new(ORDERED, &orders("", ""));
    let moved = |rollout: &Rollout| rollout.weight.actual.known().is_some_and(|share| (40..100).contains(&share));
    let rollout = stage.until(moved).await.unwrap();
    let pause = stage.draft(&rollout, Verb::Pause).unwrap();
    assert_eq!(pause.effect, "stays at 2 of 5 pods until somebody resumes it");
    carried_out(&stage, &rollout, &pause).await;
    stage.pass(Duration::from_mins(3)).await;
    let held = stage.rollout().await;
    assert_eq!(told(&held), (Phase::Paused, Some("stays at 2 of 5 pods, by partition 3"), Some(40)));
    assert!(held.held);
    let resume = stage.draft(&held, Verb::Resume).unwrap();
    carried_out(&stage, &held, &resume).await;
    stage.pass(Duration::from_mins(3)).await;
    let over = stage.rollout().await;
    assert_eq!((told(&over), tag(over.stable.as_ref())), ((Phase::Healthy, None, Some(100)), "2.1.0"));
}

#[tokio::test(start_paused = true)]
async fn a_partition_of_the_spec_holds_it_until_a_promote_and_next_lets_one_pod_go_on() {
    let stage = Stage::new(ORDERED, &orders("partition = 3", ""));
    stage.pass(Duration::from_mins(3)).await;
    let held = stage.rollout().await;
    assert_eq!(told(&held), (Phase::Paused, Some("stays at 2 of 5 pods, by partition 3"), Some(40)));
    assert_eq!((held.held, held.weight.declared), (false, 40));
    let resume = stage.draft(&held, Verb::Resume).unwrap_err().0;
    assert!(resume.contains("promote lets the others go on, next batch one more"), "{resume}");
    let next = stage.draft(&held, Verb::Next).unwrap();
    assert_eq!(next.effect, "2 → 3 of 5 pods on 2.1.0 (c)");
    let held = carried_out(&stage, &held, &next).await;
    assert_eq!(told(&held), (Phase::Paused, Some("stays at 3 of 5 pods, by partition 2"), Some(60)));
    let promote = stage.draft(&held, Verb::Promote).unwrap();
    let over = carried_out(&stage, &held, &promote).await;
    assert_eq!((over.in_flight(), tag(over.stable.as_ref())), (false, "2.1.0"));
}

#[tokio::test(start_paused = true)]
async fn a_broken_pod_in_order_is_named_before_a_roll_back_and_keeps_it_until_it_is_deleted() {
    let deleted = "[[systems.script]]\nat = '30m'\nact = { delete_pod = { namespace = 'shop', name = 'orders-4' } }\n";
    let stage = Stage::new(ORDERED, &orders("", &format!("{CRASHES}{deleted}")));
    stage.pass(Duration::from_mins(2)).await;
    let rollout = stage.rollout().await;
    assert_eq!(
        rollout.troubles,
        ["the only pod of 2.1.0 (c): CrashLoopBackOff: back-off 10s restarting failed container"]
    );
    let abort = stage.draft(&rollout, Verb::Abort).unwrap();
    let way = "the controller waits until orders-4 is ready before it puts any pod back, which a broken pod never is \
               (kubernetes#67250): once this is sent, delete it: kubectl -n shop delete pod orders-4";
    assert!(abort.notes.iter().any(|note| note == way), "{:?}", abort.notes);
    let waits = carried_out(&stage, &rollout, &abort).await;
    assert_eq!((waits.phase, tag(waits.canary.as_ref())), (Phase::Progressing, "2.0.0"));
    stage.pass(Duration::from_mins(10)).await;
    assert_eq!(stage.rollout().await.message.as_deref(), Some("4 of 5 new pods have been updated"));
    stage.pass(Duration::from_mins(25)).await;
    let over = stage.rollout().await;
    assert_eq!((told(&over), tag(over.stable.as_ref())), ((Phase::Healthy, None, Some(100)), "2.0.0"));
    assert_eq!(over.put_back().map(|back| back.left.tag()).as_deref(), Some("2.1.0"));
}

#[tokio::test(start_paused = true)]
async fn a_roll_back_to_a_named_version_lifts_the_partition_that_would_keep_pods_from_it() {
    let stage = Stage::new(ORDERED, &orders("partition = 3", ""));
    stage.pass(Duration::from_mins(3)).await;
    let held = stage.rollout().await;
    let named = holdshort::domain::form::Args::back_to(Some("1.9.0"));
    let ask =
        holdshort::port::plan::Ask { args: named, ..holdshort::port::plan::Ask::new(Verb::Rollback, held.id.clone()) };
    let back = holdshort::port::inventory::Inventory::draft(&*stage.facet, &held.clone().into(), &ask).unwrap();
    let command = &back.steps[0].call.command;
    let by_hand =
        "kubectl -n shop rollout undo statefulset/orders --to-revision=1 && kubectl -n shop patch statefulsets.apps";
    assert!(command.starts_with(by_hand), "{command}");
    let over = carried_out(&stage, &held, &back).await;
    assert_eq!((over.in_flight(), tag(over.stable.as_ref())), (false, "1.9.0"));
}

#[tokio::test(start_paused = true)]
async fn with_on_delete_a_roll_back_changes_what_is_asked_for_and_says_that_pods_must_be_deleted() {
    let stage = Stage::new(ORDERED, &orders("on_delete = true", ""));
    stage.pass(Duration::from_mins(2)).await;
    let rollout = stage.rollout().await;
    let said = "0 of 5 pods are of it: the others take it on when they are deleted (OnDelete)";
    assert_eq!(told(&rollout), (Phase::Paused, Some(said), Some(0)));
    let why = "its update strategy is OnDelete, so no pod is exchanged by itself: delete the pods that are to be";
    for verb in [Verb::Pause, Verb::Promote, Verb::Next, Verb::Restart] {
        assert_eq!(stage.draft(&rollout, verb).unwrap_err().0, why, "{verb}");
    }
    let abort = stage.draft(&rollout, Verb::Abort).unwrap();
    assert!(abort.notes.iter().any(|note| note.contains("each pod goes back when you delete it")), "{:?}", abort.notes);
    let over = carried_out(&stage, &rollout, &abort).await;
    assert_eq!((over.in_flight(), tag(over.canary.as_ref())), (false, "2.0.0"));
}

#[tokio::test(start_paused = true)]
async fn a_daemon_set_that_does_not_arrive_is_put_back_node_by_node() {
    let stage = Stage::new(DAEMON_SET, &agent(CRASHES));
    stage.pass(Duration::from_mins(2)).await;
    let rollout = stage.rollout().await;
    assert_eq!((tag(rollout.stable.as_ref()), tag(rollout.canary.as_ref())), ("2.0.0", "2.1.0"));
    assert_eq!(told(&rollout), (Phase::Progressing, Some("1 of 3 new pods have been updated"), Some(0)));
    let why = "a DaemonSet has nothing that holds it, so it cannot pause: abort puts back what served before";
    assert_eq!(stage.draft(&rollout, Verb::Pause).unwrap_err().0, why);
    let abort = stage.draft(&rollout, Verb::Abort).unwrap();
    let over = carried_out(&stage, &rollout, &abort).await;
    assert_eq!((told(&over), tag(over.stable.as_ref())), ((Phase::Healthy, None, Some(100)), "2.0.0"));
}

#[tokio::test(start_paused = true)]
async fn a_daemon_set_is_restarted_and_rolled_back_to_what_ran_before() {
    let stage = Stage::new(DAEMON_SET, &agent(""));
    stage.pass(Duration::from_mins(5)).await;
    let rollout = stage.rollout().await;
    assert_eq!((rollout.in_flight(), rollout.replicas, tag(rollout.stable.as_ref())), (false, 3, "2.1.0"));
    let restart = stage.draft(&rollout, Verb::Restart).unwrap();
    assert_eq!(restart.effect, "replaces 3 pods one after the other; the version stays");
    let again = carried_out(&stage, &rollout, &restart).await;
    assert_eq!((again.in_flight(), tag(again.stable.as_ref())), (false, "2.1.0"));
    // What a restart left behind is the same version, and no way back.
    let back = stage.draft(&again, Verb::Rollback).unwrap();
    assert_eq!(back.to.as_ref().map(|version| version.tag.as_str()), Some("2.0.0"));
    let over = carried_out(&stage, &again, &back).await;
    assert_eq!((over.in_flight(), tag(over.stable.as_ref())), (false, "2.0.0"));
}

const ONLY_OBJECTS: &str = "[[systems.script]]\nat = '0s'\nact = { set_rights = { rights = [{ verbs = ['get', 'list', 'watch'], \
                            groups = ['apps'], resources = ['statefulsets'] }] } }\n";

#[tokio::test(start_paused = true)]
async fn versions_that_may_not_be_read_are_unknown_and_not_none() {
    let stage = Stage::new(ORDERED, &orders("", ONLY_OBJECTS));
    stage.pass(Duration::from_mins(2)).await;
    let rollout = stage.rollout().await;
    let unknown = &rollout.unknown[0];
    assert!(
        unknown.what.starts_with("its ControllerRevisions could not be read, so its versions are not known"),
        "{unknown:?}"
    );
    assert_eq!(unknown.way, "get the right to list controllerrevisions.apps");
    assert!(rollout.offers.iter().find(|offer| offer.verb == Verb::Rollback).unwrap().blocked.is_some());
}
