# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds the path selectors that Debian's kernels leave out (historical-service-time, io-affinity) against the kernel's
own headers and source packages. What cannot be had is left out, with the reason: the tests that need them say so."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Callable

MODULES = {"dm-historical-service-time": "dm-ps-historical-service-time", "dm-io-affinity": "dm-ps-io-affinity"}


class NotBuilt(Exception):
    """The modules cannot be built here; the text says why in one line."""


def build(staging: Path, kernel_package: Path, release: str, environment: dict[str, str], run: Callable) -> list[Path]:
    """Returns the modules built for the kernel of that package and release. `environment` names apt's private state;
    `run` runs a step and raises an error of the caller's on failure."""
    for tool in ("make", "gcc-12", "dpkg-deb", "tar", "xz"):
        if not shutil.which(tool):
            raise NotBuilt(f"{tool} is not installed")
    version = kernel_package.name.split("_")[1].replace("%3a", ":")
    flavourless = release.removesuffix("-amd64")
    series = re.match(r"\d+\.\d+", release).group(0)
    folder = staging / "selectors"
    packages = folder / "packages"
    packages.mkdir(parents=True)
    log = staging / "apt.log"
    names = [f"linux-headers-{release}", f"linux-headers-{flavourless}-common", f"linux-source-{series}"]
    # Several kernels share one package of build programs, which carries the version of the first of them or of the series.
    kbuild = f"linux-kbuild-{flavourless}" if known(f"linux-kbuild-{flavourless}", environment) else f"linux-kbuild-{series}"
    run(["apt-get", "-q", "download", *[f"{name}={version}" for name in (*names, kbuild)]],
        "the download of the kernel's headers and source", log, env=environment, cwd=packages)
    source = next(packages.glob("linux-source-*.deb"))
    for package in packages.glob("*.deb"):
        if package != source:
            run(["dpkg-deb", "-x", str(package), str(folder / "root")], "unpacking the kernel's headers", log)
    unpack_source(source, series, folder, log, run)
    headers = folder / f"root/usr/src/linux-headers-{release}"
    makefile = headers / "Makefile"
    makefile.write_text(makefile.read_text().replace("/usr/src/", f"{folder}/root/usr/src/"))
    # Type information would need another tool, and nobody reads it here.
    (headers / "vmlinux").unlink(missing_ok=True)
    run(["make", "-s", "-C", str(headers), f"M={folder / 'md'}", "modules"], "building the path selectors", log,
        env=dict(os.environ, LC_ALL="C"))
    return [folder / "md" / f"{name}.ko" for name in MODULES]


def known(package: str, environment: dict[str, str]) -> bool:
    shown = subprocess.run(["apt-cache", "-q", "show", package], env=environment, capture_output=True)
    return shown.returncode == 0


def unpack_source(package: Path, series: str, folder: Path, log: Path, run: Callable) -> None:
    """Takes the selectors and the headers beside them out of the source package, which is too large to unpack whole."""
    tree = f"linux-source-{series}"
    pipe = (f'dpkg-deb --fsys-tarfile "$1" | tar -xO ./usr/src/{tree}.tar.xz | '
            f"tar -xJ --strip-components=2 --wildcards '{tree}/drivers/md/dm*.h' '{tree}/drivers/md/dm-ps-*.c'")
    run(["bash", "-o", "pipefail", "-c", pipe, "unpack", str(package)], "unpacking the kernel's source", log, cwd=folder)
    lines = ["obj-m := " + " ".join(f"{name}.o" for name in MODULES)]
    lines += [f"{name}-y := {source}.o" for name, source in MODULES.items()]
    (folder / "md/Kbuild").write_text("\n".join(lines) + "\n")
