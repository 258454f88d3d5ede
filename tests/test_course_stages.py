"""The engine works end to end at every stage: labs 1 to k done, the rest locked, for each k."""

from __future__ import annotations

import glob
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pexpect  # type: ignore[import-untyped]
import pytest

from course import machine, pretend_registry, stages, table
from course.table import Lab
from mini_docker import swap
from mini_docker.cli import commands, options
from mini_docker.errors import MiniDockerError

LABS = table.labs()
STAGES = range(LABS[-1].number + 1)
UNLOCKED = [(lab, it) for lab in LABS for it in lab.unlocks]
VALUES = ("1", "32m", "x", "/x", "a:1", "/dev/null:1m", "/dev/null:1", "a=1", "c 1:3 r", "net.x=1",
          "stdin")  # fmt: skip
BUSYBOX = "/usr/bin/busybox"
at_every_stage = pytest.mark.parametrize("stage", STAGES)


class Engine:
    """mini-docker at one stage, with a root of its own."""

    def __init__(self, stage: int, folder: Path, environment: dict[str, str]) -> None:
        self.stage = stage
        self.state = folder / "state"
        self.environment = environment | {"PYTHONPATH": str(table.REPO)}
        self.rootfs = "/"  # until lab 3 there is no other
        if stage >= 3:
            self.rootfs = str(rootfs(folder / "box"))

    def command(self, *words: str) -> list[str]:
        """Return the whole command line of *words*."""
        return [sys.executable, "-m", "mini_docker", "--root", str(self.state), *words]

    def __call__(
        self, *words: str, status: int | None = None, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*words),
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if status is not None:
            assert done.returncode == status, f"{words}: {done.stdout}{done.stderr}"
        return done

    def run(
        self, *words: str, status: int = 0, flags: tuple[str, ...] = (), stdin: str = ""
    ) -> str:
        """Run *words* in a new container and return what it prints."""
        command = ("run", "--rm", *flags, "--rootfs", self.rootfs, *words)
        return self(*command, status=status, stdin=stdin).stdout.strip()

    def state_of(self, name: str, field: str) -> str:
        """Return one field of what inspect says about container *name*."""
        return self("inspect", "--format", f"{{{{.{field}}}}}", name, status=0).stdout.strip()

    def refuses(self, lab: int, *words: str) -> None:
        """Check that *words* name the missing lab, in one line, and end with an error."""
        done = self(*words)
        assert done.returncode in (1, 125), done
        assert re.fullmatch(rf"mini-docker: .*needs lab {lab}, .*\n", done.stderr), done.stderr


def until(true: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Wait until *true* says so; fail after *seconds*."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)


def rootfs(folder: Path) -> Path:
    """Make a root file system with nothing but busybox in it."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/busybox").write_bytes(Path(BUSYBOX).read_bytes())
    (folder / "bin/busybox").chmod(0o755)
    for name in ("sh", "ls", "cat", "hostname", "sleep", "touch", "head", "tail", "echo"):
        (folder / "bin" / name).symlink_to("busybox")
    for name in ("proc", "sys", "dev", "tmp", "etc"):
        (folder / name).mkdir()
    return folder


@pytest.fixture
def engine(stage: int, tmp_path: Path) -> Iterator[Engine]:
    with stages.at_stage(stage) as environment:
        it = Engine(stage, tmp_path, environment)
        yield it
        ids = it("ps", "-aq", "--no-trunc").stdout.split()
        for name in ids:
            it("rm", "-f", name, status=0)
        # Others' groups come and go meanwhile: glob passes over what is gone, Path.glob does not.
        every = (glob.glob(f"/sys/fs/cgroup/**/{name}", recursive=True) for name in ids)
        assert not [path for found in every for path in found]


@pytest.mark.parametrize(("lab", "what"), UNLOCKED, ids=[it for _, it in UNLOCKED])
def test_what_a_lab_unlocks_exists_and_names_the_lab_until_then(
    lab: Lab, what: str, tmp_path: Path
) -> None:
    name, _, flag = what.partition(" --")
    command = commands.load(name).COMMAND
    flags = {it.name: it for it in command.flags}
    assert not flag or flag in flags
    words = [f"--{flag}{value(command, flag)}"] if flag else []
    operands = ["x"] * max(command.minimum, int(command.maximum != 0))
    with stages.at_stage(lab.number - 1) as environment:
        Engine(lab.number - 1, tmp_path, environment).refuses(lab.number, name, *words, *operands)


def value(command: options.Command, flag: str) -> str:
    """Return "=VALUE" with one that *flag* accepts, or "" if it takes none."""
    for text in ("", *(f"={value}" for value in VALUES)):
        try:
            options.parse(command, [f"--{flag}{text}", *["x"] * max(command.minimum, 1)])
            return text
        except MiniDockerError:
            continue
    raise AssertionError(f"--{flag}: none of {VALUES} is a value for it")


def test_every_module_of_the_engine_can_be_loaded_while_all_labs_are_locked() -> None:
    own = [table.REPO / "mini_docker", *(lab.engine for lab in LABS)]
    files = [it for it in own[0].rglob("*.py") if it not in own and it.stem[:2] != "__"]
    names = [".".join(it.relative_to(table.REPO).with_suffix("").parts) for it in files]
    script = "import importlib, sys\nfor it in sys.argv[1:]: importlib.import_module(it)"
    with stages.at_stage(0) as environment:
        environment["PYTHONPATH"] = str(table.REPO)
        command = [sys.executable, "-c", script, *names]
        done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert len(names) > 100 and done.returncode == 0, done.stderr


@pytest.mark.root
@at_every_stage
def test_stage_what_needs_no_lab_works_from_the_start(engine: Engine) -> None:
    for words in ("ps", "-a"), ("images",), ("version",), ("info",), ("inspect", "x"), ("rm", "x"):
        done = engine(*words)
        assert "lab" not in done.stderr and "bug" not in done.stderr, done.stderr
        assert done.returncode == (1 if words[-1] == "x" else 0), done
    engine("image", "bootstrap", "busybox", status=0)


@pytest.mark.root
@at_every_stage
def test_stage_1_exit_codes_and_signals_are_right(engine: Engine) -> None:
    if engine.stage < 1:
        engine.refuses(1, "run", "--rootfs", "/", "true")
        return
    assert engine.run("sh", "-c", "echo out; exit 7", status=7) == "out"
    engine.run("sh", "-c", "kill -KILL $$", status=137, flags=("--init",))
    engine.run("no-such-program", status=127)
    engine.run("/etc", status=126)
    assert engine.run("sh", "-c", "sleep 0 & exit 3", status=3, flags=("--init",)) == ""


@pytest.mark.root
@at_every_stage
def test_stage_1_a_detached_container_lives_and_is_removed(engine: Engine) -> None:
    if engine.stage < 1:
        return engine.refuses(1, "run", "-d", "--rootfs", "/", "true")
    sleep = ("--rootfs", engine.rootfs, "sleep", "1000")
    number = engine("run", "-d", "--name", "box", *sleep, status=0).stdout.strip()
    assert number.startswith(engine("ps", "-q", status=0).stdout.strip())
    status = engine("inspect", "--format", "{{.State.Status}}", "box", status=0).stdout
    assert status == "running\n"
    engine("kill", "box", status=0)
    assert engine("wait", "box", status=0).stdout == "137\n"
    engine("rm", "box", status=0)
    assert engine("ps", "-aq", status=0).stdout == ""


@pytest.mark.root
@at_every_stage
def test_stage_2_a_container_has_a_name_and_pids_of_its_own(engine: Engine) -> None:
    if engine.stage < 1:
        return
    alone = engine.run("sh", "-c", "echo $$") == "1"
    assert alone == (engine.stage >= 2)
    if engine.stage < 2:
        return engine.refuses(2, "run", "--hostname", "box", "--rootfs", "/", "hostname")
    assert engine.run("hostname", flags=("--hostname", "box")) == "box"
    engine("run", "-d", "--name", "box", "--rootfs", engine.rootfs, "sleep", "1000", status=0)
    assert engine("exec", "box", "sh", "-c", "echo in; exit 4", status=4).stdout == "in\n"
    assert "sleep 1000" in engine("top", "box", status=0).stdout


@pytest.mark.root
@at_every_stage
def test_stage_3_a_container_has_a_root_of_its_own(engine: Engine, tmp_path: Path) -> None:
    if engine.stage < 1:
        return
    if engine.stage < 3:
        engine.refuses(3, "run", "--rm", "--rootfs", str(rootfs(tmp_path / "x")), "ls", "/")
        assert str(os.getpid()) in os.listdir("/proc")
        return
    assert engine.run("ls", "/").split() == ["bin", "dev", "etc", "proc", "sys", "tmp"]
    assert engine.run("sh", "-c", "echo /proc/[0-9]*") == "/proc/1"
    engine.run("touch", "/new", status=1, flags=("--read-only",))
    engine.run("touch", "/tmp/new", flags=("--read-only", "--tmpfs", "/tmp"))


def limits(engine: Engine) -> None:
    """Check that limits hold, and that what they need can be said and seen."""
    flags = ("--memory", "32m", "--memory-swap", "32m")
    engine.run("sh", "-c", "head -c 200m /dev/zero | tail", status=137, flags=flags)
    sleep = ("--rootfs", engine.rootfs, "sleep", "1000")
    engine("run", "-d", "--name", "box", "--memory", "64m", *sleep, status=0)
    assert "64MiB" in engine("stats", "--no-stream", "box", status=0).stdout
    engine("update", "--memory", "48m", "--memory-swap", "48m", "box", status=0)
    assert "48MiB" in engine("stats", "--no-stream", "box", status=0).stdout
    engine("pause", "box", status=0)
    status = engine("inspect", "--format", "{{.State.Status}}", "box", status=0).stdout
    assert status == "paused\n"
    engine("unpause", "box", status=0)
    assert engine("exec", "box", "echo", "on", status=0).stdout == "on\n"


@pytest.mark.root
@at_every_stage
def test_stage_4_limits_hold(engine: Engine) -> None:
    if engine.stage < 1:
        return
    if engine.stage < 4:
        return engine.refuses(4, "run", "--memory", "32m", "--rootfs", "/", "true")
    limits(engine)


@pytest.mark.vm
@pytest.mark.needs("cgroup-v2")
@pytest.mark.parametrize("stage", [4])
def test_stage_4_limits_hold_on_cgroup_v2(engine: Engine) -> None:
    limits(engine)


@pytest.mark.root
@at_every_stage
def test_stage_5_a_container_has_its_own_users(engine: Engine) -> None:
    if engine.stage < 1:
        return
    ids = ("sh", "-c", "while read key rest; do case $key in Uid:|Groups:) echo $rest;; esac; done"
           " </proc/self/status")  # fmt: skip
    if engine.stage < 5:
        # The step is left out: the process stays root, also where an image names a user.
        assert engine.run(*ids).split("\n")[0] == "0 0 0 0"
        return engine.refuses(5, "run", "--user", "1", "--rootfs", "/", "true")
    Path(engine.rootfs, "etc/passwd").write_text("web:x:33:44::/tmp:/bin/sh\n")
    Path(engine.rootfs, "etc/group").write_text("staff:x:50:web\n")
    assert engine.run(*ids, flags=("--user", "web")).split("\n") == ["33 33 33 33", "44 50"]
    assert engine.run("sh", "-c", "echo $HOME", flags=("--user", "web")) == "/tmp"
    engine.run("true", status=125, flags=("--user", "nobody"))
    flags = ("--user", "1:2", "--group-add", "7")
    assert engine.run(*ids, flags=flags).split("\n") == ["1 1 1 1", "2 7"]


@pytest.mark.root
@at_every_stage
def test_stage_6_root_in_a_container_is_not_root_of_the_machine(engine: Engine) -> None:
    if engine.stage < 1:
        return
    read = ("sh", "-c", "while read key bits; do case $key in CapBnd:) echo $bits;; esac; done"
            " </proc/self/status")  # fmt: skip
    ceiling = Path("/proc/self/status").read_text().partition("CapBnd:\t")[2].split()[0]
    if engine.stage < 6:
        assert engine.run(*read) == ceiling
        for flag in ("--cap-add=CHOWN", "--privileged", "--security-opt=no-new-privileges"):
            engine.refuses(6, "run", flag, "--rootfs", "/", "true")
        return
    fourteen = 0xA80425FB & int(ceiling, 16)
    assert engine.run(*read) == f"{fourteen:016x}"
    assert engine.run(*read, flags=("--cap-drop", "ALL", "--cap-add", "chown")) == f"{1:016x}"
    assert engine.run(*read, flags=("--privileged",)) == ceiling
    engine.run("true", status=125, flags=("--cap-add", "x"))


@pytest.mark.root
@at_every_stage
def test_stage_7_a_container_may_not_make_every_call(engine: Engine, tmp_path: Path) -> None:
    if engine.stage < 1:
        return
    mode = ("sh", "-c", "while read key it; do case $key in Seccomp:) echo $it;; esac; done"
            " </proc/self/status")  # fmt: skip
    if engine.stage < 7:
        assert engine.run(*mode) == "0"
        asked = ("--security-opt=seccomp=unconfined", "--rootfs", "/", "true")
        return engine.refuses(6 if engine.stage < 6 else 7, "run", *asked)
    assert engine.run(*mode) == "2"
    assert engine.run(*mode, flags=("--security-opt", "seccomp=unconfined")) == "0"
    refusal = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}
    profile = tmp_path / "profile.json"
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [refusal]}))
    make = ("/bin/busybox", "mkdir", "/made")
    engine.run(*make, status=1, flags=("--security-opt", f"seccomp={profile}"))
    engine.run(*make)
    profile.write_text('{"defaultAction": "SCMP_ACT_ALOW"}')
    engine.run("true", status=125, flags=("--security-opt", f"seccomp={profile}"))


@pytest.mark.root
@at_every_stage
def test_stage_8_an_image_is_a_stack_of_layers(engine: Engine, tmp_path: Path) -> None:
    if engine.stage < 3:
        return
    engine("image", "bootstrap", "busybox", status=0)
    make = ("--name", "box", "busybox", "sh", "-c", "echo two > /two; rm /etc/group")
    if engine.stage < 8:
        # One layer is an overlay as any other mount. Of more, made by the whole engine, it says so.
        engine("run", *make, status=0)
        for words in ("diff", "box"), ("commit", "box"), ("export", "box"), ("import", "-"):
            engine.refuses(8, *words)
        whole = Engine(engine.stage, tmp_path / "whole", os.environ | {"MINI_DOCKER_PROGRESS": ""})
        whole.state = engine.state
        whole("commit", "box", "two", status=0)
        return engine.refuses(8, "run", "--rm", "two", "true")
    engine("run", *make, status=0)
    lines = engine("diff", "box", status=0).stdout.splitlines()
    assert lines == ["C /etc", "D /etc/group", "A /two"]
    engine("commit", "box", "two", status=0)
    assert engine("run", "--rm", "two", "cat", "/two", status=0).stdout == "two\n"
    assert engine("run", "--rm", "two", "ls", "/etc", status=0).stdout.count("group") == 0
    archive = tmp_path / "tree.tar"
    engine("export", "-o", str(archive), "box", status=0)
    engine("import", str(archive), "flat", status=0)
    assert engine("run", "--rm", "flat", "cat", "/two", status=0).stdout == "two\n"


@pytest.mark.root
@at_every_stage
def test_stage_9_images_have_names(engine: Engine, tmp_path: Path) -> None:
    if engine.stage < 3:
        return
    engine("image", "bootstrap", "busybox", status=0)
    # What is there before the lab needs names too: the engine lends itself its own module.
    whole = "docker.io/library/busybox:latest"
    assert engine("run", "--rm", whole, "echo", "on", status=0).stdout == "on\n"
    assert engine("run", "--rm", "-e", "A=1", "busybox", "env", status=0).stdout.count("PATH=") == 1
    assert engine("inspect", "--format", "{{.Config.Cmd}}", "busybox", status=0).stdout == "[sh]\n"
    entrypoint = ("run", "--rm", "--entrypoint", "echo", "busybox", "it")
    if engine.stage < 9:
        for words in ("tag", "busybox", "me/box:1"), ("rmi", "busybox"), ("history", "busybox"):
            engine.refuses(9, *words)
        return engine.refuses(9, *entrypoint)
    assert engine(*entrypoint, status=0).stdout == "it\n"
    engine("tag", "busybox", "localhost:5000/me/box:1", status=0)
    archive = str(tmp_path / "box.tar")
    engine("save", "-o", archive, "localhost:5000/me/box:1", status=0)
    assert "Deleted" not in engine("rmi", "busybox", status=0).stdout
    assert "Deleted" in engine("rmi", "localhost:5000/me/box:1", status=0).stdout
    said = engine("load", "-i", archive, status=0).stdout
    assert said == "Loaded image: localhost:5000/me/box:1\n"
    assert "bootstrap" in engine("history", "localhost:5000/me/box:1", status=0).stdout
    engine("image", "verify", status=0)


@pytest.mark.root
@at_every_stage
def test_stage_10_images_come_from_a_registry_and_go_to_one(engine: Engine, tmp_path: Path) -> None:
    if engine.stage < 3:
        return
    engine("image", "bootstrap", "busybox", status=0)
    with pretend_registry.served(str(tmp_path / "registry")) as base:
        name = f"{base.removeprefix('http://')}/team/box"
        if engine.stage < 10:
            for words in ("pull", name), ("push", name), ("search", name), ("login", name):
                engine.refuses(10, *words)
            engine.refuses(10, "run", "--pull", "always", name, "true")
            done = engine("run", "--rm", name, "true", status=125)
            assert re.search(r"\nmini-docker: .*needs lab 10, .*\n$", done.stderr), done.stderr
            return
        engine("tag", "busybox", f"{name}:1", status=0)
        assert "1: digest: sha256:" in engine("push", f"{name}:1", status=0).stdout
        engine("rmi", f"{name}:1", "busybox", status=0)
        assert engine("run", "--rm", f"{name}:1", "echo", "back", status=0).stdout == "back\n"
        assert "up to date" in engine("pull", f"{name}:1", status=0).stdout
        assert name in engine("search", name.replace("team/", ""), status=0).stdout
        blob = next(it for it in (tmp_path / "registry/blobs/sha256").iterdir()
                    if it.stat().st_size > 100_000)  # fmt: skip
        blob.write_bytes(b"X" + blob.read_bytes()[1:])
        engine("rmi", f"{name}:1", status=0)
        done = engine("pull", f"{name}:1", status=1)
        assert "lies" in done.stderr and done.stderr.count("\n") == 1, done.stderr
        assert name not in engine("images", status=0).stdout


@pytest.mark.root
@at_every_stage
def test_stage_11_an_image_is_built_from_a_file(engine: Engine, tmp_path: Path) -> None:
    if engine.stage < 3:
        return
    context = tmp_path / "context"
    context.mkdir()
    (context / "note").write_text("one\n")
    (context / "secret").write_text("password\n")
    (context / ".dockerignore").write_text("secret\n")
    (context / "Dockerfile").write_text(
        'FROM busybox\nARG word=two\nCOPY . /in/\nRUN echo $word >> /in/note\nCMD ["ls", "/in"]\n'
    )
    build = ("build", "-t", "mine", str(context))
    engine("image", "bootstrap", "busybox", status=0)
    if engine.stage < 11:
        return engine.refuses(11, *build)
    assert "Using cache" not in engine(*build, status=0).stdout
    assert engine("run", "--rm", "mine", status=0).stdout == "Dockerfile\nnote\n"
    assert engine("run", "--rm", "mine", "cat", "/in/note", status=0).stdout == "one\ntwo\n"
    before = engine("inspect", "--format", "{{.Id}}", "mine", status=0).stdout
    (context / "secret").write_text("another\n")
    assert engine(*build, status=0).stdout.count("Using cache") == 4
    assert engine("inspect", "--format", "{{.Id}}", "mine", status=0).stdout == before
    (context / "Dockerfile").write_text("FROM busybox\nRUN exit 3\n")
    engine(*build, status=3)


@pytest.mark.root
@at_every_stage
def test_stage_12_streams_have_another_end(engine: Engine) -> None:
    if engine.stage < 1:
        return
    box = ("--name", "box", "--rootfs", engine.rootfs)
    if engine.stage < 12:
        for words in ("attach", "x"), ("logs", "x"), ("exec", "-t", "x", "true"):
            engine.refuses(12 if engine.stage >= 2 or words[0] != "exec" else 2, *words)
        for flag in ("-i", "-t", "-it"):
            engine.refuses(12, "run", flag, "--rootfs", "/", "true")
        # What a detached container writes goes to a file, as it is.
        engine("run", "-d", *box, "sh", "-c", "echo out; echo err >&2", status=0)
        assert engine("wait", "box", status=0).stdout == "0\n"
        file = next((engine.state / "containers").glob("*/output.log"))
        assert file.read_text() == "out\nerr\n"
        if engine.stage >= 2:
            engine("run", "-d", "--rootfs", engine.rootfs, "--name", "two", "sleep", "99", status=0)
            assert engine("exec", "-i", "two", "cat", stdin="in", status=0).stdout == "in"
        return
    assert engine.run("cat", flags=("-i",), stdin="typed\n") == "typed"
    assert engine.run("cat", stdin="typed\n") == ""
    ask = ("sh", "-c", "test -t 1 && echo a terminal")
    assert engine.run(*ask, status=1) == ""
    assert engine.run(*ask, flags=("-t",)) == "a terminal"
    engine("run", "-d", *box, "sh", "-c", "echo out; echo err >&2; exec sleep 1000", status=0)
    until(lambda: engine("logs", "box", status=0).stderr == "err\n", "the log has the last line")
    assert engine("logs", "box", status=0).stdout == "out\n"
    assert engine("exec", "-t", "box", *ask[:2], "test -t 0; echo $?", status=0).stdout == "0\n"


@pytest.mark.root
@pytest.mark.parametrize("stage", [it for it in STAGES if it >= 12])
def test_stage_12_a_terminal_is_left_and_found_again(engine: Engine) -> None:
    engine("run", "-dit", "--name", "box", "--rootfs", engine.rootfs, "sh", status=0)
    for line, answer in (("echo $((40 + 2))\r", "42"), ("exit 5\r", None)):
        command, *words = engine.command("attach", "box")
        screen = pexpect.spawn(command, words, env=engine.environment, timeout=30)
        try:
            screen.send(line)
            if answer:
                screen.expect_exact(f"\r\n{answer}\r\n")
                screen.send("\x10\x11")
                screen.expect_exact("read escape sequence")
            screen.expect(pexpect.EOF)
        finally:
            screen.close()
        assert screen.exitstatus == (1 if answer else 5)
        assert engine.state_of("box", "State.Running") == str(bool(answer)).lower()


LIFE = [("create", "--rootfs", "/", "true"), ("container prune", "-f"), ("system prune", "-f")]
LIFE += [("rename", "x", "y"), ("events",), *((verb, "x") for verb in ("start", "stop", "restart"))]


@pytest.mark.root
@at_every_stage
def test_stage_13_a_container_has_a_life(engine: Engine) -> None:
    if engine.stage < 1:
        return
    if engine.stage < 13:
        for words in *LIFE, ("run", "--restart", "always", "--rootfs", "/", "true"):
            engine.refuses(13, *words)
        return
    began = str(time.time() - 1)

    def says(lines: str) -> bool:
        return engine("logs", "box", status=0).stdout == lines

    script = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done"
    engine("create", "--name", "box", "--rootfs", engine.rootfs, "sh", "-c", script, status=0)
    assert engine.state_of("box", "State.Status") == "created"
    for lines, verb in ("ready\n", "start"), ("ready\nready\n", "restart"):
        engine(verb, "box", status=0)
        until(partial(says, lines), "it is ready")
        assert engine.state_of("box", "State.Status") == "running"
    engine("rename", "box", "old", status=0)
    engine("stop", "-t", "30", "old", status=0)
    assert engine.state_of("old", "State.ExitCode") == "7"
    engine("container prune", "-f", status=0)
    assert engine("ps", "-aq", status=0).stdout == ""
    said = engine("events", "--since", began, "--until", str(time.time()), status=0).stdout
    happened = re.findall(r" container (\w+) ", said)
    for event in ("create", "start", "restart", "stop", "die", "rename", "destroy"):
        assert event in happened, said


@pytest.mark.root
@at_every_stage
def test_stage_13_a_container_comes_back_and_its_health_is_known(
    engine: Engine, tmp_path: Path
) -> None:
    if engine.stage < 3:
        return
    config = ["HEALTHCHECK --interval=100ms CMD true", 'CMD ["sleep", "1000"]']
    engine("image", "bootstrap", "busybox", status=0)
    if engine.stage < 8:
        return
    whole = Engine(engine.stage, tmp_path / "whole", os.environ | {"MINI_DOCKER_PROGRESS": ""})
    whole.state = engine.state
    changes = [word for line in config for word in ("--change", line)]
    whole("create", "--name", "ground", "busybox", status=0)
    whole("commit", *changes, "ground", "checked", status=0)
    engine("run", "-d", "--name", "fit", "checked", status=0)
    if engine.stage < 13:
        # Nobody looks at it, and nobody says that somebody will.
        assert "Health" not in json.loads(engine("inspect", "fit", status=0).stdout)[0]["State"]
        return
    until(lambda: engine.state_of("fit", "State.Health.Status") == "healthy", "healthy")
    box = ("run", "-d", "--name", "box", "--restart", "on-failure:2", "busybox", "sh", "-c")
    engine(*box, "exit 3", status=0)
    until(lambda: engine.state_of("box", "State.Status") == "exited", "it has given up")
    assert engine.state_of("box", "RestartCount") == "2"
    assert engine.state_of("box", "State.ExitCode") == "3"


@pytest.mark.root
@at_every_stage
def test_stage_info_shows_whose_modules_run(engine: Engine) -> None:
    said = engine("info", status=0).stdout
    for lab in LABS:
        state = "borrowed" if lab.number <= engine.stage else "locked"
        assert re.search(rf"{lab.topic}.*{state}|{state}.*{lab.topic}", said), said


BROKEN = [
    ("processes", "spawn", "    reader, report = os.pipe()", "    reader, report = os.pipe"),
    ("processes", "spawn", "def spawn(", "def spawn(("),
    ("processes", "execute", "    name = argv[0]", "    name = argv[0].gone"),
    ("namespaces", "create", "    flags = 0", "    flags = zero"),
    ("rootfs", "pivot", "        os.chdir(root)", "        os.chdir(root, 1)"),
    ("rootfs", "hide", "    for path in masked:", "    for path in masked():"),
    ("users", "find", "    name = name or", "    name = nam or"),
    ("users", "become", "            os.setgroups(groups)", "            os.setgroups(group)"),
    ("seccomp", "search", "    middle = len(steps)", "    middle = len(step)"),
    ("seccomp", "install", "    bits = 0", "    bits = zero"),
    ("capabilities", "compute", "    if privileged:", "    if privilege:"),
    ("capabilities", "bound", "    for number in range(MOST):", "    for number in MOST:"),
    ("builder", "parse", "    found, at = Dockerfile(", "    found, at = Dockerfiles("),
    ("builder", "key", "    hashed = hashlib.sha256()", "    hashed = hashlib.sha()"),
    ("builder", "Ignore.matches", "        ignored = False", "        ignored = false"),
    ("streams", "open_terminal", "    what = f", "    what = g"),
    ("streams", "take_terminal", "ioctl(slave, TIOCSCTTY, 0)", "ioctl(slave, TIOCSCTTY, slaves)"),
    ("lifecycle", "move", "def move(state: str", "def move(status: str"),
    ("lifecycle", "stop", "def stop(process: int", "def stop(processes: int"),
    pytest.param(
        *("cgroups", "create", "    group = root", "    group = root.gone"), marks=pytest.mark.vm
    ),
]
RUN = ("run", "--rm", "--rootfs", "{root}")
# What needs the topic, where that is not every container.
USED = {
    "builder": ("build", "-q", "{context}"),
    "open_terminal": (*RUN[:2], "-t", *RUN[2:], "echo"),
    "take_terminal": (*RUN[:2], "-t", *RUN[2:], "echo"),
    "move": ("rm", "box"),
    "stop": ("stop", "-t", "0", "box"),
}


def passed(lab: Lab, folder: Path) -> tuple[Path, Engine]:
    """Return a student's copy of *lab*, which has passed as it is, and an engine that uses it."""
    work = folder / "work"
    copy = work / lab.folder / f"{lab.topic}.py"
    copy.parent.mkdir(parents=True)
    copy.write_text(lab.engine.read_text())
    noted = stages.progress_for(stages.last())
    noted["topics"][lab.topic] = {"begun": True, "passed": swap.fingerprint(str(copy))}
    (work / "progress.json").write_text(json.dumps(noted))
    environment = os.environ | {"MINI_DOCKER_PROGRESS": str(work / "progress.json")}
    return copy, Engine(stages.last(), folder, environment)


@pytest.mark.root
@pytest.mark.parametrize(("topic", "task", "right", "wrong"), BROKEN)
def test_a_module_broken_after_it_passed_stops_the_engine_with_lab_and_task(
    topic: str, task: str, right: str, wrong: str, tmp_path: Path
) -> None:
    lab = next(lab for lab in LABS if lab.topic == topic)
    if topic == "cgroups" and machine.missing("cgroup-v2"):
        pytest.skip(f"needs cgroup-v2: {machine.missing('cgroup-v2')}")
    copy, engine = passed(lab, tmp_path)
    assert engine.run("echo", "yours") == "yours"
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY work /work\n")
    (tmp_path / ".dockerignore").write_text("box\nstate\n")
    engine("run", "-d", "--name", "box", "--rootfs", engine.rootfs, "sleep", "1000", status=0)
    text = copy.read_text()
    assert right in text
    copy.write_text(text.replace(right, wrong, 1))
    words = USED.get(task) or USED.get(topic) or (*RUN, "echo", "broken")
    words = tuple(it.format(root=engine.rootfs, context=tmp_path) for it in words)
    done = engine(*words, stdin="typed")
    engine.environment["MINI_DOCKER_PROGRESS"] = ""
    engine("rm", "-f", "box", status=0)
    number = next(it.number for it in lab.tasks if it.name == task)
    assert done.returncode == 125 and done.stdout == ""
    assert re.fullmatch(
        rf"mini-docker: .*lab {lab.number}, task {number} \({task}\): {copy}:\d+: .*\n", done.stderr
    ), done.stderr


@pytest.mark.root
@pytest.mark.parametrize(
    ("topic", "right", "wrong", "named"),
    [
        ("streams", "def entries(text: bytes", "def entries(texts: bytes", "'text' is not"),
        ("lifecycle", "    health: Mapping", "    state: Mapping", r"lab 13, task 4 \(judge\)"),
    ],
)
def test_a_function_that_breaks_in_a_monitor_is_told_where_its_work_is_missed(
    topic: str, right: str, wrong: str, named: str, tmp_path: Path
) -> None:
    copy, engine = passed(next(lab for lab in LABS if lab.topic == topic), tmp_path)
    text = copy.read_text()
    assert right in text
    copy.write_text(text.replace(right, wrong, 1))
    check = ("--health-cmd", "true", "--health-interval", "100ms", "--rootfs", engine.rootfs)
    engine("run", "-d", "--name", "box", *check, "sh", "-c", "echo on; exec sleep 1000", status=0)

    def told() -> bool:
        log = engine("inspect", "--format", "{{json .State.Health.Log}}", "box", status=0).stdout
        return bool(re.search(named, log + engine("logs", "box", status=0).stderr))

    until(told, f"somebody says {named}")
    assert engine.state_of("box", "State.Running") == "true"
    engine("kill", "box", status=0)
    assert engine("wait", "box", status=0).stdout == "137\n"
    engine("rm", "box", status=0)
