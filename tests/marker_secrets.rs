//! Markers are planted in every place that can hold a secret, and searched for in everything that the program leaves: what
//! commands print, errors, JSON, the journal's bytes, the spool, recordings and replays, pictures, the log, and what other
//! users see of processes. The program and the world are processes of their own.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "a test may fail")]

#[path = "support/door.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod door;
#[path = "support/program.rs"]
mod program;
#[path = "support/pty.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod pty;
#[path = "support/served.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod served;

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use door::{Door, Writes};
use holdshort::{
    domain::{evidence::Evidence, object::ObjectId, offer::Risk, verb::Verb},
    port::{
        fill::{Fill, Slot, Supply},
        plan::{Draft, Expect, Expectation, Facts, Friction, Plan, WireCall},
        record::{NewRecord, RecordId},
        secrets::Secrets,
    },
    runtime::detach::Order,
};
use pty::Pty;
use serde_json::{Value, json};
use served::Served;

/// Every marker begins so; nothing else does.
const MARK: &str = "marker-5d1c-";
/// What the credential plugin prints: the token that the cluster takes.
const BEARER: &str = "marker-5d1c-exec-output";
/// The token that GitHub takes.
const FORGE: &str = "marker-5d1c-token-file";
/// The token that Buildkite takes.
const PIPELINES: &str = "marker-5d1c-pipelines";
/// How many looks something may take. Not a time: each look is a process of its own.
const LOOKS: usize = 2_000;

/// A world, a home, and configurations that hold markers.
struct Stage {
    door: Door,
    home: tempfile::TempDir,
}

/// What the program left, by what it is.
#[derive(Default)]
struct Left(Vec<(String, Vec<u8>)>);

impl Left {
    fn add(&mut self, what: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((what.into(), bytes.into()));
    }

    fn command(&mut self, args: &[&str], output: &Output) {
        self.add(format!("stdout of {args:?}"), output.stdout.clone());
        self.add(format!("stderr of {args:?}"), output.stderr.clone());
    }

    /// Every file below a folder.
    fn files(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.files(&path);
            } else {
                self.add(path.display().to_string(), fs::read(&path).unwrap());
            }
        }
    }

    /// Where a marker is, and which.
    fn leaks(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (what, bytes) in &self.0 {
            let text = String::from_utf8_lossy(bytes);
            // Also as kubeconfigs and basic authentication write it.
            for form in [MARK, "bWFya2VyLTVkMWMt"] {
                for (at, _) in text.match_indices(form) {
                    found.push(format!("{what}: {}", text[at..].chars().take(40).collect::<String>()));
                }
            }
        }
        found
    }

    fn has(&self, what: &str) -> bool {
        self.0.iter().any(|(name, bytes)| name.contains(what) && !bytes.is_empty())
    }
}

impl Stage {
    fn new() -> Self {
        let file = format!("{}/tests/fixtures/scenarios/marker-secrets.toml", env!("CARGO_MANIFEST_DIR"));
        let door = Door::before(Served::start(&file, &["--at", "+1m"]));
        let stage = Self { door, home: tempfile::tempdir().unwrap() };
        fs::write(stage.path("github-token"), format!("{FORGE}\n")).unwrap();
        fs::write(stage.path("kubeconfig"), stage.kubeconfig("users", "")).unwrap();
        fs::write(stage.path("config.toml"), stage.config("kubeconfig")).unwrap();
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The address of the door, `http://127.0.0.1:…`.
    fn outside(&self) -> String {
        let served = fs::read_to_string(self.door.config()).unwrap();
        let at = served.find("http://").unwrap();
        served[at..].split('/').take(3).collect::<Vec<_>>().join("/")
    }

    /// The plugin prints what the cluster takes; every other field that can hold a secret holds one.
    fn kubeconfig(&self, users: &str, more: &str) -> String {
        let credential = json!({
            "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": BEARER},
        });
        let outside = self.outside();
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: eu\n\
             clusters: [{{name: eu, cluster: {{server: '{outside}/kubernetes/eu'}}}}]\n\
             contexts:\n- {{name: eu, context: {{cluster: eu, user: plugin}}}}\n- {{name: other, context: {{cluster: eu, user: bearer}}}}\n\
             {users}:\n- name: bearer\n  user: {{token: {MARK}bearer, client-key-data: bWFya2VyLTVkMWMta2V5}}\n\
             - name: basic\n  user: {{username: u, password: {MARK}basic}}\n\
             - name: plugin\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: sh\n\
             {:6}args: ['-c', 'echo {MARK}plugin-stderr >&2; echo ''{credential}''', '{MARK}plugin-argument']\n\
             {:6}env: [{{name: KEY, value: {MARK}plugin-env}}]\n{more}",
            "", ""
        )
    }

    fn config(&self, kubeconfig: &str) -> String {
        let (outside, home) = (self.outside(), self.home.path().display());
        let served = fs::read_to_string(self.door.config()).unwrap();
        let world = &served[served.find("[world]").unwrap()..];
        format!(
            "operator = 'dana'\nstate.path = '{home}/state'\n\
             [connections.kubernetes-eu]\nkind = 'kubernetes'\nenvironment = 'prod/eu-west-1'\nrisk = 'low'\n\
             kubeconfig = '{home}/{kubeconfig}'\ncontext = 'eu'\nnamespaces = ['shop']\n\
             [connections.by-env]\nkind = 'prometheus'\nurl = '{outside}/prometheus'\npreset = 'otel-http'\n\
             token = {{ env = 'PROMETHEUS_TOKEN' }}\n\
             [connections.by-command]\nkind = 'prometheus'\nurl = '{outside}/prometheus'\npreset = 'otel-http'\n\
             token = {{ command = ['sh', '-c', 'echo {MARK}token-command', '{MARK}token-argument'] }}\n\
             [connections.by-name]\nkind = 'prometheus'\nurl = '{outside}/prometheus'\npreset = 'otel-http'\n\
             basic_auth = {{ username = {{ env = 'PROMETHEUS_USER' }}, password = {{ command = ['sh', '-c', 'echo {MARK}password', '{MARK}password-argument'] }} }}\n\
             headers = {{ X-Api-Key = {{ env = 'PROMETHEUS_KEY' }}, X-Custom = '{MARK}custom-header' }}\n\
             [connections.github]\nkind = 'github'\nbase_url = '{outside}/github'\ntoken = {{ file = '{home}/github-token' }}\n\
             repos = [{{ name = 'acme/ledger', environments = {{ prod = 'prod/eu-west-1' }} }}]\n\
             [connections.buildkite]\nkind = 'buildkite'\nurl = '{outside}/buildkite'\ntoken = {{ env = 'BUILDKITE_API_TOKEN' }}\n\
             pipelines = [{{ name = 'acme/*' }}]\n\
             [environments.staging]\nrisk = 'low'\n\
             [services.web]\nrunbook = 'https://dana:{MARK}runbook@wiki.example/web'\n\
             {}",
            world.split("\n[").next().unwrap()
        )
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let home = self.home.path().display().to_string();
        vec![
            ("HOME", home.clone()),
            ("XDG_STATE_HOME", format!("{home}/xdg")),
            ("PROMETHEUS_TOKEN", format!("{MARK}token-env")),
            ("PROMETHEUS_USER", format!("{MARK}user-env")),
            ("PROMETHEUS_KEY", format!("{MARK}header-env")),
            ("BUILDKITE_API_TOKEN", PIPELINES.to_owned()),
            ("PROMETHEUS_PROXY", format!("http://dana:{MARK}own-proxy@127.0.0.1:9")),
            ("HTTPS_PROXY", format!("http://dana:{MARK}proxy@127.0.0.1:9")),
            ("ALL_PROXY", format!("http://dana:{MARK}proxy@127.0.0.1:9")),
        ]
    }

    fn command(&self, config: &str, args: &[&str]) -> Command {
        let mut command = program::holdshort();
        command.args(["-vv", "--config"]).arg(self.path(config)).args(args).envs(self.environment());
        command
    }

    fn said(&self, left: &mut Left, config: &str, args: &[&str]) -> Output {
        let output = self.command(config, args).output().unwrap();
        left.command(args, &output);
        output
    }

    /// Puts a version into the world whose template holds markers, and waits until the controller has seen it.
    fn deploy(&self, object: &str, tag: &str) {
        let path = format!("/kubernetes/eu/apis/{object}");
        let secret = |place: &str| format!("{MARK}{place}-of-{tag}");
        let name = object.rsplit('/').next().unwrap();
        let operations = json!([
            {"op": "add", "path": "/spec/template/metadata/annotations", "value": {"vault.example/token": secret("annotation")}},
            {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": format!("registry.shop.example/{name}:{tag}")},
            {"op": "add", "path": "/spec/template/spec/containers/0/env",
                "value": [{"name": "DB_PASSWORD", "value": secret("env")}, {"name": "MODE", "value": "fast"}]},
            {"op": "add", "path": "/spec/template/spec/containers/0/args", "value": [format!("--key={}", secret("argument"))]},
        ]);
        let by = format!("Authorization: Bearer {BEARER}");
        let form = "Content-Type: application/json-patch+json";
        let (status, body) = self.door.ask(&format!("PATCH {path}"), &[form, &by], &operations.to_string());
        assert_eq!(status, 200, "{body}");
        let taken_up = || {
            let (_, body) = self.door.ask(&format!("GET {path}"), &[&by], "");
            let object: Value = serde_json::from_str(&body).unwrap();
            let number = |it: &Value| it.to_string().replace('"', "");
            number(&object["status"]["observedGeneration"]) == number(&object["metadata"]["generation"])
        };
        assert!((0..LOOKS).any(|_| taken_up()), "{object} {tag} is not taken up");
    }

    /// What everybody on the machine sees of the processes with this configuration, but for the one that a plugin is.
    fn processes(&self, left: &mut Left) -> usize {
        let config = self.path("config.toml");
        let mut seen = 0;
        for number in fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok()) {
            let line = fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
            let ours = line.split(|byte| *byte == 0).any(|word| word == config.to_str().unwrap().as_bytes());
            if ours {
                let is_executor = line.split(|byte| *byte == 0).any(|word| word == b"executor");
                seen += usize::from(is_executor);
                // What was in the environment of whoever started it is in its own: nothing more is.
                let environment = fs::read(format!("/proc/{number}/environ")).unwrap_or_default();
                let own = self.environment().into_iter().map(|(name, value)| format!("{name}={value}"));
                let own: Vec<String> = own.collect();
                let more =
                    environment.split(|byte| *byte == 0).filter(|one| !own.iter().any(|it| it.as_bytes() == *one));
                left.add(format!("environment of {number}"), more.collect::<Vec<_>>().join(&b'\n'));
                left.add(format!("command line of {number}"), line);
            }
        }
        seen
    }
}

const WEB: &str = "apps/v1/namespaces/shop/deployments/web";
const CANARY: &str = "argoproj.io/v1alpha1/namespaces/shop/rollouts/canary";
const CONFIG: &str = "config.toml";

/// Looks, plans and refusals.
fn look(stage: &Stage, left: &mut Left) {
    let looks: [&[&str]; 17] = [
        &["status"],
        &["status", "--json"],
        &["inbox"],
        &["inbox", "--json"],
        &["rollback", "web", "--to", "1.3.0", "--dry-run"],
        &["rollback", "web", "--to", "1.3.0", "--dry-run", "--json"],
        &["rollback", "web", "--to", "1.3.0", "--print-commands"],
        &["rollback", "canary", "--to", "1.3.0", "--dry-run", "--json"],
        &["rollback", "canary", "--to", "1.3.0", "--print-commands"],
        &["rollback", "web", "--to", "9.9.9", "--yes", "--reason", "x", "--json"],
        &["approve", "mill", "--print-commands"],
        &["config", "check"],
        &["config", "show"],
        &["snapshot", "--view", "release:web", "--format", "json"],
        &["drift", "web", "--from", "staging", "--json"],
        &["drift", "ledger@prod/eu-west-1", "--from", "staging"],
        &["drift", "ledger@prod/eu-west-1", "--from", "staging", "--json"],
    ];
    for args in looks {
        let output = stage.said(left, CONFIG, args);
        let shown = String::from_utf8_lossy(&output.stdout);
        // What is not asked for rightly is said, and answers nothing.
        assert!(!shown.is_empty() || args.contains(&"9.9.9"), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    // What the values are compared by was really read.
    let compared = left.0.iter().find(|(what, _)| what.contains("stdout of [\"drift\", \"ledger")).unwrap();
    let compared = String::from_utf8_lossy(&compared.1).into_owned();
    assert!(compared.contains("1 setting differs from staging: FORGED"), "{compared}");
    // It was really the template with the markers that was planned, and its variables are named.
    let planned = left.0.iter().find(|(what, _)| what.contains("stdout") && what.contains("\"--dry-run\"]")).unwrap();
    let planned = String::from_utf8_lossy(&planned.1).into_owned();
    assert!(planned.contains("env that changes: DB_PASSWORD (1 of 2)"), "{planned}");
    let printed = left.0.iter().find(|(what, _)| what.contains("canary") && what.contains("--print-commands")).unwrap();
    assert!(String::from_utf8_lossy(&printed.1).contains("-o jsonpath="));
}

/// One roll back that is carried out, seen while it runs, and one that the system refuses.
fn act(stage: &Stage, left: &mut Left) {
    let confirmed = ["rollback", "web", "--to", "1.3.0", "--yes", "--reason", "weekly", "--json"];
    stage.door.writes(Writes::Held);
    let mut running = stage.command(CONFIG, &confirmed);
    let running = running.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    stage.door.until_held(1);
    assert!(stage.processes(left) > 0, "no executor was seen");
    stage.door.writes(Writes::Pass);
    stage.door.release();
    let output = running.wait_with_output().unwrap();
    left.command(&confirmed, &output);
    let ended: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(ended["outcome"], "done", "{ended:#}");
    stage.door.writes(Writes::Refused(403));
    let refused = ["rollback", "canary", "--to", "1.3.0", "--yes", "--reason", "weekly", "--json"];
    let output = stage.said(left, CONFIG, &refused);
    assert_eq!(output.status.code(), Some(8), "{}", String::from_utf8_lossy(&output.stdout));
    stage.door.writes(Writes::Pass);
    for args in
        [&["audit", "list"][..], &["audit", "show", "1"], &["audit", "show", "1", "--json"], &["audit", "verify"]]
    {
        assert!(stage.said(left, CONFIG, args).status.success(), "{args:?}");
    }
}

/// Every system refuses everything, and repeats what it was sent by whom.
fn refused(stage: &Stage, left: &mut Left) {
    stage.door.shut(true);
    for args in [&["status"][..], &["status", "--json"], &["inbox", "--json"], &["rollback", "web", "--dry-run"]] {
        let output = stage.said(left, CONFIG, args);
        assert!(!output.status.success(), "{args:?}");
    }
    let said = left.0.iter().rev().find(|(what, _)| what.contains("stdout of [\"status\", \"--json\"]")).unwrap();
    let said = String::from_utf8_lossy(&said.1).into_owned();
    assert!(said.contains("the door says 403") && said.contains("authorization: Bearer •"), "{said}");
    stage.door.shut(false);
}

/// A roll back whose record goes to the spool.
fn spool(stage: &Stage, left: &mut Left) {
    let folder = stage.path("unwritable");
    fs::create_dir_all(folder.join("journal.sqlite")).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    let config = stage.config("kubeconfig").replace("/state'", "/unwritable'");
    fs::write(stage.path("spooled.toml"), config).unwrap();
    let output = stage.said(left, "spooled.toml", &["rollback", "web", "--to", "1.4.0", "--yes", "--reason", "weekly"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("NOT IN THE JOURNAL"));
    let spooled = fs::read_to_string(folder.join("spool.jsonl")).unwrap();
    assert!(spooled.contains("DB_PASSWORD"), "{spooled}");
}

/// An act that carries what somebody typed into its card: an executor is told it through its pipe. The cluster refuses it, for
/// it stands where the object's revision belongs.
fn typed(stage: &Stage, left: &mut Left) {
    let target: ObjectId = "kubernetes-eu/argo_rollouts/shop/canary".parse().unwrap();
    let call = WireCall {
        words: "abort".to_owned(),
        method: "PATCH".to_owned(),
        path: format!("/apis/{CANARY}/status?fieldManager=holdshort"),
        content_type: "application/merge-patch+json".to_owned(),
        body: r#"{"status":{"abort":true}}"#.into(),
        fills: vec![Fill {
            from: Supply::Secret("password".to_owned()),
            into: Slot::Json("/metadata/resourceVersion".to_owned()),
        }],
        ..WireCall::default()
    };
    let at = "2026-03-10T02:00:00Z".parse().unwrap();
    let plan = Plan {
        verb: Verb::Abort,
        target: target.clone(),
        service: "canary".into(),
        environment: "prod/eu-west-1".into(),
        risk: Risk::Low,
        friction: Friction::Reason,
        draft: Draft::of(
            &target,
            call,
            String::new(),
            Facts::new(),
            Expectation { all: vec![Expect::is("never", true)], ..Expectation::default() },
        ),
        goes_back: true,
        brings_again: false,
        checks: Vec::new(),
        risks: Vec::new(),
        evidence: Evidence { at, verdict: None, said: String::new(), sources: Vec::new() },
        then: Vec::new(),
    };
    let confirmed = NewRecord::confirmed(at, "dana".into(), None, plan);
    let secrets = Secrets::default().with("password", format!("{MARK}typed"));
    // Nobody has begun it in the journal: its entries go beside that, for it goes back.
    let order = Order::new(RecordId(99), confirmed, &secrets, [].into());
    let order = serde_json::to_vec(&order).unwrap();
    assert!(String::from_utf8_lossy(&order).contains(&format!("{MARK}typed")), "the pipe is its way");
    let mut executor = stage.command(CONFIG, &["executor", "99"]);
    executor.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut executor = executor.spawn().unwrap();
    executor.stdin.take().unwrap().write_all(&order).unwrap();
    left.command(&["executor"], &executor.wait_with_output().unwrap());
}

/// A cockpit that draws a card, and watches whatever happens beside it.
fn record(stage: &Stage, left: &mut Left, meanwhile: impl FnOnce(&mut Left)) {
    let file = stage.path("recording.jsonl");
    let (config, to) = (stage.path(CONFIG), file.display().to_string());
    let environment = stage.environment();
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let args = ["-vv", "--config", config.to_str().unwrap(), "--record", &to];
    let mut cockpit = Pty::start_in(&args, &environment, 160, 48);
    cockpit.until("the canary", |screen| screen.contains("canary"));
    // What was seen last is there before the cluster has answered, and nothing is done by it.
    let cached = |screen: &str| screen.contains("it is known from cache only");
    let is_drawn = (0..LOOKS).any(|_| {
        cockpit.keys("r");
        let screen = cockpit.until("a card", |screen| screen.contains("Reason") || cached(screen));
        if cached(&screen) {
            cockpit.keys("\u{1b}");
            cockpit.until("the board", |screen| !cached(screen));
        }
        screen.contains("Reason")
    });
    assert!(is_drawn, "no card was drawn");
    cockpit.keys("\u{1b}");
    cockpit.until("no card", |screen| !screen.contains("Reason"));
    meanwhile(left);
    let told = |what: &str| (0..LOOKS).any(|_| fs::read_to_string(&file).unwrap().contains(what));
    // The record with the markers is in it, and so was the card.
    assert!(told("\"drafted\"") && told("\"recorded\"") && told("DB_PASSWORD"), "not all of it was recorded");
    assert!(told("\"settings\""), "what the card compares was not recorded");
    let screen = cockpit.raw();
    assert!(!String::from_utf8_lossy(&screen).contains("provider::http"), "the log is on the screen");
    left.add("screen", screen);
    cockpit.keys("q");
    cockpit.wait();
    left.command(&["replay"], &stage.command(CONFIG, &["replay", &to]).output().unwrap());
}

/// Configurations and kubeconfigs that are broken beside a secret.
fn fail(stage: &Stage, left: &mut Left) {
    let (good, file) = (stage.config("kubeconfig"), stage.kubeconfig("users", ""));
    let kubeconfigs = [
        stage.kubeconfig("users", &format!("  bad: [{MARK}neighbour\n")),
        stage.kubeconfig("users", &format!("- name: [x\n  user: {{token: {MARK}neighbour}}\n")),
        file.replace("token: marker-5d1c-bearer", "token: [marker-5d1c-bearer]"),
        file.replace(
            "echo marker-5d1c-plugin-stderr >&2;",
            "echo marker-5d1c-plugin-stderr >&2; echo marker-5d1c-plugin-stdout; exit 3;",
        ),
        file.replace("current-context: eu", "current-context: other").replace("server: 'http", "server: 'https"),
        file.replace("server: 'http://", "server: 'http://dana:marker-5d1c-userinfo@"),
        file.replace("server: 'http://", "proxy-url: 'gopher://dana:marker-5d1c-userinfo@proxy', server: 'http://"),
    ];
    let name = "broken.toml";
    for (index, text) in kubeconfigs.iter().enumerate() {
        let broken = format!("kubeconfig-{index}");
        fs::write(stage.path(&broken), text).unwrap();
        fs::write(stage.path(name), stage.config(&broken)).unwrap();
        stage.said(left, name, &["config", "check"]);
        let output = stage.said(left, name, &["status"]);
        assert!(!output.stderr.is_empty(), "{text}");
    }
    let url = "url = 'http://";
    let wrong = [
        good.replace(url, "url = 'http://dana:marker-5d1c-userinfo@"),
        good.replace(url, "url = 'http://dana:marker-5d1c-user info@"),
        good.replace(url, "url = 'dana:marker-5d1c-userinfo@"),
        good.replace("token = { env = 'PROMETHEUS_TOKEN' }", "token = 'marker-5d1c-inline'"),
        good.replace("token = { env = 'PROMETHEUS_TOKEN' }", "api_key = 'marker-5d1c-inline'"),
        good.replace(
            "token = { env = 'PROMETHEUS_TOKEN' }",
            "headers = { Authorization = 'Basic marker-5d1c-inline' }",
        ),
        good.replace("token = { env = 'PROMETHEUS_TOKEN' }", "token.command = 'curl -u marker-5d1c-inline'"),
        good.replace("token = { env = 'PROMETHEUS_TOKEN' }", "headers = { 'X-Marker: marker-5d1c-inline' = 'a' }"),
        good.replace(
            "token = { env = 'PROMETHEUS_TOKEN' }",
            "basic_auth = { username = 'u', password = 'marker-5d1c-inline' }",
        ),
        good.replace("token = { env = 'PROMETHEUS_TOKEN' }", "proxy = 'http://dana:marker-5d1c-inline@127.0.0.1:9'"),
        good.replace("X-Custom = 'marker-5d1c-custom-header'", "X-Custom = ['marker-5d1c-inline']"),
        good.replace("echo marker-5d1c-password'", "echo marker-5d1c-password; exit 2'"),
        good.replace(
            "X-Api-Key = { env = 'PROMETHEUS_KEY' }",
            "X-Api-Key = { command = ['sh', '-c', 'printf \"marker-5d1c\\001key\"'] }",
        ),
        good.replace("token = { env = 'PROMETHEUS_TOKEN' }", "token = 'marker-5d1c-inline"),
        good.replace(
            "echo marker-5d1c-token-command",
            "echo marker-5d1c-token-command; echo marker-5d1c-token-stderr >&2; exit 2",
        ),
        good.replace(
            "kind = 'github'",
            "kind = 'github' # marker-5d1c-comment\nx = { kind = 'githob', token = 'marker-5d1c-inline' }",
        ),
    ];
    // Behind a proxy that is not there: it fails, and says where.
    let proxied = good.replace("token = { env = 'PROMETHEUS_TOKEN' }", "proxy = { env = 'PROMETHEUS_PROXY' }");
    assert_ne!(proxied, good);
    fs::write(stage.path(name), &proxied).unwrap();
    let output = stage.said(left, name, &["status", "--json"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("through the proxy http://127.0.0.1:9"), "{output:?}");
    for text in wrong {
        assert_ne!(text, good);
        fs::write(stage.path(name), &text).unwrap();
        stage.said(left, name, &["config", "check"]);
        stage.said(left, name, &["config", "show"]);
        let output = stage.said(left, name, &["status", "--exit-code"]);
        assert!(!output.status.success(), "{text}");
    }
}

#[test]
fn no_secret_is_in_anything_that_the_program_leaves() {
    let stage = Stage::new();
    let mut left = Left::default();
    for object in [WEB, CANARY] {
        for tag in ["1.3.0", "1.4.0"] {
            stage.deploy(object, tag);
        }
    }
    look(&stage, &mut left);
    record(&stage, &mut left, |left| act(&stage, left));
    refused(&stage, &mut left);
    spool(&stage, &mut left);
    typed(&stage, &mut left);
    fail(&stage, &mut left);
    left.files(&stage.path("state"));
    let refused = left.0.iter().any(|(_, bytes)| String::from_utf8_lossy(bytes).contains("the object changed 3 times"));
    assert!(refused, "what was typed was not sent");
    left.files(&stage.path("unwritable"));
    left.files(&stage.path("xdg"));
    left.add("recording.jsonl", fs::read(stage.path("recording.jsonl")).unwrap());
    let all = [
        "journal.sqlite",
        "spool.jsonl",
        "/log",
        "/cache/seen-",
        "recording.jsonl",
        "screen",
        "command line of",
        "stderr of",
    ];
    for what in all {
        assert!(left.has(what), "{what} was not searched");
    }
    let log = fs::read_to_string(stage.path("state").join("log")).unwrap();
    assert!(log.contains("provider::http::trace"), "{log}");
    let leaks = left.leaks();
    assert!(leaks.is_empty(), "{leaks:#?}");
}

#[test]
fn the_search_finds_a_secret_that_is_planted_where_it_may_stand() {
    let home = tempfile::tempdir().unwrap();
    let mut left = Left::default();
    // An argument is repeated to whoever wrote it; nobody should write a secret there.
    let args = ["--demo", "status", "payments", "marker-5d1c-argument"];
    let output = program::holdshort().args(args).env("HOME", home.path()).output().unwrap();
    left.add("stderr", output.stderr);
    fs::write(home.path().join("log"), b"\xff\0marker-5d1c-bytes\0bWFya2VyLTVkMWMta2V5").unwrap();
    left.files(home.path());
    let leaks = left.leaks();
    let places = |what: &str| leaks.iter().filter(|leak| leak.contains(what)).count();
    assert!(places("stderr: ") > 0 && places("/log: ") == 2, "{leaks:#?}");
}
