//! `replay`: a recording rebuilds the screen as it was at a moment. Effects are dropped: a replay can never act.

use crate::{
    app::{model::Model, msg::Msg, update::update},
    cli::value::Moment,
    domain::time::Timestamp,
};

/// Takes messages of a recording until the world's time is past the moment; all of them without one.
pub fn replay(model: &mut Model, messages: impl IntoIterator<Item = Msg>, until: Option<Moment>) {
    let mut start: Option<Timestamp> = None;
    for message in messages {
        if let Msg::Tick(now) = &message {
            let start = *start.get_or_insert(*now);
            if until.is_some_and(|until| *now > until.in_recording(start)) {
                return;
            }
        }
        drop(update(model, message));
    }
}
