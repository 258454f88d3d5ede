"""What docker's build checks warn of: a Dockerfile that works, and perhaps not as it was meant.

A build reports what is found in short, `build --check` at length and without building. The
directive ``# check=skip=RULE,RULE;error=true`` leaves rules out, or makes a warning an error.
https://docs.docker.com/reference/build-checks/; moby/buildkit: frontend/dockerfile/linter.
"""

from __future__ import annotations

import re

from mini_docker import builder_checks_form, builder_checks_variables, builder_lines, strconv
from mini_docker.builder_checks_form import RULES
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mini_docker.builder import Ignore
    from mini_docker.builder_checks_form import Finding
    from mini_docker.builder_instructions import Dockerfile

EXPERIMENTAL = ("CopyIgnoredFile", "InvalidDefinitionDescription")
URL = "https://docs.docker.com/go/dockerfile/rule/"
WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Options:
    """Which checks are wanted."""

    __slots__ = ("error", "experimental", "skip")

    def __init__(self, text: str = "") -> None:
        """Read *text*, the value of the directive check; UsageError if it makes no sense.

        It is a list of skip=RULES, experimental=RULES and error=BOOL between semicolons;
        RULES are names between commas, or all.
        """
        self.skip: set[str] = set()
        self.experimental: set[str] = set()
        self.error = False  # whether a warning ends the build
        for part in text.split(";") if text.strip() else ():
            name, equals, value = (piece.strip() for piece in part.partition("="))
            if not equals or name not in ("skip", "experimental", "error"):
                raise UsageError(f'invalid check option "{part.strip()}" (try skip=RULE)')
            if name == "error":
                self.error = self._boolean(part, value)
            else:
                setattr(self, name, {rule.strip() for rule in value.split(",")})

    @staticmethod
    def _boolean(part: str, value: str) -> bool:
        try:
            return strconv.boolean(value)
        except ValueError as error:
            raise UsageError(f'failed to parse check option "{part}": {error}') from None

    def wants(self, rule: str) -> bool:
        """Return whether *rule* is to be reported."""
        if rule in EXPERIMENTAL:
            return bool(self.experimental & {rule, "all"})
        return not self.skip & {rule, "all"}


class Surroundings:
    """What the Dockerfile does not say by itself."""

    __slots__ = ("base_env", "build_args", "ignore", "platform")

    def __init__(
        self,
        build_args: Mapping[str, str] | None = None,
        platform: str = "linux/amd64",
        ignore: Ignore | None = None,
        base_env: Callable[[str], Mapping[str, str] | None] = lambda name: None,
    ) -> None:
        self.build_args = dict(build_args or {})
        self.platform = platform  # of the image: the value of $TARGETPLATFORM
        self.ignore = ignore
        # The variables of the image of this name; None if they are not known: then no
        # variable is said to be undefined in what is built on it.
        self.base_env = base_env


def check(file: Dockerfile, options: Options, around: Surroundings) -> list[Finding]:
    """Return what is to be said of *file*, in the order of its lines."""
    found = {
        (finding.line, finding.rule, finding.message): finding
        for finding in (
            *builder_checks_form.findings(file, around.ignore),
            *builder_checks_variables.findings(file, around),
        )
        if options.wants(finding.rule)
    }
    return sorted(found.values(), key=lambda finding: finding.line)


def failure(options: Options, findings: list[Finding]) -> str:
    """Return why the build is not to go on after these *findings*; "" if it may."""
    if not options.error or not findings:
        return ""
    rules = ", ".join(sorted({finding.rule for finding in findings}))
    return f"lint violation found for rules: {rules}"


def summary(findings: list[Finding]) -> str:
    """Return the *findings* as a build reports them at its end; "" if there are none."""
    if not findings:
        return ""
    count = "1 warning" if len(findings) == 1 else f"{len(findings)} warnings"
    lines = [f" - {it.rule}: {it.message} (line {it.line})\n" for it in findings]
    return f"\n {count} found (use --check to expand):\n{''.join(lines)}"


def report(findings: list[Finding], name: str, text: str) -> str:
    """Return the *findings* as `build --check` prints them; *text* is the Dockerfile *name*."""
    if not findings:
        return "Check complete, no warnings found.\n"
    count = "1 warning has" if len(findings) == 1 else f"{len(findings)} warnings have"
    shown = [f"Check complete, {count} been found!\n"]
    for it in findings:
        shown.append(f"\nWARNING: {it.rule} - {url(it.rule)}\n{it.message}\n")
        shown.append(builder_lines.excerpt(name, text, it.line, it.end))
    return "".join(shown)


def description(rule: str) -> str:
    """Return what *rule* asks for, in a sentence."""
    return RULES[rule]


def url(rule: str) -> str:
    """Return where docker's documentation explains *rule*.

    >>> url("JSONArgsRecommended")
    'https://docs.docker.com/go/dockerfile/rule/json-args-recommended/'
    """
    return f"{URL}{WORDS.sub('-', rule).lower()}/"
