//! Reading what has to be read again and again: each scope when it is due, several that are due together in one go. Each is told as
//! it comes: one that hangs keeps no other waiting.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, OptionFuture},
    stream::{self, BoxStream, SelectAll},
};

use super::{
    Orders, Seat,
    agenda::{Agenda, Jitter, Paces},
    no_answer,
};
use crate::{
    app::msg::Msg,
    domain::time::until,
    port::inventory::{Heard, Inventory, Scope, name},
    runtime::{clock::within, note::Note},
};

/// How often is asked again which scopes there are. The inventory knows whether that is worth a request.
const LOOKED_FOR: Duration = Duration::from_mins(1);

/// Reads every scope as often as it is of interest, until nobody listens.
pub(super) async fn poll(seat: Seat, inventory: &dyn Inventory, mut scopes: Vec<Scope>, mut orders: Orders) {
    let clock = Arc::clone(&seat.clock);
    let jitter = Jitter::seeded(clock.seed(), seat.source.as_str());
    let mut agenda = Agenda::new(Paces::reading(seat.interval), jitter, &scopes, clock.now());
    let mut rounds = SelectAll::new();
    let mut looking = look_again(&seat, inventory);
    loop {
        agenda.want(&orders.interests.borrow_and_update());
        let due = agenda.begin(clock.now(), seat.left());
        if !due.is_empty() {
            rounds.push(round(&seat, inventory, due));
        }
        let next = OptionFuture::from(agenda.next().map(|at| clock.sleep(until(clock.now(), at))));
        tokio::select! {
            biased;
            changed = orders.interests.changed() => if changed.is_err() {
                return;
            },
            () = orders.hurry.notified() => agenda.hurry(clock.now()),
            found = &mut looking => {
                if let Some(found) = found.filter(|found| *found != scopes) {
                    agenda.set(&found, clock.now());
                    scopes.clone_from(&found);
                    let (source, inventory) = (seat.source.clone(), name(inventory));
                    if seat.notes.send(Note::Msg(Msg::Discovered { source, inventory, scopes: Ok(found) })).await.is_err() {
                        return;
                    }
                }
                looking = look_again(&seat, inventory);
            }
            Some(heard) = rounds.next() => {
                let due = agenda.heard(&heard.scope, heard.next_due, heard.parts.as_ref().err(), clock.now());
                if !seat.tell(heard, due).await {
                    return;
                }
            }
            Some(()) = next => {}
        }
    }
}

/// Which scopes there are a while later; `None` where that cannot be said then.
fn look_again<'a>(seat: &'a Seat, inventory: &'a dyn Inventory) -> BoxFuture<'a, Option<Vec<Scope>>> {
    async move {
        seat.clock.sleep(LOOKED_FOR).await;
        within(&*seat.clock, seat.patience, inventory.discover()).await?.ok()
    }
    .boxed()
}

/// One go: tells of each of these scopes once, and of those that nothing came of that nothing came.
fn round<'a>(seat: &'a Seat, inventory: &'a dyn Inventory, scopes: Vec<Scope>) -> BoxStream<'a, Heard> {
    let left: BTreeSet<Scope> = scopes.iter().cloned().collect();
    let read = Some(inventory.list(scopes));
    let told = stream::unfold((read, left), move |(mut read, mut left)| async move {
        if let Some(reading) = &mut read
            && let Some(Some(heard)) = within(&*seat.clock, seat.patience, reading.next()).await
        {
            left.remove(&heard.scope);
            return Some((heard, (read, left)));
        }
        let scope = left.pop_first()?;
        Some((Heard::of(scope, Err(no_answer(&seat.source, seat.patience))), (None, left)))
    });
    told.boxed()
}
