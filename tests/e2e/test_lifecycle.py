"""What one does to a container that is there: exec, ps, inspect, pause, update, stats, top, rm."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from mini_docker import cgroups_tree
from tests.e2e.conftest import Engine, until

pytestmark = pytest.mark.e2e


@pytest.fixture
def web(engine: Engine) -> str:
    """A running container called web; its id."""
    flags = ["--label", "tier=front", "-e", "COLOUR=blue", "--hostname", "web-host"]
    return engine.ok("run", "-d", "--name", "web", *flags, "busybox", "sleep", "1000")


def test_exec_runs_inside(engine: Engine, web: str) -> None:
    script = "hostname; cat /proc/1/comm; echo $COLOUR $NEW; pwd; id -u; exit 6"
    flags = ["-e", "NEW=1", "-w", "/tmp", "-u", "www-data"]
    result = engine("exec", *flags, "web", "sh", "-c", script)
    assert result.out.split() == [b"web-host", b"sleep", b"blue", b"1", b"/tmp", b"33"]
    assert result.code == 6


def test_exec_is_under_the_limits_and_without_rights(engine: Engine, web: str) -> None:
    out = engine.ok("exec", "web", "sh", "-c", "cat /proc/self/cgroup; grep CapEff /proc/$$/status")
    assert "00000000a80425fb" in out
    script = "sleep 50 & cat /proc/self/stat >/dev/null; wait"
    engine.ok("exec", "-d", "web", "sh", "-c", script)
    group = cgroups_tree.Group(f"/mini-docker/{web}")
    until(lambda: len(group.processes()) >= 3, "the exec in the container's group")


def test_exec_passes_streams_and_codes(engine: Engine, web: str) -> None:
    data = bytes(range(256)) * 4000
    result = engine("exec", "-i", "web", "cat", stdin=data)
    assert (result.code, result.out) == (0, data)
    engine("exec", "web", "nope").refused("executable file not found in $PATH", code=127)
    engine("exec", "web", "").refused('exec: "": executable file not found in $PATH', code=127)
    engine("exec", "web", "/etc").refused("permission denied", code=126)
    engine("exec", "-w", "/etc/passwd", "web", "true").refused("not a directory", code=126)


def test_exec_when_the_container_ends(engine: Engine, web: str) -> None:
    with engine.popen("exec", "web", "sh", "-c", "echo up; exec sleep 1000") as process:
        assert process.stdout and process.stdout.readline() == b"up\n"
        engine.ok("kill", "web")
        assert process.wait(30) == 137
    engine("exec", "web", "true").refused("is not running", code=1)


def test_exec_while_containers_end(engine: Engine) -> None:
    """A container that exits while exec starts: one line, or the command ran."""
    for delay in range(0, 60, 4):
        script = f"usleep {delay * 1000}"
        engine.ok("run", "-d", "--name", "short", "busybox", "sh", "-c", script)
        result = engine("exec", "short", "true")
        assert result.code in (0, 1, 126, 137), result
        assert len(result.err.splitlines()) <= 1 and b"Traceback" not in result.err, result
        engine.ok("wait", "short")
        engine.ok("rm", "short")


def test_ps_shows_what_runs(engine: Engine, web: str) -> None:
    engine("run", "--name", "done", "busybox", "sh", "-c", "exit 3")
    header, row = engine.ok("ps").splitlines()
    assert header.split() == [
        "CONTAINER",
        "ID",
        *["IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"],
    ]
    assert re.match(rf'{web[:12]} +busybox +"sleep 1000" +.* ago +Up .* +web$', row)
    assert len(engine.ok("ps", "-a").splitlines()) == 3
    assert engine.ok("ps", "-aq", "--no-trunc").splitlines()[-1] == web
    pick = ["ps", "-a", "--format", "{{.Names}}:{{.Status}}"]
    assert engine.ok(*pick, "--filter", "exited=3").startswith("done:Exited (3) ")
    assert engine.ok(*pick, "-f", "label=tier=front").startswith("web:Up ")
    assert engine.ok(*pick, "-f", "status=exited", "-f", "name=web") == ""
    assert engine.ok("ps", "-q", "-f", "exited=3") == ""  # of those that run: none
    assert engine.ok("ps", "-q", "-f", "status=exited") != ""
    assert len(engine.ok("ps", "-q", "-l").split()) == 1
    assert len(engine.ok("ps", "-q", "-l", "-n", "3").split()) == 2  # a number wins
    moment = engine.ok("ps", "--format", "{{.CreatedAt}}", env={"TZ": "CET-1"})
    assert re.fullmatch(r"[\d-]{10} [\d:]{8} \+0100 CET", moment)
    engine("ps", "--filter", "colour=blue").refused("invalid filter 'colour'", code=1)


def test_inspect_has_dockers_fields(engine: Engine, web: str) -> None:
    found = engine.inspect("web")
    assert found["Id"] == web and found["Name"] == "/web"
    assert found["State"]["Running"] is True and found["State"]["Pid"] > 1
    assert found["Config"]["Labels"] == {"tier": "front"}
    assert "COLOUR=blue" in found["Config"]["Env"]
    assert found["HostConfig"]["NetworkMode"] == "none"
    pick = ["inspect", "--format"]
    assert engine.ok(*pick, "{{.State.Status}} {{json .Config.Cmd}}", "web") == (
        'running ["sleep","1000"]'
    )
    assert engine.ok(*pick, '{{index .Config.Labels "tier"}}', web[:5]) == "front"
    result = engine(*pick, "{{.Nope}}", "web")
    assert result.code != 0 and b'no entry for key "Nope"' in result.err, result
    assert engine("inspect", "web", "missing").code == 1


def test_pause_stops_and_unpause_continues(engine: Engine, web: str) -> None:
    ticks = "i=0; while :; do i=$((i+1)); echo $i >/ticks; done"
    engine.ok("exec", "-d", "web", "sh", "-c", ticks)
    file = Path(engine.inspect("web")["GraphDriver"]["Data"]["UpperDir"]) / "ticks"
    until(lambda: file.exists() and file.read_text(), "the first tick")
    engine.ok("pause", "web")
    assert engine.inspect("web")["State"]["Status"] == "paused"
    group = cgroups_tree.Group(f"/mini-docker/{web}")
    before = group.statistics()["cpu"]
    engine("exec", "web", "true").refused("is paused", code=1)
    assert engine("pause", "web").code == 1
    assert group.statistics()["cpu"] == before
    engine.ok("unpause", "web")
    until(lambda: group.statistics()["cpu"] > before, "going on")
    engine.ok("pause", "web")
    engine.ok("rm", "-f", "web")


def test_update_changes_a_running_container(engine: Engine, web: str) -> None:
    engine.ok("update", "-m", "40m", "--memory-swap", "80m", "--pids-limit", "30", "web")
    group = cgroups_tree.Group(f"/mini-docker/{web}")
    assert group.statistics()["limit"] == 40 * 2**20
    assert engine.inspect("web")["HostConfig"]["Memory"] == 40 * 2**20
    engine.ok("update", "-m", "160m", "--memory-swap", "320m", "web")
    assert group.statistics()["limit"] == 160 * 2**20
    engine.ok("update", "-m", "20m", "--memory-swap", "40m", "web")
    assert group.statistics()["limit"] == 20 * 2**20
    result = engine("update", "-m", "1m", "web")
    assert result.code == 1 and b"6MB" in result.err
    assert engine.inspect("web")["HostConfig"]["Memory"] == 20 * 2**20


def test_stats_counts(engine: Engine, web: str) -> None:
    engine.ok("exec", "-d", "web", "sh", "-c", "while :; do :; done")
    form = "{{.Name}} {{.CPUPerc}} {{.PIDs}} {{.MemUsage}}"
    name, cpu, pids, used, _, limit = engine.ok("stats", "--no-stream", "--format", form).split()
    assert (name, pids) == ("web", "2")
    assert 20 < float(cpu.rstrip("%")) < 130
    assert used != "0B" and limit.endswith("GiB")


def test_stats_goes_on_until_interrupted(engine: Engine, web: str) -> None:
    with engine.popen("stats", "--format", "{{.Name}}") as process:
        assert process.stdout
        assert [process.stdout.readline() for _ in range(2)] == [b"web\n"] * 2
        process.send_signal(signal.SIGINT)
        assert process.wait(10) in (0, 130)


def test_top_shows_the_hosts_view(engine: Engine, web: str) -> None:
    header, row = engine.ok("top", "web").splitlines()
    assert "PID" in header.split() and row.endswith("sleep 1000")
    pid = engine.inspect("web")["State"]["Pid"]
    assert engine.ok("top", "web", "-o", "pid,comm").splitlines()[1].split() == [str(pid), "sleep"]


def test_kill_sends_the_signal_asked_for(engine: Engine) -> None:
    script = "trap 'exit 11' USR1; echo up; while :; do sleep 0.1; done"
    engine.ok("run", "-d", "--name", "trap", "busybox", "sh", "-c", script)
    until(lambda: engine.ok("logs", "trap") == "up", "the trap")
    engine.ok("kill", "-s", "SIGUSR1", "trap")
    assert engine.ok("wait", "trap") == "11"
    result = engine("kill", "trap")
    assert result.code == 1 and b"is not running" in result.err


def test_kill_returns_once_the_container_has_ended(engine: Engine) -> None:
    for number in range(5):
        engine.ok("run", "-d", "--name", f"brief{number}", "busybox", "sleep", "100")
        engine.ok("kill", f"brief{number}")
        engine.ok("rm", f"brief{number}")


def test_rm_refuses_what_runs_and_force_does_not(engine: Engine, web: str) -> None:
    result = engine("rm", "web")
    assert result.code == 1 and b"container is running" in result.err
    assert engine.ok("rm", "-f", "web") == "web"
    assert engine("inspect", "web").code == 1


def test_wait_gets_the_code_of_a_container_with_rm(engine: Engine) -> None:
    engine.ok("run", "-d", "--rm", "--name", "brief", "busybox", "sh", "-c", "sleep 1; exit 9")
    assert engine.ok("wait", "brief") == "9"
    until(lambda: engine.ok("ps", "-aq") == "", "its removal")


def test_images_info_and_version(engine: Engine) -> None:
    header, row = engine.ok("images").splitlines()
    assert header.split()[:2] == ["REPOSITORY", "TAG"] and row.split()[:2] == ["busybox", "latest"]
    assert engine.ok("version", "--format", "{{.Client.Os}}") == "linux"
    facts = json.loads(engine.ok("info", "--format", "json"))
    assert facts["CgroupVersion"] in ("1", "2") and facts["Images"] == 1
