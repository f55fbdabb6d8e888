//! The pretended Flow as Alibaba Cloud's own client for Python sees it.

use crate::{clients, served::Served};

#[test]
fn alibaba_clouds_own_client_reads_runs_and_acts_on_the_pretended_flow_by_signed_requests() {
    let served = Served::start("flow", &[]);
    let config = std::fs::read_to_string(served.address("config")).unwrap();
    let config: toml::Table = config.parse().unwrap();
    let of = |name: &str| config["connections"]["flow"][name].as_str().unwrap().to_owned();
    clients::drive("flow", &[&of("url"), &of("organization")]);
}
