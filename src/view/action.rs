//! An action after it was sent, from ACCEPTED to its end. There is no silent end.

use crate::{
    app::{
        action::{Action, Lost},
        intent::Intent,
        takeover,
    },
    domain::{
        ids::ServiceName,
        time::{Timestamp, age},
    },
    port::{
        plan::Plan,
        record::{Entry, Stage},
        several,
    },
    view::{
        Part, cells, measure, number,
        scene::Scene,
        span::{Line, Role},
    },
};

/// For how many seconds an action that ended well, or was refused, stays on screen. One that failed or whose outcome is
/// unknown needs a human and stays.
const STAYS: u64 = 300;

/// The newest actions worth seeing, at most so many, newest first.
pub(super) fn recent(scene: &Scene<'_>, most: usize) -> Vec<Part> {
    seen(scene).take(most).flat_map(|action| of(scene, action)).map(Part::Line).collect()
}

/// The newest action worth seeing, and how far it is, in one line.
pub(super) fn newest(scene: &Scene<'_>) -> Option<Line> {
    let action = seen(scene).next()?;
    let stage = action.latest().map(|entry| words(&action.plan, entry).0).unwrap_or_default();
    Some(begin(action, &whose(scene, action)).gap(3).join(stage).cut(scene.columns))
}

/// The actions worth seeing, newest first.
fn seen<'a>(scene: &'a Scene<'_>) -> impl Iterator<Item = &'a Action> {
    // What waited for a human waits no more once somebody has done something else there.
    let is_over =
        move |action: &Action| action.owed().next().is_none() && scene.model.actions.rests_until(action).is_some();
    let left = move |action: &Action| !takeover::not_begun(scene.model, action).is_empty();
    let all = scene.model.actions.iter().rev();
    all.filter(move |action| left(action) || (is_current(action, scene.now()) && !is_over(action)))
}

/// Should it still be seen?
pub(super) fn is_current(action: &Action, now: Timestamp) -> bool {
    match action.latest() {
        _ if action.owed().next().is_some() => true,
        Some(Entry { at, stage: Stage::Done { .. } | Stage::Refused { .. } | Stage::Preempted { .. } }) => {
            age(now, *at).as_secs() < STAYS
        }
        _ => true,
    }
}

/// Its lines, and how it can be taken over where it can.
pub(super) fn of(scene: &Scene<'_>, action: &Action) -> Vec<Line> {
    let mut lines = lines(action, &whose(scene, action), scene.columns);
    lines.extend(not_begun(scene, action));
    let released = || scene.hint(Intent::TakeOver, "ends it");
    if !action.is_running() && action.owed().next().is_some() {
        let held = held(scene, action).map(|held| Line::of(Role::Warn, format!("   {held}   ")).join(released()));
        lines.extend(held.map(|held| held.cut(scene.columns)));
    } else if takeover::is_offered(scene.model, action)
        && let Some(left) = takeover::left(action).ok().filter(|left| left.places.is_empty() || action.is_running())
    {
        let (calls, sent, unanswered) = (action.plan.calls(), left.sent, left.unanswered.is_some());
        let far = match sent {
            _ if unanswered => format!("no answer to call {} is known", sent + 1),
            0 => "nothing of it was taken".to_owned(),
            _ => format!("{sent} of {calls} calls were taken"),
        };
        let whose = Line::of(Role::Warn, format!("   its executor is gone, {far}   "));
        lines.push(whose.join(scene.hint(Intent::TakeOver, "takes it over")).cut(scene.columns));
    }
    lines.extend(cells::ended(scene, action));
    lines
}

/// Where it goes back and was not begun, and the key that begins it.
fn not_begun(scene: &Scene<'_>, action: &Action) -> Option<Line> {
    let places = takeover::not_begun(scene.model, action);
    let called = |place: &usize| {
        let one = action.plan.each().nth(*place)?;
        Some(cells::called(scene.model, &one.service, &one.environment))
    };
    let names: Vec<String> = places.iter().filter_map(called).collect();
    let begins = || scene.hint(Intent::TakeOver, "begins it");
    let said = |words: String| Line::of(Role::Warn, words).join(begins()).cut(scene.columns);
    (!names.is_empty()).then(|| said(format!("   NOT BEGUN: {}   ", names.join(", "))))
}

/// What is held by it, how long, and by whom: `HELD 12 min: auto-sync of shop is off (dana)`.
pub(super) fn held<'a>(scene: &'a Scene<'_>, action: &'a Action) -> impl Iterator<Item = String> + 'a {
    action.owed().map(|owed| {
        let sent = |entry: &&Entry| matches!(entry.stage, Stage::Sending { call, .. } if call == owed.after);
        let since = action.entries.iter().find(sent).map_or(action.since, |entry| entry.at);
        format!("HELD {}: {}", number::age(age(scene.now(), since)), owed.held())
    })
}

/// Its line, and a second one where the end takes more words than fit.
fn lines(action: &Action, which: &str, columns: usize) -> Vec<Line> {
    // That nothing moved for a while is said until it has ended, however that was.
    let ended = !action.is_running();
    let own = |entry: &&Entry| match entry.stage {
        Stage::HandedOver { .. } => false,
        Stage::NotMoving { .. } => !ended,
        _ => true,
    };
    let said = |entry| words(&action.plan, entry);
    let mut stages: Vec<(Line, bool)> = action.entries.iter().filter(own).map(said).collect();
    stages.extend(action.lost.filter(|_| action.is_running()).map(|lost| (lost_words(lost), false)));
    // Where several say the same kind of thing, the newest says it all.
    stages.dedup_by(|newer, older| {
        let same = newer.1 && older.1;
        if same {
            std::mem::swap(newer, older);
        }
        same
    });
    let begin = begin(action, which);
    let begin = step(action).map_or(begin.clone(), |step| begin.gap(3).and(Role::Text, step));
    let record = Line::of(Role::Dim, format!("record {}", action.record));
    let width = |stages: &[(Line, bool)]| -> usize { stages.iter().map(|(line, _)| line.width() + 3).sum() };
    // What lies behind is dropped before what is now is cut.
    while stages.len() > 1 && begin.width() + width(&stages) + record.width() + 4 > columns {
        stages.remove(0);
    }
    let whole = stages.iter().fold(begin.clone(), |line, (stage, _)| line.gap(3).join(stage.clone()));
    let room = columns.saturating_sub(record.width() + 4);
    if whole.width() <= room {
        return vec![whole.gap(3).join(record)];
    }
    // The end does not fit beside the name: it gets lines of its own, so that no word of it is lost.
    let said = stages.pop().map(|(line, _)| line).unwrap_or_default();
    let role = said.spans.first().map_or(Role::Text, |span| span.role);
    let mut lines = vec![begin.gap(3).join(record).cut(columns)];
    let wrapped = measure::wrap(&said.plain(), columns.saturating_sub(4));
    lines.extend(wrapped.into_iter().map(|text| Line::of(role, format!("   {text}"))));
    lines
}

/// `● roll back payments`.
fn begin(action: &Action, which: &str) -> Line {
    let (glyph, role) = mark(action);
    let words = format!("{} {which}", action.plan.verb.words());
    Line::of(role, format!(" {glyph} ")).and(Role::Strong, words)
}

/// `payments`; `payments, search`; of a service that has several cells which of them: `payments in eu-west-1, us-east-1`.
pub(super) fn of_which(scene: &Scene<'_>, action: &Action) -> String {
    let named = |one: &Plan| cells::called(scene.model, &one.service, &one.environment);
    let mut said: Vec<String> = Vec::new();
    let mut before: Option<&ServiceName> = None;
    for one in action.plan.each() {
        let name = named(one);
        let cell = name.strip_prefix(&format!("{} in ", one.service)).map(str::to_owned);
        said.push(cell.filter(|_| before == Some(&one.service)).unwrap_or(name));
        before = Some(&one.service);
    }
    said.join(", ")
}

/// The same, with who does it where that is somebody else: `payments by lee`.
fn whose(scene: &Scene<'_>, action: &Action) -> String {
    let which = of_which(scene, action);
    if action.who == scene.model.session.who { which } else { format!("{which} by {}", action.who) }
}

/// What a target of an act is called beside the others: its service, or where it is, where others are of the same service.
fn beside_others(plan: &Plan, target: usize) -> String {
    let Some(one) = plan.each().nth(target) else { return String::new() };
    let alike = plan.each().filter(|other| other.service == one.service).count() > 1;
    let place = one.environment.as_str();
    let place = place.rsplit_once('/').map_or(place, |(_, place)| place);
    if alike && !place.is_empty() { place.to_owned() } else { one.service.to_string() }
}

/// Of an act on several targets that has not ended: `step 2 of 3: search`.
pub(super) fn step(action: &Action) -> Option<String> {
    let plan = Some(&action.plan).filter(|plan| !plan.then.is_empty() && action.is_running())?;
    let turn = several::turn(&action.as_record());
    (turn < plan.count()).then(|| format!("step {} of {}: {}", turn + 1, plan.count(), beside_others(plan, turn)))
}

/// The sign of how it stands.
pub(super) fn mark(action: &Action) -> (&'static str, Role) {
    match action.latest().map(|entry| &entry.stage) {
        Some(Stage::Done { .. }) => ("✔", Role::Good),
        Some(Stage::Refused { .. } | Stage::Preempted { .. } | Stage::Rests { .. } | Stage::NotMoving { .. }) => {
            ("▲", Role::Warn)
        }
        Some(Stage::Failed { .. }) => ("✖", Role::Bad),
        Some(Stage::Unknown { .. }) => ("?", Role::Bad),
        _ => ("●", Role::Accent),
    }
}

/// A stage in words; whether the next one of its kind replaces it.
fn words(plan: &Plan, entry: &Entry) -> (Line, bool) {
    let at = number::clock(entry.at);
    match &entry.stage {
        Stage::Apart { target, stage } => {
            let (line, replaced) = words(plan, &Entry { at: entry.at, stage: stage.as_ref().clone() });
            let name = beside_others(plan, *target);
            (Line::of(Role::Text, format!("{name} ")).join(line), replaced)
        }
        Stage::Recorded => (Line::of(Role::Dim, format!("RECORDED {at}")), false),
        Stage::Sending { call, .. } => (Line::of(Role::Dim, format!("SENDING call {}", call + 1)), true),
        Stage::Accepted { .. } => (Line::of(Role::Text, format!("ACCEPTED {at}")), false),
        Stage::Skipped { call, why } => (Line::of(Role::Warn, format!("SKIPPED call {}: {why}", call + 1)), false),
        Stage::Released { .. } => (Line::of(Role::Text, format!("RELEASED {at}")), false),
        Stage::HandedOver { by, .. } => (Line::of(Role::Dim, format!("record {by} ends what it holds")), false),
        Stage::Moving { said } => (Line::of(Role::Accent, format!("MOVING {said}")), true),
        Stage::NotMoving { seconds } => (Line::of(Role::Warn, format!("NOT MOVING for {seconds} s")), true),
        Stage::Verified { target, .. } if several::is_apart(plan) => {
            (Line::of(Role::Good, format!("{} DONE {at}", beside_others(plan, *target))), false)
        }
        Stage::Verified { target, .. } => (Line::of(Role::Good, format!("STEP {} DONE {at}", target + 1)), true),
        Stage::Done { said } => {
            (Line::of(Role::Good, format!("DONE {at}")).and(Role::Text, format!(", {said}")), false)
        }
        Stage::Refused { why, .. } => (Line::of(Role::Warn, format!("REFUSED {at}: {why}; nothing was sent")), false),
        Stage::Failed { why, .. } => (Line::of(Role::Bad, format!("FAILED {at}: {why}")), false),
        Stage::Unknown { check } => (Line::of(Role::Bad, format!("OUTCOME UNKNOWN {at}: {check}")), false),
        Stage::Rests { said } => (Line::of(Role::Warn, format!("WAITS FOR A HUMAN {at}: {said}")), false),
        Stage::Preempted { by, said, .. } => {
            (Line::of(Role::Warn, format!("ENDED {at} by record {by}: {said}")), false)
        }
    }
}

/// Why nobody will end it, in words.
fn lost_words(lost: Lost) -> Line {
    match lost {
        Lost::Died(at) => Line::of(Role::Warn, format!("EXECUTOR GONE {}, looking how it ended", number::clock(at))),
        Lost::Unreadable => Line::of(Role::Bad, "ITS RECORD CANNOT BE READ: holdshort audit verify"),
    }
}

/// Where it is, in few words.
pub(super) fn stage(action: &Action) -> Line {
    action.latest().map_or_else(|| Line::of(Role::Accent, "RECORDED"), |entry| words(&action.plan, entry).0)
}

/// The newest stage in few words, for a row of a list.
pub(super) fn short(action: &Action) -> Line {
    let verb = action.plan.verb.words();
    match action.latest().map(|entry| words(&action.plan, entry)) {
        Some((line, _)) => Line::of(Role::Accent, format!("{verb} ")).join(line),
        None => Line::of(Role::Accent, format!("{verb} RECORDED")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        port::{
            fill::Given,
            step::{Due, Obligation},
        },
        view::sample,
    };

    fn said(stages: Vec<Stage>, columns: usize) -> Vec<String> {
        lines(&sample::action(stages), "payments", columns).iter().map(Line::plain).collect()
    }

    fn rolled_back() -> Vec<Stage> {
        vec![
            Stage::Recorded,
            Stage::Sending { call: 0, revision: None },
            Stage::Accepted { call: 0, said: "200 OK".into(), given: Given::new() },
            Stage::Moving { said: "25 % → 10 %".into() },
            Stage::Moving { said: "25 % → 0 %".into() },
            Stage::Done { said: "12 of 12 pods, verified".into() },
        ]
    }

    #[test]
    fn what_lies_behind_is_dropped_before_the_end_is_cut() {
        assert_eq!(
            said(rolled_back(), 120),
            [
                " ✔ roll back payments   ACCEPTED 02:07:19   MOVING 25 % → 0 %   DONE 02:07:19, 12 of 12 pods, verified   record 4711"
            ]
        );
        assert_eq!(
            said(rolled_back(), 80),
            [" ✔ roll back payments   DONE 02:07:19, 12 of 12 pods, verified   record 4711"]
        );
    }

    #[test]
    fn that_nothing_moved_is_said_as_long_as_it_has_not_ended() {
        let mut stages = vec![Stage::Recorded, Stage::NotMoving { seconds: 20 }];
        assert_eq!(
            said(stages.clone(), 120),
            [" ▲ roll back payments   RECORDED 02:07:19   NOT MOVING for 20 s   record 4711"]
        );
        stages.push(Stage::Done { said: "12 of 12 pods, verified".into() });
        let ended = " ✔ roll back payments   RECORDED 02:07:19   DONE 02:07:19, 12 of 12 pods, verified   record 4711";
        assert_eq!(said(stages, 120), [ended]);
    }

    #[test]
    fn an_unknown_outcome_says_all_of_what_to_check() {
        let check = "read Rollout shop/payments again: if status.abort is true it was taken";
        assert_eq!(
            said(vec![Stage::Sending { call: 0, revision: None }, Stage::Unknown { check: check.into() }], 60),
            [
                " ? roll back payments   record 4711",
                "   OUTCOME UNKNOWN 02:07:19: read Rollout shop/payments",
                "   again: if status.abort is true it was taken",
            ]
        );
    }

    #[test]
    fn what_is_held_stays_with_its_age_and_its_owner_and_the_key_that_ends_it() {
        let done = Stage::Done { said: "all back".into() };
        let mut record = sample::record(vec![Stage::Sending { call: 0, revision: None }, done]);
        let mut step = record.intent.plan.draft.steps[0].clone();
        step.call.words = "switch auto-sync on".into();
        record.intent.plan.draft.obligations.push(Obligation {
            after: 0,
            due: Due::OnRelease,
            owner: Some("dana".into()),
            words: "auto-sync of shop is off".into(),
            step,
        });
        let (keymap, mut model) = (sample::keymap(), sample::board(120, 40));
        model.actions.recorded(record);
        model.now = sample::at(4, 7, 41);
        let scene = crate::view::scene::Scene::new(&model, &keymap);
        let lines = recent(&scene, 3);
        let said = |part: &Part| if let Part::Line(line) = part { line.plain() } else { String::new() };
        let held = "   HELD 2 h: auto-sync of shop is off (dana)   t ends it";
        assert_eq!(lines.iter().map(said).collect::<Vec<_>>()[1..], [held]);
    }

    #[test]
    fn every_stage_has_its_word() {
        let table = [
            (Stage::NotMoving { seconds: 20 }, "NOT MOVING for 20 s"),
            (Stage::Refused { why: "it moved".into(), changed: true }, "REFUSED 02:07:19: it moved; nothing was sent"),
            (Stage::Failed { why: "403".into(), fault: None }, "FAILED 02:07:19: 403"),
            (Stage::Sending { call: 1, revision: None }, "SENDING call 2"),
        ];
        for (stage, words) in table {
            assert!(said(vec![stage], 120)[0].contains(words), "{words}");
        }
    }
}
