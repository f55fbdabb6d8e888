//! One system stays one system: where it points elsewhere, we do not go.
//!
//! A write is never sent on, whatever the status. A read goes on within the origin (scheme, host, port) that answered it, or to
//! the same host where it is asked encrypted instead of in clear, a few times; the same request, or none: a body that would be
//! dropped on the way is not a question any more. Everything else is an error that names where it was to go: the answer of
//! another place is not this system's, and neither our token nor our bodies are for it.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Uri, header};
use tower::service_fn;
use url::Url;

use super::{class_of, page::Whence, send};
use crate::{
    domain::text::clean,
    port::wire::{Class, Moved, Transport, WireBody, WireError},
};

/// How often one read goes on.
const MOST_HOPS: usize = 5;
/// Characters of a path that are shown.
const LONGEST_SHOWN: usize = 80;

/// What follows an address where people are asked who they are.
pub(super) const TO_SIGN_IN: &str = " to sign in";
/// What such places are called.
const SIGNS_IN: [&str; 12] = [
    "accounts",
    "authorize",
    "idp",
    "keycloak",
    "login",
    "oauth",
    "oauth2",
    "saml",
    "sign-in",
    "sign_in",
    "signin",
    "sso",
];

/// Marks a request whose redirect is what it asks for. It comes back as an answer.
#[derive(Clone, Copy, Debug)]
pub struct WantsRedirect;

/// Marks a request that is asked of the system where it is encrypted: this origin instead of the configured one.
#[derive(Clone, Debug)]
pub(super) struct Encrypted(pub(super) Url);

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
    let mut here = address(home, request.uri())?;
    for _ in 0..=MOST_HOPS {
        let mut response = send(leaf, request.clone()).await?;
        if !points_elsewhere(response.status()) || request.extensions().get::<WantsRedirect>().is_some() {
            response.extensions_mut().insert(Whence(plain(&here)));
            return Ok(response);
        }
        here = onward(home, &here, &mut request, &response)?;
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
    Err(WireError::Moved(Moved { status: None, to: shown(home, home, &there) }))
}

/// Turns a read to where it goes on, in the form that it was asked in (a path of the system, or a whole address), and says
/// where that is.
fn onward(
    home: &Url,
    here: &Url,
    request: &mut Request<Bytes>,
    response: &Response<WireBody>,
) -> Result<Url, WireError> {
    let status = response.status();
    let moved = |to: String| WireError::Moved(Moved { status: Some(status.as_u16()), to });
    let named = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
    let there = named.and_then(|to| here.join(to).ok()).ok_or_else(|| moved("no address at all".to_owned()))?;
    let elsewhere = || moved(shown(home, here, &there));
    let reads = class_of(request) != Class::Write && may_go_on(status, request, here, &there);
    let nobody = there.username().is_empty() && there.password().is_none();
    if !reads || !nobody || !(there.origin() == here.origin() || is_encrypted_twin(here, &there)) {
        return Err(elsewhere());
    }
    let whole = || there.as_str().split('#').next().unwrap_or_default().parse::<Uri>().ok();
    let uri = if request.uri().authority().is_some() {
        whole()
    } else {
        let path = there.path().strip_prefix(home.path().trim_end_matches('/'));
        let query = there.query().map_or_else(String::new, |query| format!("?{query}"));
        let below = path.filter(|path| path.starts_with('/'));
        below.and_then(|path| format!("{path}{query}").parse().ok())
    };
    *request.uri_mut() = uri.ok_or_else(elsewhere)?;
    if there.origin() != home.origin() && request.uri().authority().is_none() {
        request.extensions_mut().insert(Encrypted(there.clone()));
    }
    Ok(there)
}

/// May this question be asked where it is pointed to? A question that is posted stays one only where the same thing is asked
/// there: what signs people in lies elsewhere, and gets no query. A 303 means that it is another question.
fn may_go_on(status: StatusCode, request: &Request<Bytes>, here: &Url, there: &Url) -> bool {
    match (request.method(), status.as_u16()) {
        (&Method::GET | &Method::HEAD, _) | (_, 307 | 308) => true,
        (_, 301 | 302) => base_of(here, there, request.uri()).is_some(),
        _ => false,
    }
}

/// The same host, asked in clear before and encrypted now: whoever could read along has read our token already.
fn is_encrypted_twin(here: &Url, there: &Url) -> bool {
    here.scheme() == "http" && there.scheme() == "https" && here.host_str() == there.host_str()
}

/// The address that the system lies at where this one points, if the same thing is asked there.
fn base_of<'t>(here: &Url, there: &'t Url, asked: &Uri) -> Option<&'t str> {
    let path = if asked.authority().is_some() { here.path() } else { asked.path() };
    (path != "/").then(|| there.path().strip_suffix(path)).flatten()
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

/// As much of an address as may be shown: where the same system is said to be, its base; else the origin where it is another
/// one, or the path.
fn shown(home: &Url, here: &Url, there: &Url) -> String {
    let asked = here.path().strip_prefix(home.path().trim_end_matches('/')).unwrap_or_default();
    let base = asked.parse().ok().filter(|_| !asked.is_empty()).and_then(|asked| base_of(here, there, &asked));
    let cut = |path: &str| path.chars().take(LONGEST_SHOWN).collect::<String>();
    let signs_in = if signs_in(there) { TO_SIGN_IN } else { "" };
    if there.origin() == here.origin() {
        return clean(&format!("{} of its own{signs_in}", cut(there.path())));
    }
    let origin = there.origin();
    let named = if origin.is_tuple() { origin.ascii_serialization() } else { format!("a {}: address", there.scheme()) };
    let plain = if here.scheme() == "https" && there.scheme() == "http" { " (not encrypted)" } else { "" };
    clean(&format!("{named}{}{plain}{signs_in}", cut(base.unwrap_or_default())))
}

/// Is it where people are asked who they are?
fn signs_in(there: &Url) -> bool {
    let host = there.host_str().unwrap_or_default().split('.').next().unwrap_or_default();
    let mut parts = there.path().split(['/', '.']).chain([host]);
    parts.any(|part| SIGNS_IN.iter().any(|word| part.eq_ignore_ascii_case(word)))
}

/// An address without what may be a secret in it.
fn plain(at: &Url) -> String {
    let path: String = at.path().chars().take(LONGEST_SHOWN).collect();
    clean(&format!("{}{path}", at.origin().ascii_serialization()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::http::{
        Base, based,
        testing::{answering, get, reply, scripted},
    };

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
            ("/login", "/login of its own to sign in"),
            ("https://sso.test/?rd=a", "https://sso.test to sign in"),
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
        for (status, to, sent) in [
            (301, "/k8s/c1/moved/x", 2),
            (302, "/k8s/c1/moved/x", 2),
            (302, "/k8s/c1/login?rd=/x", 1),
            (303, "/k8s/c1/moved/x", 1),
            (307, "/k8s/c1/y", 2),
            (308, "/k8s/c1/y", 2),
        ] {
            let (leaf, seen) = scripted([redirect(status, to), reply(200, &[], "fine")]);
            let mut request = get(Class::Read);
            *request.method_mut() = Method::POST;
            *request.body_mut() = Bytes::from_static(b"query=up");
            let answer = send(&at_home(leaf, &home()), request).await;
            let whole = seen.all().iter().all(|request| request.method() == Method::POST && !request.body().is_empty());
            assert_eq!((answer.is_ok(), seen.count(), whole), (sent == 2, sent, true), "{status}");
        }
    }

    #[tokio::test]
    async fn a_question_follows_to_the_same_host_where_it_is_encrypted_with_its_token_and_its_body() {
        let home: Url = "http://eu.test:9090/prom".parse().unwrap();
        for (to, goes) in [
            ("https://eu.test/prom/x", true),
            ("https://eu.test:9443/prom/x", true),
            ("https://us.test/prom/x", false),
            ("https://eu.test/other/login", false),
            ("https://eu.test.evil.test/prom/x", false),
        ] {
            let (leaf, seen) = scripted([redirect(301, to), redirect(307, "/prom/y?a=1"), reply(200, &[], "fine")]);
            let base = Base::new(home.clone()).bearer(&secrecy::SecretString::from("t0k3n"));
            let mut request = get(Class::Read);
            (*request.method_mut(), *request.body_mut()) = (Method::POST, Bytes::from_static(b"query=up"));
            let answer = send(&at_home(based(leaf, &base).unwrap(), &home), request).await;
            assert_eq!(answer.is_ok(), goes, "{to}");
            let asked: Vec<(String, bool, Bytes)> = seen
                .all()
                .into_iter()
                .map(|one| (one.uri().to_string(), one.headers().contains_key("authorization"), one.into_body()))
                .collect();
            let origin = to.strip_suffix("/prom/x").unwrap_or_default();
            let all = ["http://eu.test:9090/prom/x".to_owned(), to.to_owned(), format!("{origin}/prom/y?a=1")];
            let all: Vec<_> = all.into_iter().map(|uri| (uri, true, Bytes::from_static(b"query=up"))).collect();
            assert_eq!(asked, if goes { &all[..] } else { &all[..1] }, "{to}");
            if let Ok(answer) = answer {
                assert_eq!(answer.extensions().get(), Some(&Whence(format!("{origin}/prom/y"))));
            }
        }
    }

    #[tokio::test]
    async fn a_moved_system_is_named_by_the_address_to_configure() {
        let (leaf, _) = scripted([redirect(301, "https://new.test/metrics/x?token=s3cret")]);
        let answer = send(&at_home(leaf, &home()), get(Class::Read)).await;
        assert_eq!(moved(answer), (Some(301), "https://new.test/metrics".to_owned()));
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
