"""The filter of a container, compiled once: what `run` pays for seccomp is a file to read.

ROOT/seccomp holds one small JSON file for each filter that was ever asked for, with what
it was made from (`key`), linux.seccomp of the OCI configuration as text, and the program in
hexadecimal. It is written by rename; a file that does not hold what it must, or was made
from something else, is made anew. A student's seccomp module is asked every time.
"""

from __future__ import annotations

import os
import time
import zlib

from mini_docker import records, swap
from mini_docker.errors import ConfigError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Filter = tuple[records.Written, bytes]

MOST = 64  # files; more are the remains of other kernels and versions
WRITING = 60.0  # seconds: a temporary file that is older belongs to nobody any more
_MODULES = (
    "seccomp seccomp_program seccomp_rules seccomp_numbers seccomp_numbers_x86_64 "
    "seccomp_numbers_i386 seccomp_numbers_x32 seccomp_numbers_aarch64 seccomp_numbers_arm "
    "seccomp_default seccomp_profile"
)
_FOLDER = os.path.dirname(__file__)
_LONGEST = 8 * 4096


def prepare(
    store_root: str, security_opt: list[str], capabilities: Iterable[str], privileged: bool
) -> tuple[records.Written | None, bytes | None]:
    """Return linux.seccomp of a container's OCI configuration, and the program for it.

    The first is JSON in one line: most often it goes from one file into another.

    *security_opt* is HostConfig.SecurityOpt, *capabilities* are the names in the bounding
    set. Both are None for a container without a filter: one that asks for
    seccomp=unconfined, or a privileged one that does not bring a profile of its own.
    Raises ConfigError for a profile that is wrong.
    """
    if swap.locked("seccomp"):
        return None, None  # a student's engine before lab 7 is no security boundary, and says so
    wanted = _wanted(security_opt)
    if wanted == "unconfined" or (privileged and wanted in ("", "builtin")):
        return None, None
    text = "" if wanted == "builtin" else wanted
    names = frozenset(capabilities)
    if swap.state("seccomp") not in ("ours", "borrowed"):
        return _make(text, names)
    key = _key(text, names)
    path = f"{store_root}/seccomp/{zlib.crc32(key.encode('utf-8', 'surrogatepass')):08x}"
    found = _read(path, key)
    if found is None:
        found = _make(text, names)
        _write(path, key, found)
    return found


def _wanted(security_opt: list[str]) -> str:
    """Return "unconfined", "builtin", the text of a profile, or "" if nothing is said."""
    found = ""
    for option in security_opt:
        if option.startswith(("seccomp=", "seccomp:")):
            found = option[8:]  # the last one counts
    return found


def _make(text: str, capabilities: frozenset[str]) -> Filter:
    from mini_docker import seccomp, seccomp_profile

    system = os.uname()
    profile = seccomp_profile.read(text, "of --security-opt") if text else seccomp_profile.default()
    resolved = seccomp_profile.resolve(profile, capabilities, system.release, system.machine)
    return records.Written(records.dump(resolved)), seccomp.compile(resolved, system.machine)


def _key(text: str, capabilities: frozenset[str]) -> str:
    """Return everything that the filter depends on, as one line."""
    system = os.uname()
    times = [_changed(f"{_FOLDER}/{name}.py") for name in _MODULES.split()]
    return f"{system.machine} {system.release} {times} {sorted(capabilities)} {text}"


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except FileNotFoundError:  # a release without sources: its byte code does not change
        return 0


def _read(path: str, key: str) -> Filter | None:
    """Return what the file at *path* holds, if it was made from *key* and is whole."""
    try:
        found = records.read(path)
        if found["key"] != key:
            return None
        program = bytes.fromhex(found["program"])
        text = records.Written(found["seccomp"])
        good = _sum(text, program) == found["sum"]
    except FileNotFoundError:
        return None
    except (ConfigError, KeyError, TypeError, ValueError):
        return None  # somebody wrote into it, or the disk lost it: a new one takes its place
    return (text, program) if good and _plausible(program) else None


def _sum(text: str, program: bytes) -> int:
    return zlib.crc32(program, zlib.crc32(text.encode("utf-8", "surrogatepass")))


def _plausible(program: bytes) -> bool:
    return 0 < len(program) <= _LONGEST and len(program) % 8 == 0


def _forget(path: str) -> None:
    try:
        if not path.endswith(".tmp") or time.time() - os.stat(path).st_mtime > WRITING:
            os.unlink(path)
    except FileNotFoundError:
        return  # another run cleans up as well


def _write(path: str, key: str, made: Filter) -> None:
    folder = os.path.dirname(path)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        old = os.listdir(folder)
        for name in old if len(old) >= MOST else ():
            _forget(f"{folder}/{name}")
    except OSError as error:
        raise ConfigError(f"cannot keep seccomp filters in {folder}: {reason(error)}") from error
    resolved, program = made
    content = {
        "key": key,
        "seccomp": str(resolved),
        "program": program.hex(),
        "sum": _sum(resolved, program),
    }
    records.write_text(path, records.dump(content) + "\n")
