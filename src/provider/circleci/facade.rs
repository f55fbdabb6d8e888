//! The facets: what there is, the insides of workflows, and what the executor asks. Glue between the client and the pure parts.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicUsize},
    time::Duration,
};

use futures::{
    FutureExt, StreamExt,
    future::ready,
    stream::{self, BoxStream},
};

use crate::{
    domain::{
        ids::SourceName,
        item::{Item, Noun},
        object::{Family, ObjectId},
        observed::FaultKind,
        pipeline::Node,
        report::{TestName, TestReport},
        time::{Timestamp, age},
        verb::Verb,
    },
    port::{
        clock::SharedClock,
        error::ProviderError,
        facet::{Actor, Answer},
        inventory::{Heard, Inventory, Scope},
        lookup::{self, Answers, Lookup, Question, Topic},
        plan::{Ask, Blocked, Draft, Facts, Reading, Sent, fact},
        shape::{self, Checked, Shape},
    },
    provider::circleci::{
        CALLED, Settings,
        address::{Address, Place, What},
        again, api,
        back::Ways,
        client::{Client, Pages},
        draft, follow,
        gate::{Within, hold_facts},
        live,
        normalize::{Pipeline, pages, pipeline_facts, together, workflow_facts},
        project::{Ids, Round, Watched},
        report,
        request::{self, Wanted},
        search::{self, Found},
        tree,
    },
};

/// Projects that are read at the same time.
const AT_ONCE: usize = 4;
/// Pipelines that are read in one look, and projects of which it is asked what is live.
const MOST_READ: usize = 200;
const SELDOM: usize = 5;
/// A look that comes this much early is in time.
const EARLY: Duration = Duration::from_secs(2);
/// Whether `/api/v3` is there is asked again after this: a Server is brought up to date now and then.
const AGAIN: Duration = Duration::from_mins(30);
/// Pages of a project's own list, where nothing else tells of it.
const MOST_PAGES: usize = 3;

/// A connection to CircleCI.
#[derive(Debug)]
pub(super) struct Circleci {
    source: SourceName,
    address: String,
    /// Where its pages are.
    web: Option<String>,
    client: Client,
    projects: Vec<Watched>,
    interval: Duration,
    clock: SharedClock,
    /// Whether `/api/v3` is there, and when that was found out.
    v3: Mutex<Option<(Timestamp, bool)>>,
}

impl Circleci {
    pub(super) fn new(client: Client, settings: Settings, clock: SharedClock) -> Self {
        let Settings { name, address, projects, interval } = settings;
        let projects = projects.into_iter().map(Watched::new).collect();
        let web = pages(&address);
        Self { source: name, address, web, client, projects, interval, clock, v3: Mutex::default() }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn projects(&self) -> &[Watched] {
        &self.projects
    }

    fn get(&self, slug: &str) -> Option<&Watched> {
        self.projects.iter().find(|one| one.slug() == slug)
    }

    /// Is `/api/v3` there?
    pub(super) async fn has_v3(&self) -> Result<bool, ProviderError> {
        let now = self.clock.now();
        let known = *self.v3.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, there)) = known
            && (there || age(now, at) < AGAIN)
        {
            return Ok(there);
        }
        let told = self.client.read::<serde_json::Value>(&request::has_v3(), "its /api/v3").await;
        let there = match told {
            Ok(_) => true,
            Err(error) if matches!(error.kind, FaultKind::Missing | FaultKind::Rejected) => false,
            Err(error) => return Err(error),
        };
        *self.v3.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, there));
        Ok(there)
    }

    /// What pipelines there are of these, by slug, and what of them could not be read.
    async fn find(
        &self,
        wanted: &[&Watched],
        v3: bool,
    ) -> BTreeMap<String, Result<(Vec<Pipeline>, Vec<String>), ProviderError>> {
        let now = self.clock.now();
        let asked: Vec<_> = wanted.iter().map(|one| one.resolve(&self.client)).collect();
        let resolved: Vec<Result<Ids, ProviderError>> = stream::iter(asked).buffered(AT_ONCE).collect().await;
        let mut told = BTreeMap::new();
        let (mut known, mut ids): (Vec<(&Watched, Ids)>, Vec<String>) = (Vec::new(), Vec::new());
        for (one, found) in wanted.iter().copied().zip(resolved) {
            match found {
                Ok(found) => {
                    ids.push(found.project.clone());
                    known.push((one, found));
                }
                Err(error) => drop(told.insert(one.slug().to_owned(), Err(error))),
            }
        }
        let rests = |one: &Watched| one.listed().is_some_and(|at| age(now, at) + EARLY < self.interval);
        if !v3 {
            for (one, _) in known {
                let found = if rests(one) { Ok(Vec::new()) } else { self.list_one(one).await };
                told.insert(one.slug().to_owned(), found.map(|gaps| (Vec::new(), gaps)));
            }
            return told;
        }
        let live = known.iter().any(|(one, _)| !rests(one));
        let first = known.iter().any(|(one, _)| one.listed().is_none());
        let states = match (live, first) {
            (true, true) => search::AT_FIRST,
            (true, false) => search::LIVE,
            (false, _) => &[],
        };
        let is_news =
            |id: &str, pipeline: &Pipeline| known.iter().any(|(one, ids)| ids.project == id && one.is_news(pipeline));
        let Found { mut pipelines, mut failed, gaps } = search::look(&self.client, &ids, states, now, is_news).await;
        for (one, ids) in &known {
            let found = if let Some(error) = failed.remove(&ids.project) {
                Err(error)
            } else {
                if live {
                    one.was_listed(now);
                }
                Ok((pipelines.remove(&ids.project).unwrap_or_default(), gaps.clone()))
            };
            told.insert(one.slug().to_owned(), found);
        }
        told
    }

    /// Reads a project's own list, until it tells nothing new; gives what of it is not seen.
    async fn list_one(&self, one: &Watched) -> Result<Vec<String>, ProviderError> {
        let wanted = request::pipelines(one.slug());
        let mut token: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let page: api::Page<api::Pipeline> = self.client.read(&wanted.page(token.as_deref()), one.slug()).await?;
            token = page.next_page_token.filter(|token| !token.is_empty());
            let news = one.take(page.items);
            if token.is_none() || !news {
                one.was_listed(self.clock.now());
                return Ok(Vec::new());
            }
        }
        one.was_listed(self.clock.now());
        let text = format!(
            "{CALLED}, {}: only its newest pipelines are seen: this server has no /api/v3, which finds what holds longer",
            one.slug()
        );
        Ok(vec![text])
    }

    /// A draft whose calls will pass when they are sent.
    fn checked(&self, draft: Draft, ask: &Ask) -> Result<Draft, Blocked> {
        let checked = shape::check_all(&draft, ask.verb, |target| self.shapes(target, ask.verb));
        checked.map(|()| draft).map_err(|forged| Blocked(forged.to_string()))
    }

    async fn pipeline(&self, id: &str, said: &str) -> Result<Pipeline, ProviderError> {
        let wire: api::Pipeline = self.client.read(&request::pipeline(id), said).await?;
        Pipeline::of(wire).ok_or_else(|| {
            let text = format!("{CALLED}, {said}: it does not say which pipeline it is");
            ProviderError::new(FaultKind::Unreadable, text)
        })
    }

    /// A workflow and its pipeline, as they are now.
    async fn workflow(&self, id: &str, said: &str) -> Result<(api::Workflow, Pipeline), ProviderError> {
        let workflow: api::Workflow = self.client.read(&request::workflow(id), said).await?;
        let pipeline = self.pipeline(workflow.pipeline_id.as_deref().unwrap_or_default(), said).await?;
        Ok((workflow, pipeline))
    }

    /// The jobs of a workflow. A list that is not whole is none: which of its jobs is lacking nobody can tell.
    async fn jobs(&self, workflow: &str, said: &str) -> Result<Vec<api::Job>, ProviderError> {
        let Pages { all, cut } = self.client.pages::<api::Job>(&request::jobs(workflow), said).await?;
        let unread = (all.unread > 0).then(|| format!("{CALLED}, {said}: {} of its jobs cannot be read", all.unread));
        match cut.or(unread) {
            Some(why) => Err(ProviderError::new(FaultKind::Unreadable, why)),
            None => Ok(all.read),
        }
    }

    async fn live(&self, place: &Place, said: &str) -> Result<Facts, ProviderError> {
        let versions = self.client.pages::<api::Deployed>(&request::versions_at(place), said).await?.all.read;
        Ok(live::facts(place, &versions))
    }

    /// The facts of something.
    async fn facts(&self, at: &Address) -> Result<Facts, ProviderError> {
        let said = at.said();
        Ok(match &at.what {
            What::Workflow(id) => {
                let (workflow, pipeline) = self.workflow(id, &said).await?;
                workflow_facts(&workflow, &pipeline)
            }
            What::Hold(id, job) => {
                let (workflow, pipeline) = self.workflow(id, &said).await?;
                let jobs = self.jobs(id, &said).await?;
                hold_facts(Within { pipeline: &pipeline, workflow: &workflow, jobs: &jobs }, job)
            }
            What::Pipeline(id) => {
                let mut facts = pipeline_facts(&self.pipeline(id, &said).await?);
                facts.insert(fact::STATUS.to_owned(), self.state_of(id, &said).await?);
                facts
            }
            What::Live(place, None) => self.live(place, &said).await?,
            What::Live(place, Some(made)) => {
                let mut facts = self.live(place, &said).await?;
                // A release agent's command has an id, too, and is no pipeline: only what is live tells of it.
                match self.state_of(made, &said).await {
                    Ok(state) => drop(facts.insert(fact::STATUS.to_owned(), state)),
                    Err(error) if error.kind == FaultKind::Missing => {}
                    Err(error) => return Err(error),
                }
                facts
            }
        })
    }

    /// Where the workflows of a pipeline are as one.
    async fn state_of(&self, pipeline: &str, said: &str) -> Result<String, ProviderError> {
        let all = self.client.pages::<api::Workflow>(&request::workflows(pipeline), said).await?.all.read;
        Ok(together(&all).to_string())
    }

    /// The tree of a workflow; of a pipeline without one there is none.
    async fn nodes(&self, run: &ObjectId) -> Result<Vec<Node>, ProviderError> {
        let at = Address::of(run)?;
        match &at.what {
            What::Workflow(id) => Ok(tree::tree(&self.jobs(id, &at.said()).await?)),
            _ => Ok(Vec::new()),
        }
    }

    /// How the tests of a workflow ended; of a pipeline without one there are none.
    async fn tests(&self, run: &ObjectId, named: &BTreeSet<TestName>) -> Result<TestReport, ProviderError> {
        let (at, said) = (Address::of(run)?, Address::of(run)?.said());
        let What::Workflow(id) = &at.what else { return Ok(TestReport::default()) };
        let jobs = self.jobs(id, &said).await?;
        report::report(&self.client, (&at.slug, &said), &jobs, named).await
    }
}

impl Actor for Circleci {
    fn read<'a>(&'a self, target: &'a ObjectId) -> Answer<'a, Reading> {
        async move {
            let at = Address::of(target)?;
            // What goes back names its project by an id, which a process that looks at nothing else has not heard yet.
            if let (What::Workflow(_) | What::Live(..), Some(one)) = (&at.what, self.get(&at.slug)) {
                one.resolve(&self.client).await?;
            }
            Ok(Reading { facts: self.facts(&at).await?, revision: None })
        }
        .boxed()
    }

    fn shapes(&self, target: &ObjectId, verb: Verb) -> Vec<Shape> {
        let Some(one) = Address::parse(target).and_then(|at| self.get(&at.slug)) else { return Vec::new() };
        draft::shapes(target, verb, one.ids().as_ref().map(|ids| ids.project.as_str()))
    }

    fn send<'a>(&'a self, call: Checked<'a>) -> Answer<'a, Sent> {
        async move {
            let outgoing = call.outgoing();
            // What is done there shows there: what may have moved is read at the next look.
            self.projects.iter().for_each(|one| one.stir(workflow_in(&outgoing.path)));
            let answer = self.client.done(&Wanted::call(outgoing)?, &outgoing.call.words).await?;
            let given = outgoing.given(None, answer.body());
            if !outgoing.call.gives.is_empty() && given.is_empty() {
                let said = serde_json::from_slice::<api::Refusal>(answer.body()).ok().and_then(|said| said.message);
                if let Some(said) = said {
                    // It answers well where the commit asks to be left alone, and begins nothing.
                    let text = format!("{CALLED}, {}: nothing was begun: {said}", outgoing.call.words);
                    return Err(ProviderError::new(FaultKind::Rejected, text));
                }
            }
            Ok(Sent { revision: None, said: answer.status().to_string(), given })
        }
        .boxed()
    }
}

/// The workflow that a call is on.
fn workflow_in(path: &str) -> Option<&str> {
    path.strip_prefix("/api/v2/workflow/")?.split('/').next()
}

impl Inventory for Circleci {
    fn tells(&self) -> Vec<(Family, Noun)> {
        vec![(Family::run(), Noun::Run), (Family::gate(), Noun::Gate)]
    }

    fn discover(&self) -> Answer<'_, Vec<Scope>> {
        ready(Ok(self.projects.iter().map(Watched::scope).collect())).boxed()
    }

    fn list(&self, scopes: Vec<Scope>) -> BoxStream<'_, Heard> {
        async move {
            let wanted: Vec<&Watched> = self.projects.iter().filter(|one| scopes.contains(&one.scope())).collect();
            let v3 = if wanted.is_empty() { Ok(false) } else { self.has_v3().await };
            let told = match &v3 {
                Ok(v3) => self.find(&wanted, *v3).await,
                Err(error) => wanted.iter().map(|one| (one.slug().to_owned(), Err(error.clone()))).collect(),
            };
            let round = Arc::new(Round {
                client: &self.client,
                source: &self.source,
                web: self.web.as_deref(),
                now: self.now(),
                interval: self.interval,
                v3: v3.unwrap_or(false),
                spare: AtomicUsize::new(MOST_READ),
                seldom: AtomicUsize::new(SELDOM),
            });
            let told = Arc::new(Mutex::new(told));
            let read = stream::iter(wanted).map(move |one| {
                let round = Arc::clone(&round);
                let found = told.lock().unwrap_or_else(PoisonError::into_inner).remove(one.slug());
                async move {
                    let parts = match found {
                        Some(Ok((pipelines, gaps))) => one.tell(pipelines, &gaps, &round).await,
                        Some(Err(error)) => Err(error),
                        None => Ok(Vec::new()),
                    };
                    Heard::of(one.scope(), parts)
                }
            });
            read.buffered(AT_ONCE)
        }
        .flatten_stream()
        .boxed()
    }

    fn probe(&self) -> Answer<'_, ()> {
        // It is read again and again anyway.
        ready(Ok(())).boxed()
    }

    fn draft(&self, item: &Item, ask: &Ask) -> Result<Draft, Blocked> {
        match item {
            Item::Run(run) => {
                let at = Address::of(&run.id).map_err(|error| Blocked(error.text))?;
                let one = self.get(&at.slug).ok_or_else(|| Blocked(format!("{} is not looked at", at.slug)))?;
                let ways = match &at.what {
                    What::Workflow(id) if ask.verb == Verb::Rollback => one.ways_of(id),
                    _ => Ways::Again(Vec::new()),
                };
                let ids = one.ids();
                let project = (&one.settings, ids.as_ref().map(|ids| ids.project.as_str()));
                self.checked(again::run(run, ask, project, &ways, &self.address)?, ask)
            }
            Item::Gate(gate) => self.checked(draft::gate(gate, ask, &self.address)?, ask),
            Item::Rollout(rollout) => Err(Blocked(format!("{} is nothing on {CALLED}", rollout.id))),
        }
    }
}

impl Lookup for Circleci {
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Jobs, Topic::Log, Topic::Tests, Topic::Settings]
    }

    fn ask(&self, question: Question) -> Answers<'_> {
        match question {
            Question::Jobs { run } => lookup::once(async move { self.nodes(&run).await.map(lookup::Told::Jobs) }),
            Question::Tests { run, named } => {
                lookup::once(async move { self.tests(&run, &named).await.map(lookup::Told::Tests) })
            }
            Question::Log { run, log, most } => follow::log(&self.client, &self.clock, (run, log), most),
            Question::Settings { service, environment } => {
                lookup::once(async move { self.settings(&service, &environment).await.map(lookup::Told::Settings) })
            }
            other => lookup::foreign(CALLED, &other),
        }
    }
}
