"""Docker's build checks: each is found where it should be, and not where it should not."""

from __future__ import annotations

import pytest

from mini_docker import builder, builder_checks
from mini_docker.builder_checks import Options, Surroundings
from mini_docker.builder_checks_form import RULES
from mini_docker.errors import UsageError

ALL = "experimental=all"


def found(text: str, around: Surroundings | None = None) -> list[tuple[str, int]]:
    """Return the rules that *text* breaks, with their lines; every image is known to be bare."""
    around = around or Surroundings(base_env=lambda name: {})
    findings = builder_checks.check(builder.parse(text), Options(ALL), around)
    return [(it.rule, it.line) for it in findings]


def message(text: str) -> str:
    """Return what is said of the one thing that is wrong with *text*."""
    around = Surroundings(base_env=lambda name: {"HOME": "/root"})
    (finding,) = builder_checks.check(builder.parse(text), Options(ALL), around)
    return finding.message


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        ("FROM a AS Build\n", "StageNameCasing", 1),
        ("FROM a as b\n", "FromAsCasing", 1),
        ("from a AS b\n", "FromAsCasing", 1),
        ("FROM a\nRUN b \\\n\n c\n", "NoEmptyContinuation", 4),
        ("FROM a\nrun b\n", "ConsistentInstructionCasing", 2),
        ("from a\nrun b\nRUN c\n", "ConsistentInstructionCasing", 3),
        ("FROM a\nRun b\n", "ConsistentInstructionCasing", 2),
        ("FROM a AS b\nFROM c AS b\n", "DuplicateStageName", 2),
        ("FROM a AS scratch\n", "ReservedStageName", 1),
        ("FROM a\nCMD b\n", "JSONArgsRecommended", 2),
        ("FROM a\nENTRYPOINT b\n", "JSONArgsRecommended", 2),
        ("FROM a\nMAINTAINER b\n", "MaintainerDeprecated", 2),
        ("ARG B\nFROM a$C\n", "UndefinedArgInFrom", 2),
        ("FROM --platform=$BULIDPLATFORM a\n", "UndefinedArgInFrom", 1),
        ("FROM a\nWORKDIR b\n", "WorkdirRelativePath", 2),
        ("FROM a\nCOPY $B .\n", "UndefinedVar", 2),
        ("FROM a\nARG C=$B\n", "UndefinedVar", 2),
        ("FROM a\nENV B=1 C=$B\n", "UndefinedVar", 2),
        ("FROM a\nCOPY <<E /x\n$B\nE\n", "UndefinedVar", 2),
        ("FROM a\nRUN --mount=type=cache,target=$B c\n", "UndefinedVar", 2),
        ("FROM a AS b\nENV C=1\nFROM a\nUSER $C\n", "UndefinedVar", 4),
        ('FROM a\nCMD ["b"]\nCMD ["c"]\n', "MultipleInstructionsDisallowed", 2),
        ("FROM a\nENV b c\n", "LegacyKeyValueFormat", 2),
        ("FROM a\nLABEL b c\n", "LegacyKeyValueFormat", 2),
        ("FROM --platform=${TARGETPLATFORM} a\n", "RedundantTargetPlatform", 1),
        ("FROM a\nARG DB_PASSWORD\n", "SecretsUsedInArgOrEnv", 2),
        ("FROM a\nENV token=b\n", "SecretsUsedInArgOrEnv", 2),
        ("ARG TAG\nFROM a:$TAG\n", "InvalidDefaultArgInFrom", 2),
        ("FROM --platform=linux/arm64 a AS b\n", "FromPlatformFlagConstDisallowed", 1),
        ("FROM a\nEXPOSE 80/TCP\n", "ExposeProtoCasing", 2),
        ("FROM a\nEXPOSE 127.0.0.1:80:80\n", "ExposeInvalidFormat", 2),
        ("# what\nFROM a AS b\n", "InvalidDefinitionDescription", 2),
        ("FROM a\n# what\nARG b\n", "InvalidDefinitionDescription", 3),
    ],
)
def test_what_docker_warns_of_is_found(text: str, rule: str, line: int) -> None:
    assert found(text) == [(rule, line)]


@pytest.mark.parametrize(
    "text",
    [
        'FROM a AS b\nRUN $c\nCMD ["$d"]\n',
        "from a as b\nrun c\n",
        "FROM a\nRUN b \\\n # c\n d\n",
        'FROM a\nSHELL ["b"]\nCMD c\n',
        "ARG B=1\nFROM a:$B\n",
        "FROM --platform=$BUILDPLATFORM a\n",
        "FROM --platform=linux/arm64 a AS b-arm64\n",
        "FROM a\nWORKDIR /b\nWORKDIR c\n",
        "FROM a AS b\nWORKDIR /c\nFROM b\nWORKDIR d\n",
        "FROM a AS b\nENV C=1\nARG D\nFROM b\nUSER $C$D\n",
        "FROM a\nARG B\nUSER $B\nENV PATH=$PATH:/c\n",
        "FROM a\nRUN $B\nHEALTHCHECK CMD $B\n",
        "FROM a\nCOPY <<'E' /x\n$B\nE\n",
        'FROM a\nCMD ["b"]\nFROM a\nCMD ["c"]\n',
        "FROM a\nENV PUBLIC_KEY=b KEYBOARD=c\n",
        "FROM a\nEXPOSE 80/tcp 81-83\n",
        "# syntax=docker/dockerfile:1\nFROM a AS b\n",
        "# b is the first stage\nFROM a AS b\n# what\n\nARG c\n",
    ],
)
def test_what_is_well_is_passed_over(text: str) -> None:
    assert found(text) == []


def test_without_the_variables_of_an_image_none_is_called_undefined() -> None:
    text = "FROM a AS b\nUSER $C\nFROM scratch\nUSER $C\n"
    assert found(text, Surroundings()) == [("UndefinedVar", 4)]


def test_build_arguments_count_for_from() -> None:
    text = "ARG TAG\nFROM a:$TAG AS b\nFROM $TAG\nUSER $C\n"
    names = list[str]()

    def known(name: str) -> dict[str, str]:
        names.append(name)
        return {"C": "1"}

    around = Surroundings({"TAG": "x"}, base_env=known)
    assert found(text, around) == [("InvalidDefaultArgInFrom", 2), ("InvalidDefaultArgInFrom", 3)]
    assert names == ["a:x", "x"]


def test_a_source_that_dockerignore_hides_is_named() -> None:
    text = "FROM a\nCOPY ./b/c d /e/\nCOPY --from=x b /\nADD https://b b <<b /\nb\n"
    around = Surroundings(ignore=builder.Ignore(["b"]), base_env=lambda name: {})
    assert found(text, around) == [("CopyIgnoredFile", 2), ("CopyIgnoredFile", 4)]
    around = Surroundings(ignore=builder.Ignore(["b", "!b/c"]), base_env=lambda name: {})
    assert found(text, around) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FROM a\nUSER $HOEM", "Usage of undefined variable '$HOEM' (did you mean $HOME?)"),
        ("FROM --platform=$BULIDPLATFORM a", "'BULIDPLATFORM' is not declared (did you mean BUIL"),
        (
            "FROM a\nARG X_KEY",
            'Do not use ARG or ENV instructions for sensitive data (ARG "X_KEY")',
        ),
        (
            "FROM a\nlabel b c",
            '"label key=value" should be used instead of legacy "label key value"',
        ),
        ("FROM a\nEXPOSE 1:2", "host-port mapping, found '1:2'"),
        ("FROM a as b", "'as' and 'FROM' keywords' casing do not match"),
    ],
)
def test_the_message_is_dockers(text: str, said: str) -> None:
    if "label" in text:
        text = text.replace("FROM", "from")
    assert said in message(text)


def test_the_directive_leaves_out_adds_and_makes_errors() -> None:
    assert not Options("skip=A, B").wants("B")
    assert Options("skip=A").wants("B")
    assert not Options("skip=all;error=true").wants("B")
    assert not Options().wants("CopyIgnoredFile")
    assert Options("experimental=CopyIgnoredFile").wants("CopyIgnoredFile")
    assert Options("skip=A;error=true").error and not Options(" error=0 ").error
    for wrong in ("skip", "what=1", "error=maybe"):
        with pytest.raises(UsageError):
            Options(wrong)


def test_the_findings_are_told_in_short_and_at_length() -> None:
    text = "FROM a\nCMD b\nMAINTAINER c\n"
    findings = builder_checks.check(builder.parse(text), Options(), Surroundings())
    assert builder_checks.summary(findings) == (
        "\n 2 warnings found (use --check to expand):\n"
        " - JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended "
        "behavior related to OS signals (line 2)\n"
        " - MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label "
        "(line 3)\n"
    )
    assert builder_checks.summary([]) == ""
    report = builder_checks.report(findings[:1], "Dockerfile", text)
    assert report.startswith(
        "Check complete, 1 warning has been found!\n\n"
        "WARNING: JSONArgsRecommended - "
        "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/\n"
        "JSON arguments recommended for CMD to prevent unintended behavior related to OS signals\n"
        "Dockerfile:2\n--------------------\n   1 |     FROM a\n   2 | >>> CMD b\n"
    )
    assert builder_checks.report([], "Dockerfile", text) == "Check complete, no warnings found.\n"
    assert builder_checks.failure(Options(), findings) == ""
    assert builder_checks.failure(Options("error=true"), []) == ""
    assert builder_checks.failure(Options("error=true"), findings) == (
        "lint violation found for rules: JSONArgsRecommended, MaintainerDeprecated"
    )


def test_each_rule_has_its_page() -> None:
    assert len(RULES) == 21
    assert builder_checks.url("SecretsUsedInArgOrEnv").endswith("/secrets-used-in-arg-or-env/")
    assert builder_checks.url("ExposeProtoCasing").endswith("/expose-proto-casing/")
    assert all(builder_checks.description(rule) for rule in RULES)
