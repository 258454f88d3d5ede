"""The image debian, made by the distribution's own bootstrap tool from its own archive.

mmdebstrap or debootstrap fetches the packages and proves their signatures; what is at hand
of an apt mirror is used, so a class with one needs no more of the internet.
"""

from __future__ import annotations

import os
import shutil
import subprocess

from mini_docker import image_make
from mini_docker.errors import ConfigError, NotFound, UsageError

ARCHIVE = "http://deb.debian.org/debian"
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")
TAIL = 4096  # bytes of the tool's output: its reason is among the last lines
REASON = ("E: ", "E:", "W: ")


def recipe(suite: str = "", mirror: str = "") -> image_make.Recipe:
    """Return how to make debian:SUITE, by default this machine's own release.

    NotFound if neither tool is installed; UsageError for a suite or a mirror that is none.
    """
    suite = suite or own_suite()
    if not LETTERS.issuperset(suite) or not suite[:1].isalpha():
        raise UsageError(f"{suite!r:.100} is not the name of a Debian release")
    mirror = mirror or own_mirror()
    if not mirror.startswith(("http://", "https://", "file:///", "copy:///")) or " " in mirror:
        raise UsageError(f"{mirror!r:.200} is not the address of a Debian archive")
    tool = next((name for name in ("mmdebstrap", "debootstrap") if shutil.which(name)), "")
    if not tool:
        raise NotFound("no tool to make a Debian system: install the package mmdebstrap")
    config = {"Env": [image_make.PATH], "Cmd": ["bash"]}
    return image_make.Recipe(
        [f"docker.io/library/debian:{tag}" for tag in (suite, "latest")],
        config,
        lambda root: fill(root, tool, suite, mirror),
        f"{tool} --variant=minbase {suite}",
        fixed_times=False,
    )


def own_suite() -> str:
    """Return the release that this machine runs, if it is a Debian; "stable" otherwise."""
    fields = {}
    try:
        with open("/etc/os-release", encoding="utf-8") as file:
            for line in file:
                key, _, value = line.strip().partition("=")
                fields[key] = value.strip('"')
    except OSError:
        return "stable"
    return fields.get("VERSION_CODENAME", "stable") if fields.get("ID") == "debian" else "stable"


def own_mirror() -> str:
    """Return the archive from which this machine's apt takes Debian; else the public one."""
    words = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    try:
        found = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    except OSError:
        return ARCHIVE
    lines = [line.rstrip("/") for line in found.stdout.splitlines()]
    return next((line for line in lines if line.endswith("/debian")), ARCHIVE)


def fill(root: str, tool: str, suite: str, mirror: str) -> float:
    """Make a Debian of the smallest kind in the directory *root*; return its date."""
    os.rmdir(root)  # the tools want to make it
    words = [tool, "--variant=minbase", suite, root, mirror]
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, check=False, cwd="/"
        )
    except OSError as error:
        raise ConfigError(f"cannot run {tool}: {error.strerror}") from error
    if done.returncode:
        lines = (done.stdout + done.stderr)[-TAIL:].decode(errors="replace").splitlines()
        reasons = [line for line in lines if line.startswith(REASON)] or lines or ["it ended"]
        raise ConfigError(f"{tool} could not make debian {suite} from {mirror}: {reasons[-1]}")
    shutil.rmtree(f"{root}/var/cache/apt", ignore_errors=True)
    shutil.rmtree(f"{root}/var/lib/apt/lists", ignore_errors=True)
    os.makedirs(f"{root}/var/cache/apt/archives/partial")
    os.makedirs(f"{root}/var/lib/apt/lists/partial")
    release = f"{root}/etc/debian_version"
    return float(int(os.stat(release).st_mtime)) if os.path.exists(release) else 0.0
