//! Which pods run which version: the target Deployment is the canary, the one that is called after it serves users, and the same
//! version has another hash in each. A version is known by the hash that it has in the target, for that stays when it is
//! promoted.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{
    DEPLOYMENTS,
    api::{Canary, Deployment, FLAGGER_ID, HASH_LABEL, MARKS, RESTARTED_AT, Word},
};
use crate::{
    domain::{rollout::Pods, text::clean},
    provider::kubernetes::{
        api::{Meta, ReplicaSet},
        facade::View,
        template::Template,
        workload,
    },
};

/// How many hex digits tell a template that has no ReplicaSet yet.
const FINGERPRINT: usize = 10;

/// A Deployment with its ReplicaSets.
#[derive(Debug)]
pub(super) struct Side<'a> {
    pub meta: &'a Meta,
    pub deployment: Deployment,
    /// Its ReplicaSets, the newest revision first.
    pub sets: Vec<&'a ReplicaSet>,
    /// The one of the template that it holds.
    pub current: Option<&'a ReplicaSet>,
}

impl<'a> Side<'a> {
    fn of(view: &View<'a, Canary>, name: &str) -> Option<Self> {
        let found = view.beside.iter().find(|one| one.resource == DEPLOYMENTS && one.metadata.name == name)?;
        let deployment = Deployment::deserialize(&found.body).unwrap_or_default();
        let own = |set: &&&ReplicaSet| set.metadata.controller() == Some(found.metadata.uid.as_str());
        let mut sets: Vec<&'a ReplicaSet> = view.sets.iter().filter(own).copied().collect();
        sets.sort_by_key(|set| std::cmp::Reverse(MARKS.revision_of(set)));
        let wanted = plain(&deployment.spec.template);
        let current = sets.iter().copied().find(|set| plain(&set.spec.template).is_same(&wanted));
        Some(Self { meta: &found.metadata, deployment, sets, current })
    }

    pub(super) fn template(&self) -> &Template {
        &self.deployment.spec.template
    }

    /// Pods that it asks for.
    pub(super) fn replicas(&self) -> u32 {
        self.deployment.spec.replicas.unwrap_or(1)
    }

    /// The hash of the template that it holds; one of ours where the Deployment's controller has made nothing of it yet.
    fn hash(&self) -> String {
        self.current.map_or_else(|| fingerprint(self.template()), |set| clean(MARKS.hash_of(set)))
    }

    /// Those of its sets that run the same programs as a template does.
    pub(super) fn that_run<'s>(&'s self, template: &'s Template) -> impl Iterator<Item = &'a ReplicaSet> + 's {
        self.sets.iter().copied().filter(|set| set.spec.template.runs_the_same(template))
    }
}

/// What a canary stands for, by its phase and by what both Deployments hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// No controller has looked at it, or it says something that we do not know.
    Unknown,
    /// The primary is being made.
    First,
    /// One version, and the target has no pods.
    Rests,
    /// A version is asked for that the controller has not taken up.
    Asked,
    /// A version is on its way in.
    Moves,
    /// The version was taken back, and the target still holds it.
    Back,
    /// Its promotion failed: users are on the new version, by the canary's pods.
    Stranded,
    /// It is deleted.
    Ends,
}

/// Both sides.
#[derive(Debug)]
pub(super) struct Sides<'a> {
    /// The Deployment that is released: the canary.
    pub target: Option<Side<'a>>,
    /// The one that serves users.
    pub primary: Option<Side<'a>>,
    pub standing: Standing,
    /// What was promoted last, as the primary runs or ran it.
    pub stable: Option<Template>,
    /// Hash of the version that the target holds.
    pub canary_hash: String,
    /// Hash of the one that was promoted last; empty where there was none.
    pub stable_hash: String,
}

impl<'a> Sides<'a> {
    pub(super) fn of(view: &View<'a, Canary>) -> Self {
        let canary = view.object;
        let of = |name: &str| if canary.has_deployment() { Side::of(view, name) } else { None };
        let (target, primary) = (of(&canary.spec.target_ref.name), of(&canary.primary()));
        let standing = standing(canary, target.as_ref(), primary.as_ref());
        let stable = stable(standing, canary, target.as_ref(), primary.as_ref());
        let canary_hash = target.as_ref().map(Side::hash).unwrap_or_default();
        let stable_hash = match (standing, &stable) {
            (Standing::First, _) | (_, None) => String::new(),
            (Standing::Rests, _) => canary_hash.clone(),
            (_, Some(stable)) => hash_of(stable, target.as_ref(), primary.as_ref()),
        };
        Self { target, primary, standing, stable, canary_hash, stable_hash }
    }

    /// The target's ReplicaSet of what was promoted last.
    pub(super) fn stable_twin(&self) -> Option<&'a ReplicaSet> {
        twin(self.stable.as_ref()?, self.target.as_ref()?)
    }

    /// The target's ReplicaSet with this hash: its template is the target's own, unlike the primary's.
    pub(super) fn set(&self, hash: &str) -> Option<&'a ReplicaSet> {
        MARKS.find(&self.target.as_ref()?.sets, hash)
    }

    /// Was this version ever promoted? Only where the primary still has a set that ran it.
    pub(super) fn was_promoted(&self, set: &ReplicaSet) -> bool {
        let primary = self.primary.as_ref();
        primary.is_some_and(|primary| primary.that_run(&set.spec.template).next().is_some())
    }

    /// The primary's pods of a version.
    pub(super) fn primary_pods(&self, template: &Template) -> Pods {
        let sets = self.primary.iter().flat_map(|primary| primary.that_run(template));
        sets.map(workload::pods).fold(Pods::default(), add)
    }

    /// Is a version on its way in that the controller has begun with?
    pub(super) fn moves(&self) -> bool {
        self.standing == Standing::Moves
    }

    /// Do both hold the same programs?
    pub(super) fn hold_the_same(&self) -> bool {
        let both = self.target.as_ref().zip(self.primary.as_ref());
        both.is_some_and(|(target, primary)| target.template().runs_the_same(primary.template()))
    }
}

/// Pods of two sets together.
pub(super) fn add(one: Pods, other: Pods) -> Pods {
    Pods {
        desired: one.desired + other.desired,
        current: one.current + other.current,
        ready: one.ready + other.ready,
        available: one.available + other.available,
    }
}

fn standing(canary: &Canary, target: Option<&Side<'_>>, primary: Option<&Side<'_>>) -> Standing {
    let Some(word) = canary.word() else { return Standing::Unknown };
    let both = target.zip(primary);
    let same = both.is_none_or(|(target, primary)| target.template().runs_the_same(primary.template()));
    match word {
        Word::Initializing => Standing::First,
        Word::Initialized | Word::Succeeded if same => Standing::Rests,
        Word::Initialized | Word::Succeeded => Standing::Asked,
        Word::Waiting | Word::Progressing | Word::WaitingPromotion | Word::Promoting | Word::Finalising => {
            Standing::Moves
        }
        Word::Failed if canary.status.canary_weight > 0 => Standing::Stranded,
        Word::Failed if same => Standing::Rests,
        Word::Failed if target.is_some_and(|target| is_newer(target, canary)) => Standing::Asked,
        Word::Failed => Standing::Back,
        Word::Terminating | Word::Terminated => Standing::Ends,
    }
}

/// Was what the target holds made after the last version failed? One that was there before is not told from the failed one until
/// the controller looks again.
fn is_newer(target: &Side<'_>, canary: &Canary) -> bool {
    let made = target.current.and_then(|set| set.metadata.creation_timestamp);
    made.zip(canary.since()).is_some_and(|(made, failed)| made > failed)
}

/// What was promoted last. While the primary gets the new version, that is what it ran before.
fn stable(
    standing: Standing,
    canary: &Canary,
    target: Option<&Side<'_>>,
    primary: Option<&Side<'_>>,
) -> Option<Template> {
    let primary = primary?;
    let promoting = matches!(canary.word(), Some(Word::Promoting | Word::Finalising)) || standing == Standing::Stranded;
    let Some(target) = target.filter(|_| promoting) else { return Some(primary.template().clone()) };
    if standing == Standing::Stranded && !primary.template().runs_the_same(target.template()) {
        // Somebody has changed the target since: what served before it is not told.
        return None;
    }
    let before = primary.sets.iter().find(|set| !set.spec.template.runs_the_same(target.template()));
    Some(before.map_or_else(|| primary.template().clone(), |set| set.spec.template.clone()))
}

/// The hash that a version of the primary has in the target, or its own where the target has forgotten it.
fn hash_of(template: &Template, target: Option<&Side<'_>>, primary: Option<&Side<'_>>) -> String {
    let of_target = target.and_then(|target| twin(template, target));
    let of_primary = || primary.and_then(|primary| primary.that_run(template).next());
    let set = of_target.or_else(of_primary);
    set.map_or_else(|| fingerprint(template), |set| clean(MARKS.hash_of(set)))
}

/// The target's set of a version that the primary runs. Where several run the same programs, the one with the same annotations:
/// Flagger copies those.
fn twin<'a>(template: &Template, target: &Side<'a>) -> Option<&'a ReplicaSet> {
    let copied = |template: &Template| {
        let annotations = template.0.pointer("/metadata/annotations").and_then(serde_json::Value::as_object);
        let mut annotations = annotations.cloned().unwrap_or_default();
        annotations.remove(FLAGGER_ID);
        annotations
    };
    let wanted = copied(template);
    let without = {
        let mut without = wanted.clone();
        without.remove(RESTARTED_AT);
        without
    };
    let alike = |set: &&ReplicaSet| {
        let own = copied(&set.spec.template);
        own == wanted || own == without
    };
    target.that_run(template).find(alike).or_else(|| target.that_run(template).next())
}

/// A template as the spec of a Deployment would hold it.
pub(super) fn plain(template: &Template) -> Template {
    template.without([HASH_LABEL], [])
}

/// What a template is known by while it has no ReplicaSet.
fn fingerprint(template: &Template) -> String {
    let digest = format!("{:x}", Sha256::digest(template.0.to_string()));
    format!("template-{}", digest.chars().take(FINGERPRINT).collect::<String>())
}
