//! What stands in between: a proxy that is down, silent, refuses, or wants to know who we are. Its password is never shown.

use holdshort::provider::{
    http::{Base, Layers, Timeouts, layered, proxy::ProxyEnvironment, reqwest_leaf},
    kubernetes::connect::way,
};

use crate::{
    clients::{by_kube, clock, kubeconfig, listed},
    listener::{Listener, answer, json, nobody, silent},
};

const CLUSTER: &str = "https://eu.test:6443";

fn through(proxy: std::net::SocketAddr, none: Option<&str>) -> ProxyEnvironment {
    ProxyEnvironment {
        https: Some(format!("http://dana:s3cret@{proxy}")),
        none: none.map(str::to_owned),
        ..ProxyEnvironment::default()
    }
}

/// What kube's client says of a cluster behind this proxy.
async fn by_proxy(proxy: std::net::SocketAddr) -> String {
    let (_folder, mut access) = kubeconfig(CLUSTER, "", "");
    access.proxies = through(proxy, None);
    listed(by_kube(&access).await.unwrap()).await.unwrap_err().text
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_with_the_way_out() {
    for (status, text) in [
        (
            407,
            "cannot connect to eu: the proxy http://PROXY wants a name and a password (407): put them into its URL, in \
             HTTPS_PROXY or the cluster's proxy-url",
        ),
        (
            403,
            "cannot connect to eu: the proxy http://PROXY does not let us connect to eu.test:6443: ask who runs it, or check \
             HTTPS_PROXY, or name eu.test in NO_PROXY",
        ),
    ] {
        let proxy = Listener::plain(move |_| answer(status, &[], "internal words"));
        assert_eq!(by_proxy(proxy.at).await, text.replace("http://PROXY", &proxy.http()));
        let asked = proxy.asked();
        assert_eq!(asked.len(), 1, "once");
        assert!(asked[0].line.starts_with("CONNECT eu.test:6443 "), "{asked:?}");
        assert!(!asked[0].head.contains(crate::clients::TOKEN), "our token is not for it");
    }
}

#[tokio::test]
async fn a_proxy_that_is_down_is_named() {
    let at = nobody();
    let text = format!(
        "cannot connect to eu: the proxy http://{at} cannot be reached (Connection refused (os error 111)): check \
         HTTPS_PROXY, or name eu.test in NO_PROXY"
    );
    assert_eq!(by_proxy(at).await, text);
}

#[tokio::test]
async fn a_proxy_that_hangs_is_named() {
    let at = silent();
    let (_folder, mut access) = kubeconfig(CLUSTER, "", "");
    access.proxies = through(at, None);
    let found = way(&access).await.unwrap();
    let timeouts = Timeouts { read: std::time::Duration::from_millis(50), ..Timeouts::default() };
    let layers = Layers { proxy: found.proxy, timeouts, ..Layers::new("eu".into()) };
    let error = listed(layered(found.leaf, layers, clock())).await.unwrap_err();
    assert_eq!(
        error.text,
        format!("eu did not answer within 50 ms through the proxy http://{at} (`timeout` of connections.eu)")
    );
}

#[tokio::test]
async fn what_no_proxy_names_is_asked_directly() {
    let proxy = Listener::plain(|_| answer(403, &[], ""));
    let (_folder, mut access) = kubeconfig("https://eu.invalid:6443", "", "");
    access.proxies = through(proxy.at, Some("eu.invalid"));
    assert_eq!(way(&access).await.unwrap().proxy, None);
    let base = Base::new("https://eu.invalid".parse().unwrap());
    assert_eq!(base.clone().through(&access.proxies).proxy, None);
    assert_eq!(
        base.through(&through(proxy.at, None)).proxy,
        Some(format!("http://{}", proxy.at)),
        "without its name and password"
    );
    listed(by_kube(&access).await.unwrap()).await.unwrap_err();
    assert!(proxy.asked().is_empty());
}

#[tokio::test]
async fn a_system_on_this_machine_is_never_asked_through_a_proxy() {
    let system = Listener::plain(|_| json("{\"kind\":\"ReplicaSetList\",\"metadata\":{},\"items\":[]}"));
    let (_folder, mut access) = kubeconfig(&system.http(), "", "");
    access.proxies = ProxyEnvironment { http: Some(format!("http://{}", nobody())), ..ProxyEnvironment::default() };
    assert_eq!(listed(by_kube(&access).await.unwrap()).await, Ok(0));
    let base = Base::new(system.http().parse().unwrap()).through(&access.proxies);
    let leaf = reqwest_leaf(&base).unwrap();
    assert_eq!(listed(layered(leaf, Layers::new("eu".into()), clock())).await, Ok(0));
}
