//! How long to wait before trying again. Pure: the same inputs give the same pause, so the built-in world replays exactly.

use std::time::Duration;

use crate::domain::time::Timestamp;

/// The longest pause.
pub const LONGEST: Duration = Duration::from_secs(30);

/// The pause before trying for the `failures + 1`-th time: `first`, doubled with every failure, of which at least half
/// is waited. The other half is jitter from a hash, so that many clients do not come back in step.
pub fn pause(first: Duration, failures: u32, salt: &str, now: Timestamp) -> Duration {
    let doubled = first.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
    let full = doubled.min(LONGEST);
    let share = hash(salt, failures, now) % 1000;
    full / 2 + (full / 2).mul_f64(share as f64 / 1000.0)
}

/// FNV-1a: short, stable between versions of the compiler, and enough to spread clients.
fn hash(salt: &str, failures: u32, now: Timestamp) -> u64 {
    let bytes = salt.bytes().chain(failures.to_le_bytes()).chain(now.timestamp_micros().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_up_to_a_bound_and_at_least_half_of_it_is_waited() {
        for (failures, full) in [(1, 200), (2, 400), (3, 800), (9, 30_000), (200, 30_000)] {
            let got = pause(Duration::from_millis(200), failures, "/x", Timestamp::UNIX_EPOCH);
            let full = Duration::from_millis(full);
            assert!(got >= full / 2 && got <= full, "{failures}: {got:?}");
        }
    }

    #[test]
    fn two_clients_do_not_come_back_in_step() {
        let at = |salt| pause(Duration::from_secs(1), 3, salt, Timestamp::UNIX_EPOCH);
        assert_ne!(at("/a"), at("/b"));
    }
}
