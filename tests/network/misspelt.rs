//! Names that the configuration has and a cluster has not: no calm headline, and no 0.

use std::fs;

use crate::{broken::empty, listener::Listener, program};

#[test]
fn a_misspelt_namespace_selector_or_rollout_is_said_and_ends_with_8() {
    let (cluster, folder) = (Listener::plain(empty), tempfile::tempdir().unwrap());
    let (here, at) = (folder.path().display(), cluster.http());
    let config = folder.path().join("config.toml");
    let said = |more: &str| {
        let text = format!(
            "operator = \"dana\"\nstate.path = \"{here}/state\"\n[environments.prod]\nrisk = \"high\"\n\
             [connections.eu]\nkind = \"kubernetes\"\nenvironment = \"prod\"\nserver = \"{at}\"\n{more}"
        );
        fs::write(&config, text).unwrap();
        let run = |args: &[&str]| {
            let output =
                program::holdshort().args(args).arg("--config").arg(&config).env("HOME", folder.path()).output();
            let output = output.unwrap();
            (output.status.code(), String::from_utf8(output.stdout).unwrap())
        };
        let (code, text) = run(&["status"]);
        let (json_code, json) = run(&["status", "--json"]);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((json_code, json["complete"].as_bool()), (code, Some(code == Some(0))), "{json:#}");
        (code, text)
    };
    let (code, text) = said("");
    assert!(code == Some(0) && text.starts_with("NO RELEASE IN FLIGHT SHOWS HARM"), "{text}");
    let engines = "(Argo Rollouts, DaemonSet, Deployment, Flagger, StatefulSet; not installed: Flux HelmRelease, Flux ImageUpdateAutomation, \
                   Flux Kustomization)";
    for (more, why) in [
        (
            "namespaces = [\"shpo\"]\n",
            format!("nothing is in namespace shpo of eu {engines}: in [connections.eu] `namespaces` names it"),
        ),
        (
            "selector = \"team=shpo\"\n",
            format!(
                "nothing with the labels team=shpo is on eu {engines}: in [connections.eu] `selector` asks for the labels"
            ),
        ),
        (
            "[services.pay]\nrollouts = [\"eu/shop/pya\"]\n",
            format!("there is no shop/pya on eu {engines}: `rollouts` in [services.pay] names it"),
        ),
    ] {
        let (code, text) = said(more);
        assert_eq!(code, Some(8), "{text}");
        assert!(text.starts_with("CANNOT TELL") && text.contains(&why), "{why}\n\n{text}");
    }
}
