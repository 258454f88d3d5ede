"""Build checks that follow the variables: through ARG before FROM, stages, ENV and ARG."""

from __future__ import annotations

import re

from mini_docker import builder, builder_forms, builder_heredocs, builder_words, images, suggest
from mini_docker.builder_checks_form import Finding
from mini_docker.errors import MiniDockerError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mini_docker.builder_checks import Surroundings
    from mini_docker.builder_instructions import Dockerfile, Instruction
    from mini_docker.builder_words import Reference

PLACES = ("BUILD", "TARGET")  # of $BUILDPLATFORM, $TARGETARCH, ...
TARGET = "TARGETPLATFORM"
SECRET = re.compile(
    r"(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)",
    re.IGNORECASE,
)
PUBLIC = re.compile(r"(?:_|^)public(?:_|$)", re.IGNORECASE)
UNASKED = ("BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE")


class _Stage:
    """What is known of a stage while its instructions are read."""

    __slots__ = ("args", "env", "shell", "workdir")

    def __init__(self, env: Mapping[str, str] | None) -> None:
        self.env = None if env is None else dict(env)  # None: the image's is not known
        self.args = set[str]()  # what ARG has declared
        self.workdir = False  # whether a WORKDIR has come
        self.shell = False  # whether a SHELL has come

    def child(self) -> _Stage:
        """Return what a stage begins with that is built on this one."""
        stage = _Stage(self.env)
        stage.args, stage.workdir, stage.shell = set(self.args), self.workdir, self.shell
        return stage


class _Names:
    """The variables that words asked for."""

    __slots__ = ("known", "unknown")

    def __init__(self) -> None:
        self.known = set[str]()
        self.unknown = set[str]()


def findings(file: Dockerfile, around: Surroundings) -> Iterator[Finding]:
    """Yield what is to be said of variables, ports and directories in *file*."""
    first = next((at for at, it in enumerate(file.instructions) if it.name == "FROM"), 0)
    head = file.instructions[:first]
    variables = _globals(head, file.escape, around.platform, around.build_args)
    defaults = _globals(head, file.escape, around.platform, {})
    declared = {name for it in head for name, _ in builder_forms.arguments(it.words)}
    stages: dict[str, _Stage] = {}
    stage = _Stage(None)
    for it in file.instructions[first:]:
        if it.name == "FROM":
            yield from _base(it, variables, declared, file.escape)
            yield from _default(it, defaults, file.escape)
            base = _word(it.words[0], variables, file.escape, _Names())
            known = stages.get(base.lower())
            stage = known.child() if known else _Stage(_environment(base, around))
            if len(it.words) == 3:
                stages[it.words[2].lower()] = stage
        else:
            yield from STEPS[it.name](it, stage, file.escape) if it.name in STEPS else ()
            yield from _undefined(it, stage, file.escape)
            _follow(it, stage, file.escape, around.build_args)


def _globals(
    head: list[Instruction], escape: str, platform: str, given: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables of FROM: of the platform, and of the ARGs before the first one."""
    system, _, machine = platform.partition("/")
    values = {"PLATFORM": platform, "OS": system, "ARCH": machine.partition("/")[0], "VARIANT": ""}
    found = {where + what: value for where in PLACES for what, value in values.items()}
    for it in head:
        for name, default in builder_forms.arguments(it.words):
            if name in given:
                found[name] = given[name]
            elif default is not None:
                found[name] = _word(default, found, escape, _Names())
    return found


def _environment(base: str, around: Surroundings) -> dict[str, str] | None:
    known = {} if base == "scratch" else around.base_env(base)
    return None if known is None else {"PATH": "", **known}


def _word(word: str, variables: Mapping[str, str], escape: str, names: _Names) -> str:
    """Return *word* with *variables* put in, and note their names; "" if that cannot be."""

    def look(reference: Reference) -> str:
        known = reference.name in variables
        (names.known if known else names.unknown).add(reference.name)
        return builder.substitute(reference, variables)

    try:
        return builder_words.joined(builder_words.pieces(word, escape, look))
    except UsageError:
        return ""  # the build says why


def _base(
    it: Instruction, variables: Mapping[str, str], declared: set[str], escape: str
) -> Iterator[Finding]:
    names = _Names()
    _word(it.words[0], variables, escape, names)
    for flag in it.flags:
        platform = flag.partition("=")[2]
        used = _Names()
        value = _word(platform, variables, escape, used)
        names.unknown |= used.unknown
        if used.known == {"TARGETPLATFORM"} and not used.unknown and value == variables[TARGET]:
            message = f"Setting platform to predefined {platform} in FROM is redundant"
            yield Finding(
                "RedundantTargetPlatform", it, f"{message} as this is the default behavior"
            )
        constant = not used.known and not used.unknown and value
        # A stage that is named after its platform is meant so.
        stage = it.words[2].lower() if len(it.words) == 3 else ""
        if constant and not any(part in stage for part in value.split("/")[:2]):
            message = f'FROM --platform flag should not use constant value "{value}"'
            yield Finding("FromPlatformFlagConstDisallowed", it, message)
    for name in sorted(names.unknown - declared):
        near = suggest.nearest(name, sorted({*variables, *declared}))
        hint = f" (did you mean {near}?)" if near else ""
        yield Finding("UndefinedArgInFrom", it, f"FROM argument '{name}' is not declared{hint}")


def _default(it: Instruction, defaults: Mapping[str, str], escape: str) -> Iterator[Finding]:
    try:
        images.parse(_word(it.words[0], defaults, escape, _Names()))
    except MiniDockerError:
        message = f"Default value for ARG {it.words[0]} results in empty or invalid base image name"
        yield Finding("InvalidDefaultArgInFrom", it, message)


def _command(it: Instruction, stage: _Stage, escape: str) -> Iterator[Finding]:
    if not it.json and not stage.shell:
        message = (
            f"JSON arguments recommended for {it.spelled} to prevent unintended behavior "
            "related to OS signals"
        )
        yield Finding("JSONArgsRecommended", it, message)


def _secret(it: Instruction, stage: _Stage, escape: str) -> Iterator[Finding]:
    for name in dict(_named(it)):
        if SECRET.search(name) and not PUBLIC.search(name):
            message = (
                f'Do not use ARG or ENV instructions for sensitive data ({it.spelled} "{name}")'
            )
            yield Finding("SecretsUsedInArgOrEnv", it, message)


def _workdir(it: Instruction, stage: _Stage, escape: str) -> Iterator[Finding]:
    path = _word(it.words[0], stage.env or {}, escape, _Names())
    if not stage.workdir and path and not path.startswith("/"):
        message = f'Relative workdir "{path}" can have unexpected results if the base image changes'
        yield Finding("WorkdirRelativePath", it, message)


def _expose(it: Instruction, stage: _Stage, escape: str) -> Iterator[Finding]:
    for word in it.words:
        port = _word(word, stage.env or {}, escape, _Names())
        protocol = port.partition("/")[2]
        if protocol != protocol.lower():
            message = f"Defined protocol '{port}' in EXPOSE instruction should be lowercase"
            yield Finding("ExposeProtoCasing", it, message)
        if ":" in port:
            message = "EXPOSE instruction should not define an IP address or host-port mapping"
            yield Finding("ExposeInvalidFormat", it, f"{message}, found '{port}'")


STEPS: dict[str, Callable[[Instruction, _Stage, str], Iterator[Finding]]] = {
    "ARG": _secret,
    "CMD": _command,
    "ENTRYPOINT": _command,
    "ENV": _secret,
    "EXPOSE": _expose,
    "WORKDIR": _workdir,
}


def _named(it: Instruction) -> list[tuple[str, str]]:
    """Return names and values of an ENV, LABEL or ARG."""
    if it.name == "ARG":
        return [(name, default or "") for name, default in builder_forms.arguments(it.words)]
    return builder_forms.pairs(it.words)


def _undefined(it: Instruction, stage: _Stage, escape: str) -> Iterator[Finding]:
    if stage.env is None:
        return
    names = _Names()
    for word in _expanded(it):
        _word(word, stage.env, escape, names)
    for name in sorted(names.unknown - stage.args - {*UNASKED}):
        near = suggest.nearest(name, sorted(stage.env))
        hint = f" (did you mean ${near}?)" if near else ""
        yield Finding("UndefinedVar", it, f"Usage of undefined variable '${name}'{hint}")


def _expanded(it: Instruction) -> list[str]:
    """Return the words of *it* in which the builder puts variables; the shell does the rest."""
    if it.name in ("ENV", "LABEL", "ARG"):
        return [word for pair in _named(it) for word in pair]
    if it.name in ("COPY", "ADD"):
        sources = [word for word in it.words if it.json or not builder_heredocs.announcement(word)]
        return [*it.flags, *sources, *(doc.content for doc in it.heredocs if doc.expand)]
    if it.name == "RUN":
        return it.flags
    return it.words if it.name in ("STOPSIGNAL", "USER", "VOLUME", "WORKDIR") else []


def _follow(it: Instruction, stage: _Stage, escape: str, given: Mapping[str, str]) -> None:
    """Note in *stage* what *it* changes."""
    stage.workdir |= it.name == "WORKDIR"
    stage.shell |= it.name == "SHELL"
    if stage.env is None or it.name not in ("ARG", "ENV"):
        return
    before = dict(stage.env)  # ENV a=1 b=$a: the new a is not seen yet
    if it.name == "ENV":
        for name, value in _named(it):
            stage.env[_word(name, before, escape, _Names())] = _word(
                value, before, escape, _Names()
            )
        return
    for name, default in builder_forms.arguments(it.words):
        stage.args.add(name)
        default = given.get(name, default)
        if default is not None:
            stage.env.setdefault(name, _word(default, before, escape, _Names()))
