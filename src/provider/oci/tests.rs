//! Tokens: fetched where the registry may send us, kept while they are good, and nowhere else does our name go.

use futures::StreamExt;

use super::*;
use crate::provider::http::testing::{Jumping, Reply, reply, scripted};

const CHALLENGE: &str =
    "Bearer realm=\"https://auth.test/token\",service=\"r.test\",scope=\"repository:shop/pay:pull\"";
const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn wants_a_token() -> Reply {
    reply(401, &[("www-authenticate", CHALLENGE)], "")
}

fn there() -> [Reply; 2] {
    [
        reply(200, &[("docker-content-digest", DIGEST)], ""),
        reply(200, &[], "{\"name\":\"shop/pay\",\"tags\":[\"1\",\"2\"]}"),
    ]
}

fn asked_of(lookup: &Arc<dyn Lookup>) -> Result<Kept, ProviderError> {
    let question = Question::Image { name: "r.test/shop/pay:1".to_owned() };
    let told: Vec<_> = futures::executor::block_on(lookup.ask(question).collect());
    match told.into_iter().next().unwrap()? {
        Told::Image(kept) => Ok(kept),
        other => panic!("{other:?}"),
    }
}

fn over(plain: Transport, tokens: Transport) -> Arc<dyn Lookup> {
    let settings = Settings {
        hosts: vec!["r.test".to_owned()],
        token_server: "https://auth.test/token".to_owned(),
        interval: Duration::from_mins(1),
    };
    super::over("images".into(), Ways { plain, named: None, tokens }, settings, Jumping::shared()).lookups.remove(0)
}

#[test]
fn a_token_is_fetched_once_and_brought_along_until_it_is_over() {
    let [first, tags] = there();
    let [again, again_tags] = there();
    let (plain, seen) = scripted([wants_a_token(), first, tags, again, again_tags]);
    let (tokens, fetched) = scripted([reply(200, &[], "{\"token\":\"t0k3n\",\"expires_in\":300}")]);
    let lookup = over(plain, tokens);
    let kept = Ok(Kept::There { digest: Some(DIGEST.to_owned()), tags: Ok(2) });
    assert_eq!((asked_of(&lookup), asked_of(&lookup)), (kept.clone(), kept));
    let fetched: Vec<String> = fetched.all().iter().map(|request| request.uri().to_string()).collect();
    assert_eq!(fetched, ["/token?service=r.test&scope=repository%3Ashop%2Fpay%3Apull"]);
    let lines: Vec<(String, bool)> = seen
        .all()
        .iter()
        .map(|request| {
            (format!("{} {}", request.method(), request.uri()), request.headers().contains_key("authorization"))
        })
        .collect();
    let manifest = || "HEAD /v2/shop/pay/manifests/1".to_owned();
    let list = || "GET /v2/shop/pay/tags/list?n=50".to_owned();
    assert_eq!(lines, [(manifest(), false), (manifest(), true), (list(), true), (manifest(), true), (list(), true)]);
}

#[test]
fn where_it_sends_us_elsewhere_for_a_token_we_do_not_go_and_say_where_that_was() {
    let elsewhere = "Bearer realm=\"https://evil.test/token?x=1\",service=\"r.test\"";
    let (plain, _) = scripted([reply(401, &[("www-authenticate", elsewhere)], "")]);
    let (tokens, fetched) = scripted([]);
    let error = asked_of(&over(plain, tokens)).unwrap_err();
    let text = "the registry sends us to https://evil.test/token for a token: write token_server = \"https://evil.test/token\" if \
                that is right";
    assert_eq!((error.kind, error.text.as_str(), fetched.count()), (FaultKind::Unauthenticated, text, 0));
}

#[test]
fn only_a_registry_that_says_so_itself_has_an_image_no_more() {
    let gone = |body: &'static str| {
        let (plain, _) = scripted([reply(404, &[], ""), reply(404, &[], body)]);
        asked_of(&over(plain, scripted([]).0))
    };
    assert_eq!(gone("{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\"}]}"), Ok(Kept::Gone));
    for (body, text) in [
        (
            "{\"errors\":[{\"code\":\"NAME_UNKNOWN\"}]}",
            "the registry has no repository shop/pay, or does not show it to us",
        ),
        ("<html>", "a 404 for shop/pay that is no answer of a registry: check its address"),
    ] {
        let error = gone(body).unwrap_err();
        assert_eq!((error.kind, error.text.as_str()), (FaultKind::Missing, text));
    }
}

#[test]
fn a_refusal_is_told_without_what_the_registry_wrote_behind_its_code() {
    let body = "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"token t0k3n is bad\"}]}";
    let (plain, _) = scripted([reply(403, &[], body)]);
    let error = asked_of(&over(plain, scripted([]).0)).unwrap_err();
    let text = "the registry does not let us read it (403)";
    assert_eq!((error.kind, error.text.as_str()), (FaultKind::Forbidden, text));
}
