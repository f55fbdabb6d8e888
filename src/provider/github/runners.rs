//! What there is for jobs that wait for a runner, by their labels: the runners that are registered for the repository and its organisation.
//! Of GitHub's own machines nobody is told how many are free.
//!
//! Source: "List self-hosted runners" of docs.github.com/en/rest/actions/self-hosted-runners, and "Choosing the runner for a job":
//! a runner takes a job that asks for no label which it has not; labels do not tell upper case from lower.

use std::collections::BTreeMap;

use crate::{
    domain::{
        observed::FaultKind,
        pipeline::RunStatus,
        runners::{Runner, Runners},
    },
    provider::github::{api, facade::GitHub, normalize::status, request},
};

/// What the names of GitHub's own machines begin with.
const OWN: [&str; 3] = ["ubuntu-", "windows-", "macos-"];
/// The label that every registered runner has, unless somebody took it away.
const REGISTERED: &str = "self-hosted";
const HOSTED: &str = "how many of GitHub's own machines are free is not told";

/// The runners that are registered somewhere, or why that is not known.
struct Registered {
    all: Vec<api::Runner>,
    unread: Vec<String>,
}

impl GitHub {
    /// What there is for each of these jobs that waits for a machine, by the job's id.
    pub(super) async fn runners<'a>(
        &self,
        (owner, repo): (&str, &str),
        jobs: impl Iterator<Item = &'a api::Job>,
    ) -> BTreeMap<u64, Runners> {
        let waits = |job: &&api::Job| {
            let status = status(job.status.as_deref(), job.conclusion.as_deref());
            status == RunStatus::Queued && !job.labels.is_empty()
        };
        let (mut found, mut registered) = (BTreeMap::new(), None);
        for job in jobs.filter(waits) {
            let Some(id) = job.id else { continue };
            let runners = if job.labels.iter().any(|label| OWN.iter().any(|own| label.starts_with(own))) {
                Runners::fitting(&job.labels, []).without([HOSTED.to_owned()])
            } else {
                if registered.is_none() {
                    registered = Some(self.registered(owner, repo).await);
                }
                registered.as_ref().map(|registered| fitting(job, registered)).unwrap_or_default()
            };
            found.insert(id, runners);
        }
        found
    }

    async fn registered(&self, owner: &str, repo: &str) -> Registered {
        let mut found = Registered { all: Vec::new(), unread: Vec::new() };
        let of_repo =
            (request::runners(owner, repo), format!("{owner}/{repo}"), "the repository", "Administration: read");
        let of_organisation =
            (request::runners_of(owner), owner.to_owned(), "the organisation", "Self-hosted runners: read");
        for (list, of, whose, right) in [of_repo, of_organisation] {
            let about = format!("{of}, runners");
            let size = |page: &api::Runners| (page.runners.read.len() + page.runners.unread, page.total_count);
            match self.client().pages::<api::Runners>(&list, &about, size).await {
                Ok(pages) => {
                    let lost: usize = pages.pages.iter().map(|page| page.runners.unread).sum();
                    found.unread.extend((lost > 0).then(|| format!("{lost} of {whose} cannot be read")));
                    found.unread.extend(pages.cut.map(|cut| cut.said("runners")));
                    found.all.extend(pages.pages.into_iter().flat_map(|page| page.runners.read));
                }
                // Who may not see them is told that they are not there, and so is who asks of a person's account.
                Err(error) if matches!(error.kind, FaultKind::Forbidden | FaultKind::Missing) => {
                    found.unread.push(format!("those of {whose} are not told: that takes {right}"));
                }
                Err(error) => found.unread.push(error.text),
            }
        }
        found
    }
}

fn fitting(job: &api::Job, registered: &Registered) -> Runners {
    let has = |runner: &api::Runner, label: &String| {
        runner.labels.iter().any(|own| own.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(label)))
    };
    let fits = |runner: &&api::Runner| job.labels.iter().all(|label| has(runner, label));
    let one = |runner: &api::Runner| Runner { online: runner.status.as_deref() == Some("online"), busy: runner.busy };
    let fitting: Vec<Runner> = registered.all.iter().filter(fits).map(one).collect();
    // Larger machines of GitHub's go by names of one's own.
    let is_own = fitting.is_empty() && !job.labels.iter().any(|label| label.eq_ignore_ascii_case(REGISTERED));
    let own = is_own.then(|| HOSTED.to_owned());
    Runners::fitting(&job.labels, fitting).without(registered.unread.iter().cloned().chain(own))
}
