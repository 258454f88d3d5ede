"""Capabilities, devices and sysctls: what a container may do, tried from inside."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mini_docker.capabilities_names import DEFAULT, NAMES, mask
from tests.e2e.conftest import Engine

pytestmark = pytest.mark.e2e

FIELDS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
DOCKERS = 0xA80425FB
WARNING = re.compile(rb"WARNING: the engine itself does not have CAP_[A-Z_, ]+: .*\n")


def here() -> int:
    """Return the bounding set of this process: nobody can have more."""
    text = Path("/proc/self/status").read_text()
    return int(text.partition("CapBnd:")[2].split()[0], 16)


def sets(engine: Engine, *flags: str) -> list[int]:
    """Return the five sets of a container's process 1, as the kernel shows them inside."""
    done = engine("run", "--rm", *flags, "busybox", "cat", "/proc/self/status")
    assert done.code == 0, done
    rows = dict(line.split(":", 1) for line in done.out.decode().splitlines())
    return [int(rows[field], 16) for field in FIELDS]


EVERYTHING = mask(NAMES)
COMBINATIONS = [
    ((), DOCKERS),
    (("--cap-add", "NET_ADMIN"), DOCKERS | 1 << 12),
    (("--cap-add", "cap_net_admin", "--cap-add", "sys_time"), DOCKERS | 1 << 12 | 1 << 25),
    (("--cap-drop", "CHOWN"), DOCKERS & ~1),
    (("--cap-drop", "all"), 0),
    (("--cap-drop", "ALL", "--cap-add", "CHOWN"), 1),
    (("--cap-drop", "ALL", "--cap-drop", "CHOWN", "--cap-add", "CHOWN"), 1),
    (("--cap-add", "NET_ADMIN", "--cap-drop", "NET_ADMIN"), DOCKERS | 1 << 12),
    (("--cap-add", "ALL"), EVERYTHING),
    (("--cap-add", "ALL", "--cap-drop", "CHOWN"), EVERYTHING & ~1),
    (("--cap-add", "ALL", "--cap-drop", "ALL"), EVERYTHING),
    (("--privileged",), EVERYTHING),
    (("--privileged", "--cap-drop", "ALL"), EVERYTHING),
]


@pytest.mark.parametrize(
    ("flags", "wanted"), COMBINATIONS, ids=[" ".join(f) for f, _ in COMBINATIONS]
)
def test_root_has_the_set_that_docker_documents(
    engine: Engine, flags: tuple[str, ...], wanted: int
) -> None:
    has = wanted & here()
    assert sets(engine, *flags) == [0, has, has, has, 0]


@pytest.mark.parametrize("flags", [(), ("--cap-add", "NET_ADMIN"), ("--privileged",)])
def test_another_user_has_nothing_below_the_same_ceiling(
    engine: Engine, flags: tuple[str, ...]
) -> None:
    ceiling = sets(engine, *flags)[3]
    assert sets(engine, "-u", "1000:1000", *flags) == [0, 0, 0, ceiling, 0]
    assert sets(engine, "-u", "1000:1000", "--init", *flags) == [0, 0, 0, ceiling, 0]


def test_init_has_no_more_than_the_program(engine: Engine) -> None:
    flags = ("--init", "--cap-drop", "ALL", "--cap-add", "CHOWN")
    script = "cat /proc/1/status"
    done = engine.ok("run", "--rm", *flags, "busybox", "sh", "-c", script)
    assert re.findall(r"Cap(?:Prm|Eff|Bnd):\s*(\w+)", done) == ["0" * 15 + "1"] * 3


OTHER_USER = (
    "su nobody -s /bin/sh -c 'exec sleep 60' & P=$!;"
    "until grep -q '^Uid:.65534' /proc/$P/status; do sleep 0.01; done;"
)
TRIES = [
    ("CHOWN", "touch /f; chown 7 /f"),
    ("MKNOD", "mknod /x c 1 3"),
    ("NET_RAW", "arping -c 1 -w 1 -I lo 127.0.0.2 2>&1 | grep -v 'Operation not permitted'"),
    ("SYS_CHROOT", "chroot / true"),
    ("NET_RAW", "ping -c 1 -W 2 127.0.0.1"),
    ("KILL", f"{OTHER_USER} kill $P"),
    ("SETUID", "su -s /bin/sh nobody -c true"),
    ("DAC_OVERRIDE", "touch /f; chmod 0 /f; cat /f"),
]


@pytest.mark.parametrize(("name", "script"), TRIES, ids=[name for name, _ in TRIES])
def test_what_a_default_capability_allows_fails_without_it(
    engine: Engine, name: str, script: str
) -> None:
    engine.ok("run", "--rm", "busybox", "sh", "-c", script)
    refused = engine("run", "--rm", "--cap-drop", name, "busybox", "sh", "-c", script)
    assert refused.code != 0, refused


def test_mount_needs_sys_admin(engine: Engine) -> None:
    script = "mkdir /m && mount -t tmpfs none /m && grep -c ' /m ' /proc/mounts"
    refused = engine("run", "--rm", "busybox", "sh", "-c", script)
    assert refused.code != 0 and b"not permitted" in refused.err + b"not permitted", refused
    flags = ("--cap-add", "SYS_ADMIN")
    assert engine.ok("run", "--rm", *flags, "busybox", "sh", "-c", script) == "1"


def lacking(engine: Engine, name: str) -> Engine:
    """Return the engine on a machine without one capability."""
    other = Engine(engine.root)
    other.command = ["setpriv", "--bounding-set", f"-{name}", *engine.command]
    return other


def test_a_lost_default_capability_is_a_warning_and_inspect_tells(engine: Engine) -> None:
    words = ("-d", "--name", "box", "busybox", "sleep", "1000")
    done = lacking(engine, "net_raw")("run", *words)
    assert done.code == 0 and WARNING.fullmatch(done.err) and b"CAP_NET_RAW" in done.err, done
    it = engine.inspect("box")
    left = [name for name in NAMES if name in set(DEFAULT) - {"CAP_NET_RAW"}]
    assert it["EffectiveCaps"] == it["BoundingCaps"] == left
    status = Path(f"/proc/{it['State']['Pid']}/status").read_text()
    assert f"CapBnd:\t{DOCKERS & ~(1 << 13):016x}" in status


def test_a_lost_capability_that_nobody_asked_for_is_no_warning(engine: Engine) -> None:
    other = lacking(engine, "net_raw")
    assert other("run", "--rm", "--cap-drop", "NET_RAW", "busybox", "true").err == b""
    assert lacking(engine, "sys_time")("run", "--rm", "busybox", "true").err == b""
    assert engine("run", "--rm", "busybox", "true").err == b""


def test_a_lost_capability_that_was_asked_for_is_a_warning(engine: Engine) -> None:
    other = lacking(engine, "sys_time")
    for flags in ("--cap-add", "sys_time"), ("--cap-add", "ALL"), ("--privileged",):
        done = other("run", "--rm", *flags, "busybox", "true")
        assert (done.code, done.out) == (0, b"")
        assert WARNING.fullmatch(done.err) and b"CAP_SYS_TIME" in done.err, done


def test_inspect_shows_what_was_asked_for_in_one_form(engine: Engine) -> None:
    flags = ("--cap-add", "net_admin", "--cap-add", "CAP_NET_ADMIN", "--cap-drop", "all")
    engine.ok("run", "--name", "box", *flags, "busybox", "true")
    it = engine.inspect("box")
    assert it["HostConfig"]["CapAdd"] == ["CAP_NET_ADMIN"]
    assert it["HostConfig"]["CapDrop"] == ["ALL"]
    assert it["HostConfig"]["Privileged"] is False
    assert it["EffectiveCaps"] == ["CAP_NET_ADMIN"]


def test_an_unknown_capability_is_refused_before_anything_starts(engine: Engine) -> None:
    before = engine.ok("ps", "-aq")
    refused = engine("run", "--cap-add", "sys_admn", "busybox", "true")
    refused.refused('invalid CapAdd: unknown capability: "CAP_SYS_ADMN"', "CAP_SYS_ADMIN?")
    engine("run", "--cap-drop", "x", "busybox", "true").refused("invalid CapDrop: unknown")
    assert engine.ok("ps", "-aq") == before


def test_exec_has_the_container_s_set_and_privileged_all(engine: Engine) -> None:
    flags = ("-d", "--name", "box", "--cap-drop", "ALL", "--cap-add", "CHOWN")
    engine.ok("run", *flags, "busybox", "sleep", "1000")
    words = ("box", "grep", "CapEff", "/proc/self/status")
    assert engine.ok("exec", *words).split()[1] == f"{1:016x}"
    privileged = engine("exec", "--privileged", *words)
    assert privileged.code == 0
    assert privileged.out.split()[1].decode() == f"{EVERYTHING & here():016x}"


@pytest.fixture
def setuid(tmp_path: Path) -> Path:
    """A root file system in which /bin/show is a setuid program: cat, with all that it loads."""
    box = tmp_path / "box"
    needs = subprocess.run(["ldd", "/bin/cat"], capture_output=True, text=True, check=True).stdout
    for path in re.findall(r"(/\S+) \(0x", needs):
        copy = box / path.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    (box / "bin").mkdir()
    shutil.copy("/bin/cat", box / "bin/show")
    os.chmod(box / "bin/show", 0o4755)
    return box


def test_a_setuid_program_makes_root_but_not_under_no_new_privileges(
    engine: Engine, setuid: Path
) -> None:
    def uids(*flags: str) -> tuple[list[str], str]:
        words = ("--rootfs", str(setuid), "-u", "1000:1000", "/bin/show", "/proc/self/status")
        status = engine.ok("run", "--rm", *flags, *words)
        rows = dict(line.split(":", 1) for line in status.splitlines())
        return rows["Uid"].split(), rows["CapEff"].strip()

    assert uids() == (["1000", "0", "0", "0"], f"{DOCKERS & here():016x}")
    assert uids("--cap-drop", "ALL") == (["1000", "0", "0", "0"], "0" * 16)
    for word in "no-new-privileges", "no-new-privileges:true", "no-new-privileges=true":
        assert uids("--security-opt", word) == (["1000"] * 4, "0" * 16)
    assert uids("--security-opt", "no-new-privileges=false")[0][1] == "0"


def test_a_file_s_capabilities_count_only_below_the_ceiling(engine: Engine, setuid: Path) -> None:
    show = setuid / "bin/show"
    os.chmod(show, 0o755)
    subprocess.run(["setcap", "cap_chown,cap_net_admin+ep", str(show)], check=True)
    words = ("--rootfs", str(setuid), "-u", "1000:1000", "/bin/show", "/proc/self/status")
    # A program that must have ("e") what it cannot get is not executed at all.
    assert engine("run", "--rm", *words).code == 126
    status = engine.ok("run", "--rm", "--cap-add", "NET_ADMIN", *words)
    assert re.search(r"CapEff:\s*0{12}1001\n", status)
    status = engine.ok("run", "--rm", "--privileged", "--security-opt", "no-new-privileges", *words)
    assert re.search(r"CapEff:\s*0{16}\n", status)


def test_privileged_sees_devices_and_the_kernel_s_files(engine: Engine) -> None:
    script = "ls /dev; touch /sys/x; head -c 0 /dev/kmsg && echo kmsg; cat /proc/mounts"
    plain = engine("run", "--rm", "busybox", "sh", "-c", script)
    done = engine("run", "--rm", "--privileged", "busybox", "sh", "-c", script)
    assert "kmsg" not in plain.out.decode().split()
    words = done.out.decode().split()
    host = {
        entry.name
        for entry in os.scandir("/dev")
        if not entry.is_dir() and not entry.is_symlink() and entry.name != "console"
    }
    assert host <= set(words)
    assert words.count("kmsg") == 2
    assert "sysfs /sys sysfs rw," in done.out.decode()
    assert "sysfs /sys sysfs ro," in plain.out.decode()
    assert " /proc/sys " in plain.out.decode()
    assert " /proc/sys " not in done.out.decode()


def test_a_device_is_there_with_its_rule_and_no_other_access(engine: Engine) -> None:
    flags = ("--rm", "--device", "/dev/zero:/dev/deep/nothing:r")
    script = "head -c 3 /dev/deep/nothing | wc -c; echo x > /dev/deep/nothing"
    done = engine("run", *flags, "busybox", "sh", "-c", script)
    assert done.out == b"3\n", done


def test_a_device_that_the_list_does_not_have_needs_a_rule(engine: Engine) -> None:
    # The kernel's log, 1:11; to open it costs a capability, so that one is given.
    script = "mknod /k c 1 11 && head -c 0 /k"
    run = ("run", "--rm", "--cap-add", "SYSLOG")
    refused = engine(*run, "busybox", "sh", "-c", script)
    assert refused.code == 1 and b"Operation not permitted" in refused.err, refused
    engine.ok(*run, "--device-cgroup-rule", "c 1:11 rmw", "busybox", "sh", "-c", script)
    refused = engine(*run, "--device-cgroup-rule", "c 1:11 w", "busybox", "sh", "-c", script)
    assert refused.code == 1, refused
    script = "exec 3< /dev/kmsg"
    engine.ok(*run, "--device", "/dev/kmsg", "busybox", "sh", "-c", script)
    refused = engine(*run, "--device", "/dev/kmsg:m", "busybox", "sh", "-c", script)
    assert refused.code != 0, refused


def test_devices_that_make_no_sense_start_nothing(engine: Engine) -> None:
    for value, words in (
        ("/dev/nope", 'custom device "/dev/nope": no such file or directory'),
        ("/etc/passwd", 'custom device "/etc/passwd": not a device node'),
        ("/dev/null:/dev/x:q", "bad mode specified: q"),
        ("relative", "relative is not an absolute path"),
    ):
        engine("run", "--device", value, "busybox", "true").refused(words)
    engine("run", "--device-cgroup-rule", "x", "busybox", "true").refused(
        "invalid device cgroup format 'x'"
    )
    assert engine.ok("ps", "-aq") == ""


def test_sysctls_are_the_container_s_own(engine: Engine) -> None:
    outside = Path("/proc/sys/kernel/msgmax").read_text()
    flags = ("--sysctl", "kernel.msgmax=1234", "--sysctl", "net.ipv4.ip_forward=1")
    script = "cat /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_forward"
    assert engine.ok("run", "--rm", *flags, "busybox", "sh", "-c", script).split() == ["1234", "1"]
    assert Path("/proc/sys/kernel/msgmax").read_text() == outside


def test_low_ports_need_no_capability_unless_a_sysctl_says_so(engine: Engine) -> None:
    flags = ("--rm", "-u", "1000:1000", "--cap-drop", "ALL")
    listen = ("busybox", "sh", "-c", "timeout 1 nc -l -p 80; true")
    assert b"denied" not in engine("run", *flags, *listen).err
    ports = ("--sysctl", "net.ipv4.ip_unprivileged_port_start=1024")
    assert b"ermission denied" in engine("run", *flags, *ports, *listen).err
    groups = ("busybox", "cat", "/proc/sys/net/ipv4/ping_group_range")
    assert engine.ok("run", *flags, *groups).split() == ["0", "2147483647"]


def test_sysctls_that_are_not_the_container_s_start_nothing(engine: Engine) -> None:
    for flags, words in (
        (("--sysctl", "kernel.core_pattern=x"), "sysctl 'kernel.core_pattern=x' is not allowed"),
        (("--sysctl", "net"), "sysctl 'net' is not allowed"),
        (
            ("--network", "host", "--sysctl", "net.ipv4.ip_forward=1"),
            'sysctl "net.ipv4.ip_forward" not allowed in host network namespace',
        ),
        (
            ("--ipc", "host", "--sysctl", "kernel.sem=1"),
            'sysctl "kernel.sem" is not allowed in the hosts ipc namespace',
        ),
        (("--rm", "--sysctl", "net.no.such=1"), "cannot set sysctl net.no.such: No such file"),
        (("--rm", "--sysctl", "kernel.msgmax=x"), "cannot set sysctl kernel.msgmax: Invalid"),
    ):
        engine("run", *flags, "busybox", "true").refused(words)
    assert engine.ok("ps", "-aq") == ""
