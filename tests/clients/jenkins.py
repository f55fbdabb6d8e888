"""Drives the pretended Jenkins with python-jenkins, and asserts on what that client made of the answers.

Call: jenkins.py URL
"""

import sys
import time
import types

# This file is called as the package is.
sys.path.pop(0)

# It wants this for lists of plugins, which nothing here asks for, and it is published as source only.
sys.modules["multi_key_dict"] = types.ModuleType("multi_key_dict")
sys.modules["multi_key_dict"].multi_key_dict = dict

import jenkins  # noqa: E402

server = jenkins.Jenkins(sys.argv[1], username="dana", password="demo", timeout=10)


def until(what, seconds=30):
    """What it says once it says something; the world's time goes on by itself."""
    for _ in range(seconds * 10):
        found = what()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it never came: %r" % what)


# Who it is, and which version.
assert server.get_whoami()["id"] == "dana", server.get_whoami()
assert server.get_version().startswith("2."), server.get_version()

# Jobs in folders and branches of projects.
names = {job["fullname"] for job in server.get_all_jobs()}
assert {"shop/gateway", "shop/rollback-gateway", "shop/cart/main"} <= names, names
job = server.get_job_info("shop/gateway")
assert job["fullName"] == "shop/gateway" and job["builds"][0]["number"] == 812, job
names = [one["name"] for prop in job["property"] for one in prop.get("parameterDefinitions", [])]
assert names == ["RING", "DRY_RUN"], names

# Builds, stages and logs.
failed = server.get_build_info("shop/gateway", 811)
assert failed["result"] == "FAILURE" and not failed["building"], failed
waiting = server.get_build_info("shop/gateway", 812)
assert waiting["building"] and waiting["result"] is None, waiting
stages = server.get_build_stages("shop/gateway", 812)
assert [(one["name"], one["status"]) for one in stages["stages"]] == [
    ("Build", "SUCCESS"),
    ("Ship", "PAUSED_PENDING_INPUT"),
], stages
log = server.get_build_console_output("shop/gateway", 811)
assert log.splitlines()[-1] == "Finished: FAILURE", log

# A build with parameters: the queue item becomes it.
item = server.build_job("shop/rollback-gateway", {"VERSION": "3.2.9"})
assert isinstance(item, int), item
executable = until(lambda: server.get_queue_item(item).get("executable"))
assert executable["number"] == 1, executable
made = server.get_build_info("shop/rollback-gateway", 1)
assert made["displayName"] == "3.2.9", made
given = [one for action in made["actions"] for one in action.get("parameters", [])]
assert [(one["name"], one["value"]) for one in given] == [("VERSION", "3.2.9")], given

# Stopping one.
server.stop_build("shop/rollback-gateway", 1)
until(lambda: server.get_build_info("shop/rollback-gateway", 1)["result"] == "ABORTED")

# What is not there, and who is nobody.
try:
    server.get_job_info("shop/nothing")
    raise SystemExit("it found what is not there")
except jenkins.JenkinsException as refused:
    assert "does not exist" in str(refused), refused
try:
    jenkins.Jenkins(sys.argv[1], username="dana", password="wrong").get_whoami()
    raise SystemExit("it let nobody in")
except jenkins.JenkinsException as refused:
    assert "401" in str(refused) or "authentication" in str(refused).lower(), refused
