//! Whose series the services really write, where those of the chosen preset are not there: asked once in a while, and only as long as
//! nothing of the preset was ever seen. Another one is named only where it has series of the very services that were asked about.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{
    Settings,
    api::Samples,
    presets::{self, Preset},
    request,
};
use crate::domain::time::{Timestamp, age};

/// How long an answer holds.
const HOLDS: Duration = Duration::from_mins(5);
/// Under which label the answer names a preset.
const NAME: &str = "preset";

/// What is known of it.
#[derive(Debug, Default)]
pub(super) struct Misfit(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// There was a series of the preset: it is the right one.
    fits: bool,
    /// What was answered to a query, and when.
    told: BTreeMap<String, (Timestamp, Vec<String>)>,
}

impl Misfit {
    /// A series of the preset was there.
    pub(super) fn fits(&self) {
        self.state().fits = true;
    }

    /// Is this to be asked now?
    pub(super) fn is_due(&self, query: &str, now: Timestamp) -> bool {
        let mut state = self.state();
        state.told.retain(|_, (at, _)| age(now, *at) < HOLDS);
        !state.fits && !state.told.contains_key(query)
    }

    /// What was answered to it.
    pub(super) fn told(&self, query: &str, now: Timestamp, answer: &[Samples]) {
        let mut names: Vec<String> = answer.iter().filter_map(|series| series.labels.get(NAME).cloned()).collect();
        names.sort_unstable();
        names.dedup();
        self.state().told.insert(query.to_owned(), (now, names));
    }

    /// As a sentence with the way out: which presets would have fitted. `None` where none is known to.
    pub(super) fn sentence(&self, query: &str, chosen: &Preset) -> Option<String> {
        let state = self.state();
        let (_, names) = state.told.get(query).filter(|(_, names)| !names.is_empty() && !state.fits)?;
        let ours = presets::built_in().into_iter().find(|(_, preset)| preset == chosen).map(|(name, _)| name);
        let ours =
            ours.map_or_else(|| "the queries of the configuration".to_owned(), |name| format!("preset '{name}'"));
        let names: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
        Some(format!(
            "there is no series of {ours} for these services, and there are of {}: set `preset`",
            names.join(" and ")
        ))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One query that names every other preset which has series of these services.
pub(super) fn query(settings: &Settings, services: &[String]) -> String {
    let others = presets::built_in().into_iter().filter(|(_, preset)| preset.rate != settings.preset.rate);
    let each = others.filter_map(|(name, preset)| {
        let counter = preset.requests_total.clone()?;
        let settings = Settings { preset, ..settings.clone() };
        let found = request::filled(&counter, &settings, services, settings.scrape, "");
        Some(format!("label_replace(count({found}), \"{NAME}\", \"{name}\", \"\", \"\")"))
    });
    each.collect::<Vec<_>>().join(" or ")
}
