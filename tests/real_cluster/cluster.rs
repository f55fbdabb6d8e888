//! A real cluster without machines: etcd, `kube-apiserver` and `kube-controller-manager`, each a process of this one, and a kubelet that
//! is made up. One for all tests of the binary: each has a namespace of its own.
//!
//! `.ci/apiserver` builds the two from Debian's source package `kubernetes`. Where they are missing a test says so and passes, unless
//! `HOLDSHORT_TEST_CLUSTER` names a folder for them: then it fails.

#![expect(clippy::disallowed_methods, reason = "a test reads its environment")]

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
};

use crate::kubelet;

/// Administers it.
pub(crate) const ADMIN: &str = "admin";
/// Flies: has what is given to her by name.
pub(crate) const DANA: &str = "dana";

/// What a real cluster needs to be reached.
pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    server: String,
    /// They end with this process.
    servers: Vec<Child>,
}

/// The cluster of this process; `None`, and a loud word, where it cannot be had.
pub(crate) fn real() -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    CLUSTER.get_or_init(|| Some(Cluster::start(&programs()?))).as_ref()
}

fn programs() -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("HOLDSHORT_TEST_CLUSTER").map(PathBuf::from) else {
        eprintln!(
            "SKIPPED: no real API server; `.ci/apiserver FOLDER` builds it, HOLDSHORT_TEST_CLUSTER=FOLDER names it"
        );
        return None;
    };
    for name in ["kube-apiserver", "kube-controller-manager"] {
        assert!(folder.join(name).exists(), "{} has no {name}: `.ci/apiserver` builds it", folder.display());
    }
    Some(folder)
}

impl Cluster {
    fn start(programs: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let [clients, peers, secure] = free_ports();
        let (store, peer) = (format!("http://127.0.0.1:{clients}"), format!("http://127.0.0.1:{peers}"));
        let (initial, data) = (format!("default={peer}"), at("etcd"));
        let etcd = ["--data-dir", &data, "--listen-client-urls", &store, "--advertise-client-urls", &store];
        let etcd = etcd.into_iter().chain(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        let store_itself = run(&at("etcd.log"), Path::new("etcd"), etcd.chain(["--initial-cluster", &initial]));
        let key = rcgen::KeyPair::generate().unwrap();
        fs::write(at("key"), key.serialize_pem()).unwrap();
        fs::write(at("public"), key.public_key_pem()).unwrap();
        fs::write(at("tokens"), "admin,admin,1,\"system:masters\"\ndana,dana,2,oncall\n").unwrap();
        let flags = [
            format!("--etcd-servers={store}"),
            format!("--secure-port={secure}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--cert-dir={}", at("certs")),
            format!("--service-account-key-file={}", at("public")),
            format!("--service-account-signing-key-file={}", at("key")),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--token-auth-file={}", at("tokens")),
            "--authorization-mode=RBAC".to_owned(),
            "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
            "--disable-admission-plugins=ServiceAccount".to_owned(),
        ];
        let mut serves = run(&at("apiserver.log"), &programs.join("kube-apiserver"), flags.iter().map(String::as_str));
        let mut cluster = Self { server: format!("https://127.0.0.1:{secure}"), folder, servers: vec![store_itself] };
        kubelet::begin(cluster.server.clone(), cluster.path("certs/apiserver.crt"));
        for user in [ADMIN, DANA] {
            fs::write(cluster.kubeconfig(user), cluster.access(user)).unwrap();
        }
        while !cluster.kubectl(ADMIN, &["get", "--raw=/readyz"]).status.success() {
            let ended = serves.try_wait().unwrap();
            assert!(ended.is_none(), "{}", fs::read_to_string(cluster.path("apiserver.log")).unwrap());
        }
        cluster.servers.push(serves);
        let at = |name: &str| cluster.path(name).display().to_string();
        let admin = at(ADMIN);
        let flags = [
            format!("--kubeconfig={admin}"),
            format!("--authentication-kubeconfig={admin}"),
            format!("--authorization-kubeconfig={admin}"),
            "--leader-elect=false".to_owned(),
            "--port=0".to_owned(),
            "--secure-port=0".to_owned(),
            "--controllers=deployment,replicaset,statefulset,disruption,garbagecollector,namespace,resourcequota"
                .to_owned(),
        ];
        let controllers =
            run(&at("controllers.log"), &programs.join("kube-controller-manager"), flags.iter().map(String::as_str));
        cluster.servers.push(controllers);
        cluster
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where the access of a user is written.
    pub(crate) fn kubeconfig(&self, user: &str) -> PathBuf {
        self.path(user)
    }

    fn access(&self, user: &str) -> String {
        let (server, authority) = (&self.server, self.path("certs/apiserver.crt"));
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: real\n\
             clusters: [{{name: real, cluster: {{server: '{server}', certificate-authority: '{}'}}}}]\n\
             users: [{{name: {user}, user: {{token: {user}}}}}]\n\
             contexts: [{{name: real, context: {{cluster: real, user: {user}, namespace: default}}}}]\n",
            authority.display()
        )
    }

    /// Runs kubectl as a user.
    pub(crate) fn kubectl(&self, user: &str, args: &[&str]) -> Output {
        let mut command = Command::new("kubectl");
        command.arg("--kubeconfig").arg(self.kubeconfig(user)).args(args);
        command.env_remove("HTTPS_PROXY").env_remove("HTTP_PROXY").output().unwrap()
    }

    /// Does something as who administers it; what kubectl said.
    pub(crate) fn administer(&self, args: &[&str]) -> String {
        let output = self.kubectl(ADMIN, args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Applies objects.
    pub(crate) fn apply(&self, objects: &str) {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), objects).unwrap();
        self.administer(&["apply", "-f", file.path().to_str().unwrap()]);
    }
}

fn free_ports() -> [u16; 3] {
    let bound = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    bound.map(|listener| listener.local_addr().unwrap().port())
}

/// Runs a server until this process ends: a shell beside it waits for the end of its input, which nobody else holds.
fn run<'a>(log: &str, program: &Path, args: impl Iterator<Item = &'a str>) -> Child {
    let log = fs::File::create(log).unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec 3<&0; { read -r _ <&3; kill -9 $$; } & exec \"$@\" </dev/null 3<&-", "sh"])
        .arg(program)
        .args(args);
    let child = command.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log).spawn();
    let mut child = child.unwrap_or_else(|why| panic!("{}: {why}", program.display()));
    // Held for as long as the process lives.
    std::mem::forget(child.stdin.take());
    child
}
