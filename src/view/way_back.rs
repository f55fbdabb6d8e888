//! The way back, shown before anybody goes forward: to which version, and whether its pods run.

use crate::{
    app::{
        model::Model,
        quarantine::{Quarantine, WayBack},
    },
    domain::{rollout::Rollout, verb::Direction},
    view::span::{Line, Role},
};

/// `back: 1.41.3 (9f8e7d6), 9 of 12 pods ready`, in the colour of how sure it is.
pub(super) fn line(model: &Model, rollout: &Rollout) -> Line {
    let going = model.actions.running_on(&rollout.id).filter(|action| action.plan.direction() == Direction::Back);
    if let Some(action) = going {
        let (verb, since) = (action.plan.verb.words(), action.since.format("%H:%M:%S"));
        return Line::of(Role::Text, format!("◷ back: under way, {verb} ({}, {since})", action.who));
    }
    let quarantine = Quarantine::of(&model.actions, rollout);
    let (arm, left_out) = match quarantine.way_back(rollout) {
        WayBack::Usual(arm) => (arm, String::new()),
        WayBack::Older(arm, left) => (arm, format!("; not the one before it: {left}")),
        WayBack::OnlyLeft(arm, left) => {
            return Line::of(Role::Bad, format!("✖ back: only {}, and {left}", arm.called()));
        }
        WayBack::PutBack(back, _) => return Line::of(Role::Text, format!("· back: {back}")),
        WayBack::None if rollout.is_all_taken_back() => {
            return Line::of(Role::Bad, "✖ back: every earlier version was taken back once; rollback --to names one");
        }
        WayBack::None => return Line::of(Role::Bad, "✖ back: ").and(Role::Bad, "no earlier version is known"),
    };
    let Some(pods) = arm.pods else {
        let words = format!("? back: {}", arm.called());
        return Line::of(Role::Unknown, words).and(Role::Dim, ", its pods are not known");
    };
    let (role, glyph, how) = match pods.ready {
        0 => (Role::Warn, "▲", "none of its pods runs, they start first".to_owned()),
        1 if rollout.replicas <= 1 => (Role::Good, "✔", "its pod is ready".to_owned()),
        ready if ready >= rollout.replicas => (Role::Good, "✔", format!("all {ready} pods ready")),
        ready => {
            // With less than half of the pods running, the way back may be too narrow for the traffic.
            let (role, glyph) = if ready * 2 < rollout.replicas { (Role::Warn, "▲") } else { (Role::Good, "✔") };
            (role, glyph, format!("{ready} of {} pods ready", rollout.replicas))
        }
    };
    Line::of(role, format!("{glyph} back: {}", arm.called())).and(Role::Dim, format!(", {how}{left_out}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::rollout::Pods, view::sample};

    fn said(ready: u32) -> (String, Role) {
        let mut rollout = sample::payments();
        rollout.arms[1].pods = Some(Pods { ready, ..Pods::default() });
        let line = line(&sample::board(120, 36), &rollout);
        (line.plain(), line.spans[0].role)
    }

    #[test]
    fn it_is_green_only_while_enough_of_its_pods_run() {
        assert_eq!(said(12).0, "✔ back: 1.41.3 (9f8e7d6), all 12 pods ready");
        assert_eq!(said(9), ("✔ back: 1.41.3 (9f8e7d6), 9 of 12 pods ready".to_owned(), Role::Good));
        assert_eq!(said(5), ("▲ back: 1.41.3 (9f8e7d6), 5 of 12 pods ready".to_owned(), Role::Warn));
        assert_eq!(
            said(0),
            ("▲ back: 1.41.3 (9f8e7d6), none of its pods runs, they start first".to_owned(), Role::Warn)
        );
        let mut first = sample::payments();
        first.arms.truncate(1);
        assert_eq!(line(&sample::board(120, 36), &first).plain(), "✖ back: no earlier version is known");
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
