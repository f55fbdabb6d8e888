//! Single sign-on (IAM Identity Center): the token that `aws sso login` left behind is exchanged for credentials of a role.
//!
//! Source: `docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html`. A token is read and never renewed here:
//! that would write another tool's file, and nobody can be asked to sign in beneath a screen.

use std::{fmt::Write as _, path::Path};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::form_urlencoded;

use super::{
    Credentials,
    chain::{Asked, Ways},
    credentials::Lent,
    profile::{Profiles, Section},
};
use crate::domain::time::Timestamp;

/// What tools keep of a session.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    access_token: SecretString,
    expires_at: Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Exchanged {
    role_credentials: Lent,
}

/// What a profile says of single sign-on.
pub(super) struct Sso<'a> {
    /// What the file of the session is called by.
    key: &'a str,
    region: &'a str,
    account: &'a str,
    role: &'a str,
}

/// Whether, and how, a profile signs on.
///
/// # Errors
/// What is missing of it, as a sentence.
pub(super) fn of<'a>(profile: &'a Section, all: &'a Profiles) -> Asked<Option<Sso<'a>>> {
    let named = profile.get("sso_session");
    if named.is_none() && profile.get("sso_start_url").is_none() {
        return Ok(None);
    }
    let section = match named {
        Some(name) => {
            all.session(name).ok_or_else(|| format!("it names the sso-session '{name}', which no file has"))?
        }
        None => profile,
    };
    let of = |section: &'a Section, key: &str| section.get(key).ok_or_else(|| format!("it has no {key}"));
    Ok(Some(Sso {
        key: match named {
            Some(name) => name,
            None => of(profile, "sso_start_url")?,
        },
        region: of(section, "sso_region")?,
        account: of(profile, "sso_account_id")?,
        role: of(profile, "sso_role_name")?,
    }))
}

impl Sso<'_> {
    /// Exchanges the token that lies in `sessions` for credentials of the role.
    pub(super) async fn credentials(&self, sessions: Option<&Path>, name: &str, ways: &Ways) -> Asked<Credentials> {
        let sign_in = format!("sign in with `aws sso login --profile {name}`");
        let sessions = sessions.ok_or_else(|| format!("there is no home to look for its session in: {sign_in}"))?;
        let kept = kept(&sessions.join(file(self.key))).ok_or_else(|| format!("it has no session: {sign_in}"))?;
        if kept.expires_at <= ways.clock.now() {
            return Err(format!("its session ended at {}: {sign_in}", kept.expires_at.format("%Y-%m-%d %H:%M UTC")));
        }
        let address = super::address(ways.configured(), "portal.sso", self.region);
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("role_name", self.role), ("account_id", self.account)])
            .finish();
        let uri = format!("{}/federation/credentials?{query}", address.trim_end_matches('/'));
        let mut token = HeaderValue::try_from(kept.access_token.expose_secret())
            .map_err(|_| format!("its session cannot stand in a header: {sign_in}"))?;
        token.set_sensitive(true);
        let mut request = Request::get(uri).body(Bytes::new()).map_err(|why| why.to_string())?;
        request.headers_mut().insert(HeaderName::from_static("x-amz-sso_bearer_token"), token);
        let answer = ways.ask(&address, request).await?;
        if answer.status().as_u16() == 401 {
            return Err(format!("its session is not accepted any more: {sign_in}"));
        }
        if !answer.status().is_success() {
            return Err(format!(
                "the role {} in account {} is not given ({})",
                self.role,
                self.account,
                answer.status()
            ));
        }
        let read: Exchanged =
            serde_json::from_slice(answer.body()).map_err(|_| "the answer holds no credentials".to_owned())?;
        Ok(read.role_credentials.credentials(format!("single sign-on of profile {name}")))
    }
}

/// The name of a session's file, as AWS's tools have it.
fn file(key: &str) -> String {
    let mut name =
        digest(&SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes()).as_ref().iter().fold(String::new(), |mut name, byte| {
            // Writing to a String cannot fail.
            let _ = write!(name, "{byte:02x}");
            name
        });
    name.push_str(".json");
    name
}

fn kept(path: &Path) -> Option<Kept> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_session_is_called_as_awss_tools_call_it() {
        // botocore.tokens.SSOTokenProvider / SSOTokenLoader: sha1 of the session's name.
        assert_eq!(file("acme"), "293abb6b76d7791c0732cc517d38c4b5c734b87f.json");
    }
}
