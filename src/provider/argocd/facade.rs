//! The facets: what there is, and what the executor asks. Glue between the client and the pure parts; what was read last is kept for drafts,
//! which ask nobody.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{FutureExt, StreamExt, future::ready, stream::BoxStream};

use crate::{
    domain::{
        ids::{EnvironmentName, ServiceName, SourceName},
        item::{Item, Noun},
        object::{Family, ObjectId},
        offer::Risk,
        rollout::Rollout,
        service::Environment,
        text::clean,
        upkeep::Upkeep,
        verb::Verb,
    },
    port::{
        clock::SharedClock,
        facet::{Actor, Answer},
        inventory::{Heard, Inventory, Part, Scope},
        plan::{Ask, Blocked, Draft, Reading, Sent},
        shape::{self, Checked, Shape},
    },
    provider::argocd::{
        CALLED, Chosen, FAMILY, Settings,
        address::Address,
        api::{Application, Server, Windows},
        automation::has_enabled,
        client::Client,
        draft,
        facts::facts,
        follow::follow,
        normalize::{self, View},
        request::{self, Wanted},
        rights::Rights,
        version::{Tags, seen},
    },
};

/// How the cluster is called that Argo CD itself runs in, by its address and by its name.
const OWN_CLUSTER: (&str, &str) = ("https://kubernetes.default.svc", "in-cluster");

/// A connection to Argo CD.
#[derive(Debug)]
pub(super) struct ArgoCd {
    pub(super) source: SourceName,
    address: String,
    pub(super) client: Client,
    settings: Vec<Chosen>,
    pub(super) clock: SharedClock,
    memory: Mutex<Memory>,
}

/// What was read last.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// By their path.
    pub(super) apps: BTreeMap<String, Known>,
    pub(super) rights: Rights,
    /// Its version; `None` until it told it.
    pub(super) version: Option<String>,
}

/// An Application, and which tags were seen to run in it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) app: Arc<Application>,
    tags: Tags,
}

impl ArgoCd {
    pub(super) fn new(client: Client, settings: Settings, clock: SharedClock) -> Self {
        let Settings { name, address, applications, .. } = settings;
        Self { source: name, address, client, settings: applications, clock, memory: Mutex::default() }
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The projects that are read, each by itself; `None` for all that the token may see.
    pub(super) fn projects(&self) -> Vec<Option<String>> {
        let named: Option<BTreeSet<String>> = self.settings.iter().map(|one| one.project.clone()).collect();
        match named {
            Some(named) if !named.is_empty() => named.into_iter().map(Some).collect(),
            _ => vec![None],
        }
    }

    pub(super) fn scope(project: Option<&str>) -> Scope {
        Scope::of(&Family::new(FAMILY), project.unwrap_or_default())
    }

    /// What of the settings is about an Application: what names it goes before what stands for many. `None` where nobody looks at it.
    fn chosen(&self, at: &Address) -> Option<&Chosen> {
        let is = |one: &&Chosen| {
            one.project.as_ref().is_none_or(|project| *project == at.project)
                && one.name.as_ref().is_none_or(|name| *name == at.name)
                && (one.name.is_none() || one.namespace.is_none() || one.namespace == at.namespace)
        };
        let fits = || self.settings.iter().filter(is);
        fits()
            .find(|one| one.name.is_some())
            .or_else(|| fits().find(|one| one.project.is_some()))
            .or_else(|| fits().next())
    }

    /// Is it looked at?
    pub(super) fn is_chosen(&self, at: &Address) -> bool {
        self.settings.is_empty() || self.chosen(at).is_some()
    }

    /// What is named and not there, a sentence each.
    pub(super) fn missing(&self, project: Option<&str>) -> Vec<String> {
        let memory = self.memory();
        let there = |one: &Chosen| {
            memory.apps.values().map(|known| Address::of(&known.app)).any(|at| {
                one.name.as_ref() == Some(&at.name) && one.project.as_ref().is_none_or(|project| *project == at.project)
            })
        };
        let here = self.settings.iter().filter(|one| project.is_none() || one.project.as_deref() == project);
        let gone = here.filter(|one| one.name.is_some() && !there(one));
        gone.map(|one| {
            let name =
                [one.project.as_deref(), one.name.as_deref()].into_iter().flatten().collect::<Vec<_>>().join("/");
            format!(
                "{CALLED}: there is no Application {} that the token may see; check its name, and the token's rights",
                clean(&name)
            )
        })
        .collect()
    }

    /// Keeps what was read of one, and tells it in the domain's words.
    pub(super) fn take(&self, app: Application) -> Option<Rollout> {
        let at = Address::of(&app);
        if !self.is_chosen(&at) {
            return None;
        }
        let service = self.service(&at);
        let path = at.path();
        {
            let mut memory = self.memory();
            let new = seen(&app, service.as_str());
            let mut tags = memory.apps.remove(&path).map(|known| known.tags).unwrap_or_default();
            tags.extend(new);
            memory.apps.insert(path.clone(), Known { app: Arc::new(app), tags });
        }
        self.rollout(&at)
    }

    /// Everything of a project that is known now.
    pub(super) fn rollouts(&self, project: Option<&str>) -> Vec<Rollout> {
        let all: Vec<Address> = self.memory().apps.values().map(|known| Address::of(&known.app)).collect();
        let here = all.into_iter().filter(|at| project.is_none_or(|project| at.project == project));
        here.filter_map(|at| self.rollout(&at)).collect()
    }

    fn service(&self, at: &Address) -> ServiceName {
        let named = self.chosen(at).filter(|one| one.name.is_some()).and_then(|one| one.service.clone());
        named.unwrap_or_else(|| ServiceName::new(&at.name))
    }

    /// Where it goes, by our name; one that nobody named goes by its cluster.
    fn environment(&self, at: &Address, app: &Application) -> Environment {
        let to = &app.spec.destination;
        let (address, own) = OWN_CLUSTER;
        let cluster = match (to.name.as_str(), to.server.as_str()) {
            ("", server) if server == address || server.is_empty() => own,
            ("", server) => server,
            (name, _) => name,
        };
        let both = format!("{cluster}/{}", to.namespace);
        let keys = [at.name.as_str(), &both, &to.namespace, cluster, &to.server];
        let named = self.chosen(at).and_then(|one| keys.iter().find_map(|key| one.environments.get(*key)));
        let host = || cluster.trim_start_matches("https://").trim_end_matches('/').to_owned();
        named.cloned().unwrap_or_else(|| Environment { name: EnvironmentName::new(clean(&host())), risk: Risk::High })
    }

    fn rollout(&self, at: &Address) -> Option<Rollout> {
        self.with(at, normalize::rollout)
    }

    /// What these keep by themselves.
    pub(super) fn upkeep<'a>(&self, all: impl IntoIterator<Item = &'a Rollout>) -> Vec<Upkeep> {
        let of = |rollout: &Rollout| self.with(&Address::parse(&rollout.id)?, normalize::upkeep)?;
        all.into_iter().filter_map(of).collect()
    }

    /// Everything of a project as it is known now, and what of it cannot be read.
    pub(super) fn whole(&self, project: Option<&str>, unread: Vec<String>) -> Part {
        let all = self.rollouts(project);
        let upkeep = self.upkeep(&all);
        Part::whole(Family::new(FAMILY), all).without(unread).keeping(upkeep)
    }

    /// Does something with all that is known of an Application.
    fn with<T>(&self, at: &Address, act: impl FnOnce(View<'_>) -> T) -> Option<T> {
        let (known, rights, parent_heals, version) = {
            let memory = self.memory();
            let known = memory.apps.get(&at.path())?.clone();
            let parent = known.app.parent().and_then(|parent| {
                let found = memory.apps.values().find(|other| other.app.metadata.name == parent)?;
                Some(found.app.automated().is_some_and(|block| block.self_heal == Some(true)))
            });
            (known, memory.rights.clone(), parent, memory.version.clone())
        };
        let (service, environment) = (self.service(at), self.environment(at, &known.app));
        Some(act(View {
            source: &self.source,
            app: &known.app,
            at,
            service: &service,
            environment: &environment,
            tags: &known.tags,
            rights: &rights,
            parent_heals,
            has_enabled: version.is_some_and(|version| has_enabled(&version)),
        }))
    }

    /// A draft whose calls will pass when they are sent.
    fn checked(&self, draft: Draft, ask: &Ask) -> Result<Draft, Blocked> {
        let checked = shape::check_all(&draft, ask.verb, |target| self.shapes(target, ask.verb));
        checked.map(|()| draft).map_err(|forged| Blocked(forged.to_string()))
    }
}

impl Actor for ArgoCd {
    fn read<'a>(&'a self, target: &'a ObjectId) -> Answer<'a, Reading> {
        async move {
            let at = Address::must(target)?;
            let path = at.path();
            let app: Application = self.client.read(&request::application(&at), &path).await?;
            // Where that cannot be read a way back is not held up: what the controller says of it is watched.
            let windows = self.client.read::<Windows>(&request::windows(&at), &path).await.ok();
            let facts = facts(&app, windows.and_then(|windows| windows.can_sync));
            Ok(Reading { facts, revision: None })
        }
        .boxed()
    }

    fn shapes(&self, target: &ObjectId, verb: Verb) -> Vec<Shape> {
        draft::shapes(target, verb)
    }

    fn send<'a>(&'a self, call: Checked<'a>) -> Answer<'a, Sent> {
        async move {
            let outgoing = call.outgoing();
            let answer = self.client.done(&Wanted::call(outgoing)?, &outgoing.call.words).await?;
            let given = outgoing.given(None, answer.body());
            Ok(Sent { revision: None, said: answer.status().to_string(), given })
        }
        .boxed()
    }
}

impl Inventory for ArgoCd {
    fn tells(&self) -> Vec<(Family, Noun)> {
        vec![(Family::new(FAMILY), Noun::Rollout)]
    }

    fn discover(&self) -> Answer<'_, Vec<Scope>> {
        ready(Ok(self.projects().iter().map(|project| Self::scope(project.as_deref())).collect())).boxed()
    }

    fn list(&self, scopes: Vec<Scope>) -> BoxStream<'_, Heard> {
        let wanted = move |project: &Option<String>| scopes.contains(&Self::scope(project.as_deref()));
        let projects: Vec<Option<String>> = self.projects().into_iter().filter(wanted).collect();
        futures::stream::iter(projects)
            .then(move |project| async move {
                let parts = self.look(project.as_deref()).await.map(|looked| vec![looked.part]);
                Heard::of(Self::scope(project.as_deref()), parts)
            })
            .boxed()
    }

    fn watch(&self) -> Option<BoxStream<'_, Heard>> {
        Some(futures::stream::select_all(self.projects().into_iter().map(|project| follow(self, project))).boxed())
    }

    fn probe(&self) -> Answer<'_, ()> {
        async move { self.client.read::<Server>(&request::version(), "its version").await.map(drop) }.boxed()
    }

    fn draft(&self, item: &Item, ask: &Ask) -> Result<Draft, Blocked> {
        let Some((rollout, at)) = item.rollout().and_then(|rollout| Some((rollout, Address::parse(&rollout.id)?)))
        else {
            return Err(Blocked(format!("{} is no Application of {CALLED}", item.id())));
        };
        let drafted = self.with(&at, |view| draft::draft(view, rollout, ask, &self.address));
        let unread = || Blocked(format!("{} was not read yet: press again in a moment", rollout.id));
        self.checked(drafted.ok_or_else(unread)??, ask)
    }
}
