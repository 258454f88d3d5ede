"""mini-docker info: the engine, the machine, and whose modules run."""

from __future__ import annotations

import os
import sys

from mini_docker import cgroups_present, containers, image_store, logs_options, namespaces, swap
from mini_docker.cli import version
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import CgroupError, MiniDockerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "info",
    "Display system-wide information",
    "mini-docker info [OPTIONS]",
    (Flag("format", "f", "string", help="Format output using a Go template"),),
    maximum=0,
)


def execute(values: Values, store: Store) -> int:
    """Print the facts, or what a template makes of them."""
    facts = describe(store)
    if values.format == "json":
        import json

        print(json.dumps(facts))
    elif values.format:
        from mini_docker import gotemplate

        print(gotemplate.render(values.format, facts, strict=True))
    else:
        for name, value in facts.items():
            _print(name, value)
    sys.stdout.flush()
    return 0


def _images(root: str) -> int:
    """Return how many images there are: several names may stand for one."""
    found = set()
    for row in image_store.entries(root):
        try:
            found.add(image_store.manifest(root, row["digest"])["config"]["digest"])
        except MiniDockerError:
            found.add(row["digest"])  # it is broken, and there
    return len(found)


def describe(store: Store) -> dict[str, Any]:
    """Return the facts, in the field names of Docker's API where it has them."""
    found, broken = containers.listing(store)
    states = [it.status() for it in found]
    facts, groups = version.describe(), _cgroups()
    return {
        "Containers": len(found) + len(broken),
        "ContainersRunning": states.count("running"),
        "ContainersPaused": states.count("paused"),
        "ContainersStopped": len(found) - states.count("running") - states.count("paused"),
        "Images": _images(store.root),
        "Driver": "overlay2",
        "LoggingDriver": logs_options.daemon()[0],
        **groups,
        "SecurityOptions": _security(groups["CgroupVersion"]),
        "Namespaces": _namespaces(),
        "KernelVersion": facts["KernelVersion"],
        "OperatingSystem": _operating_system(),
        "Architecture": os.uname().machine,
        "NCPU": os.cpu_count(),
        "MemTotal": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "Name": os.uname().nodename,
        "DockerRootDir": store.root,
        "ServerVersion": facts["Version"],
        "PythonVersion": facts["PythonVersion"],
        "Modules": swap.states(),
    }


def _cgroups() -> dict[str, Any]:
    if swap.locked("cgroups"):
        return {"CgroupDriver": "locked: lab 4", "CgroupVersion": "", "CgroupControllers": []}
    try:
        tree = cgroups_present.present()
    except CgroupError as error:
        return {"CgroupDriver": str(error), "CgroupVersion": "", "CgroupControllers": []}
    if tree.version == "v2":
        from mini_docker import cgroups

        controllers = cgroups.read(tree.unified, "cgroup.controllers").split()
    else:
        controllers = sorted(tree.trees)
    number = "2" if tree.version == "v2" else "1"
    return {
        "CgroupDriver": "cgroupfs",
        "CgroupVersion": number,
        "CgroupControllers": controllers,
    }


def _security(version: str) -> list[str]:
    """Return what protects the host from containers, in the words of Docker's API.

    *version* is that of the control groups.
    """
    from mini_docker import configuration, rootless

    found = []
    if not swap.locked("seccomp"):
        found.append("name=seccomp,profile=builtin")
    if configuration.read().get("userns-remap"):
        found.append("name=userns")
    if rootless.active():
        found.append("name=rootless")
    if version == "2":  # a group that can be its own root is private: Docker's default
        found.append("name=cgroupns")
    return found


def _namespaces() -> list[str]:
    if swap.locked("namespaces"):
        return []
    try:
        return list(namespaces.listing(os.getpid()))
    except MiniDockerError:
        return []


def _operating_system() -> str:
    try:
        with open("/etc/os-release") as file:
            for line in file:
                if line.startswith("PRETTY_NAME="):
                    return line.partition("=")[2].strip().strip('"')
    except FileNotFoundError:
        return "Linux"
    return "Linux"


def _print(name: str, value: Any) -> None:
    if isinstance(value, dict):
        print(f"{name}:")
        for key, item in value.items():
            print(f" {key}: {item}")
    elif isinstance(value, list):
        print(f"{name}: {' '.join(value)}")
    else:
        print(f"{name}: {value}")
