//! Where a request goes and in which form: from the path of a service and its operation to the wire, signed; and back from the status 400
//! that AWS has for everything to the one that says what it is, so that layers and sentences are those of every other system.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use tower::service_fn;

use super::{
    Credentials,
    sigv4::{Purpose, authorize},
    sts::STS,
    words,
};
use crate::{
    port::{
        clock::SharedClock,
        error::ProviderError,
        wire::{Transport, WireBody, WireError, whole},
    },
    provider::http::{body, send, veiled},
};

/// Services by the names that addresses have for them, each with what stands before its operations in `X-Amz-Target`: nothing where a
/// service has a path for each of its objects (REST). `sts` is known beside them.
pub type Targets = &'static [(&'static str, &'static str)];

const JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.1");
const PLAIN_JSON: HeaderValue = HeaderValue::from_static("application/json");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// Makes the way to a service: it begins at the address that is returned with it.
type Make = Arc<dyn Fn(&str) -> Result<(String, Transport), ProviderError> + Send + Sync>;

/// The ways to services, each made when it is first asked.
#[derive(Clone)]
pub struct Leaves {
    make: Make,
    made: Arc<Mutex<BTreeMap<String, (String, Transport)>>>,
}

impl fmt::Debug for Leaves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaves").finish_non_exhaustive()
    }
}

impl Leaves {
    /// `make` gives the address of a service and a transport that puts it before each path.
    pub fn new(make: impl Fn(&str) -> Result<(String, Transport), ProviderError> + Send + Sync + 'static) -> Self {
        Self { make: Arc::new(make), made: Arc::default() }
    }

    /// One transport for all services, which are told apart by what they are asked for.
    pub fn one(address: &str, transport: Transport) -> Self {
        let address = address.to_owned();
        Self::new(move |_| Ok((address.clone(), transport.clone())))
    }

    fn of(&self, service: &str) -> Result<(String, Transport), ProviderError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = made.get(service) {
            return Ok(known.clone());
        }
        let new = (self.make)(service)?;
        made.insert(service.to_owned(), new.clone());
        Ok(new)
    }
}

/// A transport for requests with paths `/SERVICE/OPERATION`, or `/SERVICE/PATH` where a service has such, signed by whoever these credentials are of. No answer shows their secrets.
pub fn signed(leaves: Leaves, targets: Targets, who: Credentials, region: &str, clock: SharedClock) -> Transport {
    let (region, secrets) = (region.to_owned(), who.secrets());
    let who = Arc::new(who);
    let plain = Transport::new(service_fn(move |request: Request<Bytes>| {
        let (leaves, who, region, at) = (leaves.clone(), Arc::clone(&who), region.clone(), clock.now());
        async move {
            let unready = |why: ProviderError| WireError::Unready(Box::new(why));
            let (service, operation) = asked(&request, targets).ok_or_else(|| nowhere(&request))?;
            let (address, leaf) = leaves.of(&service).map_err(unready)?;
            let mut request = placed(request, &address, (&service, &operation), targets)?;
            let purpose = Purpose { region: &region, service: &service, at };
            authorize(&mut request, &who, purpose).map_err(unready)?;
            // Below the address of its leaf, which puts that before it again.
            let below = if is_rest(&service, targets) { operation.as_str() } else { "/" };
            *request.uri_mut() =
                below.parse().map_err(|why| WireError::NotConnected(format!("that is no path: {why}")))?;
            told(send(&leaf, request).await?).await
        }
    }));
    veiled(plain, Arc::new(move || secrets.clone()))
}

/// The service and the operation that a path names.
fn asked(request: &Request<Bytes>, targets: Targets) -> Option<(String, String)> {
    let (service, operation) = request.uri().path().strip_prefix('/')?.split_once('/')?;
    let word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let known = service == STS || targets.iter().any(|(name, _)| *name == service);
    if !is_rest(service, targets) {
        return (known && word(operation)).then(|| (service.to_owned(), operation.to_owned()));
    }
    // Only what is signed as it stands: nothing in it is to be encoded, and twice at that.
    let part = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    operation.split('/').all(part).then(|| (service.to_owned(), format!("/{operation}{query}")))
}

/// Has a service a path for each of its objects?
fn is_rest(service: &str, targets: Targets) -> bool {
    targets.iter().any(|(name, target)| *name == service && target.is_empty())
}

fn nowhere(request: &Request<Bytes>) -> WireError {
    WireError::NotConnected(format!("'{}' is no operation of a service of AWS", request.uri().path()))
}

/// The request as the service takes it, with its whole address.
fn placed(
    mut request: Request<Bytes>,
    address: &str,
    (service, operation): (&str, &str),
    targets: Targets,
) -> Result<Request<Bytes>, WireError> {
    let rest = is_rest(service, targets);
    let below = if rest { operation } else { "/" };
    let uri = format!("{}{below}", address.trim_end_matches('/')).parse::<Uri>();
    *request.uri_mut() = uri.map_err(|why| WireError::NotConnected(format!("that is no address: {why}")))?;
    if rest {
        if !request.body().is_empty() {
            request.headers_mut().insert(header::CONTENT_TYPE, PLAIN_JSON);
        }
        return Ok(request);
    }
    *request.method_mut() = Method::POST;
    let target = targets.iter().find(|(name, _)| *name == service).map(|(_, target)| format!("{target}.{operation}"));
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, if target.is_some() { JSON } else { FORM });
    if let Some(target) = target.and_then(|target| HeaderValue::try_from(target).ok()) {
        headers.insert(HeaderName::from_static("x-amz-target"), target);
    }
    Ok(request)
}

/// The answer, with the status that says what a refusal is.
async fn told(response: Response<WireBody>) -> Result<Response<WireBody>, WireError> {
    if !response.status().is_client_error() || response.status() == StatusCode::TOO_MANY_REQUESTS {
        return Ok(response);
    }
    let (mut head, body) = response.into_parts();
    let body = body::collect(body).await?;
    let answer = Response::from_parts(head.clone(), body);
    if let Some(name) = words::code(&answer) {
        head.status = words::status(&name, head.status);
    }
    Ok(Response::from_parts(head, whole(answer.into_body())))
}
