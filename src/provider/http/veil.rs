//! Our own secrets out of whatever a system says: some repeat the token they were sent ("token X is not known"), and what they say
//! is shown, recorded and written down. Here it is taken out before anybody reads it, whichever system it is.
//!
//! A word of a few letters may be a password and part of any name too: those are taken out of refusals only, which nothing is done
//! by. In what is an answer a name without them would be another name.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use regex::bytes::Regex;
use secrecy::{ExposeSecret, SecretString};
use tower::service_fn;

use super::send;
use crate::port::{
    secrets::MASK,
    wire::{Transport, WireBody, WireError},
};

/// From so many bytes on a secret is nothing else.
const LONG: usize = 8;
/// Below this it is no secret, and everywhere.
const SHORT: usize = 3;

/// What must not be seen, asked anew with each request: some of it changes.
pub type Ours = Arc<dyn Fn() -> Vec<SecretString> + Send + Sync>;

/// The same transport, of which no answer holds what is ours.
pub fn veiled(inner: Transport, ours: Ours) -> Transport {
    let known = Arc::new(Known::default());
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let (inner, ours, known) = (inner.clone(), ours.clone(), Arc::clone(&known));
        async move {
            match send(&inner, request).await {
                Ok(response) if response.status().is_success() => Ok(without(response, &known.of(&ours()).long)),
                Ok(response) => Ok(without(response, &known.of(&ours()).short)),
                Err(error) => Err(silent(error, &known.of(&ours()).short)),
            }
        }
    }))
}

/// What is looked for in answers and in refusals, made anew when a secret is another one.
#[derive(Default)]
struct Known(Mutex<Option<(Vec<SecretString>, Arc<Both>)>>);

struct Both {
    long: Arc<Needles>,
    short: Arc<Needles>,
}

impl Known {
    fn of(&self, ours: &[SecretString]) -> Arc<Both> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |of: &[SecretString]| of.iter().map(secret_text).eq(ours.iter().map(secret_text));
        if let Some((_, both)) = known.as_ref().filter(|(of, _)| same(of)) {
            return Arc::clone(both);
        }
        let [long, short] = [LONG, SHORT].map(|least| Arc::new(Needles::of(ours, least)));
        let both = Arc::new(Both { long, short });
        *known = Some((ours.to_vec(), Arc::clone(&both)));
        both
    }
}

fn secret_text(secret: &SecretString) -> &str {
    secret.expose_secret()
}

fn without(response: Response<WireBody>, needles: &Arc<Needles>) -> Response<WireBody> {
    if needles.all.is_empty() {
        return response;
    }
    let (mut head, body) = response.into_parts();
    hide_headers(&mut head.headers, needles);
    let needles = Arc::clone(needles);
    let body = Veil { body, needles, held: BytesMut::new(), ready: VecDeque::new() };
    Response::from_parts(head, body.boxed_unsync())
}

fn hide_headers(headers: &mut HeaderMap, needles: &Needles) {
    for value in headers.values_mut() {
        let hidden = needles.hide(&Bytes::copy_from_slice(value.as_bytes()), true).0;
        if hidden != value.as_bytes() {
            // What cannot stand in a header is nothing.
            *value = HeaderValue::from_bytes(&hidden).unwrap_or(HeaderValue::from_static(""));
        }
    }
}

fn silent(error: WireError, needles: &Needles) -> WireError {
    let hide = |text: String| String::from_utf8_lossy(&needles.hide(&Bytes::from(text), true).0).into_owned();
    match error {
        WireError::NotConnected(why) => WireError::NotConnected(hide(why)),
        WireError::Lost(why) => WireError::Lost(hide(why)),
        WireError::Barred(why) => WireError::Barred(hide(why)),
        WireError::Page(page) => WireError::Page(hide(page)),
        WireError::Moved(mut moved) => {
            moved.to = hide(moved.to);
            WireError::Moved(moved)
        }
        other => other,
    }
}

/// What is looked for.
struct Needles {
    /// The longest first.
    all: Vec<Vec<u8>>,
    /// Finds any of them.
    any: Option<Regex>,
}

impl Needles {
    /// Secrets of so many bytes at least, in every form in which one is repeated.
    fn of(ours: &[SecretString], least: usize) -> Self {
        let mut all: Vec<Vec<u8>> = Vec::new();
        for secret in ours.iter().map(|secret| secret.expose_secret().trim()).filter(|secret| secret.len() >= least) {
            let quoted = serde_json::to_string(secret).unwrap_or_default();
            let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            let forms = [secret, quoted.trim_matches('"'), &percent];
            all.extend(forms.into_iter().filter(|form| !form.is_empty()).map(|form| form.as_bytes().to_vec()));
        }
        all.sort_by(|one, two| two.len().cmp(&one.len()).then_with(|| one.cmp(two)));
        all.dedup();
        let escaped = all.iter().map(|needle| regex::escape(&String::from_utf8_lossy(needle))).collect::<Vec<_>>();
        // Of several that begin at one place the first that is written is taken: the longest.
        let any = Some(escaped.join("|")).filter(|text| !text.is_empty()).and_then(|text| Regex::new(&text).ok());
        Self { all, any }
    }

    /// The text without them; and how many bytes at its end may be the beginning of one. At the end of all nothing is.
    fn hide(&self, text: &Bytes, is_end: bool) -> (Bytes, usize) {
        let Some(any) = &self.any else { return (text.clone(), 0) };
        let (mut shown, mut from) = (BytesMut::new(), 0);
        for found in any.find_iter(text) {
            shown.extend_from_slice(text.get(from..found.start()).unwrap_or_default());
            shown.extend_from_slice(MASK.as_bytes());
            from = found.end();
        }
        let open = if is_end { 0 } else { self.open(text.get(from..).unwrap_or_default()) };
        if from == 0 {
            return (text.slice(..text.len() - open), open);
        }
        shown.extend_from_slice(text.get(from..text.len() - open).unwrap_or_default());
        (shown.freeze(), open)
    }

    /// How many bytes at the end of a text may be the beginning of one.
    fn open(&self, text: &[u8]) -> usize {
        let longest = self.all.first().map_or(0, Vec::len).saturating_sub(1).min(text.len());
        let begins = |many: &usize| {
            let end = text.get(text.len() - many..).unwrap_or_default();
            self.all.iter().any(|needle| needle.starts_with(end))
        };
        (1..=longest).rev().find(begins).unwrap_or(0)
    }
}

/// A body as it comes, without them. Only what may be the beginning of one is kept back until more comes: a line of a stream is
/// never late.
struct Veil {
    body: WireBody,
    needles: Arc<Needles>,
    held: BytesMut,
    ready: VecDeque<Frame<Bytes>>,
}

impl Body for Veil {
    type Data = Bytes;
    type Error = WireError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, WireError>>> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(frame)));
            }
            let Poll::Ready(next) = Pin::new(&mut self.body).poll_frame(context) else { return Poll::Pending };
            match next {
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.take(data),
                    Err(trailers) => {
                        self.finish();
                        self.ready.push_back(trailers);
                    }
                },
                None if self.held.is_empty() => return Poll::Ready(None),
                None => self.finish(),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ready.is_empty() && self.held.is_empty() && self.body.is_end_stream()
    }
}

impl Veil {
    fn take(&mut self, data: Bytes) {
        let text = if self.held.is_empty() {
            data
        } else {
            self.held.extend_from_slice(&data);
            self.held.split().freeze()
        };
        let (shown, open) = self.needles.hide(&text, self.body.is_end_stream());
        self.held.extend_from_slice(text.get(text.len() - open..).unwrap_or_default());
        if !shown.is_empty() {
            self.ready.push_back(Frame::data(shown));
        }
    }

    /// Nothing comes any more.
    fn finish(&mut self) {
        let rest = self.held.split().freeze();
        if !rest.is_empty() {
            self.ready.push_back(Frame::data(self.needles.hide(&rest, true).0));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use http_body_util::StreamBody;

    use super::*;
    use crate::{
        port::wire::Class,
        provider::http::{
            body::collect,
            testing::{answering, get, reply},
        },
    };

    fn ours(secrets: &'static [&'static str]) -> Ours {
        Arc::new(move || secrets.iter().map(|secret| SecretString::from(*secret)).collect())
    }

    async fn said(status: u16, body: &'static str, secrets: &'static [&'static str]) -> String {
        let (leaf, _) = answering(move |_| reply(status, &[("x-said", "a t0k3n-of-ours")], body));
        let (head, body) = send(&veiled(leaf, ours(secrets)), get(Class::Read)).await.unwrap().into_parts();
        let header = String::from_utf8_lossy(head.headers["x-said"].as_bytes()).into_owned();
        format!("{} | {header}", String::from_utf8_lossy(&collect(body).await.unwrap()))
    }

    #[tokio::test]
    async fn what_is_ours_is_in_no_answer_in_whichever_form_it_is_repeated() {
        let ours = &["t0k3n-of-ours", "pass\"word/1", "Zm9vOmJhcjEyMw=="];
        let body = r#"{"a":"t0k3n-of-ours","b":"pass\"word/1","c":"pass%22word%2F1","d":"Basic Zm9vOmJhcjEyMw==","e":"t0k3n-of-our"}"#;
        let hidden = r#"{"a":"•","b":"•","c":"•","d":"Basic •","e":"t0k3n-of-our"} | a •"#;
        for status in [200, 403] {
            assert_eq!(said(status, body, ours).await, hidden);
        }
    }

    #[tokio::test]
    async fn a_short_word_is_taken_out_of_a_refusal_only() {
        let secrets = &["shop", "x"];
        assert_eq!(said(200, "shop/x", secrets).await, "shop/x | a t0k3n-of-ours");
        assert_eq!(said(401, "shop/x", secrets).await, "•/x | a t0k3n-of-ours");
    }

    #[tokio::test]
    async fn a_secret_that_comes_in_pieces_is_hidden_and_nothing_else_is_late() {
        let pieces = ["one t0k", "3n-of-", "ours two\n", "t0k3n", "-of-x\n", "three t0k3n-of"];
        let frames = pieces.map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes()))));
        let body = StreamBody::new(stream::iter(frames)).boxed_unsync();
        let needles = Arc::new(Needles::of(&ours(&["t0k3n-of-ours"])(), LONG));
        let mut veil = Veil { body, needles, held: BytesMut::new(), ready: VecDeque::new() };
        let mut shown = Vec::new();
        while let Some(frame) = veil.frame().await {
            shown.push(String::from_utf8_lossy(&frame.unwrap().into_data().unwrap()).into_owned());
        }
        assert_eq!(shown, ["one ", "• two\n", "t0k3n-of-x\n", "three ", "t0k3n-of"]);
    }

    #[tokio::test]
    async fn an_error_of_the_way_there_holds_none_of_it_either() {
        let (leaf, _) = answering(|_| Err(WireError::Lost("t0k3n-of-ours broke".into())));
        let error = send(&veiled(leaf, ours(&["t0k3n-of-ours"])), get(Class::Read)).await.unwrap_err();
        assert_eq!(error, WireError::Lost("• broke".into()));
    }
}
