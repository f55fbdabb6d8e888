//! What a judgement and a decision say, in sentences: made here, once, for the screen, the commands and the record alike.
//!
//! Here must not live: what is thought or decided (that is `judge`'s and `policy`'s, as data), colours, columns. Nobody takes a
//! sentence apart again: whoever needs less than all of it asks for that part.

pub mod cells;
pub mod decision;
mod doubt;
mod limit;
mod missing;
mod number;
mod reason;
mod verdict;
mod watched;
mod wave;

pub use self::{
    doubt::{doubt, rival, rival_kind, written},
    limit::{Line, alert, budget, cost, lack, limit},
    missing::{missing, unread},
    reason::{arithmetic, beside_word, reason},
    verdict::{Outdated, how_old, outdated},
    watched::{watched, watched_beside},
};
