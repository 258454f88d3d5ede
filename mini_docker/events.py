"""Events: what happens to containers and images, written down as it happens.

    ROOT/events.log      a line of JSON for each event, in the fields of Docker's API
    ROOT/events.log.1    the lines before those: the log goes there once it has LIMIT bytes

Each event is one write(2) to a file opened with O_APPEND: the kernel puts it behind what is
there, so commands that run at the same time need no lock. events_read.py reads them back.

Docker Engine API, "Monitor events".
"""

from __future__ import annotations

import fcntl
import os
import time

from mini_docker import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from mini_docker.containers import Container
    from mini_docker.store import Store

LIMIT = 16 * 2**20  # bytes of a log before the next one is begun
LINE = 2**16  # bytes of an event; labels come from images and may be of any size
WORD = 2**8  # characters of what is kept of an attribute, in an event that is longer
KEPT = ("image", "name", "exitCode", "execDuration", "execID", "signal", "oldName", "reclaimed")
FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def emit(
    store: Store | str, kind: str, action: str, id: str, attributes: Mapping[str, str]
) -> None:
    """Write down that *action* has happened to *id*, which is a *kind* such as "container".

    *store* may be given as the path of its root. What was done has been done: an event
    that cannot be written, for want of space or rights, is lost, and fails no command.
    """
    root = store if isinstance(store, str) else store.root
    data = _line(kind, action, id, dict(attributes))
    try:
        descriptor = _open(f"{root}/events.log")
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                data = b"\n" + data  # the last one was cut short, by a full disk or a kill
            os.write(descriptor, data)
        finally:
            os.close(descriptor)
    except OSError:
        return


def container(it: Container, action: str, **attributes: str) -> None:
    """Write down that *action* has happened to container *it*, with Docker's attributes.

    Those are its labels, then image and name, then *attributes*, such as exitCode="0".
    """
    config = it.record["Config"]
    found = dict(config.get("Labels") or {})
    found |= {"image": str(config.get("Image", "")), "name": it.name(), **attributes}
    emit(it.store, "container", action, it.id, found)


def image(root: str, action: str, id: str, name: str = "") -> None:
    """Write down that *action* has happened to image *id*; Docker's *name* of it may be its id."""
    emit(root, "image", action, id, {"name": name or id})


def _line(kind: str, action: str, id: str, attributes: dict[str, str]) -> bytes:
    """Return the event as a line; of one that is longer than LINE what identifies it."""
    moment = time.time_ns()
    event = {
        "Type": kind,
        "Action": action,
        "Actor": {"ID": id, "Attributes": attributes},
        "scope": "local",
        "time": moment // 10**9,
        "timeNano": moment,
    }
    data = (records.dump(event) + "\n").encode("utf-8", "surrogateescape")
    if len(data) <= LINE:
        return data
    kept = {name: attributes[name][:WORD] for name in KEPT if name in attributes}
    return _line(kind, action[:WORD], id[:WORD], kept)


def _open(path: str) -> int:
    """Return a descriptor of the log at *path*, a new one if the old one is full.

    Of several commands that find it full one renames it: the others do not get its lock, or
    get it when the name means another file already. Where they write goes to the old log.
    """
    descriptor = os.open(path, FLAGS, 0o600)
    found = os.fstat(descriptor)
    if found.st_size < LIMIT:
        return descriptor
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.stat(path).st_ino == found.st_ino:
            os.rename(path, f"{path}.1")
    except OSError:
        return descriptor
    os.close(descriptor)
    return os.open(path, FLAGS, 0o600)
