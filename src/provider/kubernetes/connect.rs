//! A real cluster: kubeconfig or service account, and kube's client as the leaf of our transport. Authentication (tokens,
//! client certificates, exec plugins) and TLS stay kube's; retries, time-outs and budgets are ours.

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    io,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Uri, header};
use http_body_util::BodyExt;
use kube::{
    Client, Config,
    client::Body,
    config::{Cluster, KubeConfigOptions, Kubeconfig, KubeconfigError},
};
use tower::service_fn;
use url::Url;

use crate::{
    domain::{observed::FaultKind, text::clean},
    ownership,
    port::{
        error::ProviderError,
        wire::{Transport, WireError},
    },
    provider::http::{
        USER_AGENT, at_home,
        error::{causes, first_cause},
        handshake::{CONNECTING, Towards, barred},
        proxy::{ProxyEnvironment, shown},
    },
};

/// How to reach a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The kubeconfig file; `None` for `$KUBECONFIG`, `~/.kube/config`, or the service account inside a pod.
    pub kubeconfig: Option<PathBuf>,
    /// The files that are read where none is named, see [`usual_files`].
    pub usual: Vec<PathBuf>,
    /// The context in it; `None` for its current one.
    pub context: Option<String>,
    /// What the environment says about proxies.
    pub proxies: ProxyEnvironment,
}

/// The way to a real cluster.
#[derive(Debug)]
pub struct Way {
    /// The leaf of a transport.
    pub leaf: Transport,
    /// The proxy in between, as it may be shown.
    pub proxy: Option<String>,
    /// Does the kubeconfig say not to look at the server's certificate? Whoever answers is then taken for the cluster.
    pub unverified: bool,
}

/// The way to a real cluster. Must be called within a tokio runtime, which kube's client needs.
///
/// # Errors
/// When the configuration cannot be read, or no client can be made of it.
pub async fn way(access: &Access) -> Result<Way, ProviderError> {
    let wrong = |why: &str| {
        let of = access.context.as_ref().map_or_else(String::new, |context| format!(" for context '{context}'"));
        let text = format!("no usable Kubernetes configuration{of}: {why}");
        ProviderError::new(FaultKind::Unauthenticated, text)
    };
    let config = config(access).await.map_err(|error| wrong(&causes(&*error)))?;
    let unverified = config.accept_invalid_certs;
    let proxy = config.proxy_url.as_ref().map(|proxy| shown(&proxy.to_string()));
    let (server, home) = (config.cluster_url.clone(), Url::parse(&config.cluster_url.to_string()));
    let home = home.map_err(|error| wrong(&format!("the server's address cannot be read: {error}")))?;
    let host = server.authority().map_or_else(String::new, ToString::to_string);
    let host = host.rsplit('@').next().unwrap_or_default().to_owned();
    let towards = Towards { host, proxy: proxy.clone(), trust: TRUST };
    let client =
        Client::try_from(config).map_err(|error| wrong(&barred(&error, &towards).unwrap_or_else(|| causes(&error))))?;
    Ok(Way { leaf: at_home(over(client, origin(&home), towards), &home), proxy, unverified })
}

/// Where a cluster's certificate authority is named.
const TRUST: &str = "to the kubeconfig (certificate-authority)";

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

async fn config(access: &Access) -> Result<Config, Box<dyn Error + Send + Sync>> {
    let options = KubeConfigOptions { context: access.context.clone(), ..KubeConfigOptions::default() };
    let read = file(access.kubeconfig.as_deref(), &access.usual);
    let named = access.kubeconfig.is_some() || access.context.is_some();
    let (mut config, own_proxy) = match read {
        Ok(file) => {
            let own = own_proxy(&file, access.context.as_deref());
            (Config::from_custom_kubeconfig(file, &options).await?, own)
        }
        Err(error) if named => return Err(error),
        // No file and none asked for: perhaps we run in a pod. If not, what is wrong is the missing file.
        Err(error) => (Config::incluster().map_err(|_| error)?, None),
    };
    // It would send a PATCH up to sixteen times.
    config.default_retry = false;
    // Our layers say how long a read, a write and a silence may be.
    (config.read_timeout, config.write_timeout) = (None, None);
    config.headers.push((header::USER_AGENT, HeaderValue::from_static(USER_AGENT)));
    config.proxy_url = proxy(&config.cluster_url, own_proxy, &access.proxies)?;
    Ok(config)
}

/// The kubeconfigs that are read where none is named: those of `$KUBECONFIG`, else `~/.kube/config`.
pub fn usual_files(environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let listed = environment.get("KUBECONFIG").map_or("", String::as_str);
    let listed: Vec<PathBuf> = env::split_paths(listed).filter(|path| !path.as_os_str().is_empty()).collect();
    if listed.is_empty() { env::home_dir().map(|home| home.join(".kube/config")).into_iter().collect() } else { listed }
}

fn file(named: Option<&Path>, usual: &[PathBuf]) -> Result<Kubeconfig, Box<dyn Error + Send + Sync>> {
    let files: Vec<&Path> = named.map_or_else(|| usual.iter().map(PathBuf::as_path).collect(), |named| vec![named]);
    if files.is_empty() {
        return Err(KubeconfigError::FindPath.into());
    }
    let mut merged = Kubeconfig::default();
    for path in files {
        let strange = ownership::distrust(path).unwrap_or_else(|error| Some(error.to_string()));
        let read = Kubeconfig::read_from(path)?;
        // One that only says where a server is, and with which words to it, takes nothing of ours there.
        if let Some((what, why)) = takes(&read).zip(strange) {
            let shown = clean(&path.display().to_string());
            return Err(format!("{shown} is not obeyed, for it {what}: {why}").into());
        }
        merged = merged.merge(read)?;
    }
    Ok(merged)
}

/// What of ours a kubeconfig makes use of, if it does: it runs programs, or reads files that may be ours.
fn takes(file: &Kubeconfig) -> Option<&'static str> {
    let users = || file.auth_infos.iter().filter_map(|named| named.auth_info.as_ref());
    let runs = users().any(|user| user.exec.is_some() || user.auth_provider.is_some());
    let reads =
        users().any(|user| user.token_file.is_some() || user.client_certificate.is_some() || user.client_key.is_some());
    runs.then_some("names a program to run").or(reads.then_some("names a file with credentials"))
}

/// The contexts that a kubeconfig has, and its current one, read as [`way`] reads it. Connects to nothing.
///
/// # Errors
/// A sentence, where it cannot be read.
pub fn contexts(kubeconfig: Option<&Path>, usual: &[PathBuf]) -> Result<(Vec<String>, Option<String>), String> {
    let file = file(kubeconfig, usual).map_err(|error| causes(&*error))?;
    let names = file.contexts.into_iter().map(|context| clean(&context.name)).collect();
    Ok((names, file.current_context.filter(|current| !current.is_empty())))
}

/// Does a kubeconfig say not to look at the certificate of this context's cluster? Connects to nothing; what cannot be read
/// says nothing.
pub fn unverified(kubeconfig: Option<&Path>, usual: &[PathBuf], context: Option<&str>) -> bool {
    let of = |file: Kubeconfig| cluster_of(&file, context).and_then(|cluster| cluster.insecure_skip_tls_verify);
    file(kubeconfig, usual).ok().and_then(of).unwrap_or(false)
}

fn cluster_of(file: &Kubeconfig, context: Option<&str>) -> Option<Cluster> {
    let context = context.or(file.current_context.as_deref())?;
    let context = file.contexts.iter().find(|named| named.name == context)?.context.as_ref()?;
    file.clusters.iter().find(|named| named.name == context.cluster)?.cluster.clone()
}

/// The proxy that the kubeconfig itself names for the cluster.
fn own_proxy(file: &Kubeconfig, context: Option<&str>) -> Option<String> {
    cluster_of(file, context)?.proxy_url.filter(|url| !url.is_empty())
}

fn proxy(
    cluster: &Uri,
    own: Option<String>,
    environment: &ProxyEnvironment,
) -> Result<Option<Uri>, http::uri::InvalidUri> {
    let scheme = cluster.scheme_str().unwrap_or("https");
    let found = own.or_else(|| environment.for_host(scheme, cluster.host().unwrap_or_default()));
    found.map(|url| url.parse()).transpose()
}

fn over(client: Client, server: String, towards: Towards) -> Transport {
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let (client, server, towards) = (client.clone(), server.clone(), towards.clone());
        async move {
            let answer = client.send(request.map(Body::from)).await;
            let response = answer.map_err(|error| wire(&error, &server, &towards))?;
            Ok(response.map(|body| body.map_err(|error| WireError::Lost(causes(&error))).boxed_unsync()))
        }
    }))
}

/// Was anything sent? Not when there was no token to send it with, or no connection to send it on.
fn wire(error: &kube::Error, server: &str, towards: &Towards) -> WireError {
    if let Some(why) = barred(error, towards) {
        WireError::Barred(why)
    } else if matches!(error, kube::Error::Auth(_)) {
        WireError::NotConnected(causes(error))
    } else if never_connected(error) {
        // What lies around the first cause are the names of the layers that it passed.
        WireError::NotConnected(format!("{} at {}", first_cause(error), server.trim_end_matches('/')))
    } else {
        WireError::Lost(causes(error))
    }
}

fn never_connected(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let refused = error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::ConnectionRefused);
        if refused || error.to_string().starts_with(CONNECTING) {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        port::wire::Class,
        provider::http::{send, testing::get},
    };

    fn kubeconfig(server: &str) -> (tempfile::TempDir, Access) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
             contexts: [{{name: a, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: '{server}'}}}}]\n\
             users: [{{name: u, user: {{token: t}}}}]\n"
        );
        std::fs::write(&path, text).unwrap();
        (folder, Access { kubeconfig: Some(path), ..Access::default() })
    }

    #[tokio::test]
    async fn kubes_own_retries_are_off_and_the_environments_proxy_is_ours_to_choose() {
        let (_folder, mut access) = kubeconfig("https://10.1.2.3:6443");
        access.proxies.https = Some("proxy.corp:3128".into());
        let through = config(&access).await.unwrap();
        assert_eq!(
            (through.default_retry, through.proxy_url),
            (false, Some("http://proxy.corp:3128".parse().unwrap()))
        );
        access.proxies.none = Some("10.0.0.0/8".into());
        assert_eq!(config(&access).await.unwrap().proxy_url, None);
    }

    #[tokio::test]
    async fn a_cluster_that_is_not_there_was_sent_nothing() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let server = format!("http://{}", taken.local_addr().unwrap());
        let (_folder, access) = kubeconfig(&server);
        drop(taken);
        let error = send(&way(&access).await.unwrap().leaf, get(Class::Write)).await.unwrap_err();
        let WireError::NotConnected(why) = error else { panic!("{error:?}") };
        assert_eq!(why, format!("Connection refused (os error 111) at {server}"));
    }

    #[tokio::test]
    async fn a_context_that_is_not_in_the_file_is_named() {
        let (_folder, mut access) = kubeconfig("https://10.1.2.3:6443");
        access.context = Some("nowhere".into());
        let error = way(&access).await.unwrap_err();
        assert!(error.text.starts_with("no usable Kubernetes configuration for context 'nowhere': "), "{error}");
    }
}
