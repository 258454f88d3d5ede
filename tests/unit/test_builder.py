"""The parser of Dockerfiles: lines, directives, here-documents, forms, and what is refused."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mini_docker import builder, builder_forms, builder_lines, builder_rules
from mini_docker.builder_instructions import Instruction
from mini_docker.builder_lines import DockerfileError
from mini_docker.errors import MiniDockerError, UsageError


def only(text: str) -> Instruction:
    """Return the one instruction of *text* after its FROM."""
    _, it = builder.parse(f"FROM a\n{text}").instructions
    return it


def refusal(text: str) -> str:
    """Return why *text* is refused."""
    with pytest.raises(UsageError) as caught:
        builder.parse(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_lines_are_counted_from_the_first_to_the_last_one_of_an_instruction() -> None:
    found = builder.parse(
        "# a\n\nFROM b\nRUN c \\\n  # no part of it\n\n  d\nRUN <<E\ne\nE\nUSER f\n"
    )
    assert [(it.name, it.line, it.end) for it in found.instructions] == [
        ("FROM", 3, 3),
        ("RUN", 4, 7),
        ("RUN", 8, 10),
        ("USER", 11, 11),
    ]
    assert found.instructions[1].words == ["c   d"]
    assert found.warnings == [(7, "Empty continuation line")]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("RUN a \\\nb", ["a b"]),
        ("RUN a \\  \t\nb", ["a b"]),  # blanks after the escape
        ("RUN a \\\\\nRUN b", None),  # two of them are none
        ("RUN a \\", ["a"]),  # the file ends
        ("\\\nRUN a", ["a"]),
        ("   run   a", ["a"]),
        ("RUN a # b", ["a # b"]),  # no comment begins in a line
        ("RUN a \\\r\n b\r\n", ["a  b"]),
    ],
)
def test_lines_go_on_after_the_escape_character(line: str, words: list[str] | None) -> None:
    found = builder.parse(f"FROM x\n{line}").instructions
    assert [it.words for it in found[1:]] == ([words] if words else [["a \\\\"], ["b"]])


def test_directives_come_first_and_in_any_case() -> None:
    text = "\ufeff# Escape = `\n#syntax=docker/dockerfile:1\n# check=skip=all\nFROM a\nRUN b `\n\\c"
    found = builder.parse(text)
    assert (found.escape, found.syntax, found.check) == ("`", "docker/dockerfile:1", "skip=all")
    assert found.instructions[1].words == ["b \\c"]


@pytest.mark.parametrize("before", ["\n", "# a comment\n", "# other=1\n", "FROM b\n"])
def test_a_directive_after_anything_else_is_a_comment(before: str) -> None:
    assert builder.parse(f"{before}# escape=`\nFROM a").escape == "\\"


@pytest.mark.parametrize(
    ("line", "flags", "words", "json"),
    [
        ('CMD ["a", "b c"]', [], ["a", "b c"], True),
        ("CMD ['a']", [], ["['a']"], False),  # no JSON: the shell's
        ("RUN [ -f /x ]", [], ["[ -f /x ]"], False),
        ("CMD [NaN]", [], ["[NaN]"], False),
        ('CMD ["a"', [], ['["a"'], False),
        ("CMD []", [], [], True),
        (r'CMD ["\ud800"]', [], ["\ufffd"], True),  # half a character
        ('COPY ["a b", "/c"]', [], ["a b", "/c"], True),
        ("COPY [a b", [], ["[a", "b"], False),
        ("COPY --from=x --link a\t b", ["--from=x", "--link"], ["a", "b"], False),
        ('COPY --chown="a b":c x y', ["--chown=a b:c"], ["x", "y"], False),
        ("COPY  --from=x -- --a b", ["--from=x"], ["--a", "b"], False),
        (r"COPY --from=\"x a b", ['--from="x'], ["a", "b"], False),
        ("ENV a=b c='d e' f=", [], ["a", "b", "=", "c", "'d e'", "=", "f", "", "="], False),
        ("ENV a b  c=d", [], ["a", "b  c=d", ""], False),
        ('LABEL "a b"=c', [], ['"a b"', "c", "="], False),
        (r"ENV a=b\ c", [], ["a", r"b\ c", "="], False),
        ("ARG a b=c", [], ["a", "b=c"], False),
        ("HEALTHCHECK --interval=5s CMD a b", ["--interval=5s"], ["CMD", "a b"], False),
        ('HEALTHCHECK cmd ["a", "b"]', [], ["cmd", "a", "b"], True),
        ("ONBUILD COPY --from=x a b", [], ["COPY", "a", "b"], False),
        ("ONBUILD RUN a b", [], ["RUN", "a b"], False),
        ("EXPOSE 1 2/udp", [], ["1", "2/udp"], False),
        ("MAINTAINER a  b", [], ["a  b"], False),
        ("WORKDIR /a b", [], ["/a b"], False),
    ],
)
def test_arguments_have_the_form_of_their_instruction(
    line: str, flags: list[str], words: list[str], json: bool
) -> None:
    it = only(line)
    assert (it.flags, it.words, it.json) == (flags, words, json)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("RUN <<A cat <<B\n1\nA\n2\nB\n", [("A", "1\n", True), ("B", "2\n", True)]),
        ("COPY <<'E' /x\n$a\nE\n", [("E", "$a\n", False)]),
        ('COPY <<"E" /x\n$a\nE', [("E", "$a\n", False)]),
        ("RUN <<-E\n\t\ta\n\tE\n", [("E", "a\n", True)]),
        ("RUN <<E\n# a\n\nFROM \\\nE\n", [("E", "# a\n\nFROM \\\n", True)]),
        ("RUN 3<<E\r\na\r\nE\r\n", [("E", "a\r\n", True)]),
        ("ONBUILD RUN <<E\na\nE\n", [("E", "a\n", True)]),
        ("RUN cat <<<E", []),
        ("RUN echo 'x <<E", []),  # quotes that do not match are the shell's affair
        ('RUN ["a", "<<E"]', []),
        ("CMD <<E", []),
        ("RUN echo '<<E'", []),
    ],
)
def test_here_documents_follow_their_instruction(
    line: str, found: list[tuple[str, str, bool]]
) -> None:
    it = only(line)
    assert [(doc.name, doc.text(), doc.expand) for doc in it.heredocs] == found


def test_comments_right_above_an_instruction_are_its_own() -> None:
    found = builder.parse("# no\n\n# one\n#two \nFROM a\n# no\n#\n# three\nARG b\nARG c\n")
    assert [it.comments for it in found.instructions] == [["one", "two"], ["three"], []]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the Dockerfile cannot be empty"),
        ("# only\n\n", "file with no instructions"),
        ("FROM a\n\nFRM b", "dockerfile parse error on line 3: unknown instruction: FRM"),
        ("FRM b", "(did you mean FROM?)"),
        ("frm b", "(did you mean from?)"),
        ("RUN a", "no build stage in current context"),
        ("FROM a\nENV b", "ENV must have two arguments"),
        ("FROM a\nENV b=c d", 'can\'t find = in "d"'),
        ("FROM a\nENV =c", "ENV names can not be blank"),
        ("ARG =c", "ARG names can not be blank"),
        ("FROM", "FROM requires either one or three arguments"),
        ("FROM a b", "FROM requires either one or three arguments"),
        ("FROM a AS 1", "name can't start with a number"),
        ("FROM --form=x a", "unknown flag: --form"),
        ("FROM --platfrom=x a", "unknown flag: --platfrom (did you mean platform?)"),
        ("FROM a\nCOPY b", "COPY requires at least two arguments"),
        ("FROM a\nCOPY --from=1 --from=2 a b", "duplicate flag specified: --from"),
        ("FROM a\nCOPY --from a b", "missing a value on flag: --from"),
        ("FROM a\nCOPY --link=maybe a b", "expecting boolean value for flag --link, not: maybe"),
        ("FROM a\nCOPY a <<E\nE", "COPY cannot accept a heredoc as a destination"),
        ("FROM a\nRUN <<E\nb", "line 2: unterminated heredoc: no line is E"),
        ("FROM a\nCMD [1]", "arrays must be comprised of strings only"),
        ("FROM a\nONBUILD ONBUILD RUN b", "Chaining ONBUILD"),
        ("FROM a\nONBUILD FROM b", "FROM isn't allowed as an ONBUILD trigger"),
        ("FROM a\nONBUILD maintainer b", "MAINTAINER isn't allowed as an ONBUILD trigger"),
        ("FROM a\nSHELL sh -c", "SHELL requires the arguments to be in JSON form"),
        ('FROM a\nVOLUME [" "]', "VOLUME specified can not be an empty string"),
        ("FROM a\nHEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"),
        ("FROM a\nHEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"),
        ("FROM a\nHEALTHCHECK x", 'Unknown type "X" in HEALTHCHECK (try CMD)'),
        ("FROM a\nHEALTHCHECK --interval=1us CMD x", "cannot be less than 1ms"),
        ("FROM a\nHEALTHCHECK --retries=-1 CMD x", "--retries cannot be negative (-1)"),
        ("FROM a\nUSER", "USER requires exactly one argument"),
        ("FROM a\nEXPOSE", "EXPOSE requires at least one argument"),
        ("#escape=x\nFROM a", "line 1: invalid escape token 'x' does not match ` or \\"),
        ("#escape=`\n#escape=`\nFROM a", "line 2: only one escape parser directive can be used"),
        ("FROM a\nRUN \0", "line 2: a null byte"),
        ("FROM a\n" + "#" * (1 << 20), "more than 1 MiB"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line_and_reason(text: str, reason: str) -> None:
    assert reason in refusal(text)


def test_a_refusal_knows_the_lines_of_its_instruction() -> None:
    with pytest.raises(DockerfileError) as caught:
        builder.parse("FROM a\n\nFROOM \\\n b\n")
    assert (caught.value.line, caught.value.end, caught.value.exit_code) == (3, 4, 1)


def test_a_refusal_is_one_line_and_steers_no_terminal() -> None:
    assert "\x1b" not in refusal("FROM a\n\x1b[2Jb")
    assert "\x1b" not in refusal("FROM a\nCOPY --\x1b b c")
    with pytest.raises(UsageError) as caught:
        builder.expand("a\n\x1b${b?\x9b}", {})
    assert str(caught.value) == 'failed to process "a\ufffd\ufffd${b?\ufffd}": b: \ufffd'


def test_the_lines_of_an_instruction_are_shown_as_docker_shows_them() -> None:
    text = "".join(f"{number}\x1b\n" for number in range(1, 10))
    assert builder_lines.excerpt("D", text, 2, 3).splitlines() == [
        "D:2",
        "--------------------",
        "   1 |     1\ufffd",
        "   2 | >>> 2\ufffd",
        "   3 | >>> 3\ufffd",
        "   4 |     4\ufffd",
        "--------------------",
    ]
    assert len(builder_lines.excerpt("D", text, 5, 5).splitlines()) == 3 + 5
    assert builder_lines.excerpt("D", text, 99, 99) == ""


def test_forms_of_names_and_values() -> None:
    assert builder_forms.pairs(only("ENV a=b c=d").words) == [("a", "b"), ("c", "d")]
    assert builder_forms.arguments(only("ARG a b= c=d=e").words) == [
        ("a", None),
        ("b", ""),
        ("c", "d=e"),
    ]
    flags = builder_rules.flags(only("RUN --mount=a --mount=b --network=none c"))
    assert flags == {"mount": ["a", "b"], "network": ["none"]}
    assert builder_rules.flags(only("COPY --link a b")) == {"link": ["true"]}


def test_a_healthcheck_is_the_images() -> None:
    it = only("HEALTHCHECK --interval=5m --start-period=0s --retries=3 CMD curl -f x")
    assert builder_rules.healthcheck(it.words, it.json, it.flags) == {
        "Test": ["CMD-SHELL", "curl -f x"],
        "Interval": 300 * 10**9,
        "Retries": 3,
    }
    assert builder_rules.healthcheck(["NONE"], False, []) == {"Test": ["NONE"]}


@pytest.mark.parametrize(
    "hostile",
    [
        "FROM a\n" + "RUN b\n" * 150_000,
        "FROM a\nRUN " + "b \\\n" * 200_000 + "c",
        "FROM a\nRUN <<E\n" + "x\n" * 400_000 + "E",
        "FROM a\nRUN " + "<<E " * 200_000,
        "FROM a\nENV " + "a=b " * 200_000,
        "FROM a\nCMD " + "[" * 900_000,
        "FROM a\n" + "ONBUILD " * 120_000 + "RUN b",
        "FROM a\nCOPY " + "--a=b " * 150_000,
        "FROM a\nCMD [" + "9" * 900_000 + "]",
        "FROM a\nRUN " + "'" * 900_001 + " <<E",
        "FROM a\nRUN <<E " + "${x:-" * 150_000,
        "# " + " " * 900_000 + "= x\nFROM a",
        "FROM a\n" + "#\n" * 400_000,
        "FROM a\n" + "# b\n" * 200_000,
    ],
)
def test_a_megabyte_of_anything_is_read_or_refused_at_once(hostile: str) -> None:
    start = time.process_time()
    try:
        builder.parse(hostile)
    except UsageError as error:
        assert len(str(error)) < 1000
    assert time.process_time() - start < 5


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("FROMRUNCOPYENVa \\\n\t#='\"$<{}[]-,`\r\ufeff"), max_size=60))
@example("FROM a\nRUN <<'\n")
def test_whatever_is_read_nothing_but_a_refusal_comes_of_it(text: str) -> None:
    try:
        found = builder.parse(text)
    except MiniDockerError:
        return
    ends = [0, *(it.end for it in found.instructions)]
    for before, it in zip(ends, found.instructions, strict=False):
        assert before < it.line <= it.end <= text.count("\n") + 1


def test_a_key_changes_with_each_of_its_parts_and_with_nothing_else() -> None:
    key = builder.key("sha256:1", "RUN a", {"x": "1", "y": "2"}, "sha256:2")
    assert len(key) == 64
    assert key == builder.key("sha256:1", "RUN a", {"y": "2", "x": "1"}, "sha256:2")
    others = {
        builder.key("sha256:0", "RUN a", {"x": "1", "y": "2"}, "sha256:2"),
        builder.key("sha256:1", "RUN b", {"x": "1", "y": "2"}, "sha256:2"),
        builder.key("sha256:1", "RUN a", {"x": "1"}, "sha256:2"),
        builder.key("sha256:1", "RUN a", {"x": "1", "y": "3"}, "sha256:2"),
        builder.key("sha256:1", "RUN a", {"x": "1", "y": "2"}, ""),
        builder.key("sha256:1", "RUN a", {"x": "1y", "": "2"}, "sha256:2"),
        key,
    }
    assert len(others) == 7
    assert builder.key("ab", "c", {}) != builder.key("a", "bc", {})
    assert builder.key("", "\udcff", {}) != builder.key("", "\ufffd", {})


def test_reading_a_dockerfile_imports_little() -> None:
    program = (
        "import sys; from mini_docker import builder\n"
        "builder.parse('FROM a\\n' + 'RUN b $c <<E\\nx\\nE\\nENV d=${e:-f}\\n' * 10)\n"
        "slow = {'dataclasses', 'pathlib', 'typing', 'json', 'subprocess', 'socket'}\n"
        "print(*sorted(slow & {*sys.modules}))"
    )
    run = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("\n", "")
