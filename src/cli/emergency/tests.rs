//! What stands in an emergency's answer, and how it ends.

use super::*;
use crate::{
    cli::{
        door::Door,
        sample::{at, model},
    },
    domain::{object::ObjectId, preflight::About},
};

fn rollout() -> Rollout {
    model().store.rollouts().find(|rollout| rollout.service.as_str() == "payments").unwrap().clone()
}

fn back(target: &ObjectId) -> Way {
    Way {
        target: target.clone(),
        verb: Verb::Rollback,
        from: Some("1.42.0".to_owned()),
        to: Some("1.41.3".to_owned()),
        said: "12 pods".to_owned(),
        commands: vec!["kubectl undo".to_owned()],
        standing: Standing::default(),
    }
}

/// Payments as it was ten minutes ago.
fn gathered(whence: Whence) -> Gathered {
    let rollout = rollout();
    let ways = vec![back(&rollout.id)];
    let known = Known { item: rollout.into(), at: at(-600), whence, ways };
    let (records, services) = (Vec::new(), vec!["payments".to_owned()]);
    Gathered { now: at(0), known: vec![known], records, broken: Vec::new(), services }
}

fn said(name: &str, gathered: &Gathered) -> (Result<Exit, CliError>, String) {
    let args = EmergencyArgs { service: name.to_owned(), json: false };
    let mut out = Door::new(Vec::new());
    let ended = print(&args, gathered, Layout::Columns, &mut out);
    (ended, String::from_utf8(out.into_inner()).unwrap())
}

fn broken() -> Vec<Broken> {
    vec![Broken { part: "configuration", why: "config.toml:3:1: no such key".to_owned() }]
}

#[test]
fn what_is_known_from_cache_says_its_age_and_whose_it_is_beside_the_state_and_beside_the_commands() {
    let whence = Whence::Cache { profile: Some("eu".to_owned()), program: Some("0.0.1".to_owned()) };
    let (ended, text) = said("payments", &Gathered { broken: broken(), ..gathered(whence) });
    assert_eq!(ended, Ok(Exit::Done));
    let age =
        "FROM CACHE, as it was at 2026-03-10 01:57:00 UTC, 10 min ago, by configuration 'eu', kept by holdshort 0.0.1";
    assert_eq!(text.matches(age).count(), 2, "{text}");
    assert!(text.contains("\n  configuration: config.toml:3:1: no such key\n"), "{text}");
    let command = text.lines().position(|line| line == "kubectl undo").unwrap();
    let above = text.lines().nth(command - 2).unwrap();
    assert!(above.starts_with("# roll back payments in prod/eu: to 1.41.3, 12 pods; FROM CACHE"), "{text}");
}

#[test]
fn nothing_that_can_be_told_is_an_error_of_its_own_where_something_is_broken_and_a_mistake_where_all_was_read() {
    let nothing = Gathered { known: Vec::new(), ..gathered(Whence::Live) };
    let (ended, _) = said("nosuch", &nothing);
    let error = ended.unwrap_err();
    assert_eq!((error.exit, error.text()), (Exit::Usage, "there is no service 'nosuch'; there are: payments"));
    let (ended, text) = said("nosuch", &Gathered { broken: broken(), ..nothing });
    assert_eq!(ended, Ok(Exit::Unreachable));
    assert!(text.contains("nothing is known of what runs\nknown are: payments\n"), "{text}");
}

#[test]
fn a_way_without_commands_says_why_and_begins_no_block() {
    let mut gathered = gathered(Whence::Live);
    let way = &mut gathered.known[0].ways[0];
    (way.commands, way.said) = (Vec::new(), "every earlier version was taken back once".to_owned());
    let (_, text) = said("payments", &gathered);
    assert!(text.contains("\n  roll back: no commands, every earlier version was taken back once\n"), "{text}");
    assert!(text.ends_with("\nno commands are known that go back\n"), "{text}");
}

#[test]
fn a_name_stands_for_a_service_a_place_of_it_or_an_id() {
    let item = Item::from(rollout());
    for name in ["payments", "payments@prod", "payments@prod/eu", &item.id().to_string()] {
        assert!(is_named(name, &item), "{name}");
    }
    assert!(!is_named("payments@staging", &item) && !is_named("pay", &item));
}

#[test]
fn a_way_that_is_red_says_why_and_what_is_safe_right_above_its_commands_and_comes_last() {
    let mut gathered = gathered(Whence::Live);
    let red = Check::new(About::Image, Grade::Red, "it is gone").mended_by("push it again");
    let standing = Standing {
        checks: vec![red, Check::new(About::Quota, Grade::Amber, "it leaves room for 1 pod")],
        against: vec!["it goes to 1.41.3, and dana left it".to_owned()],
        instead: vec!["abort: 1.42.0 to 0 %".to_owned()],
    };
    let target = gathered.known[0].item.id().clone();
    let abort = Way { verb: Verb::Abort, commands: vec!["kubectl abort".to_owned()], ..back(&target) };
    gathered.known[0].ways = vec![Way { standing, ..back(&target) }, abort];
    let (_, text) = said("payments", &gathered);
    let lines: Vec<&str> = text.lines().collect();
    let commands = lines.iter().position(|line| line.starts_with("COMMANDS")).unwrap();
    let blocks: Vec<&str> = lines[commands..].iter().filter(|line| !line.is_empty()).skip(2).copied().collect();
    let expected = [
        "# abort payments in prod/eu: to 1.41.3, 12 pods; read 10 min ago",
        "# pre-flight: nothing that was looked at stands in the way",
        "kubectl abort",
        "# roll back payments in prod/eu: to 1.41.3, 12 pods; read 10 min ago",
        "# RED: it goes to 1.41.3, and dana left it",
        "# RED: image: it is gone (push it again)",
        "# AMBER: quota: it leaves room for 1 pod",
        "# safe instead: abort: 1.42.0 to 0 %",
        "kubectl undo",
    ];
    assert_eq!(blocks, expected);
    assert!(text.contains("\n    RED: image: it is gone (push it again)\n"), "{text}");
}
