//! The title line of a list: what this is, how much there is, the time.

use crate::{
    app::{board, inbox::Item, model::Screen},
    domain::{gate::Eligibility, observed::Freshness},
    view::{
        Bar, number,
        scene::Scene,
        span::{Line, Role},
    },
};

/// ` holdshort   demo     12 services   4 in flight   3 wait for you     02:07:41`.
pub(super) fn bar(scene: &Scene<'_>, screen: &'static str) -> Bar {
    let session = &scene.model.session;
    let mut left = Line::of(Role::Strong, " holdshort").gap(2).and(Role::Accent, session.profile.clone());
    if !screen.is_empty() {
        left = left.and(Role::Dim, " › ").and(Role::Strong, screen);
    }
    if session.read_only {
        left = left.gap(2).and(Role::Warn, "READ-ONLY");
    }
    Bar { left, right: counts(scene).join(clock(scene)) }
}

fn counts(scene: &Scene<'_>) -> Line {
    let flights = scene.flights.len();
    let mine = |item: &&Item| !matches!(item.eligible, Eligibility::Cannot { .. });
    let waiting = scene.waiting.iter().filter(mine).count();
    let wait = match waiting {
        0 => Line::of(Role::Dim, "nothing waits for you"),
        1 => Line::of(Role::Accent, "1 waits for you"),
        many => Line::of(Role::Accent, format!("{many} wait for you")),
    };
    if *scene.model.nav.screen() == Screen::Inbox {
        return wait.gap(3);
    }
    let line = Line::of(Role::Text, format!("{flights} in flight")).gap(3).join(wait).gap(3);
    if scene.narrow(100) {
        return line;
    }
    Line::of(Role::Dim, format!("{} steady", board::steady(scene.model))).gap(3).join(line)
}

/// The time, and whether what is shown can be trusted as a whole.
pub(super) fn clock(scene: &Scene<'_>) -> Line {
    let old = scene.sources.iter().filter(|state| state.freshness != Freshness::Live).count();
    let line = Line::of(Role::Text, number::clock(scene.now())).gap(2);
    match old {
        0 => line.and(Role::Good, "all live "),
        _ => line.and(Role::Warn, format!("{old} not live ")),
    }
}
