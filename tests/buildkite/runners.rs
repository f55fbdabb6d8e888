//! What Buildkite tells of agents for jobs that wait: by the rules of their queries, with a scope of its own.

use crate::{
    lookup::{waiting, waits},
    scene::{Scene, pipeline},
};

const SCENARIO: &str = r#"
user = "Dana Ray"
scopes = ["read_builds", "read_agents"]
agents = [
  { name = "a", tags = ["queue=deploy", "os=linux"], busy = true }, { name = "b", tags = ["queue=deploy", "os=mac"], busy = true },
  { name = "c", tags = ["queue=gpu"], paused = true },
]
[[pipelines]]
name = "acme/site"
steps = [
  { label = "Deploy", takes = "1m", agents = ["queue=deploy"] },
]
builds = [{ number = 1, message = "site", branch = "main", commit = "c0ffee1234567890abcdef1234567890abcdef12", creator = "Lee Wu", started = "-10s" }]
"#;

#[tokio::test]
async fn of_each_job_that_waits_it_is_told_which_agents_fit_and_whether_one_is_free() {
    let words = [
        ("queue=deploy", "all 2 runners with queue=deploy are busy"),
        ("queue=gpu", "the only runner with queue=gpu is away or paused"),
        ("queue=moon", "there is no runner with queue=moon"),
    ];
    for (rule, words) in words {
        let scenario = SCENARIO.replace("agents = [\"queue=deploy\"]", &format!("agents = [\"{rule}\"]"));
        let scene = Scene::of(&scenario, vec![pipeline("acme/*")]);
        assert_eq!(waiting(&scene.connection, "acme/site/1").await, waits(&[("Deploy", Some(words))]));
    }
}

#[tokio::test]
async fn without_the_scope_it_is_said_which_one_it_takes() {
    let scene = Scene::of(&SCENARIO.replace(", \"read_agents\"", ""), vec![pipeline("acme/*")]);
    let words = "whether a runner with queue=deploy is free is not known: agents are not told: that takes read_agents";
    assert_eq!(waiting(&scene.connection, "acme/site/1").await, waits(&[("Deploy", Some(words))]));
}
