//! Connections that cannot be made, beside one that can: each says why, and the others go on.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::{
    listener::{Asked, Listener, json},
    program,
};

/// A cluster in which nothing is, whatever is looked for; it serves no kinds but its own and Argo's.
pub(crate) fn empty(asked: &Asked) -> Vec<u8> {
    let path = asked.path().split('?').next().unwrap_or_default().to_owned();
    if path == "/apis" {
        return json("{\"kind\":\"APIGroupList\",\"groups\":[]}");
    }
    // What has none of a kind knows it by its plural only.
    let kind = path.rsplit('/').next().unwrap_or_default().trim_end_matches('s');
    json(&format!("{{\"kind\":\"{kind}List\",\"metadata\":{{\"resourceVersion\":\"1\"}},\"items\":[]}}"))
}

/// A kubeconfig whose credential plugin fails.
const PLUGIN: &str = "apiVersion: v1\nkind: Config\ncurrent-context: africa\n\
    clusters: [{name: africa, cluster: {server: 'http://127.0.0.1:9'}}]\n\
    contexts: [{name: africa, context: {cluster: africa, user: plugin}}]\n\
    users: [{name: plugin, user: {exec: {\
    apiVersion: client.authentication.k8s.io/v1, interactiveMode: IfAvailable, command: 'false'}}}]\n";

#[test]
fn a_connection_that_cannot_be_made_says_why_and_the_others_go_on() {
    let (cluster, folder) = (Listener::plain(empty), tempfile::tempdir().unwrap());
    let here = folder.path().display();
    let text = format!(
        "operator = \"dana\"\nstate.path = \"{here}/state\"\n\
         [environments.prod]\nrisk = \"high\"\n\
         [connections.eu]\nkind = \"kubernetes\"\nenvironment = \"prod\"\nserver = \"{at}\"\n\
         \
         [connections.us]\nkind = \"kubernetes\"\nenvironment = \"prod\"\nkubeconfig = \"{here}/none\"\n\
         [connections.africa]\nkind = \"kubernetes\"\nenvironment = \"prod\"\nkubeconfig = \"{here}/plugin\"\n\
         [connections.asia]\nkind = \"kubernetes\"\nenvironment = \"prod\"\nserver = \"{tls}\"\ncertificate_authority = \"{here}/ca\"\n\
         [connections.prom]\nkind = \"prometheus\"\nurl = \"{at}\"\npreset = \"otel-http\"\ntoken = {{ env = \"NO_SUCH_TOKEN\" }}\n\
         [connections.forge]\nkind = \"github\"\nbase_url = \"{at}\"\ntoken = {{ command = [\"false\"] }}\nrepos = [{{ name = \"a/b\" }}]\n",
        at = cluster.http(),
        tls = cluster.http().replace("http://", "https://"),
    );
    let config = folder.path().join("config.toml");
    fs::write(&config, text).unwrap();
    fs::write(folder.path().join("plugin"), PLUGIN).unwrap();
    fs::set_permissions(folder.path().join("plugin"), fs::Permissions::from_mode(0o600)).unwrap();
    let said = |command: &str| {
        let output = program::holdshort().args([command, "--config"]).arg(&config).env("HOME", folder.path()).output();
        let output = output.unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let sentences = [
        format!("us cannot be asked: no usable Kubernetes configuration: {here}/none cannot be read: No such file"),
        format!("asia cannot be asked: `certificate_authority` {here}/ca cannot be read: No such file"),
        "the credential plugin 'false' failed (exit status: 1): run it by hand to see why".to_owned(),
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
        for name in ["us", "africa", "asia", "prom", "forge"] {
            assert!(line(name).contains("failing"), "{name}\n\n{text}");
        }
        assert!(line("prom").ends_with("the token's environment variable NO_SUCH_TOKEN is not set"), "{text}");
    }
}
