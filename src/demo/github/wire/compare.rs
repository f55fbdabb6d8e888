//! The JSON of what lies between two commits: those that runs of the repository were of, in their order, and files that follow from them.

use serde_json::{Value, json};

use crate::{
    demo::{
        github::{
            repo::Repo,
            run::Run,
            wire::{account, time},
        },
        rest::{Good, Outcome, Refused, fnv},
    },
    domain::time::Timestamp,
};

/// What a commit may have touched.
const FILES: [&str; 8] = [
    "src/api/routes.rs",
    "src/api/limits.rs",
    "src/settle/mod.rs",
    "src/settle/book.rs",
    "config/prod.toml",
    "db/migrate/0042_add_settled_at.sql",
    "docs/runbook.md",
    "Cargo.lock",
];

/// The one of them that has settings, and what differs there.
const SETTINGS: &str = "config/prod.toml";
const PATCH: &str = "@@ -4,7 +4,7 @@ [limits]\n burst = 20\n-requests_per_second = 100\n+requests_per_second = 250\n \n [pool]\n+max_idle = 8\n idle_timeout = \"30s\"";

/// `BASE...HEAD`.
pub(in crate::demo::github) fn compare(repo: &Repo, range: &str) -> Outcome {
    let (base, head) = range.split_once("...").ok_or_else(Refused::not_found)?;
    let commits = commits(repo);
    let place = |commit: &str| {
        let found = commits.iter().position(|one| one.sha.starts_with(commit) && commit.len() >= 7);
        found.ok_or_else(Refused::not_found)
    };
    let (from, to) = (place(base)?, place(head)?);
    let between = |from: usize, to: usize| commits.get(from + 1..=to).unwrap_or_default();
    let (ahead, behind) = (between(from, to), between(to, from));
    let status = match (ahead.is_empty(), behind.is_empty()) {
        (true, true) => "identical",
        (false, _) => "ahead",
        (true, false) => "behind",
    };
    let mut files: Vec<&str> = ahead.iter().flat_map(touched).collect();
    files.sort_unstable();
    files.dedup();
    Ok(Good::json(json!({
        "status": status,
        "ahead_by": ahead.len(),
        "behind_by": behind.len(),
        "total_commits": ahead.len(),
        "commits": ahead.iter().map(commit).collect::<Vec<_>>(),
        "files": files.into_iter().map(changed).collect::<Vec<_>>(),
    })))
}

/// One commit of the repository.
struct Commit<'a> {
    sha: &'a str,
    title: &'a str,
    actor: &'a str,
    at: Timestamp,
    /// What its files are chosen by.
    number: u64,
}

/// All commits that are known, oldest first: those that were before, and those that runs are of.
fn commits(repo: &Repo) -> Vec<Commit<'_>> {
    let before = repo.commits.iter().zip(0..).map(|(one, number)| Commit {
        sha: &one.commit,
        title: &one.title,
        actor: &one.actor,
        at: repo.made,
        number,
    });
    let mut commits: Vec<Commit<'_>> = before.collect();
    let mut runs: Vec<&Run> = repo.runs.iter().collect();
    runs.sort_by_key(|run| run.created);
    for run in runs {
        if !commits.iter().any(|known| known.sha == run.commit) {
            commits.push(Commit {
                sha: &run.commit,
                title: &run.title,
                actor: &run.actor,
                at: run.created,
                number: run.number,
            });
        }
    }
    commits
}

/// A file that differs, with the patch of the one that has settings.
fn changed(file: &str) -> Value {
    let status = if file.contains("/migrate/") { "added" } else { "modified" };
    let mut changed = json!({ "filename": file, "status": status });
    if let (Some(changed), true) = (changed.as_object_mut(), file == SETTINGS) {
        changed.insert("patch".to_owned(), PATCH.into());
    }
    changed
}

/// Two or three files, by the commit.
fn touched(one: &Commit<'_>) -> impl Iterator<Item = &'static str> {
    let seed = fnv(one.number, [one.sha, "files"]);
    let count = 2 + usize::from(seed % 2 == 0);
    (0..count).filter_map(move |place| {
        let which = usize::try_from((seed >> (8 * place)) % 8).unwrap_or_default();
        FILES.get(which).copied()
    })
}

fn commit(one: &Commit<'_>) -> Value {
    let at = time(one.at);
    let person = json!({ "name": one.actor, "email": format!("{}@users.noreply.github.com", one.actor), "date": at });
    json!({
        "sha": one.sha,
        "commit": { "message": one.title, "author": person, "committer": person },
        "author": account(one.actor),
    })
}
