//! A real cluster: kubeconfig or service account, and kube's client as the leaf of our transport. Authentication (tokens,
//! client certificates, exec plugins) and TLS stay kube's; retries, time-outs and budgets are ours. Over 500 lines with its
//! tests: what is told of a broken kubeconfig stands beside what reads it.

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures::FutureExt;
use http::{HeaderValue, Request, Uri, header};
use http_body_util::BodyExt;
use kube::{
    Client, Config,
    client::Body,
    config::{Cluster, KubeConfigOptions, Kubeconfig, KubeconfigError},
};
use tower::service_fn;
use url::Url;

use super::{
    client::client,
    credential::{self, TokenFile},
    refusal::{self, Names},
    scope::What,
};
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
        veiled,
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
    /// Where credential plugins are looked for: `PATH`; the system's own folders where that is not set.
    pub path: Option<String>,
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
    /// How long its credentials count; `None` where they say nothing of it.
    pub life: Option<Duration>,
    /// What else the kubeconfig says.
    pub what: What,
}

/// Where plugins are looked for if nothing says where.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The way to a real cluster. Must be called within a tokio runtime, which kube's client needs. A credential plugin is run, on a
/// thread that may wait.
///
/// # Errors
/// When the configuration cannot be read, its plugin gives no credential, or no client can be made of it.
pub async fn way(access: &Access) -> Result<Way, ProviderError> {
    let wrong = |why: &str| {
        let mut of = access.context.as_ref().map_or_else(String::new, |context| format!(" for context '{context}'"));
        of.push_str(&place(access, why));
        let text = format!("no usable Kubernetes configuration{of}: {why}");
        ProviderError { at_home: true, ..ProviderError::new(FaultKind::Unreachable, text) }
    };
    let unread = Names::of(access.kubeconfig.as_deref());
    let (config, names, what) = config(access).await.map_err(|error| wrong(&refusal::said(&*error, &unread)))?;
    let (config, life) = with_credentials(config, access).await.map_err(|why| ProviderError {
        kind: FaultKind::Unauthenticated,
        at_home: false,
        ..wrong(&why)
    })?;
    let (config, tokens) = with_tokens(config).map_err(|why| wrong(&why))?;
    let unverified = config.accept_invalid_certs;
    let proxy = config.proxy_url.as_ref().map(|proxy| shown(&proxy.to_string()));
    let (server, home) = (config.cluster_url.clone(), Url::parse(&config.cluster_url.to_string()));
    let home = home.map_err(|error| wrong(&format!("the server's address cannot be read: {error}")))?;
    let host = server.authority().map_or_else(String::new, ToString::to_string);
    let host = host.rsplit('@').next().unwrap_or_default().to_owned();
    let towards = Towards { host, proxy: proxy.clone(), own_proxy: false, trust: TRUST };
    let said = |error: kube::Error| barred(&error, &towards).unwrap_or_else(|| refusal::said(&error, &names));
    let ours = credential::ours(&config.auth_info, tokens.clone());
    let client = client(config).map_err(|error| wrong(&said(error)))?;
    let leaf = veiled(at_home(over(client, tokens, origin(&home), towards, names), &home), ours);
    Ok(Way { leaf, proxy, unverified, life, what: What { unverified, ..what } })
}

/// The same with what its credential plugin gives, and how long that counts.
async fn with_credentials(mut config: Config, access: &Access) -> Result<(Config, Option<Duration>), String> {
    if config.auth_info.exec.is_none() {
        return Ok((config, None));
    }
    let path = access.path.clone().unwrap_or_else(|| PATH.to_owned());
    let fetched = tokio::task::spawn_blocking(move || {
        let life = credential::fetch(&mut config.auth_info, &path)?;
        Ok((config, life))
    });
    fetched.await.unwrap_or_else(|_| Err("its credential plugin was left alone".to_owned()))
}

/// The same without the file that its token is in, which is read by us. What stands in the kubeconfig itself goes before it.
fn with_tokens(mut config: Config) -> Result<(Config, Option<Arc<TokenFile>>), String> {
    let user = &mut config.auth_info;
    let basic = user.username.is_some() && user.password.is_some();
    let own = basic || user.token.is_some() || user.auth_provider.is_some();
    let file = user.token_file.take().filter(|_| !own);
    let tokens = file.map(|file| TokenFile::open(Path::new(&file))).transpose()?;
    Ok((config, tokens.map(Arc::new)))
}

/// Which of the usual kubeconfigs is meant, where it is one of them and the sentence does not say so itself.
fn place(access: &Access, why: &str) -> String {
    let usual = access.usual.iter().filter(|path| access.kubeconfig.is_none() && path.exists());
    let files: Vec<String> = usual.map(|path| clean(&path.display().to_string())).collect();
    let said = files.is_empty() || files.iter().any(|file| why.contains(file));
    if said { String::new() } else { format!(" in {}", files.join(", ")) }
}

/// Where a cluster's certificate authority is named.
const TRUST: &str = "to the kubeconfig (certificate-authority)";

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

async fn config(access: &Access) -> Result<(Config, Names, What), Box<dyn Error + Send + Sync>> {
    let options = KubeConfigOptions { context: access.context.clone(), ..KubeConfigOptions::default() };
    let read = file(access.kubeconfig.as_deref(), &access.usual);
    let named = access.kubeconfig.is_some() || access.context.is_some();
    let called = Names::of(access.kubeconfig.as_deref());
    let (mut config, own_proxy, called, what) = match read {
        Ok(file) => {
            has_context(&file, access.context.as_deref())?;
            let own = own_proxy(&file, access.context.as_deref());
            let called = called.of_plugin(&file, access.context.as_deref());
            let what = what(&file, access.context.as_deref());
            (Config::from_custom_kubeconfig(file, &options).await?, own, called, what)
        }
        Err(error) if named => return Err(error),
        // No file and none asked for: perhaps we run in a pod. If not, what is wrong is the missing file.
        Err(error) => {
            let config = Config::incluster().map_err(|_| error)?;
            let what = What { namespace: Some(config.default_namespace.clone()), ..What::default() };
            (config, None, called, what)
        }
    };
    if config.root_cert.as_ref().is_some_and(Vec::is_empty) {
        return Err("the certificate authority in it holds no certificate".into());
    }
    // It would send a PATCH up to sixteen times.
    config.default_retry = false;
    // Our layers say how long a read, a write and a silence may be.
    (config.read_timeout, config.write_timeout) = (None, None);
    config.headers.push((header::USER_AGENT, HeaderValue::from_static(USER_AGENT)));
    config.proxy_url = proxy(&config.cluster_url, own_proxy, &access.proxies)?;
    Ok((config, called, what))
}

/// Says which contexts there are, where the one that is wanted is none of them.
fn has_context(file: &Kubeconfig, context: Option<&str>) -> Result<(), String> {
    let wanted = context.or(file.current_context.as_deref());
    let names: Vec<String> = file.contexts.iter().map(|known| clean(&known.name)).collect();
    let there = if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) };
    match wanted {
        Some(wanted) if !file.contexts.iter().any(|known| known.name == wanted) => {
            let way = "set `context` in its connection to one that is there";
            Err(format!("there is no such context in the kubeconfig, {there}: {way}"))
        }
        None if !names.is_empty() => {
            Err(format!("the kubeconfig has no current context, {there}: set `context` to one of them"))
        }
        _ => Ok(()),
    }
}

/// What a kubeconfig says of its context beside the way.
fn what(file: &Kubeconfig, context: Option<&str>) -> What {
    let name = context.or(file.current_context.as_deref());
    let found = file.contexts.iter().find(|named| Some(named.name.as_str()) == name);
    let namespace = found.and_then(|named| named.context.as_ref()?.namespace.clone()).filter(|it| !it.is_empty());
    What { context: name.map(str::to_owned), namespace, unverified: false }
}

/// The kubeconfigs that are read where none is named: those of `$KUBECONFIG`, else `~/.kube/config`.
pub fn usual_files(environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let listed = environment.get("KUBECONFIG").map_or("", String::as_str);
    let listed: Vec<PathBuf> = env::split_paths(listed).filter(|path| !path.as_os_str().is_empty()).collect();
    if listed.is_empty() { env::home_dir().map(|home| home.join(".kube/config")).into_iter().collect() } else { listed }
}

/// Those of a list that are not there are left out, as kubectl leaves them out; what is there must be whole.
fn file(named: Option<&Path>, usual: &[PathBuf]) -> Result<Kubeconfig, Box<dyn Error + Send + Sync>> {
    let there = |path: &&Path| named.is_some() || path.try_exists().unwrap_or(true);
    let listed: Vec<&Path> = named.map_or_else(|| usual.iter().map(PathBuf::as_path).collect(), |named| vec![named]);
    let files: Vec<&Path> = listed.iter().copied().filter(there).collect();
    if files.is_empty() {
        let listed: Vec<String> = listed.iter().map(|path| clean(&path.display().to_string())).collect();
        return Err(match listed.as_slice() {
            [] => KubeconfigError::FindPath.into(),
            [one] => format!("{one} is not there").into(),
            all => format!("none of these is there: {}", all.join(", ")).into(),
        });
    }
    let mut merged = Kubeconfig::default();
    for path in files {
        let strange = ownership::distrust(path).unwrap_or_else(|error| Some(error.to_string()));
        let said = |error: KubeconfigError| refusal::said(&error, &Names::of(Some(path)));
        let mut read = Kubeconfig::read_from(path).map_err(said)?;
        // kubectl takes an empty name for none.
        read.current_context = read.current_context.filter(|current| !current.is_empty());
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
    let file = file(kubeconfig, usual).map_err(|error| refusal::said(&*error, &Names::of(kubeconfig)))?;
    let names = file.contexts.into_iter().map(|context| clean(&context.name)).collect();
    Ok((names, file.current_context.filter(|current| !current.is_empty())))
}

/// The files that the way is made of: kubeconfigs, and the certificates and keys that they name. Files with tokens are read anew
/// by whoever sends them. Connects to nothing.
pub fn files(access: &Access) -> Vec<PathBuf> {
    let listed = access.kubeconfig.clone().map_or_else(|| access.usual.clone(), |named| vec![named]);
    let named = listed.iter().filter_map(|path| Kubeconfig::read_from(path).ok()).flat_map(|file| {
        let clusters = file.clusters.into_iter().filter_map(|named| named.cluster?.certificate_authority);
        let users = file.auth_infos.into_iter().filter_map(|named| named.auth_info);
        let users = users.flat_map(|user| [user.client_certificate, user.client_key]).flatten();
        clusters.chain(users).map(PathBuf::from).collect::<Vec<_>>()
    });
    let named: Vec<PathBuf> = named.collect();
    listed.into_iter().chain(named).collect()
}

/// Why there is no way to a cluster as things are now, a sentence. Connects to nothing and runs nothing.
pub fn unusable(access: &Access) -> Option<String> {
    let read = config(access).now_or_never()?;
    match read {
        Ok((config, ..)) => {
            let path = access.path.as_deref().unwrap_or(PATH);
            credential::not_started(&config.auth_info, path)
                .or_else(|| credential::unread(&config.auth_info))
                .or_else(|| with_tokens(config).err())
        }
        Err(error) => Some(refusal::said(&*error, &Names::of(access.kubeconfig.as_deref()))),
    }
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

fn over(client: Client, tokens: Option<Arc<TokenFile>>, server: String, towards: Towards, names: Names) -> Transport {
    Transport::new(service_fn(move |mut request: Request<Bytes>| {
        if let Some(tokens) = &tokens {
            request.headers_mut().insert(header::AUTHORIZATION, tokens.authorization());
        }
        let (client, server, towards, names) = (client.clone(), server.clone(), towards.clone(), names.clone());
        async move {
            let answer = client.send(request.map(Body::from)).await;
            let response = answer.map_err(|error| wire(&error, &server, &towards, &names))?;
            Ok(response.map(|body| body.map_err(|error| WireError::Lost(causes(&error))).boxed_unsync()))
        }
    }))
}

/// Was anything sent? Not when there was no token to send it with, or no connection to send it on.
fn wire(error: &kube::Error, server: &str, towards: &Towards, names: &Names) -> WireError {
    if let Some(why) = barred(error, towards) {
        WireError::Barred(why)
    } else if let Some(said) = refusal::of_credentials(error, names) {
        WireError::NotConnected(said)
    } else if never_connected(error) {
        // What lies around the first cause are the names of the layers that it passed.
        WireError::NotConnected(format!("{} at {}", first_cause(error), server.trim_end_matches('/')))
    } else {
        WireError::Lost(refusal::said(error, names))
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
        let (through, _, _) = config(&access).await.unwrap();
        assert_eq!(
            (through.default_retry, through.proxy_url),
            (false, Some("http://proxy.corp:3128".parse().unwrap()))
        );
        access.proxies.none = Some("10.0.0.0/8".into());
        assert_eq!(config(&access).await.unwrap().0.proxy_url, None);
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

    async fn refused(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, text).unwrap();
        let said = contexts(Some(&path), &[]).err().unwrap_or_default();
        let access = Access { kubeconfig: Some(path.clone()), ..Access::default() };
        let error = way(&access).await.err().map(|error| error.text).unwrap_or_default();
        format!("{said}\n{error}").replace(&path.display().to_string(), "FILE")
    }

    fn of_user(user: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{{name: a, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: 'https://10.1.2.3:6443'}}}}]\nusers:\n- name: u\n  user:\n{user}"
        )
    }

    #[tokio::test]
    async fn what_is_wrong_in_a_kubeconfig_is_told_by_its_place_and_nothing_of_it_is_quoted() {
        let broken = [
            of_user("    token: sec-bearer\n    password: 'sec-open\n  bad"),
            of_user("    token: [sec-bearer]\n"),
            of_user("    client-key-data: sec!key\n    client-certificate-data: sec!cert\n"),
            of_user("    token: sec-bearer\n").replace("https://10.1.2.3:6443", "https://sec-user:sec pass@host"),
            of_user("    token: sec-bearer\n").replace("kind: Config", "kind: sec-kind: x"),
        ];
        for text in broken {
            let said = refused(&text).await;
            assert!(!said.contains("sec") && said.len() > 30, "{text}\n\n{said}");
        }
        let said = refused("a: 1\nusers: [{name: u, user: {token: sec-bearer}\nb: 2\n").await;
        assert!(said.contains("FILE cannot be read as a kubeconfig: line "), "{said}");
    }

    #[tokio::test]
    async fn what_a_credential_plugin_is_told_and_says_is_never_repeated() {
        let plugin = |script: &str| {
            of_user(&format!(
                "    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: sh\n      args: ['-c', '{script}', 'sec-arg']\n\
                 {:6}env: [{{name: KEY, value: sec-env}}]\n",
                ""
            ))
        };
        let table = [
            (
                "echo sec-out; echo sec-err >&2; exit 3",
                "the credential plugin 'sh' failed (exit status: 3): run it by hand to see why",
            ),
            ("echo sec-out", "what the credential plugin 'sh' printed is no credential: run it by hand to see why"),
        ];
        for (script, expected) in table {
            let said = refused(&plugin(script)).await;
            assert!(said.contains(expected) && !said.contains("sec-"), "{said}");
        }
        let said = refused(&plugin("true").replace("command: sh", "command: no-such-plugin")).await;
        assert!(
            said.contains("the credential plugin 'no-such-plugin' cannot be started: there is no such program in PATH"),
            "{said}"
        );
    }

    #[test]
    fn a_look_says_which_file_of_a_certificate_is_not_there_and_which_files_the_way_is_made_of() {
        let folder = tempfile::tempdir().unwrap();
        let (file, key) = (folder.path().join("config"), folder.path().join("key"));
        let access = Access { kubeconfig: Some(file.clone()), ..Access::default() };
        let user = format!("    client-certificate: cert\n    client-key: {}\n", key.display());
        std::fs::write(&file, of_user(&user)).unwrap();
        let certificate = folder.path().join("cert");
        let said = format!("its client-certificate {} cannot be read: No such file", certificate.display());
        assert!(unusable(&access).unwrap().contains(&said), "{:?}", unusable(&access));
        std::fs::write(&certificate, "").unwrap();
        assert!(unusable(&access).unwrap().contains("its client-key "), "{:?}", unusable(&access));
        std::fs::write(&key, "").unwrap();
        assert_eq!(unusable(&access), None);
        assert_eq!(files(&access), [file, certificate, key]);
    }

    #[test]
    fn a_look_says_that_a_credential_plugin_is_not_there_and_runs_none() {
        let folder = tempfile::tempdir().unwrap();
        let (file, ran) = (folder.path().join("config"), folder.path().join("ran"));
        let access =
            Access { kubeconfig: Some(file.clone()), path: Some("/usr/bin:/bin".to_owned()), ..Access::default() };
        let said = |command: &str| {
            let plugin = format!(
                "    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      interactiveMode: Never\n      \
                 command: {command}\n      args: ['{}']\n",
                ran.display()
            );
            std::fs::write(&file, of_user(&plugin)).unwrap();
            unusable(&access)
        };
        let missing = "the credential plugin 'no-such-plugin' cannot be started: there is no such program in PATH";
        assert_eq!(said("no-such-plugin").as_deref(), Some(missing));
        assert_eq!((said("touch"), ran.exists()), (None, false));
    }

    #[tokio::test]
    async fn a_context_that_is_not_in_the_file_is_named() {
        let (_folder, mut access) = kubeconfig("https://10.1.2.3:6443");
        access.context = Some("nowhere".into());
        let error = way(&access).await.unwrap_err();
        assert!(error.text.starts_with("no usable Kubernetes configuration for context 'nowhere': "), "{error}");
    }
}
