"""Users: who a process in a container is.

The kernel knows numbers. What a user is called, which group is its own, and where its
home lies stands in files, and the ones that count are the container's:

    /etc/passwd     web:x:33:44:Web:/srv:/bin/sh     name, -, uid, gid, comment, home, shell
    /etc/group      staff:x:50:web,root              name, -, gid, members

A user namespace makes the numbers themselves a matter of where one looks from. Its maps
say which ids inside stand for which outside, a line for each range:

    /proc/PID/uid_map    0 100000 65536      uid 0 inside is 100000 outside, 1 is 100001, ...

So the root of a container can be nobody on the host. Who may have which ids outside is
a matter of /etc/subuid and /etc/subgid: users_ranges.py.

Chapter: chapters/05-users.md
Lab:     labs/05_users/
"""

from __future__ import annotations

import errno
import os
import stat

from mini_docker import rootfs_paths
from mini_docker.errors import ConfigError, KernelError, reason

LIMIT = 2**20  # bytes read of each file: it belongs to the image, and may be hostile
HIGHEST = 2**31 - 1  # the largest uid and gid that Docker takes


class User:
    """A user as the kernel sees it, and its home directory."""

    __slots__ = ("gid", "groups", "home", "uid")

    def __init__(self, uid: int, gid: int, groups: list[int], home: str) -> None:
        self.uid = uid
        self.gid = gid
        self.groups = groups  # the supplementary groups
        self.home = home


class Range:
    """One line of a map: *size* ids from *inside* on stand for those from *outside* on."""

    __slots__ = ("inside", "outside", "size")

    def __init__(self, inside: int, outside: int, size: int) -> None:
        self.inside = inside
        self.outside = outside
        self.size = size


def find(text: str, root: str = "/") -> User:
    """Return the user that *text* names, as in ``--user``: a user, or user:group.

    Both parts may be names or numbers; an empty user stands for 0. rows() reads the
    container's files, PASSWD and GROUP, below *root*, and pick() finds a row in what it
    returns, or None.

    A number needs no row, a name does. The user's row gives uid, gid and home; without
    one the gid is 0 and the home "/". With a group in *text*, that is the gid, and there
    are no supplementary groups. Without it, they are the gids of all rows of GROUP that
    have the user's name among their members: none for a user without a row.

    >>> web = find("web")               # with the two lines above
    >>> (web.uid, web.gid, web.groups, web.home)
    (33, 44, [50], '/srv')
    >>> find("33:staff").gid
    50

    Raises ConfigError, in Docker's words: "unable to find user NAME: no matching entries
    in passwd file", or "unable to find group NAME: no matching entries in group file".
    passwd(5), group(5).
    """
    raise NotImplementedError("lab 5, task 1: write find")


def write_maps(pid: int, uids: list[Range], gids: list[Range]) -> None:
    """Give the new user namespace of process *pid* its maps, *uids* and *gids*.

    The files are /proc/PID/uid_map and gid_map; a line is ``INSIDE OUTSIDE SIZE``. The
    kernel takes one write to each, and no second one ever: so write() gets all lines of
    a map at once, each with a newline at its end.

    Root may write any map. Another user may write a map by itself only if it is one line
    of size 1 that stands for its own id (os.geteuid, os.getegid: the effective ids count),
    and gid_map only after it has written "deny" to /proc/PID/setgroups: nobody in there
    can leave a group then, for a group may be what keeps somebody out of a file. If either
    map has more lines, more ids or another id, let ask() run the programs "newuidmap" and
    "newgidmap" for both, and write nothing: they may write what /etc/subuid and
    /etc/subgid grant, refuse all else, and need no "deny".

    Raises KernelError, naming the file or program and the reason; write() and ask() see
    to that. user_namespaces(7), "User and group ID mappings"; newuidmap(1).
    """
    raise NotImplementedError("lab 5, task 2: write write_maps")


def become(user: User, groups: list[int]) -> None:
    """Give up root for *user*, with the supplementary *groups* and no others.

    First os.setgroups, then os.setresgid, then os.setresuid: without uid 0 there is no
    right to change the others any more, and what is left undone then stays. Set all three
    of each, real, effective and saved: a saved 0 is a way back.

    In a user namespace whose maps an ordinary user wrote, setgroups is forbidden
    (may_set_groups): leave it out there. There is no way to other groups then.

    Raises KernelError, "cannot become user UID:GID" and the reason (_why).
    setgroups(2), setresgid(2), setresuid(2), credentials(7).
    """
    raise NotImplementedError("lab 5, task 3: write become")


PASSWD = ("/etc/passwd", 4, 6)  # its path, the fields that a row needs, those that rows() returns
GROUP = ("/etc/group", 3, 4)


def rows(root: str, table: tuple[str, int, int]) -> list[list[str]]:
    """Return the rows of *table*, PASSWD or GROUP, in *root*; none if it has no such file.

    The file may be hostile: no link in it leads out of *root*, what is no regular file is
    not read, and only LIMIT bytes of it are. A line whose id is no number, or with a null
    byte in it, counts for nothing. Fields that a line lacks are ""; a missing home is "/".
    """
    path, needed, width = table
    found = []
    for line in _read(root, path).split("\n"):
        row = line.strip().split(":")
        if len(row) >= needed and all(map(_is_id, row[2:needed])) and "\0" not in line:
            row = (row + [""] * width)[:width]
            row[-1] = row[-1] or ("/" if table is PASSWD else "")
            found.append(row)
    return found


def pick(table: list[list[str]], wanted: str) -> list[str] | None:
    """Return the first row of *table* that *wanted* names, by name or number; None without one.

    A number is always an id, also if some row has it as its name. ConfigError, in Docker's
    words, if it is out of range.
    """
    if not is_number(wanted):
        return next((row for row in table if row[0] == wanted), None)
    if not _is_id(wanted):
        raise ConfigError(f"uids and gids must be in range 0-{HIGHEST}: {wanted}")
    return next((row for row in table if int(row[2]) == int(wanted)), None)


def is_number(text: str) -> bool:
    """Say whether *text* is a number, such as "33": then it is an id, and no name."""
    return text.isascii() and text.removeprefix("-").isdigit()


def write(path: str, text: str) -> None:
    """Write *text* to *path* in one write; KernelError, naming the file, if that is refused."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise KernelError(f"cannot write {path}: {_why(error)}") from error


def ask(program: str, pid: int, ranges: list[Range]) -> None:
    """Let *program*, newuidmap or newgidmap, write a map of process *pid*; KernelError if not."""
    import subprocess

    numbers = [str(n) for r in ranges for n in (r.inside, r.outside, r.size)]
    try:
        done = subprocess.run([program, str(pid), *numbers], capture_output=True, check=False)
    except OSError as error:
        raise KernelError(f"cannot run {program}: {reason(error)}") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().replace("\n", "; ")
        raise KernelError(f"{program} has refused the map {' '.join(numbers)}: {said}")


def may_set_groups() -> bool:
    """Say whether this user namespace lets its processes change their groups."""
    try:
        with open("/proc/self/setgroups", "rb", buffering=0) as file:
            return file.read(5) != b"deny\n"
    except OSError:
        return True  # no /proc here: the kernel will tell


def _why(error: OSError) -> str:
    """Say what the kernel's errno means for ids and maps. user_namespaces(7), setresuid(2)."""
    if error.errno == errno.EINVAL:
        return "Invalid argument: the user namespace has no such id (/etc/subuid), or some overlap"
    if error.errno == errno.EPERM:
        return "Operation not permitted: these ids are not ours to give, or it is done already"
    return reason(error)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= HIGHEST


def _read(root: str, path: str) -> str:
    """Return the beginning of a regular file in *root*; "" for anything else."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
    try:
        descriptor = rootfs_paths.locate(root, path, flags)
        with open(descriptor, "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return ""
            return (file.read(LIMIT) or b"").decode("utf-8", "replace")
    except OSError:
        return ""
