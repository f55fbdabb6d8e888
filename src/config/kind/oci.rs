//! A registry of images as a connection of the configuration.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::{
    access::Access,
    check::Known,
    kind::{Connection, Kind, Settings},
    note::Notes,
    span, tree,
};

pub(super) static KIND: Kind = Kind {
    name: "registry",
    read: |node, under, problems| tree::read(node, under, problems).map(Connection::Registry),
    open: &["hosts", "interval"],
    addresses: &["token_server", "url"],
    tables: &[],
    objects: None,
};

/// A registry of images: OCI distribution, or Docker's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// Its base, without `/v2`: `https://registry.example.com`, `https://registry-1.docker.io`.
    pub url: String,
    /// How it is reached, and who we are to it.
    #[serde(flatten, skip_deserializing)]
    pub access: Access,
    /// How the names of its images begin, where that is not the host of its address: `["docker.io"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Where it may send us for a token, where that is another place than itself: `https://auth.docker.io/token`. Our name and password
    /// go there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_server: Option<String>,
    /// How often it proves that it is alive, half a minute at least; images are asked for while a release may need them.
    #[serde(default = "a_minute", with = "span")]
    pub interval: Duration,
}

fn a_minute() -> Duration {
    Duration::from_mins(1)
}

impl Registry {
    /// How the names of its images begin.
    pub fn image_hosts(&self) -> Vec<String> {
        if !self.hosts.is_empty() {
            return self.hosts.clone();
        }
        let url = Url::parse(&self.url).ok();
        let host = url.as_ref().and_then(|url| {
            let host = url.host_str()?;
            Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
        });
        host.into_iter().collect()
    }
}

impl Settings for Registry {
    fn address(&self) -> Option<(&'static str, &str)> {
        Some(("url", &self.url))
    }

    fn check(&self, notes: &mut Notes<'_, '_>, _: &Known<'_>, _: &[&str]) {
        if let Some(address) = &self.token_server {
            notes.address(&["token_server"], address);
        }
        for (index, host) in self.hosts.iter().enumerate() {
            if host.is_empty() || host.contains(['/', ' ', '@']) {
                let why = format!("'{host}' begins no name of an image: write e.g. registry.example.com:5000");
                notes.add(&["hosts", &index.to_string()], why);
            }
        }
    }
}
