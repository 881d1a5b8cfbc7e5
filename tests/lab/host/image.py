# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds and caches what the lab's machine boots: an uncompressed kernel, a small initrd, a root image.

Everything comes from Debian's packages, fetched by apt from the archive this computer is configured for. apt's own
state and sources are left untouched: the download uses a private state.
"""

import fcntl
import hashlib
import json
import lzma
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

from . import recipe, selectors


class Unavailable(Exception):
    """The lab cannot run on this computer; the text says why in one line."""


class NoKernel(Unavailable):
    """This kernel cannot be had; another one may."""


class Image:
    """One finished cache entry."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.kernel = folder / "vmlinux"
        self.initrd = folder / "initrd.cpio"
        self.root = folder / "root.ext4"
        self.about = json.loads((folder / "about.json").read_text())


def cache_folder() -> Path:
    named = os.environ.get("MULTIPATH_LAB_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "multipath-lab"


def say(text: str) -> None:
    print(f"lab: {text}", file=sys.stderr, flush=True)


def prepare(kernel: str | None = None, rebuild: bool = False) -> Image:
    """Returns the cached image for the kernel ("backports" or "stable"; None: the first that can be had), building
    it when there is none. Raises Unavailable."""
    for tool in ("qemu-system-x86_64", "mmdebstrap", "mkfs.ext4", "cpio", "xz", "dpkg-deb", "apt-get"):
        if not find_tool(tool):
            raise Unavailable(f"{tool} is not installed (tools/install-dependencies installs it)")
    cache = cache_folder()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = open(cache / "lock", "w")
    except OSError as error:
        raise Unavailable(f"the cache folder {cache} cannot be used: {error.strerror}") from error
    wanted = [kernel] if kernel else list(recipe.KERNELS)
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another prepare to finish")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not rebuild:
            for name in wanted:
                folder = entry(cache, name)
                if (folder / "about.json").exists():
                    os.utime(folder / "about.json")
                    return Image(folder)
        why = None
        for name in wanted:
            try:
                return build(cache, name)
            except NoKernel as error:
                why = error
                if name != wanted[-1]:
                    say(f"no {name} kernel ({error}); trying the next: what needs it will be missing")
        raise why


def find_tool(name: str) -> str | None:
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def entry(cache: Path, kernel: str) -> Path:
    digest = hashlib.sha256()
    for source in (recipe.__file__, selectors.__file__, __file__):
        digest.update(Path(source).read_bytes())
    return cache / f"{kernel}-{digest.hexdigest()[:12]}"


def build(cache: Path, kernel: str) -> Image:
    started = time.monotonic()
    folder = entry(cache, kernel)
    say(f"building the {kernel} image in {folder}")
    # Left by a build that was killed; the lock is ours, so nobody is using it.
    for old in cache.glob("building-*"):
        shutil.rmtree(old, ignore_errors=True)
    staging = Path(tempfile.mkdtemp(prefix="building-", dir=cache))
    try:
        try:
            package = download_kernel(staging, apt_sources(kernel))
        except Unavailable as error:
            raise NoKernel(str(error)) from error
        release, modules, more = unpack_kernel(staging, package)
        (staging / "vmlinux").write_bytes(uncompressed_kernel((staging / "kernel/boot" / f"vmlinuz-{release}").read_bytes()))
        pack_initrd(staging, release, modules)
        say(f"kernel {release} ready after {time.monotonic() - started:.0f} s; installing the packages")
        build_root(staging, release)
        for leftover in list(staging.iterdir()):
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            elif leftover.name not in ("vmlinux", "initrd.cpio", "root.ext4"):
                leftover.unlink()
        (staging / "about.json").write_text(json.dumps({"kernel": release, "package": package.name, "selectors": more}) + "\n")
        staging.chmod(0o755)
        if folder.exists():
            folder.rename(staging / "replaced")
        os.rename(staging, folder)
        shutil.rmtree(folder / "replaced", ignore_errors=True)
        remove_old(cache)
    except OSError as error:
        raise Unavailable(f"cannot build the image: {error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    say(f"image ready after {time.monotonic() - started:.0f} s")
    return Image(folder)


def remove_old(cache: Path) -> None:
    """Removes entries that no run has used for a week."""
    for about in cache.glob("*-*/about.json"):
        if time.time() - about.stat().st_mtime > 7 * 24 * 3600:
            shutil.rmtree(about.parent, ignore_errors=True)


def run(command: list, what: str, log: Path, **options) -> subprocess.CompletedProcess:
    """Runs one step of the build; its output goes to the log, of which a failure shows the last line."""
    with open(log, "ab") as out:
        done = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **options)
    if done.returncode:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith(("E:", "mkfs"))] or lines or ["no output"]
        kept = cache_folder() / "failed.log"
        shutil.copy(log, kept)
        raise Unavailable(f"{what} failed: {errors[0].strip()} (log: {kept})")
    return done


# --- the archive ---------------------------------------------------------------------------------------------------


def apt_sources(kernel: str) -> str:
    """The lines of a private sources list: this computer's own entries for the suite or, for the backports kernel,
    the backports beside them."""
    form = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    # Without release information apt also names what it has never fetched: no "apt-get update" is needed before.
    listed = subprocess.run(["apt-get", "-o", "APT::Get::IndexTargets::ReleaseInfo=false", "indextargets",
                             "Created-By: Packages", "--format", form], capture_output=True, text=True)
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    option = f" [signed-by={keyring}]" if os.path.exists(keyring) else ""
    lines = []
    for line in sorted(set(listed.stdout.splitlines())):
        fields = line.split()
        if len(fields) != 3 or fields[0].startswith("cdrom:") or fields[2] != "main":
            continue
        uri, suite, _ = fields
        if kernel == "backports":
            if suite == recipe.SUITE:
                lines.append(f"deb{option} {uri} {suite}-backports main")
        elif suite in (recipe.SUITE, f"{recipe.SUITE}-updates", f"{recipe.SUITE}-security"):
            lines.append(f"deb{option} {uri} {suite} main")
    if not lines:
        raise Unavailable(f"apt's sources name no {recipe.SUITE} archive")
    return "\n".join(lines) + "\n"


def download_kernel(staging: Path, sources: str) -> Path:
    apt = staging / "apt"
    (apt / "lists/partial").mkdir(parents=True)
    (apt / "cache/archives/partial").mkdir(parents=True)
    (staging / "packages").mkdir()
    (apt / "sources.list").write_text(sources)
    (apt / "apt.conf").write_text(
        f'Dir::Etc::sourcelist "{apt}/sources.list";\nDir::Etc::sourceparts "/dev/null";\n'
        f'Dir::Etc::preferences "/dev/null";\nDir::Etc::preferencesparts "/dev/null";\n'
        f'Dir::State::lists "{apt}/lists";\nDir::State::status "/dev/null";\nDir::Cache "{apt}/cache";\n'
        'APT::Architecture "amd64";\nAPT::Sandbox::User "root";\nAcquire::Languages "none";\nAcquire::Retries "3";\n')
    environment = private_apt(staging)
    log = staging / "apt.log"
    run(["apt-get", "-q", "update"], "apt-get update", log, env=environment)
    shown = subprocess.run(["apt-cache", "-q", "--no-all-versions", "show", "linux-image-amd64"], env=environment,
                           capture_output=True, text=True).stdout
    match = re.search(r"^Depends: (linux-image-[^ ]+-amd64)(?: \(= ([^)]+)\))?", shown, re.M)
    if not match:
        raise Unavailable("the archive has no linux-image-amd64")
    name = match.group(1) + (f"={match.group(2)}" if match.group(2) else "")
    run(["apt-get", "-q", "download", name], f"the download of {name}", log, env=environment,
        cwd=staging / "packages")
    found = list((staging / "packages").glob("linux-image-*.deb"))
    if not found:
        raise Unavailable(f"apt-get downloaded no {name}")
    return found[0]


def private_apt(staging: Path) -> dict[str, str]:
    return dict(os.environ, APT_CONFIG=str(staging / "apt/apt.conf"), LC_ALL="C")


# --- the kernel ----------------------------------------------------------------------------------------------------


def unpack_kernel(staging: Path, package: Path) -> tuple[str, dict[str, str], str]:
    """Unpacks the package, thins its modules out and adds the path selectors that it lacks. Returns the release, where
    each module lies, and "built" or why the selectors were not."""
    run(["dpkg-deb", "-x", str(package), str(staging / "kernel")], "unpacking the kernel", staging / "apt.log")
    base = next((staging / "kernel").glob("lib/modules/*"), None) or \
        next((staging / "kernel").glob("usr/lib/modules/*"))
    for excluded in recipe.EXCLUDED_MODULES:
        shutil.rmtree(base / "kernel" / excluded, ignore_errors=True)
    packed = [str(path) for path in base.glob("kernel/**/*.ko.xz")]
    for start in range(0, len(packed), 200):
        run(["xz", "-d", *packed[start:start + 200]], "decompressing the modules", staging / "apt.log")
    more = "built"
    try:
        for module in selectors.build(staging, package, base.name, private_apt(staging), run):
            shutil.copy(module, base / "kernel/drivers/md")
    except (selectors.NotBuilt, Unavailable) as error:
        more = f"not built: {error}"
        say(f"the path selectors historical-service-time and io-affinity are {more}")
    run(["tar", "-C", str(base.parent), "--owner=0", "--group=0", "-cf", str(staging / "modules.tar"), base.name],
        "packing the modules", staging / "apt.log")
    modules = {path.stem.replace("-", "_"): str(path) for path in base.glob("kernel/**/*.ko")}
    return base.name, modules, more


def uncompressed_kernel(image: bytes) -> bytes:
    """Cuts the ELF kernel out of a bzImage (boot protocol 2.08: payload_offset, payload_length), so that the slow
    emulated processor need not decompress it."""
    if image[0x202:0x206] != b"HdrS":
        raise Unavailable("the kernel package holds no bzImage")
    sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (sectors + 1) * 512 + offset
    payload = image[start:start + length]
    if payload.startswith(b"\xfd7zXZ"):
        kernel = lzma.LZMADecompressor().decompress(payload)
    elif payload.startswith(b"\x1f\x8b"):
        kernel = zlib.decompressobj(31).decompress(payload)
    elif payload.startswith(b"\x28\xb5\x2f\xfd"):
        done = subprocess.run(["zstd", "-dcq"], input=payload[:-4], capture_output=True)
        kernel = done.stdout
    else:
        raise Unavailable(f"the kernel is compressed in an unknown way ({payload[:4].hex()})")
    if kernel[:4] != b"\x7fELF":
        raise Unavailable("the kernel's payload is not an ELF file")
    return kernel


def module_needs(path: str) -> list[str]:
    """The modules that a module names in its .modinfo section."""
    for field in Path(path).read_bytes().split(b"\0"):
        if field.startswith(b"depends="):
            return [name.replace("-", "_") for name in field[8:].decode().split(",") if name]
    return []


def pack_initrd(staging: Path, release: str, modules: dict[str, str]) -> None:
    order: list[str] = []

    def add(name: str) -> None:
        if name in order or name not in modules:  # not there: built in
            return
        for needed in module_needs(modules[name]):
            add(needed)
        order.append(name)

    # ext4 asks the crypto layer for crc32c by name, which .modinfo does not show as a dependency.
    for name in ("crc32c_generic", "crc32c_intel", *recipe.BOOT_MODULES):
        add(name)
    built_in = {line.rsplit("/", 1)[-1].removesuffix(".ko").replace("-", "_") for line in
                next((staging / "kernel").glob(f"**/modules/{release}/modules.builtin")).read_text().split()}
    for name in recipe.BOOT_MODULES:
        if name not in order and name not in built_in:
            raise Unavailable(f"kernel {release} has no module {name}")
    tree = staging / "initrd"
    for folder in ("bin", "dev", "proc", "root", "modules"):
        (tree / folder).mkdir(parents=True)
    busybox = find_tool("busybox")
    if not busybox:
        raise Unavailable("busybox is not installed (tools/install-dependencies installs busybox-static)")
    shutil.copy(busybox, tree / "bin/busybox")
    for applet in ("sh", "mount", "umount", "insmod", "switch_root", "echo"):
        (tree / "bin" / applet).symlink_to("busybox")
    for name in order:
        shutil.copy(modules[name], tree / "modules" / f"{name}.ko")
    (tree / "init").write_text(recipe.INITRD_INIT.replace("@MODULES@", " ".join(order)))
    (tree / "init").chmod(0o755)
    names = "\n".join(sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))) + "\n"
    with open(staging / "initrd.cpio", "wb") as out:
        done = subprocess.run(["cpio", "-o", "-H", "newc", "-R", "0:0", "--quiet"], cwd=tree, input=names.encode(),
                              stdout=out, stderr=subprocess.PIPE)
    if done.returncode:
        raise Unavailable(f"cpio failed: {done.stderr.decode(errors='replace').strip()}")


# --- the root file system -------------------------------------------------------------------------------------------


def build_root(staging: Path, release: str) -> None:
    """mmdebstrap makes the tree; a hook inside its name space makes the file system, so that owners are right
    without root. The image is handed in as an open descriptor: in that name space the cache cannot be reached."""
    (staging / "sources.list").write_text(apt_sources("stable"))
    options = staging / "apt.options"
    options.write_text(apt_settings())
    root = staging / "root.ext4"
    hooks = [
        'mkdir -p "$1/lab" "$1/etc/target" "$1/etc/multipath" "$1/var/target/alua" "$1/lib/modules"',
        f"tar-in {staging / 'modules.tar'} /lib/modules",
        f'chroot "$1" depmod -a {release}',
        'rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/* ; echo lab >"$1/etc/hostname"',
        'echo 6d756c746970617468206c616220303100 | cut -c1-32 >"$1/etc/machine-id"',
        # The bind shows the tree without the /proc and /sys that mmdebstrap mounted in it.
        'PATH="$PATH:/usr/sbin:/sbin"; mount --bind "$1" "$1/mnt" && mkfs.ext4 -q -F -O ^has_journal,^metadata_csum '
        '-E root_owner=0:0,lazy_itable_init=1,nodiscard -m 0 -d "$1/mnt" "/proc/self/fd/$LAB_IMAGE_FD"',
        'umount "$1/mnt"',
    ]
    command = ["mmdebstrap", "--variant=essential", "--format=null",
               "--include=" + ",".join(recipe.PACKAGES), f"--aptopt={options}"]
    command += [f"--dpkgopt=path-exclude={path}" for path in recipe.EXCLUDED_PATHS]
    command += [f"--customize-hook={hook}" for hook in hooks]
    why = None
    for mode in (("root", "unshare") if os.geteuid() == 0 else ("unshare",)):
        log = staging / f"mmdebstrap-{mode}.log"
        with open(root, "wb") as image:
            subprocess.run(["truncate", "-s", recipe.IMAGE_SIZE, str(root)], check=True)
            os.fchmod(image.fileno(), 0o666)
            environment = dict(os.environ, LAB_IMAGE_FD=str(image.fileno()), LC_ALL="C")
            try:
                run(command + [f"--mode={mode}", recipe.SUITE, "-", str(staging / "sources.list")],
                    f"mmdebstrap --mode={mode}", log, env=environment, pass_fds=(image.fileno(),))
                os.fchmod(image.fileno(), 0o644)
                return
            except Unavailable as error:
                why = error
    raise why


def apt_settings() -> str:
    """The settings of this computer's apt that decide whether the archive can be reached (proxies, dates)."""
    dumped = subprocess.run(["apt-config", "dump"], capture_output=True, text=True).stdout
    kept = re.compile(r"^Acquire::(http|https|ftp|Retries|Check-Valid-Until|Check-Date|ForceIPv[46]|AllowInsecure)", re.I)
    lines = [line for line in dumped.splitlines() if kept.match(line) and not line.endswith(' "";')]
    return "\n".join(lines + ['Acquire::Languages "none";', 'Acquire::Retries "3";']) + "\n"
