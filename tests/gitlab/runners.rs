//! What GitLab tells of runners for jobs that wait: by tags, and not to everybody.

use crate::{
    lookup::{waiting, waits},
    scene::{Scene, project},
};

const SCENARIO: &str = r#"
user = "dana"
runners = [
  { name = "one", tags = ["linux"] },
  { name = "gpu-1", tags = ["gpu", "linux"], busy = true }, { name = "gpu-2", tags = ["gpu", "linux"], paused = true },
  { name = "mac", tags = ["mac"], offline = true },
]
[[projects]]
path = "acme/shop/site"
jobs = [
  { name = "build", stage = "a", takes = "1m", tags = ["linux"] },
  { name = "train", stage = "a", takes = "1m", tags = ["gpu"] },
  { name = "sign", stage = "a", takes = "1m", tags = ["mac"] },
  { name = "fly", stage = "a", takes = "1m", tags = ["moon"] },
]
pipelines = [{ id = 1, ref = "v1.0.0", commit = "aaaa1111aaaa1111aaaa1111aaaa1111aaaa1111", title = "site", user = "kim", started = "-10s" }]
"#;

#[tokio::test]
async fn of_each_job_that_waits_it_is_told_which_runners_have_its_tags_and_take_jobs() {
    let scene = Scene::of(SCENARIO, vec![project("acme/shop/site")]);
    let expected = waits(&[
        ("build", None),
        ("train", Some("1 runner with gpu is online")),
        ("sign", Some("the only runner with mac is away or paused")),
        ("fly", Some("there is no runner with moon")),
    ]);
    assert_eq!(waiting(&scene.connection, "acme/shop/site/1").await, expected);
}

#[tokio::test]
async fn who_may_not_see_runners_is_told_so_and_still_sees_the_jobs() {
    let scenario = SCENARIO.replace("path = \"acme/shop/site\"", "path = \"acme/shop/site\"\naccess = 30");
    let scene = Scene::of(&scenario, vec![project("acme/shop/site")]);
    let told = waiting(&scene.connection, "acme/shop/site/1").await;
    let words = "whether a runner with moon is free is not known: it needs the role Maintainer";
    assert_eq!(told[3], ("fly".to_owned(), Some(words.to_owned())));
    assert_eq!(told.len(), 4);
}
