//! A pretended cluster for tests: one rollout whose facts follow the call on a schedule, with faults on demand.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{FutureExt, StreamExt, future::pending, stream::BoxStream};
use tokio::sync::Notify;

use crate::{
    domain::{
        ids::ServiceName,
        item::{Item, Noun},
        object::{Family, ObjectId},
        observed::FaultKind,
        offer::{Offer, Risk},
        rollout::{Identity, Phase, Rollout, Share, Strategy, Weight},
        signal::{BucketCounts, Counts, LatencyCounts, PartCounts, ServiceSignals, VersionSignals},
        time::{Timestamp, age},
        verb::Verb,
        version::Version,
    },
    journal::sample,
    port::{
        clock::SharedClock,
        error::ProviderError,
        facet::{Actor, Answer, Connection, Window},
        fill::Given,
        inventory::{Heard, Inventory, Part, Scope},
        lookup::{self, Answers, Lookup, Question, Told, Topic},
        plan::{Ask, Blocked, Draft, Facts, Reading, Sent, fact},
        shape::{Checked, Shape},
    },
};

/// What happens to the next call instead of working.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The object moved on a moment before: 409.
    Conflict,
    /// Another version took its place a moment before, of which everything holds that an abort expects: 409.
    Replaced,
    /// 403.
    Forbidden,
    /// 403, by a system that repeats what it was sent.
    Repeats,
    /// None: it works.
    Works,
    /// It takes effect and the answer is lost.
    LostAnswer,
    /// It is lost on the way; the sender cannot know.
    LostCall,
}

#[derive(Debug)]
struct State {
    facts: Facts,
    revision: u64,
    sent: Vec<String>,
    paths: Vec<String>,
    bodies: Vec<String>,
    gives: BTreeMap<String, Given>,
    seen: Vec<ObjectId>,
    is_new: bool,
    effect_at: Option<Timestamp>,
    faults: VecDeque<Fault>,
    hung: bool,
}

/// The cluster.
#[derive(Debug)]
pub(super) struct Cluster {
    state: Mutex<State>,
    clock: SharedClock,
    changed: Notify,
    /// After how many calls the controller begins to act.
    calls: usize,
    /// What becomes true how long after that.
    schedule: Vec<(Duration, &'static str, &'static str)>,
}

/// The traffic goes back at once and in two steps.
pub(super) const GOES_BACK: [(u64, &str, &str); 3] =
    [(0, fact::ABORTED, "true"), (2, fact::WEIGHT, "10"), (5, fact::WEIGHT, "0")];

impl Cluster {
    /// A rollout at 25 % that follows the schedule (seconds after the last of so many calls).
    pub(super) fn new(clock: &SharedClock, calls: usize, schedule: &[(u64, &'static str, &'static str)]) -> Arc<Self> {
        let facts = [(fact::UID, "u1"), (fact::CANARY, "7d"), (fact::ABORTED, "false"), (fact::WEIGHT, "25")];
        let state = State {
            facts: facts.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            revision: 100,
            sent: Vec::new(),
            paths: Vec::new(),
            bodies: Vec::new(),
            gives: BTreeMap::new(),
            seen: Vec::new(),
            is_new: false,
            effect_at: None,
            faults: VecDeque::new(),
            hung: false,
        };
        Arc::new(Self {
            state: Mutex::new(state),
            clock: clock.clone(),
            changed: Notify::new(),
            calls,
            schedule: schedule.iter().map(|(at, name, value)| (Duration::from_secs(*at), *name, *value)).collect(),
        })
    }

    pub(super) fn connection(self: &Arc<Self>) -> Connection {
        let mut connection = Connection::new("eu".into(), "kubernetes", Duration::from_secs(5));
        connection.inventories.push(self.clone());
        connection
    }

    /// What was sent and took effect, in order.
    pub(super) fn sent(&self) -> Vec<String> {
        self.state.lock().unwrap().sent.clone()
    }

    /// Where that went.
    pub(super) fn paths(&self) -> Vec<String> {
        self.state.lock().unwrap().paths.clone()
    }

    /// From now on it knows only of what was read what can be sent to it, as a connection of a process that just began.
    pub(super) fn begins(&self) {
        self.state.lock().unwrap().is_new = true;
    }

    /// What was read, in order.
    pub(super) fn seen(&self) -> Vec<ObjectId> {
        self.state.lock().unwrap().seen.clone()
    }

    /// What was in it.
    pub(super) fn bodies(&self) -> Vec<String> {
        self.state.lock().unwrap().bodies.clone()
    }

    /// The answer to the call with these words gives this.
    pub(super) fn gives(&self, words: &str, name: &str, value: &str) {
        let given = Given::from([(name.to_owned(), value.to_owned())]);
        self.state.lock().unwrap().gives.insert(words.to_owned(), given);
    }

    pub(super) fn fail_with(&self, faults: &[Fault]) {
        self.state.lock().unwrap().faults.extend(faults);
    }

    /// From now on requests are taken and never answered.
    pub(super) fn hang(&self) {
        self.state.lock().unwrap().hung = true;
    }

    /// Something that had been on its way lands and undoes what was done.
    pub(super) fn reverse(&self) {
        let mut state = self.state.lock().unwrap();
        state.effect_at = None;
        state.revision += 1;
    }

    /// Somebody else changes a fact.
    pub(super) fn set(&self, name: &str, value: &str) {
        let mut state = self.state.lock().unwrap();
        state.facts.insert(name.to_owned(), value.to_owned());
        state.revision += 1;
        drop(state);
        self.changed.notify_waiters();
    }

    fn facts(&self) -> (Facts, u64) {
        let now = self.clock.now();
        let state = self.state.lock().unwrap();
        let (mut facts, mut revision) = (state.facts.clone(), state.revision);
        for (after, name, value) in &self.schedule {
            if state.effect_at.is_some_and(|at| age(now, at) >= *after) {
                facts.insert((*name).to_owned(), (*value).to_owned());
                revision += 1;
            }
        }
        (facts, revision)
    }

    fn is_hung(&self) -> bool {
        self.state.lock().unwrap().hung
    }

    pub(super) fn rollout(&self) -> Rollout {
        let (facts, revision) = self.facts();
        let fact = |name: &str| facts.get(name).cloned().unwrap_or_default();
        let weight = fact(fact::WEIGHT).parse().unwrap();
        Rollout {
            id: sample::payments(),
            service: "payments".into(),
            environment: "prod/eu".into(),
            system: "Argo Rollouts".to_owned(),
            strategy: Strategy::Canary,
            stable: Some(Version::tagged("1.41.3")),
            canary: Some(Version::tagged(format!("1.42.0-{}", fact(fact::CANARY)))),
            phase: Phase::Progressing,
            message: None,
            steps: Vec::new(),
            step: None,
            weight: Weight { declared: weight, actual: Share::Told(weight), max: 100 },
            pause: None,
            held: false,
            aborted_in_spec: false,
            arms: Vec::new(),
            replicas: 4,
            started: None,
            step_times: BTreeMap::new(),
            settled: None,
            analyses: Vec::new(),
            events: Vec::new(),
            troubles: Vec::new(),
            unknown: Vec::new(),
            lag: None,
            written: None,
            hands: Vec::new(),
            identity: Identity {
                uid: fact(fact::UID),
                generation: 1,
                revision: revision.to_string(),
                canary_hash: fact(fact::CANARY),
                stable_hash: "5c".to_owned(),
            },
            offers: [Verb::Abort, Verb::Promote].map(|verb| Offer::open(verb, Risk::Medium)).into(),
        }
    }
}

impl Actor for Cluster {
    fn read<'a>(&'a self, target: &'a ObjectId) -> Answer<'a, Reading> {
        async move {
            self.state.lock().unwrap().seen.push(target.clone());
            if self.is_hung() {
                pending::<()>().await;
            }
            let (facts, revision) = self.facts();
            Ok(Reading { facts, revision: Some(revision.to_string()) })
        }
        .boxed()
    }

    fn shapes(&self, _: &ObjectId, _: Verb) -> Vec<Shape> {
        let state = self.state.lock().unwrap();
        if state.is_new && state.seen.is_empty() { Vec::new() } else { sample::shapes() }
    }

    fn send<'a>(&'a self, call: Checked<'a>) -> Answer<'a, Sent> {
        async move {
            let (call, outgoing) = (call.outgoing().call, call.outgoing());
            let body: serde_json::Value = serde_json::from_str(&outgoing.body).unwrap();
            let revision = body.pointer("/metadata/resourceVersion").and_then(|revision| revision.as_str());
            if self.is_hung() {
                pending::<()>().await;
            }
            let now = self.facts().1.to_string();
            let mut state = self.state.lock().unwrap();
            let fault = state.faults.pop_front();
            let conflict = || ProviderError::new(FaultKind::Conflict, "the object has been modified");
            let lost = || ProviderError::new(FaultKind::Unreachable, "connection lost").maybe_done();
            match fault {
                Some(Fault::Conflict) => {
                    state.revision += 1;
                    return Err(conflict());
                }
                Some(Fault::Replaced) => {
                    let now = [(fact::CANARY, "8e"), (fact::ABORTED, "true"), (fact::WEIGHT, "0")];
                    state.facts.extend(now.map(|(name, value)| (name.to_owned(), value.to_owned())));
                    state.revision += 1;
                    return Err(conflict());
                }
                Some(Fault::Repeats) => {
                    return Err(ProviderError::new(FaultKind::Forbidden, format!("no: {}", outgoing.body)));
                }
                Some(Fault::Forbidden) => return Err(ProviderError::new(FaultKind::Forbidden, "dana may not patch")),
                Some(Fault::LostCall) => return Err(lost()),
                Some(Fault::LostAnswer | Fault::Works) | None => {}
            }
            if revision.is_some_and(|revision| revision != now) {
                return Err(conflict());
            }
            state.sent.push(call.words.clone());
            state.paths.push(outgoing.path.clone());
            state.bodies.push(outgoing.body.clone());
            let given = state.gives.get(&call.words).cloned().unwrap_or_default();
            state.revision += 1;
            if state.sent.len() >= self.calls {
                state.effect_at.get_or_insert(self.clock.now());
            }
            drop(state);
            self.changed.notify_waiters();
            match fault {
                Some(Fault::LostAnswer) => Err(lost()),
                _ => Ok(Sent { revision: Some(self.facts().1.to_string()), said: "200 OK".to_owned(), given }),
            }
        }
        .boxed()
    }
}

/// A source of metrics that knows one version of whatever it is asked for, and takes down what it was asked.
#[derive(Debug, Default)]
pub(super) struct Meter(Mutex<Vec<(Vec<ServiceName>, Window)>>);

impl Meter {
    pub(super) fn asked(&self) -> Vec<(Vec<ServiceName>, Window)> {
        self.0.lock().unwrap().clone()
    }
}

/// A source of signals that answers at once.
fn measuring(question: Question, signals: impl Fn(&[ServiceName], Window) -> Vec<ServiceSignals>) -> Answers<'static> {
    let Question::Signals { services, window, .. } = question else { return lookup::foreign("it", &question) };
    lookup::once(std::future::ready(Ok(Told::Signals(signals(&services, window)))))
}

impl Lookup for Meter {
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Signals]
    }

    fn ask(&self, question: Question) -> Answers<'_> {
        measuring(question, |services, window| self.signals(services, window))
    }
}

impl Meter {
    fn signals(&self, services: &[ServiceName], window: Window) -> Vec<ServiceSignals> {
        self.0.lock().unwrap().push((services.to_vec(), window));
        let counts = Counts { from: window.from, to: window.to, requests: 180, errors: 0 };
        let version = VersionSignals { label: "7d".to_owned(), counts: vec![counts], ..VersionSignals::default() };
        let of = |service: &ServiceName| ServiceSignals {
            environment: "".into(),
            service: service.clone(),
            step: window.step,
            versions: vec![version.clone()],
        };
        services.iter().map(of).collect()
    }
}

/// Metrics that remember what ended after a moment, and nothing before it: counts by pod that no two intervals share.
#[derive(Debug)]
pub(super) struct Memory(pub(super) Timestamp);

impl Lookup for Memory {
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Signals]
    }

    fn ask(&self, question: Question) -> Answers<'_> {
        measuring(question, |services, window| self.signals(services, window))
    }
}

impl Memory {
    fn signals(&self, services: &[ServiceName], window: Window) -> Vec<ServiceSignals> {
        let ends = std::iter::successors(Some(window.from + window.step), |end| Some(*end + window.step));
        let ends: Vec<_> = ends.take_while(|end| *end <= window.to).filter(|end| *end > self.0).collect();
        let from = |to: &Timestamp| *to - window.step;
        let requests = |to: &Timestamp| to.timestamp().unsigned_abs();
        let counts: Vec<_> =
            ends.iter().map(|to| Counts { from: from(to), to: *to, requests: requests(to), errors: 3 }).collect();
        let timed =
            |to: &Timestamp| BucketCounts { from: from(to), to: *to, requests: requests(to), within: vec![1, 2] };
        let bounds = vec![0.1 + 0.2, 1.0 / 3.0];
        let intervals = ends.iter().map(timed).collect();
        let version = VersionSignals {
            label: "7d".to_owned(),
            counts: counts.clone(),
            parts: vec![PartCounts { stratum: "eu".into(), pod: "a".into(), counts }],
            latency_counts: vec![LatencyCounts { stratum: "eu".into(), bounds, intervals }],
            ..VersionSignals::default()
        };
        let versions = if ends.is_empty() { Vec::new() } else { vec![version] };
        let of = |service: &ServiceName| ServiceSignals {
            environment: "".into(),
            service: service.clone(),
            step: window.step,
            versions: versions.clone(),
        };
        services.iter().map(of).collect()
    }
}

/// What the only scope has.
fn told(part: Part) -> Heard {
    Heard::of(Scope::all(&part.family), Ok(vec![part]))
}

impl Inventory for Cluster {
    fn tells(&self) -> Vec<(Family, Noun)> {
        vec![("argo_rollouts".into(), Noun::Rollout)]
    }

    fn discover(&self) -> Answer<'_, Vec<Scope>> {
        std::future::ready(Ok(vec![Scope::all(&"argo_rollouts".into())])).boxed()
    }

    fn list(&self, _: Vec<Scope>) -> BoxStream<'_, Heard> {
        async move { told(Part::whole("argo_rollouts".into(), [self.rollout()])) }.into_stream().boxed()
    }

    fn watch(&self) -> Option<BoxStream<'_, Heard>> {
        let told = futures::stream::unfold(true, move |first| async move {
            if self.is_hung() {
                pending::<()>().await;
            }
            if first {
                return Some((told(Part::whole("argo_rollouts".into(), [self.rollout()])), false));
            }
            self.changed.notified().await;
            Some((told(Part::changed(self.rollout())), false))
        });
        Some(told.boxed())
    }

    fn probe(&self) -> Answer<'_, ()> {
        async move {
            if self.is_hung() {
                pending::<()>().await;
            }
            Ok(())
        }
        .boxed()
    }

    fn draft(&self, item: &Item, ask: &Ask) -> Result<Draft, Blocked> {
        let rollout = item.rollout().unwrap();
        let mut draft = sample::draft(&[&ask.verb.to_string()]);
        let identity = &rollout.identity;
        draft.bound = [(fact::UID, &identity.uid), (fact::CANARY, &identity.canary_hash)]
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .into();
        draft.from.clone_from(&rollout.canary);
        Ok(draft)
    }
}
