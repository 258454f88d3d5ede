"""The forms of an instruction's arguments: flags, lists, JSON, name=value.

    COPY --from=build /a /b        flags, then words between blanks
    RUN echo "$HOME"               the shell form: one word, the shell's own
    CMD ["echo", "a b"]            the exec form: a JSON list of strings
    ENV a=b c="d e"   ENV a b      pairs; the old form has one, and blanks in its value

A list that is not JSON ([ -f x ], ['a']) is no exec form but words, or the shell's.
moby/buildkit: frontend/dockerfile/parser/{line_parsers,split_command}.go.
"""

from __future__ import annotations

import re

from mini_docker.errors import UsageError

BLANKS = re.compile(r"[\t\v\f\r ]+")
FLAG = re.compile(r"\s*(?=--)")
# How the arguments of each instruction are read: see words().
FORMS = {
    **dict.fromkeys(("ADD", "COPY", "VOLUME"), "list"),
    **dict.fromkeys(("CMD", "ENTRYPOINT", "RUN", "SHELL"), "command"),
    **dict.fromkeys(("ENV", "LABEL"), "pairs"),
    **dict.fromkeys(("EXPOSE", "FROM"), "words"),
    **dict.fromkeys(("MAINTAINER", "STOPSIGNAL", "USER", "WORKDIR"), "string"),
    **{"ARG": "quoted", "HEALTHCHECK": "health", "ONBUILD": "onbuild"},
}
NAMES = tuple(sorted(FORMS))
HEREDOCS = ("ADD", "COPY", "RUN")


def split(line: str) -> tuple[str, list[str], str]:
    """Return the name of an instruction as it is written, its flags, and the rest.

    >>> split('COPY --from="a" --link  b c ')
    ('COPY', ['--from=a', '--link'], 'b c')
    """
    name, _, rest = BLANKS.sub(" ", line.strip(), count=1).partition(" ")
    flags, at = list[str](), 0
    while (begin := FLAG.match(rest, at)) is not None:
        flag, at = _flag(rest, begin.end())
        if flag == "--":
            break
        flags.append(flag)
    return name, flags, rest[at:].strip()


def _flag(text: str, at: int) -> tuple[str, int]:
    """Return the word at *at* without quotes and backslashes, and where it ends."""
    word, quote = list[str](), ""
    while at < len(text) and (quote or not text[at].isspace()):
        char = text[at]
        if char == "\\":
            at += 1
            word.append(text[at : at + 1])
        elif char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        else:
            word.append(char)
        at += 1
    return "".join(word), at


def words(name: str, text: str, escape: str) -> tuple[list[str], bool]:
    """Return the words in the arguments *text* of instruction *name*, and whether it was JSON.

    Quotes and escapes are still there. UsageError for a list that is not all strings, and
    for ENV and LABEL without a value. An unknown instruction has no words.
    """
    form = FORMS.get(name)
    if form is None or not text:
        return [], False
    if form in ("list", "command"):
        listed = json_list(text)
        if listed is not None:
            return listed, True
    if form == "health":
        kind, _, command = re.sub(r"\s+", "\n", text, count=1).partition("\n")
        rest, json = words("CMD", command, escape)
        return [kind, *rest], json
    if form == "onbuild":
        inner, _, rest_text = split(text)
        # What ONBUILD itself would keep is not asked for: the chain may be long, and is wrong.
        kept = [] if inner.upper() == name else words(inner.upper(), rest_text, escape)[0]
        return [inner, *kept], False
    if form == "pairs":
        return _pairs(name, text, escape), False
    if form == "quoted":
        return quoted_words(text, escape), False
    return BLANKS.split(text) if form in ("list", "words") else [text], False


def json_list(text: str) -> list[str] | None:
    """Return the JSON list of strings *text*; None if it is no JSON list.

    UsageError for a list with anything but strings in it.
    """
    if not text.startswith("["):
        return None
    import json  # not every Dockerfile needs it

    try:
        # What is no string is refused below, whatever it is; no number has to be computed.
        found = json.loads(text, parse_int=_none, parse_float=_none, parse_constant=_refuse)
    except ValueError:
        return None
    except RecursionError:
        found = [None]
    if not all(isinstance(word, str) for word in found):
        raise UsageError("when using JSON array syntax, arrays must be comprised of strings only")
    return [re.sub("[\ud800-\udfff]", "\ufffd", word) for word in found]  # half a character


def _none(_: str) -> None:
    return None


def _refuse(text: str) -> None:
    raise ValueError(text)  # Infinity and NaN are no JSON


def quoted_words(text: str, escape: str) -> list[str]:
    """Return the words of *text*, which blanks end but in quotes; quotes and escapes stay.

    >>> quoted_words('a="b c" d', "`")
    ['a="b c"', 'd']
    """
    found, word, quote, at = list[str](), list[str](), "", 0
    while at < len(text):
        char = text[at]
        if not quote and char.isspace():
            found += ["".join(word)] if word else []
            word = []
        elif char == escape and quote != "'":
            # At the very end it means nothing.
            word += [text[at : at + 2]] if at + 1 < len(text) else []
            at += 1
        else:
            if not quote and char in "'\"":
                quote = char
            elif char == quote:
                quote = ""
            word.append(char)
        at += 1
    return [*found, "".join(word)] if word else found


def _pairs(name: str, text: str, escape: str) -> list[str]:
    """Return name, value and "=" for each pair of ENV or LABEL; "" in the old form."""
    found = quoted_words(text, escape)
    if not found or "=" not in found[0]:
        pair = BLANKS.split(text, maxsplit=1)
        if len(pair) < 2:
            raise UsageError(f"{name} must have two arguments")
        return [*pair, ""]
    for word in found:
        if "=" not in word:
            raise UsageError(
                f'Syntax error - can\'t find = in "{word}". Must be of the form: name=value'
            )
    return [part for word in found for part in (*word.partition("=")[::2], "=")]


def pairs(words: list[str]) -> list[tuple[str, str]]:
    """Return names and values of the *words* of an ENV or LABEL."""
    return list(zip(words[::3], words[1::3], strict=True))


def arguments(words: list[str]) -> list[tuple[str, str | None]]:
    """Return names and defaults of the *words* of an ARG; None where there is no default."""
    named = [word.partition("=") for word in words]
    return [(name, value if equals else None) for name, equals, value in named]


def takes_heredocs(name: str, text: str, json: bool) -> bool:
    """Return whether the instruction may announce here-documents: not in the exec form."""
    if name == "ONBUILD":
        inner, _, rest = split(text)
        # No escape counts in what these have: a list of JSON, or the shell's word.
        return inner.upper() in HEREDOCS and not words(inner.upper(), rest, "")[1]
    return name in HEREDOCS and not json
