//! GitHub as a scenario describes it.

use std::sync::Arc;

use toml::{
    Spanned, Table, Value,
    de::{DeTable, DeValue, Error},
};

use crate::{
    demo::{
        blueprint::{Blueprint, Connection, Event, Ground, Kind, Mount, Node, scripted, timed},
        github::{
            Forge,
            spec::{Action, AlikeSpec, RepoSpec, Spec},
        },
        system::{Acting, Scripted, System},
        time::Offset,
    },
    domain::{
        ids::{EnvironmentName, SourceName},
        time::Timestamp,
    },
};

/// GitHub: `kind = "github"`. A scenario had it as `[github]` and `[[github_script]]` before.
pub(crate) const KIND: Kind = Kind { name: "github", read, former, files: |_, _| Vec::new() };

/// How often runs and gates are read.
const INTERVAL: &str = "10s";

fn read(node: Node<'_>) -> Result<Arc<dyn Blueprint>, Error> {
    let (mut spec, script) = scripted::<Spec, _>(node)?;
    let alike = std::mem::take(&mut spec.alike);
    spec.repos.extend(alike.iter().flat_map(AlikeSpec::repos));
    Ok(Arc::new(Hub { spec, script }))
}

fn former<'i>(root: &mut DeTable<'i>) -> Result<Vec<Node<'i>>, String> {
    match (root.remove("github"), root.remove("github_script")) {
        (None, None) => Ok(Vec::new()),
        (None, Some(_)) => Err("github_script: there is no [github]".to_owned()),
        (Some(node), script) => {
            let at = node.span();
            let mut value = node.into_inner();
            if let (DeValue::Table(table), Some(script)) = (&mut value, script) {
                table.insert(Spanned::new(script.span(), "script".into()), script);
            }
            Ok(vec![Spanned::new(at, value)])
        }
    }
}

/// What a scenario says of it, and what happens on it from the start on.
#[derive(Clone, Debug)]
struct Hub {
    spec: Spec,
    script: Vec<Event<Action>>,
}

impl Blueprint for Hub {
    fn mount(&self) -> Mount {
        Mount::new("/github")
    }

    fn check(&self, _: &Ground<'_>) -> Result<(), String> {
        if self.script.iter().any(|event| event.at < Offset::default()) {
            return Err(
                "the script of github: an event lies before the start; give the run a 'started' instead".to_owned()
            );
        }
        Ok(())
    }

    fn build(&self, ground: &Ground<'_>) -> Result<Box<dyn System>, String> {
        let forge = Forge::new(&self.spec, ground.seed, ground.start).map_err(|why| why.to_string())?;
        Ok(Box::new(Scripted::new(forge.letting_in(&self.spec.token), timed(&self.script, ground.start))))
    }

    fn connection(&self, address: &str, _: &Ground<'_>) -> Connection {
        let mut settings = Table::new();
        let pairs = [("kind", KIND.name), ("base_url", address), ("interval", INTERVAL)];
        settings.extend(pairs.map(|(key, value)| (key.to_owned(), value.into())));
        let repos: Vec<Value> = self.spec.repos.iter().map(repository).collect();
        settings.insert("repos".to_owned(), repos.into());
        let environments = self.spec.repos.iter().flat_map(|repo| &repo.environments);
        let environments = environments.map(|environment| (EnvironmentName::new(&environment.name), None)).collect();
        Connection { name: SourceName::new(KIND.name), settings, environments }
    }
}

fn repository(repo: &RepoSpec) -> Value {
    let environments: Table = repo.environments.iter().map(|e| (e.name.clone(), e.name.as_str().into())).collect();
    let name = format!("{}/{}", repo.owner, repo.name);
    Value::Table(
        [("name".to_owned(), name.into()), ("environments".to_owned(), environments.into())].into_iter().collect(),
    )
}

impl Acting for Forge {
    type Action = Action;

    fn act(&mut self, now: Timestamp, action: &Action) -> Result<(), String> {
        Self::act(self, now, action).map_err(|error| error.to_string())
    }
}
