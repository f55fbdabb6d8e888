//! One project: reading its pipelines, their workflows and what holds in them; and what is offered there. Which pipelines there are it is
//! told; of each it asks for the workflows where that may be news, of so many in one look.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, stream};

use crate::{
    domain::{
        gate::Gate,
        ids::SourceName,
        object::Family,
        observed::FaultKind,
        pipeline::{Run, RunStatus},
        time::{Timestamp, age},
        version::Version,
    },
    port::{
        error::ProviderError,
        inventory::{Part, Scope},
    },
    provider::{
        circleci::{
            CALLED, Project, again, api,
            back::{self, Earlier, Ways},
            client::Client,
            gate::{self, Within, holds},
            live::{self, Back},
            memory::{Known, Memory},
            normalize::{self, Pipeline, Site, status},
            request,
        },
        http::{kept::Kept, listed::Listed},
    },
};

/// Pipelines of one project that are read at the same time.
const AT_ONCE: usize = 4;
/// What is live is asked for so often where something waits, and elsewhere.
const WAITING_AGE: Duration = Duration::from_mins(10);
const RESTING_AGE: Duration = Duration::from_hours(1);
/// A project of which nothing is known is asked by itself so often.
const ALONE_AGE: Duration = Duration::from_mins(30);

/// Its ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) project: String,
    pub(super) org: String,
}

/// Who looks, when, and what may be asked in this look.
#[derive(Debug)]
pub(super) struct Round<'a> {
    pub(super) client: &'a Client,
    pub(super) source: &'a SourceName,
    /// Where CircleCI's pages are.
    pub(super) web: Option<&'a str>,
    pub(super) now: Timestamp,
    pub(super) interval: Duration,
    /// Does `/api/v3` tell what was run again?
    pub(super) v3: bool,
    /// So many pipelines may still be read in this look, and of so many projects what is live.
    pub(super) spare: AtomicUsize,
    pub(super) seldom: AtomicUsize,
}

impl Round<'_> {
    fn take(left: &AtomicUsize) -> bool {
        left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }
}

/// What is known of it.
#[derive(Debug, Default)]
struct Seen {
    ids: Option<Ids>,
    memory: Memory,
    live: Kept<Vec<Back>>,
    /// When it was asked by itself, because nothing was known.
    alone: Option<Timestamp>,
}

/// A project that is looked at, and what was seen of it.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) settings: Project,
    seen: Mutex<Seen>,
}

impl Watched {
    pub(super) fn new(settings: Project) -> Self {
        Self { settings, seen: Mutex::default() }
    }

    pub(super) fn slug(&self) -> &str {
        &self.settings.slug
    }

    pub(super) fn scope(&self) -> Scope {
        Scope::of(&Family::run(), self.slug())
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its ids, once they were asked for.
    pub(super) fn ids(&self) -> Option<Ids> {
        self.seen().ids.clone()
    }

    /// Asks for its ids, where they are not known.
    pub(super) async fn resolve(&self, client: &Client) -> Result<Ids, ProviderError> {
        if let Some(ids) = self.ids() {
            return Ok(ids);
        }
        let told: api::Project = client.read(&request::project(self.slug()), self.slug()).await?;
        let ids = told.id.zip(told.organization_id).map(|(project, org)| Ids { project, org });
        let ids = ids.ok_or_else(|| {
            let text = format!("{CALLED}, {}: it does not say by which id it goes", self.slug());
            ProviderError::new(FaultKind::Unreadable, text)
        })?;
        self.seen().ids = Some(ids.clone());
        Ok(ids)
    }

    /// Would this be news of it?
    pub(super) fn is_news(&self, pipeline: &Pipeline) -> bool {
        self.seen().memory.is_news(pipeline)
    }

    /// When all of it was asked for last: what has not ended, however old, or its own list.
    pub(super) fn listed(&self) -> Option<Timestamp> {
        self.seen().memory.listed
    }

    pub(super) fn was_listed(&self, now: Timestamp) {
        self.seen().memory.listed = Some(now);
    }

    /// Something was sent there.
    pub(super) fn stir(&self, workflow: Option<&str>) {
        let mut seen = self.seen();
        seen.memory.stir(workflow);
        seen.live.stir();
    }

    /// Something that is not read while the rest is.
    fn gap(&self, text: &str) -> String {
        format!("{CALLED}, {}: {text}", self.slug())
    }

    /// Tells of it. `found` are the pipelines that were found in this look, `gaps` what of them could not be.
    pub(super) async fn tell(
        &self,
        found: Vec<Pipeline>,
        gaps: &[String],
        round: &Round<'_>,
    ) -> Result<Vec<Part>, ProviderError> {
        let listed: BTreeSet<String> = found.iter().map(|one| one.id.clone()).collect();
        for one in found {
            self.seen().memory.take(one);
        }
        let mut gaps = gaps.to_vec();
        gaps.extend(self.read_own(round).await?);
        let unsure = self.read_due(&listed, round).await?;
        gaps.extend(unsure.values().cloned());
        self.read_live(round).await?;
        let known = self.seen().memory.newest_first();
        let unread = known.iter().filter(|one| !one.is_read()).count();
        if unread > 0 {
            gaps.push(self.gap(&format!("{unread} of its pipelines are not read yet")));
        }
        gaps.sort();
        gaps.dedup();
        let (gates, silent) = self.gates(&known, &unsure, round);
        let gates = Part::whole(Family::gate(), gates).without(gaps.iter().cloned().chain(silent).collect());
        Ok(vec![gates, Part::whole(Family::run(), self.runs(&known, round)).without(gaps)])
    }

    /// Its own list, which says who began what; and where nothing is known of it, because others are busier, what there is.
    async fn read_own(&self, round: &Round<'_>) -> Result<Option<String>, ProviderError> {
        let (alone, asks) = {
            let seen = self.seen();
            let again = seen.alone.is_none_or(|at| age(round.now, at) >= ALONE_AGE);
            (seen.memory.is_empty() && again, seen.memory.asks())
        };
        if !round.v3 || !alone && !asks {
            return Ok(None);
        }
        if alone {
            self.seen().alone = Some(round.now);
        }
        let wanted = request::pipelines(self.slug());
        match round.client.read::<api::Page<api::Pipeline>>(&wanted, self.slug()).await {
            Ok(page) if alone => {
                self.take(page.items);
                self.seen().memory.were_asked();
                Ok(None)
            }
            told => {
                let mut seen = self.seen();
                seen.memory.were_asked();
                match told {
                    Ok(page) => {
                        let all = page.items.read.into_iter().filter_map(Pipeline::of);
                        all.for_each(|pipeline| seen.memory.tell(&pipeline));
                        Ok(None)
                    }
                    // Who began it is then not told; nothing else rests on it.
                    Err(error) if is_partial(&error) => Ok(alone.then_some(error.text)),
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// Takes pipelines of its own list; true where one of them was news.
    pub(super) fn take(&self, items: Listed<api::Pipeline>) -> bool {
        let mut seen = self.seen();
        let mut news = false;
        for pipeline in items.read.into_iter().filter_map(Pipeline::of) {
            news |= seen.memory.take(pipeline);
        }
        news
    }

    /// Reads the workflows of the pipelines of which it is time to, and the jobs of those that have not ended; gives those of which
    /// something could not be read, and why.
    async fn read_due(
        &self,
        listed: &BTreeSet<String>,
        round: &Round<'_>,
    ) -> Result<BTreeMap<String, String>, ProviderError> {
        let due = self.seen().memory.due(round.now, round.interval, !round.v3);
        let due: Vec<String> = due.into_iter().take_while(|_| Round::take(&round.spare)).collect();
        let read = stream::iter(due).map(|id| async move {
            let told = self.read_one(&id, listed.contains(&id), round).await;
            (id, told)
        });
        let mut unsure = BTreeMap::new();
        for (id, told) in read.buffered(AT_ONCE).collect::<Vec<_>>().await {
            match told {
                Ok(None) => {}
                Ok(Some(why)) => drop(unsure.insert(id, why)),
                Err(error) if is_partial(&error) => drop(unsure.insert(id, error.text)),
                Err(error) => return Err(error),
            }
        }
        Ok(unsure)
    }

    async fn read_one(&self, id: &str, listed: bool, round: &Round<'_>) -> Result<Option<String>, ProviderError> {
        let what = format!("{} pipeline {}", self.slug(), super::address::short(id));
        let pages = match round.client.pages::<api::Workflow>(&request::workflows(id), &what).await {
            Ok(pages) => pages,
            // One that was just made has none yet; one that no list has any more is gone.
            Err(error) if error.kind == FaultKind::Missing && listed => {
                self.seen().memory.read(id, Vec::new(), listed, round.now);
                return Ok(None);
            }
            Err(error) if error.kind == FaultKind::Missing => {
                self.seen().memory.forget(id);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let lost = pages.all.unread + pages.all.read.iter().filter(|one| one.id.is_none()).count();
        let mut why = pages
            .cut
            .or_else(|| (lost > 0).then(|| format!("{CALLED}, {what}: {lost} of its workflows cannot be read")));
        let live: Vec<String> =
            pages.all.read.iter().filter(|one| !status(one).ended()).filter_map(|one| one.id.clone()).collect();
        self.seen().memory.read(id, pages.all.read, listed, round.now);
        for workflow in live {
            match round.client.pages::<api::Job>(&request::jobs(&workflow), &what).await {
                Ok(pages) => {
                    why = why.or(pages.cut);
                    self.seen().memory.read_jobs(id, &workflow, pages.all);
                }
                Err(error) if error.kind == FaultKind::Missing => {}
                Err(error) if is_partial(&error) => why = why.or(Some(error.text)),
                Err(error) => return Err(error),
            }
        }
        Ok(why)
    }

    /// Reads what is live, of a few projects in one look, and the pipelines that deployed it.
    async fn read_live(&self, round: &Round<'_>) -> Result<(), ProviderError> {
        let (ids, due, waits) = {
            let seen = self.seen();
            let waits = seen.memory.waits();
            let every = if waits { WAITING_AGE } else { RESTING_AGE };
            (seen.ids.clone(), seen.live.is_due(round.now, every), waits)
        };
        let Some(ids) = ids.filter(|_| due) else { return Ok(()) };
        if !Round::take(&round.seldom) && !waits {
            return Ok(());
        }
        let read = live::read(round.client, self.slug(), &ids).await;
        let read = match read {
            Err(error) if !is_partial(&error) => return Err(error),
            other => other.map_err(|error| error.text),
        };
        let deployed: BTreeSet<String> = read.iter().flatten().filter_map(|back| back.live.pipeline.clone()).collect();
        let absent = {
            let mut seen = self.seen();
            seen.live.take(read, round.now);
            seen.memory.keep(&deployed)
        };
        for id in absent {
            let what = format!("{} pipeline {}", self.slug(), super::address::short(&id));
            // Without it the row is lacking from which one goes back; nothing else rests on it.
            let Ok(pipeline) = round.client.read::<api::Pipeline>(&request::pipeline(&id), &what).await else {
                continue;
            };
            if let Some(pipeline) = Pipeline::of(pipeline) {
                self.seen().memory.take(pipeline);
                self.seen().memory.keep(&deployed);
                self.read_one(&id, true, round).await?;
            }
        }
        Ok(())
    }

    fn site<'a>(&'a self, round: &Round<'a>) -> Site<'a> {
        Site { source: round.source, project: &self.settings, web: round.web }
    }

    fn runs(&self, known: &[Known], round: &Round<'_>) -> Vec<Run> {
        let (project, site) = (&self.settings, self.site(round));
        let of = |one: &Known| -> Vec<Run> {
            let pipeline = &one.pipeline;
            if one.workflows.is_empty() {
                let offers = again::offers_without_workflow(project, pipeline);
                return normalize::without_workflow(site, pipeline, offers).into_iter().collect();
            }
            let each = one.workflows.iter().enumerate().filter_map(|(place, workflow)| {
                let before = one.workflows.iter().take(place).filter(|other| other.name == workflow.name).count();
                let attempt = u32::try_from(before + 1).unwrap_or(u32::MAX);
                let mut offers = again::offers(project, status(workflow), pipeline);
                let ways = workflow.id.as_deref().map(|id| self.ways(known, id));
                offers.extend(ways.map(|ways| back::offer(project, &ways)));
                normalize::run(site, (pipeline, workflow), attempt, offers)
            });
            each.collect()
        };
        known.iter().flat_map(of).collect()
    }

    /// The ways back from what a workflow has deployed.
    pub(super) fn ways_of(&self, workflow: &str) -> Ways {
        let known = self.seen().memory.newest_first();
        self.ways(&known, workflow)
    }

    fn ways(&self, known: &[Known], workflow: &str) -> Ways {
        let (backs, why) = {
            let seen = self.seen();
            (seen.live.get().cloned(), seen.live.why().map(str::to_owned))
        };
        let marked = backs.as_ref().is_some_and(|all| !all.is_empty());
        match (backs, &self.settings.deploys) {
            (Some(all), _) if marked => {
                let own = known.iter().find(|one| one.workflows.iter().any(|it| it.id.as_deref() == Some(workflow)));
                let own = own.map(|one| one.pipeline.id.as_str());
                let is_its = |back: &Back| match (&back.live.workflow, &back.live.pipeline) {
                    (Some(id), _) => id == workflow,
                    (None, Some(pipeline)) => own == Some(pipeline),
                    (None, None) => false,
                };
                Ways::Marked(all.into_iter().filter(is_its).map(|back| with_commits(back, known)).collect())
            }
            (_, Some(name)) => self.again(known, workflow, name),
            (Some(_), None) => Ways::None(
                "CircleCI is told of no deployment of this project: it has no deploy markers, and `deploys` names no workflow that deploys"
                    .to_owned(),
            ),
            (None, None) => Ways::None(match why {
                Some(why) => format!("what is live is not known: {why}"),
                None => "what is live is not read yet".to_owned(),
            }),
        }
    }

    /// The ways back where only the names of workflows tell of deployments.
    fn again(&self, known: &[Known], workflow: &str, name: &str) -> Ways {
        let each = known.iter().flat_map(|one| one.workflows.iter().rev().map(move |it| (&one.pipeline, it)));
        let deployed = each.filter(|(_, it)| it.name.as_deref() == Some(name) && status(it) == RunStatus::Succeeded);
        let mut deployed: Vec<(&Pipeline, &api::Workflow)> = deployed.collect();
        deployed.sort_by_key(|(_, it)| std::cmp::Reverse(it.created_at));
        let Some((first, rest)) = deployed.split_first() else {
            return Ways::None(format!("no workflow '{name}' has succeeded, so nothing is known to be live"));
        };
        if first.1.id.as_deref() != Some(workflow) {
            return Ways::None(format!(
                "the newest '{name}' that succeeded is taken for what is live, and this is another one"
            ));
        }
        let live = first.0.version(&self.settings);
        let mut earlier: Vec<Earlier> = Vec::new();
        for (pipeline, it) in rest {
            let version = pipeline.version(&self.settings);
            let known = earlier.iter().any(|known| known.version.is_same(&version));
            if let (Some(id), false, false) = (&it.id, known, version.is_same(&live)) {
                let number = it.pipeline_number.or(pipeline.number).unwrap_or_default();
                earlier.push(Earlier { workflow: id.clone(), number, version });
            }
        }
        Ways::Again(earlier)
    }

    /// What is live in one of our environments, where one component alone is.
    fn live(&self, environment: &str, known: &[Known]) -> Option<Version> {
        let seen = self.seen();
        let here = |back: &&Back| self.settings.environment(&back.environment).name.as_str() == environment;
        let mut all = seen.live.get()?.iter().filter(here);
        let one = all.next().filter(|_| all.next().is_none())?;
        Some(with_commits(one.clone(), known).live.version)
    }

    /// The gates; and a sentence for each workflow that waits without saying for what.
    fn gates(&self, known: &[Known], unsure: &BTreeMap<String, String>, round: &Round<'_>) -> (Vec<Gate>, Vec<String>) {
        let (mut gates, mut silent): (Vec<Gate>, Vec<String>) = (Vec::new(), Vec::new());
        for one in known {
            let why = unsure.get(&one.pipeline.id);
            for workflow in one.workflows.iter().filter(|it| !status(it).ended()) {
                let jobs = workflow.id.as_ref().and_then(|id| one.jobs.get(id));
                let all: &[api::Job] = jobs.map_or(&[], |jobs| &jobs.read);
                let within = Within { pipeline: &one.pipeline, workflow, jobs: all };
                let found: Vec<Gate> = all
                    .iter()
                    .filter(|job| holds(job))
                    .filter_map(|job| {
                        let name = job.name.as_deref().unwrap_or_default();
                        let environment = self.settings.environment(name).name;
                        let live = self.live(environment.as_str(), known);
                        gate::gate(self.site(round), within, job, (newer(known, one, workflow, job), live), round.now)
                    })
                    .collect();
                let lost = jobs.map_or(0, |jobs| jobs.unread);
                let number = workflow.pipeline_number.unwrap_or_default();
                let name = format!("{} #{number}", workflow.name.as_deref().unwrap_or("workflow"));
                if lost > 0 {
                    silent.push(self.gap(&format!("{lost} jobs of {name} cannot be read")));
                } else if found.is_empty() && status(workflow) == RunStatus::Waiting && why.is_none() {
                    silent.push(self.gap(&format!("{name} is on hold, and names no job that holds")));
                }
                let is = |gate: Gate| if let Some(why) = why { gate::as_it_was(gate, why) } else { gate };
                gates.extend(found.into_iter().map(is));
            }
        }
        (gates, silent)
    }
}

/// Workflows of the same name, of newer pipelines, that hold at a job of the same name.
fn newer(known: &[Known], one: &Known, workflow: &api::Workflow, job: &api::Job) -> u32 {
    let later = known.iter().filter(|other| other.pipeline.created > one.pipeline.created);
    let holds_there = |other: &&Known| {
        let same = other.workflows.iter().filter(|it| it.name == workflow.name && !status(it).ended());
        let jobs = same.filter_map(|it| other.jobs.get(it.id.as_ref()?)).flat_map(|jobs| &jobs.read);
        jobs.into_iter().any(|one| holds(one) && one.name == job.name)
    };
    u32::try_from(later.filter(holds_there).count()).unwrap_or(u32::MAX)
}

/// With the commits of the pipelines that deployed it, as far as they are known.
fn with_commits(mut back: Back, known: &[Known]) -> Back {
    for deployed in std::iter::once(&mut back.live).chain(&mut back.earlier) {
        let of = known.iter().find(|one| Some(&one.pipeline.id) == deployed.pipeline.as_ref());
        if let Some(commit) = of.and_then(|one| one.pipeline.commit.as_deref()).filter(|commit| !commit.is_empty()) {
            deployed.version = deployed.version.clone().at_commit(commit);
        }
    }
    back
}

/// Does this speak of one part only? That we may ask nothing now, or by this token never, holds for everything.
pub(super) fn is_partial(error: &ProviderError) -> bool {
    !matches!(error.kind, FaultKind::RateLimited | FaultKind::Unauthenticated)
}
