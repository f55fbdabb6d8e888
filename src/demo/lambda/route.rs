//! What every request passes: its signature, how many there were, whether whoever signs may; and which service it is of.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::{
    demo::{aws, lambda::Lambda, rest::set},
    domain::time::Timestamp,
};

/// Where it is served, as signatures have it: under the mount, or alone.
const MOUNT: &str = "/lambda";
/// As many things are on a page where nobody says.
const PAGE: usize = 50;

/// A refusal: the status, AWS's name for it, and a sentence.
pub(super) type Refused = (StatusCode, String, String);
pub(super) type Outcome = Result<Value, Refused>;

pub(super) fn refused(status: u16, name: &str, message: impl Into<String>) -> Refused {
    (StatusCode::from_u16(status).unwrap_or_default(), name.to_owned(), message.into())
}

fn answered(status: StatusCode, body: String, content: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    set(response.headers_mut(), "content-type", content);
    response
}

/// As Lambda answers: the name of a refusal stands in a header only.
fn by_path(outcome: Outcome) -> Response<Bytes> {
    match outcome {
        Ok(body) => answered(StatusCode::OK, body.to_string(), "application/json"),
        Err((status, name, message)) => {
            let mut response =
                answered(status, json!({"Type": "User", "Message": message}).to_string(), "application/json");
            set(response.headers_mut(), "x-amzn-errortype", &name);
            response
        }
    }
}

/// As CodeDeploy answers: the status is 400 for everything.
fn by_target(outcome: Outcome) -> Response<Bytes> {
    match outcome {
        Ok(body) => answered(StatusCode::OK, body.to_string(), "application/x-amz-json-1.1"),
        Err((_, name, message)) => {
            let body = json!({"__type": name, "message": message}).to_string();
            answered(StatusCode::BAD_REQUEST, body, "application/x-amz-json-1.1")
        }
    }
}

/// A value of the query.
pub(super) fn query(request: &Request<Bytes>, name: &str) -> Option<String> {
    let all = url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    all.into_iter().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The page that was asked for, under this key.
pub(super) fn page(request: &Request<Bytes>, key: &str, all: Vec<Value>) -> Value {
    let number = |name: &str| query(request, name).and_then(|text| text.parse::<usize>().ok());
    let (size, from) = (number("MaxItems").unwrap_or(PAGE).clamp(1, PAGE), number("Marker").unwrap_or(0));
    let more = from + size < all.len();
    let items: Vec<Value> = all.into_iter().skip(from).take(size).collect();
    let mut answer = json!({key: items});
    if let (true, Some(fields)) = (more, answer.as_object_mut()) {
        fields.insert("NextMarker".to_owned(), (from + size).to_string().into());
    }
    answer
}

impl Lambda {
    /// The whole way of a request.
    pub(super) fn answer(&mut self, now: Timestamp, request: &Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path().to_owned();
        let (bare, whole) = (path.trim_end_matches('/'), format!("{MOUNT}{path}"));
        let paths = [path.as_str(), &whole, if bare.is_empty() { MOUNT } else { bare }];
        let is_rest = path.starts_with("/2015-03-31/") || path.starts_with("/2019-09-30/");
        let said = if is_rest { by_path } else { by_target };
        if let Err((name, message)) = aws::verify(request, &paths, now) {
            return said(Err(refused(403, name, message)));
        }
        if self.is_too_much(now) {
            let name = if is_rest { "TooManyRequestsException" } else { "ThrottlingException" };
            return said(Err(refused(429, name, "Rate exceeded")));
        }
        if is_rest {
            return said(self.by_path(request, &path));
        }
        let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        let Some((service, operation)) = target.split_once('.') else { return self.form(request) };
        let body: Result<Value, _> = serde_json::from_slice(request.body());
        let Ok(body) = body else { return said(Err(refused(400, "SerializationException", "the body is not JSON"))) };
        said(match service {
            "CodeDeploy_20141006" => {
                let right = format!("codedeploy:{operation}");
                self.may(&right).and_then(|()| self.operate(now, operation, &body))
            }
            _ => Err(refused(400, "UnknownOperationException", "")),
        })
    }

    fn by_path(&mut self, request: &Request<Bytes>, path: &str) -> Outcome {
        let parts: Vec<String> = path.trim_matches('/').split('/').skip(1).map(str::to_owned).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let right = match (request.method(), parts.as_slice()) {
            (&Method::GET, ["functions"]) => "lambda:ListFunctions",
            (&Method::GET, ["functions", _, "aliases"]) => "lambda:ListAliases",
            (&Method::GET, ["functions", _, "aliases", _]) => "lambda:GetAlias",
            (&Method::PUT, ["functions", _, "aliases", _]) => "lambda:UpdateAlias",
            (&Method::GET, ["functions", _, "versions"]) => "lambda:ListVersionsByFunction",
            (&Method::GET, ["functions", _, "configuration"]) => "lambda:GetFunctionConfiguration",
            (&Method::GET, ["functions", _, "provisioned-concurrency"]) => "lambda:ListProvisionedConcurrencyConfigs",
            (&Method::GET, ["functions", _, "concurrency"]) => "lambda:GetFunctionConcurrency",
            _ => return Err(refused(404, "UnknownOperationException", "")),
        };
        self.may(right)?;
        match parts.as_slice() {
            ["functions"] => Ok(self.list(request)),
            ["functions", name, rest @ ..] => self.of_function(request, name, rest),
            _ => Err(refused(404, "UnknownOperationException", "")),
        }
    }

    /// The older protocol: a form, answered with XML.
    fn form(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let body = String::from_utf8_lossy(request.body());
        if !body.split('&').any(|field| field == "Action=GetCallerIdentity") {
            let body = "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code><Message>Could not find operation</Message>\
                        </Error></ErrorResponse>";
            return answered(StatusCode::BAD_REQUEST, body.to_owned(), "text/xml");
        }
        answered(StatusCode::OK, aws::identity(&self.spec.user(), &self.spec.account), "text/xml")
    }

    fn is_too_much(&mut self, now: Timestamp) -> bool {
        let Some(limit) = self.spec.limit else { return false };
        if self.second.0 != now.timestamp() {
            self.second = (now.timestamp(), 0);
        }
        self.second.1 += 1;
        self.second.1 > limit
    }

    /// May whoever signs?
    fn may(&self, right: &str) -> Result<(), Refused> {
        if !self.spec.denied.iter().any(|denied| denied == right) {
            return Ok(());
        }
        let text = format!(
            "User: {} is not authorized to perform: {right} because no identity-based policy allows the {right} action",
            self.spec.user()
        );
        Err(refused(403, "AccessDeniedException", text))
    }
}
