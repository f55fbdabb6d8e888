//! Flow's wire structs, as far as they are read, of both its APIs. Every field may be absent, null or new, a number may be a text, and
//! some hold JSON in a text; an item of a list that cannot be read is left out and counted, the others stay.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    domain::{text::clean, time::Timestamp},
    provider::{
        flow::loose::{find, loose, millis, number, text_at},
        http::listed::{Listed, or_nothing},
    },
};

/// A pipeline, as lists have it. Its state is not in them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Pipeline {
    #[serde(deserialize_with = "number")]
    pub(super) pipeline_id: Option<u64>,
    pub(super) pipeline_name: Option<String>,
}

/// A run: in lists without what is in it, and with other names of its times.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Run {
    #[serde(deserialize_with = "number")]
    pub(super) pipeline_run_id: Option<u64>,
    pub(super) status: Option<String>,
    #[serde(deserialize_with = "number")]
    pub(super) trigger_mode: Option<u64>,
    #[serde(deserialize_with = "millis", alias = "startTime")]
    pub(super) create_time: Option<Timestamp>,
    #[serde(deserialize_with = "millis", alias = "endTime")]
    pub(super) update_time: Option<Timestamp>,
    pub(super) creator: Option<String>,
    pub(super) creator_account_id: Option<String>,
    pub(super) sources: Vec<Source>,
    /// Null, or not there, in lists.
    pub(super) stages: Option<Listed<Stage>>,
}

impl Run {
    /// Each job with the name of its stage.
    pub(super) fn jobs(&self) -> impl Iterator<Item = (&str, &Job)> {
        let stages = self.stages.iter().flat_map(|stages| &stages.read);
        stages.flat_map(|stage| stage.jobs().iter().map(|job| (stage.called(), job)))
    }

    /// How many of its parts could not be read.
    pub(super) fn unread(&self) -> usize {
        let Some(stages) = &self.stages else { return 0 };
        let jobs = stages.read.iter().filter_map(|stage| stage.stage_info.as_ref()?.jobs.as_ref());
        stages.unread + jobs.map(|jobs| jobs.unread).sum::<usize>()
    }

    /// The job of this id.
    pub(super) fn job(&self, id: u64) -> Option<(&str, &Job)> {
        self.jobs().find(|(_, job)| job.id == Some(id))
    }

    /// The code that it was built of: the first source that says a branch.
    pub(super) fn source(&self) -> Option<&Source> {
        self.sources.iter().find(|source| source.branch().is_some()).or(self.sources.first())
    }
}

/// A variable of a run, or of a group. What it is comes in the clear unless it is encrypted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Variable {
    #[serde(alias = "key")]
    pub(super) name: String,
    pub(super) value: Option<SecretString>,
    #[serde(alias = "isEncrypted")]
    pub(super) encrypted: Option<bool>,
}

/// A run, and nothing of it but what its jobs are given: whoever keeps runs keeps none of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Begun {
    #[serde(deserialize_with = "or_nothing")]
    pub(super) global_params: Listed<Variable>,
}

/// Variables that pipelines share.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Group {
    #[serde(deserialize_with = "number")]
    pub(super) id: Option<u64>,
    pub(super) name: Option<String>,
    #[serde(deserialize_with = "millis")]
    pub(super) update_time: Option<Timestamp>,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) related_pipelines: Listed<Related>,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) variables: Listed<Variable>,
}

/// A pipeline that is given a group.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Related {
    #[serde(deserialize_with = "number")]
    pub(super) id: Option<u64>,
}

/// Code that a run takes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Source {
    #[serde(deserialize_with = "loose")]
    pub(super) data: Value,
}

impl Source {
    /// The branch or tag.
    pub(super) fn branch(&self) -> Option<String> {
        text_at(&self.data, &["branch", "tag"])
    }

    /// The repository's address.
    pub(super) fn repository(&self) -> Option<String> {
        text_at(&self.data, &["repo"])
    }

    /// What Flow writes of the commit, in a field that it misspells: JSON in a text, or the commit itself.
    fn commit_of(&self) -> Value {
        let field = ["commint", "commit", "commitId"].iter().find_map(|name| self.data.get(*name));
        match field {
            Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone())),
            Some(other) => other.clone(),
            None => Value::Null,
        }
    }

    /// The commit.
    pub(super) fn commit(&self) -> Option<String> {
        let told = match self.commit_of() {
            Value::String(text) => Some(text),
            other => text_at(&other, &["commitId", "commit", "sha", "id", "revision"]),
        };
        let is_commit = |text: &String| text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        told.filter(is_commit)
    }

    /// What the commit says.
    pub(super) fn message(&self) -> Option<String> {
        text_at(&self.commit_of(), &["message", "commitMessage", "title", "comment"])
    }
}

/// Jobs that belong together.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Stage {
    pub(super) name: Option<String>,
    pub(super) stage_info: Option<StageInfo>,
}

/// What is told of a stage.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct StageInfo {
    pub(super) name: Option<String>,
    pub(super) status: Option<String>,
    #[serde(deserialize_with = "millis")]
    pub(super) start_time: Option<Timestamp>,
    #[serde(deserialize_with = "millis")]
    pub(super) end_time: Option<Timestamp>,
    pub(super) jobs: Option<Listed<Job>>,
}

impl Stage {
    pub(super) fn called(&self) -> &str {
        let inner = self.stage_info.as_ref().and_then(|info| info.name.as_deref());
        self.name.as_deref().or(inner).unwrap_or_default()
    }

    pub(super) fn jobs(&self) -> &[Job] {
        self.stage_info.as_ref().and_then(|info| info.jobs.as_ref()).map_or(&[], |jobs| &jobs.read)
    }
}

/// A job of a run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Job {
    #[serde(deserialize_with = "number")]
    pub(super) id: Option<u64>,
    pub(super) name: Option<String>,
    pub(super) status: Option<String>,
    #[serde(deserialize_with = "millis")]
    pub(super) start_time: Option<Timestamp>,
    #[serde(deserialize_with = "millis")]
    pub(super) end_time: Option<Timestamp>,
    #[serde(deserialize_with = "loose")]
    pub(super) params: Value,
    #[serde(deserialize_with = "loose")]
    pub(super) result: Value,
    pub(super) actions: Vec<Action>,
}

impl Job {
    /// The deploy order that it made. Where its id stands is not documented: wherever it is called so.
    pub(super) fn order(&self) -> Option<u64> {
        let actions = self.actions.iter().flat_map(|action| [&action.params, &action.data]);
        [&self.result, &self.params].into_iter().chain(actions).find_map(|value| {
            let found = find(value, &["deployOrderId"], 0)?;
            found.as_u64().or_else(|| found.as_str()?.parse().ok())
        })
    }
}

/// What can be done with something, and whether whoever asks may.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Action {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    /// They may not.
    pub(super) disable: Option<bool>,
    #[serde(deserialize_with = "loose")]
    pub(super) params: Value,
    #[serde(deserialize_with = "loose")]
    pub(super) data: Value,
}

/// What an action does, as far as its type tells: `PassPipelineValidate`. Only some of the types are documented, so what a type begins
/// with counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    Pass,
    Refuse,
    Start,
    Stop,
    Retry,
    Rerun,
    Skip,
    Resume,
}

impl Action {
    pub(super) fn does(&self) -> Option<Does> {
        const ALL: [(&str, Does); 9] = [
            ("pass", Does::Pass),
            ("refuse", Does::Refuse),
            ("start", Does::Start),
            ("execute", Does::Start),
            ("stop", Does::Stop),
            ("retry", Does::Retry),
            ("rerun", Does::Rerun),
            ("skip", Does::Skip),
            ("resume", Does::Resume),
        ];
        let kind = self.kind.as_deref()?.to_ascii_lowercase();
        ALL.iter().find(|(begin, _)| kind.starts_with(begin)).map(|(_, does)| *does)
    }
}

/// May it be done? Nothing where nothing was told of it.
pub(super) fn may(actions: &[Action], does: Does) -> Option<bool> {
    let known: Vec<_> = actions.iter().filter(|action| action.does() == Some(does)).collect();
    (!known.is_empty()).then(|| known.iter().any(|action| action.disable != Some(true)))
}

/// A deployment to hosts, batch by batch.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Order {
    #[serde(deserialize_with = "number")]
    pub(super) deploy_order_id: Option<u64>,
    #[serde(deserialize_with = "millis")]
    pub(super) create_time: Option<Timestamp>,
    #[serde(deserialize_with = "millis")]
    pub(super) update_time: Option<Timestamp>,
    pub(super) creator: Option<String>,
    #[serde(deserialize_with = "number")]
    pub(super) current_batch: Option<u64>,
    #[serde(deserialize_with = "number")]
    pub(super) total_batch: Option<u64>,
    pub(super) status: Option<String>,
    pub(super) exception_code: Option<String>,
    pub(super) actions: Vec<Action>,
    pub(super) deploy_machine_info: Option<Machines>,
}

/// The machines of a deploy order.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Machines {
    pub(super) deploy_machines: Option<Listed<Machine>>,
}

impl Order {
    pub(super) fn machines(&self) -> &[Machine] {
        let all = self.deploy_machine_info.as_ref().and_then(|info| info.deploy_machines.as_ref());
        all.map_or(&[], |machines| &machines.read)
    }
}

/// One machine of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Machine {
    #[serde(rename = "machineSn")]
    pub(super) sn: Option<String>,
    pub(super) ip: Option<String>,
    pub(super) status: Option<String>,
    /// `ok`, or `error` where it cannot be reached.
    pub(super) client_status: Option<String>,
    #[serde(deserialize_with = "number")]
    pub(super) batch_num: Option<u64>,
    #[serde(deserialize_with = "millis")]
    pub(super) create_time: Option<Timestamp>,
    #[serde(deserialize_with = "millis")]
    pub(super) update_time: Option<Timestamp>,
    pub(super) actions: Vec<Action>,
}

/// A job of a pipeline that deploys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Deploy {
    pub(super) identifier: Option<String>,
    pub(super) job_name: Option<String>,
}

/// One time that such a job ran.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Record {
    #[serde(deserialize_with = "number")]
    pub(super) execute_number: Option<u64>,
    #[serde(deserialize_with = "number")]
    pub(super) job_id: Option<u64>,
    pub(super) job_name: Option<String>,
    pub(super) operator_account_id: Option<String>,
    #[serde(deserialize_with = "number")]
    pub(super) pipeline_run_id: Option<u64>,
    /// JSON in a text: one source, or a list of them.
    #[serde(deserialize_with = "loose")]
    pub(super) sources: Value,
    pub(super) status: Option<String>,
}

impl Record {
    /// The code that it was built of.
    pub(super) fn source(&self) -> Option<Source> {
        let first = match &self.sources {
            Value::Array(all) => all.first()?.clone(),
            Value::Object(_) => self.sources.clone(),
            _ => return None,
        };
        // Some write what is below `data` by itself.
        let data = first.get("data").cloned().unwrap_or(first);
        let data = match data {
            Value::String(text) => serde_json::from_str(&text).ok()?,
            other => other,
        };
        Some(Source { data })
    }
}

/// What a job, a step or a machine wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Log {
    #[serde(alias = "logs", alias = "deployLog")]
    pub(super) content: Option<String>,
    /// Of a step: where it ends, for what is to be read next.
    #[serde(deserialize_with = "number")]
    pub(super) last: Option<u64>,
    pub(super) more: Option<bool>,
}

/// The steps of one job.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Steps {
    #[serde(deserialize_with = "number")]
    pub(super) build_id: Option<u64>,
    pub(super) build_process_nodes: Option<Listed<Step>>,
    /// As they were called before.
    #[serde(rename = "steps")]
    pub(super) listed: Option<Listed<Step>>,
}

/// One step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Step {
    #[serde(rename = "stepName")]
    pub(super) name: Option<String>,
    pub(super) node_name: Option<String>,
    pub(super) status: Option<String>,
    #[serde(deserialize_with = "number", rename = "stepIndex")]
    pub(super) index: Option<u64>,
    #[serde(deserialize_with = "number")]
    pub(super) node_index: Option<u64>,
    pub(super) finish: Option<bool>,
    pub(super) running: Option<bool>,
}

/// Whose token it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct User {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) username: Option<String>,
    pub(super) last_organization: Option<String>,
}

/// What the older API puts around its answers, and both around refusals. The gateway before the older one writes capitals.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub(super) struct Wrapped(Map<String, Value>);

impl Wrapped {
    /// Does it say that it was a success? Nothing where it does not say.
    pub(super) fn success(&self) -> Option<bool> {
        self.0.get("success").and_then(Value::as_bool)
    }

    /// The code of a refusal; empty where there is none.
    pub(super) fn code(&self) -> String {
        let found = ["errorCode", "Code", "code"].iter().find_map(|name| self.0.get(*name));
        match found {
            Some(Value::String(code)) => clean(code),
            Some(Value::Number(code)) => code.to_string(),
            _ => String::new(),
        }
    }

    /// Its words.
    pub(super) fn message(&self) -> Option<String> {
        let names = ["errorMessage", "errorDescription", "message", "Message"];
        let texts = names.iter().filter_map(|name| self.0.get(*name)?.as_str());
        texts.map(clean).find(|text| !text.is_empty())
    }

    /// By what the next page is asked for.
    pub(super) fn next_token(&self) -> Option<&str> {
        self.0.get("nextToken")?.as_str().filter(|token| !token.is_empty())
    }

    /// What stands in it under a name.
    pub(super) fn under(mut self, name: &str) -> Value {
        self.0.remove(name).unwrap_or(Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_source_is_read_whether_its_data_is_json_or_a_text_and_so_is_what_it_misspells() {
        let commit = "c0ffee11c0ffee11";
        let inner = json!({"commitId": commit, "message": "修复 checkout"}).to_string();
        let data = json!({"branch": "v1.4.2", "repo": "https://codeup.test/a.git", "commint": inner});
        for data in [data.clone(), json!(data.to_string())] {
            let source: Source = serde_json::from_value(json!({"sign": "x", "data": data})).unwrap();
            assert_eq!((source.branch().as_deref(), source.commit().as_deref()), (Some("v1.4.2"), Some(commit)));
            assert_eq!(source.message().as_deref(), Some("修复 checkout"));
        }
        let plain: Source = serde_json::from_value(json!({"data": {"commint": "{}", "branch": ""}})).unwrap();
        assert_eq!((plain.branch(), plain.commit(), plain.message()), (None, None, None));
        let record: Record = serde_json::from_value(json!({"sources": json!([{"data": data}]).to_string()})).unwrap();
        assert_eq!(record.source().unwrap().commit().as_deref(), Some(commit));
    }

    #[test]
    fn a_deploy_order_is_found_wherever_its_job_names_it() {
        let named = [
            json!({"result": "{\"deployOrderId\": 9001}"}),
            json!({"params": {"a": "{\"b\":[{\"deployOrderId\":\"9001\"}]}"}}),
            json!({"actions": [{"type": "GetVMDeployOrder", "params": {"deployOrderId": 9001}}]}),
        ];
        for job in named {
            assert_eq!(serde_json::from_value::<Job>(job.clone()).unwrap().order(), Some(9001), "{job}");
        }
        assert_eq!(serde_json::from_value::<Job>(json!({"params": "{", "result": null})).unwrap().order(), None);
    }

    #[test]
    fn an_action_goes_by_what_its_type_begins_with_and_one_that_is_not_told_of_is_not_known() {
        let action =
            |kind: &str, disable: Option<bool>| Action { kind: Some(kind.into()), disable, ..Action::default() };
        let all = [
            action("PassPipelineValidate", Some(false)),
            action("refusepipelinevalidate", Some(true)),
            action("新", None),
        ];
        let told = [Does::Pass, Does::Refuse, Does::Stop].map(|does| may(&all, does));
        assert_eq!(told, [Some(true), Some(false), None]);
    }
}
