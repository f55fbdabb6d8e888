//! The merged configuration as TOML. Secrets are not in it: it says where they come from, and whatever may be one
//! hides itself where it is written (`secret`, `access`).

use crate::{
    config::{read::Loaded, schema::Config},
    domain::text::{one_line, without_userinfo},
};

/// The configuration that is in force, with the layers it came from as a comment.
pub fn show(loaded: &Loaded) -> Result<String, toml::ser::Error> {
    let profile = loaded.profile.iter().map(|name| format!("profile {name}"));
    let layers: Vec<String> =
        loaded.layers.iter().cloned().chain(profile).map(|layer| format!("# from {}", one_line(&layer))).collect();
    Ok(format!("{}\n\n{}", layers.join("\n"), settings(&loaded.config)?))
}

/// The settings alone: read as a file's are, they are this configuration again, but for what is hidden.
pub fn settings(config: &Config) -> Result<String, toml::ser::Error> {
    let shown = toml::to_string(config)?;
    // The addresses of systems hold nobody's password, which is checked; a runbook's may.
    Ok(without_userinfo(&shown))
}
