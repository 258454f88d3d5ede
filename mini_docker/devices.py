"""--device: devices of the host, as nodes and rules of a container's config.json.

A node is an entry of linux.devices, a rule one of linux.resources.devices. Words and
refusals are Docker's. config-linux.md, "Devices" and "Allowed Device List".
"""

from __future__ import annotations

import os
import stat

from mini_docker.errors import ConfigError, UsageError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Node = dict[str, Any]
    Rule = dict[str, Any]

MOST = 4096  # nodes that one directory, or the host's /dev, may have
# What is in /dev without being a device, or belongs to a terminal of the host's.
NOT_OURS = frozenset(("pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev", "console"))


def mapping(text: str) -> dict[str, str]:
    """Return --device=SOURCE[:TARGET][:ACCESS] as Docker's API has it; ValueError if it is none.

    >>> mapping("/dev/fuse:r")["CgroupPermissions"]
    'r'
    """
    parts = text.split(":")
    if len(parts) > 3 or not parts[0]:
        raise ValueError(f"bad format for path: {text}")
    source, target, access = parts[0], parts[0], "rwm"
    if len(parts) == 3:
        target, access = parts[1:]
        if not is_access(access):
            raise ValueError(f"bad mode specified: {access}")
    elif len(parts) == 2 and is_access(parts[1]):
        access = parts[1]
    elif len(parts) == 2:
        target = parts[1]
    for path in (source, target):
        if not path.startswith("/"):
            raise ValueError(f"{path} is not an absolute path")
    source, target = os.path.normpath(source), os.path.normpath(target)
    return {"PathOnHost": source, "PathInContainer": target, "CgroupPermissions": access}


def is_access(text: str) -> bool:
    """Say whether *text* is made of r (read), w (write) and m (mknod), each at most once."""
    return bool(text) and set(text) <= set("rwm") and len(set(text)) == len(text)


def cgroup_rule(text: str) -> str:
    """Return --device-cgroup-rule as it is; ValueError unless it is "TYPE MAJOR:MINOR ACCESS"."""
    refusal = ValueError(f"invalid device cgroup format '{text}'")
    try:
        kind, numbers, access = text.split(" ")
        pair = numbers.split(":")
    except ValueError:
        raise refusal from None
    fits = kind in ("a", "b", "c") and len(pair) == 2 and len(access) <= 3
    if not fits or not set(access) <= set("rwm") or not access:
        raise refusal
    if not all(it == "*" or (it.isascii() and it.isdigit() and len(it) < 10) for it in pair):
        raise refusal
    return text


def rule(text: str) -> Rule:
    """Return a device cgroup rule, checked by cgroup_rule(), as one of config.json."""
    kind, numbers, access = text.split(" ")
    found: Rule = {"allow": True, "type": kind, "access": access}
    for name, number in zip(("major", "minor"), numbers.split(":"), strict=True):
        if number != "*":
            found[name] = int(number)
    return found


def given(row: dict[str, str]) -> tuple[list[Node], list[Rule]]:
    """Return the nodes and rules for one entry of HostConfig.Devices: a device, or a directory.

    Raises ConfigError, in Docker's words, if there is no such device on the host.
    """
    source, target = row["PathOnHost"], row["PathInContainer"]
    real = os.path.realpath(source)
    try:
        nodes = _below(real, target) if os.path.isdir(real) else [_node(real, target)]
    except OSError as error:
        raise ConfigError(_refusal(source, reason(error).lower())) from error
    if not nodes or None in nodes:
        raise ConfigError(_refusal(source, "not a device node"))
    found = [node for node in nodes if node]
    if real != target:  # for a user namespace, where a node is bound from the host's
        for node in found:
            node["source"] = real + node["path"].removeprefix(target)
    return found, [_rule_for(node, row["CgroupPermissions"]) for node in found]


def of_host() -> list[Node]:
    """Return a node for each device in the host's /dev, at the same path: for --privileged.

    What vanishes meanwhile, or is closed to us (an ordinary user), is left out.
    """
    return [node for node in _below("/dev", "/dev", NOT_OURS) if node]


def _below(directory: str, target: str, without: frozenset[str] = frozenset()) -> list[Node | None]:
    """Return the nodes below *directory*; links and ordinary files are left out."""
    found: list[Node | None] = []
    with os.scandir(directory) as entries:
        for entry in sorted(entries, key=lambda it: it.name):
            if entry.name in without or entry.is_symlink():
                continue
            try:
                found += _entry(entry, f"{target}/{entry.name}", without)
            except (FileNotFoundError, PermissionError):
                if not without:
                    raise  # somebody has named this directory
            if len(found) > MOST:
                raise UsageError(f"{directory} has more than {MOST} devices")
    return found


def _entry(
    entry: os.DirEntry[str], target: str, without: frozenset[str]
) -> list[Node] | list[Node | None]:
    if entry.is_dir(follow_symlinks=False):
        return _below(entry.path, target, without)
    node = _node(entry.path, target)
    return [node] if node else []


def _node(path: str, target: str) -> Node | None:
    """Return the node at *path* for *target*; None if it is no device."""
    status = os.lstat(path)
    if stat.S_ISBLK(status.st_mode):
        kind = "b"
    elif stat.S_ISCHR(status.st_mode):
        kind = "c"
    else:
        return None
    return {
        "type": kind,
        "path": target,
        "major": os.major(status.st_rdev),
        "minor": os.minor(status.st_rdev),
        "fileMode": stat.S_IMODE(status.st_mode),
        "uid": status.st_uid,
        "gid": status.st_gid,
    }


def _rule_for(node: Node, access: str) -> Rule:
    numbers = {key: node[key] for key in ("type", "major", "minor")}
    return {"allow": True, "access": access, **numbers}


def _refusal(path: str, why: str) -> str:
    return f'error gathering device information while adding custom device "{path}": {why}'
