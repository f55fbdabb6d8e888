//! An act whose executor died, taken over by somebody: how far it came, and whether what would be drawn up today is the same.
//!
//! The record of it is evidence. It says whose act it is, what was asked and how far it came; what is sent is drafted anew,
//! and only where that equals what the record holds. The one place that compares the two is [`differs`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    domain::{ids::Person, text::clean, time::Timestamp, verb::Direction},
    port::{
        fill::Given,
        plan::{Blocked, Draft, Facts, Plan, WireCall, fact},
        record::{Entry, Origin, Record, RecordId, Stage},
        several,
        step::{Obligation, Step},
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
    /// What the answers to those that were taken gave, by call: later ones may need it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub given: BTreeMap<usize, Given>,
    /// What of those was left out, by call, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub skipped: BTreeMap<usize, String>,
    /// The obligations of its plan that are owed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owed: Vec<usize>,
    /// It has ended: only what it owes is ended, none of its steps goes on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub releases: bool,
    /// What its plan holds, where only what it owes is ended: its provider finds in it what it is to draft.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Obligation>,
    /// The moment that its calls were drawn up for, where they name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moment: Option<Timestamp>,
    /// How far it came on each of its targets, in order, where it has several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub each: Vec<Takeover>,
    /// Of one of several targets: everything expected of it was observed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verified: bool,
    /// Only these of its targets are carried on, by their place from 0: the others have ended by themselves. All, where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<usize>,
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
        let Record { intent, entries, .. } = record;
        let progress = Self::progress(&intent.plan, intent.takes_over.as_deref(), entries)?;
        let places = progress.places.clone();
        if !places.is_empty() {
            return Self::of_places(record, &places).ok_or_else(|| "it has ended".to_owned());
        }
        let parts = if intent.plan.then.is_empty() { 0 } else { intent.plan.count() };
        let each = (0..parts).filter_map(|index| Self::of_place(record, index));
        Ok(Self { each: each.collect(), ..Self::left(record, progress) })
    }

    /// The same of some of its targets only; nothing where none of them is among its own.
    pub fn of_places(record: &Record, places: &[usize]) -> Option<Self> {
        let one = |place: &usize| Some(Self { places: vec![*place], ..Self::of_place(record, *place)? });
        let mut each: Vec<Self> = places.iter().filter_map(one).collect();
        if each.len() < 2 {
            return each.pop();
        }
        let whole = Progress { sent: 0, unanswered: None, releases: false, places: Vec::new() };
        Some(Self { each, places: places.to_vec(), ..Self::left(record, whole) })
    }

    /// Of what was not begun, only these, by their index here; nothing where it goes on as a whole.
    #[must_use]
    pub fn only(&self, indexes: &[usize]) -> Option<Self> {
        let mut each: Vec<Self> = indexes.iter().map(|index| self.on(*index)).collect();
        if self.places.is_empty() || each.len() < 2 {
            return each.pop().filter(|_| !self.places.is_empty());
        }
        let places = indexes.iter().map(|index| self.place(*index)).collect();
        Some(Self { each, places, ..self.clone() })
    }

    /// What is left of it on one of its targets, by its place.
    fn of_place(record: &Record, place: usize) -> Option<Self> {
        let one = several::record_on(record, place)?;
        let before = one.intent.takes_over.as_deref();
        let (sent, unanswered) = far(&one.intent.plan, before, &one.entries);
        let verified = before.is_some_and(|before| before.verified)
            || one.entries.iter().any(|entry| matches!(entry.stage, Stage::Done { .. }));
        Some(Self { verified, ..Self::left(&one, Progress { sent, unanswered, releases: false, places: Vec::new() }) })
    }

    /// Which of the record's targets the one with this index here is.
    pub fn place(&self, index: usize) -> usize {
        self.places.get(index).copied().unwrap_or(index)
    }

    fn left(record: &Record, Progress { sent, unanswered, releases, .. }: Progress) -> Self {
        let Record { id, intent, entries } = record;
        let before = intent.takes_over.as_deref();
        let (who, at, origin, reason) = (intent.who.clone(), intent.at, intent.origin.clone(), intent.reason.clone());
        let (given, skipped, owed) = (given(before, entries), skipped(before, entries), record.owed());
        let (moment, each, verified) = (intent.plan.draft.moment, Vec::new(), false);
        let holds = if releases { intent.plan.draft.obligations.clone() } else { Vec::new() };
        let record = *id;
        Self {
            record,
            who,
            at,
            origin,
            reason,
            sent,
            unanswered,
            given,
            skipped,
            owed,
            releases,
            holds,
            moment,
            each,
            verified,
            places: Vec::new(),
        }
    }

    /// What is left of it on one of its targets.
    #[must_use]
    pub fn on(&self, index: usize) -> Self {
        self.each.get(index).unwrap_or(self).clone()
    }

    /// How far a plan has come, by a record that may have carried another one on itself.
    ///
    /// # Errors
    /// Why nothing is left to be carried on, as half a sentence.
    pub fn progress(plan: &Plan, before: Option<&Self>, entries: &[Entry]) -> Result<Progress, String> {
        let calls = plan.calls();
        let (sent, unanswered) = far(plan, before, entries);
        let mut places = Vec::new();
        let mut left = not_begun(plan, before, entries);
        match entries.iter().rev().map(|entry| &entry.stage).find(|stage| stage.is_end()) {
            None if several::is_apart(plan) => {
                let parts = Part::all(plan, before, entries);
                left = parts.iter().filter(|part| !part.has_ended).map(|part| part.place).collect();
                let is_sent = |part: &Part| part.has_ended || part.sent >= part.calls;
                if parts.iter().all(is_sent) {
                    left.clear();
                } else if left.len() < parts.len() {
                    places.clone_from(&left);
                }
                let sent = if left.is_empty() { calls } else { parts.iter().map(|part| part.sent).sum() };
                let unanswered = parts.into_iter().find_map(|part| part.unanswered);
                return Self::unfinished(Progress { sent, unanswered, releases: false, places }, calls);
            }
            None => {}
            // Somebody looked how it ended, and it had not been begun, or stood between two of its calls.
            Some(Stage::Refused { changed: false, .. }) if sent == 0 && unanswered.is_none() => {}
            Some(Stage::Unknown { .. }) if !several::is_apart(plan) && sent < calls && unanswered.is_none() => {}
            Some(_) if !owed(plan, before, entries).is_empty() => {
                return Ok(Progress { sent: calls, unanswered: None, releases: true, places });
            }
            // Nothing of these is under way, and nobody has gone back there.
            Some(_) if !left.is_empty() => {
                return Ok(Progress { sent: 0, unanswered: None, releases: false, places: left });
            }
            Some(Stage::Preempted { by, .. }) => return Err(format!("record {by} took its place")),
            Some(_) => return Err("it has ended".to_owned()),
        }
        Self::unfinished(Progress { sent, unanswered, releases: false, places }, calls)
    }

    fn unfinished(progress: Progress, calls: usize) -> Result<Progress, String> {
        if progress.sent >= calls {
            return Err("everything of it was sent: it is watched to its end, by whoever looks".to_owned());
        }
        Ok(progress)
    }

    /// Was anything of it sent, as far as the record tells?
    pub fn has_begun(&self) -> bool {
        self.sent > 0 || self.unanswered.is_some()
    }

    /// What ends what is still held: of everything that its provider could draft for that today, what the record holds. Nothing
    /// else goes out with it, and it is bound to nothing: what a hold is about may have moved on long ago.
    ///
    /// # Errors
    /// That it is nothing that could be drafted, as a sentence.
    pub fn release(&self, could: &[Step], effect: String) -> Result<Draft, Blocked> {
        let ending = |held: &Obligation| {
            let drafted = could.iter().find(|step| is_same_step(&held.step, step));
            let unknown = || {
                let words = clean(&held.words);
                Blocked(format!("what would end what record {} holds ({words}) is none of its calls", self.record))
            };
            drafted.map(|step| Obligation { step: step.clone(), ..held.clone() }).ok_or_else(unknown)
        };
        let obligations = self.holds.iter().map(ending).collect::<Result<Vec<_>, _>>()?;
        let expect = obligations.iter().find_map(|owed| owed.step.expect.clone()).unwrap_or_default();
        Ok(Draft { obligations, expect, ..Draft::of_nothing(effect) })
    }

    /// Has the record come no further since?
    pub fn is_as_far_as(&self, other: &Self) -> bool {
        let far = |one: &Self| (one.record, one.sent, one.unanswered.clone(), one.moment);
        let left = |one: &Self| (one.given.clone(), one.skipped.clone(), one.owed.clone(), one.releases);
        let parts = |one: &Self| (one.each.len(), one.verified, one.places.clone());
        (far(self), left(self), parts(self)) == (far(other), left(other), parts(other))
            && self.each.iter().zip(&other.each).all(|(one, other)| one.is_as_far_as(other))
    }

    /// Whose act it is, in a few words: `dana, 14:40:12, dana (uid 1000) on bastion`.
    pub fn whose(&self) -> String {
        let from = self.origin.as_ref().map_or_else(String::new, |origin| format!(", {origin}"));
        // Others can write the journal.
        clean(&format!("{}, {}{from}", self.who, self.at.format("%H:%M:%S")))
    }

    /// What to know before it is confirmed: whose act it is, what is not sent again, what is sent now.
    pub fn notes(&self, draft: &Draft) -> Vec<String> {
        let owed: Vec<&Obligation> = self.owed.iter().filter_map(|owed| draft.obligations.get(*owed)).collect();
        if self.releases {
            let mut notes = vec![format!("ends what record {} ({}) still holds", self.record, self.whose())];
            notes.extend(owed.iter().map(|owed| format!("{}: {} is sent now", owed.words, owed.step.call.words)));
            return notes;
        }
        let mut notes = vec![self.of_whom()];
        notes.extend(self.left_to_send(draft));
        notes.extend(owed.iter().map(|owed| format!("it owes, and this owes then: {}", owed.words)));
        notes
    }

    /// `takes over record 12 (dana, 14:40:12), whose executor is gone`.
    pub fn of_whom(&self) -> String {
        if !self.places.is_empty() && !self.has_begun() && !self.each.iter().any(Self::has_begun) {
            return format!("begins what record {} ({}) has not begun", self.record, self.whose());
        }
        format!("takes over record {} ({}), whose executor is gone", self.record, self.whose())
    }

    /// What of each call is sent now and what is not, as sentences.
    pub fn left_to_send(&self, draft: &Draft) -> Vec<String> {
        if self.verified {
            return vec!["it is done there, and nothing more is sent".to_owned()];
        }
        let mut notes = Vec::new();
        for (index, step) in draft.steps.iter().enumerate() {
            let (number, words) = (index + 1, &step.call.words);
            notes.push(match (index.cmp(&self.sent), &self.unanswered) {
                (std::cmp::Ordering::Less, _) if self.skipped.contains_key(&index) => {
                    format!("call {number} was left out and is not sent: {words}")
                }
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

/// How many calls of a plan were taken or left out, and what is not known of the next one. A target that came to what was
/// expected has taken all of its own, whatever is known of each.
fn far(plan: &Plan, before: Option<&Takeover>, entries: &[Entry]) -> (usize, Option<Unanswered>) {
    let calls = plan.calls();
    let mut far = before.map_or((0, None), |before| (before.sent, before.unanswered.clone()));
    for entry in entries {
        match &entry.stage {
            Stage::Accepted { call, .. } | Stage::Skipped { call, .. } if *call < calls => far = (call + 1, None),
            Stage::Sending { call, revision } if *call < calls => {
                far = (*call, Some(Unanswered { at: entry.at, revision: revision.clone() }));
            }
            Stage::Verified { target, .. } => far = (several::calls_on(plan, *target).end, None),
            Stage::Done { .. } => far = (calls, None),
            // Its system refused the call: for certain it had no effect.
            Stage::Failed { fault: Some(_), .. } => far.1 = None,
            _ => {}
        }
    }
    far
}

/// How far an act has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many of its calls were taken or left out.
    pub sent: usize,
    /// What is not known of the next one.
    pub unanswered: Option<Unanswered>,
    /// It has ended, and only what it owes is left.
    pub releases: bool,
    /// Only these of its targets are left, by their place from 0; all, where none is named.
    pub places: Vec<usize>,
}

/// How far an act has come on one of its targets.
struct Part {
    place: usize,
    calls: usize,
    sent: usize,
    unanswered: Option<Unanswered>,
    has_ended: bool,
}

impl Part {
    fn all(plan: &Plan, before: Option<&Takeover>, entries: &[Entry]) -> Vec<Self> {
        let one = |place: usize| {
            let (own, entries) = (plan.on(place)?, several::entries_on(plan, place, entries));
            let before = before.map(|before| before.on(place));
            let (sent, unanswered) = far(&own, before.as_ref(), &entries);
            let has_ended = before.is_some_and(|before| before.verified) || entries.iter().any(|it| it.stage.is_end());
            Some(Self { place, calls: own.calls(), sent, unanswered, has_ended })
        };
        (0..plan.count()).filter_map(one).collect()
    }

    fn is_begun(&self) -> bool {
        self.sent > 0 || self.unanswered.is_some()
    }
}

/// The targets of an act that goes back on several, by their place from 0, on which nothing was sent although it has ended: whatever held
/// it there, nobody has gone back. Of one of which nothing at all was sent, that is what it says itself, unless somebody else ended it.
pub fn not_begun(plan: &Plan, before: Option<&Takeover>, entries: &[Entry]) -> Vec<usize> {
    let end = entries.iter().rev().map(|entry| &entry.stage).find(|stage| stage.is_end());
    let (Some(end), false, Direction::Back) = (end, plan.then.is_empty(), plan.direction()) else { return Vec::new() };
    let parts = Part::all(plan, before, entries);
    let is_cut_off = matches!(end, Stage::Preempted { .. } | Stage::Unknown { .. });
    if !is_cut_off && !parts.iter().any(Part::is_begun) {
        return Vec::new();
    }
    let verified = |part: &Part| before.is_some_and(|before| before.on(part.place).verified);
    parts.iter().filter(|part| !part.is_begun() && !verified(part)).map(|part| part.place).collect()
}

/// The obligations of a plan that are owed: whose step is on its way, or was, and which nobody has ended or taken over.
pub fn owed(plan: &Plan, before: Option<&Takeover>, entries: &[Entry]) -> Vec<usize> {
    let stages = || entries.iter().map(|entry| &entry.stage);
    let elsewhere =
        |stage: &Stage| matches!(stage, Stage::HandedOver { .. } | Stage::Preempted { taken_over: true, .. });
    if plan.draft.obligations.is_empty() || stages().any(elsewhere) {
        return Vec::new();
    }
    let of_before = |owed: &usize| before.is_some_and(|before| before.owed.contains(owed));
    let sent = |after: usize| stages().any(|stage| matches!(stage, Stage::Sending { call, .. } if *call == after));
    let ended = |owed: usize, step: &Step| {
        // What ends it without anything to be seen is over once the system took it.
        let taken = |call: usize| step.expect.is_none() && call == plan.draft.steps.len() + owed;
        stages().any(|stage| match stage {
            Stage::Released { obligation, .. } => *obligation == owed,
            Stage::Accepted { call, .. } => taken(*call),
            _ => false,
        })
    };
    let all = plan.draft.obligations.iter().enumerate();
    let owed = all.filter(|(index, owed)| (of_before(index) || sent(owed.after)) && !ended(*index, &owed.step));
    owed.map(|(index, _)| index).collect()
}

/// What was left out, by call, and why, in a record and in the one that it carries on.
pub fn skipped(before: Option<&Takeover>, entries: &[Entry]) -> BTreeMap<usize, String> {
    let mut all = before.map(|before| before.skipped.clone()).unwrap_or_default();
    for entry in entries {
        if let Stage::Skipped { call, why } = &entry.stage {
            all.insert(*call, why.clone());
        }
    }
    all
}

/// What answers gave, by call, in a record and in the one that it carries on.
pub fn given(before: Option<&Takeover>, entries: &[Entry]) -> BTreeMap<usize, Given> {
    let mut all = before.map(|before| before.given.clone()).unwrap_or_default();
    for entry in entries {
        if let Stage::Accepted { call, given, .. } = &entry.stage
            && !given.is_empty()
        {
            all.insert(*call, given.clone());
        }
    }
    all
}

/// How an act that is taken over would be another one than its record holds, as a sentence; `None` where it is the same.
///
/// Calls that were taken are not compared: what they have changed shows in how they would be drawn up today.
pub fn differs(held: &Plan, takeover: &Takeover, now: &Draft) -> Option<String> {
    let then = &held.draft;
    let instead = "begin a new act instead";
    let owed = |draft: &Draft| draft.obligations.iter().map(|owed| (owed.after, owed.due)).collect::<Vec<_>>();
    let ends = then.obligations.iter().zip(&now.obligations);
    if owed(then) != owed(now) || !ends.into_iter().all(|(held, now)| is_same_step(&held.step, &now.step)) {
        return Some(format!("what is owed afterwards would be another than the record says: {instead}"));
    }
    if takeover.releases {
        // None of its steps goes on: whatever they were about has ended, one way or another.
        return None;
    }
    if let Some(moved) = moved(then, takeover, &now.bound) {
        return Some(format!("{moved}: {instead}"));
    }
    if then.to != now.to {
        let named = |draft: &Draft| draft.to.as_ref().map_or_else(|| "no version".to_owned(), ToString::to_string);
        return Some(format!("the record is about {}, today it would be {}: {instead}", named(then), named(now)));
    }
    for index in takeover.sent..then.steps.len().max(now.steps.len()) {
        let place = |step: &Step| format!("{} {}", step.call.method, step.call.path);
        let difference = match (then.steps.get(index), now.steps.get(index)) {
            (Some(held), Some(now)) if is_same_step(held, now) => continue,
            (Some(held), Some(now)) if place(held) != place(now) => {
                format!("is {}, today it would be {}", place(held), place(now))
            }
            (Some(held), Some(now)) if held.call.body == now.call.body => {
                format!("is {}, today it would be sent in another way", place(held))
            }
            (Some(held), Some(_)) => format!("is {}, today its body would be another", place(held)),
            (Some(held), None) => format!("is {}, today it would be none", place(held)),
            (None, _) => "is not there, today there would be one more".to_owned(),
        };
        return Some(format!("the record's call {} {difference}: {instead}", index + 1));
    }
    None
}

/// Is a step that was drafted the one that a record holds? Words, and what the world was like then, are no part of it.
pub fn is_same_step(held: &Step, drafted: &Step) -> bool {
    let place = |step: &Step| (step.target.clone(), step.when.clone(), step.watch.clone());
    let sent = |step: &Step| {
        let WireCall { method, path, content_type, headers, body, fills, gives, .. } = step.call.clone();
        (method, path, content_type, headers, body, fills, gives)
    };
    (place(held), sent(held)) == (place(drafted), sent(drafted))
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
