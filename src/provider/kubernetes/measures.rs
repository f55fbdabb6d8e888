//! What among a cluster's Services looks as if it measured: only hints for whoever sets up, for from here they may not be reached. Of a
//! Service only names, labels, annotations and ports are read.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::text::shell_word;

/// What systems that measure and answer PromQL are called by those who install them, in their name or their labels.
const MEASURES: [&str; 8] =
    ["prometheus", "thanos-query", "mimir", "cortex", "vmsingle", "vmselect", "victoria-metrics", "victoriametrics"];
/// What stands beside them under such a name and answers nothing.
const BESIDE: [&str; 9] = [
    "alertmanager",
    "exporter",
    "pushgateway",
    "operator",
    "adapter",
    "state-metrics",
    "grafana",
    "webhook",
    "memcached",
];
/// Where their interface is, unless the port is called so.
const PORT: u32 = 9090;
const PORTS: [&str; 4] = ["http-web", "web", "http", "http-metrics"];
/// Annotations that ask whoever measures to read a Service.
const SCRAPE: &str = "prometheus.io/scrape";
const SCRAPE_PORT: &str = "prometheus.io/port";
/// Names in a sentence.
const NAMED: usize = 6;

/// A Service, as far as it is read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Service {
    metadata: Meta,
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Meta {
    name: String,
    namespace: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    ports: Vec<Port>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Port {
    name: String,
    port: u32,
}

impl Service {
    /// Does it answer for measurements, as far as its name, its labels or its annotations say?
    fn measures(&self) -> bool {
        let label = |name: &str| self.metadata.labels.get(name).map(String::as_str);
        let component = label("app.kubernetes.io/component").into_iter();
        let names = [Some(self.metadata.name.as_str()), label("app.kubernetes.io/name"), label("app")];
        let names: Vec<&str> = names.into_iter().flatten().collect();
        let is_beside = names.iter().copied().chain(component).any(|name| BESIDE.iter().any(|one| name.contains(one)));
        let is_named = names.iter().any(|name| MEASURES.iter().any(|one| name.contains(one)));
        // Whoever measures reads itself, too.
        !is_beside && (is_named || self.is_read() && self.port() == PORT)
    }

    /// Does it ask to be read?
    fn is_read(&self) -> bool {
        self.metadata.annotations.get(SCRAPE).is_some_and(|value| value == "true")
    }

    fn port(&self) -> u32 {
        let annotated = self.metadata.annotations.get(SCRAPE_PORT).and_then(|port| port.parse().ok());
        let ports = &self.spec.ports;
        let usual = ports.iter().find(|port| port.port == PORT);
        let called = || ports.iter().find(|port| PORTS.contains(&port.name.as_str()));
        let found = usual.or_else(called).or(ports.first()).map(|port| port.port);
        found.or(annotated).unwrap_or(PORT)
    }

    /// Its address in the cluster, and how it is reached from outside.
    fn said(&self) -> String {
        let (Meta { name, namespace, .. }, port) = (&self.metadata, self.port());
        let forward = format!(
            "kubectl -n {} port-forward {} {PORT}:{port}",
            shell_word(namespace),
            shell_word(&format!("svc/{name}"))
        );
        format!(
            "what looks like metrics: http://{name}.{namespace}.svc:{port}. Where that is not reached, `{forward}` brings it here: \
             PROMETHEUS_URL=http://127.0.0.1:{PORT}"
        )
    }
}

/// What these look like, a sentence each without its full stop.
pub(super) fn found(services: &[Service]) -> Vec<String> {
    let mut said: Vec<String> = services.iter().filter(|one| one.measures()).map(Service::said).collect();
    let read: Vec<&str> =
        services.iter().filter(|one| one.is_read() && !one.measures()).map(|one| one.metadata.name.as_str()).collect();
    if !read.is_empty() {
        let more = read.len().saturating_sub(NAMED);
        let mut names: Vec<String> = read.iter().take(NAMED).map(|name| (*name).to_owned()).collect();
        names.extend((more > 0).then(|| format!("{more} more")));
        said.push(format!("Services that ask to be measured ({SCRAPE}): {}", names.join(", ")));
    }
    said
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(all: &Value) -> Vec<String> {
        found(&serde_json::from_value::<Vec<Service>>(all.clone()).unwrap())
    }

    #[test]
    fn what_measures_is_known_by_its_name_its_labels_or_its_annotations_and_what_stands_beside_it_is_not() {
        let service = |name: &str, labels: Value, annotations: Value, ports: Value| {
            json!({
                "metadata": {"name": name, "namespace": "monitoring", "labels": labels, "annotations": annotations},
                "spec": {"ports": ports},
            })
        };
        let none = || json!({});
        let all = json!([
            service(
                "kube-prometheus-stack-prometheus",
                none(),
                none(),
                json!([{"name": "reloader-web", "port": 8080}, {"name": "http-web", "port": 9090}])
            ),
            service(
                "metrics",
                json!({"app.kubernetes.io/name": "prometheus"}),
                none(),
                json!([{"name": "http", "port": 80}])
            ),
            service("q", none(), json!({"prometheus.io/scrape": "true", "prometheus.io/port": "9090"}), json!([])),
            service("prometheus-node-exporter", none(), none(), json!([{"name": "metrics", "port": 9100}])),
            service("prometheus-alertmanager", none(), none(), json!([{"port": 9093}])),
            service("payments", none(), json!({"prometheus.io/scrape": "true"}), json!([{"port": 8080}])),
            service("cart", none(), json!({"prometheus.io/scrape": "false"}), json!([{"port": 8080}])),
        ]);
        let expected = [
            "what looks like metrics: http://kube-prometheus-stack-prometheus.monitoring.svc:9090. Where that is not reached, `kubectl -n \
             monitoring port-forward svc/kube-prometheus-stack-prometheus 9090:9090` brings it here: \
             PROMETHEUS_URL=http://127.0.0.1:9090",
            "what looks like metrics: http://metrics.monitoring.svc:80. Where that is not reached, `kubectl -n monitoring port-forward \
             svc/metrics 9090:80` brings it here: PROMETHEUS_URL=http://127.0.0.1:9090",
            "what looks like metrics: http://q.monitoring.svc:9090. Where that is not reached, `kubectl -n monitoring port-forward svc/q \
             9090:9090` brings it here: PROMETHEUS_URL=http://127.0.0.1:9090",
            "Services that ask to be measured (prometheus.io/scrape): payments",
        ];
        assert_eq!(of(&all), expected);
        assert_eq!(of(&json!([])), [] as [&str; 0]);
    }
}
