//! Why a kubeconfig or its credentials cannot be used, in words that quote neither. kube's own words repeat what stands beside
//! an error in the file, and what a credential plugin was told and printed.

use std::{
    error::Error,
    path::{Path, PathBuf},
};

use kube::{
    client::AuthError,
    config::{Kubeconfig, KubeconfigError, LoadDataError},
};

use crate::{domain::text::without_userinfo, provider::http::error::causes};

/// How a kubeconfig, and the program that it has for its credentials, are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    file: Option<PathBuf>,
    plugin: Option<String>,
}

impl Names {
    /// Of a file, of which no more is known.
    pub(super) fn of(file: Option<&Path>) -> Self {
        Self { file: file.map(Path::to_owned), plugin: None }
    }

    /// Finds the plugin of a context.
    pub(super) fn of_plugin(mut self, file: &Kubeconfig, context: Option<&str>) -> Self {
        let Some(name) = context.or(file.current_context.as_deref()) else { return self };
        let context = file.contexts.iter().find(|named| named.name == name);
        let user = context.and_then(|named| named.context.as_ref()).and_then(|context| context.user.clone());
        let named = file.auth_infos.iter().find(|named| Some(&named.name) == user.as_ref());
        if let Some(exec) = named.and_then(|named| named.auth_info.as_ref()?.exec.as_ref()) {
            self.plugin.clone_from(&exec.command);
        }
        self
    }

    fn file(&self) -> String {
        self.file.as_ref().map_or_else(|| "the kubeconfig".to_owned(), |path| path.display().to_string())
    }

    fn plugin(&self) -> String {
        self.plugin
            .as_ref()
            .map_or_else(|| "the credential plugin".to_owned(), |name| format!("the credential plugin '{name}'"))
    }
}

/// The error and its causes.
pub(super) fn said(error: &(dyn Error + 'static), names: &Names) -> String {
    let ours = of_credentials(error, names).or_else(|| chain(error).find_map(|cause| of_file(cause, names)));
    ours.unwrap_or_else(|| match error.downcast_ref() {
        Some(kube::Error::ProxyProtocolUnsupported { .. } | kube::Error::ProxyProtocolDisabled { .. }) => {
            "a proxy is asked by http://, https:// or socks5://, and what is set is none of them".to_owned()
        }
        Some(kube::Error::RustlsTls(why)) if why.to_string().starts_with("identity PEM") => {
            "the client certificate and key in it cannot be used: both must be PEM, and the key not encrypted (openssl pkey \
             -in KEY -out PLAIN writes it decrypted)"
                .to_owned()
        }
        _ => without_userinfo(&causes(error)),
    })
}

/// Where there are no credentials to send anything with.
pub(super) fn of_credentials(error: &(dyn Error + 'static), names: &Names) -> Option<String> {
    let error = chain(error).find_map(|cause| cause.downcast_ref::<AuthError>())?;
    let by_hand = "run it by hand to see why";
    Some(match error {
        AuthError::AuthExecRun { out, .. } => format!("{} failed ({}): {by_hand}", names.plugin(), out.status),
        AuthError::AuthExecStart(why) => format!("{} cannot be started: {why}", names.plugin()),
        AuthError::AuthExecParse(_) | AuthError::ExecPluginFailed | AuthError::AuthExec(_) => {
            format!("what {} printed is no credential: {by_hand}", names.plugin())
        }
        AuthError::MissingCommand => "the kubeconfig names no command for its credential plugin".to_owned(),
        AuthError::ReadTokenFile(why, path) => format!("the token file {} cannot be read: {why}", path.display()),
        AuthError::InvalidBasicAuth(_) | AuthError::InvalidBearerToken(_) => {
            "the token or password in the kubeconfig holds characters that no header can carry".to_owned()
        }
        _ => format!("{} gave no credential that can be used: {by_hand}", names.plugin()),
    })
}

fn of_file(cause: &(dyn Error + 'static), names: &Names) -> Option<String> {
    Some(match cause.downcast_ref::<KubeconfigError>()? {
        KubeconfigError::Parse(why) => {
            let at = why.location().map(|at| format!(": line {}, column {}", at.line(), at.column()));
            format!("{} cannot be read as a kubeconfig{}", names.file(), at.unwrap_or_default())
        }
        KubeconfigError::ReadConfig(why, path) => format!("{} cannot be read: {why}", path.display()),
        KubeconfigError::ParseClusterUrl(_) => "the address of the cluster in it is no URL".to_owned(),
        KubeconfigError::ParseProxyUrl(_) => "the address of the proxy in it is no URL".to_owned(),
        KubeconfigError::LoadCertificateAuthority(why) => data("certificate authority", why),
        KubeconfigError::LoadClientCertificate(why) => data("client certificate", why),
        KubeconfigError::LoadClientKey(why) => data("client key", why),
        KubeconfigError::ParseCertificates(_) => "a certificate in it is not PEM".to_owned(),
        KubeconfigError::ParseNoProxy(_) => "NO_PROXY cannot be read".to_owned(),
        // Names of contexts and clusters, and what is missing.
        other => other.to_string(),
    })
}

fn data(what: &str, why: &LoadDataError) -> String {
    match why {
        LoadDataError::ReadFile(why, path) => format!("the {what} {} cannot be read: {why}", path.display()),
        LoadDataError::DecodeBase64(_) => format!("the {what} in it is not base64"),
        LoadDataError::NoBase64DataOrFile => format!("there is no {what} in it"),
    }
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}
