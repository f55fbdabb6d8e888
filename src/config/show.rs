//! The merged configuration as TOML. Secrets are not in it: it says where they come from, with a command's arguments masked.

use crate::config::{
    read::Loaded,
    schema::{Config, Connection},
    secret::TokenSource,
};

/// The configuration that is in force, with the layers it came from as a comment.
pub fn show(loaded: &Loaded) -> Result<String, toml::ser::Error> {
    let profile = loaded.profile.iter().map(|name| format!("profile {name}"));
    let layers: Vec<String> =
        loaded.layers.iter().cloned().chain(profile).map(|layer| format!("# from {layer}")).collect();
    Ok(format!("{}\n\n{}", layers.join("\n"), toml::to_string(&masked(loaded.config.clone()))?))
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
