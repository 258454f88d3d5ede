"""mini-docker system restart-policy: what --restart means when the machine has started again.

There is no daemon that would see to it. A unit of systemd runs `--run` once at each boot: it
starts the containers whose policy wants them back; and `--stop` when the machine goes down.
"""

from __future__ import annotations

import os
import sys

from mini_docker import containers, lifecycle, operations
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import ConfigError, MiniDockerError, StateError, UsageError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

UNIT = "/etc/systemd/system/mini-docker-restart.service"
TEXT = """\
[Unit]
Description=Start the containers of mini-docker whose restart policy wants them
After=network-online.target local-fs.target
Wants=network-online.target
RequiresMountsFor={mounts}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={program} --root {root} system restart-policy --run
# The boot waits for this, and a file system may hold a start up.
TimeoutStartSec=5min
# Stops them when the machine goes down, and not when only this unit is stopped.
ExecStop={program} --root {root} system restart-policy --stop
# One that could not be started is in the journal; the others are to be stopped all the same.
SuccessExitStatus=1
# A container is nobody's child here: its monitor leaves this unit's group.
KillMode=process

[Install]
WantedBy=multi-user.target
"""
COMMAND = Command(
    "system restart-policy",
    "Start containers again after the machine has been restarted",
    "mini-docker system restart-policy [OPTIONS]",
    (
        Flag("install", "", help=f"Write the systemd unit to {UNIT} (default: print it)"),
        Flag("run", "", help="Start the containers whose restart policy wants them"),
        Flag("stop", "", help="Stop all containers if the machine is going down"),
    ),
    maximum=0,
)


def execute(values: Values, store: Store) -> int:
    """Print the unit, install it, or do what it does."""
    given = [name for name in ("install", "run", "stop") if getattr(values, name)]
    if len(given) > 1:
        both = " and ".join(f"--{name}" for name in given[:2])
        raise UsageError(f"conflicting options: cannot specify both {both}")
    if values.run:
        return start_all(store)
    if values.stop:
        from mini_docker.cli import system_shutdown

        return system_shutdown.stop_all(store)
    program = _program()
    mounts = f"{_quoted(store.root, '%')} {_quoted(os.path.realpath(program), '%')}"
    text = TEXT.format(program=_quoted(program), root=_quoted(store.root), mounts=mounts)
    if not values.install:
        print(text, end="")
        return 0
    try:
        with open(UNIT, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(f"cannot write {UNIT}: {reason(error)}") from error
    print(f"{UNIT} is written; now: systemctl enable --now {os.path.basename(UNIT)}")
    return 0


def start_all(store: Store) -> int:
    """Start each container that lifecycle.at_boot() wants, the oldest first; print its name."""
    from mini_docker.cli import start

    found, broken = containers.listing(store)
    wanted = [it for it in reversed(found) if not it.alive() and _wanted(it)]
    start.seal(store, [it.id for it in wanted])
    for it in wanted:
        try:
            operations.launch(it)
            print(it.name(), flush=True)
        except (MiniDockerError, OSError) as error:
            broken.append(StateError(f"cannot start container {it.name()}: {error}"))
    for failure in broken:
        print(f"mini-docker: {failure}", file=sys.stderr)
    return 1 if broken else 0


def _wanted(it: containers.Container) -> bool:
    return lifecycle.at_boot(it.record["HostConfig"].get("RestartPolicy") or {}, it.state)


def _program() -> str:
    """Return the program to run: what is in PATH, or the launcher of this clone."""
    import shutil

    found = shutil.which("mini-docker")
    here = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return found or f"{here}/bin/mini-docker"


def _quoted(word: str, doubled: str = "%$") -> str:
    """Return *word* as systemd reads it back: systemd.syntax(7), "Quoting".

    What is *doubled* stands for itself then: %, a specifier, and where there is a command $.
    """
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    for sign in doubled:
        escaped = escaped.replace(sign, 2 * sign)
    return f'"{escaped}"' if any(c in word for c in " \t\"'\\;") else escaped
