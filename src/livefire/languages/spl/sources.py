"""Which tables a search reads: those whose index, sourcetype and source its conditions allow."""

from __future__ import annotations

import re
from collections.abc import Iterator

from livefire.diagnostics import Fix, Span
from livefire.languages.binder import nearest
from livefire.languages.spl import nodes as s
from livefire.languages.spl.elsewhere import mistyped
from livefire.languages.spl.frame import RAW, TIME, Frame
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.searching import Searcher
from livefire.languages.spl.tables import FACTS, Facts, events
from livefire.languages.spl.times import NOW, moment
from livefire.languages.spl.values import multi_of, real_of, text_of
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import Table
from livefire.plan.expr import Expr, SortKey
from livefire.schema import Schema, Type

_WORD = re.compile(r"[a-z0-9]+")
_NOISE = frozenset({"index", "logs", "log", "main", "events", "data"})
# What many sourcetypes are called beside the product that they are of.
_KINDS = frozenset({"management", "activity", "monitor", "audit", "message", "json"})


def lower_base(condition: s.Condition | None, span: Span, scope: Scope) -> Frame:
    """Return the events that the first search of a pipeline finds, newest first."""
    if scope.since is None and scope.until is None:
        scope.since, scope.until = _range(condition)
    facts = _chosen(condition, scope)
    if not facts:
        frame = Frame(n.Values(Schema.of((TIME, Type.DATETIME), (RAW, Type.STRING)), ()), wild=True)
        if condition is not None:
            Searcher(scope, frame).predicate(condition)
        return frame
    frames = []
    tables = [(fact, events(fact.table, scope.mentions)) for fact in facts]
    before = scope.elsewhere
    # What one of several tables lacks is no fault as long as another has it.
    scope.elsewhere = frozenset(x for _, frame in tables for x in frame.known) if len(tables) > 1 else frozenset()
    for fact, frame in tables:
        predicate = Searcher(scope, frame, fact).predicate(condition) if condition is not None else e.TRUE
        frames.append(frame if predicate == e.TRUE else frame.filtered(predicate, span))
    scope.elsewhere = before
    joined = stack(frames)
    return newest_first(joined)


def _range(condition: s.Condition | None) -> tuple[Expr | None, Expr | None]:
    """Return the moments that `earliest=` and `latest=` of a search name; without `latest` it looks until now."""
    items = condition.items if isinstance(condition, s.Junction) and condition.operator == "and" else (condition,)
    said = {i.field.text: moment(i.value.text) for i in items if isinstance(i, s.Comparison) and i.operator == "=" and isinstance(i.value, s.Word)}
    since = said.get("earliest")
    return since, said.get("latest", NOW if since is not None else None)


def newest_first(frame: Frame) -> Frame:
    """Return events in the order Splunk gives them."""
    if not frame.has(TIME):
        return frame
    return frame.over(n.Sort(frame.plan, (SortKey(frame.column(TIME), descending=True),)))


def stack(frames: list[Frame]) -> Frame:
    """Return the rows of several frames one after the other; a field that one of them lacks is null there."""
    if len(frames) == 1:
        return frames[0]
    names = list(dict.fromkeys(x for f in frames for x in f.known))
    kinds = {x: _common([f.column(x).type for f in frames if f.has(x)]) for x in names}
    parts = tuple(n.Project(f.plan, tuple(n.Item(x, _as(f, x, kinds[x])) for x in names)) for f in frames)
    shown = {x for f in frames for x in f.names}
    return Frame(n.Union(parts), frozenset(names) - shown, next((f.closed for f in frames if f.closed is not None), None), any(f.wild for f in frames))


def _common(types: list[Type]) -> Type:
    kinds = {Type.STRING if t is Type.UNKNOWN else t for t in types}
    if len(kinds) == 1:
        return kinds.pop()
    if Type.DYNAMIC in kinds:
        return Type.DYNAMIC
    return Type.REAL if kinds <= {Type.INT, Type.LONG, Type.REAL} else Type.STRING


def _as(frame: Frame, name: str, kind: Type) -> Expr:
    if not frame.has(name):
        return e.null(kind)
    value = frame.column(name)
    if value.type is kind:
        return value
    if kind is Type.DYNAMIC:
        return multi_of(value)
    if kind is Type.REAL:
        return real_of(value)
    return text_of(value)


def _terms(condition: s.Condition | None) -> Iterator[s.Comparison]:
    """Yield each comparison that a condition makes with a fact of tables, those under NOT left out."""
    match condition:
        case s.Junction(items=items):
            for item in items:
                yield from _terms(item)
        case s.Comparison(field=field) if field.text in FACTS and isinstance(condition.value, s.Word) and condition.operator == "=":
            yield condition
        case s.Membership(field=field, values=values, span=span) if field.text in FACTS:
            for value in values:
                yield s.Comparison(field, "=", value, span)


def _allows(condition: s.Condition | None, facts: Facts) -> bool | None:
    """Tell whether a table can hold an event that fits: False when its facts rule it out, True when they alone fit."""
    match condition:
        case None:
            return True
        case s.Junction(operator="and", items=items):
            found = [_allows(i, facts) for i in items]
            return False if False in found else None if None in found else True
        case s.Junction(items=items):
            found = [_allows(i, facts) for i in items]
            return True if True in found else None if None in found else False
        case s.Negation(item=item):
            inner = _allows(item, facts)
            return None if inner is None else not inner
        case s.Membership(field=field, values=values) if field.text in FACTS:
            known = [facts.matches(field.text, v.text) for v in values]
            return True if True in known else None if None in known else False
        case s.Comparison(field=field, operator=operator, value=value) if field.text in FACTS and isinstance(value, s.Word) and operator in ("=", "!="):
            fits = facts.matches(field.text, value.text)
            return None if fits is None else fits == (operator == "=")
    return None


def _chosen(condition: s.Condition | None, scope: Scope) -> list[Facts]:
    tables = tuple(t for t in scope.context.catalog.tables("splunk") if "datamodel" not in t.tags)
    terms = list(_terms(condition))
    index = scope.context.option("index")
    if index is not None:
        table = scope.context.catalog.table(index)
        if table is None:
            scope.context.diagnostics.error("E101", f"no table is named {index!r}", Span(0, 0), help=_known(tables))
            return []
        return [Facts(table, named=True)]
    if not terms:
        return [Facts(t) for t in _once(_searched_by_default(tables), scope, Span(0, 0))] or _nothing(Span(0, 0), scope, tables)
    named = {t.value.text.casefold() for t in terms if t.field.text == "index" and isinstance(t.value, s.Word)}
    decided = [t for t in terms if t.field.text in ("index", "sourcetype")]
    candidates = []
    for table in tables:
        facts = Facts(table, named=not table.vendor and table.name.casefold() in named)
        if _allows(condition, facts) is not False and (not decided or any(_evidence(t, facts) for t in decided)):
            candidates.append(facts)
    if candidates:
        _note_index(terms, candidates, scope)
        exact = {t.value.text.casefold() for t in terms if t.field.text == "sourcetype" and isinstance(t.value, s.Word)}
        asked = [f for f in candidates if (f.value("sourcetype") or "").casefold() in exact]
        others = [f for f in candidates if f not in asked]
        kept = _once(tuple(f.table for f in others), scope, terms[0].span)
        return [*asked, *(f for f in others if f.table in kept)]
    return _guessed(terms, tables, scope)


def _evidence(term: s.Comparison, facts: Facts) -> bool:
    """True when a term really points at the table, and is not only one its facts say nothing of."""
    return isinstance(term.value, s.Word) and facts.shows(term.field.text, term.value.text)


def _note_index(terms: list[s.Comparison], candidates: list[Facts], scope: Scope) -> None:
    for term in terms:
        if term.field.text == "index" and not any(_evidence(term, f) for f in candidates):
            scope.context.diagnostics.notice("N157", "index names differ from site to site: the sourcetype decides what is read", term.span)


def _searched_by_default(tables: tuple[Table, ...]) -> tuple[Table, ...]:
    timed = tuple(t for t in tables if t.time is not None)
    return timed or tables


def _once(tables: tuple[Table, ...], scope: Scope, span: Span) -> tuple[Table, ...]:
    """Return the tables without those that show the same events again, as add-ons name and shape the events of one log in several ways.

    The one is kept that declares most of the fields the search mentions.
    """
    kept: dict[str, Table] = {}
    for table in tables:
        stored = _stored(table.plan) if table.vendor else f"\x02{table.name}"
        best = kept.get(stored)
        kept[stored] = table if best is None or _declared(table, scope) > _declared(best, scope) else best
    for table in tables:
        if table not in kept.values():
            message = f"the same events also come as sourcetype={table.tags.get('sourcetype', table.name)}: they are read once"
            scope.context.diagnostics.notice("N157", message, span, help="name the sourcetype to choose")
    return tuple(kept.values())


def _stored(plan: n.Plan) -> str:
    """Return the name of the table that a plan reads from storage."""
    if isinstance(plan, n.Scan):
        return plan.table
    return next((x for x in map(_stored, n.inputs(plan)) if x), "")


def _declared(table: Table, scope: Scope) -> int:
    names = {f.name for f in table.schema}
    folded = {x.casefold() for x in names}
    return sum(2 * (m in names) + (m.casefold() in folded) for m in scope.mentions)


def _known(tables: tuple[Table, ...]) -> str:
    names = [t.name if not t.vendor else f"sourcetype={t.tags.get('sourcetype', t.name)}" for t in tables]
    return "known: " + ", ".join(names[:12]) if names else "load a table, or ingest the logs"


def _nothing(span: Span, scope: Scope, tables: tuple[Table, ...]) -> list[Facts]:
    scope.context.diagnostics.error("E101", "there is no table to search", span, help=_known(tables))
    return []


def _guessed(terms: list[s.Comparison], tables: tuple[Table, ...], scope: Scope) -> list[Facts]:
    """No table fits: an error, or for a lenient reading the tables that the names and fields suggest."""
    term = next((t for t in terms if t.field.text == "index"), terms[0])
    name = term.value.text if isinstance(term.value, s.Word) else ""
    what = term.field.text
    if scope.context.lenient:
        common = _NOISE | _KINDS if what == "sourcetype" else _NOISE
        found = _once(tuple(_suggested(name, tables, scope, common)), scope, term.span)
        if found:
            listed = ", ".join(t.tags.get("sourcetype") or t.name for t in found)
            fix = Fix(term.span, f'sourcetype="{found[0].tags["sourcetype"]}"', "name the sourcetype") if found[0].tags.get("sourcetype") else None
            scope.warn("W157", f"no {what} is named {name!r}: read as {listed}, which its name and the fields used suggest", term.span, fix=fix)
            return [Facts(t, named=True) for t in found]
    known = [t.name for t in tables if not t.vendor] + [t.tags["sourcetype"] for t in tables if "sourcetype" in t.tags]
    absent = _absent(terms, known)
    if absent is not None:
        word, place = absent
        message = f"no events of {place.field.text} {word!r} are here, so this finds nothing, as in Splunk"
        scope.warn("W155", message, place.span, help=f"load them as a table, with index=NAME in the search; {_known(tables)}")
        return []
    meant = nearest(name, known)
    help = f"did you mean {meant!r}?" if meant else _known(tables)
    scope.context.diagnostics.error("E101", f"no {what} is named {name!r}", term.span, help=help)
    return []


def _absent(terms: list[s.Comparison], known: list[str]) -> tuple[str, s.Comparison] | None:
    """Return the name and term of logs that are not read here; None where an index is asked for, or a sourcetype that may be mistyped."""
    asked = [(t.value.text, t) for t in terms if t.field.text in ("sourcetype", "source") and isinstance(t.value, s.Word)]
    return None if any(t.field.text == "sourcetype" and mistyped(x, known) for x, t in asked) else next(iter(asked), None)


def _suggested(name: str, tables: tuple[Table, ...], scope: Scope, common: frozenset[str]) -> list[Table]:
    """Return the tables that share most words with a name, those in common use left out, and then most fields with the search."""
    words = set(_WORD.findall(name.lower())) - common
    folded = {m.casefold() for m in scope.mentions}

    def score(table: Table) -> tuple[int, int]:
        own = set(_WORD.findall(" ".join((table.name, table.title, *table.tags.values())).lower())) - common
        return len(words & own), sum(f.name.casefold() in folded for f in table.schema)

    scored = [(score(t), t) for t in tables]
    best = max((x for x, _ in scored), default=(0, 0))
    return [t for x, t in scored if x == best] if best[0] > 0 else []
