//! A web page where an answer should stand: whoever signs people in, or a proxy, spoke in the system's place.

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header::CONTENT_TYPE};
use tower::service_fn;

use super::{body, class_of, send};
use crate::{
    domain::text::clean,
    port::wire::{Class, Transport, WireBody, WireError, whole},
};

/// So much of a page is looked through for its title.
const LOOKED_AT: usize = 64 << 10;
/// Characters of a title that are shown.
const LONGEST_TITLE: usize = 60;

/// Which address an answer came from in the end, as far as it may be shown. It travels in the answer's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whence(pub String);

/// `a web page ('Sign in') from https://sso.test/login`; `None` where the answer is none.
pub fn words<B>(response: &Response<B>, body: &[u8]) -> Option<String> {
    if !is_page(response.headers(), body) {
        return None;
    }
    let title = title(body).map_or_else(String::new, |title| format!(" ('{title}')"));
    let whence = response.extensions().get::<Whence>().map_or_else(String::new, |Whence(at)| format!(" from {at}"));
    Some(format!("a web page{title}{whence}"))
}

/// Does markup stand where data should? Data that is called a page by mistake is none.
pub fn is_page(headers: &HeaderMap, body: &[u8]) -> bool {
    let begin = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    let says = |what: &[u8]| begin.get(..what.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(what));
    let content = headers.get(CONTENT_TYPE).and_then(|content| content.to_str().ok()).unwrap_or_default();
    says(b"<!doctype html") || says(b"<html") || (content.to_ascii_lowercase().contains("html") && says(b"<"))
}

/// What the page calls itself.
fn title(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body.get(..LOOKED_AT).unwrap_or(body));
    // Lower case for the search only; ASCII alone, so that no place moves.
    let low = text.to_ascii_lowercase();
    let from = low.find("<title")?;
    let from = from + low.get(from..)?.find('>')? + 1;
    let to = from + low.get(from..)?.find("</title")?;
    let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        .into_iter()
        .fold(text.get(from..to)?.to_owned(), |text, (written, meant)| text.replace(written, meant));
    let words: Vec<&str> = plain.split_whitespace().collect();
    let line: String = clean(&words.join(" ")).chars().take(LONGEST_TITLE).collect();
    (!line.is_empty()).then_some(line)
}

/// A write that is answered with a page was not told to be done: whatever the status says, its outcome is unknown. Reads
/// are left to whoever reads them.
pub(super) fn refused(inner: Transport) -> Transport {
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let inner = inner.clone();
        async move {
            let writes = class_of(&request) == Class::Write;
            let response = send(&inner, request).await?;
            if writes && response.status().is_success() { no_page(response).await } else { Ok(response) }
        }
    }))
}

async fn no_page(response: Response<WireBody>) -> Result<Response<WireBody>, WireError> {
    let (head, body) = response.into_parts();
    let body = body::collect(body).await?;
    let response = Response::from_parts(head, ());
    match words(&response, &body) {
        Some(page) => Err(WireError::Page(page)),
        None => Ok(response.map(|()| whole(body))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::http::testing::{get, reply, scripted};

    const LOGIN: &str =
        "\n<!DOCTYPE html><html><head><TITLE lang=en>\n Sign in &amp;\u{1b}[31m go </TITLE></head></html>";

    #[tokio::test]
    async fn a_write_that_is_answered_with_a_page_is_not_taken_for_done() {
        let html = [("content-type", "text/html; charset=utf-8")];
        let (leaf, _) = scripted([reply(200, &html, LOGIN), reply(200, &html, LOGIN), reply(500, &html, LOGIN)]);
        let layer = refused(leaf);
        let error = send(&layer, get(Class::Write)).await.unwrap_err();
        assert_eq!(error, WireError::Page("a web page ('Sign in & go')".to_owned()));
        assert!(send(&layer, get(Class::Read)).await.is_ok(), "whoever reads says it in words of its own");
        assert_eq!(send(&layer, get(Class::Write)).await.unwrap().status(), 500);
    }

    #[test]
    fn a_page_is_known_by_its_markup_and_not_by_what_it_is_called() {
        let html = HeaderMap::from_iter([(CONTENT_TYPE, "text/html".parse().unwrap())]);
        let none = HeaderMap::new();
        for (headers, body, page) in [
            (&html, LOGIN, true),
            (&none, LOGIN, true),
            (&none, "\u{feff}<HTML>", true),
            (&html, "<div>", true),
            (&none, "<?xml version='1.0'?>", false),
            (&html, "{\"status\":\"success\"}", false),
            (&html, "", false),
        ] {
            assert_eq!(is_page(headers, body.as_bytes()), page, "{body}");
        }
    }

    #[test]
    fn the_title_and_the_address_are_named_where_there_are_any() {
        let mut response = Response::new(());
        assert_eq!(words(&response, b"<html>").as_deref(), Some("a web page"));
        response.extensions_mut().insert(Whence("https://sso.test/login".to_owned()));
        let said = words(&response, LOGIN.as_bytes());
        assert_eq!(said.as_deref(), Some("a web page ('Sign in & go') from https://sso.test/login"));
    }
}
