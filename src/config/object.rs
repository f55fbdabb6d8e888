//! What the configuration names of systems: the objects that a service says are its own, and those that a connection lists.

use std::{collections::BTreeMap, ops::RangeInclusive, slice};

use serde::{Deserialize, Serialize};

use crate::domain::{
    ids::{EnvironmentName, ServiceName},
    pattern::VersionPattern,
};

/// In the place of an object's name: all that there are.
const ALL: &str = "*";

/// What services may name of a kind of connection, and how it is written.
pub(super) struct Objects {
    /// The key of a service that names some: `repository`. Kinds may share one; the connection tells whose it is.
    pub(super) key: &'static str,
    /// Whether a service has several, as a list.
    pub(super) several: bool,
    /// What one looks like behind its connection, for people: `OWNER/NAME`.
    pub(super) form: &'static str,
    /// How many parts it has, with a slash between them.
    pub(super) parts: RangeInclusive<usize>,
    /// The connection's own list of them, beside what services name: tables of an [`Object`].
    pub(super) list: Option<&'static str>,
    /// Whether that list may say `OWNER/*`.
    pub(super) patterns: bool,
    /// Why a path of that form can be no name there, where it cannot: without what stands for all.
    pub(super) odd: fn(&str) -> Option<String>,
}

impl Objects {
    /// Is this one of them?
    pub(super) fn is(&self, path: &str) -> bool {
        self.has_parts(path) && !path.contains(ALL)
    }

    /// Why nothing there can be called so, where its form is right.
    pub(super) fn fault(&self, path: &str) -> Option<String> {
        if path == ALL && self.patterns {
            return None;
        }
        let owner = path.strip_suffix(ALL).and_then(|owner| owner.strip_suffix('/')).filter(|_| self.patterns);
        (self.odd)(owner.unwrap_or(path))
    }

    /// May this stand in the connection's own list?
    pub(super) fn may_list(&self, path: &str) -> bool {
        if path == ALL && self.patterns && self.parts.contains(&1) {
            return true;
        }
        let of_all = path.rsplit_once('/').filter(|(_, last)| self.patterns && *last == ALL);
        self.has_parts(path) && !of_all.map_or(path, |(owner, _)| owner).contains(ALL)
    }

    fn has_parts(&self, path: &str) -> bool {
        self.parts.contains(&path.split('/').count()) && path.split('/').all(|part| !part.trim().is_empty())
    }
}

/// An object, as a service names it: `eu/shop/payments`. Its connection, then what that connection's kind calls it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reference(String);

impl Reference {
    /// The connection.
    pub fn connection(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |(connection, _)| connection)
    }

    /// What it is called there: `shop/payments`.
    pub fn path(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, path)| path)
    }
}

/// What a service names under one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Named {
    /// `repository = "…"`
    One(Reference),
    /// `rollouts = ["…", "…"]`
    Several(Vec<Reference>),
}

impl Named {
    /// All of them.
    pub fn all(&self) -> &[Reference] {
        match self {
            Self::One(one) => slice::from_ref(one),
            Self::Several(all) => all,
        }
    }
}

/// An object that a connection lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// What it is called there: `OWNER/NAME`; `OWNER/*` for all of an owner's, where the kind has such.
    pub name: String,
    /// What it releases; without it the last part of its name.
    pub service: Option<ServiceName>,
    /// Our names of its environments: `production = "prod/eu-west-1"`. One that is not listed keeps its own name.
    #[serde(default)]
    pub environments: BTreeMap<String, EnvironmentName>,
    /// How a version is read from what its runs are called, where their tag or branch is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionPattern>,
    /// The team's own job that puts an earlier version back, where the system has such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackJob>,
}

/// A job of a team's own that puts an earlier version back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackJob {
    /// What it is called in the system.
    pub job: String,
    /// Its parameter that takes the version.
    pub version_parameter: String,
}

impl Object {
    /// The service that it releases; none where it stands for all of an owner's.
    pub(super) fn releases(&self) -> Option<&str> {
        let own = self.service.as_ref().map(ServiceName::as_str);
        own.or_else(|| self.name.rsplit('/').next().filter(|name| *name != ALL))
    }

    /// The whole that a name belongs to, as a list would say it: `acme/*` of `acme/payments`.
    pub(super) fn whole(name: &str) -> Option<String> {
        let owner = name.rsplit_once('/').map(|(owner, _)| format!("{owner}/{ALL}"));
        owner.or_else(|| Some(ALL.to_owned())).filter(|whole| whole != name)
    }
}

/// What a connection lists and what services name there, each once. Of one that only a service names, the environments are
/// called as those of the whole that it belongs to, and its versions are read as there.
pub(super) fn joined<'a>(listed: &[Object], named: impl Iterator<Item = (ServiceName, &'a str)>) -> Vec<Object> {
    let mut all = listed.to_vec();
    for (service, name) in named {
        let service = Some(service);
        if let Some(known) = all.iter_mut().find(|known| known.name == name) {
            known.service = service;
            continue;
        }
        let whole = Object::whole(name).and_then(|whole| listed.iter().find(|known| known.name == whole));
        let environments = whole.map(|whole| whole.environments.clone()).unwrap_or_default();
        let version = whole.and_then(|whole| whole.version.clone());
        let rollback = whole.and_then(|whole| whole.rollback.clone());
        all.push(Object { name: name.to_owned(), service, environments, version, rollback });
    }
    all
}

/// Why a path of a forge can be no name there: its parts are letters, digits and a few signs.
pub(super) fn no_slug(path: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let odd = path.split('/').find(|part| !part.chars().all(plain))?;
    Some(format!("'{odd}' is the name of nothing: letters, digits, '-', '_' and '.'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, service: Option<&str>, environments: &[(&str, &str)]) -> Object {
        let environments = environments.iter().map(|(theirs, ours)| ((*theirs).to_owned(), (*ours).into())).collect();
        Object { name: name.to_owned(), service: service.map(Into::into), environments, version: None, rollback: None }
    }

    #[test]
    fn a_path_has_as_many_parts_as_its_kind_says_and_all_of_an_owner_s_stand_only_in_a_list() {
        let odd = |_: &str| None;
        let objects = Objects { key: "", several: false, form: "", parts: 2..=3, list: None, patterns: true, odd };
        let table = [
            ("a/b", true, true),
            ("a/b/c", true, true),
            ("a", false, false),
            ("a/b/c/d", false, false),
            ("a//c", false, false),
            ("a/ ", false, false),
            ("a/*", false, true),
            ("*/b", false, false),
            ("*/*", false, false),
            ("a/b*", false, false),
        ];
        for (path, is, may_list) in table {
            assert_eq!((objects.is(path), objects.may_list(path)), (is, may_list), "{path}");
        }
        assert!(!objects.may_list("*"));
        let one = Objects { parts: 1..=9, ..objects };
        assert_eq!((one.may_list("*"), one.is("*"), one.fault("*")), (true, false, None));
        assert!(!Objects { patterns: false, ..one }.may_list("a/*"));
    }

    #[test]
    fn a_reference_is_a_connection_and_what_it_is_called_there() {
        for (text, connection, path) in [("eu/shop/payments", "eu", "shop/payments"), ("eu", "eu", ""), ("", "", "")] {
            let reference = Reference(text.to_owned());
            assert_eq!((reference.connection(), reference.path()), (connection, path));
        }
    }

    #[test]
    fn what_services_name_stands_beside_what_is_listed_and_takes_the_environments_of_its_whole() {
        let listed = [object("acme/ledger", Some("books"), &[]), object("acme/*", None, &[("production", "prod")])];
        let named = [("ledger", "acme/ledger"), ("pay", "acme/payments"), ("site", "other/site")];
        let named = named.into_iter().map(|(service, name)| (service.into(), name));
        let expected = [
            object("acme/ledger", Some("ledger"), &[]),
            object("acme/*", None, &[("production", "prod")]),
            object("acme/payments", Some("pay"), &[("production", "prod")]),
            object("other/site", Some("site"), &[]),
        ];
        assert_eq!(joined(&listed, named), expected);
    }
}
