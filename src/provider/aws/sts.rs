//! The Security Token Service: a role that is taken, with keys of ours or with a token of somebody who vouches for us. It speaks the older
//! query protocol: a form, answered with XML.
//!
//! Source: docs.aws.amazon.com/STS/latest/APIReference (`AssumeRole`, `AssumeRoleWithWebIdentity`).

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use secrecy::SecretString;
use url::form_urlencoded;

use super::{
    Credentials, Role,
    chain::{Asked, Ways},
    sigv4::{Purpose, authorize},
    words,
};

/// The version of its interface, as every request names it.
pub(super) const VERSION: &str = "2011-06-15";
/// The service, as addresses and signatures name it.
pub(super) const STS: &str = "sts";

/// A form with an action of it.
pub(super) fn form(action: &str, fields: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", action).append_pair("Version", VERSION);
    form.extend_pairs(fields).finish()
}

/// Who vouches for us.
pub(super) enum Voucher<'a> {
    /// Keys that may take the role.
    Keys(&'a Credentials),
    /// A token of an identity provider, which signs it itself.
    Token(&'a str),
}

/// Takes a role.
///
/// # Errors
/// Why it cannot be taken, as a sentence.
pub(super) async fn assume(role: &Role, voucher: Voucher<'_>, from: String, ways: &Ways) -> Asked<Credentials> {
    let mut fields = vec![("RoleArn", role.arn.as_str()), ("RoleSessionName", role.session.as_str())];
    fields.extend(role.external_id.as_deref().map(|id| ("ExternalId", id)));
    let body = match voucher {
        Voucher::Keys(_) => form("AssumeRole", &fields),
        Voucher::Token(token) => {
            fields.push(("WebIdentityToken", token));
            form("AssumeRoleWithWebIdentity", &fields)
        }
    };
    let address = ways.address(STS);
    let mut request = Request::post(format!("{}/", address.trim_end_matches('/')))
        .body(Bytes::from(body))
        .map_err(|e| e.to_string())?;
    let content = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(header::CONTENT_TYPE, content);
    if let Voucher::Keys(who) = voucher {
        let purpose = Purpose { region: &ways.region, service: STS, at: ways.clock.now() };
        authorize(&mut request, who, purpose).map_err(|why| why.text)?;
    }
    let answer = ways.ask(&address, request).await?;
    let text = String::from_utf8_lossy(answer.body());
    if !answer.status().is_success() {
        let said =
            tagged(&text, "Message").or_else(|| words::code(&answer)).unwrap_or_else(|| answer.status().to_string());
        return Err(format!("the role {} cannot be taken: {}", role.arn, crate::domain::text::clean(&said)));
    }
    let read = || {
        Some(Credentials {
            key: tagged(&text, "AccessKeyId")?,
            secret: tagged(&text, "SecretAccessKey")?.into(),
            session: tagged(&text, "SessionToken").map(SecretString::from),
            expires: tagged(&text, "Expiration").and_then(|at| at.parse().ok()),
            from,
        })
    };
    read().ok_or_else(|| format!("the role {} cannot be taken: the answer holds no credentials", role.arn))
}

/// What stands between the tags of this name, the first time.
pub(super) fn tagged(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    Some(plain.into_iter().fold(text.trim().to_owned(), |text, (written, meant)| text.replace(written, meant)))
}
