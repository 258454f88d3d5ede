"""Stop all processes of a container where they are, and let them run on."""

from __future__ import annotations

from mini_docker import containers, events, lifecycle
from mini_docker.errors import CgroupError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker import cgroups_tree
    from mini_docker.containers import Container


def pause(it: Container) -> None:
    """Freeze every process of *it*.

    The state says so before the kernel does: who is killed in between leaves a container
    that "unpause" lets run on, not one that is frozen and said to run.
    """
    with it.change():
        it.reload()
        after = lifecycle.move(it.status(), "pause", it.id)
        group = _group(it)
        health = it.state.get("Health")
        # Nobody looks at its health until it runs on; moby, container/health.go.
        unseen = {"Health": {**health, "Status": "unhealthy"}} if health else {}
        it.update(Status=after, **unseen)
        try:
            group.freeze()
        except BaseException as error:
            if not isinstance(error, CgroupError):  # Ctrl-C: nobody has undone it yet
                group.freeze(False)
            it.update(Status="running", **({"Health": health} if health else {}))
            raise
    events.container(it, "pause")


def unpause(it: Container) -> None:
    """Let the processes of *it* run on; the kernel comes first, as the state did in pause()."""
    with it.change():
        it.reload()
        after = lifecycle.move(it.status(), "unpause", it.id)
        _group(it).freeze(False)
        it.update(Status=after)
    events.container(it, "unpause")


def let_run(it: Container) -> bool:
    """End the pause of *it*, if there is one: a frozen process takes no signal. Say if there was.

    Under version 1 of control groups not even SIGKILL.
    """
    try:
        with it.change():  # a pause that is under way comes to its end first
            it.reload()
            if it.status() != "paused":
                return False
            _group(it).freeze(False)
            it.update(Status="running")
            events.container(it, "unpause")  # the end, which may be near, is told after it
    except CgroupError:
        if containers.alive(containers.read_note(it.store, it.id)):
            raise
    return True


def _group(it: Container) -> cgroups_tree.Group:
    from mini_docker import cgroups_tree, swap  # whoever stops a container needs neither

    swap.require("cgroups", what="pause")
    return cgroups_tree.of(it.config(), "pause")
