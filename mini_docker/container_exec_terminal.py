"""The terminal of an exec: made in the container, by the process that is to have it.

Its devpts may be anything by now: streams.open_terminal() looks. Both ends go to whoever
plays the screen, through a connection (SCM_RIGHTS, unix(7)).
"""

from __future__ import annotations

import os

from mini_docker import container_terminal, streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable


def taker(connection: socket.socket, late: bool) -> Callable[[], None]:
    """Return what makes a terminal the caller's streams, and sends both ends to *connection*.

    One that is *late* is not the one who will be the program (container_birth): a session ends
    with its leader, so the terminal goes to the session of the other. See own().
    """

    def take() -> None:
        slave = container_terminal.make(connection)
        if late:
            for stream in (0, 1, 2):
                os.dup2(slave, stream)
        else:
            streams.take_terminal(slave)

    return take


def own(give: Callable[[], None]) -> Callable[[], None]:
    """Return *give*, after which the new process leads a session and has the terminal there."""

    def then() -> None:
        give()
        os.setsid()
        streams.take_terminal(0)

    return then
