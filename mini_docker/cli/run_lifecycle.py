"""The flags of ``run`` about a container's life: restart, stop and health, with Docker's checks."""

from __future__ import annotations

from mini_docker.errors import ConfigError, Conflict, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.cli.options import Values

MILLISECOND = 10**6  # nanoseconds; Docker takes no shorter time between two probes
HIGHEST = 2**63  # of a number in Docker's API
DURATIONS = {  # the flag: the field of Healthcheck
    "health-interval": "Interval",
    "health-timeout": "Timeout",
    "health-start-period": "StartPeriod",
    "health-start-interval": "StartInterval",
}


def config(values: Values) -> dict[str, Any]:
    """Return the fields of Config that were given: StopSignal, StopTimeout, Healthcheck."""
    found: dict[str, Any] = {}
    if values.stop_signal:
        from mini_docker.cli import signals

        signals.number(values.stop_signal)
        found["StopSignal"] = values.stop_signal
    if "stop-timeout" in values.given:
        found["StopTimeout"] = values.stop_timeout
    check = health(values)
    return {**found, "Healthcheck": check} if check else found


def health(values: Values) -> dict[str, Any]:
    """Return Healthcheck as the flags say, {} if they say nothing. docker/cli, opts.go.

    What an image says about the rest of it stays: images.merge().
    """
    given = [name for name in values.given if name.startswith("health-")]
    if values.no_healthcheck:
        if given:
            raise Conflict("--no-healthcheck conflicts with --health-* options")
        return {"Test": ["NONE"]}
    for name in (*DURATIONS, "health-retries"):
        if name in given and getattr(values, name.replace("-", "_")) < 0:
            raise UsageError(f"--{name} cannot be negative")
    found: dict[str, Any] = {"Test": ["CMD-SHELL", values.health_cmd]} if values.health_cmd else {}
    found |= {field: _time(field, values, name) for name, field in DURATIONS.items()}
    found["Retries"] = values.health_retries
    return {field: value for field, value in found.items() if value}


def _time(field: str, values: Values, name: str) -> int:
    """Return the nanoseconds of the flag *name*; 0, which means the default, if it is not given."""
    value = int(getattr(values, name.replace("-", "_")))
    if 0 < value < MILLISECOND:
        raise UsageError(f"{field} in Healthcheck cannot be less than 1ms")
    return value


def check_image(config: dict[str, Any]) -> None:
    """Refuse an image whose *config* has a StopTimeout or a Healthcheck that means nothing.

    The command line has been checked, and nobody asks again: the monitor counts on them.
    A StopSignal may be any text (operations.stop_signal).
    """
    check = config.get("Healthcheck") or {}
    if not isinstance(check, dict):
        raise ConfigError("cannot use the image: Healthcheck in its config is no object")
    test = check.get("Test") or []
    if not isinstance(test, list) or not all(isinstance(word, str) for word in test):
        raise ConfigError("cannot use the image: Test in its Healthcheck is no list of words")
    numbers = {name: check.get(name) for name in (*DURATIONS.values(), "Retries")}
    for name, value in {**numbers, "StopTimeout": config.get("StopTimeout")}.items():
        number = 0 if value is None else value
        if type(number) is not int or abs(number) >= HIGHEST:  # true and 1.5 are no numbers here
            raise ConfigError(f"cannot use the image: its {name} is no whole number: {value!r:.40}")
        if name != "StopTimeout" and number < 0:
            raise ConfigError(f"cannot use the image: {name} in Healthcheck cannot be negative")
        if name in DURATIONS.values() and 0 < number < MILLISECOND:
            raise ConfigError(
                f"cannot use the image: {name} in Healthcheck cannot be less than 1ms"
            )


def restart_policy(text: str) -> dict[str, Any]:
    """Return HostConfig.RestartPolicy for what --restart says, such as "on-failure:3".

    docker/cli, opts/parse.go; moby, api/types/container, ValidateRestartPolicy().
    """
    from mini_docker import lifecycle

    name, colon, count = text.partition(":")
    if colon and not name:
        raise UsageError("invalid restart policy format: no policy provided before colon")
    try:
        most = int(count or 0)
    except ValueError:
        raise UsageError(
            "invalid restart policy format: maximum retry count must be an integer"
        ) from None
    if name and name not in lifecycle.POLICIES:
        *others, last = (f"'{policy}'" for policy in lifecycle.POLICIES)
        raise UsageError(
            f"invalid restart policy: unknown policy '{name}'; use one of "
            f"{', '.join(others)}, or {last}"
        )
    if most and name != "on-failure":
        negative = " and cannot be negative" if most < 0 else ""
        raise UsageError(
            "invalid restart policy: maximum retry count can only be used with 'on-failure'"
            f"{negative}"
        )
    if most < 0:
        raise UsageError("invalid restart policy: maximum retry count cannot be negative")
    return {"Name": name or "no", "MaximumRetryCount": most}


def check_restart(values: Values) -> None:
    """Refuse a container that is to be removed at its end, and to come back after it."""
    if values.rm and restart_policy(values.restart)["Name"] != "no":
        raise Conflict("conflicting options: cannot specify both --restart and --rm")
