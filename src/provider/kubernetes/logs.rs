//! What pods write, as the API server hands it on: the logs of all pods of a service, by version.
//!
//! Each log is read as often as the connection is, from the second of its newest line on, and what was told already is left out: a log
//! that is followed instead holds a connection of the API server and of a kubelet for each pod. A log is lost with its pod, so only what
//! was read since the youngest pod began is called whole.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{HeaderValue, Request, header};
use serde::Deserialize;

use super::{
    api::{Meta, lenient, readable},
    cluster::Cluster,
    facade::{Facade, Kind},
    request::{PODS, Query},
};
use crate::{
    domain::{
        ids::ServiceName,
        line::{LogLine, Span},
        observed::FaultKind,
        text::clean,
        time::Timestamp,
    },
    port::{
        error::ProviderError,
        lookup::{Answers, Lines, Lookup, Question, Told, Topic, Written, foreign},
        wire::Class,
    },
    provider::http::client::part,
};

/// Pods of one version that are read: each is a request.
const PODS_READ: usize = 8;
/// Logs that are read at once.
const AT_ONCE: usize = 4;
/// Lines of one log that are read at once.
const TAIL: usize = 2_000;
/// Bytes of it.
const BYTES: usize = 4 << 20;
/// Containers beside the one that serves, by what service meshes call theirs.
pub(super) const BESIDE: [&str; 5] = ["istio-proxy", "linkerd-proxy", "envoy", "vault-agent", "cloud-sql-proxy"];

/// The pods that an engine's workloads of a service have.
pub trait Workloads: Send + Sync {
    /// Where they are, and by which labels they are found.
    fn pods_of(&self, service: &ServiceName) -> Vec<Selected>;
}

/// Pods with these labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    namespace: String,
    labels: String,
    /// The label whose value tells versions apart.
    hash: &'static str,
}

impl<K: Kind> Workloads for Facade<K> {
    fn pods_of(&self, service: &ServiceName) -> Vec<Selected> {
        let store = self.store();
        let selected = |object: &K::Object| {
            let meta = super::api::Object::meta(object);
            let is_it = self.cluster.scope.service(&meta.namespace, &meta.name) == *service;
            let labels = K::pods(object, &self.beside(&store, object)).filter(|_| is_it)?;
            Some(Selected { namespace: meta.namespace.clone(), labels, hash: K::HASH_LABEL })
        };
        store.objects().filter_map(selected).collect()
    }
}

/// What the pods of a cluster write.
pub fn lookup(cluster: &Arc<Cluster>, engines: Vec<Arc<dyn Workloads>>, interval: Duration) -> Arc<dyn Lookup> {
    Arc::new(PodLogs { cluster: Arc::clone(cluster), engines, interval })
}

struct PodLogs {
    cluster: Arc<Cluster>,
    engines: Vec<Arc<dyn Workloads>>,
    interval: Duration,
}

/// A pod, as far as its log is concerned.
#[derive(Clone, Debug, Default, Deserialize)]
struct Pod {
    metadata: Meta,
    #[serde(default, deserialize_with = "lenient")]
    spec: Spec,
    #[serde(default, deserialize_with = "lenient")]
    status: Status,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Spec {
    #[serde(default, deserialize_with = "readable")]
    containers: Vec<Container>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Container {
    #[serde(default, deserialize_with = "lenient")]
    name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default, deserialize_with = "lenient")]
    start_time: Option<Timestamp>,
    #[serde(default, deserialize_with = "readable")]
    container_statuses: Vec<Restarted>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Restarted {
    #[serde(default, deserialize_with = "lenient")]
    name: String,
    #[serde(default, deserialize_with = "lenient")]
    restart_count: u32,
}

/// One log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Log {
    namespace: String,
    pod: String,
    container: String,
    version: String,
    /// Of the container that ran before this one.
    previous: bool,
}

/// How far a log was read: its newest second, and which of its lines were told.
#[derive(Clone, Debug, Default)]
struct Place {
    since: Option<Timestamp>,
    told: BTreeSet<u64>,
}

impl Lookup for PodLogs {
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Lines]
    }

    fn ask(&self, question: Question) -> Answers<'_> {
        let asked = match question {
            Question::Lines(asked) => asked,
            other => return foreign("Kubernetes", &other),
        };
        let reading = Reading { logs: self, asked, places: BTreeMap::new(), last: None, over: false };
        stream::unfold(reading, |mut reading| async move {
            let answer = reading.next().await?;
            Some((answer.map(Told::Lines), reading))
        })
        .boxed()
    }
}

struct Reading<'a> {
    logs: &'a PodLogs,
    asked: Lines,
    places: BTreeMap<Log, Place>,
    /// When everything was last read.
    last: Option<Timestamp>,
    over: bool,
}

impl Reading<'_> {
    async fn next(&mut self) -> Option<Result<Written, ProviderError>> {
        if self.over || (self.last.is_some() && !self.asked.follow) {
            return None;
        }
        if self.last.is_some() {
            self.logs.cluster.clock.sleep(self.logs.interval).await;
        }
        let answer = self.read().await;
        self.over = answer.is_err();
        Some(answer)
    }

    async fn read(&mut self) -> Result<Written, ProviderError> {
        let now = self.logs.cluster.clock.now();
        let (pods, sampled) = self.pods().await?;
        let began = pods.iter().filter_map(|(pod, _, _)| pod.status.start_time).max();
        let logs: Vec<Log> =
            pods.iter().flat_map(|(pod, namespace, version)| logs_of(pod, namespace, version)).collect();
        self.places.retain(|log, _| logs.contains(log));
        let read = |log: Log| {
            let since = self.places.get(&log).and_then(|place| place.since).unwrap_or(self.asked.window.from);
            let cluster = &self.logs.cluster;
            async move { (one(cluster, &log, since).await, log) }
        };
        let all: Vec<_> = stream::iter(logs.into_iter().map(read)).buffer_unordered(AT_ONCE).collect().await;
        let (mut lines, mut cut) = (Vec::new(), false);
        for (told, log) in all {
            // One that begins just now, or is gone meanwhile, has no log; whoever may not read one may read none.
            let told = match told {
                Ok(told) => told,
                Err(error) if matches!(error.kind, FaultKind::Missing | FaultKind::Rejected) => continue,
                Err(error) => return Err(error),
            };
            cut |= told.cut;
            lines.extend(self.take(&log, told.lines));
        }
        lines.sort_by(|one: &LogLine, other| (one.at, &one.pod).cmp(&(other.at, &other.pod)));
        let before = lines.len();
        let most = if self.last.is_none() { self.asked.most } else { usize::MAX };
        lines.drain(..before.saturating_sub(most));
        let from = self.last.unwrap_or_else(|| began.unwrap_or(now).max(self.asked.window.from));
        let is_whole = !cut && !sampled && before <= most && from < now;
        self.last = Some(now);
        Ok(Written { lines, whole: is_whole.then_some(Span { from, to: now }), dropped: u64::from(cut) })
    }

    /// The pods whose logs are read, with their namespace and version; and whether others are left out.
    async fn pods(&self) -> Result<(Vec<(Pod, String, String)>, bool), ProviderError> {
        let selected: Vec<Selected> =
            self.logs.engines.iter().flat_map(|engine| engine.pods_of(&self.asked.service)).collect();
        if selected.is_empty() {
            let (service, cluster) = (&self.asked.service, &self.logs.cluster.scope.cluster);
            return Err(ProviderError::new(FaultKind::Missing, format!("nothing on {cluster} runs {service}")));
        }
        let (mut all, mut left_out) = (Vec::new(), false);
        for Selected { namespace, labels, hash } in selected {
            let query = Query::all(PODS, Some(namespace.clone())).labelled(Some(labels));
            let mut pods: Vec<Pod> = self.logs.cluster.list(&query).await?;
            pods.sort_by_key(|pod| std::cmp::Reverse(pod.status.start_time));
            let mut by_version: BTreeMap<String, usize> = BTreeMap::new();
            let wanted = |pod: &Pod| self.asked.pod.as_ref().is_none_or(|name| clean(&pod.metadata.name) == *name);
            for pod in pods.into_iter().filter(wanted) {
                let version = clean(pod.metadata.labels.get(hash).map_or("", String::as_str));
                if !self.asked.versions.is_empty() && !self.asked.versions.contains(&version) {
                    continue;
                }
                let count = by_version.entry(version.clone()).or_default();
                *count += 1;
                if *count <= PODS_READ {
                    all.push((pod, namespace.clone(), version));
                } else {
                    left_out = true;
                }
            }
        }
        Ok((all, left_out))
    }

    /// The lines that were not told yet and are asked for.
    fn take(&mut self, log: &Log, lines: Vec<(Timestamp, String)>) -> Vec<LogLine> {
        let place = self.places.entry(log.clone()).or_default();
        let newest = lines.last().map(|(at, _)| second(*at));
        let mut new = Vec::new();
        let mut told = BTreeSet::new();
        for (at, text) in lines {
            let mut hasher = DefaultHasher::new();
            (at, &text).hash(&mut hasher);
            let mark = hasher.finish();
            let is_new = !place.told.contains(&mark);
            // Only those of the newest second are read again.
            if Some(second(at)) >= newest {
                told.insert(mark);
            }
            let window = self.asked.window;
            let within = at > window.from && (self.asked.follow || at <= window.to);
            let line = LogLine { version: log.version.clone(), pod: log.pod.clone(), ..LogLine::new(at, &text) };
            if is_new && within && line.says(&self.asked.text) && line.is_at_least(self.asked.level) {
                new.push(line);
            }
        }
        if newest.is_some() {
            (place.since, place.told) = (newest, told);
        }
        new
    }
}

/// The logs of a pod: of the container that serves, and of the one before it where that ended.
fn logs_of(pod: &Pod, namespace: &str, version: &str) -> Vec<Log> {
    let containers = &pod.spec.containers;
    let serves = containers.iter().find(|container| !BESIDE.contains(&container.name.as_str())).or(containers.first());
    let container = serves.map(|container| container.name.clone()).unwrap_or_default();
    let restarted = |one: &&Restarted| one.name == container && one.restart_count > 0;
    let again = pod.status.container_statuses.iter().find(restarted).is_some();
    let log = |previous| Log {
        namespace: namespace.to_owned(),
        pod: clean(&pod.metadata.name),
        container: container.clone(),
        version: version.to_owned(),
        previous,
    };
    again.then(|| log(true)).into_iter().chain([log(false)]).collect()
}

/// What was read of one log.
struct Tail {
    lines: Vec<(Timestamp, String)>,
    /// Are there lines before or behind these that were not read?
    cut: bool,
}

async fn one(cluster: &Cluster, log: &Log, since: Timestamp) -> Result<Tail, ProviderError> {
    let answer = cluster.answer(request(log, since)?, Some(PODS)).await?;
    Ok(tail(answer.body()))
}

/// What an answer holds, in order of time. A byte that is no text is seen as one.
fn tail(body: &[u8]) -> Tail {
    let text = String::from_utf8_lossy(body);
    let mut lines: Vec<_> = text.split('\n').filter(|line| !line.is_empty()).filter_map(stamped).collect();
    let cut = lines.len() >= TAIL || body.len() >= BYTES;
    lines.sort_by_key(|(at, _)| *at);
    Tail { lines, cut }
}

/// `2026-03-10T02:07:39.123456789Z the line`.
fn stamped(line: &str) -> Option<(Timestamp, String)> {
    let (at, text) = line.split_once(' ').unwrap_or((line, ""));
    Some((at.parse().ok()?, text.to_owned()))
}

fn request(log: &Log, since: Timestamp) -> Result<Request<Bytes>, ProviderError> {
    let Log { namespace, pod, container, previous, .. } = log;
    let mut uri = format!("/api/v1/namespaces/{}/pods/{}/log?timestamps=true", part(namespace), part(pod));
    let since = second(since).format("%FT%TZ").to_string();
    for (name, value) in [
        ("tailLines", TAIL.to_string()),
        ("limitBytes", BYTES.to_string()),
        ("sinceTime", since),
        ("container", part(container)),
    ] {
        if !value.is_empty() {
            uri.extend(["&", name, "=", &value]);
        }
    }
    if *previous {
        uri.push_str("&previous=true");
    }
    let unfit = |_| ProviderError::new(FaultKind::Rejected, format!("the log of {pod} cannot be asked for"));
    let mut request = Request::get(uri).body(Bytes::new()).map_err(unfit)?;
    // Logs are text, refusals are JSON.
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json, */*"));
    request.extensions_mut().insert(Class::Read);
    Ok(request)
}

/// The begin of its second: the API server takes no smaller part of one.
fn second(at: Timestamp) -> Timestamp {
    Timestamp::from_timestamp(at.timestamp(), 0).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::line::LONGEST;

    /// The lines of a body, as they are shown.
    fn told(body: &[u8]) -> Vec<LogLine> {
        tail(body).lines.into_iter().map(|(at, text)| LogLine::new(at, &text)).collect()
    }

    #[test]
    fn every_line_that_a_pod_writes_is_told_printable_and_found_by_what_it_says() {
        let all: [(&[u8], &str, &str); 6] = [
            (b"a\x1b[31mred\x1b[0m \x1b]52;c;aGk=\x07vault", "ared vault", "RED"),
            ("\u{202e}over\u{200b}ride".as_bytes(), "override", "override"),
            (b"nul\0in the middle", "nulin the middle", "nulin"),
            (b"raw \xff\xfe bytes", "raw \u{fffd}\u{fffd} bytes", "raw"),
            (b"progress 1 %\rprogress 2 %\r", "progress 1 % progress 2 %", "2 %"),
            (b"", "", ""),
        ];
        let stamp = |nth: usize| format!("2026-03-10T02:07:3{nth}.5Z ").into_bytes();
        let body: Vec<u8> = all
            .iter()
            .enumerate()
            .flat_map(|(nth, (line, ..))| [stamp(nth), line.to_vec(), b"\n".to_vec()].concat())
            .collect();
        let lines = told(&body);
        assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), all.map(|(_, text, _)| text));
        assert!(lines.iter().zip(all).all(|(line, (.., found))| line.says(found)));
    }

    #[test]
    fn a_line_without_end_is_cut_and_says_how_long_it_was_and_an_answer_that_was_cut_says_so() {
        let long = [b"2026-03-10T02:07:39.5Z ERROR vault ".to_vec(), vec![b'x'; 1 << 20], b"\n".to_vec()].concat();
        let lines = told(&long);
        assert!(lines[0].text.ends_with(" … (1048588 bytes)") && lines[0].says("VAULT"), "{}", lines.len());
        assert!(lines[0].text.chars().count() < LONGEST + 30);
        assert!(!tail(&long).cut && tail(&long.repeat(4)).cut);
        assert_eq!(tail(b"no time\n\xff\n\n").lines, []);
    }
}
