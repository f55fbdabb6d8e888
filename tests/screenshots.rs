//! The pictures that people look at show the program as it is.

#[path = "support/pictures.rs"]
mod pictures;

use std::path::Path;

use pictures::{PICTURES, stale};

#[test]
fn no_screenshot_is_stale_or_belongs_to_no_picture() {
    let stale = stale(Path::new("screenshots")).unwrap();
    assert_eq!(stale, Vec::<String>::new(), "`cargo run --example screenshots` draws them anew");
}

#[test]
fn a_screenshot_that_was_changed_by_hand_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for picture in PICTURES {
        std::fs::copy(Path::new("screenshots").join(picture.file()), folder.path().join(picture.file())).unwrap();
    }
    std::fs::write(folder.path().join("board.svg"), "<svg/>").unwrap();
    std::fs::write(folder.path().join("nobody.svg"), "<svg/>").unwrap();
    assert_eq!(stale(folder.path()).unwrap(), ["board.svg", "nobody.svg"]);
}
