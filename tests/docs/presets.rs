//! `docs/prometheus.md`: its table names every preset that is built in, with the labels that it reads.

use std::{collections::BTreeSet, fs};

#[test]
fn the_page_of_metrics_names_every_preset_with_its_labels_and_no_other() {
    let presets = fs::read_to_string("src/provider/prometheus/presets.json").unwrap();
    let presets: serde_json::Value = serde_json::from_str(&presets).unwrap();
    let of = |(name, preset): (&String, &serde_json::Value)| {
        let label = |key: &str| preset[key].as_str().unwrap().to_owned();
        [name.clone(), label("service_label"), label("version_label")]
    };
    let built_in: BTreeSet<[String; 3]> = presets["red"].as_object().unwrap().iter().map(of).collect();
    let page = fs::read_to_string("docs/prometheus.md").unwrap();
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<String> = line.strip_prefix("| `")?.split(" | ").map(|cell| cell.replace('`', "")).collect();
        Some([cells.first()?.clone(), cells.get(1)?.clone(), cells.get(2)?.clone()])
    });
    let told: BTreeSet<[String; 3]> = rows.filter(|[name, ..]| presets["red"].get(name).is_some()).collect();
    assert_eq!(told, built_in);
}
