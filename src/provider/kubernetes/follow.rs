//! From the watches of objects and of their ReplicaSets to one stream of changes in the domain's words.
//!
//! An error never freshens anything: what it does not confirm is not told again beside it. Over 500 lines with its tests: what a watch
//! may do is one state machine, and half of it would say nothing.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use futures::{
    FutureExt, StreamExt,
    stream::{self, BoxStream, SelectAll},
};
use tokio::sync::watch::Receiver;

use super::{
    api::ReplicaSet,
    change::Change,
    facade::{Beside, Extras, Facade, Kind},
    loose::Loose,
    request::{Query, Resource},
    sought::split,
    store::{Key, key},
    watch::{self, Seen},
};
use crate::{
    domain::{observed::FaultKind, rollout::Rollout},
    port::error::ProviderError,
};

/// One thing that one of the sources told.
enum Input<O> {
    Objects(Source, Result<Seen<O>, ProviderError>),
    Sets(Source, Result<Seen<ReplicaSet>, ProviderError>),
    Beside(Source, Result<Seen<Beside>, ProviderError>),
    Extras(Key, Extras, bool),
    /// It is time to ask again for what explains an object.
    Again(Key),
    /// What others define has changed.
    Claims,
    /// What is not there of what the configuration names may have changed: another engine told something.
    Sought,
    /// What we may do is known better than before: somebody looked at an object at rest.
    Rights,
}

/// How often what explains a rollout in flight is asked for though it did not move, because events go on; and how often
/// while something is wrong with its pods.
const AGAIN: Duration = Duration::from_mins(1);
const SOONER: Duration = Duration::from_secs(20);
/// How often what an engine asks of objects at rest is asked.
const RARELY: Duration = Duration::from_mins(5);

/// A watch: its number, and the space it covers.
#[derive(Clone)]
struct Source {
    number: usize,
    space: Option<String>,
    /// Of which kind it tells.
    resource: Resource,
    of: Of,
}

/// Does a watch tell of objects, of what they own, or of what is looked at beside them?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Objects,
    Sets,
    Beside,
}

impl Source {
    fn is_of_objects(&self) -> bool {
        self.of == Of::Objects
    }
}

struct Changes<'a, K: Kind> {
    facade: &'a Facade<K>,
    inputs: SelectAll<BoxStream<'a, Input<K::Object>>>,
    /// Watches that have told nothing yet.
    silent: BTreeSet<usize>,
    /// Watches of which the last word was an error: while there is one, nothing counts as alive.
    failing: BTreeSet<usize>,
    /// Those of them that tell of objects: what they cover is not confirmed by the others.
    blind: BTreeMap<usize, (Source, ProviderError)>,
    /// How many there are of those.
    eyes: usize,
    /// What was last told to be unread.
    unread: Vec<String>,
    /// Was everything that is known told at once?
    told: bool,
    /// Another part is to be followed from now on.
    narrowed: bool,
    /// Objects of which something around them is new, which is told once they are confirmed themselves.
    waiting: BTreeSet<Key>,
    /// Objects that are told as rollouts now.
    shown: BTreeSet<Key>,
    /// Objects that are asked about again by and by.
    turning: BTreeSet<Key>,
    /// What others defined when it was last looked at.
    claimed: BTreeSet<Key>,
    /// The number of the pretended watch of what others define.
    claims: usize,
    /// Has any watch of objects worked yet? Until then "everything" is not known to be nothing.
    known: bool,
    ready: VecDeque<Result<Change, ProviderError>>,
}

/// Follows everything in a facade's scope.
pub(super) fn changes<K: Kind>(facade: &Facade<K>) -> BoxStream<'_, Result<Change, ProviderError>> {
    stream::unfold(Changes::new(facade), move |mut changes| async move {
        loop {
            if let Some(change) = changes.ready.pop_front() {
                return Some((change, changes));
            }
            let input = changes.inputs.next().await?;
            changes.take(input);
            if changes.narrowed {
                changes = Changes::new(facade);
            }
            changes.tell_unread();
        }
    })
    .boxed()
}

/// An input whenever something that is kept elsewhere has changed.
fn wakes<'a, T, O: Send + 'a>(changes: Receiver<T>, input: fn() -> Input<O>) -> BoxStream<'a, Input<O>>
where
    T: Send + Sync + 'a,
{
    let next = move |mut changes: Receiver<T>| async move {
        changes.changed().await.ok()?;
        Some((input(), changes))
    };
    stream::unfold(changes, next).boxed()
}

impl<'a, K: Kind> Changes<'a, K> {
    fn new(facade: &'a Facade<K>) -> Self {
        let mut inputs: SelectAll<BoxStream<'a, Input<K::Object>>> = SelectAll::new();
        let (objects, sets, beside) = (facade.object_queries(), facade.set_queries(), facade.beside_queries());
        let eyes = objects.len();
        let count = objects.len() + sets.len() + beside.len();
        let mut numbers = 0..count;
        let mut source = |query: &Query, of: Of| Source {
            number: numbers.next().unwrap_or(count),
            space: query.namespace.clone(),
            resource: query.resource,
            of,
        };
        for query in objects {
            let source = source(&query, Of::Objects);
            let seen = watch::follow::<K::Object>(facade.cluster.clone(), query, facade.is_optional());
            inputs.push(seen.map(move |seen| Input::Objects(source.clone(), seen)).boxed());
        }
        for query in sets {
            let source = source(&query, Of::Sets);
            let seen = watch::follow::<ReplicaSet>(facade.cluster.clone(), query, false);
            inputs.push(seen.map(move |seen| Input::Sets(source.clone(), seen)).boxed());
        }
        for query in beside {
            let source = source(&query, Of::Beside);
            let seen = watch::follow::<Loose>(facade.cluster.clone(), query, true);
            let seen = seen.map(move |seen| {
                let of_kind = |seen: Seen<Loose>| seen.map(|one| one.of(source.resource));
                Input::Beside(source.clone(), seen.map(of_kind))
            });
            inputs.push(seen.boxed());
        }
        let mut silent: BTreeSet<usize> = (0..count).collect();
        inputs.push(wakes(facade.cluster.claims.changes(), || Input::Claims));
        inputs.push(wakes(facade.cluster.sought.changes(), || Input::Sought));
        inputs.push(wakes(facade.cluster.rights.changes(), || Input::Rights));
        if !K::CLAIMS && !facade.cluster.claims.are_known_to(K::WORDS) {
            silent.insert(count);
        }
        Self {
            facade,
            inputs,
            silent,
            failing: BTreeSet::new(),
            blind: BTreeMap::new(),
            eyes,
            unread: Vec::new(),
            told: false,
            narrowed: false,
            waiting: BTreeSet::new(),
            shown: BTreeSet::new(),
            turning: BTreeSet::new(),
            claimed: facade.cluster.claims.of_others(K::WORDS, K::RESOURCE),
            claims: count,
            known: false,
            ready: VecDeque::new(),
        }
    }

    fn take(&mut self, input: Input<K::Object>) {
        match input {
            Input::Objects(source, Ok(seen)) => {
                self.known = true;
                if let Seen::None | Seen::All(_) = seen {
                    self.facade.cluster.sought.is_absent(K::WORDS, matches!(seen, Seen::None));
                }
                self.worked(&source);
                self.take_objects(&source, seen);
            }
            Input::Sets(source, Ok(seen)) => {
                self.worked(&source);
                self.take_sets(&source, seen);
            }
            Input::Beside(source, Ok(seen)) => {
                self.worked(&source);
                self.take_beside(&source, seen);
            }
            Input::Objects(source, Err(error))
            | Input::Sets(source, Err(error))
            | Input::Beside(source, Err(error)) => {
                self.failed(&source, error);
            }
            Input::Extras(key, extras, flies) => {
                let pause = match extras.troubles.is_empty() {
                    _ if !flies => RARELY,
                    true => AGAIN,
                    false => SOONER,
                };
                let new = self.facade.store().put_extras(key.clone(), extras);
                if new {
                    self.tell_around(&key);
                }
                self.turn(key, pause);
            }
            Input::Again(key) => self.again(key),
            Input::Claims => self.take_claims(),
            // What cannot be read is told anew after whatever comes.
            Input::Sought => {}
            Input::Rights => self.take_rights(),
        }
    }

    fn take_objects(&mut self, source: &Source, seen: Seen<K::Object>) {
        match seen {
            Seen::None => self.take_objects(source, Seen::All(Vec::new())),
            Seen::All(objects) => {
                let before = self.facade.store().keys();
                self.facade.store().replace(source.space.as_deref(), objects);
                self.facade.claim();
                self.facade.tell_found(Some(&source.space));
                self.heard(source, &before);
            }
            Seen::One(object) => {
                let key = key(&object);
                self.facade.store().put(object);
                self.facade.claim();
                self.facade.tell_found(None);
                self.tell(&key);
            }
            Seen::Gone(object) => {
                self.facade.store().remove(&object);
                self.facade.claim();
                self.facade.tell_found(None);
                self.shown.remove(&key(&object));
                self.ready.push_back(Ok(Change::Gone(self.facade.id(&key(&object)))));
            }
            Seen::Alive => self.alive(),
        }
    }

    /// A watch proved to be alive; that is told once all of them are.
    fn alive(&mut self) {
        if self.failing.is_empty() && self.silent.is_empty() {
            self.ready.push_back(Ok(Change::Alive));
        }
    }

    fn take_sets(&mut self, source: &Source, seen: Seen<ReplicaSet>) {
        let set = match seen {
            Seen::None => return self.take_sets(source, Seen::All(Vec::new())),
            Seen::All(sets) => {
                let before = self.facade.store().keys();
                self.facade.store().replace_sets(source.space.as_deref(), sets);
                return self.heard(source, &before);
            }
            Seen::One(set) => {
                self.facade.store().put_set(set.clone());
                set
            }
            Seen::Gone(set) => {
                self.facade.store().remove_set(&set);
                set
            }
            Seen::Alive => return self.alive(),
        };
        for key in self.facade.owners_of(&set) {
            self.tell_around(&key);
        }
    }

    fn take_beside(&mut self, source: &Source, seen: Seen<Beside>) {
        let one = match seen {
            Seen::None => return self.take_beside(source, Seen::All(Vec::new())),
            Seen::All(all) => {
                let before = self.facade.store().keys();
                self.facade.store().replace_beside(source.resource, source.space.as_deref(), all);
                self.facade.claim();
                return self.heard(source, &before);
            }
            Seen::One(one) => {
                self.facade.store().put_beside(one.clone());
                one
            }
            Seen::Gone(one) => {
                self.facade.store().remove_beside(&one);
                one
            }
            Seen::Alive => return self.alive(),
        };
        self.facade.claim();
        for key in self.facade.around(&one) {
            self.tell_around(&key);
        }
    }

    /// A source told everything it has: once all have, that is everything there is. While a watch of objects fails, only
    /// what this one covers is told: the rest is as old as it was.
    fn heard(&mut self, source: &Source, before: &[Key]) {
        self.silent.remove(&source.number);
        if self.blind.is_empty() || !self.told {
            return self.tell_all();
        }
        let covered = |key: &Key| source.space.as_ref().is_none_or(|space| key.0 == *space);
        let now = self.facade.store().keys();
        for key in before.iter().filter(|key| covered(key) && !now.contains(key)) {
            self.ready.push_back(Ok(Change::Gone(self.facade.id(key))));
        }
        now.iter().filter(|key| covered(key)).for_each(|key| self.tell(key));
    }

    fn worked(&mut self, source: &Source) {
        self.failing.remove(&source.number);
        if self.blind.remove(&source.number).is_none() {
            return;
        }
        // Those that failed with it are now parts that fail beside one that works.
        for number in self.blind.keys() {
            self.failing.remove(number);
        }
        self.note_unseen();
        if self.blind.is_empty() {
            for key in std::mem::take(&mut self.waiting) {
                self.tell(&key);
            }
        }
    }

    /// Writes down which namespaces cannot be read beside others that can, and tells what is known of them again: it is not
    /// known to be so any more.
    fn note_unseen(&mut self) {
        let partly = self.blind.len() < self.eyes;
        let blind = self.blind.values().filter(|_| partly);
        let unseen: BTreeMap<String, String> =
            blind.filter_map(|(source, error)| Some((source.space.clone()?, error.text.clone()))).collect();
        let keys: Vec<Key> = {
            let mut store = self.facade.store();
            let changed = |key: &Key| store.unseen(&key.0) != unseen.get(&key.0).map(String::as_str);
            let keys = store.keys().into_iter().filter(changed).collect();
            store.cannot_see(unseen);
            keys
        };
        if self.told {
            for key in &keys {
                self.tell(key);
            }
        }
    }

    /// Tells which parts cannot be read, where that has changed.
    fn tell_unread(&mut self) {
        let partly = self.blind.len() < self.eyes;
        let blind = self.blind.values().filter(|_| partly);
        let mut unread: Vec<String> = blind.map(|(source, error)| part(source, error)).collect();
        unread.extend(self.facade.narrowed());
        unread.extend(self.facade.absent());
        {
            let store = self.facade.store();
            unread.extend(store.all_unread().chain(store.all_unexplained()).cloned());
        }
        let mut all: Vec<String> = Vec::new();
        for one in unread {
            if !all.contains(&one) {
                all.push(one);
            }
        }
        if all != self.unread {
            self.unread.clone_from(&all);
            // Before what it is about: whoever takes a list for the whole must know already that it is not.
            self.ready.push_front(Ok(Change::Unread(all)));
        }
    }

    /// The others are not kept waiting by one that fails; what they told is told once, and not again with each failure.
    fn failed(&mut self, source: &Source, error: ProviderError) {
        let first = self.silent.remove(&source.number);
        if !source.is_of_objects() && error.kind == FaultKind::Forbidden {
            // Not to be allowed to is no failure of the cluster: each rollout says what is not known of it.
            let (space, why) = (source.space.as_deref(), &error.text);
            match source.of {
                Of::Beside => self.facade.store().could_not_read_beside(source.resource, space, why),
                Of::Objects | Of::Sets => self.facade.store().could_not_read_sets(space, why),
            }
            self.worked(source);
            return if first { self.tell_all() } else { self.alive() };
        }
        if source.is_of_objects() && source.space.is_none() && error.kind == FaultKind::Forbidden {
            self.narrowed = self.facade.narrow(&error.text);
            if self.narrowed {
                return;
            }
        }
        if source.is_of_objects() && self.facade.is_left_out(&error) {
            self.known = true;
            self.worked(source);
            self.facade.cluster.sought.is_absent(K::WORDS, true);
            self.facade.tell_found(Some(&source.space));
            return if first { self.tell_all() } else { self.alive() };
        }
        self.failing.insert(source.number);
        if source.is_of_objects() {
            self.blind.insert(source.number, (source.clone(), error.clone()));
            self.facade.cluster.sought.lost(K::WORDS, &source.space);
            if K::CLAIMS && !self.known {
                self.facade.cluster.claims.give_up(K::WORDS);
            }
            self.note_unseen();
        }
        if first {
            self.tell_all();
        }
        if !source.is_of_objects() {
            return self.ready.push_back(Err(error));
        }
        if self.blind.len() < self.eyes {
            // The others work, or have not answered yet: it is a part that is not read, and no failure of all.
            self.failing.remove(&source.number);
            return;
        }
        self.failing.extend(self.blind.keys());
        self.ready.push_back(Err(error));
    }

    fn take_claims(&mut self) {
        // Whoever has not said yet what it claims is waited for.
        let known = K::CLAIMS || self.facade.cluster.claims.are_known_to(K::WORDS);
        let first = known && self.silent.remove(&self.claims);
        let claimed = self.facade.cluster.claims.of_others(K::WORDS, K::RESOURCE);
        let before = std::mem::replace(&mut self.claimed, claimed);
        if first {
            return self.tell_all();
        }
        let (gone, back): (Vec<Key>, Vec<Key>) =
            before.symmetric_difference(&self.claimed).cloned().partition(|key| self.claimed.contains(key));
        for key in gone.iter().filter(|key| self.facade.store().object(key).is_some()) {
            self.shown.remove(key);
            self.ready.push_back(Ok(Change::Gone(self.facade.id(key))));
        }
        for key in &back {
            self.tell(key);
        }
    }

    /// What flies is told as it moves; what rests only here, and only what somebody looks at.
    fn take_rights(&mut self) {
        let looked_at = self.facade.cluster.rights.of(K::WORDS);
        for key in looked_at.iter().filter(|key| self.shown.contains(*key)).collect::<Vec<_>>() {
            self.tell_around(key);
        }
    }

    fn tell_all(&mut self) {
        if !self.silent.is_empty() || !self.known {
            return;
        }
        let rollouts = {
            let store = self.facade.store();
            self.facade.rollouts(&store)
        };
        for rollout in &rollouts {
            self.ask_extras(rollout);
        }
        self.told = true;
        self.shown = rollouts.iter().filter_map(|rollout| split(&rollout.id.path)).collect();
        self.ready.push_back(Ok(Change::All(rollouts)));
    }

    /// Something around an object is new. While its own watch fails that does not confirm it, and waits.
    fn tell_around(&mut self, key: &Key) {
        let confirmed = self.blind.len() < self.eyes && self.facade.store().unseen(&key.0).is_none();
        if self.blind.is_empty() || confirmed {
            self.tell(key);
        } else {
            self.waiting.insert(key.clone());
        }
    }

    fn tell(&mut self, key: &Key) {
        if !self.silent.is_empty() {
            return;
        }
        let rollout = {
            let store = self.facade.store();
            self.facade.rollout(&store, key)
        };
        match rollout {
            Some(rollout) => {
                self.ask_extras(&rollout);
                self.shown.insert(key.clone());
                self.ready.push_back(Ok(Change::One(Box::new(rollout))));
            }
            // It is there and no rollout any more.
            None if self.shown.remove(key) => self.ready.push_back(Ok(Change::Gone(self.facade.id(key)))),
            None => {}
        }
    }

    /// What explains a rollout is asked for only while it is in flight, and again only when it has moved.
    fn ask_extras(&mut self, rollout: &Rollout) {
        let Some((namespace, name)) = rollout.id.path.split_once('/') else { return };
        let key = (namespace.to_owned(), name.to_owned());
        let object = {
            let mut store = self.facade.store();
            let at_rest = store.object(&key).is_some_and(K::asks_at_rest);
            if !(rollout.in_flight() || at_rest) || !store.is_new_moment(&key, &moment(rollout)) {
                return;
            }
            store.object(&key).cloned()
        };
        if let Some(object) = object {
            self.ask(key, object, rollout.in_flight());
        }
    }

    fn ask(&mut self, key: Key, object: K::Object, flies: bool) {
        let facade = self.facade;
        let asked = async move {
            let extras = if flies { facade.ask_extras(&object).await } else { facade.ask_at_rest(&object).await };
            Input::Extras(key, extras, flies)
        };
        self.inputs.push(asked.into_stream().boxed());
    }

    /// Pods and events go on while nothing else moves: after a while they are asked for again.
    fn turn(&mut self, key: Key, pause: Duration) {
        if self.turning.insert(key.clone()) {
            let facade = self.facade;
            let later = async move {
                facade.cluster.clock.sleep(pause).await;
                Input::Again(key)
            };
            self.inputs.push(later.into_stream().boxed());
        }
    }

    fn again(&mut self, key: Key) {
        self.turning.remove(&key);
        let asked = {
            let store = self.facade.store();
            let flies = self.facade.rollout(&store, &key).is_some_and(|rollout| rollout.in_flight());
            let object = store.object(&key).filter(|object| flies || K::asks_at_rest(object)).cloned();
            object.map(|object| (object, flies))
        };
        if let Some((object, flies)) = asked {
            self.ask(key, object, flies);
        }
    }
}

/// Which part cannot be read, and why.
fn part(source: &Source, error: &ProviderError) -> String {
    match &source.space {
        Some(space) if !error.text.contains(space.as_str()) => format!("namespace {space}: {}", error.text),
        _ => error.text.clone(),
    }
}

/// What must change for the events and analyses to be asked for again.
fn moment(rollout: &Rollout) -> String {
    let Rollout { identity, step, phase, pause, held, weight, .. } = rollout;
    format!("{} {step:?} {phase} {pause:?} {held} {:?}", identity.canary_hash, weight.actual)
}
