# SPDX-License-Identifier: LGPL-2.1-or-later
"""Boots the image in QEMU (software emulation) and runs one script in it.

The guest speaks to the host over three things: a 9p share (library, script and result files), a virtio console (the
script's output and, behind a marker, its exit status) and a serial line (the kernel's log). The host ends the machine
as soon as it has read the marker, so a guest whose disks hang need not shut down.
"""

import ctypes
import fcntl
import os
import re
import resource
import secrets
import selectors
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import image, recipe

GUEST_LIBRARY = Path(__file__).resolve().parent.parent / "guest"
TEST_DATA = Path(__file__).resolve().parents[2] / "data"
LARGE_FILE = 1 << 20
PROGRAMS_IN_GUEST = Path("/run/programs")
MARK = b"\x1e"
TIMED_OUT = 124
NO_STATUS = 125  # the machine ended without giving the script's status
LOG_LINES_SHOWN = 60


@dataclass
class Order:
    """What one run of the machine is to do."""

    script: Path
    arguments: list[str] = field(default_factory=list)
    tree: Path | None = None
    share: Path | None = None
    timeout: float = 120
    memory: int = 1024
    cpus: int = 2
    udev: str = "lean"
    quiet_kernel: bool = False
    count_instructions: bool = False  # of user mode; the script finds /lab/instructions where that is possible


def run(boot: image.Image, order: Order) -> int:
    """Runs the order, the guest's output going to standard output as it comes. Returns the script's exit status, 124
    when the time was up, 125 when the machine died. One that dies before its script begins is booted once more: emulated
    processors now and then trip over the kernel's patching of its own code."""
    status, started = boot_once(boot, order, last_try=False)
    if status is None and not started:
        image.say("the machine died while it booted; trying once more")
        status, started = boot_once(boot, order, last_try=True)
    return NO_STATUS if status is None else status


def boot_once(boot: image.Image, order: Order, last_try: bool) -> tuple[int | None, bool]:
    """One machine. Gives the script's status (None: it died) and whether the script had begun."""
    with Slot(), tempfile.TemporaryDirectory(prefix="multipath-lab-") as scratch:
        work = Path(scratch)
        nonce = secrets.token_hex(8)
        fill_share(work, order, nonce)
        kernel_log = work / "kernel.log"
        costs = Costs()
        machine = subprocess.Popen(command(boot, order, work), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=open(work / "qemu.log", "wb"), preexec_fn=die_with_parent)
        try:
            status = relay(machine, nonce.encode(), time.monotonic() + order.timeout)
        finally:
            machine.kill()
            machine.wait()
            costs.tell(kernel_log)
        started = kernel_log.exists() and "lab: script starts" in kernel_log.read_text(errors="replace")
        if order.share:
            shutil.copy(kernel_log, order.share / "kernel.log")
        if status is not None or started or last_try:
            explain(status, order, work, kernel_log)
        return status, started


class Costs:
    """What one machine took; from it one sees which case makes the whole run long, and whether it works or waits."""

    def __init__(self):
        self.begin = time.monotonic()
        self.before = resource.getrusage(resource.RUSAGE_CHILDREN)

    def tell(self, kernel_log: Path) -> None:
        elapsed = time.monotonic() - self.begin
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = now.ru_utime + now.ru_stime - self.before.ru_utime - self.before.ru_stime
        text = kernel_log.read_text(errors="replace") if kernel_log.exists() else ""
        began = re.search(r"^\[ *([0-9.]+)\] lab: script starts", text, re.M)
        script = f"the script began after {float(began[1]):.1f} s" if began else "no script began"
        image.say(f"{elapsed:.1f} s, {script}; {used:.1f} s of processor time")


class Slot:
    """Keeps the number of machines that run at once on this computer to the number of its processors."""

    def __enter__(self):
        folder = image.cache_folder()
        locks = [open(folder / f"slot-{number}", "w") for number in range(max(1, len(os.sched_getaffinity(0))))]
        waited = False
        while True:
            for lock in locks:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                self.lock = lock
                return self
            if not waited:
                image.say("waiting for another machine to end")
                waited = True
            time.sleep(0.2)

    def __exit__(self, *_):
        self.lock.close()


def fill_share(work: Path, order: Order, nonce: str) -> None:
    share = work / "lab"
    share.mkdir()
    shutil.copytree(GUEST_LIBRARY, share / "guest")
    shutil.copytree(TEST_DATA, share / "data")
    shutil.copy(order.script, share / "script")
    (share / "script").chmod(0o755)
    (share / "out").mkdir()
    (share / "arguments").write_bytes(b"".join(os.fsencode(argument) + b"\0" for argument in order.arguments))
    (share / "settings").write_text(
        f"LAB_NONCE={nonce}\nLAB_UDEV={order.udev}\nLAB_SHARED={'yes' if order.share else 'no'}\n")
    if order.tree:
        pack_tree(order.tree, work)


def pack_tree(tree: Path, work: Path) -> None:
    """Makes of the tree one stream, tree.tar, which is quicker to copy than a share, and whose files belong to root in the
    guest. What is large, programs with sanitizers above all, is a link in it: the file itself is on a file system of its
    own, programs.ext4, of which the guest reads what it uses."""
    def of_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        return entry

    programs = work / "programs"
    programs.mkdir()
    size = 0
    with tarfile.open(work / "tree.tar", "w") as archive:
        # Its contents, not the folder itself: a temporary folder's mode must not become that of the machine's root.
        for path in sorted(tree.rglob("*")):
            name = path.relative_to(tree)
            if path.is_symlink() or not path.is_file() or path.stat().st_size < LARGE_FILE:
                archive.add(path, str(name), recursive=False, filter=of_root)
                continue
            size += path.stat().st_size
            (programs / name).parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(path, programs / name)
            except OSError:  # another file system
                shutil.copy2(path, programs / name)
            link = tarfile.TarInfo(str(name))
            link.type, link.linkname = tarfile.SYMTYPE, str(PROGRAMS_IN_GUEST / name)
            archive.addfile(of_root(link))
    if size:
        subprocess.run([image.find_tool("mkfs.ext4"), "-q", "-F", "-O", "^has_journal,^metadata_csum", "-m", "0", "-d", str(programs),
                        str(work / "programs.ext4"), f"{size * 11 // 10 // 1024 + 16384}k"], check=True, stdout=subprocess.DEVNULL)


def command(boot: image.Image, order: Order, work: Path) -> list[str]:
    level = 3 if order.quiet_kernel else 5
    line = [
        "qemu-system-x86_64", "-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max,la57=off",
        "-machine", "q35,usb=off,sata=off,smbus=off,vmport=off,hpet=off", "-nodefaults", "-no-user-config",
        "-no-reboot", "-display", "none", "-smp", str(order.cpus), "-m", str(order.memory),
        "-kernel", str(boot.kernel), "-initrd", str(boot.initrd),
        "-append", f"{recipe.COMMAND_LINE} loglevel={level}",
        "-drive", f"file={boot.root},if=none,id=root,format=raw,snapshot=on,cache=unsafe",
        "-device", "virtio-blk-pci,drive=root",
        "-chardev", "stdio,id=out,signal=off", "-device", "virtio-serial-pci", "-device", "virtconsole,chardev=out",
        "-serial", f"file:{work / 'kernel.log'}",
        "-fsdev", f"local,id=lab,path={work / 'lab'},security_model=none,multidevs=remap",
        "-device", "virtio-9p-pci,fsdev=lab,mount_tag=lab",
    ]
    if order.share:
        line += ["-fsdev", f"local,id=out,path={order.share},security_model=none,multidevs=remap",
                 "-device", "virtio-9p-pci,fsdev=out,mount_tag=out"]
    if order.count_instructions:
        line += counting(work)
    if order.tree:
        line += ["-drive", f"file={work / 'tree.tar'},if=none,id=tree,format=raw,readonly=on",
                 "-device", "virtio-blk-pci,drive=tree"]
        if (work / "programs.ext4").exists():
            line += ["-drive", f"file={work / 'programs.ext4'},if=none,id=programs,format=raw,readonly=on",
                     "-device", "virtio-blk-pci,drive=programs"]
    return line


def counting(work: Path) -> list[str]:
    """The words that make QEMU count instructions into /lab/instructions. None, with a line that says why, where it cannot."""
    plugin = work / "instructions.so"
    source = Path(__file__).resolve().parent / "instructions.c"
    compiler = shutil.which("cc") or shutil.which("gcc")
    options = subprocess.run(["qemu-system-x86_64", "-help"], capture_output=True, text=True, check=False).stdout
    if not re.search(r"^-plugin ", options, re.M):
        image.say("instructions are not counted: this QEMU takes no plugins")
        return []
    if not compiler:
        image.say("instructions are not counted: there is no C compiler")
        return []
    built = subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-fvisibility=hidden", "-o", str(plugin), str(source)],
                           capture_output=True, text=True, check=False)
    if built.returncode:
        image.say(f"instructions are not counted: {source.name} cannot be built: {built.stderr.strip()}")
        return []
    counts = work / "lab/instructions"
    counts.touch()
    return ["-plugin", f"{plugin},out={counts}"]


def die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


def relay(machine: subprocess.Popen, nonce: bytes, deadline: float) -> int | None:
    """Copies the guest's output until the marker. Returns the status behind it, TIMED_OUT, or None at end of file."""
    mark = MARK + nonce + b" "
    pending = b""
    stream = machine.stdout.fileno()
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                emit(pending)
                return TIMED_OUT
            chunk = os.read(stream, 65536)
            if not chunk:
                emit(pending)
                return None
            pending += chunk
            begin = pending.find(mark)
            if begin >= 0:
                end = pending.find(b"\n", begin)
                if end >= 0:
                    emit(pending[:begin])
                    return int(pending[begin + len(mark):end])
                continue
            # Hold back what may be the beginning of the marker.
            keep = pending.rfind(MARK, max(0, len(pending) - len(mark)))
            keep = len(pending) if keep < 0 else keep
            emit(pending[:keep])
            pending = pending[keep:]


def emit(text: bytes) -> None:
    if text:
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()


def explain(status: int | None, order: Order, work: Path, kernel_log: Path) -> None:
    """Says why a run failed, and shows the kernel's log."""
    if status == 0:
        return
    full = work / "lab/dmesg"
    log = full if full.exists() and full.stat().st_size else kernel_log
    if status == TIMED_OUT:
        image.say(f"time limit of {order.timeout:g} s reached; the machine was stopped")
    elif status is None:
        image.say("the machine ended without the script's exit status")
        errors = (work / "qemu.log").read_text(errors="replace").strip()
        if errors:
            image.say(f"qemu: {errors}")
    else:
        image.say(f"the script's exit status is {status}")
    if order.quiet_kernel or not log.exists():
        return
    lines = log.read_text(errors="replace").splitlines()
    begun = [number for number, text in enumerate(lines) if "lab: script starts" in text]
    if begun:
        lines = lines[begun[0]:]
    print(f"---- end of the kernel's log ({min(len(lines), LOG_LINES_SHOWN)} of {len(lines)} lines)", file=sys.stderr)
    for text in lines[-LOG_LINES_SHOWN:]:
        print("".join(c if c.isprintable() else "?" for c in text), file=sys.stderr)
    print("----", file=sys.stderr, flush=True)
