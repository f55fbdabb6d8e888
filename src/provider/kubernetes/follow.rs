//! From the watches of objects and of their ReplicaSets to one stream of changes in the domain's words.

use std::collections::{BTreeSet, VecDeque};

use futures::{
    FutureExt, StreamExt,
    stream::{self, BoxStream, SelectAll},
};

use super::{
    api::ReplicaSet,
    facade::{Facade, Kind},
    store::{Extras, Key, key},
    watch::{self, Seen},
};
use crate::{
    domain::rollout::Rollout,
    port::{error::ProviderError, facet::Change},
};

/// One thing that one of the sources told.
enum Input<O> {
    Objects(Source, Result<Seen<O>, ProviderError>),
    Sets(Source, Result<Seen<ReplicaSet>, ProviderError>),
    Extras(Key, Extras),
}

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
    /// Has any watch of objects worked yet? Until then "everything" is not known to be nothing.
    known: bool,
    ready: VecDeque<Result<Change, ProviderError>>,
}

/// Follows everything in a facade's scope.
pub(super) fn changes<K: Kind>(facade: &Facade<K>) -> BoxStream<'_, Result<Change, ProviderError>> {
    stream::unfold(Changes::new(facade), |mut changes| async move {
        loop {
            if let Some(change) = changes.ready.pop_front() {
                return Some((change, changes));
            }
            let input = changes.inputs.next().await?;
            changes.take(input);
        }
    })
    .boxed()
}

impl<'a, K: Kind> Changes<'a, K> {
    fn new(facade: &'a Facade<K>) -> Self {
        let mut inputs: SelectAll<BoxStream<'a, Input<K::Object>>> = SelectAll::new();
        let (objects, sets) = (facade.object_queries(), facade.set_queries());
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
        let (silent, failing) = ((0..count).collect(), BTreeSet::new());
        Self { facade, inputs, silent, failing, known: false, ready: VecDeque::new() }
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
                self.facade.store().put_extras(key.clone(), extras);
                self.tell(&key);
            }
        }
    }

    fn take_objects(&mut self, source: &Source, seen: Seen<K::Object>) {
        match seen {
            Seen::All(objects) => {
                self.facade.store().replace(source.space.as_deref(), objects);
                self.heard(source);
            }
            Seen::One(object) => {
                let key = key(&object);
                self.facade.store().put(object);
                self.tell(&key);
            }
            Seen::Gone(object) => {
                self.facade.store().remove(&object);
                self.ready.push_back(Ok(Change::Gone(self.facade.id(&key(&object)))));
            }
            Seen::Alive if self.failing.is_empty() && self.silent.is_empty() => self.ready.push_back(Ok(Change::Alive)),
            Seen::Alive => {}
        }
    }

    fn take_sets(&mut self, source: &Source, seen: Seen<ReplicaSet>) {
        let set = match seen {
            Seen::All(sets) => {
                self.facade.store().replace_sets(source.space.as_deref(), sets);
                return self.heard(source);
            }
            Seen::One(set) => {
                self.facade.store().put_set(set.clone());
                set
            }
            Seen::Gone(set) => {
                self.facade.store().remove_set(&set);
                set
            }
            Seen::Alive => return,
        };
        let owner = self.facade.store().owner_of(&set);
        if let Some(key) = owner {
            self.tell(&key);
        }
    }

    /// A source told everything it has: once all have, that is everything there is.
    fn heard(&mut self, source: &Source) {
        self.silent.remove(&source.number);
        self.tell_all();
    }

    fn worked(&mut self, source: &Source) {
        self.failing.remove(&source.number);
    }

    /// The others are not kept waiting by one that fails.
    fn failed(&mut self, source: &Source, error: ProviderError) {
        self.failing.insert(source.number);
        if self.silent.remove(&source.number) || source.objects {
            self.tell_all();
        }
        self.ready.push_back(Err(error));
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
        self.ready.push_back(Ok(Change::All(rollouts)));
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
            let facade = self.facade;
            let asked = async move { Input::Extras(key, facade.ask_extras(&object).await) };
            self.inputs.push(asked.into_stream().boxed());
        }
    }
}

/// What must change for the events and analyses to be asked for again.
fn moment(rollout: &Rollout) -> String {
    let Rollout { identity, step, phase, pause, held, weight, .. } = rollout;
    format!("{} {step:?} {phase} {pause:?} {held} {:?}", identity.canary_hash, weight.actual)
}
