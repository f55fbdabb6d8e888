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

use super::{
    api::ReplicaSet,
    facade::{Extras, Facade, Kind},
    store::{Key, key},
    watch::{self, Seen},
};
use crate::{
    domain::{
        object::{Family, ObjectId},
        observed::FaultKind,
        rollout::Rollout,
    },
    port::{
        error::ProviderError,
        inventory::{Heard, Part, Scope},
    },
};

/// One thing that is told of everything in scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Everything there is now: replaces what was known.
    All(Vec<Rollout>),
    /// One object is new or changed.
    One(Box<Rollout>),
    /// One object is gone.
    Gone(ObjectId),
    /// Nothing changed, and the source proved that it is alive.
    Alive,
    /// These parts cannot be read now, a sentence each that names the part; what is told of the others stands. Replaces what was
    /// said so before: none is none.
    Unread(Vec<String>),
}

/// One thing that one of the sources told.
enum Input<O> {
    Objects(Source, Result<Seen<O>, ProviderError>),
    Sets(Source, Result<Seen<ReplicaSet>, ProviderError>),
    Extras(Key, Extras),
    /// It is time to ask again for what explains an object.
    Again(Key),
    /// What others define has changed.
    Claims,
    /// What is not there of what the configuration names may have changed: another engine told something.
    Sought,
}

/// How often what explains a rollout in flight is asked for though it did not move, because events go on; and how often
/// while something is wrong with its pods.
const AGAIN: Duration = Duration::from_mins(1);
const SOONER: Duration = Duration::from_secs(20);

/// A watch: its number, and the space it covers.
#[derive(Clone)]
struct Source {
    number: usize,
    space: Option<String>,
    /// Does it tell of objects, or of what they own?
    objects: bool,
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

impl<'a, K: Kind> Changes<'a, K> {
    fn new(facade: &'a Facade<K>) -> Self {
        let mut inputs: SelectAll<BoxStream<'a, Input<K::Object>>> = SelectAll::new();
        let (objects, sets) = (facade.object_queries(), facade.set_queries());
        let eyes = objects.len();
        let count = objects.len() + sets.len();
        for (number, query) in objects.into_iter().enumerate() {
            let source = Source { number, space: query.namespace.clone(), objects: true };
            let seen = watch::follow::<K::Object>(facade.cluster.clone(), query);
            inputs.push(seen.map(move |seen| Input::Objects(source.clone(), seen)).boxed());
        }
        let first = count - sets.len();
        for (number, query) in sets.into_iter().enumerate() {
            let source = Source { number: first + number, space: query.namespace.clone(), objects: false };
            let seen = watch::follow::<ReplicaSet>(facade.cluster.clone(), query);
            inputs.push(seen.map(move |seen| Input::Sets(source.clone(), seen)).boxed());
        }
        let mut silent: BTreeSet<usize> = (0..count).collect();
        let changes = facade.cluster.claims.changes();
        inputs.push(
            stream::unfold(changes, |mut changes| async move {
                changes.changed().await.ok()?;
                Some((Input::Claims, changes))
            })
            .boxed(),
        );
        let sought = facade.cluster.sought.changes();
        inputs.push(
            stream::unfold(sought, |mut sought| async move {
                sought.changed().await.ok()?;
                Some((Input::Sought, sought))
            })
            .boxed(),
        );
        if !K::CLAIMS && !facade.cluster.claims.is_known() {
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
            turning: BTreeSet::new(),
            claimed: facade.cluster.claims.of(K::RESOURCE),
            claims: count,
            known: false,
            ready: VecDeque::new(),
        }
    }

    fn take(&mut self, input: Input<K::Object>) {
        match input {
            Input::Objects(source, Ok(seen)) => {
                self.known = true;
                self.worked(&source);
                self.take_objects(&source, seen);
            }
            Input::Sets(source, Ok(seen)) => {
                self.worked(&source);
                self.take_sets(&source, seen);
            }
            Input::Objects(source, Err(error)) | Input::Sets(source, Err(error)) => self.failed(&source, error),
            Input::Extras(key, extras) => {
                let pause = if extras.troubles.is_empty() { AGAIN } else { SOONER };
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
        }
    }

    fn take_objects(&mut self, source: &Source, seen: Seen<K::Object>) {
        match seen {
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
        let owner = self.facade.store().owner_of(&set);
        if let Some(key) = owner {
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
        for key in now.iter().filter(|key| covered(key)) {
            self.tell(key);
        }
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
        if !source.objects && error.kind == FaultKind::Forbidden {
            // Not to be allowed to is no failure of the cluster: each rollout says what is not known of it.
            self.facade.store().could_not_read_sets(source.space.as_deref(), &error.text);
            self.worked(source);
            return if first { self.tell_all() } else { self.alive() };
        }
        if source.objects && source.space.is_none() && error.kind == FaultKind::Forbidden {
            self.narrowed = self.facade.narrow(&error.text);
            if self.narrowed {
                return;
            }
        }
        self.failing.insert(source.number);
        if source.objects {
            self.blind.insert(source.number, (source.clone(), error.clone()));
            self.facade.cluster.sought.lost(K::WORDS, &source.space);
            if K::CLAIMS && !self.known {
                self.facade.cluster.claims.give_up();
            }
            self.note_unseen();
        }
        if first {
            self.tell_all();
        }
        if !source.objects {
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
        let first = self.silent.remove(&self.claims);
        let claimed = self.facade.cluster.claims.of(K::RESOURCE);
        let before = std::mem::replace(&mut self.claimed, claimed);
        if first {
            return self.tell_all();
        }
        let (gone, back): (Vec<Key>, Vec<Key>) =
            before.symmetric_difference(&self.claimed).cloned().partition(|key| self.claimed.contains(key));
        for key in gone.iter().filter(|key| self.facade.store().object(key).is_some()) {
            self.ready.push_back(Ok(Change::Gone(self.facade.id(key))));
        }
        for key in &back {
            self.tell(key);
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
        if let Some(rollout) = rollout {
            self.ask_extras(&rollout);
            self.ready.push_back(Ok(Change::One(Box::new(rollout))));
        }
    }

    /// What explains a rollout is asked for only while it is in flight, and again only when it has moved.
    fn ask_extras(&mut self, rollout: &Rollout) {
        let Some((namespace, name)) = rollout.id.path.split_once('/') else { return };
        let key = (namespace.to_owned(), name.to_owned());
        let object = {
            let mut store = self.facade.store();
            if !rollout.in_flight() || !store.is_new_moment(&key, &moment(rollout)) {
                return;
            }
            store.object(&key).cloned()
        };
        if let Some(object) = object {
            self.ask(key, object);
        }
    }

    fn ask(&mut self, key: Key, object: K::Object) {
        let facade = self.facade;
        let asked = async move { Input::Extras(key, facade.ask_extras(&object).await) };
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
        let object = {
            let store = self.facade.store();
            let flies = self.facade.rollout(&store, &key).is_some_and(|rollout| rollout.in_flight());
            store.object(&key).filter(|_| flies).cloned()
        };
        if let Some(object) = object {
            self.ask(key, object);
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

/// A change, as an inventory tells it.
pub(super) fn told<K: Kind>(change: Result<Change, ProviderError>) -> Heard {
    let family = Family::new(K::FAMILY);
    let scope = Scope::all(&family);
    let parts = change.map(|change| match change {
        // What cannot be read of it is told by itself, before.
        Change::All(rollouts) => vec![Part { unread: None, ..Part::whole(family, rollouts) }],
        Change::One(rollout) => vec![Part::changed(*rollout)],
        Change::Gone(id) => vec![Part::gone(id)],
        Change::Alive => Vec::new(),
        Change::Unread(parts) => vec![Part::unread(family, parts)],
    });
    Heard::of(scope, parts)
}

/// What must change for the events and analyses to be asked for again.
fn moment(rollout: &Rollout) -> String {
    let Rollout { identity, step, phase, pause, held, weight, .. } = rollout;
    format!("{} {step:?} {phase} {pause:?} {held} {:?}", identity.canary_hash, weight.actual)
}
