//! One system as a provider asks it: whole answers, JSON with the place of what is wrong, and failures as sentences. What is
//! the same for every vendor is here; what only one says, it adds by a hook ([`Words`]).
//!
//! A provider over this is `request` (what is asked), `api` (what is answered), `normalize` (what it means) and the facade.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header::CONTENT_TYPE};
use serde::de::DeserializeOwned;

use super::{
    body, class_of,
    error::{from_status, from_wire, retry_after, slow_down},
    items, page, send,
};
use crate::{
    domain::{observed::FaultKind, text::clean, time::Timestamp},
    port::{
        clock::SharedClock,
        error::ProviderError,
        wire::{Class, Moved, Transport, WireBody, WireError},
    },
};

/// Characters of a plain text that are repeated.
const LONGEST_SAID: usize = 80;

/// A whole answer, whatever its status.
pub type Answer = Response<Bytes>;

/// What a vendor's answer says in words of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Which kind of failure.
    pub kind: FaultKind,
    /// A sentence.
    pub text: String,
    /// How long it asks to be left alone, where it says so in a way of its own.
    pub pause: Option<Duration>,
}

impl From<(FaultKind, String)> for Said {
    fn from((kind, text): (FaultKind, String)) -> Self {
        Self { kind, text, pause: None }
    }
}

/// Reads what a vendor says of an answer that is no success; `None` where its status says all.
pub type Words = dyn Fn(&Answer, Timestamp) -> Option<Said> + Send + Sync;

/// What a vendor means by an answer that points elsewhere; `None` where that is what it means everywhere.
pub type Moves = fn(&Moved, Class) -> Option<String>;

/// The way to one system.
#[derive(Clone)]
pub struct Client {
    /// What stands before every sentence: `NAME, acme/ledger: `; empty where nothing does.
    before: String,
    called: Cow<'static, str>,
    transport: Transport,
    clock: SharedClock,
    words: Arc<Words>,
    moves: Moves,
    /// Bytes of JSON that are read as one thing.
    most: usize,
}

impl Client {
    /// Over the layers; `called` is what sentences call the system, its name or `it` where its name stands before them.
    pub fn new(
        called: impl Into<Cow<'static, str>>,
        transport: Transport,
        clock: SharedClock,
        words: impl Fn(&Answer, Timestamp) -> Option<Said> + Send + Sync + 'static,
    ) -> Self {
        let (before, called, words) = (String::new(), called.into(), Arc::new(words));
        Self { before, called, transport, clock, words, moves: |_, _| None, most: body::LONGEST }
    }

    /// The same, where being pointed elsewhere means something of the vendor's own.
    #[must_use]
    pub fn with_moves(self, moves: Moves) -> Self {
        Self { moves, ..self }
    }

    /// The same, reading no more JSON than this at once.
    #[must_use]
    pub fn up_to(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// The same with other words: those that know what is asked.
    #[must_use]
    pub fn saying(&self, words: impl Fn(&Answer, Timestamp) -> Option<Said> + Send + Sync + 'static) -> Self {
        Self { words: Arc::new(words), ..self.clone() }
    }

    /// The same, asked about one thing: its sentences begin with the system's name and that.
    #[must_use]
    pub fn about(&self, what: &str) -> Self {
        Self { before: format!("{}, {what}: ", self.called), called: Cow::Borrowed("it"), ..self.clone() }
    }

    /// Sends a request and leaves the body of a success to whoever reads it.
    ///
    /// # Errors
    /// When no answer came, or one that says no.
    pub async fn open(&self, request: Request<Bytes>) -> Result<Response<WireBody>, ProviderError> {
        let class = class_of(&request);
        let response = send(&self.transport, request).await.map_err(|error| self.broken(&error, class))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (head, body) = response.into_parts();
        // The status says what happened even where the words that explain it are lost.
        let body = body::collect(body).await.unwrap_or_default();
        Err(self.fault(&Response::from_parts(head, body), class))
    }

    /// Sends a request and takes the whole answer, whatever its status.
    ///
    /// # Errors
    /// When none came.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Answer, ProviderError> {
        let class = class_of(&request);
        let response = send(&self.transport, request).await.map_err(|error| self.broken(&error, class))?;
        self.whole(response, class).await
    }

    /// Sends a request; anything but a success is a failure in words.
    ///
    /// # Errors
    /// When no answer came, or one that says no.
    pub async fn done(&self, request: Request<Bytes>) -> Result<Answer, ProviderError> {
        let class = class_of(&request);
        let response = self.open(request).await?;
        self.whole(response, class).await
    }

    async fn whole(&self, response: Response<WireBody>, class: Class) -> Result<Answer, ProviderError> {
        let (head, body) = response.into_parts();
        let body = body::collect(body).await.map_err(|error| self.broken(&error, class))?;
        Ok(Response::from_parts(head, body))
    }

    /// Reads JSON.
    ///
    /// # Errors
    /// When no answer came, one that says no, or one that is something else.
    pub async fn read<T: DeserializeOwned>(&self, request: Request<Bytes>) -> Result<T, ProviderError> {
        self.json(&self.done(request).await?)
    }

    /// The JSON of a success.
    ///
    /// # Errors
    /// When it is none, another one than was asked for, or too long.
    pub fn json<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, ProviderError> {
        if answer.body().len() > self.most {
            let text = format!("{}the answer is longer than {} MiB", self.before, self.most >> 20);
            return Err(ProviderError::new(FaultKind::Unreadable, text));
        }
        let from = &mut serde_json::Deserializer::from_slice(answer.body());
        serde_path_to_error::deserialize(from).map_err(|wrong| {
            if page::words(answer, answer.body()).is_some() {
                return self.placed(no_data(&self.called, answer, "JSON"));
            }
            // Where it is and not what is there, which may be a secret; but for what we say ourselves.
            let (line, column) = (wrong.inner().line(), wrong.inner().column());
            let own = wrong.inner().to_string();
            let place = if items::is_overfull(&own) {
                own
            } else {
                format!("at `{}`, line {line} column {column}", clean(&wrong.path().to_string()))
            };
            let text = if self.before.is_empty() {
                format!("{} sent something else than was asked for ({place})", self.called)
            } else {
                format!("{}cannot read the answer ({place})", self.before)
            };
            ProviderError::new(FaultKind::Unreadable, text)
        })
    }

    /// Why an answer is none.
    pub fn fault(&self, answer: &Answer, class: Class) -> ProviderError {
        self.placed(fault(&self.called, answer, class, self.clock.now(), &*self.words))
    }

    /// Why there is no answer, or no whole one.
    pub fn broken(&self, error: &WireError, class: Class) -> ProviderError {
        let plain = from_wire(&self.called, error, class, self.clock.now());
        let own = if let WireError::Moved(moved) = error { (self.moves)(moved, class) } else { None };
        self.placed(match own {
            Some(text) => ProviderError { text, ..plain },
            None => plain,
        })
    }

    /// With what stands before.
    fn placed(&self, mut error: ProviderError) -> ProviderError {
        error.text = ProviderError::new(error.kind, format!("{}{}", self.before, error.text)).text;
        error
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("called", &self.called).finish_non_exhaustive()
    }
}

/// Why an answer that is no success is none, by what the vendor says of it or else by its status. Where it asks to be left
/// alone for a time, that is what is said.
pub fn fault(called: &str, answer: &Answer, class: Class, now: Timestamp, words: &Words) -> ProviderError {
    let status = answer.status();
    let of = |text: &str| from_status(text, status, answer.headers(), class, now);
    let said = words(answer, now);
    if let Some(Said { kind, text, pause: pause @ Some(_) }) = said {
        return ProviderError { kind, retry_after: pause, ..of(&text) };
    }
    let busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    if let Some(wait) = retry_after(answer.headers(), now).filter(|_| busy) {
        let text = format!("{} ({})", slow_down(called, wait, now), status.as_u16());
        return ProviderError { kind: FaultKind::RateLimited, ..of(&text) };
    }
    if let Some(Said { kind, text, .. }) = said {
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
        Client::new("it", leaf, Jumping::shared(), |_, _| None).read(get(Class::Read)).await
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
                "it asks to slow down; again at 06:23:09 UTC (429)",
            ),
            (
                503,
                &[("retry-after", "7")][..],
                page,
                FaultKind::RateLimited,
                "it asks to slow down; again at 06:21:16 UTC (503)",
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
        let words = |answer: &Answer, _| {
            let said = String::from_utf8_lossy(answer.body()).into_owned();
            said.contains("timed out").then_some(Said::from((FaultKind::TimedOut, said)))
        };
        let error = Client::new("it", leaf, Jumping::shared(), words).done(get(Class::Write)).await.unwrap_err();
        assert_eq!((error.kind, error.text.as_str(), error.maybe_done), (FaultKind::TimedOut, "query timed out", true));
    }

    #[tokio::test]
    async fn what_is_asked_about_stands_before_every_sentence_and_no_more_is_read_than_was_agreed() {
        let moved = WireError::Moved(Moved { status: Some(307), to: "/new of its own".to_owned() });
        let answers = [
            reply(401, &[], ""),
            Err(WireError::Lost("reset".to_owned())),
            Err(moved),
            reply(200, &[], "[1, null]"),
            reply(200, &[("content-type", "text/html")], "<html>"),
            reply(200, &[], "[1, 2, 3, 4]"),
        ];
        let (leaf, _) = scripted(answers);
        let client = Client::new("GitHub", leaf, Jumping::shared(), |_, _| None).up_to(10).about("acme/ledger");
        let client = client.with_moves(|moved, _| Some(format!("it was renamed: it {moved}")));
        for said in [
            "it does not accept our credentials; check the token or password (401)",
            "the connection to it broke: reset",
            "it was renamed: it sends us to /new of its own (307)",
            "cannot read the answer (at `[1]`, line 1 column 8)",
            "it answers with a web page: is there a proxy or a login page before it? Check its address and how we sign in",
            "the answer is longer than 0 MiB",
        ] {
            let error = client.read::<Vec<u8>>(get(Class::Read)).await.unwrap_err();
            assert_eq!(error.text, format!("GitHub, acme/ledger: {said}"));
        }
    }

    #[tokio::test]
    async fn a_pause_that_a_vendor_names_in_a_way_of_its_own_is_kept() {
        let (leaf, _) = scripted([reply(403, &[("retry-after", "7")], "")]);
        let words = |_: &Answer, _| {
            let (kind, pause) = (FaultKind::RateLimited, Some(Duration::from_secs(90)));
            Some(Said { kind, text: "asked too much".to_owned(), pause })
        };
        let error = Client::new("it", leaf, Jumping::shared(), words).done(get(Class::Read)).await.unwrap_err();
        assert_eq!((error.kind, error.retry_after), (FaultKind::RateLimited, Some(Duration::from_secs(90))));
    }

    #[test]
    fn a_name_with_a_slash_is_one_part_of_a_path() {
        assert_eq!(part("prod/eu west-1~ü"), "prod%2Feu%20west-1~%C3%BC");
    }
}
