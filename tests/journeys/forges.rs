//! F18, F20 and F21 at each forge: a limit of requests that is reached, an older release about to overwrite a newer one, and names and
//! logs that a terminal would obey.

use std::time::Duration;

use holdshort::{
    app::model::{RowKey, Screen},
    demo::world::Call,
    domain::{gate::Gate, ids::SourceName, object::ObjectId},
    run::Demo,
};
use unicode_width::UnicodeWidthStr;

use crate::{Look, SMALL, WIDE, mutations, open, pass, press, says, screen};

/// Where each forge is served, what its connection is called, and the service that waits there.
const FORGES: [(&str, &str, &str); 3] =
    [("/github", "github", "ledger"), ("/gitlab", "gitlab", "site"), ("/jenkins", "jenkins", "gateway")];

async fn forges(look: Look) -> Demo {
    open(&format!("{}/tests/fixtures/scenarios/forges.toml", env!("CARGO_MANIFEST_DIR")), look).await
}

/// The gate of the older of the two releases of a service.
fn older(demo: &Demo, service: &str) -> Gate {
    let gates = demo.cockpit.model().store.gates().filter(|gate| gate.service.as_str() == service);
    let mut gates: Vec<&Gate> = gates.collect();
    gates.sort_by_key(|gate| gate.since);
    assert_eq!(gates.len(), 2, "{gates:#?}");
    gates[0].clone()
}

/// Moves to the row of a gate in the inbox.
async fn choose(demo: &mut Demo, gate: &ObjectId) {
    press(demo, "i g").await;
    let is_there = |demo: &Demo| demo.cockpit.model().nav.selected.as_ref().map(RowKey::target).as_ref() == Some(gate);
    for _ in 0..12 {
        if !is_there(demo) {
            press(demo, "j").await;
        }
    }
    assert!(is_there(demo), "{gate} is not in the inbox");
}

#[tokio::test(start_paused = true)]
async fn an_older_release_is_flagged_before_it_is_approved_at_each_forge() {
    for look in [WIDE, SMALL] {
        let mut demo = forges(look).await;
        for (_, _, service) in FORGES {
            let gate = older(&demo, service);
            choose(&mut demo, &gate.id).await;
            says(&demo, look, &["older than 2.1.0", "which is live in prod (run #813 built it later)"]);
            press(&mut demo, "y").await;
            says(&demo, look, &[&format!("approve {service}"), "is older than 2.1.0"]);
            press(&mut demo, "Esc").await;
        }
        assert_eq!(mutations(&demo), []);
    }
}

/// Fails where a terminal would obey something, or a line is wider than the screen.
fn harmless(shown: &str, look: Look) {
    let obeyed = |c: char| {
        c != '\n'
            && (c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    };
    assert!(!shown.contains(obeyed), "{shown:?}");
    assert!(shown.lines().all(|line| line.width() <= usize::from(look.size.0)), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn names_and_logs_of_each_forge_are_shown_and_never_obeyed() {
    for look in [WIDE, SMALL] {
        let mut demo = forges(look).await;
        for keys in ["1", "2", "i", "?", "Esc :"] {
            press(&mut demo, keys).await;
            harmless(&screen(&demo, look), look);
        }
        press(&mut demo, "Esc").await;
        for (_, source, service) in FORGES {
            let gate = older(&demo, service);
            choose(&mut demo, &gate.id).await;
            harmless(&screen(&demo, look), look);
            press(&mut demo, "y").await;
            harmless(&screen(&demo, look), look);
            press(&mut demo, "Esc").await;
            let runs = demo.cockpit.model().store.runs().filter(|run| run.id.source.as_str() == source);
            let run = runs.min_by_key(|run| run.number).unwrap().id.clone();
            demo.cockpit.model_mut().nav.open(Screen::Run(run));
            pass(&mut demo, 3).await;
            press(&mut demo, "g").await;
            for _ in 0..4 {
                pass(&mut demo, 3).await;
                harmless(&screen(&demo, look), look);
                press(&mut demo, "j").await;
            }
            press(&mut demo, "g").await;
            pass(&mut demo, 3).await;
            // The wide letters are there: nothing was left out but what is obeyed.
            if look.size == WIDE.size {
                says(&demo, look, &["支付"]);
            }
        }
    }
}

/// How many requests reached a system since then.
fn asked(demo: &Demo, mount: &str, since: holdshort::domain::time::Timestamp) -> usize {
    demo.world.look(|world| world.calls().filter(|call| call.path.starts_with(mount) && call.at >= since).count())
}

#[tokio::test(start_paused = true)]
async fn a_forge_that_asks_for_a_pause_gets_one_says_so_and_is_read_again_after_it() {
    for (mount, source, _) in FORGES {
        let text =
            std::fs::read_to_string(format!("{}/tests/fixtures/scenarios/forges.toml", env!("CARGO_MANIFEST_DIR")));
        let fault =
            format!("[[faults]]\non = '{mount}'\nfrom = '40s'\nuntil = '45s'\nwhat = {{ too_many_requests = '2m' }}\n");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("limited.toml");
        std::fs::write(&file, format!("{}\n{fault}", text.unwrap())).unwrap();
        let mut demo = open(file.to_str().unwrap(), WIDE).await;
        let refused = |demo: &Demo| {
            demo.world.look(|world| world.calls().any(|call| call.status.is_some_and(|status| status == 429)))
        };
        // Somebody looks at it: it is read every few seconds.
        for (_, _, service) in FORGES.iter().filter(|(at, ..)| *at == mount) {
            let gate = older(&demo, service);
            choose(&mut demo, &gate.id).await;
            press(&mut demo, "y").await;
        }
        pass(&mut demo, 15).await;
        assert!(refused(&demo), "{mount} was not asked while it refuses");
        let since = demo.cockpit.model().now;
        pass(&mut demo, 60).await;
        assert_eq!(asked(&demo, mount, since), 0, "{mount} is left alone");
        let state = |demo: &Demo| {
            let states = demo.cockpit.model().store.sources(demo.cockpit.model().now);
            states.into_iter().find(|state| state.source == SourceName::new(source)).unwrap()
        };
        let said = format!("{:?}", state(&demo));
        assert!(said.contains("RateLimited") && said.contains("again at"), "{said}");
        press(&mut demo, "Esc").await;
        pass(&mut demo, 150).await;
        assert!(asked(&demo, mount, since) > 0, "{mount} is read again");
        assert!(!format!("{:?}", state(&demo)).contains("RateLimited"), "{mount}");
    }
}

#[tokio::test(start_paused = true)]
async fn reads_leave_a_fifth_of_what_a_forge_allows_to_verbs() {
    let mut demo = forges(WIDE).await;
    // GitHub allows so many in an hour, GitLab in a minute.
    for (mount, limit, window) in [("/github", 400, 3_600), ("/gitlab", 60, 60)] {
        let service = FORGES.iter().find(|(at, ..)| *at == mount).unwrap().2;
        let gate = older(&demo, service);
        choose(&mut demo, &gate.id).await;
        press(&mut demo, "y").await;
        // GitLab counts by the minute of the clock.
        let to_come = 60 - demo.cockpit.model().now.timestamp().rem_euclid(60);
        pass(&mut demo, u64::try_from(to_come).unwrap()).await;
        let since = demo.cockpit.model().now;
        for _ in 0..(window / 30) {
            pass(&mut demo, 30).await;
        }
        let until = since + Duration::from_secs(window);
        let used: Vec<String> = demo.world.look(|world| {
            let all = world.calls().filter(|call| call.path.starts_with(mount) && call.at >= since && call.at < until);
            // What has not changed is told for nothing, and GitHub counts questions of GraphQL apart.
            let counted = |call: &&Call| call.status.is_none_or(|status| status != 304);
            let all = all.filter(counted).filter(|call| mount != "/github" || !call.path.ends_with("/graphql"));
            all.map(|call| format!("{} {:?} {}", call.at, call.status, call.path)).collect()
        });
        assert!(used.len() <= limit * 4 / 5, "{mount}: {} of {limit}: {used:#?}", used.len());
        press(&mut demo, "Esc").await;
    }
    // And they go out, whatever was read.
    let gate = older(&demo, "ledger");
    choose(&mut demo, &gate.id).await;
    press(&mut demo, "y a a a a 4 Enter").await;
    pass(&mut demo, 30).await;
    assert_eq!(mutations(&demo).len(), 1, "{}", screen(&demo, WIDE));
}
