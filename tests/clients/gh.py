"""Drives the pretended GitHub with `gh` itself: runs the command lines that it is given, or asserts on what `gh` made of its answers.

`gh` speaks to github.com alone; its own setting `http_unix_socket` leads it to a socket of ours, and that to the pretended one.

usage: gh.py ADDRESS [COMMAND LINE …]
"""

import http.client
import http.server
import json
import os
import pathlib
import socketserver
import subprocess
import sys
import tempfile
import threading
import urllib.parse

world = urllib.parse.urlsplit(sys.argv[1])
folder = pathlib.Path(tempfile.mkdtemp(prefix="holdshort-gh-"))
socket = folder / "socket"


class Bridge(http.server.BaseHTTPRequestHandler):
    """What comes by the socket goes to the world, and back."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def address_string(self):
        return "gh"

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0)) or None
        connection = http.client.HTTPConnection(world.netloc, timeout=30)
        head = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "accept-encoding")}
        connection.request(self.command, world.path.rstrip("/") + self.path, body, head)
        answer = connection.getresponse()
        reply = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


threading.Thread(target=Server(str(socket), Bridge).serve_forever, daemon=True).start()
(folder / "config.yml").write_text(f"version: 1\nprompt: disabled\nhttp_unix_socket: {socket}\n")
programs = pathlib.Path(os.environ["PYTHONPATH"]) / "bin"
environment = {
    "PATH": f"{programs}:{os.environ['PATH']}",
    "HOME": str(folder),
    "GH_CONFIG_DIR": str(folder),
    "GH_TOKEN": "demo",
    "GH_PROMPT_DISABLED": "1",
    "GH_NO_UPDATE_NOTIFIER": "1",
    "GH_TELEMETRY": "0",
}


def run(line):
    done = subprocess.run(["sh", "-c", line], env=environment, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


def told(line):
    return json.loads(run(line))


def read():
    """What is there, as `gh` reads it where nobody has done anything."""
    fields = "databaseId,number,displayTitle,status,event,headBranch,workflowName"
    runs = told(f"gh run list -R acme/ledger --json {fields}")
    listed = [(one["number"], one["displayTitle"], one["status"], one["headBranch"], one["workflowName"]) for one in runs]
    assert listed == [
        (812, "ledger 4.2.0", "waiting", "v4.2.0", "deploy"),
        (811, "ledger 4.1.9", "waiting", "v4.1.9", "deploy"),
    ], runs
    run_812 = told(f"gh run view {runs[0]['databaseId']} -R acme/ledger --json jobs,conclusion,headSha")
    assert [(one["name"], one["status"], one["conclusion"]) for one in run_812["jobs"]] == [
        ("build", "completed", "success"),
        ("deploy-prod", "waiting", ""),
    ], run_812
    assert run_812["headSha"] == "c0ffee1234567890abcdef1234567890abcdef12", run_812
    flows = told("gh workflow list -R acme/ledger --json name,path,state")
    assert flows == [{"name": "deploy", "path": ".github/workflows/deploy.yml", "state": "active"}], flows
    assert told("gh api user")["login"] == "dana"


for line in sys.argv[2:]:
    run(line)
if not sys.argv[2:]:
    read()
