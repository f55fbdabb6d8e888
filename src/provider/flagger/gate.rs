//! The gates of Flagger's load tester: one boolean for each canary, shared by all its confirmations, and one more for the way
//! back. In the memory of the tester: a restart closes both (`pkg/loadtester/server.go`).
//!
//! The tester is reached through the API server's service proxy, so that nothing but the cluster's address is needed. Other
//! addresses, `/gate/approve` and `/gate/halt` are said, and not driven.

use url::Url;

use super::api::{Canary, Webhook};
use crate::domain::text::clean;

/// What a confirmation lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Confirms {
    /// The start of a new version.
    Start,
    /// The next share of traffic.
    Increase,
    /// The promotion.
    Promotion,
}

impl Confirms {
    /// As the type of a webhook.
    pub(super) fn hook(self) -> &'static str {
        match self {
            Self::Start => "confirm-rollout",
            Self::Increase => "confirm-traffic-increase",
            Self::Promotion => "confirm-promotion",
        }
    }

    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Start, Self::Increase, Self::Promotion];
}

/// A load tester, as the API server reaches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tester {
    /// Where its service is.
    pub namespace: String,
    /// What it is called: `flagger-loadtester`.
    pub service: String,
    port: u16,
    tls: bool,
}

/// One of the two gates of a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// Shared by all confirmations.
    Confirm,
    /// Takes the version back when it is open.
    Rollback,
}

impl Gate {
    /// As it stands in a path.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Confirm => "gate",
            Self::Rollback => "rollback",
        }
    }

    /// As it stands in a sentence.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Confirm => "gate",
            Self::Rollback => "rollback gate",
        }
    }
}

/// What stands behind the address of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    /// A gate that can be opened and closed.
    Gate(Tester, Gate),
    /// What lets everything through.
    Approves,
    /// What lets nothing through.
    Halts,
    /// Somebody else decides.
    Other,
}

/// What stands behind a webhook.
pub(super) fn behind(hook: &Webhook) -> Behind {
    let Ok(url) = Url::parse(&hook.url) else { return Behind::Other };
    match url.path() {
        "/gate/approve" => Behind::Approves,
        "/gate/halt" => Behind::Halts,
        "/gate/check" => tester(&url).map_or(Behind::Other, |tester| Behind::Gate(tester, Gate::Confirm)),
        "/rollback/check" => tester(&url).map_or(Behind::Other, |tester| Behind::Gate(tester, Gate::Rollback)),
        _ => Behind::Other,
    }
}

/// The service of the cluster that an address names: `http://NAME.NAMESPACE`, with or without `.svc` and what follows.
fn tester(url: &Url) -> Option<Tester> {
    let mut parts = url.host_str()?.split('.');
    let (service, namespace) = (parts.next()?, parts.next()?);
    let of_cluster = parts.next().is_none_or(|next| next == "svc");
    let is_label = |text: &str| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !text.is_empty() && text.len() <= 63 && text.chars().all(plain)
    };
    let is_one =
        of_cluster && is_label(service) && is_label(namespace) && !url.host_str()?.starts_with(char::is_numeric);
    let tls = url.scheme() == "https";
    let port = url.port_or_known_default()?;
    (is_one && (tls || url.scheme() == "http")).then(|| Tester {
        namespace: namespace.to_owned(),
        service: service.to_owned(),
        port,
        tls,
    })
}

impl Tester {
    /// The path of one of its calls through the API server's proxy. The port is a number: services name theirs as they like.
    pub(super) fn path(&self, gate: Gate, call: &str) -> String {
        let Self { namespace, service, port, tls } = self;
        let scheme = if *tls { "https:" } else { "" };
        format!("/api/v1/namespaces/{namespace}/services/{scheme}{service}:{port}/proxy/{}/{call}", gate.name())
    }
}

/// The gate of a canary that can be driven, where one of its webhooks asks it.
pub(super) fn of(canary: &Canary, gate: Gate) -> Option<Tester> {
    let hooks: Vec<&Webhook> = match gate {
        Gate::Confirm => Confirms::ALL.iter().flat_map(|confirms| canary.webhooks(confirms.hook())).collect(),
        Gate::Rollback => canary.webhooks("rollback").collect(),
    };
    hooks.into_iter().find_map(|hook| match behind(hook) {
        Behind::Gate(tester, own) if own == gate => Some(tester),
        _ => None,
    })
}

/// Why opening the gate would not let this through: another webhook has to say yes as well, or there is no gate.
pub(super) fn undriven(canary: &Canary, confirms: Confirms) -> Option<String> {
    let mut driven = false;
    for hook in canary.webhooks(confirms.hook()) {
        let name = clean(&hook.name);
        match behind(hook) {
            Behind::Gate(_, Gate::Confirm) => driven = true,
            Behind::Approves => {}
            Behind::Halts => {
                return Some(format!(
                    "its webhook '{name}' asks /gate/halt, which lets nothing through: change its address in the Canary"
                ));
            }
            Behind::Gate(_, Gate::Rollback) | Behind::Other => {
                return Some(format!("its webhook '{name}' asks {}, who decides there: confirm it there", host(hook)));
            }
        }
    }
    let kind = confirms.hook();
    (!driven).then(|| format!("no {kind} webhook of it asks a gate: nothing here can be opened"))
}

/// Whom a webhook asks, without what may be a secret in its address.
fn host(hook: &Webhook) -> String {
    let url = Url::parse(&hook.url).ok();
    let host = url.as_ref().and_then(|url| url.host_str());
    host.map_or_else(|| "an address that cannot be read".to_owned(), clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(url: &str) -> Webhook {
        Webhook { kind: "confirm-promotion".into(), name: "gate".into(), url: url.into() }
    }

    #[test]
    fn a_service_of_the_cluster_is_reached_through_the_api_server_and_nobody_else_is() {
        let path = |url: &str| match behind(&hook(url)) {
            Behind::Gate(tester, gate) => Some(tester.path(gate, "open")),
            _ => None,
        };
        let base = "/api/v1/namespaces/test/services";
        let table = [
            ("http://flagger-loadtester.test/gate/check", Some("flagger-loadtester:80/proxy/gate/open")),
            ("http://lt.test.svc.cluster.local:8080/rollback/check", Some("lt:8080/proxy/rollback/open")),
            ("https://lt.test.svc/gate/check", Some("https:lt:443/proxy/gate/open")),
            ("http://gate.example.com/gate/check", None),
            ("http://flagger-loadtester/gate/check", None),
            ("http://10.0.0.7/gate/check", None),
            ("ftp://lt.test/gate/check", None),
            ("http://lt.test/", None),
            ("lt.test/gate/check", None),
        ];
        for (url, expected) in table {
            assert_eq!(path(url), expected.map(|rest| format!("{base}/{rest}")), "{url}");
        }
        assert_eq!(behind(&hook("http://lt.test/gate/approve")), Behind::Approves);
        assert_eq!(behind(&hook("http://elsewhere.example.com/gate/halt")), Behind::Halts);
    }

    #[test]
    fn what_a_gate_alone_does_not_let_through_is_said() {
        let canary = |urls: &[&str]| {
            let webhooks = urls.iter().map(|url| hook(url)).collect();
            let analysis = super::super::api::Analysis { webhooks, ..Default::default() };
            let mut canary = Canary::default();
            canary.spec.analysis = Some(analysis);
            canary
        };
        let (check, approve) = ("http://lt.test/gate/check", "http://lt.test/gate/approve");
        let why = |urls: &[&str]| undriven(&canary(urls), Confirms::Promotion);
        assert_eq!(why(&[check, approve]), None);
        let none = "no confirm-promotion webhook of it asks a gate: nothing here can be opened";
        assert_eq!(why(&[approve]).as_deref(), Some(none));
        let halt = "its webhook 'gate' asks /gate/halt, which lets nothing through: change its address in the Canary";
        assert_eq!(why(&[check, "http://lt.test/gate/halt"]).as_deref(), Some(halt));
        let other = "its webhook 'gate' asks ci.example.com, who decides there: confirm it there";
        assert_eq!(why(&[check, "https://u:secret@ci.example.com/ok?token=x"]).as_deref(), Some(other));
    }
}
