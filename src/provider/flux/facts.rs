//! What plans are bound to and expect, read from an object of Flux and its sources.

use super::{
    declared::Declared,
    normalize, phase,
    source::{self, Sought},
};
use crate::{
    domain::text::clean,
    port::plan::{Facts, fact},
    provider::kubernetes::facade::View,
};

/// The token of the request that was handled last, and how that ended: `2026-03-10T09:00:00Z ready`. One fact of both, for either alone
/// may be of another request.
pub(super) const ANSWER: &str = "answer to the request";
/// The generation of the spec, and how what it asks for ended: `7 ready`.
pub(super) const OUTCOME: &str = "outcome of generation";
/// The revision that its source holds.
pub(super) const SOURCE: &str = "revision of its source";

/// What was last found good, and what was last tried. Not by the names that say which version an act is about: it is what these verbs
/// change, and to what is up to the source.
pub(super) const APPLIED: &str = "revision applied";
pub(super) const TRIED: &str = "revision tried";

/// The same as [`ANSWER`] of a source.
pub(super) fn answer_of(source: &Sought) -> String {
    format!("answer of {}", source.words())
}

/// The facts of an object.
pub(super) fn facts<O: Declared>(view: &View<'_, O>) -> Facts {
    let object = view.object;
    let (meta, progress, sides) = (object.meta(), object.progress(), object.sides());
    let outcome = phase::outcome(meta, progress).words();
    let mut facts = Facts::new();
    let mut put = |name: &str, value: String| facts.insert(name.to_owned(), value);
    put(fact::UID, clean(&meta.uid));
    put(fact::GENERATION, meta.generation.to_string());
    put(fact::PHASE, normalize::seen(view).0.to_string());
    put(fact::HELD, object.is_suspended().to_string());
    put(fact::CANARY, clean(&sides.canary_hash));
    put(fact::STABLE, clean(&sides.stable_hash));
    put(APPLIED, clean(&sides.stable_hash));
    put(TRIED, clean(&sides.canary_hash));
    put(ANSWER, format!("{} {outcome}", clean(&progress.last_handled_reconcile_at)));
    put(OUTCOME, format!("{} {outcome}", meta.generation));
    if let Some(revision) = source::held(view) {
        put(SOURCE, clean(&revision));
    }
    for seen in source::seen(view) {
        let handled = clean(&seen.wire.status.progress.last_handled_reconcile_at);
        put(&answer_of(&seen.sought), format!("{handled} {}", seen.outcome().words()));
    }
    facts
}
