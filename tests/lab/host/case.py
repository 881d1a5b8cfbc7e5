# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a file of tests/lab/cases. Lines "# key: value" at its head say what machine it wants."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

from . import image, machine

UDEV = ("lean", "fast", "full")
DEFAULTS = {"timeout": "120", "memory": "1024", "cpus": "1", "udev": "lean", "tree": "yes", "count": "nothing"}


class BadCase(Exception):
    pass


def header(case: Path) -> dict[str, str]:
    """The settings at the head of a case. Raises BadCase for a value that makes no sense."""
    settings = dict(DEFAULTS)
    for line in case.read_text().splitlines():
        if not line.startswith("#"):
            break
        match = re.match(r"# (\w+): *(\S+)$", line)
        if match and match.group(1) in settings:
            settings[match.group(1)] = match.group(2)
    for key in ("timeout", "memory", "cpus"):
        if not settings[key].isdigit():
            raise BadCase(f"{case}: {key} is not a number: {settings[key]}")
    if settings["udev"] not in UDEV:
        raise BadCase(f"{case}: udev is none of {', '.join(UDEV)}: {settings['udev']}")
    if settings["count"] not in ("nothing", "instructions"):
        raise BadCase(f"{case}: what can be counted are instructions, not {settings['count']}")
    if settings["count"] != "nothing" and settings["cpus"] != "1":
        raise BadCase(f"{case}: instructions are counted on a machine with one processor (cpus: 1)")
    return settings


def run(case: Path, build_dir: Path | None, kernel: str | None) -> int:
    try:
        settings = header(case)
    except BadCase as error:
        image.say(str(error))
        return 64
    boot = image.prepare(kernel)
    with tempfile.TemporaryDirectory(prefix="multipath-tree-") as scratch:
        tree = None
        if settings["tree"] != "none":
            if build_dir is None:
                image.say(f"{case.name} needs an installed tree: name the build directory with --build-dir")
                return 64
            tree = Path(scratch)
            # Copying takes less than a second; a kept copy would have to be proven fresh.
            install = ["cmake", "--install", str(build_dir), "--prefix", "/usr"]
            for command in (install, [*install, "--component", "lab"]):
                done = subprocess.run(command, env=dict(os.environ, DESTDIR=scratch), capture_output=True, text=True)
                if done.returncode:
                    break
            if done.returncode:
                said = " ".join(line.strip() for line in done.stderr.splitlines() if line.strip())
                image.say(f"cannot install {build_dir}; build it first (cmake --build {build_dir}): {said}")
                return 1
        arguments = os.environ.get("MULTIPATH_LAB_ARGUMENTS", "").split()
        return machine.run(boot, machine.Order(
            script=case, tree=tree, arguments=arguments, timeout=int(settings["timeout"]), memory=int(settings["memory"]),
            cpus=int(settings["cpus"]), udev=settings["udev"],
            count_instructions=settings["count"] == "instructions"))
