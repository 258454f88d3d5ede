"""Changes to an image's config, as `commit -c` and `import -c` take them: Dockerfile lines.

    CMD ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL ONBUILD STOPSIGNAL USER VOLUME WORKDIR

The lines are read and carried out by the parts of the builder (builder_forms.py, builder_words
.py, builder_config.py) that no lab asks for: a student can commit before there is a builder.
Of the forms of a variable there are therefore these: $NAME, ${NAME}, ${NAME:-default} and
${NAME:+other}. A variable is one of the config's own Env.
"""

from __future__ import annotations

from mini_docker import builder_config, builder_forms, builder_words
from mini_docker.builder_config import Words
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Config = dict[str, Any]

ESCAPE = "\\"
NAMES = tuple(name for name in builder_config.CHANGES if name != "SHELL")
NO_TRIGGER = ("ONBUILD", "FROM", "MAINTAINER")
EXPANDED = ("EXPOSE", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR")


def apply(config: Config, lines: list[str]) -> Config:
    """Return *config*, of an image, after the changes in *lines*; UsageError for a wrong one."""
    config = dict(config)
    command_set = False
    for line in lines:
        spelled, flags, text = builder_forms.split(line)
        name = spelled.upper()
        if name not in NAMES:
            raise UsageError(f"{name} is not a valid change command")
        if not text:
            raise UsageError(f"{name} requires at least one argument")
        if name == "ENTRYPOINT" and not command_set:
            config.pop("Cmd", None)  # the arguments of another program
        command_set = command_set or name == "CMD"
        config = builder_config.apply(config, name, _words(config, name, flags, text))
    return config


def _words(config: Config, name: str, flags: list[str], text: str) -> Words:
    """Return the arguments of one line, with the variables of *config* put in."""
    known = builder_config.variables(config)
    found, json = builder_forms.words(name, text, ESCAPE)
    if name == "ONBUILD":
        trigger = found[0].upper()
        if trigger in NO_TRIGGER:
            raise UsageError(f"{trigger} isn't allowed as an ONBUILD trigger")
        found = [text]
    elif name in ("ENV", "LABEL"):
        pairs = builder_forms.pairs(found)
        found = [_expand(part, known) for pair in pairs for part in pair]
    elif name in EXPANDED:
        found = [_expand(word, known) for word in found]
    return Words(found, json, flags)


def _expand(word: str, known: dict[str, str]) -> str:
    def look(reference: builder_words.Reference) -> str:
        value = known.get(reference.name, "")
        if reference.form == ":-":
            return value or reference.word
        if reference.form == ":+":
            return reference.word if value else ""
        if reference.form:
            raise UsageError(f"unsupported modifier ({reference.form}) in substitution")
        return value

    return builder_words.joined(builder_words.pieces(word, ESCAPE, look))
