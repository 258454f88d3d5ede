"""kill -9, Ctrl-C and a full disk in any step of a build: no container, no mount, no half image.

strace ends the engine at its k-th system call that changes something; a small tmpfs runs full
at every size. Afterwards the same build succeeds, and the store is whole.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mini_docker import syscalls
from tests.e2e.builds import config, written
from tests.e2e.conftest import Engine, until
from tests.e2e.test_images import whole
from tests.e2e.test_images_crash import small

pytestmark = pytest.mark.e2e
__all__ = ["small"]  # a fixture

REPO = Path(__file__).parents[2]
DOCKERFILE = """\
FROM busybox
RUN echo made >/made
COPY file /dir/
ENV a=b
"""
CALLS = (  # that change something, in the engine and its children
    *("mkdir", "rename", "write", "unlink", "rmdir", "symlink", "mount", "clone3", "mkdirat"),
    *("unlinkat", "openat2", "chmod", "flock"),
)
MOST = 4  # moments of each call at which a build is killed


@pytest.fixture
def own(tmp_path: Path) -> Engine:
    """The engine with a root of its own and busybox, and a context beside it."""
    engine = Engine(tmp_path / "own")
    engine.ok("image", "bootstrap", "busybox")
    written(tmp_path / "context", {"Dockerfile": DOCKERFILE, "file": "content\n"})
    return engine


def context(engine: Engine) -> str:
    return str(engine.root.parent / "context")


def settled(engine: Engine, step: str) -> None:
    """Check that nothing is left, once the engine has put right what a kill has left."""
    repaired = engine("system", "check", "--repair")
    check = engine("system", "check")
    assert check.out == b"everything is in order\n", (step, repaired, check)
    whole(engine)
    root = engine.root
    assert not list((root / "containers").iterdir()), step
    assert not list((root / "run").iterdir()), step
    contexts = root / "build/contexts"
    assert not contexts.exists() or not list(contexts.iterdir()), step
    mounts = Path("/proc/self/mountinfo").read_text()
    assert str(root) not in mounts, step
    ours = str(root).encode()
    until(lambda: not [it for it in commands() if ours in it], f"{step}: a process is left")


def commands() -> Iterator[bytes]:
    """Yield the command lines of all processes."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue


def traced(own: Engine, call: str, name: str, *flags: str) -> subprocess.CompletedProcess[bytes]:
    """Build *name* under strace, which has *flags*."""
    strace = ["strace", "-f", "-qq", "-e", f"trace={call}", *flags]
    return subprocess.run(
        [*strace, *own.command, "build", "--no-cache", "-q", "-t", name, context(own)],
        env=own.environment,
        cwd=REPO,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )


def moments(own: Engine, call: str) -> list[int]:
    """Return the numbers of the calls, in one process, to be killed at: the first, the last, ..."""
    trace = own.root.parent / "trace"
    assert traced(own, call, "counted", "-o", str(trace)).returncode == 0
    made: dict[str, int] = {}
    for line in trace.read_text().splitlines():
        if f" {call}(" in line:
            made[line.split()[0]] = made.get(line.split()[0], 0) + 1
    assert made, f"a build does not call {call} any more"
    last = max(made.values())
    return sorted({1 + round(part * (last - 1) / (MOST - 1)) for part in range(MOST)})


@pytest.mark.parametrize("call", CALLS)
def test_a_build_killed_at_a_step(own: Engine, call: str) -> None:
    """Afterwards nothing is left, and what the name stands for is whole, or was never made.

    strace counts the calls of each process for itself: the one that makes the most of them is
    killed at MOST moments, and so is any other that comes as far.
    """
    killed = 0
    for step in moments(own, call):
        inject = f"inject={call}:signal=KILL:when={step}"
        done = traced(own, call, f"killed{step}", "-o", "/dev/null", "-e", inject)
        # Where a child of ours was killed, the build says so, or goes on without it.
        assert done.returncode in (0, 1, 125, 137, -9), (call, step, done)
        killed += done.returncode != 0
        names = own.ok("images", "--format", "{{.Repository}}").split()
        assert done.returncode or f"killed{step}" in names
        settled(own, f"{call} {step}: {done.returncode} {done.stderr!r}")
    assert killed, f"{call}: nothing was killed"
    own.ok("image", "verify")
    id = own.ok("build", "-q", "-t", "after", context(own))
    assert own.ok("run", "--rm", "after", "cat", "/made", "/dir/file") == "made\ncontent"
    assert config(own, "after")["Id"] == id


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_a_signal_in_the_middle_of_a_step(own: Engine, number: int, tmp_path: Path) -> None:
    flag = tmp_path / "context/begun"
    mount = "--mount=type=bind,rw=true,target=/c,source=."
    text = f"FROM busybox\nUSER 7\nRUN {mount} echo begun; exec sleep 7331\n"
    written(tmp_path / "context", {"Dockerfile": text})
    with own.popen("build", context(own), start_new_session=True) as process:
        assert process.stdout
        while (line := process.stdout.readline()) != b"begun\n":
            assert line, process.stderr and process.stderr.read()
        os.kill(process.pid, number)
        process.communicate(timeout=20)
    wanted = -9 if number == signal.SIGKILL else 128 + number
    assert process.returncode == wanted
    # Its command has ended with it, and the next one of ours clears away what is left.
    until(lambda: b"sleep\x007331\x00" not in list(commands()), "the command of the step lives on")
    settled(own, f"signal {number}")
    assert own.ok("images", "-aq").count("\n") == 1, "busybox, and that with a USER"
    assert not flag.exists()


def half() -> bytes:
    """Return the first half of an archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        row = tarfile.TarInfo("big")
        row.size = 10**7
        file.addfile(row, io.BytesIO(bytes(row.size)))
    return out.getvalue()[: 5 * 10**6]


def test_ctrl_c_while_an_import_comes(own: Engine) -> None:
    """The thread that reads ahead does not turn the end into an abort."""
    with own.popen("import", "-") as process:
        assert process.stdin and process.stderr
        process.stdin.write(half())
        process.stdin.flush()
        until(lambda: list(own.root.glob("layers/.making*/diff/big")), "something is unpacked")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130
        assert process.stderr.read() == b""
        process.stdin.close()
    settled(own, "import")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_while_the_context_comes(own: Engine, number: int) -> None:
    """What was unpacked goes at once, or with the next build."""
    with own.popen("build", "-", start_new_session=True) as process:
        assert process.stdin
        process.stdin.write(half())
        process.stdin.flush()
        contexts = own.root / "build/contexts"
        until(lambda: list(contexts.glob("*/big")), "something is unpacked")
        os.kill(process.pid, number)
        assert process.wait(timeout=20) == (-9 if number == signal.SIGKILL else 128 + number)
        process.stdin.close()
    if number == signal.SIGKILL:
        assert b"belongs to no build" in own("system", "check").out
        own.ok("build", "-q", context(own))
    assert not list(contexts.iterdir())
    settled(own, f"signal {number}")


def test_ctrl_c_at_the_terminal_reaches_the_whole_group(own: Engine, tmp_path: Path) -> None:
    text = "FROM busybox AS a\nRUN echo begun; sleep 1000\nFROM busybox\nCOPY --from=a / /x\n"
    written(tmp_path / "context", {"Dockerfile": text})
    with own.popen("build", context(own), start_new_session=True) as process:
        assert process.stdout
        while (line := process.stdout.readline()) != b"begun\n":
            assert line
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130 and b"Traceback" not in err, err
    settled(own, "Ctrl-C")


def test_ctrl_c_while_nobody_reads_the_output(own: Engine, tmp_path: Path) -> None:
    """Who writes it is held up, and must not hold up the end."""
    text = "FROM busybox\nRUN echo begun; yes\nFROM busybox\nCOPY --from=0 / /x\n"
    written(tmp_path / "context", {"Dockerfile": text})
    with own.popen("build", context(own), start_new_session=True) as process:
        assert process.stdout and process.stderr
        while (line := process.stdout.readline()) != b"begun\n":
            assert line
        time.sleep(0.5)  # the pipe is full
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130
        assert process.stderr.read() == b""
    settled(own, "Ctrl-C")


def test_the_third_signal_ends_it_on_the_spot(own: Engine, tmp_path: Path) -> None:
    text = "FROM busybox\nRUN echo begun; yes\n"
    written(tmp_path / "context", {"Dockerfile": text})
    with own.popen("build", context(own), start_new_session=True) as process:
        assert process.stdout
        while (line := process.stdout.readline()) != b"begun\n":
            assert line
        time.sleep(0.5)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            os.kill(process.pid, number)
            time.sleep(0.1)
        assert process.wait(timeout=10) == 130
    own.ok("ps", "-a")
    settled(own, "three signals")


def test_ctrl_c_at_any_moment_ends_it(own: Engine, tmp_path: Path) -> None:
    """Also before its threads have begun, and twice: no lock is held by who was interrupted."""
    text = "FROM busybox AS a\nRUN sleep 1000\nFROM busybox\nRUN sleep 1000\n"
    written(tmp_path / "context", {"Dockerfile": f"{text}COPY --from=a / /x\n"})
    for step in range(16):
        with own.popen("build", context(own), start_new_session=True) as process:
            time.sleep(0.02 * step)
            os.killpg(process.pid, signal.SIGINT)
            if step % 2:
                os.killpg(process.pid, signal.SIGINT)
            _, err = process.communicate(timeout=20)
        # While Python itself begins there is no handler, and a traceback of its own.
        assert process.returncode in (130, -2), (step, err)
    settled(own, "Ctrl-C")


def test_two_builds_of_one_tag_at_the_same_time(own: Engine, tmp_path: Path) -> None:
    """Both succeed; the name is that of one of them, whole, and the other stays untagged."""
    folders = []
    for number in range(4):
        text = f"FROM busybox\nRUN echo {number} >/n; sleep 0.{number}\nRUN cat /n >/m\n"
        folders.append(written(tmp_path / f"c{number}", {"Dockerfile": text}))
    for _ in range(3):
        processes = [
            own.popen("build", "--no-cache", "-q", "-t", "same", str(folder)) for folder in folders
        ]
        ids = []
        for process in processes:
            out, err = process.communicate(timeout=100)
            assert process.returncode == 0, err
            ids.append(out.decode().strip())
        assert len(set(ids)) == 4
        assert config(own, "same")["Id"] in ids
        assert own.ok("run", "--rm", "same", "cat", "/n", "/m") in [f"{n}\n{n}" for n in range(4)]
        for number, id in enumerate(ids):
            assert own.ok("run", "--rm", id, "cat", "/m") == str(number)
    settled(own, "in the end")


def test_the_same_build_twice_at_the_same_time(own: Engine) -> None:
    processes = [own.popen("build", "-q", "-t", "same", context(own)) for _ in range(4)]
    for process in processes:
        _, err = process.communicate(timeout=100)
        assert process.returncode == 0, err
    assert own.ok("run", "--rm", "same", "cat", "/made") == "made"
    settled(own, "in the end")


def test_builds_prunes_and_removals_at_the_same_time(own: Engine, tmp_path: Path) -> None:
    """A build either succeeds, with an image that is whole, or says in a line why not."""
    end = time.monotonic() + 5
    wrong: list[str] = []
    good: list[str] = []

    def repeat(*words: str) -> None:
        while time.monotonic() < end:
            result = own(*words)
            lines = result.err.decode().splitlines()
            if b"Traceback" in result.err or any("this is a bug" in line for line in lines):
                wrong.append(repr(result))
            if words[0] == "build" and result.code == 0:
                good.append(result.out.decode().strip())
            elif words[0] == "build" and "busybox" not in result.err.decode():
                wrong.append(repr(result))

    jobs = [
        ("build", "-q", "-t", "one", context(own)),
        ("build", "-q", "--no-cache", "-t", "two", context(own)),
        ("image", "prune", "-f"),
        ("builder", "prune", "-af"),
        ("rmi", "-f", "one", "two"),
        ("system", "df"),
    ]
    threads = [threading.Thread(target=repeat, args=words) for words in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:3]
    assert len(good) > 2
    settled(own, "in the end")
    own.ok("build", "-q", context(own))


def test_a_full_disk_at_every_stage(own: Engine, small: Path, tmp_path: Path) -> None:
    """Whatever has no room, it is said in a line, and what was there before stays usable."""
    big = os.urandom(300_000)
    text = "FROM busybox\nCOPY big /\nRUN cat /big >/copy\nRUN echo done >/done\n"
    folder = written(tmp_path / "big", {"Dockerfile": text, "big": big})
    own.ok("save", "-o", str(tmp_path / "box.tar"), "busybox")
    endings = set()
    for size in (*range(3000, 4700, 170), 8000):
        syscalls.mount("tmpfs", str(small), "tmpfs", 0, f"size={size}k")
        try:
            engine = Engine(small / "root")
            if engine("load", "-i", str(tmp_path / "box.tar")).code:
                continue  # no room for that either
            before = engine.ok("images", "-aq").split()
            result = engine("build", "-t", "full", str(folder))
            endings.add(result.code)
            assert b"Traceback" not in result.err and b"bug" not in result.err, result
            if result.code:
                assert b"No space left on device" in result.err + result.out, result
                assert "full" not in engine.ok("images", "--format", "{{.Repository}}").split()
            assert set(before) <= set(engine.ok("images", "-aq").split())
            repaired = engine("system", "check", "--repair")
            check = engine("system", "check")
            assert check.out == b"everything is in order\n", (size, repaired, check)
            engine.ok("image", "verify")
            assert not list((small / "root/containers").iterdir())
        finally:
            syscalls.umount(str(small), 2)
    syscalls.mount("tmpfs", str(small), "tmpfs", 0, "size=1m")
    assert 0 in endings and len(endings) > 1, endings
