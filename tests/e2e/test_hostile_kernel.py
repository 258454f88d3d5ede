"""What the kernel offers to everybody who asks: each part is asked for, and refused.

For many of these walls there are two, one behind the other: without the seccomp filter the
capabilities that a container lacks still hold.
"""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import random
import signal
import socket
import subprocess
import sys
import termios
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from mini_docker import syscalls
from tests.e2e import hostile
from tests.e2e.attacks.calls import CAPABILITY, ON_X86_64, SECCOMP
from tests.e2e.attacks.kernel_files import NAMED, PATTERN, SECRET, SECRET_DIRECTORIES
from tests.e2e.attacks.keys import NAME
from tests.e2e.conftest import REPO, Engine

pytestmark = pytest.mark.e2e

UNCONFINED = ("--security-opt", "seccomp=unconfined")
REFUSED = ("EPERM", "EACCES", "EROFS")
ABSENT = "ENOSYS"  # this kernel does not have the call at all
PRESSURE = {f"/proc/pressure/{name}" for name in ("cpu", "io", "irq", "memory")}


def test_no_call_that_reaches_beyond_a_container(engine: Engine) -> None:
    names = {row[0] for row in (*CAPABILITY, *SECCOMP)}
    rights = {row[0] for row in CAPABILITY}
    if os.uname().machine == "x86_64":
        names |= {row[0] for row in ON_X86_64}
    there = {name for name, what in hostile.outside("calls").items() if what not in REFUSED}
    # The control: as root, outside, they get behind the wall; a machine may lock some for all.
    assert len(names - there) <= 4, names - there
    told = hostile.attack(engine, "calls")
    assert {name for name in there if told[name] not in REFUSED} == set(), told
    alone = hostile.attack(engine, "calls", flags=UNCONFINED)
    assert {name for name in rights if alone[name] not in (*REFUSED, ABSENT)} == set(), alone
    assert alone["bpf"] not in REFUSED  # here it was the filter that held


def test_no_file_of_the_kernel_is_written_and_no_secret_read(engine: Engine) -> None:
    before = Path(PATTERN).read_text()
    outside = hostile.outside("kernel_files", "named")
    assert outside["core_pattern"] == f"done {len(before)}"
    told = hostile.attack(engine, "kernel_files", "all")
    assert Path(PATTERN).read_text() == before
    for path in (*NAMED, "core_pattern"):
        assert path not in outside or told[path] in REFUSED, (path, told)
    for path in {*SECRET, *SECRET_DIRECTORIES} & told.keys():
        assert told[path] in ("done b''", "done []"), (path, told)
    # What is masked is /dev/null, and a pressure file is for waiting on.
    assert set(told["opened"].split()) <= PRESSURE | set(SECRET), told
    assert told["writable mounts"] == "", told


def test_root_of_a_nested_user_namespace_is_root_of_nothing_else(engine: Engine) -> None:
    assert hostile.attack(engine, "nested") == {"unshare": "EPERM"}
    outside = hostile.outside("nested")
    told = hostile.attack(engine, "nested", flags=UNCONFINED)
    assert told["unshare"] == told["mount tmpfs"] == "done 0" and told["status"] == "0"
    for name in ("mount proc", "mount sysfs", "remount sys", "core_pattern"):
        assert outside[name] == "done 0" and told[name] in REFUSED, (name, outside, told)
    harmless = {"unshare", "mount tmpfs", "status", "reboot"}  # reboot ends its own pid namespace
    for name in told.keys() - harmless:
        assert told[name] in (*REFUSED, "EINVAL", "ENOENT", ABSENT), (name, told)


def test_no_control_group_is_changed_made_or_mounted(engine: Engine) -> None:
    outside = hostile.outside("cgroup_files")
    assert "cgroup.procs" in outside["opened"] and outside["make"] == "done made"
    assert outside["mount"] == "done 0"
    for flags in ((), UNCONFINED, ("--cgroupns", "private")):
        told = hostile.attack(engine, "cgroup_files", flags=flags)
        assert told["opened"] == "" and told["make"] == "EROFS", told
        assert told["mount"] == "EPERM", told
    assert {row.split(":", 2)[2] for row in told["seen"].split()} == {"/"}  # the last: private


def test_the_callers_keys_stay_the_callers(engine: Engine) -> None:
    syscalls.join_session_keyring("mini-docker-caller")
    add = syscalls._BY_MACHINE[os.uname().machine]["keyctl"] - 2  # add_key
    keyring = -3  # KEY_SPEC_SESSION_KEYRING
    serial = syscalls.checked("syscall", add, b"user", NAME, b"secret", 6, keyring)
    outside = hostile.outside("keys", str(serial))
    assert outside["session"] == outside["request"] == f"done {serial}"
    assert outside["read"] == "done 6"
    told = hostile.attack(engine, "keys", str(serial))
    assert set(told.values()) == {"EPERM"} and len(told) == len(outside), told
    alone = hostile.attack(engine, "keys", str(serial), flags=UNCONFINED)
    assert alone["session"] == alone["request"] == "ENOKEY" and alone["read"] == "EACCES", alone


@pytest.fixture
def terminal() -> Iterator[int]:
    """The caller's side of a new terminal."""
    ours, theirs = pty.openpty()
    yield theirs
    os.close(ours)
    os.close(theirs)


def typed(terminal: int) -> int:
    """Return how many characters wait to be read from *terminal*, and throw them away."""
    before = termios.tcgetattr(terminal)
    tty.setraw(terminal, termios.TCSANOW)  # half a line counts as well
    waiting = fcntl.ioctl(terminal, termios.FIONREAD, bytes(4))
    termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
    return int.from_bytes(waiting, sys.byteorder)


@pytest.mark.parametrize("flag", ["-i", "-it"])
@pytest.mark.parametrize("verb", ["run", "exec"])
def test_nobody_types_into_the_callers_terminal(
    engine: Engine, terminal: int, verb: str, flag: str
) -> None:
    def sit_down() -> None:
        os.setsid()
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    root = ("--rootfs", str(hostile.base(engine)))
    words = ["run", "--rm", flag, *root]
    if verb == "exec":
        engine.ok("run", "-d", "--name", "box", *root, "sleep", "1000")
        words = ["exec", flag, "box"]
    options = {"stdin": terminal, "preexec_fn": sit_down}
    outside = hostile.outside("terminal", start_new_session=False, **options)
    assert outside["press"] == outside["/dev/tty"] == "done pressed", outside
    assert typed(terminal) == 3
    with engine.popen(*words, *hostile.command("terminal"), **options) as process:
        told = hostile.pairs(process.communicate()[0].replace(b"\r\n", b"\n"))
    assert typed(terminal) == 0
    refused = {"EPERM", "EIO", "ENXIO", "ENOTTY"}
    if flag == "-it":  # it has one of its own, where it may do as it likes
        assert told.pop("terminal") == "True"
        refused |= {"done pressed", "done 0"}
        assert told["paste"] in ("EPERM", "ENOTTY"), told
    else:
        assert told.pop("terminal") == "False"
    assert set(told.values()) <= refused and len(told) == 6, told


def test_no_process_outside_is_seen_traced_or_looked_into(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "decoy").write_text("the host's")
    with subprocess.Popen(["sleep", "1000"], cwd=tmp_path) as it:
        try:
            word = str(it.pid)
            outside = hostile.outside("process", word)
            assert outside["cwd/decoy"] == 'done b"the host\'s"' and outside["trace"] == "done 0"
            told = hostile.attack(engine, "process", word)
            assert set(told.values()) <= {"ESRCH", "ENOENT"}, told
            for rights in ((), UNCONFINED, ("-u", "65534")):
                told = hostile.attack(engine, "process", word, flags=("--pid", "host", *rights))
                seen = {name for name, what in told.items() if what not in REFUSED}
                assert seen <= {"signal", "descriptors"}, told  # as Docker: root may send signals
            assert not seen, told  # the last: another user may not even do that
            flags = ("--pid", "host", "--cap-add", "SYS_PTRACE")
            assert hostile.attack(engine, "process", word, flags=flags)["trace"] == "done 0"
        finally:
            it.kill()


def test_signals_end_at_the_container(engine: Engine) -> None:
    with subprocess.Popen(["sleep", "1000"]) as outsider:
        name = engine.ok("run", "-d", "--init", "busybox", "sleep", "1000")
        script = f"kill -9 {outsider.pid}; kill -9 -1"
        assert b"No such process" in engine("exec", name, "sh", "-c", script).err
        assert engine.ok("wait", name) == "137"
        assert outsider.poll() is None
        outsider.kill()


def test_what_has_no_path_is_not_shared_either(engine: Engine) -> None:
    name, key = f"mini-docker-{random.getrandbits(64):x}", random.getrandbits(31)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name}")
        listener.listen()
        listener.settimeout(20)
        memory = syscalls.checked("shmget", key, 4096, 0o1666)
        try:
            told = hostile.attack(engine, "outside", name, str(key))
            assert told == {"socket": "ECONNREFUSED", "memory": "ENOENT"}
            flags = ("--ipc", "host")
            assert hostile.attack(engine, "outside", name, str(key), flags=flags)["memory"] == (
                "done found"
            )
        finally:
            syscalls.checked("shmctl", memory, 0, None)  # IPC_RMID


def test_a_core_dump_stays_in_the_container(engine: Engine) -> None:
    script = "sleep 1000 & kill -SEGV $!; wait $!; echo $?; ls"
    words = ["--ulimit", "core=-1", "-w", "/mine", "busybox", "sh", "-c", script]
    before = {*Path("/tmp").glob("core*"), *REPO.glob("core*")}
    code, *files = engine.ok("run", "--rm", *words).split()
    assert int(code) == 128 + signal.SIGSEGV
    # A pattern that begins with "|" or "/" is for a program, or a directory, of the machine.
    assert bool(files) == (Path(PATTERN).read_text()[0] not in "|/\n"), files
    assert {*Path("/tmp").glob("core*"), *REPO.glob("core*")} == before


@pytest.mark.parametrize(
    "word",
    [
        f"kernel.core_pattern=|{errno.EPERM}",
        "kernel/core_pattern=x",
        "net.ipv4/../../kernel/core_pattern=x",
        "net.ipv4...kernel.core_pattern=x",
        "vm.overcommit_memory=1",
        "kernel.msgmax=1+kernel.core_pattern=x",
    ],
)
def test_no_sysctl_of_the_host(engine: Engine, word: str) -> None:
    before = Path(PATTERN).read_text()
    result = engine("run", "--rm", "--sysctl", word, "busybox", "true")
    result.refused("sysctl")
    assert Path(PATTERN).read_text() == before
