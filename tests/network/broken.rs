//! Connections that cannot be made, beside one that can: each says why, and the others go on.

use std::fs;

use crate::{
    listener::{Asked, Listener, json},
    program,
};

/// A cluster in which nothing is.
pub(crate) fn empty(asked: &Asked) -> Vec<u8> {
    let path = asked.path().split('?').next().unwrap_or_default().to_owned();
    let kind = match path.rsplit('/').next() {
        Some("rollouts") => "Rollout",
        Some("deployments") => "Deployment",
        _ => "ReplicaSet",
    };
    json(&format!("{{\"kind\":\"{kind}List\",\"metadata\":{{\"resourceVersion\":\"1\"}},\"items\":[]}}"))
}

#[test]
fn a_connection_that_cannot_be_made_says_why_and_the_others_go_on() {
    let (cluster, folder) = (Listener::plain(empty), tempfile::tempdir().unwrap());
    let here = folder.path().display();
    let text = format!(
        "operator = \"dana\"\nstate.path = \"{here}/state\"\n\
         [environments.prod]\nrisk = \"high\"\n\
         [connections.eu]\nkind = \"kubernetes\"\nenvironment = \"prod\"\nserver = \"{at}\"\n\
         [connections.us]\nkind = \"kubernetes\"\nenvironment = \"prod\"\nkubeconfig = \"{here}/none\"\n\
         [connections.asia]\nkind = \"kubernetes\"\nenvironment = \"prod\"\nserver = \"{tls}\"\ncertificate_authority = \"{here}/ca\"\n\
         [connections.prom]\nkind = \"prometheus\"\nurl = \"{at}\"\npreset = \"otel-http\"\ntoken = {{ env = \"NO_SUCH_TOKEN\" }}\n\
         [connections.forge]\nkind = \"github\"\nbase_url = \"{at}\"\ntoken = {{ command = [\"false\"] }}\nrepos = [{{ name = \"a/b\" }}]\n",
        at = cluster.http(),
        tls = cluster.http().replace("http://", "https://"),
    );
    let config = folder.path().join("config.toml");
    fs::write(&config, text).unwrap();
    let said = |command: &str| {
        let output = program::holdshort().args([command, "--config"]).arg(&config).env("HOME", folder.path()).output();
        let output = output.unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let sentences = [
        format!("us cannot be asked: no usable Kubernetes configuration: {here}/none cannot be read: No such file"),
        format!("asia cannot be asked: `certificate_authority` {here}/ca cannot be read: No such file"),
        "the token's command 'false' failed: exit status: 1; run it by hand to see why".to_owned(),
    ];
    for command in ["status", "inbox"] {
        let (code, text) = said(command);
        assert_eq!(code, Some(8), "{text}");
        let line =
            |name: &str| text.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap_or_default();
        assert!(line("eu").contains("live"), "{text}");
        for sentence in &sentences {
            assert!(text.contains(sentence), "{sentence}\n\n{text}");
        }
        assert!(line("prom").ends_with("the token's environment variable NO_SUCH_TOKEN is not set"), "{text}");
    }
}
