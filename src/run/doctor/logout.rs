//! Does an executor that was left behind survive a log-out here? systemd's logind may end whatever a session leaves.
//!
//! Source: logind.conf(5) (`KillUserProcesses`, `KillOnlyUsers`, `KillExcludeUsers`; files below `logind.conf.d` are read after
//! `logind.conf`, by name, and those of /etc before those of /run and /usr/lib of the same name). Lingering keeps units of a user, not
//! what a session left.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::port::examine::{Finding, Grade};

/// Where drop-ins lie; of two with one name the first counts.
const DROP_INS: [&str; 3] =
    ["/etc/systemd/logind.conf.d", "/run/systemd/logind.conf.d", "/usr/lib/systemd/logind.conf.d"];

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
        let mut drop_ins: BTreeMap<String, PathBuf> = BTreeMap::new();
        for folder in DROP_INS {
            let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
            for file in files.filter(|path| path.extension().is_some_and(|extension| extension == "conf")) {
                let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                drop_ins.entry(name).or_insert(file);
            }
        }
        let main = [PathBuf::from("/etc/systemd/logind.conf")];
        let texts = main.iter().chain(drop_ins.values()).filter_map(|path| fs::read_to_string(path).ok());
        let in_session = Path::new("/run/systemd/system").exists() && environment.contains_key("XDG_SESSION_ID");
        Self { texts: texts.collect(), user: environment.get("USER").cloned().unwrap_or_default(), in_session }
    }

    /// The last value of a setting; the empty text takes it back.
    fn setting(&self, name: &str) -> Option<&str> {
        let lines = self.texts.iter().flat_map(|text| text.lines()).map(str::trim);
        let values = lines.filter_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='));
        values.map(str::trim).next_back().filter(|value| !value.is_empty())
    }
}

/// Whether it does.
pub(super) fn survives(machine: &Machine) -> Finding {
    let named =
        |setting: &str| machine.setting(setting).map(|users| users.split_whitespace().any(|one| one == machine.user));
    if !machine.in_session {
        return Finding::good("log-out", "this is no session that ends what it leaves: an executor goes on");
    }
    if named("KillExcludeUsers").unwrap_or(machine.user == "root") || named("KillOnlyUsers") == Some(false) {
        return Finding::good("log-out", "what you leave behind is not ended here: an executor goes on");
    }
    match machine.setting("KillUserProcesses") {
        Some("no" | "false" | "0" | "off") => {
            Finding::good("log-out", "KillUserProcesses=no: an executor goes on when you log out")
        }
        Some(_) => {
            let said = "KillUserProcesses is on: logging out ends an executor in the middle of an act";
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
    }

    #[test]
    fn whoever_is_left_out_and_whoever_has_no_session_loses_nothing() {
        let on = "KillUserProcesses=yes";
        assert_eq!(of(&[on], "root", true), Grade::Good);
        assert_eq!(of(&[on, "KillExcludeUsers=dana"], "dana", true), Grade::Good);
        assert_eq!(of(&[on, "KillExcludeUsers=dana"], "root", true), Grade::Limited);
        assert_eq!(of(&[on, "KillOnlyUsers=lee"], "dana", true), Grade::Good);
        assert_eq!(of(&[on, "KillOnlyUsers=dana"], "dana", true), Grade::Limited);
        assert_eq!(of(&[on], "dana", false), Grade::Good);
    }
}
