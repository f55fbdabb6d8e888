"""The house that the numbers are measured in: a scenario of so many services, and a door that counts who passes.

The built-in world runs as `demo serve` in a process of its own, so that what it takes is not counted, and every request
passes a door on loopback. Standard library only.
"""

import os
import re
import select
import signal
import socket
import subprocess
import threading

# The first line of a request and of an answer.
REQUEST = re.compile(rb"(GET|POST|PATCH|PUT|DELETE) (\S+) HTTP/1\.1\r\n")
UNCHANGED = re.compile(rb"HTTP/1\.1 304 ")

HEAD = """name = "house"
about = "{canaries} canaries among {services} services"
start = "2026-03-10T01:46:00Z"
open_at = "5m"
history = "{history}"
seed = 5
"""
CELL = """
[[cells]]
name = "{cell}"
environment = "prod/{cell}"
risk = "high"
connection = "kubernetes-{cell}"
"""
ROLLOUT = """
[[cells.cluster.rollouts]]
namespace = "shop"
name = "{name}"
replicas = {replicas}
image = "registry.shop.example/{name}"
steps = [{{ setWeight = 25 }}, {{ pause = {{}} }}]
history = [{{ tag = "1.0.0", commit = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432", ago = "3d" }}]
"""
RELEASE = """
[[cells.script]]
at = "-{since}"
act = {{ set_image = {{ namespace = "shop", name = "{name}", tag = "1.1.0", commit = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678" }} }}
"""
TRAFFIC = """
[[traffic]]
cell = "{cell}"
namespace = "shop"
service = "{name}"
rps = 20

[[traffic.behaviour]]
error_ratio = 0.002
median = "90ms"
p99 = "260ms"
"""
GITHUB = """
[github]
login = "dana"
token = "demo"
"""
REPO = """
[[github.repos]]
owner = "acme"
name = "{name}"

[[github.repos.workflows]]
name = "deploy"
file = "deploy.yml"

[[github.repos.workflows.jobs]]
name = "build"
takes = "2m"

[[github.repos.runs]]
number = 1
title = "{name} 1.1.0"
branch = "main"
commit = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678"
actor = "kim"
started = "-3h"
"""


def scenario(services, canaries, replicas=6, repos=0, traffic=True, since="20m"):
    """So many services over two clusters, the first of them with a canary since then; their repositories; one Prometheus."""
    names = [f"service-{index:04}" for index in range(services)]
    text = HEAD.format(services=services, canaries=canaries, history=since)
    for half, cell in enumerate(("eu", "us")):
        mine = names[half::2]
        text += CELL.format(cell=cell)
        text += "".join(ROLLOUT.format(name=name, replicas=replicas) for name in mine)
        text += "".join(RELEASE.format(name=name, since=since) for name in mine if name in names[:canaries])
    # Tables of the root end the cells.
    for half, cell in enumerate(("eu", "us")):
        text += "".join(TRAFFIC.format(cell=cell, name=name) for name in names[half::2] if traffic)
    if repos:
        text += GITHUB + "".join(REPO.format(name=name) for name in names[:repos])
    return text


class Door:
    """Passes on to a port of this machine and counts the requests by what they ask."""

    def __init__(self, port):
        self.port, self.counts, self.lock = port, {}, threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                inside, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(inside,), daemon=True).start()

    def carry(self, inside):
        with inside, socket.create_connection(("127.0.0.1", self.port)) as outside:
            other = {inside: outside, outside: inside}
            while True:
                for one in select.select(list(other), [], [])[0]:
                    try:
                        data = one.recv(65536)
                    except OSError:
                        data = b""
                    if not data:
                        return
                    # Requests are small and come whole.
                    if one is inside:
                        for _, path in REQUEST.findall(data):
                            self.count(path.decode().split("?")[0].split("/")[1])
                    elif UNCHANGED.match(data):
                        self.count("unchanged")
                    other[one].sendall(data)

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def taken(self):
        """The counts since the last time."""
        with self.lock:
            counts, self.counts = self.counts, {}
        return counts


class House:
    """A served world behind its door, and the configuration that leads through it."""

    def __init__(self, binary, folder, name, text):
        path = os.path.join(folder, f"{name}.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        serve = [binary, "demo", "serve", "--listen", "127.0.0.1:0", "--scenario", path, "--at", "+5m"]
        self.server = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True)
        printed = {}
        for line in self.server.stdout:
            if line == "ready\n":
                break
            key, _, value = line.strip().partition(" ")
            printed[key] = value
        else:
            raise RuntimeError(f"the world of {name} was not served")
        with open(printed["config"], encoding="utf-8") as file:
            config = file.read()
        port = int(re.search(r"127\.0\.0\.1:(\d+)", config).group(1))
        self.door = Door(port)
        self.config = os.path.join(folder, f"{name}-config.toml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(config.replace(f"127.0.0.1:{port}", self.door.address))

    def close(self):
        self.door.listener.close()
        self.server.send_signal(signal.SIGINT)
        self.server.wait()
