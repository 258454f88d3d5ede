"""Seccomp profiles in Docker's JSON format: read, checked, and resolved for one container.

    {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
     "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X32"]}],
     "syscalls": [{"names": ["clone"], "action": "SCMP_ACT_ALLOW",
                   "args": [{"index": 0, "value": 2114060288, "op": "SCMP_CMP_MASKED_EQ"}],
                   "excludes": {"caps": ["CAP_SYS_ADMIN"]}}]}

A profile comes from a user, who makes mistakes, or through an API from somebody who may
be hostile. read() takes at most LIMIT bytes and names the place of what is wrong. Keys
that Docker does not know are left alone, as Docker does.
"""

from __future__ import annotations

from mini_docker import records, seccomp_default
from mini_docker.errors import ConfigError, reason
from mini_docker.seccomp_checks import check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

LIMIT = 2**20  # bytes; Docker's own profile has 13,000
UNCONFINED = "unconfined"
BUILTIN = "builtin"
_GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}
_COMMON = ("defaultAction", "defaultErrnoRet", "flags")


def option(text: str) -> str:
    """Return what HostConfig.SecurityOpt says for the option *text*.

    *text* is "seccomp=unconfined", "seccomp=builtin" or "seccomp=FILE", with Docker's old
    colon as well. The profile in FILE is read now, checked, and put in the place of its
    name. Raises ConfigError, in one line, if there is no such file or it is no profile.
    """
    value = text.removeprefix("seccomp")[1:] if text.startswith("seccomp") else text
    if value in (UNCONFINED, BUILTIN):
        return f"seccomp={value}"
    try:
        with open(value, "rb") as file:
            data = file.read(LIMIT + 1)
        profile = read(data.decode(), value)
    except UnicodeDecodeError as error:
        raise ConfigError(f"seccomp profile {value}: it is not UTF-8: {error.reason}") from error
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        why = reason(error).lower() if isinstance(error, OSError) else error
        raise ConfigError(f"opening seccomp profile ({value}) failed: {why}") from error
    return f"seccomp={records.dump(profile)}"


def read(text: str, source: str) -> dict[str, Any]:
    """Return the profile that the JSON document *text* describes, checked.

    Raises ConfigError that names *source* and the place in it:

        seccomp profile p.json: syscalls[3].args[0].op: unknown operator "SCMP_CMP_XX"
    """
    if len(text) > LIMIT:
        raise ConfigError(f"seccomp profile {source}: larger than {LIMIT} bytes")
    try:
        profile = records.parse(text)
        # It goes into a record and must come out again; half a character or Infinity does not.
        records.parse(records.dump(profile).encode().decode())
    except RecursionError:
        raise ConfigError(f"seccomp profile {source}: it is nested too deeply") from None
    except ValueError as error:
        raise ConfigError(f"seccomp profile {source}: it is not JSON: {error}") from error
    try:
        check(profile)
    except ValueError as error:
        raise ConfigError(f"seccomp profile {source}: {error}") from error
    found: dict[str, Any] = profile
    return found


def default() -> dict[str, Any]:
    """Return Docker's default profile."""
    return seccomp_default.profile()


def resolve(
    profile: dict[str, Any], capabilities: Collection[str], kernel: str, machine: str
) -> dict[str, Any]:
    """Return linux.seccomp of an OCI configuration: *profile* for one container.

    *capabilities* are the names in the container's bounding set, *kernel* is the release,
    such as "6.1.0-18-amd64", and *machine* "x86_64" or "aarch64". They decide about the
    "includes" and "excludes" of each entry and about the architectures; the rest stays.
    """
    goarch = _GO_NAMES.get(machine, machine)
    version = _version(kernel)
    result = {key: profile[key] for key in _COMMON if profile.get(key) is not None}
    # As runc has it: against Spectre 4 the processor is not slowed down, unless flags say so.
    result.setdefault("flags", ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"])
    result["architectures"] = _architectures(profile, machine)
    result["syscalls"] = [
        _plain(entry)
        for entry in profile.get("syscalls") or ()
        if not _any(entry.get("excludes") or {}, capabilities, goarch, version)
        and _all(entry.get("includes") or {}, capabilities, goarch, version)
    ]
    return result


def _architectures(profile: dict[str, Any], machine: str) -> list[str]:
    listed = list(profile.get("architectures") or ())
    for row in profile.get("archMap") or ():
        if row["architecture"] == f"SCMP_ARCH_{machine.upper()}":
            listed += [row["architecture"], *(row.get("subArchitectures") or ())]
            break
    return listed


def _plain(entry: dict[str, Any]) -> dict[str, Any]:
    """Return *entry* as the OCI has it: names, action, and errnoRet and args if given."""
    names = entry.get("names") or [entry["name"]]
    result = {"names": names, "action": entry["action"]}
    for key in ("errnoRet", "args"):
        if entry.get(key) not in (None, []):
            result[key] = entry[key]
    return result


def _any(
    wanted: dict[str, Any], capabilities: Collection[str], goarch: str, version: tuple[int, int]
) -> bool:
    """Say whether something of *wanted*, an entry's excludes, is the case here."""
    return (
        goarch in (wanted.get("arches") or ())
        or any(name in capabilities for name in wanted.get("caps") or ())
        or (bool(wanted.get("minKernel")) and version >= _version(wanted["minKernel"]))
    )


def _all(
    wanted: dict[str, Any], capabilities: Collection[str], goarch: str, version: tuple[int, int]
) -> bool:
    """Say whether all of *wanted*, an entry's includes, is the case here."""
    return (
        (not wanted.get("arches") or goarch in wanted["arches"])
        and all(name in capabilities for name in wanted.get("caps") or ())
        and (not wanted.get("minKernel") or version >= _version(wanted["minKernel"]))
    )


def _version(release: str) -> tuple[int, int]:
    """Return the first two numbers of a kernel release: "6.1.0-18-amd64" is (6, 1)."""
    major, _, rest = release.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    return int(major), int(digits or "0")
