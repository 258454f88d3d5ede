"""What a Dockerfile is made of: instructions, with their here-documents and directives."""

from __future__ import annotations

from mini_docker import builder_forms, builder_heredocs, builder_lines, builder_rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Heredoc:
    """A here-document of RUN, COPY or ADD: the lines between ``<<NAME`` and NAME."""

    __slots__ = ("chomp", "content", "expand", "name")

    def __init__(self, name: str, expand: bool, chomp: bool) -> None:
        self.name = name
        self.expand = expand  # False if the name stood in quotes: $x stays as it is
        self.chomp = chomp  # <<- : tabs at the beginning of its lines do not count
        self.content = ""

    def text(self) -> str:
        """Return the content, after ``<<-`` without the tabs that its lines begin with."""
        return builder_heredocs.without_tabs(self.content) if self.chomp else self.content


class Instruction:
    """One instruction of a Dockerfile, before any variable has been put in."""

    __slots__ = (
        *("name", "spelled", "flags", "words", "text", "json", "heredocs"),
        *("line", "end", "original", "comments"),
    )

    def __init__(self, original: str, line: int, escape: str) -> None:
        """Read *original*, the joined lines of an instruction that begins in *line*."""
        self.original = original.lstrip()
        self.line = self.end = line  # the first line of the file is 1; end: with here-documents
        self.spelled, self.flags, self.text = builder_forms.split(original)
        self.name = self.spelled.upper()  # "FROM"
        # As BuildKit's parser has them: ENV a=b is ["a", "b", "="], ENV a b is ["a", "b", ""],
        # RUN and CMD in the shell form are one word, ONBUILD is ["RUN", *the words of RUN].
        self.words, self.json = builder_forms.words(self.name, self.text, escape)
        self.heredocs: list[Heredoc] = []
        self.comments: list[str] = []  # the lines right above, without their #

    def read_heredocs(self, lines: list[str], at: int) -> int:
        """Read the here-documents that begin in lines[at]; return where the rest begins."""
        if builder_forms.takes_heredocs(self.name, self.text, self.json):
            for found in builder_heredocs.announced(self.original):
                heredoc = Heredoc(*found)
                heredoc.content, at = builder_heredocs.content(lines, at, heredoc)
                self.heredocs.append(heredoc)
        return at


class Dockerfile:
    """What parse() finds in a Dockerfile."""

    __slots__ = ("_comments", "check", "escape", "instructions", "staged", "syntax", "warnings")

    def __init__(self, directives: Mapping[str, str]) -> None:
        """Take over the *directives*: escape, syntax and check, where they are given."""
        self.escape = directives.get("escape", "\\")
        self.syntax = directives.get("syntax", "")
        self.check = directives.get("check", "")
        self.instructions: list[Instruction] = []
        self.warnings: list[tuple[int, str]] = []  # the last line of an instruction, and why
        self.staged = False  # whether a FROM has come
        self._comments: list[str] = []

    def passes_over(self, line: str) -> bool:
        """Return whether *line* is blank or a comment; a comment is kept for what follows."""
        if builder_lines.is_comment(line) and builder_lines.comment(line):
            self._comments.append(builder_lines.comment(line))
            return True
        if builder_lines.is_blank(line) or builder_lines.is_comment(line):
            self._comments = []
            return True
        return False

    def add(self, instruction: Instruction, end: int, empty: bool) -> None:
        """Append *instruction*, whose last line is *end*; UsageError if it is wrong.

        *empty* says that a blank line stood between its lines, which earns a warning.
        """
        self.staged = self.staged or instruction.name == "FROM"
        builder_rules.check(instruction, self.staged)
        instruction.end = end
        instruction.comments, self._comments = self._comments, []
        self.instructions.append(instruction)
        if empty:
            self.warnings.append((end, builder_lines.EMPTY))
