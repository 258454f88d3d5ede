"""Go templates (text/template) as the --format of the docker command uses them.

    lexer      text to tokens (lexemes)  tokens, pipelines, parser   tokens to a tree
    evaluation the tree and data to text, with arguments and calls   functions, docker
    printing   values to text, with printf and floats                quoting, gojson

A template comes from the user and the data from containers and images: the
length of the template, its nesting, the work that it does and the text that it
makes are bounded. Every failure is a TemplateError in Go's words.
"""

from __future__ import annotations

from typing import Any

from mini_docker.gotemplate.docker import FUNCTIONS, HEADINGS, TITLES
from mini_docker.gotemplate.errors import TemplateError
from mini_docker.gotemplate.evaluation import Evaluation
from mini_docker.gotemplate.functions import BUILTINS
from mini_docker.gotemplate.parser import parse
from mini_docker.gotemplate.values import Method, Strings, Struct, from_bytes, to_bytes

__all__ = ["Method", "Strings", "Struct", "Template", "TemplateError", "render"]


class Template:
    """A parsed template, which can be applied to many values.

    *strict* makes a key that a map does not have an error, as in ``docker inspect``;
    otherwise it gives ``<no value>``.
    """

    def __init__(self, text: str, strict: bool = False) -> None:
        self.text = text
        self.strict = strict
        self.trees = _guarded(lambda: parse(text, frozenset(BUILTINS | FUNCTIONS)))

    def render(self, data: Any) -> str:
        """Return the template's text for *data*; TemplateError if it cannot be made.

        Bytes that are no UTF-8 are surrogate escapes: write the text with
        os.fsencode, or with errors="surrogateescape".
        """
        return self._apply(data, FUNCTIONS)

    def heading(self, names: dict[str, str]) -> str:
        """Return the template's text for the line that names a table's columns."""
        return self._apply(names | TITLES, HEADINGS)

    def _apply(self, data: Any, added: dict[str, Method]) -> str:
        evaluation = Evaluation(self.text, self.trees, BUILTINS | added, self.strict)
        text: str = _guarded(lambda: evaluation.run(data))
        return from_bytes(to_bytes(text))


def render(text: str, data: Any, strict: bool = False) -> str:
    """Return what the template *text* makes of *data*.

    >>> render("{{range .}}<{{.}}>{{end}}", ["a", 1])
    '<a><1>'
    """
    return Template(text, strict).render(data)


def _guarded(work: Any) -> Any:
    """Return work(); TemplateError if it needs more of Python's stack than there is."""
    try:
        return work()
    except RecursionError:
        raise TemplateError("template: nested too deeply") from None
