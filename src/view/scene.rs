//! What one frame is made from: the model, and what is worked out from it once.

use crate::{
    app::{
        board,
        history::History,
        inbox,
        intent::Intent,
        model::{Model, RowKey, Screen},
        rows::{self, Lists, Stop},
        store::SourceState,
    },
    domain::{
        gate::Eligibility, object::ObjectId, observed::Freshness, pipeline::Run, rollout::Rollout, time::Timestamp,
    },
    keymap::Keymap,
    view::{
        measure,
        places::Places,
        span::{Line, Role},
    },
};

/// How much is known of what waits for a human.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Everything: every source of gates and rollouts is live.
    All,
    /// Everything as it was: a source does not answer any more.
    Before,
    /// A source of gates or rollouts never answered.
    Never,
    /// No connection tells of any.
    Nobody,
}

impl Told {
    fn of(model: &Model) -> Self {
        let sources = model.store.inventories(model.now);
        if sources.is_empty() {
            Self::Nobody
        } else if sources.iter().any(|state| state.age.is_none()) {
            Self::Never
        } else if sources.iter().any(|state| !state.is_whole()) {
            Self::Before
        } else {
            Self::All
        }
    }
}

/// One frame's view of the model.
pub(super) struct Scene<'a> {
    pub(super) model: &'a Model,
    pub(super) keymap: &'a Keymap,
    /// Cells from left to right.
    pub(super) columns: usize,
    /// Lines from top to bottom.
    pub(super) rows: usize,
    /// How many rollouts are on the move, in or out, and how many are steady; and how much waits for who looks: a filter changes
    /// none of it.
    pub(super) counts: (usize, usize),
    pub(super) waits_for_me: usize,
    /// How much waits for somebody else.
    pub(super) waits_for_others: usize,
    /// How much of what waits is known.
    pub(super) told: Told,
    /// The lists of the visible screen.
    pub(super) lists: Lists<'a>,
    /// What runs say of one another.
    pub(super) history: History<'a>,
    /// Cells of the widest name of a service in the lists.
    pub(super) names: usize,
    /// Where things run, in few cells.
    pub(super) places: Places<'a>,
    /// Every source.
    pub(super) sources: Vec<SourceState>,
    /// The selected row of the visible screen.
    pub(super) selected: Option<RowKey>,
    /// What a verb pressed now acts on. Empty where the visible screen has nothing to act on.
    pub(super) targets: Vec<ObjectId>,
}

/// May who looks be waited for?
fn may_be_mine(eligible: &Eligibility) -> bool {
    matches!(eligible, Eligibility::Can | Eligibility::Unknown { .. })
}

impl<'a> Scene<'a> {
    pub(super) fn new(model: &'a Model, keymap: &'a Keymap) -> Self {
        let waiting = inbox::items(model);
        let waits_for_me = waiting.iter().filter(|item| may_be_mine(&item.eligible)).count();
        let waits_for_others = waiting.len() - waits_for_me;
        let lists = Lists::of(model, &waiting);
        let (selected, targets) = (lists.selected(model), lists.targets(model));
        let shows_runs =
            !lists.runs.is_empty() || !lists.stops.is_empty() || matches!(model.nav.screen(), Screen::Run(_));
        Self {
            model,
            keymap,
            columns: usize::from(model.size.0),
            rows: usize::from(model.size.1),
            counts: board::counts(model),
            waits_for_me,
            waits_for_others,
            told: Told::of(model),
            names: names(&lists),
            lists,
            history: if shows_runs { History::of(model.store.runs()) } else { History::default() },
            places: Places::of(model),
            sources: model.store.sources(model.now),
            selected,
            targets,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.model.now
    }

    /// Is the screen narrower than this?
    pub(super) fn narrow(&self, than: usize) -> bool {
        self.columns < than
    }

    /// The rollout of the selected row.
    pub(super) fn selected_rollout(&self) -> Option<&'a Rollout> {
        self.model.store.rollout(&self.selected.as_ref()?.target())
    }

    /// The place of the selected row among these rollouts.
    pub(super) fn selected_of(&self, rollouts: &[&Rollout]) -> Option<usize> {
        let RowKey::Rollout(id) = self.selected.as_ref()? else { return None };
        rollouts.iter().position(|rollout| rollout.id == *id)
    }

    /// The place of the selected row among what waits.
    pub(super) fn selected_item(&self) -> Option<usize> {
        let RowKey::Waits(target) = self.selected.as_ref()? else { return None };
        self.lists.waiting.iter().position(|item| item.target == *target)
    }

    /// The place of the selected row among gates and runs.
    pub(super) fn selected_stop(&self) -> Option<usize> {
        let key = self.selected.as_ref()?;
        self.lists.stops.iter().position(|stop: &Stop<'_>| stop.key() == *key)
    }

    /// The place of the selected row among what is known from cache only.
    pub(super) fn selected_cached(&self) -> Option<usize> {
        let RowKey::Cached(id) = self.selected.as_ref()? else { return None };
        self.lists.cached.iter().position(|one| one.item.id() == id)
    }

    /// The place of the selected row among these runs.
    pub(super) fn selected_run(&self, runs: &[&Run]) -> Option<usize> {
        let RowKey::Run(id) = self.selected.as_ref()? else { return None };
        runs.iter().position(|run| run.id == *id)
    }

    /// How the source of a rollout was observed.
    pub(super) fn state(&self, id: &ObjectId) -> Option<SourceState> {
        self.model.store.target_state(id, self.now())
    }

    /// How the source of a service's signals was observed; a service without signals has none.
    pub(super) fn signals_live(&self, rollout: &Rollout) -> bool {
        let source = self.model.store.signals(rollout).map(|(source, _)| source);
        source.is_none_or(|source| {
            self.model
                .store
                .signal_sources()
                .any(|(name, seen)| name == source && seen.freshness(self.now()) == Freshness::Live)
        })
    }

    /// `2 `, before the name of what is marked: its place among what the next verb acts on.
    pub(super) fn mark(&self, target: &ObjectId) -> Line {
        let mark = rows::mark(self.model, target);
        mark.map_or_else(Line::new, |place| Line::of(Role::Accent, format!("{place} ")))
    }

    /// Cells of names of services, at least and at most: in all lists of a screen the same, so that what stands beside them stands
    /// below one another.
    pub(super) fn name_cells(&self) -> (usize, usize) {
        if self.narrow(100) { (8, 18) } else { (self.names, self.names) }
    }

    /// As [`Self::name_cells`], of places.
    pub(super) fn place_cells(&self) -> (usize, usize) {
        let whole = self.places.whole();
        if self.narrow(100) { (whole, whole) } else { (whole.max(10), whole.max(10)) }
    }

    /// `r roll back`: a key and what it does.
    pub(super) fn hint(&self, intent: Intent, words: impl Into<String>) -> Line {
        let chord = self.keymap.shown(intent).map(|chord| chord.to_string()).unwrap_or_default();
        Line::of(Role::Key, chord).and(Role::Text, format!(" {}", words.into()))
    }
}

/// Cells of the widest name of a service, within bounds: one long name does not push everything else aside.
fn names(lists: &Lists<'_>) -> usize {
    let rollouts = lists.releases.iter().chain(&lists.steady).chain(&lists.measured).map(|one| one.service.as_str());
    let stops = lists.stops.iter().map(|stop| match stop {
        Stop::Gate(item) => item.service.as_str(),
        Stop::Run(run) => run.service.as_str(),
    });
    let waiting = lists.waiting.iter().map(|item| item.service.as_str());
    let runs = lists.runs.iter().map(|run| run.service.as_str());
    let cached = lists.cached.iter().map(|one| one.item.service().as_str());
    let widest = rollouts.chain(stops).chain(waiting).chain(runs).chain(cached).map(measure::width).max();
    widest.unwrap_or_default().clamp(NAMES.0, NAMES.1)
}

/// Cells of a service's name, at least and at most.
const NAMES: (usize, usize) = (10, 18);
