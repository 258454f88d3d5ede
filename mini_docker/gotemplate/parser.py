"""Build the tree of a template from its tokens, with Go's grammar and messages."""

from __future__ import annotations

from mini_docker.gotemplate import nodes
from mini_docker.gotemplate.errors import TemplateError
from mini_docker.gotemplate.lexemes import Token
from mini_docker.gotemplate.pipelines import Pipelines
from mini_docker.gotemplate.quoting import quote

LONGEST = 1 << 16  # characters of a template


def parse(text: str, functions: frozenset[str]) -> dict[str, list[nodes.Node]]:
    """Return the templates that *text* defines, by name; its own body is that of "".

    *functions* are the names that may be called. Raises TemplateError in Go's
    words: ``template: :1: unclosed action``.
    """
    if len(text) > LONGEST:
        raise TemplateError(f"template: longer than {LONGEST} characters")
    return _Parser(text, functions).parse()


class _Parser(Pipelines):
    """The parser of texts, blocks and definitions."""

    def __init__(self, text: str, functions: frozenset[str]) -> None:
        super().__init__(text, functions)
        self.ranges = 0
        self.trees: dict[str, list[nodes.Node]] = {}

    def parse(self) -> dict[str, list[nodes.Node]]:
        """Read the whole template; return the bodies by name."""
        body: list[nodes.Node] = []
        while (token := self.next()).kind != "eof":
            if token.kind == "open" and self.at_word("define"):
                self.next_word()
                self.define(self.template_name("define clause"), None)
                continue
            self.back(token)
            node = self.text_or_action()
            if isinstance(node, nodes.Jump) and node.word in ("end", "else"):
                raise self.error(f"unexpected {node}")
            body.append(node)
        self.add("", body)
        return self.trees

    def body(self) -> tuple[list[nodes.Node], str]:
        """Return the nodes up to ``{{end}}`` or ``{{else}}``, and which of them it was."""
        self.deeper()
        found: list[nodes.Node] = []
        while self.peek_word().kind != "eof":
            node = self.text_or_action()
            if isinstance(node, nodes.Jump) and node.word in ("end", "else"):
                self.depth -= 1
                return found, node.word
            found.append(node)
        raise self.error("unexpected EOF")

    def text_or_action(self) -> nodes.Node:
        """Read a text, or an action with all that belongs to it."""
        token = self.next_word()
        if token.kind == "text":
            return nodes.Text(token.at, token.text)
        if token.kind != "open":
            raise self.unexpected(token, "input")
        self.action = token.line
        node = self.action_node()
        self.action = 0
        return node

    def action_node(self) -> nodes.Node:
        """Read an action; its ``{{`` has been read."""
        token = self.next_word()
        if token.kind == "keyword" and token.text in ("if", "with", "range"):
            return self.branch(token.text)
        if token.kind == "keyword" and token.text not in ("nil", "define"):
            return self.jump(token)
        self.back(token)
        return nodes.Action(token.at, self.pipeline("command", "close"))

    def jump(self, token: Token) -> nodes.Node:
        """Read the rest of an action whose keyword *token* opens no block."""
        word = token.text
        if word in ("template", "block"):
            return self.call(word)
        if word == "else" and self.at_word("if", "with"):
            return nodes.Jump(token.at, word)
        quoted = f"{{{{{word}}}}}" if word in ("break", "continue") else word
        self.expect("close", quoted)
        if quoted != word and not self.ranges:
            raise self.error(f"{quoted} outside {{{{range}}}}")
        return nodes.Jump(token.at, word)

    def branch(self, word: str) -> nodes.Branch:
        """Read the rest of if, with or range, up to its end."""
        mark = len(self.variables)
        pipeline = self.pipeline(word, "close")
        self.ranges += word == "range"
        body, last = self.body()
        self.ranges -= word == "range"
        otherwise: list[nodes.Node] | None = None
        if last == "else":
            if word != "range" and self.at_word(word):  # its end is ours as well
                self.next_word()
                self.deeper()
                otherwise = [self.branch(word)]
                self.depth -= 1
            else:
                otherwise, last = self.body()
                if last == "else":
                    raise self.error("expected end; found {{else}}")
        del self.variables[mark:]
        return nodes.Branch(pipeline.at, word, pipeline, body, otherwise)

    def call(self, word: str) -> nodes.Call:
        """Read the rest of ``{{template`` or ``{{block``; a block defines its template too."""
        at = self.peek_word().at
        name = self.template_name(f"{word} clause")
        if word == "template" and self.peek_word().kind == "close":
            self.next_word()
            return nodes.Call(at, name, None)
        pipeline = self.pipeline(f"{word} clause", "close")
        if word == "block":
            self.define(name, pipeline)
        return nodes.Call(at, name, pipeline)

    def template_name(self, context: str) -> str:
        """Read the quoted name of a template."""
        token = self.next_word()
        if token.kind not in ("string", "raw string"):
            raise self.unexpected(token, context)
        return self.literal(token)

    def define(self, name: str, block: nodes.Pipeline | None) -> None:
        """Read the body of a template and note it under *name*."""
        context = "define clause" if block is None else "block clause"
        if block is None:
            self.expect("close", context)
        variables, ranges = self.variables, self.ranges
        self.variables, self.ranges = ["$"], 0
        body, last = self.body()
        if last != "end":
            raise self.error(f"unexpected {{{{{last}}}}} in {context}")
        self.variables, self.ranges = variables, ranges
        self.add(name, body)

    def add(self, name: str, body: list[nodes.Node]) -> None:
        """Note *body* under *name*; only one body of that name may hold something."""
        if _empty(self.trees.get(name, [])):
            self.trees[name] = body
        elif not _empty(body):
            raise self.error(f"template: multiple definition of template {quote(name)}")


def _empty(body: list[nodes.Node]) -> bool:
    """Say whether *body* holds nothing but white space."""
    return all(isinstance(node, nodes.Text) and not node.text.strip() for node in body)
