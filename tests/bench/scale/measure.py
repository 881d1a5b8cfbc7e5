#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs bench_scale: a cold start of 16,384 paths must take less than 2 s, and one path event must cost the engine the same number of
instructions (callgrind, at most 10 % more) whether it knows 1,024 paths or 16,384.

  measure.py --binary FILE                      measure this program
  measure.py --source DIRECTORY --build DIR     build it there first, optimised and without sanitizers
Exit status: 0 within the limits, 1 not, 77 cannot be measured here (valgrind is missing)."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

COLD_START_SECONDS = 2.0
TOLERANCE = 0.10
SMALL, LARGE = 1024, 16384


def build(source, directory):
    # Configured anew each time: the directory may be there without the tests.
    subprocess.run(["cmake", "--preset", "release", "-S", source, "-B", directory, "-DMULTIPATH_TESTS=ON"], cwd=source,
                   check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", directory, "--target", "bench_scale"], check=True, stdout=subprocess.DEVNULL)
    return os.path.join(directory, "bin", "bench_scale")


def cold_start(binary):
    times = [float(subprocess.run([binary, "--cold-start", str(LARGE)], check=True, capture_output=True, text=True).stdout)
             for _ in range(3)]
    print(f"cold start of {LARGE} paths: {min(times):.2f} s (of {', '.join(f'{t:.2f}' for t in times)})")
    return min(times) < COLD_START_SECONDS


def instructions_per_event(binary, paths):
    with tempfile.TemporaryDirectory() as directory:
        out = os.path.join(directory, "callgrind")
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--toggle-collect=mpath::engine::Engine::step*",
             "--toggle-collect=_ZN5mpath6engine6Engine4stepE*",  # its parameters are more than valgrind demangles
             f"--callgrind-out-file={out}", binary, "--count", str(paths)],
            capture_output=True, text=True, check=False)
        if run.returncode != 0:
            sys.exit(f"bench_scale under valgrind failed:\n{run.stdout}\n{run.stderr}")
        events = dict(line.split() for line in run.stdout.splitlines())
        counts = {}
        for name in os.listdir(directory):
            with open(os.path.join(directory, name), encoding="utf-8", errors="replace") as dump:
                text = dump.read()
            trigger = re.search(r"^desc: Trigger: Client Request: (\w+)$", text, re.M)
            total = re.search(r"^(?:summary|totals): (\d+)", text, re.M)
            if trigger and total:
                counts[trigger.group(1)] = int(total.group(1))
        return {phase: counts[phase] / int(number) for phase, number in events.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary")
    parser.add_argument("--source")
    parser.add_argument("--build")
    arguments = parser.parse_args()
    if not shutil.which("valgrind") or not os.path.exists("/usr/include/valgrind/callgrind.h"):
        print("skipped: valgrind is not installed (apt install valgrind)")
        return 77
    binary = arguments.binary or build(arguments.source, arguments.build)
    good = cold_start(binary)
    small, large = (instructions_per_event(binary, paths) for paths in (SMALL, LARGE))
    for phase in small:
        difference = large[phase] / small[phase] - 1
        print(f"{phase}: {small[phase]:.0f} instructions for each event with {SMALL} paths, {large[phase]:.0f} with {LARGE} "
              f"({difference:+.1%})")
        good = good and difference <= TOLERANCE  # less for more paths is no fault: what a batch shares weighs less
    print("within the limits" if good else "NOT within the limits")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
