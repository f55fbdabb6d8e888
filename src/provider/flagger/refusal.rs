//! Which verbs can be used now; for every other one, why not, as a sentence with the way out.

use super::{
    api::{Canary, MARKS, Word},
    ask,
    gate::{self, Confirms, Gate},
    phase::{self, next},
    sides::{Sides, Standing},
};
use crate::{
    domain::{
        offer::Offer,
        rollout::Rollout,
        text::{clean, shell_word},
        verb::Verb,
    },
    provider::kubernetes::{facade::View, verbs::risk},
};

/// What the verbs patch of the Canary.
pub(super) const SUBRESOURCES: &[&str] = &["", "status"];

/// The verbs of this engine, in the order of the keys.
const VERBS: &[Verb] = &[
    Verb::Promote,
    Verb::PromoteFull,
    Verb::Pause,
    Verb::Resume,
    Verb::Abort,
    Verb::Rollback,
    Verb::Retry,
    Verb::Reject,
    Verb::Restart,
];

/// Every verb, each open or with the reason why not. The rollout's own offers are not looked at.
pub(super) fn offers(rollout: &Rollout, view: &View<'_, Canary>, sides: &Sides<'_>) -> Vec<Offer> {
    let offer = |verb: &Verb| {
        let blocked = refusal(*verb, rollout, view, sides);
        Offer { blocked, ..Offer::open(*verb, risk(*verb, view.scope.risk)) }
    };
    view.with_rights(VERBS.iter().map(offer).collect(), patches)
}

/// Why a verb cannot be used now; `None` when it can.
pub(super) fn refusal(verb: Verb, rollout: &Rollout, view: &View<'_, Canary>, sides: &Sides<'_>) -> Option<String> {
    let by_state = match verb {
        _ if !view.object.is_taken_up() => {
            Some("no controller has taken it up, so nothing that is asked of it would happen".to_owned())
        }
        Verb::Pause => view.object.spec.suspend.then(|| "a person has suspended it already".to_owned()),
        Verb::Resume => resume(view),
        Verb::Reject => reject(view),
        _ => not_understood(view, sides).or_else(|| of_a_version(verb, rollout, view, sides)),
    };
    by_state.or_else(|| denied(verb, view))
}

fn of_a_version(verb: Verb, rollout: &Rollout, view: &View<'_, Canary>, sides: &Sides<'_>) -> Option<String> {
    match verb {
        Verb::Promote => promote(view, sides),
        Verb::PromoteFull => promote_full(view.object, sides),
        Verb::Abort => abort(rollout, view, sides),
        Verb::Rollback => rollback(rollout, view, sides),
        Verb::Retry => retry(view, sides),
        Verb::Restart => restart(view, sides),
        _ => Some(format!("Flagger cannot {}", verb.words())),
    }
}

fn not_understood(view: &View<'_, Canary>, sides: &Sides<'_>) -> Option<String> {
    let word = clean(&view.object.status.phase);
    match sides.standing {
        Standing::Unknown => {
            Some(format!("Flagger says '{word}', which holdshort does not know: look at it with kubectl"))
        }
        Standing::Ends => Some("it is deleted: there is nothing more to be done with it".to_owned()),
        _ => None,
    }
}

/// Why we may not write what a verb writes.
pub(super) fn denied(verb: Verb, view: &View<'_, Canary>) -> Option<String> {
    let of = |index: usize| view.denied.get(index).cloned().flatten();
    match verb {
        // What defines the pods is patched, and that is the last entry.
        Verb::Rollback | Verb::Retry | Verb::Restart => of(SUBRESOURCES.len()),
        _ => patches(verb).and_then(of),
    }
}

/// What of the Canary a verb patches, as an index of [`SUBRESOURCES`].
fn patches(verb: Verb) -> Option<usize> {
    match verb {
        Verb::PromoteFull | Verb::Pause | Verb::Resume => Some(0),
        Verb::Abort => Some(1),
        _ => None,
    }
}

fn suspended(canary: &Canary) -> Option<String> {
    canary.spec.suspend.then(|| "a person has suspended it, so that Flagger does nothing: resume first".to_owned())
}

/// What stands in the way of every verb that moves a version on.
fn not_moving(canary: &Canary, sides: &Sides<'_>) -> Option<String> {
    match sides.standing {
        Standing::Moves => None,
        Standing::Asked => Some(format!("Flagger has not taken the new version up yet; that {}", next(canary))),
        Standing::Back => Some("it was taken back: retry lets it begin again".to_owned()),
        Standing::Stranded => Some(stranded(canary)),
        Standing::First => Some("Flagger still makes the primary: nothing is on its way".to_owned()),
        Standing::Rests | Standing::Unknown | Standing::Ends => Some("nothing is on its way".to_owned()),
    }
}

fn stranded(canary: &Canary) -> String {
    let primary = clean(&canary.primary());
    format!("its promotion failed, and {primary} is not ready: mend that one, or roll back")
}

/// Whether a gate can be asked to do something: what it is, or why that is not known.
fn state(view: &View<'_, Canary>, gate: Gate) -> Result<String, String> {
    match view.extras.told.get(ask::name(gate)) {
        Some(Ok(state)) => Ok(state.clone()),
        Some(Err(why)) => Err(format!("its {} cannot be reached: {why}", gate.words())),
        None => Err(format!("it is not known yet whether its {} is open", gate.words())),
    }
}

fn promote(view: &View<'_, Canary>, sides: &Sides<'_>) -> Option<String> {
    let canary = view.object;
    let waits = || match phase::waits_at(view) {
        None => Some(
            "it waits for nothing to be confirmed, so there is nothing to continue past; promote full leaves out its \
             analysis"
                .to_owned(),
        ),
        Some(confirms) => gate::undriven(canary, confirms).or_else(|| match state(view, Gate::Confirm) {
            Ok(state) if state == ask::OPEN => {
                Some(format!("its gate is open already: that it passes {}", next(canary)))
            }
            Ok(_) => None,
            Err(why) => Some(why),
        }),
    };
    not_moving(canary, sides).or_else(|| suspended(canary)).or_else(waits)
}

fn promote_full(canary: &Canary, sides: &Sides<'_>) -> Option<String> {
    let by_word = || match canary.word() {
        Some(Word::Waiting) => {
            Some(format!("it waits at {} first: promote confirms its start", Confirms::Start.hook()))
        }
        Some(Word::Promoting | Word::Finalising) => Some("it is being promoted already".to_owned()),
        _ => canary.skips().then(|| format!("its analysis is left out already: that {}", next(canary))),
    };
    not_moving(canary, sides).or_else(|| suspended(canary)).or_else(by_word)
}

fn resume(view: &View<'_, Canary>) -> Option<String> {
    if view.object.spec.suspend {
        None
    } else if phase::waits_at(view).is_some() {
        Some("no person has suspended it; promote confirms what it waits for".to_owned())
    } else {
        Some("no person has suspended it".to_owned())
    }
}

/// That there is no way back now, while the primary gets the new version.
fn promoting(canary: &Canary) -> Option<String> {
    matches!(canary.word(), Some(Word::Promoting | Word::Finalising))
        .then(|| "it is being promoted: Flagger has no way back until that is done; then roll back".to_owned())
}

/// The way back that an abort which is refused names: roll back, where that is open, else what a hand can do.
fn other_way(rollout: &Rollout, view: &View<'_, Canary>, sides: &Sides<'_>, back: &str) -> String {
    if rollback(rollout, view, sides).is_none() {
        return format!("; {back}");
    }
    by_hand(view, sides).map(|way| format!("; {way}")).unwrap_or_default()
}

/// The command that goes back where no verb can: its target keeps no template of what the primary runs. A primary that ran what the target
/// holds was changed past Flagger, and goes back to that; else the target is given the programs of what serves.
fn by_hand(view: &View<'_, Canary>, sides: &Sides<'_>) -> Option<String> {
    let canary = view.object;
    let (target, primary) = sides.target.as_ref().zip(sides.primary.as_ref())?;
    let namespace = shell_word(&canary.metadata.namespace);
    let before = primary.that_run(target.template()).find_map(|set| MARKS.revision_of(set));
    if let Some(number) = before.filter(|_| !sides.hold_the_same()) {
        let name = clean(&canary.primary());
        let deployment = shell_word(&canary.primary());
        return Some(format!(
            "{name} was changed past Flagger: kubectl -n {namespace} rollout undo deployment/{deployment} \
             --to-revision={number} takes that back"
        ));
    }
    let images = primary.template().containers();
    let images: Vec<String> = images.map(|(name, image)| shell_word(&format!("{name}={image}"))).collect();
    let deployment = shell_word(&canary.spec.target_ref.name);
    (!images.is_empty()).then(|| {
        format!(
            "kubectl -n {namespace} set image deployment/{deployment} {} gives it the programs of what serves",
            images.join(" ")
        )
    })
}

fn abort(rollout: &Rollout, view: &View<'_, Canary>, sides: &Sides<'_>) -> Option<String> {
    let canary = view.object;
    match sides.standing {
        Standing::Moves => {}
        Standing::Asked => {
            let other = other_way(rollout, view, sides, "roll back takes it out of the spec");
            return Some(format!("Flagger has not begun with it, so there is nothing to abort yet{other}"));
        }
        Standing::Back => return Some("it was taken back already".to_owned()),
        _ => {
            let other = other_way(rollout, view, sides, "roll back puts an earlier version back");
            return not_moving(canary, sides).map(|why| format!("{why}{other}"));
        }
    }
    if canary.word() == Some(Word::Waiting) {
        let other = other_way(rollout, view, sides, "roll back takes it out of the spec");
        return Some(format!("it has not begun, and no traffic is on it{other}"));
    }
    let skipped = canary.skips().then(|| {
        format!("its analysis is left out, so nothing takes it back: its promotion {}; then roll back", next(canary))
    });
    let open = || {
        let gate = gate::of(canary, Gate::Rollback).is_some() && phase::gate_is(view, Gate::Rollback, ask::OPEN);
        gate.then(|| format!("its rollback gate is open already: the way back {}", next(canary)))
    };
    promoting(canary).or(skipped).or_else(open)
}

/// Why no version at all can be put back; one that is named may be there where the default one is not.
pub(super) fn refusal_to_named(view: &View<'_, Canary>, sides: &Sides<'_>) -> Option<String> {
    not_understood(view, sides).or_else(|| no_template(view, sides)).or_else(|| denied(Verb::Rollback, view))
}

/// What stands in the way of every change of the target.
fn no_template(view: &View<'_, Canary>, sides: &Sides<'_>) -> Option<String> {
    let canary = view.object;
    let (kind, name) = (clean(&canary.spec.target_ref.kind), clean(&canary.spec.target_ref.name));
    if !canary.has_deployment() {
        return Some(format!("its target '{name}' is a {kind}: of those, only deployments can be written here"));
    }
    if sides.target.is_none() {
        return Some(format!("its target Deployment {name} is not seen, so there is nothing to write to"));
    }
    if sides.standing == Standing::First {
        return Some("Flagger still makes the primary: wait until that is done".to_owned());
    }
    promoting(canary)
}

fn rollback(rollout: &Rollout, view: &View<'_, Canary>, sides: &Sides<'_>) -> Option<String> {
    let no_target = || match rollout.way_back() {
        Some(arm) if sides.set(&arm.hash).is_some() => None,
        Some(arm) if view.unread.is_some() => {
            Some(format!("the ReplicaSets could not be read, so the template of {} is not known", arm.called()))
        }
        Some(arm) => {
            let name = clean(&view.object.spec.target_ref.name);
            let takes_off = sides.moves() && canary_is_measured(view.object);
            let other = if takes_off {
                Some("abort takes the traffic off the new one".to_owned())
            } else {
                by_hand(view, sides)
            };
            let other = other.map(|other| format!("; {other}")).unwrap_or_default();
            Some(format!("{name} keeps no ReplicaSet of {}, so there is no template to put back{other}", arm.called()))
        }
        None => Some(rollout.no_way_back()),
    };
    no_template(view, sides).or_else(no_target)
}

/// May abort take it back now?
fn canary_is_measured(canary: &Canary) -> bool {
    canary.word() != Some(Word::Waiting) && promoting(canary).is_none() && !canary.skips()
}

fn retry(view: &View<'_, Canary>, sides: &Sides<'_>) -> Option<String> {
    match sides.standing {
        Standing::Back => no_template(view, sides),
        Standing::Stranded => {
            let primary = clean(&view.object.primary());
            Some(format!(
                "{primary} is not ready, and Flagger would send all traffic there: mend that one, or roll back"
            ))
        }
        _ => Some("it was not taken back".to_owned()),
    }
}

fn reject(view: &View<'_, Canary>) -> Option<String> {
    if gate::of(view.object, Gate::Confirm).is_none() {
        return Some("no webhook of it asks a gate that can be closed here".to_owned());
    }
    match state(view, Gate::Confirm) {
        Ok(state) if state == ask::OPEN => None,
        Ok(_) => Some("its gate is closed: what comes waits there".to_owned()),
        Err(why) => Some(why),
    }
}

fn restart(view: &View<'_, Canary>, sides: &Sides<'_>) -> Option<String> {
    if !matches!(sides.standing, Standing::Rests | Standing::Back) {
        return Some("a version is on its way: restart when that is over".to_owned());
    }
    let primary = clean(&view.object.primary());
    sides.primary.is_none().then(|| format!("{primary} is not seen, so there is nothing to restart"))
}
