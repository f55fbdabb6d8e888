//! Several users of one machine. Where the tests run as root, each is a user id of its own, which needs no entry anywhere and
//! leaves none behind; else there is only whoever runs them, and that is said.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test may fail, and says what it leaves out")]

use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// Somebody who uses the machine.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    home: PathBuf,
}

/// Can the tests be several people? Says loudly what is left out where they cannot.
pub(crate) fn are_several(left_out: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("SKIPPED: the tests do not run as root, so that there is no second user: {left_out}");
    }
    root
}

/// A folder that everybody on the machine can look into.
pub(crate) fn open_folder() -> tempfile::TempDir {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap()
}

/// The program where everybody on the machine can start it: where it is, or a copy where its folder is one person's own, as
/// root's home is. A copy stays for the next run.
fn reachable_program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let built = PathBuf::from(crate::program::holdshort().get_program());
        let is_open = |folder: &Path| fs::metadata(folder).is_ok_and(|found| found.permissions().mode() & 0o001 != 0);
        if built.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()).all(is_open) {
            return built;
        }
        let folder = std::env::temp_dir().join(format!("holdshort-tests-{}", rustix::process::geteuid().as_raw()));
        fs::create_dir_all(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        let (copy, new) = (folder.join("holdshort"), folder.join(format!("new-{}", std::process::id())));
        fs::copy(&built, &new).unwrap();
        fs::rename(new, &copy).unwrap();
        copy
    })
}

impl Person {
    /// Somebody with this first group, and a home below `homes`.
    pub(crate) fn new(homes: &Path, uid: u32, gid: u32) -> Self {
        let home = homes.join(uid.to_string());
        fs::create_dir(&home).unwrap();
        let person = Self { uid, gid, home };
        person.owns(&person.home, 0o700);
        person
    }

    /// Whoever runs the tests.
    pub(crate) fn own(homes: &Path) -> Self {
        Self::new(homes, rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
    }

    /// Their state folder.
    pub(crate) fn state(&self) -> PathBuf {
        self.home.join(".local/state/holdshort")
    }

    /// Makes it theirs, with this mode.
    pub(crate) fn owns(&self, path: &Path, mode: u32) {
        chown(path, Some(self.uid), Some(self.gid)).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    /// The program as they start it, with this umask.
    pub(crate) fn holdshort(&self, umask: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "umask \"$1\"; shift; exec \"$@\"", "sh", umask]).arg(reachable_program());
        for name in crate::program::settings() {
            command.env_remove(name);
        }
        command.env("HOME", &self.home).env("TMPDIR", &self.home).current_dir(&self.home);
        for name in ["XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "KUBECONFIG"] {
            command.env_remove(name);
        }
        if rustix::process::geteuid().is_root() {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }
}
