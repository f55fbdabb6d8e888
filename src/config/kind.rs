//! The kinds of connections: what a kind says of itself, and the table of all of them, which reading, checking, quoting, showing
//! and holding back walk. The next kind is a file of its own below, its `mod` and a line of the table.
//!
//! Here must not live: what only one kind knows.

use std::time::Duration;

use serde::Serialize;

use crate::{
    config::{
        access::Access,
        check::Known,
        note::Notes,
        object::{Object, Objects},
        tree::{Node, Problem},
    },
    domain::ids::EnvironmentName,
};

pub mod argocd;
pub mod aws;
pub mod buildkite;
pub mod circleci;
pub mod codepipeline;
pub mod flow;
pub mod github;
pub mod gitlab;
pub mod jenkins;
pub mod kubernetes;
pub mod label;
pub mod lambda;
pub mod loki;
pub mod oci;
pub mod prometheus;

/// What a kind says of itself.
pub(super) struct Kind {
    /// As `kind = "…"` has it: what serde makes of the name of its settings, too.
    pub(super) name: &'static str,
    /// Reads its settings, of which `kind` and what [`Access`] has were taken out.
    pub(super) read: Read,
    /// Its own keys whose value is no secret, so that an error may quote it: names, choices, numbers, spans of time.
    pub(super) open: &'static [&'static str],
    /// Its own keys that hold an address: no secret where nobody's name, no query and no fragment is in it.
    pub(super) addresses: &'static [&'static str],
    /// Its own tables, whose keys say what is in them.
    pub(super) tables: &'static [&'static str],
    /// What services may name there, and what a connection may list.
    pub(super) objects: Option<Objects>,
}

/// Reads the settings of a kind, and notes what is wrong with them.
pub(super) type Read = for<'i> fn(Node<'i>, &[&str], &mut Vec<Problem>) -> Option<Connection>;

/// What the settings of every kind can tell.
pub(super) trait Settings {
    /// The setting that says where it is, and what it says; `None` where another program's file says it.
    fn address(&self) -> Option<(&'static str, &str)>;

    /// What is wrong with it beside its address, how it is reached, and what it lists; `named` is what services name there.
    fn check(&self, _notes: &mut Notes<'_, '_>, _known: &Known<'_>, _named: &[&str]) {}

    /// The length of the intervals that are judged, where it measures.
    fn step(&self) -> Option<Duration> {
        None
    }

    /// The environments that its settings name; one may stand for all below it (`prod/*`).
    fn environments(&self) -> Vec<&str> {
        Vec::new()
    }

    /// What it lists of its own.
    fn lists(&self) -> &[Object] {
        &[]
    }

    /// Does its system have environments of its own names, which no setting has to mention?
    fn names_its_own(&self) -> bool {
        false
    }

    /// Has its system jobs of a team's own that roll back?
    fn rolls_back_by_job(&self) -> bool {
        false
    }

    /// Does it look at objects that the other one looks at, too, as far as the settings tell?
    fn overlaps(&self, _other: &Connection) -> bool {
        false
    }
}

/// Makes of `Kind in file` what all of them are together.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident in $file:ident),+ $(,)?) => {
        /// One system. `kind` says which, and with it which settings there are.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        #[expect(clippy::large_enum_variant, reason = "there are as many as systems, a handful")]
        pub enum Connection {
            $($(#[$doc])* $kind($file::$kind)),+
        }

        /// Every kind, in the order in which they are listed.
        pub(super) static KINDS: &[&Kind] = &[$(&$file::KIND),+];

        impl Connection {
            /// Its kind, as it is written.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$kind(_) => $file::KIND.name),+
                }
            }

            fn settings(&self) -> &dyn Settings {
                match self {
                    $(Self::$kind(it) => it),+
                }
            }

            /// How it is reached, whatever the kind.
            pub fn access(&self) -> &Access {
                match self {
                    $(Self::$kind(it) => &it.access),+
                }
            }

            /// The same connection, reached so.
            #[must_use]
            pub(super) fn reached(mut self, access: Access) -> Self {
                match &mut self {
                    $(Self::$kind(it) => it.access = access),+
                }
                self
            }
        }
    };
}

kinds! {
    /// A Kubernetes cluster: Argo Rollouts and plain Deployments.
    Kubernetes in kubernetes,
    /// GitHub Actions: runs and environment gates.
    Github in github,
    /// A Prometheus, or whatever speaks its query API.
    Prometheus in prometheus,
    /// Buildkite: builds and block steps.
    Buildkite in buildkite,
    /// A Loki: what services write.
    Loki in loki,
    /// Jenkins: builds and inputs.
    Jenkins in jenkins,
    /// GitLab CI/CD: pipelines, deployments that wait for approvals, manual jobs.
    Gitlab in gitlab,
    /// CircleCI: workflows, holds, deploy markers.
    Circleci in circleci,
    /// Apsara DevOps Flow (云效): runs, validations, deployments to hosts batch by batch.
    Flow in flow,
    /// AWS CodePipeline: executions, approvals, held transitions.
    Codepipeline in codepipeline,
    /// AWS Lambda: aliases and the versions that they point at, moved by CodeDeploy or by hand.
    Lambda in lambda,
    /// Argo CD: Applications, what git wants of them and what is deployed.
    Argocd in argocd,
    /// A registry of images: whether they are still kept.
    Registry in oci,
}

impl Connection {
    /// The length of the intervals that are judged, where it measures.
    pub fn step(&self) -> Option<Duration> {
        self.settings().step()
    }

    /// The environments that its settings name.
    pub(super) fn environments(&self) -> Vec<&str> {
        let listed = self.settings().lists().iter().flat_map(|object| object.environments.values());
        self.settings().environments().into_iter().chain(listed.map(EnvironmentName::as_str)).collect()
    }

    /// The services that what it lists is of.
    pub(super) fn services(&self) -> Vec<&str> {
        self.settings().lists().iter().filter_map(Object::releases).collect()
    }

    /// Does its system have environments of its own names, which no setting has to mention?
    pub(super) fn names_its_own(&self) -> bool {
        self.settings().names_its_own()
    }

    /// Does it look at objects that the other one looks at, too?
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.settings().overlaps(other)
    }

    /// Notes what is wrong with its settings; `named` is what services name there.
    pub(super) fn check(&self, notes: &mut Notes<'_, '_>, known: &Known<'_>, named: &[&str]) {
        let settings = self.settings();
        if let Some((setting, address)) = settings.address() {
            notes.all(self.access().wrong(address));
            notes.address(&[setting], address);
        }
        settings.check(notes, known, named);
        let list = self::named(self.kind()).and_then(|kind| kind.objects.as_ref()?.list);
        for (place, object) in settings.lists().iter().enumerate().filter(|_| !settings.rolls_back_by_job()) {
            if let (Some(list), Some(_)) = (list, &object.rollback) {
                let why = format!(
                    "`rollback` is for a system with jobs of a team's own, and {} has none: take it out",
                    self.kind()
                );
                notes.add(&[list, &place.to_string(), "rollback"], why);
            }
        }
    }
}

/// The kind that is written so.
pub(super) fn named(name: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|kind| kind.name == name)
}

/// The names of all of them.
pub(super) fn names() -> Vec<&'static str> {
    KINDS.iter().map(|kind| kind.name).collect()
}

/// What services may name, of each kind that has such.
pub(super) fn objects() -> impl Iterator<Item = (&'static Kind, &'static Objects)> {
    KINDS.iter().copied().filter_map(|kind| Some((kind, kind.objects.as_ref()?)))
}

#[cfg(test)]
mod tests {
    use toml::{Spanned, de::DeValue};

    use super::*;
    use crate::config::tree;

    /// What a kind makes of its least settings.
    fn least(kind: &Kind) -> Connection {
        let text = "environment = 'prod'\nregion = 'eu-west-1'\nurl = 'https://a.test'\nserver = 'https://a.test'\npreset = 'x'\n";
        let mut table = tree::parse(text, 0).unwrap();
        loop {
            let mut problems = Vec::new();
            let node = Spanned::new(0..text.len(), DeValue::Table(table.clone()));
            let read = (kind.read)(node, &[], &mut problems);
            // What it does not have is taken out.
            let strange = problems.iter().find_map(|problem| problem.message.strip_prefix("unknown field `"));
            let strange = strange.and_then(|rest| rest.split('`').next()).map(str::to_owned);
            match (strange, read) {
                (Some(key), _) => drop(table.remove(key.as_str())),
                (None, Some(read)) => return read,
                (None, None) => panic!("{}: {problems:?}", kind.name),
            }
        }
    }

    #[test]
    fn every_kind_writes_itself_by_the_name_that_it_is_read_by() {
        for kind in KINDS {
            let written: toml::Table = toml::from_str(&toml::to_string(&least(kind)).unwrap()).unwrap();
            assert_eq!((written["kind"].as_str(), least(kind).kind()), (Some(kind.name), kind.name));
        }
    }

    #[test]
    fn no_kind_opens_what_the_way_to_a_system_keeps_secret_and_each_key_is_listed_once() {
        for kind in KINDS {
            let mut all: Vec<_> = [kind.open, kind.addresses, kind.tables].concat();
            assert!(all.iter().all(|key| !Access::KEYS.contains(key)), "{}", kind.name);
            // A line is quoted by its keys, whichever kind it belongs to: these may hold a secret somewhere else.
            let secretive = ["key", "value", "text", "default", "token", "secret", "password", "credential", "auth"];
            assert!(all.iter().all(|key| !secretive.contains(key)), "{}", kind.name);
            let listed = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), listed, "{}", kind.name);
        }
    }

    #[test]
    fn kinds_that_are_named_by_the_same_key_of_a_service_are_written_alike() {
        for (kind, objects) in super::objects() {
            let other = super::objects().find(|(_, other)| other.key == objects.key).unwrap();
            assert_eq!(objects.several, other.1.several, "{} and {}", kind.name, other.0.name);
        }
    }
}
