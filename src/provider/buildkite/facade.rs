//! The facets: what there is, the insides of builds, and what the executor asks. Glue between the client and the pure parts.

use std::{
    sync::{Mutex, PoisonError},
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
        pipeline::{LogRef, Node},
        time::{Timestamp, age},
        verb::Verb,
    },
    port::{
        clock::SharedClock,
        error::ProviderError,
        facet::{Actor, Answer},
        inventory::{Heard, Inventory, Scope},
        lookup::{self, Answers, Lookup, Question, Topic},
        plan::{Ask, Blocked, Draft, Reading, Sent},
        shape::{self, Checked, Shape},
    },
    provider::buildkite::{
        CALLED, Settings,
        address::Address,
        api,
        client::Client,
        draft, gate,
        log::{Log, PACES},
        normalize,
        poll::{Look, Organization, home},
        request::{self, Wanted, scope},
        tree,
    },
};

/// Organisations that are read at the same time.
const AT_ONCE: usize = 2;
/// What a token may do is asked again after this: it can be changed without being made anew.
const TOKEN_AGE: Duration = Duration::from_mins(10);

/// A connection to Buildkite.
#[derive(Debug)]
pub(super) struct Buildkite {
    source: SourceName,
    address: String,
    client: Client,
    organizations: Vec<Organization>,
    interval: Duration,
    clock: SharedClock,
    /// The scopes of the token, and when they were asked for; nothing where it does not say.
    scopes: Mutex<Option<(Timestamp, Option<Vec<String>>)>>,
}

impl Buildkite {
    pub(super) fn new(client: Client, settings: Settings, clock: SharedClock) -> Self {
        let Settings { name, address, pipelines, interval } = settings;
        let (organizations, scopes) = (Organization::all(pipelines), Mutex::default());
        Self { source: name, address, client, organizations, interval, clock, scopes }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The scope that the token lacks for acting; nothing where it has it, or does not say.
    async fn lacks(&self) -> Result<Option<&'static str>, ProviderError> {
        let now = self.clock.now();
        let known = || self.scopes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if known().is_none_or(|(at, _)| age(now, at) >= TOKEN_AGE) {
            let scopes = match self.client.read::<api::Token>(&request::token(), "the token").await {
                Ok(token) => token.scopes,
                // Some kinds of token have no such answer: what they may do is seen when they do it.
                Err(error) if matches!(error.kind, FaultKind::Forbidden | FaultKind::Missing | FaultKind::Rejected) => {
                    None
                }
                Err(error) => return Err(error),
            };
            *self.scopes.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, scopes));
        }
        let scopes = known().and_then(|(_, scopes)| scopes);
        Ok(scopes.filter(|scopes| !scopes.iter().any(|known| known == scope::ACT)).map(|_| scope::ACT))
    }

    /// A draft whose calls will pass when they are sent.
    fn checked(&self, draft: Draft, ask: &Ask) -> Result<Draft, Blocked> {
        let checked = shape::check_all(&draft, ask.verb, |target| self.shapes(target, ask.verb));
        checked.map(|()| draft).map_err(|forged| Blocked(forged.to_string()))
    }

    async fn build(&self, at: &Address) -> Result<api::Build, ProviderError> {
        self.client.read(&request::build(at), &at.said()).await
    }

    /// The tree of a build.
    async fn jobs(&self, run: &ObjectId) -> Result<Vec<Node>, ProviderError> {
        let at = Address::of(run)?;
        let jobs = self.build(&at).await?.jobs.unwrap_or_default();
        if jobs.unread > 0 {
            let text = format!("{CALLED}, {}: {} of its jobs cannot be read", at.said(), jobs.unread);
            return Err(ProviderError::new(FaultKind::Unreadable, text));
        }
        let runners = self.runners(&at.organization, &jobs.read).await;
        Ok(tree::tree(&self.source, &at.organization, &jobs.read, &runners))
    }

    /// Has a job ended? One that the build does not have is not known to have.
    async fn has_ended(&self, at: &Address, job: &LogRef) -> Result<bool, ProviderError> {
        let build = self.build(at).await?;
        let job = build.jobs().iter().find(|one| one.id.as_deref() == Some(job.as_str()));
        Ok(job.is_some_and(|job| job.retried == Some(true) || tree::state(job).ended()))
    }

    /// Reads on in a log; true where something came.
    async fn read_on(&self, at: &Address, job: &LogRef, log: &mut Log) -> Result<bool, ProviderError> {
        let (wanted, what) =
            (request::log(at, job.as_str(), log.place()), format!("{}, log of job {}", at.said(), job.as_str()));
        let answer = self.client.send(&wanted, &what).await?;
        match answer.status().as_u16() {
            200..=299 | 416 => Ok(log.take(answer.status(), answer.headers(), answer.body())),
            _ => Err(self.client.fault(&answer, &wanted, &what)),
        }
    }

    /// The end of a job's log, and then what is added to it, until the job has ended.
    fn log(&self, run: ObjectId, job: LogRef, most: usize) -> Answers<'_> {
        let begin = Following { run, job, log: Log::new(most), over: false };
        stream::try_unfold(begin, move |mut it| async move {
            if it.over {
                return Ok(None);
            }
            let at = Address::of(&it.run)?;
            let goes_on = it.log.place().is_some();
            let [mut pace, quiet] = PACES;
            let piece = if goes_on {
                loop {
                    self.clock.sleep(pace).await;
                    let news = self.read_on(&at, &it.job, &mut it.log).await?;
                    if !news && self.has_ended(&at, &it.job).await? {
                        // What it wrote last may have come between the two.
                        self.read_on(&at, &it.job, &mut it.log).await?;
                        it.over = true;
                    }
                    let piece = it.log.piece(goes_on, it.over);
                    if it.over || !piece.lines.is_empty() {
                        break piece;
                    }
                    pace = quiet;
                }
            } else {
                it.over = self.has_ended(&at, &it.job).await?;
                self.read_on(&at, &it.job, &mut it.log).await?;
                it.log.piece(goes_on, it.over)
            };
            Ok(Some((lookup::Told::Log(piece), it)))
        })
        .boxed()
    }
}

/// A log that is followed.
struct Following {
    run: ObjectId,
    job: LogRef,
    log: Log,
    over: bool,
}

impl Actor for Buildkite {
    fn read<'a>(&'a self, target: &'a ObjectId) -> Answer<'a, Reading> {
        async move {
            let at = Address::of(target)?;
            let build = self.build(&at).await?;
            let facts = match &at.step {
                Some(step) => gate::step_facts(&build, step),
                None => normalize::facts(&build),
            };
            Ok(Reading { facts, revision: None })
        }
        .boxed()
    }

    fn shapes(&self, target: &ObjectId, verb: Verb) -> Vec<Shape> {
        home(&self.organizations, target).map(|_| draft::shapes(target, verb)).unwrap_or_default()
    }

    fn send<'a>(&'a self, call: Checked<'a>) -> Answer<'a, Sent> {
        async move {
            let outgoing = call.outgoing();
            // What is done there shows there: all of it is read until it has.
            self.organizations.iter().for_each(Organization::stir);
            let answer = self.client.done(&Wanted::call(outgoing)?, &outgoing.call.words).await?;
            let given = outgoing.given(None, answer.body());
            Ok(Sent { revision: None, said: answer.status().to_string(), given })
        }
        .boxed()
    }
}

impl Inventory for Buildkite {
    fn tells(&self) -> Vec<(Family, Noun)> {
        vec![(Family::run(), Noun::Run), (Family::gate(), Noun::Gate)]
    }

    fn discover(&self) -> Answer<'_, Vec<Scope>> {
        ready(Ok(self.organizations.iter().map(Organization::scope).collect())).boxed()
    }

    fn list(&self, scopes: Vec<Scope>) -> BoxStream<'_, Heard> {
        async move {
            let lacks = self.lacks().await;
            let wanted: Vec<_> = self.organizations.iter().filter(|one| scopes.contains(&one.scope())).collect();
            let read = stream::iter(wanted).map(move |organization| {
                let lacks = lacks.clone();
                async move {
                    let (client, source, interval) = (&self.client, &self.source, self.interval);
                    let parts = match lacks {
                        Ok(lacks) => {
                            organization.look(Look { client, source, lacks, interval, now: self.clock.now() }).await
                        }
                        Err(error) => Err(error),
                    };
                    Heard::of(organization.scope(), parts)
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
            Item::Run(run) => self.checked(draft::run(run, ask, &self.address)?, ask),
            Item::Gate(gate) => {
                let at = Address::parse(&gate.id);
                let here = home(&self.organizations, &gate.id);
                let inputs = at.zip(here).and_then(|(at, here)| here.inputs(&at));
                self.checked(draft::gate(gate, ask, inputs.as_deref(), &self.address)?, ask)
            }
            Item::Rollout(rollout) => Err(Blocked(format!("{} is nothing on {CALLED}", rollout.id))),
        }
    }
}

impl Lookup for Buildkite {
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Jobs, Topic::Log]
    }

    fn ask(&self, question: Question) -> Answers<'_> {
        match question {
            Question::Jobs { run } => lookup::once(async move { self.jobs(&run).await.map(lookup::Told::Jobs) }),
            Question::Log { run, log, most } => self.log(run, log, most),
            other => lookup::foreign(CALLED, &other),
        }
    }
}
