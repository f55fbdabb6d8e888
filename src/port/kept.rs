//! Signals that outlive the process that read them: what a verdict rested on must not be gone with a restart, or with the
//! memory of whoever measured it.

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        ids::{ServiceName, SourceName},
        signal::ServiceSignals,
        time::Timestamp,
    },
    port::facet::Window,
};

/// The signals of one service, as one read gave them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptSignals {
    /// Through which connection.
    pub source: SourceName,
    /// For which window.
    pub window: Window,
    /// What was measured in it.
    pub signals: ServiceSignals,
}

/// What need not be kept any longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlived {
    /// Whatever ended before this.
    pub before: Timestamp,
    /// Services of which nothing is in flight any more.
    pub services: Vec<ServiceName>,
}
