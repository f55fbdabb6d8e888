//! `demo serve`: the world on a loopback socket, with a kubeconfig and a configuration that lead to it.

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
    demo::serve::{kubeconfig, serve},
    domain::time::after,
    journal::place,
    port::clock::SharedClock,
    run::{
        ground::{scenario, shared},
        state::private_folder,
        world::configuration,
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
    let kubeconfig_path = folder.path().join("kubeconfig");
    write(&kubeconfig_path, &kubeconfig(&base, scenario.cells.iter().map(|cell| cell.name.as_str())))?;
    let mut config = configuration(&scenario, &base);
    config.world = Some(World { clock: format!("{base}/prometheus/-/ready"), speed });
    config.state.path = Some(folder.path().join("state"));
    let config_path = folder.path().join("config.toml");
    let text =
        toml::to_string(&config).map_err(|why| CliError::failed(format!("cannot write the configuration: {why}")))?;
    write(&config_path, &text)?;
    writeln!(out, "config {}", config_path.display())?;
    writeln!(out, "kubeconfig {}", kubeconfig_path.display())?;
    for cell in &scenario.cells {
        writeln!(out, "kubernetes {base}/kubernetes/{}", cell.name)?;
    }
    writeln!(out, "prometheus {base}/prometheus")?;
    if scenario.github.is_some() {
        writeln!(out, "github {base}/github")?;
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
