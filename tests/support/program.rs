//! The program as a test starts it: its own binary, with no setting of whoever runs the tests.

use std::{ffi::OsString, process::Command};

/// `holdshort` as it was built for this test run, before its arguments.
pub(crate) fn holdshort() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdshort"));
    for name in settings() {
        command.env_remove(name);
    }
    command
}

/// Variables that the program would take for settings, and which are those of the test's own surroundings.
pub(crate) fn settings() -> impl Iterator<Item = OsString> {
    std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("HOLDSHORT_"))
}
