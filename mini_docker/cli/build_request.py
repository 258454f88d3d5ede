"""From the flags of ``build`` to what the builder is asked for."""

from __future__ import annotations

import os

from mini_docker.cli import run_checks, run_settings
from mini_docker.errors import ConfigError, UsageError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.builder_build import Request
    from mini_docker.cli.options import Values

SECRET = 500 * 1024  # bytes of a secret, as BuildKit has it
EPOCH = "SOURCE_DATE_EPOCH"
HOST = {  # HostConfig's name: the flag's
    "CgroupParent": "cgroup_parent",
    "CpuPeriod": "cpu_period",
    "CpuQuota": "cpu_quota",
    "CpuShares": "cpu_shares",
    "CpusetCpus": "cpuset_cpus",
    "CpusetMems": "cpuset_mems",
    "ShmSize": "shm_size",
}


def fill(request: Request, values: Values) -> None:
    """Put what the flags say into *request*; UsageError for a value that makes no sense."""
    request.build_args = arguments(values.build_arg)
    request.labels = dict(word.partition("=")[::2] for word in values.label)
    request.target = values.target
    request.tags = values.tag
    request.no_cache = values.no_cache
    request.pull = values.pull
    request.cache_from = [_cache(text) for text in values.cache_from]
    request.network = values.network
    request.secrets = dict(secret(text) for text in values.secret)
    request.host = host(values)
    request.platform = values.platform
    request.epoch = _epoch(request.build_args)


def arguments(words: list[str]) -> dict[str, str]:
    """Return --build-arg as a mapping; a bare NAME has its value from our environment, if any."""
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not name:
            raise UsageError(f"invalid --build-arg {word!r}: it has no name")
        if equals or name in os.environ:
            found[name] = value if equals else os.environ[name]
    return found


def host(values: Values) -> dict[str, Any]:
    """Return the limits of a RUN as HostConfig has them, checked as those of `run` are."""
    for missing in ("blkio_weight", "cpus", "memory_reservation"):  # `build` has no such flags
        setattr(values, missing, 0)
    run_checks.limits(values)
    found: dict[str, Any] = {
        key: getattr(values, flag) for key, flag in HOST.items() if getattr(values, flag)
    }
    found.update(run_settings.memory(values))
    if values.ulimit:
        found["Ulimits"] = [
            {"Name": name, "Soft": soft, "Hard": hard} for name, soft, hard in values.ulimit
        ]
    if values.security_opt:
        found["SecurityOpt"] = run_checks.security(values.security_opt)
    return found


def secret(text: str) -> tuple[str, bytes]:
    """Return the id and the content that --secret names: id=ID[,src=PATH|,env=NAME][,type=...].

    With an id alone it is the variable of that name, or else the file.
    """
    fields = _fields(text)
    id, kind = fields.pop("id", ""), fields.pop("type", "")
    path, variable = fields.pop("src", fields.pop("source", "")), fields.pop("env", "")
    if not id:
        raise UsageError(f"invalid --secret {text}: it has no id")
    if fields or kind not in ("", "file", "env"):
        wrong = next(iter(fields), f"type={kind}")
        raise UsageError(f"invalid --secret {text}: unexpected {wrong}")
    if kind == "env" and not variable:
        path, variable = "", path
    if not path and not variable:
        path, variable = ("", id) if id in os.environ and kind != "file" else (id, "")
    data = _variable(id, variable) if variable else _file(id, path)
    if len(data) > SECRET:
        raise UsageError(f"invalid --secret {id}: it has more than {SECRET} bytes")
    return id, data


def _variable(id: str, name: str) -> bytes:
    if name not in os.environ:
        raise UsageError(f"invalid --secret {id}: there is no variable {name}")
    return os.environb[os.fsencode(name)]


def _file(id: str, path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(SECRET + 1)
    except OSError as error:
        raise ConfigError(f"cannot read the secret {id}: {path}: {reason(error)}") from error


def _fields(text: str) -> dict[str, str]:
    """Return KEY=VALUE pairs with commas between them; quotes keep a comma, as in CSV."""
    from mini_docker import builder_volumes

    found = {}
    for word in builder_volumes.words(text):
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"invalid --secret {text}: {word!r} must be a key=value pair")
        found[key.strip().lower()] = value
    return found


def _cache(text: str) -> str:
    """Return the reference that --cache-from names: NAME, or type=registry,ref=NAME."""
    if "=" not in text:
        return text
    fields = dict(word.partition("=")[::2] for word in text.split(","))
    if fields.get("type") != "registry" or not fields.get("ref"):
        raise UsageError(
            f"--cache-from {text} is not supported: name an image, or type=registry,ref=IMAGE"
        )
    return fields["ref"]


def _epoch(given: dict[str, str]) -> int | None:
    """Return SOURCE_DATE_EPOCH, of --build-arg or of our environment, in seconds since 1970."""
    text = given.get(EPOCH, os.environ.get(EPOCH, ""))
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise UsageError(f"invalid {EPOCH}: {text!r:.40} is no number of seconds since 1970")
    return int(text)
