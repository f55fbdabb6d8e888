//! CircleCI as a scenario describes it: `kind = "circleci"`.

use std::{collections::BTreeSet, sync::Arc};

use toml::{Table, Value, de::Error};

use crate::{
    demo::{
        blueprint::{Blueprint, Connection, Event, Ground, Kind, Mount, Node, scripted, timed},
        circleci::{
            Circleci,
            deploy::definition,
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

/// CircleCI. No scenario had it in a form of before, and no other program is led to it.
pub(crate) const KIND: Kind = Kind { name: "circleci", read, former: |_| Ok(Vec::new()), files: |_, _| Vec::new() };

/// How often it is read.
const INTERVAL: &str = "10s";

fn read(node: Node<'_>) -> Result<Arc<dyn Blueprint>, Error> {
    let (mut spec, script) = scripted::<Spec, _>(node)?;
    let alike = std::mem::take(&mut spec.alike);
    spec.projects.extend(alike.iter().flat_map(AlikeSpec::projects));
    Ok(Arc::new(Circle { spec, script }))
}

/// What a scenario says of it, and what happens on it from the start on.
#[derive(Clone, Debug)]
struct Circle {
    spec: Spec,
    script: Vec<Event<Action>>,
}

impl Blueprint for Circle {
    fn mount(&self) -> Mount {
        Mount::new("/circleci")
    }

    fn check(&self, _: &Ground<'_>) -> Result<(), String> {
        if self.script.iter().any(|event| event.at < Offset::default()) {
            return Err(
                "the script of circleci: an event lies before the start; give a pipeline a 'started'".to_owned()
            );
        }
        let odd = self.spec.projects.iter().find(|project| project.slug.split('/').count() != 3);
        odd.map_or(Ok(()), |odd| Err(format!("circleci: '{}' is no slug: write gh/ORG/PROJECT", odd.slug)))
    }

    fn build(&self, ground: &Ground<'_>) -> Result<Box<dyn System>, String> {
        let system = Circleci::new(&self.spec, ground.start);
        Ok(Box::new(Scripted::new(system, timed(&self.script, ground.start))))
    }

    fn connection(&self, address: &str, _: &Ground<'_>) -> Connection {
        let mut settings = Table::new();
        let pairs = [("kind", KIND.name), ("url", address), ("interval", INTERVAL)];
        settings.extend(pairs.map(|(key, value)| (key.to_owned(), value.into())));
        let projects = &self.spec.projects;
        settings.insert("projects".to_owned(), projects.iter().map(project).collect::<Vec<_>>().into());
        let definitions: Table =
            projects.iter().map(|one| (one.slug.clone(), Value::from(definition(&one.slug)))).collect();
        settings.insert("definitions".to_owned(), definitions.into());
        let deploys = projects.iter().filter_map(|one| Some((one.slug.clone(), one.deploys.as_deref()?.into())));
        let deploys: Table = deploys.collect();
        if !deploys.is_empty() {
            settings.insert("deploys".to_owned(), deploys.into());
        }
        let environments = projects.iter().flat_map(environments).map(|(_, ours)| (EnvironmentName::new(ours), None));
        Connection { name: SourceName::new(KIND.name), settings, environments: environments.collect() }
    }
}

/// Where the holds, the markers and the contexts of a project lead, each once.
fn environments(project: &ProjectSpec) -> BTreeSet<(&str, &str)> {
    let holds = project.jobs.iter().filter_map(|job| Some((job.name.as_str(), job.environment.as_deref()?)));
    let marks = project.jobs.iter().filter_map(|job| job.marks.as_ref()).map(|mark| &mark.environment);
    let contexts = project.contexts.iter().map(|(name, ours)| (name.as_str(), ours.as_str()));
    holds.chain(marks.map(|name| (name.as_str(), name.as_str()))).chain(contexts).collect()
}

fn project(project: &ProjectSpec) -> Value {
    let environments: Table =
        environments(project).into_iter().map(|(theirs, ours)| (theirs.to_owned(), ours.into())).collect();
    let mut table = Table::new();
    table.insert("name".to_owned(), project.slug.as_str().into());
    table.insert("environments".to_owned(), environments.into());
    table.into()
}

impl Acting for Circleci {
    type Action = Action;

    fn act(&mut self, now: Timestamp, action: &Action) -> Result<(), String> {
        Self::act(self, now, action)
    }
}
