//! Buildkite as a scenario describes it: `kind = "buildkite"`.

use std::sync::Arc;

use toml::{Table, Value, de::Error};

use crate::{
    demo::{
        blueprint::{Blueprint, Connection, Event, Ground, Kind, Mount, Node, scripted, timed},
        buildkite::{
            Buildkite,
            spec::{Action, AlikeSpec, PipelineSpec, Spec, StepSpec},
        },
        system::{Acting, Scripted, System},
        time::Offset,
    },
    domain::{
        ids::{EnvironmentName, SourceName},
        time::Timestamp,
    },
};

/// Buildkite. No scenario had it in a form of before, and no other program is led to it.
pub(crate) const KIND: Kind = Kind { name: "buildkite", read, former: |_| Ok(Vec::new()), files: |_, _| Vec::new() };

/// How often it is read.
const INTERVAL: &str = "10s";

fn read(node: Node<'_>) -> Result<Arc<dyn Blueprint>, Error> {
    let (mut spec, script) = scripted::<Spec, _>(node)?;
    let alike = std::mem::take(&mut spec.alike);
    spec.pipelines.extend(alike.iter().flat_map(AlikeSpec::pipelines));
    Ok(Arc::new(Kite { spec, script }))
}

/// What a scenario says of it, and what happens on it from the start on.
#[derive(Clone, Debug)]
struct Kite {
    spec: Spec,
    script: Vec<Event<Action>>,
}

impl Blueprint for Kite {
    fn mount(&self) -> Mount {
        Mount::new("/buildkite")
    }

    fn check(&self, _: &Ground<'_>) -> Result<(), String> {
        if self.script.iter().any(|event| event.at < Offset::default()) {
            return Err("the script of buildkite: an event lies before the start; give a build a 'started'".to_owned());
        }
        let whole = |step: &&StepSpec| step.label.is_some() != step.block.is_some();
        let odd = self.spec.pipelines.iter().find(|pipeline| !pipeline.steps.iter().all(|step| whole(&step)));
        odd.map_or(Ok(()), |odd| Err(format!("buildkite: each step of {} has a `label` or a `block`", odd.name)))
    }

    fn build(&self, ground: &Ground<'_>) -> Result<Box<dyn System>, String> {
        let system = Buildkite::new(&self.spec, ground.start);
        Ok(Box::new(Scripted::new(system, timed(&self.script, ground.start))))
    }

    fn connection(&self, address: &str, _: &Ground<'_>) -> Connection {
        let mut settings = Table::new();
        let pairs = [("kind", KIND.name), ("url", address), ("interval", INTERVAL)];
        settings.extend(pairs.map(|(key, value)| (key.to_owned(), value.into())));
        settings.insert("pipelines".to_owned(), self.spec.pipelines.iter().map(pipeline).collect::<Vec<_>>().into());
        let forms: Vec<Value> = self.spec.pipelines.iter().flat_map(forms).collect();
        settings.insert("blocks".to_owned(), forms.into());
        let steps = self.spec.pipelines.iter().flat_map(|pipeline| &pipeline.steps);
        let environments = steps.filter_map(|step| Some((EnvironmentName::new(step.environment.as_ref()?), None)));
        Connection { name: SourceName::new(KIND.name), settings, environments: environments.collect() }
    }
}

fn pipeline(pipeline: &PipelineSpec) -> Value {
    let of_step = |step: &StepSpec| Some((named(step)?.to_owned(), step.environment.as_deref()?.into()));
    let environments: Table = pipeline.steps.iter().filter_map(of_step).collect();
    let mut table = Table::new();
    table.insert("name".to_owned(), pipeline.name.as_str().into());
    table.insert("environments".to_owned(), environments.into());
    table.into()
}

fn forms(pipeline: &PipelineSpec) -> Vec<Value> {
    let form = |step: &StepSpec| {
        let mut table = Table::new();
        table.insert("pipeline".to_owned(), pipeline.name.as_str().into());
        table.insert("step".to_owned(), named(step)?.into());
        table.insert("fields".to_owned(), step.fields.clone().into());
        Some(table.into())
    };
    pipeline.steps.iter().filter_map(form).collect()
}

/// What the configuration calls a block step: its key, or its label.
fn named(step: &StepSpec) -> Option<&str> {
    let label = step.block.as_deref()?;
    Some(step.key.as_deref().unwrap_or(label))
}

impl Acting for Buildkite {
    type Action = Action;

    fn act(&mut self, now: Timestamp, action: &Action) -> Result<(), String> {
        Self::act(self, now, action)
    }
}
