//! Who may ask a served world: programs on this machine that know its address. A browser that was led here by a page from
//! elsewhere is turned away, whether the page names this address itself or has a name of its own point to it.

use http::{
    HeaderMap, Uri,
    header::{HOST, ORIGIN},
    uri::Authority,
};

/// Why a request is turned away; `None` where it is not.
pub(super) fn stranger(uri: &Uri, headers: &HeaderMap) -> Option<&'static str> {
    let named: Vec<Option<Authority>> = headers.get_all(HOST).iter().map(authority).collect();
    let hosts = named.iter().map(Option::as_ref).chain(uri.authority().map(Some));
    // Programs that name no host are no browsers.
    if named.len() > 1 || !hosts.clone().all(|host| host.is_some_and(is_here)) {
        return Some("this address is asked as localhost or 127.0.0.1 only: the Host header names another\n");
    }
    let host = hosts.flatten().next();
    let is_own = |origin: &http::HeaderValue| {
        let origin: Option<Uri> = origin.to_str().ok().and_then(|text| text.parse().ok());
        origin.as_ref().and_then(Uri::authority).zip(host).is_some_and(|(origin, host)| origin == host)
    };
    let from_elsewhere = !headers.get_all(ORIGIN).iter().all(is_own);
    // What a page loads without asking has no Origin; browsers say this of it.
    let site =
        headers.get_all("sec-fetch-site").iter().any(|site| !matches!(site.as_bytes(), b"none" | b"same-origin"));
    (from_elsewhere || site).then_some("a page from elsewhere may not ask: the Origin is another\n")
}

fn authority(value: &http::HeaderValue) -> Option<Authority> {
    value.to_str().ok()?.parse().ok()
}

/// Is it a name of this machine for itself? The port may be another: a tunnel has its own.
fn is_here(authority: &Authority) -> bool {
    let host = authority.host();
    let plain = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    // No user name: it would be read for the host.
    let whole = !authority.as_str().contains('@');
    let is_local = host.eq_ignore_ascii_case("localhost") || host.eq_ignore_ascii_case("localhost.");
    whole && (is_local || plain.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_on_this_machine_may_ask_and_pages_from_elsewhere_may_not() {
        // What is asked for, headers, and whether it is answered.
        type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], bool);
        let table: &[Case<'_>] = &[
            ("/", &[("host", "127.0.0.1:8700")], true),
            ("/", &[("host", "localhost:8700")], true),
            ("/", &[("host", "LOCALHOST")], true),
            ("/", &[("host", "[::1]:8700")], true),
            ("/", &[("host", "127.8.0.1")], true),
            ("/", &[], true),
            ("http://127.0.0.1:8700/x", &[("host", "127.0.0.1:8700")], true),
            // A name that was made to point here.
            ("/", &[("host", "evil.example:8700")], false),
            ("/", &[("host", "localhost.evil.example")], false),
            ("/", &[("host", "127.0.0.1.evil.example")], false),
            ("/", &[("host", "10.0.0.1")], false),
            ("/", &[("host", "localhost@evil.example")], false),
            ("/", &[("host", "")], false),
            ("/", &[("host", "localhost"), ("host", "evil.example")], false),
            ("http://evil.example/x", &[("host", "localhost")], false),
            // A page.
            ("/", &[("host", "localhost:8700"), ("origin", "http://localhost:8700")], true),
            ("/", &[("host", "localhost:8700"), ("origin", "http://localhost:3000")], false),
            ("/", &[("host", "localhost:8700"), ("origin", "https://evil.example")], false),
            ("/", &[("host", "localhost:8700"), ("origin", "null")], false),
            ("/", &[("origin", "https://evil.example")], false),
            ("/", &[("host", "localhost:8700"), ("sec-fetch-site", "cross-site")], false),
            ("/", &[("host", "localhost:8700"), ("sec-fetch-site", "same-site")], false),
            ("/", &[("host", "localhost:8700"), ("sec-fetch-site", "none")], true),
        ];
        for (uri, headers, welcome) in table {
            let mut all = HeaderMap::new();
            for (name, value) in *headers {
                all.append(http::HeaderName::from_static(name), value.parse().unwrap());
            }
            assert_eq!(stranger(&uri.parse().unwrap(), &all).is_none(), *welcome, "{uri} {headers:?}");
        }
    }
}
