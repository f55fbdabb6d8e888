//! The facets: what there is, and what the executor asks. Glue between the client and the pure parts.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{
    FutureExt, StreamExt,
    future::ready,
    stream::{self, BoxStream},
};

use crate::{
    domain::{
        ids::{EnvironmentName, ServiceName, SourceName},
        item::{Item, Noun},
        object::{Family, ObjectId},
        offer::Risk,
        rollout::{Phase, Rollout},
        service::Environment,
        text::shell_word,
        time::{Timestamp, after},
        verb::Verb,
    },
    port::{
        clock::SharedClock,
        error::ProviderError,
        facet::{Actor, Answer},
        inventory::{Heard, Inventory, Part, Scope},
        lookup::{self, Answers, Lookup, Question, Topic},
        plan::{Ask, Blocked, Draft, Reading, Sent},
        shape::{self, Checked, Shape},
    },
    provider::lambda::{
        CALLED, Chosen, FAMILY, Settings,
        address::{Address, is_name},
        api::{self, Alias},
        client::Client,
        deploy, draft, function,
        memory::{Function, Owner, Owners},
        normalize::{self, View},
        request::{self, Wanted},
    },
};

/// Functions that are read at the same time.
const AT_ONCE: usize = 4;
/// Where nothing moves, all functions together are asked about so often.
const EACH: Duration = Duration::from_secs(4);
/// The most functions that are looked at where all of a region are.
const MOST: usize = 100;
/// Pages of functions.
const MOST_PAGES: usize = 20;

/// A connection to Lambda.
#[derive(Debug)]
pub(super) struct Lambda {
    source: SourceName,
    region: String,
    address: Option<String>,
    client: Client,
    settings: Vec<Chosen>,
    clock: SharedClock,
    interval: Duration,
    memory: Mutex<Memory>,
    /// One reads CodeDeploy, the others wait for it.
    deploys: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Memory {
    functions: BTreeMap<String, Arc<Function>>,
    owners: Owners,
    /// What of the region is not looked at, where all of it is to be.
    left_out: Option<String>,
}

impl Lambda {
    pub(super) fn new(client: Client, settings: Settings, clock: SharedClock) -> Self {
        let Settings { name, region, address, functions, interval } = settings;
        let named = functions.iter().filter_map(|one| one.function.clone());
        let functions_known = named.map(|name| (name.clone(), Arc::new(Function::named(&name)))).collect();
        let memory = Mutex::new(Memory { functions: functions_known, ..Memory::default() });
        let deploys = tokio::sync::Mutex::default();
        Self { source: name, region, address, client, settings: functions, clock, interval, memory, deploys }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn clock(&self) -> &SharedClock {
        &self.clock
    }

    pub(super) fn region(&self) -> &str {
        &self.region
    }

    /// The functions that are named.
    pub(super) fn named(&self) -> Vec<String> {
        self.settings.iter().filter_map(|one| one.function.clone()).collect()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn scope(function: &str) -> Scope {
        Scope::of(&Family::new(FAMILY), function)
    }

    fn is_whole(&self) -> bool {
        self.settings.iter().any(|one| one.function.is_none())
    }

    /// Every function of the region, and whether there are more.
    pub(super) async fn names(&self) -> Result<(Vec<String>, bool), ProviderError> {
        let (mut all, mut marker) = (Vec::new(), None::<String>);
        for _ in 0..MOST_PAGES {
            let page: api::Functions =
                self.client.read(&request::functions(marker.as_deref()), "its functions").await?;
            all.extend(page.functions.into_iter().map(|one| one.function_name).filter(|name| is_name(name)));
            marker = page.next_marker.filter(|marker| !marker.is_empty());
            if marker.is_none() {
                break;
            }
        }
        Ok((all, marker.is_some()))
    }

    /// The scopes: where all functions are looked at, what is gone is looked at no more, but for what is named.
    async fn found(&self) -> Result<Vec<Scope>, ProviderError> {
        if self.is_whole() {
            let (mut told, more) = self.names().await?;
            told.sort();
            let many = told.len();
            told.truncate(MOST);
            let named = self.named();
            let mut memory = self.memory();
            memory.left_out = (more || many > MOST).then(|| {
                let all = if more { format!("more than {many}") } else { many.to_string() };
                format!("{MOST} of {all} functions are looked at: name those that are meant in `functions`")
            });
            memory.functions.retain(|name, _| told.contains(name) || named.contains(name));
            for name in told {
                let new = || Arc::new(Function::named(&name));
                memory.functions.entry(name.clone()).or_insert_with(new);
            }
        }
        Ok(self.memory().functions.keys().map(|name| Self::scope(name)).collect())
    }

    /// What of the settings is about an alias: what names it goes before what stands for many. `None` where nobody looks at it.
    fn chosen(&self, at: &Address) -> Option<&Chosen> {
        let fits = |one: &&Chosen| {
            one.function.as_ref().is_none_or(|name| *name == at.function)
                && one.alias.as_ref().is_none_or(|name| *name == at.alias)
        };
        let rank = |one: &&Chosen| (one.alias.is_some(), one.function.is_some());
        self.settings.iter().filter(fits).max_by_key(rank)
    }

    fn environment(chosen: &Chosen, at: &Address) -> Environment {
        let both = format!("{}/{}", at.function, at.alias);
        let named = chosen.environments.get(&both).or_else(|| chosen.environments.get(&at.alias));
        named.cloned().unwrap_or_else(|| Environment { name: EnvironmentName::new(&at.alias), risk: Risk::High })
    }

    /// Does something with all that is known of an alias.
    fn with<T>(&self, at: &Address, act: impl FnOnce(View<'_>) -> T) -> Option<T> {
        let chosen = self.chosen(at)?;
        let (function, owner, unknown, silent) = {
            let memory = self.memory();
            let function = Arc::clone(memory.functions.get(&at.function)?);
            let owners = &memory.owners;
            let never = owners.at.is_none().then(|| "it was not read yet".to_owned());
            let unknown = owners.unread.clone().or(never);
            (function, owners.of(&at.function, &at.alias), unknown, owners.silent.clone())
        };
        let alias = function.alias(&at.alias)?;
        let service = chosen.service.clone().unwrap_or_else(|| ServiceName::new(&at.function));
        let (environment, aws) = (Self::environment(chosen, at), self.aws());
        Some(act(View {
            source: &self.source,
            at,
            function: &function,
            alias,
            service: &service,
            environment: &environment,
            pattern: chosen.version.as_ref(),
            owner: owner.as_deref(),
            unknown_owner: unknown.as_deref(),
            silent: &silent,
            aws: &aws,
        }))
    }

    fn rollout(&self, at: &Address) -> Option<Rollout> {
        self.with(at, normalize::rollout)
    }

    /// Reads who moves the aliases of a function, all of it where that is due.
    async fn refresh(&self, function: &str) {
        let _one = self.deploys.lock().await;
        let known = self.memory().owners.clone();
        let owners = deploy::read(&self.client, known, function, self.clock.now()).await;
        self.memory().owners = owners;
    }

    /// When a function in which nothing moves is worth asking about again: all together are asked about so often.
    fn next_due(&self, now: Timestamp) -> Timestamp {
        let many = u32::try_from(self.memory().functions.len()).unwrap_or(u32::MAX);
        after(now, self.interval.max(EACH.saturating_mul(many)))
    }

    /// Reads a function and who moves its aliases.
    async fn look(&self, name: &str, now: Timestamp) -> Result<(Part, bool), ProviderError> {
        let known = self.memory().functions.get(name).cloned();
        let known = known.map_or_else(|| Function::named(name), |one| (*one).clone());
        let read = function::read(&self.client, known, now).await?;
        self.memory().functions.insert(name.to_owned(), Arc::new(read.clone()));
        self.refresh(name).await;
        let at = |alias: &Alias| Address { function: name.to_owned(), alias: alias.name.clone() };
        let all: Vec<Rollout> = read.aliases.iter().filter_map(|alias| self.rollout(&at(alias))).collect();
        let moves = all.iter().any(|one| one.in_flight() && one.phase != Phase::Unknown);
        let mut unread: Vec<String> = self.missing(name, &read);
        // Said once, by the first of them.
        let memory = self.memory();
        if memory.functions.keys().next().is_some_and(|first| first == name) {
            unread.extend(memory.left_out.clone());
        }
        drop(memory);
        Ok((Part::whole(Family::new(FAMILY), all).without(unread), moves))
    }

    /// What is named and not there.
    fn missing(&self, name: &str, read: &Function) -> Vec<String> {
        let here = self.settings.iter().filter(|one| one.function.as_deref() == Some(name));
        let gone = here.filter_map(|one| one.alias.as_deref()).filter(|alias| read.alias(alias).is_none());
        let mut all: Vec<String> =
            gone.map(|alias| format!("{CALLED}: {name} has no alias {alias}; check its name")).collect();
        if read.aliases.is_empty() && all.is_empty() && !self.is_whole() {
            all.push(format!("{CALLED}: {name} has no aliases, so nothing of it can be moved by shares"));
        }
        all
    }

    /// What moves an alias, as far as it is known.
    fn owner(&self, at: &Address) -> Option<Arc<Owner>> {
        self.memory().owners.of(&at.function, &at.alias)
    }

    /// How AWS's own command is begun.
    fn aws(&self) -> String {
        let there = self
            .address
            .as_deref()
            .map(|_| crate::provider::aws::address(self.address.as_deref(), "lambda", &self.region));
        let there = there.map(|there| format!(" --endpoint-url {}", shell_word(&there))).unwrap_or_default();
        format!("aws --region {}{there}", shell_word(&self.region))
    }

    fn checked(&self, draft: Draft, ask: &Ask) -> Result<Draft, Blocked> {
        let checked = shape::check_all(&draft, ask.verb, |target| self.shapes(target, ask.verb));
        checked.map(|()| draft).map_err(|forged| Blocked(forged.to_string()))
    }
}

impl Actor for Lambda {
    fn read<'a>(&'a self, target: &'a ObjectId) -> Answer<'a, Reading> {
        async move {
            let at = Address::of(target)?;
            let alias: Alias = self.client.read(&request::alias(&at), &target.path).await?;
            // Whoever sends may have seen no list before.
            self.refresh(&at.function).await;
            let owner = self.owner(&at);
            Ok(Reading { facts: normalize::facts(&alias, owner.as_deref()), revision: alias.revision_id })
        }
        .boxed()
    }

    fn shapes(&self, target: &ObjectId, verb: Verb) -> Vec<Shape> {
        let Some(at) = Address::parse(target).filter(|at| self.chosen(at).is_some()) else { return Vec::new() };
        let owner = self.owner(&at);
        let live = owner.as_ref().and_then(|owner| Some(owner.live()?.deployment.id.clone()));
        draft::shapes(&at, verb, live.as_deref(), owner.as_deref())
    }

    fn send<'a>(&'a self, call: Checked<'a>) -> Answer<'a, Sent> {
        async move {
            let outgoing = call.outgoing();
            let answer = self.client.done(&Wanted::call(outgoing), &outgoing.call.words).await?;
            let given = outgoing.given(None, answer.body());
            let written: Option<Alias> = serde_json::from_slice(answer.body()).ok();
            let revision = written.and_then(|alias| alias.revision_id);
            Ok(Sent { revision, said: answer.status().to_string(), given })
        }
        .boxed()
    }
}

impl Inventory for Lambda {
    fn tells(&self) -> Vec<(Family, Noun)> {
        vec![(Family::new(FAMILY), Noun::Rollout)]
    }

    fn discover(&self) -> Answer<'_, Vec<Scope>> {
        self.found().boxed()
    }

    fn list(&self, scopes: Vec<Scope>) -> BoxStream<'_, Heard> {
        let names: Vec<String> = self.memory().functions.keys().cloned().collect();
        let wanted = names.into_iter().filter(move |name| scopes.contains(&Self::scope(name)));
        let read = stream::iter(wanted).map(move |name| async move {
            let now = self.clock.now();
            match self.look(&name, now).await {
                Ok((part, moves)) => {
                    let heard = Heard::of(Self::scope(&name), Ok(vec![part]));
                    if moves { heard } else { heard.until(self.next_due(now)) }
                }
                Err(error) => Heard::of(Self::scope(&name), Err(error)),
            }
        });
        read.buffered(AT_ONCE).boxed()
    }

    fn probe(&self) -> Answer<'_, ()> {
        // It is read again and again anyway.
        ready(Ok(())).boxed()
    }

    fn draft(&self, item: &Item, ask: &Ask) -> Result<Draft, Blocked> {
        let Some((rollout, at)) = item.rollout().and_then(|rollout| Some((rollout, Address::parse(&rollout.id)?)))
        else {
            return Err(Blocked(format!("{} is no alias of {CALLED}", item.id())));
        };
        let drafted = self.with(&at, |view| draft::draft(view, rollout, ask));
        let unread = || Blocked(format!("{} was not read yet: press again in a moment", rollout.id));
        self.checked(drafted.ok_or_else(unread)??, ask)
    }
}

impl Lookup for Lambda {
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Preflight]
    }

    fn ask(&self, question: Question) -> Answers<'_> {
        match question {
            Question::Preflight { rollout, hash, .. } => {
                lookup::once(async move { self.preflight(&rollout, &hash).await.map(lookup::Told::Preflight) })
            }
            other => lookup::foreign(CALLED, &other),
        }
    }
}
