"""Reading of aggregates and of the commands made of them: stats, chart, timechart, tstats and their kin."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from livefire.diagnostics import Span
from livefire.languages.kit.ast import Ast, Name
from livefire.languages.spl import nodes as s

if TYPE_CHECKING:
    from livefire.languages.spl.parser import Parser

_ARGUMENT_STOPS = frozenset({"|", "[", "]", "(", ")", ","})
_ALIAS_STOPS = frozenset({"|", "[", "]", ","})
_STATS_OPTIONS = ("allnum", "delim", "partitions", "dedup_splitvals", "sparkline", "annotate")
_STREAM_OPTIONS = ("current", "window", "time_window", "global", "allnum", "reset_on_change", "reset_before", "reset_after")
_SPAN_FIELDS = ("span",)


def read_measures(p: Parser, *until: str) -> tuple[s.Measure, ...]:
    """Return aggregates parted by blanks or commas, up to the end or one of the words."""
    found: list[s.Measure] = []
    while not p.at_end and not p.at_word(*until):
        if p.take(","):
            continue
        if found and p.at_option():
            break
        found.append(_measure(p))
    return tuple(found)


def _measure(p: Parser) -> s.Measure:
    if p.token.kind == "macro":
        p.fail(f"the macro {p.token.text} stands for an aggregate, but nobody declared it", code="E150")
    start = p.expect_kind("word", "an aggregate such as count or values(field)")
    function = start.text
    if p.at(".") and p.piece.glued and p.ahead().glued:
        function += p.advance().text + p.advance().text
    argument: Ast | None = None
    if p.at("("):
        opened = p.piece
        p.advance()
        argument = None if p.at(")") else _argument(p)
        p.close(opened)
    written = _written(p, function, argument, p.span_from(start.span))
    alias = p.name("a name", _ALIAS_STOPS) if p.take_word("as") else None
    return s.Measure(function.lower(), argument, alias, p.span_from(start.span), written)


def _argument(p: Parser) -> Ast:
    if p.at_word("eval") and p.ahead().text == "(":
        p.advance()
        opened = p.piece
        p.advance()
        value = p.expression()
        p.close(opened)
        return value if not isinstance(value, Name) else Name(value.text, value.span, quoted=True)
    return p.name("a field", _ARGUMENT_STOPS)


def _written(p: Parser, function: str, argument: Ast | None, span: Span) -> str:
    """The name of the result where none is given: as written, without blanks in the brackets."""
    if argument is None:
        return function
    if isinstance(argument, Name):
        return f"{function}({argument.text})"
    return p.diagnostics.source.slice(span)


def read_by(p: Parser, *until: str) -> tuple[tuple[Name, ...], s.Options]:
    """Return the fields after BY, and options that stand among them."""
    names: list[Name] = []
    options: list[s.Option] = []
    while not p.at_end and not p.at_word(*until):
        if p.take(","):
            continue
        if p.at_option():
            options.append(p.option())
        else:
            name = p.name()
            if "*" in name.text and not name.quoted:
                p.fail("the fields after BY cannot hold a wildcard", span=name.span)
            names.append(name)
    if not names:
        p.fail("BY needs at least one field")
    return tuple(names), tuple(options)


def read_stats(kind: str) -> Callable[[Parser, Span], s.Command]:
    """`stats [options] aggregates [BY fields]`."""

    def read(p: Parser, start: Span) -> s.Command:
        options, resets = _stream_options(p) if kind == "streamstats" else (p.options(*_STATS_OPTIONS), ())
        measures = read_measures(p, "by")
        while kind == "streamstats" and p.at_option():
            # The manual's own examples write `streamstats avg(foo) window=5`.
            later, more = _stream_options(p)
            if not later and not more:
                break
            options, resets = (*options, *later), (*resets, *more)
            measures = (*measures, *read_measures(p, "by"))
        by: tuple[Name, ...] = ()
        if p.take_word("by"):
            by, extra = read_by(p)
            options = (*options, *extra)
        if not measures:
            p.fail(f"{kind} needs at least one aggregate, such as count", span=p.span_from(start))
        if not p.at_end:
            p.fail(f"expected an aggregate or BY, found {p.describe()}")
        return s.Stats(kind, measures, by, options, p.span_from(start), resets)

    return read


def _stream_options(p: Parser) -> tuple[s.Options, tuple[tuple[str, Ast], ...]]:
    options: list[s.Option] = []
    resets: list[tuple[str, Ast]] = []
    while p.at_option() and p.token.text.lower() in _STREAM_OPTIONS:
        name = p.token.text.lower()
        if name in ("reset_before", "reset_after"):
            p.advance()
            p.advance()
            resets.append((name, _reset(p, name)))
        else:
            options.append(p.option())
    return tuple(options), tuple(resets)


def _reset(p: Parser, name: str) -> Ast:
    """Return the condition in brackets, which may stand in quotes as a whole."""
    if p.token.kind == "string":
        word = p.word("a condition")
        return p.written_expression(word.text, word.span)
    opened = p.piece
    p.expect("(", f"after {name}=")
    condition = p.expression()
    p.close(opened)
    return condition


def read_chart(kind: str) -> Callable[[Parser, Span], s.Command]:
    """`chart [options] aggregates [OVER field] [BY field [field]]`, `timechart [options] aggregates [BY field [options]]`."""

    def read(p: Parser, start: Span) -> s.Command:
        options = p.options()
        measures = read_measures(p, "by", "over")
        options = (*options, *p.options())
        over = split = None
        over_options: s.Options = ()
        if p.take_word("over"):
            over = p.name()
            over_options = p.options()
        split_options: s.Options = ()
        if p.take_word("by"):
            names, split_options = read_by(p, "where")
            if p.at_word("where"):
                p.fail(f"{kind} … where is not run", code="E304", help="add limit=, or count with stats by the fields and filter after it")
            fields = ([over] if over else []) + list(names)
            limit = 1 if kind == "timechart" else 2
            if len(fields) > limit:
                p.fail(f"{kind} splits by at most {limit} fields", span=p.span_from(start))
            if kind == "chart":
                over, split = fields[0], fields[1] if len(fields) > 1 else None
            else:
                split = fields[0]
        if not measures:
            p.fail(f"{kind} needs at least one aggregate, such as count", span=p.span_from(start))
        return s.Chart(kind, measures, over, split, options, p.span_from(start), split_options, over_options)

    return read


def read_tstats(kind: str) -> Callable[[Parser, Span], s.Command]:
    """`tstats [options] aggregates [FROM datamodel=…] [WHERE condition] [BY fields]`."""

    def read(p: Parser, start: Span) -> s.Command:
        options = p.options()
        measures = read_measures(p, "from", "where", "by", "groupby")
        while p.at_option():
            options = (*options, *p.options())
            measures = (*measures, *read_measures(p, "from", "where", "by", "groupby"))
        source, condition = None, None
        if p.take_word("from"):
            source = _source(p)
            options = (*options, *p.options())
        if p.take_word("where"):
            condition = p.condition("by", "groupby")
        by: tuple[Name, ...] = ()
        by_options: s.Options = ()
        if p.take_word("by") or p.take_word("groupby"):
            by, by_options = read_by(p)
        by_options = (*by_options, *p.options())
        if not p.at_end:
            p.fail(f"expected FROM, WHERE or BY, found {p.describe()}")
        return s.Tstats(kind, measures, source, condition, by, options, p.span_from(start), by_options)

    return read


def _source(p: Parser) -> s.Word:
    """`datamodel=Change`, `datamodel=Endpoint.Processes`, `datamodel:"Change"`, or a namespace."""
    if p.at_word("datamodel") and p.ahead().text in ("=", ":"):
        p.advance()
        p.advance()
    word = p.word("a data model", _ARGUMENT_STOPS)
    text = word.text
    while p.at(".") or (p.token.kind == "string" and p.piece.glued):
        text += p.advance().text.strip('"')
    return s.Word(text, p.span_from(word.span), word.quoted)
