//! The logs of pods, as a kubelet keeps them and the API server hands them on: text, with times where they are asked for.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use http::{HeaderValue, Response, header::CONTENT_TYPE};
use serde_json::Value;

use super::{Target, route::Call, status::Failure};
use crate::{
    demo::{
        kubernetes::{control::Plane, json, kind::Kind, store::Key},
        traffic::Served,
    },
    domain::time::Timestamp,
};

/// Lines of one pod that are kept: a kubelet keeps ten megabytes.
const KEPT: usize = 20_000;

/// What the pods of a cluster wrote, by namespace and name; each line with its time in nanoseconds.
#[derive(Debug, Default)]
pub(in crate::demo::kubernetes) struct Logs(BTreeMap<(String, String), VecDeque<(i64, String)>>);

impl Logs {
    /// Takes what a pod wrote.
    pub(in crate::demo::kubernetes) fn take(&mut self, pod: &Served<'_>) {
        let lines = pod.lines();
        if lines.is_empty() {
            return;
        }
        let kept = self.0.entry((pod.service.namespace.clone(), pod.pod.to_owned())).or_default();
        kept.extend(lines.into_iter().map(|line| (line.at, format!("{} {}", line.level.to_uppercase(), line.text))));
        let over = kept.len().saturating_sub(KEPT);
        kept.drain(..over);
    }

    /// Forgets the logs of pods that are gone.
    pub(in crate::demo::kubernetes) fn forget(&mut self, plane: &Plane) {
        self.0.retain(|(namespace, name), _| plane.store.get(&Key::new(Kind::Pod, namespace, name)).is_some());
    }

    pub(super) fn answer(
        &self,
        plane: &Plane,
        call: &Call<'_>,
        target: &Target<'_>,
    ) -> Result<Response<Bytes>, Failure> {
        let (namespace, name) = (target.namespace.unwrap_or_default(), target.name.unwrap_or_default());
        let pod = plane.store.get(&Key::new(Kind::Pod, namespace, name));
        let pod = pod.ok_or_else(|| Failure::not_found(Kind::Pod, name))?;
        let container = container(pod, call.parameter("container"), name)?;
        if call.flag("previous") {
            let text = format!("previous terminated container \"{container}\" in pod \"{name}\" not found");
            return Err(Failure::bad_request(text));
        }
        let since = call.parameter("sinceTime").parse::<Timestamp>().ok().and_then(|at| at.timestamp_nanos_opt());
        let tail = call.parameter("tailLines").parse().unwrap_or(usize::MAX);
        let most = call.parameter("limitBytes").parse().unwrap_or(usize::MAX);
        let none = VecDeque::new();
        let lines = self.0.get(&(namespace.to_owned(), name.to_owned())).unwrap_or(&none);
        let wanted = lines.iter().filter(|(at, _)| since.is_none_or(|since| *at >= since));
        let skipped = wanted.clone().count().saturating_sub(tail);
        let mut text = String::new();
        for (at, line) in wanted.skip(skipped) {
            if call.flag("timestamps") {
                let at = Timestamp::from_timestamp_nanos(*at);
                text.push_str(&at.format("%FT%T%.9fZ ").to_string());
            }
            text.push_str(line);
            text.push('\n');
        }
        text.truncate(text.floor_char_boundary(most));
        let mut response = Response::new(Bytes::from(text));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        Ok(response)
    }
}

/// The container that is meant: the only one where none is named.
fn container(pod: &Value, asked: &str, name: &str) -> Result<String, Failure> {
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array);
    let names: Vec<&str> = containers.into_iter().flatten().map(|one| json::text(one, "/name")).collect();
    match (asked, names.as_slice()) {
        ("", [one]) => Ok((*one).to_owned()),
        ("", all) => {
            let text = format!("a container name must be specified for pod {name}, choose one of: [{}]", all.join(" "));
            Err(Failure::bad_request(text))
        }
        (asked, all) if all.contains(&asked) => Ok(asked.to_owned()),
        (asked, _) => Err(Failure::bad_request(format!("container {asked} is not valid for pod {name}"))),
    }
}
