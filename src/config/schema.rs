//! The schema: every setting, its meaning and its default. `examples/config/full.toml` shows each of them.
//!
//! Here must not live: reading files, or anything that looks at a system.

use std::{collections::BTreeMap, num::NonZeroU8, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    config::{
        kind::Connection,
        object::{self, Named, Object},
        standard::{Rule, Slo},
    },
    domain::{
        files::{Files, Kinds, PathPattern},
        ids::{EnvironmentName, Person, ServiceName},
        offer::Risk,
        service,
        setting::{Compared, Comparing, NamePattern, Weight},
    },
};

/// The whole configuration, all layers merged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who acts, as the record names them; without it the user's login.
    pub operator: Option<String>,
    /// Looking only: every verb is refused.
    #[serde(default)]
    pub read_only: bool,
    /// The theme's name; without it the first that comes with the program.
    pub theme: Option<String>,
    /// The systems that are looked at, by the name that the status bar shows.
    #[serde(default, skip_deserializing)]
    pub connections: BTreeMap<String, Connection>,
    /// What is released.
    #[serde(default)]
    pub services: BTreeMap<String, Service>,
    /// Where it runs, in order.
    #[serde(default)]
    pub environments: BTreeMap<String, Environment>,
    /// Keys that differ from the defaults: `intent = "chord"`; `holdshort keys` lists the intents.
    #[serde(default)]
    pub keys: BTreeMap<String, String>,
    /// Where the journal is kept.
    #[serde(default)]
    pub state: State,
    /// What holds back, whoever acts.
    #[serde(default)]
    pub policy: Policy,
    /// A served built-in world, whose time is not ours.
    pub world: Option<World>,
}

/// What holds back, whoever acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// As many objects as one act may touch.
    #[serde(default = "most_targets")]
    pub most_targets: NonZeroU8,
    /// Which files of a repository are migrations of a database, `db/migrate/**`: a release that brings one says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrations: Option<Vec<PathPattern>>,
    /// Which are configuration, `config/**`: a release that changes a setting there names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Vec<PathPattern>>,
    /// What it is that settings differ between environments: `note` beside what is checked, or a `risk` of what goes forward.
    #[serde(default)]
    pub drift: Weight,
}

impl Default for Policy {
    fn default() -> Self {
        Self { most_targets: most_targets(), migrations: None, configuration: None, drift: Weight::default() }
    }
}

/// What it is where nobody says so.
const MOST_TARGETS: u8 = 5;

fn most_targets() -> NonZeroU8 {
    NonZeroU8::new(MOST_TARGETS).unwrap_or(NonZeroU8::MIN)
}

/// A served built-in world. `holdshort demo serve` writes this; real systems have no use for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// An address whose answers carry the world's time in `Date`.
    pub clock: String,
    /// How many seconds pass there in one of ours.
    pub speed: f64,
}

/// Where the journal is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The journal's folder; without it `/var/lib/holdshort` where that can be written, else the user's state folder.
    pub path: Option<PathBuf>,
    /// Who may sign records: a list of SSH keys as OpenSSH's `allowed_signers` is written. With it `audit verify` fails where
    /// anybody else signed.
    pub signers: Option<PathBuf>,
    /// The group that keeps it together, by name or number; without it the folder is this user's alone. `holdshort state
    /// init` makes the folder.
    pub group: Option<String>,
}

/// A place where versions run. `prod` also covers `prod/eu-west-1`, unless that has an entry of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// What a mistake costs there: `low`, `medium` or `high`.
    pub risk: Risk,
}

/// What is released.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Who answers for it.
    pub owner: Option<String>,
    /// Where its runbook is.
    pub runbook: Option<String>,
    /// What is its own in the systems, by the key under which their kind has it: `CONNECTION/PATH`.
    #[serde(flatten, skip_deserializing)]
    pub objects: BTreeMap<&'static str, Named>,
    /// Its name in the metrics, where that is another one.
    pub metrics: Option<String>,
    /// Which files of its repository are migrations, where those of `[policy]` are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrations: Option<Vec<PathPattern>>,
    /// The same of configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Vec<PathPattern>>,
    /// Which of its settings may differ between environments, and which of those is the one to compare with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// What it promises.
    pub slo: Option<Slo>,
    /// Limits that its signals are held to, beside the tests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
}

/// How the settings of a service are compared between environments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// The environment that others are compared with; without it the next one of lower risk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<EnvironmentName>,
    /// Names of settings that are meant to differ: `["DATABASE_URL", "*_HOST"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<NamePattern>,
}

impl Config {
    /// Who acts: as configured, else the login of the environment that is handed in.
    pub fn who(&self, env: &BTreeMap<String, String>) -> Person {
        let login = || ["USER", "LOGNAME"].into_iter().filter_map(|name| env.get(name)).find(|name| !name.is_empty());
        Person::new(self.operator.as_ref().or_else(login).map_or("unknown", String::as_str))
    }

    /// What a mistake costs in an environment: its own entry, else that of the nearest part before a `/`. One that nobody
    /// described is as dangerous as production.
    pub fn risk_of(&self, environment: &EnvironmentName) -> Risk {
        let mut name = environment.as_str();
        loop {
            if let Some(known) = self.environments.get(name) {
                return known.risk;
            }
            match name.rsplit_once('/') {
                Some((before, _)) => name = before,
                None => return Risk::High,
            }
        }
    }

    /// Which files are migrations and configuration: what a service says, else `[policy]`, else where the usual tools have them.
    pub fn files(&self) -> Files {
        let of =
            |migrations: &Option<Vec<PathPattern>>, configuration: &Option<Vec<PathPattern>>, before: &Kinds| Kinds {
                migrations: migrations.clone().unwrap_or_else(|| before.migrations.clone()),
                configuration: configuration.clone().unwrap_or_else(|| before.configuration.clone()),
            };
        let usual = of(&self.policy.migrations, &self.policy.configuration, &Kinds::default());
        let own = self.services.iter().filter(|(_, it)| it.migrations.is_some() || it.configuration.is_some());
        let services = own.map(|(name, it)| (ServiceName::new(name), of(&it.migrations, &it.configuration, &usual)));
        Files { services: services.collect(), usual }
    }

    /// How the settings of environments are compared.
    pub fn comparing(&self) -> Comparing {
        let environment = |(name, it): (&String, &Environment)| service::Environment {
            name: EnvironmentName::new(name),
            risk: it.risk,
        };
        let of = |(name, it): (&String, &Service)| {
            let Drift { from, expected } = it.drift.clone()?;
            Some((ServiceName::new(name), Compared { from, expected }))
        };
        Comparing {
            environments: self.environments.iter().map(environment).collect(),
            services: self.services.iter().filter_map(of).collect(),
            weight: self.policy.drift,
        }
    }

    /// What services name of a connection's: the service, and what the object is called there.
    pub fn named(&self, connection: &str) -> impl Iterator<Item = (ServiceName, &str)> {
        let each = self.services.iter().flat_map(|(service, about)| {
            let all = about.objects.values().flat_map(Named::all);
            all.map(move |object| (ServiceName::new(service), object))
        });
        each.filter(move |(_, object)| object.connection() == connection)
            .map(|(service, object)| (service, object.path()))
    }

    /// What a connection looks at: what it lists itself, and what services name there.
    pub fn looked_at(&self, connection: &str, listed: &[Object]) -> Vec<Object> {
        object::joined(listed, self.named(connection))
    }

    /// The name of a service in the metrics.
    pub fn metrics_name(&self, service: &ServiceName) -> String {
        let configured = self.services.get(service.as_str()).and_then(|about| about.metrics.clone());
        configured.unwrap_or_else(|| service.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_without_an_entry_takes_its_stage_s_risk_or_the_highest() {
        let mut config = Config::default();
        config.environments.insert("staging".into(), Environment { risk: Risk::Low });
        config.environments.insert("prod/canary".into(), Environment { risk: Risk::Medium });
        let risk = |name: &str| config.risk_of(&name.into());
        assert_eq!(risk("staging/eu"), Risk::Low);
        assert_eq!(risk("prod/canary"), Risk::Medium);
        assert_eq!(risk("prod/eu"), Risk::High);
    }

    #[test]
    fn what_a_service_says_of_its_files_goes_before_the_policy_and_that_before_the_usual() {
        let patterns = |text: &str| Some(vec![PathPattern::try_from(text.to_owned()).unwrap()]);
        let mut config = Config::default();
        assert_eq!(config.files(), Files::default());
        config.policy.migrations = patterns("sql/**");
        let ledger = Service { configuration: patterns("settings/**"), ..Service::default() };
        config.services.insert("ledger".into(), ledger);
        let files = config.files();
        let (ledger, web) = (files.of(&"ledger".into()), files.of(&"web".into()));
        assert_eq!(
            (Some(&ledger.migrations), Some(&ledger.configuration)),
            (patterns("sql/**").as_ref(), patterns("settings/**").as_ref())
        );
        assert_eq!(
            (Some(&web.migrations), &web.configuration),
            (patterns("sql/**").as_ref(), &Kinds::default().configuration)
        );
    }

    #[test]
    fn who_acts_is_configured_or_the_login() {
        let env = BTreeMap::from([("USER".to_owned(), String::new()), ("LOGNAME".to_owned(), "lee".to_owned())]);
        assert_eq!(Config::default().who(&env), "lee".into());
        assert_eq!(Config::default().who(&BTreeMap::new()), "unknown".into());
        let config = Config { operator: Some("dana".into()), ..Config::default() };
        assert_eq!(config.who(&env), "dana".into());
    }
}
