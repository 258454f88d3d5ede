"""Platforms: what a machine can run, in the words of an image index.

    linux/amd64    linux/arm64    linux/arm/v7        OS/ARCHITECTURE/VARIANT

A variant is a generation of processors; a machine runs what was made for an older one.
image-index.md, "Platform Variants"; github.com/containerd/platforms.
"""

from __future__ import annotations

import os

from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.registry import Platform

OS = "linux"
SYSTEMS = (OS, "windows", "darwin", "freebsd")
NAMES = {  # other names, by the kernel and by packagers
    "x86_64": "amd64",
    "x86-64": "amd64",
    "i386": "386",
    "i686": "386",
    "aarch64": "arm64",
    "armv8l": "arm",
    "armv7l": "arm/v7",
    "armv6l": "arm/v6",
    "armhf": "arm/v7",
    "armel": "arm/v6",
}
NEWEST = {"amd64": 1, "arm": 7, "arm64": 8}  # what is meant without a variant
OLDEST = {"amd64": 1, "arm": 5, "arm64": 8}  # what an index may say instead of nothing


def host() -> Platform:
    """Return the platform of this machine."""
    return parse(f"{OS}/{NAMES.get(os.uname().machine, os.uname().machine)}")


def parse(text: str) -> Platform:
    """Return OS, architecture and variants that *text*, [OS/]ARCHITECTURE[/VARIANT], stands for.

    The variants are the asked one and those that run where it runs, the best first.

    >>> parse("linux/arm/v6")
    ('linux', 'arm', ('v6', 'v5', ''))
    """
    words = text.lower().split("/")
    if not all(word and word.replace("-", "").replace("_", "").isalnum() for word in words):
        raise UsageError(f'"{text}" is an invalid platform: want os[/arch[/variant]]')
    if words[0] not in SYSTEMS:
        words.insert(0, OS)
    if len(words) == 1:
        words += host()[1:2]
    words[1:2] = NAMES.get(words[1], words[1]).split("/")
    if len(words) > 3:
        raise UsageError(f'"{text}" is an invalid platform: want os[/arch[/variant]]')
    return words[0], words[1], _variants(words[1], words[2] if len(words) == 3 else "")


def _variants(architecture: str, asked: str) -> tuple[str, ...]:
    if architecture not in NEWEST:
        return (asked,)
    newest, oldest = NEWEST[architecture], OLDEST[architecture]
    digits = asked.removeprefix("v")
    if asked:
        if not digits.isdigit() or len(digits) > 3:
            return (asked,)
        newest = int(digits)
    older = tuple(f"v{number}" for number in range(newest, oldest - 1, -1))
    return (*older, "") if older else (asked,)


def name(platform: Platform) -> str:
    """Return OS/ARCHITECTURE, and the variant where one was meant that says more."""
    system, architecture, variants = platform
    usual = variants == _variants(architecture, "")
    return f"{system}/{architecture}" + ("" if usual or not variants[0] else f"/{variants[0]}")


def fits(document: dict[str, object], platform: Platform) -> bool:
    """Say whether an image's config *document* is of *platform*; a field it lacks fits."""
    system, architecture, variants = platform
    variant = document.get("variant") or ""
    return (
        document.get("os") in (system, "", None)
        and document.get("architecture") in (architecture, "", None)
        and (variant in variants or not document.get("architecture"))
    )
