"""Stages: a Dockerfile cut at its FROMs, and which of them a target needs.

A stage needs the stage it is FROM, and those that COPY --from and RUN --mount=from name. Who
is not needed is not built. FROM means a stage above it, by its name, or else an image; --from
may name any stage, so that two can need each other: then there is nothing to begin with.
"""

from __future__ import annotations

import heapq

from mini_docker import (
    builder,
    builder_forms,
    builder_rules,
    builder_volumes,
    registry_platforms,
    suggest,
)
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mini_docker.builder_build import Request
    from mini_docker.builder_instructions import Dockerfile, Instruction

SCRATCH = "scratch"


class Stage:
    """One stage: its FROM, and the instructions up to the next one."""

    __slots__ = ("above", "base", "first", "from_", "name", "needs", "number", "platform", "steps")

    def __init__(self, number: int, from_: Instruction) -> None:
        self.number = number
        self.from_ = from_
        self.name = from_.words[2].lower() if len(from_.words) == 3 else ""
        self.base = ""  # an image, or a stage's name
        self.above = -1  # the number of the stage that it is FROM; -1 for an image
        self.platform = ""
        self.steps: list[Instruction] = []
        self.needs: set[int] = set()
        self.first = 1  # the number that its FROM has in "Step n/m"


class Plan:
    """The stages to build, those that others need first, and what they have in common."""

    __slots__ = ("arguments", "by_name", "escape", "stages", "target", "total", "used")

    def __init__(self, escape: str) -> None:
        self.escape = escape
        self.stages: list[Stage] = []
        self.by_name: dict[str, int] = {}
        self.target = 0
        self.total = 0
        self.arguments: dict[str, str] = {}  # of ARG before the first FROM, with values
        self.used: set[str] = set()  # names of --build-arg that are asked for

    def find(self, name: str) -> int:
        """Return the number of the stage *name*, a name or a number; -1 if there is none."""
        return self.by_name.get(name.lower(), -1)


def plan(dockerfile: Dockerfile, request: Request) -> Plan:
    """Return what is to be built; UsageError for what cannot be."""
    found = Plan(dockerfile.escape)
    predefined = platform_arguments(request)
    every = _split(dockerfile, request, found, predefined)
    for stage in every:
        _resolve(stage, found, len(every))
    found.target = _target(every, found, request.target)
    needed = _needed(every, found.target)
    found.stages = _ordered(every, needed)
    for stage in found.stages:
        stage.first = found.total + 1
        found.total += 1 + len(stage.steps)
    if request.labels:
        found.total += 1
    return found


def platform_arguments(request: Request) -> dict[str, str]:
    """Return TARGETPLATFORM, BUILDARCH and the like."""
    found: dict[str, str] = {}
    own = f"linux/{registry_platforms.host()[1]}"
    for prefix, platform in (("TARGET", request.platform or own), ("BUILD", own)):
        system, _, rest = platform.partition("/")
        machine, _, variant = rest.partition("/")
        parts = {"PLATFORM": platform, "OS": system, "ARCH": machine, "VARIANT": variant}
        found |= {f"{prefix}{key}": value for key, value in parts.items()}
    return found


def _split(
    dockerfile: Dockerfile, request: Request, found: Plan, predefined: dict[str, str]
) -> list[Stage]:
    """Return all stages, with the names of their bases; note the arguments before the first."""
    every: list[Stage] = []
    values = {**predefined}
    for it in dockerfile.instructions:
        if it.name == "FROM":
            stage = Stage(len(every), it)
            stage.base = builder.expand(it.words[0], values, found.escape)
            if not stage.base:
                raise _error(it, f"base name ({it.words[0]}) should not be blank")
            flags = builder_rules.flags(it)
            stage.platform = builder.expand(flags.get("platform", [""])[0], values, found.escape)
            stage.above = found.find(stage.base) if stage.base != SCRATCH else -1
            every.append(stage)
            if stage.name:
                found.by_name[stage.name] = stage.number
        elif every:
            every[-1].steps.append(it)
        else:
            _declare(it, request, found, values)
    if not every:
        raise UsageError("file with no instructions: there is no FROM")
    found.arguments = values
    return every


def _declare(it: Instruction, request: Request, found: Plan, values: dict[str, str]) -> None:
    """Take in an ARG that stands before the first FROM."""
    for name, default in builder_forms.arguments(it.words):
        found.used.add(name)
        if name in request.build_args:
            values[name] = request.build_args[name]
        elif default is not None:
            values[name] = builder.expand(default, values, found.escape)


def _resolve(stage: Stage, found: Plan, count: int) -> None:
    """Find out which stages *stage* needs."""
    if stage.above >= 0:
        stage.needs.add(stage.above)
    for it in stage.steps:
        for name in sources(it):
            number = found.find(name)
            if name.isdecimal():
                number = int(name) if len(name) < 9 else count
                if number >= stage.number:
                    raise _error(it, f"invalid stage index {name}: it must be of a stage before")
            if number >= 0:
                stage.needs.add(number)


def sources(it: Instruction) -> Iterator[str]:
    """Yield the stages or images that the instruction takes files from."""
    if it.name not in ("COPY", "RUN"):
        return
    flags = builder_rules.flags(it)
    yield from flags.get("from", [])
    for mount in flags.get("mount", []):
        try:
            words = builder_volumes.words(mount)
        except UsageError as error:
            raise _error(it, str(error)) from None
        for word in words:
            name, _, value = word.partition("=")
            if name.lower() == "from" and value:
                yield value


def _target(every: list[Stage], found: Plan, wanted: str) -> int:
    if not wanted:
        return len(every) - 1
    number = found.find(wanted)
    if number < 0 and wanted.isdecimal() and int(wanted[:9]) < len(every):
        number = int(wanted[:9])
    if number < 0:
        near = suggest.nearest(wanted.lower(), found.by_name)
        hint = f" (did you mean {near}?)" if near else ""
        raise UsageError(f'target stage "{wanted}" could not be found{hint}')
    return number


def _needed(every: list[Stage], target: int) -> set[int]:
    """Return the numbers of the stages that *target* needs, itself included.

    UsageError for a circle, naming a stage in it.
    """
    done: set[int] = set()
    pending = [(target, iter(sorted(every[target].needs)))]
    path = {target}
    while pending:
        number, rest = pending[-1]
        other = next(rest, None)
        if other is None:
            done.add(number)
            pending.pop()
            path.discard(number)
        elif other in path:
            stage = every[other]
            what = stage.name or str(other)
            raise _error(stage.from_, f"circular dependency detected on stage: {what}")
        elif other not in done:
            pending.append((other, iter(sorted(every[other].needs))))
            path.add(other)
    return done


def _ordered(every: list[Stage], needed: set[int]) -> list[Stage]:
    """Return the *needed* stages as the Dockerfile has them, but none before what it needs."""
    left = {number: len(every[number].needs) for number in needed}
    users: dict[int, list[int]] = {}
    for number in needed:
        for other in every[number].needs:
            users.setdefault(other, []).append(number)
    ready = [number for number, count in left.items() if not count]
    heapq.heapify(ready)
    found = []
    while ready:
        number = heapq.heappop(ready)
        found.append(every[number])
        for user in users.get(number, []):
            left[user] -= 1
            if not left[user]:
                heapq.heappush(ready, user)
    return found


def _error(it: Instruction, why: str) -> UsageError:
    from mini_docker.builder_lines import DockerfileError

    return DockerfileError(why, it.line, it.end)
