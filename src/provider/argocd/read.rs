//! One reading of a project: every Application that is looked at, what the token may do with them, and what cannot be read.

use std::collections::BTreeMap;

use crate::{
    port::{error::ProviderError, inventory::Part},
    provider::argocd::{
        CALLED,
        address::Address,
        api::{List, Server},
        facade::ArgoCd,
        request,
        rights::learn,
    },
};

/// What was read of a project.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) part: Part,
    /// From which revision on a stream tells what is new.
    pub(super) revision: String,
}

impl ArgoCd {
    /// Reads all of a project, or all there is.
    pub(super) async fn look(&self, project: Option<&str>) -> Result<Looked, ProviderError> {
        let list: List = self.client.read(&request::list(project), project.unwrap_or("its Applications")).await?;
        let (unread, many) = (list.items.unread, list.items.len());
        let apps = list.items.read;
        let mine: Vec<_> = apps.into_iter().filter(|app| self.is_chosen(&Address::of(app))).collect();
        self.learn_version().await;
        self.learn_rights(mine.iter().map(Address::of)).await;
        let here: Vec<String> = mine.iter().map(|app| Address::of(app).path()).collect();
        let gone = |path: &String, of: &str| !here.contains(path) && project.is_none_or(|project| project == of);
        self.memory().apps.retain(|path, known| !gone(path, known.app.project()));
        for app in mine {
            self.take(app);
        }
        let mut said = self.missing(project);
        if unread > 0 {
            said.push(format!("{CALLED}: {unread} of {many} Applications could not be read"));
        } else if many == 0 {
            let whose = project.map_or_else(String::new, |project| format!(" of the project {project}"));
            said.insert(
                0,
                format!("{CALLED}: it lists no Application{whose}; check the name, and what the token may see"),
            );
        }
        let part = self.whole(project, said);
        Ok(Looked { part, revision: list.metadata.resource_version })
    }

    /// Which version it is, once: how auto-sync is switched off follows from that.
    pub(super) async fn learn_version(&self) {
        if self.memory().version.is_some() {
            return;
        }
        if let Ok(Server { version }) = self.client.read(&request::version(), "its version").await {
            self.memory().version = Some(version);
        }
    }

    /// What the token may do with these, as far as that is not known of late. Says whether it is something else than before.
    pub(super) async fn learn_rights(&self, all: impl Iterator<Item = Address>) -> bool {
        let mut by_project: BTreeMap<String, Vec<Address>> = BTreeMap::new();
        for at in all {
            by_project.entry(at.project.clone()).or_default().push(at);
        }
        let (now, before) = (self.clock.now(), self.memory().rights.clone());
        for (project, all) in by_project {
            let known = self.memory().rights.clone();
            if !known.is_fresh(&project, now) {
                let learnt = learn(&self.client, known, &project, &all, now).await;
                self.memory().rights = learnt;
            }
        }
        !self.memory().rights.says_the_same(&before)
    }

    /// The same of everything of a project that is known.
    pub(super) async fn learn_rights_again(&self, project: Option<&str>) -> bool {
        let all: Vec<Address> = self.memory().apps.values().map(|known| Address::of(&known.app)).collect();
        let here = all.into_iter().filter(|at| project.is_none_or(|project| project == at.project));
        self.learn_rights(here).await
    }
}
