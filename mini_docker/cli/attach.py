"""mini-docker attach: the streams of a running container, in this terminal."""

from __future__ import annotations

from mini_docker import containers, swap
from mini_docker.cli.options import Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "attach",
    "Attach local standard input, output, and error streams to a running container",
    "mini-docker attach [OPTIONS] CONTAINER",
    (
        Flag("detach-keys", "", "string", help="Override the key sequence for detaching"),
        Flag("no-stdin", "", help="Do not attach STDIN"),
        Flag("sig-proxy", "", default=True, help="Proxy all received signals to the process"),
    ),
    minimum=1,
    maximum=1,
)


def execute(values: Values, store: Store) -> int:
    """Show what the container writes until its end; return its exit code, or 1 if detached."""
    from mini_docker import attachment, events, processes

    swap.require("streams", what="attach")
    it = containers.load(store, values.arguments[0])
    attachment.demand_running(it)
    config = it.record["Config"]
    tty = bool(config.get("Tty"))
    stdin = bool(config.get("OpenStdin")) and not values.no_stdin
    wish = attachment.Wish((stdin, True, True), tty, values.detach_keys)
    wish.check(not values.no_stdin)
    processes.block()
    connection = attachment.connect(it, wish)
    events.container(it, "attach")
    send = attachment.signaller(it) if values.sig_proxy and not tty else None
    return attachment.serve(connection, wish, send, it, visitor=True)
