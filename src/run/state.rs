//! Where records go: the journal's folder, a team's or this user's own, the user's key, and the spool.

use std::{
    collections::BTreeMap,
    fs::Permissions,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;

use crate::{
    cli::{
        exit::{CliError, Exit},
        state,
    },
    config::schema::{Config, State},
    domain::text::clean,
    journal::{
        JournalError,
        place::Keepers,
        signer::Signer,
        spool::Spool,
        sqlite::SqliteJournal,
        team::{self, Became},
        trust::{Trusted, Vouches},
    },
    ownership,
};

/// The file that the journal is, in its folder.
const JOURNAL: &str = "journal.sqlite";
/// Where a team's journal is unless the configuration names another place.
pub(super) const TEAM: &str = "/var/lib/holdshort";
/// The file that holds the key by which the user signs.
const KEY: &str = "key";
/// The file that takes records while the journal cannot be written.
const SPOOL: &str = "spool.jsonl";

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// The journal's folder.
    folder: PathBuf,
    /// The group that keeps it, by name; without it this user alone.
    group: Option<String>,
    /// The user's own folder: their key, and how far journals had come when they last wrote.
    own: PathBuf,
    /// Where records go while the journal cannot be written: the user's own places.
    spools: Vec<PathBuf>,
    /// What was seen last: the user's own, for it can be made anew.
    cache: Option<PathBuf>,
    /// Nothing says where any of that could be: nothing is written down, and what can be read is read.
    is_nowhere: bool,
    /// A journal in memory is signed by nobody.
    is_signed: bool,
    /// The machine's log is told how far it has come. Of a demo it need not know.
    is_told: bool,
}

impl Places {
    /// Everything in one folder, which ends with the process.
    pub(super) fn within(folder: &Path) -> Self {
        let (folder, spools) = (folder.to_owned(), vec![folder.join(SPOOL)]);
        Self {
            own: folder.clone(),
            folder,
            group: None,
            spools,
            cache: None,
            is_nowhere: false,
            is_signed: false,
            is_told: false,
        }
    }

    /// As the configuration and the environment say.
    pub(super) fn of(config: &Config, environment: &BTreeMap<String, String>) -> Result<Self, CliError> {
        let found = folder_of(&config.state, environment)?;
        let (is_nowhere, folder) = (found.is_none(), found.unwrap_or_default());
        let group = config.state.group.clone();
        // A served world is a demo too: it leaves nothing in the user's own places.
        if config.world.is_some() {
            let spools = vec![folder.join(SPOOL)];
            let (own, cache) = (folder.clone(), Some(folder.join("cache")));
            return Ok(Self { own, folder, group, spools, cache, is_nowhere, is_signed: true, is_told: false });
        }
        // Without a home a team's folder has no place for a key: whoever opens it says so.
        let own = own_state(environment).unwrap_or_else(|| folder.clone());
        let (spools, cache) = (spools(environment), own_cache(environment));
        Ok(Self { folder, group, own, spools, cache, is_nowhere, is_signed: true, is_told: true })
    }

    /// That there is a place for records, for whoever is there for nothing else.
    pub(super) fn somewhere(&self) -> Result<(), CliError> {
        if self.is_nowhere { Err(CliError::usage(NOWHERE)) } else { Ok(()) }
    }

    /// The same for the journal, which may be missing: what can be read is read without it.
    fn there(&self) -> Result<(), JournalError> {
        if !self.is_nowhere {
            return Ok(());
        }
        let (path, why) = (PathBuf::from("the journal"), "has no place, for HOME is not set".to_owned());
        Err(JournalError::Broken { path, why, way: "set HOME, or state.path in the configuration" })
    }

    /// The journal, with what the user signs by.
    pub(super) fn journal(&self) -> Result<SqliteJournal, JournalError> {
        let signer = self.signer()?;
        let journal = SqliteJournal::open_for(&self.journal_file(), &self.keepers()?)?.signed(signer, &self.own);
        Ok(if self.is_told { journal.told() } else { journal })
    }

    /// The same, whose records are in another folder, which a group may keep.
    pub(super) fn with_records(self, folder: PathBuf, group: Option<String>) -> Self {
        Self { folder, group, is_nowhere: false, ..self }
    }

    /// The folder in which records are, and the group that keeps it.
    pub(super) fn records(&self) -> (Option<PathBuf>, Option<String>) {
        ((!self.is_nowhere).then(|| self.folder.clone()), self.group.clone())
    }

    /// The file that the journal is.
    pub(super) fn journal_file(&self) -> PathBuf {
        self.folder.join(JOURNAL)
    }

    /// The user's own folder, where there is one.
    pub(super) fn own(&self) -> Option<&Path> {
        (!self.is_nowhere).then_some(&self.own)
    }

    /// The folder of what was seen last, where there is a place for it.
    pub(super) fn cache(&self) -> Option<PathBuf> {
        self.cache.clone()
    }

    /// The keys that the user trusts.
    pub(super) fn trusted(&self) -> Trusted {
        Trusted::of(&self.own)
    }

    /// The vouches of those who write the journal.
    pub(super) fn vouches(&self) -> Result<Vouches, JournalError> {
        Ok(Vouches::beside(&self.journal_file(), self.keepers()?))
    }

    /// The journal, only to read it.
    pub(super) fn journal_to_read(&self) -> Result<SqliteJournal, JournalError> {
        self.there()?;
        SqliteJournal::open_to_read(&self.journal_file(), &self.keepers()?)
    }

    /// The spool.
    pub(super) fn spool(&self) -> Spool {
        let spool = Spool::new(self.spools.clone());
        if self.is_signed { spool.signed(self.signer().ok()) } else { spool }
    }

    /// The key by which the user signs.
    pub(super) fn signer(&self) -> Result<Arc<Signer>, JournalError> {
        self.there()?;
        let key = self.own.join(KEY);
        let is_there = key.symlink_metadata().is_ok();
        let signer = Signer::of(&key).map_err(|error| {
            let (why, way) = if is_there {
                let way =
                    "make it yours alone and readable; a key that is lost is made anew once the file is moved away";
                ("records cannot be signed with it", way)
            } else {
                ("the key that records are signed with cannot be made", "make its folder yours and writable")
            };
            JournalError::Broken { path: key, why: format!("{why}: {error}"), way }
        })?;
        Ok(Arc::new(signer))
    }

    fn keepers(&self) -> Result<Keepers, JournalError> {
        let Some(name) = &self.group else { return Ok(Keepers::Own) };
        let Some(gid) = ownership::group_named(name) else {
            return Err(JournalError::Broken {
                path: self.folder.clone(),
                why: format!("is kept by group '{}', which this machine does not know", clean(name)),
                way: "mend state.group in the configuration, or have the group made",
            });
        };
        Ok(Keepers::Team { name: name.clone(), gid })
    }
}

/// There is no place for records, and what helps.
const NOWHERE: &str =
    "there is no place for the journal: HOME is not set; set HOME, or state.path in the configuration";

/// Where the journal is: as configured, else the team's folder if it is there or a team is named, else the user's own; nowhere, where
/// nothing says where that is.
fn folder_of(state: &State, environment: &BTreeMap<String, String>) -> Result<Option<PathBuf>, CliError> {
    if let Some(path) = &state.path {
        // An empty path would be whatever folder this was started in.
        return if path.is_absolute() {
            Ok(Some(path.clone()))
        } else {
            let said = format!("state.path is '{}': name a whole path, from /", clean(&path.display().to_string()));
            Err(CliError::usage(said))
        };
    }
    let team = PathBuf::from(TEAM);
    if state.group.is_some() || team.is_dir() {
        return Ok(Some(team));
    }
    Ok(own_state(environment))
}

/// `state init`: makes a team's place.
pub(super) fn init(group: &str, folder: &Path, out: &mut dyn Write) -> Result<Exit, CliError> {
    let shown = clean(group);
    let Some(gid) = ownership::group_named(group) else {
        let said = format!("there is no group '{shown}': name another, or have root make it with groupadd {shown}");
        return Err(CliError::usage(said));
    };
    if ownership::own() != 0 && !ownership::is_member(gid) {
        let said = format!("you are not in group '{shown}': have one of it, or root, make its place");
        return Err(CliError::new(Exit::Unreachable, said));
    }
    if !folder.is_absolute() {
        let said = format!("'{}': name a whole path, from /", clean(&folder.display().to_string()));
        return Err(CliError::usage(said));
    }
    let made = team::make(folder, JOURNAL, &Keepers::Team { name: group.to_owned(), gid }).map_err(CliError::failed)?;
    let part = |part: team::Part| {
        let became = match part.became {
            Became::Made => "made",
            Became::Changed => "mended",
            Became::AsItWas => "there",
        };
        state::Part { path: part.path, became, mode: part.mode }
    };
    state::print(&made.into_iter().map(part).collect::<Vec<_>>(), group, folder, team::closed_above(folder), out)
}

/// The user's own state folder; `None` where nothing says where that is.
fn own_state(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    own_folder(environment, "XDG_STATE_HOME", ".local/state")
}

/// The user's own folder for what can be made anew.
fn own_cache(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    own_folder(environment, "XDG_CACHE_HOME", ".cache")
}

/// Ours in a folder that a variable names, or that lies in the home; a path that is not whole names none (XDG).
fn own_folder(environment: &BTreeMap<String, String>, variable: &str, within_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute(variable).or_else(|| Some(absolute("HOME")?.join(within_home)))?;
    Some(base.join("holdshort"))
}

/// The places of the spool, best first. All of them are the user's own: what is in them becomes records in their name.
fn spools(environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let runtime = environment.get("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let folders = [
        own_state(environment),
        runtime.map(|folder| folder.join("holdshort")),
        Some(std::env::temp_dir().join(format!("holdshort-{}", ownership::own()))),
    ];
    folders.into_iter().flatten().map(|folder| folder.join(SPOOL)).collect()
}

/// A folder that ends with the returned value, and that nobody else looks into whatever the umask.
pub(super) fn private_folder(prefix: &str) -> io::Result<TempDir> {
    tempfile::Builder::new().prefix(prefix).permissions(Permissions::from_mode(0o700)).tempdir()
}
