//! The metrics that this machine is told of: `PROMETHEUS_URL`. Connects to nothing.

use crate::{
    config::draft::Drafted,
    run::registry::found::{Here, Part},
};

/// What stands there until it is known which series there are.
const UNTIL_KNOWN: &str = "otel-http";

/// One connection where an address is named.
pub(in crate::run::registry) fn found(here: &Here) -> Part {
    let Some(url) = here.environment.get("PROMETHEUS_URL").filter(|url| !url.is_empty()) else {
        let missing = "Metrics: PROMETHEUS_URL names no address. Without them nothing is judged.\nWrite\n\
                       [connections.metrics]\nkind = \"prometheus\"\nurl = \"https://prometheus.example.com\"\npreset = \"otel-http\"";
        return Part { connections: Vec::new(), missing: vec![missing.to_owned()] };
    };
    let mut one = Drafted::new("metrics", "prometheus", "The address that PROMETHEUS_URL names")
        .with("url", url.as_str(), "")
        .with("preset", UNTIL_KNOWN, "not held against its series: `holdshort doctor` says which one fits");
    match here.environments.as_slice() {
        [] => {}
        [only] => one.set("covers", toml::Value::from(vec![only.clone()]), "the environments that its series are of".into()),
        several => one.notes.push(format!(
            "It is not known of which of {} its series are: write covers = […], or place_label = \"…\" for the label that tells them \
             apart. Until then nothing that runs in several is judged.",
            several.join(", ")
        )),
    }
    Part { connections: vec![one], missing: Vec::new() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn metrics_cover_the_only_environment_and_where_there_are_several_somebody_must_say_it() {
        let of = |environments: &[&str]| {
            let environment = BTreeMap::from([("PROMETHEUS_URL".to_owned(), "http://localhost:9090".to_owned())]);
            let environments = environments.iter().map(|one| (*one).to_owned()).collect();
            found(&Here { environment, folder: "/".into(), environments }).connections.remove(0)
        };
        let covers = |one: &Drafted| one.settings.iter().any(|(key, ..)| key == "covers");
        assert!(covers(&of(&["eu"])) && of(&["eu"]).notes.is_empty());
        assert!(!covers(&of(&["eu", "us"])) && of(&["eu", "us"]).notes[0].contains("eu, us"));
        let none = found(&Here { environment: BTreeMap::new(), folder: "/".into(), environments: Vec::new() });
        assert!(none.connections.is_empty() && none.missing[0].contains("kind = \"prometheus\""));
    }
}
