"""Chapters quote by name: what is quoted, and what stops the build."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import markdown
import pytest

from course import session_files, table, weave
from tests.unit.test_generate import COURSE, MODULE


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mini_docker").mkdir()
    (tmp_path / "mini_docker/things.py").write_text(MODULE)
    (tmp_path / "course.toml").write_text(COURSE)
    folder = tmp_path / "chapters" / "sessions"
    folder.mkdir(parents=True)
    (folder / "demo.sh").write_text("# Shows it.\n#: stage 2\necho a\n## rest\n#- hide\necho b\n")
    digest = session_files.read("demo", folder).digest
    (folder / "demo.out").write_text(
        f"%% session demo {digest}\n# echo a\na\n%% part rest\n# echo b\nb\n"
    )
    return tmp_path


def woven(line: str, repo: Path) -> list[str]:
    return weave.weave(line, repo=repo)


def test_a_line_that_quotes_nothing_stays(repo: Path) -> None:
    assert woven("Some --8<-- text", repo) == ["Some --8<-- text"]
    assert woven("  ;--8<-- lab 1", repo) == ["  --8<-- lab 1"]


def test_code_is_quoted_whole_by_contract_and_without_its_docstring(repo: Path) -> None:
    quote = "--8<-- mini_docker/things.py Box.size"
    assert woven(quote, repo)[:3] == [
        "@property",
        "def size(self) -> int:",
        '    """Return the size."""',
    ]
    assert woven(f"{quote} contract", repo)[-1] == '    """Return the size."""'
    assert woven(f"{quote} code", repo) == [
        "@property",
        "def size(self) -> int:",
        "",
        "    return 1",
    ]


def test_a_quotation_keeps_the_indentation_of_its_line(repo: Path) -> None:
    lines = woven("    --8<-- mini_docker/things.py Box.size contract", repo)
    assert lines[1] == "    def size(self) -> int:"


def test_a_session_comes_as_a_console_block_whole_or_in_part(repo: Path) -> None:
    assert woven("--8<-- session demo", repo) == [
        "```console",
        "# echo a",
        "a",
        "# echo b",
        "b",
        "```",
    ]
    assert woven("--8<-- session demo rest", repo) == ["```console", "# echo b", "b", "```"]


def test_a_lab_has_a_headline_and_a_command_for_each_task(repo: Path) -> None:
    (line,) = woven("--8<-- lab 1", repo)
    assert line == "**Lab 1** `labs/01_things` · module `mini_docker/things.py` · about 10 minutes"
    assert woven("--8<-- check 1.2", repo)[1] == "$ lab check 1 -k task2"
    (line,) = weave.weave("--8<-- lab 1", "https://example.org", repo)
    assert "[`labs/01_things`](https://example.org/labs/01_things)" in line


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("--8<-- mini_docker/things.py gone", "does not define gone"),
        ("--8<-- mini_docker/gone.py first", "no file"),
        ("--8<-- mini_docker/things.py first signature", "none of"),
        ("--8<-- session gone", "no session gone"),
        ("--8<-- session demo gone", "no part gone: rest"),
        ("--8<-- lab 9", "no lab 9"),
        ("--8<-- check 1.3", "tasks 1 to 2"),
        ("--8<--", "none of"),
    ],
)
def test_what_does_not_exist_stops_the_build(repo: Path, line: str, reason: str) -> None:
    with pytest.raises(weave.WeaveError, match=reason):
        woven(line, repo)


def test_a_session_whose_commands_have_changed_stops_the_build(repo: Path) -> None:
    with (repo / "chapters/sessions/demo.sh").open("a") as file:
        file.write("echo c\n")
    with pytest.raises(weave.WeaveError, match=r"other commands than demo\.sh"):
        woven("--8<-- session demo", repo)


def test_a_released_course_quotes_the_contract_and_not_the_answer(repo: Path) -> None:
    from course import generate

    for path, text in generate.stale(repo):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (repo / "mini_docker/things.py").unlink()
    quote = "--8<-- mini_docker/things.py first"
    assert woven(f"{quote} contract", repo)[0] == "def first(x: int) -> int:"
    assert woven(f"{quote} code", repo) == ["# Your teacher publishes our version."]
    assert woven(quote, repo) == ["# Your teacher publishes our version."]
    assert woven("--8<-- mini_docker/things.py LIMIT", repo) == ["# How many.", "LIMIT = 3"]


def test_quotations_work_inside_admonitions_and_details(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = weave.weave
    monkeypatch.setattr(weave, "weave", lambda line, repository: plain(line, repository, repo))
    page = """\
??? success "Answer"

    Look:

    ```python
    --8<-- mini_docker/things.py first code
    ```

    --8<-- session demo rest
"""
    extensions = ["admonition", "pymdownx.details", "pymdownx.superfences", "course.weave"]
    html = markdown.markdown(page, extensions=extensions)
    details = html[html.index("<details") : html.index("</details>")]
    shown = re.sub(r"<[^>]*>", "", details)
    assert "def first(x: int)" in shown and "# echo b\nb" in shown and "8&lt;" not in html


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("#: stage x\necho", "stage x"),
        ("#: user nobody\necho", "settings are"),
        ("#: colour red\necho", "cannot read"),
        ("# nothing", "no command"),
        ("#- hidden", "no command"),
    ],
)
def test_a_session_that_makes_no_sense_is_refused(tmp_path: Path, line: str, reason: str) -> None:
    (tmp_path / "x.sh").write_text(line)
    with pytest.raises(session_files.SessionError, match=reason):
        session_files.read("x", tmp_path)


def test_commands_of_several_lines_stay_together(tmp_path: Path) -> None:
    text = "cat <<EOF\na\n  b\nEOF\nfor i in 1 2; do\n  echo $i\ndone\necho \\\nend\necho last\n"
    (tmp_path / "x.sh").write_text(text)
    commands = [command.text for command in session_files.read("x", tmp_path).commands]
    assert commands == [
        "cat <<EOF\na\n  b\nEOF",
        "for i in 1 2; do\n  echo $i\ndone",
        "echo \\\nend",
        "echo last",
    ]


def test_the_site_is_refused_in_a_line_and_not_with_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text("# Page\n\n--8<-- session gone\n")
    settings = "site_name: x\ntheme: mkdocs\nplugins: []\nmarkdown_extensions: [course.weave]\n"
    (tmp_path / "mkdocs.yml").write_text(settings)
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(table.REPO), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "index.md" in done.stderr and "cannot weave `--8<-- session gone`" in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) < 8
