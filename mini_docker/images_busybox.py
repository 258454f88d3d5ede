"""The image busybox, made on the spot from the distribution's static busybox: no internet."""

from __future__ import annotations

import os
import shutil
import subprocess

from mini_docker import image_make
from mini_docker.errors import ConfigError, NotFound

PROGRAMS = ("/bin/busybox", "/usr/bin/busybox")
ACCOUNTS = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\n"
    "www-data:x:33:33:www-data:/var/www:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n",
    "group": "root:x:0:\ndaemon:x:1:\ntty:x:5:\nwheel:x:10:root\nwww-data:x:33:\n"
    "nogroup:x:65534:\n",
}


def recipe() -> image_make.Recipe:
    """Return how to make busybox:latest; NotFound if this machine has no static busybox."""
    program = find_program()
    config = {"Env": [image_make.PATH], "Cmd": ["sh"]}
    return image_make.Recipe(
        ["docker.io/library/busybox:latest"],
        config,
        lambda root: fill(root, program),
        f"mini-docker image bootstrap busybox  # {program}",
    )


def find_program() -> str:
    """Return the path of a busybox that needs no libraries; NotFound, with the remedy."""
    for path in PROGRAMS:
        if os.path.exists(path):
            with open(path, "rb") as file:
                if b"/lib64/ld-linux" not in file.read(4096):
                    return path
    raise NotFound("no static busybox on this machine: install the package busybox-static")


def fill(root: str, program: str) -> float:
    """Make a root file system in the directory *root* out of the busybox *program* alone.

    Return the program's own date, in seconds: as everything here, it depends on nothing else.
    """
    for name, mode in (("bin", 0o755), ("etc", 0o755), ("tmp", 0o1777), ("root", 0o700)):
        os.makedirs(f"{root}/{name}")
        os.chmod(f"{root}/{name}", mode)
    for name in ("dev", "proc", "sys", "home", "usr/bin", "usr/sbin", "sbin", "var/www"):
        os.makedirs(f"{root}/{name}")
        os.chmod(f"{root}/{name}", 0o755)  # whatever the caller's umask
    for name in ("usr", "var"):
        os.chmod(f"{root}/{name}", 0o755)
    os.chmod(root, 0o755)
    shutil.copyfile(program, f"{root}/bin/busybox")
    os.chmod(f"{root}/bin/busybox", 0o755)
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=False)
    if listed.returncode:
        raise ConfigError(f"cannot list the programs of {program}: {listed.stderr.strip()}")
    for name in listed.stdout.split():
        if name != "busybox":
            os.link(f"{root}/bin/busybox", f"{root}/bin/{os.path.basename(name)}")
    for name, text in ACCOUNTS.items():
        with open(f"{root}/etc/{name}", "w") as file:
            file.write(text)
        os.chmod(f"{root}/etc/{name}", 0o644)
    return float(int(os.stat(program).st_mtime))
