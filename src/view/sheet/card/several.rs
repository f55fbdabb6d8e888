//! What a card says of an act on several targets: how many they are, in which order, and each by its name. Of one target it says
//! what it always did.

use crate::{
    domain::offer::Risk,
    port::{plan::Plan, several::order},
    view::{
        measure,
        scene::Scene,
        span::{Line, Role},
    },
};

/// The environments, each once; in capitals where one of them is dangerous.
pub(super) fn places(plan: &Plan) -> String {
    let mut places: Vec<&str> = Vec::new();
    for one in plan.each().map(|one| one.environment.as_str()) {
        if !one.is_empty() && !places.contains(&one) {
            places.push(one);
        }
    }
    let places = places.join(", ");
    if plan.each().any(|one| one.risk == Risk::High) { places.to_uppercase() } else { places }
}

/// `payments`; `3 objects`.
pub(super) fn subject(plan: &Plan) -> String {
    if plan.then.is_empty() { plan.service.to_string() } else { format!("{} objects", plan.count()) }
}

/// Before what is said of one of several targets: `payments in prod/eu-west-1: `.
pub(super) fn of(plan: &Plan, one: &Plan) -> String {
    if plan.then.is_empty() { String::new() } else { format!("{}: ", one.place()) }
}

/// ` 2 of 3  payments in prod/eu-west-1`, above what is said of one of several targets.
pub(super) fn which(plan: &Plan, index: usize) -> Option<Line> {
    let one = plan.each().nth(index).filter(|_| !plan.then.is_empty())?;
    Some(
        Line::of(Role::Dim, format!(" {} of {}  ", index + 1, plan.count())).and(Role::Strong, one.place().to_string()),
    )
}

/// The versions and the effect, of each target in order.
pub(super) fn what(scene: &Scene<'_>, plan: &Plan, width: usize) -> Vec<Line> {
    listed(scene, plan, width, |one| super::what(one, width))
}

/// The same, as short as it can be.
pub(super) fn least(scene: &Scene<'_>, plan: &Plan, name: bool, width: usize) -> Vec<Line> {
    listed(scene, plan, width, |one| super::least(one, name && plan.then.is_empty(), width))
}

fn listed(scene: &Scene<'_>, plan: &Plan, width: usize, what: impl Fn(&Plan) -> Vec<Line>) -> Vec<Line> {
    if plan.then.is_empty() {
        return what(plan);
    }
    let most = scene.model.session.most_targets;
    let order = format!("{}; one act may touch {most} objects (policy.most_targets)", order(plan));
    let wrapped = measure::wrap(&order, width.saturating_sub(2));
    let mut lines: Vec<Line> = wrapped.into_iter().map(|text| Line::of(Role::Text, format!(" {text}"))).collect();
    for (index, one) in plan.each().enumerate() {
        lines.extend(which(plan, index));
        lines.extend(what(one));
    }
    lines
}
