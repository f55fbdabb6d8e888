//! The loop on a pretended terminal, in virtual time.

use std::{collections::BTreeMap, io, pin::Pin, sync::Arc, time::Duration};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use futures::{Stream, StreamExt, stream};
use ratatui::{backend::TestBackend, buffer::Buffer, layout::Rect, style::Style};
use tokio::sync::mpsc;

use super::{Ended, Terminal, run_terminal};
use crate::{
    app::{
        drawn::{Drawn, Extent, Press},
        model::{Model, Session},
    },
    journal::{Journal, ledger::Ledger, sample::at, spool::Spool, sqlite::SqliteJournal},
    keymap::Keymap,
    port::clock::SharedClock,
    runtime::{
        actions::Executors,
        clock::VirtualClock,
        cockpit::{Cockpit, Parts},
        watchdog::Signal,
    },
    term::{painter::Painter, session::Screen},
};

/// A screen that takes down what is asked of it.
struct Pretended {
    taken: bool,
    shell: bool,
    asked: Vec<&'static str>,
}

impl Screen for Pretended {
    fn suspend(&mut self) -> io::Result<()> {
        self.asked.push("suspend");
        Ok(())
    }

    fn retake(&mut self) -> io::Result<()> {
        self.asked.push("retake");
        Ok(())
    }

    fn is_taken(&self) -> bool {
        self.taken
    }

    fn copy(&mut self, _: &str) -> io::Result<()> {
        self.asked.push("copy");
        Ok(())
    }

    fn has_shell(&self) -> bool {
        self.shell
    }
}

type Input = Pin<Box<dyn Stream<Item = io::Result<Event>>>>;

/// Types these, and then nothing more for ever.
fn typing(events: Vec<Event>) -> Input {
    stream::iter(events.into_iter().map(Ok)).chain(stream::pending()).boxed_local()
}

fn key(c: char) -> Event {
    Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE))
}

fn ctrl_c() -> Event {
    Event::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL))
}

fn ctrl_z() -> Event {
    Event::Key(KeyEvent::new(KeyCode::Char('z'), KeyModifiers::CONTROL))
}

struct Run {
    ended: Ended,
    cockpit: Cockpit,
    asked: Vec<&'static str>,
    frames: usize,
    shown: Buffer,
}

/// Runs the loop over no connections; what it draws is the filter and the size.
async fn run(input: Input, signals: Vec<Signal>, shell: bool) -> Run {
    let clock: SharedClock = Arc::new(VirtualClock::starting_at(at(0)));
    let journal: Arc<dyn Journal> = Arc::new(SqliteJournal::in_memory().unwrap());
    let (ledger, _) = Ledger::open(move || Ok(journal.clone()), Spool::new(Vec::new()));
    let session = Session {
        who: "dana".into(),
        profile: "test".to_owned(),
        read_only: false,
        sources: Vec::new(),
        signal_step: Duration::from_secs(30),
        most_targets: 5,
        files: crate::domain::files::Files::default(),
        comparing: crate::domain::setting::Comparing::default(),
        watch: crate::domain::watch::Watch::default(),
        waves: crate::domain::wave::Waves::default(),
    };
    let mut cockpit = Cockpit::new(Parts {
        session,
        connections: Vec::new(),
        ledger: Arc::new(ledger),
        clock,
        keymap: Keymap::with(&BTreeMap::new()).unwrap(),
        size: (80, 24),
        executors: Executors::Here,
        recorder: None,
    });
    let mut painter = Painter::new(TestBackend::new(20, 1)).unwrap();
    let mut screen = Pretended { taken: true, shell, asked: Vec::new() };
    let (tell, mut told) = mpsc::unbounded_channel();
    for signal in signals {
        tell.send(signal).unwrap();
    }
    let mut frames = 0;
    let terminal = Terminal { painter: &mut painter, screen: &mut screen, input, signals: &mut told, pace: PACE };
    let ended = run_terminal(&mut cockpit, terminal, |model: &Model, area: Rect, buffer: &mut Buffer| {
        frames += 1;
        let text = format!("{}x{} /{}", model.size.0, model.size.1, model.nav.filter);
        buffer.set_stringn(area.x, area.y, text, area.width.into(), Style::default());
        Extent::Whole
    })
    .await;
    let shown = painter.backend().buffer().clone();
    Run { ended, cockpit, asked: screen.asked, frames, shown }
}

/// The pace of frames in these tests.
const PACE: Duration = Duration::from_millis(33);

/// The keys, each after the time for a frame, then `q`.
fn slowly(events: Vec<Event>) -> Input {
    let each = events.into_iter().chain([key('q')]);
    stream::iter(each)
        .then(async |event| {
            super::wall_sleep(PACE * 2).await;
            Ok(event)
        })
        .chain(stream::pending())
        .boxed_local()
}

#[tokio::test(start_paused = true)]
async fn the_quit_key_leaves_and_until_then_every_key_is_on_screen() {
    let run =
        run(slowly(vec![key('/'), key('p'), key('a'), Event::Key(KeyCode::Enter.into())]), Vec::new(), true).await;
    assert_eq!(run.ended, Ended::Quit);
    assert_eq!(run.shown, Buffer::with_lines(["20x1 /pa            "]));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_keys_is_painted_at_most_thirty_times_a_second() {
    let mut events = vec![key('j'); 500];
    events.push(key('q'));
    let run = run(typing(events), Vec::new(), true).await;
    assert_eq!((run.ended, run.frames), (Ended::Quit, 2), "the first frame, and the answer to the first key");
}

#[tokio::test(start_paused = true)]
async fn a_key_is_answered_at_once_after_a_frame_that_no_key_had_asked_for() {
    let after = |event: Event, millis: u64| {
        stream::once(async move {
            super::wall_sleep(Duration::from_millis(millis)).await;
            Ok(event)
        })
    };
    let input = after(key('/'), 5).chain(after(key('p'), 5)).chain(after(ctrl_c(), 5)).chain(stream::pending());
    let run = run(input.boxed_local(), Vec::new(), true).await;
    assert_eq!(
        (run.frames, run.shown),
        (2, Buffer::with_lines(["20x1 /              "])),
        "the next one waits its time"
    );
    assert_eq!(run.cockpit.model().nav.filter, "p");
}

#[tokio::test(start_paused = true)]
async fn keys_that_come_together_are_told_from_keys_of_a_hand() {
    let together = run(typing(vec![key('j'), key('k'), key('q')]), Vec::new(), true).await;
    assert_eq!(together.cockpit.model().press, Press::Burst);
    let one_by_one = run(slowly(vec![key('j'), key('k')]), Vec::new(), true).await;
    assert_eq!(one_by_one.cockpit.model().press, Press::Hand);
    let held = run(slowly(vec![key('j'), key('q')]), Vec::new(), true).await;
    assert_eq!((held.ended, held.cockpit.model().press), (Ended::Quit, Press::Hand));
    let held = run(slowly(vec![key('/'), key('q'), key('q'), ctrl_c()]), Vec::new(), true).await;
    assert_eq!((held.cockpit.model().nav.filter.as_str(), held.ended), ("qq", Ended::Interrupted));
}

#[tokio::test(start_paused = true)]
async fn the_model_knows_how_much_of_it_a_frame_showed() {
    let run = run(slowly(Vec::new()), Vec::new(), true).await;
    assert_eq!(run.cockpit.model().drawn, Drawn { extent: Extent::Whole, card: None });
}

#[tokio::test(start_paused = true)]
async fn an_input_that_ends_or_fails_leaves_at_once() {
    let ended = run(stream::empty().boxed_local(), Vec::new(), true).await.ended;
    assert_eq!(ended, Ended::TerminalGone("its input ended".to_owned()));
    let failing = stream::repeat_with(|| Err(io::Error::other("Input/output error"))).boxed_local();
    assert_eq!(run(failing, Vec::new(), true).await.ended, Ended::TerminalGone("Input/output error".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn signals_leave_and_a_terminal_that_is_gone_is_not_painted_again() {
    for signal in [Signal::Terminate, Signal::HangUp, Signal::Interrupt] {
        assert_eq!(run(typing(Vec::new()), vec![signal], true).await.ended, Ended::Signal(signal));
    }
    let gone = run(typing(Vec::new()), vec![Signal::TerminalGone], true).await;
    assert!(matches!((gone.ended, gone.frames), (Ended::TerminalGone(_), 1)));
}

#[tokio::test(start_paused = true)]
async fn suspending_needs_a_shell_to_come_back_from() {
    let with = run(slowly(vec![ctrl_z()]), Vec::new(), true).await;
    assert_eq!((with.asked, with.ended), (vec!["suspend"], Ended::Quit));
    let without = run(slowly(vec![ctrl_z()]), Vec::new(), false).await;
    assert_eq!(without.asked, Vec::<&str>::new());
    assert!(without.cockpit.model().notice.clone().unwrap().text.starts_with("there is no shell to go back to"));
    let told = run(slowly(Vec::new()), vec![Signal::Stop, Signal::Continue], false).await;
    assert_eq!(told.asked, ["suspend", "retake"]);
}

#[tokio::test(start_paused = true)]
async fn pasted_text_is_text_where_something_takes_it_and_never_keys() {
    let paste = |text: &str| Event::Paste(text.to_owned());
    let ignored = run(slowly(vec![paste("q")]), Vec::new(), true).await;
    assert_eq!(ignored.cockpit.model().nav.filter, "");
    let enter = Event::Key(KeyCode::Enter.into());
    let taken = run(slowly(vec![key('/'), paste("pay\u{1b}[2Jments\r\n"), enter]), Vec::new(), true).await;
    assert_eq!(taken.cockpit.model().nav.filter, "payments");
}

#[tokio::test(start_paused = true)]
async fn a_resize_is_known_to_the_model_and_painted() {
    let run = run(slowly(vec![Event::Resize(12, 1)]), Vec::new(), true).await;
    assert_eq!(run.cockpit.model().size, (12, 1));
    assert_eq!(run.shown.content()[..6].iter().map(ratatui::buffer::Cell::symbol).collect::<String>(), "12x1 /");
}
