//! Scenarios: what a world is made of, as TOML. One file adds one case.
//!
//! Only data and their reading live here; `world` makes them come true. What a system is made of is said where it is
//! pretended: a scenario lists them under `[[systems]]`, each with its `kind`.

mod library;
mod read;

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use serde::Deserialize;

use crate::{
    demo::{
        blueprint::{Blueprint, Files, Ground, Kind, Mount},
        fault::FaultSpec,
        registry::KINDS,
        time::{Offset, span},
        traffic::spec::{Behaviour, TrafficSpec},
    },
    domain::{ids::ServiceName, objective::Objective, text, time::Timestamp},
};

/// A world before it begins.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name: `bad-canary`.
    pub name: String,
    /// What it shows, in one line.
    pub about: String,
    /// The moment that offsets count from. The world itself begins `history` earlier.
    pub start: Timestamp,
    /// Where a demo opens.
    #[serde(default)]
    pub open_at: Offset,
    /// How long everything has run before the start: that far back go the metrics, and the scripts may.
    #[serde(default = "two_hours", deserialize_with = "span")]
    pub history: Duration,
    /// What everything random follows from.
    #[serde(default)]
    pub seed: u64,
    /// The systems, `[[systems]]`: each with its `kind`, and what that has.
    #[serde(skip)]
    pub systems: Vec<Part>,
    /// The traffic of services.
    #[serde(default)]
    pub traffic: Vec<TrafficSpec>,
    /// What services promise: for the configuration that looks at this world.
    #[serde(default)]
    pub slos: Vec<SloSpec>,
    /// What services declare that cannot be taken back: for the same configuration.
    #[serde(default)]
    pub irreversible: Vec<IrreversibleSpec>,
    /// In which order releases come to environments: for the same configuration.
    #[serde(default)]
    pub waves: Vec<WavesSpec>,
    /// What goes wrong between the world and who looks at it.
    #[serde(default)]
    pub faults: Vec<FaultSpec>,
}

/// One system of a scenario.
#[derive(Clone, Debug)]
pub struct Part {
    kind: &'static Kind,
    /// What the scenario says of it.
    pub system: Arc<dyn Blueprint>,
}

impl Part {
    /// Of which kind it is.
    pub fn kind(&self) -> &'static str {
        self.kind.name
    }
}

/// What a service promises.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SloSpec {
    /// Which service.
    pub service: ServiceName,
    /// The share of requests that do not fail.
    pub objective: f64,
    /// The time it is held to.
    #[serde(deserialize_with = "span")]
    pub period: Duration,
}

/// What of a service cannot be taken back.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IrreversibleSpec {
    /// Which service.
    pub service: ServiceName,
    /// Patterns of paths: `migrations/*drop*`.
    pub paths: Vec<String>,
}

/// In which order releases of some services come to their environments.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WavesSpec {
    /// Which services.
    pub services: Vec<String>,
    /// The environments of each wave, the first wave first.
    pub order: Vec<Vec<String>>,
    /// How long it stays with a wave before the next one, as the configuration has spans; without it, not at all.
    pub soak: Option<String>,
}

/// Why there is no scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// No scenario of that name is built in.
    #[error("there is no scenario '{name}': there are {known}; or name a file, as ./mine.toml")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The file cannot be read.
    #[error("cannot read the scenario {path}: {why}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        why: String,
    },
    /// The text is no scenario.
    #[error("the scenario {origin} is wrong: {why}")]
    Wrong {
        /// The file or the name.
        origin: String,
        /// What is wrong, with line and column where it is about the text.
        why: String,
    },
}

impl Scenario {
    /// The scenario of this name; anything with a `/` or ending in `.toml` is a file.
    pub fn load(name: &str) -> Result<Self, ScenarioError> {
        if name.contains('/') || Path::new(name).extension().is_some_and(|ending| ending == "toml") {
            let unreadable = |error: std::io::Error| ScenarioError::Unreadable {
                path: text::clean(name),
                why: text::clean(&error.to_string()),
            };
            return Self::parse(name, &std::fs::read_to_string(name).map_err(unreadable)?);
        }
        let Some((_, text)) = library::BUILT_IN.iter().find(|(known, _)| *known == name) else {
            let known: Vec<&str> = library::BUILT_IN.iter().map(|(known, _)| *known).collect();
            return Err(ScenarioError::Unknown { name: text::clean(name), known: known.join(", ") });
        };
        Self::parse(name, text)
    }

    /// Is a scenario of this name built in?
    pub fn is_built_in(name: &str) -> bool {
        library::BUILT_IN.iter().any(|(known, _)| *known == name)
    }

    /// Reads a scenario; `origin` is what an error calls it.
    pub fn parse(origin: &str, text: &str) -> Result<Self, ScenarioError> {
        let wrong = |why: String| ScenarioError::Wrong { origin: text::clean(origin), why: text::clean_lines(&why) };
        let scenario = read::scenario(text).map_err(wrong)?;
        scenario.check().map_err(wrong)?;
        Ok(scenario)
    }

    /// The scenarios that are built in: name and one line, in the order to show them.
    pub fn list() -> Vec<(&'static str, String)> {
        let about = |(name, text): (&'static str, &str)| Some((name, Self::parse(name, text).ok()?.about));
        library::BUILT_IN.into_iter().filter_map(about).collect()
    }

    /// Where a demo opens.
    pub fn opens(&self) -> Timestamp {
        self.open_at.from(self.start)
    }

    /// What of it concerns every system.
    pub fn ground(&self) -> Ground<'_> {
        let cells = self.systems.iter().filter_map(|part| part.system.cell());
        let cells = cells.map(|(cell, environment)| (cell.to_owned(), environment.clone())).collect();
        Ground { seed: self.seed, start: self.start, begins: self.begins(), traffic: &self.traffic, cells }
    }

    /// What leads other programs to this world where it is served at `base`: names of files, and their text.
    pub fn files(&self, base: &str) -> Files {
        let mounts = |kind: &Kind| -> Vec<Mount> {
            let ours = self.systems.iter().filter(|part| part.kind.name == kind.name);
            ours.map(|part| part.system.mount()).collect()
        };
        KINDS
            .iter()
            .map(|kind| (kind, mounts(kind)))
            .filter(|(_, mounts)| !mounts.is_empty())
            .flat_map(|(kind, mounts)| (kind.files)(base, &mounts))
            .collect()
    }

    /// When the world begins.
    pub fn begins(&self) -> Timestamp {
        chrono::TimeDelta::from_std(self.history)
            .ok()
            .and_then(|history| self.start.checked_sub_signed(history))
            .unwrap_or(self.start)
    }

    /// What the reader of TOML cannot see.
    fn check(&self) -> Result<(), String> {
        let (mut mounts, ground) = (BTreeSet::new(), self.ground());
        for system in self.systems.iter().map(|part| &part.system) {
            system.check(&ground)?;
            let mount = system.mount();
            if mounts.contains(&mount) {
                return Err(format!("two systems are served at {}: one of them needs another `name`", mount.as_str()));
            }
            mounts.insert(mount);
        }
        let known = |cell: &String| ground.cells.iter().any(|(known, _)| known == cell);
        if let Some(traffic) = self.traffic.iter().find(|traffic| !known(&traffic.cell)) {
            return Err(format!(
                "the traffic of '{}' is in cell '{}', which there is not",
                traffic.service, traffic.cell
            ));
        }
        for slo in &self.slos {
            Objective::new(slo.objective, slo.period).map_err(|why| format!("the slo of '{}': {why}", slo.service))?;
        }
        for traffic in &self.traffic {
            let parts = |row: &Behaviour| row.regions.iter().map(|region| region.share).sum::<f64>();
            let odd = |row: &&Behaviour| !row.regions.is_empty() && (parts(row) - 1.0).abs() > 1e-6;
            if let Some(row) = traffic.behaviour.iter().find(odd) {
                let (service, sum) = (&traffic.service, parts(row));
                return Err(format!("the traffic of '{service}': the shares of its regions add up to {sum}, not to 1"));
            }
        }
        Ok(())
    }
}

fn two_hours() -> Duration {
    Duration::from_hours(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "name = 'x'\nabout = 'y'\nstart = '2026-03-10T01:46:00Z'\n";

    fn why(text: &str) -> String {
        Scenario::parse("mine.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_scenario_is_answered_with_those_that_there_are() {
        assert_eq!(
            Scenario::load("bad-cannary").unwrap_err().to_string(),
            "there is no scenario 'bad-cannary': there are bad-canary, fleet, steady, waiting-approval, low-traffic, hung-api, drift, no-way-back, \
             moved-sha, simpson, no-data, no-canary-traffic, bad-pod, burst, slow-canary, flagger, buildkite, jenkins, gitlab, circleci, flow, codepipeline, lambda, workloads, argocd, flux, waves; or name a file, as ./mine.toml"
        );
        assert!(
            Scenario::load("./nowhere.toml").unwrap_err().to_string().starts_with("cannot read the scenario ./now")
        );
    }

    #[test]
    fn every_built_in_scenario_is_read_and_called_what_its_file_is_called() {
        for (name, text) in library::BUILT_IN {
            assert_eq!(Scenario::parse(name, text).map(|scenario| scenario.name), Ok(name.to_owned()));
        }
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/scenarios")).unwrap();
        let ours = |file: &std::fs::DirEntry| file.path().extension().is_some_and(|ending| ending == "toml");
        assert_eq!(files.map(Result::unwrap).filter(ours).count(), library::BUILT_IN.len());
        assert_eq!(Scenario::list().len(), library::BUILT_IN.len());
    }

    #[test]
    fn every_built_in_scenario_makes_a_world() {
        for (name, text) in library::BUILT_IN {
            let scenario = Scenario::parse(name, text).unwrap();
            for part in &scenario.systems {
                assert!(part.system.build(&scenario.ground()).is_ok(), "{name}: {}", part.kind());
            }
        }
    }

    #[test]
    fn a_misspelt_key_is_named_with_its_line_and_column() {
        let text = format!("{LEAST}histori = '2h'\n");
        let why = why(&text);
        assert!(why.contains("line 4, column 1") && why.contains("histori"), "{why}");
    }

    #[test]
    fn a_system_s_kind_and_its_keys_are_named_with_their_place() {
        let systems = |text: &str| why(&format!("{LEAST}[[systems]]\n{text}"));
        assert_eq!(
            systems("name = 'eu'\n"),
            "the scenario mine.toml is wrong: line 4: the system has no `kind`: kubernetes, prometheus, github, buildkite, loki, jenkins, gitlab, circleci, flow, codepipeline, lambda, argocd, registry"
        );
        assert!(systems("kind = 'hub'\n").contains(
            "line 4: a system's `kind` is one of kubernetes, prometheus, github, buildkite, loki, jenkins, gitlab, circleci, flow, codepipeline, lambda, argocd, registry"
        ));
        let wrong = systems("kind = 'github'\nlogin = 'dana'\nrepositories = []\n");
        assert!(wrong.contains("line 7, column 1") && wrong.contains("unknown field `repositories`"), "{wrong}");
        let both = why(&format!("{LEAST}[[systems]]\nkind = 'prometheus'\n[[cells]]\nname = 'eu'\n"));
        assert!(both.contains("unknown field `cells`"), "{both}");
        assert!(why(&format!("{LEAST}[[github_script]]\nat = '1m'\n")).contains("github_script: there is no [github]"));
    }

    #[test]
    fn a_scenario_in_the_form_of_before_is_the_same_world() {
        let read = |text: &str| Scenario::parse("moved-sha", text).unwrap();
        let former = read(include_str!("../../../tests/fixtures/scenarios/former/moved-sha.toml"));
        let now = Scenario::load("moved-sha").unwrap();
        assert_eq!(format!("{former:?}"), format!("{now:?}"));
        assert_eq!(former.systems.iter().map(Part::kind).collect::<Vec<_>>(), ["kubernetes", "prometheus", "github"]);
    }

    #[test]
    fn what_does_not_fit_together_is_refused_in_a_sentence() {
        let traffic = "[[traffic]]\ncell = 'eu'\nnamespace = 'shop'\nservice = 'pay'\nrps = 1\nbehaviour = []\n";
        assert!(why(&format!("{LEAST}{traffic}")).contains("the traffic of 'pay' is in cell 'eu', which there is not"));
        let cell = "[[systems]]\nkind = 'kubernetes'\nname = 'e u'\nenvironment = 'prod'\nrisk = 'high'\n\
                    connection = 'k'\n[systems.cluster]\n";
        assert!(why(&format!("{LEAST}{cell}")).contains("a cell is named 'e u'"));
        let twice = cell.replace("e u", "eu").repeat(2);
        assert!(why(&format!("{LEAST}{twice}")).contains("two systems are served at /kubernetes/eu"));
        let slo = "[[slos]]\nservice = 'pay'\nobjective = 1.0\nperiod = '30d'\n";
        assert!(why(&format!("{LEAST}{slo}")).contains("the slo of 'pay': `objective` is 1: it must lie above 0"));
        let row = "[[traffic.behaviour]]\nerror_ratio = 0\nmedian = '1ms'\np99 = '2ms'\n\
                   regions = [{ name = 'us', share = 0.5 }, { name = 'eu', share = 0.4 }]\n";
        let (traffic, place) = (traffic.replace("behaviour = []\n", row), cell.replace("e u", "eu"));
        let odd = why(&format!("{LEAST}{place}{traffic}"));
        assert!(odd.contains("the traffic of 'pay': the shares of its regions add up to 0.9, not to 1"), "{odd}");
        let event = "[[systems]]\nkind = 'github'\nlogin = 'a'\n\
                     [[systems.script]]\nat = '-1m'\nact = { cancel = { repo = 'a/b', run = 1 } }\n";
        assert!(why(&format!("{LEAST}{event}")).contains("before the start"));
        assert!(why(&format!("{LEAST}open_at = 'soon'\n")).contains("'soon' is not an offset like -20m or 21m30s"));
    }

    #[test]
    fn a_world_begins_its_history_before_the_start_and_opens_after_it() {
        let scenario = Scenario::parse("x", &format!("{LEAST}open_at = '21m30s'\nhistory = '1h'\n")).unwrap();
        assert_eq!(scenario.begins().to_rfc3339(), "2026-03-10T00:46:00+00:00");
        assert_eq!(scenario.opens().to_rfc3339(), "2026-03-10T02:07:30+00:00");
    }
}
