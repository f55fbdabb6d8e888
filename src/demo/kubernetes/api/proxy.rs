//! What services of the cluster answer through the API server: here that is a load tester of Flagger's, whose gates are in its
//! memory. Follows `pkg/loadtester/server.go`.

use bytes::Bytes;
use http::{Method, Response};
use serde_json::Value;

use super::super::control::Plane;
use super::super::json;
use super::Api;
use super::access::Ask;
use super::route::Call;
use super::status::{self, Failure};

/// A path of a service.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) namespace: &'a str,
    /// Name and port: `flagger-loadtester:80`.
    pub(super) service: &'a str,
    /// `/gate/open`.
    pub(super) path: &'a str,
}

impl Api {
    /// The service's answer.
    pub(super) fn proxied(
        &self,
        plane: &mut Plane,
        call: &Call<'_>,
        user: &str,
        asked: &Asked<'_>,
    ) -> Result<Response<Bytes>, Failure> {
        let verb = match call.method {
            Method::GET => "get",
            Method::POST => "create",
            _ => return Err(Failure::method_not_allowed()),
        };
        let Asked { namespace, service, path } = *asked;
        let ask = Ask { verb, group: "", resource: "services", subresource: "proxy", namespace, name: service };
        if !self.access.allows(user, &ask) {
            return Err(Failure::forbidden_as(user, "services", &ask));
        }
        let (name, port) = service.rsplit_once(':').unwrap_or((service, "80"));
        let is_it = |tester: &&super::TesterSpec| {
            (tester.namespace.as_str(), tester.name.as_str(), tester.port.to_string().as_str())
                == (namespace, name, port)
        };
        if !self.testers.iter().any(|tester| is_it(&tester)) {
            return Err(Failure::no_service(name));
        }
        Ok(tester(plane, path, call))
    }
}

/// What a load tester says.
fn tester(plane: &mut Plane, path: &str, call: &Call<'_>) -> Response<Bytes> {
    let Ok(body) = serde_json::from_slice::<Value>(call.body) else { return status::plain(400, "") };
    let canary = format!("{}.{}", json::text(&body, "/name"), json::text(&body, "/namespace"));
    let key = if path.starts_with("/rollback/") { format!("rollback.{canary}") } else { canary };
    match path {
        "/gate/approve" => status::plain(200, "OK"),
        "/gate/open" | "/rollback/open" => {
            plane.turn(key, true);
            status::plain(202, "")
        }
        "/gate/close" | "/rollback/close" => {
            plane.turn(key, false);
            status::plain(202, "")
        }
        "/gate/check" | "/rollback/check" if plane.is_open(&key) => status::plain(200, "Approved"),
        "/gate/check" | "/rollback/check" | "/gate/halt" => status::plain(403, "Forbidden"),
        _ => status::plain(404, "404 page not found\n"),
    }
}
