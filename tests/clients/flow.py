"""Drives the pretended Flow with Alibaba Cloud's own client for Python through the older API, whose signatures the world checks, and
asserts on what that client made of the answers.

Call: flow.py URL ORGANIZATION
"""

import json
import sys
import time
import types
from urllib.parse import urlparse

# This file is called as no package is, but its neighbours are.
sys.path.pop(0)


class Nothing:
    """What nothing here asks for."""

    def __init__(self, *_, **__):
        pass

    def __getattr__(self, _):
        return Nothing


def stand_in(name, **has):
    """A module that the client imports for what nothing here asks for: asynchronous calls, RSA keys, other places of credentials, gateways
    that are plugged in. Two of them are published as source only, and some are built for each machine."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        whole = ".".join(parts[:end])
        if whole not in sys.modules:
            module = types.ModuleType(whole)
            module.__path__ = []
            module.__getattr__ = lambda _: Nothing
            sys.modules[whole] = module
    vars(sys.modules[name]).update(has)


for unused in ["aiohttp", "aiofiles", "websocket._abnf", "apscheduler.schedulers.background"]:
    stand_in(unused)
stand_in("cryptography.hazmat.backends", default_backend=None)
stand_in("cryptography.hazmat.primitives.hashes")
stand_in("cryptography.hazmat.primitives.asymmetric.padding")
stand_in("cryptography.hazmat.primitives.serialization", load_pem_private_key=None)
stand_in("alibabacloud_endpoint_util.client", Client=Nothing)
stand_in("alibabacloud_gateway_spi.client", Client=Nothing)
stand_in("alibabacloud_gateway_spi.models", InterceptorContext=Nothing)

from alibabacloud_devops20210625 import models  # noqa: E402
from alibabacloud_devops20210625.client import Client  # noqa: E402
from alibabacloud_tea_openapi.models import Config  # noqa: E402
from darabonba.core import DaraCore  # noqa: E402

address, organization = urlparse(sys.argv[1]), sys.argv[2]

# An endpoint is a host to it: what the world is served below stands before the path, and is not signed.
composed = DaraCore.compose_url


def below(request):
    whole = composed(request)
    return whole.replace(address.netloc, address.netloc + address.path.rstrip("/"), 1)


DaraCore.compose_url = staticmethod(below)


def client(secret="demo", key="LTAIdemo"):
    return Client(Config(access_key_id=key, access_key_secret=secret, endpoint=address.netloc, protocol="HTTP", read_timeout=10000))


flow = client()


def until(what, seconds=60):
    """What it says once it says something; the world's time goes on by itself."""
    for _ in range(seconds * 10):
        found = what()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it never came: %r" % what)


# Pipelines, by pages and by state.
first = flow.list_pipelines(organization, models.ListPipelinesRequest(max_results=2)).body
assert first.success and len(first.pipelines) == 2 and first.next_token, first
request = models.ListPipelinesRequest(max_results=30, status_list="WAITING,RUNNING")
waiting = {one.pipeline_name: str(one.pipeline_id) for one in flow.list_pipelines(organization, request).body.pipelines}
assert {"下单服务-发布", "search-prod"} <= set(waiting), waiting

# Groups of variables, with the pipelines that are given them; one that is encrypted is not shown.
group = flow.list_variable_groups(organization, models.ListVariableGroupsRequest()).body.variable_groups[0]
assert (group.name, [one.id for one in group.related_pipelines]) == ("生产", [101, 102]), group
shown = {one.name: (one.value, one.is_encrypted) for one in group.variables}
assert shown == {"REGISTRY": ("registry.shop.example", False), "REGISTRY_TOKEN": ("******", True)}, shown

# Runs: the state is in the list here, and the validation in the run.
order = waiting["下单服务-发布"]
runs = flow.list_pipeline_runs(organization, order, models.ListPipelineRunsRequest()).body.pipeline_runs
assert [(one.pipeline_run_id, one.status) for one in runs][:2] == [(73, "WAITING"), (72, "WAITING")], runs
run = flow.get_pipeline_run(organization, order, "72").body.pipeline_run
assert run.sources[0].data.branch == "v3.9.0" and json.loads(run.sources[0].data.commint)["commitId"].startswith("c0ffee"), run
jobs = {job.name: job for stage in run.stages for job in stage.stage_info.jobs}
gate = jobs["上线审批"]
assert [(one.type, one.disable) for one in gate.actions] == [("PassPipelineValidate", False), ("RefusePipelineValidate", False)]
log = flow.log_pipeline_job_run(organization, order, str(jobs["单元测试"].id), "72").body.log
assert log.content.splitlines()[-1] == "[INFO] 任务运行成功", log

# Passing it: the run goes on.
passed = flow.pass_pipeline_validate(organization, order, "72", str(gate.id)).body
assert passed.success and passed.error_code == "", passed
again = flow.pass_pipeline_validate(organization, order, "72", str(gate.id)).body
assert again.success is False and again.error_code == "InvalidParam.Status", again

# A deployment to hosts: it pauses between batches, one goes, and it is stopped.
search = waiting["search-prod"]
run = flow.get_pipeline_run(organization, search, "13").body.pipeline_run
deploy = [job for stage in run.stages for job in stage.stage_info.jobs if job.name == "主机部署"][0]
number = [one.params["deployOrderId"] for one in deploy.actions if "deployOrderId" in one.params][0]
found = flow.get_vmdeploy_order(organization, search, str(number)).body.deploy_order
assert (found.status, found.current_batch, found.total_batch) == ("Waiting", 1, 3), found
machines = found.deploy_machine_info.deploy_machines
assert [(one.machine_sn, one.status) for one in machines] == [("i-bp2a", "Success"), ("i-bp2b", "Pending"), ("i-bp2c", "Pending")]
wrote = flow.log_vmdeploy_machine(organization, search, str(number), "i-bp2a").body.deploy_machine_log
assert "部署成功" in wrote.deploy_log, wrote
assert flow.resume_vmdeploy_order(organization, search, str(number)).body.success
found = flow.get_vmdeploy_order(organization, search, str(number)).body.deploy_order
assert (found.status, found.current_batch) == ("Running", 2), found
assert flow.stop_vmdeploy_order(organization, search, str(number)).body.success

# What was deployed before.
request = models.ListPipelineJobsRequest(category="DEPLOY")
checkout = "101"
names = {one.job_name: one.identifier for one in flow.list_pipeline_jobs(organization, checkout, request).body.jobs}
request = models.ListPipelineJobHistorysRequest(category="DEPLOY", identifier=names["主机部署"], max_results=5)
records = flow.list_pipeline_job_historys(organization, checkout, request).body.jobs
assert [(one.pipeline_run_id, one.status) for one in records] == [(40, "CANCELED"), (39, "SUCCESS"), (38, "SUCCESS")], records

# A new run with its parameters, a job of it, and stopping the whole of it.
params = json.dumps({"runningBranchs": {"https://codeup.aliyun.com/acme/shop.git": "v2.0.0"}, "comment": "夜间"})
made = flow.start_pipeline_run(organization, "105", models.StartPipelineRunRequest(params=params)).body
assert made.success and made.pipeline_run_id == 32, made
assert flow.stop_pipeline_run(organization, "105", "32").body.success
stopped = flow.get_pipeline_run(organization, "105", "32").body.pipeline_run
assert stopped.status == "CANCELED" and stopped.sources[0].data.branch == "v2.0.0", stopped
failed = flow.get_pipeline_run(organization, "105", "31").body.pipeline_run
job = [job for stage in failed.stages for job in stage.stage_info.jobs if job.status == "FAIL"][0]
assert flow.retry_pipeline_job_run(organization, "105", "31", str(job.id)).body.success
until(lambda: flow.get_pipeline_run(organization, "105", "31").body.pipeline_run.status == "RUNNING")

# Who signs with another secret, or is nobody.
for other, code in [(client(secret="wrong"), "SignatureDoesNotMatch"), (client(key="LTAIother"), "InvalidAccessKeyId.NotFound")]:
    try:
        other.list_pipelines(organization, models.ListPipelinesRequest())
        raise SystemExit("it let nobody in")
    except Exception as refused:  # noqa: BLE001
        assert code in str(refused), refused
