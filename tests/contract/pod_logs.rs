//! What pods write, read through the API server of the built-in world: all pods of a service by version, once each, and a refusal that
//! names the right that is missing. That they tell the same as what keeps logs proves that both tell one story.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use holdshort::{
    demo::{scenario::Scenario, shared::SharedWorld, transport::transport, world::World},
    domain::{line::Level, observed::FaultKind, offer::Risk},
    port::{
        clock::SharedClock,
        error::ProviderError,
        facet::Window,
        inventory::{Inventory, Scope as Part},
        lookup::{Lines, Lookup, Question, Told, Written},
    },
    provider::{
        argo_rollouts,
        kubernetes::{Cluster, Scope, logs},
        loki,
    },
    runtime::clock::VirtualClock,
};

const SCENARIO: &str = include_str!("lookups.toml");
const SECOND: Duration = Duration::from_secs(1);

struct Stage {
    clock: SharedClock,
    pods: Arc<dyn Lookup>,
    kept: Arc<dyn Lookup>,
}

/// The scenario with these rights, its rollouts read.
async fn stage(rights: &str) -> Stage {
    let text = SCENARIO.replacen("[[systems.cluster.rollouts]]", &format!("{rights}\n[[systems.cluster.rollouts]]"), 1);
    let scenario = Scenario::parse("lookups", &text).unwrap();
    let clock: SharedClock = Arc::new(VirtualClock::starting_at(scenario.start));
    let world = SharedWorld::new(World::new(&scenario).unwrap());
    let leaf = |mount| transport(world.clone(), clock.clone(), mount);
    let scope = Scope::new("eu".into(), "prod/eu-west-1".into(), Risk::High, Vec::new());
    let cluster = Cluster::new(leaf("/kubernetes/eu"), scope, clock.clone());
    let engine = argo_rollouts::engine(Arc::clone(&cluster));
    let scopes: Vec<Part> = engine.discover().await.unwrap();
    let heard: Vec<_> = engine.list(scopes).collect().await;
    assert!(heard.iter().all(|heard| heard.parts.is_ok()), "{heard:?}");
    let pods = logs::lookup(&cluster, vec![engine], Duration::from_secs(5));
    let kept = loki::over("logs".into(), leaf("/loki"), loki::Settings::new(2 * SECOND), clock.clone());
    Stage { clock, pods, kept: kept.lookups[0].clone() }
}

fn asked(stage: &Stage, service: &str) -> Lines {
    let to = stage.clock.now();
    let window = Window { from: to - Duration::from_mins(5), to, step: Duration::from_secs(30) };
    Lines::newest(service.into(), window, 10_000)
}

async fn all(lookup: &dyn Lookup, asked: Lines) -> Result<Vec<Written>, ProviderError> {
    let told: Vec<_> = lookup.ask(Question::Lines(asked)).collect().await;
    told.into_iter()
        .map(|told| match told {
            Ok(Told::Lines(written)) => Ok(written),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error),
        })
        .collect()
}

fn texts(written: &[Written]) -> Vec<(String, String, String)> {
    let of = |written: &Written| {
        let lines = written.lines.iter();
        lines.map(|line| (line.at.to_rfc3339(), line.pod.clone(), line.text.clone())).collect::<Vec<_>>()
    };
    let mut all: Vec<_> = written.iter().flat_map(of).collect();
    all.sort();
    all
}

#[tokio::test(start_paused = true)]
async fn the_pods_of_a_service_tell_the_same_as_what_keeps_logs_by_pod_template_hash() {
    let stage = stage("").await;
    let (pods, kept) = (
        all(&*stage.pods, asked(&stage, "payments")).await.unwrap(),
        all(&*stage.kept, asked(&stage, "payments")).await.unwrap(),
    );
    let told = texts(&pods);
    assert!(told.len() > 100, "{}", told.len());
    assert_eq!(told, texts(&kept));
    let hash = &pods[0].lines[0].version;
    assert!(pods[0].lines[0].pod.contains(hash.as_str()) && !hash.is_empty(), "{:?}", pods[0].lines[0]);
    let errors = Lines { level: Some(Level::Error), text: "FAILED with".to_owned(), ..asked(&stage, "payments") };
    let errors = all(&*stage.pods, errors).await.unwrap();
    assert!(errors[0].lines.iter().all(|line| line.level == Some(Level::Error)) && !errors[0].lines.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_written_later_is_told_once() {
    let stage = stage("").await;
    let begun = asked(&stage, "payments");
    let (from, to) = (begun.window.to, begun.window.to + Duration::from_mins(2));
    let mut answers = stage.pods.ask(Question::Lines(Lines { follow: true, ..begun }));
    let mut written = Vec::new();
    while stage.clock.now() < to + 20 * SECOND {
        let Some(Ok(Told::Lines(one))) = answers.next().await else { panic!("it follows") };
        written.push(one);
    }
    drop(answers);
    let within = |written: Vec<Written>| {
        let lines = written.into_iter().flat_map(|one| one.lines).filter(|line| from < line.at && line.at <= to);
        texts(&[Written { lines: lines.collect(), ..Written::default() }])
    };
    let window = Window { from, to, step: Duration::from_secs(30) };
    let kept = all(&*stage.kept, Lines { window, ..asked(&stage, "payments") }).await.unwrap();
    let (followed, kept) = (within(written), within(kept));
    assert!(kept.len() > 50);
    assert_eq!(followed, kept);
}

#[tokio::test(start_paused = true)]
async fn who_may_not_read_logs_is_told_which_right_that_takes() {
    let stage = stage(
        "[[systems.cluster.rights]]\nverbs = ['get', 'list', 'watch']\ngroups = ['*']\nresources = ['rollouts', 'replicasets', 'pods', 'events', 'analysisruns']\n",
    )
    .await;
    let error = all(&*stage.pods, asked(&stage, "payments")).await.unwrap_err();
    assert!(
        error.kind == FaultKind::Forbidden && error.text.contains("may not get pods/log in shop on eu"),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_that_nothing_runs_is_said_to_have_no_pods() {
    let stage = stage("").await;
    let error = all(&*stage.pods, asked(&stage, "nobody")).await.unwrap_err();
    assert_eq!((error.kind, error.text.as_str()), (FaultKind::Missing, "nothing on eu runs nobody"));
}
