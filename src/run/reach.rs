//! From the settings of how a system is reached to the way there: secrets and files are read here, once, when the
//! connection is made.

use std::{collections::BTreeMap, path::Path};

use http::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{
    config::{
        access::{Access, Basic},
        secret::{NoToken, Text, TokenSource},
    },
    domain::{ids::SourceName, observed::FaultKind},
    port::error::ProviderError,
    provider::http::{Base, Layers, Timeouts, Way, proxy::ProxyEnvironment},
};

/// The system at an address, as its settings say. `environment` is that of this process.
pub(super) fn base(
    address: Url,
    access: &Access,
    environment: &BTreeMap<String, String>,
) -> Result<Base, ProviderError> {
    let mut base = Base::new(address);
    if let Some(token) = &access.token {
        base = base.bearer(&secret(token, "the token", environment)?);
    }
    if let Some(basic) = &access.basic_auth {
        let name = text(&basic.username, "the user name", environment)?;
        if name.expose_secret().contains(':') {
            return Err(ProviderError::new(FaultKind::Unauthenticated, Basic::NO_COLON));
        }
        base = base.basic(&name, &secret(&basic.password, "the password", environment)?);
    }
    for (name, value) in &access.headers {
        let (header, said) = header(name, value, environment)?;
        base.headers.push(header);
        // A tenant's name is a word of every answer; what is read from elsewhere, or looks so, is a secret.
        let word = said.expose_secret().rsplit(' ').next().unwrap_or_default().to_owned();
        if value.source().is_some() || looks_secret(name, &word) {
            base = base.keeping(word.into());
        }
    }
    if let Some(path) = &access.certificate_authority {
        base = base.signed_by(file("certificate_authority", path)?);
    }
    if let (Some(certificate), Some(key)) = (&access.client_certificate, &access.client_key) {
        let (certificate, key) = (file("client_certificate", certificate)?, file("client_key", key)?);
        base = base.proven_by(&certificate, &key);
    }
    base.server_name.clone_from(&access.server_name);
    let way = match &access.proxy {
        None => Way::Environment(proxies(environment)),
        Some(proxy) => {
            let proxy = text(proxy, "the proxy's address", environment)?;
            if Access::is_no_proxy(proxy.expose_secret()) { Way::Direct } else { Way::Proxy(proxy) }
        }
    };
    Ok(base.by(way))
}

/// The same for a system that wants its requests signed: the name and the password sign, and are not sent.
pub(super) fn signing(
    address: Url,
    access: &Access,
    environment: &BTreeMap<String, String>,
) -> Result<(Base, Option<(SecretString, SecretString)>), ProviderError> {
    let rest = Access { basic_auth: None, ..access.clone() };
    let base = base(address, &rest, environment)?;
    let Some(basic) = &access.basic_auth else { return Ok((base, None)) };
    let name = text(&basic.username, "the user name", environment)?;
    let password = secret(&basic.password, "the password", environment)?;
    Ok((base.keeping(password.clone()), Some((name, password))))
}

/// Why the settings cannot be read as things are now: a file, a variable or a command's program is not there. Runs no command,
/// and connects to nothing.
pub(super) fn unreadable(access: &Access, environment: &BTreeMap<String, String>) -> Option<String> {
    let started = |(what, source): (String, &TokenSource)| Some(source.not_started(environment)?.about(&what));
    let nowhere = Url::parse("http://localhost").ok()?;
    let rest = || base(nowhere, &access.without_commands(), environment).err().map(|why| why.text);
    access.sources().into_iter().find_map(started).or_else(rest)
}

/// What the environment says about proxies.
pub(super) fn proxies(environment: &BTreeMap<String, String>) -> ProxyEnvironment {
    let of = |name: &str| environment.get(name).or_else(|| environment.get(&name.to_lowercase())).cloned();
    ProxyEnvironment { https: of("HTTPS_PROXY"), http: of("HTTP_PROXY"), all: of("ALL_PROXY"), none: of("NO_PROXY") }
}

/// The layers of a connection whose answers may take as long as its settings say.
pub(super) fn layers(name: &str, access: &Access) -> Layers {
    let timeouts = access.timeout.map_or_else(Timeouts::default, Timeouts::of);
    Layers { timeouts, ..Layers::new(SourceName::new(name)) }
}

fn secret(
    source: &TokenSource,
    what: &str,
    environment: &BTreeMap<String, String>,
) -> Result<SecretString, ProviderError> {
    source.read(environment).map_err(|why| none(&why, what))
}

fn text(text: &Text, what: &str, environment: &BTreeMap<String, String>) -> Result<SecretString, ProviderError> {
    text.read(environment).map_err(|why| none(&why, what))
}

fn none(why: &NoToken, what: &str) -> ProviderError {
    ProviderError::new(FaultKind::Unauthenticated, why.about(what))
}

/// The header, and what it says.
fn header(
    name: &str,
    value: &Text,
    environment: &BTreeMap<String, String>,
) -> Result<((HeaderName, HeaderValue), SecretString), ProviderError> {
    let what = format!("the value of the header {name}");
    let said = text(value, &what, environment)?;
    // Neither may be quoted.
    let unfit = || {
        let text = format!("{what} holds characters that no header can carry");
        ProviderError::new(FaultKind::Unauthenticated, text)
    };
    let name = HeaderName::try_from(name).map_err(|_| unfit())?;
    let mut value = HeaderValue::try_from(said.expose_secret()).map_err(|_| unfit())?;
    value.set_sensitive(true);
    Ok(((name, value), said))
}

/// Is what a header says a secret, by its name or its looks? One that stands in the configuration may be either.
fn looks_secret(name: &str, word: &str) -> bool {
    /// Names of tenants are shorter, or only letters.
    const LONG: usize = 16;
    let name = name.to_lowercase();
    let called = ["authorization", "cookie", "key", "password", "secret", "token"].iter().any(|it| name.contains(it));
    called || word.len() >= LONG && word.contains(|c: char| c.is_ascii_digit())
}

fn file(setting: &str, path: &Path) -> Result<Vec<u8>, ProviderError> {
    std::fs::read(path).map_err(|why| {
        let text = format!("`{setting}` {} cannot be read: {why}", path.display());
        ProviderError::new(FaultKind::Unreachable, text)
    })
}
