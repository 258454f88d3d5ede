"""Go templates: printf, which shows its errors in the text, and what any input may cost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_docker.gotemplate import TemplateError, render

# Each answer was given by Go's fmt.Sprintf.
FORMS = [
    ("%s|%v|%q|%x", ["a"], "a|%!v(MISSING)|%!q(MISSING)|%!x(MISSING)"),
    ("%d %5d|%-5d|%05d %+d %x %X %o %b %c %U", [42] * 11,
     "42    42|42   |00042 +42 2a 2A 52 101010 * U+002A"),
    ("%#x %#o %O %#b %#U %q % d %.5d", [10, 10, 10, 10, 65, 65, 5, 42],
     "0xa 012 0o12 0b1010 U+0041 'A' 'A'  5 00042"),
    ("%6.2f|%-8.3e|%g|%G|%08.3f|%+.1f", [3.14159] * 6,
     "  3.14|3.142e+00|3.14159|3.14159|0003.142|+3.1"),
    ("%v %v %v %v", [1e6, 100000.0, 1e-5, 123456789.0], "1e+06 100000 1e-05 1.23456789e+08"),
    ("%x %b %#g", [1.5, 1.0, 1.0], "0x1.8p+00 4503599627370496p-52 1.00000"),
    ("%q %+q %#q %.2s|%5s|%-5s|", ["a\"b", "é", "c`d", "éèê", "ab", "ab"],
     '"a\\"b" "\\u00e9" "c`d" éè|   ab|ab   |'),
    ("%x %X % x %# x", ["hi"] * 4, "6869 6869 68 69 0x68 0x69"),
    ("%t %v %5t", [True, False, True], "true false  true"),
    ("%d %s %t %z", ["x", 3, 1, None], "%!d(string=x) %!s(int=3) %!t(int=1) %!z(<nil>)"),
    ("%v %+v %s %d", [None, None, None, None], "<nil> <nil> %!s(<nil>) %!d(<nil>)"),
    ("%T %T %T %T %T %T", ["", 1, 1.5, True, [], {}],
     "string int float64 bool []interface {} map[string]interface {}"),
    ("%#v", [{"a": [1, "x", None]}],
     'map[string]interface {}{"a":[]interface {}{1, "x", interface {}(nil)}}'),
    ("%d %03d", [[1, 2], {"a": 3}], "[1 2] map[%!d(string=00a):003]"),
    ("%*d|%-*d|%.*f", [5, 1, 4, 2, 1, 2.55], "    1|2   |2.5"),
    ("%[2]d %[1]d", [1, 2], "2 1"),
    ("%[3]d %[x]d", [1, 2], "%!d(BADINDEX) %!d(BADINDEX)"),
    ("%!", [], "%!!(MISSING)"),
    ("%", [], "%!(NOVERB)"),
    ("100%%", [1, "a"], "100%%!(EXTRA int=1, string=a)"),
    ("%99999999d", [1], "%!(NOVERB)%!(EXTRA int=1)"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "values", "wanted"), FORMS)
def test_printf_answers_as_gos_does(form: str, values: list[Any], wanted: str) -> None:
    words = " ".join(f"(index . {at})" for at in range(len(values)))
    assert render(f"{{{{printf `{form}` {words}}}}}", values) == wanted


@pytest.mark.parametrize(
    "text",
    [
        '{{define "x"}}{{template "x" .}}{{end}}{{template "x" .}}',
        "{{range 99999999999}}{{end}}",
        '{{$x := "aaaa"}}{{range 1000}}{{$x = printf "%s%s" $x $x}}{{end}}',
        '{{pad "x" 1000000000 0}}',
        "{{printf `" + "%999999d" * 20 + "`" + " 1" * 20 + "}}",
        "{{" + "(" * 5000,
        "{{if .}}" * 5000,
        "x" * 70_000,
        "{{json .}}",
        "{{.}}",
    ],
)
def test_a_hostile_template_or_value_is_refused_before_it_costs_much(text: str) -> None:
    deep: dict[str, Any] = {}
    inner = deep
    for _ in range(5000):
        inner["a"] = {}
        inner = inner["a"]
    with pytest.raises(TemplateError):
        render(text, deep)


WORDS = st.sampled_from(
    ["{{", "}}", "{{-", "-}}", ".", ".a", ".b", "$", "$x", ":=", "=", ",", "|", "(", ")", "if",
     "else", "end", "range", "with", "define", "template", "block", "break", '"t"', "`r`", "1",
     "-2.5", "0x1", "'a'", "nil", "true", "index", "len", "printf", '"%v"', "join", "json", "eq",
     "and", "\n", "/*", "*/", "é"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)


@given(st.lists(WORDS, max_size=14).map(" ".join) | st.text("{}.$|ab ()'\"-", max_size=12), VALUES)
def test_any_template_gives_a_text_or_a_template_error(text: str, value: Any) -> None:
    for strict in (False, True):
        try:
            render(text, {"a": value, "b": [value]}, strict)
        except TemplateError as error:
            assert str(error).isprintable()


@given(VALUES)
def test_json_reads_back(value: Any) -> None:
    try:
        text = render("{{json .}}", value)
    except TemplateError as error:
        assert "json: unsupported value" in str(error)
    else:
        assert _inexact(json.loads(text)) == _inexact(value)


def _inexact(value: Any) -> Any:
    """Return *value* with all numbers as floats, as JSON has only one kind of them."""
    if isinstance(value, list):
        return [_inexact(item) for item in value]
    if isinstance(value, dict):
        return {key: _inexact(item) for key, item in value.items()}
    return float(value) if isinstance(value, int) else value


@given(st.text())
def test_a_quoted_string_is_read_back_by_the_template(text: str) -> None:
    quoted = render('{{printf "%q" .}}', text)
    assert render("{{" + quoted + "}}", None) == text


@given(st.text())
def test_text_outside_of_actions_stays_as_it_is(text: str) -> None:
    plain = text.replace("{{", "")
    if "{{" not in plain:
        assert render(plain, None) == plain
