//! Flow as a scenario describes it: `kind = "flow"`.

use std::sync::Arc;

use toml::{Table, Value, de::Error};

use crate::{
    demo::{
        blueprint::{Blueprint, Connection, Event, Ground, Kind, Mount, Node, scripted, timed},
        flow::{
            Flow,
            spec::{Action, PipelineSpec, Spec},
        },
        system::{Acting, Scripted, System},
        time::Offset,
    },
    domain::{
        ids::{EnvironmentName, SourceName},
        time::Timestamp,
    },
};

/// Flow. No scenario had it in a form of before, and no other program is led to it.
pub(crate) const KIND: Kind = Kind { name: "flow", read, former: |_| Ok(Vec::new()), files: |_, _| Vec::new() };

/// How often it is read.
const INTERVAL: &str = "10s";

fn read(node: Node<'_>) -> Result<Arc<dyn Blueprint>, Error> {
    let (spec, script) = scripted::<Spec, _>(node)?;
    Ok(Arc::new(Edition { spec, script }))
}

/// What a scenario says of it, and what happens on it from the start on.
#[derive(Clone, Debug)]
struct Edition {
    spec: Spec,
    script: Vec<Event<Action>>,
}

impl Blueprint for Edition {
    fn mount(&self) -> Mount {
        Mount::new("/flow")
    }

    fn check(&self, _: &Ground<'_>) -> Result<(), String> {
        if self.script.iter().any(|event| event.at < Offset::default()) {
            return Err("the script of flow: an event lies before the start; give a run a 'started'".to_owned());
        }
        let odd = self.spec.pipelines.iter().find(|pipeline| pipeline.id == 0 || pipeline.jobs.is_empty());
        odd.map_or(Ok(()), |odd| Err(format!("flow: pipeline '{}' has no id or no job", odd.name)))
    }

    fn build(&self, ground: &Ground<'_>) -> Result<Box<dyn System>, String> {
        let system = Flow::new(&self.spec, ground.start);
        Ok(Box::new(Scripted::new(system, timed(&self.script, ground.start))))
    }

    fn connection(&self, address: &str, _: &Ground<'_>) -> Connection {
        let mut settings = Table::new();
        let pairs = [("kind", KIND.name), ("url", address), ("interval", INTERVAL)];
        settings.extend(pairs.map(|(key, value)| (key.to_owned(), value.into())));
        if self.spec.access_key {
            settings.insert("api".to_owned(), "access_key".into());
        }
        if !self.spec.region {
            settings.insert("organization".to_owned(), self.spec.organization.as_str().into());
        }
        let pipelines: Vec<Value> = self.spec.pipelines.iter().map(pipeline).collect();
        settings.insert("pipelines".to_owned(), pipelines.into());
        let jobs = self.spec.pipelines.iter().flat_map(|pipeline| &pipeline.jobs);
        let named = jobs.filter_map(|job| Some((EnvironmentName::new(job.environment.as_deref()?), None)));
        Connection { name: SourceName::new(KIND.name), settings, environments: named.collect() }
    }
}

fn pipeline(spec: &PipelineSpec) -> Value {
    let named = spec.jobs.iter().filter_map(|job| Some((job.name.clone(), job.environment.as_deref()?.into())));
    let environments: Table = named.collect();
    let mut table = Table::new();
    table.insert("name".to_owned(), spec.name.as_str().into());
    if let Some(service) = &spec.service {
        table.insert("service".to_owned(), service.as_str().into());
    }
    table.insert("environments".to_owned(), environments.into());
    table.into()
}

impl Acting for Flow {
    type Action = Action;

    fn act(&mut self, now: Timestamp, action: &Action) -> Result<(), String> {
        Self::act(self, now, action)
    }
}
