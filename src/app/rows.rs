//! Which rows the visible screen has, section by section and in order, and which of them is selected.
//!
//! Rows are known by what they are about, never by their place. Here must not live: what a row says.

use crate::{
    app::{
        board, cached,
        inbox::{self, Item},
        model::{Model, RowKey, Screen},
        pipelines,
        store::cached::Cached,
    },
    domain::{object::ObjectId, pipeline::Run, rollout::Rollout},
};

/// A list of a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// Rollouts in flight, and those that have just arrived.
    Releases,
    /// Gates, and runs that want to be looked at.
    Pipelines,
    /// Rollouts that nothing is on its way to.
    Steady,
    /// Everything that waits for a human.
    Waiting,
    /// Every run.
    Runs,
    /// Every rollout, for what is measured of it.
    Signals,
    /// What is known from cache only.
    Cached,
}

/// A row of the list of gates and runs.
#[derive(Clone, Debug)]
pub enum Stop<'a> {
    /// Waits for a human.
    Gate(Box<Item>),
    /// Failed, runs, or cannot be told.
    Run(&'a Run),
}

impl Stop<'_> {
    /// By what it is known.
    pub fn key(&self) -> RowKey {
        match self {
            Self::Gate(item) => RowKey::Waits(item.target.clone()),
            Self::Run(run) => RowKey::Run(run.id.clone()),
        }
    }
}

/// The lists of the visible screen, as far as they match the filter. Those that it does not show are empty.
#[derive(Clone, Debug, Default)]
pub struct Lists<'a> {
    /// See [`Section::Releases`].
    pub releases: Vec<&'a Rollout>,
    /// See [`Section::Pipelines`].
    pub stops: Vec<Stop<'a>>,
    /// See [`Section::Steady`].
    pub steady: Vec<&'a Rollout>,
    /// See [`Section::Waiting`].
    pub waiting: Vec<Item>,
    /// See [`Section::Runs`].
    pub runs: Vec<&'a Run>,
    /// See [`Section::Signals`].
    pub measured: Vec<&'a Rollout>,
    /// See [`Section::Cached`].
    pub cached: Vec<&'a Cached>,
}

impl<'a> Lists<'a> {
    /// Of the model, where everything that waits is known already.
    pub fn of(model: &'a Model, items: &[Item]) -> Self {
        let shown = || items.iter().filter(|item| is_shown(model, item)).cloned();
        let lists = match model.nav.screen() {
            Screen::Board => {
                // A pause that a human ends stands on the row of its rollout.
                let gates = shown().filter(|item| model.store.rollout(&item.target).is_none());
                Self {
                    releases: board::releases(model),
                    stops: pipelines::stops(model, gates.collect()),
                    steady: board::resting(model),
                    ..Self::default()
                }
            }
            Screen::Inbox => Self { waiting: shown().collect(), ..Self::default() },
            Screen::Pipelines => Self { runs: pipelines::runs(model), ..Self::default() },
            Screen::Signals => {
                let measured = board::releases(model).into_iter().chain(board::resting(model)).collect();
                Self { measured, ..Self::default() }
            }
            Screen::Release(_) | Screen::Run(_) | Screen::Logs { .. } => Self::default(),
        };
        Self { cached: cached::shown(model), ..lists }
    }

    /// The rows of each section that has any, in order.
    pub fn sections(&self) -> Vec<(Section, Vec<RowKey>)> {
        let rollouts = |all: &[&Rollout]| all.iter().map(|rollout| RowKey::Rollout(rollout.id.clone())).collect();
        let all: [(Section, Vec<RowKey>); 7] = [
            (Section::Releases, rollouts(&self.releases)),
            (Section::Pipelines, self.stops.iter().map(Stop::key).collect()),
            (Section::Steady, rollouts(&self.steady)),
            (Section::Waiting, self.waiting.iter().map(|item| RowKey::Waits(item.target.clone())).collect()),
            (Section::Runs, self.runs.iter().map(|run| RowKey::Run(run.id.clone())).collect()),
            (Section::Signals, rollouts(&self.measured)),
            (Section::Cached, self.cached.iter().map(|one| RowKey::Cached(one.item.id().clone())).collect()),
        ];
        all.into_iter().filter(|(_, rows)| !rows.is_empty()).collect()
    }

    /// The section that a row stands in.
    pub fn section(&self, key: &RowKey) -> Option<Section> {
        let of = |all: &[&Rollout], id: &ObjectId| all.iter().any(|rollout| rollout.id == *id);
        match key {
            RowKey::Rollout(id) if of(&self.releases, id) => Some(Section::Releases),
            RowKey::Rollout(id) if of(&self.steady, id) => Some(Section::Steady),
            RowKey::Rollout(id) if of(&self.measured, id) => Some(Section::Signals),
            RowKey::Waits(id) if self.waiting.iter().any(|item| item.target == *id) => Some(Section::Waiting),
            RowKey::Run(id) if self.runs.iter().any(|run| run.id == *id) => Some(Section::Runs),
            RowKey::Cached(id) if self.cached.iter().any(|one| one.item.id() == id) => Some(Section::Cached),
            key if self.stops.iter().any(|stop| stop.key() == *key) => Some(Section::Pipelines),
            _ => None,
        }
    }

    fn first(&self) -> Option<RowKey> {
        let rollout = |all: &[&Rollout]| all.first().map(|rollout| RowKey::Rollout(rollout.id.clone()));
        let waits = || self.waiting.first().map(|item| RowKey::Waits(item.target.clone()));
        let run = || self.runs.first().map(|run| RowKey::Run(run.id.clone()));
        rollout(&self.releases)
            .or_else(|| self.stops.first().map(Stop::key))
            .or_else(|| rollout(&self.steady))
            .or_else(waits)
            .or_else(run)
            .or_else(|| rollout(&self.measured))
            .or_else(|| self.cached.first().map(|one| RowKey::Cached(one.item.id().clone())))
    }

    /// The selected row: the one somebody chose, or the first where nobody chose one. A row that went away under whoever chose
    /// it leaves none: the next key must not act on another object than the one they looked at.
    pub fn selected(&self, model: &Model) -> Option<RowKey> {
        if let Some(id) = model.nav.screen().object() {
            return Some(match model.nav.screen() {
                Screen::Run(_) => RowKey::Run(id.clone()),
                _ => RowKey::Rollout(id.clone()),
            });
        }
        let Some(chosen) = &model.nav.selected else { return self.first() };
        if self.section(chosen).is_some() {
            return Some(chosen.clone());
        }
        // The same object may stand in another list now.
        let id = chosen.target();
        let others =
            [RowKey::Rollout(id.clone()), RowKey::Waits(id.clone()), RowKey::Run(id.clone()), RowKey::Cached(id)];
        others.into_iter().find(|key| self.section(key).is_some())
    }

    /// What a verb pressed now acts on, in this order: what is marked where any of it is in sight, else the selected row. A screen of
    /// one object is about that.
    pub fn targets(&self, model: &Model) -> Vec<ObjectId> {
        let marked = &model.nav.marked;
        let in_sight = || self.sections().iter().flat_map(|(_, rows)| rows).any(|row| marked.contains(&row.target()));
        if is_list(model) && !marked.is_empty() && in_sight() {
            return marked.clone();
        }
        self.selected(model).map(|key| key.target()).into_iter().collect()
    }
}

fn lists(model: &Model) -> Lists<'_> {
    let items = match model.nav.screen() {
        Screen::Board | Screen::Inbox => inbox::items(model),
        _ => Vec::new(),
    };
    Lists::of(model, &items)
}

/// The rows of the visible screen, in order.
pub fn rows(model: &Model) -> Vec<RowKey> {
    let lists = lists(model);
    match model.nav.screen().object() {
        Some(_) => lists.selected(model).into_iter().collect(),
        None => lists.sections().into_iter().flat_map(|(_, rows)| rows).collect(),
    }
}

/// See [`Lists::selected`].
pub fn selected(model: &Model) -> Option<RowKey> {
    lists(model).selected(model)
}

/// The first row of the section behind the one of the selected row; behind the last one, of the first.
pub fn of_next_section(model: &Model) -> Option<RowKey> {
    let lists = lists(model);
    let here = lists.selected(model).and_then(|key| lists.section(&key));
    let sections = lists.sections();
    let next = sections.iter().find(|(section, _)| Some(*section) > here).or(sections.first());
    next.and_then(|(_, rows)| rows.first().cloned())
}

/// Forgets a choice that another screen or filter has no row for.
pub fn choose(model: &mut Model) {
    if selected(model).is_none() {
        model.nav.selected = None;
    }
}

/// Why no row is selected.
pub fn unselected(model: &Model) -> &'static str {
    if model.nav.selected.is_some() && !rows(model).is_empty() {
        "the row you were on is gone: j or k chooses another"
    } else {
        "nothing is selected"
    }
}

/// What a verb pressed now acts on.
pub fn target(model: &Model) -> Option<ObjectId> {
    selected(model).map(|key| key.target())
}

/// Does something that waits match the filter?
fn is_shown(model: &Model, item: &Item) -> bool {
    matches(model, || {
        let version = item.version.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{} {} {} {} {version}", item.service, item.environment, item.system, item.title)
    })
}

/// Does a row that says this match the filter?
pub(super) fn matches(model: &Model, text: impl FnOnce() -> String) -> bool {
    model.nav.filter.is_empty() || text().to_lowercase().contains(&model.nav.filter.to_lowercase())
}

/// Has the screen rows that can be chosen among?
pub fn is_list(model: &Model) -> bool {
    model.nav.screen().object().is_none()
}

/// See [`Lists::targets`].
pub fn targets(model: &Model) -> Vec<ObjectId> {
    lists(model).targets(model)
}

/// The place of an object among those that are marked, from 1; nothing where it is not.
pub fn mark(model: &Model, target: &ObjectId) -> Option<usize> {
    model.nav.marked.iter().position(|one| one == target).map(|at| at + 1)
}
