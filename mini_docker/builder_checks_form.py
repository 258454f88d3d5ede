"""Build checks of the form: names, letters, old ways to write, what stands twice."""

from __future__ import annotations

import posixpath

from mini_docker import builder_forms, builder_heredocs, builder_lines, builder_rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mini_docker.builder import Ignore
    from mini_docker.builder_instructions import Dockerfile, Instruction

RULES = {
    "StageNameCasing": "Stage names should be lowercase",
    "FromAsCasing": "The 'as' keyword should match the case of the 'from' keyword",
    "NoEmptyContinuation": "Empty continuation lines will become errors in a future release",
    "ConsistentInstructionCasing": "All commands within the Dockerfile should use the same casing "
    "(either upper or lower)",
    "DuplicateStageName": "Stage names should be unique",
    "ReservedStageName": "Reserved words should not be used as stage names",
    "JSONArgsRecommended": "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended "
    "behavior related to OS signals",
    "MaintainerDeprecated": "The MAINTAINER instruction is deprecated, use a label instead to "
    "define an image author",
    "UndefinedArgInFrom": "FROM command must use declared ARGs",
    "WorkdirRelativePath": "Relative workdir without an absolute workdir declared within the build "
    "can have unexpected results if the base image changes",
    "UndefinedVar": "Variables should be defined before their use",
    "MultipleInstructionsDisallowed": "Multiple instructions of the same type should not be used "
    "in the same stage",
    "LegacyKeyValueFormat": "Legacy key/value format with whitespace separator should not be used",
    "RedundantTargetPlatform": "Setting platform to predefined $TARGETPLATFORM in FROM is "
    "redundant as this is the default behavior",
    "SecretsUsedInArgOrEnv": "Sensitive data should not be used in the ARG or ENV commands",
    "InvalidDefaultArgInFrom": "Default value for global ARG results in an empty or invalid base "
    "image name",
    "FromPlatformFlagConstDisallowed": "FROM --platform flag should not use a constant value",
    "CopyIgnoredFile": "Attempting to Copy file that is excluded by .dockerignore",
    "InvalidDefinitionDescription": "Comment for build stage or argument should follow the format: "
    "`# <arg/stage name> <description>`",
    "ExposeProtoCasing": "Protocol in EXPOSE instruction should be lowercase",
    "ExposeInvalidFormat": "EXPOSE instruction should not define an IP address or host-port "
    "mapping",
}


class Finding:
    """What a check has found in an instruction."""

    __slots__ = ("end", "line", "message", "rule")

    def __init__(self, rule: str, it: Instruction | int, message: str) -> None:
        self.rule = rule
        self.message = message
        self.line, self.end = (it, it) if isinstance(it, int) else (it.line, it.end)


def findings(file: Dockerfile, ignore: Ignore | None) -> Iterator[Finding]:
    """Yield what is to be said of the form of *file*, of whose context *ignore* hides a part."""
    for line, message in file.warnings:
        if message == builder_lines.EMPTY:
            yield Finding("NoEmptyContinuation", line, message)
    yield from _casing(file.instructions)
    yield from _stages([it for it in file.instructions if it.name == "FROM"])
    yield from _twice(file.instructions)
    for it in file.instructions:
        yield from _described(it)
        if it.name == "MAINTAINER":
            message = "Maintainer instruction is deprecated in favor of using label"
            yield Finding("MaintainerDeprecated", it, message)
        if it.name in ("ENV", "LABEL") and "" in it.words[2::3]:
            name = it.spelled
            message = (
                f'"{name} key=value" should be used instead of legacy "{name} key value" format'
            )
            yield Finding("LegacyKeyValueFormat", it, message)
        if it.name in ("COPY", "ADD") and ignore is not None:
            yield from _ignored(it, ignore)


def _casing(instructions: list[Instruction]) -> Iterator[Finding]:
    lower = sum(it.spelled.islower() for it in instructions)
    upper = sum(it.spelled.isupper() for it in instructions)
    majority = "lowercase" if lower > upper else "uppercase"
    for it in instructions:
        if not (it.spelled.islower() if lower > upper else it.spelled.isupper()):
            message = f"should match the case of the command majority ({majority})"
            yield Finding("ConsistentInstructionCasing", it, f"Command '{it.spelled}' {message}")


def _stages(stages: list[Instruction]) -> Iterator[Finding]:
    seen = set[str]()
    for it in stages:
        if len(it.words) != 3:
            continue
        _, keyword, name = it.words
        small = name.lower()
        if name != small:
            yield Finding("StageNameCasing", it, f"Stage name '{name}' should be lowercase")
        upper, lower = it.spelled.isupper(), it.spelled.islower()
        if (upper and not keyword.isupper()) or (lower and not keyword.islower()):
            message = f"'{keyword}' and '{it.spelled}' keywords' casing do not match"
            yield Finding("FromAsCasing", it, message)
        if small in ("context", "scratch"):
            message = f'Stage name should not use the same name as reserved stage "{small}"'
            yield Finding("ReservedStageName", it, message)
        if small in seen:
            message = f'Duplicate stage name "{small}", stage names should be unique'
            yield Finding("DuplicateStageName", it, message)
        seen.add(small)


def _twice(instructions: list[Instruction]) -> Iterator[Finding]:
    """Yield what a later instruction of the same stage makes void."""
    last: dict[str, Instruction] = {}
    for it in instructions:
        if it.name == "FROM":
            last = {}
        if it.name not in ("CMD", "ENTRYPOINT", "HEALTHCHECK"):
            continue
        if it.name in last:
            message = (
                f"Multiple {it.spelled} instructions should not be used in the same stage "
                "because only the last one will be used"
            )
            yield Finding("MultipleInstructionsDisallowed", last[it.name], message)
        last[it.name] = it


def _described(it: Instruction) -> Iterator[Finding]:
    """Yield a comment right above a stage or argument that does not begin with its name."""
    names = it.words[2:] if it.name == "FROM" else []
    if it.name == "ARG":
        names = [name for name, _ in builder_forms.arguments(it.words)]
    if not it.comments or not names:
        return
    first = it.comments[-1].split(" ")[0]
    if first not in names and first.split("=")[0].lower() not in builder_lines.DIRECTIVES:
        example = names[0] if len(names) == 1 else "<arg_key>"
        message = f"Comment for {it.name} should follow the format: `# {example} <description>`"
        yield Finding("InvalidDefinitionDescription", it, message)


def _ignored(it: Instruction, ignore: Ignore) -> Iterator[Finding]:
    # With a ! in it, a file in a directory that is left out may be there all the same.
    if "from" in builder_rules.flags(it) or any(pattern.negated for pattern in ignore.patterns):
        return
    for source in it.words[:-1]:
        if builder_heredocs.announcement(source) or "://" in source:
            continue
        path = posixpath.normpath(source).lstrip("/") or "."
        if ignore.matches(path):
            verb = it.name.capitalize()
            message = f'Attempting to {verb} file "{path}" that is excluded by .dockerignore'
            yield Finding("CopyIgnoredFile", it, message)
