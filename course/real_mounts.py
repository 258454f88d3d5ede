"""The real kernel for lab 3: a machine of its own, whose mounts are shared, and a container in it.

    the experiment's process   the machine: a mount namespace cut off from the real one, in
                               which every mount is shared, as systemd has it
    its child                  the container: in new namespaces, where the student's
                               function runs

Works for root, and for an ordinary user, who gets a user namespace.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mini_docker import syscalls

NEW = syscalls.CLONE_NEWNS | syscalls.CLONE_NEWPID | syscalls.CLONE_NEWNET | syscalls.CLONE_NEWIPC


def on_machine(
    folder: Path, container: Callable[[], Any], prepare: Callable[[], Any] = lambda: None
) -> dict[str, Any]:
    """Run *container* in new namespaces on a machine that *prepare* has filled *folder* of.

    *folder* is a new tmpfs. Return what *container* returned as "value", what it raised
    as "error", and the machine's mount table afterwards as "host". NotImplementedError
    goes on to the caller.
    """
    _unshare()
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    syscalls.mount("tmpfs", str(folder), "tmpfs", 0, "mode=755")
    prepare()
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_SHARED)
    reader, writer = os.pipe()
    with open("/proc/self/mountinfo") as info:  # read in the end: by then /proc may be gone
        pid = syscalls.clone(NEW)
        if pid == 0:
            os.write(writer, json.dumps(_told(container)).encode())
            os._exit(0)
        os.close(writer)
        with open(reader, "rb") as pipe:
            told = json.loads(pipe.read() or b'{"error": "the end of the process"}')
        os.waitpid(pid, 0)
        if told["error"] == "NotImplementedError":
            raise NotImplementedError(told["message"])
        return {**told, "host": table(info.read())}


def _unshare() -> None:
    """Enter a mount namespace of our own; an ordinary user is root in a user namespace first."""
    if os.geteuid() == 0:
        return syscalls.unshare(syscalls.CLONE_NEWNS)
    user, group = os.geteuid(), os.getegid()
    syscalls.unshare(syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNS)
    for file, text in (
        ("setgroups", "deny"),
        ("uid_map", f"0 {user} 1"),
        ("gid_map", f"0 {group} 1"),
    ):
        Path(f"/proc/self/{file}").write_text(text)
    return None


def _told(container: Callable[[], Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"value": None, "error": "", "message": ""}
    try:
        told["value"] = container()
    except Exception as error:
        told |= {"error": type(error).__name__, "message": str(error)}
    return told


def table(text: str = "") -> dict[str, dict[str, Any]]:
    """Return this process's mounts by their place, the topmost of each: /proc/self/mountinfo."""
    rows = {}
    for line in (text or Path("/proc/self/mountinfo").read_text()).splitlines():
        words = line.split()
        dash = words.index("-")
        rows[words[4]] = {
            "number": words[0],
            "parent": words[1],
            "options": words[5].split(","),
            "shared": any(word.startswith("shared:") for word in words[6:dash]),
            "type": words[dash + 1],
            "source": words[dash + 2] if words[3] == "/" else words[3],
        }
    return rows


def refusal(action: Callable[[], Any]) -> str:
    """Return the kernel's words for refusing *action*; "" if it did not."""
    try:
        action()
    except OSError as error:
        return error.strerror or str(error)
    return ""
