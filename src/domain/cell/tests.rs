//! How far a version has come among cells; that what could not be read is never counted as there.

use chrono::TimeZone;

use super::*;

fn at(hour: u32) -> Timestamp {
    chrono::Utc.with_ymd_and_hms(2026, 3, 10, hour, 0, 0).unwrap()
}

fn version(tag: &str) -> Version {
    Version::tagged(tag)
}

fn share(serves: &str, since: u32) -> Share {
    Share {
        rollout: ObjectId::new(&"k".into(), "deployment", "shop/payments"),
        serves: Some(version(serves)),
        since: Some(at(since)),
        arrives: None,
        left: Vec::new(),
        unknown: None,
    }
}

fn arriving(serves: &str, to: &str, percent: u32, taken_back: bool) -> Share {
    let arrives = Arrives { version: Some(version(to)), percent: Some(percent), taken_back };
    Share { since: None, arrives: Some(arrives), ..share(serves, 0) }
}

fn cell(environment: &str, shares: Vec<Share>) -> Cell {
    Cell { environment: environment.into(), wave: None, shares, unread: None }
}

fn cells(all: Vec<Cell>) -> Cells {
    Cells { service: "payments".into(), all }
}

fn unread(environment: &str) -> Cell {
    Cell { unread: Some("it was not read".into()), ..cell(environment, vec![share("2.0.0", 1)]) }
}

#[test]
fn a_version_is_in_a_cell_when_everything_there_runs_it_and_nothing_else_comes_in() {
    let standing = |shares: Vec<Share>| cell("prod/eu", shares).standing(&version("2.0.0"));
    assert_eq!(standing(vec![share("2.0.0", 1), share("2.0.0", 3)]), Standing::Has { since: Some(at(3)) });
    let undated = Share { since: None, ..share("2.0.0", 1) };
    assert_eq!(standing(vec![undated, share("2.0.0", 3)]), Standing::Has { since: None });
    let other = Standing::Other { runs: version("1.0.0"), since: Some(at(2)) };
    assert_eq!(standing(vec![share("2.0.0", 1), share("1.0.0", 2)]), other);
    assert_eq!(standing(vec![arriving("1.0.0", "2.0.0", 25, false)]), Standing::Arrives { percent: Some(25) });
    assert_eq!(
        standing(vec![arriving("1.0.0", "2.0.0", 0, true)]),
        Standing::TakenBack { runs: Some(version("1.0.0")) }
    );
    assert_eq!(standing(vec![arriving("2.0.0", "3.0.0", 5, false)]), Standing::Yields { to: Some(version("3.0.0")) });
    assert_eq!(standing(vec![arriving("2.0.0", "3.0.0", 0, true)]), Standing::Has { since: None });
    assert!(matches!(standing(Vec::new()), Standing::Unknown(_)));
    assert!(matches!(standing(vec![Share { serves: None, ..share("2.0.0", 1) }]), Standing::Unknown(_)));
}

#[test]
fn a_cell_that_could_not_be_read_counts_as_none_that_has_it() {
    let cells = cells(vec![cell("prod/eu", vec![share("2.0.0", 1)]), unread("prod/us")]);
    assert_eq!(cells.count(&version("2.0.0")), Count { has: 1, of: 2 });
    assert!(cells.differ(), "whether it differs is not known, and that is no agreement");
    let stale = Share { unknown: Some("old".into()), ..share("2.0.0", 1) };
    assert_eq!(cell("prod/us", vec![stale]).standing(&version("2.0.0")), Standing::Unknown("old".into()));
}

#[test]
fn cells_are_about_what_is_on_its_way_else_about_the_newest() {
    let release = |all: Vec<Cell>| cells(all).release().map(|version| version.tag.clone());
    let of = |shares: Vec<Share>| cell("prod/eu", shares);
    let two = || of(vec![share("2.0.0", 5)]);
    assert_eq!(release(vec![two(), of(vec![arriving("1.0.0", "1.5.0", 25, false)])]).as_deref(), Some("1.5.0"));
    assert_eq!(release(vec![two(), of(vec![share("10.0.0", 1)])]).as_deref(), Some("10.0.0"));
    assert_eq!(release(vec![two(), of(vec![arriving("1.0.0", "3.0.0", 0, true)])]).as_deref(), Some("2.0.0"));
    let named =
        |tag: &str, hour| Share { serves: Some(version(tag).at_commit(format!("{hour:07}"))), ..share("", hour) };
    assert_eq!(release(vec![of(vec![named("main", 7)]), of(vec![named("main", 4)])]).as_deref(), Some("main"));
    let undated = Share { since: None, ..named("main", 4) };
    assert_eq!(release(vec![of(vec![named("main", 7)]), of(vec![undated])]), None);
}

#[test]
fn a_cell_is_called_without_what_all_of_them_begin_with() {
    let all = cells(vec![cell("prod/eu", vec![]), cell("prod/us/2", vec![])]);
    assert_eq!(all.all.iter().map(|cell| all.name(cell)).collect::<Vec<_>>(), ["eu", "us/2"]);
    let mixed = cells(vec![cell("staging", vec![]), cell("prod/us", vec![])]);
    assert_eq!(mixed.all.iter().map(|cell| mixed.name(cell)).collect::<Vec<_>>(), ["staging", "prod/us"]);
}

#[test]
fn a_version_that_was_left_for_the_one_before_it_was_taken_back_and_is_not_only_missing() {
    let left = Share { left: vec![version("2.0.0")], ..share("1.0.0", 3) };
    let one = cell("prod/eu", vec![left]);
    assert_eq!(one.standing(&version("2.0.0")), Standing::TakenBack { runs: Some(version("1.0.0")) });
    assert_eq!(one.standing(&version("3.0.0")), Standing::Other { runs: version("1.0.0"), since: Some(at(3)) });
    assert_eq!(one.standing(&version("1.0.0")), Standing::Has { since: Some(at(3)) });
}
