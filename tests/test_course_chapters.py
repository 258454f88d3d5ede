"""Every quotation, link and command in the chapters is alive, and sessions come out as recorded."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from course import lab as lab_command
from course import session_files, sessions, table, weave
from course.table import Lab
from mini_docker.cli import main, options
from mini_docker.cli.commands import load
from mini_docker.errors import MiniDockerError

REPO = table.REPO
LABS = table.labs()
PAGES = sorted(
    path
    for pattern in ("chapters/*.md", "solutions/*/README.md", "labs/*/README.md", "*.md")
    for path in REPO.glob(pattern)
)
CHAPTERS = [page for page in PAGES if re.match(r"\d\d-", page.name)]
SESSIONS = session_files.names()
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)[^)]*\)")
FENCE = re.compile(r"^\s*```")
HEADING = re.compile(r"^#+ (.*?)(?:\s*\{\s*#([\w-]+)[^}]*\})?\s*$")
COMMAND = re.compile(r"(?<![\w/.-])(?:sudo )?(mini-docker|lab)((?: [^`|;&<>()]*)?)")
QUOTED = re.compile(r"`([^`\n]+)`")
SEPARATORS = {"|", "||", "&&", ";", "&", ">", "<", ">>", "2>", "#", "2>&1"}
by_page = pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(REPO)) for p in PAGES])
by_lab = pytest.mark.parametrize("lab", LABS, ids=[lab.folder for lab in LABS])


def woven(page: Path) -> list[str]:
    return [it for line in page.read_text().splitlines() for it in weave.weave(line)]


@pytest.mark.parametrize("page", CHAPTERS, ids=[page.name for page in CHAPTERS])
def test_every_quotation_is_alive(page: Path) -> None:
    assert not [line for line in woven(page) if line.lstrip().startswith("--8<--")]


def targets(page: Path) -> Iterator[str]:
    """Yield what *page* links to, outside of fences."""
    fenced = False
    for line in page.read_text().splitlines():
        fenced ^= FENCE.match(line) is not None
        if not fenced:
            yield from LINK.findall(QUOTED.sub("", line))


def anchors(page: Path) -> set[str]:
    """Return the ids of *page*'s headings."""
    found = set()
    for line in page.read_text().splitlines():
        if match := HEADING.match(line):
            title = re.sub(r"[^\w\s-]", "", match[1].lower()).strip()
            found.add(match[2] or re.sub(r"[\s-]+", "-", title))
    return found


@by_page
def test_every_link_is_alive(page: Path) -> None:
    for target in targets(page):
        if re.match(r"[a-z]+:", target):
            assert target.startswith(("https://", "mailto:")), target
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        drawn = path.with_suffix(".dot") if path.suffix == ".svg" else path
        assert path.exists() or drawn.exists(), target
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path), target


def commands(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each `mini-docker` and `lab` command that *page* shows: the program, its words."""
    fenced = False
    for line in page.read_text().splitlines():
        fenced ^= FENCE.match(line) is not None
        prompt = re.match(r"\s*[$#] (.*)", line)
        if fenced and prompt is None:
            continue
        for text in [prompt[1]] if fenced and prompt else QUOTED.findall(line):
            match = COMMAND.match(text)
            if match and (words := split(match[2])):
                yield match[1], words


def split(text: str) -> list[str]:
    """Return the words of a command, up to what the shell keeps for itself."""
    try:
        words = shlex.split(text.partition("  #")[0])
    except ValueError:
        words = text.split()
    ends = [number for number, word in enumerate(words) if word in SEPARATORS]
    return words[: ends[0]] if ends else words


def is_a_form(words: list[str]) -> bool:
    """Say whether words stand for others: N, DIR, FILE, "..."."""
    return any(re.search(r"\.\.\.|…|\b[A-Z]{1,}\b|[\[\]]|^<", word) for word in words)


def assert_alive(program: str, words: list[str]) -> None:
    if program == "lab":
        actions: Any = lab_command.parser()._subparsers._group_actions[0]  # type: ignore[union-attr]
        assert words[0] in actions.choices, f"lab {words[0]}"
        needed = words[1:] or words[0] in ("check", "start")
        if needed and not is_a_form(words[1:]):
            lab_command.parser().parse_args(words)
        return
    try:
        name, rest = main._split(words)
    except MiniDockerError as error:
        raise AssertionError(f"mini-docker {' '.join(words)}: {error}") from error
    command = load(name).COMMAND
    if is_a_form(rest):
        return
    try:
        options.parse(command, rest)
    except MiniDockerError:  # in the text a command may stand without its operands
        options.parse(command, [*rest, *["x"] * command.minimum])


@by_page
def test_every_command_is_alive(page: Path) -> None:
    for program, words in commands(page):
        if words[0].startswith("-") or is_a_form(words[:1]):
            continue  # a global flag, or "..." for any command
        assert_alive(program, words)


@by_lab
def test_a_chapter_has_its_headline_and_each_tasks_contract_and_command(lab: Lab) -> None:
    text = lab.chapter.read_text()
    assert f"--8<-- lab {lab.number}" in text
    for task in lab.tasks:
        module = lab.engine.relative_to(REPO)
        assert f"--8<-- {module} {task.name} contract" in text
        assert f"--8<-- check {lab.number}.{task.number}" in text
        assert f"--8<-- {module} {task.name} code" in text


def test_there_is_a_chapter_for_each_lab_and_the_set_up() -> None:
    assert {page.name for page in CHAPTERS} == {"00-setup.md", *(lab.chapter.name for lab in LABS)}


def test_every_session_is_shown_somewhere() -> None:
    text = "\n".join(page.read_text() for page in PAGES)
    assert SESSIONS
    assert [
        name for name in SESSIONS if f"--8<-- session {name}" not in text and name != "readme"
    ] == []


QUOTATION = re.compile(r"^\s*--8<-- session (\S+) ?(.*)$", re.M)
ASSIGNED = re.compile(r"(?:^|[;&|\s])([A-Za-z_]\w*)=")
USED = re.compile(r"\$\{?([A-Za-z_]\w*)")


@pytest.mark.parametrize("page", CHAPTERS, ids=[page.name for page in CHAPTERS])
def test_sessions_of_a_chapter_leave_each_others_variables_alone(page: Path) -> None:
    """Who types a chapter from its top to its end does so in one shell."""
    owners: dict[str, str] = {}
    for name, part in QUOTATION.findall(page.read_text()):
        commands = session_files.read(name).commands
        ours = {it for c in commands for it in ASSIGNED.findall(c.text)}
        for command in commands:
            if part and command.part != part:
                continue
            owners |= dict.fromkeys(ASSIGNED.findall(command.text), name)
            for it in ours.intersection(USED.findall(command.text)):
                assert owners.get(it, name) == name, f"{name}, {command.text}: ${it} is overwritten"


@pytest.mark.parametrize("name", SESSIONS)
def test_a_session_is_recorded_at_the_stage_of_its_chapter(name: str) -> None:
    session = session_files.read(name)
    session_files.recorded(name)
    number = name[:2]
    if number.isdecimal() and int(number):
        assert session.stage is None or session.stage <= int(number)


@pytest.mark.root
@pytest.mark.parametrize("name", SESSIONS)
def test_a_session_comes_out_as_recorded(name: str) -> None:
    session = session_files.read(name)
    if why := sessions.lacking(session):
        pytest.skip(why)
    assert sessions.compare(session) == []
