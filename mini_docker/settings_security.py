"""What a container may do, as config.json says it: capabilities, devices, sysctls, privileged.

From the record's HostConfig, whose words are Docker's. settings.bundle() calls secure()
once all namespaces are known.
"""

from __future__ import annotations

import sys

from mini_docker import capabilities, capabilities_names, spec, swap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LAST = "/proc/sys/kernel/cap_last_cap"


def secure(document: dict[str, Any], host: dict[str, Any], user: str) -> None:
    """Add to *document* what HostConfig *host* says about rights; *user* is Config's User."""
    process, linux = document["process"], document["linux"]
    process["noNewPrivileges"] = no_new_privileges(host.get("SecurityOpt", []))
    if swap.locked("capabilities"):
        del process["capabilities"]  # nothing will be taken away, so nothing is promised
    else:
        process["capabilities"] = rights(host, document, user)
    options = host.get("SecurityOpt", [])
    if host.get("Privileged") or "systempaths=unconfined" in options:
        linux["maskedPaths"], linux["readonlyPaths"] = [], []
    if host.get("Privileged"):
        _open_kernel_files(document)
    if host.get("Privileged") or host.get("Devices") or host.get("DeviceCgroupRules"):
        _add_devices(linux, host)
    values = _sysctls(host)
    if values:
        linux["sysctl"] = values


def rights(host: dict[str, Any], document: dict[str, Any], user: str) -> dict[str, list[str]]:
    """Return process.capabilities: what is asked for, as far as the engine itself has it.

    A user other than root has none of it at first, only what the bounding set lets him
    get. A user that only the image knows by name is taken for root here; who it is
    turns out in the container, and capabilities.apply() acts on that.
    """
    names = capabilities_names.names(_compute(host, _bounding(document)))
    uid = user.partition(":")[0]
    root = not uid.isdecimal() or not uid.strip("0")
    own = names if root else []
    return {"bounding": names, "effective": own, "permitted": own}


def privileged(document: dict[str, Any]) -> dict[str, list[str]]:
    """Return process.capabilities of `exec --privileged` in the container of *document*."""
    return rights({"Privileged": True}, document, "0")


def lost(host: dict[str, Any], document: dict[str, Any]) -> list[str]:
    """Return the names of capabilities that *host* asks for and *document* does not have."""
    if "capabilities" not in document["process"]:
        return []
    wanted = _compute(host, capabilities_names.EVERYTHING)
    has = capabilities_names.mask(document["process"]["capabilities"]["bounding"])
    return capabilities_names.names(wanted & ~has)


def warn(host: dict[str, Any], document: dict[str, Any]) -> None:
    """Say on stderr which capabilities are lost, in one line."""
    if names := lost(host, document):
        print(
            f"WARNING: the engine itself does not have {', '.join(names)}: "
            "the container runs without",
            file=sys.stderr,
        )


def no_new_privileges(options: list[str]) -> bool:
    """Say whether --security-opt asks for no-new-privileges; the last word counts."""
    found = False
    for option in options:
        name, _, value = option.replace("=", ":", 1).partition(":")
        if name == "no-new-privileges":
            found = value in ("", "1", "t", "T", "true", "TRUE", "True")
    return found


def _compute(host: dict[str, Any], bounding: int) -> int:
    add, drop = host.get("CapAdd") or (), host.get("CapDrop") or ()
    return capabilities.compute(add, drop, bool(host.get("Privileged")), bounding)


def _bounding(document: dict[str, Any]) -> int:
    """Return the bounding set that the container's first process will have before bound().

    It is the engine's own, at this moment. In a user namespace, new or joined, every set
    is full again: those capabilities count only for what belongs to that namespace.
    """
    if any(row["type"] == "user" for row in document["linux"]["namespaces"]):
        with open(LAST, encoding="ascii") as file:
            return (2 << int(file.read())) - 1
    return capabilities.sets("self")["bounding"]


def _open_kernel_files(document: dict[str, Any]) -> None:
    """Let the container write to the kernel's own files, as --privileged asks."""
    if document["root"]["readonly"]:
        return
    for row in document["mounts"]:
        if row["destination"] in ("/sys", "/sys/fs/cgroup"):
            row["options"] = [word for word in row["options"] if word != "ro"]


def _add_devices(linux: dict[str, Any], host: dict[str, Any]) -> None:
    """Fill linux.devices, and open the device list for what was asked for."""
    from mini_docker import devices

    everything = bool(host.get("Privileged"))
    nodes = devices.of_host() if everything else []
    rules = [{"allow": True, "access": "rwm"}] if everything else []
    for row in host.get("Devices") or ():
        if everything and row["PathOnHost"] == row["PathInContainer"]:
            continue  # it is there already
        found, allowed = devices.given(row)
        nodes += found
        rules += [] if everything else allowed
    if not everything:
        rules += [devices.rule(text) for text in host.get("DeviceCgroupRules") or ()]
    linux["devices"] = nodes
    linux["resources"]["devices"] = [*spec.default_devices(), *rules]


def _sysctls(host: dict[str, Any]) -> dict[str, str]:
    mode = host.get("NetworkMode", "")
    own = mode != "host" and not mode.startswith("container:")
    from mini_docker import sysctls

    defaults = sysctls.DEFAULTS if own else {}
    return {**defaults, **(host.get("Sysctls") or {})}
