"""From the start of a container to its end, as its monitor lives through it.

    look after it  ──its process 1 has ended──>  write the end down  ──>  start it again
    (monitor_loop)                               (monitor_end)            (monitor_again)

Every so often the process becomes a smaller one in between: see monitor_handover.py.
"""

from __future__ import annotations

import os

from mini_docker import monitor_handover

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.monitor_loop import Loop


def resume(memory: int, root: str, id: str) -> int:
    """Go on from what monitor_handover.become() has written to *memory*."""
    state = monitor_handover.remembered(memory)
    try:
        if "due" in state:
            from mini_docker import monitor_again

            loop = monitor_again.wait(root, id, state)
            return look_after(loop) if loop else 0
        return look_after(monitor_handover.unpack(root, state["run"], id, state))
    except BaseException as error:
        confess(f"{root}/containers/{id}", error)
        return 1


def look_after(loop: Loop) -> int:
    """Look after the container of *loop* until there is nothing to look after."""
    if not loop.run():
        from mini_docker import monitor_end

        monitor_end.become_slim(loop)
    from mini_docker import monitor_end

    monitor_end.finish(loop)
    return 0


def confess(directory: str, error: BaseException) -> None:
    """Write down why this monitor cannot go on: it has no terminal to say so.

    The next command that looks at the container finds no monitor, and puts its state right.
    """
    import traceback

    text = "".join(traceback.format_exception(error))
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(f"{directory}/monitor.log", flags, 0o600)
    except FileNotFoundError:
        return  # the container has been removed: nobody is left to read it
    os.write(descriptor, text.encode("utf-8", "backslashreplace"))
    os.close(descriptor)
