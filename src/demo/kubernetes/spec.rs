//! What a scenario says of one cluster: the `TOML` of a cell. Only data and their defaults; `Cluster::new` makes it come true.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

mod canary;
mod flux;

pub use canary::{CanarySpec, TesterSpec};
pub use flux::{AutomationSpec, Chart, Commit, GitSpec, HelmReleaseSpec, KustomizationSpec, Suspended};

/// One cluster.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterSpec {
    /// Namespaces that hold nothing at the start; those of workloads are made anyway.
    #[serde(default)]
    pub namespaces: Vec<String>,
    /// Workloads driven by Argo Rollouts.
    #[serde(default)]
    pub rollouts: Vec<RolloutSpec>,
    /// Plain Deployments.
    #[serde(default)]
    pub deployments: Vec<DeploymentSpec>,
    /// `StatefulSets`.
    #[serde(default)]
    pub stateful_sets: Vec<StatefulSetSpec>,
    /// `DaemonSets`.
    #[serde(default)]
    pub daemon_sets: Vec<DaemonSetSpec>,
    /// Services.
    #[serde(default)]
    pub services: Vec<ServiceSpec>,
    /// Workloads driven by Flagger.
    #[serde(default)]
    pub canaries: Vec<CanarySpec>,
    /// Services behind which a load tester of Flagger's answers.
    #[serde(default)]
    pub testers: Vec<TesterSpec>,
    /// ConfigMaps.
    #[serde(default)]
    pub config_maps: Vec<HeldSpec>,
    /// Secrets.
    #[serde(default)]
    pub secrets: Vec<HeldSpec>,
    /// Repositories of git that Flux fetches, with what was pushed to them.
    #[serde(default)]
    pub git: Vec<GitSpec>,
    /// What Flux applies from them.
    #[serde(default)]
    pub kustomizations: Vec<KustomizationSpec>,
    /// Charts that Flux installs.
    #[serde(default)]
    pub helm_releases: Vec<HelmReleaseSpec>,
    /// What writes image tags into a repository of git.
    #[serde(default)]
    pub image_automations: Vec<AutomationSpec>,
    /// What bounds its pods, in Kubernetes' own form: a `ResourceQuota`, a `HorizontalPodAutoscaler`, a `PodDisruptionBudget`. No controller
    /// writes their status: it is as it is said.
    #[serde(default)]
    pub bounds: Vec<Value>,
    /// What analysis measures, by template; several rows of one template are its metrics.
    #[serde(default)]
    pub analysis: Vec<AnalysisSpec>,
    /// What the caller may do. Left out: everything.
    #[serde(default = "everything")]
    pub rights: Vec<Right>,
    /// Who the caller is, in refusals and reviews.
    #[serde(default = "caller")]
    pub user: String,
    /// A bearer token that every request must carry. Left out: none is asked for.
    #[serde(default)]
    pub token: Option<String>,
    /// Custom kinds that are installed; `argo` where nothing is said.
    #[serde(default = "argo")]
    pub crds: Vec<Crd>,
    /// Image tags whose pods crash as soon as they start.
    #[serde(default)]
    pub crashing: Vec<String>,
}

/// A set of custom kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Crd {
    /// Rollouts and AnalysisRuns of `argoproj.io/v1alpha1`.
    Argo,
    /// Kustomizations, HelmReleases, image automations and their sources, of `toolkit.fluxcd.io`.
    Flux,
    /// Canaries of `flagger.app/v1beta1`.
    Flagger,
    /// Routes of `gateway.networking.k8s.io/v1`.
    Gateway,
}

impl Crd {
    /// Every set.
    pub(crate) const ALL: [Self; 4] = [Self::Argo, Self::Flux, Self::Flagger, Self::Gateway];

    /// The API groups of its kinds.
    pub(crate) fn groups(self) -> &'static [&'static str] {
        match self {
            Self::Argo => &["argoproj.io"],
            Self::Flux => &[
                "source.toolkit.fluxcd.io",
                "kustomize.toolkit.fluxcd.io",
                "helm.toolkit.fluxcd.io",
                "image.toolkit.fluxcd.io",
            ],
            Self::Flagger => &["flagger.app"],
            Self::Gateway => &["gateway.networking.k8s.io"],
        }
    }
}

/// A Rollout with the canary strategy.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RolloutSpec {
    /// Namespace.
    pub namespace: String,
    /// Name; also the value of the labels `app` and `app.kubernetes.io/name`.
    pub name: String,
    /// Wanted pods.
    #[serde(default = "three")]
    pub replicas: i64,
    /// Image without tag: `registry.shop.example/payments`.
    pub image: String,
    /// Name of the container.
    #[serde(default = "app")]
    pub container: String,
    /// Steps in Argo's own form: `{ setWeight = 5 }`, `{ pause = { duration = "10m" } }`, `{ pause = {} }`,
    /// `{ analysis = { templates = [{ templateName = "success-rate" }] } }`.
    #[serde(default)]
    pub steps: Vec<Value>,
    /// Templates of analysis that runs in the background during an update.
    #[serde(default)]
    pub background_analysis: Vec<String>,
    /// A traffic router, if weights are set and not counted in pods.
    #[serde(default)]
    pub traffic_router: Option<Router>,
    /// `maxSurge`: a number or a percentage; a quarter if left out.
    #[serde(default)]
    pub max_surge: Option<Value>,
    /// `maxUnavailable`: a number or a percentage; a quarter if left out.
    #[serde(default)]
    pub max_unavailable: Option<Value>,
    /// `progressDeadlineSeconds`.
    #[serde(default)]
    pub progress_deadline_seconds: Option<i64>,
    /// Annotations of the object: `"team" = "payments"`.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// The container's `env`, in Kubernetes' own form: `{ name = "MODE", value = "fast" }`.
    #[serde(default)]
    pub env: Vec<Value>,
    /// Its `envFrom`: `{ configMapRef = { name = "payments-env" } }`.
    #[serde(default)]
    pub env_from: Vec<Value>,
    /// Versions that were released, oldest first. The last one is stable and fully promoted when the cluster starts.
    pub history: Vec<Release>,
}

/// A traffic router that Argo can drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Router {
    /// An ingress of nginx.
    Nginx,
    /// A virtual service of Istio.
    Istio,
}

/// A Deployment with rolling update.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeploymentSpec {
    /// Namespace.
    pub namespace: String,
    /// Name; also the value of the labels `app` and `app.kubernetes.io/name`.
    pub name: String,
    /// Wanted pods.
    #[serde(default = "three")]
    pub replicas: i64,
    /// Image without tag.
    pub image: String,
    /// Name of the container.
    #[serde(default = "app")]
    pub container: String,
    /// `progressDeadlineSeconds`; 600 if left out.
    #[serde(default)]
    pub progress_deadline_seconds: Option<i64>,
    /// The value of the label `app`, where several Deployments serve one service; the name if left out.
    #[serde(default)]
    pub app: Option<String>,
    /// Further labels of its pods, by which it selects them: `track = "canary"`.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The container's `env`, in Kubernetes' own form.
    #[serde(default)]
    pub env: Vec<Value>,
    /// Its `envFrom`.
    #[serde(default)]
    pub env_from: Vec<Value>,
    /// Versions that were released, oldest first. The last one runs when the cluster starts.
    pub history: Vec<Release>,
}

/// A `StatefulSet`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatefulSetSpec {
    /// Namespace.
    pub namespace: String,
    /// Name; also the value of the labels `app` and `app.kubernetes.io/name`.
    pub name: String,
    /// Wanted pods.
    #[serde(default = "three")]
    pub replicas: i64,
    /// Image without tag.
    pub image: String,
    /// Name of the container.
    #[serde(default = "app")]
    pub container: String,
    /// Pods are made and taken away all at once (`podManagementPolicy: Parallel`), not in order.
    #[serde(default)]
    pub parallel: bool,
    /// A pod is exchanged when somebody deletes it (`updateStrategy: OnDelete`).
    #[serde(default)]
    pub on_delete: bool,
    /// The partition that it has from its last release on.
    #[serde(default)]
    pub partition: i64,
    /// Versions that were released, oldest first. The last one runs when the cluster starts.
    pub history: Vec<Release>,
}

/// A `DaemonSet`; every cluster has three nodes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DaemonSetSpec {
    /// Namespace.
    pub namespace: String,
    /// Name; also the value of the labels `app` and `app.kubernetes.io/name`.
    pub name: String,
    /// Image without tag.
    pub image: String,
    /// Name of the container.
    #[serde(default = "app")]
    pub container: String,
    /// A pod is exchanged when somebody deletes it (`updateStrategy: OnDelete`).
    #[serde(default)]
    pub on_delete: bool,
    /// Versions that were released, oldest first. The last one runs when the cluster starts.
    pub history: Vec<Release>,
}

/// A Service.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceSpec {
    /// Namespace.
    pub namespace: String,
    /// Name. Where it is that of a service, only pods that it selects take traffic.
    pub name: String,
    /// Which pods it sends traffic to.
    pub selector: BTreeMap<String, String>,
    /// Two Deployments that are one release behind it, as the configuration declares them.
    #[serde(default)]
    pub pair: Option<[String; 2]>,
    /// The label of its selector that is switched between them.
    #[serde(default)]
    pub switch: Option<String>,
}

/// A ConfigMap or a Secret.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldSpec {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// What it holds, by key.
    pub data: BTreeMap<String, String>,
    /// The field manager that wrote it.
    #[serde(default = "helm")]
    pub by: String,
    /// How long before the start it was written, as `3d 2h`; a week if left out.
    #[serde(default, deserialize_with = "optional_span")]
    pub ago: Option<Duration>,
}

fn helm() -> String {
    "helm".to_owned()
}

/// A version that was released before the scenario starts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Image tag.
    pub tag: String,
    /// Commit it was built from.
    pub commit: String,
    /// How long before the start it was released, as `3d 2h`. Left out: a day for each release from the end.
    #[serde(default, deserialize_with = "optional_span")]
    pub ago: Option<Duration>,
}

/// One metric of an analysis template, and what it will measure.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnalysisSpec {
    /// Name of the template.
    pub template: String,
    /// Name of the metric; the template's if left out.
    #[serde(default)]
    pub metric: Option<String>,
    /// The query it claims to ask. Two rows with the same metric, limits and query are taken for one.
    #[serde(default)]
    pub query: String,
    /// Time between two measurements.
    #[serde(default = "ten_seconds", deserialize_with = "span")]
    pub interval: Duration,
    /// How many measurements make it successful.
    #[serde(default = "one")]
    pub count: i64,
    /// More failed measurements than this fail it.
    #[serde(default)]
    pub failure_limit: i64,
    /// More inconclusive measurements than this make it inconclusive.
    #[serde(default)]
    pub inconclusive_limit: i64,
    /// A value from here up is successful.
    #[serde(default)]
    pub at_least: Option<f64>,
    /// A value from here down is successful.
    #[serde(default)]
    pub at_most: Option<f64>,
    /// A value below this is failed; between this and success it is inconclusive.
    #[serde(default)]
    pub fails_below: Option<f64>,
    /// A value above this is failed; between this and success it is inconclusive.
    #[serde(default)]
    pub fails_above: Option<f64>,
    /// What is measured, one value a measurement; the last one repeats. `nan` is a measurement that found no data.
    pub values: Vec<f64>,
    /// What is measured of certain versions, by image tag.
    #[serde(default)]
    pub of: BTreeMap<String, Vec<f64>>,
}

/// One rule of what the caller may do, as in a Role. `*` stands for everything.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Right {
    /// `get`, `list`, `watch`, `patch`, `update`.
    pub verbs: Vec<String>,
    /// API groups: the empty text is the core group.
    pub groups: Vec<String>,
    /// Resources, subresources with a slash: `rollouts/status`.
    pub resources: Vec<String>,
    /// Only objects with these names; all if left out.
    #[serde(default)]
    pub names: Vec<String>,
    /// Only in these namespaces; everywhere, and at cluster scope, if left out.
    #[serde(default)]
    pub namespaces: Vec<String>,
}

impl AnalysisSpec {
    pub(crate) fn metric(&self) -> &str {
        self.metric.as_deref().unwrap_or(&self.template)
    }

    /// The condition of success in Argo's words.
    pub(crate) fn success(&self) -> Option<String> {
        condition(self.at_least, ">=").or_else(|| condition(self.at_most, "<="))
    }

    /// The condition of failure in Argo's words.
    pub(crate) fn failure(&self) -> Option<String> {
        condition(self.fails_below, "<").or_else(|| condition(self.fails_above, ">"))
    }

    /// The value that the n-th measurement of a version finds; none where there is no data.
    pub(crate) fn value(&self, tag: &str, at: usize) -> Option<f64> {
        let values = self.of.get(tag).unwrap_or(&self.values);
        values.get(at).or_else(|| values.last()).copied().filter(|value| !value.is_nan())
    }

    /// The phase of one measurement: failure wins, and with both conditions there is something between.
    pub(crate) fn judge(&self, value: f64) -> &'static str {
        let fails =
            self.fails_below.is_some_and(|bound| value < bound) || self.fails_above.is_some_and(|bound| value > bound);
        let succeeds =
            self.at_least.is_none_or(|bound| value >= bound) && self.at_most.is_none_or(|bound| value <= bound);
        let between = self.failure().is_some() && self.success().is_some();
        match (fails, succeeds) {
            (false, true) => "Successful",
            (false, false) if between => "Inconclusive",
            _ => "Failed",
        }
    }
}

fn condition(bound: Option<f64>, sign: &str) -> Option<String> {
    bound.map(|bound| format!("result[0] {sign} {bound}"))
}

fn everything() -> Vec<Right> {
    let all = || vec!["*".to_owned()];
    vec![Right { verbs: all(), groups: all(), resources: all(), names: Vec::new(), namespaces: Vec::new() }]
}

fn caller() -> String {
    "holdshort".to_owned()
}

fn argo() -> Vec<Crd> {
    vec![Crd::Argo]
}

fn app() -> String {
    "app".to_owned()
}

fn three() -> i64 {
    3
}

fn one() -> i64 {
    1
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

/// A span as people write it: `90s`, `10m`, `3d 2h`.
pub(crate) fn span<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    humantime::parse_duration(&text).map_err(serde::de::Error::custom)
}

fn optional_span<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    span(from).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: &str = r#"
        [[rollouts]]
        namespace = "shop"
        name = "payments"
        replicas = 12
        image = "registry.shop.example/payments"
        steps = [{ setWeight = 5 }, { pause = {} }, { setWeight = 25 }, { pause = { duration = "30m" } }]
        history = [{ tag = "1.41.2", commit = "aaaa" }, { tag = "1.41.3", commit = "bbbb", ago = "3d 2h" }]

        [[analysis]]
        template = "success-rate"
        at_least = 0.95
        values = [0.99]
        of = { "1.42.0" = [0.99, 0.61] }
    "#;

    #[test]
    fn a_cell_says_little_and_has_defaults_for_the_rest() {
        let spec: ClusterSpec = toml::from_str(CELL).unwrap();
        let rollout = &spec.rollouts[0];
        assert_eq!((rollout.replicas, rollout.container.as_str()), (12, "app"));
        assert_eq!(rollout.steps[3], serde_json::json!({"pause": {"duration": "30m"}}));
        assert_eq!(rollout.history[1].ago, Some(Duration::from_hours(74)));
        assert_eq!(spec.rights, everything());
        assert_eq!(spec.crds, [Crd::Argo]);
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let error = toml::from_str::<ClusterSpec>("[[rollouts]]\nnamespac = \"shop\"").unwrap_err();
        assert!(error.to_string().contains("unknown field `namespac`"), "{error}");
    }

    #[test]
    fn measurements_follow_the_version_and_their_conditions() {
        let spec: ClusterSpec = toml::from_str(CELL).unwrap();
        let analysis = &spec.analysis[0];
        let phases =
            |tag: &str| -> Vec<&str> { (0..3).map(|at| analysis.judge(analysis.value(tag, at).unwrap())).collect() };
        assert_eq!(phases("1.41.3"), ["Successful"; 3]);
        assert_eq!(phases("1.42.0"), ["Successful", "Failed", "Failed"]);
        assert_eq!(analysis.success().unwrap(), "result[0] >= 0.95");
    }

    #[test]
    fn between_failure_and_success_a_measurement_is_inconclusive() {
        let spec: AnalysisSpec =
            toml::from_str("template = \"t\"\nat_least = 0.95\nfails_below = 0.9\nvalues = [nan]").unwrap();
        assert_eq!([0.99, 0.92, 0.5].map(|value| spec.judge(value)), ["Successful", "Inconclusive", "Failed"]);
        assert_eq!(spec.value("any", 0), None);
    }
}
