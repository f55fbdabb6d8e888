//! Jenkins as a connection of the configuration. It knows neither environments nor versions: which input leads where, and which job
//! rolls back, is said here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{
    access::Access,
    check::Known,
    kind::{Connection, Kind, Settings},
    note::Notes,
    object::{Object, Objects},
    span, tree,
};

const OBJECTS: Objects = Objects {
    key: "job",
    several: false,
    form: "FOLDER/JOB",
    parts: 1..=9,
    list: Some("jobs"),
    patterns: true,
    odd: no_job,
};

pub(super) static KIND: Kind = Kind {
    name: "jenkins",
    read: |node, under, problems| tree::read(node, under, problems).map(Connection::Jenkins),
    open: &["administrator", "job", "version_parameter"],
    addresses: &["url"],
    tables: &["jobs", "rollback"],
    objects: Some(OBJECTS),
};

/// Jenkins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jenkins {
    /// Where it begins: `https://ci.example.com/jenkins`.
    pub url: String,
    /// How it is reached: `basic_auth` with an API token in the place of the password.
    #[serde(flatten, skip_deserializing)]
    pub access: Access,
    /// The jobs, multibranch projects and folders that are looked at, beside those that services name. Their environments are told by
    /// inputs: by the id of one, or its message.
    #[serde(default)]
    pub jobs: Vec<Object>,
    /// Whether we administer it: inputs that name others let us through then, and nothing that Jenkins tells says so.
    #[serde(default)]
    pub administrator: bool,
    /// How often it is read.
    #[serde(default = "thirty_seconds", with = "span")]
    pub interval: Duration,
}

fn thirty_seconds() -> Duration {
    Duration::from_secs(30)
}

/// Why no job can be called so: what Jenkins forbids, and what leads out of a folder.
fn no_job(path: &str) -> Option<String> {
    const FORBIDDEN: &str = "?*/\\!@#$^&|<>[]:;";
    let odd = path
        .split('/')
        .find(|part| *part == "." || *part == ".." || part.chars().any(|c| FORBIDDEN.contains(c) || c.is_control()))?;
    Some(format!("'{odd}' is the name of no job: none of {FORBIDDEN}, and neither '.' nor '..'"))
}

impl Settings for Jenkins {
    fn address(&self) -> Option<(&'static str, &str)> {
        Some(("url", &self.url))
    }

    fn lists(&self) -> &[Object] {
        &self.jobs
    }

    fn names_its_own(&self) -> bool {
        true
    }

    fn rolls_back_by_job(&self) -> bool {
        true
    }

    fn check(&self, notes: &mut Notes<'_, '_>, _: &Known<'_>, _: &[&str]) {
        for (place, job) in self.jobs.iter().enumerate() {
            let Some(rollback) = &job.rollback else { continue };
            let place = place.to_string();
            if let Some(odd) = no_job(&rollback.job).filter(|_| !rollback.job.is_empty()) {
                notes.add(&["jobs", &place, "rollback", "job"], odd);
            }
            if rollback.job.split('/').any(str::is_empty) {
                let why = format!("'{}' is not of the form {}", rollback.job, OBJECTS.form);
                notes.add(&["jobs", &place, "rollback", "job"], why);
            }
            if rollback.version_parameter.trim().is_empty() {
                let why = "say which of its parameters takes the version";
                notes.add(&["jobs", &place, "rollback", "version_parameter"], why);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_jenkins_forbids_in_a_name_is_the_name_of_no_job() {
        for good in ["shop/gateway", "deploy", "shop/cart/feature%2Flogin", "Test Workflow"] {
            assert_eq!(no_job(good), None, "{good}");
        }
        for bad in ["shop/../x", "a?b", "a/.", "x#1", "a:b"] {
            assert!(no_job(bad).is_some(), "{bad}");
        }
    }
}
