//! What every command stands on: the configuration, where requests go, the clock and the journal, real or built in.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs, io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    app::{model::Session, msg::Msg},
    cli::{
        self,
        args::Globals,
        exit::{CliError, Exit},
    },
    config::{
        check::{Contexts, Known, ReadContexts},
        layer::{Layers, Places},
        read::{Loaded, load},
        schema::{self, Config},
    },
    demo::{scenario::Scenario, shared::SharedWorld, world::World},
    domain::time::{Timestamp, after},
    journal::{
        Journal, JournalError,
        ledger::Ledger,
        signer::Signer,
        spool::Spool,
        sqlite::SqliteJournal,
        trust::{Claim, Trusted, Vouches},
    },
    keymap::Keymap,
    port::record::Origin,
    port::{clock::SharedClock, error::ProviderError, facet::Connection, record::Record},
    provider::{kubernetes, prometheus::presets},
    run::{
        origin,
        pilot::Autopilot,
        registry::{Below, connect},
        world::{self, configuration},
    },
    runtime::{
        actions::{Detach, Executors},
        clock::{ScaledClock, SystemClock, VirtualClock},
        cockpit::{Cockpit, Parts},
        detach::{Order, spawn_detached},
        recorder::Recorder,
        sources,
    },
    theme,
};

/// The file that the journal is, in its folder.
const JOURNAL: &str = "journal.sqlite";
/// The file that holds the key by which the user signs.
const KEY: &str = "key";
/// The file that lists the keys that the user trusts.
const TRUSTED: &str = "trusted-keys";
/// The file that takes records while the journal cannot be written.
const SPOOL: &str = "spool.jsonl";
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
    /// The journal's folder.
    state: PathBuf,
    /// The user's own folder: their key, and how far journals had come when they last wrote.
    own: PathBuf,
    /// Where records go while the journal cannot be written: the user's own places.
    spools: Vec<PathBuf>,
    /// Where records are written from.
    origin: Origin,
    /// A demo journals into a folder of its own, which ends with it.
    folder: Option<Arc<TempDir>>,
}

/// The built-in world of these flags: its scenario with the seed laid over it.
pub(super) fn scenario(name: &str, seed: Option<u64>) -> Result<Scenario, CliError> {
    let mut scenario = Scenario::load(name).map_err(|why| CliError::usage(why.to_string()))?;
    scenario.seed = seed.unwrap_or(scenario.seed);
    Ok(scenario)
}

/// A world whose history runs with the first request.
pub(super) fn shared(scenario: &Scenario) -> Result<SharedWorld, CliError> {
    World::at_rest(scenario).map(SharedWorld::new).map_err(|why| CliError::usage(why.to_string()))
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
        let folder = tempfile::Builder::new().prefix("holdshort-demo-").tempdir();
        let folder =
            folder.map_err(|why| CliError::failed(format!("no temporary folder for the demo's journal: {why}")))?;
        Ok(Self {
            config: configuration(&scenario, IN_PROCESS),
            profile: format!("demo {}", scenario.name),
            below: Below::World(shared(&scenario)?),
            clock,
            state: folder.path().to_owned(),
            own: folder.path().to_owned(),
            spools: vec![folder.path().join(SPOOL)],
            origin: origin::here(&BTreeMap::new()),
            folder: Some(Arc::new(folder)),
        })
    }

    /// The systems of the configuration that is found.
    pub(super) async fn real(globals: &Globals, environment: &BTreeMap<String, String>) -> Result<Self, CliError> {
        let loaded = loaded(globals, environment)?;
        cli::config::needs_connections(&loaded)?;
        let config = loaded.config;
        let state = state_folder(&config, environment)?;
        let below = Below::Network(environment.clone());
        let clock: SharedClock = match &config.world {
            None => Arc::new(SystemClock),
            Some(world) => world::clock(world).await?,
        };
        let profile = loaded.profile.unwrap_or_else(|| "holdshort".to_owned());
        // A served world is a demo too: it leaves nothing in the user's own places.
        let own = own_state(environment).filter(|_| config.world.is_none()).unwrap_or_else(|| state.clone());
        let spools = if config.world.is_some() { vec![state.join(SPOOL)] } else { spools(environment) };
        let origin = origin::here(environment);
        Ok(Self { config, profile, below, clock, state, own, spools, origin, folder: None })
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
        let path = self.folder.is_none().then(|| self.state.join(JOURNAL));
        let own = self.own.clone();
        // A served world is a demo: what is done there is nothing that the machine's log must know.
        let is_told = self.config.world.is_none();
        let opener = move || {
            // A demo's journal ends with it: a disk would only be waited for.
            let journal = match &path {
                None => SqliteJournal::in_memory()?,
                Some(path) if is_told => open_signed(path, &own)?.told(),
                Some(path) => open_signed(path, &own)?,
            };
            Ok(Arc::new(journal) as Arc<dyn Journal>)
        };
        let (ledger, state) = Ledger::open(opener, Spool::new(self.spools.clone()));
        (Arc::new(ledger.written_from(self.origin.clone())), state)
    }

    /// The journal, to look into it: one that cannot be written can still be read.
    pub(super) fn journal_to_read(&self) -> Result<Arc<dyn Journal>, JournalError> {
        let (ledger, _) = self.ledger();
        ledger.journal().or_else(|error| match self.folder {
            None => Ok(Arc::new(SqliteJournal::open_to_read(&self.state.join(JOURNAL)).map_err(|_| error)?)),
            Some(_) => Err(error),
        })
    }

    /// The file that the journal is.
    pub(super) fn journal_path(&self) -> PathBuf {
        self.state.join(JOURNAL)
    }

    /// The key by which the user signs.
    pub(super) fn signer(&self) -> Result<Signer, JournalError> {
        signer(&self.own)
    }

    /// The keys that the user trusts.
    pub(super) fn trusted(&self) -> Trusted {
        Trusted::at(self.own.join(TRUSTED))
    }

    /// The vouches of those who write the journal.
    pub(super) fn vouches(&self) -> Vouches {
        Vouches::beside(&self.journal_path())
    }

    /// Who the user is to others.
    pub(super) fn reader(&self) -> Claim {
        let Origin { uid, host, login, .. } = self.origin.clone();
        Claim { uid, host, login }
    }

    /// The providers.
    pub(super) async fn connections(&self) -> Result<Vec<Connection>, CliError> {
        let unreachable = |why: ProviderError| CliError { exit: Exit::Unreachable, text: why.text };
        connect(&self.config, &self.below, &self.clock).await.map_err(unreachable)
    }

    /// A cockpit over everything, with its journal. It has looked at nothing yet.
    pub(super) async fn cockpit(
        &self,
        globals: &Globals,
        environment: &BTreeMap<String, String>,
        size: (u16, u16),
        record: Option<&Path>,
    ) -> Result<Autopilot, CliError> {
        let connections = self.connections().await?;
        let steps = self.config.connections.values().filter_map(|connection| match connection {
            schema::Connection::Prometheus(prometheus) => Some(prometheus.step),
            _ => None,
        });
        let session = Session {
            who: self.config.who(environment),
            profile: self.profile.clone(),
            read_only: globals.read_only || self.config.read_only,
            sources: sources::infos(&connections),
            signal_step: steps.max().unwrap_or(Duration::from_mins(1)),
        };
        let recorder = record.map(|path| begin_recording(path, self.clock.now(), size, &session)).transpose()?;
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
}

fn begin_recording(path: &Path, at: Timestamp, size: (u16, u16), session: &Session) -> Result<Recorder, CliError> {
    let failed = |why: io::Error| CliError::failed(format!("cannot record to {}: {why}", path.display()));
    // What it shows is the operator's, and a link would lead somewhere else.
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    #[expect(clippy::cast_possible_wrap, reason = "a flag, not a number")]
    options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32);
    let file = options.open(path).map_err(failed)?;
    Recorder::begin(file, at, size, session).map_err(failed)
}

/// Starts a detached executor of the same program with the same configuration.
fn detach(globals: &Globals) -> Result<Detach, CliError> {
    let unknown = |why: io::Error| CliError::failed(format!("this program cannot find itself: {why}"));
    let program = std::env::current_exe().map_err(unknown)?;
    let mut flags: Vec<OsString> = Vec::new();
    for file in &globals.config {
        // Absolute: the executor goes on when this folder is left.
        flags.extend(["--config".into(), fs::canonicalize(file).unwrap_or_else(|_| file.clone()).into_os_string()]);
    }
    flags.extend(globals.profile.iter().flat_map(|profile| ["--profile".into(), profile.into()]));
    Ok(Arc::new(move |record: &Record, attendance: fs::File| {
        let task = [OsString::from("executor"), record.id.to_string().into()];
        let order = Order { record: record.id, confirmed: record.intent.clone() };
        spawn_detached(&program, flags.iter().chain(&task), &order, attendance)
    }))
}

/// The configuration of these flags, checked.
pub(super) fn loaded(globals: &Globals, environment: &BTreeMap<String, String>) -> Result<Loaded, CliError> {
    read(globals, environment, None)
}

/// The same, and held against the kubeconfigs that it names. Connects to nothing.
pub(super) fn checked(globals: &Globals, environment: &BTreeMap<String, String>) -> Result<Loaded, CliError> {
    let contexts =
        |file: Option<&Path>| kubernetes::connect::contexts(file).map(|(names, current)| Contexts { names, current });
    read(globals, environment, Some(&contexts))
}

fn read(
    globals: &Globals,
    environment: &BTreeMap<String, String>,
    contexts: Option<ReadContexts<'_>>,
) -> Result<Loaded, CliError> {
    let layers = Layers {
        places: Places::usual(),
        files: globals.config.clone(),
        profile: globals.profile.clone(),
        env: environment.clone(),
    };
    let presets: Vec<String> = presets::built_in().into_keys().collect();
    let themes: Vec<String> = theme::names().map(str::to_owned).collect();
    let known = Known { presets: &presets, themes: &themes, keys: &cli::keys::check, contexts };
    load(&layers, &known).map_err(|failure| cli::config::refused(&failure))
}

/// Where the journal is: as configured, else the team's folder if it is there, else the user's own.
fn state_folder(config: &Config, environment: &BTreeMap<String, String>) -> Result<PathBuf, CliError> {
    if let Some(path) = &config.state.path {
        // An empty path would be whatever folder this was started in.
        return if path.is_absolute() {
            Ok(path.clone())
        } else {
            let said = format!("state.path is '{}': name a whole path, from /", path.display());
            Err(CliError::usage(said))
        };
    }
    let team = PathBuf::from("/var/lib/holdshort");
    if team.is_dir() {
        return Ok(team);
    }
    own_state(environment).ok_or_else(|| {
        CliError::usage(
            "there is no place for the journal: HOME is not set; set HOME, or state.path in the configuration",
        )
    })
}

/// The journal in this file, with what the user signs by.
fn open_signed(path: &Path, own: &Path) -> Result<SqliteJournal, JournalError> {
    let signer = signer(own)?;
    Ok(SqliteJournal::open(path)?.signed(Arc::new(signer), own))
}

/// The key in a user's own folder.
fn signer(own: &Path) -> Result<Signer, JournalError> {
    let key = own.join(KEY);
    Signer::of(&key).map_err(|error| JournalError::Broken {
        path: key,
        why: format!("records cannot be signed with it: {error}"),
        way: "make it yours alone and readable; a key that is lost is made anew once the file is moved away",
    })
}

/// The user's own state folder; `None` where nothing says where that is.
fn own_state(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let absolute = |name: &str| environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local").join("state")))?;
    Some(base.join("holdshort"))
}

/// The places of the spool, best first. All of them are the user's own: what is in them becomes records in their name.
fn spools(environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let runtime = environment.get("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let uid = rustix::process::geteuid().as_raw();
    let folders = [
        own_state(environment),
        runtime.map(|folder| folder.join("holdshort")),
        Some(std::env::temp_dir().join(format!("holdshort-{uid}"))),
    ];
    folders.into_iter().flatten().map(|folder| folder.join(SPOOL)).collect()
}
