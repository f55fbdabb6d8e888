//! Lambda as a scenario describes it: `kind = "lambda"`.

use std::sync::Arc;

use toml::{Table, Value, de::Error};

use crate::{
    demo::{
        aws::KEY,
        blueprint::{Blueprint, Connection, Event, Ground, Kind, Mount, Node, scripted, timed},
        lambda::{
            Lambda,
            spec::{Action, Spec},
        },
        system::{Acting, Scripted, System},
        time::Offset,
    },
    domain::{
        ids::{EnvironmentName, SourceName},
        time::Timestamp,
    },
};

/// Lambda. No scenario had it in a form of before.
pub(crate) const KIND: Kind = Kind { name: "lambda", read, former: |_| Ok(Vec::new()), files: |_, _| Vec::new() };

/// How often it is read.
const INTERVAL: &str = "10s";

fn read(node: Node<'_>) -> Result<Arc<dyn Blueprint>, Error> {
    let (spec, script) = scripted::<Spec, _>(node)?;
    Ok(Arc::new(Region { spec, script }))
}

/// What a scenario says of a region, and what happens in it from the start on.
#[derive(Clone, Debug)]
struct Region {
    spec: Spec,
    script: Vec<Event<Action>>,
}

impl Blueprint for Region {
    fn mount(&self) -> Mount {
        Mount::new("/lambda")
    }

    fn check(&self, _: &Ground<'_>) -> Result<(), String> {
        if self.script.iter().any(|event| event.at < Offset::default()) {
            return Err(
                "the script of lambda: an event lies before the start; give a deployment a 'started'".to_owned()
            );
        }
        let has = |function: &str, alias: &str| {
            let found = self.spec.functions.iter().find(|one| one.name == function);
            found.is_some_and(|one| one.aliases.iter().any(|one| one.name == alias))
        };
        let odd = self.spec.groups.iter().find(|group| !has(&group.function, &group.alias));
        odd.map_or(Ok(()), |odd| {
            Err(format!("lambda: the group '{}' moves '{}/{}', and there is none", odd.name, odd.function, odd.alias))
        })
    }

    fn build(&self, ground: &Ground<'_>) -> Result<Box<dyn System>, String> {
        let system = Lambda::new(&self.spec, ground.start);
        Ok(Box::new(Scripted::new(system, timed(&self.script, ground.start))))
    }

    fn connection(&self, address: &str, _: &Ground<'_>) -> Connection {
        let mut settings = Table::new();
        let pairs = [("kind", KIND.name), ("region", &self.spec.region), ("url", address), ("interval", INTERVAL)];
        settings.extend(pairs.map(|(key, value)| (key.to_owned(), value.into())));
        // Every request is signed: what the secret is stands in no configuration, not even in that of a pretended one.
        let secret = Table::from_iter([("command".to_owned(), Value::from(vec!["echo", KEY.1]))]);
        let key = Table::from_iter([("username".to_owned(), KEY.0.into()), ("password".to_owned(), secret.into())]);
        settings.insert("basic_auth".to_owned(), key.into());
        let aliases = || {
            let each = self.spec.functions.iter();
            each.flat_map(|function| function.aliases.iter().map(move |alias| (function, alias)))
        };
        let table = |(function, alias): (&super::spec::FunctionSpec, &super::spec::AliasSpec)| {
            let mut table = Table::new();
            table.insert("name".to_owned(), format!("{}/{}", function.name, alias.name).into());
            table.insert("service".to_owned(), function.name.as_str().into());
            let environment = alias.environment.as_deref().unwrap_or(&alias.name);
            let environments = Table::from_iter([(alias.name.clone(), environment.into())]);
            table.insert("environments".to_owned(), environments.into());
            Value::from(table)
        };
        settings.insert("functions".to_owned(), aliases().map(table).collect::<Vec<_>>().into());
        let named = aliases().map(|(_, alias)| alias.environment.as_deref().unwrap_or(&alias.name));
        let environments = named.map(|name| (EnvironmentName::new(name), None)).collect();
        Connection { name: SourceName::new(KIND.name), settings, environments }
    }
}

impl Acting for Lambda {
    type Action = Action;

    fn act(&mut self, now: Timestamp, action: &Action) -> Result<(), String> {
        Self::act(self, now, action)
    }
}
