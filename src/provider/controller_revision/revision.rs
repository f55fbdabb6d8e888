//! `ControllerRevisions`: what a version was, kept by the controller. One is a template and a number; it counts no pods.

use serde_json::Value;

use super::api::{CONTROLLER_REVISIONS, Workload};
use crate::{
    domain::text::clean,
    provider::kubernetes::{
        api::Meta,
        facade::{Beside, View},
        template::{RESTARTED_AT, Template},
    },
};

/// A version of a workload, as its controller keeps it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Revision<'a> {
    /// Its metadata.
    pub meta: &'a Meta,
    /// What pods of it carry.
    pub hash: String,
    /// Its number: a version that is taken up again gets the highest one, and nothing tells which it had before.
    pub number: Option<u64>,
    /// What it ran.
    pub template: Template,
}

impl<'a> Revision<'a> {
    fn of<W: Workload>(beside: &'a Beside) -> Option<Self> {
        let mut template = beside.body.pointer("/data/spec/template")?.clone();
        // What is kept is a patch, which says by this that it replaces the whole.
        if let Some(fields) = template.as_object_mut() {
            fields.remove("$patch");
        }
        let number = beside.body.get("revision").and_then(Value::as_u64);
        let hash = clean(&W::hash_of(&beside.metadata));
        Some(Self { meta: &beside.metadata, hash, number, template: Template(template) })
    }

    /// Does it differ from another one by a restart only? Then it is the same version.
    pub(super) fn is_version_of(&self, other: &Template) -> bool {
        let bare = |template: &Template| template.without([], [RESTARTED_AT]);
        bare(&self.template).is_same(&bare(other))
    }

    /// Numbers that it had before, as far as that can be told: it is older than others that have a lower number now, so it was taken
    /// up again after them, and had a number below theirs. The one that is given is the highest it can have been.
    pub(super) fn earlier(&self, all: &[Self]) -> Vec<u64> {
        let later = |other: &&Self| other.meta.creation_timestamp > self.meta.creation_timestamp;
        let left = all.iter().filter(later).filter(|other| other.number < self.number);
        left.filter_map(|other| other.number).min().and_then(|lowest| lowest.checked_sub(1)).into_iter().collect()
    }
}

/// The versions of a workload, the newest number first.
pub(super) fn revisions<'a, W: Workload>(view: &View<'a, W>) -> Vec<Revision<'a>> {
    let kept = view.beside.iter().filter(|beside| beside.resource == CONTROLLER_REVISIONS);
    let mut all: Vec<_> = kept.filter_map(|beside| Revision::of::<W>(beside)).collect();
    all.sort_by(|one, other| (other.number, &other.hash).cmp(&(one.number, &one.hash)));
    all
}

/// Why its versions could not be read, where they could not.
pub(super) fn unread<'a, W: Workload>(view: &View<'a, W>) -> Option<&'a str> {
    view.unread_beside.iter().find(|(resource, _)| *resource == CONTROLLER_REVISIONS).map(|(_, why)| *why)
}
