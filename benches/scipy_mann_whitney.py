#!/usr/bin/env python3
"""The judge beside scipy's mannwhitneyu, on the same counts: time a case, false alarms, harm found.

Mann and Whitney's test is what Kayenta's judge is made of. It is given what such a judge is given: the error ratio of every
interval of each arm, one sided, at 1 %. It is asked once, after the last interval, as it must be; and, in the last columns,
after every interval, as somebody on call would. The judge is asked after every interval always.

What does not compare: scipy is handed arrays in memory and says a p-value. The judge is a process that reads JSON, and its
time has the start of the process, the reading, every look and the writing in it; of mannwhitneyu it is the one call. The test
asks whether the ratios of one arm tend to be larger, the judge whether errors are more likely for a request: where an arm has
no error in most intervals, as in a canary with few requests, ranks see ties where counts see evidence.

Needs scipy and numpy, and a release build of the program:

    cargo build --release
    benches/scipy_mann_whitney.py target/release/holdshort [--cases N] [--seed N]
"""

import argparse
import json
import subprocess
import sys
import time

import numpy
import scipy
from scipy.stats import mannwhitneyu

INTERVALS = 120
ALPHA = 0.01
RATIOS = (1.0, 1.5, 2.0, 3.0, 5.0)
# Requests an interval of both arms: six errors of stable's rate an interval, and a tenth of that.
TRAFFIC = (3000, 300)
SHARE = 0.1
RATE = 0.002
# No pass is looked for: a pass would end a case before harm shows.
NEVER = 1e-300


def bench_case():
    """The case of benches/judge.rs: 300 and 2,700 requests, errors that are the same every time. As arrays of shape (1, 120)."""
    mask = (1 << 64) - 1

    def noise(number, salt):
        return (((number * 0x9E3779B97F4A7C15 & mask) + salt * 7919 & mask) >> 3) % 5

    canary = [noise(number, 1) // 3 for number in range(INTERVALS)]
    stable = [4 + noise(number, 2) for number in range(INTERVALS)]
    of = lambda errors, requests: (numpy.full((1, INTERVALS), requests), numpy.array([errors]))
    return of(canary, 300), of(stable, 2700)


def releases(random, cases, requests, ratio):
    """Seeded releases: requests and errors of each arm, arrays of shape (cases, intervals)."""
    shape = (cases, INTERVALS)
    canary = random.binomial(requests, SHARE, shape)
    stable = requests - canary
    return (canary, random.binomial(canary, RATE * ratio)), (stable, random.binomial(stable, RATE))


def shares(arm):
    """The error ratio of every interval; an interval without requests is no number."""
    requests, errors = arm
    with numpy.errstate(invalid="ignore", divide="ignore"):
        return errors / requests


def p_values(canary, stable):
    """One p-value a case: does the canary fail more often?"""
    with numpy.errstate(invalid="ignore", divide="ignore"):
        p = mannwhitneyu(canary, stable, alternative="greater", axis=1, method="asymptotic", nan_policy="omit").pvalue
    # Every interval of both arms alike: nothing to tell apart.
    return numpy.where(numpy.isnan(p), 1.0, p)


def one_by_one(canary, stable):
    """Seconds a case where each is judged by a call of its own, as a monitor would."""
    began = time.perf_counter()
    for one, other in zip(canary, stable):
        mannwhitneyu(one, other, alternative="greater", method="asymptotic")
    return (time.perf_counter() - began) / len(canary)


def looked_at_always(canary, stable):
    """For each case, was p below ALPHA after any interval? From the fifth on: below that nobody would call it a test. And the
    middle interval of the first time."""
    first = numpy.full(len(canary), 0)
    for end in range(5, INTERVALS + 1):
        found = (first == 0) & (p_values(canary[:, :end], stable[:, :end]) < ALPHA)
        first[found] = end
    return first


def judged(program, canary, stable):
    """What `holdshort judge` says, and its seconds a case. Its hypothesis is the one that the test has: no more errors."""
    arm = lambda arm, case, at: {"requests": int(arm[0][case, at]), "errors": int(arm[1][case, at])}
    lines = []
    for case in range(len(canary[0])):
        intervals = [{"canary": arm(canary, case, at), "baseline": arm(stable, case, at)} for at in range(INTERVALS)]
        for interval in intervals:
            for side in ("canary", "baseline"):
                # An arm of which nothing was counted is a missing arm.
                if interval[side]["requests"] == 0:
                    interval[side] = None
        lines.append(json.dumps({"alpha_harm": ALPHA, "alpha_safe": NEVER, "tolerate": 1.0, "intervals": intervals}))
    cases = ("\n".join(lines) + "\n").encode()
    began = time.perf_counter()
    done = subprocess.run([program, "judge", "--json"], input=cases, stdout=subprocess.PIPE, check=True)
    seconds = (time.perf_counter() - began) / len(lines)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(lines) or any("error" in answer for answer in answers):
        sys.exit(f"{program} judge did not answer every case: {answers[:1]}")
    return answers, seconds


def rate(found):
    return f"{100 * numpy.mean(found):.1f} %"


def with_middle(first):
    """The share that was found, and the middle interval of the first time."""
    found = first[first > 0]
    return rate(first > 0) + (f", {int(numpy.sort(found)[len(found) // 2])}" if len(found) else "")


def micros(seconds):
    return f"{seconds * 1e6:,.0f} µs"


def times(program, cases):
    canary, stable = bench_case()
    many = lambda arm: tuple(numpy.repeat(one, cases, axis=0) for one in arm)
    canary, stable = many(canary), many(stable)
    alone = one_by_one(shares(canary), shares(stable))
    _, process = judged(program, canary, stable)
    batch = time.perf_counter()
    p_values(shares(canary), shares(stable))
    batch = (time.perf_counter() - batch) / cases
    print(f"## Time a case ({cases:,} cases of {INTERVALS} intervals, those of `benches/judge.rs`)\n")
    print("| | looks | time a case |")
    print("|---|---|---|")
    print(f"| `mannwhitneyu`, a call a case | 1 | {micros(alone)} |")
    print(f"| `mannwhitneyu`, all cases in one call | 1 | {micros(batch)} |")
    print(f"| `holdshort judge --json`, the whole process | {INTERVALS} | {micros(process)} |\n")


def power(program, cases, seed):
    print(f"## What they find ({cases:,} seeded releases a row, share {SHARE}, {100 * RATE} % errors, α {ALPHA})\n")
    print("| requests an interval | ratio | `mannwhitneyu`, once at the end | the same after every interval | `holdshort judge` |")
    print("|---|---|---|---|---|")
    for requests in TRAFFIC:
        for ratio in RATIOS:
            random = numpy.random.default_rng([seed, requests, int(ratio * 10)])
            canary, stable = releases(random, cases, requests, ratio)
            of_canary, of_stable = shares(canary), shares(stable)
            once = p_values(of_canary, of_stable) < ALPHA
            always = looked_at_always(of_canary, of_stable)
            answers, _ = judged(program, canary, stable)
            ours = numpy.array([answer["decided_at"] if answer["verdict"] == "fail" else 0 for answer in answers])
            row = [f"{requests:,}", f"{ratio:g}", rate(once), with_middle(always), with_middle(ours)]
            print(f"| {' | '.join(row)} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="a release build of holdshort")
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print(f"scipy {scipy.__version__}, numpy {numpy.__version__}, Python {sys.version.split()[0]}\n")
    times(asked.program, asked.cases)
    power(asked.program, asked.cases, asked.seed)


if __name__ == "__main__":
    main()
