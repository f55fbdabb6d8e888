//! Which versions count as left for cause, and where a roll back goes then. By hand: 1.41.3 ran, 1.42.0 was promoted to all
//! of it and rolled back from.

use std::time::Duration;

use super::*;
use crate::{
    app::sample::{acted, now, payments, with_an_older_one},
    domain::verb::Verb,
};

/// What was done about the version with this hash, and how it ended.
fn done(record: u64, verb: Verb, about: &str, put_back: Option<&str>, end: Stage) -> Record {
    let at = now() + Duration::from_mins(record);
    acted((record, at), ("dana", "errors"), verb, (about, put_back), end)
}

/// The quarantine after these records; told as they happened, and by the journal of an earlier session: all the same.
fn after(records: &[Record], rollout: &Rollout) -> Quarantine {
    let (mut now, mut before) = (Actions::default(), Actions::default());
    records.iter().cloned().for_each(|record| now.recorded(record));
    before.remember(records.to_vec());
    let quarantine = Quarantine::of(&now, rollout);
    assert_eq!(quarantine, Quarantine::of(&before, rollout));
    quarantine
}

fn verified() -> Stage {
    Stage::Done { said: "verified".to_owned() }
}

/// Right after 1.42.0 was rolled back from: it still counts as stable, 1.41.3 goes through the steps again.
fn on_its_way_back() -> Rollout {
    let mut rollout = payments();
    std::mem::swap(&mut rollout.stable, &mut rollout.canary);
    std::mem::swap(&mut rollout.identity.canary_hash, &mut rollout.identity.stable_hash);
    rollout.arms[0].role = Role::Stable;
    rollout.arms[1].role = Role::Canary;
    (rollout.arms[1].revision, rollout.arms[1].earlier_revisions) = (Some(4), vec![2]);
    rollout
}

fn rolled_back() -> Record {
    done(1, Verb::Rollback, "c0ffee", Some("ba5e"), verified())
}

#[test]
fn a_version_that_was_rolled_back_from_says_who_left_it_when_and_why() {
    let actions = [rolled_back()];
    let quarantine = after(&actions, &on_its_way_back());
    let left = quarantine.of_hash("c0ffee").unwrap();
    assert_eq!(left.to_string(), "dana left it on 2026-03-10 at 02:08 (errors)");
    assert_eq!(left.version.as_ref().map(|version| version.tag.as_str()), Some("1.42.0"));
    assert_eq!(quarantine.of_hash("ba5e"), None);
}

#[test]
fn what_never_reached_the_system_left_nothing() {
    let refused = Stage::Refused { why: "it moved".to_owned(), changed: true };
    let failed = Stage::Failed { why: "403".to_owned(), fault: None };
    for end in [Stage::Recorded, refused, failed] {
        let actions = [done(1, Verb::Rollback, "c0ffee", Some("ba5e"), end)];
        assert_eq!(after(&actions, &on_its_way_back()).left, BTreeMap::new());
    }
    let unknown = Stage::Unknown { check: "look".to_owned() };
    let actions = [done(1, Verb::Abort, "c0ffee", None, unknown)];
    assert!(after(&actions, &payments()).of_hash("c0ffee").is_some());
}

#[test]
fn the_way_back_passes_over_what_was_left_for_cause() {
    // 1.41.3 was aborted from once; 1.42.0 is on its way over it now.
    let actions = [done(1, Verb::Abort, "ba5e", Some("0lder"), verified())];
    let mut rollout = with_an_older_one(payments());
    rollout.arms[2].revision = Some(2);
    rollout.arms[1].revision = Some(1);
    let quarantine = after(&actions, &rollout);
    let WayBack::Older(set, left) = quarantine.way_back(&rollout) else { panic!("{quarantine:?}") };
    assert_eq!((set.hash.as_str(), left.record), ("0lder", RecordId(1)));
    rollout.arms.pop();
    let WayBack::OnlyLeft(set, _) = quarantine.way_back(&rollout) else { panic!("{quarantine:?}") };
    assert_eq!(set.hash, "ba5e");
    let clean = Quarantine::default();
    assert!(matches!(clean.way_back(&payments()), WayBack::Usual(set) if set.hash == "ba5e"));
}

#[test]
fn from_what_was_put_back_there_is_no_way_back_that_nobody_names() {
    let rollout = with_an_older_one(on_its_way_back());
    let quarantine = after(&[rolled_back()], &rollout);
    let WayBack::PutBack(back, Some(older)) = quarantine.way_back(&rollout) else { panic!("{quarantine:?}") };
    assert_eq!((older.hash.as_str(), back.left.as_ref().map(|(hash, _)| hash.as_str())), ("0lder", Some("c0ffee")));
    let said = "1.41.3 (9f8e7d6) was put back on 2026-03-10 at 02:08 by dana; 1.42.0 (a1b2c3d) is what was left";
    assert_eq!(back.to_string(), said);
    // The engine alone says it, too: somebody else did, from somewhere else.
    let nobodys = Rollout { written: Some(Written { at: now(), by: "helm".to_owned() }), ..rollout.clone() };
    let quarantine = after(&[], &nobodys);
    let said = "1.41.3 (9f8e7d6) was put back on 2026-03-10 at 02:07 with helm; 1.42.0 (a1b2c3d) is what was left";
    assert_eq!(quarantine.put_back().map(ToString::to_string).as_deref(), Some(said));
    // What the engine has not numbered anew yet our record knows.
    let mut fresh = on_its_way_back();
    fresh.arms.truncate(0);
    let quarantine = after(&[rolled_back()], &fresh);
    assert_eq!(quarantine.put_back().map(ToString::to_string).as_deref(), Some(said_by_record()));
    // Once another version is in the spec, it is over.
    fresh.identity.canary_hash = "n3w".to_owned();
    assert_eq!(after(&[rolled_back()], &fresh).put_back(), None);
}

fn said_by_record() -> &'static str {
    "1.41.3 (9f8e7d6) was put back on 2026-03-10 at 02:08 by dana; 1.42.0 (a1b2c3d) is what was left"
}

#[test]
fn finishing_what_was_put_back_goes_back_and_shipping_something_else_does_not() {
    let actions = [rolled_back()];
    let rollout = on_its_way_back();
    assert!(after(&actions, &rollout).homeward(&rollout).is_some());
    let mut another = rollout.clone();
    another.identity.canary_hash = "n3w".to_owned();
    assert_eq!(after(&actions, &another).homeward(&another), None);
    // Before anybody went back, the same state is a release like any other.
    assert_eq!(Quarantine::default().homeward(&rollout), None);
}

#[test]
fn a_version_that_was_released_again_since_is_no_longer_left() {
    // By somebody else's hand: the engine gave it a newer revision than what had taken its place.
    let mut again = with_an_older_one(on_its_way_back());
    again.arms[0].revision = Some(5);
    again.arms[1].earlier_revisions = Vec::new();
    assert_eq!(after(&[rolled_back()], &again).left, BTreeMap::new());
    // Aborted on its way in, then let through: it is the stable one now.
    let aborted = [done(1, Verb::Abort, "c0ffee", None, verified())];
    assert!(after(&aborted, &payments()).of_hash("c0ffee").is_some());
    assert_eq!(after(&aborted, &on_its_way_back()).left, BTreeMap::new());
}

#[test]
fn whoever_brings_a_version_again_that_was_left_blames_nothing_on_the_one_that_stood_in_its_place() {
    // 1.42.0 was left for 1.41.3 (errors), and is on its way in again because lee named it.
    let mut rollout = payments();
    (rollout.arms[0].revision, rollout.arms[0].earlier_revisions) = (Some(5), vec![3]);
    rollout.written = Some(Written { at: now() + Duration::from_mins(2), by: "holdshort".to_owned() });
    for end in [Stage::Moving { said: "0 % → 5 %".to_owned() }, verified()] {
        let mut again = done(2, Verb::Rollback, "ba5e", Some("c0ffee"), end);
        again.intent.plan.brings_again = true;
        let quarantine = after(&[rolled_back(), again], &rollout);
        assert_eq!((quarantine.of_hash("ba5e"), quarantine.put_back()), (None, None));
        assert!(matches!(quarantine.way_back(&rollout), WayBack::Usual(arm) if arm.hash == "ba5e"), "{quarantine:?}");
        assert_eq!(quarantine.homeward(&rollout), None);
    }
    // The same by somebody else's hand, minutes after it was left.
    let quarantine = after(&[rolled_back()], &rollout);
    assert_eq!((quarantine.of_hash("ba5e"), quarantine.put_back()), (None, None));
}

#[test]
fn whoever_lets_it_go_on_or_puts_it_back_by_name_has_made_up_their_mind() {
    for later in [
        done(2, Verb::Retry, "c0ffee", None, verified()),
        done(2, Verb::PromoteFull, "c0ffee", None, verified()),
        done(2, Verb::Rollback, "ba5e", Some("c0ffee"), verified()),
    ] {
        let actions = [done(1, Verb::Abort, "c0ffee", None, verified()), later];
        assert_eq!(after(&actions, &payments()).of_hash("c0ffee"), None);
    }
    let tried = done(2, Verb::Retry, "c0ffee", None, Stage::Failed { why: "403".to_owned(), fault: None });
    let actions = [done(1, Verb::Abort, "c0ffee", None, verified()), tried];
    assert!(after(&actions, &payments()).of_hash("c0ffee").is_some());
}
