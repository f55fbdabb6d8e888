#!/usr/bin/env python3
"""What the program costs in a real terminal: start to first paint, bytes, memory, idle CPU, key to feedback.

Runs a release binary in a pseudo-terminal of 120x36 and prints a table of targets and measurements. Python's standard
library and Linux' /proc only. It never fails because of a number: a shared machine is too noisy to judge by. It fails
(exit 1) when the program misbehaves: does not paint, does not react, does not leave when asked.

Then the same binary over a served world behind a door that counts requests (`house.py`): 50 pipelines, 20 canaries, a day of
panels, 5,000 objects. That takes some minutes, and `--smoke` leaves it out; `--day` is the day of panels alone. A world of a day
takes its time to begin: another binary may serve it (`--world`).

    tests/budgets/terminal.py target/release/holdshort [--smoke | --day] [--world BINARY] [--idle SECONDS] [--runs N]
"""

import argparse
import fcntl
import itertools
import os
import pty
import re
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time

from house import House, scenario

COLUMNS, ROWS = 120, 36
# Before the program counts as misbehaving. Not a measurement.
PATIENCE = 30.0
# Brackets of a large frame: synchronized output.
BEGIN, END = b"\x1b[?2026h", b"\x1b[?2026l"
# What a terminal understands here: CSI, OSC, or a character.
TOKEN = re.compile(r"\x1b\[([?>=<]?)([0-9;:]*)([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.|([^\x1b])", re.S)


class Screen:
    """As much of a terminal as the program uses: places, text, clearing. One cell a character."""

    def __init__(self):
        self.cells = [[" "] * COLUMNS for _ in range(ROWS)]
        self.x = self.y = 0

    def feed(self, text):
        for token in TOKEN.finditer(text):
            private, numbers, final, character = token.groups()
            if character and character >= " " and self.y < ROWS and self.x < COLUMNS:
                self.cells[self.y][self.x] = character
                self.x += 1
            elif character == "\r":
                self.x = 0
            elif character == "\n":
                self.y += 1
            elif final == "H" and not private:
                y, _, x = numbers.partition(";")
                self.y, self.x = int(y or 1) - 1, int(x or 1) - 1
            elif final == "G" and not private:
                self.x = int(numbers or 1) - 1
            elif final == "J" and not private:
                self.cells = [[" "] * COLUMNS for _ in range(ROWS)]

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.cells)


class Program:
    """The program in its terminal, and every byte it drew."""

    def __init__(self, binary, *arguments):
        self.raw, self.unread, self.screen, self.closed = bytearray(), b"", Screen(), False
        environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
        environment.update(TERM="xterm-256color", COLORTERM="truecolor")
        self.started = time.monotonic()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            size(0, COLUMNS, ROWS)
            os.execve(binary, [binary, *arguments], environment)
        size(self.terminal, COLUMNS, ROWS)

    def read(self, limit):
        """Takes in what comes within so many seconds, at most one read; says whether anything came."""
        ready, _, _ = select.select([self.terminal], [], [], max(0.0, limit))
        if not ready:
            return False
        try:
            came = os.read(self.terminal, 65536)
        except OSError:
            came = b""
        if not came:
            self.closed = True
            raise Misbehaviour(f"the program ended by itself; its screen:\n{self.screen.text()}")
        self.raw += came
        self.unread += came
        # A character or sequence may be cut by the read: the tail waits for the next one.
        keep = cut(self.unread)
        self.screen.feed(self.unread[: len(self.unread) - keep].decode("utf-8", "replace"))
        self.unread = self.unread[len(self.unread) - keep :]
        return True

    def until(self, what, holds):
        """Waits for a condition on the program and gives the seconds since its start."""
        end = time.monotonic() + PATIENCE
        while not holds(self):
            if time.monotonic() > end:
                raise Misbehaviour(f"waited {PATIENCE:.0f} s for {what}; the screen:\n{self.screen.text()}")
            self.read(end - time.monotonic())
        return time.monotonic() - self.started

    def shows(self, words):
        return self.until(f"'{words}'", lambda program: words in program.screen.text())

    def collect(self, seconds):
        """Takes in everything of so many seconds and gives how many bytes came."""
        before, end = len(self.raw), time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.read(left)
        return len(self.raw) - before

    def key(self, keys):
        """Presses keys; gives the seconds to the first byte of the answer and the bytes of its frame."""
        before = len(self.raw)
        pressed = time.monotonic()
        os.write(self.terminal, keys.encode())
        self.until(f"an answer to {keys!r}", lambda program: len(program.raw) > before)
        answered = time.monotonic() - pressed
        # The frame is one write; what is left of it is there already.
        while self.read(0.02):
            pass
        return answered, len(self.raw) - before

    def cpu(self):
        """Seconds of CPU of all its threads so far."""
        total = 0
        for task in os.listdir(f"/proc/{self.pid}/task"):
            try:
                with open(f"/proc/{self.pid}/task/{task}/schedstat", encoding="ascii") as stat:
                    total += int(stat.read().split()[0])
            except FileNotFoundError:
                pass  # the thread ended meanwhile
        return total / 1e9

    def memory(self):
        """MiB that are resident."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s*(\d+)", status.read()).group(1)) / 1024

    def resize(self, columns, rows):
        size(self.terminal, columns, rows)
        os.kill(self.pid, signal.SIGWINCH)

    def leave(self):
        """Quits as a person does; not being able to is misbehaviour."""
        os.write(self.terminal, b"\x03")
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                self.read(0.05)
            except Misbehaviour:
                pass
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.terminal)
                if os.waitstatus_to_exitcode(status) not in (0, 130):
                    raise Misbehaviour(f"the program ended with {os.waitstatus_to_exitcode(status)}")
                return
            if self.closed:
                time.sleep(0.01)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise Misbehaviour("the program does not leave at Ctrl-C")


class Misbehaviour(Exception):
    """The program does what it must not."""


def size(terminal, columns, rows):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def cut(raw):
    """How many bytes at the end are the beginning of something longer."""
    escape = raw.rfind(b"\x1b", max(0, len(raw) - 64))
    if escape >= 0 and not re.match(rb"\x1b(\[[?>=<]?[0-9;:]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[^\[\]])", raw[escape:]):
        return len(raw) - escape
    for back in range(1, min(4, len(raw)) + 1):
        byte = raw[-back]
        if byte >= 0xC0:
            return back if back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) else 0
        if byte < 0x80:
            break
    return 0


def frame(raw):
    """The first bracketed frame in these bytes."""
    begin = raw.find(BEGIN)
    end = raw.find(END, begin)
    return raw[begin : end + len(END)] if 0 <= begin < end else None


def start(binary, runs):
    """Medians of so many starts: wall and CPU seconds to the first frame, bytes of it, seconds to live data."""
    rows = []
    for _ in range(runs):
        program = Program(binary, "demo")
        painted = program.until("the first frame", lambda program: frame(program.raw))
        cpu = program.cpu()
        first = len(frame(program.raw))
        live = program.shows("all live")
        rows.append((painted, cpu, first, live))
        program.leave()
    return [statistics.median(column) for column in zip(*rows)]


def repaint(program):
    """Bytes of a repaint from scratch, with everything on screen."""
    program.resize(COLUMNS - 1, ROWS)
    program.collect(0.2)
    before = len(program.raw)
    program.resize(COLUMNS, ROWS)
    program.until("a repaint", lambda program: frame(program.raw[before:]))
    return len(frame(program.raw[before:]))


def idle(program, seconds):
    """Bytes a second, and the share of a core, over so many seconds in which nobody does anything."""
    cpu, began = program.cpu(), time.monotonic()
    came = program.collect(seconds)
    passed = time.monotonic() - began
    return came / passed, (program.cpu() - cpu) / passed * 100


def measure(binary, runs, seconds):
    painted, cpu, first, live = start(binary, runs)
    yield "first paint, wall", "<= 50 ms", f"{painted * 1e3:.1f} ms"
    yield "first paint, CPU of all threads", "<= 30 ms", f"{cpu * 1e3:.1f} ms"
    yield "first paint, bytes", "<= 6144 B", f"{first:.0f} B"
    yield "live data, demo (world in the process)", "<= 1000 ms", f"{live * 1e3:.0f} ms"

    program = Program(binary, "demo")
    program.shows("LIKELY THE RELEASE")
    program.shows("all live")
    # Past the start's own work.
    program.collect(min(seconds, 3))
    came, share = idle(program, seconds)
    yield "idle bytes", "<= 40 B/s", f"{came:.1f} B/s"
    yield "idle CPU, the world's own included", "<= 0.2 %", f"{share:.2f} %"
    yield "memory, demo (RSS)", "<= 40 MiB", f"{program.memory():.1f} MiB"
    yield "full repaint at 120x36", "<= 6144 B", f"{repaint(program)} B"
    program.collect(0.2)
    yield "one changed row (j)", "<= 400 B", f"{program.key('j')[1]} B"
    program.leave()

    program = Program(binary, "demo", "--slow")
    program.shows("LIKELY THE RELEASE")
    # The pace of a slow line is one frame in five seconds.
    program.collect(min(seconds, 6))
    yield "idle bytes, --slow", "<= 10 B/s", f"{idle(program, seconds)[0]:.1f} B/s"
    program.leave()

    program = Program(binary, "demo", "--scenario", "hung-api")
    program.until("the first frame", lambda program: frame(program.raw))
    program.collect(min(seconds, 5))
    answers = []
    for _ in range(max(1, runs)):
        for keys in ("?", "\x1b"):
            answers.append(program.key(keys)[0])
            program.collect(0.15)
    program.leave()
    yield "key to feedback, hung-api (worst)", "<= 50 ms", f"{max(answers) * 1e3:.1f} ms"


def housed(binary, folder, name, seconds, **of):
    """Seconds to live data (none when it is not live in time), MiB then, requests by system and their rate a minute."""
    house = House(binary, folder, name, scenario(**of))
    try:
        program = Program(binary, "--config", house.config)
        try:
            live = program.shows("all live")
        except Misbehaviour:
            live = None
        # Past the start's own work.
        program.collect(min(seconds, 6))
        house.door.taken()
        # The pace of Prometheus is two questions in half a minute.
        program.collect(max(30.0, seconds))
        minute = 60 / max(30.0, seconds)
        counts = {what: round(count * minute) for what, count in sorted(house.door.taken().items())}
        memory = program.memory()
        program.leave()
        return live, memory, counts
    finally:
        house.close()


# What a verdict says while its history is still being read.
UNREAD = "is not read yet"


def day(binary, world, folder):
    """20 canaries of 24 hours, cold: what is now, all of it, and what it takes to keep. Then the same over what was kept."""
    house = House(world, folder, "panels", scenario(services=20, canaries=20, since="24h"))
    try:
        # The world draws its day when it is first asked, which no real Prometheus does.
        os.environ["HOLDSHORT_STATE__PATH"] = os.path.join(folder, "first")
        first = Program(binary, "--config", house.config)
        del os.environ["HOLDSHORT_STATE__PATH"]
        read(first)
        first.leave()
        program = Program(binary, "--config", house.config)
        live, all_of_it, peak = read(program)
        yield "live, newest window, 20 canaries of 24 h", "<= 1000 ms", f"{live * 1e3:.0f} ms"
        yield "live, all 24 h", "<= 5000 ms", f"{all_of_it * 1e3:.0f} ms"
        yield "memory while they are read (peak)", "", f"{peak:.1f} MiB"
        program.collect(45)
        yield "memory, 20 canaries since 24 h", "<= 40 MiB", f"{program.memory():.1f} MiB"
        program.leave()
        program = Program(binary, "--config", house.config)
        live, _, peak = read(program)
        yield "live after a restart, over what was kept", "<= 1000 ms", f"{live * 1e3:.0f} ms"
        yield "memory after a restart (peak)", "", f"{peak:.1f} MiB"
        program.leave()
    finally:
        house.close()


def read(program):
    """Seconds to live data, and until all history is read, with the most memory until then, MiB."""
    live = program.shows("all live")
    peak = program.memory()
    quiet = time.monotonic()
    # History is read in pieces, and a screen that says nothing of it for a while has all.
    while time.monotonic() - quiet < 5 and time.monotonic() - program.started < 10 * PATIENCE:
        program.read(0.2)
        peak = max(peak, program.memory())
        if UNREAD in program.screen.text():
            quiet = time.monotonic()
    return live, quiet - program.started, peak


def houses(binary, world, seconds):
    with tempfile.TemporaryDirectory(prefix="holdshort-budget-") as folder:
        # 50 services over two clusters, their metrics, and as many repositories: four connections.
        live, memory, counts = housed(binary, folder, "pipelines", seconds, services=50, canaries=20, repos=50)
        yield "live data, 50 pipelines, 20 canaries", "<= 1000 ms", "not live" if live is None else f"{live * 1e3:.0f} ms"
        yield "memory, 50 pipelines, 20 canaries", "<= 40 MiB", f"{memory:.1f} MiB"
        unchanged = counts.pop("unchanged", 0)
        yield "API calls when idle, 50 pipelines", "<= 20 /min", f"{sum(counts.values())} /min"
        for what, count in counts.items():
            yield f"  of them {what}", "", f"{count} /min"
        yield "  of them answered 'unchanged' (304)", "", f"{unchanged} /min"
        yield from day(binary, world, folder)
        # 500 rollouts and their replica sets, and eight pods each.
        _, memory, _ = housed(binary, folder, "objects", seconds, services=500, canaries=20, replicas=8, traffic=False)
        yield "memory, 5,000 objects", "<= 80 MiB", f"{memory:.1f} MiB"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--smoke", action="store_true", help="short: one start, few seconds")
    parser.add_argument("--day", action="store_true", help="20 canaries of 24 hours, and nothing else")
    parser.add_argument("--world", metavar="BINARY", help="what serves the world of a day; the same binary if not given")
    parser.add_argument("--idle", type=float, default=30.0, metavar="SECONDS", help="how long it is watched idle")
    parser.add_argument("--runs", type=int, default=10, metavar="N", help="how many starts")
    asked = parser.parse_args()
    runs, seconds = (2, 3.0) if asked.smoke else (asked.runs, asked.idle)
    print(f"{'what':<40} {'target':>12} {'measured':>12}")
    try:
        binary = os.path.abspath(asked.binary)
        world = os.path.abspath(asked.world or asked.binary)
        with tempfile.TemporaryDirectory(prefix="holdshort-budget-") as folder:
            if asked.day:
                rows = day(binary, world, folder)
            elif asked.smoke:
                rows = measure(binary, runs, seconds)
            else:
                rows = itertools.chain(measure(binary, runs, seconds), houses(binary, world, seconds))
            for what, target, measured in rows:
                print(f"{what:<40} {target:>12} {measured:>12}", flush=True)
    except Misbehaviour as why:
        print(f"terminal.py: {why}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
