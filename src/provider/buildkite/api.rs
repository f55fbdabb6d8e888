//! Buildkite's wire structs, as far as they are read. Every field may be absent, null or new; an item of a list that cannot be
//! read is left out and counted, the others stay.

use serde::Deserialize;

use crate::{
    domain::time::Timestamp,
    provider::http::listed::{Listed, or_nothing, time},
};

/// A build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Build {
    pub(super) id: Option<String>,
    /// `https://api.buildkite.com/v2/organizations/acme/pipelines/ledger/builds/812`: it names its pipeline.
    pub(super) url: Option<String>,
    pub(super) web_url: Option<String>,
    pub(super) number: Option<u64>,
    pub(super) state: Option<String>,
    /// It waits for a block step; its state is then what it was before, `passed` as a rule.
    pub(super) blocked: Option<bool>,
    pub(super) message: Option<String>,
    pub(super) commit: Option<String>,
    /// Of a build of a tag, the tag.
    pub(super) branch: Option<String>,
    pub(super) creator: Option<Person>,
    /// Null, or not there, where it was asked to leave them out.
    pub(super) jobs: Option<Listed<Job>>,
    #[serde(deserialize_with = "time")]
    pub(super) created_at: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(super) scheduled_at: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(super) started_at: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(super) finished_at: Option<Timestamp>,
    pub(super) pipeline: Option<Pipeline>,
}

impl Build {
    /// The pipeline that it is of, as its address has it.
    pub(super) fn slug(&self) -> Option<&str> {
        let by_url = || {
            let (_, below) = self.url.as_deref()?.split_once("/pipelines/")?;
            below.split('/').next()
        };
        let named = self.pipeline.as_ref().and_then(|pipeline| pipeline.slug.as_deref());
        named.or_else(by_url).filter(|slug| !slug.is_empty())
    }

    /// Its jobs, as far as they were read.
    pub(super) fn jobs(&self) -> &[Job] {
        self.jobs.as_ref().map_or(&[], |jobs| &jobs.read)
    }
}

/// The pipeline of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Pipeline {
    pub(super) slug: Option<String>,
}

/// Somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Person {
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
}

impl Person {
    /// As people call them.
    pub(super) fn called(&self) -> Option<&str> {
        [&self.name, &self.email].into_iter().flatten().map(|name| name.trim()).find(|name| !name.is_empty())
    }
}

/// A job: a command, a block step (`manual`), a wait step, or one that begins another build (`trigger`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Job {
    pub(super) id: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) name: Option<String>,
    /// What a block step is called.
    pub(super) label: Option<String>,
    pub(super) step_key: Option<String>,
    pub(super) command: Option<String>,
    pub(super) state: Option<String>,
    pub(super) soft_failed: Option<bool>,
    pub(super) exit_status: Option<i64>,
    /// May a block step be unblocked now, or does it wait for what is before it?
    pub(super) unblockable: Option<bool>,
    pub(super) retried: Option<bool>,
    pub(super) parallel_group_index: Option<u64>,
    pub(super) parallel_group_total: Option<u64>,
    pub(super) triggered_build: Option<Triggered>,
    /// Which time it is tried again, from 1; absent for the first try.
    pub(super) retries_count: Option<u32>,
    pub(super) agent: Option<Agent>,
    /// What an agent must have to take it: `queue=deploy`.
    #[serde(deserialize_with = "or_nothing")]
    pub(super) agent_query_rules: Vec<String>,
    /// When what is before it had ended: from then on it waits for an agent.
    #[serde(deserialize_with = "time")]
    pub(super) runnable_at: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(super) started_at: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(super) finished_at: Option<Timestamp>,
}

impl Job {
    /// Is it a block step?
    pub(super) fn is_block(&self) -> bool {
        self.kind.as_deref() == Some("manual")
    }
}

/// Who runs a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Agent {
    pub(super) name: Option<String>,
}

/// An agent that is connected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Connected {
    pub(super) connection_state: Option<String>,
    pub(super) paused: Option<bool>,
    /// What it is tagged: `queue=deploy`.
    #[serde(deserialize_with = "or_nothing")]
    pub(super) meta_data: Vec<String>,
    /// What it does now.
    pub(super) job: Option<Busy>,
}

/// What an agent does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Busy {}

/// The build that a job began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Triggered {
    pub(super) number: Option<u64>,
    pub(super) url: Option<String>,
}

/// `GET /v2/access-token`: whose token it is, and what it may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Token {
    pub(super) scopes: Option<Vec<String>>,
    pub(super) user: Option<Person>,
}

/// Why something was refused.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    pub(super) message: Option<String>,
    /// Of a limit: in how many seconds it is over.
    pub(super) reset: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_build_or_job_that_cannot_be_read_does_not_sink_the_others_and_is_counted() {
        let text = r#"[{"number": "one"}, 7, {"number": 5, "created_at": "yesterday", "new": {}, "jobs": [{"id": 1}, {"id": "a"}]}]"#;
        let builds: Listed<Build> = serde_json::from_str(text).unwrap();
        let jobs = Some(Listed { read: vec![Job { id: Some("a".into()), ..Job::default() }], unread: 1 });
        assert_eq!(builds, Listed { read: vec![Build { number: Some(5), jobs, ..Build::default() }], unread: 2 });
    }

    #[test]
    fn a_build_says_its_pipeline_by_its_address_where_its_pipeline_was_left_out() {
        let build = |text: &str| serde_json::from_str::<Build>(text).unwrap().slug().map(str::to_owned);
        let url = r#"{"url": "http://127.0.0.1:8/kite/v2/organizations/acme/pipelines/ledger/builds/1"}"#;
        assert_eq!(build(url).as_deref(), Some("ledger"));
        assert_eq!(build(r#"{"pipeline": {"slug": "web"}, "url": ""}"#).as_deref(), Some("web"));
        assert_eq!(build(r#"{"url": null, "jobs": null}"#), None);
    }
}
