//! Jenkins as a scenario describes it: `kind = "jenkins"`.

use std::{collections::BTreeMap, sync::Arc};

use toml::{Table, Value, de::Error};

use crate::{
    demo::{
        blueprint::{Blueprint, Connection, Event, Ground, Kind, Mount, Node, scripted, timed},
        jenkins::{
            Jenkins,
            spec::{Action, AlikeSpec, JobSpec, Spec},
        },
        system::{Acting, Scripted, System},
        time::Offset,
    },
    domain::{
        ids::{EnvironmentName, SourceName},
        time::Timestamp,
    },
};

/// Jenkins. No scenario had it in a form of before, and no other program is led to it.
pub(crate) const KIND: Kind = Kind { name: "jenkins", read, former: |_| Ok(Vec::new()), files: |_, _| Vec::new() };

/// How often it is read.
const INTERVAL: &str = "10s";

fn read(node: Node<'_>) -> Result<Arc<dyn Blueprint>, Error> {
    let (mut spec, script) = scripted::<Spec, _>(node)?;
    let alike = std::mem::take(&mut spec.alike);
    spec.jobs.extend(alike.iter().flat_map(AlikeSpec::jobs));
    Ok(Arc::new(Controller { spec, script }))
}

/// What a scenario says of it, and what happens on it from the start on.
#[derive(Clone, Debug)]
struct Controller {
    spec: Spec,
    script: Vec<Event<Action>>,
}

impl Blueprint for Controller {
    fn mount(&self) -> Mount {
        Mount::new("/jenkins")
    }

    fn check(&self, _: &Ground<'_>) -> Result<(), String> {
        if self.script.iter().any(|event| event.at < Offset::default()) {
            return Err("the script of jenkins: an event lies before the start; give a build a 'started'".to_owned());
        }
        let odd = self.spec.jobs.iter().find(|job| job.is_branch && !job.name.contains('/'));
        odd.map_or(Ok(()), |odd| Err(format!("jenkins: '{}' is a branch, and lies in no project", odd.name)))
    }

    fn build(&self, ground: &Ground<'_>) -> Result<Box<dyn System>, String> {
        let system = Jenkins::new(&self.spec, ground.start);
        Ok(Box::new(Scripted::new(system, timed(&self.script, ground.start))))
    }

    fn connection(&self, address: &str, _: &Ground<'_>) -> Connection {
        let mut settings = Table::new();
        let pairs = [("kind", KIND.name), ("url", address), ("interval", INTERVAL)];
        settings.extend(pairs.map(|(key, value)| (key.to_owned(), value.into())));
        // The branches of a project are looked at together.
        let mut jobs: BTreeMap<&str, Vec<&JobSpec>> = BTreeMap::new();
        for job in self.spec.jobs.iter().filter(|job| !job.aside) {
            let project =
                if job.is_branch { job.name.rsplit_once('/').map_or("", |(above, _)| above) } else { &job.name };
            jobs.entry(project).or_default().push(job);
        }
        let tables: Vec<Value> = jobs.iter().map(|(name, jobs)| table(name, jobs)).collect();
        settings.insert("jobs".to_owned(), tables.into());
        let stages = self.spec.jobs.iter().flat_map(|job| &job.stages);
        let environments =
            stages.filter_map(|stage| Some((EnvironmentName::new(stage.input.as_ref()?.environment.as_ref()?), None)));
        Connection { name: SourceName::new(KIND.name), settings, environments: environments.collect() }
    }
}

fn table(name: &str, jobs: &[&JobSpec]) -> Value {
    let mut table = Table::new();
    table.insert("name".to_owned(), name.into());
    let inputs = jobs.iter().flat_map(|job| &job.stages).filter_map(|stage| stage.input.as_ref());
    let environments: Table =
        inputs.filter_map(|input| Some((input.id.clone(), input.environment.as_deref()?.into()))).collect();
    table.insert("environments".to_owned(), environments.into());
    if let Some(rollback) = jobs.iter().find_map(|job| job.rollback.as_ref()) {
        let pairs = [("job", &rollback.job), ("version_parameter", &rollback.version_parameter)];
        let rollback: Table = pairs.map(|(key, value)| (key.to_owned(), value.as_str().into())).into_iter().collect();
        table.insert("rollback".to_owned(), rollback.into());
    }
    table.into()
}

impl Acting for Jenkins {
    type Action = Action;

    fn act(&mut self, now: Timestamp, action: &Action) -> Result<(), String> {
        Self::act(self, now, action)
    }
}
