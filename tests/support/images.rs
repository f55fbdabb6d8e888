//! A real registry of images for tests: Debian's `docker-registry`, on a free port, with the images that the test pushes.
//!
//! Where the package is missing the test says so and passes, unless `REQUIRE_SERVERS` is set: then it fails.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// The name and the password of one that asks for them, and how its file of passwords has them.
pub(crate) const DANA: (&str, &str) = ("dana", "s3cret");
const PASSWORDS: &str = "dana:$2y$05$abcdefghijklmnopqrstuuLK7U1u6pVRmL7L1BBM2aS35PSZnDXlK\n";
const BASIC: &str = "Basic ZGFuYTpzM2NyZXQ=";

/// A running server. It ends, and what it keeps goes, when this is dropped.
#[derive(Debug)]
pub(crate) struct RealRegistry {
    server: Child,
    host: String,
    _data: TempDir,
}

impl RealRegistry {
    /// Starts one; `asks` says whether it wants a name and a password. `None` where it is not installed.
    pub(crate) fn start(asks: bool) -> Option<Self> {
        if !installed() {
            let text = "docker-registry is not installed: apt-get install docker-registry";
            assert!(!required(), "{text}");
            eprintln!("SKIPPED: {text}");
            return None;
        }
        let data = tempfile::tempdir().unwrap();
        let path = |name: &str| data.path().join(name).display().to_string();
        std::fs::write(path("passwords"), PASSWORDS).unwrap();
        let auth = format!("auth: {{htpasswd: {{realm: test, path: {}}}}}\n", path("passwords"));
        let config = format!(
            "version: 0.1\nlog: {{level: info, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n\
             http: {{addr: '127.0.0.1:0'}}\n{}",
            path("kept"),
            if asks { auth.as_str() } else { "" }
        );
        std::fs::write(path("config.yml"), config).unwrap();
        let mut server = Command::new("docker-registry")
            .args(["serve", &path("config.yml")])
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let host = listens_at(&mut server);
        Some(Self { server, host, _data: data })
    }

    /// How the names of its images begin: `127.0.0.1:40123`.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Pushes an image that holds this; its digest.
    pub(crate) fn push(&self, repository: &str, tag: &str, holds: &str) -> String {
        let config = self.blob(repository, "{}");
        let layer = self.blob(repository, holds);
        let (size, kind) = (holds.len(), "application/vnd.docker.distribution.manifest.v2+json");
        let manifest = format!(
            "{{\"schemaVersion\":2,\"mediaType\":\"{kind}\",\
             \"config\":{{\"mediaType\":\"application/vnd.docker.container.image.v1+json\",\"size\":2,\"digest\":\"{config}\"}},\
             \"layers\":[{{\"mediaType\":\"application/vnd.docker.image.rootfs.diff.tar.gzip\",\"size\":{size},\"digest\":\"{layer}\"}}]}}"
        );
        let (status, _) = self.ask("PUT", &format!("/v2/{repository}/manifests/{tag}"), kind, &manifest);
        assert_eq!(status, 201);
        digest(&manifest)
    }

    /// Takes an image away, and with it every tag of it.
    pub(crate) fn remove(&self, repository: &str, digest: &str) {
        let (status, _) = self.ask("DELETE", &format!("/v2/{repository}/manifests/{digest}"), "", "");
        assert_eq!(status, 202);
    }

    fn blob(&self, repository: &str, holds: &str) -> String {
        let (status, location) = self.ask("POST", &format!("/v2/{repository}/blobs/uploads/"), "", "");
        assert_eq!(status, 202);
        let place = location.unwrap();
        let place = place
            .split_once("://")
            .map_or(place.as_str(), |(_, rest)| rest.find('/').and_then(|at| rest.get(at..)).unwrap());
        let digest = digest(holds);
        let sign = if place.contains('?') { '&' } else { '?' };
        let path = format!("{place}{sign}digest={digest}");
        let (status, _) = self.ask("PUT", &path, "application/octet-stream", holds);
        assert_eq!(status, 201);
        digest
    }

    /// Status, and where an answer points.
    fn ask(&self, method: &str, path: &str, kind: &str, body: &str) -> (u16, Option<String>) {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.host);
        write!(request, "Authorization: {BASIC}\r\nContent-Length: {}\r\n", body.len()).unwrap();
        if !kind.is_empty() {
            write!(request, "Content-Type: {kind}\r\n").unwrap();
        }
        write!(request, "\r\n{body}").unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
        let location = answer.lines().find_map(|line| line.strip_prefix("Location: ")).map(|to| to.trim().to_owned());
        (status, location)
    }
}

impl Drop for RealRegistry {
    fn drop(&mut self) {
        // An error means that it has already ended.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn digest(text: &str) -> String {
    format!("sha256:{:x}", Sha256::digest(text))
}

fn installed() -> bool {
    Command::new("docker-registry").arg("--version").output().is_ok_and(|output| output.status.success())
}

#[expect(clippy::disallowed_methods, reason = "the only way in which CI can tell a test that a skip is a failure")]
fn required() -> bool {
    std::env::var_os("REQUIRE_SERVERS").is_some()
}

/// Reads the server's own log until it listens; the port it was given stands there. No polling, so no sleeping.
fn listens_at(server: &mut Child) -> String {
    let mut log = BufReader::new(server.stderr.take().unwrap()).lines();
    let mut seen = String::new();
    for line in log.by_ref() {
        let line = line.unwrap();
        if let Some((_, rest)) = line.split_once("listening on ") {
            let host: String = rest.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':')).collect();
            // A full pipe would stop the server.
            std::thread::spawn(move || log.for_each(drop));
            return host;
        }
        seen = seen + &line + "\n";
    }
    panic!("docker-registry did not start:\n{seen}");
}
