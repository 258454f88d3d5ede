"""Parse what stands between ``{{`` and ``}}``: declarations, commands and operands."""

from __future__ import annotations

from mini_docker.gotemplate import nodes
from mini_docker.gotemplate.lexemes import Token
from mini_docker.gotemplate.numerals import character, number
from mini_docker.gotemplate.quoting import quote, unquote
from mini_docker.gotemplate.tokens import Tokens

_OPERANDS = frozenset(
    ["bool", "character", "dot", "field", "identifier", "number", "raw string", "string",
     "variable", "left paren"]
)  # fmt: skip


class Pipelines(Tokens):
    """The parser of one action's content."""

    def pipeline(self, context: str, end: str) -> nodes.Pipeline:
        """Read declarations and commands up to the token *end*, which is taken."""
        pipeline = nodes.Pipeline(self.peek_word().at)
        while self.declaration(pipeline, context):
            pass
        while True:
            token = self.next_word()
            if token.kind == end:
                break
            if token.kind not in _OPERANDS and (token.kind, token.text) != ("keyword", "nil"):
                raise self.unexpected(token, context)
            self.back(token)
            pipeline.commands.append(self.command())
        self.check(pipeline, context)
        return pipeline

    def declaration(self, pipeline: nodes.Pipeline, context: str) -> bool:
        """Read ``$x :=``, ``$x =`` or ``$x,``; say whether another one must follow."""
        variable = self.peek_word()
        if variable.kind != "variable":
            return False
        self.next()
        following = self.next()
        sign = self.next_word() if following.kind == "space" else following
        if sign.kind in ("assign", "declare"):
            pipeline.assigns = sign.kind == "assign"
        elif (sign.kind, sign.text) != ("char", ","):
            self.back(variable, *([following] if following is not sign else []), sign)
            return False
        pipeline.variables.append(variable.text)
        self.variables.append(variable.text)
        if sign.kind != "char":
            return False
        if context != "range" or len(pipeline.variables) > 1:
            raise self.error(f"too many declarations in {context}")
        if self.peek_word().kind not in ("variable", "close", "right paren"):
            raise self.error("range can only initialize variables")
        return True

    def check(self, pipeline: nodes.Pipeline, context: str) -> None:
        """Refuse a pipeline without commands, or with a constant as a later command."""
        if not pipeline.commands:
            raise self.error(f"missing value for {context}")
        for stage, command in enumerate(pipeline.commands[1:], 2):
            if isinstance(command.words[0], nodes.Dot | nodes.Nil | nodes.Constant):
                raise self.error(f"non executable command in pipeline stage {stage}")

    def command(self) -> nodes.Command:
        """Read words up to a pipe sign, which is taken, or the end of the pipeline."""
        command = nodes.Command(self.peek_word().at, [])
        while True:
            self.peek_word()
            operand = self.operand()
            if operand is not None:
                command.words.append(operand)
            token = self.next()
            if token.kind == "space":
                continue
            if token.kind in ("close", "right paren"):
                self.back(token)
            elif token.kind != "pipe":
                raise self.unexpected(token, "operand")
            break
        if not command.words:
            raise self.error("empty command")
        return command

    def operand(self) -> nodes.Node | None:
        """Read a term and the fields that follow it without a blank."""
        node = self.term()
        if node is None or self.peek().kind != "field":
            return node
        at = self.peek().at
        names = []
        while self.peek().kind == "field":
            names.append(self.next().text[1:])
        if isinstance(node, nodes.Field | nodes.Variable):
            return type(node)(at, node.names + names)
        if isinstance(node, nodes.Dot | nodes.Nil | nodes.Constant):
            raise self.error(f"unexpected . after term {quote(str(node))}")
        return nodes.Chain(at, node, names)

    def term(self) -> nodes.Node | None:
        """Read one operand without its fields; None if the next token begins none."""
        token = self.next_word()
        at, text = token.at, token.text
        match token.kind:
            case "dot":
                return nodes.Dot(at)
            case "field":
                return nodes.Field(at, [text[1:]])
            case "bool":
                return nodes.Constant(at, text == "true", text)
            case "string" | "raw string":
                return nodes.Constant(at, self.literal(token), text)
            case "left paren":
                self.deeper()
                pipeline = self.pipeline("parenthesized pipeline", "right paren")
                self.depth -= 1
                return pipeline
        return self.named(token)

    def named(self, token: Token) -> nodes.Node | None:
        """Read a number, a variable, a function or nil."""
        if token.kind in ("number", "character"):
            return self.numeral(token)
        if token.kind in ("variable", "identifier"):
            return self.name(token)
        if (token.kind, token.text) == ("keyword", "nil"):
            return nodes.Nil(token.at)
        self.back(token)
        return None

    def name(self, token: Token) -> nodes.Node:
        """Return the node of a function or variable that must be known."""
        known = token.text in (self.functions, self.variables)[token.kind == "variable"]
        if token.kind == "variable":
            if not known:
                raise self.error(f"undefined variable {quote(token.text)}")
            return nodes.Variable(token.at, [token.text])
        if not known:
            raise self.error(f"function {quote(token.text)} not defined")
        return nodes.Function(token.at, token.text)

    def numeral(self, token: Token) -> nodes.Node:
        """Return the node of a number or character."""
        try:
            value = (character if token.kind == "character" else number)(token.text)
        except ValueError as error:
            raise self.error(str(error)) from None
        return nodes.Constant(token.at, value, token.text)

    def literal(self, token: Token) -> str:
        """Return what the quoted *token* stands for."""
        try:
            return unquote(token.text)
        except ValueError as error:
            raise self.error(str(error)) from None
