//! Keeps what must not come back into the tree of dependencies; the reasons stand in `deny.toml`, which this reads.

use std::{collections::BTreeSet, fs};

#[test]
fn no_banned_crate_is_in_the_lock_file() {
    let deny: toml::Table = fs::read_to_string("deny.toml").unwrap().parse().unwrap();
    let banned: BTreeSet<String> = deny["bans"]["deny"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["crate"].as_str().unwrap().to_owned())
        .collect();
    assert!(!banned.is_empty());
    let lock: toml::Table = fs::read_to_string("Cargo.lock").unwrap().parse().unwrap();
    let locked: BTreeSet<String> = lock["package"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| package["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(banned.intersection(&locked).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn every_crate_comes_from_the_registry() {
    let lock: toml::Table = fs::read_to_string("Cargo.lock").unwrap().parse().unwrap();
    let elsewhere: Vec<&str> = lock["package"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|package| package["name"].as_str() != Some("holdshort"))
        .filter(|package| !package.get("source").is_some_and(|s| s.as_str().unwrap().starts_with("registry+")))
        .map(|package| package["name"].as_str().unwrap())
        .collect();
    assert_eq!(elsewhere, Vec::<&str>::new());
}
