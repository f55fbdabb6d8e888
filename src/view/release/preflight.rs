//! What is known of the way back of a release, check by check: the worst first, what was looked at and is good last.

use crate::{
    app::preflight,
    domain::{preflight::Grade, rollout::Rollout},
    view::{
        measure, number,
        scene::Scene,
        span::{Line, Role},
        way_back,
    },
};

/// Cells of what a check is about.
const ABOUT: usize = 12;

/// A line or more for each check, once somebody told of any; what it interrupts behind them.
pub(super) fn lines(scene: &Scene<'_>, rollout: &Rollout, room: usize) -> Vec<Line> {
    let Some(outlook) = preflight::back(scene.model, rollout) else { return Vec::new() };
    let Some(at) = outlook.at else { return Vec::new() };
    let takes = outlook.takes.words().map(|takes| format!(", {takes}")).unwrap_or_default();
    let reading = if outlook.reading { "; more is being read" } else { "" };
    let head = format!("to {}{takes}; read {}{reading}", outlook.arm.called(), number::moment(scene.now(), at));
    let mut lines = vec![Line::of(Role::Text, head)];
    for grade in [Grade::Red, Grade::Amber, Grade::Unknown, Grade::Good] {
        let (role, mark) = way_back::look(grade);
        for check in outlook.of(grade) {
            let way = check.way.as_ref().map(|way| format!(" ({way})")).unwrap_or_default();
            let words = format!("{}{way}", check.words);
            for (index, text) in measure::wrap(&words, room.saturating_sub(ABOUT + 2)).into_iter().enumerate() {
                let label = if index == 0 { format!("{mark} {}", check.about.words()) } else { String::new() };
                let plain = if grade == Grade::Good { Role::Dim } else { role };
                lines.push(Line::of(role, label).pad(ABOUT + 2).and(plain, text));
            }
        }
    }
    for said in &outlook.interrupts {
        let wrapped = measure::wrap(said, room.saturating_sub(ABOUT + 2)).into_iter().enumerate();
        lines.extend(wrapped.map(|(index, text)| {
            Line::of(Role::Dim, if index == 0 { "  interrupts" } else { "" }).pad(ABOUT + 2).and(Role::Dim, text)
        }));
    }
    lines
}
