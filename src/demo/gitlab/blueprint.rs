//! GitLab as a scenario describes it: `kind = "gitlab"`.

use std::{collections::BTreeSet, sync::Arc};

use toml::{Table, Value, de::Error};

use crate::{
    demo::{
        blueprint::{Blueprint, Connection, Event, Ground, Kind, Mount, Node, scripted, timed},
        gitlab::{
            Gitlab,
            spec::{Action, AlikeSpec, ProjectSpec, Spec},
        },
        system::{Acting, Scripted, System},
        time::Offset,
    },
    domain::{
        ids::{EnvironmentName, SourceName},
        time::Timestamp,
    },
};

/// GitLab. No scenario had it in a form of before, and no other program is led to it.
pub(crate) const KIND: Kind = Kind { name: "gitlab", read, former: |_| Ok(Vec::new()), files: |_, _| Vec::new() };

/// How often it is read.
const INTERVAL: &str = "10s";

fn read(node: Node<'_>) -> Result<Arc<dyn Blueprint>, Error> {
    let (mut spec, script) = scripted::<Spec, _>(node)?;
    let alike = std::mem::take(&mut spec.alike);
    spec.projects.extend(alike.iter().flat_map(AlikeSpec::projects));
    Ok(Arc::new(Lab { spec, script }))
}

/// What a scenario says of it, and what happens on it from the start on.
#[derive(Clone, Debug)]
struct Lab {
    spec: Spec,
    script: Vec<Event<Action>>,
}

impl Blueprint for Lab {
    fn mount(&self) -> Mount {
        Mount::new("/gitlab")
    }

    fn check(&self, _: &Ground<'_>) -> Result<(), String> {
        if self.script.iter().any(|event| event.at < Offset::default()) {
            return Err("the script of gitlab: an event lies before the start; give a pipeline a 'started'".to_owned());
        }
        let odd = self.spec.projects.iter().find(|project| project.path.split('/').count() < 2);
        odd.map_or(Ok(()), |odd| Err(format!("gitlab: '{}' is no path of a project: write GROUP/PROJECT", odd.path)))
    }

    fn build(&self, ground: &Ground<'_>) -> Result<Box<dyn System>, String> {
        let system = Gitlab::new(&self.spec, ground.start);
        Ok(Box::new(Scripted::new(system, timed(&self.script, ground.start))))
    }

    fn connection(&self, address: &str, _: &Ground<'_>) -> Connection {
        let mut settings = Table::new();
        let pairs = [("kind", KIND.name), ("url", address), ("interval", INTERVAL)];
        settings.extend(pairs.map(|(key, value)| (key.to_owned(), value.into())));
        settings.insert("projects".to_owned(), self.spec.projects.iter().map(project).collect::<Vec<_>>().into());
        let environments = self.spec.projects.iter().flat_map(named).map(|name| (EnvironmentName::new(name), None));
        Connection { name: SourceName::new(KIND.name), settings, environments: environments.collect() }
    }
}

/// Where a project deploys to, each once.
fn named(project: &ProjectSpec) -> BTreeSet<&str> {
    project.jobs.iter().filter_map(|job| job.environment.as_deref()).collect()
}

fn project(project: &ProjectSpec) -> Value {
    let environments: Table = named(project).into_iter().map(|name| (name.to_owned(), name.into())).collect();
    let mut table = Table::new();
    table.insert("name".to_owned(), project.path.as_str().into());
    table.insert("environments".to_owned(), environments.into());
    table.into()
}

impl Acting for Gitlab {
    type Action = Action;

    fn act(&mut self, now: Timestamp, action: &Action) -> Result<(), String> {
        Self::act(self, now, action)
    }
}
