//! What a board of many pipelines costs: two lists tell of all of them.

use std::time::Duration;

use crate::{
    inventory::Listing,
    scene::{Scene, pipeline},
};

/// Pipelines on the board.
const MANY: usize = 50;

/// So many pipelines, each with a build that ended long ago.
fn scenario() -> String {
    let pipeline = |n: usize| {
        format!(
            "[[pipelines]]\nname = 'acme/service-{n}'\nsteps = [{{ label = 'Test', takes = '1m' }}, {{ block = 'Release' }}]\n\
             builds = [{{ number = 1, message = 'x', branch = 'main', commit = 'c0ffee01', creator = 'lee', started = '-800h' }}]\n"
        )
    };
    let pipelines: String = (0..MANY).map(pipeline).collect();
    // Buildkite's own limit is lifted here: what is asked is counted.
    format!("user = 'dana'\nrate_limit = 100000\n{pipelines}")
}

#[tokio::test]
async fn fifty_pipelines_at_rest_take_at_most_twenty_requests_a_minute_named_or_not() {
    let named: Vec<_> = (0..MANY).map(|n| pipeline(&format!("acme/service-{n}"))).collect();
    for pipelines in [vec![pipeline("acme/*")], named] {
        let scene = Scene::of(&scenario(), pipelines);
        let mut minutes = Vec::new();
        // Looked at as often as somebody looks who has it in focus.
        for _ in 0..30 {
            let before = scene.diary.all().len();
            for _ in 0..12 {
                let (items, unread) = scene.inventory().look().await;
                assert_eq!((items.len(), unread), (2 * MANY, vec![]));
                scene.clock.pass(Duration::from_secs(5));
            }
            minutes.push(scene.diary.all().len() - before);
        }
        assert!(minutes.iter().all(|many| *many <= 20), "{minutes:?}");
    }
}

#[tokio::test]
async fn pipelines_whose_builds_the_newest_push_out_are_read_by_themselves_a_few_at_a_time() {
    let busy = (2..=140).map(|number| {
        format!(
            "[[pipelines.builds]]\nnumber = {number}\nmessage = 'x'\nbranch = 'main'\ncommit = 'c0ffee02'\ncreator = 'lee'\n\
             started = '-{}m'\n",
            3_000 - number
        )
    });
    let busy: String = busy.collect();
    let text = format!(
        "{}[[pipelines]]\nname = 'acme/busy'\nsteps = [{{ label = 'Test', takes = '1s' }}]\n{busy}",
        scenario()
    );
    // The quiet ones ended before all of these.
    let named: Vec<_> = (0..12).map(|n| pipeline(&format!("acme/service-{n}"))).collect();
    let scene = Scene::of(&text.replace("{ block = 'Release' }", "{ label = 'Release', takes = '1m' }"), named);
    let mut left = Vec::new();
    for _ in 0..4 {
        let (items, unread) = scene.inventory().look().await;
        left.push((items.len(), unread));
        scene.clock.pass(Duration::from_secs(30));
    }
    let gap = |many: usize| vec![format!("Buildkite, acme: the newest builds of {many} pipelines are not read yet")];
    assert_eq!(left, [(5, gap(7)), (10, gap(2)), (12, vec![]), (12, vec![])]);
}
