//! The remotes of the git repository that somebody stands in: which forge, and what is called how there. Connects to nothing and runs
//! nothing.

use std::{fs, path::Path};

/// The configuration of the repository that a folder is in; of a worktree that of its repository.
fn config_of(folder: &Path) -> Option<String> {
    let git = folder.ancestors().map(|one| one.join(".git")).find(|git| git.exists())?;
    let git = if git.is_dir() {
        git
    } else {
        let text = fs::read_to_string(&git).ok()?;
        let own = git.parent()?.join(text.strip_prefix("gitdir:")?.trim());
        let common = fs::read_to_string(own.join("commondir")).ok()?;
        own.join(common.trim())
    };
    fs::read_to_string(git.join("config")).ok()
}

/// Host and path of each remote of the repository that a folder is in.
pub(super) fn remotes(folder: &Path) -> Vec<(String, String)> {
    let config = config_of(folder).unwrap_or_default();
    let urls = config.lines().filter_map(|line| line.trim().strip_prefix("url")?.trim_start().strip_prefix('='));
    urls.filter_map(|url| remote(url.trim())).collect()
}

/// `git@HOST:OWNER/NAME.git`, `ssh://git@HOST/OWNER/NAME`, `https://HOST/OWNER/NAME.git`. Who one is there is left out.
fn remote(url: &str) -> Option<(String, String)> {
    let (host, path) = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?,
        None => url.split_once(':')?,
    };
    let host = host.rsplit('@').next()?.split(':').next()?;
    let path = path.trim_matches('/').trim_end_matches(".git");
    let whole = path.split('/').count() >= 2 && path.split('/').all(|part| !part.is_empty());
    (whole && !host.is_empty()).then(|| (host.to_lowercase(), path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_says_host_and_repository_in_every_form_and_never_a_password() {
        for url in [
            "git@github.com:acme/ledger.git",
            "ssh://git@github.com:22/acme/ledger",
            "https://dana:hunter2@github.com/acme/ledger.git",
        ] {
            assert_eq!(remote(url), Some(("github.com".into(), "acme/ledger".into())), "{url}");
        }
        let deep = Some(("gitlab.com".into(), "acme/shop/site".into()));
        assert_eq!(remote("git@gitlab.com:acme/shop/site.git"), deep);
        for url in ["/srv/git/ledger", "https://github.com/acme", "ledger"] {
            assert_eq!(remote(url), None, "{url}");
        }
    }
}
