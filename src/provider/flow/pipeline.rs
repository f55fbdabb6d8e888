//! Reading one pipeline, where the lists of many say that something of it moved: its newest run, the others that are not over, what they
//! deploy, and now and then what was deployed before. What was read stays known while it is not read again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::{
    domain::{
        gate::Gate,
        ids::SourceName,
        object::Family,
        observed::FaultKind,
        offer::{Offer, Risk},
        pipeline::{Run, RunStatus},
        text::clean,
        time::{Timestamp, age},
        verb::Verb,
        version::Version,
    },
    port::{
        error::ProviderError,
        inventory::{Part, Scope},
    },
    provider::{
        flow::{
            CALLED, Pipeline,
            again::{self, Deploying},
            api,
            back::{self, Deployed, Way},
            client::{Client, is_partial},
            gate::{self, Within},
            loose,
            memory::Memory,
            normalize::{self, Site, job_state, order_is, over, person, state},
            request::{PAGE, Page},
            tree::called,
        },
        http::listed::Listed,
    },
};

/// Pages of runs that are read where each has one that is not over.
const MOST_PAGES: usize = 10;
/// Runs that are not over and are read one by one in one look.
const MOST_LIVE: usize = 200;
/// Runs that are over and are read so where something moves.
const MOST_ENDED: usize = 5;
/// How long lists of runs count, where something moves and elsewhere.
const LIST_AGE: Duration = Duration::from_mins(5);
const REST_AGE: Duration = Duration::from_mins(30);
/// How long records of deployments count where nothing was deployed since.
const RECORDS_AGE: Duration = Duration::from_hours(1);
/// Jobs that deploy of one pipeline, and records of which the run is looked at.
const MOST_DEPLOYS: usize = 5;
const MOST_RECORDS: usize = 6;

/// Who looks, and when.
#[derive(Debug)]
pub(super) struct Round<'a> {
    pub(super) client: &'a Client,
    pub(super) source: &'a SourceName,
    pub(super) web: Option<&'a str>,
    pub(super) now: Timestamp,
    /// The pipelines of which lists say that something moves, or moved of late.
    pub(super) hot: BTreeSet<u64>,
    /// How many more pipelines at rest may be read in this look, and of how many more the records.
    pub(super) first: AtomicUsize,
    pub(super) spare: AtomicUsize,
}

fn take(from: &AtomicUsize) -> bool {
    from.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

/// One pipeline, and what was seen of it.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) settings: Pipeline,
    pub(super) id: u64,
    pub(super) name: String,
    memory: Mutex<Memory>,
}

impl Watched {
    pub(super) fn new(settings: Pipeline, id: u64, name: String) -> Self {
        Self { settings, id, name, memory: Mutex::default() }
    }

    /// The scope that it is.
    pub(super) fn scope(&self) -> Scope {
        Scope::of(&Family::run(), self.id.to_string())
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something was sent there: the next look reads all of it.
    pub(super) fn stir(&self) {
        self.memory().stirred = true;
    }

    /// A run as it was read last, and what it deploys now.
    pub(super) fn known(&self, run: u64) -> (Option<api::Run>, Vec<Deploying>) {
        let memory = self.memory();
        let orders = memory.orders.get(&run).map(|all| all.iter().map(|(_, one)| one.clone()).collect());
        (memory.runs.get(&run).cloned(), orders.unwrap_or_default())
    }

    /// The newest run that is known.
    pub(super) fn newest(&self) -> Option<u64> {
        self.memory().runs.keys().next_back().copied()
    }

    /// The ways back from a run.
    pub(super) fn ways(&self, run: u64) -> Vec<Way> {
        self.memory().records.as_deref().map_or_else(Vec::new, |records| back::ways(records, run))
    }

    /// What a job has deployed, newest first.
    pub(super) fn records(&self, job: &str) -> Vec<Deployed> {
        let memory = self.memory();
        memory.records.iter().flatten().filter(|record| record.name == job).cloned().collect()
    }

    fn what(&self, rest: &str) -> String {
        let name = clean(&self.name);
        if rest.is_empty() { name } else { format!("{name}, {rest}") }
    }

    fn gap(&self, text: &str) -> String {
        format!("{CALLED}, {}: {text}", clean(&self.name))
    }

    /// Tells of it. What is at rest is not asked for anew.
    pub(super) async fn tell(&self, round: &Round<'_>) -> Result<Vec<Part>, ProviderError> {
        let (never, due) = {
            let memory = self.memory();
            let rests = memory.listed.is_none_or(|at| age(round.now, at) >= REST_AGE);
            (memory.listed.is_none(), rests || memory.stirred || !memory.live().is_empty())
        };
        let mut unsure = BTreeMap::new();
        let mut gaps = Vec::new();
        if round.hot.contains(&self.id) || due {
            if never && !round.hot.contains(&self.id) && !take(&round.first) {
                let text = self.gap("it was not read yet; its turn comes with one of the next looks");
                return Ok(vec![Part::unread(Family::run(), vec![text])]);
            }
            self.read_runs(round, &mut gaps, &mut unsure).await?;
            self.read_orders(round, &mut gaps).await?;
        }
        self.read_records(round).await?;
        let mut memory = self.memory();
        memory.prune();
        Ok(self.parts(&memory, round, gaps, &unsure))
    }

    /// The newest run, the list of them where it is time for it, and each that is not over.
    async fn read_runs(
        &self,
        round: &Round<'_>,
        gaps: &mut Vec<String>,
        unsure: &mut BTreeMap<u64, String>,
    ) -> Result<(), ProviderError> {
        let client = round.client;
        let mut read = BTreeSet::new();
        let mut lists = {
            let memory = self.memory();
            memory.stirred || memory.listed.is_none_or(|at| age(round.now, at) >= LIST_AGE)
        };
        match client.door.latest(self.id) {
            None => lists = true,
            Some(wanted) => match client.read::<Option<api::Run>>(&wanted, &self.what("newest run")).await {
                Ok(latest) => {
                    let latest = latest.filter(|run| run.pipeline_run_id.is_some());
                    let mut memory = self.memory();
                    lists |= latest
                        .as_ref()
                        .is_some_and(|run| run.pipeline_run_id.is_some_and(|id| !memory.runs.contains_key(&id)));
                    read.extend(latest.as_ref().and_then(|run| run.pipeline_run_id));
                    if let Some(run) = latest {
                        memory.take(run);
                    }
                }
                // One that never ran has no newest run: its list says so.
                Err(error) if error.kind == FaultKind::Missing => lists = true,
                Err(error) => return Err(error),
            },
        }
        if lists {
            self.read_list(round, gaps).await?;
        }
        let mut each = self.memory().live();
        if client.door.is_older() {
            // Nothing else tells what is in the newest one.
            let memory = self.memory();
            let newest = memory.runs.iter().next_back().filter(|(_, run)| run.stages.is_none());
            each.extend(newest.map(|(id, _)| *id).filter(|id| !each.contains(id)));
        }
        if round.hot.contains(&self.id) {
            // Beside what moves also what ended last is wanted with all that is in it.
            let memory = self.memory();
            let ended = memory.runs.iter().rev().filter(|(_, run)| over(run)).take(MOST_ENDED);
            each.extend(ended.filter(|(_, run)| run.stages.is_none()).map(|(id, _)| *id));
            each.dedup();
        }
        each.retain(|id| !read.contains(id));
        for (place, id) in each.into_iter().enumerate() {
            if place >= MOST_LIVE {
                unsure.insert(id, self.gap("not every run that is not over was read"));
                continue;
            }
            match client.read::<api::Run>(&client.door.run(self.id, id), &self.what(&format!("run {id}"))).await {
                Ok(run) => self.memory().take(run),
                Err(error) if error.kind == FaultKind::Missing => drop(self.memory().runs.remove(&id)),
                Err(error) if is_partial(&error) => drop(unsure.insert(id, error.text)),
                Err(error) => return Err(error),
            }
        }
        gaps.extend(unsure.values().cloned());
        gaps.dedup();
        self.memory().stirred = false;
        Ok(())
    }

    /// The list of runs, as far as there are any in it that are not over.
    async fn read_list(&self, round: &Round<'_>, gaps: &mut Vec<String>) -> Result<(), ProviderError> {
        let (client, mut page, mut listed) = (round.client, Page::default(), BTreeSet::new());
        for number in 1..=MOST_PAGES {
            let wanted = client.door.runs(self.id, &page, PAGE);
            let (entries, next): (Listed<api::Run>, _) = client.page(&wanted, &page, &self.what("runs")).await?;
            if entries.unread > 0 {
                gaps.push(self.gap(&format!("{} of its runs cannot be read", entries.unread)));
            }
            let goes_on = entries.read.iter().any(|run| !over(run));
            listed.extend(entries.read.iter().filter_map(|run| run.pipeline_run_id));
            entries.read.into_iter().for_each(|run| self.memory().list(run));
            match next {
                Some(next) if goes_on && number < MOST_PAGES => page = next,
                Some(_) if goes_on => gaps.push(self.gap(&format!("only the newest {} runs were read", listed.len()))),
                _ => break,
            }
        }
        self.memory().listed = Some(round.now);
        Ok(())
    }

    /// What the runs that are not over deploy to hosts now.
    async fn read_orders(&self, round: &Round<'_>, gaps: &mut Vec<String>) -> Result<(), ProviderError> {
        let wanted: Vec<(u64, u64, String, u64)> = {
            let memory = self.memory();
            let live = memory.runs.iter().filter(|(_, run)| !over(run));
            let of = |(id, run): (&u64, &api::Run)| {
                let running = run.jobs().filter(|(_, job)| !job_state(job).ended());
                let orders = running.filter_map(|(_, job)| Some((*id, job.id?, called(job), job.order()?)));
                orders.collect::<Vec<_>>()
            };
            live.flat_map(of).collect()
        };
        let mut all: BTreeMap<u64, Vec<(u64, Deploying)>> = BTreeMap::new();
        for (run, id, job, order) in wanted {
            let what = self.what(&format!("run {run}, deployment {order}"));
            match round.client.read::<api::Order>(&round.client.door.order(self.id, order), &what).await {
                Ok(order) => all.entry(run).or_default().push((id, Deploying { order, job })),
                Err(error) if is_partial(&error) => gaps.push(error.text),
                Err(error) => return Err(error),
            }
        }
        self.memory().orders = all;
        Ok(())
    }

    /// What was deployed before, where a deployment is over that was not, and now and then.
    async fn read_records(&self, round: &Round<'_>) -> Result<(), ProviderError> {
        let (due, marks) = {
            let memory = self.memory();
            let marks = memory.marks();
            let old = memory.recorded.is_none_or(|at| age(round.now, at) >= RECORDS_AGE);
            (memory.listed.is_some() && (old || marks != memory.deployed), marks)
        };
        if !due || !take(&round.spare) {
            return Ok(());
        }
        let read = self.ask_records(round).await;
        let mut memory = self.memory();
        (memory.recorded, memory.deployed) = (Some(round.now), marks);
        match read {
            Ok(records) => (memory.records, memory.unread) = (Some(records), None),
            Err(error) if is_partial(&error) => memory.unread = Some(error.text),
            Err(error) => return Err(error),
        }
        // What was read of their runs is no news.
        memory.deployed = memory.marks();
        Ok(())
    }

    async fn ask_records(&self, round: &Round<'_>) -> Result<Vec<Deployed>, ProviderError> {
        let (client, door) = (round.client, &round.client.door);
        let deploys: Listed<api::Deploy> = client.read(&door.deploys(self.id), &self.what("jobs that deploy")).await?;
        let mut all = Vec::new();
        for deploy in deploys.read.into_iter().take(MOST_DEPLOYS) {
            let Some(identifier) = deploy.identifier.clone().filter(|it| crate::port::fill::is_part(it)) else {
                continue;
            };
            let what = self.what("what was deployed");
            let records: Listed<api::Record> = client.read(&door.records(self.id, &identifier), &what).await?;
            let mut looked = 0;
            for record in records.read {
                let (Some(run), Some(job)) = (record.pipeline_run_id, record.job_id) else { continue };
                let known = || self.memory().runs.get(&run).filter(|run| run.stages.is_some()).cloned();
                let mut wire = known();
                let good = state(record.status.as_deref()) == RunStatus::Succeeded;
                if wire.is_none() && good && looked < MOST_RECORDS {
                    looked += 1;
                    let what = self.what(&format!("run {run}"));
                    wire = match client.read::<api::Run>(&door.run(self.id, run), &what).await {
                        Ok(read) => {
                            self.memory().take(read);
                            known()
                        }
                        // It is not kept any more: its job cannot run again either.
                        Err(error) if is_partial(&error) => None,
                        Err(error) => return Err(error),
                    };
                }
                all.push(self.deployed((&identifier, &deploy), &record, (run, job), wire.as_ref()));
            }
        }
        Ok(all)
    }

    fn deployed(
        &self,
        (identifier, deploy): (&str, &api::Deploy),
        record: &api::Record,
        (run, job): (u64, u64),
        wire: Option<&api::Run>,
    ) -> Deployed {
        let inside = wire.and_then(|wire| wire.job(job)).map(|(_, job)| job);
        let source = record.source();
        let source = source.as_ref().filter(|source| source.branch().is_some());
        let source = source.or(wire.and_then(api::Run::source));
        let of_params = |names: &[&str]| {
            let found =
                [&inside?.params, &inside?.result].into_iter().find_map(|value| loose::find(value, names, 0))?;
            let first = found.as_str()?.lines().map(clean).find(|line| !line.is_empty())?;
            Some(first)
        };
        let name =
            record.job_name.as_deref().or(deploy.job_name.as_deref()).or(inside.and_then(|job| job.name.as_deref()));
        Deployed {
            identifier: identifier.to_owned(),
            name: clean(name.unwrap_or(identifier)),
            run,
            job,
            number: record.execute_number,
            version: normalize::version(self.settings.version.as_ref(), source, run),
            status: state(record.status.as_deref()),
            who: person(record.operator_account_id.as_deref(), None),
            when: inside.and_then(|job| job.start_time),
            artifact: of_params(&["artifact", "artifactName", "artifactUrl", "image"]),
            script: of_params(&["script", "deployScript", "run", "command"]),
        }
    }

    fn parts(
        &self,
        memory: &Memory,
        round: &Round<'_>,
        gaps: Vec<String>,
        unsure: &BTreeMap<u64, String>,
    ) -> Vec<Part> {
        let site =
            Site { source: round.source, settings: &self.settings, id: self.id, name: &self.name, web: round.web };
        let (mut runs, mut gates, mut silent) = (Vec::new(), Vec::new(), Vec::new());
        let live: Vec<api::Run> = memory.runs.values().filter(|run| !over(run)).cloned().collect();
        for (id, wire) in memory.runs.iter().rev() {
            let Some(version) = self.version(memory, *id, wire) else { continue };
            let told = self.run(&site, memory, (*id, wire), &version, round);
            if !over(wire) {
                let older = round.client.door.is_older();
                let within = Within { site: &site, run: wire, number: *id, version: &version, older, now: round.now };
                let found = Self::gates(&within, memory, &live);
                if wire.unread() > 0 {
                    silent.push(self.gap(&format!("{} parts of run {id} cannot be read", wire.unread())));
                } else if found.is_empty() && told.as_ref().is_some_and(|run| run.status == RunStatus::Waiting) {
                    silent.push(
                        self.gap(&format!("run {id} waits, and Flow names nothing that could be passed or started")),
                    );
                }
                let known = |gate| match unsure.get(id) {
                    Some(why) => gate::as_it_was(gate, why),
                    None => gate,
                };
                gates.extend(found.into_iter().map(known));
            }
            runs.extend(told);
        }
        let lacking = gaps.iter().cloned().chain(silent).collect();
        vec![Part::whole(Family::gate(), gates).without(lacking), Part::whole(Family::run(), runs).without(gaps)]
    }

    /// What a run carries, where that is known: of one that only a list has, a record may tell.
    fn version(&self, memory: &Memory, id: u64, wire: &api::Run) -> Option<Version> {
        if wire.stages.is_some() || !wire.sources.is_empty() {
            return Some(normalize::version(self.settings.version.as_ref(), wire.source(), id));
        }
        memory.records.iter().flatten().find(|record| record.run == id).map(|record| record.version.clone())
    }

    fn run(
        &self,
        site: &Site<'_>,
        memory: &Memory,
        (id, wire): (u64, &api::Run),
        version: &Version,
        round: &Round<'_>,
    ) -> Option<Run> {
        let door = &round.client.door;
        let orders = memory.orders.get(&id);
        let paused = orders.is_some_and(|all| all.iter().any(|(_, one)| order_is(&one.order) == "paused"));
        let mut offers = normalize::offers(site, wire, door.is_older());
        let retries = |one: &Deploying| {
            one.order.machines().iter().any(|machine| api::may(&machine.actions, api::Does::Retry) == Some(true))
        };
        if orders.is_some_and(|all| all.iter().any(|(_, one)| retries(one))) {
            let again = Offer::open(Verb::Rerun, self.settings.risk()).asking(again::naming());
            offers.retain(|offer| offer.verb != Verb::Rerun);
            offers.push(again);
        }
        let ways = match (&memory.records, &memory.unread) {
            (Some(records), _) => Ok(back::ways(records, id)),
            (None, Some(why)) => Err(why.clone()),
            (None, None) => Err(self.gap("what it has deployed was not read yet")),
        };
        offers.push(back::offer(&self.settings, ways.as_deref().map_err(String::as_str), door));
        offers.push(match orders.and_then(|all| all.first()) {
            Some((_, one)) => gate::stop(&one.order),
            None => Offer::blocked(Verb::Stop, Risk::Medium, "it deploys to no hosts now"),
        });
        normalize::run(site, wire, paused, version.clone(), offers)
    }

    fn gates(within: &Within<'_>, memory: &Memory, live: &[api::Run]) -> Vec<Gate> {
        let orders = memory.orders.get(&within.number).into_iter().flatten();
        let paused = orders.filter_map(|(job, one)| gate::paused(within, within.run.job(*job)?, &one.order));
        gate::waiting(within, live).into_iter().chain(paused).collect()
    }
}
