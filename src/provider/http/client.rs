//! One system as a provider asks it: whole answers, JSON with the place of what is wrong, and failures as sentences. What is
//! the same for every vendor is here; what only one says, it adds by a hook ([`Words`]).
//!
//! A provider over this is `request` (what is asked), `api` (what is answered), `normalize` (what it means) and the facade.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header::CONTENT_TYPE};
use serde::de::DeserializeOwned;

use super::{
    body, class_of,
    error::{from_status, from_wire, retry_after, slow_down},
    page, send,
};
use crate::{
    domain::{observed::FaultKind, text::clean, time::Timestamp},
    port::{
        clock::SharedClock,
        error::ProviderError,
        wire::{Class, Transport},
    },
};

/// Characters of a plain text that are repeated.
const LONGEST_SAID: usize = 80;

/// A whole answer, whatever its status.
pub type Answer = Response<Bytes>;

/// What a vendor's answer says in words of its own, where it does: which kind of failure, and a sentence.
pub type Words = fn(&Answer) -> Option<(FaultKind, String)>;

/// The way to one system.
#[derive(Clone)]
pub struct Client {
    called: &'static str,
    transport: Transport,
    clock: SharedClock,
    words: Words,
}

impl Client {
    /// Over the layers; `called` is what sentences call the system, its name or `it` where its name stands before them.
    pub fn new(called: &'static str, transport: Transport, clock: SharedClock, words: Words) -> Self {
        Self { called, transport, clock, words }
    }

    /// Sends a request and takes the whole answer, whatever its status.
    ///
    /// # Errors
    /// When none came.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Answer, ProviderError> {
        let class = class_of(&request);
        let broken = |error| from_wire(self.called, &error, class);
        let (head, body) = send(&self.transport, request).await.map_err(broken)?.into_parts();
        Ok(Response::from_parts(head, body::collect(body).await.map_err(broken)?))
    }

    /// Sends a request; anything but a success is a failure in words.
    ///
    /// # Errors
    /// When no answer came, or one that says no.
    pub async fn done(&self, request: Request<Bytes>) -> Result<Answer, ProviderError> {
        let class = class_of(&request);
        let answer = self.send(request).await?;
        if answer.status().is_success() { Ok(answer) } else { Err(self.fault(&answer, class)) }
    }

    /// Reads JSON.
    ///
    /// # Errors
    /// When no answer came, one that says no, or one that is something else.
    pub async fn read<T: DeserializeOwned>(&self, request: Request<Bytes>) -> Result<T, ProviderError> {
        let answer = self.done(request).await?;
        let from = &mut serde_json::Deserializer::from_slice(answer.body());
        serde_path_to_error::deserialize(from).map_err(|wrong| {
            if page::words(&answer, answer.body()).is_some() {
                return no_data(self.called, &answer, "JSON");
            }
            // Where it is and not what is there: that may be a secret.
            let (line, column) = (wrong.inner().line(), wrong.inner().column());
            let place = format!("at `{}`, line {line} column {column}", clean(&wrong.path().to_string()));
            let text = format!("{} sent something else than was asked for ({place})", self.called);
            ProviderError::new(FaultKind::Unreadable, text)
        })
    }

    /// Why an answer is none.
    pub fn fault(&self, answer: &Answer, class: Class) -> ProviderError {
        fault(self.called, answer, class, self.clock.now(), self.words)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("called", &self.called).finish_non_exhaustive()
    }
}

/// Why an answer that is no success is none, by what the vendor says of it or else by its status. Where it asks to be left
/// alone for a time, that is what is said.
pub fn fault(called: &str, answer: &Answer, class: Class, now: Timestamp, words: Words) -> ProviderError {
    let status = answer.status();
    let of = |text: &str| from_status(text, status, answer.headers(), class, now);
    let busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    if let Some(wait) = retry_after(answer.headers(), now).filter(|_| busy) {
        let text = format!("{} ({})", slow_down(called, wait), status.as_u16());
        return ProviderError { kind: FaultKind::RateLimited, ..of(&text) };
    }
    if let Some((kind, text)) = words(answer) {
        return ProviderError { kind, ..of(&text) };
    }
    let (kind, sentence) = by_status(status);
    ProviderError { kind, ..of(&format!("{called} {sentence} ({})", code_and_words(answer))) }
}

/// A success that holds no data of this form.
pub fn no_data(called: &str, answer: &Answer, form: &str) -> ProviderError {
    let text = match page::words(answer, answer.body()) {
        Some(page) => format!(
            "{called} answers with {page}: is there a proxy or a login page before it? Check its address and how we sign in"
        ),
        None => format!("the answer is not {form} ({})", content_type(answer.headers())),
    };
    ProviderError::new(FaultKind::Unreadable, text)
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).and_then(|content| content.to_str().ok()).unwrap_or("no content type")
}

fn by_status(status: StatusCode) -> (FaultKind, &'static str) {
    match status.as_u16() {
        401 => (FaultKind::Unauthenticated, "does not accept our credentials; check the token or password"),
        403 => (FaultKind::Forbidden, "does not let us; ask for the right to it"),
        404 | 410 => (FaultKind::Missing, "has nothing there; check the address and the name"),
        408 | 504 => (FaultKind::TimedOut, "took too long"),
        409 => (FaultKind::Conflict, "moved since it was read"),
        429 => (FaultKind::RateLimited, "asks us to ask less often"),
        500.. => (FaultKind::Server, "failed"),
        400.. => (FaultKind::Rejected, "refuses"),
        _ => (FaultKind::Unreadable, "gave no answer"),
    }
}

/// `502: a web page ('Bad gateway')`: the status, and what a text or a page says first.
pub fn code_and_words(answer: &Answer) -> String {
    let code = answer.status().as_u16();
    let said = page::words(answer, answer.body()).unwrap_or_else(|| first_line(answer.body()));
    if said.is_empty() { code.to_string() } else { format!("{code}: {said}") }
}

fn first_line(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..4 * LONGEST_SAID).unwrap_or(body));
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    clean(&line.chars().take(LONGEST_SAID).collect::<String>())
}

/// One part of a path, percent-encoded: a name may hold a slash.
pub fn part(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let hex = |digit: u8| HEX.get(usize::from(digit & 15)).map_or('0', |digit| char::from(*digit));
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.extend(['%', hex(byte >> 4), hex(byte)]);
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::http::testing::{Jumping, get, reply, scripted};

    async fn read(status: u16, headers: &[(&str, &str)], body: &'static str) -> Result<Vec<u8>, ProviderError> {
        let (leaf, _) = scripted([reply(status, headers, body)]);
        Client::new("it", leaf, Jumping::shared(), |_| None).read(get(Class::Read)).await
    }

    #[tokio::test]
    async fn what_is_no_answer_is_told_in_a_sentence_with_the_way_out() {
        let html = [("content-type", "text/html")];
        let page = "<html><title>Bad gateway</title>";
        let none: [(&str, &str); 0] = [];
        for (status, headers, body, kind, text) in [
            (
                401,
                &none[..],
                "no\nmore",
                FaultKind::Unauthenticated,
                "it does not accept our credentials; check the token or password (401: no)",
            ),
            (502, &html[..], page, FaultKind::Server, "it failed (502: a web page ('Bad gateway'))"),
            (500, &none[..], "", FaultKind::Server, "it failed (500)"),
            (
                429,
                &[("retry-after", "120")][..],
                "x",
                FaultKind::RateLimited,
                "it asks to slow down; again in 120 s (429)",
            ),
            (
                503,
                &[("retry-after", "7")][..],
                page,
                FaultKind::RateLimited,
                "it asks to slow down; again in 7 s (503)",
            ),
            (
                200,
                &html[..],
                page,
                FaultKind::Unreadable,
                "it answers with a web page ('Bad gateway'): is there a proxy or a login page before it? Check its address and how we sign in",
            ),
            (
                200,
                &none[..],
                "[1, \"s3cret\"]",
                FaultKind::Unreadable,
                "it sent something else than was asked for (at `[1]`, line 1 column 12)",
            ),
        ] {
            let error = read(status, headers, body).await.unwrap_err();
            assert_eq!((error.kind, error.text.as_str(), error.maybe_done), (kind, text, false));
        }
        assert_eq!(read(200, &[], "[1, 2]").await, Ok(vec![1, 2]));
    }

    #[tokio::test]
    async fn what_a_vendor_says_itself_comes_before_what_its_status_says() {
        let (leaf, _) = scripted([reply(503, &[], "query timed out")]);
        let words: Words = |answer| {
            let said = String::from_utf8_lossy(answer.body()).into_owned();
            said.contains("timed out").then_some((FaultKind::TimedOut, said))
        };
        let error = Client::new("it", leaf, Jumping::shared(), words).done(get(Class::Write)).await.unwrap_err();
        assert_eq!((error.kind, error.text.as_str(), error.maybe_done), (FaultKind::TimedOut, "query timed out", true));
    }

    #[test]
    fn a_name_with_a_slash_is_one_part_of_a_path() {
        assert_eq!(part("prod/eu west-1~ü"), "prod%2Feu%20west-1~%C3%BC");
    }
}
