//! Vouches: a statement under a user's journal key, signed with their SSH key, so that readers know whose it is by the list of
//! SSH keys that they keep anyway. Made and checked by OpenSSH's own `ssh-keygen -Y`, as git does for its commits, so every
//! kind of key and agent works that works there.
//!
//! It is made once, by a command of its own: lines are signed with the journal key, for going back must not wait until
//! somebody touches a token, and executors outlive the session that lent its agent.

use std::{
    ffi::OsStr,
    io::{self, Write},
    path::Path,
    process::{Command, Stdio},
};

use tempfile::NamedTempFile;

use crate::domain::text::clean;

/// What the signature is for: one that was made for something else is none.
const NAMESPACE: &str = "holdshort";
const SSH_KEYGEN: &str = "ssh-keygen";

/// What is signed.
fn statement(key: &str) -> String {
    format!("holdshort key {key}\n")
}

/// Signs for a key with an SSH key: the one in this file (its private half there or in the agent), else the agent's first.
pub(super) fn vouch(key: &str, with: Option<&Path>) -> Result<String, String> {
    let lent;
    let file = if let Some(file) = with {
        file
    } else {
        lent = first_of_agent()?;
        lent.path()
    };
    let words: [&OsStr; 6] =
        ["-Y".as_ref(), "sign".as_ref(), "-n".as_ref(), NAMESPACE.as_ref(), "-f".as_ref(), file.as_ref()];
    // It may ask for a passphrase or a touch; what it asks and says is its own.
    let signed = piped(&words, &statement(key), Stdio::inherit())?;
    if signed.0 { Ok(signed.1) } else { Err(format!("{SSH_KEYGEN} has not signed with {}", shown(file))) }
}

/// Under which name a list of allowed signers has the SSH key that vouches for a key; `None` where it has none.
pub(super) fn voucher(key: &str, vouch: &str, allowed: &Path) -> Result<Option<String>, String> {
    let kept = written(vouch.as_bytes())?;
    let (signature, allowed) = (kept.path().as_os_str(), allowed.as_os_str());
    let find: [&OsStr; 6] =
        ["-Y".as_ref(), "find-principals".as_ref(), "-s".as_ref(), signature, "-f".as_ref(), allowed];
    let (found, names) = piped(&find, "", Stdio::null())?;
    let Some(name) = names.lines().next().filter(|name| found && !name.is_empty()) else { return Ok(None) };
    let verify: [&OsStr; 10] = [
        "-Y".as_ref(),
        "verify".as_ref(),
        "-f".as_ref(),
        allowed,
        "-I".as_ref(),
        name.as_ref(),
        "-n".as_ref(),
        NAMESPACE.as_ref(),
        "-s".as_ref(),
        signature,
    ];
    let (good, _) = piped(&verify, &statement(key), Stdio::null())?;
    Ok(good.then(|| clean(name)))
}

/// The public half of the first key that the agent lends, in a file as `ssh-keygen` wants it.
fn first_of_agent() -> Result<NamedTempFile, String> {
    let none = "the SSH agent lends no key; name one with --with FILE";
    let listed = Command::new("ssh-add").arg("-L").stdin(Stdio::null()).stderr(Stdio::null()).output();
    let listed = listed.ok().filter(|listed| listed.status.success()).ok_or(none)?;
    let first = listed.stdout.split(|byte| *byte == b'\n').next().filter(|line| !line.is_empty()).ok_or(none)?;
    written(first)
}

fn written(bytes: &[u8]) -> Result<NamedTempFile, String> {
    let failed = |error: io::Error| format!("no temporary file: {error}");
    let mut file = NamedTempFile::new().map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.write_all(b"\n")).map_err(failed)?;
    Ok(file)
}

/// Runs `ssh-keygen` on a text: did it succeed, and what did it print?
fn piped(words: &[&OsStr], text: &str, said: Stdio) -> Result<(bool, String), String> {
    let mut command = Command::new(SSH_KEYGEN);
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(said);
    let absent = |error: io::Error| format!("{SSH_KEYGEN} cannot be started ({error}); OpenSSH's client brings it");
    let mut child = command.spawn().map_err(absent)?;
    // One that ends without reading is told by how it ends.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().map_err(absent)?;
    Ok((output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
}

fn shown(path: &Path) -> String {
    clean(&path.display().to_string())
}
