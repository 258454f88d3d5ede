"""The config.json of a bundle: what a container is, by the OCI runtime specification.

container.py starts a container from this document and a root, and from nothing
else. The defaults here are Docker's: mounts, masks, capabilities.
"""

from __future__ import annotations

from mini_docker import capabilities_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VERSION = "1.0.2"

# config.json's name for a namespace, and the one of /proc/PID/ns.
FILTER = "seccomp.bpf"  # in a bundle, beside config.json: linux.seccomp, compiled
NAMESPACES = {
    "mount": "mnt",
    "uts": "uts",
    "ipc": "ipc",
    "pid": "pid",
    "network": "net",
    "user": "user",
    "cgroup": "cgroup",
    "time": "time",
}
MASKED = [
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
SHM_SIZE = 64 * 2**20  # bytes
DEVICES = (  # type, major, minor (-1: all), access: what a program may open or make
    ("c", -1, -1, "m"),
    ("b", -1, -1, "m"),
    ("c", 1, 3, "rwm"),
    ("c", 1, 5, "rwm"),
    ("c", 1, 7, "rwm"),
    ("c", 1, 8, "rwm"),
    ("c", 1, 9, "rwm"),
    ("c", 5, 0, "rwm"),
    ("c", 5, 2, "rwm"),
    ("c", 136, -1, "rwm"),
    ("c", 10, 200, "rwm"),
)


def default_mounts(shm_size: int = SHM_SIZE) -> list[dict[str, Any]]:
    """Return the mounts that every container has, in order."""
    safe = ["nosuid", "noexec", "nodev"]

    def mount(target: str, kind: str, options: list[str], source: str = "") -> dict[str, Any]:
        return {
            "destination": target,
            "type": kind,
            "source": source or kind,
            "options": options,
        }

    return [
        mount("/proc", "proc", safe),
        mount("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        mount(
            "/dev/pts",
            "devpts",
            ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        ),
        mount("/sys", "sysfs", [*safe, "ro"]),
        mount("/sys/fs/cgroup", "cgroup", [*safe, "ro"]),
        mount("/dev/mqueue", "mqueue", safe),
        mount("/dev/shm", "tmpfs", [*safe, "mode=1777", f"size={shm_size}"], "shm"),
    ]


def default_spec(args: list[str]) -> dict[str, Any]:
    """Return a config.json that runs *args* in a container with Docker's defaults."""
    names = list(capabilities_names.DEFAULT)
    return {
        "ociVersion": VERSION,
        "process": {
            "terminal": False,
            "user": {"uid": 0, "gid": 0},
            "args": args,
            "env": [],
            "cwd": "/",
            "capabilities": {"bounding": names, "effective": names, "permitted": names},
            "rlimits": [],
            "noNewPrivileges": False,
        },
        "root": {"path": "rootfs", "readonly": False},
        "hostname": "",
        "mounts": default_mounts(),
        "linux": {
            "namespaces": [{"type": kind} for kind in ("mount", "uts", "ipc", "pid", "network")],
            "resources": {"devices": default_devices()},
            "cgroupsPath": "",
            "maskedPaths": list(MASKED),
            "readonlyPaths": list(READ_ONLY),
        },
    }


def default_devices() -> list[dict[str, Any]]:
    """Return the rules of Docker's device list: deny everything, then allow DEVICES."""
    rules: list[dict[str, Any]] = [{"allow": False, "access": "rwm"}]
    for kind, major, minor, access in DEVICES:
        rule: dict[str, Any] = {"allow": True, "type": kind, "access": access}
        if major >= 0:
            rule["major"] = major
        if minor >= 0:
            rule["minor"] = minor
        rules.append(rule)
    return rules


def kinds(config: dict[str, Any]) -> set[str]:
    """Return the kinds of namespace that *config* wants new, by their names in /proc/PID/ns."""
    return {NAMESPACES[ns["type"]] for ns in config["linux"]["namespaces"] if not ns.get("path")}


def mapped(config: dict[str, Any]) -> bool:
    """Say whether *config* wants a user namespace, a new one or another container's."""
    return any(row["type"] == "user" for row in config["linux"]["namespaces"])


def joined(config: dict[str, Any]) -> dict[str, str]:
    """Return the namespaces that *config* wants to join: kind and path."""
    namespaces = config["linux"]["namespaces"]
    return {NAMESPACES[ns["type"]]: ns["path"] for ns in namespaces if ns.get("path")}


def borrowed(config: dict[str, Any]) -> list[str]:
    """Return the sources of mounts that lie in another process's root: /proc/PID/root/PATH."""
    sources = [str(row.get("source", "")) for row in config["mounts"] if row["type"] == "bind"]
    return [source for source in sources if source.startswith("/proc/") and "/root/" in source]
