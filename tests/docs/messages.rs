//! `docs/troubleshooting.md`: every sentence that it quotes is one that the program says.
//!
//! A heading there is a sentence as it stands on screen, with `…` where names and numbers stand. Each part between these must be in the source
//! in this order, in one text of it; so the page cannot rot unseen.

use std::{fs, path::Path};

const PAGE: &str = "docs/troubleshooting.md";
/// A part of so few characters is in every source.
const LEAST: usize = 4;

#[test]
fn every_message_of_the_troubleshooting_page_is_one_that_the_program_says() {
    let page = fs::read_to_string(PAGE).unwrap();
    let quoted: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();
    assert!(quoted.len() > 20, "{quoted:?}");
    let texts = texts(Path::new("src"));
    let lost: Vec<&&str> = quoted.iter().filter(|message| !texts.iter().any(|text| says(text, message))).collect();
    assert_eq!(lost, Vec::<&&str>::new(), "{PAGE} quotes what no source says");
}

#[test]
fn a_message_is_found_with_its_parts_in_order_and_not_otherwise() {
    let text = "fn a() { format!(\"{name} did not answer within \\\n             {limit}\") }";
    assert!(says(&joined(text), "… did not answer within …"));
    assert!(!says(&joined(text), "… did not answer after …"));
    assert!(!says(&joined("within x did not answer"), "did not answer … within x"));
}

/// Are the parts of a message there, in order, and near one another?
fn says(text: &str, message: &str) -> bool {
    let parts: Vec<&str> = message.split('…').map(str::trim).filter(|part| part.len() >= LEAST).collect();
    let Some((first, rest)) = parts.split_first() else { return false };
    text.match_indices(first).any(|(at, _)| {
        let mut behind = text.get(at + first.len()..).unwrap_or_default();
        rest.iter().all(|part| {
            let near: String = behind.chars().take(400).collect();
            let Some(found) = near.find(part) else { return false };
            behind = behind.get(found + part.len()..).unwrap_or_default();
            true
        })
    })
}

/// The text of each source file, with texts over several lines joined.
fn texts(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(texts(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            // What only a test says, nobody reads on a screen.
            let text = fs::read_to_string(&path).unwrap();
            all.push(joined(text.split("#[cfg(test)]").next().unwrap_or_default()));
        }
    }
    all
}

/// Without what ends a line within a text, and with quotes as they are shown.
fn joined(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.trim_start();
        if let Some(begin) = line.strip_suffix('\\') {
            whole.push_str(begin);
        } else {
            whole.push_str(line);
            whole.push('\n');
        }
    }
    whole.replace("\\\"", "\"")
}
