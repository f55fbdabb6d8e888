"""Drives the pretended Lambda and CodeDeploy with botocore: asserts on what the client made of the answers. The arguments: the address, the access
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

# CodeDeploy speaks CBOR to who can, and AWS's JSON 1.1 to everybody: the latter is what is pretended here.
loader = session.get_component("data_loader")
load_service_model = loader.load_service_model


def with_json(service_name, type_name, api_version=None):
    model = load_service_model(service_name, type_name, api_version)
    if type_name == "service-2" and "json" in model["metadata"].get("protocols", []):
        model = {**model, "metadata": {**model["metadata"], "protocol": "json", "protocols": ["json"]}}
    return model


loader.load_service_model = with_json


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


functions = client("lambda")
deploys = client("codedeploy")

# Who asks, by a signature that is not ours.
who = client("sts").get_caller_identity()
assert (who["Account"], who["Arn"]) == ("123456789012", "arn:aws:iam::123456789012:user/dana"), who
refused(client("lambda", secret="another").list_functions, "InvalidSignatureException")
refused(client("codedeploy", key="AKIAOTHER").list_applications, "UnrecognizedClientException")

# Functions, whole and in pages.
names = [one["FunctionName"] for one in functions.list_functions()["Functions"]]
assert names == ["payments", "search", "cart", "mail", "thumbs"], names
pages = functions.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2})
assert [one["FunctionName"] for page in pages for one in page["Functions"]] == names
versions = functions.list_versions_by_function(FunctionName="payments")["Versions"]
assert [one["Version"] for one in versions] == ["$LATEST", "11", "12", "13"], versions
assert functions.get_function_configuration(FunctionName="payments", Qualifier="12")["Description"] == "1.41.3"
gone = lambda: functions.get_function_configuration(FunctionName="payments", Qualifier="99")
refused(gone, "ResourceNotFoundException", "Function not found")
warm = functions.list_provisioned_concurrency_configs(FunctionName="payments")["ProvisionedConcurrencyConfigs"]
assert [(one["FunctionArn"][-2:], one["Status"]) for one in warm] == [("12", "READY")], warm
assert functions.get_function_concurrency(FunctionName="thumbs")["ReservedConcurrentExecutions"] == 0
assert "ReservedConcurrentExecutions" not in functions.get_function_concurrency(FunctionName="mail")

# An alias is written under its revision, and only under that.
at = {"FunctionName": "search", "Name": "live"}
alias = functions.get_alias(**at)
assert alias["RoutingConfig"] == {"AdditionalVersionWeights": {"6": 0.25}}, alias
half = {"AdditionalVersionWeights": {"6": 0.5}}
written = functions.update_alias(**at, RoutingConfig=half, RevisionId=alias["RevisionId"])
assert (written["FunctionVersion"], written["RoutingConfig"]) == ("5", half), written
refused(lambda: functions.update_alias(**at, RoutingConfig=half, RevisionId=alias["RevisionId"]), "PreconditionFailedException")
refused(lambda: functions.update_alias(**at, FunctionVersion="6"), "InvalidParameterValueException")
refused(lambda: functions.update_alias(**at, FunctionVersion="99"), "ResourceNotFoundException")
functions.update_alias(**at, RoutingConfig={"AdditionalVersionWeights": {}})
assert "RoutingConfig" not in functions.get_alias(**at)

# Groups, what each deployed, and which alias that was about.
assert deploys.list_applications()["applications"] == ["payments", "cart", "mail"]
apps = deploys.batch_get_applications(applicationNames=["cart"])["applicationsInfo"]
assert apps[0]["computePlatform"] == "Lambda", apps
group = {"applicationName": "cart", "deploymentGroupName": "cart-live"}
assert deploys.list_deployment_groups(applicationName="cart")["deploymentGroups"] == ["cart-live"]
info = deploys.batch_get_deployment_groups(applicationName="cart", deploymentGroupNames=["cart-live"])["deploymentGroupsInfo"][0]
assert (info["lastAttemptedDeployment"]["status"], info["autoRollbackConfiguration"]["enabled"]) == ("Failed", True), info
ids = deploys.list_deployments(**group)["deployments"]
done = deploys.batch_get_deployments(deploymentIds=ids)["deploymentsInfo"]
assert sorted(one["status"] for one in done) == ["Failed", "Succeeded"], done
assert all(one["createTime"].year == 2026 for one in done), done
targets = deploys.list_deployment_targets(deploymentId=ids[0])["targetIds"]
about = deploys.batch_get_deployment_targets(deploymentId=ids[0], targetIds=targets)["deploymentTargets"][0]
function = about["lambdaTarget"]["lambdaFunctionInfo"]
assert (function["functionName"], function["functionAlias"], function["targetVersion"]) == ("cart", "live", "32"), function
shift = deploys.get_deployment_config(deploymentConfigName="CodeDeployDefault.LambdaCanary10Percent5Minutes")
canary = shift["deploymentConfigInfo"]["trafficRoutingConfig"]["timeBasedCanary"]
assert canary == {"canaryPercentage": 10, "canaryInterval": 5}, canary

# A deployment goes one at a time, is stopped once, and is taken back.
content = (
    '{"version": 0.0, "Resources": [{"mail": {"Type": "AWS::Lambda::Function", "Properties": '
    '{"Name": "mail", "Alias": "live", "CurrentVersion": "8", "TargetVersion": "7"}}}]}'
)
group = {"applicationName": "mail", "deploymentGroupName": "mail-live"}
revision = {"revisionType": "AppSpecContent", "appSpecContent": {"content": content}}
back = {**group, "revision": revision, "deploymentConfigName": "CodeDeployDefault.LambdaAllAtOnce"}
made = deploys.create_deployment(**back)["deploymentId"]
refused(lambda: deploys.create_deployment(**back), "DeploymentLimitExceededException")
assert deploys.stop_deployment(deploymentId=made, autoRollbackEnabled=True)["status"] == "Succeeded"
refused(lambda: deploys.stop_deployment(deploymentId=made), "DeploymentAlreadyCompletedException")
one = deploys.batch_get_deployments(deploymentIds=[made])["deploymentsInfo"][0]
assert one["status"] == "Stopped" and one["rollbackInfo"]["rollbackDeploymentId"].startswith("d-"), one
refused(lambda: deploys.stop_deployment(deploymentId="d-000000000"), "DeploymentDoesNotExistException")
