//! CodePipeline as a scenario describes it: `kind = "codepipeline"`.

use std::sync::Arc;

use toml::{Table, Value, de::Error};

use crate::{
    demo::{
        blueprint::{Blueprint, Connection, Event, Ground, Kind, Mount, Node, scripted, timed},
        codepipeline::{
            CodePipeline,
            spec::{Action, AlikeSpec, KEY, PipelineSpec, Spec},
        },
        system::{Acting, Scripted, System},
        time::Offset,
    },
    domain::{
        ids::{EnvironmentName, SourceName},
        time::Timestamp,
    },
};

/// CodePipeline. No scenario had it in a form of before.
pub(crate) const KIND: Kind = Kind { name: "codepipeline", read, former: |_| Ok(Vec::new()), files: |_, _| Vec::new() };

/// How often it is read.
const INTERVAL: &str = "10s";

fn read(node: Node<'_>) -> Result<Arc<dyn Blueprint>, Error> {
    let (mut spec, script) = scripted::<Spec, _>(node)?;
    let alike = std::mem::take(&mut spec.alike);
    spec.pipelines.extend(alike.iter().flat_map(AlikeSpec::pipelines));
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
        Mount::new("/codepipeline")
    }

    fn check(&self, _: &Ground<'_>) -> Result<(), String> {
        if self.script.iter().any(|event| event.at < Offset::default()) {
            return Err(
                "the script of codepipeline: an event lies before the start; give an execution a 'started'".to_owned()
            );
        }
        let odd = self.spec.pipelines.iter().find(|pipeline| pipeline.stages.len() < 2);
        odd.map_or(Ok(()), |odd| {
            Err(format!("codepipeline: '{}' has fewer than two stages, and CodePipeline takes none such", odd.name))
        })
    }

    fn build(&self, ground: &Ground<'_>) -> Result<Box<dyn System>, String> {
        let system = CodePipeline::new(&self.spec, ground.start);
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
        let tables: Vec<Value> = self.spec.pipelines.iter().map(table).collect();
        settings.insert("pipelines".to_owned(), tables.into());
        let stages = self.spec.pipelines.iter().flat_map(|pipeline| &pipeline.stages);
        let environments = stages.filter_map(|stage| Some((EnvironmentName::new(stage.environment.as_ref()?), None)));
        Connection { name: SourceName::new(KIND.name), settings, environments: environments.collect() }
    }
}

fn table(pipeline: &PipelineSpec) -> Value {
    let mut table = Table::new();
    table.insert("name".to_owned(), pipeline.name.as_str().into());
    let stages = pipeline.stages.iter();
    let environments: Table =
        stages.filter_map(|stage| Some((stage.name.clone(), stage.environment.as_deref()?.into()))).collect();
    table.insert("environments".to_owned(), environments.into());
    // What its source says of a commit names the release.
    let version = [("from", "title"), ("pattern", r"(?P<version>\d+\.\d+\.\d+)")];
    let version: Table = version.map(|(key, value)| (key.to_owned(), value.into())).into_iter().collect();
    table.insert("version".to_owned(), version.into());
    table.into()
}

impl Acting for CodePipeline {
    type Action = Action;

    fn act(&mut self, now: Timestamp, action: &Action) -> Result<(), String> {
        Self::act(self, now, action)
    }
}
