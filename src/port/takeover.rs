//! An act whose executor died, taken over by somebody: how far it came, and whether what would be drawn up today is the same.
//!
//! The record of it is evidence. It says whose act it is, what was asked and how far it came; what is sent is drafted anew,
//! and only where that equals what the record holds. The one place that compares the two is [`differs`].

use serde::{Deserialize, Serialize};

use crate::{
    domain::{ids::Person, text::clean, time::Timestamp},
    port::{
        plan::{Draft, Facts, Plan, WireCall, fact},
        record::{Entry, NewRecord, Origin, Record, RecordId, Stage},
    },
};

/// An act that is carried on: whose it is, what was asked, and how far it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Takeover {
    /// Its record.
    pub record: RecordId,
    /// Who confirmed it.
    pub who: Person,
    /// When.
    pub at: Timestamp,
    /// Where it was written from, as the system says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Why, in their words: systems that take a comment get the same one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many of its calls the system took. They are not sent again.
    pub sent: usize,
    /// The call after them was sent, and no answer is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unanswered: Option<Unanswered>,
    /// The moment that its calls were drawn up for, where they name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moment: Option<Timestamp>,
}

/// A call that may or may not have taken effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unanswered {
    /// When it was sent.
    pub at: Timestamp,
    /// The object's revision that guarded it. While the object still has it, the call has had no effect.
    pub revision: Option<String>,
}

impl Takeover {
    /// What is left of a record to be carried on.
    ///
    /// # Errors
    /// Why nothing is, as half a sentence.
    pub fn of(record: &Record) -> Result<Self, String> {
        let Record { id, intent, entries } = record;
        let (sent, unanswered) = Self::progress(intent.plan.draft.calls.len(), intent.takes_over.as_deref(), entries)?;
        let (who, at, origin, reason) = (intent.who.clone(), intent.at, intent.origin.clone(), intent.reason.clone());
        Ok(Self { record: *id, who, at, origin, reason, sent, unanswered, moment: intent.plan.draft.moment })
    }

    /// How many of so many calls were taken, and what is not known of the next one, by a record that may have carried another
    /// one on itself.
    ///
    /// # Errors
    /// Why nothing is left to be carried on, as half a sentence.
    pub fn progress(
        calls: usize,
        before: Option<&Self>,
        entries: &[Entry],
    ) -> Result<(usize, Option<Unanswered>), String> {
        let mut progress = before.map_or((0, None), |before| (before.sent, before.unanswered.clone()));
        for entry in entries {
            match &entry.stage {
                Stage::Accepted { call, .. } => progress = (call + 1, None),
                Stage::Sending { call, revision } => {
                    progress = (*call, Some(Unanswered { at: entry.at, revision: revision.clone() }));
                }
                _ => {}
            }
        }
        let (sent, unanswered) = progress;
        match entries.iter().rev().map(|entry| &entry.stage).find(|stage| stage.is_end()) {
            None => {}
            // Somebody looked how it ended, and it had not been begun, or stood between two of its calls.
            Some(Stage::Refused { changed: false, .. }) if sent == 0 && unanswered.is_none() => {}
            Some(Stage::Unknown { .. }) if sent < calls && unanswered.is_none() => {}
            Some(Stage::Preempted { by, .. }) => return Err(format!("record {by} took its place")),
            Some(_) => return Err("it has ended".to_owned()),
        }
        if sent >= calls {
            return Err("everything of it was sent: it is watched to its end, by whoever looks".to_owned());
        }
        Ok((sent, unanswered))
    }

    /// Was anything of it sent, as far as the record tells?
    pub fn has_begun(&self) -> bool {
        self.sent > 0 || self.unanswered.is_some()
    }

    /// Has the record come no further since?
    pub fn is_as_far_as(&self, other: &Self) -> bool {
        let far = |one: &Self| (one.record, one.sent, one.unanswered.clone(), one.moment);
        far(self) == far(other)
    }

    /// Whose act it is, in a few words: `dana, 14:40:12, dana (uid 1000) on bastion`.
    pub fn whose(&self) -> String {
        let from = self.origin.as_ref().map_or_else(String::new, |origin| format!(", {origin}"));
        // Others can write the journal.
        clean(&format!("{}, {}{from}", self.who, self.at.format("%H:%M:%S")))
    }

    /// What to know before it is confirmed: whose act it is, what is not sent again, what is sent now.
    pub fn notes(&self, calls: &[WireCall]) -> Vec<String> {
        let mut notes = vec![format!("takes over record {} ({}), whose executor is gone", self.record, self.whose())];
        for (index, call) in calls.iter().enumerate() {
            let (number, words) = (index + 1, &call.words);
            notes.push(match (index.cmp(&self.sent), &self.unanswered) {
                (std::cmp::Ordering::Less, _) => format!("call {number} was taken and is not sent again: {words}"),
                (std::cmp::Ordering::Equal, Some(_)) => format!(
                    "call {number} was sent and no answer is known: it is sent again only where its \
                     effect is not there and can come no more: {words}"
                ),
                _ => format!("call {number} is sent now: {words}"),
            });
        }
        notes
    }
}

/// How an act that is taken over would be another one than its record holds, as a sentence; `None` where it is the same.
///
/// Calls that were taken are not compared: what they have changed shows in how they would be drawn up today.
pub fn differs(held: &NewRecord, takeover: &Takeover, now: &Draft) -> Option<String> {
    let Plan { draft: then, .. } = &held.plan;
    let instead = "begin a new act instead";
    if let Some(moved) = moved(then, takeover, &now.bound) {
        return Some(format!("{moved}: {instead}"));
    }
    if then.to != now.to {
        let named = |draft: &Draft| draft.to.as_ref().map_or_else(|| "no version".to_owned(), ToString::to_string);
        return Some(format!("the record is about {}, today it would be {}: {instead}", named(then), named(now)));
    }
    for index in takeover.sent..then.calls.len().max(now.calls.len()) {
        let difference = match (then.calls.get(index), now.calls.get(index)) {
            (Some(held), Some(now)) if is_same_call(held, now) => continue,
            (Some(held), Some(now)) if (&held.method, &held.path) == (&now.method, &now.path) => {
                format!("is {} {}, today its body would be another", held.method, held.path)
            }
            (Some(held), now) => {
                let now = now.map_or_else(|| "none".to_owned(), |now| format!("{} {}", now.method, now.path));
                format!("is {} {}, today it would be {now}", held.method, held.path)
            }
            (None, _) => "is not there, today there would be one more".to_owned(),
        };
        return Some(format!("the record's call {} {difference}: {instead}", index + 1));
    }
    None
}

/// Is a call that was drafted the one that a record holds?
pub fn is_same_call(held: &WireCall, drafted: &WireCall) -> bool {
    let WireCall { method, path, content_type, body, guard, .. } = held;
    (method, path, content_type, body, guard)
        == (&drafted.method, &drafted.path, &drafted.content_type, &drafted.body, &drafted.guard)
}

/// The facts that say which object, and which versions, an act is about.
const IDENTITY: [&str; 3] = [fact::UID, fact::CANARY, fact::STABLE];

/// How the object is not as it was. Once a call was taken its own effect may show: only another identity than the act wants
/// counts then.
fn moved(then: &Draft, takeover: &Takeover, now: &Facts) -> Option<String> {
    let wanted = |name: &str| then.expect.all.iter().any(|expect| expect.fact == name && expect.holds(now));
    let counts = |name: &str| takeover.sent == 0 || (IDENTITY.contains(&name) && !wanted(name));
    let other = then.bound.iter().filter(|(name, was)| now.get(*name) != Some(was) && counts(name));
    let each: Vec<String> =
        other.map(|(name, was)| format!("{name} {was} → {}", now.get(name).map_or("gone", String::as_str))).collect();
    (!each.is_empty()).then(|| format!("the object moved since: {}", each.join(", ")))
}
