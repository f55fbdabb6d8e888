//! A system's name stands only where it may: in its provider folder, its world folder, its kind of the configuration, the
//! registry. Everywhere else somebody who adds the next system would have to look.

use std::{collections::BTreeMap, fs, path::Path};

use crate::rust_files;

/// By folder, what a system is called where that is not the folder's name. A Deployment is a noun of ours, too.
const CALLED: [(&str, &[&str]); 7] = [
    ("argo_rollouts", &["argo"]),
    ("deployment", &[]),
    // Its own name is a word of ours, too.
    ("flow", &["yunxiao", "云效"]),
    ("github", &["github", "octocrab"]),
    ("kubernetes", &["kube", "k8s"]),
    // The form of images, of which others speak, too.
    ("oci", &[]),
    ("prometheus", &["prometheus", "promql", "promtool"]),
];

/// Folders of `provider` and `demo` that are no systems.
const HELD_TOGETHER: [&str; 5] = ["aws", "http", "scenario", "traffic", "world"];

/// Where every system may be named, beside its own folders: who lists them.
const LISTS: [&str; 6] = [
    "src/config/kind.rs",
    "src/demo/mod.rs",
    "src/demo/registry.rs",
    "src/demo/scenario/library.rs",
    "src/provider/mod.rs",
    "src/run/registry/mod.rs",
];

/// Where the wire itself has the name of another system: what one says of another is data that we do not choose.
const SPOKEN: [(&str, &str); 14] = [
    // The variables that are commonly their address, and their file.
    ("src/cli/args/examples.rs", "prometheus"),
    ("src/cli/args/examples.rs", "kubernetes"),
    // What those who install it call it, which is looked for among the Services of a cluster.
    ("src/provider/kubernetes/measures.rs", "prometheus"),
    // Where a metric of an AnalysisRun was measured.
    ("src/provider/argo_rollouts/run.rs", "prometheus"),
    // The provider of a metric in an AnalysisTemplate.
    ("src/demo/kubernetes/control/analysis.rs", "prometheus"),
    // The labels that collectors of logs give to what a cluster runs.
    ("src/provider/loki/mod.rs", "kubernetes"),
    ("src/provider/loki/normalize.rs", "kubernetes"),
    // Labels by which versions are told, as exporters call them.
    ("src/provider/prometheus/examine.rs", "kubernetes"),
    // OpenTelemetry's name for a cluster's label.
    ("src/demo/prometheus/target.rs", "kubernetes"),
    // Where a project's code is, as a remote leads to it and as the wire has it.
    ("src/run/registry/circleci/found.rs", "github"),
    ("src/demo/circleci/wire.rs", "github"),
    // The marks that GitOps tools leave on what they manage.
    ("src/provider/kubernetes/gitops.rs", "argocd"),
    // The address under which a cluster reaches itself.
    ("src/provider/argocd/facade.rs", "kubernetes"),
    // The label that says what an object is a part of.
    ("src/provider/argocd/api.rs", "kubernetes"),
];

#[test]
fn a_system_is_named_only_in_its_own_folders_and_in_the_lists_of_systems() {
    let systems = systems();
    let mut found = Vec::new();
    for path in rust_files(Path::new("src")) {
        let shown = path.display().to_string();
        if LISTS.contains(&shown.as_str()) || is_test(&shown) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let text = without_citations(without_tests(&text));
        let named = systems.iter().filter(|(system, words)| {
            !is_home(&shown, system)
                && !SPOKEN.contains(&(shown.as_str(), system.as_str()))
                && words.iter().any(|word| names(&text, word))
        });
        found.extend(named.map(|(system, _)| format!("{shown}: {system}")));
    }
    assert_eq!(found, Vec::<String>::new(), "a system is named where it may not be");
}

#[test]
fn the_search_for_names_sees_them_in_every_writing_and_not_in_other_words() {
    for (text, word) in [
        ("GitHub's", "github"),
        ("fn github_runs()", "github"),
        ("Kind::ArgoRollouts", "argo"),
        ("use kube::Client", "kube"),
        ("KUBECONFIG", "kube"),
        ("my_argo", "argo"),
        ("isArgo", "argo"),
    ] {
        assert!(names(text, word), "{text}");
    }
    for (text, word) in
        [("cargo build", "argo"), ("CARGO_MANIFEST_DIR", "argo"), ("Largo", "argo"), ("git hub", "github")]
    {
        assert!(!names(text, word), "{text}");
    }
}

#[test]
fn a_citation_names_its_source_and_ends_with_its_paragraph() {
    let text = "//! What GitHub does.\n//! Sources: Argo's\n//! own code.\n//!\n//! Of Argo.\nfn argo() {}";
    assert_eq!(without_citations(text), "//! What GitHub does.\n//!\n//! Of Argo.\nfn argo() {}");
}

/// Each system, and the words that name it.
fn systems() -> BTreeMap<String, Vec<String>> {
    let folders = ["src/provider", "src/demo"].map(Path::new).into_iter().flat_map(|room| fs::read_dir(room).unwrap());
    let folders = folders.map(Result::unwrap).filter(|entry| entry.path().is_dir());
    let names = folders.map(|entry| entry.file_name().into_string().unwrap());
    let names = names.filter(|name| !HELD_TOGETHER.contains(&name.as_str()));
    names
        .map(|name| {
            let called = CALLED.iter().find(|(folder, _)| *folder == name).map(|(_, words)| *words);
            let words = called.unwrap_or(&[name.as_str()]).iter().map(|word| (*word).to_owned()).collect();
            (name, words)
        })
        .collect()
}

/// The folders and the file of a system; the engines of Kubernetes are at home where it is, and what Argo is called also where another
/// of its systems is.
fn is_home(path: &str, system: &str) -> bool {
    let on_it =
        ["argo_rollouts", "controller_revision", "deployment", "deployment_pair", "flagger", "flux", "kubernetes"];
    let mut homes = if on_it.contains(&system) { on_it.to_vec() } else { vec![system] };
    homes.extend((system == "argo_rollouts").then_some("argocd"));
    let begins = |home: &&str| {
        ["src/provider", "src/demo", "src/config/kind", "src/run/registry"].iter().any(|room| {
            let below = path.strip_prefix(&format!("{room}/{home}"));
            below.is_some_and(|below| below.starts_with('/') || below == ".rs")
        })
    };
    homes.iter().any(begins)
}

/// What stands for anything in tests may be called like anything.
fn is_test(path: &str) -> bool {
    path.split('/').any(|part| ["tests", "tests.rs", "sample", "sample.rs", "fake.rs"].contains(&part))
}

/// Without the paragraphs of comments that cite where a fact or a formula comes from, from `Source:` on.
fn without_citations(text: &str) -> String {
    let mut cited = false;
    let kept = text.lines().filter(|line| {
        let comment = line.trim_start().strip_prefix("//").map(|said| said.trim_start_matches(['/', '!']).trim());
        cited = comment
            .is_some_and(|said| !said.is_empty() && (cited || said.starts_with("Source") || said.contains(". Source")));
        !cited
    });
    kept.collect::<Vec<_>>().join("\n")
}

fn without_tests(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod tests {").next().unwrap()
}

/// Is this word in the text, in any writing, but not as the end of another word?
fn names(text: &str, word: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.match_indices(word).any(|(at, _)| {
        let mut begin = text[at..].chars();
        let camel = begin.next().is_some_and(|c| c.is_ascii_uppercase())
            && begin.next().is_some_and(|c| c.is_ascii_lowercase());
        camel || !text[..at].ends_with(|c: char| c.is_ascii_alphabetic())
    })
}
