"""Drives the pretended GitLab with python-gitlab: asserts on what the client made of the answers. The address is the argument."""

import sys

import gitlab

url = sys.argv[1]
gl = gitlab.Gitlab(url, private_token="demo", keep_base_url=True, timeout=10, retry_transient_errors=False)


def refused(call, code, words):
    try:
        call()
    except gitlab.exceptions.GitlabError as error:
        assert error.response_code == code, (error.response_code, code, error)
        assert words in str(error), (words, str(error))
        return
    raise AssertionError(f"not refused: {words}")


gl.auth()
assert gl.user.username == "dana", gl.user
assert gl.personal_access_tokens.get("self").scopes == ["api"]

# Projects, by their path and by pages of one.
paths = [project.path_with_namespace for project in gl.projects.list(iterator=True, per_page=1)]
assert paths == ["acme/shop/site", "acme/deploy/fleet", "acme/gateway", "acme/billing"], paths
group = gl.groups.get("acme", lazy=True)
assert len(group.projects.list(get_all=True, include_subgroups=True)) == 4
site = gl.projects.get("acme/shop/site")
assert site.name == "site" and not site.allow_pipeline_trigger_approve_deployment
refused(lambda: gl.projects.get("acme/nothing"), 404, "404 Project Not Found")

# Pipelines, jobs, logs.
pipelines = site.pipelines.list(get_all=True)
assert [one.id for one in pipelines] == [813, 812, 805, 801], pipelines
waiting = site.pipelines.get(812)
assert (waiting.status, waiting.ref, waiting.user["username"]) == ("manual", "v2.8.0", "kim"), waiting
jobs = {job.name: job for job in waiting.jobs.list(get_all=True)}
states = {name: job.status for name, job in jobs.items()}
wanted = {"build": "success", "unit": "success", "lint": "failed", "to-staging": "success", "to-production": "manual"}
assert states == wanted, states
assert [bridge.status for bridge in waiting.bridges.list(get_all=True)] == ["created"]
trace = site.jobs.get(jobs["build"].id).trace().decode()
assert "section_start:" in trace and "pushed registry.shop.example/site" in trace and "Job succeeded" in trace, trace
began = site.pipelines.get(805).bridges.list(get_all=True)[0].downstream_pipeline
assert began["web_url"].endswith(f"/acme/deploy/fleet/-/pipelines/{began['id']}"), began

# What is live, and what waits for approvals.
assert [one.name for one in site.environments.list(get_all=True)] == ["staging", "production"]
live = site.deployments.list(environment="production", status="success", order_by="id", sort="desc", get_all=True)
assert [one.sha[:7] for one in live] == ["1234fee", "aa11bb2"], live
blocked = site.deployments.list(status="blocked", order_by="id", sort="desc", get_all=True)
assert [one.deployable["pipeline"]["id"] for one in blocked] == [813, 812], blocked
one = site.deployments.get(blocked[1].id)
rule = one.approval_summary["rules"][0]
assert (rule["access_level_description"], rule["required_approvals"]) == ("release-managers", 2), rule
assert [given["user"]["username"] for given in rule["deployment_approvals"]] == ["lee"], rule
assert one.pending_approval_count == 1

# Nobody approves their own, nothing is started before all have approved, and an approval starts nothing.
own = site.deployments.get(blocked[0].id)
refused(lambda: own.approval("approved"), 400, "You cannot approve your own deployment")
deploys = site.jobs.get(one.deployable["id"])
refused(deploys.play, 400, "Unplayable Job")
said = one.approval("approved", comment="looks good")
assert (said["status"], said["user"]["username"], said["comment"]) == ("approved", "dana", "looks good"), said
refused(lambda: one.approval("approved"), 400, "This deployment is not waiting for approvals.")
assert site.deployments.get(one.id).status == "created"
assert site.jobs.get(deploys.id).status == "manual"
deploys.play()
assert site.jobs.get(deploys.id).status in ("running", "success")

# Rejecting fails the job; it is tried again as another one, which waits for approvals anew.
own.approval("rejected")
failed = site.jobs.get(own.deployable["id"])
assert failed.status == "failed", failed
failed.retry()
again = [job for job in site.pipelines.get(813).jobs.list(get_all=True) if job.name == "to-production"][0]
assert (again.status, again.id != failed.id) == ("manual", True), again

# A freeze, a job that waits for a hand, a pipeline that is tried again, cancelled and begun.
billing = gl.projects.get("acme/billing")
freezes = gl.http_list(f"/projects/{billing.encoded_id}/freeze_periods", get_all=True)
assert [freeze["freeze_end"] for freeze in freezes] == ["0 12 * * *"], freezes
gateway = gl.projects.get("acme/gateway")
assert gateway.pipelines.get(77).status == "failed"
gateway.pipelines.get(77).retry()
assert gateway.pipelines.get(77).status == "running"
gateway.pipelines.get(78).cancel()
assert gateway.pipelines.get(78).status in ("canceling", "canceled")
made = gateway.pipelines.create({"ref": "main"})
assert made.id == 79 and gateway.pipelines.get(79).user["username"] == "dana", made
refused(lambda: gateway.pipelines.create({"ref": "nowhere"}), 400, "Reference not found")

# What lies between two commits.
compared = site.repository_compare("1234feed1234567890abcdef1234567890abcdef", "c0ffee1234567890abcdef1234567890abcdef12")
assert [commit["title"] for commit in compared["commits"]] == ["site 2.8.0: faster search"], compared
assert [diff["new_path"] for diff in compared["diffs"]] == ["src/search.rs", "db/migrate/0042_index.sql"], compared

other = gitlab.Gitlab(url, private_token="other", timeout=10)
refused(other.auth, 401, "401 Unauthorized")
print("ok")
