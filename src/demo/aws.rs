//! What pretended systems of AWS have in common: who asks, by the signature of a request (AWS Signature Version 4), verified for the one
//! key that is known; and who that is. Written from AWS's description, apart from what our client signs with. Here must not live: what any
//! one service answers.
//!
//! Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.

use std::fmt::Write as _;

use bytes::Bytes;
use chrono::{NaiveDateTime, TimeDelta};
use http::{HeaderMap, Request};
use ring::hmac;
use sha2::{Digest, Sha256};

use crate::domain::{text::hex, time::Timestamp};

/// The access key that they know, and its secret: whoever signs with another one is nobody.
pub const KEY: (&str, &str) = ("AKIAHOLDSHORTDEMO", "a-secret-of-the-pretended-aws");
/// A signature is taken for so long.
const SKEW: TimeDelta = TimeDelta::minutes(5);

/// Why a request is nobody's: AWS's name for it, and a sentence.
pub(in crate::demo) type Nobody = (&'static str, String);

/// What a signature says of itself.
struct Said<'a> {
    key: &'a str,
    /// Day, region, service and `aws4_request`.
    scope: &'a str,
    headers: &'a str,
    signature: &'a str,
}

fn said(headers: &HeaderMap) -> Option<Said<'_>> {
    let text = headers.get("authorization")?.to_str().ok()?.strip_prefix("AWS4-HMAC-SHA256 ")?;
    let of = |name: &str| text.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
    let (key, scope) = of("Credential")?.split_once('/')?;
    Some(Said { key, scope, headers: of("SignedHeaders")?, signature: of("Signature")? })
}

/// Verifies a request that came to one of these paths, under which the system is served.
///
/// # Errors
/// Whose it is not, and why.
pub(in crate::demo) fn verify(request: &Request<Bytes>, paths: &[&str], now: Timestamp) -> Result<(), Nobody> {
    let known = KEY;
    let Some(said) = said(request.headers()) else {
        return Err(("MissingAuthenticationTokenException", "Missing Authentication Token".to_owned()));
    };
    if said.key != known.0 {
        return Err((
            "UnrecognizedClientException",
            "The security token included in the request is invalid.".to_owned(),
        ));
    }
    let date = request.headers().get("x-amz-date").and_then(|date| date.to_str().ok()).unwrap_or_default();
    let at = NaiveDateTime::parse_from_str(date, "%Y%m%dT%H%M%SZ").map(|at| at.and_utc());
    let Ok(at) = at else {
        return Err((
            "IncompleteSignatureException",
            format!("Date must be in ISO-8601 'basic format'. Got '{date}'."),
        ));
    };
    if (now - at).abs() > SKEW {
        let (verb, than) =
            if at < now { ("expired", "is now earlier than") } else { ("not yet current", "is still later than") };
        let now = now.format("%Y%m%dT%H%M%SZ");
        return Err(("InvalidSignatureException", format!("Signature {verb}: {date} {than} {now} (5 min.)")));
    }
    let fits =
        |path: &&str| signature(request, path, &said, date, known.1).is_some_and(|wanted| wanted == said.signature);
    if paths.iter().any(fits) {
        return Ok(());
    }
    let text = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and \
                signing method.";
    Err(("InvalidSignatureException", text.to_owned()))
}

fn signature(request: &Request<Bytes>, path: &str, said: &Said<'_>, date: &str, secret: &str) -> Option<String> {
    let mut query: Vec<&str> = request.uri().query().unwrap_or_default().split('&').collect();
    query.sort_unstable();
    let mut canonical = format!("{}\n{path}\n{}\n", request.method(), query.join("&"));
    for name in said.headers.split(';') {
        let value = request.headers().get(name)?.to_str().ok()?;
        let _ = writeln!(canonical, "{name}:{}", value.trim());
    }
    let _ = write!(canonical, "\n{}\n{}", said.headers, hex(&Sha256::digest(request.body())));
    let told = format!("AWS4-HMAC-SHA256\n{date}\n{}\n{}", said.scope, hex(&Sha256::digest(canonical.as_bytes())));
    let start = format!("AWS4{secret}").into_bytes();
    let key = said.scope.split('/').fold(start, |key, part| mac(&key, part.as_bytes()));
    Some(hex(&mac(&key, told.as_bytes())))
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

/// Who a user of an account is, in the older protocol: XML.
pub(in crate::demo) fn identity(arn: &str, account: &str) -> String {
    format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Arn>{arn}</Arn>\
         <UserId>AIDAHOLDSHORTDEMO</UserId><Account>{account}</Account></GetCallerIdentityResult><ResponseMetadata>\
         <RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    )
}
