//! The repository that somebody stands in, by its remotes, and whether there is a token for it. Connects to nothing, runs nothing and
//! reads no token: only where one is.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    config::draft::Drafted,
    run::registry::{
        found::{Here, Part},
        remotes::remotes,
    },
};

/// Where projects are, unless `GITLAB_HOST` says otherwise, as glab reads it: a host, or an address.
const HOST: &str = "gitlab.com";
/// Where tokens usually are.
const TOKENS: [&str; 3] = ["GITLAB_TOKEN", "GITLAB_ACCESS_TOKEN", "GL_TOKEN"];

/// One connection for each host that a remote leads to.
pub(in crate::run::registry) fn found(here: &Here) -> Part {
    let own =
        here.environment.get("GITLAB_HOST").map(|host| host.rsplit("://").next().unwrap_or(host).trim_end_matches('/'));
    let known = |host: &str| host == HOST || Some(host) == own || host.starts_with("gitlab.");
    let mut hosts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (host, path) in remotes(&here.folder).into_iter().filter(|(host, _)| known(host)) {
        hosts.entry(host).or_default().insert(path);
    }
    // Who stands in a repository of another forge, or in none, is told about the usual one.
    let connections = hosts.into_iter().map(|(host, projects)| drafted(here, &host, projects)).collect();
    Part { connections, missing: Vec::new() }
}

fn drafted(here: &Here, host: &str, projects: BTreeSet<String>) -> Drafted {
    let name = if host == HOST { "gitlab".to_owned() } else { host.replace('.', "-") };
    let mut one = Drafted::new(&name, "gitlab", format!("The git remotes of {} lead to {host}", here.folder.display()));
    if host != HOST {
        one.set("url", format!("https://{host}").into(), String::new());
    }
    let is_set = |name: &&str| here.environment.get(*name).is_some_and(|value| !value.is_empty());
    let token = TOKENS.into_iter().find(|name| is_set(name));
    let source = toml::Table::from_iter([("env".to_owned(), token.unwrap_or(TOKENS[0]).into())]);
    one.set("token", source.into(), String::new());
    if token.is_none() {
        one.off = Some("there is no token: put one with the scope read_api (api to act) into GITLAB_TOKEN".to_owned());
    }
    let named = |project: String| toml::Value::from(toml::Table::from_iter([("name".to_owned(), project.into())]));
    let projects: Vec<toml::Value> = projects.into_iter().map(named).collect();
    let environments = "environments = { production = \"prod\" } says where its environments are";
    one.set("projects", projects.into(), environments.into());
    one
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A folder of a repository with this remote, and the environment.
    fn here(remote: &str, environment: &[(&str, &str)]) -> (tempfile::TempDir, Here) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(".git")).unwrap();
        fs::write(folder.path().join(".git/config"), format!("[remote \"origin\"]\n\turl = {remote}\n")).unwrap();
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let here = Here { environment, folder: folder.path().to_owned(), environments: Vec::new() };
        (folder, here)
    }

    #[test]
    fn the_project_that_one_stands_in_is_looked_at_however_deep_it_lies_and_its_token_is_never_read() {
        let (_folder, here) = here("git@gitlab.com:acme/shop/site.git", &[("GITLAB_TOKEN", "glpat-secret")]);
        let one = found(&here).connections.remove(0);
        assert_eq!((one.name.as_str(), one.off.as_ref()), ("gitlab", None));
        let said = format!("{one:?}");
        assert!(said.contains("GITLAB_TOKEN") && said.contains("acme/shop/site") && !said.contains("glpat"), "{said}");
    }

    #[test]
    fn ones_own_server_has_its_address_and_without_a_token_it_is_not_in_force() {
        let (_folder, here) =
            here("https://code.acme.test/acme/site.git", &[("GITLAB_HOST", "https://code.acme.test/")]);
        let one = found(&here).connections.remove(0);
        assert!(one.off.unwrap().contains("GITLAB_TOKEN"));
        assert!(one.settings.iter().any(|(_, value, _)| value.as_str() == Some("https://code.acme.test")));
    }

    #[test]
    fn a_remote_of_another_forge_is_none() {
        let (_folder, here) = here("git@github.com:acme/ledger.git", &[("GITLAB_TOKEN", "x")]);
        assert!(found(&here).connections.is_empty());
    }
}
