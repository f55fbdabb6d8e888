//! What there is for jobs that wait for a runner, by their tags. How busy a runner is GitLab does not tell in lists: it may run several
//! jobs at once.
//!
//! Source: "List project's runners" of `docs.gitlab.com/api/runners`; it takes the role Maintainer.

use std::collections::BTreeMap;

use crate::{
    domain::{
        observed::FaultKind,
        runners::{Runner, Runners},
    },
    provider::gitlab::{api, client::Pages, facade::Gitlab, request},
};

/// What tells that a job waits for nothing but a runner.
const PENDING: &str = "pending";

impl Gitlab {
    /// What there is for each of these jobs that waits, by the job's id.
    pub(super) async fn runners(&self, project: &str, jobs: &[api::Job]) -> BTreeMap<u64, Runners> {
        let mut found: BTreeMap<u64, Runners> = BTreeMap::new();
        let mut asked: BTreeMap<Vec<String>, Runners> = BTreeMap::new();
        for job in jobs.iter().filter(|job| job.status.as_deref() == Some(PENDING)) {
            let Some(id) = job.id else { continue };
            let mut tags = job.tag_list.clone();
            tags.sort_unstable();
            if !asked.contains_key(&tags) {
                let told = self.fitting(project, &tags).await;
                asked.insert(tags.clone(), told);
            }
            found.extend(asked.get(&tags).map(|told| (id, told.clone())));
        }
        found
    }

    async fn fitting(&self, project: &str, tags: &[String]) -> Runners {
        let about = format!("{project}, runners");
        let read = self.client().pages::<api::Runner>(&request::runners(project, tags), &about).await;
        let told = match read {
            Ok(Pages { all, cut }) => {
                let unread = (all.unread > 0).then(|| format!("{} of them cannot be read", all.unread));
                let untagged = tags.is_empty().then(|| "which of them take jobs without tags is not told".to_owned());
                let found = Runners::fitting(tags, all.read.iter().map(runner));
                // Where there is none at all it does not matter.
                let untagged = untagged.filter(|_| found.online > 0);
                return found.without(cut.into_iter().chain(unread).chain(untagged));
            }
            Err(error) if error.kind == FaultKind::Forbidden => "it needs the role Maintainer".to_owned(),
            Err(error) => error.text,
        };
        Runners::fitting(tags, []).without([told])
    }
}

fn runner(wire: &api::Runner) -> Runner {
    let paused = wire.paused.or(wire.active.map(|active| !active)).unwrap_or(false);
    Runner { online: wire.status.as_deref() == Some("online") && !paused, busy: None }
}
