//! How CodeDeploy moves an alias: a hook before, the shift by its times, a hook after; how it is stopped, and takes back what it brought.

use std::time::Duration;

use crate::{
    demo::lambda::{Lambda, spec::GroupSpec},
    domain::time::{Timestamp, after},
};

/// How long hooks and roll backs take.
const BEFORE: Duration = Duration::from_secs(20);
const AFTER: Duration = Duration::from_secs(10);
const BACK: Duration = Duration::from_secs(6);

/// How a deployment shifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shift {
    AtOnce,
    Canary(u32, u32),
    Linear(u32, u32),
}

impl Shift {
    /// What one of CodeDeploy's own names says: `CodeDeployDefault.LambdaLinear10PercentEvery3Minutes`.
    pub(super) fn of(name: &str) -> Option<Self> {
        let rest = name.strip_prefix("CodeDeployDefault.Lambda")?;
        if rest == "AllAtOnce" {
            return Some(Self::AtOnce);
        }
        let (kind, rest) = match rest.strip_prefix("Canary") {
            Some(rest) => ("Canary", rest),
            None => ("Linear", rest.strip_prefix("Linear")?),
        };
        let (share, rest) = rest.split_once("Percent")?;
        let minutes = rest.trim_start_matches("Every").trim_end_matches("Minutes").trim_end_matches("Minute");
        let (share, minutes) = (share.parse().ok()?, minutes.parse().ok()?);
        Some(if kind == "Canary" { Self::Canary(share, minutes) } else { Self::Linear(share, minutes) })
    }
}

/// What happens to a deployment at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Turn {
    /// The new version has this share, in percent.
    Share(u32),
    /// All of it.
    All,
    /// It is over, well.
    Over,
}

/// A deployment.
#[derive(Clone, Debug)]
pub(super) struct Deployment {
    pub(super) id: String,
    /// Of which group, by its place.
    pub(super) group: usize,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) config: String,
    pub(super) by: String,
    pub(super) description: String,
    pub(super) begun: Timestamp,
    /// How it ended, and when.
    pub(super) ended: Option<(Timestamp, &'static str)>,
    pub(super) undone_by: Option<String>,
    pub(super) undoes: Option<String>,
    pub(super) trouble: Option<&'static str>,
    turns: Vec<(Timestamp, Turn)>,
}

impl Deployment {
    pub(super) fn is_live(&self) -> bool {
        self.ended.is_none()
    }

    /// When the shift itself begins.
    pub(super) fn shifts_at(&self) -> Timestamp {
        if self.undoes.is_some() { self.begun } else { after(self.begun, BEFORE) }
    }

    fn next(&self) -> Option<Timestamp> {
        self.turns.first().filter(|_| self.is_live()).map(|(at, _)| *at)
    }
}

fn turns(shift: Shift, begun: Timestamp) -> Vec<(Timestamp, Turn)> {
    let first = after(begun, BEFORE);
    let at = |minutes: u32| after(first, Duration::from_mins(minutes.into()));
    let mut turns = match shift {
        Shift::AtOnce => vec![(first, Turn::All)],
        Shift::Canary(share, minutes) => vec![(first, Turn::Share(share)), (at(minutes), Turn::All)],
        Shift::Linear(share, minutes) => {
            let shares = (1..).map(|place| (place, place * share)).take_while(|(_, share)| *share < 100);
            let mut all: Vec<_> =
                shares.map(|(place, share)| (at((place - 1) * minutes), Turn::Share(share))).collect();
            let last = u32::try_from(all.len()).unwrap_or_default();
            all.push((at(last * minutes), Turn::All));
            all
        }
    };
    if let Some((last, _)) = turns.last().copied() {
        turns.push((after(last, AFTER), Turn::Over));
    }
    turns
}

/// What begins a deployment.
#[derive(Clone, Debug, Default)]
pub(super) struct Begin {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) config: Option<String>,
    pub(super) by: String,
    pub(super) description: String,
}

impl Lambda {
    pub(super) fn group(&self, place: usize) -> Option<&GroupSpec> {
        self.spec.groups.get(place)
    }

    /// Begins a deployment of a group; its id.
    pub(super) fn begin(&mut self, group: usize, begin: Begin, now: Timestamp) -> String {
        self.made += 1;
        let id = format!("d-{:09X}", 0x4_0000_u64 + self.made * 0x11);
        let config = begin.config.or_else(|| self.group(group).map(|group| group.config.clone())).unwrap_or_default();
        let shift = Shift::of(&config).unwrap_or(Shift::AtOnce);
        self.deployments.push(Deployment {
            id: id.clone(),
            group,
            from: begin.from,
            to: begin.to,
            config,
            by: begin.by,
            description: begin.description,
            begun: now,
            ended: None,
            undone_by: None,
            undoes: None,
            trouble: None,
            turns: turns(shift, now),
        });
        self.revision += 1;
        id
    }

    /// Keeps one that ended long ago.
    pub(super) fn keep(&mut self, group: usize, begin: Begin, at: Timestamp, how: &'static str) {
        let id = self.begin(group, begin, at);
        if let Some(kept) = self.deployments.iter_mut().find(|one| one.id == id) {
            kept.turns.clear();
            kept.ended = Some((after(at, Duration::from_mins(6)), how));
        }
    }

    /// Stops it; where it is to be rolled back, the deployment that does is begun. `false` where it has ended already.
    pub(super) fn stop(&mut self, id: &str, back: bool, now: Timestamp, why: &'static str) -> bool {
        let Some(place) = self.deployments.iter().position(|one| one.id == id && one.is_live()) else { return false };
        let Some(stopped) = self.deployments.get_mut(place) else { return false };
        stopped.ended = Some((now, if why == ALARM { "Failed" } else { "Stopped" }));
        stopped.trouble = Some(why);
        let (group, from, to) = (stopped.group, stopped.from.clone(), stopped.to.clone());
        self.revision += 1;
        if !back {
            return true;
        }
        let begin = Begin { from: to, to: from, by: "codeDeployRollback".to_owned(), ..Begin::default() };
        let made = self.begin(group, begin, now);
        if let Some(stopped) = self.deployments.get_mut(place) {
            stopped.undone_by = Some(made.clone());
        }
        if let Some(one) = self.deployments.iter_mut().find(|one| one.id == made) {
            one.undoes = Some(id.to_owned());
            one.turns = vec![(after(now, BACK), Turn::All), (after(now, BACK * 2), Turn::Over)];
        }
        true
    }

    /// The next moment at which a deployment moves.
    pub(super) fn next_turn(&self) -> Option<Timestamp> {
        self.deployments.iter().filter_map(Deployment::next).min()
    }

    /// Moves every deployment to now.
    pub(super) fn turn(&mut self, now: Timestamp) {
        for place in 0..self.deployments.len() {
            while let Some((turn, group, to)) = self.due(place, now) {
                self.revision += 1;
                let Some((function, name)) = self.group(group).map(|one| (one.function.clone(), one.alias.clone()))
                else {
                    continue;
                };
                let alias = self.alias_mut(&function, &name);
                match (turn, alias) {
                    (Turn::Share(share), Some(alias)) => alias.write(None, Some((to, f64::from(share) / 100.0))),
                    (Turn::All, Some(alias)) => alias.write(Some(to), None),
                    (Turn::Over, _) => {
                        if let Some(one) = self.deployments.get_mut(place) {
                            one.ended = Some((now, "Succeeded"));
                        }
                    }
                    (_, None) => {}
                }
            }
        }
    }

    fn due(&mut self, place: usize, now: Timestamp) -> Option<(Turn, usize, String)> {
        let one = self.deployments.get_mut(place).filter(|one| one.is_live())?;
        let (at, turn) = one.turns.first().copied()?;
        if at > now {
            return None;
        }
        one.turns.remove(0);
        Some((turn, one.group, one.to.clone()))
    }
}

/// What stopped it.
pub(super) const ALARM: &str =
    "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected.";
pub(super) const BY_HAND: &str = "The deployment was stopped by a user.";
