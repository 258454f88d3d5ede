"""Variables: what $NAME means in an instruction, and which arguments a RUN can see.

    ARG before the first FROM      for FROM alone; a stage says ARG NAME to have it
    ARG in a stage                 from there to the end of the stage
    ENV                            from there on, in the image as well; it wins over ARG

docs.docker.com/reference/dockerfile, "ARG", "Predefined ARGs", "Scope".
"""

from __future__ import annotations

from mini_docker import builder, builder_config
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
# Known without an ARG; they change neither what is built nor what the cache finds.
PREDEFINED = frozenset((*PROXIES, *(name.lower() for name in PROXIES)))


class Scope:
    """The variables of one stage."""

    def __init__(
        self, given: Mapping[str, str], above: Mapping[str, str], escape: str, used: set[str]
    ) -> None:
        """*given* are those of --build-arg, *above* those before the first FROM."""
        self._given = given
        self._above = above
        self._used = used  # names of *given* that some ARG has asked for
        self.escape = escape
        self.arguments: dict[str, str] = {}  # declared, and with a value

    def declare(self, name: str, default: str | None) -> None:
        """Take the argument *name* in; without any value it is not set."""
        self._used.add(name)
        if name in self._given:
            self.arguments[name] = self._given[name]
        elif default is not None:
            self.arguments[name] = default
        elif name in self._above:
            self.arguments[name] = self._above[name]

    def variables(self, config: dict[str, Any]) -> dict[str, str]:
        """Return what can be put in, with the environment of *config*."""
        return {**self.arguments, **builder_config.variables(config)}

    def expand(self, word: str, config: dict[str, Any]) -> str:
        """Return *word* with its variables put in."""
        return builder.expand(word, self.variables(config), self.escape)

    def expand_document(self, text: str, config: dict[str, Any]) -> str:
        """Return the *text* of a here-document with its variables put in; quotes are letters."""
        free = [chr(code) for code in range(0xE000, 0xF000) if chr(code) not in text][:2]
        if len(free) < 2:
            raise UsageError("a here-document with every private letter of Unicode in it")
        hidden = text.translate({ord("'"): free[0], ord('"'): free[1]})
        return self.expand(hidden, config).replace(free[0], "'").replace(free[1], '"')

    def seen(self, config: dict[str, Any]) -> dict[str, str]:
        """Return the arguments that a RUN sees, and that its result depends on."""
        env = builder_config.variables(config)
        return {name: value for name, value in self.arguments.items() if name not in env}

    def environment(self, config: dict[str, Any]) -> list[str]:
        """Return the environment of a RUN: the arguments, then the image's, which wins."""
        proxies = {name: self._given[name] for name in self._given if name in PREDEFINED}
        pairs = {**proxies, **self.seen(config)}
        return [*(f"{name}={value}" for name, value in pairs.items()), *(config.get("Env") or [])]
