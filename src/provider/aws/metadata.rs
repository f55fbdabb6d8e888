//! Credentials that whatever runs us hands out: the agent of a container, and the metadata of a machine.
//!
//! Sources: docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html, feature-imds-credentials.html (version 2 only: the
//! first answers whoever can make us send a GET).

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, header};
use url::{Host, Url};

use super::{
    Credentials,
    chain::{Asked, Ways},
    credentials::Lent,
};

/// The agent of containers on ECS, and that of pods on EKS.
const AGENT: &str = "http://169.254.170.2";
const POD_AGENTS: [&str; 2] = ["169.254.170.23", "fd00:ec2::23"];
/// The metadata of a machine.
const MACHINE: &str = "http://169.254.169.254";
/// On a machine that has no metadata nobody answers.
const SOON: Duration = Duration::from_secs(1);
/// How long the token that metadata is read with lasts, in seconds.
const TTL: HeaderValue = HeaderValue::from_static("21600");

/// What the agent of a container gives; nothing where the environment names none.
pub(super) async fn of_container(ways: &Ways) -> Asked<Option<Credentials>> {
    let of = |name: &str| ways.environment.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let address = match (of("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), of("AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
        (Some(path), _) => format!("{AGENT}{path}"),
        (None, Some(whole)) => whole.to_owned(),
        (None, None) => return Ok(None),
    };
    let url = Url::parse(&address).map_err(|_| "AWS_CONTAINER_CREDENTIALS_FULL_URI is no address".to_owned())?;
    if !may_be_agent(&url) {
        return Err("AWS_CONTAINER_CREDENTIALS_FULL_URI leads to another machine without encryption: it is not asked"
            .to_owned());
    }
    let token = match of("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        Some(path) => {
            let read = std::fs::read_to_string(path);
            Some(read.map_err(|why| format!("the agent's token {path} cannot be read: {why}"))?)
        }
        None => of("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(str::to_owned),
    };
    let mut request = Request::get(address.as_str()).body(Bytes::new()).map_err(|why| why.to_string())?;
    if let Some(token) = token {
        let value = HeaderValue::try_from(token.trim());
        let mut value = value.map_err(|_| "the agent's token cannot stand in a header".to_owned())?;
        value.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    let answer = ways.ask(&address, request).await.map_err(|why| format!("the container's agent: {why}"))?;
    if !answer.status().is_success() {
        return Err(format!("the container's agent gives no credentials ({})", answer.status()));
    }
    let lent: Lent =
        serde_json::from_slice(answer.body()).map_err(|_| "the container's agent sent no credentials".to_owned())?;
    Ok(Some(lent.credentials("the container's agent")))
}

/// An agent is on this machine, at an address that only it has, or is asked encrypted.
fn may_be_agent(url: &Url) -> bool {
    let is_agent = |ip: &IpAddr| {
        ip.is_loopback() || POD_AGENTS.contains(&ip.to_string().as_str()) || ip.to_string() == "169.254.170.2"
    };
    url.scheme() == "https"
        || match url.host() {
            Some(Host::Ipv4(ip)) => is_agent(&IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => is_agent(&IpAddr::V6(ip)),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        }
}

/// What the metadata of this machine gives; nothing where there is none, or it knows no role.
pub(super) async fn of_machine(ways: &Ways) -> Asked<Option<Credentials>> {
    if is_off(&ways.environment) {
        return Ok(None);
    }
    let named = ways.environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT").filter(|named| !named.is_empty());
    let base = named.map_or(MACHINE, String::as_str).trim_end_matches('/').to_owned();
    let request = Request::put(format!("{base}/latest/api/token")).header("x-aws-ec2-metadata-token-ttl-seconds", TTL);
    let request = request.body(Bytes::new()).map_err(|why| why.to_string())?;
    let Ok(answer) = ways.ask_within(&base, request, SOON).await else { return Ok(None) };
    if !answer.status().is_success() {
        return Ok(None);
    }
    let token =
        HeaderValue::from_bytes(answer.body()).map_err(|_| "the machine's metadata sent no token".to_owned())?;
    let read = async |path: &str| {
        let mut request = Request::get(format!("{base}/latest/meta-data/iam/security-credentials/{path}"))
            .body(Bytes::new())
            .map_err(|why| why.to_string())?;
        request.headers_mut().insert(HeaderName::from_static("x-aws-ec2-metadata-token"), token.clone());
        ways.ask_within(&base, request, SOON).await
    };
    let answer = read("").await?;
    let roles = String::from_utf8_lossy(answer.body()).into_owned();
    let role = roles.lines().next().map(str::trim).filter(|role| answer.status().is_success() && !role.is_empty());
    let Some(role) = role else { return Ok(None) };
    let answer = read(role).await?;
    let lent: Lent = serde_json::from_slice(answer.body())
        .map_err(|_| format!("the machine's metadata gave no credentials of the role {role}"))?;
    Ok(Some(lent.credentials(format!("the role {role} of this machine"))))
}

fn is_off(environment: &BTreeMap<String, String>) -> bool {
    environment.get("AWS_EC2_METADATA_DISABLED").is_some_and(|off| off.eq_ignore_ascii_case("true"))
}
