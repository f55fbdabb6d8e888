//! Jenkins' wire structs, as far as they are read. Every field may be absent, null or new; an item of a list that cannot be read is
//! left out and counted, the others stay. What actions say depends on which plugins are there.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::{
    domain::time::Timestamp,
    provider::{
        http::items,
        jenkins::address::{Address, of_url},
    },
};

/// Items of one list: a folder may have thousands of jobs, of which each tells few builds.
const MOST: usize = 10_000;

/// A list of which every entry counts.
pub(super) type Listed<T> = items::Listed<T, MOST>;

/// Milliseconds since 1970; what is no time counts as absent.
fn millis<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Timestamp>, D::Error> {
    let number = Option::<i64>::deserialize(input)?;
    Ok(number.filter(|millis| *millis > 0).and_then(Timestamp::from_timestamp_millis))
}

/// A job, or a folder of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Job {
    #[serde(rename = "_class")]
    pub(super) class: Option<String>,
    pub(super) name: Option<String>,
    pub(super) buildable: Option<bool>,
    pub(super) next_build_number: Option<u64>,
    pub(super) property: Option<Listed<Property>>,
    /// Not there of a folder.
    pub(super) builds: Option<Listed<Build>>,
    pub(super) all_builds: Option<Listed<Build>>,
    /// Of a folder, or a multibranch project: what is in it.
    pub(super) jobs: Option<Listed<Job>>,
}

impl Job {
    /// Holds it jobs, by what it is?
    pub(super) fn is_folder(&self) -> bool {
        let class = self.class.as_deref().unwrap_or_default();
        self.jobs.is_some() || ["Folder", "WorkflowMultiBranchProject"].iter().any(|kind| class.ends_with(kind))
    }

    /// Are what it holds the branches of one thing?
    pub(super) fn is_multibranch(&self) -> bool {
        self.class.as_deref().is_some_and(|class| class.ends_with("MultiBranchProject"))
    }

    /// What it asks for where somebody builds it by hand.
    pub(super) fn parameters(&self) -> Vec<Parameter> {
        let all = self.property.iter().flat_map(|all| &all.read);
        all.filter_map(|one| one.parameter_definitions.clone()).flatten().collect()
    }
}

/// A property of a job: the definitions of its parameters are one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Property {
    pub(super) parameter_definitions: Option<Vec<Parameter>>,
}

/// The definition of a parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Parameter {
    pub(super) name: Option<String>,
    /// `StringParameterDefinition`, `ChoiceParameterDefinition` and so on.
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) description: Option<String>,
    pub(super) choices: Option<Vec<String>>,
    pub(super) default_parameter_value: Option<Valued>,
    /// The same as pipeline-rest-api says it.
    pub(super) definition: Option<Definition>,
}

/// A value; of a secret there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Valued {
    pub(super) name: Option<String>,
    pub(super) value: Option<Value>,
}

/// What pipeline-rest-api says of a parameter. It tells the default of a secret, too, which is read by nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Definition {
    pub(super) default_val: Option<Value>,
    pub(super) choices: Option<Vec<String>>,
}

/// A build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Build {
    pub(super) number: Option<u64>,
    pub(super) url: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) description: Option<String>,
    /// `SUCCESS`, `UNSTABLE`, `FAILURE`, `NOT_BUILT`, `ABORTED`; null while it runs.
    pub(super) result: Option<String>,
    pub(super) building: Option<bool>,
    pub(super) in_progress: Option<bool>,
    #[serde(deserialize_with = "millis")]
    pub(super) timestamp: Option<Timestamp>,
    /// In milliseconds; 0 while it runs.
    pub(super) duration: Option<i64>,
    pub(super) actions: Option<Listed<Action>>,
}

impl Build {
    /// What plugins say of it.
    pub(super) fn actions(&self) -> &[Action] {
        self.actions.as_ref().map_or(&[], |actions| &actions.read)
    }

    /// The inputs that it waits for, as far as it tells them itself.
    pub(super) fn inputs(&self) -> impl Iterator<Item = &Input> {
        self.actions().iter().flat_map(|action| action.executions.iter().flatten()).filter_map(Execution::input)
    }

    /// Does it say that there may be inputs, without saying which? So do versions of the plugin from before 2023.
    pub(super) fn hides_inputs(&self) -> bool {
        let is_input = |class: &str| class.ends_with(".InputAction");
        let all = self.actions().iter().filter(|action| action.class.as_deref().is_some_and(is_input));
        all.clone().next().is_some() && all.into_iter().all(|action| action.executions.is_none())
    }
}

/// What a plugin says of a build; of most nothing is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Action {
    #[serde(rename = "_class")]
    pub(super) class: Option<String>,
    pub(super) causes: Option<Vec<Cause>>,
    pub(super) parameters: Option<Vec<Valued>>,
    pub(super) last_built_revision: Option<Revision>,
    pub(super) executions: Option<Vec<Execution>>,
    pub(super) restart_enabled: Option<bool>,
    pub(super) restartable_stages: Option<Vec<String>>,
}

/// Why a build began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Cause {
    #[serde(rename = "_class")]
    pub(super) class: Option<String>,
    pub(super) short_description: Option<String>,
    pub(super) user_id: Option<String>,
    pub(super) user_name: Option<String>,
}

/// A commit that was checked out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Revision {
    #[serde(rename = "SHA1")]
    pub(super) sha1: Option<String>,
    pub(super) branch: Option<Vec<Valued>>,
}

/// A step that waits for somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Execution {
    pub(super) id: Option<String>,
    pub(super) input: Option<Input>,
}

impl Execution {
    fn input(&self) -> Option<&Input> {
        self.input.as_ref()
    }
}

/// What it asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Input {
    pub(super) id: Option<String>,
    pub(super) message: Option<String>,
    pub(super) ok: Option<String>,
    /// Users or groups, with commas between; `None` where everybody may who may build.
    pub(super) submitter: Option<String>,
    pub(super) parameters: Option<Vec<Parameter>>,
}

/// The same, as pipeline-rest-api tells it: never by whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Pending {
    pub(super) id: Option<String>,
    pub(super) message: Option<String>,
    pub(super) proceed_text: Option<String>,
    pub(super) inputs: Option<Vec<Parameter>>,
}

impl From<Pending> for Input {
    fn from(pending: Pending) -> Self {
        let Pending { id, message, proceed_text, inputs } = pending;
        Self { id, message, ok: proceed_text, submitter: None, parameters: inputs }
    }
}

/// `GET /whoAmI`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Whoami {
    pub(super) name: Option<String>,
    pub(super) anonymous: Option<bool>,
    pub(super) authorities: Option<Vec<String>>,
}

/// `GET /crumbIssuer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Crumb {
    pub(super) crumb: Option<String>,
    pub(super) crumb_request_field: Option<String>,
}

/// `GET /queue/item/N`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct QueueItem {
    pub(super) id: Option<u64>,
    pub(super) why: Option<String>,
    pub(super) blocked: Option<bool>,
    pub(super) cancelled: Option<bool>,
    pub(super) executable: Option<Executable>,
}

/// A build by its address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Executable {
    pub(super) url: Option<String>,
}

impl Executable {
    pub(super) fn address(&self) -> Option<Address> {
        of_url(self.url.as_deref()?)
    }
}

/// `GET /computer`: what everything is busy with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Computers {
    pub(super) computer: Option<Listed<Computer>>,
}

impl Computers {
    /// Every build that runs or waits for input.
    pub(super) fn busy_with(&self) -> Vec<Address> {
        let all = self.computer.iter().flat_map(|all| &all.read);
        let executors = all.flat_map(|one| one.executors.iter().chain(&one.one_off_executors).flatten());
        executors.filter_map(|one| one.current_executable.as_ref()?.address()).collect()
    }
}

/// A machine, and what is done on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Computer {
    pub(super) executors: Option<Vec<Executor>>,
    /// A pipeline holds one of these as long as it goes.
    pub(super) one_off_executors: Option<Vec<Executor>>,
}

/// A place to run on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Executor {
    pub(super) current_executable: Option<Executable>,
}

/// `wfapi/describe` of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Stages {
    pub(super) stages: Option<Listed<Stage>>,
}

/// The same of a stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Steps {
    #[serde(flatten)]
    pub(super) own: Stage,
    pub(super) stage_flow_nodes: Option<Vec<Stage>>,
}

/// A stage, or a step of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Stage {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) status: Option<String>,
    /// The same, as pipeline-graph-view says it.
    pub(super) state: Option<String>,
    #[serde(deserialize_with = "millis")]
    pub(super) start_time_millis: Option<Timestamp>,
    pub(super) duration_millis: Option<i64>,
    pub(super) total_duration_millis: Option<i64>,
    /// So much of it somebody was waited for.
    pub(super) pause_duration_millis: Option<i64>,
    pub(super) agent: Option<String>,
    #[serde(rename = "_links")]
    pub(super) links: Option<Links>,
    pub(super) children: Option<Vec<Stage>>,
}

/// Which further answers there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Links {
    pub(super) log: Option<Value>,
}

/// `stages/tree` of pipeline-graph-view.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Graph {
    pub(super) data: Option<Stages>,
}

/// `wfapi/log` of a step: the last 10 KB of it, as a piece of a web page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct StepLog {
    pub(super) node_status: Option<String>,
    pub(super) has_more: Option<bool>,
    pub(super) text: Option<String>,
}

/// A success that is none: `restart` and pipeline-graph-view answer 200 to what they refuse.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    pub(super) status: Option<String>,
    pub(super) success: Option<Value>,
    pub(super) message: Option<String>,
    pub(super) error: Option<String>,
    pub(super) data: Option<Box<Refusal>>,
}

impl Refusal {
    /// Why it is none, in its words; `None` where it is one.
    pub(super) fn why(&self) -> Option<String> {
        let no = |value: &Value| *value == Value::Bool(false) || value.as_str() == Some("false");
        let refused = self.status.as_deref() == Some("error") || self.success.as_ref().is_some_and(no);
        let own = refused.then(|| self.message.clone().or_else(|| self.error.clone()).unwrap_or_default());
        let below = self.data.as_deref();
        match own {
            Some(said) if said.is_empty() => {
                below.and_then(|below| below.message.clone().or_else(|| below.error.clone())).or(Some(said))
            }
            Some(said) => Some(said),
            None => below.and_then(Self::why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_of_a_list_is_counted_and_the_others_stay() {
        let text =
            r#"{"jobs": [{"name": 7}, {"name": "a", "builds": [{"number": "x"}, {"number": 5, "actions": [{}, 3]}]}]}"#;
        let job: Job = serde_json::from_str(text).unwrap();
        let jobs = job.jobs.unwrap();
        let builds = jobs.read[0].builds.clone().unwrap();
        assert_eq!((jobs.unread, builds.unread, builds.read[0].number), (1, 1, Some(5)));
        assert_eq!(builds.read[0].actions.as_ref().unwrap().unread, 1);
    }

    #[test]
    fn a_refusal_that_calls_itself_a_success_is_seen() {
        let of = |text: &str| serde_json::from_str::<Refusal>(text).unwrap().why();
        for (text, why) in [
            (r#"{"status":"ok","data":{"success":"true","message":"ok"}}"#, None),
            (
                r#"{"status":"ok","data":{"success":"false","message":"not allowed to restart"}}"#,
                Some("not allowed to restart"),
            ),
            (r#"{"success":false,"message":"no"}"#, Some("no")),
            (r#"{"status":"error","data":{"error":"gone"}}"#, Some("gone")),
            (r#"{"status":"error"}"#, Some("")),
            ("{}", None),
        ] {
            assert_eq!(of(text).as_deref(), why, "{text}");
        }
    }

    #[test]
    fn an_action_that_waits_without_saying_for_what_is_one_of_an_older_plugin() {
        let of = |text: &str| serde_json::from_str::<Build>(text).unwrap();
        let class = "org.jenkinsci.plugins.workflow.support.steps.input.InputAction";
        let old = of(&format!(r#"{{"actions": [{{}}, {{"_class": "{class}"}}]}}"#));
        let new = of(&format!(r#"{{"actions": [{{"_class": "{class}", "executions": []}}]}}"#));
        assert_eq!((old.hides_inputs(), new.hides_inputs(), of("{}").hides_inputs()), (true, false, false));
    }
}
