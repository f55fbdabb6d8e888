//! Whether a version can take the traffic, before anybody sends it there: what clusters, registries and forges told of it, joined and
//! graded; whom to ask; and what of it forbids going back. Pure.
//!
//! What is not known never forbids it: only what is known to be red does, and only until somebody says that it must be all the same.

mod data;
mod image;

use std::collections::BTreeSet;

use chrono::TimeDelta;

use crate::{
    app::{
        lineage::Between,
        model::{Model, Overlay},
        quarantine::Quarantine,
        store::preflights::Answer,
        wants::on_screen,
        watch,
    },
    domain::{
        ids::{EnvironmentName, ServiceName, SourceName},
        object::ObjectId,
        observed::FaultKind,
        offer::{Risk, offer_for},
        preflight::{About, Grade, Heading, Preflight, Takes, worst},
        rollout::{Arm, Role, Rollout},
        time::Timestamp,
        verb::{Direction, Verb},
        version::Version,
    },
    port::{
        lookup::{Question, Topic},
        plan::Ask,
    },
};

pub use crate::domain::preflight::Check;

/// For so long an answer counts as new while somebody looks.
const LOOKED_AT: TimeDelta = TimeDelta::seconds(15);
/// And while it flies.
const FLYING: TimeDelta = TimeDelta::seconds(45);
/// What was told longer ago says how it was, not how it is.
const OLD: TimeDelta = TimeDelta::minutes(5);

/// What is known of the way to a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook<'a> {
    /// The version.
    pub arm: &'a Arm,
    /// Which way one would go to it.
    pub heading: Heading,
    /// Everything that was looked at, or could not be; its pods first.
    pub checks: Vec<Check>,
    /// How long it takes.
    pub takes: Takes,
    /// What going there interrupts.
    pub interrupts: Vec<String>,
    /// Somebody has not answered yet.
    pub reading: bool,
    /// When the oldest of the answers came; `None` before there is one.
    pub at: Option<Timestamp>,
}

impl Outlook<'_> {
    /// What is worst of it.
    pub fn worst(&self) -> Option<&Check> {
        worst(&self.checks)
    }

    /// How it stands, all in all. What nobody told of is not known.
    pub fn grade(&self) -> Grade {
        self.worst().map_or(Grade::Unknown, |check| check.grade)
    }

    /// What stands so.
    pub fn of(&self, grade: Grade) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(move |check| check.grade == grade)
    }

    /// The worst in words, how many others are as bad, and how long it takes: `9 of 12 pods ready; about 8 s`.
    pub fn words(&self) -> String {
        let Some(worst) = self.worst() else { return "nothing is known of it".to_owned() };
        let others = self.of(worst.grade).count().saturating_sub(1);
        let more =
            if others > 0 && worst.grade >= Grade::Amber { format!("; and {others} more") } else { String::new() };
        let takes = self.takes.words().filter(|_| worst.grade < Grade::Red);
        let takes = takes.map(|takes| format!("; {takes}")).unwrap_or_default();
        format!("{}{more}{takes}", worst.words)
    }

    /// The same without what only stands in the way of writing the spec anew, and of nothing else.
    #[must_use]
    pub fn leaving_the_spec(mut self) -> Self {
        self.checks.retain(|check| check.about != About::Automation);
        self
    }
}

/// What is known of the way back that a roll back without a named version goes; nothing where there is no such version.
pub fn back<'a>(model: &'a Model, rollout: &'a Rollout) -> Option<Outlook<'a>> {
    let hash = way_back(model, rollout)?;
    let arm = rollout.arms.iter().find(|arm| arm.hash == hash)?;
    Some(to(model, rollout, arm, Heading::Back))
}

/// The hash of the version that a roll back without a named one goes to.
fn way_back(model: &Model, rollout: &Rollout) -> Option<String> {
    Quarantine::of(&model.actions, rollout).way_back(rollout).arm().map(|arm| arm.hash.clone())
}

/// The version that an ask would send traffic to, and which way that is.
fn meant<'a>(model: &Model, rollout: &'a Rollout, ask: &Ask) -> Option<(&'a Arm, Heading)> {
    let of = |hash: &str| rollout.arms.iter().find(|arm| arm.hash == hash);
    match ask.verb {
        Verb::Rollback => {
            let arm = match ask.to() {
                Some(name) => of(name).or_else(|| rollout.arm_called(name)),
                None => of(&way_back(model, rollout)?),
            };
            Some((arm?, Heading::Back))
        }
        Verb::Abort => Some((rollout.side(Role::Stable)?, Heading::Back)),
        verb if verb.direction() == Direction::Forward => Some((of(&rollout.identity.canary_hash)?, Heading::On)),
        _ => None,
    }
}

/// What is known of the version that an ask would send traffic to.
pub fn of_ask<'a>(model: &'a Model, rollout: &'a Rollout, ask: &Ask) -> Option<Outlook<'a>> {
    let (arm, heading) = meant(model, rollout, ask)?;
    let outlook = to(model, rollout, arm, heading);
    Some(if ask.verb == Verb::Abort { outlook.leaving_the_spec() } else { outlook })
}

/// What is known of the way to a version of a rollout.
pub fn to<'a>(model: &'a Model, rollout: &'a Rollout, arm: &'a Arm, heading: Heading) -> Outlook<'a> {
    let mut outlook = Outlook {
        arm,
        heading,
        checks: vec![pods(model, rollout, arm)],
        takes: Takes::Unknown,
        interrupts: Vec::new(),
        reading: false,
        at: None,
    };
    if heading == Heading::Back {
        outlook.checks.extend(data::declared(model, rollout, arm));
    }
    let asked = answers(model, rollout, Topic::Preflight);
    let answer = model.store.preflights.of(&(rollout.id.clone(), arm.hash.clone(), heading));
    match answer {
        None => outlook.reading = asked,
        Some(answer) => take(model, &mut outlook, answer),
    }
    if let Some(told) = answer.and_then(|answer| answer.last.as_ref()) {
        image::checks(model, &mut outlook, told);
    }
    outlook
}

/// Takes what was told of where it would run.
fn take(model: &Model, outlook: &mut Outlook<'_>, answer: &Answer<Preflight>) {
    // Of what it does not look into, its source has told nothing.
    outlook.at = answer.last.as_ref().map(|_| answer.read);
    if let Some(fault) = answer.fault.as_ref().filter(|fault| answer.last.is_none() && fault.kind != FaultKind::Missing)
    {
        let words = format!("what else stands in the way is not known: {}", fault.text);
        outlook.checks.push(Check::new(About::Revision, Grade::Unknown, words));
    }
    let Some(told) = &answer.last else { return };
    if told.checks.iter().any(|check| check.about == About::Capacity) {
        // It has no pods that anybody could know of.
        outlook.checks.retain(|check| check.about != About::Pods);
    }
    outlook.checks.extend(told.checks.iter().cloned().map(|check| aged(model, check, answer.read)));
    outlook.interrupts.clone_from(&told.interrupts);
    if model.now - answer.read < OLD {
        outlook.takes = told.takes;
    }
}

/// A check as it counts now: what was told long ago is not known any more.
fn aged(model: &Model, check: Check, read: Timestamp) -> Check {
    if model.now - read < OLD {
        return check;
    }
    let words = format!("{}: that was so at {}, and was not read since", check.words, read.format("%H:%M"));
    Check { grade: Grade::Unknown, words, ..check }
}

/// Its pods, as its engine tells them: the one thing that is always looked at.
fn pods(model: &Model, rollout: &Rollout, arm: &Arm) -> Check {
    let Some(pods) = arm.pods else { return Check::new(About::Pods, Grade::Unknown, "its pods are not known") };
    let (grade, words) = match pods.ready {
        0 => (Grade::Amber, "none of its pods runs, they start first".to_owned()),
        1 if rollout.replicas <= 1 => (Grade::Good, "its pod is ready".to_owned()),
        ready if ready >= rollout.replicas => (Grade::Good, format!("all {ready} pods ready")),
        ready => {
            // With less than half of the pods running, it may be too narrow for the traffic.
            let grade = if ready * 2 < rollout.replicas { Grade::Amber } else { Grade::Good };
            (grade, format!("{ready} of {} pods ready", rollout.replicas))
        }
    };
    match arm.scale_down_at.filter(|at| pods.ready > 0 && *at > model.now) {
        Some(at) => {
            Check::new(About::Pods, grade.max(Grade::Amber), format!("{words} until {}", at.format("%H:%M:%S")))
        }
        None => Check::new(About::Pods, grade, words),
    }
}

/// Can the source of a rollout be asked about this?
fn answers(model: &Model, rollout: &Rollout, topic: Topic) -> bool {
    model.session.sources.iter().any(|info| info.name == rollout.id.source && info.answers.contains(&topic))
}

/// What a mistake costs where it runs: what its engine says of a verb that goes on, for going back must stay short.
fn risk(rollout: &Rollout) -> Risk {
    rollout.offers.iter().map(|offer| offer.risk).max().unwrap_or(Risk::High)
}

/// Why going back is refused: every reason that is known, where a mistake costs much; nothing where somebody said that it must be.
pub fn forbids(model: &Model, rollout: &Rollout, ask: &Ask) -> Vec<Check> {
    let decides = ask.verb == Verb::Rollback && !ask.force && ask.takes_over.is_none() && ask.sent_before() == 0;
    if !decides || risk(rollout) != Risk::High {
        return Vec::new();
    }
    let Some(outlook) = of_ask(model, rollout, ask) else { return Vec::new() };
    if outlook.grade() < Grade::Red {
        return Vec::new();
    }
    outlook.of(Grade::Red).chain(outlook.of(Grade::Amber)).cloned().collect()
}

/// What is safe instead, each with its own preflight where it is a verb. An abort that stands as badly is open all the same, and is told
/// as what it is, behind the others.
pub fn safe_ways(model: &Model, rollout: &Rollout) -> Vec<String> {
    let open = |verb: Verb| offer_for(&rollout.offers, verb).is_some_and(|offer| offer.blocked.is_none());
    let new = rollout.canary.as_ref().map_or_else(|| "it".to_owned(), |version| version.tag.clone());
    let mut ways = Vec::new();
    let abort = of_ask(model, rollout, &Ask::new(Verb::Abort, rollout.id.clone())).filter(|_| open(Verb::Abort));
    let quarantine = Quarantine::of(&model.actions, rollout);
    let why_not = |outlook: &Outlook<'_>| match quarantine.of_hash(&outlook.arm.hash) {
        Some(left) => Some(format!("it goes to {}, and {left}", outlook.arm.tag())),
        None => (outlook.grade() == Grade::Red).then(|| outlook.words()),
    };
    let harmful = abort.as_ref().and_then(why_not);
    if let Some(outlook) = abort.filter(|_| harmful.is_none()) {
        let pods = outlook.checks.first().map(|check| check.words.clone()).unwrap_or_default();
        let takes = outlook.takes.words().map(|takes| format!("; {takes}")).unwrap_or_default();
        ways.push(format!("abort: {new} to 0 %, and it is held there; {}: {pods}{takes}", outlook.arm.tag()));
    }
    // What has arrived moves no more: there is nothing of it to hold.
    if open(Verb::Pause) && rollout.in_flight() {
        ways.push(format!("pause: {new} is held where it is, no traffic moves"));
    }
    ways.push(format!("switch off what {new} brought, where a flag does that"));
    ways.push(format!("go on: release a version that mends {new}"));
    ways.extend(harmful.map(|why| format!("abort is open, and no safer: {why}")));
    ways
}

/// The rollouts of a service where something goes; all of them where nobody says where.
pub fn there<'a>(
    model: &'a Model,
    service: &'a ServiceName,
    environment: Option<&'a EnvironmentName>,
) -> impl Iterator<Item = &'a Rollout> {
    let of = model.store.rollouts().filter(move |rollout| rollout.service == *service);
    of.filter(move |rollout| environment.is_none_or(|own| own.meets(&rollout.environment)))
}

/// What is to be asked now.
pub fn questions(model: &Model) -> Vec<(SourceName, Question)> {
    let (seen, led) = (looked_at(model), led_to(model));
    let mut all = Vec::new();
    for rollout in model.store.rollouts() {
        let looked_at = seen.contains(&rollout.id) || led.iter().any(|(id, _)| *id == rollout.id);
        if !looked_at && !watch::is_followed(model, rollout) {
            continue;
        }
        let fresh = if looked_at { LOOKED_AT } else { FLYING };
        let led = led.iter().filter(|(id, _)| *id == rollout.id).map(|(_, hash)| (hash.clone(), Heading::Back));
        let courses: BTreeSet<_> = courses(model, rollout, looked_at).into_iter().chain(led).collect();
        for (hash, heading) in courses {
            all.extend(of_course(model, rollout, (hash, heading), fresh));
        }
        let between = data::between(model, rollout).filter(|between: &Between| between.answer(&model.store).is_none());
        all.extend(between.map(|between| (between.run.source.clone(), between.question())));
    }
    all
}

/// What somebody looks at, or is about to act on.
fn looked_at(model: &Model) -> Vec<ObjectId> {
    on_screen(model).cloned().chain(model.looked_into.iter().map(|ask| ask.target.clone())).collect()
}

/// Where the open card leads that puts a version back by a run or a gate: rollouts there, and the version as each of them knows it.
fn led_to(model: &Model) -> Vec<(ObjectId, String)> {
    let Some(Overlay::Card(card)) = &model.nav.overlay else { return Vec::new() };
    card.plan.each().flat_map(|plan| led_by(model, plan.verb, &plan.target, plan.draft.to.as_ref())).collect()
}

/// The same of a verb that puts this version back.
pub fn led_by(model: &Model, verb: Verb, target: &ObjectId, to: Option<&Version>) -> Vec<(ObjectId, String)> {
    let item = model.store.item(target).filter(|item| verb == Verb::Rollback && item.rollout().is_none());
    let Some((item, to)) = item.zip(to) else { return Vec::new() };
    let environment = item.gate().map(|gate| &gate.environment);
    let is_it = |arm: &&Arm| arm.version.as_ref().is_some_and(|version| version.is_same(to));
    let there = there(model, item.service(), environment);
    there.filter_map(|rollout| Some((rollout.id.clone(), rollout.arms.iter().find(is_it)?.hash.clone()))).collect()
}

/// Which versions of a rollout are asked about: the one that it would go back to, and on a card what that is about.
fn courses(model: &Model, rollout: &Rollout, looked_at: bool) -> Vec<(String, Heading)> {
    let back = way_back(model, rollout).map(|hash| (hash, Heading::Back));
    let of_card = match &model.nav.overlay {
        Some(Overlay::Card(card)) if looked_at => {
            let each = card.ask.each().into_iter().filter(|ask| ask.target == rollout.id);
            each.filter_map(|ask| meant(model, rollout, &ask))
                .map(|(arm, heading)| (arm.hash.clone(), heading))
                .collect()
        }
        _ => Vec::new(),
    };
    let asked = model.looked_into.as_ref().filter(|ask| ask.target == rollout.id);
    let asked = asked.and_then(|ask| meant(model, rollout, ask)).map(|(arm, heading)| (arm.hash.clone(), heading));
    let mut all: Vec<_> = back.into_iter().chain(of_card).chain(asked).collect();
    // Where there is no way back what runs is looked at: with it comes what we may do.
    if all.is_empty() && looked_at {
        all.extend(rollout.side(Role::Stable).map(|arm| (arm.hash.clone(), Heading::Back)));
    }
    all.sort();
    all.dedup();
    all
}

/// The questions about one version that have no new answer: where it would run, and then about its images.
fn of_course(
    model: &Model,
    rollout: &Rollout,
    (hash, heading): (String, Heading),
    fresh: TimeDelta,
) -> Vec<(SourceName, Question)> {
    if !answers(model, rollout, Topic::Preflight) {
        return Vec::new();
    }
    let is_new = |at: Timestamp| model.now - at < fresh;
    let answer = model.store.preflights.of(&(rollout.id.clone(), hash.clone(), heading));
    let mut all = Vec::new();
    if !answer.is_some_and(|answer| is_new(answer.at)) {
        all.push((rollout.id.source.clone(), Question::Preflight { rollout: rollout.id.clone(), hash, heading }));
    }
    let images = answer.and_then(|answer| answer.last.as_ref()).map(|told| told.images.as_slice()).unwrap_or_default();
    for image in images {
        for source in image::registries(model) {
            let known = model.store.preflights.image(source, &image.name);
            // Where it is not kept, it is not looked for again.
            if !known.is_some_and(|known| is_new(known.at) || image::is_elsewhere(known)) {
                all.push((source.clone(), Question::Image { name: image.name.clone() }));
            }
        }
    }
    all
}

/// Was everything told that is asked where an ask leads, well or badly?
pub fn is_told_of(model: &Model, ask: &Ask) -> bool {
    model.store.rollout(&ask.target).is_none_or(|rollout| is_told(model, rollout, ask))
}

/// Was everything told that is asked about the version which an ask means, well or badly?
pub fn is_told(model: &Model, rollout: &Rollout, ask: &Ask) -> bool {
    meant(model, rollout, ask).is_none_or(|(arm, heading)| is_told_to(model, rollout, arm, heading))
}

/// The same of a version of it.
pub fn is_told_to(model: &Model, rollout: &Rollout, arm: &Arm, heading: Heading) -> bool {
    if !answers(model, rollout, Topic::Preflight) {
        return true;
    }
    let Some(answer) = model.store.preflights.of(&(rollout.id.clone(), arm.hash.clone(), heading)) else {
        return false;
    };
    let mut images = answer.last.iter().flat_map(|told| &told.images);
    let told = |name: &str| image::registries(model).all(|source| model.store.preflights.image(source, name).is_some());
    let compared = data::between(model, rollout).is_none_or(|between| between.answer(&model.store).is_some());
    compared && images.all(|image| told(&image.name))
}

#[cfg(test)]
mod tests;
