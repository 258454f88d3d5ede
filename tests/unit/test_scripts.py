"""The scripts, as a shell sees them: what they refuse, what they leave alone, where they look."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
NEEDS_MACHINE = ["setup", "demo", "test"]
STUDENT = 54321

Answer = subprocess.CompletedProcess[str]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with what the scripts read, no more, in a folder with a blank in its name."""
    clone = tmp_path / "my clone"
    shutil.copytree(REPO / "scripts", clone / "scripts")
    shutil.copy(REPO / "pyproject.toml", clone)
    (clone / "requirements.txt").write_text("# nothing to fetch\n")
    package = clone / "mini_docker" / "cli"
    package.mkdir(parents=True)
    (clone / "mini_docker" / "__init__.py").touch()
    (package / "__init__.py").touch()
    for file in (REPO / "mini_docker").glob("startup*.py"):
        shutil.copy(file, clone / "mini_docker")
    (package / "main.py").write_text(
        "import sys\n\n\ndef main():\n"
        "    print(sys.argv[1:], sys.flags.isolated, sys.flags.no_site)\n    return 7\n"
    )
    return clone


def run(script: Path, *words: str, fakes: Path | None = None) -> Answer:
    """Run *script* from a folder that is none of its business; programs of *fakes* come first."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    return subprocess.run(
        [script, *words],
        cwd="/",
        env={**os.environ, "PATH": f"{fakes}:{path}" if fakes else path},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )


def fake(folder: Path, name: str, body: str) -> Path:
    """Put a program *name* that does *body* into *folder*/bin."""
    folder = folder / "fakes"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)
    return folder


def files(folder: Path) -> set[str]:
    """Name everything under *folder*."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def refused(answer: Answer, *words: str) -> None:
    """Check that a script said no in one line that has all the *words*, and said nothing else."""
    assert answer.returncode == 1, answer
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1, answer.stderr
    for word in words:
        assert word in answer.stderr


@pytest.mark.parametrize("name", NEEDS_MACHINE)
def test_another_system_is_refused_in_one_line(clone: Path, tmp_path: Path, name: str) -> None:
    before = files(clone)
    fakes = fake(tmp_path, "uname", "echo Darwin")
    refused(run(clone / "scripts" / name, fakes=fakes), f"scripts/{name}", "Darwin", "vagrant up")
    assert files(clone) == before


@pytest.mark.parametrize("name", NEEDS_MACHINE)
def test_an_ordinary_user_is_told_of_sudo(clone: Path, tmp_path: Path, name: str) -> None:
    before = files(clone)
    fakes = fake(tmp_path, "id", "echo 1000")
    refused(run(clone / "scripts" / name, fakes=fakes), f"sudo scripts/{name}")
    assert files(clone) == before


@pytest.mark.parametrize("name", NEEDS_MACHINE)
def test_a_root_that_may_make_no_namespaces_is_refused(
    clone: Path, tmp_path: Path, name: str
) -> None:
    before = files(clone)
    fake(tmp_path, "id", "echo 0")
    fake(tmp_path, "grep", "exit 0")
    fakes = fake(tmp_path, "unshare", "exit 1")
    refused(run(clone / "scripts" / name, fakes=fakes), "CAP_SYS_ADMIN", "vagrant up")
    assert files(clone) == before


@pytest.mark.root
@pytest.mark.parametrize("name", NEEDS_MACHINE)
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("echo nodev proc >/tmp/kernel; mount --bind /tmp/kernel /proc/filesystems", "overlayfs"),
        ("umount -a -t cgroup,cgroup2", "no cgroup file system"),
    ],
)
def test_a_kernel_without_what_a_container_needs_is_refused(
    clone: Path, tmp_path: Path, name: str, spoil: str, said: str
) -> None:
    before = files(clone)
    fakes = fake(tmp_path, "modprobe", "exit 1")
    kernel = tmp_path / "kernel"
    spoiled = fakes / "spoiled"
    spoiled.write_text(
        f"#!/bin/sh\n{spoil.replace('/tmp/kernel', str(kernel))}\nexec '{clone}/scripts/{name}'\n"
    )
    spoiled.chmod(0o755)
    unshare = fake(tmp_path, "spoil", f"exec /usr/bin/unshare --mount '{spoiled}'") / "spoil"
    refused(run(unshare, fakes=fakes), said, "vagrant up")
    assert files(clone) == before


@pytest.mark.parametrize("name", ["docs", "lint"])
def test_a_clone_that_is_not_set_up_says_how_to(clone: Path, name: str) -> None:
    refused(run(clone / "scripts" / name), "sudo scripts/setup")


def test_a_ring_that_does_not_exist_is_refused(clone: Path) -> None:
    refused(run(clone / "scripts" / "test", "fast"), "no ring fast", "pretend")


def test_the_repository_is_found_through_a_link(clone: Path, tmp_path: Path) -> None:
    link = tmp_path / "docs"
    link.symlink_to(clone / "scripts" / "docs")
    refused(run(link), "sudo scripts/setup")


@pytest.mark.parametrize("place", ["plain", "with a blank", "o'clock", "x" * 130])
def test_a_launcher_starts_python_isolated_whatever_its_path(
    clone: Path, tmp_path: Path, place: str
) -> None:
    home = tmp_path / place
    shutil.copytree(clone, home)
    (home / ".venv" / "bin").mkdir(parents=True)
    (home / ".venv" / "bin" / "python3").symlink_to(sys.executable)
    (home / "bin").mkdir()
    launcher = home / "bin" / "mini-docker"
    launcher.write_text(run(home / "scripts" / "launcher", "mini-docker", str(home)).stdout)
    launcher.chmod(0o755)
    answer = run(launcher, "run", "a b", "")
    assert (answer.returncode, answer.stderr) == (7, "")
    assert answer.stdout == "['run', 'a b', ''] 1 1\n"


def test_every_script_is_run_by_a_plain_shell() -> None:
    for script in (REPO / "scripts").iterdir():
        assert script.stat().st_mode & stat.S_IXUSR or script.name == "lib.sh"
        if script.name != "lib.sh":
            assert script.read_text().startswith("#!/bin/sh\n"), script


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
    names = set(project["dependencies"]).union(*project["optional-dependencies"].values())
    pins = re.findall(r"^([\w.-]+)==\S+$", (REPO / "requirements.txt").read_text(), re.MULTILINE)
    named = {name.partition(";")[0].strip().lower() for name in names}  # without its marker
    assert named <= {pin.lower() for pin in pins}


def test_the_readmes_picture_was_drawn_from_its_source() -> None:
    source = (REPO / "chapters" / "img" / "engine.dot").read_bytes()
    origin = f"<!-- from engine.dot {hashlib.sha256(source).hexdigest()[:16]} -->"
    assert origin in (REPO / "chapters" / "img" / "engine.svg").read_text()


# --- Set-up for real, but in a mount namespace where /usr/local/bin is empty and nobody else's.


@pytest.fixture
def students_clone(clone: Path) -> Iterator[Path]:
    """The clone of an ordinary user, where that user may go: pytest's own folders are root's."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "my clone")
        shutil.copytree(clone, home)
        os.chmod(folder, 0o755)
        for path in [home, *home.rglob("*")]:
            os.chown(path, STUDENT, STUDENT)
        yield home


@pytest.fixture
def set_up(tmp_path: Path) -> Callable[[Path, str], subprocess.Popen[str]]:
    """Start scripts/setup of a clone, then a line of shell, away from this machine's own."""

    def start(clone: Path, then: str = "true") -> subprocess.Popen[str]:
        mine = tmp_path / "usr-local-bin"
        mine.mkdir(exist_ok=True)
        line = f"mount --bind '{mine}' /usr/local/bin && '{clone}/scripts/setup' && {then}"
        return subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", line],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    return start


def foreign(clone: Path) -> list[Path]:
    """List the files of *clone* that are not its owner's."""
    return [path for path in clone.rglob("*") if path.lstat().st_uid != STUDENT]


@pytest.mark.e2e
def test_setup_serves_the_owner_and_its_second_run_only_looks(
    students_clone: Path, set_up: Callable[..., subprocess.Popen[str]]
) -> None:
    first = set_up(students_clone, "/usr/local/bin/mini-docker a")
    said = first.communicate(timeout=240)[0]
    assert (first.returncode, said.splitlines()[-1]) == (7, "['a'] 1 1"), said
    assert foreign(students_clone) == []
    assert list(students_clone.rglob("mini_docker/**/main.cpython-*.pyc"))

    start = time.monotonic()
    second = set_up(students_clone)
    assert second.communicate(timeout=60)[0] == ""
    assert second.returncode == 0
    assert time.monotonic() - start < 3
    assert foreign(students_clone) == []


@pytest.mark.e2e
def test_a_killed_setup_is_repaired_by_the_next(
    students_clone: Path, set_up: Callable[..., subprocess.Popen[str]]
) -> None:
    killed = set_up(students_clone)
    deadline = time.monotonic() + 60
    while not (students_clone / ".venv" / "bin" / "python3").exists():
        assert killed.poll() is None, killed.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate(timeout=60)
    assert not (students_clone / ".venv" / ".stamp").exists()

    repaired = set_up(students_clone, "/usr/local/bin/mini-docker")
    said = repaired.communicate(timeout=240)[0]
    assert repaired.returncode == 7, said
    assert foreign(students_clone) == []


@pytest.mark.e2e
def test_setup_does_not_overwrite_a_program_of_somebody_else(
    students_clone: Path, tmp_path: Path, set_up: Callable[..., subprocess.Popen[str]]
) -> None:
    (tmp_path / "usr-local-bin").mkdir()
    other = tmp_path / "usr-local-bin" / "lab"
    other.write_text("somebody else's\n")
    answer = set_up(students_clone)
    said = answer.communicate(timeout=240)[0]
    assert answer.returncode == 1
    assert "/usr/local/bin/lab is not a link of ours" in said
    assert other.read_text() == "somebody else's\n"
    assert not (students_clone / ".venv").exists()


def demo(tmp_path: Path, root: Path) -> tuple[int, str]:
    """Run this clone's demonstration with the engine's state in *root*; say how it went."""
    mine = tmp_path / "usr-local-bin"
    mine.mkdir()
    answer = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f"mount --bind '{mine}' /usr/local/bin && scripts/demo"],
        cwd=REPO,
        env={**os.environ, "MINI_DOCKER_ROOT": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    return answer.returncode, answer.stdout


@pytest.mark.e2e
def test_the_demonstration_shows_what_holds(tmp_path: Path) -> None:
    code, said = demo(tmp_path, tmp_path / "root")
    assert code == 0, said
    assert "# mini-docker run --rm --hostname box busybox hostname\nbox\n" in said
    assert "(exit status 137)" in said
    assert "All promises held." in said


@pytest.mark.e2e
def test_the_demonstration_fails_if_a_promise_does(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "oci").touch()  # no image can be made there
    code, said = demo(tmp_path, root)
    assert code == 1, said
    assert "!! PROMISE BROKEN: expected exit status 42" in said
    assert "All promises held." not in said


@pytest.mark.root
def test_the_site_of_somebody_elses_clone_is_refused_in_one_line(clone: Path) -> None:
    (clone / ".venv").mkdir()
    (clone / ".venv" / ".stamp").touch()
    for folder in clone, *clone.parents:
        if folder.stat().st_uid == 0 and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o005)
    script = clone / "scripts" / "docs"
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(script)]
    answer = subprocess.run(as_nobody, capture_output=True, text=True, check=False)
    refused(answer, "belongs to root: use sudo", "scripts/docs serve")


def test_every_test_from_outside_is_marked() -> None:
    """One that is not would run in the pretend ring, and take all of it into its namespaces."""
    for path in (REPO / "tests" / "e2e").glob("test_*.py"):
        assert "pytestmark = pytest.mark.e2e" in path.read_text(), path
