//! Why no connection came about, in words that name the thing and the way out: certificates, TLS, proxies. What is not known
//! here keeps the words of whoever noticed it. Nothing of a request has left when one of these is said.

use std::{error::Error, io};

use chrono::DateTime;
use rustls::{AlertDescription, CertificateError, Error as Tls};

use super::error::first_cause;

/// Who was to be reached, for the sentences.
#[derive(Clone, Debug)]
pub struct Towards {
    /// `eu.test:6443`.
    pub host: String,
    /// The proxy in between, as it may be shown.
    pub proxy: Option<String>,
    /// Does the connection itself name it (`proxy`), and not the environment or a cluster's own file?
    pub own_proxy: bool,
    /// Where a certificate authority is added.
    pub trust: &'static str,
}

/// The sentence, where the cause is one that asking again does not mend.
pub fn barred(error: &(dyn Error + 'static), towards: &Towards) -> Option<String> {
    // hyper-util says so in its text only. What breaks on an open connection may have been read by the far side.
    let connecting = causes(error).any(|cause| cause.to_string().starts_with(CONNECTING));
    let said = causes(error).find_map(tls).and_then(|tls| of_tls(tls, towards, connecting));
    said.or_else(|| towards.proxy.as_deref().and_then(|proxy| of_proxy(error, proxy, towards)))
}

/// How the error of whoever makes connections begins.
pub const CONNECTING: &str = "client error (Connect)";

/// What a proxy says that wants to know who we are.
pub fn proxy_wants_a_name(proxy: &str, own: bool) -> String {
    let place = if own {
        "and read it from elsewhere: proxy = { env = \"NAME\" }"
    } else {
        "in HTTPS_PROXY or the cluster's proxy-url"
    };
    format!("the proxy {proxy} wants a name and a password (407): put them into its URL, {place}")
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// The error of TLS that this is, or that it wraps: an I/O error hides what it wraps from the chain of causes, and may wrap
/// another one.
fn tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Tls> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<Tls>() {
            return Some(tls);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|inner| -> &(dyn Error + 'static) { inner });
    }
    None
}

fn of_tls(error: &Tls, Towards { host, trust, .. }: &Towards, connecting: bool) -> Option<String> {
    Some(match error {
        Tls::InvalidCertificate(why) => of_certificate(why, host, trust),
        Tls::InvalidMessage(_) if connecting => {
            format!("{host} does not speak TLS: is its address http:// instead of https://?")
        }
        Tls::PeerIncompatible(_) => format!("{host} has no TLS that we may use; it must offer TLS 1.2 or 1.3"),
        Tls::AlertReceived(alert) => return of_alert(*alert, host, connecting),
        Tls::InconsistentKeys(_) => "the client certificate and the client key do not belong together".to_owned(),
        _ => return None,
    })
}

fn of_certificate(why: &CertificateError, host: &str, trust: &str) -> String {
    let day = |at: rustls::pki_types::UnixTime| {
        let at = i64::try_from(at.as_secs()).ok().and_then(|second| DateTime::from_timestamp(second, 0));
        at.map_or_else(|| "an unknown day".to_owned(), |at| at.format("%Y-%m-%d").to_string())
    };
    match why {
        // The name of an authority that is trusted, and the key of another one.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            format!("the certificate of {host} is signed by nobody that this machine trusts: add its CA {trust}")
        }
        CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            let names: Vec<String> = presented.iter().take(3).map(|name| plain_name(name)).collect();
            format!("the certificate of {host} is for {}: is the address right?", names.join(", "))
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("the certificate of {host} is for another name: is the address right?")
        }
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("the certificate of {host} expired on {}: it must be renewed there", day(*not_after))
        }
        CertificateError::Expired => format!("the certificate of {host} has expired: it must be renewed there"),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("the certificate of {host} is valid only from {}: is this machine's clock right?", day(*not_before))
        }
        CertificateError::Revoked => format!("the certificate of {host} was revoked: it must be replaced there"),
        // rustls has no name for it: what looks at certificates below it has.
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => format!(
            "the certificate of {host} is one of an authority (CA:TRUE), as self-signed ones often are, and no server's: give it \
             one of its own, and add whoever signed that {trust}"
        ),
        other => format!("the certificate of {host} cannot be trusted: {other}"),
    }
}

/// `DnsName("eu.test")` is how rustls writes a name.
fn plain_name(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    inner.trim_matches('"').to_owned()
}

/// The far side ended the handshake. It looks at our certificate before it reads a request.
fn of_alert(alert: AlertDescription, host: &str, connecting: bool) -> Option<String> {
    Some(match alert {
        AlertDescription::CertificateRequired => {
            format!("{host} asks for a client certificate, and none is configured")
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::DecryptError
        | AlertDescription::AccessDenied => {
            format!("{host} does not take our client certificate ({alert:?}): is it the right one, and still valid?")
        }
        AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure => {
            format!("{host} has no TLS that we may use ({alert:?}); it must offer TLS 1.2 or 1.3")
        }
        AlertDescription::UnrecognisedName => format!("{host} knows no system of that name: is the address right?"),
        other if connecting => format!("{host} ended the TLS handshake ({other:?})"),
        _ => return None,
    })
}

/// What the tunnel says, by its words: its type is nobody's to name.
fn of_proxy(error: &(dyn Error + 'static), proxy: &str, Towards { host, own_proxy, .. }: &Towards) -> Option<String> {
    let way_out = if *own_proxy {
        "check `proxy` of its connection; \"none\" is for no proxy".to_owned()
    } else {
        format!("check HTTPS_PROXY, or name {} in NO_PROXY", host.split(':').next().unwrap_or(host))
    };
    let said = causes(error).map(ToString::to_string).find(|text| text.starts_with("tunnel error: "))?;
    Some(match said.trim_start_matches("tunnel error: ") {
        "proxy authorization required" => proxy_wants_a_name(proxy, *own_proxy),
        "unsuccessful" => format!("the proxy {proxy} does not let us connect to {host}: ask who runs it, or {way_out}"),
        "failed to create underlying connection" => {
            format!("the proxy {proxy} cannot be reached ({}): {way_out}", first_cause(error))
        }
        _ => format!("the proxy {proxy} broke off before it connected us to {host}: {way_out}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(error: Tls) -> Option<String> {
        let towards =
            Towards { host: "eu.test:6443".into(), proxy: None, own_proxy: false, trust: "to the kubeconfig" };
        barred(&io::Error::other(io::Error::other(error)), &towards)
    }

    #[test]
    fn an_error_of_tls_is_found_behind_an_io_error_and_says_what_to_do() {
        let alert = |alert| said(Tls::AlertReceived(alert)).unwrap();
        assert_eq!(
            said(CertificateError::UnknownIssuer.into()).unwrap(),
            "the certificate of eu.test:6443 is signed by nobody that this machine trusts: add its CA to the kubeconfig"
        );
        assert_eq!(
            alert(AlertDescription::CertificateExpired),
            "eu.test:6443 does not take our client certificate (CertificateExpired): is it the right one, and still valid?"
        );
        assert_eq!(
            alert(AlertDescription::ProtocolVersion),
            "eu.test:6443 has no TLS that we may use (ProtocolVersion); it must offer TLS 1.2 or 1.3"
        );
        // On an open connection these come after a request, which may have been carried out.
        for later in [Tls::DecryptError, Tls::AlertReceived(AlertDescription::InternalError), not_tls()] {
            assert_eq!(said(later), None);
        }
    }

    fn not_tls() -> Tls {
        Tls::InvalidMessage(rustls::InvalidMessage::InvalidContentType)
    }

    #[test]
    fn what_is_no_tls_is_told_while_the_connection_is_made() {
        #[derive(Debug, thiserror::Error)]
        #[error("client error (Connect)")]
        struct Making(#[source] io::Error);

        let towards = Towards { host: "eu.test:6443".into(), proxy: None, own_proxy: false, trust: "" };
        assert_eq!(
            barred(&Making(io::Error::other(not_tls())), &towards).as_deref(),
            Some("eu.test:6443 does not speak TLS: is its address http:// instead of https://?")
        );
    }

    #[test]
    fn names_are_shown_as_they_are_written_in_an_address() {
        for (theirs, plain) in [("DnsName(\"eu.test\")", "eu.test"), ("IpAddress(10.0.0.1)", "10.0.0.1"), ("eu", "eu")]
        {
            assert_eq!(plain_name(theirs), plain);
        }
    }
}
