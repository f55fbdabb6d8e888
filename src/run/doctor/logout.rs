//! Does an executor that was left behind survive a log-out here? systemd's logind may end whatever a session leaves.
//!
//! Source: logind.conf(5) (`KillUserProcesses`, `KillOnlyUsers`, `KillExcludeUsers`; the first `logind.conf` of /etc, /run and /usr that is
//! there, then the files below `logind.conf.d` by name, of which the first of one name counts), systemd.syntax(7) (what is a boolean).
//! Whether this is a session is told by its variable, or by the scope that this process is in: `sudo -i` and `tmux` lose the one and not
//! the other. Lingering keeps units of a user, not what a session left.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    port::examine::{Finding, Grade},
    run::origin,
};

/// Where configurations lie below the root; of what is in several the first counts.
const FOLDERS: [&str; 4] = ["etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd"];

/// What of a machine decides it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Machine {
    /// The texts of logind's configuration, later wins.
    pub(super) texts: Vec<String>,
    /// Who logs out.
    pub(super) user: String,
    /// Is there a logind, and are we in a session of it?
    pub(super) in_session: bool,
}

impl Machine {
    /// This machine.
    pub(super) fn here(environment: &BTreeMap<String, String>) -> Self {
        let login = origin::here(environment).login;
        let user = login.or_else(|| environment.get("USER").cloned()).unwrap_or_default();
        Self::below(Path::new("/"), user, environment)
    }

    fn below(root: &Path, user: String, environment: &BTreeMap<String, String>) -> Self {
        let folders = || FOLDERS.iter().map(|folder| root.join(folder));
        let mut drop_ins: BTreeMap<String, PathBuf> = BTreeMap::new();
        for folder in folders() {
            let entries = fs::read_dir(folder.join("logind.conf.d")).into_iter().flatten().flatten();
            let files = entries.map(|entry| entry.path());
            for file in files.filter(|path| path.extension().is_some_and(|extension| extension == "conf")) {
                let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                drop_ins.entry(name).or_insert(file);
            }
        }
        let main = folders().map(|folder| folder.join("logind.conf")).find(|path| path.exists());
        let texts = main.iter().chain(drop_ins.values()).filter_map(|path| fs::read_to_string(path).ok());
        let scope = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
        let in_scope = scope.lines().any(|line| line.contains("/session-") && line.contains(".scope"));
        let in_session =
            root.join("run/systemd/system").exists() && (in_scope || environment.contains_key("XDG_SESSION_ID"));
        Self { texts: texts.collect(), user, in_session }
    }

    /// Every value of a setting, in the order in which they are read.
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.texts.iter().flat_map(|text| text.lines()).map(str::trim);
        lines.filter_map(move |line| Some(line.strip_prefix(name)?.trim_start().strip_prefix('=')?.trim()))
    }

    /// Whether a list of users names who logs out: each value adds to it, the empty one takes all of it back; `None` where it is empty.
    fn is_named(&self, name: &str) -> Option<bool> {
        let values: Vec<&str> = self.values(name).collect();
        let users = values.rsplit(|users| users.is_empty()).next().filter(|users| !users.is_empty())?;
        Some(users.iter().flat_map(|users| users.split_whitespace()).any(|one| one == self.user))
    }

    /// Does it end what a session of this user leaves, as logind's `manager_shall_kill` has it? A list of users goes before the switch.
    /// What is no boolean is passed over; `None` where nothing says it.
    fn kills(&self) -> Option<bool> {
        if self.is_named("KillExcludeUsers").unwrap_or(self.user == "root") {
            return Some(false);
        }
        let last = |known, value: &str| if value.is_empty() { None } else { switch(value).or(known) };
        self.is_named("KillOnlyUsers").or_else(|| self.values("KillUserProcesses").fold(None, last))
    }
}

fn switch(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Some(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Some(false),
        _ => None,
    }
}

/// Whether it does.
pub(super) fn survives(machine: &Machine) -> Finding {
    if !machine.in_session {
        return Finding::good("log-out", "this is no session that ends what it leaves: an executor goes on");
    }
    match machine.kills() {
        Some(false) => Finding::good(
            "log-out",
            "what you leave behind is not ended by logind: an executor goes on when you log out",
        ),
        Some(true) => {
            let said = "KillUserProcesses is on for you: logging out ends an executor in the middle of an act";
            let way = format!(
                "KillExcludeUsers={} in /etc/systemd/logind.conf; without it stay until an act has ended, or carry it on with `t`",
                machine.user
            );
            Finding::of(Grade::Limited, "log-out", said, way)
        }
        None => {
            let said = "KillUserProcesses is not set: what logind was built with decides (Debian, Ubuntu, Fedora: off)";
            Finding::of(
                Grade::Unknown,
                "log-out",
                said,
                "KillUserProcesses=no in /etc/systemd/logind.conf makes it sure",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str], user: &str, in_session: bool) -> Grade {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        survives(&Machine { texts, user: user.into(), in_session }).grade
    }

    #[test]
    fn the_last_setting_counts_and_what_is_not_set_is_not_known() {
        let on = "[Login]\nKillUserProcesses=yes\n";
        assert_eq!(of(&[on], "dana", true), Grade::Limited);
        assert_eq!(of(&[on, "KillUserProcesses = no"], "dana", true), Grade::Good);
        assert_eq!(of(&["#KillUserProcesses=no"], "dana", true), Grade::Unknown);
        assert_eq!(of(&[on, "KillUserProcesses="], "dana", true), Grade::Unknown);
        for (value, grade) in
            [("N", Grade::Good), ("Off", Grade::Good), ("TRUE", Grade::Limited), ("y", Grade::Limited)]
        {
            assert_eq!(of(&[&format!("KillUserProcesses={value}")], "dana", true), grade, "{value}");
        }
        // logind passes over what is no boolean.
        assert_eq!(of(&["KillUserProcesses=perhaps"], "dana", true), Grade::Unknown);
        assert_eq!(of(&[on, "KillUserProcesses=perhaps"], "dana", true), Grade::Limited);
    }

    #[test]
    fn it_is_read_from_where_logind_reads_it_and_a_session_is_known_by_its_variable_or_its_scope() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let is = |session: bool| {
            let variables = session.then(|| ("XDG_SESSION_ID".to_owned(), "7".to_owned()));
            Machine::below(root.path(), "dana".into(), &variables.into_iter().collect())
        };
        assert_eq!(is(true), Machine { user: "dana".into(), ..Machine::default() });
        put("run/systemd/system/x", "");
        assert_eq!((is(true).in_session, is(false).in_session), (true, false));
        put("proc/self/cgroup", "0::/user.slice/user-1000.slice/session-7.scope\n");
        assert!(is(false).in_session);
        // Of each name the first folder's, and the main file first of all.
        put("usr/lib/systemd/logind.conf", "passed over");
        put("etc/systemd/logind.conf", "main");
        put("usr/lib/systemd/logind.conf.d/50-a.conf", "passed over");
        put("run/systemd/logind.conf.d/50-a.conf", "a");
        put("usr/lib/systemd/logind.conf.d/60-b.conf", "b");
        put("etc/systemd/logind.conf.d/70-c.disabled", "no drop-in");
        assert_eq!(is(true).texts, ["main", "a", "b"]);
    }

    #[test]
    fn whoever_is_left_out_and_whoever_has_no_session_loses_nothing() {
        let on = "KillUserProcesses=yes";
        assert_eq!(of(&[on], "root", true), Grade::Good);
        assert_eq!(of(&[on, "KillExcludeUsers=dana"], "dana", true), Grade::Good);
        assert_eq!(of(&[on, "KillExcludeUsers=dana"], "root", true), Grade::Limited);
        assert_eq!(of(&[on, "KillOnlyUsers=lee"], "dana", true), Grade::Good);
        assert_eq!(of(&[on, "KillOnlyUsers=dana"], "dana", true), Grade::Limited);
        assert_eq!(of(&["KillUserProcesses=no", "KillOnlyUsers=dana"], "dana", true), Grade::Limited);
        // Each value adds to a list, and the empty one takes it back.
        assert_eq!(of(&[on, "KillExcludeUsers=dana", "KillExcludeUsers=lee"], "dana", true), Grade::Good);
        assert_eq!(of(&[on, "KillExcludeUsers=dana", "KillExcludeUsers="], "dana", true), Grade::Limited);
        assert_eq!(of(&[on], "dana", false), Grade::Good);
    }
}
