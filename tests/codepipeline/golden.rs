//! Our client against published and recorded answers: what each of them means.

use holdshort::domain::{
    gate::Gate,
    pipeline::{NodeKind, RunStatus, rows},
    verb::Verb,
};
use serde_json::{Value, json};

use crate::{
    inventory::Listing,
    lookup::Asking,
    scene::{Diary, HandClock, connect, fixture, pipeline, saying},
};

/// A published id, as AWS's model says that they are: the published ones are cut.
const ID: &str = "3137f7cb-7cf7-439f-9458-d7ee30000000";

/// One execution that is under way, in AWS's words.
fn executions(id: &str, status: &str) -> Value {
    json!({"pipelineExecutionSummaries": [{"pipelineExecutionId": id, "status": status, "startTime": 1_467_929_000.5,
        "lastUpdateTime": 1_467_929_497.204,
        "sourceRevisions": [{"actionName": "Source", "revisionId": "HYGp7zmwbCPPwo23xCMdTeqIlEXAMPLE", "revisionSummary": "Amazon S3 version id: x"}],
        "trigger": {"triggerType": "StartPipelineExecution", "triggerDetail": "arn:aws:sts::1:assumed-role/release/kim"}}]})
}

/// Everything that is told where these are all answers there are.
async fn told(
    answers: Vec<(&'static str, u16, Value)>,
) -> (Vec<Gate>, Vec<holdshort::domain::pipeline::Run>, Vec<String>) {
    let clock = HandClock::new();
    let connection = connect(saying(&Diary::default(), answers, &clock), vec![pipeline("MyFirstPipeline")], &clock);
    let (items, unread) = connection.inventories[0].look().await;
    let gates = items.iter().filter_map(|item| item.gate().cloned()).collect();
    (gates, items.iter().filter_map(|item| item.run().cloned()).collect(), unread)
}

fn with_id(mut told: Value, stage: usize) -> Value {
    told["stageStates"][stage]["latestExecution"]["pipelineExecutionId"] = ID.into();
    told
}

#[tokio::test]
async fn a_published_approval_waits_by_its_token_even_where_the_making_of_the_pipeline_may_not_be_read() {
    let state = with_id(fixture("get_pipeline_state_pending_approval"), 0);
    let denied = json!({"__type": "AccessDeniedException", "message": "no"});
    let (gates, runs, unread) = told(vec![
        ("GetPipelineState", 200, state),
        ("GetPipeline", 400, denied),
        ("ListPipelineExecutions", 200, executions(ID, "InProgress")),
    ])
    .await;
    let [gate] = gates.as_slice() else { panic!("{gates:#?}") };
    assert_eq!(
        gate.title,
        "MyFirstPipeline #160707220320 MyApprovalAction: The new design needs to be reviewed before release."
    );
    assert_eq!(
        (gate.environment.as_str(), gate.id.path.as_str()),
        ("MyApprovalStage", &*format!("MyFirstPipeline/{ID}/MyApprovalStage/MyApprovalAction"))
    );
    let [run] = runs.as_slice() else { panic!("{runs:#?}") };
    assert_eq!(
        (run.status, run.actor.as_ref().map(holdshort::domain::ids::Person::as_str)),
        (RunStatus::Waiting, Some("kim"))
    );
    assert_eq!(
        unread,
        [
            "CodePipeline, MyFirstPipeline: it does not let us (no); it takes codepipeline:GetPipeline; which of its stages deploy, and what \
          starting it asks for, is not known"
        ]
    );
}

#[tokio::test]
async fn a_published_hold_waits_with_who_and_why() {
    let mut state = fixture("get_pipeline_state_disabled_transition_and_inbound");
    state["stageStates"][1]["inboundExecution"]["pipelineExecutionId"] = ID.into();
    let (gates, runs, _) =
        told(vec![("GetPipelineState", 200, state), ("ListPipelineExecutions", 200, executions(ID, "InProgress"))])
            .await;
    let [gate] = gates.as_slice() else { panic!("{gates:#?}") };
    assert_eq!(gate.title, "MyFirstPipeline #160707220320 before Beta, held by USER_ARN: disabled");
    assert_eq!(gate.since, "2020-04-07T15:33:03.949Z".parse::<holdshort::domain::time::Timestamp>().unwrap());
    assert_eq!(gate.offers.iter().map(|offer| offer.verb).collect::<Vec<_>>(), [Verb::Resume]);
    assert_eq!(runs[0].status, RunStatus::Waiting);
}

#[tokio::test]
async fn published_and_recorded_lists_are_read_with_moments_in_either_form_and_a_new_word_is_unknown() {
    for (list, began) in [("list_pipeline_executions", 170_604), ("moto_list_pipeline_executions", 261_121)] {
        let list = fixture(list);
        let list = list.get("body").cloned().unwrap_or(list);
        let (_, runs, _) =
            told(vec![("GetPipelineState", 200, json!({})), ("ListPipelineExecutions", 200, list)]).await;
        assert_eq!((runs[0].number / 1_000_000, runs[0].status), (began, RunStatus::Succeeded));
    }
    let (_, runs, _) =
        told(vec![("GetPipelineState", 200, json!({})), ("ListPipelineExecutions", 200, executions(ID, "Resting"))])
            .await;
    assert_eq!((runs[0].status, runs[0].status_words().as_str()), (RunStatus::Unknown, "Resting (unknown)"));
}

#[tokio::test]
async fn published_actions_are_a_tree_in_the_order_in_which_they_ran() {
    let clock = HandClock::new();
    let answers = vec![
        ("ListActionExecutions", 200, fixture("list_action_executions")),
        ("GetPipelineExecution", 200, json!({"pipelineExecution": {"status": "Succeeded"}})),
    ];
    let connection = connect(saying(&Diary::default(), answers, &clock), vec![pipeline("till")], &clock);
    let run = holdshort::domain::object::ObjectId::new(&"aws".into(), "run", format!("till/{ID}"));
    let jobs = connection.lookups[0].jobs(&run).await.unwrap();
    let told: Vec<_> = rows(&jobs).into_iter().map(|(depth, node)| (depth, node.kind, node.name.as_str())).collect();
    assert_eq!(
        told,
        [
            (0, NodeKind::Stage, "Source"),
            (1, NodeKind::Job, "Source: Edited template.yml"),
            (0, NodeKind::Stage, "Deploy"),
            (1, NodeKind::Job, "Deploy: Deployment Succeeded"),
        ]
    );
    assert!(jobs.iter().all(|stage| stage.status.state == RunStatus::Succeeded));
}
