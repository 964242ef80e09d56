"""ES|QL source to AST: commands between pipes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

from livefire.diagnostics import Halt, Span
from livefire.languages.base import Context
from livefire.languages.esql import ast, lexer
from livefire.languages.esql.expression_parser import ExpressionParser, suggest
from livefire.languages.kit.ast import Ast, Constant, Name
from livefire.languages.kit.lexer import Token
from livefire.schema import Type

_SOURCE = re.compile(r"""[^\s,|=()\[\]"`]+""")
MOST_BRANCHES = 8
_REFUSED = {
    "show": "it asks the cluster about itself",
    "ts": "time series data streams have rules of their own",
    "promql": "it is another language",
    "explain": "it shows Elasticsearch's own plan",
    "change_point": "it needs Elasticsearch's machine learning",
    "rerank": "it asks a language model",
    "fuse": "it joins the branches of FORK by how well they fit, and rows have no relevance",
    "sample": "it keeps rows by chance",
    "set": "settings of a query are not run",
    "insist_": "it reads fields that are not mapped",
    "uri_parts": "how Java takes a URI apart is not followed",
    "registered_domain": "it needs the public suffix list",
    "user_agent": "it needs a list of browsers",
    "metrics_info": "time series data streams have rules of their own",
    "ts_info": "time series data streams have rules of their own",
    "mmr": "it needs vectors",
}
_NEAREST = {
    "rerank": "sort by a column",
    "fuse": "aggregate the branches: STATS … BY",
    "uri_parts": "take the text apart with GROK or DISSECT",
    "change_point": "count by DATE_TRUNC and compare with the row before",
    "ts": "FROM with STATS … BY DATE_TRUNC",
    "sample": "SORT by a column and LIMIT",
}


def parse(context: Context) -> ast.Query:
    """Return the AST of a query; records errors, and raises Halt where nothing can be read on."""
    parser = Parser(lexer.tokens(context.diagnostics), context.diagnostics, context)
    found = parser.query()
    if context.diagnostics.failed and not context.open_schema:
        raise Halt
    return found


class Parser(ExpressionParser):
    """Reads the commands of one query."""

    _forked = False

    def query(self) -> ast.Query:
        """Read the whole text."""
        commands = [self._source_command()]
        while self.take("|"):
            commands.append(self._command())
        if not self.done:
            self.fail(f"expected '|' or the end of the query, found {self.describe()}")
        return ast.Query(tuple(commands), frozenset(self.names), Span(0, self.last_end))

    def _source_command(self) -> ast.Command:
        word = self.token.text.lower() if self.token.kind == "name" else ""
        if word in _REFUSED:
            self._refuse(word)
        if word not in ("from", "row"):
            self.fail(f"a query begins with FROM or ROW, found {self.describe()}", help=suggest(word, ("from", "row")))
        return self._from() if word == "from" else self._row()

    def _command(self) -> ast.Command:
        token = self.token
        if token.kind != "name":
            self.fail(f"expected a command, found {self.describe()}")
        word = token.text.lower()
        if word == "insist_" or word in _REFUSED:
            self._refuse(word)
        read = _COMMANDS.get(word)
        if read is None:
            self.fail(f"no command of ES|QL is named {token.text!r}", help=suggest(word, tuple(_COMMANDS)))
        return read(self)

    def _refuse(self, word: str) -> NoReturn:
        self.diagnostics.error("E301", f"{word.upper()} cannot run here: {_REFUSED[word]}", self.token.span, help=_NEAREST.get(word, "leave it out"))
        raise Halt

    # sources

    def _from(self) -> ast.Command:
        start = self.advance()
        patterns = self._patterns()
        metadata: list[Name] = []
        if self.take_word("metadata"):
            metadata = [self.qualified()]
            while self.take(","):
                metadata.append(self.qualified())
        elif self.at("["):
            self.fail("METADATA in brackets is a form that Elasticsearch took out", help="write METADATA _id, _index without brackets")
        return ast.From(tuple(patterns), tuple(metadata), Span(start.span.start, self.last_end))

    def _patterns(self) -> list[Name]:
        found = [self.source_name()]
        while self.take(","):
            found.append(self.source_name())
        return found

    def source_name(self) -> Name:
        """Read the name or pattern of a table, which is not made of tokens."""
        token = self.token
        if token.kind in ("string", "raw"):
            self.advance()
            return Name(lexer.string_value(token, self.diagnostics), token.span, quoted=True)
        if self.at("("):
            self.fail("a query inside FROM cannot run here", code="E301", help="write it as a query of its own")
        match = _SOURCE.match(self.diagnostics.source.text, token.span.start)
        if match is None or self.done:
            self.fail(f"expected the name of a table, found {self.describe()}")
        while not self.done and self.token.span.start < match.end():
            self.advance()
        return Name(match.group(), Span(token.span.start, match.end()))

    def _row(self) -> ast.Command:
        start = self.advance()
        fields = self._fields()
        return ast.Row(tuple(fields), Span(start.span.start, self.last_end))

    # fields

    def _fields(self, *, aggregates: bool = False) -> list[ast.Field]:
        found = [self._field(aggregates)]
        while self.take(","):
            found.append(self._field(aggregates))
        return found

    def _field(self, aggregates: bool) -> ast.Field:
        place, name, start = self.place, None, self.token.span.start
        if self.token.kind in ("name", "quoted", "param") and self.peek().text != "(":
            named = self.qualified() if self.token.kind != "param" or self.token.text.startswith("??") else None
            if named is not None and self.take("="):
                name = named.text
            else:
                self.place = place
        value = self.expression()
        end, where = self.last_end, None
        if aggregates and self.take_word("where"):
            where = self.expression()
        # The text of the expression as written, parentheses included, names the column.
        text = name if name is not None else value.text if isinstance(value, Name) else self.text_of(Span(start, end))
        return ast.Field(text, value, Span(start, self.last_end), where)

    # commands

    def _where(self) -> ast.Command:
        start = self.advance()
        condition = self.expression()
        return ast.Where(condition, Span(start.span.start, self.last_end))

    def _eval(self) -> ast.Command:
        start = self.advance()
        return ast.Eval(tuple(self._fields()), Span(start.span.start, self.last_end))

    def _stats(self) -> ast.Command:
        start = self.advance()
        return self._stats_body(start, inline=False)

    def _inline(self) -> ast.Command:
        start = self.advance()
        if start.text.lower() == "inline":
            self.expect("STATS")
        return self._stats_body(start, inline=True)

    def _stats_body(self, start: Token, *, inline: bool) -> ast.Stats:
        fields: list[ast.Field] = []
        groups: list[ast.Field] = []
        if not self.at_word("by"):
            fields = self._fields(aggregates=True)
        if self.take_word("by"):
            groups = self._fields()
        return ast.Stats(tuple(fields), tuple(groups), inline, Span(start.span.start, self.last_end))

    def _keep(self) -> ast.Command:
        start = self.advance()
        return ast.Keep(tuple(self._name_patterns()), Span(start.span.start, self.last_end))

    def _drop(self) -> ast.Command:
        start = self.advance()
        return ast.Drop(tuple(self._name_patterns()), Span(start.span.start, self.last_end))

    def _name_patterns(self) -> list[Name]:
        found = [self._name_pattern()]
        while self.take(","):
            found.append(self._name_pattern())
        return found

    def _name_pattern(self) -> Name:
        """Read a name with `*`: tokens that touch each other."""
        if self.token.kind == "param":
            return self.qualified()
        start, quoted = self.token.span.start, True
        parts: list[str] = []
        while not self.done and (not parts or self.token.span.start == self.last_end):
            token = self.token
            if token.kind not in ("name", "quoted", "number") and not self.at("*", "."):
                break
            quoted = quoted and token.kind == "quoted"
            parts.append(lexer.name_value(self.advance()))
        if not parts:
            self.fail(f"expected a column, found {self.describe()}")
        name = Name("".join(parts), Span(start, self.last_end), quoted)
        self.names.add(name.text)
        return name

    def _rename(self) -> ast.Command:
        start = self.advance()
        pairs = [self._pair()]
        while self.take(","):
            pairs.append(self._pair())
        return ast.Rename(tuple(pairs), Span(start.span.start, self.last_end))

    def _pair(self) -> tuple[Name, Name]:
        first = self.qualified()
        turned = self.take("=") is not None
        if not turned:
            self.expect("AS")
        second = self.qualified()
        old, new = (second, first) if turned else (first, second)
        self.names.add(old.text)
        return old, new

    def _sort(self) -> ast.Command:
        start = self.advance()
        keys = [self._key()]
        while self.take(","):
            keys.append(self._key())
        return ast.Sort(tuple(keys), Span(start.span.start, self.last_end))

    def _key(self) -> ast.Key:
        value = self.expression()
        word = self.take_word("asc", "desc")
        first = None
        if self.take_word("nulls"):
            end = self.take_word("first", "last")
            if end is None:
                self.fail(f"expected FIRST or LAST, found {self.describe()}")
            first = end.word("first")
        return ast.Key(value, word is not None and word.word("desc"), first, Span(value.span.start, self.last_end))

    def _limit(self) -> ast.Command:
        start = self.advance()
        value = self._signed()
        if not isinstance(value, Constant) or value.type not in (Type.INT, Type.LONG) or not isinstance(value.value, int) or value.value < 0:
            self.fail("LIMIT takes a whole number that is not negative", span=value.span)
        groups: list[Ast] = []
        if self.take_word("by"):
            groups = [self.expression()]
            while self.take(","):
                groups.append(self.expression())
        return ast.Limit(value.value, Span(start.span.start, self.last_end), tuple(groups))

    def _fork(self) -> ast.Command:
        start = self.advance()
        if self._forked:
            self.fail("a query has one FORK at most", span=start.span)
        self._forked = True
        branches: list[tuple[ast.Command, ...]] = []
        while self.at("("):
            opened = self.advance()
            commands = [self._command()]
            while self.take("|"):
                commands.append(self._command())
            self.close(opened)
            branches.append(tuple(commands))
        span = Span(start.span.start, self.last_end)
        if not 1 <= len(branches) <= MOST_BRANCHES:
            self.fail(f"FORK takes 1 to {MOST_BRANCHES} branches in brackets, found {len(branches)}", span=span, help="write FORK (WHERE …) (STATS …)")
        return ast.Fork(tuple(branches), span)

    def _dissect(self) -> ast.Command:
        start = self.advance()
        value = self._cast()
        pattern = self._text("a pattern in quotes")
        separator = ""
        if self.at_word("append_separator"):
            self.advance()
            self.expect("=")
            separator = str(self._text("a text in quotes").value)
        return ast.Dissect(value, pattern, separator, Span(start.span.start, self.last_end))

    def _grok(self) -> ast.Command:
        start = self.advance()
        value = self._cast()
        patterns = [self._text("a pattern in quotes")]
        while self.take(","):
            patterns.append(self._text("a pattern in quotes"))
        return ast.Grok(value, tuple(patterns), Span(start.span.start, self.last_end))

    def _text(self, what: str) -> Constant:
        token = self.token
        if token.kind not in ("string", "raw"):
            self.fail(f"expected {what}, found {self.describe()}")
        self.advance()
        return Constant(lexer.string_value(token, self.diagnostics), Type.STRING, token.span)

    def _enrich(self) -> ast.Command:
        start = self.advance()
        policy = self.source_name()
        on = None
        if self.take_word("on"):
            on = self.qualified()
            self.names.add(on.text)
        pairs: list[tuple[Name, Name]] | None = None
        if self.take_word("with"):
            pairs = [self._enriched()]
            while self.take(","):
                pairs.append(self._enriched())
        return ast.Enrich(policy, on, tuple(pairs) if pairs is not None else None, Span(start.span.start, self.last_end))

    def _enriched(self) -> tuple[Name, Name]:
        first = self.qualified()
        return (first, self.qualified()) if self.take("=") else (first, first)

    def _lookup(self) -> ast.Command:
        start = self.advance()
        self.expect("JOIN")
        table = self.source_name()
        if self.take_word("as"):
            self.fail("an alias of the joined table is not supported", code="E305")
        self.expect("ON")
        on = [self._join_key()]
        while self.take(",") or (on[-1][1] and self.take_word("and")):
            on.append(self._join_key())
        if any(operator for _, operator, _ in on) and not all(operator for _, operator, _ in on):
            self.fail("the ON of a LOOKUP JOIN holds either fields or comparisons", span=on[0][0].span)
        return ast.LookupJoin(table, tuple(on), Span(start.span.start, self.last_end))

    def _join_key(self) -> tuple[Name, str, Name]:
        """Read a field, or a comparison of one with a field of the joined table."""
        name = self.qualified()
        self.names.add(name.text)
        if self.at_word("or"):
            self.fail("only comparisons joined by AND can join a table here", code="E305", help="write two LOOKUP JOINs")
        if not self.at("==", "!=", "<", "<=", ">", ">="):
            return name, "", name
        operator = self.advance().text
        if self.token.kind not in ("name", "quoted"):
            self.fail("a table is joined on fields here, not on constants", code="E305", help="filter the rows with WHERE after the join")
        return name, operator, self.qualified()

    def _completion(self) -> ast.Command:
        start = self.advance()
        place, name = self.place, "completion"
        if self.token.kind in ("name", "quoted"):
            named = self.qualified()
            if self.take("="):
                name = named.text
            else:
                self.place = place
        prompt = self._cast()
        self.expect("WITH")
        if not self.at("{"):
            return ast.Completion(name, prompt, self.source_name(), Span(start.span.start, self.last_end))
        opened = self.expect("{")
        key, _ = self._text('"inference_id"'), self.expect(":")
        endpoint = self._text("the name of an endpoint in quotes")
        self.close(opened)
        if key.value != "inference_id":
            self.fail(f"COMPLETION has no option {key.value!r}", code="E107", span=key.span, help='write {"inference_id": "endpoint"}')
        return ast.Completion(name, prompt, Name(str(endpoint.value), endpoint.span, quoted=True), Span(start.span.start, self.last_end))

    def _mv_expand(self) -> ast.Command:
        start = self.advance()
        name = self.qualified()
        self.names.add(name.text)
        return ast.MvExpand(name, Span(start.span.start, self.last_end))


_COMMANDS: dict[str, Callable[[Parser], ast.Command]] = {
    "where": Parser._where,
    "eval": Parser._eval,
    "stats": Parser._stats,
    "inline": Parser._inline,
    "inlinestats": Parser._inline,
    "keep": Parser._keep,
    "drop": Parser._drop,
    "rename": Parser._rename,
    "sort": Parser._sort,
    "limit": Parser._limit,
    "dissect": Parser._dissect,
    "grok": Parser._grok,
    "enrich": Parser._enrich,
    "lookup": Parser._lookup,
    "mv_expand": Parser._mv_expand,
    "completion": Parser._completion,
    "fork": Parser._fork,
}
