//! The built-in world as a configuration: the same reader checks it, the same registry builds its connections, and `demo serve`
//! writes it as a file.

use std::sync::Arc;

use bytes::Bytes;
use toml::Table;
use url::Url;

use crate::{
    cli::exit::{CliError, Exit},
    config::schema,
    demo::scenario::Scenario,
    domain::offer::Risk,
    port::clock::SharedClock,
    provider::http::{Base, reqwest_leaf, send},
    runtime::clock::ScaledClock,
};

/// Who acts in a demo.
pub(super) const OPERATOR: &str = "you";

/// The configuration that sees a whole world which is served under `base`, as a file would have it.
pub(super) fn settings(scenario: &Scenario, base: &str) -> Table {
    let ground = scenario.ground();
    let (mut connections, mut environments, mut services) = (Table::new(), Table::new(), Table::new());
    let mut told = Vec::new();
    for system in scenario.systems.iter().map(|part| &part.system) {
        let connection = system.connection(&format!("{base}{}", system.mount().as_str()), &ground);
        connections.insert(connection.name.to_string(), connection.settings.into());
        told.extend(connection.environments);
    }
    // Whoever knows what a mistake costs says it first.
    told.sort_by_key(|(_, risk)| risk.is_none());
    for (environment, risk) in told {
        let risk = risk.unwrap_or(Risk::High).to_string();
        let settings: Table = [("risk".to_owned(), risk.into())].into_iter().collect();
        environments.entry(environment.to_string()).or_insert_with(|| settings.into());
    }
    for slo in &scenario.slos {
        let period = humantime::format_duration(slo.period).to_string();
        let promise: Table = [("objective".to_owned(), slo.objective.into()), ("period".to_owned(), period.into())]
            .into_iter()
            .collect();
        let service: Table = [("slo".to_owned(), promise.into())].into_iter().collect();
        services.insert(slo.service.to_string(), service.into());
    }
    for declared in &scenario.irreversible {
        let back: Table = [("irreversible".to_owned(), declared.paths.clone().into())].into_iter().collect();
        let service = services.entry(declared.service.to_string()).or_insert_with(|| Table::new().into());
        if let Some(service) = service.as_table_mut() {
            service.insert("back".to_owned(), back.into());
        }
    }
    let waves: Vec<toml::Value> = scenario
        .waves
        .iter()
        .map(|waves| {
            let mut order = Table::new();
            order.insert("services".to_owned(), waves.services.clone().into());
            order.insert("order".to_owned(), waves.order.clone().into());
            order.extend(waves.soak.clone().map(|soak| ("soak".to_owned(), soak.into())));
            order.into()
        })
        .collect();
    let mut whole = Table::new();
    if !waves.is_empty() {
        let policy: Table = [("waves".to_owned(), waves.into())].into_iter().collect();
        whole.insert("policy".to_owned(), policy.into());
    }
    whole.insert("operator".to_owned(), OPERATOR.into());
    let tables = [("connections", connections), ("environments", environments), ("services", services)];
    whole.extend(tables.map(|(key, table)| (key.to_owned(), table.into())));
    whole
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
