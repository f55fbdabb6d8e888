//! Reads a window page by page, the newest lines first, and then what comes after it.
//!
//! A page ends where its oldest lines may not be all that were written in that nanosecond: those are read again with the next one.
//! Lines arrive late; so what is followed is read again for a while, and a time is called whole only after that.

use std::{
    collections::{BTreeSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use futures::{StreamExt, stream};

use crate::{
    domain::{line::Span, observed::FaultKind, time::Timestamp},
    port::{
        error::ProviderError,
        lookup::{Answers, Lines, Told, Written},
    },
    provider::loki::{
        Loki, api,
        normalize::{self, Read},
        request::{self, Piece},
        words,
    },
};

/// Lines of one page, where Loki gives so many.
const PAGE: usize = 5_000;
/// Fewer are not asked for, however long they are.
const LEAST: usize = 20;
/// Lines that are read of what came since the last look: more are dropped, and counted.
const FOLLOWED: usize = 100_000;
/// How late lines may arrive.
const LATE: Duration = Duration::from_secs(20);

/// Reads one question.
pub(super) struct Reader<'a> {
    loki: &'a Loki,
    asked: Lines,
    query: Option<String>,
    /// Lines of a page.
    page: usize,
    reading: Option<Reading>,
    /// Until when everything was read that will not come any more, in nanoseconds.
    settled: i64,
    /// Lines after that which were told already.
    told: BTreeSet<(i64, u64)>,
    ready: VecDeque<Written>,
    over: bool,
}

/// What is being read.
struct Reading {
    /// What of it is left.
    left: Piece,
    /// Lines that may still be read.
    room: usize,
    /// Its last moment.
    last: i64,
    /// When it was begun.
    asked_at: i64,
    /// Are lines that find no room dropped? Those before a window's newest are only not asked for.
    drops: bool,
}

impl Reading {
    /// Until when nothing more will come of it.
    fn settles(&self) -> i64 {
        self.last.min(self.asked_at.saturating_sub(nanoseconds_of(LATE)))
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(loki: &'a Loki, asked: Lines) -> Self {
        let (from, to) = (nanoseconds(asked.window.from) + 1, nanoseconds(asked.window.to) + 1);
        let asked_at = nanoseconds(loki.clock.now());
        let reading = Reading { left: Piece { from, to }, last: to - 1, room: asked.most, asked_at, drops: false };
        let (query, told, ready) = (None, BTreeSet::new(), VecDeque::new());
        Self { loki, asked, query, page: PAGE, reading: Some(reading), settled: from - 1, told, ready, over: false }
    }

    /// The lines as they are read.
    pub(super) fn answers(self) -> Answers<'a> {
        stream::unfold(self, |mut reader| async move {
            if reader.over {
                return None;
            }
            let answer = reader.next().await.transpose()?;
            reader.over = answer.is_err();
            Some((answer.map(Told::Lines), reader))
        })
        .boxed()
    }

    async fn next(&mut self) -> Result<Option<Written>, ProviderError> {
        loop {
            if let Some(written) = self.ready.pop_front() {
                return Ok(Some(written));
            }
            match self.reading.take() {
                Some(reading) => self.read(reading).await?,
                None if self.asked.follow => {
                    self.loki.clock.sleep(self.loki.settings.interval).await;
                    let asked_at = nanoseconds(self.loki.clock.now());
                    let left = Piece { from: self.settled + 1, to: asked_at + 1 };
                    self.reading = Some(Reading { left, last: asked_at, room: FOLLOWED, asked_at, drops: true });
                }
                None => return Ok(None),
            }
        }
    }

    /// Reads a page, and puts what is left of it back.
    async fn read(&mut self, mut reading: Reading) -> Result<(), ProviderError> {
        // Of a page of one line nobody could say whether others share its moment.
        let (left, limit) = (reading.left, self.page.min(reading.room + 1).max(2));
        if left.from >= left.to || reading.room == 0 {
            self.end(&reading);
            return Ok(());
        }
        let query = self.query().await?;
        let mut page: Vec<Read> = match self.loki.client.read(request::newest(&query, left, limit)?).await {
            Ok(api::Range { data }) => normalize::lines(&self.loki.settings, data.result),
            // One that gives fewer, or lines that are very long: fewer at once.
            Err(error) => {
                let fewer = words::most_lines(&error).filter(|most| *most < limit && *most > 0);
                let shorter = (error.kind == FaultKind::Unreadable && limit > LEAST).then_some((limit / 5).max(LEAST));
                self.page = fewer.or(shorter).ok_or(error)?;
                self.reading = Some(reading);
                return Ok(());
            }
        };
        let full = page.len() >= limit;
        let ends = page.first().zip(page.last()).map(|(oldest, newest)| (oldest.at, newest.at)).filter(|_| full);
        let (mut from, dropped) = match ends {
            None => (left.from, 0),
            // All of it was written in one nanosecond, and there may be more: no page can tell.
            Some((oldest, newest)) if oldest == newest => (oldest, 1),
            Some((oldest, _)) => (oldest + 1, 0),
        };
        page.retain(|read| read.at >= from);
        // One line more than there is room for was asked for, so that the page has its oldest moment behind it.
        let beyond = page.len().saturating_sub(reading.room);
        page.drain(..beyond);
        if let Some(oldest) = page.first().filter(|_| beyond > 0) {
            from = oldest.at + 1;
        }
        reading.room = reading.room.saturating_sub(page.len());
        reading.left.to = from;
        self.take(page, Piece { from, to: left.to }, &reading, dropped);
        if full && reading.room > 0 {
            self.reading = Some(reading);
            return Ok(());
        }
        if full && reading.drops {
            let dropped = self.count(&query, reading.left).await;
            self.ready.push_back(Written { dropped, ..Written::default() });
        }
        self.end(&reading);
        Ok(())
    }

    /// Takes what was read of a piece of time.
    fn take(&mut self, lines: Vec<Read>, piece: Piece, reading: &Reading, dropped: u64) {
        let settles = reading.settles();
        let (before, until) = (piece.from - 1, settles.min(piece.to - 1));
        let at = Timestamp::from_timestamp_nanos;
        let whole = (dropped == 0 && until > before).then(|| Span { from: at(before), to: at(until) });
        let told = &mut self.told;
        let is_new = |read: &Read| {
            let mark = (read.at, mark(read));
            // What is settled by now is not read again.
            !told.contains(&mark) && (read.at <= settles || told.insert(mark))
        };
        let lines = lines.into_iter().filter(is_new).map(|read| read.line).collect();
        self.ready.push_back(Written { lines, whole, dropped });
    }

    /// A window, or what followed it, was read.
    fn end(&mut self, reading: &Reading) {
        let settled = self.settled.max(reading.settles());
        self.settled = settled;
        self.told.retain(|(at, _)| *at > settled);
    }

    async fn query(&mut self) -> Result<String, ProviderError> {
        if let Some(query) = &self.query {
            return Ok(query.clone());
        }
        let selector = self.loki.selector(&self.asked.service).await?;
        Ok(self.query.insert(request::logql(&selector, &self.asked, &self.loki.settings)).clone())
    }

    /// How many lines a piece of time has; at least one where that is not told.
    async fn count(&self, query: &str, piece: Piece) -> u64 {
        let Ok(request) = request::count(query, piece) else { return 1 };
        let counted: Result<api::Counted, _> = self.loki.client.read(request).await;
        counted.map_or(1, |counted| counted.lines())
    }
}

/// What tells lines of one nanosecond apart.
fn mark(read: &Read) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&read.line.text, &read.line.pod, &read.line.version, &read.line.fields).hash(&mut hasher);
    hasher.finish()
}

fn nanoseconds(at: Timestamp) -> i64 {
    at.timestamp_nanos_opt().unwrap_or(i64::MAX - 1)
}

fn nanoseconds_of(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}
