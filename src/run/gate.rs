//! `gate` as a process: the wait, and what interrupts it. What is waited for is in `cli::gate`.

use std::{collections::BTreeMap, future::pending};

use futures::{FutureExt, future::select_all};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    cli::{
        args::Globals,
        door,
        exit::{CliError, Exit},
        gate::{self, args::GateArgs},
    },
    run::{ground::Ground, pilot::UNSEEN},
};

/// Waits at a gate. Each change is printed as it is seen; an interrupt ends the wait with a code that is no verdict's.
pub(super) async fn wait(
    ground: &Ground,
    globals: &Globals,
    environment: &BTreeMap<String, String>,
    args: &GateArgs,
) -> Result<Exit, CliError> {
    let mut stop = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    let stopped = stop.iter_mut().map(|signal| match signal {
        Ok(signal) => signal.recv().boxed_local(),
        Err(_) => pending().boxed_local(),
    });
    let mut pilot = ground.cockpit(globals, environment, UNSEEN, None)?;
    // Until the systems have answered once time passes, too.
    let began = pilot.cockpit.model().now;
    let gated = async {
        pilot.settle().await;
        if let Some(cache) = ground.cache(globals, environment) {
            pilot.cockpit.keep_once(cache).await;
        }
        gate::run(&mut pilot, args, began, &mut door::out()).await
    };
    tokio::select! {
        ended = gated => ended,
        _ = select_all(stopped) => Err(CliError::new(Exit::Interrupted, "interrupted, nothing is decided")),
    }
}
