//! The server as a scenario describes it: `kind = "loki"`.

use std::sync::Arc;

use serde::Deserialize;
use toml::{
    Table, Value,
    de::{Error, ValueDeserializer},
};

use crate::{
    demo::{
        blueprint::{Blueprint, Connection, Ground, Kind, Mount, Node},
        loki::{Loki, store::CLUSTER},
        system::System,
    },
    domain::ids::SourceName,
};

/// A Loki. No scenario had one in a form of before, and no other program is led to it.
pub(crate) const KIND: Kind = Kind { name: "loki", read, former: |_| Ok(Vec::new()), files: |_, _| Vec::new() };

/// How often it is read.
const INTERVAL: &str = "2s";

fn read(node: Node<'_>) -> Result<Arc<dyn Blueprint>, Error> {
    Ok(Arc::new(Server::deserialize(ValueDeserializer::from(node))?))
}

/// What a scenario says of it. What is written is the scenario's traffic.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Server {
    /// The only cell whose lines it keeps; it is served below that name, too.
    cell: Option<String>,
}

impl Blueprint for Server {
    fn mount(&self) -> Mount {
        match &self.cell {
            Some(cell) => Mount::new(format!("/loki-{cell}")),
            None => Mount::new("/loki"),
        }
    }

    fn check(&self, ground: &Ground<'_>) -> Result<(), String> {
        let unknown = self.cell.as_ref().filter(|cell| !ground.traffic.iter().any(|traffic| traffic.cell == **cell));
        unknown.map_or(Ok(()), |cell| Err(format!("loki: nothing is served in cell '{cell}'")))
    }

    fn build(&self, _: &Ground<'_>) -> Result<Box<dyn System>, String> {
        Ok(Box::new(Loki { cell: self.cell.clone(), ..Loki::default() }))
    }

    fn connection(&self, address: &str, ground: &Ground<'_>) -> Connection {
        let mut settings = Table::new();
        let pairs = [("kind", KIND.name), ("url", address), ("interval", INTERVAL)];
        settings.extend(pairs.map(|(key, value)| (key.to_owned(), value.into())));
        let environment = |cell: &String| ground.cells.iter().find(|(name, _)| name == cell).map(|(_, place)| place);
        match &self.cell {
            Some(cell) => {
                let covers: Vec<Value> = environment(cell).map(|place| place.to_string().into()).into_iter().collect();
                settings.insert("covers".to_owned(), covers.into());
            }
            // Services of one name in several cells are told apart.
            None if ground.cells.len() > 1 => {
                let named = ground.cells.iter().map(|(cell, place)| (cell.clone(), place.to_string().into()));
                settings.insert("place_label".to_owned(), CLUSTER.into());
                settings.insert("environments".to_owned(), Value::Table(named.collect()));
            }
            None => {}
        }
        let name = self.cell.as_ref().map_or_else(|| KIND.name.to_owned(), |cell| format!("{}-{cell}", KIND.name));
        Connection { name: SourceName::new(name), settings, environments: Vec::new() }
    }
}
