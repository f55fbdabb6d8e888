//! Clients of others that drive a pretended system: a Python script of `tests/clients`, with the packages of `.ci/clients.txt`.
//!
//! `HOLDSHORT_TEST_CLIENTS` names the folder that these are installed in. Without it the test says so and passes, unless
//! `REQUIRE_SERVERS` is set: then it fails. What is right is for the script to say: it asserts on what the client made of the answers.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may fail, reads its environment and says what it skips"
)]

use std::{path::PathBuf, process::Command};

/// Where the packages are.
const FOLDER: &str = "HOLDSHORT_TEST_CLIENTS";

/// Runs a script with none of its neighbours in reach: it may be called as the package is that it imports.
const RUN: &str = "import runpy, sys; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')";

/// Runs `tests/clients/NAME.py` with these arguments, without the proxies of whoever runs the tests. False where it was left out.
pub(crate) fn drive(name: &str, args: &[&str]) -> bool {
    let Some(packages) = packages() else { return false };
    let script = format!("{}/tests/clients/{name}.py", env!("CARGO_MANIFEST_DIR"));
    let mut python = Command::new("python3");
    python.args(["-B", "-s", "-c", RUN, &script]).args(args).env("PYTHONPATH", packages).env("NO_PROXY", "*");
    let output = python.output().unwrap();
    let said = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
    assert!(output.status.success(), "{name}.py:\n{}{}", said(&output.stdout), said(&output.stderr));
    true
}

/// The folder of the clients, if there is one.
pub(crate) fn packages() -> Option<PathBuf> {
    let how = "`python3 -m pip install --no-deps --only-binary :all: --require-hashes --target DIR -r .ci/clients.txt` fills a folder \
               for it";
    folder(FOLDER, how)
}

/// A folder that a variable names. Where none is named, says loudly how to get it; with `REQUIRE_SERVERS` that is a failure.
pub(crate) fn folder(variable: &str, how: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).filter(|folder| !folder.is_empty());
    let say = format!("SKIPPED: {variable} is not set; {how}");
    assert!(folder.is_some() || std::env::var_os("REQUIRE_SERVERS").is_none(), "{say}");
    if folder.is_none() {
        eprintln!("{say}");
    }
    folder.map(PathBuf::from)
}
