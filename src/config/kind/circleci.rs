//! CircleCI, on circleci.com or a Server of one's own, as a connection of the configuration.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::config::{
    access::Access,
    check::Known,
    kind::{Connection, Kind, Settings},
    note::Notes,
    object::{Object, Objects, no_slug},
    span, tree,
};

const OBJECTS: Objects = Objects {
    key: "project",
    several: false,
    form: "VCS/ORG/PROJECT",
    parts: 3..=3,
    list: Some("projects"),
    patterns: false,
    odd: no_project,
};

pub(super) static KIND: Kind = Kind {
    name: "circleci",
    read: |node, under, problems| tree::read(node, under, problems).map(Connection::Circleci),
    open: &["interval"],
    addresses: &["url"],
    tables: &["definitions", "deploys", "projects"],
    objects: Some(OBJECTS),
};

/// CircleCI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Circleci {
    /// Its address, without `/api/v2`.
    #[serde(default = "circleci_com")]
    pub url: String,
    /// How it is reached; nothing is told without a token, a personal one.
    #[serde(flatten, skip_deserializing)]
    pub access: Access,
    /// The projects that are looked at, beside those that services name: `gh/ORG/PROJECT`, `bb/ORG/PROJECT`, or `circleci/ORG/PROJECT` by
    /// their ids. Their environments are told by the names of the jobs that hold before them, or by CircleCI's own names.
    #[serde(default)]
    pub projects: Vec<Object>,
    /// By which pipeline definition (its id) a new pipeline of a project begins. Without it one of `gh/…` or `bb/…` begins as it always did,
    /// and one of `circleci/…` cannot.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub definitions: BTreeMap<String, String>,
    /// Which workflow of a project deploys, where it has no deploy markers: to go back, an earlier one runs again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deploys: BTreeMap<String, String>,
    /// How often they are read: one question for fifty of them.
    #[serde(default = "thirty_seconds", with = "span")]
    pub interval: Duration,
}

fn circleci_com() -> String {
    "https://circleci.com".to_owned()
}

fn thirty_seconds() -> Duration {
    Duration::from_secs(30)
}

/// Why no project can be called so.
fn no_project(slug: &str) -> Option<String> {
    const VCS: [&str; 3] = ["gh", "bb", "circleci"];
    let vcs = slug.split('/').next().unwrap_or_default();
    if !VCS.contains(&vcs) {
        return Some(format!("a slug begins with gh, bb or circleci, not with '{vcs}'"));
    }
    no_slug(slug)
}

impl Settings for Circleci {
    fn address(&self) -> Option<(&'static str, &str)> {
        Some(("url", &self.url))
    }

    fn lists(&self) -> &[Object] {
        &self.projects
    }

    fn names_its_own(&self) -> bool {
        true
    }

    fn check(&self, notes: &mut Notes<'_, '_>, _: &Known<'_>, named: &[&str]) {
        let looked_at =
            |slug: &String| self.projects.iter().any(|one| one.name == *slug) || named.contains(&slug.as_str());
        for (table, all) in [("definitions", &self.definitions), ("deploys", &self.deploys)] {
            for slug in all.keys().filter(|slug| !looked_at(slug)) {
                notes.add(
                    &[table, slug],
                    format!("'{slug}' is not looked at: put it into `projects`, or mend its slug"),
                );
            }
        }
        let id = |text: &str| text.len() == 36 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        for (slug, _) in self.definitions.iter().filter(|(_, text)| !id(text)) {
            // What stands in its place may be a token: it is not quoted.
            let why = "this is no id of a pipeline definition: a UUID, as the project's settings show it";
            notes.add(&["definitions", slug], why);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_begins_with_where_its_code_is() {
        for good in ["gh/acme/site", "bb/acme/site", "circleci/8e4z1Akd74woxagxnvLT5q/V29Cenkg8EaiSZARmWm8Lz"] {
            assert_eq!(no_project(good), None, "{good}");
        }
        for bad in ["acme/shop/site", "gh/acme/a b", "gl/acme/site"] {
            assert!(no_project(bad).is_some(), "{bad}");
        }
    }
}
