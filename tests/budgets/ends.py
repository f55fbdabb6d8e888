#!/usr/bin/env python3
"""How soon the end of an act is known: by the command that began it, by a cockpit beside it, and after everybody was killed.

Serves the worlds of tests/fixtures/scenarios with a release binary, carries out every verb of every engine and of GitHub many
times, from processes of their own, and prints a table: the milliseconds from the end's line in the journal to the command's
return and to the end in the recording of a cockpit that runs beside it. The same where the system refuses the call. Then it
kills executors and foregrounds (commands, and cockpits in which the act was confirmed by key) at seeded moments of an act and
measures how soon roll back was accepted, from a fresh command or by key in a fresh cockpit (there its start and the pressing
included). Python's standard
library and Linux' /proc only. It never fails because of a number: a shared machine is too noisy to judge by. It fails (exit 1)
when the program misbehaves: a command that does not return or says something else than the journal, a record that does not
end exactly once, a cockpit that is not told, a way back that is locked.

    tests/budgets/ends.py target/release/holdshort [--times 50] [--refused 50] [--kills 50] [--lanes 6] [--seed 1]
"""

import argparse
import collections
import fcntl
import json
import os
import pty
import random
import re
import shutil
import signal
import socket
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import urllib.request

SCENARIOS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "scenarios")
# Before something counts as misbehaviour. Not a measurement.
PATIENCE = 90.0
# How often the journal and the recording are looked at.
LOOK = 0.004
# How many rounds of refused verbs one world sees.
ROUNDS = 10
# How often a verb is asked for again that was refused before anything was recorded.
ASKS = 20
ENDS = {"done", "refused", "failed", "unknown", "preempted"}
# What an abort leaves to be judged by is soon too old for a retry; the slow ones come early, so that a round is short.
VERBS = [
    ("retry", "argo-retry"),
    ("restart", "deploy-restart"),
    ("restart", "argo-restart"),
    ("promote-full", "argo-full"),
    ("promote", "argo-promote"),
    ("skip", "argo-skip"),
    ("pause", "argo-pause"),
    ("resume", "argo-resume"),
    ("abort", "argo-abort"),
    ("rollback", "argo-rollback"),
    ("pause", "deploy-pause"),
    ("resume", "deploy-resume"),
    ("abort", "deploy-abort"),
    ("rollback", "deploy-rollback"),
    ("approve", "github/gate/acme/approve/7000/prod"),
    ("reject", "github/gate/acme/reject/7001/prod"),
    ("rerun", "github/run/acme/rerun/7002"),
    ("cancel", "github/run/acme/cancel/7003"),
]
WRITE = re.compile(rb"PATCH |POST \S+/(?:pending_deployments|cancel|rerun|rerun-failed-jobs) ")


class Misbehaviour(Exception):
    """The program did something that it must not do."""


class Door:
    """Passes requests on to the world, one a connection; refuses what changes something while it is told to."""

    def __init__(self, inside):
        self.inside, self.refuses = inside, None
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                outside, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(outside,), daemon=True).start()

    def carry(self, outside):
        try:
            self.exchange(outside)
        except OSError:
            pass  # whoever asked was killed, or the world has ended
        finally:
            outside.close()

    def exchange(self, outside):
        came = b""
        while b"\r\n\r\n" not in came:
            more = outside.recv(65536)
            if not more:
                return
            came += more
        head, body = came.split(b"\r\n\r\n", 1)
        length = re.search(rb"(?im)^content-length: *(\d+)", head)
        while length and len(body) < int(length.group(1)):
            more = outside.recv(65536)
            if not more:
                return
            body += more
        if self.refuses and WRITE.match(head):
            text = json.dumps({"message": f"the door says {self.refuses}", "reason": "Door", "code": self.refuses}).encode()
            head = f"HTTP/1.1 {self.refuses} Door\r\nContent-Type: application/json\r\nConnection: close\r\n"
            outside.sendall(f"{head}Content-Length: {len(text)}\r\n\r\n".encode() + text)
            return
        head = re.sub(rb"(?im)^connection:.*\r\n", b"", head + b"\r\n")
        inside = socket.create_connection(self.inside)
        with inside:
            inside.sendall(head + b"Connection: close\r\n\r\n" + body)
            while more := inside.recv(65536):
                outside.sendall(more)

    def close(self):
        self.listener.close()


class World:
    """A served world behind a door, and its journal."""

    def __init__(self, binary, scenario):
        self.binary = binary
        command = [binary, "demo", "serve", "--listen", "127.0.0.1:0", "--at", "+1m"]
        command += ["--scenario", os.path.join(SCENARIOS, f"{scenario}.toml")]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        printed = dict(line.rstrip("\n").split(" ", 1) for line in iter(self.process.stdout.readline, "ready\n") if line)
        self.url = printed["kubernetes"].split("/kubernetes")[0]
        host, port = self.url.removeprefix("http://").split(":")
        self.door = Door((host, int(port)))
        self.folder = tempfile.mkdtemp(prefix="holdshort-ends-")
        self.config = os.path.join(self.folder, "config.toml")
        with open(printed["config"], encoding="utf-8") as text, open(self.config, "w", encoding="utf-8") as ours:
            ours.write(text.read().replace(f"{host}:{port}", self.door.address))
        self.journal = os.path.join(os.path.dirname(printed["config"]), "state", "journal.sqlite")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.door.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, *arguments):
        command = [self.binary, "--config", self.config, *arguments]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def lines(self, sql, *values):
        """Rows of the journal, read only; none while it is not there yet."""
        try:
            journal = sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True, timeout=5)
        except sqlite3.OperationalError:
            return []
        try:
            return journal.execute(sql, values).fetchall()
        except sqlite3.OperationalError:
            return []
        finally:
            journal.close()

    def ends(self):
        """How many ends each record has."""
        rows = self.lines("SELECT record, sum(kind = 'end') FROM lines GROUP BY record")
        return dict(rows)

    def generation(self, service):
        url = f"{self.url}/kubernetes/eu/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/{service}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            rollout = json.load(answer)
        return rollout["metadata"]["generation"], rollout["spec"]["template"]["spec"]["containers"][0]["image"]


class Cockpit:
    """A cockpit beside the commands, and the recording of what it is told."""

    def __init__(self, world):
        self.recording = os.path.join(world.folder, f"recording-{time.monotonic_ns()}")
        command = [world.binary, "--config", world.config, "--record", self.recording]
        environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
        environment["TERM"] = "xterm-256color"
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execve(world.binary, command, environment)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
        self.drew, self.printed, self.wide = threading.Event(), b"", False
        threading.Thread(target=self.drain, daemon=True).start()
        if not self.drew.wait(PATIENCE):
            raise Misbehaviour("the cockpit drew nothing")

    def drain(self):
        try:
            while printed := os.read(self.terminal, 65536):
                self.printed += printed
                self.drew.set()
        except OSError:
            pass

    def shows(self, text):
        """Waits until a whole drawing has the text; every other size makes it draw everything anew."""
        wanted, end = "".join(text.split()), time.monotonic() + PATIENCE
        while time.monotonic() < end:
            before, self.wide = len(self.printed), not self.wide
            fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 121 if self.wide else 120, 0, 0))
            look = time.monotonic() + 0.2
            while time.monotonic() < look:
                drawn = re.sub(r"\x1b\[[0-9;:?]*[a-zA-Z]", "", self.printed[before:].decode("utf-8", "replace"))
                if wanted in "".join(drawn.split()):
                    time.sleep(0.3)  # until a hand would have seen it
                    return
                time.sleep(LOOK)
        raise Misbehaviour(f"the cockpit did not show {text!r}")

    def press(self, *keys):
        """One key after the other, as a hand presses them: what comes faster is a paste, and confirms nothing."""
        for key in keys:
            os.write(self.terminal, key.encode())
            time.sleep(0.15)

    def act(self, service, key):
        """Selects a service, asks for a verb by its key, and confirms it."""
        self.shows("GO for")
        self.press("/", *service, "\r", key)
        if key == "r":
            self.shows(f"roll back {service}")
            self.press("1")
        else:
            self.shows(f"promote {service}")
        self.shows("Enter sends it")
        self.press("\r")

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)

    def close(self):
        self.kill()
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


class Watch(threading.Thread):
    """When the end of each record was first seen in the journal and in a recording."""

    def __init__(self, world, cockpit):
        super().__init__(daemon=True)
        self.world, self.cockpit, self.over = world, cockpit, False
        self.written, self.told = {}, {}

    def run(self):
        last, place, rest = 0, 0, ""
        while not self.over:
            sql = "SELECT seq, record FROM lines WHERE seq > ? AND kind = 'end' ORDER BY seq"
            for last, record in self.world.lines(sql, last):
                self.written.setdefault(record, time.monotonic())
            with open(self.cockpit.recording, encoding="utf-8") as file:
                file.seek(place)
                text = rest + file.read()
                place = file.tell()
            *whole, rest = text.split("\n")
            for line in whole:
                if '"recorded":{' in line:
                    self.take(json.loads(line)["msg"].get("recorded"))
            time.sleep(LOOK)

    def take(self, record):
        stages = {name for entry in record["entries"] if isinstance(entry["stage"], dict) for name in entry["stage"]}
        if stages & ENDS:
            self.told.setdefault(record["id"], time.monotonic())

    def until_told(self, record):
        end = time.monotonic() + PATIENCE
        while record not in self.told or record not in self.written:
            if time.monotonic() > end:
                raise Misbehaviour(f"record {record}: the cockpit was not told of its end within {PATIENCE:.0f} s")
            time.sleep(LOOK)
        return self.written[record], self.told[record]


def confirmed(verb, target):
    more = ["--expect", "c0ffee1"] if verb in ("approve", "rerun") else []
    if verb == "retry":
        more = [*more, "--accept-wait"]  # nothing is measured of what was taken back
    return [verb, target, "--yes", "--reason", "weekly", "--json", *more]


def carry_out(world, verb, target, expected, asked=0):
    """Runs one command to its end: its record and when it returned. What is refused before anything is recorded is asked for
    again: on a loaded machine a source is late."""
    child = world.start(*confirmed(verb, target))
    try:
        out, err = child.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        raise Misbehaviour(f"{verb} {target} did not return within {PATIENCE:.0f} s") from None
    returned = time.monotonic()
    try:
        action = json.loads(out)
    except ValueError:
        raise Misbehaviour(f"{verb} {target} said no JSON: {out!r} {err!r}") from None
    if action["record"] is None and asked < ASKS:
        return carry_out(world, verb, target, expected, asked + 1)
    if (action["outcome"], child.returncode) != expected:
        raise Misbehaviour(f"{verb} {target}: {action['outcome']} ({child.returncode}), not {expected}: {action['said']}")
    return action["record"], returned


def lanes(many, tasks, work):
    """Does so many tasks at a time; what went wrong."""
    left, wrong, lock = collections.deque(tasks), [], threading.Lock()

    def lane():
        while True:
            with lock:
                if not left:
                    return
                task = left.popleft()
            try:
                work(*task)
            except Misbehaviour as why:
                with lock:
                    wrong.append(str(why))

    threads = [threading.Thread(target=lane) for _ in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def round_of_verbs(world, options, expected, measured):
    """Every verb once in a world, with a cockpit beside it."""
    cockpit = Cockpit(world)
    watch = Watch(world, cockpit)
    watch.start()
    before = world.ends()

    def one(verb, target):
        record, returned = carry_out(world, verb, target, expected(verb, target))
        written, told = watch.until_told(record)
        name = f"{verb} ({target.split('-')[0].split('/')[0]})"
        measured[name].append((max(0.0, returned - written) * 1000, max(0.0, told - written) * 1000))

    verbs = [(verb, target) for verb, target in VERBS if options.only in f"{verb} {target}"]
    wrong = lanes(options.lanes, verbs, one)
    after = world.ends()
    if len(after) - len(before) != len(verbs) and not wrong:
        wrong.append(f"{len(after) - len(before)} records for {len(verbs)} acts")
    wrong += [f"record {record} has {ends} ends" for record, ends in after.items() if ends != 1]
    watch.over = True
    watch.join()
    cockpit.close()
    return wrong


def show(title, measured, tried, unit="ms"):
    """A table of medians, 95th percentiles and maxima."""
    print(f"\n{title}\n{'':28}{'of':>9}   {'command returns':^24}   {'cockpit is told':^24}")
    print(f"{'':37}   {'median':>7} {'95 %':>7} {'most':>7}    {'median':>7} {'95 %':>7} {'most':>7}   {unit}")
    for name, pairs in measured.items():
        columns = []
        for column in zip(*pairs):
            ordered = sorted(column)
            at = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
            columns.append(f"{statistics.median(ordered):7.0f} {at:7.0f} {ordered[-1]:7.0f}")
        late = sum(1 for pair in pairs if max(pair) > 3000)
        said = f"   {late} later than 3 s" if late else ""
        print(f"{name:28}{len(pairs):>4} / {tried:<3}  " + "    ".join(columns) + said)
    sys.stdout.flush()


def executor_of(world, record):
    """The process that carries a record out, if there is one."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as line:
                words = line.read().decode("utf-8", "replace").split("\0")
        except OSError:
            continue
        if world.config in words and "executor" in words and str(record) == words[words.index("executor") + 1]:
            return int(name)
    return None


class Point(threading.Thread):
    """The stages that a command tells, as they come."""

    def __init__(self, child):
        super().__init__(daemon=True)
        self.child, self.recorded, self.at = child, threading.Event(), None
        self.start()

    def run(self):
        for line in self.child.stderr:
            if "recorded" in line and not self.recorded.is_set():
                self.at = time.monotonic()
                self.recorded.set()


def ended(child, what):
    """Waits for a command that began an act."""
    try:
        child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        raise Misbehaviour(f"{what} did not return within {PATIENCE:.0f} s after its executor was killed") from None
    finally:
        child.stdout.close()


def begun_by_command(world, service, verb):
    """A command that has written its intent, and how it is killed and ends."""
    for _ in range(ASKS):
        child = world.start(*confirmed(verb, service))
        point = Point(child)
        while not point.recorded.wait(0.05) and child.poll() is None:
            pass
        if point.recorded.is_set():
            return child.kill, lambda: ended(child, f"{verb} {service}")
    raise Misbehaviour(f"{verb} {service} was not begun: {child.stdout.read()}")


def recorded_after(world, before):
    """Waits until there is another record: when it was seen."""
    end = time.monotonic() + PATIENCE
    while len(world.ends()) == before:
        if time.monotonic() > end:
            raise Misbehaviour("what was confirmed by key was not recorded")
        time.sleep(LOOK)
    return time.monotonic()


def begun_by_key(world, service, verb):
    """A cockpit in which the act was confirmed by key and recorded, and how it is killed and ends."""
    before, cockpit = len(world.ends()), Cockpit(world)
    cockpit.act(service, "r" if verb == "rollback" else "p")
    recorded_after(world, before)
    return cockpit.kill, cockpit.close


def back_by_key(world, service):
    """Goes back by key in a fresh cockpit: when that was recorded. It is closed once the act has its end."""
    before, cockpit = len(world.ends()), Cockpit(world)
    cockpit.act(service, "r")
    took = recorded_after(world, before)
    cockpit.shows("DONE")
    cockpit.close()
    return took


def kill_point(world, service, verb, victim, moment, by_key):
    """Kills at a moment after the intent was written, and goes back from a fresh process: the seconds until that was accepted."""
    kill, over = (begun_by_key if by_key else begun_by_command)(world, service, verb)
    time.sleep(moment)
    record = max(world.ends())
    executor = executor_of(world, record)
    if victim != "foreground" and executor:
        os.kill(executor, signal.SIGKILL)
    if victim != "executor":
        kill()
    killed = time.monotonic()
    if by_key and verb == "promote":
        took = back_by_key(world, service) - killed
        over()
        return took
    locked = None
    while True:
        again = world.start(*confirmed("rollback", service), "--to", "1.1.0")
        second = Point(again)
        try:
            out = again.stdout.read()
            again.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Misbehaviour(f"the second roll back of {service} did not return") from None
        action = json.loads(out)
        if action["outcome"] == "done":
            took = (second.at or time.monotonic()) - killed
            break
        if verb == "rollback" and "the spec holds 1.1.0" in action["said"] and ":1.1.0" in world.generation(service)[1]:
            took = None  # it is back already: there is nothing to accept
            break
        if verb == "rollback" and "already under way: roll back" in action["said"] and victim == "foreground":
            took = None  # the first one goes on, or has just ended
            break
        locked = locked or action["said"]
        if time.monotonic() - killed > PATIENCE:
            break
    over()
    if locked:
        raise Misbehaviour(f"{verb} {service}, {victim} killed after {moment * 1000:.0f} ms: refused: {locked}")
    return took


def kills(options):
    """Kill points over as many worlds as it takes."""
    rng, wrong, taken, skipped = random.Random(options.seed), [], collections.defaultdict(list), 0
    for first in range(0, options.kills, 6):
        with World(options.binary, "kill-points") as world:
            services = [f"point-{index}" for index in range(1, 1 + min(6, options.kills - first))]
            for index, service in enumerate(services):
                verb = ("promote", "rollback")[(first + index) % 2]
                victim, moment = rng.choice(["executor", "foreground", "both"]), rng.uniform(0.0, 3.0)
                by_key = (first + index) % 4 >= 2
                before = world.generation(service)[0]
                try:
                    took = kill_point(world, service, verb, victim, moment, by_key)
                    if took is None:
                        skipped += 1
                    else:
                        how = f"{verb} {'by key' if by_key else 'by command'}, {victim} killed"
                        taken[how].append(took * 1000)
                except Misbehaviour as why:
                    wrong.append(str(why))
                wrong += settled(world, service, before)
                print(f"\r{first + index + 1} of {options.kills} kill points", end="", file=sys.stderr, flush=True)
    return wrong, taken, skipped


def settled(world, service, before):
    """Every record ends exactly once, and the spec was changed exactly once. Whoever looks ends what nobody carries out."""
    cockpit = Cockpit(world)
    end = time.monotonic() + PATIENCE
    while 0 in world.ends().values() and time.monotonic() < end:
        time.sleep(LOOK * 10)
    cockpit.close()
    wrong = [f"record {record} has {ends} ends" for record, ends in world.ends().items() if ends != 1]
    generation, image = world.generation(service)
    if generation != before + 1 or not image.endswith(":1.1.0"):
        wrong.append(f"the spec of {service} was changed {generation - before} times, and holds {image}")
    return wrong


def main():
    parser = argparse.ArgumentParser(description="How soon the end of an act is known.")
    parser.add_argument("binary")
    parser.add_argument("--times", type=int, default=50, help="how often each verb is carried out")
    parser.add_argument("--refused", type=int, default=50, help="how often each verb is refused, for each kind of refusal")
    parser.add_argument("--statuses", type=int, nargs="+", default=[403, 401, 409], help="with what they are refused")
    parser.add_argument("--kills", type=int, default=50, help="how many kill points")
    parser.add_argument("--lanes", type=int, default=6, help="how many commands run at a time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", metavar="TEXT", help="only verbs and targets in which this stands, as github/")
    options = parser.parse_args()
    options.binary = os.path.abspath(options.binary)
    wrong = []
    if options.times:
        measured = collections.defaultdict(list)
        for _ in range(options.times):
            with World(options.binary, "every-verb") as world:
                wrong += round_of_verbs(world, options, lambda verb, target: ("done", 0), measured)
        show("from the end's line in the journal, where the act is done", measured, options.times)
    for status in options.statuses if options.refused else ():
        measured = collections.defaultdict(list)
        exit_code = 1 if status == 409 else 8
        # A world's GitHub has 5,000 requests an hour, as the real one: so many rounds do not use them up.
        for first in range(0, options.refused, ROUNDS):
            with World(options.binary, "every-verb") as world:
                world.door.refuses = status
                for _ in range(min(ROUNDS, options.refused - first)):
                    wrong += round_of_verbs(world, options, lambda verb, target: ("failed", exit_code), measured)
        show(f"the same where the system answers {status}", measured, options.refused)
    if options.kills:
        wrong_kills, taken, skipped = kills(options)
        wrong += wrong_kills
        print(f"\nfrom the kill until roll back was accepted from a fresh process, {options.kills} kill points")
        for name, values in sorted(taken.items()):
            print(f"{name:48}{len(values):>4}   median {statistics.median(values):6.0f} ms   most {max(values):6.0f} ms")
        print(f"{'back already, or going on':48}{skipped:>4}")
    for why in wrong:
        print(f"MISBEHAVES: {why}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
