"""What an instruction changes in the config of an image, and says of it in the history.

The words have their variables already (builder_steps.py). config.md of the image
specification; docs.docker.com/reference/dockerfile; moby, builder/dockerfile/dispatchers.go.
"""

from __future__ import annotations

import posixpath
import re

from mini_docker import builder_rules, records, signal_names
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Config = dict[str, Any]

SHELL = ["/bin/sh", "-c"]
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # FROM scratch
PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/(tcp|udp|sctp))?")


class Words:
    """The arguments of an instruction: *list*, whether it was *json*, its *flags*."""

    __slots__ = ("flags", "json", "list")

    def __init__(self, list: list[str], json: bool = False, flags: list[str] | None = None) -> None:
        self.list = list
        self.json = json
        self.flags = flags or []


def apply(config: Config, name: str, words: Words) -> Config:
    """Return *config* after the instruction *name*; UsageError for what cannot be."""
    changed = dict(config)
    CHANGES[name](changed, words)
    return changed


def shell(config: Config, words: Words) -> list[str]:
    """Return the command line that *words* are: themselves, or a line for the image's shell."""
    if words.json:
        return list(words.list)
    return [*(config.get("Shell") or SHELL), *words.list]


def variables(config: Config) -> dict[str, str]:
    """Return the environment of *config* as a table."""
    pairs = (pair.partition("=") for pair in config.get("Env") or [])
    return {name: value for name, _, value in pairs}


def set_variable(env: list[str], name: str, value: str) -> list[str]:
    """Return *env* with NAME=VALUE, in the place of what has that name."""
    names = [pair.partition("=")[0] for pair in env]
    if name not in names:
        return [*env, f"{name}={value}"]
    at = names.index(name)
    return [*env[:at], f"{name}={value}", *env[at + 1 :]]


def workdir(config: Config, path: str) -> str:
    """Return the absolute path that *path* is from the working directory of *config*."""
    joined = posixpath.join("/", config.get("WorkingDir") or "", path)
    return posixpath.normpath(joined).replace("//", "/")


def note(name: str, words: Words) -> str:
    """Return what the history says of an instruction that changes the config."""
    flags = "".join(f"{flag} " for flag in words.flags)
    if name in ("ENV", "LABEL"):
        pairs = zip(words.list[::2], words.list[1::2], strict=True)
        return f"{name} {flags}" + " ".join(f"{key}={value}" for key, value in pairs)
    text = records.dump(words.list) if words.json else " ".join(words.list)
    return f"{name} {flags}{text}"


def _cmd(config: Config, words: Words) -> None:
    config["Cmd"] = shell(config, words)


def _entrypoint(config: Config, words: Words) -> None:
    config["Entrypoint"] = shell(config, words)


def _env(config: Config, words: Words) -> None:
    env = list(config.get("Env") or [])
    for name, value in zip(words.list[::2], words.list[1::2], strict=True):
        if not name:
            raise UsageError("ENV names can not be blank")
        env = set_variable(env, name, value)
    config["Env"] = env


def _label(config: Config, words: Words) -> None:
    pairs = dict(zip(words.list[::2], words.list[1::2], strict=True))
    if "" in pairs:
        raise UsageError("LABEL names can not be blank")
    config["Labels"] = {**(config.get("Labels") or {}), **pairs}


def _expose(config: Config, words: Words) -> None:
    ports = dict(config.get("ExposedPorts") or {})
    for word in words.list:
        it = PORTS.fullmatch(word.rpartition(":")[2].lower())
        first, last = (int(it[1]), int(it[2] or it[1])) if it else (1, 0)
        if it is None or not 1 <= first <= last <= 65535:
            raise UsageError(f"invalid containerPort: {word:.100}")
        ports |= {f"{port}/{it[3] or 'tcp'}": {} for port in range(first, last + 1)}
    config["ExposedPorts"] = ports


def _volume(config: Config, words: Words) -> None:
    if not all(path.strip() for path in words.list):
        raise UsageError("VOLUME specified can not be an empty string")
    config["Volumes"] = {**(config.get("Volumes") or {}), **{path: {} for path in words.list}}


def _user(config: Config, words: Words) -> None:
    config["User"] = _single("USER", words)


def _workdir(config: Config, words: Words) -> None:
    path = _single("WORKDIR", words)
    if not path:
        raise UsageError("cannot normalize nothing")
    config["WorkingDir"] = workdir(config, path)


def _stop_signal(config: Config, words: Words) -> None:
    name = _single("STOPSIGNAL", words)
    signal_names.number(name)  # or it refuses the name
    config["StopSignal"] = name


def _shell(config: Config, words: Words) -> None:
    if not words.json:
        raise UsageError("SHELL requires the arguments to be in JSON form")
    if not words.list:
        raise UsageError("SHELL requires at least one argument")
    config["Shell"] = list(words.list)


def _onbuild(config: Config, words: Words) -> None:
    config["OnBuild"] = [*(config.get("OnBuild") or []), *words.list]


def _health(config: Config, words: Words) -> None:
    config["Healthcheck"] = builder_rules.healthcheck(words.list, words.json, words.flags)


def _single(name: str, words: Words) -> str:
    if len(words.list) != 1:
        raise UsageError(f"{name} requires exactly one argument")
    return words.list[0]


CHANGES: dict[str, Callable[[Config, Words], None]] = {
    "CMD": _cmd,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "HEALTHCHECK": _health,
    "LABEL": _label,
    "ONBUILD": _onbuild,
    "SHELL": _shell,
    "STOPSIGNAL": _stop_signal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}
