//! The lines, each with when it was written, which side wrote it and on which pod.

use std::collections::BTreeMap;

use crate::{
    app::{intent::Intent, logs, pane::Pane},
    domain::{
        line::{Level, LogLine},
        rollout::{Role as Side, Rollout},
    },
    view::{
        number,
        scene::Scene,
        span::{Line, Role},
    },
};

/// Cells of the side that wrote a line.
const SIDE: usize = 7;

/// Lines, and whose they are.
pub(super) struct Lines<'a> {
    all: &'a [&'a LogLine],
    sides: BTreeMap<&'a str, Option<Side>>,
    pods: bool,
}

impl<'a> Lines<'a> {
    pub(super) fn of(scene: &Scene<'_>, rollout: &Rollout, lines: &'a [&'a LogLine]) -> Self {
        let versions = lines.iter().map(|line| line.version.as_str());
        Self { all: lines, sides: logs::sides(scene.model, rollout, versions), pods: !scene.narrow(100) }
    }

    /// `02:07:39 canary payments-7cc75-x2 ERROR card vault timeout after 3002 ms`.
    pub(super) fn line(&self, place: usize) -> Line {
        let Some(line) = self.all.get(place) else { return Line::new() };
        let (side, color) = match self.sides.get(line.version.as_str()).copied().flatten() {
            Some(Side::Canary) => ("canary", Role::Canary),
            Some(Side::Stable) => ("stable", Role::Stable),
            _ => ("?", Role::Unknown),
        };
        let mut said = Line::of(Role::Dim, format!("{} ", number::clock(line.at))).and(color, format!("{side:<SIDE$}"));
        if self.pods && !line.pod.is_empty() {
            said = said.and(Role::Dim, format!("{} ", line.pod));
        }
        said.and(role(line), line.text.clone())
    }
}

/// How a line looks by how bad it says it is.
pub(super) fn role(line: &LogLine) -> Role {
    match line.level {
        Some(Level::Error | Level::Fatal) => Role::Bad,
        Some(Level::Warn) => Role::Warn,
        _ => Role::Text,
    }
}

/// ` LINES  201–234 of 1,000 lines, follows   / search   n next   Enter around it   L level   V version   f follow`.
pub(super) fn heading(scene: &Scene<'_>, place: Line, pane: &Pane) -> Line {
    let role = if scene.model.nav.pane > 0 { Role::Accent } else { Role::Title };
    let stands = if pane.follows() { ", follows" } else { ", stands" };
    let line = Line::of(role, " LINES").gap(2).join(place).and(Role::Dim, stands);
    let open = if scene.model.nav.pane > 0 { "around it" } else { "its lines" };
    let next = if pane.search.is_empty() { "next error" } else { "next" };
    let keys = [
        (Intent::Filter, "search"),
        (Intent::Level, "level"),
        (Intent::Side, "version"),
        (Intent::Open, open),
        (Intent::FindNext, next),
        (Intent::Follow, "follow"),
    ];
    let keys: &[_] = if pane.typing { &[(Intent::Send, "ask"), (Intent::Back, "leave")] } else { &keys };
    let hints = keys.iter().map(|(intent, words)| scene.hint(*intent, *words));
    let room = scene.columns;
    hints.fold(line, |line, hint| if line.width() + hint.width() + 2 <= room { line.gap(2).join(hint) } else { line })
}
