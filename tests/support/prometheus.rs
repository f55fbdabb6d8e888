//! A real Prometheus for tests: Debian's package, on a free port, with the history that the test gives it.
//!
//! Where the package is missing the test says so and passes, unless `REQUIRE_SERVERS` is set: then it fails.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

/// A running server. It ends, and its data go, when this is dropped.
#[derive(Debug)]
pub(crate) struct RealPrometheus {
    server: Child,
    url: String,
    _data: TempDir,
}

impl RealPrometheus {
    /// Starts one that holds this `OpenMetrics` text (with times, ending in `# EOF`) as its history, and scrapes native
    /// histograms from these targets every second; waits until it answers. `None` where Prometheus is not installed.
    pub(crate) fn start(openmetrics: &str, targets: &[SocketAddr]) -> Option<Self> {
        if !installed() {
            let text = "prometheus and promtool are not installed: apt-get install prometheus";
            assert!(!required(), "{text}");
            eprintln!("SKIPPED: {text}");
            return None;
        }
        let data = tempfile::tempdir().unwrap();
        let path = |name: &str| data.path().join(name);
        std::fs::write(path("history"), openmetrics).unwrap();
        let targets = targets.iter().map(|target| format!("'{target}'")).collect::<Vec<_>>().join(", ");
        let scraped = format!("scrape_configs: [{{job_name: test, static_configs: [{{targets: [{targets}]}}]}}]\n");
        std::fs::write(
            path("prometheus.yml"),
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n".to_owned() + &scraped,
        )
        .unwrap();
        let backfill = Command::new("promtool")
            .args(["tsdb", "create-blocks-from", "openmetrics", "--quiet"])
            .args([path("history"), path("tsdb")])
            .output()
            .unwrap();
        assert!(backfill.status.success(), "{}", String::from_utf8_lossy(&backfill.stderr));
        let mut server = Command::new("prometheus")
            .arg(format!("--config.file={}", path("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", path("tsdb").display()))
            .args(["--storage.tsdb.retention.time=100y", "--web.listen-address=127.0.0.1:0"])
            .arg("--enable-feature=native-histograms")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let url = ready_at(&mut server);
        Some(Self { server, url, _data: data })
    }

    /// Its base address, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for RealPrometheus {
    fn drop(&mut self) {
        // An error means that it has already ended.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn installed() -> bool {
    let runs = |name| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success());
    runs("prometheus") && runs("promtool")
}

#[expect(clippy::disallowed_methods, reason = "the only way in which CI can tell a test that a skip is a failure")]
fn required() -> bool {
    std::env::var_os("REQUIRE_SERVERS").is_some()
}

/// Reads the server's own log until it is ready; the port it was given stands there. No polling, so no sleeping.
fn ready_at(server: &mut Child) -> String {
    let mut log = BufReader::new(server.stderr.take().unwrap()).lines();
    // Which of the two lines comes first is not said.
    let (mut address, mut ready, mut seen) = (None, false, String::new());
    for line in log.by_ref() {
        let line = line.unwrap();
        if line.contains("Listening on") {
            address = line.split("address=").nth(1).map(|rest| rest.trim().to_owned());
        }
        ready |= line.contains("Server is ready to receive web requests");
        if ready && address.is_some() {
            break;
        }
        seen = seen + &line + "\n";
    }
    // A full pipe would stop the server.
    std::thread::spawn(move || log.for_each(drop));
    format!("http://{}", address.unwrap_or_else(|| panic!("Prometheus did not start:\n{seen}")))
}
