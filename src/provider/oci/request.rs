//! Requests, built without I/O.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use url::form_urlencoded::Serializer;

use super::{READS, name::Name};
use crate::{domain::observed::FaultKind, port::error::ProviderError};

/// Tags that are counted at most: more than that are enough.
const COUNTED: &str = "50";
/// The kinds of manifests: an image for several platforms first, for its digest is what a tag stands for.
const MANIFESTS: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

type Built = Result<Request<Bytes>, ProviderError>;

/// Is there a registry at all?
pub(super) fn base() -> Built {
    built(Method::GET, "/v2/", HeaderMap::new())
}

/// An image's manifest; of HEAD only that it is there and its digest.
pub(super) fn manifest(name: &Name, head: bool) -> Built {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::try_from(MANIFESTS.join(", ")).map_err(|_| unwritable())?);
    let method = if head { Method::HEAD } else { Method::GET };
    built(method, &format!("/v2/{}/manifests/{}", name.repository, name.reference), headers)
}

/// The tags of its repository.
pub(super) fn tags(name: &Name) -> Built {
    built(Method::GET, &format!("/v2/{}/tags/list?n={COUNTED}", name.repository), HeaderMap::new())
}

/// A token for what is read of a repository; `path` is that of the server of tokens.
pub(super) fn token(path: &str, service: Option<&str>, repository: &str) -> Built {
    let mut query = Serializer::new(String::new());
    if let Some(service) = service {
        query.append_pair("service", service);
    }
    if !repository.is_empty() {
        query.append_pair("scope", &format!("repository:{repository}:pull"));
    }
    built(Method::GET, &format!("{path}?{}", query.finish()), HeaderMap::new())
}

/// The same, known by a token.
pub(super) fn with(mut request: Request<Bytes>, token: &str) -> Built {
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| unwritable())?;
    value.set_sensitive(true);
    request.headers_mut().insert(header::AUTHORIZATION, value);
    Ok(request)
}

fn built(method: Method, path: &str, headers: HeaderMap) -> Built {
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().map_err(|_| unwritable())?;
    *request.headers_mut() = headers;
    request.extensions_mut().insert(READS);
    Ok(request)
}

fn unwritable() -> ProviderError {
    ProviderError::new(FaultKind::Rejected, "no such request can be made")
}
