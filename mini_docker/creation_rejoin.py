"""Start a container anew that shares another one's namespaces: those of its process 1 by now."""

from __future__ import annotations

from mini_docker import records, settings, settings_users, spec
from mini_docker.errors import Conflict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.containers import Container


def rejoin(it: Container) -> None:
    """Let the config.json of *it* name the namespaces of other containers as they are now.

    They were those of a process when the container was made: that may have ended since, and
    another one bear its number. One that shares nothing stays as it is. Raises what
    settings.bundle() would raise today, and Conflict if it would be a container of another kind.
    """
    if not it.joins():
        return
    store, host = it.store, it.record["HostConfig"]
    rows = settings.namespaces(host, store, "v2" if "cgroup" in spec.kinds(it.config()) else "v1")
    if maps := settings_users.choose(it.record, [], store):
        rows.append({"type": "user", "path": maps["path"]})
    memory = ""
    if host.get("IpcMode", "").startswith("container:"):
        pid = settings.running_pid(store, host["IpcMode"].removeprefix("container:"))
        memory = f"/proc/{pid}/root/dev/shm"
    with it.change():  # it has further authors: update
        document = it.config()
        linux = document["linux"]
        if {row["type"] for row in rows} != {row["type"] for row in linux["namespaces"]}:
            raise Conflict(
                f"cannot start container {it.name()}: the container whose namespaces it shares is "
                "in another user namespace than when it was created; create it anew"
            )
        linux["namespaces"] = rows
        for row in document["mounts"]:
            if memory and row["destination"] == "/dev/shm":
                row["source"] = memory
        records.write(f"{store.directory(it.id)}/config.json", document)
