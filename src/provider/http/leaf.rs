//! The real leaf: one reqwest client for a system. It has no retry, time-out or cache of its own: the layers have.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tower::service_fn;

use super::{
    Base, at_home, based,
    error::causes,
    handshake::{Towards, barred, proxy_wants_a_name},
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

/// A transport to the system at `base`, with the machine's root certificates and the environment's proxy; a system on
/// this machine is never asked through a proxy.
///
/// # Errors
/// When the client cannot be built, or the token cannot stand in a header.
pub fn reqwest_leaf(base: &Base) -> Result<Transport, ProviderError> {
    // An error means that a provider is installed already, which is all we need.
    let _already = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder().user_agent(USER_AGENT).retry(reqwest::retry::never());
    // Where a system points is judged by `home`; a client that goes there by itself takes bodies along.
    builder = builder.redirect(reqwest::redirect::Policy::none());
    if base.is_loopback() {
        builder = builder.no_proxy();
    }
    let no_client = |error: reqwest::Error| {
        let text = format!("no client for {}: {}", base.origin(), causes(&error.without_url()));
        ProviderError::new(FaultKind::Unreachable, text)
    };
    if let Some(pem) = &base.authorities {
        let authorities = reqwest::Certificate::from_pem_bundle(pem).map_err(no_client)?;
        if authorities.is_empty() {
            let text = format!("no certificate is in the authorities' file for {}", base.origin());
            return Err(ProviderError::new(FaultKind::Unreachable, text));
        }
        builder = builder.tls_certs_only(authorities);
    }
    let client = builder.build().map_err(no_client)?;
    let trust = if base.authorities.is_some() { OWN_TRUST } else { TRUST };
    Ok(at_home(based(over(client, base.proxy.clone(), trust), base)?, &base.url))
}

fn over(client: reqwest::Client, proxy: Option<String>, trust: &'static str) -> Transport {
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let (client, proxy) = (client.clone(), proxy.clone());
        async move {
            let host = request.uri().authority().map_or_else(String::new, ToString::to_string);
            let host = host.rsplit('@').next().unwrap_or_default().to_owned();
            let towards = Towards { host, proxy, trust };
            let wire = |error| wire(error, &towards);
            let request = reqwest::Request::try_from(request).map_err(wire)?;
            let response = http::Response::from(client.execute(request).await.map_err(wire)?);
            if let (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Some(proxy)) = (response.status(), &towards.proxy) {
                return Err(WireError::Barred(proxy_wants_a_name(proxy)));
            }
            Ok(response.map(|body| body.map_err(move |error| self::wire(error, &towards)).boxed_unsync()))
        }
    }))
}

/// Where a certificate authority is added.
const TRUST: &str = "to this machine's certificates, or name its file in SSL_CERT_FILE";
/// The same, where the configuration names a file of its own.
const OWN_TRUST: &str = "to the file that `certificate_authority` names";

fn wire(error: reqwest::Error, towards: &Towards) -> WireError {
    // The address may hold a query, which may hold what is nobody's business.
    let error = error.without_url();
    if let Some(why) = barred(&error, towards) {
        return WireError::Barred(why);
    }
    let text = causes(&error);
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
