//! Charts as data: two versions over one stretch of time, scaled to 0..1. Where nothing was measured there is nothing: a
//! gap is never a zero, and never bridged.

use std::time::Duration;

use crate::{
    domain::{
        signal::{Point, Series},
        time::Timestamp,
    },
    view::{
        number,
        span::{Line, Role},
    },
};

/// A stretch of time: the one axis that all panels share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its left end.
    pub from: Timestamp,
    /// Its right end.
    pub to: Timestamp,
}

impl Span {
    /// Where a moment stands, 0 to 1; `None` outside.
    pub fn place(self, at: Timestamp) -> Option<f64> {
        let whole = (self.to - self.from).as_seconds_f64();
        let part = (at - self.from).as_seconds_f64();
        (whole > 0.0 && (0.0..=whole).contains(&part)).then(|| part / whole)
    }
}

/// A line in pieces: within a piece the points are joined, between pieces there was nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// Each piece: (time, value), both 0 to 1.
    pub pieces: Vec<Vec<(f64, f64)>>,
}

/// One chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// What is measured.
    pub title: &'static str,
    /// The values at its top and half way up, in words; its lowest row of dots is zero.
    pub scale: (String, String),
    /// Lines that it takes.
    pub height: usize,
    /// The version on its way in.
    pub canary: Trace,
    /// The version that served before.
    pub stable: Trace,
    /// The newest values in words, beside it.
    pub words: Vec<Line>,
}

/// A moment that is marked in every panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Where, 0 to 1.
    pub at: f64,
    /// What it is, in few letters: stands above the panels.
    pub label: String,
    /// When it was: stands on the axis.
    pub time: String,
}

/// Lines above and below the panels: what is marked and which windows values are of, and the axis.
pub const AROUND: usize = 2;

/// Charts below one another.
#[derive(Clone, Debug, PartialEq)]
pub struct Panels {
    /// From top to bottom.
    pub panels: Vec<Panel>,
    /// Over the words: which stretch of time each value is of.
    pub windows: Line,
    /// The ends of the axis in words.
    pub ends: (String, String),
    /// When steps began.
    pub marks: Vec<Mark>,
    /// Cells left of the charts.
    pub labels: usize,
    /// Cells right of the charts.
    pub words: usize,
}

impl Panels {
    /// Lines that they take, what is marked and the axis included.
    pub fn height(&self) -> usize {
        self.panels.iter().map(|panel| panel.height).sum::<usize>() + AROUND
    }
}

/// The least round number that is not below the largest value; half of it is round as well.
pub(super) fn top(largest: f64, least: f64) -> f64 {
    let largest = largest.max(least);
    let power = 10_f64.powf(largest.log10().floor());
    let round = ROUND.into_iter().map(|digit| digit * power).find(|round| *round >= largest * 0.999);
    round.unwrap_or(largest)
}

/// Digits that are easily read off an axis, and so are their halves.
const ROUND: [f64; 9] = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];

/// The largest value of the series within the span.
pub(super) fn largest(series: &[&Series], span: Span) -> f64 {
    let inside = |point: &&Point| span.place(point.at).is_some() && point.value.is_finite();
    series.iter().flat_map(|series| series.iter().filter(inside)).map(|point| point.value).fold(0.0, f64::max)
}

/// A series as a trace: broken where more than one step is missing.
pub(super) fn trace(series: &Series, span: Span, top: f64, step: Duration) -> Trace {
    let mut pieces: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut last: Option<Timestamp> = None;
    for point in series.iter().filter(|point| point.value.is_finite()) {
        let Some(x) = span.place(point.at) else { continue };
        let joined = last.is_some_and(|last| (point.at - last).as_seconds_f64() <= step.as_secs_f64() * 1.5);
        let place = (x, (point.value / top).clamp(0.0, 1.0));
        match pieces.last_mut().filter(|_| joined) {
            Some(piece) => piece.push(place),
            None => pieces.push(vec![place]),
        }
        last = Some(point.at);
    }
    Trace { pieces }
}

/// Cells of the name of a side, of its newest value, and of the one over the longer window.
pub(super) const VALUES: (usize, usize, usize) = (7, 9, 12);

/// `canary  3.70 %  3.10 %`: the newest value, or that there is none, and the one of the longer window where there is one.
pub(super) fn words(side: &'static str, role: Role, value: Option<String>, longer: Option<String>) -> Line {
    let (name, newest, whole) = VALUES;
    let line = Line::of(role, format!("{side:<name$}"));
    let line = match value {
        Some(value) => line.and(Role::Strong, format!("{value:>newest$}")),
        None => line.and(Role::Unknown, format!("{:>newest$}", "no data")),
    };
    longer.into_iter().fold(line, |line, longer| line.and(Role::Text, format!("{longer:>whole$}")))
}

/// `canary taken back`: its curve is there, and there is no value now.
pub(super) fn taken_back(side: &'static str, role: Role) -> Line {
    Line::of(role, format!("{side:<7}")).and(Role::Dim, "taken back")
}

/// The ends of the axis in words.
pub(super) fn ends(span: Span) -> (String, String) {
    (number::moment(span.to, span.from), number::moment(span.to, span.to))
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    fn at(second: i64) -> Timestamp {
        chrono::Utc.timestamp_opt(1_773_107_160 + second, 0).unwrap()
    }

    #[test]
    fn a_gap_breaks_the_line_and_is_never_a_zero() {
        let point = |second, value| Point { at: at(second), value };
        let series = vec![point(0, 1.0), point(30, 2.0), point(120, 4.0), point(150, f64::NAN), point(900, 1.0)];
        let span = Span { from: at(0), to: at(300) };
        let trace = trace(&series, span, 4.0, Duration::from_secs(30));
        assert_eq!(trace.pieces, [vec![(0.0, 0.25), (0.1, 0.5)], vec![(0.4, 1.0)]]);
        assert!((largest(&[&series], span) - 4.0).abs() < 1e-9);
    }

    #[test]
    fn the_top_is_a_round_number() {
        let table = [
            (0.031, 0.04),
            (0.05, 0.05),
            (1.24, 1.5),
            (24.0, 30.0),
            (0.0, 0.01),
            (51.0, 60.0),
            (0.94, 1.0),
            (71.0, 80.0),
        ];
        for (largest, round) in table {
            assert!((top(largest, 0.01) - round).abs() < 1e-9, "{largest}");
        }
    }
}
