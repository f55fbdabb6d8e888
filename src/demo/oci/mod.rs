//! A registry of images as the world speaks it: manifests by tag or digest, and lists of tags. No layers: nobody pulls here.
//!
//! `blueprint` reads the scenario, `route` speaks HTTP.

mod blueprint;
mod route;

use bytes::Bytes;
use http::Request;
use serde::Deserialize;

pub(crate) use self::blueprint::KIND;
use crate::{
    demo::system::{Acting, Reply, System, has_another_token},
    domain::time::Timestamp,
};

/// A repository, and the tags that are kept in it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Repository {
    /// `shop/payments`.
    name: String,
    /// Its tags.
    tags: Vec<String>,
}

/// What a scenario can make happen here.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Action {
    /// An image is pushed, or its tag moved to another one.
    Push {
        /// Where.
        repository: String,
        /// As what.
        tag: String,
    },
    /// A clean-up takes a tag.
    Remove {
        /// Where.
        repository: String,
        /// Which.
        tag: String,
    },
}

/// The server.
#[derive(Debug)]
struct Registry {
    /// Each with how often it was pushed: another push is another image.
    kept: Vec<(String, Vec<(String, u32)>)>,
    revision: u64,
}

impl Registry {
    fn new(repositories: &[Repository]) -> Self {
        let of = |one: &Repository| (one.name.clone(), one.tags.iter().map(|tag| (tag.clone(), 1)).collect());
        Self { kept: repositories.iter().map(of).collect(), revision: 0 }
    }

    /// The tags of a repository, each with how often it was pushed.
    fn tags(&self, repository: &str) -> Option<&[(String, u32)]> {
        self.kept.iter().find(|(name, _)| name == repository).map(|(_, tags)| tags.as_slice())
    }
}

impl System for Registry {
    fn respond(&mut self, _: Timestamp, request: &Request<Bytes>) -> Reply {
        if has_another_token(request) {
            return Reply::Whole(route::unauthorized());
        }
        Reply::Whole(route::respond(self, request))
    }

    fn revision(&self) -> u64 {
        self.revision
    }
}

impl Acting for Registry {
    type Action = Action;

    fn act(&mut self, _: Timestamp, action: &Action) -> Result<(), String> {
        let (repository, tag) = match action {
            Action::Push { repository, tag } | Action::Remove { repository, tag } => (repository, tag),
        };
        let known = self.kept.iter_mut().find(|(name, _)| name == repository);
        let (_, tags) = known.ok_or_else(|| format!("there is no repository {repository}"))?;
        let at = tags.iter().position(|(known, _)| known == tag);
        match (action, at) {
            (Action::Push { .. }, Some(at)) => {
                if let Some((_, pushed)) = tags.get_mut(at) {
                    *pushed += 1;
                }
            }
            (Action::Push { .. }, None) => tags.push((tag.clone(), 1)),
            (Action::Remove { .. }, Some(at)) => drop(tags.remove(at)),
            (Action::Remove { .. }, None) => return Err(format!("{repository} has no tag {tag}")),
        }
        self.revision += 1;
        Ok(())
    }
}
