"""What `run` refuses before anything is made, in Docker's words where it has them."""

from __future__ import annotations

import os

from mini_docker import swap
from mini_docker.errors import CgroupError, Conflict, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values

LONGEST_HOSTNAME = 64  # bytes: HOST_NAME_MAX of the kernel, uname(2)
_BOOLEANS = "1 t T TRUE true True 0 f F FALSE false False"  # Go's strconv.ParseBool
# What --security-opt knows besides seccomp. This engine confines nothing by AppArmor or SELinux
# labels, so only the word that asks for none is true.
SECURITY = {
    "no-new-privileges": ("", *_BOOLEANS.split()),
    "apparmor": ("unconfined",),
    "label": ("disable",),
    "systempaths": ("unconfined",),
}
MODES = {
    "ipc": ("none", "private", "shareable", "host", "container:"),
    "pid": ("host", "container:"),
    "uts": ("host",),
    "cgroupns": ("host", "private"),
    "network": ("none", "host", "container:"),
}


def limits(values: Values) -> None:
    """Refuse limits out of range, in Docker's words where it has them."""
    if values.blkio_weight and not 10 <= values.blkio_weight <= 1000:
        raise UsageError("Range of blkio weight is from 10 to 1000")
    if values.cpus and (values.cpu_quota or values.cpu_period):
        raise UsageError(
            "Conflicting options: Nano CPUs and CPU quota or period cannot both be set"
        )
    if values.cpus and not 10**7 <= values.cpus <= os.cpu_count() * 10**9:  # type: ignore[operator]
        raise UsageError(
            f"Range of CPUs is from 0.01 to {os.cpu_count()}.00, as there are only "
            f"{os.cpu_count()} CPUs available"
        )
    _check_cpu(values)


def _check_cpu(values: Values) -> None:
    if values.cpu_period and not 1000 <= values.cpu_period <= 10**6:
        raise UsageError("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s")
    if values.cpu_quota and 0 < values.cpu_quota < 1000:
        raise UsageError("CPU cfs quota can not be less than 1ms (i.e. 1000)")
    if values.cpu_shares < 0:
        raise UsageError(
            f"invalid CPU shares ({values.cpu_shares}): value must be a positive integer"
        )
    for name in ("cpus", "mems"):
        if text := getattr(values, f"cpuset_{name}"):
            from mini_docker import cgroups_limits

            try:
                cgroups_limits.cpu_list(text)
            except CgroupError:
                raise UsageError(f"Invalid value {text} for cpuset {name}") from None


def check(values: Values) -> None:
    """Raise UsageError for the first value that makes no sense, Conflict for a used file."""
    limits(values)
    _check_ranges(values)
    _check_modes(values)
    if values.sysctl:
        _sysctls(values)
    if values.detach and values.attach:
        raise Conflict("conflicting options: cannot specify both --attach and --detach")
    if values.rm and "restart" in values.given:
        from mini_docker.cli import run_lifecycle

        run_lifecycle.check_restart(values)
    if values.rootfs and not os.path.isdir(values.rootfs):
        raise UsageError(f"--rootfs {values.rootfs}: not a directory")
    if ".." in values.cgroup_parent.split("/"):
        raise UsageError(f"invalid --cgroup-parent {values.cgroup_parent}: it leads upwards")
    if values.cidfile and os.path.exists(values.cidfile):
        raise Conflict(
            f"container ID file found, make sure the other container isn't running or delete "
            f"{values.cidfile}"
        )


def capabilities(field: str, names: list[str]) -> list[str]:
    """Return *names* as HostConfig's *field* has them, each once; UsageError for an unknown one."""
    from mini_docker import capabilities_names

    try:
        return list(dict.fromkeys(capabilities_names.canonical(name) for name in names))
    except UsageError as error:
        raise UsageError(f"invalid {field}: {error}") from None


def security(options: list[str]) -> list[str]:
    """Return --security-opt as HostConfig.SecurityOpt has it: a profile's text for its file."""
    found = []
    for option in options:
        # An old form, "name:value", still stands in many texts.
        name, _, value = option.partition("=" if "=" in option else ":")
        if name == "seccomp" and value:
            from mini_docker import seccomp_profile

            swap.require("seccomp", what="run --security-opt seccomp")
            found.append(seccomp_profile.option(option))
        elif name not in SECURITY:
            raise UsageError(f"invalid --security-opt: {option!r}")
        elif value not in SECURITY[name]:
            raise UsageError(
                f"invalid --security-opt: {option!r}: this engine has "
                + ", ".join(f"{name}={word}" if word else name for word in SECURITY[name])
            )
        else:
            found.append(f"{name}={value}" if value else name)
    return found


def _sysctls(values: Values) -> None:
    """Refuse a sysctl that would change one of the host's own namespaces."""
    from mini_docker import sysctls

    shared = {
        "ipc": values.ipc == "host",
        "network": values.network == "host",
    }
    for name, _ in values.sysctl:
        sysctls.check(name, shared)


def _check_ranges(values: Values) -> None:
    if len(values.hostname.encode()) > LONGEST_HOSTNAME:
        raise UsageError(f"invalid hostname: longer than {LONGEST_HOSTNAME} bytes")
    if values.workdir and not values.workdir.startswith("/"):
        raise UsageError(
            f"the working directory '{values.workdir}' is invalid, it needs to be an absolute path"
        )
    if not -1 <= values.memory_swappiness <= 100:
        raise UsageError(
            f"Invalid value: {values.memory_swappiness}, valid memory swappiness range is 0-100"
        )
    if not -1000 <= values.oom_score_adj <= 1000:
        raise UsageError(
            f"Invalid value {values.oom_score_adj}, range for oom score adj is [-1000, 1000]"
        )


def _check_modes(values: Values) -> None:
    for flag, allowed in MODES.items():
        mode = getattr(values, flag)
        if mode and not any(
            mode == word or (word.endswith(":") and mode.startswith(word) and mode != word)
            for word in allowed
        ):
            words = ", ".join(f"{w}NAME" if w.endswith(":") else w for w in allowed)
            raise UsageError(f"--{flag}: invalid {flag} mode: {mode} (this engine has: {words})")
    _check_userns(values.userns)
    if values.uts == "host" and "hostname" in values.given:
        raise UsageError("conflicting options: hostname and the UTS mode")


def _check_userns(mode: str) -> None:
    word, _, size = mode.partition(":size=")
    sized = word == "auto" and size.isascii() and size.isdigit() and 0 < int(size[:11]) < 2**32
    if mode not in ("", "host", "auto") and not sized:
        raise UsageError("--userns: invalid USER mode")
