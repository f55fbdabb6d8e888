//! What a Prometheus tells whoever sets it up: which preset reads the series that are there, which services and versions these name, and
//! for which services there is nothing. A query for each preset, at one moment, of what was counted.

use std::collections::{BTreeMap, BTreeSet};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream};

use super::{
    PROOF, Prometheus, Settings,
    api::Asked,
    presets::{self, Preset},
    request::{self, Kind, Moments},
};
use crate::{
    domain::ids::ServiceName,
    port::{
        error::ProviderError,
        examine::{Examine, Finding, Fit, Grade, LookedAt, Survey},
    },
};

/// Queries at the same time.
const AT_ONCE: usize = 3;
/// Names in a sentence.
const NAMED: usize = 6;

/// Labels by which versions are often told, the likeliest first: what deploys them, exports them, or the hash of a pod's template.
const VERSIONS: [&str; 10] = [
    "version",
    "service_version",
    "app_version",
    "app_kubernetes_io_version",
    "destination_version",
    "image_tag",
    "release",
    "deployment_version",
    "rollouts_pod_template_hash",
    "pod_template_hash",
];

/// What a preset finds: each service by its label, and the versions that its series name; the empty text where they name none.
type Found = BTreeMap<String, BTreeSet<String>>;

impl Examine for Prometheus {
    fn examine<'a>(&'a self, at: &'a LookedAt) -> BoxFuture<'a, Vec<Finding>> {
        async {
            let mut found = match self.reached().await {
                Ok(found) => found,
                Err(error) => return vec![Finding::refused(&error)],
            };
            found.extend(self.fits(at).await);
            found
        }
        .boxed()
    }

    fn survey(&self) -> BoxFuture<'_, Result<Survey, ProviderError>> {
        async {
            self.reached().await?;
            Ok(match self.best(&[]).await {
                Some((name, found)) => {
                    let said = format!("reads {}", told(found.keys()));
                    Survey { settings: vec![("preset".into(), Fit::One(name), said)], ..Survey::default() }
                }
                None => Survey { missing: vec![NOTHING.to_owned()], ..Survey::default() },
            })
        }
        .boxed()
    }
}

/// That no preset reads anything.
const NOTHING: &str = "no preset reads any of its series: the services write others, or it does not scrape them yet";

impl Prometheus {
    async fn reached(&self) -> Result<Vec<Finding>, ProviderError> {
        let answer = self.client.send(request::post(PROOF, self.now())).await?;
        // Whether that is an answer of its own, and where a proxy takes no POST, by a GET.
        self.query(PROOF, self.now(), Asked::Counters).await?;
        let clock = Finding::clock(answer.headers(), self.clock.now());
        Ok(vec![Finding::good("reached", "it answers"), clock])
    }

    fn now(&self) -> Moments {
        let now = self.clock.now();
        Moments { first: now, last: now, step: std::time::Duration::from_secs(1) }
    }

    /// What the preset in force finds of what runs, and which one would do better.
    async fn fits(&self, at: &LookedAt) -> Vec<Finding> {
        let services: BTreeSet<&ServiceName> = at.places.iter().map(|place| &place.service).collect();
        let labels: Vec<(String, &ServiceName)> = services.iter().map(|one| (self.label(one), *one)).collect();
        let own = match self.finds(&self.settings.preset).await {
            Ok(own) => own,
            Err(error) => return vec![Finding::of(Grade::Unknown, "preset", error.text, "")],
        };
        let wanted: Vec<String> = labels.iter().map(|(label, _)| label.clone()).collect();
        let there = |found: &Found| wanted.iter().filter(|label| found.contains_key(*label)).count();
        let way = match self.best(&wanted).await {
            Some((name, found)) if there(&found) > there(&own) || own.is_empty() => {
                format!("preset = \"{name}\" reads {}", told(found.keys()))
            }
            _ => String::new(),
        };
        if own.is_empty() {
            let said = "the preset reads none of its series";
            return vec![Finding::of(
                Grade::Broken,
                "preset",
                said,
                if way.is_empty() { NOTHING.to_owned() } else { way },
            )];
        }
        let Preset { service_label, version_label, .. } = &self.settings.preset;
        let mut findings = vec![Finding::good("preset", format!("reads {} by {service_label}", told(own.keys())))];
        let missing: Vec<&ServiceName> =
            labels.iter().filter(|(label, _)| !own.contains_key(label)).map(|(_, service)| *service).collect();
        if !missing.is_empty() {
            let said = format!("nothing is found of {}", told(missing.iter().map(ToString::to_string)));
            let way = if way.is_empty() {
                format!("metrics = \"…\" in [services.NAME], where {service_label} calls it otherwise")
            } else {
                way
            };
            findings.push(Finding::of(Grade::Limited, "services", said, way));
        }
        let nameless = own.iter().filter(|(label, versions)| wanted.contains(label) && versions.contains(""));
        let nameless: Vec<&String> = nameless.map(|(label, _)| label).collect();
        if nameless.is_empty() {
            findings.push(Finding::good("versions", format!("told by {version_label}")));
        } else {
            let said =
                format!("series of {} have no {version_label}: its versions cannot be told apart", told(nameless));
            let way = match self.version_told_by().await {
                Some((label, values)) => format!(
                    "{label} is on them ({}): relabel it to {version_label}, or name it as version_label in queries of your own",
                    told(values)
                ),
                None => format!(
                    "let what scrapes or exports them put {version_label} on: its pod's template hash does, too"
                ),
            };
            findings.push(Finding::of(Grade::Limited, "versions", said, way));
        }
        findings
    }

    /// Another label of the usual ones that the series in force have, and its values.
    async fn version_told_by(&self) -> Option<(&'static str, BTreeSet<String>)> {
        let own = &self.settings.preset.version_label;
        let others: Vec<&'static str> = VERSIONS.into_iter().filter(|label| label != own).collect();
        let promql = format!("count by ({}) ({})", others.join(", "), self.counted(&self.settings.preset)?);
        let samples = self.query(&promql, self.now(), Asked::Counters).await.ok()?;
        let values = |label: &'static str| {
            let all = samples.iter().filter_map(|one| one.labels.get(label)).filter(|value| !value.is_empty());
            (label, all.cloned().collect::<BTreeSet<String>>())
        };
        others.into_iter().map(values).find(|(_, values)| !values.is_empty())
    }

    fn label(&self, service: &ServiceName) -> String {
        self.settings.labels.get(service).cloned().unwrap_or_else(|| service.to_string())
    }

    /// The built-in preset that finds most of these services, else most with a version; `None` where none finds anything.
    async fn best(&self, wanted: &[String]) -> Option<(String, Found)> {
        let mut each: Vec<BoxFuture<'_, (String, Found)>> = Vec::new();
        for (name, preset) in presets::built_in() {
            each.push(async move { (name, self.finds(&preset).await.unwrap_or_default()) }.boxed());
        }
        let all: Vec<(String, Found)> = stream::iter(each).buffered(AT_ONCE).collect().await;
        let score = |found: &Found| {
            let there = wanted.iter().filter(|label| found.contains_key(*label)).count();
            let versions = found.values().filter(|versions| versions.iter().any(|version| !version.is_empty())).count();
            (there, versions, found.len())
        };
        let found = all.into_iter().filter(|(_, found)| !found.is_empty());
        // Of those that find as much the first one, by name.
        found.rev().max_by_key(|(_, found)| score(found))
    }

    /// The series by which a preset counts requests, with the matchers of the configuration.
    fn counted(&self, preset: &Preset) -> Option<String> {
        let kind = if preset.requests_total.is_some() { Kind::Requests } else { Kind::RequestRate };
        let template = kind.template(preset).or(Some(&preset.rate))?;
        let more = self.settings.matchers.iter().fold(String::new(), |all, matcher| all + "," + matcher);
        let range = Settings::new(preset.clone()).scrape * 3;
        Some(presets::fill(template, &format!("{}ms", range.as_millis()), &more))
    }

    /// Every service and version that a preset reads now.
    async fn finds(&self, preset: &Preset) -> Result<Found, ProviderError> {
        let Some(series) = self.counted(preset) else { return Ok(Found::new()) };
        let Preset { service_label, version_label, .. } = preset;
        let promql = format!("sum by ({service_label}, {version_label}) ({series})");
        let samples = self.query(&promql, self.now(), Asked::Counters).await?;
        let mut found = Found::new();
        for labels in samples.into_iter().map(|samples| samples.labels) {
            let label = |name: &String| labels.get(name).cloned().unwrap_or_default();
            let service = label(service_label);
            if !service.is_empty() {
                found.entry(service).or_default().insert(label(version_label));
            }
        }
        Ok(found)
    }
}

/// Some of these names, and how many more.
fn told(names: impl IntoIterator<Item = impl ToString>) -> String {
    let mut all: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    let more = all.len().saturating_sub(NAMED);
    all.truncate(NAMED);
    if more > 0 {
        all.push(format!("{more} more"));
    }
    all.join(", ")
}
