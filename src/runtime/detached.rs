//! The executor as a process of its own: it outlives the terminal, the SSH session and whoever started it.
//!
//! A login manager may still kill it with its session (`KillUserProcesses=yes`); the record then shows it as interrupted, and
//! somebody takes over.

use std::{ffi::OsString, io, path::Path, process::Stdio};

use crate::port::record::RecordId;

/// Starts `PROGRAM FLAGS… executor ID` with no terminal. Inside a runtime, which reaps it when it ends.
///
/// # Errors
/// When the program cannot be started.
pub fn spawn(program: &Path, flags: &[OsString], id: RecordId) -> io::Result<()> {
    let mut command = tokio::process::Command::new(program);
    command.args(flags).arg("executor").arg(id.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(false);
    command.spawn().map(drop)
}

/// Leaves the session of the terminal: what hangs that up does not reach this process any more. First thing in the child.
///
/// # Errors
/// When this process leads a group already, as one started by hand from a shell does; it runs all the same.
pub fn leave_session() -> io::Result<()> {
    rustix::process::setsid()?;
    Ok(())
}
