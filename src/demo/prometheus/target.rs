//! What is scraped: one target for each ready pod, with the counters that OpenTelemetry's HTTP server metrics have.

use std::collections::BTreeMap;

use crate::{
    demo::{
        prometheus::{
            noise::Noise,
            spec::{Behaviour, Signal, TrafficSpec},
            store::{Labels, NAME, SeriesId, Store, TICK, millis},
            traffic::{self, BOUNDS, Traffic},
        },
        system::{Arm, Serving},
    },
    domain::time::Timestamp,
};

const DURATION: &str = "http_server_request_duration_seconds";
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

/// What a pod of a version has to serve between two scrapes.
#[derive(Clone, Debug)]
struct Load {
    /// How many requests are expected.
    requests: f64,
    behaviour: Behaviour,
    /// The share of the response times in each bucket.
    shares: [f64; BOUNDS.len() + 1],
}

/// Every pod that was ever scraped, and the traffic that makes its counters grow.
#[derive(Clone, Debug)]
pub(crate) struct Targets {
    seed: u64,
    traffic: Vec<Traffic>,
    /// By cell and pod.
    pods: BTreeMap<(String, String), Target>,
}

impl Targets {
    pub(crate) fn new(seed: u64, traffic: Vec<TrafficSpec>, start: Timestamp) -> Self {
        let traffic = traffic.into_iter().map(|spec| Traffic::new(spec, start)).collect();
        Self { seed, traffic, pods: BTreeMap::new() }
    }

    /// Scrapes everything that serves now. A pod that is gone leaves stale markers, once.
    pub(crate) fn scrape(&mut self, store: &mut Store, now: Timestamp, serving: &[Serving]) {
        let tick = millis(now).div_euclid(TICK);
        for service in serving {
            let loads = self.loads(now, tick, service);
            for (arm, load) in service.arms.iter().zip(loads) {
                self.scrape_arm(store, tick, service, arm, load.as_ref());
            }
        }
        for target in self.pods.values_mut().filter(|target| target.seen != tick && !target.gone) {
            target.gone = true;
            for id in target.series() {
                store.end(id, tick);
            }
        }
    }

    /// What each version has to serve until this scrape; `None` where nobody sends it anything by the scenario.
    fn loads(&mut self, now: Timestamp, tick: i64, service: &Serving) -> Vec<Option<Load>> {
        let traffic = self.traffic.iter_mut().find(|traffic| {
            let spec = &traffic.spec;
            (&spec.cell, &spec.namespace, &spec.service) == (&service.cell, &service.namespace, &service.service)
        });
        let Some(traffic) = traffic else { return vec![None; service.arms.len()] };
        let (seed, rate) = (self.seed, traffic.rate(now));
        let behaviours: Vec<Option<Behaviour>> =
            service.arms.iter().map(|arm| traffic.behaviour(now, &arm.version, arm.share).cloned()).collect();
        let arrives = arrivals(&service.arms, &behaviours);
        let load = |((arm, behaviour), share): ((&Arm, Option<Behaviour>), f64)| {
            let mut behaviour = behaviour?;
            if let Some(error_ratio) = burst(seed, &behaviour, tick, service, arm) {
                behaviour.error_ratio = error_ratio;
            }
            let requests = rate * share * (TICK as f64 / 1000.0) / arm.pods.len().max(1) as f64;
            Some(Load { requests, shares: traffic::buckets(&behaviour), behaviour })
        };
        service.arms.iter().zip(behaviours).zip(arrives).map(load).collect()
    }

    fn scrape_arm(&mut self, store: &mut Store, tick: i64, service: &Serving, arm: &Arm, load: Option<&Load>) {
        if load.is_some_and(|load| load.behaviour.absent.contains(&Signal::All)) {
            return;
        }
        for (index, pod) in arm.pods.iter().enumerate() {
            let key = (service.cell.clone(), pod.clone());
            let target = self.pods.entry(key).or_insert_with(|| Target::new(store, service, arm, pod));
            (target.seen, target.gone) = (tick, false);
            store.append(target.up, tick, 1.0);
            store.append(target.info, tick, 1.0);
            if let Some(load) = load {
                let mut noise = Noise::new(self.seed, &[&service.cell, &service.namespace, pod], tick);
                target.serve(store, load, index == 0, &mut noise);
                target.expose(store, tick);
            }
        }
    }
}

/// How much a version fails in a burst, where it has one now.
fn burst(seed: u64, behaviour: &Behaviour, tick: i64, service: &Serving, arm: &Arm) -> Option<f64> {
    let bursts = behaviour.bursts.as_ref()?;
    let expected = (TICK as f64 / 1000.0) / bursts.every.as_secs_f64().max(1.0);
    let what = [service.cell.as_str(), &service.namespace, &service.service, &arm.version, "bursts"];
    (Noise::new(seed, &what, tick).poisson(expected) > 0.0).then_some(bursts.error_ratio)
}

/// The share of the traffic that really arrives at each version: what a router keeps from one, the others get.
fn arrivals(arms: &[Arm], behaviours: &[Option<Behaviour>]) -> Vec<f64> {
    let reaches = |behaviour: &Option<Behaviour>| behaviour.as_ref().map_or(1.0, |behaviour| behaviour.reaches);
    let arrives: Vec<f64> = arms.iter().zip(behaviours).map(|(arm, b)| arm.share * reaches(b)).collect();
    let total: f64 = arrives.iter().sum();
    if total <= 0.0 || behaviours.iter().all(|behaviour| reaches(behaviour) >= 1.0) {
        return arms.iter().map(|arm| arm.share).collect();
    }
    arrives.into_iter().map(|share| share / total).collect()
}

impl Target {
    fn new(store: &mut Store, service: &Serving, arm: &Arm, pod: &str) -> Self {
        let pairs = [
            ("instance", pod),
            ("job", &format!("{}/{}", service.namespace, service.service)),
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
        info.insert("k8s_cluster_name".to_owned(), service.cell.clone());
        info.insert("pod_template_hash".to_owned(), arm.hash.clone());
        let (up, info) = (store.open(up), store.open(info));
        Self { labels, up, info, codes: BTreeMap::new(), seen: 0, gone: false }
    }

    /// Counts the requests of one interval. Splitting a Poisson variable gives independent ones: one draw for each region,
    /// code and bucket. As with OpenTelemetry's libraries, a code has no series before its first request.
    fn serve(&mut self, store: &mut Store, load: &Load, first: bool, noise: &mut Noise) {
        let behaviour = &load.behaviour;
        let of_pod = behaviour.first_pod_error_ratio.filter(|_| first).unwrap_or(behaviour.error_ratio);
        if behaviour.regions.is_empty() {
            self.serve_region(store, load, ("", 1.0, of_pod), noise);
        }
        for region in &behaviour.regions {
            let error_ratio = region.error_ratio.unwrap_or(of_pod);
            self.serve_region(store, load, (&region.name, region.share, error_ratio), noise);
        }
    }

    /// The requests of one region: its name, its share of the pod's requests and how much of them fails.
    fn serve_region(
        &mut self,
        store: &mut Store,
        load: &Load,
        (region, share, error_ratio): (&str, f64, f64),
        noise: &mut Noise,
    ) {
        let measured = !load.behaviour.absent.contains(&Signal::Latency);
        let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
        let requests = load.requests * share;
        for (code, ratio) in [(SUCCESS, 1.0 - error_ratio), (FAILURE, error_ratio)] {
            let drawn = load.shares.map(|share| noise.poisson(requests * ratio * share));
            let total: f64 = drawn.iter().sum();
            let key = (code, region.to_owned());
            if total == 0.0 && !self.codes.contains_key(&key) {
                continue;
            }
            let labels = &self.labels;
            let counters =
                self.codes.entry(key).or_insert_with(|| Counters::new(store, labels, (code, region), measured));
            counters.requests += total;
            let mut begin = 0.0;
            for ((bucket, count), bound) in counters.buckets.iter_mut().zip(drawn).zip(bounds.clone()) {
                *bucket += count;
                let middle = if bound.is_finite() { f64::midpoint(begin, bound) } else { begin };
                counters.seconds += count * middle;
                begin = bound;
            }
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
