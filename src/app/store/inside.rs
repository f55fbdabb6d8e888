//! The insides of runs: their trees, how their tests ended, and the log that somebody reads. Read only while somebody looks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    domain::{
        changes::Changes,
        ids::SourceName,
        line::Level,
        log::Line,
        object::ObjectId,
        observed::Fault,
        pipeline::{LogRef, Node},
        place::Place,
        report::{TestName, TestReport},
        setting::Settings,
        time::Timestamp,
    },
    port::lookup::LogPiece,
};

/// Trees that are kept: those that somebody looked at last.
const TREES: usize = 20;

/// Comparisons of commits that are kept.
const COMPARED: usize = 50;

/// Places of which the settings are kept: those that were asked about last.
const PLACES: usize = 200;

/// Lines of a log that are kept.
pub const LOG_LINES: usize = 5_000;

/// The tree of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    /// Its stages, jobs and steps as they were read last; `None` where they never were.
    pub nodes: Option<Vec<Node>>,
    /// When.
    pub at: Option<Timestamp>,
    /// Why they could not be read since.
    pub fault: Option<Fault>,
}

/// How the tests of a run ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tested {
    /// As it was read last; `None` where it never was.
    pub report: Option<TestReport>,
    /// Which of them it was asked for by name.
    pub named: BTreeSet<TestName>,
    /// When it last said something, well or badly.
    pub at: Option<Timestamp>,
    /// Why it could not be read since.
    pub fault: Option<Fault>,
}

/// A log, as far as it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    /// Its last lines.
    pub lines: VecDeque<Line>,
    /// How bad each of them is.
    levels: VecDeque<Option<Level>>,
    /// Are there more before the first of them?
    pub cut: bool,
    /// Nothing more comes.
    pub over: bool,
    /// So many lines left at the begin since it was read.
    pub dropped: usize,
    /// When something was last told of it.
    pub at: Option<Timestamp>,
    /// Why it could not be read since.
    pub fault: Option<Fault>,
}

impl Log {
    /// Its lines, or of them those that are at least so bad.
    pub fn at_least(&self, level: Option<Level>) -> Vec<&Line> {
        let both = self.lines.iter().zip(&self.levels);
        both.filter(|(_, own)| is_shown(**own, level)).map(|(line, _)| line).collect()
    }
}

/// Is a line of this level shown where those are that are at least so bad? One that does not say is none of these.
fn is_shown(own: Option<Level>, least: Option<Level>) -> bool {
    least.is_none() || own >= least
}

/// What a source told last of the settings of a place.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// As they were read last; `None` where they never were.
    pub settings: Option<Settings>,
    /// When it last said something, well or badly.
    pub at: Timestamp,
    /// Why they could not be read since.
    pub fault: Option<Fault>,
}

/// What lies between two commits, or why that cannot be said.
pub type Compared = Result<Changes, Fault>;

/// The trees that somebody looked at lately, the log that somebody reads, and what lies between commits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inside {
    trees: BTreeMap<ObjectId, Tree>,
    tested: BTreeMap<ObjectId, Tested>,
    /// By the commit that is live and the one that would be. It never changes: it is asked for once.
    changes: VecDeque<((String, String), Compared)>,
    settings: BTreeMap<(SourceName, Place), Given>,
    log: Option<((ObjectId, LogRef), Log)>,
}

impl Inside {
    /// Takes the tree of a run, or why there is none.
    pub fn take_tree(&mut self, run: &ObjectId, at: Timestamp, told: Result<Vec<Node>, Fault>) {
        let tree = self.trees.entry(run.clone()).or_default();
        match told {
            Ok(nodes) => *tree = Tree { nodes: Some(nodes), at: Some(at), fault: None },
            Err(fault) => tree.fault = Some(fault),
        }
        while self.trees.len() > TREES {
            let oldest = self.trees.iter().filter(|(id, _)| *id != run).min_by_key(|(_, tree)| tree.at);
            let Some(oldest) = oldest.map(|(id, _)| id.clone()) else { return };
            self.trees.remove(&oldest);
        }
    }

    /// Takes how the tests of a run ended, of which these were asked for by name, or why that is not known.
    pub fn take_tests(
        &mut self,
        run: &ObjectId,
        named: &BTreeSet<TestName>,
        at: Timestamp,
        told: Result<TestReport, Fault>,
    ) {
        let known = self.tested.entry(run.clone()).or_default();
        known.at = Some(at);
        match told {
            Ok(report) => (known.report, known.named, known.fault) = (Some(report), named.clone(), None),
            Err(fault) => known.fault = Some(fault),
        }
        while self.tested.len() > TREES {
            let oldest = self.tested.iter().filter(|(id, _)| *id != run).min_by_key(|(_, tested)| tested.at);
            let Some(oldest) = oldest.map(|(id, _)| id.clone()) else { return };
            self.tested.remove(&oldest);
        }
    }

    /// Takes lines of a log, or why there are none. Only one is kept: the one that was told of last. Says how many lines left at
    /// its begin that are at least so bad.
    pub fn take_log(
        &mut self,
        (run, log): (&ObjectId, &LogRef),
        at: Timestamp,
        told: Result<LogPiece, Fault>,
        level: Option<Level>,
    ) -> usize {
        let key = (run.clone(), log.clone());
        let mut known = self.log.take().filter(|(of, _)| *of == key).map(|(_, known)| known).unwrap_or_default();
        let mut left = 0;
        match told {
            Err(fault) => known.fault = Some(fault),
            Ok(piece) => {
                if !piece.goes_on {
                    known = Log { cut: piece.cut, ..Log::default() };
                }
                known.levels.extend(piece.lines.iter().map(Line::level));
                known.lines.extend(piece.lines);
                let over = known.lines.len().saturating_sub(LOG_LINES);
                known.lines.drain(..over);
                left = known.levels.drain(..over).filter(|own| is_shown(*own, level)).count();
                known.dropped += over;
                (known.cut, known.over, known.at, known.fault) = (known.cut || over > 0, piece.over, Some(at), None);
            }
        }
        self.log = Some((key, known));
        left
    }

    /// Takes what lies between two commits, or why that cannot be said.
    pub fn take_changes(&mut self, base: &str, head: &str, told: Compared) {
        self.changes.retain(|((of, to), _)| (of.as_str(), to.as_str()) != (base, head));
        self.changes.push_back(((base.to_owned(), head.to_owned()), told));
        if self.changes.len() > COMPARED {
            self.changes.pop_front();
        }
    }

    /// Takes the settings of a place as a source has them, or why it does not tell them.
    pub fn take_settings(&mut self, source: &SourceName, place: Place, at: Timestamp, told: Result<Settings, Fault>) {
        let known = self.settings.remove(&(source.clone(), place.clone())).and_then(|given| given.settings);
        let given = match told {
            Ok(settings) => Given { settings: Some(settings), at, fault: None },
            Err(fault) => Given { settings: known, at, fault: Some(fault) },
        };
        self.settings.insert((source.clone(), place), given);
        while self.settings.len() > PLACES {
            let oldest = self.settings.iter().min_by_key(|(_, given)| given.at).map(|(key, _)| key.clone());
            let Some(oldest) = oldest else { return };
            self.settings.remove(&oldest);
        }
    }

    /// What a source told of the settings of a place, where it was asked, and of which place.
    pub fn settings(&self, source: &SourceName, place: &Place) -> Option<(&Given, &Place)> {
        let known = self.settings.get_key_value(&(source.clone(), place.clone()));
        known.map(|((_, place), given)| (given, place))
    }

    /// What lies between two commits, where it was asked for.
    pub fn changes(&self, base: &str, head: &str) -> Option<&Compared> {
        let known = self.changes.iter().find(|((of, to), _)| (of.as_str(), to.as_str()) == (base, head));
        known.map(|(_, compared)| compared)
    }

    /// The tree of a run, where it was asked for.
    pub fn tree(&self, run: &ObjectId) -> Option<&Tree> {
        self.trees.get(run)
    }

    /// How the tests of a run ended, where it was asked for.
    pub fn tested(&self, run: &ObjectId) -> Option<&Tested> {
        self.tested.get(run)
    }

    /// A log, where it is the one that is read.
    pub fn log(&self, run: &ObjectId, log: &LogRef) -> Option<&Log> {
        self.log.as_ref().filter(|((of, name), _)| of == run && name == log).map(|(_, known)| known)
    }

    /// Forgets the log: nobody reads it any more.
    pub fn close_log(&mut self) {
        self.log = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app::sample::now, domain::observed::FaultKind};

    fn run(number: usize) -> ObjectId {
        ObjectId::new(&"forge".into(), "run", format!("acme/ledger/{number}"))
    }

    fn piece(words: &[&str], goes_on: bool) -> LogPiece {
        LogPiece { lines: words.iter().map(|text| Line::plain(text)).collect(), goes_on, ..LogPiece::default() }
    }

    fn words(log: &Log) -> Vec<&str> {
        log.lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn what_goes_on_is_added_and_what_does_not_takes_the_place_of_what_was_known() {
        let (mut inside, log) = (Inside::default(), LogRef::new("1"));
        inside.take_log((&run(1), &log), now(), Ok(piece(&["one"], false)), None);
        inside.take_log((&run(1), &log), now(), Ok(piece(&["two"], true)), None);
        assert_eq!(words(inside.log(&run(1), &log).unwrap()), ["one", "two"]);
        let fault = Fault::new(now(), FaultKind::Server, "502");
        inside.take_log((&run(1), &log), now(), Err(fault.clone()), None);
        let known = inside.log(&run(1), &log).unwrap();
        assert_eq!((words(known), &known.fault), (vec!["one", "two"], &Some(fault)), "what was good stays");
        inside.take_log((&run(1), &log), now(), Ok(piece(&["two", "three"], false)), None);
        let known = inside.log(&run(1), &log).unwrap();
        assert_eq!((words(known), &known.fault), (vec!["two", "three"], &None));
        inside.take_log((&run(2), &log), now(), Ok(piece(&["other"], false)), None);
        assert_eq!(inside.log(&run(1), &log), None, "one is read at a time");
    }

    #[test]
    fn a_log_that_grows_for_ever_keeps_its_end_and_says_that_it_is_cut() {
        let (mut inside, log) = (Inside::default(), LogRef::new("1"));
        let many: Vec<String> = (0..LOG_LINES).map(|line| line.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(inside.take_log((&run(1), &log), now(), Ok(piece(&many, false)), None), 0);
        assert!(!inside.log(&run(1), &log).unwrap().cut);
        assert_eq!(inside.take_log((&run(1), &log), now(), Ok(piece(&["a", "b"], true)), None), 2);
        let known = inside.log(&run(1), &log).unwrap();
        assert_eq!((known.lines.len(), known.cut, known.lines[0].text.as_str()), (LOG_LINES, true, "2"));
        let bad: Vec<String> = (0..LOG_LINES).map(|line| format!("failed {line}")).collect();
        let bad: Vec<&str> = bad.iter().map(String::as_str).collect();
        let worse = Some(Level::Warn);
        assert_eq!(inside.take_log((&run(1), &log), now(), Ok(piece(&bad, true)), worse), 0, "none of them was so bad");
        assert_eq!(inside.take_log((&run(1), &log), now(), Ok(piece(&["a"], true)), worse), 1);
        assert_eq!(inside.log(&run(1), &log).unwrap().at_least(worse).len(), LOG_LINES - 1);
    }

    #[test]
    fn tests_that_were_read_stay_through_a_failure_and_the_oldest_are_forgotten() {
        let (mut inside, named) = (Inside::default(), BTreeSet::from([TestName::new("unit", "", "pays")]));
        let report = TestReport { passed: 3, ..TestReport::default() };
        inside.take_tests(&run(1), &named, now(), Ok(report.clone()));
        let fault = Fault::new(now(), FaultKind::Server, "502");
        inside.take_tests(&run(1), &BTreeSet::new(), now(), Err(fault.clone()));
        let known = Tested { report: Some(report), named, at: Some(now()), fault: Some(fault) };
        assert_eq!(inside.tested(&run(1)), Some(&known));
        for number in 2..=TREES + 1 {
            let at = now() + chrono::TimeDelta::seconds(i64::try_from(number).unwrap());
            inside.take_tests(&run(number), &BTreeSet::new(), at, Ok(TestReport::default()));
        }
        assert_eq!((inside.tested(&run(1)), inside.tested(&run(2)).is_some()), (None, true));
    }

    #[test]
    fn trees_that_nobody_looked_at_for_long_are_forgotten_and_a_failure_clears_none() {
        let mut inside = Inside::default();
        for number in 0..=TREES {
            let at = now() + chrono::TimeDelta::seconds(i64::try_from(number).unwrap());
            inside.take_tree(&run(number), at, Ok(Vec::new()));
        }
        assert!(inside.tree(&run(0)).is_none() && inside.tree(&run(1)).is_some());
        inside.take_tree(&run(1), now(), Err(Fault::new(now(), FaultKind::Server, "502")));
        let tree = inside.tree(&run(1)).unwrap();
        assert_eq!((tree.nodes.as_deref(), tree.fault.is_some()), (Some([].as_slice()), true));
    }
}
