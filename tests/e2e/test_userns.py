"""User namespaces as root: userns-remap, --userns=auto, --userns=host; and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.accounts import accounts
from tests.e2e.conftest import REPO, Engine, until

pytestmark = pytest.mark.e2e

USERS = "dockremap:x:990:990::/:/bin/false\nother:x:991:991::/:/bin/false\n"
GROUPS = "dockremap:x:990:\nstaffers:x:995:\n"
RANGES = "dockremap:200000:65536\n991:300000:1000\nother:310000:70000\ncontainers:500000:100000\n"
TWO = [[0, 300000, 1000], [1000, 310000, 70000]]  # the lines of "other" and of its uid
MAPS = ("cat", "/proc/self/uid_map", "/proc/self/gid_map")


@pytest.fixture
def ids(tmp_path: Path) -> Iterator[None]:
    """Users with subordinate ids."""
    groups = RANGES.replace("dockremap:200000", "dockremap:250000") + "staffers:400000:65536\n"
    with accounts(tmp_path, USERS, GROUPS, RANGES, groups):
        yield


@pytest.fixture
def remapped(ids: None, engine: Engine, tmp_path: Path) -> Engine:
    """An engine whose configuration file says userns-remap."""
    return configure(engine, tmp_path, {"userns-remap": "default"})


def configure(engine: Engine, folder: Path, text: object) -> Engine:
    path = folder / "daemon.json"
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    engine.environment["MINI_DOCKER_CONFIG"] = str(path)
    return engine


def maps(text: str) -> list[list[int]]:
    return [[int(word) for word in line.split()] for line in text.splitlines()]


def nothing(engine: Engine) -> bool:
    return not list((engine.root / "containers").iterdir())


def test_auto_gives_a_range_of_its_own(ids: None, engine: Engine) -> None:
    shown = maps(engine.ok("run", "--rm", "--userns=auto", "busybox", *MAPS))
    assert shown == [[0, 500000, 1024], [0, 500000, 1024]]
    engine.ok("run", "-d", "--name", "one", "--userns=auto:size=5000", "busybox", "sleep", "100")
    engine.ok(
        "run", "-d", "--name", "two", "--userns=auto", "-u", "3000", "busybox", "sleep", "100"
    )
    assert maps(engine.ok("exec", "one", *MAPS))[0] == [0, 500000, 5000]
    assert maps(engine.ok("exec", "two", *MAPS))[0] == [0, 505000, 3001]
    pid = engine.inspect("two")["State"]["Pid"]
    assert os.stat(f"/proc/{pid}").st_uid == 508000
    assert engine.inspect("one")["HostConfig"]["UsernsMode"] == "auto:size=5000"
    engine.ok("rm", "-f", "one")
    assert maps(engine.ok("run", "--rm", "--userns=auto", "busybox", *MAPS))[0][1] == 500000


def test_a_policy_brings_one_with_its_own_range_back(ids: None, engine: Engine) -> None:
    loops = ("--name", "loops", "--restart", "always", "--userns=auto", "busybox", "sleep", "0.05")
    engine.ok("run", "-d", *loops)
    path = engine.root / "containers" / engine.inspect("loops")["Id"] / "config.json"
    before = path.read_text()
    until(lambda: engine.inspect("loops")["RestartCount"] >= 2, "two restarts")
    assert path.read_text() == before
    engine.ok("rm", "-f", "loops")


def test_containers_made_at_the_same_time_get_different_ranges(ids: None, engine: Engine) -> None:
    names = [f"box{number}" for number in range(6)]
    with ThreadPoolExecutor(3) as pool:
        run = ("run", "-d", "--userns=auto", "--name")
        list(pool.map(lambda name: engine.ok(*run, name, "busybox", "sleep", "100"), names))
    firsts = {maps(engine.ok("exec", name, *MAPS))[0][1] for name in names}
    assert firsts == {500000 + 1024 * number for number in range(6)}


def test_a_file_of_the_image_belongs_to_the_containers_root(ids: None, engine: Engine) -> None:
    """The layers are shared, and what a container writes has its own ids on the disk."""
    script = (
        "stat -c %u:%g /bin/busybox /etc /etc/hosts; touch /root/new; chown 33:5 /root/new; "
        "echo more >> /etc/passwd; echo x >> /etc/hosts; chmod 4755 /root/new; sleep 100"
    )
    engine.ok("run", "-d", "--name", "box", "--userns=auto", "busybox", "sh", "-c", script)
    id = engine.inspect("box")["Id"]
    upper = engine.root / "containers" / id / "upper"
    engine.ok("exec", "box", "sh", "-c", "until [ -u /root/new ]; do sleep 0.01; done")
    status = (upper / "root/new").stat()
    assert (status.st_uid, status.st_gid) == (33, 5)
    assert (upper / "etc/passwd").stat().st_uid == 0
    shown = engine.ok(
        "exec", "box", "stat", "-c", "%u:%g", "/bin/busybox", "/root/new", "/etc/hosts"
    )
    assert shown.split() == ["0:0", "33:5", "0:0"]


@pytest.mark.parametrize(
    ("value", "uids", "gids"),
    [
        ("default", [[0, 200000, 65536]], [[0, 250000, 65536]]),
        ("dockremap", [[0, 200000, 65536]], [[0, 250000, 65536]]),
        ("990", [[0, 200000, 65536]], [[0, 250000, 65536]]),
        ("other", TWO, TWO),
        ("other:staffers", TWO, [[0, 400000, 65536]]),
        ("991:995", TWO, [[0, 400000, 65536]]),
    ],
)
def test_userns_remap_takes_a_user_as_dockerd_does(
    ids: None,
    engine: Engine,
    tmp_path: Path,
    value: str,
    uids: list[list[int]],
    gids: list[list[int]],
) -> None:
    configure(engine, tmp_path, {"userns-remap": value})
    assert maps(engine.ok("run", "--rm", "busybox", *MAPS)) == [*uids, *gids]


def test_userns_host_opts_out(remapped: Engine) -> None:
    whole = [0, 0, 2**32 - 1]
    assert maps(remapped.ok("run", "--rm", "--userns=host", "busybox", *MAPS)) == [whole, whole]
    assert maps(remapped.ok("run", "--rm", "busybox", *MAPS))[0] == [0, 200000, 65536]
    assert "name=userns" in remapped.ok("info", "-f", "{{.SecurityOptions}}")
    remapped.ok("run", "--name", "box", "--userns=host", "busybox", "true")
    assert remapped.inspect("box")["HostConfig"]["UsernsMode"] == "host"
    assert remapped.ok("run", "--rm", "--userns=host", "--privileged", "busybox", "id", "-u") == "0"


def test_a_remapped_container_can_do_what_others_can(remapped: Engine) -> None:
    flags = ("--init", "--read-only", "--tmpfs", "/t", "--ulimit", "nofile=70:80", "-h", "inside")
    script = (
        "id -u; hostname; ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj; "
        "grep CapEff /proc/self/status; echo x > /t/x && echo tmpfs; echo x > /dev/null && "
        "head -c 3 /dev/urandom | wc -c; echo x >> /etc/hosts && echo hosts; "
        "touch /x 2>/dev/null || echo read-only; ping -c 1 127.0.0.1 >/dev/null && echo lo; "
        "ls -ld /dev/shm /dev/pts /dev/mqueue | wc -l; "
        "cat /sys/kernel/uevent_seqnum > /dev/null && echo sys"
    )
    limits = ("--oom-score-adj", "300", "-m", "64m")
    shown = remapped.ok("run", "--rm", *flags, *limits, "busybox", "sh", "-c", script).splitlines()
    expected = [
        "0",
        "inside",
        "70",
        "80",
        "300",
        "CapEff:\t00000000a80425fb",
        "tmpfs",
        "3",
        "hosts",
    ]
    assert shown == [*expected, "read-only", "lo", "3", "sys"]


def test_exec_is_root_inside_and_nobody_outside(remapped: Engine) -> None:
    remapped.ok("run", "-d", "--name", "box", "--ulimit", "nofile=70:80", "busybox", "sleep", "100")
    assert remapped.ok("exec", "box", "id", "-u") == "0"
    assert remapped.ok("exec", "-u", "www-data", "box", "id", "-un") == "www-data"
    assert remapped.ok("exec", "box", "sh", "-c", "ulimit -Hn") == "80"
    assert "0     200000      65536" in remapped.ok("exec", "box", "cat", "/proc/self/uid_map")
    remapped.ok("exec", "-d", "box", "sleep", "99")
    top = remapped.ok("top", "box")
    assert "sleep 99" in top and "200000" in top
    for command in ("pause", "unpause", "kill"):
        remapped.ok(command, "box")
    assert remapped.ok("wait", "box") == "137"


def test_a_remapped_container_cannot_touch_the_hosts_files(
    remapped: Engine, tmp_path: Path
) -> None:
    """Root in there is nobody here: by way of the host's own processes it reaches nothing."""
    remapped.ok("run", "-d", "--name", "box", "busybox", "sleep", "100")
    pid = remapped.inspect("box")["State"]["Pid"]
    status = Path(f"/proc/{pid}/status").read_text()
    assert "Uid:\t200000\t200000" in status and "Gid:\t250000\t250000" in status
    script = "(mknod /d b 254 0 || echo no; echo h > /proc/sysrq-trigger || echo no) 2> /dev/null"
    shown = remapped.ok("run", "--rm", "--cap-add", "ALL", "busybox", "sh", "-c", script)
    assert shown.split() == ["no", "no"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--privileged"], "privileged mode is incompatible with user namespaces.  You must run"),
        (["--network", "host"], "cannot share the host's network namespace when user namespaces"),
        (["--pid", "host"], "cannot share the host PID namespace when user namespaces are enabled"),
        (["-u", "70000"], "cannot become user 70000"),
        (["--userns", "private"], "--userns: invalid USER mode"),
        (["--userns", "auto:size=0"], "--userns: invalid USER mode"),
        (["--userns", "auto:size=1x"], "--userns: invalid USER mode"),
        (["--userns", "auto:size=100001"], "no 100001 consecutive uids of containers are free"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    remapped: Engine, flags: list[str], words: str
) -> None:
    remapped("run", "--rm", *flags, "busybox", "true").refused(words)
    assert nothing(remapped)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"userns-remap": "ghost"}', "there is no user ghost in /etc/passwd"),
        ('{"userns-remap": "other:ghost"}', "there is no group ghost in /etc/group"),
        ('{"userns-remap": "root"}', "root cannot stand for itself"),
        ('{"userns-remap": "nobody"}', "no ids are granted to nobody in /etc/subuid"),
        ('{"userns-remap": "other:"}', 'invalid userns-remap "other:"'),
        ('{"userns-remap": 5}', "userns-remap is missing or of a wrong type"),
        ('{"userns-remapp": "other"}', "don't match any configuration option: userns-remapp"),
        ("[]", "it is not a JSON object"),
        ("{", "it is not a JSON record"),
    ],
)
def test_a_configuration_file_that_makes_no_sense_starts_nothing(
    ids: None, engine: Engine, tmp_path: Path, text: str, words: str
) -> None:
    configure(engine, tmp_path, text)
    engine("run", "--rm", "busybox", "true").refused(words)
    assert nothing(engine)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("dockremap:200000", "has to be NAME:FIRST:COUNT"),
        ("dockremap:200000:x", "has to be NAME:FIRST:COUNT"),
        ("dockremap:0:65536", "between 1 and 4294967294"),
        ("dockremap:4294967000:65536", "between 1 and 4294967294"),
        ("dockremap:200000:65536\ndockremap:265535:10", "overlap those of an earlier line, 200000"),
        ("", "no ids are granted to dockremap in /etc/subuid"),
    ],
)
def test_ranges_that_make_no_sense_start_nothing(
    engine: Engine, tmp_path: Path, line: str, words: str
) -> None:
    configure(engine, tmp_path, {"userns-remap": "default"})
    with accounts(tmp_path, USERS, GROUPS, line + "\n"):
        engine("run", "--rm", "busybox", "true").refused(words)
        engine("run", "--rm", "--userns=auto", "busybox", "true").refused("granted to")
    assert nothing(engine)


def test_containers_share_namespaces_only_within_one_user_namespace(
    ids: None, engine: Engine
) -> None:
    engine.ok("run", "-d", "--name", "one", "--userns=auto", "busybox", "sleep", "100")
    engine.ok("run", "-d", "--name", "two", "--userns=auto", "busybox", "sleep", "100")
    modes = ("--network=container:one", "--pid=container:one", "--ipc=container:one")
    shown = engine.ok(
        "run",
        "--rm",
        *modes,
        "busybox",
        "sh",
        "-c",
        "touch /dev/shm/mine; ps; head -1 /proc/self/uid_map",
    )
    assert "sleep 100" in shown and "500000" in shown.splitlines()[-1]
    assert engine.ok("exec", "one", "ls", "/dev/shm") == "mine"
    run = ("run", "--rm", "--network=container:one")
    engine(*run, "--pid=container:two", "busybox", "true").refused("in different user namespaces")
    engine(*run, "--userns=auto", "busybox", "true").refused("conflicting options")
    assert maps(engine.ok(*run, "--userns=host", "busybox", *MAPS))[0] == [0, 0, 2**32 - 1]


def test_a_remapped_container_does_not_share_with_the_hosts(remapped: Engine) -> None:
    remapped.ok("run", "-d", "--name", "box", "--userns=host", "busybox", "sleep", "100")
    result = remapped("run", "--rm", "--network=container:box", "busybox", "true")
    result.refused("box: it is in the host's user namespace")


def test_a_file_system_whose_owners_cannot_be_mapped_is_named(ids: None, engine: Engine) -> None:
    result = engine("run", "--rm", "--userns=auto", "--rootfs", "/proc", "true")
    result.refused("cannot map the owners of /proc")


def test_a_directory_serves_as_root_with_its_owners(
    ids: None, engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "tree/bin").mkdir(parents=True)
    (tmp_path / "tree/bin/sh").write_bytes(Path("/bin/busybox").read_bytes())
    (tmp_path / "tree/bin/sh").chmod(0o755)
    run = ("run", "--rm", "--userns=auto", "--rootfs", str(tmp_path / "tree"))
    engine.ok(*run, "/bin/sh", "-c", "echo x > /made")
    assert (tmp_path / "tree/made").stat().st_uid == 0


def test_nothing_of_a_container_appears_on_the_host(ids: None, engine: Engine) -> None:
    """Where the host's mounts are shared, as systemd has them."""
    command = " ".join(engine.command)
    script = (
        f"mount --make-rshared /; {command} run -d --name box --userns=auto busybox sleep 100; "
        f"{command} run --rm --ipc=container:box busybox true; grep {engine.root} /proc/mounts; "
        f"{command} rm -f box; echo end"
    )
    options: dict[str, Any] = {
        "env": engine.environment,
        "capture_output": True,
        "text": True,
        "timeout": 60,
    }
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], cwd=REPO, check=True, **options)
    assert done.stdout.split()[1:] == ["box", "end"], done
