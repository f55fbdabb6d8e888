//! Processes that outlive the terminal: the executor's host for real systems.

use std::{
    ffi::OsStr,
    io,
    path::Path,
    process::{Command, Stdio},
};

/// Starts a process that keeps nothing of this terminal. Its first act must be [`leave_session`].
pub fn spawn_detached(exe: &Path, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> io::Result<()> {
    let mut child = Command::new(exe)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| io::Error::new(error.kind(), format!("{} cannot be started: {error}", exe.display())))?;
    // Somebody must wait for it, or it stays as a zombie for as long as we live.
    std::thread::Builder::new().name("reaper".to_owned()).spawn(move || drop(child.wait()))?;
    Ok(())
}

/// Makes this process the leader of a session of its own: a hang-up of the old terminal does not reach it any more.
pub fn leave_session() -> io::Result<()> {
    rustix::process::setsid()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = spawn_detached(Path::new("/no/such/holdshort"), ["executor", "7"]).unwrap_err();
        assert!(error.to_string().starts_with("/no/such/holdshort cannot be started: "), "{error}");
    }
}
