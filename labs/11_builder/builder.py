"""The builder: what a Dockerfile says, and which of its steps need not be done again.

A Dockerfile is a list of instructions, one a line; a line that ends in the escape character
goes on in the next. `docker build` reads it, puts values in the place of variables, and
carries out one instruction after another, each upon the image that the one before it left.
A step whose parent, instruction, arguments and files are those of an earlier build has been
done: its image is taken from the cache. The files of the context that .dockerignore names
are as good as absent.

The parser answers as BuildKit's: moby/buildkit, frontend/dockerfile/{parser,shell}; the
reference of the format is https://docs.docker.com/reference/dockerfile/. Beside this module:
builder_instructions (what parse makes), builder_lines and builder_heredocs (how it lies in the
file), builder_forms (the arguments of each instruction), builder_words (quotes and escapes),
builder_globs (patterns of the shell), builder_patterns (those of .dockerignore).

Chapter: chapters/11-builder.md. Lab: labs/11_builder.
"""

from __future__ import annotations

import hashlib

from mini_docker import builder_lines, builder_patterns, builder_words
from mini_docker.builder_instructions import Dockerfile, Instruction
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mini_docker.builder_words import Reference


def parse(text: str) -> Dockerfile:
    """Return the instructions of the Dockerfile *text*, in their order.

    builder_lines.physical gives the lines of the file, with their ends; the Dockerfile to
    return is made from the directives among them (builder_lines.directives). Then:
    1. A line that the Dockerfile passes_over is passed over.
    2. Any other line begins an instruction. builder_lines.cut takes off the escape character
       at its end and says whether there was one: then the next line is appended as it is.
       There a comment (builder_lines.is_comment) is left out and does not end the instruction;
       so is a blank line (is_blank), and it is noted. The end of the file ends it, too.
    3. An Instruction is made of the joined lines and the number of the first of them, 1 being
       the first of the file. It reads its here-documents (read_heredocs) from the lines after
       it. Then it is added: its end is the last line that has been read.

    Raises builder_lines.DockerfileError with the first and the last line of an instruction in
    place of a UsageError of step 3, and UsageError("file with no instructions").
    """
    raise NotImplementedError("lab 11, task 1: write parse")


def substitute(reference: Reference, variables: Mapping[str, str]) -> str:
    """Return what stands for the *reference* to a variable, such as ``${x:-none}``.

    The reference has a name ("x"), a form (":-"), a word ("none") and, for / and //, a
    replacement, in which all variables have been put already. A variable that is not among
    *variables* is unset. With a colon, one whose value is empty counts as unset, too.

    ===========  ================================================================
    form         result
    ===========  ================================================================
    (empty)      the value; "" if unset: $x and ${x}
    - and :-     the value; the word if unset
    + and :+     the word; "" if unset
    ? and :?     the value; if unset UsageError("x: WORD"), where the word is empty
                 "x: is not allowed to be unset", or "... to be empty" if it is set
    any other    builder_words.edited(reference, value): # ## % %% / // look for patterns
    ===========  ================================================================

    https://docs.docker.com/reference/dockerfile/#environment-replacement
    """
    raise NotImplementedError("lab 11, task 2: write substitute")


def key(parent: str, instruction: str, arguments: Mapping[str, str], content: str = "") -> str:
    """Return the key of a step: 64 hexadecimal digits. One key, one result.

    The result of a step depends on the image before it (*parent*, an id), the *instruction*
    with its variables put in and its flags, the build *arguments* that it can see, by name,
    and the *content* of the files that it reads, a digest ("" if it reads none). Two steps
    have the same key if and only if all four are the same; a changed parent thus changes
    the key of every step after it. The order of the arguments does not matter.

    The key is the SHA-256 of these strings, each in UTF-8 (surrogateescape for bytes that
    are none) and after its own length in bytes as a decimal number and a colon: parent,
    instruction, content, then name and value of each argument, by name. Without the lengths
    "ab" and "c" would be the same as "a" and "bc".

    >>> key("", "RUN a", {}) == hashlib.sha256(b"0:5:RUN a0:").hexdigest()
    True
    """
    raise NotImplementedError("lab 11, task 3: write key")


class Ignore:
    """The files of a context that .dockerignore leaves out."""

    def __init__(self, patterns: Iterable[str]) -> None:
        """Take the *patterns* as read_ignore() returns them; UsageError for a malformed one."""
        self.patterns = builder_patterns.compile_all(patterns)

    def matches(self, path: str) -> bool:
        """Return whether *path*, relative to the context ("docs/a.md"), is left out.

        Each of self.patterns says whether it matches(path), which it does as well if it
        matches a directory above, and is negated if it began with !. The last one that
        matches decides: the path is left out unless that one is negated. Without any it is
        kept. The context itself, ".", is never left out.
        """
        raise NotImplementedError("lab 11, task 4: write Ignore.matches")

    def prunes(self, directory: str) -> bool:
        """Return whether all that is or may be in *directory* is left out, itself included."""
        return self.matches(directory) and not any(
            pattern.negated and pattern.may_match_below(directory) for pattern in self.patterns
        )


def read_ignore(text: str) -> list[str]:
    """Return the patterns of the .dockerignore file *text*, cleaned."""
    return builder_patterns.read(text)


def expand(
    word: str, variables: Mapping[str, str], escape: str = "\\", unknown: set[str] | None = None
) -> str:
    """Return *word* without its quotes and escapes, and with *variables* in their places.

    Names that are looked up and not set are added to *unknown*. UsageError, with the word, for
    a quote or brace that is not closed and for whatever substitute() refuses.

    >>> expand("a-$x'$x'${y:-2}", {"x": "1"})
    'a-1$x2'
    """
    return builder_words.joined(_pieces(word, variables, escape, unknown))


def expand_words(
    text: str, variables: Mapping[str, str], escape: str = "\\", unknown: set[str] | None = None
) -> list[str]:
    """Return the words of *text* after expand(); blanks in quotes end no word."""
    return builder_words.separated(_pieces(text, variables, escape, unknown))


def _pieces(
    text: str, variables: Mapping[str, str], escape: str, unknown: set[str] | None
) -> list[tuple[str, bool]]:
    def look(reference: Reference) -> str:
        if unknown is not None and reference.name not in variables:
            unknown.add(reference.name)
        return substitute(reference, variables)

    return builder_words.pieces(text, escape, look)
