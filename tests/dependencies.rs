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

#[test]
fn an_advisory_is_only_left_aside_with_a_reason_and_while_its_crate_is_there() {
    let deny: toml::Table = fs::read_to_string("deny.toml").unwrap().parse().unwrap();
    let lock = fs::read_to_string("Cargo.lock").unwrap();
    for aside in deny["advisories"]["ignore"].as_array().unwrap() {
        let reason = aside["reason"].as_str().unwrap();
        let named = reason.split_whitespace().next().unwrap();
        assert!(aside["id"].as_str().unwrap().starts_with("RUSTSEC-"), "{aside}");
        assert!(
            lock.contains(&format!("name = \"{named}\"")),
            "{named} is gone: so is the reason to leave {aside} aside"
        );
    }
}

#[test]
fn no_code_of_ours_is_unsafe_and_no_file_can_allow_it() {
    let cargo: toml::Table = fs::read_to_string("Cargo.toml").unwrap().parse().unwrap();
    assert_eq!(cargo["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
}
