//! How long pods took from when they were made until they were ready, what they were pulled as, and which of them find no node.

use std::time::Duration;

use serde::Deserialize;

use super::{Ground, Set};
use crate::{
    domain::{
        preflight::{About, Check, Grade, Image, Takes},
        text::clean,
        time::{Timestamp, age},
    },
    provider::kubernetes::api::{Meta, lenient, readable},
};

/// Pods that are asked how long they took: the newest.
const NEWEST: usize = 10;
/// One that took longer was ready before, and again.
const AGAIN: Duration = Duration::from_mins(15);

/// A pod, as far as that goes.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Pod {
    metadata: Meta,
    #[serde(default, deserialize_with = "lenient")]
    status: Status,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default, deserialize_with = "readable")]
    conditions: Vec<Condition>,
    #[serde(default, deserialize_with = "readable")]
    container_statuses: Vec<Container>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Condition {
    #[serde(rename = "type", default, deserialize_with = "lenient")]
    kind: String,
    #[serde(default, deserialize_with = "lenient")]
    status: String,
    #[serde(default, deserialize_with = "lenient")]
    message: String,
    #[serde(default, deserialize_with = "lenient")]
    last_transition_time: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Container {
    #[serde(default, deserialize_with = "lenient")]
    image: String,
    #[serde(default, rename = "imageID", deserialize_with = "lenient")]
    image_id: String,
}

impl Pod {
    fn took(&self) -> Option<Duration> {
        let ready = self.status.conditions.iter().find(|one| one.kind == "Ready" && one.status == "True")?;
        let took = age(ready.last_transition_time?, self.metadata.creation_timestamp?);
        (took <= AGAIN).then_some(took)
    }

    fn is_of(&self, set: &Set) -> bool {
        self.metadata.controller() == Some(set.uid.as_str())
    }
}

/// The pods of an object.
#[derive(Debug, Default)]
pub(super) struct Pods {
    pub(super) all: Vec<Pod>,
    /// What of them is to be known.
    pub(super) checks: Vec<Check>,
}

impl Pods {
    pub(super) fn of(mut all: Vec<Pod>) -> Self {
        all.sort_by_key(|pod| std::cmp::Reverse(pod.metadata.creation_timestamp));
        let mut pods = Self { all, checks: Vec::new() };
        pods.checks = pods.homeless().into_iter().collect();
        pods
    }

    /// How long it takes until all pods of a version are ready: as its own last pods did, or else those of others.
    pub(super) fn takes(&self, ground: &Ground, set: &Set) -> Takes {
        let of = |own: bool| -> Vec<Duration> {
            let pods = self.all.iter().filter(|pod| !own || pod.is_of(set));
            pods.filter_map(Pod::took).take(NEWEST).collect()
        };
        let own = of(true);
        let mut took = if own.is_empty() { of(false) } else { own };
        took.sort_unstable();
        let Some(middle) = took.get(took.len() / 2).copied() else { return Takes::Unknown };
        let batches = ground.to_start().div_ceil(ground.turnover.batch(ground.to_start()).max(1));
        Takes::About { span: middle.saturating_mul(batches), batches }
    }

    /// Puts to each image what pods of the version were pulled as. One that is named by its digest already stands for itself.
    pub(super) fn runs(&self, images: &mut [Image], set: &Set) {
        let statuses: Vec<&Container> =
            self.all.iter().filter(|pod| pod.is_of(set)).flat_map(|pod| &pod.status.container_statuses).collect();
        for image in images.iter_mut().filter(|image| !image.name.contains('@')) {
            let pulled = statuses.iter().filter(|one| same_name(&one.image, &image.name));
            let mut digests: Vec<String> =
                pulled.filter_map(|one| one.image_id.rsplit_once('@')).map(|(_, digest)| clean(digest)).collect();
            digests.dedup();
            // Where pods of one version run different images, no single one is what it is.
            image.runs = digests.pop().filter(|_| digests.is_empty());
        }
    }

    /// That pods find no node.
    fn homeless(&self) -> Option<Check> {
        let of = |pod: &Pod| {
            let told = pod.status.conditions.iter().find(|one| one.kind == "PodScheduled" && one.status == "False")?;
            Some(told.message.clone())
        };
        let said: Vec<String> = self.all.iter().filter_map(of).collect();
        let why = clean(said.first()?);
        let pods = if said.len() == 1 { "1 pod finds".to_owned() } else { format!("{} pods find", said.len()) };
        Some(Check::new(About::Nodes, Grade::Amber, format!("{pods} no node now: {why}")))
    }
}

/// Is that one image by its name? A kubelet writes where it pulled from, also where a template leaves that out.
fn same_name(pulled: &str, named: &str) -> bool {
    pulled == named || pulled.strip_suffix(named).is_some_and(|before| before.ends_with('/'))
}
