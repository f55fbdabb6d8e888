//! The server as a scenario describes it.

use std::sync::Arc;

use serde::Deserialize;
use toml::{
    Spanned, Table, Value,
    de::{DeTable, DeValue, Error, ValueDeserializer},
};

use crate::{
    demo::{
        blueprint::{Blueprint, Connection, Ground, Kind, Mount, Node},
        prometheus::{Prometheus, spec::RuleSpec, target::CLUSTER},
        system::System,
        traffic::spec::strata,
    },
    domain::ids::SourceName,
};

/// A Prometheus: `kind = "prometheus"`. A scenario always had one before, and its `[[rules]]`.
pub(crate) const KIND: Kind =
    Kind { name: "prometheus", read, former: |root| Ok(vec![former(root)]), files: |_, _| Vec::new() };

/// Which series the world's services write.
const PRESET: &str = "otel-http";
/// Length of the intervals that are judged: two scrapes.
const STEP: &str = "30s";
/// How often it is read.
const INTERVAL: &str = "15s";

fn read(node: Node<'_>) -> Result<Arc<dyn Blueprint>, Error> {
    Ok(Arc::new(Server::deserialize(ValueDeserializer::from(node))?))
}

fn former<'i>(root: &mut DeTable<'i>) -> Node<'i> {
    let mut table = DeTable::new();
    if let Some(rules) = root.remove("rules") {
        table.insert(Spanned::new(rules.span(), "rules".into()), rules);
    }
    Spanned::new(0..0, DeValue::Table(table))
}

/// What a scenario says of it. What it measures is the scenario's traffic.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Server {
    /// Alert rules.
    #[serde(default)]
    rules: Vec<RuleSpec>,
}

impl Blueprint for Server {
    fn mount(&self) -> Mount {
        Mount::new("/prometheus")
    }

    fn check(&self, _: &Ground<'_>) -> Result<(), String> {
        Ok(())
    }

    fn build(&self, _: &Ground<'_>) -> Result<Box<dyn System>, String> {
        Ok(Box::new(Prometheus::new(self.rules.clone()).map_err(|why| why.to_string())?))
    }

    fn connection(&self, address: &str, ground: &Ground<'_>) -> Connection {
        let strata: Vec<Value> = strata(ground.traffic).into_iter().map(Value::from).collect();
        let mut settings = Table::new();
        let pairs = [("kind", KIND.name), ("url", address), ("preset", PRESET), ("step", STEP), ("interval", INTERVAL)];
        settings.extend(pairs.map(|(key, value)| (key.to_owned(), value.into())));
        settings.insert("strata".to_owned(), strata.into());
        // Services of one name in several cells are told apart.
        if ground.cells.len() > 1 {
            let named = ground.cells.iter().map(|(cell, environment)| (cell.clone(), environment.to_string().into()));
            settings.insert("place_label".to_owned(), CLUSTER.into());
            settings.insert("environments".to_owned(), Value::Table(named.collect()));
        }
        Connection { name: SourceName::new(KIND.name), settings, environments: Vec::new() }
    }
}
