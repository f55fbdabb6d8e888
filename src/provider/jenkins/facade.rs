//! The facets: what there is, the insides of builds, and what the executor asks. Glue between the client and the pure parts.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures::{
    FutureExt, StreamExt,
    future::ready,
    stream::{self, BoxStream},
};
use http::header;

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
        plan::{Ask, Blocked, Draft, Facts, Reading, Sent},
        shape::{self, Checked, Shape},
    },
    provider::{
        http::client::part,
        jenkins::{
            CALLED, Settings,
            address::{Address, QUEUE},
            api,
            client::Client,
            draft::{self, Ground},
            fact as own, gate,
            memory::again,
            normalize,
            poll::{Group, Look, home},
            report,
            request::{self, Wanted},
            tree,
            watched::Who,
        },
    },
};

/// Folders that are read at the same time: a Jenkins is one machine.
const AT_ONCE: usize = 2;
/// Who we are is asked again after this: groups change without our signing in anew.
const WHO_AGE: Duration = Duration::from_mins(10);
/// As many queue items are remembered with what became of them: Jenkins forgets them after five minutes.
const MOST_MADE: usize = 100;

/// A connection to Jenkins.
#[derive(Debug)]
pub(super) struct Jenkins {
    source: SourceName,
    address: String,
    client: Client,
    groups: Vec<Group>,
    administrator: bool,
    clock: SharedClock,
    /// Who we are, and when it was asked.
    who: Mutex<Option<(Timestamp, Who)>>,
    /// What became of queue items.
    made: Mutex<BTreeMap<u64, Address>>,
}

impl Jenkins {
    pub(super) fn new(client: Client, settings: Settings, clock: SharedClock) -> Self {
        let Settings { name, address, jobs, administrator, interval: _ } = settings;
        let (groups, who, made) = (Group::all(jobs), Mutex::default(), Mutex::default());
        Self { source: name, address, client, groups, administrator, clock, who, made }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// The folders and jobs that are read, by the names that sentences have for them.
    pub(super) fn scopes(&self) -> Vec<Scope> {
        self.groups.iter().map(Group::scope).collect()
    }

    pub(super) fn is_administrator(&self) -> bool {
        self.administrator
    }

    /// Who we are to it.
    async fn who(&self) -> Result<Who, ProviderError> {
        let now = self.clock.now();
        let known = self.who.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, who)) = known.filter(|(at, _)| age(now, *at) < WHO_AGE) {
            return Ok(who);
        }
        let whoami: api::Whoami = self.client.read(&request::whoami(), "who we are").await?;
        let who = Who::of(whoami, self.administrator);
        *self.who.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, who.clone()));
        Ok(who)
    }

    /// A draft whose calls will pass when they are sent.
    fn checked(&self, draft: Draft, ask: &Ask) -> Result<Draft, Blocked> {
        let checked = shape::check_all(&draft, ask.verb, |target| self.shapes(target, ask.verb));
        checked.map(|()| draft).map_err(|forged| Blocked(forged.to_string()))
    }

    async fn build(&self, at: &Address) -> Result<api::Build, ProviderError> {
        self.client.read(&request::build(at), &at.said()).await
    }

    /// The inputs that a build waits for, whoever tells them.
    async fn inputs(&self, at: &Address, build: &api::Build) -> Result<Vec<api::Input>, ProviderError> {
        let own: Vec<api::Input> = build.inputs().cloned().collect();
        if !build.hides_inputs() || normalize::over(build) {
            return Ok(own);
        }
        let told: Vec<api::Pending> = self.client.read(&request::inputs(at), &at.said()).await?;
        Ok(told.into_iter().map(Into::into).collect())
    }

    /// The facts of a build; of one that is over also which build runs it again.
    async fn run_facts(&self, at: &Address) -> Result<Facts, ProviderError> {
        let build = self.build(at).await?;
        let mut facts = normalize::facts(&build);
        if normalize::over(&build) {
            let job: api::Job = self.client.read(&request::begun(&at.job), &at.job).await?;
            let builds = job.builds.unwrap_or_default().read;
            let again =
                again(builds.iter(), at.build).map_or_else(|| own::NEVER.to_owned(), |number| number.to_string());
            facts.insert(own::AGAIN.to_owned(), again);
        }
        Ok(facts)
    }

    /// Where a queue item is, and the build that became of it. Jenkins forgets an item minutes after it has left.
    async fn queue_facts(&self, item: u64) -> Result<Facts, ProviderError> {
        let remembered = || self.made.lock().unwrap_or_else(PoisonError::into_inner).get(&item).cloned();
        let mut made = remembered();
        let mut state = "left";
        if made.is_none() {
            let read: api::QueueItem =
                self.client.read(&request::queue_item(item), &format!("queue item {item}")).await?;
            made = read.executable.as_ref().and_then(api::Executable::address);
            state = match &made {
                Some(_) => "left",
                None if read.cancelled == Some(true) => "cancelled",
                None => "waiting",
            };
        }
        let mut facts = Facts::from([(own::QUEUE.to_owned(), state.to_owned())]);
        if let Some(at) = made {
            facts.extend(normalize::facts(&self.build(&at).await?));
            let mut all = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(item, at);
            while all.len() > MOST_MADE {
                all.pop_first();
            }
        }
        Ok(facts)
    }

    /// The tree of a build: by its stages, as whichever plugin is there tells them.
    async fn jobs(&self, run: &ObjectId) -> Result<Vec<Node>, ProviderError> {
        let at = Address::of(run)?;
        let (build, what) = (self.build(&at).await?, at.said());
        let stages: Option<api::Stages> = self.client.read_of_plugin(&request::stages(&at), &what).await?;
        let (stages, prefix) = if let Some(stages) = stages {
            (stages.stages, tree::STAGE)
        } else {
            let graph: Option<api::Graph> = self.client.read_of_plugin(&request::graph(&at), &what).await?;
            (graph.and_then(|graph| graph.data?.stages), tree::GRAPH)
        };
        let stages = stages.unwrap_or_default();
        if stages.unread > 0 {
            let text = format!("{CALLED}, {what}: {} of its stages cannot be read", stages.unread);
            return Err(ProviderError::new(FaultKind::Unreadable, text));
        }
        Ok(tree::tree(&build, &stages.read, prefix))
    }

    /// How the tests of a build ended.
    async fn tests(&self, run: &ObjectId, named: &BTreeSet<TestName>) -> Result<TestReport, ProviderError> {
        let at = Address::of(run)?;
        let about = format!("{}, its tests", at.said());
        let told: Option<report::Report> = self.client.read_of_plugin(&request::tests(&at), &about).await?;
        if let Some(told) = told {
            return Ok(report::report(&told, named));
        }
        // A build that is not there has no report either.
        self.build(&at).await.map(|_| TestReport::default())
    }
}

impl Actor for Jenkins {
    fn read<'a>(&'a self, target: &'a ObjectId) -> Answer<'a, Reading> {
        async move {
            if let Some(item) = Address::queue_item(target) {
                return Ok(Reading { facts: self.queue_facts(item).await?, revision: None });
            }
            let at = Address::of(target)?;
            let facts = match &at.input {
                None => self.run_facts(&at).await?,
                Some(input) => {
                    let build = self.build(&at).await?;
                    gate::input_facts(&build, &self.inputs(&at, &build).await?, input)
                }
            };
            Ok(Reading { facts, revision: None })
        }
        .boxed()
    }

    fn shapes(&self, target: &ObjectId, verb: Verb) -> Vec<Shape> {
        let here = Address::parse(target).and_then(|at| Some(home(&self.groups, &at.job)?.1.rollback.as_ref()));
        here.map(|rollback| draft::shapes(target, verb, rollback)).unwrap_or_default()
    }

    fn send<'a>(&'a self, call: Checked<'a>) -> Answer<'a, Sent> {
        async move {
            let outgoing = call.outgoing();
            self.groups.iter().for_each(Group::stir);
            let answer = self.client.write(Wanted::call(outgoing)?, &outgoing.call.words).await?;
            let location = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
            // Where it leads to no queue item, nothing of the kind was made.
            let location = location.filter(|to| to.contains("/queue/item/"));
            let given = outgoing.given(location, answer.body());
            Ok(Sent { revision: None, said: answer.status().to_string(), given })
        }
        .boxed()
    }
}

impl Inventory for Jenkins {
    fn tells(&self) -> Vec<(Family, Noun)> {
        // A queue item is told of by nobody, and read where one was made.
        vec![(Family::run(), Noun::Run), (Family::gate(), Noun::Gate), (Family::new(QUEUE), Noun::Run)]
    }

    fn discover(&self) -> Answer<'_, Vec<Scope>> {
        ready(Ok(self.scopes())).boxed()
    }

    fn list(&self, scopes: Vec<Scope>) -> BoxStream<'_, Heard> {
        async move {
            let who = self.who().await;
            let wanted: Vec<&Group> = self.groups.iter().filter(|one| scopes.contains(&one.scope())).collect();
            let read = stream::iter(wanted).map(move |group| {
                let who = who.clone();
                async move {
                    let (client, source, now) = (&self.client, &self.source, self.clock.now());
                    let parts = match who {
                        Ok(who) => group.look(Look { client, source, who: &who, now }).await,
                        Err(error) => Err(error),
                    };
                    Heard::of(group.scope(), parts)
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
        let at = Address::parse(item.id());
        let here = at.as_ref().and_then(|at| home(&self.groups, &at.job));
        let known = at.as_ref().zip(here).map(|(at, (group, _))| group.known(at));
        let (parameters, inputs, again) = known.unwrap_or_default();
        let rollback = here.and_then(|(_, settings)| settings.rollback.as_ref());
        let ground = Ground { base: &self.address, parameters: &parameters, rollback, again };
        match item {
            Item::Run(run) => self.checked(draft::run(run, ask, ground)?, ask),
            Item::Gate(gate) => {
                let own = at.as_ref().and_then(|at| at.input.as_deref());
                let input = inputs.iter().find(|one| one.id.as_deref().map(part).as_deref() == own);
                let parameters = input.and_then(|one| one.parameters.as_deref()).unwrap_or_default();
                self.checked(draft::gate(gate, ask, Ground { parameters, ..ground })?, ask)
            }
            Item::Rollout(rollout) => Err(Blocked(format!("{} is nothing on {CALLED}", rollout.id))),
        }
    }
}

impl Lookup for Jenkins {
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Jobs, Topic::Log, Topic::Tests]
    }

    fn ask(&self, question: Question) -> Answers<'_> {
        match question {
            Question::Jobs { run } => lookup::once(async move { self.jobs(&run).await.map(lookup::Told::Jobs) }),
            Question::Log { run, log, most } => self.log(&run, log, most),
            Question::Tests { run, named } => {
                lookup::once(async move { self.tests(&run, &named).await.map(lookup::Told::Tests) })
            }
            other => lookup::foreign(CALLED, &other),
        }
    }
}
