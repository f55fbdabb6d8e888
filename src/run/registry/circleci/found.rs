//! The repository that somebody stands in, where it has a configuration of CircleCI, and whether there is a token. Connects to nothing, runs
//! nothing and reads no token: only where one is.

use std::{collections::BTreeSet, path::Path};

use crate::{
    config::draft::Drafted,
    run::registry::{
        found::{Here, Part},
        remotes::remotes,
    },
};

/// Where it is, unless `CIRCLE_HOST` says otherwise, as its command line reads it.
const HOST: &str = "https://circleci.com";
/// Where tokens usually are.
const TOKENS: [&str; 4] = ["CIRCLE_TOKEN", "CIRCLECI_CLI_TOKEN", "CIRCLECI_TOKEN", "CIRCLECI_API_TOKEN"];
const HOSTS: [&str; 2] = ["CIRCLE_HOST", "CIRCLECI_CLI_HOST"];
/// Whose repositories it calls by which sign.
const SIGNS: [(&str, &str); 2] = [("github.com", "gh"), ("bitbucket.org", "bb")];

/// One connection, where the repository is built by CircleCI or a token for it is there.
pub(in crate::run::registry) fn found(here: &Here) -> Part {
    let value = |name: &str| here.environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
    let token = TOKENS.into_iter().find(|name| value(name).is_some());
    let built = is_built(&here.folder);
    if token.is_none() && !built {
        return Part::default();
    }
    let about = match (built, token) {
        (true, _) => format!("{} has a .circleci/config.yml", here.folder.display()),
        (false, token) => format!("{} is set", token.unwrap_or_default()),
    };
    let mut one = Drafted::new("circleci", "circleci", about);
    let host = HOSTS.into_iter().find_map(value).map(|host| host.trim_end_matches('/'));
    if let Some(host) = host.filter(|host| *host != HOST) {
        let whole = if host.contains("://") { host.to_owned() } else { format!("https://{host}") };
        one.set("url", whole.into(), String::new());
    }
    let source = toml::Table::from_iter([("env".to_owned(), token.unwrap_or(TOKENS[0]).into())]);
    one.set(
        "token",
        source.into(),
        "it may do all that its owner may: read_only = true keeps holdshort from acting with it".to_owned(),
    );
    let projects = if built { slugs(&here.folder) } else { BTreeSet::new() };
    if token.is_none() {
        one.off = Some(format!("there is no token: put a personal one into {}", TOKENS[0]));
    } else if projects.is_empty() {
        one.off = Some("no project is known: projects = [{ name = \"gh/ORG/PROJECT\" }] names one".to_owned());
    }
    let named = |slug: String| toml::Value::from(toml::Table::from_iter([("name".to_owned(), slug.into())]));
    let projects: Vec<toml::Value> = projects.into_iter().map(named).collect();
    let why = "environments = { hold-prod = \"prod\" } says where its holds lead; a project of the GitHub App is called circleci/ORG/PROJECT";
    one.set("projects", projects.into(), why.to_owned());
    Part { connections: vec![one], missing: Vec::new() }
}

/// Has the repository that a folder is in a configuration of CircleCI?
fn is_built(folder: &Path) -> bool {
    let root = folder.ancestors().find(|one| one.join(".git").exists()).unwrap_or(folder);
    ["config.yml", "config.yaml"].iter().any(|name| root.join(".circleci").join(name).exists())
}

/// What its remotes are called there.
fn slugs(folder: &Path) -> BTreeSet<String> {
    let sign = |host: &str| SIGNS.iter().find(|(known, _)| *known == host).map(|(_, sign)| *sign);
    let is_one = |path: &str| path.split('/').count() == 2;
    let all = remotes(folder).into_iter().filter(|(_, path)| is_one(path));
    all.filter_map(|(host, path)| Some(format!("{}/{path}", sign(&host)?))).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn here(configured: bool, environment: &[(&str, &str)]) -> (tempfile::TempDir, Here) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(".git")).unwrap();
        fs::write(folder.path().join(".git/config"), "[remote \"origin\"]\n\turl = git@github.com:acme/site.git\n")
            .unwrap();
        if configured {
            fs::create_dir_all(folder.path().join(".circleci")).unwrap();
            fs::write(folder.path().join(".circleci/config.yml"), "version: 2.1\n").unwrap();
        }
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let here = Here { environment, folder: folder.path().to_owned(), environments: Vec::new() };
        (folder, here)
    }

    #[test]
    fn the_project_that_one_stands_in_is_called_as_circleci_calls_it_and_its_token_is_never_read() {
        let (_folder, here) = here(true, &[("CIRCLE_TOKEN", "CCIPAT_secret"), ("CIRCLE_HOST", "ci.acme.test")]);
        let one = found(&here).connections.remove(0);
        assert_eq!(one.off, None);
        let said = format!("{one:?}");
        assert!(
            said.contains("gh/acme/site") && said.contains("https://ci.acme.test") && !said.contains("CCIPAT"),
            "{said}"
        );
    }

    #[test]
    fn a_repository_that_it_does_not_build_and_nobody_has_a_token_for_is_none() {
        let (_folder, without) = here(false, &[]);
        assert!(found(&without).connections.is_empty());
        let (_folder, without) = here(true, &[]);
        assert!(found(&without).connections.remove(0).off.unwrap().contains("CIRCLE_TOKEN"));
        let (_folder, token) = here(false, &[("CIRCLECI_CLI_TOKEN", "x")]);
        assert!(found(&token).connections.remove(0).off.unwrap().starts_with("no project is known"));
    }
}
