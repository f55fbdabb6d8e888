//! The way back, shown before anybody goes forward: to which version, how it stands, and how long it takes.

use crate::{
    app::{
        action::Action,
        model::Model,
        preflight::{self, Outlook},
        quarantine::{Quarantine, WayBack},
    },
    domain::{preflight::Grade, rollout::Rollout, verb::Direction},
    view::span::{Line, Role},
};

/// How a grade looks, and its mark.
pub(super) fn look(grade: Grade) -> (Role, &'static str) {
    match grade {
        Grade::Good => (Role::Good, "✔"),
        Grade::Unknown => (Role::Unknown, "?"),
        Grade::Amber => (Role::Warn, "▲"),
        Grade::Red => (Role::Bad, "✖"),
    }
}

/// `back: 1.41.3 (9f8e7d6), 9 of 12 pods ready; about 8 s`, in the colour of what is worst of it.
pub(super) fn line(model: &Model, rollout: &Rollout) -> Line {
    let goes = |action: &&Action| action.plan.direction() == Direction::Back && !action.releases();
    let going = model.actions.running_on(&rollout.id).filter(goes);
    if let Some(action) = going {
        let (verb, since) = (action.plan.verb.words(), action.since.format("%H:%M:%S"));
        return Line::of(Role::Text, format!("◷ back: under way, {verb} ({}, {since})", action.who));
    }
    let quarantine = Quarantine::of(&model.actions, rollout);
    let left_out = match quarantine.way_back(rollout) {
        WayBack::Usual(_) => String::new(),
        WayBack::Older(_, left) => format!("; not the one before it: {left}"),
        WayBack::OnlyLeft(arm, left) => {
            return Line::of(Role::Bad, format!("✖ back: only {}, and {left}", arm.called()));
        }
        WayBack::PutBack(back, _) => return Line::of(Role::Text, format!("· back: {back}")),
        WayBack::None if rollout.goes_back_elsewhere().is_some() => {
            return Line::of(Role::Text, "· back: where its source goes back");
        }
        WayBack::None if rollout.is_all_taken_back() => {
            return Line::of(Role::Bad, "✖ back: every earlier version was taken back once; rollback --to names one");
        }
        WayBack::None => return none(),
    };
    match preflight::back(model, rollout) {
        Some(outlook) => said(&outlook).and(Role::Dim, left_out),
        None => none(),
    }
}

fn none() -> Line {
    Line::of(Role::Bad, "✖ back: ").and(Role::Bad, "no earlier version is known")
}

/// `✔ back: 1.41.3 (9f8e7d6), all 12 pods ready; at once`.
fn said(outlook: &Outlook<'_>) -> Line {
    let (role, glyph) = look(outlook.grade());
    let reasons = if outlook.grade() == Grade::Red { role } else { Role::Dim };
    Line::of(role, format!("{glyph} back: {}", outlook.arm.called())).and(reasons, format!(", {}", outlook.words()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::rollout::Pods, view::sample};

    fn shown(ready: u32) -> (String, Role) {
        let mut rollout = sample::payments();
        rollout.arms[1].pods = Some(Pods { ready, ..Pods::default() });
        let line = line(&sample::board(120, 36), &rollout);
        (line.plain(), line.spans[0].role)
    }

    #[test]
    fn it_is_green_only_while_enough_of_its_pods_run() {
        assert_eq!(shown(12).0, "✔ back: 1.41.3 (9f8e7d6), all 12 pods ready");
        assert_eq!(shown(9), ("✔ back: 1.41.3 (9f8e7d6), 9 of 12 pods ready".to_owned(), Role::Good));
        assert_eq!(shown(5), ("▲ back: 1.41.3 (9f8e7d6), 5 of 12 pods ready".to_owned(), Role::Warn));
        assert_eq!(
            shown(0),
            ("▲ back: 1.41.3 (9f8e7d6), none of its pods runs, they start first".to_owned(), Role::Warn)
        );
        let mut first = sample::payments();
        first.arms.truncate(1);
        assert_eq!(line(&sample::board(120, 36), &first).plain(), "✖ back: no earlier version is known");
        let mut unread = sample::payments();
        unread.arms[1].pods = None;
        assert_eq!(line(&sample::board(120, 36), &unread).plain(), "? back: 1.41.3 (9f8e7d6), its pods are not known");
    }

    #[test]
    fn from_what_was_put_back_none_is_offered_which_the_key_would_refuse() {
        let mut rollout = sample::payments();
        rollout.identity.canary_hash.clone_from(&rollout.arms[1].hash);
        (rollout.arms[1].revision, rollout.arms[1].earlier_revisions) = (Some(9), vec![1]);
        let said = line(&sample::board(120, 36), &rollout).plain();
        assert_eq!(said, "· back: 1.41.3 (9f8e7d6) was put back; 1.42.0 (a1b2c3d) is what was left");
    }
}
