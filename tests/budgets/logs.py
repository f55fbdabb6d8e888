#!/usr/bin/env python3
"""What logs cost that never end: two versions that write 100,000 lines a minute each, followed on the screen of logs.

A Loki of its own on loopback writes them, every one a warning or worse, so that none is left out by its level. It is a process of its
own, so that nothing here waits for it. Prints a table: how long the last half hour takes to be read, lines a minute from then on, key to
feedback meanwhile, memory, CPU, and what was left out. Feedback is the first byte that is drawn after a key, and every key that is
pressed changes the screen; now and then that byte is of lines that came in, so the worst says more than the median.
Python's standard library and Linux' /proc only. It never fails because of a number; it fails (exit 1) when the program misbehaves.

    tests/budgets/logs.py target/release/holdshort [--rate 100000] [--seconds 60] [--world BINARY]
"""

import argparse
import http.server
import itertools
import json
import os
import re
import shutil
import statistics
import sys
import tempfile
import threading
import time
import urllib.parse

from house import House, scenario
from terminal import Misbehaviour, Program

SECOND = 1_000_000_000
TEMPLATES = [
    ("error", "ERROR card vault timeout after {n} ms order={h}"),
    ("warn", "WARN slow query {n} ms on ledger"),
    ("warn", "WARN retrying charge {h} attempt {n}"),
    ("warn", "WARN cache miss for basket {h}"),
    ("error", "ERROR connection to 10.2.{n}.7:5432 reset by peer"),
]
READ = re.compile(r"([\d,]+) lines read")
LEFT_OUT = re.compile(r"([\d,]+) left out")


def line(version, number):
    """The n-th line of a version, always the same."""
    mixed = (number * 2654435761 + version * 40503) & 0xFFFFFFFF
    level, template = TEMPLATES[mixed % len(TEMPLATES)]
    return level, template.format(n=mixed % 9000, h=f"{mixed:08x}")


class Loki(http.server.BaseHTTPRequestHandler):
    """As much of one as is asked: labels, a range of lines, a count of them."""

    protocol_version = "HTTP/1.1"
    step = 0

    def do_GET(self):
        path, _, query = self.path.partition("?")
        asked = {name: values[0] for name, values in urllib.parse.parse_qs(query).items()}
        if path.endswith("/labels"):
            data = ["service_name", "version", "pod"]
        elif path.endswith("/query_range"):
            data = self.range(asked)
        else:
            span = int(re.search(r"\[(\d+)ns\]", asked["query"]).group(1))
            data = {"resultType": "vector", "result": [{"metric": {}, "value": [0, str(2 * span // self.step)]}]}
        body = json.dumps({"status": "success", "data": data}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def range(self, asked):
        begin, end, limit = int(asked["start"]), min(int(asked["end"]), time.time_ns()), int(asked["limit"])
        first, last = -(-begin // self.step), -(-end // self.step)
        first = max(first, last - limit // 2)
        found = re.search(r'\|~ "\(\?i\)([^"]*)"', asked["query"])
        wanted = re.compile(found.group(1).replace("\\\\", "\\"), re.I) if found else None
        result = []
        for version, name in enumerate(("1.0.0", "1.1.0")):
            values = []
            for number in range(first, last):
                level, text = line(version, number)
                if wanted is None or wanted.search(text):
                    values.append([str(number * self.step + version), text, {"structuredMetadata": {"detected_level": level}}])
            stream = {"service_name": "service-0000", "version": name, "pod": f"service-0000-{version}"}
            result.append({"stream": stream, "values": values[::-1]})
        return {"resultType": "streams", "result": result}

    def log_message(self, *_):
        pass


def serve(rate):
    """Serves in a process of its own, which ends with this one."""
    Loki.step = 60 * SECOND // rate
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Loki)
    parent = os.getpid()
    if os.fork() == 0:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(0)
    server.socket.close()
    return f"http://127.0.0.1:{server.server_address[1]}"


# Each of them changes the screen: to the lines, up among them, down, to the newest again, to the patterns, help and back.
KEYS = "\tkkkjjf\t?\x1b"


def number(pattern, program):
    found = pattern.search(program.screen.text())
    return int(found.group(1).replace(",", "")) if found else 0


def measure(binary, config, rate, seconds):
    program = Program(binary, "--config", config)
    program.shows("all live")
    opened = time.monotonic()
    program.key("\r")
    program.key("l")
    program.until("lines", lambda program: number(READ, program) > 0)
    yield "first lines on screen", "", f"{(time.monotonic() - opened) * 1e3:.0f} ms"
    peak, before, quiet = 0.0, 0, time.monotonic()
    # What lies back is read page by page: it is over when no more comes than is written.
    while time.monotonic() - quiet < 4 and time.monotonic() - opened < 120:
        program.collect(2.0)
        peak, now = max(peak, program.memory()), number(READ, program)
        if now - before > 2 * 2 * rate / 60 * 2:
            quiet = time.monotonic()
        before = now
    yield "lines read by then", "", f"{before:,}"
    yield "  seconds", "", f"{time.monotonic() - opened:.0f}"
    yield "memory meanwhile (peak, RSS)", "", f"{peak:.1f} MiB"
    began, cpu, read, answers = time.monotonic(), program.cpu(), number(READ, program), []
    for key in itertools.cycle(KEYS):
        if time.monotonic() - began > seconds:
            break
        answers.append((program.key(key)[0], key))
        program.collect(0.25)
        peak = max(peak, program.memory())
    passed = time.monotonic() - began
    yield "lines read a minute, both versions", f"{2 * rate:,}", f"{(number(READ, program) - read) / passed * 60:,.0f}"
    yield "left out, and shown", "0", f"{number(LEFT_OUT, program):,}"
    worst, key = max(answers)
    answers = sorted(answer for answer, _ in answers)
    yield "key to feedback, median", "<= 50 ms", f"{statistics.median(answers) * 1e3:.1f} ms"
    yield "key to feedback, 19 of 20", "<= 50 ms", f"{answers[len(answers) * 19 // 20] * 1e3:.1f} ms"
    yield f"key to feedback, worst of {len(answers)} ({key!r})", "<= 50 ms", f"{worst * 1e3:.1f} ms"
    yield "CPU of all threads", "", f"{(program.cpu() - cpu) / passed * 100:.0f} %"
    yield "memory at the end (RSS)", "", f"{program.memory():.1f} MiB"
    yield "memory, peak (RSS)", "", f"{peak:.1f} MiB"
    program.leave()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--rate", type=int, default=100_000, help="lines a minute of each version")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long keys are pressed")
    parser.add_argument("--world", metavar="BINARY", help="what serves the world; the same binary if not given")
    asked = parser.parse_args()
    binary, world = os.path.abspath(asked.binary), os.path.abspath(asked.world or asked.binary)
    print(f"{'what':<40} {'target':>12} {'measured':>12}")
    with tempfile.TemporaryDirectory(prefix="holdshort-budget-") as folder:
        house = House(world, folder, "logs", scenario(services=2, canaries=1))
        try:
            config = os.path.join(folder, "with-logs.toml")
            shutil.copy(house.config, config)
            with open(config, "a", encoding="utf-8") as more:
                more.write(f'\n[connections.logs]\nkind = "loki"\nurl = "{serve(asked.rate)}"\n')
            for what, target, measured in measure(binary, config, asked.rate, asked.seconds):
                print(f"{what:<40} {target:>12} {measured:>12}", flush=True)
        except Misbehaviour as why:
            print(f"logs.py: {why}", file=sys.stderr)
            return 1
        finally:
            house.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
