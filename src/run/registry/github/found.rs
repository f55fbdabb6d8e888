//! The repository that somebody stands in, by its remotes, and whether there is a token for it. Connects to nothing, runs nothing and
//! reads no token: only where one is.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use crate::{
    config::draft::Drafted,
    ownership,
    run::registry::{
        found::{Here, Part},
        remotes::remotes,
    },
};

/// Where repositories are, unless `GH_HOST` says otherwise.
const HOST: &str = "github.com";

/// One connection for each host that a remote leads to.
pub(in crate::run::registry) fn found(here: &Here) -> Part {
    let own_host = here.environment.get("GH_HOST").map(String::as_str);
    let known = |host: &str| host == HOST || Some(host) == own_host || host.starts_with("github.");
    let mut hosts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let of_two = |path: &str| path.split('/').count() == 2;
    for (host, path) in remotes(&here.folder).into_iter().filter(|(host, path)| known(host) && of_two(path)) {
        hosts.entry(host).or_default().insert(path);
    }
    if hosts.is_empty() {
        let missing = format!(
            "A repository of GitHub: no git remote of {} leads to one.\nWrite\n\
             [connections.github]\nkind = \"github\"\ntoken = {{ command = [\"gh\", \"auth\", \"token\"] }}\n\
             [[connections.github.repos]]\nname = \"OWNER/NAME\"",
            here.folder.display()
        );
        return Part { connections: Vec::new(), missing: vec![missing] };
    }
    let of = |(host, repos): (String, BTreeSet<String>)| {
        let name = if host == HOST { "github".to_owned() } else { host.replace('.', "-") };
        let mut one =
            Drafted::new(&name, "github", format!("The git remotes of {} lead to {host}", here.folder.display()));
        if host != HOST {
            one.set("base_url", format!("https://{host}/api/v3").into(), String::new());
        }
        if let Some((source, why)) = token(here, &host) {
            one.set("token", source, why);
        } else {
            let way =
                "`gh auth login` makes one, or GH_TOKEN; without it 60 requests an hour, and public repositories only";
            one.off = Some(format!("there is no token: {way}"));
        }
        let repos: Vec<toml::Value> =
            repos.into_iter().map(|repo| toml::Table::from_iter([("name".to_owned(), repo.into())]).into()).collect();
        one.set(
            "repos",
            repos.into(),
            "environments = { production = \"prod\" } says where its environments are".into(),
        );
        one
    };
    Part { connections: hosts.into_iter().map(of).collect(), missing: Vec::new() }
}

/// Where a token is, and how that is known.
fn token(here: &Here, host: &str) -> Option<(toml::Value, String)> {
    let source = |key: &str, value: toml::Value| toml::Value::from(toml::Table::from_iter([(key.to_owned(), value)]));
    let is_set = |name: &&str| here.environment.get(*name).is_some_and(|value| !value.is_empty());
    if let Some(name) = ["GH_TOKEN", "GITHUB_TOKEN"].into_iter().find(|name| is_set(name)) {
        return Some((source("env", name.into()), String::new()));
    }
    let path = here.environment.get("PATH").map(String::as_str).unwrap_or_default();
    let signed_in = hosts_file(here).and_then(|file| fs::read_to_string(file).ok());
    let signed_in = signed_in.is_some_and(|text| text.lines().any(|line| line.trim_end() == format!("{host}:")));
    if !signed_in || ownership::program("gh", path).is_none() {
        return None;
    }
    let mut words = vec!["gh", "auth", "token"];
    if host != HOST {
        words.extend(["--hostname", host]);
    }
    Some((source("command", words.into()), "gh keeps it".to_owned()))
}

/// Where gh keeps whom it is signed in as.
fn hosts_file(here: &Here) -> Option<PathBuf> {
    let of = |name: &str| here.environment.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = of("GH_CONFIG_DIR")
        .or_else(|| Some(of("XDG_CONFIG_HOME")?.join("gh")))
        .or_else(|| Some(of("HOME")?.join(".config/gh")))?;
    Some(folder.join("hosts.yml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of a repository, somebody's home, and the environment.
    fn here(remote: &str, environment: &[(&str, &str)]) -> (tempfile::TempDir, Here) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(".git")).unwrap();
        fs::create_dir_all(folder.path().join("src/deep")).unwrap();
        fs::write(folder.path().join(".git/config"), format!("[remote \"origin\"]\n\turl = {remote}\n")).unwrap();
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let here = Here { environment, folder: folder.path().join("src/deep"), environments: Vec::new() };
        (folder, here)
    }

    #[test]
    fn the_repository_that_one_stands_in_is_looked_at_by_a_token_that_is_named_and_never_read() {
        let (_folder, here) = here("git@github.com:acme/ledger.git", &[("GH_TOKEN", "ghp_secret")]);
        let one = found(&here).connections.remove(0);
        assert_eq!((one.name.as_str(), one.off.as_ref()), ("github", None));
        let said = format!("{one:?}");
        assert!(said.contains("GH_TOKEN") && said.contains("acme/ledger") && !said.contains("ghp_secret"), "{said}");
    }

    #[test]
    fn a_token_that_gh_keeps_is_asked_of_gh_for_its_host_where_both_are_there() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name).display().to_string();
        fs::create_dir_all(at("gh-config")).unwrap();
        fs::write(at("gh-config/hosts.yml"), "github.com:\n    user: dana\ngithub.acme.test:\n    user: dana\n")
            .unwrap();
        let command = |remote: &str, path: &str| {
            let (_folder, here) = here(remote, &[("GH_CONFIG_DIR", &at("gh-config")), ("PATH", path)]);
            let one = found(&here).connections.remove(0);
            let token = one.settings.iter().find(|(key, ..)| key == "token").map(|(_, value, _)| value.to_string());
            (token, one.off.is_some())
        };
        // Signed in, and no gh there to ask.
        assert_eq!(command("git@github.com:acme/ledger", &at("bin")), (None, true));
        fs::create_dir_all(at("bin")).unwrap();
        fs::write(at("bin/gh"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(at("bin/gh"), fs::Permissions::from_mode(0o755)).unwrap();
        let asked = r#"{ command = ["gh", "auth", "token"] }"#.to_owned();
        assert_eq!(command("git@github.com:acme/ledger", &at("bin")), (Some(asked), false));
        let asked = r#"{ command = ["gh", "auth", "token", "--hostname", "github.acme.test"] }"#.to_owned();
        assert_eq!(command("git@github.acme.test:acme/ledger", &at("bin")), (Some(asked), false));
        assert_eq!(command("git@github.other.test:acme/ledger", &at("bin")), (None, true));
    }

    #[test]
    fn without_a_token_it_is_not_in_force_and_a_server_of_ones_own_has_its_address() {
        let (_folder, here) = here("https://github.acme.test/acme/ledger", &[]);
        let one = found(&here).connections.remove(0);
        assert!(one.off.unwrap().contains("gh auth login"));
        assert!(one.settings.iter().any(|(_, value, _)| value.as_str() == Some("https://github.acme.test/api/v3")));
    }

    #[test]
    fn a_remote_of_another_forge_is_none_and_it_says_what_to_write() {
        let (_folder, here) = here("git@gitlab.com:acme/ledger.git", &[("GH_TOKEN", "x")]);
        let part = found(&here);
        assert!(part.connections.is_empty() && part.missing[0].contains("OWNER/NAME"), "{part:?}");
    }
}
