//! Values of single arguments and how each is written.

use std::{str::FromStr, time::Duration};

use clap::ValueEnum;
use strum::IntoEnumIterator;

use crate::{
    cli::args::Keys,
    domain::{
        line::Level,
        pipeline::RunStatus,
        time::{Timestamp, after},
        verb::Verb,
    },
};

/// The longest span that is taken: more would leave the calendar.
const LONGEST: Duration = Duration::from_hours(24 * 366);

/// How far the world is brought at most: that takes seconds.
const FURTHEST: Duration = Duration::from_hours(24 * 7);

fn span(text: &str) -> Result<Duration, String> {
    let read = humantime::parse_duration(text).ok().filter(|span| *span <= LONGEST);
    read.ok_or_else(|| "write e.g. 90s, 20m or 1h30m".to_owned())
}

/// What a verb acts on, by its name. A span of time is none: `--wait 30s` would name one.
pub(super) fn target(text: &str) -> Result<String, String> {
    match span(text) {
        Ok(_) => Err(format!("a time is no target: is --wait={text} meant?")),
        Err(_) => Ok(text.to_owned()),
    }
}

/// `+20m`, or `20m`.
pub(super) fn since_start(text: &str) -> Result<Duration, String> {
    let read = span(text.strip_prefix('+').unwrap_or(text))?;
    if read > FURTHEST {
        return Err(format!("the world lives through all of it: at most {}", humantime::format_duration(FURTHEST)));
    }
    Ok(read)
}

/// How long ago: `30m`.
pub(super) fn ago(text: &str) -> Result<Duration, String> {
    span(text)
}

/// How long between two looks: a second at least.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    let read = span(text)?;
    if read < Duration::from_secs(1) { Err("at least 1s".to_owned()) } else { Ok(read) }
}

/// How bad a line says it is.
pub(super) fn level(text: &str) -> Result<Level, String> {
    Level::named(text).ok_or_else(|| "write trace, debug, info, warn, error or fatal".to_owned())
}

/// A number of lines: 1 to 100,000.
pub(super) fn lines(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|lines| (1..=100_000).contains(lines)).ok_or_else(|| "write 1 to 100000".to_owned())
}

/// What everything random in the world follows from.
pub(super) fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("write a whole number, 0 or more, at most {}", u64::MAX))
}

/// How fast the world's time goes: more than 0, at most 10,000.
pub(super) fn speed(text: &str) -> Result<f64, String> {
    let read = text.parse::<f64>().ok().filter(|speed| *speed > 0.0 && *speed <= 10_000.0);
    read.ok_or_else(|| "write a number above 0, at most 10000".to_owned())
}

/// `j Enter`: keys with blanks between them.
pub(super) fn chords(text: &str) -> Result<Keys, String> {
    text.split_whitespace().map(|key| key.parse().map_err(|e| format!("{e}"))).collect::<Result<_, _>>().map(Keys)
}

/// `NAME=VALUE`.
pub(super) fn named(text: &str) -> Result<(String, String), String> {
    let said = text.split_once('=').filter(|(name, _)| !name.is_empty());
    said.map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or_else(|| "write NAME=VALUE".to_owned())
}

/// What a version is called. Nothing is no name: a script whose variable is empty has not said which one it means.
pub(super) fn version(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("name the version".to_owned()) } else { Ok(text.to_owned()) }
}

/// A verb by its name: `promote-full`, `promote_full`.
pub(super) fn verb(text: &str) -> Result<Verb, String> {
    text.replace('-', "_").parse().map_err(|_| {
        let all: Vec<String> = Verb::iter().map(|verb| verb.to_string().replace('_', "-")).collect();
        format!("it is one of {}", all.join(", "))
    })
}

/// Where a run is.
pub(super) fn run_status(text: &str) -> Result<RunStatus, String> {
    text.parse().map_err(|_| {
        let all: Vec<String> = RunStatus::iter().map(|status| status.to_string()).collect();
        format!("it is one of {}", all.join(", "))
    })
}

/// How long a verb is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Until it is verified, refused, failed, or cannot be told.
    Verified,
    /// At most this long; zero does not wait.
    AtMost(Duration),
}

impl FromStr for Wait {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "verified" { Ok(Self::Verified) } else { span(text).map(Self::AtMost) }
    }
}

/// A moment of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// On the clock.
    At(Timestamp),
    /// Since its start.
    After(Duration),
}

impl Moment {
    /// The moment on the clock, in a recording that starts then.
    pub fn in_recording(self, start: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::After(span) => after(start, span),
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(text) = text.strip_prefix('+') {
            return span(text).map(Self::After);
        }
        let read = text.parse::<Timestamp>().map(Self::At);
        read.map_err(|_| "write +20m since the start, or 2026-03-10T02:07:00Z".to_owned())
    }
}

/// Which screen is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// Everything in flight and everything that waits.
    Board,
    /// Every run of every pipeline.
    Pipelines,
    /// Everything that waits.
    Inbox,
    /// What is measured of every service.
    Signals,
    /// One rollout: `SERVICE`, `SERVICE@ENVIRONMENT` or a full id.
    Release(String),
    /// What its versions wrote.
    Logs(String),
    /// One run: `SERVICE#NUMBER` or a full id.
    Run(String),
}

/// Every screen as it is written.
pub(super) const VIEWS: &str =
    "board, pipelines (or runs), inbox, signals, release:SERVICE, logs:SERVICE or run:SERVICE#NUMBER";

impl FromStr for View {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("release", target)) if !target.is_empty() => Ok(Self::Release(target.to_owned())),
            Some(("run", target)) if !target.is_empty() => Ok(Self::Run(target.to_owned())),
            None if text == "board" => Ok(Self::Board),
            Some(("logs", target)) if !target.is_empty() => Ok(Self::Logs(target.to_owned())),
            None if matches!(text, "pipelines" | "runs") => Ok(Self::Pipelines),
            None if text == "inbox" => Ok(Self::Inbox),
            None if text == "signals" => Ok(Self::Signals),
            _ => Err(format!("write {VIEWS}")),
        }
    }
}

/// Columns and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// How wide, 1 to 1,000.
    pub columns: u16,
    /// How high, 1 to 1,000.
    pub rows: u16,
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<u16>().ok().filter(|number| (1..=1000).contains(number));
        let read = text.split_once('x').and_then(|(columns, rows)| Some((number(columns)?, number(rows)?)));
        let (columns, rows) = read.ok_or_else(|| "write e.g. 120x36; at most 1000x1000".to_owned())?;
        Ok(Self { columns, rows })
    }
}

/// The form of a drawn screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Snapshotted {
    /// Plain text.
    Txt,
    /// Text with colours, as a terminal takes it.
    Ansi,
    /// A picture.
    Svg,
    /// Not drawn here, for that takes fonts: whoever asks is told how to convert the SVG.
    #[value(hide = true)]
    Png,
    /// Lines of text and the roles of their cells (`holdshort/snapshot/v1`)
    Json,
}
