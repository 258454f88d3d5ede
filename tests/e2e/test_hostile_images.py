"""Images and roots that are traps: links, pipes and other files in the wrong places.

The engine mounts, writes and reads at places of a root that somebody else has filled. Nothing
it does may reach a file outside, and nothing may wait for ever.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e import hostile
from tests.e2e.conftest import REPO, Engine, Result

pytestmark = pytest.mark.e2e

MOUNTED = ("proc", "sys", "dev", "dev/pts", "dev/shm", "dev/mqueue", "sys/fs/cgroup")
FILES = ("etc", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/passwd", "etc/group")
# What holds for every container that starts, whatever its root: the kernel's own files, masked.
WHOLE = (
    "for path in /proc/sys/kernel/core_pattern /proc/irq/default_smp_affinity /sys/kernel/mm/x;"
    " do ! (: >>$path) 2>/dev/null || echo $path is open; done;"
    " test -c /dev/null && ! test -s /proc/keys && test -d /proc/self/fd && echo whole"
)
LINKED_MASK = """from mini_docker import rootfs, spec, container, container_root
defaults, cover = spec.default_mounts, rootfs._cover
spec.default_mounts = lambda *words: [m for m in defaults(*words) if "/dev" not in m["destination"]]
def from_image(target, source, *rest):
    cover(target, {!r} if source == "/dev/null" else source, *rest)
rootfs._cover = from_image
container_root._protect = lambda *words, **more: None"""


@pytest.fixture
def files(engine: Engine, tmp_path: Path) -> Path:
    """A root of busybox's files, for the test to spoil."""
    return hostile.copy_tree(hostile.busybox(engine), tmp_path / "root")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory of the host's that looks like a root; nothing may ever change in it."""
    for name in (*MOUNTED, "etc"):
        (tmp_path / "outside" / name).mkdir(parents=True, exist_ok=True)
    for name in FILES[1:]:
        (tmp_path / "outside" / name).write_text(f"the host's {name}\n")
    (tmp_path / "outside/etc/passwd").write_text("outsider:x:4711:4711::/:/bin/sh\n")
    return tmp_path / "outside"


def snapshot(directory: Path) -> list[tuple[str, int, bytes]]:
    """Return the names, the times and the contents of all that is in *directory*."""
    found = []
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        text = path.read_bytes() if path.is_file() else b""
        found.append((str(path), status.st_mtime_ns, text))
    return found


def remove(path: Path) -> None:
    """Remove *path*, whatever it is."""
    subprocess.run(["rm", "-rf", str(path)], check=True)


def held(result: Result) -> None:
    """Demand that a container was refused in one line, or is whole."""
    if result.code == 0:
        assert result.out == b"whole\n", result
    else:
        result.refused(code=result.code)
        assert result.code in (125, 126, 127), result


def link(path: Path, outside: Path, name: str) -> None:
    path.symlink_to(outside / name)


def climb(path: Path, outside: Path, name: str) -> None:
    path.symlink_to("../" * 40 + str(outside / name).lstrip("/"))


def circle(path: Path, outside: Path, name: str) -> None:
    del outside
    path.symlink_to(f"/{name}")


def magic(path: Path, outside: Path, name: str) -> None:
    del outside, name
    path.symlink_to("/proc/self/cwd")


def pipe(path: Path, outside: Path, name: str) -> None:
    del outside, name
    os.mkfifo(path)


def swapped(path: Path, outside: Path, name: str) -> None:
    """A file in the place of a directory, and the reverse."""
    if (outside / name).is_dir():
        path.write_text("")
    else:
        path.mkdir()


@pytest.mark.parametrize("trap", [link, climb, circle, magic, pipe, swapped])
def test_what_the_engine_mounts_and_writes_stays_inside(
    engine: Engine, files: Path, outside: Path, trap: Callable[[Path, Path, str], None]
) -> None:
    before = snapshot(outside)
    words = ("-u", "0:0", "--rootfs", str(files), "/bin/sh", "-c", WHOLE)
    for name in (*MOUNTED, *FILES):
        kept = hostile.copy_tree(files, files.with_name("kept"))
        (files / name).parent.mkdir(parents=True, exist_ok=True)
        remove(files / name)
        trap(files / name, outside, name)
        held(engine("run", "--rm", *words))
        assert snapshot(outside) == before, name
        remove(files)
        kept.rename(files)


def test_a_user_is_looked_up_in_no_file_outside(engine: Engine, files: Path, outside: Path) -> None:
    words = ("run", "--rm", "-u", "outsider", "--rootfs", str(files), "/bin/id", "-u")
    for trap in (link, climb, magic, pipe, swapped):
        remove(files / "etc/passwd")
        trap(files / "etc/passwd", outside, "etc/passwd")
        engine(*words).refused("outsider", code=125)
    remove(files / "etc/passwd")
    (files / "etc/passwd").write_bytes((outside / "etc/passwd").read_bytes())
    assert engine.ok(*words) == "4711"


def test_masks_are_the_hosts_null_and_no_link_of_the_image(engine: Engine, files: Path) -> None:
    """CVE-2025-31133: the image's /dev/null leads to a file of the kernel's.

    CVE-2025-52565 does the same with /dev/console and /dev/pts.
    """
    pattern = "/proc/sys/kernel/core_pattern"
    for name in ("null", "console", "pts", "zero", "tty", "ptmx", "fd", "core"):
        remove(files / "dev" / name)
        (files / "dev" / name).symlink_to(pattern)
    words = ["run", "--rm", "--rootfs", str(files), "sh", "-c"]
    script = f": >>/proc/keys && cmp /proc/keys {pattern} && echo open"
    weak = hostile.weakened(engine, LINKED_MASK.format(str(files / "dev/null")))
    assert weak(*words, script).out == b"open\n"
    assert engine(*words, script).out == b""
    assert engine.ok(*words, WHOLE) == "whole"
    kinds = engine.ok(*words, "stat -c '%n %F %t:%T' /dev/null /dev/zero /dev/tty; ls /dev/pts")
    assert kinds.split("\n")[:2] == [
        "/dev/null character special file 1:3",
        "/dev/zero character special file 1:5",
    ]


def test_the_engines_own_writes_below_proc_are_not_redirected(engine: Engine, files: Path) -> None:
    """CVE-2025-52881: oom_score_adj would be written where a link or a mount leads."""
    remove(files / "proc")
    decoy = files / "decoy/self/oom_score_adj"
    decoy.parent.mkdir(parents=True)
    decoy.write_text("untouched")
    (files / "proc").symlink_to("/decoy")
    words = ["--oom-score-adj", "7", "--rootfs", str(files), "cat", "/proc/self/oom_score_adj"]
    engine("run", "--rm", *words).refused("/proc", code=125)
    (files / "proc").unlink()
    (files / "decoy").rename(files / "proc")
    assert engine.ok("run", "--rm", *words) == "7"
    assert (files / "proc/self/oom_score_adj").read_text() == "untouched"


def test_the_engine_loads_no_module_of_the_image(
    engine: Engine, files: Path, tmp_path: Path
) -> None:
    """The child is Python until it execs: an import in there would run the image's code."""
    evil = "import os; os.write(2, b'the code of the image'); os._exit(0)"
    library = Path(os.__file__).parent
    places = [str(REPO / "mini_docker"), str(library), str(library / "encodings"), "/"]
    names = [path.name for path in (REPO / "mini_docker").glob("*.py")]
    names += ["traceback.py", "linecache.py", "tokenize.py", "idna.py", "signal.py", "enum.py"]
    for place in places:
        (files / place.lstrip("/")).mkdir(parents=True, exist_ok=True)
        for name in names:
            (files / place.lstrip("/") / name).write_text(evil)
    for words in (["/none"], ["-u", "nobody-here", "true"], ["-w", "/bin/sh", "true"], ["/etc"]):
        at = len(words) - 1
        flags = [*words[:at], "--rootfs", str(files), *words[at:]]
        result = engine("run", "--rm", *flags)
        result.refused(code=result.code)
        assert result.code in (125, 126, 127) and b"the code" not in result.err, result


def test_a_tree_that_changes_while_a_container_starts(
    engine: Engine, files: Path, outside: Path
) -> None:
    """CVE-2021-30465, CVE-2024-45310: a directory becomes a link between look and use."""
    (files / "spot").mkdir()
    (files / "link").symlink_to(outside)
    program = (
        "import ctypes, sys\nswap = ctypes.CDLL(None).renameat2\n"
        "while True: swap(-100, sys.argv[1].encode(), -100, sys.argv[2].encode(), 2)"
    )
    before = snapshot(outside)
    words = [hostile.PYTHON, "-ISc", program, str(files / "spot"), str(files / "link")]
    with subprocess.Popen(words) as swapper:
        try:
            for number in range(8):
                flags = ["--tmpfs", f"/spot/etc/deep-{number}", "-w", f"/spot/dev/shm/{number}"]
                held(engine("run", "--rm", *flags, "--rootfs", str(files), "sh", "-c", WHOLE))
        finally:
            swapper.kill()
    assert snapshot(outside) == before
