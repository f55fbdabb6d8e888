//! Reading one project, after the question that tells of many: the rest of its lists, what became of pipelines that no list has, the
//! deployments that wait, and now and then what the project allows and what was deployed before.

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
        gate::{Behind, Gate},
        ids::{Person, SourceName},
        object::Family,
        observed::FaultKind,
        offer::{Offer, Risk},
        pipeline::{Run, RunStatus},
        time::Timestamp,
        verb::Verb,
        version::Version,
    },
    port::{
        error::ProviderError,
        inventory::{Part, Scope},
    },
    provider::gitlab::{
        Project, again, api,
        back::{self, Back},
        client::{Client, Pages, Told, is_partial},
        freeze::{Frozen, frozen},
        gate::{self, Blocked, Site, held, needed},
        memory::Memory,
        normalize::{self, over, status, version},
        request,
    },
    provider::http::listed::Listed,
};

/// Pages of pipelines that wait or run, behind the first.
const MOST_PAGES: usize = 10;
/// Pipelines that are asked for by themselves in one look.
const MOST_ABSENT: usize = 10;
/// Deployments that wait and are looked at one by one.
const MOST_BLOCKED: usize = 20;
/// How long what a project allows counts before it is asked for again, where something waits and elsewhere.
const WAITING_AGE: Duration = Duration::from_mins(10);
const RESTING_AGE: Duration = Duration::from_hours(1);
/// What GitLab cancels are jobs that run or would by themselves: `manual` is none of them (its `app/models/concerns/ci/has_status.rb`).
const NOTHING_RUNS: &str =
    "nothing of it runs: GitLab cancels no job that waits for a hand; reject its deployment, or leave it";
/// The role that changes anything.
const DEVELOPER: u32 = 30;

/// Who looks, and when.
#[derive(Debug)]
pub(super) struct Round<'a> {
    pub(super) client: &'a Client,
    pub(super) source: &'a SourceName,
    pub(super) me: Option<Person>,
    /// Why the token may change nothing, where that is known.
    pub(super) barred: Option<String>,
    pub(super) now: Timestamp,
    /// In how many projects more what changes seldom is asked for in this look.
    pub(super) spare: AtomicUsize,
}

/// One project, and what was seen of it.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) settings: Project,
    memory: Mutex<Memory>,
}

/// What waits for approvals, and what of that could not be read.
type Waiting = (Vec<Blocked>, Vec<String>);

impl Watched {
    pub(super) fn new(settings: Project) -> Self {
        Self { settings, memory: Mutex::default() }
    }

    pub(super) fn path(&self) -> &str {
        &self.settings.path
    }

    /// The scope that it is.
    pub(super) fn scope(&self) -> Scope {
        Scope::of(&Family::run(), self.path())
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something wait there for somebody?
    pub(super) fn waits(&self) -> bool {
        self.memory().newest_first().iter().any(|pipeline| status(pipeline) == RunStatus::Waiting)
    }

    /// The ways back from what a pipeline has deployed and is still live.
    pub(super) fn backs(&self, pipeline: u64) -> Vec<Back> {
        let memory = self.memory();
        back::of(&back::backs(memory.history.get().map_or(&[], Vec::as_slice)), pipeline)
    }

    /// A sentence about what is not read while the rest is.
    fn gap(&self, text: &str) -> String {
        format!("GitLab, {}: {text}", self.path())
    }

    /// Tells of it, after what the question about many told of it.
    pub(super) async fn tell(&self, seen: api::Project, round: &Round<'_>) -> Result<Vec<Part>, ProviderError> {
        let mut gaps = Vec::new();
        let mut listed = self.take(&seen, &mut gaps);
        let mut cut = Vec::new();
        for (state, list) in [("MANUAL", &seen.waiting), ("RUNNING", &seen.running)] {
            self.read_more(state, list.as_ref(), &mut listed, &mut cut, round).await?;
        }
        // What is not read of what waits or runs may be a gate, too.
        gaps.extend(cut.iter().cloned());
        let unsure = self.ask_for_absent(&listed, round).await?;
        gaps.extend(unsure.values().cloned());
        let blocked = match self.read_blocked(seen.environments.as_ref(), round).await {
            Err(error) if !is_partial(&error) => return Err(error),
            blocked => blocked,
        };
        let pipelines = self.memory().newest_first();
        let waits = pipelines.iter().any(|one| status(one) == RunStatus::Waiting)
            || blocked.as_ref().is_ok_and(|(blocked, _)| !blocked.is_empty());
        self.read_seldom(waits, round).await?;
        let gates = match blocked {
            Ok((blocked, lacking)) => {
                let (gates, silent) = self.gates(&pipelines, &blocked, &unsure, round);
                Part::whole(Family::gate(), gates).without([lacking, cut, silent].concat())
            }
            Err(error) => Part::unread(Family::gate(), vec![error.text]),
        };
        gaps.dedup();
        let runs = Part::whole(Family::run(), self.runs(&pipelines, round)).without(gaps);
        Ok(vec![gates, runs])
    }

    /// Takes what was told of it; which pipelines were listed.
    fn take(&self, seen: &api::Project, gaps: &mut Vec<String>) -> BTreeSet<u64> {
        let lists = [&seen.newest, &seen.waiting, &seen.running].into_iter().flatten();
        let (mut listed, mut memory) = (BTreeSet::new(), self.memory());
        for list in lists {
            let nameless = list.nodes.read.iter().filter(|pipeline| pipeline.id.is_none()).count();
            let lost = list.nodes.unread + nameless;
            if lost > 0 {
                gaps.push(self.gap(&format!("{lost} of its pipelines cannot be read")));
            }
            listed.extend(list.nodes.read.iter().filter_map(|pipeline| pipeline.id));
            list.nodes.read.iter().for_each(|pipeline| memory.take(pipeline.clone()));
        }
        if [&seen.newest, &seen.waiting, &seen.running].iter().any(|list| list.is_none()) {
            gaps.push(self.gap("it does not show its pipelines to the token"));
        }
        memory.web.clone_from(&seen.web_url);
        memory.level = seen.max_access_level.as_ref().and_then(|level| level.integer_value);
        let environments = seen.environments.iter().flat_map(|list| &list.nodes.read);
        let live = environments.filter_map(|one| Some((one.name.clone()?, one.live.clone()?)));
        memory.live = live.collect();
        listed
    }

    /// Reads a list on that has more than the question about many tells.
    async fn read_more(
        &self,
        state: &str,
        first: Option<&api::Connection<api::Pipeline>>,
        listed: &mut BTreeSet<u64>,
        gaps: &mut Vec<String>,
        round: &Round<'_>,
    ) -> Result<(), ProviderError> {
        let mut page = first.map(|list| list.page_info.clone()).unwrap_or_default();
        for _ in 0..MOST_PAGES {
            let Some(after) = page.end_cursor.filter(|_| page.has_next_page) else { return Ok(()) };
            let wanted = request::more(self.path(), state, &after);
            let told = match round.client.ask::<api::OneProject>(&wanted, self.path()).await {
                Ok(Told::Answer(told)) => told,
                Ok(Told::TooMuch(error)) => {
                    gaps.push(error.text);
                    return Ok(());
                }
                Err(error) if is_partial(&error) => {
                    gaps.push(error.text);
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            let list = told.project.and_then(|project| project.waiting).unwrap_or_default();
            page = list.page_info.clone();
            listed.extend(list.nodes.read.iter().filter_map(|pipeline| pipeline.id));
            let mut memory = self.memory();
            list.nodes.read.into_iter().for_each(|pipeline| memory.take(pipeline));
        }
        if page.has_next_page {
            let read = MOST_PAGES * request::PAGE;
            gaps.push(
                self.gap(&format!(
                    "only about {read} of its pipelines that are {} were read",
                    state.to_ascii_lowercase()
                )),
            );
        }
        Ok(())
    }

    /// Asks directly for the pipelines that were not over and that no list has any more; gives those of which it is still not known
    /// what became of them, and why.
    async fn ask_for_absent(
        &self,
        listed: &BTreeSet<u64>,
        round: &Round<'_>,
    ) -> Result<BTreeMap<u64, String>, ProviderError> {
        let (absent, mut unsure) = (self.memory().absent(listed), BTreeMap::new());
        for (place, id) in absent.into_iter().enumerate() {
            if place >= MOST_ABSENT {
                unsure.insert(id, self.gap("what became of some pipelines is not known yet"));
                continue;
            }
            let what = format!("{} pipeline {id}", self.path());
            match round.client.read::<api::Pipeline>(&request::pipeline(self.path(), id), &what).await {
                Ok(pipeline) => self.memory().take(pipeline),
                Err(error) if error.kind == FaultKind::Missing => self.memory().forget(id),
                Err(error) if is_partial(&error) => drop(unsure.insert(id, error.text)),
                Err(error) => return Err(error),
            }
        }
        Ok(unsure)
    }

    /// The deployments that wait for approvals: asked for only where an environment has one.
    async fn read_blocked(
        &self,
        environments: Option<&api::Connection<api::Environment>>,
        round: &Round<'_>,
    ) -> Result<Waiting, ProviderError> {
        let Some(environments) = environments else {
            return Ok((Vec::new(), vec![self.gap("it does not show its environments to the token")]));
        };
        let waits = environments.nodes.read.iter().any(|one| one.blocked.is_some());
        if !waits && !environments.page_info.has_next_page && environments.nodes.unread == 0 {
            return Ok((Vec::new(), Vec::new()));
        }
        let what = format!("{} deployments that wait", self.path());
        let Pages { all, cut } = round.client.pages::<api::Deployment>(&request::blocked(self.path()), &what).await?;
        let mut lacking: Vec<String> = cut.into_iter().collect();
        if all.unread > 0 {
            lacking.push(self.gap(&format!("{} of the deployments that wait cannot be read", all.unread)));
        }
        let mut blocked = Vec::new();
        for (place, listed) in all.read.into_iter().enumerate() {
            let Some(id) = listed.id else { continue };
            let deployment = if place < MOST_BLOCKED {
                let what = format!("{} deployment {id}", self.path());
                match round.client.read::<api::Deployment>(&request::deployment(self.path(), id), &what).await {
                    Ok(deployment) => deployment,
                    Err(error) if is_partial(&error) => {
                        lacking.push(error.text);
                        listed
                    }
                    Err(error) => return Err(error),
                }
            } else {
                listed
            };
            // Between the two answers it may have been let through.
            if deployment.status.as_deref() == Some("blocked") {
                blocked.push(Blocked { deployment, may: None });
            }
        }
        if blocked.len() > MOST_BLOCKED {
            lacking.push(
                self.gap(&format!("who approved is read of the newest {MOST_BLOCKED} deployments that wait only")),
            );
        }
        self.ask_who_may(&mut blocked, &mut lacking, round).await?;
        Ok((blocked, lacking))
    }

    /// Asks whether whoever asks may approve them. What is not told stays not known.
    async fn ask_who_may(
        &self,
        blocked: &mut [Blocked],
        lacking: &mut Vec<String>,
        round: &Round<'_>,
    ) -> Result<(), ProviderError> {
        for some in blocked.chunks_mut(MOST_BLOCKED) {
            let numbers: Vec<u64> = some.iter().map(|one| one.deployment.iid.unwrap_or_default()).collect();
            let what = format!("{}, who may approve", self.path());
            match round.client.ask::<api::Several>(&request::may(self.path(), &numbers), &what).await {
                Ok(Told::Answer(told)) => {
                    for (place, one) in some.iter_mut().enumerate() {
                        let project = told.get(&format!("d{place}")).and_then(Option::as_ref);
                        let may = project.and_then(|project| project.deployment.as_ref());
                        one.may = may.and_then(|may| may.user_permissions.as_ref()?.approve_deployment);
                    }
                }
                Ok(Told::TooMuch(error)) => lacking.push(error.text),
                Err(error) if is_partial(&error) => lacking.push(error.text),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what changes seldom, of a few projects in one look: what the project allows, its freezes, what was deployed before.
    async fn read_seldom(&self, waits: bool, round: &Round<'_>) -> Result<(), ProviderError> {
        let age = if waits { WAITING_AGE } else { RESTING_AGE };
        let (rules, freezes, history) = {
            let memory = self.memory();
            let again = memory.history.why().is_none() || memory.history.is_due(round.now, age);
            let moved = memory.live_ids() != memory.history_of && !memory.live.is_empty() && again;
            (memory.rules.is_due(round.now, age), memory.freezes.is_due(round.now, age), moved)
        };
        if !rules && !freezes && !history {
            return Ok(());
        }
        let take = |left: usize| left.checked_sub(1);
        if round.spare.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_err() && !waits {
            return Ok(());
        }
        let (client, path, now) = (round.client, self.path(), round.now);
        if rules {
            let read = kept(client.read(&request::project(path), path).await)?;
            self.memory().rules.take(read, now);
        }
        if freezes {
            let what = format!("{path} deploy freezes");
            let read = kept(client.pages::<api::FreezePeriod>(&request::freezes(path), &what).await)?;
            let read = read.and_then(|Pages { all, cut }| match cut {
                Some(cut) => Err(cut),
                None if all.unread > 0 => Err(self.gap("a deploy freeze cannot be read")),
                None => Ok(all.read),
            });
            self.memory().freezes.take(read, now);
        }
        if history {
            let what = format!("{path} deployments");
            let read = kept(client.read::<Listed<api::Deployment>>(&request::history(path), &what).await)?;
            let read = read.map(|all| all.read.iter().filter_map(|one| back::deployed(&self.settings, one)).collect());
            let mut memory = self.memory();
            memory.history_of = if read.is_ok() { memory.live_ids() } else { Vec::new() };
            memory.history.take(read, now);
        }
        Ok(())
    }

    /// Whether something may be deployed now.
    fn frozen(&self, now: Timestamp) -> Frozen {
        let memory = self.memory();
        match (memory.freezes.get(), memory.freezes.why()) {
            (Some(freezes), _) => frozen(freezes, now),
            (None, Some(_)) => Frozen::Unknown(
                "whether a deploy freeze is in force GitLab tells only to the role Maintainer".to_owned(),
            ),
            (None, None) => Frozen::Unknown("whether a deploy freeze is in force is not read yet".to_owned()),
        }
    }

    /// What is live, by GitLab's name of the environment. A commit that a known pipeline carries is called as that calls it.
    fn live(&self, pipelines: &[api::Pipeline]) -> BTreeMap<String, Version> {
        let called = |last: &api::Last| {
            let known = pipelines.iter().find(|one| one.sha.is_some() && one.sha == last.sha);
            known.map_or_else(
                || version(&self.settings, last.reference.as_deref(), None, last.sha.as_deref()),
                |pipeline| normalize::version_of(&self.settings, pipeline),
            )
        };
        self.memory().live.iter().map(|(name, last)| (name.clone(), called(last))).collect()
    }

    fn runs(&self, pipelines: &[api::Pipeline], round: &Round<'_>) -> Vec<Run> {
        let frozen = self.frozen(round.now);
        let (web, barred, rules, history, unread) = {
            let memory = self.memory();
            let role = memory.level.filter(|level| *level < DEVELOPER);
            let role = role.map(|_| format!("your role in {} is less than Developer", self.path()));
            let (rules, history) = (memory.rules.get().cloned(), memory.history.get().cloned());
            // Where nothing was ever deployed, there is nothing to be read.
            let unread = (history.is_none() && !memory.live.is_empty()).then(|| match memory.history.why() {
                Some(why) => format!("what was deployed before is not known: {why}"),
                None => "what was deployed before is not read yet".to_owned(),
            });
            (memory.web.clone(), round.barred.clone().or(role), rules, history.unwrap_or_default(), unread)
        };
        let backs = back::backs(&history);
        let one = |pipeline: &api::Pipeline| {
            let ways = back::of(&backs, pipeline.id?);
            let back = match &unread {
                Some(why) => Offer::blocked(Verb::Rollback, self.settings.risk(), why),
                None => back::offer(&self.settings, &ways, rules.as_ref()),
            };
            let offers = self.offers(pipeline, back, &frozen);
            let allowed = |offer: Offer| match &barred {
                Some(why) if offer.blocked.is_none() => Offer { blocked: Some(why.clone()), unsure: None, ..offer },
                _ => offer,
            };
            let offers = offers.into_iter().map(allowed).collect();
            normalize::run(round.source, &self.settings, web.as_deref(), pipeline, offers)
        };
        pipelines.iter().filter_map(one).collect()
    }

    /// What can be done with a pipeline.
    fn offers(&self, pipeline: &api::Pipeline, back: Offer, frozen: &Frozen) -> Vec<Offer> {
        let (risk, now_is) = (self.settings.risk(), status(pipeline));
        let cancel = if over(pipeline) {
            Offer::blocked(Verb::Cancel, Risk::Medium, "the pipeline has ended")
        } else if pipeline.status.as_deref() == Some("manual") {
            Offer::blocked(Verb::Cancel, Risk::Medium, NOTHING_RUNS)
        } else {
            Offer::open(Verb::Cancel, Risk::Medium).asking(again::cancelling())
        };
        let rerun = if over(pipeline) {
            Offer::open(Verb::Rerun, risk).asking(again::rerunning(now_is))
        } else {
            Offer::blocked(Verb::Rerun, risk, "the pipeline has not ended; cancel it first")
        };
        let play = if now_is == RunStatus::Cancelled {
            Offer::blocked(Verb::Play, risk, "the pipeline was cancelled: try its jobs again")
        } else {
            Offer::open(Verb::Play, risk).asking(again::playing())
        };
        let dispatch = Offer::open(Verb::Dispatch, risk).asking(again::dispatching(pipeline.reference.as_deref()));
        let forward = [rerun, play, dispatch].map(|offer| held(offer, frozen));
        std::iter::once(cancel).chain(forward).chain([back]).collect()
    }

    /// The gates; and a sentence for each pipeline that waits without saying for what.
    fn gates(
        &self,
        pipelines: &[api::Pipeline],
        blocked: &[Blocked],
        unsure: &BTreeMap<u64, String>,
        round: &Round<'_>,
    ) -> (Vec<Gate>, Vec<String>) {
        let (frozen, live) = (self.frozen(round.now), self.live(pipelines));
        let (web, rules) = {
            let memory = self.memory();
            (memory.web.clone(), memory.rules.get().cloned().unwrap_or_default())
        };
        let site = Site {
            source: round.source,
            project: &self.settings,
            web: web.as_deref(),
            me: round.me.as_ref(),
            barred: round.barred.as_deref(),
            frozen: &frozen,
            rules: &rules,
            live: &live,
            now: round.now,
        };
        let jobs_of = |one: &Blocked| one.deployment.deployable.as_ref().and_then(|job| job.id);
        let taken: Vec<u64> = blocked.iter().filter_map(jobs_of).collect();
        let moving: Vec<api::Pipeline> = pipelines.iter().filter(|one| !over(one)).cloned().collect();
        let known = |gate: Gate| {
            let why = of_run(&gate).and_then(|run| unsure.get(&run));
            if let Some(why) = why { gate::as_it_was(gate, why) } else { gate }
        };
        let all = gate::deployments(site, blocked).into_iter().chain(gate::jobs(site, &moving, &taken));
        let gates: Vec<Gate> = all.map(known).collect();
        let silent = |pipeline: &&api::Pipeline| {
            let nodes = pipeline.jobs.as_ref().map(|jobs| &jobs.nodes);
            let none = nodes.is_none_or(|nodes| nodes.unread > 0 || !nodes.read.iter().any(needed));
            pipeline.status.as_deref() == Some("manual") && none
        };
        let said = moving.iter().filter(silent).filter_map(|pipeline| pipeline.id).map(|id| {
            self.gap(&format!("pipeline {id} waits for somebody, and which of its jobs that is cannot be read"))
        });
        (gates, said.collect())
    }
}

/// The pipeline that a gate is of.
fn of_run(gate: &Gate) -> Option<u64> {
    let (Behind::Run(run) | Behind::Rollout(run)) = &gate.behind;
    run.path.rsplit('/').next()?.parse().ok()
}

/// A read of which the rest does not depend: why it failed, where that speaks of it alone.
fn kept<T>(read: Result<T, ProviderError>) -> Result<Result<T, String>, ProviderError> {
    match read {
        Ok(read) => Ok(Ok(read)),
        Err(error) if is_partial(&error) => Ok(Err(error.text)),
        Err(error) => Err(error),
    }
}
