"""system restart-policy --stop: what the unit of systemd does when the machine goes down.

Without it nobody asks the containers to end before the network and the mounts go. systemd sends
TERM to whatever runs in the end, and waits 90 seconds for it; but a monitor takes no signal, a
process 1 only one that it has asked for, and what has ended its policy starts again.
"""

from __future__ import annotations

import subprocess

from mini_docker import containers, operations
from mini_docker.cli.each import together
from mini_docker.errors import ConfigError, NotFound, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.store import Store


def stop_all(store: Store) -> int:
    """Stop each container that runs, but only if the machine is going down: see systemctl(1)."""
    try:
        words = ("systemctl", "is-system-running")
        said = subprocess.run(words, capture_output=True, check=False).stdout.strip()
    except OSError as error:
        raise ConfigError(
            f"cannot ask systemctl for the system's state: {reason(error)}"
        ) from error
    if said != b"stopping":
        return 0
    found, _ = containers.listing(store)
    return together(store, [it.id for it in found if it.alive()], _stop)


def _stop(it: containers.Container) -> None:
    """Stop *it* as `stop` does. That was nobody's wish, so lifecycle.at_boot() is not to know.

    moby, daemon/kill.go: HasBeenManuallyStopped, and IsShuttingDown().
    """
    wished = it.state.get("Stopped")
    operations.stop(it)
    try:
        with it.change():
            it.reload()
            if not wished and not it.alive():
                it.update(Stopped=False)
    except NotFound:
        pass  # it had --rm
