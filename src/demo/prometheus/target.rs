//! What is scraped: one target for each ready pod, with the counters that OpenTelemetry's HTTP server metrics have.

use std::collections::BTreeMap;

use crate::{
    demo::{
        prometheus::store::{Labels, NAME, SeriesId, Store, TICK, millis},
        traffic::{Arm, BOUNDS, Outcome, Requests, Served, Serving, spec::Signal},
    },
    domain::time::Timestamp,
};

const DURATION: &str = "http_server_request_duration_seconds";
/// The label that says in which cell a pod runs.
pub(super) const CLUSTER: &str = "k8s_cluster_name";
const SUCCESS: &str = "200";
const FAILURE: &str = "500";

/// The counters of one pod for one status code.
#[derive(Clone, Debug)]
struct Counters {
    count: SeriesId,
    requests: f64,
    /// The sum, and each bucket with the last being the one without a bound; nothing where latency is not measured.
    latency: Option<(SeriesId, [SeriesId; BOUNDS.len() + 1])>,
    seconds: f64,
    buckets: [f64; BOUNDS.len() + 1],
}

/// One pod.
#[derive(Clone, Debug)]
struct Target {
    labels: Labels,
    up: SeriesId,
    info: SeriesId,
    /// By status code and region.
    codes: BTreeMap<(&'static str, String), Counters>,
    /// The tick of its last scrape.
    seen: i64,
    gone: bool,
}

/// Every pod that was ever scraped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Targets {
    /// By cell and pod.
    pods: BTreeMap<(String, String), Target>,
}

impl Targets {
    /// Scrapes everything that serves now. A pod that is gone leaves stale markers, once.
    pub(crate) fn scrape(&mut self, store: &mut Store, now: Timestamp, served: &[Served<'_>]) {
        let tick = millis(now).div_euclid(TICK);
        for pod in served.iter().filter(|pod| !pod.absent.contains(&Signal::All)) {
            let key = (pod.service.cell.clone(), pod.pod.to_owned());
            let target = self.pods.entry(key).or_insert_with(|| Target::new(store, pod.service, pod.arm, pod.pod));
            (target.seen, target.gone) = (tick, false);
            store.append(target.up, tick, 1.0);
            store.append(target.info, tick, 1.0);
            if !pod.requests.is_empty() {
                let latency = !pod.absent.contains(&Signal::Latency);
                for requests in &pod.requests {
                    target.count(store, requests, latency);
                }
                target.expose(store, tick);
            }
        }
        for target in self.pods.values_mut().filter(|target| target.seen != tick && !target.gone) {
            target.gone = true;
            for id in target.series() {
                store.end(id, tick);
            }
        }
    }
}

impl Target {
    fn new(store: &mut Store, service: &Serving, arm: &Arm, pod: &str) -> Self {
        let pairs = [
            ("instance", pod),
            ("job", &format!("{}/{}", service.namespace, service.service)),
            (CLUSTER, &service.cell),
            ("namespace", &service.namespace),
            ("pod", pod),
            ("service_name", &service.service),
            ("service_version", &arm.version),
        ];
        let labels: Labels = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let up = labels.iter().filter(|(name, _)| !name.starts_with("service_"));
        let mut up: Labels = up.map(|(name, value)| (name.clone(), value.clone())).collect();
        up.insert(NAME.to_owned(), "up".to_owned());
        let mut info = labels.clone();
        info.insert(NAME.to_owned(), "target_info".to_owned());
        info.insert("pod_template_hash".to_owned(), arm.hash.clone());
        let (up, info) = (store.open(up), store.open(info));
        Self { labels, up, info, codes: BTreeMap::new(), seen: 0, gone: false }
    }

    /// Adds the requests of one interval. As with OpenTelemetry's libraries, a code has no series before its first request.
    fn count(&mut self, store: &mut Store, requests: &Requests<'_>, latency: bool) {
        let code = match requests.outcome {
            Outcome::Success => SUCCESS,
            Outcome::Failure => FAILURE,
        };
        let total: f64 = requests.by_time.iter().sum();
        let key = (code, requests.region.to_owned());
        if total == 0.0 && !self.codes.contains_key(&key) {
            return;
        }
        let labels = &self.labels;
        let counters =
            self.codes.entry(key).or_insert_with(|| Counters::new(store, labels, (code, requests.region), latency));
        counters.requests += total;
        let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
        let mut begin = 0.0;
        for ((bucket, count), bound) in counters.buckets.iter_mut().zip(requests.by_time).zip(bounds) {
            *bucket += count;
            let middle = if bound.is_finite() { f64::midpoint(begin, bound) } else { begin };
            counters.seconds += count * middle;
            begin = bound;
        }
    }

    fn expose(&self, store: &mut Store, tick: i64) {
        for counters in self.codes.values() {
            store.append(counters.count, tick, counters.requests);
            let Some((sum, buckets)) = &counters.latency else { continue };
            store.append(*sum, tick, counters.seconds);
            let mut below = 0.0;
            for (id, count) in buckets.iter().zip(counters.buckets) {
                below += count;
                store.append(*id, tick, below);
            }
        }
    }

    fn series(&self) -> Vec<SeriesId> {
        let mut ids = vec![self.up, self.info];
        for counters in self.codes.values() {
            ids.push(counters.count);
            if let Some((sum, buckets)) = &counters.latency {
                ids.push(*sum);
                ids.extend(buckets);
            }
        }
        ids
    }
}

impl Counters {
    fn new(store: &mut Store, labels: &Labels, (code, region): (&str, &str), latency: bool) -> Self {
        let mut labels = labels.clone();
        if !region.is_empty() {
            labels.insert("region".to_owned(), region.to_owned());
        }
        labels.insert("http_response_status_code".to_owned(), code.to_owned());
        let mut open = |kind: &str, bound: Option<f64>| {
            let mut labels = labels.clone();
            labels.insert(NAME.to_owned(), format!("{DURATION}_{kind}"));
            if let Some(bound) = bound {
                labels.insert("le".to_owned(), if bound.is_finite() { bound.to_string() } else { "+Inf".to_owned() });
            }
            store.open(labels)
        };
        let count = open("count", None);
        let latency = latency.then(|| {
            let mut bounds = BOUNDS.into_iter();
            let buckets = [(); BOUNDS.len() + 1].map(|()| open("bucket", Some(bounds.next().unwrap_or(f64::INFINITY))));
            (open("sum", None), buckets)
        });
        Self { count, requests: 0.0, latency, seconds: 0.0, buckets: [0.0; BOUNDS.len() + 1] }
    }
}
