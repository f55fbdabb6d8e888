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
    config::schema::{Config, World},
    demo::serve::serve,
    domain::time::after,
    journal::place,
    port::clock::{Clock, SharedClock},
    run::{
        ground::{configuration, scenario, shared},
        state::private_folder,
        world,
    },
    runtime::clock::{ScaledClock, SystemClock},
};

/// What time it is in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Time {
    /// That of its scenario, so many times as fast as ours.
    Own {
        /// 1 is real time.
        speed: f64,
    },
    /// Ours.
    Now,
}

/// Serves until it is interrupted. Prints a line for each address, then `ready`.
pub(super) async fn run(
    name: &str,
    globals: &Globals,
    listen: SocketAddr,
    time: Time,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    if !listen.ip().is_loopback() {
        let text = format!("{listen} is not an address of this machine: the built-in world is served on loopback only");
        return Err(CliError::usage(text));
    }
    let mut scenario = scenario(name, globals.seed)?;
    if time == Time::Now {
        let now = SystemClock.now();
        let begins = globals.at.map_or(Some(now), |at| now.checked_sub_signed(chrono::Duration::from_std(at).ok()?));
        scenario.start = begins.ok_or_else(|| CliError::usage("--at is before all time"))?;
    }
    let served = shared(&scenario)?;
    let listener =
        TcpListener::bind(listen).await.map_err(|why| CliError::failed(format!("cannot listen on {listen}: {why}")))?;
    let base = format!("http://{}", listener.local_addr()?);
    let opens = globals.at.map_or(scenario.start, |at| after(scenario.start, at));
    let clock: SharedClock = match time {
        Time::Own { speed } => Arc::new(ScaledClock::starting_at(opens, speed)),
        Time::Now => Arc::new(SystemClock),
    };
    // Before there is a folder: from here on each of them lets it go with us.
    let mut stop = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
    let folder = private_folder("holdshort-serve-")?;
    let mut config = configuration(&scenario, &base)?;
    config.world = match time {
        // Any of its answers tells the time.
        Time::Own { speed } => Some(World { clock: format!("{base}/"), speed }),
        Time::Now => None,
    };
    config.state.path = Some(folder.path().join("state"));
    let config_path = folder.path().join("config.toml");
    let cannot = |why: &dyn std::fmt::Display| CliError::failed(format!("cannot write the configuration: {why}"));
    let text = in_the_open(&config, &world::settings(&scenario, &base)).map_err(|why| cannot(&why))?;
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
    let (at, usual) = (opens - scenario.start, scenario.opens() - scenario.start);
    if at < usual {
        // What a scenario is about has not begun yet at its start.
        let minutes = usual.num_minutes();
        writeln!(
            out,
            "opens +{minutes}m: what this scenario shows begins by then; `--at +{minutes}m` serves it there"
        )?;
    }
    writeln!(out, "ready")?;
    out.flush()?;
    let stopped = stop.iter_mut().map(|signal| match signal {
        Ok(signal) => signal.recv().boxed(),
        Err(_) => pending().boxed(),
    });
    tokio::select! {
        ended = serve(listener, served, clock) => ended.map(|()| Exit::Done).map_err(CliError::from),
        // The folder goes with it.
        _ = select_all(stopped) => Ok(Exit::Interrupted),
    }
}

/// Writes a file that nobody else can write, whatever the umask: it is read as a configuration.
fn write(path: &Path, text: &str) -> io::Result<()> {
    place::begin(path)?.write_all(text.as_bytes())
}
/// The configuration as a file. What is written of a credential is hidden; who the world knows is no secret, and is said as it says it.
fn in_the_open(config: &Config, told: &toml::Table) -> Result<String, toml::ser::Error> {
    let mut table = toml::Table::try_from(config)?;
    let connections = |table: &toml::Table| table.get("connections").and_then(toml::Value::as_table).cloned();
    for (name, told) in connections(told).into_iter().flatten() {
        let one = table.get_mut("connections").and_then(|all| all.get_mut(&name)).and_then(toml::Value::as_table_mut);
        if let (Some(one), Some(login)) = (one, told.get("basic_auth")) {
            one.insert("basic_auth".to_owned(), login.clone());
        }
    }
    toml::to_string(&table)
}
