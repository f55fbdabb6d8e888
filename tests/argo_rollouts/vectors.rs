//! Argo Rollouts' own test vectors: phases, step strings, and the patches that `promote` sends.

use holdshort::{
    port::plan::WireCall,
    provider::{
        argo_rollouts::{api::Rollout, phase, request, steps},
        kubernetes::api::Meta,
    },
};
use serde_json::{Value, json};

fn vectors(section: &str) -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/vectors/argo-rollouts.json");
    let all: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let section = &all[section];
    section.get("vectors").unwrap_or(section).as_array().unwrap().clone()
}

/// The vectors write generation, annotations and the strategy's fields flat into `spec`.
fn rollout(vector: &Value) -> Rollout {
    let mut spec = vector["spec"].clone();
    let fields = spec.as_object_mut().unwrap();
    let generation = fields.remove("generation").unwrap_or(json!(0));
    let annotations = fields.remove("annotations").unwrap_or(json!({}));
    let verified = fields.remove("postPromotionAnalysis");
    let strategy = match vector["strategy"].as_str().unwrap() {
        "blueGreen" => json!({"blueGreen": {"postPromotionAnalysis": verified}}),
        _ => json!({"canary": {}}),
    };
    fields.insert("strategy".into(), strategy);
    let mut status = vector["status"].clone();
    if let Some(active) = status.as_object_mut().unwrap().remove("activeSelector") {
        status["blueGreen"] = json!({"activeSelector": active});
    }
    let metadata = json!({"name": "x", "generation": generation, "annotations": annotations});
    serde_json::from_value(json!({"metadata": metadata, "spec": spec, "status": status})).unwrap()
}

#[test]
fn phases_are_upstreams() {
    let vectors = vectors("rollout_phase");
    assert!(vectors.len() >= 8);
    for vector in vectors {
        let (word, message) = phase::phase(&rollout(&vector));
        let expected = (vector["phase"].as_str().unwrap(), vector["message"].as_str().unwrap());
        assert_eq!((word.to_string().as_str(), message.as_str()), expected, "{vector}");
    }
}

#[test]
fn step_strings_are_upstreams() {
    let vectors = vectors("step_string");
    assert!(vectors.len() >= 6);
    for vector in vectors {
        assert_eq!(steps::step(&vector["step"]).label, vector["text"].as_str().unwrap(), "{vector}");
    }
}

/// Ours are separate verbs, so what upstream sends for one `promote` of a rollout that a person paused is our promote and our
/// resume.
#[test]
fn promote_patches_are_upstreams() {
    let meta = Meta { namespace: "shop".into(), name: "checkout".into(), ..Meta::default() };
    let vectors = vectors("promote_patches_derived");
    assert_eq!(vectors.len(), 4);
    for vector in vectors {
        let state = vector["state"].as_str().unwrap();
        let call = match state {
            s if s.contains("Inconclusive") => request::promote(&meta, Some(5)),
            s if s.starts_with("--full") => request::promote_full(&meta),
            _ => request::promote(&meta, None),
        };
        let mut expected = vector["promote"].clone();
        if let Some(index) = expected["status"].get_mut("currentStepIndex") {
            assert_eq!(index, "min(i+1,n)");
            *index = json!(5);
        }
        assert_eq!(body(&call), expected, "{state}");
        if vector["spec"].is_object() {
            assert_eq!(body(&request::hold(&meta, false)), vector["spec"], "{state}");
        }
    }
}

fn body(call: &WireCall) -> Value {
    serde_json::from_str(call.body.sent().unwrap()).unwrap()
}
