//! The patches behind the verbs, built without I/O: what the `flux` command sends, under the name that it writes with. What others
//! write into an object that a Kustomization applies, that one takes out again.

use serde_json::{Value, json};

use super::{
    api::{FORCE_AT, REQUESTED_AT, RESET_AT},
    declared::Declared,
    source::Seen,
};
use crate::{
    domain::{text::shell_word, verb::Verb},
    port::{plan::WireCall, shape::Shape},
    provider::kubernetes::{
        facade::Places,
        patch::{self, Form},
        request::Resource,
    },
};

/// The field manager of the `flux` command.
const MANAGER: &str = "flux-client-side-apply";

/// The annotations that a request may write.
const ASKS: &[&str] = &[
    "/metadata/annotations/reconcile.fluxcd.io~1requestedAt",
    "/metadata/annotations/reconcile.fluxcd.io~1forceAt",
    "/metadata/annotations/reconcile.fluxcd.io~1resetAt",
];
/// The one that a source is asked by.
const ASKS_SOURCE: &[&str] = &["/metadata/annotations/reconcile.fluxcd.io~1requestedAt"];

/// Everything that a verb can send.
pub(super) fn shapes(verb: Verb, at: &Places) -> Vec<Shape> {
    let own = |writes| by_flux(patch::shape(&at.object, "", Form::Merge, writes));
    match verb {
        Verb::Pause | Verb::Resume => vec![own(&["/spec/suspend"])],
        Verb::Reconcile => {
            let sources = at.beside.iter().map(|source| patch::shape(source, "", Form::Merge, ASKS_SOURCE));
            std::iter::once(own(ASKS)).chain(sources.map(by_flux)).collect()
        }
        _ => Vec::new(),
    }
}

/// Suspends or resumes. Resumed as `flux` does it: the field goes away, so that nothing says it against git.
pub(super) fn suspend<O: Declared>(object: &O, suspended: bool) -> WireCall {
    let (words, value) = if suspended { ("suspend it", json!(true)) } else { ("resume it", Value::Null) };
    merge(object.resource(), object.meta(), words.to_owned(), &json!({"spec": {"suspend": value}}))
}

/// Asks for a reconciliation; `token` tells its answer from any other.
pub(super) fn reconcile<O: Declared>(object: &O, token: &str, force: bool, reset: bool) -> WireCall {
    let mut annotations = json!({REQUESTED_AT: token});
    for (key, _) in [(FORCE_AT, force), (RESET_AT, reset)].into_iter().filter(|(_, set)| *set) {
        if let Some(map) = annotations.as_object_mut() {
            map.insert(key.to_owned(), token.into());
        }
    }
    let words = match (force, reset) {
        (true, true) => "ask for a reconciliation that forces a release, with failures forgotten",
        (true, false) => "ask for a reconciliation that forces a release",
        (false, true) => "ask for a reconciliation, with failures forgotten",
        (false, false) => "ask for a reconciliation",
    };
    merge(object.resource(), object.meta(), words.to_owned(), &json!({"metadata": {"annotations": annotations}}))
}

/// Asks for a source to be fetched. Any revision of it will do: an annotation of ours hurts nobody.
pub(super) fn fetch(source: &Seen, token: &str) -> WireCall {
    let body = json!({"metadata": {"annotations": {REQUESTED_AT: token}}});
    let words = format!("ask for {} to be fetched", source.sought.words());
    WireCall { fills: Vec::new(), ..merge(source.resource(), &source.wire.metadata, words, &body) }
}

fn merge(resource: Resource, meta: &crate::provider::kubernetes::api::Meta, words: String, body: &Value) -> WireCall {
    let call = patch::call(resource, meta, "", words, Form::Merge, body);
    let path = of_flux(&call.path);
    // A token of ours and a word: nothing of it is secret, as annotations of others may be.
    let body = body.to_string();
    let (namespace, name) = (shell_word(&meta.namespace), shell_word(&meta.name));
    let (kind, written) = (resource.full_name(), shell_word(&body));
    let command =
        format!("kubectl -n {namespace} patch {kind} {name} --type=merge -p {written} --field-manager={MANAGER}");
    WireCall { path, command, body: body.into(), ..call }
}

fn by_flux(shape: Shape) -> Shape {
    Shape { path: of_flux(&shape.path), ..shape }
}

/// The same path, written to under the name of `flux`.
fn of_flux(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    format!("{path}?fieldManager={MANAGER}")
}
