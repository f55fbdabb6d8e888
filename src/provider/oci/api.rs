//! The wire, as far as it is read.

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

/// `tags/list`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Tags {
    /// `null` where there is none.
    #[serde(default, deserialize_with = "listed")]
    pub(super) tags: Vec<String>,
}

fn listed<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// What a server of tokens gives.
#[derive(Debug, Default, Deserialize)]
#[expect(clippy::struct_field_names, reason = "as they stand on the wire")]
pub(super) struct Token {
    #[serde(default)]
    pub(super) token: Option<SecretString>,
    /// The same by OAuth's name.
    #[serde(default)]
    pub(super) access_token: Option<SecretString>,
    /// Seconds that it is good for; 60 where nothing is said.
    #[serde(default)]
    pub(super) expires_in: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
struct Errors {
    #[serde(default)]
    errors: Vec<Coded>,
}

#[derive(Debug, Default, Deserialize)]
struct Coded {
    #[serde(default)]
    code: String,
}

/// The codes of a refusal: `MANIFEST_UNKNOWN`. None of what is no refusal of a registry.
pub(super) fn codes(body: &[u8]) -> Vec<String> {
    let told: Errors = serde_json::from_slice(body).unwrap_or_default();
    told.errors.into_iter().map(|one| one.code).collect()
}
