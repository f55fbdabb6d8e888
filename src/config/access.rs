//! How a system that is asked over HTTP is reached, and who we are to it: the same settings for every kind of connection.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeMap};
use toml::de::DeTable;
use url::Url;

use crate::config::{
    note::{Wrong, wrong},
    secret::{Text, TokenSource},
    span,
};

/// What is the same for every system that is asked over HTTP. Written among the settings of its connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Access {
    /// Sent as `Authorization: Bearer …`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenSource>,
    /// Sent as `Authorization: Basic …`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<Basic>,
    /// Sent with every request: `"X-Scope-OrgID" = "team-a"`, or where a secret one is read from.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "headers")]
    pub headers: BTreeMap<String, Text>,
    /// The certificate authorities that may have signed for it, a PEM file; without it the machine's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_authority: Option<PathBuf>,
    /// Our own certificate, a PEM file; goes with `client_key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<PathBuf>,
    /// Its key, a PEM file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key: Option<PathBuf>,
    /// The name that its certificate is for, where its address has another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// The proxy that leads there; `none` for no proxy at all. Without it what the environment says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Text>,
    /// How long an answer may take; without it 4 s for what is read, and 10 s for what changes something.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "span_of", deserialize_with = "to_span")]
    pub timeout: Option<Duration>,
}

impl Access {
    /// What of it says who we are, and nothing else.
    #[must_use]
    pub fn credential(&self) -> Self {
        Self {
            token: self.token.clone(),
            basic_auth: self.basic_auth.clone(),
            headers: self.headers.clone(),
            client_certificate: self.client_certificate.clone(),
            ..Self::default()
        }
    }

    /// Every place that a secret is read from, and what that is in sentences.
    pub fn sources(&self) -> Vec<(String, &TokenSource)> {
        let token = self.token.iter().map(|source| ("the token".to_owned(), source));
        let basic = self.basic_auth.iter().flat_map(|basic| {
            let name = basic.username.source().map(|source| ("the user name".to_owned(), source));
            name.into_iter().chain([("the password".to_owned(), &basic.password)])
        });
        let headers = self.headers.iter();
        let headers =
            headers.filter_map(|(name, value)| Some((format!("the value of the header {name}"), value.source()?)));
        let proxy = self.proxy.iter().filter_map(|proxy| Some(("the proxy's address".to_owned(), proxy.source()?)));
        token.chain(basic).chain(headers).chain(proxy).collect()
    }

    /// The files that are read before the system is asked.
    pub fn files(&self) -> Vec<PathBuf> {
        let secrets = self.sources().into_iter().filter_map(|(_, source)| source.file().map(Path::to_owned));
        let named = [&self.certificate_authority, &self.client_certificate, &self.client_key];
        secrets.chain(named.into_iter().flatten().cloned()).collect()
    }

    /// Is a program run before the system is asked?
    pub fn runs_a_command(&self) -> bool {
        self.sources().iter().any(|(_, source)| source.is_command())
    }

    /// The same without what a program gives.
    #[must_use]
    pub fn without_commands(&self) -> Self {
        let runs = |text: &Text| text.source().is_some_and(TokenSource::is_command);
        let mut rest = self.clone();
        rest.token = rest.token.filter(|token| !token.is_command());
        rest.basic_auth = rest.basic_auth.filter(|basic| !runs(&basic.username) && !basic.password.is_command());
        rest.headers.retain(|_, value| !runs(value));
        rest.proxy = rest.proxy.filter(|proxy| !runs(proxy));
        rest
    }

    /// No proxy at all, in the place of a proxy's address.
    pub fn is_no_proxy(text: &str) -> bool {
        text.trim().eq_ignore_ascii_case("none")
    }
}

/// A name and a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// The name, or where it is read from.
    #[serde(alias = "user")]
    pub username: Text,
    /// Where the password is read from.
    pub password: TokenSource,
}

impl Basic {
    /// What a name cannot have (RFC 7617, 2).
    pub const NO_COLON: &'static str =
        "a user name of `basic_auth` holds no ':', for what is behind it would count as the password";
}

/// Headers whose value is no secret: which tenant is asked, and in which form.
const OPEN_HEADERS: [&str; 7] =
    ["accept", "accountid", "projectid", "thanos-tenant", "x-grafana-org-id", "x-org-id", "x-scope-orgid"];
/// What the name of a header that holds a secret sounds like.
const SECRETIVE: [&str; 10] =
    ["api-key", "apikey", "auth", "cookie", "credential", "jwt", "passw", "secret", "session", "token"];
/// Headers that the connection makes itself.
const OURS: [&str; 10] = [
    "connection",
    "content-length",
    "content-type",
    "host",
    "if-none-match",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// The schemes of proxies.
const PROXIES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

fn headers<S: Serializer>(headers: &BTreeMap<String, Text>, to: S) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(Some(headers.len()))?;
    for (name, value) in headers {
        let closed = !OPEN_HEADERS.contains(&name.to_ascii_lowercase().as_str());
        match value {
            Text::Plain(_) if closed => map.serialize_entry(name, "…")?,
            value => map.serialize_entry(name, value)?,
        }
    }
    map.end()
}

#[expect(clippy::ref_option, reason = "serde hands it over so")]
fn span_of<S: Serializer>(span: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    match span {
        Some(span) => span::serialize(span, to),
        None => to.serialize_none(),
    }
}

fn to_span<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    span::deserialize(from).map(Some)
}

impl Access {
    /// Its settings, as they are written.
    pub const KEYS: [&'static str; 9] = [
        "token",
        "basic_auth",
        "headers",
        "certificate_authority",
        "client_certificate",
        "client_key",
        "server_name",
        "proxy",
        "timeout",
    ];

    /// Takes these settings out of a connection's.
    pub(super) fn split<'i>(own: &mut DeTable<'i>) -> DeTable<'i> {
        let mut shared = DeTable::new();
        for key in Self::KEYS {
            if let Some((name, value)) = own.remove_entry(key) {
                shared.insert(name, value);
            }
        }
        shared
    }

    /// The settings that are there, by their names.
    pub(super) fn written(&self) -> BTreeSet<&'static str> {
        let there = [
            self.token.is_some(),
            self.basic_auth.is_some(),
            !self.headers.is_empty(),
            self.certificate_authority.is_some(),
            self.client_certificate.is_some(),
            self.client_key.is_some(),
            self.server_name.is_some(),
            self.proxy.is_some(),
            self.timeout.is_some(),
        ];
        Self::KEYS.into_iter().zip(there).filter(|(_, there)| *there).map(|(key, _)| key).collect()
    }

    /// What is wrong with it for a system at this address.
    pub(super) fn wrong(&self, address: &str) -> Vec<Wrong> {
        let mut all = Vec::new();
        if self.token.is_some() && self.basic_auth.is_some() {
            all.push(wrong(&["basic_auth"], "`basic_auth` stands instead of `token`: keep one"));
        }
        if let Some(Basic { username: Text::Plain(name), .. }) = &self.basic_auth
            && name.contains(':')
        {
            all.push(wrong(&["basic_auth", "username"], Basic::NO_COLON));
        }
        all.extend(
            self.headers
                .iter()
                .filter_map(|(name, value)| Some(wrong(&["headers", name], self.wrong_header(name, value)?))),
        );
        // Nobody's file is called so, and what is pasted is shown nowhere.
        let files = [
            ("certificate_authority", &self.certificate_authority),
            ("client_certificate", &self.client_certificate),
            ("client_key", &self.client_key),
        ];
        let pasted = |path: &PathBuf| {
            let text = path.to_string_lossy();
            text.contains(['\n', '\r']) || text.starts_with("-----BEGIN")
        };
        all.extend(files.into_iter().filter(|(_, file)| file.as_ref().is_some_and(pasted)).map(|(key, _)| {
            wrong(&[key], format!("`{key}` names a file: what is in it does not stand in the configuration"))
        }));
        for (one, other, written) in [
            ("client_certificate", "client_key", (&self.client_certificate, &self.client_key)),
            ("client_key", "client_certificate", (&self.client_key, &self.client_certificate)),
        ] {
            if matches!(written, (Some(_), None)) {
                all.push(wrong(&[one], format!("`{one}` proves nothing without `{other}`: add it")));
            }
        }
        if Url::parse(address).is_ok_and(|url| url.scheme() == "http") {
            let tls = ["certificate_authority", "client_certificate", "server_name"];
            let written = self.written();
            all.extend(
                tls.into_iter()
                    .filter(|key| written.contains(key))
                    .map(|key| wrong(&[key], format!("`{key}` belongs to an address that begins with https://"))),
            );
        }
        if let Some(name) = self.server_name.as_ref().filter(|name| !is_host(name)) {
            all.push(wrong(
                &["server_name"],
                format!("'{name}' is not the name of a host: write e.g. api.example.com"),
            ));
        }
        if let Some(Text::Plain(proxy)) = &self.proxy
            && let Some(why) = wrong_proxy(proxy)
        {
            all.push(wrong(&["proxy"], why));
        }
        all
    }

    fn wrong_header(&self, name: &str, value: &Text) -> Option<String> {
        let low = name.to_ascii_lowercase();
        if http::HeaderName::try_from(name).is_err() {
            return Some("this is not the name of a header: letters, digits and '-'".to_owned());
        }
        if OURS.contains(&low.as_str()) {
            return Some(format!("{name} is made by the connection itself: take it out"));
        }
        if low == "authorization" && (self.token.is_some() || self.basic_auth.is_some()) {
            return Some("`token` and `basic_auth` are sent as this header: keep one of them".to_owned());
        }
        let Text::Plain(value) = value else { return None };
        if SECRETIVE.iter().any(|part| low.contains(part)) {
            return Some(format!("a secret never stands in the configuration: {}", TokenSource::HOW));
        }
        http::HeaderValue::try_from(value).is_err().then(|| "no header can carry this value".to_owned())
    }
}

/// A name that can be looked up, and that a certificate can be for.
fn is_host(name: &str) -> bool {
    let plain =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    name.parse::<IpAddr>().is_err() && name.split('.').all(plain)
}

fn wrong_proxy(proxy: &str) -> Option<String> {
    if Access::is_no_proxy(proxy) {
        return None;
    }
    match Url::parse(proxy) {
        Ok(url) if !PROXIES.contains(&url.scheme()) || url.host().is_none() => Some(format!(
            "a proxy's address begins with one of {}; `none` is for no proxy",
            PROXIES.join("://, ") + "://"
        )),
        Ok(url) if url.password().is_some() || !url.username().is_empty() => {
            let how = "read the whole address from elsewhere: proxy = { env = \"NAME\" }";
            Some(format!("a password never stands in an address: {how}"))
        }
        Ok(_) => None,
        Err(why) => Some(format!("not an address ({why}): write e.g. http://proxy.example.com:3128")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Access {
        toml::from_str(text).unwrap()
    }

    fn said(text: &str, address: &str) -> Vec<String> {
        read(text).wrong(address).into_iter().map(|one| format!("{}: {}", one.path.join("."), one.why)).collect()
    }

    #[test]
    fn the_list_of_its_settings_is_whole() {
        let error = toml::from_str::<Access>("x = 1").unwrap_err();
        let all: Vec<&str> = error.message().split('`').skip(3).step_by(2).collect();
        assert_eq!(all, Access::KEYS);
    }

    #[test]
    fn what_goes_together_is_taken() {
        let text = "basic_auth = { user = 'ops', password = { file = '/p' } }\ntimeout = '30s'\nproxy = 'socks5h://p:1080'\n\
                    certificate_authority = 'ca.pem'\nclient_certificate = 'c.pem'\nclient_key = 'c.key'\n\
                    server_name = 'prometheus.internal'\nheaders = { X-Scope-OrgID = 'team-a', X-Api-Key = { env = 'KEY' } }";
        assert_eq!(said(text, "https://10.0.0.1"), [] as [&str; 0]);
        assert_eq!(read(text).timeout, Some(Duration::from_secs(30)));
    }

    #[test]
    fn what_does_not_go_together_says_what_to_do() {
        let table = [
            (
                "token = { env = 'A' }\nbasic_auth = { username = 'a', password = { env = 'B' } }",
                "basic_auth: `basic_auth` stands instead of `token`: keep one",
            ),
            (
                "token = { env = 'A' }\nheaders.Authorization = { env = 'B' }",
                "headers.Authorization: `token` and `basic_auth` are sent as this header: keep one of them",
            ),
            ("headers.Host = 'a'", "headers.Host: Host is made by the connection itself: take it out"),
            ("headers.'a b' = 'a'", "headers.a b: this is not the name of a header: letters, digits and '-'"),
            (
                "client_certificate = 'a'\nclient_key = '-----BEGIN PRIVATE KEY-----'",
                "client_key: `client_key` names a file: what is in it does not stand in the configuration",
            ),
            (
                "basic_auth = { username = 'ops:hunter2', password = { env = 'B' } }",
                "basic_auth.username: a user name of `basic_auth` holds no ':', for what is behind it would count as the password",
            ),
            ("client_key = 'a'", "client_key: `client_key` proves nothing without `client_certificate`: add it"),
            (
                "server_name = '10.0.0.1'",
                "server_name: '10.0.0.1' is not the name of a host: write e.g. api.example.com",
            ),
            (
                "proxy = 'ftp://a'",
                "proxy: a proxy's address begins with one of http://, https://, socks5://, socks5h://; `none` is for no proxy",
            ),
            (
                "proxy = 'http://u:p@a'",
                "proxy: a password never stands in an address: read the whole address from elsewhere: proxy = { env = \"NAME\" }",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(said(text, "https://a.test"), [expected]);
        }
        for key in ["certificate_authority", "server_name"] {
            let expected = format!("{key}: `{key}` belongs to an address that begins with https://");
            assert_eq!(said(&format!("{key} = 'a.test'"), "http://a.test"), [expected]);
        }
    }

    #[test]
    fn no_proxy_is_written_in_any_case() {
        for proxy in ["none", "None", "NONE", " none "] {
            assert_eq!(said(&format!("proxy = '{proxy}'"), "https://a.test"), [] as [&str; 0], "{proxy}");
        }
    }

    #[test]
    fn what_a_program_gives_is_taken_out_and_the_rest_stays() {
        let access = read(
            "token = { command = ['a'] }\nbasic_auth = { username = 'u', password = { command = ['b'] } }\n\
             headers = { X-A = { command = ['c'] }, X-B = { env = 'B' } }\nproxy = { command = ['d'] }\ntimeout = '9s'",
        );
        let places: Vec<String> = access.sources().into_iter().map(|(what, _)| what).collect();
        let header = |name: &str| format!("the value of the header {name}");
        let expected = ["the token", "the password", &header("X-A"), &header("X-B"), "the proxy's address"];
        assert_eq!((places, access.runs_a_command()), (expected.map(str::to_owned).to_vec(), true));
        let rest = read("headers = { X-B = { env = 'B' } }\ntimeout = '9s'");
        assert_eq!((access.without_commands(), rest.runs_a_command()), (rest, false));
    }

    #[test]
    fn a_header_that_sounds_like_a_secret_has_no_value_in_the_file_and_others_are_shown_by_name_only() {
        for name in ["Authorization", "X-Api-Key", "Cookie", "X-Auth-Token", "PRIVATE-TOKEN", "X-Secret"] {
            let said = said(&format!("headers.{name} = 'hunter2'"), "https://a.test");
            assert!(
                said.len() == 1 && said[0].contains("a secret never stands") && !said[0].contains("hunter2"),
                "{said:?}"
            );
        }
        let access = read(
            "headers = { X-Scope-OrgID = 'team-a', X-Custom = 'hunter2', X-Key = { command = ['vault', 'hunter2'] } }",
        );
        let shown = toml::to_string(&access).unwrap();
        assert_eq!(
            shown,
            "[headers]\nX-Custom = \"…\"\nX-Scope-OrgID = \"team-a\"\n\n[headers.X-Key]\ncommand = [\"vault\", \"…\"]\n"
        );
    }
}
