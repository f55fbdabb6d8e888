//! The facets: what there is, the insides of pipelines, and what the executor asks. Glue between the client and the pure parts.

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
use http_body_util::BodyExt;

use crate::{
    domain::{
        changes::Changes,
        ids::{Person, SourceName},
        item::{Item, Noun},
        object::{Family, ObjectId},
        observed::FaultKind,
        pipeline::{LogRef, Node},
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
        plan::{Ask, Blocked, Draft, Facts, Reading, Sent},
        shape::{self, Checked, Shape},
    },
    provider::{
        gitlab::{
            CALLED, Settings,
            address::{Address, What, Within},
            again, api,
            back::live_facts,
            client::{Client, Pages, Told},
            draft,
            log::{Log, PACES},
            normalize::{self, deployment_facts, lone_job_facts, pipeline_facts},
            project::{Round, Watched},
            report,
            request::{self, MOST_NAMED, Wanted, scope},
            roster::Roster,
            tree,
        },
        http::listed::Listed,
    },
};

/// Projects that are read at the same time.
const AT_ONCE: usize = 4;
/// Projects of which in one look is asked what changes seldom.
const SPARE: usize = 5;
/// What a token may do is asked again after this: it can be changed without being made anew.
const TOKEN_AGE: Duration = Duration::from_mins(10);

/// What the question about many told of each project, by its path in small letters, or why nothing was told.
type Seen = BTreeMap<String, Result<api::Project, ProviderError>>;

/// Whose token it is, and what it may do, as far as that was found out.
#[derive(Clone, Debug)]
struct Who {
    asked: Timestamp,
    me: Option<Person>,
    /// Nothing where the token does not say.
    scopes: Option<Vec<String>>,
}

/// A connection to GitLab.
#[derive(Debug)]
pub(super) struct Gitlab {
    source: SourceName,
    address: String,
    client: Client,
    roster: Roster,
    clock: SharedClock,
    who: Mutex<Option<Who>>,
}

impl Gitlab {
    pub(super) fn new(client: Client, settings: Settings, clock: SharedClock) -> Self {
        let Settings { name, address, projects, interval: _ } = settings;
        Self { source: name, address, client, roster: Roster::new(projects), clock, who: Mutex::default() }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The projects that are looked at.
    pub(super) fn watched(&self) -> Vec<Arc<Watched>> {
        self.roster.all()
    }

    fn known(&self) -> Option<Who> {
        self.who.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Finds out who asks and what the token may do, now and then.
    async fn ask_who(&self) -> Result<Who, ProviderError> {
        let now = self.clock.now();
        if let Some(known) = self.known().filter(|known| age(now, known.asked) < TOKEN_AGE) {
            return Ok(known);
        }
        // Some kinds of token have no person, and some have no such answer: what they may do is seen when they do it.
        let silent = |error: &ProviderError| {
            matches!(error.kind, FaultKind::Forbidden | FaultKind::Missing | FaultKind::Rejected)
        };
        let me = match self.client.read::<api::User>(&request::user(), "the token").await {
            Ok(user) => normalize::person(Some(&user)),
            Err(error) if silent(&error) => None,
            Err(error) => return Err(error),
        };
        let scopes = match self.client.read::<api::Token>(&request::token(), "the token").await {
            Ok(token) => token.scopes,
            Err(error) if silent(&error) => None,
            Err(error) => return Err(error),
        };
        let who = Who { asked: now, me, scopes };
        *self.who.lock().unwrap_or_else(PoisonError::into_inner) = Some(who.clone());
        Ok(who)
    }

    /// Asks about many projects, as many in one question as GitLab answers.
    async fn look(&self, asked: &[Arc<Watched>]) -> Seen {
        let mut seen = Seen::new();
        let mut left: Vec<&[Arc<Watched>]> = asked.chunks(MOST_NAMED).collect();
        while let Some(some) = left.pop() {
            let paths: Vec<&str> = some.iter().map(|one| one.path()).collect();
            let what = match paths.as_slice() {
                [one] => (*one).to_owned(),
                all => format!("{} projects", all.len()),
            };
            let told = self.client.ask::<api::Projects>(&request::look(&paths), &what).await;
            let failed = match told {
                Ok(Told::Answer(told)) => {
                    let projects = told.projects.unwrap_or_default().nodes.read;
                    let named = |one: api::Project| Some((one.full_path.clone()?.to_ascii_lowercase(), Ok(one)));
                    seen.extend(projects.into_iter().filter_map(named));
                    continue;
                }
                Ok(Told::TooMuch(_)) if some.len() > 1 => {
                    let (one, other) = some.split_at(some.len() / 2);
                    left.extend([one, other]);
                    continue;
                }
                Ok(Told::TooMuch(error)) | Err(error) => error,
            };
            seen.extend(paths.iter().map(|path| (path.to_ascii_lowercase(), Err(failed.clone()))));
        }
        seen
    }

    /// Tells of one project, of which this was seen.
    async fn tell(&self, watched: &Watched, seen: &Seen, round: &Result<Round<'_>, ProviderError>) -> Heard {
        let round = match round {
            Ok(round) => round,
            Err(error) => return Heard::of(watched.scope(), Err(error.clone())),
        };
        let parts = match seen.get(&watched.path().to_ascii_lowercase()) {
            Some(Ok(project)) => watched.tell(project.clone(), round).await,
            Some(Err(error)) => Err(error.clone()),
            None => {
                let text = format!(
                    "{CALLED}, {}: it has no project there that the token may see; check the name",
                    watched.path()
                );
                Err(ProviderError::new(FaultKind::Missing, text))
            }
        };
        Heard::of(watched.scope(), parts)
    }

    /// A draft whose calls will pass when they are sent.
    fn checked(&self, draft: Draft, ask: &Ask) -> Result<Draft, Blocked> {
        let checked = shape::check_all(&draft, ask.verb, |target| self.shapes(target, ask.verb));
        checked.map(|()| draft).map_err(|forged| Blocked(forged.to_string()))
    }

    /// The facts of something.
    async fn facts(&self, at: &Address) -> Result<Facts, ProviderError> {
        let (client, project, said) = (&self.client, &at.project, at.said());
        Ok(match &at.what {
            What::Pipeline(id, None) => pipeline_facts(&client.read(&request::pipeline(project, *id), &said).await?),
            What::Pipeline(_, Some(Within::Deployment(id))) => {
                // Whose approval is ours: a process that has listed nothing has to ask first.
                let me = self.ask_who().await?.me;
                deployment_facts(&client.read(&request::deployment(project, *id), &said).await?, me.as_ref())
            }
            What::Pipeline(_, Some(Within::Job(id))) => {
                lone_job_facts(&client.read(&request::job(project, *id), &said).await?)
            }
            What::Environment(name) => {
                let live: Listed<api::Deployment> = client.read(&request::live(project, name), &said).await?;
                live_facts(live.read.first())
            }
        })
    }

    /// The tree of a pipeline. A list that is not whole is none: which of its jobs is lacking nobody can tell.
    async fn jobs(&self, run: &ObjectId) -> Result<Vec<Node>, ProviderError> {
        let at = Address::of(run)?;
        let id = at.pipeline().unwrap_or_default();
        let mut lists = Vec::new();
        for list in [request::jobs(&at.project, id), request::bridges(&at.project, id)] {
            let Pages { all, cut } = self.client.pages::<api::Job>(&list, &at.said()).await?;
            let unread =
                (all.unread > 0).then(|| format!("{CALLED}, {}: {} of its jobs cannot be read", at.said(), all.unread));
            if let Some(why) = cut.or(unread) {
                return Err(ProviderError::new(FaultKind::Unreadable, why));
            }
            lists.push(all.read);
        }
        let bridges = lists.pop().unwrap_or_default();
        let jobs = lists.pop().unwrap_or_default();
        let runners = self.runners(&at.project, &jobs).await;
        Ok(tree::tree(&self.source, jobs, bridges, &runners))
    }

    /// How the tests of a pipeline ended.
    async fn tests(&self, run: &ObjectId, named: &BTreeSet<TestName>) -> Result<TestReport, ProviderError> {
        let at = Address::of(run)?;
        let about = format!("{}, its tests", at.said());
        let list = request::tests(&at.project, at.pipeline().unwrap_or_default());
        Ok(report::report(&self.client.read(&list, &about).await?, named))
    }

    /// What lies between two commits of the project that a pipeline is of.
    async fn changes(&self, run: &ObjectId, base: &str, head: &str) -> Result<Changes, ProviderError> {
        let project = Address::of(run)?.project;
        let about = format!("{project}, what lies between {base} and {head}");
        let ahead: api::Compared = self.client.read(&request::compare(&project, base, head), &about).await?;
        let behind: api::Compared = self.client.read(&request::compare(&project, head, base), &about).await?;
        Ok(normalize::changes(&ahead, &behind))
    }

    /// Has a job ended?
    async fn has_ended(&self, at: &Address, job: &LogRef) -> Result<bool, ProviderError> {
        let id = job.as_str().parse().unwrap_or_default();
        let about = format!("{} job {}", at.project, job.as_str());
        Ok(tree::ended(&self.client.read::<api::Job>(&request::job(&at.project, id), &about).await?))
    }

    /// Reads on in a log; true where something came. One that nobody has begun to write is not there yet.
    async fn read_on(&self, at: &Address, job: &LogRef, log: &mut Log) -> Result<bool, ProviderError> {
        let about = format!("{}, log of job {}", at.project, job.as_str());
        let mut body = match self.client.open(&request::trace(&at.project, job.as_str()), &about).await {
            Ok(answer) => answer.into_body(),
            Err(error) if error.kind == FaultKind::Missing && !log.has_begun() => return Ok(false),
            Err(error) => return Err(error),
        };
        log.begin();
        let mut came = false;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| self.client.broken(&error, &about))?;
            if let Ok(data) = frame.into_data() {
                came |= log.take(&data);
            }
        }
        Ok(came)
    }

    /// The end of a job's log, and then what is added to it, until the job has ended.
    fn log(&self, run: ObjectId, job: LogRef, most: usize) -> Answers<'_> {
        let begin = Following { run, job, log: Log::new(most), begun: false, over: false };
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
                it.over = self.has_ended(&at, &it.job).await?;
                self.read_on(&at, &it.job, &mut it.log).await?;
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
    job: LogRef,
    log: Log,
    begun: bool,
    over: bool,
}

impl Actor for Gitlab {
    fn read<'a>(&'a self, target: &'a ObjectId) -> Answer<'a, Reading> {
        async move { Ok(Reading { facts: self.facts(&Address::of(target)?).await?, revision: None }) }.boxed()
    }

    fn shapes(&self, target: &ObjectId, verb: Verb) -> Vec<Shape> {
        let ours = Address::parse(target).is_some_and(|at| self.roster.has(&at.project));
        if ours { draft::shapes(target, verb) } else { Vec::new() }
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

impl Inventory for Gitlab {
    fn tells(&self) -> Vec<(Family, Noun)> {
        vec![(Family::run(), Noun::Run), (Family::gate(), Noun::Gate)]
    }

    fn discover(&self) -> Answer<'_, Vec<Scope>> {
        async move {
            self.roster.ask(&self.client, self.clock.now()).await;
            Ok(self.roster.scopes())
        }
        .boxed()
    }

    fn list(&self, scopes: Vec<Scope>) -> BoxStream<'_, Heard> {
        async move {
            let wanted: Vec<_> = self.roster.all().into_iter().filter(|one| scopes.contains(&one.scope())).collect();
            let lists = self.roster.lists(&scopes).into_iter().map(|(scope, parts)| Heard::of(scope, parts));
            let round = if wanted.is_empty() { Ok(None) } else { self.ask_who().await.map(Some) };
            let seen = if matches!(round, Ok(Some(_))) { self.look(&wanted).await } else { Seen::new() };
            let round = round.map(|who| {
                let Who { me, scopes, .. } = who.unwrap_or_else(|| Who { asked: self.now(), me: None, scopes: None });
                let lacks = scopes.is_some_and(|scopes| !scopes.iter().any(|known| known == scope::ACT));
                let barred = lacks.then(|| format!("your token lacks the scope {}", scope::ACT));
                let (client, source, now, spare) = (&self.client, &self.source, self.now(), AtomicUsize::new(SPARE));
                Round { client, source, me, barred, now, spare }
            });
            let (round, seen) = (Arc::new(round), Arc::new(seen));
            let read = stream::iter(wanted).map(move |watched| {
                let (round, seen) = (Arc::clone(&round), Arc::clone(&seen));
                async move { self.tell(&watched, &seen, &round).await }
            });
            stream::iter(lists).chain(read.buffered(AT_ONCE))
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
                let at = Address::parse(&run.id);
                let watched = at.as_ref().and_then(|at| self.roster.get(&at.project));
                let backs = watched.map(|watched| watched.backs(run.number)).unwrap_or_default();
                self.checked(again::run(run, ask, &backs, &self.address)?, ask)
            }
            Item::Gate(gate) => self.checked(draft::gate(gate, ask, &self.address)?, ask),
            Item::Rollout(rollout) => Err(Blocked(format!("{} is nothing on {CALLED}", rollout.id))),
        }
    }
}

impl Lookup for Gitlab {
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Jobs, Topic::Log, Topic::Tests, Topic::Changes, Topic::Settings]
    }

    fn ask(&self, question: Question) -> Answers<'_> {
        match question {
            Question::Jobs { run } => lookup::once(async move { self.jobs(&run).await.map(lookup::Told::Jobs) }),
            Question::Log { run, log, most } => self.log(run, log, most),
            Question::Tests { run, named } => {
                lookup::once(async move { self.tests(&run, &named).await.map(lookup::Told::Tests) })
            }
            Question::Changes { run, base, head } => {
                lookup::once(async move { self.changes(&run, &base, &head).await.map(lookup::Told::Changes) })
            }
            Question::Settings { service, environment } => {
                lookup::once(async move { self.settings(&service, &environment).await.map(lookup::Told::Settings) })
            }
            other => lookup::foreign(CALLED, &other),
        }
    }
}
