//! A user's home on a bastion: the configuration of a served world in it, the program run there, and the cockpit as lines.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::{
    fs,
    io::{BufRead, BufReader, Lines},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use crate::{program, served::Served};

/// A home, and in it the configuration of a served world.
pub(crate) struct Home(tempfile::TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A place in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The served configuration after some changes, whose records are kept here.
    pub(crate) fn configure(&self, served: &Served, change: impl FnOnce(&mut toml::Table)) {
        let mut config: toml::Table = fs::read_to_string(served.address("config")).unwrap().parse().unwrap();
        let state = [("path".to_owned(), self.path("state").display().to_string().into())];
        config.insert("state".to_owned(), toml::Value::Table(state.into_iter().collect()));
        change(&mut config);
        fs::write(self.path("config.toml"), config.to_string()).unwrap();
    }

    /// The program with that configuration and this home.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program::holdshort();
        command.arg("--config").arg(self.path("config.toml")).args(arguments);
        for name in ["XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"] {
            command.env_remove(name);
        }
        command.env("HOME", self.0.path()).current_dir(self.0.path());
        command
    }

    /// What it ended with.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The only file of what was seen last.
    pub(crate) fn seen(&self) -> PathBuf {
        let mut files = fs::read_dir(self.path(".cache/holdshort")).unwrap();
        let file = files.next().unwrap().unwrap().path();
        assert!(files.next().is_none());
        file
    }
}

/// What a command printed, data first.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// A cockpit that tells in lines, until its input ends.
pub(crate) struct Told {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Told {
    /// Begins it.
    pub(crate) fn by(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line that is as wanted.
    pub(crate) fn until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let mut before = Vec::new();
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            if wanted(&line) {
                return line;
            }
            before.push(line);
        }
        panic!("it ended before {what}: {before:#?}");
    }

    /// Ends its input, and waits for its end.
    pub(crate) fn leave(mut self) {
        drop(self.child.stdin.take());
        assert!(self.lines.all(|line| line.is_ok()));
        assert!(self.child.wait().unwrap().success());
    }
}
