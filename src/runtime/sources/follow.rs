//! Following what tells by itself, and proving between changes that the source still answers: often where something is in flight or
//! somebody looks, seldom elsewhere.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures::{StreamExt, future::join, stream::BoxStream};
use tokio::sync::Notify;

use super::{Orders, Seat, agenda::Paces, no_answer};
use crate::{
    app::{msg::Msg, wants::Interest},
    domain::time::{Timestamp, after, until},
    port::inventory::{Heard, Inventory, Part, Scope},
    runtime::{clock::within, note::Note},
};

/// A watch that ended, against its contract, is begun again after this.
const AGAIN: Duration = Duration::from_secs(1);

/// What the watch and the proofs know of one another.
struct Known {
    /// What the watch itself complains about: a proof must not wash that away.
    failing: BTreeSet<Scope>,
    /// By when something was said to be heard again.
    promised: Option<Timestamp>,
}

/// Follows until nobody listens.
pub(super) async fn follow<'a>(
    seat: Seat,
    inventory: &'a dyn Inventory,
    first: BoxStream<'a, Heard>,
    scopes: &[Scope],
    mut orders: Orders,
) {
    let paces = Paces::watching(seat.interval);
    let interests = orders.interests.clone();
    let known = Mutex::new(Known { failing: BTreeSet::new(), promised: None });
    let known = || known.lock().unwrap_or_else(PoisonError::into_inner);
    let promise = |scope: &Scope| {
        let interest = interests.borrow().get(scope).copied().unwrap_or(Interest::Idle);
        let due = after(seat.clock.now(), paces.of(interest));
        known().promised = Some(due);
        due
    };
    // A proof does not speak before the watch has.
    let spoke = Notify::new();
    let watching = async {
        let mut watch = Some(first);
        while let Some(mut following) = watch {
            while let Some(heard) = following.next().await {
                match &heard.parts {
                    Ok(parts) if !parts.is_empty() && parts.iter().all(Part::is_only_unread) => {}
                    Ok(_) => {
                        known().failing.remove(&heard.scope);
                        spoke.notify_one();
                    }
                    Err(_) => {
                        known().failing.insert(heard.scope.clone());
                        spoke.notify_one();
                    }
                }
                let due = promise(&heard.scope);
                if !seat.tell(heard, due).await {
                    return;
                }
            }
            seat.clock.sleep(AGAIN).await;
            watch = inventory.watch();
        }
    };
    let beating = async {
        spoke.notified().await;
        let mut fails = false;
        loop {
            let last = seat.clock.now();
            loop {
                let interest = orders.interests.borrow_and_update().values().max().copied().unwrap_or(Interest::Idle);
                let troubled = fails || !known().failing.is_empty();
                let pace = if troubled { seat.interval } else { paces.of(interest) };
                let due = after(last, pace);
                let due =
                    known().promised.filter(|promised| *promised > last).map_or(due, |promised| promised.min(due));
                tokio::select! {
                    () = seat.clock.sleep(until(seat.clock.now(), due)) => break,
                    changed = orders.interests.changed() => if changed.is_err() {
                        return;
                    },
                }
            }
            let beat = within(&*seat.clock, seat.beat, inventory.probe()).await;
            let beat = beat.unwrap_or_else(|| Err(no_answer(&seat.source, seat.beat)));
            fails = beat.is_err();
            for scope in scopes {
                let listens = match &beat {
                    Ok(()) if known().failing.contains(scope) => continue,
                    Ok(()) => seat.notes.send(Note::Msg(alive(&seat, scope, promise(scope)))).await.is_ok(),
                    Err(error) => seat.tell(Heard::of(scope.clone(), Err(error.clone())), promise(scope)).await,
                };
                if !listens {
                    return;
                }
            }
        }
    };
    join(watching, beating).await;
}

/// That a scope is as it was. It answers no question: whether there is anything is told by the watch.
fn alive(seat: &Seat, scope: &Scope, due: Timestamp) -> Msg {
    let at = seat.clock.now();
    Msg::Heard { source: seat.source.clone(), scope: scope.clone(), at, due, parts: Ok(Vec::new()) }
}
