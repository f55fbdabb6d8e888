//! What a board of many pipelines costs: two lists tell which of them move.

use std::time::Duration;

use crate::{
    inventory::Listing,
    scene::{Scene, token},
};

/// Pipelines on the board.
const MANY: usize = 50;

/// So many pipelines, each with a run that ended long ago and has deployed.
fn scenario() -> String {
    let pipeline = |n: usize| {
        format!(
            "[[pipelines]]\nid = {}\nname = 'service-{n}'\njobs = [{{ name = '构建', takes = '1m' }}, {{ name = '发布', kind = 'deploy', takes = \
             '1m' }}]\nruns = [{{ id = 1, branch = 'v1.0.{n}', commit = 'c0ffee01', message = 'x', by = 'lee', started = '-800h' }}]\n",
            200 + n
        )
    };
    let pipelines: String = (0..MANY).map(pipeline).collect();
    format!("user = 'dana'\n{pipelines}")
}

#[tokio::test]
async fn fifty_pipelines_at_rest_take_a_few_requests_a_minute() {
    let scene = Scene::of(&scenario(), token());
    let mut minutes = Vec::new();
    let mut known = 0;
    for _ in 0..70 {
        let before = scene.diary.all().len();
        // As idle scopes are asked: every 30 s.
        for _ in 0..2 {
            let (items, _) = scene.inventory().look().await;
            assert!(items.len() >= known, "{} after {known}", items.len());
            known = items.len();
            scene.clock.pass(Duration::from_secs(30));
        }
        minutes.push(scene.diary.all().len() - before);
    }
    assert_eq!(known, MANY);
    let (first, rest) = minutes.split_at(8);
    assert!(first.iter().all(|many| *many <= 70), "{minutes:?}");
    let calm = rest.iter().filter(|many| **many <= 8).count();
    assert!(calm >= 40 && rest.iter().all(|many| *many <= 130), "{minutes:?}");
    let mean = minutes.iter().sum::<usize>() / minutes.len();
    assert!(mean <= 16, "{mean}: {minutes:?}");
}
