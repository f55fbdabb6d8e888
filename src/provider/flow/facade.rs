//! The facets: what there is, the insides of runs, and what the executor asks. Glue between the client and the pure parts.

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
        pipeline::{LogRef, Node, RunStatus},
        time::Timestamp,
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
    provider::{
        flow::{
            CALLED, Settings,
            address::{Address, What},
            again::{self, About},
            api, back,
            client::{Client, Pages},
            draft, fact as own,
            log::{AT_FIRST, Log, PACES},
            normalize::{self, job_facts, job_state, order_facts, order_is, state},
            pipeline::{Round, Watched},
            request::Wanted,
            roster::Roster,
            tree::{self, Inside, Place, called},
        },
        http::listed::Listed,
    },
};

/// Pipelines that are read at the same time.
const AT_ONCE: usize = 4;
/// Pipelines at rest that are read for the first time in one look, and of how many what was deployed before.
const FIRST: usize = 10;
const SPARE: usize = 5;
/// So few are asked for by themselves, without the lists that tell which of all moved.
const FEW: usize = 2;
/// The states of pipelines that are looked at, and of those that may have begun and ended between two looks.
const LIVE: &str = "RUNNING,WAITING";
const ENDED: &str = "SUCCESS,FAIL,CANCELED";
/// What began so long before the look before is asked for again: clocks differ, and so may what a list knows.
const OVERLAP: Duration = Duration::from_mins(2);
/// Where the pages of Flow are, for whoever reaches it by its own address.
const WEB: &str = "https://flow.aliyun.com";
const OWN: &str = ".aliyuncs.com";

/// A connection to Flow.
#[derive(Debug)]
pub(super) struct Flow {
    source: SourceName,
    address: String,
    client: Client,
    roster: Roster,
    clock: SharedClock,
    /// When the lists that tell which pipelines moved were read last.
    looked: Mutex<Option<Timestamp>>,
    /// What jobs are called that were read: one that runs again may have another id.
    names: Mutex<BTreeMap<u64, String>>,
}

impl Flow {
    pub(super) fn new(client: Client, settings: Settings, clock: SharedClock) -> Self {
        let Settings { name, address, pipelines, .. } = settings;
        let (looked, names) = Default::default();
        Self { source: name, address, client, roster: Roster::new(pipelines), clock, looked, names }
    }

    pub(super) fn roster(&self) -> &Roster {
        &self.roster
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn web(&self) -> Option<&'static str> {
        let host = url::Url::parse(&self.address).ok()?.host_str()?.to_owned();
        host.ends_with(OWN).then_some(WEB)
    }

    /// The pipelines that run or wait, and those that began since the look before.
    async fn hot(&self) -> Result<BTreeSet<u64>, ProviderError> {
        let now = self.now();
        let before = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let mut hot = BTreeSet::new();
        let door = &self.client.door;
        let since = before.map(|at| at - OVERLAP);
        let lists = [(LIVE, None, "pipelines that run or wait"), (ENDED, since, "pipelines that ran of late")];
        for (states, since, what) in lists {
            // At first all are read anyway.
            if states == ENDED && since.is_none() {
                continue;
            }
            let read: Pages<api::Pipeline> = self.client.pages(|page| door.list(states, since, page), what).await?;
            hot.extend(read.all.read.iter().filter_map(|pipeline| pipeline.pipeline_id));
        }
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        Ok(hot)
    }

    /// A draft whose calls will pass when they are sent.
    fn checked(&self, draft: Draft, ask: &Ask) -> Result<Draft, Blocked> {
        let checked = shape::check_all(&draft, ask.verb, |target| self.shapes(target, ask.verb));
        checked.map(|()| draft).map_err(|forged| Blocked(forged.to_string()))
    }

    async fn run(&self, at: &Address) -> Result<api::Run, ProviderError> {
        let run = at.run().unwrap_or_default();
        self.client.read(&self.client.door.run(at.pipeline, run), &at.said()).await
    }

    async fn order(&self, at: &Address, order: u64) -> Result<api::Order, ProviderError> {
        self.client.read(&self.client.door.order(at.pipeline, order), &at.said()).await
    }

    /// The facts of something.
    async fn facts(&self, at: &Address) -> Result<Facts, ProviderError> {
        match &at.what {
            What::Run(_) => Ok(normalize::run_facts(&self.run(at).await?)),
            What::Job(_, id) => {
                let run = self.run(at).await?;
                let job = self.job_of(&run, *id);
                let mut facts = job_facts(&run, job);
                // One that deploys to hosts runs while it pauses between batches.
                if let Some(order) = job.filter(|job| job_state(job) == RunStatus::Running).and_then(api::Job::order) {
                    let paused = order_is(&self.order(at, order).await?) == "paused";
                    facts.insert(own::PAUSED.to_owned(), paused.to_string());
                }
                Ok(facts)
            }
            What::Order(_, order) => {
                let run = self.run(at).await?;
                let mut facts = order_facts(&self.order(at, *order).await?);
                let of_run = normalize::run_facts(&run);
                facts.extend(of_run.into_iter().filter(|(name, _)| name != fact::STATUS));
                Ok(facts)
            }
            What::Deploy(identifier) => {
                let wanted = self.client.door.records(at.pipeline, identifier);
                let records: Listed<api::Record> = self.client.read(&wanted, &at.said()).await?;
                Ok(back::live_facts(&records.read))
            }
        }
    }

    /// The job of this id, or the one that is called as that was.
    fn job_of<'a>(&self, run: &'a api::Run, id: u64) -> Option<&'a api::Job> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let found = run.job(id).map(|(_, job)| job);
        match (found, names.get(&id)) {
            (Some(job), _) => {
                names.insert(id, called(job));
                Some(job)
            }
            (None, Some(name)) => run.jobs().map(|(_, job)| job).find(|job| called(job) == *name),
            (None, None) => None,
        }
    }

    /// The tree of a run. One that is not whole is none: which of its jobs is lacking nobody can tell.
    async fn jobs(&self, id: &ObjectId) -> Result<Vec<Node>, ProviderError> {
        let at = Address::of(id)?;
        let run = self.run(&at).await?;
        if run.unread() > 0 {
            let text = format!("{CALLED}, {}: {} of its parts cannot be read", at.said(), run.unread());
            return Err(ProviderError::new(FaultKind::Unreadable, text));
        }
        let watched = self.roster.get(at.pipeline);
        let mut inside: BTreeMap<u64, Inside> = BTreeMap::new();
        for (_, job) in run.jobs() {
            let Some(id) = job.id else { continue };
            let mut known = Inside::default();
            if let Some(order) = job.order() {
                known.order = Some(self.order(&at, order).await?);
                known.records = watched.as_ref().map(|watched| watched.records(&called(job))).unwrap_or_default();
            } else if job_state(job) != RunStatus::Queued && !normalize::waits(job) {
                known.steps = self.steps(&at, id).await?;
            }
            inside.insert(id, known);
        }
        let of = |job: &api::Job| job.id.and_then(|id| inside.get(&id)).cloned().unwrap_or_default();
        Ok(tree::tree((&self.source, at.pipeline), &run, of))
    }

    /// The steps of a job; none where Flow has none of it.
    async fn steps(&self, at: &Address, job: u64) -> Result<Vec<api::Steps>, ProviderError> {
        let run = at.run().unwrap_or_default();
        let Some(wanted) = self.client.door.steps(at.pipeline, run, job) else { return Ok(Vec::new()) };
        match self.client.read::<Option<Listed<api::Steps>>>(&wanted, &format!("{} job {job}, steps", at.said())).await
        {
            Ok(steps) => Ok(steps.unwrap_or_default().read),
            // Jobs that only wait have none, and say so in whatever way.
            Err(error) if matches!(error.kind, FaultKind::Missing | FaultKind::Rejected) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Has what writes this ended?
    async fn has_ended(&self, at: &Address, place: &Place) -> Result<bool, ProviderError> {
        match place {
            Place::Job(id) | Place::Step(id, ..) => {
                let run = self.run(at).await?;
                Ok(run.job(*id).is_none_or(|(_, job)| job_state(job).ended()))
            }
            Place::Machine(order, sn) => {
                let order = self.order(at, *order).await?;
                let mut machines = order.machines().iter();
                let machine = machines.find(|machine| machine.sn.as_deref() == Some(sn));
                Ok(machine.is_none_or(|machine| state(machine.status.as_deref()).ended()))
            }
        }
    }

    /// Reads on in a log.
    async fn read_on(&self, at: &Address, place: &Place, log: &mut Log) -> Result<(), ProviderError> {
        let (door, run) = (&self.client.door, at.run().unwrap_or_default());
        let what = format!("{}, log of {}", at.said(), place.reference().as_str());
        let all = match place {
            Place::Job(job) => door.job_log(at.pipeline, run, *job),
            Place::Machine(order, sn) => door.machine_log(at.pipeline, *order, sn),
            Place::Step(job, index, build) => {
                for _ in 0..AT_FIRST {
                    let wanted = door.step_log((at.pipeline, run, *job), (*index, *build), log.offset());
                    if !log.take_on(&self.client.read::<api::Log>(&wanted, &what).await?) {
                        break;
                    }
                }
                return Ok(());
            }
        };
        log.take_all(&self.client.read::<api::Log>(&all, &what).await?);
        Ok(())
    }

    /// The end of a log, and then what is added to it, until what writes it has ended.
    fn log(&self, run: ObjectId, log: &LogRef, most: usize) -> Answers<'_> {
        let Some(of) = Place::parse(log.as_str()) else {
            let text = format!("{CALLED}: '{}' is no log", log.as_str());
            return stream::iter([Err(ProviderError::new(FaultKind::Missing, text))]).boxed();
        };
        let begin = Following { run, of, log: Log::new(most), begun: false, over: false };
        stream::try_unfold(begin, move |mut it| async move {
            if it.over {
                return Ok(None);
            }
            let at = Address::of(&it.run)?;
            let [mut pace, quiet] = PACES;
            let goes_on = it.begun;
            loop {
                if goes_on {
                    self.clock.sleep(pace).await;
                }
                // What it wrote last may come between the two: it is read after its end is known.
                it.over = self.has_ended(&at, &it.of).await?;
                self.read_on(&at, &it.of, &mut it.log).await?;
                it.begun = true;
                let piece = it.log.piece(goes_on, it.over);
                if !goes_on || it.over || !piece.lines.is_empty() {
                    return Ok(Some((lookup::Told::Log(piece), it)));
                }
                pace = quiet;
            }
        })
        .boxed()
    }
}

/// A log that is followed.
struct Following {
    run: ObjectId,
    of: Place,
    log: Log,
    begun: bool,
    over: bool,
}

impl Actor for Flow {
    fn read<'a>(&'a self, target: &'a ObjectId) -> Answer<'a, Reading> {
        async move { Ok(Reading { facts: self.facts(&Address::of(target)?).await?, revision: None }) }.boxed()
    }

    fn shapes(&self, target: &ObjectId, verb: Verb) -> Vec<Shape> {
        draft::shapes(&self.client.door, target, verb)
    }

    fn send<'a>(&'a self, call: Checked<'a>) -> Answer<'a, Sent> {
        async move {
            let outgoing = call.outgoing();
            // What is done there shows there: all of it is read at the next look.
            self.roster.all().iter().for_each(|watched| watched.stir());
            let answer = self.client.done(&Wanted::call(outgoing)?, &outgoing.call.words).await?;
            let given = outgoing.given(None, answer.body());
            Ok(Sent { revision: None, said: answer.status().to_string(), given })
        }
        .boxed()
    }
}

impl Inventory for Flow {
    fn tells(&self) -> Vec<(Family, Noun)> {
        vec![(Family::run(), Noun::Run), (Family::gate(), Noun::Gate)]
    }

    fn discover(&self) -> Answer<'_, Vec<Scope>> {
        async move {
            self.roster.ask(&self.client, self.now()).await;
            Ok(self.roster.scopes())
        }
        .boxed()
    }

    fn list(&self, scopes: Vec<Scope>) -> BoxStream<'_, Heard> {
        async move {
            let wanted: Vec<Arc<Watched>> =
                self.roster.all().into_iter().filter(|one| scopes.contains(&one.scope())).collect();
            let list = scopes.contains(&Roster::list()).then(|| Heard::of(Roster::list(), self.roster.told()));
            let hot = if wanted.len() > FEW {
                self.hot().await
            } else {
                Ok(wanted.iter().map(|watched| watched.id).collect())
            };
            let round = hot.map(|hot| Round {
                client: &self.client,
                source: &self.source,
                web: self.web(),
                now: self.now(),
                hot,
                first: AtomicUsize::new(FIRST),
                spare: AtomicUsize::new(SPARE),
            });
            let round = Arc::new(round);
            let read = stream::iter(wanted).map(move |watched| {
                let round = Arc::clone(&round);
                async move {
                    let parts = match &*round {
                        Ok(round) => watched.tell(round).await,
                        Err(error) => Err(error.clone()),
                    };
                    Heard::of(watched.scope(), parts)
                }
            });
            stream::iter(list).chain(read.buffered(AT_ONCE))
        }
        .flatten_stream()
        .boxed()
    }

    fn probe(&self) -> Answer<'_, ()> {
        // It is read again and again anyway.
        ready(Ok(())).boxed()
    }

    fn draft(&self, item: &Item, ask: &Ask) -> Result<Draft, Blocked> {
        let door = &self.client.door;
        match item {
            Item::Run(run) => {
                let at = Address::of(&run.id).map_err(|error| Blocked(error.text))?;
                let watched = self.roster.get(at.pipeline);
                let (wire, orders) = watched.as_ref().map(|one| one.known(run.number)).unwrap_or_default();
                let ways = watched.map(|watched| watched.ways(run.number)).unwrap_or_default();
                let mut bound = Facts::from([(own::RUN.to_owned(), run.number.to_string())]);
                let commit = wire.as_ref().and_then(api::Run::source).and_then(api::Source::commit);
                bound.extend(commit.map(|commit| (fact::COMMIT.to_owned(), commit)));
                let name = format!("{} #{}", run.pipeline, run.number);
                let about = About {
                    run,
                    at: &at,
                    wire: wire.as_ref(),
                    orders: &orders,
                    door,
                    name,
                    bound,
                    base: &self.address,
                };
                self.checked(again::run(&about, ask, &ways)?, ask)
            }
            Item::Gate(gate) => self.checked(draft::gate(gate, ask, door, &self.address)?, ask),
            Item::Rollout(rollout) => Err(Blocked(format!("{} is nothing on {CALLED}", rollout.id))),
        }
    }
}

impl Lookup for Flow {
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Jobs, Topic::Log, Topic::Settings]
    }

    fn ask(&self, question: Question) -> Answers<'_> {
        match question {
            Question::Jobs { run } => lookup::once(async move { self.jobs(&run).await.map(lookup::Told::Jobs) }),
            Question::Log { run, log, most } => self.log(run, &log, most),
            Question::Settings { service, environment } => {
                lookup::once(async move { self.settings(&service, &environment).await.map(lookup::Told::Settings) })
            }
            other => lookup::foreign(CALLED, &other),
        }
    }
}
