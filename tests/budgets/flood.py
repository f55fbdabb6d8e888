#!/usr/bin/env python3
"""What a server that sends too much costs: the peak of memory of one `status`, and that the bound is said and not hidden.

Serves lists of 500,000 tiny things on loopback, as a cluster, a Prometheus and a GitHub would, each alone and all together,
and a body that grows to gigabytes when it is unpacked. Runs `status --json` against them and prints a table. Python's standard
library only. It never fails because of a number. It fails (exit 1) when the program misbehaves: a source that sent more than
can be kept and is shown as anything but a fault.

    tests/budgets/flood.py target/release/holdshort [--items 500000]
"""

import argparse
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import zlib

KINDS = {"replicasets": "ReplicaSetList", "deployments": "DeploymentList", "rollouts": "RolloutList"}
# Before the program counts as misbehaving. Not a measurement.
PATIENCE = 60

CONFIG = {
    "cluster": """
[connections.cluster]
kind = "kubernetes"
server = "{url}"
environment = "prod/eu"
namespaces = ["shop"]
""",
    "metrics": """
[connections.metrics]
kind = "prometheus"
url = "{url}/{kind}"
preset = "istio"
""",
    "github": """
[connections.github]
kind = "github"
base_url = "{url}"

[[connections.github.repos]]
name = "acme/ledger"
""",
}


def many(items, one):
    return ",".join(one % number for number in range(items))


def bodies(items):
    cluster = {
        kind: '{"kind":"%s","metadata":{"resourceVersion":"1"},"items":[%s]}'
        % (name, many(items, '{"metadata":{"name":"x%d"}}'))
        for kind, name in KINDS.items()
    }
    series = '{"status":"success","data":{"resultType":"vector","result":[%s]}}' % many(items, '{"metric":{"a":"%d"}}')
    runs = '{"workflow_runs":[%s]}' % many(items, '{"id":%d}')
    return {name: body.encode() for name, body in {**cluster, "query": series, "runs": runs}.items()}


class Flood(http.server.BaseHTTPRequestHandler):
    """Answers by the last word of the path that it knows."""

    protocol_version = "HTTP/1.1"
    bodies = {}
    bomb = b""

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?")[0]
        kind = next((kind for kind in self.bodies if path.rstrip("/").endswith(kind)), None)
        if kind is None and path.endswith("query_range"):
            kind = "query"
        body, packed = self.bodies.get(kind, b"{}"), False
        if path.startswith("/bomb"):
            body, packed = self.bomb, True
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            pass


def serve(items):
    """Serves in a process of its own: what a parent holds would count as the program's peak."""
    read, write = os.pipe()
    if os.fork():
        os.close(write)
        with os.fdopen(read) as said:
            return int(said.readline())
    os.close(read)
    Flood.bodies = bodies(items)
    packing = zlib.compressobj(wbits=31)
    Flood.bomb = b"".join(packing.compress(b" " * (8 << 20)) for _ in range(64)) + packing.flush()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Flood)
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    os.write(write, f"{server.server_address[1]}\n".encode())
    os.close(write)
    server.serve_forever()


def end_with(parent):
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


def measure(program, config):
    """The sources as `status --json` tells them, and the peak of memory in MiB."""
    with tempfile.TemporaryDirectory() as home:
        path = os.path.join(home, "config.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(config)
        os.chmod(path, 0o600)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HOLDSHORT_")}
        process = subprocess.Popen(
            [program, "--config", path, "status", "--json"],
            env={**kept, "HOME": home, "XDG_CONFIG_HOME": home, "XDG_STATE_HOME": home},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        killer = threading.Timer(PATIENCE, process.kill)
        killer.start()
        out, said = process.stdout.read(), process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        killer.cancel()
        peak = usage.ru_maxrss / 1024
        if not out:
            return [], peak, f"no answer, status {status}: {said.decode(errors='replace')}"
        return json.loads(out)["sources"], peak, None


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("program")
    options.add_argument("--items", type=int, default=500_000)
    options = options.parse_args()
    port = serve(options.items)
    url = f"http://127.0.0.1:{port}"
    of = {name: text.format(url=url, kind="many") for name, text in CONFIG.items()}
    of["packed"] = CONFIG["metrics"].format(url=url, kind="bomb")
    of["all together"] = of["cluster"] + of["metrics"] + of["github"]
    print(f"{options.items:,} tiny things a list; peak of resident memory of one `status --json`")
    wrong = []
    for name, config in of.items():
        sources, peak, silent = measure(os.path.abspath(options.program), config)
        wrong += [f"{name}: {silent}"] if silent else []
        print(f"  {name:<14}{peak:>8.0f} MiB")
        for source in sources:
            print(f"      {source['name']}: {source['freshness']}: {source['error']}")
            if not source["error"]:
                wrong.append(f"{name}: {source['name']} sent too much and is shown as {source['freshness']}")
    for line in wrong:
        print(f"WRONG  {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
