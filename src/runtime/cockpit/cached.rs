//! What was seen last, across processes: shown before anything is read, and written now and then and when somebody leaves; by a command
//! that only looks, once. The disk is asked beside the loop, and nothing waits for it longer than a moment.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::future::{Either, select};
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

use super::{Cockpit, draft};
use crate::{
    app::{
        msg::Msg,
        ways::{self, Wanted},
    },
    cache::Cache,
    domain::{
        item::Item,
        time::{Timestamp, age},
    },
    port::{
        cached::{CachedScope, Way},
        facet::Connection,
    },
    runtime::note::Note,
};

/// So long the first screen may wait for what was seen last.
const MOMENT: Duration = Duration::from_millis(5);
/// How often it is written.
const EVERY: Duration = Duration::from_mins(1);
/// How soon it is written first: whoever is killed early leaves something, too.
const FIRST: Duration = Duration::from_secs(10);
/// Of so many objects it is drawn up how they are gone back from: rollouts first.
const DRAWN_UP: usize = 500;
/// How long whoever leaves waits until it is written.
const LEAVING: Duration = Duration::from_secs(1);

/// A cache in use.
#[derive(Debug)]
pub(super) struct Kept {
    cache: Arc<Cache>,
    /// It was read, well or badly: before that nothing is written over it.
    is_read: Arc<AtomicBool>,
    written: Timestamp,
}

impl Cockpit {
    /// Shows what an earlier process saw last, and keeps from now on what this one sees. Where the file is slow it comes later.
    pub async fn remember(&mut self, cache: Cache) {
        let (cache, is_read, now) = (Arc::new(cache), Arc::new(AtomicBool::new(false)), self.clock.now());
        self.kept = Some(Kept {
            cache: Arc::clone(&cache),
            is_read: Arc::clone(&is_read),
            written: now - EVERY.saturating_sub(FIRST),
        });
        let file = Arc::clone(&cache);
        let reading = spawn_blocking(move || file.read(now));
        let told = move |read: Result<io::Result<Vec<CachedScope>>, JoinError>| {
            is_read.store(true, Ordering::Relaxed);
            let why = match read {
                Ok(Ok(cached)) => return Some(Msg::Cached(cached)),
                Ok(Err(why)) => why.to_string(),
                Err(why) => why.to_string(),
            };
            tracing::warn!(file = %cache.file().display(), why, "what was seen last is left alone");
            None
        };
        match select(reading, self.clock.sleep(MOMENT)).await {
            Either::Left((read, _)) => {
                if let Some(msg) = told(read) {
                    self.feed(msg);
                }
            }
            Either::Right(((), reading)) => {
                let notes = self.notes.0.clone();
                self.tasks.spawn(async move {
                    if let Some(msg) = told(reading.await) {
                        let _ = notes.send(Note::Msg(msg)).await;
                    }
                });
            }
        }
    }

    /// Writes what is seen where it is time.
    pub(super) fn keep_seen(&mut self) {
        let now = self.clock.now();
        if self.kept.as_ref().is_some_and(|kept| age(now, kept.written) >= EVERY) {
            drop(self.write_seen(now));
        }
    }

    /// Writes what is seen a last time; a disk that is slow is not waited for.
    pub async fn keep_last(&mut self) {
        if let Some(writing) = self.write_seen(self.clock.now()) {
            select(writing, self.clock.sleep(LEAVING)).await;
        }
    }

    fn write_seen(&mut self, now: Timestamp) -> Option<JoinHandle<()>> {
        let kept = self.kept.as_mut().filter(|kept| kept.is_read.load(Ordering::Relaxed))?;
        kept.written = now;
        let (cache, seen) = (Arc::clone(&kept.cache), self.model.store.to_cache());
        // Nothing was seen: what an earlier process saw is better than that.
        if seen.is_empty() { None } else { Some(self.write(cache, seen)) }
    }

    /// Keeps once what is seen now, for whoever looks and ends, and shows nothing of what was kept: what an earlier process saw and this one
    /// has not read stays in it. A disk that is slow is not waited for.
    pub async fn keep_once(&mut self, cache: Cache) {
        let (cache, now) = (Arc::new(cache), self.clock.now());
        let file = Arc::clone(&cache);
        let reading = spawn_blocking(move || file.read(now));
        let Either::Left((read, _)) = select(reading, self.clock.sleep(LEAVING)).await else { return };
        let mut seen = self.model.store.to_cache();
        if seen.is_empty() {
            return;
        }
        // What cannot be read is written anew, as by whoever stays.
        let mut earlier = read.ok().and_then(Result::ok).unwrap_or_default();
        let store = &self.model.store;
        let is_there = |source| self.model.session.sources.iter().any(|info| info.name == source);
        earlier.retain(|of| is_there(of.source.clone()) && !store.has_read(&of.source, &of.scope));
        seen.extend(earlier);
        let writing = self.write(cache, seen);
        select(writing, self.clock.sleep(LEAVING)).await;
    }

    fn write(&self, cache: Arc<Cache>, mut seen: Vec<CachedScope>) -> JoinHandle<()> {
        let (wanted, connections) = (self.wanted(&seen), Arc::clone(&self.connections));
        spawn_blocking(move || {
            for (scope, item, wanted) in wanted {
                let Some(scope) = seen.get_mut(scope) else { continue };
                let Some(item) = scope.items.get(item) else { continue };
                let drawn = wanted.into_iter().map(|wanted| draw_up(&connections, item, wanted));
                scope.ways.extend(drawn);
            }
            if let Err(why) = cache.write(seen) {
                tracing::warn!(file = %cache.file().display(), %why, "what is seen is not kept for the next start");
            }
        })
    }

    /// What is to be drawn up for the objects of these scopes that were read in this process: the place of the scope and of the
    /// object in it. Which version a roll back means is found here, where records are; drafting is left to whoever writes the file.
    fn wanted(&self, seen: &[CachedScope]) -> Vec<(usize, usize, Vec<Wanted>)> {
        let each = seen
            .iter()
            .enumerate()
            .flat_map(|(scope, of)| of.items.iter().enumerate().map(move |(place, item)| (scope, place, item)));
        let mut read: Vec<_> = each.filter(|(.., item)| self.model.store.item(item.id()).is_some()).collect();
        read.sort_by_key(|(.., item)| item.noun());
        let wanted = read.into_iter().map(|(scope, place, item)| (scope, place, ways::wanted(&self.model, item)));
        wanted.filter(|(.., wanted)| !wanted.is_empty()).take(DRAWN_UP).collect()
    }

    /// How an object that is observed would be gone back from by hand, drawn up from what it is now. No I/O.
    pub fn ways(&self, item: &Item) -> Vec<Way> {
        let wanted = ways::wanted(&self.model, item).into_iter();
        wanted.map(|wanted| draw_up(&self.connections, item, wanted)).collect()
    }
}

fn draw_up(connections: &[Connection], item: &Item, wanted: Wanted) -> Way {
    match wanted {
        Wanted::Draft(ask, known) => {
            let draft = draft::of(connections, item, &ask);
            ways::drafted(&ask, known, draft)
        }
        Wanted::Nothing(none) => *none,
    }
}
