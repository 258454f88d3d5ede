"""What ../shared/conformance/check.py asks of us: each function of its head, in terms of ours.

check.py tests/conformance.py sizes ulimit go_template image_reference dockerfile_embedded ...
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mini_docker import builder, images, sizes, ulimits
from mini_docker.errors import MiniDockerError
from mini_docker.gotemplate import render


def ram(text: str) -> int:
    """Return the bytes that *text* stands for; ValueError if it is no size."""
    return sizes.ram_in_bytes(text)


def human_size(count: int) -> str:
    """Return *count* bytes as docker images prints them."""
    return sizes.human_size(count)


def ulimit(text: str) -> tuple[str, int, int]:
    """Return name, soft and hard limit; ValueError if *text* is no ulimit."""
    return ulimits.parse(text)


def template(text: str, data: Any) -> str:
    """Return what the template makes of *data*; ValueError where Go reports an error."""
    try:
        return render(text, data, strict=True)
    except MiniDockerError as error:
        raise ValueError(str(error)) from None


def reference(text: str) -> dict[str, str]:
    """Return the parts of the image's name *text*; ValueError if it is none.

    The table was made by a program into which no digest algorithm was linked: there every
    digest is "unsupported". So parse() is told of none.
    """
    try:
        found = images.parse(text, algorithms=())
    except MiniDockerError as error:
        raise ValueError(str(error)) from None
    return {
        "domain": found.domain,
        "path": found.path,
        "familiar": found.familiar(),
        "tag": found.tag,
        "digest": found.digest,
        "with_default_tag": found.full(),
    }


def dockerfile(text: str) -> list[dict[str, Any]]:
    """Return the instructions of *text* as BuildKit's parser has them; ValueError if it errs."""
    try:
        found = builder.parse(text)
    except MiniDockerError as error:
        raise ValueError(str(error)) from None
    return [
        {
            "instruction": it.name,
            "args": it.words,
            "flags": it.flags,
            "json": it.json,
            "start": it.line,
            "end": it.end,
            "heredocs": [{"name": doc.name, "content": doc.content} for doc in it.heredocs],
        }
        for it in found.instructions
    ]


def word(text: str, env: dict[str, str]) -> str:
    """Return *text* with the variables of *env* put in."""
    try:
        return builder.expand(text, env)
    except MiniDockerError as error:
        raise ValueError(str(error)) from None


def words(text: str, env: dict[str, str]) -> list[str]:
    """Return the words of *text* with the variables of *env* put in."""
    try:
        return builder.expand_words(text, env)
    except MiniDockerError as error:
        raise ValueError(str(error)) from None


def ignore_match(patterns: list[str], path: str) -> bool:
    """Return whether a .dockerignore of *patterns* leaves *path* out."""
    try:
        return builder.Ignore(patterns).matches(path)
    except MiniDockerError as error:
        raise ValueError(str(error)) from None


def ignore_read(text: str) -> list[str]:
    """Return the patterns of the .dockerignore *text*."""
    return builder.read_ignore(text)
