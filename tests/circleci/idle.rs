//! What a board of many projects costs at rest: one question tells of all of them.

use std::time::Duration;

use crate::{
    inventory::Listing,
    scene::{Scene, project},
};

/// Projects on the board.
const MANY: usize = 50;

/// So many projects, each with a pipeline that ended long ago; in the first one a job holds.
fn scenario() -> String {
    let one = |n: usize| {
        let jobs = if n == 0 { "{ name = 'hold', hold = true }" } else { "{ name = 'test', takes = '1m' }" };
        format!(
            "[[projects]]\nslug = 'gh/acme/service-{n}'\njobs = [{jobs}]\n\
             pipelines = [{{ number = {}, branch = 'main', commit = 'c0ffee01', subject = 'x', user = 'lee', started = '-800h' }}]\n",
            n + 1
        )
    };
    let projects: String = (0..MANY).map(one).collect();
    format!("user = 'dana'\n{projects}")
}

fn projects() -> Vec<holdshort::provider::circleci::Project> {
    (0..MANY).map(|n| project(&format!("gh/acme/service-{n}"))).collect()
}

#[tokio::test]
async fn fifty_projects_at_rest_take_few_requests_a_minute_and_the_first_look_four_for_each() {
    let scene = Scene::of(&scenario(), projects());
    let mut minutes = Vec::new();
    // Looked at as often as somebody looks who has it in focus.
    for _ in 0..40 {
        let before = scene.diary.all().len();
        for _ in 0..12 {
            let (items, unread) = scene.inventory().look().await;
            assert_eq!((items.len(), unread), (MANY + 1, vec![]));
            scene.clock.pass(Duration::from_secs(5));
        }
        minutes.push(scene.diary.all().len() - before);
    }
    let (first, rest) = minutes.split_first().unwrap();
    assert!(*first <= 5 * MANY, "{minutes:?}");
    // Twelve looks, each at the newest; two of them also at what holds and runs, and at the one that holds.
    assert!(rest.iter().all(|many| *many <= 22), "{minutes:?}");
    let before = scene.diary.all().len();
    for _ in 0..20 {
        scene.inventory().look().await;
        scene.clock.pass(Duration::from_secs(30));
    }
    let ten_minutes = scene.diary.all().len() - before;
    assert!(ten_minutes <= 120, "where nobody looks: {ten_minutes}");
}

#[tokio::test]
async fn without_the_third_interface_each_project_is_asked_by_itself_once_in_an_interval() {
    let scene = Scene::of(&format!("v3 = false\n{}", scenario()), projects());
    for _ in 0..24 {
        scene.inventory().look().await;
        scene.clock.pass(Duration::from_secs(5));
    }
    let before = scene.diary.all().len();
    for _ in 0..12 {
        scene.inventory().look().await;
        scene.clock.pass(Duration::from_secs(5));
    }
    let minute = scene.diary.all().len() - before;
    assert!(minute <= 2 * MANY + 60, "{minute}");
}
