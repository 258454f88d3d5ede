"""The engine of an ordinary user: no right of the host's root is used, and none is needed.

A user namespace gives to whoever makes it all rights over what is made in it: mounts,
networks, process ids. So a command of an ordinary user first enters one, and is root in
there; for everybody else it stays that user. Its maps:

    0         the user itself, who owns the files of the store
    1, ...    the ids that /etc/subuid and /etc/subgid grant, written by newuidmap and
              newgidmap; without these programs, or a grant, there is only 0

All containers of one store share one namespace while one of them runs, so that they can use
each other's networks and pids. user_namespaces(7); users.write_maps().
"""

from __future__ import annotations

import os
import sys

from mini_docker import (
    container_users,
    containers,
    records,
    settings_users,
    syscalls,
    users,
    users_ranges,
)
from mini_docker.errors import ConfigError, NamespaceError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

    from mini_docker.store import Store

PROGRAMS = ("newuidmap", "newgidmap")
OUTSIDE = "MINI_DOCKER_ROOTLESS"  # in the environment of an engine in there: the user's uid
COMMANDS = "commands"  # in the store: a note about each command that is in the namespace
NS_GET_PARENT = 0xB702  # ioctl_ns(2)
APPARMOR = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"


def settle() -> None:
    """Let store and configuration file be the caller's own, where nothing else is asked for.

    XDG Base Directory Specification.
    """
    home = os.path.expanduser("~")
    data = os.environ.get("XDG_DATA_HOME") or f"{home}/.local/share"
    config = os.environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
    os.environ.setdefault("MINI_DOCKER_ROOT", f"{data}/mini-docker")
    os.environ.setdefault("MINI_DOCKER_CONFIG", f"{config}/mini-docker/daemon.json")


def active() -> bool:
    """Say whether this is the engine of an ordinary user."""
    return os.geteuid() != 0 or (OUTSIDE in os.environ and settings_users.confined())


def enter(store: Store) -> NoReturn:
    """Begin this command anew, as root of the user namespace of *store*. Never return.

    A new program is started because what /proc shows of a process belongs, where nobody may
    look into it, to the root of the namespace that its program was started in.

    Raises NamespaceError, with what to do, if this system does not allow it.
    """
    os.environ[OUTSIDE] = str(os.geteuid())
    store.prepare()
    _make_directory(f"{store.root}/{COMMANDS}")
    with store.lock():  # two commands at once make one namespace
        if not _join(store):
            _create()
        container_users.enter()
        _note(store)
    os.execve(sys.executable, sys.orig_argv, os.environ)


def _make_directory(path: str) -> None:
    try:
        os.makedirs(path, 0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"cannot make {path}: {reason(error)}; the store belongs to its owner: run it as root "
            "(sudo), or keep your own state elsewhere (--root)"
        ) from error


def maps() -> tuple[list[users.Range], list[users.Range]]:
    """Return the maps of uids and gids that the caller may have."""
    uid, gid = os.geteuid(), os.getegid()
    uids, gids = [users.Range(0, uid, 1)], [users.Range(0, gid, 1)]
    row = users.pick(users.rows("/", users.PASSWD), str(uid))
    name = row[0] if row else ""
    more = users_ranges.granted(users_ranges.SUBUID, name, uid)
    more_groups = users_ranges.granted(users_ranges.SUBGID, name, uid)
    if more and more_groups and all(map(_installed, PROGRAMS)):
        uids += users_ranges.whole(more, 1)
        gids += users_ranges.whole(more_groups, 1)
    return uids, gids


def _installed(program: str) -> bool:
    places = os.environ.get("PATH", "/usr/bin:/bin").split(":")
    return any(os.access(f"{place}/{program}", os.X_OK) for place in places)


def _join(store: Store) -> bool:
    """Enter the namespace that something of *store* is in; say whether there was one.

    That is a command that runs, or a container. It has to be a child of ours: what runs in
    a container could have made one of its own below it, and would be its master.
    """
    for noted in _running(store):
        try:
            with open(f"/proc/{noted['Pid']}/ns/user", "rb") as namespace:
                if _is_child(namespace.fileno()):
                    syscalls.setns(namespace.fileno(), syscalls.CLONE_NEWUSER)
                    return True
        except OSError:
            continue  # it has ended, or is not ours
    return False


def _running(store: Store) -> Iterator[dict[str, Any]]:
    """Yield the notes about living processes of *store*; remove those about dead commands."""
    for directory in (f"{store.root}/{COMMANDS}", store.run):
        for name in os.listdir(directory):
            try:
                noted = records.read(f"{directory}/{name}")
            except (FileNotFoundError, ConfigError):
                continue  # ended meanwhile, or half written
            if containers.alive(noted):
                yield noted
            elif directory != store.run:
                os.unlink(f"{directory}/{name}")


def _note(store: Store) -> None:
    """Write down that this command is in the namespace, for others to join it."""
    pid = os.getpid()
    noted = {"Pid": pid, "StartTime": containers.start_time(pid), "Boot": containers.boot_id()}
    records.write(f"{store.root}/{COMMANDS}/{pid}.json", noted)


def _is_child(namespace: int) -> bool:
    """Say whether the parent of the user namespace *namespace* is the one that we are in."""
    import fcntl

    parent = fcntl.ioctl(namespace, NS_GET_PARENT)
    try:
        return os.path.samestat(os.fstat(parent), os.stat("/proc/self/ns/user"))
    finally:
        os.close(parent)


def _create() -> None:
    """Make a new user namespace, enter it, and let a process that stays outside write its maps."""
    uids, gids = maps()
    go_in, go = os.pipe()
    said_in, said = os.pipe()
    helper = os.fork()
    if helper == 0:
        os.close(go)  # or nobody's word would be waited for when we fail, or are killed
        os._exit(_write_maps(os.getppid(), uids, gids, go_in, said))
    os.close(said)
    os.close(go_in)
    try:
        syscalls.unshare(syscalls.CLONE_NEWUSER)
        os.write(go, b"1")
    except OSError as error:
        raise NamespaceError(f"cannot make a user namespace: {_why(error)}") from error
    finally:
        os.close(go)
        with open(said_in, "rb") as pipe:
            text = pipe.read().decode()
        os.waitpid(helper, 0)
    if text:
        raise NamespaceError(text)
    if _profile().startswith("unprivileged_userns"):
        raise NamespaceError(f"cannot use a user namespace: {_apparmor()}")


def _write_maps(
    pid: int, uids: list[users.Range], gids: list[users.Range], go: int, said: int
) -> int:
    """Write the maps of process *pid* once it says so; tell it on *said* what went wrong."""
    try:
        with open(go, "rb", buffering=0) as pipe:
            if pipe.read(1):
                users.write_maps(pid, uids, gids)
    except BaseException as error:
        os.write(said, str(error).encode())
        return 1
    return 0


def _why(error: OSError) -> str:
    """Say which of this system's settings forbids an ordinary user a user namespace."""
    if _read(APPARMOR) == "1":
        return _apparmor()
    if _read("/proc/sys/kernel/unprivileged_userns_clone") == "0":
        return "this system forbids it to ordinary users (sysctl kernel.unprivileged_userns_clone)"
    if _read("/proc/sys/user/max_user_namespaces") == "0" or error.errno == 28:  # ENOSPC
        return "too many, or none allowed (sysctl user.max_user_namespaces)"
    return f"{reason(error)}; run it as root (sudo)"


def _apparmor() -> str:
    name = "kernel.apparmor_restrict_unprivileged_userns"
    return (
        "AppArmor restricts those of ordinary users on this system: run it as root (sudo), or "
        f"have the administrator set sysctl {name}=0"
    )


def _profile() -> str:
    return _read("/proc/self/attr/apparmor/current") or _read("/proc/self/attr/current")


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read().strip("\n\0 ")
    except OSError:
        return ""
