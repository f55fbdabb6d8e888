//! What the two versions of a release write: which question is open, the patterns and their counts, and what is proven of them.
//!
//! Lines are counted where they are read (`runtime`); here their counts meet the requests of the same intervals. Here must not live:
//! where lines come from, words for a screen.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    app::model::Model,
    domain::{
        ids::SourceName,
        line::{LogLine, Pattern, Span},
        naming::{self, Label},
        object::ObjectId,
        observed::Fault,
        rollout::{Arm, Role, Rollout},
        signal::VersionSignals,
        time::Timestamp,
    },
    judge::{
        counts::{Arms, Tally},
        pattern::{Finding, Rate},
        ratio::Ratio,
    },
    port::lookup::{Lines, Mined, Topic},
};

/// Lines that are kept, the newest.
pub const KEPT: usize = 1_000;
/// Intervals whose counts wait for the requests of the same time. What waits longer is counted, but not tested.
const WAITING: usize = 240;

/// The lines of a release.
#[derive(Clone, Debug, PartialEq)]
pub struct Logs {
    /// Through which connection.
    pub source: SourceName,
    /// What is asked.
    pub asked: Lines,
    /// The version on its way in when that was asked, by its hash.
    pub canary: String,
    /// When it was last answered.
    pub at: Option<Timestamp>,
    /// Why it was not, the last time.
    pub fault: Option<Fault>,
    /// The newest lines, in order of time.
    pub lines: VecDeque<LogLine>,
    /// How many lines were read.
    pub read: u64,
    /// How many were left out, at least.
    pub dropped: u64,
    /// What was read to its end, in order.
    whole: Vec<Span>,
    patterns: BTreeMap<u32, Known>,
    /// The requests of the intervals that were tested, and the end of each that was.
    requests: Arms,
    tested: BTreeSet<Timestamp>,
}

/// A pattern, and its counts so far.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    /// Its counts are those that are not tested yet.
    pattern: Pattern,
    /// All of its lines, by version as the source calls it.
    total: BTreeMap<String, u64>,
    rate: Rate,
}

/// A pattern as it stands now.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing<'a> {
    /// The pattern.
    pub pattern: &'a Pattern,
    /// Its lines of the canary, of stable, and of neither.
    pub lines: (u64, u64, u64),
    /// Its lines for each 1,000 requests, of the canary and of stable, in the intervals of which both are known.
    pub per_thousand: Option<(f64, f64)>,
    /// What is proven.
    pub finding: Finding,
    rate: &'a Rate,
}

impl Standing<'_> {
    /// The canary's rate over stable's. Worked out when it is wanted: there may be hundreds of patterns, and few are shown.
    pub fn ratio(&self) -> Ratio {
        self.rate.ratio()
    }
}

impl Logs {
    /// Nothing is answered yet.
    pub fn new(source: SourceName, asked: Lines, canary: String) -> Self {
        Self {
            source,
            asked,
            canary,
            at: None,
            fault: None,
            lines: VecDeque::new(),
            read: 0,
            dropped: 0,
            whole: Vec::new(),
            patterns: BTreeMap::new(),
            requests: Arms::default(),
            tested: BTreeSet::new(),
        }
    }

    /// Takes what is new. The first answer to a question that is asked again tells everything again.
    pub fn take(&mut self, at: Timestamp, mined: Mined) {
        if mined.begins {
            *self = Self::new(self.source.clone(), self.asked.clone(), self.canary.clone());
        }
        (self.at, self.fault) = (Some(at), None);
        self.read += mined.read;
        self.dropped += mined.dropped;
        for gone in mined.forgotten {
            self.patterns.remove(&gone);
        }
        for pattern in mined.patterns {
            if let Some(known) = self.patterns.get_mut(&pattern.number) {
                known.add(pattern);
            } else {
                self.patterns.insert(pattern.number, Known::new(pattern));
            }
        }
        self.keep(mined.lines);
        for span in mined.whole {
            self.read_to_its_end(span);
        }
    }

    /// Keeps the newest lines. Those of an earlier time may come later: a window is read from its end.
    fn keep(&mut self, lines: Vec<LogLine>) {
        let older = self.lines.back().zip(lines.first()).is_some_and(|(last, first)| first.at < last.at);
        self.lines.extend(lines);
        if older {
            self.lines.make_contiguous().sort_by_key(|line| line.at);
        }
        let over = self.lines.len().saturating_sub(KEPT);
        self.lines.drain(..over);
    }

    fn read_to_its_end(&mut self, span: Span) {
        let mut joined = span;
        self.whole.retain(|other| match joined.joined(other) {
            Some(both) => {
                joined = both;
                false
            }
            None => true,
        });
        self.whole.push(joined);
        self.whole.sort();
    }

    /// Was all of the window read to its end, or as much of it as was asked for?
    pub fn is_read(&self) -> bool {
        self.since().is_some_and(|since| since <= self.asked.window.from) || self.read >= self.asked.most as u64
    }

    /// Since when everything was read; `None` while nothing was.
    pub fn since(&self) -> Option<Timestamp> {
        Some(self.whole.last()?.from)
    }

    /// Tests the intervals that were read to their end and whose requests are counted.
    fn test(&mut self, arms: &[Label<'_>], sides: [Option<usize>; 2], signals: [&VersionSignals; 2]) {
        let step = self.asked.window.step;
        let [canary, stable] = signals.map(|side| &side.counts);
        for counts in canary {
            let (from, to) = (counts.from, counts.to);
            let span = Span { from, to };
            let is_step = (to - from).to_std().is_ok_and(|length| length == step);
            if !is_step || self.tested.contains(&to) || !self.whole.iter().any(|whole| whole.holds(&span)) {
                continue;
            }
            let Some(other) = stable.iter().find(|other| other.to == to && other.from == from) else { continue };
            let tally = |requests, errors| Tally { requests, errors };
            let of = |known: &Known, side: Option<usize>| {
                let label = side.and_then(|at| arms.get(at))?;
                known.pattern.counts.get(label.text)?.get(&to).copied()
            };
            for known in self.patterns.values_mut() {
                let lines = sides.map(|side| of(known, side).unwrap_or_default());
                let [canary, stable] = lines;
                known
                    .rate
                    .fold(&Arms { canary: tally(counts.requests, canary), stable: tally(other.requests, stable) });
                for by_end in known.pattern.counts.values_mut() {
                    by_end.remove(&to);
                }
            }
            self.requests =
                self.requests + Arms { canary: tally(counts.requests, 0), stable: tally(other.requests, 0) };
            self.tested.insert(to);
        }
        while self.tested.len() > 4 * WAITING {
            self.tested.pop_first();
        }
    }

    /// The versions, as the source calls them.
    fn versions(&self) -> Vec<&str> {
        let mut all: Vec<&str> =
            self.patterns.values().flat_map(|known| known.total.keys()).map(String::as_str).collect();
        all.sort_unstable();
        all.dedup();
        all.retain(|version| !version.is_empty());
        all
    }
}

impl Known {
    fn new(pattern: Pattern) -> Self {
        let mut known = Self { pattern, total: BTreeMap::new(), rate: Rate::default() };
        let counts = known.pattern.counts.clone();
        known.sum(&counts);
        known
    }

    fn add(&mut self, news: Pattern) {
        self.sum(&news.counts);
        let own = &mut self.pattern;
        own.level = own.level.max(news.level);
        (own.first, own.last) = (own.first.min(news.first), own.last.max(news.last));
        (own.text, own.example) = (news.text, news.example);
        for (version, by_end) in news.counts {
            let known = own.counts.entry(version).or_default();
            for (end, count) in by_end {
                *known.entry(end).or_default() += count;
            }
            while known.len() > WAITING {
                known.pop_first();
            }
        }
    }

    fn sum(&mut self, counts: &BTreeMap<String, BTreeMap<Timestamp, u64>>) {
        for (version, by_end) in counts {
            *self.total.entry(version.clone()).or_default() += by_end.values().sum::<u64>();
        }
    }
}

/// The canary and stable of a release: those that its panels are about.
fn sides<'m>(model: &'m Model, rollout: &'m Rollout) -> [Option<&'m Arm>; 2] {
    let canary = rollout.side(Role::Canary).or_else(|| model.taken_back(rollout));
    [canary, rollout.side(Role::Stable)]
}

/// Which of the versions that write are the two sides of a release.
fn places(model: &Model, rollout: &Rollout, labels: &[Label<'_>]) -> [Option<usize>; 2] {
    sides(model, rollout).map(|side| {
        let arm = side?;
        let others = rollout.arms.iter().filter(|other| other.hash != arm.hash);
        let all: Vec<&Arm> = others.chain([arm]).collect();
        naming::label_of(labels, &all, arm)
    })
}

fn labels(versions: &[String]) -> Vec<Label<'_>> {
    versions.iter().map(|text| Label { text, role: None }).collect()
}

/// Whoever is asked for lines: what keeps them; else the system that a release runs on, which has those of what still runs.
pub fn keeper(model: &Model, release: Option<&Rollout>) -> Option<SourceName> {
    let all = || model.session.sources.iter().filter(|info| info.answers.contains(&Topic::Lines));
    let keeps = all().find(|info| info.inventories.is_empty());
    let runs = || all().find(|info| release.is_some_and(|release| release.id.source == info.name));
    keeps.or_else(runs).map(|info| info.name.clone())
}

/// Asks for these lines of a release, whatever was asked before.
pub fn ask(model: &mut Model, id: &ObjectId, asked: Lines) -> bool {
    let Some(rollout) = model.store.rollout(id) else { return false };
    let Some(source) = keeper(model, Some(rollout)) else { return false };
    let canary = rollout.identity.canary_hash.clone();
    model.logs.insert(id.clone(), Logs::new(source, asked, canary));
    true
}

/// Holds the counts of lines against the requests that are known by now.
pub(super) fn test(model: &mut Model) {
    let ids: Vec<ObjectId> = model.logs.keys().cloned().collect();
    for id in ids {
        let Some(mut logs) = model.logs.remove(&id) else { continue };
        if let Some(rollout) = model.store.rollout(&id) {
            let versions: Vec<String> = logs.versions().into_iter().map(str::to_owned).collect();
            let labels = labels(&versions);
            let places = places(model, rollout, &labels);
            let measured = (model.curve(rollout, Role::Canary), model.curve(rollout, Role::Stable));
            if let ((Some(canary), Some(stable)), false) = (measured, places == [None, None]) {
                logs.test(&labels, places, [canary, stable]);
            }
        }
        model.logs.insert(id, logs);
    }
}

/// Whose a line is: the side of the release that wrote it.
pub fn side(model: &Model, rollout: &Rollout, version: &str) -> Option<Role> {
    let versions = [version.to_owned()];
    let [canary, stable] = places(model, rollout, &labels(&versions));
    canary.map(|_| Role::Canary).or(stable.map(|_| Role::Stable))
}

/// The patterns of a release: what is proven first, then by how bad they say they are and how many the canary wrote.
pub fn standing<'m>(model: &'m Model, rollout: &Rollout) -> Vec<Standing<'m>> {
    let Some(logs) = model.logs.get(&rollout.id) else { return Vec::new() };
    let versions: Vec<String> = logs.versions().into_iter().map(str::to_owned).collect();
    let places = places(model, rollout, &labels(&versions));
    let mut all: Vec<Standing<'m>> = logs
        .patterns
        .values()
        .map(|known| {
            let of = |place: Option<usize>| {
                place.and_then(|at| known.total.get(versions.get(at)?)).copied().unwrap_or_default()
            };
            let [canary, stable] = places.map(of);
            let rest = known.total.values().sum::<u64>().saturating_sub(canary + stable);
            let tested = known.rate.counted();
            let rate = |lines: u64, requests: u64| Rate::per_thousand(Tally { requests, errors: lines });
            let canary_rate = rate(tested.canary.errors, logs.requests.canary.requests);
            let stable_rate = rate(tested.stable.errors, logs.requests.stable.requests);
            Standing {
                pattern: &known.pattern,
                lines: (canary, stable, rest),
                per_thousand: canary_rate.zip(stable_rate),
                rate: &known.rate,
                finding: known.rate.finding(known.pattern.number),
            }
        })
        .collect();
    let rank = |one: &Standing<'_>| {
        let proven = match one.finding {
            Finding::New => 2,
            Finding::More => 1,
            Finding::Nothing => 0,
        };
        (proven, one.pattern.level, one.lines.0, one.lines.1, std::cmp::Reverse(one.pattern.number))
    };
    all.sort_by_key(|one| std::cmp::Reverse(rank(one)));
    all
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        app::{
            intent::Intent,
            msg::Msg,
            sample::{measures, now, payments, seeing},
            store::SourceInfo,
            update::update,
            wants::wants,
        },
        domain::{
            line::Level,
            observed::FaultKind,
            signal::{Counts, ServiceSignals},
        },
        port::{
            facet::Window,
            lookup::{Question, Told},
        },
    };

    const STEP: Duration = Duration::from_secs(30);

    fn at(seconds: i64) -> Timestamp {
        now() - Duration::from_mins(10) + chrono::TimeDelta::seconds(seconds)
    }

    /// A release on screen, of a service whose lines somebody keeps.
    fn looking() -> (Model, Lines) {
        let mut model = seeing(vec![payments()]);
        model.session.sources.push(SourceInfo {
            name: "logs".into(),
            inventories: Vec::new(),
            answers: vec![Topic::Lines],
            interval: Duration::from_secs(2),
            coverage: crate::domain::place::Coverage::default(),
        });
        model.session.signal_step = STEP;
        update(&mut model, Msg::Intent(Intent::Open));
        let asked = asked(&model).expect("a question is open");
        (model, asked)
    }

    fn asked(model: &Model) -> Option<Lines> {
        wants(model).questions.into_iter().find_map(|(_, question)| match question {
            Question::Lines(asked) => Some(asked),
            _ => None,
        })
    }

    fn tell(model: &mut Model, asked: &Lines, told: Result<Mined, Fault>) {
        let (source, question) = ("logs".into(), Question::Lines(asked.clone()));
        update(model, Msg::Told { source, at: model.now, question, told: told.map(Told::Mined) });
    }

    /// Lines of a pattern: how many the canary and stable wrote in each interval that ends so many seconds later.
    fn pattern(number: u32, text: &str, lines: &[(i64, u64, u64)]) -> Pattern {
        let of = |side: fn(&(i64, u64, u64)) -> u64| {
            lines.iter().filter(|one| side(one) > 0).map(|one| (at(one.0), side(one))).collect::<BTreeMap<_, _>>()
        };
        let counts = [("1.42.0", of(|one| one.1)), ("1.41.3", of(|one| one.2))];
        Pattern {
            number,
            text: text.to_owned(),
            level: Some(Level::Error),
            example: text.to_owned(),
            first: at(1),
            last: at(2),
            counts: counts.into_iter().map(|(version, by_end)| (version.to_owned(), by_end)).collect(),
        }
    }

    fn mined(patterns: Vec<Pattern>, whole: (i64, i64)) -> Mined {
        let whole = vec![Span { from: at(whole.0), to: at(whole.1) }];
        Mined { begins: true, patterns, read: 100, whole, ..Mined::default() }
    }

    /// The requests of both versions in these intervals.
    fn serve(model: &mut Model, ends: &[i64]) {
        let counts = |requests: u64| {
            let of = |end: &i64| Counts { from: at(end - 30), to: at(*end), requests, errors: 0 };
            ends.iter().map(of).collect()
        };
        let version = |label: &str, requests| VersionSignals {
            label: label.to_owned(),
            counts: counts(requests),
            ..VersionSignals::default()
        };
        let versions = vec![version("1.42.0", 720), version("1.41.3", 2160)];
        let signals = ServiceSignals { service: "payments".into(), environment: "".into(), step: STEP, versions };
        let window = Window { from: at(0), to: at(600), step: STEP };
        let told = measures("prometheus", model.now, window, Ok(vec![signals]));
        update(model, told);
    }

    /// So many lines of each version for each 1,000 requests of so many intervals.
    fn rates(canary: u64, stable: u64, intervals: u64) -> Option<(f64, f64)> {
        let of = |errors, requests| Rate::per_thousand(Tally { requests: requests * intervals, errors });
        of(canary, 720).zip(of(stable, 2160))
    }

    fn standing_of(model: &Model) -> Vec<(String, (u64, u64, u64), Finding)> {
        let rollout = model.store.rollouts().next().unwrap();
        standing(model, rollout).into_iter().map(|one| (one.pattern.text.clone(), one.lines, one.finding)).collect()
    }

    #[test]
    fn lines_are_asked_for_while_their_release_is_on_screen_and_the_question_stays_the_same() {
        let (mut model, first) = looking();
        assert_eq!((first.level, first.follow, first.service.as_str()), (Some(Level::Warn), true, "payments"));
        assert_eq!(first.window.to - first.window.from, chrono::TimeDelta::minutes(30));
        model.now += Duration::from_mins(1);
        update(&mut model, Msg::Tick(now() + Duration::from_mins(1)));
        assert_eq!(asked(&model), Some(first));
        update(&mut model, Msg::Intent(Intent::Back));
        assert_eq!(asked(&model), None);
    }

    #[test]
    fn a_pattern_is_tested_against_the_requests_of_the_same_intervals_and_only_those_that_were_read_whole() {
        let (mut model, asked) = looking();
        let vault = pattern(0, "card vault timeout after <*> ms", &[(30, 20, 0), (60, 25, 0), (90, 30, 0)]);
        let slow = pattern(1, "slow query <*> ms", &[(30, 1, 3), (60, 1, 3)]);
        tell(&mut model, &asked, Ok(mined(vec![vault, slow], (0, 60))));
        let none = [
            ("card vault timeout after <*> ms".to_owned(), (75, 0, 0), Finding::Nothing),
            ("slow query <*> ms".to_owned(), (2, 6, 0), Finding::Nothing),
        ];
        assert_eq!(standing_of(&model), none, "nothing is known of the requests");
        serve(&mut model, &[30, 60, 90]);
        let rollout = payments();
        let all = standing(&model, &rollout);
        assert_eq!((all[0].finding, all[0].lines), (Finding::New, (75, 0, 0)));
        assert_eq!(all[0].per_thousand, rates(45, 0, 2), "the third interval was not read whole");
        assert_eq!((all[1].finding, all[1].per_thousand), (Finding::Nothing, rates(2, 6, 2)));
        // The rest of the third interval comes, and it is tested then.
        let more = pattern(0, "card vault timeout after <*> ms", &[(90, 5, 0)]);
        tell(&mut model, &asked, Ok(Mined { begins: false, ..mined(vec![more], (60, 90)) }));
        let all = standing(&model, &rollout);
        assert_eq!((all[0].lines, all[0].per_thousand), ((80, 0, 0), rates(80, 0, 3)));
    }

    #[test]
    fn an_answer_that_begins_anew_replaces_what_was_counted_and_a_fault_leaves_it() {
        let (mut model, asked) = looking();
        let line = |count| mined(vec![pattern(0, "x", &[(30, count, 0)])], (0, 60));
        tell(&mut model, &asked, Ok(line(3)));
        let fault = Fault::new(now(), FaultKind::TimedOut, "too late");
        tell(&mut model, &asked, Err(fault.clone()));
        assert_eq!(standing_of(&model), [("x".to_owned(), (3, 0, 0), Finding::Nothing)]);
        assert_eq!(model.logs.values().next().unwrap().fault, Some(fault));
        tell(&mut model, &asked, Ok(line(2)));
        assert_eq!(standing_of(&model), [("x".to_owned(), (2, 0, 0), Finding::Nothing)]);
        let forgotten = Mined { forgotten: vec![0], ..Mined::default() };
        tell(&mut model, &asked, Ok(forgotten));
        assert_eq!(standing_of(&model), []);
    }

    #[test]
    fn the_newest_lines_are_kept_in_order_whatever_order_they_come_in() {
        let (mut model, asked) = looking();
        let lines = |from: i64, to: i64| (from..to).map(|second| LogLine::new(at(second), "x")).collect::<Vec<_>>();
        for (from, to) in [(600, 1_200), (0, 600), (1_200, 1_400)] {
            tell(&mut model, &asked, Ok(Mined { lines: lines(from, to), ..Mined::default() }));
        }
        let kept: Vec<_> = model.logs.values().next().unwrap().lines.iter().map(|line| line.at).collect();
        assert_eq!((kept.len(), kept[0], *kept.last().unwrap()), (KEPT, at(400), at(1_399)));
        assert!(kept.is_sorted());
    }
}
