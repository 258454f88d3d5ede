"""The flag parser: what the docker command accepts, and how it refuses the rest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_docker.cli.options import Command, Flag, Values, parse
from mini_docker.errors import UsageError

REPOSITORY = Path(__file__).parents[2]
FLAGS = [
    Flag("name", kind="string", help="Assign a name"),
    Flag("hostname", "h", "string", help="Host name"),
    Flag("interactive", "i", help="Keep STDIN open"),
    Flag("tty", "t", help="Allocate a terminal"),
    Flag("rm", help="Remove afterwards"),
    Flag("sig-proxy", default=True, help="Forward signals"),
    Flag("env", "e", "env", help="Variables"),
    Flag("memory", "m", "size", help="Limit"),
    Flag("memory-swap", kind="swap", help="Limit with swap"),
    Flag("cpus", kind="cpus", help="Processors"),
    Flag("cpu-shares", "c", "int", help="Weight"),
    Flag("ulimit", kind="ulimit", help="Limits"),
    Flag("network,net", kind="string", default="bridge", help="Network"),
    Flag("health-interval", kind="duration", help="Time"),
    Flag("blkio-weight", kind="uint16", help="Weight"),
    Flag("attach", "a", "stream", help="Streams"),
    Flag("label", "l", "label", help="Labels"),
    Flag("device-read-bps", kind="rate", help="Rate"),
    Flag("device-read-iops", kind="iops", help="Rate"),
    Flag("blkio-weight-device", kind="weight", help="Weight"),
]
RUN = Command("run", "Run", "mini-docker run", FLAGS, "x:y", minimum=1, interspersed=False)
PS = Command(
    "ps",
    "List",
    "mini-docker ps",
    [Flag("last", "n", "int", default=-1, help="Last"), Flag("filter", "f", "filter", help="F")],
    maximum=0,
)
RM = Command("rm", "Remove", "mini-docker rm", [Flag("force", "f", help="Force")], minimum=1)


def refused(command: Command, *words: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse(command, words)
    message = str(caught.value)
    assert message.isprintable()
    text, see, _ = message.partition(f"  See 'mini-docker {command.name} --help'.")
    assert see
    return text


def run(*words: str) -> Values:
    return parse(RUN, [*words, "busybox"])


@pytest.mark.parametrize(
    "words",
    [["--name=web"], ["--name", "web"], ["--name", "x", "--name=web"], ["--name", "web", "--"]],
)
def test_a_long_flag_takes_its_value_after_a_blank_or_an_equals_sign(words: list[str]) -> None:
    values = run(*words)
    assert values.name == "web"
    assert values.given == {"name"}
    assert values.arguments == ["busybox"]


@pytest.mark.parametrize("words", [["-m64m"], ["-m=64m"], ["-m", "64m"], ["-itm", "64m"]])
def test_a_short_flag_takes_its_value_in_three_ways(words: list[str]) -> None:
    assert run(*words).memory == 64 << 20


def test_short_bools_are_grouped() -> None:
    values = run("-ite", "A=1", "-e=B=2", "-eC=")
    assert (values.interactive, values.tty) == (True, True)
    assert values.env == ["A=1", "B=2", "C="]


@pytest.mark.parametrize("word", ["1", "t", "T", "true", "TRUE", "True"])
def test_a_bool_can_be_spelled_out(word: str) -> None:
    assert run(f"--rm={word}").rm is True
    assert run(f"-i={word}").interactive is True
    assert refused(RUN, "--rm=yes") == (
        'invalid argument "yes" for "--rm" flag: strconv.ParseBool: parsing "yes": invalid syntax'
    )


def test_a_bool_is_turned_off_by_false_and_does_not_take_the_next_word() -> None:
    assert run("--sig-proxy=false").sig_proxy is False
    assert run("--rm", "--rm=0").rm is False
    assert parse(RUN, ["--rm", "false", "true"]).arguments == ["false", "true"]


def test_flags_that_are_not_given_have_their_defaults() -> None:
    values = run()
    assert (values.name, values.rm, values.sig_proxy, values.memory) == ("", False, True, 0)
    assert (values.env, values.network, values.given) == ([], "bridge", set())
    assert parse(PS, []).last == -1
    assert run().env is not run().env


def test_a_hidden_alias_sets_the_flag_itself() -> None:
    values = run("--net=none")
    assert (values.network, values.given) == ("none", {"network"})


def test_run_ends_its_flags_at_the_image() -> None:
    values = parse(RUN, ["--rm", "busybox", "ls", "-i", "--help", "--", "-x"])
    assert values.arguments == ["busybox", "ls", "-i", "--help", "--", "-x"]
    assert values.given == {"rm"}


def test_other_commands_take_flags_after_arguments_until_two_dashes() -> None:
    values = parse(RM, ["a", "-f", "-", "--", "-b"])
    assert (values.force, values.arguments) == (True, ["a", "-", "-b"])


def test_help_is_noted_and_then_nothing_else_counts() -> None:
    assert parse(RUN, ["--rm", "--help"]).help
    assert parse(RM, ["-fh"]).help
    assert not run("-h", "web").help
    assert run("-h", "web").hostname == "web"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--memroy", "5"], "unknown flag: --memroy (did you mean --memory?)"),
        (["--xyzzy"], "unknown flag: --xyzzy"),
        (["-itQ"], "unknown shorthand flag: 'Q' in -Q"),
        (["-i="], "unknown shorthand flag: '=' in -="),
        (["--name"], "flag needs an argument: --name"),
        (["-im"], "flag needs an argument: 'm' in -m"),
        (["--=x"], "bad flag syntax: --=x"),
        (["---x"], "bad flag syntax: ---x"),
        (["--a\nb"], "unknown flag: --a\\nb"),
        ([], '"mini-docker run" requires at least 1 argument.'),
    ],
)
def test_words_that_make_no_sense_are_refused(words: list[str], message: str) -> None:
    assert refused(RUN, *words) == message


def test_the_number_of_arguments_is_checked_in_dockers_words() -> None:
    assert refused(PS, "a") == '"mini-docker ps" accepts no arguments.'
    rename = Command("rename", "", "", minimum=2, maximum=2)
    assert refused(rename, "a") == '"mini-docker rename" requires exactly 2 arguments.'
    top = Command("top", "", "", minimum=1, maximum=3)
    assert refused(top) == '"mini-docker top" requires at least 1 and at most 3 arguments.'
    last = Command("last", "", "", maximum=1)
    assert refused(last, "a", "b") == '"mini-docker last" requires at most 1 argument.'


def test_a_command_with_an_unknown_field_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="no field maximun"):
        Command("x", "", "", maximun=1)


WORDS = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from([f"--{flag.name}" for flag in FLAGS] + ["-i", "-m", "-", "--"]),
        st.from_regex(r"-{1,2}[a-z]{1,6}=?[0-9a-z:/]{0,5}", fullmatch=True),
    ),
    max_size=5,
)


@given(WORDS)
def test_any_command_line_is_read_or_refused_in_one_line(words: list[str]) -> None:
    for command in (RUN, PS, RM):
        try:
            values = parse(command, words)
        except UsageError as error:
            assert str(error).isprintable()
        else:
            assert values.help or len(values.arguments) >= command.minimum


def test_reading_flags_imports_next_to_nothing() -> None:
    program = """
import sys
import __future__, os
before = set(sys.modules)
from mini_docker.cli.options import Command, Flag, parse
flags = [Flag("memory", "m", "size"), Flag("ulimit", kind="ulimit"), Flag("cpus", kind="cpus")]
words = ["-m64m", "--ulimit", "nofile=5", "--cpus=1.5", "busybox"]
parse(Command("run", "", "", flags, minimum=1, interspersed=False), words)
print(*sorted(set(sys.modules) - before))
"""
    found = subprocess.run(
        [sys.executable, "-S", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=REPOSITORY,
    ).stdout.split()
    assert all(name.startswith("mini_docker") for name in found), found
