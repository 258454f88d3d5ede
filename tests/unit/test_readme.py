"""The README keeps what it promises: a recorded session, live links, and a size to be read."""

from __future__ import annotations

import re

from course import session_files
from course.table import REPO

README = (REPO / "README.md").read_text()


def test_its_console_session_is_the_recorded_one() -> None:
    recorded = "\n".join(session_files.recorded("readme"))
    assert f"```console\n{recorded}\n```" in README


def test_it_is_read_in_one_go() -> None:
    assert len(README.splitlines()) < 150


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (REPO / link).exists()] == []


def test_its_map_names_every_published_chapter() -> None:
    chapters = sorted(path.name for path in (REPO / "chapters").glob("[0-9][0-9]-*.md"))
    assert [name for name in chapters if f"](chapters/{name})" not in README] == []
    home = (REPO / "chapters" / "index.md").read_text()
    assert [name for name in chapters if f"]({name})" not in home] == []
