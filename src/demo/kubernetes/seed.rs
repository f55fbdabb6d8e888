//! Everything that looks random in this cluster: names, uids, delays. All of it follows from the seed and from what it is for,
//! so the same scenario is the same to the last character, whatever order it is asked in.

use chrono::TimeDelta;
use serde_json::Value;

/// What Kubernetes makes its random names of: no vowels, no characters that look alike.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// The seed of a cluster.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seed(u64);

impl Seed {
    /// The seed of one cell of a world.
    pub(crate) fn new(world: u64, cell: &str) -> Self {
        Self(Self(world).number(&["cell", cell]))
    }

    /// A number that follows from the seed and from what it is for.
    pub(crate) fn number(self, what: &[&str]) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ self.0;
        for part in what {
            for byte in part.bytes().chain([0]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
        // SplitMix64's finisher: FNV alone leaves neighbours alike.
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ (hash >> 31)
    }

    /// A span between two bounds, in milliseconds.
    pub(crate) fn span(self, what: &[&str], from: u32, to: u32) -> TimeDelta {
        let width = u64::from(to.saturating_sub(from)) + 1;
        let over = u32::try_from(self.number(what) % width).unwrap_or_default();
        TimeDelta::milliseconds(i64::from(from) + i64::from(over))
    }

    /// The random end of a name, as `pod-…-x7k2p`.
    pub(crate) fn suffix(self, what: &[&str]) -> String {
        let mut rest = self.number(what);
        (0..5)
            .map(|_| {
                let letter = letter(rest % 27);
                rest /= 27;
                letter
            })
            .collect()
    }

    /// A version 4 UUID.
    pub(crate) fn uid(self, what: &[&str]) -> String {
        let (high, low) = (self.number(what), self.number(&[&["uid"], what].concat()));
        let high = (high & !0xf000) | 0x4000;
        let low = (low & !(0xc << 60)) | (0x8 << 60);
        let (high, low) = (format!("{high:016x}"), format!("{low:016x}"));
        let part = |text: &str, from, to| text.get(from..to).unwrap_or_default().to_owned();
        [part(&high, 0, 8), part(&high, 8, 12), part(&high, 12, 16), part(&low, 0, 4), part(&low, 4, 16)].join("-")
    }
}

/// A letter of the alphabet, counted round.
fn letter(at: u64) -> char {
    let at = usize::try_from(at % 27).unwrap_or_default();
    char::from(ALPHABET.get(at).copied().unwrap_or(b'b'))
}

/// 32-bit FNV-1a, with which Kubernetes and Argo make their hashes.
pub(crate) fn fnv32a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// A hash as it stands in labels: its decimal digits, each turned into a safe letter (`rand.SafeEncodeString`).
pub(crate) fn safe_hash(bytes: &[u8]) -> String {
    fnv32a(bytes).to_string().bytes().map(|digit| letter(u64::from(digit))).collect()
}

/// The hash of a pod template. Not the number that Go's printer would give, but as stable: equal templates, equal hash.
pub(crate) fn template_hash(template: &Value) -> String {
    safe_hash(template.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_plain_steps_is_the_one_that_argo_recorded() {
        let steps = br#"[{"setWeight":10},{"pause":{"duration":"3s"}},{"setWeight":40},{"pause":{}}]"#;
        assert_eq!(safe_hash(steps), "fbf456676");
    }

    #[test]
    fn the_same_seed_gives_the_same_names_and_another_gives_others() {
        let (one, two) = (Seed::new(7, "eu"), Seed::new(7, "us"));
        assert_eq!(one.suffix(&["pod", "a"]), Seed::new(7, "eu").suffix(&["pod", "a"]));
        assert_ne!(one.suffix(&["pod", "a"]), two.suffix(&["pod", "a"]));
        assert_ne!(one.uid(&["pod", "a"]), one.uid(&["pod", "b"]));
    }

    #[test]
    fn a_uid_has_the_form_of_a_version_4_uuid() {
        for name in ["a", "b", "c", "d", "e"] {
            let uid = Seed::new(1, "eu").uid(&[name]);
            let lengths: Vec<usize> = uid.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12], "{uid}");
            assert_eq!(uid.chars().nth(14), Some('4'), "{uid}");
            assert!(matches!(uid.chars().nth(19), Some('8' | '9' | 'a' | 'b')), "{uid}");
        }
    }

    #[test]
    fn a_span_stays_within_its_bounds() {
        for at in 0..200 {
            let span = Seed::new(3, "eu").span(&["ready", &at.to_string()], 2000, 8000).num_milliseconds();
            assert!((2000..=8000).contains(&span), "{span}");
        }
    }
}
