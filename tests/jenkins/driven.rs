//! The pretended Jenkins as the community's client for Python sees it.

use crate::{clients, served::Served};

#[test]
fn python_jenkins_reads_builds_and_acts_on_the_pretended_jenkins() {
    let served = Served::start("jenkins", &[]);
    let config = std::fs::read_to_string(served.address("config")).unwrap();
    let config: toml::Table = config.parse().unwrap();
    let url = config["connections"]["jenkins"]["url"].as_str().unwrap().to_owned();
    clients::drive("jenkins", &[&url]);
}
