//! `metadata.managedFields`: which program wrote what of an object last, and when.
//!
//! Source: the Kubernetes API reference, "Server-Side Apply", "Field management". An entry is of one manager, operation and subresource,
//! with one time for all its fields; what is removed leaves no trace of who removed it. Servers before 1.22 tell no subresource, and an
//! entry that was carried over from another subresource has no time. A manager is the name that a program gives itself, and never a
//! person's.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{
    api::{Meta, lenient, readable},
    patch::MANAGER,
};
use crate::domain::{
    hand::{By, Did, Hand},
    text::clean,
    time::Timestamp,
};

/// What `metadata.managedFields` tells of the last writers of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LastWritten {
    /// When its spec was.
    pub spec: Option<Timestamp>,
    /// Who wrote the template of its pods. Boxed, for there are thousands of these.
    pub template: Option<Box<Put>>,
    /// Who wrote last what somebody writes to hold, abort or scale it. None on most objects.
    pub marks: Box<[Mark]>,
}

/// That the template of its pods was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Put {
    /// When that manager wrote last.
    pub at: Timestamp,
    /// By which field manager: the name that a program gives itself.
    pub manager: String,
    /// The manager holds more of the spec in the same entry, as in [`Mark::whole`].
    pub whole: bool,
}

/// That a field was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Which.
    pub field: Field,
    /// By which field manager.
    pub manager: String,
    /// When that manager wrote last; `None` where the server does not tell.
    pub at: Option<Timestamp>,
    /// The manager holds more of the object in the same entry, so that `at` is the time of whatever of it was written last.
    pub whole: bool,
}

/// A field that somebody writes in order to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `spec.paused`, `spec.suspend`.
    Hold,
    /// `spec.replicas`, through the scale subresource or not.
    Replicas,
    /// `spec.strategy`, `spec.updateStrategy`.
    Strategy,
    /// `spec.restartAt`, or the template's annotation that `kubectl rollout restart` writes.
    Restart,
    /// `status.abort`.
    Abort,
    /// `status.promoteFull`.
    PromoteFull,
}

/// Each with where it stands in an entry's `fieldsV1`.
const FIELDS: [(Field, &str); 8] = [
    (Field::Hold, "/f:spec/f:paused"),
    (Field::Hold, "/f:spec/f:suspend"),
    (Field::Replicas, "/f:spec/f:replicas"),
    (Field::Strategy, "/f:spec/f:strategy"),
    (Field::Strategy, "/f:spec/f:updateStrategy"),
    (Field::Restart, "/f:spec/f:restartAt"),
    (Field::Abort, "/f:status/f:abort"),
    (Field::PromoteFull, "/f:status/f:promoteFull"),
];

/// The annotation that `kubectl rollout restart` writes on the template.
const RESTARTED: &str = "f:kubectl.kubernetes.io/restartedAt";

/// What scales, and what moves the workloads that are the server's own: their controllers are one program.
pub const CONTROLLER: &str = "kube-controller-manager";

/// How an object stands now, as far as that tells what a field was written for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stands {
    /// It is paused or suspended.
    pub held: bool,
    /// It is aborted.
    pub aborted: bool,
    /// It was told to take all traffic at once.
    pub promotes_full: bool,
}

impl LastWritten {
    /// When the field that suspends it was written, and by which field manager.
    pub fn hold(&self) -> Option<(Timestamp, &str)> {
        let held = self.marks.iter().find(|mark| mark.field == Field::Hold)?;
        Some((held.at?, &held.manager))
    }
}

/// What was done to an object as its fields tell, by whoever is none of these controllers: they write what they were told to.
pub fn hands(meta: &Meta, controllers: &[&str], stands: Stands) -> Vec<Hand> {
    let by = |manager: &str| if manager == MANAGER { By::Us } else { By::Client(clean(manager)) };
    let is_hand = |manager: &str| !controllers.contains(&manager);
    let marks = meta.last_written.marks.iter().filter(|mark| is_hand(&mark.manager));
    let told = marks.filter_map(|mark| {
        let did = did(mark.field, stands)?;
        Some(Hand { did, by: by(&mark.manager), at: mark.at, whole: mark.whole })
    });
    let put = meta.last_written.template.as_deref().filter(|put| is_hand(&put.manager));
    let put = put.map(|put| Hand { did: Did::Put, by: by(&put.manager), at: Some(put.at), whole: put.whole });
    told.chain(put).collect()
}

fn did(field: Field, stands: Stands) -> Option<Did> {
    Some(match field {
        Field::Hold if stands.held => Did::Paused,
        Field::Hold => Did::Resumed,
        Field::Replicas => Did::Scaled,
        Field::Strategy => Did::Steered,
        Field::Restart => Did::Restarted,
        Field::Abort if stands.aborted => Did::Aborted,
        Field::Abort => Did::Retried,
        Field::PromoteFull if stands.promotes_full => Did::PromotedFull,
        Field::PromoteFull => return None,
    })
}

/// An entry of `metadata.managedFields`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Managed {
    #[serde(default, deserialize_with = "lenient")]
    manager: String,
    #[serde(default, deserialize_with = "lenient")]
    subresource: String,
    #[serde(default, deserialize_with = "lenient")]
    time: Option<Timestamp>,
    #[serde(default, rename = "fieldsV1", deserialize_with = "lenient")]
    fields: BTreeMap<String, Value>,
}

/// Reads the entries.
///
/// # Errors
/// Only when the JSON itself is broken.
pub(super) fn last_written<'de, D: Deserializer<'de>>(from: D) -> Result<LastWritten, D::Error> {
    let all: Vec<Managed> = readable(from)?;
    let of_spec = || all.iter().filter(|one| one.subresource.is_empty() && one.fields.contains_key("f:spec"));
    // Who fills in what a template leaves out (controllers do) owns fields of it too, and has put nothing there.
    let template = of_spec().filter(|one| one.puts_a_version());
    let put = |one: &Managed| Some(Put { at: one.time?, manager: one.manager.clone(), whole: one.writes_beside() });
    let template = template.filter_map(put).max_by_key(|put| put.at);
    Ok(LastWritten {
        spec: of_spec().filter_map(|one| one.time).max(),
        template: template.map(Box::new),
        marks: marks(&all),
    })
}

/// The newest writer of each field. Of those who manage all of an object only what they hold it with: a manifest names the rest
/// whenever it is applied.
fn marks(all: &[Managed]) -> Box<[Mark]> {
    let mut marks: Vec<Mark> = Vec::new();
    for one in all {
        let manages = one.puts_a_version();
        let telling = |field: Field| !manages || matches!(field, Field::Hold | Field::Abort | Field::PromoteFull);
        // One time stands for all that an entry holds.
        let whole = manages || one.writes().count() > 1;
        for field in one.writes().filter(|field| telling(*field)) {
            let mark = Mark { field, manager: one.manager.clone(), at: one.time, whole };
            match marks.iter_mut().find(|known| known.field == field) {
                Some(known) if known.at <= mark.at => *known = mark,
                Some(_) => {}
                None => marks.push(mark),
            }
        }
    }
    marks.into()
}

impl Managed {
    fn at(&self, pointer: &str) -> Option<&Value> {
        let (first, rest) = pointer.strip_prefix('/')?.split_once('/')?;
        self.fields.get(first)?.pointer(&format!("/{rest}"))
    }

    /// Are images of the template's containers among its fields? A list that is written as one has no fields of its own.
    fn puts_a_version(&self) -> bool {
        let containers = self.at("/f:spec/f:template/f:spec/f:containers").and_then(Value::as_object);
        containers.is_some_and(|all| all.is_empty() || all.values().any(|one| one.get("f:image").is_some()))
    }

    /// Is more of the spec than the template among its fields? Its one time may be that of any of it.
    fn writes_beside(&self) -> bool {
        let spec = self.fields.get("f:spec").and_then(Value::as_object);
        spec.is_some_and(|fields| fields.keys().any(|field| field != "f:template"))
    }

    fn writes(&self) -> impl Iterator<Item = Field> + '_ {
        let annotations = self.at("/f:spec/f:template/f:metadata/f:annotations").and_then(Value::as_object);
        let restarts = annotations.is_some_and(|all| all.contains_key(RESTARTED)).then_some(Field::Restart);
        let named = FIELDS.iter().filter(|(_, pointer)| self.at(pointer).is_some()).map(|(field, _)| *field);
        named.chain(restarts)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ENGINE: &[&str] = &["the-controller"];

    fn meta(entries: &Value) -> Meta {
        serde_json::from_value(json!({"name": "a", "managedFields": entries})).unwrap()
    }

    fn entry(manager: &str, subresource: &str, time: Option<&str>, fields: &Value) -> Value {
        json!({"manager": manager, "operation": "Update", "subresource": subresource, "fieldsV1": fields, "time": time})
    }

    fn told(entries: &Value, stands: Stands) -> Vec<String> {
        hands(&meta(entries), ENGINE, stands).iter().map(|hand| hand.said(AT.unwrap().parse().unwrap())).collect()
    }

    const AT: Option<&str> = Some("2026-03-10T02:14:05Z");

    #[test]
    fn whoever_wrote_the_field_that_holds_it_paused_or_resumed_it_as_it_stands_now() {
        let entries = json!([
            entry("kubectl-patch", "", AT, &json!({"f:spec": {"f:paused": {}}})),
            entry("the-controller", "status", AT, &json!({"f:status": {"f:abort": {}}})),
        ]);
        let held = Stands { held: true, ..Stands::default() };
        assert_eq!(told(&entries, held), ["paused with kubectl-patch at 02:14:05"]);
        assert_eq!(told(&entries, Stands::default()), ["resumed with kubectl-patch at 02:14:05"]);
    }

    #[test]
    fn a_server_that_tells_no_subresource_and_one_that_tells_no_time_are_read_too() {
        let aborted = Stands { aborted: true, ..Stands::default() };
        let old = json!([{"manager": "argo", "operation": "Update", "time": AT,
            "fieldsV1": {"f:status": {"f:abort": {}}, "f:spec": {"f:replicas": {}}}}]);
        assert_eq!(
            told(&old, aborted),
            ["scaled with argo, which wrote last at 02:14:05", "aborted with argo, which wrote last at 02:14:05"]
        );
        let carried = json!([entry("kubectl", "scale", None, &json!({"f:spec": {"f:replicas": {}}}))]);
        assert_eq!(told(&carried, Stands::default()), ["scaled with kubectl"]);
    }

    #[test]
    fn a_manifest_that_is_applied_as_a_whole_tells_when_it_was_last_and_that_it_put_the_version() {
        let image = json!({"f:containers": {"k:{\"name\":\"app\"}": {"f:image": {}}}});
        let spec = json!({"f:paused": {}, "f:replicas": {}, "f:strategy": {}, "f:template": {"f:spec": image}});
        let entries = json!([entry("helm", "", AT, &json!({"f:spec": spec}))]);
        let held = Stands { held: true, ..Stands::default() };
        let put = "its version written with helm, which wrote last at 02:14:05";
        let expected = ["paused with helm, which wrote last at 02:14:05", put];
        assert_eq!(told(&entries, held), expected);
        let alone = hands(&meta(&entries), ENGINE, Stands::default());
        assert_eq!(alone.iter().map(Hand::stands_alone).collect::<Vec<_>>(), [false, true], "{alone:?}");
    }

    #[test]
    fn a_version_that_was_written_alone_has_the_time_of_that_and_no_other() {
        let image = json!({"f:containers": {"k:{\"name\":\"app\"}": {"f:image": {}}}});
        let alone = json!([entry("kubectl-set", "", AT, &json!({"f:spec": {"f:template": {"f:spec": image}}}))]);
        assert_eq!(told(&alone, Stands::default()), ["its version written with kubectl-set at 02:14:05"]);
    }

    #[test]
    fn ours_is_known_as_ours_and_the_newest_writer_of_a_field_counts() {
        let entries = json!([
            entry("kubectl-edit", "", Some("2026-03-10T02:10:00Z"), &json!({"f:spec": {"f:paused": {}}})),
            entry(MANAGER, "", AT, &json!({"f:spec": {"f:paused": {}}})),
        ]);
        let hands = hands(&meta(&entries), ENGINE, Stands::default());
        assert_eq!(hands.iter().map(|hand| (hand.did, hand.by.clone())).collect::<Vec<_>>(), [(Did::Resumed, By::Us)]);
    }
}
