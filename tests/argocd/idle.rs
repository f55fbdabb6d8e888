//! What a board of many Applications costs: a list when it is opened, and a stream.

use std::time::Duration;

use futures::{
    StreamExt,
    future::{Either, select},
};

use crate::scene::{Scene, chosen};

/// Applications on the board.
const MANY: usize = 50;

fn scenario() -> String {
    let one = |n: usize| {
        format!(
            "[[systems.applications]]\nname = 'service-{n}'\nproject = 'shop'\ncluster = 'prod-eu'\nimage = 'r.example/s'\n\
             history = [{{ revision = '{n:040}', tag = '1.0.{n}', ago = '3d' }}]\n"
        )
    };
    let all: String = (0..MANY).map(one).collect();
    format!(
        "name = 'many'\nabout = 'many at rest'\nstart = '2026-03-10T02:07:00Z'\nseed = 1\n[[systems]]\nkind = 'argocd'\nuser = 'dana'\n{all}"
    )
}

#[tokio::test(start_paused = true)]
async fn fifty_applications_at_rest_take_a_few_requests_to_open_and_none_after_that() {
    let scene = Scene::of(&scenario(), vec![chosen("shop/*")]);
    let mut watch = scene.inventory().watch().unwrap();
    let (mut told, mut alive) = (0, 0);
    let end = scene.clock.now() + chrono::TimeDelta::minutes(10);
    let mut counts = Vec::new();
    while scene.clock.now() < end {
        let sleep = scene.clock.sleep(Duration::from_mins(1));
        match select(watch.next(), sleep).await {
            Either::Left((heard, _)) => {
                let parts = heard.unwrap().parts.unwrap();
                told += parts.iter().map(|part| part.items.len()).sum::<usize>();
                alive += usize::from(parts.is_empty());
            }
            Either::Right(_) => {}
        }
        counts.push(scene.asked());
    }
    assert_eq!(told, MANY, "nothing is told twice");
    assert!(alive >= 30, "it says that it is alive: {alive}");
    let (first, last) = (counts[0], *counts.last().unwrap());
    // The list, its version, three rights of one project, and the stream.
    assert!(first <= 6 && last <= 6, "{first} requests to open, {last} after ten minutes");
}
