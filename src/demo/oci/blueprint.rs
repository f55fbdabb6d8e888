//! The registry as a scenario describes it: `kind = "registry"`.

use std::sync::Arc;

use serde::Deserialize;
use toml::{Table, de::Error};

use super::{Action, Registry, Repository};
use crate::{
    demo::{
        blueprint::{Blueprint, Connection, Event, Ground, Kind, Mount, Node, scripted, timed},
        system::{Scripted, System},
    },
    domain::ids::SourceName,
};

/// A registry of images. No scenario had one in a form of before, and no other program is led to it.
pub(crate) const KIND: Kind = Kind { name: "registry", read, former: |_| Ok(Vec::new()), files: |_, _| Vec::new() };

fn read(node: Node<'_>) -> Result<Arc<dyn Blueprint>, Error> {
    let (spec, script) = scripted::<Spec, _>(node)?;
    Ok(Arc::new(Server { spec, script }))
}

/// What a scenario says of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    /// How the names of its images begin: `registry.shop.example`.
    host: String,
    /// What is kept at the start.
    repositories: Vec<Repository>,
}

#[derive(Clone, Debug)]
struct Server {
    spec: Spec,
    script: Vec<Event<Action>>,
}

impl Blueprint for Server {
    fn mount(&self) -> Mount {
        Mount::new("/registry")
    }

    fn check(&self, ground: &Ground<'_>) -> Result<(), String> {
        let early = self.script.iter().any(|event| event.at.from(ground.start) < ground.begins);
        if early {
            Err("the script of the registry: an event lies before the history begins".to_owned())
        } else {
            Ok(())
        }
    }

    fn build(&self, ground: &Ground<'_>) -> Result<Box<dyn System>, String> {
        let system = Registry::new(&self.spec.repositories);
        Ok(Box::new(Scripted::new(system, timed(&self.script, ground.start))))
    }

    fn connection(&self, address: &str, _: &Ground<'_>) -> Connection {
        let mut settings = Table::new();
        let pairs = [("kind", KIND.name), ("url", address)];
        settings.extend(pairs.map(|(key, value)| (key.to_owned(), value.into())));
        settings.insert("hosts".to_owned(), vec![self.spec.host.clone()].into());
        Connection { name: SourceName::new("images"), settings, environments: Vec::new() }
    }
}
