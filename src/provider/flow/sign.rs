//! The signature that the older API takes: ACS3-HMAC-SHA256 over the request as it goes out. The secret of the access key is here and
//! nowhere else.
//!
//! Source: help.aliyun.com, "V3 版本请求体&签名机制"; the world that checks it is driven by Alibaba Cloud's own client, too.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, header};
use ring::{digest, hmac, rand::SecureRandom};
use secrecy::{ExposeSecret, SecretString};
use tower::service_fn;
use url::{Url, form_urlencoded};

use crate::{
    domain::{text::hex, time::Timestamp},
    port::{
        clock::SharedClock,
        wire::{Transport, WireError},
    },
    provider::http::send,
};

/// How it is signed.
const ALGORITHM: &str = "ACS3-HMAC-SHA256";
/// The version of the API that is asked.
const VERSION: &str = "2021-06-25";
/// What every signature covers beside what is called `x-acs-…`.
const ALSO: [&str; 2] = ["content-type", "host"];

/// A transport that signs what has a path only, and leaves it to `leaf` to put the address before it.
pub fn signed(
    leaf: Transport,
    (id, secret): (SecretString, SecretString),
    address: &Url,
    clock: SharedClock,
) -> Transport {
    let host = match (address.host_str(), address.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    };
    let prefix = address.path().trim_end_matches('/').to_owned();
    Transport::new(service_fn(move |mut request: Request<Bytes>| {
        let placed = put_on(&mut request, &id, &secret, (&host, &prefix), clock.now());
        let leaf = leaf.clone();
        async move {
            placed?;
            send(&leaf, request).await
        }
    }))
}

/// Puts the headers on that prove who asks. A whole address goes where it says, unsigned.
fn put_on(
    request: &mut Request<Bytes>,
    id: &SecretString,
    secret: &SecretString,
    (host, prefix): (&str, &str),
    now: Timestamp,
) -> Result<(), WireError> {
    if request.uri().authority().is_some() {
        return Ok(());
    }
    let unfit =
        || WireError::NotConnected("the id of the access key holds characters that no header can carry".to_owned());
    let mut nonce = [0_u8; 16];
    let drawn = ring::rand::SystemRandom::new().fill(&mut nonce);
    drawn.map_err(|_| WireError::NotConnected("this machine gives no random numbers to sign with".to_owned()))?;
    let own = [
        ("x-acs-version", VERSION.to_owned()),
        ("x-acs-date", now.format("%Y-%m-%dT%H:%M:%SZ").to_string()),
        ("x-acs-signature-nonce", hex(&nonce)),
        ("x-acs-content-sha256", hash(request.body())),
    ];
    for (name, value) in own {
        let value = HeaderValue::try_from(value).map_err(|_| unfit())?;
        request.headers_mut().insert(HeaderName::from_static(name), value);
    }
    let path = format!("{prefix}{}", request.uri().path());
    let query = request.uri().query().unwrap_or_default().to_owned();
    let of = |name: &HeaderName, value: &HeaderValue| {
        let covered = name.as_str().starts_with("x-acs-") || ALSO.contains(&name.as_str());
        covered.then(|| (name.as_str().to_owned(), value.to_str().unwrap_or_default().trim().to_owned()))
    };
    let mut headers: Vec<(String, String)> =
        request.headers().iter().filter_map(|(name, value)| of(name, value)).collect();
    headers.push(("host".to_owned(), host.to_owned()));
    headers.sort();
    let body = hash(request.body());
    let signature = sign(secret.expose_secret(), request.method().as_str(), (&path, &query), &headers, &body);
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let id = id.expose_secret().trim();
    let words = format!("{ALGORITHM} Credential={id},SignedHeaders={},Signature={signature}", names.join(";"));
    let mut value = HeaderValue::try_from(words).map_err(|_| unfit())?;
    value.set_sensitive(true);
    request.headers_mut().insert(header::AUTHORIZATION, value);
    Ok(())
}

/// The signature of a request: over its method, path, query in order, these headers and the hash of its body.
fn sign(secret: &str, method: &str, (path, query): (&str, &str), headers: &[(String, String)], body: &str) -> String {
    let mut pairs: Vec<(String, String)> =
        form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (encoded(&name), encoded(&value))).collect();
    pairs.sort();
    let query: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let listed: Vec<String> = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let listed = listed.concat();
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let whole = format!("{method}\n{path}\n{}\n{listed}\n{}\n{body}", query.join("&"), names.join(";"));
    let text = format!("{ALGORITHM}\n{}", hash(whole.as_bytes()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.trim().as_bytes());
    hex(hmac::sign(&key, text.as_bytes()).as_ref())
}

/// A text as the signature wants it in a query (RFC 3986).
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut written, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            written.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(written, "%{byte:02X}");
        }
        written
    })
}

fn hash(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Alibaba Cloud's own example: help.aliyun.com, "V3 版本请求体&签名机制" (a public example, and no key of anybody's).
    #[test]
    fn the_documented_example_is_signed_as_it_says() {
        let headers: Vec<(String, String)> = [
            ("host", "ecs.cn-shanghai.aliyuncs.com"),
            ("x-acs-action", "RunInstances"),
            ("x-acs-content-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("x-acs-date", "2023-10-26T10:22:32Z"),
            ("x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d"),
            ("x-acs-version", "2014-05-26"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let query = "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai";
        let body = hash(b"");
        let signature = sign("YourAccessKeySecret", "POST", ("/", query), &headers, &body);
        assert_eq!(signature, "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0");
    }

    #[test]
    fn a_query_is_signed_in_order_and_as_rfc_3986_writes_it() {
        let one = sign("s", "GET", ("/p", "b=2&a=1%2C2%20x"), &[], "");
        assert_eq!(one, sign("s", "GET", ("/p", "a=1,2+x&b=2"), &[], ""));
        assert_eq!(encoded("a b,c~/*"), "a%20b%2Cc~%2F%2A");
    }
}
