//! What pods are given, read through the API server of the built-in world: the template's variables, ConfigMaps and Secrets, and a refusal
//! that names the right that is missing. Of a Secret nothing is asked for but its metadata.

use std::sync::Arc;

use futures::StreamExt;
use holdshort::{
    demo::{scenario::Scenario, shared::SharedWorld, transport::transport, world::World},
    domain::{
        observed::FaultKind,
        offer::Risk,
        setting::{Content, Settings},
    },
    port::{
        clock::SharedClock,
        error::ProviderError,
        inventory::Inventory,
        lookup::{Lookup, Question, Told},
    },
    provider::{
        deployment,
        kubernetes::{Cluster, Scope, settings},
    },
    runtime::clock::VirtualClock,
};

const SCENARIO: &str = r#"
name = "settings"
about = "a Deployment with variables, a ConfigMap and a Secret"
start = "2026-03-10T09:00:00Z"
seed = 5

[[systems]]
kind = "kubernetes"
name = "eu"
environment = "prod/eu-west-1"
risk = "high"
connection = "kubernetes-eu"

[systems.cluster]
RIGHTS

[[systems.cluster.deployments]]
namespace = "shop"
name = "payments"
image = "registry.shop.example/payments"
env = [
  { name = "MODE", value = "marker-plain" },
  { name = "PIN", valueFrom = { secretKeyRef = { name = "pin", key = "PIN" } } },
  { name = "GONE", valueFrom = { configMapKeyRef = { name = "gone", key = "GONE", optional = true } } },
]
env_from = [{ configMapRef = { name = "env" } }, { secretRef = { name = "keys" }, prefix = "KEY_" }]
history = [{ tag = "1.0.0", commit = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432", ago = "3d" }]

[[systems.cluster.config_maps]]
namespace = "shop"
name = "env"
by = "kubectl-edit"
ago = "2d"
data = { LEVEL = "marker-level", LIMIT = "5" }

[[systems.cluster.secrets]]
namespace = "shop"
name = "pin"
data = { PIN = "marker-pin" }

[[systems.cluster.secrets]]
namespace = "shop"
name = "keys"
data = { A = "marker-a" }
"#;

/// What is told there with these rights, and every path that was asked.
async fn told(rights: &str, environment: &str) -> (Result<Settings, ProviderError>, Vec<String>) {
    let scenario = Scenario::parse("settings", &SCENARIO.replace("RIGHTS", rights)).unwrap();
    let clock: SharedClock = Arc::new(VirtualClock::starting_at(scenario.start));
    let world = SharedWorld::new(World::new(&scenario).unwrap());
    let leaf = transport(world.clone(), clock.clone(), "/kubernetes/eu");
    let scope = Scope::new("eu".into(), "prod/eu-west-1".into(), Risk::High, Vec::new());
    let cluster = Cluster::new(leaf, scope, clock.clone());
    let engine = deployment::engine(Arc::clone(&cluster));
    let scopes = engine.discover().await.unwrap();
    let heard: Vec<_> = engine.list(scopes).collect().await;
    assert!(heard.iter().all(|heard| heard.parts.is_ok()), "{heard:?}");
    let lookup: Arc<dyn Lookup> = settings::lookup(&cluster, vec![engine]);
    let question = Question::Settings { service: "payments".into(), environment: environment.into() };
    let told: Vec<_> = lookup.ask(question).collect().await;
    let [only] = <[_; 1]>::try_from(told).unwrap();
    let only = only.map(|told| match told {
        Told::Settings(settings) => settings,
        other => panic!("{other:?}"),
    });
    (only, world.look(|world| world.calls().map(|call| call.path.clone()).collect()))
}

fn shown(settings: &Settings) -> Vec<(&str, &str, bool)> {
    settings.all.iter().map(|one| (one.name.as_str(), one.place.as_str(), one.content == Content::Hidden)).collect()
}

#[tokio::test(start_paused = true)]
async fn pods_are_given_what_their_template_config_maps_and_secrets_say_by_name() {
    let (told, _) = told("", "prod").await;
    let told = told.unwrap();
    let expected = [
        ("LEVEL", "ConfigMap env", false),
        ("LIMIT", "ConfigMap env", false),
        ("KEY_A", "Secret keys", true),
        ("MODE", "pod template of payments", false),
        ("PIN", "Secret pin", true),
    ];
    assert_eq!(shown(&told), expected);
    let level = &told.all[0];
    assert_eq!(level.by.as_ref().map(holdshort::domain::ids::Person::as_str), Some("kubectl-edit"));
    assert_eq!(level.changed, "2026-03-08T07:00:00Z".parse().ok());
    assert!(told.unread.len() == 1 && told.unread[0].starts_with("ConfigMap gone is not there in prod"), "{told:#?}");
    assert!(!format!("{told:?}").contains("marker"));
}

#[tokio::test(start_paused = true)]
async fn without_a_right_what_it_would_tell_is_not_known_and_the_right_is_named() {
    let rights = r#"rights = [
        { verbs = ["*"], groups = ["apps"], resources = ["*"] },
        { verbs = ["get"], groups = [""], resources = ["configmaps"] },
    ]"#;
    let (with_maps, _) = told(rights, "prod/eu-west-1").await;
    let with_maps = with_maps.unwrap();
    let names: Vec<_> = with_maps.all.iter().map(|one| one.name.as_str()).collect();
    // That PIN is set the template says; which keys the other one has, nobody.
    assert_eq!(names, ["LEVEL", "LIMIT", "MODE", "PIN"]);
    let refused: Vec<_> =
        with_maps.unread.iter().filter(|said| said.ends_with("it needs the right to get secrets")).collect();
    assert_eq!(refused.len(), 2, "{with_maps:#?}");
    let rights = r#"rights = [{ verbs = ["*"], groups = ["apps"], resources = ["*"] }]"#;
    let (without, _) = told(rights, "prod/eu-west-1").await;
    let without = without.unwrap();
    assert!(without.unread.iter().any(|said| said.ends_with("it needs the right to get configmaps")), "{without:#?}");
    assert!(without.all.iter().all(|one| one.name != "LEVEL"));
}

#[tokio::test(start_paused = true)]
async fn another_environment_is_not_there() {
    let (told, _) = told("", "staging").await;
    let error = told.unwrap_err();
    assert_eq!((error.kind, error.text.as_str()), (FaultKind::Missing, "eu is prod/eu-west-1, not staging"));
}
