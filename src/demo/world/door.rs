//! Who may come in. Without a token the caller is let in; the wrong one gets each system's own 401.
//!
//! GitHub and a cluster with tokens of their own look for themselves.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::json;

use super::place::Place;
use crate::demo::scenario::Scenario;

/// The token that is known.
const TOKEN: &str = "demo";

/// Checks tokens.
#[derive(Clone, Debug)]
pub(super) struct Door {
    /// Cells that look for themselves.
    own: BTreeSet<String>,
    /// Sent to GitHub for whoever brings no token: the real one would let them see next to nothing.
    github: Option<HeaderValue>,
}

impl Door {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let own = scenario.cells.iter().filter(|cell| cell.cluster.token.is_some());
        let token = scenario.github.as_ref().map(|spec| format!("Bearer {}", spec.token));
        Self {
            own: own.map(|cell| cell.name.clone()).collect(),
            github: token.and_then(|token| HeaderValue::try_from(token).ok()),
        }
    }

    /// Makes the caller of GitHub who brings no token the one whom the scenario calls the operator.
    pub(super) fn let_in(&self, request: &mut Request<Bytes>) {
        if let (Some(token), false) = (&self.github, request.headers().contains_key(AUTHORIZATION)) {
            request.headers_mut().insert(AUTHORIZATION, token.clone());
        }
    }

    /// The refusal that the request gets, if it gets one.
    pub(super) fn refuses(&self, place: &Place, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let given = request.headers().get(AUTHORIZATION)?;
        if given.as_bytes() == format!("Bearer {TOKEN}").as_bytes() {
            return None;
        }
        let (kind, body) = match place {
            Place::GitHub => return None,
            Place::Cluster(cell) if self.own.contains(cell) => return None,
            Place::Prometheus => ("text/plain; charset=utf-8", "Unauthorized\n".to_owned()),
            Place::Cluster(_) => {
                let status = json!({
                    "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "Unauthorized",
                    "reason": "Unauthorized", "code": 401,
                });
                ("application/json", status.to_string())
            }
        };
        Some(answer(StatusCode::UNAUTHORIZED, kind, body))
    }
}

/// The answer where there is no system; it says what there is.
pub(super) fn nowhere<'a>(cells: impl Iterator<Item = &'a String>, github: bool) -> Response<Bytes> {
    let mut there: Vec<String> = cells.map(|cell| format!("/kubernetes/{cell}")).collect();
    there.push("/prometheus".to_owned());
    there.extend(github.then(|| "/github".to_owned()));
    let text = format!("nothing is here; there are {}\n", there.join(", "));
    answer(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", text)
}

fn answer(status: StatusCode, kind: &'static str, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
