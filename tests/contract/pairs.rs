//! Two Deployments behind one Service over the built-in world, from a verb to what came of it: a canary by label, and blue and green
//! between which the Service's selector is switched.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;

use holdshort::{
    domain::{
        form::{Args, Value},
        rollout::{Phase, Role, Rollout, Share, Strategy},
        verb::Verb,
    },
    port::{
        inventory::Inventory,
        plan::{Ask, Draft, Expect},
        step::Step,
    },
    provider::kubernetes::Cluster,
};

use crate::{
    inventory::{Change, Listing},
    stage::{Case, Stage, tag},
};

const CANARY: Case = Case {
    family: "deployment_pair",
    facet: holdshort::provider::deployment_pair::facet,
    name: "cart",
    good: "4.0.0",
    bad: "4.1.0",
};
const SWITCH: Case = Case { name: "web", good: "1.0.0", bad: "1.1.0", ..CANARY };
/// Deployments of a cluster on which pairs are looked for, too.
const PLAIN: Case = Case { family: "deployment", facet: beside_pairs, ..CANARY };

fn beside_pairs(cluster: Arc<Cluster>) -> Arc<dyn Inventory> {
    let pairs = holdshort::provider::deployment_pair::facet(Arc::clone(&cluster));
    tokio::spawn(async move { pairs.rollouts().await });
    holdshort::provider::deployment::facet(cluster)
}

fn deployment(name: &str, app: &str, label: &str, replicas: u32, history: &str) -> String {
    format!(
        "[[systems.cluster.deployments]]\nnamespace = 'shop'\nname = '{name}'\napp = '{app}'\nreplicas = {replicas}\n\
         image = 'r/{app}'\nlabels = {{ {label} }}\nhistory = [{history}]\n"
    )
}

fn release(tag: &str, days: u32) -> String {
    format!("{{ tag = '{tag}', commit = 'c', ago = '{days}d' }}")
}

/// Eight stable pods, and two of a canary.
fn cart(more: &str) -> String {
    let stable = format!("{}, {}", release("3.9.0", 20), release("4.0.0", 9));
    [
        deployment("cart", "cart", "track = 'stable'", 8, &stable),
        deployment("cart-canary", "cart", "track = 'canary'", 2, &release("4.1.0", 1)),
        "[[systems.cluster.services]]\nnamespace = 'shop'\nname = 'cart'\nselector = { app = 'cart' }\n".to_owned(),
        more.to_owned(),
    ]
    .join("\n")
}

/// Blue serves, and green stands ready with so many pods.
fn web(green: u32, more: &str) -> String {
    [
        deployment("web-blue", "web", "slot = 'blue'", 4, &release("1.0.0", 9)),
        deployment("web-green", "web", "slot = 'green'", green, &release("1.1.0", 1)),
        "[[systems.cluster.services]]\nnamespace = 'shop'\nname = 'web'\nselector = { app = 'web', slot = 'blue' }\n"
            .to_owned(),
        more.to_owned(),
    ]
    .join("\n")
}

/// Carries a draft out as the executor does: each step once what the one before it expects is observed.
async fn carried_out(stage: &Stage, rollout: &Rollout, draft: &Draft) -> Rollout {
    for Step { call, expect, .. } in &draft.steps {
        let revision = stage.read(rollout).await.revision;
        stage.send(rollout, call, revision.as_deref()).await.unwrap();
        if let Some(expect) = expect {
            let watched = Draft { expect: expect.clone(), ..draft.clone() };
            assert_eq!(stage.misses(rollout, &watched).await, Vec::<String>::new(), "{}", call.words);
        }
    }
    assert_eq!(stage.misses(rollout, draft).await, Vec::<String>::new());
    stage.rollout().await
}

fn lines(draft: &Draft) -> Vec<&str> {
    draft.steps.iter().map(|step| step.call.command.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_canary_by_label_is_one_rollout_and_its_deployments_are_none_of_their_own() {
    let stage = Stage::new(CANARY, &cart(""));
    let rollout = stage.rollout().await;
    assert_eq!((tag(rollout.stable.as_ref()), tag(rollout.canary.as_ref())), ("4.0.0", "4.1.0"));
    assert_eq!((rollout.strategy, rollout.phase, rollout.replicas), (Strategy::Canary, Phase::Paused, 10));
    assert_eq!((rollout.weight.declared, rollout.weight.actual), (20, Share::ByPods(20)));
    let said = "cart-canary has 2 of 10 pods; nothing moves it by itself";
    assert_eq!(rollout.message.as_deref(), Some(said));
    let arms: Vec<_> = rollout.arms.iter().map(|arm| (arm.role, arm.tag(), arm.pods.unwrap().ready)).collect();
    let expected = [
        (Role::Canary, "4.1.0".to_owned(), 2),
        (Role::Stable, "4.0.0".to_owned(), 8),
        (Role::Old, "3.9.0".to_owned(), 0),
    ];
    assert_eq!(arms, expected);
    // No other Service of the scenario is a rollout, and a canary is recognised without a word of the configuration.
    assert_eq!(stage.facet.rollouts().await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_pair_is_made_of_is_claimed_from_the_deployments() {
    let stage = Stage::new(PLAIN, &cart(""));
    let Some(Ok(Change::All(all))) = stage.facet.changes().next().await else { panic!("not everything") };
    let names: Vec<&str> = all.iter().map(|one| one.id.path.as_str()).collect();
    assert_eq!(names, ["shop/checkout"], "the other two are one release, and told as that");
}

#[tokio::test(start_paused = true)]
async fn an_abort_takes_the_canary_s_pods_away_and_says_what_it_still_holds() {
    let stage = Stage::new(CANARY, &cart(""));
    let rollout = stage.rollout().await;
    let abort = stage.draft(&rollout, Verb::Abort).unwrap();
    assert_eq!(abort.effect, "20 % → 0 % on 4.1.0 (c); 4.0.0 (c) everywhere");
    assert_eq!(lines(&abort), ["kubectl -n shop scale deployment/cart-canary --replicas=0"]);
    assert_eq!(abort.notes, ["cart-canary still holds 4.1.0 (c): whoever scales it up brings it back"]);
    let over = carried_out(&stage, &rollout, &abort).await;
    assert_eq!((over.in_flight(), tag(over.stable.as_ref()), over.replicas), (false, "4.0.0", 8));
    assert_eq!(over.way_back().map(holdshort::domain::rollout::Arm::tag).as_deref(), Some("3.9.0"));
}

#[tokio::test(start_paused = true)]
async fn a_full_promotion_gives_the_stable_side_the_version_and_then_takes_the_canary_away() {
    let stage = Stage::new(CANARY, &cart(""));
    let rollout = stage.rollout().await;
    let promote = stage.draft(&rollout, Verb::PromoteFull).unwrap();
    let words: Vec<&str> = promote.steps.iter().map(|step| step.call.words.as_str()).collect();
    assert_eq!(words, ["give cart the template of cart-canary", "scale cart-canary to 0 pods"]);
    let over = carried_out(&stage, &rollout, &promote).await;
    assert_eq!((over.in_flight(), tag(over.stable.as_ref()), over.phase), (false, "4.1.0", Phase::Healthy));
    // The way back is the stable side's own history.
    let back = stage.draft(&over, Verb::Rollback).unwrap();
    assert_eq!(lines(&back), ["kubectl -n shop rollout undo deployment/cart --to-revision=2"]);
    let before = carried_out(&stage, &over, &back).await;
    assert_eq!((before.in_flight(), tag(before.stable.as_ref())), (false, "4.0.0"));
}

#[tokio::test(start_paused = true)]
async fn the_share_of_a_canary_is_set_by_its_pods() {
    let stage = Stage::new(CANARY, &cart(""));
    let rollout = stage.rollout().await;
    let asked = |pods: &str| {
        let args = Args::none().with("pods", Value::Text(pods.to_owned()));
        let ask = Ask { args, ..Ask::new(Verb::Set, rollout.id.clone()) };
        stage.facet.draft_for(&rollout, &ask)
    };
    let set = asked("8").unwrap();
    assert_eq!(set.effect, "20 % → 50 % of the pods on 4.1.0 (c) (2 → 8 of 16)");
    assert_eq!(lines(&set), ["kubectl -n shop scale deployment/cart-canary --current-replicas=2 --replicas=8"]);
    for wrong in ["0", "many", "2"] {
        assert!(asked(wrong).is_err(), "{wrong}");
    }
    let over = carried_out(&stage, &rollout, &set).await;
    assert_eq!(over.weight.actual, Share::ByPods(50));
}

#[tokio::test(start_paused = true)]
async fn blue_and_green_are_switched_at_once_and_back_while_the_old_one_runs() {
    let stage = Stage::new(SWITCH, &web(4, ""));
    let rollout = stage.rollout().await;
    assert_eq!(
        (rollout.strategy, rollout.phase, rollout.weight.actual),
        (Strategy::BlueGreen, Phase::Paused, Share::Told(0))
    );
    assert_eq!((tag(rollout.stable.as_ref()), tag(rollout.canary.as_ref())), ("1.0.0", "1.1.0"));
    let promote = stage.draft(&rollout, Verb::PromoteFull).unwrap();
    assert_eq!(promote.effect, "all traffic from 1.0.0 (c) to 1.1.0 (c), at once");
    assert_eq!(promote.notes, ["4 pods of 1.1.0 (c) are ready and carry slot=green; 4 carry the traffic now"]);
    assert_eq!(promote.expect.all, [Expect::is("serving", "web-green")]);
    assert!(promote.steps[0].call.is_guarded());
    let over = carried_out(&stage, &rollout, &promote).await;
    assert_eq!((over.in_flight(), tag(over.stable.as_ref()), over.phase), (false, "1.1.0", Phase::Healthy));
    let back = stage.draft(&over, Verb::Rollback).unwrap();
    assert_eq!(back.effect, "all traffic from 1.1.0 (c) to 1.0.0 (c), at once");
    let before = carried_out(&stage, &over, &back).await;
    assert_eq!((before.in_flight(), tag(before.stable.as_ref())), (true, "1.0.0"));
}

#[tokio::test(start_paused = true)]
async fn a_side_that_would_not_carry_the_traffic_is_not_switched_to() {
    let stage = Stage::new(SWITCH, &web(1, ""));
    let rollout = stage.rollout().await;
    let why = "web-green has 1 pods ready, and 4 carry the traffic now: scale it up first (kubectl -n shop scale \
               deployment/web-green --replicas=4)";
    assert_eq!(stage.draft(&rollout, Verb::PromoteFull).unwrap_err().0, why);
    let why = "nobody is on what stands ready: all traffic is on web-blue; abort takes its pods away";
    assert_eq!(stage.draft(&rollout, Verb::Rollback).unwrap_err().0, why);
    let abort = stage.draft(&rollout, Verb::Abort).unwrap();
    let over = carried_out(&stage, &rollout, &abort).await;
    assert_eq!((over.in_flight(), tag(over.stable.as_ref())), (false, "1.0.0"));
    for verb in [Verb::Promote, Verb::Pause, Verb::Set, Verb::Restart, Verb::PromoteFull] {
        assert!(stage.draft(&over, verb).is_err(), "{verb}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_side_without_pods_is_no_way_back() {
    let gone =
        "[[systems.script]]\nat = '1m'\nact = { scale = { namespace = 'shop', name = 'web-blue', replicas = 0 } }\n";
    let stage = Stage::new(SWITCH, &web(4, gone));
    let rollout = stage.rollout().await;
    let promote = stage.draft(&rollout, Verb::PromoteFull).unwrap();
    carried_out(&stage, &rollout, &promote).await;
    stage.pass(Duration::from_mins(2)).await;
    let over = stage.rollout().await;
    let why = "web-blue runs no pods now, so that nobody would answer: scale it up first (kubectl -n shop scale deployment/web-blue \
               --replicas=4)";
    assert_eq!(stage.draft(&over, Verb::Rollback).unwrap_err().0, why);
}

#[tokio::test(start_paused = true)]
async fn a_declared_pair_of_which_one_is_missing_is_unknown_and_says_so() {
    let alone = [
        deployment("web-blue", "web", "slot = 'blue'", 4, &release("1.0.0", 9)),
        "[[systems.cluster.services]]\nnamespace = 'shop'\nname = 'web'\nselector = { app = 'web', slot = 'blue' }\n"
            .to_owned(),
    ];
    let stage = Stage::new(SWITCH, &alone.join("\n"));
    let rollout = stage.rollout().await;
    let why = "there is no Deployment web-green, which is one of the two that it is to have";
    assert_eq!((rollout.phase, rollout.message.as_deref()), (Phase::Unknown, Some(why)));
    assert!(rollout.offers.iter().all(|offer| offer.blocked.as_deref() == Some(why)), "{:?}", rollout.offers);
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_moved_meanwhile_is_not_sent() {
    let stage = Stage::new(SWITCH, &web(4, ""));
    let rollout = stage.rollout().await;
    let promote = stage.draft(&rollout, Verb::PromoteFull).unwrap();
    let before = stage.read(&rollout).await.revision;
    carried_out(&stage, &rollout, &promote).await;
    let error = stage.send(&rollout, &promote.steps[0].call, before.as_deref()).await.unwrap_err();
    assert!(!error.maybe_done, "{error:?}");
}
