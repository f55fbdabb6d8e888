//! The pure core: model, messages, `update(&mut Model, Msg) -> Vec<Effect>`, the table of intents, the guard.
//!
//! Here must not live: a clock, disk, environment, randomness, wire forms, or text laid out for a screen.
