"""A container in the foreground: start it, and be the first client of its monitor."""

from __future__ import annotations

from mini_docker import supervisor, swap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.attachment import Wish
    from mini_docker.containers import Container
    from mini_docker.store import Lock
    from mini_docker.supervisor import Monitor


def run(
    it: Container, life: Lock, wish: Wish, proxy: bool = True, monitor: Monitor | None = None
) -> int:
    """Start *it*, show what *wish* asks for, and return its exit code.

    *proxy* says whether signals are passed on to it; for *monitor* see supervisor.launch().
    Raises what went wrong in the start. The caller has called processes.block().
    """
    if swap.locked("streams"):
        from mini_docker import supervisor_plain

        return supervisor_plain.run(it, wish.stdin)
    monitor = monitor or supervisor.fork(life)
    monitor.order(it, life, wish.hello())
    from mini_docker import attachment  # while the monitor is at work

    connection = monitor.wait(it)
    return attachment.serve(connection, wish, attachment.signaller(it) if proxy else None, it)
