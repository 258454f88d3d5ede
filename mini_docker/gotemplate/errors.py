"""The errors of templates, in Go's words."""

from __future__ import annotations

from mini_docker.errors import UsageError


class TemplateError(UsageError):
    """A template that cannot be parsed, or not be applied to the data."""

    def __init__(self, message: str) -> None:
        if not message.isprintable():
            message = "".join(c if c.isprintable() else repr(c)[1:-1] for c in message)
        super().__init__(message)
