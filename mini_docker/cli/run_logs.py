"""The flags of ``run`` about logs: --log-driver and --log-opt."""

from __future__ import annotations

from mini_docker import logs_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.cli.options import Values


def config(values: Values) -> dict[str, Any]:
    """Return HostConfig.LogConfig, checked, and completed from daemon.json."""
    options = dict(word.partition("=")[::2] for word in values.log_opt)
    return logs_options.complete(values.log_driver, options)
