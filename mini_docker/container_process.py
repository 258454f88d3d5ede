"""The last part of a start, and of an exec: from a child in the container to its program.

The child is in the container's namespaces and root already, as the host's root with
all rights. The order of what it gives up is told in become().
"""

from __future__ import annotations

import os
import sys

from mini_docker import (
    capabilities,
    capabilities_names,
    container_streams,
    errors,
    launch,
    processes,
    seccomp,
    spec,
    swap,
    syscalls,
    users,
)
from mini_docker.errors import CommandNotExecutable, ConfigError, KernelError, ProcessError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

HIGHEST_DESCRIPTOR = 2**31 - 1
MOST_GROUPS = 65536  # NGROUPS_MAX, setgroups(2)


class Filter:
    """A container's seccomp filter, ready for the kernel."""

    __slots__ = ("flags", "program")

    def __init__(self, bundle: str, config: dict[str, Any]) -> None:
        self.program = b""  # none
        profile = config["linux"].get("seccomp")
        self.flags: list[str] = profile.get("flags", []) if profile else []
        if profile and not swap.locked("seccomp"):
            with open(f"{bundle}/{spec.FILTER}", "rb") as file:
                self.program = file.read()

    def install(self) -> None:
        """Put the calling process under the filter."""
        seccomp.install(self.program, self.flags)


def become(
    process: dict[str, Any], report: int, filter: Filter, then: Callable[[], None] | None = None
) -> NoReturn:
    """Turn the caller into *process*, an object of config.json. Never return.

    *report* closes when that has happened. *then* is called when nothing more has to be
    given up. config.md, section "Process".
    """
    execute(process, prepare(process), report, filter, then)


def prepare(process: dict[str, Any]) -> tuple[int, str]:
    """Do all that stands between a child in the container and give_up().

    Return the uid that it has now, and that user's home directory. While a student's lab is
    locked the step that it teaches is left out: the process stays root, or keeps its rights.
    """
    # Limits first: raising one may need a capability that is gone later.
    limit(process)
    os.umask(process["user"].get("umask", 0o022))
    _new_keyring()
    who = None if swap.locked("users") else _user(process["user"])
    # The bounding set sinks while CAP_SETPCAP is still there.
    if not swap.locked("capabilities"):
        capabilities.bound(_rights(process))
    # Keep the permitted set over the change of user: give_up() decides what stays.
    syscalls.prctl(syscalls.PR_SET_KEEPCAPS, 1)
    if who:
        if who[0].uid:
            container_streams.give(who[0].uid)
        users.become(*who)
    # As the user: a directory that it may not enter is refused here, as Docker does.
    _enter_directory(process["cwd"])
    return (who[0].uid, who[0].home) if who else (0, "/root")


def give_up(process: dict[str, Any], uid: int, filter: Filter | None = None) -> None:
    """Reduce the caller, who is user *uid*, to the rights of *process*; then *filter* holds.

    A process may filter its own system calls if it has CAP_SYS_ADMIN, or if no exec can
    give it a right any more. So the filter comes before the one is given up, or after the
    other is promised: each time as late as can be, for a strict profile forbids much of
    what leads up to here. seccomp(2).
    """
    no_new_privileges = bool(process.get("noNewPrivileges"))
    filtered = filter is not None and bool(filter.program)
    if filter and filtered and not no_new_privileges:
        _, permitted, inheritable = syscalls.capget()
        syscalls.capset(permitted, permitted, inheritable)  # the change of user took them out
        filter.install()
    if not swap.locked("capabilities"):
        capabilities.apply(_rights(process), uid == 0, no_new_privileges)
    if filter and filtered and no_new_privileges:
        filter.install()


def _rights(process: dict[str, Any]) -> int:
    """Return the set of *process*; all if it was made while the lab was locked."""
    if "capabilities" not in process:
        return capabilities_names.EVERYTHING
    return capabilities_names.mask(process["capabilities"]["bounding"])


def execute(
    process: dict[str, Any],
    user: tuple[int, str],
    report: int,
    filter: Filter,
    then: Callable[[], None] | None = None,
) -> NoReturn:
    """Do what is left after prepare(), which has returned *user*: see become()."""
    uid, home = user
    environment = dict(pair.split("=", 1) for pair in process["env"])
    environment.setdefault("HOME", home)
    processes.unblock()

    def last() -> None:
        give_up(process, uid, filter)
        if then:
            then()

    launch.guard(report, last)
    if not process["args"][0]:  # in a directory of PATH its path would be that directory's
        raise errors.CommandNotFound('exec: "": executable file not found in $PATH')
    processes.execute(process["args"], environment)


def forbid_imports(process: dict[str, Any]) -> None:
    """Let this child, soon *process*, import no more: from now on the files are the container's.

    Python looks modules up by path when they are first needed, also in the middle of an
    error. Inside the container that path would lead to a module of the image's choice,
    run with the engine's rights.
    """
    if process.get("rlimits"):
        import resource  # noqa: F401 - for _limit(); few containers have any
    swap.prepare_for_blame()
    sys.path.clear()
    sys.meta_path.clear()


def close_all_but(report: int) -> None:
    """Close every descriptor above 2 except *report*. close_range(2)."""
    os.closerange(3, report)
    os.closerange(report + 1, HIGHEST_DESCRIPTOR)


def _user(wanted: dict[str, Any]) -> tuple[users.User, list[int]]:
    """Return the user of config.json, and its supplementary groups.

    Our configs may name it ("username"), because only the container's own files know
    the name, and they are here now.
    """
    if wanted.get("username"):
        user = users.find(wanted["username"])
    else:
        user = users.find(f"{wanted['uid']}:{wanted['gid']}")
    more = [*user.groups, *_gids(wanted.get("groups", [])), *wanted.get("additionalGids", [])]
    # Its own group as well: a program that gives up that gid would lose what the group
    # forbids it (CVE-2022-36109). Each once, in this order.
    groups = list(dict.fromkeys([user.gid, *more]))
    if len(groups) > MOST_GROUPS:
        raise ConfigError(f"user {user.uid} is in {len(groups)} groups: the kernel takes 65536")
    return user, groups


def _gids(names: list[str]) -> list[int]:
    """Return the gids of the groups *names*, names or numbers, of --group-add."""
    gids = []
    table = users.rows("/", users.GROUP) if names else []
    for name in names:
        row = users.pick(table, name)
        if row is None and not users.is_number(name):
            raise ConfigError(f"Unable to find group {name}: no matching entries in group file")
        gids.append(int(row[2] if row else name))
    return gids


def _enter_directory(path: str) -> None:
    """Make *path* the working directory; it must lie in this root.

    A path through a descriptor that leads outside would make getcwd answer with
    something that does not begin with "/" (getcwd(3)). Nothing is open at this point,
    so this is a second lock on the same door.
    """
    try:
        os.chdir(path)
        if not os.getcwd().startswith("/"):
            raise ConfigError(f"working directory {path} is outside of the container's root")
    except OSError as error:
        why = reason(error).lower()
        raise CommandNotExecutable(f"cannot enter working directory {path}: {why}") from error


def limit(process: dict[str, Any], pid: int = 0) -> None:
    """Put process *pid*, or the caller, under the resource limits of *process*, and its score."""
    for row in process.get("rlimits", []):
        _limit(row, pid)
    if "oomScoreAdj" in process:
        _write_oom_score(process["oomScoreAdj"], pid)


def _limit(limit: dict[str, Any], pid: int) -> None:
    import resource

    name = limit["type"]
    number = getattr(resource, name, None)
    if number is None:
        raise ConfigError(f"unknown resource limit {name}")
    try:
        resource.prlimit(pid, number, (limit["soft"], limit["hard"]))
    except (OSError, ValueError) as error:
        hard = resource.getrlimit(number)[1]
        raise ProcessError(
            f"cannot set {name} to {limit['soft']}:{limit['hard']}: {error} "
            f"(the engine's own hard limit is {hard})"
        ) from error


def _write_oom_score(score: int, pid: int) -> None:
    try:
        with open(f"/proc/{pid or 'self'}/oom_score_adj", "w") as file:
            file.write(str(score))
    except OSError as error:
        raise KernelError(f"cannot set oom_score_adj to {score}: {reason(error)}") from error


def _new_keyring() -> None:
    """Leave the caller's session keyring: its keys are not the container's. keyrings(7)."""
    try:
        syscalls.join_session_keyring("container")
    except OSError as error:
        if error.errno != 38:  # ENOSYS: a kernel without keyrings has nothing to leave
            raise KernelError(f"cannot make a session keyring: {reason(error)}") from error
