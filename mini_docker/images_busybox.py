"""The image busybox, made on the spot from the distribution's static busybox: no internet."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import time

from mini_docker import records, trees
from mini_docker.errors import ConfigError, NotFound
from mini_docker.images import Image

PROGRAMS = ("/bin/busybox", "/usr/bin/busybox")
ACCOUNTS = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\n"
    "www-data:x:33:33:www-data:/var/www:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n",
    "group": "root:x:0:\ndaemon:x:1:\ntty:x:5:\nwheel:x:10:root\nwww-data:x:33:\n"
    "nogroup:x:65534:\n",
}


def bootstrap(root: str) -> tuple[Image, bool]:
    """Make the image busybox:latest in the store at *root*; return it, and whether it is new.

    The image is complete under a temporary name before it is renamed into place. One that
    was made from the same busybox is left as it is.
    """
    program = find_program()
    with open(program, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    identity = hashlib.sha256(f"busybox {digest} {ACCOUNTS}".encode()).hexdigest()
    final = f"{root}/images/{identity}"
    new = not os.path.exists(f"{final}/rootfs/bin/busybox")
    if new:
        trees.remove(final)  # what somebody has left of it
        os.makedirs(f"{root}/images", 0o700, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=f"{root}/images") as making:
            os.mkdir(f"{making}/image")
            fill(f"{making}/image/rootfs", program)
            records.write(f"{making}/image/image.json", _record(identity))
            os.rename(f"{making}/image", final)
    _tag(root, "busybox:latest", identity)
    return Image(final, records.read(f"{final}/image.json")), new


def _record(identity: str) -> dict[str, object]:
    return {
        "id": f"sha256:{identity}",
        "reference": "busybox:latest",
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "config": {
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Cmd": ["sh"],
        },
    }


def _tag(root: str, name: str, identity: str) -> None:
    """Let *name* stand for the image *identity*, in one step."""
    os.makedirs(f"{root}/tags", 0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=f"{root}/tags") as making:
        os.symlink(f"../images/{identity}", f"{making}/link")
        os.rename(f"{making}/link", f"{root}/tags/{name}")


def find_program() -> str:
    """Return the path of a busybox that needs no libraries; NotFound, with the remedy."""
    for path in PROGRAMS:
        if os.path.exists(path):
            with open(path, "rb") as file:
                if b"/lib64/ld-linux" not in file.read(4096):
                    return path
    raise NotFound("no static busybox on this machine: install the package busybox-static")


def fill(root: str, program: str) -> None:
    """Make a root file system in the directory *root* out of the busybox *program* alone."""
    for name, mode in (("bin", 0o755), ("etc", 0o755), ("tmp", 0o1777), ("root", 0o700)):
        os.makedirs(f"{root}/{name}")
        os.chmod(f"{root}/{name}", mode)
    for name in ("dev", "proc", "sys", "home", "usr/bin", "usr/sbin", "sbin", "var/www"):
        os.makedirs(f"{root}/{name}")
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
