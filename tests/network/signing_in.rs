//! Who we are to a system and the way there, from the configuration to the wire: the same settings for each kind of
//! connection.

use std::{fs, os::unix::fs::PermissionsExt, process::Output};

use holdshort::{
    domain::{object::ObjectId, verb::Verb},
    port::{
        fill::{Outgoing, Supplies},
        plan::WireCall,
        shape::Checked,
        step::Step,
    },
    provider::{
        http::{Base, proxy::ProxyEnvironment},
        kubernetes::request::REPLICA_SETS,
    },
};
use tempfile::TempDir;

use crate::{
    authority::{Authority, NOW},
    clients::{by_reqwest, call, cluster, forge},
    listener::{Listener, answer, json, silent},
    program::holdshort,
};

const VECTOR: &str = "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]}}";
const PAGE: &str = "<!doctype html><html><head><title>Sign in to Corp</title></head></html>";

/// A home with a configuration and the files it names.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Puts a file there.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    }

    fn run(&self, config: &str, arguments: &[&str]) -> String {
        let path = self.file("config.toml", config);
        let mut command = holdshort();
        for name in ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"] {
            command.env(name, self.0.path());
        }
        let command = command.env("ORG", "team-env").env("CORP_PROXY", "http://dana:s3cret@127.0.0.1:9");
        let Output { stdout, stderr, .. } = command.arg("--config").arg(path).args(arguments).output().unwrap();
        String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned()
    }

    /// What `status` says of one Prometheus with these settings.
    fn status(&self, url: &str, settings: &str) -> String {
        let config = format!(
            "[connections.metrics]\nkind = \"prometheus\"\nurl = \"{url}\"\npreset = \"otel-http\"\n{settings}\n"
        );
        self.run(&config, &["status"])
    }
}

fn is_live(said: &str) -> bool {
    said.lines().any(|line| line.starts_with("metrics") && line.contains("live"))
}

#[test]
fn a_name_and_a_password_and_headers_are_sent_to_every_kind_of_system() {
    let home = Home::new();
    let password = home.file("password", "p@ss:w/rd#1\n");
    let settings = format!(
        "basic_auth = {{ username = \"ops\", password = {{ file = \"{password}\" }} }}\n\
         headers = {{ \"X-Scope-OrgID\" = \"team-a\", X-From-Env = {{ env = \"ORG\" }}, X-Made = {{ command = [\"echo\", \"it\"] }} }}"
    );
    let server = Listener::plain(|asked| {
        let kind = if asked.path().contains("replicasets") { "ReplicaSet" } else { "Deployment" };
        match asked.path() {
            path if path.contains("/api/v1/query") => json(VECTOR),
            path if path.starts_with("/repos") => json("{\"total_count\":0,\"workflow_runs\":[]}"),
            _ => json(&format!("{{\"kind\":\"{kind}List\",\"metadata\":{{\"resourceVersion\":\"1\"}},\"items\":[]}}")),
        }
    });
    let at = server.http();
    let config = format!(
        "[connections.metrics]\nkind = \"prometheus\"\nurl = \"{at}\"\npreset = \"otel-http\"\n{settings}\n\
         [connections.eu]\nkind = \"kubernetes\"\nserver = \"{at}\"\nenvironment = \"prod/eu\"\nnamespaces = [\"shop\"]\n\
         engines = [\"deployment\"]\n{settings}\n\
         [connections.forge]\nkind = \"github\"\nbase_url = \"{at}\"\nrepos = [{{ name = \"acme/ledger\" }}]\n{settings}\n"
    );
    home.run(&config, &["status"]);
    let asked = server.asked();
    for path in ["/api/v1/query", "/apis/apps/v1", "/repos/acme/ledger"] {
        assert!(asked.iter().any(|asked| asked.path().starts_with(path)), "{path}: {asked:#?}");
    }
    for one in asked {
        let head = one.head.to_lowercase();
        let sent = [
            "authorization: basic b3bzonbac3m6dy9yzcmx",
            "x-scope-orgid: team-a",
            "x-from-env: team-env",
            "x-made: it",
        ];
        for header in sent {
            assert!(head.contains(header), "{header}: {}", one.head);
        }
    }
}

#[test]
fn a_client_certificate_and_another_name_are_what_the_system_sees() {
    let (home, authority) = (Home::new(), Authority::new());
    let signed = authority.signs("prometheus.internal", NOW);
    let server = Listener::tls(signed.server(Some(&authority)), |_| json(VECTOR));
    let us = authority.signs("dana", NOW);
    let ca = home.file("ca.pem", &authority.pem);
    let (certificate, key) = (home.file("us.pem", &us.pem), home.file("us.key", &us.key));
    let trusts = format!("certificate_authority = \"{ca}\"");
    let proves = format!("client_certificate = \"{certificate}\"\nclient_key = \"{key}\"");
    let named = "server_name = \"prometheus.internal\"";

    let said = home.status(&server.https(), &format!("{trusts}\n{proves}\n{named}"));
    assert!(is_live(&said), "{said}");
    let host = format!("host: prometheus.internal:{}", server.at.port());
    assert!(server.asked().iter().all(|asked| asked.head.to_lowercase().contains(&host)), "{:?}", server.asked());

    let said = home.status(&server.https(), &format!("{trusts}\n{proves}"));
    assert!(said.contains("is for prometheus.internal: is the address right?"), "{said}");
    let said = home.status(&server.https(), &format!("{trusts}\n{named}"));
    assert!(said.contains("asks for a client certificate, and none is configured"), "{said}");
    let other = home.file("other.key", &authority.signs("dana", NOW).key);
    let proves = format!("client_certificate = \"{certificate}\"\nclient_key = \"{other}\"");
    let said = home.status(&server.https(), &format!("{trusts}\n{proves}\n{named}"));
    assert!(said.contains("the client certificate and the client key do not belong together"), "{said}");
}

#[test]
fn a_proxy_that_is_named_leads_there_and_its_password_is_never_shown() {
    let home = Home::new();
    let proxy = Listener::plain(|_| json(VECTOR));
    let said = home.status("http://prometheus.invalid:9090", &format!("proxy = \"{}\"", proxy.http()));
    assert!(is_live(&said), "{said}");
    let asked = proxy.asked();
    assert!(asked[0].line.starts_with("POST http://prometheus.invalid:9090/api/v1/query"), "{asked:?}");
    let said = home.status("https://prometheus.invalid:9090", "proxy = { env = \"CORP_PROXY\" }");
    let text = "the proxy http://127.0.0.1:9 cannot be reached (Connection refused (os error 111)): check `proxy` of its \
                connection; \"none\" is for no proxy";
    assert!(said.contains(text) && !said.contains("s3cret"), "{said}");
}

#[test]
fn a_time_that_is_set_is_named_where_it_was_too_short() {
    let home = Home::new();
    let said = home.status(&format!("http://{}", silent()), "timeout = \"150ms\"");
    assert!(said.contains("it did not answer within 150 ms (`timeout` of connections.metrics)"), "{said}");
}

#[test]
fn a_login_page_is_named_by_its_title_and_where_it_is() {
    let home = Home::new();
    let server = Listener::plain(|_| answer(200, &["Content-Type: text/html"], PAGE));
    let said = home.status(&server.http(), "");
    let page = format!("it answers with a web page ('Sign in to Corp') from {}/api/v1/query", server.http());
    assert!(said.contains(&page) && said.contains("is there a proxy or a login page before it?"), "{said}");
}

#[test]
fn a_query_goes_where_it_was_moved_to_with_its_body_and_to_no_login() {
    let home = Home::new();
    let moved = Listener::plain(|asked| match asked.path().strip_prefix("/moved") {
        Some(_) => json(VECTOR),
        None => answer(301, &[&format!("Location: /moved{}", asked.path())], ""),
    });
    let said = home.status(&moved.http(), "");
    assert!(is_live(&said), "{said}");
    assert!(moved.asked().iter().all(|asked| asked.method() == "POST" && asked.body.contains("query=")));
    let login = Listener::plain(|_| answer(302, &["Location: /login?rd=%2Fapi"], ""));
    let said = home.status(&login.http(), "");
    assert!(said.contains("it sends us to /login of its own"), "{said}");
}

#[test]
fn a_pause_that_is_asked_for_is_kept_and_a_long_one_is_told() {
    let home = Home::new();
    let seen = std::sync::atomic::AtomicUsize::new(0);
    let busy = Listener::plain(move |_| match seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        0 => answer(503, &["Retry-After: 1"], "busy"),
        _ => json(VECTOR),
    });
    let said = home.status(&busy.http(), "");
    assert!(is_live(&said), "{said}");
    let closed = Listener::plain(|_| answer(429, &["Retry-After: 120"], "too many"));
    let said = home.status(&closed.http(), "");
    assert!(said.contains("it asks to slow down; again at "), "{said}");
    assert_eq!(closed.asked().len(), 1, "it is left alone");
}

#[tokio::test]
async fn a_write_that_is_answered_with_a_page_is_of_unknown_outcome_at_every_kind_of_system() {
    let server = Listener::plain(|_| answer(200, &["Content-Type: text/html"], PAGE));
    let connection = forge(&server.http());
    let actor = &connection.inventories[0];
    let target = ObjectId::new(&"github".into(), "run", "acme/ledger/5");
    let rerun = call("POST", "/repos/acme/ledger/actions/runs/5/rerun");
    let rerun = WireCall { content_type: String::new(), body: "".into(), ..rerun };
    let rerun = Step::new(&target, rerun);
    let checked = Checked::of(&rerun, Verb::Rerun, &**actor, &Supplies::default()).unwrap();
    let of_forge = actor.send(checked).await.unwrap_err();
    let kube = by_reqwest(Base::new(server.http().parse().unwrap()), &ProxyEnvironment::default());
    let patch = call("PATCH", "/apis/apps/v1/namespaces/shop/replicasets/web");
    let of_cluster =
        cluster(kube).send(Some(REPLICA_SETS), &Outgoing::of(&patch, &Supplies::default()).unwrap()).await.unwrap_err();
    for error in [of_forge, of_cluster] {
        assert!(error.maybe_done && error.text.contains("answers with a web page ('Sign in to Corp')"), "{error}");
    }
    assert_eq!(server.asked().len(), 2, "each once");
}
