//! What was seen last, across processes: shown before anything is read, and written now and then and when somebody leaves. The disk is
//! asked beside the loop, and nothing waits for it longer than a moment.

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

use super::Cockpit;
use crate::{
    app::msg::Msg,
    cache::Cache,
    domain::time::{Timestamp, age},
    port::cached::CachedScope,
    runtime::note::Note,
};

/// So long the first screen may wait for what was seen last.
const MOMENT: Duration = Duration::from_millis(5);
/// How often it is written.
const EVERY: Duration = Duration::from_mins(1);
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
        self.kept = Some(Kept { cache: Arc::clone(&cache), is_read: Arc::clone(&is_read), written: now });
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
        (!seen.is_empty()).then(|| {
            spawn_blocking(move || {
                if let Err(why) = cache.write(seen) {
                    tracing::warn!(file = %cache.file().display(), %why, "what is seen is not kept for the next start");
                }
            })
        })
    }
}
