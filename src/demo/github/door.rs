//! What every request passes, whatever it asks for: user agent, API version, token, rate limit; and on the way out the entity
//! tag, the count and the headers.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::TimeDelta;
use http::{HeaderMap, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    demo::{
        github::spec::Spec,
        rest::{Good, Outcome, Refused, fnv, plain, set},
    },
    domain::time::Timestamp,
};

/// The API version that is answered when none is asked for.
const VERSION: &str = "2022-11-28";
/// The API versions there are.
const VERSIONS: [&str; 2] = [VERSION, "2026-03-10"];
/// Requests an hour without a token.
const ANONYMOUS: u64 = 60;

/// Who asks, and which of the two budgets it costs.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// `None` without a token.
    pub(super) login: Option<String>,
    pub(super) resource: &'static str,
}

/// An hour of one caller.
#[derive(Clone, Copy, Debug)]
struct Hour {
    used: u64,
    resets: Timestamp,
}

/// Tokens and what they have used up.
#[derive(Debug)]
pub(super) struct Door {
    tokens: BTreeMap<String, String>,
    limit: u64,
    hours: BTreeMap<(Option<String>, &'static str), Hour>,
}

impl Door {
    pub(super) fn new(spec: &Spec) -> Self {
        let mut tokens = spec.tokens.clone();
        tokens.insert(spec.token.clone(), spec.login.clone());
        Self { tokens, limit: spec.rate_limit, hours: BTreeMap::new() }
    }

    /// Lets a request in, or answers it.
    pub(super) fn open(&mut self, now: Timestamp, request: &Request<Bytes>) -> Result<Caller, Box<Response<Bytes>>> {
        if !request.headers().contains_key(header::USER_AGENT) {
            return Err(Box::new(plain(
                StatusCode::FORBIDDEN,
                "\r\nRequest forbidden by administrative rules. Please make sure your request has a User-Agent header \
                 (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). Check \
                 https://developer.github.com for other possible causes.\r\n",
            )));
        }
        let resource = if request.uri().path() == "/graphql" { "graphql" } else { "core" };
        let login = self.login(request.headers());
        let caller = Caller { login: login.as_ref().ok().cloned().flatten(), resource };
        let refuse = |door: &mut Self, refused: Refused| Err(Box::new(door.close(now, &caller, request, Err(refused))));
        if let Err(refused) = login {
            return refuse(self, refused);
        }
        let version = request.headers().get("x-github-api-version").map_or(VERSION, |v| v.to_str().unwrap_or_default());
        if !VERSIONS.contains(&version) {
            let message = format!(
                "The requested API version \"{version}\" is not supported. Please use one of the supported versions."
            );
            return refuse(self, Refused::new(StatusCode::BAD_REQUEST, message));
        }
        if self.left(now, &caller) == 0 && request.uri().path() != "/rate_limit" {
            let who = caller.login.as_deref().unwrap_or("127.0.0.1");
            let message = format!("API rate limit exceeded for {who}.");
            if resource == "core" {
                return refuse(self, Refused::new(StatusCode::FORBIDDEN, message));
            }
            // GraphQL says so with 200.
            let body = json!({ "errors": [{ "type": "RATE_LIMITED", "message": message }] });
            return Err(Box::new(self.close(now, &caller, request, Ok(Good::json(body)))));
        }
        Ok(caller)
    }

    fn login(&self, headers: &HeaderMap) -> Result<Option<String>, Refused> {
        let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
        let token = value.to_str().ok().and_then(|text| text.split_once(' ')).map_or("", |(_, token)| token.trim());
        match self.tokens.get(token) {
            Some(login) => Ok(Some(login.clone())),
            None => Err(Refused::new(StatusCode::UNAUTHORIZED, "Bad credentials")),
        }
    }

    fn limit(&self, caller: &Caller) -> u64 {
        if caller.login.is_some() { self.limit } else { ANONYMOUS }
    }

    /// The caller's hour, which begins anew when the last one is over.
    fn hour(&mut self, now: Timestamp, caller: &Caller) -> &mut Hour {
        let new = Hour { used: 0, resets: now.checked_add_signed(TimeDelta::hours(1)).unwrap_or(now) };
        let hour = self.hours.entry((caller.login.clone(), caller.resource)).or_insert(new);
        if hour.resets <= now {
            *hour = new;
        }
        hour
    }

    fn left(&mut self, now: Timestamp, caller: &Caller) -> u64 {
        self.limit(caller).saturating_sub(self.hour(now, caller).used)
    }

    /// The body of `GET /rate_limit`; also what GraphQL's `rateLimit` is made of.
    pub(super) fn rate(&mut self, now: Timestamp, caller: &Caller, resource: &'static str) -> Value {
        let caller = Caller { login: caller.login.clone(), resource };
        let (limit, hour) = (self.limit(&caller), *self.hour(now, &caller));
        let used = hour.used.min(limit);
        json!({ "limit": limit, "used": used, "remaining": limit - used, "reset": hour.resets.timestamp() })
    }

    /// Makes the response of an outcome: 304 where the reader has it already, the count, the headers.
    pub(super) fn close(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        request: &Request<Bytes>,
        outcome: Outcome,
    ) -> Response<Bytes> {
        let (mut status, body, extra, free) = match outcome {
            Ok(good) => (good.status, good.body, good.headers, good.free),
            Err(refused) => (refused.status, Some(said(&refused)), HeaderMap::new(), false),
        };
        let mut body = Bytes::from(body.map(|value| value.to_string()).unwrap_or_default());
        let mut headers = HeaderMap::new();
        let tag = format!("W/\"{:016x}\"", fnv(0, [String::from_utf8_lossy(&body).as_ref()]));
        let tagged = request.method() == http::Method::GET && status == StatusCode::OK && !free;
        if tagged {
            set(&mut headers, "etag", &tag);
            set(&mut headers, "cache-control", "private, max-age=60, s-maxage=60");
            if request.headers().get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
                (status, body) = (StatusCode::NOT_MODIFIED, Bytes::new());
            }
        }
        let unchanged = status == StatusCode::NOT_MODIFIED && caller.login.is_some();
        if !free && !unchanged && status != StatusCode::UNAUTHORIZED {
            self.hour(now, caller).used += 1;
        }
        let rate = self.rate(now, caller, caller.resource);
        for name in ["limit", "remaining", "used", "reset"] {
            let value = rate.get(name).map(Value::to_string).unwrap_or_default();
            set(&mut headers, &format!("x-ratelimit-{name}"), &value);
        }
        set(&mut headers, "x-ratelimit-resource", caller.resource);
        let version = request.headers().get("x-github-api-version").and_then(|v| v.to_str().ok()).unwrap_or(VERSION);
        set(&mut headers, "x-github-api-version-selected", version);
        set(&mut headers, "x-github-media-type", "github.v3; format=json");
        set(&mut headers, "date", &now.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
        if !body.is_empty() {
            set(&mut headers, "content-type", "application/json; charset=utf-8");
        }
        headers.extend(extra);
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

/// GitHub's form of a refusal.
fn said(refused: &Refused) -> Value {
    json!({
        "message": refused.message,
        "documentation_url": "https://docs.github.com/rest",
        "status": refused.status.as_str(),
    })
}
