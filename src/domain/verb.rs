//! The verbs: each has one meaning on every system. The common ones have keys; the others are reached by the menu.

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
    /// Replace the pods, no more at once than may be missing.
    Restart,
    /// Run a pipeline again.
    Rerun,
    /// Stop a run.
    Cancel,
    /// Bring what runs to what its source says, now.
    Sync,
    /// Look at the source now instead of at the next turn, and bring what runs to it.
    Reconcile,
    /// Switch something on: a flag, an experiment.
    On,
    /// Switch it off, so that it is as before it was on.
    Off,
    /// Give something another value: the percentage of a flag.
    Set,
    /// Keep an alert from being told for a while.
    Silence,
    /// Go on with the next batch, no further.
    Next,
    /// Go on with nothing of it; what is done stays.
    Stop,
    /// Start something that waits to be started by hand.
    Play,
    /// Start a pipeline that was not running.
    Dispatch,
    /// Let go of what somebody holds that is no pause of a rollout: a lock, a freeze, a silence.
    Release,
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
            // A pause that is undone lets the new version go on, and so does whatever else was held.
            Self::Approve
            | Self::Promote
            | Self::Skip
            | Self::PromoteFull
            | Self::Resume
            | Self::Release
            | Self::Retry
            | Self::Next
            // What they start may deploy; nobody can tell from outside.
            | Self::Rerun
            | Self::Play
            | Self::Dispatch
            // The source may hold a version that nobody has seen run yet.
            | Self::Sync
            | Self::Reconcile
            // More users see what is behind a flag; of a value that is set nobody knows here which way is back.
            | Self::On
            | Self::Set => Direction::Forward,
            // A flag that is off is as it was before it was on.
            Self::Abort | Self::Rollback | Self::Off => Direction::Back,
            // What is stopped or silenced is no better than it was, and no worse: traffic stays where it is.
            Self::Reject | Self::Pause | Self::Restart | Self::Cancel | Self::Stop | Self::Silence => Direction::Still,
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
            Self::Sync => "sync",
            Self::Reconcile => "reconcile",
            Self::On => "switch on",
            Self::Off => "switch off",
            Self::Set => "set",
            Self::Silence => "silence",
            Self::Next => "next batch",
            Self::Stop => "stop",
            Self::Play => "play",
            Self::Dispatch => "dispatch",
            Self::Release => "release",
        }
    }
}
