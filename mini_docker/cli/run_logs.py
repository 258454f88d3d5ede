"""The flags of ``run`` about logs: --log-driver and --log-opt."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.cli.options import Values


def config(values: Values) -> dict[str, Any]:
    """Return HostConfig.LogConfig."""
    options = dict(word.partition("=")[::2] for word in values.log_opt)
    return {"Type": values.log_driver or "json-file", "Config": options}
