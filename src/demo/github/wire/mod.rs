//! The JSON of what the forge holds, key by key as GitHub sends it: people, teams, repositories here; `run` and `deploy` beside.

pub(super) mod compare;
pub(super) mod deploy;
pub(super) mod run;

use serde_json::{Map, Value, json};

use crate::demo::rest::fnv;
use crate::{
    demo::github::{
        repo::{Repo, Workflow},
        spec::RunnerSpec,
    },
    domain::time::Timestamp,
};

/// What every `url` begins with.
pub(super) const API: &str = "https://api.github.com";
/// What every `html_url` begins with.
pub(super) const WEB: &str = "https://github.com";

/// A GraphQL node id: a prefix for the type, and the id.
pub(super) fn node(prefix: &str, id: u64) -> String {
    format!("{prefix}_kwDO{id:012x}")
}

/// `2026-03-10T02:07:00Z`.
pub(super) fn time(at: Timestamp) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-03-10T02:07:00.000Z`, as steps have it.
pub(super) fn millis(at: Timestamp) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A runner that is registered: GitHub's labels of it, and those of its own.
pub(super) fn runner(runner: &RunnerSpec, id: u64) -> Value {
    let label = |name: &str, kind: &str| json!({"id": 1, "name": name, "type": kind});
    let own = runner.labels.iter().map(|name| label(name, "custom"));
    json!({
        "id": id, "name": runner.name, "os": "Linux", "status": if runner.offline { "offline" } else { "online" },
        "busy": runner.busy, "labels": std::iter::once(label("self-hosted", "read-only")).chain(own).collect::<Vec<_>>(),
    })
}

/// A person.
pub(super) fn account(login: &str) -> Value {
    let id = 1_000 + fnv(0, [login]) % 90_000_000;
    let url = format!("{API}/users/{login}");
    json!({
        "login": login,
        "id": id,
        "node_id": node("U", id),
        "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"),
        "gravatar_id": "",
        "url": url,
        "html_url": format!("{WEB}/{login}"),
        "followers_url": format!("{url}/followers"),
        "following_url": format!("{url}/following{{/other_user}}"),
        "gists_url": format!("{url}/gists{{/gist_id}}"),
        "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": format!("{url}/subscriptions"),
        "organizations_url": format!("{url}/orgs"),
        "repos_url": format!("{url}/repos"),
        "events_url": format!("{url}/events{{/privacy}}"),
        "received_events_url": format!("{url}/received_events"),
        "type": "User",
        "user_view_type": "public",
        "site_admin": false,
    })
}

/// A team.
pub(super) fn team(owner: &str, slug: &str) -> Value {
    let id = 1_000 + fnv(1, [owner, slug]) % 9_000_000;
    let url = format!("{API}/teams/{id}");
    json!({
        "id": id,
        "node_id": node("T", id),
        "url": url,
        "html_url": format!("{WEB}/orgs/{owner}/teams/{slug}"),
        "name": slug,
        "slug": slug,
        "description": "",
        "privacy": "closed",
        "notification_setting": "notifications_enabled",
        "permission": "push",
        "type": "organization",
        "members_url": format!("{url}/members{{/member}}"),
        "repositories_url": format!("{url}/repos"),
        "parent": null,
    })
}

/// A workflow.
pub(super) fn workflow(repo: &Repo, workflow: &Workflow) -> Value {
    let (full, id, file) = (repo.full_name(), workflow.id, &workflow.plan.file);
    json!({
        "id": id,
        "node_id": node("W", id),
        "name": workflow.plan.name,
        "path": format!(".github/workflows/{file}"),
        "state": "active",
        "created_at": millis(repo.made),
        "updated_at": millis(repo.made),
        "url": format!("{API}/repos/{full}/actions/workflows/{id}"),
        "html_url": format!("{WEB}/{full}/blob/main/.github/workflows/{file}"),
        "badge_url": format!("{WEB}/{full}/workflows/{}/badge.svg", workflow.plan.name),
    })
}

/// What a repository's `…_url` keys end in.
const URLS: [(&str, &str); 36] = [
    ("forks", "/forks"),
    ("keys", "/keys{/key_id}"),
    ("collaborators", "/collaborators{/collaborator}"),
    ("teams", "/teams"),
    ("hooks", "/hooks"),
    ("issue_events", "/issues/events{/number}"),
    ("events", "/events"),
    ("assignees", "/assignees{/user}"),
    ("branches", "/branches{/branch}"),
    ("tags", "/tags"),
    ("blobs", "/git/blobs{/sha}"),
    ("git_tags", "/git/tags{/sha}"),
    ("git_refs", "/git/refs{/sha}"),
    ("trees", "/git/trees{/sha}"),
    ("statuses", "/statuses/{sha}"),
    ("languages", "/languages"),
    ("stargazers", "/stargazers"),
    ("contributors", "/contributors"),
    ("subscribers", "/subscribers"),
    ("subscription", "/subscription"),
    ("commits", "/commits{/sha}"),
    ("git_commits", "/git/commits{/sha}"),
    ("comments", "/comments{/number}"),
    ("issue_comment", "/issues/comments{/number}"),
    ("contents", "/contents/{+path}"),
    ("compare", "/compare/{base}...{head}"),
    ("merges", "/merges"),
    ("archive", "/{archive_format}{/ref}"),
    ("downloads", "/downloads"),
    ("issues", "/issues{/number}"),
    ("pulls", "/pulls{/number}"),
    ("milestones", "/milestones{/number}"),
    ("notifications", "/notifications{?since,all,participating}"),
    ("labels", "/labels{/name}"),
    ("releases", "/releases{/id}"),
    ("deployments", "/deployments"),
];

/// A repository, as lists of them have it: as far as anybody looks.
pub(super) fn listed(repo: &Repo) -> Value {
    let mut listed = repository(repo);
    if let Some(keys) = listed.as_object_mut() {
        keys.insert("archived".to_owned(), json!(repo.archived));
        keys.insert("pushed_at".to_owned(), json!(repo.pushed().map(time)));
    }
    listed
}

/// A repository, in the short form that runs carry.
pub(super) fn repository(repo: &Repo) -> Value {
    let full = repo.full_name();
    let url = format!("{API}/repos/{full}");
    let mut owner = account(&repo.owner);
    if let Some(owner) = owner.as_object_mut() {
        owner.insert("type".into(), "Organization".into());
    }
    let mut keys = Map::new();
    for (key, value) in [
        ("id", json!(repo.id)),
        ("node_id", json!(node("R", repo.id))),
        ("name", json!(repo.name)),
        ("full_name", json!(full)),
        ("private", json!(true)),
        ("owner", owner),
        ("html_url", json!(format!("{WEB}/{full}"))),
        ("description", json!(format!("The {} service", repo.name))),
        ("fork", json!(false)),
        ("url", json!(url)),
    ] {
        keys.insert(key.to_owned(), value);
    }
    for (key, end) in URLS {
        keys.insert(format!("{key}_url"), json!(format!("{url}{end}")));
    }
    Value::Object(keys)
}
