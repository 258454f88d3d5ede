"""Bad input: one line that says what is wrong, the right exit code, and nothing changed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mini_docker import syscalls
from tests.e2e.conftest import Engine, until

pytestmark = pytest.mark.e2e

REFUSED = [
    (["run", "--memroy", "1g", "busybox"], ["--memroy", "--memory"]),
    (["run", "-m", "many", "busybox"], ["many"]),
    (["run", "-m", "1m", "busybox", "true"], ["6MB"]),
    (["run", "-m", "64m", "--memory-swap", "32m", "busybox", "true"], ["memoryswap"]),
    (["run", "--cpus", "10000", "busybox", "true"], ["CPUs"]),
    (["run", "--cpus=-1", "busybox", "true"], ["0.01"]),
    (["run", "--pids-limit", "x", "busybox", "true"], ["x"]),
    (["run", "--blkio-weight", "5", "busybox", "true"], ["10 to 1000"]),
    (["run", "--cpuset-cpus", "5-2", "busybox", "true"], ["5-2"]),
    (["run", "--ulimit", "nofile=9:3", "busybox", "true"], ["9"]),
    (["run", "--name", "-x", "busybox", "true"], ["-x"]),
    (["run", "--name", "a b", "busybox", "true"], ["a b"]),
    (["run", "--network", "moon", "busybox", "true"], ["moon"]),
    (["run", "--pid", "container:nobody", "busybox", "true"], ["nobody"]),
    (["run", "--rootfs", "/no/such/dir", "true"], ["/no/such/dir"]),
    (["run", "--hostname", "x" * 70, "busybox", "true"], ["64"]),
    (["run", "-w", "relative", "busybox", "true"], ["relative"]),
    (["run", "--device-read-bps", "/dev/null:1m", "busybox", "true"], ["/dev/null"]),
    (["run", "-u", "nobody-here", "busybox", "true"], ["nobody-here"]),
    (["run", "--env-file", "/no/such/file", "busybox", "true"], ["/no/such/file"]),
    (["run", "Bad//Reference", "true"], ["Bad//Reference"]),
    (["run", "--tmpfs", "relative", "busybox", "true"], ["relative"]),
    (["run", "-v", "/a:/b", "busybox", "sh"], ["--volume", "chapter 17"]),
    (["create", "-v", "/a:/b", "busybox", "sh"], ["--volume", "chapter 17"]),
    (["create", "--gpus", "all", "busybox", "sh"], ["--gpus", "chapter 17"]),
]
CODE_1 = [
    (["rnu", "busybox"], ["rnu", "run"]),
    (["network", "ls"], ["chapter 15"]),
    (["build"], ["requires exactly 1 argument"]),
    (["build", "/no/such/dir"], ["unable to prepare context", "/no/such/dir"]),
    (["run", "-it", "busybox", "sh"], ["the input device is not a TTY"]),
    (["image", "inspekt"], ["did you mean 'image inspect'", "'mini-docker image --help'"]),
    (["exec", "nobody-here", "true"], ["No such container", "nobody-here"]),
    (["exec", "nobody-here"], ["requires at least 2 arguments"]),
    (["run"], ["requires at least 1 argument"]),
    (["tag", "busybox", "Bad"], ["must be lowercase"]),
]


@pytest.mark.parametrize(("words", "parts"), REFUSED, ids=[" ".join(w)[:40] for w, _ in REFUSED])
def test_one_line_and_nothing_changed(engine: Engine, words: list[str], parts: list[str]) -> None:
    engine(*words).refused(*parts)
    assert all("reated" in line for line in engine.ok("ps", "-a").splitlines()[1:])


@pytest.mark.parametrize(("words", "parts"), CODE_1, ids=[" ".join(w)[:40] for w, _ in CODE_1])
def test_what_docker_ends_with_1_for(engine: Engine, words: list[str], parts: list[str]) -> None:
    engine(*words).refused(*parts, code=1)


def test_an_unknown_flag_is_125_for_every_command(engine: Engine) -> None:
    for name in ("ps", "tag", "exec", "inspect", "image prune", "container ls"):
        engine(*name.split(), "--nonsense").refused("unknown flag: --nonsense")


def test_the_long_forms_do_what_the_short_ones_do(engine: Engine) -> None:
    engine.ok("container", "run", "-d", "--name", "box", "busybox", "sleep", "100")
    assert engine.ok("container", "exec", "box", "echo", "hi") == "hi"
    assert engine.ok("container", "ls", "-q") == engine.ok("ps", "-q")
    assert engine.ok("container", "inspect", "-f", "{{.Name}}", "box") == "/box"
    result = engine("container", "inspect", "busybox")
    assert result.code == 1 and b"No such container: busybox" in result.err
    engine.ok("container", "remove", "-f", "box")
    for words in (("image",), ("image", "--help"), ("help", "image"), ("--help", "image")):
        shown = engine.ok(*words)
        assert shown.startswith("Usage:  mini-docker image COMMAND\n"), words
        for name in ("bootstrap", "history", "import", "inspect", "ls", "prune", "rm", "tag"):
            assert f"\n  {name} " in shown, (words, name)
    assert "\n  df " in engine.ok("system") and "\n  exec " in engine.ok("container")
    assert engine.ok("help", "image", "rm") == engine.ok("rmi", "--help")
    engine("help", "nonsense").refused("'nonsense' is not a mini-docker command", code=1)


def test_a_name_in_use(engine: Engine) -> None:
    id = engine.ok("run", "-d", "--name", "taken", "busybox", "sleep", "100")
    engine("run", "--name", "taken", "busybox", "true").refused('"/taken"', id)


def test_an_ambiguous_prefix(engine: Engine) -> None:
    ids: list[str] = []
    while len({id[0] for id in ids}) == len(ids):
        ids.append(engine.ok("run", "-d", "busybox", "true"))
    double = next(id[0] for id in ids if [i[0] for i in ids].count(id[0]) > 1)
    result = engine("inspect", "--type", "container", double)
    assert result.code == 1 and b"multiple IDs found with provided prefix" in result.err
    assert engine.inspect(ids[0])["Id"] == ids[0]


def test_a_working_directory_that_is_a_file(engine: Engine) -> None:
    result = engine("run", "--rm", "-w", "/etc/passwd", "busybox", "true")
    assert result.code in (125, 126) and b"/etc/passwd" in result.err
    assert b"directory" in result.err and len(result.err.splitlines()) == 1


def test_a_broken_state_file_is_named_and_the_rest_goes_on(engine: Engine, root: Path) -> None:
    engine.ok("run", "-d", "--name", "good", "busybox", "sleep", "100")
    bad = engine.ok("run", "-d", "--name", "bad", "busybox", "true")
    engine.ok("wait", "bad")
    state = root / "containers" / bad / "state.json"
    for broken in ("{", "[]", "{}", "", '{"Status": 3}', "\0" * 100):
        state.write_text(broken)
        result = engine("ps", "--format", "{{.Names}}")
        assert result.out == b"good\n" and result.code == 1, (broken, result)
        assert bad.encode() in result.err and len(result.err.splitlines()) == 1, (broken, result)
        for words in (["inspect", "bad"], ["rm", "bad"], ["exec", "bad", "true"]):
            told = engine(*words)
            assert b"state.json" in told.err and len(told.err.splitlines()) == 1, (broken, told)
        assert bad[:12].encode() in engine("system", "check", "--repair").out
    engine.ok("rm", "-f", "bad")
    assert engine.ok("ps", "-a", "--format", "{{.Names}}") == "good"


def test_a_full_disk(engine: Engine, root: Path, tmp_path: Path) -> None:
    """With no space left for state: one line, and a later command finds nothing half made."""
    small = tmp_path / "small"
    small.mkdir()
    syscalls.mount("tmpfs", str(small), "tmpfs", 0, "size=4m")
    try:
        full = Engine(small)
        full.ok("image", "bootstrap", "busybox")
        subprocess.run(["sh", "-c", f"yes >{small}/fill"], stderr=subprocess.DEVNULL, check=False)
        result = full("run", "--rm", "busybox", "true")
        assert result.code == 125 and b"No space left" in result.err, result
        assert len(result.err.splitlines()) == 1
        (small / "fill").unlink()
        assert full("system", "check", "--repair").code == 0
        assert full("system", "check").out == b"everything is in order\n"
        assert list((small / "containers").iterdir()) == []
        full.ok("run", "--rm", "busybox", "true")
    finally:
        until(lambda: _unmount(small), "the small disk's release")


def _unmount(path: Path) -> bool:
    try:
        syscalls.umount(str(path))
    except OSError:
        return False
    return True
