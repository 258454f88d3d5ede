"""What `inspect` shows: a container in the field names of Docker's API.

The record keeps only what was said; here every field has its place, in Docker's order,
so that a template or a script written for docker finds it. Docker Engine API, "Inspect a
container".
"""

from __future__ import annotations

from mini_docker import logs_files, spec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.containers import Container

HOST_CONFIG: dict[str, Any] = {
    "Binds": None,
    "ContainerIDFile": "",
    "LogConfig": {"Type": "json-file", "Config": {}},
    "NetworkMode": "none",
    "PortBindings": {},
    "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
    "AutoRemove": False,
    "VolumeDriver": "",
    "VolumesFrom": None,
    "CapAdd": None,
    "CapDrop": None,
    "CgroupnsMode": "",
    "Dns": [],
    "DnsOptions": [],
    "DnsSearch": [],
    "ExtraHosts": None,
    "GroupAdd": None,
    "IpcMode": "private",
    "Cgroup": "",
    "Links": None,
    "OomScoreAdj": 0,
    "PidMode": "",
    "Privileged": False,
    "PublishAllPorts": False,
    "ReadonlyRootfs": False,
    "SecurityOpt": None,
    "Tmpfs": None,
    "UTSMode": "",
    "UsernsMode": "",
    "ShmSize": spec.SHM_SIZE,
    "Runtime": "mini-docker",
    "Isolation": "",
    "CpuShares": 0,
    "Memory": 0,
    "NanoCpus": 0,
    "CgroupParent": "",
    "BlkioWeight": 0,
    "BlkioWeightDevice": [],
    "BlkioDeviceReadBps": [],
    "BlkioDeviceWriteBps": [],
    "BlkioDeviceReadIOps": [],
    "BlkioDeviceWriteIOps": [],
    "CpuPeriod": 0,
    "CpuQuota": 0,
    "CpusetCpus": "",
    "CpusetMems": "",
    "Devices": [],
    "DeviceCgroupRules": None,
    "MemoryReservation": 0,
    "MemorySwap": 0,
    "MemorySwappiness": None,
    "OomKillDisable": False,
    "PidsLimit": None,
    "Sysctls": {},
    "Ulimits": [],
}


STREAMS = ("AttachStdin", "AttachStdout", "AttachStderr", "Tty", "OpenStdin", "StdinOnce")
SOMETIMES = (  # shown where there is one
    *("ExposedPorts", "StopSignal", "StopTimeout", "Healthcheck", "Shell"),
)


def of_container(it: Container, sizes: tuple[int, int] | None = None) -> dict[str, Any]:
    """Return the object that ``inspect`` prints for *it*, with *sizes* in bytes if there are any.

    Those are what it has written, and that together with its image.
    """
    named = zip(("SizeRw", "SizeRootFs"), sizes or (), strict=False)
    record, directory = it.record, it.store.directory(it.id)
    config = it.config()
    return {
        "Id": it.id,
        "Created": record["Created"],
        "Path": record["Path"],
        "Args": record["Args"],
        "State": _state(it),
        "Image": record["Image"],
        "ResolvConfPath": f"{directory}/resolv.conf",
        "HostnamePath": f"{directory}/hostname",
        "HostsPath": f"{directory}/hosts",
        "LogPath": _log(it, directory),
        "Name": f"/{it.name()}",
        "RestartCount": it.state.get("RestartCount", 0),
        "Driver": "rootfs" if record.get("Rootfs") else "overlay2",
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": None,
        **_capabilities(config["process"]),
        "HostConfig": _host_config(record, config),
        "GraphDriver": _graph(record, config),
        **dict(named),
        "Mounts": [],
        "Config": _config(record, config),
        "NetworkSettings": _network(it),
    }


def _log(it: Container, directory: str) -> str:
    driver = it.record["HostConfig"].get("LogConfig", {}).get("Type") or logs_files.DEFAULT
    return logs_files.path(directory, driver)


def _capabilities(process: dict[str, Any]) -> dict[str, Any]:
    """Return what the container's process 1 is given, after all: fields of podman's inspect."""
    has = process.get("capabilities", {})
    return {"EffectiveCaps": has.get("effective"), "BoundingCaps": has.get("bounding")}


def _state(it: Container) -> dict[str, Any]:
    status = it.status()
    return {
        "Status": status,
        "Running": it.alive(),
        "Paused": status == "paused",
        "Restarting": status == "restarting",
        "OOMKilled": bool(it.state.get("OOMKilled")),
        "Dead": status == "dead",
        "Pid": it.pid(),
        "ExitCode": it.state["ExitCode"],
        "Error": it.state["Error"],
        "StartedAt": it.state["StartedAt"],
        "FinishedAt": it.state["FinishedAt"],
        **({"Health": it.state["Health"]} if it.state.get("Health") else {}),
    }


def _host_config(record: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    linux = config["linux"]
    kinds = {row["type"] for row in linux["namespaces"]}
    found = {
        **HOST_CONFIG,
        **record["HostConfig"],
        "MaskedPaths": linux["maskedPaths"],
        "ReadonlyPaths": linux["readonlyPaths"],
    }
    found["CgroupnsMode"] = "private" if "cgroup" in kinds else "host"
    return found


def _graph(record: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    root = config["mounts"][0]
    if record.get("Rootfs"):
        return {"Name": "rootfs", "Data": {"Directory": record["Rootfs"]}}
    options = dict(word.partition("=")[::2] for word in root["options"])
    names = {"LowerDir": "lowerdir", "UpperDir": "upperdir", "WorkDir": "workdir"}
    data = {name: options.get(key, "") for name, key in names.items()}
    return {"Name": "overlay2", "Data": data}


def _config(record: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    own = record["Config"]
    return {
        "Hostname": own["Hostname"],
        "Domainname": own.get("Domainname", ""),
        "User": own.get("User", ""),
        **{name: own.get(name, False) for name in STREAMS},
        "Env": config["process"]["env"],
        "Cmd": own.get("Cmd"),
        "Image": own.get("Image", ""),
        "Volumes": own.get("Volumes") or None,
        "WorkingDir": own.get("WorkingDir", ""),
        "Entrypoint": own.get("Entrypoint"),
        "OnBuild": own.get("OnBuild"),
        "Labels": own.get("Labels") or {},
        **{name: own[name] for name in SOMETIMES if own.get(name)},
    }


def _network(it: Container) -> dict[str, Any]:
    mode = it.record["HostConfig"].get("NetworkMode", "none")
    pid = it.pid()
    empty = {"Gateway": "", "IPAddress": "", "IPPrefixLen": 0, "MacAddress": ""}
    return {
        "SandboxKey": f"/proc/{pid}/ns/net" if pid else "",
        "Ports": {},
        **empty,
        "Networks": {} if mode.startswith("container:") else {mode: empty},
    }
