"""Go templates: each answer was given by Go's text/template, with Docker's functions."""

from __future__ import annotations

from typing import Any

import pytest

from mini_docker.gotemplate import Method, Struct, Template, TemplateError, render

DATA: dict[str, Any] = {
    "Id": "4fa6e0f0c678",
    "Name": "/web",
    "Config": {"Env": ["A=1", "B=two words"], "Labels": {"app": "web", "com.x": "y"}},
    "State": {"Running": True, "Paused": False, "Pid": 4321, "Health": None},
    "Mounts": [{"Source": "/a", "RW": True}, {"Name": "v", "RW": False}],
    "List": [1, "a", None, 2.5, True, {"x": 1}, [1, 2]],
    "Big": 1e6,
    "Word": "héé",
    "Empty": "",
}

ANSWERS = [
    # fields, variables, pipelines
    ("{{.Id}} {{ .State.Pid }} {{.State.Running}}", "4fa6e0f0c678 4321 true"),
    ("{{.Nope}} {{.Nope.Nope}} {{.State.Health}}", "<no value> <no value> <no value>"),
    ("{{$x := .Name}}{{$x}} {{$x = 3}}{{$x}} {{$.Id | len}}", "/web 3 12"),
    ("{{with $y := .Name}}{{$y}}{{.}}{{end}}", "/web/web"),
    ("{{(index .Mounts 0).Source}}", "/a"),
    ("{{.Big}} {{1.5}} {{1e3}} {{0x1F}} {{'a'}} {{017}} {{1_000}}", "1e+06 1.5 1000 31 97 15 1000"),
    ('{{"a\\tb\\u00e9\\x41\\\\"}} {{`raw\\n"q"`}}', 'a\tbéA\\ raw\\n"q"'),
    # control
    ("{{if .State.Paused}}a{{else if .State.Running}}b{{else}}c{{end}}", "b"),
    ("{{if and .Name .Id}}y{{end}}{{if not .Empty}}n{{end}}", "yn"),
    ("{{with .State}}{{.Pid}}{{end}}{{with .Nope}}a{{else}}b{{end}}", "4321b"),
    ("{{with .Nope}}a{{else with .Name}}{{.}}{{end}}", "/web"),
    ("{{range .Config.Env}}<{{.}}>{{else}}none{{end}}", "<A=1><B=two words>"),
    ("{{range $i, $e := .Config.Env}}{{$i}}{{$e}};{{end}}", "0A=1;1B=two words;"),
    ("{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}", "app=web;com.x=y;"),
    ("{{range .Mounts}}{{if .RW}}{{continue}}{{end}}{{.Name}}{{break}}{{end}}", "v"),
    ("{{range .Nope}}a{{else}}b{{end}}{{range 3}}{{.}}{{end}}", "b012"),
    ("{{range $i := .Config.Env}}{{$i = 1}}{{end}}{{len .Config.Env}}", "2"),
    ("a {{- /* gone */ -}} b{{- 3 -}} \n c", "ab3c"),
    ('{{define "t"}}[{{.}}]{{end}}{{template "t" .Name}}{{template "t"}}', "[/web][<no value>]"),
    ('{{block "b" .Id}}<{{.}}>{{end}}', "<4fa6e0f0c678>"),
    ("{{ if true }}{{ end }}a}}b", "a}}b"),
    # functions
    ('{{index .Config.Labels "com.x"}} {{index .List 6 1}}', "y 2"),
    ('{{index .Config.Labels "z"}} {{index "abc" 1}}', "<no value> 98"),
    ("{{slice .Id 0 4}} {{slice .List 4}} {{slice .Word 0 3}}", "4fa6 [true map[x:1] [1 2]] hé"),
    ("{{len .Config.Labels}} {{len .Word}}", "2 5"),
    ('{{or "" .Name "x"}} {{and 1 0 (index .List 99)}}', "/web 0"),
    ('{{eq 1 2 1}} {{ne "a" "b"}} {{lt 1 2}} {{le 2 2}} {{gt "b" "a"}} {{ge 1.5 2.5}}',
     "true true true true true false"),
    ("{{eq .State.Health nil}} {{eq .Nope nil}}", "true true"),
    ('{{print 1 2 "x" 3 nil}} {{println .State.Pid true}}', "1 2x3 <nil> 4321 true\n"),
    ('{{html "<a\'&\\">"}} {{js "a\'<=\\n"}} {{urlquery "a b&é"}}',
     "&lt;a&#39;&amp;&#34;&gt; a\\'\\u003C\\u003D\\u000A a+b%26%C3%A9"),
    ('{{join .Config.Env ","}} {{split "a,b" ","}} {{join (split "a,b" ",") "+"}}',
     "A=1,B=two words [a b] a+b"),
    ('{{title "a b-c d_e"}} {{upper "aß"}} {{lower "ÀB"}}', "A B-C D_e Aß àb"),
    ('{{pad .Id 1 2}}|{{pad "" 1 2}}|{{truncate .Id 4}} {{truncate "ab" 4}}',
     " 4fa6e0f0c678  ||4fa6 ab"),
    ("{{json .Config}}", '{"Env":["A=1","B=two words"],"Labels":{"app":"web","com.x":"y"}}'),
    ('{{json .Big}} {{json .Nope}} {{json "<\\"\\u2028\\x01\\xff>"}} {{json 1e21}} {{json 1e-7}}',
     '1000000 null "<\\"\\u2028\\u0001\\ufffd>" 1e+21 1e-7'),
    # values
    ("{{.Config}}", "map[Env:[A=1 B=two words] Labels:map[app:web com.x:y]]"),
    ("{{.List}}", "[1 a <nil> 2.5 true map[x:1] [1 2]]"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), ANSWERS)
def test_templates_answer_as_gos_do(text: str, wanted: str) -> None:
    assert render(text, DATA) == wanted


FAILURES = [
    # parsing
    ("{{.Name}", ":1: bad character U+007D '}'"),
    ("{{nofunc .}}", ':1: function "nofunc" not defined'),
    ("{{", ":1: unclosed action"),
    ("{{if\n .a", ":2: unclosed action started at :1"),
    ("\n{{if .}}", ":2: unexpected EOF"),
    ("{{end}}", ":1: unexpected {{end}}"),
    ("{{/* a", ":1: unclosed comment"),
    ("{{/* a */ }}", ":1: comment ends before closing delimiter"),
    ('{{"a}}', ":1: unterminated quoted string"),
    ("{{`a}}", ":1: unterminated raw quoted string"),
    ("{{'a}}", ":1: unterminated character constant"),
    ("{{'ab'}}", ":1: malformed character constant: 'ab'"),
    ("{{(.}}", ":1: unclosed left paren"),
    ("{{.)}}", ":1: unexpected right paren"),
    ("{{3x}}", ':1: bad number syntax: "3x"'),
    ("{{99999999999999999999}}", ':1: integer overflow: "99999999999999999999"'),
    ("{{$x}}", ':1: undefined variable "$x"'),
    ("{{break}}", ":1: {{break}} outside {{range}}"),
    ("{{if}}{{end}}", ":1: missing value for if"),
    ("{{1 | 2}}", ":1: non executable command in pipeline stage 2"),
    ("{{range $a, $b, $c := .}}{{end}}", ":1: too many declarations in range"),
    ("{{template .}}", ":1: unexpected <.> in template clause"),
    ("{{1 = 2}}", ':1: unexpected "=" in operand'),
    ("{{\x01}}", ":1: unrecognized character in action: U+0001"),
    ('{{define "a"}}1{{end}}{{define "a"}}2{{end}}',
     ':1: template: multiple definition of template "a"'),
    # execution
    ("{{.Name.Foo}}",
     ':1:7: executing "" at <.Name.Foo>: can\'t evaluate field Foo in type interface {}'),
    ("{{.State.Health.Status}}",
     ':1:8: executing "" at <.State.Health.Status>: '
     "nil pointer evaluating interface {}.Status"),
    ("é{{range .Name}}x{{end}}", ':1:10: executing "" at <.Name>: range can\'t iterate over /web'),
    ("{{index .Config.Env 2}}",
     ':1:2: executing "" at <index .Config.Env 2>: '
     "error calling index: reflect: slice index out of range"),
    ("{{index .Config.Env 3}}",
     ':1:2: executing "" at <index .Config.Env 3>: error calling index: index out of range: 3'),
    ("{{join .Config.Env}}",
     ':1:2: executing "" at <join>: wrong number of args for join: want 2 got 1'),
    ("{{upper 3}}", ':1:8: executing "" at <3>: expected string; found 3'),
    ("{{upper .State.Pid}}",
     ':1:14: executing "" at <.State.Pid>: wrong type for value; expected string; got int'),
    ("{{.Name 3}}", ':1:2: executing "" at <.Name>: Name is not a method but has arguments'),
    ("{{3 4}}", ':1:2: executing "" at <3>: can\'t give argument to non-function 3'),
    ("{{eq 1 1.5}}",
     ':1:2: executing "" at <eq 1 1.5>: '
     "error calling eq: incompatible types for comparison"),
    ("{{lt true false}}",
     ':1:2: executing "" at <lt true false>: error calling lt: invalid type for comparison'),
    ("{{call .Name}}",
     ':1:2: executing "" at <call .Name>: error calling call: non-function of type string'),
    ("{{nil}}", ':1:2: executing "" at <nil>: nil is not a command'),
    ('{{template "x"}}', ':1:11: executing "" at <{{template "x"}}>: template "x" not defined'),
    ("{{len 3}}", ':1:2: executing "" at <len 3>: error calling len: len of type int'),
    ("{{$x = 1}}", ':1:7: executing "" at <1>: undefined variable: $x'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), FAILURES)
def test_what_go_refuses_is_refused_in_its_words(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        render(text, DATA)
    shown = str(caught.value)
    assert shown.isprintable()
    assert shown == f"template: {message}"


def test_a_missing_key_is_an_error_in_strict_mode_and_no_value_else() -> None:
    with pytest.raises(TemplateError) as caught:
        render("{{.Nope}}", DATA, strict=True)
    assert str(caught.value) == (
        'template: :1:2: executing "" at <.Nope>: map has no entry for key "Nope"'
    )
    assert render("{{.Nope}}", DATA) == "<no value>"


def test_a_records_unknown_field_is_an_error_in_any_mode_and_its_methods_take_arguments() -> None:
    row = Struct("*formatter.Context", {"ID": "a", "Label": Method(str.upper, ("string",))})
    assert render('{{.ID}} {{.Label "x"}} {{json .}}', row) == 'a X {"ID":"a"}'
    with pytest.raises(TemplateError, match=r"can't evaluate field Id in type \*formatter"):
        render("{{.Id}}", row)


def test_one_template_serves_many_rows_and_names_the_columns() -> None:
    template = Template('{{.ID}}\t{{upper .Name}}\t{{join .Tags ","}}\t{{json .Z}}')
    assert template.render({"ID": 1, "Name": "a", "Tags": ["x", "y"]}) == "1\tA\tx,y\tnull"
    assert template.heading({"ID": "Id", "Name": "Name", "Tags": "Tags", "Z": "Zed"}) == (
        "Id\tName\tTags\tZed"
    )


def test_bytes_that_are_no_text_come_out_as_they_were() -> None:
    text = render("{{slice . 0 1}}{{slice . 1}} {{slice . 0 1}}", "é")
    assert text.encode("utf-8", "surrogateescape") == b"\xc3\xa9 \xc3"
