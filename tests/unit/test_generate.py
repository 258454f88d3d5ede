"""The generator and the finding of definitions, on small modules made for the purpose."""

from __future__ import annotations

from pathlib import Path

import pytest

from course import generate, source, table

MODULE = '''\
"""A module."""

# How many.
LIMIT = 3
TABLE: dict[str, int] = {}


def first(x: int) -> int:
    """Return *x* doubled.

    More words.
    """
    # The reason.
    return 2 * x
    # Below the end.


class Box:
    """A box."""

    @property
    def size(self) -> int:
        """Return the size."""

        return 1

    def bare(self) -> int:
        # A comment above.
        return 2


if LIMIT:

    def under() -> int:
        """Be found under an if."""
        return 1
'''
COURSE = """\
[[lab]]
folder = "01_things"
title = "Things"
minutes = 10
tasks = [{ name = "first", points = 2 }, { name = "Box.size", points = 1 }]
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "mini_docker").mkdir()
    (tmp_path / "mini_docker/things.py").write_text(MODULE)
    (tmp_path / "course.toml").write_text(COURSE)
    return tmp_path


def things(repo: Path) -> Path:
    return repo / "mini_docker/things.py"


def test_a_function_has_a_contract_and_code(repo: Path) -> None:
    it = source.find(things(repo), "first")
    assert it.contract[0] == "def first(x: int) -> int:" and it.contract[-1] == '    """'
    assert it.code == [
        "def first(x: int) -> int:",
        "    # The reason.",
        "    return 2 * x",
        "    # Below the end.",
    ]


def test_a_method_comes_with_its_decorators(repo: Path) -> None:
    assert source.find(things(repo), "Box.size").whole[0] == "    @property"


def test_a_function_without_a_docstring_keeps_the_comment_above_its_code(repo: Path) -> None:
    it = source.find(things(repo), "Box.bare")
    assert it.contract == ["    def bare(self) -> int:"]
    assert it.code[1] == "        # A comment above."


def test_a_constant_comes_with_the_comment_above_it(repo: Path) -> None:
    assert source.find(things(repo), "LIMIT").whole == ["# How many.", "LIMIT = 3"]
    assert source.find(things(repo), "TABLE").whole == ["TABLE: dict[str, int] = {}"]


def test_a_definition_under_an_if_is_found(repo: Path) -> None:
    assert source.find(things(repo), "under").whole[0].strip() == "def under() -> int:"


@pytest.mark.parametrize("name", ["gone", "Box.gone", "first.x", "first.gone.deeper"])
def test_a_name_that_does_not_exist_is_refused_with_the_file(repo: Path, name: str) -> None:
    with pytest.raises(LookupError, match=rf"things\.py does not define {name}"):
        source.find(things(repo), name)


def test_a_file_that_does_not_exist_is_refused(repo: Path) -> None:
    with pytest.raises(LookupError, match=r"no file .*gone\.py"):
        source.find(repo / "gone.py", "first")


def test_a_name_with_two_definitions_is_refused(repo: Path) -> None:
    things(repo).write_text("def f():\n    pass\n\n\ndef f():\n    pass\n")
    with pytest.raises(LookupError, match="more than once"):
        source.find(things(repo), "f")


def test_the_skeleton_keeps_everything_but_the_tasks_code(repo: Path) -> None:
    (lab,) = table.labs(repo)
    text = generate.skeleton(lab)
    assert text == MODULE.replace(
        "    # The reason.\n    return 2 * x\n    # Below the end.\n",
        '    raise NotImplementedError("lab 1, task 1: write first")\n',
    ).replace(
        "\n        return 1\n\n    def bare",
        '        raise NotImplementedError("lab 1, task 2: write Box.size")\n\n    def bare',
    )


def test_what_is_missing_or_differs_is_stale_until_written(repo: Path) -> None:
    found = generate.stale(repo)
    names = [str(path.relative_to(repo)) for path, _ in found]
    assert names == [
        "labs/01_things/things.py",
        "solutions/01_things/things.py",
        "labs/01_things/README.md",
    ]
    for path, text in found:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert generate.stale(repo) == []
    with things(repo).open("a") as file:
        file.write("# more\n")
    assert [path.name for path, _ in generate.stale(repo)] == ["things.py", "things.py"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("first", "gone", "does not define gone"),
        ("first", "Box.bare", "needs a docstring"),
        ("01_things", "1_things", "two digits"),
        ("01_things", "01_json", "hides a module"),
        ("minutes", "hours", "unknown key hours"),
        ("points = 2", "points = 0", "at least a point"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(
    repo: Path, before: str, after: str, said: str
) -> None:
    file = repo / "course.toml"
    file.write_text(file.read_text().replace(before, after))
    with pytest.raises((LookupError, ValueError), match=said):
        generate.stale(repo)


def test_labs_out_of_order_are_refused(repo: Path) -> None:
    file = repo / "course.toml"
    file.write_text(COURSE.replace("01_", "02_") + COURSE)
    with pytest.raises(ValueError, match="order"):
        table.labs(repo)


def test_a_lab_or_task_that_is_not_there_is_refused_with_those_that_are(repo: Path) -> None:
    with pytest.raises(LookupError, match="no lab 7: the labs are 1"):
        table.lab(7, repo)
    with pytest.raises(LookupError, match="tasks 1 to 2, not 3"):
        table.lab(1, repo).task(3)
