//! Who else writes the spec: an automation that may undo what we do to it (F5).

use super::api::Meta;

/// The labels and annotations by which each automation marks what it manages, and its name.
const MARKS: &[(&str, &str)] = &[
    ("argocd.argoproj.io/tracking-id", "Argo CD"),
    ("argocd.argoproj.io/instance", "Argo CD"),
    ("kustomize.toolkit.fluxcd.io/name", "Flux"),
    ("helm.toolkit.fluxcd.io/name", "Flux"),
];

/// Annotation with what `kubectl apply` was given last.
const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The automation that manages an object, where its marks tell.
pub fn manager(meta: &Meta) -> Option<&'static str> {
    let marked = |key: &str| meta.annotations.contains_key(key) || meta.labels.contains_key(key);
    MARKS.iter().find(|(key, _)| marked(key)).map(|(_, name)| *name)
}

/// What to know before changing the spec of such an object.
pub fn warning(meta: &Meta) -> Option<String> {
    let name = manager(meta)?;
    Some(format!("{name} manages this object: with self-heal on it may put its own spec back within seconds"))
}

/// What to know before going back on an object that somebody applies from a file; `from` is the version that is left.
pub fn applied(meta: &Meta, from: &str) -> Option<String> {
    let said = format!("it was made with kubectl apply: applying the same file again brings {from} back");
    meta.annotations.contains_key(APPLIED).then_some(said)
}
