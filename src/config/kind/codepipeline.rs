//! AWS CodePipeline, one region of one account, as a connection of the configuration.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{
    access::Access,
    check::Known,
    kind::{
        Connection, Kind, Settings,
        aws::{Account, shares},
    },
    note::Notes,
    object::{Object, Objects},
    span, tree,
};

pub(super) static KIND: Kind = Kind {
    name: "codepipeline",
    read: |node, under, problems| tree::read(node, under, problems).map(Connection::Codepipeline),
    open: &["region", "profile", "role", "interval", "pipeline"],
    addresses: &["url"],
    tables: &["pipelines"],
    objects: Some(Objects {
        key: "codepipeline",
        several: false,
        form: "PIPELINE",
        parts: 1..=1,
        list: Some("pipelines"),
        patterns: true,
        odd: no_pipeline,
    }),
};

/// AWS CodePipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Codepipeline {
    /// The region: `eu-west-1`. The account is that of the credentials.
    pub region: String,
    /// Where AWS is, if not where it usually is (FIPS, a private endpoint, a test): `{service}` and `{region}` stand for their names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How it is reached; `basic_auth` is an access key and its secret. Without it, credentials are looked for where AWS's own tools do.
    #[serde(flatten, skip_deserializing)]
    pub access: Access,
    /// The profile of `~/.aws` that says who we are; then nothing else is looked in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// A role that is taken with these credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// What whoever lends that role asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The pipelines that are looked at, beside those that services name; `*` is all of the region. Their environments are stages, by their
    /// names or those of actions in them.
    #[serde(default)]
    pub pipelines: Vec<Object>,
    /// How often a pipeline is read in which something moves; others less often, for an account has two requests a second.
    #[serde(default = "thirty_seconds", with = "span")]
    pub interval: Duration,
}

fn thirty_seconds() -> Duration {
    Duration::from_secs(30)
}

/// Why no pipeline can be called so.
fn no_pipeline(name: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '@' | '-' | '_');
    let odd = name.len() > 100 || name == "." || name == ".." || !name.chars().all(plain);
    odd.then(|| {
        format!("'{name}' is the name of no pipeline: letters, digits, '.', '@', '-' and '_', a hundred at most")
    })
}

impl Codepipeline {
    /// Where it is, and who asks.
    pub fn account(&self) -> Account<'_> {
        Account {
            service: "codepipeline",
            region: &self.region,
            url: self.url.as_deref(),
            access: &self.access,
            profile: self.profile.as_deref(),
            role: self.role.as_deref(),
            external_id: self.external_id.as_deref(),
        }
    }
}

impl Settings for Codepipeline {
    fn address(&self) -> Option<(&'static str, &str)> {
        // It may hold what stands for names, which no address does.
        None
    }

    fn lists(&self) -> &[Object] {
        &self.pipelines
    }

    fn names_its_own(&self) -> bool {
        true
    }

    fn check(&self, notes: &mut Notes<'_, '_>, _: &Known<'_>, _: &[&str]) {
        self.account().check(notes);
    }

    fn overlaps(&self, other: &Connection) -> bool {
        let Connection::Codepipeline(other) = other else { return false };
        self.account().may_be(&other.account()) && shares(&self.pipelines, &other.pipelines)
    }
}
