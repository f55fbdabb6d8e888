//! What a board of many projects costs: one question tells of fifty.

use std::time::Duration;

use crate::{
    inventory::Listing,
    scene::{Scene, project},
};

/// Projects on the board.
const MANY: usize = 50;

/// So many projects, each with a pipeline that ended long ago and is live.
fn scenario() -> String {
    let project = |n: usize| {
        format!(
            "[[projects]]\npath = 'acme/team-{}/service-{n}'\njobs = [{{ name = 'test', stage = 'test', takes = '1m' }}, {{ name = \
             'deploy', stage = 'deploy', environment = 'production', takes = '1m' }}]\n\
             pipelines = [{{ id = 1, ref = 'v1.0.{n}', commit = 'c0ffee01', title = 'x', user = 'lee', started = '-800h' }}]\n",
            n % 7
        )
    };
    let projects: String = (0..MANY).map(project).collect();
    format!("user = 'dana'\n{projects}")
}

#[tokio::test]
async fn fifty_projects_at_rest_take_a_few_requests_a_minute_named_or_not() {
    let named: Vec<_> = (0..MANY).map(|n| project(&format!("acme/team-{}/service-{n}", n % 7))).collect();
    for projects in [vec![project("acme/*")], named] {
        let scene = Scene::of(&scenario(), projects);
        let mut minutes = Vec::new();
        for _ in 0..70 {
            let before = scene.diary.all().len();
            // As idle scopes are asked: every 30 s.
            for _ in 0..2 {
                let (items, unread) = scene.inventory().look().await;
                assert_eq!((items.len(), unread), (MANY, vec![]));
                scene.clock.pass(Duration::from_secs(30));
            }
            minutes.push(scene.diary.all().len() - before);
        }
        let (first, rest) = minutes.split_at(6);
        // What changes seldom is read of five projects in a look, at first and then every hour.
        assert!(first.iter().all(|many| *many <= 40), "{minutes:?}");
        let calm = rest.iter().filter(|many| **many <= 5).count();
        assert!(calm >= 50 && rest.iter().all(|many| *many <= 30), "{minutes:?}");
        let mean = minutes.iter().sum::<usize>() / minutes.len();
        assert!(mean <= 8, "{mean}: {minutes:?}");
    }
}
