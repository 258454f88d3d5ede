"""run: what a container is, and how its end comes back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from mini_docker import cgroups_tree
from tests.e2e.conftest import Engine, until

pytestmark = pytest.mark.e2e


def test_a_container_has_its_own_host_name_pids_and_root(engine: Engine) -> None:
    script = "hostname; echo $$; ls /; cat /proc/1/comm; true"
    lines = engine.ok("run", "--rm", "--hostname", "box", "busybox", "sh", "-c", script).split()
    assert lines[:2] == ["box", "1"]
    assert "bin" in lines and "boot" not in lines
    assert lines[-1] == "sh"


@pytest.mark.parametrize("code", [0, 1, 3, 125, 255])
def test_the_exit_code_comes_back(engine: Engine, code: int) -> None:
    assert engine("run", "--rm", "busybox", "sh", "-c", f"exit {code}").code == code


def test_a_signal_gives_128_and_its_number(engine: Engine) -> None:
    assert engine("run", "--rm", "busybox", "sh", "-c", "sh -c 'kill -9 $$'; exit $?").code == 137
    script = "trap 'exit 9' TERM; kill -TERM 1; sleep 1"
    assert engine("run", "--rm", "busybox", "sh", "-c", script).code == 9
    assert engine("run", "--rm", "--init", "busybox", "sh", "-c", "kill -TERM $$").code == 143


def test_a_command_that_is_not_there_gives_127(engine: Engine) -> None:
    result = engine("run", "--rm", "busybox", "nope")
    result.refused('"nope"', "executable file not found in $PATH", code=127)
    engine("run", "--rm", "busybox", "/no/such").refused("no such file or directory", code=127)


def test_a_command_that_cannot_be_executed_gives_126(engine: Engine) -> None:
    engine("run", "--rm", "busybox", "/etc/passwd").refused("permission denied", code=126)
    engine("run", "--rm", "busybox", "/etc").refused("permission denied", code=126)


def test_streams_pass_through_byte_for_byte(engine: Engine) -> None:
    data = os.urandom(3_000_000)
    result = engine("run", "-i", "--rm", "busybox", "sh", "-c", "cat; echo end >&2", stdin=data)
    assert (result.code, result.out, result.err) == (0, data, b"end\n")


def test_without_interactive_there_is_no_input(engine: Engine) -> None:
    assert engine("run", "--rm", "busybox", "cat", stdin=b"secret").out == b""


def test_output_to_a_closed_pipe_is_no_traceback(engine: Engine) -> None:
    with engine.popen("run", "--rm", "busybox", "yes") as process:
        assert process.stdout and process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) in (1, 141)  # yes sees the error, or is killed by SIGPIPE
        assert b"Traceback" not in process.stderr.read()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_signals_are_forwarded(engine: Engine, number: signal.Signals) -> None:
    name = number.name.removeprefix("SIG")
    script = f"trap 'echo got {name}; exit 7' {name}; echo ready; while :; do sleep 0.1; done"
    with engine.popen("run", "--rm", "busybox", "sh", "-c", script) as process:
        assert process.stdout and process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (7, f"got {name}\n".encode())


def test_init_reaps_orphans(engine: Engine) -> None:
    script = "(sleep 0.1 & ) ; sleep 0.5; cat /proc/[0-9]*/stat | grep -c ' Z '"
    with_init = engine("run", "--rm", "--init", "busybox", "sh", "-c", script)
    assert with_init.out == b"0\n"


def test_environment_user_and_directory(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("# a comment\nA=from file\nHOME=/elsewhere\n")
    flags = ["--env-file", str(file), "-e", "A=x y", "-w", "/new/dir", "-u", "www-data:wheel"]
    script = 'echo "$A:$HOME"; pwd; id -u; id -g'
    out = engine.ok("run", "--rm", *flags, "busybox", "sh", "-c", script)
    assert out.splitlines() == ["x y:/elsewhere", "/new/dir", "33", "10"]


def test_the_entrypoint_can_be_replaced(engine: Engine) -> None:
    assert engine.ok("run", "--rm", "--entrypoint", "echo", "busybox", "a", "b") == "a b"


def test_ipc_none_has_no_shared_memory(engine: Engine) -> None:
    script = "test -d /dev/shm; echo $?"
    assert engine.ok("run", "--rm", "busybox", "sh", "-c", script) == "0"
    assert engine.ok("run", "--rm", "--ipc", "none", "busybox", "sh", "-c", script) == "1"


def test_read_only_and_tmpfs(engine: Engine) -> None:
    script = "touch /x; echo $?; touch /scratch/x && df /scratch | tail -1"
    flags = ["--read-only", "--tmpfs", "/scratch:size=1m"]
    result = engine("run", "--rm", *flags, "busybox", "sh", "-c", script)
    assert b"Read-only file system" in result.err
    lines = result.out.decode().splitlines()
    assert lines[0] == "1" and lines[1].split()[1] == "1024"


def test_rootfs_runs_a_plain_directory(engine: Engine, root: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    subprocess.run(["cp", "-a", str(next(root.glob("layers/*/diff"))), str(plain)], check=True)
    engine.ok("run", "--rm", "--rootfs", str(plain), "touch", "/made")
    assert (plain / "made").exists()


def test_a_second_container_does_not_see_the_files_of_the_first(engine: Engine) -> None:
    engine.ok("run", "--name", "first", "busybox", "touch", "/mine")
    assert engine("run", "--rm", "busybox", "ls", "/mine").code == 1


def test_namespaces_of_the_host_and_of_another_container(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "other", "busybox", "sleep", "100")
    pid = engine.inspect("other")["State"]["Pid"]
    flags = ["--pid", "container:other", "--network", "container:other", "--uts", "host"]
    script = "cat /proc/1/comm; for n in net uts; do readlink /proc/self/ns/$n; done"
    lines = engine.ok("run", "--rm", *flags, "busybox", "sh", "-c", script).splitlines()
    assert lines == ["sleep", os.readlink(f"/proc/{pid}/ns/net"), os.readlink("/proc/self/ns/uts")]


def test_limits_are_the_kernels(engine: Engine) -> None:
    flags = ["--pids-limit", "20", "--ulimit", "nofile=64:128", "-m", "32m"]
    engine.ok("run", "-d", "--name", "small", *flags, "busybox", "sleep", "100")
    limits = engine.ok("exec", "small", "sh", "-c", "ulimit -n; ulimit -Hn").split()
    assert limits == ["64", "128"]
    path = f"/mini-docker/{engine.inspect('small')['Id']}"
    assert cgroups_tree.Group(path).statistics()["limit"] == 32 * 2**20
    bomb = "i=0; while [ $i -lt 50 ]; do sleep 5 & i=$((i+1)); done; echo all"
    assert b"all" not in engine("exec", "small", "sh", "-c", bomb).out


def test_a_memory_hog_is_killed_and_its_state_says_why(engine: Engine) -> None:
    hog = "x=$(head -c 100m /dev/zero | tr '\\0' x); echo survived"
    limits = ["-m", "24m", "--memory-swap", "24m"]
    result = engine("run", "--name", "hog", *limits, "busybox", "sh", "-c", hog)
    assert result.code == 137, result
    state = engine.inspect("hog")["State"]
    assert (state["OOMKilled"], state["ExitCode"], state["Status"]) == (True, 137, "exited")


def test_capabilities_are_dockers_fourteen(engine: Engine) -> None:
    status = engine.ok("run", "--rm", "busybox", "grep", "Cap", "/proc/self/status")
    sets = dict(line.split(":\t") for line in status.splitlines())
    assert sets["CapEff"] == sets["CapBnd"] == "00000000a80425fb"
    assert sets["CapInh"] == sets["CapAmb"] == "0000000000000000"


def test_no_file_of_the_caller_leaks_in(engine: Engine, tmp_path: Path) -> None:
    secret = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(secret, True)
    result = engine("run", "--rm", "busybox", "ls", "/proc/self/fd", pass_fds=[secret])
    os.close(secret)
    assert result.out.split() == [b"0", b"1", b"2", b"3"]  # 3 is the directory that ls reads


def test_fifty_at_the_same_time(engine: Engine) -> None:
    running = [engine.popen("run", "busybox", "sh", "-c", f"exit {n}") for n in range(50)]
    codes = []
    for process in running:
        process.communicate(timeout=120)
        codes.append(process.returncode)
    assert codes == list(range(50))
    names = engine.ok("ps", "-a", "--format", "{{.Names}}").split()
    assert len(set(names)) == 50
    engine.ok("rm", *names)


def test_a_detached_container_runs_on_and_is_waited_for(engine: Engine) -> None:
    started = time.monotonic()
    id = engine.ok("run", "-d", "--name", "late", "busybox", "sh", "-c", "sleep 1; exit 4")
    assert len(id) == 64 and time.monotonic() - started < 10
    assert engine.ok("wait", "late") == "4"
    assert engine.inspect("late")["State"]["ExitCode"] == 4
    assert until(lambda: engine.inspect(id[:12])["State"]["Status"] == "exited", "the end")


@pytest.mark.parametrize("flags", [(), ("--init",), ("--rm",)])
def test_a_detached_one_that_does_not_start_has_told_its_id(
    engine: Engine, flags: tuple[str, ...]
) -> None:
    result = engine("run", "-d", *flags, "busybox", "nope")
    assert result.code == 127 and b"executable file not found in $PATH" in result.err, result
    id = result.out.decode().removesuffix("\n")
    assert len(id) == 64, result
    left = engine.ok("ps", "-aq", "--no-trunc")
    assert left == ("" if "--rm" in flags else id)
    engine("run", "-d", "--restart", "moon", "busybox").refused("unknown policy", code=125)


def test_annotations_reach_the_bundle_and_linux_has_one_isolation(
    engine: Engine, root: Path
) -> None:
    flags = ("--annotation", "a.b/c=1=2", "--annotation", "bare", "--isolation", "default")
    id = engine.ok("create", *flags, "busybox")
    host = engine.inspect(id)["HostConfig"]
    assert (host["Annotations"], host["Isolation"]) == ({"a.b/c": "1=2", "bare": ""}, "default")
    config = json.loads((root / "containers" / id / "config.json").read_text())
    assert config["annotations"] == {"a.b/c": "1=2", "bare": ""}
    plain = engine.inspect(engine.ok("create", "busybox"))["HostConfig"]
    assert "Annotations" not in plain and plain["Isolation"] == ""
    engine("run", "--isolation", "hyperv", "busybox").refused("invalid isolation 'hyperv' on linux")
