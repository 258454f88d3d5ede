"""What surrounds a command: closed streams, umask, links to the root, a full output."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Engine, Result

pytestmark = pytest.mark.e2e


def shell(engine: Engine, script: str, *words: str) -> Result:
    """Run *words* of the engine where the shell *script* has "$@"."""
    done = subprocess.run(
        ["sh", "-c", script, "sh", *engine.command, *words],
        cwd=Path(__file__).parents[2],
        env=engine.environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Result(words, done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("closing", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_dev_null(engine: Engine, closing: str) -> None:
    words = ("run", "-i", "--name", "closed", "busybox", "sh", "-c", "cat && echo done")
    result = shell(engine, f'exec </dev/null; "$@" {closing}', *words)
    assert result.code == 0 and result.err == b"", result
    assert result.out == (b"" if ">&- " in f"{closing} ".replace("2>&-", "") else b"done\n"), result
    assert shell(engine, f'"$@" {closing}', "ps", "-a").code == 0
    assert shell(engine, f'"$@" {closing}', "inspect", "closed").code == 0


@pytest.mark.parametrize("words", [["version"], ["ps"], ["inspect", "busybox"]])
def test_a_full_output_is_one_line(engine: Engine, words: list[str]) -> None:
    shell(engine, '"$@" >/dev/full', *words).refused("output", "No space left", code=1)


def test_the_callers_umask_is_not_the_containers(engine: Engine, tmp_path: Path) -> None:
    engine.root = tmp_path / "strict"
    engine.command[-1] = str(engine.root)
    assert shell(engine, 'umask 077; "$@"', "image", "bootstrap", "busybox").code == 0
    words = ("run", "--rm", "-u", "nobody", "busybox", "cat", "/etc/hostname", "/etc/passwd")
    result = shell(engine, 'umask 077; "$@"', *words)
    assert result.code == 0 and b"nobody:x:65534" in result.out, result
    open_to_all = Engine(tmp_path / "open")
    shell(open_to_all, 'umask 0; "$@"', "system", "check")
    assert open_to_all.root.stat().st_mode & 0o022 == 0


def test_a_root_behind_a_link_is_the_same_root(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(engine.root)
    engine.ok("run", "-d", "--name", "linked", "busybox", "sleep", "1000")
    linked = Engine(tmp_path / "link")
    assert linked.ok("exec", "linked", "echo", "here") == "here"
    linked.ok("kill", "linked")
    assert linked.ok("wait", "linked") == "137"


def test_nothing_is_made_where_a_file_or_an_option_is_refused(engine: Engine) -> None:
    engine("run", "--cidfile", "/no/such/id", "busybox", "true").refused("/no/such/id")
    engine("run", "--cgroup-parent", "../up", "busybox", "true").refused("../up")
    engine("run", "--tmpfs", "/x:bind", "busybox", "true").refused("tmpfs option", "bind")
    assert engine.ok("ps", "-aq") == ""


def test_a_cidfile_without_a_container_is_not_left(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "id"
    engine.ok("run", "--name", "taken", "--cidfile", str(file), "busybox", "true")
    assert file.read_text() == engine.inspect("taken")["Id"]
    file.unlink()
    engine("run", "--name", "taken", "--cidfile", str(file), "busybox", "true").refused("in use")
    assert not file.exists()


def test_a_message_does_not_steer_the_terminal(engine: Engine) -> None:
    result = engine("run", "--rm", "busybox", "\x1b[31mred\r")
    result.refused("\\x1b[31mred\\r", code=127)


def test_an_image_whose_files_are_gone_is_named_and_can_be_made_again(
    engine: Engine, tmp_path: Path
) -> None:
    own = Engine(tmp_path / "own")
    own.ok("image", "bootstrap", "busybox")
    (files,) = (own.root / "layers").glob("*/diff")
    shutil.rmtree(files)
    own("run", "--rm", "busybox", "true").refused("busybox:latest", f"{files} is missing")
    assert "made" in own.ok("image", "bootstrap", "busybox")
    assert own.ok("run", "--rm", "busybox", "echo", "whole") == "whole"


def test_shared_memory_of_another_container_and_nothing_behind_a_link(engine: Engine) -> None:
    """/dev/shm -> /etc in one container must not show the host's /etc to the other."""
    engine.ok("run", "-d", "--name", "honest", "busybox", "sleep", "1000")
    engine.ok("run", "--rm", "--ipc", "container:honest", "busybox", "touch", "/dev/shm/seen")
    assert engine.ok("exec", "honest", "ls", "/dev/shm") == "seen"
    engine.ok("run", "-d", "--name", "sly", "--tmpfs", "/dev", "busybox", "sleep", "1000")
    engine.ok("exec", "sly", "sh", "-c", "ln -s /etc /dev/shm; >/etc/sly")
    result = engine("run", "--rm", "--ipc", "container:sly", "busybox", "ls", "/dev/shm")
    assert result.code == 125 or b"sly\n" in result.out, result  # never the host's
