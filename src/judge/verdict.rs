//! placeholder until the judge lands
use crate::domain::{evidence::Verdict, time::Timestamp};
use serde::{Deserialize, Serialize};
/// x
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// x
    pub verdict: Verdict,
    /// x
    pub reason: String,
    /// x
    pub onset: Option<Timestamp>,
}
/// x
pub fn judge(
    _c: Option<&crate::domain::signal::VersionSignals>,
    _s: Option<&crate::domain::signal::VersionSignals>,
    _since: Timestamp,
    _now: Timestamp,
) -> Judgement {
    Judgement { verdict: Verdict::NoData, reason: String::new(), onset: None }
}
