//! kube's client over few connections. kube's own speaks HTTP/1.1 only, in which every watch holds a connection of its own; over
//! one with HTTP/2 they share it, as they do with kubectl. Authentication, TLS and whom one acts as stay kube's.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::{Request, Response};
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use kube::{
    Client, Config,
    client::{Body, ClientBuilder, ConfigExt},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::{BoxError, service_fn, util::option_layer};

use crate::{
    port::wire::Class,
    provider::http::{class_of, error::causes},
};

/// Watches on one connection. An API server takes 100 streams and lets further ones wait; reads and writes need some too.
const WATCHES: usize = 50;
/// How long a connection may be silent before it must prove that it is there, and how long that may take. Over HTTP/2 a time-out
/// ends a request and not the connection: without this, one that was lost on the way would be asked for ever.
const SILENT: Duration = Duration::from_secs(5);
const PROOF: Duration = Duration::from_secs(4);

/// The client of a configuration.
pub(super) fn client(config: Config) -> Result<Client, kube::Error> {
    if config.tls_server_name.is_some() {
        // Ours cannot ask for another name than the address has.
        return Client::try_from(config);
    }
    let connections = Arc::new(Connections::of(&config)?);
    let service = service_fn(move |request: Request<Body>| {
        let connections = Arc::clone(&connections);
        async move { connections.send(request).await }
    });
    let builder = ClientBuilder::new(service, config.default_namespace.clone());
    let builder = builder.with_layer(&config.extra_headers_layer()?).with_layer(&option_layer(config.auth_layer()?));
    Ok(builder.with_layer(&config.base_uri_layer()).build())
}

/// The connections to one API server: one, and another for each fifty watches more.
struct Connections {
    make: Box<dyn Fn() -> reqwest::Result<reqwest::Client> + Send + Sync>,
    all: Mutex<Vec<(reqwest::Client, Arc<Semaphore>)>>,
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connections")
    }
}

impl Connections {
    fn of(config: &Config) -> Result<Self, kube::Error> {
        // An error means that a provider is installed already, which is all we need.
        let _already = rustls::crypto::ring::default_provider().install_default();
        let mut tls = config.rustls_client_config()?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let proxy = config.proxy_url.as_ref().map(|proxy| of_proxy(&proxy.to_string()));
        let proxy = proxy.transpose().map_err(failed)?;
        let (connect, gzip) = (config.connect_timeout, !config.disable_compression);
        let make = move || {
            let mut builder = reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .retry(reqwest::retry::never())
                // Where a system points is judged by `http::at_home`.
                .redirect(reqwest::redirect::Policy::none())
                .http2_keep_alive_interval(SILENT)
                .http2_keep_alive_timeout(PROOF)
                .gzip(gzip)
                // What leads there was chosen for this configuration.
                .no_proxy();
            if let Some(limit) = connect {
                builder = builder.connect_timeout(limit);
            }
            proxy.iter().fold(builder, |builder, proxy| builder.proxy(proxy.clone())).build()
        };
        let first = make().map_err(failed)?;
        let all = Mutex::new(vec![(first, Arc::new(Semaphore::new(WATCHES)))]);
        Ok(Self { make: Box::new(make), all })
    }

    async fn send(&self, request: Request<Body>) -> Result<Response<UnsyncBoxBody<bytes::Bytes, BoxError>>, BoxError> {
        let (client, place) = self.place(class_of(&request) == Class::Stream)?;
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let request = reqwest::Request::try_from(Request::from_parts(parts, body))?;
        let answer = client.execute(request).await.map_err(reqwest::Error::without_url)?;
        // Whoever reads the body holds the place.
        let held = move |error: reqwest::Error| -> BoxError {
            let _place = &place;
            error.without_url().into()
        };
        Ok(Response::from(answer).map(|body| body.map_err(held).boxed_unsync()))
    }

    /// The connection for a request, and the place of a watch on it.
    fn place(&self, watches: bool) -> Result<(reqwest::Client, Option<OwnedSemaphorePermit>), BoxError> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let free = |(client, places): &(reqwest::Client, Arc<Semaphore>)| {
            let place = if watches { Some(Arc::clone(places).try_acquire_owned().ok()?) } else { None };
            Some((client.clone(), place))
        };
        if let Some(found) = all.iter().find_map(free) {
            return Ok(found);
        }
        let one = ((self.make)()?, Arc::new(Semaphore::new(WATCHES)));
        let place = Arc::clone(&one.1).try_acquire_owned().ok();
        let client = one.0.clone();
        all.push(one);
        Ok((client, place))
    }
}

/// kubectl has names looked up by whoever stands behind a SOCKS proxy.
fn of_proxy(url: &str) -> reqwest::Result<reqwest::Proxy> {
    let url = url.strip_prefix("socks5://").map_or_else(|| url.to_owned(), |rest| format!("socks5h://{rest}"));
    reqwest::Proxy::all(url)
}

fn failed(error: reqwest::Error) -> kube::Error {
    kube::Error::Service(causes(&error.without_url()).into())
}
