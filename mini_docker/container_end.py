"""The end of a container, as far as it is the kernel's: its control group goes."""

from __future__ import annotations

from mini_docker import cgroups_tree, spec, swap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def end(config: dict[str, Any]) -> bool:
    """Remove the control group of a container whose process 1 has ended.

    Return whether the kernel killed something in it for want of memory. With a pid
    namespace of its own, everything in the container has ended with process 1.
    Otherwise what is left in the group is killed first.
    """
    path = config["linux"].get("cgroupsPath")
    if not path or swap.locked("cgroups"):
        return False
    group = cgroups_tree.Group(path)
    if not group.exists():
        return False
    out_of_memory = group.killed_for_memory()
    if "pid" not in spec.kinds(config) or swap.locked("namespaces"):
        group.kill()
    group.remove()
    return out_of_memory
