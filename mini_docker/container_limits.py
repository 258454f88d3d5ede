"""The control group of a container that starts: who makes it, with its limits, and when.

It takes the kernel some time, above all where each controller has a tree of its own. The
monitor has much to do then: it makes the namespaces, and the child in them. The command that
has asked for the start waits, so it makes the group meanwhile, if it is there:

    monitor: ask() ── the child is made ── stand() ── the child joins the group
    command:   └──────────> answer() ─────────┘
"""

from __future__ import annotations

from mini_docker import cgroups_tree, processes, records

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Any

    from mini_docker.cgroups_tree import Group
else:
    import _socket as socket

ASKED, STANDS, FAILED = b"g", b"w", b"e"  # how the messages begin


def make(group: Group, config: dict[str, Any]) -> list[str]:
    """Make *group*, with the limits of *config*; return a warning for each that does not hold.

    They stand before the first process is under them.
    """
    group.create()
    resources = config["linux"].get("resources", {})
    warnings = group.apply(resources)
    # A node that an image brings along must not open the host's disk.
    if "devices" in resources:
        from mini_docker import cgroups_devices

        cgroups_devices.restrict(group, resources["devices"])
    return warnings


class Limits:
    """How a start gets its control group: somebody at *connection* makes it, or it does itself."""

    __slots__ = ("asked", "connection")

    def __init__(self, connection: socket.socket | None = None) -> None:
        self.connection = connection
        self.asked = False

    def ask(self) -> None:
        """Let it be made."""
        if not self.connection:
            return
        try:
            self.connection.send(ASKED)
            self.asked = True
        except OSError:
            return  # the command has been killed: so nobody else makes it

    def stand(self, group: Group, config: dict[str, Any]) -> list[str]:
        """Return what make() does, once the group is there. Raises why it could not be made."""
        told = self.settle()
        if told.startswith(FAILED):
            raise processes.failure(told[1:])
        if told:
            return list(records.parse(told[1:].decode("utf-8", "surrogateescape")))
        return make(group, config)  # what a killed command has made of it is there already

    def settle(self) -> bytes:
        """Wait until who has been asked makes nothing any more; return the answer, b"" for none."""
        if not self.asked or not self.connection:
            return b""
        self.asked = False
        try:
            return self.connection.recv(processes.REPORT_LIMIT + 1)
        except ConnectionResetError:  # it was killed before it had read the question. unix(7)
            return b""


def answer(connection: socket.socket, config: dict[str, Any]) -> None:
    """Make the control group of *config*, if the monitor at *connection* asks for that.

    What the monitor says first is something else where it needs none, and nothing if it has failed.
    """
    try:
        if connection.recv(1, socket.MSG_PEEK) != ASKED:
            return
    except ConnectionResetError:  # it was killed before it had read what to do
        return
    connection.recv(1)
    try:
        told = STANDS + _fitting(make(cgroups_tree.Group(config["linux"]["cgroupsPath"]), config))
    except Exception as error:
        told = FAILED + processes.report_of(error)
    try:
        connection.send(told)
    except ConnectionError:
        return  # the monitor has been killed: its report says so


def _fitting(warnings: list[str]) -> bytes:
    """Return *warnings* as JSON; of too many for a message those that come first."""
    while True:
        text = records.dump(warnings).encode("utf-8", "surrogateescape")
        if len(text) <= processes.REPORT_LIMIT:
            return text
        warnings = warnings[: len(warnings) // 2]
