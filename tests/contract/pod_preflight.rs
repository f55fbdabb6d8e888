//! Whether a version can take the traffic, read through the API server of the built-in world: pods that must start, what they need, what
//! bounds them, who writes the spec, how long they took; and a refusal that names the right that is missing (F4).

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use holdshort::{
    demo::{scenario::Scenario, shared::SharedWorld, transport::transport, world::World},
    domain::{
        item::Item,
        observed::FaultKind,
        offer::Risk,
        preflight::{About, Grade, Heading, Preflight, Takes},
        rollout::{Role, Rollout},
    },
    port::{
        clock::SharedClock,
        error::ProviderError,
        inventory::Inventory,
        lookup::{Question, Told},
    },
    provider::{
        deployment,
        kubernetes::{Cluster, Scope, preflight},
    },
    runtime::clock::VirtualClock,
};

const SCENARIO: &str = r#"
name = "preflight"
about = "a Deployment that was released twice, and what bounds its pods"
start = "2026-03-10T09:00:00Z"
open_at = "5m"
seed = 5

[[systems]]
kind = "kubernetes"
name = "eu"
environment = "prod/eu-west-1"
risk = "high"
connection = "kubernetes-eu"

[systems.cluster]
RIGHTS
BOUNDS

[[systems.cluster.deployments]]
namespace = "shop"
name = "payments"
replicas = 4
image = "registry.shop.example/payments"
env = [{ name = "URL", valueFrom = { configMapKeyRef = { name = "urls", key = "KEY" } } }]
env_from = [{ configMapRef = { name = "env" } }]
history = [
  { tag = "1.0.0", commit = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432", ago = "3d" },
  { tag = "1.1.0", commit = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678", ago = "1d" },
]

[[systems.cluster.config_maps]]
namespace = "shop"
name = "urls"
data = { pay = "https://pay.example" }

MAPS

[[systems.script]]
at = "1m"
act = { set_image = { namespace = "shop", name = "payments", tag = "1.2.0", commit = "c0ffee1234567890abcdef1234567890abcdef12", irreversible = "it dropped a column" } }
"#;

const MAP: &str = "[[systems.cluster.config_maps]]\nnamespace = 'shop'\nname = 'env'\ndata = { LEVEL = 'warn' }\n";

/// What is told of the version with this tag, in this world.
async fn told((rights, bounds, maps): (&str, &str, &str), key: &str, tag: &str) -> Result<Preflight, ProviderError> {
    let text = SCENARIO.replace("RIGHTS", rights).replace("BOUNDS", bounds).replace("MAPS", maps).replace("KEY", key);
    let scenario = Scenario::parse("preflight", &text).unwrap();
    let clock: SharedClock = Arc::new(VirtualClock::starting_at(scenario.start));
    let world = SharedWorld::new(World::new(&scenario).unwrap());
    clock.sleep(Duration::from_mins(5)).await;
    let transport = transport(world, clock.clone(), "/kubernetes/eu");
    let scope = Scope::new("eu".into(), "prod/eu-west-1".into(), Risk::High, vec!["shop".into()]);
    let cluster = Cluster::new(transport, scope, clock);
    let engine = deployment::engine(Arc::clone(&cluster));
    let heard: Vec<_> = engine.list(Vec::new()).collect().await;
    let mut items = heard.into_iter().flat_map(|heard| heard.parts.unwrap()).flat_map(|part| part.items);
    let rollout = items.find_map(|item| match item {
        Item::Rollout(rollout) => Some(*rollout),
        _ => None,
    });
    let rollout: Rollout = rollout.unwrap();
    let called = |tag: &str| rollout.arm_called(tag).map_or_else(|| tag.to_owned(), |arm| arm.hash.clone());
    let heading =
        if rollout.side(Role::Canary).is_some_and(|arm| arm.tag() == tag) { Heading::On } else { Heading::Back };
    let question = Question::Preflight { rollout: rollout.id.clone(), hash: called(tag), heading };
    let lookup = preflight::lookup(&cluster, vec![engine]);
    let told: Vec<_> = lookup.ask(question).collect().await;
    let [only] = <[_; 1]>::try_from(told).unwrap();
    only.map(|told| match told {
        Told::Preflight(preflight) => preflight,
        other => panic!("{other:?}"),
    })
}

fn of(told: &Preflight, about: About) -> Vec<(Grade, &str)> {
    told.checks.iter().filter(|check| check.about == about).map(|check| (check.grade, check.words.as_str())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_version_whose_pods_must_start_is_told_with_how_long_its_last_ones_took() {
    let told = told(("", "", MAP), "pay", "1.1.0").await.unwrap();
    let data = "1.2.0 says that nobody can go back from it: it dropped a column";
    assert_eq!(of(&told, About::Data), [(Grade::Red, data)]);
    assert_eq!(of(&told, About::Configuration), [(Grade::Good, "ConfigMap env, ConfigMap urls are there")]);
    assert_eq!(told.to_start, 4);
    assert_eq!(told.images[0].name, "registry.shop.example/payments:1.1.0");
    let Takes::About { span, batches } = told.takes else { panic!("{:?}", told.takes) };
    assert!(batches == 2 && span <= Duration::from_secs(16), "{span:?}");
    let interrupts = ["1 of 4 pods is missing while they turn over", "connections to 4 pods of 1.2.0 end within 30 s"];
    assert_eq!(told.interrupts, interrupts);
}

#[tokio::test(start_paused = true)]
async fn settings_that_are_gone_are_red_and_named_by_their_keys() {
    let told = told(("", "", ""), "gone", "1.1.0").await.unwrap();
    let expected = [
        (Grade::Red, "ConfigMap env is not there: pods of it cannot start"),
        (Grade::Red, "ConfigMap urls has no key gone: pods of it cannot start"),
    ];
    assert_eq!(of(&told, About::Configuration), expected);
}

#[tokio::test(start_paused = true)]
async fn quotas_autoscalers_and_budgets_say_how_much_they_leave() {
    let bounds = r#"bounds = [
        { kind = "ResourceQuota", metadata = { namespace = "shop", name = "pods" }, status = { hard = { pods = "5" }, used = { pods = "4" } } },
        { kind = "ResourceQuota", metadata = { namespace = "shop", name = "disks" }, status = { hard = { persistentvolumeclaims = "0" } } },
        { kind = "HorizontalPodAutoscaler", metadata = { namespace = "shop", name = "pay" }, spec = { scaleTargetRef = { kind = "Deployment", name = "payments" }, maxReplicas = 4 }, status = { desiredReplicas = 4 } },
        { kind = "HorizontalPodAutoscaler", metadata = { namespace = "shop", name = "other" }, spec = { scaleTargetRef = { kind = "Deployment", name = "web" }, maxReplicas = 1 }, status = { desiredReplicas = 1 } },
        { kind = "PodDisruptionBudget", metadata = { namespace = "shop", name = "pay" }, spec = { selector = { matchLabels = { app = "payments" } } }, status = { disruptionsAllowed = 0, currentHealthy = 3, desiredHealthy = 4 } },
    ]"#;
    let told = told(("", bounds, MAP), "pay", "1.1.0").await.unwrap();
    let room = "the quota pods leaves room for 1 of 2 pods that start at once (pods)";
    assert_eq!(of(&told, About::Quota), [(Grade::Amber, room)]);
    assert_eq!(of(&told, About::Autoscaler), [(Grade::Amber, "the autoscaler pay is at its most, 4 pods")]);
    assert_eq!(of(&told, About::Disruption), [(Grade::Amber, "the budget pay asks for 4 healthy pods, and 3 are")]);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_read_is_unknown_and_the_right_is_named() {
    let rights = r#"rights = [
        { verbs = ["*"], groups = ["apps"], resources = ["*"] },
        { verbs = ["list"], groups = [""], resources = ["pods"] },
    ]"#;
    let told = told((rights, "", MAP), "pay", "1.1.0").await.unwrap();
    for about in [About::Quota, About::Autoscaler, About::Disruption] {
        let [(grade, _)] = <[_; 1]>::try_from(of(&told, about)).unwrap();
        assert_eq!(grade, Grade::Unknown, "{about}");
    }
    let ways: Vec<_> = told.checks.iter().filter_map(|check| check.way.as_deref()).collect();
    let rights =
        ["resourcequotas", "horizontalpodautoscalers.autoscaling", "poddisruptionbudgets.policy", "configmaps"];
    for right in rights {
        assert!(ways.contains(&format!("get the right to list {right}").as_str()), "{right}: {ways:?}");
    }
    assert!(told.checks.iter().all(|check| check.about == About::Data || check.grade == Grade::Unknown), "{told:#?}");
}

#[tokio::test(start_paused = true)]
async fn where_every_pod_runs_nothing_is_looked_for_that_only_pods_that_start_need() {
    let told = told(("", "", ""), "gone", "1.2.0").await.unwrap();
    assert_eq!((told.takes, told.to_start, told.checks.len()), (Takes::AtOnce, 0, 0), "{told:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_version_that_nobody_knows_is_missing() {
    let error = told(("", "", ""), "pay", "9.9.9").await.unwrap_err();
    assert_eq!(error.kind, FaultKind::Missing, "{error:?}");
}
