//! The cockpit in a terminal: takes it, flies, gives it back, and says what goes on without it.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    io::{self, Write},
    time::Duration,
};

use crossterm::event::{Event, EventStream};
use futures::{StreamExt, future::ready};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::{
    app::{action::Action, model::Model},
    cli::{
        action, door,
        exit::{CliError, Exit},
    },
    port::record::RecordId,
    run::paint::{Dress, paint},
    runtime::{
        cockpit::Cockpit,
        terminal::{Ended, Terminal, run_terminal},
        watchdog::{Signal, Watchdog},
    },
    term::{
        background::{Answer, Heard},
        painter::on_stdout,
        session::Session,
    },
};

/// At most 30 frames a second for what the world does.
const PACE: Duration = Duration::from_millis(33);
/// On a slow line: one frame in five seconds.
const SLOW_PACE: Duration = Duration::from_secs(5);
/// Whoever left is told the end of an action that another process carries out, when it comes this soon.
const SOON: Duration = Duration::from_secs(3);
/// How long, and how often at most, an intent is waited for that is being written when somebody leaves.
const MOMENT: Duration = Duration::from_millis(50);
const MOMENTS: usize = 10;

/// Flies until somebody quits, and waits for actions of this process: leaving must not interrupt them.
pub(super) async fn open(mut cockpit: Cockpit, dress: &Dress, slow: bool) -> Result<Exit, CliError> {
    let failed = |why: io::Error| CliError::failed(format!("the terminal cannot be used: {why}"));
    let keymap = cockpit.keymap().clone();
    let (watchdog, mut signals) = Watchdog::start().map_err(failed)?;
    let mut screen = Session::take().map_err(failed)?;
    let mut painter = on_stdout().map_err(failed)?;
    if dress.light.is_some() {
        screen.ask_background().map_err(failed)?;
    }
    let (light, mut answer) = (Cell::new(false), Answer::default());
    let input = EventStream::new().filter_map(|event| {
        let heard = match &event {
            Ok(event) if dress.light.is_some() => answer.hear(event),
            _ => Heard::Passed,
        };
        ready(match heard {
            Heard::Passed => Some(event),
            // An event that means nothing else: what is on screen is drawn anew.
            Heard::Told(Some(true)) => {
                light.set(true);
                Some(Ok(Event::FocusGained))
            }
            Heard::Told(_) | Heard::Taken => None,
        })
    });
    let terminal = Terminal {
        painter: &mut painter,
        screen: &mut screen,
        input,
        signals: &mut signals,
        pace: if slow { SLOW_PACE } else { PACE },
    };
    let theme = || dress.light.as_ref().filter(|_| light.get()).unwrap_or(&dress.theme);
    let shown = RefCell::new(BTreeSet::new());
    let draw = |model: &_, area, buffer: &mut _| {
        shown.replace(running(model).collect());
        paint(model, &keymap, theme(), area, buffer)
    };
    let ended = run_terminal(&mut cockpit, terminal, draw).await;
    match &ended {
        // Nothing may be written to a terminal that is gone.
        Ended::TerminalGone(_) => screen.forget(),
        _ => drop(screen),
    }
    match ended {
        Ended::Quit | Ended::Interrupted => depart(&mut cockpit, &mut signals, shown.take()).await,
        _ => cockpit.finish().await,
    }
    cockpit.keep_last().await;
    drop(watchdog);
    Ok(match ended {
        Ended::Quit => Exit::Done,
        Ended::Panicked => Exit::Failed,
        Ended::Interrupted | Ended::Signal(_) | Ended::TerminalGone(_) => Exit::Interrupted,
    })
}

/// Says what goes on without the screen and where to look, and its end where that comes soon. Actions that this process carries
/// out are waited for: leaving must not interrupt them. What the newest frame showed as going on (`begun`) may have ended since:
/// nobody saw that.
async fn depart(cockpit: &mut Cockpit, signals: &mut UnboundedReceiver<Signal>, mut begun: BTreeSet<RecordId>) {
    // An intent that is being written has no number yet, and a process of its own is not there yet: both take a moment.
    for _ in 0..MOMENTS {
        if cockpit.acting_here() == 0 {
            break;
        }
        begun.extend(running(cockpit.model()));
        cockpit.pass(MOMENT).await;
    }
    let here = cockpit.acting_here() > 0;
    let still: Vec<RecordId> = running(cockpit.model()).collect();
    begun.extend(&still);
    say(mine(cockpit.model()).map(|action| goes_on(action, here)));
    if here {
        cockpit.finish().await;
    } else if !still.is_empty() {
        tokio::select! {
            () = all_ended(cockpit, &still) => {}
            _ = signals.recv() => {}
        }
    }
    say(cockpit.model().actions.iter().filter(|action| begun.contains(&action.record)).filter_map(end));
}

async fn all_ended(cockpit: &mut Cockpit, records: &[RecordId]) {
    for record in records {
        cockpit.ended(*record, Some(SOON)).await;
    }
}

/// What this person began and what has not ended.
fn mine(model: &Model) -> impl Iterator<Item = &Action> {
    model.actions.iter().filter(|action| action.is_running() && action.who == model.session.who)
}

fn running(model: &Model) -> impl Iterator<Item = RecordId> {
    mine(model).map(|action| action.record)
}

/// `roll back payments in prod/eu-west-1 goes on without this screen: holdshort audit show 12`.
fn goes_on(action: &Action, here: bool) -> String {
    let plan = &action.plan;
    let what = format!("{} {}", plan.verb.words(), plan.places());
    if here {
        format!("{what} is under way in this process: waiting for its end (record {})", action.record)
    } else {
        format!("{what} goes on without this screen: holdshort audit show {}", action.record)
    }
}

/// `record 12 ended: done, 12 of 12 pods on 1.41.3, verified`; `None` while it goes on.
fn end(action: &Action) -> Option<String> {
    let stage = &action.entries.iter().find(|entry| entry.stage.is_end())?.stage;
    let (name, said) = action::words(stage);
    Some(format!("record {} ended: {}, {said}", action.record, name.replace('_', " ")))
}

/// Each on a line of its own, where somebody reads it.
fn say(lines: impl Iterator<Item = String>) {
    for line in lines {
        // A terminal that is gone is no reason to end otherwise.
        let _ = writeln!(door::err(), "holdshort: {line}");
    }
}
