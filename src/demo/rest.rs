//! What every pretended system that speaks JSON over plain paths answers with: good answers, refusals, pages with their links,
//! parts of paths. Here must not live: what any one system says.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

/// A good answer.
#[derive(Debug)]
pub(in crate::demo) struct Good {
    pub(in crate::demo) status: StatusCode,
    pub(in crate::demo) body: Option<Value>,
    pub(in crate::demo) headers: HeaderMap,
    /// Does it count against the limit?
    pub(in crate::demo) free: bool,
}

impl Good {
    pub(in crate::demo) fn json(body: Value) -> Self {
        Self::with(StatusCode::OK, Some(body))
    }

    pub(in crate::demo) fn with(status: StatusCode, body: Option<Value>) -> Self {
        Self { status, body, headers: HeaderMap::new(), free: false }
    }

    pub(in crate::demo) fn header(mut self, name: header::HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

/// A refusal; each system has a form of its own for it.
#[derive(Debug)]
pub(in crate::demo) struct Refused {
    pub(in crate::demo) status: StatusCode,
    pub(in crate::demo) message: String,
}

impl Refused {
    pub(in crate::demo) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(in crate::demo) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }
}

/// What an endpoint says.
pub(in crate::demo) type Outcome = Result<Good, Refused>;

/// The parts of the path that was asked for, decoded.
pub(in crate::demo) fn parts(request: &Request<Bytes>) -> Vec<String> {
    request.uri().path().trim_start_matches('/').split('/').map(decoded).collect()
}

/// Undoes the percent-encoding of one part of a path.
fn decoded(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let digits = (ahead.next().and_then(hex), ahead.next().and_then(hex));
        match (byte, digits) {
            (b'%', (Some(high), Some(low))) => {
                bytes.push(high * 16 + low);
                rest = ahead;
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// One parameter of the query.
pub(in crate::demo) fn query(request: &Request<Bytes>, name: &str) -> Option<String> {
    let query = request.uri().query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The page that was asked for: under `key` with the count of all, or as a bare list. `base` is the address that the links to
/// the other pages begin with.
pub(in crate::demo) fn page(base: &str, request: &Request<Bytes>, key: Option<&str>, all: Vec<Value>) -> Good {
    let number = |name: &str| query(request, name).and_then(|text| text.parse::<usize>().ok());
    let size = number("per_page").unwrap_or(30).clamp(1, 100);
    let at = number("page").unwrap_or(1).max(1);
    let total = all.len();
    let items: Vec<_> = all.into_iter().skip((at - 1).saturating_mul(size)).take(size).collect();
    let good = Good::json(match key {
        Some(key) => json!({ "total_count": total, key: items }),
        None => Value::Array(items),
    });
    match links(base, request, at, total.div_ceil(size).max(1)) {
        Some(links) => good.header(header::LINK, &links),
        None => good,
    }
}

fn links(base: &str, request: &Request<Bytes>, at: usize, last: usize) -> Option<String> {
    let link = |page: usize, rel: &str| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let old = request.uri().query().unwrap_or_default();
        query.extend_pairs(form_urlencoded::parse(old.as_bytes()).filter(|(key, _)| key != "page"));
        query.append_pair("page", &page.to_string());
        format!("<{base}{}?{}>; rel=\"{rel}\"", request.uri().path(), query.finish())
    };
    let back = (at > 1).then(|| [link(at - 1, "prev"), link(1, "first")]);
    let on = (at < last).then(|| [link(at + 1, "next"), link(last, "last")]);
    let all: Vec<_> = back.into_iter().chain(on).flatten().collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// FNV-1a: spreads small differences well enough for ids, jitter and entity tags.
pub(in crate::demo) fn fnv<'a>(seed: u64, parts: impl IntoIterator<Item = &'a str>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325 ^ seed;
    for byte in parts.into_iter().flat_map(str::bytes) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

/// A UUID that follows from these.
pub(in crate::demo) fn uuid(parts: &[&str]) -> String {
    let hash = Sha256::digest(parts.join("/"));
    let hex = format!("{:032x}", hash.iter().take(16).fold(0_u128, |all, byte| (all << 8) | u128::from(*byte)));
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// Sets a header, where it can stand in one.
pub(in crate::demo) fn set(headers: &mut HeaderMap, name: &str, value: &str) {
    let name = header::HeaderName::from_bytes(name.as_bytes());
    if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}

/// An answer that is not JSON.
pub(in crate::demo) fn plain(status: StatusCode, text: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text.to_owned()));
    *response.status_mut() = status;
    set(response.headers_mut(), "content-type", "text/plain; charset=utf-8");
    response
}
