//! Signatures of lines: whoever can write the file can change a line and everything after it, hashes too, but cannot sign in
//! the name of another user.
//!
//! Each user has a key of their own, made at first use and readable by nobody else. A line's signature is over its hash, so
//! it covers the line and all that was before it.

use std::{
    fmt,
    io::{self, Read, Write},
    path::Path,
};

use ring::{
    rand::SystemRandom,
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};

use crate::{domain::text::hex, journal::place};

/// The longest key file that is read.
const MOST: u64 = 4 << 10;

/// A user's key.
pub struct Signer {
    key: Ed25519KeyPair,
}

impl Signer {
    /// The key in this file; it is made where the file is missing or empty.
    ///
    /// # Errors
    /// When the file or its folder could be another user's, or holds something else.
    pub fn of(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            place::folder(folder)?;
        }
        place::examine(path)?;
        let mut file = place::open(path)?;
        // Two processes that start at once must not make two keys.
        file.lock()?;
        let mut kept = Vec::new();
        Read::by_ref(&mut file).take(MOST).read_to_end(&mut kept)?;
        if kept.is_empty() {
            let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
            made.map_err(|_| io::Error::other("no key can be made"))?.as_ref().clone_into(&mut kept);
            file.write_all(&kept)?;
            file.sync_all()?;
        }
        let key = Ed25519KeyPair::from_pkcs8(&kept).map_err(|_| io::Error::other("it holds no key of holdshort"))?;
        Ok(Self { key })
    }

    /// By what its signatures are known, in hex.
    pub fn name(&self) -> String {
        hex(self.key.public_key().as_ref())
    }

    /// Signs a line by its hash, in hex.
    pub(super) fn sign(&self, hash: &str) -> String {
        hex(self.key.sign(hash.as_bytes()).as_ref())
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(&self.name()).finish()
    }
}

/// Did this signer sign a line with this hash?
pub(super) fn has_signed(signer: &str, hash: &str, signature: &str) -> bool {
    let (Some(signer), Some(signature)) = (bytes(signer), bytes(signature)) else { return false };
    UnparsedPublicKey::new(&ED25519, signer).verify(hash.as_bytes(), &signature).is_ok()
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|p| p.len() == 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_signs_for_its_user_only() {
        let dir = tempfile::tempdir().unwrap();
        let (own, other) = (dir.path().join("a/key"), dir.path().join("b/key"));
        let (dana, lee) = (Signer::of(&own).unwrap(), Signer::of(&other).unwrap());
        assert_eq!(Signer::of(&own).unwrap().name(), dana.name());
        let signature = dana.sign("hash");
        assert!(has_signed(&dana.name(), "hash", &signature));
        for (signer, hash, signature) in [
            (lee.name(), "hash", signature.clone()),
            (dana.name(), "other", signature.clone()),
            (dana.name(), "hash", lee.sign("hash")),
            (dana.name(), "hash", String::new()),
            ("xyz".to_owned(), "hash", signature),
        ] {
            assert!(!has_signed(&signer, hash, &signature), "{signer} {hash} {signature}");
        }
        assert!(!format!("{dana:?}").contains("key:"));
    }

    #[test]
    fn a_file_that_is_no_key_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, "notes").unwrap();
        assert_eq!(Signer::of(&path).unwrap_err().to_string(), "it holds no key of holdshort");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "notes");
    }
}
