//! What a HelmRelease gives its chart, as settings of its service: read when somebody asks, named by path, never what they are.

use futures::StreamExt;
use holdshort::{
    domain::setting::Settings,
    port::lookup::{Question, Told},
    provider::{flux, kubernetes::settings},
};
use serde_json::{Value, json};

use crate::scene::{Holds, object};

fn release(values: &Value) -> Value {
    let spec = json!({
        "interval": "10m0s", "chartRef": {"kind": "OCIRepository", "name": "podinfo"}, "values": values,
        "valuesFrom": [{"kind": "Secret", "name": "podinfo-secrets"}],
    });
    object("helm.toolkit.fluxcd.io/v2", "HelmRelease", "podinfo", spec, json!({"observedGeneration": 3}))
}

async fn told(holds: &Holds) -> Settings {
    let cluster = holds.cluster();
    let (facets, releases) = flux::facets(&cluster);
    for facet in facets {
        let scopes = facet.discover().await.unwrap();
        let _: Vec<_> = facet.list(scopes).collect().await;
    }
    let question = Question::Settings { service: "podinfo".into(), environment: "prod".into() };
    let told: Vec<_> = settings::lookup(&cluster, vec![releases]).ask(question).collect().await;
    match <[_; 1]>::try_from(told).unwrap() {
        [Ok(Told::Settings(settings))] => settings,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_values_of_a_release_are_settings_and_a_secret_that_does_not_tell_its_keys_is_said() {
    // The values of its documentation, and what nobody may see.
    let values = json!({"replicaCount": 2, "image": {"repository": "ghcr.io/stefanprodan/podinfo", "tag": "6.6.1"}, "ui": {"color": "marker-5d1c"}});
    let told = told(&Holds::these(vec![release(&values)])).await;
    let mut shown: Vec<_> = told.all.iter().map(|one| (one.name.as_str(), one.place.as_str())).collect();
    shown.sort_unstable();
    let place = "values of HelmRelease podinfo";
    let expected = [
        ("values/image.repository", place),
        ("values/podinfo-secrets/values.yaml", "Secret podinfo-secrets"),
        ("values/replicaCount", place),
        ("values/ui.color", place),
    ];
    assert_eq!(shown, expected);
    assert_eq!(told.unread, ["which keys Secret podinfo-secrets has in prod is not told"]);
    assert!(!format!("{told:?}").contains("marker"));
}
