"""From source text to the AST of SPL."""

from __future__ import annotations

from livefire.diagnostics import Fix, Span
from livefire.languages.base import Context
from livefire.languages.binder import nearest
from livefire.languages.kit.ast import Ast
from livefire.languages.kit.lexer import END
from livefire.languages.spl import nodes as s
from livefire.languages.spl.commands import COMMANDS, GENERATING
from livefire.languages.spl.conditions import ConditionReader
from livefire.languages.spl.lexer import Piece, split, tokens_of
from livefire.languages.spl.macros import expand


def parse(context: Context) -> s.Pipeline:
    """Return the pipeline of a search; records errors, and raises Halt after the first of syntax."""
    tokens = expand(tokens_of(context.diagnostics), context)
    parser = Parser(tokens, context)
    pipeline = parser.pipeline()
    if not parser.done:
        parser.fail(f"expected a pipe or the end, found {parser.describe()}")
    return pipeline


def parse_text(text: str, span: Span, context: Context) -> s.Pipeline:
    """Return the pipeline of a text that a search makes while it is put together; its faults are those of `span`."""
    parser = Parser([*split(text, span), Piece(END, "", span)], context)
    pipeline = parser.pipeline()
    if not parser.done:
        parser.fail(f"expected a pipe or the end, found {parser.describe()}", span=span)
    return pipeline


def parse_tokens(tokens: list[Piece], context: Context) -> s.Pipeline:
    """Return the pipeline of tokens that were cut out of a text, such as a filled-in template."""
    end = tokens[-1].span.end if tokens else 0
    parser = Parser([*tokens, Piece(END, "", Span(end, end))], context)
    return parser.pipeline(piped=True)


def condition_text(text: str, span: Span, context: Context) -> s.Condition:
    """Return the condition that a text inside a search writes; E206 where it is none."""
    parser = Parser([*split(text, span), Piece(END, "", span)], context)
    return parser.written_condition(text, span)


class Parser(ConditionReader):
    """Reads pipelines."""

    def __init__(self, tokens: list[Piece], context: Context) -> None:
        super().__init__(tokens, context.diagnostics, lenient=context.lenient)
        self.context = context

    def pipeline(self, *, piped: bool = False) -> s.Pipeline:
        """Return the commands up to a closing bracket or the end."""
        start = self.token.span
        self.deeper()
        commands: list[s.Command] = []
        if not piped and not self.take("|"):
            commands.append(self._implied_search())
            if not self.at_end:
                self.fail(f"expected a pipe, found {self.describe()}")
            if not self.take("|"):
                self.shallower()
                return s.Pipeline(tuple(commands), self.span_from(start))
        while True:
            if self.at_end and not self.at("|"):
                if not commands or not self.done:
                    self.fail(f"expected a command, found {self.describe()}")
                self.diagnostics.warn("W153", "the search ends with a pipe and no command after it", self.span_from(self.tokens[max(self.place - 1, 0)].span))
                break
            commands.append(self._command())
            if not self.take("|"):
                break
        if not self.at_end:
            self.fail(f"expected a pipe, found {self.describe()}")
        self.shallower()
        return s.Pipeline(tuple(commands), self.span_from(start))

    def _implied_search(self) -> s.Command:
        token = self.piece
        if token.word("search") and self.ahead().text not in ("=", "!=", "<", ">", "<=", ">="):
            self.advance()
            return COMMANDS["search"](self, token.span)
        if token.word(*GENERATING) and self.ahead().text not in ("=", "!=", "|") and self.ahead().kind != END:
            self.context.quirk(
                154,
                f"without a leading pipe {token.text!r} is a word to search for, not the command",
                span=token.span,
                help="begin with a pipe",
                fix=Fix(Span(token.span.start, token.span.start), "| ", "insert a pipe"),
            )
            return self._command()
        if self.at_end:
            self.fail(f"expected a search, found {self.describe()}")
        return COMMANDS["search"](self, token.span)

    def _command(self) -> s.Command:
        token = self.piece
        if token.kind == "macro":
            self.advance()
            while not self.at_end:
                self.advance()
            return s.Unread(self.span_from(token.span))
        if self.at("["):
            self.fail("a subsearch stands inside a command, not in its place", help="write append, union or join before it")
        read = COMMANDS.get(token.text.lower()) if token.kind == "word" else None
        if read is not None and not (self.ahead().text in ("=", "!=", "==") and token.text.lower() not in ("regex", "search")):
            self.advance()
            return read(self, token.span)
        if token.kind == "word" and self._comparison_follows():
            self.context.quirk(
                154,
                f"{token.text[:40]!r} is no command: a condition after a pipe needs `search` or `where`",
                span=token.span,
                help="write `search` before it",
                fix=Fix(Span(token.span.start, token.span.start), "search ", "insert search"),
            )
            return COMMANDS["search"](self, token.span)
        meant = nearest(token.text, COMMANDS) if token.text else None
        return self.fail(
            f"no command is named {token.text[:40]!r}",
            help=f"did you mean {meant!r}?" if meant else "",
            fix=Fix(token.span, meant, f"write {meant!r}") if meant else None,
        )

    def written_condition(self, text: str, span: Span) -> s.Condition:
        """Return the condition that a quoted text writes; E206 where it is none."""
        inner = Parser([*split(text, span), Piece(END, "", span)], self.context)
        condition = inner.condition()
        if condition is None or not inner.done:
            self.fail(f"{text[:40]!r} is no search", code="E206", span=span)
        return condition

    def written_expression(self, text: str, span: Span) -> Ast:
        """Return the expression that a quoted text writes; E206 where it is none."""
        inner = Parser([*split(text, span), Piece(END, "", span)], self.context)
        expression = inner.expression()
        if not inner.done:
            self.fail(f"{text[:40]!r} is no condition", code="E206", span=span)
        return expression

    def _comparison_follows(self) -> bool:
        ahead = 1
        while self.ahead(ahead).glued and self.ahead(ahead).text in (".", "{", "}", ":", "-") and self.ahead(ahead + 1).glued:
            ahead += 1 if self.ahead(ahead + 1).kind == "sign" else 2
        return self.ahead(ahead).text in ("=", "!=", "==", "<", ">", "<=", ">=") or self.ahead(ahead).word("in")

    def bracketed(self, owner: str) -> tuple[s.Pipeline, ...]:
        """Return the subsearches in brackets that stand here; at least one."""
        parts: list[s.Pipeline] = []
        while self.at("["):
            opened = self.piece
            self.advance()
            inside = owner in ("appendpipe",) and self.token.kind == "word"
            parts.append(self.pipeline(piped=inside))
            self.close(opened)
            self.take(",")
        if not parts:
            self.fail(f"{owner} needs a subsearch in brackets, found {self.describe()}")
        return tuple(parts)
