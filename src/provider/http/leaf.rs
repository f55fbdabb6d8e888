//! The real leaf: one reqwest client for a system. It has no retry, time-out or cache of its own: the layers have.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::BodyExt;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use secrecy::ExposeSecret;
use tower::service_fn;

use super::{
    Base, Way, at_home, based,
    error::causes,
    handshake::{Towards, barred, proxy_wants_a_name},
    veiled,
};
use crate::{
    domain::observed::FaultKind,
    port::{
        error::ProviderError,
        wire::{Transport, WireError},
    },
};

/// How we name ourselves to every system.
pub(crate) const USER_AGENT: &str = concat!("holdshort/", env!("CARGO_PKG_VERSION"));

/// A transport to the system at `base`. Where it does not say otherwise, with the machine's root certificates and the
/// environment's proxy; a system on this machine is never asked through a proxy that only the environment names.
///
/// # Errors
/// When the client cannot be built, or the token cannot stand in a header.
pub fn reqwest_leaf(base: &Base) -> Result<Transport, ProviderError> {
    // An error means that a provider is installed already, which is all we need.
    let _already = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder().user_agent(USER_AGENT).retry(reqwest::retry::never());
    // Where a system points is judged by `home`; a client that goes there by itself takes bodies along.
    builder = builder.redirect(reqwest::redirect::Policy::none());
    let no_client = |error: reqwest::Error| {
        let towards = Towards { host: base.origin(), proxy: None, own_proxy: false, trust: TRUST };
        let why = barred(&error, &towards).unwrap_or_else(|| causes(&error.without_url()));
        ProviderError::new(FaultKind::Unreachable, format!("no client for {}: {why}", base.origin()))
    };
    match &base.way {
        // What one says to a proxy stands in its address: a proxy that cannot be used is not quoted.
        Way::Proxy(proxy) => {
            let proxy = reqwest::Proxy::all(proxy.expose_secret()).map_err(|_| {
                let text = "the address that `proxy` names cannot be used: write e.g. http://proxy.example.com:3128";
                ProviderError::new(FaultKind::Unreachable, text)
            })?;
            builder = builder.proxy(proxy);
        }
        Way::Environment(_) if !base.is_loopback() => {}
        Way::Direct | Way::Environment(_) => builder = builder.no_proxy(),
    }
    if let Some(pem) = &base.authorities {
        let authorities = reqwest::Certificate::from_pem_bundle(pem).map_err(no_client)?;
        if authorities.is_empty() {
            let text = format!("no certificate is in the authorities' file for {}", base.origin());
            return Err(ProviderError::new(FaultKind::Unreachable, text));
        }
        builder = builder.tls_certs_only(authorities);
    }
    if let Some(pem) = &base.identity {
        if is_encrypted(pem.expose_secret()) {
            let text = "`client_key` is encrypted, and nobody can be asked for its password here: write it decrypted into a file \
                        that only you can read (openssl pkey -in KEY -out PLAIN), and name that";
            return Err(ProviderError::new(FaultKind::Unauthenticated, text));
        }
        // Its words may be of the key.
        let identity = reqwest::Identity::from_pem(pem.expose_secret()).map_err(|_| {
            let text = "`client_certificate` and `client_key` hold no certificate and key in PEM that can be used";
            ProviderError::new(FaultKind::Unauthenticated, text)
        })?;
        builder = builder.identity(identity);
    }
    let named = Named::of(base)?;
    if let Some(named) = &named {
        builder = builder.dns_resolver(named.clone());
    }
    let client = builder.build().map_err(no_client)?;
    let trust = if base.authorities.is_some() { OWN_TRUST } else { TRUST };
    let own_proxy = matches!(base.way, Way::Proxy(_));
    let towards = Towards { host: String::new(), proxy: base.proxy.clone(), own_proxy, trust };
    Ok(veiled(at_home(based(over(client, named, towards), base)?, &base.url), base.ours()))
}

/// Is a key in this PEM one that wants a password (PKCS#8, or the older form of OpenSSL)?
fn is_encrypted(pem: &[u8]) -> bool {
    let text = String::from_utf8_lossy(pem);
    text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED")
}

/// A system that is asked by another name than its address has: so its certificate is looked at, and so it is greeted.
#[derive(Clone, Debug)]
struct Named {
    /// The host of its address.
    host: String,
    /// What it is called.
    name: String,
}

impl Named {
    fn of(base: &Base) -> Result<Option<Self>, ProviderError> {
        let Some((name, host)) = base.server_name.clone().zip(base.url.host_str()) else { return Ok(None) };
        if let Some(proxy) = &base.proxy {
            // A proxy is told the name, and may know another machine by it.
            let way_out = format!("name {host} in NO_PROXY, or write proxy = \"none\"");
            let text = format!("`server_name` works only without a proxy, and {proxy} leads there: {way_out}");
            return Err(ProviderError::new(FaultKind::Unreachable, text));
        }
        Ok(Some(Self { host: host.trim_matches(['[', ']']).to_owned(), name }))
    }

    /// The address under the name, where it is this system's.
    fn place(&self, uri: &Uri) -> Option<Uri> {
        let authority = uri.authority()?;
        if authority.host().trim_matches(['[', ']']) != self.host {
            return None;
        }
        let port = authority.port().map_or_else(String::new, |port| format!(":{port}"));
        let mut parts = uri.clone().into_parts();
        parts.authority = Some(format!("{}{port}", self.name).parse().ok()?);
        Uri::from_parts(parts).ok()
    }
}

impl Resolve for Named {
    fn resolve(&self, name: Name) -> Resolving {
        let asked = if name.as_str() == self.name { self.host.clone() } else { name.as_str().to_owned() };
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((asked, 0)).await?.collect();
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

/// `towards` but for the host, which each request names.
fn over(client: reqwest::Client, named: Option<Named>, towards: Towards) -> Transport {
    Transport::new(service_fn(move |mut request: Request<Bytes>| {
        let (client, towards) = (client.clone(), towards.clone());
        let placed = named.as_ref().and_then(|named| named.place(request.uri()));
        async move {
            let host = request.uri().authority().map_or_else(String::new, ToString::to_string);
            let host = host.rsplit('@').next().unwrap_or_default().to_owned();
            let towards = Towards { host, ..towards };
            let wire = |error| wire(error, &towards);
            if let Some(placed) = placed {
                *request.uri_mut() = placed;
            }
            let request = reqwest::Request::try_from(request).map_err(wire)?;
            let response = http::Response::from(client.execute(request).await.map_err(wire)?);
            if let (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Some(proxy)) = (response.status(), &towards.proxy) {
                return Err(WireError::Barred(proxy_wants_a_name(proxy, towards.own_proxy)));
            }
            Ok(response.map(|body| body.map_err(move |error| self::wire(error, &towards)).boxed_unsync()))
        }
    }))
}

/// Where a certificate authority is added.
const TRUST: &str = "to this machine's certificates, or name its file in `certificate_authority`";
/// The same, where the configuration names a file of its own.
const OWN_TRUST: &str = "to the file that `certificate_authority` names";

fn wire(error: reqwest::Error, towards: &Towards) -> WireError {
    // The address may hold a query, which may hold what is nobody's business.
    let error = error.without_url();
    if let Some(why) = barred(&error, towards) {
        return WireError::Barred(why);
    }
    let through = towards.proxy.as_ref().map_or_else(String::new, |proxy| format!(" (through the proxy {proxy})"));
    let text = causes(&error) + &through;
    if error.is_connect() || error.is_builder() { WireError::NotConnected(text) } else { WireError::Lost(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        port::wire::Class,
        provider::http::{send, testing::get},
    };

    #[tokio::test]
    async fn a_port_where_nobody_listens_is_not_connected_and_nothing_was_sent() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", taken.local_addr().unwrap());
        drop(taken);
        let leaf = reqwest_leaf(&Base::new(url.parse().unwrap())).unwrap();
        let error = send(&leaf, get(Class::Write)).await.unwrap_err();
        assert!(matches!(error, WireError::NotConnected(_)), "{error:?}");
    }
}
