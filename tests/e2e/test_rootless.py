"""An ordinary user's engine: what it does without the host's root, and what it says it cannot."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.accounts import accounts
from tests.e2e.conftest import Engine, until

pytestmark = pytest.mark.e2e

UID = 54321
USER = f"student-of-tests:x:{UID}:{UID}::/nowhere:/bin/sh\n"
GROUP = f"student-of-tests:x:{UID}:\n"
GRANT = f"student-of-tests:700000:65536\n{UID}:800000:1000\n"


class Ordinary(Engine):
    """mini-docker as an ordinary user types it: its store is where the user's home is."""

    def __init__(self, home: Path) -> None:
        super().__init__(home / ".local/share/mini-docker")
        self.home = home
        self.command = [*self.command[:-2]]
        self.environment["HOME"] = str(home)

    def popen(self, *words: str, **options: Any) -> Any:
        if self.command[0] == "sh":  # it begins as root, and becomes the user then
            return super().popen(*words, **options)
        who = {"user": UID, "group": UID, "extra_groups": []}
        return super().popen(*words, **{**who, **options})


@pytest.fixture
def home() -> Iterator[Path]:
    """A home directory that its owner can reach, which pytest's own are not."""
    home = Path(tempfile.mkdtemp(prefix="home-"))
    os.chown(home, UID, UID)
    yield home
    shutil.rmtree(home)


@pytest.fixture(params=[GRANT, ""], ids=["ranges", "one-id"])
def user(request: pytest.FixtureRequest, tmp_path: Path, home: Path) -> Iterator[Ordinary]:
    """An ordinary user with subordinate ids, and one without."""
    with accounts(tmp_path, USER, GROUP, request.param):
        yield from _watched(home)


@pytest.fixture
def granted(tmp_path: Path, home: Path) -> Iterator[Ordinary]:
    """An ordinary user with subordinate ids."""
    with accounts(tmp_path, USER, GROUP, GRANT):
        yield from _watched(home)


@pytest.fixture
def alone(tmp_path: Path, home: Path) -> Iterator[Ordinary]:
    """An ordinary user who has one id, its own."""
    with accounts(tmp_path, USER, GROUP):
        yield from _watched(home)


def _watched(home: Path) -> Iterator[Ordinary]:
    """Yield the user's engine with the image busybox; nothing may be left afterwards."""
    user = Ordinary(home)
    user.ok("image", "bootstrap", "busybox")
    yield user
    left = [path.name for path in (user.root / "containers").iterdir()]
    for id in left:
        user("rm", "-f", id)
    assert user("system", "check").out == b"everything is in order\n"
    assert not list((user.root / "containers").iterdir())
    assert not list((user.root / "run").iterdir())
    until(lambda: not _living(), "processes of the user are left behind")


def _living() -> list[str]:
    """Return the processes of the user, and of its subordinate ids, but zombies."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            uid = path.stat().st_uid
            state = (path / "stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if (uid == UID or 700000 <= uid < 801000) and state not in "ZX":
            found.append(path.name)
    return found


def test_root_inside_is_the_user_outside(user: Ordinary) -> None:
    user.ok("run", "-d", "--name", "box", "busybox", "sh", "-c", "touch /made; sleep 100")
    assert user.ok("exec", "box", "id", "-u") == "0"
    inspected = user.inspect("box")
    assert os.stat(f"/proc/{inspected['State']['Pid']}").st_uid == UID
    upper = user.root / "containers" / inspected["Id"] / "upper"
    until((upper / "made").exists, "the container writes")
    assert (upper / "made").stat().st_uid == UID
    assert os.stat(user.root).st_uid == UID


def test_a_container_has_what_containers_have(user: Ordinary) -> None:
    script = (
        "hostname; id -u; grep CapEff /proc/self/status; echo $$; ping -c 1 127.0.0.1 > /dev/null "
        "&& echo lo; echo x >> /etc/hosts && echo hosts; head -c 3 /dev/urandom | wc -c; "
        "echo x > /t/x && echo tmpfs; ls /dev/pts /dev/shm /dev/mqueue > /dev/null && echo dev; "
        "cat /proc/self/oom_score_adj; ulimit -n; echo x > /proc/sys/kernel/hostname || echo ro"
    )
    flags = ("-h", "inside", "--tmpfs", "/t", "--oom-score-adj", "200", "--ulimit", "nofile=70:80")
    shown = user.ok("run", "--rm", *flags, "busybox", "sh", "-c", f"({script}) 2> /dev/null")
    expected = ["inside", "0", "CapEff:\t00000000a80425fb", "1", "lo", "hosts", "3", "tmpfs", "dev"]
    assert shown.splitlines() == [*expected, "200", "70", "ro"]


def test_the_life_of_a_container(user: Ordinary) -> None:
    assert user("run", "--rm", "busybox", "sh", "-c", "exit 7").code == 7
    assert user("run", "--rm", "busybox", "nothing-here").code == 127
    user.ok("run", "-d", "--name", "box", "--init", "busybox", "sleep", "100")
    assert "sleep 100" in user.ok("top", "box")
    assert user.ok("ps", "--format", "{{.Names}}") == "box"
    user.ok("exec", "-d", "box", "sleep", "99")
    user.ok("kill", "box")
    assert user.ok("wait", "box") == "137"
    user.ok("rm", "box")
    assert user.ok("ps", "-aq") == ""


def test_containers_share_namespaces(user: Ordinary) -> None:
    """They can, because all of them live in one user namespace: also those started at once."""
    names = [f"box{number}" for number in range(4)]
    with ThreadPoolExecutor(2) as pool:
        run = ("run", "-d", "--name")
        list(pool.map(lambda name: user.ok(*run, name, "busybox", "sleep", "100"), names))
    own = {user.ok("exec", name, "readlink", "/proc/self/ns/user") for name in names}
    assert len(own) == 1
    modes = ("--network=container:box0", "--pid=container:box1", "--ipc=container:box2")
    shown = user.ok("run", "--rm", *modes, "busybox", "sh", "-c", "ps; touch /dev/shm/mine")
    assert "sleep 100" in shown
    assert user.ok("exec", "box2", "ls", "/dev/shm") == "mine"


def test_the_hosts_namespaces_are_shown_and_not_given(user: Ordinary) -> None:
    run = ("run", "--rm", "--network=host", "--pid=host", "--ipc=host", "busybox", "sh", "-c")
    script = (
        "cat /proc/1/comm; ls /sys/class/net; mkdir /sys/fs/cgroup/x || echo no; "
        "echo h > /proc/sysrq-trigger || echo no"
    )
    shown = user.ok(*run, f"({script}) 2> /dev/null").splitlines()
    assert shown[0] == Path("/proc/1/comm").read_text().strip()
    assert "lo" in shown and shown[-2:] == ["no", "no"]


def test_other_users_exist_where_ids_are_granted(granted: Ordinary) -> None:
    run = ("run", "--rm", "-u", "www-data", "--group-add", "wheel", "busybox")
    assert granted.ok(*run, "sh", "-c", "id -u; id -G; grep Uid /proc/self/status").split() == (
        ["33", "33", "10", "Uid:", "33", "33", "33", "33"]
    )
    shown = granted.ok("run", "--rm", "busybox", "cat", "/proc/self/uid_map")
    rows = [line.split() for line in shown.splitlines()]
    assert rows == [["0", str(UID), "1"], ["1", "700000", "65536"], ["65537", "800000", "1000"]]


def test_files_of_other_users_can_be_removed(granted: Ordinary) -> None:
    """They belong to ids of which the user itself is none: only inside is it their master."""
    script = "mkdir -m 700 /deep /deep/er; touch /deep/er/file; chown -R 33:33 /deep"
    granted.ok("run", "--name", "box", "busybox", "sh", "-c", script)
    id = granted.inspect("box")["Id"]
    assert (granted.root / "containers" / id / "upper/deep").stat().st_uid == 700032
    granted.ok("rm", "box")
    assert not (granted.root / "containers" / id).exists()


@pytest.mark.parametrize("who", ["33", "www-data", "0:5"])
def test_other_users_are_refused_where_there_is_one_id(alone: Ordinary, who: str) -> None:
    alone("run", "--rm", "-u", who, "busybox", "true").refused("cannot become user", "/etc/subuid")


def test_limits_without_a_control_group_are_warnings(user: Ordinary) -> None:
    result = user("run", "--rm", "-m", "64m", "--cpus", "1", "--pids-limit", "9", "busybox", "true")
    lines = result.err.decode().splitlines()
    assert result.code == 0 and len(lines) == 3, result
    for line, words in zip(lines, ("memory limit", "CPU CFS", "PIDs limit"), strict=True):
        assert line.startswith("WARNING: Your kernel does not support") and words in line
    user.ok("run", "-d", "--name", "box", "busybox", "sleep", "100")
    commands = (("pause", "box"), ("stats", "--no-stream", "box"), ("update", "-m", "1g", "box"))
    for command in commands:
        user(*command).refused("without a control group", "delegated", code=1)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--userns=auto"], "it takes the host's root"),
        (["--oom-score-adj=-500"], "cannot set oom_score_adj to -500"),
        (["--ulimit", "nofile=99999999"], "cannot set RLIMIT_NOFILE"),
    ],
)
def test_what_takes_the_hosts_root_says_so(user: Ordinary, flags: list[str], words: str) -> None:
    user("run", "--rm", *flags, "busybox", "true").refused(words)


def test_info_says_rootless(user: Ordinary) -> None:
    assert "name=rootless" in user.ok("info", "-f", "{{.SecurityOptions}}")
    assert user.ok("info", "-f", "{{.DockerRootDir}}") == str(user.root)


def test_the_store_follows_xdg(granted: Ordinary) -> None:
    data = granted.home / "data"
    words = ("image", "bootstrap", "busybox")
    granted.ok(*words, env={"XDG_DATA_HOME": str(data)})
    assert (data / "mini-docker/containers").is_dir()
    result = granted(*words, env={"MINI_DOCKER_ROOT": "/var/lib/not-ours"})
    assert result.code == 1 and b"Permission denied" in result.err, result


def test_a_privileged_container_has_no_more_than_the_user(user: Ordinary) -> None:
    script = (
        "mkdir /m; mount -t tmpfs none /m && echo mounted; echo h > /proc/sysrq-trigger || echo no"
    )
    shown = user.ok(
        "run", "--rm", "--privileged", "busybox", "sh", "-c", f"({script}) 2> /dev/null"
    )
    assert shown.split() == ["mounted", "no"]


@pytest.fixture
def delegation(alone: Ordinary) -> Iterator[Ordinary]:
    """A user to whom a control group is delegated, in a leaf of which its commands begin."""
    group = Path(f"/sys/fs/cgroup/delegated-{os.getpid()}")
    leaf = group / "leaf"
    leaf.mkdir(parents=True)
    for path in (group, leaf):
        for name in (".", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"):
            os.chown(path / name, UID, UID)
    usual = alone.command
    moved = f'echo $$ > {leaf}/cgroup.procs && exec setpriv --reuid={UID} --regid={UID} "$@"'
    alone.command = ["sh", "-c", moved, "-", "--clear-groups", *alone.command]
    yield alone
    alone.command = usual
    groups = sorted(group.rglob("*/"), reverse=True)
    for path in [*(path for path in groups if path.is_dir()), group]:
        # A monitor lives on for a moment after the command that it has answered.
        until(partial(empty, path), f"{path} has no process", 60)
        path.rmdir()


def empty(group: Path) -> bool:
    return not (group / "cgroup.procs").read_text().split()


@pytest.mark.needs("cgroup-v2")
def test_limits_hold_in_a_delegated_control_group(delegation: Ordinary) -> None:
    """Version 2 only; the ring without it has the warnings above."""
    user = delegation
    flags = ("-m", "64m", "--pids-limit", "50")
    user.ok("run", "-d", "--name", "box", *flags, "busybox", "sleep", "1000")
    files = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/pids.max")
    assert user.ok("exec", "box", "cat", *files).split() == [str(64 * 2**20), "50"]
    user.ok("pause", "box")
    assert user.inspect("box")["State"]["Paused"]
    user.ok("unpause", "box")
    assert "64MiB" in user.ok("stats", "--no-stream", "box")
    user.ok("update", "-m", "80m", "box")
    assert user.ok("exec", "box", "cat", files[0]) == str(80 * 2**20)
    user.ok("rm", "-f", "box")
    hungry = "head -c 100m /dev/zero | tail"
    assert user("run", "--rm", "-m", "10m", "busybox", "sh", "-c", hungry).code == 137


@pytest.mark.needs("cgroup-v2")
def test_exec_from_another_session_says_what_it_takes(delegation: Ordinary) -> None:
    user = delegation
    user.ok("run", "-d", "--name", "box", "busybox", "sleep", "1000")
    elsewhere = Ordinary(user.home)
    told = "control group from here", "systemd-run --user"
    elsewhere("exec", "box", "true").refused(*told, code=126)
    assert elsewhere.ok("ps", "--format", "{{.Names}}") == "box"
    elsewhere.ok("rm", "-f", "box")


def test_an_ordinary_users_container_is_drawn_told_of_and_watched(user: Ordinary) -> None:
    words = ("--health-cmd", "id -u", "--health-interval", "200ms", "busybox", "sleep", "1000")
    user.ok("run", "-d", "--name", "box", *words)
    text = user.ok("container", "graph", "box")
    assert '"ns user" -> "the engine"' in text and '"ns time" -> "host"' in text
    assert 'label="lo  loopback, up' in text
    until(lambda: user.inspect("box")["State"]["Health"]["Status"] == "healthy", "its health")
    assert user.inspect("box")["State"]["Health"]["Log"][0]["Output"] == "0\n"
    told = user.ok("events", "--since", "1h", "--until", "0s", "--format", "{{.Action}}")
    assert told.splitlines()[:2] == ["create", "start"]
