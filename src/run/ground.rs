//! What every command stands on: the configuration, where requests go, the clock and the journal, real or built in.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    app::{model::Session, msg::Msg},
    cache::{About, Cache},
    cli::{
        self,
        args::Globals,
        exit::{CliError, Exit},
    },
    config::{
        self,
        check::{Known, Look},
        layer::{self, Layers, Trust},
        read::{Failure, Loaded, load},
        schema::{self, Config},
    },
    demo::{scenario::Scenario, shared::SharedWorld, world::World},
    domain::time::{Timestamp, after},
    journal::{Journal, JournalError, ledger::Ledger, place, spool::Spool, sqlite::SqliteJournal, trust::Claim},
    keymap::Keymap,
    ownership,
    port::record::Origin,
    port::{clock::SharedClock, error::ProviderError, facet::Connection, record::Record, secrets::Secrets},
    run::{
        log, origin,
        pilot::{Autopilot, UNSEEN},
        registry::{self, Below, Here, connect},
        state::{Places, private_folder},
        world,
    },
    runtime::{
        actions::{Detach, Executors},
        clock::{ScaledClock, SystemClock, VirtualClock, within},
        cockpit::{Cockpit, Parts},
        detach::{Order, spawn_detached},
        recorder::Recorder,
        sources,
    },
    theme,
};

/// Base of the world's addresses in this process: only the paths count.
const IN_PROCESS: &str = "http://world.invalid";

/// How the time of a built-in world goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// As fast as nobody waits: for scripts and pictures.
    Virtual,
    /// So many times real time: for a person.
    Scaled(f64),
}

/// See the module.
pub(super) struct Ground {
    /// The settings.
    pub(super) config: Config,
    /// What the title calls it.
    pub(super) profile: String,
    below: Below,
    pub(super) clock: SharedClock,
    /// Where records go.
    places: Places,
    /// Where records are written from.
    origin: Origin,
    /// A demo journals into a folder of its own, which ends with it.
    folder: Option<Arc<TempDir>>,
}

/// The built-in world of these flags: its scenario with the seed laid over it.
pub(super) fn scenario(name: &str, seed: Option<u64>) -> Result<Scenario, CliError> {
    let mut scenario = Scenario::load(name).map_err(|why| CliError::lines(Exit::Usage, why.to_string().lines()))?;
    scenario.seed = seed.unwrap_or(scenario.seed);
    Ok(scenario)
}

/// The same of a scenario of ours, which makes a world for sure (a test says so): with the first request, for a fleet takes a while.
fn asleep(scenario: &Scenario) -> SharedWorld {
    let scenario = scenario.clone();
    SharedWorld::asleep(move || World::at_rest(&scenario).unwrap_or_else(|_| World::empty()))
}

/// A world whose history runs with the first request.
pub(super) fn shared(scenario: &Scenario) -> Result<SharedWorld, CliError> {
    World::at_rest(scenario).map(SharedWorld::new).map_err(|why| CliError::usage(why.to_string()))
}

/// The configuration that sees this whole world, which is served under `base`: it is read as a file's is.
pub(super) fn configuration(scenario: &Scenario, base: &str) -> Result<Config, CliError> {
    let name = PathBuf::from(format!("the configuration of scenario {}", scenario.name));
    let layers = Layers {
        places: layer::Places { system: name.clone(), user: None },
        files: Vec::new(),
        profile: None,
        env: BTreeMap::new(),
        trust: Trust::Owners,
        given: BTreeMap::from([(name, world::settings(scenario, base).to_string())]),
    };
    held(&layers, None).map(|loaded| loaded.config).map_err(|failure| cli::config::refused(&failure))
}

impl Ground {
    /// The built-in world in this process.
    pub(super) fn demo(name: &str, globals: &Globals, pace: Pace) -> Result<Self, CliError> {
        let scenario = scenario(name, globals.seed)?;
        let opens = globals.at.map_or_else(|| scenario.opens(), |at| after(scenario.start, at));
        let clock: SharedClock = match pace {
            Pace::Virtual => Arc::new(VirtualClock::starting_at(opens)),
            Pace::Scaled(speed) => Arc::new(ScaledClock::starting_at(opens, speed)),
        };
        let folder = private_folder("holdshort-demo-");
        let folder =
            folder.map_err(|why| CliError::failed(format!("no temporary folder for the demo's journal: {why}")))?;
        Ok(Self {
            config: configuration(&scenario, IN_PROCESS)?,
            profile: format!("demo {}", scenario.name),
            below: Below::World(if Scenario::is_built_in(name) { asleep(&scenario) } else { shared(&scenario)? }),
            clock,
            places: Places::within(folder.path()),
            origin: origin::here(&BTreeMap::new()),
            folder: Some(Arc::new(folder)),
        })
    }

    /// The systems of the configuration that is found.
    pub(super) async fn real(globals: &Globals, environment: &BTreeMap<String, String>) -> Result<Self, CliError> {
        let loaded = loaded(globals, environment)?;
        cli::config::needs_connections(&loaded)?;
        let clock = match &loaded.config.world {
            None => Arc::new(SystemClock),
            Some(world) => world::clock(world).await?,
        };
        Self::over(loaded, environment, clock)
    }

    /// The same, by the time of this machine where a served world does not tell its own within this span; and why it did not.
    pub(super) async fn in_need(
        globals: &Globals,
        environment: &BTreeMap<String, String>,
        patience: Duration,
    ) -> Result<(Self, Option<CliError>), CliError> {
        Self::over_in_need(loaded(globals, environment)?, environment, patience).await
    }

    /// The same with the settings that were in force when they could be read last.
    pub(super) async fn as_before(
        about: &About,
        environment: &BTreeMap<String, String>,
        patience: Duration,
    ) -> Option<(Self, Option<CliError>)> {
        let loaded = drafted(about.settings.as_deref()?, environment).ok()?;
        let profile = Some(about.profile.clone()).filter(|profile| !profile.is_empty());
        Self::over_in_need(Loaded { profile, ..loaded }, environment, patience).await.ok()
    }

    /// The same with what this machine tells of, as `init` would write it down, but for what that asks the systems. Nothing where it
    /// tells of no system.
    pub(super) async fn as_found(
        environment: &BTreeMap<String, String>,
        patience: Duration,
    ) -> Option<(Self, Option<CliError>)> {
        let folder = std::env::current_dir().unwrap_or_default();
        let draft = registry::found(Here { environment: environment.clone(), folder, environments: Vec::new() });
        let loaded = drafted(&draft.text(), environment).ok()?;
        Self::over_in_need(loaded, environment, patience).await.ok()
    }

    async fn over_in_need(
        loaded: Loaded,
        environment: &BTreeMap<String, String>,
        patience: Duration,
    ) -> Result<(Self, Option<CliError>), CliError> {
        cli::config::needs_connections(&loaded)?;
        let (clock, why): (SharedClock, _) = match &loaded.config.world {
            None => (Arc::new(SystemClock), None),
            Some(world) => match within(&SystemClock, patience, world::clock(world)).await {
                Some(Ok(clock)) => (clock, None),
                Some(Err(why)) => (Arc::new(SystemClock), Some(why)),
                None => {
                    let why = format!("the served world did not tell its time within {} s", patience.as_secs());
                    (Arc::new(SystemClock), Some(CliError::new(Exit::Unreachable, why)))
                }
            },
        };
        Ok((Self::over(loaded, environment, clock)?, why))
    }

    fn over(loaded: Loaded, environment: &BTreeMap<String, String>, clock: SharedClock) -> Result<Self, CliError> {
        let config = loaded.config;
        let places = Places::of(&config, environment)?;
        let below = Below::Network(environment.clone());
        // Without one the title has the program's name alone.
        let profile = loaded.profile.unwrap_or_default();
        if let Some(own) = places.own() {
            log::keep_in(own);
        }
        let origin = origin::here(environment);
        Ok(Self { config, profile, below, clock, places, origin, folder: None })
    }

    /// The built-in world, where it is the ground.
    pub(super) fn world(&self) -> Option<SharedWorld> {
        match &self.below {
            Below::World(world) => Some(world.clone()),
            Below::Network(_) => None,
        }
    }

    /// The keys: defaults and the configuration's overrides, which `config check` has held already.
    pub(super) fn keymap(&self) -> Result<Keymap, CliError> {
        Keymap::with(&self.config.keys).map_err(|why| CliError::usage(why.to_string()))
    }

    /// The journal, and why it cannot be written where it cannot: the cockpit works all the same.
    pub(super) fn ledger(&self) -> (Arc<Ledger>, Result<(), JournalError>) {
        let (ledger, state) = if self.folder.is_some() {
            // A demo's journal ends with it: a disk would only be waited for.
            Ledger::open(|| Ok(Arc::new(SqliteJournal::in_memory()?)), self.places.spool())
        } else {
            let places = self.places.clone();
            Ledger::open(move || Ok(Arc::new(places.journal()?)), self.places.spool())
        };
        (Arc::new(ledger.written_from(self.origin.clone())), state)
    }

    /// The journal, to look into it: one that cannot be written can still be read.
    pub(super) fn journal_to_read(&self) -> Result<Arc<dyn Journal>, JournalError> {
        let (ledger, _) = self.ledger();
        ledger.journal().or_else(|error| match self.folder {
            None => Ok(Arc::new(self.places.journal_to_read().map_err(|_| error)?)),
            Some(_) => Err(error),
        })
    }

    /// This journal as it is written, what nobody has signed too: to be shown, not to go by.
    pub(super) fn as_written(&self, journal: Arc<dyn Journal>) -> Arc<dyn Journal> {
        match self.folder {
            None => self.places.journal_to_read().map_or(journal, |written| Arc::new(written)),
            Some(_) => journal,
        }
    }

    /// Where what was seen last is kept; nowhere of the built-in world, and where nobody wants it.
    pub(super) fn cache(&self, globals: &Globals, environment: &BTreeMap<String, String>) -> Option<Cache> {
        let folder = self.places.cache().filter(|_| !globals.no_cache)?;
        let elsewhere = registry::elsewhere(&self.config, environment);
        let of = [self.profile.clone(), format!("{elsewhere:?}"), toml::to_string(&self.config).ok()?].join("\n");
        let (records, group) = self.places.records();
        let settings = config::show::settings(&self.config).ok();
        let about = About { profile: self.profile.clone(), records, group, files: named(globals), settings };
        Some(Cache::of(folder, &of).about(about))
    }

    /// Where records and keys are.
    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// Who the user is to others.
    pub(super) fn reader(&self) -> Claim {
        let Origin { uid, host, login, .. } = self.origin.clone();
        Claim { uid, host, login }
    }

    /// The providers.
    pub(super) fn connections(&self) -> Result<Vec<Connection>, CliError> {
        let unreachable = |why: ProviderError| CliError::new(Exit::Unreachable, why.text);
        connect(&self.config, &self.below, &self.clock).map_err(unreachable)
    }

    /// A cockpit over everything, with its journal. It has looked at nothing yet.
    pub(super) fn cockpit(
        &self,
        globals: &Globals,
        environment: &BTreeMap<String, String>,
        size: (u16, u16),
        record: Option<&Path>,
    ) -> Result<Autopilot, CliError> {
        let connections = self.connections()?;
        let session = self.session(&connections, globals, environment);
        let recorder = record.map(|path| begin_recording(path, self.clock.now(), size, &session)).transpose()?;
        let recorder = recorder.map(|recorder| recorder.with_logs(globals.record_logs));
        let (ledger, state) = self.ledger();
        let executors = match self.below {
            Below::World(_) => Executors::Here,
            Below::Network(_) => Executors::Detached(detach(globals)?),
        };
        let mut cockpit = Cockpit::new(Parts {
            session,
            connections,
            ledger: Arc::clone(&ledger),
            clock: self.clock.clone(),
            keymap: self.keymap()?,
            size,
            executors,
            recorder,
        });
        let standards = self.config.standards().map_err(CliError::usage)?;
        if !standards.is_empty() {
            cockpit.feed(Msg::Standards(standards));
        }
        if let Err(why) = state {
            cockpit.feed(Msg::JournalBroken(Some(why.to_string())));
        }
        Ok(Autopilot { cockpit, ledger, folder: self.folder.clone() })
    }

    /// A cockpit that looks and does nothing else: it asks no journal, so that none holds it up.
    pub(super) fn looking(
        &self,
        globals: &Globals,
        environment: &BTreeMap<String, String>,
    ) -> Result<Cockpit, CliError> {
        let connections = self.connections()?;
        let session = Session { read_only: true, ..self.session(&connections, globals, environment) };
        let (ledger, _) = Ledger::open(|| Ok(Arc::new(SqliteJournal::in_memory()?)), Spool::new(Vec::new()));
        Ok(Cockpit::new(Parts {
            session,
            connections,
            ledger: Arc::new(ledger),
            clock: self.clock.clone(),
            keymap: Keymap::with(&BTreeMap::new()).map_err(|why| CliError::usage(why.to_string()))?,
            size: UNSEEN,
            executors: Executors::Here,
            recorder: None,
        }))
    }

    fn session(
        &self,
        connections: &[Connection],
        globals: &Globals,
        environment: &BTreeMap<String, String>,
    ) -> Session {
        let steps = self.config.connections.values().filter_map(config::Connection::step);
        Session {
            who: self.config.who(environment, || ownership::account(ownership::own())),
            profile: self.profile.clone(),
            read_only: globals.read_only || self.config.read_only,
            sources: sources::infos(connections),
            signal_step: steps.max().unwrap_or(Duration::from_mins(1)),
            most_targets: usize::from(self.config.policy.most_targets.get()),
            files: self.config.files(),
            comparing: self.config.comparing(),
            watch: self.config.watch(),
            waves: self.config.waves(),
        }
    }
}

fn begin_recording(path: &Path, at: Timestamp, size: (u16, u16), session: &Session) -> Result<Recorder, CliError> {
    let failed = |why: io::Error| CliError::failed(format!("cannot record to {}: {why}", path.display()));
    // What it shows is the operator's: nobody else's file takes it, and no link leads it somewhere else.
    let file = place::begin(path).map_err(failed)?;
    Recorder::begin(file, at, size, session).map_err(failed)
}

/// Starts a detached executor of the same program with the same configuration.
fn detach(globals: &Globals) -> Result<Detach, CliError> {
    let unknown = |why: io::Error| CliError::failed(format!("this program cannot find itself: {why}"));
    let program = std::env::current_exe().map_err(unknown)?;
    let mut flags: Vec<OsString> = Vec::new();
    for file in &globals.config {
        // Absolute: the executor goes on when this folder is left. What was handed over open goes with the order.
        let whole = if globals.given.contains_key(file) { None } else { fs::canonicalize(file).ok() };
        flags.extend(["--config".into(), whole.unwrap_or_else(|| file.clone()).into_os_string()]);
    }
    let given = globals.given.clone();
    flags.extend((0..globals.verbose).map(|_| "-v".into()));
    flags.extend(globals.profile.iter().flat_map(|profile| ["--profile".into(), profile.into()]));
    Ok(Arc::new(move |record: &Record, secrets: &Secrets, attendance: fs::File| {
        let task = [OsString::from("executor"), record.id.to_string().into()];
        let order = Order::new(record.id, record.intent.clone(), secrets, given.clone());
        spawn_detached(&program, flags.iter().chain(&task), &order, attendance)
    }))
}

/// The files of the configuration that the command line names, wherever one stands.
pub(super) fn named(globals: &Globals) -> Vec<PathBuf> {
    let whole = |file: &PathBuf| std::path::absolute(file).unwrap_or_else(|_| file.clone());
    globals.config.iter().map(whole).collect()
}

/// The configuration of these flags, checked.
pub(super) fn loaded(globals: &Globals, environment: &BTreeMap<String, String>) -> Result<Loaded, CliError> {
    read(globals, environment, None).map_err(|failure| cli::config::refused(&failure))
}

/// The same, and held against the files of this machine that it leads to. Connects to nothing.
pub(super) fn checked(globals: &Globals, environment: &BTreeMap<String, String>) -> Result<Loaded, CliError> {
    let look = |connection: &config::Connection| registry::wrong(connection, environment);
    read(globals, environment, Some(&look)).map_err(|failure| cli::config::refused(&failure))
}

/// The configuration that a text is which nobody has written to a file yet, with the environment's settings over it.
pub(super) fn drafted(text: &str, environment: &BTreeMap<String, String>) -> Result<Loaded, CliError> {
    let name = PathBuf::from("what was found");
    let layers = Layers {
        places: layer::Places { system: name.clone(), user: None },
        files: Vec::new(),
        profile: None,
        env: environment.clone(),
        trust: Trust::Owners,
        given: BTreeMap::from([(name, text.to_owned())]),
    };
    held(&layers, None).map_err(|failure| cli::config::refused(&failure))
}

/// Where the configuration says the journal is: nowhere, where there is no configuration.
pub(super) fn configured_state(
    globals: &Globals,
    environment: &BTreeMap<String, String>,
) -> Result<schema::State, CliError> {
    match read(globals, environment, None) {
        Ok(loaded) => Ok(loaded.config.state),
        Err(Failure::Nothing(_)) => Ok(schema::State::default()),
        Err(failure) => Err(cli::config::refused(&failure)),
    }
}

fn read(globals: &Globals, environment: &BTreeMap<String, String>, look: Option<Look<'_>>) -> Result<Loaded, Failure> {
    let layers = Layers {
        places: layer::Places::usual(),
        files: globals.config.clone(),
        profile: globals.profile.clone(),
        env: environment.clone(),
        trust: Trust::Owners,
        given: globals.given.clone(),
    };
    held(&layers, look)
}

/// Layers, read and held against what there is.
fn held(layers: &Layers, look: Option<Look<'_>>) -> Result<Loaded, Failure> {
    let presets = registry::presets();
    let themes: Vec<String> = theme::names().map(str::to_owned).collect();
    let known = Known { presets: &presets, themes: &themes, keys: &cli::keys::check, look };
    load(layers, &known)
}
