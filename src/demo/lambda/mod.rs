//! A pretended AWS Lambda and CodeDeploy, as much as aliases lead to: functions, versions, aliases with their weights and revisions, what is
//! kept warm, and deployments that shift an alias by their times; signed, over paths (REST) and AWS's JSON 1.1 protocol.
//!
//! It is a fake, so it is checked against AWS's published models, and against a client that is not ours (botocore), whose signatures it
//! verifies by itself. `spec` is the scenario's side, `deploy` how deployments move, `route` who asks and for what, `functions` and
//! `deployments` the operations of the two services.

mod blueprint;
mod deploy;
mod deployments;
mod functions;
mod route;
pub mod spec;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;

pub(crate) use self::blueprint::KIND;
use self::{
    deploy::{ALARM, BY_HAND, Begin, Deployment},
    spec::{Action, DeploymentSpec, FunctionSpec, Spec, VersionSpec},
};
use crate::{
    demo::system::{Reply, System},
    domain::time::Timestamp,
};

/// AWS, one region of one account.
#[derive(Debug)]
pub struct Lambda {
    spec: Spec,
    functions: Vec<Function>,
    deployments: Vec<Deployment>,
    /// Deployments that are yet to begin: the group's place, and what the scenario says.
    coming: BTreeMap<Timestamp, Vec<(usize, DeploymentSpec)>>,
    start: Timestamp,
    made: u64,
    /// The second that is counted, and the requests in it.
    second: (i64, u32),
    revision: u64,
}

/// A function.
#[derive(Clone, Debug)]
struct Function {
    spec: FunctionSpec,
    aliases: Vec<Alias>,
}

/// An alias.
#[derive(Clone, Debug, Default)]
struct Alias {
    name: String,
    version: String,
    canary: Option<(String, f64)>,
    warm: Option<u32>,
    /// How often it was written.
    written: u64,
}

impl Alias {
    fn write(&mut self, version: Option<String>, canary: Option<(String, f64)>) {
        if let Some(version) = version {
            self.version = version;
        }
        self.canary = canary;
        self.written += 1;
    }

    fn revision(&self) -> String {
        let name = self.name.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        format!("{:08x}-77aa-4bb1-8cc2-{:012x}", name & 0xffff_ffff, self.written)
    }
}

impl Lambda {
    /// As it is at `start`: deployments that began before have moved on to where they are then.
    pub fn new(spec: &Spec, start: Timestamp) -> Self {
        let functions = spec.functions.iter().map(|function| {
            let alias = |alias: &spec::AliasSpec| Alias {
                name: alias.name.clone(),
                version: alias.version.clone(),
                canary: alias.canary.map(|canary| (canary.to_string(), alias.share)),
                warm: alias.warm,
                written: 0,
            };
            Function { spec: function.clone(), aliases: function.aliases.iter().map(alias).collect() }
        });
        let mut all = Self {
            spec: spec.clone(),
            functions: functions.collect(),
            deployments: Vec::new(),
            coming: BTreeMap::new(),
            start,
            made: 0,
            second: (0, 0),
            revision: 0,
        };
        let mut kept: Vec<(Timestamp, usize, DeploymentSpec)> = Vec::new();
        for (place, group) in spec.groups.iter().enumerate() {
            for one in &group.deployments {
                let at = one.started.from(start);
                if one.ended.is_some() {
                    kept.push((at, place, one.clone()));
                } else {
                    all.coming.entry(at).or_default().push((place, one.clone()));
                }
            }
        }
        kept.sort_by_key(|(at, ..)| *at);
        for (at, place, one) in kept {
            let how = match one.ended.as_deref() {
                Some("Failed") => "Failed",
                Some("Stopped") => "Stopped",
                _ => "Succeeded",
            };
            all.keep(place, begin(&one), at, how);
        }
        while let Some(at) = all.next().filter(|at| *at <= start) {
            all.advance(at);
        }
        all
    }

    fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|one| one.spec.name == name)
    }

    fn function_mut(&mut self, name: &str) -> Option<&mut Function> {
        self.functions.iter_mut().find(|one| one.spec.name == name)
    }

    fn alias_mut(&mut self, function: &str, alias: &str) -> Option<&mut Alias> {
        self.function_mut(function)?.aliases.iter_mut().find(|one| one.name == alias)
    }

    /// Makes something happen that a script asks for.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn act(&mut self, now: Timestamp, action: &Action) -> Result<(), String> {
        self.revision += 1;
        let none = |name: &str| format!("lambda: there is no '{name}'");
        match action {
            Action::Publish { function, number, description } => {
                let version =
                    VersionSpec { number: *number, description: description.clone(), ..VersionSpec::default() };
                self.function_mut(function).ok_or_else(|| none(function))?.spec.versions.push(version);
            }
            Action::Delete { function, number } => {
                let found = self.function_mut(function).ok_or_else(|| none(function))?;
                found.spec.versions.retain(|version| version.number != *number);
            }
            Action::Forget { function, alias } => {
                self.function_mut(function).ok_or_else(|| none(function))?.aliases.retain(|one| one.name != *alias);
            }
            Action::Shift { function, alias, version, canary, share } => {
                let found = self.alias_mut(function, alias).ok_or_else(|| none(alias))?;
                found.write(version.clone(), canary.map(|canary| (canary.to_string(), *share)));
            }
            Action::Deploy { application, to } => {
                let place = self.spec.groups.iter().position(|group| group.application == *application);
                let place = place.ok_or_else(|| none(application))?;
                let from = self.version_of(place).unwrap_or_default();
                let begin = Begin { from, to: to.clone(), by: "user".to_owned(), ..Begin::default() };
                self.begin(place, begin, now);
            }
            Action::Alarm { application } | Action::Stop { application } => {
                let of = |one: &&Deployment| {
                    self.group(one.group).is_some_and(|group| group.application == *application) && one.is_live()
                };
                let id = self.deployments.iter().find(of).map(|one| one.id.clone());
                let alarm = matches!(action, Action::Alarm { .. });
                let id = id.ok_or_else(|| none(application))?;
                self.stop(&id, alarm, now, if alarm { ALARM } else { BY_HAND });
            }
        }
        Ok(())
    }

    /// The version that the alias of a group points at.
    fn version_of(&self, group: usize) -> Option<String> {
        let group = self.group(group)?;
        let alias = self.function(&group.function)?.aliases.iter().find(|alias| alias.name == group.alias)?;
        Some(alias.version.clone())
    }
}

fn begin(spec: &DeploymentSpec) -> Begin {
    Begin {
        from: spec.from.clone(),
        to: spec.to.clone(),
        config: None,
        by: spec.by.clone().unwrap_or_else(|| "user".to_owned()),
        description: spec.description.clone(),
    }
}

impl System for Lambda {
    fn respond(&mut self, now: Timestamp, request: &Request<Bytes>) -> Reply {
        Reply::Whole(self.answer(now, request))
    }

    fn next(&self) -> Option<Timestamp> {
        self.next_turn().into_iter().chain(self.coming.keys().next().copied()).min()
    }

    fn advance(&mut self, now: Timestamp) {
        while let Some(due) = self.coming.first_entry().filter(|due| *due.key() <= now) {
            let at = *due.key();
            for (place, spec) in due.remove() {
                self.begin(place, begin(&spec), at);
            }
        }
        self.turn(now);
    }

    fn revision(&self) -> u64 {
        self.revision
    }
}
