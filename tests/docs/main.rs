//! The pages of `docs/` that say what the program does are held against it. `UPDATE=1 cargo test --test docs` writes anew what is made of
//! the source.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod configuration;
mod messages;
mod presets;
mod source;

use std::fs;

/// Compares a page with what it should be, or writes it.
pub(crate) fn hold(page: &str, expected: &str) {
    if std::env::vars().any(|(name, _)| name == "UPDATE") {
        fs::write(page, expected).unwrap();
    }
    let written = fs::read_to_string(page).unwrap_or_default();
    let differs = written.lines().zip(expected.lines()).find(|(written, expected)| written != expected);
    assert_eq!(differs, None, "{page} is not what the source says: `UPDATE=1 cargo test --test docs` writes it anew");
    assert_eq!(written.len(), expected.len(), "{page}: `UPDATE=1 cargo test --test docs` writes it anew");
}
