"""From the flags of ``run`` to a container's record: Docker's checks and defaults."""

from __future__ import annotations

import os

from mini_docker import configuration, images
from mini_docker.cli import run_checks
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.cli.options import Values
    from mini_docker.image_lookup import Image

MIB = 2**20
CONFIG = (  # what an image says about its containers: config.md
    *("User", "Env", "Cmd", "Entrypoint", "WorkingDir", "Labels", "Volumes", "ExposedPorts"),
    *("StopSignal", "StopTimeout", "Healthcheck", "OnBuild", "Shell"),
)
LEAST_MEMORY = 6 * MIB  # bytes; below it no program gets going
_TMPFS_WORDS = (
    "size mode uid gid nr_inodes nr_blocks mpol defaults ro rw suid nosuid dev nodev exec noexec "
    "atime noatime diratime nodiratime relatime norelatime strictatime nostrictatime private "
    "rprivate shared rshared slave rslave unbindable runbindable"
)
TMPFS_OPTIONS = frozenset(_TMPFS_WORDS.split())
SIMPLE = {  # HostConfig's name: the flag's
    "CpuShares": "cpu_shares",
    "CpuPeriod": "cpu_period",
    "CpuQuota": "cpu_quota",
    "NanoCpus": "cpus",
    "CpusetCpus": "cpuset_cpus",
    "CpusetMems": "cpuset_mems",
    "BlkioWeight": "blkio_weight",
    "CgroupParent": "cgroup_parent",
    "CgroupnsMode": "cgroupns",
    "IpcMode": "ipc",
    "UTSMode": "uts",
    "UsernsMode": "userns",
    "GroupAdd": "group_add",
    "PidMode": "pid",
    "OomScoreAdj": "oom_score_adj",
    "OomKillDisable": "oom_kill_disable",
    "ReadonlyRootfs": "read_only",
    "AutoRemove": "rm",
    "Init": "init",
    "ShmSize": "shm_size",
    "Privileged": "privileged",
    "Devices": "device",
    "DeviceCgroupRules": "device_cgroup_rule",
}


def record(values: Values, image: Image | None) -> dict[str, Any]:
    """Return the record of the container that *values* ask for, once they are checked."""
    run_checks.check(values)
    asked = _asked(values, values.arguments[1:] if image else values.arguments)
    # Without an image there is nothing to merge, and no lab that must have been solved.
    config = _merged(image.config, asked) if image else asked
    if config["Entrypoint"] == [""]:
        config["Entrypoint"] = None  # --entrypoint "": none at all
    argv = [*(config["Entrypoint"] or []), *(config["Cmd"] or [])]
    if not argv:
        raise UsageError("no command specified")
    config |= {
        "Hostname": values.hostname,
        "Domainname": values.domainname,
        "Image": values.arguments[0] if image else "",
        **streams(values),
    }
    return {
        "Name": values.name,
        "Path": argv[0],
        "Args": argv[1:],
        "Image": image.id if image else "",
        "Layers": image.chain_ids() if image else [],  # which nobody may remove
        "Rootfs": os.path.realpath(values.rootfs) if values.rootfs else "",
        "Config": config,
        "HostConfig": host_config(values),
    }


def streams(values: Values) -> dict[str, Any]:
    """Return the fields of Config about streams, as the docker command fills them in."""
    attached = [] if values.detach else values.attach or ["stdout", "stderr"]
    # Whoever keeps stdin open writes there himself, whatever else he wants to see.
    stdin = "stdin" in attached or (values.interactive and not values.detach)
    return {
        "AttachStdin": stdin,
        "AttachStdout": "stdout" in attached,
        "AttachStderr": "stderr" in attached,
        "Tty": values.tty,
        "OpenStdin": values.interactive,
        "StdinOnce": values.interactive and stdin,
    }


def host_config(values: Values) -> dict[str, Any]:
    """Return HostConfig: what the flags say about the machine, only where they say something."""
    found = {key: getattr(values, flag) for key, flag in SIMPLE.items() if getattr(values, flag)}
    found.update(security(values))
    found.update(_foreign(values))
    found["NetworkMode"] = values.network or "none"
    found["Tmpfs"] = _tmpfs(values.tmpfs)
    found["ContainerIDFile"] = values.cidfile
    if values.log_driver or values.log_opt or os.path.exists(configuration.path()):
        from mini_docker.cli import run_logs

        found["LogConfig"] = run_logs.config(values)
    if "restart" in values.given:
        from mini_docker.cli import run_lifecycle

        found["RestartPolicy"] = run_lifecycle.restart_policy(values.restart)
    found["Ulimits"] = [
        {"Name": name, "Soft": soft, "Hard": hard} for name, soft, hard in values.ulimit
    ]
    if values.memory_swappiness >= 0:
        found["MemorySwappiness"] = values.memory_swappiness
    if "pids-limit" in values.given:
        found["PidsLimit"] = values.pids_limit if values.pids_limit > 0 else -1
    found.update(memory(values))
    for key, flag, unit in (
        ("BlkioWeightDevice", "blkio_weight_device", "Weight"),
        ("BlkioDeviceReadBps", "device_read_bps", "Rate"),
        ("BlkioDeviceWriteBps", "device_write_bps", "Rate"),
        ("BlkioDeviceReadIOps", "device_read_iops", "Rate"),
        ("BlkioDeviceWriteIOps", "device_write_iops", "Rate"),
    ):
        if getattr(values, flag):
            found[key] = [{"Path": path, unit: n} for path, n in getattr(values, flag)]
    return found


def _foreign(values: Values) -> dict[str, Any]:
    """Return the fields of HostConfig that are another runtime's, or another system's."""
    if values.isolation.lower() not in ("", "default"):
        raise UsageError(f"invalid isolation '{values.isolation}' on linux")
    found = {"Annotations": dict(values.annotation), "Isolation": values.isolation}
    return {field: value for field, value in found.items() if value}


def security(values: Values) -> dict[str, Any]:
    """Return the fields of HostConfig about rights."""
    found: dict[str, Any] = {}
    for key, names in (("CapAdd", values.cap_add), ("CapDrop", values.cap_drop)):
        if names:
            found[key] = run_checks.capabilities(key, names)
    if values.security_opt:
        found["SecurityOpt"] = run_checks.security(values.security_opt)
    if values.sysctl:
        found["Sysctls"] = dict(values.sysctl)
    return found


def memory(values: Values) -> dict[str, int]:
    """Return Memory, MemorySwap and MemoryReservation, checked and completed as Docker does."""
    limit, swap, reservation = values.memory, values.memory_swap, values.memory_reservation
    if limit and limit < LEAST_MEMORY:
        raise UsageError("Minimum memory limit allowed is 6MB")
    if swap > 0 and not limit:
        raise UsageError("You should always set the Memory limit when using Memoryswap limit")
    if 0 < swap < limit:
        raise UsageError("Minimum memoryswap limit should be larger than memory limit")
    if limit and reservation > limit:
        raise UsageError("Minimum memory limit can not be less than memory reservation limit")
    found = {"Memory": limit, "MemorySwap": swap, "MemoryReservation": reservation}
    if limit and not swap:
        found["MemorySwap"] = 2 * limit
    return {key: value for key, value in found.items() if value}


def _tmpfs(flags: list[str]) -> dict[str, str]:
    found = {}
    for flag in flags:
        target, _, options = flag.partition(":")
        if not target.startswith("/") or os.path.normpath(target) == "/":
            raise UsageError(f"invalid --tmpfs {flag}: name an absolute path other than /")
        for word in filter(None, options.split(",")):
            if word.partition("=")[0] not in TMPFS_OPTIONS:
                raise UsageError(f'invalid tmpfs option ["{word}"]')
        found[os.path.normpath(target)] = options
    return found


def _asked(values: Values, words: list[str]) -> dict[str, Any]:
    """Return what the command line says about the program, in the fields of an image's config."""
    labels = [*_from_files(values.label_file, inherit=False), *values.label]
    entrypoint = [values.entrypoint] if "entrypoint" in values.given else None
    return {
        "User": values.user,
        "Env": [*_from_files(values.env_file), *values.env],
        "Cmd": words or None,
        "Entrypoint": entrypoint,
        "WorkingDir": values.workdir,
        **_life(values),
        "Labels": dict(word.partition("=")[::2] for word in labels),
    }


def _life(values: Values) -> dict[str, Any]:
    """Return the fields of Config about the container's end and health."""
    if not any(name.startswith(("stop-", "health-", "no-health")) for name in values.given):
        return {}
    from mini_docker.cli import run_lifecycle

    return run_lifecycle.config(values)


def _merged(image: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """Return images.merge(), of which a container's record takes the fields that it knows."""
    if image.get("StopTimeout") or image.get("Healthcheck"):
        from mini_docker.cli import run_lifecycle

        run_lifecycle.check_image(image)
    found = images.merge(image, asked)
    return {name: found[name] for name in CONFIG if name in found}


def _from_files(paths: list[str], inherit: bool = True) -> list[str]:
    if not paths:
        return []
    from mini_docker import envfile

    return [line for path in paths for line in envfile.read(path, inherit)]
