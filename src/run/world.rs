//! The built-in world as a configuration: the same registry builds its connections, and `demo serve` writes it as a file.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use url::Url;

use crate::{
    cli::exit::{CliError, Exit},
    config::{
        schema::{self, Config, Connection},
        standard,
    },
    demo::scenario::Scenario,
    domain::{ids::EnvironmentName, offer::Risk},
    port::clock::SharedClock,
    provider::http::{Base, reqwest_leaf, send},
    runtime::clock::ScaledClock,
};

/// Length of the intervals that are judged: two scrapes of the world's Prometheus.
const STEP: Duration = Duration::from_secs(30);
/// Who acts in a demo.
pub(super) const OPERATOR: &str = "you";

/// The configuration that sees a whole world which is served under `base`.
pub(super) fn configuration(scenario: &Scenario, base: &str) -> Config {
    let mut config = Config { operator: Some(OPERATOR.to_owned()), ..Config::default() };
    for cell in &scenario.cells {
        let environment = cell.environment.clone();
        config.environments.insert(environment.to_string(), schema::Environment { risk: cell.risk });
        let rollouts = cell.cluster.rollouts.iter().map(|rollout| &rollout.namespace);
        let mut namespaces: Vec<String> =
            rollouts.chain(cell.cluster.deployments.iter().map(|deployment| &deployment.namespace)).cloned().collect();
        namespaces.sort();
        namespaces.dedup();
        let cluster = schema::Kubernetes {
            environment,
            risk: Some(cell.risk),
            kubeconfig: None,
            context: None,
            server: Some(format!("{base}/kubernetes/{}", cell.name)),
            token: None,
            certificate_authority: None,
            namespaces,
            selector: None,
            engines: vec![schema::Engine::ArgoRollouts, schema::Engine::Deployment],
            interval: STEP,
        };
        config.connections.insert(cell.connection.to_string(), Connection::Kubernetes(cluster));
    }
    config.connections.insert("prometheus".to_owned(), Connection::Prometheus(metrics(base, scenario.strata())));
    for slo in &scenario.slos {
        let service = config.services.entry(slo.service.to_string()).or_default();
        service.slo = Some(standard::Slo { objective: slo.objective, period: slo.period, latency: None });
    }
    if let Some(github) = &scenario.github {
        let repos = github.repos.iter().map(|repo| schema::Repository {
            name: format!("{}/{}", repo.owner, repo.name),
            service: None,
            environments: repo.environments.iter().map(|e| (e.name.clone(), EnvironmentName::new(&e.name))).collect(),
        });
        let repos: Vec<schema::Repository> = repos.collect();
        for environment in repos.iter().flat_map(|repo| repo.environments.values()) {
            config.environments.entry(environment.to_string()).or_insert(schema::Environment { risk: Risk::High });
        }
        let forge = schema::Github { base_url: format!("{base}/github"), token: None, repos, interval: STEP / 3 };
        config.connections.insert("github".to_owned(), Connection::Github(forge));
    }
    config
}

fn metrics(base: &str, strata: Vec<String>) -> schema::Prometheus {
    schema::Prometheus {
        url: format!("{base}/prometheus"),
        token: None,
        preset: Some("otel-http".to_owned()),
        queries: None,
        matchers: Vec::new(),
        strata,
        step: STEP,
        interval: STEP / 2,
        timeout: std::time::Duration::from_secs(4),
    }
}

/// The clock of a served world: its answers' `Date` is its time.
pub(super) async fn clock(world: &schema::World) -> Result<SharedClock, CliError> {
    let unreachable = |why: String| {
        let at = &world.clock;
        let text =
            format!("the served world at {at} does not tell its time: {why}; is `holdshort demo serve` running?");
        CliError::new(Exit::Unreachable, text)
    };
    let url: Url = world.clock.parse().map_err(|why| unreachable(format!("{why}")))?;
    let path = url.path().to_owned();
    let mut root = url;
    root.set_path("/");
    let leaf = reqwest_leaf(&Base::new(root)).map_err(|why| unreachable(why.text))?;
    let request = http::Request::get(path).body(Bytes::new()).map_err(|why| unreachable(why.to_string()))?;
    let answer = send(&leaf, request).await.map_err(|why| unreachable(why.to_string()))?;
    let date = answer.headers().get(http::header::DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| chrono::DateTime::parse_from_rfc2822(date).ok());
    let date = date.ok_or_else(|| unreachable("its answer carries no Date".to_owned()))?;
    Ok(Arc::new(ScaledClock::starting_at(date.to_utc(), world.speed)))
}
