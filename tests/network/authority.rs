//! A certificate authority of the test's own, and what it signs.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};

/// How many authorities there are.
static MADE: AtomicUsize = AtomicUsize::new(0);

/// The authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

/// What it signed: a certificate and its key, as PEM.
pub(crate) struct Signed {
    pub(crate) pem: String,
    pub(crate) key: String,
}

/// The years in which a certificate is valid.
#[derive(Clone, Copy)]
pub(crate) struct Valid(pub(crate) i32, pub(crate) i32);

pub(crate) const NOW: Valid = Valid(2020, 2090);

impl Authority {
    pub(crate) fn new() -> Self {
        let _already = rustls::crypto::ring::default_provider().install_default();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Two of one name would be one to whoever looks for the signer.
        params
            .distinguished_name
            .push(DnType::CommonName, format!("authority {}", MADE.fetch_add(1, Ordering::Relaxed)));
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Signs a certificate for a name or an address.
    pub(crate) fn signs(&self, name: &str, Valid(from, to): Valid) -> Signed {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
        let key = KeyPair::generate().unwrap();
        Signed { pem: params.signed_by(&key, &self.issuer).unwrap().pem(), key: key.serialize_pem() }
    }

    /// A certificate that says that it is an authority's, as those are that sign themselves without further thought.
    pub(crate) fn signs_another_authority(&self, name: &str) -> Signed {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Signed { pem: params.signed_by(&key, &self.issuer).unwrap().pem(), key: key.serialize_pem() }
    }

    /// A file that holds the authority.
    pub(crate) fn file(&self, folder: &std::path::Path) -> std::path::PathBuf {
        let path = folder.join("ca.pem");
        std::fs::write(&path, &self.pem).unwrap();
        path
    }
}

impl Signed {
    /// A server with this certificate; one with an authority asks for a client's.
    pub(crate) fn server(&self, clients_of: Option<&Authority>) -> Arc<ServerConfig> {
        let chain = vec![CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        let builder = match clients_of {
            None => ServerConfig::builder().with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
                ServerConfig::builder().with_client_cert_verifier(verifier)
            }
        };
        Arc::new(builder.with_single_cert(chain, key).unwrap())
    }
}
