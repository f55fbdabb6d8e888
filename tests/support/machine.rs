//! A machine of somebody who begins: a home, what the environment says, the program as a process of its own; and what `doctor` found
//! there.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]
#![allow(dead_code, reason = "each test uses a part of it")]

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{program, served::Served};

/// A machine of somebody who has configured nothing: a home, and what the environment says.
pub(crate) struct Machine {
    pub(crate) home: TempDir,
    pub(crate) variables: Vec<(&'static str, String)>,
}

impl Machine {
    pub(crate) fn new(variables: &[(&'static str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { home: tempfile::tempdir().unwrap(), variables }
    }

    /// One that knows how to reach a served world, whose clock is the world's.
    pub(crate) fn before(world: &Served, metrics: bool) -> Self {
        let metrics_at = world.address("prometheus");
        let root = metrics_at.strip_suffix("/prometheus").unwrap();
        let world_of = format!("{{ clock = \"{root}/\", speed = 1.0 }}");
        let mut variables = vec![("KUBECONFIG", world.address("kubeconfig")), ("HOLDSHORT_WORLD", &world_of)];
        if metrics {
            variables.push(("PROMETHEUS_URL", metrics_at));
        }
        Self::new(&variables)
    }

    pub(crate) fn run(&self, line: &str) -> Output {
        self.dressed(program::holdshort()).args(line.split(' ')).output().unwrap()
    }

    /// A command as it is started here.
    pub(crate) fn dressed(&self, mut command: Command) -> Command {
        for name in
            ["KUBECONFIG", "PROMETHEUS_URL", "GH_TOKEN", "GITHUB_TOKEN", "HTTP_PROXY", "http_proxy", "XDG_SESSION_ID"]
        {
            command.env_remove(name);
        }
        let home = self.home.path();
        command.current_dir(home).env("HOME", home);
        command.env("XDG_CONFIG_HOME", home.join("config")).env("XDG_STATE_HOME", home.join("state"));
        command.env("HOLDSHORT_STATE__PATH", home.join("state/journal"));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Its exit code, and all that it said.
    pub(crate) fn said(&self, line: &str) -> (Option<i32>, String) {
        let output = self.run(line);
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (output.status.code(), said)
    }

    pub(crate) fn json(&self, line: &str) -> Value {
        let output = self.run(line);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|why| panic!("{line}: {why} {output:?}"))
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.home.path().join("config/holdshort/config.toml")
    }

    pub(crate) fn configured(&self, text: &str) {
        fs::create_dir_all(self.config().parent().unwrap()).unwrap();
        fs::write(self.config(), text).unwrap();
    }
}

/// What doctor found of a connection, by what it is about: the grade, and all it says.
pub(crate) fn found<'a>(doctor: &'a Value, connection: &str, about: &str) -> Vec<(&'a str, String)> {
    let all = doctor["connections"].as_array().unwrap().iter().find(|one| one["name"] == connection).unwrap();
    let of = all["findings"].as_array().unwrap().iter().filter(|one| one["about"] == about);
    of.map(|one| (one["grade"].as_str().unwrap(), format!("{} {}", one["said"], one["way"]))).collect()
}

/// What is written by hand for a served world.
pub(crate) fn by_hand(world: &Served, cluster: &str, metrics: &str) -> String {
    let (kubeconfig, url) = (world.address("kubeconfig"), world.address("prometheus"));
    format!(
        "[connections.eu]\nkind = \"kubernetes\"\nkubeconfig = '{kubeconfig}'\nenvironment = \"prod\"\n{cluster}\n\
         [connections.metrics]\nkind = \"prometheus\"\nurl = \"{url}\"\n{metrics}\n"
    )
}
