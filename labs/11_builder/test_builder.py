"""Lab 11: the builder.

    lab check 11             every task
    lab check 11 -k task2    one task

All four functions answer questions about text: no root, no kernel, no files. What Docker's own
parsers answer to the same questions is the measure; the rows here were tried with them.
"""

from __future__ import annotations

import hashlib
import shlex
import signal
from collections.abc import Callable
from typing import Any

import builder
import pytest

from course.story import Story
from mini_docker import builder_lines, builder_words
from mini_docker.errors import UsageError

# Task 1: parse

_deadlines = [1.0]  # seconds of computing for one call; once one did not end, the next get less
UNMARKED = "an error without a line leaves the reader to search"
UNENDED = "an instruction ends in the last line that has been read for it"


def ended(it: Story, call: Callable[[], Any]) -> Any:
    """Return what *call* returns; tell the story if it computes on and on."""
    seconds = _deadlines[-1]

    def stuck(number: int, frame: object) -> None:
        _deadlines.append(0.1)
        it.fail(
            f"no end after {seconds:g} seconds of computing; then it was stopped",
            "an end, after less than a millisecond",
            "a loop that never ends: every way through it, a continue as well, must read a line",
        )

    before = signal.signal(signal.SIGPROF, stuck)
    signal.setitimer(signal.ITIMER_PROF, seconds, seconds)
    try:
        return call()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def shown(text: str) -> str:
    """Return *text* on one line, as a story tells it."""
    text = text.replace("\n", "⏎").replace("\r", "␍")
    return "".join(char if char.isprintable() else f"<U+{ord(char):04X}>" for char in text)


def parsed(text: str, mistake: str = "") -> tuple[Story, Any]:
    """Parse *text*; tell the story if that is refused, or gives no Dockerfile."""
    it = Story(f"parse({shown(text)})", "docker build --check")
    try:
        found = ended(it, lambda: builder.parse(text))
    except UsageError as error:
        it.fail(f"{type(error).__name__}: {error}", "Docker reads this", mistake)
    rows = getattr(found, "instructions", None)
    it.check(isinstance(rows, list), f"{found!r}", "a Dockerfile, with its instructions")
    return it, found


def has(text: str, expected: list[tuple[str, list[str]]], mistake: str = "") -> list[Any]:
    """Parse *text*; tell the story unless names and words of the instructions are *expected*."""
    it, dockerfile = parsed(text, mistake)
    found = [(row.name, row.words) for row in dockerfile.instructions]
    it.check(found == expected, f"{found}", f"{expected}", mistake)
    return list(dockerfile.instructions)


def stands(text: str, expected: list[tuple[int, int]], mistake: str = "") -> None:
    """Parse *text*; tell the story unless first and last lines of its instructions fit."""
    it, dockerfile = parsed(text)
    found = [(row.line, row.end) for row in dockerfile.instructions]
    it.check(found == expected, f"lines {found}", f"first and last lines {expected}", mistake)


def notes(text: str, lines: list[int], mistake: str) -> None:
    """Parse *text*; tell the story unless blank lines were noted for those *lines*."""
    it, dockerfile = parsed(text)
    expected = [(line, builder_lines.EMPTY) for line in lines]
    it.check(
        dockerfile.warnings == expected,
        f"warnings {dockerfile.warnings}",
        f"warnings {expected}, with the last line of the instruction",
        mistake,
    )


def wrong(text: str, lines: tuple[int, int], mistake: str = UNENDED) -> str:
    """Parse *text*, with something wrong in *lines*; return the reason, or tell the story."""
    it = Story(f"parse({shown(text)})", "docker build --check")
    try:
        found = ended(it, lambda: builder.parse(text))
    except builder_lines.DockerfileError as error:
        seen = (error.line, error.end)
        expected = f"lines {lines}: the first and the last one of that instruction"
        it.check(seen == lines, f"{error} (lines {seen})", expected, mistake)
        said = f"dockerfile parse error on line {lines[0]}: {error.reason}"
        twice = "the reason alone: the class adds the line"
        it.check("parse error" not in error.reason, said, twice)
        return error.reason
    except UsageError as error:
        it.fail(f"{type(error).__name__}: {error}", "DockerfileError, with the lines", UNMARKED)
    it.fail(f"no exception, but {found!r}", f"DockerfileError for lines {lines}")


def test_task1_each_line_is_an_instruction() -> None:
    has("FROM a\nRUN b\nUSER c\n", [("FROM", ["a"]), ("RUN", ["b"]), ("USER", ["c"])])


def test_task1_the_last_line_needs_no_line_feed() -> None:
    has("FROM a\nUSER c", [("FROM", ["a"]), ("USER", ["c"])])


def test_task1_comments_and_blank_lines_are_passed_over() -> None:
    text = "# a comment\n\nFROM a\n   # indented\n \t\nUSER c\n"
    has(text, [("FROM", ["a"]), ("USER", ["c"])])


def test_task1_only_at_the_beginning_of_a_line_is_a_number_sign_a_comment() -> None:
    has("FROM a\nRUN echo b # c\n", [("FROM", ["a"]), ("RUN", ["echo b # c"])])


def test_task1_a_line_that_ends_in_the_escape_character_goes_on() -> None:
    mistake = "the next line was not appended as it is: blanks at its beginning are part of it"
    has("FROM a\nRUN b \\\n  c\n", [("FROM", ["a"]), ("RUN", ["b   c"])], mistake)
    has("FROM a\nRUN b\\\nc\n", [("FROM", ["a"]), ("RUN", ["bc"])], mistake)


def test_task1_it_goes_on_over_many_lines() -> None:
    has("FROM a\nRUN b \\\nc \\\nd\nUSER e\n", [("FROM", ["a"]), ("RUN", ["b c d"]), ("USER", ["e"])])  # noqa: E501  # fmt: skip


def test_task1_lines_may_end_as_in_windows() -> None:
    has("FROM a\r\nRUN b \\\r\n c\r\n", [("FROM", ["a"]), ("RUN", ["b  c"])])


def test_task1_a_comment_between_such_lines_is_left_out() -> None:
    text = "FROM a\nRUN b \\\n# why\n  # and why not\nc\n"
    has(
        text,
        [("FROM", ["a"]), ("RUN", ["b c"])],
        "a comment inside an instruction is no part of it",
    )


def test_task1_a_comment_between_such_lines_does_not_end_the_instruction() -> None:
    text = "FROM a\nRUN b \\\n# why\nc \\\n# more\nd\nUSER e\n"
    mistake = "a comment has no escape character at its end, and ends nothing all the same"
    has(text, [("FROM", ["a"]), ("RUN", ["b c d"]), ("USER", ["e"])], mistake)


def test_task1_a_comment_in_there_does_not_go_on() -> None:
    text = "FROM a\nRUN b \\\n# why \\\nc\n"
    has(
        text,
        [("FROM", ["a"]), ("RUN", ["b c"])],
        "a comment inside an instruction is no part of it",
    )


def test_task1_a_blank_line_between_such_lines_is_left_out_and_noted() -> None:
    text = "FROM a\nRUN b \\\n\n  \nc\n"
    has(text, [("FROM", ["a"]), ("RUN", ["b c"])], "a blank line does not end an instruction")
    notes(text, [5], "the blank line was not noted")


def test_task1_without_a_blank_line_nothing_is_noted() -> None:
    text = "FROM a\nRUN b \\\n# why\nc\n\n"
    has(text, [("FROM", ["a"]), ("RUN", ["b c"])])
    notes(text, [], "a comment is no blank line in an instruction")


def test_task1_a_blank_line_at_the_end_of_the_file_is_noted_as_well() -> None:
    text = "FROM a\nRUN b \\\n\n"
    has(text, [("FROM", ["a"]), ("RUN", ["b"])], "the last instruction was lost")
    notes(text, [3], "the blank line was not noted: the last line of a file is one like others")
    stands(text, [(1, 1), (2, 3)], UNENDED)


def test_task1_a_comment_at_the_end_of_the_file_is_read_as_well() -> None:
    text = "FROM a\nRUN b \\\n# c\n"
    has(text, [("FROM", ["a"]), ("RUN", ["b"])], "the last instruction was lost")
    stands(text, [(1, 1), (2, 3)], UNENDED)


def test_task1_comments_right_above_an_instruction_are_kept_with_it() -> None:
    text = "# old\n\n# the base\n# of all\nFROM a\nRUN b \\\n# inner\nc\n"
    it, dockerfile = parsed(text)
    found = [row.comments for row in dockerfile.instructions]
    mistake = "passes_over keeps the comments that it passes over: ask it about those lines alone"
    expected = [["the base", "of all"], []]
    it.check(found == expected, f"comments {found}", f"comments {expected}", mistake)


def test_task1_only_a_line_feed_ends_a_line() -> None:
    mistake = "splitlines ends lines at other characters, too: builder_lines.physical does not"
    has("FROM a\nRUN echo b\fc\n", [("FROM", ["a"]), ("RUN", ["echo b\fc"])], mistake)
    has("FROM a\nRUN echo b\u2028c\n", [("FROM", ["a"]), ("RUN", ["echo b\u2028c"])], mistake)


def test_task1_a_byte_order_mark_does_not_count() -> None:
    mistake = "builder_lines.physical takes the byte order mark off"
    has("\ufeffFROM a\nUSER b\n", [("FROM", ["a"]), ("USER", ["b"])], mistake)


def test_task1_the_end_of_the_file_ends_the_instruction() -> None:
    mistake = "the last instruction was lost, or more was read than there is"
    has("FROM a\nRUN b \\\n", [("FROM", ["a"]), ("RUN", ["b"])], mistake)
    has("FROM a\nRUN b \\", [("FROM", ["a"]), ("RUN", ["b"])], mistake)


def test_task1_the_escape_character_may_be_another_one() -> None:
    text = "# escape=`\nFROM a\nRUN dir c:\\ `\n  d\n"
    mistake = "the directive escape was not heeded: Windows paths end in a backslash"
    has(text, [("FROM", ["a"]), ("RUN", ["dir c:\\   d"])], mistake)


def test_task1_it_is_another_one_in_every_line() -> None:
    mistake = "the directive escape was heeded in the first line of an instruction alone"
    text = "# escape=`\nFROM a\nRUN b `\nc `\nd\nUSER e\n"
    has(text, [("FROM", ["a"]), ("RUN", ["b c d"]), ("USER", ["e"])], mistake)
    text = "# escape=`\nFROM a\nRUN b `\nc:\\\nUSER e\n"
    has(text, [("FROM", ["a"]), ("RUN", ["b c:\\"]), ("USER", ["e"])], mistake)


def test_task1_and_within_the_words_of_an_instruction() -> None:
    mistake = "an Instruction was made without the directive's escape character"
    text = "# escape=`\nFROM a\nENV x=a` b\n"
    has(text, [("FROM", ["a"]), ("ENV", ["x", "a` b", "="])], mistake)
    text = "# escape=`\nFROM a\nENV x=c:\\ y=d\n"
    has(text, [("FROM", ["a"]), ("ENV", ["x", "c:\\", "=", "y", "d", "="])], mistake)


def test_task1_the_first_line_of_an_instruction_is_known() -> None:
    mistake = "lines count from 1, and comments and blank lines count as well"
    stands("# c\n\nFROM a\n# d\nUSER b\n", [(3, 3), (5, 5)], mistake)


def test_task1_the_last_line_of_an_instruction_is_known() -> None:
    mistake = UNENDED
    stands("FROM a\nRUN b \\\n# c\nd\nUSER e\n", [(1, 1), (2, 4), (5, 5)], mistake)


def test_task1_the_lines_of_a_here_document_are_no_instructions() -> None:
    text = "FROM a\nRUN <<EOF\nFROM b\n# stays\nEOF\nUSER c\n"
    mistake = "the lines of a here-document were read as instructions"
    rows = has(text, [("FROM", ["a"]), ("RUN", ["<<EOF"]), ("USER", ["c"])], mistake)
    it = Story(f"parse({shown(text)})")
    content = [one.content for one in rows[1].heredocs]
    it.check(content == ["FROM b\n# stays\n"], f"{content}", "its two lines, the comment too")
    stands(text, [(1, 1), (2, 5), (6, 6)], UNENDED)


def test_task1_an_error_says_where() -> None:
    reason = wrong("FROM a\n\nFRM b \\\n  c\nUSER d\n", (3, 4))
    it = Story("parse(FROM a⏎⏎FRM b \\⏎  c⏎USER d⏎)")
    it.check("FRM" in reason, reason, "unknown instruction: FRM")


def test_task1_the_lines_of_an_error_include_the_here_document() -> None:
    mistake = "the last line was taken before the here-document was read"
    wrong("RUN <<EOF\nx\nEOF\n", (1, 3), mistake)
    wrong("FROM a\nCOPY <<A <<B\na\nA\nb\nB\nUSER c\n", (2, 6), mistake)


def test_task1_a_here_document_without_an_end_is_an_error_of_its_instruction() -> None:
    wrong("FROM a\nRUN <<EOF\nb\n", (2, 2), "nothing of it has been read: it has no end")


def test_task1_a_file_of_comments_has_no_instructions() -> None:
    it = Story("parse(# nothing⏎⏎)")
    try:
        found = ended(it, lambda: builder.parse("# nothing\n\n"))
    except builder_lines.DockerfileError as error:
        it.fail(
            f"DockerfileError, line {error.line}: {error}",
            "UsageError: file with no instructions",
            "no instruction is wrong here, so no line can be named",
        )
    except UsageError as error:
        it.check("no instructions" in str(error), str(error), "file with no instructions")
    else:
        it.fail(
            f"{found!r}", "UsageError: file with no instructions", "nothing to build is no build"
        )


# Task 2: substitute


def reference(name: str, form: str = "", word: str = "", replacement: str = "") -> Any:
    it = builder_words.Reference(name)
    it.form, it.word, it.replacement = form, word, replacement
    tail = f"/{replacement}" if form in ("/", "//") else ""
    it.written = f"${{{name}{form}{word}{tail}}}"
    return it


VARIABLES = {"full": "value", "empty": "", "blank": " ", "file": "a.tar.gz"}
SAID = "where full=value, empty=, blank=' ' and file=a.tar.gz"


def by_hand(what: Any) -> str:
    """Return the command that shows what a shell makes of the reference *what*."""
    shell = "bash" if what.form in ("/", "//") else "sh"
    value = VARIABLES.get(what.name)
    given = f"{what.name}={shlex.quote(value) if value else ''} " if value is not None else ""
    return f"env -i PATH=$PATH {given}{shell} -c 'echo \"{what.written}\"'"


def gives(what: Any, expected: str, mistake: str = "") -> None:
    it = Story(f"substitute({what.written}), {SAID}", by_hand(what))
    try:
        answer = builder.substitute(what, VARIABLES)
    except UsageError as error:
        it.fail(f"UsageError: {error}", f"{expected!r}", mistake)
    it.check(answer == expected, f"{answer!r}", f"{expected!r}", mistake)


def refused(what: Any, expected: str, mistake: str = "") -> None:
    it = Story(f"substitute({what.written}), {SAID}", by_hand(what))
    try:
        answer = builder.substitute(what, VARIABLES)
    except UsageError as error:
        it.check(str(error) == expected, f"UsageError: {error}", f"UsageError: {expected}", mistake)
        return
    it.fail(f"{answer!r}", f"UsageError: {expected}", mistake)


def test_task2_a_bare_name_gives_the_value() -> None:
    gives(reference("full"), "value")
    gives(reference("empty"), "")


def test_task2_what_is_not_set_is_empty() -> None:
    gives(reference("full"), "value")
    gives(reference("unset"), "", "a variable that is not set is no error, and no 'None'")


def test_task2_variables_of_the_process_are_none_of_the_build(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME_OF_BUILDER", "/root")
    mistake = "what is not among the variables was looked up in os.environ"
    gives(reference("HOME_OF_BUILDER", "-", "none"), "none", mistake)
    gives(reference("HOME_OF_BUILDER"), "", mistake)
    gives(reference("HOME_OF_BUILDER", "+", "there"), "", mistake)
    refused(reference("HOME_OF_BUILDER", "?", "why"), "HOME_OF_BUILDER: why", mistake)


def test_task2_a_value_of_blanks_is_a_value() -> None:
    mistake = "a blank is a character: such a value is not empty"
    gives(reference("blank"), " ", mistake)
    gives(reference("blank", ":-", "1"), " ", mistake)
    gives(reference("blank", ":+", "1"), "1", mistake)
    gives(reference("blank", ":?", "why"), " ", mistake)


@pytest.mark.parametrize("form", ["-", ":-"])
def test_task2_a_default_stands_for_what_is_not_set(form: str) -> None:
    gives(reference("full", form, "word"), "value")
    gives(reference("unset", form, "word"), "word")


def test_task2_with_a_colon_the_default_stands_for_what_is_empty_as_well() -> None:
    gives(reference("empty", ":-", "word"), "word", "with a colon an empty value counts as unset")
    gives(reference("empty", "-", "word"), "", "without a colon an empty value is a value")


@pytest.mark.parametrize("form", ["+", ":+"])
def test_task2_an_alternative_stands_for_what_is_set(form: str) -> None:
    gives(reference("full", form, "word"), "word", "+ gives the word where the variable is set")
    gives(reference("unset", form, "word"), "", "+ gives nothing where the variable is not set")


def test_task2_with_a_colon_the_alternative_wants_a_value() -> None:
    gives(reference("empty", ":+", "word"), "", "with a colon an empty value counts as unset")
    gives(reference("empty", "+", "word"), "word", "without a colon an empty value is a value")


@pytest.mark.parametrize("form", ["?", ":?"])
def test_task2_what_must_be_set_is_an_error_if_it_is_not(form: str) -> None:
    gives(reference("full", form, "say why"), "value")
    refused(reference("unset", form, "say why"), "unset: say why")


def test_task2_with_a_colon_it_must_not_be_empty_either() -> None:
    refused(reference("empty", ":?", "say why"), "empty: say why", "with a colon an empty value counts as unset")  # noqa: E501  # fmt: skip
    gives(reference("empty", "?", "say why"), "", "without a colon an empty value is a value")


def test_task2_without_a_reason_the_error_says_which_of_the_two_it_was() -> None:
    refused(reference("unset", "?"), "unset: is not allowed to be unset")
    refused(reference("unset", ":?"), "unset: is not allowed to be unset")
    refused(reference("empty", ":?"), "empty: is not allowed to be empty", "it is set, to nothing")


def test_task2_patterns_are_left_to_the_function_that_knows_them() -> None:
    gives(reference("file", "%", ".gz"), "a.tar")
    gives(reference("file", "%%", ".*"), "a")
    gives(reference("file", "#", "*."), "tar.gz")
    gives(reference("file", "//", ".", "-"), "a-tar-gz")
    gives(reference("unset", "#", "a"), "")


def test_task2_a_pattern_may_match_an_empty_value() -> None:
    mistake = "an empty value was not given to builder_words.edited: * matches it"
    gives(reference("empty", "/", "*", "y"), "y", mistake)
    gives(reference("empty", "//", "*", "y"), "y", mistake)
    gives(reference("empty", "%", "*"), "")


# Task 3: key


def keyed(parent: str, instruction: str, arguments: dict[str, str], content: str = "") -> str:
    it = Story(f"key({parent!r}, {instruction!r}, {arguments}, {content!r})")
    found = builder.key(parent, instruction, arguments, content)
    digits = isinstance(found, str) and len(found) == 64 and set(found) <= set("0123456789abcdef")
    it.check(digits, f"{found!r}", "64 hexadecimal digits")
    return found


def spelled(*parts: str) -> str:
    """Return the digest of *parts*, each after its length: an independent witness."""
    data = [part.encode(errors="surrogateescape") for part in parts]
    return hashlib.sha256(b"".join(str(len(it)).encode() + b":" + it for it in data)).hexdigest()


def same(one: tuple[Any, ...], other: tuple[Any, ...], why: str, mistake: str) -> None:
    it = Story(f"key{one} and key{other}")
    it.check(keyed(*one) == keyed(*other), "two keys", f"one key: {why}", mistake)


def differ(one: tuple[Any, ...], other: tuple[Any, ...], why: str, mistake: str) -> None:
    it = Story(f"key{one} and key{other}")
    it.check(keyed(*one) != keyed(*other), "one key", f"two keys: {why}", mistake)


BASE = ("sha256:1", "RUN make", {"V": "1"}, "sha256:f")


@pytest.mark.parametrize(
    ("place", "value", "why"),
    [
        (0, "sha256:2", "another image below"),
        (1, "RUN make all", "another instruction"),
        (2, {"V": "2"}, "another value of an argument"),
        (2, {"W": "1"}, "another argument"),
        (2, {}, "no argument"),
        (3, "sha256:e", "other files"),
        (3, "", "no files"),
    ],
)
def test_task3_each_of_the_four_makes_another_key(place: int, value: Any, why: str) -> None:
    other = (*BASE[:place], value, *BASE[place + 1 :])
    mistakes = (
        "the parent does not count: a change would not reach the steps after it",
        "the instruction does not count",
        "the build arguments do not count: --build-arg would change nothing",
        "the files do not count: an old COPY would be used for new sources",
    )
    differ(BASE, other, why, mistakes[place])


def test_task3_the_same_step_has_the_same_key() -> None:
    same(
        BASE, (*BASE[:2], dict(BASE[2]), BASE[3]), "nothing differs", "it changes from call to call"
    )
    differ(BASE, ("sha256:2", *BASE[1:]), "another image below", "the parent does not count")


def test_task3_the_order_of_the_arguments_does_not_matter() -> None:
    one = ("p", "RUN a", {"A": "1", "B": "2"})
    other = ("p", "RUN a", {"B": "2", "A": "1"})
    mistake = "the order of the arguments is in the key"
    same(one, other, "the arguments are the same", mistake)
    swapped = ("p", "RUN a", {"A": "2", "B": "1"})
    differ(one, swapped, "each value is another one", "the build arguments do not count")


def test_task3_nor_does_it_for_names_that_differ_in_case_alone() -> None:
    one = ("p", "RUN a", {"a": "1", "A": "2"})
    other = ("p", "RUN a", {"A": "2", "a": "1"})
    mistake = "sorted without regard to case, a and A stay in the order in which they came"
    same(one, other, "the arguments are the same", mistake)
    differ(("p", "RUN a", {"a": "1"}), ("p", "RUN a", {"A": "1"}), "a is not A", "the case counts")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("RUN echo 'a  b'", "RUN echo 'a b'"),
        ("RUN echo 'a\tb'", "RUN echo 'a b'"),
        ("RUN <<EOF\na\nb\nEOF", "RUN <<EOF a b EOF"),
    ],
)
def test_task3_blanks_within_an_instruction_count(one: str, other: str) -> None:
    mistake = "blanks were put together: those in quotes and here-documents are part of the command"
    differ(("p", one, {}), ("p", other, {}), "the commands write something else", mistake)


@pytest.mark.parametrize(("one", "other"), [("RUN echo a\\ ", "RUN echo a\\"), (" RUN a", "RUN a")])
def test_task3_blanks_around_an_instruction_count(one: str, other: str) -> None:
    mistake = "the instruction was stripped: it comes as it is to be hashed"
    differ(("p", one, {}), ("p", other, {}), "the instructions are not the same", mistake)


@pytest.mark.parametrize("value", [" 1", "1 ", "1\n"])
def test_task3_blanks_around_a_value_count(value: str) -> None:
    mistake = "the value of an argument was stripped: a command sees its blanks"
    differ(("p", "RUN a", {"A": value}), ("p", "RUN a", {"A": "1"}), "another value", mistake)


def test_task3_an_argument_without_a_value_is_an_argument() -> None:
    mistake = "an argument whose value is empty was left out: ${A-1} and ${A+1} can tell"
    one: tuple[Any, ...] = ("p", "RUN a", {"A": ""})
    differ(one, ("p", "RUN a", {}), "A is set, to nothing, or not set", mistake)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c", {}), ("a", "bc", {})),
        (("p", "RUN a", {"x": "yz"}), ("p", "RUN a", {"xy": "z"})),
        (("p", "RUN a", {"a": "b"}, ""), ("p", "RUN a", {}, "ab")),
        (("p", "1:a", {}), ("p1:", "a", {})),
        (("p", "RUN", {"a": "", "b": "c"}), ("p", "RUN", {"a": "b", "": "c"})),
    ],
)
def test_task3_no_part_runs_into_the_next(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    differ(one, other, "they are different steps", "the parts were put together without their lengths: two steps share a key")  # noqa: E501  # fmt: skip


def test_task3_the_key_is_the_one_that_everybody_computes() -> None:
    it = Story("key('sha256:1', 'RUN make', {'B': '2', 'A': '1'}, 'sha256:f')",
               "printf 8:sha256:18:RUN\\ make8:sha256:f1:A1:11:B1:2 | sha256sum")  # fmt: skip
    found = keyed("sha256:1", "RUN make", {"B": "2", "A": "1"}, "sha256:f")
    expected = spelled("sha256:1", "RUN make", "sha256:f", "A", "1", "B", "2")
    it.check(found == expected, found, expected, "the order is parent, instruction, content, and the arguments by name")  # noqa: E501  # fmt: skip


def test_task3_lengths_are_of_bytes() -> None:
    it = Story("key('', 'RUN echo ü', {})", "printf '0:11:RUN echo ü0:' | sha256sum")
    mistake = "the length was counted in characters, and not in bytes"
    found = keyed("", "RUN echo ü", {})
    it.check(found == spelled("", "RUN echo ü", ""), found, spelled("", "RUN echo ü", ""), mistake)


def test_task3_bytes_that_are_no_text_count_as_they_are() -> None:
    it = Story(r"key('', 'RUN echo \udcff', {}): byte 255 in a Dockerfile")
    try:
        found = builder.key("", "RUN echo \udcff", {})
    except UnicodeEncodeError as error:
        it.fail(f"UnicodeEncodeError: {error.reason}", "a key", "encode with surrogateescape")
    it.check(found == spelled("", "RUN echo \udcff", ""), f"{found}", "the digest of that byte")


# Task 4: Ignore.matches


def left_out(patterns: list[str], path: str, expected: bool, mistake: str = "") -> None:
    it = Story(f"Ignore({patterns}).matches({path!r})", "docker build with this .dockerignore")
    answer = builder.Ignore(patterns).matches(path)
    word = {True: "True: it is left out", False: "False: it is kept"}
    it.check(isinstance(answer, bool), f"{answer!r}", "True or False")
    it.check(answer is expected, f"{answer}", word[expected], mistake)


def test_task4_what_a_pattern_names_is_left_out() -> None:
    left_out(["notes.md"], "notes.md", True)
    left_out(["*.md"], "notes.md", True)
    left_out(["*.md"], "main.py", False)


def test_task4_all_else_is_kept() -> None:
    left_out(["notes.md"], "notes.md", True)
    left_out(["notes.md"], "main.py", False)
    left_out([], "main.py", False)
    left_out(["*.md"], "docs/notes.md", False, "* does not go over a slash")


def test_task4_what_is_in_a_directory_that_is_left_out_is_left_out() -> None:
    left_out(["build"], "build/a/b.o", True, "a pattern that matches a directory counts below it")
    left_out(["build"], "built/a/b.o", False)


def test_task4_two_stars_stand_for_any_directories() -> None:
    left_out(["**/*.md"], "docs/more/notes.md", True)
    left_out(["**/*.md"], "notes.md", True)
    left_out(["**/*.md"], "docs/more/notes.txt", False)


def test_task4_an_exclamation_mark_takes_back() -> None:
    mistake = "a pattern with ! brings back what an earlier one left out"
    left_out(["*.md", "!README.md"], "README.md", False, mistake)
    left_out(["*.md", "!README.md"], "notes.md", True)


def test_task4_it_takes_back_within_a_directory() -> None:
    mistake = "a pattern with ! brings back what an earlier one left out"
    left_out(["build", "!build/keep"], "build/keep", False, mistake)
    left_out(["build", "!build/keep"], "build/keep/deep", False, mistake)
    left_out(["build", "!build/keep"], "build/other", True)


def test_task4_the_last_pattern_that_matches_decides() -> None:
    mistake = "the first pattern that matches decided, and not the last"
    left_out(["!README.md", "*.md"], "README.md", True, mistake)
    left_out(["*.md", "!README*.md", "README-secret.md"], "README-secret.md", True, mistake)
    left_out(["a", "!a", "a", "!a"], "a", False, mistake)


def test_task4_an_exclamation_mark_alone_leaves_nothing_out() -> None:
    left_out(["!README.md"], "README.md", False)
    left_out(["!README.md"], "main.py", False, "a pattern that does not match says nothing")
    left_out(["*.py", "!README.md"], "main.py", True, "a pattern that does not match says nothing")


def test_task4_the_context_itself_is_never_left_out() -> None:
    left_out(["*"], ".", False, "without its root there is no context")
    left_out(["**"], ".", False, "without its root there is no context")
    left_out(["*"], "main.py", True)
