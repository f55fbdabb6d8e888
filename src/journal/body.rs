//! The text of a line of the chain. It is hashed, so what was once written is never written anew: an older form is raised
//! while it is read.

use serde::de::Error as _;
use serde_json::{Error, Value, json};

use crate::port::record::{Entry, NewRecord};

/// The newest form that is read. Form 1 had no number, no links and no origin; in form 2 a target said its kind beside its id;
/// up to form 3 an act was a list of calls on its target; up to form 4 it had one target.
const FORM: u64 = 5;
/// The last form in which an act has one target. What has one is written so: whoever reads no further can read it all.
const OF_ONE: u64 = 4;
/// The last form in which an act was a list of calls.
const OF_CALLS: u64 = 3;

/// An intent, as it is hashed.
pub(super) fn intent(new: &NewRecord) -> Result<String, Error> {
    let mut body = serde_json::to_value(new)?;
    if let Value::Object(fields) = &mut body {
        let form = if new.plan.then.is_empty() { OF_ONE } else { FORM };
        fields.insert("v".to_owned(), form.into());
    }
    serde_json::to_string(&body)
}

/// An intent of any form up to ours.
pub(super) fn read_intent(text: &str) -> Result<NewRecord, Error> {
    let mut body: Value = serde_json::from_str(text)?;
    // Form 1 said nothing of its form, and what form 2 adds may be missing; ids of before read as those of today: it is the
    // same reading.
    match body.get("v").map_or(Some(1), Value::as_u64) {
        Some(1..=OF_CALLS) => raise(&mut body),
        Some(OF_ONE..=FORM) => {}
        _ => return Err(Error::custom("it was written by a newer holdshort")),
    }
    serde_json::from_value(body)
}

/// An intent that is a list of calls becomes one of steps, all of them on its target.
pub(super) fn raise(intent: &mut Value) {
    let Some(plan) = intent.get_mut("plan").and_then(Value::as_object_mut) else { return };
    let target = plan.get("target").cloned().unwrap_or_default();
    let Some(draft) = plan.get_mut("draft").and_then(Value::as_object_mut) else { return };
    let Some(Value::Array(calls)) = draft.remove("calls") else { return };
    let step = |mut call: Value| {
        // A revision went into the same place of either kind of patch.
        if let Value::Object(call) = &mut call
            && call.remove("guard").is_some_and(|guard| guard != "none")
        {
            let fills = json!([{"from": "revision", "into": {"json": "/metadata/resourceVersion"}}]);
            call.insert("fills".to_owned(), fills);
        }
        json!({"target": target, "call": call})
    };
    draft.insert("steps".to_owned(), calls.into_iter().map(step).collect());
}

/// An entry, as it is hashed.
pub(super) fn entry(entry: &Entry) -> Result<String, Error> {
    serde_json::to_string(entry)
}

/// An entry of any form up to ours: a stage that we do not know makes the record unreadable, not the entry a guess.
pub(super) fn read_entry(text: &str) -> Result<Entry, Error> {
    serde_json::from_str(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::verb::Verb, journal::sample::intent as sample};

    #[test]
    fn an_intent_says_its_form_and_one_of_before_reads_as_if_it_had() {
        let new = sample(Verb::Abort);
        let text = intent(&new).unwrap();
        let mut body: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(body["v"], 4);
        assert_eq!(read_intent(&text).unwrap(), new);
        body.as_object_mut().unwrap().remove("v");
        assert_eq!(read_intent(&body.to_string()).unwrap(), new);
    }

    #[test]
    fn an_act_on_several_targets_is_of_a_form_that_whoever_knows_one_target_does_not_read() {
        let mut new = sample(Verb::Rollback);
        new.plan.then = vec![sample(Verb::Rollback).plan];
        let text = intent(&new).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["v"], 5);
        assert_eq!(read_intent(&text).unwrap(), new);
    }

    #[test]
    fn a_form_that_is_newer_than_ours_is_not_guessed_at() {
        let mut body: Value = serde_json::from_str(&intent(&sample(Verb::Abort)).unwrap()).unwrap();
        for v in [Value::from(6), Value::from("2"), Value::Null] {
            body["v"] = v;
            assert_eq!(read_intent(&body.to_string()).unwrap_err().to_string(), "it was written by a newer holdshort");
        }
    }
}
