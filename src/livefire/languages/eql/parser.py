"""The grammar of EQL as Elasticsearch reads it, by recursive descent.

https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from livefire.diagnostics import Fix, Span
from livefire.languages.base import Context
from livefire.languages.eql import ast, lexer
from livefire.languages.kit.ast import Apply, Argument, Ast, Binary, Constant, ListOf, Name, Unary
from livefire.languages.kit.cursor import Cursor
from livefire.languages.kit.lexer import Token
from livefire.plan.expr import Scalar
from livefire.schema import Type

WORDS = frozenset({"and", "any", "by", "false", "in", "like", "maxspan", "not", "null", "or", "regex", "sample", "sequence", "true", "until", "where", "with"})
COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")
_UNITS = {
    **dict.fromkeys(("ms",), 10_000),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 10_000_000),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 600_000_000),
    **dict.fromkeys(("h", "hour", "hours"), 36_000_000_000),
    **dict.fromkeys(("d", "day", "days"), 864_000_000_000),
}
MAX_RUNS = 100


def parse(context: Context) -> ast.Query:
    """Return the AST of the source; faults are recorded, and Halt ends the reading."""
    return Parser(lexer.tokens(context.diagnostics), context).query()


class Parser(Cursor):
    """Reads one EQL text."""

    def __init__(self, tokens: list[Token], context: Context) -> None:
        super().__init__(tokens, context.diagnostics)
        self.context = context

    # statements

    def query(self) -> ast.Query:
        """Read the whole text."""
        body: ast.Statement
        if self.word("sequence"):
            body = self.chain("sequence")
        elif self.word("sample"):
            body = self.chain("sample")
        elif self.at_word("join") and self.peek().text in ("[", "by"):
            self.fail("`join` is no longer part of EQL", code="E305", help="use `sequence` (events in order) or `sample` (in any order)")
        else:
            body = self.event_filter()
        pipes: list[ast.Pipe] = []
        while self.at("|"):
            pipes.append(self.pipe())
        if not self.done:
            self.fail(f"unexpected {self.describe()}")
        return ast.Query(body, tuple(pipes), Span(0, self.last_end))

    def word(self, word: str) -> bool:
        """Tell whether the token is this keyword; in another case it is a fault with a fix, read on as the keyword when lenient."""
        token = self.token
        if token.kind not in ("name", "fold") or token.text.lower() != word:
            return False
        if token.text != word:
            message = f"keywords are written in lower case in EQL: {word!r}"
            self.context.quirk(240, message, span=token.span, fix=Fix(token.span, word, f"write {word!r}"))
        return True

    def take_keyword(self, word: str) -> Token | None:
        """Step over this keyword."""
        return self.advance() if self.word(word) else None

    def chain(self, kind: Literal["sequence", "sample"]) -> ast.Chain:
        """Read a sequence or a sample."""
        start = self.advance()
        by, max_span = self._chain_head(kind)
        terms: list[ast.Term] = []
        while self.at("[", "!"):
            terms.append(self.term(kind))
        until = None
        if self.word("until"):
            word = self.advance()
            if kind == "sample":
                self.fail("a sample has no `until`", span=word.span)
            until = self.term("until")
        if not self.done and not self.at("|"):
            self.fail(f"expected an event in brackets, found {self.describe()}")
        return self._check(ast.Chain(kind, by, tuple(terms), until, max_span, Span(start.span.start, self.last_end)))

    def _chain_head(self, kind: str) -> tuple[tuple[Name, ...], int | None]:
        """Read `by …` and `with maxspan=…`, which may stand in either order."""
        by: tuple[Name, ...] = ()
        max_span: int | None = None
        while self.word("by") or self.word("with"):
            if self.word("by"):
                if by:
                    self.fail("the join keys are already given")
                if max_span is not None:
                    self.context.quirk(241, "`by` stands before `with maxspan` in Elasticsearch", span=self.token.span)
                by = self.keys()
                continue
            word = self.advance()
            if kind == "sample" or max_span is not None:
                self.fail(f"`with` cannot stand {'twice' if max_span is not None else 'in a sample'}", span=word.span)
            if not self.word("maxspan"):
                self.fail(f"expected 'maxspan' after 'with', found {self.describe()}")
            self.advance()
            self.expect("=", "after 'maxspan'")
            max_span = self.time_span()
        return by, max_span

    def _check(self, chain: ast.Chain) -> ast.Chain:
        """Report terms that cannot go together."""
        terms, head = (*chain.terms, *((chain.until,) if chain.until else ())), Span(chain.span.start, chain.span.start + len(chain.kind))
        if sum(t.runs for t in chain.terms) < 2:
            self.fail(f"a {chain.kind} needs at least two events in brackets, found {len(chain.terms)}", span=head)
        if all(t.missing for t in chain.terms):
            self.fail("a sequence cannot be made of missing events only", span=head)
        missing = next((t for t in terms if t.missing), None)
        if missing is not None and chain.max_span is None:
            self.fail("a sequence with a missing event `![…]` needs `with maxspan`", span=missing.span, help="write `sequence with maxspan=5m`")
        odd = next((t for t in terms if len(t.by) != len(terms[0].by)), None)
        if odd is not None:
            first, this = len(chain.by) + len(terms[0].by), len(chain.by) + len(odd.by)
            self.fail(f"every event needs the same number of join keys: the first has {first}, this one {this}", span=odd.span)
        if chain.kind == "sample" and not chain.by and not terms[0].by:
            self.fail("a sample needs at least one join key", span=head, help="write `sample by field`")
        return chain

    def term(self, kind: str) -> ast.Term:
        """Read one bracketed event with what follows it."""
        start = self.token
        missing = self.take("!")
        if missing is not None and kind != "sequence":
            self.fail("a missing event `![…]` can only be a step of a sequence", span=missing.span)
        opened = self.expect("[", "to open an event")
        events = self.event_filter()
        self.close(opened)
        by = self.keys() if self.word("by") else ()
        runs = 1
        if self.word("with") and self.peek().text == "runs":
            word = self.advance()
            self.advance()
            self.expect("=", "after 'runs'")
            number = self.expect_kind("number", "a whole number of runs")
            if kind != "sequence" or missing is not None:
                self.fail("`with runs` can only follow an event of a sequence that is not missing", span=word.span)
            if not number.text.isdigit() or not 1 <= int(number.text[:4]) <= MAX_RUNS or len(number.text) > 3:
                self.fail(f"a number of runs is from 1 to {MAX_RUNS}", span=number.span)
            runs = int(number.text)
        if self.at("="):
            self.fail("`fork` and other marks of the older EQL are not part of Elasticsearch's")
        return ast.Term(events, by, Span(start.span.start, self.last_end), missing is not None, runs)

    def keys(self) -> tuple[Name, ...]:
        """Read `by a, b`."""
        self.advance()
        found = [self.field("a join key")]
        while self.take(","):
            found.append(self.field("a join key"))
        if self.at("*", "/", "%", "+", "-", "("):
            self.fail("a join key must be a field, and nothing can be computed of it", code="E305", help="join on a field that holds the value")
        return tuple(found)

    def event_filter(self) -> ast.EventFilter:
        """Read `category where condition`."""
        token = self.token
        if token.kind == "string":
            category: str | None = lexer.string_value(token, self.diagnostics)
        elif token.kind == "raw":
            category = lexer.raw_value(token)
        elif token.kind == "name":
            category = None if token.text == "any" else token.text
        else:
            self.fail(f"expected an event category or 'any', found {self.describe()}", help="a query reads `category where condition`")
        self.advance()
        if not self.word("where"):
            self.fail(f"expected 'where' after the event category, found {self.describe()}", help="a query reads `category where condition`")
        self.advance()
        condition = self.condition()
        return ast.EventFilter(category, condition, Span(token.span.start, self.last_end), token.span)

    def pipe(self) -> ast.Pipe:
        """Read `| head n` or `| tail n`."""
        bar = self.advance()
        name = self.expect_kind("name", "a pipe")
        if name.text not in ("head", "tail"):
            self.fail(f"the pipe {name.text!r} is not part of Elasticsearch's EQL", code="E301", span=name.span, help="it has `head` and `tail`")
        kind: Literal["head", "tail"] = "head" if name.text == "head" else "tail"
        number = self.expect_kind("number", "a whole number of events")
        if not number.text.isdigit() or len(number.text) > 9:
            self.fail(f"`{kind}` takes a whole number", span=number.span)
        return ast.Pipe(kind, int(number.text), bar.span.to(number.span))

    def time_span(self) -> int:
        """Read a number and a unit as ticks of 100 ns."""
        number = self.expect_kind("number", "a number and a unit such as 5m")
        unit = self.token
        if unit.kind != "name" or unit.span.start != number.span.end:
            self.fail("a time needs a unit", span=number.span, help="units: ms, s, m, h, d", fix=Fix(Span(number.span.end, number.span.end), "s"))
        if unit.text not in _UNITS:
            self.fail(f"{unit.text!r} is no unit of time", span=unit.span, help="units: ms, s, m, h, d")
        if not number.text.isdigit() or not 0 < int(number.text[:19]) * _UNITS[unit.text] < 2**62:
            self.fail("a time is a whole number of units, at least one", span=number.span)
        self.advance()
        return int(number.text) * _UNITS[unit.text]

    # conditions

    def condition(self) -> Ast:
        """Read a disjunction."""
        self.deeper()
        left = self._conjunction()
        while self.word("or"):
            left = self._binary(left, self._conjunction)
        self.shallower()
        return left

    def _conjunction(self) -> Ast:
        left = self._negation()
        while self.word("and"):
            left = self._binary(left, self._negation)
        return left

    def _negation(self) -> Ast:
        if not self.word("not"):
            return self._comparison()
        word = self.advance()
        self.deeper()
        operand = self._negation()
        self.shallower()
        return Unary("not", operand, Span(word.span.start, self.last_end))

    def _binary(self, left: Ast, read: Callable[[], Ast]) -> Ast:
        operator = self.advance()
        right = read()
        return Binary(operator.text.lower(), left, right, Span(left.span.start, self.last_end), operator.span)

    def _comparison(self) -> Ast:
        left = self._sum()
        if self.at(*COMPARISONS):
            operator = self.advance()
            return Binary(operator.text, left, self._sum(), Span(left.span.start, self.last_end), operator.span)
        if self.at("="):
            operator = self.advance()
            help = "`==` compares with case, `:` without"
            self.context.quirk(242, "`=` is no comparison in EQL", span=operator.span, help=help, fix=Fix(operator.span, "=="))
            return Binary("==", left, self._sum(), Span(left.span.start, self.last_end), operator.span)
        negated = self.word("not") and self.peek().text in ("in", "in~")
        if negated:
            self.advance()
        found = self._predicate(left)
        if negated and found is not None:
            return Unary("not", found, found.span)
        return left if found is None else found

    def _predicate(self, left: Ast) -> Ast | None:
        """Read `: …`, `in (…)`, `like …` or `regex …` if one of them follows."""
        token = self.token
        if self.at(":"):
            self.advance()
            operator = ":"
        elif any(self.word(w) for w in ("in", "in~", "like", "like~", "regex", "regex~")):
            operator = self.advance().text.lower()
        else:
            return None
        right: Ast = self._listed() if self.at("(") else self._sum()
        if operator in ("in", "in~") and not isinstance(right, ListOf):
            self.fail("`in` takes a list in brackets", span=right.span, help='write in ("a", "b")')
        return Binary(operator, left, right, Span(left.span.start, self.last_end), token.span)

    def _called(self, first: Ast) -> Ast:
        """Read `value:function(…)` of the older EQL, whose first argument stands before the colon.

        `true : cidrMatch(…)`, a constant compared with what a function gives, is EQL of today.
        """
        while self.at(":") and self.peek().kind == "name" and self.peek(2).text == "(":
            touching = self.last_end == self.token.span.start and self.token.span.end == self.peek().span.start
            if not touching or (isinstance(first, Constant) and self.peek(3).text != ")"):
                break
            self.advance()
            call = self._call()
            words = f"a function is not called with `:` in Elasticsearch, where `:` compares with constants; write {call.function}(…)"
            self.context.quirk(244, words, span=call.name_span, help="put the value first among the arguments")
            first = Apply(call.function, (Argument(first, span=first.span), *call.args), first.span.to(call.span), call.name_span)
        return first

    def _listed(self) -> ListOf:
        opened = self.advance()
        items = [self._sum()]
        while self.take(","):
            items.append(self._sum())
        self.close(opened)
        return ListOf(tuple(items), Span(opened.span.start, self.last_end))

    # values

    def _sum(self) -> Ast:
        left = self._product()
        while self.at("+", "-"):
            operator = self.advance()
            left = Binary(operator.text, left, self._product(), Span(left.span.start, self.last_end), operator.span)
        return left

    def _product(self) -> Ast:
        left = self._signed()
        while self.at("*", "/", "%"):
            operator = self.advance()
            left = Binary(operator.text, left, self._signed(), Span(left.span.start, self.last_end), operator.span)
        return left

    def _signed(self) -> Ast:
        if not self.at("-", "+"):
            return self._called(self._primary())
        sign = self.advance()
        self.deeper()
        operand = self._signed()
        self.shallower()
        if isinstance(operand, Constant) and operand.type.numeric and not isinstance(operand.value, (str, type(None))):
            value: Scalar = -operand.value if sign.text == "-" else operand.value  # type: ignore[operator]  # a number
            return Constant(value, operand.type, sign.span.to(operand.span))
        return Unary(sign.text, operand, sign.span.to(operand.span))

    def _primary(self) -> Ast:
        token = self.token
        match token.kind:
            case "string":
                self.advance()
                return Constant(lexer.string_value(token, self.diagnostics), Type.STRING, token.span)
            case "raw":
                self.advance()
                return Constant(lexer.raw_value(token), Type.STRING, token.span)
            case "single" | "oldraw":
                return self._old_string()
            case "number":
                self.advance()
                return self._number(token)
        if self.at("("):
            opened = self.advance()
            inner = self.condition()
            self.close(opened)
            return inner
        literal = {"true": True, "false": False, "null": None}
        if token.kind == "name" and token.text.lower() in literal and self.word(token.text.lower()) and self.peek().text != ".":
            self.advance()
            value = literal[token.text.lower()]
            return Constant(value, Type.BOOL if value is not None else Type.UNKNOWN, token.span)
        if token.kind in ("name", "fold") and self.peek().text == "(" and token.text not in WORDS:
            return self._call()
        return self.field("a value")

    def _old_string(self) -> Constant:
        """Read a string of the older EQL, which Elasticsearch rejects."""
        token = self.advance()
        body = token.text.lstrip("?")[1:-1]
        fixed = '"""' + body + '"""' if token.kind == "oldraw" else '"' + body.replace('\\"', '"').replace('"', '\\"') + '"'
        words = '`?"…"` strings are written """…""" in Elasticsearch' if token.kind == "oldraw" else "strings are written in double quotes in EQL"
        self.context.quirk(243, words, span=token.span, fix=Fix(token.span, fixed))
        if token.kind == "oldraw":
            return Constant(body, Type.STRING, token.span)
        plain = Token("string", '"' + body + '"', token.span)
        return Constant(lexer.string_value(plain, self.diagnostics), Type.STRING, token.span)

    def _number(self, token: Token) -> Constant:
        if token.text.isdigit():
            whole = int(token.text) if len(token.text) < 20 else 2**63
            if whole >= 2**63:
                self.fail("a whole number is at most 9223372036854775807", code="E206", span=token.span)
            return Constant(whole, Type.LONG, token.span)
        return Constant(float(token.text), Type.REAL, token.span)

    def _call(self) -> Apply:
        name = self.advance()
        opened = self.advance()
        args: list[Argument] = []
        while not self.at(")") and not self.done:
            value = self.condition()
            args.append(Argument(value, span=value.span))
            if not self.take(","):
                break
        self.close(opened)
        return Apply(name.text, tuple(args), Span(name.span.start, self.last_end), name.span)

    def field(self, what: str) -> Name:
        """Read a field name, with its parts joined by dots and `?` before an optional one."""
        start = self.token
        optional = self.take("?") is not None
        parts, quoted = [self._field_part(what)], self.peek(-1).kind == "quoted"
        while self.at("."):
            self.advance()
            parts.append(self._field_part("the rest of the field name", after_dot=True))
        if self.at("[") and self.peek().kind == "number":
            self.fail("an element of an array cannot be picked by its place", code="E305", help="a comparison holds when any element fits")
        return Name(".".join(parts), Span(start.span.start, self.last_end), quoted, optional)

    def _field_part(self, what: str, *, after_dot: bool = False) -> str:
        token = self.token
        if token.kind == "quoted":
            self.advance()
            return token.text[1:-1].replace("``", "`")
        if token.kind != "name" or (token.text in WORDS and not after_dot):
            help = f"write `{token.text}` in backticks for a field of that name" if token.text in WORDS else ""
            self.fail(f"expected {what}, found {self.describe()}", help=help)
        self.advance()
        return token.text
