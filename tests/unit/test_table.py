"""Tables and help: the docker command's layout (the columns were checked with Go's tabwriter)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_docker import gotemplate
from mini_docker.cli import help, run_flags, table
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import UsageError

ROWS = [
    {"ID": "4fa6e0f0c678", "Name": "web", "Size": "12.3MB"},
    {"ID": "1", "Name": "a-long-name-for-one", "Size": ""},
]
HEADINGS = {"ID": "CONTAINER ID", "Name": "NAMES", "Size": "SIZE"}
DEFAULT = "table {{.ID}}\t{{.Name}}"


def shown(capfdbinary: pytest.CaptureFixture[bytes], form: str) -> str:
    table.show(form, ROWS, HEADINGS, DEFAULT)
    return capfdbinary.readouterr().out.decode()


@pytest.mark.parametrize("form", ["", "table", " table ", DEFAULT, "table {{.ID}}\\t{{.Name}}"])
def test_a_table_has_headings_and_columns(
    capfdbinary: pytest.CaptureFixture[bytes], form: str
) -> None:
    assert shown(capfdbinary, form) == (
        "CONTAINER ID   NAMES\n4fa6e0f0c678   web\n1              a-long-name-for-one\n"
    )


def test_a_column_is_ten_wide_at_least(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert shown(capfdbinary, "table {{.Size}}\t{{upper .Name}}") == (
        "SIZE      NAMES\n12.3MB    WEB\n          A-LONG-NAME-FOR-ONE\n"
    )


def test_the_column_of_a_label_has_its_name(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    labels = {"com.example.my_app-tier": "web"}
    label = gotemplate.Method(lambda name: labels.get(name, ""), ("string",))
    form = 'table {{.Label "com.example.my_app-tier"}}\t{{.Label "b"}}\t{{.ID}}'
    table.show(form, [{"ID": "1", "Label": label}], HEADINGS)
    told = capfdbinary.readouterr().out.decode().splitlines()
    assert told == ["my app tier   b         CONTAINER ID", "web                     1"]


def test_without_table_there_is_a_line_for_each_row(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    assert shown(capfdbinary, "{{.Name}}:{{.Size}}") == "web:12.3MB\na-long-name-for-one:\n"
    assert shown(capfdbinary, "json").splitlines()[1] == (
        '{"ID":"1","Name":"a-long-name-for-one","Size":""}'
    )


def test_an_unknown_field_and_a_broken_template_are_refused() -> None:
    with pytest.raises(UsageError, match=r"can't evaluate field Foo in type \*formatter"):
        table.show("{{.Foo}}", ROWS, HEADINGS)
    with pytest.raises(UsageError, match="unclosed action"):
        table.show("table {{.ID", [], HEADINGS)


def test_bytes_that_are_no_text_are_printed_as_they_were(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    table.put("é\udcff\n")
    assert capfdbinary.readouterr().out == b"\xc3\xa9\xff\n"


def test_a_column_is_a_run_of_neighbouring_cells() -> None:
    assert table.align(["long-long-long\tx", "no cell", "a\tb"]) == [
        "long-long-long   x",
        "no cell",
        "a         b",
    ]
    assert table.align(["a\tb\nc"]) == ["a         b", "c"]
    assert table.align(["é\tx"]) == ["é         x"]


@given(st.lists(st.text("ab\té\n", max_size=12) | st.text(max_size=4), min_size=1, max_size=6))
def test_alignment_keeps_the_cells_and_their_order(lines: list[str]) -> None:
    before = "\n".join(lines)
    after = "\n".join(table.align(lines))
    assert "".join(before.split()) == "".join(after.split())
    assert after.count("\n") == before.count("\n")


def test_many_tabs_do_no_harm() -> None:
    assert table.align(["\t" * 50_000])[0].startswith(" " * table.NARROWEST)


COMMAND = Command(
    "example",
    "Show what help looks like",
    "mini-docker example [OPTIONS]",
    [
        Flag("tty", "t", help="Allocate a terminal"),
        Flag("last", "n", "int", default=-1, help="Show n last created ones"),
        Flag("sig-proxy", default=True, help="Forward signals"),
        Flag("memory", "m", "size", help="Memory limit, " + "in bytes or with a unit " * 3),
        Flag("platform", kind="string", metavar="os/arch", default="linux", help="One\nTwo"),
        Flag("hidden"),
    ],
)


def test_help_has_dockers_layout() -> None:
    assert help.of_command(COMMAND) == (
        "Usage:  mini-docker example [OPTIONS]\n"
        "\n"
        "Show what help looks like\n"
        "\n"
        "Options:\n"
        "  -n, --last int           Show n last created ones (default -1)\n"
        "  -m, --memory bytes       Memory limit, in bytes or with a unit in bytes\n"
        "                           or with a unit in bytes or with a unit \n"
        "      --platform os/arch   One\n"
        '                           Two (default "linux")\n'
        "      --sig-proxy          Forward signals (default true)\n"
        "  -t, --tty                Allocate a terminal"
    )


@pytest.mark.parametrize("columns", [10, 40, 60, 80, 200])
def test_help_keeps_within_its_columns_where_there_is_room(columns: int) -> None:
    lines = help.of_command(COMMAND, columns).split("\n")[5:]
    if columns >= 60:
        assert max(len(line) for line in lines) <= columns
    assert "".join("".join(lines).split()).count("inbytesorwithaunit") == 3


def test_the_programs_help_names_every_command() -> None:
    from mini_docker.cli import commands

    text = help.of_program()
    assert text.startswith("Usage:  mini-docker [OPTIONS] COMMAND\n")
    for name in commands.COMMANDS:
        assert f"\n  {name} " in text


def test_the_help_of_run_names_units_and_defaults() -> None:
    flags = {flag.name: flag for flag in run_flags.FLAGS}
    lengths = [flag for flag in run_flags.FLAGS if flag.kind == "duration"]
    assert len(lengths) == 4
    assert all(flag.help.endswith("(ms|s|m|h) (default 0s)") for flag in lengths)
    assert flags["restart"].help == "Restart policy to apply when a container exits"
    assert flags["security-opt"].help == "Security Options"  # of which there is more than one
