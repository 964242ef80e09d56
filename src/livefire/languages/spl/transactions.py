"""transaction: events that belong together become one row.

Events are met newest first; an event that matches `endswith` opens a transaction, one that matches
`startswith` closes it, and so do a pause, a span or a number of events beyond the bounds.
https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/Transaction
"""

from __future__ import annotations

from dataclasses import dataclass

from livefire.languages.spl import nodes as s
from livefire.languages.spl.charts import read_span
from livefire.languages.spl.evaluating import Evaluator
from livefire.languages.spl.frame import RAW, TIME, Frame
from livefire.languages.spl.rows import numbered
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.searching import Searcher
from livefire.languages.spl.values import is_multi, is_null, not_null, number_of, only_of, text_of, tidy
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.expr import Case, Expr, SortKey
from livefire.plan.functions import aggregate, all_of, any_of, call, window
from livefire.schema import Type

_OPTIONS = (
    "maxspan", "maxpause", "maxevents", "connected", "unifyends", "keeporphans", "keepevicted", "mvlist", "delim", "nullstr", "mvraw",
    "maxopentxn", "maxopenevents",
)  # fmt: skip
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_EVENTS = 1000


@dataclass(frozen=True, slots=True)
class Bounds:
    """What ends a transaction beside its first and last event: microseconds and a number of events, None for no bound."""

    span: int | None
    pause: int | None
    events: int


def lower_transaction(node: s.Transaction, frame: Frame, scope: Scope) -> Frame:
    """Return one row a transaction, the newest first."""
    scope.known("transaction", node.options, *_OPTIONS, refused=("name",))
    for name in ("keeporphans", "unifyends"):
        if scope.flag(node.options, name):
            scope.refuse("E304", f"transaction {name}=true is not run", node.span, help="leave it out")
    bounds = Bounds(_micros("maxspan", node, scope), _micros("maxpause", node, scope), scope.whole(node.options, "maxevents", _EVENTS) or _EVENTS)
    if not frame.has(TIME) or frame.column(TIME).type is not Type.DATETIME:
        if not frame.wild:
            scope.refuse("E102", "transaction needs the time of each event, and these rows have none", node.span, help="keep _time before it")
        return _unknown(node, frame)
    starts, ends = _edge(node.starts, frame, scope), _edge(node.ends, frame, scope)
    keys = [only_of(scope.field(frame, x), "transaction") for x in node.names]
    frame = _belonging(frame, keys, node)
    rows, made = _parted(frame, keys, starts, ends, bounds, node, scope)
    return _merged(rows, frame, made, node, scope)


def _unknown(node: s.Transaction, frame: Frame) -> Frame:
    """Nobody knows the fields: the rows as they are, with the fields that transaction adds."""
    return frame.extended(n.Item("duration", e.null(Type.REAL)), n.Item("eventcount", e.null(Type.LONG)), span=node.span)


def _micros(name: str, node: s.Transaction, scope: Scope) -> int | None:
    option = next((o for o in reversed(node.options) if o.name == name), None)
    if option is None or option.value.text == "-1":
        return None
    count, unit = read_span(option, scope)
    if unit not in _UNITS:
        scope.refuse("E206", f"{name} is a number of seconds, minutes, hours or days", option.value.span)
    return int(count * _UNITS[unit] * 1_000_000)


def _edge(condition: s.Condition | None, frame: Frame, scope: Scope) -> Expr | None:
    if condition is None:
        return None
    if isinstance(condition, s.Comparison) and condition.operator == "eval" and not isinstance(condition.value, s.Word):
        found = Evaluator(scope, frame).condition(condition.value)
    else:
        found = Searcher(scope, frame).predicate(condition)
    return call("logic.is_true", found)


def _belonging(frame: Frame, keys: list[Expr], node: s.Transaction) -> Frame:
    """Return the events that have the fields; one that has some of several ends the run, for it may join on those alone."""
    if not keys:
        return frame
    missing = [is_null(k) for k in keys]
    kept: Expr = all_of(*(not_null(k) for k in keys))
    if len(keys) > 1:
        message = "SPL: transaction: an event has some of the fields and lacks others, and such events are not joined here; filter on the fields first"
        partly = call("logic.and", any_of(*missing), any_of(*(not_null(k) for k in keys)))
        kept = Case(((call("logic.fail_if", partly, e.text(message)), e.FALSE),), kept, Type.BOOL)
    return frame.filtered(kept, node.span)


def _parted(
    frame: Frame, keys: list[Expr], starts: Expr | None, ends: Expr | None, bounds: Bounds, node: s.Transaction, scope: Scope
) -> tuple[n.Plan, dict[str, str]]:
    """Return the events with the columns that tell their transaction; the dict names them."""
    frame, row = numbered(frame, (), scope)
    frame, place = numbered(frame, (), scope, order=(SortKey(frame.column(TIME), descending=True), SortKey(frame.column(row))))
    made = {"place": place, **{x: scope.name(x) for x in ("start", "end", "micros", "newer", "closed", "run", "within", "chunk")}}
    named = {f"key{i}": scope.name("key") for i in range(len(keys))}
    plan: n.Plan = n.extend(
        frame.plan,
        *(n.Item(column, key) for column, key in zip(named.values(), keys, strict=True)),
        n.Item(made["start"], _flag(starts)),
        n.Item(made["end"], _flag(ends)),
        n.Item(made["micros"], call("time.to_epoch", frame.column(TIME), e.text("us"))),
    )
    by = tuple(n.column(plan, x) for x in named.values())
    order = (SortKey(n.column(plan, place)),)
    micros = n.column(plan, made["micros"])
    plan = n.Window(
        plan,
        (
            n.Item(made["newer"], window("window.previous", micros, type=Type.LONG, partition_by=by, order_by=order)),
            n.Item(made["closed"], window("window.previous", n.column(plan, made["start"]), type=Type.LONG, partition_by=by, order_by=order)),
        ),
        node.span,
    )
    breaks = [call("compare.eq", n.column(plan, made["end"]), e.whole(1)), call("compare.eq", n.column(plan, made["closed"]), e.whole(1))]
    if bounds.pause is not None:
        gap = call("number.subtract", n.column(plan, made["newer"]), micros, type=Type.LONG)
        breaks.append(call("compare.gt", gap, e.whole(bounds.pause)))
    broken = Case(((any_of(*(call("logic.is_true", b) for b in breaks)), e.whole(1)),), e.whole(0), Type.LONG)
    plan = n.Window(plan, (n.Item(made["run"], window("agg.sum", broken, type=Type.LONG, partition_by=by, order_by=order, frame=(None, 0))),))
    runs = (*(n.column(plan, x) for x in named.values()), n.column(plan, made["run"]))
    return _chunked(plan, runs, made, bounds), {**made, **named}


def _flag(condition: Expr | None) -> Expr:
    return Case(((condition, e.whole(1)),), e.whole(0), Type.LONG) if condition is not None else e.whole(0)


def _chunked(plan: n.Plan, runs: tuple[e.Column, ...], made: dict[str, str], bounds: Bounds) -> n.Plan:
    """Return the events with the number of the chunk that maxspan and maxevents cut each run into, newest event first."""
    order = (SortKey(n.column(plan, made["place"])),)
    if bounds.span is None:
        plan = n.Window(plan, (n.Item(made["within"], window("window.row_number", type=Type.LONG, partition_by=runs, order_by=order)),))
        before = call("number.subtract", n.column(plan, made["within"]), e.whole(1), type=Type.LONG)
        return n.extend(plan, n.Item(made["chunk"], call("number.divide_whole", before, e.whole(bounds.events))))
    micros, place = n.column(plan, made["micros"]), n.column(plan, made["place"])
    lists = (n.Item("times", aggregate("agg.list", micros, order_by=order)), n.Item("places", aggregate("agg.list", place, order_by=order)))
    listed = n.Aggregate(plan, tuple(n.Item(f"run{i}", x) for i, x in enumerate(runs)), lists)
    chunks = call("array.chunks", n.column(listed, "times"), e.whole(bounds.span), e.whole(bounds.events))
    numbered_runs = n.Project(listed, (n.Item("chunks", chunks), n.Item("places", n.column(listed, "places"))))
    spread = n.Unnest(numbered_runs, n.column(numbered_runs, "places"), "which", index="at")
    chunk = call("dynamic.long", call("dynamic.element", n.column(spread, "chunks"), n.column(spread, "at")))
    found = n.Project(spread, (n.Item(made["chunk"], chunk), n.Item(made["within"], call("dynamic.long", n.column(spread, "which")))))
    return n.Join(plan, found, "inner", call("compare.eq", place, n.column(found, made["within"])))


def _merged(plan: n.Plan, frame: Frame, made: dict[str, str], node: s.Transaction, scope: Scope) -> Frame:
    """Return one row for the events of each transaction."""
    place = n.column(plan, made["place"])
    keys = tuple(n.Item(made[x], n.column(plan, made[x])) for x in made if x.startswith("key") or x in ("run", "chunk"))
    time = n.column(plan, TIME)
    low, high, count, first, last = (scope.name(x) for x in ("low", "high", "count", "first", "last"))
    items = [
        n.Item(low, aggregate("agg.min", time)),
        n.Item(high, aggregate("agg.max", time)),
        n.Item(count, aggregate("agg.count")),
        n.Item(first, aggregate("agg.arg_max", n.column(plan, made["start"]), place)),
        n.Item(last, aggregate("agg.arg_min", n.column(plan, made["end"]), place)),
    ]
    fields = [x for x in frame.known if x != TIME and not x.startswith("\x02")]
    shown = {x: scope.name("field") for x in fields}
    items += [n.Item(column, _gathered(x, n.column(plan, x), place, node, scope)) for x, column in shown.items()]
    merged: n.Plan = n.Aggregate(plan, keys, tuple(items), node.span)
    closed = [call("compare.eq", n.column(merged, x), e.whole(1)) for x, edge in ((first, node.starts), (last, node.ends)) if edge is not None]
    kept = scope.flag(node.options, "keepevicted")
    if closed and not kept:
        merged = n.Filter(merged, all_of(*closed), node.span)
    merged = n.Sort(merged, (SortKey(n.column(merged, high), descending=True),))
    duration = call("number.subtract", number_of(n.column(merged, high)), number_of(n.column(merged, low)), type=Type.REAL)
    output = [n.Item(TIME, n.column(merged, low)), *(n.Item(x, n.column(merged, column)) for x, column in shown.items())]
    output += [n.Item("duration", duration), n.Item("eventcount", n.column(merged, count))]
    if closed and kept:
        output.append(n.Item("closed_txn", Case(((all_of(*closed), e.whole(1)),), e.whole(0), Type.LONG)))
    named = {i.name: i for i in output}
    return Frame(n.Project(merged, tuple(named.values()), node.span), frame.quiet, frame.closed, frame.wild)


def _gathered(name: str, value: Expr, place: Expr, node: s.Transaction, scope: Scope) -> Expr:
    """Return the values of a field in all events: each once in order of text, or with mvlist all in order of time."""
    oldest_first = (SortKey(place, descending=True),)
    if name == RAW and not scope.flag(node.options, "mvraw"):
        delimiter = scope.option(node.options, "delim", "\n")
        return call("text.join", aggregate("agg.list", text_of(value), order_by=oldest_first), e.text(delimiter))
    if _listed(name, node, scope) and name not in {x.text for x in node.names}:
        missing = e.text(scope.option(node.options, "nullstr", "NULL"))
        return aggregate("agg.list", call("logic.coalesce", text_of(only_of(value, "transaction mvlist")), missing), order_by=oldest_first)
    if is_multi(value):
        return tidy(call("array.sorted_text", aggregate("agg.union_arrays", value), e.FALSE))
    return tidy(aggregate("agg.set_sorted", text_of(value)))


def _listed(name: str, node: s.Transaction, scope: Scope) -> bool:
    said = scope.option(node.options, "mvlist", "false")
    if said.lower() in ("true", "t", "1", "false", "f", "0"):
        return scope.flag(node.options, "mvlist")
    return name in said.replace(",", " ").split()
