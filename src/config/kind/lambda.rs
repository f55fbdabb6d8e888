//! AWS Lambda with CodeDeploy, one region of one account, as a connection of the configuration.

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
    name: "lambda",
    read: |node, under, problems| tree::read(node, under, problems).map(Connection::Lambda),
    open: &["region", "profile", "role", "interval"],
    addresses: &["url"],
    tables: &["functions"],
    objects: Some(Objects {
        key: "functions",
        several: true,
        form: "FUNCTION/ALIAS",
        // A function alone is all its aliases.
        parts: 1..=2,
        list: Some("functions"),
        patterns: true,
        odd: no_alias,
    }),
};

/// AWS Lambda, and CodeDeploy where that moves its aliases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lambda {
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
    /// The aliases that are looked at, beside those that services name: `FUNCTION` is all of a function's, `*` all of the region's, of a
    /// hundred functions at most. Their environments are told by the name of an alias, or `FUNCTION/ALIAS`.
    #[serde(default)]
    pub functions: Vec<Object>,
    /// How often an alias is read in which nothing moves.
    #[serde(default = "thirty_seconds", with = "span")]
    pub interval: Duration,
}

fn thirty_seconds() -> Duration {
    Duration::from_secs(30)
}

/// Why no function or alias can be called so.
fn no_alias(name: &str) -> Option<String> {
    let plain = |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    let mut parts = name.split('/');
    let (function, alias) = (parts.next().unwrap_or_default(), parts.next());
    if function.is_empty() || function.len() > 64 || !plain(function) {
        return Some(format!(
            "'{function}' is the name of no function: letters, digits, '-' and '_', 64 at most; the region and the account are those of the \
             connection"
        ));
    }
    let odd = alias.is_some_and(|alias| {
        let number = alias.bytes().all(|byte| byte.is_ascii_digit());
        alias.is_empty() || alias.len() > 128 || !plain(alias) || number
    });
    odd.then(|| {
        format!("'{name}' names no alias: letters, digits, '-' and '_', and no number alone, which is a version")
    })
}

impl Lambda {
    /// Where it is, and who asks.
    pub fn account(&self) -> Account<'_> {
        Account {
            service: "lambda",
            region: &self.region,
            url: self.url.as_deref(),
            access: &self.access,
            profile: self.profile.as_deref(),
            role: self.role.as_deref(),
            external_id: self.external_id.as_deref(),
        }
    }
}

impl Settings for Lambda {
    fn address(&self) -> Option<(&'static str, &str)> {
        // It may hold what stands for names, which no address does.
        None
    }

    fn lists(&self) -> &[Object] {
        &self.functions
    }

    fn names_its_own(&self) -> bool {
        true
    }

    fn check(&self, notes: &mut Notes<'_, '_>, _: &Known<'_>, _: &[&str]) {
        self.account().check(notes);
    }

    fn overlaps(&self, other: &Connection) -> bool {
        let Connection::Lambda(other) = other else { return false };
        self.account().may_be(&other.account()) && shares(&self.functions, &other.functions)
    }
}
