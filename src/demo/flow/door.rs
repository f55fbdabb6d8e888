//! Who asks, and by which API: a personal token in a header of Flow's own, or an access key that signs. What is answered and refused is
//! the same; how that is written is not.

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use ring::{digest, hmac};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::{
    demo::{flow::Flow, rest::set},
    domain::text::hex,
};

/// The id of the access key, and where the world is served.
const KEY: &str = "LTAIdemo";
const MOUNT: &str = "/flow";
const ALGORITHM: &str = "ACS3-HMAC-SHA256";
const REQUEST: &str = "ASSDS-ASSASX-XSAXSA-XSAXSAXS";

/// What an endpoint says: the value, and under which name the older API has it.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) value: Value,
    pub(super) under: &'static str,
    /// Where a list goes on: the page that was asked for, how many are on one, and how many there are in all.
    pub(super) page: Option<(usize, usize, usize)>,
}

/// A refusal.
#[derive(Debug)]
pub(super) struct No {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl No {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }
}

fn sent(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    set(response.headers_mut(), "content-type", "application/json;charset=utf-8");
    response
}

/// As the API of tokens writes it.
pub(super) fn of_token(said: Result<Said, No>) -> Response<Bytes> {
    match said {
        Ok(Said { value, page, .. }) => {
            let mut response = sent(StatusCode::OK, &value);
            if let Some((at, size, total)) = page {
                let last = total.div_ceil(size.max(1));
                let all = [("page", at), ("per-page", size), ("total", total), ("total-pages", last)];
                for (name, number) in all {
                    set(response.headers_mut(), &format!("x-{name}"), &number.to_string());
                }
                if at < last {
                    set(response.headers_mut(), "x-next-page", &(at + 1).to_string());
                }
            }
            response
        }
        Err(No { status, code, message }) => {
            sent(status, &json!({"errorCode": code, "errorMessage": message, "requestId": REQUEST}))
        }
    }
}

/// As the older API writes it: what it refuses comes as a success, too.
pub(super) fn of_key(said: Result<Said, No>) -> Response<Bytes> {
    let mut body = Map::from_iter([("requestId".to_owned(), REQUEST.into())]);
    match said {
        Ok(Said { value, under, page }) => {
            body.extend([("success".to_owned(), true.into())]);
            body.extend(["errorCode", "errorMessage"].map(|name| (name.to_owned(), "".into())));
            if !under.is_empty() {
                body.insert(under.to_owned(), value);
            }
            if let Some((at, size, total)) = page {
                body.insert("totalCount".to_owned(), total.into());
                if at * size < total {
                    body.insert("nextToken".to_owned(), (at + 1).to_string().into());
                }
            }
        }
        Err(No { code, message, .. }) => {
            body.extend([("success".to_owned(), false.into()), ("errorCode".to_owned(), code.into())]);
            body.insert("errorMessage".to_owned(), message.into());
        }
    }
    sent(StatusCode::OK, &Value::Object(body))
}

impl Flow {
    /// Is it the token? Who brings none may come in, too.
    pub(super) fn knows(&self, headers: &HeaderMap) -> bool {
        let given = headers.get("x-yunxiao-token").map(header::HeaderValue::as_bytes);
        given.is_none_or(|token| token == self.spec.token.as_bytes())
    }

    /// Why the signature is none, as the gateway before the older API says it.
    pub(super) fn unsigned(&self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let given = request.headers().get(header::AUTHORIZATION)?.to_str().unwrap_or_default();
        let no = |code: &str, message: &str| {
            let body = json!({"Code": code, "Message": message, "RequestId": REQUEST, "HostId": "devops.cn-hangzhou.aliyuncs.com"});
            Some(sent(StatusCode::BAD_REQUEST, &body))
        };
        let parts = |name: &str| given.split([' ', ',']).find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        let (Some(id), Some(names), Some(signature)) =
            (parts("Credential"), parts("SignedHeaders"), parts("Signature"))
        else {
            return no("IncompleteSignature", "the Authorization header is no signature");
        };
        if id != KEY {
            return no("InvalidAccessKeyId.NotFound", "Specified access key is not found.");
        }
        let body = hex(digest::digest(&digest::SHA256, request.body()).as_ref());
        let claimed = request.headers().get("x-acs-content-sha256").and_then(|value| value.to_str().ok());
        if claimed != Some(body.as_str()) {
            return no("InvalidContentSha256", "the body is another one than was signed");
        }
        if request.headers().get("x-acs-version").is_none_or(|version| version != "2021-06-25") {
            return no("InvalidVersion", "Specified parameter Version is not valid.");
        }
        let path = request.uri().path();
        let fits = [path.to_owned(), format!("{MOUNT}{path}")]
            .iter()
            .any(|path| self.signature(request, path, names, &body) == signature);
        if fits {
            None
        } else {
            no("SignatureDoesNotMatch", "Specified signature is not matched with our calculation.")
        }
    }

    fn signature(&self, request: &Request<Bytes>, path: &str, names: &str, body: &str) -> String {
        let query = request.uri().query().unwrap_or_default();
        let mut pairs: Vec<String> = form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| format!("{}={}", percent(&name), percent(&value)))
            .collect();
        pairs.sort();
        let value =
            |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim();
        let headers: Vec<String> = names.split(';').map(|name| format!("{name}:{}\n", value(name))).collect();
        let headers = headers.concat();
        let whole = format!("{}\n{path}\n{}\n{headers}\n{names}\n{body}", request.method(), pairs.join("&"));
        let text = format!("{ALGORITHM}\n{}", hex(digest::digest(&digest::SHA256, whole.as_bytes()).as_ref()));
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.spec.secret.as_bytes());
        hex(hmac::sign(&key, text.as_bytes()).as_ref())
    }
}

fn percent(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
