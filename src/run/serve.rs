//! `demo serve`: the world on a loopback socket, with a configuration and whatever else leads to it.

use std::{
    future::pending,
    io::{self, Write},
    net::SocketAddr,
    path::Path,
    sync::Arc,
};

use futures::{FutureExt, future::select_all};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use crate::{
    cli::{
        args::Globals,
        exit::{CliError, Exit},
    },
    config::schema::World,
    demo::serve::serve,
    domain::time::after,
    journal::place,
    port::clock::SharedClock,
    run::{
        ground::{configuration, scenario, shared},
        state::private_folder,
    },
    runtime::clock::ScaledClock,
};

/// Serves until it is interrupted. Prints a line for each address, then `ready`.
pub(super) async fn run(
    name: &str,
    globals: &Globals,
    listen: SocketAddr,
    speed: f64,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    if !listen.ip().is_loopback() {
        let text = format!("{listen} is not an address of this machine: the built-in world is served on loopback only");
        return Err(CliError::usage(text));
    }
    let scenario = scenario(name, globals.seed)?;
    let world = shared(&scenario)?;
    let listener =
        TcpListener::bind(listen).await.map_err(|why| CliError::failed(format!("cannot listen on {listen}: {why}")))?;
    let base = format!("http://{}", listener.local_addr()?);
    let opens = globals.at.map_or(scenario.start, |at| after(scenario.start, at));
    let clock: SharedClock = Arc::new(ScaledClock::starting_at(opens, speed));
    // Before there is a folder: from here on each of them lets it go with us.
    let mut stop = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
    let folder = private_folder("holdshort-serve-")?;
    let mut config = configuration(&scenario, &base)?;
    // Any of its answers tells the time.
    config.world = Some(World { clock: format!("{base}/"), speed });
    config.state.path = Some(folder.path().join("state"));
    let config_path = folder.path().join("config.toml");
    let text =
        toml::to_string(&config).map_err(|why| CliError::failed(format!("cannot write the configuration: {why}")))?;
    write(&config_path, &text)?;
    writeln!(out, "config {}", config_path.display())?;
    for (name, text) in scenario.files(&base) {
        let path = folder.path().join(name);
        write(&path, &text)?;
        writeln!(out, "{name} {}", path.display())?;
    }
    for part in &scenario.systems {
        writeln!(out, "{} {base}{}", part.kind(), part.system.mount().as_str())?;
    }
    writeln!(out, "ready")?;
    out.flush()?;
    let stopped = stop.iter_mut().map(|signal| match signal {
        Ok(signal) => signal.recv().boxed(),
        Err(_) => pending().boxed(),
    });
    tokio::select! {
        ended = serve(listener, world, clock) => ended.map(|()| Exit::Done).map_err(CliError::from),
        // The folder goes with it.
        _ = select_all(stopped) => Ok(Exit::Interrupted),
    }
}

/// Writes a file that nobody else can write, whatever the umask: it is read as a configuration.
fn write(path: &Path, text: &str) -> io::Result<()> {
    place::begin(path)?.write_all(text.as_bytes())
}
