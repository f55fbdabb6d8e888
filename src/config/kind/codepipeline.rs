//! AWS CodePipeline, one region of one account, as a connection of the configuration.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{
    access::Access,
    check::Known,
    kind::{Connection, Kind, Settings},
    note::{Notes, wrong},
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
    /// The address of a service, as far as it is configured.
    fn example(&self) -> Option<String> {
        Some(self.url.as_ref()?.replace("{service}", "codepipeline").replace("{region}", &self.region))
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
        let usual = "https://codepipeline.amazonaws.com".to_owned();
        let address = self.example();
        if let Some(address) = &address {
            notes.address(&["url"], address);
        }
        notes.all(self.access.wrong(&address.unwrap_or(usual)));
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.region.is_empty() || !self.region.chars().all(plain) {
            notes.add(&["region"], format!("'{}' is no region: write e.g. eu-west-1", self.region));
        }
        if self.access.token.is_some() {
            let why = "AWS takes no token: `basic_auth` is an access key and its secret, `profile` one of ~/.aws";
            notes.all(vec![wrong(&["token"], why)]);
        }
        if self.profile.is_some() && self.access.basic_auth.is_some() {
            notes.add(&["profile"], "`profile` stands instead of `basic_auth`: keep one");
        }
        if self.role.as_ref().is_some_and(|role| !(role.starts_with("arn:") && role.contains(":role/"))) {
            notes.add(&["role"], "a role is named by its ARN: arn:aws:iam::123456789012:role/holdshort");
        }
        if self.external_id.is_some() && self.role.is_none() {
            notes.add(&["external_id"], "`external_id` belongs to `role`");
        }
    }

    fn overlaps(&self, other: &Connection) -> bool {
        let Connection::Codepipeline(other) = other else { return false };
        // Another profile, key or role may be another account.
        let place = |it: &Self| {
            (it.region.clone(), it.url.clone(), it.profile.clone(), it.role.clone(), it.access.credential())
        };
        let named = |it: &Self, name: &str| it.pipelines.iter().any(|one| one.name == name || one.name == "*");
        let shares =
            self.pipelines.iter().any(|one| one.name == "*" && !other.pipelines.is_empty() || named(other, &one.name));
        place(self) == place(other) && shares
    }
}
