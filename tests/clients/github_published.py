"""Stands before the pretended GitHub and holds every request and every reply against what GitHub publishes: its OpenAPI description
by Prism, and its GraphQL schema by graphql-core. Prints `at ADDRESS` once it answers; `GET /published` there is what it found.

usage: github_published.py WORLD OPENAPI SCHEMA PRISM
"""

import http.client
import http.server
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import graphql

world, openapi, schema_file, prism = sys.argv[1:]

# Of a thousand paths those of what holdshort reads and does: with all of them Prism takes a minute to begin.
FAMILIES = ["actions/", "compare/", "contents/", "deployments", "environments", "commits", "git/", "pulls"]
ALONE = ["/user", "/user/repos", "/orgs/{org}/repos", "/users/{username}/repos", "/rate_limit", "/repos/{owner}/{repo}"]


def is_kept(path):
    rest = path.removeprefix("/repos/{owner}/{repo}/")
    return path in ALONE or rest != path and any(rest.startswith(one) for one in FAMILIES)


def references(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def cut(whole):
    """The description with the kept paths, and what of its components they lead to."""
    whole["paths"] = {path: item for path, item in whole["paths"].items() if is_kept(path)}
    whole.pop("x-webhooks", None)
    whole.pop("webhooks", None)
    seen, left = set(), list(references(whole["paths"]))
    components = {}
    while left:
        reference = left.pop()
        if reference in seen:
            continue
        seen.add(reference)
        _, _, kind, name = reference.split("/", 3)
        found = whole["components"][kind][name]
        components.setdefault(kind, {})[name] = found
        left.extend(references(found))
    whole["components"] = components
    return whole


folder = pathlib.Path(tempfile.mkdtemp(prefix="holdshort-published-"))
description = folder / "openapi.json"
description.write_text(json.dumps(cut(json.loads(pathlib.Path(openapi).read_text()))))
schema = graphql.build_schema(pathlib.Path(schema_file).read_text(), assume_valid=True)

found, asked, lock = [], set(), threading.Lock()


def forward(base, request, body):
    """Sends it on as it came, and gives back what is answered."""
    at = urllib.parse.urlsplit(base)
    connection = http.client.HTTPConnection(at.netloc, timeout=30)
    head = {name: value for name, value in request.headers.items() if name.lower() not in ("host", "accept-encoding")}
    connection.request(request.command, at.path.rstrip("/") + request.path, body, head)
    answer = connection.getresponse()
    return answer.status, answer.getheaders(), answer.read()


def template(path):
    """A path as it is listed: what is a number in it is `N`."""
    plain = urllib.parse.urlsplit(path).path
    return "/".join("N" if part.isdigit() else part for part in plain.split("/"))


def violations(request, status, headers):
    """What Prism says of the exchange, without what it cannot know."""
    said = next((value for name, value in headers if name.lower() == "sl-violations"), "[]")
    for one in json.loads(said):
        # GitHub answers with a redirect to where the log is, which Prism follows by itself. That nothing has changed is an answer to
        # every conditional request, and stands in GitHub's documentation and not with each path.
        if one["location"][0] == "response" and (request.path.endswith("/logs") or status == 304):
            continue
        # A number is a word as well, which the description of a workflow's id does not mean to forbid.
        if "oneOf" in one["message"] and one["location"][-1] == "workflow_id":
            continue
        yield f"{request.command} {template(request.path)} ({status}): {'.'.join(one['location'])}: {one['message']}"


class Front(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("transfer-encoding", "connection", "content-length", "sl-violations", "content-encoding"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0)) or None
        if self.path == "/published":
            with lock:
                said = {"violations": sorted(set(found)), "asked": sorted(asked)}
            self.answer(200, [("content-type", "application/json")], json.dumps(said).encode())
            return
        if self.path == "/graphql":
            wrong = graphql.validate(schema, graphql.parse(json.loads(body)["query"]))
            status, headers, reply = forward(world, self, body)
            new = [f"POST /graphql: {one.message}" for one in wrong]
        elif "/contents/" in self.path:
            # A file's path holds slashes, and no parameter of OpenAPI can: what is asked there is not described.
            status, headers, reply = forward(world, self, body)
            new = []
        else:
            status, headers, reply = forward(before, self, body)
            new = list(violations(self, status, headers))
        with lock:
            asked.add(f"{self.command} {template(self.path)}")
            found.extend(new)
        try:
            self.answer(status, headers, reply)
        except BrokenPipeError:
            # Whoever asked has ended.
            pass

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_one


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)


def free():
    """A port that nobody has."""
    taken = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    port = taken.server_port
    taken.server_close()
    return port


port = free()
before = f"http://127.0.0.1:{port}"
log = open(folder / "prism.log", "w")
child = subprocess.Popen([*prism.split(), "proxy", "-p", str(port), str(description), world], stdout=log, stderr=log)
threading.Thread(target=server.serve_forever, daemon=True).start()
while True:
    if child.poll() is not None:
        sys.exit("Prism ended: " + (folder / "prism.log").read_text()[-2000:])
    try:
        http.client.HTTPConnection("127.0.0.1", port, timeout=5).request("GET", "/rate_limit")
        break
    except OSError:
        time.sleep(0.1)
print(f"at http://127.0.0.1:{server.server_port}", flush=True)
# Until whoever began it closes its input.
sys.stdin.read()
child.terminate()
