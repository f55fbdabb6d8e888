//! Which proxy leads to a host, by curl's rule: clients have rules of their own, and some compare `NO_PROXY` with the proxy
//! instead of the host, or read only `HTTPS_PROXY`.

use std::net::IpAddr;

use url::Url;

use crate::domain::text::clean;

/// The environment's words about proxies, as whoever reads the environment found them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyEnvironment {
    /// `HTTPS_PROXY`.
    pub https: Option<String>,
    /// `HTTP_PROXY`.
    pub http: Option<String>,
    /// `ALL_PROXY`.
    pub all: Option<String>,
    /// `NO_PROXY`: hosts, domains, addresses and networks, by comma.
    pub none: Option<String>,
}

impl ProxyEnvironment {
    /// The proxy for a host that is asked with `scheme`; `None` when it is asked directly.
    pub fn for_host(&self, scheme: &str, host: &str) -> Option<String> {
        let own = if scheme == "https" { &self.https } else { &self.http };
        let proxy = own.as_deref().or(self.all.as_deref()).map(str::trim).filter(|proxy| !proxy.is_empty())?;
        let host = host.trim_matches(['[', ']']);
        if is_loopback(host)
            || self.none.as_deref().is_some_and(|list| list.split(',').any(|entry| covers(entry, host)))
        {
            return None;
        }
        // `proxy.corp:3128` is what people write; clients want a scheme.
        Some(if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") })
    }
}

/// A proxy as it may be shown: its URL may hold a name and a password.
pub fn shown(proxy: &str) -> String {
    let Ok(url) = Url::parse(proxy) else { return "(its URL cannot be read)".to_owned() };
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    clean(&format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default()))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn covers(entry: &str, host: &str) -> bool {
    let entry = entry.trim();
    if entry == "*" {
        return true;
    }
    if let Ok(host) = host.parse::<IpAddr>() {
        return match entry.split_once('/') {
            Some((net, bits)) => in_network(host, net, bits),
            None => entry.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip == host),
        };
    }
    let domain = entry.trim_start_matches("*.").trim_start_matches('.').to_ascii_lowercase();
    let host = host.to_ascii_lowercase();
    !domain.is_empty() && (host == domain || host.ends_with(&format!(".{domain}")))
}

fn in_network(host: IpAddr, net: &str, bits: &str) -> bool {
    let (Ok(net), Ok(bits)) = (net.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    let same = |a: u128, b: u128, width: u32| {
        bits <= width && (a ^ b).checked_shr(width - bits).is_none_or(|difference| difference == 0)
    };
    match (host, net) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(u32::from(a).into(), u32::from(b).into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.into(), b.into(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(none: &str, host: &str) -> Option<String> {
        let environment =
            ProxyEnvironment { https: Some("proxy.corp:3128".into()), none: Some(none.into()), ..Default::default() };
        environment.for_host("https", host)
    }

    #[test]
    fn the_exceptions_are_compared_with_the_host_that_is_asked() {
        let direct = [
            ("10.1.2.3", "10.1.2.3"),
            ("10.0.0.0/8", "10.1.2.3"),
            ("fd00::/8", "fd00::1"),
            ("0.0.0.0/0", "10.1.2.3"),
            ("::/0", "fd00::1"),
            ("*", "eks.test"),
            ("corp, .eks.test", "api.eks.test"),
            ("eks.test", "API.eks.test"),
            ("*.eks.test", "a.eks.test"),
            ("", "127.0.0.1"),
            ("", "localhost"),
        ];
        for (none, host) in direct {
            assert_eq!(through(none, host), None, "{none} {host}");
        }
        let proxied = [
            ("10.0.0.0/8", "11.1.2.3"),
            ("proxy.corp", "eks.test"),
            ("eks.test", "weeks.test"),
            ("10.0.0.0/99", "10.0.0.1"),
            (",", "x.test"),
        ];
        for (none, host) in proxied {
            assert_eq!(through(none, host).as_deref(), Some("http://proxy.corp:3128"), "{none} {host}");
        }
    }

    #[test]
    fn what_one_says_to_a_proxy_is_not_shown() {
        assert_eq!(shown("http://dana:s3cret@proxy.corp:3128/"), "http://proxy.corp:3128");
        assert_eq!(shown("http://dana:s3cret@proxy:99999999"), "(its URL cannot be read)");
    }

    #[test]
    fn the_proxy_for_everything_stands_in_where_the_scheme_has_none() {
        let environment = ProxyEnvironment { all: Some("socks5://s:1".into()), ..Default::default() };
        assert_eq!(environment.for_host("https", "x.test").as_deref(), Some("socks5://s:1"));
        assert_eq!(ProxyEnvironment::default().for_host("https", "x.test"), None);
    }
}
