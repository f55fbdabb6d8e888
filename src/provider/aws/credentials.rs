//! Who we are to AWS: an access key with its secret, and a session where they are lent.

use std::{fmt, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::domain::time::{Timestamp, until};

/// Credentials that end are made anew so long before.
const EARLY: Duration = Duration::from_mins(5);
/// However soon they end, they are not made anew more often than this.
const LEAST: Duration = Duration::from_secs(20);

/// An access key, its secret, and where they come from. Shows neither.
#[derive(Clone)]
pub struct Credentials {
    /// The id of the key: `AKIA…` of a user, `ASIA…` of a session.
    pub key: String,
    /// Its secret.
    pub secret: SecretString,
    /// The session that they belong to.
    pub session: Option<SecretString>,
    /// When they end.
    pub expires: Option<Timestamp>,
    /// Where they come from, in a few words: `the environment`, `profile prod`.
    pub from: String,
}

impl Credentials {
    /// A key that lasts.
    pub fn lasting(key: impl Into<String>, secret: impl Into<SecretString>, from: impl Into<String>) -> Self {
        Self { key: key.into(), secret: secret.into(), session: None, expires: None, from: from.into() }
    }

    /// How long they can be used from now on; `None` for as long as one likes.
    pub fn life(&self, now: Timestamp) -> Option<Duration> {
        let left = until(now, self.expires?);
        Some(left.saturating_sub(EARLY).max(LEAST.min(left)))
    }

    /// Are they over?
    pub(super) fn are_over(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }

    /// What of them no answer may repeat.
    pub(super) fn secrets(&self) -> Vec<SecretString> {
        std::iter::once(&self.secret).chain(&self.session).cloned().collect()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("from", &self.from).field("expires", &self.expires).finish_non_exhaustive()
    }
}

impl PartialEq for Credentials {
    fn eq(&self, other: &Self) -> bool {
        let session = |it: &Self| it.session.as_ref().map(|session| session.expose_secret().to_owned());
        (&self.key, self.secret.expose_secret(), session(self), self.expires)
            == (&other.key, other.secret.expose_secret(), session(other), other.expires)
    }
}

/// Credentials as metadata services, `credential_process` and STS write them; each has a name of its own for the session.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Lent {
    #[serde(alias = "accessKeyId")]
    pub(super) access_key_id: String,
    #[serde(alias = "secretAccessKey")]
    secret_access_key: SecretString,
    #[serde(default, alias = "sessionToken", alias = "Token")]
    session_token: Option<SecretString>,
    #[serde(default, alias = "expiration")]
    expiration: Option<Ends>,
}

/// A moment in words, or in milliseconds since 1970.
#[derive(Deserialize)]
#[serde(untagged)]
enum Ends {
    Words(Timestamp),
    Millis(i64),
}

impl Lent {
    pub(super) fn credentials(self, from: impl Into<String>) -> Credentials {
        let expires = self.expiration.and_then(|end| match end {
            Ends::Words(at) => Some(at),
            Ends::Millis(millis) => Timestamp::from_timestamp_millis(millis),
        });
        Credentials {
            key: self.access_key_id,
            secret: self.secret_access_key,
            session: self.session_token.filter(|session| !session.expose_secret().is_empty()),
            expires,
            from: from.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_made_anew_before_they_end_and_not_all_the_time() {
        let now = Timestamp::UNIX_EPOCH;
        let ending = |seconds| Credentials {
            expires: Some(crate::domain::time::after(now, Duration::from_secs(seconds))),
            ..Credentials::lasting("AKIA", "s", "a test")
        };
        let life = |seconds| ending(seconds).life(now).unwrap().as_secs();
        assert_eq!([3600, 310, 60, 5].map(life), [3300, 20, 20, 5]);
        assert_eq!(Credentials::lasting("AKIA", "s", "a test").life(now), None);
    }

    #[test]
    fn what_is_lent_is_read_in_each_of_the_forms_and_shown_in_none() {
        let forms = [
            r#"{"AccessKeyId":"ASIA1","SecretAccessKey":"hush","Token":"tok","Expiration":"2026-03-10T11:00:00Z"}"#,
            r#"{"Version":1,"AccessKeyId":"ASIA1","SecretAccessKey":"hush","SessionToken":"tok","Expiration":"2026-03-10T11:00:00+00:00"}"#,
            r#"{"accessKeyId":"ASIA1","secretAccessKey":"hush","sessionToken":"tok","expiration":1773140400000}"#,
        ];
        for form in forms {
            let read = serde_json::from_str::<Lent>(form).unwrap().credentials("it");
            let session = read.session.as_ref().map(|session| session.expose_secret().to_owned());
            assert_eq!((read.key.as_str(), session.as_deref()), ("ASIA1", Some("tok")), "{form}");
            assert_eq!(read.expires, Some("2026-03-10T11:00:00Z".parse().unwrap()), "{form}");
            let shown = format!("{read:?}");
            assert!(!shown.contains("hush") && !shown.contains("tok"), "{shown}");
        }
    }
}
