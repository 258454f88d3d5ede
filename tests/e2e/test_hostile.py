"""The walls of a container, one after the other: each is attacked from inside, and holds.

This file: the root and what is open in it. Each attack is first shown to work where the wall
is missing. The others are in test_hostile_images.py, _kernel.py, _exec.py and _bombs.py.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import hostile
from tests.e2e.conftest import Engine

pytestmark = pytest.mark.e2e

FOUND = 'done b"the host\'s"'  # an attack has read the decoy
NOTHING_CLOSED = "import mini_docker.container_process as p; p.close_all_but = lambda report: None"
ANY_DIRECTORY = """import os, mini_docker.rootfs, mini_docker.rootfs_paths as c
import mini_docker.container_process as p
c.place = lambda root, path, directory: os.open(root, os.O_PATH)
p._enter_directory = os.chdir"""


@pytest.fixture
def decoy(tmp_path: Path) -> Path:
    """A directory of the host's with a file called "decoy"."""
    (tmp_path / "host").mkdir()
    (tmp_path / "host/decoy").write_text("the host's")
    return tmp_path / "host"


def test_a_chroot_can_be_left_and_a_container_cannot(engine: Engine, decoy: Path) -> None:
    words = hostile.command("chroot", str(decoy / "decoy"))
    root = str(hostile.base(engine))
    program = f"import os; os.chroot({root!r}); os.chdir('/'); os.execv({words[0]!r}, {words})"
    done = subprocess.run([hostile.PYTHON, "-c", program], capture_output=True, check=True)
    assert b'done b"the host\'s"' in done.stdout, done
    told = hostile.attack(engine, "chroot", str(decoy / "decoy"))
    assert told == {"chroot": "ENOENT"}


@pytest.mark.parametrize("verb", ["run", "exec"])
def test_no_open_file_of_the_engine_or_of_its_caller(
    engine: Engine, decoy: Path, verb: str
) -> None:
    base = ("--rootfs", str(hostile.base(engine)))
    weak = hostile.weakened(engine, NOTHING_CLOSED)
    left = os.open(decoy, os.O_RDONLY)
    if verb == "exec":
        engine.ok("run", "-d", "--name", "box", *base, "sleep", "1000", pass_fds=(left,))
    words = ["run", "--rm", *base] if verb == "run" else ["exec", "box"]
    words += hostile.command("descriptors", "decoy")
    told = hostile.outcome(weak(*words, pass_fds=(left,)))
    assert told["decoy"] == FOUND and f"descriptor {left}" in told
    told = hostile.outcome(engine(*words, pass_fds=(left,)))
    assert told["directory"] == "/" and not [key for key in told if "descriptor" in key], told
    os.close(left)


@pytest.mark.parametrize("way", ["run -w", "exec -w", "image"])
def test_a_working_directory_is_not_a_descriptor_of_the_hosts(
    engine: Engine, decoy: Path, way: str
) -> None:
    """CVE-2024-21626: the path of a descriptor that the engine holds open while it starts."""
    left = os.open(decoy, os.O_RDONLY)
    path = f"/proc/self/fd/{left}"
    words = ["run", "--rm", "-w", path, "busybox"]
    if way == "image":
        hostile.image(engine, "hostile", hostile.busybox(engine), f"WORKDIR {path}")
        words = ["run", "--rm", "hostile"]
    if way == "exec -w":
        engine.ok("run", "-d", "--name", "box", "busybox", "sleep", "1000")
        words = ["exec", "-w", path, "box"]
    weak = hostile.weakened(engine, NOTHING_CLOSED, ANY_DIRECTORY)
    assert weak(*words, "cat", "decoy", pass_fds=(left,)).out == b"the host's"
    result = engine(*words, "cat", "decoy", pass_fds=(left,))
    result.refused(path, code=result.code)
    assert result.code in (125, 126), result
    # Any other number: whatever the engine itself has open.
    for number in {*range(3, 10)} - {left} if "-w" in words else ():
        words[words.index("-w") + 1] = f"/proc/self/fd/{number}"
        result = engine(*words, "cat", "decoy", pass_fds=(left,))
        assert result.code != 0 and b"the host's" not in result.out, result
    os.close(left)


def test_a_file_of_the_hosts_is_not_opened_by_its_number(engine: Engine, decoy: Path) -> None:
    handle = hostile.outside("handle", "name", str(decoy / "decoy"))["handle"]
    told = hostile.outside("handle", "open", handle, str(decoy))
    assert told == {"open": FOUND}
    told = hostile.attack(engine, "handle", "open", handle, "/etc/hosts")
    assert told == {"open": "EPERM"}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[str]:
    """A loop device whose first bytes are "the host's disk!"."""
    file = tmp_path / "disk"
    file.write_bytes(b"the host's disk!" + bytes(2**20))
    words = ["losetup", "--find", "--show", str(file)]
    device = subprocess.run(words, check=True, capture_output=True).stdout.decode().strip()
    yield device
    subprocess.run(["losetup", "--detach", device], check=True)


def test_no_disk_or_memory_of_the_host_is_opened(engine: Engine, disk: str, tmp_path: Path) -> None:
    number = os.stat(disk).st_rdev
    mine = f"b,{os.major(number)},{os.minor(number)}"
    told = hostile.outside("devices", disk, f"disk,{mine}")
    assert told["disk"] == told["the image's own"] == 'done b"the host\'s disk!"'
    assert told["mount"] == "EINVAL"  # this one holds no file system
    root = hostile.copy_tree(hostile.base(engine), tmp_path / "armed")
    os.mknod(root / "disk", 0o060666, number)
    others = "mem,c,1,1 kmsg,c,1,11 console,c,5,1 tty1,c,4,1 kvm,c,10,232 control,c,10,237"
    words = hostile.command("devices", "/disk", f"disk,{mine}", *others.split())
    told = hostile.outcome(engine("run", "--rm", "--rootfs", str(root), *words))
    assert set(told.values()) == {"EPERM"} and len(told) == 9, told


def test_a_setuid_program_of_a_container_is_out_of_reach_outside(engine: Engine) -> None:
    """CVE-2021-41091: an ordinary user of the host as the container's accomplice."""
    with tempfile.TemporaryDirectory(prefix="mini-docker-hostile-") as directory:
        os.chmod(directory, 0o755)
        other = Engine(Path(directory) / "root")
        other.ok("image", "bootstrap", "busybox")
        words = "cp -p /bin/busybox / && chmod 4755 /busybox && ls -l /busybox"
        assert "-rwsr-xr-x" in other.ok("run", "busybox", "sh", "-c", words)
        (upper,) = other.root.glob("containers/*/upper/busybox")
        lower = hostile.busybox(other) / "bin/busybox"
        for program in (upper, lower):
            with pytest.raises(PermissionError):
                _as_nobody(program)
        for path in {*upper.parents, *lower.parents} - set(other.root.parents):
            path.chmod(0o755)
        assert _as_nobody(upper) == _as_nobody(lower) == 0
        other.ok("rm", other.ok("ps", "-aq"))


def _as_nobody(program: Path) -> int:
    who: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []}
    return subprocess.run([str(program), "true"], check=False, **who).returncode
