"""The options of the log drivers, by Docker's rules and in its words.

What a container does not say, daemon.json does: log-driver, and log-opts for that driver.
Docker: daemon/logs.go, daemon/logger/factory.go, and the drivers' own New and ValidateLogOpt.
"""

from __future__ import annotations

from mini_docker import configuration, logs_attributes, logs_files, sizes, strconv
from mini_docker.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

ANY_DRIVER = ("mode", "max-buffer-size")
ROTATION = ("max-size", "max-file", "compress")
KNOWN = {"json-file": (*ROTATION, *logs_attributes.OPTIONS), "local": ROTATION}
LOCAL = {"max-size": "20971520", "max-file": "5", "compress": "true"}  # unless it is told otherwise
NEEDS = {
    "json-file": "compress cannot be true when max-file is less than 2 or max-size is not set",
    "local": "compression cannot be enabled when max file count is 1",
}
MOST_FILES = 10_000  # Docker has no limit; each is looked for at every rotation


def complete(driver: str, options: Mapping[str, str]) -> dict[str, Any]:
    """Return HostConfig.LogConfig: what was asked for, completed from daemon.json.

    Raises ConfigError for a driver that there is not, and for options that it has not.
    """
    if driver == "none" and options:
        raise ConfigError("invalid logging opts for driver none")
    usual, defaults = daemon()
    driver = driver or usual
    found = {**(defaults if driver == usual else {}), **options}
    check(driver, found)
    return {"Type": driver, "Config": found}


def daemon() -> tuple[str, dict[str, str]]:
    """Return the driver that daemon.json names, and its options."""
    config = configuration.read()
    options = config.get("log-opts", {})
    if not all(isinstance(value, str) for value in options.values()):
        raise ConfigError(f"cannot use {configuration.path()}: log-opts must be texts")
    return config.get("log-driver", "") or logs_files.DEFAULT, options


def check(driver: str, options: Mapping[str, str]) -> None:
    """Refuse a *driver* that we do not have, and *options* that it does not."""
    if driver == "none":
        return
    _check_mode(options)
    logs_files.path("", driver)
    for name in options:
        if name not in KNOWN[driver] and name not in ANY_DRIVER:
            place = (
                "json-file log driver" if driver == logs_files.DEFAULT else f"log driver {driver}"
            )
            raise ConfigError(f"unknown log opt '{name}' for {place}")
    rotation(driver, options)
    logs_attributes.check(options)


def _check_mode(options: Mapping[str, str]) -> None:
    """Check what holds for every driver: there is one mode, in which no line is thrown away."""
    mode = options.get("mode", "")
    if mode == "non-blocking":
        raise ConfigError(
            "logger: mode=non-blocking is not supported: it would lose lines; leave it out"
        )
    if mode not in ("", "blocking"):
        raise ConfigError(f"logger: logging mode not supported: {mode}")
    if "max-buffer-size" in options:
        raise ConfigError(
            "logger: max-buffer-size option is only supported with 'mode=non-blocking'"
        )


def rotation(driver: str, options: Mapping[str, str]) -> tuple[int, int, bool]:
    """Return the bytes of one file, 0 for any number, how many files, and whether to compress."""
    given = {**(LOCAL if driver == "local" else {}), **options}
    try:
        return _rotation(given, NEEDS[driver])
    except ValueError as error:
        raise ConfigError(f"failed to initialize logging driver: {error}") from None


def _rotation(given: Mapping[str, str], needs: str) -> tuple[int, int, bool]:
    """Read *given*; *needs* is what is said if compress has nothing to compress."""
    limit, count = 0, 1
    if "max-size" in given:
        limit = sizes.from_human_size(given["max-size"])
        if limit <= 0:
            raise ValueError("max-size must be a positive number")
    if "max-file" in given:
        count = _count(given["max-file"])
    compress = strconv.boolean(given["compress"]) if "compress" in given else False
    if compress and (count < 2 or not limit):
        raise ValueError(needs)
    return limit, count, compress


def _count(text: str) -> int:
    try:
        count = strconv.signed(text)
    except ValueError as error:
        raise ValueError(str(error).replace("ParseInt", "Atoi")) from None
    if count < 1:
        raise ValueError("max-file cannot be less than 1")
    if count > MOST_FILES:
        raise ValueError(f"max-file cannot be more than {MOST_FILES}")
    return count
