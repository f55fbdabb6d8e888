//! The merged configuration as TOML. Secrets are not in it: it says where they come from, with a command's arguments masked.

use crate::{
    config::{
        read::Loaded,
        schema::{Config, Connection},
        secret::TokenSource,
    },
    domain::text::{one_line, without_userinfo},
};

/// The configuration that is in force, with the layers it came from as a comment.
pub fn show(loaded: &Loaded) -> Result<String, toml::ser::Error> {
    let profile = loaded.profile.iter().map(|name| format!("profile {name}"));
    let layers: Vec<String> =
        loaded.layers.iter().cloned().chain(profile).map(|layer| format!("# from {}", one_line(&layer))).collect();
    let shown = toml::to_string(&masked(loaded.config.clone()))?;
    // The addresses of systems hold nobody's password, which is checked; a runbook's may.
    Ok(format!("{}\n\n{}", layers.join("\n"), without_userinfo(&shown)))
}

fn masked(mut config: Config) -> Config {
    for connection in config.connections.values_mut() {
        match connection {
            Connection::Kubernetes(it) => it.token = it.token.as_ref().map(TokenSource::masked),
            Connection::Github(it) => it.token = it.token.as_ref().map(TokenSource::masked),
            Connection::Prometheus(it) => it.token = it.token.as_ref().map(TokenSource::masked),
        }
    }
    config
}
