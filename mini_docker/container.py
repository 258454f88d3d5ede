"""A container: the order in which a process is taken away from the machine.

start() reads a bundle's config.json and nothing else. What it does is one story in
two processes: the engine, which stays as it is, and the child, which gives up one
part of the machine after the other and at the end becomes the container's program.
The order is the point. Every step says why it stands where it does.

While a student's lab is locked, the step that it teaches is left out.
"""

from __future__ import annotations

import os

from mini_docker import (
    cgroups_tree,
    container_init,
    container_limits,
    container_process,
    container_root,
    container_streams,
    loopback,
    namespaces,
    namespaces_join,
    processes,
    spec,
    swap,
    syscalls,
)
from mini_docker.container_end import end as end
from mini_docker.errors import KernelError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any


class Start:
    """A start: the bundle, its config, and what the engine adds to them."""

    __slots__ = (
        "borrowed", "bundle", "config", "filter", "go", "group", "init", "kinds", "last", "limits",
        "mapped", "note", "root", "streams", "terminal", "warnings",
    )  # fmt: skip

    def __init__(
        self,
        bundle: str,
        config: dict[str, Any],
        streams: tuple[int, int, int] = (0, 1, 2),
        note: Callable[[int], None] = lambda pid: None,
    ) -> None:
        self.bundle = bundle
        self.config = config
        self.streams = streams  # descriptors for the container's 0, 1 and 2
        # Or it has a terminal: the connection that its two ends are sent through.
        self.terminal: socket.socket | None = None
        self.filter = container_process.Filter(bundle, config)
        self.note = note  # told the pid before the program runs, to write it down
        self.init = False  # run the program below an init of ours
        # Called in the child right before its program runs.
        self.last: Callable[[], None] | None = None
        self.go = -1  # in the child: says that the pid is written down
        self.root = os.path.join(bundle, config["root"]["path"])
        self.kinds = set() if swap.locked("namespaces") else spec.kinds(config)
        # In a user namespace: see container_users.
        self.mapped = bool(self.kinds) and spec.mapped(config)
        self.group: cgroups_tree.Group | None = None
        self.limits = container_limits.Limits()
        self.warnings: list[str] = []
        self.borrowed: dict[str, Callable[[str], str]] = {}  # see mounts_borrowed


def start(it: Start) -> int:
    """Start the container of *it* and return the pid of its process 1 once that runs.

    Raises what went wrong, with nothing left behind. The caller waits for the pid, and
    calls end() after it has ended.
    """
    try:
        if not swap.locked("cgroups") and it.config["linux"].get("cgroupsPath"):
            it.group = cgroups_tree.Group(it.config["linux"]["cgroupsPath"])
            it.limits.ask()
        return _spawner(it.config)(lambda report: _child(it, report), lambda: _fork(it))
    except BaseException:
        it.limits.settle()
        end(it.config)
        raise


def _spawner(config: dict[str, Any]) -> Callable[..., int]:
    """Return processes.spawn, or what does the same where somebody could hold the child up."""
    if "pid" not in spec.joined(config):
        return processes.spawn
    from mini_docker import interruptions

    return interruptions.spawn


def _fork(it: Start) -> int:
    """Fork the child into its new namespaces, note its pid, and let it go on, twice.

    The kernel takes its time for the namespaces: meanwhile the control group is made. An
    engine that is killed before the pid is written down closes the pipe by dying: the child
    then ends as well. So no container runs that nobody knows of.
    """
    it.go, go_on = os.pipe()
    pid = _create(it)
    if pid == 0:
        os.close(go_on)
        return 0
    os.close(it.go)
    try:
        if it.group:
            it.warnings += it.limits.stand(it.group, it.config)
            _let_go(go_on)
        it.note(pid)
        if it.mapped:
            _users().release(it.config)
            _users().settle(it, pid)
        _let_go(go_on)
    except BaseException:
        os.close(go_on)
        os.waitpid(pid, 0)
        raise
    os.close(go_on)
    return pid


def _create(it: Start) -> int:
    """Fork into new namespaces; a pid namespace that is joined counts for children as well."""
    # A cgroup namespace takes its maker's group as root: it is made once we are in ours.
    kinds = it.kinds - {"cgroup"}
    if it.mapped:
        it.config = _users().hold(it.config)
        return int(_users().create(it, kinds))
    joined = {} if swap.locked("namespaces") else spec.joined(it.config)
    if "pid" in joined:
        return int(_users().create_inside({"pid": joined["pid"]}, kinds))
    return namespaces.create(kinds) if kinds else os.fork()


def _child(it: Start, report: int) -> int:
    """Give up the machine, part by part, and become the container's program."""
    config, process = it.config, it.config["process"]

    # 1. A session of its own: the caller's terminal no longer sends signals here.
    os.setsid()
    # 2. Nobody in the container may look into this process, or through it at the engine's
    #    own program file, until exec has replaced it.
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
    # 3. Under the limits, as early as possible: all that follows counts as the container's.
    if it.group:
        _await(it)
        it.group.join()
    # 3b. In a user namespace the host's root ends here: until the maps are written we are
    #     nobody in it, and then its root.
    if it.mapped:
        _await(it)
        _users().enter()
        it.root, config = "./rootfs", _users().inside(it)
        it.config, process = config, config["process"]
    # 4. Namespaces that exist already, or had to wait for the group.
    if it.kinds or spec.joined(config):
        _namespaces(it)
    # 5. Its own root. From here on the host's files are out of reach.
    take_streams = _streams(it)
    container_process.forbid_imports(process)
    if "mnt" in it.kinds and not swap.locked("rootfs"):
        container_root.build(it)
    # 6. The engine has written down who we are.
    if not it.mapped:
        _await(it)
    # 7. Its streams, and no other open file: a descriptor of a directory outside would be
    #    a way out. So this comes before the working directory is entered.
    take_streams()
    container_process.close_all_but(report)
    # 8. Resources, rights, user, working directory, program: what exec does as well.
    if not it.init:
        container_process.become(process, report, it.filter, it.last)
    return container_init.run(process, report, it.filter)


def _streams(it: Start) -> Callable[[], None]:
    """Return what gives a child in the container its streams, or its terminal."""
    if it.terminal:
        from mini_docker import container_terminal

        own = "mnt" in it.kinds and not swap.locked("rootfs")
        return container_terminal.taker(it.terminal, own)

    return lambda: container_streams.take(it.streams)


def _let_go(go_on: int) -> None:
    try:
        os.write(go_on, b"1")
    except BrokenPipeError:
        return  # the child has failed already: its report says why


def _await(it: Start) -> None:
    """Wait until the engine lets us go on; if it has died before, end here."""
    if not os.read(it.go, 1):
        os._exit(125)


def _users() -> ModuleType:
    """Return container_users, which few containers need."""
    from mini_docker import container_users

    return container_users


def _namespaces(it: Start) -> None:
    before = ("pid", "user")  # _create() has entered these
    joined = spec.joined(it.config).items()
    namespaces_join.join({kind: path for kind, path in joined if kind not in before})
    if "cgroup" in it.kinds:
        namespaces_join.unshare("cgroup")
    for source in spec.borrowed(it.config):
        from mini_docker import mounts_borrowed

        it.borrowed[source] = mounts_borrowed.take(source)
    if "net" in it.kinds:
        loopback.bring_up()
    if "uts" in it.kinds and it.config.get("hostname"):
        try:
            syscalls.sethostname(it.config["hostname"])
            if it.config.get("domainname"):
                syscalls.setdomainname(it.config["domainname"])
        except OSError as error:
            raise KernelError(f"cannot set the host name: {reason(error)}") from error
