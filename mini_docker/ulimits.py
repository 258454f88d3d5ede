"""Resource limits of processes, as ``--ulimit NAME=SOFT[:HARD]`` gives them.

The names are those of getrlimit(2) in lower case; -1 stands for no limit.
"""

from __future__ import annotations

# name: number of the resource on Linux (asm-generic/resource.h; amd64 and arm64 share it)
RESOURCES = {
    "cpu": 0,
    "fsize": 1,
    "data": 2,
    "stack": 3,
    "core": 4,
    "rss": 5,
    "nproc": 6,
    "nofile": 7,
    "memlock": 8,
    "locks": 10,
    "sigpending": 11,
    "msgqueue": 12,
    "nice": 13,
    "rtprio": 14,
    "rttime": 15,
}


def parse(text: str) -> tuple[str, int, int]:
    """Return the name, the soft and the hard limit that *text* asks for.

    The hard limit is the soft one unless given; -1 stands for unlimited. Raises
    ValueError in Docker's words for an unknown name, a value that is no number,
    or a soft limit above the hard one. Values below -1, which Docker hands to the
    kernel as huge numbers, are refused.

    >>> parse("nofile=1024:2048")
    ('nofile', 1024, 2048)
    """
    name, equals, limits = text.partition("=")
    if not equals:
        raise ValueError(f"invalid ulimit argument: {text}")
    if name not in RESOURCES:
        raise ValueError(f"invalid ulimit type: {name}")
    values = limits.split(":")
    if len(values) > 2:
        raise ValueError(
            f"too many limit value arguments - {limits}, can only have up to two, `soft[:hard]`"
        )
    soft, hard = _limit(values[0]), _limit(values[-1])
    if hard != -1 and (soft == -1 or soft > hard):
        shown = f"soft: -1 (unlimited), hard: {hard}" if soft == -1 else f"{soft} > {hard}"
        raise ValueError(f"ulimit soft limit must be less than or equal to hard limit: {shown}")
    return name, soft, hard


def _limit(text: str) -> int:
    """Return one limit: decimal digits with or without a sign, at most 64 bits."""
    from mini_docker.strconv import signed

    value = signed(text)
    if value < -1:
        raise ValueError(f"invalid ulimit value: {text}: a limit is -1 (unlimited), 0 or more")
    return value
