"""What docker has and this engine has not yet: named, with the chapter that brings it.

Nothing here works; it is here so that a reader of any Docker text is told in one line
where a command or a flag will come from, rather than that it is unknown.
"""

from __future__ import annotations

CHAPTERS = {
    5: "users",
    6: "capabilities",
    7: "seccomp",
    8: "layers",
    9: "images",
    10: "registry",
    11: "builder",
    12: "streams",
    13: "lifecycle",
    15: "bridge",
    16: "discovery",
    17: "volumes",
    18: "runtime",
    19: "api",
    20: "compose",
    21: "vxlan",
}
COMMANDS = {
    15: "port network",
    17: "cp volume",
    20: "compose",
    21: "swarm service stack node",
}
FLAGS = {  # of run and exec
    15: "publish publish-all expose ip ip6 mac-address",
    16: "network-alias net-alias dns dns-search dns-option dns-opt link add-host",
    17: "volume mount volumes-from volume-driver gpus storage-opt",
    18: "runtime",
}
IN_GROUPS = {  # what stands behind container, image and system, and is none of COMMANDS
    15: "container port",
    17: "container cp",
}
SHORT = {"v": "volume", "p": "publish", "P": "publish-all"}


def command(name: str) -> str:
    """Return a remark about the command *name*, such as "build" or "system prune", or ""."""
    for chapter, names in IN_GROUPS.items():
        if name in names.split(","):
            return _in_chapter(chapter)
    return _remark(COMMANDS, name)


def flag(name: str) -> str:
    """Return a remark about the flag --*name*, or ""."""
    return _remark(FLAGS, name)


def _remark(table: dict[int, str], name: str) -> str:
    for chapter, words in table.items():
        if name in words.split():
            return _in_chapter(chapter)
    return ""


def _in_chapter(chapter: int) -> str:
    return f"is not there yet: it belongs to chapter {chapter}, {CHAPTERS[chapter]}"
