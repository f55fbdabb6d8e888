//! The HTTP API: which path gives what. Refusals have the codes of the distribution specification.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Registry;
use crate::demo::rest::{query, set};

/// Answers one request.
pub(super) fn respond(registry: &Registry, request: &Request<Bytes>) -> Response<Bytes> {
    let path = request.uri().path();
    let head = request.method() == Method::HEAD;
    if request.method() != Method::GET && !head {
        return refused(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", head);
    }
    let Some(rest) = path.strip_prefix("/v2/") else { return refused(StatusCode::NOT_FOUND, "", head) };
    if rest.is_empty() {
        return told(&json!({}), head);
    }
    if let Some(repository) = rest.strip_suffix("/tags/list") {
        let Some(tags) = registry.tags(repository) else {
            return refused(StatusCode::NOT_FOUND, "NAME_UNKNOWN", head);
        };
        let most = query(request, "n").and_then(|most| most.parse().ok()).unwrap_or(usize::MAX);
        let tags: Vec<&str> = tags.iter().map(|(tag, _)| tag.as_str()).take(most).collect();
        return told(&json!({"name": repository, "tags": tags}), head);
    }
    let Some((repository, reference)) = rest.split_once("/manifests/") else {
        return refused(StatusCode::NOT_FOUND, "", head);
    };
    let Some(tags) = registry.tags(repository) else { return refused(StatusCode::NOT_FOUND, "NAME_UNKNOWN", head) };
    let is_it =
        |(tag, pushed): &&(String, u32)| tag == reference || digest(&manifest(repository, tag, *pushed)) == reference;
    match tags.iter().find(is_it) {
        None => refused(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", head),
        Some((tag, pushed)) => {
            let body = manifest(repository, tag, *pushed);
            let digest = digest(&body);
            let mut response = told(&body, head);
            let headers = response.headers_mut();
            set(headers, "content-type", "application/vnd.oci.image.manifest.v1+json");
            set(headers, "docker-content-digest", &digest);
            response
        }
    }
}

/// Who brings a token that is not the world's is not let in.
pub(super) fn unauthorized() -> Response<Bytes> {
    refused(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", false)
}

/// A manifest: its one layer is never fetched.
fn manifest(repository: &str, tag: &str, pushed: u32) -> Value {
    let layer = format!("sha256:{:x}", Sha256::digest(format!("{repository}:{tag}#{pushed}")));
    json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": layer, "size": 1024}],
    })
}

fn digest(manifest: &Value) -> String {
    format!("sha256:{:x}", Sha256::digest(manifest.to_string()))
}

fn told(body: &Value, head: bool) -> Response<Bytes> {
    let text = body.to_string();
    let mut response = Response::new(if head { Bytes::new() } else { Bytes::from(text) });
    set(response.headers_mut(), "content-type", "application/json");
    set(response.headers_mut(), "docker-distribution-api-version", "registry/2.0");
    response
}

/// A refusal; without a code it is no answer of a registry.
fn refused(status: StatusCode, code: &str, head: bool) -> Response<Bytes> {
    let body =
        if code.is_empty() { json!({}) } else { json!({"errors": [{"code": code, "message": "", "detail": null}]}) };
    let mut response = told(&body, head);
    *response.status_mut() = status;
    response
}
