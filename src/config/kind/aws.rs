//! What every service of AWS is told alike: where it is, and who we are there. Here must not live: what is looked at in any one of them.

use crate::config::{
    access::Access,
    note::{Notes, wrong},
    object::Object,
};

/// The settings that say where a service of AWS is and who asks, as a kind has them.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// The service that the connection is named after, as addresses have it: `sts`.
    pub service: &'static str,
    /// `eu-west-1`.
    pub region: &'a str,
    /// Where AWS is, if not where it usually is.
    pub url: Option<&'a str>,
    /// How it is reached, and the key.
    pub access: &'a Access,
    /// The profile of `~/.aws` that says who we are.
    pub profile: Option<&'a str>,
    /// A role that is taken.
    pub role: Option<&'a str>,
    /// What whoever lends that role asks for.
    pub external_id: Option<&'a str>,
}

impl Account<'_> {
    /// May both be the same account in the same place? Another profile, key or role may be another account.
    pub(super) fn may_be(&self, other: &Self) -> bool {
        let of = |it: &Self| (it.region, it.url, it.profile, it.role, it.access.credential());
        of(self) == of(other)
    }

    /// Notes what is wrong with them.
    pub(super) fn check(&self, notes: &mut Notes<'_, '_>) {
        let usual = || format!("https://{}.amazonaws.com", self.service);
        let address = self.url.map(|url| url.replace("{service}", self.service).replace("{region}", self.region));
        if let Some(address) = &address {
            notes.address(&["url"], address);
        }
        notes.all(self.access.wrong(&address.unwrap_or_else(usual)));
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
        if self.role.is_some_and(|role| !(role.starts_with("arn:") && role.contains(":role/"))) {
            notes.add(&["role"], "a role is named by its ARN: arn:aws:iam::123456789012:role/holdshort");
        }
        if self.external_id.is_some() && self.role.is_none() {
            notes.add(&["external_id"], "`external_id` belongs to `role`");
        }
    }
}

/// Do both name one that is the same? `*` is all that there are.
pub(super) fn shares(named_here: &[Object], others: &[Object]) -> bool {
    let named = |name: &str| others.iter().any(|one| one.name == name || one.name == "*");
    named_here.iter().any(|one| one.name == "*" && !others.is_empty() || named(&one.name))
}
