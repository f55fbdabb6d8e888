//! The verbs: each has one meaning on every engine, and they are separate keys.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};

/// What an operator may ask a system to do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display, EnumString, EnumIter,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Verb {
    /// Let a gate pass.
    Approve,
    /// Close a gate for good.
    Reject,
    /// Continue past this pause, no further.
    Promote,
    /// Leave out the running step, which is named.
    Skip,
    /// Skip every pause, step and analysis that is left.
    PromoteFull,
    /// Hold the rollout where it is; traffic stays as it is.
    Pause,
    /// Undo a pause of ours; does not continue past a pause that the steps ask for.
    Resume,
    /// All traffic back to stable, now.
    Abort,
    /// Put a named earlier version back.
    Rollback,
    /// Try the aborted version again, from its first step.
    Retry,
    /// Replace the pods of the running version, one after the other.
    Restart,
    /// Run a pipeline again.
    Rerun,
    /// Stop a run.
    Cancel,
}

/// Which way a verb moves production; friction follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// More of the new version reaches users: needs fresh evidence and policy.
    Forward,
    /// Back to what ran before: at most four keys, exempt from freezes and verdicts.
    Back,
    /// Moves no traffic.
    Still,
}

impl Verb {
    /// Which way it moves production.
    pub fn direction(self) -> Direction {
        match self {
            // A pause that is undone lets the new version go on; a rerun may deploy.
            Self::Approve
            | Self::Promote
            | Self::Skip
            | Self::PromoteFull
            | Self::Resume
            | Self::Retry
            | Self::Rerun => Direction::Forward,
            Self::Abort | Self::Rollback => Direction::Back,
            Self::Reject | Self::Pause | Self::Restart | Self::Cancel => Direction::Still,
        }
    }

    /// As it stands in a sentence: `promote full`, `roll back`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Promote => "promote",
            Self::Skip => "skip",
            Self::PromoteFull => "promote full",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Abort => "abort",
            Self::Rollback => "roll back",
            Self::Retry => "retry",
            Self::Restart => "restart",
            Self::Rerun => "rerun",
            Self::Cancel => "cancel",
        }
    }
}
