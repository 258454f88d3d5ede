"""Which containers a listing shows: --filter, by Docker's rules. moby, daemon/list.go.

Of one filter's values any must fit, of several filters all; of label all as well.
"""

from __future__ import annotations

import re

from mini_docker import lifecycle, timestamps
from mini_docker.container_network import network
from mini_docker.containers import Container, load
from mini_docker.errors import MiniDockerError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mini_docker.store import Store

    Test = Callable[[Container], bool]

HEALTH = ("starting", "healthy", "unhealthy", "none")
KNOWN = (
    *("ancestor", "before", "exited", "health", "id", "is-task", "isolation", "label", "name"),
    *("network", "since", "status"),
)
LATER = {  # the chapter that brings what they speak of
    **dict.fromkeys(("expose", "publish"), "15, bridge"),
    "volume": "17, volumes",
}


def select(store: Store, found: list[Container], filters: list[tuple[str, str]]) -> list[Container]:
    """Return those of *found* that pass; UsageError for a filter or value that there is not.

    NotFound if `before` or `since` names no container.
    """
    wanted: dict[str, list[Test]] = {}
    for name, value in filters:
        wanted.setdefault(name, []).append(_test(store, name, value))
    for name, tests in wanted.items():
        every = all if name == "label" else any
        found = [it for it in found if every(test(it) for test in tests)]
    return found


def has_label(it: Container, wanted: str) -> bool:
    """Say whether *it* has the label NAME, or NAME=VALUE."""
    name, equals, value = wanted.partition("=")
    labels = it.record["Config"].get("Labels") or {}
    return name in labels and (not equals or labels[name] == value)


def created(it: Container) -> float:
    """Return when *it* was created, in seconds since 1970."""
    return timestamps.seconds(it.record["Created"])


def health(it: Container) -> str:
    """Return the health of *it*: one of HEALTH."""
    return str((it.state.get("Health") or {}).get("Status") or "none")


def _test(store: Store, name: str, value: str) -> Test:
    """Return what says whether a container fits *value* of the filter *name*."""
    if name in LATER:
        raise UsageError(f"filter '{name}' is not there yet: it belongs to chapter {LATER[name]}")
    tests: dict[str, Callable[[Store, str], Test]] = {
        "ancestor": _ancestor,
        "before": lambda store, value: _beside(store, value, -1),
        "network": lambda _, value: lambda it: network(it) == value,
        "since": lambda store, value: _beside(store, value, 1),
        "exited": _exited,
        "health": lambda _, value: _one_of("health", value, HEALTH, health),
        "id": lambda _, value: lambda it: it.id.startswith(value) or _fits(value, it.id),
        "is-task": _task,
        "isolation": lambda _, value: lambda it: True,  # a daemon on Windows looks at it
        "label": lambda _, value: lambda it: has_label(it, value),
        "name": lambda _, value: lambda it: any(_fits(value, f"{c}{it.name()}") for c in ("", "/")),
        "status": lambda _, value: _one_of("status", value, lifecycle.STATES, Container.status),
    }
    if name not in tests:
        raise UsageError(f"invalid filter '{name}' (this engine has: {', '.join(KNOWN)})")
    return tests[name](store, value)


def _one_of(name: str, value: str, known: tuple[str, ...], of: Callable[[Container], str]) -> Test:
    if value not in known:
        raise UsageError(f"Unrecognised filter value for {name}: {value}")
    return lambda it: of(it) == value


def _exited(_: Store, value: str) -> Test:
    """Fit a container that ended with the code *value*; one that was never started has none."""
    try:
        code = int(value)
    except ValueError:
        raise UsageError(f'strconv.Atoi: parsing "{value}": invalid syntax') from None
    return lambda it: it.status() in ("exited", "dead") and it.state["ExitCode"] == code


def _beside(store: Store, value: str, side: int) -> Test:
    """Fit what was created before (-1) or after (1) the container *value*."""
    moment = load(store, value).record["Created"]
    if side < 0:
        return lambda it: str(it.record["Created"]) < moment
    return lambda it: str(it.record["Created"]) > moment


def _task(_: Store, value: str) -> Test:
    """Fit all or none: tasks are a swarm's, and there is none here."""
    from mini_docker import strconv

    try:
        wanted = strconv.boolean(value)
    except ValueError:
        raise UsageError(f"invalid filter 'is-task={value}'") from None
    return lambda _: not wanted


def _ancestor(store: Store, value: str) -> Test:
    """Fit what was made from the image *value*, or from one that was built upon it."""
    from mini_docker import image_lookup

    try:
        image = image_lookup.find(store.root, value)
    except MiniDockerError:  # one that is gone still names the containers that were made from it
        return lambda it: value in _names(it)
    top = image.chain_ids()[-1:]
    return lambda it: it.record.get("Image") == image.id or top == _at(it, len(image.chain_ids()))


def _names(it: Container) -> tuple[str, ...]:
    """Return the words that the image of *it* has, without a look at any image."""
    typed = str(it.record["Config"].get("Image", ""))
    return typed, typed.partition(":")[0], str(it.record.get("Image", ""))


def _at(it: Container, count: int) -> list[str]:
    """Return the *count*-th layer of the image of *it*, in a list; of none: nothing that fits."""
    layers = it.record.get("Layers") or []
    return layers[count - 1 : count] if count else [""]


def _fits(pattern: str, text: str) -> bool:
    """Say whether the regular expression *pattern* is found in *text*; a broken one is not."""
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False
