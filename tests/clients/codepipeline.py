"""Drives the pretended CodePipeline with botocore: asserts on what the client made of the answers. The arguments: the address, the access
key, its secret. botocore checks what is asked against AWS's model, parses the answers by it, and signs every request."""

import datetime
import email.utils
import sys
import urllib.error
import urllib.request

import botocore.auth
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

url, key, secret = sys.argv[1:4]

# The world has a time of its own, which its answers tell; a signature counts for five minutes.
try:
    urllib.request.urlopen(urllib.request.Request(url, data=b"{}"), timeout=10)
    raise AssertionError("answered without a signature")
except urllib.error.HTTPError as error:
    assert error.code == 400, error
    theirs = email.utils.parsedate_to_datetime(error.headers["date"]).replace(tzinfo=None)
ahead = theirs - datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)


def world_time(remove_tzinfo=True):
    now = datetime.datetime.now(datetime.timezone.utc) + ahead
    return now.replace(tzinfo=None) if remove_tzinfo else now


botocore.auth.get_current_datetime = world_time
session = botocore.session.get_session()


def client(name, key=key, secret=secret):
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=10)
    return session.create_client(
        name, region_name="eu-west-1", endpoint_url=url, aws_access_key_id=key, aws_secret_access_key=secret, config=config
    )


def refused(call, code, words=""):
    try:
        call()
    except ClientError as error:
        said = error.response["Error"]
        assert said["Code"] == code, said
        assert words in said["Message"], said
        return
    raise AssertionError(f"not refused: {code}")


pipes = client("codepipeline")

# Who asks, by a signature that is not ours.
who = client("sts").get_caller_identity()
assert (who["Account"], who["Arn"]) == ("123456789012", "arn:aws:iam::123456789012:user/dana"), who
refused(client("codepipeline", secret="another").list_pipelines, "InvalidSignatureException")
refused(client("codepipeline", key="AKIAOTHER").list_pipelines, "UnrecognizedClientException")

# Pipelines, whole and in pages.
names = [one["name"] for one in pipes.list_pipelines()["pipelines"]]
assert names == ["gateway", "cart", "search", "billing", "mail"], names
pages = pipes.get_paginator("list_pipelines").paginate(PaginationConfig={"PageSize": 2})
assert [one["name"] for page in pages for one in page["pipelines"]] == names
refused(lambda: pipes.get_pipeline_state(name="nothing"), "PipelineNotFoundException", "does not have a pipeline with name 'nothing'")
made = pipes.get_pipeline(name="gateway")["pipeline"]
kinds = [action["actionTypeId"]["category"] for stage in made["stages"] for action in stage["actions"]]
assert kinds == ["Source", "Build", "Approval", "Deploy"], kinds
assert [variable["name"] for variable in made["variables"]] == ["RING", "TICKET"], made

# An approval waits, with a token.
state = pipes.get_pipeline_state(name="gateway")
prod = state["stageStates"][2]
approve = prod["actionStates"][0]["latestExecution"]
assert (prod["stageName"], approve["status"], approve["summary"]) == ("Prod", "InProgress", "Is the dashboard calm?"), prod
assert approve["lastStatusChange"].year == 2026, approve
waiting = prod["latestExecution"]["pipelineExecutionId"]
listed = pipes.list_pipeline_executions(pipelineName="gateway")["pipelineExecutionSummaries"]
assert [one["status"] for one in listed] == ["InProgress", "Succeeded", "Succeeded"], listed
assert listed[0]["pipelineExecutionId"] == waiting and listed[0]["sourceRevisions"][0]["revisionId"].startswith("77aa"), listed[0]
good = {"succeededInStage": {"stageName": "Prod"}}
earlier = pipes.list_pipeline_executions(pipelineName="gateway", filter=good)["pipelineExecutionSummaries"]
assert [one["sourceRevisions"][0]["revisionId"][:4] for one in earlier] == ["66aa", "44aa"], earlier
one = pipes.get_pipeline_execution(pipelineName="gateway", pipelineExecutionId=waiting)["pipelineExecution"]
assert (one["status"], one["executionMode"]) == ("InProgress", "SUPERSEDED"), one

# What its actions did, and what its build wrote.
actions = pipes.list_action_executions(pipelineName="gateway", filter={"pipelineExecutionId": waiting})["actionExecutionDetails"]
assert [one["actionName"] for one in actions] == ["Approve", "Build", "Code"], actions
build = client("codebuild").batch_get_builds(ids=[actions[1]["output"]["executionResult"]["externalExecutionId"]])["builds"][0]
logs = client("logs")
place = {"logGroupName": build["logs"]["groupName"], "logStreamName": build["logs"]["streamName"]}
lines = logs.get_log_events(**place, limit=3, startFromHead=False)
assert [event["message"] for event in lines["events"]][-1] == "pushed registry.shop.example/gateway\n", lines
rest = logs.get_log_events(**place, nextToken=lines["nextForwardToken"], startFromHead=True)
assert (rest["events"], rest["nextForwardToken"]) == ([], lines["nextForwardToken"]), rest
refused(lambda: logs.get_log_events(logGroupName="/aws/codebuild/x", logStreamName="y"), "ResourceNotFoundException")

# It is answered with its token, and only once.
answer = {"pipelineName": "gateway", "stageName": "Prod", "actionName": "Approve"}
result = {"status": "Approved", "summary": "calm"}
other = "00000000-0000-4000-8000-000000000000"
refused(lambda: pipes.put_approval_result(**answer, result=result, token=other), "InvalidApprovalTokenException")
assert pipes.put_approval_result(**answer, result=result, token=approve["token"])["approvedAt"].year == 2026
refused(lambda: pipes.put_approval_result(**answer, result=result, token=approve["token"]), "InvalidApprovalTokenException")
now = pipes.get_pipeline_state(name="gateway")["stageStates"][2]["actionStates"]
assert [one["latestExecution"]["status"] for one in now] == ["Succeeded", "InProgress"], now

# A transition is held and let go; a reason has only some signs.
hold = {"pipelineName": "gateway", "stageName": "Prod", "transitionType": "Inbound"}
refused(lambda: pipes.disable_stage_transition(**hold, reason="no: colons"), "ValidationException")
pipes.disable_stage_transition(**hold, reason="wait for kim")
held = pipes.get_pipeline_state(name="gateway")["stageStates"][2]["inboundTransitionState"]
assert (held["enabled"], held["disabledReason"], held["lastChangedBy"][-5:]) == (False, "wait for kim", "/dana"), held
pipes.enable_stage_transition(**hold)
search = pipes.get_pipeline_state(name="search")["stageStates"][2]
assert not search["inboundTransitionState"]["enabled"] and search["inboundExecutions"][0]["status"] == "InProgress", search

# A stage that failed is tried again, in the same execution.
failed = pipes.list_pipeline_executions(pipelineName="cart")["pipelineExecutionSummaries"][0]
assert failed["status"] == "Failed", failed
retry = {"pipelineName": "cart", "stageName": "Live", "pipelineExecutionId": failed["pipelineExecutionId"]}
assert pipes.retry_stage_execution(**retry, retryMode="FAILED_ACTIONS")["pipelineExecutionId"] == failed["pipelineExecutionId"]
live = pipes.get_pipeline_state(name="cart")["stageStates"][2]
assert (live["latestExecution"]["status"], live["retryStageMetadata"]["manualStageRetryAttempt"]) == ("InProgress", 1), live
refused(lambda: pipes.retry_stage_execution(**retry, retryMode="ALL_ACTIONS"), "StageNotRetryableException")

# Stopped once, harder the second time.
stop = {"pipelineName": "cart", "pipelineExecutionId": failed["pipelineExecutionId"]}
pipes.stop_pipeline_execution(**stop, reason="enough")
refused(lambda: pipes.stop_pipeline_execution(**stop), "DuplicatedStopRequestException")
pipes.stop_pipeline_execution(**stop, abandon=True)
refused(lambda: pipes.stop_pipeline_execution(**stop), "PipelineExecutionNotStoppableException")

# What somebody starts twice by one token is one, and a stage goes back only to what succeeded in it.
begun = [pipes.start_pipeline_execution(name="search", clientRequestToken="t-1")["pipelineExecutionId"] for _ in range(2)]
assert begun[0] == begun[1], begun
refused(
    lambda: pipes.rollback_stage(pipelineName="search", stageName="Prod", targetPipelineExecutionId=begun[0]),
    "UnableToRollbackStageException",
)
expired = pipes.get_pipeline_state(name="billing")["stageStates"][1]["actionStates"][0]["latestExecution"]
assert (expired["status"], expired["errorDetails"]["message"]) == ("Failed", "Approval expired"), expired
print("ok")
