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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cli::sample;

    #[test]
    fn a_replay_stops_at_the_moment_that_was_asked_for() {
        let ticks = || [60, 120, 180].map(|second| Msg::Tick(sample::at(second)));
        let until = |moment| {
            let mut model = sample::silent();
            replay(&mut model, ticks(), moment);
            model.now
        };
        assert_eq!(until(None), sample::at(180));
        assert_eq!(until(Some(Moment::After(Duration::from_mins(1)))), sample::at(120));
        assert_eq!(until(Some(Moment::At(sample::at(119)))), sample::at(60));
    }
}
