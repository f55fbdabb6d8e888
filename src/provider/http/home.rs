//! One system stays one system: where it points elsewhere, we do not go.
//!
//! A write is never sent on, whatever the status. A read goes on within the origin (scheme, host, port) that answered it, a few
//! times; the same request, or none: a body that would be dropped on the way is not a question any more. Everything else is an
//! error that names where it was to go: the answer of another place is not this system's, and neither our token nor our bodies
//! are for it.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Uri, header};
use tower::service_fn;
use url::Url;

use super::{class_of, send};
use crate::{
    domain::text::clean,
    port::wire::{Class, Moved, Transport, WireBody, WireError},
};

/// How often one read goes on.
const MOST_HOPS: usize = 5;
/// Characters of a path that are shown.
const LONGEST_SHOWN: usize = 80;

/// Marks a request whose redirect is what it asks for. It comes back as an answer.
#[derive(Clone, Copy, Debug)]
pub struct WantsRedirect;

/// A leaf that keeps to the system at `home`. A request with a whole address goes elsewhere on purpose: only a read without a
/// body may, and only encrypted.
pub fn at_home(leaf: Transport, home: &Url) -> Transport {
    let mut home = home.clone();
    // What one says to it in its address is put there below; a URL that can have a host can be without it.
    let _ = (home.set_username(""), home.set_password(None));
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let (leaf, home) = (leaf.clone(), home.clone());
        async move { ask(&leaf, &home, request).await }
    }))
}

async fn ask(leaf: &Transport, home: &Url, mut request: Request<Bytes>) -> Result<Response<WireBody>, WireError> {
    may_leave(home, &request)?;
    for _ in 0..=MOST_HOPS {
        let response = send(leaf, request.clone()).await?;
        if !points_elsewhere(response.status()) || request.extensions().get::<WantsRedirect>().is_some() {
            return Ok(response);
        }
        *request.uri_mut() = onward(home, &request, &response)?;
    }
    Err(WireError::Moved(Moved { status: None, to: "itself, in a circle".to_owned() }))
}

fn points_elsewhere(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Does a whole address leave in a way that is allowed?
fn may_leave(home: &Url, request: &Request<Bytes>) -> Result<(), WireError> {
    if request.uri().authority().is_none() {
        return Ok(());
    }
    let there = address(home, request.uri())?;
    let asks = class_of(request) == Class::Read && request.method() == Method::GET && request.body().is_empty();
    if asks && (there.scheme() == "https" || there.origin() == home.origin()) {
        return Ok(());
    }
    Err(WireError::Moved(Moved { status: None, to: shown(home, &there) }))
}

/// Where a read goes on, in the form that it was asked in: a path of the system, or a whole address.
fn onward(home: &Url, request: &Request<Bytes>, response: &Response<WireBody>) -> Result<Uri, WireError> {
    let status = response.status();
    let moved = |to: String| WireError::Moved(Moved { status: Some(status.as_u16()), to });
    let here = address(home, request.uri())?;
    let named = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
    let there = named.and_then(|to| here.join(to).ok()).ok_or_else(|| moved("no address at all".to_owned()))?;
    let keeps = matches!(*request.method(), Method::GET | Method::HEAD) || matches!(status.as_u16(), 307 | 308);
    let reads = class_of(request) != Class::Write && keeps;
    if !reads || there.origin() != here.origin() || !there.username().is_empty() || there.password().is_some() {
        return Err(moved(shown(&here, &there)));
    }
    let within = if request.uri().authority().is_some() {
        Some(there.as_str().split('#').next().unwrap_or_default().to_owned())
    } else {
        let path = there.path().strip_prefix(home.path().trim_end_matches('/'));
        let query = there.query().map_or_else(String::new, |query| format!("?{query}"));
        path.filter(|path| path.starts_with('/')).map(|path| format!("{path}{query}"))
    };
    within.and_then(|uri| uri.parse().ok()).ok_or_else(|| moved(shown(&here, &there)))
}

/// The whole address that a request goes to.
fn address(home: &Url, uri: &Uri) -> Result<Url, WireError> {
    let whole = if uri.authority().is_some() {
        uri.to_string()
    } else {
        format!("{}{uri}", home.as_str().trim_end_matches('/'))
    };
    Url::parse(&whole).map_err(|error| WireError::NotConnected(format!("that is no address: {error}")))
}

/// As much of an address as may be shown: the origin where it is another one, else the path.
fn shown(here: &Url, there: &Url) -> String {
    if there.origin() == here.origin() {
        let path: String = there.path().chars().take(LONGEST_SHOWN).collect();
        return clean(&format!("{path} of its own"));
    }
    let origin = there.origin();
    let named = if origin.is_tuple() { origin.ascii_serialization() } else { format!("a {}: address", there.scheme()) };
    let plain = if here.scheme() == "https" && there.scheme() == "http" { " (not encrypted)" } else { "" };
    clean(&format!("{named}{plain}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::http::testing::{answering, get, reply, scripted};

    fn home() -> Url {
        "https://dana:s3cret@eu.test/k8s/c1".parse().unwrap()
    }

    fn redirect(status: u16, to: &str) -> Result<Response<WireBody>, WireError> {
        reply(status, &[("location", to)], "words of another place")
    }

    fn moved(answer: Result<Response<WireBody>, WireError>) -> (Option<u16>, String) {
        match answer {
            Err(WireError::Moved(moved)) => (moved.status, moved.to),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_write_is_never_sent_on_whatever_the_status_and_wherever_it_points() {
        for status in [301, 302, 303, 307, 308] {
            for (to, named) in [
                ("https://other.test:8443/a?token=s3cret", "https://other.test:8443"),
                ("https://user:s3cret@other.test/a", "https://other.test"),
                ("http://eu.test/a", "http://eu.test (not encrypted)"),
                ("/k8s/c1/y?token=s3cret", "/k8s/c1/y of its own"),
                ("file:///etc/passwd", "a file: address"),
                ("https://", "no address at all"),
            ] {
                for method in [Method::PATCH, Method::POST, Method::PUT, Method::DELETE, Method::GET] {
                    let (leaf, seen) = answering(move |_| redirect(status, to));
                    let mut request = get(Class::Write);
                    *request.method_mut() = method;
                    *request.body_mut() = Bytes::from_static(b"{}");
                    let answer = send(&at_home(leaf, &home()), request).await;
                    assert_eq!((moved(answer), seen.count()), ((Some(status), named.to_owned()), 1));
                }
            }
        }
    }

    #[tokio::test]
    async fn a_read_goes_on_within_its_origin_and_nowhere_else() {
        let went = [
            ("/k8s/c1/y?a=1", "/y?a=1"),
            ("y", "/y"),
            ("https://eu.test/k8s/c1/y", "/y"),
            ("https://EU.test:443/k8s/c1/y#x", "/y"),
        ];
        for (to, asked) in went {
            let (leaf, seen) = scripted([redirect(302, to), reply(200, &[], "fine")]);
            let answer = send(&at_home(leaf, &home()), get(Class::Read)).await.unwrap();
            let uris: Vec<String> = seen.all().iter().map(|request| request.uri().to_string()).collect();
            assert_eq!((answer.status().as_u16(), uris), (200, vec!["/x".to_owned(), asked.to_owned()]), "{to}");
        }
        let stayed = [
            ("https://other.test/y", "https://other.test"),
            ("//other.test/y", "https://other.test"),
            ("https://eu.test:6443/k8s/c1/y", "https://eu.test:6443"),
            ("http://eu.test/k8s/c1/y", "http://eu.test (not encrypted)"),
            ("https://user@eu.test/k8s/c1/y", "/k8s/c1/y of its own"),
            ("/login", "/login of its own"),
            ("/k8s/c12/y", "/k8s/c12/y of its own"),
        ];
        for (to, named) in stayed {
            for class in [Class::Read, Class::Stream] {
                let (leaf, seen) = scripted([redirect(302, to), reply(200, &[], "fine")]);
                let answer = send(&at_home(leaf, &home()), get(class)).await;
                assert_eq!((moved(answer), seen.count()), ((Some(302), named.to_owned()), 1), "{to}");
            }
        }
    }

    #[tokio::test]
    async fn a_question_that_is_posted_goes_on_with_its_body_or_not_at_all() {
        for (status, sent) in [(301, 1), (302, 1), (303, 1), (307, 2), (308, 2)] {
            let (leaf, seen) = scripted([redirect(status, "/k8s/c1/y"), reply(200, &[], "fine")]);
            let mut request = get(Class::Read);
            *request.method_mut() = Method::POST;
            *request.body_mut() = Bytes::from_static(b"query=up");
            let answer = send(&at_home(leaf, &home()), request).await;
            let whole = seen.all().iter().all(|request| request.method() == Method::POST && !request.body().is_empty());
            assert_eq!((answer.is_ok(), seen.count(), whole), (sent == 2, sent, true), "{status}");
        }
    }

    #[tokio::test]
    async fn a_circle_ends() {
        let (leaf, seen) = answering(|_| redirect(302, "/k8s/c1/x"));
        let answer = send(&at_home(leaf, &home()), get(Class::Read)).await;
        assert_eq!((moved(answer), seen.count()), ((None, "itself, in a circle".to_owned()), MOST_HOPS + 1));
    }

    #[tokio::test]
    async fn a_redirect_that_was_asked_for_is_an_answer() {
        let (leaf, seen) = scripted([redirect(302, "https://blob.test/log?sig=a")]);
        let mut request = get(Class::Read);
        request.extensions_mut().insert(WantsRedirect);
        let answer = send(&at_home(leaf, &home()), request).await.unwrap();
        assert_eq!((answer.status().as_u16(), seen.count()), (302, 1));
    }

    #[tokio::test]
    async fn a_whole_address_is_read_encrypted_and_without_a_body_or_not_at_all() {
        for (uri, method, class, goes) in [
            ("https://blob.test/log?sig=a", Method::GET, Class::Read, true),
            ("http://169.254.169.254/latest/meta-data", Method::GET, Class::Read, false),
            ("https://blob.test/log", Method::POST, Class::Read, false),
            ("https://blob.test/log", Method::GET, Class::Write, false),
        ] {
            let (leaf, seen) = scripted([reply(200, &[], "fine")]);
            let mut request = get(class);
            (*request.uri_mut(), *request.method_mut()) = (uri.parse().unwrap(), method);
            let answer = send(&at_home(leaf, &home()), request).await;
            assert_eq!((answer.is_ok(), seen.count()), (goes, usize::from(goes)), "{uri}");
        }
    }
}
