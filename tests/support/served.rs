//! The built-in world as a server: `holdshort demo serve` in a process of its own, and the addresses that it prints.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may fail, reads its environment and says what it skips"
)]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Child, Command, Output, Stdio},
};

/// A served world; it ends with this value.
pub(crate) struct Served {
    child: Child,
    printed: BTreeMap<String, String>,
}

impl Served {
    /// Serves a scenario on a free port and waits until it says `ready`.
    pub(crate) fn start(scenario: &str, more: &[&str]) -> Self {
        let mut child = crate::program::holdshort()
            .args(["demo", "serve", "--listen", "127.0.0.1:0", "--scenario", scenario])
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut printed = BTreeMap::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if line == "ready" {
                return Self { child, printed };
            }
            let (name, value) = line.split_once(' ').unwrap_or((&line, ""));
            printed.insert(name.to_owned(), value.to_owned());
        }
        panic!("the served world ended before it was ready: {:?}", child.wait());
    }

    /// What it printed under a name: `kubeconfig`, `prometheus`, `config`.
    pub(crate) fn address(&self, name: &str) -> &str {
        self.printed.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.printed))
    }

    /// Runs real kubectl against it.
    pub(crate) fn kubectl(&self, args: &[&str]) -> Output {
        let mut command = Command::new("kubectl");
        command.arg("--kubeconfig").arg(self.address("kubeconfig")).args(args);
        command.env_remove("HTTPS_PROXY").env_remove("HTTP_PROXY").output().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is the program installed? When it is not, says loudly how to get it; with `REQUIRE_SERVERS` that is a failure.
pub(crate) fn installed(program: &str, package: &str) -> bool {
    let found = Command::new(program).arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    let say = format!("SKIPPED: {program} is not installed; `apt-get install {package}` brings it");
    assert!(found || std::env::var_os("REQUIRE_SERVERS").is_none(), "{say}");
    if !found {
        eprintln!("{say}");
    }
    found
}

/// The text that a program printed; fails with what it said otherwise.
pub(crate) fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
