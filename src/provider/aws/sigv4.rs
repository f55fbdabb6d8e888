//! AWS Signature Version 4: who sends a request, and that it is the one they signed.
//!
//! Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. Here lives nothing but the signature: what is
//! asked, and of whom, is for others.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use ring::{
    digest::{SHA256, digest},
    hmac,
};
use secrecy::ExposeSecret;

use super::Credentials;
use crate::{
    domain::{observed::FaultKind, text::hex, time::Timestamp},
    port::error::ProviderError,
};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// How the scope of a signature ends.
const END: &str = "aws4_request";

/// What a signature is good for.
#[derive(Clone, Copy, Debug)]
pub struct Purpose<'a> {
    /// `eu-west-1`
    pub region: &'a str,
    /// As signatures name it: `sts`.
    pub service: &'a str,
    /// When it is signed: AWS takes it for five minutes.
    pub at: Timestamp,
}

impl Purpose<'_> {
    fn scope(&self) -> String {
        format!("{}/{}/{}/{END}", self.at.format("%Y%m%d"), self.region, self.service)
    }
}

/// Signs a request with a whole address: adds `Host`, `X-Amz-Date`, the session and `Authorization`.
///
/// # Errors
/// When the session cannot stand in a header, or the address has no host.
pub fn authorize(request: &mut Request<Bytes>, who: &Credentials, purpose: Purpose<'_>) -> Result<(), ProviderError> {
    let unfit = |what: &str| ProviderError::new(FaultKind::Unauthenticated, format!("{what}: it cannot be signed"));
    let host = request.uri().authority().map(|authority| authority.as_str().to_owned());
    let host = host.ok_or_else(|| unfit("the address has no host"))?;
    let host = HeaderValue::try_from(host).map_err(|_| unfit("the host cannot stand in a header"))?;
    let date = purpose.at.format("%Y%m%dT%H%M%SZ").to_string();
    let date_value = HeaderValue::try_from(&date).map_err(|_| unfit("the time cannot stand in a header"))?;
    let headers = request.headers_mut();
    headers.insert(header::HOST, host);
    headers.insert(HeaderName::from_static("x-amz-date"), date_value);
    if let Some(session) = &who.session {
        let session = HeaderValue::try_from(session.expose_secret());
        let mut session = session.map_err(|_| unfit("the session token cannot stand in a header"))?;
        session.set_sensitive(true);
        headers.insert(HeaderName::from_static("x-amz-security-token"), session);
    }
    let (canonical, signed) = canonical(request);
    let scope = purpose.scope();
    let told = format!("{ALGORITHM}\n{date}\n{scope}\n{}", hex(digest(&SHA256, canonical.as_bytes()).as_ref()));
    let signature = hex(&with_key(who.secret.expose_secret(), &purpose, told.as_bytes()));
    let words = format!("{ALGORITHM} Credential={}/{scope}, SignedHeaders={signed}, Signature={signature}", who.key);
    let words = HeaderValue::try_from(words);
    let mut words = words.map_err(|_| unfit("the id of the access key cannot stand in a header"))?;
    words.set_sensitive(true);
    request.headers_mut().insert(header::AUTHORIZATION, words);
    Ok(())
}

/// The request in the one form that is signed, and the names of the headers in it.
fn canonical(request: &Request<Bytes>) -> (String, String) {
    let headers = signed_headers(request.headers());
    let names = headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
    let lines = headers.iter().fold(String::new(), |lines, (name, value)| lines + name + ":" + value + "\n");
    let path = request.uri().path();
    let path = if path.is_empty() { "/" } else { path };
    let body = hex(digest(&SHA256, request.body()).as_ref());
    let query = query(request.uri().query().unwrap_or_default());
    (format!("{}\n{path}\n{query}\n{lines}\n{names}\n{body}", request.method()), names)
}

/// The headers that are signed, by name: the host, the content type and everything of Amazon's own.
fn signed_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let is_signed = |name: &str| matches!(name, "host" | "content-type") || name.starts_with("x-amz-");
    let mut all: Vec<(String, String)> = headers
        .keys()
        .filter(|name| is_signed(name.as_str()))
        .map(|name| {
            let values = headers.get_all(name).iter().map(|value| trimmed(&String::from_utf8_lossy(value.as_bytes())));
            (name.as_str().to_owned(), values.collect::<Vec<_>>().join(","))
        })
        .collect();
    all.sort();
    all
}

/// Without blanks around it, and with one where there are several.
fn trimmed(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The query in the order of its names, each with its value.
fn query(query: &str) -> String {
    let mut all: Vec<(&str, &str)> =
        query.split('&').filter(|one| !one.is_empty()).map(|one| one.split_once('=').unwrap_or((one, ""))).collect();
    all.sort_unstable();
    all.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Signs with the key of one day, region and service, which the secret gives.
fn with_key(secret: &str, purpose: &Purpose<'_>, told: &[u8]) -> Vec<u8> {
    let sign = |key: &[u8], what: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), what).as_ref().to_vec();
    let day = sign(format!("AWS4{secret}").as_bytes(), purpose.at.format("%Y%m%d").to_string().as_bytes());
    let region = sign(&day, purpose.region.as_bytes());
    let service = sign(&region, purpose.service.as_bytes());
    sign(&sign(&service, END.as_bytes()), told)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &str =
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=";

    /// What AWS's test suite signs (`aws-sig-v4-test-suite`, published by Amazon under the Apache licence): the same key, moment and scope.
    fn signed(request: http::request::Builder, body: &'static str, session: Option<&str>) -> String {
        let mut who = Credentials::lasting("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a test");
        who.session = session.map(Into::into);
        let at = "2015-08-30T12:36:00Z".parse().unwrap();
        let mut request = request.body(Bytes::from_static(body.as_bytes())).unwrap();
        authorize(&mut request, &who, Purpose { region: "us-east-1", service: "service", at }).unwrap();
        request.headers()[header::AUTHORIZATION].to_str().unwrap().to_owned()
    }

    #[test]
    fn requests_are_signed_as_the_published_vectors_are() {
        let form = "application/x-www-form-urlencoded";
        let table = [
            (
                "GET",
                "/",
                None,
                "",
                "host;x-amz-date",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "GET",
                "/?Param2=value2&Param1=value1",
                None,
                "",
                "host;x-amz-date",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                "POST",
                "/",
                None,
                "",
                "host;x-amz-date",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
            (
                "POST",
                "/",
                Some(form),
                "Param1=value1",
                "content-type;host;x-amz-date",
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
        ];
        for (method, path, content, body, names, signature) in table {
            let mut request = Request::builder().method(method).uri(format!("https://example.amazonaws.com{path}"));
            if let Some(content) = content {
                request = request.header("content-type", content);
            }
            assert_eq!(
                signed(request, body, None),
                format!("{NAMES}{names}, Signature={signature}"),
                "{method} {path}"
            );
        }
    }

    #[test]
    fn a_session_is_signed_too_and_blanks_count_once() {
        let of = |value: &str, session| {
            let request = Request::get("https://example.amazonaws.com/").header("x-amz-meta", value);
            signed(request, "", session)
        };
        assert_eq!(of("a   b", None), of("a b", None));
        let with = of("a", Some("session"));
        assert!(with.contains("SignedHeaders=host;x-amz-date;x-amz-meta;x-amz-security-token,"), "{with}");
        assert_ne!(of("a", None), with);
    }
}
