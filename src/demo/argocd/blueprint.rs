//! Argo CD as a scenario describes it: `kind = "argocd"`.

use std::sync::Arc;

use toml::{Table, Value, de::Error};

use crate::{
    demo::{
        argocd::{
            ArgoCd,
            spec::{Action, ApplicationSpec, Spec},
        },
        blueprint::{Blueprint, Connection, Event, Ground, Kind, Mount, Node, scripted, timed},
        system::{Acting, Scripted, System},
        time::Offset,
    },
    domain::{
        ids::{EnvironmentName, SourceName},
        time::Timestamp,
    },
};

/// Argo CD. No scenario had it in a form of before.
pub(crate) const KIND: Kind = Kind { name: "argocd", read, former: |_| Ok(Vec::new()), files: |_, _| Vec::new() };

/// How often it must prove that it answers.
const INTERVAL: &str = "10s";

fn read(node: Node<'_>) -> Result<Arc<dyn Blueprint>, Error> {
    let (spec, script) = scripted::<Spec, _>(node)?;
    Ok(Arc::new(Plane { spec, script }))
}

/// What a scenario says of a control plane, and what happens there from the start on.
#[derive(Clone, Debug)]
struct Plane {
    spec: Spec,
    script: Vec<Event<Action>>,
}

impl Blueprint for Plane {
    fn mount(&self) -> Mount {
        Mount::new("/argocd")
    }

    fn check(&self, _: &Ground<'_>) -> Result<(), String> {
        if self.script.iter().any(|event| event.at < Offset::default()) {
            return Err(
                "the script of argocd: an event lies before the start; give an Application a 'history'".to_owned()
            );
        }
        let odd = self.spec.applications.iter().find(|app| app.name.is_empty() || app.project.is_empty());
        odd.map_or(Ok(()), |odd| Err(format!("argocd: '{}' needs a name and a project", odd.name)))
    }

    fn build(&self, ground: &Ground<'_>) -> Result<Box<dyn System>, String> {
        let system = ArgoCd::new(&self.spec, ground.start);
        Ok(Box::new(Scripted::new(system, timed(&self.script, ground.start))))
    }

    fn connection(&self, address: &str, _: &Ground<'_>) -> Connection {
        let mut settings = Table::new();
        let pairs = [("kind", KIND.name), ("url", address), ("interval", INTERVAL)];
        settings.extend(pairs.map(|(key, value)| (key.to_owned(), value.into())));
        let applications: Vec<Value> = self.spec.applications.iter().map(table).collect();
        settings.insert("applications".to_owned(), applications.into());
        let named = self.spec.applications.iter().filter_map(|app| app.environment.as_ref());
        let environments = named.map(|name| (EnvironmentName::new(name), None)).collect();
        Connection { name: SourceName::new(KIND.name), settings, environments }
    }
}

fn table(app: &ApplicationSpec) -> Value {
    let mut table = Table::new();
    let name = match app.namespace.as_str() {
        "argocd" => format!("{}/{}", app.project, app.name),
        namespace => format!("{}/{namespace}/{}", app.project, app.name),
    };
    table.insert("name".to_owned(), name.into());
    if let Some(service) = &app.service {
        table.insert("service".to_owned(), service.as_str().into());
    }
    if let Some(environment) = &app.environment {
        let named = Table::from_iter([(app.name.clone(), environment.as_str().into())]);
        table.insert("environments".to_owned(), named.into());
    }
    table.into()
}

impl Acting for ArgoCd {
    type Action = Action;

    fn act(&mut self, now: Timestamp, action: &Action) -> Result<(), String> {
        Self::act(self, now, action)
    }
}
