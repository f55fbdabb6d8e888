//! A job's log as it grows: of each step of each machine that the job ran on, what it wrote. CircleCI keeps the two streams of a step by
//! themselves; of one that has ended what it wrote to the second stands behind the first.

use std::time::Duration;

use crate::{
    domain::{
        log::{Line, Mark, shown},
        text::clean,
    },
    port::lookup::LogPiece,
    provider::{circleci::api, http::lines::LastLines},
};

/// How soon more is looked for after something came, and after nothing did.
pub(super) const PACES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(10)];
/// Steps of a job that are read, its last ones: each costs two requests.
const MOST_STEPS: usize = 12;

/// One step of one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Which machine, from 0, and which step there.
    pub(super) place: (usize, u64),
    heading: String,
    pub(super) ended: bool,
    /// It ended badly, by this.
    failed: Option<String>,
}

/// The steps of a job in order, and whether there are more before them. One that has not begun wrote nothing.
pub(super) fn parts(job: &api::Detail) -> (Vec<Part>, bool) {
    let machines = &job.attributes.parallel_executions;
    let several = machines.len() > 1;
    let of = |(machine, execution): (usize, &api::Execution)| -> Vec<Part> {
        let begun = execution.steps.iter().filter(|step| !matches!(step.phase.as_deref(), Some("created" | "queued")));
        let part = |step: &api::Step| {
            let name = clean(step.name.as_deref().unwrap_or("step"));
            let heading = if several { format!("{name} ({} of {})", machine + 1, machines.len()) } else { name };
            let ended = step.phase.as_deref() == Some("ended");
            let bad = step.outcome.as_deref().filter(|outcome| ended && !matches!(*outcome, "succeeded" | ""));
            let failed = bad.map(|outcome| match step.exit_code {
                Some(code) => format!("{}, exit code {code}", clean(outcome)),
                None => clean(outcome),
            });
            Some(Part { place: (machine, step.num?), heading, ended, failed })
        };
        begun.filter_map(part).collect()
    };
    let all: Vec<Part> = machines.iter().enumerate().flat_map(of).collect();
    let over = all.len().saturating_sub(MOST_STEPS);
    (all.into_iter().skip(over).collect(), over > 0)
}

/// Has the job ended?
pub(super) fn ended(job: &api::Detail) -> bool {
    job.attributes.phase.as_deref() == Some("ended")
}

/// A log, as far as it was read.
#[derive(Debug)]
pub(super) struct Log {
    most: usize,
    out: Vec<Line>,
    /// The step that is read, and from which byte on.
    open: Option<(usize, u64, usize)>,
    lines: LastLines,
    /// Steps that were read to their end.
    done: Vec<(usize, u64)>,
    cut: bool,
}

impl Log {
    /// Keeps so many lines of what is read at first.
    pub(super) fn new(most: usize) -> Self {
        Self { most, out: Vec::new(), open: None, lines: LastLines::new(most), done: Vec::new(), cut: false }
    }

    /// Was this step read to its end?
    pub(super) fn is_done(&self, part: &Part) -> bool {
        self.done.contains(&part.place)
    }

    /// From which byte on a step is to be read; begins it where it is another one.
    pub(super) fn place(&mut self, part: &Part) -> usize {
        match self.open {
            Some((machine, step, at)) if (machine, step) == part.place => at,
            _ => {
                self.open = Some((part.place.0, part.place.1, 0));
                self.out.push(Line { mark: Mark::Group, text: part.heading.clone(), ..Line::default() });
                0
            }
        }
    }

    /// Takes what was written behind what was read; true where something was.
    pub(super) fn take(&mut self, bytes: &[u8]) -> bool {
        if let Some((_, _, at)) = &mut self.open {
            *at += bytes.len();
        }
        self.lines.take(bytes);
        let whole = self.lines.whole();
        self.write(&whole);
        !bytes.is_empty()
    }

    /// Takes what a step wrote to its second stream, and ends it.
    pub(super) fn end(&mut self, part: &Part, second: &[u8]) {
        let rest = self.lines.all();
        self.write(&rest);
        self.lines.take(second);
        let rest = self.lines.all();
        self.write(&rest);
        if let Some(failed) = &part.failed {
            self.out.push(Line { mark: Mark::Error, grouped: true, text: failed.clone(), ..Line::default() });
        }
        self.done.push(part.place);
        self.open = None;
    }

    fn write(&mut self, lines: &[String]) {
        self.out.extend(lines.iter().map(|raw| Line { grouped: true, text: shown(raw), ..Line::default() }));
    }

    /// What came since this was asked last.
    pub(super) fn piece(&mut self, goes_on: bool, cut: bool, over: bool) -> LogPiece {
        let mut lines = std::mem::take(&mut self.out);
        let many = lines.len().saturating_sub(self.most);
        lines.drain(..many);
        self.cut |= cut || many > 0;
        LogPiece { lines, goes_on, cut: !goes_on && self.cut, over }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(step: u64, ended: bool, failed: Option<&str>) -> Part {
        Part { place: (0, step), heading: format!("step {step}"), ended, failed: failed.map(str::to_owned) }
    }

    fn words(piece: &LogPiece) -> Vec<&str> {
        piece.lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn each_step_stands_below_its_heading_with_both_streams_and_why_it_failed() {
        let mut log = Log::new(9);
        let (one, two) = (part(1, true, Some("failed, exit code 1")), part(2, false, None));
        assert_eq!(log.place(&one), 0);
        assert!(log.take(b"\x1b[31mred\x1b[0m\nha"));
        assert_eq!(log.place(&one), 15, "it goes on behind what was read");
        log.take(b"lf");
        log.end(&one, b"to the other stream\n");
        log.place(&two);
        log.take(b"begun");
        let piece = log.piece(false, false, false);
        assert_eq!(words(&piece), ["step 1", "red", "half", "to the other stream", "failed, exit code 1", "step 2"]);
        assert!(log.is_done(&one) && !log.is_done(&two));
        log.end(&two, b"");
        assert_eq!(words(&log.piece(true, false, true)), ["begun"]);
    }

    #[test]
    fn of_many_steps_the_last_are_read_and_one_that_has_not_begun_is_none() {
        let step =
            |num: u64, phase: &str| api::Step { num: Some(num), phase: Some(phase.to_owned()), ..api::Step::default() };
        let steps: Vec<_> = (0..20).map(|num| step(num, if num == 19 { "queued" } else { "ended" })).collect();
        let attributes = api::DetailAttributes { phase: None, parallel_executions: vec![api::Execution { steps }] };
        let (all, cut) = parts(&api::Detail { attributes });
        assert_eq!((all.len(), all[0].place, cut), (MOST_STEPS, (0, 7), true));
    }
}
