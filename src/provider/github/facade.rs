//! The facets: what waits and runs, the insides of runs, and what the executor asks. Glue between the client and the pure parts.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{
    FutureExt, StreamExt,
    future::{join, ready},
    stream::{self, BoxStream},
};

use crate::{
    domain::{
        changes::Changes,
        ids::{Person, ServiceName, SourceName},
        item::{Item, Noun},
        object::{Family, ObjectId},
        observed::FaultKind,
        pipeline::Node,
        time::Timestamp,
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
    provider::github::{
        Repository,
        address::Address,
        api,
        client::{Client, Pages},
        draft, fact as own, gate,
        kept::Kept,
        log,
        moved::{self, Pace},
        normalize,
        poll::{Watched, is_partial, pending},
        request::{self, Wanted},
        roster::Roster,
        tree,
    },
};

/// Repositories that are read at the same time: GitHub asks for few.
const AT_ONCE: usize = 4;

/// Within so long each repository at rest is asked for its newest runs, and within so long for all that wait there.
const RUNS_ROUND: Duration = Duration::from_mins(6);
const GATES_ROUND: Duration = Duration::from_mins(30);

/// Whose token it is, as far as that was found out.
#[derive(Clone, Debug)]
enum Me {
    NotAsked,
    /// An app's token has no person.
    Nobody,
    Is(Person),
}

/// The repositories that are to be read now, by owner and name.
type Due = BTreeSet<String>;

/// One look at repositories: who looks, and of which of them what is read.
struct Round {
    me: Result<Option<Person>, ProviderError>,
    gates: Due,
    runs: Due,
}

/// A connection to GitHub.
#[derive(Debug)]
pub(super) struct GitHub {
    source: SourceName,
    client: Client,
    roster: Roster,
    clock: SharedClock,
    me: Mutex<Me>,
    interval: Duration,
    runs_pace: Pace,
    gates_pace: Pace,
}

impl GitHub {
    pub(super) fn new(
        source: SourceName,
        client: Client,
        repos: Vec<Repository>,
        interval: Duration,
        clock: SharedClock,
    ) -> Self {
        Self {
            source,
            client,
            roster: Roster::new(repos),
            clock,
            me: Mutex::new(Me::NotAsked),
            interval,
            runs_pace: Pace::new(RUNS_ROUND),
            gates_pace: Pace::new(GATES_ROUND),
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Each repository that is known, by owner and name.
    pub(super) fn named(&self) -> Vec<(String, String)> {
        let all = self.roster.all();
        all.iter().map(|one| (one.name().0.to_owned(), one.name().1.to_owned())).collect()
    }

    /// The repositories of a service.
    pub(super) fn repositories_of(&self, service: &ServiceName) -> Vec<Repository> {
        self.roster.all().iter().map(|one| one.repository()).filter(|one| one.service == *service).cloned().collect()
    }

    /// Asks what moved. Without an answer nothing is known to rest, and everything is read.
    async fn ask_what_moved(&self, asked: &[Arc<Watched>]) {
        let now = self.clock.now();
        for some in asked.chunks(moved::MOST_ASKED) {
            let question = moved::question(some.iter().map(|one| one.name()));
            let answer: Result<api::Moved, _> = self.client.read(request::moved(&question), "what moved").await;
            let said = answer.ok().and_then(|answer| answer.data).unwrap_or_default();
            for (place, watched) in some.iter().enumerate() {
                watched.motion().take(moved::mark(&said, place), now);
            }
        }
    }

    /// Those of the asked that are to be read now: whatever does not rest, and of the others those that were read longest ago of
    /// all, in turn.
    fn due(
        &self,
        asked: &[Arc<Watched>],
        pace: &Pace,
        rests: impl Fn(&Watched) -> bool,
        seen: impl Fn(&Watched) -> Option<Timestamp>,
    ) -> Due {
        let is_asked = |one: &Arc<Watched>| asked.iter().any(|asked| Arc::ptr_eq(asked, one));
        let (mut resting, moving): (Vec<_>, Vec<_>) = self.roster.all().into_iter().partition(|one| rests(one));
        resting.sort_by_key(|one| seen(one));
        let moving = moving.into_iter().filter(is_asked);
        moving.chain(pace.take(resting, self.clock.now(), is_asked)).map(|one| one.about()).collect()
    }

    fn known(&self) -> Me {
        self.me.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn me(&self) -> Option<Person> {
        match self.known() {
            Me::Is(person) => Some(person),
            Me::NotAsked | Me::Nobody => None,
        }
    }

    /// A draft whose calls will pass when they are sent.
    fn checked(&self, draft: Draft, ask: &Ask) -> Result<Draft, Blocked> {
        let checked = shape::check_all(&draft, ask.verb, |target| self.shapes(target, ask.verb));
        checked.map(|()| draft).map_err(|forged| Blocked(forged.to_string()))
    }

    /// Reads what is due of a repository. Where one of both cannot be read, that is what is lacking beside the other.
    async fn look(&self, watched: &Watched, round: &Round) -> Result<Vec<Part>, ProviderError> {
        let (now, name) = (self.clock.now(), watched.about());
        // One after the other: both write into what is remembered of the runs.
        let gates = match &round.me {
            Err(error) => Err(error.clone()),
            Ok(_) if !round.gates.contains(&name) => Ok(()),
            Ok(me) => watched.read_gates(&self.client, &self.source, me.as_ref(), now).await,
        };
        let runs =
            if round.runs.contains(&name) { watched.read_runs(&self.client, &self.source, now).await } else { Ok(()) };
        let whole = match (&gates, &runs) {
            (Err(error), Err(_)) => Some(error),
            (Err(error), _) | (_, Err(error)) if !is_partial(error) => Some(error),
            _ => None,
        };
        if let Some(error) = whole {
            watched.known_gates().failed();
            watched.known_runs().failed();
            return Err(error.clone());
        }
        Ok(vec![told(Family::gate(), watched.known_gates(), gates), told(Family::run(), watched.known_runs(), runs)])
    }

    /// Finds out who asks, what moved, and what is to be read after that.
    async fn round(&self, asked: &[Arc<Watched>]) -> Round {
        let (me, ()) = join(self.ask_who(), self.ask_what_moved(asked)).await;
        let (now, interval) = (self.clock.now(), self.interval);
        let gates =
            self.due(asked, &self.gates_pace, |one| one.gates_rest(now, interval), |one| one.known_gates().seen());
        let runs = self.due(asked, &self.runs_pace, |one| one.runs_rest(now, interval), |one| one.known_runs().seen());
        Round { me, gates, runs }
    }

    /// The tree of a run.
    async fn jobs(&self, run: &ObjectId) -> Result<Vec<Node>, ProviderError> {
        let Address { owner, repo, run, .. } = Address::of(run)?;
        let about = format!("{owner}/{repo} run {run}");
        let size = |page: &api::Jobs| (page.jobs.len(), page.total_count);
        let list = request::jobs(&owner, &repo, run);
        let Pages { pages, cut } = self.client.pages(&list, &about, size).await?;
        if let Some(cut) = cut {
            // Which of them are lacking nobody can tell: the one that failed may be among them.
            return Err(ProviderError::new(FaultKind::Unreadable, format!("GitHub, {about}: {}", cut.said("jobs"))));
        }
        let runners = self.runners((&owner, &repo), pages.iter().flat_map(|page| &page.jobs)).await;
        Ok(tree::tree(pages.iter().flat_map(|page| &page.jobs), &runners))
    }

    /// What lies between two commits of the repository that a run is of.
    async fn changes(&self, run: &ObjectId, base: &str, head: &str) -> Result<Changes, ProviderError> {
        let Address { owner, repo, .. } = Address::of(run)?;
        let short = |commit: &str| commit.chars().take(7).collect::<String>();
        let about = format!("{owner}/{repo}, what lies between {} and {}", short(base), short(head));
        let wire: api::Compared = self.client.read(request::compare(&owner, &repo, base, head), &about).await?;
        Ok(normalize::changes(&wire))
    }

    /// Finds out, once, whose token it is.
    async fn ask_who(&self) -> Result<Option<Person>, ProviderError> {
        if let Me::NotAsked = self.known() {
            let found = match self.client.read::<api::Account>(request::user(), "the token").await {
                Ok(account) => account.login.map_or(Me::Nobody, |login| Me::Is(Person::new(login))),
                Err(error) if error.kind == FaultKind::Forbidden => Me::Nobody,
                Err(error) => return Err(error),
            };
            *self.me.lock().unwrap_or_else(PoisonError::into_inner) = found;
        }
        Ok(self.me())
    }
}

impl Actor for GitHub {
    fn read<'a>(&'a self, target: &'a ObjectId) -> Answer<'a, Reading> {
        async move {
            let Address { owner, repo, run, environment } = Address::of(target)?;
            let about = format!("{owner}/{repo} run {run}");
            let wire: api::Run = self.client.read(request::run(&owner, &repo, run), &about).await?;
            let mut facts = gate::facts(&wire);
            if let Some(environment) = environment {
                let pending = pending(&self.client, (&owner, &repo), run).await?;
                facts.extend(
                    gate::pending_id(&pending.read, &environment).map(|id| (own::PENDING.to_owned(), id.to_string())),
                );
            } else {
                facts.extend(wire.workflow_id.map(|id| (own::WORKFLOW.to_owned(), id.to_string())));
            }
            Ok(Reading { facts, revision: None })
        }
        .boxed()
    }

    fn shapes(&self, target: &ObjectId, verb: Verb) -> Vec<Shape> {
        let ours = Address::of(target).is_ok_and(|at| self.roster.has(&at));
        if ours { draft::shapes(target, verb) } else { Vec::new() }
    }

    fn send<'a>(&'a self, call: Checked<'a>) -> Answer<'a, Sent> {
        async move {
            let (outgoing, call) = (call.outgoing(), call.outgoing().call);
            // What is done there shows there: it is read until it has.
            let there = |one: &&Arc<Watched>| outgoing.path.starts_with(&request::repo_path(one.name()));
            self.roster.all().iter().filter(there).for_each(|one| one.motion().stir(self.clock.now()));
            let answer = self.client.done(Wanted::call(outgoing)?, &call.words).await?;
            let location = answer.headers().get(http::header::LOCATION).and_then(|to| to.to_str().ok());
            let given = outgoing.given(location, answer.body());
            Ok(Sent { revision: None, said: answer.status().to_string(), given })
        }
        .boxed()
    }
}

/// What is known of a family; where it could not be read now, only why.
fn told<T: Clone + Into<Item>>(family: Family, kept: &Kept<T>, read: Result<(), ProviderError>) -> Part {
    match read {
        Ok(()) => Part::whole(family, kept.of(|_| true)).without(kept.gaps()),
        Err(error) => {
            kept.failed();
            Part::unread(family, vec![error.text])
        }
    }
}

impl Inventory for GitHub {
    fn tells(&self) -> Vec<(Family, Noun)> {
        vec![(Family::run(), Noun::Run), (Family::gate(), Noun::Gate)]
    }

    fn discover(&self) -> Answer<'_, Vec<Scope>> {
        async move {
            if self.roster.has_organisations() {
                let me = self.ask_who().await.ok().flatten();
                self.roster.ask(&self.client, me.as_ref(), self.clock.now()).await;
            }
            Ok(self.roster.scopes())
        }
        .boxed()
    }

    fn list(&self, scopes: Vec<Scope>) -> BoxStream<'_, Heard> {
        async move {
            let is_asked = |one: &Arc<Watched>| scopes.contains(&one.scope());
            let wanted: Vec<_> = self.roster.all().into_iter().filter(is_asked).collect();
            let round = Arc::new(self.round(&wanted).await);
            let lists = self.roster.lists(&scopes).into_iter().map(|(scope, parts)| Heard::of(scope, parts));
            let read = stream::iter(wanted).map(move |watched| {
                let round = Arc::clone(&round);
                async move { Heard::of(watched.scope(), self.look(&watched, &round).await) }
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
            Item::Run(run) => self.checked(draft::run(run, ask)?, ask),
            Item::Gate(gate) => {
                let at = Address::parse(&gate.id);
                let live = at.and_then(|at| self.roster.live_at(&at));
                self.checked(draft::gate(gate, ask, self.me().as_ref(), live)?, ask)
            }
            Item::Rollout(rollout) => Err(Blocked(format!("{} is nothing on GitHub", rollout.id))),
        }
    }
}

impl Lookup for GitHub {
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Jobs, Topic::Log, Topic::Changes, Topic::Settings]
    }

    fn ask(&self, question: Question) -> Answers<'_> {
        match question {
            Question::Jobs { run } => lookup::once(async move { self.jobs(&run).await.map(lookup::Told::Jobs) }),
            Question::Log { run, log, most } => {
                lookup::once(
                    async move { log::last_lines(&self.client, &run, &log, most).await.map(lookup::Told::Log) },
                )
            }
            Question::Changes { run, base, head } => {
                lookup::once(async move { self.changes(&run, &base, &head).await.map(lookup::Told::Changes) })
            }
            Question::Settings { service, environment } => {
                lookup::once(async move { self.settings(&service, &environment).await.map(lookup::Told::Settings) })
            }
            other => lookup::foreign("GitHub", &other),
        }
    }
}
