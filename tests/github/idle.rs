//! What a board of many repositories costs: of those that rest one question tells that they do, and what moves is seen at once.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use holdshort::{
    demo::github::{Forge, spec::Spec},
    domain::item::Item,
    port::facet::Connection,
};

use crate::inventory::Listing;
use crate::scene::{Diary, HandClock, connect_all, over_forge, start};

/// Repositories on the board.
const MANY: usize = 50;
/// How often each list is asked for.
const INTERVAL: Duration = Duration::from_secs(10);

/// So many repositories, each with a run that ended long ago.
fn scenario() -> (String, Vec<String>) {
    let names: Vec<String> = (0..MANY).map(|n| format!("acme/service-{n}")).collect();
    let repo = |name: &String| {
        let name = name.trim_start_matches("acme/");
        format!(
            "[[repos]]\nowner = 'acme'\nname = '{name}'\nworkflows = [{{ name = 'deploy', file = 'deploy.yml', jobs = [\
             {{ name = 'build', takes = '2m' }}, {{ name = 'to-prod', takes = '1m', environment = 'prod' }}] }}]\n\
             environments = [{{ name = 'prod', reviewers = ['dana'] }}]\n\
             runs = [{{ number = 1, title = 'x', branch = 'v1.0.0', commit = 'c0ffee01', actor = 'lee', started = '-800h' }}]\n"
        )
    };
    (format!("login = 'dana'\n{}", names.iter().map(repo).collect::<String>()), names)
}

struct Board {
    forge: Arc<Mutex<Forge>>,
    clock: HandClock,
    diary: Diary,
    connection: Connection,
}

impl Board {
    fn new() -> Self {
        let (_, names) = scenario();
        Self::of(&names)
    }

    fn of(names: &[String]) -> Self {
        let (text, _) = scenario();
        let spec: Spec = toml::from_str(&text).unwrap();
        let forge = Arc::new(Mutex::new(Forge::new(&spec, 7, start()).unwrap()));
        let (clock, diary) = (HandClock::new(), Diary::default());
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let connection = connect_all(over_forge(&diary, &forge, &clock), &names, &clock);
        Self { forge, clock, diary, connection }
    }

    /// One turn, and the time until the next; the titles of what waits.
    async fn turn(&self) -> Vec<String> {
        let (items, _) = self.connection.inventories[0].look().await;
        self.clock.pass(INTERVAL);
        items.iter().filter_map(Item::gate).map(|gate| format!("{} {}", gate.service, gate.title)).collect()
    }

    fn happens(&self, action: &str) {
        let action = toml::from_str(action).unwrap();
        let now = holdshort::port::clock::Clock::now(&self.clock);
        self.forge.lock().unwrap().act(now, &action).unwrap();
    }
}

#[tokio::test]
async fn fifty_repositories_at_rest_take_at_most_twenty_requests_a_minute() {
    let board = Board::new();
    board.turn().await;
    let first = "who asks, what moved, and of each what waits, what runs, what its workflow asks for";
    assert_eq!(board.diary.all().len(), 1 + 1 + 4 * MANY, "{first}");
    let mut minutes = Vec::new();
    for _ in 0..60 {
        let before = board.diary.all().len();
        for _ in 0..6 {
            board.turn().await;
        }
        minutes.push(board.diary.all().len() - before);
    }
    assert!(minutes.iter().all(|many| *many <= 20), "{minutes:?}");
    // In turn every one of them is read all the same: for its newest runs ten times, for what waits there twice.
    let lines = board.diary.lines();
    let asked = |end: &str| lines.iter().filter(|line| line.contains("/service-7/") && line.contains(end)).count();
    assert!((10..=12).contains(&asked("runs?per_page=30")), "{}", asked("runs?per_page=30"));
    assert!((2..=4).contains(&asked("status=waiting")), "{}", asked("status=waiting"));
}

#[tokio::test]
async fn fifty_repositories_that_an_organisation_is_found_to_have_take_no_more() {
    let board = Board::of(&["acme/*".to_owned()]);
    board.turn().await;
    assert_eq!(
        board.diary.all().len(),
        1 + 1 + 1 + 4 * MANY,
        "who asks, which there are, what moved, and each of them with the file of its workflow"
    );
    let mut minutes = Vec::new();
    for _ in 0..60 {
        let before = board.diary.all().len();
        for _ in 0..6 {
            // Each turn asks again which there are.
            board.turn().await;
        }
        minutes.push(board.diary.all().len() - before);
    }
    assert!(minutes.iter().all(|many| *many <= 20), "{minutes:?}");
    let lists = board.diary.lines().iter().filter(|line| line.contains("/orgs/acme/repos")).count();
    assert_eq!(lists, 7, "one every ten minutes");
}

#[tokio::test]
async fn what_moves_in_a_repository_at_rest_is_seen_with_the_next_turn() {
    let board = Board::new();
    for _ in 0..10 {
        assert_eq!(board.turn().await, [""; 0]);
    }
    board.happens(
        "push = { repo = 'acme/service-31', commit = 'c0ffee02', title = 'y', branch = 'v1.1.0', by = 'lee' }",
    );
    let mut turns = 0;
    while board.turn().await.is_empty() {
        turns += 1;
        assert!(turns < 20, "{:?}", board.diary.lines());
    }
    // The build takes two minutes and up to eight seconds for a machine: the turn after that sees the gate.
    assert!((12..=14).contains(&turns), "{turns}");
    assert_eq!(board.turn().await, ["service-31 deploy #2 to prod"]);
    for _ in 0..30 {
        board.turn().await;
    }
    board.happens("review = { repo = 'acme/service-31', run = 2, environment = 'prod', by = 'dana', approve = true }");
    assert_eq!(board.turn().await, [""; 0], "somebody else's answer is seen at once, too");
}
