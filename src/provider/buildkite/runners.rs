//! What there is for jobs that wait for an agent, by their query rules: the agents that are connected, and what each does.
//!
//! Source: "List agents" of buildkite.com/docs/apis/rest-api/agents, which tells of connected ones only, and "Targeting" of its
//! documentation: an agent takes a job whose every rule is one of its tags; a value may end with a star.

use std::collections::BTreeMap;

use crate::{
    domain::{
        observed::FaultKind,
        runners::{Runner, Runners},
    },
    provider::{
        buildkite::{api, facade::Buildkite, request},
        http::listed::Listed,
    },
};

/// A job that waits for nothing but an agent.
const SCHEDULED: &str = "scheduled";
/// What a job asks for that says nothing.
const DEFAULT: &str = "queue=default";
/// Pages of agents that are read.
const MOST_PAGES: usize = 10;

impl Buildkite {
    /// What there is for each of these jobs that waits, by the job's id.
    pub(super) async fn runners(&self, organization: &str, jobs: &[api::Job]) -> BTreeMap<String, Runners> {
        // What begins a build or blocks takes no agent.
        let is_command = |job: &api::Job| matches!(job.kind.as_deref(), None | Some("script"));
        let waits = |job: &&api::Job| is_command(job) && job.state.as_deref() == Some(SCHEDULED);
        let waiting: Vec<&api::Job> = jobs.iter().filter(waits).collect();
        if waiting.is_empty() {
            return BTreeMap::new();
        }
        let (agents, unread) = self.agents(organization).await;
        let one = |job: &&api::Job| {
            let rules =
                if job.agent_query_rules.is_empty() { vec![DEFAULT.to_owned()] } else { job.agent_query_rules.clone() };
            let fitting = agents.iter().filter(|agent| rules.iter().all(|rule| has(agent, rule))).map(runner);
            Some((job.id.clone()?, Runners::fitting(&rules, fitting).without(unread.clone())))
        };
        waiting.iter().filter_map(one).collect()
    }

    async fn agents(&self, organization: &str) -> (Vec<api::Connected>, Option<String>) {
        let (mut all, about) = (Listed::<api::Connected>::default(), format!("{organization}, agents"));
        let wanted = request::agents(organization);
        for number in 1..=MOST_PAGES {
            match self.client().page(&wanted.page(number), &about).await {
                Ok((page, next)) => {
                    all.take(page);
                    if !next {
                        let unread = (all.unread > 0).then(|| format!("{} of the agents cannot be read", all.unread));
                        return (all.read, unread);
                    }
                }
                Err(error) if error.kind == FaultKind::Forbidden => {
                    return (all.read, Some(format!("agents are not told: that takes {}", request::scope::AGENTS)));
                }
                Err(error) => return (all.read, Some(error.text)),
            }
        }
        let many = all.read.len();
        (all.read, Some(format!("only {many} of the agents were read")))
    }
}

fn has(agent: &api::Connected, rule: &str) -> bool {
    let is_it = |tag: &String| match rule.strip_suffix('*') {
        Some(begin) => tag.starts_with(begin),
        None => tag == rule,
    };
    agent.meta_data.iter().any(is_it) || rule == "*"
}

fn runner(agent: &api::Connected) -> Runner {
    let online = agent.connection_state.as_deref() == Some("connected") && agent.paused != Some(true);
    Runner { online, busy: Some(agent.job.is_some()) }
}
