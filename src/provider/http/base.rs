//! Where a system is and who we are: put in front of requests that carry only a path.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Uri, header};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use tower::service_fn;
use url::{Host, Url};

use super::{
    Ours,
    home::Encrypted,
    proxy::{ProxyEnvironment, shown},
    send,
};
use crate::{
    domain::observed::FaultKind,
    port::{
        error::ProviderError,
        wire::{Transport, WireError},
    },
};

/// A system's address, who we are to it, and the way there.
#[derive(Clone)]
pub struct Base {
    /// `https://ci.test`, or with a path: `https://ci.test/api/v3`.
    pub url: Url,
    /// Sent as `Authorization`: `Bearer …`, or `Basic …`.
    authorization: Option<SecretString>,
    /// What of ours it may repeat and nobody may see.
    secrets: Vec<SecretString>,
    /// Other headers, by name.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The certificate authorities that may have signed for it, as PEM; `None` for those of the machine.
    pub authorities: Option<Vec<u8>>,
    /// Our own certificate and its key, as PEM.
    pub(super) identity: Option<SecretSlice<u8>>,
    /// The name that its certificate is for, and that it is asked by, where its address has another one.
    pub server_name: Option<String>,
    /// The proxy that leads there, as it may be shown.
    pub proxy: Option<String>,
    /// Who says which proxy that is.
    pub(super) way: Way,
}

/// Which way leads to a system.
#[derive(Clone, Debug)]
pub enum Way {
    /// What the environment of this process says.
    Environment(ProxyEnvironment),
    /// No proxy.
    Direct,
    /// This proxy, whatever the environment says; its address may hold a password.
    Proxy(SecretString),
}

impl Base {
    /// A system at this address that asks for nothing.
    pub fn new(url: Url) -> Self {
        let (authorization, headers, authorities, identity) = (None, Vec::new(), None, None);
        let (server_name, proxy, way) = (None, None, Way::Environment(ProxyEnvironment::default()));
        let secrets = Vec::new();
        Self { url, authorization, secrets, headers, authorities, identity, server_name, proxy, way }
    }

    /// The same system, asked with a token.
    #[must_use]
    pub fn bearer(mut self, token: &SecretString) -> Self {
        self.authorization = Some(format!("Bearer {}", token.expose_secret().trim()).into());
        self.keeping(token.clone())
    }

    /// The same system, asked with a name and a password.
    #[must_use]
    pub fn basic(mut self, name: &SecretString, password: &SecretString) -> Self {
        let pair = format!("{}:{}", name.expose_secret(), password.expose_secret());
        let pair = base64(pair.as_bytes());
        self.authorization = Some(format!("Basic {pair}").into());
        self.keeping(password.clone()).keeping(pair.into())
    }

    /// The same system, in whose answers this is not seen.
    #[must_use]
    pub fn keeping(mut self, secret: SecretString) -> Self {
        self.secrets.push(secret);
        self
    }

    /// What of ours may not be seen in its answers.
    pub(super) fn ours(&self) -> Ours {
        let mut all = self.secrets.clone();
        if let Way::Proxy(proxy) = &self.way {
            let password = Url::parse(proxy.expose_secret()).ok().and_then(|url| url.password().map(str::to_owned));
            all.extend(password.map(SecretString::from));
        }
        Arc::new(move || all.clone())
    }

    /// The same system, trusted only with a certificate that one of these authorities signed.
    #[must_use]
    pub fn signed_by(mut self, authorities: Vec<u8>) -> Self {
        self.authorities = Some(authorities);
        self
    }

    /// The same system, which we prove to who we are with this certificate and its key, both PEM.
    #[must_use]
    pub fn proven_by(mut self, certificate: &[u8], key: &[u8]) -> Self {
        self.identity = Some([key, &b"\n"[..], certificate].concat().into());
        self
    }

    /// The same system, asked through what the environment names as the way there.
    #[must_use]
    pub fn through(self, proxies: &ProxyEnvironment) -> Self {
        self.by(Way::Environment(proxies.clone()))
    }

    /// The same system, asked that way.
    #[must_use]
    pub fn by(mut self, way: Way) -> Self {
        let host = self.url.host_str().unwrap_or_default();
        self.proxy = match &way {
            Way::Environment(proxies) => {
                proxies.for_host(self.url.scheme(), host).map(|proxy| shown(&proxy)).filter(|_| !self.is_loopback())
            }
            Way::Direct => None,
            Way::Proxy(proxy) => Some(shown(proxy.expose_secret())),
        };
        self.way = way;
        self
    }

    /// Its address without what may be a secret in it.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Is it on this machine? Such a system is never asked through a proxy.
    pub fn is_loopback(&self) -> bool {
        match self.url.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        }
    }

    fn all_headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>, ProviderError> {
        let mut headers = self.headers.clone();
        if let Some(words) = &self.authorization {
            let value = HeaderValue::try_from(words.expose_secret());
            // The text must not quote the token.
            let mut value = value.map_err(|_| {
                let text = format!("the token for {} holds characters that no header can carry", self.origin());
                ProviderError::new(FaultKind::Unauthenticated, text)
            })?;
            value.set_sensitive(true);
            headers.push((header::AUTHORIZATION, value));
        }
        Ok(headers)
    }
}

impl fmt::Debug for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Base").field("url", &self.origin()).finish_non_exhaustive()
    }
}

/// Base64 as RFC 4648 has it, with padding.
fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(three.get(at).copied().unwrap_or_default()));
        for at in 0..4 {
            let sign = SIGNS.get((bits >> (18 - 6 * at) & 63) as usize).copied().unwrap_or(b'=');
            text.push(if at <= three.len() { char::from(sign) } else { '=' });
        }
    }
    text
}

/// A transport that sends requests with a path only to the system, and one with a whole address there, without our headers.
///
/// # Errors
/// When the token cannot stand in a header.
pub fn based(leaf: Transport, base: &Base) -> Result<Transport, ProviderError> {
    let headers = base.all_headers()?;
    let prefix = base.url.as_str().trim_end_matches('/').to_owned();
    Ok(Transport::new(service_fn(move |mut request: Request<Bytes>| {
        let leaf = leaf.clone();
        let placed = place(&mut request, &prefix, &headers);
        async move {
            placed?;
            send(&leaf, request).await
        }
    })))
}

fn place(request: &mut Request<Bytes>, prefix: &str, headers: &[(HeaderName, HeaderValue)]) -> Result<(), WireError> {
    // A whole address goes where it says, without what only this system may see.
    if request.uri().authority().is_some() {
        return Ok(());
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let whole = match request.extensions().get::<Encrypted>() {
        // Its path is what we are asking for, query and all.
        Some(Encrypted(there)) => there.as_str().split('#').next().unwrap_or_default().to_owned(),
        None => format!("{prefix}{path}"),
    };
    let uri = whole.parse::<Uri>().map_err(|error| WireError::NotConnected(format!("that is no address: {error}")))?;
    *request.uri_mut() = uri;
    for (name, value) in headers {
        request.headers_mut().insert(name.clone(), value.clone());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        port::wire::Class,
        provider::http::testing::{get, reply, scripted},
    };

    #[tokio::test]
    async fn a_path_gets_the_address_and_the_token_in_front() {
        let base = Base::new("https://ghe.test/api/v3/".parse().unwrap()).bearer(&SecretString::from("t0k3n\n"));
        let (leaf, seen) = scripted([reply(200, &[], "")]);
        send(&based(leaf, &base).unwrap(), get(Class::Read)).await.unwrap();
        let request = seen.all().remove(0);
        assert_eq!(request.uri(), "https://ghe.test/api/v3/x");
        let token = request.headers().get("authorization").unwrap();
        assert_eq!((token.to_str().unwrap(), token.is_sensitive()), ("Bearer t0k3n", true));
        assert!(!format!("{base:?}").contains("t0k3n"));
    }

    #[tokio::test]
    async fn a_whole_address_is_asked_there_without_the_token() {
        let base = Base::new("https://ghe.test/api/v3".parse().unwrap()).bearer(&SecretString::from("t0k3n"));
        let (leaf, seen) = scripted([reply(200, &[], "")]);
        let mut request = get(Class::Read);
        *request.uri_mut() = "https://blob.test/log?sig=a".parse().unwrap();
        send(&based(leaf, &base).unwrap(), request).await.unwrap();
        let request = seen.all().remove(0);
        assert_eq!((request.uri().to_string().as_str(), request.headers().len()), ("https://blob.test/log?sig=a", 0));
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_refused_without_being_quoted() {
        let base = Base::new("https://x.test".parse().unwrap()).bearer(&SecretString::from("a\u{7}b"));
        let error = based(scripted([]).0, &base).unwrap_err();
        assert_eq!(error.text, "the token for https://x.test holds characters that no header can carry");
    }

    #[tokio::test]
    async fn a_name_and_a_password_are_sent_as_basic_authentication_has_them() {
        // RFC 7617, 2; and what a password may hold.
        for (name, password, sent) in [
            ("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            ("ops", "p@ss:w/rd#1", "Basic b3BzOnBAc3M6dy9yZCMx"),
            ("test", "123£", "Basic dGVzdDoxMjPCow=="),
            ("", "", "Basic Og=="),
        ] {
            let base = Base::new("https://x.test".parse().unwrap()).basic(&name.into(), &password.into());
            let (leaf, seen) = scripted([reply(200, &[], "")]);
            send(&based(leaf, &base).unwrap(), get(Class::Read)).await.unwrap();
            let request = seen.all().remove(0);
            let header = request.headers().get("authorization").unwrap();
            assert_eq!((header.to_str().unwrap(), header.is_sensitive()), (sent, true));
        }
    }

    #[test]
    fn a_proxy_of_its_own_goes_before_the_environments_and_may_be_none() {
        let base = Base::new("https://x.test".parse().unwrap());
        let environment = ProxyEnvironment { https: Some("http://env:1".into()), ..ProxyEnvironment::default() };
        assert_eq!(base.clone().through(&environment).proxy.as_deref(), Some("http://env:1"));
        assert_eq!(
            base.clone().by(Way::Proxy("http://dana:s3cret@own:2".into())).proxy.as_deref(),
            Some("http://own:2")
        );
        assert_eq!(base.by(Way::Direct).proxy, None);
    }

    #[test]
    fn this_machine_has_many_names() {
        for (url, here) in [
            ("http://127.0.0.1:8001", true),
            ("http://127.8.0.1", true),
            ("http://[::1]:1", true),
            ("http://localhost", true),
            ("http://world.localhost", true),
            ("http://10.0.0.1", false),
            ("https://localhost.example", false),
        ] {
            assert_eq!(Base::new(url.parse().unwrap()).is_loopback(), here, "{url}");
        }
    }
}
