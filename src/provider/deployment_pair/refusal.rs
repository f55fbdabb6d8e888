//! Which verbs can be used now; for every other one, why not, as a sentence with the way out.

use super::{
    api::Service,
    pair::{Pair, Way},
};
use crate::{
    domain::{
        form::{Field, Kind},
        offer::Offer,
        rollout::Rollout,
        verb::Verb,
    },
    provider::kubernetes::{facade::View, verbs::risk},
};

/// What is patched of the Service itself.
pub(super) const SUBRESOURCES: &[&str] = &[""];
/// The field of `set`: how many pods the canary is to have.
pub(super) const PODS: &str = "pods";

/// The verbs of a pair, in the order of the keys.
const VERBS: &[Verb] = &[Verb::PromoteFull, Verb::Set, Verb::Abort, Verb::Rollback];

/// Every verb, each open or with the reason why not. The rollout's own offers are not looked at.
pub(super) fn offers(rollout: &Rollout, view: &View<'_, Service>) -> Vec<Offer> {
    let offer = |verb: &Verb| {
        let blocked = refusal(*verb, rollout, view);
        let offer = Offer { blocked, ..Offer::open(*verb, risk(*verb, view.scope.risk)) };
        if *verb == Verb::Set {
            let field = Field::new(PODS, "pods of the canary", Kind::Number).required();
            // Where nobody knows how many it has, more and fewer are not told apart: it goes forward.
            let now = Pair::of(view).ok().map(|pair| pair.other.deployment.replicas());
            return offer.asking(vec![Field { exposes: now, ..field }]);
        }
        offer
    };
    VERBS.iter().map(offer).collect()
}

/// Why a verb cannot be used now; `None` when it can.
pub(super) fn refusal(verb: Verb, rollout: &Rollout, view: &View<'_, Service>) -> Option<String> {
    let pair = match Pair::of(view) {
        Ok(pair) => pair,
        Err(why) => return Some(why),
    };
    let by_state = match verb {
        Verb::PromoteFull => promote(&pair),
        Verb::Set => set(&pair),
        Verb::Abort => (!pair.is_moving()).then(|| {
            "nothing is on its way, so there is nothing to abort; roll back puts an earlier version back".to_owned()
        }),
        Verb::Rollback => rollback(rollout, &pair),
        Verb::Promote | Verb::Skip | Verb::Retry => {
            let what = verb.words();
            Some(format!(
                "two Deployments behind one Service have no steps, so there is nothing to {what}: promote full moves \
                 all traffic"
            ))
        }
        Verb::Pause | Verb::Resume => Some("nothing moves it by itself, so there is nothing to hold".to_owned()),
        _ => Some(format!("two Deployments behind one Service cannot {}", verb.words())),
    };
    by_state.or_else(|| denied(verb, &pair, view))
}

/// Why we may not patch what a verb patches: the Service of a switch, else one of its Deployments.
pub(super) fn denied(verb: Verb, pair: &Pair<'_>, view: &View<'_, Service>) -> Option<String> {
    let switches = matches!(pair.way, Way::BySwitch(_)) && verb != Verb::Abort;
    let mut all = view.denied.iter();
    let service = all.next().cloned().flatten();
    if switches { service } else { all.flatten().next().cloned() }
}

fn promote(pair: &Pair<'_>) -> Option<String> {
    if !pair.is_moving() {
        return Some("nothing is on its way, so there is nothing to promote".to_owned());
    }
    let behind = [&pair.stable, &pair.other].into_iter().find(|side| !side.deployment.is_observed());
    if let Some(side) = behind {
        return Some(format!("the controller has not taken up the last change of {} yet", side.name()));
    }
    let (ready, wanted) = (pair.other.ready(), pair.stable.deployment.replicas());
    match pair.way {
        Way::BySwitch(_) if ready < wanted => Some(format!(
            "{} has {ready} pods ready, and {wanted} carry the traffic now: scale it up first (kubectl -n {} scale deployment/{} \
             --replicas={wanted})",
            pair.other.name(),
            pair.other.deployment.metadata.namespace,
            pair.other.name()
        )),
        Way::ByPods if ready == 0 => {
            Some(format!("no pod of {} is ready: nobody has seen it serve", pair.other.name()))
        }
        _ => None,
    }
}

fn set(pair: &Pair<'_>) -> Option<String> {
    match (&pair.way, pair.is_moving()) {
        (Way::BySwitch(_), _) => Some("its Service sends all traffic to one side: there is no share to set".to_owned()),
        (Way::ByPods, false) => Some("no canary is on its way: give it a version and pods first".to_owned()),
        (Way::ByPods, true) => None,
    }
}

fn rollback(rollout: &Rollout, pair: &Pair<'_>) -> Option<String> {
    if rollout.way_back().is_none() {
        return Some(rollout.no_way_back());
    }
    match pair.way {
        Way::BySwitch(_) if pair.is_moving() => Some(format!(
            "nobody is on what stands ready: all traffic is on {}; abort takes its pods away",
            pair.stable.name()
        )),
        Way::BySwitch(_) if pair.other.ready() == 0 => Some(format!(
            "{} runs no pods now, so that nobody would answer: scale it up first (kubectl -n {} scale deployment/{} --replicas={})",
            pair.other.name(),
            pair.other.deployment.metadata.namespace,
            pair.other.name(),
            pair.stable.deployment.replicas()
        )),
        _ => None,
    }
}
