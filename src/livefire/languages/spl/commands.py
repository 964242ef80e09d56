"""Reading of single commands, one function each: `COMMANDS` is the table of those that take more than words and options."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from livefire.diagnostics import Span
from livefire.languages.kit.ast import Name
from livefire.languages.kit.lexer import END
from livefire.languages.spl import nodes as s
from livefire.languages.spl.measures import read_by, read_chart, read_stats, read_tstats

if TYPE_CHECKING:
    from livefire.languages.spl.parser import Parser

_FORMS = ("auto", "str", "ip", "num")


def read_search(p: Parser, start: Span) -> s.Command:
    """`search condition`."""
    condition = p.condition()
    if p.at(")"):
        p.fail("this ')' closes nothing")
    return s.Search(condition, p.span_from(start))


def read_where(p: Parser, start: Span) -> s.Command:
    """`where expression`."""
    condition = p.expression()
    return s.Where(condition, p.span_from(start))


def read_eval(p: Parser, start: Span) -> s.Command:
    """`eval a=…, b=…`."""
    found = [read_assignment(p)]
    while p.take(","):
        if not p.at_end:
            found.append(read_assignment(p))
    return s.Eval(tuple(found), p.span_from(start))


def read_fieldformat(p: Parser, start: Span) -> s.Command:
    """`fieldformat name=expression`: read as an eval, of which only the names count."""
    assignment = read_assignment(p)
    return s.Formatting((assignment,), p.span_from(start))


def read_assignment(p: Parser) -> s.Assignment:
    """`name = expression`."""
    name = p.name("a field to assign")
    named = re.fullmatch(r"([^{}]*)\{([^{}]+)\}([^{}]*)", name.text) if not name.quoted else None
    if named:
        p.expect("=", f"after {name.text[:40]!r}")
        value = p.expression()
        source = Name(named[2], name.span, quoted=True)
        return s.Assignment(source, value, name.span.to(value.span), (named[1], named[3]))
    p.expect("=", f"after {name.text[:40]!r}")
    value = p.expression()
    return s.Assignment(name, value, name.span.to(value.span))


def read_rex(p: Parser, start: Span) -> s.Command:
    """`rex [field=f] [mode=sed] [max_match=n] [offset_field=f] "pattern"`."""
    options, pattern = _options_and_words(p)
    if len(pattern) != 1:
        p.fail(f"rex takes one quoted pattern, got {len(pattern)}", span=p.span_from(start))
    return s.Rex(pattern[0], options, p.span_from(start))


def read_regex(p: Parser, start: Span) -> s.Command:
    """`regex [field=|field!=] "pattern"`."""
    field, negated = None, False
    if p.token.kind != "string" or p.ahead().text in ("=", "!="):
        field = p.name()
        negated = p.at("!=")
        if not p.take("=", "!="):
            p.fail(f"expected = or != after {field.text[:40]!r}")
    pattern = p.word("a quoted pattern", frozenset({"|"}))
    return s.Regex(field, negated, pattern, p.span_from(start))


def read_spath(p: Parser, start: Span) -> s.Command:
    """`spath [input=f] [output=f] [path=p | p]`."""
    options, words = _options_and_words(p)
    path = next((o.value for o in options if o.name == "path"), words[0] if words else None)
    return s.Spath(options, path, p.span_from(start))


def read_rename(p: Parser, start: Span) -> s.Command:
    """`rename a AS b, c AS d`."""
    pairs = []
    while not p.at_end:
        if p.take(","):
            continue
        old = p.name()
        if not p.take_word("as"):
            p.fail(f"expected AS after {old.text[:40]!r}, found {p.describe()}")
        pairs.append(s.Renaming(old, p.name("the new name")))
    if not pairs:
        p.fail("rename needs `field AS name`", span=p.span_from(start))
    return s.Rename(tuple(pairs), p.span_from(start))


def read_fields(p: Parser, start: Span) -> s.Command:
    """`fields [+|-] names`."""
    remove = p.at("-")
    if not p.take("+"):
        p.take("-")
    names = p.names()
    return s.Fields("fields", names, remove, p.span_from(start))


def read_table(p: Parser, start: Span) -> s.Command:
    """`table names`."""
    names = p.names()
    if not names:
        p.fail("table needs at least one field", span=p.span_from(start))
    return s.Fields("table", names, remove=False, span=p.span_from(start))


def read_sort(p: Parser, start: Span) -> s.Command:
    """`sort [n] [+|-]field …`, `auto(f)`, `num(f)`, `str(f)`, `ip(f)`, and `desc` at the end."""
    limit: int | None = None
    if p.token.kind == "word" and p.token.text.isdecimal() and not (p.ahead().glued and p.ahead().kind != END and p.ahead().text != "|"):
        limit = p.count("a number of rows")
    stray: list[Span] = []
    keys: list[s.SortField] = []
    reverse = False
    while not p.at_end:
        if p.take(","):
            continue
        if p.at_option() and p.token.text.lower() == "limit":
            value = p.option().value
            if not value.text.isdecimal() or len(value.text) > 15:
                p.fail(f"limit is a number of rows, not {value.text[:40]!r}", code="E107", span=value.span)
            limit = int(value.text)
        elif p.at_word("by") and not keys and p.ahead().text != ",":
            stray.append(p.advance().span)
        elif keys and p.at_word("desc", "d") and p.ahead().text in ("|", "]", ""):
            p.advance()
            reverse = True
        else:
            keys.append(_sort_field(p))
    if not keys:
        p.fail("sort needs at least one field", span=p.span_from(start))
    return s.SortBy(tuple(keys), limit, p.span_from(start), tuple(stray), reverse)


def _sort_field(p: Parser) -> s.SortField:
    descending = p.at("-")
    if p.at("+", "-"):
        p.advance()
    if p.at_word(*_FORMS) and p.ahead().text == "(":
        form = p.advance().text.lower()
        opened = p.piece
        p.advance()
        name = p.name()
        p.close(opened)
        return s.SortField(name, descending, form)
    return s.SortField(p.name(), descending, "auto")


def read_dedup(p: Parser, start: Span) -> s.Command:
    """`dedup [n] fields [keepevents=] [keepempty=] [consecutive=] [sortby …]`."""
    options: list[s.Option] = [*p.options()]
    count = p.count("a number of events") if p.token.kind == "word" and p.token.text.isdecimal() else 1
    names: list[Name] = []
    sortby: list[s.SortField] = []
    while not p.at_end:
        if p.take(","):
            continue
        if p.at_option():
            options.append(p.option())
        elif p.take_word("sortby"):
            while not p.at_end and not p.at_option():
                if not p.take(","):
                    sortby.append(_sort_field(p))
        else:
            names.append(p.name())
    if not names:
        p.fail("dedup needs at least one field", span=p.span_from(start))
    if count < 1:
        p.fail("dedup keeps at least one event", code="E107", span=p.span_from(start))
    return s.Dedup(tuple(names), count, tuple(options), tuple(sortby), p.span_from(start))


def read_head(p: Parser, start: Span) -> s.Command:
    """`head [n | limit=n] [(condition)] [keeplast=] [null=]`."""
    known = ("limit", "keeplast", "null")
    options = [*p.options(*known)]
    count, condition = None, None
    if p.token.kind == "word" and p.token.text.isdecimal() and (p.ahead().text in ("|", "]") or p.ahead().kind == END):
        count = p.count("a number of rows")
    elif not p.at_end:
        condition = p.expression()
        options.extend(p.options(*known))
    limit = next((o.value for o in options if o.name == "limit"), None)
    if limit is not None:
        if not limit.text.isdecimal() or len(limit.text) > 15:
            p.fail(f"limit is a number of rows, not {limit.text[:40]!r}", code="E107", span=limit.span)
        count = int(limit.text)
    if condition is None and any(o.name != "limit" for o in options):
        p.fail("keeplast and null belong to a condition, and head has none", span=p.span_from(start))
    return s.Head(count, condition, tuple(options), p.span_from(start))


def read_top(kind: str) -> Callable[[Parser, Span], s.Command]:
    """`top [n] [options] fields [by fields]`, `rare` likewise."""

    def read(p: Parser, start: Span) -> s.Command:
        options = [*p.options()]
        limit = p.count("a number of values") if p.token.kind == "word" and p.token.text.isdecimal() else None
        names: list[Name] = []
        by: tuple[Name, ...] = ()
        while not p.at_end:
            if p.take(","):
                continue
            if p.at_option():
                options.append(p.option())
            elif p.take_word("by"):
                by, extra = read_by(p)
                options.extend(extra)
            else:
                names.append(p.name())
        if not names:
            p.fail(f"{kind} needs at least one field", span=p.span_from(start))
        return s.Top(kind, tuple(names), by, limit, tuple(options), p.span_from(start))

    return read


def read_bin(p: Parser, start: Span) -> s.Command:
    """`bin [options] field [AS name]`."""
    options = [*p.options()]
    field = p.name()
    alias = p.name("the new name") if p.take_word("as") else None
    options.extend(p.options())
    if alias is None and p.take_word("as"):
        alias = p.name("the new name")
    return s.Bin(field, alias, tuple(options), p.span_from(start))


def read_join(p: Parser, start: Span) -> s.Command:
    """`join [options] fields [subsearch]`."""
    options = p.options()
    names: list[Name] = []
    while not p.at_end and not p.at("["):
        if p.take(","):
            continue
        if p.at_option():
            options = (*options, p.option())
        elif p.at_word("where"):
            p.fail("join … where is not run", code="E304", help="rename the fields so that both sides share a name, then join on it")
        else:
            names.append(p.name())
    parts = p.bracketed("join")
    return s.JoinWith(tuple(names), options, parts[0], p.span_from(start))


def read_append(kind: str, least: int, most: int | None) -> Callable[[Parser, Span], s.Command]:
    """`append [subsearch]` and its kin: a number of subsearches after options and names."""

    def read(p: Parser, start: Span) -> s.Command:
        options = p.options()
        names: list[s.Word] = []
        while not p.at_end and not p.at("["):
            if not p.take(","):
                names.append(p.word("a data set"))
        parts = p.bracketed(kind) if p.at("[") else ()
        options = (*options, *p.options())
        if names and kind != "union":
            p.fail(f"{kind} takes a subsearch in brackets, found {names[0].text[:40]!r}", span=names[0].span)
        count = len(parts) + len(names)
        if count < least or (most is not None and count > most):
            p.fail(f"{kind} takes {'one subsearch' if most == 1 else f'at least {least} subsearches'}, got {count}", span=p.span_from(start))
        return s.Append(kind, options, parts, tuple(names), p.span_from(start))

    return read


def read_set(p: Parser, start: Span) -> s.Command:
    """`set union|diff|intersect [subsearch] [subsearch]`."""
    which = p.word("union, diff or intersect")
    if which.text.lower() not in ("union", "diff", "intersect"):
        p.fail(f"set takes union, diff or intersect, found {which.text[:40]!r}", span=which.span)
    parts = p.bracketed("set")
    if len(parts) != 2:
        p.fail(f"set takes two subsearches, got {len(parts)}", span=p.span_from(start))
    return s.Append("set", (), parts, (which,), p.span_from(start))


def read_lookup(p: Parser, start: Span) -> s.Command:
    """`lookup table key [AS field] … [OUTPUT|OUTPUTNEW column [AS field] …]`."""
    options = p.options()
    table = p.word("a lookup table")
    matches: list[s.Match] = []
    outputs: list[s.Match] = []
    mode = ""
    while not p.at_end:
        if p.take(","):
            continue
        if p.at_word("output", "outputnew"):
            mode = p.advance().text.upper()
            continue
        first = p.name()
        second = p.name("a field of the event") if p.take_word("as") else first
        (outputs if mode else matches).append(s.Match(first, second))
    if not matches:
        p.fail("lookup needs a field to look up", span=p.span_from(start))
    return s.Lookup(table, tuple(matches), mode, tuple(outputs), options, p.span_from(start))


def read_inputlookup(p: Parser, start: Span) -> s.Command:
    """`inputlookup [append=] [start=] [max=] table [where condition]`."""
    options = p.options()
    table = p.word("a lookup table")
    options = (*options, *p.options())
    for option in options:
        if option.name in ("start", "max") and not option.value.text.isdecimal():
            p.fail(f"{option.name} is a whole number from 0", code="E206", span=option.span)
    condition = p.condition() if p.take_word("where") else None
    return s.InputLookup(table, condition, options, p.span_from(start))


def read_convert(p: Parser, start: Span) -> s.Command:
    """`convert [timeformat=] [timezone=] function(field) [AS name] …`."""
    options = p.options()
    found: list[s.Conversion] = []
    while not p.at_end:
        if p.take(","):
            continue
        function = p.name("a conversion")
        if not p.at("("):
            p.fail(f"expected '(' after {function.text[:40]!r}")
        opened = p.piece
        p.advance()
        field = p.name()
        p.close(opened)
        alias = p.name("the new name") if p.take_word("as") else None
        found.append(s.Conversion(function.text.lower(), field, alias, p.span_from(function.span)))
    if not found:
        p.fail("convert needs a conversion such as ctime(field)", span=p.span_from(start))
    return s.Convert(tuple(found), options, p.span_from(start))


def read_replace(p: Parser, start: Span) -> s.Command:
    """`replace old WITH new, … [IN fields]`."""
    pairs: list[s.Replacement] = []
    names: tuple[Name, ...] = ()
    while not p.at_end:
        if p.take(","):
            continue
        if p.take_word("in"):
            names = p.names()
            break
        old = p.word("a value")
        if not p.take_word("with"):
            p.fail(f"expected WITH after {old.text[:40]!r}")
        pairs.append(s.Replacement(old, p.word("a new value")))
    if not pairs:
        p.fail("replace needs `old WITH new`", span=p.span_from(start))
    return s.Replace(tuple(pairs), names, p.span_from(start))


def read_foreach(p: Parser, start: Span) -> s.Command:
    """`foreach fields [template]`: the template is read once its fields are known."""
    options = p.options()
    names: list[Name] = []
    while not p.at_end and not p.at("["):
        if p.take(","):
            continue
        if p.at_option():
            options = (*options, p.option())
        else:
            names.append(p.name())
    if not p.at("["):
        p.fail("foreach needs a template in brackets")
    opened = p.piece
    p.advance()
    body: list[object] = []
    depth = 0
    while not p.done and not (p.at("]") and depth == 0):
        depth += {"[": 1, "]": -1}.get(p.token.text, 0) if p.token.kind == "sign" else 0
        body.append(p.advance())
    p.close(opened)
    return s.Foreach(tuple(names), options, tuple(body), p.span_from(start))


def read_transaction(p: Parser, start: Span) -> s.Command:
    """`transaction fields [maxspan=] [maxpause=] [startswith=] [endswith=] …`."""
    names: list[Name] = []
    options: list[s.Option] = []
    edges: dict[str, s.Condition | None] = {}
    while not p.at_end:
        if p.take(","):
            continue
        if p.at_option() and p.token.text.lower() in ("startswith", "endswith"):
            which = p.advance().text.lower()
            p.advance()
            edges[which] = _edge(p)
        elif p.at_option():
            options.append(p.option())
        else:
            names.append(p.name())
    return s.Transaction(tuple(names), tuple(options), edges.get("startswith"), edges.get("endswith"), p.span_from(start))


def _edge(p: Parser) -> s.Condition | None:
    start = p.piece
    if start.word("eval") and p.ahead().text == "(":
        p.advance()
        opened = p.piece
        p.advance()
        value = p.expression()
        p.close(opened)
        return s.Comparison(Name("eval", start.span), "eval", value, p.span_from(start.span))
    if p.at("("):
        p.advance()
        inner = p.condition()
        p.close(start)
        return inner
    word = p.word("a condition")
    return p.written_condition(word.text, word.span) if word.quoted else s.Term(word, word.span)


def read_map(p: Parser, start: Span) -> s.Command:
    """`map search="…" [maxsearches=n]` or `map [search …]`: the search is read once its values are known."""
    options = list(p.options())
    text = next((p_.value.text for p_ in options if p_.name == "search"), "")
    if p.at("["):
        opened = p.piece
        p.advance()
        begin = p.token.span.start
        depth = 0
        while not p.done and not (p.at("]") and depth == 0):
            depth += {"[": 1, "]": -1}.get(p.token.text, 0) if p.token.kind == "sign" else 0
            p.advance()
        text = p.diagnostics.source.slice(Span(begin, p.token.span.start))
        p.close(opened)
    options += p.options()
    if not text.strip():
        p.fail("map needs a search", span=p.span_from(start), help='write map search="search …"')
    return s.Map(text, tuple(options), p.span_from(start))


def read_return(p: Parser, start: Span) -> s.Command:
    """`return [n] [alias=field] [$field] field`: kept as words in order."""
    words: list[s.Word] = []
    while not p.at_end:
        if not p.take(","):
            words.append(p.word("a field", frozenset({"|", "[", "]", "(", ")", ","})))
            if p.at("=") or (words[-1].text.endswith("=") and not p.at_end):
                value = p.word("a field", frozenset({"|", "[", "]", "(", ")", ","}))
                words[-1] = s.Word(words[-1].text.rstrip("=") + "=" + value.text.lstrip("="), words[-1].span.to(value.span))
    return s.Plain("return", (), tuple(words), p.span_from(start))


def read_plain(name: str) -> Callable[[Parser, Span], s.Command]:
    """A command of options and words in any order."""

    def read(p: Parser, start: Span) -> s.Command:
        options, words = _options_and_words(p)
        return s.Plain(name, options, words, p.span_from(start))

    return read


def _options_and_words(p: Parser) -> tuple[s.Options, tuple[s.Word, ...]]:
    options: list[s.Option] = []
    words: list[s.Word] = []
    while not p.at_end:
        if p.take(","):
            continue
        if p.at_option():
            options.append(p.option())
        elif p.token.kind == "quoted":
            name = p.name()
            words.append(s.Word(name.text, name.span, quoted=True))
        else:
            words.append(p.word("a field or option", frozenset({"|", "[", "]", ","})))
    return tuple(options), tuple(words)


def read_refused(name: str) -> Callable[[Parser, Span], s.Command]:
    """A command that is stepped over: why it does not run is said when it is lowered."""

    def read(p: Parser, start: Span) -> s.Command:
        depth = 0
        while not p.done and not (depth == 0 and p.at("|", "]")):
            depth += {"[": 1, "]": -1}.get(p.token.text, 0) if p.token.kind == "sign" else 0
            p.advance()
        return s.Refused(name, p.span_from(start))

    return read


READ: dict[str, Callable[[Parser, Span], s.Command]] = {
    "search": read_search,
    "where": read_where,
    "eval": read_eval,
    "fieldformat": read_fieldformat,
    "stats": read_stats("stats"),
    "eventstats": read_stats("eventstats"),
    "streamstats": read_stats("streamstats"),
    "chart": read_chart("chart"),
    "timechart": read_chart("timechart"),
    "tstats": read_tstats("tstats"),
    "mstats": read_tstats("mstats"),
    "rex": read_rex,
    "regex": read_regex,
    "spath": read_spath,
    "rename": read_rename,
    "fields": read_fields,
    "table": read_table,
    "sort": read_sort,
    "dedup": read_dedup,
    "head": read_head,
    "top": read_top("top"),
    "rare": read_top("rare"),
    "bin": read_bin,
    "bucket": read_bin,
    "discretize": read_bin,
    "join": read_join,
    "selfjoin": read_refused("selfjoin"),
    "append": read_append("append", 1, 1),
    "appendcols": read_append("appendcols", 1, 1),
    "appendpipe": read_append("appendpipe", 1, 1),
    "multisearch": read_append("multisearch", 2, None),
    "union": read_append("union", 1, None),
    "set": read_set,
    "lookup": read_lookup,
    "inputlookup": read_inputlookup,
    "convert": read_convert,
    "replace": read_replace,
    "foreach": read_foreach,
    "transaction": read_transaction,
    "return": read_return,
    "map": read_map,
}
PLAIN = (
    "accum", "addcoltotals", "addinfo", "addtotals", "apply", "autoregress", "datamodel", "delta", "eventcount", "fit", "filldown", "fillnull",
    "extract", "kv", "format", "from",
    "gentimes", "inputcsv", "iplocation", "makemv", "makeresults", "multikv", "rangemap", "strcat", "mvcombine", "mvexpand", "nomv",
    "outputlookup", "outputcsv", "reverse", "summary", "tail", "tojson", "transpose", "untable", "uniq", "xmlkv", "xyseries", "noop",
)  # fmt: skip
REFUSED = (
    "abstract", "analyzefields", "anomalies", "anomalousvalue", "anomalydetection", "arules", "associate", "audit",
    "bucketdir", "cluster", "cofilter", "collect", "concurrency", "contingency", "correlate", "dbinspect", "dbxquery", "delete",
    "diff", "dump", "erex", "fieldsummary", "findtypes", "folderize", "gauge", "geom", "geomfilter",
    "geostats", "highlight", "history", "iconify", "input", "intersect", "kmeans", "kvform", "loadjob", "localize", "localop", "makecontinuous",
    "mcatalog", "mcollect", "metadata", "meventcollect", "mpreview", "msearch", "nslookup", "outlier", "outputtext", "overlap", "pivot",
    "predict", "redistribute", "relevancy", "reltime", "rest", "runshellscript", "savedsearch", "script", "scrub", "searchtxn", "sendalert",
    "sendemail", "setfields", "sichart", "sirare", "sistats", "sitimechart", "sitop", "surrounding", "tags", "timewrap",
    "trendline", "tscollect", "typeahead", "typelearner", "typer", "walklex", "x11", "xmlunescape", "xpath",
)  # fmt: skip
COMMANDS: dict[str, Callable[[Parser, Span], s.Command]] = {n: read_refused(n) for n in REFUSED} | {n: read_plain(n) for n in PLAIN} | READ
GENERATING = frozenset(
    {
        "inputlookup",
        "makeresults",
        "multisearch",
        "set",
        "tstats",
        "mstats",
        "from",
        "datamodel",
        "gentimes",
        "union",
        "rest",
        "metadata",
        "loadjob",
        "savedsearch",
    }
)
