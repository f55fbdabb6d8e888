//! What the model wants done. Plain data: the runtime does it and answers with messages. Not deserialisable: a replay can
//! never act. What it wants to know is no effect: see `wants`.

use crate::{
    app::guard::Confirmed,
    domain::ids::SourceName,
    port::{
        kept::{KeptSignals, Outlived},
        plan::Ask,
    },
};

/// One thing to be done outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Let the provider draft the ask from the last observed object; answered by [`crate::app::msg::Msg::Drafted`].
    Draft(Ask),
    /// Write the intent, then do it. Only the guard makes a [`Confirmed`].
    Execute(Box<Confirmed>),
    /// Keep signals that were read beyond the end of this process, and forget others. Nothing waits for it.
    KeepSignals {
        /// What was read.
        kept: Vec<KeptSignals>,
        /// What need not be kept any longer.
        outlived: Outlived,
    },
    /// Read this source's objects now rather than at its next turn.
    Hurry(SourceName),
    /// Hand this text to the terminal's clipboard, where it has one.
    Copy(String),
    /// Give the terminal back to the shell until `fg`.
    Suspend,
    /// Leave.
    Quit,
    /// Leave, interrupted: whoever started this is told so.
    Interrupt,
}
