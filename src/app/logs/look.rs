//! Which lines of a release somebody wants to see, and where among them they are: at least how bad, of which version, with what in
//! them, around which line.
//!
//! What everybody is asked for (level warn and worse) is read all the while: verdicts rest on it. Whoever wants other lines has a
//! question of their own, asked of the source, because what is kept here is the newest of very many. Until that is answered they see
//! what fits of what is here.

use std::time::Duration;

use super::{Logs, Standing, hold_against_requests, sides, standing};
use crate::{
    app::{
        model::{Model, Screen},
        pane::{Pane, contains},
    },
    domain::{
        line::{Level, LogLine},
        object::ObjectId,
        rollout::{Role, Rollout},
    },
    judge::pattern::ANY,
    port::{facet::Window, lookup::Lines},
};

/// Lines of a question of somebody's own, the newest of the time.
const MOST: usize = 50_000;
/// Lines around one, those before it mostly; the newest.
const AROUND: usize = 1_000;
/// The time before a line that is looked at with it, and after it.
const BEFORE: Duration = Duration::from_mins(1);
const AFTER: Duration = Duration::from_secs(2);

/// Lines of which there is room for at least some around one.
const SEEN: usize = 12;

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// At which release.
    of: Option<ObjectId>,
    /// Lines that are at least so bad, or do not say how bad they are.
    pub level: Option<Level>,
    /// Lines of this side of the release only.
    pub side: Option<Role>,
    /// Where among the lines; what is looked for in them.
    pub pane: Pane,
    /// The pattern that was chosen, by its number.
    chosen: Option<u32>,
    /// The lines that are asked for besides those that everybody is.
    own: Option<Logs>,
    /// The lines around one.
    pub around: Option<Around>,
}

impl Default for Look {
    fn default() -> Self {
        let (of, side, pane, chosen, own, around) = (None, None, Pane::default(), None, None, None);
        Self { of, level: Some(Level::Warn), side, pane, chosen, own, around }
    }
}

/// The lines around one, of the pod that wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct Around {
    /// That one.
    pub line: LogLine,
    /// Where among them.
    pub pane: Pane,
    /// What was read.
    pub logs: Logs,
}

/// The lines that are shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown<'m> {
    /// Where they were read.
    pub logs: &'m Logs,
    /// In order of time.
    pub lines: Vec<&'m LogLine>,
    /// What was asked for is being read: these are what fits of what was read before.
    pub waits: bool,
}

impl Look {
    /// Begins with a release, if it is another one than before.
    fn open(&mut self, id: &ObjectId) {
        if self.of.as_ref() != Some(id) {
            *self = Self { of: Some(id.clone()), ..Self::default() };
        }
    }

    /// What lines must have in them.
    pub fn text(&self) -> &str {
        text(&self.pane)
    }

    /// The next of the levels: warn, error, all.
    pub fn turn_level(&mut self) {
        self.level = Level::next_least(self.level);
        self.pane.renew();
    }

    /// The next of both versions, the canary, stable.
    pub fn turn_side(&mut self) {
        self.side = match self.side {
            None => Some(Role::Canary),
            Some(Role::Canary) => Some(Role::Stable),
            Some(_) => None,
        };
        self.pane.renew();
    }

    /// The place of the chosen pattern among these; the first where nobody chose one.
    pub fn at(&self, patterns: &[Standing<'_>]) -> usize {
        let chosen = self.chosen.and_then(|number| patterns.iter().position(|one| one.pattern.number == number));
        chosen.unwrap_or_default()
    }

    /// Chooses a pattern, by its number.
    pub(in crate::app) fn choose(&mut self, pattern: Option<u32>) {
        self.chosen = pattern;
    }

    /// What is asked for at its release, besides what everybody is.
    fn questions(&self) -> impl Iterator<Item = &Logs> {
        // What lies around a line is read once.
        let around = self.around.as_ref().map(|around| &around.logs).filter(|logs| logs.at.is_none());
        self.own.iter().chain(around)
    }

    /// The same, to be answered.
    pub(in crate::app) fn questions_mut(&mut self) -> impl Iterator<Item = &mut Logs> {
        self.own.iter_mut().chain(self.around.as_mut().map(|around| &mut around.logs))
    }
}

/// What lines must have in them: nothing while it is being typed.
fn text(pane: &Pane) -> &str {
    if pane.typing { "" } else { &pane.search }
}

/// The release whose lines are on screen.
pub fn release(model: &Model) -> Option<&Rollout> {
    match model.nav.screen() {
        Screen::Logs { rollout } => model.store.rollout(rollout),
        _ => None,
    }
}

/// What is asked of a release's lines, where it is not what everybody is asked for. `base` is that.
fn own_question(model: &Model, rollout: &Rollout, base: &Logs) -> Option<Lines> {
    let look = &model.look;
    if look.level == base.asked.level && look.side.is_none() && look.text().is_empty() {
        return None;
    }
    // As its source calls that side; until that is known, what is not of it is left out here.
    let named = sides(model, rollout, base.versions());
    let is_it = |(_, side): &(&&str, &Option<Role>)| look.side.is_some() && **side == look.side;
    let versions = named.iter().filter(is_it).map(|(version, _)| (*version).to_owned()).collect();
    let (level, text) = (look.level, look.text().to_owned());
    Some(Lines { level, text, versions, most: MOST, ..base.asked.clone() })
}

/// Opens the question that fits what somebody wants to see, and closes the one that does not any more.
pub(in crate::app) fn settle(model: &mut Model) {
    let Some(rollout) = release(model).cloned() else { return };
    model.look.open(&rollout.id);
    let Some(base) = model.logs.get(&rollout.id) else { return };
    let own = own_question(model, &rollout, base);
    let known = model.look.own.as_ref().map(|logs| &logs.asked);
    if known != own.as_ref() {
        let (source, canary) = (base.source.clone(), base.canary.clone());
        model.look.own = own.map(|asked| Logs::new(source, asked, canary));
    }
}

/// Holds what somebody looks at against the requests that are known by now.
pub(super) fn test(model: &mut Model) {
    let Some(rollout) = release(model).cloned() else { return };
    if let Some(mut own) = model.look.own.take() {
        hold_against_requests(model, &rollout, &mut own);
        model.look.own = Some(own);
    }
}

/// The lines that somebody looks at; `None` where nobody keeps any of this release.
pub fn shown<'m>(model: &'m Model, rollout: &Rollout) -> Option<Shown<'m>> {
    shown_for(model, rollout, &model.look.pane)
}

/// The same for somebody who stands elsewhere among them, and looks for something else.
pub(in crate::app) fn shown_for<'m>(model: &'m Model, rollout: &Rollout, pane: &Pane) -> Option<Shown<'m>> {
    let (base, look) = (model.logs.get(&rollout.id)?, &model.look);
    let own = look.own.as_ref();
    let answered = own.filter(|own| own.at.is_some() || own.fault.is_some());
    let logs = answered.unwrap_or(base);
    let of = sides(model, rollout, logs.lines.iter().map(|line| line.version.as_str()));
    // What the source was asked for need not be looked for again.
    let (level, text) = (look.level.filter(|_| logs.asked.level != look.level), text(pane));
    let text = if logs.asked.text == text { "" } else { text };
    let fits = |line: &&LogLine| {
        let is_of = look.side.is_none() || of.get(line.version.as_str()).copied().flatten() == look.side;
        is_of && line.is_at_least(level) && line.says(text)
    };
    Some(Shown { logs, lines: logs.lines.iter().filter(fits).collect(), waits: own.is_some() && answered.is_none() })
}

/// The patterns of what somebody looks at, as [`standing()`] orders them. Where they look at one version only, they are held against the
/// other all the same: what was asked of one says nothing of the other, and least that it does not write it.
pub fn patterns<'m>(model: &'m Model, rollout: &Rollout, shown: &Shown<'m>) -> Vec<Standing<'m>> {
    let look = &model.look;
    let logs = model.logs.get(&rollout.id).filter(|_| look.side.is_some()).unwrap_or(shown.logs);
    let text = if logs.asked.text == look.text() { "" } else { look.text() };
    let mut all = standing(model, rollout, logs);
    all.retain(|one| {
        let (canary, stable, _) = one.lines;
        let is_of = match look.side {
            Some(Role::Canary) => canary > 0,
            Some(Role::Stable) => stable > 0,
            _ => true,
        };
        // One of which nobody says how bad it is may be.
        let is_bad = look.level.is_none_or(|least| one.pattern.level.is_none_or(|own| own >= least));
        let says = text.is_empty() || contains(&one.pattern.text, text) || contains(&one.pattern.example, text);
        is_of && is_bad && says
    });
    all
}

/// What the lines of a pattern have in common, as one text that stands in each of them: its longest run of words; the longest word
/// where there is more than a blank between them. Empty where they share none.
pub fn in_common(standing: &Standing<'_>) -> String {
    let pattern = standing.pattern;
    let runs = || pattern.text.split(ANY).map(str::trim).filter(|run| !run.is_empty());
    let there = |run: &&str| pattern.example.contains(run);
    let longest = runs().filter(there).max_by_key(|run| run.len());
    let words = || runs().flat_map(str::split_whitespace).filter(there).max_by_key(|word| word.len());
    longest.or_else(words).unwrap_or_default().to_owned()
}

/// Opens the lines around one, of its pod.
pub(in crate::app) fn open_around(model: &mut Model, rollout: &Rollout, line: LogLine) {
    let Some(base) = model.logs.get(&rollout.id) else { return };
    let (source, canary) = (base.source.clone(), base.canary.clone());
    let window = Window { from: line.at - BEFORE, to: line.at + AFTER, step: base.asked.window.step };
    let pod = (!line.pod.is_empty()).then(|| line.pod.clone());
    let environment = base.asked.environment.clone();
    let asked = Lines { pod, environment, ..Lines::newest(rollout.service.clone(), window, AROUND) };
    let (logs, pane) = (Logs::new(source, asked, canary), Pane::default());
    model.look.around = Some(Around { line, pane, logs });
}

/// The lines at which somebody stands: what comes in must not move them.
pub(in crate::app) struct Stand {
    top: Option<LogLine>,
    found: Option<LogLine>,
}

/// Where somebody stands now.
pub(in crate::app) fn stand(model: &Model) -> Option<Stand> {
    let (top, found) = model.look.pane.stands();
    if top.is_none() && found.is_none() {
        return None;
    }
    let shown = shown(model, release(model)?)?;
    let of = |place: Option<usize>| place.and_then(|place| shown.lines.get(place)).map(|line| (*line).clone());
    Some(Stand { top: of(top), found: of(found) })
}

/// Puts them there again, and, where the lines around one have come, on that.
pub(in crate::app) fn keep_standing(model: &mut Model, stood: Option<Stand>) {
    let places = stood.and_then(|stood| {
        let shown = shown(model, release(model)?)?;
        let of = |line: Option<LogLine>| line.and_then(|line| shown.lines.iter().position(|one| **one == line));
        Some((of(stood.top), of(stood.found)))
    });
    if let Some((top, found)) = places {
        model.look.pane.moor(top, found);
    }
    let Some(around) = &mut model.look.around else { return };
    if around.pane.follows()
        && let Some(place) = around.logs.lines.iter().position(|line| is_it(line, &around.line))
    {
        around.pane.find((around.logs.lines.len(), SEEN), |line| line == place, false);
    }
}

/// Is it the same line, as another question told it?
fn is_it(line: &LogLine, other: &LogLine) -> bool {
    (line.at, &line.pod, &line.text) == (other.at, &other.pod, &other.text)
}

/// What is asked for at the release on screen, besides what everybody is.
pub(in crate::app) fn questions(model: &Model) -> impl Iterator<Item = &Logs> {
    let on_screen = release(model).is_some();
    model.look.questions().filter(move |_| on_screen)
}
