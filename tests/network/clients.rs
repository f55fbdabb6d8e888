//! Each kind of client that this program has, at one address, as the program builds it: kube's, reqwest, and octocrab over
//! reqwest.

use std::sync::Arc;

use bytes::Bytes;
use holdshort::{
    domain::{ids::SourceName, offer::Risk, service::Environment},
    port::{
        clock::SharedClock,
        error::ProviderError,
        plan::WireCall,
        wire::{Class, Transport, WireError},
    },
    provider::{
        github,
        http::{Base, Layers, layered, proxy::ProxyEnvironment, reqwest_leaf, send},
        kubernetes::{
            Cluster, Scope,
            connect::{Access, way},
            request::{Query, REPLICA_SETS},
        },
    },
    runtime::clock::SystemClock,
};
use http::Request;
use http_body_util::BodyExt;
use tempfile::TempDir;

/// The secret that no other place may see.
pub(crate) const TOKEN: &str = "t0k3n-of-dana";

pub(crate) fn clock() -> SharedClock {
    Arc::new(SystemClock)
}

/// A kubeconfig for one cluster, with more lines for the cluster (`certificate-authority: …`) and its user.
pub(crate) fn kubeconfig(server: &str, cluster: &str, user: &str) -> (TempDir, Access) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: eu\n\
         contexts: [{{name: eu, context: {{cluster: eu, user: dana}}}}]\n\
         clusters:\n- name: eu\n  cluster:\n    server: '{server}'\n{cluster}\
         users:\n- name: dana\n  user:\n    token: {TOKEN}\n{user}"
    );
    std::fs::write(&path, text).unwrap();
    (folder, Access { kubeconfig: Some(path), ..Access::default() })
}

/// kube's client at this address, in the layers.
pub(crate) async fn by_kube(access: &Access) -> Result<Transport, ProviderError> {
    let way = way(access).await?;
    let layers = Layers { proxy: way.proxy, ..Layers::new(SourceName::new("eu")) };
    Ok(layered(way.leaf, layers, clock()))
}

/// reqwest at this address, in the layers.
pub(crate) fn by_reqwest(base: Base, proxies: &ProxyEnvironment) -> Transport {
    let base = base.bearer(&secrecy::SecretString::from(TOKEN)).through(proxies);
    let layers = Layers { proxy: base.proxy.clone(), ..Layers::new(SourceName::new("eu")) };
    layered(reqwest_leaf(&base).unwrap(), layers, clock())
}

/// A cluster over a transport.
pub(crate) fn cluster(transport: Transport) -> Arc<Cluster> {
    let scope = Scope::new("eu".into(), "prod/eu".into(), Risk::High, vec!["shop".to_owned()]);
    Cluster::new(transport, scope, clock())
}

/// What a cluster says to a list of its ReplicaSets.
pub(crate) async fn listed(transport: Transport) -> Result<usize, ProviderError> {
    let query = Query::all(REPLICA_SETS, Some("shop".to_owned()));
    let found = cluster(transport).list::<holdshort::provider::kubernetes::api::ReplicaSet>(&query).await;
    found.map(|found| found.len())
}

/// A call that changes something.
pub(crate) fn call(method: &str, path: &str) -> WireCall {
    WireCall {
        words: "restart it".to_owned(),
        method: method.to_owned(),
        path: path.to_owned(),
        content_type: "application/merge-patch+json".to_owned(),
        body: "{\"spec\":{\"paused\":false}}".into(),
        ..WireCall::default()
    }
}

/// What comes of a request without any provider around it.
pub(crate) async fn raw(
    transport: &Transport,
    method: &str,
    class: Class,
    body: &str,
) -> Result<(u16, Bytes), WireError> {
    let mut request = Request::new(Bytes::from(body.to_owned()));
    *request.method_mut() = method.parse().unwrap();
    *request.uri_mut() = "/apis/apps/v1/namespaces/shop/deployments/web?a=1".parse().unwrap();
    request.extensions_mut().insert(class);
    let (head, body) = send(transport, request).await?.into_parts();
    Ok((head.status.as_u16(), body.collect().await?.to_bytes()))
}

/// GitHub at this address, through octocrab.
pub(crate) fn forge(url: &str) -> holdshort::port::facet::Connection {
    let leaf = reqwest_leaf(&Base::new(url.parse().unwrap())).unwrap();
    let transport = layered(leaf, Layers::new(SourceName::new("github")), clock());
    let environment = Environment { name: "prod".into(), risk: Risk::High };
    let settings = github::Settings {
        name: "github".into(),
        roots: github::Roots::default(),
        token: Some(secrecy::SecretString::from(TOKEN)),
        repos: vec![github::Repository {
            owner: "acme".to_owned(),
            repo: "ledger".to_owned(),
            service: "ledger".into(),
            environments: [("prod".to_owned(), environment)].into(),
            version: None,
        }],
        interval: std::time::Duration::from_secs(10),
    };
    github::over(transport, settings, clock()).unwrap()
}
