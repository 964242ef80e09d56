"""Reads a CQL query as a pipeline of steps.

Grammar: https://library.humio.com/lql-grammar/syntax-grammar-guide-subset.html. OR binds tighter
than AND, and filters side by side are joined by AND.
"""

from __future__ import annotations

from collections.abc import Callable

from livefire.diagnostics import Fix, Span
from livefire.languages.base import Context
from livefire.languages.cql import syntax as s
from livefire.languages.cql.lexer import CqlLexer, is_call
from livefire.languages.cql.values import ValueParser, word_of
from livefire.languages.kit import ast

_COMPARISONS = ("=", "!=", "<=", ">=", "<", ">", "==", "<=>")
_GROUP_END = ("|", ";", "}", ")", "]", ",", "=>")


class CqlParser(ValueParser):
    """A recursive-descent parser; in lenient mode it also takes what people write by mistake."""

    def __init__(self, context: Context, calls: frozenset[str]) -> None:
        super().__init__(CqlLexer(context.diagnostics, calls, lenient=context.lenient).tokens(), context.diagnostics)
        self.context = context
        self.calls = calls

    def query(self) -> s.Pipeline:
        """Return the whole text as a pipeline; E201 and halt on what follows it."""
        found = self.pipeline()
        if not self.done:
            self.fail(f"unexpected {self.describe()}", help=self._hint())
        return found

    def _hint(self) -> str:
        if self.at("=>"):
            return "=> stands only between a guard and the steps of `field match { … }`"
        if self.at(")", "]", "}"):
            return "there is no bracket open that this would close"
        return "steps are joined by |"

    # pipelines and steps

    def pipeline(self) -> s.Pipeline:
        """Return steps up to the bracket or semicolon that ends them; empty steps are left out."""
        self.deeper()
        start = self.token.span
        steps: list[s.Step] = []
        while not self.done and not self.at("}", ";", ")"):
            if self.take("|"):
                continue
            steps.append(self.step())
            if not self.at("|", "}", ";", ")") and not self.done:
                self._unjoined()
        self.shallower()
        return s.Pipeline(tuple(steps), Span(start.start, max(start.start, self.last_end)))

    def _unjoined(self) -> None:
        """Take `cond => steps`, as people write in case, for `cond | steps`; anything else needs a |."""
        if self.at("=>"):
            self.context.quirk(
                232,
                "=> is not part of case: it joins a guard and its steps only in `field match { … }`",
                span=self.token.span,
                help="in case, write `condition | steps ;`",
                fix=Fix(self.token.span, "|", "write |"),
            )
            self.advance()
            return
        self.fail(f"expected | before {self.describe()}", help=self._hint(), fix=Fix(Span(self.last_end, self.last_end), " |", "insert |"))

    def step(self) -> s.Step:
        """Return one step."""
        start = self.token.span
        if self.at_word("where") and self._where_step():
            return self._filter(start)
        if self.at_word("case") and self.peek().text == "{":
            return self._case()
        if self.token.kind in ("word", "string") and self.peek().word("match") and self.peek(2).text == "{":
            return self._match()
        if self.token.kind in ("word", "string") and self.peek().text == "match" and self.peek(2).text == "{":
            return self._match()
        if self.token.kind in ("word", "string") and self.peek().kind == "sign" and self.peek().text == ":=":
            return self._assign()
        if self.token.kind == "saved":
            saved = self.saved()
            return s.SavedStep(saved.name, saved.args, saved.span)
        if self.at("["):
            items = self.items()
            return s.StatsStep(items, items.span)
        return self._filter(start)

    def at_word(self, *words: str) -> bool:
        """True when the token is one of these words, whatever its case."""
        return self.token.kind == "word" and self.token.text.lower() in words

    def _where_step(self) -> bool:
        if self.peek().kind == "sign" and self.peek().text in (*_COMPARISONS, ":=", "=~", "|", "}", ";"):
            return False
        if self.peek().kind == "end":
            return False
        word = self.token.span
        after = self.peek().span.start
        self.context.quirk(
            230,
            "`where` is not a step of CQL: a condition stands alone between bars",
            span=word,
            help="leave out `where`",
            fix=Fix(Span(word.start, after), "", "delete where"),
        )
        self.advance()
        return True

    def _filter(self, start: Span) -> s.Step:
        condition = self.condition()
        return s.FilterStep(condition, start.to(Span(start.start, self.last_end)))

    def _assign(self) -> s.AssignStep:
        name = word_of(self.advance())
        self.advance()
        value = self._case_value(name) if self.at_word("case") and self.peek().text == "{" else self.expression()
        return s.AssignStep(name, value, Span(name.span.start, self.last_end))

    def _case_value(self, name: s.Word) -> s.Value:
        self.fail(f"case is a step, not a value: {name.text} cannot be assigned from it", help=f"write case {{ condition | {name.text} := … ; * }}")

    def _case(self) -> s.CaseStep:
        start = self.advance().span
        opened = self.advance()
        clauses = [self.pipeline()]
        while self.take(";"):
            clauses.append(self.pipeline())
        end = self.close(opened).span
        kept = tuple(c for c in clauses if c.steps)
        return s.CaseStep(kept, start.to(end))

    def _match(self) -> s.MatchStep:
        name = word_of(self.advance())
        self.advance()
        opened = self.advance()
        clauses: list[s.Guard] = []
        while not self.at("}") and not self.done:
            if self.take(";"):
                continue
            clauses.append(self._guard(name))
            if not self.at(";", "}"):
                self.fail(f"expected ; or }} after the clause, found {self.describe()}")
        end = self.close(opened).span
        return s.MatchStep(name, tuple(clauses), name.span.to(end))

    def _guard(self, field: s.Word) -> s.Guard:
        start = self.token.span
        condition = self._guard_condition(field)
        self.expect("=>", "between the guard and its steps")
        pipeline = self.pipeline()
        return s.Guard(condition, pipeline, start.to(Span(start.start, self.last_end)))

    def _guard_condition(self, field: s.Word) -> s.Condition:
        token = self.token
        if token.kind == "word" and token.text in ("*", "true"):
            self.advance()
            return s.Everything(True, token.span)
        negated = self.take("!") or self.take_word("not")
        if token.kind in ("word", "string") and is_call(self.token, self.peek(), self.calls):
            call = self.call()
            condition: s.Condition = s.Call(call.function, (s.Argument("field", field, field.span), *call.args), call.span, call.name_span)
        elif self.token.kind == "sign" and self.token.text in _COMPARISONS:
            operator = self.advance().text
            condition = s.Comparison(field, operator, self.pattern(), token.span)
        else:
            condition = s.Comparison(field, "=", self.pattern(), token.span)
        return s.Not(condition, token.span) if negated else condition

    # conditions

    def condition(self) -> s.Condition:
        """Return filters joined by AND, written or not."""
        self.deeper()
        parts = [self._either()]
        while True:
            if self.take_word_sign("and") or self._continues():
                parts.append(self._either())
            else:
                break
        self.shallower()
        return parts[0] if len(parts) == 1 else s.Conjunction(tuple(parts), _span_of(parts))

    def _continues(self) -> bool:
        if self.done or (self.token.kind == "sign" and self.token.text not in ("(", "!")):
            return False
        return not (self.at_word("or") or (self.token.kind == "saved"))

    def take_word_sign(self, word: str) -> bool:
        """Step over a word that joins conditions."""
        if self.at_word(word) and not (self.peek().kind == "sign" and self.peek().text in ("=", "!=", ":=")):
            self.advance()
            return True
        return False

    def _either(self) -> s.Condition:
        parts = [self._unary()]
        while self.take_word_sign("or"):
            parts.append(self._unary())
        return parts[0] if len(parts) == 1 else s.Disjunction(tuple(parts), _span_of(parts))

    def _unary(self) -> s.Condition:
        start = self.token.span
        negated = self.take("!") is not None or self.take_word_sign("not")
        if not negated:
            return self._primary()
        self.deeper()
        part = self._unary()
        self.shallower()
        return s.Not(part, start.to(part.span))

    def _primary(self) -> s.Condition:
        token, following = self.token, self.peek()
        if opened := self.take("("):
            inner = self.condition() if not self.at("|") else self._piped(opened.span)
            self._refuse_pipe(inner)
            self.close(opened)
            return inner
        if token.kind in ("regex", "variable"):
            return s.FreeText(self.pattern(), token.span)
        if token.kind not in ("word", "string"):
            self.fail(f"expected a filter, a function or a step, found {self.describe()}")
        if following.kind == "sign" and following.text in _COMPARISONS:
            return self._comparison()
        if following.kind == "sign" and following.text == "=~":
            return self._field_call()
        if following.kind == "word" and following.text.lower() == "like" and self.peek(2).kind in ("word", "string", "regex", "variable"):
            return self._like()
        if following.kind == "word" and following.text.lower() == "in" and self.peek(2).text == "(" and token.kind == "word":
            return self._infix_in()
        if is_call(token, following, self.calls):
            return self.call()
        if token.kind == "word" and token.text in ("*", "true", "false"):
            self.advance()
            return s.Everything(token.text != "false", token.span)
        return s.FreeText(self.pattern(), token.span)

    def _piped(self, opened: Span) -> s.Condition:
        return self.fail("a group of conditions cannot hold a pipeline", span=opened)

    def _refuse_pipe(self, inner: s.Condition) -> None:
        if self.at("|"):
            self.fail("a | cannot stand inside a group of conditions", help="join conditions by AND or OR", span=self.token.span.to(inner.span))

    def _comparison(self) -> s.Comparison:
        name = word_of(self.advance())
        sign = self.advance()
        operator = sign.text
        if operator == "==":
            self.context.quirk(
                233,
                "== compares only in expressions, as in test(a == b); a filter compares with =",
                span=sign.span,
                help="write =",
                fix=Fix(sign.span, "=", "write ="),
            )
            operator = "="
        value = self.pattern()
        return s.Comparison(name, operator, value, name.span.to(Span(name.span.start, self.last_end)))

    def _like(self) -> s.Comparison:
        name = word_of(self.advance())
        self.advance()
        value = self.pattern()
        return s.Comparison(name, "like", value, name.span.to(Span(name.span.start, self.last_end)))

    def _field_call(self) -> s.Condition:
        name = word_of(self.advance())
        self.advance()
        start = self.token.span
        if self.take("!") or (self.at_word("not") and is_call(self.peek(), self.peek(2), self.calls) and self.take_word("not")):
            return s.Not(self._called_on(name), start.to(Span(start.start, self.last_end)))
        return self._called_on(name)

    def _called_on(self, name: s.Word) -> s.Condition:
        if self.token.kind == "regex":
            value = self.pattern()
            self.context.quirk(234, "=~ takes a function; a pattern is compared with =", span=name.span.to(value.span), help="write =")
            return s.Comparison(name, "=", value, name.span.to(value.span))
        if not is_call(self.token, self.peek(), self.calls):
            self.fail(f"expected a function after =~, found {self.describe()}", help="write field =~ function(…), or field = pattern")
        call = self.call()
        return s.Call(call.function, (s.Argument("field", name, name.span), *call.args), name.span.to(call.span), call.name_span)

    def _infix_in(self) -> s.Call:
        name = word_of(self.advance())
        keyword = self.advance()
        opened = self.advance()
        values: list[s.Value] = []
        while not self.at(")") and not self.done:
            values.append(self.pattern())
            if not self.take(","):
                break
        end = self.close(opened).span
        span = name.span.to(end)
        written = ", ".join(self.diagnostics.source.slice(v.span) for v in values)
        self.context.quirk(
            231,
            "in is a function, not an operator between a field and a list",
            span=keyword.span.to(end),
            help=f"write in({name.raw}, values=[…])",
            fix=Fix(span, f"in({name.raw}, values=[{written}])", "write it as a function"),
        )
        items = s.Items(tuple(values), opened.span.to(end))
        args = (s.Argument("field", name, name.span), s.Argument("values", items, items.span))
        return s.Call("in", args, span, keyword.span)

    def pattern(self) -> s.Word | ast.Pattern | s.Variable:
        """Return what stands after a comparison: a word, a text, a pattern or a parameter."""
        token = self.token
        if token.kind == "regex":
            self.advance()
            return self.regex(token)
        if token.kind == "variable":
            self.advance()
            return self.variable(token)
        if token.kind in ("word", "string"):
            self.advance()
            return word_of(token)
        return self.fail(f"expected a value, found {self.describe()}", help='an empty text is written ""')


def _span_of(parts: list[s.Condition]) -> Span:
    return parts[0].span.to(parts[-1].span)


def parser_of(calls: Callable[[], frozenset[str]]) -> Callable[[Context], s.Pipeline]:
    """Return the parse stage for a language whose function names are `calls`."""

    def parse(context: Context) -> s.Pipeline:
        return CqlParser(context, calls()).query()

    return parse
