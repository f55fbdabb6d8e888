//! Everything the screen is made from. One owner, changed only by [`crate::app::update::update`]. How long a
//! verdict of it holds is in `lapse`.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    app::{
        action::Actions,
        card::Card,
        drawn::{Drawn, Extent, Press},
        guard::Refusal,
        lineage::Lineage,
        logs::{Logs, look::Look},
        measuring::Measuring,
        menu::Menu,
        palette::Palette,
        past_us::Act,
        quarantine::Quarantine,
        reading::Reading,
        store::{SourceInfo, Store},
        watch::{self, Arrival, Compared},
    },
    domain::{
        files::Files,
        ids::{Person, ServiceName, SourceName},
        object::ObjectId,
        place::Place,
        rollout::{Arm, Role, Rollout},
        setting::Comparing,
        signal::{ServiceSignals, VersionSignals},
        standard::Standard,
        time::Timestamp,
        watch::Watch,
        wave::Waves,
    },
    judge::{
        gaps::{Gap, Unmeasured, Unread},
        verdict::{Judgement, Running},
    },
    port::plan::Ask,
};

/// What is known when the cockpit starts and does not change while it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Who acts.
    pub who: Person,
    /// What this cockpit looks at, in one word for the title: a profile's name, or `demo`.
    pub profile: String,
    /// Looking only.
    pub read_only: bool,
    /// The connections.
    pub sources: Vec<SourceInfo>,
    /// Length of the intervals in which signals are read and judged: at least two scrapes of every metrics source.
    pub signal_step: Duration,
    /// As many objects as one act may touch.
    #[serde(default = "most")]
    pub most_targets: usize,
    /// Which files of a release are migrations and configuration.
    #[serde(default)]
    pub files: Files,
    /// How the settings of environments are compared.
    #[serde(default)]
    pub comparing: Comparing,
    /// For how long releases are watched after all traffic is on them.
    #[serde(default = "Watch::of_before")]
    pub watch: Watch,
    /// In which order releases come to environments.
    #[serde(default)]
    pub waves: Waves,
}

/// What a recording of before was flown with: one act touched one object.
const fn most() -> usize {
    1
}

/// A row that can be selected. By what it is, never by its place: rows move.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowKey {
    /// A rollout, in flight or steady.
    Rollout(ObjectId),
    /// Something that waits for a human.
    Waits(ObjectId),
    /// A run of a pipeline.
    Run(ObjectId),
    /// An object that is known from cache only.
    Cached(ObjectId),
}

impl RowKey {
    /// What a verb pressed on this row acts on.
    pub fn target(&self) -> ObjectId {
        match self {
            Self::Rollout(id) | Self::Waits(id) | Self::Run(id) | Self::Cached(id) => id.clone(),
        }
    }
}

/// A screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Screen {
    /// Everything in flight and everything that waits.
    Board,
    /// Every run of every pipeline.
    Pipelines,
    /// Everything that waits for a human.
    Inbox,
    /// What is measured of every service.
    Signals,
    /// One rollout.
    Release(ObjectId),
    /// One run.
    Run(ObjectId),
    /// What both versions of a rollout wrote.
    Logs {
        /// Of which rollout.
        rollout: ObjectId,
    },
}

impl Screen {
    /// The one object that it is about, if it is about one.
    pub fn object(&self) -> Option<&ObjectId> {
        match self {
            Self::Board | Self::Pipelines | Self::Inbox | Self::Signals => None,
            Self::Release(id) | Self::Run(id) | Self::Logs { rollout: id } => Some(id),
        }
    }
}

/// What lies over the screen.
#[derive(Clone, Debug, PartialEq)]
pub enum Overlay {
    /// Every key that works here.
    Help,
    /// The arithmetic of a verdict.
    Why(ObjectId),
    /// Which settings differ where something goes.
    Drift(ObjectId),
    /// A plan that waits to be confirmed.
    Card(Box<Card>),
    /// Why a verb will not run.
    Refused(Refusal),
    /// What can be done with a row.
    Menu(Menu),
    /// Everything that there is, found by what is typed.
    Palette(Palette),
    /// Where a browser shows an object.
    Address(Address),
}

/// Where a browser shows an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// What is shown there, in words.
    pub what: String,
    /// The address: `https://…`, printable ASCII only.
    pub url: String,
}

/// Something said once in the footer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
}

/// Where the operator is.
#[derive(Clone, Debug, PartialEq)]
pub struct Nav {
    /// What lies over the board, the visible screen last.
    screens: Vec<Visit>,
    /// The selected row of the lists, if somebody chose one; else the first.
    pub selected: Option<RowKey>,
    /// What the next verb acts on in place of the selected row, in this order.
    pub marked: Vec<ObjectId>,
    /// What lies over the screen.
    pub overlay: Option<Overlay>,
    /// Of what lies over the screen, the line that stands first where there is no room for all of it.
    pub scroll: usize,
    /// Of a screen that has text beside its rows, the line that stands first where there is no room for all of it.
    pub below: usize,
    /// The pane that keys go to, from 0, on a screen that has several.
    pub pane: usize,
    /// Rows must contain this.
    pub filter: String,
    /// The filter is being typed.
    pub filtering: bool,
    /// The newest revision of a card: see [`Card::revision`].
    pub revision: u64,
}

/// A screen over another one, and where somebody was on the one below when they went on to it.
#[derive(Clone, Debug, PartialEq)]
struct Visit {
    screen: Screen,
    selected: Option<RowKey>,
    below: usize,
    pane: usize,
    /// The rows below must still contain this when somebody comes back; the screen over them has its own.
    filter: String,
}

impl Nav {
    /// On the board, with nothing chosen.
    fn new() -> Self {
        Self {
            screens: Vec::new(),
            selected: None,
            marked: Vec::new(),
            overlay: None,
            scroll: 0,
            below: 0,
            pane: 0,
            filter: String::new(),
            filtering: false,
            revision: 0,
        }
    }

    /// The visible screen.
    pub fn screen(&self) -> &Screen {
        self.screens.last().map_or(&Screen::Board, |visit| &visit.screen)
    }

    /// Opens a screen over the visible one; one that is open already is gone back to.
    pub fn open(&mut self, screen: Screen) {
        self.open_from(screen, self.selected.clone());
    }

    /// The same, by somebody who is on this row, whether they chose it or not: they come back to it.
    pub fn open_from(&mut self, screen: Screen, selected: Option<RowKey>) {
        if *self.screen() == screen {
            return;
        }
        let known = if screen == Screen::Board { Some(0) } else { None };
        let known = known.or_else(|| Some(self.screens.iter().position(|visit| visit.screen == screen)? + 1));
        if let Some(depth) = known {
            while self.screens.len() > depth && self.back() {}
        } else {
            let filter = std::mem::take(&mut self.filter);
            self.screens.push(Visit { screen, selected, below: self.below, pane: self.pane, filter });
            (self.below, self.pane, self.filtering) = (0, 0, false);
        }
    }

    /// Goes back one screen, to where somebody was on it; false when there is none below.
    pub fn back(&mut self) -> bool {
        let Some(visit) = self.screens.pop() else { return false };
        self.selected = visit.selected.or(self.selected.take());
        (self.below, self.pane) = (visit.below, visit.pane);
        (self.filter, self.filtering) = (visit.filter, false);
        true
    }
}

/// What was folded of a rollout's signals, and of which.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Folded {
    /// The source that they came through, and [`Store::rewrites`] as it was.
    pub of: Option<(SourceName, u64)>,
    /// The tests so far.
    pub running: Running,
    /// What an earlier attempt of the same version showed, and when that was over.
    pub earlier: Option<(Timestamp, Option<Judgement>)>,
}

/// A version's way in, as often as it is tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    /// The hash of the version.
    pub version: String,
    /// It was taken back.
    pub aborted: bool,
    /// When we saw that it is tried again.
    pub began: Option<Timestamp>,
}

/// The model.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The time, as the last tick told it.
    pub now: Timestamp,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// What does not change.
    pub session: Session,
    /// What was observed.
    pub store: Store,
    /// The road of each release, made anew for a service when something is told of it.
    pub lineage: Lineage,
    /// What services are held to: objectives and rules. Those that are held to nothing are not in it.
    pub standards: BTreeMap<ServiceName, Standard>,
    /// The verdict on each rollout in flight.
    pub judgements: BTreeMap<ObjectId, Judgement>,
    /// The rollouts whose verdict is owed: it takes long, and is worked out as soon as nothing else is to be done.
    pub unjudged: BTreeSet<ObjectId>,
    /// What those verdicts were folded from, so that the next ones go on where they were.
    pub folded: BTreeMap<ObjectId, Folded>,
    /// The canary of the newest verdict on each rollout, kept after it was taken back.
    pub judged: BTreeMap<ObjectId, Arm>,
    /// The flights that ended lately.
    pub arrivals: BTreeMap<ObjectId, Arrival>,
    /// What releases that are watched do beside what was before them. Weaker than a verdict, and no guard goes by it.
    pub watched: BTreeMap<ObjectId, Compared>,
    /// When each step began: as the engine tells, and as we saw it ourselves.
    pub step_times: BTreeMap<ObjectId, BTreeMap<usize, Timestamp>>,
    /// At which step each rollout was when we looked last.
    pub steps_seen: BTreeMap<ObjectId, usize>,
    /// Which version each rollout tries, and since when it does so again.
    pub attempts: BTreeMap<ObjectId, Attempt>,
    /// The interval's end at which old verdicts were looked at again.
    pub verdicts_aged: Option<Timestamp>,
    /// Until when an earlier process kept the signals of a place, as long as its source has not answered this one.
    pub kept_until: BTreeMap<(SourceName, Place), Timestamp>,
    /// How far each source of signals was read.
    pub measuring: BTreeMap<SourceName, Measuring>,
    /// Where somebody is in the run that is on screen.
    pub reading: Reading,
    /// What the versions of the releases that somebody looked at lately write.
    pub logs: BTreeMap<ObjectId, Logs>,
    /// Which of these lines somebody wants to see.
    pub look: Look,
    /// What others were seen to do to releases, each oldest first; what of it is ours is told apart where it is asked for.
    pub past_us: BTreeMap<ObjectId, Vec<Act>>,
    /// What is being done, and what was done in this session.
    pub actions: Actions,
    /// Where the operator is.
    pub nav: Nav,
    /// What of all this the newest frame showed.
    pub drawn: Drawn,
    /// How the newest key came in.
    pub press: Press,
    /// What a command is about to act on, where no screen shows it.
    pub looked_into: Option<Ask>,
    /// Said once.
    pub notice: Option<Notice>,
    /// Why the journal cannot be written, when it cannot.
    pub journal_broken: Option<String>,
}

impl Model {
    /// Nothing observed yet.
    pub fn new(session: Session, now: Timestamp, size: (u16, u16)) -> Self {
        let store = Store::of(&session.sources);
        let nav = Nav::new();
        Self {
            now,
            size,
            session,
            store,
            lineage: Lineage::default(),
            standards: BTreeMap::new(),
            judgements: BTreeMap::new(),
            unjudged: BTreeSet::new(),
            folded: BTreeMap::new(),
            judged: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            watched: BTreeMap::new(),
            step_times: BTreeMap::new(),
            steps_seen: BTreeMap::new(),
            attempts: BTreeMap::new(),
            verdicts_aged: None,
            kept_until: BTreeMap::new(),
            measuring: BTreeMap::new(),
            reading: Reading::default(),
            logs: BTreeMap::new(),
            look: Look::default(),
            past_us: BTreeMap::new(),
            actions: Actions::default(),
            nav,
            drawn: Drawn::default(),
            press: Press::default(),
            looked_into: None,
            notice: None,
            journal_broken: None,
        }
    }

    /// Says something once.
    pub fn say(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { at: self.now, text: text.into() });
    }

    /// What was measured of the version on one side of a rollout: what the verdict rests on and what panels show.
    pub fn arm(&self, rollout: &Rollout, side: Role) -> Option<&VersionSignals> {
        self.measured(rollout, rollout.side(side)?)
    }

    /// What was measured of both sides of a rollout, with all that is not at hand; the canary first. `None` where everything is at
    /// hand.
    pub fn whole_arms(&self, rollout: &Rollout) -> Option<(Option<VersionSignals>, Option<VersionSignals>)> {
        let (source, signals) = self.store.signals(rollout)?;
        self.store.packed_until(source, signals)?;
        let whole = self.store.whole(source, signals);
        let side = |side| Self::of(&whole, rollout, rollout.side(side)?).cloned();
        Some((side(Role::Canary), side(Role::Stable)))
    }

    /// The canary that was judged and then taken back: no longer a side of the rollout, and still what its panels are about. Who opens the
    /// cockpit later has judged nothing: while the rollout is watched, it is what was left for the version that serves.
    pub fn taken_back<'a>(&'a self, rollout: &'a Rollout) -> Option<&'a Arm> {
        if rollout.side(Role::Canary).is_some() {
            return None;
        }
        let left = || {
            watch::until(self, rollout)?;
            let (hash, _) = Quarantine::of(&self.actions, rollout).put_back()?.left.clone()?;
            rollout.arms.iter().find(|arm| arm.hash == hash)
        };
        let arm = self.judged.get(&rollout.id).or_else(left)?;
        let serves = rollout.side(Role::Stable).is_some_and(|stable| stable.hash == arm.hash);
        (!serves).then_some(arm)
    }

    /// As [`Self::arm`], for pictures of what happened: a canary that was taken back keeps its curve.
    pub fn curve(&self, rollout: &Rollout, side: Role) -> Option<&VersionSignals> {
        match self.taken_back(rollout).filter(|_| side == Role::Canary) {
            Some(arm) => self.measured(rollout, arm),
            None => self.arm(rollout, side),
        }
    }

    /// The one place in which what was measured and what runs are brought together.
    fn measured(&self, rollout: &Rollout, arm: &Arm) -> Option<&VersionSignals> {
        let (_, signals) = self.store.signals(rollout)?;
        Self::of(signals, rollout, arm)
    }

    /// What signals tell of an arm of a rollout.
    pub(in crate::app) fn of<'a>(
        signals: &'a ServiceSignals,
        rollout: &Rollout,
        arm: &Arm,
    ) -> Option<&'a VersionSignals> {
        // The arm may have another role by now than when it was judged.
        let others = rollout.arms.iter().filter(|other| other.hash != arm.hash);
        let all: Vec<&Arm> = others.chain([arm]).collect();
        signals.of_arm(&all, arm)
    }

    /// Why nothing is measured of a side of a rollout, as far as that is known; `None` where everything is.
    pub fn unmeasured(&self, rollout: &Rollout) -> Option<Unmeasured> {
        if let Some(unread) = self.store.unread_signals(rollout) {
            return Some(Unmeasured { unread: Some(unread), ..Unmeasured::default() });
        }
        let Some((source, signals)) = self.store.signals(rollout) else { return self.unasked(rollout) };
        let earlier = self.measuring.get(source).and_then(|measuring| measuring.unread_before(&signals.place()));
        let named = self.misnamed(rollout, signals);
        (earlier.is_some() || named.is_some()).then(|| Unmeasured { earlier, ..named.unwrap_or_default() })
    }

    /// A source that has answered of other places and not yet of this one is silent of it: that it has no series would be a guess.
    fn unasked(&self, rollout: &Rollout) -> Option<Unmeasured> {
        let place = rollout.place();
        let mut asked = self.store.asked_of(&place).peekable();
        let (source, _) = asked.peek().cloned()?;
        let told = |(source, place): &(&SourceName, Place)| {
            self.measuring.get(*source).is_some_and(|measuring| measuring.told.contains_key(place))
        };
        if asked.any(|one| told(&one)) {
            return None;
        }
        let unread = Unread::Silent { source: source.to_string(), fault: None };
        Some(Unmeasured { unread: Some(unread), ..Unmeasured::default() })
    }

    /// Which sides of a rollout have no series of their name, though the service has others.
    fn misnamed(&self, rollout: &Rollout, signals: &ServiceSignals) -> Option<Unmeasured> {
        let there: Vec<String> = signals.versions.iter().map(|version| version.label.clone()).collect();
        let lacks = |side| rollout.side(side).filter(|arm| self.measured(rollout, arm).is_none());
        let (canary, stable) = (lacks(Role::Canary), lacks(Role::Stable));
        let called: Vec<String> = canary.into_iter().chain(stable).map(Arm::tag).collect();
        let known = rollout.arms.iter().filter_map(|arm| self.measured(rollout, arm));
        let known: Vec<_> = known.map(|version| &version.label).collect();
        if called.is_empty() || there.iter().all(|label| known.contains(&label)) {
            return None;
        }
        let (service, called) = (rollout.service.to_string(), called.join(" or "));
        let gap = Gap::NotCalled { service, called, there };
        let (canary, stable) = (canary.map(|_| gap.clone()), stable.map(|_| gap));
        Some(Unmeasured { canary, stable, ..Unmeasured::default() })
    }

    /// Is what is looked for in a log being typed?
    /// Is what is looked for in lines being typed?
    pub fn is_searching(&self) -> bool {
        let types = match self.nav.screen() {
            Screen::Run(_) => self.reading.pane.typing,
            Screen::Logs { .. } => self.look.pane.typing,
            _ => false,
        };
        types && self.nav.overlay.is_none()
    }

    /// Is a card, a prompt or the palette taking text? One that cannot be seen takes none: `q` leaves then.
    pub fn is_typing(&self) -> bool {
        match self.drawn.extent {
            Extent::Nothing | Extent::TooSmall => false,
            Extent::Cut { .. } => self.nav.filtering,
            Extent::Whole | Extent::Part { .. } | Extent::Rest { .. } => {
                self.nav.filtering
                    || self.is_searching()
                    || self.card().is_some()
                    || matches!(self.nav.overlay, Some(Overlay::Palette(_)))
            }
        }
    }
}
