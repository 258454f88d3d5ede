"""The functions that Docker adds to the templates of --format."""

from __future__ import annotations

from mini_docker.gotemplate.gojson import encode
from mini_docker.gotemplate.values import (
    LONGEST,
    Method,
    Strings,
    bounded,
    from_bytes,
    to_bytes,
)


def split(text: str, separator: str) -> Strings:
    """Return the parts of *text* between the separators; its characters if that is empty."""
    return Strings(text.split(separator) if separator else text)


def join(parts: list[str], separator: str) -> str:
    """Return *parts* with *separator* between each two."""
    return bounded(
        piece for at, part in enumerate(parts) for piece in ((separator, part) if at else (part,))
    )


def title(text: str) -> str:
    """Return *text* with the first letter of each word in title case."""
    before = " "
    parts = []
    for char in text:
        parts.append(char.title() if _separates(before) and len(char.title()) == 1 else char)
        before = char
    return "".join(parts)


def pad(text: str, before: int, after: int) -> str:
    """Return *text* with so many blanks before and after it; an empty one stays empty."""
    if min(before, after) < 0:
        raise ValueError("strings: negative Repeat count")
    if max(before, after) > LONGEST:
        raise ValueError(f"text longer than {LONGEST} characters")
    return " " * before + text + " " * after if text else text


def truncate(text: str, length: int) -> str:
    """Return the first *length* bytes of *text*."""
    data = to_bytes(text)
    if len(data) < length:
        return text
    if length < 0:
        raise ValueError(f"runtime error: slice bounds out of range [:{length}]")
    return from_bytes(data[:length])


def _separates(char: str) -> bool:
    """Say whether a word can begin behind *char* (Go's strings.Title)."""
    if char.isascii():
        return not (char.isalnum() or char == "_")
    return not (char.isalpha() or char.isdecimal()) and char.isspace()


def _case(text: str, upper: bool) -> str:
    """Return *text* in upper or lower case, letter by letter, as Go does."""
    if text.isascii():
        return text.upper() if upper else text.lower()
    changed = (char.upper() if upper else char.lower() for char in text)
    return "".join(new if len(new) == 1 else old for new, old in zip(changed, text, strict=True))


FUNCTIONS: dict[str, Method] = {
    "json": Method(encode, ("any",)),
    "split": Method(split, ("string", "string")),
    "join": Method(join, ("[]string", "string")),
    "title": Method(title, ("string",)),
    "lower": Method(lambda text: _case(text, upper=False), ("string",)),
    "upper": Method(lambda text: _case(text, upper=True), ("string",)),
    "pad": Method(pad, ("string", "int", "int")),
    "truncate": Method(truncate, ("string", "int")),
}


def label_title(name: str) -> str:
    """Return the title of the column of a label: "com.example.my_app" is "my app"."""
    return name.rpartition(".")[2].replace("-", " ").replace("_", " ")


TITLES = {"Label": Method(label_title, ("string",))}  # of columns that come from a method
# In the line of a table that names its columns the functions leave the names alone.
HEADINGS: dict[str, Method] = {
    "json": Method(str, ("string",)),
    "split": Method(lambda text, _: text, ("string", "string")),
    "join": Method(lambda text, _: text, ("string", "string")),
    "title": Method(str, ("string",)),
    "lower": Method(str, ("string",)),
    "upper": Method(str, ("string",)),
    "pad": Method(pad, ("string", "int", "int")),
    "truncate": Method(lambda text, _: text, ("string", "int")),
}
