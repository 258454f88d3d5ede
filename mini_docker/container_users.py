"""A container in a user namespace: what the engine does for it from outside.

The child is born in the new namespace with all rights in there, and for the host's kernel
still as uid 0 of the host: it can join its control group. Then it waits. The engine

    writes its maps, and sets the limits that root alone may raise
    mounts its root, in the child's mount namespace

and lets it go on, as root of its namespace and somebody without rights on the host.
"""

from __future__ import annotations

import os

from mini_docker import (
    container_idmap,
    container_process,
    namespaces,
    namespaces_join,
    processes,
    spec,
    syscalls,
    users,
)
from mini_docker.errors import KernelError, NamespaceError, RootfsError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.container import Start


def create(it: Start, kinds: set[str]) -> int:
    """Fork as namespaces.create does, into a user namespace as well; return 0 in the child.

    The child may not walk the path to the bundle any more, which is for root alone. So it
    is born there: the bundle is its working directory, and "rootfs" lies below.
    """
    back = os.open(".", syscalls.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    os.chmod(it.bundle, 0o711)
    os.chdir(it.bundle)
    pid = -1
    try:
        joined = spec.joined(it.config)
        pid = create_inside(joined, kinds) if "user" in joined else namespaces.create(kinds)
    finally:
        if pid != 0:
            os.fchdir(back)
            os.close(back)
    return pid


def create_inside(joined: dict[str, str], kinds: set[str]) -> int:
    """Fork into the namespaces "user" and "pid" of *joined*, and there into new ones of *kinds*.

    New namespaces belong to the user namespace that their maker is in, and nobody comes
    back from one; from a pid namespace, who is not the host's root does not. So a process
    between us and the child goes in, makes the child, and ends; the kernel then gives the
    child to us, its nearest subreaper. prctl(2).
    """
    syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
    reader, writer = os.pipe()
    between = os.fork()
    if between == 0:
        os.close(reader)
        try:
            # For children a pid namespace: this process stays where its parent can see it.
            namespaces_join.join({k: joined[k] for k in ("user", "pid") if k in joined})
            pid = namespaces.create(kinds)
        except BaseException as error:
            os.write(writer, str(error).encode())
            os._exit(1)
        if pid == 0:
            os.close(writer)
            return 0
        os.write(writer, f"{pid}".encode())
        os._exit(0)
    os.close(writer)
    status = os.waitpid(between, 0)[1]
    # All is said by now. The end of the pipe may never come: the child has it open as well, and
    # others in its pid namespace can stop it as soon as it is born.
    os.set_blocking(reader, False)
    with open(reader, "rb", buffering=0) as pipe:
        said = (pipe.read(processes.REPORT_LIMIT) or b"").decode()
    syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 0)
    if status or not said:
        raise NamespaceError(said or "cannot enter the user namespace: killed on the way")
    return int(said)


def hold(config: dict[str, Any]) -> dict[str, Any]:
    """Return *config* with each path of a namespace to join replaced by a descriptor of ours.

    The child has no right to look into the process that the path names. The descriptors
    are inherited; release() closes ours.
    """
    rows = []
    for row in config["linux"]["namespaces"]:
        if row.get("path"):
            try:
                descriptor = os.open(row["path"], os.O_RDONLY | os.O_CLOEXEC)
            except OSError as error:
                raise NamespaceError(f"cannot join {row['path']}: {reason(error)}") from error
            row = {**row, "path": f"/proc/self/fd/{descriptor}"}
        rows.append(row)
    return {**config, "linux": {**config["linux"], "namespaces": rows}}


def release(config: dict[str, Any]) -> None:
    """Close the descriptors of hold()."""
    for path in spec.joined(config).values():
        os.close(int(path.rpartition("/")[2]))


def settle(it: Start, pid: int) -> None:
    """Do for the waiting child *pid* what takes root: maps, limits, and its root."""
    linux, process = it.config["linux"], it.config["process"]
    if "user" in it.kinds:
        users.write_maps(pid, _ranges(linux["uidMappings"]), _ranges(linux["gidMappings"]))
    container_process.limit(process, pid)
    helper = processes.spawn(lambda _report: container_idmap.mount_root(it, pid))
    if os.waitpid(helper, 0)[1]:
        raise RootfsError("cannot mount the root of the container: the helper was killed")


def _ranges(rows: list[dict[str, int]]) -> list[users.Range]:
    return [users.Range(row["containerID"], row["hostID"], row["size"]) for row in rows]


def enter() -> None:
    """Become root of the user namespace that the caller is in, with no other groups.

    Until then it is a user of the host's whom nothing in here stands for.
    """
    try:
        if users.may_set_groups():
            os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
    except OSError as error:
        raise KernelError(f"cannot become root of the namespace: {reason(error)}") from error


def inside(it: Start) -> dict[str, Any]:
    """Return the config of *it* as it is for the child: its paths, and what is left to do."""
    place = f"./{container_idmap.STAGE}/bundle"
    rows, borrowed = [], spec.borrowed(it.config)
    for row in it.config["mounts"]:
        source = str(row.get("source", ""))
        if row["destination"] == "/":
            continue  # it is mounted
        if source in borrowed:
            row = {**row, "source": f"{place}/shm"}
        elif source.startswith(f"{it.bundle}/"):
            row = {**row, "source": place + source.removeprefix(it.bundle)}
        rows.append(row)
    return {**it.config, "mounts": rows, "process": limited(it.config["process"])}


def limited(process: dict[str, Any]) -> dict[str, Any]:
    """Return *process* without what container_process.limit() has done."""
    rest = {key: value for key, value in process.items() if key != "oomScoreAdj"}
    return {**rest, "rlimits": []}
