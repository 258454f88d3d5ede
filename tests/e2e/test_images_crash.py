"""kill -9 and a full disk: the store stays whole, nothing half-made is listed, a repeat succeeds.

strace ends the engine at its k-th system call that changes something, for every k of a load,
of a removal and of a bootstrap; and a small tmpfs runs full at every size.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mini_docker import syscalls
from tests.e2e import archives
from tests.e2e.conftest import Engine
from tests.e2e.test_images import contents, whole

pytestmark = pytest.mark.e2e

IDS = sorted(
    archives.digest(archives.config(layers))
    for layers in ([archives.HELLO, archives.SECOND], [archives.HELLO])
)


@pytest.fixture
def own(tmp_path: Path) -> Engine:
    """The engine with a root of its own, and an archive of two images beside it."""
    (tmp_path / "two.tar").write_bytes(two())
    return Engine(tmp_path / "own")


CALLS = ("mkdir", "rename", "unlink", "unlinkat", "rmdir", "write", "mkdirat", "fchmodat", "clone3")


def killings(engine: Engine, *words: str) -> Iterator[str]:
    """Run a command again and again, killed before each of its changes; yield where, after each.

    strace counts each kind of call for itself. The caller puts everything back in between.
    The last run of each kind is not killed, and must succeed.
    """
    for call in CALLS:
        step, code = 0, -9
        while code in (-9, 137):
            step += 1
            assert step < 300, call
            inject = ["-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={step}"]
            done = subprocess.run(
                ["strace", "-f", "-qq", "-o", "/dev/null", *inject, *engine.command, *words],
                env=engine.environment,
                cwd=Path(__file__).parents[2],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=60,
                check=False,
            )
            code = done.returncode
            yield f"{call} {step}" if code in (-9, 137) else ""
        assert code == 0, done.stderr


def two() -> bytes:
    """Return an archive of two images that share a layer."""
    import json

    first, second = archives.docker(["one:1"]), archives.docker(["two:1"], [archives.HELLO])
    rows = [json.loads(it["manifest.json"])[0] for it in (first, second)]
    return archives.packed({**first, **second, "manifest.json": json.dumps(rows).encode()})


def listed(engine: Engine) -> list[str]:
    """Return the ids of what is listed, after checking that each is whole and can be verified."""
    engine.ok("image", "verify")
    found = engine.ok("images", "-aq", "--no-trunc").split()
    assert set(found) <= set(IDS)
    return found


def settle(engine: Engine, step: str) -> None:
    """Let the engine put right what a crash has left."""
    engine("system", "check", "--repair")
    assert engine("system", "check").out == b"everything is in order\n", step
    whole(engine)


def test_a_load_killed_at_every_step(own: Engine) -> None:
    words = ("load", "-i", str(own.root.parent / "two.tar"))
    seen = []
    for number, step in enumerate(killings(own, *words)):
        seen.append(len(listed(own)))
        settle(own, step)
        if number % 8 == 0:
            own.ok(*words)
            assert sorted(listed(own)) == IDS, step
        own("rmi", "-f", *IDS)
        own.ok("image", "prune", "-f")
        assert contents(own.root) == (0, 0), step
    assert len(seen) > 40 and set(seen) == {0, 1, 2}, seen


def test_a_removal_killed_at_every_step(own: Engine) -> None:
    words = ("load", "-i", str(own.root.parent / "two.tar"))
    own.ok(*words)
    steps = []
    for step in killings(own, "rmi", "one:1"):
        steps.append(step)
        assert "two:1" in own.ok("image", "verify")
        settle(own, step)
        own("rmi", "one:1")
        own.ok("image", "prune", "-f")
        assert contents(own.root) == (3, 1), step
        own.ok(*words)
    assert len([step for step in steps if step]) > 8, steps


def test_a_bootstrap_killed_at_every_step(own: Engine) -> None:
    for step in killings(own, "image", "bootstrap", "hello-world"):
        own.ok("image", "verify")
        settle(own, step)
        own("rmi", "hello-world")
        own.ok("image", "prune", "-f")
        assert contents(own.root) == (0, 0), step
    own.ok("image", "bootstrap", "hello-world")
    assert own.ok("run", "--rm", "hello-world").startswith("Hello")


ALLOWED = ("No such image: ", "Unable to find image ")


def test_loads_removals_prunes_and_runs_at_the_same_time(own: Engine) -> None:
    """Each either succeeds or finds no image; nobody takes away what another one needs."""
    archive = str(own.root.parent / "two.tar")
    jobs = [
        ("load", "-q", "-i", archive), ("load", "-q", "-i", archive), ("image", "prune", "-af"),
        ("rmi", "-f", "one:1", "two:1"), ("run", "--rm", "--pull", "never", "one:1"),
        ("run", "--rm", "--pull", "never", "two:1"), ("images",), ("system", "df"),
    ]  # fmt: skip
    end = time.monotonic() + 6
    wrong: list[str] = []
    runs: list[int] = []

    def repeat(words: tuple[str, ...]) -> None:
        while time.monotonic() < end:
            result = own(*words)
            lines = result.err.decode().splitlines()
            wrong.extend(line for line in lines if not any(it in line for it in ALLOWED))
            if words[0] == "run":
                runs.append(result.code)
                if (result.code == 0) != (b"Hello" in result.out):
                    wrong.append(repr(result))

    threads = [threading.Thread(target=repeat, args=(words,)) for words in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:5]
    assert runs
    settle(own, "in the end")
    own.ok("load", "-i", archive)
    assert sorted(listed(own)) == IDS
    own.ok("rmi", "-f", *IDS)
    own.ok("image", "prune", "-af")
    assert contents(own.root) == (0, 0)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A directory to mount something on; it is unmounted in the end."""
    place = tmp_path / "small"
    place.mkdir()
    yield place
    syscalls.umount(str(place), 2)  # MNT_DETACH


def test_a_full_disk_at_every_stage(own: Engine, small: Path, tmp_path: Path) -> None:
    """The blob, the files, the documents, the index: whatever has no room, it is said."""
    big = archives.layer(("big", os.urandom(200_000), 0o644), ("more", b"x" * 150_000, 0o600))
    files = archives.docker(["big:1"], [archives.HELLO, big])
    archive = tmp_path / "big.tar"
    archive.write_bytes(archives.packed(files))
    endings = set()
    for size in (*range(24, 1400, 96), 2000):
        syscalls.mount("tmpfs", str(small), "tmpfs", 0, f"size={size}k")
        try:
            engine = Engine(small / "root")
            result = engine("load", "-i", str(archive))
            endings.add(result.code)
            if result.code:
                result.refused("cannot", ": No space left on device", code=1)
                assert "output" not in result.err.decode()
                assert not (small / "root/oci/index.json").exists()
                assert (engine("images", "-q").out, contents_of(small / "root")) == (b"", [])
            else:
                assert "2 layers" in engine.ok("image", "verify")
        finally:
            syscalls.umount(str(small), 2)
    syscalls.mount("tmpfs", str(small), "tmpfs", 0, "size=1m")
    assert endings == {0, 1}


def contents_of(root: Path) -> list[Path]:
    """Return what is unfinished below *root*."""
    places = [root / "oci/ingest", root / "layers", root / "oci/leases"]
    return [
        path
        for place in places
        if place.exists()
        for path in place.iterdir()
        if place.name != "layers" or path.name[0] == "."
    ]


def test_a_full_disk_keeps_the_images_that_are_there(
    own: Engine, small: Path, tmp_path: Path
) -> None:
    syscalls.mount("tmpfs", str(small), "tmpfs", 0, "size=700k")
    engine = Engine(small / "root")
    engine.ok("load", "-i", str(own.root.parent / "two.tar"))
    big = archives.packed(archives.docker(["one:1"], [archives.layer(("x", bytes(10**6), 0o644))]))
    (tmp_path / "big.tar").write_bytes(big)
    engine("load", "-i", str(tmp_path / "big.tar")).refused("No space left", code=1)
    assert sorted(listed(engine)) == IDS
    filling = os.open(small / "filling", os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):  # until nothing more has room
        while os.write(filling, bytes(4096)):
            continue
    os.close(filling)
    engine("tag", "one:1", "three:1").refused("No space left", code=1)
    engine("rmi", "one:1").refused("No space left", code=1)
    assert sorted(listed(engine)) == IDS
    os.unlink(small / "filling")
    engine.ok("image", "verify")
    engine("rmi", "-f", *IDS)
    engine.ok("image", "prune", "-af")
    assert contents(engine.root) == (0, 0)
    engine.ok("load", "-i", str(own.root.parent / "two.tar"))
