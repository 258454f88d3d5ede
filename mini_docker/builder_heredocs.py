"""Here-documents: files, or scripts, in the Dockerfile itself.

    COPY <<EOF /etc/motd        RUN <<-"EOF"
    Hello, $NAME                    echo one
    EOF                             EOF

After ``<<-`` tabs at the beginning of a line do not count. A name in quotes means that no
variable is to be put in. moby/buildkit: frontend/dockerfile/parser/parser.go.
"""

from __future__ import annotations

import re

from mini_docker import builder_words
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.builder_instructions import Heredoc

WORD = re.compile(r"\d*<<(-?)([^<]+)")
TABS = re.compile(r"^\t+", re.MULTILINE)


def announced(instruction: str) -> list[tuple[str, bool, bool]]:
    """Return name, expand and chomp of each here-document that *instruction* announces.

    An instruction whose quotes do not match announces none: what stands in it is the shell's.
    """
    if "<<" not in instruction:
        return []
    try:
        pieces = builder_words.pieces(instruction, "\\", _as_written, raw=True)
    except UsageError:
        return []
    found = [announcement(word) for word in builder_words.separated(pieces)]
    return [heredoc for heredoc in found if heredoc is not None]


def announcement(word: str) -> tuple[str, bool, bool] | None:
    """Return name, expand and chomp if *word* announces a here-document, such as ``<<EOF``.

    >>> announcement('<<-"END"'), announcement("<<<END")
    (('END', False, True), None)
    """
    it = WORD.fullmatch(word)
    if it is None:
        return None
    names = builder_words.separated(builder_words.pieces(it[2], "\\", _as_written))
    if len(names) != 1:
        return None
    quoted = "'" in it[2] or '"' in it[2]
    return names[0], not quoted, it[1] == "-"


def content(lines: list[str], at: int, heredoc: Heredoc) -> tuple[str, int]:
    """Return what is in *lines* from *at* to the line of the name, and where the rest begins."""
    for end in range(at, len(lines)):
        line = lines[end].rstrip("\r\n")
        if (line.lstrip("\t") if heredoc.chomp else line) == heredoc.name:
            return "".join(lines[at:end]), end + 1
    raise UsageError(f"unterminated heredoc: no line is {heredoc.name}")


def without_tabs(text: str) -> str:
    """Return *text* without the tabs that its lines begin with."""
    return TABS.sub("", text)


def _as_written(reference: builder_words.Reference) -> str:
    return reference.written
