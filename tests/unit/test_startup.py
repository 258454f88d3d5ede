"""startup: the modules out of one file are the modules of the sources."""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mini_docker import startup_build, startup_modules

REPO = Path(__file__).parents[2]
MAIN = "mini_docker.cli.main"
ASK = """
e = os.environ
for key in list(e):
    if key != "A_TEST": del e[key]
print(e.get("A_TEST"), e.get("none"), e.get("none", 5), "A_TEST" in e, "none" in e, 7 in [e])
print(list(e.keys()), list(e.values()), list(e.items()), len(e), dict(e), {**e}, bool(e))
print(e == {"A_TEST": "1"}, e != {"A_TEST": "1"}, e == 1, e == e.copy())
print(e | {"b": "c"}, {"b": "c"} | e)
e |= {"d": "f"}
e.update({"x": "y"}, z="w")
e.update([("p", "q")])
print(e.setdefault("x", "no"), e.setdefault("new", "n"), sorted(e.items()), os.getenv("z"))
print(e.pop("x"), e.pop("x", None), os.getenv("x"))
for wrong in (lambda: e.pop("x"), lambda: e["x"], lambda: e.__setitem__("a", 1), lambda: hash(e)):
    try: wrong()
    except Exception as error: print(type(error).__name__, error)
print(type(e.popitem()), len(e))
e.clear()
print(e, len(e), os.environb)
try: e.popitem()
except KeyError: print("empty")
"""
WHO = f"import {MAIN} as m; print(type(m.__spec__.loader).__name__)"


def run(code: str, **environment: str) -> str:
    """Run *code* in a fresh interpreter as the launcher starts it."""
    done = subprocess.run(
        [sys.executable, "-IS", "-c", f"import sys; sys.path.insert(0, {str(REPO)!r})\n{code}"],
        env={**os.environ, "MINI_DOCKER_PROGRESS": "", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def imported(file: Path, code: str = WHO, **environment: str) -> str:
    """Return who loads the main module if *file* is the file of modules, or what *code* prints."""
    before = (
        f"from mini_docker import startup_modules as s; s.FILE = {str(file)!r}; s.use_modules()"
    )
    return run(f"{before}\n{code}", **environment).strip()


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of modules."""
    file = tmp_path_factory.mktemp("bin") / "modules"
    startup_build.build(str(file))
    return file


def test_modules_come_from_the_file(modules: Path) -> None:
    assert imported(modules) == "Modules"


def test_so_do_those_at_the_top_of_a_module(modules: Path) -> None:
    assert imported(modules, WHO.replace(MAIN, "mini_docker.store")) == "Modules"
    show = "import mini_docker.cli.main, mini_docker.store as s; print(s.__file__, s.__package__)"
    assert imported(modules, show) == f"{REPO}/mini_docker/store.py mini_docker"
    same = "import mini_docker, sys; print(mini_docker.store is sys.modules['mini_docker.store'])"
    assert imported(modules, f"import {MAIN}; {same}") == "True"


def test_every_module_of_the_file_can_be_imported(modules: Path) -> None:
    with modules.open("rb") as file:
        head = startup_modules.read_head(file.fileno())
    assert head
    names = {name for name in head[4] if not name.endswith(".__main__")}
    assert {"mini_docker", "mini_docker.cli.run", "mini_docker.monitor_end"} <= names
    code = (
        "import importlib\n"
        f"for name in {sorted(names)!r}:\n"
        "    try: importlib.import_module(name)\n"
        "    except ModuleNotFoundError as error: print(error.name)\n"
    )
    # A package of others' is not in the path of the command before somebody asks for it.
    assert set(imported(modules, code).split()) <= {"rich", "urllib3"}


def test_a_missing_broken_or_foreign_file_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "modules"
    assert imported(file) == "SourceFileLoader"
    foreign = marshal.dumps(("python-0", 0, 0, None, {}, {}))
    for content in (b"", b"garbage", b"00000003abc", b"%08d" % len(foreign) + foreign, b"00000009"):
        file.write_bytes(content)
        assert imported(file) == "SourceFileLoader"


def test_a_module_that_has_changed_is_imported_from_its_source(
    modules: Path, tmp_path: Path
) -> None:
    data = modules.read_bytes()
    source = f"{REPO}/mini_docker/cli/main.py"
    changed = marshal.dumps(os.stat(source).st_mtime_ns)[1:]
    assert changed in data
    old = tmp_path / "modules"
    old.write_bytes(data.replace(changed, marshal.dumps(os.stat(source).st_mtime_ns - 1)[1:]))
    assert imported(old) == "SourceFileLoader"


def test_a_descriptor_that_is_another_file_now_is_not_read(modules: Path, tmp_path: Path) -> None:
    """Whoever closes all that is open closes the file of modules, and its number is used again."""
    (tmp_path / "hostile").write_bytes(modules.read_bytes())
    closed = "import os, sys; os.close(sys.meta_path[0].descriptor)"
    assert imported(modules, f"{closed}; {WHO}") == "SourceFileLoader"
    other = f"{closed}; os.open({str(tmp_path / 'hostile')!r}, os.O_RDONLY)"
    assert imported(modules, f"{other}; {WHO}") == "SourceFileLoader"


def test_a_fresh_file_is_not_made_again(modules: Path) -> None:
    before = modules.stat().st_ino
    startup_build.build(str(modules))
    assert modules.stat().st_ino == before


def test_a_student_gets_no_modules_from_the_file(modules: Path, tmp_path: Path) -> None:
    progress = tmp_path / "progress.json"
    progress.write_text('{"version": 1, "topics": {}, "hints": {}}')
    found = imported(modules, MINI_DOCKER_PROGRESS=str(progress))
    assert found == "SourceFileLoader"


def test_os_is_what_it_is() -> None:
    """Python's own environ, and ours: the same answers to everything that a mapping is asked."""
    told = run("import os" + ASK, A_TEST="1")
    assert (
        run("import sys; from mini_docker import startup_os; import os" + ASK, A_TEST="1") == told
    )
    assert "'1'" in told
    ours = run(
        "import sys; from mini_docker import startup_os\n"
        "import os, collections.abc as c, subprocess\n"
        "print(sorted(set(dir(c.MutableMapping)) - set(dir(os.environ)) - {'__reversed__'}))\n"
        "print(subprocess.run(['env'], env=os.environ, capture_output=True).returncode)\n"
        "class P:\n"
        "    def __fspath__(self): return '/x'\n"
        "print(os.fspath(P()), isinstance(P(), os.PathLike), isinstance('', os.PathLike))\n"
        "print(issubclass(dict, c.MutableMapping), issubclass(list, c.Sequence))\n"
    )
    assert ours.splitlines()[1:] == ["0", "/x True False", "True True"]
    missing = ours.splitlines()[0]
    assert all(name.startswith("'_") for name in missing.strip("[]").split(", ") if name), missing


STAGES = """
from mini_docker import startup_os
import os, sys, _thread
first = os
print("walk" in vars(os), os.path.join("a", "b"), os.getenv("A_TEST"), os.getenv("none", 5))
print([os.fsencode(it) for it in ("\\udcff/ä", b"x")], [os.fsdecode(it) for it in (b"\\xff", "y")])
print("walk" in vars(os))
found, threads, wait = [], 8, _thread.allocate_lock()
wait.acquire()
def look():
    with wait: pass
    try: found.append((os.walk, os.environ, os.fspath, os.SEEK_END))
    except Exception as error: found.append(error)
for _ in range(threads): _thread.start_new_thread(look, ())
sys.setswitchinterval(1e-6)
wait.release()
while len(found) < threads: pass
print(len(set(map(str, found))), found[0][0].__name__, "walk" in vars(os))
print(os is first, sys.modules["os"] is os, os.__spec__.name, hasattr(os, "__getattr__"))
try: os.nothing
except AttributeError as error: print(error)
import posix
print([it for it in vars(posix) if it[0] != "_" and getattr(os, it) is not getattr(posix, it)])
"""


def test_os_has_two_stages_and_becomes_pythons_own() -> None:
    lines = run(STAGES, A_TEST="1").splitlines()
    assert lines[0] == "False a/b 1 5"
    assert lines[1] == "[b'\\xff/\\xc3\\xa4', b'x'] ['\\udcff', 'y']"
    assert lines[2] == "False"
    assert lines[3] == "1 walk True"
    assert lines[4] == "True True os False"
    assert lines[5] == "module 'os' has no attribute 'nothing'"
    assert lines[6] == "['environ']"
    assert run("import os\nprint(os.__file__, os.name, os.linesep.encode(), os.devnull)") == run(
        "from mini_docker import startup_os\nimport os\nos.walk\n"
        "print(os.__file__, os.name, os.linesep.encode(), os.devnull)"
    )


def test_the_second_stage_comes_where_nothing_may_be_imported() -> None:
    code = """
from mini_docker import startup_os
import os, stat
print("walk" in vars(os), "FILE_ATTRIBUTE_HIDDEN" in vars(stat), stat.S_ISDIR(os.stat("/").st_mode))
sys.path.clear()
sys.meta_path.clear()
print(os.environ["A_TEST"], os.walk.__name__, stat.FILE_ATTRIBUTE_HIDDEN, stat.filemode(0o40755))
"""
    assert run(code, A_TEST="1") == "False False True\n1 walk 2 drwxr-xr-x\n"


def test_the_path_of_run_stays_lean() -> None:
    """Imports that would cost more than the container: see performance in CONTRIBUTING.md."""
    heavy = (
        "dataclasses pathlib typing subprocess argparse json re enum signal socket functools "
        "contextlib collections tomllib shutil tempfile pyroute2 logging threading"
    )
    modules = "cli.main cli.run cli.exec cli.creating foreground attachment monitor_life logs_json"
    code = "".join(f"import mini_docker.{name}\n" for name in modules.split())
    loaded = set(run(code + "print(*sys.modules)").split())
    assert "mini_docker.container" in loaded
    assert loaded.isdisjoint(heavy.split()), loaded & set(heavy.split())
    assert run(f"from mini_docker.startup_os import os\n{code}print(*vars(os))").count("walk") == 0
