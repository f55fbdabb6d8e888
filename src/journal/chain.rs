//! The hash chain: each line's hash covers the line before it, so that a changed byte breaks everything after it (F22).

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// What stands in for the hash before the first line.
pub(super) const GENESIS: &str = "holdshort/journal/v1";

/// One line as it is hashed. The stored bytes are hashed, not a value read from them.
#[derive(Debug)]
pub(super) struct Link<'a> {
    /// Place in the journal, from 1.
    pub(super) seq: i64,
    /// Whose line it is.
    pub(super) record: i64,
    /// Place in the record: 0 is the intent.
    pub(super) n: i64,
    /// `begin`, `entry` or `end`.
    pub(super) kind: &'a [u8],
    /// JSON.
    pub(super) body: &'a [u8],
}

/// The hash of a line after the line with the hash `before`, in hex.
pub(super) fn hash(before: &str, link: &Link<'_>) -> String {
    let mut sha = Sha256::new();
    sha.update(before);
    sha.update(format!("\n{}\n{}\n{}\n{}\n", link.seq, link.record, link.n, link.kind.len()));
    sha.update(link.kind);
    sha.update(link.body);
    let mut hex = String::with_capacity(64);
    for byte in sha.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_line_and_its_predecessor_count() {
        let link = |seq, record, n, kind: &'static str, body: &'static str| Link {
            seq,
            record,
            n,
            kind: kind.as_bytes(),
            body: body.as_bytes(),
        };
        let links = [
            link(1, 1, 0, "begin", "{}"),
            link(2, 1, 0, "begin", "{}"),
            link(1, 2, 0, "begin", "{}"),
            link(1, 1, 1, "begin", "{}"),
            link(1, 1, 0, "begi", "n{}"),
            link(1, 1, 0, "begin", "{ }"),
        ];
        let mut all: Vec<String> = links.iter().map(|link| hash(GENESIS, link)).collect();
        all.push(hash("other", &links[0]));
        let distinct: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
