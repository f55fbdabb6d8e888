//! Counts lines where they come in, so that what goes on to the model is small however many there are: one message in a quarter of a
//! second, with the patterns, how many lines of each there were, and the newest of them. Lines themselves go no further.
//!
//! It takes lines when it has room for them, so whoever reads them is held up and not the screen.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    time::Duration,
};

use futures::{StreamExt, future::BoxFuture, stream};

use crate::{
    domain::{
        line::{LogLine, Pattern, Span},
        time::Timestamp,
    },
    judge::pattern::Miner,
    port::{
        clock::SharedClock,
        error::ProviderError,
        lookup::{Answers, Lines, Mined, Told, Written},
    },
};

/// The time between two messages.
const PACE: Duration = Duration::from_millis(250);
/// Lines of one message where more come after them, the newest.
const SHOWN: usize = 200;
/// And of one that is all there is, or the first: who opens a screen sees as many as are kept.
const WHOLE: usize = 1_000;
/// Lines that are counted before others of this process have their turn.
const TURN: usize = 500;
/// Versions that are told apart: a rollout has two, and some that go away.
const VERSIONS: usize = 16;

/// What was counted and not told yet.
struct Mining<'a> {
    answers: Answers<'a>,
    step: Duration,
    clock: SharedClock,
    miner: Miner,
    versions: BTreeSet<String>,
    news: News,
    /// Does more come after the first message?
    follows: bool,
    /// When the next message may go; nothing while there is none.
    due: Option<BoxFuture<'static, ()>>,
    told: bool,
    /// Nothing more will come.
    over: bool,
    /// Why it ended, where it did not end well.
    broken: Option<ProviderError>,
}

/// What is new since the last message.
#[derive(Default)]
struct News {
    any: bool,
    mined: Mined,
    patterns: BTreeMap<u32, Pattern>,
}

/// The answers to a question with their lines counted, by intervals of its window's step.
pub(super) fn mined<'a>(answers: Answers<'a>, asked: &Lines, clock: SharedClock) -> Answers<'a> {
    let (miner, versions, news) = (Miner::default(), BTreeSet::new(), News::default());
    let (step, follows) = (asked.window.step, asked.follow);
    let (due, told, over, broken) = (None, false, false, None);
    let mining = Mining { answers, step, clock, miner, versions, news, follows, due, told, over, broken };
    stream::unfold(mining, |mut mining| async move {
        let told = mining.next().await?;
        Some((told, mining))
    })
    .boxed()
}

impl Mining<'_> {
    /// The next message.
    async fn next(&mut self) -> Option<Result<Told, ProviderError>> {
        loop {
            if self.over {
                return if self.news.any { Some(Ok(self.tell())) } else { self.broken.take().map(Err) };
            }
            let answer = match &mut self.due {
                // The first is told at once.
                None if self.news.any => return Some(Ok(self.tell())),
                None => self.answers.next().await,
                Some(due) => tokio::select! {
                    biased;
                    () = due => {
                        self.due = None;
                        continue;
                    }
                    answer = self.answers.next() => answer,
                },
            };
            match answer {
                Some(Ok(Told::Lines(written))) => self.take(written).await,
                Some(Ok(other)) => return Some(Ok(other)),
                Some(Err(error)) => (self.over, self.broken) = (true, Some(error)),
                None => self.over = true,
            }
        }
    }

    async fn take(&mut self, written: Written) {
        self.news.any = true;
        self.news.mined.dropped += written.dropped;
        if written.dropped == 0 {
            self.news.whole(written.whole);
        }
        for (count, line) in written.lines.into_iter().enumerate() {
            if count % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
            self.count(line);
        }
        self.news.cut(self.most());
    }

    /// Lines of the next message.
    fn most(&self) -> usize {
        if self.follows && self.told { SHOWN } else { WHOLE }
    }

    fn count(&mut self, line: LogLine) {
        let taken = self.miner.take(&line.text);
        if let Some(gone) = taken.forgotten {
            self.news.patterns.remove(&gone);
            self.news.mined.forgotten.push(gone);
        }
        let known = self.versions.contains(&line.version);
        let version = if known || self.versions.len() < VERSIONS { line.version.clone() } else { String::new() };
        if !known {
            self.versions.insert(version.clone());
        }
        let pattern = self.news.patterns.entry(taken.pattern).or_insert_with(|| Pattern {
            number: taken.pattern,
            text: String::new(),
            level: line.level,
            example: line.text.clone(),
            first: line.at,
            last: line.at,
            counts: BTreeMap::new(),
        });
        pattern.level = pattern.level.max(line.level);
        (pattern.first, pattern.last) = (pattern.first.min(line.at), pattern.last.max(line.at));
        if let Some(end) = interval_end(line.at, self.step) {
            *pattern.counts.entry(version).or_default().entry(end).or_default() += 1;
        }
        self.news.mined.read += 1;
        self.news.mined.lines.push(line);
        if self.news.mined.lines.len() >= 4 * self.most() {
            self.news.cut(self.most());
        }
    }

    fn tell(&mut self) -> Told {
        let News { mut mined, patterns, .. } = mem::take(&mut self.news);
        mined.begins = !mem::replace(&mut self.told, true);
        let miner = &self.miner;
        let named = |pattern: Pattern| Some(Pattern { text: miner.text(pattern.number)?, ..pattern });
        mined.patterns = patterns.into_values().filter_map(named).collect();
        self.due = Some(self.clock.sleep(PACE));
        Told::Mined(mined)
    }
}

impl News {
    /// Keeps the newest lines, in order of time.
    fn cut(&mut self, most: usize) {
        let lines = &mut self.mined.lines;
        lines.sort_by_key(|line| line.at);
        lines.drain(..lines.len().saturating_sub(most));
    }

    fn whole(&mut self, span: Option<Span>) {
        let Some(span) = span else { return };
        let last = self.mined.whole.pop();
        match last.map(|last| (last, last.joined(&span))) {
            None => self.mined.whole.push(span),
            Some((_, Some(joined))) => self.mined.whole.push(joined),
            Some((last, None)) => self.mined.whole.extend([last, span]),
        }
    }
}

/// The end of the interval that a moment belongs to: intervals lie as those of signals do.
fn interval_end(at: Timestamp, step: Duration) -> Option<Timestamp> {
    let step = i64::try_from(step.as_millis()).ok().filter(|step| *step > 0)?;
    let millis = at.timestamp_millis() + i64::from(!at.timestamp_subsec_nanos().is_multiple_of(1_000_000));
    Timestamp::from_timestamp_millis(-(-millis).div_euclid(step) * step)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::mpsc;

    use super::*;
    use crate::{domain::observed::FaultKind, port::facet::Window, runtime::clock::VirtualClock};

    const STEP: Duration = Duration::from_secs(30);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_timestamp_millis(1_773_107_160_000 + millis).unwrap()
    }

    fn line(millis: i64, version: &str, text: &str) -> LogLine {
        LogLine { version: version.to_owned(), ..LogLine::new(at(millis), text) }
    }

    fn written(lines: Vec<LogLine>, whole: Option<(i64, i64)>, dropped: u64) -> Told {
        let whole = whole.map(|(from, to)| Span { from: at(from), to: at(to) });
        Told::Lines(Written { lines, whole, dropped })
    }

    /// A question that goes on.
    fn asked() -> Lines {
        let window = Window { from: at(0), to: at(0), step: STEP };
        Lines { follow: true, ..Lines::newest("payments".into(), window, 1_000) }
    }

    async fn all(answers: Vec<Result<Told, ProviderError>>) -> Vec<Result<Mined, ProviderError>> {
        let clock = Arc::new(VirtualClock::starting_at(at(0)));
        let told = mined(stream::iter(answers).boxed(), &asked(), clock).map(|told| match told {
            Ok(Told::Mined(mined)) => Ok(mined),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error),
        });
        told.collect().await
    }

    #[tokio::test(start_paused = true)]
    async fn lines_are_counted_by_pattern_version_and_interval() {
        let lines = vec![
            line(1, "1.42.0", "ERROR card vault timeout after 3002 ms"),
            line(30_000, "1.41.3", "card vault timeout after 9 ms"),
            line(30_001, "1.42.0", "card vault timeout after 11 ms"),
        ];
        let told = all(vec![Ok(written(lines.clone(), Some((0, 40_000)), 0))]).await;
        let [Ok(mined)] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((mined.begins, mined.read, mined.dropped, &mined.lines), (true, 3, 0, &lines));
        assert_eq!(mined.whole, [Span { from: at(0), to: at(40_000) }]);
        let counts: Vec<_> = mined.patterns.iter().map(|one| (one.number, one.text.as_str(), &one.counts)).collect();
        let of = |version: &str, ends: &[(i64, u64)]| {
            (version.to_owned(), ends.iter().map(|(end, count)| (at(*end), *count)).collect::<BTreeMap<_, _>>())
        };
        let first = BTreeMap::from([of("1.42.0", &[(30_000, 1)])]);
        let second = BTreeMap::from([of("1.41.3", &[(30_000, 1)]), of("1.42.0", &[(60_000, 1)])]);
        assert_eq!(
            counts,
            [(0, "ERROR card vault timeout after <*> ms", &first), (1, "card vault timeout after <*> ms", &second)]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_there_are_a_message_is_small_and_says_how_many() {
        let many: Vec<_> = (0..100_000).map(|n| line(n, "1", &format!("order {n} placed"))).collect();
        let pages = many.chunks(5_000).map(|page| Ok(written(page.to_vec(), None, 0))).chain([Ok(written(
            Vec::new(),
            None,
            7,
        ))]);
        let told = all(pages.collect()).await;
        let told: Vec<Mined> = told.into_iter().map(Result::unwrap).collect();
        assert!(told.len() <= 3, "{}", told.len());
        assert_eq!(told.iter().map(|mined| mined.read).sum::<u64>(), 100_000);
        assert_eq!(told.iter().map(|mined| mined.dropped).sum::<u64>(), 7);
        let lines: Vec<usize> = told.iter().map(|mined| mined.lines.len()).collect();
        assert!(lines[0] == WHOLE && lines[1..].iter().all(|lines| *lines <= SHOWN), "{lines:?}");
        assert!(told.iter().all(|mined| mined.patterns.len() <= 1));
        assert_eq!(told.last().unwrap().lines.last().map(|line| line.at), Some(at(99_999)));
        assert_eq!(told.iter().filter(|mined| mined.begins).count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_lines_were_dropped_of_is_not_called_whole() {
        let told = all(vec![
            Ok(written(Vec::new(), Some((0, 10)), 0)),
            Ok(written(Vec::new(), Some((10, 20)), 3)),
            Ok(written(Vec::new(), Some((20, 30)), 0)),
        ])
        .await;
        let whole: Vec<Span> = told.into_iter().flat_map(|mined| mined.unwrap().whole).collect();
        assert_eq!(whole, [Span { from: at(0), to: at(10) }, Span { from: at(20), to: at(30) }]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_comes_after_what_was_read_before_it() {
        let error = ProviderError::new(FaultKind::TimedOut, "too late");
        let told = all(vec![Ok(written(vec![line(1, "1", "x")], None, 0)), Err(error.clone())]).await;
        assert!(matches!(told.as_slice(), [Ok(mined), Err(last)] if mined.read == 1 && *last == error), "{told:?}");
        assert_eq!(all(vec![Err(error.clone())]).await, [Err(error)]);
        assert_eq!(all(vec![Ok(written(Vec::new(), None, 0))]).await.len(), 1, "that there is nothing is an answer");
    }

    #[tokio::test(start_paused = true)]
    async fn between_two_messages_a_quarter_of_a_second_passes_and_nothing_is_told_twice() {
        let clock: SharedClock = Arc::new(VirtualClock::starting_at(at(0)));
        let (tell, mut come) = mpsc::unbounded_channel();
        let answers = stream::poll_fn(move |context| come.poll_recv(context)).boxed();
        let mut told = mined(answers, &asked(), Arc::clone(&clock));
        let mut times = Vec::new();
        for n in 0..3 {
            tell.send(Ok(written(vec![line(n, "1", "x")], None, 0))).unwrap();
            let Some(Ok(Told::Mined(mined))) = told.next().await else { panic!("no message") };
            assert_eq!(mined.read, 1);
            times.push((clock.now() - at(0)).num_milliseconds());
        }
        assert_eq!(times, [0, 250, 500]);
    }

    #[tokio::test(start_paused = true)]
    async fn versions_without_end_are_counted_as_unknown() {
        let lines = (0..100).map(|n| line(n, &format!("v{n}"), "x")).collect();
        let told = all(vec![Ok(written(lines, None, 0))]).await;
        let counts = &told[0].as_ref().unwrap().patterns[0].counts;
        assert_eq!(counts.len(), VERSIONS + 1);
        assert_eq!(counts[""].values().sum::<u64>(), 84);
    }
}
