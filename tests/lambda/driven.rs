//! The pretended Lambda as botocore sees it, a client that is not ours: it checks every request against AWS's model, signs it, and reads
//! the answers by that model.

use holdshort::demo::aws::KEY;

use crate::{clients, served::Served};

#[test]
fn botocore_reads_and_acts_on_the_pretended_lambda_and_its_signatures_count() {
    let served = Served::start("lambda", &[]);
    let config = std::fs::read_to_string(served.address("config")).unwrap();
    let config: toml::Table = config.parse().unwrap();
    let url = config["connections"]["lambda"]["url"].as_str().unwrap().to_owned();
    clients::drive("lambda", &[&url, KEY.0, KEY.1]);
}
