//! The clusters that this machine knows how to reach: the contexts of its kubeconfig, or the pod that it is. Connects to nothing.

use crate::{
    config::draft::Drafted,
    provider::kubernetes::connect,
    run::registry::found::{Here, Part},
};

/// One connection for each context.
pub(in crate::run::registry) fn found(here: &Here) -> Part {
    let usual = connect::usual_files(&here.environment);
    let files: Vec<String> = usual.iter().map(|path| path.display().to_string()).collect();
    match connect::contexts(None, &usual) {
        Ok((names, current)) if !names.is_empty() => {
            let of = |name: &String| {
                let is_current = if current.as_ref() == Some(name) { ", the current one" } else { "" };
                let about = format!("The context {name}{is_current} of {}", files.join(", "));
                let drafted = Drafted::new(&called(name), "kubernetes", about);
                // Whoever starts it with another environment is to find the same.
                let drafted = match files.as_slice() {
                    [one] => drafted.with("kubeconfig", one.as_str(), ""),
                    _ => drafted,
                };
                drafted.with("context", name.as_str(), "").with(
                    "environment",
                    name.as_str(),
                    "what you call it: prod/eu-west-1, staging",
                )
            };
            Part { connections: names.iter().map(of).collect(), missing: Vec::new() }
        }
        Err(_) if here.environment.contains_key("KUBERNETES_SERVICE_HOST") => {
            let about = "The cluster that this pod runs in, by the pod's own account";
            let one =
                Drafted::new("cluster", "kubernetes", about).with("environment", "cluster", "what you call it: prod");
            Part { connections: vec![one], missing: Vec::new() }
        }
        said => {
            let why = said.err().unwrap_or_else(|| "it has no context".to_owned());
            let missing = format!(
                "A cluster: {why}. KUBECONFIG names another file.\nOr write\n\
                 [connections.eu]\nkind = \"kubernetes\"\nserver = \"https://…\"\ntoken = {{ file = \"…\" }}\nenvironment = \"prod\""
            );
            Part { connections: Vec::new(), missing: vec![missing] }
        }
    }
}

/// The name of a context as that of a connection: without what leads there, in letters that need no quotes.
fn called(context: &str) -> String {
    let last = context.rsplit(['/', '@']).next().filter(|last| !last.is_empty()).unwrap_or(context);
    last.chars().map(|c| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs};

    use super::*;

    fn here(kubeconfig: &str) -> (tempfile::TempDir, Here) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        fs::write(&path, kubeconfig).unwrap();
        let environment = BTreeMap::from([("KUBECONFIG".to_owned(), path.display().to_string())]);
        let here = Here { environment, folder: folder.path().to_owned(), environments: Vec::new() };
        (folder, here)
    }

    #[test]
    fn every_context_becomes_a_connection_whose_name_needs_no_quotes() {
        let text =
            crate::demo::kubernetes::kubeconfig("http://127.0.0.1:1", ["eu", "arn:aws:eks:eu-west-1:1:cluster/shop"]);
        let (_folder, here) = here(&text);
        let Part { connections, missing } = found(&here);
        let names: Vec<_> = connections.iter().map(|one| one.name.as_str()).collect();
        assert_eq!((names, missing), (vec!["eu", "shop"], vec![]));
    }

    #[test]
    fn without_a_kubeconfig_it_says_what_to_write_and_in_a_pod_it_takes_the_pods_account() {
        let (_folder, mut here) = here("{}");
        assert!(found(&here).missing[0].contains("[connections.eu]\n"), "{:?}", found(&here));
        here.environment = BTreeMap::from([
            ("KUBECONFIG".to_owned(), "/no/such/file".to_owned()),
            ("KUBERNETES_SERVICE_HOST".to_owned(), "10.0.0.1".to_owned()),
        ]);
        assert_eq!(found(&here).connections[0].name, "cluster");
    }
}
