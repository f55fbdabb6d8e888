//! What a registry wants to know us by, as it says with a 401.
//!
//! Source: RFC 9110, 11.6.1, and Docker's token authentication: `Bearer realm="…",service="…",scope="…"`.

use std::collections::BTreeMap;

use http::{HeaderMap, header};

/// What it wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A name and a password.
    Basic,
    /// A token, which is fetched there.
    Bearer {
        /// Where.
        realm: String,
        /// For whom.
        service: Option<String>,
    },
}

/// The challenge of an answer; the one with a token first, where there are several.
pub(super) fn read(headers: &HeaderMap) -> Option<Challenge> {
    let all: Vec<Challenge> = headers
        .get_all(header::WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter_map(one)
        .collect();
    let token = all.iter().find(|challenge| matches!(challenge, Challenge::Bearer { .. }));
    token.or(all.first()).cloned()
}

fn one(text: &str) -> Option<Challenge> {
    let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let mut said = parameters(rest);
    Some(Challenge::Bearer { realm: said.remove("realm")?, service: said.remove("service") })
}

/// `a="b",c="d, e"`: names and what they say.
fn parameters(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches([' ', ',']).to_ascii_lowercase();
        let (value, left) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.insert(name, value.trim().to_owned());
        rest = left;
    }
    found
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(values: &[&str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_str(value).unwrap());
        }
        read(&headers)
    }

    #[test]
    fn what_a_registry_wants_is_read_from_its_challenge() {
        let hub = "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\",scope=\"repository:a/b:pull,push\"";
        let token = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer { realm: realm.to_owned(), service: service.map(str::to_owned) })
        };
        assert_eq!(of(&[hub]), token("https://auth.docker.io/token", Some("registry.docker.io")));
        assert_eq!(of(&["Basic realm=\"Registry Realm\""]), Some(Challenge::Basic));
        assert_eq!(
            of(&["Basic realm=x", "bearer realm=https://t.test/a, service=r"]),
            token("https://t.test/a", Some("r"))
        );
        assert_eq!(of(&["Negotiate"]), None);
        assert_eq!(of(&["Bearer service=\"x\""]), None, "nobody knows where to fetch it");
        assert_eq!(of(&[]), None);
    }
}
