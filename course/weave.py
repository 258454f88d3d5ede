"""Markdown extension: chapters quote code, sessions and tasks by name, so that none goes stale.

    --8<-- mini_docker/cgroups.py apply             the whole definition
    --8<-- mini_docker/cgroups.py apply contract    signature and docstring
    --8<-- mini_docker/cgroups.py apply code        everything but the docstring
    --8<-- session cgroup-limit                     a recorded session, as a console block
    --8<-- session cgroup-limit swap                the part of it that is called swap
    --8<-- lab 4                                    the line under a chapter's title
    --8<-- check 4.2                                the command that grades lab 4, task 2

A line stands alone, with any indentation, so it works inside admonitions too; code is
quoted inside a fence that the chapter opens, the others bring their own. A ";" before it
shows the line itself. Whatever does not exist stops the build.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

from markdown import Extension, Markdown
from markdown.preprocessors import Preprocessor
from mkdocs.exceptions import BuildError

from course import session_files, source, table
from course.table import REPO, Lab

LINE = re.compile(r"^(\s*)(;?)--8<--\s*(.*?)\s*$")
CODE = re.compile(r"(\S+\.py)\s+([\w.]+)(?:\s+(contract|code|whole))?")
SESSION = re.compile(r"session\s+([\w-]+)(?:\s+([\w-]+))?")
LAB = re.compile(r"lab\s+(\d+)")
CHECK = re.compile(r"check\s+(\d+)(?:\.(\d+))?")


class WeaveError(BuildError):
    """A chapter names something that does not exist. MkDocs prints it in one line."""


def weave(line: str, repository: str = "", repo: Path = REPO) -> list[str]:
    """Return the lines that *line* stands for: itself, unless it is a quotation.

    *repository* is the address that paths of the repository are linked to, or "".
    Raises WeaveError, with the line, if what it names does not exist.
    """
    match = LINE.match(line)
    if match is None:
        return [line]
    indent, shown_as_it_is, words = match.groups()
    if shown_as_it_is:
        return [line.replace(";", "", 1)]
    try:
        text = "\n".join(_woven(words, repository, repo))
    except (LookupError, session_files.SessionError) as error:
        reason = error.args[0] if error.args else error
        raise WeaveError(f"cannot weave `{line.strip()}`: {reason}") from error
    return textwrap.indent(text, indent).splitlines()


def _woven(words: str, repository: str, repo: Path) -> list[str]:
    if match := CODE.fullmatch(words):
        return _code(repo, *match.groups())
    if match := SESSION.fullmatch(words):
        name, part = match.groups()
        folder = repo / "chapters" / "sessions"
        return ["```console", *session_files.recorded(name, part or "", folder), "```"]
    if match := LAB.fullmatch(words):
        return [_headline(table.lab(int(match[1]), repo), repository)]
    if match := CHECK.fullmatch(words):
        lab = table.lab(int(match[1]), repo)
        if match[2] is None:
            return ["```console", f"$ lab check {lab.number}", "```"]
        task = lab.task(int(match[2]))
        return ["```console", f"$ lab check {lab.number} -k task{task.number}", "```"]
    raise LookupError("it is none of: PATH.py NAME [contract|code], session, lab, check")


def _code(repo: Path, path: str, name: str, view: str | None) -> list[str]:
    file = repo / path
    answer = view != "contract"
    for lab in table.labs(repo):
        if lab.engine == file and not file.exists():  # a release: contracts are in the skeleton
            file = lab.skeleton
            if answer and name in [task.name for task in lab.tasks]:
                return ["# Your teacher publishes our version."]
    it = source.find(file, name)
    lines = {"contract": it.contract, "code": it.code}.get(view or "", it.whole)
    return textwrap.dedent("\n".join(lines)).splitlines()


def _headline(lab: Lab, repository: str) -> str:
    def link(path: Path) -> str:
        name = path.relative_to(lab.repo).as_posix()
        return f"[`{name}`]({repository}/{name})" if repository else f"`{name}`"

    parts = [
        f"**Lab {lab.number}** {link(lab.skeleton.parent)}",
        f"module {link(lab.engine)}",
        f"solution {link(lab.solution.parent)}" if lab.solution.exists() else "",
        f"about {lab.minutes} minutes",
    ]
    return " · ".join(part for part in parts if part)


class Weaver(Preprocessor):
    """Replaces every quotation of a page by the lines it names."""

    def __init__(self, md: Markdown, repository: str) -> None:
        super().__init__(md)
        self.repository = repository

    def run(self, lines: list[str]) -> list[str]:
        return [woven for line in lines for woven in weave(line, self.repository)]


class WeaveExtension(Extension):
    """The entry point that Python-Markdown looks for."""

    def __init__(self, **settings: Any) -> None:
        self.config = {"repository": ["", "address that paths in the repository are linked to"]}
        super().__init__(**settings)

    def extendMarkdown(self, md: Markdown) -> None:
        # 40: before the fences (25) and the tidying of white space (30) take their share.
        md.preprocessors.register(Weaver(md, self.getConfig("repository")), "weave", 40)


def makeExtension(**settings: Any) -> WeaveExtension:
    """Return the extension, as Python-Markdown asks for it."""
    return WeaveExtension(**settings)
