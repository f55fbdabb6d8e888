//! What was read: of a function, and of what CodeDeploy has of its aliases. Drafts are made of it, and ask nobody.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    domain::time::Timestamp,
    provider::lambda::api::{Alias, Config, Deployment, Group, Lifecycle, Provisioned, Published, moment},
};

/// What of a function could be read, or why not.
pub(super) type Known<T> = Result<T, String>;

/// A function.
#[derive(Clone, Debug)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) aliases: Vec<Alias>,
    /// Its published versions, newest first, without `$LATEST`.
    pub(super) versions: Vec<Published>,
    /// Why not all of its versions are there; nothing where all are.
    pub(super) unread: Option<String>,
    pub(super) versions_at: Option<Timestamp>,
    /// What is kept warm of it, by version or alias.
    pub(super) warm: Known<Vec<Provisioned>>,
    /// What is kept free for it; nothing where nothing is said.
    pub(super) reserved: Known<Option<u32>>,
    pub(super) side_at: Option<Timestamp>,
}

impl Function {
    /// Of which nothing is known yet.
    pub(super) fn named(name: &str) -> Self {
        let unread = || "it was not read yet".to_owned();
        Self {
            name: name.to_owned(),
            aliases: Vec::new(),
            versions: Vec::new(),
            unread: Some(unread()),
            versions_at: None,
            warm: Err(unread()),
            reserved: Err(unread()),
            side_at: None,
        }
    }

    pub(super) fn alias(&self, name: &str) -> Option<&Alias> {
        self.aliases.iter().find(|alias| alias.name == name)
    }

    pub(super) fn version(&self, number: &str) -> Option<&Published> {
        self.versions.iter().find(|version| version.version == number)
    }

    /// What is kept warm of a version or an alias, where that could be read.
    pub(super) fn warm(&self, qualifier: &str) -> Option<&Provisioned> {
        self.warm.as_ref().ok()?.iter().find(|one| one.qualifier() == qualifier)
    }
}

/// A deployment group, and what it did last.
#[derive(Clone, Debug, Default)]
pub(super) struct Owner {
    pub(super) group: Group,
    /// Newest first, as many as were read.
    pub(super) done: Vec<Done>,
    /// How traffic is shifted now, where something is.
    pub(super) config: Option<Config>,
}

/// A deployment, and the alias that it is about.
#[derive(Clone, Debug, Default)]
pub(super) struct Done {
    pub(super) deployment: Deployment,
    pub(super) function: String,
    pub(super) alias: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) events: Vec<Lifecycle>,
}

/// Words of deployments that have not ended.
const LIVE: [&str; 5] = ["Created", "Queued", "InProgress", "Baking", "Ready"];

/// Has a deployment with this status not ended? One that we do not know has not.
pub(super) fn is_live(status: &str) -> bool {
    LIVE.contains(&status) || !matches!(status, "Succeeded" | "Failed" | "Stopped")
}

impl Done {
    pub(super) fn is_live(&self) -> bool {
        is_live(&self.deployment.status)
    }

    /// Does it take back what another one brought?
    pub(super) fn is_rollback(&self) -> bool {
        self.deployment.creator.as_deref() == Some("codeDeployRollback")
    }

    /// When the shift itself began.
    pub(super) fn shifting_since(&self) -> Option<Timestamp> {
        let shift = self.events.iter().find(|event| event.name == "AllowTraffic")?;
        moment(shift.start_time)
    }

    /// The hook that runs now.
    pub(super) fn hook(&self) -> Option<&str> {
        let running = self.events.iter().find(|event| event.status.as_deref() == Some("InProgress"))?;
        Some(&running.name).filter(|name| *name != "AllowTraffic").map(String::as_str)
    }
}

impl Owner {
    /// `payments/live-group`
    pub(super) fn called(&self) -> String {
        format!("{}/{}", self.group.application_name, self.group.deployment_group_name)
    }

    fn is_of(&self, function: &str, alias: &str) -> bool {
        self.done.iter().any(|one| one.function == function && one.alias == alias)
    }

    /// The last that it did.
    pub(super) fn last(&self) -> Option<&Done> {
        self.done.first()
    }

    /// What it does now.
    pub(super) fn live(&self) -> Option<&Done> {
        self.done.iter().find(|one| one.is_live())
    }
}

/// What CodeDeploy has, as far as it was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Owners {
    pub(super) all: Vec<Arc<Owner>>,
    /// Groups that have deployed nothing yet: nothing tells which aliases are theirs.
    pub(super) silent: Vec<String>,
    /// Why it is not known what there is.
    pub(super) unread: Option<String>,
    pub(super) at: Option<Timestamp>,
    /// Ways to shift traffic, by name: nobody can change one.
    pub(super) configs: BTreeMap<String, Config>,
}

impl Owners {
    /// Who moves an alias: of several, whoever did it last.
    pub(super) fn of(&self, function: &str, alias: &str) -> Option<Arc<Owner>> {
        let began = |owner: &&Arc<Owner>| owner.last().and_then(|one| moment(one.deployment.create_time));
        self.all.iter().filter(|owner| owner.is_of(function, alias)).max_by_key(began).cloned()
    }
}
