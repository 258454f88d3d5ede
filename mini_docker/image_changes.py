"""Changes to an image's config, as `commit -c` and `import -c` take them: Dockerfile lines.

    CMD ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL ONBUILD STOPSIGNAL USER VOLUME WORKDIR

apply() reads one line at a time. Words are split as the Dockerfile's are: quotes keep blanks
together, a backslash takes the meaning from what follows, $NAME and ${NAME} stand for a
variable of the config's own Env, but not between single quotes.
"""

from __future__ import annotations

import json
import posixpath
import re

from mini_docker import durations, strconv
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Config = dict[str, Any]

SHELL = ["/bin/sh", "-c"]
NO_TRIGGER = ("ONBUILD", "FROM", "MAINTAINER")
VARIABLE = r"\$(?:(?P<name>\w+)|\{(?P<braced>\w+)(?:(?P<form>:[-+])(?P<default>[^}]*))?\})"
TOKEN = re.compile(
    r"\\(?P<escaped>.)|'(?P<single>[^']*)'|\"(?P<double>(?:\\.|[^\"\\])*)\"|"
    rf"{VARIABLE}|(?P<blank>\s+)|(?P<other>.)",
    re.DOTALL,
)
INSIDE = re.compile(rf"\\(?P<escaped>[\"$\\])|{VARIABLE}")  # of double quotes
PORTS = re.compile(r"(\d+)(?:-(\d+))?(?:/(tcp|udp|sctp))?")
HEALTH = {
    "interval": "Interval",
    "timeout": "Timeout",
    "start-period": "StartPeriod",
    "start-interval": "StartInterval",
}


def apply(config: Config, lines: list[str]) -> Config:
    """Return *config*, of an image, after the changes in *lines*; UsageError for a wrong one."""
    config = dict(config)
    command_set = False
    for line in lines:
        name, _, rest = line.strip().partition(" ")
        name, rest = name.upper(), rest.strip()
        change = CHANGES.get(name)
        if change is None:
            raise UsageError(f"{name} is not a valid change command")
        if not rest:
            raise UsageError(f"{name} requires at least one argument")
        if name == "ENTRYPOINT" and not command_set:
            config.pop("Cmd", None)  # the arguments of another program
        command_set = command_set or name == "CMD"
        change(config, rest)
    return config


def words(text: str, variables: dict[str, str]) -> list[str]:
    """Return the words of *text*, without their quotes, and with *variables* put in.

    >>> words('a="b $X" c\\\\ d', {"X": "1"})
    ['a=b 1', 'c d']
    """
    found: list[str] = []
    word: str | None = None
    for it in TOKEN.finditer(text):
        if it["blank"]:
            found += [] if word is None else [word]
            word = None
        elif it["other"] in ('"', "'"):
            quote = it["other"]
            raise UsageError(f"unexpected end of statement while looking for matching {quote}")
        else:
            word = (word or "") + _part(it, variables)
    return found if word is None else [*found, word]


def _part(it: re.Match[str], variables: dict[str, str]) -> str:
    """Return what the token *it* adds to a word."""
    parts = it.groupdict()
    if parts.get("double") is not None:
        return INSIDE.sub(lambda part: _part(part, variables), it["double"])
    for plain in ("escaped", "single", "other"):
        if parts.get(plain) is not None:
            return str(parts[plain])
    value = variables.get(it["name"] or it["braced"], "")
    if it["form"] == ":-":
        return value or it["default"]
    if it["form"] == ":+":
        return it["default"] if value else ""
    return value


def _variables(config: Config) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in config.get("Env") or [])
    return {name: value for name, _, value in pairs}


def _list(text: str) -> list[str] | None:
    """Return the strings of a JSON list; None for anything else."""
    if not text.startswith("["):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    good = isinstance(found, list) and all(isinstance(word, str) for word in found)
    return found if good else None


def _pairs(name: str, text: str, config: Config) -> list[tuple[str, str]]:
    """Return NAME=VALUE pairs; the old form is one name, a blank, and all that follows."""
    variables = _variables(config)
    first = text.split(None, 1)
    if "=" not in first[0]:
        if len(first) < 2:
            raise UsageError(f"{name} must have two arguments")
        value = " ".join(words(first[1], variables)) if name == "ENV" else first[1]
        return [(first[0], value)]
    pairs = []
    for word in words(text, variables):
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(
                f"Syntax error - can't find = in {word!r}. Must be of the form: name=value"
            )
        if not key:
            raise UsageError(f"{name} names can not be blank")
        pairs.append((key, value))
    return pairs


def _command(field: str) -> Callable[[Config, str], None]:
    def change(config: Config, text: str) -> None:
        found = _list(text)
        config[field] = [*(config.get("Shell") or SHELL), text] if found is None else found

    return change


def _env(config: Config, text: str) -> None:
    env = list(config.get("Env") or [])
    for key, value in _pairs("ENV", text, config):
        names = [pair.partition("=")[0] for pair in env]
        if key in names:
            env[names.index(key)] = f"{key}={value}"
        else:
            env.append(f"{key}={value}")
    config["Env"] = env


def _label(config: Config, text: str) -> None:
    config["Labels"] = {**(config.get("Labels") or {}), **dict(_pairs("LABEL", text, config))}


def _expose(config: Config, text: str) -> None:
    ports = dict(config.get("ExposedPorts") or {})
    for word in words(text, _variables(config)):
        it = PORTS.fullmatch(word.lower())
        first, last = (int(it[1]), int(it[2] or it[1])) if it else (1, 0)
        if it is None or not 1 <= first <= last <= 65535:
            raise UsageError(f"invalid containerPort: {word}")
        ports |= {f"{port}/{it[3] or 'tcp'}": {} for port in range(first, last + 1)}
    config["ExposedPorts"] = ports


def _volume(config: Config, text: str) -> None:
    found = _list(text)
    if found is None:
        found = words(text, _variables(config))
    if not all(path.strip() for path in found):
        raise UsageError("VOLUME specified can not be an empty string")
    config["Volumes"] = {**(config.get("Volumes") or {}), **{path: {} for path in found}}


def _one(field: str) -> Callable[[Config, str], None]:
    def change(config: Config, text: str) -> None:
        found = words(text, _variables(config))
        if len(found) != 1:
            raise UsageError(f"{field.upper()} requires exactly one argument")
        config[field] = found[0]

    return change


def _workdir(config: Config, text: str) -> None:
    path = " ".join(words(text, _variables(config)))
    config["WorkingDir"] = posixpath.normpath(
        posixpath.join("/", config.get("WorkingDir") or "", path)
    )


def _onbuild(config: Config, text: str) -> None:
    trigger = text.split()[0].upper()
    if trigger in NO_TRIGGER:
        raise UsageError(f"{trigger} isn't allowed as an ONBUILD trigger")
    config["OnBuild"] = [*(config.get("OnBuild") or []), text]


def _healthcheck(config: Config, text: str) -> None:
    found: dict[str, Any] = {}
    rest = text
    while rest.startswith("--"):
        flag, _, rest = rest.partition(" ")
        name, _, value = flag[2:].partition("=")
        rest = rest.strip()
        try:
            if name == "retries":
                found["Retries"] = strconv.integer(value)
            else:
                field = HEALTH[name]
                found[field] = durations.parse(value)
        except KeyError:
            raise UsageError(f"Unknown flag: {name}") from None
        except ValueError as error:
            raise UsageError(f"HEALTHCHECK --{name}: {error}") from None
    kind, _, command = rest.partition(" ")
    if kind.upper() == "NONE" and not command and not found:
        found["Test"] = ["NONE"]
    elif kind.upper() == "CMD" and command.strip():
        words = _list(command.strip())
        found["Test"] = ["CMD-SHELL", command.strip()] if words is None else ["CMD", *words]
    else:
        raise UsageError(f"Unknown type {kind!r} in HEALTHCHECK (try CMD)")
    config["Healthcheck"] = found


CHANGES: dict[str, Callable[[Config, str], None]] = {
    "CMD": _command("Cmd"),
    "ENTRYPOINT": _command("Entrypoint"),
    "ENV": _env,
    "EXPOSE": _expose,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _label,
    "ONBUILD": _onbuild,
    "STOPSIGNAL": _one("StopSignal"),
    "USER": _one("User"),
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}
