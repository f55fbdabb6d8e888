//! What this program opens itself, and what it says to the places that it asks: the built-in world on loopback only, and no
//! setting of a certificate authority that is not heeded.

use std::process::Output;

use crate::{
    authority::{Authority, NOW},
    listener::{Listener, json},
    program::holdshort,
};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

#[test]
fn the_built_in_world_is_served_on_loopback_only() {
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080"] {
        let output = holdshort().args(["demo", "serve", "--listen", listen]).output().unwrap();
        assert!(!output.status.success() && said(&output).contains("is served on loopback only"), "{}", said(&output));
    }
}

/// `status --json` and `config check` of this configuration.
fn run(config: &str, arguments: &[&str]) -> String {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, config).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    let mut command = holdshort();
    for name in ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"] {
        command.env(name, folder.path());
    }
    said(&command.arg("--config").arg(&path).args(arguments).output().unwrap())
}

#[test]
fn the_certificate_authority_of_a_server_is_heeded() {
    let (ours, other) = (Authority::new(), Authority::new());
    let server = Listener::tls(ours.signs("127.0.0.1", NOW).server(None), |asked| {
        let kind = if asked.path().contains("replicasets") { "ReplicaSet" } else { "Deployment" };
        json(&format!("{{\"kind\":\"{kind}List\",\"metadata\":{{\"resourceVersion\":\"1\"}},\"items\":[]}}"))
    });
    let folder = tempfile::tempdir().unwrap();
    let with = |authority: &Authority| {
        let file = authority.file(folder.path());
        let config = format!(
            "[connections.eu]\nkind = \"kubernetes\"\nserver = \"{}\"\nenvironment = \"prod/eu\"\nnamespaces = [\"shop\"]\n\
             engines = [\"deployment\"]\ncertificate_authority = \"{}\"\n",
            server.https(),
            file.display()
        );
        run(&config, &["status", "--json"])
    };
    let trusted = with(&ours);
    assert!(trusted.contains("\"error\": null") || trusted.contains("\"error\":null"), "{trusted}");
    let refused = with(&other);
    assert!(refused.contains("is signed by nobody that this machine trusts"), "{refused}");
}

#[test]
fn a_cluster_that_need_not_prove_who_it_is_is_told_by_config_check() {
    let (folder, access) =
        crate::clients::kubeconfig("https://127.0.0.1:6443", "    insecure-skip-tls-verify: true\n", "");
    let file = access.kubeconfig.unwrap();
    let config = format!(
        "[connections.eu]\nkind = \"kubernetes\"\nkubeconfig = \"{}\"\nenvironment = \"prod/eu\"\n",
        file.display()
    );
    let checked = run(&config, &["config", "check"]);
    let text = "nobody checks that this is eu: its kubeconfig says insecure-skip-tls-verify";
    assert!(checked.contains("the configuration holds") && checked.contains(text), "{checked}");
    std::fs::write(
        &file,
        std::fs::read_to_string(&file).unwrap().replace("skip-tls-verify: true", "skip-tls-verify: false"),
    )
    .unwrap();
    assert!(!run(&config, &["config", "check"]).contains("nobody checks"));
    drop(folder);
}
