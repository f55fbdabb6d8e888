//! Everything the screen is made from. One owner, changed only by [`crate::app::update::update`].

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    app::{
        action::Actions,
        card::Card,
        drawn::{Drawn, Extent, Press},
        guard::Refusal,
        store::{SourceInfo, Store},
        watch::Arrival,
    },
    domain::{
        ids::{Person, RolloutId, ServiceName, SourceName},
        rollout::{Arm, Role, Rollout},
        signal::VersionSignals,
        standard::Standard,
        time::Timestamp,
    },
    judge::verdict::{Judgement, Running},
    port::plan::Target,
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
}

/// A row that can be selected. By what it is, never by its place: rows move.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowKey {
    /// A rollout, in flight or steady.
    Rollout(RolloutId),
    /// Something that waits for a human.
    Waits(Target),
}

impl RowKey {
    /// What a verb pressed on this row acts on.
    pub fn target(&self) -> Target {
        match self {
            Self::Rollout(id) => Target::Rollout(id.clone()),
            Self::Waits(target) => target.clone(),
        }
    }
}

/// One screen on the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Screen {
    /// Everything in flight and everything that waits.
    Board,
    /// One rollout.
    Release(RolloutId),
    /// Everything that waits for a human.
    Inbox,
}

/// What lies over the screen.
#[derive(Clone, Debug, PartialEq)]
pub enum Overlay {
    /// Every key that works here.
    Help,
    /// The arithmetic of a verdict.
    Why(RolloutId),
    /// A plan that waits to be confirmed.
    Card(Box<Card>),
    /// Why a verb will not run.
    Refused(Refusal),
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
    /// Screens, the visible one last; never empty: the board is always below.
    screens: Vec<Screen>,
    /// The selected row of the lists, if somebody chose one; else the first.
    pub selected: Option<RowKey>,
    /// What lies over the screen.
    pub overlay: Option<Overlay>,
    /// Rows must contain this.
    pub filter: String,
    /// The filter is being typed.
    pub filtering: bool,
    /// The newest revision of a card: see [`Card::revision`].
    pub revision: u64,
}

impl Nav {
    /// The visible screen.
    pub fn screen(&self) -> &Screen {
        self.screens.last().unwrap_or(&Screen::Board)
    }

    /// Opens a screen over the visible one; a screen that is visible already is not opened twice.
    pub fn open(&mut self, screen: Screen) {
        if *self.screen() != screen {
            self.screens.push(screen);
        }
    }

    /// Goes back one screen; false when this was the last.
    pub fn back(&mut self) -> bool {
        if self.screens.len() > 1 {
            self.screens.pop();
            return true;
        }
        false
    }
}

/// What was folded of a rollout's signals, and of which.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Folded {
    /// The source that they came through, and [`Store::rewrites`] as it was.
    pub of: Option<(SourceName, u64)>,
    /// The tests so far.
    pub running: Running,
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
    /// What services are held to: objectives and rules. Those that are held to nothing are not in it.
    pub standards: BTreeMap<ServiceName, Standard>,
    /// The verdict on each rollout in flight.
    pub judgements: BTreeMap<RolloutId, Judgement>,
    /// What those verdicts were folded from, so that the next ones go on where they were.
    pub folded: BTreeMap<RolloutId, Folded>,
    /// The canary of the newest verdict on each rollout, kept after it was taken back.
    pub judged: BTreeMap<RolloutId, Arm>,
    /// The flights that ended lately.
    pub arrivals: BTreeMap<RolloutId, Arrival>,
    /// When each step began: as the engine tells, and as we saw it ourselves.
    pub step_times: BTreeMap<RolloutId, BTreeMap<usize, Timestamp>>,
    /// Until when the signals of each service were asked for.
    pub signals_asked: BTreeMap<ServiceName, Timestamp>,
    /// Up to when the sources of signals were asked for a sign of life, while nothing is in flight.
    pub signals_proven: Option<Timestamp>,
    /// What is being done, and what was done in this session.
    pub actions: Actions,
    /// Where the operator is.
    pub nav: Nav,
    /// What of all this the newest frame showed.
    pub drawn: Drawn,
    /// How the newest key came in.
    pub press: Press,
    /// Said once.
    pub notice: Option<Notice>,
    /// Why the journal cannot be written, when it cannot.
    pub journal_broken: Option<String>,
}

impl Model {
    /// Nothing observed yet.
    pub fn new(session: Session, now: Timestamp, size: (u16, u16)) -> Self {
        let store = Store::of(&session.sources);
        let nav = Nav {
            screens: vec![Screen::Board],
            selected: None,
            overlay: None,
            filter: String::new(),
            filtering: false,
            revision: 0,
        };
        Self {
            now,
            size,
            session,
            store,
            standards: BTreeMap::new(),
            judgements: BTreeMap::new(),
            folded: BTreeMap::new(),
            judged: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            step_times: BTreeMap::new(),
            signals_asked: BTreeMap::new(),
            signals_proven: None,
            actions: Actions::default(),
            nav,
            drawn: Drawn::default(),
            press: Press::default(),
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

    /// The canary that was judged and then taken back: no longer a side of the rollout, and still what its panels are about.
    pub fn taken_back(&self, rollout: &Rollout) -> Option<&Arm> {
        let arm = self.judged.get(&rollout.id)?;
        let serves = rollout.side(Role::Stable).is_some_and(|stable| stable.hash == arm.hash);
        (rollout.side(Role::Canary).is_none() && !serves).then_some(arm)
    }

    /// As [`Self::arm`], for pictures of what happened: a canary that was taken back keeps its curve.
    pub fn curve(&self, rollout: &Rollout, side: Role) -> Option<&VersionSignals> {
        match self.taken_back(rollout).filter(|_| side == Role::Canary) {
            Some(arm) => self.measured(rollout, arm),
            None => self.arm(rollout, side),
        }
    }

    fn measured(&self, rollout: &Rollout, arm: &Arm) -> Option<&VersionSignals> {
        let (_, signals) = self.store.signals(&rollout.service)?;
        let tag = |arm: &Arm| arm.version.as_ref().map(|version| version.tag.clone());
        let Some(own) = tag(arm) else { return signals.of(&[&arm.hash]) };
        // Two versions with one tag can only be told apart by their hashes.
        let same = |other: &Arm| other.hash != arm.hash && other.role != Role::Old && tag(other).as_ref() == Some(&own);
        let shared = rollout.arms.iter().any(same);
        if shared { signals.of(&[&arm.hash]) } else { signals.of(&[&own, &arm.hash]) }
    }

    /// Is a card or prompt taking text? One that cannot be seen takes none: `q` leaves then.
    pub fn is_typing(&self) -> bool {
        match self.drawn.extent {
            Extent::Nothing | Extent::TooSmall => false,
            Extent::Cut { .. } => self.nav.filtering,
            Extent::Whole => self.nav.filtering || self.card().is_some(),
        }
    }
}
