//! The cockpit as lines (`--linear`): prints what there is and then what changes. It draws nothing and takes no keys: for what somebody
//! does there are commands. A signal ends it as it ends any program.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use crate::{
    cli::{
        door,
        exit::{CliError, Exit},
        linear::Linear,
    },
    runtime::{cockpit::Cockpit, input},
    view,
};

/// How long changes are gathered before they are told.
const PACE: Duration = Duration::from_secs(1);
/// The same at the begin: what answers at once is told at once.
const FIRST: Duration = Duration::from_millis(200);

/// Why no screen can be drawn here, if none can.
pub(super) fn undrawable(term: Option<&str>) -> Option<&'static str> {
    match term {
        _ if !io::stdout().is_terminal() => Some("the output is no terminal"),
        _ if !io::stdin().is_terminal() => Some("the input is no terminal"),
        Some("dumb") => Some("TERM is 'dumb', a terminal that moves no cursor"),
        _ => None,
    }
}

/// Prints until the input is at its end, or nobody reads; then once more, when every source has answered.
pub(super) async fn follow(mut cockpit: Cockpit) -> Result<Exit, CliError> {
    let (mut linear, mut closed, mut pace) = (Linear::default(), input::ends(), FIRST);
    cockpit.start();
    while tell(&mut linear, &cockpit)? {
        let over = tokio::select! {
            () = cockpit.pass(pace) => false,
            _ = &mut closed => true,
        };
        pace = PACE;
        if over {
            cockpit.settle().await;
            tell(&mut linear, &cockpit)?;
            break;
        }
    }
    cockpit.keep_last().await;
    Ok(Exit::Done)
}

/// Prints what is new; false where nobody reads it any more.
fn tell(linear: &mut Linear, cockpit: &Cockpit) -> Result<bool, CliError> {
    let mut out = door::out();
    let news = linear.news(cockpit.model(), view::headline_text);
    let told = news.iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush());
    match told {
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        told => told.map(|()| true).map_err(CliError::from),
    }
}
