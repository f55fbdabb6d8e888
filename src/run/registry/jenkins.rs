//! From the settings of Jenkins to its provider, and where this machine tells of one.

use std::sync::Arc;

use crate::{
    config::{draft::Drafted, kind::jenkins::Jenkins, object::Object},
    port::{error::ProviderError, facet::Connection},
    provider::jenkins::{self, Job, Rollback},
    run::registry::{
        Wired, Wiring,
        found::{Here, Part},
        gauged,
    },
};

/// In the place of a job's name: all that a folder has.
const ALL: &str = "*";

impl Wired for Jenkins {
    fn connect(&self, wiring: &Wiring<'_>) -> Result<Connection, ProviderError> {
        let (transport, budget) = wiring.wire(&self.url, &self.access)?;
        let all = wiring.config.looked_at(wiring.name, &self.jobs);
        let settings = jenkins::Settings {
            name: wiring.source(),
            address: self.url.clone(),
            jobs: all.into_iter().map(|object| job(wiring, object)).collect(),
            administrator: self.administrator,
            interval: self.interval,
        };
        let connection = jenkins::over(transport, settings, Arc::clone(wiring.clock));
        Ok(gauged(connection, budget, &self.access))
    }
}

fn job(wiring: &Wiring<'_>, object: Object) -> Job {
    let folder = if object.name == ALL { Some("") } else { object.name.strip_suffix("/*") };
    let environments = object.environments.iter().map(|(input, ours)| (input.clone(), wiring.environment(ours)));
    Job {
        all: folder.is_some(),
        name: folder.unwrap_or(&object.name).to_owned(),
        environments: environments.collect(),
        service: object.service,
        version: object.version,
        rollback: object.rollback.map(|it| Rollback { job: it.job, version_parameter: it.version_parameter }),
    }
}

/// The controller that the environment names, as its command line and its builds have it.
pub(super) fn found(here: &Here) -> Part {
    let of = |name: &str| here.environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
    let address = of("JENKINS_URL").filter(|url| url.starts_with("http://") || url.starts_with("https://"));
    let Some(url) = address else { return Part::default() };
    let user = of("JENKINS_USER_ID").or(of("JENKINS_USER"));
    let token = ["JENKINS_API_TOKEN", "JENKINS_TOKEN"].into_iter().find(|name| of(name).is_some());
    let mut one = Drafted::new("jenkins", "jenkins", format!("JENKINS_URL is {url}"));
    one.set("url", url.trim_end_matches('/').into(), String::new());
    if let Some((user, token)) = user.zip(token) {
        let password = toml::Table::from_iter([("env".to_owned(), token.into())]);
        let who =
            toml::Table::from_iter([("username".to_owned(), user.into()), ("password".to_owned(), password.into())]);
        one.set("basic_auth", who.into(), "an API token".to_owned());
    } else {
        one.off = Some("who you are is not known: JENKINS_USER_ID and JENKINS_API_TOKEN say it".to_owned());
    }
    let all = toml::Table::from_iter([("name".to_owned(), ALL.into())]);
    let why = "all at the top; \"FOLDER/*\" is all in a folder, \"FOLDER/JOB\" a job or a multibranch project";
    one.set("jobs", vec![toml::Value::from(all)].into(), why.to_owned());
    Part { connections: vec![one], missing: Vec::new() }
}
