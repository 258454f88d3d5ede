"""mini-docker version."""

from __future__ import annotations

import os
import sys

from mini_docker.cli.options import Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

VERSION = "0.1.0"
COMMAND = Command(
    "version",
    "Show the version information",
    "mini-docker version [OPTIONS]",
    (
        Flag("format", "f", "string", help="Format output using a Go template"),
        Flag("short", "", help=""),
    ),
    maximum=0,
)


def execute(values: Values, store: Store) -> int:
    """Print the versions of the engine and of what it stands on."""
    facts = describe()
    if values.short:
        print(f"mini-docker version {VERSION}")
    elif values.format:
        from mini_docker import gotemplate

        print(gotemplate.render(values.format, {"Client": facts, "Server": facts}, strict=True))
    else:
        print("mini-docker:")
        for name, value in facts.items():
            print(f" {name + ':':<18}{value}")
    return 0


def describe() -> dict[str, str]:
    """Return the versions, in the field names of Docker's API where it has them."""
    system = os.uname()
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(system.machine, system.machine)
    return {
        "Version": VERSION,
        "PythonVersion": sys.version.split()[0],
        "Os": "linux",
        "Arch": machine,
        "KernelVersion": system.release,
    }
