//! Whether a version of an engine's object can take the traffic: what its pods need to start, what bounds them, who else writes the
//! spec, how long its pods took last.
//!
//! Only what it takes is looked at: where every pod of the version is ready nothing has to start, and quotas and settings stand in
//! nobody's way. What may not be read is unknown, and said with the right that is missing. Here must not live: what registries and forges
//! know, and what follows from a grade.

mod bounds;
mod given;
mod pace;
mod quantity;

use std::{fmt, sync::Arc};

use futures::{
    FutureExt,
    future::{BoxFuture, join},
};

use super::{
    api::{Object, ReplicaSet},
    cluster::Cluster,
    facade::{Facade, Kind},
    gitops,
    request::{Query, Resource},
    store::Key,
    template::Template,
};
use crate::{
    domain::{
        object::ObjectId,
        observed::FaultKind,
        preflight::{About, Check, Grade, Heading, Image, Preflight, Takes},
        rollout::{Arm, Rollout},
        text::clean,
    },
    port::{
        error::ProviderError,
        lookup::{Answers, Lookup, Question, Told, Topic, foreign, once},
    },
};

/// The annotation of a template that declares why nobody can go back from it.
const IRREVERSIBLE: &str = "holdshort.dev/irreversible";
/// How long a pod may take to end where its template does not say.
const GRACE: u64 = 30;

/// How an engine exchanges the pods of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turnover {
    /// So many more than are asked for may exist meanwhile.
    pub surge: u32,
    /// So many fewer may serve.
    pub unavailable: u32,
    /// All that are missing are made at once.
    pub at_once: bool,
    /// All of the old ones go before one of the new ones comes.
    pub recreates: bool,
}

impl Turnover {
    /// Of a bound that is a number or a percentage, each a quarter where nothing is said: a surge is rounded up, what may be missing
    /// down, and where both come to nothing one may be missing.
    ///
    /// Source: `ResolveFenceposts` of `pkg/controller/deployment/util`, and `MaxSurge` in `utils/replicaset` of Argo Rollouts.
    pub fn rolling(replicas: u32, surge: Option<&serde_json::Value>, unavailable: Option<&serde_json::Value>) -> Self {
        let of = |bound: Option<&serde_json::Value>, up: bool| {
            let Some(bound) = bound.filter(|bound| !bound.is_null()) else {
                return if up { replicas.div_ceil(4) } else { replicas / 4 };
            };
            let percent = || bound.as_str()?.strip_suffix('%')?.trim().parse::<u64>().ok();
            match (bound.as_u64(), percent()) {
                (Some(pods), _) => u32::try_from(pods).unwrap_or(u32::MAX),
                (None, Some(percent)) => {
                    let share = u64::from(replicas) * percent;
                    u32::try_from(if up { share.div_ceil(100) } else { share / 100 }).unwrap_or(u32::MAX)
                }
                (None, None) => 0,
            }
        };
        let (surge, unavailable) = (of(surge, true), of(unavailable, false));
        let unavailable = if surge == 0 { unavailable.max(1) } else { unavailable };
        Self { surge, unavailable: unavailable.min(replicas), at_once: false, recreates: false }
    }

    /// Everything at once, beside what there is.
    pub fn beside() -> Self {
        Self { at_once: true, ..Self::default() }
    }

    /// Pods that come at once, of so many that must.
    fn batch(self, to_start: u32) -> u32 {
        let batch = self.surge.saturating_add(self.unavailable).max(1);
        if self.at_once || self.recreates { to_start } else { batch.min(to_start) }
    }
}

/// What is known of an object and of one of its versions without asking.
#[derive(Clone, Debug, PartialEq)]
pub struct Ground {
    at: Key,
    resource: Resource,
    /// The automation that manages it.
    manager: Option<&'static str>,
    replicas: u32,
    turnover: Turnover,
    selector: Option<String>,
    /// The version's ReplicaSet.
    set: Option<Set>,
    /// Why that is not known, where it could not be read.
    unread: Option<String>,
    /// Versions that it would go back from, and why each says that one cannot.
    declared: Vec<(String, String)>,
    /// Ready pods of other versions, what they are called, and seconds that they may take to end.
    others: Option<(u32, String, u64)>,
}

#[derive(Clone, Debug, PartialEq)]
struct Set {
    uid: String,
    template: Template,
    ready: u32,
}

impl Ground {
    /// Pods that must start before all of it runs.
    fn to_start(&self) -> u32 {
        self.replicas.saturating_sub(self.set.as_ref().map_or(0, |set| set.ready))
    }
}

/// An engine whose versions can be looked at.
pub trait Flown: Send + Sync {
    /// The family of its rollouts.
    fn family(&self) -> &'static str;

    /// What is known of a version.
    ///
    /// # Errors
    /// When the object or the version is not there.
    fn ground(&self, rollout: &ObjectId, hash: &str, heading: Heading) -> Result<Ground, ProviderError>;

    /// Learns what we may do to it, which of objects at rest nobody asks before somebody looks at them.
    fn learn_rights<'a>(&'a self, rollout: &'a ObjectId) -> BoxFuture<'a, ()>;
}

impl<K: Kind> Flown for Facade<K> {
    fn family(&self) -> &'static str {
        K::FAMILY
    }

    fn ground(&self, rollout: &ObjectId, hash: &str, heading: Heading) -> Result<Ground, ProviderError> {
        let gone = || {
            let text = format!("{rollout} has no version {} on {}", clean(hash), self.cluster.scope.cluster);
            ProviderError::new(FaultKind::Missing, text)
        };
        let key = self.key(rollout)?;
        let store = self.store();
        let object = store.object(&key).ok_or_else(gone)?;
        let told = self.rollout(&store, &key).ok_or_else(gone)?;
        let arm = told.arms.iter().find(|arm| arm.hash == hash).ok_or_else(gone)?;
        let sets = self.sets_of(&store, object);
        let of =
            |arm: &Arm| sets.iter().copied().find(|set| !arm.name.is_empty() && clean(&set.metadata.name) == arm.name);
        let set = of(arm).map(|set| Set {
            uid: set.metadata.uid.clone(),
            template: set.spec.template.clone(),
            ready: set.status.ready_replicas,
        });
        let declared = if heading == Heading::Back { declared(&told, arm, of) } else { Vec::new() };
        Ok(Ground {
            resource: K::RESOURCE,
            manager: gitops::manager(object.meta()),
            replicas: told.replicas,
            turnover: K::turnover(object),
            selector: K::pods(object, &self.beside(&store, object)),
            set,
            unread: store.unread(&key.0).map(str::to_owned),
            declared,
            others: (heading == Heading::Back).then(|| others(&told, arm, of)).flatten(),
            at: key,
        })
    }

    fn learn_rights<'a>(&'a self, rollout: &'a ObjectId) -> BoxFuture<'a, ()> {
        let looked_at = || {
            let key = self.key(rollout).ok()?;
            let object = self.store().object(&key)?.clone();
            Some((key, object))
        };
        let looked_at = looked_at();
        async move {
            if let Some((key, object)) = looked_at {
                self.ask_rights(&object).await;
                self.cluster.rights.looked_at((K::WORDS, key));
            }
        }
        .boxed()
    }
}

/// Which versions that it would go back from say that one cannot.
fn declared<'a>(told: &Rollout, arm: &Arm, of: impl Fn(&Arm) -> Option<&'a ReplicaSet>) -> Vec<(String, String)> {
    let is_left = |other: &&Arm| {
        let newer = other.revision.zip(arm.revision).is_some_and(|(other, own)| other > own);
        other.hash != arm.hash && (newer || other.hash == told.identity.canary_hash)
    };
    let reason = |other: &Arm| {
        let said = clean(of(other)?.spec.template.annotation(IRREVERSIBLE)?);
        Some((other.tag(), if said.trim().is_empty() { "it does not say why".to_owned() } else { said }))
    };
    told.arms.iter().filter(is_left).filter_map(reason).collect()
}

/// The ready pods that go.
fn others<'a>(told: &Rollout, arm: &Arm, of: impl Fn(&Arm) -> Option<&'a ReplicaSet>) -> Option<(u32, String, u64)> {
    let serving = told.arms.iter().filter(|other| other.hash != arm.hash);
    let most = serving.max_by_key(|other| other.pods.map_or(0, |pods| pods.ready))?;
    let ready = most.pods.map_or(0, |pods| pods.ready);
    let grace = of(most).and_then(|set| set.spec.template.0.pointer("/spec/terminationGracePeriodSeconds")?.as_u64());
    (ready > 0).then(|| (ready, most.tag(), grace.unwrap_or(GRACE)))
}

/// Whether versions of a cluster's rollouts can take the traffic.
pub fn lookup(cluster: &Arc<Cluster>, engines: Vec<Arc<dyn Flown>>) -> Arc<dyn Lookup> {
    Arc::new(Looked { cluster: Arc::clone(cluster), engines })
}

struct Looked {
    cluster: Arc<Cluster>,
    engines: Vec<Arc<dyn Flown>>,
}

impl fmt::Debug for Looked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Looked").field("cluster", &self.cluster.scope.cluster).finish_non_exhaustive()
    }
}

impl Lookup for Looked {
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Preflight]
    }

    fn ask(&self, question: Question) -> Answers<'_> {
        match question {
            Question::Preflight { rollout, hash, heading } => {
                once(async move { self.preflight(&rollout, &hash, heading).await.map(Told::Preflight) })
            }
            other => foreign("Kubernetes", &other),
        }
    }
}

impl Looked {
    async fn preflight(&self, rollout: &ObjectId, hash: &str, heading: Heading) -> Result<Preflight, ProviderError> {
        let engine = self.engines.iter().find(|engine| engine.family() == rollout.family.as_str());
        let missing = || {
            let text = format!("'{rollout}' is no rollout of {}", self.cluster.scope.cluster);
            ProviderError::new(FaultKind::Missing, text)
        };
        let engine = engine.ok_or_else(missing)?;
        let ground = engine.ground(rollout, hash, heading)?;
        let (told, ()) = join(self.looked(ground, heading), engine.learn_rights(rollout)).await;
        told
    }

    async fn looked(&self, ground: Ground, heading: Heading) -> Result<Preflight, ProviderError> {
        let mut told = Preflight {
            checks: declares(&ground),
            takes: Takes::Unknown,
            to_start: ground.to_start(),
            images: Vec::new(),
            interrupts: Vec::new(),
        };
        let Some(set) = &ground.set else {
            told.checks.push(match &ground.unread {
                Some(why) => {
                    Check::new(About::Revision, Grade::Unknown, format!("its ReplicaSets cannot be read: {why}"))
                }
                None => Check::new(About::Revision, Grade::Red, "its ReplicaSet is gone: nothing is left to put back"),
            });
            return Ok(told);
        };
        told.images = images(&set.template);
        if heading == Heading::Back {
            told.checks.extend(automation(&ground));
        }
        let pods = self.pods(&ground).await?;
        pods.runs(&mut told.images, set);
        if ground.to_start() == 0 {
            told.takes = Takes::AtOnce;
        } else {
            told.takes = pods.takes(&ground, set);
            told.checks.extend(pods.checks);
            let (bounds, given) =
                join(bounds::checks(&self.cluster, &ground, set), given::checks(&self.cluster, &ground, set)).await;
            told.checks.extend(bounds?);
            told.checks.extend(given?);
        }
        told.interrupts = interrupts(&ground);
        Ok(told)
    }

    /// The pods of an object, as far as they may be read.
    async fn pods(&self, ground: &Ground) -> Result<pace::Pods, ProviderError> {
        let query = Query::all(super::request::PODS, Some(ground.at.0.clone())).labelled(ground.selector.clone());
        match self.cluster.list(&query).await {
            Ok(pods) => Ok(pace::Pods::of(pods)),
            Err(error) => {
                let check = unread(About::Nodes, "how its pods fare", super::request::PODS, error)?;
                Ok(pace::Pods { all: Vec::new(), checks: vec![check] })
            }
        }
    }
}

/// That something may not be read, as a check; what broke on the way is told as that.
fn unread(about: About, what: &str, resource: Resource, error: ProviderError) -> Result<Check, ProviderError> {
    match error.kind {
        FaultKind::Forbidden | FaultKind::Unreadable | FaultKind::Missing => {
            let words = format!("{what} is not known: {}", error.text);
            let check = Check::new(about, Grade::Unknown, words);
            if error.kind == FaultKind::Forbidden {
                return Ok(check.mended_by(format!("get the right to list {}", resource.full_name())));
            }
            Ok(check)
        }
        _ => Err(error),
    }
}

/// What versions declare that it would go back from.
fn declares(ground: &Ground) -> Vec<Check> {
    let said = |(version, why): &(String, String)| {
        Check::new(About::Data, Grade::Red, format!("{version} says that nobody can go back from it: {why}"))
    };
    ground.declared.iter().map(said).collect()
}

/// That somebody else writes the spec.
fn automation(ground: &Ground) -> Option<Check> {
    let name = ground.manager?;
    let words = format!("{name} manages it: with self-heal on it puts the new version into the spec again");
    Some(Check::new(About::Automation, Grade::Amber, words).mended_by(format!("hold {name} first")))
}

/// What going there interrupts.
fn interrupts(ground: &Ground) -> Vec<String> {
    let (turnover, to_start) = (ground.turnover, ground.to_start());
    let missing = match turnover.unavailable {
        _ if to_start == 0 || turnover.at_once => None,
        _ if turnover.recreates => Some("no pod serves between the last old one and the first new one".to_owned()),
        0 => None,
        1 => Some(format!("1 of {} pods is missing while they turn over", ground.replicas)),
        most => Some(format!("up to {most} of {} pods are missing while they turn over", ground.replicas)),
    };
    let drained = ground.others.as_ref().map(|(ready, version, grace)| {
        let pods = if *ready == 1 { "the pod".to_owned() } else { format!("{ready} pods") };
        format!("connections to {pods} of {version} end within {grace} s")
    });
    missing.into_iter().chain(drained).collect()
}

/// What pods of a template are made of, each once.
fn images(template: &Template) -> Vec<Image> {
    let of = |path: &str| template.0.pointer(path).and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
    let all = of("/spec/containers").into_iter().chain(of("/spec/initContainers"));
    let mut images: Vec<Image> = Vec::new();
    for name in all.filter_map(|one| one.get("image")?.as_str().map(clean)) {
        if !images.iter().any(|known| known.name == name) {
            images.push(Image { name, runs: None });
        }
    }
    images
}

#[cfg(test)]
mod tests;
