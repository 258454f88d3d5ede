"""Lab 8's pretend kernel: mount(2) of an overlay, for whoever is not root.

The directories are real. What is pretended is the mount: it is noted with the layers that the
kernel would have opened. The rules are the kernel's: data longer than a page is cut off there,
without a word; a relative name begins where the caller stands at that moment; a backslash
takes the meaning from a ":" or a "," after it.
"""

from __future__ import annotations

import errno
import os
from typing import Any

from mini_docker import syscalls

PAGE = 4096  # bytes of data, with the null byte at the end


class Kernel:
    """Notes each mount; refuses with the errno *refusal*, if there is one."""

    def __init__(self, refusal: int = 0) -> None:
        self.refusal = refusal
        self.mounts: list[dict[str, Any]] = []
        self.tried = 0

    def install(self) -> None:
        """Take the place of mount(2) for the rest of this process's life."""
        syscalls.mount = self.mount

    def mount(
        self,
        source: str | None,
        target: str,
        fstype: str | None = None,
        flags: int = 0,
        data: str = "",
    ) -> None:
        self.tried += 1
        if self.refusal:
            raise OSError(self.refusal, os.strerror(self.refusal), target)
        text = os.fsencode(data or "")
        words = split(os.fsdecode(text[: PAGE - 1]), ",")
        fields: dict[str, str] = dict.fromkeys(("lowerdir", "upperdir", "workdir"), "")
        rest = []
        for word in words:
            key, _, value = word.partition("=")
            if key in fields:
                fields[key] = value
            elif word:
                rest.append(word)
        lowers = [plain(name) for name in split(fields["lowerdir"], ":")]
        found = {
            "source": source,
            "target": str(target),
            "type": fstype,
            "flags": flags,
            "length": len(text) + 1,
            "lowers": [os.path.realpath(name) for name in lowers],
            "first": lowers[0],  # as it was said
            "upper": plain(fields["upperdir"]),
            "work": plain(fields["workdir"]),
            "words": rest,
        }
        self.mounts.append(found)
        for name in lowers:
            if not os.path.isdir(name):
                self.mounts.pop()
                raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), target)


def split(text: str, at: str) -> list[str]:
    """Part *text* where *at* stands without a backslash before it; the backslashes stay."""
    found, quoted = [""], False
    for letter in text:
        if letter == at and not quoted:
            found.append("")
            continue
        quoted = letter == "\\" and not quoted
        found[-1] += letter
    return found


def plain(text: str) -> str:
    """Return *text* without its backslashes, as the kernel takes them off."""
    found, quoted = "", False
    for letter in text:
        if letter == "\\" and not quoted:
            quoted = True
            continue
        found, quoted = found + letter, False
    return found
