//! The schema: every setting, its meaning and its default. `examples/config/full.toml` shows each of them.
//!
//! Here must not live: reading files, or anything that looks at a system.

use std::{collections::BTreeMap, num::NonZeroU8, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    config::{
        kind::Connection,
        object::{self, Named, Object},
        span,
        standard::{Rule, Slo},
    },
    domain::{
        files::{Files, Kinds, PathPattern},
        ids::{EnvironmentName, Person, ServiceName},
        offer::Risk,
        service,
        setting::{Compared, Comparing, NamePattern, Weight},
        watch::Watch,
        wave,
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
    /// For how long a release is watched after all traffic is on it; an hour where nobody says so.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "span::some")]
    pub watch: Option<Duration>,
    /// In which order releases come to environments. The first entry that is of a service counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waves: Vec<Waves>,
}

/// In which order releases of some services come to their environments. Forward only: going back waits for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waves {
    /// Of which services, `shop-*`; of all where it is not there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<NamePattern>,
    /// The environments of each wave, the first wave first. `prod` is also `prod/eu-west-1`, unless that is named itself.
    pub order: Vec<Vec<EnvironmentName>>,
    /// For how long a version serves all of a wave before it goes to the next one; without it, it goes at once.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "span::some")]
    pub soak: Option<Duration>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            most_targets: most_targets(),
            migrations: None,
            configuration: None,
            drift: Weight::default(),
            watch: None,
            waves: Vec::new(),
        }
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
    /// What of it cannot be taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<Back>,
    /// For how long its releases are watched after all traffic is on them, where that is not what `[policy]` says.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "span::some")]
    pub watch: Option<Duration>,
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

/// What of a service cannot be taken back once it was let through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Back {
    /// Files of its repository: a version that changes one of them leaves no way back before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub irreversible: Vec<PathPattern>,
}

impl Config {
    /// Who acts: as configured, else the login of the environment that is handed in, else the account of the process.
    pub fn who(&self, env: &BTreeMap<String, String>, account: impl FnOnce() -> String) -> Person {
        let login = || ["USER", "LOGNAME"].into_iter().filter_map(|name| env.get(name)).find(|name| !name.is_empty());
        Person::new(self.operator.as_ref().or_else(login).cloned().unwrap_or_else(account))
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
        let irreversible = self.services.iter().filter_map(|(name, it)| {
            let patterns = it.back.as_ref().map(|back| back.irreversible.clone())?;
            (!patterns.is_empty()).then(|| (ServiceName::new(name), patterns))
        });
        Files { services: services.collect(), usual, irreversible: irreversible.collect() }
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

    /// For how long releases are watched after all traffic is on them.
    pub fn watch(&self) -> Watch {
        let own = self.services.iter().filter_map(|(name, it)| Some((ServiceName::new(name), it.watch?)));
        Watch { usual: self.policy.watch.unwrap_or(Watch::default().usual), services: own.collect() }
    }

    /// In which order releases come to environments.
    pub fn waves(&self) -> wave::Waves {
        let order = |it: &Waves| wave::Order { services: it.services.clone(), waves: it.order.clone(), soak: it.soak };
        wave::Waves(self.policy.waves.iter().map(order).collect())
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
    fn what_cannot_be_taken_back_is_declared_by_each_service_and_nothing_is_where_none_declares_it() {
        let text = "[services.ledger.back]\nirreversible = ['migrations/**drop*']\n[services.web.back]\n";
        let config: Config = toml::from_str(text).unwrap();
        let patterns = vec![PathPattern::try_from("migrations/**drop*".to_owned()).unwrap()];
        assert_eq!(config.files().irreversible, BTreeMap::from([("ledger".into(), patterns)]));
    }

    #[test]
    fn who_acts_is_configured_or_the_login_or_the_account() {
        let env = BTreeMap::from([("USER".to_owned(), String::new()), ("LOGNAME".to_owned(), "lee".to_owned())]);
        let account = || "uid 1001".to_owned();
        assert_eq!(Config::default().who(&env, account), "lee".into());
        assert_eq!(Config::default().who(&BTreeMap::new(), account), "uid 1001".into());
        let config = Config { operator: Some("dana".into()), ..Config::default() };
        assert_eq!(config.who(&env, account), "dana".into());
    }
}
