"""From what was asked for to what the kernel will be told.

A container's record has two objects in Docker's words: Config, what the image and
the command line say about the program, and HostConfig, what the command line says
about the machine. bundle() turns them into the config.json of an OCI bundle.
"""

from __future__ import annotations

import os
import stat

from mini_docker import layers_options, settings_security, settings_users, spec
from mini_docker.errors import ConfigError, NotFound, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.store import Store

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FILES = ("hostname", "hosts", "resolv.conf")  # each container's own, bound into its /etc
BLOCK_DEVICES = (  # HostConfig's name, the OCI's name, the key of the number
    ("BlkioWeightDevice", "weightDevice", "weight", "Weight"),
    ("BlkioDeviceReadBps", "throttleReadBpsDevice", "rate", "Rate"),
    ("BlkioDeviceWriteBps", "throttleWriteBpsDevice", "rate", "Rate"),
    ("BlkioDeviceReadIOps", "throttleReadIOPSDevice", "rate", "Rate"),
    ("BlkioDeviceWriteIOps", "throttleWriteIOPSDevice", "rate", "Rate"),
)


def bundle(
    record: dict[str, Any],
    layers: list[str],
    store: Store,
    version: str,
    maps: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the config.json of the container *record*, whose root is made of *layers*.

    *layers* are directories, the topmost first; one that the container may write itself
    stands alone and is marked by record["Rootfs"]. *version* is the cgroup version,
    *maps* what settings_users.choose() has chosen.
    """
    config, host = record["Config"], record["HostConfig"]
    document = spec.default_spec([record["Path"], *record["Args"]])
    process, linux = document["process"], document["linux"]
    process["env"] = environment(config, host, store)
    process["cwd"] = config.get("WorkingDir") or "/"
    process["user"]["username"] = config.get("User") or "0"  # by name: with its groups
    process["user"]["groups"] = host.get("GroupAdd", [])
    process["rlimits"] = [
        {"type": f"RLIMIT_{u['Name'].upper()}", "soft": u["Soft"], "hard": u["Hard"]}
        for u in host.get("Ulimits", [])
    ]
    if host.get("OomScoreAdj"):
        process["oomScoreAdj"] = host["OomScoreAdj"]
    document["root"]["readonly"] = bool(host.get("ReadonlyRootfs"))
    document["hostname"] = config["Hostname"]
    if host.get("Annotations"):
        document["annotations"] = host["Annotations"]
    document["domainname"] = config.get("Domainname", "")
    document["mounts"] = mounts(record, layers, store)
    linux["namespaces"] = namespaces(host, store, version)
    linux["cgroupsPath"] = f"{host.get('CgroupParent') or '/mini-docker'}/{record['Id']}"
    linux["resources"].update(resources(host))
    settings_users.apply(document, host, maps)
    settings_security.secure(document, host, config.get("User", ""))
    return document


def environment(config: dict[str, Any], host: dict[str, Any], store: Store) -> list[str]:
    """Return the environment, in Docker's order: PATH, HOSTNAME, TERM, and what was asked for."""
    uts = host.get("UTSMode", "")
    name = os.uname().nodename if uts == "host" else config["Hostname"]
    merged = dict(pair.split("=", 1) for pair in (PATH, f"HOSTNAME={name}"))
    if config.get("Tty"):
        merged["TERM"] = "xterm"
    for pair in config.get("Env", []):
        key, equals, value = pair.partition("=")
        if equals:
            merged[key] = value
        else:
            merged.pop(key, None)  # "-e NAME" of a variable that the caller lacks
    return [f"{key}={value}" for key, value in merged.items()]


def mounts(record: dict[str, Any], layers: list[str], store: Store) -> list[dict[str, Any]]:
    """Return the mounts: the root itself, Docker's defaults, the container's files, --tmpfs."""
    directory, host = store.directory(record["Id"]), record["HostConfig"]
    rows = [_root_mount(record, layers, directory)]
    rows += spec.default_mounts(host.get("ShmSize") or spec.SHM_SIZE)
    if host.get("IpcMode") == "host":
        shared = {"/dev/shm", "/dev/mqueue"}
        rows = [row for row in rows if row["destination"] not in shared]
        rows += [_bind(path, path, []) for path in sorted(shared) if os.path.isdir(path)]
    elif host.get("IpcMode", "").startswith("container:"):
        rows = [row for row in rows if row["destination"] != "/dev/shm"]
        pid = running_pid(store, host["IpcMode"].removeprefix("container:"))
        rows.append(_bind("/dev/shm", f"/proc/{pid}/root/dev/shm", []))
    elif host.get("IpcMode") == "none":
        rows = [row for row in rows if row["destination"] != "/dev/shm"]
    rows += [_bind(f"/etc/{name}", f"{directory}/{name}", []) for name in FILES]
    for target, options in host.get("Tmpfs", {}).items():
        words = ["nosuid", "nodev", "noexec", *filter(None, options.split(","))]
        row = {"destination": target, "type": "tmpfs", "source": "tmpfs", "options": words}
        rows.append(row)
    return rows


def _root_mount(record: dict[str, Any], layers: list[str], directory: str) -> dict[str, Any]:
    if record.get("Rootfs"):
        return _bind("/", record["Rootfs"], ["rbind"])
    places = layers_options.places(layers, f"{directory}/upper", f"{directory}/work")
    options = [*places, *layers_options.OPTIONS]
    return {"destination": "/", "type": "overlay", "source": "overlay", "options": options}


def _bind(target: str, source: str, options: list[str]) -> dict[str, Any]:
    words = options or ["rbind"]
    return {"destination": target, "type": "bind", "source": source, "options": words}


def namespaces(host: dict[str, Any], store: Store, version: str) -> list[dict[str, Any]]:
    """Return linux.namespaces: private unless a mode says "host" or "container:NAME"."""
    rows: list[dict[str, Any]] = [{"type": "mount"}]
    modes = {
        "uts": host.get("UTSMode", ""),
        "ipc": host.get("IpcMode", ""),
        "pid": host.get("PidMode", ""),
        "network": host.get("NetworkMode", ""),
        # Docker's default: private where the group can be its own root, version 2.
        "cgroup": host.get("CgroupnsMode") or ("private" if version == "v2" else "host"),
    }
    for kind, mode in modes.items():
        if mode.startswith("container:"):
            pid = running_pid(store, mode.removeprefix("container:"))
            if kind == "pid":
                _look_out(store, mode.removeprefix("container:"), host, pid)
            rows.append({"type": kind, "path": f"/proc/{pid}/ns/{spec.NAMESPACES[kind]}"})
        elif mode != "host":
            rows.append({"type": kind})
    return rows


def running_pid(store: Store, reference: str) -> int:
    """Return the pid of a running container; an error in Docker's words if it is not running."""
    from mini_docker import containers

    found = containers.load(store, reference)
    if not found.running():
        raise ConfigError(f"cannot join the namespace of a non running container: {reference}")
    return found.pid()


def _look_out(store: Store, reference: str, host: dict[str, Any], pid: int) -> None:
    """Refuse to start in sight of a container that could take hold of us meanwhile.

    We begin with all rights, in the pid namespace that is shared; CAP_SYS_PTRACE is enough
    to trace us there. A privileged container has the machine already. The other way round,
    a new container may trace an old one: that is written down for all later commands.
    """
    from mini_docker import containers, sealed, tracers

    found = containers.load(store, reference)
    config = found.config()
    rights = config["process"].get("capabilities")
    traces = rights is not None and "CAP_SYS_PTRACE" in rights["bounding"]
    traces = traces or (sealed.announced(config) and tracers.present(pid))
    if traces and not found.record["HostConfig"].get("Privileged"):
        raise ConfigError(
            f"cannot join the pid namespace of container {reference}: it has CAP_SYS_PTRACE and "
            "could trace the engine there; give the capability to the container that joins"
        )
    if sealed.may_trace(host):
        tracers.announce(store, pid)


def resources(host: dict[str, Any]) -> dict[str, Any]:
    """Return linux.resources for the limits of *host*. config-linux.md, "Control groups"."""
    memory = {
        "limit": host.get("Memory"),
        "swap": host.get("MemorySwap"),
        "reservation": host.get("MemoryReservation"),
        "swappiness": host.get("MemorySwappiness"),
        "disableOOMKiller": host.get("OomKillDisable"),
    }
    cpu = {
        "shares": host.get("CpuShares"),
        "quota": host.get("CpuQuota"),
        "period": host.get("CpuPeriod"),
        "cpus": host.get("CpusetCpus"),
        "mems": host.get("CpusetMems"),
    }
    if host.get("NanoCpus"):
        period = 100_000  # microseconds, as Docker divides them
        cpu.update(period=period, quota=host["NanoCpus"] * period // 10**9)
    block: dict[str, Any] = {"weight": host.get("BlkioWeight")}
    for ours, theirs, key, given in BLOCK_DEVICES:
        if host.get(ours):
            block[theirs] = [{**device(row["Path"]), key: row[given]} for row in host[ours]]
    found: dict[str, Any] = {
        name: {key: value for key, value in part.items() if value not in (None, "", False)}
        for name, part in (("memory", memory), ("cpu", cpu), ("blockIO", block))
    }
    if host.get("PidsLimit") is not None:
        found["pids"] = {"limit": host["PidsLimit"]}
    return {name: part for name, part in found.items() if part}


def device(path: str) -> dict[str, int]:
    """Return the numbers of the block device *path*, in the words of the specification."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise NotFound(f"error gathering device information: {path}: {error.strerror}") from error
    if not stat.S_ISBLK(status.st_mode):
        raise UsageError(f"{path} is not a block device")
    return {"major": os.major(status.st_rdev), "minor": os.minor(status.st_rdev)}
