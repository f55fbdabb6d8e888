//! Recordings: every message as a JSON line, and a model rebuilt from them. A bug report is a recording.
//!
//! Typed text is masked. A replay does no effect: it can never act.

use std::{
    io::{self, BufRead, BufWriter, Write},
    sync::mpsc,
    thread::JoinHandle,
};

use serde::{Deserialize, Serialize};

use crate::{
    app::{
        card::REASONS,
        drawn::Drawn,
        model::{Model, Overlay, Session},
        msg::Msg,
        update::update,
    },
    domain::{
        form::{Args, TO, Value},
        line::Pattern,
        log,
        time::Timestamp,
    },
    port::lookup::{Lines, LogPiece, Mined, Question, Told},
};

/// What the first line says it is.
const SCHEMA: &str = "holdshort/recording/v3";
/// How a reason begins that is in somebody's own words.
const OTHER: &str = "other: ";
/// Stands for a character or text that somebody typed.
const MASK: char = '•';

/// The first line: what the model began with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    schema: String,
    /// When it began.
    pub at: Timestamp,
    /// Columns and rows then.
    pub size: (u16, u16),
    /// Who looked, at what.
    pub session: Session,
}

/// Every other line.
#[derive(Debug, Serialize, Deserialize)]
struct Line<M> {
    at: Timestamp,
    msg: M,
}

/// Writes messages as they are taken. A thread of its own does the writing: a slow disk never holds the screen.
#[derive(Debug)]
pub struct Recorder {
    lines: Option<mpsc::Sender<String>>,
    writer: Option<JoinHandle<io::Result<()>>>,
    /// Are lines of logs taken down, too?
    logs: bool,
}

impl Recorder {
    /// Begins a recording with the state that the model begins with.
    pub fn begin(
        mut file: impl Write + Send + 'static,
        at: Timestamp,
        size: (u16, u16),
        session: &Session,
    ) -> io::Result<Self> {
        let header = Header { schema: SCHEMA.to_owned(), at, size, session: session.clone() };
        writeln!(file, "{}", serde_json::to_string(&header)?)?;
        let (lines, taken) = mpsc::channel::<String>();
        let writer = std::thread::Builder::new().name("recorder".to_owned()).spawn(move || write_all(file, &taken))?;
        Ok(Self { lines: Some(lines), writer: Some(writer), logs: false })
    }

    /// The same, with the lines that services write: they may hold anything.
    #[must_use]
    pub fn with_logs(mut self, logs: bool) -> Self {
        self.logs = logs;
        self
    }

    /// Takes one message. A failed disk ends the recording, nothing else.
    pub(super) fn take(&mut self, at: Timestamp, msg: &Msg) {
        let Some(lines) = &self.lines else { return };
        let line = match masked(msg, self.logs) {
            Some(masked) => serde_json::to_string(&Line { at, msg: &masked }),
            None => serde_json::to_string(&Line { at, msg }),
        };
        match line {
            Ok(line) => {
                if lines.send(line).is_err() {
                    tracing::error!("the recording cannot be written; it ends here");
                    self.lines = None;
                }
            }
            Err(error) => tracing::error!(%error, "a message cannot be recorded"),
        }
    }
}

/// Waits until everything is on its way to the disk.
impl Drop for Recorder {
    fn drop(&mut self) {
        drop(self.lines.take());
        if let Some(Ok(Err(error))) = self.writer.take().map(JoinHandle::join) {
            tracing::error!(%error, "the recording could not be written to its end");
        }
    }
}

fn write_all(file: impl Write, lines: &mpsc::Receiver<String>) -> io::Result<()> {
    let mut file = BufWriter::new(file);
    while let Ok(line) = lines.recv() {
        writeln!(file, "{line}")?;
        for line in lines.try_iter() {
            writeln!(file, "{line}")?;
        }
        file.flush()?;
    }
    Ok(())
}

/// The message without what somebody typed, and without what logs say where they are not wanted; `None` when it holds nothing of the
/// kind.
fn masked(msg: &Msg, logs: bool) -> Option<Msg> {
    match msg {
        Msg::Typed(c) => Some(Msg::Typed(if c.is_whitespace() { *c } else { MASK })),
        Msg::Drafted { ask, .. } => without(msg, &typed(ask.reason.as_deref(), &ask.args)),
        Msg::Recorded(record) => without(msg, &typed(record.intent.reason.as_deref(), &record.intent.args)),
        Msg::Told { source, at, question, told: Ok(Told::Log(piece)) } if !logs => Some(Msg::Told {
            source: source.clone(),
            at: *at,
            question: question.clone(),
            told: Ok(Told::Log(unwritten(piece))),
        }),
        Msg::Told { source, at, question: Question::Lines(asked), told: Ok(Told::Mined(mined)) } if !logs => {
            Some(Msg::Told {
                source: source.clone(),
                at: *at,
                question: Question::Lines(Lines { text: hidden(&asked.text), ..asked.clone() }),
                told: Ok(Told::Mined(counted(mined))),
            })
        }
        _ => None,
    }
}

/// What somebody typed, as `Msg::Typed` has it.
fn hidden(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() { c } else { MASK }).collect()
}

/// How often services wrote what, without what that is: a verdict may rest on it, and the lines are nobody's business.
fn counted(mined: &Mined) -> Mined {
    let unwritten = || MASK.to_string().repeat(3);
    let pattern = |one: &Pattern| Pattern { text: unwritten(), example: unwritten(), ..one.clone() };
    Mined { lines: Vec::new(), patterns: mined.patterns.iter().map(pattern).collect(), ..mined.clone() }
}

/// What a job wrote, without what it wrote: a log may hold anything, and a recording is handed on.
fn unwritten(piece: &LogPiece) -> LogPiece {
    let line = |line: &log::Line| log::Line { text: MASK.to_string().repeat(3), ..line.clone() };
    LogPiece { lines: piece.lines.iter().map(line).collect(), ..piece.clone() }
}

/// What of an ask is in somebody's own words; offered reasons, options and versions are no secret.
fn typed<'a>(reason: Option<&'a str>, args: &'a Args) -> Vec<&'a str> {
    let reason = reason.filter(|reason| !REASONS.contains(reason));
    let own = reason.map(|reason| reason.strip_prefix(OTHER).unwrap_or(reason));
    let texts = args.iter().filter(|arg| arg.name != TO).filter_map(|arg| match &arg.value {
        Value::Text(text) => Some(text.as_str()),
        Value::OneOf(_) | Value::Flag(_) | Value::Secret => None,
    });
    own.into_iter().chain(texts).filter(|text| !text.trim().is_empty()).collect()
}

/// What of a message may hold such words: the answers themselves, and what a plan makes of them. Names are left alone.
const SAYS: [&str; 9] = ["reason", "args", "words", "command", "body", "effect", "undo", "notes", "said"];

/// The message with dots for these texts: a plan repeats what it was drawn up for.
fn without(msg: &Msg, texts: &[&str]) -> Option<Msg> {
    if texts.is_empty() {
        return None;
    }
    let mut value = serde_json::to_value(msg).ok()?;
    for text in texts {
        cover(&mut value, text, false);
    }
    serde_json::from_value(value).ok()
}

fn cover(value: &mut serde_json::Value, text: &str, says: bool) {
    match value {
        serde_json::Value::String(string) if says => {
            let dots: String = text.chars().map(|c| if c.is_whitespace() { c } else { MASK }).collect();
            *string = string.replace(text, &dots);
        }
        serde_json::Value::Array(all) => {
            for one in all {
                cover(one, text, says);
            }
        }
        serde_json::Value::Object(fields) => {
            for (name, one) in fields {
                // A field's name is no word of anybody's.
                cover(one, text, (says && name != "name") || SAYS.contains(&name.as_str()));
            }
        }
        _ => {}
    }
}

/// Why a recording cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum BadRecording {
    /// The file cannot be read.
    #[error("the recording cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// The first line is not ours.
    #[error("this is not a recording of holdshort: its first line should say {SCHEMA}")]
    NotARecording,
    /// Another version wrote it.
    #[error("this recording is {0}, and this holdshort plays {SCHEMA}: use the version that made it")]
    OtherSchema(String),
    /// A line in the middle is broken.
    #[error("line {line} is not a message: {why}")]
    BadLine {
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
}

/// A recording that was read.
#[derive(Debug)]
pub struct Recording {
    /// Its first line.
    pub header: Header,
    /// Every message, and when it was taken.
    pub messages: Vec<(Timestamp, Msg)>,
    /// The last line was cut off, as happens when a process is killed; it was left out.
    pub truncated: bool,
    /// Recordings were made before frames were told of: there everything counts as seen.
    tells_frames: bool,
}

impl Recording {
    /// Reads a recording.
    pub fn read(file: impl BufRead) -> Result<Self, BadRecording> {
        let mut lines = file.split(b'\n').enumerate();
        let first = lines.next().ok_or(BadRecording::NotARecording)?.1?;
        let header = header(&first)?;
        let mut recording = Self { header, messages: Vec::new(), truncated: false, tells_frames: false };
        let mut broken = None;
        for (index, line) in lines {
            if let Some(error) = broken.take() {
                return Err(error);
            }
            match serde_json::from_slice::<Line<Msg>>(&line?) {
                Ok(line) => recording.messages.push((line.at, line.msg)),
                // Fatal only when another line follows.
                Err(error) => broken = Some(BadRecording::BadLine { line: index + 1, why: error.to_string() }),
            }
        }
        recording.truncated = broken.is_some();
        recording.tells_frames = recording.messages.iter().any(|(_, msg)| matches!(msg, Msg::Drawn(_)));
        Ok(recording)
    }

    /// When its last message was taken; its start where there is none.
    pub fn ends(&self) -> Timestamp {
        self.messages.iter().map(|(at, _)| *at).max().unwrap_or(self.header.at)
    }

    /// The model as it was at a time, or at the end.
    pub fn play(&self, until: Option<Timestamp>) -> Model {
        let mut model = self.begin();
        for (_, msg) in self.messages.iter().take_while(|(at, _)| until.is_none_or(|until| *at <= until)) {
            self.take(&mut model, msg);
        }
        model
    }

    /// The model before the first message.
    pub fn begin(&self) -> Model {
        let header = &self.header;
        let mut model = Model::new(header.session.clone(), header.at, header.size);
        self.see(&mut model);
        model
    }

    /// Takes the next message. Effects are dropped: a replay never acts.
    pub fn take(&self, model: &mut Model, msg: &Msg) {
        drop(update(model, msg.clone()));
        self.see(model);
        // What was typed is masked, and once was not drafted at all: in a replay every card counts as drawn up.
        if let Some(Overlay::Card(card)) = &mut model.nav.overlay {
            card.asked = card.ask.clone();
        }
    }

    fn see(&self, model: &mut Model) {
        if !self.tells_frames {
            model.drawn = Drawn::whole(model);
        }
    }
}

fn header(line: &[u8]) -> Result<Header, BadRecording> {
    #[derive(Deserialize)]
    struct Schema {
        schema: String,
    }
    let Schema { schema } = serde_json::from_slice(line).map_err(|_| BadRecording::NotARecording)?;
    if !schema.starts_with("holdshort/recording/") {
        return Err(BadRecording::NotARecording);
    }
    if schema != SCHEMA {
        return Err(BadRecording::OtherSchema(crate::domain::text::clean(&schema)));
    }
    serde_json::from_slice(line).map_err(|error| BadRecording::BadLine { line: 1, why: error.to_string() })
}

#[cfg(test)]
pub(super) mod tests {
    use std::{
        sync::{Arc, Mutex},
        time::Duration,
    };

    use super::*;
    use crate::{
        app::intent::Intent,
        domain::{line::LogLine, pipeline::LogRef, verb::Verb},
        journal::sample::{at, entry, intent},
        port::{
            facet::Window,
            record::{Record, RecordId, Stage},
        },
    };

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn session() -> Session {
        Session {
            who: "dana".into(),
            profile: "demo".to_owned(),
            read_only: false,
            sources: Vec::new(),
            signal_step: Duration::from_secs(30),
            most_targets: 5,
            files: crate::domain::files::Files::default(),
            comparing: crate::domain::setting::Comparing::default(),
            watch: crate::domain::watch::Watch::default(),
            waves: crate::domain::wave::Waves::default(),
        }
    }

    fn record_of(messages: &[(Timestamp, Msg)]) -> Vec<u8> {
        let file = Shared::default();
        let mut recorder = Recorder::begin(file.clone(), at(0), (80, 24), &session()).unwrap();
        for (at, msg) in messages {
            recorder.take(*at, msg);
        }
        drop(recorder);
        Arc::try_unwrap(file.0).unwrap().into_inner().unwrap()
    }

    /// A recording of these messages.
    pub(in crate::runtime) fn recorded(messages: &[(Timestamp, Msg)]) -> Recording {
        Recording::read(record_of(messages).as_slice()).unwrap()
    }

    fn begun(reason: &str) -> Msg {
        let mut intent = intent(Verb::Abort);
        intent.reason = Some(reason.to_owned());
        Msg::Recorded(Box::new(Record { id: RecordId(1), intent, entries: vec![entry(1, Stage::Recorded)] }))
    }

    #[test]
    fn what_a_job_wrote_is_not_recorded_and_how_much_of_it_is() {
        let line =
            log::Line { at: Some(at(1)), mark: log::Mark::Error, grouped: true, text: "the token is hunter2".into() };
        let piece = LogPiece { lines: vec![line.clone(), log::Line::plain("two")], over: true, ..LogPiece::default() };
        let question = Question::Log { run: "forge/run/a/b/1".parse().unwrap(), log: LogRef::new("7"), most: 9 };
        let msg = Msg::Told { source: "forge".into(), at: at(1), question, told: Ok(Told::Log(piece)) };
        let written = String::from_utf8(record_of(&[(at(1), msg)])).unwrap();
        assert!(!written.contains("hunter2") && !written.contains("two"), "{written}");
        let recording = Recording::read(written.as_bytes()).unwrap();
        let Msg::Told { told: Ok(Told::Log(piece)), .. } = &recording.messages[0].1 else { panic!("{recording:?}") };
        assert_eq!(piece.lines.len(), 2);
        assert_eq!(piece.lines[0], log::Line { text: "•••".into(), ..line });
    }

    #[test]
    fn of_what_services_write_only_how_often_is_recorded_unless_somebody_wants_the_lines() {
        let window = Window { from: at(0), to: at(1), step: Duration::from_secs(1) };
        let line = LogLine::new(at(1), "the token is hunter2");
        let pattern = Pattern {
            number: 3,
            text: "the token is <*>".to_owned(),
            level: None,
            example: line.text.clone(),
            first: at(1),
            last: at(1),
            counts: [("1.42.0".to_owned(), [(at(1), 1)].into())].into(),
        };
        let msg = |asked: &str, lines: Vec<LogLine>, said: [&str; 2]| {
            let [text, example] = said.map(str::to_owned);
            let pattern = Pattern { text, example, ..pattern.clone() };
            let mined = Mined { lines, patterns: vec![pattern], read: 1, ..Mined::default() };
            let question =
                Question::Lines(Lines { text: asked.to_owned(), ..Lines::newest("payments".into(), window, 1) });
            Msg::Told { source: "logs".into(), at: at(1), question, told: Ok(Told::Mined(mined)) }
        };
        let taken = msg("to ken", vec![line.clone()], ["the token is <*>", "the token is hunter2"]);
        let recorded = |logs| {
            let file = Shared::default();
            let mut recorder = Recorder::begin(file.clone(), at(0), (80, 24), &session()).unwrap().with_logs(logs);
            recorder.take(at(1), &taken);
            drop(recorder);
            Recording::read(file.0.lock().unwrap().as_slice()).unwrap().messages
        };
        assert_eq!(recorded(true), [(at(1), taken.clone())]);
        assert_eq!(recorded(false), [(at(1), msg("•• •••", vec![], ["•••", "•••"]))]);
    }

    #[test]
    fn a_recording_rebuilds_the_model_at_every_moment() {
        let messages = [
            (at(1), Msg::Tick(at(1))),
            (at(2), Msg::Intent(Intent::Inbox)),
            (at(3), begun("errors")),
            (at(4), Msg::Tick(at(4))),
        ];
        let recording = Recording::read(record_of(&messages).as_slice()).unwrap();
        assert_eq!((recording.messages.as_slice(), recording.truncated), (messages.as_slice(), false));
        for until in 0..5 {
            let mut expected = Model::new(session(), at(0), (80, 24));
            // It tells of no frame, as old ones do not: everything counts as seen.
            expected.drawn = Drawn::whole(&expected);
            for (_, msg) in messages.iter().filter(|(taken, _)| *taken <= at(until)) {
                update(&mut expected, msg.clone());
            }
            assert_eq!(recording.play(Some(at(until))), expected);
        }
        assert_eq!(recording.play(None).now, at(4));
    }

    #[test]
    fn what_somebody_typed_is_masked() {
        let messages = [(at(1), Msg::Typed('s')), (at(2), begun("secret incident 7")), (at(3), begun("latency"))];
        let text = String::from_utf8(record_of(&messages)).unwrap();
        assert!(!text.contains("secret"), "{text}");
        let read: Vec<Msg> =
            Recording::read(text.as_bytes()).unwrap().messages.into_iter().map(|(_, msg)| msg).collect();
        assert_eq!(read, [Msg::Typed(MASK), begun("•••••• •••••••• •"), begun("latency")]);
    }

    #[test]
    fn a_last_line_that_was_cut_off_is_left_out() {
        let mut bytes = record_of(&[(at(1), Msg::Tick(at(1))), (at(2), Msg::Tick(at(2)))]);
        bytes.truncate(bytes.len() - 9);
        let recording = Recording::read(bytes.as_slice()).unwrap();
        assert_eq!((recording.messages, recording.truncated), (vec![(at(1), Msg::Tick(at(1)))], true));
    }

    #[test]
    fn a_file_that_is_no_recording_says_so_and_where() {
        let whole = String::from_utf8(record_of(&[(at(1), Msg::Tick(at(1)))])).unwrap();
        let header = whole.lines().next().unwrap();
        let table = [
            (String::new(), "this is not a recording of holdshort"),
            ("\u{0}\u{1}garbage".to_owned(), "this is not a recording of holdshort"),
            ("{\"schema\":\"other/v1\"}\n".to_owned(), "this is not a recording of holdshort"),
            (header.replace("/v3", "/v2"), "this recording is holdshort/recording/v2"),
            ("{\"schema\":\"holdshort/recording/v3\"}\n".to_owned(), "line 1 is not a message: missing field `at`"),
            (format!("{header}\n{{\"at\":1}}\n{header}\n"), "line 2 is not a message: "),
        ];
        for (text, said) in table {
            let error = Recording::read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
        }
    }
}
