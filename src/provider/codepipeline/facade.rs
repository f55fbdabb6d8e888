//! The facets: what there is, the insides of executions, and what the executor asks. Glue between the client and the pure parts.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
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
        pipeline::Node,
        text::shell_word,
        time::{Timestamp, after},
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
    provider::codepipeline::{
        CALLED, Pipeline, Settings,
        address::{Address, is_name},
        api::{self, ActionExecution},
        client::Client,
        draft::{self, Ground},
        fact as own,
        gate::{self, SUPERSEDED},
        normalize,
        poll::{Look, Seen, read_all_actions},
        request::{self, Wanted},
        tree,
    },
};

/// Pipelines that are read at the same time.
const AT_ONCE: usize = 2;
/// Where nothing moves, all pipelines together are asked about so often: two requests a second are for everybody in the account.
const EACH: Duration = Duration::from_secs(4);
/// Pages of pipelines.
const MOST_PAGES: usize = 50;

/// A connection to CodePipeline.
#[derive(Debug)]
pub(super) struct CodePipeline {
    source: SourceName,
    region: String,
    address: Option<String>,
    client: Client,
    settings: Vec<Pipeline>,
    clock: SharedClock,
    interval: Duration,
    /// What is looked at, by name.
    seen: Mutex<BTreeMap<String, Arc<Seen>>>,
}

impl CodePipeline {
    pub(super) fn new(client: Client, settings: Settings, clock: SharedClock) -> Self {
        let Settings { name, region, address, pipelines, interval } = settings;
        let named = pipelines.iter().filter_map(|one| Some((one.name.clone()?, one)));
        let seen = named.map(|(name, one)| (name.clone(), Arc::new(Seen::new(&name, one)))).collect();
        let seen = Mutex::new(seen);
        Self { source: name, region, address, client, settings: pipelines, clock, interval, seen }
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

    /// What is said of all pipelines, where all are looked at.
    fn whole(&self) -> Option<&Pipeline> {
        self.settings.iter().find(|one| one.name.is_none())
    }

    pub(super) fn seen(&self) -> Vec<Arc<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// What is known of a pipeline. Where all are looked at, one that nobody has told of yet may be there.
    fn home(&self, pipeline: &str) -> Option<Arc<Seen>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = seen.get(pipeline) {
            return Some(Arc::clone(known));
        }
        let settings = self.whole()?;
        Some(Arc::clone(seen.entry(pipeline.to_owned()).or_insert_with(|| Arc::new(Seen::new(pipeline, settings)))))
    }

    /// Every pipeline of the region.
    pub(super) async fn names(&self) -> Result<Vec<String>, ProviderError> {
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let read: api::Pipelines = self.client.read(&request::pipelines(token.as_deref()), "its pipelines").await?;
            all.extend(read.pipelines.into_iter().filter_map(|one| one.name).filter(|name| is_name(name)));
            token = read.next_token;
            if token.is_none() {
                break;
            }
        }
        Ok(all)
    }

    /// The scopes, where all pipelines are looked at: what is gone is looked at no more, but for what is named.
    async fn found(&self) -> Result<Vec<Scope>, ProviderError> {
        if let Some(settings) = self.whole() {
            let told = self.names().await?;
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let named = |name: &String| self.settings.iter().any(|one| one.name.as_ref() == Some(name));
            seen.retain(|name, _| told.contains(name) || named(name));
            for name in told {
                seen.entry(name.clone()).or_insert_with(|| Arc::new(Seen::new(&name, settings)));
            }
        }
        Ok(self.seen().iter().map(|one| one.scope()).collect())
    }

    /// When a pipeline in which nothing moves is worth asking about again: each has a place of its own in the round, so that they are not
    /// asked about all at once.
    fn next_due(&self, name: &str, now: Timestamp) -> Timestamp {
        let seen = self.seen();
        let many = u32::try_from(seen.len()).unwrap_or(u32::MAX).max(1);
        let place =
            seen.iter().position(|one| one.name == name).and_then(|place| u32::try_from(place).ok()).unwrap_or(0);
        let round = self.interval.max(EACH.saturating_mul(many));
        let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX).max(1);
        let half = after(now, round / 2).timestamp_millis();
        let behind = (half - millis(round / many * place)).rem_euclid(millis(round));
        after(now, round / 2 + Duration::from_millis(u64::try_from(millis(round) - behind).unwrap_or_default()))
    }

    /// A draft whose calls will pass when they are sent.
    fn checked(&self, draft: Draft, ask: &Ask) -> Result<Draft, Blocked> {
        let checked = shape::check_all(&draft, ask.verb, |target| self.shapes(target, ask.verb));
        checked.map(|()| draft).map_err(|forged| Blocked(forged.to_string()))
    }

    /// What the actions of an execution did, newest first.
    pub(super) async fn actions(&self, at: &Address) -> Result<Vec<ActionExecution>, ProviderError> {
        read_all_actions(&self.client, &at.pipeline, &at.execution, &at.said()).await
    }

    async fn state(&self, at: &Address) -> Result<api::State, ProviderError> {
        self.client.read(&request::state(&at.pipeline), &at.pipeline).await
    }

    async fn execution(&self, at: &Address, id: &str) -> Result<api::SingleExecution, ProviderError> {
        let what = Address { execution: id.to_owned(), ..at.clone() }.said();
        let read: api::Single = self.client.read(&request::execution(&at.pipeline, id), &what).await?;
        Ok(read.pipeline_execution)
    }

    /// The facts of an execution: where it is, and where the stages of its pipeline are.
    async fn run_facts(&self, at: &Address) -> Result<Facts, ProviderError> {
        let (state, execution) = (self.state(at).await?, self.execution(at, &at.execution).await?);
        let mut waiting = false;
        if let Some(seen) = self.home(&at.pipeline) {
            let memory = seen.memory();
            waiting = normalize::waits(&state, &seen.watched(&memory), &at.execution);
        }
        Ok(normalize::facts(&at.execution, &execution, &state, waiting))
    }

    /// The facts of an approval: those of what is in its stage now, where that approval is, and what an answer must bring.
    async fn approval_facts(&self, at: &Address, stage: &str, action: &str) -> Result<Facts, ProviderError> {
        let now = self.state(at).await?;
        let own_execution = self.execution(at, &at.execution).await?;
        let parallel = own_execution.execution_mode.as_deref() == Some("PARALLEL");
        let there = now.stage_states.iter().find(|one| one.stage_name == stage);
        let here = there.filter(|one| one.has(&at.execution) && !parallel);
        let latest = here
            .and_then(|one| one.action_states.iter().find(|one| one.action_name == action)?.latest_execution.as_ref());
        let mut facts = normalize::facts(&at.execution, &own_execution, &now, false);
        let (word, token, problem) = if let Some(latest) = latest {
            let problem = latest.error_details.as_ref().and_then(|problem| problem.message.clone());
            (latest.status.clone(), latest.token.clone(), problem.or_else(|| latest.summary.clone()))
        } else {
            // It is in the stage no more, or beside others: what became of it, its actions tell.
            let actions = self.actions(at).await?;
            let one = gate::of_actions(&actions, stage, action);
            let outcome = one.map(|one| &one.output.execution_result);
            let token = one.and_then(ActionExecution::external).filter(|_| parallel).map(str::to_owned);
            let problem = outcome.and_then(|outcome| outcome.error_details.as_ref()?.message.clone());
            (one.and_then(|one| one.status.clone()), token, problem)
        };
        let mut is = gate::answered(word.as_deref().unwrap_or_default(), problem.as_deref());
        if is == Some(gate::WAITS) && token.is_none() {
            is = None;
        }
        let other = there.and_then(|one| one.latest()).filter(|other| *other != at.execution && !parallel);
        if let (None | Some(gate::WAITS), Some(other)) = (is, other) {
            // Something newer took its place: that is what an answer would be about.
            is = Some(SUPERSEDED);
            let other_execution = self.execution(at, other).await?;
            facts.extend(normalize::facts(other, &other_execution, &now, false));
        }
        facts.extend(is.map(|is| (own::APPROVAL.to_owned(), is.to_owned())));
        facts.extend(token.map(|token| (own::TOKEN.to_owned(), token)));
        Ok(facts)
    }

    /// The tree of an execution.
    async fn jobs(&self, run: &ObjectId) -> Result<Vec<Node>, ProviderError> {
        let at = Address::of(run)?;
        let (execution, actions) = (self.execution(&at, &at.execution).await?, self.actions(&at).await?);
        let over = normalize::status(execution.status.as_deref().unwrap_or_default(), false).ended();
        let seen = self.home(&at.pipeline);
        let memory = seen.as_ref().map(|seen| seen.memory().clone()).unwrap_or_default();
        let definition = match memory.definition {
            Some(definition) => Some(definition),
            None => self
                .client
                .read::<api::Told>(&request::definition(&at.pipeline), &at.pipeline)
                .await
                .ok()
                .map(|told| told.pipeline),
        };
        Ok(tree::tree(definition.as_ref(), &memory.state, &actions, over))
    }

    /// How AWS's own command is begun.
    fn aws(&self) -> String {
        let there = self
            .address
            .as_deref()
            .map(|_| crate::provider::aws::address(self.address.as_deref(), "codepipeline", &self.region));
        let there = there.map(|there| format!(" --endpoint-url {}", shell_word(&there))).unwrap_or_default();
        format!("aws --region {}{there}", shell_word(&self.region))
    }
}

impl Actor for CodePipeline {
    fn read<'a>(&'a self, target: &'a ObjectId) -> Answer<'a, Reading> {
        async move {
            let at = Address::of(target)?;
            let facts = match (&at.stage, &at.action) {
                (Some(stage), Some(action)) => self.approval_facts(&at, stage, action).await?,
                _ => self.run_facts(&at).await?,
            };
            Ok(Reading { facts, revision: None })
        }
        .boxed()
    }

    fn shapes(&self, target: &ObjectId, verb: Verb) -> Vec<Shape> {
        let looks = |at: &Address| self.whole().is_some() || self.seen().iter().any(|seen| seen.name == at.pipeline);
        let here = Address::parse(target).filter(looks);
        here.map(|at| draft::shapes(&at, verb)).unwrap_or_default()
    }

    fn send<'a>(&'a self, call: Checked<'a>) -> Answer<'a, Sent> {
        async move {
            let outgoing = call.outgoing();
            // What is done shows in any of them: all that was kept of what does not move is read anew.
            self.seen().iter().for_each(|seen| seen.memory().stir());
            let answer = self.client.done(&Wanted::call(outgoing), &outgoing.call.words).await?;
            let given = outgoing.given(None, answer.body());
            Ok(Sent { revision: None, said: answer.status().to_string(), given })
        }
        .boxed()
    }
}

impl Inventory for CodePipeline {
    fn tells(&self) -> Vec<(Family, Noun)> {
        vec![(Family::run(), Noun::Run), (Family::gate(), Noun::Gate)]
    }

    fn discover(&self) -> Answer<'_, Vec<Scope>> {
        self.found().boxed()
    }

    fn list(&self, scopes: Vec<Scope>) -> BoxStream<'_, Heard> {
        let wanted: Vec<Arc<Seen>> = self.seen().into_iter().filter(|one| scopes.contains(&one.scope())).collect();
        let read = stream::iter(wanted).map(move |seen| async move {
            let (client, source, now) = (&self.client, &self.source, self.clock.now());
            let parts = seen.look(Look { client, source, now }).await;
            let rests = parts.is_ok() && !seen.memory().is_moving();
            let heard = Heard::of(seen.scope(), parts);
            if rests { heard.until(self.next_due(&seen.name, now)) } else { heard }
        });
        read.buffered(AT_ONCE).boxed()
    }

    fn probe(&self) -> Answer<'_, ()> {
        // It is read again and again anyway.
        ready(Ok(())).boxed()
    }

    fn draft(&self, item: &Item, ask: &Ask) -> Result<Draft, Blocked> {
        let at = Address::of(item.id()).map_err(|error| Blocked(error.text))?;
        let seen = self.home(&at.pipeline).ok_or_else(|| Blocked(format!("{} is not looked at", at.pipeline)))?;
        let memory = seen.memory().clone();
        let aws = self.aws();
        let ground = Ground { watched: seen.watched(&memory), memory: &memory, aws: &aws, now: self.clock.now() };
        let draft = match item {
            Item::Gate(gate) => draft::gate(gate, ask, ground)?,
            Item::Run(run) => draft::run(run, ask, ground)?,
            Item::Rollout(_) => return Err(Blocked(format!("{CALLED} has no rollouts"))),
        };
        self.checked(draft, ask)
    }
}

impl Lookup for CodePipeline {
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Jobs, Topic::Log]
    }

    fn ask(&self, question: Question) -> Answers<'_> {
        match question {
            Question::Jobs { run } => lookup::once(async move { Ok(lookup::Told::Jobs(self.jobs(&run).await?)) }),
            Question::Log { run, log, most } => self.log(&run, log, most),
            other => lookup::foreign(CALLED, &other),
        }
    }
}
